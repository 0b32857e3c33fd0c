/*
 * ledger.c
 *	  Opening and closing a ledger, and loading accounts.
 *
 * One EState serves all tables, so that users' AFTER triggers and foreign keys
 * work.  ledger_lock.c finds and locks accounts, ledger_store.c writes, account_row.c knows the
 * columns, ledger_read.c reads the journal back.
 */
#include "ledger_parts.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_extension.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "tablemap.h"

void
ledger_init(void)
{
	lock_init();
	store_init();
}

/*
 * Opening and closing
 */

static void check_version(void);

/* Check whether a posting may begin at all, before it reads or writes anything. */
void
ledger_check(void)
{
	PreventCommandIfReadOnly("a loyalty posting");
	PreventCommandIfParallelMode("a loyalty posting");
	PreventCommandDuringRecovery("a loyalty posting");
	if (InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_LY_REENTRANT),
				 errmsg("cannot post within a rule"),
				 errdetail("A function that is declared immutable tried to post while a rule was being evaluated, or an index or a view was being maintained."),
				 errhint("Rule expressions cannot post; call the function outside the rule.")));
	if (store_under_way())
		ereport(ERROR,
				(errcode(ERRCODE_LY_REENTRANT),
				 errmsg("cannot post within a posting"),
				 errdetail("A trigger that fired while an account was being stored tried to post."),
				 errhint("Post from an AFTER trigger, or outside the posting.")));
	check_version();
}

/*
 * Raise LY_VERSION unless the installed extension has the library's version;
 * checked once per backend.
 */
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
				 errmsg("extension \"loyalty\" has version %s, but its library has version %s",
						version ? version : "none", LOYALTY_VERSION),
				 errhint("Run ALTER EXTENSION loyalty UPDATE, then reconnect.")));
	checked = true;
}

/*
 * Open account and entry for writing, in a memory context of the ledger's own.
 * The caller has called ledger_check.
 */
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
	writable_open(&ledger->account, &account_map);
	writable_open(&ledger->entry, &entry_map);
	ledger->estate = CreateExecutorState();
	ledger->range = list_make2(writable_range(&ledger->account, &ledger->perminfos),
							   writable_range(&ledger->entry, &ledger->perminfos));
	writable_init_range(ledger);
	ledger->estate->es_output_cid = GetCurrentCommandId(false);
	writable_init(ledger, &ledger->account, 1);
	writable_init(ledger, &ledger->entry, 2);
	writable_open_indexes(ledger, &ledger->entry);
	store_lend_checks(ledger);
	AfterTriggerBeginQuery();
	MemoryContextSwitchTo(old);
	return ledger;
}

/*
 * Write the buffered entries and the changed budgets, fire users' AFTER
 * triggers, and close the ledger.
 */
void
ledger_close(Ledger *ledger)
{
	MemoryContext old = MemoryContextSwitchTo(ledger->context);

	ledger_flush(ledger);
	store_budgets(ledger);
	AfterTriggerEndQuery(ledger->estate);
	if (ledger->refs_open)
		scan_end(&ledger->refs);
	for (int i = 1; i < ledger->nslots; i++)
		ExecDropSingleTupleTableSlot(ledger->buffer[i]);
	writable_close(&ledger->account);
	writable_close(&ledger->entry);
	writable_close(&ledger->hold);
	writable_close(&ledger->tally);
	writable_close(&ledger->usage);
	writable_close(&ledger->budget);
	ExecResetTupleTable(ledger->estate->es_tupleTable, false);
	FreeExecutorState(ledger->estate);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(ledger->context);
}

/*
 * Loading
 */

/* Check the invariants of a loaded account; they are also checked before it is written. */
static void
check_loaded(const Account *account)
{
	if (account->balance != lots_total(&account->lots) + account->held - account->debt ||
		account->debt < 0 || account->held < 0 || (account->debt > 0 && account->usable > 0))
		ereport(ERROR,
				(errcode(ERRCODE_LY_DAMAGED),
				 errmsg("account " INT64_FORMAT " is corrupted: its balance does not match its lots", account->id),
				 errhint("Run loyalty.verify().")));
}

/*
 * Lock an account's row and load the account.  Returns NULL if there is none,
 * or if wait is LockWaitSkip and another session has locked the row.
 */
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

/* Lock an account's row, so that it can be loaded later. */
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

/* Make an account that is not stored yet, with a new id, in the current memory context. */
Account *
ledger_new_account(Ledger *ledger, int64 member_id, const Program *program)
{
	Account    *account = palloc(sizeof(Account));

	account_blank(account, program->zone);
	account->id = next_number("account_id_seq");
	account->member_id = member_id;
	account->program_id = program->id;
	account->program = program;
	account->book = program->book;
	account->write_offs_loaded = true;
	return account;
}
