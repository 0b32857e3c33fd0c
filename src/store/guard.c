/*
 * guard.c
 *	  Protection of the ledger against accidents: changes other than by postings,
 *	  and DROP while it has entries.
 */
#include "loyalty.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "ledger.h"
#include "tablemap.h"

bool		loyalty_allow_drop = false;
static object_access_hook_type next_object_access = NULL;

/* Does the table have any row? */
static bool
has_rows(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(relation, snapshot, 0, NULL);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	bool		found = table_scan_getnextslot(scan, ForwardScanDirection, slot);

	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	table_close(relation, AccessShareLock);
	return found;
}

/* Does a table have a trigger that calls guard_refuse?  Renaming the table does not remove it. */
static bool
has_guard(Oid relid)
{
	Relation	relation = relation_open(relid, NoLock);
	bool		found = false;

	for (int i = 0; relation->trigdesc && i < relation->trigdesc->numtriggers && !found; i++)
	{
		HeapTuple	tuple = SearchSysCache1(PROCOID,
											ObjectIdGetDatum(relation->trigdesc->triggers[i].tgfoid));
		bool		isnull;
		Datum		source;

		if (!HeapTupleIsValid(tuple))
			continue;
		source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
		found = !isnull && strcmp(TextDatumGetCString(source), "guard_refuse") == 0;
		ReleaseSysCache(tuple);
	}
	relation_close(relation, NoLock);
	return found;
}

/* Is it one of the ledger's tables, by its name or, if it was renamed, by its guard trigger? */
static bool
is_ledger_table(Oid relid)
{
	char	   *name;
	Oid			schema = get_namespace_oid(LOYALTY_SCHEMA, true);

	if (get_rel_relkind(relid) != RELKIND_RELATION)
		return false;
	name = get_rel_name(relid);
	if (OidIsValid(schema) && get_rel_namespace(relid) == schema && name != NULL &&
		(strcmp(name, "entry") == 0 || strcmp(name, "account") == 0))
		return true;
	return has_guard(relid);
}

/* Is a column of a ledger table one of the extension's own, and not one that a DBA added? */
static bool
is_our_column(Oid relid, AttrNumber attnum)
{
	static const TableMap *const maps[] = {
		&entry_map, &account_map, &hold_map, &tally_map, &usage_map, &budget_map
	};
	char	   *name = get_attname(relid, attnum, true);

	for (int m = 0; name != NULL && m < lengthof(maps); m++)
		for (int i = 0; i < maps[m]->ncolumns; i++)
			if (strcmp(name, maps[m]->columns[i]) == 0)
				return true;
	return false;
}

/*
 * Refuse to make a parent or child of a table of the ledger: UPDATE and DELETE
 * of a parent reach the rows of its children without firing their guards.
 */
static void
refuse_inheritance(Oid child, Oid parent)
{
	Oid			table = has_guard(child) ? child : has_guard(parent) ? parent : InvalidOid;

	if (OidIsValid(table))
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("table \"%s.%s\" cannot be a parent, child or partition of another table",
						get_namespace_name(get_rel_namespace(table)), get_rel_name(table)),
				 errdetail("Its rows could then be changed without firing its guard triggers.")));
}

/* Refuse to rename the schema: the guards and the callers know the ledger only by this name. */
static void
refuse_renaming(Oid schema)
{
	Relation	namespaces = table_open(NamespaceRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	bool		renamed;

	/* the change is not visible to others yet, so the old name is still in the cache */
	ScanKeyInit(&key, Anum_pg_namespace_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(schema));
	scan = systable_beginscan(namespaces, NamespaceOidIndexId, true, SnapshotSelf, 1, &key);
	tuple = systable_getnext(scan);
	renamed = HeapTupleIsValid(tuple) &&
		strcmp(NameStr(((Form_pg_namespace) GETSTRUCT(tuple))->nspname), LOYALTY_SCHEMA) != 0;
	systable_endscan(scan);
	table_close(namespaces, AccessShareLock);
	if (renamed)
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("schema \"%s\" cannot be renamed", LOYALTY_SCHEMA),
				 errdetail("The extension's functions and views refer to their tables by this schema name.")));
}

/*
 * The object access hook.  Refuses DROP of a ledger table, or of one of its own
 * columns, while the table has rows; inheritance of guarded tables; and
 * renaming of the schema.
 */
static void
refuse_drop(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	if (next_object_access)
		next_object_access(access, class_id, object_id, sub_id, arg);
	if (access == OAT_POST_ALTER && class_id == InheritsRelationId)
		refuse_inheritance(object_id, ((ObjectAccessPostAlter *) arg)->auxiliary_id);
	if (access == OAT_POST_ALTER && class_id == NamespaceRelationId &&
		object_id == get_namespace_oid(LOYALTY_SCHEMA, true))
		refuse_renaming(object_id);
	if (access != OAT_DROP || class_id != RelationRelationId || loyalty_allow_drop ||
		!is_ledger_table(object_id))
		return;
	if (!has_rows(object_id))
		return;
	if (sub_id != 0 && !is_our_column(object_id, sub_id))
		return;
	if (sub_id != 0)
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("cannot drop a column of table \"%s.%s\"", LOYALTY_SCHEMA,
						get_rel_name(object_id)),
				 errdetail("The ledger has entries."),
				 errhint("To drop it anyway, run SET loyalty.allow_drop = on as a superuser.")));
	ereport(ERROR,
			(errcode(ERRCODE_LY_GUARDED),
			 errmsg("cannot drop table \"%s.%s\": the ledger has entries", LOYALTY_SCHEMA,
					get_rel_name(object_id)),
			 errdetail("Members' points would be lost."),
			 errhint("To drop it anyway, run SET loyalty.allow_drop = on as a superuser.")));
}

/* Define loyalty.allow_drop, and install the object access hook in front of any other. */
void
guard_init(void)
{
	DefineCustomBoolVariable("loyalty.allow_drop",
							 "Allows DROP of the ledger's tables while the ledger has entries.",
							 NULL, &loyalty_allow_drop, false, PGC_SUSET, 0, NULL, NULL, NULL);
	next_object_access = object_access_hook;
	object_access_hook = refuse_drop;
}

/* Statement trigger that refuses UPDATE, DELETE and TRUNCATE of tables that only postings write. */
PG_FUNCTION_INFO_V1(guard_refuse);
Datum
guard_refuse(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	const char *command;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "guard_refuse must be called as a trigger");
	command = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? "UPDATE" :
		TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ? "DELETE" : "TRUNCATE";
	ereport(ERROR,
			(errcode(ERRCODE_LY_GUARDED),
			 errmsg("%s is not allowed on table \"%s.%s\"", command, LOYALTY_SCHEMA,
					RelationGetRelationName(trigger->tg_relation)),
			 errdetail("Only postings write to the ledger, and nothing in it is ever deleted."),
			 errhint("To correct points, use loyalty.adjust, refund or cancel. To erase a person, use loyalty.erase.")));
	return PointerGetDatum(NULL);	/* not reached */
}

/* Does an UPDATE change a column?  Values are compared as text. */
static bool
is_changed(TriggerData *trigger, const char *column)
{
	TupleDesc	tupdesc = RelationGetDescr(trigger->tg_relation);
	AttrNumber	attnum = get_attnum(RelationGetRelid(trigger->tg_relation), column);
	bool		old_null;
	bool		new_null;
	Datum		old_value = heap_getattr(trigger->tg_trigtuple, attnum, tupdesc, &old_null);
	Datum		new_value = heap_getattr(trigger->tg_newtuple, attnum, tupdesc, &new_null);
	Oid			output;
	bool		is_varlena;

	getTypeOutputInfo(TupleDescAttr(tupdesc, attnum - 1)->atttypid, &output, &is_varlena);
	if (old_null || new_null)
		return old_null != new_null;
	return strcmp(OidOutputFunctionCall(output, old_value),
				  OidOutputFunctionCall(output, new_value)) != 0;
}

static void
refuse_change(TriggerData *trigger, const char *column, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_GUARDED),
			 errmsg("column \"%s\" of table \"%s.%s\" cannot be changed", column, LOYALTY_SCHEMA,
					RelationGetRelationName(trigger->tg_relation)),
			 errdetail("%s", reason)));
}

/* Does the program that is being updated have any account? */
static bool
program_in_use(TriggerData *trigger)
{
	Relation	account = table_open(relation_oid("account"), AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(account, NULL);
	TableScanDesc scan;
	ScanKeyData key;
	bool		isnull;
	bool		found;

	ScanKeyInit(&key, get_attnum(RelationGetRelid(account), "program_id"),
				BTEqualStrategyNumber, F_INT4EQ,
				heap_getattr(trigger->tg_trigtuple,
							 get_attnum(RelationGetRelid(trigger->tg_relation), "id"),
							 RelationGetDescr(trigger->tg_relation), &isnull));
	scan = table_beginscan(account, snapshot, 1, &key);
	found = table_scan_getnextslot(scan, ForwardScanDirection, slot);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	table_close(account, AccessShareLock);
	return found;
}

/*
 * BEFORE UPDATE row trigger of member and program: an id cannot change, nor can
 * the time zone of a program that has accounts.
 */
PG_FUNCTION_INFO_V1(guard_keep);
Datum
guard_keep(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		RelationGetNamespace(trigger->tg_relation) != schema_oid())
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("loyalty._guard_keep can only be a trigger of the extension's own tables")));
	if (is_changed(trigger, "id"))
		refuse_change(trigger, "id", "The ledger refers to it.");
	if (strcmp(RelationGetRelationName(trigger->tg_relation), "program") == 0 &&
		is_changed(trigger, "timezone") && program_in_use(trigger))
		refuse_change(trigger, "timezone",
					  "The program has accounts whose dates depend on its time zone.");
	return PointerGetDatum(trigger->tg_newtuple);
}
