/*
 * sweep.c
 *	  Settling accounts that nobody touches (S28): one, or a batch of those
 *	  that are due.
 */
#include "posting.h"

#include "access/xact.h"
#include "access/table.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "member.h"

/* Settle a loaded account up to a time, and store it; returns the number of entries posted. */
static int
settle_account(Ledger *ledger, Account *account, TimestampTz to)
{
	TimestampTz due_at = account->due_at;
	int			made;

	if (account->held > 0)
		ledger_load_write_offs(ledger, account);
	account_settle(account, to);
	made = list_length(account->entries);
	if (made > 0 || account->due_at != due_at)
		ledger_store(ledger, account);
	return made;
}

/*
 * settle(member, at, program): settle an account up to a time that is not later
 * than now; returns the number of entries posted.
 */
PG_FUNCTION_INFO_V1(settle_member);
Datum
settle_member(PG_FUNCTION_ARGS)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "loyalty settle",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	TimestampTz now;
	TimestampTz to;
	const Program *program;
	Ledger	   *ledger;
	Account    *account;
	char	   *key;
	int64		id;
	int			made;

	ledger_check();
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("settle: member must not be NULL")));
	key = text_to_cstring(PG_GETARG_TEXT_PP(0));
	program = PG_ARGISNULL(2) ? program_default() :
		program_by_code(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	ledger = ledger_open();
	id = member_id(key);
	if (id == 0)
		member_unknown(key);
	account = ledger_load(ledger, id, program, LockWaitBlock);
	if (account == NULL)
		posting_not_enrolled(key, program);
	now = GetCurrentTimestamp();
	to = PG_ARGISNULL(1) ? now : Min(now, PG_GETARG_TIMESTAMPTZ(1));
	made = settle_account(ledger, account, to);
	ledger_close(ledger);
	CommandCounterIncrement();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	PG_RETURN_INT32(made);
}

/*
 * Batches
 */

/* An account that is due, as the index shows it. */
typedef struct Due
{
	TimestampTz due_at;
	int64		id;
	int64		member_id;
	int32		program_id;
} Due;

/* Does (due_at, id) come after the end of the batch before? */
static bool
is_after(const Due *due, TimestampTz after_due, int64 after_id)
{
	return due->due_at > after_due || (due->due_at == after_due && due->id > after_id);
}

/* Gather the next accounts that are due, in the order of the index; returns how many. */
static int
gather_due(TimestampTz to, TimestampTz after_due, int64 after_id, Due *batch, int limit)
{
	Relation	relation = table_map_open(&account_map, AccessShareLock);
	ScanKeyData keys[2];
	TableScan	scan;
	int			count = 0;

	ScanKeyInit(&keys[0], 1, BTLessEqualStrategyNumber, F_TIMESTAMPTZ_LE, TimestampTzGetDatum(to));
	ScanKeyInit(&keys[1], 1, BTGreaterEqualStrategyNumber, F_TIMESTAMPTZ_GE,
				TimestampTzGetDatum(after_due));
	scan_begin(&scan, relation, &account_due_at, GetLatestSnapshot(), keys, 2);
	while (count < limit && scan_next(&scan, true))
	{
		Due		   *due = &batch[count];

		account_due(scan.slot, &due->due_at, &due->id, &due->member_id, &due->program_id);
		if (is_after(due, after_due, after_id))
			count++;
	}
	scan_end(&scan);
	table_close(relation, AccessShareLock);
	return count;
}

static int
compare_due(const void *a, const void *b)
{
	int64		one = ((const Due *) a)->id;
	int64		other = ((const Due *) b)->id;

	return one < other ? -1 : one > other;
}

/*
 * Settle a batch in the order of ids; accounts that another session has locked
 * are left out. Returns the number of entries posted.
 */
static int64
settle_batch(Due *batch, int count, TimestampTz to, int64 *accounts)
{
	Ledger	   *ledger = ledger_open();
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "loyalty sweep account",
												  ALLOCSET_DEFAULT_SIZES);
	int64		entries = 0;

	qsort(batch, count, sizeof(Due), compare_due);
	for (int i = 0; i < count; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		Account    *account = ledger_load(ledger, batch[i].member_id,
										  program_by_id(batch[i].program_id), LockWaitSkip);

		CHECK_FOR_INTERRUPTS();
		if (account != NULL)
		{
			entries += settle_account(ledger, account, to);
			(*accounts)++;
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	ledger_close(ledger);
	CommandCounterIncrement();
	return entries;
}

/*
 * sweep_batch(due_by, batch, after_due_at, after_id): settle the next accounts
 * that are due.  Returns where the batch ended, how many accounts it had, how
 * many were settled, and how many entries were posted; NULL if no account is
 * due.
 */
PG_FUNCTION_INFO_V1(sweep_batch);
Datum
sweep_batch(PG_FUNCTION_ARGS)
{
	TimestampTz to = Min(PG_GETARG_TIMESTAMPTZ(0), GetCurrentTimestamp());
	int			limit = PG_GETARG_INT32(1);
	Due		   *batch;
	Due			last;
	TupleDesc	tupdesc;
	Datum		values[5];
	bool		nulls[5] = {false};
	int64		accounts = 0;
	int64		entries;
	int			count;

	ledger_check();
	if (limit < 1 || limit > 100000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("sweep: batch must be from 1 to 100000: %d", limit)));
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	batch = palloc(limit * sizeof(Due));
	count = gather_due(to, PG_GETARG_TIMESTAMPTZ(2), PG_GETARG_INT64(3), batch, limit);
	if (count == 0)
		PG_RETURN_NULL();
	last = batch[count - 1];
	entries = settle_batch(batch, count, to, &accounts);
	values[0] = TimestampTzGetDatum(last.due_at);
	values[1] = Int64GetDatum(last.id);
	values[2] = Int64GetDatum(count);
	values[3] = Int64GetDatum(accounts);
	values[4] = Int64GetDatum(entries);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls));
}
