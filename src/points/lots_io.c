/*
 * lots_io.c
 *	  The type loyalty.lot_queue: its text and binary forms, and its functions.
 *
 * Text:  {100 until 2026-06-30 earned 2025-12-01; 50 until never earned
 *		   2025-12-02 usable 2025-12-16 issuer 3; 5 until inactive earned
 *		   2025-12-02 pending}
 * Input takes what output writes, in order of use and without repeats, and
 * nothing else; white space is free.
 */
#include "loyalty.h"

#include "common/int.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "calendar.h"
#include "lots.h"

/* A day after which undated lots end: for functions that know no account. */
#define NEVER_INACTIVE LOT_NEVER

/*
 * Reading the text form
 */
typedef struct LotsParser
{
	const char *text;			/* the whole input, for messages */
	const char *at;
} LotsParser;

static void
lots_syntax_error(LotsParser *parser, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type loyalty.lot_queue: \"%s\"", parser->text),
			 errdetail("Expected %s at character %d.", expected,
					   (int) (parser->at - parser->text) + 1),
			 errhint("Example: {100 until 2026-06-30 earned 2025-12-01; 5 until never earned 2025-12-02}.")));
}

static void
skip_space(LotsParser *parser)
{
	while (isspace((unsigned char) *parser->at))
		parser->at++;
}

/* Accept a word or a punctuation mark if it stands here. */
static bool
accept(LotsParser *parser, const char *token)
{
	size_t		length = strlen(token);

	skip_space(parser);
	if (strncmp(parser->at, token, length) != 0)
		return false;
	if (isalpha((unsigned char) token[0]) && isalnum((unsigned char) parser->at[length]))
		return false;
	parser->at += length;
	return true;
}

/* Parse a number within limits; `expected` is its name in error messages. */
static int64
parse_number(LotsParser *parser, int64 low, int64 high, const char *expected)
{
	char	   *end;
	int64		value;

	skip_space(parser);
	if (!isdigit((unsigned char) *parser->at) && *parser->at != '-')
		lots_syntax_error(parser, expected);
	errno = 0;
	value = strtoi64(parser->at, &end, 10);
	if (errno == ERANGE || value < low || value > high)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s out of range in loyalty.lot_queue: \"%s\"", expected, parser->text)));
	parser->at = end;
	return value;
}

static DateADT
parse_date(LotsParser *parser)
{
	DateADT		day;

	skip_space(parser);
	if (!calendar_parse(parser->at, &day))
		lots_syntax_error(parser, "a date (YYYY-MM-DD)");
	parser->at += CALENDAR_ISO_LENGTH;
	return day;
}

/* Parse a lot: points, last day, earning date and, if given, first usable day and issuer. */
static void
parse_lot(LotsParser *parser, Lot *lot)
{
	lot->points = parse_number(parser, 1, MAX_BALANCE, "points");
	if (!accept(parser, "until"))
		lots_syntax_error(parser, "\"until\"");
	if (accept(parser, "never"))
		lot->expires = LOT_NEVER;
	else if (accept(parser, "inactive"))
		lot->expires = LOT_INACTIVE;
	else
		lot->expires = parse_date(parser);
	if (!accept(parser, "earned"))
		lots_syntax_error(parser, "\"earned\"");
	lot->earned = parse_date(parser);
	lot->usable_from = lot->earned;
	if (accept(parser, "usable"))
		lot->usable_from = parse_date(parser);
	else if (accept(parser, "pending"))
		lot->usable_from = LOT_UNCONFIRMED;
	lot->issuer = 0;
	if (accept(parser, "issuer"))
		lot->issuer = (int32) parse_number(parser, 1, PG_INT32_MAX, "issuer");
}

/* Append a lot that must come after the last one. */
static void
append_in_order(LotQueue *queue, const Lot *lot)
{
	int			order = queue->count == 0 ? -1 :
		lots_compare(&queue->lots[queue->count - 1], lot);

	if (order >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg(order == 0 ? "loyalty.lot_queue has two lots of the same last day, earning date, first usable day and issuer"
						: "loyalty.lot_queue is not in order of use"),
				 errdetail("Lots must be sorted by last day, earning date, first usable day and issuer, with each combination only once.")));
	if (queue->count >= MAX_LOTS)
		ereport(ERROR,
				(errcode(ERRCODE_LY_LIMIT),
				 errmsg("too many lots in loyalty.lot_queue: more than %d", MAX_LOTS),
				 errhint("Combine lots that differ only in points.")));
	lots_add(queue, lot);
}

PG_FUNCTION_INFO_V1(lots_in);
Datum
lots_in(PG_FUNCTION_ARGS)
{
	LotsParser	parser;
	LotQueue	queue;

	parser.text = parser.at = PG_GETARG_CSTRING(0);
	lots_init(&queue);
	if (!accept(&parser, "{"))
		lots_syntax_error(&parser, "\"{\"");
	if (!accept(&parser, "}"))
	{
		do
		{
			Lot			lot;

			parse_lot(&parser, &lot);
			append_in_order(&queue, &lot);
		} while (accept(&parser, ";"));
		if (!accept(&parser, "}"))
			lots_syntax_error(&parser, "\";\" or \"}\"");
	}
	skip_space(&parser);
	if (*parser.at != '\0')
		lots_syntax_error(&parser, "end of input");
	PG_RETURN_POINTER(lots_encode(&queue));
}

static void
append_date(StringInfo buf, DateADT day)
{
	char		text[CALENDAR_ISO_LENGTH + 1];

	calendar_print(day, text);
	appendStringInfoString(buf, text);
}

static void
append_lot(StringInfo buf, const Lot *lot)
{
	appendStringInfo(buf, INT64_FORMAT " until ", lot->points);
	if (lot->expires == LOT_NEVER)
		appendStringInfoString(buf, "never");
	else if (lot->expires == LOT_INACTIVE)
		appendStringInfoString(buf, "inactive");
	else
		append_date(buf, lot->expires);
	appendStringInfoString(buf, " earned ");
	append_date(buf, lot->earned);
	if (lot->usable_from == LOT_UNCONFIRMED)
		appendStringInfoString(buf, " pending");
	else if (lot->usable_from != lot->earned)
	{
		appendStringInfoString(buf, " usable ");
		append_date(buf, lot->usable_from);
	}
	if (lot->issuer != 0)
		appendStringInfo(buf, " issuer %d", lot->issuer);
}

/* The text form of a queue. */
char *
lots_text(const LotQueue *queue)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '{');
	for (int i = 0; i < queue->count; i++)
	{
		if (i > 0)
			appendStringInfoString(&buf, "; ");
		append_lot(&buf, &queue->lots[i]);
	}
	appendStringInfoChar(&buf, '}');
	return buf.data;
}

PG_FUNCTION_INFO_V1(lots_out);
Datum
lots_out(PG_FUNCTION_ARGS)
{
	LotQueue	queue;

	lots_decode(DatumGetLots(PG_GETARG_DATUM(0)), &queue);
	PG_RETURN_CSTRING(lots_text(&queue));
}

/* Refuse a received lot with a day, an issuer or points out of range. */
static void
check_received(const Lot *lot)
{
	if (!lot_is_sound(lot))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid lot in binary loyalty.lot_queue"),
				 errdetail("A date, the issuer or the points are out of range.")));
}

PG_FUNCTION_INFO_V1(lots_recv);
Datum
lots_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	uint32		count = pq_getmsgint(buf, 4);
	LotQueue	queue;

	if (count > MAX_LOTS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid number of lots in binary loyalty.lot_queue: %u", count)));
	lots_init(&queue);
	for (uint32 i = 0; i < count; i++)
	{
		Lot			lot;

		lot.expires = (DateADT) pq_getmsgint(buf, 4);
		lot.earned = (DateADT) pq_getmsgint(buf, 4);
		lot.usable_from = (DateADT) pq_getmsgint(buf, 4);
		lot.issuer = (int32) pq_getmsgint(buf, 4);
		lot.points = pq_getmsgint64(buf);
		check_received(&lot);
		append_in_order(&queue, &lot);
	}
	PG_RETURN_POINTER(lots_encode(&queue));
}

PG_FUNCTION_INFO_V1(lots_send);
Datum
lots_send(PG_FUNCTION_ARGS)
{
	LotQueue	queue;
	StringInfoData buf;

	lots_decode(DatumGetLots(PG_GETARG_DATUM(0)), &queue);
	pq_begintypsend(&buf);
	lots_append_binary(&buf, &queue);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/*
 * Functions on lots
 */

/* Decode the two arguments of an operator. */
static void
get_two(FunctionCallInfo fcinfo, LotQueue *a, LotQueue *b)
{
	lots_decode(DatumGetLots(PG_GETARG_DATUM(0)), a);
	lots_decode(DatumGetLots(PG_GETARG_DATUM(1)), b);
}

PG_FUNCTION_INFO_V1(lots_eq);
Datum
lots_eq(PG_FUNCTION_ARGS)
{
	LotQueue	a;
	LotQueue	b;

	get_two(fcinfo, &a, &b);
	PG_RETURN_BOOL(lots_equal(&a, &b));
}

PG_FUNCTION_INFO_V1(lots_ne);
Datum
lots_ne(PG_FUNCTION_ARGS)
{
	LotQueue	a;
	LotQueue	b;

	get_two(fcinfo, &a, &b);
	PG_RETURN_BOOL(!lots_equal(&a, &b));
}

PG_FUNCTION_INFO_V1(lots_plus);
Datum
lots_plus(PG_FUNCTION_ARGS)
{
	LotQueue	a;
	LotQueue	b;

	get_two(fcinfo, &a, &b);
	lots_add_all(&a, &b);
	PG_RETURN_POINTER(lots_encode(&a));
}

/* The lots of a without those of b, which a must contain. */
PG_FUNCTION_INFO_V1(lots_minus);
Datum
lots_minus(PG_FUNCTION_ARGS)
{
	LotQueue	a;
	LotQueue	b;

	get_two(fcinfo, &a, &b);
	for (int i = 0; i < b.count; i++)
		if (lots_points_of(&a, &b.lots[i]) < b.lots[i].points)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("lots to subtract are not contained in the minuend"),
					 errdetail("Lot %d holds " INT64_FORMAT " points, but " INT64_FORMAT " were to be subtracted.",
							   i + 1, lots_points_of(&a, &b.lots[i]), b.lots[i].points)));
	lots_subtract_all(&a, &b);
	PG_RETURN_POINTER(lots_encode(&a));
}

PG_FUNCTION_INFO_V1(lots_total_sql);
Datum
lots_total_sql(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(lots_stored_total(DatumGetLots(PG_GETARG_DATUM(0))));
}

/*
 * The day in an argument, for functions that know no account: on it, no lot has
 * ended by inactivity.
 */
static LotDay
day_argument(FunctionCallInfo fcinfo, int argument)
{
	LotDay		day;

	day.on = day.matured_on = PG_GETARG_DATEADT(argument);
	day.inactive_on = NEVER_INACTIVE;
	return day;
}

PG_FUNCTION_INFO_V1(lots_usable_sql);
Datum
lots_usable_sql(PG_FUNCTION_ARGS)
{
	LotQueue	queue;

	lots_decode(DatumGetLots(PG_GETARG_DATUM(0)), &queue);
	PG_RETURN_INT64(lots_usable(&queue, day_argument(fcinfo, 1)));
}

/* The lots that a use of points takes on a day; fewer points if not enough are usable. */
PG_FUNCTION_INFO_V1(lots_take_sql);
Datum
lots_take_sql(PG_FUNCTION_ARGS)
{
	LotQueue	queue;
	LotQueue	taken;
	int64		points = PG_GETARG_INT64(1);

	if (points < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("points to take must not be negative: " INT64_FORMAT, points)));
	lots_decode(DatumGetLots(PG_GETARG_DATUM(0)), &queue);
	lots_init(&taken);
	(void) lots_take(&queue, points, day_argument(fcinfo, 2), &taken);
	PG_RETURN_POINTER(lots_encode(&taken));
}

/* The lots that have been usable and have expired by a day. */
PG_FUNCTION_INFO_V1(lots_expired_sql);
Datum
lots_expired_sql(PG_FUNCTION_ARGS)
{
	LotQueue	queue;
	LotQueue	taken;

	lots_decode(DatumGetLots(PG_GETARG_DATUM(0)), &queue);
	lots_init(&taken);
	(void) lots_take_ended(&queue, day_argument(fcinfo, 1), MAX_LOTS, &taken);
	PG_RETURN_POINTER(lots_encode(&taken));
}

/* A queue as rows. */
PG_FUNCTION_INFO_V1(lots_unnest);
Datum
lots_unnest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	LotQueue	queue;

	lots_decode(DatumGetLots(PG_GETARG_DATUM(0)), &queue);
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < queue.count; i++)
	{
		const Lot  *lot = &queue.lots[i];
		bool		waits = lot->usable_from == LOT_UNCONFIRMED;
		Datum		values[6];
		bool		nulls[6] = {0};

		values[0] = DateADTGetDatum(lot->expires);
		nulls[0] = lot->expires == LOT_INACTIVE || lot->expires == LOT_NEVER;
		values[1] = DateADTGetDatum(lot->earned);
		values[2] = DateADTGetDatum(lot->usable_from);
		nulls[2] = waits;
		values[3] = Int32GetDatum(lot->issuer);
		values[4] = Int64GetDatum(lot->points);
		values[5] = BoolGetDatum(lot->expires == LOT_NEVER && !waits);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
