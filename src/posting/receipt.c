/*
 * receipt.c
 *	  What a posting returns: its entry, in the caller's terms.  A repeat gets
 *	  the same, made of the same entry.
 */
#include "posting.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "json.h"
#include "result.h"
#include "tablemap.h"

enum
{
	RECEIPT_ACCOUNT, RECEIPT_ENTRY, RECEIPT_KIND, RECEIPT_POINTS, RECEIPT_BALANCE,
	RECEIPT_USABLE, RECEIPT_DEBT, RECEIPT_TIER, RECEIPT_EXPIRES_ON, RECEIPT_REPEAT,
	RECEIPT_PARTS, RECEIPT_DUE, RECEIPT_TAKEN, RECEIPT_OWED, RECEIPT_SPARED,
	RECEIPT_WRITTEN_OFF, RECEIPT_EXPIRED, RECEIPT_COLUMNS
};

static const Oid receipt_types[RECEIPT_COLUMNS] = {
	INT8OID, INT8OID, OUR_KIND, INT8OID, INT8OID, INT8OID, INT8OID, TEXTOID, DATEOID, BOOLOID,
	JSONBOID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID
};

/* The row type that a function returns, which is loyalty.receipt. */
TupleDesc
receipt_tupdesc(FunctionCallInfo fcinfo)
{
	TupleDesc	tupdesc = fcinfo->flinfo->fn_extra;

	if (tupdesc == NULL)
	{
		tupdesc = result_tupdesc(fcinfo);
		fcinfo->flinfo->fn_extra = NULL;	/* an error must not leave it */
		tuple_check(tupdesc, "receipt", receipt_types, RECEIPT_COLUMNS);
		fcinfo->flinfo->fn_extra = tupdesc;
	}
	return tupdesc;
}

/* The parts of an award; one that states none has its base alone. */
static Datum
parts_of(const Entry *entry)
{
	Json		json = {0};

	if (!entry->nulls[ENTRY_PARTS])
		return entry->values[ENTRY_PARTS];
	json_begin(&json, WJB_BEGIN_ARRAY);
	json_begin(&json, WJB_BEGIN_OBJECT);
	json_text(&json, "part", "base");
	json_integer(&json, "computed", entry_points(entry, ENTRY_COMPUTED));
	json_integer(&json, "given", entry_points(entry, ENTRY_POINTS));
	json_end(&json, WJB_END_OBJECT);
	json_end(&json, WJB_END_ARRAY);
	return json_finish(&json);
}

/* The last day of what was credited; no date where it has none yet. */
static bool
expires_on(const Entry *entry, Datum *day)
{
	const Lot  *lot;

	if (entry_kind(entry) == KIND_CANCEL && !entry->nulls[ENTRY_EXPIRES_ON])
	{
		*day = entry->values[ENTRY_EXPIRES_ON];	/* the grace */
		return true;
	}
	if (entry->gained.count == 0 || !kind_has(entry_kind(entry), KIND_SHOWS_LAST_DAY))
		return false;
	lot = &entry->gained.lots[0];
	if (lot->usable_from == LOT_UNCONFIRMED)
	{
		*day = entry->values[ENTRY_EXPIRES_ON];
		return !entry->nulls[ENTRY_EXPIRES_ON];
	}
	if (lot->expires != LOT_INACTIVE)
		*day = DateADTGetDatum(lot->expires);
	else if (!entry->nulls[ENTRY_INACTIVE_ON])
		*day = entry->values[ENTRY_INACTIVE_ON];
	else
		return false;
	return true;
}

/* Form the composite value; tupdesc is loyalty.receipt's. */
Datum
receipt_form(const Entry *entry, bool repeat, TupleDesc tupdesc)
{
	Datum		values[RECEIPT_COLUMNS] = {0};
	bool		nulls[RECEIPT_COLUMNS] = {false};
	int64		expired = entry_points(entry, ENTRY_EXPIRED);
	bool		is_return = entry_kind(entry) == KIND_REFUND;

	values[RECEIPT_ACCOUNT] = entry->values[ENTRY_ACCOUNT_ID];
	values[RECEIPT_ENTRY] = entry->values[ENTRY_SEQ];
	values[RECEIPT_KIND] = entry->values[ENTRY_KIND];
	values[RECEIPT_POINTS] = entry->values[ENTRY_POINTS];
	values[RECEIPT_BALANCE] = Int64GetDatum(entry_points(entry, ENTRY_BALANCE) - expired);
	values[RECEIPT_USABLE] = entry->values[ENTRY_USABLE];
	values[RECEIPT_DEBT] = entry->values[ENTRY_DEBT];
	nulls[RECEIPT_TIER] = entry->nulls[ENTRY_TIER];
	values[RECEIPT_TIER] = entry->values[ENTRY_TIER];
	nulls[RECEIPT_EXPIRES_ON] = !expires_on(entry, &values[RECEIPT_EXPIRES_ON]);
	values[RECEIPT_REPEAT] = BoolGetDatum(repeat);
	nulls[RECEIPT_PARTS] = entry_kind(entry) != KIND_EARN && entry->nulls[ENTRY_PARTS];
	if (!nulls[RECEIPT_PARTS])
		values[RECEIPT_PARTS] = parts_of(entry);
	nulls[RECEIPT_DUE] = nulls[RECEIPT_TAKEN] = nulls[RECEIPT_SPARED] =
		nulls[RECEIPT_OWED] = nulls[RECEIPT_WRITTEN_OFF] = !is_return;
	values[RECEIPT_DUE] = Int64GetDatum(entry_points(entry, ENTRY_DUE));
	values[RECEIPT_TAKEN] = Int64GetDatum(lots_total(&entry->taken));
	values[RECEIPT_OWED] = Int64GetDatum(entry_points(entry, ENTRY_OWED));
	values[RECEIPT_SPARED] = Int64GetDatum(lots_total(&entry->spared));
	values[RECEIPT_WRITTEN_OFF] = Int64GetDatum(entry_points(entry, ENTRY_WRITTEN_OFF));
	values[RECEIPT_EXPIRED] = Int64GetDatum(expired);
	return HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls));
}
