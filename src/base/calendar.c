/*
 * calendar.c
 *	  Days of a program's time zone, by PostgreSQL's own zone data.
 */
#include "calendar.h"

#include "utils/builtins.h"
#include "utils/datetime.h"

#define DAYS_FROM_UNIX_EPOCH (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)
#define CACHED_STARTS 512		/* a power of two */

/* What is known of a zone's days.  Pure facts, so nothing invalidates them. */
typedef struct DayStart
{
	pg_tz	   *zone;
	DateADT		day;
	TimestampTz start;
} DayStart;

static DayStart day_starts[CACHED_STARTS];

/*
 * Find a zone by its name in the zone database; NULL if there is none.
 * POSIX specifications ('EST5EDT4', '+8') are not names: they are refused,
 * but for those that the database lists.
 */
pg_tz *
calendar_zone(const char *name)
{
	pg_tz	   *zone;

	if (strcmp(name, "UTC") != 0 && strcmp(name, "GMT") != 0 && strchr(name, '/') == NULL)
		return NULL;
	if (strlen(name) > TZ_STRLEN_MAX || strpbrk(name, "0123456789<>,") != NULL)
		if (strncmp(name, "Etc/", 4) != 0)
			return NULL;
	zone = pg_tzset(name);
	if (zone == NULL || !pg_tz_acceptable(zone))
		return NULL;
	return zone;
}

static TimestampTz
from_unix(pg_time_t seconds)
{
	return (seconds - (pg_time_t) DAYS_FROM_UNIX_EPOCH * SECS_PER_DAY) * USECS_PER_SEC;
}

/* Convert an instant to whole seconds since 1970, rounded down. */
static pg_time_t
to_unix(TimestampTz instant)
{
	int64		seconds = instant / USECS_PER_SEC;

	if (instant % USECS_PER_SEC < 0)
		seconds--;
	return seconds + (pg_time_t) DAYS_FROM_UNIX_EPOCH * SECS_PER_DAY;
}

/*
 * Walk the zone's stretches of constant offset from two days before the
 * nominal midnight to the first that reaches it.
 */
static TimestampTz
find_day_start(DateADT day, pg_tz *zone)
{
	pg_time_t	midnight = ((pg_time_t) day + DAYS_FROM_UNIX_EPOCH) * SECS_PER_DAY;
	pg_time_t	from = midnight - 2 * SECS_PER_DAY;

	for (;;)
	{
		long		offset;
		long		next_offset;
		int			is_dst;
		int			next_is_dst;
		pg_time_t	boundary;
		pg_time_t	start;
		int			found = pg_next_dst_boundary(&from, &offset, &is_dst, &boundary,
												 &next_offset, &next_is_dst, zone);

		if (found < 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("date out of range for the program's time zone")));
		start = Max(from, midnight - offset);
		if (found == 0 || start < boundary)
			return from_unix(start);
		from = boundary;
	}
}

/* The first instant of a day; the ends of time for infinite ones. */
TimestampTz
calendar_day_start(DateADT day, pg_tz *zone)
{
	DayStart   *cached;

	if (day >= LOYALTY_DATE_NOEND)
		return DT_NOEND;
	cached = &day_starts[((uint32) day ^ ((uintptr_t) zone >> 6)) % CACHED_STARTS];
	if (cached->zone != zone || cached->day != day)
	{
		cached->zone = NULL;
		cached->start = find_day_start(day, zone);
		cached->day = day;
		cached->zone = zone;
	}
	return cached->start;
}

/* The first instant after a day. */
TimestampTz
calendar_day_end(DateADT day, pg_tz *zone)
{
	return day >= LOYALTY_DATE_NOEND ? DT_NOEND : calendar_day_start(day + 1, zone);
}

/* The last day that has begun at an instant. */
DateADT
calendar_day_of(TimestampTz instant, pg_tz *zone)
{
	pg_time_t	seconds = to_unix(instant);
	struct pg_tm *local = pg_localtime(&seconds, zone);
	DateADT		day;

	if (local == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	day = date2j(local->tm_year + 1900, local->tm_mon + 1, local->tm_mday) - POSTGRES_EPOCH_JDATE;
	/* where the clock was put back over midnight the next day has begun */
	if (calendar_day_start(day + 1, zone) <= instant)
		day++;
	return day;
}

int
calendar_year_of(DateADT day)
{
	int			year,
				month,
				mday;

	calendar_ymd(day, &year, &month, &mday);
	return year;
}

void
calendar_ymd(DateADT date, int *year, int *month, int *day)
{
	j2date(date + POSTGRES_EPOCH_JDATE, year, month, day);
}

/* A date that must exist, its day clamped to the month's last. */
DateADT
calendar_date(int year, int month, int day)
{
	int			last;

	if (year < CALENDAR_FIRST_YEAR || year > CALENDAR_LAST_YEAR)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("date out of range: year %d", year),
				 errdetail("Dates must be within the years %d to %d.",
						   CALENDAR_FIRST_YEAR, CALENDAR_LAST_YEAR)));
	last = day_tab[isleap(year)][month - 1];
	return date2j(year, month, Min(day, last)) - POSTGRES_EPOCH_JDATE;
}

/* Is an instant well within the years that dates may have, in whatever zone? */
bool
calendar_instant_in_range(TimestampTz instant)
{
	return !TIMESTAMP_NOT_FINITE(instant) && IS_VALID_TIMESTAMP(instant) &&
		calendar_date_in_range((DateADT) (instant / USECS_PER_DAY) - 2) &&
		calendar_date_in_range((DateADT) (instant / USECS_PER_DAY) + 2);
}

/* Print a date in range; text has room for CALENDAR_ISO_LENGTH + 1. */
void
calendar_print(DateADT day, char *text)
{
	int			year,
				month,
				mday;

	Assert(calendar_date_in_range(day));
	Assert(CALENDAR_FIRST_DAY == date2j(CALENDAR_FIRST_YEAR, 1, 1) - POSTGRES_EPOCH_JDATE);
	Assert(CALENDAR_LAST_DAY == date2j(CALENDAR_LAST_YEAR, 12, 31) - POSTGRES_EPOCH_JDATE);
	calendar_ymd(day, &year, &month, &mday);
	(void) pg_ultostr_zeropad(text, (uint32) year, 4);
	text[4] = '-';
	(void) pg_ultostr_zeropad(text + 5, (uint32) month, 2);
	text[7] = '-';
	(void) pg_ultostr_zeropad(text + 8, (uint32) mday, 2);
	text[CALENDAR_ISO_LENGTH] = '\0';
}

/* Read exactly what calendar_print writes; text need not end there. */
bool
calendar_parse(const char *text, DateADT *day)
{
	static const char *const shape = "dddd-dd-dd";
	int			year,
				month,
				mday;

	for (int i = 0; i < CALENDAR_ISO_LENGTH; i++)
		if (shape[i] == 'd' ? !isdigit((unsigned char) text[i]) : text[i] != shape[i])
			return false;
	year = atoi(text);
	month = atoi(text + 5);
	mday = atoi(text + 8);
	if (year < CALENDAR_FIRST_YEAR || month < 1 || month > MONTHS_PER_YEAR ||
		mday < 1 || mday > day_tab[isleap(year)][month - 1])
		return false;
	*day = date2j(year, month, mday) - POSTGRES_EPOCH_JDATE;
	return true;
}

/* Some months later, or earlier where negative, on the same day or the month's last. */
DateADT
calendar_add_months(DateADT from, int months)
{
	int			year,
				month,
				day;

	calendar_ymd(from, &year, &month, &day);
	months += year * MONTHS_PER_YEAR + month - 1;
	return calendar_date(months / MONTHS_PER_YEAR, months % MONTHS_PER_YEAR + 1, day);
}
