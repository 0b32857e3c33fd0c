"""Tiers (S21-S24): windows, what a window supports, what is reached, reviews, returns.

An account has a standing: computed_tier, computed_last_day (its last day, None: no end), reached_on,
and what it falls back to if a return takes away what the running window gave: before_tier, before_last_day.
Its tallies are {(happened_on, activity, counts_from): (times, points, spend)}; what a day knows of
them are those that count from that day or earlier.
"""
from fractions import Fraction
from typing import NamedTuple

import dates

BELOW_ALL = -10 ** 9
FIRST, FINAL = -0x7FFFFFFF, 0x7FFFFFFF          # the window of a lifetime


class Grant(NamedTuple):
    seq: int
    tier: str
    first: int
    until: int                                  # NEVER: no end


def rank(program, code):
    """None, no tier, is below all."""
    return BELOW_ALL if code is None else program.tiers[code]['rank']


def higher(program, one, other):
    return one if rank(program, one) >= rank(program, other) else other


# ---------------------------------------------------------------- windows (S21)

def window(program, account, day):
    """First and last day of the window that contains a day; rolling: of the one that ends on it."""
    kind = program.tier_window
    if kind == 'lifetime':
        return FIRST, FINAL
    if kind == 'rolling':
        return dates.add_months(day, -program.tier_months) + 1, day
    if kind == 'calendar year':
        year = dates.date_of(day).year
        return dates.day(f'{year:04}-01-01'), dates.day(f'{year:04}-12-31')
    opened = account.zone.day_of(account.opened_at)
    n = dates.date_of(day).year - dates.date_of(opened).year
    if dates.add_months(opened, 12 * n) > day:
        n -= 1
    return dates.add_months(opened, 12 * n), dates.add_months(opened, 12 * (n + 1)) - 1


def end_of_term(program, account, day):
    """The end of the tier_term-th window after the one that contains the day, and the grace (S23)."""
    last = window(program, account, day)[1]
    for _ in range(program.tier_term):
        last = window(program, account, last + 1)[1]
    return last + program.tier_grace_days


def until(program, account, code, day):
    """The last day of a tier that was reached on a day; None: no end."""
    if code is None or program.tier_window == 'lifetime' or not thresholds(program.tiers[code]):
        return None
    if program.tier_window == 'rolling':
        return dates.add_months(day, program.tier_months) + program.tier_grace_days
    return end_of_term(program, account, day)


# ---------------------------------------------------------------- what a window supports

def metrics(account, first, last, today):
    """S21: over the days first to last, what counts by today."""
    found = dict(points=0, spend=0, orders=0, activities=0, balance=account.balance)
    for (happened_on, activity, counts_from), (times, points, spend) in account.tallies.items():
        if first <= happened_on <= last and counts_from <= today:
            found['points'] += points
            found['spend'] += spend
            if activity == 'purchase':
                found['orders'] += times
            elif activity != 'award':
                found['activities'] += times
    return found


def thresholds(tier):
    return {name: Fraction(str(tier[name])) for name in ('points', 'spend', 'orders', 'activities', 'balance')
            if tier[name] is not None}


def is_met(tier, figures):
    if tier['by_grant']:
        return False
    met = [figures[name] >= least for name, least in thresholds(tier).items()]
    return all(met) if tier['needs'] == 'all' or not met else any(met)


def supported(program, account, first, last, today):
    """The highest tier whose thresholds are met; None where none is."""
    if not program.tiers:
        return None
    figures = metrics(account, first, last, today)
    met = [code for code, tier in program.tiers.items() if is_met(tier, figures)]
    return max(met, key=lambda code: rank(program, code), default=None)


def adds(account, tier, day, today):
    """S23: did what stands of a day and counts add to one of the tier's own metrics?"""
    figures = metrics(account, day, day, today)
    own = thresholds(tier)
    return any(figures['points' if name == 'balance' else name] > 0 for name in own)


def reached_on_day(program, account, day, today):
    """The highest tier that a day reaches; where the window rolls, something of that day adds to it."""
    if program.tier_window != 'rolling':
        return supported(program, account, *window(program, account, day), today)
    figures = metrics(account, *window(program, account, day), today)
    met = [code for code, tier in program.tiers.items()
           if is_met(tier, figures) and (not thresholds(tier) or adds(account, tier, day, today))]
    return max(met, key=lambda code: rank(program, code), default=None)


def supported_now(program, account, today):
    return supported(program, account, *window(program, account, today), today)


# ---------------------------------------------------------------- reaching (S22)

class Reached(NamedTuple):
    """A tier, the day on which it was reached, and to when it lasts."""
    tier: str
    on: int
    until: int

    def order(self, program):
        return rank(program, self.tier), FINAL if self.until is None else self.until, self.on


def reached(program, account, day, today):
    """The best tier that is supported now that an event of a day has become known, or None (D25, D26)."""
    ends = [day]
    if day < today and program.tier_window == 'rolling':        # every window, from its day on, that ends on
        ends = {h for (h, _, counts_from), row in account.tallies.items()       # a day of which anything counts
                if h >= day and counts_from <= today and any(row)}
    found = [reach(program, account, today, end, reached_on_day(program, account, end, today)) for end in ends]
    best = max(filter(None, found), key=lambda r: r.order(program), default=None)
    if day < today:
        running = reach(program, account, today, today)
        if running and rank(program, running.tier) > max(rank(program, account.computed_tier),
                                                         rank(program, best and best.tier)):
            best = running
    return best


def reach(program, account, today, on, code=...):
    """What the window of a day supports by today (or a given tier), unless that has passed; None: nothing."""
    if code is ...:
        code = supported(program, account, *window(program, account, on), today)
    found = Reached(code, on, until(program, account, code, on))
    return None if code is None or found.until is not None and found.until < today else found


# ---------------------------------------------------------------- reviews (S23)

def review(program, account, today):
    """(tier, until, reached_on) after the review on `today`, the day after the last one."""
    rolling = program.tier_window == 'rolling'
    read = today if rolling else window(program, account, today)[0] - 1     # a day of the window to read
    held = account.computed_tier
    stands = supported(program, account, *window(program, account, read), today)
    if rank(program, stands) >= rank(program, held):
        tier = stands
    elif program.tier_review == 'keep':
        tier = held
    else:
        floor = program.tiers[held]['floor']
        if floor and program.tiers[floor]['by_grant']:
            floor = None
        least = higher(program, stands, floor) if floor else stands
        if program.tier_review == 'step':
            below = [code for code in program.tiers
                     if rank(program, code) < rank(program, held) and not program.tiers[code]['by_grant']]
            next_lower = max(below, key=lambda code: rank(program, code), default=None)
            least = higher(program, next_lower, least)
        tier = held if rank(program, least) > rank(program, held) else least
    ends = until(program, account, tier, read)
    if rolling:
        return tier, ends, today
    running = reach(program, account, today, today)             # in days of grace: the running window (D28)
    if running and (rank(program, running.tier) > rank(program, tier)
                    or running.tier == tier and lasts_longer(running.until, ends)):
        return running.tier, running.until, today
    return tier, ends, account.reached_on


def lasts_longer(one, other):
    """Is one end later than the other? None: no end."""
    return other is not None and (one is None or one > other)


# ---------------------------------------------------------------- returns (S23)

def after_return(program, account, day, today):
    """(tier, until) after a return of an event of `day`, or None: what the running window gave falls at once,
    not below the tier held before it."""
    if program.tier_on_return != 'recompute' or account.computed_tier is None:
        return None
    if program.tier_window == 'rolling':
        return after_return_rolling(program, account, day, today)
    first, last = window(program, account, today)
    given_here = first <= account.reached_on <= last
    held, before = account.computed_tier, account.before_tier
    stands = supported(program, account, first, last, today)
    if not first <= day <= last or not given_here or rank(program, stands) >= rank(program, held):
        return None
    if stands is not None and rank(program, stands) >= rank(program, before):
        after = stands, until(program, account, stands, today)
    else:
        ends = account.before_last_day
        after = before, None if ends is None else max(ends, today)
    return None if after == (held, account.computed_last_day) else after


def after_return_rolling(program, account, event_on, today):
    """(tier, until, reached_on) or None: when the tier that is held, or the best beneath it, was last reached,
    by all that still stands, and lasts to today."""
    held = Reached(account.computed_tier, account.reached_on, account.computed_last_day)
    balances = any(tier['balance'] is not None for tier in program.tiers.values())
    first, last = window(program, account, account.reached_on)
    if not balances and not first <= event_on <= last:          # it had no part in it
        return None
    found = []
    for day in {h for h, _, _ in account.tallies if h <= today} | {today}:
        code = reached_on_day(program, account, day, today)
        if rank(program, code) > rank(program, held.tier):      # a return lifts nobody
            code = held.tier
        found.append(reach(program, account, today, day, code))
    best = max(filter(None, found), key=lambda r: r.order(program), default=None)
    running = reach(program, account, today, today)             # by a balance, which is of no day
    if running and rank(program, running.tier) > rank(program, best and best.tier):
        best = running
    if account.before_tier is not None:                         # if that is over, its review is due
        ends = account.before_last_day
        before = Reached(account.before_tier, account.reached_on, None if ends is None else max(ends, today))
        if best is None or before.order(program)[:2] > best.order(program)[:2]:
            best = before
    if best is None:
        return None, None, account.reached_on
    return None if best.order(program)[:2] >= held.order(program)[:2] else (best.tier, best.until, best.on)
