/*
 * reinstate.c
 *	  reinstate: expired points come back with a new last day (S9).
 */
#include "posting.h"

#include "claims.h"

/* Deduct points that were reinstated or spared from the expired lots, the last expired first. */
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

/*
 * Visitor: gather the lots that expired, in that order, less what was
 * reinstated or spared since.
 */
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

/*
 * Collect the expired points to bring back, the last expired first; too few of
 * them are an error.
 */
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
				 errdetail("At most " INT64_FORMAT " expired points can be reinstated.",
						   points - left),
				 errhint("Reinstate fewer points, or use loyalty.adjust to give new ones.")));
}

/* reinstate: bring back expired points with a new last day and their original earning date (S9). */
void
reinstate_post(Posting *posting)
{
	Account    *account = posting->account;
	DateADT		to = ask_date(posting->request, P_LAST_DAY);
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
				 errmsg("reinstate: the new last day must not be before today")));
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
