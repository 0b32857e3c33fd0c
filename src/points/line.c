/*
 * line.c
 *	  Lines as JSON: [{"sku": "A", "quantity": 2, "amount": 10.00}, ...] of a
 *	  purchase, [{"line": 1, "quantity": 1}, ...] of a return.
 *
 * A purchase stores its lines as they came, each with the points given for
 * it; a return stores what it gave back of which line.
 */
#include "line.h"

#include "utils/builtins.h"

#include "json.h"

/*
 * Reading
 */

/* Refuse an element of an array of lines; the detail is a whole sentence. */
static void
line_error(int line, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid lines: element %d cannot be used", line),
			 errdetail("%s", detail),
			 errhint("Example for a purchase: [{\"sku\": \"A\", \"quantity\": 2, \"amount\": 10.00}]. Examples for a return: [{\"line\": 1, \"quantity\": 1}], [{\"line\": 1, \"amount\": 5.00}].")));
}

/* The n-th element of an array of objects, from 1. */
static JsonbValue *
get_element(Jsonb *json, int line)
{
	JsonbValue *element = getIthJsonbValueFromContainer(&json->root, line - 1);

	if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data))
		line_error(line, "It is not an object.");
	return element;
}

static JsonbContainer *
get_line(Jsonb *json, int line)
{
	return get_element(json, line)->val.binary.data;
}

/* The number of lines; an error if they are not an array, or if there are none or too many. */
static int
count_lines(Jsonb *json)
{
	int			count;

	if (!JB_ROOT_IS_ARRAY(json) || JB_ROOT_IS_SCALAR(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid lines: not an array")));
	count = JB_ROOT_COUNT(json);
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid lines: an empty array")));
	if (count > MAX_LINES)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("too many lines: %d", count),
				 errdetail("A purchase can have at most %d lines.", MAX_LINES)));
	return count;
}

/* A member of a line that must be a number of 0 or more; NULL if absent. */
static Numeric
get_number(JsonbContainer *object, const char *key, int line)
{
	JsonbValue	buffer;
	JsonbValue *value = getKeyJsonValueFromContainer(object, key, strlen(key), &buffer);

	if (value == NULL || value->type == jbvNull)
		return NULL;
	if (value->type != jbvNumeric)
		line_error(line, psprintf("\"%s\" is not a number.", key));
	money_check(value->val.numeric, psprintf("lines: line %d: \"%s\"", line, key));
	return value->val.numeric;
}

/* A member of a line that must be a string; NULL if absent. */
static char *
get_string(JsonbContainer *object, const char *key, int line)
{
	JsonbValue	buffer;
	JsonbValue *value = getKeyJsonValueFromContainer(object, key, strlen(key), &buffer);

	if (value == NULL || value->type == jbvNull)
		return NULL;
	if (value->type != jbvString)
		line_error(line, psprintf("\"%s\" is not a string.", key));
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* Read a purchase's lines; points where they were stored. */
void
lines_read(Jsonb *json, Lines *lines)
{
	lines->count = count_lines(json);
	lines->lines = palloc0(lines->count * sizeof(Line));
	for (int i = 0; i < lines->count; i++)
	{
		Line	   *line = &lines->lines[i];
		JsonbValue *element = get_element(json, i + 1);
		JsonbContainer *object = element->val.binary.data;
		Numeric		points = get_number(object, "points", i + 1);

		line->object = element;
		line->sku = get_string(object, "sku", i + 1);
		line->category = get_string(object, "category", i + 1);
		line->brand = get_string(object, "brand", i + 1);
		line->amount = get_number(object, "amount", i + 1);
		if (line->amount == NULL)
			line_error(i + 1, "It has no \"amount\".");
		line->quantity = get_number(object, "quantity", i + 1);
		if (line->quantity == NULL)
			line->quantity = money_of_int64(1);
		else if (money_is_zero(line->quantity))
			line_error(i + 1, "\"quantity\" is 0.");
		line->points = points == NULL ? 0 :
			DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(points)));
		line->refunded = line->refunded_quantity = line->returned = money_of_int64(0);
	}
}

/* The lines must add up to the purchase's amount (S12). */
void
lines_check(const Lines *lines, Numeric amount)
{
	Numeric		sum = money_of_int64(0);

	for (int i = 0; i < lines->count; i++)
		sum = money_add(sum, lines->lines[i].amount);
	if (money_compare(sum, amount) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid lines: they add up to %s, but the purchase's amount is %s",
						DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(sum))),
						DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(amount))))));
}

/* Points of lines: differences of the running sum, rounded once (S2). */
void
lines_rate(const Lines *lines, const Rate *rate, int64 *points)
{
	Numeric		running = money_of_int64(0);
	int64		before = 0;

	for (int i = 0; i < lines->count; i++)
	{
		int64		now;

		running = money_add(running, lines->lines[i].amount);
		now = points_of_money(rate, running);
		points[i] = now - before;
		before = now;
	}
}

/*
 * Writing
 */

/* Copy an object's members but one into the object being made. */
static void
push_members(JsonbParseState **state, JsonbContainer *object, const char *but)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue	value;
	JsonbIteratorToken token = JsonbIteratorNext(&iterator, &value, true);
	bool		skip = false;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_END_OBJECT)
	{
		if (token == WJB_KEY)
			skip = value.val.string.len == (int) strlen(but) &&
				strncmp(value.val.string.val, but, value.val.string.len) == 0;
		if (!skip)
			(void) pushJsonbValue(state, token, &value);
	}
}

/* The lines as the caller passed them, each with its points. */
Jsonb *
lines_with_points(Jsonb *lines_json, const Lines *lines)
{
	Json		json = {0};

	json_begin(&json, WJB_BEGIN_ARRAY);
	for (int i = 0; i < lines->count; i++)
	{
		json_begin(&json, WJB_BEGIN_OBJECT);
		push_members(&json.state, get_line(lines_json, i + 1), "points");
		json_integer(&json, "points", lines->lines[i].points);
		json_end(&json, WJB_END_OBJECT);
	}
	json_end(&json, WJB_END_ARRAY);
	return DatumGetJsonbP(json_finish(&json));
}

/* How much a return gave back of each line; an empty array if it gave back no line. */
Jsonb *
lines_of_return(const Lines *lines)
{
	Json		json = {0};

	json_begin(&json, WJB_BEGIN_ARRAY);
	for (int i = 0; i < lines->count; i++)
	{
		const Line *line = &lines->lines[i];

		if (money_is_zero(line->returned) && !line->back)
			continue;
		json_begin(&json, WJB_BEGIN_OBJECT);
		json_integer(&json, "line", i + 1);
		json_number(&json, "amount", line->returned);
		if (line->returned_quantity)
			json_number(&json, "quantity", line->returned_quantity);
		json_end(&json, WJB_END_OBJECT);
	}
	json_end(&json, WJB_END_ARRAY);
	return DatumGetJsonbP(json_finish(&json));
}

/*
 * Returns
 */

/* The line of the purchase to which an element of a return refers. */
static Line *
find_line(Lines *lines, JsonbContainer *object, int element)
{
	Numeric		number = get_number(object, "line", element);
	char	   *sku = get_string(object, "sku", element);
	Line	   *found = NULL;

	if (number != NULL)
	{
		if (DatumGetInt32(DirectFunctionCall1(numeric_min_scale, NumericGetDatum(number))) > 0 ||
			money_compare(number, money_of_int64(1)) < 0 ||
			money_compare(number, money_of_int64(lines->count)) > 0)
			line_error(element, psprintf("The lines of the purchase are numbered from 1 to %d.", lines->count));
		return &lines->lines[DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(number))) - 1];
	}
	if (sku == NULL)
		line_error(element, "It has neither \"line\" nor \"sku\".");
	for (int i = 0; i < lines->count; i++)
	{
		if (lines->lines[i].sku == NULL || strcmp(lines->lines[i].sku, sku) != 0)
			continue;
		if (found != NULL)
			line_error(element, psprintf("The purchase has more than one line with sku \"%s\".", sku));
		found = &lines->lines[i];
	}
	if (found == NULL)
		line_error(element, psprintf("The purchase has no line with sku \"%s\".", sku));
	return found;
}

/* The money of a number of pieces of a line. */
static Numeric
money_of_pieces(const Line *line, Numeric quantity)
{
	Datum		product = DirectFunctionCall2(numeric_mul, NumericGetDatum(line->amount),
											  NumericGetDatum(quantity));
	Datum		quotient;

	if (money_compare(quantity, line->quantity) == 0)
		return line->amount;
	quotient = DirectFunctionCall2(numeric_div, product, NumericGetDatum(line->quantity));
	return DatumGetNumeric(DirectFunctionCall2(numeric_round, quotient,
											   Int32GetDatum(MAX_MONEY_SCALE)));
}

/*
 * Refuse to return more than remains.  The detail is a whole sentence with a
 * place for what is left.
 */
static void
more_than_left(int element, const char *detail, Numeric left)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_ENDED),
			 errmsg("cannot return more than remains of line %d", element),
			 errdetail(detail,
					   DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(left)))),
			 errhint("To return all the rest of the line, omit its quantity and amount.")));
}

/* Return some pieces of a line. */
static void
return_pieces(Line *line, Numeric quantity, int number)
{
	Numeric		after = money_add(line->refunded_quantity, quantity);

	if (money_compare(after, line->quantity) > 0)
		more_than_left(number, "The quantity that can still be returned is %s.", money_subtract(line->quantity, line->refunded_quantity));
	line->returned = money_subtract(money_of_pieces(line, after),
									money_of_pieces(line, line->refunded_quantity));
	line->returned_quantity = quantity;
	line->back = true;
}

/* Return an amount of money of a line; without an amount, everything that remains, pieces included. */
static void
return_money(Line *line, Numeric amount, int number)
{
	Numeric		left = money_subtract(line->amount, line->refunded);
	Numeric		pieces = money_subtract(line->quantity, line->refunded_quantity);

	if (money_is_zero(line->amount) ? money_is_zero(pieces) : money_is_zero(left))
		more_than_left(number, "The amount that can still be returned is %s.", left);
	line->returned = amount != NULL ? amount : left;
	if (money_compare(line->returned, left) == 0 && !money_is_zero(pieces))
		line->returned_quantity = pieces;
}

/*
 * Read the lines of a return onto the purchase's; of an earlier return they
 * count as refunded, of this one as returned.
 */
void
lines_read_return(Jsonb *json, Lines *lines, bool earlier)
{
	int			count = count_lines(json);

	for (int i = 0; i < count; i++)
	{
		JsonbContainer *object = get_line(json, i + 1);
		Line	   *line = find_line(lines, object, i + 1);
		int			number = line - lines->lines + 1;
		Numeric		amount = get_number(object, "amount", i + 1);
		Numeric		quantity = get_number(object, "quantity", i + 1);

		if (earlier)
		{
			line->refunded = money_add(line->refunded, amount);
			if (quantity)
				line->refunded_quantity = money_add(line->refunded_quantity, quantity);
			continue;
		}
		if (line->back)
			line_error(i + 1, psprintf("Line %d is given twice.", number));
		if (amount != NULL && quantity != NULL)
			line_error(i + 1, "It has both \"quantity\" and \"amount\".");
		if ((quantity != NULL && money_is_zero(quantity)) ||
			(amount != NULL && money_is_zero(amount) && !money_is_zero(line->amount)))
			line_error(i + 1, "It returns nothing.");
		if (quantity != NULL)
			return_pieces(line, quantity, number);
		else
			return_money(line, amount, number);
		line->back = true;
		if (money_compare(money_add(line->refunded, line->returned), line->amount) > 0)
			more_than_left(number, "The amount that can still be returned is %s.", money_subtract(line->amount, line->refunded));
	}
}
