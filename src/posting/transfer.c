/*
 * transfer.c
 *	  Moving usable points to another member of the program (S18).
 */
#include "posting.h"

#include "utils/builtins.h"

#include "calendar.h"
#include "member.h"

/* The sender's transfers in the local calendar year of this transfer. */
typedef struct YearOfTransfers
{
	const Posting *posting;
	int			year;
	int64		times;
	int64		points;
} YearOfTransfers;

/*
 * Visitor, from the last entry back: count the sender's transfers of the year,
 * and stop before it.
 */
static bool
count_transfer(Entry *entry, void *state)
{
	YearOfTransfers *sum = state;
	pg_tz	   *zone = sum->posting->program->zone;

	/* an entry that is dated in a year cannot have taken effect before that year */
	if (calendar_year_of(calendar_day_of(entry_clock(entry), zone)) < sum->year)
		return false;
	if (entry_kind(entry) == KIND_TRANSFER_OUT &&
		calendar_year_of(calendar_day_of(entry_at(entry), zone)) == sum->year)
	{
		sum->times++;
		sum->points += -entry_points(entry, ENTRY_POINTS) - entry_points(entry, ENTRY_FEE);
	}
	return true;
}

/*
 * Refuse a transfer that exceeds a limit of the program.  The detail is a whole
 * sentence with a place for the value.
 */
static void
refuse_limit(const char *limit, int64 allowed, const char *detail, int64 value)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_LIMIT),
			 errmsg("transfer exceeds the program's %s of " INT64_FORMAT, limit, allowed),
			 errdetail(detail, value),
			 errhint("Transfer limits are columns of loyalty.program.")));
}

/* Check the limits on the transfers and the points that a member sends in a calendar year (S18). */
static void
check_year(Posting *posting, int64 points)
{
	const Program *program = posting->program;
	YearOfTransfers sum = {posting, calendar_year_of(posting->at_on), 0, 0};

	if (program->transfers_per_year == NO_LIMIT && program->points_per_transfer_year == NO_LIMIT)
		return;
	ledger_entries_back(posting->ledger, posting->account, count_transfer, &sum);
	if (program->transfers_per_year != NO_LIMIT && sum.times >= program->transfers_per_year)
		refuse_limit("transfers_per_year", program->transfers_per_year,
					 "With this transfer, the member would have " INT64_FORMAT " transfers in the year.", sum.times + 1);
	if (program->points_per_transfer_year != NO_LIMIT &&
		sum.points + points > program->points_per_transfer_year)
		refuse_limit("points_per_transfer_year", program->points_per_transfer_year,
					 "With this transfer, the member would have sent " INT64_FORMAT " points in the year.", sum.points + points);
}

/* Check that the sender has been enrolled for as many days as the program requires. */
static void
check_membership(const Posting *posting)
{
	int			days = posting->at_on -
		calendar_day_of(posting->account->opened_at, posting->program->zone);

	if (days < 0)
		ereport(ERROR,
				(errcode(ERRCODE_LY_TIME),
				 errmsg("transfer rejected: dated before member \"%s\" was enrolled",
						ask_text(posting->request, P_MEMBER)),
				 errdetail("The call is dated %s; the member was enrolled at %s.", pstrdup(timestamptz_to_str(posting->at)),
						   pstrdup(timestamptz_to_str(posting->account->opened_at))),
				 errhint("Use a later \"at\", or omit it to use the current time.")));
	if (days < posting->program->transfer_membership_days)
		ereport(ERROR,
				(errcode(ERRCODE_LY_LIMIT),
				 errmsg("the sender of a transfer must have been enrolled for %d days",
						posting->program->transfer_membership_days),
				 errdetail("Member \"%s\" has been enrolled for %d days.",
						   ask_text(posting->request, P_MEMBER), days),
				 errhint("Transfer limits are columns of loyalty.program.")));
}

/* Check that the receiver is not frozen, and that the balance cap would not be exceeded. */
static void
check_receiver(const Posting *posting, const Account *receiver, int64 points)
{
	int64		cap = posting->program->balance_cap;

	if (receiver->frozen != FREEZE_NONE)
		posting_frozen(receiver, ask_text(posting->request, P_TO_MEMBER));
	if (cap != NO_LIMIT && receiver->balance + points > cap)
		refuse_limit("balance_cap", cap, "With this transfer, the receiver would have " INT64_FORMAT " points.",
					 receiver->balance + points);
}

/*
 * The last first-usable day of points that can be transferred: they have been
 * usable for as many days as the program requires.
 */
static int64
seasoned_until(const Posting *posting)
{
	return posting->account->clock_on - posting->program->transfer_usable_days;
}

/*
 * Check that the sender is not frozen, has no debt, keeps to the limits, and
 * has enough points that have been usable long enough (S18).
 */
static void
check_sender(Posting *posting, int64 points)
{
	Account    *sender = posting->account;
	LotQueue	lots;
	int64		seasoned;
	int64		all = points + posting->program->transfer_fee;

	posting_refuse_frozen(posting, FREEZE_ALL);
	if (sender->debt > 0)
		ereport(ERROR,
				(errcode(ERRCODE_LY_TRANSFER),
				 errmsg("transfer rejected: member \"%s\" owes " INT64_FORMAT " points",
						ask_text(posting->request, P_MEMBER), sender->debt),
				 errhint("Points that the member receives pay the debt first.")));
	check_year(posting, points);
	check_membership(posting);
	posting_refuse_shortage(posting, all);
	lots_copy(&lots, &sender->lots);
	seasoned = lots_take_seasoned(&lots, all, account_day(sender), seasoned_until(posting), NULL);
	if (seasoned < all)
		ereport(ERROR,
				(errcode(ERRCODE_LY_NOT_ENOUGH),
				 errmsg("not enough points to transfer: " INT64_FORMAT " needed, " INT64_FORMAT " transferable",
						all, seasoned),
				 errdetail("Points can be transferred once they have been usable for %d days.",
						   posting->program->transfer_usable_days),
				 errhint("Use loyalty.lots to see when each lot became usable.")));
}

/* Load the receiver's account; posting.c has locked the two accounts in the right order. */
static Account *
load_receiver(Posting *posting)
{
	char	   *key = ask_text(posting->request, P_TO_MEMBER);
	int64		id = member_id(key);
	Account    *receiver;

	if (id == 0)
		member_unknown(key);
	if (id == posting->account->member_id)
		ereport(ERROR,
				(errcode(ERRCODE_LY_TRANSFER),
				 errmsg("transfer rejected: member \"%s\" is also the sender", key),
				 errhint("Choose a different member as the receiver.")));
	receiver = ledger_load(posting->ledger, id, posting->program, LockWaitBlock);
	if (receiver == NULL)
		posting_not_enrolled(key, posting->program);
	return receiver;
}

/*
 * Let both entries take effect at the latest of `at` and the clocks of the two
 * accounts, and settle both accounts up to that time (S18).
 */
static void
meet(Posting *posting, Account *receiver)
{
	posting->clock = Max(posting->clock, receiver->clock);
	posting_settle(posting, posting->account);
	posting_settle(posting, receiver);
}

/*
 * Post the receiver's entry, which has no ref of its own but names the sender
 * and the sender's ref.
 */
static void
receive(Posting *posting, Account *receiver, const LotQueue *slices)
{
	Entry	   *entry = account_begin(receiver, KIND_TRANSFER_IN, posting->at, posting->clock);

	entry_set(entry, ENTRY_OF_REF, posting->request->values[P_REF]);
	entry_set_points(entry, ENTRY_COUNTERPARTY_ID, posting->account->id);
	for (int i = 0; i < slices->count; i++)
		if (slices->lots[i].expires == LOT_INACTIVE && receiver->inactive_months < 0)
			account_set_inactive_months(receiver, entry, posting->account->inactive_months);
	account_active(receiver, entry, posting->at_on);
	account_credit(receiver, entry, slices);
	account_finish_posting(receiver, entry);
	ledger_store(posting->ledger, receiver);
}

/* transfer: move usable points to another member, and take the fee in addition (S18). */
void
transfer_post(Posting *posting)
{
	Account    *sender = posting->account;
	int64		points = ask_points(posting->request, P_POINTS);
	Account    *receiver = load_receiver(posting);
	LotQueue	fee;
	LotQueue	slices;
	Entry	   *entry;

	meet(posting, receiver);
	check_sender(posting, points);
	check_receiver(posting, receiver, points);

	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_COUNTERPARTY_ID, receiver->id);
	account_active(sender, entry, posting->at_on);
	(void) lots_take_seasoned(&sender->lots, points + posting->program->transfer_fee,
							  account_day(sender), seasoned_until(posting), &entry->taken);
	lots_init(&slices);
	lots_copy(&fee, &entry->taken);
	(void) lots_take_front(&fee, points, &slices);
	if (posting->program->transfer_fee > 0)
		entry_set_points(entry, ENTRY_FEE, posting->program->transfer_fee);
	posting_finish(posting);
	receive(posting, receiver, &slices);
}
