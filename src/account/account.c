/*
 * account.c
 *	  The arithmetic of one account: points come in, leave and come back.
 *
 * Everything that changes an account happens between account_begin and
 * account_finish of an entry, which therefore says all of it.
 */
#include "account.h"

#include "utils/builtins.h"

#include "calendar.h"
#include "chain.h"
#include "label.h"
#include "money.h"

static const char *const freeze_labels[] = {NULL, "spending", "earning", "all"};

/* The label of a mode; NULL if the account is not frozen. */
const char *
freeze_label(FreezeMode mode)
{
	return freeze_labels[mode];
}

/* The mode of a label; FREEZE_NONE if there is no such mode. */
FreezeMode
freeze_mode(const char *label)
{
	/* the first stands for none, and has no label */
	return label_place(label, freeze_labels + 1, FREEZE_ALL) + 1;
}

const char *const spent_labels[SPENT_RETURNS] = {
	"debt", "active_only", "clamp", "pending_only", "reject"
};

/* Can a return under this policy write points off? */
bool
spent_return_writes_off(const char *label)
{
	int			policy = label_place(label, spent_labels, SPENT_RETURNS);

	return policy == SPENT_ACTIVE_ONLY || policy == SPENT_CLAMP || policy == SPENT_PENDING_ONLY;
}

/* Initialize an account without entries; what it allocates lives in the current memory context. */
void
account_blank(Account *account, pg_tz *zone)
{
	memset(account, 0, sizeof(*account));
	account->due_at = DT_NOEND;
	account->frozen_until = DT_NOEND;
	account->inactive_months = -1;
	account->inactive_on = LOT_NEVER;
	account->clock = DT_NOBEGIN;
	account->clock_on = account->matured_on = DATEVAL_NOBEGIN;
	lots_init(&account->lots);
	account->computed_last_day = account->reached_on = account->before_last_day = DATEVAL_NOEND;
	account->last_order_on = DATEVAL_NOBEGIN;
	account->spend = money_of_int64(0);
	account->tallies_since = DATEVAL_NOEND;
	account->zone = zone;
	account->context = CurrentMemoryContext;
	ItemPointerSetInvalid(&account->tid);
}

/*
 * Entries
 */

/* Report a state that only a damaged account or a bug can cause. */
void
account_damaged(const Account *account, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_DAMAGED),
			 errmsg("posting would corrupt account " INT64_FORMAT ": %s", account->id, what),
			 errdetail("Balance " INT64_FORMAT ", usable " INT64_FORMAT ", debt " INT64_FORMAT ", held " INT64_FORMAT ".",
					   account->balance, account->usable, account->debt, account->held),
			 errhint("Nothing was posted. Run loyalty.verify() and report a bug.")));
}

/* Begin an entry; the account's clock moves to the time at which it takes effect. */
Entry *
account_begin(Account *account, Kind kind, TimestampTz at, TimestampTz clock)
{
	Entry	   *entry = entry_new();

	if (clock < account->clock)
		account_damaged(account, "its clock would go back");
	account->clock = clock;
	account->clock_on = Max(account->clock_on, calendar_day_of(clock, account->zone));
	account->matured_on = account->clock_on;
	entry_set_points(entry, ENTRY_ACCOUNT_ID, account->id);
	entry_set_points(entry, ENTRY_SEQ, account->seq + 1);
	entry_set(entry, ENTRY_AT, TimestampTzGetDatum(at));
	entry_set(entry, ENTRY_CLOCK, TimestampTzGetDatum(clock));
	entry_set(entry, ENTRY_CLOCK_ON, DateADTGetDatum(account->clock_on));
	entry_set(entry, ENTRY_KIND, KindGetDatum(kind));
	return entry;
}

/* Assert what must hold of every account at every entry (S11, S29). */
static void
check_account(const Account *account)
{
	if (account->debt < 0 || account->held < 0 || account->written_off < 0)
		account_damaged(account, "a total would be negative");
	if (account->debt > 0 && account->usable > 0)
		account_damaged(account, "it would have both debt and usable points");
	if (account->balance > MAX_BALANCE || account->debt > MAX_BALANCE)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("points out of range"),
				 errdetail("An account can hold or owe at most " INT64_FORMAT " points.", MAX_BALANCE)));
}

/* A change of the money spent, in the account's own memory. */
static void
account_add_spend(Account *account, Numeric amount, bool back)
{
	MemoryContext old;

	if (money_is_zero(amount))
		return;
	old = MemoryContextSwitchTo(account->context);
	account->spend = back ? money_subtract(account->spend, amount) : money_add(account->spend, amount);
	MemoryContextSwitchTo(old);
}

/* Purchases, activities and awards count, and what their returns were due. */
void
account_count(Account *account, const Entry *entry)
{
	Kind		kind = entry_kind(entry);

	if (kind_has(kind, KIND_GIVES))
		account->earned += entry_points(entry, ENTRY_POINTS);
	if (kind == KIND_PURCHASE)
	{
		account->orders++;
		account_add_spend(account, DatumGetNumeric(entry->values[ENTRY_AMOUNT]), false);
		account->last_order_on = Max(account->last_order_on,
									 DatumGetDateADT(entry->values[ENTRY_HAPPENED_ON]));
	}
	if (kind == KIND_REFUND)
	{
		if (!entry->nulls[ENTRY_ACTIVITY] &&
			strcmp(TextDatumGetCString(entry->values[ENTRY_ACTIVITY]), "purchase") == 0)
			account->orders -= entry_points(entry, ENTRY_QUANTITY);
		account_add_spend(account, DatumGetNumeric(entry->values[ENTRY_AMOUNT]), true);
		account->earned -= entry_points(entry, ENTRY_DUE);
	}
}

/* Finish an entry: copy the account's state into it, and chain it. */
void
account_finish(Account *account, Entry *entry)
{
	int64		before = account->balance;

	account->seq++;
	account->balance = lots_total(&account->lots) + account->held - account->debt;
	account->usable = lots_usable(&account->lots, account_day(account));
	check_account(account);
	if (account->tier)
		entry_set(entry, ENTRY_TIER, CStringGetTextDatum(account->tier));
	entry_set_points(entry, ENTRY_POINTS, account->balance - before);
	entry_set_points(entry, ENTRY_BALANCE, account->balance);
	entry_set_points(entry, ENTRY_USABLE, account->usable);
	entry_set_points(entry, ENTRY_DEBT, account->debt);
	entry_set_points(entry, ENTRY_HELD, account->held);
	account_count(account, entry);
	if (!account->reading)
	{
		entry_set(entry, ENTRY_RECORDED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
		entry_encode_lots(entry);
		chain_entry(entry, account->hash);
	}
	account->entries = lappend(account->entries, entry);
}

/*
 * Points
 */

/* Pay debt with slices, in order of use; returns the points paid. */
int64
account_pay_debt(Account *account, LotQueue *slices)
{
	int64		paid;

	if (account->debt == 0)
		return 0;
	paid = lots_take_front(slices, account->debt, NULL);
	account->debt -= paid;
	return paid;
}

/* Put slices among the free lots. */
static void
account_gain(Account *account, Entry *entry, const LotQueue *slices)
{
	lots_add_all(&account->lots, slices);
	lots_add_all(&entry->gained, slices);
}

/* Credit new lots: those that are usable pay debt first (S11). */
void
account_credit(Account *account, Entry *entry, const LotQueue *lots)
{
	LotQueue	usable;
	LotQueue	pending;

	lots_init(&usable);
	lots_init(&pending);
	for (int i = 0; i < lots->count; i++)
		lots_add(lot_matured(&lots->lots[i], account_day(account)) ? &usable : &pending,
				 &lots->lots[i]);
	(void) account_pay_debt(account, &usable);
	account_gain(account, entry, &usable);
	account_gain(account, entry, &pending);
}

/* Credit one new lot; nothing if it has no points. */
void
account_credit_lot(Account *account, Entry *entry, const Lot *lot)
{
	LotQueue	one;
	Lot			copy = *lot;

	if (lot->points == 0)
		return;
	one.count = one.capacity = 1;
	one.lots = &copy;
	account_credit(account, entry, &one);
}

/* Take usable points in order of use; the caller has checked that there are enough. */
void
account_take(Account *account, Entry *entry, int64 points)
{
	int64		taken = lots_take(&account->lots, points, account_day(account), &entry->taken);

	if (taken != points)
		account_damaged(account, "it has fewer usable points than recorded");
}

/*
 * Slices that come back
 */

static int
compare_moves(const void *a, const void *b)
{
	const Move *one = a;
	const Move *other = b;
	int			order = lots_compare(&one->to, &other->to);

	return order != 0 ? order : lots_compare(&one->from, &other->from);
}

/* Each slice as it left and as it comes back, in order of use; graced ones get a last day. */
Move *
moves_back(const LotQueue *slices, const LotQueue *graced, DateADT last_day)
{
	Move	   *moves = palloc(Max(slices->count, 1) * sizeof(Move));

	for (int i = 0; i < slices->count; i++)
	{
		moves[i].from = moves[i].to = slices->lots[i];
		if (lots_points_of(graced, &slices->lots[i]) > 0)
			moves[i].to.expires = last_day;
	}
	qsort(moves, slices->count, sizeof(Move), compare_moves);
	return moves;
}

/* Remove n points from slices, in order of use. */
void
moves_use_front(Move *moves, int count, int64 points)
{
	for (int i = 0; i < count && points > 0; i++)
	{
		int64		part = Min(points, moves[i].to.points);

		moves[i].to.points -= part;
		points -= part;
	}
}

/* The points of some slices are used up; the slices are known as they left. */
void
moves_use(Move *moves, int count, const LotQueue *used)
{
	for (int i = 0; i < count; i++)
		moves[i].to.points -= lots_points_of(used, &moves[i].from);
}

/* The slices that remain after debt make write-offs good. */
static void
make_good(Account *account, Entry *entry, Move *moves, int count, int64 use_seq)
{
	LotQueue	left;

	if (account->written_off == 0)
		return;
	Assert(account->write_offs_loaded);
	lots_init(&left);
	for (int i = 0; i < count; i++)
	{
		Lot			lot = moves[i].from;

		lot.points = moves[i].to.points;
		if (lot.points > 0)
			lots_add(&left, &lot);
	}
	write_offs_use(account->write_offs, use_seq, &left, &entry->made_good_lots);
	if (entry->made_good_lots.count == 0)
		return;
	moves_use(moves, count, &entry->made_good_lots);
	account->written_off -= lots_total(&entry->made_good_lots);
	entry_set_points(entry, ENTRY_MADE_GOOD, lots_total(&entry->made_good_lots));
}

/*
 * Let slices come back from a use: they pay debt, then make good what later
 * returns wrote off because of that use, and the rest is free again (S13).
 * Those that the entry says are graced get its last day.
 */
void
account_come_back(Account *account, Entry *entry, const LotQueue *slices, int64 use_seq)
{
	DateADT		last_day = entry->nulls[ENTRY_EXPIRES_ON] ? DATEVAL_NOEND :
		DatumGetDateADT(entry->values[ENTRY_EXPIRES_ON]);
	Move	   *moves = moves_back(slices, &entry->graced, last_day);
	int64		paid = Min(account->debt, lots_total(slices));
	LotQueue	back;

	account->debt -= paid;
	moves_use_front(moves, slices->count, paid);
	make_good(account, entry, moves, slices->count, use_seq);
	lots_init(&back);
	for (int i = 0; i < slices->count; i++)
		if (moves[i].to.points > 0)
			lots_add(&back, &moves[i].to);
	account_gain(account, entry, &back);
}

/*
 * Inactivity: a date of the account, not of lots (S8)
 */

/* Store the number of months after which undated lots expire without activity. */
void
account_set_inactive_months(Account *account, Entry *entry, int32 months)
{
	if (account->inactive_months == months)
		return;
	if (account->inactive_months < 0)
		account->inactive_on = DATEVAL_NOBEGIN;
	account->inactive_months = months;
	entry_set(entry, ENTRY_INACTIVE_MONTHS, Int32GetDatum(months));
}

/* Move the date of inactivity forward, never back. */
void
account_extend_inactive(Account *account, Entry *entry, DateADT to)
{
	if (to <= account->inactive_on)
		return;
	account->inactive_on = to;
	entry_set(entry, ENTRY_INACTIVE_ON, DateADTGetDatum(to));
}

/* Record that there was activity on a day. */
void
account_active(Account *account, Entry *entry, DateADT on)
{
	if (account->inactive_months >= 0)
		account_extend_inactive(account, entry,
								calendar_add_months(on, account->inactive_months));
}

/*
 * Holds and write-offs
 */

/* Find an open hold by its entry; NULL if there is none. */
Hold *
account_find_hold(Account *account, int64 seq)
{
	ListCell   *cell;

	foreach(cell, account->holds)
	{
		Hold	   *hold = lfirst(cell);

		if (hold->seq == seq && !hold->ended)
			return hold;
	}
	return NULL;
}

/* Reserve slices that have left the free lots. */
Hold *
account_add_hold(Account *account, int64 seq, const char *ref, TimestampTz until,
				 const LotQueue *lots)
{
	MemoryContext old = MemoryContextSwitchTo(account->context);
	Hold	   *hold = palloc0(sizeof(Hold));

	hold->seq = seq;
	hold->ref = pstrdup(ref);
	hold->until = until;
	lots_copy(&hold->lots, lots);
	hold->points = lots_total(lots);
	ItemPointerSetInvalid(&hold->tid);
	account->holds = lappend(account->holds, hold);
	account->held += hold->points;
	MemoryContextSwitchTo(old);
	return hold;
}

/* Mark a hold as ended: its points are not held any more, and the caller decides where they go. */
void
account_end_hold(Account *account, Hold *hold)
{
	hold->ended = true;
	account->held -= hold->points;
}

/* Remember what a return could not take; the entry says of which lots. */
void
account_write_off(Account *account, Entry *entry, int64 points, SpentReturn policy)
{
	if (points == 0)
		return;
	Assert(spent_return_writes_off(spent_labels[policy]));
	account->written_off += points;
	entry_set_points(entry, ENTRY_WRITTEN_OFF, points);
	entry_set(entry, ENTRY_MODE, CStringGetTextDatum(spent_labels[policy]));
	if (account->write_offs_loaded)
	{
		MemoryContext old = MemoryContextSwitchTo(account->context);

		write_offs_add(&account->write_offs, entry);
		MemoryContextSwitchTo(old);
	}
}

/* Append what a return wrote off to a list that is in order of returns. */
void
write_offs_add(List **write_offs, const Entry *entry)
{
	WriteOff   *write_off = palloc(sizeof(WriteOff));

	write_off->seq = entry_seq(entry);
	write_off->points = entry_points(entry, ENTRY_WRITTEN_OFF);
	lots_copy(&write_off->lots, &entry->written_off_lots);
	write_off->own_only = !entry->nulls[ENTRY_MODE] &&
		strcmp(TextDatumGetCString(entry->values[ENTRY_MODE]), spent_labels[SPENT_CLAMP]) == 0;
	*write_offs = lappend(*write_offs, write_off);
}

/* What comes back to the lots of a write-off makes it good first, and under clamp nothing else does. */
static void
write_off_use(WriteOff *write_off, LotQueue *back, LotQueue *made_good)
{
	for (int i = 0; i < write_off->lots.count && write_off->points > 0; i++)
	{
		const Lot  *lot = &write_off->lots.lots[i];

		write_off->points -= lots_take_key(back, lot, Min(lot->points, write_off->points), made_good);
	}
	if (!write_off->own_only)
		write_off->points -= lots_take_front(back, write_off->points, made_good);
}

/*
 * Make good, with what comes back from a use (the lots as they left), the
 * write-offs of returns later than it, oldest first.
 */
void
write_offs_use(List *write_offs, int64 use_seq, LotQueue *back, LotQueue *made_good)
{
	ListCell   *cell;

	foreach(cell, write_offs)
	{
		WriteOff   *write_off = lfirst(cell);

		if (write_off->seq > use_seq && write_off->points > 0)
			write_off_use(write_off, back, made_good);
	}
}

/* For assertions: are its figures what its lots say? */
bool
account_is_sound(const Account *account)
{
	return account->seq >= 0 && lots_are_sound(&account->lots) &&
		account->balance == lots_total(&account->lots) + account->held - account->debt;
}

/*
 * The constraints of the two hot tables, one C function each: an expression
 * of six terms costs more than all the rest of a posting (findings 1.11).
 */
PG_FUNCTION_INFO_V1(account_valid);
Datum
account_valid(PG_FUNCTION_ARGS)
{
	int64		balance = PG_GETARG_INT64(0);
	int64		usable = PG_GETARG_INT64(1);
	int64		debt = PG_GETARG_INT64(2);
	int64		held = PG_GETARG_INT64(3);
	int64		written_off = PG_GETARG_INT64(4);
	int64		total;

	for (int i = 0; i < 6; i++)
		if (PG_ARGISNULL(i))
			PG_RETURN_BOOL(false);
	total = lots_stored_total(DatumGetLots(PG_GETARG_DATUM(5)));
	PG_RETURN_BOOL(usable >= 0 && usable <= total &&
				   debt >= 0 && debt <= MAX_BALANCE &&
				   held >= 0 && held <= MAX_BALANCE &&
				   written_off >= 0 &&
				   (debt == 0 || usable == 0) &&
				   balance == total + held - debt);
}

/*
 * entry_valid(seq, balance, usable, debt, held, hash): the constraint of entry;
 * false if one is NULL.
 */
PG_FUNCTION_INFO_V1(entry_valid);
Datum
entry_valid(PG_FUNCTION_ARGS)
{
	int64		seq = PG_GETARG_INT64(0);
	int64		balance = PG_GETARG_INT64(1);
	int64		usable = PG_GETARG_INT64(2);
	int64		debt = PG_GETARG_INT64(3);
	int64		held = PG_GETARG_INT64(4);

	for (int i = 0; i < 6; i++)
		if (PG_ARGISNULL(i))
			PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(seq >= 1 && usable >= 0 && debt >= 0 && held >= 0 &&
				   (debt == 0 || usable == 0) &&
				   balance >= usable + held - debt &&
				   VARSIZE_ANY_EXHDR(PG_GETARG_BYTEA_PP(5)) == CHAIN_BYTES);
}
