/*
 * report.c
 *	  The parts of entries as rows, for views over the whole journal.
 *
 * A row at a time, called in a target list: there no tuplestore is made for each
 * entry, and conditions on the entry are still tested before.  What cannot be
 * understood is left out, for verify to name.
 */
#include "loyalty.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "json.h"
#include "kind.h"

/* A part, or what a campaign gave by one rule (part NULL: by all) in one entry. */
typedef struct Shown
{
	const char *part;
	const char *campaign;
	bool		has[4]; /* of computed, given, due, written_off */
	int64		points[4];
} Shown;

enum
{
	COMPUTED,
	GIVEN,
	DUE,
	WRITTEN_OFF
};

static const char *const members[] = { "computed", "given", "due", "written_off" };

static void
put_string(Datum *values, bool *nulls, int i, const char *string)
{
	nulls[i] = string == NULL;
	if (string)
		values[i] = CStringGetTextDatum(string);
}

static Shown
shown_of(JsonbContainer *object)
{
	Shown shown = { .part = json_get_text(object, "part"), .campaign = json_get_text(object, "campaign") };

	for (int i = 0; i < lengthof(members); i++)
		shown.has[i] = json_find_integer(object, members[i], &shown.points[i]);
	return shown;
}

/* The parts of jsonb, of Shown *; of one campaign each, if so asked. */
static List *
parts_shown(Jsonb *json, bool of_campaigns)
{
	List *parts = NIL;

	for (int i = 0; JB_ROOT_IS_ARRAY(json) && i < JB_ROOT_COUNT(json); i++)
	{
		JsonbContainer *object = json_find_object(json, i);
		Shown		   *part;

		CHECK_FOR_INTERRUPTS();
		if (object == NULL || (of_campaigns && !json_has(object, "campaign")))
			continue;
		part = palloc(sizeof(Shown));
		*part = shown_of(object);
		if (!of_campaigns || part->campaign)
			parts = lappend(parts, part);
	}
	return parts;
}

/* An entry without parts: all of it is the base. */
static List *
base_shown(FunctionCallInfo fcinfo)
{
	Shown *base = palloc0(sizeof(Shown));

	base->part = "base";
	for (int i = COMPUTED; i <= DUE; i++)
	{
		base->has[i] = !PG_ARGISNULL(1 + i);
		if (base->has[i])
			base->points[i] = PG_GETARG_INT64(1 + i);
	}
	return list_make1(base);
}

/*
 * Rows of an entry, handed out one at a time.  Not by the macros of funcapi.h:
 * they make a context and look the row type up for each entry.
 */
typedef struct Rows
{
	MemoryContext context;
	List		 *rows; /* of Shown *; NIL: the next call is a new entry's */
	int			  next;
	bool		  registered; /* with the executor, which may stop half-way */
} Rows;

static void
forget_rows(Datum state)
{
	Rows *rows = (Rows *) DatumGetPointer(state);

	rows->rows = NIL;
	rows->registered = false;
}

/* Where the rows of a call are; those of the entry before are freed as a new one begins. */
static Rows *
rows_of(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Rows		  *rows = fcinfo->flinfo->fn_extra;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) || !(rsinfo->allowedModes & SFRM_ValuePerCall))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
	if (rows == NULL)
	{
		rows = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Rows));
		rows->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "loyalty rows", ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = rows;
		BlessTupleDesc(rsinfo->expectedDesc);
	}
	if (!rows->registered)
		RegisterExprContextCallback(rsinfo->econtext, forget_rows, PointerGetDatum(rows));
	rows->registered = true;
	if (rows->rows == NIL)
	{
		MemoryContextReset(rows->context);
		rows->next = 0;
	}
	return rows;
}

/* The next of them; NULL, and the call is told, after the last. */
static const Shown *
next_row(FunctionCallInfo fcinfo, Rows *rows)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	if (rows->next < list_length(rows->rows))
	{
		rsinfo->isDone = ExprMultipleResult;
		return list_nth(rows->rows, rows->next++);
	}
	rows->rows = NIL;
	rsinfo->isDone = ExprEndResult;
	return NULL;
}

static Datum
form_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	return HeapTupleGetDatum(heap_form_tuple(rsinfo->expectedDesc, values, nulls));
}

/* parts_in(parts, computed, points, due): part, campaign, computed, given, due, written_off. */
PG_FUNCTION_INFO_V1(parts_in);
Datum
parts_in(PG_FUNCTION_ARGS)
{
	Rows		*rows = rows_of(fcinfo);
	const Shown *part;
	Datum		 values[6];
	bool		 nulls[6];

	if (rows->rows == NIL)
	{
		MemoryContext old = MemoryContextSwitchTo(rows->context);

		rows->rows = PG_ARGISNULL(0) ? base_shown(fcinfo) : parts_shown(PG_GETARG_JSONB_P(0), false);
		MemoryContextSwitchTo(old);
	}
	part = next_row(fcinfo, rows);
	if (part == NULL)
		PG_RETURN_NULL();
	put_string(values, nulls, 0, part->part);
	put_string(values, nulls, 1, part->campaign);
	for (int i = 0; i < lengthof(members); i++)
	{
		values[2 + i] = Int64GetDatum(part->points[i]);
		nulls[2 + i] = !part->has[i];
	}
	return form_row(fcinfo, values, nulls);
}

/*
 * Campaigns
 */

static Shown *
sum_of(List **sums, const char *campaign, const char *part)
{
	Shown	 *sum;
	ListCell *cell;

	foreach (cell, *sums)
	{
		sum = lfirst(cell);
		if (strcmp(sum->campaign, campaign) == 0 &&
			(part && sum->part ? strcmp(sum->part, part) == 0 : part == sum->part))
			return sum;
	}
	sum = palloc0(sizeof(Shown));
	sum->campaign = campaign;
	sum->part = part;
	*sums = lappend(*sums, sum);
	return sum;
}

static void
add_to(Shown *sum, const Shown *part)
{
	if (part->has[GIVEN])
		sum->points[GIVEN] += part->points[GIVEN];
	if (part->has[DUE])
		sum->points[DUE] += part->points[DUE] - (part->has[WRITTEN_OFF] ? part->points[WRITTEN_OFF] : 0);
}

/* By campaign and rule, and by campaign. */
static List *
campaign_sums(Jsonb *json)
{
	List	 *sums = NIL;
	ListCell *cell;

	foreach (cell, parts_shown(json, true))
	{
		const Shown *part = lfirst(cell);

		CHECK_FOR_INTERRUPTS(); /* anybody may call it with a long array */
		add_to(sum_of(&sums, part->campaign, NULL), part);
		if (part->part)
			add_to(sum_of(&sums, part->campaign, part->part), part);
	}
	return sums;
}

/* campaign_parts(parts, kind): campaign, rule, orders, points, taken_back. */
PG_FUNCTION_INFO_V1(campaign_parts);
Datum
campaign_parts(PG_FUNCTION_ARGS)
{
	Rows		*rows = rows_of(fcinfo);
	bool		 returned = (Kind) PG_GETARG_CHAR(1) == KIND_REFUND;
	const Shown *sum;
	Datum		 values[5];
	bool		 nulls[5] = { false };

	if (rows->rows == NIL)
	{
		MemoryContext old = MemoryContextSwitchTo(rows->context);

		rows->rows = campaign_sums(PG_GETARG_JSONB_P(0));
		MemoryContextSwitchTo(old);
	}
	sum = next_row(fcinfo, rows);
	if (sum == NULL)
		PG_RETURN_NULL();
	put_string(values, nulls, 0, sum->campaign);
	put_string(values, nulls, 1, sum->part);
	values[2] = Int64GetDatum(returned ? 0 : 1);
	values[3] = Int64GetDatum(returned ? 0 : sum->points[GIVEN]);
	values[4] = Int64GetDatum(returned ? sum->points[DUE] : 0);
	return form_row(fcinfo, values, nulls);
}
