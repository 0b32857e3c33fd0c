/*
 * ledger.c
 *	  Opening, writing and closing a ledger, by the executor's primitives.
 *
 * One EState serves all tables, so that users' AFTER triggers and
 * foreign keys work; their compiled CHECKs are lent from one ledger to the
 * next.  lock.c finds and locks accounts, row.c knows the columns, lookup.c
 * reads the journal back.
 */
#include "ledger_parts.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_extension.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "calendar.h"
#include "compat.h"
#include "table.h"

#define ENTRY_BUFFER 500		/* entries written at once */

static bool storing = false;	/* a posting is between load and store */
static int	storing_level = 0;

/*
 * Compiled CHECKs, lent to each ledger's result relations: compiling them anew
 * would cost as much as a third of a posting.
 */
typedef struct Loan
{
	MemoryContext context;		/* of all below; NULL: nothing to lend */
	Oid			relid;
	ExprState **checks;
} Loan;

static Loan account_loan;
static Loan entry_loan;

static void
loan_drop(Loan *loan)
{
	loan->relid = InvalidOid;
}

static void
relation_changed(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == account_loan.relid)
		loan_drop(&account_loan);
	if (relid == InvalidOid || relid == entry_loan.relid)
		loan_drop(&entry_loan);
}

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

static void
subtransaction_ended(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	if (storing && storing_level >= GetCurrentTransactionNestLevel())
		storing = false;
}

void
ledger_init(void)
{
	lock_init();
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	RegisterXactCallback(transaction_ended, NULL);
	RegisterSubXactCallback(subtransaction_ended, NULL);
}

/*
 * Opening and closing
 */

static void check_version(void);

/* The checks of any posting, before it touches anything. */
void
ledger_check(void)
{
	PreventCommandIfReadOnly("posting to loyalty");
	PreventCommandIfParallelMode("posting to loyalty");
	PreventCommandDuringRecovery("posting to loyalty");
	if (InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_LY_REENTRANT),
				 errmsg("cannot post from within a rule"),
				 errdetail("A function that is taken to be immutable called loyalty while a rule was evaluated, or an index or view was maintained."),
				 errhint("Rules say how much; post outside of them.")));
	if (storing)
		ereport(ERROR,
				(errcode(ERRCODE_LY_REENTRANT),
				 errmsg("cannot post from within a posting"),
				 errdetail("A function that runs while an account is being stored called loyalty again."),
				 errhint("Post from an AFTER trigger, or outside of the posting.")));
	check_version();
}

static void
check_version(void)
{
	static bool checked = false;
	Relation	extension;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *version = NULL;

	if (checked)
		return;
	extension = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("loyalty"));
	scan = systable_beginscan(extension, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, Anum_pg_extension_extversion,
										 RelationGetDescr(extension), &isnull);

		version = TextDatumGetCString(value);
	}
	systable_endscan(scan);
	table_close(extension, AccessShareLock);
	if (version == NULL || strcmp(version, LOYALTY_VERSION) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_LY_VERSION),
				 errmsg("extension loyalty is at version %s, its library at %s",
						version ? version : "none", LOYALTY_VERSION),
				 errhint("Run ALTER EXTENSION loyalty UPDATE, then reconnect.")));
	checked = true;
}

/* A user's BEFORE ROW trigger could change or swallow what is posted. */
static void
check_triggers(Relation relation)
{
	TriggerDesc *triggers = relation->trigdesc;

	if (triggers && (triggers->trig_insert_before_row || triggers->trig_update_before_row ||
					 triggers->trig_delete_before_row))
		ereport(ERROR,
				(errcode(ERRCODE_LY_REENTRANT),
				 errmsg("table \"%s.%s\" has a BEFORE ROW trigger",
						LOYALTY_SCHEMA, RelationGetRelationName(relation)),
				 errdetail("It could change or swallow what is posted."),
				 errhint("Use an AFTER trigger.")));
}

static void
check_row_security(Relation relation)
{
	if (check_enable_rls(RelationGetRelid(relation), InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_LY_ROW_SECURITY),
				 errmsg("row security of table \"%s.%s\" applies to role \"%s\"",
						LOYALTY_SCHEMA, RelationGetRelationName(relation),
						GetUserNameFromId(GetUserId(), false)),
				 errdetail("Postings would pass it by."),
				 errhint("Put row security on views, or post as a role that it does not apply to.")));
}

/* The columns that an update may change: all of them. */
static Bitmapset *
all_columns(Relation relation)
{
	Bitmapset  *columns = NULL;

	for (int i = 1; i <= RelationGetNumberOfAttributes(relation); i++)
		columns = bms_add_member(columns, i - FirstLowInvalidHeapAttributeNumber);
	return columns;
}

static void
table_open_checked(LedgerTable *table, TableMap *map)
{
	table->relation = table_map_open(map, RowExclusiveLock);
	check_triggers(table->relation);
	if (table->relation->rd_rel->relrowsecurity)
		check_row_security(table->relation);
}

/* Lend the compiled CHECKs to a result relation (findings 1.11). */
static void
lend_checks(LedgerTable *table, Loan *loan)
{
	if (loan->relid == RelationGetRelid(table->relation))
		compat_check_exprs(table->info) = loan->checks;
}

/*
 * Compile the CHECKs in a context that lasts, by letting the executor do it
 * once, on the first row; what it made is lent from then on.
 */
static void
borrow_checks(Ledger *ledger, LedgerTable *table, Loan *loan)
{
	EState	   *lasting;
	ResultRelInfo *info;
	MemoryContext old;

	if (loan->relid == RelationGetRelid(table->relation) ||
		table->relation->rd_att->constr == NULL)
		return;
	if (loan->context)
		MemoryContextDelete(loan->context);
	loan->context = AllocSetContextCreate(CacheMemoryContext, "loyalty checks",
										  ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(loan->context);
	lasting = CreateExecutorState();
	info = makeNode(ResultRelInfo);
	/* index 0: of no range table, for messages then show no row */
	InitResultRelInfo(info, table->relation, 0, NULL, 0);
	MemoryContextSwitchTo(lasting->es_query_cxt);
	ExecConstraints(info, table->slot, lasting);
	MemoryContextSwitchTo(old);
	/* the estate lives in CurrentMemoryContext, that is in loan->context */
	loan->checks = compat_check_exprs(info);
	loan->relid = RelationGetRelid(table->relation);
	compat_check_exprs(table->info) = loan->checks;
}

static void
table_init(Ledger *ledger, LedgerTable *table, int rtindex)
{
	table->info = makeNode(ResultRelInfo);
	InitResultRelInfo(table->info, table->relation, rtindex, NULL, 0);
	ExecOpenIndices(table->info, false);
	table->slot = table_slot_create(table->relation, NULL);
	ledger->estate->es_opened_result_relations =
		lappend(ledger->estate->es_opened_result_relations, table->info);
}

static RangeTblEntry *
table_range(LedgerTable *table, List **perminfos)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);

	rte->rtekind = RTE_RELATION;
	rte->relid = RelationGetRelid(table->relation);
	rte->relkind = table->relation->rd_rel->relkind;
	rte->rellockmode = RowExclusiveLock;
#if PG_VERSION_NUM >= 160000
	{
		RTEPermissionInfo *info = addRTEPermissionInfo(perminfos, rte);

		info->updatedCols = all_columns(table->relation);
	}
#else
	rte->updatedCols = table->relation->trigdesc ? all_columns(table->relation) : NULL;
#endif
	return rte;
}

/* Tell the executor of the tables that are open for writing. */
static void
init_range(Ledger *ledger)
{
#if PG_VERSION_NUM >= 180000
	ExecInitRangeTable(ledger->estate, ledger->range, ledger->perminfos,
					   bms_add_range(NULL, 1, list_length(ledger->range)));
#elif PG_VERSION_NUM >= 160000
	ExecInitRangeTable(ledger->estate, ledger->range, ledger->perminfos);
#else
	ExecInitRangeTable(ledger->estate, ledger->range);
#endif
}

/* Open account and entry for writing; the caller has seen that it may post. */
Ledger *
ledger_open(void)
{
	MemoryContext context;
	MemoryContext old;
	Ledger	   *ledger;

	AcceptInvalidationMessages();

	context = AllocSetContextCreate(CurrentMemoryContext, "loyalty ledger",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	ledger = palloc0(sizeof(Ledger));
	ledger->context = context;
	table_open_checked(&ledger->account, &account_map);
	table_open_checked(&ledger->entry, &entry_map);
	ledger->estate = CreateExecutorState();
	ledger->range = list_make2(table_range(&ledger->account, &ledger->perminfos),
							   table_range(&ledger->entry, &ledger->perminfos));
	init_range(ledger);
	ledger->estate->es_output_cid = GetCurrentCommandId(false);
	table_init(ledger, &ledger->account, 1);
	table_init(ledger, &ledger->entry, 2);
	lend_checks(&ledger->account, &account_loan);
	lend_checks(&ledger->entry, &entry_loan);
	AfterTriggerBeginQuery();
	MemoryContextSwitchTo(old);
	return ledger;
}

/* Open another table for writing, when it is first written. */
void
table_open_late(Ledger *ledger, LedgerTable *table, TableMap *map)
{
	MemoryContext old;

	if (table->relation != NULL)
		return;
	old = MemoryContextSwitchTo(ledger->context);
	table_open_checked(table, map);
	ledger->range = lappend(ledger->range, table_range(table, &ledger->perminfos));
	init_range(ledger);
	table_init(ledger, table, list_length(ledger->range));
	MemoryContextSwitchTo(old);
}

static void
table_finish(LedgerTable *table)
{
	if (table->relation == NULL)
		return;
	ExecCloseIndices(table->info);
	ExecDropSingleTupleTableSlot(table->slot);
	table_close(table->relation, NoLock);
}

static void store_budgets(Ledger *ledger);

/* Write what is left, fire users' triggers, and close. */
void
ledger_close(Ledger *ledger)
{
	MemoryContext old = MemoryContextSwitchTo(ledger->context);

	ledger_flush(ledger);
	store_budgets(ledger);
	storing = false;
	AfterTriggerEndQuery(ledger->estate);
	if (ledger->refs_open)
		scan_end(&ledger->refs);
	for (int i = 0; i < ledger->nslots; i++)
		ExecDropSingleTupleTableSlot(ledger->buffer[i]);
	table_finish(&ledger->account);
	table_finish(&ledger->entry);
	table_finish(&ledger->hold);
	table_finish(&ledger->tally);
	table_finish(&ledger->usage);
	table_finish(&ledger->budget);
	ExecResetTupleTable(ledger->estate->es_tupleTable, false);
	FreeExecutorState(ledger->estate);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(ledger->context);
}

/*
 * Loading
 */

/* What is read must hold, as what is written. */
static void
check_loaded(const Account *account)
{
	if (account->balance != lots_total(&account->lots) + account->held - account->debt ||
		account->debt < 0 || account->held < 0 || (account->debt > 0 && account->usable > 0))
		ereport(ERROR,
				(errcode(ERRCODE_LY_DAMAGED),
				 errmsg("account " INT64_FORMAT " is damaged: its balance is not its lots", account->id),
				 errhint("Run loyalty.verify().")));
}

Account *
ledger_load(Ledger *ledger, int64 member_id, const Program *program, LockWaitPolicy wait)
{
	Account    *account;

	if (!lock_account(ledger, member_id, program->id, wait))
		return NULL;
	account = account_from_slot(ledger->account.slot, program, SnapshotSelf);
	account->ledger = ledger;
	check_loaded(account);
	ExecClearTuple(ledger->account.slot);
	return account;
}

/* Lock an account's row, to load it later. */
void
ledger_lock(Ledger *ledger, int64 member_id, int32 program_id)
{
	(void) lock_account(ledger, member_id, program_id, LockWaitBlock);
	ExecClearTuple(ledger->account.slot);
}

/* The next number of one of our identity sequences. */
static int64
next_number(const char *sequence)
{
	return nextval_internal(relation_oid(sequence), false);
}

/* An account that is not stored yet. */
Account *
ledger_new_account(Ledger *ledger, int64 member_id, const Program *program)
{
	Account    *account = palloc(sizeof(Account));

	account_blank(account, program->zone);
	account->id = next_number("account_id_seq");
	account->member_id = member_id;
	account->program_id = program->id;
	account->program = program;
	account->book = rulebook_of(program);
	account->write_offs_loaded = true;
	return account;
}

/*
 * Storing
 */

/* Update a row in place of an older version at tid. */
static void
update_row(Ledger *ledger, LedgerTable *table, ItemPointer tid)
{
	TupleTableSlot *old = MakeSingleTupleTableSlot(RelationGetDescr(table->relation),
												   &TTSOpsVirtual);

	old->tts_tid = *tid;
	ExecSimpleRelationUpdate(table->info, ledger->estate, &ledger->epq, old, table->slot);
	ExecDropSingleTupleTableSlot(old);
}

static void
store_account(Ledger *ledger, Account *account)
{
	LedgerTable *table = &ledger->account;

	put_account(account, table->slot);
	borrow_checks(ledger, table, &account_loan);
	if (ItemPointerIsValid(&account->tid))
		update_row(ledger, table, &account->tid);
	else
		ExecSimpleRelationInsert(table->info, ledger->estate, table->slot);
	account->tid = table->slot->tts_tid;
	ExecClearTuple(table->slot);
	lock_remember(account);
}

static void
store_hold(Ledger *ledger, Account *account, Hold *hold)
{
	LedgerTable *table = &ledger->hold;

	table_open_late(ledger, &ledger->hold, &hold_map);
	put_hold(account, hold, table->slot);
	if (!ItemPointerIsValid(&hold->tid))
		ExecSimpleRelationInsert(table->info, ledger->estate, table->slot);
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

/* Write the slot of a table in place of an older version, or as a new row. */
static void
store_row(Ledger *ledger, LedgerTable *table, ItemPointer tid)
{
	if (ItemPointerIsValid(tid))
		update_row(ledger, table, tid);
	else
		ExecSimpleRelationInsert(table->info, ledger->estate, table->slot);
	*tid = table->slot->tts_tid;
	ExecClearTuple(table->slot);
}

static void
store_tallies(Ledger *ledger, Account *account)
{
	ListCell   *cell;

	foreach(cell, account->tallies)
	{
		Tally	   *tally = lfirst(cell);

		if (!tally->changed)
			continue;
		table_open_late(ledger, &ledger->tally, &tally_map);
		put_tally(account, tally, ledger->tally.slot);
		store_row(ledger, &ledger->tally, &tally->tid);
		tally->changed = false;
	}
}

static void
store_usages(Ledger *ledger, Account *account)
{
	ListCell   *cell;

	foreach(cell, account->usages)
	{
		Usage	   *usage = lfirst(cell);

		if (!usage->changed)
			continue;
		table_open_late(ledger, &ledger->usage, &usage_map);
		put_usage(account, usage, ledger->usage.slot);
		store_row(ledger, &ledger->usage, &usage->tid);
		usage->changed = false;
	}
}

/* Budgets are stored once, when the ledger closes. */
static void
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
		lock_remember_budget(budget);
		budget->changed = false;
	}
}

/* A free slot of the buffer of entries. */
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
		ledger->buffer[ledger->nslots++] = table_slot_create(ledger->entry.relation, NULL);
		MemoryContextSwitchTo(old);
	}
	return ledger->buffer[ledger->nbuffered++];
}

/* Hand the account's new entries to the buffer. */
void
ledger_write_entries(Ledger *ledger, Account *account)
{
	ListCell   *cell;

	foreach(cell, account->entries)
	{
		Entry	   *entry = lfirst(cell);
		TupleTableSlot *slot = buffer_slot(ledger);

		table_put(&entry_map, slot, entry->values, entry->nulls);
		ExecMaterializeSlot(slot);
	}
	account->entries = NIL;
}

/* Insert one entry, or all of the buffer at once. */
static void
insert_entries(Ledger *ledger)
{
	LedgerTable *table = &ledger->entry;
	BulkInsertState bulk;
	MemoryContext old;

	for (int i = 0; i < ledger->nbuffered; i++)
		ExecConstraints(table->info, ledger->buffer[i], ledger->estate);
	bulk = GetBulkInsertState();
	/* it leaves memory behind, so let it be that of a row */
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
	{
		TupleTableSlot *own = ledger->entry.slot;

		ledger->entry.slot = ledger->buffer[0];
		borrow_checks(ledger, &ledger->entry, &entry_loan);
		ledger->entry.slot = own;
	}
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

/* Store an account, its holds and its new entries. */
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
