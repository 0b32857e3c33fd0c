/*
 * expression.c
 *	  Parsing, checking, compiling and evaluating the expressions of rules.
 *
 * PostgreSQL parses them, with our columns resolved by a hook to the
 * attributes of one virtual row.  The planned tree is a CachedExpression, so
 * that replacing a function it calls invalidates it; an expression that calls
 * built-in functions alone keeps its compiled state as well.
 *
 * Memory: an Expression lives where it was made; what is compiled lives in a
 * context below that, made anew when it has turned invalid.
 */
#include "expression.h"

#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
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
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "access/transam.h"

struct Expression
{
	const char *text;
	const char *what;			/* condition or points */
	Oid			type;			/* of its value */
	const ExpressionOwner *owner;
	MemoryContext parent;
	MemoryContext context;		/* of what follows; NULL: not compiled */
	CachedExpression *cached;
	ExprState  *state;			/* NULL: made for each evaluation */
	ColumnSet	columns;
	Oid			author;
	bool		foreign;		/* calls functions that are not built in */
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
}			columns[COLUMNS] = {
	{"event", "activity", TEXTOID, "purchase, or the code of the activity"},
	{"event", "amount", NUMERICOID, "Money of the purchase, or of an activity that has one."},
	{"event", "currency", TEXTOID, "attributes ->> 'currency', or the program's."},
	{"event", "channel", TEXTOID, "Through which channel."},
	{"event", "store", TEXTOID, "In which store."},
	{"event", "brand", TEXTOID, "Of which brand."},
	{"event", "at", TIMESTAMPTZOID, "When it happened."},
	{"event", "local_date", DATEOID, "Its day in the program's time zone."},
	{"event", "year", INT4OID, "Of local_date."},
	{"event", "month", INT4OID, "Of local_date, 1 to 12."},
	{"event", "day", INT4OID, "Of local_date, 1 to 31."},
	{"event", "weekday", INT4OID, "Of local_date: 1 is Monday, 7 is Sunday."},
	{"event", "hour", INT4OID, "Local hour, 0 to 23."},
	{"event", "attributes", JSONBOID, "What the application added."},
	{"event", "streak", INT4OID, "Days in a row with this activity, this one included."},
	{"event", "lines", INT4OID, "Number of lines; 0 where it has none."},
	{"line", "sku", TEXTOID, "Article of the line."},
	{"line", "category", TEXTOID, "Its category."},
	{"line", "brand", TEXTOID, "Its brand."},
	{"line", "quantity", NUMERICOID, "Pieces; 1 where none is given."},
	{"line", "amount", NUMERICOID, "Money of the line."},
	{"line", "attributes", JSONBOID, "The line as it came."},
	{"member", "key", TEXTOID, "The application's key."},
	{"member", "tags", JSONBOID, "Labels, an array."},
	{"member", "attributes", JSONBOID, "What the application knows, an object."},
	{"member", "joined_on", DATEOID, "Day of joining."},
	{"member", "birthday", TEXTOID, "MM-DD."},
	{"member", "is_birthday", BOOLOID, "Is local_date the birthday? 29 February is kept on the 28th in other years."},
	{"member", "days_since_order", INT4OID, "Days since the latest purchase before; NULL: there was none."},
	{"member", "orders", INT8OID, "Purchases before this one, less those returned whole."},
	{"member", "referred", BOOLOID, "Does attributes have \"referrer\"?"},
	{"account", "tier", TEXTOID, "Code of the tier in force."},
	{"account", "tier_rank", INT4OID, "Its rank; 0: none."},
	{"account", "balance", INT8OID, "Before this posting, as what follows."},
	{"account", "usable", INT8OID, "Usable points."},
	{"account", "earned", INT8OID, "Points earned in all, less what returns were due."},
	{"account", "spend", NUMERICOID, "Money of purchases in all, less what was returned."},
	{"account", "orders", INT8OID, "As member.orders."},
	{"account", "tier_points", INT8OID, "Metrics of the running window: qualifying points ..."},
	{"account", "tier_spend", NUMERICOID, "... money ..."},
	{"account", "tier_orders", INT8OID, "... purchases ..."},
	{"account", "tier_activities", INT8OID, "... activities."},
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
				 errhint("Only rules of scope line see lines.") :
				 errhint("The view loyalty.rule_columns lists the columns of rules."),
				 parser_errposition(pstate, ref->location)));
	var = makeVar(1, column + 1, columns[column].type, -1,
				  get_typcollation(columns[column].type), 0);
	var->location = ref->location;
	return (Node *) var;
}

/*
 * Checking
 */

static bool
is_mutable(Oid function, void *context)
{
	return func_volatile(function) != PROVOLATILE_IMMUTABLE;
}

/* Refuse functions whose answer may be another tomorrow. */
static bool
refuse_mutable(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SQLValueFunction) || IsA(node, NextValueExpr) ||
		check_functions_in_node(node, is_mutable, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_LY_RULE),
				 errmsg("functions in rules must be immutable"),
				 errhint("The calendar comes as columns (local_date, weekday, hour, ...): see loyalty.rule_columns."),
				 parser_errposition(context, exprLocation(node))));
	return expression_tree_walker(node, refuse_mutable, context);
}

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

/* Does the literal that begins at a place of the text say now, today, tomorrow or yesterday? */
static bool
says_now(const char *literal)
{
	static const char *const words[] = {"now", "today", "tomorrow", "yesterday"};
	const char *begin = strpbrk(literal, "'$");
	const char *end = begin ? strpbrk(begin + 1 + (begin[0] == '$' && begin[1] == '$'), "'$") : NULL;

	for (const char *at = begin; end != NULL && at < end; at++)
		for (int i = 0; i < lengthof(words); i++)
			if (pg_strncasecmp(at, words[i], strlen(words[i])) == 0)
				return true;
	return false;
}

/* Refuse dates that mean another day tomorrow: they would be fixed when compiled. */
static bool
refuse_now(Node *node, void *context)
{
	ParseState *pstate = context;

	if (node == NULL)
		return false;
	if (IsA(node, Const) && ((Const *) node)->location >= 0 && is_of_time(((Const *) node)->consttype) &&
		says_now(pstate->p_sourcetext + ((Const *) node)->location))
		ereport(ERROR,
				(errcode(ERRCODE_LY_RULE),
				 errmsg("dates in rules must be dates of the calendar"),
				 errhint("The calendar comes as columns (local_date, weekday, hour, ...): see loyalty.rule_columns."),
				 parser_errposition(pstate, ((Const *) node)->location)));
	return expression_tree_walker(node, refuse_now, context);
}

static bool
is_foreign(Oid function, void *context)
{
	return function >= FirstNormalObjectId;
}

static bool
calls_foreign(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_foreign, NULL))
		return true;
	return expression_tree_walker(node, calls_foreign, context);
}

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

/* PostgreSQL would speak of a check constraint here. */
static bool
refuse_subquery(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("rules cannot have subqueries"),
				 errhint("What a rule sees comes as columns: see loyalty.rule_columns."),
				 parser_errposition(context, ((SubLink *) node)->location)));
	return raw_expression_tree_walker(node, refuse_subquery, context);
}

/* Parse and check; settings are pinned and the author is the user. */
static Node *
parse(const Expression *expression)
{
	ParseState *pstate = make_parsestate(NULL);
	Node	   *node;
	Oid			type;

	pstate->p_sourcetext = expression->text;
	pstate->p_pre_columnref_hook = resolve_column;
	pstate->p_ref_hook_state = (void *) expression->owner;
	node = only_target(raw_parser(expression->text, RAW_PARSE_PLPGSQL_EXPR), pstate);
	(void) refuse_subquery(node, pstate);
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
	(void) refuse_mutable(node, pstate);
	(void) refuse_now(node, pstate);
	free_parsestate(pstate);
	return node;
}

/*
 * Settings and rights
 */

/* Literals must mean the same in every session (findings 6.4). */
static int
pin_settings(const char *zone)
{
	static const struct
	{
		const char *name;
		const char *value;
	}			pinned[] = {
		{"search_path", "pg_catalog, pg_temp"}, {"DateStyle", "ISO, YMD"},
		{"IntervalStyle", "postgres"}, {"transform_null_equals", "off"},
		{"standard_conforming_strings", "on"}
	};
	int			level = NewGUCNestLevel();

	for (int i = 0; i < lengthof(pinned); i++)
		(void) set_config_option(pinned[i].name, pinned[i].value, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("TimeZone", zone, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

static Oid
author_of(const ExpressionOwner *owner)
{
	Oid			author = get_role_oid(owner->author, true);

	if (!OidIsValid(author))
		ereport(ERROR,
				(errcode(ERRCODE_LY_RULE),
				 errmsg("the author of rule \"%s\", role \"%s\", does not exist", owner->rule, owner->author),
				 errhint("Write the rule again (UPDATE loyalty.rules SET points = points ...): whoever does is its author.")));
	return author;
}

typedef struct Rights
{
	Oid			user;
	int			context;
} Rights;

/* Become the author; an error on the way ends it with the transaction. */
static Rights
become(Oid author)
{
	Rights		rights;

	GetUserIdAndSecContext(&rights.user, &rights.context);
	SetUserIdAndSecContext(author, rights.context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	return rights;
}

static void
become_again(Rights rights)
{
	SetUserIdAndSecContext(rights.user, rights.context);
}

/* Say which rule, and where in its text. */
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

#define begin_naming(expression) \
	ErrorContextCallback naming = { \
		.previous = error_context_stack, .callback = name_the_rule, \
		.arg = (expression) \
	}; \
	error_context_stack = &naming

#define end_naming() (error_context_stack = naming.previous)

/*
 * Compiling
 */

static void
forget_compiled(Expression *expression)
{
	MemoryContext context = expression->context;

	if (expression->cached)
		FreeCachedExpression(expression->cached);
	expression->cached = NULL;
	expression->state = NULL;
	expression->context = NULL;
	if (context)
		MemoryContextDelete(context);
}

static void
free_cached(void *arg)
{
	Expression *expression = arg;

	if (expression->cached)
		FreeCachedExpression(expression->cached);
	expression->cached = NULL;
}

Expression *
expression_new(const char *text, const char *what, Oid type, const ExpressionOwner *owner)
{
	Expression *expression = palloc0(sizeof(Expression));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	expression->text = text;
	expression->what = what;
	expression->type = type;
	expression->owner = owner;
	expression->parent = CurrentMemoryContext;
	callback->func = free_cached;
	callback->arg = expression;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return expression;
}

static void
compile(Expression *expression)
{
	MemoryContext working = AllocSetContextCreate(CurrentMemoryContext, "loyalty rule parsing",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(working);
	Oid			author = author_of(expression->owner);
	Rights		rights = become(author);
	int			level = pin_settings(expression->owner->zone);
	Node	   *node = parse(expression);

	expression->cached = GetCachedExpression(node);
	expression->columns = 0;
	(void) gather_columns(expression->cached->expr, &expression->columns);
	expression->foreign = calls_foreign(expression->cached->expr, NULL);
	expression->author = author;
	AtEOXact_GUC(true, level);
	expression->context = AllocSetContextCreate(expression->parent, "loyalty rule",
												ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(expression->context);
	/* this checks the author's EXECUTE, too */
	expression->state = ExecInitExpr((Expr *) expression->cached->expr, NULL);
	become_again(rights);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(working);
}

static void
ensure_compiled(Expression *expression)
{
	if (expression->state != NULL && expression->cached != NULL && expression->cached->is_valid)
		return;
	forget_compiled(expression);
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

/* Evaluate an expression that calls others' functions, as its author. */
static Datum
value_as_author(Expression *expression, ExprContext *econtext, bool *isnull)
{
	Rights		rights = become(expression->author);
	ExprState  *state = ExecInitExpr((Expr *) expression->cached->expr, NULL);
	Datum		value = ExecEvalExpr(state, econtext, isnull);

	become_again(rights);
	return value;
}

/* Its value; expression_columns has been called in this posting. */
Datum
expression_value(Expression *expression, ExprContext *econtext, bool *isnull)
{
	Datum		value;

	begin_naming(expression);
	ensure_compiled(expression);
	if (expression->foreign)
		value = value_as_author(expression, econtext, isnull);
	else
		value = ExecEvalExpr(expression->state, econtext, isnull);
	end_naming();
	return value;
}

/* Would it do? */
void
expression_check(const char *text, const char *what, Oid type, const ExpressionOwner *owner)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "loyalty rule check",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Expression *expression = expression_new(text, what, type, owner);

	(void) expression_columns(expression);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
