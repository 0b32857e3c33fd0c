/*
 * guard.c
 *	  What nobody may do to the ledger by accident: change it behind its back,
 *	  or drop it over its entries.
 */
#include "loyalty.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "ledger.h"
#include "table.h"

bool		loyalty_allow_drop = false;
static object_access_hook_type next_object_access = NULL;

/* Has the table any row? */
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

/* Is it one of the tables that are the ledger? */
static bool
is_ledger_table(Oid relid)
{
	char	   *name;
	Oid			schema = get_namespace_oid(LOYALTY_SCHEMA, true);

	if (!OidIsValid(schema) || get_rel_namespace(relid) != schema ||
		get_rel_relkind(relid) != RELKIND_RELATION)
		return false;
	name = get_rel_name(relid);
	return name != NULL && (strcmp(name, "entry") == 0 || strcmp(name, "account") == 0);
}

/* Is a column of such a table one of ours, and not the DBA's own? */
static bool
is_our_column(Oid relid, AttrNumber attnum)
{
	const TableMap *map = strcmp(get_rel_name(relid), "entry") == 0 ? &entry_map : &account_map;
	char	   *name = get_attname(relid, attnum, true);

	for (int i = 0; name != NULL && i < map->ncolumns; i++)
		if (strcmp(name, map->columns[i]) == 0)
			return true;
	return false;
}

/* Refuse to drop the ledger while it holds anything. */
static void
refuse_drop(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	if (next_object_access)
		next_object_access(access, class_id, object_id, sub_id, arg);
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
				 errhint("SET loyalty.allow_drop = on allows it.")));
	ereport(ERROR,
			(errcode(ERRCODE_LY_GUARDED),
			 errmsg("cannot drop table \"%s.%s\": the ledger has entries", LOYALTY_SCHEMA,
					get_rel_name(object_id)),
			 errdetail("Members' points would be lost."),
			 errhint("SET loyalty.allow_drop = on allows it.")));
}

void
guard_init(void)
{
	DefineCustomBoolVariable("loyalty.allow_drop",
							 "Allows to drop the ledger's tables although they hold entries.",
							 NULL, &loyalty_allow_drop, false, PGC_USERSET, 0, NULL, NULL, NULL);
	next_object_access = object_access_hook;
	object_access_hook = refuse_drop;
}

/*
 * Event trigger before commands that drop.  Its only work is to be in the
 * library, which is thereby loaded and has its hook in place.
 */
PG_FUNCTION_INFO_V1(guard_load);
Datum
guard_load(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		elog(ERROR, "guard_load must be called as an event trigger");
	PG_RETURN_NULL();
}

/* Statement trigger on UPDATE, DELETE and TRUNCATE of what only postings write. */
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
			 errmsg("%s of table \"%s.%s\" is refused", command, LOYALTY_SCHEMA,
					RelationGetRelationName(trigger->tg_relation)),
			 errdetail("The ledger is written by postings alone, and nothing in it is deleted."),
			 errhint("Correct points with loyalty.adjust, refund or cancel; erase a person with loyalty.erase.")));
	return PointerGetDatum(NULL);	/* not reached */
}

/* Does an UPDATE change a column? */
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
			 errmsg("column \"%s\" of table \"%s.%s\" cannot change", column, LOYALTY_SCHEMA,
					RelationGetRelationName(trigger->tg_relation)),
			 errdetail("%s", reason)));
}

/* Has the program of a row any account? */
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

/* Row trigger before UPDATE of member and program: ids stay, and time zones. */
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
				 errmsg("loyalty.guard_keep belongs to the extension's own tables")));
	if (is_changed(trigger, "id"))
		refuse_change(trigger, "id", "The ledger refers to it.");
	if (strcmp(RelationGetRelationName(trigger->tg_relation), "program") == 0 &&
		is_changed(trigger, "timezone") && program_in_use(trigger))
		refuse_change(trigger, "timezone",
					  "The program has accounts, whose days are of its time zone.");
	return PointerGetDatum(trigger->tg_newtuple);
}
