/*
 * refund.c
 *	  Returns: taking back what was given for money that goes back (S12, S13).
 */
#include "posting.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "award.h"
#include "claims.h"
#include "line.h"

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
		int64		ended = claims_ended(claims, &place);

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
	entry_set_points(entry, ENTRY_DUE, back.due);
	left = take_own_points(posting->account, entry, &back.claims.places, back.due);
	left = spare_ended(entry, &back.claims, left);
	take_spent(posting, entry, back.due, left);
	posting_finish(posting);
}
