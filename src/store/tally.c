/*
 * tally.c
 *	  Keeping the tallies of an account, and summing them.
 */
#include "tally.h"

#include "access/table.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "ledger.h"
#include "window.h"

/*
 * Counting
 */

/* The tally of a day, an activity and a first day of counting; made if need be. */
static Tally *
find_tally(Account *account, DateADT day, const char *activity, DateADT counts_from)
{
	Tally	   *tally;
	int			place = list_length(account->tallies);
	MemoryContext old;

	/* the latest day is last, and mostly meant */
	for (; place > 0; place--)
	{
		tally = list_nth(account->tallies, place - 1);
		if (tally->happened_on < day)
			break;
		if (tally->happened_on == day && tally->counts_from == counts_from &&
			strcmp(tally->activity, activity) == 0)
			return tally;
	}
	old = MemoryContextSwitchTo(account->context);
	tally = palloc0(sizeof(Tally));
	tally->happened_on = day;
	tally->activity = pstrdup(activity);
	tally->counts_from = counts_from;
	tally->spend = money_of_int64(0);
	ItemPointerSetInvalid(&tally->tid);
	account->tallies = list_insert_nth(account->tallies, place, tally);
	MemoryContextSwitchTo(old);
	return tally;
}

static void
count(Account *account, DateADT day, const char *activity, DateADT counts_from, int sign,
	  int64 times, int64 points, Datum spend)
{
	Tally	   *tally = find_tally(account, day, activity, counts_from);
	MemoryContext old;

	tally->times += sign * times;
	tally->points += sign * points;
	if (spend != 0)
	{
		old = MemoryContextSwitchTo(account->context);
		tally->spend = sign > 0 ? money_add(tally->spend, DatumGetNumeric(spend)) :
			money_subtract(tally->spend, DatumGetNumeric(spend));
		MemoryContextSwitchTo(old);
	}
	tally->changed = true;
}

/* What an entry is counted as; NULL: it is not. */
const char *
tally_activity(const Entry *entry)
{
	Kind		kind = entry_kind(entry);

	if (kind == KIND_PURCHASE)
		return ACTIVITY_PURCHASE;
	/* an activity that another kind has is damage, which verify names */
	if (!kind_has(kind, KIND_GIVES) && kind != KIND_REFUND && kind != KIND_CONFIRM)
		return NULL;
	if (!entry->nulls[ENTRY_ACTIVITY])
		return TextDatumGetCString(entry->values[ENTRY_ACTIVITY]);
	return kind_has(kind, KIND_GIVES) ? kind_label(kind) : NULL;
}

/* The points of an entry that count for tiers. */
int64
tally_qualifying(const Entry *entry)
{
	if (!entry->nulls[ENTRY_QUALIFYING])
		return entry_points(entry, ENTRY_QUALIFYING);
	return entry_points(entry, entry_kind(entry) == KIND_REFUND ? ENTRY_DUE : ENTRY_POINTS);
}

/* Count an entry. */
static void
apply(Account *account, const Entry *entry, const char *activity)
{
	DateADT		day = DatumGetDateADT(entry->values[ENTRY_HAPPENED_ON]);
	DateADT		counts_from = entry->nulls[ENTRY_COUNTS_FROM] ? day :
		DatumGetDateADT(entry->values[ENTRY_COUNTS_FROM]);
	Datum		amount = entry->nulls[ENTRY_AMOUNT] ? (Datum) 0 : entry->values[ENTRY_AMOUNT];
	int64		points = tally_qualifying(entry);
	int64		times = entry_points(entry, ENTRY_QUANTITY);
	Kind		kind = entry_kind(entry);

	if (kind_has(kind, KIND_GIVES))
		count(account, day, activity, counts_from, 1, 1, points, kind == KIND_PURCHASE ? amount : (Datum) 0);
	else if (kind == KIND_REFUND)
		count(account, day, activity, counts_from, -1, times, points, amount);
	else
	{
		Assert(kind == KIND_CONFIRM);	/* what waited counts from that day */
		count(account, day, activity, DatumGetDateADT(entry->values[ENTRY_WOULD_COUNT_FROM]), -1,
			  times, points, amount);
		count(account, day, activity, counts_from, 1, times, points, amount);
	}
}

/* Count an entry that is being posted, if anybody asks. */
void
tally_apply(Account *account, const Entry *entry)
{
	const char *activity = tally_activity(entry);
	DateADT		day;

	if (activity == NULL ||
		!(account->tallied || (account->book != NULL && account->book->needs_tallies)))
		return;
	/* the window of the tier's metrics at once, where somebody will ask for it */
	day = DatumGetDateADT(entry->values[ENTRY_HAPPENED_ON]);
	if (account->tallies_since != DATEVAL_NOBEGIN && account_has_tiers(account))
		day = Min(day, tier_window(account, account->clock_on).first);
	tally_load(account, day);
	apply(account, entry, activity);
}

/*
 * Loading
 */

/* All of them by the journal: the account's first use of tallies. */
static void
tally_journal(Account *account, Snapshot snapshot)
{
	Relation	relation = table_map_open(&entry_map, AccessShareLock);
	ScanKeyData key;
	TableScan	scan;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account->id));
	scan_begin(&scan, relation, &entry_pkey, snapshot, &key, 1);
	while (scan_next(&scan, true))
	{
		Entry	   *entry = entry_from_slot(scan.slot);
		const char *activity = tally_activity(entry);

		CHECK_FOR_INTERRUPTS();
		if (activity != NULL)
			apply(account, entry, activity);
	}
	scan_end(&scan);
	table_close(relation, AccessShareLock);
	account->tallied = true;
	account->tallies_since = DATEVAL_NOBEGIN;
}

/* Those stored, from a day on and before the first that is loaded. */
static void
tally_stored(Account *account, DateADT since, Snapshot snapshot)
{
	Relation	relation = table_map_open(&tally_map, AccessShareLock);
	List	   *loaded = NIL;
	Faults		refused = faults_refused();
	ScanKeyData keys[3];
	TableScan	scan;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account->id));
	ScanKeyInit(&keys[1], 2, BTGreaterEqualStrategyNumber, F_DATE_GE, DateADTGetDatum(since));
	ScanKeyInit(&keys[2], 2, BTLessStrategyNumber, F_DATE_LT, DateADTGetDatum(account->tallies_since));
	scan_begin(&scan, relation, &tally_pkey, snapshot, keys, 3);
	while (scan_next(&scan, true))
		loaded = lappend(loaded, tally_from_slot(scan.slot, &refused));
	scan_end(&scan);
	table_close(relation, AccessShareLock);
	account->tallies = list_concat(loaded, account->tallies);
	account->tallies_since = since;
}

/* Load the tallies from a day on. */
void
tally_load(Account *account, DateADT since)
{
	MemoryContext old;
	Snapshot	snapshot = account->ledger ? SnapshotSelf : account->snapshot;

	if (account->tallied && since >= account->tallies_since)
		return;
	if (snapshot == NULL)		/* a new account, or a simulated one */
	{
		account->tallied = true;
		account->tallies_since = DATEVAL_NOBEGIN;
		return;
	}
	old = MemoryContextSwitchTo(account->context);
	if (account->tallied)
		tally_stored(account, since, snapshot);
	else
	{
		if (account->ledger)
		{
			ledger_write_entries(account->ledger, account);
			ledger_flush(account->ledger);
		}
		tally_journal(account, snapshot);
	}
	MemoryContextSwitchTo(old);
}

/*
 * Sums
 */

/* Has all of it been returned, or confirmed to another day? */
bool
tally_is_empty(const Tally *tally)
{
	return tally->times == 0 && tally->points == 0 && money_is_zero(tally->spend);
}

/* The metrics of a span, counting what counts as of a day. */
Metrics
tally_metrics(Account *account, Span span, DateADT as_of)
{
	Metrics		metrics = {0};
	ListCell   *cell;

	tally_load(account, span.first);
	metrics.spend = money_of_int64(0);
	foreach(cell, account->tallies)
	{
		const Tally *tally = lfirst(cell);

		if (!span_contains(span, tally->happened_on) || tally->counts_from > as_of)
			continue;
		metrics.points += tally->points;
		if (strcmp(tally->activity, ACTIVITY_PURCHASE) == 0)
		{
			metrics.orders += tally->times;
			metrics.spend = money_add(metrics.spend, tally->spend);
		}
		else if (strcmp(tally->activity, ACTIVITY_AWARD) != 0)
			metrics.activities += tally->times;
	}
	return metrics;
}

static bool
was_active(const Account *account, const char *activity, DateADT day)
{
	ListCell   *cell;

	foreach(cell, account->tallies)
	{
		const Tally *tally = lfirst(cell);

		if (tally->happened_on == day && tally->times > 0 && strcmp(tally->activity, activity) == 0)
			return true;
	}
	return false;
}

/* Days in a row with an activity that end with a day, which is taken to count. */
int
tally_streak(Account *account, const char *activity, DateADT day)
{
	int			streak = 1;

	for (;;)
	{
		/* a month at a time: few streaks are longer */
		tally_load(account, day - streak - 31);
		if (!was_active(account, activity, day - streak))
			return streak;
		streak++;
		CHECK_FOR_INTERRUPTS();
	}
}
