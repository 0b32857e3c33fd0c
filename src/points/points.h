/*
 * points.h
 *	  How much: from money to points, and from returned money to the points
 *	  that stay (S1-S3, S12, S25).  Exact numerics, one rounding per order.
 *
 * Pure: no catalog, no table, no clock.
 */
#ifndef POINTS_H
#define POINTS_H

#include "loyalty.h"
#include "utils/numeric.h"

#include "money.h"

#define NO_LIMIT INT64CONST(-1) /* of a limit of points */

typedef enum Rounding
{
	ROUNDING_FLOOR = 0,
	ROUNDING_HALF_UP = 1,
	ROUNDING_CEIL = 2
} Rounding;

/* What an amount of money earns. */
typedef struct Rate
{
	Numeric		points;			/* points ... */
	Numeric		per_amount;		/* ... per so much money; > 0 */
	bool		blocks;			/* only for every full per_amount (S3) */
	Rounding	rounding;
} Rate;

extern int64 points_round(Numeric exact, Numeric per, Rounding rounding);
extern int64 points_of_money(const Rate *rate, Numeric amount);
extern int64 points_keep(int64 given, Numeric net, Numeric refunded);
extern void points_spread(const int64 *points, int count, int64 given, int64 *spread);

#endif							/* POINTS_H */
