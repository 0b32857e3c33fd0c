/*
 * review.c
 *	  How members fall, and what they are granted: reviews, grants, and what
 *	  falls due of both (S23, S24, S28).
 */
#include "tier_parts.h"

#include "utils/builtins.h"

#include "calendar.h"

/*
 * Reviews
 */

/* The next lower tier that members can reach by metrics; NULL if there is none. */
static const Tier *
next_lower(const Account *account, int rank)
{
	const Rulebook *book = account->book;

	for (int i = book->ntiers - 1; i >= 0; i--)
		if (book->tiers[i].rank < rank && !book->tiers[i].by_grant)
			return &book->tiers[i];
	return NULL;
}

/* Where a review leads from a tier that its window does not support. */
static const Tier *
fall(const Account *account, const Tier *held, const Tier *supported)
{
	const Tier *floor = held->floor ? rulebook_tier(account->book, held->floor) : NULL;
	const Tier *to = supported;

	if (account->program->tier_review == REVIEW_KEEP)
		return held;
	if (account->program->tier_review == REVIEW_STEP)
	{
		to = next_lower(account, held->rank);
		if (supported && (to == NULL || to->rank < supported->rank))
			to = supported;
	}
	if (floor && !floor->by_grant && floor->rank <= held->rank && (to == NULL || to->rank < floor->rank))
		to = floor;
	return to;
}

/* In days of grace the running window may have come to support more already. */
static void
review_running(Account *account, const Tier *outcome, DateADT today)
{
	const Tier *supported = tier_supported(account, today, today);
	DateADT		until = tier_term_end(account, supported, today);

	if (supported == NULL || supported->rank < (outcome ? outcome->rank : 0) ||
		(supported == outcome && until <= account->computed_last_day))
		return;
	account->computed_tier = tier_text(account, supported->code);
	account->computed_last_day = until;
	account->reached_on = today;
}

/* The term is over: keep, step down, or to what is supported (S23). */
static void
review(Account *account, TimestampTz instant, DateADT today)
{
	const Tier *held = rulebook_tier(account->book, account->computed_tier);
	const Tier *supported;
	const Tier *to;
	DateADT		read_on = today;
	Entry	   *entry;

	if (account->program->tier_window != WINDOW_ROLLING)
		read_on = tier_window(account, today).first - 1;	/* the one that ended last */
	supported = tier_supported(account, read_on, today);
	if (held == NULL || (supported && supported->rank >= held->rank))
		to = supported;
	else
		to = fall(account, held, supported);
	entry = account_begin(account, KIND_TIER, instant, instant);
	account->computed_tier = to ? tier_text(account, to->code) : NULL;
	account->computed_last_day = tier_term_end(account, to, read_on);
	if (account->program->tier_window == WINDOW_ROLLING)
		account->reached_on = today;
	else
		review_running(account, to, today);
	account->before_tier = account->computed_tier;
	account->before_last_day = account->computed_last_day;
	tier_state(account, entry, "review");
	account_finish(account, entry);
}

/* A day of the window that the next review uses. */
DateADT
tier_review_reads(const Account *account)
{
	DateADT		on = account->computed_last_day + 1;

	return account->program->tier_window == WINDOW_ROLLING ? on : tier_window(account, on).first - 1;
}

/* The day after which the next review is due; DATEVAL_NOEND if there will be none. */
DateADT
tier_next_review(const Account *account)
{
	return account_has_tiers(account) && account->computed_tier ? account->computed_last_day : DATEVAL_NOEND;
}

/*
 * Grants
 */

/* The next day on which the grants in force change. */
DateADT
tier_next_grant(const Account *account)
{
	DateADT		next = DATEVAL_NOEND;
	ListCell   *cell;

	if (!account_has_tiers(account))
		return DATEVAL_NOEND;
	foreach(cell, account->grants)
	{
		const Grant *grant = lfirst(cell);

		if (grant->first_day > account->clock_on)
			next = Min(next, grant->first_day);
		if (grant->last_day != DATEVAL_NOEND)
			next = Min(next, grant->last_day + 1);
	}
	return next;
}

/* Grant a tier from one day to another, both included. */
void
tier_grant(Account *account, Entry *entry, const char *tier, DateADT first_day, DateADT last_day)
{
	entry_set(entry, ENTRY_TIER_GRANT, CStringGetTextDatum(tier));
	entry_set(entry, ENTRY_GRANT_FIRST_DAY, DateADTGetDatum(first_day));
	entry_set(entry, ENTRY_GRANT_LAST_DAY, DateADTGetDatum(last_day));
	if (last_day >= account->clock_on)	/* a late one may be over */
		grant_add(account, entry_seq(entry), tier, first_day, last_day);
	account->tier = tier_in_force(account, account->clock_on);
}

/* End a grant; false if it has already ended. */
bool
tier_end_grant(Account *account, Entry *entry, int64 seq)
{
	ListCell   *cell;

	foreach(cell, account->grants)
	{
		Grant	   *grant = lfirst(cell);

		if (grant->seq != seq)
			continue;
		account->grants = foreach_delete_current(account->grants, cell);
		account->tier = tier_in_force(account, account->clock_on);
		return true;
	}
	return false;
}

/* Does a grant begin or end on a day, or has it since another? */
static bool
grants_change(const Account *account, DateADT before, DateADT today)
{
	ListCell   *cell;

	foreach(cell, account->grants)
	{
		const Grant *grant = lfirst(cell);

		if ((grant->first_day > before && grant->first_day <= today) || grant->last_day < today)
			return true;
	}
	return false;
}

/* A grant begins or ends, unless an entry of this instant has said so. */
static void
settle_grants(Account *account, TimestampTz instant, DateADT before, DateADT today)
{
	int			rank = tier_rank(account, account->tier);
	Entry	   *entry;

	if (!grants_change(account, before, today))
		return;
	entry = account_begin(account, KIND_TIER, instant, instant);
	tier_state(account, entry, tier_rank(account, tier_in_force(account, today)) > rank ?
				 "grant" : "grant ended");
	account_finish(account, entry);
}

/*
 * What falls due
 */

/*
 * The first day after another on which what happened comes to count for tiers;
 * DATEVAL_NOEND: nothing waits for a day.  It mostly is one on which points of
 * it become usable, but returns may have taken them.
 */
DateADT
tier_next_count(Account *account, DateADT after)
{
	DateADT		next = DATEVAL_NOEND;
	ListCell   *cell;

	if (!account_has_tiers(account) || !account->tallied)
		return DATEVAL_NOEND;
	tally_load(account, DATEVAL_NOBEGIN);
	foreach(cell, account->tallies)
	{
		const Tally *tally = lfirst(cell);

		if (tally->counts_from > after && !tally_is_empty(tally))
			next = Min(next, tally->counts_from);
	}
	return next;
}

/* What matured counts from today, each event in the window of its own day. */
static void
settle_matured(Account *account, TimestampTz instant, DateADT matured_on, DateADT today)
{
	Entry	   *entry = NULL;
	List	   *days = NIL;
	ListCell   *cell;

	tally_load(account, DATEVAL_NOBEGIN);
	foreach(cell, account->tallies)
	{
		const Tally *tally = lfirst(cell);

		/* the latest day first: it is the one that reached */
		if (tally->counts_from > matured_on && tally->counts_from <= today &&
			!list_member_int(days, tally->happened_on))
			days = lcons_int(tally->happened_on, days);
	}
	foreach(cell, days)
	{
		if (!tier_take(account, tier_reached_by(account, lfirst_int(cell))))
			continue;
		if (entry == NULL)
			entry = account_begin(account, KIND_TIER, instant, instant);
	}
	if (entry == NULL)
		return;
	tier_state(account, entry, "reached");
	account_finish(account, entry);
}

/*
 * At an instant: what matured counts, a term is over, a grant begins or ends
 * (S28).  before: the account's day before this instant.
 */
void
tier_settle(Account *account, TimestampTz instant, DateADT before, bool matured)
{
	DateADT		today = Max(account->clock_on, calendar_day_of(instant, account->zone));
	int64		seq = account->seq;

	if (!account_has_tiers(account))
		return;
	if (matured)
		settle_matured(account, instant, before, today);
	if (account->computed_tier && account->computed_last_day < today)
		review(account, instant, today);
	settle_grants(account, instant, account->seq > seq ? today : before, today);
}
