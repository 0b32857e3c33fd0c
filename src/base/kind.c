/*
 * kind.c
 *	  The type loyalty.kind: one byte, with labels for text.
 *
 * Not an enum: an update script cannot add a label to an enum and use it.
 */
#include "kind.h"

#include "funcapi.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

typedef struct KindRow
{
	const char *label;
	PaidBy		paid_by;
	int			traits;
} KindRow;

static const KindRow kinds[KIND_LAST + 1] = {
#define KIND(number, name, label, paid, traits) [number] = {label, paid, traits},
#include "kinds.h"
#undef KIND
};

static bool
kind_valid(int number)
{
	return number >= 1 && number <= KIND_LAST;
}

/* The label of a kind; for a byte that is not a kind, a label that the input function rejects. */
const char *
kind_label(Kind kind)
{
	return kind_valid(kind) ? kinds[kind].label : psprintf("unknown kind %d", kind);
}

/* Does a kind have a trait?  An invalid kind has none. */
bool
kind_has(Kind kind, int trait)
{
	return kind_valid(kind) && (kinds[kind].traits & trait) != 0;
}

/* From which points of an entry of this kind debt is paid; an invalid kind pays nothing. */
PaidBy
kind_paid_by(Kind kind)
{
	return kind_valid(kind) ? kinds[kind].paid_by : PAID_NOTHING;
}

/*
 * The kinds among whose entries a ref is unique (S26).  They are one act for
 * those who refer to it: what a return or a confirmation names, and what a
 * cancellation names.  Any other kind is an act of its own.
 */
uint32
kind_namesakes(Kind kind)
{
	if (kind_has(kind, KIND_GIVES))
		return KINDS_GIVING;
	if (kind_has(kind, KIND_USES))
		return KINDS_USING;
	return kind_set(kind);
}

PG_FUNCTION_INFO_V1(kind_in);
Datum
kind_in(PG_FUNCTION_ARGS)
{
	char	   *label = PG_GETARG_CSTRING(0);

	for (int number = 1; number <= KIND_LAST; number++)
		if (strcmp(label, kinds[number].label) == 0)
			PG_RETURN_DATUM(KindGetDatum(number));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input value for loyalty.kind: \"%s\"", label),
			 errhint("The view loyalty.kinds lists the valid values.")));
	PG_RETURN_NULL();			/* not reached */
}

PG_FUNCTION_INFO_V1(kind_out);
Datum
kind_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(pstrdup(kind_label(DatumGetKind(PG_GETARG_DATUM(0)))));
}

PG_FUNCTION_INFO_V1(kind_recv);
Datum
kind_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			number = pq_getmsgbyte(buf);

	if (!kind_valid(number))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary loyalty.kind: %d", number)));
	PG_RETURN_DATUM(KindGetDatum(number));
}

PG_FUNCTION_INFO_V1(kind_send);
Datum
kind_send(PG_FUNCTION_ARGS)
{
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendbyte(&buf, (uint8) DatumGetKind(PG_GETARG_DATUM(0)));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* kind_list(): number, label, gives, by_rules, pays_debt. */
PG_FUNCTION_INFO_V1(kind_list);
Datum
kind_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int number = 1; number <= KIND_LAST; number++)
	{
		Datum		values[5];
		bool		nulls[5] = {false};

		values[0] = Int32GetDatum(number);
		values[1] = CStringGetTextDatum(kinds[number].label);
		values[2] = BoolGetDatum(kind_has(number, KIND_GIVES));
		values[3] = BoolGetDatum(kind_has(number, KIND_BY_RULES));
		values[4] = BoolGetDatum(kinds[number].paid_by != PAID_NOTHING);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* kind_by_rules(kind): used by views, so that they need no list of kinds. */
PG_FUNCTION_INFO_V1(kind_by_rules);
Datum
kind_by_rules(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(kind_has(DatumGetKind(PG_GETARG_DATUM(0)), KIND_BY_RULES));
}

/* kind_credits(kind): does it give points that pay debt first? */
PG_FUNCTION_INFO_V1(kind_credits);
Datum
kind_credits(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(kind_paid_by(DatumGetKind(PG_GETARG_DATUM(0))) == PAID_CREDIT);
}
