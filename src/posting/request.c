/*
 * request.c
 *	  Checking what a caller gave, and its fingerprint.
 */
#include "request.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "calendar.h"
#include "chain.h"
#include "line.h"
#include "member.h"
#include "money.h"
#include "tally.h"

/* The types of parameters.  A person is a member's key, which a fingerprint must not contain. */
typedef enum ParameterType
{
	VALUE_TEXT, VALUE_PERSON, VALUE_BIGINT, VALUE_NUMERIC, VALUE_JSONB, VALUE_INSTANT, VALUE_DAY, VALUE_BOOLEAN
} ParameterType;

/* What is checked of a value. */
typedef enum Check
{
	CHECK_NOTHING,
	CHECK_KEY,					/* not empty, nor too long */
	CHECK_NOTE,					/* not too long */
	CHECK_POINTS,
	CHECK_QUANTITY,
	CHECK_MONEY,
	CHECK_INSTANT,				/* within the years of the ledger */
	CHECK_END,					/* the same, or infinity */
	CHECK_DAY,
	CHECK_LAST_DAY,				/* the same, or infinity */
	CHECK_MODE,
	CHECK_ACTIVITY
} Check;

/* The value that means the same as no value. */
typedef enum DefaultValue
{
	DEFAULT_NOTHING, DEFAULT_FALSE, DEFAULT_TRUE, DEFAULT_ONE
} DefaultValue;

typedef struct ParameterRow
{
	const char *name;
	ParameterType type;
	Check		check;
	uint32		needed;			/* by these kinds of postings */
	uint32		printed;		/* in the fingerprints of these kinds */
	DefaultValue default_value;
	const char *meaning;
} ParameterRow;

#define K(kind) KIND_SET(kind)
#define ALL KIND_ALL
#define NONE KIND_NONE

static const ParameterRow parameters[PARAMETERS] = {
#define PARAMETER(name, column, type, check, needed, printed, default, meaning) \
	{#column, VALUE_##type, CHECK_##check, needed, printed, DEFAULT_##default, meaning},
#include "parameters.h"
#undef PARAMETER
};

const char *
parameter_name(Parameter parameter)
{
	return parameters[parameter].name;
}

/* The meaning of a parameter, in words. */
const char *
parameter_meaning(Parameter parameter)
{
	return parameters[parameter].meaning;
}

/* The SQL type of a parameter. */
Oid
parameter_type(Parameter parameter)
{
	switch (parameters[parameter].type)
	{
		case VALUE_TEXT:
		case VALUE_PERSON:
			return TEXTOID;
		case VALUE_BIGINT:
			return INT8OID;
		case VALUE_NUMERIC:
			return NUMERICOID;
		case VALUE_JSONB:
			return JSONBOID;
		case VALUE_INSTANT:
			return TIMESTAMPTZOID;
		case VALUE_DAY:
			return DATEOID;
		case VALUE_BOOLEAN:
			return BOOLOID;
	}
	return InvalidOid;			/* not reached */
}

/* Is the kind of a request's posting in a set? */
static bool
is_of_kinds(const Request *request, uint32 kinds)
{
	return (kinds & kind_set(request->verb->kind)) != 0;
}

char *
ask_text(const Request *request, Parameter parameter)
{
	return TextDatumGetCString(request->values[parameter]);
}

/*
 * Checks
 */

/* Refuse NULL for a parameter that this kind of posting requires. */
static void
check_required(const Request *request, Parameter parameter)
{
	if (request->nulls[parameter] && is_of_kinds(request, parameters[parameter].needed))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s: %s must not be NULL", request->verb->name, parameter_name(parameter))));
}

/* Check the length of a text, in bytes. */
static void
check_text(const Request *request, Parameter parameter, int limit, bool may_be_empty)
{
	int			length = VARSIZE_ANY_EXHDR(DatumGetTextPP(request->values[parameter]));

	if (length == 0 && !may_be_empty)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s: %s must not be empty", request->verb->name, parameter_name(parameter))));
	if (length > limit)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s: %s is too long", request->verb->name, parameter_name(parameter)),
				 errdetail("It has %d bytes; at most %d are allowed.", length, limit)));
}

/*
 * Check points: they are within the limit of a posting, and more than 0; adjust
 * can also take points.
 */
static void
check_points(const Request *request)
{
	int64		points = ask_points(request, P_POINTS);
	bool		either_sign = request->verb->kind == KIND_ADJUST;

	if (points == 0 || (points < 0 && !either_sign))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 either_sign ? errmsg("%s: points must not be 0", request->verb->name) :
				 errmsg("%s: points must be more than 0, not " INT64_FORMAT, request->verb->name, points)));
	if (points > MAX_POINTS || points < -MAX_POINTS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s: points out of range: " INT64_FORMAT, request->verb->name, points),
				 errdetail("A posting can move at most " INT64_FORMAT " points.", MAX_POINTS)));
}

static void
check_date(const Request *request, Parameter parameter, bool may_be_infinite)
{
	DateADT		day = ask_date(request, parameter);

	if (calendar_date_in_range(day) || (may_be_infinite && DATE_IS_NOEND(day)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("%s: %s out of range", request->verb->name, parameter_name(parameter)),
			 errdetail("Dates must be within the years %d to %d.",
					   CALENDAR_FIRST_YEAR, CALENDAR_LAST_YEAR)));
}

static void
check_instant(const Request *request, Parameter parameter, bool may_be_infinite)
{
	TimestampTz instant = DatumGetTimestampTz(request->values[parameter]);
	bool		in_range;

	if (TIMESTAMP_NOT_FINITE(instant))
		in_range = may_be_infinite && TIMESTAMP_IS_NOEND(instant);
	else
		in_range = calendar_instant_in_range(instant);
	if (in_range)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("%s: %s out of range", request->verb->name, parameter_name(parameter)),
			 errdetail("Times must be within the years %d to %d.",
					   CALENDAR_FIRST_YEAR, CALENDAR_LAST_YEAR)));
}

static void
check_mode(const Request *request)
{
	char	   *mode = ask_text(request, P_MODE);

	if (freeze_mode(mode) == FREEZE_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("freeze: unknown mode \"%s\"", mode),
				 errhint("Use spending, earning or all.")));
}

/*
 * Refuse reserved names: tallies use two of them for purchases and awards,
 * rules use "*" for all activities.
 */
static void
check_activity(const Request *request)
{
	char	   *activity = ask_text(request, P_ACTIVITY);

	if (strcmp(activity, ACTIVITY_PURCHASE) == 0 || strcmp(activity, ACTIVITY_AWARD) == 0 ||
		strcmp(activity, "*") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("activity: \"%s\" is not an activity", activity),
				 errhint("Use loyalty.purchase for purchases and loyalty.award for awards.")));
}

static void
check_quantity(const Request *request)
{
	int64		quantity = ask_points(request, P_QUANTITY);

	if (quantity < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s: quantity must be more than 0, not " INT64_FORMAT, request->verb->name, quantity)));
	if (quantity > MAX_POINTS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s: quantity out of range: " INT64_FORMAT, request->verb->name, quantity)));
}

/* Check a value that is not NULL. */
static void
check_parameter(const Request *request, Parameter parameter)
{
	switch (parameters[parameter].check)
	{
		case CHECK_NOTHING:
			break;
		case CHECK_KEY:
			check_text(request, parameter, MAX_KEY_BYTES, false);
			break;
		case CHECK_NOTE:
			check_text(request, parameter, MAX_NOTE_BYTES, true);
			break;
		case CHECK_POINTS:
			check_points(request);
			break;
		case CHECK_QUANTITY:
			check_quantity(request);
			break;
		case CHECK_MONEY:
			money_check(DatumGetNumeric(request->values[parameter]),
						psprintf("%s: %s", request->verb->name, parameter_name(parameter)));
			break;
		case CHECK_INSTANT:
			check_instant(request, parameter, false);
			break;
		case CHECK_END:
			check_instant(request, parameter, true);
			break;
		case CHECK_DAY:
			check_date(request, parameter, false);
			break;
		case CHECK_LAST_DAY:
			check_date(request, parameter, true);
			break;
		case CHECK_MODE:
			check_mode(request);
			break;
		case CHECK_ACTIVITY:
			check_text(request, parameter, MAX_KEY_BYTES, false);
			check_activity(request);
			break;
	}
}

/*
 * The fingerprint: the kind and what the caller gave, by value (S26).  Text is in
 * UTF-8, so that a repeat is known after a move to another encoding.
 */

/* Append a number by its value: 1.50 is written as 1.5. */
static void
append_numeric(StringInfo buf, Numeric value)
{
	char	   *text = numeric_normalize(value);

	chain_append_text(buf, text, strlen(text));
}

/* Append the value of a parameter; a member's id stands for the key. */
static void
append_value(StringInfo buf, const Request *request, Parameter parameter)
{
	Datum		value = request->values[parameter];
	text	   *string;

	switch (parameters[parameter].type)
	{
		case VALUE_BIGINT:
		case VALUE_INSTANT:
			pq_sendint64(buf, DatumGetInt64(value));
			break;
		case VALUE_NUMERIC:
			append_numeric(buf, DatumGetNumeric(value));
			break;
		case VALUE_JSONB:
			chain_append_json(buf, DatumGetJsonbP(value), true);
			break;
		case VALUE_DAY:
			pq_sendint32(buf, DatumGetDateADT(value));
			break;
		case VALUE_BOOLEAN:
			pq_sendint8(buf, DatumGetBool(value));
			break;
		case VALUE_PERSON:		/* the key may be erased; nobody may then be able to guess it */
			pq_sendint64(buf, member_id(ask_text(request, parameter)));
			break;
		case VALUE_TEXT:
			string = DatumGetTextPP(value);
			chain_append_text(buf, VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
			break;
	}
}

/* Does a given value mean the same as no value? */
static bool
is_default(const Request *request, Parameter parameter)
{
	Datum		value = request->values[parameter];

	switch (parameters[parameter].default_value)
	{
		case DEFAULT_NOTHING:
			return false;
		case DEFAULT_FALSE:
			return !DatumGetBool(value);
		case DEFAULT_TRUE:
			return DatumGetBool(value);
		case DEFAULT_ONE:
			return DatumGetInt64(value) == 1;
	}
	return false;				/* not reached */
}

/*
 * Compute the fingerprint of a request from its kind and the values that the
 * caller passed (S26).
 */
void
request_fingerprint(Request *request)
{
	StringInfoData buf;

	initStringInfo(&buf);
	pq_sendint8(&buf, (uint8) request->verb->kind);
	for (Parameter parameter = 0; parameter < PARAMETERS; parameter++)
	{
		if (!asked(request, parameter) || !is_of_kinds(request, parameters[parameter].printed) ||
			is_default(request, parameter))
			continue;
		pq_sendint8(&buf, (uint8) parameter);
		append_value(&buf, request, parameter);
	}
	request->fingerprint = (int64) chain_fingerprint(buf.data, buf.len);
	pfree(buf.data);
}

/* Check what enroll says about the member, by the constraints of the table. */
static void
check_member(const Request *request)
{
	if (request->verb->kind != KIND_ENROLL)
		return;
	if (strncmp(ask_text(request, P_MEMBER), "erased:", 7) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("enroll: keys that begin with \"erased:\" are reserved"),
				 errhint("loyalty.erase gives such keys to erased members.")));
	if (asked(request, P_BIRTHDAY))
	{
		char	   *birthday = ask_text(request, P_BIRTHDAY);
		DateADT		day;

		/* in a leap year every birthday exists */
		if (strlen(birthday) != 5 || !calendar_parse(psprintf("2000-%s", birthday), &day))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("enroll: birthday must be a month and day (MM-DD)")));
	}
	if (asked(request, P_ATTRIBUTES) && !JB_ROOT_IS_OBJECT(DatumGetJsonbP(request->values[P_ATTRIBUTES])))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("enroll: attributes must be an object")));
	if (asked(request, P_TAGS) &&
		(!JB_ROOT_IS_ARRAY(DatumGetJsonbP(request->values[P_TAGS])) ||
		 JB_ROOT_IS_SCALAR(DatumGetJsonbP(request->values[P_TAGS]))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("enroll: tags must be an array")));
}

/* Check that the lines of a purchase add up to its amount; this needs nothing from the ledger. */
static void
check_lines(const Request *request)
{
	Lines		lines;

	if (request->verb->kind != KIND_PURCHASE || !asked(request, P_LINES))
		return;
	lines_read(DatumGetJsonbP(request->values[P_LINES]), &lines);
	lines_check(&lines, DatumGetNumeric(request->values[P_AMOUNT]));
}

/* Check the parameters of a request, as far as this needs no account. */
void
request_check(Request *request)
{
	const Verb *verb = request->verb;

	for (int i = 0; i < verb->nparameters; i++)
	{
		Parameter	parameter = verb->parameters[i];

		check_required(request, parameter);
		if (asked(request, parameter))
			check_parameter(request, parameter);
	}
	check_lines(request);
	check_member(request);
}

/*
 * Events
 */

/* The value of a parameter; 0 if it was not passed. */
static Datum
asked_or_none(const Request *request, Parameter parameter)
{
	return asked(request, parameter) ? request->values[parameter] : (Datum) 0;
}

/* Make the event of a request for a purchase or an activity; the caller sets its tier. */
void
event_of_request(const Request *request, TimestampTz at, DateADT on, Event *event)
{
	memset(event, 0, sizeof(*event));
	event->is_purchase = !asked(request, P_ACTIVITY);
	event->activity = event->is_purchase ? ACTIVITY_PURCHASE : ask_text(request, P_ACTIVITY);
	if (asked(request, P_AMOUNT))
		event->amount = DatumGetNumeric(request->values[P_AMOUNT]);
	event->channel = asked_or_none(request, P_CHANNEL);
	event->store = asked_or_none(request, P_STORE);
	event->brand = asked_or_none(request, P_BRAND);
	event->attributes = asked_or_none(request, P_ATTRIBUTES);
	if (asked(request, P_LINES))
		lines_read(DatumGetJsonbP(request->values[P_LINES]), &event->lines);
	event->at = at;
	event->on = on;
}
