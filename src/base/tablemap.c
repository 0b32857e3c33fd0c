/*
 * tablemap.c
 *	  The extension's tables by name.
 *
 * What a table's name means and where its columns are is cached, and dropped by
 * relcache invalidation: whatever renames or replaces the table sends one.
 * Indexes are looked up by name at each scan.  Nothing is kept open.
 */
#include "tablemap.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"


#define MAX_MAPS 24

static TableMap *maps[MAX_MAPS];
static int	nmaps = 0;

/* The indexes that are scanned. */
IndexMap	account_pkey = {.name = "account_pkey", .unique = true, .keys = {"member_id", "program_id"}};
IndexMap	account_due_at = {.name = "account_due_at", .unique = false, .keys = {"due_at", "id"}};
IndexMap	entry_pkey = {.name = "entry_pkey", .unique = true, .keys = {"account_id", "seq"}};
IndexMap	entry_ref = {.name = "entry_ref", .unique = true, .keys = {"account_id", "ref", "kind"}};
IndexMap	entry_of_seq = {.name = "entry_of_seq", .unique = false, .keys = {"account_id", "of_seq"}};
IndexMap	hold_pkey = {.name = "hold_pkey", .unique = true, .keys = {"account_id", "seq"}};
IndexMap	tally_pkey = {.name = "tally_pkey", .unique = true, .keys = {"account_id", "happened_on", "activity", "counts_from"}};
IndexMap	usage_pkey = {.name = "usage_pkey", .unique = true, .keys = {"account_id", "period_on", "counter_id"}};
IndexMap	budget_pkey = {.name = "budget_pkey", .unique = true, .keys = {"id"}};
IndexMap	member_pkey = {.name = "member_pkey", .unique = true, .keys = {"id"}};
IndexMap	member_key_key = {.name = "member_key_key", .unique = true, .keys = {"key"}};

static IndexMap *const indexes[] = {
	&account_pkey, &account_due_at, &entry_pkey, &entry_ref, &entry_of_seq, &hold_pkey, &tally_pkey,
	&usage_pkey, &budget_pkey, &member_pkey, &member_key_key
};

/* Relcache callback: forget the OID of a table or index that has changed; InvalidOid means all. */
static void
forget_map(Datum arg, Oid relid)
{
	for (int i = 0; i < lengthof(indexes); i++)
		if (relid == InvalidOid || indexes[i]->relid == relid)
			indexes[i]->relid = InvalidOid;
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

/* The snapshot for looking up rows that will be locked (ledger_lock.c). */
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
				 errhint("The tables and indexes of the extension must not be renamed or dropped.")));
	return relid;
}

/* The flag stays after the last child has gone, until the next VACUUM. */
static bool
has_children(Relation relation)
{
	return relation->rd_rel->relhassubclass &&
		find_inheritance_children(RelationGetRelid(relation), NoLock) != NIL;
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
	else if (relation->rd_rel->relispartition || has_children(relation) || has_superclass(RelationGetRelid(relation)))
		fault = "It has parent or child tables. Its owner can drop them or detach them (NO INHERIT).";
	if (fault)
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("relation \"%s.%s\" is not the extension's table", LOYALTY_SCHEMA, map->name),
				 errdetail("%s", fault),
				 errhint("Restore the extension's own table under this name.")));
}

/* The OID of one of the extension's types in this database. */
static Oid
type_oid(Oid type)
{
	static const char *const ours[] = {[OUR_LOTS] = "lot_queue", [OUR_KIND] = "kind", [OUR_EXPIRY] = "expiry"};

	if (type >= lengthof(ours))
		return type;
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(ours[type]),
						   ObjectIdGetDatum(schema_oid()));
}

/*
 * Columns are read and written as values of the types that we know: of another
 * type they would be read as what they are not.  Nor may another length or
 * scale be declared, which we would not keep to, or an expression make them.
 */
static void
check_column(Form_pg_attribute column, Oid type, const char *table)
{
	if (column->atttypid != type_oid(type) || column->atttypmod != -1)
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("column \"%s\" of \"%s.%s\" is of type %s", NameStr(column->attname), LOYALTY_SCHEMA, table,
						format_type_with_typemod(column->atttypid, column->atttypmod)),
				 errdetail("The extension expects type %s.", format_type_be(type_oid(type))),
				 errhint("Change the column back to its original type.")));
	if (column->attgenerated != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("column \"%s\" of \"%s.%s\" is generated", NameStr(column->attname), LOYALTY_SCHEMA, table),
				 errdetail("The extension must be able to write it."),
				 errhint("Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION.")));
}

/* Does a composite type of the extension have these columns and no others? */
void
tuple_check(TupleDesc tupdesc, const char *what, const Oid *types, int ncolumns)
{
	int			nleft = 0;

	for (int i = 0; i < tupdesc->natts; i++)
		nleft += !TupleDescAttr(tupdesc, i)->attisdropped;
	if (tupdesc->natts != ncolumns || nleft != ncolumns)
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("type \"%s.%s\" has been altered", LOYALTY_SCHEMA, what),
				 errdetail("It has %d attributes, and %d were dropped; the extension expects %d.", nleft, tupdesc->natts - nleft,
						   ncolumns),
				 errhint("Undo the change; the attributes of this type must stay as they are.")));
	for (int i = 0; i < ncolumns; i++)
		check_column(TupleDescAttr(tupdesc, i), types[i], what);
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
		check_column(TupleDescAttr(RelationGetDescr(relation), map->attnums[i] - 1), map->types[i], map->name);
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
				 errdetail("Postings would bypass its policies."),
				 errhint("Use row security on views of your own, or a role that is exempt from it.")));
}

/*
 * Open one of the extension's tables.  Its shape is checked at the first use
 * and after each change, its row security each time.
 */
Relation
table_map_open(TableMap *map, LOCKMODE lockmode)
{
	Oid			relid = OidIsValid(map->relid) ? map->relid : relation_oid(map->name);
	Relation	relation = table_open(relid, lockmode);

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

/* Write a row by our column numbers; columns that users added are NULL. */
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

char *
take_text(const Datum *values, const bool *nulls, int column)
{
	return nulls[column] ? NULL : TextDatumGetCString(values[column]);
}

/* Put a day into the values of a row; an infinite day is stored as NULL. */
void
put_date(Datum *values, bool *nulls, int column, DateADT day)
{
	nulls[column] = DATE_NOT_FINITE(day);
	values[column] = DateADTGetDatum(day);
}

/*
 * Read a whole table, a small one, with a snapshot; the values live as long as
 * the call of the visitor.
 */
void
table_visit(TableMap *map, Snapshot snapshot, RowVisitor visit, void *state)
{
	Relation	relation = table_map_open(map, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
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
	ExecDropSingleTupleTableSlot(slot);
	table_close(relation, AccessShareLock);
}

/* What is wrong with one key of an index; NULL if nothing is wrong. */
static const char *
key_fault(Relation heap, Relation index, int key, const char *name)
{
	AttrNumber	number = index->rd_index->indkey.values[key];
	Form_pg_attribute column;

	if (number <= 0)
		return "One of its keys is no column.";
	column = TupleDescAttr(RelationGetDescr(heap), number - 1);
	if (strcmp(NameStr(column->attname), name) != 0)
		return "Its key columns or their order differ.";
	if (index->rd_opfamily[key] != get_opclass_family(GetDefaultOpClass(column->atttypid, BTREE_AM_OID)) ||
		index->rd_indoption[key] != 0 ||
		(OidIsValid(index->rd_indcollation[key]) && index->rd_indcollation[key] != C_COLLATION_OID))
		return "Its sort order differs.";
	return NULL;
}

/* Does an index lack rows that a scan would look for?  Not those whose key is NULL. */
static bool
leaves_out(Relation index)
{
	ListCell   *cell;

	foreach(cell, RelationGetIndexPredicate(index))
	{
		NullTest   *test = lfirst(cell);
		bool		is_key = false;

		if (!IsA(test, NullTest) || test->nulltesttype != IS_NOT_NULL || !IsA(test->arg, Var))
			return true;
		for (int i = 0; i < index->rd_index->indnkeyatts; i++)
			is_key |= index->rd_index->indkey.values[i] == ((Var *) test->arg)->varattno;
		if (!is_key)
			return true;
	}
	return false;
}

/* What is wrong with an index; NULL if nothing is wrong. */
static const char *
index_fault(const IndexMap *map, Relation heap, Relation index)
{
	Form_pg_index form = index->rd_index;
	int			nkeys = 0;
	const char *fault = NULL;

	while (nkeys < MAX_KEYS && map->keys[nkeys] != NULL)
		nkeys++;
	if (form->indrelid != RelationGetRelid(heap))
		return "It belongs to another table.";
	if (!form->indisvalid || !form->indisready)
		return "It is invalid: its creation failed, or is still in progress.";
	if (index->rd_rel->relam != BTREE_AM_OID || form->indnkeyatts != nkeys)
		return "Its key columns differ.";
	if (map->unique && (!form->indisunique || !form->indimmediate))
		return "It is not unique.";
	if (leaves_out(index))
		return "It is partial and does not cover all rows.";
	for (int i = 0; i < nkeys && fault == NULL; i++)
		fault = key_fault(heap, index, i, map->keys[i]);
	return fault;
}

/*
 * Is it our index, and not something else by its name?  Rows that it does not
 * hold would be taken for missing.  Once until it changes.
 */
static void
check_index(IndexMap *map, Relation heap, Relation index)
{
	const char *fault;

	if (map->relid == RelationGetRelid(index))
		return;
	/* a name may stand for anything */
	if (index->rd_rel->relkind != RELKIND_INDEX)
		fault = "It is not an index.";
	else
		fault = index_fault(map, heap, index);
	if (fault)
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("index \"%s.%s\" is not the extension's index of table \"%s\"", LOYALTY_SCHEMA, map->name,
						RelationGetRelationName(heap)),
				 errdetail("%s", fault),
				 errhint("Restore the extension's own index under this name.")));
	map->relid = RelationGetRelid(index);
}

/*
 * Open an index by its name.  REINDEX CONCURRENTLY gives the name to another one
 * while we wait for a lock, or drops the one that we had found: then look again.
 */
static Relation
open_index(IndexMap *map, Relation heap)
{
	for (;;)
	{
		Oid			relid = relation_oid(map->name);
		Relation	index = try_relation_open(relid, AccessShareLock);

		if (index != NULL)
		{
			if (map->relid == relid || relation_oid(map->name) == relid)
			{
				check_index(map, heap, index);
				return index;
			}
			relation_close(index, AccessShareLock);
		}
		CHECK_FOR_INTERRUPTS();
	}
}

/* Begin to scan an index that is open, and stays so: scan_end does not close it. */
void
scan_begin_open(TableScan *scan, Relation heap, Relation index, Snapshot snapshot,
				ScanKey keys, int nkeys)
{
	scan->index = index;
	scan->opened = false;
	scan->slot = table_slot_create(heap, NULL);
	scan->registered = snapshot != SnapshotSelf;
	scan->snapshot = scan->registered ? RegisterSnapshot(snapshot) : snapshot;
	scan->scan = compat_index_beginscan(heap, scan->index, scan->snapshot, nkeys);
	index_rescan(scan->scan, keys, nkeys, NULL, 0);
}

/*
 * Begin to scan an index.  A snapshot from GetLatestSnapshot is registered
 * here; SnapshotSelf serves rows whose account the caller has locked: nobody
 * else can write them, and it sees our own of this very command.
 */
void
scan_begin(TableScan *scan, Relation heap, IndexMap *index, Snapshot snapshot,
		   ScanKey keys, int nkeys)
{
	scan_begin_open(scan, heap, open_index(index, heap), snapshot, keys, nkeys);
	scan->opened = true;
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

/* End a scan: close the index if the scan opened it, and release the snapshot. */
void
scan_end(TableScan *scan)
{
	index_endscan(scan->scan);
	ExecDropSingleTupleTableSlot(scan->slot);
	if (scan->opened)
		index_close(scan->index, AccessShareLock);
	if (scan->registered)
		UnregisterSnapshot(scan->snapshot);
}
