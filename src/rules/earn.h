/*
 * earn.h
 *	  How much an event earns: rules, stacking, rounding and caps (S2-S4, S25).
 *
 * Points are worked out cell by cell: a cell is one part on one line, or on
 * the order as a whole, which is the last cell of a part.
 */
#ifndef EARN_H
#define EARN_H

#include "loyalty.h"

#include "rule_row.h"
#include "usage.h"

/* The share of an award that one rule gave. */
typedef struct Part
{
	const Rule *rule;			/* NULL: the program's rate, or the tier's multiplier */
	const Tier *tier;			/* ... the tier's */
	int64	   *points;			/* by cell, as given */
	int64		computed;
	int64		given;
	const Expiry *expiry;
	int			pending_days;	/* or PENDING_UNCONFIRMED */
} Part;

/* Why a rule does not apply, in the order of asking. */
typedef enum Miss
{
	MISS_NOT,					/* it applies */
	MISS_STATUS,
	MISS_CAMPAIGN,
	MISS_ACTIVITY,
	MISS_CAMPAIGN_WINDOW,
	MISS_WINDOW,
	MISS_WEEKDAY,
	MISS_HOURS,
	MISS_TIER,
	MISS_TAG,
	MISS_CAMPAIGN_PILOT,
	MISS_PILOT,
	MISS_TIMES,
	MISS_CONDITION,
	MISS_NULL,
	MISS_GROUP,
	MISS_GOAL
} Miss;

typedef struct Earning
{
	/* given */
	const Event *event;
	Account    *account;
	const Jsonb *made_up;		/* facts of a member who is not there, or NULL */
	const Campaign *trial;		/* backtest: taken to run, and budgets aside; or NULL */
	/* found */
	int			ncells;			/* lines, and the order */
	int			nparts;
	Part	   *parts;
	Miss	   *misses;			/* by rule of the rulebook */
	int64		computed;
	int64		given;
	List	   *charges;		/* of Charge * */
} Earning;

extern void earn_compute(Earning *earning);
extern int64 earning_qualifying(const Earning *earning);
extern const char *miss_text(Miss miss);
extern Lot	lot_by_policy(int64 points, DateADT earned, int pending_days, const Expiry *policy);
extern Lot *earn_lots(const Earning *earning);

/* What the entry of a posting says of its parts */
extern Datum earn_parts(const Earning *earning, const Lot *lots);

#endif							/* EARN_H */
