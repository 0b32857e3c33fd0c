/*
 * counters.c
 *	  Conversion between the rows of tally, usage and budget and their structs.
 */
#include "account_row.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

enum
{
	TALLY_ACCOUNT_ID, TALLY_HAPPENED_ON, TALLY_ACTIVITY, TALLY_COUNTS_FROM, TALLY_TIMES,
	TALLY_POINTS, TALLY_SPEND, TALLY_COLUMNS
};

static const char *const tally_columns[TALLY_COLUMNS] = {
	"account_id", "happened_on", "activity", "counts_from", "times", "points", "spend"
};

static const Oid tally_types[TALLY_COLUMNS] = {
	INT8OID, DATEOID, TEXTOID, DATEOID, INT8OID, INT8OID, NUMERICOID
};

static const StoredColumn tally_domains[TALLY_COLUMNS] = {
	[TALLY_ACCOUNT_ID] = {DOMAIN_ID, false},
	[TALLY_HAPPENED_ON] = {DOMAIN_DAY, false},
	[TALLY_ACTIVITY] = {DOMAIN_TEXT, false},
	[TALLY_COUNTS_FROM] = {DOMAIN_LAST_DAY, false},
	[TALLY_TIMES] = {DOMAIN_POINTS, false},
	[TALLY_POINTS] = {DOMAIN_POINTS, false},
	[TALLY_SPEND] = {DOMAIN_SUM, false}
};

enum
{
	USAGE_ACCOUNT_ID, USAGE_PERIOD_ON, USAGE_COUNTER_ID, USAGE_TIMES, USAGE_POINTS, USAGE_COLUMNS
};

static const char *const usage_columns[USAGE_COLUMNS] = {
	"account_id", "period_on", "counter_id", "times", "points"
};

static const Oid usage_types[USAGE_COLUMNS] = {
	INT8OID, DATEOID, INT8OID, INT8OID, INT8OID
};

static const StoredColumn usage_domains[USAGE_COLUMNS] = {
	[USAGE_ACCOUNT_ID] = {DOMAIN_ID, false},
	[USAGE_PERIOD_ON] = {DOMAIN_PERIOD, false},
	[USAGE_COUNTER_ID] = {DOMAIN_NUMBER, false},
	[USAGE_TIMES] = {DOMAIN_POINTS, false},
	[USAGE_POINTS] = {DOMAIN_POINTS, false}
};

enum
{
	BUDGET_ID, BUDGET_SPENT, BUDGET_COLUMNS
};

static const char *const budget_columns[BUDGET_COLUMNS] = {"id", "spent"};

static const Oid budget_types[BUDGET_COLUMNS] = {
	INT8OID, INT8OID
};

static const StoredColumn budget_domains[BUDGET_COLUMNS] = {
	[BUDGET_ID] = {DOMAIN_NUMBER, false},
	[BUDGET_SPENT] = {DOMAIN_POINTS, false}
};

TableMap	tally_map = {.name = "tally", .ncolumns = TALLY_COLUMNS, .columns = tally_columns, .types = tally_types};
TableMap	usage_map = {.name = "usage", .ncolumns = USAGE_COLUMNS, .columns = usage_columns, .types = usage_types};
TableMap	budget_map = {.name = "budget", .ncolumns = BUDGET_COLUMNS, .columns = budget_columns, .types = budget_types};

/*
 * Check the values of a row against the domains of its columns.  Reports name
 * the account; 0 for a budget.
 */
static void
check(const char *table, const TableMap *map, const StoredColumn *columns, int64 account_id,
	  Datum *values, bool *nulls, Faults *faults)
{
	faults->table = table;
	faults->account_id = account_id;
	faults->seq = 0;
	row_check(columns, map->columns, map->ncolumns, values, nulls, faults);
}

/* Decode a tally's row into the current memory context; invalid values are reported to faults. */
Tally *
tally_from_slot(TupleTableSlot *slot, Faults *faults)
{
	Datum		values[TALLY_COLUMNS];
	bool		nulls[TALLY_COLUMNS];
	Tally	   *tally = palloc0(sizeof(Tally));

	table_get(&tally_map, slot, values, nulls);
	check("tally", &tally_map, tally_domains, DatumGetInt64(values[TALLY_ACCOUNT_ID]), values, nulls, faults);
	tally->happened_on = DatumGetDateADT(values[TALLY_HAPPENED_ON]);
	tally->activity = TextDatumGetCString(values[TALLY_ACTIVITY]);
	tally->counts_from = DatumGetDateADT(values[TALLY_COUNTS_FROM]);
	tally->times = DatumGetInt64(values[TALLY_TIMES]);
	tally->points = DatumGetInt64(values[TALLY_POINTS]);
	tally->spend = DatumGetNumericCopy(values[TALLY_SPEND]);
	tally->tid = slot->tts_tid;
	return tally;
}

void
put_tally(const Account *account, const Tally *tally, TupleTableSlot *slot)
{
	Datum		values[TALLY_COLUMNS];
	bool		nulls[TALLY_COLUMNS] = {0};

	values[TALLY_ACCOUNT_ID] = Int64GetDatum(account->id);
	values[TALLY_HAPPENED_ON] = DateADTGetDatum(tally->happened_on);
	values[TALLY_ACTIVITY] = CStringGetTextDatum(tally->activity);
	values[TALLY_COUNTS_FROM] = DateADTGetDatum(tally->counts_from);
	values[TALLY_TIMES] = Int64GetDatum(tally->times);
	values[TALLY_POINTS] = Int64GetDatum(tally->points);
	values[TALLY_SPEND] = NumericGetDatum(tally->spend);
	table_put(&tally_map, slot, values, nulls);
}

/* Decode a usage row into the current memory context; invalid values are reported to faults. */
Usage *
usage_from_slot(TupleTableSlot *slot, Faults *faults)
{
	Datum		values[USAGE_COLUMNS];
	bool		nulls[USAGE_COLUMNS];
	Usage	   *usage = palloc0(sizeof(Usage));

	table_get(&usage_map, slot, values, nulls);
	check("usage", &usage_map, usage_domains, DatumGetInt64(values[USAGE_ACCOUNT_ID]), values, nulls, faults);
	usage->counter_id = DatumGetInt64(values[USAGE_COUNTER_ID]);
	usage->period_on = DatumGetDateADT(values[USAGE_PERIOD_ON]);
	usage->times = DatumGetInt64(values[USAGE_TIMES]);
	usage->points = DatumGetInt64(values[USAGE_POINTS]);
	usage->tid = slot->tts_tid;
	return usage;
}

void
put_usage(const Account *account, const Usage *usage, TupleTableSlot *slot)
{
	Datum		values[USAGE_COLUMNS];
	bool		nulls[USAGE_COLUMNS] = {0};

	values[USAGE_ACCOUNT_ID] = Int64GetDatum(account->id);
	values[USAGE_PERIOD_ON] = DateADTGetDatum(usage->period_on);
	values[USAGE_COUNTER_ID] = Int64GetDatum(usage->counter_id);
	values[USAGE_TIMES] = Int64GetDatum(usage->times);
	values[USAGE_POINTS] = Int64GetDatum(usage->points);
	table_put(&usage_map, slot, values, nulls);
}

/*
 * Decode a budget's row into the current memory context; an invalid value
 * raises an error (LY_DAMAGED).
 */
Budget *
budget_from_slot(TupleTableSlot *slot)
{
	Datum		values[BUDGET_COLUMNS];
	bool		nulls[BUDGET_COLUMNS];
	Budget	   *budget = palloc0(sizeof(Budget));
	Faults		refused = faults_refused();

	table_get(&budget_map, slot, values, nulls);
	check("budget", &budget_map, budget_domains, 0, values, nulls, &refused);
	budget->id = DatumGetInt64(values[BUDGET_ID]);
	budget->spent = DatumGetInt64(values[BUDGET_SPENT]);
	budget->tid = slot->tts_tid;
	return budget;
}

void
put_budget(const Budget *budget, TupleTableSlot *slot)
{
	Datum		values[BUDGET_COLUMNS];
	bool		nulls[BUDGET_COLUMNS] = {0};

	values[BUDGET_ID] = Int64GetDatum(budget->id);
	values[BUDGET_SPENT] = Int64GetDatum(budget->spent);
	table_put(&budget_map, slot, values, nulls);
}

/* Does a locked row belong to the budget that was asked for? */
bool
slot_is_budget(TupleTableSlot *slot, int64 id)
{
	bool		isnull;

	return DatumGetInt64(slot_getattr(slot, budget_map.attnums[BUDGET_ID], &isnull)) == id;
}

/* Find the version of a budget's row that a snapshot sees: its place; false if it sees none. */
bool
find_budget(Relation relation, int64 id, Snapshot snapshot, ItemPointer tid)
{
	ScanKeyData key;
	TableScan	scan;
	bool		found;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id));
	scan_begin(&scan, relation, &budget_pkey, snapshot, &key, 1);
	found = scan_next(&scan, true);
	if (found)
		*tid = scan.slot->tts_tid;
	scan_end(&scan);
	return found;
}

/*
 * Read a budget as a snapshot sees it; without a snapshot, or without a row,
 * nothing of it is spent.
 */
Budget *
budget_read(int64 id, Snapshot snapshot)
{
	Budget	   *budget = NULL;
	ScanKeyData key;
	TableScan	scan;

	if (snapshot != NULL)
	{
		Relation	relation = table_map_open(&budget_map, AccessShareLock);

		ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id));
		scan_begin(&scan, relation, &budget_pkey, snapshot, &key, 1);
		if (scan_next(&scan, true))
			budget = budget_from_slot(scan.slot);
		scan_end(&scan);
		table_close(relation, AccessShareLock);
	}
	if (budget == NULL)
	{
		budget = palloc0(sizeof(Budget));
		budget->id = id;
	}
	return budget;
}

/* Read all usage of an account that a snapshot sees: a list of Usage *. */
List *
usage_read_all(int64 account_id, Snapshot snapshot, Faults *faults)
{
	Relation	relation = table_map_open(&usage_map, AccessShareLock);
	List	   *usages = NIL;
	ScanKeyData key;
	TableScan	scan;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account_id));
	scan_begin(&scan, relation, &usage_pkey, snapshot, &key, 1);
	while (scan_next(&scan, true))
		usages = lappend(usages, usage_from_slot(scan.slot, faults));
	scan_end(&scan);
	table_close(relation, AccessShareLock);
	return usages;
}

/* Read all tallies of an account that a snapshot sees: a list of Tally *. */
List *
tally_read_all(int64 account_id, Snapshot snapshot, Faults *faults)
{
	Relation	relation = table_map_open(&tally_map, AccessShareLock);
	List	   *tallies = NIL;
	ScanKeyData key;
	TableScan	scan;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account_id));
	scan_begin(&scan, relation, &tally_pkey, snapshot, &key, 1);
	while (scan_next(&scan, true))
		tallies = lappend(tallies, tally_from_slot(scan.slot, faults));
	scan_end(&scan);
	table_close(relation, AccessShareLock);
	return tallies;
}
