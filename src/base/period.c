/*
 * period.c
 *	  Days, weeks, months and years around a day.
 */
#include "period.h"

#include "utils/datetime.h"

#include "calendar.h"
#include "label.h"

const char *const period_labels[PERIODS] = {"day", "week", "month", "year", "ever"};

/* The period of a label; PERIODS if there is none of that name. */
Period
period_of(const char *label)
{
	int			period = label_place(label, period_labels, PERIODS);

	return period < 0 ? PERIODS : period;
}

/* The calendar year of a day. */
Span
year_around(DateADT day)
{
	int			year = calendar_year_of(day);

	return (Span) {calendar_date(year, 1, 1), calendar_date(year, 12, 31)};
}

static Span
month_around(DateADT day)
{
	int			year;
	int			month;
	int			mday;
	DateADT		first;

	calendar_ymd(day, &year, &month, &mday);
	first = day - (mday - 1);
	return (Span) {first, calendar_add_months(first, 1) - 1};
}

/* The week of a day, from Monday to Sunday. */
static Span
week_around(DateADT day)
{
	DateADT		monday = day - (j2day(day + POSTGRES_EPOCH_JDATE) + 6) % 7;

	return (Span) {monday, monday + 6};
}

/* The period that a day lies in. */
Span
period_around(Period period, DateADT day)
{
	switch (period)
	{
		case PERIOD_DAY:
			return (Span) {day, day};
		case PERIOD_WEEK:
			return week_around(day);
		case PERIOD_MONTH:
			return month_around(day);
		case PERIOD_YEAR:
			return year_around(day);
		default:
			return (Span) {DATEVAL_NOBEGIN, DATEVAL_NOEND};
	}
}

/* The year from one anniversary to the day before the next; months clamp. */
Span
anniversary_year_around(DateADT joined_on, DateADT day)
{
	int			years = calendar_year_of(day) - calendar_year_of(joined_on);
	Span		span;

	if (calendar_add_months(joined_on, 12 * years) > day)
		years--;
	span.first = calendar_add_months(joined_on, 12 * years);
	span.last = calendar_add_months(joined_on, 12 * (years + 1)) - 1;
	return span;
}
