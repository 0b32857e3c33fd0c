/*
 * verify.c
 *	  Does an account follow from its journal, field by field (S30)?
 *
 * One snapshot, the statement's; nothing is locked or written.
 */
#include "loyalty.h"

#include "access/genam.h"
#include "access/table.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "account_row.h"
#include "calendar.h"
#include "grant.h"
#include "ledger.h"
#include "money.h"
#include "replay.h"
#include "tally.h"
#include "usage.h"

typedef struct Verification
{
	ReturnSetInfo *rsinfo;
	int64		account_id;
} Verification;

#define ACCOUNT_ROW PG_INT64_MIN	/* instead of an entry's number */

/* Return a difference as a row; the text "none" becomes NULL. */
static void
put_difference(Verification *verification, int64 seq, const char *field, const char *stored,
			   const char *expected)
{
	Datum		values[5];
	bool		nulls[5] = {false};

	values[0] = Int64GetDatum(verification->account_id);
	values[1] = Int64GetDatum(seq);
	nulls[1] = seq == ACCOUNT_ROW;
	values[2] = CStringGetTextDatum(field);
	values[3] = CStringGetTextDatum(stored);
	values[4] = CStringGetTextDatum(expected);
	nulls[3] = strcmp(stored, "none") == 0;
	nulls[4] = strcmp(expected, "none") == 0;
	tuplestore_putvalues(verification->rsinfo->setResult, verification->rsinfo->setDesc,
						 values, nulls);
}

static void
report_entry(void *state, int64 seq, const char *field, const char *stored, const char *expected)
{
	put_difference(state, seq, field, stored, expected);
}

/* Report function: a value in a row of the account is invalid. */
static void
report_fault(Faults *faults, int column, const char *name, const char *stored, const char *expected)
{
	Verification *verification = faults->state;

	verification->account_id = faults->account_id;
	if (strcmp(faults->table, "row") != 0)
		name = psprintf("%s.%s", faults->table, name);
	put_difference(verification, faults->seq != 0 ? faults->seq : ACCOUNT_ROW, name, stored, expected);
}

/*
 * The account's row against what replaying made of its entries
 */

static void
compare_number(Verification *verification, const char *field, int64 stored, int64 expected)
{
	if (stored != expected)
		put_difference(verification, ACCOUNT_ROW, field, psprintf(INT64_FORMAT, stored),
					   psprintf(INT64_FORMAT, expected));
}

static const char *
time_text(TimestampTz instant)
{
	return instant == DT_NOEND ? "none" : pstrdup(timestamptz_to_str(instant));
}

static void
compare_time(Verification *verification, const char *field, TimestampTz stored,
			 TimestampTz expected)
{
	if (stored != expected)
		put_difference(verification, ACCOUNT_ROW, field, time_text(stored), time_text(expected));
}

/* A day as text; a day that does not come is "none". */
static char *
date_text(DateADT day)
{
	char	   *text = palloc(CALENDAR_ISO_LENGTH + 1);

	if (!calendar_date_in_range(day))
		return pstrdup(day == LOT_NEVER ? "none" : "-infinity");
	calendar_print(day, text);
	return text;
}

static void
compare_date(Verification *verification, const char *field, DateADT stored, DateADT expected)
{
	if (stored != expected)
		put_difference(verification, ACCOUNT_ROW, field, date_text(stored), date_text(expected));
}

static char *
months_text(int32 months)
{
	return months < 0 ? pstrdup("none") : psprintf("%d", months);
}

static const char *
frozen_text(FreezeMode mode)
{
	return mode == FREEZE_NONE ? "none" : freeze_label(mode);
}

static void
compare_lots(Verification *verification, const char *field, const LotQueue *stored,
			 const LotQueue *expected)
{
	if (!lots_equal(stored, expected))
		put_difference(verification, ACCOUNT_ROW, field, lots_text(stored), lots_text(expected));
}

static char *
money_text(Numeric money)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(money)));
}

/* Grants as JSON text; NULL if there are none. */
static const char *
grants_text(List *grants)
{
	if (grants == NIL)
		return NULL;
	return DatumGetCString(DirectFunctionCall1(jsonb_out, grants_to_json(grants)));
}

static void
compare_text(Verification *verification, const char *field, const char *stored, const char *expected)
{
	if ((stored == NULL) != (expected == NULL) || (stored && strcmp(stored, expected) != 0))
		put_difference(verification, ACCOUNT_ROW, field, stored ? stored : "none", expected ? expected : "none");
}

/* Compare the tier's columns and the lifetime figures. */
static void
compare_status(Verification *verification, const Account *stored, const Account *expected)
{
	compare_text(verification, "tier", stored->tier, expected->tier);
	compare_text(verification, "computed_tier", stored->computed_tier, expected->computed_tier);
	compare_date(verification, "computed_last_day", stored->computed_last_day, expected->computed_last_day);
	compare_date(verification, "reached_on", stored->reached_on, expected->reached_on);
	compare_text(verification, "before_tier", stored->before_tier, expected->before_tier);
	compare_date(verification, "before_last_day", stored->before_last_day, expected->before_last_day);
	compare_text(verification, "grants", grants_text(stored->grants), grants_text(expected->grants));
	compare_number(verification, "orders", stored->orders, expected->orders);
	compare_number(verification, "earned", stored->earned, expected->earned);
	if (money_compare(stored->spend, expected->spend) != 0)
		put_difference(verification, ACCOUNT_ROW, "spend", money_text(stored->spend), money_text(expected->spend));
	compare_date(verification, "last_order_on", stored->last_order_on, expected->last_order_on);
}

/*
 * Check due_at, which is a lower bound: if it is too early, that costs a look;
 * if it is too late, events are settled too late.
 */
static void
compare_due(Verification *verification, const Account *stored, const Account *expected)
{
	TimestampTz due = account_next_due(expected);

	if (stored->due_at > due)
		put_difference(verification, ACCOUNT_ROW, "due_at", pstrdup(timestamptz_to_str(stored->due_at)),
					   psprintf("%s or before", pstrdup(timestamptz_to_str(due))));
}

/* Compare the lots.  If the replay cannot know them, they must at least add up to the balance. */
static void
compare_points(Verification *verification, const Account *stored, const Account *expected, bool known)
{
	int64		total = lots_total(&stored->lots);

	if (!known)
	{
		compare_number(verification, "lots", total, stored->balance - stored->held + stored->debt);
		return;
	}
	compare_number(verification, "written_off", stored->written_off, expected->written_off);
	compare_lots(verification, "lots", &stored->lots, &expected->lots);
	if (stored->program != NULL)
		compare_due(verification, stored, expected);
}

/* Compare the account's row with the result of the replay; compare_points compares the lots. */
static void
compare_accounts(Verification *verification, const Account *stored, const Account *expected)
{
	compare_number(verification, "seq", stored->seq, expected->seq);
	compare_number(verification, "balance", stored->balance, expected->balance);
	compare_number(verification, "usable", stored->usable, expected->usable);
	compare_number(verification, "debt", stored->debt, expected->debt);
	compare_number(verification, "held", stored->held, expected->held);
	compare_date(verification, "clock_on", stored->clock_on, expected->clock_on);
	compare_date(verification, "inactive_on", stored->inactive_on, expected->inactive_on);
	if (stored->inactive_months != expected->inactive_months)
		put_difference(verification, ACCOUNT_ROW, "inactive_months",
					   months_text(stored->inactive_months), months_text(expected->inactive_months));
	if (stored->frozen != expected->frozen)
		put_difference(verification, ACCOUNT_ROW, "frozen",
					   frozen_text(stored->frozen), frozen_text(expected->frozen));
	compare_time(verification, "frozen_until", stored->frozen_until, expected->frozen_until);
	compare_time(verification, "opened_at", stored->opened_at, expected->opened_at);
	compare_time(verification, "clock", stored->clock, expected->clock);
	compare_status(verification, stored, expected);
	if (memcmp(stored->hash, expected->hash, CHAIN_BYTES) != 0)
		put_difference(verification, ACCOUNT_ROW, "hash", "", "the last entry's");
}

/* Find the tally with the same day, activity and first day of counting; NULL if there is none. */
static const Tally *
same_tally(List *tallies, const Tally *tally)
{
	ListCell   *cell;

	foreach(cell, tallies)
	{
		const Tally *other = lfirst(cell);

		if (other->happened_on == tally->happened_on && other->counts_from == tally->counts_from &&
			strcmp(other->activity, tally->activity) == 0)
			return other;
	}
	return NULL;
}

/* A tally as text; "none" if it is NULL or empty. */
static char *
tally_text(const Tally *tally)
{
	if (tally == NULL || (tally->times == 0 && tally->points == 0 && money_is_zero(tally->spend)))
		return pstrdup("none");
	return psprintf("%s, %s: " INT64_FORMAT " times, " INT64_FORMAT " points, %s",
					date_text(tally->happened_on), tally->activity, tally->times, tally->points,
					money_text(tally->spend));
}

static void
compare_tally(Verification *verification, const Tally *stored, const Tally *expected)
{
	compare_text(verification, "tally", tally_text(stored), tally_text(expected));
}

/* Compare the stored tallies with those of the replay, in both directions. */
static void
compare_tallies(Verification *verification, const Account *stored, const Account *expected, Faults *faults)
{
	List	   *tallies;
	ListCell   *cell;

	if (!stored->tallied)
		return;
	tallies = tally_read_all(stored->id, stored->snapshot, faults);
	foreach(cell, tallies)
		compare_tally(verification, lfirst(cell), same_tally(expected->tallies, lfirst(cell)));
	foreach(cell, expected->tallies)
		if (same_tally(tallies, lfirst(cell)) == NULL)
			compare_tally(verification, NULL, lfirst(cell));
}

/* Usage as text; "none" if it is NULL or nothing was used. */
static char *
usage_text(const Usage *usage)
{
	if (usage == NULL || (usage->times == 0 && usage->points == 0))
		return pstrdup("none");
	return psprintf("counter " INT64_FORMAT ", period %s: " INT64_FORMAT " times, " INT64_FORMAT " points",
					usage->counter_id, date_text(usage->period_on), usage->times, usage->points);
}

/* Find the usage of the same counter and period; NULL if there is none. */
static const Usage *
same_usage(List *usages, const Usage *usage)
{
	ListCell   *cell;

	foreach(cell, usages)
	{
		const Usage *other = lfirst(cell);

		if (other->counter_id == usage->counter_id && other->period_on == usage->period_on)
			return other;
	}
	return NULL;
}

/* Compare the stored usage with that of the replay, in both directions. */
static void
compare_usages(Verification *verification, const Account *stored, const Account *expected, Faults *faults)
{
	List	   *usages = usage_read_all(stored->id, stored->snapshot, faults);
	ListCell   *cell;

	foreach(cell, usages)
		compare_text(verification, "usage", usage_text(lfirst(cell)),
					 usage_text(same_usage(expected->usages, lfirst(cell))));
	foreach(cell, expected->usages)
		if (same_usage(usages, lfirst(cell)) == NULL)
			compare_text(verification, "usage", "none", usage_text(lfirst(cell)));
}

/* Compare the stored holds with the open ones of the replay, in both directions. */
static void
compare_holds(Verification *verification, Account *stored, Account *expected)
{
	ListCell   *cell;

	foreach(cell, stored->holds)
	{
		Hold	   *hold = lfirst(cell);
		Hold	   *other = account_find_hold(expected, hold->seq);

		if (other == NULL)
		{
			put_difference(verification, hold->seq, "hold", hold->ref, "no open hold");
			continue;
		}
		compare_number(verification, "hold.points", hold->points, other->points);
		compare_time(verification, "hold.until", hold->until, other->until);
		compare_lots(verification, "hold.lots", &hold->lots, &other->lots);
		if (strcmp(hold->ref, other->ref) != 0)
			put_difference(verification, hold->seq, "hold.ref", hold->ref, other->ref);
		other->ended = true;
	}
	foreach(cell, expected->holds)
	{
		Hold	   *hold = lfirst(cell);

		if (!hold->ended)
			put_difference(verification, hold->seq, "hold", "none", hold->ref);
	}
}

/* Replay a stored entry, which may contain anything, and check its hash. */
static void
replay_stored(Replay *replay, Entry *stored)
{
	replay_entry(replay, replay_understand(replay, stored));
	replay_chain(replay, stored);
}

/* Replay all entries of the account, in a memory context that is reset after each. */
static void
replay_all(Replay *replay, Snapshot snapshot)
{
	Relation	relation = table_map_open(&entry_map, AccessShareLock);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "loyalty verify",
												  ALLOCSET_DEFAULT_SIZES);
	ScanKeyData key;
	TableScan	scan;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(replay->account.id));
	scan_begin(&scan, relation, &entry_pkey, snapshot, &key, 1);
	while (scan_next(&scan, true))
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		LotQueue	kept;

		CHECK_FOR_INTERRUPTS();
		replay_stored(replay, entry_as_stored(scan.slot));
		MemoryContextSwitchTo(old);
		/* the queue outlives the context that an entry is replayed in */
		lots_copy(&kept, &replay->account.lots);
		replay->account.lots = kept;
		MemoryContextReset(context);
	}
	scan_end(&scan);
	MemoryContextDelete(context);
	table_close(relation, AccessShareLock);
}

/* Compare what is stored about an account with the result of a replay of its entries. */
static void
verify_stored(Verification *verification, Account *stored, Faults *faults)
{
	Replay		replay;
	Account    *expected = &replay.account;

	replay_init(&replay, stored->id, stored->zone);
	expected->program = stored->program;
	expected->book = stored->book;
	replay.report = report_entry;
	replay.state = verification;
	replay.strictly = true;
	replay.counts = true;
	replay_all(&replay, stored->snapshot);
	compare_accounts(verification, stored, expected);
	compare_points(verification, stored, expected, !replay.broken);
	if (!replay.broken)
		compare_holds(verification, stored, expected);
	compare_tallies(verification, stored, expected, faults);
	compare_usages(verification, stored, expected, faults);
}

/*
 * verify_account(member_id, program_id): account, entry, field, stored,
 * expected; a row for each difference.
 */
PG_FUNCTION_INFO_V1(verify_account);
Datum
verify_account(PG_FUNCTION_ARGS)
{
	int32		program_id = PG_GETARG_INT32(1);
	const Program *program = program_if_there(program_id);
	Verification verification = {0};
	Faults		faults = {.report = report_fault, .state = &verification};
	Account    *stored;

	InitMaterializedSRF(fcinfo, 0);
	verification.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	stored = account_read_with_faults(PG_GETARG_INT64(0), program_id, program, GetActiveSnapshot(), &faults);
	if (stored == NULL)
		return (Datum) 0;
	verification.account_id = stored->id;
	if (program == NULL)
		put_difference(&verification, ACCOUNT_ROW, "program_id", psprintf("%d", program_id), "a program");
	verify_stored(&verification, stored, &faults);
	return (Datum) 0;
}

/*
 * verify_all_rows(): returns no rows; it is an error if row security would hide
 * rows of the ledger from a query over its tables.
 */
PG_FUNCTION_INFO_V1(verify_all_rows);
Datum
verify_all_rows(PG_FUNCTION_ARGS)
{
	TableMap   *const maps[] = {&account_map, &entry_map, &hold_map, &tally_map, &usage_map, &budget_map};

	for (int i = 0; i < lengthof(maps); i++)
		table_close(table_map_open(maps[i], AccessShareLock), AccessShareLock);
	InitMaterializedSRF(fcinfo, 0);
	return (Datum) 0;
}
