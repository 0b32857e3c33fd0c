/*
 * undo.c
 *	  Confirmations, cancellations and reinstatements: postings that look at
 *	  what the journal says of earlier ones (S9, S10, S15).
 */
#include "posting.h"

#include "utils/builtins.h"

#include "claims.h"
#include "tally.h"
#include "tier.h"

/*
 * Confirming (S10)
 */

static bool
is_confirmation(Entry *entry, void *state)
{
	if (entry_kind(entry) != KIND_CONFIRM)
		return true;
	*(Entry **) state = entry;
	return false;
}

/* An award that is not pending any more cannot be confirmed. */
static void
check_pending(Posting *posting, const Entry *award)
{
	LotDay		day = account_day(posting->account);
	/* what waits to be counted may have no points that wait; what gave none may be confirmed, too */
	bool		found = entry_points(award, ENTRY_POINTS) == 0 ||
		(!award->nulls[ENTRY_COUNTS_FROM] &&
		 DatumGetDateADT(award->values[ENTRY_COUNTS_FROM]) == DATEVAL_NOEND);

	if (award->nulls[ENTRY_EXPIRY])
		posting_refuse_ended(posting, "pending state of");
	for (int i = 0; i < award->gained.count; i++)
		found = found || !lot_matured(&award->gained.lots[i], day);
	if (!found)
		posting_refuse_ended(posting, "pending state of");
}

/* What returns have left of an award's points that wait moves, each part's to its own lot. */
static void
free_pending(Posting *posting, Entry *entry, const Entry *award, const Claims *claims, LotQueue *freed)
{
	Account    *account = posting->account;

	for (int i = 0; i < claims->nplaces; i++)
	{
		const Place *place = &claims->places[i];
		Lot			lot;

		if (lot_matured(&place->credited, account_day(account)))
			continue;
		lot = confirmed_lot(award, place, posting->at_on);
		lot.points = lots_take_key(&account->lots, &place->credited,
								   lots_points_of(&place->lots, &place->credited), &entry->taken);
		if (lot.points > 0)
			lots_add(freed, &lot);
	}
}

/* What waited to be counted for tiers counts from today. */
static void
count_confirmed(Posting *posting, Entry *entry, const Entry *award, const Claims *claims)
{
	bool		is_purchase = entry_kind(award) == KIND_EARN;
	/* what gave no points has counted all along */
	DateADT		from = entry_points(award, ENTRY_POINTS) == 0 ?
		DatumGetDateADT(award->values[ENTRY_HAPPENED_ON]) : posting->at_on;

	entry_set(entry, ENTRY_ACTIVITY, CStringGetTextDatum(tally_activity(award)));
	entry_set(entry, ENTRY_HAPPENED_ON, award->values[ENTRY_HAPPENED_ON]);
	entry_set(entry, ENTRY_COUNTS_FROM, DateADTGetDatum(from));
	entry_set(entry, ENTRY_COUNTED_FROM, award->nulls[ENTRY_COUNTS_FROM] ?
			  award->values[ENTRY_HAPPENED_ON] : award->values[ENTRY_COUNTS_FROM]);
	entry_set_points(entry, ENTRY_QUANTITY, claims->whole ? 0 : 1);
	entry_set_points(entry, ENTRY_QUALIFYING, tally_qualifying(award) - claims->qualifying);
	if (is_purchase)
		entry_set(entry, ENTRY_AMOUNT,
				  NumericGetDatum(money_subtract(DatumGetNumeric(award->values[ENTRY_AMOUNT]),
												 claims->refunded)));
	tally_apply(posting->account, entry);
}

void
confirm_post(Posting *posting)
{
	Account    *account = posting->account;
	Entry	   *award = posting_find(posting, P_REF);
	Entry	   *confirmed = NULL;
	Claims		claims;
	LotQueue	freed;
	Entry	   *entry;

	if (entry_kind(award) != KIND_EARN && entry_kind(award) != KIND_AWARD &&
		entry_kind(award) != KIND_ACTIVITY)
		ereport(ERROR,
				(errcode(ERRCODE_LY_UNKNOWN_REF),
				 errmsg("\"%s\" is not a purchase or award but a posting of kind %s",
						ask_text(posting->request, P_REF), kind_label(entry_kind(award))),
				 errhint("The ref is that of the purchase or award to confirm.")));
	ledger_entries_of(posting->ledger, account, entry_seq(award), is_confirmation, &confirmed);
	if (confirmed != NULL && posting_is_repeat(posting, confirmed))
		return;
	posting_time(posting);
	posting_refuse_before(posting, award);
	posting_settle(posting, account);
	if (confirmed != NULL)
		posting_refuse_ended(posting, "pending state of");
	lots_init(&freed);
	check_pending(posting, award);
	claims_read(posting, award, NULL, &claims);
	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_OF_SEQ, entry_seq(award));
	entry_set(entry, ENTRY_OF_REF, posting->request->values[P_REF]);
	free_pending(posting, entry, award, &claims, &freed);
	account_active(account, entry, posting->at_on);
	account_credit(account, entry, &freed);
	count_confirmed(posting, entry, award, &claims);
	tier_after_event(account, entry, DatumGetDateADT(award->values[ENTRY_HAPPENED_ON]));
	posting_finish(posting);
}

/*
 * Cancelling (S15)
 */
typedef struct Cancellation
{
	Entry	   *use;			/* the spend, or the capture of a hold */
	int64		use_seq;		/* when the points left: the hold's, of a capture */
	int64		before;			/* points that earlier cancellations gave back */
} Cancellation;

static bool
is_capture(Entry *entry, void *state)
{
	if (entry_kind(entry) != KIND_CAPTURE)
		return true;
	*(Entry **) state = entry;
	return false;
}

static bool
sum_cancelled(Entry *entry, void *state)
{
	if (entry_kind(entry) == KIND_CANCEL)
		*(int64 *) state += lots_total(&entry->source);
	return true;
}

static void
find_use(Posting *posting, Cancellation *cancellation)
{
	Entry	   *use = posting_find(posting, P_OF_REF);

	posting_refuse_before(posting, use);
	cancellation->use_seq = entry_seq(use);
	if (entry_kind(use) == KIND_HOLD)
	{
		Entry	   *capture = NULL;

		ledger_entries_of(posting->ledger, posting->account, entry_seq(use), is_capture, &capture);
		if (capture == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_LY_UNKNOWN_REF),
					 errmsg("hold \"%s\" was not captured", ask_text(posting->request, P_OF_REF)),
					 errhint("An open hold is ended by release.")));
		posting_refuse_before(posting, capture);
		use = capture;
	}
	else if (entry_kind(use) != KIND_SPEND)
		ereport(ERROR,
				(errcode(ERRCODE_LY_UNKNOWN_REF),
				 errmsg("\"%s\" is not a spend but a posting of kind %s",
						ask_text(posting->request, P_OF_REF), kind_label(entry_kind(use))),
				 errhint("Purchases and awards are undone by refund, open holds by release.")));
	cancellation->use = use;
	cancellation->before = 0;
	ledger_entries_of(posting->ledger, posting->account, entry_seq(use), sum_cancelled,
					  &cancellation->before);
}

/* The slices that come back: what was taken last first. */
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
				 errmsg("cannot cancel more than is left of \"%s\"",
						ask_text(posting->request, P_OF_REF)),
				 errdetail("Asked for " INT64_FORMAT " points; left to cancel: " INT64_FORMAT ".",
						   points, left),
				 left == 0 ? errhint("All of it has been cancelled.") :
				 errhint("Cancel what is left: without points, all of it.")));
	lots_init(slices);
	(void) lots_take_back(&used, points, slices);
}

/* Give lots that ended meanwhile their grace. */
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

/*
 * Reinstating (S9)
 */

/* What expired and is still gone, in the order in which it went. */
static void
bring_back(List *ended, const Lot *slice)
{
	int64		left = slice->points;

	for (int i = list_length(ended) - 1; i >= 0 && left > 0; i--)
	{
		Lot		   *lot = list_nth(ended, i);
		int64		part = lots_compare(lot, slice) == 0 ? Min(left, lot->points) : 0;

		lot->points -= part;
		left -= part;
	}
}

static bool
gather_ended(Entry *entry, void *state)
{
	List	  **ended = state;
	const LotQueue *back = NULL;

	if (entry_kind(entry) == KIND_EXPIRE)
		for (int i = 0; i < entry->taken.count; i++)
		{
			Lot		   *lot = palloc(sizeof(Lot));

			*lot = entry->taken.lots[i];
			*ended = lappend(*ended, lot);
		}
	else if (entry_kind(entry) == KIND_REINSTATE)
		back = &entry->source;
	else if (entry_kind(entry) == KIND_REFUND)
		back = &entry->spared;
	for (int i = 0; back && i < back->count; i++)
		bring_back(*ended, &back->lots[i]);
	return true;
}

/* Take back, latest first, what had expired. */
static void
take_ended(Posting *posting, int64 points, LotQueue *source)
{
	List	   *ended = NIL;
	int64		left = points;

	ledger_entries_from(posting->ledger, posting->account, 1, gather_ended, &ended);
	for (int i = list_length(ended) - 1; i >= 0 && left > 0; i--)
	{
		Lot			slice = *(Lot *) list_nth(ended, i);

		slice.points = Min(slice.points, left);
		if (slice.points > 0)
			lots_add(source, &slice);
		left -= slice.points;
	}
	if (left > 0)
		ereport(ERROR,
				(errcode(ERRCODE_LY_ENDED),
				 errmsg("cannot reinstate " INT64_FORMAT " points of member \"%s\"",
						points, ask_text(posting->request, P_MEMBER)),
				 errdetail("Expired, and neither reinstated nor spared to a return: " INT64_FORMAT " points.",
						   points - left),
				 errhint("Reinstate what is left; loyalty.adjust gives points of today.")));
}

void
reinstate_post(Posting *posting)
{
	Account    *account = posting->account;
	DateADT		to = ask_date(posting->request, P_TO);
	LotQueue	source;
	LotQueue	back;
	Entry	   *entry;

	lots_init(&source);
	lots_init(&back);
	take_ended(posting, ask_points(posting->request, P_POINTS), &source);
	entry = posting_begin(posting);
	if (to < account->clock_on)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reinstate: the new last day must not lie before today")));
	entry->source = source;
	entry_set(entry, ENTRY_EXPIRES_ON, DateADTGetDatum(to));
	for (int i = 0; i < source.count; i++)
	{
		Lot			lot = with_last_day(&source.lots[i], to);

		lots_add(&back, &lot);
	}
	account_active(account, entry, posting->at_on);
	account_credit(account, entry, &back);
	posting_finish(posting);
}
