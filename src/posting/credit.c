/*
 * credit.c
 *	  What postings that give points share: caps, policies, lots, and what counts for tiers.
 */
#include "credit.h"

#include "tally.h"
#include "tier.h"

/* What the balance cap leaves of computed points (S25). */
int64
credit_trim(const Posting *posting, int64 computed)
{
	const Program *program = posting->program;
	int64		room;

	if (program->balance_cap == NO_LIMIT)
		return computed;
	room = Max(0, program->balance_cap - posting->account->balance);
	if (computed <= room)
		return computed;
	return program->cap_rejects ? 0 : room;
}

/*
 * The expiry policy of points that no rule gave: that of the tier in force, or
 * else the program's (S8).
 */
Expiry *
credit_policy(Posting *posting)
{
	const Tier *tier = posting->account->book ?
		rulebook_tier(posting->account->book, posting_tier(posting)) : NULL;

	return tier && tier->expiry ? tier->expiry : posting->program->expiry;
}

/*
 * Credit a lot: store its last day or the months of inactivity, note the
 * activity, and add the lot.  The policy of a pending lot is stored, for an
 * early confirmation (S10).
 */
void
credit_lot(Posting *posting, Entry *entry, Lot *lot, Expiry *policy)
{
	Account    *account = posting->account;

	if (asked(posting->request, P_EXPIRES_ON))
	{
		entry_set(entry, ENTRY_EXPIRES_ON, posting->request->values[P_EXPIRES_ON]);
		if (lot->usable_from != LOT_UNCONFIRMED)
			lot->expires = ask_date(posting->request, P_EXPIRES_ON);
	}
	else if (policy->base == EXPIRY_INACTIVE)
		account_set_inactive_months(account, entry, policy->n);
	if (lot->usable_from == LOT_UNCONFIRMED || (lot->usable_from > lot->earned && lot->points > 0))
		entry_set(entry, ENTRY_EXPIRY, PointerGetDatum(policy));
	account_active(account, entry, posting->at_on);
	account_credit_lot(account, entry, lot);
}

/*
 * The day from which an earning counts for tiers: the day that pending_days
 * gives, if points of it become usable on that day; otherwise the last day on
 * which points of it become usable. An earning without points counts at once,
 * because no day would come on which it is settled.
 */
DateADT
credit_counting_day(const Posting *posting, const Lot *lots, int nlots, int pending_days)
{
	DateADT		day = pending_days == PENDING_UNCONFIRMED ? DATEVAL_NOEND :
		posting->at_on + pending_days;
	DateADT		last = posting->at_on;

	for (int i = 0; i < nlots; i++)
	{
		if (lots[i].points == 0)
			continue;
		if (lots[i].usable_from == day)
			return day;
		last = Max(last, lots[i].usable_from);
	}
	return last;
}

/* Count an earning for tiers.  A tier that it reaches is in force only after it (S10, S22). */
void
credit_count(Posting *posting, Entry *entry, int64 given, DateADT counts_from)
{
	entry_set(entry, ENTRY_HAPPENED_ON, DateADTGetDatum(posting->at_on));
	if (counts_from != posting->at_on)
		entry_set(entry, ENTRY_COUNTS_FROM, DateADTGetDatum(counts_from));
	entry_set_points(entry, ENTRY_POINTS, given);
	tally_apply(posting->account, entry);
	tier_after_event(posting->account, entry, posting->at_on);
}
