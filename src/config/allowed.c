/*
 * allowed.c
 *	  What an expression may be made of.
 *
 * Names are checked before PostgreSQL resolves them: a literal of a domain or
 * a composite type runs that type's code while it is parsed.  The resolved
 * tree is checked again, node by node; what is not listed is refused, so that
 * the nodes of later versions are.
 */
#include "allowed.h"

#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_type.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "owner.h"
#include "tablemap.h"

#define MAX_CONSTANT_BYTES 65536 /* of a value that is worked out when compiled */
#define MAX_REPEATS 10000		 /* of functions that make long values of short ones */
#define MAX_GROWTH 10000		 /* of a value by all functions that it goes through */

/* Report what is not allowed, with its place in the expression. */
static void
refuse(ParseState *pstate, int location, const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_RULE),
			 errmsg("%s", what),
			 errhint("%s", hint),
			 parser_errposition(pstate, location)));
}

static const char *const type_hint =
	"Rules support numbers, text, booleans, dates and times, jsonb, uuid, and arrays and ranges of these.";

/*
 * Types
 */

/*
 * Base types of pg_catalog whose input and output run no code of others.  No
 * jsonpath: '$[0,0][0,0]' and so on makes millions of values in one call.
 */
static bool
is_plain_type(Oid type)
{
	static const Oid types[] = {
		BOOLOID, INT2OID, INT4OID, INT8OID, NUMERICOID, FLOAT4OID, FLOAT8OID,
		TEXTOID, VARCHAROID, BPCHAROID, CHAROID, DATEOID, TIMEOID, TIMETZOID,
		TIMESTAMPOID, TIMESTAMPTZOID, INTERVALOID, JSONBOID, JSONOID, UUIDOID,
		INT4RANGEOID, INT8RANGEOID, NUMRANGEOID, DATERANGEOID, TSRANGEOID, TSTZRANGEOID,
		INT4MULTIRANGEOID, INT8MULTIRANGEOID, NUMMULTIRANGEOID, DATEMULTIRANGEOID,
		TSMULTIRANGEOID, TSTZMULTIRANGEOID
	};

	for (int i = 0; i < lengthof(types); i++)
		if (types[i] == type)
			return true;
	return false;
}

/* Is a type plain, or an array of a plain type? */
static bool
is_allowed_type(Oid type)
{
	Oid			element = get_element_type(type);

	return is_plain_type(type) || (OidIsValid(element) && is_plain_type(element));
}

/* Refuse a type that rules do not support. */
static void
check_type(Oid type, ParseState *pstate, int location)
{
	if (!is_allowed_type(type))
		refuse(pstate, location, psprintf("type %s is not supported in rules", format_type_be(type)), type_hint);
}

/*
 * Functions that the owner has allowed
 */
static const char *const allowed_columns[] = {"signature"};
static const Oid allowed_types[] = {TEXTOID};
static TableMap allowed_map = {
			 .name = "allowed_function", .ncolumns = lengthof(allowed_columns), .columns = allowed_columns, .types = allowed_types
};

/* The name and the arguments of a function, in the form stored in the table. */
static char *
signature_of(Oid function)
{
	return format_procedure(function);
}

typedef struct Search
{
	const char *signature;
	bool		found;
} Search;

/* Row visitor: note whether the row has the signature that is searched for. */
static void
compare_signature(const Datum *values, const bool *nulls, void *state)
{
	Search	   *search = state;

	if (!nulls[0] && strcmp(TextDatumGetCString(values[0]), search->signature) == 0)
		search->found = true;
}

/* Has the owner of the extension allowed a function? */
static bool
is_listed(Oid function)
{
	Search		search = {signature_of(function), false};
	Snapshot	snapshot = RegisterSnapshot(latest_snapshot());

	table_visit(&allowed_map, snapshot, compare_signature, &search);
	UnregisterSnapshot(snapshot);
	return search.found;
}

/* The reason why a function cannot be allowed; NULL if it can. */
static const char *
function_fault(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	const char *fault = NULL;

	if (!HeapTupleIsValid(tuple))
		return "It does not exist.";
	form = (Form_pg_proc) GETSTRUCT(tuple);
	if (form->prokind != PROKIND_FUNCTION || form->proretset)
		fault = "It is not a plain function.";
	else if (form->provolatile != PROVOLATILE_IMMUTABLE)
		fault = "It is not IMMUTABLE.";
	else if (form->prosecdef)
		fault = "It is SECURITY DEFINER.";
	else if (form->proowner != owner_of(allowed_map.name) && !superuser_arg(form->proowner))
		fault = "Its owner is neither a superuser nor the owner of the extension.";
	else if (!is_allowed_type(form->prorettype))
		fault = "It returns a type that rules do not support.";
	for (int i = 0; fault == NULL && i < form->pronargs; i++)
		if (!is_allowed_type(form->proargtypes.values[i]))
			fault = "It takes a type that rules do not support.";
	ReleaseSysCache(tuple);
	return fault;
}

/* Is a function one of PostgreSQL's own, in pg_catalog? */
static bool
is_own(Oid function)
{
	return function < FirstNormalObjectId && get_func_namespace(function) == PG_CATALOG_NAMESPACE;
}

/* Reject a function that is neither PostgreSQL's own nor allowed. */
static void
check_function(Oid function, ParseState *pstate, int location)
{
	const char *fault;

	if (is_own(function))
		return;
	if (!is_listed(function))
		refuse(pstate, location, psprintf("function %s is not allowed in rules", signature_of(function)),
			   "The owner of the extension can allow a function: SELECT loyalty.allow_function('...').");
	fault = function_fault(function);
	if (fault)
		ereport(ERROR,
				(errcode(ERRCODE_LY_RULE),
				 errmsg("function %s cannot be called by rules", signature_of(function)),
				 errdetail("%s", fault),
				 errhint("Change the function, or remove it from the rule."),
				 parser_errposition(pstate, location)));
}

/*
 * Names, before they are resolved
 */

/* Is a name qualified with a schema other than pg_catalog? */
static bool
is_qualified(List *names)
{
	return list_length(names) > 1 && strcmp(strVal(linitial(names)), "pg_catalog") != 0;
}

/* Every function that a name may mean has to be allowed: its arguments are read before it is chosen. */
static void
check_function_name(FuncCall *call, ParseState *pstate)
{
	FuncCandidateList candidates;
	Oid			type = InvalidOid;

	if (call->agg_order || call->agg_filter || call->agg_within_group || call->agg_star ||
		call->agg_distinct || call->over)
		refuse(pstate, call->location, "rules cannot contain aggregate or window functions",
			   "A rule can refer to the columns that loyalty.rule_columns lists.");
	if (list_length(call->args) == 1)
		type = LookupTypeNameOid(NULL, makeTypeNameFromNameList(call->funcname), true);
	if (OidIsValid(type))
		check_type(type, pstate, call->location);
	if (!is_qualified(call->funcname))
		return;
	candidates = FuncnameGetCandidates(call->funcname, -1, NIL, false, false, false, true);
	for (; candidates != NULL; candidates = candidates->next)
		check_function(candidates->oid, pstate, call->location);
}

/* Check the type that a name means; if there is no such type, PostgreSQL reports it. */
static void
check_type_name(TypeName *name, ParseState *pstate)
{
	Type		type = LookupTypeName(NULL, name, NULL, true);
	Oid			oid;

	if (type == NULL)
		return;					/* PostgreSQL says that there is none */
	oid = typeTypeId(type);
	ReleaseSysCache(type);
	check_type(oid, pstate, name->location);
}

/* Only subscripts: a field's name could mean a function or a type. */
static void
check_indirection(A_Indirection *node, ParseState *pstate)
{
	ListCell   *cell;

	foreach(cell, node->indirection)
		if (!IsA(lfirst(cell), A_Indices))
			refuse(pstate, exprLocation(node->arg), "rules do not support composite values",
				   "Use -> or ->> to extract a field of a jsonb value.");
}

/* Walk the raw tree, and refuse every name and every kind of node that is not allowed. */
static bool
check_names(Node *node, void *context)
{
	ParseState *pstate = context;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_SubLink:
			/* PostgreSQL would speak of a check constraint here */
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("rules cannot contain subqueries"),
					 errhint("A rule can refer to the columns that loyalty.rule_columns lists."),
					 parser_errposition(pstate, ((SubLink *) node)->location)));
			break;
		case T_SQLValueFunction:
			refuse(pstate, ((SQLValueFunction *) node)->location, "functions in rules must be immutable",
				   "Use the calendar columns (local_date, weekday, hour, ...); loyalty.rule_columns lists them.");
			break;
		case T_FuncCall:
			check_function_name((FuncCall *) node, pstate);
			break;
		case T_TypeName:
			check_type_name((TypeName *) node, pstate);
			break;
		case T_A_Indirection:
			check_indirection((A_Indirection *) node, pstate);
			break;
		case T_A_Expr:
			if (is_qualified(((A_Expr *) node)->name))
				refuse(pstate, ((A_Expr *) node)->location, "rules can only use operators of pg_catalog",
					   "Remove the operator, or call a function that the owner of the extension has allowed.");
			break;
		case T_A_Const:
		case T_A_ArrayExpr:
		case T_A_Indices:
		case T_BoolExpr:
		case T_BooleanTest:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_CoalesceExpr:
		case T_CollateClause:
		case T_ColumnRef:
		case T_ParamRef:
		case T_List:
		case T_MinMaxExpr:
		case T_NamedArgExpr:
		case T_NullTest:
		case T_TypeCast:
		case T_Integer:
		case T_Float:
		case T_String:
		case T_BitString:
			break;
		default:
			refuse(pstate, exprLocation(node), "this kind of expression is not supported in rules",
				   "Rules support columns, literals, operators, functions, CASE, COALESCE, GREATEST, LEAST, IN and IS.");
	}
	return raw_expression_tree_walker(node, check_names, context);
}

/* Refuse names that must not even be resolved. */
void
allowed_check_names(Node *raw, ParseState *pstate)
{
	(void) check_names(raw, pstate);
}

/*
 * The resolved tree
 */
typedef struct Place
{
	ParseState *pstate;
	int			location;
} Place;

/*
 * Check a function that a node calls: it must be allowed and immutable, and
 * must not convert a float to text.
 */
static bool
check_called(Oid function, void *context)
{
	Place	   *place = context;

	check_function(function, place->pstate, place->location);
	if (func_volatile(function) != PROVOLATILE_IMMUTABLE)
		refuse(place->pstate, place->location, "functions in rules must be immutable",
			   "Use the calendar columns (local_date, weekday, hour, ...); loyalty.rule_columns lists them.");
	if (function == F_FLOAT4OUT || function == F_FLOAT8OUT)
		refuse(place->pstate, place->location, "a floating-point number cannot be converted to text in rules",
			   "The result would depend on the setting extra_float_digits. Cast it to numeric first.");
	return false;
}

/* Which argument of a function says how long its value becomes; 0: none. */
static int
length_argument(Oid function)
{
	switch (function)
	{
		case F_REPEAT:
		case F_LPAD_TEXT_INT4:
		case F_LPAD_TEXT_INT4_TEXT:
		case F_RPAD_TEXT_INT4:
		case F_RPAD_TEXT_INT4_TEXT:
		case F_BPCHAR_BPCHAR_INT4_BOOL:
			return 2;
		default:
			return 0;
	}
}

/* Reject calls that would make a long value from a short one at each posting. */
static void
check_length(FuncExpr *call, ParseState *pstate)
{
	int			number = length_argument(call->funcid);
	Const	   *length;

	if (call->funcid == F_ARRAY_FILL_ANYELEMENT__INT4 || call->funcid == F_ARRAY_FILL_ANYELEMENT__INT4__INT4)
		refuse(pstate, call->location, "array_fill is not supported in rules", "Write the array as a literal.");
	if (number == 0)
		return;
	length = list_nth(call->args, number - 1);
	if (!IsA(length, Const) || length->constisnull || DatumGetInt32(length->constvalue) > MAX_REPEATS)
		refuse(pstate, call->location, psprintf("the length of %s in rules must be a number up to %d", get_func_name(call->funcid), MAX_REPEATS),
			   "Write the number as a literal.");
}

/* Refuse a collation that is not one of PostgreSQL's own. */
static void
check_collation(Oid collation, Place *place)
{
	if (OidIsValid(collation) && collation >= FirstNormalObjectId)
		refuse(place->pstate, place->location, "rules can only use collations of pg_catalog",
			   "Use COLLATE \"C\", or omit COLLATE.");
}

/* Walk the resolved tree: the kind, functions, type and collation of every node must be allowed. */
static bool
check_tree(Node *node, void *context)
{
	Place		place = {context, -1};

	if (node == NULL)
		return false;
	if (IsA(node, List))
		return expression_tree_walker(node, check_tree, context);
	place.location = exprLocation(node);
	switch (nodeTag(node))
	{
		case T_FuncExpr:
			check_length((FuncExpr *) node, context);
			break;
		case T_CollateExpr:
			check_collation(((CollateExpr *) node)->collOid, &place);
			break;
		case T_Var:
		case T_Const:
		case T_NamedArgExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_BoolExpr:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_CaseExpr:
		case T_CaseTestExpr:
		case T_ArrayExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_SubscriptingRef:
			break;
		case T_CaseWhen:
			return expression_tree_walker(node, check_tree, context);
		default:
			refuse(context, place.location, "this kind of expression is not supported in rules",
				   "Rules support columns, literals, operators, functions, CASE, COALESCE, GREATEST, LEAST, IN and IS.");
	}
	(void) check_functions_in_node(node, check_called, &place);
	check_type(exprType(node), context, place.location);
	check_collation(exprCollation(node), &place);
	return expression_tree_walker(node, check_tree, context);
}

/* Reject everything that a resolved expression must not contain. */
void
allowed_check_tree(Node *node, ParseState *pstate)
{
	(void) check_tree(node, pstate);
}

/*
 * Add a function to a list unless it is one of PostgreSQL's own; always false,
 * to continue the walk.
 */
static bool
add_foreign(Oid function, void *context)
{
	List	  **functions = context;

	if (!is_own(function))
		*functions = list_append_unique_oid(*functions, function);
	return false;
}

/* Walk a tree, and gather the functions that are not PostgreSQL's own. */
static bool
gather_foreign(Node *node, void *context)
{
	if (node == NULL)
		return false;
	(void) check_functions_in_node(node, add_foreign, context);
	return expression_tree_walker(node, gather_foreign, context);
}

/*
 * The functions in an expression that are not PostgreSQL's own: those that the
 * owner has allowed.
 */
List *
allowed_foreign(Node *node)
{
	List	   *functions = NIL;

	(void) gather_foreign(node, &functions);
	return functions;
}

/* Whoever posts needs EXECUTE; what was inlined when another compiled it would not ask. */
void
allowed_check_execute(List *functions)
{
	ListCell   *cell;

	foreach(cell, functions)
	{
		Oid			function = lfirst_oid(cell);
		AclResult	result = compat_function_aclcheck(function, GetUserId(), ACL_EXECUTE);

		if (result != ACLCHECK_OK)
			aclcheck_error(result, OBJECT_FUNCTION, get_func_name(function));
	}
}

/*
 * Constants
 */

/* Are all arguments of a call constant, so that its value is? */
static bool
has_constant_arguments(Node *node)
{
	List	   *args = NIL;
	ListCell   *cell;

	switch (nodeTag(node))
	{
		case T_FuncExpr:
			args = ((FuncExpr *) node)->args;
			break;
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			args = ((OpExpr *) node)->args;
			break;
		case T_ScalarArrayOpExpr:
			args = ((ScalarArrayOpExpr *) node)->args;
			break;
		case T_CoerceViaIO:
			args = list_make1(((CoerceViaIO *) node)->arg);
			break;
		case T_ArrayCoerceExpr:
			args = list_make1(((ArrayCoerceExpr *) node)->arg);
			break;
		case T_ArrayExpr:
			args = ((ArrayExpr *) node)->elements;
			break;
		default:
			return false;
	}
	foreach(cell, args)
	{
		Node	   *arg = lfirst(cell);

		if (!IsA(IsA(arg, NamedArgExpr) ? (Node *) ((NamedArgExpr *) arg)->arg : arg, Const))
			return false;
	}
	return true;
}

/* Refuse a constant that is larger than MAX_CONSTANT_BYTES. */
static void
check_size(Const *value, ParseState *pstate, int location)
{
	if (!value->constisnull && value->constlen == -1 &&
		VARSIZE_ANY(DatumGetPointer(value->constvalue)) > MAX_CONSTANT_BYTES)
		refuse(pstate, location, psprintf("a constant in a rule is larger than %d bytes", MAX_CONSTANT_BYTES),
			   "Remove the constant from the rule.");
}

/*
 * Innermost first, so that nothing is made of a value that is too large.  The
 * planner knows what a call leaves out: its arguments may be named, or have defaults.
 */
static Node *
fold(Node *node, void *context)
{
	Node	   *folded;

	if (node == NULL)
		return NULL;
	folded = expression_tree_mutator(node, fold, context);
	if (has_constant_arguments(folded))
		folded = eval_const_expressions(NULL, folded);
	if (IsA(folded, Const))
		check_size((Const *) folded, context, exprLocation(node));
	return folded;
}

/*
 * How much longer than its arguments a value may be, as a factor.  What is put
 * in many times has to be known.
 */
static double
growth(Node *node, ParseState *pstate)
{
	FuncExpr   *call = (FuncExpr *) node;
	Const	   *inserted;

	if (IsA(node, CoerceViaIO))
		return exprType((Node *) ((CoerceViaIO *) node)->arg) == JSONBOID ? 2 : 1;	/* escapes */
	if (!IsA(node, FuncExpr))
		return 1;
	if (length_argument(call->funcid) > 0)
	{
		Const	   *length = list_nth_node(Const, call->args, length_argument(call->funcid) - 1);

		return Max(DatumGetInt32(length->constvalue), 1);
	}
	switch (call->funcid)
	{
		case F_QUOTE_IDENT:
		case F_QUOTE_LITERAL_TEXT:
		case F_QUOTE_NULLABLE_TEXT:
		case F_SIMILAR_ESCAPE:
		case F_SIMILAR_TO_ESCAPE_TEXT:
		case F_SIMILAR_TO_ESCAPE_TEXT_TEXT:
		case F_LIKE_ESCAPE_TEXT_TEXT:
		case F_JSON_OBJECT__TEXT:
		case F_JSON_OBJECT__TEXT__TEXT:
		case F_JSONB_PRETTY:
			return 2;
		case F_REPLACE:
		case F_ARRAY_REPLACE:
		case F_REGEXP_REPLACE_TEXT_TEXT_TEXT:
		case F_REGEXP_REPLACE_TEXT_TEXT_TEXT_TEXT:
		case F_REGEXP_REPLACE_TEXT_TEXT_TEXT_INT4:
		case F_REGEXP_REPLACE_TEXT_TEXT_TEXT_INT4_INT4:
		case F_REGEXP_REPLACE_TEXT_TEXT_TEXT_INT4_INT4_TEXT:
			inserted = lthird(call->args);
			if (!IsA(inserted, Const))
				refuse(pstate, call->location, psprintf("the replacement of %s in rules must be constant", get_func_name(call->funcid)),
					   "Write the replacement as a literal.");
			if (inserted->constisnull || inserted->constlen != -1)
				return 1;
			return 1.0 + VARSIZE_ANY_EXHDR(DatumGetPointer(inserted->constvalue));
		default:
			return 1;
	}
}

typedef struct Growth
{
	ParseState *pstate;
	double		most;
} Growth;

/* A value that goes through several of them grows by the product. */
static bool
check_growth(Node *node, void *context)
{
	Growth	   *outer = context;
	Growth		inner = {outer->pstate, 1};

	if (node == NULL)
		return false;
	(void) expression_tree_walker(node, check_growth, &inner);
	inner.most *= growth(node, outer->pstate);
	if (inner.most > MAX_GROWTH)
		refuse(outer->pstate, exprLocation(node), psprintf("a value in a rule could grow by a factor of %d or more", MAX_GROWTH),
			   "Use fewer or shorter replacements and repetitions.");
	outer->most = Max(outer->most, inner.most);
	return false;
}

/*
 * Evaluate the constant parts of an expression, and refuse values that are or
 * could become too large.
 */
Node *
allowed_fold(Node *node, ParseState *pstate)
{
	Growth		growth = {pstate, 1};

	node = fold(node, pstate);
	(void) check_growth(node, &growth);
	return node;
}

/*
 * Allowing and disallowing
 */

/* The function that the caller named, if the caller may allow functions. */
static Oid
function_argument(FunctionCallInfo fcinfo, const char *name)
{
	Oid			owner = owner_of(allowed_map.name);

	if (!superuser() && !has_privs_of_role(GetUserId(), owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only a superuser or the owner of the extension may call %s", name)));
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s: signature must not be NULL", name)));
	return DatumGetObjectId(DirectFunctionCall1(regprocedurein,
												CStringGetDatum(text_to_cstring(PG_GETARG_TEXT_PP(0)))));
}

/* allowed_signature(signature): the signature as the table has it, of a function that may be allowed. */
PG_FUNCTION_INFO_V1(allowed_signature);
Datum
allowed_signature(PG_FUNCTION_ARGS)
{
	Oid			function = function_argument(fcinfo, "allow_function");
	const char *fault = function_fault(function);

	if (is_own(function))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("function %s is built into PostgreSQL", signature_of(function)),
				 errhint("Rules may call immutable functions of pg_catalog without permission.")));
	if (fault)
		ereport(ERROR,
				(errcode(ERRCODE_LY_RULE),
				 errmsg("function %s cannot be called by rules", signature_of(function)),
				 errdetail("%s", fault)));
	PG_RETURN_TEXT_P(cstring_to_text(signature_of(function)));
}
