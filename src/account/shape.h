/*
 * shape.h
 *	  Shapes of stored JSON: the members that the objects of an array have.
 */
#ifndef SHAPE_H
#define SHAPE_H

#include "loyalty.h"

/* The types of members, and what a member may be; a shape ends with one that has no key. */
typedef enum JsonType
{
	JSON_INTEGER, JSON_COUNT, JSON_TEXT, JSON_DATE, JSON_FIRST_DAY, JSON_LAST_DAY, JSON_POLICY,
	JSON_ON_RETURN, JSON_MONEY, JSON_PIECES, JSON_BOOLEAN, JSON_COUNTS
} JsonType;

typedef struct JsonMember
{
	const char *key;
	JsonType	type;
	bool		needed;
	const char *expected;		/* in words */
} JsonMember;

extern const char *shape_fault(Datum array, const JsonMember *members, int at_least, int at_most);

#endif							/* SHAPE_H */
