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

static const char *const kind_labels[] = {
	NULL, "enroll", "earn", "award", "confirm", "spend", "refund", "cancel",
	"expire", "mature", "adjust", "extend", "reinstate", "transfer_out",
	"transfer_in", "hold", "capture", "release", "freeze", "unfreeze",
	"activity", "tier", "grant", "grant_end", "benefit", "rename", "join"
};

StaticAssertDecl(lengthof(kind_labels) == KIND_LAST + 1, "every kind has its label");

static bool
kind_valid(int number)
{
	return number >= 1 && number <= KIND_LAST;
}

/* The label of a kind; of a byte that is none, one that input refuses. */
const char *
kind_label(Kind kind)
{
	return kind_valid(kind) ? kind_labels[kind] : psprintf("unknown kind %d", kind);
}

PG_FUNCTION_INFO_V1(kind_in);
Datum
kind_in(PG_FUNCTION_ARGS)
{
	char	   *label = PG_GETARG_CSTRING(0);

	for (int number = 1; number <= KIND_LAST; number++)
		if (strcmp(label, kind_labels[number]) == 0)
			PG_RETURN_DATUM(KindGetDatum(number));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input value for loyalty.kind: \"%s\"", label),
			 errhint("The view loyalty.kinds lists them.")));
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

/* Numbers and labels, as rows. */
PG_FUNCTION_INFO_V1(kind_list);
Datum
kind_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int number = 1; number <= KIND_LAST; number++)
	{
		Datum		values[2];
		bool		nulls[2] = {false, false};

		values[0] = Int32GetDatum(number);
		values[1] = CStringGetTextDatum(kind_labels[number]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
