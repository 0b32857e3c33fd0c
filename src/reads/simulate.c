/*
 * simulate.c
 *	  Previews of purchases, explanations of past ones, and backtests of
 *	  campaigns: the same rules as in a posting, on an account in memory.
 */
#include "earn.h"

#include "access/table.h"
#include "access/tableam.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "account_row.h"
#include "calendar.h"
#include "json.h"
#include "posting.h"
#include "reads.h"
#include "replay.h"
#include "result.h"
#include "usage.h"

/*
 * Preview: a purchase without its posting
 */
static const Verb preview_verb = {
	"preview", NULL, KIND_PURCHASE, false, NULL, 9,
	{P_MEMBER, P_AMOUNT, P_LINES, P_CHANNEL, P_STORE, P_ATTRIBUTES, P_AT, P_PROGRAM, P_BRAND}
};

/* The same for a made-up member.  The facts come in place of the member, and are no parameter. */
static const Verb preview_for_verb = {
	"preview_for", NULL, KIND_PURCHASE, false, NULL, 8,
	{P_AMOUNT, P_LINES, P_CHANNEL, P_STORE, P_ATTRIBUTES, P_AT, P_PROGRAM, P_BRAND}
};

/* Read the parameters of a verb, which are the last arguments of the call, and check them. */
static void
read_arguments(FunctionCallInfo fcinfo, Request *request, const Verb *verb)
{
	int			first = PG_NARGS() - verb->nparameters;

	request->verb = verb;
	memset(request->nulls, true, sizeof(request->nulls));
	for (int i = 0; i < verb->nparameters; i++)
	{
		request->values[verb->parameters[i]] = PG_GETARG_DATUM(first + i);
		request->nulls[verb->parameters[i]] = PG_ARGISNULL(first + i);
	}
	request_check(request);
}

/*
 * Put the first last day of the lots that would be credited, and whether it
 * never expires, as a receipt does.
 */
static void
put_last_day(const Earning *earning, const Lot *lots, Datum *values, bool *nulls, int day, int never)
{
	LotQueue	credited;
	bool		known;

	lots_init(&credited);
	for (int i = 0; i < earning->nparts; i++)
		if (lots[i].points > 0)
			lots_add(&credited, &lots[i]);
	known = credited.count > 0 && credited.lots[0].usable_from != LOT_UNCONFIRMED &&
		credited.lots[0].expires != LOT_INACTIVE;
	put_date(values, nulls, day, known ? credited.lots[0].expires : LOT_NEVER);
	values[never] = BoolGetDatum(known && credited.lots[0].expires == LOT_NEVER);
}

/* preview(member, amount, ...): points, computed, balance, tier, expires_on, parts, never_expires. */
PG_FUNCTION_INFO_V1(preview);
Datum
preview(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = GetActiveSnapshot();
	const Program *program = program_argument(fcinfo, 7);
	TimestampTz at = time_argument(fcinfo, 6);
	Account    *account;
	Request		request;
	Posting		refused;
	Event		event;
	Earning		earning = {0};
	Lot		   *lots;
	Datum		values[7];
	bool		nulls[7] = {false};

	read_arguments(fcinfo, &request, &preview_verb);
	account = account_argument(fcinfo, 0, program, snapshot);
	if (at >= account->clock)
		account = account_at(account, at, snapshot);
	refused = (Posting) {.request = &request, .program = program, .account = account};
	posting_refuse_frozen(&refused, FREEZE_EARNING);
	event_of_request(&request, at, calendar_day_of(at, program->zone), &event);
	event.tier = account_tier_at(account, at, snapshot);
	earning.event = &event;
	earning.account = account;
	earn_compute(&earning);
	values[0] = Int64GetDatum(earning.given);
	values[1] = Int64GetDatum(earning.computed);
	values[2] = Int64GetDatum(account->balance + earning.given);
	nulls[3] = event.tier == NULL;
	if (event.tier)
		values[3] = CStringGetTextDatum(event.tier);
	lots = earn_lots(&earning);
	put_last_day(&earning, lots, values, nulls, 4, 6);
	values[5] = earn_parts(&earning, lots);
	return HeapTupleGetDatum(heap_form_tuple(result_tupdesc(fcinfo), values, nulls));
}

/*
 * Preview for a made-up member
 */

/* Make an account that belongs to no member, and has no rows. */
static Account *
account_of_nobody(const Program *program, TimestampTz at, Snapshot snapshot)
{
	Account    *account = palloc(sizeof(Account));

	account_blank(account, program->zone);
	account->program_id = program->id;
	account->program = program;
	account->book = program->book;
	account->snapshot = snapshot;
	account->clock = at;
	account->clock_on = account->matured_on = calendar_day_of(at, program->zone);
	return account;
}

/* The tier among the facts; NULL if there is none, an error if the program has no such tier. */
static char *
tier_given(const Account *account, Jsonb *facts)
{
	char	   *tier = json_get_text(&facts->root, "tier");

	if (tier != NULL && (account->book == NULL || rulebook_tier(account->book, tier) == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_LY_UNKNOWN_REF),
				 errmsg("program \"%s\" has no tier \"%s\"", account->program->code, tier),
				 errhint("Query loyalty.tiers to list the tiers.")));
	return tier;
}

static Jsonb *
facts_argument(FunctionCallInfo fcinfo)
{
	Jsonb	   *facts;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("preview_for: facts must not be NULL"),
				 errhint("Use '{}' for a new member.")));
	facts = PG_GETARG_JSONB_P(0);
	if (!JB_ROOT_IS_OBJECT(facts))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("preview_for: facts must be a JSON object"),
				 errhint("Use the names in loyalty.rule_columns, as in '{\"tier\": \"gold\", \"orders\": 3}'.")));
	return facts;
}

/* preview_for(facts, amount, ...): points, computed, expires_on, parts, never_expires. */
PG_FUNCTION_INFO_V1(preview_for);
Datum
preview_for(PG_FUNCTION_ARGS)
{
	const Program *program = program_argument(fcinfo, 7);
	TimestampTz at = time_argument(fcinfo, 6);
	Jsonb	   *facts = facts_argument(fcinfo);
	Request		request;
	Event		event;
	Earning		earning = {0};
	Lot		   *lots;
	Datum		values[5];
	bool		nulls[5] = {false};

	read_arguments(fcinfo, &request, &preview_for_verb);
	event_of_request(&request, at, calendar_day_of(at, program->zone), &event);
	earning.event = &event;
	earning.account = account_of_nobody(program, at, GetActiveSnapshot());
	earning.made_up = facts;
	event.tier = earning.account->tier = tier_given(earning.account, facts);
	earn_compute(&earning);
	lots = earn_lots(&earning);
	values[0] = Int64GetDatum(earning.given);
	values[1] = Int64GetDatum(earning.computed);
	put_last_day(&earning, lots, values, nulls, 2, 4);
	values[3] = earn_parts(&earning, lots);
	return HeapTupleGetDatum(heap_form_tuple(result_tupdesc(fcinfo), values, nulls));
}

/*
 * Replaying an account, with a look at it before each entry
 */

/*
 * Called with the next entry, the account before it and the tier on its date;
 * returns false to stop.
 */
typedef bool (*ReplayVisitor) (Account *before, const Entry *entry, const char *tier, void *state);

/* The tiers that were in force, for postings that arrived late. */
typedef struct TierPast
{
	int			count;
	int			capacity;
	TimestampTz *clocks;
	char	  **tiers;
} TierPast;

/* Remember the account's tier, in force from its clock on. */
static void
remember_tier(TierPast *past, const Account *account)
{
	if (past->count > 0 && past->tiers[past->count - 1] == account->tier)
	{
		past->clocks[past->count - 1] = Min(past->clocks[past->count - 1], account->clock);
		return;
	}
	if (past->count == past->capacity)
	{
		past->capacity = past->capacity == 0 ? 8 : 2 * past->capacity;
		past->clocks = past->clocks ? repalloc(past->clocks, past->capacity * sizeof(TimestampTz)) :
			palloc(past->capacity * sizeof(TimestampTz));
		past->tiers = past->tiers ? repalloc(past->tiers, past->capacity * sizeof(char *)) :
			palloc(past->capacity * sizeof(char *));
	}
	past->clocks[past->count] = account->clock;
	past->tiers[past->count++] = account->tier;
}

/* The tier that was in force at a time; NULL if there was none. */
static const char *
tier_then(const TierPast *past, TimestampTz at)
{
	for (int i = past->count - 1; i >= 0; i--)
		if (past->clocks[i] <= at)
			return past->tiers[i];
	return NULL;
}

/* Damage ends the replay.  Reads of many accounts warn, and leave out the rest of the account. */
typedef struct Damage
{
	int64		account_id;
	bool		found;
} Damage;

/* Report function: warn of the account at its first difference. */
static void
note_damage(void *state, int64 seq, const char *field, const char *stored, const char *expected)
{
	Damage	   *damage = state;

	if (!damage->found)
		reads_warn_damaged(damage->account_id, seq);
	damage->found = true;
}

/*
 * Call a visitor for each purchase and activity of an account, up to an entry's
 * number, with the account as the entries before had left it, until the visitor
 * returns false.
 */
static void
replay_visit(const Account *account, int64 last, Snapshot snapshot, ReplayVisitor visit, void *state)
{
	Relation	relation = table_map_open(&entry_map, AccessShareLock);
	Replay	   *replay = palloc(sizeof(Replay));
	TierPast	past = {0};
	Damage		damage = {account->id, false};
	ScanKeyData key;
	TableScan	scan;
	bool		go_on = true;

	replay_init(replay, account->id, account->zone);
	replay->account.member_id = account->member_id;
	replay->account.program = account->program;
	replay->account.book = account->book;
	replay->counts = true;
	replay->report = note_damage;
	replay->state = &damage;
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account->id));
	scan_begin(&scan, relation, &entry_pkey, snapshot, &key, 1);
	while (go_on && !damage.found && scan_next(&scan, true))
	{
		Entry	   *entry = replay_understand(replay, entry_as_stored(scan.slot));

		CHECK_FOR_INTERRUPTS();
		if (damage.found)
			break;
		if (kind_has(entry_kind(entry), KIND_BY_RULES))
			go_on = visit(&replay->account, entry, tier_then(&past, entry_at(entry)), state);
		if (entry_seq(entry) >= last)
			break;
		replay_entry(replay, entry);
		remember_tier(&past, &replay->account);
	}
	scan_end(&scan);
	table_close(relation, AccessShareLock);
}

/*
 * Explaining: which rules did not apply to a past event, and why
 */
typedef struct Explanation
{
	ReturnSetInfo *rsinfo;
	const char *ref;
} Explanation;

static void
put_miss(Explanation *explanation, const Rule *rule, Miss miss)
{
	Datum		values[3];
	bool		nulls[3] = {false};

	values[0] = CStringGetTextDatum(rule->code);
	nulls[1] = rule->campaign_code == NULL;
	if (rule->campaign_code)
		values[1] = CStringGetTextDatum(rule->campaign_code);
	values[2] = CStringGetTextDatum(miss_text(miss));
	tuplestore_putvalues(explanation->rsinfo->setResult, explanation->rsinfo->setDesc, values, nulls);
}

/* Does an entry have a part of a rule? */
static bool
has_part(const Entry *entry, const char *code)
{
	for (int i = 0; !entry->nulls[ENTRY_PARTS] && i < json_count(entry->values[ENTRY_PARTS]); i++)
	{
		char	   *part = json_get_text(json_element(entry->values[ENTRY_PARTS], i), "part");

		if (part && strcmp(part, code) == 0)
			return true;
	}
	return false;
}

/*
 * Visitor: at the event with the ref, list the rules that did not apply, and
 * stop.  Rules for another activity, and those with a part in the entry, are
 * left out.
 */
static bool
explain_entry(Account *before, const Entry *entry, const char *tier, void *state)
{
	Explanation *explanation = state;
	const Rulebook *book = before->book;
	Event		event;
	Earning		earning = {0};

	if (entry->nulls[ENTRY_REF] || !kind_has(entry_kind(entry), KIND_BY_RULES) ||
		strcmp(TextDatumGetCString(entry->values[ENTRY_REF]), explanation->ref) != 0)
		return true;
	event_of_entry(entry, &event);
	event.tier = tier;
	earning.event = &event;
	earning.account = before;
	if (book == NULL)
		return false;
	earn_compute(&earning);
	for (int i = 0; i < book->nrules; i++)
		if (earning.misses[i] != MISS_NOT && earning.misses[i] != MISS_ACTIVITY &&
			!has_part(entry, book->rules[i].code))
			put_miss(explanation, &book->rules[i], earning.misses[i]);
	return false;
}

/* rules_missed(member, ref, program): rule, campaign, reason. */
PG_FUNCTION_INFO_V1(rules_missed);
Datum
rules_missed(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = GetActiveSnapshot();
	const Program *program = program_argument(fcinfo, 2);
	Account    *account = account_argument_if_sound(fcinfo, 0, program, snapshot);
	Explanation explanation;

	if (pg_class_aclcheck(relation_oid("entries"), GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_VIEW, "entries");
	InitMaterializedSRF(fcinfo, 0);
	explanation.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	if (PG_ARGISNULL(1) || account == NULL)
		return (Datum) 0;
	explanation.ref = text_to_cstring(PG_GETARG_TEXT_PP(1));
	replay_visit(account, account->seq, snapshot, explain_entry, &explanation);
	return (Datum) 0;
}

/*
 * Backtest: what a campaign would have given for past events
 */
typedef struct RuleCost
{
	int64		orders;
	int64		members;
	int64		points;
	int64		paid;			/* points that were posted for the same events */
	int64		last_account;	/* the account that was counted last */
} RuleCost;

typedef struct Backtest
{
	const Campaign *campaign;
	TimestampTz from;
	TimestampTz to;
	HTAB	   *touched;		/* accounts with an event in that time, of Touched */
	RuleCost   *costs;			/* of each rule of the rulebook and, last, of all rules together */
	MemoryContext context;		/* of one event */
} Backtest;

/* An account with an event in the time of the test, and the number of the last such event. */
typedef struct Touched
{
	int64		account_id;
	int64		last_seq;
} Touched;

/* Add an event to the cost of a rule; the events of one account come one after the other. */
static void
add_cost(RuleCost *cost, const Account *account, const Entry *entry, int64 points)
{
	cost->orders++;
	cost->points += points;
	cost->paid += entry_points(entry, ENTRY_POINTS);
	if (cost->last_account != account->id)
		cost->members++;
	cost->last_account = account->id;
}

/* Charge the caps of the campaign's own rules for what they gave in this test. */
static void
use_caps(const Earning *earning)
{
	ListCell   *cell;

	foreach(cell, earning->charges)
	{
		const Charge *charge = lfirst(cell);
		const Rule *rule = charge->part >= 0 ? earning->parts[charge->part].rule : NULL;
		Usage	   *usage;

		if (charge->is_budget || rule == NULL || rule->campaign != earning->trial)
			continue;
		usage = usage_find(earning->account, charge->id, charge->period_on);
		usage->times += charge->times;
		usage->points += charge->points;
	}
}

/* Add what the campaign would have given for an event to the costs. */
static void
test_event(Backtest *test, Account *before, const Entry *entry, const char *tier)
{
	const Rulebook *book = before->book;
	Event		event;
	Earning		earning = {0};
	int64		points = 0;
	bool		touched = false;

	event_of_entry(entry, &event);
	event.tier = tier;
	earning.event = &event;
	earning.account = before;
	earning.trial = test->campaign;
	earn_compute(&earning);
	for (int i = 0; i < earning.nparts; i++)
	{
		const Part *part = &earning.parts[i];

		if (part->rule == NULL || part->rule->campaign != test->campaign)
			continue;
		touched = true;
		points += part->given;
		add_cost(&test->costs[part->rule - book->rules], before, entry, part->given);
	}
	if (touched)
		add_cost(&test->costs[book->nrules], before, entry, points);
	use_caps(&earning);
}

/* Visitor: test an event that lies in the time of the test; its memory is freed afterwards. */
static bool
backtest_entry(Account *before, const Entry *entry, const char *tier, void *state)
{
	Backtest   *test = state;
	MemoryContext old;

	if (entry_at(entry) < test->from || entry_at(entry) >= test->to)
		return true;
	old = MemoryContextSwitchTo(test->context);
	test_event(test, before, entry, tier);
	MemoryContextSwitchTo(old);
	MemoryContextReset(test->context);
	return true;
}

/* Remember the account of an event, and the last of its events. */
static void
touch(Backtest *test, int64 account_id, int64 seq)
{
	bool		found;
	Touched    *touched = hash_search(test->touched, &account_id, HASH_ENTER, &found);

	touched->last_seq = found ? Max(touched->last_seq, seq) : seq;
}

/*
 * Find the accounts that have an event in the time of the test.  Only these
 * must be replayed, and only up to their last event.  This is one pass in the
 * order of the table; to read accounts by their index could cost a page for
 * each entry.
 */
static void
find_touched(Backtest *test, Snapshot snapshot)
{
	HASHCTL		control = {.keysize = sizeof(int64), .entrysize = sizeof(Touched), .hcxt = CurrentMemoryContext};
	Relation	relation = table_map_open(&entry_map, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TableScanDesc scan = table_beginscan(relation, snapshot, 0, NULL);

	test->touched = hash_create("loyalty backtest accounts", 1024, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		int64		account_id;
		int64		seq;
		TimestampTz at;

		CHECK_FOR_INTERRUPTS();
		if (entry_when(slot, &account_id, &seq, &at) && at >= test->from && at < test->to &&
			entry_is_event(slot))
			touch(test, account_id, seq);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(relation, AccessShareLock);
}

/* Run the test on the account of a row, up to an entry; a damaged account is left out. */
static void
test_account(Backtest *test, TupleTableSlot *slot, int64 last, const Program *program, Snapshot snapshot)
{
	Faults		faults = faults_warned();
	Account    *account = account_with_faults(slot, program, snapshot, &faults);

	if (faults.count == 0)
		replay_visit(account, last, snapshot, backtest_entry, test);
}

/* Run the test on every account of the program that has an event in the time of the test. */
static void
test_accounts(Backtest *test, const Program *program, Snapshot snapshot)
{
	Relation	relation = table_map_open(&account_map, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TableScanDesc scan = table_beginscan(relation, snapshot, 0, NULL);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "loyalty backtest account",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		TimestampTz due_at;
		int64		id;
		int64		member_id;
		int32		program_id;
		const Touched *touched;

		CHECK_FOR_INTERRUPTS();
		account_due(slot, &due_at, &id, &member_id, &program_id);
		touched = hash_search(test->touched, &id, HASH_FIND, NULL);
		if (touched == NULL || program_id != program->id)
			continue;
		test_account(test, slot, touched->last_seq, program, snapshot);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(relation, AccessShareLock);
}

/* Points, but no more than a budget leaves. */
static int64
within(int64 points, int64 budget)
{
	return budget == NO_LIMIT ? points : Min(points, budget);
}

static void
put_cost(ReturnSetInfo *rsinfo, const char *rule, const RuleCost *cost, int64 budget,
		 const Campaign *campaign)
{
	Datum		values[6];
	bool		nulls[6] = {false};

	nulls[0] = rule == NULL;
	if (rule)
		values[0] = CStringGetTextDatum(rule);
	values[1] = Int64GetDatum(cost->members);
	values[2] = Int64GetDatum(cost->orders);
	values[3] = Int64GetDatum(cost->points);
	values[4] = Int64GetDatum(cost->paid);
	values[5] = Int64GetDatum(within(within(cost->points, budget), campaign->budget));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static const Campaign *
campaign_named(const Rulebook *book, const Program *program, const char *code)
{
	const Campaign *campaign = book ? rulebook_campaign(book, code) : NULL;

	if (campaign == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_LY_UNKNOWN_REF),
				 errmsg("program \"%s\" has no campaign \"%s\"", program->code, code),
				 errhint("Query loyalty.campaigns to list the campaigns.")));
	return campaign;
}

/* backtest(campaign, from, to, program): rule, members, orders, points, paid, within_budget. */
PG_FUNCTION_INFO_V1(backtest);
Datum
backtest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const Program *program = program_argument(fcinfo, 3);
	const Rulebook *book = program->book;
	Backtest	test = {0};

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("backtest: campaign must not be NULL")));
	InitMaterializedSRF(fcinfo, 0);
	test.campaign = campaign_named(book, program, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	test.from = PG_ARGISNULL(1) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(1);
	test.to = PG_ARGISNULL(2) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(2);
	test.costs = palloc0((book->nrules + 1) * sizeof(RuleCost));
	test.context = AllocSetContextCreate(CurrentMemoryContext, "loyalty backtest event",
										 ALLOCSET_DEFAULT_SIZES);
	find_touched(&test, GetActiveSnapshot());
	test_accounts(&test, program, GetActiveSnapshot());
	for (int i = 0; i < book->nrules; i++)
		if (book->rules[i].campaign == test.campaign)
			put_cost(rsinfo, book->rules[i].code, &test.costs[i], book->rules[i].budget, test.campaign);
	put_cost(rsinfo, NULL, &test.costs[book->nrules], NO_LIMIT, test.campaign);
	return (Datum) 0;
}
