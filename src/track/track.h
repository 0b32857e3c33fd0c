/*
 * track.h
 *	  Tracking: a shop's own table whose changes are postings.
 *
 * The triggers on the shop's table are all there is of a tracking.  One of
 * them, TRACK_TRIGGER, says what the columns mean: its UPDATE OF list holds
 * them, its arguments give each a role, its WHEN says which rows count.  So
 * PostgreSQL itself has it follow renames, dumps, restores and DROP TABLE.
 */
#ifndef TRACK_H
#define TRACK_H

#include "loyalty.h"
#include "access/attnum.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "utils/reltrigger.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/relcache.h"

#include "program.h"

/* AFTER ROW triggers fire by name: ours after the shop's own. */
#define TRACK_TRIGGER "zz_loyalty_track"	/* INSERT OR UPDATE OF the columns */
#define TRACK_CHANGE_TRIGGER "zz_loyalty_change"	/* INSERT OR UPDATE OR DELETE */
#define TRACK_USABLE_TRIGGER "zz_loyalty_usable"	/* INSERT OR UPDATE WHEN confirmed */
#define TRACK_LINES_TRIGGER "zz_loyalty_lines"	/* of the table of lines, as the first ... */
#define TRACK_LINES_CHANGE_TRIGGER "zz_loyalty_lines_change"	/* ... and the second */
#define TRACK_TRUNCATE_TRIGGER "zz_loyalty_truncate"

/* What a column, or a constant in its place, is to a tracking. */
typedef enum Role
{
	ROLE_MEMBER, ROLE_REF, ROLE_PROGRAM, ROLE_AMOUNT, ROLE_AT, ROLE_ACTIVITY,
	ROLE_CHANNEL, ROLE_STORE, ROLE_BRAND, ROLE_STATUS, ROLE_KEY,
	/* of lines */
	ROLE_ORDER, ROLE_LINE, ROLE_SKU, ROLE_QUANTITY, ROLE_LINE_AMOUNT, ROLE_CATEGORY,
	/* constants only */
	ROLE_PREFIX, ROLE_UNKNOWN, ROLE_DECIMALS,
	/* columns, any number of them */
	ROLE_ATTRIBUTE, ROLE_WATCHED,
	ROLES
} Role;

extern const char *const role_names[ROLES];

/* An attribute of the posting: a column, under the name it had. */
typedef struct TrackedAttribute
{
	char	   *name;
	AttrNumber	column;
} TrackedAttribute;

/* What a TRACK_TRIGGER, or a TRACK_LINES_TRIGGER, says. */
typedef struct Tracking
{
	AttrNumber	columns[ROLES]; /* 0: none */
	char	   *constants[ROLES];	/* NULL: none */
	List	   *attributes;		/* of TrackedAttribute * */
	List	   *watched;		/* integers: columns that WHEN reads */
	char	   *when;			/* the trigger's WHEN; NULL: every row counts */
	Oid			other;			/* the table of lines, or of orders; or invalid */
	bool		deferred;
} Tracking;

/* settings.c: find and read the trigger of a table; NULL if it has none. */
extern const Trigger *tracking_trigger(Relation relation, const char *name);
extern Tracking *tracking_of(Relation relation, const char *name);
extern char *tracking_table(Relation relation);

#define MAX_TRACKED_COLUMNS 100

/* checks.c: refuse what triggers cannot follow. */
extern void trackable_table(Relation relation);
extern void trackable_unique(Relation relation, const char *name);
extern void trackable_comparable(Relation orders, const char *key, Relation lines,
								 const char *order);
extern void trackable_indexed(Relation lines, const char *name);
extern AttrNumber trackable_key(Relation relation);
extern bool trackable_plain_type(Oid type);

/* What a row says of itself. */
typedef enum Standing
{
	ABSENT,						/* it does not count: all goes back */
	UNNAMED,					/* a status that nobody named: what was posted stays */
	PRESENT						/* it counts */
} Standing;

/* Whose order it is; NULLs where the row has them. */
typedef struct OrderKey
{
	char	   *program;
	char	   *member;
	char	   *ref;
} OrderKey;

extern bool same_text(const char *a, const char *b);
extern bool order_key_same(const OrderKey *a, const OrderKey *b);
extern bool order_key_complete(const OrderKey *key);

/* rows.c: what a row says. */
extern char *tracked_value(TupleTableSlot *row, AttrNumber column);
extern char *tracked_text(const Tracking *tracking, TupleTableSlot *row, Role role);
extern Numeric tracked_money(const Tracking *tracking, TupleTableSlot *row, AttrNumber column);
extern bool tracked_at(const Tracking *tracking, TupleTableSlot *row, const Program *program,
					   Datum *at);
extern Datum tracked_attributes(const Tracking *tracking, TupleTableSlot *row);
extern void tracked_key(const Tracking *tracking, TupleTableSlot *row, OrderKey *key);
extern Standing tracked_when(const char *qual, TupleTableSlot *row);
extern Standing tracked_standing(const Tracking *tracking, TupleTableSlot *row);
extern bool tracked_same_column(TupleTableSlot *old, TupleTableSlot *new, AttrNumber column);
extern bool tracked_same(const Tracking *tracking, TupleTableSlot *old, TupleTableSlot *new);
extern bool tracked_find(Relation relation, AttrNumber column, Datum value, Oid type,
						 TupleTableSlot *row);
extern TupleTableSlot *tracked_now(Relation relation, const Tracking *tracking,
								   TupleTableSlot *row);
extern Jsonb *tracked_lines(Relation orders, const Tracking *tracking, TupleTableSlot *row,
							Numeric *sum);
extern bool tracked_lines_seen(Oid table, const char *key, CommandId changed);

#endif							/* TRACK_H */
