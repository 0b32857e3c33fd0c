/*
 * cancel.c
 *	  cancel: spent points come back to their lots (S15).
 */
#include "posting.h"

#include "claims.h"

typedef struct Cancellation
{
	Entry	   *use;			/* the spend, or the capture of a hold */
	int64		use_seq;		/* the entry by which the points left; for a capture, the hold's */
	int64		before;			/* points that earlier cancellations gave back */
} Cancellation;

/* Visitor: add the points that an earlier cancellation gave back to a sum. */
static bool
sum_cancelled(Entry *entry, void *state)
{
	if (entry_kind(entry) == KIND_CANCEL)
		*(int64 *) state += lots_total(&entry->source);
	return true;
}

/* Find the spend or capture to cancel, and how much of it has been cancelled already. */
static void
find_use(Posting *posting, Cancellation *cancellation)
{
	Entry	   *use = posting_find(posting, KINDS_USING,
								   "\"%s\" is not a spend or a capture; it is a posting of kind %s",
								   "Use loyalty.refund for a purchase, an award or an activity, and loyalty.release for an open hold. "
								   "To cancel a capture, pass the ref of the capture.");

	posting_refuse_before(posting, use);
	cancellation->use_seq = entry_kind(use) == KIND_CAPTURE ? entry_points(use, ENTRY_OF_SEQ) : entry_seq(use);
	cancellation->use = use;
	cancellation->before = 0;
	ledger_entries_of(posting->ledger, posting->account, entry_seq(use), sum_cancelled,
					  &cancellation->before);
}

/*
 * The slices that come back, those that were taken last first (S15); more
 * points than are left are an error.
 */
static void
slices_of_cancellation(const Posting *posting, const Cancellation *cancellation, LotQueue *slices)
{
	LotQueue	used;
	int64		left;
	int64		points;

	lots_copy(&used, entry_kind(cancellation->use) == KIND_CAPTURE ?
			  &cancellation->use->source : &cancellation->use->taken);
	(void) lots_take_back(&used, cancellation->before, NULL);
	left = lots_total(&used);
	points = asked(posting->request, P_POINTS) ? ask_points(posting->request, P_POINTS) : left;
	if (left == 0 || points > left)
		ereport(ERROR,
				(errcode(ERRCODE_LY_ENDED),
				 errmsg("cannot cancel more points than remain of \"%s\"",
						ask_text(posting->request, P_OF_REF)),
				 errdetail("The request is for " INT64_FORMAT " points; at most " INT64_FORMAT " can be cancelled.",
						   points, left),
				 left == 0 ? errhint("All its points have already been cancelled.") :
				 errhint("To cancel all remaining points, omit the number of points.")));
	lots_init(slices);
	(void) lots_take_back(&used, points, slices);
}

/*
 * Give slices whose last day has passed in the meantime a grace period, unless
 * they had one before (S15).
 */
static void
grace_slices(Posting *posting, Entry *entry, const LotQueue *slices)
{
	Account    *account = posting->account;
	int			days = posting->program->cancel_grace_days;

	if (days == 0)
		return;
	for (int i = 0; i < slices->count; i++)
	{
		const Lot  *lot = &slices->lots[i];

		if (!lot_ended(lot, account_day(account)) || lot_was_graced(posting, lot))
			continue;
		lots_add(&entry->graced, lot);
		entry_set(entry, ENTRY_EXPIRES_ON, DateADTGetDatum(account->clock_on + days));
	}
}

/* cancel: put spent or captured points back into their lots (S15). */
void
cancel_post(Posting *posting)
{
	Cancellation cancellation;
	LotQueue	slices;
	Entry	   *entry;

	find_use(posting, &cancellation);
	slices_of_cancellation(posting, &cancellation, &slices);
	ledger_load_write_offs(posting->ledger, posting->account);
	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_OF_SEQ, entry_seq(cancellation.use));
	entry_set(entry, ENTRY_OF_REF, posting->request->values[P_OF_REF]);
	lots_copy(&entry->source, &slices);
	grace_slices(posting, entry, &slices);
	account_come_back(posting->account, entry, &slices, cancellation.use_seq);
	posting_finish(posting);
}
