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
		blocks[0] = points_of_money(rate, work->event->amount);
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
static void
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

/* Exact points, whole by the program's rounding. */
static Numeric
exact_points(const Work *work, Numeric exact)
{
	return money_of_int64(points_round(exact, work->scale, work->program->rate.rounding));
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

/* What a limit leaves of points; one that rejects gives all or nothing. */
static Numeric
within_limit(Numeric points, int64 left, bool rejects)
{
	Numeric		room = money_of_int64(Max(left, 0));

	if (money_compare(points, room) <= 0)
		return points;
	return rejects ? money_of_int64(0) : room;
}

/* What a source can still give of so many points, by its own cap and budgets (S25). */
static Numeric
can_give(const Work *work, const Source *source, Numeric points)
{
	const Rule *rule = source->rule;
	Account    *account = work->earning->account;

	if (rule == NULL)
		return points;
	if (rule->points_cap != NO_LIMIT)
		points = within_limit(points, rule->points_cap - rule_used_points(work, rule), rule->cap_rejects);
	if (work->earning->trial)
		return points;
	if (rule->budget != NO_LIMIT)
		points = within_limit(points, rule->budget - budget_find(account, rule->id)->spent,
							  rule->budget_rejects);
	if (rule->campaign && rule->campaign->budget != NO_LIMIT)
		points = within_limit(points, rule->campaign->budget - budget_find(account, rule->campaign->id)->spent,
							  rule->campaign->budget_rejects);
	return points;
}

/* A source that stands in a group. */
typedef struct Rival
{
	Source	   *source;
	bool		spent;			/* its cap or a budget leaves nothing */
	Numeric		worth;			/* in whole points, of what can still be given */
} Rival;

/* The order in which a group takes the first: what can give nothing more comes last. */
static int
compare_turns(const void *a, const void *b)
{
	const Rival *one = a;
	const Rival *other = b;

	if (one->spent != other->spent)
		return one->spent ? 1 : -1;
	return comes_before(one->source, other->source) ? -1 : 1;
}

/* The order in which a group takes the best. */
static int
compare_worth(const void *a, const void *b)
{
	const Rival *one = a;
	const Rival *other = b;
	int			order = money_compare(other->worth, one->worth);

	if (order != 0)
		return order;
	return compare_turns(a, b);
}

/* Whom a group takes the best of: what each gives over the whole order, as its limits leave it. */
static void
weigh(const Work *work, Rival *rival)
{
	Numeric		exact = worth(work, rival->source);

	rival->worth = can_give(work, rival->source, exact_points(work, exact));
}

/* The one that gives most over the whole order stays, everywhere. */
static void
keep_best(Work *work, Rival *rivals, int count)
{
	for (int i = 0; i < count; i++)
		weigh(work, &rivals[i]);
	qsort(rivals, count, sizeof(Rival), compare_worth);
	for (int i = 1; i < count; i++)
		for (int cell = 0; cell < work->earning->ncells; cell++)
			leave_out(rivals[i].source, cell);
}

/*
 * Take a source on the lines that nobody has: a rule for the order on all of
 * them, or nowhere.
 */
static void
take_lines(Work *work, Source *source, bool *taken)
{
	int			order = work->earning->ncells - 1;
	int			nlines = Max(order, 1);
	bool		whole = source->value[order] != NULL;
	bool		stays = false;

	for (int line = 0; line < nlines; line++)
	{
		bool		applies = whole || source->value[line];

		stays = stays || (applies && !taken[line]);
		if (applies && taken[line] && line < order)
			leave_out(source, line);
		taken[line] = taken[line] || applies;
	}
	if (!stays)
		leave_out(source, order);
}

/* On each line the first by priority stays, whatever the scope of the rules. */
static void
keep_first(Work *work, Rival *rivals, int count)
{
	bool	   *taken = palloc0(work->earning->ncells * sizeof(bool));

	for (int i = 0; i < count; i++)
		rivals[i].spent = money_is_zero(can_give(work, rivals[i].source, work->one));
	qsort(rivals, count, sizeof(Rival), compare_turns);
	for (int i = 0; i < count; i++)
		take_lines(work, rivals[i].source, taken);
	pfree(taken);
}

static bool
applies_anywhere(const Work *work, const Source *source)
{
	for (int cell = 0; cell < work->earning->ncells; cell++)
		if (source->value[cell])
			return true;
	return false;
}

/* Gather the sources of a group, from the first of them on. */
static int
gather_rivals(const Work *work, int first, int last, Rival *rivals)
{
	const char *group = work->sources[first].group;
	int			count = 0;

	for (int i = first; i < last; i++)
	{
		Source	   *source = &work->sources[i];

		if (source->group && strcmp(source->group, group) == 0 && applies_anywhere(work, source))
			rivals[count++] = (Rival) {.source = source};
	}
	return count;
}

/* Is a group's choice made already, with one that stands before? */
static bool
is_chosen(const Work *work, int first, int number)
{
	for (int i = first; i < number; i++)
		if (work->sources[i].group &&
			strcmp(work->sources[i].group, work->sources[number].group) == 0)
			return true;
	return false;
}

/* Let one of each exclusive group stand, among the sources of an effect. */
static void
choose_in_groups(Work *work, int first, int last)
{
	Rival	   *rivals = NULL;

	for (int i = first; i < last; i++)
	{
		const char *group = work->sources[i].group;
		int			count;

		CHECK_FOR_INTERRUPTS();
		if (group == NULL || is_chosen(work, first, i))
			continue;
		if (rivals == NULL)
			rivals = palloc((last - first) * sizeof(Rival));
		count = gather_rivals(work, i, last, rivals);
		if (count < 2)
			continue;
		if (rulebook_group_takes_first(work->book, group))
			keep_first(work, rivals, count);
		else
			keep_best(work, rivals, count);
	}
}

/*
 * Stacking (S4)
 */

static void
sum_base(Work *work)
{
	for (int i = 0; i < work->multipliers; i++)
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
multiply(Work *work, int first, int last)
{
	int			ncells = work->earning->ncells;
	Numeric    *reached = palloc(ncells * sizeof(Numeric));

	if (first == last)
		return;
	memcpy(reached, work->base, ncells * sizeof(Numeric));
	qsort(work->sources + first, last - first, sizeof(Source), compare_multipliers);
	for (int i = first; i < last; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int cell = 0; cell < ncells; cell++)
			multiply_cell(work, &work->sources[i], cell, reached);
	}
}

/* Add the rules of an effect, which stand together; returns the number of the next one. */
static int
add_rules(Work *work, int next, Effect effect)
{
	const Rulebook *book = work->book;

	for (; next < book->nrules && book->rules[next].effect == effect; next++)
		sources_add_rule(work, next);
	return next;
}

/* Gather what applies, effect by effect. */
void
sources_gather(Work *work)
{
	const Rulebook *book = work->book;
	const Tier *tier = book->ntiers > 0 ? rulebook_tier(book, work->event->tier) : NULL;
	int			next;

	if (work->event->is_purchase)
		add_rate(work);
	next = add_rules(work, 0, EFFECT_BASE);
	work->multipliers = work->nsources;
	if (tier && tier->multiplies)
		add_tier(work, tier);
	next = add_rules(work, next, EFFECT_MULTIPLIER);
	work->bonuses = work->nsources;
	next = add_rules(work, next, EFFECT_BONUS);
	work->challenges = work->nsources;
	(void) add_rules(work, next, EFFECT_CHALLENGE);
}

/* Let it work. */
void
sources_stack(Work *work)
{
	choose_in_groups(work, 0, work->multipliers);
	sum_base(work);
	choose_in_groups(work, work->multipliers, work->bonuses);
	multiply(work, work->multipliers, work->bonuses);
	choose_in_groups(work, work->bonuses, work->challenges);
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

	for (int i = 0; i < work->challenges; i++)
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
			now = points_round(running, work->scale, work->program->rate.rounding);
			part->points[cell] = now - before;
			part->computed += now - before;
			before = now;
		}
		part->given = part->computed;
	}
}
