/*
 * json.c
 *	  Building and reading small jsonb documents.
 */
#include "json.h"

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "calendar.h"

/* Begin an array or an object: token is WJB_BEGIN_ARRAY or WJB_BEGIN_OBJECT. */
void
json_begin(Json *json, JsonbIteratorToken token)
{
	(void) pushJsonbValue(&json->state, token, NULL);
}

/* End an array or an object; the last one to end is the document. */
void
json_end(Json *json, JsonbIteratorToken token)
{
	json->result = pushJsonbValue(&json->state, token, NULL);
}

/* The document as a jsonb value, in the current memory context. */
Datum
json_finish(Json *json)
{
	return JsonbPGetDatum(JsonbValueToJsonb(json->result));
}

static void
push_string(Json *json, JsonbIteratorToken token, const char *string)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.val = unconstify(char *, string);
	value.val.string.len = strlen(string);
	(void) pushJsonbValue(&json->state, token, &value);
}

static void
json_key(Json *json, const char *key)
{
	push_string(json, WJB_KEY, key);
}

/* Add a member that is a string; add nothing if text is NULL. */
void
json_text(Json *json, const char *key, const char *text)
{
	if (text == NULL)
		return;
	json_key(json, key);
	push_string(json, WJB_VALUE, text);
}

void
json_number(Json *json, const char *key, Numeric number)
{
	JsonbValue	value;

	json_key(json, key);
	value.type = jbvNumeric;
	value.val.numeric = number;
	(void) pushJsonbValue(&json->state, WJB_VALUE, &value);
}

void
json_integer(Json *json, const char *key, int64 number)
{
	json_number(json, key, int64_to_numeric(number));
}

/* Add a member that is an array of integers. */
void
json_integers(Json *json, const char *key, const int64 *numbers, int count)
{
	json_key(json, key);
	json_begin(json, WJB_BEGIN_ARRAY);
	for (int i = 0; i < count; i++)
	{
		JsonbValue	value;

		value.type = jbvNumeric;
		value.val.numeric = int64_to_numeric(numbers[i]);
		(void) pushJsonbValue(&json->state, WJB_ELEM, &value);
	}
	json_end(json, WJB_END_ARRAY);
}

void
json_boolean(Json *json, const char *key, bool boolean)
{
	JsonbValue	value;

	json_key(json, key);
	value.type = jbvBool;
	value.val.boolean = boolean;
	(void) pushJsonbValue(&json->state, WJB_VALUE, &value);
}

/* Add a day as ISO 8601; "never" is a day that does not come, "ever" one that has always been. */
void
json_date(Json *json, const char *key, DateADT day)
{
	char		text[CALENDAR_ISO_LENGTH + 1];

	if (DATE_IS_NOEND(day))
		json_text(json, key, "never");
	else if (DATE_IS_NOBEGIN(day))
		json_text(json, key, "ever");
	else
	{
		calendar_print(day, text);
		json_text(json, key, pstrdup(text));
	}
}

/*
 * Reading.  What the ledger wrote is as it should be, or it is damaged.
 */

/* Raise LY_DAMAGED for jsonb that is not what the ledger writes. */
static void
json_damaged(const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_DAMAGED),
			 errmsg("jsonb in the ledger is corrupted"),
			 errdetail("Expected: %s.", expected),
			 errhint("Run loyalty.verify().")));
}

/* The number of elements of an array; an error (LY_DAMAGED) if the value is not an array. */
int
json_count(Datum array)
{
	Jsonb	   *json = DatumGetJsonbP(array);

	if (!JB_ROOT_IS_ARRAY(json) || JB_ROOT_IS_SCALAR(json))
		json_damaged("an array");
	return JB_ROOT_COUNT(json);
}

/* The n-th element of an array, from 0; NULL if there is none, or if it is not an object. */
static JsonbContainer *
object_at(JsonbContainer *array, int n)
{
	JsonbValue *element = getIthJsonbValueFromContainer(array, n);

	if (element == NULL || element->type != jbvBinary ||
		!JsonContainerIsObject(element->val.binary.data))
		return NULL;
	return element->val.binary.data;
}

/* The n-th object of an array, from 0. */
JsonbContainer *
json_element(Datum array, int n)
{
	Jsonb	   *json = DatumGetJsonbP(array);
	JsonbContainer *object = JB_ROOT_IS_ARRAY(json) ? object_at(&json->root, n) : NULL;

	if (object == NULL)
		json_damaged(psprintf("an array whose element %d is an object", n + 1));
	return object;
}

/* A member of an object; NULL if it is missing or null, or if the value is not an object. */
JsonbValue *
json_value(JsonbContainer *object, const char *key, JsonbValue *buffer)
{
	JsonbValue *value;

	if (!JsonContainerIsObject(object))
		return NULL;
	value = getKeyJsonValueFromContainer(object, key, strlen(key), buffer);
	return value == NULL || value->type == jbvNull ? NULL : value;
}

/* Does an object have a member that is not null? */
bool
json_has(JsonbContainer *object, const char *key)
{
	JsonbValue	buffer;

	return json_value(object, key, &buffer) != NULL;
}

/* The text of a string. */
char *
json_value_text(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* A member that is a string; NULL if it is not. */
char *
json_get_text(JsonbContainer *object, const char *key)
{
	JsonbValue	buffer;
	JsonbValue *value = json_value(object, key, &buffer);

	return value == NULL || value->type != jbvString ? NULL : json_value_text(value);
}

/* Is a value an integer whose absolute value is within a limit? */
bool
json_value_integer(const JsonbValue *value, int64 limit, int64 *integer)
{
	Numeric		number;
	Datum		most = NumericGetDatum(int64_to_numeric(limit));

	if (value->type != jbvNumeric)
		return false;
	number = value->val.numeric;
	if (numeric_is_nan(number) || numeric_is_inf(number) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, DirectFunctionCall1(numeric_abs, NumericGetDatum(number)), most)) ||
		DatumGetInt32(DirectFunctionCall1(numeric_min_scale, NumericGetDatum(number))) > 0)
		return false;
	*integer = DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(number)));
	return true;
}

/*
 * A member that is an integer; `none` if it is missing or null, and an error
 * (LY_DAMAGED) if it is anything else.
 */
int64
json_get_integer(JsonbContainer *object, const char *key, int64 none)
{
	JsonbValue	buffer;
	JsonbValue *value = json_value(object, key, &buffer);
	int64		integer = none;

	if (value != NULL && !json_value_integer(value, PG_INT64_MAX, &integer))
		json_damaged(psprintf("\"%s\" as an integer", key));
	return integer;
}

/* Is a value an array of integers of 0 or more? */
bool
json_value_counts(const JsonbValue *value)
{
	JsonbContainer *array = value->type == jbvBinary ? value->val.binary.data : NULL;
	int64		count;

	if (array == NULL || !JsonContainerIsArray(array) || JsonContainerIsScalar(array))
		return false;
	for (int i = 0; i < JsonContainerSize(array); i++)
		if (!json_value_integer(getIthJsonbValueFromContainer(array, i), PG_INT64_MAX, &count) || count < 0)
			return false;
	return true;
}

/* An array of n integers of 0 or more; all 0 if there is no array. */
void
json_get_integers(JsonbContainer *object, const char *key, int64 *numbers, int count)
{
	JsonbValue	buffer;
	JsonbValue *value = json_value(object, key, &buffer);

	memset(numbers, 0, count * sizeof(int64));
	if (value == NULL)
		return;
	if (!json_value_counts(value) || JsonContainerSize(value->val.binary.data) != count)
		json_damaged(psprintf("\"%s\" as %d integers of 0 or more", key, count));
	for (int i = 0; i < count; i++)
		(void) json_value_integer(getIthJsonbValueFromContainer(value->val.binary.data, i), PG_INT64_MAX, &numbers[i]);
}

/* Is a value a date, "never" or "ever"? */
bool
json_value_date(const JsonbValue *value, DateADT *day)
{
	char	   *text;

	if (value->type != jbvString)
		return false;
	text = json_value_text(value);
	if (strcmp(text, "never") == 0)
		*day = DATEVAL_NOEND;
	else if (strcmp(text, "ever") == 0)
		*day = DATEVAL_NOBEGIN;
	else
		return strlen(text) == CALENDAR_ISO_LENGTH && calendar_parse(text, day);
	return true;
}

/*
 * A member that is a date; `none` if it is missing or null, and an error
 * (LY_DAMAGED) if it is anything else.
 */
DateADT
json_get_date(JsonbContainer *object, const char *key, DateADT none)
{
	JsonbValue	buffer;
	JsonbValue *value = json_value(object, key, &buffer);
	DateADT		day = none;

	if (value != NULL && !json_value_date(value, &day))
		json_damaged(psprintf("\"%s\" as a date", key));
	return day;
}

/*
 * For views: what can be understood of what is stored; verify tells the rest
 */

/* objects_in(array): its objects; no rows if the value is not an array. */
PG_FUNCTION_INFO_V1(json_objects_in);
Datum
json_objects_in(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Jsonb	   *json = PG_GETARG_JSONB_P(0);

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	for (int i = 0; JB_ROOT_IS_ARRAY(json) && i < JB_ROOT_COUNT(json); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(&json->root, i);
		Datum		value;
		bool		isnull = false;

		if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data))
			continue;
		value = JsonbPGetDatum(JsonbValueToJsonb(element));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
	}
	return (Datum) 0;
}

/* A member that is an integer within the ledger's range; false if it is not. */
bool
json_find_integer(JsonbContainer *object, const char *key, int64 *integer)
{
	JsonbValue	buffer;
	JsonbValue *value = json_value(object, key, &buffer);

	return value != NULL && json_value_integer(value, MAX_BALANCE, integer);
}

/* The n-th object of an array, from 0; NULL if it is not an object. */
JsonbContainer *
json_find_object(Jsonb *array, int n)
{
	return object_at(&array->root, n);
}

/* number_in(object, key): an integer; NULL if it is not an integer. */
PG_FUNCTION_INFO_V1(json_number_in);
Datum
json_number_in(PG_FUNCTION_ARGS)
{
	int64		integer;

	if (!json_find_integer(&PG_GETARG_JSONB_P(0)->root, text_to_cstring(PG_GETARG_TEXT_PP(1)), &integer))
		PG_RETURN_NULL();
	PG_RETURN_INT64(integer);
}

/*
 * The canonical form: the text that jsonb has in a database in UTF-8.  In
 * another encoding keys have other lengths, and so another order.
 */

typedef struct Pair
{
	char	   *key;			/* in UTF-8 */
	JsonbValue	value;
} Pair;

static char *
utf8_of(const JsonbValue *string)
{
	char	   *text = pnstrdup(string->val.string.val, string->val.string.len);

	return pg_server_to_any(text, string->val.string.len, PG_UTF8);
}

/* By length, then by bytes, as jsonb itself. */
static int
compare_pairs(const void *a, const void *b)
{
	const char *one = ((const Pair *) a)->key;
	const char *other = ((const Pair *) b)->key;
	size_t		length = strlen(one);
	size_t		other_length = strlen(other);

	if (length != other_length)
		return length < other_length ? -1 : 1;
	return memcmp(one, other, length);
}

/* Append a value in the canonical form; by_value: equal numbers are written alike, 1.50 as 1.5. */
static void
append_value(StringInfo buf, const JsonbValue *value, bool by_value)
{
	switch (value->type)
	{
		case jbvNull:
			appendStringInfoString(buf, "null");
			break;
		case jbvString:
			escape_json(buf, utf8_of(value));
			break;
		case jbvNumeric:
			appendStringInfoString(buf, by_value ? numeric_normalize(value->val.numeric) :
								   DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric))));
			break;
		case jbvBool:
			appendStringInfoString(buf, value->val.boolean ? "true" : "false");
			break;
		default:
			json_append_canonical(buf, value->val.binary.data, by_value);
	}
}

/* Append an object in the canonical form, with its keys in the order that they have in UTF-8. */
static void
append_object(StringInfo buf, JsonbContainer *object, bool by_value)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	int			count = JsonContainerSize(object);
	Pair	   *pairs = palloc(Max(count, 1) * sizeof(Pair));
	JsonbValue	key;

	(void) JsonbIteratorNext(&iterator, &key, true);
	for (int i = 0; i < count; i++)
	{
		(void) JsonbIteratorNext(&iterator, &key, true);
		pairs[i].key = utf8_of(&key);
		(void) JsonbIteratorNext(&iterator, &pairs[i].value, true);
	}
	if (GetDatabaseEncoding() != PG_UTF8)
		qsort(pairs, count, sizeof(Pair), compare_pairs);
	appendStringInfoChar(buf, '{');
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoString(buf, ", ");
		escape_json(buf, pairs[i].key);
		appendStringInfoString(buf, ": ");
		append_value(buf, &pairs[i].value, by_value);
	}
	appendStringInfoChar(buf, '}');
}

/*
 * Append an array in the canonical form; jsonb stores a single scalar as an
 * array, which gets no brackets.
 */
static void
append_array(StringInfo buf, JsonbContainer *array, bool by_value)
{
	bool		scalar = JsonContainerIsScalar(array);

	if (!scalar)
		appendStringInfoChar(buf, '[');
	for (int i = 0; i < JsonContainerSize(array); i++)
	{
		if (i > 0)
			appendStringInfoString(buf, ", ");
		append_value(buf, getIthJsonbValueFromContainer(array, i), by_value);
	}
	if (!scalar)
		appendStringInfoChar(buf, ']');
}

/*
 * Append a document in the canonical form; by_value: equal numbers are written
 * alike, 1.50 as 1.5.
 */
void
json_append_canonical(StringInfo buf, JsonbContainer *json, bool by_value)
{
	check_stack_depth();
	if (JsonContainerIsObject(json))
		append_object(buf, json, by_value);
	else
		append_array(buf, json, by_value);
}
