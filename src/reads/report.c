/*
 * report.c
 *	  The parts of entries, and the lots of accounts, as rows, for views over
 *	  the whole journal or all accounts.
 *
 * The functions return one row at a time, and are called in a target list: so no
 * tuplestore is made for each entry, and conditions on the entry are tested
 * before the call.  Values that are invalid are left out; verify reports them.
 */
#include "loyalty.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "calendar.h"
#include "json.h"
#include "kind.h"
#include "lots.h"
#include "reads.h"

/*
 * A part of an entry, or what a campaign gave in an entry by one rule (part is
 * NULL: by all rules).
 */
typedef struct Shown
{
	const char *part;
	const char *campaign;
	bool		has[4];			/* of computed, given, due, written_off */
	int64		points[4];
} Shown;

enum
{
	COMPUTED,
	GIVEN,
	DUE,
	WRITTEN_OFF
};

static const char *const members[] = {"computed", "given", "due", "written_off"};

static void
put_string(Datum *values, bool *nulls, int i, const char *string)
{
	nulls[i] = string == NULL;
	if (string)
		values[i] = CStringGetTextDatum(string);
}

/* Read a part, or what a return states of it; a number that is not an integer is left out. */
static Shown
shown_of(JsonbContainer *object)
{
	Shown		shown = {.part = json_get_text(object, "part"), .campaign = json_get_text(object, "campaign")};

	for (int i = 0; i < lengthof(members); i++)
		shown.has[i] = json_find_integer(object, members[i], &shown.points[i]);
	return shown;
}

/* The parts in jsonb, a list of Shown *; if of_campaigns, only those that belong to a campaign. */
static List *
parts_shown(Jsonb *json, bool of_campaigns)
{
	List	   *parts = NIL;

	for (int i = 0; JB_ROOT_IS_ARRAY(json) && i < JB_ROOT_COUNT(json); i++)
	{
		JsonbContainer *object = json_find_object(json, i);
		Shown	   *part;

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

/* The only part of an entry that states none: all of it is the base. */
static List *
base_shown(FunctionCallInfo fcinfo)
{
	Shown	   *base = palloc0(sizeof(Shown));

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
 * Rows of an entry or an account, returned one at a time.  The macros of
 * funcapi.h are not used: they would make a memory context and look up the row
 * type for each entry.
 */
typedef struct Rows
{
	MemoryContext context;
	void		 *rows; /* kept by their function; NULL: the next call has a new entry */
	int			count;
	int			next;
	bool		registered;		/* with the executor, which may stop half-way */
} Rows;

/* Expression context callback: forget the rows if the executor stops before the last one. */
static void
forget_rows(Datum state)
{
	Rows	   *rows = (Rows *) DatumGetPointer(state);

	rows->rows = NULL;
	rows->registered = false;
}

/* Get the rows of a call; the rows of the entry before are freed when a new one begins. */
static Rows *
rows_of(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Rows	   *rows = fcinfo->flinfo->fn_extra;

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
	if (rows->rows == NULL)
	{
		MemoryContextReset(rows->context);
		rows->count = rows->next = 0;
	}
	return rows;
}

/* Set the rows that will be returned, and their number. */
static void
set_rows(Rows *rows, void *kept, int count)
{
	rows->rows = kept;
	rows->count = count;
}

/* The number of the next row; after the last, -1, and the call is marked as done. */
static int
next_row(FunctionCallInfo fcinfo, Rows *rows)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	if (rows->next < rows->count)
	{
		rsinfo->isDone = ExprMultipleResult;
		return rows->next++;
	}
	rows->rows = NULL;
	rsinfo->isDone = ExprEndResult;
	return -1;
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
	Rows	   *rows = rows_of(fcinfo);
	const Shown *part;
	Datum		values[6];
	bool		nulls[6];
	int			next;

	if (rows->rows == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(rows->context);
		List	   *parts = PG_ARGISNULL(0) ? base_shown(fcinfo) : parts_shown(PG_GETARG_JSONB_P(0), false);

		set_rows(rows, parts, list_length(parts));
		MemoryContextSwitchTo(old);
	}
	next = next_row(fcinfo, rows);
	if (next < 0)
		PG_RETURN_NULL();
	part = list_nth(rows->rows, next);
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

/*
 * may_have_campaign(parts): false if no part names a campaign.  It only
 * searches the bytes, because most entries of a journal name none; jsonb stores
 * a key as it is.
 */
PG_FUNCTION_INFO_V1(may_have_campaign);
Datum
may_have_campaign(PG_FUNCTION_ARGS)
{
	static const char key[] = "campaign";
	struct varlena *parts = PG_GETARG_VARLENA_PP(0);

	PG_RETURN_BOOL(memmem(VARDATA_ANY(parts), VARSIZE_ANY_EXHDR(parts), key, sizeof(key) - 1) != NULL);
}

/* Find the sum of a campaign and a part (NULL: of the whole campaign); a missing one is added. */
static Shown *
sum_of(List **sums, const char *campaign, const char *part)
{
	Shown	   *sum;
	ListCell   *cell;

	foreach(cell, *sums)
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

/* Add a part's points to a sum; points that were written off have not been taken back. */
static void
add_to(Shown *sum, const Shown *part)
{
	if (part->has[GIVEN])
		sum->points[GIVEN] += part->points[GIVEN];
	if (part->has[DUE])
		sum->points[DUE] += part->points[DUE] - (part->has[WRITTEN_OFF] ? part->points[WRITTEN_OFF] : 0);
}

/* Sum up the parts by campaign and rule, and by campaign. */
static List *
campaign_sums(Jsonb *json)
{
	List	   *sums = NIL;
	ListCell   *cell;

	foreach(cell, parts_shown(json, true))
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
	Rows	   *rows = rows_of(fcinfo);
	bool		returned = (Kind) PG_GETARG_CHAR(1) == KIND_REFUND;
	const Shown *sum;
	Datum		values[5];
	bool		nulls[5] = {false};
	int			next;

	if (rows->rows == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(rows->context);
		List	   *sums = campaign_sums(PG_GETARG_JSONB_P(0));

		set_rows(rows, sums, list_length(sums));
		MemoryContextSwitchTo(old);
	}
	next = next_row(fcinfo, rows);
	if (next < 0)
		PG_RETURN_NULL();
	sum = list_nth(rows->rows, next);
	put_string(values, nulls, 0, sum->campaign);
	put_string(values, nulls, 1, sum->part);
	values[2] = Int64GetDatum(returned ? 0 : 1);
	values[3] = Int64GetDatum(returned ? 0 : sum->points[GIVEN]);
	values[4] = Int64GetDatum(returned ? sum->points[DUE] : 0);
	return form_row(fcinfo, values, nulls);
}

/*
 * Open lots of an account's row, if nothing in it has become due and nothing is
 * held.  These functions show what they are passed, and read no table.
 */
enum
{
	ROW_ACCOUNT,
	ROW_LOTS,
	ROW_BALANCE,
	ROW_DEBT,
	ROW_INACTIVE_ON,
	ROW_CLOCK_ON,
	ROW_TIMEZONE,
	ROW_ARGUMENTS
};

typedef struct RowLots
{
	LotQueue	lots;
	LotDay		day;
	pg_tz	   *zone;
} RowLots;

/* Get the day in an argument; false if it is out of range, which is damage. */
static bool
row_day(FunctionCallInfo fcinfo, int argument, DateADT *day)
{
	*day = PG_GETARG_DATEADT(argument);
	return calendar_date_in_range(*day) || (argument == ROW_INACTIVE_ON && DATE_NOT_FINITE(*day));
}

/* Read the lots of a row; false if it is damaged. */
static bool
read_row_lots(FunctionCallInfo fcinfo, RowLots *row)
{
	for (int i = 0; i < ROW_ARGUMENTS; i++)
		if (PG_ARGISNULL(i) && i != ROW_INACTIVE_ON)
			return false;
	row->day.inactive_on = LOT_NEVER;
	if (!row_day(fcinfo, ROW_CLOCK_ON, &row->day.on) ||
		(!PG_ARGISNULL(ROW_INACTIVE_ON) && !row_day(fcinfo, ROW_INACTIVE_ON, &row->day.inactive_on)))
		return false;
	row->day.matured_on = row->day.on;
	row->zone = calendar_zone(text_to_cstring(PG_GETARG_TEXT_PP(ROW_TIMEZONE)));
	return row->zone != NULL && lots_read(DatumGetLots(PG_GETARG_DATUM(ROW_LOTS)), &row->lots) &&
		   lots_total(&row->lots) - PG_GETARG_INT64(ROW_DEBT) == PG_GETARG_INT64(ROW_BALANCE);
}

/*
 * Read the lots of a call's row, which are kept until the last is shown.  A
 * damaged row shows none, with a warning.
 */
static RowLots *
row_lots_of(FunctionCallInfo fcinfo, Rows *rows)
{
	MemoryContext old = MemoryContextSwitchTo(rows->context);
	RowLots    *row = palloc0(sizeof(RowLots));

	if (!read_row_lots(fcinfo, row))
	{
		reads_warn_damaged(PG_ARGISNULL(ROW_ACCOUNT) ? 0 : PG_GETARG_INT64(ROW_ACCOUNT), 0);
		row->lots.count = 0;
	}
	set_rows(rows, row, row->lots.count);
	MemoryContextSwitchTo(old);
	return row;
}

/* row_lots(account, lots, balance, debt, inactive_on, clock_on, timezone): columns as lots(). */
PG_FUNCTION_INFO_V1(row_lots);
Datum
row_lots(PG_FUNCTION_ARGS)
{
	Rows	   *rows = rows_of(fcinfo);
	RowLots    *row = rows->rows ? rows->rows : row_lots_of(fcinfo, rows);
	Datum		values[LOT_COLUMNS];
	bool		nulls[LOT_COLUMNS] = {false};
	int			next = next_row(fcinfo, rows);

	if (next < 0)
		PG_RETURN_NULL();
	lot_columns(&row->lots.lots[next], row->lots.lots[next].points, 0, row->day, row->zone, values,
				nulls);
	return form_row(fcinfo, values, nulls);
}

/* Combine lots that end on the same day into one, and leave out lots that do not end. */
static void
sum_by_last_day(RowLots *row)
{
	int			count = 0;

	for (int i = 0; i < row->lots.count; i++)
	{
		Lot		   *lot = &row->lots.lots[i];
		int			same = 0;

		lot->expires = lot_last_day(lot, row->day);
		if (lot->expires >= LOYALTY_DATE_NOEND)
			continue;
		while (same < count && row->lots.lots[same].expires != lot->expires)
			same++;
		if (same == count)
			row->lots.lots[count++] = *lot;
		else
			row->lots.lots[same].points += lot->points;
	}
	row->lots.count = count;
}

/* row_expiring(as row_lots): expires_on, ends_at, points. */
PG_FUNCTION_INFO_V1(row_expiring);
Datum
row_expiring(PG_FUNCTION_ARGS)
{
	Rows	   *rows = rows_of(fcinfo);
	RowLots    *row = rows->rows ? rows->rows : row_lots_of(fcinfo, rows);
	const Lot  *lot;
	Datum		values[3];
	bool		nulls[3] = {false};
	int			next;

	if (rows->next == 0)
	{
		sum_by_last_day(row);
		set_rows(rows, row, row->lots.count);
	}
	next = next_row(fcinfo, rows);
	if (next < 0)
		PG_RETURN_NULL();
	lot = &row->lots.lots[next];
	values[0] = DateADTGetDatum(lot->expires);
	values[1] = TimestampTzGetDatum(calendar_day_end(lot->expires, row->zone));
	values[2] = Int64GetDatum(lot->points);
	return form_row(fcinfo, values, nulls);
}
