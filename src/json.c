/*
 * json.c
 *	  Building and reading small jsonb documents.
 */
#include "json.h"

#include "utils/builtins.h"

#include "calendar.h"

void
json_begin(Json *json, JsonbIteratorToken token)
{
	(void) pushJsonbValue(&json->state, token, NULL);
}

void
json_end(Json *json, JsonbIteratorToken token)
{
	json->result = pushJsonbValue(&json->state, token, NULL);
}

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

/* A member that is a string; none where text is NULL. */
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

void
json_boolean(Json *json, const char *key, bool boolean)
{
	JsonbValue	value;

	json_key(json, key);
	value.type = jbvBool;
	value.val.boolean = boolean;
	(void) pushJsonbValue(&json->state, WJB_VALUE, &value);
}

/* A day as ISO 8601, or infinity. */
void
json_date(Json *json, const char *key, DateADT day)
{
	char		text[CALENDAR_ISO_LENGTH + 1];

	if (DATE_IS_NOEND(day))
		json_text(json, key, "infinity");
	else if (DATE_IS_NOBEGIN(day))
		json_text(json, key, "-infinity");
	else
	{
		calendar_print(day, text);
		json_text(json, key, pstrdup(text));
	}
}

int
json_count(Datum array)
{
	return JB_ROOT_COUNT(DatumGetJsonbP(array));
}

/* The n-th object of an array, from 0. */
JsonbContainer *
json_element(Datum array, int n)
{
	JsonbValue *element = getIthJsonbValueFromContainer(&DatumGetJsonbP(array)->root, n);

	if (element == NULL || element->type != jbvBinary)
		elog(ERROR, "unexpected jsonb in the ledger");
	return element->val.binary.data;
}

static JsonbValue *
get(JsonbContainer *object, const char *key, JsonbValue *buffer)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, key, strlen(key), buffer);

	return value == NULL || value->type == jbvNull ? NULL : value;
}

bool
json_has(JsonbContainer *object, const char *key)
{
	JsonbValue	buffer;

	return get(object, key, &buffer) != NULL;
}

/* A member that is a string; NULL if it is not. */
char *
json_get_text(JsonbContainer *object, const char *key)
{
	JsonbValue	buffer;
	JsonbValue *value = get(object, key, &buffer);

	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

int64
json_get_integer(JsonbContainer *object, const char *key, int64 none)
{
	JsonbValue	buffer;
	JsonbValue *value = get(object, key, &buffer);

	if (value == NULL || value->type != jbvNumeric)
		return none;
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(value->val.numeric)));
}

DateADT
json_get_date(JsonbContainer *object, const char *key, DateADT none)
{
	char	   *text = json_get_text(object, key);
	DateADT		day;

	if (text == NULL)
		return none;
	if (strcmp(text, "infinity") == 0)
		return DATEVAL_NOEND;
	if (strcmp(text, "-infinity") == 0)
		return DATEVAL_NOBEGIN;
	if (!calendar_parse(text, &day))
		elog(ERROR, "unexpected date in the ledger: \"%s\"", text);
	return day;
}
