/*
 * hold.c
 *	  Reserving points for a time, and what ends it (S17).
 */
#include "posting.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

/* The latest end of a hold that begins when the posting acts. */
static TimestampTz
limit_of_hold(const Posting *posting)
{
	Interval	limit = posting->program->hold_limit;

	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
												   TimestampTzGetDatum(posting->clock),
												   IntervalPGetDatum(&limit)));
}

static TimestampTz
end_of_hold(const Posting *posting)
{
	TimestampTz limit = limit_of_hold(posting);
	TimestampTz until;

	if (!asked(posting->request, P_UNTIL))
		return limit;
	until = DatumGetTimestampTz(posting->request->values[P_UNTIL]);
	if (until <= posting->clock)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("hold: until must be later than the start of the hold"),
				 errdetail("The hold starts at %s.", timestamptz_to_str(posting->clock))));
	if (until > limit && until != DT_NOEND)
		ereport(ERROR,
				(errcode(ERRCODE_LY_LIMIT),
				 errmsg("hold: until is beyond the program's hold_limit"),
				 errdetail("A hold that starts at %s must end by %s.",
						   pstrdup(timestamptz_to_str(posting->clock)),
						   pstrdup(timestamptz_to_str(limit))),
				 errhint("For a hold without an end, pass until => 'infinity'.")));
	return until;
}

void
hold_post(Posting *posting)
{
	Account    *account = posting->account;
	int64		points = ask_points(posting->request, P_POINTS);
	TimestampTz until;
	Entry	   *entry;

	posting_refuse_frozen(posting, FREEZE_SPENDING);
	until = end_of_hold(posting);
	posting_refuse_shortage(posting, points);
	entry = posting_begin(posting);
	entry_set(entry, ENTRY_UNTIL, TimestampTzGetDatum(until));
	account_take(account, entry, points);
	(void) account_add_hold(account, entry_seq(entry), ask_text(posting->request, P_REF),
							until, &entry->taken);
	posting_finish(posting);
}

/* The entry that ended a hold, if one did. */
static bool
is_end_of_hold(Entry *entry, void *state)
{
	if (entry_kind(entry) != KIND_CAPTURE && entry_kind(entry) != KIND_RELEASE)
		return true;
	*(Entry **) state = entry;
	return false;
}

/*
 * The open hold that a capture or release means; NULL if the same call has
 * ended it before, which posting->entry then shows (S26).
 */
static Hold *
find_open_hold(Posting *posting)
{
	Entry	   *made = ledger_entry_by_ref(posting->ledger, posting->account,
										   posting->request->values[P_REF]);
	Entry	   *ended = NULL;
	Hold	   *hold;

	if (made != NULL)
		ledger_entries_of(posting->ledger, posting->account, entry_seq(made),
						  is_end_of_hold, &ended);
	if (ended != NULL && posting_is_repeat(posting, ended))
		return NULL;
	posting_time(posting);
	posting_settle(posting, posting->account);
	if (posting->request->verb->kind == KIND_CAPTURE)
		posting_refuse_frozen(posting, FREEZE_SPENDING);
	made = posting_find(posting, P_REF);
	if (entry_kind(made) != KIND_HOLD)
		ereport(ERROR,
				(errcode(ERRCODE_LY_UNKNOWN_REF),
				 errmsg("\"%s\" is not a hold; it is a posting of kind %s",
						ask_text(posting->request, P_REF), kind_label(entry_kind(made))),
				 errhint("Pass the ref of the call to loyalty.hold.")));
	posting_refuse_before(posting, made);
	hold = account_find_hold(posting->account, entry_seq(made));
	if (hold == NULL)
		posting_refuse_ended(posting, "hold \"%s\" has already ended");
	return hold;
}

/* Begin the entry that ends a hold. */
static Entry *
end_hold(Posting *posting, Hold *hold)
{
	Entry	   *entry = posting_begin(posting);

	entry_set_points(entry, ENTRY_OF_SEQ, hold->seq);
	entry_set(entry, ENTRY_OF_REF, CStringGetTextDatum(hold->ref));
	account_end_hold(posting->account, hold);
	return entry;
}

/* capture: spend what is held, the first slices first; the rest is free. */
void
capture_post(Posting *posting)
{
	Account    *account = posting->account;
	Hold	   *hold = find_open_hold(posting);
	int64		points;
	LotQueue	rest;
	Entry	   *entry;

	if (hold == NULL)
		return;
	points = asked(posting->request, P_POINTS) ? ask_points(posting->request, P_POINTS) : hold->points;
	if (points > hold->points)
		ereport(ERROR,
				(errcode(ERRCODE_LY_ENDED),
				 errmsg("cannot capture " INT64_FORMAT " points from a hold of " INT64_FORMAT,
						points, hold->points),
				 errhint("Capture the points that are held, and spend the rest.")));
	entry = end_hold(posting, hold);
	lots_copy(&rest, &hold->lots);
	(void) lots_take_front(&rest, points, &entry->source);
	account_active(account, entry, posting->at_on);
	account_come_back(account, entry, &rest, hold->seq);
	posting_finish(posting);
}

void
release_post(Posting *posting)
{
	Hold	   *hold = find_open_hold(posting);
	Entry	   *entry;

	if (hold == NULL)
		return;
	entry = end_hold(posting, hold);
	account_come_back(posting->account, entry, &hold->lots, hold->seq);
	posting_finish(posting);
}
