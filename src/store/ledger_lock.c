/*
 * ledger_lock.c
 *	  Finding and locking an account's row.
 *
 * A row is found by an index scan with an MVCC snapshot and then locked by
 * table_tuple_lock.  READ COMMITTED uses the latest snapshot, and locks the
 * last version of the row.  REPEATABLE READ and SERIALIZABLE use the
 * transaction's snapshot; if the row has changed since, they fail with a
 * serialization failure (40001) and never give a wrong answer.
 *
 * A hash remembers where this transaction last wrote an account or a budget.
 * Without it, many postings to one account in one transaction would each walk
 * all versions of the row.  The place is only a hint: it is verified by the row
 * that is found there.  All hints are dropped at the end of a transaction, at
 * the abort of a subtransaction and when the table changes.  A weaker kind of
 * hint (hint.c) says where this backend wrote an account in an earlier
 * transaction.
 */
#include "ledger_parts.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "hint.h"

typedef struct WrittenKey
{
	int64		member_id;
	int64		program_id;
} WrittenKey;

typedef struct Written
{
	WrittenKey	key;
	ItemPointerData tid;
} Written;

static HintMap account_hints;	/* by member and program */

static HTAB *written = NULL;	/* allocated in TopTransactionContext, and freed with it */

/* Relcache callback: forget all places if account or budget has changed. */
static void
account_table_changed(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == account_map.relid || relid == budget_map.relid)
		written = NULL;
}

/* Transaction callback: forget all places; the hash is freed with TopTransactionContext. */
static void
forget_at_end(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PARALLEL_PRE_COMMIT &&
		event != XACT_EVENT_PRE_PREPARE)
		written = NULL;
}

/* Subtransaction callback: forget all places when a subtransaction aborts. */
static void
forget_at_abort(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		written = NULL;
}

void
lock_init(void)
{
	CacheRegisterRelcacheCallback(account_table_changed, (Datum) 0);
	RegisterXactCallback(forget_at_end, NULL);
	RegisterSubXactCallback(forget_at_abort, NULL);
}

/* Remember where a row was written. */
static void
remember(WrittenKey key, ItemPointer tid)
{
	Written    *entry;

	if (written == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(WrittenKey);
		control.entrysize = sizeof(Written);
		control.hcxt = TopTransactionContext;
		written = hash_create("loyalty accounts written", 64, &control,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search(written, &key, HASH_ENTER, NULL);
	entry->tid = *tid;
}

static uint32
account_hash(int64 member_id, int32 program_id)
{
	return hash_combine(murmurhash32((uint32) (member_id ^ (member_id >> 32))), (uint32) program_id);
}

/* Remember where an account was written, for this transaction and as a hint for later ones. */
void
lock_remember(Account *account)
{
	remember((WrittenKey) {account->member_id, account->program_id}, &account->tid);
	hint_keep(&account_hints, account_hash(account->member_id, account->program_id), &account->tid);
}

/* A budget's key is its id, with no program. */
#define NO_PROGRAM (-1)
#define budget_key(id) ((WrittenKey) {(id), NO_PROGRAM})

void
lock_remember_budget(Budget *budget)
{
	remember(budget_key(budget->id), &budget->tid);
}

/*
 * Find the place where this transaction last wrote an account or a budget; NULL
 * if it is not known.
 */
static Written *
find_written(WrittenKey key)
{
	return written == NULL ? NULL : hash_search(written, &key, HASH_FIND, NULL);
}

static void
serialization_failure(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("%s", message),
			 errhint("The transaction might succeed if retried.")));
}

/* Lock a row version into the table's slot; under READ COMMITTED, the last version of that row. */
static TM_Result
lock_row(LedgerTable *table, ItemPointer tid, Snapshot snapshot, LockWaitPolicy wait)
{
	TM_FailureData failure;
	uint8		flags = IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION;

	return table_tuple_lock(table->relation, tid, snapshot, table->slot,
							GetCurrentCommandId(false), LockTupleNoKeyExclusive,
							wait, flags, &failure);
}

/* Does a locked row have the key that was asked for? */
static bool
slot_has_key(TupleTableSlot *slot, WrittenKey key)
{
	if (key.program_id == NO_PROGRAM)
		return slot_is_budget(slot, key.member_id);
	return slot_is_account(slot, key.member_id, key.program_id);
}

/*
 * Lock the row at the place where this transaction last wrote it; false if no
 * place is known, or if the row there cannot be locked or is another one.
 */
static bool
lock_written(LedgerTable *table, WrittenKey key)
{
	Written    *hint = find_written(key);
	ItemPointerData tid;

	if (hint == NULL)
		return false;
	tid = hint->tid;
	return lock_row(table, &tid, GetActiveSnapshot(), LockWaitBlock) == TM_Ok && slot_has_key(table->slot, key);
}

/*
 * Find an account's row where this backend last wrote it, or else by the index;
 * false if there is none.
 */
static bool
locate_account(Ledger *ledger, int64 member_id, int32 program_id, Snapshot snapshot, ItemPointer tid)
{
	TupleTableSlot *slot = ledger->account.slot;
	int64		id;

	if (hint_fetch(&account_hints, account_hash(member_id, program_id), ledger->account.relation, snapshot, slot) &&
		slot_is_account(slot, member_id, program_id))
	{
		*tid = slot->tts_tid;
		ExecClearTuple(slot);
		return true;
	}
	return find_account(ledger->account.relation, member_id, program_id, snapshot, tid, &id);
}

/*
 * Lock the account's row into ledger->account.slot; false in the same cases in
 * which ledger_load returns NULL.
 */
bool
lock_account(Ledger *ledger, int64 member_id, int32 program_id, LockWaitPolicy wait)
{
	bool		serial = IsolationUsesXactSnapshot();

	if (lock_written(&ledger->account, (WrittenKey) {member_id, program_id}))
		return true;
	for (;;)
	{
		Snapshot	snapshot;
		ItemPointerData tid;
		bool		found;
		TM_Result	result;

		snapshot = RegisterSnapshot(lookup_snapshot());
		found = locate_account(ledger, member_id, program_id, snapshot, &tid);
		if (!found)
		{
			int64		id;

			UnregisterSnapshot(snapshot);
			if (serial && find_account(ledger->account.relation, member_id, program_id,
									   GetLatestSnapshot(), &tid, &id))
				serialization_failure("could not serialize access due to concurrent posting to the account");
			return false;
		}
		result = lock_row(&ledger->account, &tid, snapshot, wait);
		UnregisterSnapshot(snapshot);
		switch (result)
		{
			case TM_Ok:
				if (slot_is_account(ledger->account.slot, member_id, program_id))
					return true;
				break;
			case TM_WouldBlock:
				return false;
			case TM_Updated:
			case TM_Deleted:
				if (serial)
					serialization_failure("could not serialize access due to concurrent posting to the account");
				break;
			case TM_Invisible:
			case TM_SelfModified:
				ereport(ERROR,
						(errcode(ERRCODE_LY_REENTRANT),
						 errmsg("the command that posts to the account has also changed the account's row")));
				break;
			default:
				elog(ERROR, "unexpected result of locking an account: %d", result);
		}
		CHECK_FOR_INTERRUPTS();
	}
}

/* Lock a budget's row and read it into the ledger's memory context; a missing row is an error. */
static Budget *
lock_budget(Ledger *ledger, int64 id)
{
	LedgerTable *table = &ledger->budget;
	Budget	   *budget;
	MemoryContext old;

	writable_open_late(ledger, table, &budget_map);
	while (!lock_written(table, budget_key(id)))
	{
		Snapshot	snapshot = RegisterSnapshot(lookup_snapshot());
		ItemPointerData tid;
		bool		found = find_budget(table->relation, id, snapshot, &tid);
		TM_Result	result = found ? lock_row(table, &tid, snapshot, LockWaitBlock) : TM_Invisible;

		UnregisterSnapshot(snapshot);
		if (result == TM_Ok)
			break;
		if (!found)
			ereport(ERROR,
					(errcode(ERRCODE_LY_DAMAGED),
					 errmsg("table \"loyalty.budget\" has no row for campaign or rule " INT64_FORMAT "", id),
					 errhint("Update the campaign or rule through its view, then run loyalty.verify().")));
		if (IsolationUsesXactSnapshot())
			serialization_failure("could not serialize access due to concurrent posting to the budget");
		CHECK_FOR_INTERRUPTS();
	}
	old = MemoryContextSwitchTo(ledger->context);
	budget = budget_from_slot(table->slot);
	ExecClearTuple(table->slot);
	MemoryContextSwitchTo(old);
	return budget;
}

/*
 * Get a budget, locked until the transaction ends; each budget is locked and
 * read once per ledger.
 */
Budget *
ledger_budget(Ledger *ledger, int64 id)
{
	Budget	   *budget;
	ListCell   *cell;
	MemoryContext old;

	foreach(cell, ledger->budgets)
	{
		budget = lfirst(cell);
		if (budget->id == id)
			return budget;
	}
	budget = lock_budget(ledger, id);
	old = MemoryContextSwitchTo(ledger->context);
	ledger->budgets = lappend(ledger->budgets, budget);
	MemoryContextSwitchTo(old);
	return budget;
}
