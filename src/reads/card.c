/*
 * card.c
 *	  What members see of their status: the tier, what is missing for the next
 *	  tier, and what is missing to keep the current one.
 */
#include "loyalty.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "calendar.h"
#include "money.h"
#include "period.h"
#include "reads.h"
#include "result.h"
#include "rulebook.h"
#include "tablemap.h"
#include "tier.h"
#include "usage.h"

/* The last day of the tier in force; DATEVAL_NOEND if it has no end. */
static DateADT
last_day(const Account *account)
{
	DateADT		until = DATEVAL_NOBEGIN;
	ListCell   *cell;

	if (tier_rank(account, account->computed_tier) == tier_rank(account, account->tier))
		until = account->computed_last_day;
	foreach(cell, account->grants)
	{
		const Grant *grant = lfirst(cell);

		if (grant->first_day <= account->clock_on &&
			tier_rank(account, grant->tier) == tier_rank(account, account->tier))
			until = Max(until, grant->last_day);
	}
	return until;
}

/*
 * tier_status(member, at, program): tier, last_day, computed_tier,
 * computed_last_day, reached_on, as_of.
 */
PG_FUNCTION_INFO_V1(tier_status);
Datum
tier_status(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = GetActiveSnapshot();
	const Program *program = program_argument(fcinfo, 2);
	TimestampTz at = time_argument(fcinfo, 1);
	Account    *account = account_argument(fcinfo, 0, program, snapshot);
	Datum		values[6];
	bool		nulls[6] = {false};

	account = account_at(account, at, snapshot);
	put_text(values, nulls, 0, account->tier);
	put_date(values, nulls, 1, last_day(account));
	put_text(values, nulls, 2, account->computed_tier);
	put_date(values, nulls, 3, account->computed_last_day);
	put_date(values, nulls, 4, account->reached_on);
	values[5] = DateADTGetDatum(calendar_day_of(at, program->zone));
	return HeapTupleGetDatum(heap_form_tuple(result_tupdesc(fcinfo), values, nulls));
}

/* account_tier(member_id, program_id, hash, at): tier, since, until. */
PG_FUNCTION_INFO_V1(read_account_tier);
Datum
read_account_tier(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = GetActiveSnapshot();
	Account    *account = account_by_ids(fcinfo, snapshot);
	TimestampTz at = time_argument(fcinfo, 3);
	Datum		values[3];
	bool		nulls[3] = {false};

	if (account == NULL || at < account->opened_at)
		PG_RETURN_NULL();
	account = account_at(account, at, snapshot);
	put_text(values, nulls, 0, account->tier);
	nulls[1] = account->tier == NULL;
	if (account->tier)
		values[1] = TimestampTzGetDatum(account_tier_since(account, at, snapshot));
	put_date(values, nulls, 2, last_day(account));
	return HeapTupleGetDatum(heap_form_tuple(result_tupdesc(fcinfo), values, nulls));
}

/* A threshold of a tier, next to what the member has. */
typedef struct Threshold
{
	const char *metric;
	Numeric		have;
	Numeric		need;			/* NULL: there is no such threshold */
} Threshold;

static Numeric
limit_or_null(int64 limit)
{
	return limit == NO_LIMIT ? NULL : money_of_int64(limit);
}

static void
put_threshold(ReturnSetInfo *rsinfo, const char *purpose, const Tier *tier, const Threshold *threshold)
{
	Datum		values[6];
	bool		nulls[6] = {false};

	values[0] = CStringGetTextDatum(purpose);
	values[1] = CStringGetTextDatum(tier->code);
	values[2] = CStringGetTextDatum(tier->needs_all ? "all" : "any");
	values[3] = CStringGetTextDatum(threshold->metric);
	values[4] = NumericGetDatum(threshold->have);
	values[5] = NumericGetDatum(threshold->need);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* Return a row for each threshold of a tier. */
static void
put_tier(ReturnSetInfo *rsinfo, const char *purpose, const Account *account, const Tier *tier,
		 const Metrics *metrics)
{
	Threshold	thresholds[] = {
		{"points", money_of_int64(metrics->points), limit_or_null(tier->points)},
		{"spend", metrics->spend, tier->spend},
		{"orders", money_of_int64(metrics->orders), limit_or_null(tier->orders)},
		{"activities", money_of_int64(metrics->activities), limit_or_null(tier->activities)},
		{"balance", money_of_int64(account->balance), limit_or_null(tier->balance)},
	};

	for (int i = 0; i < lengthof(thresholds); i++)
		if (thresholds[i].need)
			put_threshold(rsinfo, purpose, tier, &thresholds[i]);
}

/* The next higher tier that members can reach by metrics; NULL if there is none. */
static const Tier *
next_higher(const Account *account)
{
	int			held = tier_rank(account, account->tier);

	for (int i = 0; i < account->book->ntiers; i++)
		if (account->book->tiers[i].rank > held && !account->book->tiers[i].by_grant)
			return &account->book->tiers[i];
	return NULL;
}

/* tier_progress(member, at, program): purpose, tier, needs, metric, have, need. */
PG_FUNCTION_INFO_V1(tier_progress);
Datum
tier_progress(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Snapshot	snapshot = GetActiveSnapshot();
	const Program *program = program_argument(fcinfo, 2);
	TimestampTz at = time_argument(fcinfo, 1);
	Account    *account = account_argument(fcinfo, 0, program, snapshot);
	Metrics		metrics;
	const Tier *tier;
	DateADT		today;

	InitMaterializedSRF(fcinfo, 0);
	if (!account_has_tiers(account))
		return (Datum) 0;
	account = account_at(account, at, snapshot);
	today = Max(account->clock_on, calendar_day_of(at, account->zone));
	tier = next_higher(account);
	if (tier)
	{
		metrics = tier_metrics(account, today, today);
		put_tier(rsinfo, "next", account, tier, &metrics);
	}
	tier = rulebook_tier(account->book, account->computed_tier);
	if (tier && !DATE_NOT_FINITE(account->computed_last_day))
	{
		metrics = tier_metrics(account, tier_review_reads(account), today);
		put_tier(rsinfo, "keep", account, tier, &metrics);
	}
	return (Datum) 0;
}

/*
 * Benefits
 */

static void
put_benefit(ReturnSetInfo *rsinfo, const Benefit *benefit, int64 used)
{
	static const char *const periods[] = {"day", "week", "month", "year", "ever"};
	Datum		values[7];
	bool		nulls[7] = {false};

	values[0] = CStringGetTextDatum(benefit->code);
	put_text(values, nulls, 1, benefit->name);
	values[2] = benefit->settings;
	nulls[3] = nulls[6] = benefit->quota == NO_LIMIT;
	values[3] = Int64GetDatum(benefit->quota);
	values[4] = CStringGetTextDatum(periods[benefit->period]);
	values[5] = Int64GetDatum(used);
	values[6] = Int64GetDatum(Max(benefit->quota - used, 0));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* member_benefits(member, at, program): code, name, settings, quota, period, used, left. */
PG_FUNCTION_INFO_V1(member_benefits);
Datum
member_benefits(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = GetActiveSnapshot();
	const Program *program = program_argument(fcinfo, 2);
	TimestampTz at = time_argument(fcinfo, 1);
	Account    *account = account_argument(fcinfo, 0, program, snapshot);
	DateADT		today = calendar_day_of(at, program->zone);

	InitMaterializedSRF(fcinfo, 0);
	if (account->book == NULL)
		return (Datum) 0;
	account = account_at(account, at, snapshot);
	for (int i = 0; i < account->book->nbenefits; i++)
	{
		const Benefit *benefit = &account->book->benefits[i];

		if (benefit_is_for(account->book, benefit, account->tier))
			put_benefit((ReturnSetInfo *) fcinfo->resultinfo, benefit,
						usage_find(account, benefit->id, period_around(benefit->period, today).first)->times);
	}
	return (Datum) 0;
}

/* period_start(period, day): the first day of the period around a day. */
PG_FUNCTION_INFO_V1(period_start_sql);
Datum
period_start_sql(PG_FUNCTION_ARGS)
{
	Period		period = period_of(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	if (DATE_NOT_FINITE(PG_GETARG_DATEADT(1)))
		PG_RETURN_DATEADT(period == PERIOD_EVER ? DATEVAL_NOBEGIN : PG_GETARG_DATEADT(1));
	if (period == PERIODS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown period \"%s\"", text_to_cstring(PG_GETARG_TEXT_PP(0))),
				 errhint("Use day, week, month, year or ever.")));
	PG_RETURN_DATEADT(period_around(period, PG_GETARG_DATEADT(1)).first);
}
