/*
 * verb.c
 *	  The calls: each verb with its parameters, and its SQL function.
 *
 * Memory: a call works in a context of its own under the caller's, deleted at
 * its end; only the receipt is made in the caller's.
 */
#include "posting.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/memutils.h"


#define PARAMS(...) \
	lengthof(((Parameter[]) {__VA_ARGS__})), {__VA_ARGS__}

/* The parameters stand in the order of the SQL functions. */
static const Verb verbs[] = {
	{"enroll", "enrollments", KIND_ENROLL, false, false, enroll_post,
	PARAMS(P_MEMBER, P_PROGRAM, P_AT, P_JOINED_ON, P_BIRTHDAY, P_ATTRIBUTES, P_TAGS)},
	{"purchase", "purchases", KIND_EARN, false, false, purchase_post,
	PARAMS(P_MEMBER, P_AMOUNT, P_REF, P_LINES, P_CHANNEL, P_STORE, P_ATTRIBUTES, P_AT, P_PROGRAM, P_BRAND)},
	{"activity", "activities", KIND_ACTIVITY, false, false, purchase_post,
	PARAMS(P_MEMBER, P_ACTIVITY, P_REF, P_ATTRIBUTES, P_CHANNEL, P_AT, P_PROGRAM, P_STORE, P_BRAND, P_AMOUNT)},
	{"award", "awards", KIND_AWARD, false, false, award_post,
	PARAMS(P_MEMBER, P_POINTS, P_REF, P_REASON, P_EXPIRES_ON, P_PENDING, P_AT, P_PROGRAM, P_ATTRIBUTES, P_CHANNEL, P_STORE, P_BRAND, P_QUALIFIES)},
	{"confirm", "confirmations", KIND_CONFIRM, true, false, confirm_post,
	PARAMS(P_MEMBER, P_REF, P_AT, P_PROGRAM)},
	{"spend", "spends", KIND_SPEND, false, false, spend_post,
	PARAMS(P_MEMBER, P_POINTS, P_REF, P_REASON, P_AT, P_PROGRAM, P_ATTRIBUTES, P_CHANNEL, P_STORE, P_BRAND)},
	{"hold", "holds", KIND_HOLD, false, false, hold_post,
	PARAMS(P_MEMBER, P_POINTS, P_REF, P_UNTIL, P_AT, P_PROGRAM, P_REASON)},
	{"capture", "captures", KIND_CAPTURE, true, false, capture_post,
	PARAMS(P_MEMBER, P_REF, P_POINTS, P_AT, P_PROGRAM)},
	{"release", "releases", KIND_RELEASE, true, false, release_post,
	PARAMS(P_MEMBER, P_REF, P_AT, P_PROGRAM)},
	{"refund", "refunds", KIND_REFUND, false, false, refund_post,
	PARAMS(P_MEMBER, P_OF_REF, P_REF, P_AMOUNT, P_LINES, P_AT, P_PROGRAM, P_REASON)},
	{"cancel", "cancellations", KIND_CANCEL, false, false, cancel_post,
	PARAMS(P_MEMBER, P_OF_REF, P_REF, P_POINTS, P_AT, P_PROGRAM, P_REASON)},
	{"adjust", "adjustments", KIND_ADJUST, false, true, adjust_post,
	PARAMS(P_MEMBER, P_POINTS, P_REF, P_REASON, P_ALLOW_DEBT, P_AT, P_PROGRAM)},
	{"extend", "extensions", KIND_EXTEND, false, true, extend_post,
	PARAMS(P_MEMBER, P_TO, P_REF, P_REASON, P_EXPIRING_ON, P_AT, P_PROGRAM)},
	{"reinstate", "reinstatements", KIND_REINSTATE, false, true, reinstate_post,
	PARAMS(P_MEMBER, P_POINTS, P_TO, P_REF, P_REASON, P_AT, P_PROGRAM)},
	{"transfer", "transfers", KIND_TRANSFER_OUT, false, false, transfer_post,
	PARAMS(P_MEMBER, P_TO_MEMBER, P_POINTS, P_REF, P_REASON, P_AT, P_PROGRAM)},
	{"rename_member", "renames", KIND_RENAME, false, true, rename_post,
	PARAMS(P_MEMBER, P_TO_MEMBER, P_REF, P_REASON, P_AT, P_PROGRAM)},
	{"freeze", "freezes", KIND_FREEZE, false, true, freeze_post,
	PARAMS(P_MEMBER, P_MODE, P_REF, P_REASON, P_UNTIL, P_AT, P_PROGRAM)},
	{"unfreeze", "unfreezes", KIND_UNFREEZE, false, true, unfreeze_post,
	PARAMS(P_MEMBER, P_REF, P_REASON, P_AT, P_PROGRAM)},
	{"grant_tier", "tier_grants", KIND_GRANT, false, true, grant_post,
	PARAMS(P_MEMBER, P_TIER, P_LAST_DAY, P_REF, P_REASON, P_AT, P_PROGRAM, P_FROM)},
	{"end_grant", "grant_ends", KIND_GRANT_END, false, true, grant_end_post,
	PARAMS(P_MEMBER, P_OF_REF, P_REF, P_REASON, P_AT, P_PROGRAM)},
	{"use_benefit", "benefit_uses", KIND_BENEFIT, false, false, benefit_post,
	PARAMS(P_MEMBER, P_BENEFIT, P_REF, P_QUANTITY, P_REASON, P_AT, P_PROGRAM)},
};

/* Find a verb by the name of its function. */
const Verb *
verb_by_name(const char *name)
{
	for (int i = 0; i < lengthof(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	elog(ERROR, "unknown verb \"%s\"", name);
	return NULL;				/* not reached */
}

/*
 * The functions
 */

static Datum
call_verb(FunctionCallInfo fcinfo, const char *name)
{
	TupleDesc	tupdesc = receipt_tupdesc(fcinfo);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "loyalty posting",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Request		request;
	Posting		posting;
	Datum		receipt;

	request.verb = verb_by_name(name);
	memset(request.nulls, true, sizeof(request.nulls));
	Assert(PG_NARGS() == request.verb->nparameters);
	for (int i = 0; i < request.verb->nparameters; i++)
	{
		Parameter	parameter = request.verb->parameters[i];

		request.values[parameter] = PG_GETARG_DATUM(i);
		request.nulls[parameter] = PG_ARGISNULL(i);
	}
	posting_run(&request, &posting);
	MemoryContextSwitchTo(old);
	receipt = receipt_form(posting.entry, posting.repeat, tupdesc);
	MemoryContextDelete(context);
	return receipt;
}

#define VERB_FUNCTION(name) \
	PG_FUNCTION_INFO_V1(post_##name); \
	Datum \
	post_##name(PG_FUNCTION_ARGS) \
	{ \
		return call_verb(fcinfo, #name); \
	} \
	extern int	no_such_variable

VERB_FUNCTION(enroll);
VERB_FUNCTION(purchase);
VERB_FUNCTION(activity);
VERB_FUNCTION(award);
VERB_FUNCTION(confirm);
VERB_FUNCTION(spend);
VERB_FUNCTION(hold);
VERB_FUNCTION(capture);
VERB_FUNCTION(release);
VERB_FUNCTION(refund);
VERB_FUNCTION(cancel);
VERB_FUNCTION(adjust);
VERB_FUNCTION(extend);
VERB_FUNCTION(reinstate);
VERB_FUNCTION(transfer);
VERB_FUNCTION(rename_member);
VERB_FUNCTION(freeze);
VERB_FUNCTION(unfreeze);
VERB_FUNCTION(grant_tier);
VERB_FUNCTION(end_grant);
VERB_FUNCTION(use_benefit);
