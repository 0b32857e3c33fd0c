/*
 * usage.h
 *	  What a member has used of caps and quotas, and all members of budgets
 *	  (S14, S25).
 *
 * Charges are stored with the entry that makes them; usage and budgets are
 * their sums.  A member's rows are his account's, whose lock serves for them;
 * a budget's row is locked by itself, after the account's, in order of id.
 */
#ifndef USAGE_H
#define USAGE_H

#include "loyalty.h"

#include "account.h"
#include "period.h"

typedef struct Usage
{
	int64		counter_id;		/* the rule, cap or benefit */
	DateADT		period_on;
	int64		times;
	int64		points;
	/* storage */
	ItemPointerData tid;		/* invalid: not stored yet */
	bool		changed;
} Usage;

typedef struct Budget
{
	int64		id;				/* the campaign or rule */
	int64		spent;
	/* storage */
	ItemPointerData tid;
	bool		changed;
} Budget;

/* A change of one of them. */
typedef struct Charge
{
	int64		id;
	bool		is_budget;
	DateADT		period_on;		/* of usage */
	int64		times;
	int64		points;
	int			part;			/* of the award that it is for; -1: all of it */
	const char *campaign;		/* whose parts it is for, if not one part's; NULL: of all */
} Charge;

extern Usage *usage_find(Account *account, int64 counter_id, DateADT period_on);
extern Budget *budget_find(Account *account, int64 id);

/* Lock budgets in the order of their ids, so that two postings wait one way only. */
extern void budgets_lock(Account *account, List *ids);

/* Apply charges, and state them in an entry. */
extern void charges_apply(Account *account, Entry *entry, List *charges);
extern void charges_replay(Account *account, const Entry *entry);
extern List *charges_of(const Entry *entry);

#endif							/* USAGE_H */
