/*
 * rule_row.c
 *	  Filling the row that rules are evaluated over.
 *
 * Columns are filled in groups, each when an expression first needs one of its
 * columns.  The groups that must read a table, the member's and the metrics,
 * are separate from the others.
 */
#include "rule_row.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "calendar.h"
#include "json.h"
#include "tally.h"
#include "tier.h"

/* Make the row for an event of an account, with all columns NULL, in the current memory context. */
void
facts_begin(Facts *facts, const Event *event, Account *account)
{
	memset(facts, 0, sizeof(*facts));
	facts->event = event;
	facts->account = account;
	facts->program = account->program;
	facts->book = account->book;
	facts->line = -1;
	facts->time_of_day = -1;
	facts->slot = MakeSingleTupleTableSlot(expression_tupdesc(), &TTSOpsVirtual);
	memset(facts->slot->tts_isnull, true, COLUMNS * sizeof(bool));
	ExecStoreVirtualTuple(facts->slot);
	/* all of it lives as long as the posting, so there is no per-tuple context that is reset */
	facts->econtext = makeNode(ExprContext);
	facts->econtext->ecxt_scantuple = facts->slot;
	facts->econtext->ecxt_per_query_memory = CurrentMemoryContext;
	facts->econtext->ecxt_per_tuple_memory = CurrentMemoryContext;
}

void
facts_end(Facts *facts)
{
	ExecDropSingleTupleTableSlot(facts->slot);
}

/* Set a column to a value that is not NULL. */
static void
fill(Facts *facts, Column column, Datum value)
{
	facts->slot->tts_values[column] = value;
	facts->slot->tts_isnull[column] = false;
}

/* Set a column to a text; NULL makes the column NULL. */
static void
fill_text(Facts *facts, Column column, const char *text)
{
	facts->slot->tts_isnull[column] = text == NULL;
	if (text)
		fill(facts, column, CStringGetTextDatum(text));
}

/* Set a column to a value; 0 stands for NULL, and leaves the column as it is. */
static void
fill_datum(Facts *facts, Column column, Datum value)
{
	if (value != (Datum) 0)
		fill(facts, column, value);
}

/*
 * The event
 */

/* The local time of day of the event, in microseconds since midnight. */
TimeADT
facts_time_of_day(Facts *facts)
{
	if (facts->time_of_day < 0)
	{
		struct pg_tm tm;
		fsec_t		fsec;
		int			tz;

		if (timestamp2tm(facts->event->at, &tz, &tm, &fsec, NULL, facts->program->zone) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("timestamp out of range")));
		facts->time_of_day = ((tm.tm_hour * MINS_PER_HOUR + tm.tm_min) * SECS_PER_MINUTE + tm.tm_sec) *
			USECS_PER_SEC + fsec;
	}
	return facts->time_of_day;
}

/* The weekday of a day, from 1 for Monday to 7 for Sunday. */
static int
weekday_of(DateADT day)
{
	int			weekday = j2day(day + POSTGRES_EPOCH_JDATE);

	return weekday == 0 ? 7 : weekday;
}

/* The currency of the event: its attribute "currency" or, if there is none, the program's. */
static const char *
currency_of(const Facts *facts)
{
	char	   *currency = NULL;

	if (facts->event->attributes)
	{
		Jsonb	   *attributes = DatumGetJsonbP(facts->event->attributes);

		if (JB_ROOT_IS_OBJECT(attributes))
			currency = json_get_text(&attributes->root, "currency");
	}
	return currency ? currency : facts->program->currency;
}

static void
fill_event(Facts *facts)
{
	const Event *event = facts->event;
	int			year;
	int			month;
	int			day;

	calendar_ymd(event->on, &year, &month, &day);
	fill_text(facts, C_ACTIVITY, event->activity);
	if (event->amount)
		fill(facts, C_AMOUNT, NumericGetDatum(event->amount));
	fill_text(facts, C_CURRENCY, currency_of(facts));
	fill_datum(facts, C_CHANNEL, event->channel);
	fill_datum(facts, C_STORE, event->store);
	fill_datum(facts, C_BRAND, event->brand);
	fill(facts, C_AT, TimestampTzGetDatum(event->at));
	fill(facts, C_LOCAL_DATE, DateADTGetDatum(event->on));
	fill(facts, C_YEAR, Int32GetDatum(year));
	fill(facts, C_MONTH, Int32GetDatum(month));
	fill(facts, C_DAY, Int32GetDatum(day));
	fill(facts, C_WEEKDAY, Int32GetDatum(weekday_of(event->on)));
	fill(facts, C_HOUR, Int32GetDatum(facts_time_of_day(facts) / USECS_PER_HOUR));
	fill_datum(facts, C_ATTRIBUTES, event->attributes);
	fill(facts, C_LINES, Int32GetDatum(event->lines.count));
}

/*
 * The line: in a purchase without lines, the whole order
 */

/*
 * Fill the columns of the current line; without lines, the order counts as one
 * line of quantity 1.
 */
static void
fill_line(Facts *facts)
{
	const Event *event = facts->event;
	const Line *line = event->lines.count > 0 ? &event->lines.lines[facts->line] : NULL;

	fill_text(facts, C_LINE_SKU, line ? line->sku : NULL);
	fill_text(facts, C_LINE_CATEGORY, line ? line->category : NULL);
	fill_text(facts, C_LINE_BRAND, line ? line->brand : NULL);
	fill(facts, C_LINE_QUANTITY, NumericGetDatum(line ? line->quantity : money_of_int64(1)));
	facts->slot->tts_isnull[C_LINE_AMOUNT] = line == NULL && event->amount == NULL;
	facts->slot->tts_values[C_LINE_AMOUNT] = NumericGetDatum(line ? line->amount : event->amount);
	facts->slot->tts_isnull[C_LINE_ATTRIBUTES] = line == NULL;
	if (line)
		fill(facts, C_LINE_ATTRIBUTES, JsonbPGetDatum(JsonbValueToJsonb(line->object)));
}

/*
 * Make a line, counted from 0, the current one; its columns are filled when
 * they are first needed.
 */
void
facts_set_line(Facts *facts, int line)
{
	facts->line = line;
	facts->line_filled = 0;
}

/*
 * The member
 */

/* The member, read from the table at the first call. */
const Member *
facts_member(Facts *facts)
{
	if (!facts->member_loaded)
		member_read(facts->account->member_id, &facts->member);
	facts->member_loaded = true;
	return &facts->member;
}

/*
 * Is a day the member's birthday (MM-DD; NULL if it is not known)?  29 February
 * is celebrated on the 28th in years that are not leap years.
 */
static bool
is_birthday(const char *birthday, DateADT on)
{
	int			year;
	int			month;
	int			day;

	if (birthday == NULL)
		return false;
	calendar_ymd(on, &year, &month, &day);
	if (strcmp(birthday, psprintf("%02d-%02d", month, day)) == 0)
		return true;
	return month == 2 && day == 28 && !isleap(year) && strcmp(birthday, "02-29") == 0;
}

static void
fill_member(Facts *facts)
{
	const Member *member = facts_member(facts);
	const Account *account = facts->account;
	Jsonb	   *attributes = DatumGetJsonbP(member->attributes);

	fill_text(facts, C_MEMBER_KEY, member->key);
	fill(facts, C_MEMBER_TAGS, member->tags);
	fill(facts, C_MEMBER_ATTRIBUTES, member->attributes);
	fill(facts, C_MEMBER_JOINED_ON, DateADTGetDatum(member->joined_on));
	fill_text(facts, C_MEMBER_BIRTHDAY, member->birthday);
	fill(facts, C_MEMBER_IS_BIRTHDAY, BoolGetDatum(is_birthday(member->birthday, facts->event->on)));
	if (!DATE_NOT_FINITE(account->last_order_on))
		fill(facts, C_MEMBER_DAYS_SINCE_ORDER,
			 Int32GetDatum(Max(0, facts->event->on - account->last_order_on)));
	fill(facts, C_MEMBER_REFERRED, BoolGetDatum(json_has(&attributes->root, "referrer")));
}

/*
 * The account
 */

static void
fill_account(Facts *facts)
{
	const Account *account = facts->account;

	fill(facts, C_MEMBER_ORDERS, Int64GetDatum(account->orders));
	fill_text(facts, C_ACCOUNT_TIER, facts->event->tier);
	fill(facts, C_ACCOUNT_TIER_RANK, Int32GetDatum(tier_rank(account, facts->event->tier)));
	fill(facts, C_ACCOUNT_BALANCE, Int64GetDatum(account->balance));
	fill(facts, C_ACCOUNT_USABLE, Int64GetDatum(account->usable));
	fill(facts, C_ACCOUNT_EARNED, Int64GetDatum(account->earned));
	fill(facts, C_ACCOUNT_SPEND, NumericGetDatum(account->spend));
	fill(facts, C_ACCOUNT_ORDERS, Int64GetDatum(account->orders));
}

/* Fill the metrics of tiers as of the event's day or the account's clock, whichever is later. */
static void
fill_metrics(Facts *facts)
{
	DateADT		today = Max(facts->event->on, facts->account->clock_on);
	Metrics		metrics = tier_metrics(facts->account, today, today);

	fill(facts, C_ACCOUNT_TIER_POINTS, Int64GetDatum(metrics.points));
	fill(facts, C_ACCOUNT_TIER_SPEND, NumericGetDatum(metrics.spend));
	fill(facts, C_ACCOUNT_TIER_ORDERS, Int64GetDatum(metrics.orders));
	fill(facts, C_ACCOUNT_TIER_ACTIVITIES, Int64GetDatum(metrics.activities));
}

static void
fill_streak(Facts *facts)
{
	fill(facts, C_STREAK, Int32GetDatum(tally_streak(facts->account, facts->event->activity,
													 facts->event->on)));
}

/*
 * A made-up member: some facts are given, and the others are those of a new member
 */

/* Fill the columns of member and account with the facts of a new member. */
static void
fill_new(Facts *facts)
{
	static const Column counts[] = {
		C_MEMBER_ORDERS, C_ACCOUNT_BALANCE, C_ACCOUNT_USABLE, C_ACCOUNT_EARNED, C_ACCOUNT_ORDERS,
		C_ACCOUNT_TIER_POINTS, C_ACCOUNT_TIER_ORDERS, C_ACCOUNT_TIER_ACTIVITIES
	};

	for (int i = 0; i < lengthof(counts); i++)
		fill(facts, counts[i], Int64GetDatum(0));
	fill(facts, C_ACCOUNT_SPEND, NumericGetDatum(money_of_int64(0)));
	fill(facts, C_ACCOUNT_TIER_SPEND, NumericGetDatum(money_of_int64(0)));
	fill(facts, C_ACCOUNT_TIER_RANK, Int32GetDatum(tier_rank(facts->account, facts->event->tier)));
	fill(facts, C_MEMBER_JOINED_ON, DateADTGetDatum(facts->event->on));
	fill(facts, C_MEMBER_TAGS, facts->member.tags);
	fill(facts, C_MEMBER_ATTRIBUTES, facts->member.attributes);
	fill(facts, C_MEMBER_REFERRED,
		 BoolGetDatum(json_has(&DatumGetJsonbP(facts->member.attributes)->root, "referrer")));
	fill(facts, C_MEMBER_IS_BIRTHDAY, BoolGetDatum(is_birthday(facts->member.birthday, facts->event->on)));
	fill(facts, C_STREAK, Int32GetDatum(1));
}

/* Convert the value of a given fact to the type of its column. */
static Datum
given_value(Column column, JsonbValue *value)
{
	Oid			type = TupleDescAttr(expression_tupdesc(), column)->atttypid;
	Oid			input;
	Oid			element;
	char	   *text;

	if (type == JSONBOID)
		return JsonbPGetDatum(JsonbValueToJsonb(value));
	text = value->type == jbvString ? pnstrdup(value->val.string.val, value->val.string.len) :
		JsonbToCString(NULL, &JsonbValueToJsonb(value)->root, 0);
	getTypeInputInfo(type, &input, &element);
	return OidInputFunctionCall(input, text, element, -1);
}

static void
refuse_fact(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown fact \"%s\"", name),
			 errhint("Facts are named like the columns of the relations \"member\" and \"account\" in loyalty.rule_columns.")));
}

/* Fill the columns of the given facts; JSON null makes a column NULL. */
static void
fill_given(Facts *facts)
{
	JsonbIterator *iterator = JsonbIteratorInit(&unconstify(Jsonb *, facts->made_up)->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	Column		column = COLUMNS;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char	   *name = pnstrdup(value.val.string.val, value.val.string.len);

			column = expression_member_column(name);
			if (column == COLUMNS)
				refuse_fact(name);
		}
		else if (token == WJB_VALUE && value.type == jbvNull)
			facts->slot->tts_isnull[column] = true;
		else if (token == WJB_VALUE)
			fill(facts, column, given_value(column, &value));
	}
}

/* A given fact that must be a JSON array or object; an empty one if it is missing or null. */
static Datum
given_json(const Jsonb *facts, const char *name, bool is_array)
{
	JsonbValue *value = getKeyJsonValueFromContainer(&unconstify(Jsonb *, facts)->root, name, strlen(name), NULL);
	Json		json = {0};

	if (value == NULL || value->type == jbvNull)
	{
		json_begin(&json, is_array ? WJB_BEGIN_ARRAY : WJB_BEGIN_OBJECT);
		json_end(&json, is_array ? WJB_END_ARRAY : WJB_END_OBJECT);
		return json_finish(&json);
	}
	if (value->type != jbvBinary || JsonContainerIsArray(value->val.binary.data) != is_array)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 is_array ? errmsg("fact \"%s\" must be a JSON array", name) :
				 errmsg("fact \"%s\" must be a JSON object", name)));
	return JsonbPGetDatum(JsonbValueToJsonb(value));
}

/* Replace the facts of the member by given ones, an object whose keys are names in rule_columns. */
void
facts_make_up(Facts *facts, const Jsonb *made_up)
{
	facts->made_up = made_up;
	facts->member.key = "";
	facts->member.birthday = json_get_text(&unconstify(Jsonb *, made_up)->root, "birthday");
	facts->member.joined_on = facts->event->on;
	facts->member.tags = given_json(made_up, "tags", true);
	facts->member.attributes = given_json(made_up, "attributes", false);
	facts->member_loaded = true;
	fill_new(facts);
	if (facts->member.birthday)
		fill_text(facts, C_MEMBER_BIRTHDAY, facts->member.birthday);
	fill_text(facts, C_ACCOUNT_TIER, facts->event->tier);
	fill_given(facts);
	facts->filled = COLUMNS_OF_MEMBER | (column_bit(COLUMNS) - column_bit(C_ACCOUNT_TIER)) | column_bit(C_STREAK);
}

/* Fill the columns that an expression needs and that are not filled yet. */
static void
require(Facts *facts, ColumnSet asked)
{
	static const struct
	{
		ColumnSet	columns;
		void		(*fill) (Facts *facts);
	} groups[] = {
		{COLUMNS_OF_EVENT & ~column_bit(C_STREAK), fill_event},
		{column_bit(C_STREAK), fill_streak},
		{COLUMNS_OF_MEMBER & ~column_bit(C_MEMBER_ORDERS), fill_member},
		{column_bit(C_MEMBER_ORDERS) | (column_bit(C_ACCOUNT_TIER_POINTS) - column_bit(C_ACCOUNT_TIER)), fill_account},
		{COLUMNS_OF_METRICS, fill_metrics}
	};
	ColumnSet	missing = asked & ~facts->filled & ~COLUMNS_OF_LINE;

	for (int i = 0; missing != 0 && i < lengthof(groups); i++)
	{
		if ((missing & groups[i].columns) == 0)
			continue;
		groups[i].fill(facts);
		facts->filled |= groups[i].columns;
		missing &= ~groups[i].columns;
	}
	if ((asked & COLUMNS_OF_LINE) != 0 && facts->line_filled == 0)
	{
		fill_line(facts);
		facts->line_filled = COLUMNS_OF_LINE;
	}
}

/* Is a condition true for the event (and line)?  NULL counts as false. */
bool
facts_hold(Facts *facts, Expression *condition)
{
	bool		isnull;
	Datum		value;

	require(facts, expression_columns(condition));
	value = expression_value(condition, facts->econtext, &isnull);
	return !isnull && DatumGetBool(value);
}

/* Evaluate an expression of points; NULL if its value is NULL. */
Numeric
facts_number(Facts *facts, Expression *points)
{
	bool		isnull;
	Datum		value;

	require(facts, expression_columns(points));
	value = expression_value(points, facts->econtext, &isnull);
	return isnull ? NULL : DatumGetNumeric(value);
}
