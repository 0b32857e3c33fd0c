/*
 * reads.c
 *	  Balances and lots, now and as of any time (S27, S28).  What is due is
 *	  settled in memory, so the figures are right although nothing is posted.
 *
 * All functions read with the snapshot of the calling statement.
 */
#include "loyalty.h"

#include "access/table.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "account_row.h"
#include "calendar.h"
#include "ledger.h"
#include "member.h"
#include "posting.h"
#include "reads.h"
#include "replay.h"
#include "result.h"
#include "window.h"

/* What an account had at a time. */
typedef struct Standing
{
	int64		balance;
	int64		usable;
	int64		held;
	int64		debt;
} Standing;

static Standing
standing_of(const Account *account)
{
	return (Standing) {account->balance, account->usable, account->held, account->debt};
}

/*
 * The past: entries whose clock is at or before T
 */

/* Read an entry of an account by its number; a missing one is an error (LY_DAMAGED). */
static Entry *
read_entry(Relation relation, int64 account, int64 seq, Snapshot snapshot)
{
	ScanKeyData keys[2];
	TableScan	scan;
	Entry	   *entry = NULL;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(seq));
	scan_begin(&scan, relation, &entry_pkey, snapshot, keys, 2);
	if (scan_next(&scan, true))
		entry = entry_from_slot(scan.slot);
	scan_end(&scan);
	if (entry == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_LY_DAMAGED),
				 errmsg("account " INT64_FORMAT " has no entry " INT64_FORMAT, account, seq),
				 errhint("Run loyalty.verify().")));
	return entry;
}

/* The last entry that had taken effect by a time, by binary search; NULL if there is none. */
static Entry *
last_entry_by(const Account *account, TimestampTz at, Snapshot snapshot)
{
	Relation	relation = table_map_open(&entry_map, AccessShareLock);
	int64		low = 0;
	int64		high = account->seq;
	Entry	   *last = NULL;

	while (low < high)
	{
		int64		middle = low + (high - low + 1) / 2;
		Entry	   *entry = read_entry(relation, account->id, middle, snapshot);

		if (entry_clock(entry) <= at)
		{
			low = middle;
			last = entry;
		}
		else
			high = middle - 1;
	}
	table_close(relation, AccessShareLock);
	return last;
}

/* The standing at a time before the account's clock. */
static Standing
standing_past(const Account *account, TimestampTz at, Snapshot snapshot)
{
	Entry	   *entry = last_entry_by(account, at, snapshot);
	Standing	standing = {0};

	if (entry == NULL)
		return standing;
	standing.balance = entry_points(entry, ENTRY_BALANCE);
	standing.usable = entry_points(entry, ENTRY_USABLE);
	standing.held = entry_points(entry, ENTRY_HELD);
	standing.debt = entry_points(entry, ENTRY_DEBT);
	return standing;
}

/* Replay an account up to a time before its clock. */
static Account *
account_past(const Account *account, TimestampTz at, Snapshot snapshot)
{
	Relation	relation = table_map_open(&entry_map, AccessShareLock);
	Replay	   *replay = palloc(sizeof(Replay));
	ScanKeyData key;
	TableScan	scan;

	replay_init(replay, account->id, account->zone);
	replay->counts = true;
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account->id));
	scan_begin(&scan, relation, &entry_pkey, snapshot, &key, 1);
	while (scan_next(&scan, true))
	{
		Entry	   *entry = replay_understand(replay, entry_as_stored(scan.slot));

		CHECK_FOR_INTERRUPTS();
		if (entry_clock(entry) > at)
			break;
		replay_entry(replay, entry);
	}
	scan_end(&scan);
	table_close(relation, AccessShareLock);
	replay->account.member_id = account->member_id;
	replay->account.program = account->program;
	replay->account.book = account->book;
	return &replay->account;
}

/* Settle an account in memory up to a time; nothing is written. */
static void
settle_reading(Account *account, TimestampTz at, Snapshot snapshot)
{
	account->reading = true;
	if (account->written_off > 0 && account->held > 0)
	{
		Relation	relation = table_map_open(&entry_map, AccessShareLock);

		account_load_write_offs(account, relation, snapshot);
		table_close(relation, AccessShareLock);
	}
	account_settle(account, at);
}

/*
 * An account as of a time, settled up to it.  The account that is passed may be
 * changed, and returned.
 */
Account *
account_at(Account *account, TimestampTz at, Snapshot snapshot)
{
	if (at < account->clock)
		return account_past(account, at, snapshot);
	if (account->due_at <= at)
		settle_reading(account, at, snapshot);
	return account;
}

/* The tier in force at a time; the account must be settled at least up to that time. */
char *
account_tier_at(Account *account, TimestampTz at, Snapshot snapshot)
{
	Entry	   *entry;

	if (at >= account->clock || !account_has_tiers(account))
		return account->tier;
	entry = last_entry_by(account, at, snapshot);
	return entry == NULL || entry->nulls[ENTRY_TIER] ? NULL :
		TextDatumGetCString(entry->values[ENTRY_TIER]);
}

/* Is the tier of an entry the tier that the account has? */
static bool
same_tier(const Account *account, const Entry *entry)
{
	char	   *tier = entry->nulls[ENTRY_TIER] ? NULL : TextDatumGetCString(entry->values[ENTRY_TIER]);

	return account->tier && tier ? strcmp(account->tier, tier) == 0 : account->tier == tier;
}

/* Since when an account, as of a time, has had its tier without interruption. */
TimestampTz
account_tier_since(const Account *account, TimestampTz at, Snapshot snapshot)
{
	Relation	relation = table_map_open(&entry_map, AccessShareLock);
	TimestampTz since = account->opened_at;
	ScanKeyData key;
	TableScan	scan;
	bool		found = false;

	/* entries that were settled in memory are the last ones */
	for (int i = list_length(account->entries) - 1; i >= 0 && !found; i--)
	{
		const Entry *entry = list_nth(account->entries, i);

		found = !same_tier(account, entry);
		if (!found)
			since = entry_clock(entry);
	}
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account->id));
	scan_begin(&scan, relation, &entry_pkey, snapshot, &key, 1);
	while (!found && scan_next(&scan, false))
	{
		Entry	   *entry = entry_from_slot(scan.slot);

		CHECK_FOR_INTERRUPTS();
		if (entry_clock(entry) > at)
			continue;
		found = !same_tier(account, entry);
		if (!found)
			since = entry_clock(entry);
	}
	scan_end(&scan);
	table_close(relation, AccessShareLock);
	return since;
}

/*
 * Reads of many accounts warn of damaged accounts, and go on without them.
 */

/*
 * Warn of a damaged account that is left out, or of whose entries those from
 * seq on are (0: all of it).
 */
void
reads_warn_damaged(int64 account_id, int64 seq)
{
	ereport(WARNING,
			(errcode(ERRCODE_LY_DAMAGED),
			 seq != 0 ?
			 errmsg("account " INT64_FORMAT " is corrupted at entry " INT64_FORMAT "; its later entries are left out",
					account_id, seq) :
			 errmsg("account " INT64_FORMAT " is corrupted and is left out", account_id),
			 errhint("Run loyalty.verify().")));
}

/* Report function that warns of the account at its first fault. */
static void
warn(Faults *faults, int column, const char *name, const char *stored, const char *expected)
{
	if (faults->count == 1)
		reads_warn_damaged(faults->account_id, 0);
}

/* Make a Faults that warns at the first fault, and lets the read go on. */
Faults
faults_warned(void)
{
	return (Faults) {.report = warn};
}

/*
 * Arguments
 */

/*
 * The program in an argument; the default one if it is NULL.  Like a posting, a
 * read sees what others have committed of the configuration, even within a long
 * transaction.  If such a transaction holds all its locks already, nothing else
 * would process the invalidation messages.
 */
const Program *
program_argument(FunctionCallInfo fcinfo, int argument)
{
	AcceptInvalidationMessages();
	return PG_ARGISNULL(argument) ? program_default() :
		program_by_code(text_to_cstring(PG_GETARG_TEXT_PP(argument)));
}

/*
 * Read the account of a member's key.  A missing key, member or account is an
 * error; invalid values are reported to faults.
 */
static Account *
account_of_key(const char *key, const Program *program, Snapshot snapshot, Faults *faults)
{
	int64		id;
	Account    *account;

	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("member must not be NULL")));
	id = member_id(key);
	if (id == 0)
		member_unknown(key);
	account = account_read_with_faults(id, program->id, program, snapshot, faults);
	if (account == NULL)
		posting_not_enrolled(key, program);
	return account;
}

/* The same; any invalid value raises an error (LY_DAMAGED). */
static Account *
account_of(const char *key, const Program *program, Snapshot snapshot)
{
	Faults		refused = faults_refused();

	return account_of_key(key, program, snapshot, &refused);
}

static char *
key_argument(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

/* Read the account of the member in an argument; it is an error if it is missing or damaged. */
Account *
account_argument(FunctionCallInfo fcinfo, int argument, const Program *program, Snapshot snapshot)
{
	return account_of(key_argument(fcinfo, argument), program, snapshot);
}

/* The same; if the account is damaged, the result is NULL, with a warning. */
Account *
account_argument_if_sound(FunctionCallInfo fcinfo, int argument, const Program *program, Snapshot snapshot)
{
	Faults		faults = faults_warned();
	Account    *account = account_of_key(key_argument(fcinfo, argument), program, snapshot, &faults);

	return faults.count > 0 ? NULL : account;
}

/* The time in an argument; the server's current time if it is NULL. */
TimestampTz
time_argument(FunctionCallInfo fcinfo, int argument)
{
	TimestampTz at = PG_ARGISNULL(argument) ? GetCurrentTimestamp() : PG_GETARG_TIMESTAMPTZ(argument);

	if (!calendar_instant_in_range(at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("at out of range"),
				 errdetail("Times must be within the years %d to %d.",
						   CALENDAR_FIRST_YEAR, CALENDAR_LAST_YEAR)));
	return at;
}


/* Make the result row: balance, usable, pending, held, debt. */
static Datum
form_standing(FunctionCallInfo fcinfo, Standing standing)
{
	TupleDesc	tupdesc = result_tupdesc(fcinfo);
	Datum		values[5];
	bool		nulls[5] = {false};

	values[0] = Int64GetDatum(standing.balance);
	values[1] = Int64GetDatum(standing.usable);
	values[2] = Int64GetDatum(standing.balance - standing.usable - standing.held + standing.debt);
	values[3] = Int64GetDatum(standing.held);
	values[4] = Int64GetDatum(standing.debt);
	return HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls));
}

/*
 * The standing at a time: from the journal if the time is before the account's
 * clock, else by settling.
 */
static Standing
standing_at(Account *account, TimestampTz at, Snapshot snapshot)
{
	if (at < account->clock)
		return standing_past(account, at, snapshot);
	if (account->due_at <= at)
		settle_reading(account, at, snapshot);
	return standing_of(account);
}

/*
 * Get the standing from an account's row.  Returns false if the row cannot
 * answer, because something has become due since, or because the time is before
 * the account's clock.
 */
static bool
standing_in_row(FunctionCallInfo fcinfo, const Program *program, Snapshot snapshot,
				TimestampTz at, Standing *standing)
{
	char	   *key = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int64		id = member_id(key);

	if (id == 0)
		member_unknown(key);
	return account_figures(id, program->id, snapshot, at, &standing->balance,
						   &standing->usable, &standing->debt, &standing->held);
}

/* balance(member, at, program) */
PG_FUNCTION_INFO_V1(read_balance);
Datum
read_balance(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = GetActiveSnapshot();
	const Program *program = program_argument(fcinfo, 2);
	TimestampTz at = time_argument(fcinfo, 1);
	Standing	standing;

	if (PG_ARGISNULL(0) || !standing_in_row(fcinfo, program, snapshot, at, &standing))
		standing = standing_at(account_argument(fcinfo, 0, program, snapshot), at, snapshot);
	return form_standing(fcinfo, standing);
}

/*
 * Read an account by the ids of its member and program, for views; NULL if
 * there is none, or if it is damaged.  A view runs functions with the
 * privileges of its reader, and a DBA's own views may be in between.  So these
 * functions are open to PUBLIC, and require the hash of the account, which only
 * those who may read the account's row can know.
 */
Account *
account_by_ids(FunctionCallInfo fcinfo, Snapshot snapshot)
{
	int32		program_id = PG_GETARG_INT32(1);
	struct varlena *hash = PG_GETARG_VARLENA_PP(2);
	Faults		faults = faults_warned();
	Account    *account;

	AcceptInvalidationMessages();
	account = account_read_with_faults(PG_GETARG_INT64(0), program_id, program_by_id(program_id),
									   snapshot, &faults);
	if (account == NULL || faults.count > 0)
		return NULL;
	if (VARSIZE_ANY_EXHDR(hash) != CHAIN_BYTES || memcmp(VARDATA_ANY(hash), account->hash, CHAIN_BYTES) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for account " INT64_FORMAT, account->id),
				 errdetail("The given hash is not the hash of its last entry."),
				 errhint("Query the views balances, lots_open, points_expiring and statements instead.")));
	return account;
}

/*
 * account_standing(member_id, program_id, hash, at): the figures of balance(),
 * by ids, for views.
 */
PG_FUNCTION_INFO_V1(read_standing);
Datum
read_standing(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = GetActiveSnapshot();
	Account    *account = account_by_ids(fcinfo, snapshot);

	if (account == NULL)
		PG_RETURN_NULL();
	return form_standing(fcinfo, standing_at(account, time_argument(fcinfo, 3), snapshot));
}

/*
 * Lots
 */

/* The held points of a lot, in all open holds. */
static int64
held_of(const Account *account, const Lot *key)
{
	int64		held = 0;
	ListCell   *cell;

	foreach(cell, account->holds)
	{
		const Hold *hold = lfirst(cell);

		if (!hold->ended)
			held += lots_points_of(&hold->lots, key);
	}
	return held;
}

/* All keys that have free or held points, in order of use. */
static void
gather_keys(const Account *account, LotQueue *keys)
{
	ListCell   *cell;

	lots_init(keys);
	lots_add_all(keys, &account->lots);
	foreach(cell, account->holds)
	{
		const Hold *hold = lfirst(cell);

		if (!hold->ended)
			lots_add_all(keys, &hold->lots);
	}
}

/*
 * Set the columns that show a lot, with its free and its held points.  An
 * infinite date is shown as NULL.
 */
void
lot_columns(const Lot *lot, int64 points, int64 held, LotDay day, pg_tz *zone, Datum *values,
			bool *nulls)
{
	DateADT		last_day = lot_last_day(lot, day);
	bool		ends = last_day < LOYALTY_DATE_NOEND;
	bool		waits = lot->usable_from == LOT_UNCONFIRMED;

	values[0] = DateADTGetDatum(last_day);
	nulls[0] = nulls[7] = !ends;
	values[1] = DateADTGetDatum(lot->earned);
	values[2] = DateADTGetDatum(lot->usable_from);
	nulls[2] = waits;
	values[3] = Int32GetDatum(lot->issuer);
	values[4] = Int64GetDatum(points);
	values[5] = Int64GetDatum(held);
	values[6] = CStringGetTextDatum(lot_matured(lot, day) ? "usable" : "pending");
	values[7] = TimestampTzGetDatum(calendar_day_end(last_day, zone));
	values[8] = BoolGetDatum(!ends && !waits);
}

/* Return a row for each lot with free or held points. */
static void
put_lots(ReturnSetInfo *rsinfo, const Account *account)
{
	LotQueue	keys;

	gather_keys(account, &keys);
	for (int i = 0; i < keys.count; i++)
	{
		const Lot  *key = &keys.lots[i];
		Datum		values[LOT_COLUMNS];
		bool		nulls[LOT_COLUMNS] = {false};

		lot_columns(key, lots_points_of(&account->lots, key), held_of(account, key),
					account_day(account), account->zone, values, nulls);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

/* Return the lots of an account as of a time. */
static void
put_lots_at(FunctionCallInfo fcinfo, Account *account, TimestampTz at, Snapshot snapshot)
{
	account = account_at(account, at, snapshot);
	InitMaterializedSRF(fcinfo, 0);
	put_lots((ReturnSetInfo *) fcinfo->resultinfo, account);
}

/* lots(member, at, program) */
PG_FUNCTION_INFO_V1(read_lots);
Datum
read_lots(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = GetActiveSnapshot();
	const Program *program = program_argument(fcinfo, 2);
	Account    *account = account_argument(fcinfo, 0, program, snapshot);

	put_lots_at(fcinfo, account, time_argument(fcinfo, 1), snapshot);
	return (Datum) 0;
}

/* account_lots(member_id, program_id, hash, at): the rows of lots(), by ids, for views. */
PG_FUNCTION_INFO_V1(read_account_lots);
Datum
read_account_lots(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = GetActiveSnapshot();
	Account    *account = account_by_ids(fcinfo, snapshot);

	if (account != NULL)
		put_lots_at(fcinfo, account, time_argument(fcinfo, 3), snapshot);
	else
		InitMaterializedSRF(fcinfo, 0);
	return (Datum) 0;
}

/*
 * What has become due and is not settled yet
 */

/* account_due(member_id, program_id, hash, at): the entries that settling would post. */
PG_FUNCTION_INFO_V1(read_due);
Datum
read_due(PG_FUNCTION_ARGS)
{
	static const EntryField shown[] = {
		ENTRY_SEQ, ENTRY_AT, ENTRY_KIND, ENTRY_OF_REF, ENTRY_POINTS,
		ENTRY_BALANCE, ENTRY_USABLE, ENTRY_DEBT, ENTRY_HELD, ENTRY_TIER, ENTRY_CAUSE
	};
	Snapshot	snapshot = GetActiveSnapshot();
	Account    *account = account_by_ids(fcinfo, snapshot);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	if (account == NULL)
		return (Datum) 0;
	settle_reading(account, time_argument(fcinfo, 3), snapshot);
	foreach(cell, account->entries)
	{
		const Entry *entry = lfirst(cell);
		Datum		values[lengthof(shown)];
		bool		nulls[lengthof(shown)];

		for (int i = 0; i < lengthof(shown); i++)
		{
			values[i] = entry->values[shown[i]];
			nulls[i] = entry->nulls[shown[i]];
		}
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* present(): the server's current time. */
PG_FUNCTION_INFO_V1(read_present);
Datum
read_present(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(GetCurrentTimestamp());
}

/* program_named(program): the code of the program, or of the default one if it is NULL. */
PG_FUNCTION_INFO_V1(read_program_named);
Datum
read_program_named(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(program_argument(fcinfo, 0)->code));
}
