/*
 * posting.c
 *	  Driving a posting: repeats, time, settling, the verb, storing.
 */
#include "posting.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "calendar.h"
#include "member.h"
#include "window.h"

int			loyalty_clock_skew = 5;

void
posting_init(void)
{
	DefineCustomIntVariable("loyalty.clock_skew",
							"How far the time of a posting can be ahead of the server's clock.",
							"A posting that is ahead by less is posted with the current time.",
							&loyalty_clock_skew, 5, 0, 3600, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
}

/*
 * What verbs share
 */

/* Begin the entry of the call.  It keeps what the caller passed, except in enroll. */
Entry *
posting_begin(Posting *posting)
{
	static const struct
	{
		Parameter	parameter;
		EntryField	field;
	} kept[] = {
		{P_REASON, ENTRY_REASON}, {P_CHANNEL, ENTRY_CHANNEL}, {P_STORE, ENTRY_STORE},
		{P_BRAND, ENTRY_BRAND}, {P_ATTRIBUTES, ENTRY_ATTRIBUTES}, {P_AMOUNT, ENTRY_AMOUNT},
		{P_ACTIVITY, ENTRY_ACTIVITY}, {P_BENEFIT, ENTRY_BENEFIT}, {P_QUANTITY, ENTRY_QUANTITY}
	};
	const Request *request = posting->request;
	const Verb *verb = request->verb;
	Entry	   *entry = account_begin(posting->account, verb->kind, posting->at, posting->clock);

	entry_set(entry, ENTRY_FINGERPRINT, Int64GetDatum(request->fingerprint));
	if (verb->kind == KIND_ENROLL)
		return posting->entry = entry;	/* these values belong to the member, and may be erased */
	entry_set(entry, ENTRY_REF, request->values[P_REF]);
	for (int i = 0; i < lengthof(kept); i++)
		if (asked(request, kept[i].parameter))
			entry_set(entry, kept[i].field, request->values[kept[i].parameter]);
	if (verb->operator)
		entry_set(entry, ENTRY_ACTOR, CStringGetTextDatum(GetUserNameFromId(GetSessionUserId(), false)));
	return posting->entry = entry;
}

/* Finish the entry of the call; points that came back after their last day expire at once. */
void
posting_finish(Posting *posting)
{
	account_finish_posting(posting->account, posting->entry);
}

/*
 * Refuse the posting if the freeze in force blocks it.  mode says which freezes
 * do; FREEZE_ALL: every freeze (S19).
 */
void
posting_refuse_frozen(Posting *posting, FreezeMode mode)
{
	const Account *account = posting->account;

	if (account->frozen == FREEZE_NONE ||
		(account->frozen != FREEZE_ALL && mode != FREEZE_ALL && account->frozen != mode))
		return;
	posting_frozen(account, ask_text(posting->request, P_MEMBER));
}

/* Report that a member's account is frozen. */
void
posting_frozen(const Account *account, const char *member)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_FROZEN),
			 errmsg("the account of member \"%s\" is frozen", member),
			 account->frozen_until == DT_NOEND ?
			 errdetail("The account is frozen in mode \"%s\" until loyalty.unfreeze ends the freeze.", freeze_label(account->frozen)) :
			 errdetail("The account is frozen in mode \"%s\" until %s.", freeze_label(account->frozen),
					   timestamptz_to_str(account->frozen_until)),
			 errhint("Use loyalty.unfreeze to end the freeze. Refunds and cancellations are still accepted.")));
}

/* Refuse to take more than is usable. */
void
posting_refuse_shortage(Posting *posting, int64 points)
{
	const Account *account = posting->account;

	if (points <= account->usable)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_LY_NOT_ENOUGH),
			 errmsg("not enough points: " INT64_FORMAT " needed, " INT64_FORMAT " usable",
					points, account->usable),
			 errdetail("Balance " INT64_FORMAT ", held " INT64_FORMAT ", debt " INT64_FORMAT ".",
					   account->balance, account->held, account->debt),
			 errhint("Use loyalty.lots to see which points are usable, pending or held, and when they expire.")));
}

/*
 * Find the earlier posting that of_ref names and whose kind is in a set.  If
 * only a posting of another kind has this ref, the error says so: message is a
 * whole sentence with places for the ref and that kind.
 */
Entry *
posting_find(Posting *posting, uint32 kinds, const char *message, const char *hint)
{
	Datum		ref = posting->request->values[P_OF_REF];
	Entry	   *entry = ledger_entry_by_ref(posting->ledger, posting->account, ref, kinds);

	if (entry != NULL)
		return entry;
	entry = ledger_entry_by_ref(posting->ledger, posting->account, ref, KIND_ALL);
	if (entry == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_LY_UNKNOWN_REF),
				 errmsg("member \"%s\" has no posting \"%s\" in program \"%s\"",
						ask_text(posting->request, P_MEMBER),
						ask_text(posting->request, P_OF_REF), posting->program->code),
				 errhint("Use loyalty.statement to list the member's postings and their refs.")));
	ereport(ERROR,
			(errcode(ERRCODE_LY_UNKNOWN_REF),
			 errmsg(message, ask_text(posting->request, P_OF_REF), kind_label(entry_kind(entry))),
			 errhint("%s", hint)));
	return NULL;				/* not reached */
}

/* Refuse a posting that is dated before the posting that it refers to (S27). */
void
posting_refuse_before(Posting *posting, const Entry *entry)
{
	if (posting->at >= entry_at(entry))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_LY_TIME),
			 errmsg("%s: dated before the posting that it refers to", posting->request->verb->name),
			 errdetail("The call is dated %s, the posting %s.", pstrdup(timestamptz_to_str(posting->at)),
					   pstrdup(timestamptz_to_str(entry_at(entry)))),
			 errhint("Use a later \"at\", or omit it to use the current time.")));
}

/*
 * Does the member have the key that a renaming asks for?  The entry of a
 * renaming holds no key, so this distinguishes a repeat from another renaming.
 */
static bool
is_renamed(const Posting *posting)
{
	return member_id(ask_text(posting->request, P_TO_MEMBER)) == posting->account->member_id;
}

/*
 * Is an entry the result of the same request, sent before (S26)?  If so, it
 * becomes the posting's.
 */
bool
posting_is_repeat(Posting *posting, Entry *entry)
{
	if (entry_kind(entry) != posting->request->verb->kind || entry->nulls[ENTRY_FINGERPRINT] ||
		DatumGetInt64(entry->values[ENTRY_FINGERPRINT]) != posting->request->fingerprint)
		return false;
	if (entry_kind(entry) == KIND_RENAME_MEMBER && !is_renamed(posting))
		return false;
	posting->entry = entry;
	posting->repeat = true;
	return true;
}

/*
 * Refuse to end a posting that has ended.  The message is a whole sentence with
 * a place for the ref.
 */
void
posting_refuse_ended(Posting *posting, const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_ENDED),
			 errmsg(message, ask_text(posting->request, P_OF_REF)),
			 errhint("Use loyalty.explain to see how it ended.")));
}

/*
 * Set the time of the event, and the time at which the posting takes effect
 * (S27).  The server's clock is read now, while the account is locked.
 */
void
posting_time(Posting *posting)
{
	TimestampTz now = GetCurrentTimestamp();

	posting->at = asked(posting->request, P_AT) ?
		DatumGetTimestampTz(posting->request->values[P_AT]) : now;
	if (posting->at > now)
	{
		if (posting->at > now + loyalty_clock_skew * USECS_PER_SEC)
			ereport(ERROR,
					(errcode(ERRCODE_LY_TIME),
					 errmsg("%s: dated in the future", posting->request->verb->name),
					 errdetail("The call is dated %s; the server's clock shows %s.",
							   pstrdup(timestamptz_to_str(posting->at)),
							   pstrdup(timestamptz_to_str(now))),
					 errhint("The setting loyalty.clock_skew sets how far ahead a client's clock may be.")));
		posting->at = now;
	}
	posting->at_on = calendar_day_of(posting->at, posting->program->zone);
	posting->clock = posting->account ? Max(posting->at, posting->account->clock) : posting->at;
}

/* State of a search for the last entry that had taken effect by a time, for its tier. */
typedef struct TierSearch
{
	TimestampTz at;
	char	   *tier;
} TierSearch;

/*
 * Visitor, from the last entry back: keep the tier of the first one that had
 * taken effect, and stop.
 */
static bool
search_tier(Entry *entry, void *state)
{
	TierSearch *search = state;

	if (entry_clock(entry) > search->at)
		return true;
	search->tier = entry->nulls[ENTRY_TIER] ? NULL : TextDatumGetCString(entry->values[ENTRY_TIER]);
	return false;
}

/*
 * The tier in force at the time of the event: a posting that arrives late gets
 * that of its date (S22).
 */
char *
posting_tier(Posting *posting)
{
	TierSearch	search = {posting->at, NULL};

	if (posting->at >= posting->clock || !account_has_tiers(posting->account))
		return posting->account->tier;
	ledger_entries_back(posting->ledger, posting->account, search_tier, &search);
	return search.tier;
}

/*
 * Settle the account up to the time at which the posting takes effect, and move
 * its day to that time.
 */
void
posting_settle(Posting *posting, Account *account)
{
	if (account->held > 0)
		ledger_load_write_offs(posting->ledger, account);
	account_settle(account, posting->clock);
	account->clock_on = Max(account->clock_on,
							calendar_day_of(posting->clock, account->zone));
	account->matured_on = account->clock_on;
}

/*
 * The course of a posting
 */

/*
 * Is the request a repeat?  It is an error if its ref belongs to another
 * request of the same kind of act (S26).
 */
static bool
find_repeat(Posting *posting)
{
	Entry	   *entry = ledger_entry_by_ref(posting->ledger, posting->account,
											posting->request->values[P_REF],
											kind_namesakes(posting->request->verb->kind));

	if (entry == NULL)
		return false;
	if (posting_is_repeat(posting, entry))
		return true;
	ereport(ERROR,
			(errcode(ERRCODE_LY_REF_REUSED),
			 errmsg("ref \"%s\" of member \"%s\" is already used by another posting",
					ask_text(posting->request, P_REF), ask_text(posting->request, P_MEMBER)),
			 errdetail("It belongs to entry " INT64_FORMAT " of kind %s, dated %s.", entry_seq(entry),
					   kind_label(entry_kind(entry)), timestamptz_to_str(entry_at(entry))),
			 errhint("To repeat a request, send the same values; a different request needs a new ref.")));
	return false;				/* not reached */
}

/* Apply a request to its account, which is loaded and locked. */
static void
apply(Posting *posting)
{
	if (find_repeat(posting))
		return;
	posting_time(posting);
	posting_settle(posting, posting->account);
	posting->request->verb->post(posting);
}

/*
 * Apply one of several requests to an account that is loaded and locked, and
 * that the caller stores later.  The fingerprint has been computed.  Returns
 * false if the request is a repeat.
 */
bool
posting_apply(Request *request, Ledger *ledger, const Program *program, Account *account)
{
	Posting		posting = {.request = request, .ledger = ledger, .program = program, .account = account};

	apply(&posting);
	if (posting.repeat)
		return false;
	if (asked(request, P_REF))
		ledger_remember_ref(account, request->values[P_REF]);
	ledger_write_entries(ledger, account);
	return true;
}

/* For a transfer: lock the receiver's account first if it has the lower id (S18). */
static void
lock_in_order(Posting *posting, int64 sender_id)
{
	int64		receiver_id = member_id(ask_text(posting->request, P_TO_MEMBER));
	int32		program_id = posting->program->id;

	if (receiver_id == 0 || receiver_id == sender_id)
		return;
	if (account_id(receiver_id, program_id) <
		account_id(sender_id, program_id))
		(void) ledger_load(posting->ledger, receiver_id, posting->program, LockWaitBlock);
}

/*
 * For a renaming: lock the member, then all of the member's accounts in the
 * order in which sets lock accounts.
 */
static void
lock_accounts(Posting *posting, int64 id)
{
	ListCell   *cell;

	member_lock(id);
	foreach(cell, member_accounts(id))
		ledger_lock(posting->ledger, id, ((MemberAccount *) lfirst(cell))->program_id);
}

/* Find, lock and load the account of a request. */
static void
load_account(Posting *posting)
{
	Kind		kind = posting->request->verb->kind;
	char	   *key = ask_text(posting->request, P_MEMBER);
	int64		id = member_id(key);

	/* a repeat of a renaming passes a key that does not exist any more */
	if (id == 0 && kind == KIND_RENAME_MEMBER)
		id = member_id(ask_text(posting->request, P_TO_MEMBER));
	if (id == 0)
		member_unknown(key);
	if (kind == KIND_TRANSFER_OUT)
		lock_in_order(posting, id);
	if (kind == KIND_RENAME_MEMBER)
		lock_accounts(posting, id);
	posting->account = ledger_load(posting->ledger, id, posting->program, LockWaitBlock);
	if (posting->account == NULL)
		posting_not_enrolled(key, posting->program);
}

void
posting_not_enrolled(const char *key, const Program *program)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_UNKNOWN_MEMBER),
			 errmsg("member \"%s\" is not enrolled in program \"%s\"", key, program->code),
			 errhint("Enroll the member first: SELECT loyalty.enroll(...).")));
}

/* The program that a request names, or the default program. */
const Program *
request_program(const Request *request)
{
	return asked(request, P_PROGRAM) ?
		program_by_code(ask_text(request, P_PROGRAM)) : program_default();
}

/* Run a single request: open the ledger, apply the request, store the account, close. */
void
posting_run(Request *request, Posting *posting)
{
	ledger_check();
	request_check(request);
	request_fingerprint(request);
	memset(posting, 0, sizeof(*posting));
	posting->request = request;
	posting->ledger = ledger_open();
	posting->program = request_program(request);
	if (request->verb->kind == KIND_ENROLL)
		request->verb->post(posting);
	else
	{
		load_account(posting);
		apply(posting);
	}
	if (!posting->repeat)
		ledger_store(posting->ledger, posting->account);
	ledger_close(posting->ledger);
	/* a later posting of this very command must see this one */
	CommandCounterIncrement();
}

/*
 * Report that the program has no such tier or benefit.  The message has places
 * for the program and the code.
 */
void
posting_refuse_unknown(const Posting *posting, Parameter parameter, const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_UNKNOWN_REF),
			 errmsg(message, posting->program->code, ask_text(posting->request, parameter)),
			 errhint("%s", hint)));
}
