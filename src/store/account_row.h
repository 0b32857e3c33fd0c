/*
 * account_row.h
 *	  Rows of the ledger's tables, and the structs that they are: account, hold
 *	  and entry (account_row.c), tally, usage and budget (counters.c).
 *
 * The only rooms that know the columns of these tables.
 */
#ifndef ACCOUNT_ROW_H
#define ACCOUNT_ROW_H

#include "loyalty.h"

#include "access/skey.h"

#include "account.h"
#include "field.h"
#include "program.h"
#include "tablemap.h"
#include "tally.h"
#include "usage.h"

extern TableMap account_map;
extern TableMap entry_map;
extern TableMap hold_map;
extern TableMap tally_map;
extern TableMap usage_map;
extern TableMap budget_map;

/* Structs into slots */
extern void put_account(const Account *account, TupleTableSlot *slot);
extern void put_hold(const Account *account, const Hold *hold, TupleTableSlot *slot);
extern void put_tally(const Account *account, const Tally *tally, TupleTableSlot *slot);
extern void put_usage(const Account *account, const Usage *usage, TupleTableSlot *slot);
extern void put_budget(const Budget *budget, TupleTableSlot *slot);

/*
 * Rows into structs, in the current memory context.  What is damaged is
 * refused, or told to whoever takes faults (field.h), and neutral.
 */
extern Account *account_from_slot(TupleTableSlot *slot, const Program *program, Snapshot snapshot);
extern Account *account_with_faults(TupleTableSlot *slot, const Program *program, Snapshot snapshot,
									Faults *faults);
extern Entry *entry_from_slot(TupleTableSlot *slot);
extern Entry *entry_as_stored(TupleTableSlot *slot);
extern Entry *entry_with_faults(const Entry *stored, bool strictly, Faults *faults);
extern Tally *tally_from_slot(TupleTableSlot *slot, Faults *faults);
extern Usage *usage_from_slot(TupleTableSlot *slot, Faults *faults);
extern Budget *budget_from_slot(TupleTableSlot *slot);
extern bool slot_is_account(TupleTableSlot *slot, int64 member_id, int32 program_id);
extern void account_due(TupleTableSlot *slot, TimestampTz *due_at, int64 *id, int64 *member_id,
						int32 *program_id);
extern bool entry_when(TupleTableSlot *slot, int64 *account_id, int64 *seq, TimestampTz *at);
extern bool entry_is_event(TupleTableSlot *slot);
extern bool entry_is_of(TupleTableSlot *slot, uint32 kinds);

/* Without a lock */
extern bool find_account(Relation relation, int64 member_id, int32 program_id, Snapshot snapshot,
						 ItemPointer tid, int64 *id);
extern bool slot_is_budget(TupleTableSlot *slot, int64 id);
extern bool find_budget(Relation relation, int64 id, Snapshot snapshot, ItemPointer tid);
extern List *usage_read_all(int64 account_id, Snapshot snapshot, Faults *faults);
extern List *tally_read_all(int64 account_id, Snapshot snapshot, Faults *faults);
extern Budget *budget_read(int64 id, Snapshot snapshot);
extern int64 account_id(int64 member_id, int32 program_id);
extern Account *account_read(int64 member_id, const Program *program, Snapshot snapshot);
extern Account *account_read_with_faults(int64 member_id, int32 program_id, const Program *program,
										 Snapshot snapshot, Faults *faults);
extern bool account_figures(int64 member_id, int32 program_id, Snapshot snapshot, TimestampTz at,
							int64 *balance, int64 *usable, int64 *debt, int64 *held);

#endif							/* ACCOUNT_ROW_H */
