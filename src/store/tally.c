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

/*
 * Find the tally of a day, an activity and a first day of counting; a missing
 * one is added, without counts.
 */
static Tally *
find_tally(Account *account, DateADT day, const char *activity, DateADT counts_from)
{
	Tally	   *tally;
	int			place = list_length(account->tallies);
	MemoryContext old;

	/* the list is in order of days, and mostly the latest is looked for */
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

/* Add to a tally, or subtract from it if sign is -1; spend is money, or 0 for none. */
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

/* The activity under which an entry is counted; NULL if it is not counted. */
const char *
tally_activity(const Entry *entry)
{
	Kind		kind = entry_kind(entry);

	if (kind == KIND_PURCHASE)
		return ACTIVITY_PURCHASE;
	/* an activity in an entry of another kind is damage, which verify reports */
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

/*
 * Count an entry: an earning adds, a return subtracts, and a confirmation moves
 * the counts to another first day.
 */
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
		Assert(kind == KIND_CONFIRM);	/* what was pending now counts from counts_from */
		count(account, day, activity, DatumGetDateADT(entry->values[ENTRY_WOULD_COUNT_FROM]), -1,
			  times, points, amount);
		count(account, day, activity, counts_from, 1, times, points, amount);
	}
}

/* Count an entry that is being posted, if the account has tallies or its rulebook needs them. */
void
tally_apply(Account *account, const Entry *entry)
{
	const char *activity = tally_activity(entry);
	DateADT		day;

	if (activity == NULL ||
		!(account->tallied || (account->book != NULL && account->book->needs_tallies)))
		return;
	/*
	 * if the account has tiers, load the whole window of their metrics at once:
	 * it will be needed
	 */
	day = DatumGetDateADT(entry->values[ENTRY_HAPPENED_ON]);
	if (account->tallies_since != DATEVAL_NOBEGIN && account_has_tiers(account))
		day = Min(day, tier_window(account, account->clock_on).first);
	tally_load(account, day);
	apply(account, entry, activity);
}

/*
 * Loading
 */

/* Make all tallies from the journal, when the account uses tallies for the first time. */
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

/* Load the stored tallies from a day on up to the first day that is loaded already. */
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

/* Load the tallies from a day on, if they are not loaded yet. */
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

/* Is nothing left in a tally, because all of it was returned, or confirmed to another day? */
bool
tally_is_empty(const Tally *tally)
{
	return tally->times == 0 && tally->points == 0 && money_is_zero(tally->spend);
}

/* Sum up the metrics of a span (S21); what starts to count only after as_of is left out. */
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

/* Was there an activity on a day, by the loaded tallies, that was not returned? */
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

/*
 * The number of consecutive days with an activity that end with a day; that day
 * itself is assumed to count.
 */
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
