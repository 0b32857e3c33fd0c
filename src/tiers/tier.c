/*
 * tier.c
 *	  How members rise: windows, thresholds, what a posting reaches, and what
 *	  an entry states of it (S21, S22).
 */
#include "tier_parts.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "calendar.h"
#include "money.h"

/* The rank of a tier; 0 if there is none, or if it does not exist. */
int
tier_rank(const Account *account, const char *code)
{
	const Tier *tier = code && account->book ? rulebook_tier(account->book, code) : NULL;

	return tier ? tier->rank : 0;
}

/*
 * Windows
 */

/* The last day of a status reached on a day (S23). */
DateADT
tier_term_end(const Account *account, const Tier *tier, DateADT reached_on)
{
	const Program *program = account->program;
	Span		window;

	if (tier == NULL || tier->open || program->tier_window == WINDOW_LIFETIME)
		return DATEVAL_NOEND;
	if (program->tier_window == WINDOW_ROLLING)
		return calendar_add_months(reached_on, program->tier_months) + program->tier_grace_days;
	window = tier_window(account, reached_on);
	for (int i = 0; i < program->tier_term; i++)
		window = tier_window(account, window.last + 1);
	return window.last + program->tier_grace_days;
}

/* The metrics of the window of a day, counting what counts as of another. */
Metrics
tier_metrics(Account *account, DateADT day, DateADT as_of)
{
	return tally_metrics(account, tier_window(account, day), as_of);
}

/* Are the thresholds of a tier met? Metrics without a threshold are ignored. */
static bool
is_met(const Account *account, const Tier *tier, const Metrics *metrics)
{
	struct
	{
		bool		asked;
		bool		met;
	}			thresholds[] = {
		{tier->points != NO_LIMIT, metrics->points >= tier->points},
		{tier->spend != NULL, tier->spend && money_compare(metrics->spend, tier->spend) >= 0},
		{tier->orders != NO_LIMIT, metrics->orders >= tier->orders},
		{tier->activities != NO_LIMIT, metrics->activities >= tier->activities},
		{tier->balance != NO_LIMIT,
		lots_total(&account->lots) + account->held - account->debt >= tier->balance},
	};
	bool		any = false;

	if (tier->by_grant)
		return false;
	for (int i = 0; i < lengthof(thresholds); i++)
	{
		if (!thresholds[i].asked)
			continue;
		if (tier->needs_all && !thresholds[i].met)
			return false;
		any = any || thresholds[i].met;
	}
	return any || tier->open;
}

/* The highest tier that the window of a day supports; NULL: none. */
const Tier *
tier_supported(Account *account, DateADT day, DateADT as_of)
{
	const Rulebook *book = account->book;
	Metrics		metrics = tier_metrics(account, day, as_of);

	for (int i = book->ntiers - 1; i >= 0; i--)
		if (is_met(account, &book->tiers[i], &metrics))
			return &book->tiers[i];
	return NULL;
}

/* Did what stands of a day, and counts, add to one of a tier's own metrics? */
static bool
day_adds(Account *account, const Tier *tier, DateADT day, DateADT as_of)
{
	Metrics		of_day = tally_metrics(account, (Span) {day, day}, as_of);

	return (tier->points != NO_LIMIT && of_day.points > 0) ||
		(tier->spend != NULL && money_compare(of_day.spend, money_of_int64(0)) > 0) ||
		(tier->orders != NO_LIMIT && of_day.orders > 0) ||
		(tier->activities != NO_LIMIT && of_day.activities > 0) ||
		(tier->balance != NO_LIMIT && of_day.points > 0);
}

/*
 * The highest tier that a day reaches: its window supports it and, where the
 * window rolls and so the day decides the end, something of that day added to
 * the tier's own metrics (S23).
 */
static const Tier *
reached_on_day(Account *account, DateADT day, DateADT as_of)
{
	const Rulebook *book = account->book;
	Metrics		metrics;

	if (account->program->tier_window != WINDOW_ROLLING)
		return tier_supported(account, day, as_of);
	metrics = tier_metrics(account, day, as_of);
	for (int i = book->ntiers - 1; i >= 0; i--)
		if (is_met(account, &book->tiers[i], &metrics) &&
			(book->tiers[i].open || day_adds(account, &book->tiers[i], day, as_of)))
			return &book->tiers[i];
	return NULL;
}

/*
 * The account's state
 */

/* Copy a text into the account's memory context; NULL stays NULL. */
char *
tier_text(Account *account, const char *text)
{
	return text ? MemoryContextStrdup(account->context, text) : NULL;
}

/* The tier in force on a day: the highest of the computed and the granted. */
char *
tier_in_force(const Account *account, DateADT day)
{
	char	   *highest = account->computed_tier;
	ListCell   *cell;

	foreach(cell, account->grants)
	{
		const Grant *grant = lfirst(cell);

		if (grant->first_day <= day && grant->last_day >= day &&
			tier_rank(account, grant->tier) > tier_rank(account, highest))
			highest = grant->tier;
	}
	return highest;
}

/* Set a field of an entry to a day; an infinite day leaves it NULL. */
static void
state_date(Entry *entry, EntryField field, DateADT day)
{
	if (!DATE_NOT_FINITE(day))
		entry_set(entry, field, DateADTGetDatum(day));
}

/* Set a field of an entry to a text; NULL leaves it NULL. */
static void
state_text(Entry *entry, EntryField field, const char *text)
{
	if (text)
		entry_set(entry, field, CStringGetTextDatum(text));
}

/* State what is computed, and why it changed, in an entry. */
void
tier_state(Account *account, Entry *entry, const char *cause)
{
	if (entry_kind(entry) == KIND_TIER)
		grants_drop_ended(account);
	account->tier = tier_in_force(account, account->clock_on);
	entry_set(entry, ENTRY_CAUSE, CStringGetTextDatum(cause));
	state_text(entry, ENTRY_COMPUTED_TIER, account->computed_tier);
	state_date(entry, ENTRY_COMPUTED_LAST_DAY, account->computed_last_day);
	state_date(entry, ENTRY_REACHED_ON, account->reached_on);
	state_text(entry, ENTRY_BEFORE_TIER, account->before_tier);
	state_date(entry, ENTRY_BEFORE_LAST_DAY, account->before_last_day);
}

/*
 * Is what is held of the window of a day?  A rolling window goes on until a
 * review, a lifetime for ever.
 */
static bool
given_by_window(const Account *account, DateADT day)
{
	if (account->program->tier_window == WINDOW_ROLLING ||
		account->program->tier_window == WINDOW_LIFETIME)
		return true;
	return !DATE_NOT_FINITE(account->reached_on) &&
		tier_window(account, account->reached_on).first == tier_window(account, day).first;
}

/* Hold a tier reached on a day; what another window gave is what was held before. */
static void
reach(Account *account, const Tier *tier, DateADT reached_on, DateADT until)
{
	if (!given_by_window(account, reached_on))
	{
		account->before_tier = account->computed_tier;
		account->before_last_day = account->computed_last_day;
	}
	account->computed_tier = tier_text(account, tier->code);
	account->computed_last_day = until;
	account->reached_on = reached_on;
}

/*
 * Events
 */

/* The better: the higher tier, or the later end of the same. */
static void
take_better(Reached *best, const Account *account, const Tier *tier, DateADT on)
{
	Reached		reached = {tier, on, tier_term_end(account, tier, on)};

	if (tier == NULL || reached.until < account->clock_on)
		return;
	if (best->tier == NULL || tier->rank > best->tier->rank ||
		(tier == best->tier && reached.until > best->until))
		*best = reached;
}

/*
 * A rolling window that ends on any day from a late event on may have
 * reached a tier, had the event been known.
 */
static void
take_later_days(Reached *best, Account *account, DateADT event_on)
{
	DateADT		last = DATEVAL_NOBEGIN;

	tally_load(account, tier_window(account, event_on).first);
	for (int i = 0; i < list_length(account->tallies); i++)
	{
		const Tally *tally = list_nth(account->tallies, i);

		if (tally->happened_on < event_on || tally->happened_on == last ||
			tally->counts_from > account->clock_on || tally_is_empty(tally))
			continue;
		CHECK_FOR_INTERRUPTS();
		last = tally->happened_on;
		take_better(best, account, reached_on_day(account, last, account->clock_on), last);
	}
}

/* The running window may support more than that of the event's own day, and than what is held. */
static void
take_running(Reached *best, Account *account)
{
	const Tier *supported = tier_supported(account, account->clock_on, account->clock_on);
	int			held = tier_rank(account, account->computed_tier);

	if (supported && supported->rank > Max(held, best->tier ? best->tier->rank : 0))
		take_better(best, account, supported, account->clock_on);
}

/* The best tier that an event on a day supports (S22). */
Reached
tier_reached_by(Account *account, DateADT event_on)
{
	DateADT		today = account->clock_on;
	Reached		best = {0};

	if (event_on < today && account->program->tier_window == WINDOW_ROLLING)
		take_later_days(&best, account, event_on);
	else
		take_better(&best, account, reached_on_day(account, event_on, today), event_on);
	if (event_on < today)
		take_running(&best, account);
	return best;
}

/* Give the account the better tier; false if none is better than the one it has. */
bool
tier_take(Account *account, Reached reached)
{
	int			held = tier_rank(account, account->computed_tier);

	if (reached.tier == NULL || reached.tier->rank < held ||
		(reached.tier->rank == held && reached.until <= account->computed_last_day))
		return false;
	reach(account, reached.tier, reached.on, reached.until);
	return true;
}

/* After a posting that counts: raise the tier, or extend the current one, in its entry. */
void
tier_after_event(Account *account, Entry *entry, DateADT event_on)
{
	if (account_has_tiers(account) && tier_take(account, tier_reached_by(account, event_on)))
		tier_state(account, entry, "reached");
}

/* A new account gets the tier that needs no metrics. */
void
tier_join(Account *account, Entry *entry)
{
	const Tier *tier;

	if (!account_has_tiers(account))
		return;
	tier = tier_supported(account, account->clock_on, account->clock_on);
	if (tier == NULL)
		return;
	reach(account, tier, account->clock_on, tier_term_end(account, tier, account->clock_on));
	account->before_tier = account->computed_tier;
	account->before_last_day = account->computed_last_day;
	tier_state(account, entry, "joined");
}

/* A return lifts nobody: a day that reaches more reaches what is held. */
static const Tier *
at_most_held(const Account *account, const Tier *tier)
{
	const Tier *held = rulebook_tier(account->book, account->computed_tier);

	return tier != NULL && held != NULL && tier->rank > held->rank ? held : tier;
}

/*
 * The best of all that still stands and lasts to today, of what is held or
 * less; the latest day first, for no earlier one gives a later end.
 */
static Reached
reached_by_what_stands(Account *account)
{
	DateADT		today = account->clock_on;
	int			months = account->program->tier_months;
	DateADT		since = calendar_add_months(today - account->program->tier_grace_days, -months) - 1;
	int			held = tier_rank(account, account->computed_tier);
	DateADT		last = DATEVAL_NOEND;
	Reached		best = {0};

	tally_load(account, tier_window(account, since).first);
	take_better(&best, account, at_most_held(account, reached_on_day(account, today, today)), today);
	for (int i = list_length(account->tallies) - 1; i >= 0; i--)
	{
		DateADT		day = ((const Tally *) list_nth(account->tallies, i))->happened_on;

		if (best.tier != NULL && best.tier->rank >= held)
			break;
		CHECK_FOR_INTERRUPTS();
		if (day < since || day > today || day == last)
			continue;
		last = day;
		take_better(&best, account, at_most_held(account, reached_on_day(account, day, today)), day);
	}
	return best;
}

/* A balance is of no day: what brought it may be a correction, and stands. */
static void
take_balance(Reached *best, Account *account)
{
	const Tier *supported = tier_supported(account, account->clock_on, account->clock_on);

	if (supported != NULL && supported->rank > (best->tier ? best->tier->rank : 0))
		take_better(best, account, supported, account->clock_on);
}

/* Not below what was held before the window gave more; if that is over, its review is due. */
static void
take_before(Reached *best, const Account *account)
{
	DateADT		until = Max(account->before_last_day, account->clock_on);
	int			rank = tier_rank(account, account->before_tier);

	if (account->before_tier == NULL ||
		(best->tier != NULL && (rank < best->tier->rank ||
								(rank == best->tier->rank && until <= best->until))))
		return;
	best->tier = rulebook_tier(account->book, account->before_tier);
	best->until = until;
	best->on = account->reached_on;
}

/*
 * Can a return of a day's event change when the tier was last reached?  Only
 * if the event was in that window, or where balances count.
 */
static bool
concerns_reached(const Account *account, DateADT event_on)
{
	for (int i = 0; i < account->book->ntiers; i++)
		if (account->book->tiers[i].balance != NO_LIMIT)
			return true;
	return DATE_NOT_FINITE(account->reached_on) ||
		span_contains(tier_window(account, account->reached_on), event_on);
}

/* A rolling window: when the tier was last reached is worked out again (S23). */
static void
after_return_rolling(Account *account, Entry *entry, DateADT event_on)
{
	int			held = tier_rank(account, account->computed_tier);
	Reached		best;

	if (!concerns_reached(account, event_on))
		return;
	best = reached_by_what_stands(account);
	take_balance(&best, account);
	take_before(&best, account);
	if (best.tier != NULL && (best.tier->rank > held ||
							  (best.tier->rank == held && best.until >= account->computed_last_day)))
		return;
	account->computed_tier = best.tier ? tier_text(account, best.tier->code) : NULL;
	account->computed_last_day = best.tier ? best.until : DATEVAL_NOEND;
	if (best.tier)
		account->reached_on = best.on;
	tier_state(account, entry, "return");
}

/* What the running window gave falls at once where it is not supported any more. */
void
tier_after_return(Account *account, Entry *entry, DateADT event_on)
{
	DateADT		today = account->clock_on;
	const Tier *supported;
	int			rank;
	int			before;

	if (account_has_tiers(account) && account->program->tier_recompute &&
		account->computed_tier != NULL && account->program->tier_window == WINDOW_ROLLING)
	{
		after_return_rolling(account, entry, event_on);
		return;
	}
	if (!account_has_tiers(account) || !account->program->tier_recompute ||
		account->computed_tier == NULL || !span_contains(tier_window(account, today), event_on) ||
		!given_by_window(account, today))
		return;
	supported = tier_supported(account, today, today);
	rank = supported ? supported->rank : 0;
	before = tier_rank(account, account->before_tier);
	if (rank >= tier_rank(account, account->computed_tier))
		return;
	if (supported && rank >= before)
	{
		account->computed_tier = tier_text(account, supported->code);
		if (supported->open || account->program->tier_window != WINDOW_LIFETIME)
			account->computed_last_day = tier_term_end(account, supported, today);
	}
	else if (before < tier_rank(account, account->computed_tier) ||
			 Max(account->before_last_day, today) < account->computed_last_day)
	{
		account->computed_tier = account->before_tier;
		account->computed_last_day = Max(account->before_last_day, today);
	}
	else
		return;
	tier_state(account, entry, "return");
}

/*
 * Replaying
 */

/* The text in a field of an entry, in the account's memory context; NULL if the field is NULL. */
static char *
stated_text(Account *account, const Entry *entry, EntryField field)
{
	return entry->nulls[field] ? NULL : tier_text(account, TextDatumGetCString(entry->values[field]));
}

/* The day in a field of an entry; DATEVAL_NOEND if the field is NULL. */
static DateADT
stated_date(const Entry *entry, EntryField field)
{
	return entry->nulls[field] ? DATEVAL_NOEND : DatumGetDateADT(entry->values[field]);
}

/* Replay the tier columns of an entry. */
void
tier_replay(Account *account, const Entry *entry)
{
	if (!entry->nulls[ENTRY_CAUSE])
	{
		account->computed_tier = stated_text(account, entry, ENTRY_COMPUTED_TIER);
		account->computed_last_day = stated_date(entry, ENTRY_COMPUTED_LAST_DAY);
		account->reached_on = stated_date(entry, ENTRY_REACHED_ON);
		account->before_tier = stated_text(account, entry, ENTRY_BEFORE_TIER);
		account->before_last_day = stated_date(entry, ENTRY_BEFORE_LAST_DAY);
	}
	if (entry_kind(entry) == KIND_GRANT_TIER &&
		DatumGetDateADT(entry->values[ENTRY_GRANT_LAST_DAY]) >= account->clock_on)
		grant_add(account, entry_seq(entry), TextDatumGetCString(entry->values[ENTRY_TIER_GRANT]),
				  DatumGetDateADT(entry->values[ENTRY_GRANT_FIRST_DAY]),
				  DatumGetDateADT(entry->values[ENTRY_GRANT_LAST_DAY]));
	else if (entry_kind(entry) == KIND_END_GRANT)
	{
		ListCell   *cell;

		foreach(cell, account->grants)
			if (((Grant *) lfirst(cell))->seq == entry_points(entry, ENTRY_OF_SEQ))
				account->grants = foreach_delete_current(account->grants, cell);
	}
	account->tier = stated_text(account, entry, ENTRY_TIER);
	if (entry_kind(entry) == KIND_TIER)
		grants_drop_ended(account);
}
