/*
 * calendar.h
 *	  Days of a program's time zone.
 *
 * A day begins at the first instant whose local date is that day or later
 * (S8), so that clock changes at midnight neither lose nor repeat a day.
 * Dates go out and come in as ISO 8601, whatever DateStyle says.
 */
#ifndef CALENDAR_H
#define CALENDAR_H

#include "loyalty.h"
#include "pgtime.h"

/* From here on a date stands for an end that is no date (lots.h) */
#define LOYALTY_DATE_NOEND ((DateADT) (PG_INT32_MAX - 1))

extern pg_tz *calendar_zone(const char *name);
extern TimestampTz calendar_day_start(DateADT day, pg_tz *zone);
extern TimestampTz calendar_day_end(DateADT day, pg_tz *zone);
extern DateADT calendar_day_of(TimestampTz instant, pg_tz *zone);
extern int	calendar_year_of(DateADT day);

/* Dates as the extension bounds and prints them */
#define CALENDAR_ISO_LENGTH 10	/* "2026-06-30" */
#define CALENDAR_FIRST_YEAR 1
#define CALENDAR_LAST_YEAR 9999
#define CALENDAR_FIRST_DAY ((DateADT) -730119)	/* 0001-01-01 */
#define CALENDAR_LAST_DAY ((DateADT) 2921939)	/* 9999-12-31 */

static inline bool
calendar_date_in_range(DateADT day)
{
	return day >= CALENDAR_FIRST_DAY && day <= CALENDAR_LAST_DAY;
}

extern bool calendar_instant_in_range(TimestampTz instant);
extern void calendar_print(DateADT day, char *text);
extern bool calendar_parse(const char *text, DateADT *day);
extern DateADT calendar_add_months(DateADT from, int months);
extern DateADT calendar_date(int year, int month, int day);
extern void calendar_ymd(DateADT date, int *year, int *month, int *day);

#endif							/* CALENDAR_H */
