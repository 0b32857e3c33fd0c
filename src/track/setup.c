/*
 * setup.c
 *	  Setting up tracking: reading what a caller says of his table, and
 *	  making and dropping the triggers that hold it.
 *
 * Everything is checked before the first trigger is made.  The triggers are
 * made by SPI as the caller, who needs the right to make them.
 */
#include "track.h"

#include "access/relation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "tablemap.h"

/* The arguments of loyalty.track, in their order. */
enum
{
	ARG_TABLE, ARG_MEMBER, ARG_REF, ARG_AMOUNT, ARG_AT, ARG_STATUS, ARG_COMPLETED, ARG_CANCELLED,
	ARG_CONFIRMED, ARG_CONDITION, ARG_LINES, ARG_LINES_ORDER, ARG_LINES_KEY, ARG_LINE_AMOUNT,
	ARG_SKU, ARG_QUANTITY, ARG_CATEGORY, ARG_ACTIVITY, ARG_CHANNEL, ARG_STORE, ARG_BRAND,
	ARG_ATTRIBUTES, ARG_PROGRAM, ARG_UNKNOWN, ARG_DECIMALS,
	ARG_PREFIX, ARGS
};

/*
 * Making one: the list of columns and the arguments, as they grow
 */
typedef struct Setup
{
	Relation	relation;
	const char *function;		/* loyalty.track_row or track_line */
	int			ncolumns;
	AttrNumber	columns[MAX_TRACKED_COLUMNS];
	StringInfoData arguments;
} Setup;

/* Begin the trigger that will hold the columns of a table. */
static void
begin_setup(Setup *setup, Relation relation, const char *function)
{
	setup->relation = relation;
	setup->function = function;
	setup->ncolumns = 0;
	initStringInfo(&setup->arguments);
}

/* One more argument of that trigger. */
static void
add_argument(Setup *setup, const char *argument)
{
	appendStringInfo(&setup->arguments, "%s%s", setup->arguments.len > 0 ? ", " : "",
					 quote_literal_cstr(argument));
}

/* Give a role a constant. */
static void
add_constant(Setup *setup, Role role, const char *value)
{
	add_argument(setup, psprintf("%s:%s", role_names[role], value));
}

/* Put a column into the list, or find it there; its position. */
static int
place_column(Setup *setup, AttrNumber column)
{
	for (int i = 0; i < setup->ncolumns; i++)
		if (setup->columns[i] == column)
			return i + 1;
	if (setup->ncolumns == MAX_TRACKED_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("track: more than %d columns", MAX_TRACKED_COLUMNS)));
	setup->columns[setup->ncolumns] = column;
	return ++setup->ncolumns;
}

/* The column of a name that the caller gave. */
static AttrNumber
find_column(Setup *setup, const char *name, const char *parameter)
{
	Oid			relid = RelationGetRelid(setup->relation);
	AttrNumber	column = get_attnum(relid, name);

	if (column <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("track: table \"%s\" has no column \"%s\"",
						RelationGetRelationName(setup->relation), name),
				 errdetail("The column is given as parameter \"%s\".", parameter),
				 errhint("To use a constant instead of a column, start it with \"=\", as in channel => '=web'.")));
	return column;
}

/*
 * Types
 */

static bool
is_money_type(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID || type == NUMERICOID;
}

/* Refuse a column of a type that a role cannot have. */
static void
check_type(Setup *setup, AttrNumber column, Role role)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(setup->relation), column - 1);
	Oid			type = getBaseType(attribute->atttypid);
	const char *wanted;
	bool		good;

	switch (role)
	{
		case ROLE_AMOUNT:
		case ROLE_LINE_AMOUNT:
		case ROLE_QUANTITY:
			good = is_money_type(type);
			wanted = "Use a column of type numeric, or of an integer type (with decimals => 2 for cents).";
			break;
		case ROLE_AT:
			good = type == TIMESTAMPTZOID || type == TIMESTAMPOID || type == DATEOID;
			wanted = "Use a column of type timestamptz, timestamp or date; the last two are interpreted in the program's time zone.";
			break;
		case ROLE_ATTRIBUTE:
		case ROLE_WATCHED:
		case ROLE_KEY:
		case ROLE_ORDER:
			return;
		default:
			good = trackable_plain_type(type);
			wanted = "Use a column of type text, numeric or uuid, or of an integer or enum type.";
			break;
	}
	if (!good)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("track: column \"%s\" of type %s cannot be used as \"%s\"",
						NameStr(attribute->attname), format_type_be(attribute->atttypid),
						role_names[role]),
				 errhint("%s", wanted)));
}

/* Give a column a role. */
static void
add_column(Setup *setup, Role role, AttrNumber column)
{
	check_type(setup, column, role);
	add_argument(setup, psprintf("%s=%d", role_names[role], place_column(setup, column)));
}

/* ... or what stands in a parameter: a column, or a constant after "=". */
static void
add_named(Setup *setup, Role role, const char *named, const char *parameter)
{
	if (named[0] == '=' && role != ROLE_MEMBER && role != ROLE_REF && role != ROLE_AMOUNT &&
		role != ROLE_AT)
		add_constant(setup, role, named + 1);
	else
		add_column(setup, role, find_column(setup, named, parameter));
}

/*
 * Conditions
 */

/* Add the condition, and the position in it, to an error. */
static void
show_condition(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(arg);
	}
	errcontext("condition of a tracked table");
}

/* An expression and nothing else: neither FROM nor WHERE, nor a second one. */
static Node *
parse_expression(const char *condition)
{
	List	   *raw = raw_parser(condition, RAW_PARSE_PLPGSQL_EXPR);
	SelectStmt *select = (SelectStmt *) linitial_node(RawStmt, raw)->stmt;

	if (!IsA(select, SelectStmt) || list_length(select->targetList) != 1 ||
		linitial_node(ResTarget, select->targetList)->name != NULL ||
		select->distinctClause || select->fromClause || select->whereClause ||
		select->groupClause || select->havingClause || select->windowClause ||
		select->valuesLists || select->sortClause || select->limitCount ||
		select->limitOffset || select->lockingClause || select->withClause ||
		select->op != SETOP_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("track: condition must be one expression")));
	return linitial_node(ResTarget, select->targetList)->val;
}

/* Parse a boolean expression over a row of the table. */
static Node *
parse_condition(Relation relation, char *condition)
{
	ParseState *pstate = make_parsestate(NULL);
	ErrorContextCallback context;
	ParseNamespaceItem *row;
	Node	   *expression;

	context.callback = show_condition;
	context.arg = condition;
	context.previous = error_context_stack;
	error_context_stack = &context;
	pstate->p_sourcetext = condition;
	row = addRangeTableEntryForRelation(pstate, relation, AccessShareLock,
										makeAlias("new", NIL), false, false);
	addNSItemToQuery(pstate, row, false, true, true);
	expression = transformExpr(pstate, parse_expression(condition), EXPR_KIND_TRIGGER_WHEN);
	expression = coerce_to_boolean(pstate, expression, "track: condition");
	assign_expr_collations(pstate, expression);
	free_parsestate(pstate);
	error_context_stack = context.previous;
	return expression;
}

/* Watch the columns that a condition reads. */
static void
watch_columns(Setup *setup, Node *condition)
{
	List	   *vars = pull_var_clause(condition, 0);
	ListCell   *cell;

	foreach(cell, vars)
	{
		Var		   *var = lfirst_node(Var, cell);

		if (var->varattno <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("track: condition must not refer to a whole row or a system column"),
					 errhint("Refer to single columns instead.")));
		add_column(setup, ROLE_WATCHED, var->varattno);
	}
}

/* "new.status IN ('a', 'b')" */
static char *
status_in(Setup *setup, const char *status, ArrayType *labels)
{
	StringInfoData buf;
	Datum	   *values;
	bool	   *nulls;
	int			count;

	deconstruct_array(labels, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	initStringInfo(&buf);
	appendStringInfo(&buf, "new.%s IN (", quote_identifier(status));
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("track: a status must not be NULL")));
		appendStringInfo(&buf, "%s%s", i > 0 ? ", " : "",
						 quote_literal_cstr(TextDatumGetCString(values[i])));
	}
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("track: the list of statuses is empty"),
				 errhint("Omit the parameter.")));
	appendStringInfoChar(&buf, ')');
	return buf.data;
}

/*
 * The arguments of loyalty.track
 */
#define given(arg) (!PG_ARGISNULL(arg))
#define text_arg(arg) (given(arg) ? text_to_cstring(PG_GETARG_TEXT_PP(arg)) : NULL)

static void
refuse_arguments(const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message),
			 hint ? errhint("%s", hint) : 0));
}

/*
 * Which rows count, as the WHEN of a trigger: true, false (what was posted
 * goes back), or NULL (a status that nobody named: all stays as it is).
 */
static char *
counts_when(FunctionCallInfo fcinfo, Setup *setup)
{
	StringInfoData buf;
	char	   *status = text_arg(ARG_STATUS);

	if (!given(ARG_CONDITION) && !given(ARG_COMPLETED) && !given(ARG_CANCELLED))
		return NULL;
	initStringInfo(&buf);
	appendStringInfoString(&buf, "CASE ");
	if (given(ARG_CONDITION))
	{
		Node	   *condition = parse_condition(setup->relation, text_arg(ARG_CONDITION));
		List	   *context = deparse_context_for("new", RelationGetRelid(setup->relation));

		watch_columns(setup, condition);
		appendStringInfo(&buf, "WHEN (%s) IS NOT TRUE THEN false ",
						 deparse_expression(condition, context, true, false));
	}
	if (given(ARG_CANCELLED))
		appendStringInfo(&buf, "WHEN %s THEN false ",
						 status_in(setup, status, PG_GETARG_ARRAYTYPE_P(ARG_CANCELLED)));
	if (given(ARG_COMPLETED))
		appendStringInfo(&buf, "WHEN %s THEN true END",
						 status_in(setup, status, PG_GETARG_ARRAYTYPE_P(ARG_COMPLETED)));
	else
		appendStringInfoString(&buf, "ELSE true END");
	return buf.data;
}

/* Refuse parameters that do not fit together, whatever the table. */
static void
check_arguments(FunctionCallInfo fcinfo)
{
	bool		names_status = given(ARG_COMPLETED) || given(ARG_CANCELLED) || given(ARG_CONFIRMED);

	for (int arg = ARG_TABLE; arg <= ARG_REF; arg++)
		if (!given(arg))
			refuse_arguments("track: table, member and ref must not be NULL", NULL);
	if (given(ARG_STATUS) != names_status)
		refuse_arguments(names_status ? "track: completed, cancelled and confirmed require status" :
						 "track: status requires completed, cancelled or confirmed",
						 "Set status to the column, and the others to lists of its values.");
	if (given(ARG_LINES) && (!given(ARG_LINES_ORDER) || !given(ARG_LINE_AMOUNT)))
		refuse_arguments("track: lines requires lines_order and line_amount",
						 "Set lines_order to the column of the lines that refers to the order.");
	if (!given(ARG_LINES) && (given(ARG_LINES_ORDER) || given(ARG_LINES_KEY) ||
							  given(ARG_LINE_AMOUNT) || given(ARG_SKU) ||
							  given(ARG_QUANTITY) || given(ARG_CATEGORY)))
		refuse_arguments("track: columns of lines are given without lines", "Set lines to the table that contains them.");
	if (given(ARG_ACTIVITY) && given(ARG_LINES))
		refuse_arguments("track: an activity cannot have lines", NULL);
	if (!given(ARG_ACTIVITY) && !given(ARG_LINES) && !given(ARG_AMOUNT))
		refuse_arguments("track: an order requires amount or lines", NULL);
	if (given(ARG_DECIMALS) &&
		(PG_GETARG_INT32(ARG_DECIMALS) < 0 || PG_GETARG_INT32(ARG_DECIMALS) > MAX_MONEY_SCALE))
		refuse_arguments("track: decimals out of range", "Use decimals => 2 for an integer that counts cents.");
	if (given(ARG_UNKNOWN))
	{
		char	   *unknown = text_arg(ARG_UNKNOWN);

		if (strcmp(unknown, "refuse") != 0 && strcmp(unknown, "enroll") != 0 && strcmp(unknown, "skip") != 0)
			refuse_arguments("track: unknown must be refuse, enroll or skip", NULL);
	}
}

/* The parameters that name a column, or a constant. */
static const struct
{
	int			arg;
	Role		role;
} named_arguments[] = {
	{ARG_MEMBER, ROLE_MEMBER}, {ARG_REF, ROLE_REF}, {ARG_AMOUNT, ROLE_AMOUNT}, {ARG_AT, ROLE_AT},
	{ARG_STATUS, ROLE_STATUS}, {ARG_ACTIVITY, ROLE_ACTIVITY}, {ARG_CHANNEL, ROLE_CHANNEL},
	{ARG_STORE, ROLE_STORE}, {ARG_BRAND, ROLE_BRAND}, {ARG_PROGRAM, ROLE_PROGRAM}
};

/* Columns that become attributes, under the names that they have now. */
static void
add_attributes(Setup *setup, ArrayType *names)
{
	Datum	   *values;
	bool	   *nulls;
	int			count;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		char	   *name = nulls[i] ? "" : TextDatumGetCString(values[i]);
		int			position = place_column(setup, find_column(setup, name, "attributes"));

		add_argument(setup, psprintf("%s=%d:%s", role_names[ROLE_ATTRIBUTE], position, name));
	}
}

/* Columns and constants of the table itself. */
static void
add_arguments(FunctionCallInfo fcinfo, Setup *setup)
{
	for (int i = 0; i < lengthof(named_arguments); i++)
		if (given(named_arguments[i].arg))
			add_named(setup, named_arguments[i].role, text_arg(named_arguments[i].arg),
					  role_names[named_arguments[i].role]);
	if (!given(ARG_PROGRAM))
		add_constant(setup, ROLE_PROGRAM, program_default()->code);
	else if (text_arg(ARG_PROGRAM)[0] == '=')
		(void) program_by_code(text_arg(ARG_PROGRAM) + 1);
	if (given(ARG_ATTRIBUTES))
		add_attributes(setup, PG_GETARG_ARRAYTYPE_P(ARG_ATTRIBUTES));
	add_constant(setup, ROLE_UNKNOWN, given(ARG_UNKNOWN) ? text_arg(ARG_UNKNOWN) : "refuse");
	if (given(ARG_PREFIX) && text_arg(ARG_PREFIX)[0] != '\0')
		add_constant(setup, ROLE_PREFIX, text_arg(ARG_PREFIX));
	if (given(ARG_DECIMALS) && PG_GETARG_INT32(ARG_DECIMALS) > 0)
		add_constant(setup, ROLE_DECIMALS, psprintf("%d", PG_GETARG_INT32(ARG_DECIMALS)));
	if (given(ARG_LINES))
		add_column(setup, ROLE_KEY,
				   find_column(setup, text_arg(given(ARG_LINES_KEY) ? ARG_LINES_KEY : ARG_REF),
							   "lines_key"));
}

/*
 * The triggers
 */

static void
execute(const char *command)
{
	if (SPI_execute(command, false, 0) < 0)
		elog(ERROR, "track: could not run: %s", command);
}

/* With lines, the trigger is deferred until the transaction commits. */
static void
make_trigger(Setup *setup, const char *name, const char *events, Relation other, const char *when,
			 const char *arguments)
{
	execute(psprintf("CREATE %sTRIGGER %s AFTER %s ON %s %s%s%s FOR EACH ROW %s%s%s EXECUTE FUNCTION %s(%s)",
					 other ? "CONSTRAINT " : "", name, events, tracking_table(setup->relation),
					 other ? "FROM " : "", other ? tracking_table(other) : "",
					 other ? " DEFERRABLE INITIALLY DEFERRED" : "",
					 when ? "WHEN (" : "", when ? when : "", when ? ")" : "",
					 setup->function, arguments));
}

/* The trigger that holds the columns and their roles. */
static void
make_holder(Setup *setup, const char *name, Relation other, const char *when)
{
	StringInfoData events;

	initStringInfo(&events);
	appendStringInfoString(&events, "INSERT OR UPDATE OF ");
	for (int i = 0; i < setup->ncolumns; i++)
		appendStringInfo(&events, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(get_attname(RelationGetRelid(setup->relation),
													  setup->columns[i], false)));
	make_trigger(setup, name, events.data, other, when, setup->arguments.data);
}

static void
make_truncate_trigger(Relation relation)
{
	execute(psprintf("CREATE TRIGGER %s BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION %s.track_truncate()",
					 TRACK_TRUNCATE_TRIGGER, tracking_table(relation), LOYALTY_SCHEMA));
}

/* The triggers of the second table. */
static void
track_lines(FunctionCallInfo fcinfo, Relation orders, Relation lines)
{
	static const struct
	{
		int			arg;
		Role		role;
	} columns[] = {
		{ARG_LINES_ORDER, ROLE_ORDER}, {ARG_LINE_AMOUNT, ROLE_LINE_AMOUNT}, {ARG_SKU, ROLE_SKU},
		{ARG_QUANTITY, ROLE_QUANTITY}, {ARG_CATEGORY, ROLE_CATEGORY}
	};
	Setup		setup;

	begin_setup(&setup, lines, LOYALTY_SCHEMA ".track_line");
	for (int i = 0; i < lengthof(columns); i++)
		if (given(columns[i].arg))
			add_column(&setup, columns[i].role,
					   find_column(&setup, text_arg(columns[i].arg), role_names[columns[i].role]));
	if (trackable_key(lines) != 0)
		add_column(&setup, ROLE_LINE, trackable_key(lines));
	make_holder(&setup, TRACK_LINES_TRIGGER, orders, NULL);
	make_trigger(&setup, TRACK_LINES_CHANGE_TRIGGER, "INSERT OR UPDATE OR DELETE", orders, NULL, "");
	make_truncate_trigger(lines);
	trackable_indexed(lines, text_arg(ARG_LINES_ORDER));
}

/* loyalty.track: read and check it all, then make the triggers. */
PG_FUNCTION_INFO_V1(track);
Datum
track(PG_FUNCTION_ARGS)
{
	Relation	relation;
	Relation	lines = NULL;
	Setup		setup;
	char	   *when;

	Assert(PG_NARGS() == ARGS);
	check_arguments(fcinfo);
	relation = relation_open(PG_GETARG_OID(ARG_TABLE), ShareRowExclusiveLock);
	trackable_table(relation);
	if (given(ARG_LINES))
	{
		if (PG_GETARG_OID(ARG_LINES) == RelationGetRelid(relation))
			refuse_arguments("track: the table of lines must not be the table of orders", NULL);
		lines = relation_open(PG_GETARG_OID(ARG_LINES), ShareRowExclusiveLock);
		trackable_table(lines);
	}
	begin_setup(&setup, relation, LOYALTY_SCHEMA ".track_row");
	add_arguments(fcinfo, &setup);
	trackable_unique(relation, text_arg(ARG_REF));
	if (given(ARG_LINES_KEY))
		trackable_unique(relation, text_arg(ARG_LINES_KEY));
	if (lines)
		trackable_comparable(relation, text_arg(given(ARG_LINES_KEY) ? ARG_LINES_KEY : ARG_REF),
						 lines, text_arg(ARG_LINES_ORDER));
	when = counts_when(fcinfo, &setup);

	SPI_connect();
	make_holder(&setup, TRACK_TRIGGER, lines, when);
	make_trigger(&setup, TRACK_CHANGE_TRIGGER, "INSERT OR UPDATE OR DELETE", lines, NULL, "");
	if (given(ARG_CONFIRMED))
		make_trigger(&setup, TRACK_USABLE_TRIGGER, "INSERT OR UPDATE", lines,
					 status_in(&setup, text_arg(ARG_STATUS), PG_GETARG_ARRAYTYPE_P(ARG_CONFIRMED)), "");
	make_truncate_trigger(relation);
	if (lines)
		track_lines(fcinfo, relation, lines);
	SPI_finish();
	if (lines)
		relation_close(lines, NoLock);
	relation_close(relation, NoLock);
	PG_RETURN_VOID();
}

/* Commands that drop our triggers of one table. */
static List *
drop_commands(List *commands, Relation relation)
{
	static const char *const names[] = {
		TRACK_TRIGGER, TRACK_CHANGE_TRIGGER, TRACK_USABLE_TRIGGER, TRACK_LINES_TRIGGER,
		TRACK_LINES_CHANGE_TRIGGER, TRACK_TRUNCATE_TRIGGER
	};

	for (int i = 0; i < lengthof(names); i++)
		if (tracking_trigger(relation, names[i]))
			commands = lappend(commands, psprintf("DROP TRIGGER %s ON %s", names[i], tracking_table(relation)));
	return commands;
}

/* loyalty.untrack: drop all triggers. */
PG_FUNCTION_INFO_V1(untrack);
Datum
untrack(PG_FUNCTION_ARGS)
{
	Relation	relation = relation_open(PG_GETARG_OID(0), AccessExclusiveLock);
	const Trigger *trigger = tracking_trigger(relation, TRACK_CHANGE_TRIGGER);
	Oid			lines = trigger ? trigger->tgconstrrelid : InvalidOid;
	List	   *commands = NIL;
	ListCell   *cell;

	/* either may be left of a tracking that somebody took apart */
	if (trigger == NULL && tracking_trigger(relation, TRACK_TRIGGER) == NULL &&
		(tracking_trigger(relation, TRACK_TRUNCATE_TRIGGER) == NULL ||
		 tracking_trigger(relation, TRACK_LINES_CHANGE_TRIGGER) != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\" is not tracked", RelationGetRelationName(relation)),
				 errhint("Query loyalty.tracked to list the tracked tables.")));
	commands = drop_commands(commands, relation);
	if (OidIsValid(lines))
	{
		Relation	other = relation_open(lines, AccessExclusiveLock);

		commands = drop_commands(commands, other);
		relation_close(other, NoLock);
	}
	/* a table that is open cannot lose triggers */
	relation_close(relation, NoLock);
	SPI_connect();
	foreach(cell, commands)
		execute(lfirst(cell));
	SPI_finish();
	PG_RETURN_VOID();
}
