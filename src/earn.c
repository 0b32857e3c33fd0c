/*
 * earn.c
 *	  From an event to points: which rules apply, how they stack, one rounding
 *	  for the order, caps, and challenges last.
 *
 * What sources give is kept exact, as numerics times `scale`, which is the
 * program's per_amount: so its rate is divided last, and once (S1).
 */
#include "earn.h"

#include "common/sha2.h"
#include "common/cryptohash.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "calendar.h"
#include "json.h"
#include "tally.h"
#include "tier.h"

/* A rule that applies, the tier's multiplier, or the program's rate. */
typedef struct Source
{
	const Rule *rule;			/* NULL: one of the other two */
	const Tier *tier;
	Effect		effect;
	int			priority;
	const char *code;
	const char *group;			/* or NULL */
	bool		stacks;			/* a multiplier of what was reached; of a group never */
	Numeric    *value;			/* by cell: points, or factor; NULL: does not apply there */
	Numeric    *exact;			/* by cell: what it gives, scaled; NULL: nothing */
} Source;

typedef struct Work
{
	Earning    *earning;
	const Event *event;
	const Program *program;
	const Rulebook *book;
	Facts		facts;
	Numeric		scale;
	Numeric		one;
	Numeric    *base;			/* by cell, scaled; NULL: 0 */
	int			nsources;
	Source	   *sources;		/* in the order of parts */
} Work;

/*
 * Does a rule apply?
 */

/* A stable share of the members: the same ones at every time and server. */
bool
in_pilot(const char *code, int64 member_id, int percent)
{
	char	   *text = psprintf("%s:" INT64_FORMAT, code, member_id);
	uint8		hash[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *context;
	uint32		number;

	if (percent >= 100)
		return true;
	context = pg_cryptohash_create(PG_SHA256);
	if (pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, (uint8 *) text, strlen(text)) < 0 ||
		pg_cryptohash_final(context, hash, sizeof(hash)) < 0)
		elog(ERROR, "could not hash a member");
	pg_cryptohash_free(context);
	memcpy(&number, hash, sizeof(number));
	return pg_ntoh32(number) % 100 < percent;
}

static bool
has_tag(const Member *member, const Rule *rule)
{
	Jsonb	   *tags = DatumGetJsonbP(member->tags);

	for (int i = 0; i < rule->ntags; i++)
	{
		JsonbValue	tag;

		tag.type = jbvString;
		tag.val.string.val = VARDATA_ANY(rule->tags[i]);
		tag.val.string.len = VARSIZE_ANY_EXHDR(rule->tags[i]);
		if (findJsonbValueFromContainer(&tags->root, JB_FARRAY, &tag) != NULL)
			return true;
	}
	return false;
}

/* The campaign of a rule, as far as it decides; cheap questions first. */
static Miss
campaign_miss(const Work *work, const Rule *rule)
{
	const Campaign *campaign = rule->campaign;

	if (rule->campaign_code == NULL)
		return MISS_NOT;
	if (campaign == NULL ||
		(campaign->status != CAMPAIGN_RUNNING && campaign != work->earning->trial))
		return MISS_CAMPAIGN;
	return MISS_NOT;
}

#define happens_in(event, starts, ends) ((event)->at >= (starts) && (event)->at < (ends))

/* When and for whom: the questions that need no table. */
static Miss
window_miss(Work *work, const Rule *rule)
{
	const Event *event = work->event;
	const Campaign *campaign = rule->campaign;
	/* a campaign that is tried on the past is tried as if it had been on */
	bool		tried = campaign && campaign == work->earning->trial;

	if (campaign && !tried && !happens_in(event, campaign->starts_at, campaign->ends_at))
		return MISS_CAMPAIGN_WINDOW;
	if (!tried && !happens_in(event, rule->starts_at, rule->ends_at))
		return MISS_WINDOW;
	if (rule->weekdays != 0)
	{
		/* 1 is Monday; 2000-01-01, day 0, was a Saturday */
		int			weekday = ((event->on + 5) % 7 + 7) % 7 + 1;

		if ((rule->weekdays & (1 << weekday)) == 0)
			return MISS_WEEKDAY;
	}
	if ((rule->hour_from != 0 || rule->hour_until != USECS_PER_DAY) &&
		(facts_time_of_day(&work->facts) < rule->hour_from ||
		 facts_time_of_day(&work->facts) >= rule->hour_until))
		return MISS_HOURS;
	return MISS_NOT;
}

static Miss
audience_miss(Work *work, const Rule *rule)
{
	const Account *account = work->earning->account;
	const Campaign *campaign = rule->campaign;

	if (rule->tiers_named &&
		(rule->tiers & (UINT64CONST(1) << tier_rank(account, work->event->tier))) == 0)
		return MISS_TIER;
	if (rule->ntags > 0 && !has_tag(facts_member(&work->facts), rule))
		return MISS_TAG;
	if (campaign && !in_pilot(campaign->code, account->member_id, campaign->pilot_percent))
		return MISS_CAMPAIGN_PILOT;
	if (rule->pilot_percent < 100 &&
		!in_pilot(psprintf("rule:%s", rule->code), account->member_id, rule->pilot_percent))
		return MISS_PILOT;
	return MISS_NOT;
}

/* What a challenge is counted over where its period is ever: its own window. */
static DateADT
rule_period_on(const Rule *rule, const Event *event)
{
	return period_around(rule->period, event->on).first;
}

/* The first reason why a rule does not apply; its condition aside. */
static Miss
rule_miss(Work *work, const Rule *rule)
{
	Miss		miss;

	if (!rule->active)
		return MISS_STATUS;
	if ((miss = campaign_miss(work, rule)) != MISS_NOT)
		return miss;
	if (rule->activity != NULL && strcmp(rule->activity, work->event->activity) != 0)
		return MISS_ACTIVITY;
	if ((miss = window_miss(work, rule)) != MISS_NOT)
		return miss;
	if ((miss = audience_miss(work, rule)) != MISS_NOT)
		return miss;
	if (rule->times_cap != NO_LIMIT &&
		usage_find(work->earning->account, rule->id, rule_period_on(rule, work->event))->times >= rule->times_cap)
		return MISS_TIMES;
	return MISS_NOT;
}

/*
 * Evaluating
 */

static void
refuse_value(const Rule *rule, const char *what, Numeric value)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_RULE),
			 errmsg("rule \"%s\" gives %s", rule->code, what),
			 errdetail("Its value is %s.",
					   DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value)))),
			 errhint("Mend the expression in its points, with greatest(…, 0) for instance.")));
}

/* A value of a rule, checked; NULL: it does not apply. */
static Numeric
rule_value(Work *work, const Rule *rule)
{
	Numeric		value = facts_number(&work->facts, rule->points);

	if (value == NULL)
		return NULL;
	if (numeric_is_nan(value) || numeric_is_inf(value))
		refuse_value(rule, "no finite number", value);
	if (rule->effect == EFFECT_MULTIPLIER)
	{
		if (money_compare(value, work->one) < 0)
			refuse_value(rule, "a factor below 1", value);
	}
	else if (money_compare(value, money_of_int64(0)) < 0)
		refuse_value(rule, "points below 0", value);
	if (money_compare(value, money_of_int64(MAX_POINTS)) > 0)
		refuse_value(rule, "more than a posting may have", value);
	return value;
}

/* Evaluate a rule on the cell at hand. */
static Miss
evaluate_cell(Work *work, const Rule *rule, Numeric *value)
{
	if (rule->condition && !facts_hold(&work->facts, rule->condition))
		return MISS_CONDITION;
	*value = rule_value(work, rule);
	return *value == NULL ? MISS_NULL : MISS_NOT;
}

/* Evaluate a rule where it is to be evaluated: once, or line by line. */
static Miss
evaluate(Work *work, const Rule *rule, Numeric *values)
{
	int			order = work->earning->ncells - 1;
	bool		applies = false;
	Miss		miss;
	Numeric		value;

	if (!rule->by_line || order == 0)
	{
		facts_set_line(&work->facts, 0);
		miss = evaluate_cell(work, rule, &value);
		if (miss != MISS_NOT)
			return miss;
		values[order] = value;
		if (rule->effect == EFFECT_MULTIPLIER)
			for (int cell = 0; cell < order; cell++)
				values[cell] = value;
		return MISS_NOT;
	}
	for (int cell = 0; cell < order; cell++)
	{
		facts_set_line(&work->facts, cell);
		miss = evaluate_cell(work, rule, &value);
		if (miss == MISS_NOT)
			values[cell] = value;
		applies = applies || miss == MISS_NOT;
	}
	return applies ? MISS_NOT : miss;
}

/*
 * Sources
 */

static Source *
add_source(Work *work, Effect effect)
{
	Source	   *source = &work->sources[work->nsources++];
	int			ncells = work->earning->ncells;

	memset(source, 0, sizeof(Source));
	source->effect = effect;
	source->value = palloc0(2 * ncells * sizeof(Numeric));
	source->exact = source->value + ncells;
	return source;
}

/* The program's rate, in points that are exact and scaled. */
static void
add_rate(Work *work)
{
	const Rate *rate = &work->program->rate;
	const Lines *lines = &work->event->lines;
	Source	   *source = add_source(work, EFFECT_BASE);
	Numeric		running = money_of_int64(0);
	int64		before = 0;
	int			ncells = work->earning->ncells;

	source->priority = PG_INT32_MAX;
	source->code = "";
	source->group = work->program->base_group;
	for (int cell = 0; cell < Max(ncells - 1, 1); cell++)
	{
		Numeric		amount = lines->count > 0 ? lines->lines[cell].amount : work->event->amount;

		if (rate->blocks)
		{
			int64		now;

			running = money_add(running, amount);
			now = award_points(rate, running);
			source->value[cell] = money_of_int64(now - before);
			before = now;
		}
		else
			source->value[cell] = money_multiply(amount, rate->points);
		source->exact[cell] = source->value[cell];
	}
}

static void
add_tier(Work *work, const Tier *tier)
{
	Source	   *source = add_source(work, EFFECT_MULTIPLIER);

	source->tier = tier;
	source->priority = tier->priority;
	source->code = "tier";
	source->group = tier->group;
	source->stacks = tier->stacks && tier->group == NULL;
	for (int cell = 0; cell < work->earning->ncells; cell++)
		source->value[cell] = tier->multiplier;
}

static Numeric
scaled(const Work *work, Numeric value)
{
	return work->scale == work->one ? value : money_multiply(value, work->scale);
}

/* A rule, if it applies. */
static void
add_rule(Work *work, int number)
{
	const Rule *rule = &work->book->rules[number];
	Miss		miss = rule_miss(work, rule);
	Source	   *source;

	if (miss == MISS_NOT)
	{
		source = add_source(work, rule->effect);
		miss = evaluate(work, rule, source->value);
		if (miss != MISS_NOT)
			work->nsources--;
	}
	work->earning->misses[number] = miss;
	if (miss != MISS_NOT)
		return;
	source->rule = rule;
	source->priority = rule->priority;
	source->code = rule->code;
	source->group = rule->group;
	source->stacks = rule->stacks && rule->group == NULL;
	if (rule->effect != EFFECT_MULTIPLIER)
		for (int cell = 0; cell < work->earning->ncells; cell++)
			if (source->value[cell])
				source->exact[cell] = scaled(work, source->value[cell]);
}

/*
 * Exclusive groups
 */

/* What a source gives, as groups compare it: a multiplier on the base alone. */
static Numeric
worth(const Work *work, const Source *source)
{
	Numeric		sum = money_of_int64(0);

	for (int cell = 0; cell < work->earning->ncells; cell++)
	{
		if (source->value[cell] == NULL)
			continue;
		if (source->effect != EFFECT_MULTIPLIER)
			sum = money_add(sum, source->exact[cell]);
		else if (work->base[cell])
			sum = money_add(sum, money_multiply(money_subtract(source->value[cell], work->one),
												work->base[cell]));
	}
	return sum;
}

static bool
comes_before(const Source *a, const Source *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	return strcmp(a->code, b->code) < 0;
}

/* Leave a source out of a cell. */
static void
leave_out(Source *source, int cell)
{
	source->value[cell] = NULL;
	source->exact[cell] = NULL;
}

/* On each cell the first by priority stays. */
static void
keep_first(Work *work, Source *one, Source *other)
{
	Source	   *loser = comes_before(one, other) ? other : one;

	for (int cell = 0; cell < work->earning->ncells; cell++)
		if (one->value[cell] && other->value[cell])
			leave_out(loser, cell);
}

/* The one that gives most over the whole order stays, everywhere. */
static void
keep_best(Work *work, Source *one, Source *other)
{
	int			order = money_compare(worth(work, one), worth(work, other));
	Source	   *loser = other;

	if (order < 0 || (order == 0 && comes_before(other, one)))
		loser = one;
	for (int cell = 0; cell < work->earning->ncells; cell++)
		leave_out(loser, cell);
}

static bool
applies_anywhere(const Work *work, const Source *source)
{
	for (int cell = 0; cell < work->earning->ncells; cell++)
		if (source->value[cell])
			return true;
	return false;
}

/* Let one of each exclusive group stand, among the sources of an effect. */
static void
choose_in_groups(Work *work, int first)
{
	for (int i = first; i < work->nsources; i++)
	{
		for (int j = i + 1; j < work->nsources; j++)
		{
			Source	   *one = &work->sources[i];
			Source	   *other = &work->sources[j];

			if (one->group == NULL || other->group == NULL || strcmp(one->group, other->group) != 0 ||
				!applies_anywhere(work, one) || !applies_anywhere(work, other))
				continue;
			if (rulebook_group_takes_first(work->book, one->group))
				keep_first(work, one, other);
			else
				keep_best(work, one, other);
		}
	}
}

/*
 * Stacking (S4)
 */

static void
sum_base(Work *work)
{
	for (int i = 0; i < work->nsources; i++)
		for (int cell = 0; cell < work->earning->ncells; cell++)
		{
			Numeric		exact = work->sources[i].exact[cell];

			if (exact)
				work->base[cell] = work->base[cell] ? money_add(work->base[cell], exact) : exact;
		}
}

/* What a multiplier adds in a cell, at most what the ceiling leaves. */
static void
multiply_cell(Work *work, Source *source, int cell, Numeric *reached)
{
	Numeric		base = work->base[cell];
	Numeric		on = source->stacks ? reached[cell] : base;
	Numeric		more;

	if (source->value[cell] == NULL || base == NULL)
		return;
	more = money_multiply(money_subtract(source->value[cell], work->one), on);
	if (work->program->multiplier_ceiling)
	{
		Numeric		left = money_subtract(money_multiply(work->program->multiplier_ceiling, base),
										  reached[cell]);

		if (money_compare(left, more) < 0)
			more = money_compare(left, money_of_int64(0)) < 0 ? money_of_int64(0) : left;
	}
	source->exact[cell] = more;
	reached[cell] = money_add(reached[cell], more);
}

/* Multipliers stand in the order in which they work: additive ones first. */
static int
compare_multipliers(const void *a, const void *b)
{
	const Source *one = a;
	const Source *other = b;

	if (one->stacks != other->stacks)
		return one->stacks ? 1 : -1;
	if (!one->stacks && (one->tier != NULL) != (other->tier != NULL))
		return one->tier ? -1 : 1;
	return comes_before(one, other) ? -1 : 1;
}

static void
multiply(Work *work, int first)
{
	int			ncells = work->earning->ncells;
	Numeric    *reached = palloc(ncells * sizeof(Numeric));

	if (first == work->nsources)
		return;
	memcpy(reached, work->base, ncells * sizeof(Numeric));
	qsort(work->sources + first, work->nsources - first, sizeof(Source), compare_multipliers);
	for (int i = first; i < work->nsources; i++)
		for (int cell = 0; cell < ncells; cell++)
			multiply_cell(work, &work->sources[i], cell, reached);
}

/* Gather what applies, effect by effect, and let it work. */
static void
stack(Work *work)
{
	const Rulebook *book = work->book;
	const Tier *tier = book->ntiers > 0 ? rulebook_tier(book, work->event->tier) : NULL;
	int			next = 0;
	int			first;

	if (work->event->is_purchase)
		add_rate(work);
	for (; next < book->nrules && book->rules[next].effect == EFFECT_BASE; next++)
		add_rule(work, next);
	choose_in_groups(work, 0);
	sum_base(work);
	first = work->nsources;
	if (tier && tier->multiplies)
		add_tier(work, tier);
	for (; next < book->nrules && book->rules[next].effect == EFFECT_MULTIPLIER; next++)
		add_rule(work, next);
	choose_in_groups(work, first);
	multiply(work, first);
	first = work->nsources;
	for (; next < book->nrules && book->rules[next].effect == EFFECT_BONUS; next++)
		add_rule(work, next);
	choose_in_groups(work, first);
}

/*
 * Parts, rounded once (S2)
 */

static void
set_terms(const Work *work, Part *part)
{
	const Rule *rule = part->rule;
	const Tier *held = rulebook_tier(work->book, work->event->tier);

	part->expiry = work->program->expiry;
	if (held && held->expiry)
		part->expiry = held->expiry;
	if (rule && rule->campaign && rule->campaign->expiry)
		part->expiry = rule->campaign->expiry;
	if (rule && rule->expiry)
		part->expiry = rule->expiry;
	part->pending_days = rule && rule->pending_days != (int) NO_LIMIT ? rule->pending_days :
		work->program->pending_days;
}

static Part *
add_part(Work *work, const Source *source)
{
	Earning    *earning = work->earning;
	Part	   *part = &earning->parts[earning->nparts++];

	memset(part, 0, sizeof(Part));
	part->rule = source->rule;
	part->tier = source->tier;
	part->points = palloc0(earning->ncells * sizeof(int64));
	set_terms(work, part);
	return part;
}

static void
note_group_miss(Work *work, const Source *source)
{
	if (source->rule)
		work->earning->misses[source->rule - work->book->rules] = MISS_GROUP;
}

static void
round_parts(Work *work)
{
	Earning    *earning = work->earning;
	Numeric		running = money_of_int64(0);
	int64		before = 0;

	for (int i = 0; i < work->nsources; i++)
	{
		Source	   *source = &work->sources[i];
		Part	   *part;

		if (source->code[0] != '\0' && !applies_anywhere(work, source))
		{
			note_group_miss(work, source);
			continue;
		}
		part = add_part(work, source);
		for (int cell = 0; cell < earning->ncells; cell++)
		{
			int64		now;

			if (source->exact[cell] == NULL)
				continue;
			running = money_add(running, source->exact[cell]);
			now = award_round(running, work->scale, work->program->rate.rounding);
			part->points[cell] = now - before;
			part->computed += now - before;
			before = now;
		}
		part->given = part->computed;
	}
}

/*
 * Caps (S25)
 */

/* Whose parts a cap limits. */
typedef struct Scope
{
	const Part *part;			/* this one alone */
	const Campaign *campaign;	/* this campaign's */
	int			from;			/* … from this one on */
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

static int64
given_in(const Earning *earning, const Scope *scope)
{
	int64		sum = 0;

	for (int i = 0; i < earning->nparts; i++)
		if (in_scope(scope, &earning->parts[i]))
			sum += earning->parts[i].given;
	return sum;
}

/* Cut what is in a scope to so much, from the last part on; parts before `from` are settled. */
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

static int64
used_points(const Work *work, int64 counter_id, Period period)
{
	return usage_find(work->earning->account, counter_id,
					  period_around(period, work->event->on).first)->points;
}

static void
trim_rules(Work *work, int from)
{
	Earning    *earning = work->earning;

	for (int i = from; i < earning->nparts; i++)
	{
		const Rule *rule = earning->parts[i].rule;
		Scope		scope = {.part = &earning->parts[i], .from = from};

		if (rule && rule->points_cap != NO_LIMIT)
			trim(earning, &scope, rule->points_cap - used_points(work, rule->id, rule->period),
				 rule->cap_rejects);
		if (rule && rule->budget != NO_LIMIT && earning->parts[i].given > 0)
			trim(earning, &scope, rule->budget - budget_find(earning->account, rule->id)->spent,
				 rule->budget_rejects);
	}
}

static void
trim_campaigns(Work *work, int from)
{
	const Rulebook *book = work->book;
	Earning    *earning = work->earning;

	for (int i = 0; i < book->ncampaigns; i++)
	{
		const Campaign *campaign = &book->campaigns[i];
		Scope		scope = {.campaign = campaign, .from = from};

		if (campaign->budget != NO_LIMIT && given_in(earning, &scope) > 0)
			trim(earning, &scope, campaign->budget - budget_find(earning->account, campaign->id)->spent,
				 campaign->budget_rejects);
	}
}

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

static void
trim_parts(Work *work, int from)
{
	trim_rules(work, from);
	trim_campaigns(work, from);
	trim_all(work, from);
}

/*
 * Lock the budgets that may be charged in the order of their ids, so that two
 * postings wait for each other one way only.
 */
static int
compare_ids(const ListCell *a, const ListCell *b)
{
	int64		one = *(int64 *) lfirst(a);
	int64		other = *(int64 *) lfirst(b);

	return one < other ? -1 : one > other;
}

static void
lock_budgets(Work *work)
{
	const Rulebook *book = work->book;
	List	   *ids = NIL;
	ListCell   *cell;

	for (int i = 0; i < book->nrules; i++)
	{
		const Rule *rule = &book->rules[i];

		/* a challenge may come to it later */
		if (work->earning->misses[i] != MISS_NOT)
			continue;
		if (rule->budget != NO_LIMIT)
			ids = lappend(ids, unconstify(int64 *, &rule->id));
		if (rule->campaign && rule->campaign->budget != NO_LIMIT)
			ids = lappend(ids, unconstify(int64 *, &rule->campaign->id));
	}
	list_sort(ids, compare_ids);
	foreach(cell, ids)
		(void) budget_find(work->earning->account, *(int64 *) lfirst(cell));
}

/* The points that count for tiers. */
int64
earn_qualifying(const Earning *earning)
{
	int64		sum = 0;

	for (int i = 0; i < earning->nparts; i++)
		if (earning->parts[i].rule == NULL || earning->parts[i].rule->qualifies)
			sum += earning->parts[i].given;
	return sum;
}

/*
 * Challenges: after all else is known
 */

/* The span that a challenge counts over. */
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

/* Is its goal reached, this event included? */
static bool
is_reached(Work *work, const Rule *rule)
{
	const Event *event = work->event;
	/* what waits to be confirmed counts too: it was done */
	Metrics		metrics = tally_metrics(work->earning->account, challenge_span(work, rule), DATEVAL_NOEND);
	Numeric		sum = NULL;

	switch (rule->metric)
	{
		case METRIC_POINTS:
			sum = money_of_int64(metrics.points + earn_qualifying(work->earning));
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

/* A challenge that is met is one more part of the order. */
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
	part = add_part(work, challenge);
	part->computed = part->given = award_round(challenge->value[order], work->one, ROUNDING_FLOOR);
	part->points[order] = part->given;
	trim_parts(work, earning->nparts - 1);
}

static int
add_challenges(Work *work)
{
	const Rulebook *book = work->book;
	int			first = work->nsources;

	for (int i = 0; i < book->nrules; i++)
		if (book->rules[i].effect == EFFECT_CHALLENGE)
			add_rule(work, i);
	return first;
}

/*
 * Charges
 */

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

/* Every cap and budget is charged with what was finally given. */
static void
charge_all(Work *work)
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

/* Lines of a part share what was cut (S25); and the sums. */
static void
finish_parts(Earning *earning)
{
	earning->computed = earning->given = 0;
	for (int i = 0; i < earning->nparts; i++)
	{
		Part	   *part = &earning->parts[i];

		if (part->given != part->computed)
			award_spread(part->points, earning->ncells, part->given, part->points);
		earning->computed += part->computed;
		earning->given += part->given;
	}
	if (earning->computed > MAX_POINTS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("points out of range"),
				 errdetail("One posting moves at most " INT64_FORMAT " points.", MAX_POINTS)));
}

/* A program without rules: its rate alone. */
static const Rulebook no_rules = {0};

/* Work out what an event earns. */
void
earn_compute(Earning *earning)
{
	Work		work = {0};
	int			challenges;

	work.earning = earning;
	work.event = earning->event;
	work.program = earning->account->program;
	work.book = earning->account->book ? earning->account->book : &no_rules;
	work.one = money_of_int64(1);
	work.scale = work.event->is_purchase && !work.program->rate.blocks &&
		money_compare(work.program->rate.per_amount, work.one) != 0 ?
		work.program->rate.per_amount : work.one;
	earning->ncells = work.event->lines.count + 1;
	earning->misses = palloc0((work.book->nrules + 1) * sizeof(Miss));
	earning->parts = palloc((work.book->nrules + 2) * sizeof(Part));
	earning->nparts = 0;
	work.sources = palloc((work.book->nrules + 2) * sizeof(Source));
	work.base = palloc0(earning->ncells * sizeof(Numeric));
	facts_begin(&work.facts, earning->event, earning->account);
	stack(&work);
	round_parts(&work);
	work.nsources = 0;
	challenges = add_challenges(&work);
	lock_budgets(&work);
	trim_parts(&work, 0);
	for (int i = challenges; i < work.nsources; i++)
		award_challenge(&work, &work.sources[i]);
	finish_parts(earning);
	charge_all(&work);
	facts_end(&work.facts);
}

/*
 * Saying it
 */

const char *
part_name(const Part *part)
{
	return part->rule ? part->rule->code : part->tier ? "tier" : "base";
}

const char *
miss_text(Miss miss)
{
	static const char *const texts[] = {
		NULL, "the rule is not active", "its campaign does not run", "it is for another activity",
		"outside of its campaign's time", "outside of its time", "not on this day of the week",
		"not at this time of day", "not for this tier", "the member has none of its tags",
		"the member is not in its campaign's pilot", "the member is not in its pilot",
		"it has fired as often as it may in the period", "its condition does not hold",
		"its points are NULL", "another rule of its group was taken", "its goal is not reached"
	};

	StaticAssertStmt(lengthof(texts) == MISS_GOAL + 1, "every reason has its text");
	return texts[miss];
}

/* Where a part's points went, and by which policy if they wait. */
static void
state_lot(Json *json, const Part *part, const Lot *lot)
{
	if (lot->expires == LOT_INACTIVE)
		json_text(json, "expires_on", "inactive");
	else
		json_date(json, "expires_on", lot->expires);
	json_date(json, "usable_from", lot->usable_from);
	if (lot->usable_from > lot->earned)
		json_text(json, "expiry", expiry_text(part->expiry));
}

static void
state_part(Json *json, const Part *part, const Lot *lot)
{
	const Rule *rule = part->rule;

	json_begin(json, WJB_BEGIN_OBJECT);
	json_text(json, "part", part_name(part));
	if (rule)
		json_text(json, "campaign", rule->campaign_code);
	if (part->tier)
		json_text(json, "tier", part->tier->code);
	json_integer(json, "computed", part->computed);
	json_integer(json, "given", part->given);
	if (lot)
		state_lot(json, part, lot);
	if (rule && rule->on_return != RETURN_PROPORTIONAL)
		json_text(json, "on_return", rule->on_return == RETURN_NEVER ? "never" : "full_return_only");
	if (rule && !rule->qualifies)
		json_boolean(json, "qualifies", false);
	json_end(json, WJB_END_OBJECT);
}

/* Did all parts go to one lot? */
static bool
is_one_lot(const Earning *earning, const Lot *lots)
{
	for (int i = 1; i < earning->nparts; i++)
		if (lots_compare(&lots[i], &lots[0]) != 0)
			return false;
	return true;
}

/*
 * The parts as an entry has them; lots: of each, as it was credited, which is
 * said where they are not all one.
 */
Datum
earn_parts(const Earning *earning, const Lot *lots)
{
	bool		one = is_one_lot(earning, lots);
	Json		json = {0};

	json_begin(&json, WJB_BEGIN_ARRAY);
	for (int i = 0; i < earning->nparts; i++)
		state_part(&json, &earning->parts[i], one ? NULL : &lots[i]);
	json_end(&json, WJB_END_ARRAY);
	return json_finish(&json);
}

/* in_pilot(code, member_id, percent) */
PG_FUNCTION_INFO_V1(in_pilot_sql);
Datum
in_pilot_sql(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(PG_ARGISNULL(2) ||
				   in_pilot(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_INT64(1), PG_GETARG_INT32(2)));
}
