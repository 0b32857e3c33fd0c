/*
 * ledger_store.c
 *	  Storing what a posting changed, by the executor's primitives: the account,
 *	  its holds, tallies and usage, the entries, and budgets.
 *
 * The compiled CHECK constraints of account and entry, the two hot tables, are
 * passed on from one ledger to the next.
 */
#include "ledger_parts.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "tablemap.h"

#define ENTRY_BUFFER 500		/* entries written at once */

static bool storing = false;	/* rows of an account, or budgets, are being stored */
static int	storing_level = 0;

/*
 * Compiled CHECK constraints, lent to the result relations of each ledger: to
 * compile them again would cost as much as a third of a posting.
 */
typedef struct Loan
{
	MemoryContext context;		/* of the checks; NULL: none were compiled yet */
	Oid			relid;
	ExprState **checks;
} Loan;

static Loan account_loan;
static Loan entry_loan;

/* Stop lending; the memory is freed when borrow_checks compiles the CHECKs again. */
static void
loan_drop(Loan *loan)
{
	loan->relid = InvalidOid;
}

/* Relcache callback: the CHECKs of a table that has changed must be compiled again. */
static void
relation_changed(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == account_loan.relid)
		loan_drop(&account_loan);
	if (relid == InvalidOid || relid == entry_loan.relid)
		loan_drop(&entry_loan);
}

/* Transaction callback: nothing is being stored any more, even if an error interrupted it. */
static void
transaction_ended(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
		case XACT_EVENT_PREPARE:
			storing = false;
			break;
		default:
			break;
	}
}

/*
 * Subtransaction callback: what an aborted subtransaction was storing is not
 * being stored any more.
 */
static void
subtransaction_ended(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	if (storing && storing_level >= GetCurrentTransactionNestLevel())
		storing = false;
}

void
store_init(void)
{
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	RegisterXactCallback(transaction_ended, NULL);
	RegisterSubXactCallback(subtransaction_ended, NULL);
}

/* Is a posting being stored, so that no other one may begin? */
bool
store_under_way(void)
{
	return storing;
}

/* Lend the compiled CHECKs, if there are any, to a result relation (findings 1.11). */
static void
lend_checks(LedgerTable *table, Loan *loan)
{
	if (loan->relid == RelationGetRelid(table->relation))
		compat_check_exprs(table->info) = loan->checks;
}

/*
 * Compile the CHECKs in a long-lived context: the executor does so when it
 * checks the first row. From then on, the result is lent.
 */
static void
borrow_checks(Ledger *ledger, LedgerTable *table, Loan *loan)
{
	EState	   *lasting;
	ResultRelInfo *info;
	MemoryContext old;

	if (table->relation->rd_att->constr == NULL)
		return;
	/* another ledger may have compiled them anew since this one opened */
	lend_checks(table, loan);
	if (loan->relid == RelationGetRelid(table->relation))
		return;
	if (loan->context)
		MemoryContextDelete(loan->context);
	loan->context = AllocSetContextCreate(CacheMemoryContext, "loyalty checks",
										  ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(loan->context);
	lasting = CreateExecutorState();
	info = makeNode(ResultRelInfo);
	/* index 0 means no range table; error messages then show no row */
	InitResultRelInfo(info, table->relation, 0, NULL, 0);
	MemoryContextSwitchTo(lasting->es_query_cxt);
	ExecConstraints(info, table->slot, lasting);
	MemoryContextSwitchTo(old);
	/* the estate lives in CurrentMemoryContext, that is in loan->context */
	loan->checks = compat_check_exprs(info);
	loan->relid = RelationGetRelid(table->relation);
	compat_check_exprs(table->info) = loan->checks;
}

/* Lend the compiled CHECKs to a ledger that is being opened. */
void
store_lend_checks(Ledger *ledger)
{
	lend_checks(&ledger->account, &account_loan);
	lend_checks(&ledger->entry, &entry_loan);
}

/*
 * Storing
 */

/*
 * Replace the row version at tid by the row in the table's slot, as
 * ExecSimpleRelationUpdate does. Unlike there, the indexes are opened only if
 * the new version needs entries in them.
 */
static void
update_row(Ledger *ledger, LedgerTable *table, ItemPointer tid)
{
	TupleConstr *constraints = RelationGetDescr(table->relation)->constr;
	List	   *recheck = NIL;
	CompatMoved moved;

	CheckCmdReplicaIdentity(table->relation, CMD_UPDATE);
	if (constraints && constraints->has_generated_stored)
		ExecComputeStoredGenerated(table->info, ledger->estate, table->slot, CMD_UPDATE);
	if (constraints)
		ExecConstraints(table->info, table->slot, ledger->estate);
	simple_table_tuple_update(table->relation, tid, table->slot, ledger->estate->es_snapshot, &moved);
	if (compat_has_moved(moved))
	{
		writable_open_indexes(ledger, table);
		recheck = compat_update_index_tuples(table->info, table->slot, ledger->estate, moved);
	}
	ExecARUpdateTriggers(ledger->estate, table->info, NULL, NULL, tid, NULL, table->slot, recheck, NULL, false);
	list_free(recheck);
}

/* Insert a row, and its entries in the indexes. */
static void
insert_row(Ledger *ledger, LedgerTable *table, TupleTableSlot *slot)
{
	writable_open_indexes(ledger, table);
	ExecSimpleRelationInsert(table->info, ledger->estate, slot);
}

/* Update or insert the account's row, and remember where it is now. */
static void
store_account(Ledger *ledger, Account *account)
{
	LedgerTable *table = &ledger->account;

	put_account(account, table->slot);
	borrow_checks(ledger, table, &account_loan);
	if (ItemPointerIsValid(&account->tid))
		update_row(ledger, table, &account->tid);
	else
		insert_row(ledger, table, table->slot);
	account->tid = table->slot->tts_tid;
	ExecClearTuple(table->slot);
	lock_remember(account);
}

/* Insert a new hold's row, delete that of an ended hold, or update it. */
static void
store_hold(Ledger *ledger, Account *account, Hold *hold)
{
	LedgerTable *table = &ledger->hold;

	writable_open_late(ledger, &ledger->hold, &hold_map);
	put_hold(account, hold, table->slot);
	if (!ItemPointerIsValid(&hold->tid))
		insert_row(ledger, table, table->slot);
	else if (hold->ended)
	{
		table->slot->tts_tid = hold->tid;
		ExecSimpleRelationDelete(table->info, ledger->estate, &ledger->epq, table->slot);
	}
	else
		update_row(ledger, table, &hold->tid);
	hold->tid = table->slot->tts_tid;
	hold->changed = false;
	ExecClearTuple(table->slot);
}

/*
 * Store the holds that are new, changed or ended; ended ones are removed from
 * the account's list.
 */
static void
store_holds(Ledger *ledger, Account *account)
{
	ListCell   *cell;

	foreach(cell, account->holds)
	{
		Hold	   *hold = lfirst(cell);
		bool		stored = ItemPointerIsValid(&hold->tid);

		if (hold->ended ? stored : (!stored || hold->changed))
			store_hold(ledger, account, hold);
		if (hold->ended)
			account->holds = foreach_delete_current(account->holds, cell);
	}
}

/*
 * Write the row in a table's slot: replace the version at tid or, if tid is
 * invalid, insert it. tid becomes its new place.
 */
static void
store_row(Ledger *ledger, LedgerTable *table, ItemPointer tid)
{
	if (ItemPointerIsValid(tid))
		update_row(ledger, table, tid);
	else
		insert_row(ledger, table, table->slot);
	*tid = table->slot->tts_tid;
	ExecClearTuple(table->slot);
}

/* Store the tallies that have changed. */
static void
store_tallies(Ledger *ledger, Account *account)
{
	ListCell   *cell;

	foreach(cell, account->tallies)
	{
		Tally	   *tally = lfirst(cell);

		if (!tally->changed)
			continue;
		writable_open_late(ledger, &ledger->tally, &tally_map);
		put_tally(account, tally, ledger->tally.slot);
		store_row(ledger, &ledger->tally, &tally->tid);
		tally->changed = false;
	}
}

/* Store the usage that has changed. */
static void
store_usages(Ledger *ledger, Account *account)
{
	ListCell   *cell;

	foreach(cell, account->usages)
	{
		Usage	   *usage = lfirst(cell);

		if (!usage->changed)
			continue;
		writable_open_late(ledger, &ledger->usage, &usage_map);
		put_usage(account, usage, ledger->usage.slot);
		store_row(ledger, &ledger->usage, &usage->tid);
		usage->changed = false;
	}
}

/* Store the budgets that have changed; this happens once, when the ledger closes. */
void
store_budgets(Ledger *ledger)
{
	ListCell   *cell;

	foreach(cell, ledger->budgets)
	{
		Budget	   *budget = lfirst(cell);

		if (!budget->changed)
			continue;
		storing = true;
		storing_level = GetCurrentTransactionNestLevel();
		ledger->estate->es_snapshot = GetActiveSnapshot();
		put_budget(budget, ledger->budget.slot);
		store_row(ledger, &ledger->budget, &budget->tid);
		storing = false;
		lock_remember_budget(budget);
		budget->changed = false;
	}
}

/* Get a free slot of the entry buffer; a full buffer is written first. */
static TupleTableSlot *
buffer_slot(Ledger *ledger)
{
	MemoryContext old;

	if (ledger->nbuffered == ENTRY_BUFFER)
		ledger_flush(ledger);
	if (ledger->nbuffered == ledger->nslots)
	{
		old = MemoryContextSwitchTo(ledger->context);
		if (ledger->buffer == NULL)
			ledger->buffer = palloc(ENTRY_BUFFER * sizeof(TupleTableSlot *));
		ledger->buffer[ledger->nslots] = ledger->nslots == 0 ? ledger->entry.slot :
			table_slot_create(ledger->entry.relation, NULL);
		ledger->nslots++;
		MemoryContextSwitchTo(old);
	}
	return ledger->buffer[ledger->nbuffered++];
}

/* Move the account's new entries into the entry buffer. */
void
ledger_write_entries(Ledger *ledger, Account *account)
{
	ListCell   *cell;

	foreach(cell, account->entries)
	{
		Entry	   *entry = lfirst(cell);
		TupleTableSlot *slot = buffer_slot(ledger);

		Assert(entry_is_sound(entry, true));
		table_put(&entry_map, slot, entry->values, entry->nulls);
		ExecMaterializeSlot(slot);
	}
	account->entries = NIL;
}

/* Insert all buffered entries at once, with their index entries. */
static void
insert_entries(Ledger *ledger)
{
	LedgerTable *table = &ledger->entry;
	BulkInsertState bulk;
	MemoryContext old;

	for (int i = 0; i < ledger->nbuffered; i++)
		ExecConstraints(table->info, ledger->buffer[i], ledger->estate);
	bulk = GetBulkInsertState();
	/* it does not free all of its memory, so it runs in the per-tuple context */
	old = MemoryContextSwitchTo(GetPerTupleMemoryContext(ledger->estate));
	table_multi_insert(table->relation, ledger->buffer, ledger->nbuffered,
					   GetCurrentCommandId(true), 0, bulk);
	MemoryContextSwitchTo(old);
	FreeBulkInsertState(bulk);
	for (int i = 0; i < ledger->nbuffered; i++)
	{
		List	   *recheck = compat_insert_index_tuples(table->info, ledger->buffer[i],
														 ledger->estate);

		ExecARInsertTriggers(ledger->estate, table->info, ledger->buffer[i], recheck, NULL);
		ResetPerTupleExprContext(ledger->estate);
	}
}

/* Write the buffered entries. */
void
ledger_flush(Ledger *ledger)
{
	MemoryContext old;

	if (ledger->nbuffered == 0)
		return;
	old = MemoryContextSwitchTo(ledger->context);
	borrow_checks(ledger, &ledger->entry, &entry_loan);
	if (ledger->nbuffered == 1)
	{
		ExecSimpleRelationInsert(ledger->entry.info, ledger->estate, ledger->buffer[0]);
		ResetPerTupleExprContext(ledger->estate);
	}
	else
		insert_entries(ledger);
	for (int i = 0; i < ledger->nbuffered; i++)
		ExecClearTuple(ledger->buffer[i]);
	ledger->nbuffered = 0;
	MemoryContextSwitchTo(old);
}

/* Store an account, its holds, tallies and usage; its new entries go into the buffer. */
void
ledger_store(Ledger *ledger, Account *account)
{
	storing = true;
	storing_level = GetCurrentTransactionNestLevel();
	ledger->estate->es_snapshot = GetActiveSnapshot();
	ledger_write_entries(ledger, account);
	store_holds(ledger, account);
	store_tallies(ledger, account);
	store_usages(ledger, account);
	store_account(ledger, account);
	storing = false;
}
