/*
 * period.h
 *	  Periods of caps and windows of tiers: from a local day to the first and
 *	  last day of what it lies in (S21, S25).
 *
 * Pure: no catalog, no table, no clock.
 */
#ifndef PERIOD_H
#define PERIOD_H

#include "loyalty.h"

typedef enum Period
{
	PERIOD_DAY,
	PERIOD_WEEK,				/* from Monday */
	PERIOD_MONTH,
	PERIOD_YEAR,
	PERIOD_EVER,
	PERIODS
} Period;

/* A span of days, both ends included; DATEVAL_NOBEGIN and DATEVAL_NOEND for none. */
typedef struct Span
{
	DateADT		first;
	DateADT		last;
} Span;

extern const char *const period_labels[PERIODS];
extern Period period_of(const char *label);
extern Span period_around(Period period, DateADT day);
extern Span year_around(DateADT day);
extern Span anniversary_year_around(DateADT joined_on, DateADT day);

#define span_contains(span, day) ((day) >= (span).first && (day) <= (span).last)

#endif							/* PERIOD_H */
