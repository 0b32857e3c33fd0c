/*
 * ledger.c
 *	  Loading, locking and storing accounts, by the executor's primitives.
 *
 * A row is found by an index scan with an MVCC snapshot and then locked by
 * table_tuple_lock.  READ COMMITTED: the latest snapshot, and the last
 * version of the row.  REPEATABLE READ and SERIALIZABLE: the transaction's
 * snapshot; a row that has moved since is a serialization failure (40001),
 * never a wrong answer.
 *
 * Where this transaction last wrote an account is remembered in a hash, so
 * that a member who is posted to many times in one transaction does not
 * walk all versions of his row.  It is only a hint: dropped whole at the end
 * of a transaction, at the abort of a subtransaction and when the table
 * changes, and verified by the row that is found.
 */
#include "ledger.h"

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

/*
 * Columns
 */
typedef enum AccountColumn
{
	ACCOUNT_MEMBER_ID, ACCOUNT_PROGRAM_ID, ACCOUNT_ID, ACCOUNT_DUE_AT, ACCOUNT_OPENED_AT,
	ACCOUNT_FROZEN, ACCOUNT_FROZEN_UNTIL, ACCOUNT_INACTIVE_MONTHS, ACCOUNT_INACTIVE_ON,
	ACCOUNT_CLOCK, ACCOUNT_CLOCK_ON, ACCOUNT_SEQ, ACCOUNT_BALANCE, ACCOUNT_USABLE,
	ACCOUNT_DEBT, ACCOUNT_HELD, ACCOUNT_WRITTEN_OFF, ACCOUNT_HASH, ACCOUNT_LOTS,
	ACCOUNT_COLUMNS
} AccountColumn;

static const char *const account_columns[ACCOUNT_COLUMNS] = {
	"member_id", "program_id", "id", "due_at", "opened_at",
	"frozen", "frozen_until", "inactive_months", "inactive_on",
	"clock", "clock_on", "seq", "balance", "usable",
	"debt", "held", "written_off", "hash", "lots"
};

typedef enum HoldColumn
{
	HOLD_ACCOUNT_ID, HOLD_SEQ, HOLD_UNTIL, HOLD_POINTS, HOLD_REF, HOLD_LOTS, HOLD_COLUMNS
} HoldColumn;

static const char *const hold_columns[HOLD_COLUMNS] = {
	"account_id", "seq", "until", "points", "ref", "lots"
};

TableMap	account_map = {.name = "account", .ncolumns = ACCOUNT_COLUMNS, .columns = account_columns};
TableMap	entry_map = {.name = "entry", .ncolumns = ENTRY_FIELDS, .columns = entry_columns};
TableMap	hold_map = {.name = "hold", .ncolumns = HOLD_COLUMNS, .columns = hold_columns};

#define ENTRY_BUFFER 500		/* entries written at once */

/* A table that the ledger writes. */
typedef struct LedgerTable
{
	Relation	relation;
	ResultRelInfo *info;
	TupleTableSlot *slot;
} LedgerTable;

struct Ledger
{
	MemoryContext context;
	EState	   *estate;
	EPQState	epq;
	LedgerTable account;
	LedgerTable entry;
	LedgerTable hold;
	bool		triggers;		/* users' AFTER triggers to fire */
	TableScan	refs;			/* of entry_ref, open from the first look-up on */
	bool		refs_open;
	TupleTableSlot **buffer;	/* entries not written yet */
	int			nbuffered;
	int			nslots;
};

/*
 * Where this transaction last wrote an account
 */
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

static HTAB *written = NULL;	/* in TopTransactionContext */
static bool storing = false;	/* a posting is between load and store */
static int	storing_level = 0;

/*
 * Compiled CHECKs and index predicates, lent to each ledger's result
 * relations: compiling them anew costs more than the rest of a posting.
 */
typedef struct Loan
{
	MemoryContext context;		/* of all below; NULL: nothing to lend */
	Oid			relid;
	ExprState **checks;
	int			npredicates;
	Oid			predicate_index[8];
	ExprState  *predicates[8];
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
	if (relid == InvalidOid || relid == account_map.relid)
		written = NULL;			/* its memory goes with the transaction */
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
			written = NULL;
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
	written = NULL;
	if (storing && storing_level >= GetCurrentTransactionNestLevel())
		storing = false;
}

void
ledger_init(void)
{
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	RegisterXactCallback(transaction_ended, NULL);
	RegisterSubXactCallback(subtransaction_ended, NULL);
}

static void
remember_written(const Account *account)
{
	WrittenKey	key = {account->member_id, account->program_id};
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
	entry->tid = account->tid;
}

static Written *
find_written(int64 member_id, int32 program_id)
{
	WrittenKey	key = {member_id, program_id};

	return written == NULL ? NULL : hash_search(written, &key, HASH_FIND, NULL);
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
	if (table->relation->trigdesc)
		ledger->triggers = true;
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

/* Open the three tables for writing; the caller has seen that it may post. */
Ledger *
ledger_open(void)
{
	MemoryContext context;
	MemoryContext old;
	Ledger	   *ledger;
	List	   *range;
	List	   *perminfos = NIL;

	AcceptInvalidationMessages();

	context = AllocSetContextCreate(CurrentMemoryContext, "loyalty ledger",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	ledger = palloc0(sizeof(Ledger));
	ledger->context = context;
	table_open_checked(&ledger->account, &account_map);
	table_open_checked(&ledger->entry, &entry_map);
	table_open_checked(&ledger->hold, &hold_map);
	ledger->estate = CreateExecutorState();
	range = list_make3(table_range(&ledger->account, &perminfos),
					   table_range(&ledger->entry, &perminfos),
					   table_range(&ledger->hold, &perminfos));
#if PG_VERSION_NUM >= 180000
	ExecInitRangeTable(ledger->estate, range, perminfos, bms_add_range(NULL, 1, 3));
#elif PG_VERSION_NUM >= 160000
	ExecInitRangeTable(ledger->estate, range, perminfos);
#else
	ExecInitRangeTable(ledger->estate, range);
#endif
	ledger->estate->es_output_cid = GetCurrentCommandId(false);
	table_init(ledger, &ledger->account, 1);
	table_init(ledger, &ledger->entry, 2);
	lend_checks(&ledger->account, &account_loan);
	lend_checks(&ledger->entry, &entry_loan);
	AfterTriggerBeginQuery();
	MemoryContextSwitchTo(old);
	return ledger;
}

/* The table of holds is prepared when a hold is first written. */
static void
hold_table_init(Ledger *ledger)
{
	MemoryContext old = MemoryContextSwitchTo(ledger->context);

	if (ledger->hold.info == NULL)
		table_init(ledger, &ledger->hold, 3);
	MemoryContextSwitchTo(old);
}

static void
table_finish(LedgerTable *table)
{
	if (table->info)
	{
		ExecCloseIndices(table->info);
		ExecDropSingleTupleTableSlot(table->slot);
	}
	table_close(table->relation, NoLock);
}

/* Write what is left, fire users' triggers, and close. */
void
ledger_close(Ledger *ledger)
{
	MemoryContext old = MemoryContextSwitchTo(ledger->context);

	ledger_flush(ledger);
	storing = false;
	AfterTriggerEndQuery(ledger->estate);
	if (ledger->refs_open)
		scan_end(&ledger->refs);
	for (int i = 0; i < ledger->nslots; i++)
		ExecDropSingleTupleTableSlot(ledger->buffer[i]);
	table_finish(&ledger->account);
	table_finish(&ledger->entry);
	table_finish(&ledger->hold);
	ExecResetTupleTable(ledger->estate->es_tupleTable, false);
	FreeExecutorState(ledger->estate);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(ledger->context);
}

/*
 * Finding and locking an account
 */

static void
serialization_failure(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent posting to the account"),
			 errhint("The transaction might succeed if retried.")));
}

static void
account_keys(ScanKeyData *keys, int64 member_id, int32 program_id)
{
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(member_id));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(program_id));
}

/* Find an account's row version with a snapshot; its place, if it is there. */
static bool
find_account(Relation relation, int64 member_id, int32 program_id, Snapshot snapshot,
			 ItemPointer tid, int64 *id)
{
	ScanKeyData keys[2];
	TableScan	scan;
	bool		found;

	account_keys(keys, member_id, program_id);
	scan_begin(&scan, relation, "account_pkey", snapshot, keys, 2);
	found = scan_next(&scan, true);
	if (found)
	{
		bool		isnull;

		*tid = scan.slot->tts_tid;
		*id = DatumGetInt64(slot_getattr(scan.slot, account_map.attnums[ACCOUNT_ID], &isnull));
	}
	scan_end(&scan);
	return found;
}

/* The id of an account, not locked; 0 if there is none. */
int64
account_id(int64 member_id, int32 program_id)
{
	Relation	relation = table_map_open(&account_map, AccessShareLock);
	ItemPointerData tid;
	int64		id;

	if (!find_account(relation, member_id, program_id, GetLatestSnapshot(), &tid, &id))
		id = 0;
	table_close(relation, AccessShareLock);
	return id;
}

/* Does a locked row belong to the account that was asked for? */
static bool
slot_is_account(TupleTableSlot *slot, int64 member_id, int32 program_id)
{
	bool		isnull;

	return DatumGetInt64(slot_getattr(slot, account_map.attnums[ACCOUNT_MEMBER_ID], &isnull)) == member_id &&
		DatumGetInt32(slot_getattr(slot, account_map.attnums[ACCOUNT_PROGRAM_ID], &isnull)) == program_id;
}

static TM_Result
lock_row(Ledger *ledger, ItemPointer tid, Snapshot snapshot, LockWaitPolicy wait)
{
	TM_FailureData failure;
	uint8		flags = IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION;

	return table_tuple_lock(ledger->account.relation, tid, snapshot, ledger->account.slot,
							GetCurrentCommandId(false), LockTupleNoKeyExclusive,
							wait, flags, &failure);
}

/* Try the place where this transaction wrote the account last. */
static bool
lock_written(Ledger *ledger, int64 member_id, int32 program_id)
{
	Written    *hint = find_written(member_id, program_id);
	ItemPointerData tid;

	if (hint == NULL)
		return false;
	tid = hint->tid;
	return lock_row(ledger, &tid, GetActiveSnapshot(), LockWaitBlock) == TM_Ok &&
		slot_is_account(ledger->account.slot, member_id, program_id);
}

/* Lock the account's row into ledger->account.slot; false as ledger_load. */
static bool
lock_account(Ledger *ledger, int64 member_id, int32 program_id, LockWaitPolicy wait)
{
	bool		serial = IsolationUsesXactSnapshot();

	if (lock_written(ledger, member_id, program_id))
		return true;
	for (;;)
	{
		Snapshot	snapshot;
		ItemPointerData tid;
		int64		id;
		bool		found;
		TM_Result	result;

		snapshot = RegisterSnapshot(lookup_snapshot());
		found = find_account(ledger->account.relation, member_id, program_id, snapshot, &tid, &id);
		if (!found)
		{
			UnregisterSnapshot(snapshot);
			if (serial && find_account(ledger->account.relation, member_id, program_id,
									   GetLatestSnapshot(), &tid, &id))
				serialization_failure();
			return false;
		}
		result = lock_row(ledger, &tid, snapshot, wait);
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
					serialization_failure();
				break;
			case TM_Invisible:
			case TM_SelfModified:
				ereport(ERROR,
						(errcode(ERRCODE_LY_REENTRANT),
						 errmsg("the account was changed by the command that posts to it")));
				break;
			default:
				elog(ERROR, "unexpected result of locking an account: %d", result);
		}
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Rows to structs and back
 */

static void
get_holds(Account *account, Relation relation, Snapshot snapshot)
{
	ScanKeyData key;
	TableScan	scan;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account->id));
	scan_begin(&scan, relation, "hold_pkey", snapshot, &key, 1);
	while (scan_next(&scan, true))
	{
		Datum		values[HOLD_COLUMNS];
		bool		nulls[HOLD_COLUMNS];
		Hold	   *hold = palloc0(sizeof(Hold));

		table_get(&hold_map, scan.slot, values, nulls);
		hold->seq = DatumGetInt64(values[HOLD_SEQ]);
		hold->ref = TextDatumGetCString(values[HOLD_REF]);
		hold->until = DatumGetTimestampTz(values[HOLD_UNTIL]);
		hold->points = DatumGetInt64(values[HOLD_POINTS]);
		lots_decode(DatumGetLots(values[HOLD_LOTS]), &hold->lots);
		hold->tid = scan.slot->tts_tid;
		account->holds = lappend(account->holds, hold);
	}
	scan_end(&scan);
}

static void
get_account(Account *account, const Datum *values, const bool *nulls)
{
	struct varlena *hash = PG_DETOAST_DATUM_PACKED(values[ACCOUNT_HASH]);

	account->id = DatumGetInt64(values[ACCOUNT_ID]);
	account->member_id = DatumGetInt64(values[ACCOUNT_MEMBER_ID]);
	account->program_id = DatumGetInt32(values[ACCOUNT_PROGRAM_ID]);
	account->due_at = DatumGetTimestampTz(values[ACCOUNT_DUE_AT]);
	account->opened_at = DatumGetTimestampTz(values[ACCOUNT_OPENED_AT]);
	account->frozen = nulls[ACCOUNT_FROZEN] ? FREEZE_NONE :
		freeze_mode(TextDatumGetCString(values[ACCOUNT_FROZEN]));
	account->frozen_until = nulls[ACCOUNT_FROZEN_UNTIL] ? DT_NOEND :
		DatumGetTimestampTz(values[ACCOUNT_FROZEN_UNTIL]);
	account->inactive_months = nulls[ACCOUNT_INACTIVE_MONTHS] ? -1 :
		DatumGetInt32(values[ACCOUNT_INACTIVE_MONTHS]);
	account->inactive_on = nulls[ACCOUNT_INACTIVE_ON] ? LOT_NEVER :
		DatumGetDateADT(values[ACCOUNT_INACTIVE_ON]);
	account->clock = DatumGetTimestampTz(values[ACCOUNT_CLOCK]);
	account->clock_on = DatumGetDateADT(values[ACCOUNT_CLOCK_ON]);
	account->seq = DatumGetInt64(values[ACCOUNT_SEQ]);
	account->balance = DatumGetInt64(values[ACCOUNT_BALANCE]);
	account->usable = DatumGetInt64(values[ACCOUNT_USABLE]);
	account->debt = DatumGetInt64(values[ACCOUNT_DEBT]);
	account->held = DatumGetInt64(values[ACCOUNT_HELD]);
	account->written_off = DatumGetInt64(values[ACCOUNT_WRITTEN_OFF]);
	if (VARSIZE_ANY_EXHDR(hash) != CHAIN_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_LY_DAMAGED),
				 errmsg("account " INT64_FORMAT " has a hash of the wrong length", account->id)));
	memcpy(account->hash, VARDATA_ANY(hash), CHAIN_BYTES);
	lots_decode(DatumGetLots(values[ACCOUNT_LOTS]), &account->lots);
}

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

/* An account and its holds of a row, in the current memory context. */
static Account *
account_from_slot(TupleTableSlot *slot, const Program *program, Snapshot snapshot)
{
	Account    *account = palloc0(sizeof(Account));
	Datum		values[ACCOUNT_COLUMNS];
	bool		nulls[ACCOUNT_COLUMNS];

	table_get(&account_map, slot, values, nulls);
	get_account(account, values, nulls);
	account->matured_on = account->clock_on;
	account->zone = program->zone;
	account->context = CurrentMemoryContext;
	account->tid = slot->tts_tid;
	if (account->held > 0)
	{
		Relation	relation = table_map_open(&hold_map, AccessShareLock);

		get_holds(account, relation, snapshot);
		table_close(relation, AccessShareLock);
	}
	return account;
}

/* An account as a snapshot sees it; NULL if it sees none. */
Account *
account_read(int64 member_id, const Program *program, Snapshot snapshot)
{
	Relation	relation = table_map_open(&account_map, AccessShareLock);
	ScanKeyData keys[2];
	TableScan	scan;
	Account    *account = NULL;

	account_keys(keys, member_id, program->id);
	scan_begin(&scan, relation, "account_pkey", snapshot, keys, 2);
	if (scan_next(&scan, true))
		account = account_from_slot(scan.slot, program, snapshot);
	scan_end(&scan);
	table_close(relation, AccessShareLock);
	return account;
}

Account *
ledger_load(Ledger *ledger, int64 member_id, const Program *program, LockWaitPolicy wait)
{
	Account    *account;

	if (!lock_account(ledger, member_id, program->id, wait))
		return NULL;
	account = account_from_slot(ledger->account.slot, program, SnapshotSelf);
	check_loaded(account);
	ExecClearTuple(ledger->account.slot);
	if (account->held > 0 && account->written_off > 0)
		ledger_load_write_offs(ledger, account);
	return account;
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
	Account    *account = palloc0(sizeof(Account));

	account->id = next_number("account_id_seq");
	account->member_id = member_id;
	account->program_id = program->id;
	account->due_at = DT_NOEND;
	account->frozen_until = DT_NOEND;
	account->inactive_months = -1;
	account->inactive_on = LOT_NEVER;
	account->clock = DT_NOBEGIN;
	account->clock_on = account->matured_on = DATEVAL_NOBEGIN;
	account->write_offs_loaded = true;
	lots_init(&account->lots);
	account->zone = program->zone;
	account->context = CurrentMemoryContext;
	ItemPointerSetInvalid(&account->tid);
	return account;
}

static void
put_account(const Account *account, TupleTableSlot *slot)
{
	Datum		values[ACCOUNT_COLUMNS];
	bool		nulls[ACCOUNT_COLUMNS] = {0};
	bytea	   *hash = palloc(VARHDRSZ + CHAIN_BYTES);

	SET_VARSIZE(hash, VARHDRSZ + CHAIN_BYTES);
	memcpy(VARDATA(hash), account->hash, CHAIN_BYTES);
	values[ACCOUNT_ID] = Int64GetDatum(account->id);
	values[ACCOUNT_MEMBER_ID] = Int64GetDatum(account->member_id);
	values[ACCOUNT_PROGRAM_ID] = Int32GetDatum(account->program_id);
	values[ACCOUNT_DUE_AT] = TimestampTzGetDatum(account->due_at);
	values[ACCOUNT_OPENED_AT] = TimestampTzGetDatum(account->opened_at);
	nulls[ACCOUNT_FROZEN] = account->frozen == FREEZE_NONE;
	values[ACCOUNT_FROZEN] = nulls[ACCOUNT_FROZEN] ? (Datum) 0 :
		CStringGetTextDatum(freeze_label(account->frozen));
	nulls[ACCOUNT_FROZEN_UNTIL] = account->frozen_until == DT_NOEND;
	values[ACCOUNT_FROZEN_UNTIL] = TimestampTzGetDatum(account->frozen_until);
	nulls[ACCOUNT_INACTIVE_MONTHS] = account->inactive_months < 0;
	values[ACCOUNT_INACTIVE_MONTHS] = Int32GetDatum(account->inactive_months);
	nulls[ACCOUNT_INACTIVE_ON] = account->inactive_months < 0;
	values[ACCOUNT_INACTIVE_ON] = DateADTGetDatum(account->inactive_on);
	values[ACCOUNT_CLOCK] = TimestampTzGetDatum(account->clock);
	values[ACCOUNT_CLOCK_ON] = DateADTGetDatum(account->clock_on);
	values[ACCOUNT_SEQ] = Int64GetDatum(account->seq);
	values[ACCOUNT_BALANCE] = Int64GetDatum(account->balance);
	values[ACCOUNT_USABLE] = Int64GetDatum(account->usable);
	values[ACCOUNT_DEBT] = Int64GetDatum(account->debt);
	values[ACCOUNT_HELD] = Int64GetDatum(account->held);
	values[ACCOUNT_WRITTEN_OFF] = Int64GetDatum(account->written_off);
	values[ACCOUNT_HASH] = PointerGetDatum(hash);
	values[ACCOUNT_LOTS] = PointerGetDatum(lots_encode(&account->lots));
	table_put(&account_map, slot, values, nulls);
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
	remember_written(account);
}

static void
store_hold(Ledger *ledger, Account *account, Hold *hold)
{
	LedgerTable *table = &ledger->hold;
	Datum		values[HOLD_COLUMNS];
	bool		nulls[HOLD_COLUMNS] = {0};

	hold_table_init(ledger);
	values[HOLD_ACCOUNT_ID] = Int64GetDatum(account->id);
	values[HOLD_SEQ] = Int64GetDatum(hold->seq);
	values[HOLD_UNTIL] = TimestampTzGetDatum(hold->until);
	values[HOLD_POINTS] = Int64GetDatum(hold->points);
	values[HOLD_REF] = CStringGetTextDatum(hold->ref);
	values[HOLD_LOTS] = PointerGetDatum(lots_encode(&hold->lots));
	table_put(&hold_map, table->slot, values, nulls);
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

	for (int i = 0; i < ledger->nbuffered; i++)
		ExecConstraints(table->info, ledger->buffer[i], ledger->estate);
	bulk = GetBulkInsertState();
	table_multi_insert(table->relation, ledger->buffer, ledger->nbuffered,
					   GetCurrentCommandId(true), 0, bulk);
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
	store_account(ledger, account);
	storing = false;
}

/*
 * Reading the journal back.  Rows of a locked account are ours alone, so
 * SnapshotSelf sees them right.
 */

/* An entry of a row, copied into the current memory context. */
Entry *
entry_from_slot(TupleTableSlot *slot)
{
	TupleDesc	tupdesc = slot->tts_tupleDescriptor;
	HeapTuple	copy = ExecCopySlotHeapTuple(slot);
	Datum	   *columns = palloc(tupdesc->natts * sizeof(Datum));
	bool	   *missing = palloc(tupdesc->natts * sizeof(bool));
	Datum		values[ENTRY_FIELDS];
	bool		nulls[ENTRY_FIELDS];

	heap_deform_tuple(copy, tupdesc, columns, missing);
	for (int i = 0; i < ENTRY_FIELDS; i++)
	{
		values[i] = columns[entry_map.attnums[i] - 1];
		nulls[i] = missing[entry_map.attnums[i] - 1];
	}
	return entry_from_values(values, nulls);
}

/*
 * Let a visitor see the entries that an index gives.  What is not written yet
 * is written first.
 */
static void
visit_entries(Ledger *ledger, Account *account, const char *index, ScanKeyData *keys, int nkeys,
			  bool forward, EntryVisitor visit, void *state)
{
	TableScan	scan;
	bool		go_on = true;

	ledger_write_entries(ledger, account);
	ledger_flush(ledger);
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account->id));
	scan_begin(&scan, ledger->entry.relation, index, SnapshotSelf, keys, nkeys);
	while (go_on && scan_next(&scan, forward))
	{
		CHECK_FOR_INTERRUPTS();
		go_on = visit(entry_from_slot(scan.slot), state);
	}
	scan_end(&scan);
}

void
ledger_entries_from(Ledger *ledger, Account *account, int64 seq, EntryVisitor visit, void *state)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[1], 2, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(seq));
	visit_entries(ledger, account, "entry_pkey", keys, 2, true, visit, state);
}

void
ledger_entries_back(Ledger *ledger, Account *account, EntryVisitor visit, void *state)
{
	ScanKeyData keys[1];

	visit_entries(ledger, account, "entry_pkey", keys, 1, false, visit, state);
}

void
ledger_entries_of(Ledger *ledger, Account *account, int64 of_seq, EntryVisitor visit, void *state)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(of_seq));
	visit_entries(ledger, account, "entry_of_seq", keys, 2, true, visit, state);
}

static bool
keep_entry(Entry *entry, void *state)
{
	*(Entry **) state = entry;
	return false;
}

Entry *
ledger_entry_by_seq(Ledger *ledger, Account *account, int64 seq)
{
	ScanKeyData keys[2];
	Entry	   *entry = NULL;

	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(seq));
	visit_entries(ledger, account, "entry_pkey", keys, 2, true, keep_entry, &entry);
	return entry;
}

/*
 * In a set, entries wait in the buffer and would have to be written before
 * each look-up of a ref.  Instead the refs of an account's new entries are
 * remembered, by a hash: a false hit costs an early write and no more.
 */
static uint64
ref_hash(Datum ref)
{
	text	   *string = DatumGetTextPP(ref);

	return hash_bytes_extended((const unsigned char *) VARDATA_ANY(string),
							   VARSIZE_ANY_EXHDR(string), 0);
}

static bool
set_has_ref(Account *account, Datum ref)
{
	uint64		hash = ref_hash(ref);

	return hash_search(account->refs, &hash, HASH_FIND, NULL) != NULL;
}

void
ledger_remember_ref(Account *account, Datum ref)
{
	uint64		hash = ref_hash(ref);

	if (account->refs == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = control.entrysize = sizeof(uint64);
		control.hcxt = account->context;
		account->refs = hash_create("loyalty refs of a set", 64, &control,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	(void) hash_search(account->refs, &hash, HASH_ENTER, NULL);
}

/* A set looks refs up by the thousand: the scan stays open until the ledger closes. */
static void
begin_refs(Ledger *ledger, ScanKeyData *keys)
{
	MemoryContext old = MemoryContextSwitchTo(ledger->context);

	scan_begin(&ledger->refs, ledger->entry.relation, "entry_ref", SnapshotSelf, keys, 2);
	ledger->refs_open = true;
	MemoryContextSwitchTo(old);
}

Entry *
ledger_entry_by_ref(Ledger *ledger, Account *account, Datum ref)
{
	ScanKeyData keys[2];
	Entry	   *entry = NULL;

	if (account->refs != NULL && set_has_ref(account, ref))
	{
		ledger_write_entries(ledger, account);
		ledger_flush(ledger);
	}
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account->id));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_TEXTEQ, ref);
	if (ledger->refs_open)
		scan_again(&ledger->refs, keys, 2);
	else
		begin_refs(ledger, keys);
	if (scan_next(&ledger->refs, true))
		entry = entry_from_slot(ledger->refs.slot);
	ExecClearTuple(ledger->refs.slot);
	return entry;
}

/* Gather the account's write-offs that nothing has made good yet (S13). */
typedef struct WriteOffScan
{
	Account    *account;
	List	   *captures;		/* seq of a capture, seq of its hold, … */
} WriteOffScan;

/* The use that an entry's points came back from. */
static int64
use_of(const WriteOffScan *scan, const Entry *entry)
{
	int64		of_seq = entry_points(entry, ENTRY_OF_SEQ);
	ListCell   *cell;

	foreach(cell, scan->captures)
	{
		const Entry *capture = lfirst(cell);

		if (entry_kind(entry) == KIND_CANCEL && entry_seq(capture) == of_seq)
			return entry_points(capture, ENTRY_OF_SEQ);
	}
	return of_seq;
}

static bool
gather_write_offs(Entry *entry, void *state)
{
	WriteOffScan *scan = state;
	int64		written_off = entry_points(entry, ENTRY_WRITTEN_OFF);
	int64		made_good = entry_points(entry, ENTRY_MADE_GOOD);

	if (entry_kind(entry) == KIND_CAPTURE)
		scan->captures = lappend(scan->captures, entry);
	if (written_off > 0)
		write_offs_add(&scan->account->write_offs, entry_seq(entry), written_off);
	if (made_good > 0)
		(void) write_offs_use(scan->account->write_offs, use_of(scan, entry), made_good);
	return true;
}

/* Read them with a snapshot; the account's entries are all written. */
void
account_load_write_offs(Account *account, Relation relation, Snapshot snapshot)
{
	WriteOffScan state = {account, NIL};
	MemoryContext old = MemoryContextSwitchTo(account->context);
	ScanKeyData key;
	TableScan	scan;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account->id));
	scan_begin(&scan, relation, "entry_pkey", snapshot, &key, 1);
	while (scan_next(&scan, true))
	{
		CHECK_FOR_INTERRUPTS();
		(void) gather_write_offs(entry_from_slot(scan.slot), &state);
	}
	scan_end(&scan);
	account->write_offs_loaded = true;
	MemoryContextSwitchTo(old);
}

void
ledger_load_write_offs(Ledger *ledger, Account *account)
{
	if (account->write_offs_loaded || account->written_off == 0)
		return;
	ledger_write_entries(ledger, account);
	ledger_flush(ledger);
	account_load_write_offs(account, ledger->entry.relation, SnapshotSelf);
}

/* What the sweeper wants to know of a row that the index of due_at gives. */
void
account_due(TupleTableSlot *slot, TimestampTz *due_at, int64 *id, int64 *member_id,
			int32 *program_id)
{
	bool		isnull;

	*due_at = DatumGetTimestampTz(slot_getattr(slot, account_map.attnums[ACCOUNT_DUE_AT], &isnull));
	*id = DatumGetInt64(slot_getattr(slot, account_map.attnums[ACCOUNT_ID], &isnull));
	*member_id = DatumGetInt64(slot_getattr(slot, account_map.attnums[ACCOUNT_MEMBER_ID], &isnull));
	*program_id = DatumGetInt32(slot_getattr(slot, account_map.attnums[ACCOUNT_PROGRAM_ID], &isnull));
}

/*
 * An account's figures as its row has them; false where the row is not the
 * answer for a time: there is none, something has fallen due, or the account
 * is past it.
 */
bool
account_figures(int64 member_id, int32 program_id, Snapshot snapshot, TimestampTz at,
				int64 *balance, int64 *usable, int64 *debt, int64 *held)
{
	Relation	relation = table_map_open(&account_map, AccessShareLock);
	const AttrNumber *attnums = account_map.attnums;
	ScanKeyData keys[2];
	TableScan	scan;
	bool		isnull;
	bool		found;

	account_keys(keys, member_id, program_id);
	scan_begin(&scan, relation, "account_pkey", snapshot, keys, 2);
	found = scan_next(&scan, true) &&
		DatumGetTimestampTz(slot_getattr(scan.slot, attnums[ACCOUNT_DUE_AT], &isnull)) > at &&
		DatumGetTimestampTz(slot_getattr(scan.slot, attnums[ACCOUNT_CLOCK], &isnull)) <= at;
	if (found)
	{
		*balance = DatumGetInt64(slot_getattr(scan.slot, attnums[ACCOUNT_BALANCE], &isnull));
		*usable = DatumGetInt64(slot_getattr(scan.slot, attnums[ACCOUNT_USABLE], &isnull));
		*debt = DatumGetInt64(slot_getattr(scan.slot, attnums[ACCOUNT_DEBT], &isnull));
		*held = DatumGetInt64(slot_getattr(scan.slot, attnums[ACCOUNT_HELD], &isnull));
	}
	scan_end(&scan);
	table_close(relation, AccessShareLock);
	return found;
}
