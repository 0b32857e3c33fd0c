/*
 * match.c
 *	  Whether a rule applies to an event, and its value for that event.
 */
#include "earn_parts.h"

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "tier.h"

/*
 * Does a rule apply?
 */

/*
 * Is a member in a pilot?  A hash of code and member decides, so that the same
 * members are in it at any time and on any server.
 */
static bool
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

/* Does a member have at least one of a rule's tags? */
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

/*
 * Does the campaign prevent a rule from applying, because it does not exist or
 * is not running?  A campaign under trial counts as running.
 */
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

/*
 * Does the event's time prevent a rule from applying?  Checks the windows of
 * campaign and rule, the weekdays and the hours; none of these needs a table.
 */
static Miss
window_miss(Work *work, const Rule *rule)
{
	const Event *event = work->event;
	const Campaign *campaign = rule->campaign;
	/* a backtest ignores the windows of the campaign under trial and of its rules */
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

/*
 * Does the audience of a rule exclude the member, by tier, tags, or the pilot
 * of campaign or rule?
 */
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

/* The first day of the period in which a rule's caps count an event. */
DateADT
rule_period_on(const Rule *rule, const Event *event)
{
	return period_around(rule->period, event->on).first;
}

/*
 * The first reason why a rule does not apply, or MISS_NOT; the rule's condition
 * is not checked here.
 */
Miss
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

/*
 * Raise LY_RULE for a rule's value.  The message is a whole sentence with a
 * place for the rule's code.
 */
static void
refuse_value(const Rule *rule, const char *message, Numeric value)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_RULE),
			 errmsg(message, rule->code),
			 errdetail("The value is %s.",
					   DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value)))),
			 errhint("Correct the expression in column \"points\", for example with greatest(..., %d).",
					 rule->effect == EFFECT_MULTIPLIER ? 1 : 0)));
}

/* Refuse a value that no posting may have. */
void
rule_check_value(Work *work, const Rule *rule, Numeric value)
{
	if (numeric_is_nan(value) || numeric_is_inf(value))
		refuse_value(rule, "rule \"%s\" gives a value that is not a finite number", value);
	if (rule->effect == EFFECT_MULTIPLIER)
	{
		if (money_compare(value, work->one) < 0)
			refuse_value(rule, "rule \"%s\" gives a factor below 1", value);
	}
	else if (money_compare(value, money_of_int64(0)) < 0)
		refuse_value(rule, "rule \"%s\" gives points below 0", value);
	if (money_compare(value, money_of_int64(MAX_POINTS)) > 0)
		refuse_value(rule, "rule \"%s\" gives more points than a posting can have", value);
}

/*
 * Evaluate and check a rule's value; NULL if the rule does not apply.  The
 * value of a challenge is checked when its goal is reached.
 */
static Numeric
rule_value(Work *work, const Rule *rule)
{
	Numeric		value = facts_number(&work->facts, rule->points);

	if (value != NULL && rule->effect != EFFECT_CHALLENGE)
		rule_check_value(work, rule, value);
	return value;
}

/* Evaluate the condition and the value of a rule on the current line. */
static Miss
evaluate_cell(Work *work, const Rule *rule, Numeric *value)
{
	if (rule->condition && !facts_hold(&work->facts, rule->condition))
		return MISS_CONDITION;
	*value = rule_value(work, rule);
	return *value == NULL ? MISS_NULL : MISS_NOT;
}

/*
 * Evaluate a rule once, or line by line.  values has an element for each line,
 * and a last one for the order as a whole; those where the rule does not apply
 * are not set.
 */
Miss
rule_evaluate(Work *work, const Rule *rule, Numeric *values)
{
	int			order = work->earning->ncells - 1;
	bool		applies = false;
	Miss		miss = MISS_CONDITION;
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
		CHECK_FOR_INTERRUPTS();
		facts_set_line(&work->facts, cell);
		miss = evaluate_cell(work, rule, &value);
		if (miss == MISS_NOT)
			values[cell] = value;
		applies = applies || miss == MISS_NOT;
	}
	return applies ? MISS_NOT : miss;
}

/* in_pilot(code, member_id, percent): if percent is NULL, every member is in the pilot. */
PG_FUNCTION_INFO_V1(in_pilot_sql);
Datum
in_pilot_sql(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(PG_ARGISNULL(2) ||
				   in_pilot(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_INT64(1), PG_GETARG_INT32(2)));
}
