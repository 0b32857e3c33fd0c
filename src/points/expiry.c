/*
 * expiry.c
 *	  Expiry policies, their text form and their arithmetic.
 */
#include "expiry.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#include "calendar.h"
#include "lots.h"

/*
 * Arithmetic
 */

/* The end of the period of n months that contains a day. */
static DateADT
end_of_stretch(DateADT from, int months)
{
	int			year,
				month,
				day;

	calendar_ymd(from, &year, &month, &day);
	month = ((month - 1) / months + 1) * months;
	return calendar_date(year, month, 31);
}

/* The first of the policy's dates on or after a day. */
static DateADT
next_date(const Expiry *policy, DateADT from)
{
	DateADT		best = LOT_NEVER;
	int			year = calendar_year_of(from);

	for (int i = 0; i < policy->ndates; i++)
	{
		const YearDay *date = &policy->dates[i];
		DateADT		day = calendar_date(year, date->month, date->day);

		if (day < from)
			day = calendar_date(year + 1, date->month, date->day);
		best = Min(best, day);
	}
	return best;
}

/* Round a day up to the end of its period, or to the next of the policy's dates. */
static DateADT
round_up(const Expiry *policy, DateADT day)
{
	switch ((ExpiryRound) policy->round)
	{
		case ROUND_NOT:
			return day;
		case ROUND_MONTH:
			return end_of_stretch(day, 1);
		case ROUND_QUARTER:
			return end_of_stretch(day, 3);
		case ROUND_HALF_YEAR:
			return end_of_stretch(day, 6);
		case ROUND_YEAR:
			return end_of_stretch(day, MONTHS_PER_YEAR);
		case ROUND_NEXT:
			return next_date(policy, day);
	}
	elog(ERROR, "unexpected rounding of an expiry policy: %d", policy->round);
	return day;
}

/* The last usable day of points whose first one is given. */
DateADT
expiry_last_day(const Expiry *policy, DateADT first_day)
{
	DateADT		day = first_day;

	switch ((ExpiryBase) policy->base)
	{
		case EXPIRY_NEVER:
			return LOT_NEVER;
		case EXPIRY_INACTIVE:
			return LOT_INACTIVE;
		case EXPIRY_YEAR_END:
			return calendar_date(calendar_year_of(first_day) + policy->n, 12, 31);
		case EXPIRY_EACH:
			return next_date(policy, first_day);
		case EXPIRY_DAYS:
			day = first_day + policy->n;
			break;
		case EXPIRY_MONTHS:
			day = calendar_add_months(first_day, policy->n);
			break;
	}
	if (!calendar_date_in_range(day))
		(void) calendar_date(CALENDAR_LAST_YEAR + 1, 1, 1); /* says out of range */
	return round_up(policy, day);
}

/*
 * Stored form
 */

/* Are the dates valid, and are there any exactly if the policy needs them? */
static bool
dates_are_sound(const Expiry *policy)
{
	bool		needed = policy->base == EXPIRY_EACH || policy->round == ROUND_NEXT;

	if (policy->ndates > EXPIRY_MAX_DATES || (policy->ndates > 0) != needed)
		return false;
	for (int i = 0; i < policy->ndates; i++)
	{
		const YearDay *date = &policy->dates[i];

		if (date->month < 1 || date->month > MONTHS_PER_YEAR ||
			date->day < 1 || date->day > day_tab[1][date->month - 1])
			return false;
	}
	return true;
}

/* Are these bytes a valid policy? */
bool
expiry_is_sound(const Expiry *policy)
{
	return VARSIZE(policy) >= offsetof(Expiry, dates) &&
		VARSIZE(policy) == offsetof(Expiry, dates) + policy->ndates * sizeof(YearDay) &&
		policy->base <= EXPIRY_INACTIVE && policy->round <= ROUND_NEXT && policy->reserved == 0 &&
		policy->n >= 0 && policy->n <= EXPIRY_MAX_DAYS &&
		(policy->n == 0 || (policy->base != EXPIRY_NEVER && policy->base != EXPIRY_EACH)) &&
		dates_are_sound(policy);
}

/* Detoast a stored policy; an invalid one is an error (LY_DAMAGED). */
Expiry *
DatumGetExpiry(Datum stored)
{
	Expiry	   *policy = (Expiry *) PG_DETOAST_DATUM(stored);

	if (!expiry_is_sound(policy))
		ereport(ERROR,
				(errcode(ERRCODE_LY_DAMAGED),
				 errmsg("stored expiry policy is corrupted"),
				 errhint("Run loyalty.verify() and amcheck, then restore from a backup.")));
	return policy;
}

/*
 * Text form
 */
static const char *const round_names[] = {"", "month", "quarter", "half-year", "year"};

static void
append_dates(StringInfo buf, const Expiry *policy)
{
	for (int i = 0; i < policy->ndates; i++)
		appendStringInfo(buf, " %02d-%02d", policy->dates[i].month, policy->dates[i].day);
}

/* The text form of a policy, in the current memory context; expiry_in accepts it. */
char *
expiry_text(const Expiry *policy)
{
	StringInfoData buf;

	initStringInfo(&buf);
	switch ((ExpiryBase) policy->base)
	{
		case EXPIRY_NEVER:
			appendStringInfoString(&buf, "never");
			break;
		case EXPIRY_DAYS:
			appendStringInfo(&buf, "%d days", policy->n);
			break;
		case EXPIRY_MONTHS:
			appendStringInfo(&buf, "%d months", policy->n);
			break;
		case EXPIRY_YEAR_END:
			appendStringInfoString(&buf, "end of year");
			if (policy->n > 0)
				appendStringInfo(&buf, " + %d", policy->n);
			break;
		case EXPIRY_EACH:
			appendStringInfoString(&buf, "each");
			append_dates(&buf, policy);
			break;
		case EXPIRY_INACTIVE:
			appendStringInfo(&buf, "%d months inactive", policy->n);
			break;
	}
	if (policy->round == ROUND_NEXT)
	{
		appendStringInfoString(&buf, " to next");
		append_dates(&buf, policy);
	}
	else if (policy->round != ROUND_NOT)
		appendStringInfo(&buf, " to end of %s", round_names[policy->round]);
	return buf.data;
}

typedef struct ExpiryParser
{
	const char *text;
	const char *at;
	Expiry	   *policy;			/* with room for EXPIRY_MAX_DATES */
} ExpiryParser;

static void
expiry_syntax_error(ExpiryParser *parser, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type loyalty.expiry: \"%s\"", parser->text),
			 errdetail("Expected %s at character %d.", expected,
					   (int) (parser->at - parser->text) + 1),
			 errhint("Examples of policies: never; 90 days; 12 months; 12 months to end of month, quarter, half-year or year; 12 months to next 03-01; end of year + 1; each 06-30 12-31; 18 months inactive.")));
}

/* Accept a word or a mark, in any case, if it stands here as a whole. */
static bool
accept(ExpiryParser *parser, const char *token)
{
	size_t		length = strlen(token);

	while (isspace((unsigned char) *parser->at))
		parser->at++;
	if (pg_strncasecmp(parser->at, token, length) != 0 ||
		(isalpha((unsigned char) token[0]) && isalnum((unsigned char) parser->at[length])))
		return false;
	parser->at += length;
	return true;
}

/* Skip white space; is the next character a digit? */
static bool
at_digit(ExpiryParser *parser)
{
	while (isspace((unsigned char) *parser->at))
		parser->at++;
	return isdigit((unsigned char) *parser->at);
}

/* Parse a number that is at most `high`; a larger one is an error. */
static int
parse_number(ExpiryParser *parser, int high)
{
	char	   *end;
	long		value;

	if (!at_digit(parser))
		expiry_syntax_error(parser, "a number");
	errno = 0;
	value = strtol(parser->at, &end, 10);
	if (errno == ERANGE || value > high)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("number out of range in loyalty.expiry: \"%s\"", parser->text),
				 errdetail("A policy can have at most %d days or %d months.", EXPIRY_MAX_DAYS, EXPIRY_MAX_MONTHS)));
	parser->at = end;
	return (int) value;
}

/* Parse MM-DD, once or more, kept in order of the year. */
static void
parse_dates(ExpiryParser *parser)
{
	Expiry	   *policy = parser->policy;

	do
	{
		YearDay		date;
		int			at;

		if (!at_digit(parser))
			expiry_syntax_error(parser, "a day of the year (MM-DD)");
		date.month = (uint8) parse_number(parser, 99);
		if (*parser->at++ != '-' || !isdigit((unsigned char) *parser->at))
		{
			parser->at--;
			expiry_syntax_error(parser, "a day of the year (MM-DD)");
		}
		date.day = (uint8) parse_number(parser, 99);
		if (date.month < 1 || date.month > MONTHS_PER_YEAR || date.day < 1 ||
			date.day > day_tab[1][date.month - 1])
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("no such day in loyalty.expiry: %02d-%02d", date.month, date.day)));
		if (policy->ndates == EXPIRY_MAX_DATES)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("too many dates in loyalty.expiry: more than %d", EXPIRY_MAX_DATES)));
		for (at = policy->ndates; at > 0; at--)
		{
			YearDay    *before = &policy->dates[at - 1];

			if (before->month < date.month ||
				(before->month == date.month && before->day <= date.day))
				break;
			policy->dates[at] = *before;
		}
		policy->dates[at] = date;
		policy->ndates++;
	} while (at_digit(parser));
}

/* Parse "to end of ..." or "to next ...", if it stands here. */
static void
parse_rounding(ExpiryParser *parser)
{
	Expiry	   *policy = parser->policy;

	if (!accept(parser, "to"))
		return;
	if (accept(parser, "next"))
	{
		policy->round = ROUND_NEXT;
		parse_dates(parser);
		return;
	}
	if (!accept(parser, "end") || !accept(parser, "of"))
		expiry_syntax_error(parser, "\"end of\" or \"next\"");
	for (int round = ROUND_MONTH; round <= ROUND_YEAR; round++)
		if (accept(parser, round_names[round]))
			policy->round = round;
	if (policy->round == ROUND_NOT)
		expiry_syntax_error(parser, "month, quarter, half-year or year");
}

/* N days or months, rounded or inactive. */
static void
parse_span(ExpiryParser *parser)
{
	Expiry	   *policy = parser->policy;

	policy->n = parse_number(parser, EXPIRY_MAX_DAYS);
	if (accept(parser, "days") || accept(parser, "day"))
		policy->base = EXPIRY_DAYS;
	else if (accept(parser, "months") || accept(parser, "month"))
	{
		policy->base = EXPIRY_MONTHS;
		if (policy->n > EXPIRY_MAX_MONTHS)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("number out of range in loyalty.expiry: \"%s\"", parser->text),
					 errdetail("A policy can have at most %d days or %d months.", EXPIRY_MAX_DAYS, EXPIRY_MAX_MONTHS)));
		if (accept(parser, "inactive"))
		{
			policy->base = EXPIRY_INACTIVE;
			return;
		}
	}
	else
		expiry_syntax_error(parser, "\"days\" or \"months\"");
	parse_rounding(parser);
}

/* Parse a policy, up to where its text ends or does not fit. */
static void
parse_policy(ExpiryParser *parser)
{
	Expiry	   *policy = parser->policy;

	if (accept(parser, "never"))
		policy->base = EXPIRY_NEVER;
	else if (accept(parser, "each"))
	{
		policy->base = EXPIRY_EACH;
		parse_dates(parser);
	}
	else if (accept(parser, "end"))
	{
		if (!accept(parser, "of") || !accept(parser, "year"))
			expiry_syntax_error(parser, "\"of year\"");
		policy->base = EXPIRY_YEAR_END;
		if (accept(parser, "+"))
			policy->n = parse_number(parser, EXPIRY_MAX_MONTHS / MONTHS_PER_YEAR);
	}
	else if (at_digit(parser))
		parse_span(parser);
	else
		expiry_syntax_error(parser, "a policy");
}

PG_FUNCTION_INFO_V1(expiry_in);
Datum
expiry_in(PG_FUNCTION_ARGS)
{
	ExpiryParser parser;

	parser.text = parser.at = PG_GETARG_CSTRING(0);
	parser.policy = palloc0(offsetof(Expiry, dates) + EXPIRY_MAX_DATES * sizeof(YearDay));
	parse_policy(&parser);
	while (isspace((unsigned char) *parser.at))
		parser.at++;
	if (*parser.at != '\0')
		expiry_syntax_error(&parser, "end of input");
	SET_VARSIZE(parser.policy, offsetof(Expiry, dates) + parser.policy->ndates * sizeof(YearDay));
	PG_RETURN_POINTER(parser.policy);
}

/* Is a text a policy?  Nothing but its syntax is looked at. */
bool
expiry_is_text(const char *text)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool is_policy = true;

	PG_TRY();
	{
		(void) DirectFunctionCall1(expiry_in, CStringGetDatum(text));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		FlushErrorState();
		is_policy = false;
	}
	PG_END_TRY();
	return is_policy;
}

PG_FUNCTION_INFO_V1(expiry_out);
Datum
expiry_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(expiry_text(DatumGetExpiry(PG_GETARG_DATUM(0))));
}

/* Policies are equal if their text forms are. */
PG_FUNCTION_INFO_V1(expiry_eq);
Datum
expiry_eq(PG_FUNCTION_ARGS)
{
	char	   *a = expiry_text(DatumGetExpiry(PG_GETARG_DATUM(0)));
	char	   *b = expiry_text(DatumGetExpiry(PG_GETARG_DATUM(1)));

	PG_RETURN_BOOL(strcmp(a, b) == 0);
}

/* expires_on(policy, earned_on): for inactivity, the day if there is no further activity. */
PG_FUNCTION_INFO_V1(expiry_expires_on);
Datum
expiry_expires_on(PG_FUNCTION_ARGS)
{
	Expiry	   *policy = DatumGetExpiry(PG_GETARG_DATUM(0));
	DateADT		first_day = PG_GETARG_DATEADT(1);
	DateADT		last_day;

	if (!calendar_date_in_range(first_day))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("date out of range"),
				 errdetail("Dates must be within the years %d to %d.",
						   CALENDAR_FIRST_YEAR, CALENDAR_LAST_YEAR)));
	if (policy->base == EXPIRY_INACTIVE)
		PG_RETURN_DATEADT(calendar_add_months(first_day, policy->n));
	last_day = expiry_last_day(policy, first_day);
	if (last_day == LOT_NEVER)
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(last_day);
}

/* The binary form is the text form: policies are few. */
PG_FUNCTION_INFO_V1(expiry_recv);
Datum
expiry_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			length;
	char	   *text = pq_getmsgtext(buf, buf->len - buf->cursor, &length);

	return DirectFunctionCall1(expiry_in, CStringGetDatum(text));
}

PG_FUNCTION_INFO_V1(expiry_send);
Datum
expiry_send(PG_FUNCTION_ARGS)
{
	char	   *text = expiry_text(DatumGetExpiry(PG_GETARG_DATUM(0)));
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendtext(&buf, text, strlen(text));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
