/*
 * configure.c
 *	  Writing the configuration through its views.
 *
 * Whoever may write a view may write its table through it and nothing else:
 * the table is written as its owner.
 */
#include "loyalty.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "expression.h"
#include "owner.h"
#include "program.h"
#include "tablemap.h"

/* A row of a view, being written to its table. */
typedef struct Writing
{
	const char *table;
	TupleDesc	view;
	HeapTuple	row;			/* NEW, or OLD where it is deleted */
	HeapTuple	old;			/* OLD where it is updated or deleted */
	const Program *program;
	const char *key;			/* the column that names it within its program */
	OwnerValues statement;
} Writing;

static Datum
column_value(const Writing *writing, HeapTuple row, const char *column, bool *isnull)
{
	return heap_getattr(row, SPI_fnumber(writing->view, column), writing->view, isnull);
}

/* A text of the row; NULL where it is NULL. */
static char *
column_text(const Writing *writing, HeapTuple row, const char *column)
{
	bool		isnull;
	Datum		value = column_value(writing, row, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* Append a parameter of the statement; returns its number, from 1. */
static int
add_value(Writing *writing, Oid type, Datum value, bool isnull)
{
	return owner_add(&writing->statement, type, value, isnull);
}

/* Run a statement as the owner of the table. */
static void
execute(Writing *writing, const char *statement, Oid owner)
{
	(void) owner_execute(owner, statement, &writing->statement);
}

/* The columns of the view that its table has, but for its key. */
static bool
is_written(const Writing *writing, const char *column, bool with_key)
{
	return strcmp(column, "program") != 0 && strcmp(column, "author") != 0 &&
		(with_key || strcmp(column, writing->key) != 0);
}

/* Does the row change the value of a column? */
static bool
is_changed(const Writing *writing, int number)
{
	char	   *now = SPI_getvalue(writing->row, writing->view, number);
	char	   *then = SPI_getvalue(writing->old, writing->view, number);

	return now && then ? strcmp(now, then) != 0 : now != then;
}

static bool
is_text_changed(const Writing *writing, const char *column)
{
	return is_changed(writing, SPI_fnumber(writing->view, column));
}

/* Are the expressions of a rule written anew, so that they are to be checked? */
static bool
is_rewritten(const Writing *writing)
{
	return writing->row == writing->old || is_text_changed(writing, "condition") ||
		is_text_changed(writing, "points") || is_text_changed(writing, "scope");
}

/* The role that last wrote a rule; only a record, it grants no privilege. */
static void
add_author(Writing *writing, StringInfo names, StringInfo values, bool is_update)
{
	Datum		author;
	int			number;

	if (strcmp(writing->table, "rule") != 0)
		return;
	author = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	number = add_value(writing, TEXTOID, author, false);
	if (is_update)
		appendStringInfo(names, ", author = $%d", number);
	else
	{
		appendStringInfoString(names, ", author");
		appendStringInfo(values, ", $%d", number);
	}
}

/* Which row of the table: the program's of that key. */
static char *
where_clause(Writing *writing)
{
	int			program = add_value(writing, INT4OID, Int32GetDatum(writing->program->id), false);
	int			key = add_value(writing, TEXTOID,
								CStringGetTextDatum(column_text(writing, writing->old, writing->key)), false);

	return psprintf("program_id = $%d AND %s = $%d", program, writing->key, key);
}

/*
 * What members used of caps, quotas and budgets hangs on the code of a row, by
 * the row's number.  A row that is deleted leaves its number; one of the same
 * code that comes later takes it up, and nothing begins anew.
 */
static bool
has_number(const Writing *writing)
{
	static const char *const tables[] = {"rule", "campaign", "cap", "benefit"};

	for (int i = 0; i < lengthof(tables); i++)
		if (strcmp(writing->table, tables[i]) == 0)
			return true;
	return false;
}

/* Remember the number of a row that is about to be deleted. */
static void
leave_number(Writing *writing, Oid owner)
{
	if (!has_number(writing))
		return;
	execute(writing,
			psprintf("INSERT INTO loyalty.retired (program_id, noun, code, id)"
					 " SELECT program_id, '%s', %s, id FROM loyalty.%s WHERE %s"
					 " ON CONFLICT ON CONSTRAINT retired_pkey DO UPDATE SET id = excluded.id",
					 writing->table, writing->key, writing->table, where_clause(writing)), owner);
	writing->statement.count = 0;
}

/* Reuse the number of a deleted row with this code. */
static void
take_up_number(Writing *writing, StringInfo names, StringInfo values, Oid owner)
{
	Datum		id;
	bool		isnull;

	if (!has_number(writing) || column_text(writing, writing->row, writing->key) == NULL)
		return;
	execute(writing, psprintf("DELETE FROM loyalty.retired WHERE program_id = $1 AND noun = '%s' AND code = $2 RETURNING id",
							  writing->table), owner);
	if (SPI_processed == 0)
		return;
	id = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	appendStringInfoString(names, ", id");
	appendStringInfo(values, ", $%d", add_value(writing, INT8OID, id, isnull));
}

/* Insert the row into its table; if a deleted row had the same code, its number is used again. */
static void
insert(Writing *writing, Oid owner)
{
	StringInfoData names;
	StringInfoData values;
	char	   *key = column_text(writing, writing->row, writing->key);

	initStringInfo(&names);
	initStringInfo(&values);
	appendStringInfoString(&names, "program_id");
	appendStringInfo(&values, "$%d", add_value(writing, INT4OID, Int32GetDatum(writing->program->id), false));
	(void) add_value(writing, TEXTOID, CStringGetTextDatum(key ? key : ""), false);
	take_up_number(writing, &names, &values, owner);
	for (int i = 0; i < writing->view->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(writing->view, i);
		bool		isnull;
		Datum		value = heap_getattr(writing->row, i + 1, writing->view, &isnull);

		if (!is_written(writing, NameStr(column->attname), true))
			continue;
		appendStringInfo(&names, ", %s", quote_identifier(NameStr(column->attname)));
		appendStringInfo(&values, ", $%d", add_value(writing, column->atttypid, value, isnull));
	}
	add_author(writing, &names, &values, false);
	execute(writing, psprintf("INSERT INTO loyalty.%s (%s) VALUES (%s)", writing->table,
							  names.data, values.data), owner);
}

/*
 * Write what is changed and nothing else: another session may have changed
 * other columns since the row was read.  False if the row is gone.
 */
static bool
update(Writing *writing, Oid owner)
{
	StringInfoData set;
	char	   *key = column_text(writing, writing->row, writing->key);
	char	   *program = column_text(writing, writing->row, "program");

	if (key == NULL || strcmp(key, column_text(writing, writing->old, writing->key)) != 0 ||
		program == NULL || strcmp(program, writing->program->code) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("columns \"program\" and \"%s\" of table \"loyalty.%s\" cannot be changed", writing->key, writing->table),
				 errdetail("Journal entries refer to the row by these columns."),
				 errhint("Add a new row instead; if the old one is a rule or a campaign, pause or end it.")));
	initStringInfo(&set);
	for (int i = 0; i < writing->view->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(writing->view, i);
		bool		isnull;
		Datum		value = heap_getattr(writing->row, i + 1, writing->view, &isnull);

		if (is_written(writing, NameStr(column->attname), false) && is_changed(writing, i + 1))
			appendStringInfo(&set, ", %s = $%d", quote_identifier(NameStr(column->attname)),
							 add_value(writing, column->atttypid, value, isnull));
	}
	if (set.len == 0)
		return true;
	add_author(writing, &set, NULL, true);
	execute(writing, psprintf("UPDATE loyalty.%s SET %s WHERE %s", writing->table, set.data + 2,
							  where_clause(writing)), owner);
	return SPI_processed > 0;
}

/* Does the program have a tier, or a campaign, of that code? */
static bool
exists(Writing *writing, const char *table, const char *code, Oid owner)
{
	writing->statement.count = 0;
	(void) add_value(writing, INT4OID, Int32GetDatum(writing->program->id), false);
	(void) add_value(writing, TEXTOID, CStringGetTextDatum(code), false);
	execute(writing, psprintf("SELECT FROM loyalty.%s WHERE program_id = $1 AND code = $2", table), owner);
	return SPI_processed > 0;
}

/* Check that the rows to which a row refers exist, because no foreign key does. */
static void
check_reference(Writing *writing, const char *column, const char *table, const char *message, Oid owner)
{
	char	   *code = column_text(writing, writing->row, column);

	if (code != NULL && !exists(writing, table, code, owner))
		ereport(ERROR,
				(errcode(ERRCODE_LY_RULE),
				 errmsg(message, writing->program->code, code),
				 errhint("Add it first.")));
}

/* Check that the tiers that a row names exist. */
static void
check_tiers(Writing *writing, Oid owner)
{
	bool		isnull;
	Datum		array = column_value(writing, writing->row, "tiers", &isnull);
	Datum	   *codes;
	bool	   *nulls;
	int			count;

	if (isnull)
		return;
	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &codes, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!exists(writing, "tier", TextDatumGetCString(codes[i]), owner))
			ereport(ERROR,
					(errcode(ERRCODE_LY_RULE),
					 errmsg("program \"%s\" has no tier \"%s\"", writing->program->code,
							TextDatumGetCString(codes[i])),
					 errhint("Add it first.")));
}

/* The expressions of a rule. */
static void
check_expressions(Writing *writing)
{
	ExpressionOwner owner = {0};
	char	   *condition = column_text(writing, writing->row, "condition");

	owner.rule = column_text(writing, writing->row, "code");
	owner.zone = pg_get_timezone_name(writing->program->zone);
	owner.by_line = strcmp(column_text(writing, writing->row, "scope"), "line") == 0;
	if (condition)
		expression_check(condition, "condition", BOOLOID, &owner);
	expression_check(column_text(writing, writing->row, "points"), "points", NUMERICOID, &owner);
}

/* Check what a row that has been written refers to, and the expressions of a rule. */
static void
check(Writing *writing, Oid owner)
{
	if (strcmp(writing->table, "tier") == 0)
		check_reference(writing, "floor", "tier", "program \"%s\" has no tier \"%s\"", owner);
	else if (strcmp(writing->table, "benefit") == 0)
		check_tiers(writing, owner);
	else if (strcmp(writing->table, "rule") == 0)
	{
		check_reference(writing, "campaign", "campaign", "program \"%s\" has no campaign \"%s\"", owner);
		check_tiers(writing, owner);
		if (is_rewritten(writing))
			check_expressions(writing);
	}
}

/*
 * A budget has a row, which postings lock until they commit.  Only what sets a
 * budget looks for it, and what finds it leaves it alone: pausing a campaign
 * must not wait for a posting under its budget.
 */
static void
ensure_budget(Writing *writing, Oid owner)
{
	bool		isnull;

	if (strcmp(writing->table, "rule") != 0 && strcmp(writing->table, "campaign") != 0)
		return;
	(void) column_value(writing, writing->row, "budget", &isnull);
	if (isnull || (writing->row != writing->old && !is_text_changed(writing, "budget")))
		return;
	writing->statement.count = 0;
	writing->old = writing->row;
	execute(writing, psprintf("INSERT INTO loyalty.budget (id) SELECT t.id FROM loyalty.%s t WHERE %s"
							  " AND NOT EXISTS (SELECT FROM loyalty.budget b WHERE b.id = t.id) ON CONFLICT DO NOTHING",
							  writing->table, where_clause(writing)), owner);
}

/* Reject the deletion of a row to which rules, tiers or benefits refer. */
static void
refuse_named(Writing *writing, Oid owner)
{
	const char *statement;
	char	   *code = column_text(writing, writing->old, writing->key);

	if (strcmp(writing->table, "campaign") == 0)
		statement = "SELECT FROM loyalty.rule WHERE program_id = $1 AND campaign = $2 LIMIT 1";
	else if (strcmp(writing->table, "tier") == 0)
		statement = "SELECT FROM loyalty.rule WHERE program_id = $1 AND $2 = ANY (tiers)"
			" UNION ALL SELECT FROM loyalty.benefit WHERE program_id = $1 AND $2 = ANY (tiers)"
			" UNION ALL SELECT FROM loyalty.tier WHERE program_id = $1 AND floor = $2 AND code <> $2 LIMIT 1";
	else
		return;
	(void) add_value(writing, INT4OID, Int32GetDatum(writing->program->id), false);
	(void) add_value(writing, TEXTOID, CStringGetTextDatum(code), false);
	execute(writing, statement, owner);
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("row \"%s\" of table \"loyalty.%s\" cannot be deleted because others refer to it", code, writing->table),
				 errhint("Delete or change the rules, benefits and tier floors that refer to it.")));
	writing->statement.count = 0;
}

/* Reject the deletion of a tier that a member holds. */
static void
refuse_held_tier(Writing *writing, Oid owner)
{
	char	   *code;

	if (strcmp(writing->table, "tier") != 0)
		return;
	code = column_text(writing, writing->old, "code");
	(void) add_value(writing, INT4OID, Int32GetDatum(writing->program->id), false);
	(void) add_value(writing, TEXTOID, CStringGetTextDatum(code), false);
	execute(writing,
			"SELECT FROM loyalty.account WHERE program_id = $1"
			" AND ($2 IN (tier, computed_tier, before_tier) OR grants @> pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('tier', $2)))"
			" LIMIT 1", owner);
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("tier \"%s\" cannot be deleted because members hold it", code),
				 errhint("Raise its thresholds, so that reviews move the members to other tiers.")));
	writing->statement.count = 0;
}

/* Insert, update or delete a row of the table; false if another session has deleted it. */
static bool
write_row(Writing *writing, TriggerEvent event, Oid owner)
{
	if (TRIGGER_FIRED_BY_DELETE(event))
	{
		refuse_held_tier(writing, owner);
		refuse_named(writing, owner);
		leave_number(writing, owner);
		execute(writing, psprintf("DELETE FROM loyalty.%s WHERE %s", writing->table,
								  where_clause(writing)), owner);
		return SPI_processed > 0;
	}
	if (TRIGGER_FIRED_BY_INSERT(event))
		insert(writing, owner);
	else if (!update(writing, owner))
		return false;
	check(writing, owner);
	ensure_budget(writing, owner);
	return true;
}

/* Of the program that the row names, or that a call means which names none. */
static const Program *
program_of_row(const Writing *writing, HeapTuple row)
{
	char	   *code = column_text(writing, row, "program");

	return code ? program_by_code(code) : program_default();
}

/* INSTEAD OF INSERT, UPDATE or DELETE on a view of the configuration. */
PG_FUNCTION_INFO_V1(configure_row);
Datum
configure_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Writing		writing = {0};
	HeapTuple	result;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_INSTEAD(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("loyalty._configure_row can only be a trigger of the extension's own views")));
	writing.table = trigger->tg_trigger->tgargs[0];
	writing.key = strcmp(writing.table, "cap") == 0 ? "period" : "code";
	writing.view = RelationGetDescr(trigger->tg_relation);
	writing.row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	writing.old = trigger->tg_trigtuple;
	result = heap_copytuple(writing.row);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	writing.program = program_of_row(&writing, writing.old);
	if (!write_row(&writing, trigger->tg_event, trigger->tg_relation->rd_rel->relowner))
		result = NULL;			/* another session has deleted it */
	SPI_finish();
	return PointerGetDatum(result);
}
