/*
 * undo.c
 *	  Confirmations, cancellations and reinstatements: postings that look at
 *	  what the journal says of earlier ones (S9, S10, S15).
 */
#include "posting.h"

#include "utils/builtins.h"

#include "claims.h"

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

/*
 * What returns have left of an award's pending points; an award that is not
 * pending any more cannot be confirmed.
 */
static Lot
pending_of(Posting *posting, const Entry *award)
{
	Claims		claims;
	Lot			pending = {0};

	if (award->nulls[ENTRY_EXPIRY])
		posting_refuse_ended(posting, "pending state of");
	if (award->gained.count == 0)
		return pending;
	pending = award->gained.lots[0];
	if (lot_matured(&pending, account_day(posting->account)))
		posting_refuse_ended(posting, "pending state of");
	claims_read(posting, award, NULL, &claims);
	pending.points = Min(lots_points_of(&claims.places, &pending),
						 lots_points_of(&posting->account->lots, &pending));
	return pending;
}

/* The lot that a confirmation makes: its clock of expiry starts today. */
static Lot
confirmed_lot(const Posting *posting, const Entry *award, const Lot *pending)
{
	Lot			lot = *pending;

	lot.usable_from = posting->at_on;
	if (!award->nulls[ENTRY_EXPIRES_ON])
		lot.expires = DatumGetDateADT(award->values[ENTRY_EXPIRES_ON]);
	else
		lot.expires = expiry_last_day(DatumGetExpiry(award->values[ENTRY_EXPIRY]), posting->at_on);
	return lot;
}

void
confirm_post(Posting *posting)
{
	Account    *account = posting->account;
	Entry	   *award = posting_find(posting, P_REF);
	Entry	   *confirmed = NULL;
	Lot			pending;
	Lot			lot;
	Entry	   *entry;

	if (entry_kind(award) != KIND_EARN && entry_kind(award) != KIND_AWARD)
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
	pending = pending_of(posting, award);
	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_OF_SEQ, entry_seq(award));
	entry_set(entry, ENTRY_OF_REF, posting->request->values[P_REF]);
	(void) lots_take_key(&account->lots, &pending, pending.points, &entry->taken);
	lot = confirmed_lot(posting, award, &pending);
	account_active(account, entry, posting->at_on);
	account_credit_lot(account, entry, &lot);
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

/* Give lots that ended meanwhile their grace; returns what comes back. */
static void
grace_slices(Posting *posting, Entry *entry, const LotQueue *slices, LotQueue *back)
{
	Account    *account = posting->account;
	int			days = posting->program->cancel_grace_days;

	lots_init(back);
	for (int i = 0; i < slices->count; i++)
	{
		Lot			lot = slices->lots[i];

		if (days > 0 && lot_ended(&lot, account_day(account)) && !lot_was_graced(posting, &lot))
		{
			lots_add(&entry->graced, &lot);
			lot.expires = account->clock_on + days;
			entry_set(entry, ENTRY_EXPIRES_ON, DateADTGetDatum(lot.expires));
		}
		lots_add(back, &lot);
	}
}

void
cancel_post(Posting *posting)
{
	Cancellation cancellation;
	LotQueue	slices;
	LotQueue	back;
	Entry	   *entry;

	find_use(posting, &cancellation);
	slices_of_cancellation(posting, &cancellation, &slices);
	ledger_load_write_offs(posting->ledger, posting->account);
	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_OF_SEQ, entry_seq(cancellation.use));
	entry_set(entry, ENTRY_OF_REF, posting->request->values[P_OF_REF]);
	lots_copy(&entry->source, &slices);
	grace_slices(posting, entry, &slices, &back);
	account_come_back(posting->account, entry, &back, cancellation.use_seq);
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
