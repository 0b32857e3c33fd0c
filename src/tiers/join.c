/*
 * join.c
 *	  Joining lots, where an account has too many: no posting is refused for
 *	  the number of lots.
 *
 * Neighbours in the order of use become one lot, so the order is what it was.
 * First those of one last day, the oldest first: the younger points take the
 * older ones' dates of earning.  Only if all last days differ, the points that
 * end first take the last day of those that end soon after: nobody loses any.
 * Pending lots stay, for each waits for a day, or a confirmation, of its own.
 */
#include "account.h"

#include "miscadmin.h"
#include "utils/guc.h"

int			loyalty_lots_limit = LOTS_LIMIT;

void
join_init(void)
{
	DefineCustomIntVariable("loyalty.lots_limit",
							"Number of open lots of an account from which on lots are merged.",
							NULL, &loyalty_lots_limit, LOTS_LIMIT, 4, LOTS_LIMIT, PGC_SUSET, 0,
							NULL, NULL, NULL);
}

/* Can two neighbours be merged, if their last days may differ by this number of days? */
static bool
may_join(const Lot *first, const Lot *next, int days, LotDay day)
{
	if (!lot_matured(first, day) || !lot_matured(next, day) || first->issuer != next->issuer)
		return false;
	if (first->expires == next->expires)
		return true;
	return next->expires < LOT_INACTIVE && next->expires - first->expires <= days;
}

/* Merge some neighbouring lots into one. */
static void
join_group(Account *account, Entry *entry, const Lot *group, int count)
{
	/* of one last day to the oldest; else to the one that ends last */
	Lot			target = group[0].expires == group[count - 1].expires ? group[0] : group[count - 1];

	/* usable since the latest of them, lest any be transferred sooner than it could (S18) */
	for (int i = 0; i < count; i++)
		target.usable_from = Max(target.usable_from, group[i].usable_from);
	for (int i = 0; i < count; i++)
	{
		Lot			moved = group[i];

		if (lots_compare(&moved, &target) == 0)
			continue;
		lots_subtract(&account->lots, &moved);
		lots_add(&entry->taken, &moved);
		moved = target;
		moved.points = group[i].points;
		lots_add(&account->lots, &moved);
		lots_add(&entry->gained, &moved);
	}
}

/* Merge neighbours until there are n lots fewer; returns how many lots were removed. */
static int
join_neighbours(Account *account, Entry *entry, int days, int excess)
{
	LotDay		day = account_day(account);
	LotQueue	lots;
	int			gone = 0;

	lots_copy(&lots, &account->lots);
	for (int first = 0; first < lots.count && gone < excess;)
	{
		int			count = 1;

		while (first + count < lots.count && gone + count - 1 < excess &&
			   may_join(&lots.lots[first], &lots.lots[first + count], days, day))
			count++;
		if (count > 1)
			join_group(account, entry, &lots.lots[first], count);
		gone += count - 1;
		first += count;
	}
	return gone;
}

/* Reduce the number of lots by n, in an entry; false if no lots can be merged. */
static bool
join_by_entry(Account *account, int excess)
{
	Entry	   *entry = account_begin(account, KIND_JOIN, account->clock, account->clock);

	for (int days = 0; days <= PG_INT16_MAX && entry->taken.count == 0; days = days == 0 ? 1 : 2 * days)
		(void) join_neighbours(account, entry, days, excess);
	if (entry->taken.count > 0)
		account_finish(account, entry);
	return entry->taken.count > 0;
}

/*
 * Join an account's lots if there are more than it may have; an eighth, so that
 * it is seldom.  An entry says of each lot that goes where it went, so it has
 * room for half as many as a value holds.
 */
void
account_join_lots(Account *account)
{
	int			few = loyalty_lots_limit - loyalty_lots_limit / 8;

	while (account->lots.count > loyalty_lots_limit &&
		   join_by_entry(account, Min(account->lots.count - few, MAX_LOTS / 2)))
		CHECK_FOR_INTERRUPTS();
}

/*
 * Judging
 */

/* Do two lots stand beside each other among those that were not joined? */
static bool
are_neighbours(const LotQueue *rest, const Lot *from, const Lot *to)
{
	bool		found;
	int			at_from = lots_find(rest, from, &found);
	int			at_to = lots_find(rest, to, &found);

	/* where the lot joined to was there before, either side of it is beside it */
	return at_from == at_to || (found && at_from == at_to + 1);
}

/*
 * May a lot have become part of another?  Its points are used in the same
 * turn, end no sooner, and are transferred no sooner (S7, S8, S18).
 */
static bool
is_move_of_join(const LotQueue *rest, const Lot *from, const Lot *to, LotDay day)
{
	if (from->issuer != to->issuer || !lot_usable(from, day) || !lot_matured(to, day) ||
		to->usable_from < from->usable_from)
		return false;
	if (from->expires != to->expires && (from->expires > to->expires || to->expires >= LOT_INACTIVE))
		return false;
	return are_neighbours(rest, from, to);
}

/* Does an entry join some of these lots as they may be joined? */
bool
join_is_sound(const LotQueue *lots, const Entry *entry, LotDay day)
{
	LotQueue	rest;
	int			into = 0;
	int64		room = 0;

	lots_copy(&rest, lots);
	lots_subtract_all(&rest, &entry->taken);
	for (int i = 0; i < entry->taken.count; i++)
	{
		const Lot  *from = &entry->taken.lots[i];

		if (room == 0)
		{
			if (into >= entry->gained.count)
				return false;
			room = entry->gained.lots[into++].points;
		}
		if (from->points > room || lots_points_of(lots, from) != from->points ||
			!is_move_of_join(&rest, from, &entry->gained.lots[into - 1], day))
			return false;
		room -= from->points;
	}
	return room == 0 && into == entry->gained.count;
}
