/*
 * points.c
 *	  From money to points and back, in exact numerics.
 */
#include "points.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* A whole numeric as points, within the limit of one posting. */
static int64
to_points(Numeric whole)
{
	if (money_compare(whole, money_of_int64(MAX_POINTS)) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("points out of range"),
				 errdetail("A posting can move at most " INT64_FORMAT " points.", MAX_POINTS)));
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(whole)));
}

/* a / b rounded, for a >= 0 and b > 0, without rounding twice. */
static Numeric
divide(Numeric a, Numeric b, Rounding rounding)
{
	Numeric		quotient = money_call(numeric_div_trunc, a, b);
	Numeric		rest;
	bool		up = false;

	if (rounding == ROUNDING_FLOOR)
		return quotient;
	rest = money_subtract(a, money_multiply(quotient, b));
	if (rounding == ROUNDING_CEIL)
		up = money_sign(rest) > 0;
	else
		up = money_compare(money_add(rest, rest), b) >= 0;
	return up ? money_add(quotient, money_of_int64(1)) : quotient;
}

/* exact / per as points, rounded once (S2). */
int64
points_round(Numeric exact, Numeric per, Rounding rounding)
{
	return to_points(divide(exact, per, rounding));
}

/* The points that an amount of money earns (S1-S3): divided last. */
int64
points_of_money(const Rate *rate, Numeric amount)
{
	if (rate->blocks)
		return to_points(money_multiply(divide(amount, rate->per_amount, ROUNDING_FLOOR),
										rate->points));
	return to_points(divide(money_multiply(amount, rate->points), rate->per_amount,
							rate->rounding));
}

/* The points that an order keeps after a total amount has been returned (S12). */
int64
points_keep(int64 given, Numeric net, Numeric refunded)
{
	if (money_compare(refunded, net) >= 0)
		return 0;
	return to_points(divide(money_multiply(money_of_int64(given), money_subtract(net, refunded)),
							net, ROUNDING_FLOOR));
}

/*
 * Spread a trimmed sum over what had been computed, by cumulative rounding:
 * the lines of a part share what a cap took (S25).
 */
void
points_spread(const int64 *points, int count, int64 given, int64 *spread)
{
	int128		total = 0;
	int128		running = 0;
	int64		before = 0;

	for (int i = 0; i < count; i++)
		total += points[i];
	for (int i = 0; i < count; i++)
	{
		int64		now;

		running += points[i];
		now = total == 0 ? 0 : (int64) (running * given / total);
		spread[i] = now - before;
		before = now;
	}
}

/*
 * The SQL functions: the arithmetic of parts and lines by itself
 */

/* An array without NULLs as C values. */
static int
array_elements(ArrayType *array, Oid type, int length, bool by_value, char align,
			   Datum **elements)
{
	bool	   *nulls;
	int			count;

	deconstruct_array(array, type, length, by_value, align, elements, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("array must not contain NULLs")));
	return count;
}

/* An array of points, each from 0 to MAX_POINTS, in an argument; returns its length. */
static int
points_argument(FunctionCallInfo fcinfo, int argument, int64 **points)
{
	Datum	   *elements;
	int			count = array_elements(PG_GETARG_ARRAYTYPE_P(argument), INT8OID, sizeof(int64),
									   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements);

	*points = palloc(Max(count, 1) * sizeof(int64));
	for (int i = 0; i < count; i++)
	{
		(*points)[i] = DatumGetInt64(elements[i]);
		if ((*points)[i] < 0 || (*points)[i] > MAX_POINTS)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("points out of range: " INT64_FORMAT, (*points)[i])));
	}
	return count;
}

/* An array of amounts of money in an argument; returns its length. */
static int
money_argument(FunctionCallInfo fcinfo, int argument, Datum **amounts)
{
	int			count = array_elements(PG_GETARG_ARRAYTYPE_P(argument), NUMERICOID, -1, false,
									   TYPALIGN_INT, amounts);

	for (int i = 0; i < count; i++)
		money_check(DatumGetNumeric((*amounts)[i]), "amount");
	return count;
}

static Datum
points_result(const int64 *points, int count)
{
	Datum	   *elements = palloc(Max(count, 1) * sizeof(Datum));

	for (int i = 0; i < count; i++)
		elements[i] = Int64GetDatum(points[i]);
	return PointerGetDatum(construct_array(elements, count, INT8OID, sizeof(int64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
check_same_length(int a, int b)
{
	if (a != b)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("arrays differ in length: %d and %d", a, b)));
}

static int64
sum_of(const int64 *points, int count)
{
	int64		sum = 0;

	for (int i = 0; i < count; i++)
		sum += points[i];
	return sum;
}

static Rounding
rounding_argument(FunctionCallInfo fcinfo, int argument)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(argument));

	if (strcmp(name, "floor") == 0)
		return ROUNDING_FLOOR;
	if (strcmp(name, "half_up") == 0)
		return ROUNDING_HALF_UP;
	if (strcmp(name, "ceil") == 0)
		return ROUNDING_CEIL;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown rounding \"%s\"", name),
			 errhint("Use floor, half_up or ceil.")));
	return ROUNDING_FLOOR;		/* not reached */
}

/* award_parts(amounts, rounding): cumulative rounding (S2). */
PG_FUNCTION_INFO_V1(award_parts_sql);
Datum
award_parts_sql(PG_FUNCTION_ARGS)
{
	Datum	   *amounts;
	int			count = money_argument(fcinfo, 0, &amounts);
	Rounding	rounding = rounding_argument(fcinfo, 1);
	int64	   *points = palloc(Max(count, 1) * sizeof(int64));
	Numeric		running = money_of_int64(0);
	int64		before = 0;

	for (int i = 0; i < count; i++)
	{
		int64		now;

		running = money_add(running, DatumGetNumeric(amounts[i]));
		now = to_points(divide(running, money_of_int64(1), rounding));
		points[i] = now - before;
		before = now;
	}
	return points_result(points, count);
}

/* points_keep(parts, kept, net, refunded): what each part keeps (S12). */
PG_FUNCTION_INFO_V1(award_keep_sql);
Datum
award_keep_sql(PG_FUNCTION_ARGS)
{
	int64	   *parts;
	int64	   *kept;
	int			count = points_argument(fcinfo, 0, &parts);
	Numeric		net = PG_GETARG_NUMERIC(2);
	Numeric		refunded = PG_GETARG_NUMERIC(3);
	int64	   *keep = palloc(Max(count, 1) * sizeof(int64));
	int64		whole;

	check_same_length(count, points_argument(fcinfo, 1, &kept));
	money_check(net, "net");
	money_check(refunded, "refunded");
	whole = Min(points_keep(sum_of(parts, count), net, refunded), sum_of(kept, count));
	points_spread(kept, count, whole, keep);
	return points_result(keep, count);
}

/* award_lines_keep(points, net, refunded): each line against its own (S12). */
PG_FUNCTION_INFO_V1(award_lines_keep_sql);
Datum
award_lines_keep_sql(PG_FUNCTION_ARGS)
{
	int64	   *points;
	Datum	   *net;
	Datum	   *refunded;
	int			count = points_argument(fcinfo, 0, &points);
	int64	   *keep = palloc(Max(count, 1) * sizeof(int64));

	check_same_length(count, money_argument(fcinfo, 1, &net));
	check_same_length(count, money_argument(fcinfo, 2, &refunded));
	for (int i = 0; i < count; i++)
		keep[i] = money_is_zero(DatumGetNumeric(net[i])) ? points[i] :
			points_keep(points[i], DatumGetNumeric(net[i]), DatumGetNumeric(refunded[i]));
	return points_result(keep, count);
}

/* award_trim(parts, given): a cap takes from the last part first (S25). */
PG_FUNCTION_INFO_V1(award_trim_sql);
Datum
award_trim_sql(PG_FUNCTION_ARGS)
{
	int64	   *parts;
	int			count = points_argument(fcinfo, 0, &parts);
	int64		left = PG_GETARG_INT64(1);

	if (left < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("points must not be negative: " INT64_FORMAT, left)));
	for (int i = 0; i < count; i++)
	{
		parts[i] = Min(parts[i], left);
		left -= parts[i];
	}
	return points_result(parts, count);
}

/* points_spread(points, given): lines share a trim by cumulative rounding (S25). */
PG_FUNCTION_INFO_V1(award_spread_sql);
Datum
award_spread_sql(PG_FUNCTION_ARGS)
{
	int64	   *points;
	int			count = points_argument(fcinfo, 0, &points);
	int64		given = PG_GETARG_INT64(1);
	int64	   *spread = palloc(Max(count, 1) * sizeof(int64));

	if (given < 0 || given > MAX_POINTS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("points out of range: " INT64_FORMAT, given)));
	points_spread(points, count, given, spread);
	return points_result(spread, count);
}
