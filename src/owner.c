/*
 * owner.c
 *	  Writing a table of ours as its owner.
 */
#include "owner.h"

#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#include "table.h"

int
owner_add(OwnerValues *values, Oid type, Datum value, bool isnull)
{
	Assert(values->count < MAX_OWNER_VALUES);
	values->types[values->count] = type;
	values->values[values->count] = value;
	values->nulls[values->count] = isnull ? 'n' : ' ';
	return ++values->count;
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
	result = SPI_execute_with_args(statement, values->count, values->types, values->values,
								   values->nulls, false, 0);
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
