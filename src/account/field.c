/*
 * field.c
 *	  What stored fields must be.
 */
#include "field.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "account.h"
#include "calendar.h"
#include "expiry.h"
#include "json.h"
#include "money.h"
#include "shape.h"

/*
 * The shapes of jsonb.  Members that are not listed may be there.
 */
static const JsonMember line_members[] = {
	{"amount", JSON_MONEY, true, "money"},
	{"quantity", JSON_PIECES, false, "a number of more than 0"},
	{"sku", JSON_TEXT, false, "a text"},
	{"category", JSON_TEXT, false, "a text"},
	{"brand", JSON_TEXT, false, "a text"},
	{"points", JSON_COUNT, false, "an integer of 0 or more"},
	{NULL, JSON_TEXT, false, NULL}
};

static const JsonMember line_back_members[] = {
	{"line", JSON_COUNT, true, "a line's number"},
	{"amount", JSON_MONEY, true, "money"},
	{"quantity", JSON_PIECES, false, "a number of more than 0"},
	{NULL, JSON_TEXT, false, NULL}
};

static const JsonMember part_members[] = {
	{"part", JSON_TEXT, true, "a text"},
	{"campaign", JSON_TEXT, false, "a text"},
	{"tier", JSON_TEXT, false, "a text"},
	{"computed", JSON_COUNT, false, "an integer of 0 or more"},
	{"given", JSON_COUNT, false, "an integer of 0 or more"},
	{"due", JSON_COUNT, false, "an integer of 0 or more"},
	{"written_off", JSON_COUNT, false, "an integer of 0 or more"},
	{"lines", JSON_COUNTS, false, "integers of 0 or more"},
	{"expires_on", JSON_LAST_DAY, false, "a last day"},
	{"usable_from", JSON_FIRST_DAY, false, "a first day"},
	{"expiry", JSON_POLICY, false, "an expiry policy"},
	{"on_return", JSON_ON_RETURN, false, "never or full_return_only"},
	{"qualifies", JSON_BOOLEAN, false, "a boolean"},
	{NULL, JSON_TEXT, false, NULL}
};

static const JsonMember charge_members[] = {
	{"id", JSON_INTEGER, true, "an integer"},
	{"on", JSON_DATE, false, "a date"},
	{"times", JSON_INTEGER, false, "an integer"},
	{"points", JSON_INTEGER, true, "an integer"},
	{"part", JSON_COUNT, false, "a part's number"},
	{"campaign", JSON_TEXT, false, "a text"},
	{NULL, JSON_TEXT, false, NULL}
};

static const JsonMember grant_members[] = {
	{"seq", JSON_COUNT, true, "an entry's number"},
	{"tier", JSON_TEXT, true, "a text"},
	{"first_day", JSON_DATE, true, "a date"},
	{"last_day", JSON_DATE, true, "a date"},
	{NULL, JSON_TEXT, false, NULL}
};

/*
 * Domains
 */

static const char *const expectations[DOMAINS] = {
	[DOMAIN_NUMBER] = "a number",
	[DOMAIN_ID] = "a number of 1 or more",
	[DOMAIN_PROGRAM] = "a number of 1 or more",
	[DOMAIN_COUNT] = "a number of 0 or more, at most 10^18",
	[DOMAIN_POINTS] = "a number of at most 10^18",
	[DOMAIN_MONTHS] = "a number of months",
	[DOMAIN_INSTANT] = "an instant of the years 1 to 9999",
	[DOMAIN_END] = "an instant of the years 1 to 9999, or infinity",
	[DOMAIN_DAY] = "a day of the years 1 to 9999",
	[DOMAIN_LAST_DAY] = "a day of the years 1 to 9999, or infinity",
	[DOMAIN_PERIOD] = "a day of the years 1 to 9999, or infinity",
	[DOMAIN_KIND] = "a kind",
	[DOMAIN_BOOLEAN] = "true or false",
	[DOMAIN_TEXT] = "a text",
	[DOMAIN_MODE] = "spending, earning or all",
	[DOMAIN_SPENT] = "active_only, clamp or pending_only",
	[DOMAIN_CAUSE] = "joined, reached, review, return, grant or grant ended",
	[DOMAIN_MONEY] = "money",
	[DOMAIN_SUM] = "a sum of money",
	[DOMAIN_POLICY] = "an expiry policy",
	[DOMAIN_LOTS] = "lots",
	[DOMAIN_LOTS_READ] = "lots",
	[DOMAIN_HASH] = "32 bytes",
	[DOMAIN_OBJECT] = "an object",
	[DOMAIN_LINES] = "lines",
	[DOMAIN_LINES_BACK] = "lines",
	[DOMAIN_PARTS] = "parts",
	[DOMAIN_CHARGES] = "charges",
	[DOMAIN_GRANTS] = "grants"
};

static bool
between(int64 value, int64 low, int64 high)
{
	return value >= low && value <= high;
}

/*
 * Is a day in the domain?  Infinity is allowed except in DOMAIN_DAY, -infinity
 * only in DOMAIN_PERIOD.
 */
static bool
is_day(Domain domain, DateADT day)
{
	return calendar_date_in_range(day) || (domain != DOMAIN_DAY && DATE_IS_NOEND(day)) ||
		   (domain == DOMAIN_PERIOD && DATE_IS_NOBEGIN(day));
}

/* Is a text one of the causes of a change of tier (S24)? */
static bool
is_cause(const char *text)
{
	static const char *const causes[] = {
		"joined", "reached", "review", "return", "grant", "grant ended"
	};

	for (int i = 0; i < lengthof(causes); i++)
		if (strcmp(text, causes[i]) == 0)
			return true;
	return false;
}

/* Is a sum of money finite?  It may be negative, unlike an amount. */
static bool
is_sum(Numeric sum)
{
	return !numeric_is_nan(sum) && !numeric_is_inf(sum);
}

static bool
are_lots(Datum value)
{
	LotQueue	lots;

	return lots_read(DatumGetLots(value), &lots);
}

static bool
is_object(Datum value)
{
	return JB_ROOT_IS_OBJECT(DatumGetJsonbP(value));
}

/* What is expected instead of this jsonb; NULL if it is valid. */
static const char *
json_expected(Domain domain, Datum value)
{
	switch (domain)
	{
		case DOMAIN_LINES:
			return shape_fault(value, line_members, 1, MAX_LINES);
		case DOMAIN_LINES_BACK:
			return shape_fault(value, line_back_members, 0, MAX_LINES);
		case DOMAIN_PARTS:
			return shape_fault(value, part_members, 0, PG_INT16_MAX);
		case DOMAIN_CHARGES:
			return shape_fault(value, charge_members, 0, PG_INT16_MAX);
		default:
			return shape_fault(value, grant_members, 0, PG_INT16_MAX);
	}
}

/* Is a value in its domain? */
static bool
is_in(Domain domain, Datum value)
{
	switch (domain)
	{
		case DOMAIN_ID:
			return DatumGetInt64(value) >= 1;
		case DOMAIN_PROGRAM:
			return DatumGetInt32(value) >= 1;
		case DOMAIN_COUNT:
			return between(DatumGetInt64(value), 0, MAX_BALANCE);
		case DOMAIN_POINTS:
			return between(DatumGetInt64(value), -MAX_BALANCE, MAX_BALANCE);
		case DOMAIN_MONTHS:
			return between(DatumGetInt32(value), 0, EXPIRY_MAX_MONTHS);
		case DOMAIN_END:
			return DatumGetTimestampTz(value) == DT_NOEND || calendar_instant_in_range(DatumGetTimestampTz(value));
		case DOMAIN_INSTANT:
			return calendar_instant_in_range(DatumGetTimestampTz(value));
		case DOMAIN_DAY:
		case DOMAIN_LAST_DAY:
		case DOMAIN_PERIOD:
			return is_day(domain, DatumGetDateADT(value));
		case DOMAIN_KIND:
			return between(DatumGetKind(value), 1, KIND_LAST);
		case DOMAIN_MODE:
			return freeze_mode(TextDatumGetCString(value)) != FREEZE_NONE;
		case DOMAIN_SPENT:
			return spent_return_writes_off(TextDatumGetCString(value));
		case DOMAIN_CAUSE:
			return is_cause(TextDatumGetCString(value));
		case DOMAIN_MONEY:
			return money_is_sound(DatumGetNumeric(value));
		case DOMAIN_SUM:
			return is_sum(DatumGetNumeric(value));
		case DOMAIN_POLICY:
			return expiry_is_sound((Expiry *) PG_DETOAST_DATUM(value));
		case DOMAIN_LOTS:
			return are_lots(value);
		case DOMAIN_HASH:
			return VARSIZE_ANY_EXHDR(PG_DETOAST_DATUM_PACKED(value)) == CHAIN_BYTES;
		case DOMAIN_OBJECT:
			return is_object(value);
		default:
			return true;
	}
}

/* What is expected instead of this value; NULL if it is valid. */
static const char *
expected_of(Domain domain, Datum value)
{
	if (domain >= DOMAIN_LINES)
		return json_expected(domain, value);
	return is_in(domain, value) ? NULL : expectations[domain];
}

/* A day as text; a day out of range is shown as its number. */
static char *
day_text(DateADT day)
{
	char	   *text = palloc(CALENDAR_ISO_LENGTH + 1);

	if (DATE_IS_NOEND(day))
		return pstrdup("infinity");
	if (DATE_IS_NOBEGIN(day))
		return pstrdup("-infinity");
	if (!calendar_date_in_range(day))
		return psprintf("day %d", day);
	calendar_print(day, text);
	return text;
}

/* The bytes of a varlena value in hex. */
static char *
bytes_text(Datum value)
{
	return TextDatumGetCString(DirectFunctionCall2(binary_encode, value, CStringGetTextDatum("hex")));
}

/* Lots and policies as text; as bytes if they are invalid. */
static char *
type_text(Domain domain, Datum value)
{
	LotQueue	lots;

	if (domain == DOMAIN_POLICY && expiry_is_sound((Expiry *) PG_DETOAST_DATUM(value)))
		return expiry_text((Expiry *) PG_DETOAST_DATUM(value));
	if (domain != DOMAIN_POLICY && lots_read(DatumGetLots(value), &lots))
		return lots_text(&lots);
	return bytes_text(PointerGetDatum(PG_DETOAST_DATUM(value)));
}

/* A stored value as text for messages; it also shows values that are not in their domain. */
char *
field_text(Domain domain, Datum value)
{
	switch (domain)
	{
		case DOMAIN_NUMBER:
		case DOMAIN_ID:
		case DOMAIN_COUNT:
		case DOMAIN_POINTS:
			return psprintf(INT64_FORMAT, DatumGetInt64(value));
		case DOMAIN_PROGRAM:
		case DOMAIN_MONTHS:
			return psprintf("%d", DatumGetInt32(value));
		case DOMAIN_INSTANT:
		case DOMAIN_END:
			return pstrdup(timestamptz_to_str(DatumGetTimestampTz(value)));
		case DOMAIN_DAY:
		case DOMAIN_LAST_DAY:
		case DOMAIN_PERIOD:
			return day_text(DatumGetDateADT(value));
		case DOMAIN_KIND:
			return is_in(domain, value) ? pstrdup(kind_label(DatumGetKind(value))) :
										  psprintf("kind %d", DatumGetKind(value));
		case DOMAIN_BOOLEAN:
			return pstrdup(DatumGetBool(value) ? "true" : "false");
		case DOMAIN_TEXT:
		case DOMAIN_MODE:
		case DOMAIN_SPENT:
		case DOMAIN_CAUSE:
			return TextDatumGetCString(value);
		case DOMAIN_MONEY:
		case DOMAIN_SUM:
			return DatumGetCString(DirectFunctionCall1(numeric_out, value));
		case DOMAIN_HASH:
			return bytes_text(value);
		case DOMAIN_POLICY:
		case DOMAIN_LOTS:
		case DOMAIN_LOTS_READ:
			return type_text(domain, value);
		default:
			return JsonbToCString(NULL, &DatumGetJsonbP(value)->root, VARSIZE(DatumGetJsonbP(value)));
	}
}

/* The neutral value that replaces an invalid value of a required column. */
static Datum
neutral(Domain domain)
{
	static const uint8 no_hash[CHAIN_BYTES] = {0};
	LotQueue	lots;

	switch (domain)
	{
		case DOMAIN_TEXT:
		case DOMAIN_MODE:
		case DOMAIN_SPENT:
		case DOMAIN_CAUSE:
			return CStringGetTextDatum("");
		case DOMAIN_MONEY:
		case DOMAIN_SUM:
			return NumericGetDatum(money_of_int64(0));
		case DOMAIN_LOTS:
		case DOMAIN_LOTS_READ:
			lots_init(&lots);
			return PointerGetDatum(lots_encode(&lots));
		case DOMAIN_HASH:
			return PointerGetDatum(cstring_to_text_with_len((const char *) no_hash, CHAIN_BYTES));
		default:
			return (Datum) 0;	/* a number, a day, an instant, of no kind */
	}
}

/* Raise LY_DAMAGED for a fault; this is the report function of faults_refused. */
static void
refuse(Faults *faults, int column, const char *name, const char *stored, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_DAMAGED),
			 faults->seq != 0 ?
			 errmsg("%s " INT64_FORMAT " of account " INT64_FORMAT " is corrupted", faults->table,
					faults->seq, faults->account_id) :
			 strcmp(faults->table, "row") == 0 ?
			 errmsg("account " INT64_FORMAT " is corrupted", faults->account_id) :
			 errmsg("%s of account " INT64_FORMAT " is corrupted", faults->table, faults->account_id),
			 errdetail("Column %s: stored %s, expected %s.", name, stored, expected),
			 errhint("Run loyalty.verify().")));
}

/* Make a Faults that raises an error at the first fault. */
Faults
faults_refused(void)
{
	return (Faults){.report = refuse};
}

/* Count a fault, and pass it to the report function. */
void
fault_report(Faults *faults, int column, const char *name, const char *stored, const char *expected)
{
	faults->count++;
	faults->report(faults, column, name, stored, expected);
}

/* Check one value, and make it neutral if it is faulty. */
static bool
field_check(int column, const char *name, Domain domain, bool needed, Datum *value, bool *isnull,
			Faults *faults)
{
	const char *expected = *isnull ? (needed ? expectations[domain] : NULL) : expected_of(domain, *value);

	if (expected == NULL)
		return true;
	fault_report(faults, column, name, *isnull ? "none" : field_text(domain, *value), expected);
	*isnull = !needed || domain >= DOMAIN_OBJECT || domain == DOMAIN_POLICY;
	*value = *isnull ? (Datum) 0 : neutral(domain);
	return false;
}

/*
 * Check all values of a row against the domains of its columns; an invalid
 * value is reported, and becomes neutral or NULL.
 */
void
row_check(const StoredColumn *columns, const char *const *names, int ncolumns,
		  Datum *values, bool *nulls, Faults *faults)
{
	for (int i = 0; i < ncolumns; i++)
		(void) field_check(i, names[i], columns[i].domain, !columns[i].optional,
						   &values[i], &nulls[i], faults);
}

/*
 * Entries: sets of kinds, which entry_fields.h is told in
 */
#define EARNING ((uint32) KINDS_GIVING)
#define COUNTED (EARNING | K(REFUND) | K(CONFIRM))	/* for tiers */
#define UNDOING (K(REFUND) | K(CONFIRM) | K(CANCEL) | K(CAPTURE) | K(RELEASE) | K(END_GRANT))
#define COMING_BACK ((uint32) KINDS_COMING_BACK)
#define NAMED ((uint32) KINDS_NAMED)

typedef struct Field
{
	Domain		domain;
	uint32		needed;			/* by these kinds */
	uint32		allowed;		/* to these as well */
} Field;

#define K(kind) KIND_SET(kind)
#define ALL KIND_ALL
#define NONE KIND_NONE

static const Field fields[ENTRY_FIELDS] = {
#define FIELD(name, column, type, domain, needed, allowed, meaning) {DOMAIN_##domain, needed, allowed},
#include "entry_fields.h"
#undef FIELD
};

/* The kind of an entry as a set of one; empty if there is no such kind. */
static uint32
kind_of(const Datum *values, const bool *nulls)
{
	if (nulls[ENTRY_KIND] || !is_in(DOMAIN_KIND, values[ENTRY_KIND]))
		return 0;
	return kind_set(DatumGetKind(values[ENTRY_KIND]));
}

/*
 * The domain of a field in an entry of a kind: in a return, lines and mode have
 * domains of their own.
 */
static Domain
field_domain(EntryField field, uint32 kind)
{
	if (kind == K(REFUND) && field == ENTRY_LINES)
		return DOMAIN_LINES_BACK;
	if (kind == K(REFUND) && field == ENTRY_MODE)
		return DOMAIN_SPENT;
	return fields[field].domain;
}

/* Does a kind need a field?  All need what all of them need, even if it is no kind. */
static bool
is_needed(EntryField field, uint32 kind)
{
	return fields[field].needed == ALL || (fields[field].needed & kind);
}

/* May an entry of a kind have a field?  If the kind is invalid, any field is allowed. */
static bool
is_allowed(EntryField field, uint32 kind)
{
	return kind == 0 || ((fields[field].needed | fields[field].allowed) & kind);
}

/* A charge is for a part that is there. */
static void
check_charged_parts(Entry *entry, Faults *faults)
{
	Datum		charges = entry->values[ENTRY_CHARGES];
	int			nparts = entry->nulls[ENTRY_PARTS] ? 1 : json_count(entry->values[ENTRY_PARTS]);

	if (entry->nulls[ENTRY_CHARGES])
		return;
	for (int i = 0; i < json_count(charges); i++)
		if (json_get_integer(json_element(charges, i), "part", -1) >= nparts)
		{
			fault_report(faults, ENTRY_CHARGES, entry_columns[ENTRY_CHARGES],
				   field_text(DOMAIN_CHARGES, charges), "charges of parts that are there");
			return;
		}
}

/*
 * Check all fields of an entry; an invalid value is reported, and becomes
 * neutral or NULL.  strictly: a field that the entry's kind does not have is
 * reported, too.
 */
void
entry_check(Entry *entry, bool strictly, Faults *faults)
{
	uint32		kind = kind_of(entry->values, entry->nulls);

	for (EntryField field = 0; field < ENTRY_FIELDS; field++)
	{
		Domain		domain = field_domain(field, kind);

		if (field_check(field, entry_columns[field], domain, is_needed(field, kind),
						&entry->values[field], &entry->nulls[field], faults) &&
			strictly && !entry->nulls[field] && !is_allowed(field, kind))
			fault_report(faults, field, entry_columns[field], field_text(domain, entry->values[field]), "none");
	}
	check_charged_parts(entry, faults);
}

/* A report function that does nothing, so that faults are only counted. */
static void
ignore_fault(Faults *faults, int column, const char *name, const char *stored, const char *expected)
{
}

/* Is every field what it may be? */
bool
entry_is_sound(const Entry *entry, bool strictly)
{
	Entry		copy = *entry;
	Faults		counted = {.report = ignore_fault};

	entry_check(&copy, strictly, &counted);
	return counted.count == 0;
}

/* If this field is faulty, is it unknown which points the entry moves? */
bool
field_moves_points(EntryField field)
{
	switch (field)
	{
		case ENTRY_KIND:
		case ENTRY_OF_SEQ:
		case ENTRY_POINTS:
		case ENTRY_OWED:
		case ENTRY_WRITTEN_OFF:
		case ENTRY_MADE_GOOD:
		case ENTRY_EXPIRES_ON:
			return true;
		default:
			return fields[field].domain == DOMAIN_LOTS;
	}
}

/* entry_field_list(): kind, field, needed. */
PG_FUNCTION_INFO_V1(entry_field_list);
Datum
entry_field_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (Kind kind = 1; kind <= KIND_LAST; kind++)
		for (EntryField field = 0; field < ENTRY_FIELDS; field++)
		{
			uint32		set = kind_set(kind);
			Datum		values[3];
			bool		nulls[3] = {false};

			if (!is_needed(field, set) && !is_allowed(field, set))
				continue;
			values[0] = KindGetDatum(kind);
			values[1] = CStringGetTextDatum(entry_columns[field]);
			values[2] = BoolGetDatum(is_needed(field, set));
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	return (Datum) 0;
}
