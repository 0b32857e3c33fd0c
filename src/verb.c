/*
 * verb.c
 *	  The verbs that need no look at the past: earning, spending, correcting,
 *	  extending, freezing.
 */
#include "posting.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "award.h"
#include "calendar.h"
#include "line.h"

/*
 * Earning
 */

/* What the balance cap leaves of computed points (S25). */
static int64
trim_to_cap(const Posting *posting, int64 computed)
{
	const Program *program = posting->program;
	int64		room;

	if (program->balance_cap == NO_LIMIT)
		return computed;
	room = Max(0, program->balance_cap - posting->account->balance);
	if (computed <= room)
		return computed;
	return program->cap_rejects ? 0 : room;
}

/* The lot of points that are usable, or pending, by the program's policy. */
static Lot
policy_lot(const Posting *posting, int64 points, int pending_days)
{
	Lot			lot = {0};

	lot.points = points;
	lot.earned = posting->at_on;
	lot.usable_from = pending_days == PENDING_UNCONFIRMED ? LOT_UNCONFIRMED :
		posting->at_on + pending_days;
	lot.expires = lot.usable_from == LOT_UNCONFIRMED ? LOT_NEVER :
		expiry_last_day(posting->program->expiry, lot.usable_from);
	return lot;
}

/*
 * Post a credit: its policy's side effects, its activity, its lot.  A pending
 * lot keeps the policy for an early confirmation (S10).
 */
static void
credit_lot(Posting *posting, Entry *entry, Lot *lot)
{
	Account    *account = posting->account;
	Expiry	   *policy = posting->program->expiry;

	if (asked(posting->request, P_EXPIRES_ON))
	{
		entry_set(entry, ENTRY_EXPIRES_ON, posting->request->values[P_EXPIRES_ON]);
		if (lot->usable_from != LOT_UNCONFIRMED)
			lot->expires = ask_date(posting->request, P_EXPIRES_ON);
	}
	else if (policy->base == EXPIRY_INACTIVE)
		account_set_inactive_months(account, entry, policy->n);
	if (lot->usable_from == LOT_UNCONFIRMED || (lot->usable_from > lot->earned && lot->points > 0))
		entry_set(entry, ENTRY_EXPIRY, PointerGetDatum(policy));
	account_active(account, entry, posting->at_on);
	account_credit_lot(account, entry, lot);
}

/* purchase: points for money (S1-S3, S5). */
void
purchase_post(Posting *posting)
{
	const Request *request = posting->request;
	const Program *program = posting->program;
	Numeric		amount = DatumGetNumeric(request->values[P_AMOUNT]);
	Lines		lines = {0};
	int64		computed;
	int64		given;
	Lot			lot;
	Entry	   *entry;

	if (asked(request, P_LINES))
	{
		lines_read(DatumGetJsonbP(request->values[P_LINES]), &lines);
		lines_rate(&lines, &program->rate);
	}
	computed = award_points(&program->rate, amount);
	posting_refuse_frozen(posting, FREEZE_EARNING);
	given = trim_to_cap(posting, computed);
	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_COMPUTED, computed);
	entry_set(entry, ENTRY_RATE, program->rate_text);
	if (lines.count > 0)
	{
		if (given != computed)
			lines_trim(&lines, given);
		entry_set(entry, ENTRY_LINES, PointerGetDatum(lines_with_points(DatumGetJsonbP(request->values[P_LINES]), &lines)));
	}
	lot = policy_lot(posting, given, program->pending_days);
	credit_lot(posting, entry, &lot);
	posting_finish(posting);
}

/* award: points by hand or by an application's own rule. */
void
award_post(Posting *posting)
{
	const Request *request = posting->request;
	int			pending_days = 0;
	int64		computed = ask_points(request, P_POINTS);
	Lot			lot;
	Entry	   *entry;

	posting_refuse_frozen(posting, FREEZE_EARNING);
	if (asked(request, P_EXPIRES_ON) && ask_date(request, P_EXPIRES_ON) < posting->at_on)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("award: expires_on lies before the day of the award")));
	if (ask_bool(request, P_PENDING))
		pending_days = posting->program->pending_days > 0 ?
			posting->program->pending_days : PENDING_UNCONFIRMED;
	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_COMPUTED, computed);
	lot = policy_lot(posting, trim_to_cap(posting, computed), pending_days);
	credit_lot(posting, entry, &lot);
	posting_finish(posting);
}

/* adjust: a correction up or down (S9). */
void
adjust_post(Posting *posting)
{
	Account    *account = posting->account;
	int64		points = ask_points(posting->request, P_POINTS);
	Entry	   *entry;

	if (points > 0)
	{
		Lot			lot = policy_lot(posting, points, 0);

		entry = posting_begin(posting);
		credit_lot(posting, entry, &lot);
	}
	else
	{
		int64		taken = Min(-points, account->usable);

		if (taken < -points && !ask_bool(posting->request, P_ALLOW_DEBT))
			posting_refuse_shortage(posting, -points);
		entry = posting_begin(posting);
		account_take(account, entry, taken);
		account->debt += -points - taken;
		if (taken < -points)
			entry_set_points(entry, ENTRY_OWED, -points - taken);
	}
	posting_finish(posting);
}

/*
 * Spending
 */

/* spend: points for whatever the application gives for them. */
void
spend_post(Posting *posting)
{
	int64		points = ask_points(posting->request, P_POINTS);
	Entry	   *entry;

	posting_refuse_frozen(posting, FREEZE_SPENDING);
	posting_refuse_shortage(posting, points);
	entry = posting_begin(posting);
	account_active(posting->account, entry, posting->at_on);
	account_take(posting->account, entry, points);
	posting_finish(posting);
}

/*
 * Extending (S9)
 */

/* Is a lot one that an extension moves? */
static bool
extends(const Posting *posting, const Lot *lot)
{
	const Request *request = posting->request;

	return lot->expires != LOT_INACTIVE && lot->expires != LOT_NEVER &&
		lot_usable(lot, account_day(posting->account)) &&
		lot->expires < ask_date(request, P_TO) &&
		(!asked(request, P_EXPIRING_ON) || lot->expires == ask_date(request, P_EXPIRING_ON));
}

/* Give the lots of a queue that it concerns the new last day. */
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
		lot.expires = ask_date(posting->request, P_TO);
		lots_add(queue, &lot);
		if (to)
			lots_add(to, &lot);
		moved = true;
	}
	return moved;
}

static bool
has_undated(const LotQueue *queue, LotDay day)
{
	for (int i = 0; i < queue->count; i++)
		if (queue->lots[i].expires == LOT_INACTIVE && lot_usable(&queue->lots[i], day))
			return true;
	return false;
}

/* Undated lots stay undated: the account's date moves on for all of them. */
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
	if (!found || (asked(request, P_EXPIRING_ON) &&
				   ask_date(request, P_EXPIRING_ON) != account->inactive_on))
		return;
	account_extend_inactive(account, entry, ask_date(request, P_TO));
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

	if (ask_date(request, P_TO) <= account->clock_on)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("extend: the new last day must lie after today")));
	entry_set(entry, ENTRY_EXPIRES_ON, request->values[P_TO]);
	if (asked(request, P_EXPIRING_ON))
		entry_set(entry, ENTRY_EXPIRING_ON, request->values[P_EXPIRING_ON]);
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

/*
 * Freezing (S19)
 */

/* freeze: stop spending, earning or both; it replaces the one in force. */
void
freeze_post(Posting *posting)
{
	const Request *request = posting->request;
	Account    *account = posting->account;
	TimestampTz until = asked(request, P_UNTIL) ?
		DatumGetTimestampTz(request->values[P_UNTIL]) : DT_NOEND;
	Entry	   *entry;

	if (until <= posting->clock)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("freeze: until must lie after the time at which it begins")));
	entry = posting_begin(posting);
	account->frozen = freeze_mode(ask_text(request, P_MODE));
	account->frozen_until = until;
	entry_set(entry, ENTRY_MODE, request->values[P_MODE]);
	if (until != DT_NOEND)
		entry_set(entry, ENTRY_UNTIL, TimestampTzGetDatum(until));
	posting_finish(posting);
}

void
unfreeze_post(Posting *posting)
{
	Account    *account = posting->account;
	Entry	   *entry;

	if (account->frozen == FREEZE_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_LY_ENDED),
				 errmsg("the account of member \"%s\" is not frozen",
						ask_text(posting->request, P_MEMBER)),
				 errhint("loyalty.statement shows when it was frozen last.")));
	entry = posting_begin(posting);
	entry_set(entry, ENTRY_MODE, CStringGetTextDatum(freeze_label(account->frozen)));
	account->frozen = FREEZE_NONE;
	account->frozen_until = DT_NOEND;
	posting_finish(posting);
}
