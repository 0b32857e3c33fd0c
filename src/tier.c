/*
 * tier.c
 *	  How members rise and fall (S21-S24).
 */
#include "tier.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "award.h"
#include "calendar.h"
#include "expiry.h"
#include "json.h"
#include "rulebook.h"

bool
account_has_tiers(const Account *account)
{
	return account->book != NULL && account->book->ntiers > 0;
}

/* The rank of a tier; 0: of none, or of one that is not there. */
int
tier_rank(const Account *account, const char *code)
{
	const Tier *tier = code && account->book ? rulebook_tier(account->book, code) : NULL;

	return tier ? tier->rank : 0;
}

/*
 * Windows
 */

/* The window of a day. */
Span
tier_window(const Account *account, DateADT day)
{
	const Program *program = account->program;

	switch (program->tier_window)
	{
		case WINDOW_CALENDAR_YEAR:
			return year_around(day);
		case WINDOW_ROLLING:
			return (Span) {expiry_add_months(day, -program->tier_months) + 1, day};
		case WINDOW_MEMBERSHIP_YEAR:
			return anniversary_year_around(calendar_day_of(account->opened_at, account->zone), day);
		default:
			return (Span) {DATEVAL_NOBEGIN, DATEVAL_NOEND};
	}
}

/* The last day of a status reached on a day (S23). */
static DateADT
term_end(const Account *account, const Tier *tier, DateADT reached_on)
{
	const Program *program = account->program;
	Span		window;

	if (tier == NULL || tier->open || program->tier_window == WINDOW_LIFETIME)
		return DATEVAL_NOEND;
	if (program->tier_window == WINDOW_ROLLING)
		return expiry_add_months(reached_on, program->tier_months) + program->tier_grace_days;
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

/* Which thresholds are met; what is no threshold counts for neither. */
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

/*
 * The account's state
 */

static char *
own_text(Account *account, const char *text)
{
	return text ? MemoryContextStrdup(account->context, text) : NULL;
}

/* The tier in force on a day: the highest of the computed and the granted. */
static char *
in_force(const Account *account, DateADT day)
{
	char	   *highest = account->computed_tier;
	ListCell   *cell;

	foreach(cell, account->grants)
	{
		const Grant *grant = lfirst(cell);

		if (grant->starts_on <= day && grant->ends_on >= day &&
			tier_rank(account, grant->tier) > tier_rank(account, highest))
			highest = grant->tier;
	}
	return highest;
}

static void
state_date(Entry *entry, EntryField field, DateADT day)
{
	if (!DATE_NOT_FINITE(day))
		entry_set(entry, field, DateADTGetDatum(day));
}

static void
state_text(Entry *entry, EntryField field, const char *text)
{
	if (text)
		entry_set(entry, field, CStringGetTextDatum(text));
}

/* Grants that ended before the account's day are no more. */
static void
drop_ended(Account *account)
{
	ListCell   *cell;

	foreach(cell, account->grants)
	{
		const Grant *grant = lfirst(cell);

		if (grant->ends_on < account->clock_on)
			account->grants = foreach_delete_current(account->grants, cell);
	}
}

/* State what is computed, and why it changed, in an entry. */
static void
state_change(Account *account, Entry *entry, const char *cause)
{
	if (entry_kind(entry) == KIND_TIER)
		drop_ended(account);
	account->tier = in_force(account, account->clock_on);
	entry_set(entry, ENTRY_CAUSE, CStringGetTextDatum(cause));
	state_text(entry, ENTRY_COMPUTED_TIER, account->computed_tier);
	state_date(entry, ENTRY_COMPUTED_UNTIL, account->computed_until);
	state_date(entry, ENTRY_REACHED_ON, account->reached_on);
	state_text(entry, ENTRY_BEFORE_TIER, account->before_tier);
	state_date(entry, ENTRY_BEFORE_UNTIL, account->before_until);
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
		account->before_until = account->computed_until;
	}
	account->computed_tier = own_text(account, tier->code);
	account->computed_until = until;
	account->reached_on = reached_on;
}

/*
 * Events
 */

/* A tier that a window supports, and when it was reached. */
typedef struct Reached
{
	const Tier *tier;			/* NULL: none */
	DateADT		on;
	DateADT		until;
} Reached;

/* The better: the higher tier, or the later end of the same. */
static void
take_better(Reached *best, const Account *account, const Tier *tier, DateADT on)
{
	Reached		reached = {tier, on, term_end(account, tier, on)};

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
			tally->counts_from > account->clock_on ||
			(tally->times == 0 && tally->points == 0 && money_is_zero(tally->spend)))
			continue;
		CHECK_FOR_INTERRUPTS();
		last = tally->happened_on;
		take_better(best, account, tier_supported(account, last, account->clock_on), last);
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

/* The best that an event of a day supports (S22). */
static Reached
reached_by(Account *account, DateADT event_on)
{
	DateADT		today = account->clock_on;
	Reached		best = {0};

	if (event_on < today && account->program->tier_window == WINDOW_ROLLING)
		take_later_days(&best, account, event_on);
	else
		take_better(&best, account, tier_supported(account, event_on, today), event_on);
	if (event_on < today)
		take_running(&best, account);
	return best;
}

/* Hold what is better than what is held; false if nothing is. */
static bool
take_reached(Account *account, Reached reached)
{
	int			held = tier_rank(account, account->computed_tier);

	if (reached.tier == NULL || reached.tier->rank < held ||
		(reached.tier->rank == held && reached.until <= account->computed_until))
		return false;
	reach(account, reached.tier, reached.on, reached.until);
	return true;
}

/* A posting counted: rise, or reach again what is held, in its entry. */
void
tier_after_event(Account *account, Entry *entry, DateADT event_on)
{
	if (account_has_tiers(account) && take_reached(account, reached_by(account, event_on)))
		state_change(account, entry, "reached");
}

/* A new account has what no metric at all supports. */
void
tier_join(Account *account, Entry *entry)
{
	const Tier *tier;

	if (!account_has_tiers(account))
		return;
	tier = tier_supported(account, account->clock_on, account->clock_on);
	if (tier == NULL)
		return;
	reach(account, tier, account->clock_on, term_end(account, tier, account->clock_on));
	account->before_tier = account->computed_tier;
	account->before_until = account->computed_until;
	state_change(account, entry, "joined");
}

/* What the running window gave falls at once where it is not supported any more. */
void
tier_after_return(Account *account, Entry *entry, DateADT event_on)
{
	DateADT		today = account->clock_on;
	const Tier *supported;
	int			rank;
	int			before;

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
		account->computed_tier = own_text(account, supported->code);
		if (supported->open || (account->program->tier_window != WINDOW_ROLLING &&
								account->program->tier_window != WINDOW_LIFETIME))
			account->computed_until = term_end(account, supported, today);
	}
	else if (before < tier_rank(account, account->computed_tier) ||
			 account->before_until < account->computed_until)
	{
		account->computed_tier = account->before_tier;
		account->computed_until = Max(account->before_until, today);
	}
	else
		return;
	state_change(account, entry, "return");
}

/*
 * Reviews
 */

static const Tier *
next_lower(const Account *account, int rank)
{
	const Rulebook *book = account->book;

	for (int i = book->ntiers - 1; i >= 0; i--)
		if (book->tiers[i].rank < rank)
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
	if (floor && floor->rank <= held->rank && (to == NULL || to->rank < floor->rank))
		to = floor;
	return to;
}

/* In days of grace the running window may have come to support more already. */
static void
review_running(Account *account, const Tier *outcome, DateADT today)
{
	const Tier *supported = tier_supported(account, today, today);
	DateADT		until = term_end(account, supported, today);

	if (supported == NULL || supported->rank < (outcome ? outcome->rank : 0) ||
		(supported == outcome && until <= account->computed_until))
		return;
	account->computed_tier = own_text(account, supported->code);
	account->computed_until = until;
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
	account->computed_tier = to ? own_text(account, to->code) : NULL;
	account->computed_until = term_end(account, to, read_on);
	if (account->program->tier_window == WINDOW_ROLLING)
		account->reached_on = today;
	else
		review_running(account, to, today);
	account->before_tier = account->computed_tier;
	account->before_until = account->computed_until;
	state_change(account, entry, "review");
	account_finish(account, entry);
}

/* A day of the window that the next review reads. */
DateADT
tier_review_reads(const Account *account)
{
	DateADT		on = account->computed_until + 1;

	return account->program->tier_window == WINDOW_ROLLING ? on : tier_window(account, on).first - 1;
}

/* The day whose end brings the next review; DATEVAL_NOEND: none is due. */
DateADT
tier_next_review(const Account *account)
{
	return account_has_tiers(account) && account->computed_tier ? account->computed_until : DATEVAL_NOEND;
}

/*
 * Grants
 */

/* The first day on which the grants in force are others than today. */
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

		if (grant->starts_on > account->clock_on)
			next = Min(next, grant->starts_on);
		if (grant->ends_on != DATEVAL_NOEND)
			next = Min(next, grant->ends_on + 1);
	}
	return next;
}

static void
add_grant(Account *account, int64 seq, const char *tier, DateADT starts_on, DateADT ends_on)
{
	MemoryContext old = MemoryContextSwitchTo(account->context);
	Grant	   *grant = palloc(sizeof(Grant));

	grant->seq = seq;
	grant->tier = pstrdup(tier);
	grant->starts_on = starts_on;
	grant->ends_on = ends_on;
	account->grants = lappend(account->grants, grant);
	MemoryContextSwitchTo(old);
}

/* Grant a tier from one day to another, both included. */
void
tier_grant(Account *account, Entry *entry, const char *tier, DateADT starts_on, DateADT ends_on)
{
	state_text(entry, ENTRY_TIER_GRANT, tier);
	entry_set(entry, ENTRY_STARTS_ON, DateADTGetDatum(starts_on));
	entry_set(entry, ENTRY_ENDS_ON, DateADTGetDatum(ends_on));
	if (ends_on >= account->clock_on)	/* a late one may be over */
		add_grant(account, entry_seq(entry), tier, starts_on, ends_on);
	account->tier = in_force(account, account->clock_on);
}

/* End a grant; false if it has ended. */
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
		account->tier = in_force(account, account->clock_on);
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

		if ((grant->starts_on > before && grant->starts_on <= today) || grant->ends_on < today)
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
	state_change(account, entry, tier_rank(account, in_force(account, today)) > rank ?
				 "grant" : "grant ended");
	account_finish(account, entry);
}

/*
 * What falls due
 */

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

		if (tally->counts_from > matured_on && tally->counts_from <= today)
			days = list_append_unique_int(days, tally->happened_on);
	}
	foreach(cell, days)
	{
		if (!take_reached(account, reached_by(account, lfirst_int(cell))))
			continue;
		if (entry == NULL)
			entry = account_begin(account, KIND_TIER, instant, instant);
	}
	if (entry == NULL)
		return;
	state_change(account, entry, "reached");
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
	if (account->computed_tier && account->computed_until < today)
		review(account, instant, today);
	settle_grants(account, instant, account->seq > seq ? today : before, today);
}

/*
 * Replaying
 */

static char *
stated_text(Account *account, const Entry *entry, EntryField field)
{
	return entry->nulls[field] ? NULL : own_text(account, TextDatumGetCString(entry->values[field]));
}

static DateADT
stated_date(const Entry *entry, EntryField field)
{
	return entry->nulls[field] ? DATEVAL_NOEND : DatumGetDateADT(entry->values[field]);
}

/* Take from an entry what it states of tiers. */
void
tier_replay(Account *account, const Entry *entry)
{
	if (!entry->nulls[ENTRY_CAUSE])
	{
		account->computed_tier = stated_text(account, entry, ENTRY_COMPUTED_TIER);
		account->computed_until = stated_date(entry, ENTRY_COMPUTED_UNTIL);
		account->reached_on = stated_date(entry, ENTRY_REACHED_ON);
		account->before_tier = stated_text(account, entry, ENTRY_BEFORE_TIER);
		account->before_until = stated_date(entry, ENTRY_BEFORE_UNTIL);
	}
	if (entry_kind(entry) == KIND_GRANT &&
		DatumGetDateADT(entry->values[ENTRY_ENDS_ON]) >= account->clock_on)
		add_grant(account, entry_seq(entry), TextDatumGetCString(entry->values[ENTRY_TIER_GRANT]),
				  DatumGetDateADT(entry->values[ENTRY_STARTS_ON]),
				  DatumGetDateADT(entry->values[ENTRY_ENDS_ON]));
	else if (entry_kind(entry) == KIND_GRANT_END)
	{
		ListCell   *cell;

		foreach(cell, account->grants)
			if (((Grant *) lfirst(cell))->seq == entry_points(entry, ENTRY_OF_SEQ))
				account->grants = foreach_delete_current(account->grants, cell);
	}
	account->tier = stated_text(account, entry, ENTRY_TIER);
	if (entry_kind(entry) == KIND_TIER)
		drop_ended(account);
}

/*
 * Grants as they are stored: [{"seq": 7, "tier": "gold", "from": …, "until": …}]
 */

List *
grants_from_json(Datum json)
{
	List	   *grants = NIL;

	for (int i = 0; i < json_count(json); i++)
	{
		JsonbContainer *object = json_element(json, i);
		Grant	   *grant = palloc(sizeof(Grant));

		grant->seq = json_get_integer(object, "seq", 0);
		grant->tier = json_get_text(object, "tier");
		grant->starts_on = json_get_date(object, "from", DATEVAL_NOBEGIN);
		grant->ends_on = json_get_date(object, "until", DATEVAL_NOEND);
		grants = lappend(grants, grant);
	}
	return grants;
}

Datum
grants_to_json(List *grants)
{
	Json		json = {0};
	ListCell   *cell;

	json_begin(&json, WJB_BEGIN_ARRAY);
	foreach(cell, grants)
	{
		const Grant *grant = lfirst(cell);

		json_begin(&json, WJB_BEGIN_OBJECT);
		json_integer(&json, "seq", grant->seq);
		json_text(&json, "tier", grant->tier);
		json_date(&json, "from", grant->starts_on);
		json_date(&json, "until", grant->ends_on);
		json_end(&json, WJB_END_OBJECT);
	}
	json_end(&json, WJB_END_ARRAY);
	return json_finish(&json);
}
