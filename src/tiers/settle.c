/*
 * settle.c
 *	  What falls due, each at its own instant (S28).
 *
 * At one instant: holds lapse (by ref), points become usable, tiers are
 * reviewed and grants begin or end, points expire, freezes end; and what has
 * become too many lots is joined.  The clock moves to what is posted and no further.
 */
#include "account.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "calendar.h"
#include "tier.h"

/* The next instant at which something of the account is due. */
TimestampTz
account_next_due(const Account *account)
{
	LotDay		day = account_day(account);
	DateADT		last_day = LOT_NEVER;
	DateADT		first_day = LOT_UNCONFIRMED;
	TimestampTz due = account->frozen_until;
	ListCell   *cell;

	for (int i = 0; i < account->lots.count; i++)
	{
		const Lot  *lot = &account->lots.lots[i];

		if (!lot_matured(lot, day))
			first_day = Min(first_day, lot->usable_from);
		else
			last_day = Min(last_day, lot->expires == LOT_INACTIVE ? day.inactive_on : lot->expires);
	}
	due = Min(due, calendar_day_start(first_day, account->zone));
	due = Min(due, calendar_day_end(last_day, account->zone));
	due = Min(due, calendar_day_end(tier_next_review(account), account->zone));
	due = Min(due, calendar_day_start(tier_next_grant(account), account->zone));
	foreach(cell, account->holds)
	{
		const Hold *hold = lfirst(cell);

		if (!hold->ended)
			due = Min(due, hold->until);
	}
	return due;
}

/* Keep due_at a lower bound after a posting; only settling raises it. */
static void
account_lower_due(Account *account)
{
	account->due_at = Min(account->due_at, account_next_due(account));
}

/* The open hold that lapses at an instant, first by ref; NULL if none does. */
static Hold *
next_lapse(Account *account, TimestampTz instant)
{
	Hold	   *first = NULL;
	ListCell   *cell;

	foreach(cell, account->holds)
	{
		Hold	   *hold = lfirst(cell);

		if (!hold->ended && hold->until <= instant &&
			(first == NULL || strcmp(hold->ref, first->ref) < 0))
			first = hold;
	}
	return first;
}

/* End a hold whose time is over: its points come back. */
static void
lapse(Account *account, Hold *hold, TimestampTz instant, DateADT matured_on)
{
	Entry	   *entry = account_begin(account, KIND_RELEASE, instant, instant);

	account->matured_on = matured_on;
	entry_set_points(entry, ENTRY_OF_SEQ, hold->seq);
	entry_set(entry, ENTRY_OF_REF, CStringGetTextDatum(hold->ref));
	entry_set(entry, ENTRY_UNTIL, TimestampTzGetDatum(hold->until));
	account_end_hold(account, hold);
	account_come_back(account, entry, &hold->lots, hold->seq);
	account_finish(account, entry);
}

/*
 * Lots whose first day has come are usable, and pay debt first (S10, S11).  An
 * order whose points are all gone before its day counts for tiers all the
 * same.  False if neither is there.
 */
static bool
mature(Account *account, TimestampTz instant, DateADT matured_on)
{
	DateADT		today = calendar_day_of(instant, account->zone);
	LotQueue	matured;
	int64		paid;
	Entry	   *entry;

	lots_init(&matured);
	for (int i = 0; i < account->lots.count; i++)
	{
		const Lot  *lot = &account->lots.lots[i];

		if (lot->usable_from > matured_on && lot->usable_from <= today)
			lots_add(&matured, lot);
	}
	if (matured.count == 0 && tier_next_count(account, matured_on) > today)
		return false;
	entry = account_begin(account, KIND_MATURE, instant, instant);
	if (matured.count > 0)
		account_active(account, entry, today);
	paid = Min(account->debt, lots_total(&matured));
	(void) lots_take_front(&matured, paid, &entry->taken);
	lots_subtract_all(&account->lots, &entry->taken);
	account->debt -= paid;
	account_finish(account, entry);
	return true;
}

/* Expire the lots whose last day is over, in one entry, or in several if there are too many lots. */
void
account_expire(Account *account, TimestampTz at)
{
	DateADT		today = Max(account->clock_on, calendar_day_of(at, account->zone));
	LotDay		day = {today, account->matured_on, account->inactive_on};

	for (;;)
	{
		LotQueue	ended;
		Entry	   *entry;

		lots_init(&ended);
		if (lots_take_ended(&account->lots, day, MAX_LOTS, &ended) == 0)
			return;
		entry = account_begin(account, KIND_EXPIRE, at, at);
		entry->taken = ended;
		account_finish(account, entry);
	}
}

/* End the freeze, in an entry of its own, if its time is over. */
static void
end_freeze(Account *account, TimestampTz instant)
{
	Entry	   *entry;

	if (account->frozen_until > instant)
		return;
	entry = account_begin(account, KIND_UNFREEZE, instant, instant);
	entry_set(entry, ENTRY_MODE, CStringGetTextDatum(freeze_label(account->frozen)));
	account->frozen = FREEZE_NONE;
	account->frozen_until = DT_NOEND;
	account_finish(account, entry);
}

/* Post everything that is due at an instant, in the order that S28 defines. */
static void
settle_instant(Account *account, TimestampTz instant)
{
	DateADT		matured_on = account->clock_on;
	bool		matured;
	Hold	   *hold;

	while ((hold = next_lapse(account, instant)) != NULL)
		lapse(account, hold, instant, matured_on);
	matured = mature(account, instant, matured_on);
	tier_settle(account, instant, matured_on, matured);
	account->matured_on = Max(account->clock_on, calendar_day_of(instant, account->zone));
	account_expire(account, instant);
	end_freeze(account, instant);
	account->matured_on = account->clock_on;
	account_join_lots(account);
}

/* The same, and what waits to be counted for tiers; of an account that is settled. */
static TimestampTz
next_due_or_count(Account *account)
{
	return Min(account_next_due(account), calendar_day_start(tier_next_count(account, account->clock_on), account->zone));
}

/* Post everything that became due up to an instant, in order. */
void
account_settle(Account *account, TimestampTz to)
{
	TimestampTz next;

	if (account->due_at > to)
		return;
	while ((next = next_due_or_count(account)) <= to)
	{
		int64		seq = account->seq;

		CHECK_FOR_INTERRUPTS();
		settle_instant(account, next);
		if (account->seq == seq && next_due_or_count(account) <= next)
			account_damaged(account, "its due points cannot be settled");
	}
	account->due_at = next;
}

/*
 * Finish the entry of a call.  What it freed after its last day goes at once,
 * in an entry of its own (S17), and the first entry says how much.
 */
void
account_finish_posting(Account *account, Entry *entry)
{
	LotDay		day = account_day(account);
	int64		ended = 0;

	for (int i = 0; i < account->lots.count; i++)
		if (lot_matured(&account->lots.lots[i], day) && lot_ended(&account->lots.lots[i], day))
			ended += account->lots.lots[i].points;
	if (ended > 0)
		entry_set_points(entry, ENTRY_EXPIRED, ended);
	account_finish(account, entry);
	if (ended > 0)
		account_expire(account, account->clock);
	account_join_lots(account);
	account_lower_due(account);
}
