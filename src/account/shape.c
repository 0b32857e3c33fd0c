/*
 * shape.c
 *	  Is a stored array of objects what its column says?
 */
#include "shape.h"

#include "utils/builtins.h"

#include "expiry.h"
#include "json.h"
#include "money.h"

/* Is a text one of some labels, which are given in one string as "|one|other|"? */
static bool
is_label(const JsonbValue *value, const char *labels)
{
	char	   *text = json_value_text(value);
	const char *found = text[0] == '\0' || strchr(text, '|') ? NULL : strstr(labels, psprintf("|%s|", text));

	return found != NULL;
}

/* Is a JSON value of a type? */
static bool
is_of(const JsonbValue *value, JsonType type)
{
	int64		integer;
	DateADT		day;

	switch (type)
	{
		case JSON_INTEGER:
			return json_value_integer(value, MAX_BALANCE, &integer);
		case JSON_COUNT:
			return json_value_integer(value, MAX_BALANCE, &integer) && integer >= 0;
		case JSON_TEXT:
			return value->type == jbvString;
		case JSON_DATE:
			return json_value_date(value, &day);
		case JSON_FIRST_DAY:
			return json_value_date(value, &day) || (value->type == jbvString && is_label(value, "|unconfirmed|"));
		case JSON_LAST_DAY:
			return json_value_date(value, &day) || (value->type == jbvString && is_label(value, "|inactive|"));
		case JSON_POLICY:
			return value->type == jbvString && expiry_is_text(json_value_text(value));
		case JSON_ON_RETURN:
			return value->type == jbvString && is_label(value, "|never|full_return_only|");
		case JSON_MONEY:
			return value->type == jbvNumeric && money_is_sound(value->val.numeric);
		case JSON_PIECES:
			return value->type == jbvNumeric && money_is_sound(value->val.numeric) &&
				   !money_is_zero(value->val.numeric);
		case JSON_BOOLEAN:
			return value->type == jbvBool;
		case JSON_COUNTS:
			return json_value_counts(value);
	}
	return false;
}

/* What is wrong with an object; NULL if nothing is wrong. */
static const char *
object_fault(JsonbContainer *object, const JsonMember *members, int n)
{
	for (; members->key; members++)
	{
		JsonbValue	buffer;
		JsonbValue *value = json_value(object, members->key, &buffer);

		if (value == NULL ? members->needed : !is_of(value, members->type))
			return psprintf("\"%s\" of element %d as %s", members->key, n + 1, members->expected);
	}
	return NULL;
}

/* What is wrong with an array of objects of a shape; NULL: nothing.  Other members may be there. */
const char *
shape_fault(Datum array, const JsonMember *members, int at_least, int at_most)
{
	Jsonb	   *json = DatumGetJsonbP(array);
	const char *fault = NULL;

	if (!JB_ROOT_IS_ARRAY(json) || JB_ROOT_IS_SCALAR(json))
		return "an array of objects";
	if (JB_ROOT_COUNT(json) < at_least || JB_ROOT_COUNT(json) > at_most)
		return psprintf("%d to %d elements", at_least, at_most);
	for (int i = 0; i < JB_ROOT_COUNT(json) && fault == NULL; i++)
	{
		JsonbContainer *object = json_find_object(json, i);

		fault = object == NULL ? "an array of objects" : object_fault(object, members, i);
	}
	return fault;
}
