"""Periods of local days, and windows in which tiers are earned (S21, S25). Days are numbers as in model.py."""
import datetime as dt

import dates

NAMES = ['day', 'week', 'month', 'year', 'ever']        # shortest first
ALWAYS = -0x7FFFFFFF                                    # the first day of 'ever'


def start(period, day):
    """The first day of the period that a day is in."""
    if period == 'ever':
        return ALWAYS
    date = dates.date_of(day)
    if period == 'week':
        return day - (date.isoweekday() - 1)            # from Monday
    return {'day': day, 'month': dates.number(date.replace(day=1)),
            'year': dates.number(dt.date(date.year, 1, 1))}[period]


def end(period, day):
    """The last day of that period."""
    if period == 'ever':
        return -ALWAYS
    first = start(period, day)
    return {'day': first, 'week': first + 6, 'month': dates.add_months(first, 1) - 1,
            'year': dates.add_months(first, 12) - 1}[period]
