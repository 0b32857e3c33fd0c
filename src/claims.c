/*
 * claims.c
 *	  Following an award's points through the journal.
 */
#include "claims.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "award.h"
#include "json.h"

extern Datum expiry_in(PG_FUNCTION_ARGS);

/*
 * Moves: entries that gave points a new key
 */
typedef struct Move
{
	Lot			from;
	Lot			to;				/* with the points moved */
} Move;

typedef struct Moves
{
	int			count;
	Move	   *moves;
} Moves;

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

/* Extended lots keep all but their last day. */
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

static int
compare_moves(const void *a, const void *b)
{
	const Move *one = a;
	const Move *other = b;
	int			order = lots_compare(&one->to, &other->to);

	return order != 0 ? order : lots_compare(&one->from, &other->from);
}

/*
 * What comes back with a new last day: the first to be used paid debt and
 * write-offs, what is left of the others moved.
 */
static void
moves_of_comeback(const Entry *entry, const LotQueue *graced, Moves *moves)
{
	int64		used = lots_total(&entry->source) - lots_total(&entry->gained);
	DateADT		to;

	if (graced->count == 0)
		return;
	to = DatumGetDateADT(entry->values[ENTRY_EXPIRES_ON]);
	for (int i = 0; i < entry->source.count; i++)
	{
		const Lot  *from = &entry->source.lots[i];
		bool		moved = lots_points_of(graced, from) > 0;
		Lot			key = moved ? with_last_day(from, to) : *from;

		add_move(moves, from, &key);
	}
	qsort(moves->moves, moves->count, sizeof(Move), compare_moves);
	for (int i = 0; i < moves->count && used > 0; i++)
	{
		int64		part = Min(used, moves->moves[i].to.points);

		moves->moves[i].to.points -= part;
		used -= part;
	}
}

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

/*
 * Claims: where an award's points are now, at most (S13)
 */
typedef struct KeyTally
{
	Lot			key;
	int64		points;
} KeyTally;

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

static void
tally_all(List **tallies, const LotQueue *lots, int sign)
{
	for (int i = 0; i < lots->count; i++)
		tally(tallies, &lots->lots[i], sign * lots->lots[i].points);
}

/*
 * Up to so many points of a key that expired since the award, and were neither
 * brought back nor spared to a return: they are spared now.
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

/* Take points of a key out of the places, in their order; how many were there. */
static int64
take_from_places(Claims *claims, const Lot *key, int64 points)
{
	int64		left = points;

	for (int i = 0; i < claims->nplaces; i++)
		left -= lots_take_key(&claims->places[i], key, left, NULL);
	return points - left;
}

/* An earlier return of the same award. */
static void
claims_return(Claims *claims, const Entry *entry)
{
	for (int i = 0; i < entry->taken.count; i++)
		(void) take_from_places(claims, &entry->taken.lots[i], entry->taken.lots[i].points);
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
 * Give points of one key another, place by place.  Points that have moved
 * already must not move again by the same entry.
 */
static void
move_in_places(Claims *claims, const Lot *from, const Lot *to)
{
	int64		left = to->points;

	for (int i = 0; i < claims->nplaces && left > 0; i++)
	{
		Lot			moved = *to;

		moved.points = lots_take_key(&claims->places[i], from, left, NULL);
		left -= moved.points;
		if (moved.points > 0)
			lots_add(&claims->places[i], &moved);
	}
}

/* The policy of a lot that was pending: of the first part that put points there. */
static const Expiry *
pending_policy(const Entry *award, const Lot *pending)
{
	for (int i = 0; !award->nulls[ENTRY_PARTS] && i < json_count(award->values[ENTRY_PARTS]); i++)
	{
		JsonbContainer *part = json_element(award->values[ENTRY_PARTS], i);
		char	   *expiry = json_get_text(part, "expiry");

		if (expiry != NULL && pending->usable_from != LOT_UNCONFIRMED &&
			json_get_date(part, "expires_on", LOT_NEVER) == pending->expires &&
			json_get_date(part, "usable_from", LOT_UNCONFIRMED) == pending->usable_from)
			return DatumGetExpiry(DirectFunctionCall1(expiry_in, CStringGetDatum(expiry)));
	}
	return DatumGetExpiry(award->values[ENTRY_EXPIRY]);
}

/* What a confirmation makes of a pending lot: its clock of expiry starts that day. */
Lot
confirmed_lot(const Entry *award, const Lot *pending, DateADT day)
{
	Lot			lot = *pending;

	lot.usable_from = day;
	if (!award->nulls[ENTRY_EXPIRES_ON])
		lot.expires = DatumGetDateADT(award->values[ENTRY_EXPIRES_ON]);
	else
		lot.expires = expiry_last_day(pending_policy(award, pending), day);
	return lot;
}

/* A confirmation of the award: its pending lots became others, less debt. */
static void
claims_confirm(Claims *claims, const Entry *entry)
{
	LotQueue	gained;

	lots_copy(&gained, &entry->gained);
	claims->confirmed_on = DatumGetDateADT(entry->values[ENTRY_COUNTS_FROM]);
	for (int i = 0; i < claims->nplaces; i++)
	{
		LotQueue	before;

		lots_copy(&before, &claims->places[i]);
		for (int j = 0; j < before.count; j++)
		{
			Lot			lot = before.lots[j];

			if (lots_points_of(&entry->taken, &lot) == 0)
				continue;
			lots_subtract(&claims->places[i], &lot);
			lot = confirmed_lot(claims->award, &lot, claims->confirmed_on);
			lot.points = lots_take_key(&gained, &lot, lot.points, NULL);
			if (lot.points > 0)
				lots_add(&claims->places[i], &lot);
		}
	}
}

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
		case KIND_EXTEND:
		case KIND_CANCEL:
			claims_move(claims, entry);
			break;
		default:
			break;
	}
	return true;
}

/* Follow an award's points through the journal. */
void
claims_read(Posting *posting, const Entry *award, Lines *lines, Claims *claims)
{
	memset(claims, 0, sizeof(*claims));
	claims->award = award;
	claims->award_seq = entry_seq(award);
	claims->refunded = money_of_int64(0);
	claims->lines = lines;
	claims->confirmed_on = DATEVAL_NOEND;
	claims->nplaces = award->gained.count;
	claims->places = palloc(Max(claims->nplaces, 1) * sizeof(LotQueue));
	for (int i = 0; i < claims->nplaces; i++)
	{
		lots_init(&claims->places[i]);
		lots_add(&claims->places[i], &award->gained.lots[i]);
	}
	ledger_entries_from(posting->ledger, posting->account, claims->award_seq + 1,
						claims_visit, claims);
}

/*
 * Graces: a lot whose date one gave gets no second (S15)
 */
typedef struct GraceSearch
{
	const Lot  *key;
	bool		found;
} GraceSearch;

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

bool
lot_was_graced(Posting *posting, const Lot *lot)
{
	GraceSearch search = {lot, false};

	ledger_entries_back(posting->ledger, posting->account, search_grace, &search);
	return search.found;
}
