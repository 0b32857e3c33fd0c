/*
 * receipt.c
 *	  The receipt that a posting returns, made from its entry.  A repeat gets the
 *	  same receipt, made from the same entry.
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
	RECEIPT_WRITTEN_OFF, RECEIPT_EXPIRED, RECEIPT_NEVER_EXPIRES, RECEIPT_COLUMNS
};

static const Oid receipt_types[RECEIPT_COLUMNS] = {
	INT8OID, INT8OID, OUR_KIND, INT8OID, INT8OID, INT8OID, INT8OID, TEXTOID, DATEOID, BOOLOID,
	JSONBOID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, BOOLOID
};

/* The row type that a function returns, after a check that it is loyalty.receipt. */
TupleDesc
receipt_tupdesc(FunctionCallInfo fcinfo)
{
	TupleDesc	tupdesc = fcinfo->flinfo->fn_extra;

	if (tupdesc == NULL)
	{
		tupdesc = result_tupdesc(fcinfo);
		fcinfo->flinfo->fn_extra = NULL;	/* not cached if the check fails */
		tuple_check(tupdesc, "receipt", receipt_types, RECEIPT_COLUMNS);
		fcinfo->flinfo->fn_extra = tupdesc;
	}
	return tupdesc;
}

/* The parts of an award; if the entry states none, its only part is the base. */
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

/* Set the last day of what was credited; false if it is not known yet, or nothing was credited. */
static bool
last_day_of(const Entry *entry, DateADT *day)
{
	bool		grace = entry_kind(entry) == KIND_CANCEL && !entry->nulls[ENTRY_EXPIRES_ON];
	const Lot  *lot = entry->gained.lots;
	EntryField	field;

	if (!grace && (entry->gained.count == 0 || !kind_has(entry_kind(entry), KIND_SHOWS_LAST_DAY)))
		return false;
	if (!grace && lot->usable_from != LOT_UNCONFIRMED && lot->expires != LOT_INACTIVE)
	{
		*day = lot->expires;
		return true;
	}
	field = grace || lot->usable_from == LOT_UNCONFIRMED ? ENTRY_EXPIRES_ON : ENTRY_INACTIVE_ON;
	if (entry->nulls[field])
		return false;
	*day = DatumGetDateADT(entry->values[field]);
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
	DateADT		last_day;
	bool		known = last_day_of(entry, &last_day);

	values[RECEIPT_ACCOUNT] = entry->values[ENTRY_ACCOUNT_ID];
	values[RECEIPT_ENTRY] = entry->values[ENTRY_SEQ];
	values[RECEIPT_KIND] = entry->values[ENTRY_KIND];
	values[RECEIPT_POINTS] = entry->values[ENTRY_POINTS];
	values[RECEIPT_BALANCE] = Int64GetDatum(entry_points(entry, ENTRY_BALANCE) - expired);
	values[RECEIPT_USABLE] = entry->values[ENTRY_USABLE];
	values[RECEIPT_DEBT] = entry->values[ENTRY_DEBT];
	nulls[RECEIPT_TIER] = entry->nulls[ENTRY_TIER];
	values[RECEIPT_TIER] = entry->values[ENTRY_TIER];
	put_date(values, nulls, RECEIPT_EXPIRES_ON, known ? last_day : LOT_NEVER);
	values[RECEIPT_NEVER_EXPIRES] = BoolGetDatum(known && DATE_IS_NOEND(last_day));
	values[RECEIPT_REPEAT] = BoolGetDatum(repeat);
	nulls[RECEIPT_PARTS] = entry_kind(entry) != KIND_PURCHASE && entry->nulls[ENTRY_PARTS];
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
