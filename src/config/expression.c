/*
 * expression.c
 *	  Parsing, checking, compiling and evaluating the expressions of rules.
 *
 * PostgreSQL parses them, with our columns resolved by a hook to the
 * attributes of one virtual row; allowed.c says what they may be made of.  The
 * planned tree is a CachedExpression, so that replacing a function it calls
 * invalidates it; an expression that calls PostgreSQL's own functions alone
 * keeps its compiled state as well.
 *
 * Memory: an Expression lives where it was made; what is compiled lives in a
 * context below that.  When it has turned invalid it is made anew, and the old
 * one stays until the transaction ends, for it may be running.
 */
#include "expression.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/timestamp.h"

#include "allowed.h"

#define MAX_COMPILE_MS 1000		/* when a rule is written */

struct Expression
{
	const char *text;
	const char *what;			/* condition or points */
	Oid			type;			/* of its value */
	const ExpressionOwner *owner;
	MemoryContext parent;
	MemoryContext context;		/* of what is compiled; NULL: it is not */
	CachedExpression *cached;
	ExprState  *state;
	ColumnSet	columns;
	List				  *foreign; /* functions that it calls and that the owner has allowed */
};

/*
 * Columns
 */
static const struct
{
	const char *relation;
	const char *name;
	Oid			type;
	const char *meaning;
} columns[COLUMNS] = {
	{"event", "activity", TEXTOID, "purchase, or the code of the activity."},
	{"event", "amount", NUMERICOID, "Amount of money of the purchase, or of the activity if it has one."},
	{"event", "currency", TEXTOID, "attributes ->> 'currency', or else the program's currency."},
	{"event", "channel", TEXTOID, "Sales channel."},
	{"event", "store", TEXTOID, "Store."},
	{"event", "brand", TEXTOID, "Brand."},
	{"event", "at", TIMESTAMPTZOID, "Time of the event."},
	{"event", "local_date", DATEOID, "Day of at in the program's time zone."},
	{"event", "year", INT4OID, "Year of local_date."},
	{"event", "month", INT4OID, "Month of local_date, 1 to 12."},
	{"event", "day", INT4OID, "Day of the month of local_date, 1 to 31."},
	{"event", "weekday", INT4OID, "Day of the week of local_date: 1 is Monday, 7 is Sunday."},
	{"event", "hour", INT4OID, "Hour of at in the program's time zone, 0 to 23."},
	{"event", "attributes", JSONBOID, "Data from the application, as a JSON object."},
	{"event", "streak", INT4OID, "Number of consecutive days with this activity, including the current day."},
	{"event", "lines", INT4OID, "Number of lines; 0 if there are none."},
	{"line", "sku", TEXTOID, "Item number of the line."},
	{"line", "category", TEXTOID, "Category of the line."},
	{"line", "brand", TEXTOID, "Brand of the line."},
	{"line", "quantity", NUMERICOID, "Number of pieces; 1 if none is given."},
	{"line", "amount", NUMERICOID, "Amount of money of the line."},
	{"line", "attributes", JSONBOID, "The line as the caller passed it."},
	{"member", "key", TEXTOID, "The application's key."},
	{"member", "tags", JSONBOID, "Labels, as an array."},
	{"member", "attributes", JSONBOID, "Data from the application, as a JSON object."},
	{"member", "joined_on", DATEOID, "Day of joining."},
	{"member", "birthday", TEXTOID, "MM-DD."},
	{"member", "is_birthday", BOOLOID, "Whether local_date is the birthday. In other years, a birthday on 29 February is on the 28th."},
	{"member", "days_since_order", INT4OID, "Days since the previous purchase; NULL: there was none."},
	{"member", "orders", INT8OID, "Number of earlier purchases, without those that were returned as a whole."},
	{"member", "referred", BOOLOID, "Whether attributes has the key \"referrer\"."},
	{"account", "tier", TEXTOID, "Code of the tier in force."},
	{"account", "tier_rank", INT4OID, "Rank of the tier in force; 0: no tier."},
	{"account", "balance", INT8OID, "Balance before this posting."},
	{"account", "usable", INT8OID, "Usable points before this posting."},
	{"account", "earned", INT8OID, "Total of points earned, minus the points due for returns."},
	{"account", "spend", NUMERICOID, "Total amount of purchases, minus returns."},
	{"account", "orders", INT8OID, "The same as member.orders."},
	{"account", "tier_points", INT8OID, "Qualifying points in the current window."},
	{"account", "tier_spend", NUMERICOID, "Amount of purchases in the current window."},
	{"account", "tier_orders", INT8OID, "Number of purchases in the current window."},
	{"account", "tier_activities", INT8OID, "Number of activities in the current window."},
};

/* The row that expressions are evaluated over; made once a backend. */
TupleDesc
expression_tupdesc(void)
{
	static TupleDesc tupdesc = NULL;

	if (tupdesc == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
		TupleDesc	made = CreateTemplateTupleDesc(COLUMNS);

		for (Column column = 0; column < COLUMNS; column++)
			TupleDescInitEntry(made, column + 1, columns[column].name, columns[column].type, -1, 0);
		tupdesc = made;
		MemoryContextSwitchTo(old);
	}
	return tupdesc;
}

/* rule_column_list(): relation, name, type, meaning. */
PG_FUNCTION_INFO_V1(rule_column_list);
Datum
rule_column_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (Column column = 0; column < COLUMNS; column++)
	{
		Datum		values[4];
		bool		nulls[4] = {false};

		values[0] = CStringGetTextDatum(columns[column].relation);
		values[1] = CStringGetTextDatum(columns[column].name);
		values[2] = CStringGetTextDatum(format_type_be(columns[column].type));
		values[3] = CStringGetTextDatum(columns[column].meaning);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * Resolving names
 */

/* A name without its relation means the line's column before the event's, ... */
static Column
find_column(const char *relation, const char *name, bool by_line)
{
	static const char *const order[] = {"line", "event", "member", "account"};

	for (int i = by_line ? 0 : 1; i < lengthof(order); i++)
	{
		if (relation != NULL && strcmp(relation, order[i]) != 0)
			continue;
		for (Column column = 0; column < COLUMNS; column++)
			if (strcmp(columns[column].relation, order[i]) == 0 &&
				strcmp(columns[column].name, name) == 0)
				return column;
	}
	return COLUMNS;
}

/* The column of the member or the account of that name; COLUMNS: none. */
Column
expression_member_column(const char *name)
{
	Column		column = find_column("member", name, false);

	return column != COLUMNS ? column : find_column("account", name, false);
}

/* Parser hook: resolve a name to a column of the virtual row; an unknown name is an error. */
static Node *
resolve_column(ParseState *pstate, ColumnRef *ref)
{
	const ExpressionOwner *owner = pstate->p_ref_hook_state;
	int			nfields = list_length(ref->fields);
	char	   *relation = NULL;
	char	   *name = NULL;
	Column		column = COLUMNS;
	Var		   *var;

	if (nfields <= 2 && IsA(llast(ref->fields), String))
	{
		relation = nfields == 2 ? strVal(linitial(ref->fields)) : NULL;
		name = strVal(llast(ref->fields));
		column = find_column(relation, name, owner->by_line);
	}
	if (column == COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" does not exist", NameListToString(ref->fields)),
				 relation != NULL && strcmp(relation, "line") == 0 && !owner->by_line ?
					 errhint("Only rules with scope \"line\" can refer to columns of a line.") :
					 errhint("The view loyalty.rule_columns lists the columns that rule expressions can use."),
				 parser_errposition(pstate, ref->location)));
	var = makeVar(1, column + 1, columns[column].type, -1,
				  get_typcollation(columns[column].type), 0);
	var->location = ref->location;
	return (Node *) var;
}

/*
 * Checking
 */

/* Is it of dates or times, or an array or range of them? */
static bool
is_of_time(Oid type)
{
	Oid			element = get_base_element_type(type);
	char		category;
	bool		preferred;

	get_type_category_preferred(OidIsValid(element) ? element : getBaseType(type), &category, &preferred);
	return category == TYPCATEGORY_DATETIME || category == TYPCATEGORY_RANGE;
}

/* Does a literal contain now, today, tomorrow or yesterday? */
static bool
says_now(const A_Const *literal)
{
	static const char *const words[] = {"now", "today", "tomorrow", "yesterday"};

	if (literal->isnull || nodeTag(&literal->val) != T_String)
		return false;
	for (const char *at = literal->val.sval.sval; *at != '\0'; at++)
		for (int i = 0; i < lengthof(words); i++)
			if (pg_strncasecmp(at, words[i], strlen(words[i])) == 0)
				return true;
	return false;
}

/* Where the literals are that say so; how they are written, with escapes or dollars, is known before they are resolved. */
static bool
gather_now(Node *node, void *context)
{
	List	  **places = context;

	if (node == NULL)
		return false;
	if (IsA(node, A_Const) && says_now((A_Const *) node))
		*places = lappend_int(*places, ((A_Const *) node)->location);
	return raw_expression_tree_walker(node, gather_now, context);
}

typedef struct Moments
{
	ParseState *pstate;
	List	   *places;
} Moments;

/* Reject literals such as today: their value would be fixed when the expression is compiled. */
static bool
refuse_now(Node *node, void *context)
{
	Moments    *moments = context;

	if (node == NULL)
		return false;
	if (IsA(node, Const) && is_of_time(((Const *) node)->consttype) &&
		list_member_int(moments->places, ((Const *) node)->location))
		ereport(ERROR,
				(errcode(ERRCODE_LY_RULE),
				 errmsg("dates in rules must be fixed dates"),
				 errhint("Use the calendar columns (local_date, weekday, hour, ...); loyalty.rule_columns lists them."),
				 parser_errposition(moments->pstate, ((Const *) node)->location)));
	return expression_tree_walker(node, refuse_now, context);
}

/* Walk a tree, and gather the columns that it reads into a ColumnSet. */
static bool
gather_columns(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		*(ColumnSet *) context |= column_bit(((Var *) node)->varattno - 1);
	return expression_tree_walker(node, gather_columns, context);
}

/* The expression alone: no FROM, no second target, no name for it. */
static Node *
only_target(List *raw, ParseState *pstate)
{
	SelectStmt *select = (SelectStmt *) linitial_node(RawStmt, raw)->stmt;
	ResTarget  *target;

	if (!IsA(select, SelectStmt) || list_length(select->targetList) != 1 ||
		select->distinctClause || select->intoClause || select->fromClause ||
		select->whereClause || select->groupClause || select->havingClause ||
		select->windowClause || select->sortClause || select->limitOffset ||
		select->limitCount || select->lockingClause || select->withClause ||
		select->op != SETOP_NONE || select->valuesLists)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("not an expression")));
	target = linitial_node(ResTarget, select->targetList);
	if (target->name != NULL || target->indirection != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("not an expression"),
				 parser_errposition(pstate, target->location)));
	return target->val;
}

/* Parse and check, and find the allowed functions that it calls; settings are pinned. */
static Node *
parse(const Expression *expression, List **foreign)
{
	ParseState *pstate = make_parsestate(NULL);
	Moments		moments = {pstate, NIL};
	Node	   *node;
	Oid			type;

	pstate->p_sourcetext = expression->text;
	pstate->p_pre_columnref_hook = resolve_column;
	pstate->p_ref_hook_state = (void *) expression->owner;
	node = only_target(raw_parser(expression->text, RAW_PARSE_PLPGSQL_EXPR), pstate);
	allowed_check_names(node, pstate);
	(void) gather_now(node, &moments.places);
	node = transformExpr(pstate, node, EXPR_KIND_CHECK_CONSTRAINT);
	type = exprType(node);
	{
		int			location = exprLocation(node);

		/* implicitly: a float is no exact number of points */
		node = coerce_to_target_type(pstate, node, type, expression->type, -1,
									 COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1);
		if (node == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("the expression is of type %s, not %s", format_type_be(type),
							format_type_be(expression->type)),
					 parser_errposition(pstate, location)));
	}
	assign_expr_collations(pstate, node);
	allowed_check_tree(node, pstate);
	(void) refuse_now(node, &moments);
	*foreign = allowed_foreign(node);
	allowed_check_execute(*foreign);
	node = allowed_fold(node, pstate);
	free_parsestate(pstate);
	return node;
}

/*
 * Settings and rights
 */

/* Literals must mean the same in every session (findings 6.4). */
static void
pin_settings(const char *zone)
{
	static const struct
	{
		const char *name;
		const char *value;
	} pinned[] = {
		{"search_path", "pg_catalog, pg_temp"}, {"DateStyle", "ISO, YMD"}, {"IntervalStyle", "postgres"}, {"transform_null_equals", "off"}, {"standard_conforming_strings", "on"}, {"array_nulls", "on"}, {"extra_float_digits", "1"}
	};

	for (int i = 0; i < lengthof(pinned); i++)
		(void) set_config_option(pinned[i].name, pinned[i].value, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("TimeZone", zone, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Functions that the owner has allowed run with the rights of whoever posts.
 * They cannot post themselves, nor change the user, and what they set is undone.
 */
typedef struct Restraint
{
	Oid			user;
	int			context;
	int			level;
} Restraint;

/* Restrict what the user may do and begin a new level of settings, until release. */
static Restraint
restrain(void)
{
	Restraint	restraint;

	GetUserIdAndSecContext(&restraint.user, &restraint.context);
	restraint.level = NewGUCNestLevel();
	SetUserIdAndSecContext(restraint.user, restraint.context | SECURITY_LOCAL_USERID_CHANGE |
											   SECURITY_RESTRICTED_OPERATION);
	return restraint;
}

/* An error on the way does the same, with its (sub)transaction. */
static void
release(Restraint restraint)
{
	AtEOXact_GUC(false, restraint.level);
	SetUserIdAndSecContext(restraint.user, restraint.context);
}

/* Add the rule, and the position in its text, to an error. */
static void
name_the_rule(void *arg)
{
	const Expression *expression = arg;
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(expression->text);
	}
	errcontext("%s of rule \"%s\"", expression->what, expression->owner->rule);
}

#define begin_naming(expression)                                                        \
	ErrorContextCallback naming = {                                                     \
		.previous = error_context_stack, .callback = name_the_rule, .arg = (expression) \
	};                                                                                  \
	error_context_stack = &naming

#define end_naming() (error_context_stack = naming.previous)

/*
 * Compiling
 */

/* Memory context callback: free a CachedExpression together with its context. */
static void
free_cached(void *arg)
{
	FreeCachedExpression(arg);
}

/*
 * Forget what was compiled.  A function that it calls may be the one that has
 * made it invalid, and be running: so it goes with the transaction.
 */
static void
retire(Expression *expression)
{
	if (expression->context)
		MemoryContextSetParent(expression->context, TopTransactionContext);
	expression->cached = NULL;
	expression->state = NULL;
	expression->context = NULL;
}

/*
 * Make an expression in the current memory context, without copying its
 * arguments; it is compiled when it is first used.
 */
Expression *
expression_new(const char *text, const char *what, Oid type, const ExpressionOwner *owner)
{
	Expression *expression = palloc0(sizeof(Expression));

	expression->text = text;
	expression->what = what;
	expression->type = type;
	expression->owner = owner;
	expression->parent = CurrentMemoryContext;
	return expression;
}

/* The planned tree, which turns invalid when a function that it calls changes. */
static CachedExpression *
cached_expression(Node *node, MemoryContext context)
{
	CachedExpression *cached = GetCachedExpression(node);
	MemoryContextCallback *callback = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));

	callback->func = free_cached;
	callback->arg = cached;
	MemoryContextRegisterResetCallback(context, callback);
	return cached;
}

/*
 * Parse, check and compile an expression, with pinned settings; what was
 * compiled before is retired.
 */
static void
compile(Expression *expression)
{
	MemoryContext working = AllocSetContextCreate(CurrentMemoryContext, "loyalty rule parsing",
													  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(working);
	MemoryContext context;
	Restraint	restraint = restrain();
	CachedExpression *cached;
	ExprState  *state;
	Node	   *node;
	List	   *foreign;

	pin_settings(expression->owner->zone);
	node = parse(expression, &foreign);
	context = AllocSetContextCreate(working, "loyalty rule", ALLOCSET_SMALL_SIZES);
	cached = cached_expression(node, context);
	MemoryContextSwitchTo(context);
	state = ExecInitExpr((Expr *) cached->expr, NULL);
	foreign = list_copy(foreign);
	release(restraint);
	/* functions that ran while constants were worked out may have compiled it as well */
	retire(expression);
	MemoryContextSetParent(context, expression->parent);
	expression->context = context;
	expression->cached = cached;
	expression->state = state;
	expression->columns = 0;
	(void) gather_columns(cached->expr, &expression->columns);
	expression->foreign = foreign;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(working);
}

/* Compile an expression, unless it is compiled and no function that it calls has changed since. */
static void
ensure_compiled(Expression *expression)
{
	if (expression->state == NULL || !expression->cached->is_valid)
		compile(expression);
}

/* The columns that it reads. */
ColumnSet
expression_columns(Expression *expression)
{
	begin_naming(expression);
	ensure_compiled(expression);
	end_naming();
	return expression->columns;
}

/* Evaluate an expression that calls functions which the owner has allowed. */
static Datum
foreign_value(Expression *expression, ExprContext *econtext, bool *isnull)
{
	Restraint	restraint = restrain();
	Datum		value;

	allowed_check_execute(expression->foreign);
	pin_settings(expression->owner->zone);
	/* a state of its own: such a function may come here again, and post */
	value = ExecEvalExpr(ExecInitExpr((Expr *) expression->cached->expr, NULL), econtext, isnull);
	release(restraint);
	return value;
}

/* Its value; expression_columns has been called in this posting. */
Datum
expression_value(Expression *expression, ExprContext *econtext, bool *isnull)
{
	Datum		value;

	begin_naming(expression);
	CHECK_FOR_INTERRUPTS();
	ensure_compiled(expression);
	if (expression->foreign != NIL)
		value = foreign_value(expression, econtext, isnull);
	else
		value = ExecEvalExpr(expression->state, econtext, isnull);
	end_naming();
	return value;
}

/* Would it do?  Called when it is written: what it costs then, it costs each session once. */
void
expression_check(const char *text, const char *what, Oid type, const ExpressionOwner *owner)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "loyalty rule check",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Expression *expression = expression_new(text, what, type, owner);
	TimestampTz begin = GetCurrentTimestamp();

	(void) expression_columns(expression);
	if (TimestampDifferenceExceeds(begin, GetCurrentTimestamp(), MAX_COMPILE_MS))
		ereport(ERROR,
				(errcode(ERRCODE_LY_RULE),
				 errmsg("%s of rule \"%s\" takes too long to prepare", what, owner->rule),
				 errdetail("Evaluating its constants took more than %d ms, and each session would do it once.",
						   MAX_COMPILE_MS),
				 errhint("Write the constants as literals.")));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
