/*
 * rulebook.c
 *	  Reading the configuration of programs.  program.c keeps what was read.
 */
#include "rulebook.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "label.h"
#include "tablemap.h"

/*
 * Tables
 */
enum
{
	TIER_ID, TIER_PROGRAM_ID, TIER_CODE, TIER_RANK, TIER_MULTIPLIER, TIER_STACKING,
	TIER_EXCLUSIVE_GROUP, TIER_PRIORITY, TIER_EXPIRY, TIER_FLOOR, TIER_NEEDS, TIER_POINTS,
	TIER_SPEND, TIER_ORDERS, TIER_ACTIVITIES, TIER_BALANCE, TIER_BY_GRANT, TIER_QUALIFIES, TIER_COLUMNS
};

static const char *const tier_columns[TIER_COLUMNS] = {
	"id", "program_id", "code", "rank", "multiplier", "stacking",
	"exclusive_group", "priority", "expiry", "floor", "needs", "points",
	"spend", "orders", "activities", "balance", "by_grant", "qualifies"
};

static const Oid tier_types[TIER_COLUMNS] = {
	INT8OID, INT4OID, TEXTOID, INT4OID, NUMERICOID, TEXTOID, TEXTOID, INT4OID, OUR_EXPIRY,
	TEXTOID, TEXTOID, INT8OID, NUMERICOID, INT8OID, INT8OID, INT8OID, BOOLOID, BOOLOID
};

enum
{
	CAMPAIGN_ID, CAMPAIGN_PROGRAM_ID, CAMPAIGN_CODE, CAMPAIGN_STATUS, CAMPAIGN_STARTS_AT,
	CAMPAIGN_ENDS_AT, CAMPAIGN_BUDGET, CAMPAIGN_ON_BUDGET, CAMPAIGN_PILOT_PERCENT,
	CAMPAIGN_EXPIRY, CAMPAIGN_COLUMNS
};

static const char *const campaign_columns[CAMPAIGN_COLUMNS] = {
	"id", "program_id", "code", "status", "starts_at",
	"ends_at", "budget", "on_budget", "pilot_percent",
	"expiry"
};

static const Oid campaign_types[CAMPAIGN_COLUMNS] = {
	INT8OID, INT4OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, TEXTOID,
	INT4OID, OUR_EXPIRY
};

enum
{
	RULE_ID, RULE_PROGRAM_ID, RULE_CODE, RULE_CAMPAIGN, RULE_STATUS, RULE_ACTIVITY, RULE_EFFECT,
	RULE_SCOPE, RULE_CONDITION, RULE_POINTS, RULE_STARTS_AT, RULE_ENDS_AT, RULE_WEEKDAYS,
	RULE_HOUR_FROM, RULE_HOUR_UNTIL, RULE_TIERS, RULE_TAGS, RULE_PILOT_PERCENT, RULE_PRIORITY,
	RULE_STACKING, RULE_EXCLUSIVE_GROUP, RULE_EXPIRY, RULE_PENDING_DAYS, RULE_TIMES_CAP,
	RULE_POINTS_CAP, RULE_CAP_PERIOD, RULE_ON_CAP, RULE_BUDGET, RULE_ON_BUDGET, RULE_ON_RETURN,
	RULE_QUALIFIES, RULE_METRIC, RULE_GOAL, RULE_COLUMNS
};

static const char *const rule_columns[RULE_COLUMNS] = {
	"id", "program_id", "code", "campaign", "status", "activity", "effect",
	"scope", "condition", "points", "starts_at", "ends_at", "weekdays",
	"hour_from", "hour_until", "tiers", "tags", "pilot_percent", "priority",
	"stacking", "exclusive_group", "expiry", "pending_days", "times_cap",
	"points_cap", "cap_period", "on_cap", "budget", "on_budget", "on_return",
	"qualifies", "metric", "goal"
};

static const Oid rule_types[RULE_COLUMNS] = {
	INT8OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
	TIMESTAMPTZOID, TIMESTAMPTZOID, INT4ARRAYOID, TIMEOID, TIMEOID, TEXTARRAYOID, TEXTARRAYOID,
	INT4OID, INT4OID, TEXTOID, TEXTOID, OUR_EXPIRY, INT4OID, INT8OID, INT8OID, TEXTOID, TEXTOID,
	INT8OID, TEXTOID, TEXTOID, BOOLOID, TEXTOID, NUMERICOID
};

enum
{
	GROUP_PROGRAM_ID, GROUP_CODE, GROUP_TAKES, GROUP_COLUMNS
};

static const char *const group_columns[GROUP_COLUMNS] = {"program_id", "code", "takes"};

static const Oid group_types[GROUP_COLUMNS] = {
	INT4OID, TEXTOID, TEXTOID
};

enum
{
	CAP_ID, CAP_PROGRAM_ID, CAP_PERIOD, CAP_POINTS, CAP_ON_CAP, CAP_COLUMNS
};

static const char *const cap_columns[CAP_COLUMNS] = {
	"id", "program_id", "period", "points", "on_cap"
};

static const Oid cap_types[CAP_COLUMNS] = {
	INT8OID, INT4OID, TEXTOID, INT8OID, TEXTOID
};

enum
{
	BENEFIT_ID, BENEFIT_PROGRAM_ID, BENEFIT_CODE, BENEFIT_NAME, BENEFIT_SETTINGS, BENEFIT_TIERS,
	BENEFIT_QUOTA, BENEFIT_PERIOD, BENEFIT_COLUMNS
};

static const char *const benefit_columns[BENEFIT_COLUMNS] = {
	"id", "program_id", "code", "name", "settings", "tiers", "quota", "period"
};

static const Oid benefit_types[BENEFIT_COLUMNS] = {
	INT8OID, INT4OID, TEXTOID, TEXTOID, JSONBOID, TEXTARRAYOID, INT8OID, TEXTOID
};

/* In the order of reading: rules and benefits refer to what stands before. */
static TableMap book_maps[] = {
	{.name = "tier", .ncolumns = TIER_COLUMNS, .columns = tier_columns, .types = tier_types},
	{.name = "campaign", .ncolumns = CAMPAIGN_COLUMNS, .columns = campaign_columns, .types = campaign_types},
	{.name = "rule_group", .ncolumns = GROUP_COLUMNS, .columns = group_columns, .types = group_types},
	{.name = "cap", .ncolumns = CAP_COLUMNS, .columns = cap_columns, .types = cap_types},
	{.name = "rule", .ncolumns = RULE_COLUMNS, .columns = rule_columns, .types = rule_types},
	{.name = "benefit", .ncolumns = BENEFIT_COLUMNS, .columns = benefit_columns, .types = benefit_types},
};

/*
 * Reading
 */
static Oid	book_relids[lengthof(book_maps)];
static Oid	allowed_relid;		/* what rules may call decides whether they compile */

/* Do rulebooks depend on the rows of a table? */
bool
rulebook_is_read_from(Oid relid)
{
	for (int i = 0; i < lengthof(book_relids); i++)
		if (relid == book_relids[i])
			return true;
	return relid == allowed_relid;
}

/* Rulebooks that are being read, and the memory that they are in. */
typedef struct Reading
{
	Rulebook   *books;
	int			nbooks;
	MemoryContext context;
	void		(*read_row) (Rulebook *book, const Datum *values, const bool *nulls);
	int			program_id;		/* its column */
} Reading;

/* Room for one more element of an array that grows by doubling. */
static void *
grown(void *array, int count, size_t size)
{
	if (array == NULL)
		return palloc0(size);
	if ((count & (count - 1)) == 0)
		return repalloc(array, 2 * count * size);
	return array;
}

#define limit_of(column) (nulls[column] ? NO_LIMIT : DatumGetInt64(values[column]))
#define is_label(column, label) (strcmp(TextDatumGetCString(values[column]), label) == 0)
#define instant_or(column, none) (nulls[column] ? (none) : DatumGetTimestampTz(values[column]))
#define expiry_or_null(column) (nulls[column] ? NULL : (Expiry *) PG_DETOAST_DATUM_COPY(values[column]))
#define money_or_null(column) (nulls[column] ? NULL : DatumGetNumericCopy(values[column]))

#define label_in(column, labels) label_stored(values[column], labels, lengthof(labels))

/*
 * Append the tier of a row.  It is open to every member if it has no threshold
 * and is not only granted.
 */
static void
read_tier(Rulebook *book, const Datum *values, const bool *nulls)
{
	Tier	   *tier;

	book->tiers = grown(book->tiers, book->ntiers, sizeof(Tier));
	tier = &book->tiers[book->ntiers++];
	tier->id = DatumGetInt64(values[TIER_ID]);
	tier->code = TextDatumGetCString(values[TIER_CODE]);
	tier->rank = DatumGetInt32(values[TIER_RANK]);
	tier->multiplier = DatumGetNumericCopy(values[TIER_MULTIPLIER]);
	tier->multiplies = money_compare(tier->multiplier, money_of_int64(1)) > 0;
	tier->stacks = is_label(TIER_STACKING, "multiply");
	tier->group = take_text(values, nulls, TIER_EXCLUSIVE_GROUP);
	tier->priority = DatumGetInt32(values[TIER_PRIORITY]);
	tier->expiry = expiry_or_null(TIER_EXPIRY);
	tier->floor = take_text(values, nulls, TIER_FLOOR);
	tier->needs_all = is_label(TIER_NEEDS, "all");
	tier->points = limit_of(TIER_POINTS);
	tier->spend = money_or_null(TIER_SPEND);
	tier->orders = limit_of(TIER_ORDERS);
	tier->activities = limit_of(TIER_ACTIVITIES);
	tier->balance = limit_of(TIER_BALANCE);
	tier->by_grant = DatumGetBool(values[TIER_BY_GRANT]);
	tier->qualifies = DatumGetBool(values[TIER_QUALIFIES]);
	tier->open = !tier->by_grant && tier->points == NO_LIMIT && tier->spend == NULL && tier->orders == NO_LIMIT &&
		tier->activities == NO_LIMIT && tier->balance == NO_LIMIT;
	book->needs_tallies = true;
}

static void
read_campaign(Rulebook *book, const Datum *values, const bool *nulls)
{
	static const char *const statuses[] = {"draft", "running", "paused", "ended"};
	Campaign   *campaign;

	book->campaigns = grown(book->campaigns, book->ncampaigns, sizeof(Campaign));
	campaign = &book->campaigns[book->ncampaigns++];
	campaign->id = DatumGetInt64(values[CAMPAIGN_ID]);
	campaign->code = TextDatumGetCString(values[CAMPAIGN_CODE]);
	campaign->status = label_in(CAMPAIGN_STATUS, statuses);
	campaign->starts_at = instant_or(CAMPAIGN_STARTS_AT, DT_NOBEGIN);
	campaign->ends_at = instant_or(CAMPAIGN_ENDS_AT, DT_NOEND);
	campaign->budget = limit_of(CAMPAIGN_BUDGET);
	campaign->budget_rejects = is_label(CAMPAIGN_ON_BUDGET, "reject");
	campaign->pilot_percent = nulls[CAMPAIGN_PILOT_PERCENT] ? 100 : DatumGetInt32(values[CAMPAIGN_PILOT_PERCENT]);
	campaign->expiry = expiry_or_null(CAMPAIGN_EXPIRY);
}

static void
read_group(Rulebook *book, const Datum *values, const bool *nulls)
{

	book->groups = grown(book->groups, book->ngroups, sizeof(RuleGroup));
	book->groups[book->ngroups].code = TextDatumGetCString(values[GROUP_CODE]);
	book->groups[book->ngroups].takes_first = is_label(GROUP_TAKES, "first");
	book->ngroups++;
}

static void
read_cap(Rulebook *book, const Datum *values, const bool *nulls)
{
	Cap		   *cap;

	book->caps = grown(book->caps, book->ncaps, sizeof(Cap));
	cap = &book->caps[book->ncaps++];
	cap->id = DatumGetInt64(values[CAP_ID]);
	cap->period = period_of(TextDatumGetCString(values[CAP_PERIOD]));
	cap->points = DatumGetInt64(values[CAP_POINTS]);
	cap->rejects = is_label(CAP_ON_CAP, "reject");
}

/* A list of texts; its elements, copied. */
static int
texts_of(Datum array, Datum **texts)
{
	bool	   *nulls;
	int			count;

	deconstruct_array(DatumGetArrayTypePCopy(array), TEXTOID, -1, false, TYPALIGN_INT,
					  texts, &nulls, &count);
	return count;
}

/* The ranks of tiers, from their codes; a code that does not exist matches no member. */
static uint64
ranks_of(const Rulebook *book, Datum codes)
{
	Datum	   *texts;
	int			count = texts_of(codes, &texts);
	uint64		ranks = 0;

	for (int i = 0; i < count; i++)
	{
		const Tier *tier = rulebook_tier(book, TextDatumGetCString(texts[i]));

		if (tier)
			ranks |= UINT64CONST(1) << tier->rank;
	}
	return ranks;
}

/* An array of weekdays as a set of bits, from bit 1 for Monday to bit 7 for Sunday. */
static uint8
weekdays_of(Datum array)
{
	Datum	   *days;
	bool	   *nulls;
	int			count;
	uint8		weekdays = 0;

	deconstruct_array(DatumGetArrayTypeP(array), INT4OID, sizeof(int32), true, TYPALIGN_INT,
					  &days, &nulls, &count);
	for (int i = 0; i < count; i++)
		weekdays |= 1 << DatumGetInt32(days[i]);
	return weekdays;
}

/* The expressions of a rule, not compiled yet. */
static void
read_expressions(const Rulebook *book, Rule *rule, const Datum *values, const bool *nulls)
{
	ExpressionOwner *owner = palloc0(sizeof(ExpressionOwner));

	owner->rule = rule->code;
	owner->zone = book->zone;
	owner->by_line = rule->by_line;
	if (!nulls[RULE_CONDITION])
		rule->condition = expression_new(TextDatumGetCString(values[RULE_CONDITION]),
										 "condition", BOOLOID, owner);
	rule->points = expression_new(TextDatumGetCString(values[RULE_POINTS]), "points",
								  NUMERICOID, owner);
}

/* The members to whom a rule applies, and the times. */
static void
read_audience(const Rulebook *book, Rule *rule, const Datum *values, const bool *nulls)
{
	rule->starts_at = instant_or(RULE_STARTS_AT, DT_NOBEGIN);
	rule->ends_at = instant_or(RULE_ENDS_AT, DT_NOEND);
	rule->weekdays = nulls[RULE_WEEKDAYS] ? 0 : weekdays_of(values[RULE_WEEKDAYS]);
	rule->hour_from = nulls[RULE_HOUR_FROM] ? 0 : DatumGetTimeADT(values[RULE_HOUR_FROM]);
	rule->hour_until = nulls[RULE_HOUR_UNTIL] ? USECS_PER_DAY : DatumGetTimeADT(values[RULE_HOUR_UNTIL]);
	rule->tiers_named = !nulls[RULE_TIERS];
	rule->tiers = rule->tiers_named ? ranks_of(book, values[RULE_TIERS]) : 0;
	rule->ntags = nulls[RULE_TAGS] ? 0 : texts_of(values[RULE_TAGS], &rule->tags);
	rule->pilot_percent = nulls[RULE_PILOT_PERCENT] ? 100 : DatumGetInt32(values[RULE_PILOT_PERCENT]);
}

/*
 * Append the rule of a row.  A challenge without times_cap can be met once in a
 * period, and its points are never returned in proportion.
 */
static void
read_rule(Rulebook *book, const Datum *values, const bool *nulls)
{
	static const char *const effects[] = {"base", "multiplier", "bonus", "challenge"};
	static const char *const returns[] = {"proportional", "full_return_only", "never"};
	static const char *const metrics[] = {"points", "spend", "orders", "activities"};
	Rule	   *rule;

	book->rules = grown(book->rules, book->nrules, sizeof(Rule));
	rule = &book->rules[book->nrules++];
	memset(rule, 0, sizeof(Rule));
	rule->id = DatumGetInt64(values[RULE_ID]);
	rule->code = TextDatumGetCString(values[RULE_CODE]);
	rule->campaign_code = take_text(values, nulls, RULE_CAMPAIGN);
	rule->campaign = rule->campaign_code ? rulebook_campaign(book, rule->campaign_code) : NULL;
	rule->active = is_label(RULE_STATUS, "active");
	rule->activity = is_label(RULE_ACTIVITY, "*") ? NULL : TextDatumGetCString(values[RULE_ACTIVITY]);
	rule->effect = label_in(RULE_EFFECT, effects);
	rule->by_line = is_label(RULE_SCOPE, "line");
	read_expressions(book, rule, values, nulls);
	read_audience(book, rule, values, nulls);
	rule->priority = DatumGetInt32(values[RULE_PRIORITY]);
	rule->stacks = is_label(RULE_STACKING, "multiply");
	rule->group = take_text(values, nulls, RULE_EXCLUSIVE_GROUP);
	rule->expiry = expiry_or_null(RULE_EXPIRY);
	rule->pending_days = nulls[RULE_PENDING_DAYS] ? (int) NO_LIMIT : DatumGetInt32(values[RULE_PENDING_DAYS]);
	rule->times_cap = limit_of(RULE_TIMES_CAP);
	rule->points_cap = limit_of(RULE_POINTS_CAP);
	rule->period = period_of(TextDatumGetCString(values[RULE_CAP_PERIOD]));
	rule->cap_rejects = is_label(RULE_ON_CAP, "reject");
	rule->budget = limit_of(RULE_BUDGET);
	rule->budget_rejects = is_label(RULE_ON_BUDGET, "reject");
	rule->on_return = label_in(RULE_ON_RETURN, returns);
	rule->qualifies = DatumGetBool(values[RULE_QUALIFIES]);
	if (rule->effect == EFFECT_CHALLENGE)
	{
		rule->metric = label_in(RULE_METRIC, metrics);
		rule->goal = DatumGetNumericCopy(values[RULE_GOAL]);
		if (rule->times_cap == NO_LIMIT)
			rule->times_cap = 1;
		if (rule->on_return == RETURN_PROPORTIONAL)
			rule->on_return = RETURN_FULL_ONLY;
		book->needs_tallies = true;
	}
}

static void
read_benefit(Rulebook *book, const Datum *values, const bool *nulls)
{
	Benefit    *benefit;

	book->benefits = grown(book->benefits, book->nbenefits, sizeof(Benefit));
	benefit = &book->benefits[book->nbenefits++];
	benefit->id = DatumGetInt64(values[BENEFIT_ID]);
	benefit->code = TextDatumGetCString(values[BENEFIT_CODE]);
	benefit->name = take_text(values, nulls, BENEFIT_NAME);
	benefit->settings = PointerGetDatum(PG_DETOAST_DATUM_COPY(values[BENEFIT_SETTINGS]));
	benefit->tiers_named = !nulls[BENEFIT_TIERS];
	benefit->tiers = benefit->tiers_named ? ranks_of(book, values[BENEFIT_TIERS]) : 0;
	benefit->quota = limit_of(BENEFIT_QUOTA);
	benefit->period = period_of(TextDatumGetCString(values[BENEFIT_PERIOD]));
}

/* A table, what reads its rows, and the column that names the program. */
static const struct
{
	void		(*read_row) (Rulebook *book, const Datum *values, const bool *nulls);
	int			program_id;
} book_readers[] = {
	{read_tier, TIER_PROGRAM_ID},
	{read_campaign, CAMPAIGN_PROGRAM_ID},
	{read_group, GROUP_PROGRAM_ID},
	{read_cap, CAP_PROGRAM_ID},
	{read_rule, RULE_PROGRAM_ID},
	{read_benefit, BENEFIT_PROGRAM_ID}
};

StaticAssertDecl(lengthof(book_readers) == lengthof(book_maps), "every table has its reader");

static int
compare_benefits(const void *a, const void *b)
{
	return strcmp(((const Benefit *) a)->code, ((const Benefit *) b)->code);
}

static int
compare_tiers(const void *a, const void *b)
{
	return ((const Tier *) a)->rank - ((const Tier *) b)->rank;
}

static int
compare_caps(const void *a, const void *b)
{
	return (int) ((const Cap *) a)->period - (int) ((const Cap *) b)->period;
}

static int
compare_rules(const void *a, const void *b)
{
	const Rule *one = a;
	const Rule *other = b;

	if (one->effect != other->effect)
		return (int) one->effect - (int) other->effect;
	if (one->priority != other->priority)
		return one->priority - other->priority;
	return strcmp(one->code, other->code);
}

/* Sort tiers by rank, benefits by code, caps by period, and rules by effect, priority and code. */
static void
sort_book(Rulebook *book)
{
	if (book->ntiers > 1)
		qsort(book->tiers, book->ntiers, sizeof(Tier), compare_tiers);
	if (book->nbenefits > 1)
		qsort(book->benefits, book->nbenefits, sizeof(Benefit), compare_benefits);
	if (book->ncaps > 1)
		qsort(book->caps, book->ncaps, sizeof(Cap), compare_caps);
	if (book->nrules > 1)
		qsort(book->rules, book->nrules, sizeof(Rule), compare_rules);
}

static int
compare_books(const void *a, const void *b)
{
	int32		one = ((const Rulebook *) a)->program_id;
	int32		other = ((const Rulebook *) b)->program_id;

	return (one > other) - (one < other);
}

/* The rulebook of a program among those that were read; NULL if there is none. */
Rulebook *
rulebook_of(Rulebook *books, int nbooks, int32 program_id)
{
	Rulebook	wanted = {.program_id = program_id};

	return bsearch(&wanted, books, nbooks, sizeof(Rulebook), compare_books);
}

/* Read a row into the rulebook of its program.  Only damage leaves rows of no program, which are passed over. */
static void
visit_row(const Datum *values, const bool *nulls, void *state)
{
	Reading    *reading = state;
	Rulebook   *book = rulebook_of(reading->books, reading->nbooks, DatumGetInt32(values[reading->program_id]));
	MemoryContext old = MemoryContextSwitchTo(reading->context);

	if (book != NULL)
		reading->read_row(book, values, nulls);
	MemoryContextSwitchTo(old);
}

/* Find the tables that rulebooks depend on, before any of them is read: rulebook_is_read_from must know all. */
void
rulebook_find_tables(void)
{
	allowed_relid = relation_oid("allowed_function");
	for (int i = 0; i < lengthof(book_maps); i++)
		book_relids[i] = relation_oid(book_maps[i].name);
}

/*
 * Fill the rulebooks of programs, in the current memory context, and sort them
 * for rulebook_of.  All tables are read with one snapshot: half of a change
 * would be another configuration.
 */
void
rulebook_read(Rulebook *books, int nbooks, Snapshot snapshot)
{
	Reading		reading = {.books = books, .nbooks = nbooks, .context = CurrentMemoryContext};

	if (nbooks > 1)
		qsort(books, nbooks, sizeof(Rulebook), compare_books);
	for (int i = 0; i < lengthof(book_maps); i++)
	{
		reading.read_row = book_readers[i].read_row;
		reading.program_id = book_readers[i].program_id;
		table_visit(&book_maps[i], snapshot, visit_row, &reading);
	}
	for (int i = 0; i < nbooks; i++)
		sort_book(&books[i]);
}

bool
rulebook_is_empty(const Rulebook *book)
{
	return book->ntiers + book->ncampaigns + book->nrules + book->ngroups + book->ncaps + book->nbenefits == 0;
}

/* Does any campaign or rule of the rulebook have a budget? */
bool
rulebook_has_budget(const Rulebook *book)
{
	for (int i = 0; i < book->ncampaigns; i++)
		if (book->campaigns[i].budget != NO_LIMIT)
			return true;
	for (int i = 0; i < book->nrules; i++)
		if (book->rules[i].budget != NO_LIMIT)
			return true;
	return false;
}

/*
 * Finding by code
 */

/* The tier with a code; NULL if there is none, or if the code is NULL. */
const Tier *
rulebook_tier(const Rulebook *book, const char *code)
{
	for (int i = 0; code != NULL && i < book->ntiers; i++)
		if (strcmp(book->tiers[i].code, code) == 0)
			return &book->tiers[i];
	return NULL;
}

/* The campaign with a code; NULL if there is none. */
const Campaign *
rulebook_campaign(const Rulebook *book, const char *code)
{
	for (int i = 0; i < book->ncampaigns; i++)
		if (strcmp(book->campaigns[i].code, code) == 0)
			return &book->campaigns[i];
	return NULL;
}

/* Does a tier have a benefit? */
bool
benefit_is_for(const Rulebook *book, const Benefit *benefit, const char *tier)
{
	const Tier *held = rulebook_tier(book, tier);

	return !benefit->tiers_named || (held && (benefit->tiers & (UINT64CONST(1) << held->rank)) != 0);
}

/* The benefit with a code; NULL if there is none. */
const Benefit *
rulebook_benefit(const Rulebook *book, const char *code)
{
	for (int i = 0; i < book->nbenefits; i++)
		if (strcmp(book->benefits[i].code, code) == 0)
			return &book->benefits[i];
	return NULL;
}

/* Does an exclusive group take the first rule?  A group that is not in the table takes the best. */
bool
rulebook_group_takes_first(const Rulebook *book, const char *code)
{
	for (int i = 0; i < book->ngroups; i++)
		if (strcmp(book->groups[i].code, code) == 0)
			return book->groups[i].takes_first;
	return false;
}
