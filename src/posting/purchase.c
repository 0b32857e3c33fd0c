/*
 * purchase.c
 *	  purchase: points for money (S1-S5); activity: for what a member does.
 */
#include "posting.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "credit.h"
#include "earn.h"
#include "usage.h"

/* Credit the parts of an earning, each to the lot of its own policy. */
static void
credit_parts(Posting *posting, Entry *entry, const Earning *earning, const Lot *lots)
{
	Account    *account = posting->account;
	LotQueue	credited;

	lots_init(&credited);
	if (posting->program->pending_days == PENDING_UNCONFIRMED)
		entry_set(entry, ENTRY_EXPIRY, PointerGetDatum(credit_policy(posting)));
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

/*
 * Store the purchase's lines, each with the points that a return of the line
 * takes: those of the proportional parts.
 */
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

/* Compute what an event earns, and post it. */
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
	credit_count(posting, entry, earning.given,
				  credit_counting_day(posting, lots, earning.nparts, posting->program->pending_days));
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
