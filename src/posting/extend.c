/*
 * extend.c
 *	  extend: lots get a later last day (S9).
 */
#include "posting.h"

/* Does the extension move a lot? */
static bool
extends(const Posting *posting, const Lot *lot)
{
	const Request *request = posting->request;

	return lot->expires != LOT_INACTIVE && lot->expires != LOT_NEVER &&
		lot_usable(lot, account_day(posting->account)) &&
		lot->expires < ask_date(request, P_LAST_DAY) &&
		(!asked(request, P_OF_LAST_DAY) || lot->expires == ask_date(request, P_OF_LAST_DAY));
}

/*
 * Give the lots of a queue that the extension moves the new last day.  from
 * gets the lots before and to, unless it is NULL, the lots after.  Returns
 * false if no lot was moved.
 */
static bool
extend_queue(const Posting *posting, LotQueue *queue, LotQueue *from, LotQueue *to)
{
	LotQueue	old;
	bool		moved = false;

	lots_copy(&old, queue);
	for (int i = 0; i < old.count; i++)
	{
		Lot			lot = old.lots[i];

		if (!extends(posting, &lot))
			continue;
		lots_subtract(queue, &lot);
		lots_add(from, &lot);
		lot.expires = ask_date(posting->request, P_LAST_DAY);
		lots_add(queue, &lot);
		if (to)
			lots_add(to, &lot);
		moved = true;
	}
	return moved;
}

/* Does a queue have a usable lot that ends by inactivity? */
static bool
has_undated(const LotQueue *queue, LotDay day)
{
	for (int i = 0; i < queue->count; i++)
		if (queue->lots[i].expires == LOT_INACTIVE && lot_usable(&queue->lots[i], day))
			return true;
	return false;
}

/*
 * Lots that end by inactivity get no date of their own: the account's date of
 * inactivity moves forward for all of them (S9).
 */
static void
extend_undated(Posting *posting, Entry *entry)
{
	const Request *request = posting->request;
	Account    *account = posting->account;
	LotDay		day = account_day(account);
	bool		found = has_undated(&account->lots, day);
	ListCell   *cell;

	foreach(cell, account->holds)
	{
		const Hold *hold = lfirst(cell);

		found = found || (!hold->ended && has_undated(&hold->lots, day));
	}
	if (!found || (asked(request, P_OF_LAST_DAY) &&
				   ask_date(request, P_OF_LAST_DAY) != account->inactive_on))
		return;
	account_extend_inactive(account, entry, ask_date(request, P_LAST_DAY));
}

/* extend: lots that end before a day end on that day. */
void
extend_post(Posting *posting)
{
	Account    *account = posting->account;
	const Request *request = posting->request;
	ListCell   *cell;
	Entry	   *entry = posting_begin(posting);
	MemoryContext old;

	if (ask_date(request, P_LAST_DAY) <= account->clock_on)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("extend: the new last day must be after today")));
	entry_set(entry, ENTRY_EXPIRES_ON, request->values[P_LAST_DAY]);
	if (asked(request, P_OF_LAST_DAY))
		entry_set(entry, ENTRY_OF_LAST_DAY, request->values[P_OF_LAST_DAY]);
	extend_undated(posting, entry);
	(void) extend_queue(posting, &account->lots, &entry->taken, &entry->gained);
	foreach(cell, account->holds)
	{
		Hold	   *hold = lfirst(cell);

		if (hold->ended)
			continue;
		old = MemoryContextSwitchTo(account->context);
		hold->changed |= extend_queue(posting, &hold->lots, &entry->source, NULL);
		MemoryContextSwitchTo(old);
	}
	posting_finish(posting);
}
