/*
 * caps.c
 *	  Caps and budgets: what they leave of an earning, the challenges, and what is
 *	  charged to them (S25).
 */
#include "earn_parts.h"

#include "calendar.h"
#include "tally.h"

/*
 * Caps (S25)
 */

/* The parts that a cap or a budget limits; all parts if neither part nor campaign is set. */
typedef struct Scope
{
	const Part *part;			/* only this part */
	const Campaign *campaign;	/* only the parts of this campaign */
	int			from;			/* parts before this number are not cut */
} Scope;

static bool
in_scope(const Scope *scope, const Part *part)
{
	if (scope->part)
		return part == scope->part;
	if (scope->campaign)
		return part->rule && part->rule->campaign == scope->campaign;
	return true;
}

/* Sum up the points given by the parts in a scope, including those that must not be cut. */
static int64
given_in(const Earning *earning, const Scope *scope)
{
	int64		sum = 0;

	for (int i = 0; i < earning->nparts; i++)
		if (in_scope(scope, &earning->parts[i]))
			sum += earning->parts[i].given;
	return sum;
}

/*
 * Cut the parts in a scope so that they give no more than room, the last part
 * first (S25); if the limit rejects, they give nothing.  Parts before `from`
 * are settled.
 */
static void
trim(Earning *earning, const Scope *scope, int64 room, bool rejects)
{
	int64		given = given_in(earning, scope);
	int64		over;

	if (given <= room)
		return;
	over = rejects ? given : given - Max(room, 0);
	for (int i = earning->nparts - 1; i >= scope->from && over > 0; i--)
	{
		Part	   *part = &earning->parts[i];
		int64		cut = in_scope(scope, part) ? Min(over, part->given) : 0;

		part->given -= cut;
		over -= cut;
	}
}

/* Cut each part to what the cap and the budget of its rule leave; a trial ignores budgets. */
static void
trim_rules(Work *work, int from)
{
	Earning    *earning = work->earning;

	for (int i = from; i < earning->nparts; i++)
	{
		const Rule *rule = earning->parts[i].rule;
		Scope		scope = {.part = &earning->parts[i], .from = from};

		if (rule && rule->points_cap != NO_LIMIT)
			trim(earning, &scope, rule->points_cap - rule_used_points(work, rule), rule->cap_rejects);
		if (rule && rule->budget != NO_LIMIT && earning->parts[i].given > 0 && !earning->trial)
			trim(earning, &scope, rule->budget - budget_find(earning->account, rule->id)->spent,
				 rule->budget_rejects);
	}
}

/* Cut the parts of each campaign to what its budget leaves; a trial ignores budgets. */
static void
trim_campaigns(Work *work, int from)
{
	const Rulebook *book = work->book;
	Earning    *earning = work->earning;

	for (int i = 0; i < book->ncampaigns; i++)
	{
		const Campaign *campaign = &book->campaigns[i];
		Scope		scope = {.campaign = campaign, .from = from};

		if (campaign->budget != NO_LIMIT && given_in(earning, &scope) > 0 && !earning->trial)
			trim(earning, &scope, campaign->budget - budget_find(earning->account, campaign->id)->spent,
				 campaign->budget_rejects);
	}
}

/* Cut all parts to what the program's periodic caps and its balance cap leave. */
static void
trim_all(Work *work, int from)
{
	const Rulebook *book = work->book;
	Earning    *earning = work->earning;
	Scope		scope = {.from = from};

	for (int i = 0; i < book->ncaps; i++)
	{
		const Cap  *cap = &book->caps[i];

		trim(earning, &scope, cap->points - used_points(work, cap->id, cap->period), cap->rejects);
	}
	if (work->program->balance_cap != NO_LIMIT)
		trim(earning, &scope, work->program->balance_cap - earning->account->balance,
			 work->program->cap_rejects);
}

/* Cut the parts from a number on: first by rule, then by campaign, then by the program's caps. */
static void
trim_parts(Work *work, int from)
{
	trim_rules(work, from);
	trim_campaigns(work, from);
	trim_all(work, from);
}

/* Lock all budgets that may be charged, before the first of them is read. */
void
caps_lock_budgets(Work *work)
{
	const Rulebook *book = work->book;
	List	   *ids = NIL;

	for (int i = 0; i < book->nrules && !work->earning->trial; i++)
	{
		const Rule *rule = &book->rules[i];

		/*
		 * a rule that applies so far may still lose in its group, and a
		 * challenge may be met later
		 */
		if (work->earning->misses[i] != MISS_NOT)
			continue;
		if (rule->budget != NO_LIMIT)
			ids = lappend(ids, unconstify(int64 *, &rule->id));
		if (rule->campaign && rule->campaign->budget != NO_LIMIT)
			ids = lappend(ids, unconstify(int64 *, &rule->campaign->id));
	}
	budgets_lock(work->earning->account, ids);
}

/*
 * Challenges: after all else is known
 */

/*
 * The span over which a challenge counts: its period or, if that is all time,
 * the days on which the rule is valid.
 */
static Span
challenge_span(const Work *work, const Rule *rule)
{
	Span		span = period_around(rule->period, work->event->on);

	if (rule->period != PERIOD_EVER)
		return span;
	if (rule->starts_at != DT_NOBEGIN)
		span.first = calendar_day_of(rule->starts_at, work->program->zone);
	if (rule->ends_at != DT_NOEND)
		span.last = calendar_day_of(rule->ends_at - 1, work->program->zone);
	return span;
}

/* Is the goal of a challenge reached, this event included? */
static bool
is_reached(Work *work, const Rule *rule)
{
	const Event *event = work->event;
	/* what still waits for a confirmation counts, too: it was done */
	Metrics		metrics = tally_metrics(work->earning->account, challenge_span(work, rule), DATEVAL_NOEND);
	Numeric		sum = NULL;

	switch (rule->metric)
	{
		case METRIC_POINTS:
			sum = money_of_int64(metrics.points + earning_qualifying(work->earning));
			break;
		case METRIC_SPEND:
			sum = event->is_purchase ? money_add(metrics.spend, event->amount) : metrics.spend;
			break;
		case METRIC_ORDERS:
			sum = money_of_int64(metrics.orders + (event->is_purchase ? 1 : 0));
			break;
		default:
			sum = money_of_int64(metrics.activities + (event->is_purchase ? 0 : 1));
			break;
	}
	return money_compare(sum, rule->goal) >= 0;
}

/* Add a part for a challenge whose goal is reached, and cut it to what caps and budgets leave. */
static void
award_challenge(Work *work, const Source *challenge)
{
	Earning    *earning = work->earning;
	int			order = earning->ncells - 1;
	Part	   *part;

	if (!is_reached(work, challenge->rule))
	{
		earning->misses[challenge->rule - work->book->rules] = MISS_GOAL;
		return;
	}
	rule_check_value(work, challenge->rule, challenge->value[order]);
	part = earning_add_part(work, challenge);
	part->computed = part->given = points_round(challenge->value[order], work->one, ROUNDING_FLOOR);
	part->points[order] = part->given;
	trim_parts(work, earning->nparts - 1);
}

/*
 * Charges
 */

/* Append a charge that belongs to no part, and is not to a budget; the caller fills in the rest. */
static Charge *
add_charge(Earning *earning, int64 id, int64 points)
{
	Charge	   *charge = palloc0(sizeof(Charge));

	charge->id = id;
	charge->points = points;
	charge->part = -1;
	earning->charges = lappend(earning->charges, charge);
	return charge;
}

/*
 * Charge a part to the cap and the budget of its rule.  A part without points
 * is not charged, except that a challenge always counts as a use.
 */
static void
charge_part(Work *work, int number)
{
	Earning    *earning = work->earning;
	const Part *part = &earning->parts[number];
	const Rule *rule = part->rule;
	bool		counts = part->given > 0 || (rule && rule->effect == EFFECT_CHALLENGE);
	Charge	   *charge;

	if (rule == NULL || !counts)
		return;
	if (rule->times_cap != NO_LIMIT || rule->points_cap != NO_LIMIT)
	{
		charge = add_charge(earning, rule->id, part->given);
		charge->period_on = rule_period_on(rule, work->event);
		charge->times = 1;
		charge->part = number;
	}
	if (rule->budget != NO_LIMIT && part->given > 0)
	{
		charge = add_charge(earning, rule->id, part->given);
		charge->is_budget = true;
		charge->part = number;
	}
}

/* Charge every cap and budget with the points that were given in the end (S25). */
void
caps_charge(Work *work)
{
	const Rulebook *book = work->book;
	Earning    *earning = work->earning;
	Charge	   *made;

	for (int i = 0; i < earning->nparts; i++)
		charge_part(work, i);
	for (int i = 0; i < book->ncampaigns; i++)
	{
		Scope		scope = {.campaign = &book->campaigns[i]};
		int64		given = given_in(earning, &scope);

		if (book->campaigns[i].budget == NO_LIMIT || given == 0)
			continue;
		made = add_charge(earning, book->campaigns[i].id, given);
		made->is_budget = true;
		made->campaign = book->campaigns[i].code;
	}
	for (int i = 0; i < book->ncaps && earning->given > 0; i++)
	{
		made = add_charge(earning, book->caps[i].id, earning->given);
		made->period_on = period_around(book->caps[i].period, work->event->on).first;
	}
}

/*
 * Cut the parts to what caps and budgets leave, then add the parts of the
 * challenges that are met.
 */
void
caps_trim(Work *work)
{
	trim_parts(work, 0);
	for (int i = work->challenges; i < work->nsources; i++)
		award_challenge(work, &work->sources[i]);
}
