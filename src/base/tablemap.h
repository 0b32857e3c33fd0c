/*
 * tablemap.h
 *	  The extension's tables by name: opening them, finding their columns and
 *	  indexes, fetching rows.  Nothing is kept open, and no OID is trusted
 *	  past an invalidation, so that the DBA may rebuild whatever they like.
 */
#ifndef LOYALTY_TABLE_H
#define LOYALTY_TABLE_H

#include "loyalty.h"

#include "access/skey.h"
#include "executor/tuptable.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

/* Types of columns that are ours, and have no fixed number. */
#define OUR_LOTS ((Oid) 1)
#define OUR_KIND ((Oid) 2)
#define OUR_EXPIRY ((Oid) 3)

/* A table's columns by our own numbers. */
typedef struct TableMap
{
	const char *name;
	int			ncolumns;
	const char *const *columns;
	const Oid  *types;			/* theirs; they are read without another look */
	/* filled on use, dropped by invalidation */
	Oid			relid;
	AttrNumber *attnums;
} TableMap;

#define MAX_COLUMNS 64

/* An index that is scanned: its keys are these columns in this order, and no others. */
#define MAX_KEYS 4
typedef struct IndexMap
{
	const char *name;
	bool		unique;
	const char *keys[MAX_KEYS];
	/* filled on use, dropped by invalidation */
	Oid			relid;
} IndexMap;

extern IndexMap account_pkey;
extern IndexMap account_due_at;
extern IndexMap entry_pkey;
extern IndexMap entry_ref;
extern IndexMap entry_of_seq;
extern IndexMap hold_pkey;
extern IndexMap tally_pkey;
extern IndexMap usage_pkey;
extern IndexMap budget_pkey;
extern IndexMap member_pkey;
extern IndexMap member_key_key;

extern void table_map_init(void);
extern Snapshot latest_snapshot(void);
extern Snapshot lookup_snapshot(void);
extern Oid	schema_oid(void);
extern Oid	relation_oid(const char *name);
extern Relation table_map_open(TableMap *map, LOCKMODE lockmode);
extern void table_map_check(TableMap *map, Relation relation);
extern void tuple_check(TupleDesc tupdesc, const char *what, const Oid *types, int ncolumns);

/* A slot's values by our numbers, and back. */
extern void table_get(const TableMap *map, TupleTableSlot *slot, Datum *values, bool *nulls);
extern void table_put(const TableMap *map, TupleTableSlot *slot, const Datum *values,
					  const bool *nulls);

/* Let a visitor see every row that the latest snapshot has. */
typedef void (*RowVisitor) (const Datum *values, const bool *nulls, void *state);
extern void table_visit(TableMap *map, Snapshot snapshot, RowVisitor visit, void *state);

/* Values of a row that may be missing: a text, and a day where infinity is none. */
extern char *take_text(const Datum *values, const bool *nulls, int column);
extern void put_text(Datum *values, bool *nulls, int column, const char *text);
extern void put_date(Datum *values, bool *nulls, int column, DateADT day);

/* Scan an index for equal keys with a callback-free loop. */
typedef struct TableScan
{
	Relation	index;
	bool		opened;			/* by scan_begin, so that scan_end closes it */
	struct IndexScanDescData *scan;
	TupleTableSlot *slot;
	Snapshot	snapshot;
	bool		registered;
} TableScan;

extern void scan_begin(TableScan *scan, Relation heap, IndexMap *index, Snapshot snapshot,
					   ScanKey keys, int nkeys);
extern void scan_begin_open(TableScan *scan, Relation heap, Relation index, Snapshot snapshot,
							ScanKey keys, int nkeys);
extern void scan_again(TableScan *scan, ScanKey keys, int nkeys);
extern bool scan_next(TableScan *scan, bool forward);
extern void scan_end(TableScan *scan);

#endif							/* LOYALTY_TABLE_H */
