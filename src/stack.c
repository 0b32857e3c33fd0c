/*
 * stack.c
 *	  How what applies adds up: exclusive groups, multipliers, one rounding for
 *	  the order (S2, S4).
 */
#include "earn_parts.h"

#include "miscadmin.h"

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
	int			ncells = Max(lines->count, 1);
	int64	   *blocks = palloc(ncells * sizeof(int64));

	source->priority = PG_INT32_MAX;
	source->code = "";
	source->group = work->program->base_group;
	if (rate->blocks && lines->count > 0)
		lines_rate(lines, rate, blocks);
	else if (rate->blocks)
		blocks[0] = award_points(rate, work->event->amount);
	for (int cell = 0; cell < ncells; cell++)
	{
		Numeric		amount = lines->count > 0 ? lines->lines[cell].amount : work->event->amount;

		source->value[cell] = rate->blocks ? money_of_int64(blocks[cell]) :
			money_multiply(amount, rate->points);
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

/* Add a rule of the rulebook, if it applies. */
void
sources_add_rule(Work *work, int number)
{
	const Rule *rule = &work->book->rules[number];
	Miss		miss = rule_miss(work, rule);
	Source	   *source;

	if (miss == MISS_NOT)
	{
		source = add_source(work, rule->effect);
		miss = rule_evaluate(work, rule, source->value);
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

			CHECK_FOR_INTERRUPTS();
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
	{
		CHECK_FOR_INTERRUPTS();
		for (int cell = 0; cell < ncells; cell++)
			multiply_cell(work, &work->sources[i], cell, reached);
	}
}

/* Gather what applies, effect by effect, and let it work. */
void
sources_stack(Work *work)
{
	const Rulebook *book = work->book;
	const Tier *tier = book->ntiers > 0 ? rulebook_tier(book, work->event->tier) : NULL;
	int			next = 0;
	int			first;

	if (work->event->is_purchase)
		add_rate(work);
	for (; next < book->nrules && book->rules[next].effect == EFFECT_BASE; next++)
		sources_add_rule(work, next);
	choose_in_groups(work, 0);
	sum_base(work);
	first = work->nsources;
	if (tier && tier->multiplies)
		add_tier(work, tier);
	for (; next < book->nrules && book->rules[next].effect == EFFECT_MULTIPLIER; next++)
		sources_add_rule(work, next);
	choose_in_groups(work, first);
	multiply(work, first);
	first = work->nsources;
	for (; next < book->nrules && book->rules[next].effect == EFFECT_BONUS; next++)
		sources_add_rule(work, next);
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

Part *
earning_add_part(Work *work, const Source *source)
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

void
sources_round(Work *work)
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
		CHECK_FOR_INTERRUPTS();
		part = earning_add_part(work, source);
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
