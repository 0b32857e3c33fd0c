/*
 * views.c
 *	  The insertable views: rows put into them are postings.
 *
 * Row by row, an INSTEAD OF trigger posts and fills what RETURNING shows.
 * For COPY, and for INSERT without RETURNING, the row triggers only check and
 * queue; an AFTER STATEMENT trigger has the queue posted (view_queue.c), which
 * stores each account once and writes the entries in bulk.
 *
 * Memory: a frame for each statement under way, in a context under
 * TopTransactionContext, made by the BEFORE STATEMENT trigger and deleted by
 * the AFTER STATEMENT one, or when its (sub)transaction aborts.
 */
#include "view_queue.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "parser/parsetree.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/*
 * Which statement runs a trigger: the innermost query, or a COPY
 */
static QueryDesc *running = NULL;
static ExecutorRun_hook_type next_executor_run = NULL;

/* ExecutorRun hook: remember which query is running. */
static void
remember_running(COMPAT_RUN_PARAMETERS)
{
	QueryDesc  *outer = running;

	running = query;
	PG_TRY();
	{
		if (next_executor_run)
			next_executor_run(COMPAT_RUN_ARGUMENTS);
		else
			standard_ExecutorRun(COMPAT_RUN_ARGUMENTS);
	}
	PG_FINALLY();
	{
		running = outer;
	}
	PG_END_TRY();
}

/* Is it an INSERT into this view, without RETURNING? */
static bool
is_set_insert(const PlannedStmt *statement, Oid view)
{
	if (statement->commandType != CMD_INSERT || statement->hasReturning ||
		statement->hasModifyingCTE || list_length(statement->resultRelations) != 1)
		return false;
	return rt_fetch(linitial_int(statement->resultRelations), statement->rtable)->relid == view;
}

/* Is it a COPY into this view? */
static bool
is_copy(const PlannedStmt *statement, Oid view)
{
	CopyStmt   *copy;

	if (statement->commandType != CMD_UTILITY || !IsA(statement->utilityStmt, CopyStmt))
		return false;
	copy = (CopyStmt *) statement->utilityStmt;
	return copy->is_from && copy->relation != NULL &&
		RangeVarGetRelid(copy->relation, NoLock, true) == view;
}

/* May the rows of the statement that fires a trigger be posted as a set? */
static bool
is_set_statement(Oid view)
{
	if (running != NULL)
		return is_set_insert(running->plannedstmt, view);
	return ActivePortal != NULL && list_length(ActivePortal->stmts) == 1 &&
		is_copy(linitial_node(PlannedStmt, ActivePortal->stmts), view);
}

/* The view's columns that show the result of a row. */
static const struct
{
	const char *column;
	EntryField	field;
} result_columns[] = {
	{"account", ENTRY_ACCOUNT_ID}, {"entry", ENTRY_SEQ}, {"change", ENTRY_POINTS},
	{"balance", ENTRY_BALANCE}, {"usable", ENTRY_USABLE}
};

/*
 * Frames
 */
typedef struct Frame
{
	struct Frame *outer;
	MemoryContext context;
	int			level;			/* nesting level of its transaction */
	const Verb *verb;
	int			columns[PARAMETERS];	/* of the view, by parameter; 0: none */
	int			results[lengthof(result_columns)];	/* ... and those that show the result */
	int			repeat;
	bool	   *is_parameter;	/* by column of the view */
	bool		set;			/* rows are queued, and posted at the end */
	Queue	   *queue;			/* ... into this one */
} Frame;

static Frame *frames = NULL;

/* Delete the frames of a transaction level and of the levels below it. */
static void
drop_frames(int level)
{
	while (frames != NULL && frames->level >= level)
	{
		Frame	   *frame = frames;

		frames = frame->outer;
		MemoryContextDelete(frame->context);
	}
}

/* Transaction callback: forget all frames. */
static void
set_transaction_ended(XactEvent event, void *arg)
{
	/* the frames are freed with TopTransactionContext */
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
	{
		frames = NULL;
		running = NULL;
	}
}

/* Subtransaction callback: delete the frames of a subtransaction that aborts. */
static void
set_subtransaction_ended(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
						 void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		drop_frames(GetCurrentTransactionNestLevel());
}

void
set_init(void)
{
	next_executor_run = ExecutorRun_hook;
	ExecutorRun_hook = remember_running;
	RegisterXactCallback(set_transaction_ended, NULL);
	RegisterSubXactCallback(set_subtransaction_ended, NULL);
}

/* The number of a view's column that shows a result; it must have the given type. */
static int
result_column(TupleDesc view, const char *name, Oid type)
{
	int			number = SPI_fnumber(view, name);

	if (number <= 0 || TupleDescAttr(view, number - 1)->atttypid != type)
		elog(ERROR, "view has no column \"%s\" of type %s", name, format_type_be(type));
	return number;
}

/* Find the verb's parameters among the view's columns. */
static void
map_columns(Frame *frame, TupleDesc view)
{
	for (int i = 0; i < frame->verb->nparameters; i++)
	{
		Parameter	parameter = frame->verb->parameters[i];

		for (int column = 0; column < view->natts; column++)
			if (strcmp(NameStr(TupleDescAttr(view, column)->attname),
					   parameter_name(parameter)) == 0 &&
				TupleDescAttr(view, column)->atttypid == parameter_type(parameter))
				frame->columns[parameter] = column + 1;
		if (frame->columns[parameter] == 0)
			elog(ERROR, "view of %s has no column \"%s\"", frame->verb->name,
				 parameter_name(parameter));
	}
	frame->is_parameter = palloc0(view->natts * sizeof(bool));
	for (Parameter parameter = 0; parameter < PARAMETERS; parameter++)
		if (frame->columns[parameter] != 0)
			frame->is_parameter[frame->columns[parameter] - 1] = true;
	for (int i = 0; i < lengthof(result_columns); i++)
		frame->results[i] = result_column(view, result_columns[i].column, INT8OID);
	frame->repeat = result_column(view, "repeat", BOOLOID);
}

/*
 * Can the rows of a verb be posted as a set?  Each must belong to exactly one
 * account, which exists.
 */
static bool
verb_has_set(const Verb *verb)
{
	return verb->kind != KIND_ENROLL && verb->kind != KIND_TRANSFER_OUT && verb->kind != KIND_RENAME_MEMBER;
}

/*
 * BEFORE STATEMENT: make a frame for the statement, and a queue if its rows can
 * be posted as a set.
 */
static void
begin_statement(TriggerData *trigger)
{
	MemoryContext context = AllocSetContextCreate(TopTransactionContext, "loyalty set",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Frame	   *frame = palloc0(sizeof(Frame));

	frame->context = context;
	frame->level = GetCurrentTransactionNestLevel();
	frame->verb = verb_by_name(trigger->tg_trigger->tgargs[0]);
	frame->outer = frames;
	map_columns(frame, RelationGetDescr(trigger->tg_relation));
	frame->set = verb_has_set(frame->verb) &&
		is_set_statement(RelationGetRelid(trigger->tg_relation));
	if (frame->set)
		frame->queue = queue_begin(frame->verb);
	MemoryContextSwitchTo(old);
	frames = frame;
}

/* The frame of the statement that fires a trigger; it must have been made by BEFORE STATEMENT. */
static Frame *
frame_of(TriggerData *trigger)
{
	if (frames == NULL || strcmp(frames->verb->name, trigger->tg_trigger->tgargs[0]) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("the statement triggers of view \"%s.%s\" did not fire", LOYALTY_SCHEMA,
						RelationGetRelationName(trigger->tg_relation)),
				 errhint("Enable them again, or restore from a backup.")));
	return frames;
}

/*
 * Refuse values for columns that show results; NULL is accepted, and false,
 * which is the default.
 */
static void
refuse_results(const Frame *frame, TupleTableSlot *row)
{
	TupleDesc	view = row->tts_tupleDescriptor;

	for (int i = 0; i < view->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(view, i);

		if (frame->is_parameter[i] || row->tts_isnull[i] ||
			(column->atttypid == BOOLOID && !DatumGetBool(row->tts_values[i])))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of view \"%s.%s\" shows a result and cannot be set",
						NameStr(column->attname), LOYALTY_SCHEMA, frame->verb->view)));
	}
}

/* Make a request from a row of the view. */
static void
read_request(const Frame *frame, TupleTableSlot *row, Request *request)
{
	const Verb *verb = frame->verb;

	request->verb = verb;
	memset(request->nulls, true, sizeof(request->nulls));
	slot_getallattrs(row);
	for (int i = 0; i < verb->nparameters; i++)
	{
		Parameter	parameter = verb->parameters[i];
		int			column = frame->columns[parameter] - 1;

		request->values[parameter] = row->tts_values[column];
		request->nulls[parameter] = row->tts_isnull[column];
	}
	refuse_results(frame, row);
}

/* AFTER STATEMENT: post the queue, if there is one, and delete the frame. */
static void
end_statement(TriggerData *trigger)
{
	Frame	   *frame = frame_of(trigger);
	MemoryContext old = MemoryContextSwitchTo(frame->context);

	/* users' triggers that this fires may begin statements of their own */
	frames = frame->outer;
	if (frame->queue)
		queue_post(frame->queue);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(frame->context);
}

/*
 * Row by row
 */

/*
 * Fill the columns that show the result, and those in which a default was used:
 * program and amount.
 */
static HeapTuple
fill_result(const Frame *frame, TriggerData *trigger, const Posting *posting)
{
	const Entry *entry = posting->entry;
	TupleDesc	view = RelationGetDescr(trigger->tg_relation);
	int			columns[lengthof(result_columns) + 3];
	Datum		values[lengthof(result_columns) + 3];
	bool		nulls[lengthof(result_columns) + 3] = {false};
	int			n = 0;

	for (; n < lengthof(result_columns); n++)
	{
		columns[n] = frame->results[n];
		values[n] = entry->values[result_columns[n].field];
		if (result_columns[n].field == ENTRY_BALANCE)
			values[n] = Int64GetDatum(entry_points(entry, ENTRY_BALANCE) -
									  entry_points(entry, ENTRY_EXPIRED));
	}
	columns[n] = frame->repeat;
	values[n++] = BoolGetDatum(posting->repeat);
	columns[n] = frame->columns[P_PROGRAM];
	values[n++] = CStringGetTextDatum(posting->program->code);
	if (frame->columns[P_AMOUNT] != 0)
	{
		columns[n] = frame->columns[P_AMOUNT];
		nulls[n] = entry->nulls[ENTRY_AMOUNT];
		values[n++] = entry->values[ENTRY_AMOUNT];
	}
	return heap_modify_tuple_by_cols(trigger->tg_trigtuple, view, n, columns, values, nulls);
}

/* Post a row by itself; returns the row with its result. */
static HeapTuple
post_row(const Frame *frame, TriggerData *trigger, Request *request)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "loyalty posting",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Posting		posting;
	HeapTuple	result;

	posting_run(request, &posting);
	MemoryContextSwitchTo(old);
	result = fill_result(frame, trigger, &posting);
	MemoryContextDelete(context);
	return result;
}

/*
 * The triggers of an insertable view: BEFORE STATEMENT, INSTEAD OF each row,
 * and AFTER STATEMENT.
 */
PG_FUNCTION_INFO_V1(set_trigger);
Datum
set_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Frame	   *frame;
	Request		request;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("loyalty._set_trigger can be used only by the extension's own views")));
	if (TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
	{
		if (TRIGGER_FIRED_BEFORE(trigger->tg_event))
			begin_statement(trigger);
		else
			end_statement(trigger);
		return PointerGetDatum(NULL);
	}
	frame = frame_of(trigger);
	read_request(frame, trigger->tg_trigslot, &request);
	if (frame->set)
	{
		queue_add(frame->queue, &request);
		/*
		 * return a copy: the executor frees the row that it passed only if it
		 * gets another one back
		 */
		return PointerGetDatum(heap_copytuple(trigger->tg_trigtuple));
	}
	return PointerGetDatum(post_row(frame, trigger, &request));
}

/* Trigger that refuses UPDATE and DELETE of an insertable view. */
PG_FUNCTION_INFO_V1(set_refuse);
Datum
set_refuse(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "set_refuse must be called as a trigger");
	ereport(ERROR,
			(errcode(ERRCODE_LY_GUARDED),
			 errmsg("postings cannot be changed: view \"%s.%s\" takes INSERT and COPY only",
					LOYALTY_SCHEMA, RelationGetRelationName(trigger->tg_relation)),
			 errhint("Undo a posting with refund, cancel, release or adjust.")));
	return PointerGetDatum(NULL);	/* not reached */
}

/* The default of a view's result column; evaluating it loads the library. */
PG_FUNCTION_INFO_V1(set_not_posted);
Datum
set_not_posted(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(false);
}
