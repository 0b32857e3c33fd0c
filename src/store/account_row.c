/*
 * account_row.c
 *	  Conversion between the rows of account, hold and entry and their structs.
 */
#include "account_row.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "grant.h"

/*
 * Columns
 */
typedef enum AccountColumn
{
	ACCOUNT_MEMBER_ID, ACCOUNT_PROGRAM_ID, ACCOUNT_ID, ACCOUNT_DUE_AT, ACCOUNT_OPENED_AT,
	ACCOUNT_FROZEN, ACCOUNT_FROZEN_UNTIL, ACCOUNT_INACTIVE_MONTHS, ACCOUNT_INACTIVE_ON,
	ACCOUNT_CLOCK, ACCOUNT_CLOCK_ON, ACCOUNT_SEQ, ACCOUNT_BALANCE, ACCOUNT_USABLE,
	ACCOUNT_DEBT, ACCOUNT_HELD, ACCOUNT_WRITTEN_OFF, ACCOUNT_HASH, ACCOUNT_LOTS,
	ACCOUNT_TIER, ACCOUNT_COMPUTED_TIER, ACCOUNT_COMPUTED_LAST_DAY, ACCOUNT_REACHED_ON,
	ACCOUNT_BEFORE_TIER, ACCOUNT_BEFORE_LAST_DAY, ACCOUNT_GRANTS, ACCOUNT_TALLIED,
	ACCOUNT_LAST_ORDER_ON, ACCOUNT_ORDERS, ACCOUNT_EARNED, ACCOUNT_SPEND,
	ACCOUNT_COLUMNS
} AccountColumn;

static const char *const account_columns[ACCOUNT_COLUMNS] = {
	"member_id", "program_id", "id", "due_at", "opened_at",
	"frozen", "frozen_until", "inactive_months", "inactive_on",
	"clock", "clock_on", "seq", "balance", "usable",
	"debt", "held", "written_off", "hash", "lots",
	"tier", "computed_tier", "computed_last_day", "reached_on",
	"before_tier", "before_last_day", "grants", "tallied",
	"last_order_on", "orders", "earned", "spend"
};

static const Oid account_types[ACCOUNT_COLUMNS] = {
	INT8OID, INT4OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID, INT4OID,
	DATEOID, TIMESTAMPTZOID, DATEOID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID,
	BYTEAOID, OUR_LOTS, TEXTOID, TEXTOID, DATEOID, DATEOID, TEXTOID, DATEOID, JSONBOID, BOOLOID,
	DATEOID, INT8OID, INT8OID, NUMERICOID
};

static const StoredColumn account_domains[ACCOUNT_COLUMNS] = {
	[ACCOUNT_MEMBER_ID] = {DOMAIN_ID, false},
	[ACCOUNT_PROGRAM_ID] = {DOMAIN_PROGRAM, false},
	[ACCOUNT_ID] = {DOMAIN_ID, false},
	[ACCOUNT_DUE_AT] = {DOMAIN_END, false},
	[ACCOUNT_OPENED_AT] = {DOMAIN_INSTANT, false},
	[ACCOUNT_FROZEN] = {DOMAIN_MODE, true},
	[ACCOUNT_FROZEN_UNTIL] = {DOMAIN_INSTANT, true},
	[ACCOUNT_INACTIVE_MONTHS] = {DOMAIN_MONTHS, true},
	[ACCOUNT_INACTIVE_ON] = {DOMAIN_PERIOD, true},
	[ACCOUNT_CLOCK] = {DOMAIN_INSTANT, false},
	[ACCOUNT_CLOCK_ON] = {DOMAIN_DAY, false},
	[ACCOUNT_SEQ] = {DOMAIN_ID, false},
	[ACCOUNT_BALANCE] = {DOMAIN_POINTS, false},
	[ACCOUNT_USABLE] = {DOMAIN_COUNT, false},
	[ACCOUNT_DEBT] = {DOMAIN_COUNT, false},
	[ACCOUNT_HELD] = {DOMAIN_COUNT, false},
	[ACCOUNT_WRITTEN_OFF] = {DOMAIN_COUNT, false},
	[ACCOUNT_HASH] = {DOMAIN_HASH, false},
	[ACCOUNT_LOTS] = {DOMAIN_LOTS_READ, false},
	[ACCOUNT_TIER] = {DOMAIN_TEXT, true},
	[ACCOUNT_COMPUTED_TIER] = {DOMAIN_TEXT, true},
	[ACCOUNT_COMPUTED_LAST_DAY] = {DOMAIN_DAY, true},
	[ACCOUNT_REACHED_ON] = {DOMAIN_DAY, true},
	[ACCOUNT_BEFORE_TIER] = {DOMAIN_TEXT, true},
	[ACCOUNT_BEFORE_LAST_DAY] = {DOMAIN_DAY, true},
	[ACCOUNT_GRANTS] = {DOMAIN_GRANTS, true},
	[ACCOUNT_TALLIED] = {DOMAIN_BOOLEAN, false},
	[ACCOUNT_LAST_ORDER_ON] = {DOMAIN_DAY, true},
	[ACCOUNT_ORDERS] = {DOMAIN_POINTS, false},
	[ACCOUNT_EARNED] = {DOMAIN_POINTS, false},
	[ACCOUNT_SPEND] = {DOMAIN_SUM, false}
};

typedef enum HoldColumn
{
	HOLD_ACCOUNT_ID, HOLD_SEQ, HOLD_UNTIL, HOLD_POINTS, HOLD_REF, HOLD_LOTS, HOLD_COLUMNS
} HoldColumn;

static const char *const hold_columns[HOLD_COLUMNS] = {
	"account_id", "seq", "until", "points", "ref", "lots"
};

static const Oid hold_types[HOLD_COLUMNS] = {
	INT8OID, INT8OID, TIMESTAMPTZOID, INT8OID, TEXTOID, OUR_LOTS
};

static const StoredColumn hold_domains[HOLD_COLUMNS] = {
	[HOLD_ACCOUNT_ID] = {DOMAIN_ID, false},
	[HOLD_SEQ] = {DOMAIN_ID, false},
	[HOLD_UNTIL] = {DOMAIN_END, false},
	[HOLD_POINTS] = {DOMAIN_COUNT, false},
	[HOLD_REF] = {DOMAIN_TEXT, false},
	[HOLD_LOTS] = {DOMAIN_LOTS, false}
};

/* Map the type of a field (entry_fields.h) to the type of its column. */
#define OID_BIGINT INT8OID
#define OID_INTEGER INT4OID
#define OID_INSTANT TIMESTAMPTZOID
#define OID_DAY DATEOID
#define OID_KIND OUR_KIND
#define OID_TEXT TEXTOID
#define OID_NUMERIC NUMERICOID
#define OID_EXPIRY OUR_EXPIRY
#define OID_JSONB JSONBOID
#define OID_LOTS OUR_LOTS
#define OID_BYTES BYTEAOID

static const Oid entry_column_types[ENTRY_FIELDS] = {
#define FIELD(name, column, type, domain, needed, allowed, meaning) OID_##type,
#include "entry_fields.h"
#undef FIELD
};

TableMap	account_map = {.name = "account", .ncolumns = ACCOUNT_COLUMNS, .columns = account_columns, .types = account_types};
TableMap	entry_map = {.name = "entry", .ncolumns = ENTRY_FIELDS, .columns = entry_columns, .types = entry_column_types};
TableMap	hold_map = {.name = "hold", .ncolumns = HOLD_COLUMNS, .columns = hold_columns, .types = hold_types};

/*
 * Looking up, without a lock
 */

/* Set the two scan keys of account_pkey: member and program. */
static void
account_keys(ScanKeyData *keys, int64 member_id, int32 program_id)
{
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(member_id));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(program_id));
}

/*
 * Find the version of an account's row that a snapshot sees: its place and id;
 * false if it sees none.
 */
bool
find_account(Relation relation, int64 member_id, int32 program_id, Snapshot snapshot,
			 ItemPointer tid, int64 *id)
{
	ScanKeyData keys[2];
	TableScan	scan;
	bool		found;

	account_keys(keys, member_id, program_id);
	scan_begin(&scan, relation, &account_pkey, snapshot, keys, 2);
	found = scan_next(&scan, true);
	if (found)
	{
		bool		isnull;

		*tid = scan.slot->tts_tid;
		*id = DatumGetInt64(slot_getattr(scan.slot, account_map.attnums[ACCOUNT_ID], &isnull));
	}
	scan_end(&scan);
	return found;
}

/* The id of an account, not locked; 0 if there is none. */
int64
account_id(int64 member_id, int32 program_id)
{
	Relation	relation = table_map_open(&account_map, AccessShareLock);
	ItemPointerData tid;
	int64		id;

	if (!find_account(relation, member_id, program_id, GetLatestSnapshot(), &tid, &id))
		id = 0;
	table_close(relation, AccessShareLock);
	return id;
}

/* Does a locked row belong to the account that was asked for? */
bool
slot_is_account(TupleTableSlot *slot, int64 member_id, int32 program_id)
{
	bool		isnull;

	return DatumGetInt64(slot_getattr(slot, account_map.attnums[ACCOUNT_MEMBER_ID], &isnull)) == member_id &&
		DatumGetInt32(slot_getattr(slot, account_map.attnums[ACCOUNT_PROGRAM_ID], &isnull)) == program_id;
}

/*
 * Rows to structs and back
 */

/* Decode a hold's row into the current memory context; invalid values are reported to faults. */
static Hold *
hold_from_slot(TupleTableSlot *slot, Faults *faults)
{
	Datum		values[HOLD_COLUMNS];
	bool		nulls[HOLD_COLUMNS];
	Hold	   *hold = palloc0(sizeof(Hold));

	table_get(&hold_map, slot, values, nulls);
	faults->table = "hold";
	faults->account_id = DatumGetInt64(values[HOLD_ACCOUNT_ID]);
	faults->seq = DatumGetInt64(values[HOLD_SEQ]);
	row_check(hold_domains, hold_columns, HOLD_COLUMNS, values, nulls, faults);
	hold->seq = DatumGetInt64(values[HOLD_SEQ]);
	hold->ref = TextDatumGetCString(values[HOLD_REF]);
	hold->until = DatumGetTimestampTz(values[HOLD_UNTIL]);
	hold->points = DatumGetInt64(values[HOLD_POINTS]);
	lots_decode(DatumGetLots(values[HOLD_LOTS]), &hold->lots);
	hold->tid = slot->tts_tid;
	return hold;
}

/* Load the account's open holds that a snapshot sees, in the order of their entries. */
static void
get_holds(Account *account, Relation relation, Snapshot snapshot, Faults *faults)
{
	ScanKeyData key;
	TableScan	scan;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account->id));
	scan_begin(&scan, relation, &hold_pkey, snapshot, &key, 1);
	while (scan_next(&scan, true))
		account->holds = lappend(account->holds, hold_from_slot(scan.slot, faults));
	scan_end(&scan);
}

#define date_or(column, none) (nulls[column] ? (none) : DatumGetDateADT(values[column]))

/*
 * Copy the tier's columns and the lifetime figures of a row into an account. A
 * NULL day becomes DATEVAL_NOEND, or DATEVAL_NOBEGIN for last_order_on.
 */
static void
get_status(Account *account, const Datum *values, const bool *nulls)
{
	account->tier = take_text(values, nulls, ACCOUNT_TIER);
	account->computed_tier = take_text(values, nulls, ACCOUNT_COMPUTED_TIER);
	account->computed_last_day = date_or(ACCOUNT_COMPUTED_LAST_DAY, DATEVAL_NOEND);
	account->reached_on = date_or(ACCOUNT_REACHED_ON, DATEVAL_NOEND);
	account->before_tier = take_text(values, nulls, ACCOUNT_BEFORE_TIER);
	account->before_last_day = date_or(ACCOUNT_BEFORE_LAST_DAY, DATEVAL_NOEND);
	account->grants = nulls[ACCOUNT_GRANTS] ? NIL : grants_from_json(values[ACCOUNT_GRANTS]);
	account->tallied = DatumGetBool(values[ACCOUNT_TALLIED]);
	account->tallies_since = DATEVAL_NOEND;
	account->last_order_on = date_or(ACCOUNT_LAST_ORDER_ON, DATEVAL_NOBEGIN);
	account->orders = DatumGetInt64(values[ACCOUNT_ORDERS]);
	account->earned = DatumGetInt64(values[ACCOUNT_EARNED]);
	account->spend = DatumGetNumericCopy(values[ACCOUNT_SPEND]);
}

/*
 * Copy the other columns of a row into an account; lots that cannot be decoded
 * are reported to faults.
 */
static void
get_account(Account *account, const Datum *values, const bool *nulls, Faults *faults)
{
	struct varlena *hash = PG_DETOAST_DATUM_PACKED(values[ACCOUNT_HASH]);

	account->id = DatumGetInt64(values[ACCOUNT_ID]);
	account->member_id = DatumGetInt64(values[ACCOUNT_MEMBER_ID]);
	account->program_id = DatumGetInt32(values[ACCOUNT_PROGRAM_ID]);
	account->due_at = DatumGetTimestampTz(values[ACCOUNT_DUE_AT]);
	account->opened_at = DatumGetTimestampTz(values[ACCOUNT_OPENED_AT]);
	account->frozen = nulls[ACCOUNT_FROZEN] ? FREEZE_NONE :
		freeze_mode(TextDatumGetCString(values[ACCOUNT_FROZEN]));
	account->frozen_until = nulls[ACCOUNT_FROZEN_UNTIL] ? DT_NOEND :
		DatumGetTimestampTz(values[ACCOUNT_FROZEN_UNTIL]);
	account->inactive_months = nulls[ACCOUNT_INACTIVE_MONTHS] ? -1 :
		DatumGetInt32(values[ACCOUNT_INACTIVE_MONTHS]);
	account->inactive_on = nulls[ACCOUNT_INACTIVE_ON] ? LOT_NEVER :
		DatumGetDateADT(values[ACCOUNT_INACTIVE_ON]);
	account->clock = DatumGetTimestampTz(values[ACCOUNT_CLOCK]);
	account->clock_on = DatumGetDateADT(values[ACCOUNT_CLOCK_ON]);
	account->seq = DatumGetInt64(values[ACCOUNT_SEQ]);
	account->balance = DatumGetInt64(values[ACCOUNT_BALANCE]);
	account->usable = DatumGetInt64(values[ACCOUNT_USABLE]);
	account->debt = DatumGetInt64(values[ACCOUNT_DEBT]);
	account->held = DatumGetInt64(values[ACCOUNT_HELD]);
	account->written_off = DatumGetInt64(values[ACCOUNT_WRITTEN_OFF]);
	memcpy(account->hash, VARDATA_ANY(hash), CHAIN_BYTES);
	if (!lots_read(DatumGetLots(values[ACCOUNT_LOTS]), &account->lots))
		fault_report(faults, ACCOUNT_LOTS, account_columns[ACCOUNT_LOTS],
					 field_text(DOMAIN_LOTS, values[ACCOUNT_LOTS]), "lots");
}

/*
 * Report columns that contradict each other: only one of inactive_on and
 * inactive_months is set, or the balance is not lots + held - debt.
 */
static void
check_account(const Account *account, const bool *nulls, Faults *faults)
{
	int64		points = lots_total(&account->lots) + account->held;

	if (nulls[ACCOUNT_INACTIVE_ON] != nulls[ACCOUNT_INACTIVE_MONTHS])
		fault_report(faults, ACCOUNT_INACTIVE_ON, account_columns[ACCOUNT_INACTIVE_ON],
					 nulls[ACCOUNT_INACTIVE_ON] ? "none" : field_text(DOMAIN_PERIOD, DateADTGetDatum(account->inactive_on)),
					 nulls[ACCOUNT_INACTIVE_ON] ? "a day" : "none without inactive_months");
	if (points > MAX_BALANCE || account->balance != points - account->debt)
		fault_report(faults, ACCOUNT_BALANCE, account_columns[ACCOUNT_BALANCE], psprintf(INT64_FORMAT, account->balance),
					 psprintf("lots + held - debt: " INT64_FORMAT, points - account->debt));
}

/*
 * Make an account, with its holds, from a row, in the current memory context.
 * The program is NULL if it no longer exists; only verify accepts that.
 */
Account *
account_with_faults(TupleTableSlot *slot, const Program *program, Snapshot snapshot, Faults *faults)
{
	Account    *account = palloc0(sizeof(Account));
	Datum		values[ACCOUNT_COLUMNS];
	bool		nulls[ACCOUNT_COLUMNS];

	table_get(&account_map, slot, values, nulls);
	faults->table = "row";
	faults->account_id = DatumGetInt64(values[ACCOUNT_ID]);
	faults->seq = 0;
	row_check(account_domains, account_columns, ACCOUNT_COLUMNS, values, nulls, faults);
	get_account(account, values, nulls, faults);
	get_status(account, values, nulls);
	check_account(account, nulls, faults);
	account->program = program;
	account->book = program ? program->book : NULL;
	account->snapshot = snapshot;
	account->matured_on = account->clock_on;
	account->zone = program ? program->zone : pg_tzset("UTC");
	account->context = CurrentMemoryContext;
	account->tid = slot->tts_tid;
	if (account->held > 0)
	{
		Relation	relation = table_map_open(&hold_map, AccessShareLock);

		get_holds(account, relation, snapshot, faults);
		table_close(relation, AccessShareLock);
	}
	Assert(faults->count > 0 || account_is_sound(account));
	return account;
}

/* Make an account, with its holds, from a row; any invalid value raises an error (LY_DAMAGED). */
Account *
account_from_slot(TupleTableSlot *slot, const Program *program, Snapshot snapshot)
{
	Faults		refused = faults_refused();

	return account_with_faults(slot, program, snapshot, &refused);
}

/* Read an account as a snapshot sees it; NULL if the snapshot sees none. */
Account *
account_read_with_faults(int64 member_id, int32 program_id, const Program *program,
						 Snapshot snapshot, Faults *faults)
{
	Relation	relation = table_map_open(&account_map, AccessShareLock);
	ScanKeyData keys[2];
	TableScan	scan;
	Account    *account = NULL;

	account_keys(keys, member_id, program_id);
	scan_begin(&scan, relation, &account_pkey, snapshot, keys, 2);
	if (scan_next(&scan, true))
		account = account_with_faults(scan.slot, program, snapshot, faults);
	scan_end(&scan);
	table_close(relation, AccessShareLock);
	return account;
}

/* The same; any invalid value raises an error (LY_DAMAGED). */
Account *
account_read(int64 member_id, const Program *program, Snapshot snapshot)
{
	Faults		refused = faults_refused();

	return account_read_with_faults(member_id, program->id, program, snapshot, &refused);
}

/*
 * Put the tier's columns and the lifetime figures into the values of a row; the
 * inverse of get_status.
 */
static void
put_status(const Account *account, Datum *values, bool *nulls)
{
	put_text(values, nulls, ACCOUNT_TIER, account->tier);
	put_text(values, nulls, ACCOUNT_COMPUTED_TIER, account->computed_tier);
	put_date(values, nulls, ACCOUNT_COMPUTED_LAST_DAY, account->computed_last_day);
	put_date(values, nulls, ACCOUNT_REACHED_ON, account->reached_on);
	put_text(values, nulls, ACCOUNT_BEFORE_TIER, account->before_tier);
	put_date(values, nulls, ACCOUNT_BEFORE_LAST_DAY, account->before_last_day);
	nulls[ACCOUNT_GRANTS] = account->grants == NIL;
	if (account->grants)
		values[ACCOUNT_GRANTS] = grants_to_json(account->grants);
	values[ACCOUNT_TALLIED] = BoolGetDatum(account->tallied);
	put_date(values, nulls, ACCOUNT_LAST_ORDER_ON, account->last_order_on);
	values[ACCOUNT_ORDERS] = Int64GetDatum(account->orders);
	values[ACCOUNT_EARNED] = Int64GetDatum(account->earned);
	values[ACCOUNT_SPEND] = NumericGetDatum(account->spend);
}

/* Assert that an account is sound, and put it into a slot as a row. */
void
put_account(const Account *account, TupleTableSlot *slot)
{
	Datum		values[ACCOUNT_COLUMNS];
	bool		nulls[ACCOUNT_COLUMNS] = {0};
	bytea	   *hash = palloc(VARHDRSZ + CHAIN_BYTES);

	Assert(account_is_sound(account));
	Assert(account->debt == 0 || account->usable == 0);
	SET_VARSIZE(hash, VARHDRSZ + CHAIN_BYTES);
	memcpy(VARDATA(hash), account->hash, CHAIN_BYTES);
	values[ACCOUNT_ID] = Int64GetDatum(account->id);
	values[ACCOUNT_MEMBER_ID] = Int64GetDatum(account->member_id);
	values[ACCOUNT_PROGRAM_ID] = Int32GetDatum(account->program_id);
	values[ACCOUNT_DUE_AT] = TimestampTzGetDatum(account->due_at);
	values[ACCOUNT_OPENED_AT] = TimestampTzGetDatum(account->opened_at);
	nulls[ACCOUNT_FROZEN] = account->frozen == FREEZE_NONE;
	values[ACCOUNT_FROZEN] = nulls[ACCOUNT_FROZEN] ? (Datum) 0 :
		CStringGetTextDatum(freeze_label(account->frozen));
	nulls[ACCOUNT_FROZEN_UNTIL] = account->frozen_until == DT_NOEND;
	values[ACCOUNT_FROZEN_UNTIL] = TimestampTzGetDatum(account->frozen_until);
	nulls[ACCOUNT_INACTIVE_MONTHS] = account->inactive_months < 0;
	values[ACCOUNT_INACTIVE_MONTHS] = Int32GetDatum(account->inactive_months);
	nulls[ACCOUNT_INACTIVE_ON] = account->inactive_months < 0;
	values[ACCOUNT_INACTIVE_ON] = DateADTGetDatum(account->inactive_on);
	values[ACCOUNT_CLOCK] = TimestampTzGetDatum(account->clock);
	values[ACCOUNT_CLOCK_ON] = DateADTGetDatum(account->clock_on);
	values[ACCOUNT_SEQ] = Int64GetDatum(account->seq);
	values[ACCOUNT_BALANCE] = Int64GetDatum(account->balance);
	values[ACCOUNT_USABLE] = Int64GetDatum(account->usable);
	values[ACCOUNT_DEBT] = Int64GetDatum(account->debt);
	values[ACCOUNT_HELD] = Int64GetDatum(account->held);
	values[ACCOUNT_WRITTEN_OFF] = Int64GetDatum(account->written_off);
	values[ACCOUNT_HASH] = PointerGetDatum(hash);
	values[ACCOUNT_LOTS] = PointerGetDatum(lots_encode(&account->lots));
	put_status(account, values, nulls);
	table_put(&account_map, slot, values, nulls);
}

void
put_hold(const Account *account, const Hold *hold, TupleTableSlot *slot)
{
	Datum		values[HOLD_COLUMNS];
	bool		nulls[HOLD_COLUMNS] = {0};

	values[HOLD_ACCOUNT_ID] = Int64GetDatum(account->id);
	values[HOLD_SEQ] = Int64GetDatum(hold->seq);
	values[HOLD_UNTIL] = TimestampTzGetDatum(hold->until);
	values[HOLD_POINTS] = Int64GetDatum(hold->points);
	values[HOLD_REF] = CStringGetTextDatum(hold->ref);
	values[HOLD_LOTS] = PointerGetDatum(lots_encode(&hold->lots));
	table_put(&hold_map, slot, values, nulls);
}

/* Copy an entry from a row as it is stored, without any check, into the current memory context. */
Entry *
entry_as_stored(TupleTableSlot *slot)
{
	TupleDesc	tupdesc = slot->tts_tupleDescriptor;
	HeapTuple	copy = ExecCopySlotHeapTuple(slot);
	Datum	   *columns = palloc(tupdesc->natts * sizeof(Datum));
	bool	   *missing = palloc(tupdesc->natts * sizeof(bool));
	Datum		values[ENTRY_FIELDS];
	bool		nulls[ENTRY_FIELDS];

	heap_deform_tuple(copy, tupdesc, columns, missing);
	for (int i = 0; i < ENTRY_FIELDS; i++)
	{
		values[i] = columns[entry_map.attnums[i] - 1];
		nulls[i] = missing[entry_map.attnums[i] - 1];
	}
	return entry_from_values(values, nulls);
}

/*
 * Make a checked entry from a stored one: invalid values are reported, and
 * replaced by neutral values or NULL. strictly: a field that the entry's kind
 * does not have is reported, too.
 */
Entry *
entry_with_faults(const Entry *stored, bool strictly, Faults *faults)
{
	Entry	   *entry = entry_from_values(stored->values, stored->nulls);

	faults->table = "entry";
	faults->account_id = DatumGetInt64(stored->values[ENTRY_ACCOUNT_ID]);
	faults->seq = entry_seq(stored);
	entry_check(entry, strictly, faults);
	entry_decode_lots(entry);
	Assert(faults->count > 0 || entry_is_sound(entry, strictly));
	return entry;
}

/* Read an entry from a row, not strictly; any invalid value raises an error (LY_DAMAGED). */
Entry *
entry_from_slot(TupleTableSlot *slot)
{
	Faults		refused = faults_refused();

	return entry_with_faults(entry_as_stored(slot), false, &refused);
}

/*
 * Get due_at and the three ids of an account's row, without decoding the rest.
 * The sweep reads rows that the index on due_at returned in this way.
 */
void
account_due(TupleTableSlot *slot, TimestampTz *due_at, int64 *id, int64 *member_id,
			int32 *program_id)
{
	bool		isnull;

	*due_at = DatumGetTimestampTz(slot_getattr(slot, account_map.attnums[ACCOUNT_DUE_AT], &isnull));
	*id = DatumGetInt64(slot_getattr(slot, account_map.attnums[ACCOUNT_ID], &isnull));
	*member_id = DatumGetInt64(slot_getattr(slot, account_map.attnums[ACCOUNT_MEMBER_ID], &isnull));
	*program_id = DatumGetInt32(slot_getattr(slot, account_map.attnums[ACCOUNT_PROGRAM_ID], &isnull));
}

/* Get the account, the number and the time of an entry; false if one of these columns is NULL. */
bool
entry_when(TupleTableSlot *slot, int64 *account_id, int64 *seq, TimestampTz *at)
{
	bool		missing[3];

	*account_id = DatumGetInt64(slot_getattr(slot, entry_map.attnums[ENTRY_ACCOUNT_ID], &missing[0]));
	*seq = DatumGetInt64(slot_getattr(slot, entry_map.attnums[ENTRY_SEQ], &missing[1]));
	*at = DatumGetTimestampTz(slot_getattr(slot, entry_map.attnums[ENTRY_AT], &missing[2]));
	return !missing[0] && !missing[1] && !missing[2];
}

/* Is an entry a purchase or an activity? */
bool
entry_is_event(TupleTableSlot *slot)
{
	bool		isnull;
	Kind		kind = DatumGetKind(slot_getattr(slot, entry_map.attnums[ENTRY_KIND], &isnull));

	return !isnull && kind_has(kind, KIND_BY_RULES);
}

/*
 * Is an entry's kind in a set?  An invalid kind, which only damage can cause,
 * counts as a match, so that reading the entry reports it.
 */
bool
entry_is_of(TupleTableSlot *slot, uint32 kinds)
{
	bool		isnull;
	Kind		kind = DatumGetKind(slot_getattr(slot, entry_map.attnums[ENTRY_KIND], &isnull));

	return isnull || kind > KIND_LAST || (kinds & kind_set(kind)) != 0;
}

/*
 * Get an account's figures directly from its row, as of a time.  Returns false
 * if the row cannot answer: there is none, something has become due by then,
 * the account's clock is later, or a column is NULL (damage).
 */
bool
account_figures(int64 member_id, int32 program_id, Snapshot snapshot, TimestampTz at,
				int64 *balance, int64 *usable, int64 *debt, int64 *held)
{
	static const AccountColumn columns[] = {ACCOUNT_BALANCE, ACCOUNT_USABLE, ACCOUNT_DEBT, ACCOUNT_HELD};
	int64	   *figures[] = {balance, usable, debt, held};
	Relation	relation = table_map_open(&account_map, AccessShareLock);
	const AttrNumber *attnums = account_map.attnums;
	ScanKeyData keys[2];
	TableScan	scan;
	bool		isnull;
	bool		found;

	account_keys(keys, member_id, program_id);
	scan_begin(&scan, relation, &account_pkey, snapshot, keys, 2);
	found = scan_next(&scan, true) &&
			DatumGetTimestampTz(slot_getattr(scan.slot, attnums[ACCOUNT_DUE_AT], &isnull)) > at && !isnull &&
			DatumGetTimestampTz(slot_getattr(scan.slot, attnums[ACCOUNT_CLOCK], &isnull)) <= at && !isnull;
	for (int i = 0; found && i < lengthof(columns); i++)
	{
		*figures[i] = DatumGetInt64(slot_getattr(scan.slot, attnums[columns[i]], &isnull));
		found = !isnull;
	}
	scan_end(&scan);
	table_close(relation, AccessShareLock);
	return found;
}
