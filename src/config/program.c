/*
 * program.c
 *	  Programs and their rulebooks, read once and kept until any of them changes.
 *
 * Memory: one context under CacheMemoryContext holds all of them.  A row
 * trigger on the tables (ENABLE ALWAYS) sends a relcache invalidation, whose
 * callback only marks the cache; the next look-up reads it again with the
 * latest snapshot, one for all tables.  A posting that is under way keeps the
 * program that it began with: what is replaced lives until its transaction ends.
 */
#include "program.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "calendar.h"
#include "label.h"
#include "rulebook.h"
#include "tablemap.h"

char	   *loyalty_program = NULL;

enum
{
	PROGRAM_ID, PROGRAM_CODE, PROGRAM_TIMEZONE, PROGRAM_BASE_RATE, PROGRAM_PER_AMOUNT,
	PROGRAM_BLOCK_AMOUNT, PROGRAM_BLOCK_POINTS, PROGRAM_ROUNDING, PROGRAM_EXPIRY,
	PROGRAM_PENDING_DAYS, PROGRAM_BALANCE_CAP, PROGRAM_ON_BALANCE_CAP,
	PROGRAM_ON_SPENT_RETURN, PROGRAM_CANCEL_GRACE_DAYS, PROGRAM_HOLD_LIMIT,
	PROGRAM_TRANSFERS_PER_YEAR, PROGRAM_POINTS_PER_TRANSFER_YEAR,
	PROGRAM_TRANSFER_MEMBERSHIP_DAYS, PROGRAM_TRANSFER_USABLE_DAYS, PROGRAM_TRANSFER_FEE,
	PROGRAM_CURRENCY, PROGRAM_BASE_GROUP, PROGRAM_MULTIPLIER_CEILING, PROGRAM_TIER_WINDOW,
	PROGRAM_TIER_MONTHS, PROGRAM_TIER_TERM, PROGRAM_TIER_GRACE_DAYS, PROGRAM_TIER_REVIEW,
	PROGRAM_TIER_ON_RETURN,
	PROGRAM_COLUMNS
};

static const char *const program_columns[PROGRAM_COLUMNS] = {
	"id", "code", "timezone", "base_rate", "per_amount",
	"block_amount", "block_points", "rounding", "expiry",
	"pending_days", "balance_cap", "on_balance_cap",
	"on_spent_return", "cancel_grace_days", "hold_limit",
	"transfers_per_year", "points_per_transfer_year",
	"transfer_membership_days", "transfer_usable_days", "transfer_fee",
	"currency", "base_group", "multiplier_ceiling", "tier_window",
	"tier_months", "tier_term", "tier_grace_days", "tier_review",
	"tier_on_return"
};

static const Oid program_types[PROGRAM_COLUMNS] = {
	INT4OID, TEXTOID, TEXTOID, NUMERICOID, NUMERICOID, NUMERICOID, INT8OID, TEXTOID, OUR_EXPIRY,
	INT4OID, INT8OID, TEXTOID, TEXTOID, INT4OID, INTERVALOID, INT4OID, INT8OID, INT4OID, INT4OID,
	INT8OID, TEXTOID, TEXTOID, NUMERICOID, TEXTOID, INT4OID, INT4OID, INT4OID, TEXTOID, TEXTOID
};

static TableMap program_map = {.name = "program", .ncolumns = PROGRAM_COLUMNS, .columns = program_columns, .types = program_types};

static MemoryContext program_context = NULL;
static Program *programs = NULL;
static int	nprograms = 0;
static bool programs_valid = false;
static bool programs_of_query = false;	/* read in a parallel query, with its snapshot */
static int	programs_level = 0;	/* nesting level of the transaction that read them; 0: it has ended */
static Oid	programs_relid = InvalidOid;

/* Relcache callback: the cache is invalid if a table has changed from which it was read. */
static void
programs_changed(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == programs_relid || rulebook_is_read_from(relid))
		programs_valid = false;
}

/*
 * Forget what was read in a transaction that is rolled back: it may contain
 * rows that no longer exist.  The trigger that invalidates the cache does not
 * fire if its statement fails before it.
 */
static void
transaction_ended(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PARALLEL_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
		return;
	if (programs_level > 0 && (event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT))
		programs_valid = false;
	programs_level = 0;
}

/* The same of a subtransaction. */
static void
subtransaction_ended(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (programs_level < GetCurrentTransactionNestLevel())
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		programs_valid = false;
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		programs_level = GetCurrentTransactionNestLevel() - 1;
}

void
program_init(void)
{
	DefineCustomStringVariable("loyalty.program",
							   "Code of the program for calls that name none.",
							   "If it is empty, such calls use the only program. "
							   "With a connection pool that works by transaction, set it for a role or a database, or with SET LOCAL.",
							   &loyalty_program, "", PGC_USERSET, 0, NULL, NULL, NULL);
	CacheRegisterRelcacheCallback(programs_changed, (Datum) 0);
	RegisterXactCallback(transaction_ended, NULL);
	RegisterSubXactCallback(subtransaction_ended, NULL);
}

static const char *const rounding_labels[] = {"floor", "half_up", "ceil"};
static const char *const window_labels[] = {
	"lifetime", "calendar year", "rolling", "membership year"
};
static const char *const review_labels[] = {"supported", "step", "keep"};

#define label_in(column, labels) label_stored(values[column], labels, lengthof(labels))

static char *
numeric_text(Numeric value)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value)));
}

/* The rate of a purchase, and its words. */
static void
read_rate(Program *program, const Datum *values, const bool *nulls)
{
	Rate	   *rate = &program->rate;

	rate->blocks = !nulls[PROGRAM_BLOCK_AMOUNT];
	rate->rounding = label_in(PROGRAM_ROUNDING, rounding_labels);
	if (rate->blocks)
	{
		rate->points = money_of_int64(DatumGetInt64(values[PROGRAM_BLOCK_POINTS]));
		rate->per_amount = DatumGetNumericCopy(values[PROGRAM_BLOCK_AMOUNT]);
		program->rate_text = CStringGetTextDatum(psprintf("%s for every full %s",
														  numeric_text(rate->points),
														  numeric_text(rate->per_amount)));
		return;
	}
	rate->points = DatumGetNumericCopy(values[PROGRAM_BASE_RATE]);
	rate->per_amount = DatumGetNumericCopy(values[PROGRAM_PER_AMOUNT]);
	program->rate_text = CStringGetTextDatum(psprintf("%s per %s, %s",
													  numeric_text(rate->points),
													  numeric_text(rate->per_amount),
													  rounding_labels[rate->rounding]));
}

#define limit_of(column, get) (nulls[column] ? NO_LIMIT : (int64) get(values[column]))

/* How members rise and fall in a program. */
static void
read_tier_settings(Program *program, const Datum *values)
{
	program->tier_window = label_in(PROGRAM_TIER_WINDOW, window_labels);
	program->tier_months = DatumGetInt32(values[PROGRAM_TIER_MONTHS]);
	program->tier_term = DatumGetInt32(values[PROGRAM_TIER_TERM]);
	program->tier_grace_days = DatumGetInt32(values[PROGRAM_TIER_GRACE_DAYS]);
	program->tier_review = label_in(PROGRAM_TIER_REVIEW, review_labels);
	program->tier_recompute = strcmp(TextDatumGetCString(values[PROGRAM_TIER_ON_RETURN]), "recompute") == 0;
}

/* Read one row into the current memory context. */
static void
read_program(Program *program, const Datum *values, const bool *nulls)
{
	char	   *zone = TextDatumGetCString(values[PROGRAM_TIMEZONE]);
	Expiry	   *expiry = (Expiry *) PG_DETOAST_DATUM_COPY(values[PROGRAM_EXPIRY]);

	program->id = DatumGetInt32(values[PROGRAM_ID]);
	program->code = TextDatumGetCString(values[PROGRAM_CODE]);
	program->zone = calendar_zone(zone);
	if (program->zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("program \"%s\" has unknown time zone \"%s\"", program->code, zone),
				 errhint("Install the server's time zone data, or correct the program's time zone.")));
	read_rate(program, values, nulls);
	program->expiry = expiry;
	program->pending_days = (int) limit_of(PROGRAM_PENDING_DAYS, DatumGetInt32);
	program->balance_cap = limit_of(PROGRAM_BALANCE_CAP, DatumGetInt64);
	program->cap_rejects = strcmp(TextDatumGetCString(values[PROGRAM_ON_BALANCE_CAP]), "reject") == 0;
	program->on_spent_return = label_in(PROGRAM_ON_SPENT_RETURN, spent_labels);
	program->cancel_grace_days = DatumGetInt32(values[PROGRAM_CANCEL_GRACE_DAYS]);
	program->hold_limit = *DatumGetIntervalP(values[PROGRAM_HOLD_LIMIT]);
	program->transfers_per_year = limit_of(PROGRAM_TRANSFERS_PER_YEAR, DatumGetInt32);
	program->points_per_transfer_year = limit_of(PROGRAM_POINTS_PER_TRANSFER_YEAR, DatumGetInt64);
	program->transfer_membership_days = DatumGetInt32(values[PROGRAM_TRANSFER_MEMBERSHIP_DAYS]);
	program->transfer_usable_days = DatumGetInt32(values[PROGRAM_TRANSFER_USABLE_DAYS]);
	program->transfer_fee = DatumGetInt64(values[PROGRAM_TRANSFER_FEE]);
	program->currency = take_text(values, nulls, PROGRAM_CURRENCY);
	program->base_group = take_text(values, nulls, PROGRAM_BASE_GROUP);
	program->multiplier_ceiling = nulls[PROGRAM_MULTIPLIER_CEILING] ? NULL :
		DatumGetNumericCopy(values[PROGRAM_MULTIPLIER_CEILING]);
	read_tier_settings(program, values);
}

/* Append a program of a row, in the cache's context. */
static void
add_program(const Datum *values, const bool *nulls, void *state)
{
	MemoryContext old = MemoryContextSwitchTo(program_context);

	if (programs == NULL)
		programs = palloc(sizeof(Program));
	else
		programs = repalloc(programs, (nprograms + 1) * sizeof(Program));
	read_program(&programs[nprograms], values, nulls);
	nprograms++;
	MemoryContextSwitchTo(old);
}

/* Read the rulebooks of all programs, in the cache's context. */
static void
add_rulebooks(Snapshot snapshot)
{
	MemoryContext old = MemoryContextSwitchTo(program_context);
	Rulebook   *books = palloc0(nprograms * sizeof(Rulebook));

	for (int i = 0; i < nprograms; i++)
	{
		books[i].program_id = programs[i].id;
		books[i].zone = pstrdup(pg_get_timezone_name(programs[i].zone));
	}
	rulebook_read(books, nprograms, snapshot);
	for (int i = 0; i < nprograms; i++)
	{
		const Rulebook *book = rulebook_of(books, nprograms, programs[i].id);

		programs[i].book = rulebook_is_empty(book) ? NULL : book;
	}
	MemoryContextSwitchTo(old);
}

/* Read all with one snapshot: a posting must not see half of a change. */
static void
read_programs(void)
{
	Snapshot	snapshot = RegisterSnapshot(latest_snapshot());

	table_visit(&program_map, snapshot, add_program, NULL);
	add_rulebooks(snapshot);
	UnregisterSnapshot(snapshot);
}

/* Read all programs if the cache is invalid; what is replaced lives until the transaction ends. */
static void
refresh_programs(void)
{
	if (programs_valid && (!programs_of_query || IsInParallelMode()))
		return;
	if (program_context != NULL)
		MemoryContextSetParent(program_context, TopTransactionContext);
	program_context = AllocSetContextCreate(CacheMemoryContext, "loyalty programs",
											ALLOCSET_DEFAULT_SIZES);
	programs = NULL;
	nprograms = 0;
	/* an invalidation that arrives from here on must not be lost: the snapshot may be too old for it */
	programs_relid = relation_oid(program_map.name);
	rulebook_find_tables();
	programs_valid = true;
	programs_of_query = IsInParallelMode();
	programs_level = GetCurrentTransactionNestLevel();
	PG_TRY();
	{
		read_programs();
	}
	PG_CATCH();
	{
		programs_valid = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/* The program with a code; an error (LY_UNKNOWN_PROGRAM) if there is none. */
const Program *
program_by_code(const char *code)
{
	refresh_programs();
	for (int i = 0; i < nprograms; i++)
		if (strcmp(programs[i].code, code) == 0)
			return &programs[i];
	ereport(ERROR,
			(errcode(ERRCODE_LY_UNKNOWN_PROGRAM),
			 errmsg("program \"%s\" does not exist", code),
			 errhint("Create it: INSERT INTO loyalty.program (code, ...).")));
	return NULL;				/* not reached */
}

/* The program with an id; NULL if it no longer exists. */
const Program *
program_if_there(int32 id)
{
	refresh_programs();
	for (int i = 0; i < nprograms; i++)
		if (programs[i].id == id)
			return &programs[i];
	return NULL;
}

/* The program with an id; an error (LY_UNKNOWN_PROGRAM) if there is none. */
const Program *
program_by_id(int32 id)
{
	const Program *program = program_if_there(id);

	if (program != NULL)
		return program;
	ereport(ERROR,
			(errcode(ERRCODE_LY_UNKNOWN_PROGRAM),
			 errmsg("program with id %d does not exist", id),
			 errhint("Run loyalty.verify() to find the accounts whose program is missing.")));
	return NULL;				/* not reached */
}

/* Does any program have a budget? */
bool
program_any_budget(void)
{
	refresh_programs();
	for (int i = 0; i < nprograms; i++)
		if (programs[i].book && rulebook_has_budget(programs[i].book))
			return true;
	return false;
}

/* The program for a call that names none. */
const Program *
program_default(void)
{
	if (loyalty_program != NULL && loyalty_program[0] != '\0')
		return program_by_code(loyalty_program);
	refresh_programs();
	if (nprograms == 1)
		return &programs[0];
	ereport(ERROR,
			(errcode(ERRCODE_LY_UNKNOWN_PROGRAM),
			 errmsg("no program was specified"),
			 errdetail("There are %d programs.", nprograms),
			 nprograms == 0 ?
			 errhint("Create one: INSERT INTO loyalty.program (code, name).") :
			 errhint("Specify one in the call (program => ...) or in the setting loyalty.program.")));
	return NULL;				/* not reached */
}

/*
 * Trigger on loyalty.program and the tables of the rulebook, ENABLE ALWAYS:
 * whatever changes a row, replication and restores included, makes every
 * session read them again.
 */
PG_FUNCTION_INFO_V1(program_changed);
Datum
program_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("loyalty.%s can only be a trigger of the extension's own tables", "_program_changed")));
	CacheInvalidateRelcache(trigger->tg_relation);
	return PointerGetDatum(NULL);
}

/* timezone_valid(name): is the name in the time zone database? */
PG_FUNCTION_INFO_V1(program_timezone_valid);
Datum
program_timezone_valid(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(calendar_zone(text_to_cstring(PG_GETARG_TEXT_PP(0))) != NULL);
}
