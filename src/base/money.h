/*
 * money.h
 *	  Amounts of money: numerics of 0 or more, within the limits of loyalty.h.
 *
 * Pure: no catalog, no table, no clock.
 */
#ifndef MONEY_H
#define MONEY_H

#include "loyalty.h"
#include "fmgr.h"
#include "utils/numeric.h"

extern Numeric money_call(PGFunction function, Numeric a, Numeric b);
extern Numeric money_add(Numeric a, Numeric b);
extern Numeric money_multiply(Numeric a, Numeric b);
extern Numeric money_subtract(Numeric a, Numeric b);
extern int	money_compare(Numeric a, Numeric b);
extern Numeric money_of_int64(int64 value);
extern bool money_is_zero(Numeric a);
extern bool money_is_sound(Numeric amount);
extern void money_check(Numeric amount, const char *what);
extern int	money_sign(Numeric a);

#endif							/* MONEY_H */
