/*
 * rows.c
 *	  Reading the rows of tracked tables, and their lines.
 *
 * Rows are looked up again where the one that a trigger was given may have
 * changed since: by their own ref, with the rights of the table's owner.
 */
#include "track.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/*
 * Reading a row
 */

/* A value as text; NULL for NULL.  Blanks that char(n) adds go. */
char *
tracked_value(TupleTableSlot *row, AttrNumber column)
{
	bool		isnull;
	Datum		value = slot_getattr(row, column, &isnull);
	Oid			type = TupleDescAttr(row->tts_tupleDescriptor, column - 1)->atttypid;
	Oid			output;
	bool		is_varlena;
	char	   *result;

	if (isnull)
		return NULL;
	getTypeOutputInfo(type, &output, &is_varlena);
	result = OidOutputFunctionCall(output, value);
	if (getBaseType(type) == BPCHAROID)
		result[bpchartruelen(result, strlen(result))] = '\0';
	return result;
}

/* The value of a role: from the row, or the constant. */
char *
tracked_text(const Tracking *tracking, TupleTableSlot *row, Role role)
{
	if (tracking->columns[role] != 0)
		return tracked_value(row, tracking->columns[role]);
	return tracking->constants[role];
}

/* The amount of money in a column, by decimals; NULL for NULL. */
Numeric
tracked_money(const Tracking *tracking, TupleTableSlot *row, AttrNumber column)
{
	bool		isnull;
	Datum		value = slot_getattr(row, column, &isnull);
	const char *decimals = tracking->constants[ROLE_DECIMALS];
	Datum		unit;

	if (isnull)
		return NULL;
	switch (getBaseType(TupleDescAttr(row->tts_tupleDescriptor, column - 1)->atttypid))
	{
		case INT2OID:
			value = DirectFunctionCall1(int2_numeric, value);
			break;
		case INT4OID:
			value = DirectFunctionCall1(int4_numeric, value);
			break;
		case INT8OID:
			value = DirectFunctionCall1(int8_numeric, value);
			break;
		case NUMERICOID:
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of a tracked table can no longer be used as an amount",
							NameStr(TupleDescAttr(row->tts_tupleDescriptor, column - 1)->attname)),
					 errhint("Change its type to numeric or an integer type, or untrack the table.")));
	}
	if (decimals != NULL)
	{
		unit = DirectFunctionCall3(numeric_in, CStringGetDatum(psprintf("1e-%s", decimals)),
								   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
		value = DirectFunctionCall2(numeric_mul, value, unit);
	}
	return DatumGetNumeric(value);
}

/* The time of the event; times without a zone are in the program's time zone. */
bool
tracked_at(const Tracking *tracking, TupleTableSlot *row, const Program *program, Datum *at)
{
	AttrNumber	column = tracking->columns[ROLE_AT];
	Datum		zone;
	bool		isnull;

	if (column == 0)
		return false;
	*at = slot_getattr(row, column, &isnull);
	if (isnull)
		return false;
	zone = CStringGetTextDatum(pg_get_timezone_name(program->zone));
	switch (getBaseType(TupleDescAttr(row->tts_tupleDescriptor, column - 1)->atttypid))
	{
		case DATEOID:
			*at = DirectFunctionCall1(date_timestamp, *at);
			/* fall through */
		case TIMESTAMPOID:
			*at = DirectFunctionCall2(timestamp_zone, zone, *at);
			break;
		default:
			break;
	}
	return true;
}

/* to_jsonb of a column, as text */
static char *
value_json(TupleTableSlot *row, AttrNumber column)
{
	Form_pg_attribute attribute = TupleDescAttr(row->tts_tupleDescriptor, column - 1);
	Const	   *argument = makeNullConst(attribute->atttypid, attribute->atttypmod,
										 attribute->attcollation);
	FuncExpr   *call = makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(argument), InvalidOid,
									InvalidOid, COERCE_EXPLICIT_CALL);
	FmgrInfo	to_json;
	bool		isnull;
	Datum		value = slot_getattr(row, column, &isnull);

	if (isnull)
		return NULL;
	fmgr_info(F_TO_JSONB, &to_json);
	fmgr_info_set_expr((Node *) call, &to_json);
	value = FunctionCall1(&to_json, value);
	return JsonbToCString(NULL, &DatumGetJsonbP(value)->root, VARSIZE(DatumGetPointer(value)));
}

/* The attributes as an object; 0 where there are none. */
Datum
tracked_attributes(const Tracking *tracking, TupleTableSlot *row)
{
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	foreach(cell, tracking->attributes)
	{
		const TrackedAttribute *attribute = lfirst(cell);
		char	   *value = value_json(row, attribute->column);

		if (value == NULL)
			continue;
		appendStringInfoString(&buf, buf.len > 0 ? ", " : "{");
		escape_json(&buf, attribute->name);
		appendStringInfo(&buf, ": %s", value);
	}
	if (buf.len == 0)
		return (Datum) 0;
	appendStringInfoChar(&buf, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(buf.data));
}

/* Whose order a row is. */
void
tracked_key(const Tracking *tracking, TupleTableSlot *row, OrderKey *key)
{
	key->program = tracked_text(tracking, row, ROLE_PROGRAM);
	key->member = tracked_text(tracking, row, ROLE_MEMBER);
	key->ref = tracked_text(tracking, row, ROLE_REF);
	if (key->ref != NULL && tracking->constants[ROLE_PREFIX] != NULL)
		key->ref = psprintf("%s%s", tracking->constants[ROLE_PREFIX], key->ref);
}

/* The result of a trigger's WHEN for a row: true, false or NULL. */
Standing
tracked_when(const char *qual, TupleTableSlot *row)
{
	EState	   *estate;
	ExprContext *context;
	Node	   *when;
	Datum		counts;
	bool		isnull;

	if (qual == NULL)
		return PRESENT;
	estate = CreateExecutorState();
	context = GetPerTupleExprContext(estate);
	when = stringToNode(qual);
	ChangeVarNodes(when, PRS2_NEW_VARNO, 1, 0);
	context->ecxt_scantuple = row;
	counts = ExecEvalExprSwitchContext(ExecPrepareExpr((Expr *) when, estate), context, &isnull);
	FreeExecutorState(estate);
	return isnull ? UNNAMED : DatumGetBool(counts) ? PRESENT : ABSENT;
}

/* Does a row count, by the WHEN of the trigger that holds the columns? */
Standing
tracked_standing(const Tracking *tracking, TupleTableSlot *row)
{
	return tracked_when(tracking->when, row);
}

/* Is a column the same in two versions of a row? */
bool
tracked_same_column(TupleTableSlot *old, TupleTableSlot *new, AttrNumber column)
{
	Form_pg_attribute attribute;
	bool		old_null;
	bool		new_null;
	Datum		old_value;
	Datum		new_value;

	if (column == 0)
		return true;
	attribute = TupleDescAttr(new->tts_tupleDescriptor, column - 1);
	old_value = slot_getattr(old, column, &old_null);
	new_value = slot_getattr(new, column, &new_null);
	if (old_null || new_null)
		return old_null == new_null;
	return datum_image_eq(old_value, new_value, attribute->attbyval, attribute->attlen);
}

/* Are two versions of a row the same for the ledger? */
bool
tracked_same(const Tracking *tracking, TupleTableSlot *old, TupleTableSlot *new)
{
	static const Role followed[] = {
		ROLE_MEMBER, ROLE_REF, ROLE_PROGRAM, ROLE_AMOUNT, ROLE_STATUS, ROLE_KEY
	};
	ListCell   *cell;

	for (int i = 0; i < lengthof(followed); i++)
		if (!tracked_same_column(old, new, tracking->columns[followed[i]]))
			return false;
	foreach(cell, tracking->watched)
		if (!tracked_same_column(old, new, lfirst_int(cell)))
			return false;
	return true;
}

/*
 * Looking rows up, as their table's owner: who may change an order need not
 * be able to read it (as with foreign keys).
 */
typedef struct Owner
{
	Oid			user;
	int			context;
	int			guc_level;
} Owner;

/* Begin a look-up: as the owner, with a search path that nobody else wrote. */
static void
become_owner(Relation relation, Owner *before)
{
	GetUserIdAndSecContext(&before->user, &before->context);
	SetUserIdAndSecContext(relation->rd_rel->relowner,
						   before->context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	before->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	SPI_connect();
}

/* End a look-up: restore the user and the settings. */
static void
become_caller(const Owner *before)
{
	SPI_finish();
	AtEOXact_GUC(true, before->guc_level);
	SetUserIdAndSecContext(before->user, before->context);
}

static const char *
column_name(Relation relation, AttrNumber column)
{
	return quote_identifier(get_attname(RelationGetRelid(relation), column, false));
}

/*
 * The row that has a value in a unique column, as it is now; false if none.
 * It is locked: sessions that change lines of one order take turns here, and
 * each sees what those before it did.
 */
bool
tracked_find(Relation relation, AttrNumber column, Datum value, Oid type, TupleTableSlot *row)
{
	char	   *query = psprintf("SELECT ctid FROM ONLY %s WHERE %s = $1 FOR NO KEY UPDATE", tracking_table(relation), column_name(relation, column));
	Owner		caller;
	bool		isnull;
	ItemPointerData tid;
	bool		found;

	become_owner(relation, &caller);
	if (SPI_execute_with_args(query, 1, &type, &value, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not run: %s", query);
	found = SPI_processed == 1;
	if (found)
		tid = *(ItemPointer) DatumGetPointer(SPI_getbinval(SPI_tuptable->vals[0],
														   SPI_tuptable->tupdesc, 1, &isnull));
	become_caller(&caller);
	return found && table_tuple_fetch_row_version(relation, &tid, SnapshotSelf, row);
}

/*
 * The row as it is now: that of the event, unless it has been changed since
 * by another trigger, or before a deferred one ran.  NULL: it has gone.
 */
TupleTableSlot *
tracked_now(Relation relation, const Tracking *tracking, TupleTableSlot *row)
{
	TupleTableSlot *now = table_slot_create(relation, NULL);
	AttrNumber	column = tracking->columns[ROLE_REF];
	bool		isnull;
	Datum		value;
	bool		found;

	if (table_tuple_fetch_row_version(relation, &row->tts_tid, SnapshotSelf, now))
	{
		ExecDropSingleTupleTableSlot(now);
		return row;
	}
	value = slot_getattr(row, column, &isnull);
	found = !isnull && tracked_find(relation, column, value,
								TupleDescAttr(row->tts_tupleDescriptor, column - 1)->atttypid, now);
	if (found)
		return now;
	ExecDropSingleTupleTableSlot(now);
	return NULL;
}

/*
 * Lines
 */

/* "'sku', l.sku::text, " and so on */
static void
append_line_member(StringInfo buf, const Tracking *tracking, Relation lines, Role role,
				   const char *name, const char *format)
{
	if (tracking->columns[role] == 0)
		return;
	appendStringInfo(buf, ", '%s', ", name);
	appendStringInfo(buf, format, column_name(lines, tracking->columns[role]));
}

/* The lines of one order as JSON, and their sum. */
static char *
lines_query(Relation lines, const Tracking *tracking, const char *decimals)
{
	StringInfoData buf;
	AttrNumber	order = tracking->columns[ROLE_LINE];
	char	   *amount = psprintf("l.%s::numeric * 1e-%s::numeric",
								  column_name(lines, tracking->columns[ROLE_LINE_AMOUNT]), decimals ? decimals : "0");

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('amount', pg_catalog.trim_scale(%s)", amount);
	append_line_member(&buf, tracking, lines, ROLE_LINE, "id", "l.%s::text");
	append_line_member(&buf, tracking, lines, ROLE_SKU, "sku", "l.%s::text");
	append_line_member(&buf, tracking, lines, ROLE_QUANTITY, "quantity", "l.%s");
	append_line_member(&buf, tracking, lines, ROLE_CATEGORY, "category", "l.%s::text");
	appendStringInfo(&buf, ")) ORDER BY l.%s), coalesce(pg_catalog.sum(%s), 0) FROM ONLY %s AS l WHERE l.%s = $1",
					 order ? column_name(lines, order) : "ctid", amount, tracking_table(lines),
					 column_name(lines, tracking->columns[ROLE_ORDER]));
	return buf.data;
}

/*
 * The order whose lines were read last in this transaction, and the command
 * before which all changes were seen: an order of ten lines is made once, and
 * the triggers of its lines find it made.  The order's row is ours until the
 * transaction ends, so nobody else has changed a line since.
 */
static struct
{
	Oid			table;			/* of the orders; invalid: none */
	char	   *key;
	CommandId	seen;
} last_read;

/* Transaction callback: forget whose lines were read last. */
static void
transaction_ended(XactEvent event, void *arg)
{
	/* TopTransactionContext takes the key with it */
	last_read.table = InvalidOid;
	last_read.key = NULL;
}

/* Subtransaction callback: forget whose lines were read last if a subtransaction aborts. */
static void
subtransaction_ended(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		last_read.table = InvalidOid;
}

void
track_init(void)
{
	RegisterXactCallback(transaction_ended, NULL);
	RegisterSubXactCallback(subtransaction_ended, NULL);
}

/*
 * Remember whose lines are read, and the command before which all changes are
 * seen; key NULL: nobody's.
 */
static void
remember_read(Oid table, const char *key, CommandId seen)
{
	last_read.table = InvalidOid;
	if (last_read.key != NULL)
		pfree(last_read.key);
	last_read.key = NULL;
	if (key == NULL)
		return;
	last_read.key = MemoryContextStrdup(TopTransactionContext, key);
	last_read.seen = seen;
	last_read.table = table;
}

/* Has the order been made with what a command of this transaction changed? */
bool
tracked_lines_seen(Oid table, const char *key, CommandId changed)
{
	return last_read.table == table && changed < last_read.seen && strcmp(last_read.key, key) == 0;
}

/* The lines of an order as they are now, and their sum; NULL if it has none. */
Jsonb *
tracked_lines(Relation orders, const Tracking *tracking, TupleTableSlot *row, Numeric *sum)
{
	Relation	lines = table_open(tracking->other, AccessShareLock);
	Tracking   *of_lines = tracking_of(lines, TRACK_LINES_TRIGGER);
	AttrNumber	column = tracking->columns[ROLE_KEY];
	Oid			type = TupleDescAttr(row->tts_tupleDescriptor, column - 1)->atttypid;
	MemoryContext context = CurrentMemoryContext;
	MemoryContext old;
	Owner		caller;
	bool		isnull;
	Datum		key = slot_getattr(row, column, &isnull);
	Datum		value;
	Jsonb	   *result = NULL;
	char	   *query;

	if (of_lines == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the lines in table \"%s\" are no longer tracked", RelationGetRelationName(lines)),
				 errhint("Call loyalty.untrack, then loyalty.track, to set up tracking again.")));
	CommandCounterIncrement();
	remember_read(RelationGetRelid(orders), tracked_value(row, column), GetCurrentCommandId(false));
	query = lines_query(lines, of_lines, tracking->constants[ROLE_DECIMALS]);
	become_owner(lines, &caller);
	if (SPI_execute_with_args(query, 1, &type, &key, isnull ? "n" : " ", false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not run: %s", query);
	old = MemoryContextSwitchTo(context);
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
		result = DatumGetJsonbPCopy(value);
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull);
	*sum = DatumGetNumericCopy(value);
	MemoryContextSwitchTo(old);
	become_caller(&caller);
	table_close(lines, AccessShareLock);
	return result;
}
