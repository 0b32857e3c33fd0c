/*
 * expression.h
 *	  SQL expressions of rules, over the columns of an event, its line, the
 *	  member and the account.
 *
 * An expression is checked when its rule is written, and compiled once per
 * backend when it is first used.  It may be made of immutable functions and
 * operators of pg_catalog (allowed.h), so it does not matter with whose rights
 * it runs; functions that the extension's owner has allowed run with those of
 * whoever posts.
 */
#ifndef EXPRESSION_H
#define EXPRESSION_H

#include "loyalty.h"

#include "executor/tuptable.h"
#include "nodes/execnodes.h"

/* The columns, in the order of the slot. */
typedef enum Column
{
	C_ACTIVITY, C_AMOUNT, C_CURRENCY, C_CHANNEL, C_STORE, C_BRAND, C_AT, C_LOCAL_DATE, C_YEAR,
	C_MONTH, C_DAY, C_WEEKDAY, C_HOUR, C_ATTRIBUTES, C_STREAK, C_LINES,
	C_LINE_SKU, C_LINE_CATEGORY, C_LINE_BRAND, C_LINE_QUANTITY, C_LINE_AMOUNT, C_LINE_ATTRIBUTES,
	C_MEMBER_KEY, C_MEMBER_TAGS, C_MEMBER_ATTRIBUTES, C_MEMBER_JOINED_ON, C_MEMBER_BIRTHDAY,
	C_MEMBER_IS_BIRTHDAY, C_MEMBER_DAYS_SINCE_ORDER, C_MEMBER_ORDERS, C_MEMBER_REFERRED,
	C_ACCOUNT_TIER, C_ACCOUNT_TIER_RANK, C_ACCOUNT_BALANCE, C_ACCOUNT_USABLE, C_ACCOUNT_EARNED,
	C_ACCOUNT_SPEND, C_ACCOUNT_ORDERS, C_ACCOUNT_TIER_POINTS, C_ACCOUNT_TIER_SPEND,
	C_ACCOUNT_TIER_ORDERS, C_ACCOUNT_TIER_ACTIVITIES,
	COLUMNS
} Column;

/* A set of columns: bit 1 << column. */
typedef uint64 ColumnSet;

#define column_bit(column) (UINT64CONST(1) << (column))
#define COLUMNS_OF_EVENT (column_bit(C_LINE_SKU) - 1)
#define COLUMNS_OF_LINE (column_bit(C_MEMBER_KEY) - column_bit(C_LINE_SKU))
#define COLUMNS_OF_MEMBER (column_bit(C_ACCOUNT_TIER) - column_bit(C_MEMBER_KEY))
#define COLUMNS_OF_METRICS (column_bit(COLUMNS) - column_bit(C_ACCOUNT_TIER_POINTS))

/* What an expression belongs to. */
typedef struct ExpressionOwner
{
	const char *rule;			/* code, for messages */
	const char *zone;			/* in whose time zone literals are read */
	bool		by_line;		/* line columns are there */
} ExpressionOwner;

typedef struct Expression Expression;

/* Make one in the current memory context; owner must live as long. */
extern Expression *expression_new(const char *text, const char *what, Oid type,
								  const ExpressionOwner *owner);
extern ColumnSet expression_columns(Expression *expression);
extern Datum expression_value(Expression *expression, ExprContext *econtext, bool *isnull);
extern void expression_check(const char *text, const char *what, Oid type,
							 const ExpressionOwner *owner);
extern TupleDesc expression_tupdesc(void);
extern Column expression_member_column(const char *name);


#endif							/* EXPRESSION_H */
