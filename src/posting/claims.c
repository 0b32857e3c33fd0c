/*
 * claims.c
 *	  Following an award's points through the journal.
 */
#include "claims.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "json.h"
#include "money.h"

extern Datum expiry_in(PG_FUNCTION_ARGS);

/*
 * Moves: entries that gave points a new key
 */
typedef struct Moves
{
	int			count;
	Move	   *moves;
} Moves;

/* Append a move; the array grows by doubling. */
static void
add_move(Moves *moves, const Lot *from, const Lot *to)
{
	if (moves->count == 0)
		moves->moves = palloc(8 * sizeof(Move));
	else if (moves->count >= 8 && (moves->count & (moves->count - 1)) == 0)
		moves->moves = repalloc(moves->moves, 2 * moves->count * sizeof(Move));
	moves->moves[moves->count].from = *from;
	moves->moves[moves->count].to = *to;
	moves->count++;
}

/* The moves of an extension: each lot keeps everything but its last day. */
static void
moves_of_extension(const Entry *entry, const LotQueue *lots, Moves *moves)
{
	DateADT		to = DatumGetDateADT(entry->values[ENTRY_EXPIRES_ON]);

	for (int i = 0; i < lots->count; i++)
	{
		Lot			moved = with_last_day(&lots->lots[i], to);

		add_move(moves, &lots->lots[i], &moved);
	}
}

/*
 * The moves of points that come back with a new last day.  Points that paid
 * debt (the first in order of use) and points that made write-offs good do not
 * come back.
 */
static void
moves_of_comeback(const Entry *entry, const LotQueue *graced, Moves *moves)
{
	int64		debt = lots_total(&entry->source) - lots_total(&entry->gained) -
		lots_total(&entry->made_good_lots);

	if (graced->count == 0)
		return;
	moves->count = entry->source.count;
	moves->moves = moves_back(&entry->source, graced, DatumGetDateADT(entry->values[ENTRY_EXPIRES_ON]));
	moves_use_front(moves->moves, moves->count, debt);
	moves_use(moves->moves, moves->count, &entry->made_good_lots);
}

/*
 * The moves of a join: in order of use, each lot went to the next resulting lot
 * that had room for it.
 */
static void
moves_of_join(const Entry *entry, Moves *moves)
{
	int			into = 0;
	int64		room = entry->gained.count > 0 ? entry->gained.lots[0].points : 0;

	for (int i = 0; i < entry->taken.count && into < entry->gained.count; i++)
	{
		Lot			moved = entry->gained.lots[into];

		moved.points = entry->taken.lots[i].points;
		add_move(moves, &entry->taken.lots[i], &moved);
		room -= moved.points;
		if (room <= 0 && ++into < entry->gained.count)
			room = entry->gained.lots[into].points;
	}
}

/* The moves that an entry made; none if its kind does not move points from lot to lot. */
static void
moves_of(const Entry *entry, Moves *moves)
{
	moves->count = 0;
	switch (entry_kind(entry))
	{
		case KIND_EXTEND:
			moves_of_extension(entry, &entry->taken, moves);
			moves_of_extension(entry, &entry->source, moves);
			break;
		case KIND_JOIN:
			moves_of_join(entry, moves);
			break;
		case KIND_CANCEL:
			moves_of_comeback(entry, &entry->graced, moves);
			break;
		case KIND_REINSTATE:
			moves_of_comeback(entry, &entry->source, moves);
			break;
		default:
			break;
	}
}

/* Claims: in which lots an award's points can be now, and how many at most (S13) */
typedef struct KeyTally
{
	Lot			key;
	int64		points;
} KeyTally;

/* Add points to the tally of a key; a missing one is appended. */
static void
tally(List **tallies, const Lot *key, int64 points)
{
	ListCell   *cell;
	KeyTally   *one;

	foreach(cell, *tallies)
	{
		one = lfirst(cell);
		if (lots_compare(&one->key, key) == 0)
		{
			one->points += points;
			return;
		}
	}
	one = palloc(sizeof(KeyTally));
	one->key = *key;
	one->points = points;
	*tallies = lappend(*tallies, one);
}

/* Add the points of all lots to the tallies of their keys, or subtract them if sign is -1. */
static void
tally_all(List **tallies, const LotQueue *lots, int sign)
{
	for (int i = 0; i < lots->count; i++)
		tally(tallies, &lots->lots[i], sign * lots->lots[i].points);
}

/*
 * Spare up to a number of points of a key: points that have expired since the
 * award, and were neither brought back nor spared in an earlier return.
 * Returns how many were spared.
 */
int64
claims_spare(Claims *claims, const Lot *key, int64 points)
{
	ListCell   *cell;

	foreach(cell, claims->ended)
	{
		KeyTally   *one = lfirst(cell);
		int64		spared = Min(Max(one->points, 0), points);

		if (lots_compare(&one->key, key) != 0)
			continue;
		one->points -= spared;
		return spared;
	}
	return 0;
}

/*
 * Places: where the parts of an award went
 */

/* Does a part have this word in a member that otherwise holds a day? */
static bool
is_word(JsonbContainer *part, const char *key, const char *word)
{
	char	   *text = json_get_text(part, key);

	return text != NULL && strcmp(text, word) == 0;
}

/*
 * The lot to which a part was credited, as the part states it; NULL if all of
 * its points paid debt.
 */
static const Lot *
lot_of_part(const Entry *award, JsonbContainer *part)
{
	DateADT		last_day;
	DateADT		usable_from;

	/* if all parts went to one lot, they do not state it */
	if (!json_has(part, "usable_from"))
		return award->gained.count > 0 ? &award->gained.lots[award->gained.count - 1] : NULL;
	last_day = is_word(part, "expires_on", "inactive") ? LOT_INACTIVE : json_get_date(part, "expires_on", LOT_NEVER);
	usable_from = is_word(part, "usable_from", "unconfirmed") ? LOT_UNCONFIRMED :
		json_get_date(part, "usable_from", LOT_UNCONFIRMED);
	for (int i = 0; i < award->gained.count; i++)
		if (award->gained.lots[i].expires == last_day &&
			award->gained.lots[i].usable_from == usable_from)
			return &award->gained.lots[i];
	return NULL;
}

/* Are two policies, as text, the same?  NULL is the same as NULL only. */
static bool
same_policy(const char *one, const char *other)
{
	return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

/* Note that points of a place are, or were, in a lot. */
static void
place_key(Place *place, const Lot *lot)
{
	Lot			key = *lot;

	key.points = 1;
	if (lots_points_of(&place->keys, &key) == 0)
		lots_add(&place->keys, &key);
}

/*
 * Find or add the place of a lot and a policy, and add to the points credited
 * there; returns its number.
 */
static int
find_place(Claims *claims, const Lot *lot, const char *expiry, int64 points)
{
	int			i = 0;

	while (i < claims->nplaces && (lots_compare(&claims->places[i].credited, lot) != 0 ||
								   !same_policy(claims->places[i].expiry, expiry)))
		i++;
	if (i == claims->nplaces)
	{
		claims->places[i].credited = *lot;
		claims->places[i].credited.points = 0;
		claims->places[i].expiry = expiry;
		lots_init(&claims->places[i].lots);
		lots_init(&claims->places[i].keys);
		place_key(&claims->places[i], lot);
		claims->nplaces++;
	}
	claims->places[i].credited.points += points;
	return i;
}

/* Make the places of the parts, with what was in them when the award was posted. */
static void
find_places(Claims *claims, const Entry *award)
{
	bool		stated = !award->nulls[ENTRY_PARTS];
	LotQueue	gained;

	claims->nparts = stated ? json_count(award->values[ENTRY_PARTS]) : 1;
	claims->places = palloc(Max(claims->nparts, 1) * sizeof(Place));
	claims->place_of = palloc(Max(claims->nparts, 1) * sizeof(int));
	for (int i = 0; i < claims->nparts; i++)
	{
		JsonbContainer *part = stated ? json_element(award->values[ENTRY_PARTS], i) : NULL;
		const Lot  *lot = part ? lot_of_part(award, part) :
			award->gained.count > 0 ? &award->gained.lots[0] : NULL;

		claims->place_of[i] = lot == NULL ? -1 :
			find_place(claims, lot, part ? json_get_text(part, "expiry") : NULL,
					   part ? json_get_integer(part, "given", 0) : lot->points);
	}
	lots_copy(&gained, &award->gained);
	for (int i = 0; i < claims->nplaces; i++)
	{
		Lot			lot = claims->places[i].credited;

		lot.points = lots_take_key(&gained, &lot, lot.points, NULL);
		if (lot.points > 0)
			lots_add(&claims->places[i].lots, &lot);
	}
}

/*
 * Take points from a place's lots, but no more of each than a queue of slices
 * has; returns how many.
 */
static int64
take_slices(Place *place, LotQueue *slices, int64 points)
{
	int64		left = points;

	for (int i = 0; i < place->lots.count && left > 0; i++)
	{
		Lot		   *lot = &place->lots.lots[i];
		int64		taken = lots_take_key(slices, lot, Min(left, lot->points), NULL);

		lot->points -= taken;
		left -= taken;
	}
	return points - left;
}

/*
 * Deduct what an earlier return took from the places: first what was due of
 * each part, from its own place, then what was taken from any place because
 * points had been spent.
 */
static void
take_return(Claims *claims, const Entry *entry)
{
	LotQueue	taken;

	lots_copy(&taken, &entry->taken);
	for (int i = 0; i < claims->nparts; i++)
	{
		int64		due = entry->nulls[ENTRY_PARTS] ? entry_points(entry, ENTRY_DUE) :
			json_get_integer(json_element(entry->values[ENTRY_PARTS], i), "due", 0);

		if (claims->place_of[i] >= 0)
			(void) take_slices(&claims->places[claims->place_of[i]], &taken, due);
	}
	for (int i = 0; i < claims->nplaces; i++)
		(void) take_slices(&claims->places[i], &taken, PG_INT64_MAX);
}

/* Follow an earlier return of the same award. */
static void
claims_return(Claims *claims, const Entry *entry)
{
	take_return(claims, entry);
	claims->returns++;
	claims->due += entry_points(entry, ENTRY_DUE);
	claims->qualifying += entry->nulls[ENTRY_QUALIFYING] ? entry_points(entry, ENTRY_DUE) :
		entry_points(entry, ENTRY_QUALIFYING);
	claims->whole = claims->whole || entry_points(entry, ENTRY_QUANTITY) > 0;
	if (!entry->nulls[ENTRY_PARTS])
		claims->parts = lappend(claims->parts, DatumGetPointer(entry->values[ENTRY_PARTS]));
	if (!entry->nulls[ENTRY_AMOUNT])
		claims->refunded = money_add(claims->refunded, DatumGetNumeric(entry->values[ENTRY_AMOUNT]));
	if (!entry->nulls[ENTRY_LINES])
	{
		claims->by_lines = true;
		if (claims->lines)
			lines_read_return(DatumGetJsonbP(entry->values[ENTRY_LINES]), claims->lines, true);
	}
	else
		claims->by_amount = true;
}

/*
 * Move points from one key to another, place by place.  Points that have moved
 * already must not move again by the same entry.
 */
static void
move_in_places(Claims *claims, const Lot *from, const Lot *to)
{
	int64		left = to->points;

	for (int i = 0; i < claims->nplaces && left > 0; i++)
	{
		Lot			moved = *to;

		moved.points = lots_take_key(&claims->places[i].lots, from, left, NULL);
		left -= moved.points;
		if (moved.points == 0)
			continue;
		lots_add(&claims->places[i].lots, &moved);
		place_key(&claims->places[i], &moved);
	}
}

/*
 * The lot that a pending lot becomes by a confirmation: it is usable from that
 * day, on which its expiry period starts (S10), unless the award stated its
 * last day.
 */
Lot
confirmed_lot(const Entry *award, const Place *place, DateADT day)
{
	Lot			lot = place->credited;
	const Expiry *policy;

	lot.usable_from = day;
	if (!award->nulls[ENTRY_EXPIRES_ON])
	{
		lot.expires = DatumGetDateADT(award->values[ENTRY_EXPIRES_ON]);
		return lot;
	}
	policy = DatumGetExpiry(place->expiry == NULL ? award->values[ENTRY_EXPIRY] :
							DirectFunctionCall1(expiry_in, CStringGetDatum(place->expiry)));
	lot.expires = expiry_last_day(policy, day);
	return lot;
}

/*
 * Follow a confirmation of the award: its pending lots became usable ones, less
 * the points that paid debt.
 */
static void
claims_confirm(Claims *claims, const Entry *entry)
{
	LotQueue	taken;
	LotQueue	gained;

	lots_copy(&taken, &entry->taken);
	lots_copy(&gained, &entry->gained);
	claims->confirmed_on = DatumGetDateADT(entry->values[ENTRY_COUNTS_FROM]);
	for (int i = 0; i < claims->nplaces; i++)
	{
		Place	   *place = &claims->places[i];
		Lot			lot = confirmed_lot(claims->award, place, claims->confirmed_on);
		int64		waited = lots_points_of(&place->lots, &place->credited);

		waited = lots_take_key(&taken, &place->credited, waited, NULL);
		if (waited == 0)
			continue;
		(void) lots_take_key(&place->lots, &place->credited, waited, NULL);
		lot.points = lots_take_key(&gained, &lot, waited, NULL);
		if (lot.points == 0)
			continue;
		lots_add(&place->lots, &lot);
		place_key(place, &lot);
	}
}

/* Follow an entry that moved points from lot to lot. */
static void
claims_move(Claims *claims, const Entry *entry)
{
	Moves		moves;

	moves_of(entry, &moves);
	for (int i = 0; i < moves.count; i++)
		if (moves.moves[i].to.points > 0 &&
			lots_compare(&moves.moves[i].from, &moves.moves[i].to) != 0)
			move_in_places(claims, &moves.moves[i].from, &moves.moves[i].to);
}

/* Visitor: follow an entry that came after the award, whether or not it refers to the award. */
static bool
claims_visit(Entry *entry, void *state)
{
	Claims	   *claims = state;
	bool		of_award = entry_points(entry, ENTRY_OF_SEQ) == claims->award_seq;

	switch (entry_kind(entry))
	{
		case KIND_REFUND:
			if (of_award)
				claims_return(claims, entry);
			tally_all(&claims->ended, &entry->spared, -1);
			break;
		case KIND_CONFIRM:
			if (of_award)
				claims_confirm(claims, entry);
			break;
		case KIND_EXPIRE:
			tally_all(&claims->ended, &entry->taken, 1);
			break;
		case KIND_REINSTATE:
			tally_all(&claims->ended, &entry->source, -1);
			claims_move(claims, entry);
			break;
		case KIND_JOIN:
		case KIND_EXTEND:
		case KIND_CANCEL:
			claims_move(claims, entry);
			break;
		default:
			break;
	}
	return true;
}

/*
 * Follow an award's points through all later entries of the journal.  lines,
 * unless it is NULL, gets what earlier returns gave back of each line.
 */
void
claims_read(Posting *posting, const Entry *award, Lines *lines, Claims *claims)
{
	memset(claims, 0, sizeof(*claims));
	claims->award = award;
	claims->award_seq = entry_seq(award);
	claims->refunded = money_of_int64(0);
	claims->lines = lines;
	claims->confirmed_on = DATEVAL_NOEND;
	find_places(claims, award);
	ledger_entries_from(posting->ledger, posting->account, claims->award_seq + 1,
						claims_visit, claims);
}

/* Grace periods: a lot that already has its last day from one does not get another (S15) */
typedef struct GraceSearch
{
	const Lot  *key;
	bool		found;
} GraceSearch;

/* Visitor: look for a cancellation that gave a lot its last day by a grace period. */
static bool
search_grace(Entry *entry, void *state)
{
	GraceSearch *search = state;
	Moves		moves;

	if (entry_kind(entry) != KIND_CANCEL || entry->graced.count == 0)
		return true;
	moves_of(entry, &moves);
	for (int i = 0; i < moves.count; i++)
		if (moves.moves[i].to.points > 0 &&
			lots_points_of(&entry->graced, &moves.moves[i].from) > 0 &&
			lots_compare(&moves.moves[i].to, search->key) == 0)
			search->found = true;
	return !search->found;
}

/* Did the grace period of an earlier cancellation give a lot its last day? */
bool
lot_was_graced(Posting *posting, const Lot *lot)
{
	GraceSearch search = {lot, false};

	ledger_entries_back(posting->ledger, posting->account, search_grace, &search);
	return search.found;
}
