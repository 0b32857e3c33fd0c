/*
 * expiry.h
 *	  Expiry policies (S8): from the day that points become usable to the
 *	  last day on which they are.
 *
 * Pure: no catalog, no table, no clock.
 */
#ifndef EXPIRY_H
#define EXPIRY_H

#include "loyalty.h"

typedef enum ExpiryBase
{
	EXPIRY_NEVER = 0,
	EXPIRY_DAYS = 1,			/* N days after the first day */
	EXPIRY_MONTHS = 2,			/* N months after it, clamped */
	EXPIRY_YEAR_END = 3,		/* 31 December of the N-th year after */
	EXPIRY_EACH = 4,			/* the next of given dates, on or after */
	EXPIRY_INACTIVE = 5			/* N months after the account's last activity */
} ExpiryBase;

typedef enum ExpiryRound
{
	ROUND_NOT = 0,
	ROUND_MONTH = 1,			/* up to the end of the month, ... */
	ROUND_QUARTER = 2,
	ROUND_HALF_YEAR = 3,
	ROUND_YEAR = 4,
	ROUND_NEXT = 5				/* up to the next of given dates */
} ExpiryRound;

#define EXPIRY_MAX_DATES 12
#define EXPIRY_MAX_DAYS 36600
#define EXPIRY_MAX_MONTHS 1200

/* A day of every year; 02-29 is the last day of February. */
typedef struct YearDay
{
	uint8		month;
	uint8		day;
} YearDay;

/* The stored form; all of it bytes but for n, in native byte order. */
typedef struct Expiry
{
	int32		vl_len_;
	uint8		base;
	uint8		round;
	uint8		ndates;
	uint8		reserved;
	int32		n;
	YearDay		dates[FLEXIBLE_ARRAY_MEMBER];
} Expiry;

/* A stored policy; refused if it is damaged. */
extern Expiry *DatumGetExpiry(Datum stored);

extern DateADT expiry_last_day(const Expiry *policy, DateADT first_day);
extern char *expiry_text(const Expiry *policy);
extern bool expiry_is_sound(const Expiry *policy);
extern bool expiry_is_text(const char *text);

#endif							/* EXPIRY_H */
