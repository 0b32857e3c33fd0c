/*
 * owner.c
 *	  Writing a table of ours as its owner.
 */
#include "owner.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
#include "utils/syscache.h"

#include "tablemap.h"

/* Append a parameter of a statement; returns its number, from 1. */
int
owner_add(OwnerValues *values, Oid type, Datum value, bool isnull)
{
	Assert(values->count < MAX_OWNER_VALUES);
	values->types[values->count] = type;
	values->values[values->count] = value;
	values->nulls[values->count] = isnull ? 'n' : ' ';
	return ++values->count;
}

/* May a trigger run with the rights of a role?  Its WHEN has no owner, so nobody answers for it. */
static bool
is_trusted(const Trigger *trigger, Oid owner)
{
	HeapTuple	tuple;
	Oid			author;

	if (trigger->tgisinternal)
		return true;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(trigger->tgfoid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", trigger->tgfoid);
	author = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return trigger->tgqual == NULL && (author == owner || superuser_arg(author));
}

/*
 * Whoever has TRIGGER on a table of ours may hang a function of his on it.  That
 * must not run as the owner because somebody without rights makes us write.
 * The list is a copy: a look into a catalog may rebuild the relation, and then
 * its own list is freed.
 */
static void
check_triggers(Oid relid, Oid owner)
{
	Relation	relation = table_open(relid, AccessShareLock);
	TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
		if (!is_trusted(&triggers->triggers[i], owner))
			ereport(ERROR,
					(errcode(ERRCODE_LY_GUARDED),
					 errmsg("trigger \"%s\" of table \"%s.%s\" is not trusted", triggers->triggers[i].tgname,
							get_namespace_name(RelationGetNamespace(relation)), RelationGetRelationName(relation)),
					 errdetail("It would run with the privileges of the table's owner."),
					 errhint("Make the table's owner or a superuser own its function and remove its WHEN condition, or drop the trigger.")));
	FreeTriggerDesc(triggers);
	table_close(relation, AccessShareLock);
}

/* Plan a statement; the tables that it names have no trigger that must not run as the role. */
static SPIPlanPtr
plan_as(Oid owner, const char *statement, OwnerValues *values)
{
	SPIPlanPtr	plan = SPI_prepare(statement, values->count, values->types);
	ListCell   *source;
	ListCell   *relation;

	if (plan == NULL)
		elog(ERROR, "could not plan \"%s\": %s", statement, SPI_result_code_string(SPI_result));
	foreach(source, SPI_plan_get_plan_sources(plan))
		foreach(relation, ((CachedPlanSource *) lfirst(source))->relationOids)
			check_triggers(lfirst_oid(relation), owner);
	return plan;
}

/*
 * The caller's search path must not choose operators: they would run with the
 * owner's rights.
 */
uint64
owner_execute(Oid owner, const char *statement, OwnerValues *values)
{
	Oid			user;
	int			context;
	int			level = NewGUCNestLevel();
	int			result;

	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(owner, context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	result = SPI_execute_plan(plan_as(owner, statement, values), values->values, values->nulls, false, 0);
	if (result < 0)
		elog(ERROR, "could not run \"%s\": %s", statement, SPI_result_code_string(result));
	SetUserIdAndSecContext(user, context);
	AtEOXact_GUC(true, level);
	return SPI_processed;
}

Oid
owner_of(const char *table)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation_oid(table)));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for table %s.%s", LOYALTY_SCHEMA, table);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}
