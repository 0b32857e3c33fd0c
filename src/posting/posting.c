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

/* Begin the entry of the call: what the caller gave is part of it. */
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
		return posting->entry = entry;	/* what enroll gives is the member's, and may be erased */
	entry_set(entry, ENTRY_REF, request->values[P_REF]);
	for (int i = 0; i < lengthof(kept); i++)
		if (asked(request, kept[i].parameter))
			entry_set(entry, kept[i].field, request->values[kept[i].parameter]);
	if (verb->operator)
		entry_set(entry, ENTRY_ACTOR, CStringGetTextDatum(GetUserNameFromId(GetSessionUserId(), false)));
	return posting->entry = entry;
}

void
posting_finish(Posting *posting)
{
	account_finish_posting(posting->account, posting->entry);
}

/* Refuse what the freeze in force stops; FREEZE_ALL: what any freeze stops (S19). */
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
 * The earlier posting that of_ref names, of one of some kinds.  Where there is
 * only one of another kind, the message says so: a whole sentence with places
 * for the ref and that kind.
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

/* Nothing is undone before it was done (S27). */
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
 * Has the member the key that a renaming asks for?  Its entry holds none, so
 * that is what tells a repeat from another renaming.
 */
static bool
is_renamed(const Posting *posting)
{
	return member_id(ask_text(posting->request, P_TO_MEMBER)) == posting->account->member_id;
}

/* Is this entry the result of the same request, asked before (S26)? */
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

/* Refuse to end what has ended; the message is a whole sentence with a place for the ref. */
void
posting_refuse_ended(Posting *posting, const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_ENDED),
			 errmsg(message, ask_text(posting->request, P_OF_REF)),
			 errhint("Use loyalty.explain to see how it ended.")));
}

/*
 * When it happened, and when it acts (S27).  The wall clock is read now, with
 * the account locked.
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

/* Keep the tier of the last entry that had acted by a time. */
typedef struct TierSearch
{
	TimestampTz at;
	char	   *tier;
} TierSearch;

static bool
search_tier(Entry *entry, void *state)
{
	TierSearch *search = state;

	if (entry_clock(entry) > search->at)
		return true;
	search->tier = entry->nulls[ENTRY_TIER] ? NULL : TextDatumGetCString(entry->values[ENTRY_TIER]);
	return false;
}

/* The tier in force when it happened: a late arrival has that of its date (S22). */
char *
posting_tier(Posting *posting)
{
	TierSearch	search = {posting->at, NULL};

	if (posting->at >= posting->clock || !account_has_tiers(posting->account))
		return posting->account->tier;
	ledger_entries_back(posting->ledger, posting->account, search_tier, &search);
	return search.tier;
}

/* Post what fell due before the posting acts; the account is at its day then. */
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

/* A ref that was used for this kind of act before: the same request, or an error. */
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

/* Apply a request to its account, loaded and locked. */
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
 * One request of several to an account that is loaded and locked, and that the
 * caller stores later; its fingerprint is known.  False: it is a repeat.
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

/* Lock the receiver of a transfer first, if its account has the lower id (S18). */
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

/* A member whose key changes: lock it, then all of its accounts in the order in which sets lock theirs. */
static void
lock_accounts(Posting *posting, int64 id)
{
	ListCell   *cell;

	member_lock(id);
	foreach(cell, member_accounts(id))
		ledger_lock(posting->ledger, id, ((MemberAccount *) lfirst(cell))->program_id);
}

/* Find and lock the account that a request means. */
static void
load_account(Posting *posting)
{
	Kind		kind = posting->request->verb->kind;
	char	   *key = ask_text(posting->request, P_MEMBER);
	int64		id = member_id(key);

	/* a repeat of a renaming names a key that is no more */
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

const Program *
request_program(const Request *request)
{
	return asked(request, P_PROGRAM) ?
		program_by_code(ask_text(request, P_PROGRAM)) : program_default();
}

/* One request, alone: open, apply, store, close. */
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

/* The program has no such tier, or benefit: the message has places for the program and its code. */
void
posting_refuse_unknown(const Posting *posting, Parameter parameter, const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_UNKNOWN_REF),
			 errmsg(message, posting->program->code, ask_text(posting->request, parameter)),
			 errhint("%s", hint)));
}
