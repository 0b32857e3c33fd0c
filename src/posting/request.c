/*
 * request.c
 *	  Checking what a caller gave, and its fingerprint.
 */
#include "request.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "points.h"
#include "calendar.h"
#include "chain.h"
#include "json.h"
#include "line.h"
#include "member.h"
#include "tally.h"

const char *const parameter_names[PARAMETERS] = {
	"member", "program", "at", "ref", "of_ref", "points", "amount", "lines", "reason",
	"channel", "store", "brand", "attributes", "expires_on", "pending", "until",
	"allow_debt", "to", "expiring_on", "to_member", "mode", "joined_on", "birthday", "tags",
	"activity", "tier", "from", "until", "benefit", "quantity",
	"qualifies"
};

/* The SQL type of a parameter. */
Oid
parameter_type(Parameter parameter)
{
	switch (parameter)
	{
		case P_POINTS:
		case P_QUANTITY:
			return INT8OID;
		case P_AMOUNT:
			return NUMERICOID;
		case P_LINES:
		case P_ATTRIBUTES:
		case P_TAGS:
			return JSONBOID;
		case P_AT:
		case P_UNTIL:
			return TIMESTAMPTZOID;
		case P_EXPIRES_ON:
		case P_TO:
		case P_EXPIRING_ON:
		case P_JOINED_ON:
		case P_FROM:
		case P_LAST_DAY:
			return DATEOID;
		case P_PENDING:
		case P_ALLOW_DEBT:
		case P_QUALIFIES:
			return BOOLOID;
		default:
			return TEXTOID;
	}
}

char *
ask_text(const Request *request, Parameter parameter)
{
	return TextDatumGetCString(request->values[parameter]);
}

/*
 * Checks
 */

/* The calls that cannot be understood without a parameter. */
static bool
is_required(const Verb *verb, Parameter parameter)
{
	switch (parameter)
	{
		case P_MEMBER:
		case P_REF:
		case P_OF_REF:
		case P_TO:
		case P_TO_MEMBER:
		case P_MODE:
		case P_ACTIVITY:
		case P_TIER:
		case P_BENEFIT:
			return true;
		case P_AMOUNT:
			return verb->kind == KIND_EARN;
		case P_POINTS:
			return verb->kind != KIND_CAPTURE && verb->kind != KIND_CANCEL;
		default:
			return false;
	}
}

static void
check_required(const Request *request, Parameter parameter)
{
	if (request->nulls[parameter] && is_required(request->verb, parameter))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s: %s must not be NULL", request->verb->name, parameter_names[parameter])));
}

static void
check_text(const Request *request, Parameter parameter, int limit, bool may_be_empty)
{
	int			length = VARSIZE_ANY_EXHDR(DatumGetTextPP(request->values[parameter]));

	if (length == 0 && !may_be_empty)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s: %s must not be empty", request->verb->name, parameter_names[parameter])));
	if (length > limit)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s: %s is too long", request->verb->name, parameter_names[parameter]),
				 errdetail("It has %d bytes, %d are allowed.", length, limit)));
}

static void
check_points(const Request *request)
{
	int64		points = ask_points(request, P_POINTS);
	bool		either_sign = request->verb->kind == KIND_ADJUST;

	if (points == 0 || (points < 0 && !either_sign))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s: points must be %s: " INT64_FORMAT, request->verb->name,
						either_sign ? "other than 0" : "more than 0", points)));
	if (points > MAX_POINTS || points < -MAX_POINTS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s: points out of range: " INT64_FORMAT, request->verb->name, points),
				 errdetail("One posting moves at most " INT64_FORMAT " points.", MAX_POINTS)));
}

static void
check_date(const Request *request, Parameter parameter, bool may_be_infinite)
{
	DateADT		day = ask_date(request, parameter);

	if (calendar_date_in_range(day) || (may_be_infinite && DATE_IS_NOEND(day)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("%s: %s out of range", request->verb->name, parameter_names[parameter]),
			 errdetail("Dates of the ledger lie in the years %d to %d.",
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
			 errmsg("%s: %s out of range", request->verb->name, parameter_names[parameter]),
			 errdetail("Instants of the ledger lie in the years %d to %d.",
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

/* The names by which tallies know what is no activity, and rules all of them. */
static void
check_activity(const Request *request)
{
	char	   *activity = ask_text(request, P_ACTIVITY);

	if (strcmp(activity, ACTIVITY_PURCHASE) == 0 || strcmp(activity, ACTIVITY_AWARD) == 0 ||
		strcmp(activity, "*") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("activity: \"%s\" is no activity", activity),
				 errhint("Purchases are posted by loyalty.purchase, awards by loyalty.award.")));
}

static void
check_quantity(const Request *request)
{
	int64		quantity = ask_points(request, P_QUANTITY);

	if (quantity < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s: quantity must be more than 0: " INT64_FORMAT, request->verb->name, quantity)));
	if (quantity > MAX_POINTS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s: quantity out of range: " INT64_FORMAT, request->verb->name, quantity)));
}

static void
check_parameter(const Request *request, Parameter parameter)
{
	switch (parameter)
	{
		case P_MEMBER:
		case P_REF:
		case P_OF_REF:
		case P_TO_MEMBER:
		case P_PROGRAM:
		case P_TIER:
		case P_BENEFIT:
			check_text(request, parameter, MAX_KEY_BYTES, false);
			break;
		case P_REASON:
		case P_CHANNEL:
		case P_STORE:
		case P_BRAND:
			check_text(request, parameter, MAX_NOTE_BYTES, true);
			break;
		case P_POINTS:
			check_points(request);
			break;
		case P_AMOUNT:
			money_check(DatumGetNumeric(request->values[P_AMOUNT]),
						psprintf("%s: amount", request->verb->name));
			break;
		case P_AT:
			check_instant(request, parameter, false);
			break;
		case P_UNTIL:
			check_instant(request, parameter, true);
			break;
		case P_ACTIVITY:
			check_text(request, parameter, MAX_KEY_BYTES, false);
			check_activity(request);
			break;
		case P_QUANTITY:
			check_quantity(request);
			break;
		case P_TO:
		case P_EXPIRES_ON:
		case P_EXPIRING_ON:
		case P_LAST_DAY:
			check_date(request, parameter, true);
			break;
		case P_JOINED_ON:
		case P_FROM:
			check_date(request, parameter, false);
			break;
		case P_MODE:
			check_mode(request);
			break;
		default:
			break;
	}
}

/*
 * The fingerprint: the kind and what the caller gave, by value (S26)
 */

/* In UTF-8, as the chain: a request that comes again after a move to another encoding is a repeat. */
static void
append_counted(StringInfo buf, const char *text, int length)
{
	char	   *utf8 = pg_server_to_any(text, length, PG_UTF8);

	if (utf8 != text)
		length = strlen(utf8);
	pq_sendint32(buf, length);
	appendBinaryStringInfo(buf, utf8, length);
}

static void
append_numeric(StringInfo buf, Numeric value)
{
	char	   *text = numeric_normalize(value);

	append_counted(buf, text, strlen(text));
}

/* A jsonb with its numbers by value: 1.50 is 1.5. */
static void
append_json(StringInfo buf, Jsonb *json)
{
	StringInfoData text;

	initStringInfo(&text);
	json_append_canonical(&text, &json->root, true);
	pq_sendint32(buf, text.len);
	appendBinaryStringInfo(buf, text.data, text.len);
	pfree(text.data);
}

static void
append_value(StringInfo buf, const Request *request, Parameter parameter)
{
	Datum		value = request->values[parameter];

	switch (parameter)
	{
		case P_POINTS:
		case P_QUANTITY:
		case P_AT:
			pq_sendint64(buf, DatumGetInt64(value));
			break;
		case P_AMOUNT:
			append_numeric(buf, DatumGetNumeric(value));
			break;
		case P_LINES:
		case P_ATTRIBUTES:
			append_json(buf, DatumGetJsonbP(value));
			break;
		case P_EXPIRES_ON:
		case P_TO:
		case P_EXPIRING_ON:
		case P_FROM:
		case P_LAST_DAY:
			pq_sendint32(buf, DatumGetDateADT(value));
			break;
		case P_PENDING:
		case P_ALLOW_DEBT:
		case P_QUALIFIES:
			pq_sendint8(buf, DatumGetBool(value));
			break;
		case P_TO_MEMBER:		/* a person: the key may be erased, and must not be guessed then */
			pq_sendint64(buf, member_id(ask_text(request, P_TO_MEMBER)));
			break;
		default:
			{
				text	   *string = DatumGetTextPP(value);

				append_counted(buf, VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
				break;
			}
	}
}

/* Does a parameter tell one request from another? */
static bool
is_fingerprinted(const Request *request, Parameter parameter)
{
	switch (parameter)
	{
		case P_MEMBER:			/* the account and the ref are the key */
		case P_PROGRAM:
		case P_REF:
		case P_UNTIL:			/* never: a retry computes another one */
		case P_JOINED_ON:		/* enroll is known by member and program */
		case P_BIRTHDAY:
		case P_TAGS:
			return false;
		case P_ATTRIBUTES:		/* enroll's are the member's, and may be erased */
			return request->verb->kind != KIND_ENROLL;
		case P_TO_MEMBER:		/* a renaming is known by the key that it left (posting.c) */
			return request->verb->kind != KIND_RENAME;
		case P_PENDING:			/* a default given is a default */
		case P_ALLOW_DEBT:
			return ask_bool(request, parameter);
		case P_QUALIFIES:
			return !DatumGetBool(request->values[parameter]);
		case P_QUANTITY:
			return ask_points(request, parameter) != 1;
		default:
			return true;
	}
}

void
request_fingerprint(Request *request)
{
	StringInfoData buf;

	initStringInfo(&buf);
	pq_sendint8(&buf, (uint8) request->verb->kind);
	for (Parameter parameter = 0; parameter < PARAMETERS; parameter++)
	{
		if (!asked(request, parameter) || !is_fingerprinted(request, parameter))
			continue;
		pq_sendint8(&buf, (uint8) parameter);
		append_value(&buf, request, parameter);
	}
	request->fingerprint = (int64) chain_fingerprint(buf.data, buf.len);
	pfree(buf.data);
}

/* What enroll says of the member, as the table's constraints want it. */
static void
check_member(const Request *request)
{
	if (request->verb->kind != KIND_ENROLL)
		return;
	if (strncmp(ask_text(request, P_MEMBER), "erased:", 7) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("enroll: keys that begin with \"erased:\" are reserved"),
				 errhint("loyalty.erase gives such a key to a member whose data it erases.")));
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

/* Lines of a purchase add up to its amount, whatever the ledger says. */
static void
check_lines(const Request *request)
{
	Lines		lines;

	if (request->verb->kind != KIND_EARN || !asked(request, P_LINES))
		return;
	lines_read(DatumGetJsonbP(request->values[P_LINES]), &lines);
	lines_check(&lines, DatumGetNumeric(request->values[P_AMOUNT]));
}

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

static Datum
asked_or_none(const Request *request, Parameter parameter)
{
	return asked(request, parameter) ? request->values[parameter] : (Datum) 0;
}

/* The event of a purchase or activity that is asked for; its tier is not known yet. */
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
