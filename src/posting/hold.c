/*
 * hold.c
 *	  Reserving points for a time, and what ends it (S17).
 */
#include "posting.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

/* The latest end that the program allows for a hold that starts when the posting takes effect. */
static TimestampTz
limit_of_hold(const Posting *posting)
{
	Interval	limit = posting->program->hold_limit;

	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
												   TimestampTzGetDatum(posting->clock),
												   IntervalPGetDatum(&limit)));
}

/*
 * The end of a new hold: `until` or, if it is not given, the program's limit.
 * Infinity is allowed.
 */
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

/* hold: reserve usable points, in order of use, until a time (S17). */
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

/* Find the hold that a capture or a release refers to; it must be open. */
static Hold *
find_open_hold(Posting *posting)
{
	Entry	   *made = posting_find(posting, KIND_SET(HOLD),
									"\"%s\" is not a hold; it is a posting of kind %s",
									"Pass the ref of the call to loyalty.hold.");
	Hold	   *hold;

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

/* capture: spend held points, the first slices first; the rest is released (S17). */
void
capture_post(Posting *posting)
{
	Account    *account = posting->account;
	Hold	   *hold;
	int64		points;
	LotQueue	rest;
	Entry	   *entry;

	posting_refuse_frozen(posting, FREEZE_SPENDING);
	hold = find_open_hold(posting);
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

/* release: end a hold; its points come back to their lots. */
void
release_post(Posting *posting)
{
	Hold	   *hold = find_open_hold(posting);
	Entry	   *entry = end_hold(posting, hold);

	account_come_back(posting->account, entry, &hold->lots, hold->seq);
	posting_finish(posting);
}
