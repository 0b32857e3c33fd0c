/*
 * replay.c
 *	  Replay: making an account from its entries again.
 */
#include "replay.h"

#include "utils/builtins.h"

#include "account_row.h"
#include "chain.h"
#include "tally.h"
#include "tier.h"
#include "usage.h"

/* Begin a replay, with an account that has no entries yet. */
void
replay_init(Replay *replay, int64 account_id, pg_tz *zone)
{
	memset(replay, 0, sizeof(*replay));
	account_blank(&replay->account, zone);
	replay->account.id = account_id;
	replay->account.tallied = true; /* from the entries, not from stored rows */
	replay->account.tallies_since = DATEVAL_NOBEGIN;
	replay->lapse_clock = DT_NOBEGIN;
}

/* Report a difference, if the replay has a report function. */
static void
differ(Replay *replay, const Entry *entry, const char *field, const char *stored,
	   const char *expected)
{
	if (replay->report)
		replay->report(replay->state, entry_seq(entry), field, stored, expected);
}

static char *
number(int64 value)
{
	return psprintf(INT64_FORMAT, value);
}

static void
compare_points(Replay *replay, const Entry *entry, EntryField field, int64 expected)
{
	int64		stored = entry_points(entry, field);

	if (stored != expected)
		differ(replay, entry, entry_columns[field], number(stored), number(expected));
}

/*
 * Report an entry that cannot follow from those before it.  Without a report
 * function this is an error; with one, the lots are unknown from here on
 * (broken).
 */
static void
cannot_apply(Replay *replay, const Entry *entry, const char *field, const char *why)
{
	if (replay->report == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_LY_DAMAGED),
				 errmsg("entry " INT64_FORMAT " of account " INT64_FORMAT " does not follow from the entries before it",
						entry_seq(entry), replay->account.id),
				 errdetail("Its field %s is not %s.", field, why),
				 errhint("Run loyalty.verify().")));
	replay->broken = true;
	differ(replay, entry, field, "", why);
}

/*
 * Report function: a field of an entry is invalid.  If this leaves open which
 * points it moves, the lots are unknown from here on.
 */
static void
entry_fault(Faults *faults, int column, const char *name, const char *stored, const char *expected)
{
	Replay	   *replay = faults->state;

	replay->report(replay->state, faults->seq, name, stored, expected);
	if (field_moves_points(column) && strcmp(expected, "none") != 0)
		replay->broken = true;
}

/*
 * Make a checked entry from a stored one; without a report function, an invalid
 * field is an error.
 */
Entry *
replay_understand(Replay *replay, const Entry *stored)
{
	Faults		faults = {.report = entry_fault, .state = replay};

	if (replay->report == NULL)
		faults = faults_refused();
	return entry_with_faults(stored, replay->strictly, &faults);
}

/* Does a queue have all points of another? */
static bool
contains(const LotQueue *queue, const LotQueue *part)
{
	for (int i = 0; i < part->count; i++)
		if (lots_points_of(queue, &part->lots[i]) < part->lots[i].points)
			return false;
	return true;
}

/* The open hold that an entry ends; if there is none, that is reported, and the result is NULL. */
static Hold *
ended_hold(Replay *replay, const Entry *entry)
{
	Hold	   *hold = account_find_hold(&replay->account, entry_points(entry, ENTRY_OF_SEQ));

	if (hold == NULL)
		cannot_apply(replay, entry, "of_seq", "an open hold");
	return hold;
}

/* Check that an entry took the first lots in order of use (S7). */
static void
check_order_of_use(Replay *replay, const Entry *entry)
{
	LotQueue	free;
	LotQueue	first;

	lots_copy(&free, &replay->account.lots);
	lots_init(&first);
	(void) lots_take(&free, lots_total(&entry->taken), account_day(&replay->account), &first);
	if (!lots_equal(&first, &entry->taken))
		differ(replay, entry, "taken", "", "the first lots in order of use");
}

/*
 * Move the slices of open holds that an extension moved, and compare them with
 * what the entry states.
 */
static void
extend_holds(Replay *replay, const Entry *entry)
{
	Account    *account = &replay->account;
	DateADT		to = DatumGetDateADT(entry->values[ENTRY_EXPIRES_ON]);
	LotQueue	moved;
	ListCell   *cell;

	lots_init(&moved);
	foreach(cell, account->holds)
	{
		Hold	   *hold = lfirst(cell);
		LotQueue	old;

		lots_copy(&old, &hold->lots);
		for (int i = 0; i < old.count && !hold->ended; i++)
		{
			Lot			lot = old.lots[i];

			if (lots_points_of(&entry->source, &lot) == 0)
				continue;
			lots_add(&moved, &lot);
			lots_subtract(&hold->lots, &lot);
			lot.expires = to;
			lots_add(&hold->lots, &lot);
		}
	}
	if (!lots_equal(&moved, &entry->source))
		differ(replay, entry, "source", "", "the slices of open holds");
}

/*
 * How much debt an entry paid: the points that should have reached the lots,
 * less those that did.
 */
static int64
paid_by(Replay *replay, const Entry *entry, const Hold *hold)
{
	int64		gained = lots_total(&entry->gained);
	int64		made_good = entry_points(entry, ENTRY_MADE_GOOD);

	switch (kind_paid_by(entry_kind(entry)))
	{
		case PAID_NOTHING:
			return 0;
		case PAID_CREDIT:
			return Max(entry_points(entry, ENTRY_POINTS), 0) - gained;
		case PAID_TAKEN:
			return lots_total(&entry->taken) - gained;
		case PAID_BACK:
			return lots_total(&entry->source) - made_good - gained;
		case PAID_HOLD_BACK:
			return hold->points - lots_total(&entry->source) - made_good - gained;
	}
	return 0;					/* not reached */
}

/* Check that what made write-offs good is among what came back. */
static void
check_made_good(Replay *replay, const Entry *entry, const Hold *hold)
{
	bool		from_hold = kind_paid_by(entry_kind(entry)) == PAID_HOLD_BACK;

	compare_points(replay, entry, ENTRY_MADE_GOOD, lots_total(&entry->made_good_lots));
	if (!contains(from_hold ? &hold->lots : &entry->source, &entry->made_good_lots))
		differ(replay, entry, "made_good_lots", "", "lots that came back");
}

/* Can an entry's lots be taken from the account, and added to it? */
static bool
lots_apply(Replay *replay, const Entry *entry)
{
	const Account *account = &replay->account;

	if (!contains(&account->lots, &entry->taken))
		cannot_apply(replay, entry, "taken", "lots that are there");
	else if (lots_total(&account->lots) + account->held + lots_total(&entry->gained) > MAX_BALANCE)
		cannot_apply(replay, entry, "gained", "points that an account can have");
	return !replay->broken;
	}

/* Take and add the lots of an entry; check the order of use, and which lots were joined. */
static void
apply_lots(Replay *replay, const Entry *entry)
{
	Account    *account = &replay->account;

	if (kind_has(entry_kind(entry), KIND_IN_ORDER))
		check_order_of_use(replay, entry);
	if (entry_kind(entry) == KIND_JOIN &&
		!join_is_sound(&account->lots, entry, account_day(account)))
		differ(replay, entry, "gained", "", "neighbours among the lots, joined");
	lots_subtract_all(&account->lots, &entry->taken);
	lots_add_all(&account->lots, &entry->gained);
}

/* Apply an entry to the holds, the debt and the write-offs. */
static void
apply_holds(Replay *replay, const Entry *entry)
{
	Account    *account = &replay->account;
	Hold	   *hold = NULL;

	switch (entry_kind(entry))
	{
		case KIND_HOLD:
			(void) account_add_hold(account, entry_seq(entry),
									TextDatumGetCString(entry->values[ENTRY_REF]),
									DatumGetTimestampTz(entry->values[ENTRY_UNTIL]), &entry->taken);
			break;
		case KIND_CAPTURE:
		case KIND_RELEASE:
			hold = ended_hold(replay, entry);
			if (hold == NULL)
				return;
			account_end_hold(account, hold);
			break;
		case KIND_EXTEND:
			extend_holds(replay, entry);
			break;
		default:
			break;
	}
	if (entry->made_good_lots.count > 0 || !entry->nulls[ENTRY_MADE_GOOD])
		check_made_good(replay, entry, hold);
	account->debt += entry_points(entry, ENTRY_OWED) - paid_by(replay, entry, hold);
	account->written_off += entry_points(entry, ENTRY_WRITTEN_OFF) - entry_points(entry, ENTRY_MADE_GOOD);
	if (hold)
		account->holds = list_delete_ptr(account->holds, hold);
}

/* Apply an entry to what is not points: the time of joining, the freeze and the inactivity. */
static void
apply_state(Account *account, const Entry *entry)
{
	switch (entry_kind(entry))
	{
		case KIND_ENROLL:
			account->opened_at = entry_at(entry);
			break;
		case KIND_FREEZE:
			account->frozen = freeze_mode(TextDatumGetCString(entry->values[ENTRY_MODE]));
			account->frozen_until = entry->nulls[ENTRY_UNTIL] ? DT_NOEND :
				DatumGetTimestampTz(entry->values[ENTRY_UNTIL]);
			break;
		case KIND_UNFREEZE:
			account->frozen = FREEZE_NONE;
			account->frozen_until = DT_NOEND;
			break;
		default:
			break;
	}
	if (!entry->nulls[ENTRY_INACTIVE_MONTHS])
		account->inactive_months = DatumGetInt32(entry->values[ENTRY_INACTIVE_MONTHS]);
	if (!entry->nulls[ENTRY_INACTIVE_ON])
		account->inactive_on = DatumGetDateADT(entry->values[ENTRY_INACTIVE_ON]);
}

/* Compare a stored entry with its hash; the entry's lots are decoded here. */
void
replay_chain(Replay *replay, Entry *stored)
{
	Account    *account = &replay->account;
	struct varlena *bytes = stored->nulls[ENTRY_HASH] ? NULL :
														PG_DETOAST_DATUM_PACKED(stored->values[ENTRY_HASH]);
	uint8		hash[CHAIN_BYTES];

	entry_decode_lots(stored);
	chain_hash(stored, account->hash, hash);
	if (bytes && VARSIZE_ANY_EXHDR(bytes) == CHAIN_BYTES)
	{
		if (memcmp(VARDATA_ANY(bytes), hash, CHAIN_BYTES) != 0)
			differ(replay, stored, "hash",
				   TextDatumGetCString(DirectFunctionCall2(binary_encode, PointerGetDatum(bytes),
														   CStringGetTextDatum("hex"))),
				   "the chain's");
	/* go on from what is stored, so that one break is one difference */
		memcpy(hash, VARDATA_ANY(bytes), CHAIN_BYTES);
	}
	memcpy(account->hash, hash, CHAIN_BYTES);
}

/*
 * Is an entry the lapse of a hold: a release that no call made?  It takes
 * effect before points become usable at the same instant (S28).
 */
static bool
is_lapse(const Entry *entry)
{
	return entry_kind(entry) == KIND_RELEASE && entry->nulls[ENTRY_FINGERPRINT];
}

/* Apply an entry's number and clock, and compare them with those of the entry before. */
static void
apply_time(Replay *replay, const Entry *entry)
{
	Account    *account = &replay->account;
	DateADT		before = account->clock_on;

	if (entry_seq(entry) != account->seq + 1)
		differ(replay, entry, "seq", number(entry_seq(entry)), number(account->seq + 1));
	if (entry_clock(entry) < account->clock)
		differ(replay, entry, "clock", timestamptz_to_str(entry_clock(entry)),
			   "not before the entry before");
	account->seq = entry_seq(entry);
	account->clock = entry_clock(entry);
	account->clock_on = DatumGetDateADT(entry->values[ENTRY_CLOCK_ON]);
	account->matured_on = account->clock_on;
	if (!is_lapse(entry))
		return;
	/* all lapses of one instant come before points become usable at that instant */
	if (entry_clock(entry) != replay->lapse_clock)
		replay->lapse_matured_on = before;
	replay->lapse_clock = entry_clock(entry);
	account->matured_on = replay->lapse_matured_on;
}

/*
 * Apply an entry to what is counted: the lifetime figures, the tier, the
 * tallies and the usage of caps.
 */
static void
apply_counts(Replay *replay, const Entry *entry)
{
	Account    *account = &replay->account;

	account_count(account, entry);
	tier_replay(account, entry);
	if (!replay->counts)
		return;
	tally_apply(account, entry);
	charges_replay(account, entry);
}

/* Apply an entry to the points, and compare the figures that it states. */
static void
apply_points(Replay *replay, const Entry *entry)
{
	Account    *account = &replay->account;
	int64		before = account->balance;

	if (!lots_apply(replay, entry))
		return;
	apply_lots(replay, entry);
	apply_holds(replay, entry);
	if (replay->broken)
		return;
	account->balance = lots_total(&account->lots) + account->held - account->debt;
	account->usable = lots_usable(&account->lots, account_day(account));
	compare_points(replay, entry, ENTRY_POINTS, account->balance - before);
	compare_points(replay, entry, ENTRY_BALANCE, account->balance);
	compare_points(replay, entry, ENTRY_USABLE, account->usable);
	compare_points(replay, entry, ENTRY_DEBT, account->debt);
	compare_points(replay, entry, ENTRY_HELD, account->held);
	if (account->debt < 0 || (account->debt > 0 && account->usable > 0))
		differ(replay, entry, "debt", number(account->debt), "none beside usable points");
}

/*
 * If the lots are not known any more, take the figures that the entry states;
 * only its change of the balance can still be checked.
 */
static void
follow_points(Replay *replay, const Entry *entry, int64 before)
{
	Account    *account = &replay->account;

	account->balance = entry_points(entry, ENTRY_BALANCE);
	account->usable = entry_points(entry, ENTRY_USABLE);
	account->debt = entry_points(entry, ENTRY_DEBT);
	account->held = entry_points(entry, ENTRY_HELD);
	compare_points(replay, entry, ENTRY_POINTS, account->balance - before);
}

/* Apply the next entry, and compare the result with what the entry states about the account. */
void
replay_entry(Replay *replay, const Entry *entry)
{
	Account    *account = &replay->account;
	int64		before = account->balance;

	apply_time(replay, entry);
	apply_state(account, entry);
	if (!replay->broken)
		apply_points(replay, entry);
	if (replay->broken)
		follow_points(replay, entry, before);
	apply_counts(replay, entry);
	account->matured_on = account->clock_on;
}
