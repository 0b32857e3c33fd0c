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
#include "earn.h"
#include "tally.h"
#include "tier.h"
#include "usage.h"

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

/* The policy of points that no rule gave: the tier's that is held, or the program's (S8). */
static Expiry *
policy_of(Posting *posting)
{
	const Tier *tier = posting->account->book ?
		rulebook_tier(posting->account->book, posting_tier(posting)) : NULL;

	return tier && tier->expiry ? tier->expiry : posting->program->expiry;
}

/*
 * Post a credit: its policy's side effects, its activity, its lot.  A pending
 * lot keeps the policy for an early confirmation (S10).
 */
static void
credit_lot(Posting *posting, Entry *entry, Lot *lot, Expiry *policy)
{
	Account    *account = posting->account;

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

/*
 * The day from which an earning counts: the program's, if points of it wait
 * for that day, else the last on which points of it become usable.  What gave
 * none waits for nothing: no day would come on which it is settled.
 */
static DateADT
counting_day(const Posting *posting, const Lot *lots, int nlots, int pending_days)
{
	DateADT		day = pending_days == PENDING_UNCONFIRMED ? DATEVAL_NOEND :
		posting->at_on + pending_days;
	DateADT		last = posting->at_on;

	for (int i = 0; i < nlots; i++)
	{
		if (lots[i].points == 0)
			continue;
		if (lots[i].usable_from == day)
			return day;
		last = Max(last, lots[i].usable_from);
	}
	return last;
}

/* What was earned counts for tiers; the tier that it reaches is held after it (S10, S22). */
static void
count_earning(Posting *posting, Entry *entry, int64 given, DateADT counts_from)
{
	entry_set(entry, ENTRY_HAPPENED_ON, DateADTGetDatum(posting->at_on));
	if (counts_from != posting->at_on)
		entry_set(entry, ENTRY_COUNTS_FROM, DateADTGetDatum(counts_from));
	entry_set_points(entry, ENTRY_POINTS, given);
	tally_apply(posting->account, entry);
	tier_after_event(posting->account, entry, posting->at_on);
}

/* Credit the parts of an earning, each to the lot of its own policy. */
static void
credit_parts(Posting *posting, Entry *entry, const Earning *earning, const Lot *lots)
{
	Account    *account = posting->account;
	LotQueue	credited;

	lots_init(&credited);
	if (posting->program->pending_days == PENDING_UNCONFIRMED)
		entry_set(entry, ENTRY_EXPIRY, PointerGetDatum(policy_of(posting)));
	for (int i = 0; i < earning->nparts; i++)
	{
		const Part *part = &earning->parts[i];

		if (part->expiry->base == EXPIRY_INACTIVE)
			account_set_inactive_months(account, entry, part->expiry->n);
		if (entry->nulls[ENTRY_EXPIRY] && lots[i].usable_from > lots[i].earned && lots[i].points > 0)
			entry_set(entry, ENTRY_EXPIRY, PointerGetDatum(part->expiry));
		if (lots[i].points > 0)
			lots_add(&credited, &lots[i]);
	}
	account_active(account, entry, posting->at_on);
	account_credit(account, entry, &credited);
	if (earning->nparts != 1 || earning->parts[0].rule != NULL || earning->parts[0].tier != NULL)
		entry_set(entry, ENTRY_PARTS, earn_parts(earning, lots));
}

/* A purchase's lines each have the points that a return by lines takes. */
static void
state_lines(const Posting *posting, Entry *entry, Event *event, const Earning *earning)
{
	for (int i = 0; i < event->lines.count; i++)
	{
		event->lines.lines[i].points = 0;
		for (int j = 0; j < earning->nparts; j++)
		{
			const Part *part = &earning->parts[j];

			if (part->rule == NULL || part->rule->on_return == RETURN_PROPORTIONAL)
				event->lines.lines[i].points += part->points[i];
		}
	}
	entry_set(entry, ENTRY_LINES,
			  PointerGetDatum(lines_with_points(DatumGetJsonbP(posting->request->values[P_LINES]),
												&event->lines)));
}

/* Post what rules make of an event. */
static void
post_earning(Posting *posting, Event *event)
{
	Earning		earning = {.event = event, .account = posting->account};
	Lot		   *lots;
	Entry	   *entry;

	earn_compute(&earning);
	lots = earn_lots(&earning);
	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_COMPUTED, earning.computed);
	if (event->is_purchase)
		entry_set(entry, ENTRY_RATE, posting->program->rate_text);
	if (event->lines.count > 0)
		state_lines(posting, entry, event, &earning);
	if (earning_qualifying(&earning) != earning.given)
		entry_set_points(entry, ENTRY_QUALIFYING, earning_qualifying(&earning));
	credit_parts(posting, entry, &earning, lots);
	charges_apply(posting->account, entry, earning.charges);
	count_earning(posting, entry, earning.given,
				  counting_day(posting, lots, earning.nparts, posting->program->pending_days));
	posting_finish(posting);
}

/* purchase: points for money (S1-S5); activity: for what a member does. */
void
purchase_post(Posting *posting)
{
	Event		event;

	posting_refuse_frozen(posting, FREEZE_EARNING);
	event_of_request(posting->request, posting->at, posting->at_on, &event);
	event.tier = posting_tier(posting);
	post_earning(posting, &event);
}

/* award: points by hand or by an application's own rule. */
void
award_post(Posting *posting)
{
	const Request *request = posting->request;
	int			pending_days = 0;
	int64		computed = ask_points(request, P_POINTS);
	Expiry	   *policy = policy_of(posting);
	int64		given;
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
	given = trim_to_cap(posting, computed);
	lot = lot_by_policy(given, posting->at_on, pending_days, policy);
	credit_lot(posting, entry, &lot, policy);
	if (asked(request, P_QUALIFIES) && !ask_bool(request, P_QUALIFIES))
		entry_set_points(entry, ENTRY_QUALIFYING, 0);
	count_earning(posting, entry, given, counting_day(posting, &lot, 1, pending_days));
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
		Expiry	   *policy = policy_of(posting);
		Lot			lot = lot_by_policy(points, posting->at_on, 0, policy);

		entry = posting_begin(posting);
		credit_lot(posting, entry, &lot, policy);
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
