/*
 * confirm.c
 *	  confirm: pending points become usable from the date of the confirmation (S10).
 */
#include "posting.h"

#include "utils/builtins.h"

#include "claims.h"
#include "tally.h"
#include "tier.h"

/* Visitor: keep the first entry that is a confirmation, and stop. */
static bool
is_confirmation(Entry *entry, void *state)
{
	if (entry_kind(entry) != KIND_CONFIRM)
		return true;
	*(Entry **) state = entry;
	return false;
}

/* Refuse to confirm an award that is not pending any more. */
static void
check_pending(Posting *posting, const Entry *award)
{
	LotDay		day = account_day(posting->account);
	/*
	 * an award that does not count for tiers yet may have no pending points;
	 * one that gave no points may be confirmed, too
	 */
	bool		found = entry_points(award, ENTRY_POINTS) == 0 ||
		(!award->nulls[ENTRY_COUNTS_FROM] &&
		 DatumGetDateADT(award->values[ENTRY_COUNTS_FROM]) == DATEVAL_NOEND);

	if (award->nulls[ENTRY_EXPIRY])
		posting_refuse_ended(posting, "posting \"%s\" is no longer pending");
	for (int i = 0; i < award->gained.count; i++)
		found = found || !lot_matured(&award->gained.lots[i], day);
	if (!found)
		posting_refuse_ended(posting, "posting \"%s\" is no longer pending");
}

/*
 * Take the award's pending points that returns have left, each part's from its
 * own lot; freed gets the lots that they become.
 */
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

/* Let the award count for tiers from the date of the confirmation, less what was returned of it. */
static void
count_confirmed(Posting *posting, Entry *entry, const Entry *award, const Claims *claims)
{
	bool		is_purchase = entry_kind(award) == KIND_PURCHASE;
	/* an award that gave no points has counted since its own day */
	DateADT		from = entry_points(award, ENTRY_POINTS) == 0 ?
		DatumGetDateADT(award->values[ENTRY_HAPPENED_ON]) : posting->at_on;

	entry_set(entry, ENTRY_ACTIVITY, CStringGetTextDatum(tally_activity(award)));
	entry_set(entry, ENTRY_HAPPENED_ON, award->values[ENTRY_HAPPENED_ON]);
	entry_set(entry, ENTRY_COUNTS_FROM, DateADTGetDatum(from));
	entry_set(entry, ENTRY_WOULD_COUNT_FROM, award->nulls[ENTRY_COUNTS_FROM] ?
			  award->values[ENTRY_HAPPENED_ON] : award->values[ENTRY_COUNTS_FROM]);
	entry_set_points(entry, ENTRY_QUANTITY, claims->whole ? 0 : 1);
	entry_set_points(entry, ENTRY_QUALIFYING, tally_qualifying(award) - claims->qualifying);
	if (is_purchase)
		entry_set(entry, ENTRY_AMOUNT,
				  NumericGetDatum(money_subtract(DatumGetNumeric(award->values[ENTRY_AMOUNT]),
												 claims->refunded)));
	tally_apply(posting->account, entry);
}

/* confirm: make the pending points of an award usable; an award can be confirmed only once. */
void
confirm_post(Posting *posting)
{
	Account    *account = posting->account;
	Entry	   *award = posting_find(posting, KINDS_GIVING,
									 "\"%s\" is not a purchase, an award or an activity; it is a posting of kind %s",
									 "Pass the ref of the purchase or award to confirm.");
	Entry	   *confirmed = NULL;
	Claims		claims;
	LotQueue	freed;
	Entry	   *entry;

	posting_refuse_before(posting, award);
	ledger_entries_of(posting->ledger, account, entry_seq(award), is_confirmation, &confirmed);
	if (confirmed != NULL)
		posting_refuse_ended(posting, "posting \"%s\" is no longer pending");
	lots_init(&freed);
	check_pending(posting, award);
	claims_read(posting, award, NULL, &claims);
	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_OF_SEQ, entry_seq(award));
	entry_set(entry, ENTRY_OF_REF, posting->request->values[P_OF_REF]);
	free_pending(posting, entry, award, &claims, &freed);
	account_active(account, entry, posting->at_on);
	account_credit(account, entry, &freed);
	count_confirmed(posting, entry, award, &claims);
	tier_after_event(account, entry, DatumGetDateADT(award->values[ENTRY_HAPPENED_ON]));
	posting_finish(posting);
}
