/*
 * view_queue.c
 *	  The rows of a set, queued by account and posted account by account.
 *
 * The queue is a tuplesort by account and number of the row: it keeps to
 * work_mem and spills to disk.  Accounts are locked in ascending order of id,
 * so that two sets cannot deadlock.  If there are budgets, all accounts are
 * locked before the first posting, because a posting locks budgets after its
 * account.
 */
#include "view_queue.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

#include "member.h"

struct Queue
{
	const Verb *verb;
	MemoryContext context;
	bool		locks_first;	/* all accounts, before any budget */
	Tuplesortstate *sort;
	TupleTableSlot *slot;
	int64		nrows;
	HTAB	   *members;		/* known accounts, by key */
};

/* A row of the queue: account, number of the row, member and program, parameters. */
enum
{
	QUEUE_ACCOUNT, QUEUE_ROW, QUEUE_MEMBER, QUEUE_PROGRAM, QUEUE_PARAMETERS
};

/* Begin a queue of a verb's requests, in the current memory context. */
Queue *
queue_begin(const Verb *verb)
{
	Queue	   *queue = palloc0(sizeof(Queue));
	TupleDesc	queued = CreateTemplateTupleDesc(QUEUE_PARAMETERS + verb->nparameters);
	AttrNumber	keys[] = {QUEUE_ACCOUNT + 1, QUEUE_ROW + 1};
	Oid			less[] = {Int8LessOperator, Int8LessOperator};
	Oid			collations[] = {InvalidOid, InvalidOid};
	bool		nulls_first[] = {false, false};

	TupleDescInitEntry(queued, QUEUE_ACCOUNT + 1, "account", INT8OID, -1, 0);
	TupleDescInitEntry(queued, QUEUE_ROW + 1, "row", INT8OID, -1, 0);
	TupleDescInitEntry(queued, QUEUE_MEMBER + 1, "member", INT8OID, -1, 0);
	TupleDescInitEntry(queued, QUEUE_PROGRAM + 1, "program", INT4OID, -1, 0);
	for (int i = 0; i < verb->nparameters; i++)
		TupleDescInitEntry(queued, QUEUE_PARAMETERS + i + 1,
						   parameter_name(verb->parameters[i]),
						   parameter_type(verb->parameters[i]), -1, 0);
	queue->verb = verb;
	queue->context = CurrentMemoryContext;
	queue->locks_first = program_any_budget();
	queue->slot = MakeSingleTupleTableSlot(queued, &TTSOpsMinimalTuple);
	queue->sort = tuplesort_begin_heap(queued, 2, keys, less, collations, nulls_first,
									   work_mem, NULL,
									   queue->locks_first ? TUPLESORT_RANDOMACCESS : TUPLESORT_NONE);
	return queue;
}

/*
 * Queueing
 */
#define KNOWN_KEY_BYTES 64
#define KNOWN_MEMBERS 16384

typedef struct KnownMember
{
	char		key[KNOWN_KEY_BYTES];	/* the program's id, the member's key */
	int64		member_id;
	int64		account_id;
} KnownMember;

/* Find a member's id and the id of the member's account; it is an error if either is missing. */
static void
find_account_of(const char *key, const Program *program, int64 *member, int64 *account)
{
	*member = member_id(key);
	if (*member == 0)
		member_unknown(key);
	*account = account_id(*member, program->id);
	if (*account == 0)
		posting_not_enrolled(key, program);
}

/* The same, but remember thousands of members of this statement. */
static void
find_known_account(Queue *queue, const char *key, const Program *program,
				   int64 *member, int64 *account)
{
	char		known_key[KNOWN_KEY_BYTES] = {0};
	KnownMember *known;
	bool		found;

	memcpy(known_key, &program->id, sizeof(int32));
	if (strlcpy(known_key + sizeof(int32), key, KNOWN_KEY_BYTES - sizeof(int32)) >=
		KNOWN_KEY_BYTES - sizeof(int32))
	{
		find_account_of(key, program, member, account);
		return;
	}
	if (queue->members != NULL && hash_get_num_entries(queue->members) >= KNOWN_MEMBERS)
	{
		hash_destroy(queue->members);
		queue->members = NULL;
	}
	if (queue->members == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = KNOWN_KEY_BYTES;
		control.entrysize = sizeof(KnownMember);
		control.hcxt = queue->context;
		queue->members = hash_create("loyalty members of a set", 1024, &control,
									 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	known = hash_search(queue->members, known_key, HASH_FIND, NULL);
	if (known == NULL)
	{
		find_account_of(key, program, member, account);
		known = hash_search(queue->members, known_key, HASH_ENTER, &found);
		known->member_id = *member;
		known->account_id = *account;
	}
	*member = known->member_id;
	*account = known->account_id;
}

/* Check a row and put it into the queue. */
void
queue_add(Queue *queue, Request *request)
{
	const Program *program;
	TupleTableSlot *slot = queue->slot;
	int64		member;
	int64		account;
	Datum	   *values;
	bool	   *nulls;

	ledger_check();
	request_check(request);
	program = request_program(request);
	find_known_account(queue, ask_text(request, P_MEMBER), program, &member, &account);

	ExecClearTuple(slot);
	values = slot->tts_values;
	nulls = slot->tts_isnull;
	memset(nulls, false, QUEUE_PARAMETERS);
	values[QUEUE_ACCOUNT] = Int64GetDatum(account);
	values[QUEUE_ROW] = Int64GetDatum(++queue->nrows);
	values[QUEUE_MEMBER] = Int64GetDatum(member);
	values[QUEUE_PROGRAM] = Int32GetDatum(program->id);
	for (int i = 0; i < queue->verb->nparameters; i++)
	{
		Parameter	parameter = queue->verb->parameters[i];

		values[QUEUE_PARAMETERS + i] = request->values[parameter];
		nulls[QUEUE_PARAMETERS + i] = request->nulls[parameter];
	}
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(queue->sort, slot);
}

/*
 * Posting the queue
 */
typedef struct SetRun
{
	Queue	   *queue;
	Ledger	   *ledger;
	Account    *account;		/* that is being posted to */
	const Program *program;
	MemoryContext account_context;	/* reset after each account */
	MemoryContext posting_context;	/* reset after each posting */
	bool		posted;			/* something was posted to the account */
	int64		row;			/* its number, for messages */
	char		member[MAX_KEY_BYTES + 1];	/* empty: between accounts */
	char		ref[MAX_KEY_BYTES + 1];
} SetRun;

/* Error context callback: name the row of the statement that is being posted. */
static void
name_the_row(void *arg)
{
	SetRun	   *run = arg;

	if (run->member[0] != '\0')
		errcontext("loyalty.%s, row " INT64_FORMAT " of the statement: member \"%s\", ref \"%s\"",
				   run->queue->verb->view, run->row, run->member, run->ref);
}

/* Store the account if anything was posted to it, and free the memory that it used. */
static void
finish_account(SetRun *run)
{
	if (run->account == NULL)
		return;
	if (run->posted)
		ledger_store(run->ledger, run->account);
	run->account = NULL;
	run->posted = false;
	MemoryContextReset(run->posting_context);
	MemoryContextReset(run->account_context);
}

/* Lock and load the account to which the next rows are posted. */
static void
begin_account(SetRun *run, int64 member, int32 program_id)
{
	MemoryContext old = MemoryContextSwitchTo(run->account_context);

	run->program = program_by_id(program_id);
	run->account = ledger_load(run->ledger, member, run->program, LockWaitBlock);
	if (run->account == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("an account of the set no longer exists")));
	MemoryContextSwitchTo(old);
}

/*
 * Post the queue's row that is in the slot; if it belongs to another account,
 * finish the one before.
 */
static void
post_queued(SetRun *run)
{
	Queue	   *queue = run->queue;
	TupleTableSlot *slot = queue->slot;
	Request		request;
	int64		account = DatumGetInt64(slot->tts_values[QUEUE_ACCOUNT]);

	if (run->account == NULL || run->account->id != account)
	{
		finish_account(run);
		run->member[0] = '\0';
		begin_account(run, DatumGetInt64(slot->tts_values[QUEUE_MEMBER]),
					  DatumGetInt32(slot->tts_values[QUEUE_PROGRAM]));
	}
	request.verb = queue->verb;
	memset(request.nulls, true, sizeof(request.nulls));
	for (int i = 0; i < queue->verb->nparameters; i++)
	{
		Parameter	parameter = queue->verb->parameters[i];

		request.values[parameter] = slot->tts_values[QUEUE_PARAMETERS + i];
		request.nulls[parameter] = slot->tts_isnull[QUEUE_PARAMETERS + i];
	}
	request_fingerprint(&request);
	run->row = DatumGetInt64(slot->tts_values[QUEUE_ROW]);
	strlcpy(run->member, ask_text(&request, P_MEMBER), sizeof(run->member));
	strlcpy(run->ref, ask_text(&request, P_REF), sizeof(run->ref));
	if (posting_apply(&request, run->ledger, run->program, run->account))
		run->posted = true;
}

/* Lock the accounts of the queue in their order, then rewind the queue. */
static void
lock_queued(SetRun *run)
{
	Queue	   *queue = run->queue;
	TupleTableSlot *slot = queue->slot;
	int64		locked = 0;

	while (tuplesort_gettupleslot(queue->sort, true, false, slot, NULL))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		if (DatumGetInt64(slot->tts_values[QUEUE_ACCOUNT]) == locked)
			continue;
		locked = DatumGetInt64(slot->tts_values[QUEUE_ACCOUNT]);
		ledger_lock(run->ledger, DatumGetInt64(slot->tts_values[QUEUE_MEMBER]),
					DatumGetInt32(slot->tts_values[QUEUE_PROGRAM]));
		MemoryContextReset(run->posting_context);
	}
	tuplesort_rescan(queue->sort);
}

/* Post what is queued. */
static void
post_all(Queue *queue)
{
	SetRun		run = {0};
	ErrorContextCallback context;
	MemoryContext old;

	tuplesort_performsort(queue->sort);
	run.queue = queue;
	run.account_context = AllocSetContextCreate(queue->context, "loyalty account",
												ALLOCSET_DEFAULT_SIZES);
	run.posting_context = AllocSetContextCreate(queue->context, "loyalty posting",
												ALLOCSET_DEFAULT_SIZES);
	run.ledger = ledger_open();
	context.callback = name_the_row;
	context.arg = &run;
	context.previous = error_context_stack;
	error_context_stack = &context;
	old = MemoryContextSwitchTo(run.posting_context);
	if (queue->locks_first)
		lock_queued(&run);
	while (tuplesort_gettupleslot(queue->sort, true, false, queue->slot, NULL))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(queue->slot);
		post_queued(&run);
		MemoryContextReset(run.posting_context);
	}
	finish_account(&run);
	MemoryContextSwitchTo(old);
	error_context_stack = context.previous;
	ledger_close(run.ledger);
	CommandCounterIncrement();
}

/* Post what is queued, and end the queue. */
void
queue_post(Queue *queue)
{
	if (queue->nrows > 0)
		post_all(queue);
	ExecDropSingleTupleTableSlot(queue->slot);
	tuplesort_end(queue->sort);
}
