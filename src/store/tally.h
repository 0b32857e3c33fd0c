/*
 * tally.h
 *	  What a member did on which day, as tiers, streaks and challenges count
 *	  it (S10, S14, S21).
 *
 * A tally follows from the entries, by tally_apply and nothing else.  An
 * account has its tallies stored from the first posting on that asks for them.
 */
#ifndef TALLY_H
#define TALLY_H

#include "loyalty.h"

#include "account.h"
#include "period.h"
#include "rulebook.h"

#define ACTIVITY_PURCHASE "purchase"
#define ACTIVITY_AWARD "award"

typedef struct Tally
{
	DateADT		happened_on;
	char	   *activity;
	DateADT		counts_from;	/* DATEVAL_NOEND: when it is confirmed */
	int64		times;
	int64		points;			/* qualifying */
	Numeric		spend;
	/* storage */
	ItemPointerData tid;		/* invalid: not stored yet */
	bool		changed;
} Tally;

/* The metrics of a span of days. */
typedef struct Metrics
{
	int64		points;
	Numeric		spend;
	int64		orders;
	int64		activities;
} Metrics;

extern bool tally_is_empty(const Tally *tally);
extern void tally_load(Account *account, DateADT since);
extern void tally_apply(Account *account, const Entry *entry);
extern const char *tally_activity(const Entry *entry);
extern int64 tally_qualifying(const Entry *entry);
extern Metrics tally_metrics(Account *account, Span span, DateADT as_of);
extern int	tally_streak(Account *account, const char *activity, DateADT day);

#endif							/* TALLY_H */
