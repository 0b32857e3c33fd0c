/*
 * trigger.c
 *	  The triggers of tracked tables: the ledger follows the rows.
 *
 * No change is posted as such.  From the row as it stands comes a target (the
 * order counts, with an amount; or it does not), from the journal what has
 * been posted under the order's refs and not returned; the difference is
 * posted.  So changes may come in any order, many in one transaction, and
 * rolled back in parts, and the ledger agrees after each.
 */
#include "order.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "money.h"

/*
 * From the row to the ledger
 */

/* Check the amount of an order that counts: it must not be NULL, and must be valid money. */
static void
check_amount(const Follow *follow, const OrderKey *key, Numeric amount)
{
	if (amount == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the amount of tracked order \"%s\" is NULL", key->ref),
				 errhint("An order that earns points must have an amount. Query loyalty.tracked to see which orders count.")));
	money_check(amount, psprintf("tracked order \"%s\": amount", key->ref));
}

/* The reason that returns get. */
static void
because(Follow *follow, const char *reason)
{
	follow->reason = psprintf(reason, follow->verb->kind == KIND_PURCHASE ? "order" : "activity");
}

/* What the ledger had of an order. */
typedef enum Trace
{
	TRACE_NONE,
	TRACE_RETURNED,				/* posted, and nothing was left */
	TRACE_LIVE
} Trace;

/* The order does not count: return all of it. */
static Trace
follow_absent(const Follow *follow, const OrderKey *key)
{
	Order		order;
	bool		live;
	Trace		trace;

	if (!order_key_complete(key) || !order_open(follow, key, NULL, &order))
		return TRACE_NONE;
	(void) order_posted(&order, &live);
	trace = live ? TRACE_LIVE : order.posted == NIL ? TRACE_NONE : TRACE_RETURNED;
	if (live)
		order_return_all(&order);
	order_close(&order);
	return trace;
}

/* Reject a new ref for an order that has been posted. */
static void
refuse_rename(const Follow *follow, const OrderKey *old, const OrderKey *new)
{
	Order		order;
	bool		live;

	if (!order_key_complete(old) || same_text(old->ref, new->ref) ||
		!order_open(follow, old, NULL, &order))
		return;
	(void) order_posted(&order, &live);
	order_close(&order);
	if (live)
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("the ref of tracked order \"%s\" cannot be changed because the order has been posted", old->ref),
				 errdetail("The ledger identifies the order by its ref."),
				 errhint("Cancel or DELETE the order, then INSERT it under its new ref.")));
}

/*
 * The order counts, or stands as it did; fresh: it is posted if it was not; same:
 * the row asks what it asked before, so what is posted and not returned stays,
 * and returns by hand stand.
 */
static void
follow_row(const Follow *follow, const OrderKey *key, TupleTableSlot *row, Standing standing,
		   bool fresh, bool same)
{
	const Tracking *tracking = follow->tracking;
	Order		order;
	Numeric		amount = NULL;
	Jsonb	   *lines = NULL;
	bool		live;

	if (key->member == NULL || key->program == NULL)
		return;					/* a guest's */
	if (key->ref == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the ref of a tracked order must not be NULL"),
				 errdetail("The ref is column \"%s\" of table \"%s\"; the order belongs to member \"%s\".",
						   get_attname(RelationGetRelid(follow->relation), tracking->columns[ROLE_REF], false),
						   RelationGetRelationName(follow->relation), key->member)));
	order_check_ref(key);
	if (OidIsValid(tracking->other))
		lines = tracked_lines(follow->relation, tracking, row, &amount);
	if (tracking->columns[ROLE_AMOUNT] != 0)
		amount = tracked_money(tracking, row, tracking->columns[ROLE_AMOUNT]);
	if (!order_open(follow, key, fresh ? row : NULL, &order))
		return;
	(void) order_posted(&order, &live);
	if (order.posted == NIL ? fresh : live ? !same : standing == PRESENT)
	{
		if (order.follow->verb->kind == KIND_PURCHASE)
			check_amount(follow, key, amount);
		order_converge(&order, row, amount, lines, standing == PRESENT || fresh);
	}
	order_close(&order);
}

/* Do two versions of a row ask the same of the ledger? */
static bool
same_target(const Follow *follow, TupleTableSlot *old, TupleTableSlot *new)
{
	AttrNumber	amount = follow->tracking->columns[ROLE_AMOUNT];

	return tracked_same_column(old, new, follow->tracking->columns[ROLE_KEY]) &&
		tracked_same_column(old, new, amount);
}

/* Post what follows from a row that stands under its key. */
static void
follow_standing(Follow *follow, TupleTableSlot *row, const OrderKey *key, Standing standing,
				bool fresh, bool same)
{
	if (standing == ABSENT)
	{
		because(follow, "the %s no longer counts");
		(void) follow_absent(follow, key);
		return;
	}
	because(follow, "the amount of the %s changed");
	follow_row(follow, key, row, standing, fresh, same);
}

/* An order of another member now.  Is it to be posted under its new key? */
static bool
follow_move(Follow *follow, const OrderKey *from, const OrderKey *to, Standing before,
			Standing standing)
{
	Trace		trace;

	because(follow, "the member of the %s changed");
	refuse_rename(follow, from, to);
	trace = follow_absent(follow, from);
	if (standing == ABSENT)
		return false;
	if (trace == TRACE_LIVE)
		return true;
	return standing == PRESENT &&
		(!order_key_complete(from) || (trace == TRACE_RETURNED && before == PRESENT));
}

/* Is all of an order gone because somebody returned it, and not its row? */
static bool
returned_by_hand(const Follow *follow, const OrderKey *key)
{
	Order		order;
	bool		live;
	bool		by_hand;

	if (!order_key_complete(key) || !order_open(follow, key, NULL, &order))
		return false;
	(void) order_posted(&order, &live);
	by_hand = !live && order_returned_by_hand(&order);
	order_close(&order);
	return by_hand;
}

/*
 * A new row, or a changed one: old, then by this change, now after all of
 * them.  It is posted if it did not count before: orders that counted when
 * tracking began are left alone.
 */
static void
follow_change(Follow *follow, TupleTableSlot *old, TupleTableSlot *then, TupleTableSlot *now)
{
	const Tracking *tracking = follow->tracking;
	OrderKey	old_key;
	OrderKey	key;
	Standing	before = old ? tracked_standing(tracking, old) : ABSENT;
	Standing	standing = tracked_standing(tracking, now);
	bool		fresh;
	bool		same = false;

	/* a named status counts, if unnamed ones came after it */
	if (standing == UNNAMED && then != now)
		standing = tracked_standing(tracking, then);
	fresh = before != PRESENT && standing == PRESENT;
	tracked_key(tracking, now, &key);
	if (old != NULL)
	{
		tracked_key(tracking, old, &old_key);
		if (!order_key_same(&old_key, &key))
			fresh = follow_move(follow, &old_key, &key, before, standing) || fresh;
		else
			same = same_target(follow, old, now);
		/* a status that nobody named changes nothing, nor does the way back from it */
		if (same && (standing == before || standing == UNNAMED ||
					 (before == UNNAMED && returned_by_hand(follow, &key))))
			return;
	}
	follow_standing(follow, now, &key, standing, fresh, same);
}

/*
 * A row that was changed and has gone since.  The trigger for its end knows
 * it by its last key alone; this one by the key that it had before.
 */
static void
follow_gone(Follow *follow, TupleTableSlot *old, TupleTableSlot *then)
{
	OrderKey	old_key;
	OrderKey	key;

	if (old == NULL)
		return;
	tracked_key(follow->tracking, old, &old_key);
	tracked_key(follow->tracking, then, &key);
	refuse_rename(follow, &old_key, &key);
	because(follow, "the %s was deleted");
	(void) follow_absent(follow, &old_key);
}

/* After a row was deleted. */
static void
follow_delete(Follow *follow, TupleTableSlot *old)
{
	OrderKey	key;

	tracked_key(follow->tracking, old, &key);
	because(follow, "the %s was deleted");
	(void) follow_absent(follow, &key);
}

/* A status that makes pending points usable (S10). */
static void
follow_confirm(const Follow *follow, TupleTableSlot *row)
{
	OrderKey	key;
	Order		order;

	tracked_key(follow->tracking, row, &key);
	if (!order_key_complete(&key) || !order_open(follow, &key, NULL, &order))
		return;
	order_confirm(&order);
	order_close(&order);
}

/*
 * The triggers
 */

/* Reject triggers that were not created by loyalty.track. */
static void
check_trigger(FunctionCallInfo fcinfo, const char *name)
{
	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_FOR_ROW(((TriggerData *) fcinfo->context)->tg_event) ||
		!TRIGGER_FIRED_AFTER(((TriggerData *) fcinfo->context)->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("loyalty.%s can only be called by a trigger that loyalty.track created", name)));
}

/* Read the settings from the triggers of the table. */
static void
follow_init(Follow *follow, Relation relation)
{
	follow->relation = relation;
	follow->tracking = tracking_of(relation, TRACK_TRIGGER);
	if (follow->tracking == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("tracking of table \"%s\" is broken", RelationGetRelationName(relation)),
				 errdetail("Its trigger \"%s\" no longer exists.", TRACK_TRIGGER),
				 errhint("Call loyalty.untrack, then loyalty.track, to set up tracking again.")));
	follow->verb = verb_by_name(follow->tracking->columns[ROLE_ACTIVITY] != 0 ||
								follow->tracking->constants[ROLE_ACTIVITY] != NULL ? "activity" : "purchase");
}

/* One event of a tracked table, by the trigger that has it. */
static void
follow_event(TriggerData *trigger)
{
	const char *name = trigger->tg_trigger->tgname;
	bool		is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	TupleTableSlot *old = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? NULL : trigger->tg_trigslot;
	TupleTableSlot *new = is_update ? trigger->tg_newslot :
		old == NULL ? trigger->tg_trigslot : NULL;
	TupleTableSlot *now;
	Follow		follow;

	/* that trigger names columns; one on every UPDATE sees what a BEFORE trigger changed */
	if (is_update && strcmp(name, TRACK_TRIGGER) == 0)
		return;
	follow_init(&follow, trigger->tg_relation);
	/* ... and sees at an INSERT, which is the other's, that the other is there */
	if (old == NULL && strcmp(name, TRACK_CHANGE_TRIGGER) == 0)
		return;
	if (is_update && tracked_same(follow.tracking, old, new))
		return;
	if (new == NULL)
	{
		follow_delete(&follow, old);
		return;
	}
	now = tracked_now(follow.relation, follow.tracking, new);
	if (now == NULL)
	{
		follow_gone(&follow, old, new);
		return;
	}
	if (strcmp(name, TRACK_USABLE_TRIGGER) == 0)
		follow_confirm(&follow, now);
	else
		follow_change(&follow, old, new, now);
	if (now != new)
		ExecDropSingleTupleTableSlot(now);
}

/* Follow an event, in a memory context of its own. */
static Datum
follow_trigger(FunctionCallInfo fcinfo, const char *name, void (*follow) (TriggerData *trigger))
{
	MemoryContext context;
	MemoryContext old;

	check_trigger(fcinfo, name);
	context = AllocSetContextCreate(CurrentMemoryContext, "loyalty tracking", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	follow((TriggerData *) fcinfo->context);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return PointerGetDatum(NULL);
}

/* After each row of a tracked table. */
PG_FUNCTION_INFO_V1(track_row);
Datum
track_row(PG_FUNCTION_ARGS)
{
	return follow_trigger(fcinfo, "track_row", follow_event);
}

/* Post the changes of an order whose lines changed, from its current row. */
static void
follow_order_of(Relation orders, TupleTableSlot *line, AttrNumber column, CommandId changed)
{
	Follow		follow;
	TupleTableSlot *row;
	OrderKey	key;
	bool		isnull;
	Datum		value = slot_getattr(line, column, &isnull);
	Standing	standing;
	const Trigger *usable;

	if (isnull || tracked_lines_seen(RelationGetRelid(orders), tracked_value(line, column), changed))
		return;
	follow_init(&follow, orders);
	because(&follow, "the lines of the %s changed");
	row = table_slot_create(orders, NULL);
	if (tracked_find(orders, follow.tracking->columns[ROLE_KEY], value,
				 TupleDescAttr(line->tts_tupleDescriptor, column - 1)->atttypid, row))
	{
		standing = tracked_standing(follow.tracking, row);
		tracked_key(follow.tracking, row, &key);
		if (standing != ABSENT)
			follow_row(&follow, &key, row, standing, false, false);
		usable = tracking_trigger(orders, TRACK_USABLE_TRIGGER);
		if (usable != NULL && tracked_when(usable->tgqual, row) == PRESENT)
			follow_confirm(&follow, row);
	}
	ExecDropSingleTupleTableSlot(row);
}

/* The command that changed a line. */
static CommandId
line_changed(TriggerData *trigger)
{
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return HeapTupleHeaderGetCmax(trigger->tg_trigtuple->t_data);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return HeapTupleHeaderGetCmin(trigger->tg_newtuple->t_data);
	return HeapTupleHeaderGetCmin(trigger->tg_trigtuple->t_data);
}

/* One event of a table of lines: make the order that it is of, or was. */
static void
follow_line(TriggerData *trigger)
{
	bool		is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	Tracking   *tracking = tracking_of(trigger->tg_relation, TRACK_LINES_TRIGGER);
	AttrNumber	column;
	Relation	orders;
	CommandId	changed;

	if (is_update && strcmp(trigger->tg_trigger->tgname, TRACK_LINES_TRIGGER) == 0)
		return;
	if (tracking == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("tracking of the lines in table \"%s\" is broken", RelationGetRelationName(trigger->tg_relation)),
				 errhint("Call loyalty.untrack, then loyalty.track, for the table of orders to set up tracking again.")));
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event) &&
		strcmp(trigger->tg_trigger->tgname, TRACK_LINES_CHANGE_TRIGGER) == 0)
		return;
	column = tracking->columns[ROLE_ORDER];
	orders = table_open(trigger->tg_trigger->tgconstrrelid, AccessShareLock);
	changed = line_changed(trigger);
	follow_order_of(orders, trigger->tg_trigslot, column, changed);
	if (is_update && !tracked_same_column(trigger->tg_trigslot, trigger->tg_newslot, column))
		follow_order_of(orders, trigger->tg_newslot, column, changed);
	table_close(orders, AccessShareLock);
}

/* After each line of tracked orders, when the transaction commits. */
PG_FUNCTION_INFO_V1(track_line);
Datum
track_line(PG_FUNCTION_ARGS)
{
	return follow_trigger(fcinfo, "track_line", follow_line);
}

/* Reject TRUNCATE, because it does not report the rows that it removes. */
PG_FUNCTION_INFO_V1(track_truncate);
Datum
track_truncate(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "track_truncate must be called as a trigger");
	ereport(ERROR,
			(errcode(ERRCODE_LY_GUARDED),
			 errmsg("TRUNCATE is not allowed on tracked table \"%s\"", RelationGetRelationName(trigger->tg_relation)),
			 errdetail("TRUNCATE does not report the rows that it removes, so the ledger cannot follow it."),
			 errhint("Use DELETE to return each order, or call loyalty.untrack first to leave the ledger unchanged.")));
	return PointerGetDatum(NULL);	/* not reached */
}
