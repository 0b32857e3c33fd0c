/*
 * table.c
 *	  The extension's tables by name.
 *
 * Column numbers are cached per table and dropped by relcache invalidation;
 * relations and indexes are looked up by name at each call (some 100 ns).
 */
#include "table.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"


#define MAX_MAPS 24

static TableMap *maps[MAX_MAPS];
static int	nmaps = 0;

static void
forget_map(Datum arg, Oid relid)
{
	for (int i = 0; i < nmaps; i++)
		if (relid == InvalidOid || maps[i]->relid == relid)
			maps[i]->relid = InvalidOid;
}

void
table_map_init(void)
{
	CacheRegisterRelcacheCallback(forget_map, (Datum) 0);
}

/*
 * The latest snapshot; in a parallel query, whose workers may take none, the
 * query's own.
 */
Snapshot
latest_snapshot(void)
{
	return IsInParallelMode() ? GetActiveSnapshot() : GetLatestSnapshot();
}

/* The one that rows to be locked are looked up with (ledger.c). */
Snapshot
lookup_snapshot(void)
{
	if (IsolationUsesXactSnapshot() && !IsInParallelMode())
		return GetTransactionSnapshot();
	return latest_snapshot();
}

Oid
schema_oid(void)
{
	return get_namespace_oid(LOYALTY_SCHEMA, false);
}

/* The table, view, index or sequence of a name in our schema. */
Oid
relation_oid(const char *name)
{
	Oid			relid = get_relname_relid(name, schema_oid());

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s.%s\" does not exist", LOYALTY_SCHEMA, name),
				 errhint("The extension's own tables and indexes must keep their names.")));
	return relid;
}

/*
 * Is it our table, and not something else by its name?  A view, or a table of
 * another shape, would be read as what it is not; rows of a child table would
 * be seen by some readers and not by others.
 */
static void
check_relation(const TableMap *map, Relation relation)
{
	const char *fault = NULL;

	if (relation->rd_rel->relkind != RELKIND_RELATION)
		fault = "It is not a plain table.";
	else if (getExtensionOfObject(RelationRelationId, RelationGetRelid(relation)) !=
			 get_extension_oid("loyalty", true))
		fault = "It does not belong to the extension.";
	else if (relation->rd_rel->relispartition || relation->rd_rel->relhassubclass || has_superclass(RelationGetRelid(relation)))
		fault = "It has parent or child tables.";
	if (fault)
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("relation \"%s.%s\" is not the extension's table", LOYALTY_SCHEMA, map->name),
				 errdetail("%s", fault),
				 errhint("Put the table of the extension back in its place.")));
}

/* Find our columns by their names, once until the table changes. */
void
table_map_check(TableMap *map, Relation relation)
{
	if (map->relid == RelationGetRelid(relation))
		return;
	check_relation(map, relation);
	if (map->attnums == NULL)
	{
		map->attnums = MemoryContextAllocZero(TopMemoryContext,
											  map->ncolumns * sizeof(AttrNumber));
		Assert(nmaps < MAX_MAPS);
		maps[nmaps++] = map;
	}
	for (int i = 0; i < map->ncolumns; i++)
	{
		map->attnums[i] = get_attnum(RelationGetRelid(relation), map->columns[i]);
		if (map->attnums[i] == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of table \"%s.%s\" does not exist",
							map->columns[i], LOYALTY_SCHEMA, map->name),
					 errhint("Run ALTER EXTENSION loyalty UPDATE.")));
	}
	map->relid = RelationGetRelid(relation);
}

/*
 * We read and write by row, without the policies of row security: so nobody to
 * whom they apply may come here.
 */
static void
check_row_security(Relation relation)
{
	if (check_enable_rls(RelationGetRelid(relation), InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_LY_ROW_SECURITY),
				 errmsg("row security of table \"%s.%s\" applies to role \"%s\"",
						LOYALTY_SCHEMA, RelationGetRelationName(relation),
						GetUserNameFromId(GetUserId(), false)),
				 errdetail("The extension would bypass its policies."),
				 errhint("Put row security on views, or use a role that it does not apply to.")));
}

Relation
table_map_open(TableMap *map, LOCKMODE lockmode)
{
	Relation	relation = table_open(relation_oid(map->name), lockmode);

	table_map_check(map, relation);
	if (relation->rd_rel->relrowsecurity)
		check_row_security(relation);
	return relation;
}

/* Read a row by our column numbers; the values live as long as the slot. */
void
table_get(const TableMap *map, TupleTableSlot *slot, Datum *values, bool *nulls)
{
	slot_getallattrs(slot);
	for (int i = 0; i < map->ncolumns; i++)
	{
		values[i] = slot->tts_values[map->attnums[i] - 1];
		nulls[i] = slot->tts_isnull[map->attnums[i] - 1];
	}
}

/* Write a row by our column numbers; columns of others are NULL. */
void
table_put(const TableMap *map, TupleTableSlot *slot, const Datum *values, const bool *nulls)
{
	int			natts = slot->tts_tupleDescriptor->natts;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, natts * sizeof(bool));
	for (int i = 0; i < map->ncolumns; i++)
	{
		slot->tts_values[map->attnums[i] - 1] = values[i];
		slot->tts_isnull[map->attnums[i] - 1] = nulls[i];
	}
	ExecStoreVirtualTuple(slot);
}

void
put_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	if (text)
		values[column] = CStringGetTextDatum(text);
}

void
put_date(Datum *values, bool *nulls, int column, DateADT day)
{
	nulls[column] = DATE_NOT_FINITE(day);
	values[column] = DateADTGetDatum(day);
}

/*
 * Read a whole table, a small one, with the latest snapshot; the values live
 * as long as the call of the visitor.
 */
void
table_visit(TableMap *map, RowVisitor visit, void *state)
{
	Relation	relation = table_map_open(map, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	Snapshot	snapshot = RegisterSnapshot(latest_snapshot());
	TableScanDesc scan = table_beginscan(relation, snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		Datum		values[MAX_COLUMNS];
		bool		nulls[MAX_COLUMNS];

		Assert(map->ncolumns <= MAX_COLUMNS);
		table_get(map, slot, values, nulls);
		visit(values, nulls, state);
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	table_close(relation, AccessShareLock);
}

/* Another table's index by our index's name would be searched for what it does not hold. */
static void
check_index(Relation heap, Relation index)
{
	if (index->rd_index->indrelid != RelationGetRelid(heap))
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("index \"%s.%s\" is not of table \"%s.%s\"", LOYALTY_SCHEMA,
						RelationGetRelationName(index), LOYALTY_SCHEMA, RelationGetRelationName(heap)),
				 errhint("Put the index of the extension back in its place.")));
}

/*
 * Begin to scan an index.  A snapshot from GetLatestSnapshot is registered
 * here; SnapshotSelf serves rows whose account the caller has locked: nobody
 * else can write them, and it sees our own of this very command.
 */
void
scan_begin(TableScan *scan, Relation heap, const char *index, Snapshot snapshot,
		   ScanKey keys, int nkeys)
{
	scan->index = index_open(relation_oid(index), AccessShareLock);
	check_index(heap, scan->index);
	scan->slot = table_slot_create(heap, NULL);
	scan->registered = snapshot != SnapshotSelf;
	scan->snapshot = scan->registered ? RegisterSnapshot(snapshot) : snapshot;
	scan->scan = compat_index_beginscan(heap, scan->index, scan->snapshot, nkeys);
	index_rescan(scan->scan, keys, nkeys, NULL, 0);
}

/* Scan the same index for other keys. */
void
scan_again(TableScan *scan, ScanKey keys, int nkeys)
{
	ExecClearTuple(scan->slot);
	index_rescan(scan->scan, keys, nkeys, NULL, 0);
}

/* Fetch the next row into scan->slot. */
bool
scan_next(TableScan *scan, bool forward)
{
	return index_getnext_slot(scan->scan,
							  forward ? ForwardScanDirection : BackwardScanDirection,
							  scan->slot);
}

void
scan_end(TableScan *scan)
{
	index_endscan(scan->scan);
	ExecDropSingleTupleTableSlot(scan->slot);
	index_close(scan->index, AccessShareLock);
	if (scan->registered)
		UnregisterSnapshot(scan->snapshot);
}
