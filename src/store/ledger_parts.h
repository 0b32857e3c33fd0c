/*
 * ledger_parts.h
 *	  What ledger.c, ledger_store.c, ledger_lock.c and ledger_read.c share of a ledger, and nobody else.
 */
#ifndef LEDGER_PARTS_H
#define LEDGER_PARTS_H

#include "ledger.h"

#include "executor/executor.h"

#include "account_row.h"

/* A table that the ledger writes. */
typedef struct LedgerTable
{
	Relation	relation;
	ResultRelInfo *info;
	bool		indexed;		/* its indexes are open */
	TupleTableSlot *slot;
} LedgerTable;

struct Ledger
{
	MemoryContext context;
	EState	   *estate;
	EPQState	epq;
	LedgerTable account;
	LedgerTable entry;
	LedgerTable hold;			/* this and those that follow: opened when first written */
	LedgerTable tally;
	LedgerTable usage;
	LedgerTable budget;
	List	   *range;			/* RangeTblEntries of the tables open for writing ... */
	List	   *perminfos;		/* ... and their permissions */
	List	   *budgets;		/* of Budget *: locked by this ledger */
	TableScan	refs;			/* of entry_ref, open from the first look-up on */
	bool		refs_open;
	TupleTableSlot **buffer;	/* entries not written yet, the first in entry.slot */
	int			nbuffered;
	int			nslots;
};

/* ledger_lock.c */
extern void lock_init(void);
extern bool lock_account(Ledger *ledger, int64 member_id, int32 program_id, LockWaitPolicy wait);
extern void lock_remember(Account *account);
extern void lock_remember_budget(Budget *budget);

/* ledger_store.c */
extern void store_init(void);
extern bool store_under_way(void);
extern void store_lend_checks(Ledger *ledger);
extern void store_budgets(Ledger *ledger);

/* writable.c */
extern void writable_open(LedgerTable *table, TableMap *map);
extern void writable_open_late(Ledger *ledger, LedgerTable *table, TableMap *map);
extern RangeTblEntry *writable_range(LedgerTable *table, List **perminfos);
extern void writable_init_range(Ledger *ledger);
extern void writable_init(Ledger *ledger, LedgerTable *table, int rtindex);
extern void writable_open_indexes(Ledger *ledger, LedgerTable *table);
extern Relation writable_index(const LedgerTable *table, const IndexMap *map);
extern void writable_close(LedgerTable *table);

#endif							/* LEDGER_PARTS_H */
