/*
 * order.c
 *	  A tracked order in the ledger: what was posted under its refs, what
 *	  returns have left of it, and posting what is missing.
 *
 * Nobody else writes an order while its row is being changed, and the account
 * is locked while its journal is read.
 */
#include "order.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "calendar.h"
#include "line.h"
#include "member.h"
#include "money.h"

#define REF_SEPARATOR '~'		/* between an order's ref and the number of its posting */

/* A posting of the order, and what remains of it. */
typedef struct Posted
{
	Entry	   *entry;
	char	   *ref;
	char	   *own_refs;		/* what refs of tracking's returns begin with */
	Numeric		left;
	bool		live;			/* not returned whole */
	bool		by_lines;		/* has been returned by lines, by amount, ... */
	bool		by_amount;
	bool		by_hand;		/* ... last not because the row changed */
	bool		confirmed;
	Lines		lines;			/* with what was returned of each */
} Posted;

/* Are two texts the same?  NULL is the same as NULL only. */
bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool
order_key_same(const OrderKey *a, const OrderKey *b)
{
	return same_text(a->program, b->program) && same_text(a->member, b->member) &&
		same_text(a->ref, b->ref);
}

/* Guests have no key, nor has an order without a number. */
bool
order_key_complete(const OrderKey *key)
{
	return key->program != NULL && key->member != NULL && key->ref != NULL;
}

/*
 * The journal's side of an order
 */

/* The ref of an order's n-th posting. */
static char *
numbered_ref(const char *ref, int number)
{
	return number == 1 ? pstrdup(ref) : psprintf("%s%c%d", ref, REF_SEPARATOR, number);
}

/* Reject a ref that could be mistaken for a later posting of another order. */
void
order_check_ref(const OrderKey *key)
{
	const char *separator = strrchr(key->ref, REF_SEPARATOR);

	if (separator == NULL || separator[1] == '\0' ||
		strspn(separator + 1, "0123456789") != strlen(separator + 1))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("ref \"%s\" of a tracked row ends in \"%s\"", key->ref, separator),
			 errdetail("Refs that end in \"~\" and a number are reserved for later postings of tracked orders."),
			 errhint("Use another column as the ref, for example the primary key.")));
}

/* An entry that refers to a posting of the order: a return, or its confirmation. */
static bool
visit_posted(Entry *entry, void *state)
{
	Posted	   *posted = state;

	if (entry_kind(entry) == KIND_CONFIRM)
		posted->confirmed = true;
	if (entry_kind(entry) != KIND_REFUND)
		return true;
	posted->by_hand = strncmp(TextDatumGetCString(entry->values[ENTRY_REF]), posted->own_refs,
							  strlen(posted->own_refs)) != 0;
	posted->live = false;		/* unless money of a purchase is left */
	if (!entry->nulls[ENTRY_AMOUNT])
		posted->left = money_subtract(posted->left, DatumGetNumeric(entry->values[ENTRY_AMOUNT]));
	if (entry->nulls[ENTRY_LINES])
		posted->by_amount = true;
	else
	{
		posted->by_lines = true;
		if (posted->lines.count > 0)
			lines_read_return(DatumGetJsonbP(entry->values[ENTRY_LINES]), &posted->lines, true);
	}
	return true;
}

/* A posting of the order, with what remains after returns. */
static Posted *
read_posted(Order *order, Entry *entry, char *ref)
{
	Posted	   *posted = palloc0(sizeof(Posted));

	posted->entry = entry;
	posted->ref = ref;
	posted->own_refs = psprintf("%s%c", order->key->ref, REF_SEPARATOR);
	posted->live = true;
	posted->left = entry->nulls[ENTRY_AMOUNT] ? money_of_int64(0) :
		DatumGetNumeric(entry->values[ENTRY_AMOUNT]);
	if (!entry->nulls[ENTRY_LINES])
		lines_read(DatumGetJsonbP(entry->values[ENTRY_LINES]), &posted->lines);
	ledger_entries_of(order->ledger, order->account, entry_seq(entry), visit_posted, posted);
	if (entry_kind(entry) == KIND_PURCHASE && !money_is_zero(posted->left))
		posted->live = true;
	return posted;
}

static Entry *
entry_of_ref(Order *order, const char *ref, uint32 kinds)
{
	return ledger_entry_by_ref(order->ledger, order->account, CStringGetTextDatum(ref), kinds);
}

/* Everything that was posted under the order's refs, which its returns are numbered with, too. */
static void
read_order(Order *order)
{
	Kind		kind = order->follow->verb->kind;

	for (order->next = 1;; order->next++)
	{
		char	   *ref = numbered_ref(order->key->ref, order->next);
		Entry	   *entry = entry_of_ref(order, ref, kind_set(kind));

		/* a return by hand may have the number of a posting, which it must not hide */
		if (entry != NULL)
			order->posted = lappend(order->posted, read_posted(order, entry, ref));
		else if (entry_of_ref(order, ref, kind_namesakes(kind) | KIND_SET(REFUND)) == NULL)
			return;
	}
}

/* What remains of all postings. */
Numeric
order_posted(const Order *order, bool *live)
{
	Numeric		sum = money_of_int64(0);
	ListCell   *cell;

	*live = false;
	foreach(cell, order->posted)
	{
		const Posted *posted = lfirst(cell);

		if (!posted->live)
			continue;
		*live = true;
		sum = money_add(sum, posted->left);
	}
	return sum;
}

/* Was the last posting returned by a call, and not by the trigger? */
bool
order_returned_by_hand(const Order *order)
{
	return order->posted != NIL && ((const Posted *) llast(order->posted))->by_hand;
}

/*
 * Posting
 */

/* Begin a request for the member and the program of an order. */
static void
request_init(Request *request, const Verb *verb, const OrderKey *key)
{
	request->verb = verb;
	memset(request->nulls, true, sizeof(request->nulls));
	request->values[P_MEMBER] = CStringGetTextDatum(key->member);
	request->values[P_PROGRAM] = CStringGetTextDatum(key->program);
	request->nulls[P_MEMBER] = request->nulls[P_PROGRAM] = false;
}

static void
request_set(Request *request, Parameter parameter, Datum value)
{
	request->values[parameter] = value;
	request->nulls[parameter] = false;
}

/* Post a request to the order's account. */
static void
post(Order *order, Request *request)
{
	request_check(request);
	request_fingerprint(request);
	if (posting_apply(request, order->ledger, order->program, order->account))
		order->changed = true;
}

/* Use the order's next free ref. */
static Datum
next_ref(Order *order)
{
	return CStringGetTextDatum(numbered_ref(order->key->ref, order->next++));
}

/* Parameters that the row gives as they are. */
static void
request_details(Order *order, TupleTableSlot *row, Request *request)
{
	static const struct
	{
		Role		role;
		const char *parameter;
	} details[] = {
		{ROLE_CHANNEL, "channel"}, {ROLE_STORE, "store"}, {ROLE_BRAND, "brand"},
		{ROLE_ACTIVITY, "activity"}
	};
	const Tracking *tracking = order->follow->tracking;
	Datum		value = tracked_attributes(tracking, row);

	if (value != (Datum) 0)
		request_set(request, P_ATTRIBUTES, value);
	if (tracked_at(tracking, row, order->program, &value))
		request_set(request, P_AT, value);
	for (int i = 0; i < lengthof(details); i++)
	{
		char	   *text = tracked_text(tracking, row, details[i].role);

		for (int j = 0; text != NULL && j < request->verb->nparameters; j++)
			if (strcmp(parameter_name(request->verb->parameters[j]), details[i].parameter) == 0)
				request_set(request, request->verb->parameters[j], CStringGetTextDatum(text));
	}
}

/* purchase, or activity: the whole order, or what it has grown by. */
static void
post_order(Order *order, TupleTableSlot *row, Numeric amount, Jsonb *lines)
{
	Request		request;

	request_init(&request, order->follow->verb, order->key);
	request_details(order, row, &request);
	if (amount != NULL)
		request_set(&request, P_AMOUNT, NumericGetDatum(amount));
	if (lines != NULL)
		request_set(&request, P_LINES, JsonbPGetDatum(lines));
	request_set(&request, P_REF, next_ref(order));
	post(order, &request);
}

/* refund: of one posting, a part or, without amount and lines, the rest. */
static void
post_return(Order *order, Posted *posted, Numeric amount, Jsonb *lines)
{
	Request		request;

	request_init(&request, verb_by_name("refund"), order->key);
	request_set(&request, P_OF_REF, CStringGetTextDatum(posted->ref));
	request_set(&request, P_REF, next_ref(order));
	request_set(&request, P_REASON, CStringGetTextDatum(order->follow->reason));
	if (amount != NULL)
		request_set(&request, P_AMOUNT, NumericGetDatum(amount));
	if (lines != NULL)
		request_set(&request, P_LINES, JsonbPGetDatum(lines));
	post(order, &request);
}

/* Return all that is left, the latest first. */
void
order_return_all(Order *order)
{
	for (int i = list_length(order->posted) - 1; i >= 0; i--)
	{
		Posted	   *posted = list_nth(order->posted, i);

		if (posted->live)
			post_return(order, posted, NULL, NULL);
	}
}

/*
 * The amount of a stored line that the order's lines of now still have; NULL
 * where the line has no id.
 */
static Numeric
line_amount_now(Jsonb *stored, int i, Jsonb *now)
{
	JsonbValue *object = getIthJsonbValueFromContainer(&stored->root, i);
	JsonbValue	buffer;
	JsonbValue *id = getKeyJsonValueFromContainer(object->val.binary.data, "id", 2, &buffer);

	if (id == NULL)
		return NULL;
	for (int j = 0; now != NULL && j < JB_ROOT_COUNT(now); j++)
	{
		JsonbValue *other = getIthJsonbValueFromContainer(&now->root, j);
		JsonbValue	other_buffer;
		JsonbValue *other_id = getKeyJsonValueFromContainer(other->val.binary.data, "id", 2, &other_buffer);

		if (other_id != NULL && other_id->val.string.len == id->val.string.len &&
			memcmp(other_id->val.string.val, id->val.string.val, id->val.string.len) == 0)
			return getKeyJsonValueFromContainer(other->val.binary.data, "amount", 6, &other_buffer)->val.numeric;
	}
	return money_of_int64(0);
}

/*
 * The return by lines that makes a posting's lines those of now, if there is
 * one that gives back just this amount; or NULL.
 */
static Jsonb *
lines_returned(const Posted *posted, Numeric amount, Jsonb *now)
{
	StringInfoData buf;
	Numeric		sum = money_of_int64(0);
	Jsonb	   *stored;

	if (posted->lines.count == 0 || posted->by_amount)
		return NULL;
	stored = DatumGetJsonbP(posted->entry->values[ENTRY_LINES]);
	initStringInfo(&buf);
	for (int i = 0; i < posted->lines.count; i++)
	{
		const Line *line = &posted->lines.lines[i];
		Numeric		left = money_subtract(line->amount, line->refunded);
		Numeric		keep = line_amount_now(stored, i, now);

		if (keep == NULL || money_compare(keep, left) > 0)
			return NULL;
		left = money_subtract(left, keep);
		if (money_is_zero(left))
			continue;
		sum = money_add(sum, left);
		appendStringInfo(&buf, "%s{\"line\": %d, \"amount\": %s}", buf.len > 0 ? ", " : "[", i + 1,
						 DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(left))));
	}
	if (buf.len == 0 || money_compare(sum, amount) != 0)
		return NULL;
	appendStringInfoChar(&buf, ']');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(buf.data)));
}

/* Return a part of one posting: by lines if they tell which, or by amount. */
static void
return_part(Order *order, TupleTableSlot *row, Posted *posted, Numeric amount, Jsonb *now)
{
	Jsonb	   *lines = lines_returned(posted, amount, now);

	if (lines != NULL)
		post_return(order, posted, NULL, lines);
	else if (!posted->by_lines)
		post_return(order, posted, amount, NULL);
	else
	{
		/* what was returned by lines cannot be returned by amount, but whole */
		post_return(order, posted, NULL, NULL);
		post_order(order, row, money_subtract(posted->left, amount), NULL);
	}
}

/* Return an amount, of the latest postings first. */
static void
return_amount(Order *order, TupleTableSlot *row, Numeric amount, Jsonb *now)
{
	for (int i = list_length(order->posted) - 1; i >= 0 && !money_is_zero(amount); i--)
	{
		Posted	   *posted = list_nth(order->posted, i);
		int			compared = money_compare(amount, posted->left);

		if (!posted->live || money_is_zero(posted->left))
			continue;
		if (compared < 0)
		{
			return_part(order, row, posted, amount, now);
			return;
		}
		post_return(order, posted, NULL, NULL);
		amount = money_subtract(amount, posted->left);
	}
}

/*
 * Opening an order's account
 */

/* Enroll a member at the time of the first order. */
static void
enroll_member(const Follow *follow, const OrderKey *key, TupleTableSlot *row,
			  const Program *program)
{
	Request		request;
	Posting		posting;
	Datum		at;

	request_init(&request, verb_by_name("enroll"), key);
	if (tracked_at(follow->tracking, row, program, &at))
		request_set(&request, P_AT, at);
	posting_run(&request, &posting);
}

/* Does the member exist, and have an account in the program? */
static bool
is_enrolled(const OrderKey *key, const Program *program)
{
	int64		id = member_id(key->member);

	return id != 0 && account_id(id, program->id) != 0;
}

/*
 * Lock the order's account, and read what was posted for the order.  An unknown
 * member is enrolled, skipped or refused, as the tracking says; without a row,
 * they are skipped.  Returns false if skipped.
 */
bool
order_open(const Follow *follow, const OrderKey *key, TupleTableSlot *row, Order *order)
{
	const char *unknown = follow->tracking->constants[ROLE_UNKNOWN];

	memset(order, 0, sizeof(*order));
	order->follow = follow;
	order->key = key;
	order->program = program_by_code(key->program);
	ledger_check();
	if (!is_enrolled(key, order->program))
	{
		if (row == NULL || same_text(unknown, "skip"))
			return false;
		if (!same_text(unknown, "enroll"))
		{
			if (member_id(key->member) == 0)
				member_unknown(key->member);
			posting_not_enrolled(key->member, order->program);
		}
		enroll_member(follow, key, row, order->program);
	}
	order->program = program_by_code(key->program);
	order->ledger = ledger_open();
	order->account = ledger_load(order->ledger, member_id(key->member), order->program,
								 LockWaitBlock);
	if (order->account == NULL)
		posting_not_enrolled(key->member, order->program);
	read_order(order);
	return true;
}

/* Store the account, once. */
void
order_close(Order *order)
{
	if (order->changed)
		ledger_store(order->ledger, order->account);
	ledger_close(order->ledger);
	if (order->changed)
		CommandCounterIncrement();
}

/*
 * Making the ledger agree
 */

/* Post or return what is missing, so that the posted amount is that of the order. */
void
order_converge(Order *order, TupleTableSlot *row, Numeric amount, Jsonb *lines, bool stands)
{
	bool		live;
	Numeric		sum = order_posted(order, &live);
	int			compared;

	if (order->follow->verb->kind != KIND_PURCHASE)
	{
		/* an activity is posted and returned whole */
		if (!live && stands)
			post_order(order, row, amount, NULL);
		return;
	}
	compared = money_compare(amount, sum);
	if (order->posted == NIL || (!live && stands && compared > 0))
		post_order(order, row, amount, lines);
	else if (live && compared > 0)
		post_order(order, row, money_subtract(amount, sum), NULL);
	else if (live && compared < 0)
		return_amount(order, row, money_subtract(sum, amount), lines);
}

/*
 * Confirming (S10)
 */

/* Are points of a posting still to be confirmed? */
static bool
is_pending(const Order *order, const Posted *posted)
{
	const Entry *entry = posted->entry;
	DateADT		today = Max(order->account->clock_on,
							calendar_day_of(GetCurrentTimestamp(), order->program->zone));

	return posted->live && !posted->confirmed && !entry->nulls[ENTRY_EXPIRY] &&
		entry->gained.count > 0 && entry->gained.lots[0].usable_from > today;
}

/* The ref of the posting, or the first of its numbers that no confirmation by hand has. */
static const char *
ref_of_confirmation(Order *order, const Posted *posted)
{
	for (int number = 1;; number++)
	{
		char	   *ref = numbered_ref(posted->ref, number);

		if (entry_of_ref(order, ref, KIND_SET(CONFIRM)) == NULL)
			return ref;
	}
}

/* Make the points of all that is left of the order usable. */
void
order_confirm(Order *order)
{
	ListCell   *cell;

	foreach(cell, order->posted)
	{
		const Posted *posted = lfirst(cell);
		Request		request;

		if (!is_pending(order, posted))
			continue;
		request_init(&request, verb_by_name("confirm"), order->key);
		request_set(&request, P_OF_REF, CStringGetTextDatum(posted->ref));
		request_set(&request, P_REF, CStringGetTextDatum(ref_of_confirmation(order, posted)));
		post(order, &request);
	}
}
