/*
 * usage.c
 *	  Usage, budgets, and the charges that entries make to them.
 */
#include "usage.h"

#include "access/table.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "json.h"
#include "ledger.h"

/* Load all usage of a period that is not loaded yet; rules share periods. */
static void
load_period(Account *account, DateADT period_on)
{
	Snapshot	snapshot = account->ledger ? SnapshotSelf : account->snapshot;
	MemoryContext old = MemoryContextSwitchTo(account->context);

	account->usage_periods = lappend_int(account->usage_periods, period_on);
	if (snapshot != NULL)
	{
		Relation	relation = table_map_open(&usage_map, AccessShareLock);
		Faults		refused = faults_refused();
		ScanKeyData keys[2];
		TableScan	scan;

		ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account->id));
		ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_DATE_EQ, DateADTGetDatum(period_on));
		scan_begin(&scan, relation, &usage_pkey, snapshot, keys, 2);
		while (scan_next(&scan, true))
			account->usages = lappend(account->usages, usage_from_slot(scan.slot, &refused));
		scan_end(&scan);
		table_close(relation, AccessShareLock);
	}
	MemoryContextSwitchTo(old);
}

/* The usage of a counter in a period; if there is none, a blank one is added. */
Usage *
usage_find(Account *account, int64 counter_id, DateADT period_on)
{
	Usage	   *usage;
	ListCell   *cell;
	MemoryContext old;

	if (!list_member_int(account->usage_periods, period_on))
		load_period(account, period_on);
	foreach(cell, account->usages)
	{
		usage = lfirst(cell);
		if (usage->counter_id == counter_id && usage->period_on == period_on)
			return usage;
	}
	old = MemoryContextSwitchTo(account->context);
	usage = palloc0(sizeof(Usage));
	usage->counter_id = counter_id;
	usage->period_on = period_on;
	ItemPointerSetInvalid(&usage->tid);
	account->usages = lappend(account->usages, usage);
	MemoryContextSwitchTo(old);
	return usage;
}

/* Get a budget: a posting locks it, a read only reads it. */
Budget *
budget_find(Account *account, int64 id)
{
	if (account->ledger)
		return ledger_budget(account->ledger, id);
	return budget_read(id, account->snapshot);
}

/* Add a charge to its budget, or to its counter's usage. */
static void
apply(Account *account, const Charge *charge)
{
	if (charge->is_budget)
	{
		Budget	   *budget = budget_find(account, charge->id);

		budget->spent += charge->points;
		budget->changed = true;
	}
	else
	{
		Usage	   *usage = usage_find(account, charge->id, charge->period_on);

		usage->times += charge->times;
		usage->points += charge->points;
		usage->changed = true;
	}
}

static int
compare_ids(const ListCell *a, const ListCell *b)
{
	int64		one = *(int64 *) lfirst(a);
	int64		other = *(int64 *) lfirst(b);

	return one < other ? -1 : one > other;
}

/* Lock budgets, of int64 *, in the order of their ids. */
void
budgets_lock(Account *account, List *ids)
{
	ListCell   *cell;

	list_sort(ids, compare_ids);
	foreach(cell, ids)
		(void) budget_find(account, *(int64 *) lfirst(cell));
}

/* Lock all budgets among the charges, in the order of their ids, before the first is changed. */
static void
lock_charged(Account *account, List *charges)
{
	List	   *ids = NIL;
	ListCell   *cell;

	foreach(cell, charges)
	{
		Charge	   *charge = lfirst(cell);

		if (charge->is_budget)
			ids = lappend(ids, &charge->id);
	}
	budgets_lock(account, ids);
}

/* Apply charges, and store them in an entry. */
void
charges_apply(Account *account, Entry *entry, List *charges)
{
	Json		json = {0};
	ListCell   *cell;

	if (charges == NIL)
		return;
	lock_charged(account, charges);
	json_begin(&json, WJB_BEGIN_ARRAY);
	foreach(cell, charges)
	{
		const Charge *charge = lfirst(cell);

		apply(account, charge);
		json_begin(&json, WJB_BEGIN_OBJECT);
		json_integer(&json, "id", charge->id);
		if (!charge->is_budget)
			json_date(&json, "on", charge->period_on);
		if (charge->times != 0)
			json_integer(&json, "times", charge->times);
		json_integer(&json, "points", charge->points);
		if (charge->part >= 0)
			json_integer(&json, "part", charge->part);
		json_text(&json, "campaign", charge->campaign);
		json_end(&json, WJB_END_OBJECT);
	}
	json_end(&json, WJB_END_ARRAY);
	entry_set(entry, ENTRY_CHARGES, json_finish(&json));
}

/* Decode the charges of an entry: a list of Charge *. */
List *
charges_of(const Entry *entry)
{
	List	   *charges = NIL;

	if (entry->nulls[ENTRY_CHARGES])
		return NIL;
	for (int i = 0; i < json_count(entry->values[ENTRY_CHARGES]); i++)
	{
		JsonbContainer *object = json_element(entry->values[ENTRY_CHARGES], i);
		Charge	   *charge = palloc0(sizeof(Charge));

		charge->id = json_get_integer(object, "id", 0);
		charge->is_budget = !json_has(object, "on");
		charge->period_on = json_get_date(object, "on", DATEVAL_NOBEGIN);
		charge->times = json_get_integer(object, "times", 0);
		charge->points = json_get_integer(object, "points", 0);
		charge->part = json_get_integer(object, "part", -1);
		charge->campaign = json_get_text(object, "campaign");
		charges = lappend(charges, charge);
	}
	return charges;
}

/* Apply the charges of an entry to its account's usage; budgets are left out. */
void
charges_replay(Account *account, const Entry *entry)
{
	ListCell   *cell;

	foreach(cell, charges_of(entry))
	{
		const Charge *charge = lfirst(cell);

		if (!charge->is_budget)
			apply(account, charge);
	}
}
