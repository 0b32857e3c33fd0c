/*
 * earn_parts.h
 *	  What match.c, stack.c, caps.c and earn.c share of an earning being worked
 *	  out, and nobody else.
 *
 * What sources give is kept exact, as numerics times `scale`, which is the
 * program's per_amount: so its rate is divided last, and once (S1).
 */
#ifndef EARN_PARTS_H
#define EARN_PARTS_H

#include "earn.h"

/* A rule that applies, the tier's multiplier, or the program's rate. */
typedef struct Source
{
	const Rule *rule;			/* NULL: one of the other two */
	const Tier *tier;
	Effect		effect;
	int			priority;
	const char *code;
	const char *group;			/* or NULL */
	bool		stacks;			/* a multiplier of what was reached; of a group never */
	Numeric    *value;			/* by cell: points, or factor; NULL: does not apply there */
	Numeric    *exact;			/* by cell: what it gives, scaled; NULL: nothing */
} Source;

typedef struct Work
{
	Earning    *earning;
	const Event *event;
	const Program *program;
	const Rulebook *book;
	Facts		facts;
	Numeric		scale;
	Numeric		one;
	Numeric    *base;			/* by cell, scaled; NULL: 0 */
	int			nsources;
	Source	   *sources;		/* in the order of parts: bases, then from ... on: */
	int			multipliers;
	int			bonuses;
	int			challenges;
} Work;

/* part.c: does a part count for tiers?  And what caps have seen of their periods */
extern bool part_qualifies(const Part *part);
extern int64 used_points(const Work *work, int64 counter_id, Period period);
extern int64 rule_used_points(const Work *work, const Rule *rule);

/* match.c: does a rule apply? */
extern Miss rule_miss(Work *work, const Rule *rule);
extern Miss rule_evaluate(Work *work, const Rule *rule, Numeric *values);
extern void rule_check_value(Work *work, const Rule *rule, Numeric value);
extern DateADT rule_period_on(const Rule *rule, const Event *event);

/* stack.c: how what applies adds up */
extern void sources_gather(Work *work);
extern void sources_stack(Work *work);
extern void sources_round(Work *work);
extern Part *earning_add_part(Work *work, const Source *source);

/* caps.c: what caps and budgets leave, challenges, charges */
extern void caps_lock_budgets(Work *work);
extern void caps_trim(Work *work);
extern void caps_charge(Work *work);

#endif							/* EARN_PARTS_H */
