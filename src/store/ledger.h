/*
 * ledger.h
 *	  The storage of postings: accounts are loaded and locked, changed in
 *	  memory, and stored with their entries and holds.
 *
 * One Ledger serves one statement: a call opens it for one account, a set
 * for many, one after the other in ascending order of id.  It uses the
 * executor's own primitives and runs no plan.  All its memory is in a
 * context of its own, under the one that was current when it was opened; it
 * keeps no relation, lock or pin past ledger_close but the row locks.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "loyalty.h"
#include "nodes/lockoptions.h"

#include "account.h"
#include "account_row.h"
#include "program.h"

typedef struct Ledger Ledger;

extern void ledger_init(void);
extern void ledger_check(void);
extern Ledger *ledger_open(void);
extern void ledger_close(Ledger *ledger);

/*
 * Load an account and lock its row until the end of the transaction.  NULL if
 * there is none (or if it is locked by another and wait says LockWaitSkip).
 */
extern Account *ledger_load(Ledger *ledger, int64 member_id, const Program *program,
							LockWaitPolicy wait);
extern void ledger_lock(Ledger *ledger, int64 member_id, int32 program_id);
extern Account *ledger_new_account(Ledger *ledger, int64 member_id, const Program *program);

/* Store what a posting changed; the account may be posted to again after. */
extern void ledger_store(Ledger *ledger, Account *account);
extern void ledger_write_entries(Ledger *ledger, Account *account);
extern void ledger_flush(Ledger *ledger);
extern Budget *ledger_budget(Ledger *ledger, int64 id);
extern void ledger_remember_ref(Account *account, Datum ref);
extern void ledger_load_write_offs(Ledger *ledger, Account *account);

/* Reading back; what the ledger has not written yet it writes first. */
extern Entry *ledger_entry_by_ref(Ledger *ledger, Account *account, Datum ref, uint32 kinds);
extern Entry *ledger_entry_by_seq(Ledger *ledger, Account *account, int64 seq);
typedef bool (*EntryVisitor) (Entry *entry, void *state);	/* false: stop */
extern void ledger_entries_from(Ledger *ledger, Account *account, int64 seq,
								EntryVisitor visit, void *state);
extern void ledger_entries_back(Ledger *ledger, Account *account,
								EntryVisitor visit, void *state);
extern void ledger_entries_of(Ledger *ledger, Account *account, int64 of_seq,
							  EntryVisitor visit, void *state);

/* What returns wrote off and nothing has made good, read with a snapshot. */
extern void account_load_write_offs(Account *account, Relation relation, Snapshot snapshot);

#endif							/* LEDGER_H */
