/*
 * stack.c
 *	  How the rules that apply are combined: exclusive groups, multipliers, one
 *	  rounding for the order (S2, S4).
 */
#include "earn_parts.h"

#include "miscadmin.h"

/*
 * Sources
 */

/*
 * Append a source that has no value in any cell; the cells are the lines and,
 * last, the order as a whole.
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

/*
 * Add the program's rate as a base source.  Its points are exact, and scaled by
 * per_amount, so that the division comes last (S1).
 */
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

/* Add the tier's multiplier as a source, with the same value in every cell. */
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

/* Multiply a value by the scale in which all exact points of the order are kept. */
static Numeric
scaled(const Work *work, Numeric value)
{
	return work->scale == work->one ? value : money_multiply(value, work->scale);
}

/* Add a rule of the rulebook as a source if it applies; otherwise remember why it does not. */
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

/*
 * The exact points that a source gives for the whole order, to compare it in
 * its group.  A multiplier is applied to the base only.
 */
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

/* Round exact points to whole points by the program's rounding. */
static Numeric
exact_points(const Work *work, Numeric exact)
{
	return money_of_int64(points_round(exact, work->scale, work->program->rate.rounding));
}

/* The order of priority, then of code: does a come before b? */
static bool
comes_before(const Source *a, const Source *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	return strcmp(a->code, b->code) < 0;
}

/* Remove a source from a cell. */
static void
leave_out(Source *source, int cell)
{
	source->value[cell] = NULL;
	source->exact[cell] = NULL;
}

/* What a limit leaves of some points; a limit that rejects leaves all of them or none. */
static Numeric
within_limit(Numeric points, int64 left, bool rejects)
{
	Numeric		room = money_of_int64(Max(left, 0));

	if (money_compare(points, room) <= 0)
		return points;
	return rejects ? money_of_int64(0) : room;
}

/*
 * What a source can still give of some points, by its own cap and budgets
 * (S25).  A trial ignores budgets.
 */
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

/* A source that competes in an exclusive group. */
typedef struct Rival
{
	Source	   *source;
	bool		spent;			/* its cap or a budget leaves nothing */
	Numeric		worth;			/* the whole points that it can still give */
} Rival;

/*
 * The order of choice with `first`: by priority, but sources that can give
 * nothing more come last.
 */
static int
compare_turns(const void *a, const void *b)
{
	const Rival *one = a;
	const Rival *other = b;

	if (one->spent != other->spent)
		return one->spent ? 1 : -1;
	return comes_before(one->source, other->source) ? -1 : 1;
}

/* The order of choice with `best`: by worth, most first; ties as with `first`. */
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

/*
 * Determine a rival's worth: the whole points that it gives for the whole
 * order, within its limits.
 */
static void
weigh(const Work *work, Rival *rival)
{
	Numeric		exact = worth(work, rival->source);

	rival->worth = can_give(work, rival->source, exact_points(work, exact));
}

/*
 * Keep the rival that gives the most for the whole order; the others are
 * removed from every cell.
 */
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
 * Let a source take the lines that no earlier one has taken.  A rule for the
 * whole order takes every line that is left; its value for the order remains if
 * that is at least one line.
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

/*
 * Keep the first rival by priority on each line, whether the rules are for
 * lines or for the order.
 */
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

/* Gather the sources of a group that apply somewhere, given its first source; returns how many. */
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

/*
 * Is the choice in a source's group made already, because an earlier source
 * belongs to the same group?
 */
static bool
is_chosen(const Work *work, int first, int number)
{
	for (int i = first; i < number; i++)
		if (work->sources[i].group &&
			strcmp(work->sources[i].group, work->sources[number].group) == 0)
			return true;
	return false;
}

/*
 * Choose one source in each exclusive group, among the sources of one effect
 * (first to last - 1).
 */
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

/* Sum up the base sources in each cell (S4, step 1). */
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

/*
 * Add what a multiplier gives in a cell, at most what the ceiling leaves.
 * reached is the total so far: `multiply` applies to it, an additive multiplier
 * applies to the base.
 */
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

/*
 * The order in which multipliers are applied: additive ones first and, among
 * these, the tier's first.
 */
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

/* Apply the multipliers in their order to the base of each cell (S4, steps 2 to 4). */
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

/*
 * Add the rules of an effect, which are adjacent in the rulebook; returns the
 * number of the next rule.
 */
static int
add_rules(Work *work, int next, Effect effect)
{
	const Rulebook *book = work->book;

	for (; next < book->nrules && book->rules[next].effect == effect; next++)
		sources_add_rule(work, next);
	return next;
}

/* Gather the sources that apply, effect by effect. */
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

/*
 * Combine the gathered sources: choose in each group, sum up the base, apply
 * the multipliers (S4).
 */
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

/*
 * Set a part's expiry policy and pending days.  The policy is the rule's, else
 * the campaign's, the tier's or the program's (S8); the pending days are the
 * rule's or the program's.
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

/* Append a part for a source, without points. */
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

/* Remember that a rule lost in its exclusive group. */
static void
note_group_miss(Work *work, const Source *source)
{
	if (source->rule)
		work->earning->misses[source->rule - work->book->rules] = MISS_GROUP;
}

/*
 * Make the parts.  The exact points are added up over all parts and cells, each
 * sum is rounded, and a cell gets the difference from the sum before (S2).
 */
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
