/*
 * earn.c
 *	  From an event to points: which rules apply (match.c), how they stack and
 *	  are rounded (stack.c), caps and challenges (caps.c), and how an entry
 *	  states the parts.
 */
#include "earn_parts.h"

#include "utils/builtins.h"

#include "json.h"

/* Divide what was cut from a part among its lines (S25), and sum up the parts. */
static void
finish_parts(Earning *earning)
{
	earning->computed = earning->given = 0;
	for (int i = 0; i < earning->nparts; i++)
	{
		Part	   *part = &earning->parts[i];

		if (part->given != part->computed)
			points_spread(part->points, earning->ncells, part->given, part->points);
		earning->computed += part->computed;
		earning->given += part->given;
	}
	if (earning->computed > MAX_POINTS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("points out of range"),
				 errdetail("A posting can move at most " INT64_FORMAT " points.", MAX_POINTS)));
}

/* The empty rulebook, for a program without rules. */
static const Rulebook no_rules = {0};

/* Compute an order of a program without rules in the short way: by its rate and the balance cap. */
static void
earn_by_rate(Earning *earning)
{
	const Program *program = earning->account->program;
	const Lines *lines = &earning->event->lines;
	Part	   *part = earning->parts;
	int64		room = program->balance_cap - earning->account->balance;

	earning->nparts = 1;
	memset(part, 0, sizeof(Part));
	part->points = palloc0(earning->ncells * sizeof(int64));
	part->expiry = program->expiry;
	part->pending_days = program->pending_days;
	part->computed = part->given = points_of_money(&program->rate, earning->event->amount);
	if (lines->count > 0)
		lines_rate(lines, &program->rate, part->points);
	else
		part->points[0] = part->computed;
	if (program->balance_cap != NO_LIMIT && part->given > room)
		part->given = program->cap_rejects ? 0 : Max(room, 0);
	finish_parts(earning);
}

/* Compute what an event earns: the parts, the charges, and why other rules did not apply. */
void
earn_compute(Earning *earning)
{
	Work		work = {0};
	const Rulebook *book = earning->account->book;

	earning->ncells = earning->event->lines.count + 1;
	earning->misses = palloc0(((book ? book->nrules : 0) + 1) * sizeof(Miss));
	earning->parts = palloc(((book ? book->nrules : 0) + 2) * sizeof(Part));
	earning->nparts = 0;
	if (book == NULL && earning->event->is_purchase)
	{
		earn_by_rate(earning);
		return;
	}

	work.earning = earning;
	work.event = earning->event;
	work.program = earning->account->program;
	work.book = earning->account->book ? earning->account->book : &no_rules;
	work.one = money_of_int64(1);
	work.scale = work.event->is_purchase && !work.program->rate.blocks &&
		money_compare(work.program->rate.per_amount, work.one) != 0 ?
		work.program->rate.per_amount : work.one;
	work.sources = palloc((work.book->nrules + 2) * sizeof(Source));
	work.base = palloc0(earning->ncells * sizeof(Numeric));
	facts_begin(&work.facts, earning->event, earning->account);
	if (earning->made_up)
		facts_make_up(&work.facts, earning->made_up);
	sources_gather(&work);
	caps_lock_budgets(&work);
	sources_stack(&work);
	sources_round(&work);
	caps_trim(&work);
	finish_parts(earning);
	caps_charge(&work);
	facts_end(&work.facts);
}

/*
 * Make the lot of points earned on a day: its first usable day follows from
 * pending_days, its last day from the policy.  Unconfirmed points have no last
 * day yet (S10).
 */
Lot
lot_by_policy(int64 points, DateADT earned, int pending_days, const Expiry *policy)
{
	Lot			lot = {.points = points, .earned = earned};

	lot.usable_from = pending_days == PENDING_UNCONFIRMED ? LOT_UNCONFIRMED : earned + pending_days;
	lot.expires = lot.usable_from == LOT_UNCONFIRMED ? LOT_NEVER :
		expiry_last_day(policy, lot.usable_from);
	return lot;
}

/* The lots that the parts are credited to, one for each part. */
Lot *
earn_lots(const Earning *earning)
{
	Lot		   *lots = palloc(Max(earning->nparts, 1) * sizeof(Lot));

	for (int i = 0; i < earning->nparts; i++)
	{
		const Part *part = &earning->parts[i];

		lots[i] = lot_by_policy(part->given, earning->event->on, part->pending_days, part->expiry);
	}
	return lots;
}

/*
 * Stating the parts in the entry
 */

/* The name of a part: the code of its rule, "tier", or "base" for the program's rate. */
static const char *
part_name(const Part *part)
{
	return part->rule ? part->rule->code : part->tier ? "tier" : "base";
}

/* The reason why a rule did not apply, in words; NULL for MISS_NOT. */
const char *
miss_text(Miss miss)
{
	static const char *const texts[] = {
		NULL, "the rule is not active", "its campaign is not running", "it is for another activity",
		"its campaign is not running at this time", "it is not valid at this time", "it is not valid on this day of the week",
		"it is not valid at this time of day", "it is not for this tier", "the member has none of its tags",
		"the member is not in its campaign's pilot", "the member is not in its pilot",
		"it has reached its limit of uses in the period", "its condition is false or NULL",
		"its points are NULL", "another rule of its exclusive group was chosen", "its goal has not been reached"
	};

	StaticAssertStmt(lengthof(texts) == MISS_GOAL + 1, "every reason has its text");
	return texts[miss];
}

/* State the lot of a part's points and, if they are pending, their expiry policy. */
static void
state_lot(Json *json, const Part *part, const Lot *lot)
{
	if (lot->expires == LOT_INACTIVE)
		json_text(json, "expires_on", "inactive");
	else
		json_date(json, "expires_on", lot->expires);
	if (lot->usable_from == LOT_UNCONFIRMED)
		json_text(json, "usable_from", "unconfirmed");
	else
		json_date(json, "usable_from", lot->usable_from);
	if (lot->usable_from > lot->earned)
		json_text(json, "expiry", expiry_text(part->expiry));
}

/*
 * State a part's points for each line of a purchase; the other points belong to
 * the order as a whole.
 */
static void
state_lines(Json *json, const Part *part, int nlines)
{
	int64		of_lines = 0;

	for (int i = 0; i < nlines; i++)
		of_lines += part->points[i];
	if (of_lines > 0)
		json_integers(json, "lines", part->points, nlines);
}

/* State a part as an object.  lot is NULL if the entry itself states the lot. */
static void
state_part(Json *json, const Part *part, const Lot *lot, int nlines)
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
	state_lines(json, part, nlines);
	if (lot)
		state_lot(json, part, lot);
	if (rule && rule->on_return != RETURN_PROPORTIONAL)
		json_text(json, "on_return", rule->on_return == RETURN_NEVER ? "never" : "full_return_only");
	if (!part_qualifies(part))
		json_boolean(json, "qualifies", false);
	json_end(json, WJB_END_OBJECT);
}

/*
 * Did two parts go to the same lot and, if it is pending, will a confirmation
 * keep them together?
 */
static bool
is_same_lot(const Part *one, const Lot *lot, const Part *other, const Lot *other_lot)
{
	return lots_compare(lot, other_lot) == 0 &&
		(lot->usable_from == lot->earned || one->expiry == other->expiry ||
		 strcmp(expiry_text(one->expiry), expiry_text(other->expiry)) == 0);
}

/*
 * May a part omit its policy?  It may, unless the program's points wait for a
 * confirmation, its lot is pending, and its policy is not the one that the
 * entry states (the tier's or the program's).
 */
static bool
is_by_policy_of_entry(const Earning *earning, const Part *part, const Lot *lot)
{
	const Account *account = earning->account;
	const Tier *tier = account->book ? rulebook_tier(account->book, earning->event->tier) : NULL;
	const Expiry *policy = tier && tier->expiry ? tier->expiry : account->program->expiry;

	return account->program->pending_days != PENDING_UNCONFIRMED || lot->usable_from == lot->earned ||
		strcmp(expiry_text(part->expiry), expiry_text(policy)) == 0;
}

/* Did all parts go to one lot, so that the parts need not state it? */
static bool
is_one_lot(const Earning *earning, const Lot *lots)
{
	for (int i = 1; i < earning->nparts; i++)
		if (!is_same_lot(&earning->parts[i], &lots[i], &earning->parts[0], &lots[0]))
			return false;
	return earning->nparts == 0 || is_by_policy_of_entry(earning, &earning->parts[0], &lots[0]);
}

/*
 * Make an entry's field parts.  lots has the lot of each part as it was
 * credited; the parts state their lots unless they all went to one.
 */
Datum
earn_parts(const Earning *earning, const Lot *lots)
{
	bool		one = is_one_lot(earning, lots);
	Json		json = {0};

	json_begin(&json, WJB_BEGIN_ARRAY);
	for (int i = 0; i < earning->nparts; i++)
		state_part(&json, &earning->parts[i], one ? NULL : &lots[i], earning->ncells - 1);
	json_end(&json, WJB_END_ARRAY);
	return json_finish(&json);
}
