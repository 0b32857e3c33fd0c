/*
 * money.c
 *	  Arithmetic of money, in exact numerics.
 */
#include "money.h"

#include "utils/builtins.h"

/* Apply an operation to two numerics. */
Numeric
money_call(PGFunction function, Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(function, NumericGetDatum(a), NumericGetDatum(b)));
}

Numeric
money_add(Numeric a, Numeric b)
{
	return money_call(numeric_add, a, b);
}

Numeric
money_subtract(Numeric a, Numeric b)
{
	return money_call(numeric_sub, a, b);
}

Numeric
money_multiply(Numeric a, Numeric b)
{
	return money_call(numeric_mul, a, b);
}

int
money_compare(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), NumericGetDatum(b)));
}

Numeric
money_of_int64(int64 value)
{
	return int64_to_numeric(value);
}

/* The sign: -1, 0 or 1. */
int
money_sign(Numeric a)
{
	Numeric		sign = DatumGetNumeric(DirectFunctionCall1(numeric_sign, NumericGetDatum(a)));

	return DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(sign)));
}

bool
money_is_zero(Numeric a)
{
	return money_sign(a) == 0;
}

/* Is a value a valid amount of money for a posting? */
bool
money_is_sound(Numeric amount)
{
	return !numeric_is_nan(amount) && !numeric_is_inf(amount) && money_sign(amount) >= 0 &&
		money_compare(amount, money_of_int64(INT64CONST(1000000000000000))) < 0 &&
		DatumGetInt32(DirectFunctionCall1(numeric_min_scale, NumericGetDatum(amount))) <= MAX_MONEY_SCALE;
}

/* Refuse money that is negative, no number, or beyond the limits. */
void
money_check(Numeric amount, const char *what)
{
	Numeric		limit;

	if (numeric_is_nan(amount) || numeric_is_inf(amount) || money_sign(amount) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a finite number that is not negative: %s", what,
						DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(amount))))));
	limit = money_of_int64(INT64CONST(1000000000000000));
	if (money_compare(amount, limit) >= 0 ||
		DatumGetInt32(DirectFunctionCall1(numeric_min_scale, NumericGetDatum(amount))) > MAX_MONEY_SCALE)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s out of range", what),
				 errdetail("At most %d digits before and %d digits after the decimal point are allowed.",
						   MAX_MONEY_DIGITS, MAX_MONEY_SCALE)));
}
