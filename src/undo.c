/*
 * undo.c
 *	  Returns, cancellations, confirmations and reinstatements: postings that
 *	  look at what the journal says of earlier ones (S9, S10, S12, S13, S15).
 */
#include "posting.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "award.h"
#include "line.h"

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

static Lot
with_last_day(const Lot *lot, DateADT expires)
{
	Lot			moved = *lot;

	moved.expires = expires;
	return moved;
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
typedef struct Tally
{
	Lot			key;
	int64		points;
} Tally;

typedef struct Claims
{
	int64		award_seq;
	LotQueue	places;			/* points of the award by key */
	List	   *ended;			/* of Tally *: expired, less brought back or spared */
	/* of the returns of this award so far */
	Numeric		refunded;
	int64		due;
	int			returns;
	bool		by_lines;
	bool		by_amount;
	Lines	   *lines;
} Claims;

static void
tally(List **tallies, const Lot *key, int64 points)
{
	ListCell   *cell;
	Tally	   *one;

	foreach(cell, *tallies)
	{
		one = lfirst(cell);
		if (lots_compare(&one->key, key) == 0)
		{
			one->points += points;
			return;
		}
	}
	one = palloc(sizeof(Tally));
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

static int64
tallied(const List *tallies, const Lot *key)
{
	ListCell   *cell;

	foreach(cell, tallies)
	{
		const Tally *one = lfirst(cell);

		if (lots_compare(&one->key, key) == 0)
			return Max(one->points, 0);
	}
	return 0;
}

/* An earlier return of the same award. */
static void
claims_return(Claims *claims, const Entry *entry)
{
	for (int i = 0; i < entry->taken.count; i++)
		(void) lots_take_key(&claims->places, &entry->taken.lots[i],
							 entry->taken.lots[i].points, NULL);
	claims->returns++;
	claims->due += entry_points(entry, ENTRY_DUE);
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

/* A confirmation of the award: its pending lot became another. */
static void
claims_confirm(Claims *claims, const Entry *entry)
{
	for (int i = 0; i < entry->taken.count; i++)
		(void) lots_take_key(&claims->places, &entry->taken.lots[i],
							 entry->taken.lots[i].points, NULL);
	lots_add_all(&claims->places, &entry->gained);
}

static void
claims_move(Claims *claims, const Entry *entry)
{
	Moves		moves;

	moves_of(entry, &moves);
	for (int i = 0; i < moves.count; i++)
	{
		Lot			moved = moves.moves[i].to;

		if (moved.points == 0 || lots_compare(&moves.moves[i].from, &moved) == 0)
			continue;
		moved.points = lots_take_key(&claims->places, &moves.moves[i].from, moved.points, NULL);
		if (moved.points > 0)
			lots_add(&claims->places, &moved);
	}
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
static void
claims_read(Posting *posting, const Entry *award, Lines *lines, Claims *claims)
{
	memset(claims, 0, sizeof(*claims));
	claims->award_seq = entry_seq(award);
	claims->refunded = money_of_int64(0);
	claims->lines = lines;
	lots_copy(&claims->places, &award->gained);
	ledger_entries_from(posting->ledger, posting->account, claims->award_seq + 1,
						claims_visit, claims);
}

/*
 * Returns (S12)
 */
typedef struct Return
{
	Entry	   *award;
	int64		given;
	Numeric		net;
	Lines		lines;			/* of the purchase; none where it had none */
	Claims		claims;
	Numeric		amount;			/* money back by this return */
	bool		whole;			/* all that was left */
	int64		due;
} Return;

static void
refuse_more_than_left(const Posting *posting, const Return *back)
{
	Numeric		left = money_subtract(back->net, back->claims.refunded);

	ereport(ERROR,
			(errcode(ERRCODE_LY_ENDED),
			 errmsg("cannot return more than is left of \"%s\"",
					ask_text(posting->request, P_OF_REF)),
			 errdetail("Left: %s.",
					   DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(left)))),
			 money_is_zero(left) ? errhint("All of it has been returned.") :
			 errhint("Return what is left, without amount or lines.")));
}

/* Money back by lines; what each line still keeps gives what is due. */
static void
return_by_lines(const Posting *posting, Return *back)
{
	int64		keep = 0;

	if (back->lines.count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund: \"%s\" has no lines", ask_text(posting->request, P_OF_REF))));
	lines_read_return(DatumGetJsonbP(posting->request->values[P_LINES]), &back->lines, false);
	back->amount = money_of_int64(0);
	for (int i = 0; i < back->lines.count; i++)
	{
		Line	   *line = &back->lines.lines[i];

		back->amount = money_add(back->amount, line->returned);
		if (money_is_zero(line->amount))
			keep += line->points;
		else
			keep += award_keep(line->points, line->amount, money_add(line->refunded, line->returned));
	}
	if (back->claims.by_amount &&
		money_compare(money_add(back->claims.refunded, back->amount), back->net) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund: \"%s\" has been returned by amount before",
						ask_text(posting->request, P_OF_REF)),
				 errhint("Return an amount, or all the rest (neither amount nor lines).")));
	back->due = back->given - keep - back->claims.due;
}

static void
return_by_amount(const Posting *posting, Return *back)
{
	Numeric		after;

	back->amount = DatumGetNumeric(posting->request->values[P_AMOUNT]);
	after = money_add(back->claims.refunded, back->amount);
	if (money_compare(after, back->net) > 0)
		refuse_more_than_left(posting, back);
	if (money_is_zero(back->amount) && !money_is_zero(back->net))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund: amount must be more than 0")));
	if (back->claims.by_lines && money_compare(after, back->net) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund: \"%s\" has been returned by lines before",
						ask_text(posting->request, P_OF_REF)),
				 errhint("Return lines, or all the rest (neither amount nor lines).")));
	back->due = back->given - award_keep(back->given, back->net, after) - back->claims.due;
}

/* What this return gives back, in money, and what is due for it. */
static void
work_out_return(const Posting *posting, Return *back)
{
	const Request *request = posting->request;
	Claims	   *claims = &back->claims;
	bool		all_back = claims->returns > 0 && money_compare(claims->refunded, back->net) >= 0;

	if (all_back)
		refuse_more_than_left(posting, back);
	if (asked(request, P_LINES))
		return_by_lines(posting, back);
	else if (asked(request, P_AMOUNT))
		return_by_amount(posting, back);
	else
		back->amount = money_subtract(back->net, claims->refunded);
	back->whole = money_compare(money_add(claims->refunded, back->amount), back->net) >= 0;
	if (back->whole)
		back->due = back->given - claims->due;
	Assert(back->due >= 0 && back->due <= back->given - claims->due);
}

/* Take up to so many points of the award's own, from one place. */
static int64
take_own(Account *account, Entry *entry, LotQueue *places, int i, int64 left)
{
	Lot		   *place = &places->lots[i];
	int64		taken;

	if (left == 0 || place->points == 0)
		return 0;
	taken = lots_take_key(&account->lots, place, Min(left, place->points), &entry->taken);
	place->points -= taken;
	return taken;
}

/* First its pending points, then the unheld ones of its lots. */
static int64
take_own_points(Account *account, Entry *entry, LotQueue *places, int64 due)
{
	int64		left = due;

	for (int i = 0; i < places->count; i++)
		if (!lot_matured(&places->lots[i], account_day(account)))
			left -= take_own(account, entry, places, i, left);
	for (int i = 0; i < places->count; i++)
		if (lot_matured(&places->lots[i], account_day(account)))
			left -= take_own(account, entry, places, i, left);
	return left;
}

/* Nothing for points of it that expired. */
static int64
spare_ended(Entry *entry, const Claims *claims, int64 due)
{
	int64		left = due;

	for (int i = 0; i < claims->places.count; i++)
	{
		Lot			place = claims->places.lots[i];
		int64		ended = tallied(claims->ended, &place);

		place.points = Min(Min(left, place.points), ended);
		if (place.points == 0)
			continue;
		lots_add(&entry->spared, &place);
		left -= place.points;
	}
	return left;
}

static void
refuse_spent(const Posting *posting, int64 due, int64 spent)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_RETURN_REJECTED),
			 errmsg("cannot return \"%s\": " INT64_FORMAT " of its points are spent",
					ask_text(posting->request, P_OF_REF), spent),
			 errdetail("Due " INT64_FORMAT " points; the program's on_spent_return is reject.", due),
			 errhint("Cancel the spend first.")));
}

/* The spent rest goes by the program's policy (S13). */
static void
take_spent(Posting *posting, Entry *entry, int64 due, int64 spent)
{
	Account    *account = posting->account;
	LotDay		day = account_day(account);
	int64		left = spent;

	if (spent == 0)
		return;
	switch (posting->program->on_spent_return)
	{
		case SPENT_REJECT:
			refuse_spent(posting, due, spent);
			break;
		case SPENT_CLAMP:
			break;
		case SPENT_PENDING_ONLY:
			left -= lots_take_pending(&account->lots, left, day, &entry->taken);
			break;
		case SPENT_ACTIVE_ONLY:
			left -= lots_take(&account->lots, left, day, &entry->taken);
			break;
		case SPENT_DEBT:
			left -= lots_take(&account->lots, left, day, &entry->taken);
			account->debt += left;
			if (left > 0)
				entry_set_points(entry, ENTRY_OWED, left);
			left = 0;
			break;
	}
	account_write_off(account, entry, left);
}

static void
check_returnable(const Posting *posting, const Entry *award)
{
	const Request *request = posting->request;
	Kind		kind = entry_kind(award);

	if (kind != KIND_EARN && kind != KIND_AWARD)
		ereport(ERROR,
				(errcode(ERRCODE_LY_UNKNOWN_REF),
				 errmsg("\"%s\" is not a purchase or award but a posting of kind %s",
						ask_text(request, P_OF_REF), kind_label(kind)),
				 errhint("Spends are undone by cancel, corrections by adjust.")));
	if (kind == KIND_AWARD && (asked(request, P_AMOUNT) || asked(request, P_LINES)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund: an award is returned whole, without amount or lines")));
	if (kind == KIND_EARN && (asked(request, P_AMOUNT) || asked(request, P_LINES)) &&
		money_is_zero(DatumGetNumeric(award->values[ENTRY_AMOUNT])))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund: a purchase of no money is returned whole, without amount or lines")));
	if (asked(request, P_AMOUNT) && asked(request, P_LINES))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund: name an amount or lines, not both")));
}

/* refund: take back what was given for money that goes back. */
void
refund_post(Posting *posting)
{
	const Request *request = posting->request;
	Return		back = {0};
	Entry	   *entry;
	int64		left;

	back.award = posting_find(posting, P_OF_REF);
	check_returnable(posting, back.award);
	posting_refuse_before(posting, back.award);
	back.given = entry_points(back.award, ENTRY_POINTS);
	back.net = back.award->nulls[ENTRY_AMOUNT] ? money_of_int64(0) :
		DatumGetNumeric(back.award->values[ENTRY_AMOUNT]);
	if (!back.award->nulls[ENTRY_LINES])
		lines_read(DatumGetJsonbP(back.award->values[ENTRY_LINES]), &back.lines);
	claims_read(posting, back.award, back.lines.count > 0 ? &back.lines : NULL, &back.claims);
	work_out_return(posting, &back);

	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_OF_SEQ, entry_seq(back.award));
	entry_set(entry, ENTRY_OF_REF, request->values[P_OF_REF]);
	entry_set(entry, ENTRY_AMOUNT, NumericGetDatum(back.amount));
	if (asked(request, P_LINES))
		entry_set(entry, ENTRY_LINES, PointerGetDatum(lines_of_return(&back.lines)));
	else
		entry->nulls[ENTRY_LINES] = true;
	entry_set_points(entry, ENTRY_DUE, back.due);
	left = take_own_points(posting->account, entry, &back.claims.places, back.due);
	left = spare_ended(entry, &back.claims, left);
	take_spent(posting, entry, back.due, left);
	posting_finish(posting);
}

/*
 * Confirming (S10)
 */

static bool
is_confirmation(Entry *entry, void *state)
{
	if (entry_kind(entry) != KIND_CONFIRM)
		return true;
	*(Entry **) state = entry;
	return false;
}

/*
 * What returns have left of an award's pending points; an award that is not
 * pending any more cannot be confirmed.
 */
static Lot
pending_of(Posting *posting, const Entry *award)
{
	Claims		claims;
	Lot			pending = {0};

	if (award->nulls[ENTRY_EXPIRY])
		posting_refuse_ended(posting, "pending state of");
	if (award->gained.count == 0)
		return pending;
	pending = award->gained.lots[0];
	if (lot_matured(&pending, account_day(posting->account)))
		posting_refuse_ended(posting, "pending state of");
	claims_read(posting, award, NULL, &claims);
	pending.points = Min(lots_points_of(&claims.places, &pending),
						 lots_points_of(&posting->account->lots, &pending));
	return pending;
}

/* The lot that a confirmation makes: its clock of expiry starts today. */
static Lot
confirmed_lot(const Posting *posting, const Entry *award, const Lot *pending)
{
	Lot			lot = *pending;

	lot.usable_from = posting->at_on;
	if (!award->nulls[ENTRY_EXPIRES_ON])
		lot.expires = DatumGetDateADT(award->values[ENTRY_EXPIRES_ON]);
	else
		lot.expires = expiry_last_day(DatumGetExpiry(award->values[ENTRY_EXPIRY]), posting->at_on);
	return lot;
}

void
confirm_post(Posting *posting)
{
	Account    *account = posting->account;
	Entry	   *award = posting_find(posting, P_REF);
	Entry	   *confirmed = NULL;
	Lot			pending;
	Lot			lot;
	Entry	   *entry;

	if (entry_kind(award) != KIND_EARN && entry_kind(award) != KIND_AWARD)
		ereport(ERROR,
				(errcode(ERRCODE_LY_UNKNOWN_REF),
				 errmsg("\"%s\" is not a purchase or award but a posting of kind %s",
						ask_text(posting->request, P_REF), kind_label(entry_kind(award))),
				 errhint("The ref is that of the purchase or award to confirm.")));
	ledger_entries_of(posting->ledger, account, entry_seq(award), is_confirmation, &confirmed);
	if (confirmed != NULL && posting_is_repeat(posting, confirmed))
		return;
	posting_time(posting);
	posting_refuse_before(posting, award);
	posting_settle(posting, account);
	if (confirmed != NULL)
		posting_refuse_ended(posting, "pending state of");
	pending = pending_of(posting, award);
	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_OF_SEQ, entry_seq(award));
	entry_set(entry, ENTRY_OF_REF, posting->request->values[P_REF]);
	(void) lots_take_key(&account->lots, &pending, pending.points, &entry->taken);
	lot = confirmed_lot(posting, award, &pending);
	account_active(account, entry, posting->at_on);
	account_credit_lot(account, entry, &lot);
	posting_finish(posting);
}

/*
 * Cancelling (S15)
 */
typedef struct Cancellation
{
	Entry	   *use;			/* the spend, or the capture of a hold */
	int64		use_seq;		/* when the points left: the hold's, of a capture */
	int64		before;			/* points that earlier cancellations gave back */
} Cancellation;

static bool
is_capture(Entry *entry, void *state)
{
	if (entry_kind(entry) != KIND_CAPTURE)
		return true;
	*(Entry **) state = entry;
	return false;
}

static bool
sum_cancelled(Entry *entry, void *state)
{
	if (entry_kind(entry) == KIND_CANCEL)
		*(int64 *) state += lots_total(&entry->source);
	return true;
}

static void
find_use(Posting *posting, Cancellation *cancellation)
{
	Entry	   *use = posting_find(posting, P_OF_REF);

	posting_refuse_before(posting, use);
	cancellation->use_seq = entry_seq(use);
	if (entry_kind(use) == KIND_HOLD)
	{
		Entry	   *capture = NULL;

		ledger_entries_of(posting->ledger, posting->account, entry_seq(use), is_capture, &capture);
		if (capture == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_LY_UNKNOWN_REF),
					 errmsg("hold \"%s\" was not captured", ask_text(posting->request, P_OF_REF)),
					 errhint("An open hold is ended by release.")));
		posting_refuse_before(posting, capture);
		use = capture;
	}
	else if (entry_kind(use) != KIND_SPEND)
		ereport(ERROR,
				(errcode(ERRCODE_LY_UNKNOWN_REF),
				 errmsg("\"%s\" is not a spend but a posting of kind %s",
						ask_text(posting->request, P_OF_REF), kind_label(entry_kind(use))),
				 errhint("Purchases and awards are undone by refund, open holds by release.")));
	cancellation->use = use;
	cancellation->before = 0;
	ledger_entries_of(posting->ledger, posting->account, entry_seq(use), sum_cancelled,
					  &cancellation->before);
}

/* The slices that come back: what was taken last first. */
static void
slices_of_cancellation(const Posting *posting, const Cancellation *cancellation, LotQueue *slices)
{
	LotQueue	used;
	int64		left;
	int64		points;

	lots_copy(&used, entry_kind(cancellation->use) == KIND_CAPTURE ?
			  &cancellation->use->source : &cancellation->use->taken);
	(void) lots_take_back(&used, cancellation->before, NULL);
	left = lots_total(&used);
	points = asked(posting->request, P_POINTS) ? ask_points(posting->request, P_POINTS) : left;
	if (left == 0 || points > left)
		ereport(ERROR,
				(errcode(ERRCODE_LY_ENDED),
				 errmsg("cannot cancel " INT64_FORMAT " points of \"%s\"",
						points, ask_text(posting->request, P_OF_REF)),
				 errdetail("Left to cancel: " INT64_FORMAT " points.", left),
				 errhint("Cancel what is left: without points, all of it.")));
	lots_init(slices);
	(void) lots_take_back(&used, points, slices);
}

/* Did a grace give a lot its last day before? */
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

static bool
was_graced(Posting *posting, const Lot *lot)
{
	GraceSearch search = {lot, false};

	ledger_entries_back(posting->ledger, posting->account, search_grace, &search);
	return search.found;
}

/* Give lots that ended meanwhile their grace; returns what comes back. */
static void
grace_slices(Posting *posting, Entry *entry, const LotQueue *slices, LotQueue *back)
{
	Account    *account = posting->account;
	int			days = posting->program->cancel_grace_days;

	lots_init(back);
	for (int i = 0; i < slices->count; i++)
	{
		Lot			lot = slices->lots[i];

		if (days > 0 && lot_ended(&lot, account_day(account)) && !was_graced(posting, &lot))
		{
			lots_add(&entry->graced, &lot);
			lot.expires = account->clock_on + days;
			entry_set(entry, ENTRY_EXPIRES_ON, DateADTGetDatum(lot.expires));
		}
		lots_add(back, &lot);
	}
}

void
cancel_post(Posting *posting)
{
	Cancellation cancellation;
	LotQueue	slices;
	LotQueue	back;
	Entry	   *entry;

	find_use(posting, &cancellation);
	slices_of_cancellation(posting, &cancellation, &slices);
	ledger_load_write_offs(posting->ledger, posting->account);
	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_OF_SEQ, entry_seq(cancellation.use));
	entry_set(entry, ENTRY_OF_REF, posting->request->values[P_OF_REF]);
	lots_copy(&entry->source, &slices);
	grace_slices(posting, entry, &slices, &back);
	account_come_back(posting->account, entry, &back, cancellation.use_seq);
	posting_finish(posting);
}

/*
 * Reinstating (S9)
 */

/* What expired and is still gone, in the order in which it went. */
static void
bring_back(List *ended, const Lot *slice)
{
	int64		left = slice->points;

	for (int i = list_length(ended) - 1; i >= 0 && left > 0; i--)
	{
		Lot		   *lot = list_nth(ended, i);
		int64		part = lots_compare(lot, slice) == 0 ? Min(left, lot->points) : 0;

		lot->points -= part;
		left -= part;
	}
}

static bool
gather_ended(Entry *entry, void *state)
{
	List	  **ended = state;
	const LotQueue *back = NULL;

	if (entry_kind(entry) == KIND_EXPIRE)
		for (int i = 0; i < entry->taken.count; i++)
		{
			Lot		   *lot = palloc(sizeof(Lot));

			*lot = entry->taken.lots[i];
			*ended = lappend(*ended, lot);
		}
	else if (entry_kind(entry) == KIND_REINSTATE)
		back = &entry->source;
	else if (entry_kind(entry) == KIND_REFUND)
		back = &entry->spared;
	for (int i = 0; back && i < back->count; i++)
		bring_back(*ended, &back->lots[i]);
	return true;
}

/* Take back, latest first, what had expired. */
static void
take_ended(Posting *posting, int64 points, LotQueue *source)
{
	List	   *ended = NIL;
	int64		left = points;

	ledger_entries_from(posting->ledger, posting->account, 1, gather_ended, &ended);
	for (int i = list_length(ended) - 1; i >= 0 && left > 0; i--)
	{
		Lot			slice = *(Lot *) list_nth(ended, i);

		slice.points = Min(slice.points, left);
		if (slice.points > 0)
			lots_add(source, &slice);
		left -= slice.points;
	}
	if (left > 0)
		ereport(ERROR,
				(errcode(ERRCODE_LY_ENDED),
				 errmsg("cannot reinstate " INT64_FORMAT " points of member \"%s\"",
						points, ask_text(posting->request, P_MEMBER)),
				 errdetail("Expired, and neither reinstated nor spared to a return: " INT64_FORMAT " points.",
						   points - left),
				 errhint("Reinstate what is left; loyalty.adjust gives points of today.")));
}

void
reinstate_post(Posting *posting)
{
	Account    *account = posting->account;
	DateADT		to = ask_date(posting->request, P_TO);
	LotQueue	source;
	LotQueue	back;
	Entry	   *entry;

	lots_init(&source);
	lots_init(&back);
	take_ended(posting, ask_points(posting->request, P_POINTS), &source);
	entry = posting_begin(posting);
	if (to < account->clock_on)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reinstate: the new last day must not lie before today")));
	entry->source = source;
	entry_set(entry, ENTRY_EXPIRES_ON, DateADTGetDatum(to));
	for (int i = 0; i < source.count; i++)
	{
		Lot			lot = with_last_day(&source.lots[i], to);

		lots_add(&back, &lot);
	}
	account_active(account, entry, posting->at_on);
	account_credit(account, entry, &back);
	posting_finish(posting);
}
