/*
 * line.h
 *	  The lines of a purchase and of its returns.
 */
#ifndef LINE_H
#define LINE_H

#include "loyalty.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "points.h"

typedef struct Line
{
	char	   *sku;			/* NULL where it has none, as the next two */
	char	   *category;
	char	   *brand;
	JsonbValue *object;			/* as it came */
	Numeric		quantity;		/* 1 where it has none */
	Numeric		amount;
	int64		points;			/* given for it */
	Numeric		refunded;		/* money of it returned so far */
	Numeric		refunded_quantity;
	Numeric		returned;		/* money that this return gives back */
	Numeric		returned_quantity;	/* NULL: by money */
	bool		back;			/* this return names it */
} Line;

typedef struct Lines
{
	int			count;
	Line	   *lines;
} Lines;

extern void lines_read(Jsonb *json, Lines *lines);
extern void lines_check(const Lines *lines, Numeric amount);
extern void lines_rate(const Lines *lines, const Rate *rate, int64 *points);
extern Jsonb *lines_with_points(Jsonb *json, const Lines *lines);

extern void lines_read_return(Jsonb *json, Lines *lines, bool earlier);
extern Jsonb *lines_of_return(const Lines *lines);

#endif							/* LINE_H */
