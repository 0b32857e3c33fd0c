/*
 * refund.c
 *	  Returns: taking back the points of money that is returned (S12, S13).
 */
#include "posting.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "claims.h"
#include "json.h"
#include "line.h"
#include "points.h"
#include "rulebook.h"
#include "tally.h"
#include "tier.h"
#include "usage.h"

/* A part of the award, and what the return takes back of it. */
typedef struct PartBack
{
	char	   *name;
	char	   *campaign;		/* or NULL */
	OnReturn	on_return;
	bool		qualifies;
	int64		given;
	int64		before;			/* due by earlier returns */
	int64		written_off_before;
	int64		due;
	int64	   *by_line;		/* given points of each line and, last, of the order as a whole */
	int64	   *by_line_before; /* ... due by earlier returns */
	int64	   *by_line_due;	/* ... due by this return */
	int64		left;			/* due, and not taken or spared yet */
	int64		written_off;
	int			place;			/* number in the claims; -1: all of its points paid debt */
} PartBack;

typedef struct Return
{
	Entry	   *award;
	int64		given;			/* of the proportional parts */
	Numeric		net;
	Lines		lines;			/* of the purchase; empty if it has none */
	Claims		claims;
	Numeric		amount;			/* money that this return gives back */
	bool		whole;			/* everything that was left is returned */
	bool		by_line;		/* ... or lines are, each with its own points */
	int64		due;
	int			nparts;
	PartBack   *parts;
} Return;

/*
 * Parts
 */

/* What a return takes of a part, as the part states it; without a statement, it is proportional. */
static OnReturn
on_return_of(JsonbContainer *part)
{
	char	   *label = json_get_text(part, "on_return");

	if (label == NULL)
		return RETURN_PROPORTIONAL;
	return strcmp(label, "never") == 0 ? RETURN_NEVER : RETURN_FULL_ONLY;
}

/* Sum up a member of a part, such as "due", over all earlier returns. */
static int64
sum_before(const Claims *claims, int part, const char *key)
{
	int64		sum = 0;
	ListCell   *cell;

	foreach(cell, claims->parts)
		sum += json_get_integer(json_element(PointerGetDatum(lfirst(cell)), part), key, 0);
	return sum;
}

/* Read a part as the award states it, and what earlier returns took of it. */
static void
read_part(Return *back, int number, PartBack *part)
{
	JsonbContainer *object = json_element(back->award->values[ENTRY_PARTS], number);

	part->name = json_get_text(object, "part");
	part->campaign = json_get_text(object, "campaign");
	part->on_return = on_return_of(object);
	part->qualifies = !json_has(object, "qualifies");
	part->given = json_get_integer(object, "given", 0);
	part->before = sum_before(&back->claims, number, "due");
	part->written_off_before = sum_before(&back->claims, number, "written_off");
}

/* Read the parts of the award; if it states none, its only part is the base. */
static void
read_parts(Return *back)
{
	const Entry *award = back->award;

	back->nparts = back->claims.nparts;
	back->parts = palloc0(Max(back->nparts, 1) * sizeof(PartBack));
	for (int i = 0; i < back->nparts; i++)
	{
		PartBack   *part = &back->parts[i];

		part->place = back->claims.place_of[i];
		if (!award->nulls[ENTRY_PARTS])
			read_part(back, i, part);
		else
		{
			part->name = "base";
			part->qualifies = award->nulls[ENTRY_QUALIFYING];
			part->given = entry_points(award, ENTRY_POINTS);
			part->before = back->claims.due;
		}
		if (part->on_return == RETURN_PROPORTIONAL)
			back->given += part->given;
	}
}

/*
 * Points of lines (S12)
 */

/*
 * The points that a line keeps after earlier returns and, if with_this, after
 * this one.  If the line's amount is 0.00, its pieces count instead of money.
 */
static int64
line_keep(const Line *line, int64 points, bool with_this)
{
	Numeric		money = line->refunded;
	Numeric		pieces = line->refunded_quantity;

	if (with_this)
	{
		money = money_add(money, line->returned);
		if (line->returned_quantity)
			pieces = money_add(pieces, line->returned_quantity);
	}
	if (money_is_zero(line->amount))
		return points_keep(points, line->quantity, pieces);
	return points_keep(points, line->amount, money);
}

/* Set the order's own share of a part's points: what the lines do not have. */
static void
set_order_points(int64 *by_line, int nlines, int64 points)
{
	by_line[nlines] = points;
	for (int i = 0; i < nlines; i++)
		by_line[nlines] -= by_line[i];
}

/* Add up what was due of a part in earlier returns, line by line. */
static void
add_due_by_line(const Claims *claims, int number, int nlines, int64 *by_line)
{
	int64	   *due = palloc((nlines + 1) * sizeof(int64));
	ListCell   *cell;

	foreach(cell, claims->parts)
	{
		json_get_integers(json_element(PointerGetDatum(lfirst(cell)), number), "lines", due, nlines);
		for (int i = 0; i < nlines; i++)
			by_line[i] += due[i];
	}
	pfree(due);
}

/*
 * Read the points of a part by line.  If the award states no parts, the only
 * part has all points of the lines.
 */
static void
read_part_lines(Return *back, int number)
{
	PartBack   *part = &back->parts[number];
	int			nlines = back->lines.count;

	part->by_line = palloc0((nlines + 1) * sizeof(int64));
	part->by_line_before = palloc0((nlines + 1) * sizeof(int64));
	part->by_line_due = palloc0((nlines + 1) * sizeof(int64));
	if (!back->award->nulls[ENTRY_PARTS])
	{
		json_get_integers(json_element(back->award->values[ENTRY_PARTS], number), "lines",
						  part->by_line, nlines);
		add_due_by_line(&back->claims, number, nlines, part->by_line_before);
	}
	else
		for (int i = 0; i < nlines; i++)
		{
			const Line *line = &back->lines.lines[i];

			part->by_line[i] = line->points;
			part->by_line_before[i] = line->points - line_keep(line, line->points, false);
		}
	set_order_points(part->by_line, nlines, part->given);
	set_order_points(part->by_line_before, nlines, part->before);
}

/*
 * The points of the proportional parts that a line, or the order as a whole,
 * keeps after this return.
 */
static int64
keep_of_line(const Return *back, int line)
{
	int64		points = 0;

	for (int i = 0; i < back->nparts; i++)
		if (back->parts[i].on_return == RETURN_PROPORTIONAL)
			points += back->parts[i].by_line[line];
	if (line < back->lines.count)
		return line_keep(&back->lines.lines[line], points, true);
	return points_keep(points, back->net, money_add(back->claims.refunded, back->amount));
}

/* Divide what a line keeps among the parts, in proportion to what each still had there. */
static void
split_line(Return *back, int line)
{
	int64	   *kept = palloc0(Max(back->nparts, 1) * sizeof(int64));
	int64	   *keeps = palloc(Max(back->nparts, 1) * sizeof(int64));
	int64		sum = 0;

	for (int i = 0; i < back->nparts; i++)
	{
		const PartBack *part = &back->parts[i];

		if (part->on_return == RETURN_PROPORTIONAL)
			kept[i] = part->by_line[line] - part->by_line_before[line];
		sum += kept[i];
	}
	points_spread(kept, back->nparts, Min(keep_of_line(back, line), sum), keeps);
	for (int i = 0; i < back->nparts; i++)
	{
		back->parts[i].by_line_due[line] = kept[i] - keeps[i];
		back->parts[i].due += kept[i] - keeps[i];
	}
	pfree(kept);
	pfree(keeps);
}

/*
 * Determine what is due for a return by lines: each line loses its own points,
 * and the points of the order as a whole fall with the order's money.
 */
static void
split_lines(Return *back)
{
	back->by_line = true;
	for (int i = 0; i < back->nparts; i++)
		read_part_lines(back, i);
	for (int line = 0; line <= back->lines.count; line++)
		split_line(back, line);
	back->due = 0;
	for (int i = 0; i < back->nparts; i++)
	{
		back->parts[i].left = back->parts[i].due;
		back->due += back->parts[i].due;
	}
}

/*
 * Divide what is kept among the proportional parts, in proportion to what each
 * still had, so that none grows.  The other parts are due with the whole order,
 * or never (S12).
 */
static void
split_due(Return *back, int64 keep)
{
	int64	   *kept = palloc(Max(back->nparts, 1) * sizeof(int64));
	int64	   *keeps = palloc(Max(back->nparts, 1) * sizeof(int64));
	int64		sum = 0;

	for (int i = 0; i < back->nparts; i++)
	{
		kept[i] = back->parts[i].on_return == RETURN_PROPORTIONAL ?
			back->parts[i].given - back->parts[i].before : 0;
		sum += kept[i];
	}
	points_spread(kept, back->nparts, Min(keep, sum), keeps);
	back->due = 0;
	for (int i = 0; i < back->nparts; i++)
	{
		PartBack   *part = &back->parts[i];

		part->due = kept[i] - keeps[i];
		if (part->on_return == RETURN_FULL_ONLY && back->whole)
			part->due = part->given - part->before;
		part->left = part->due;
		back->due += part->due;
	}
}

static void
refuse_more_than_left(const Posting *posting, const Return *back)
{
	Numeric		left = money_subtract(back->net, back->claims.refunded);

	ereport(ERROR,
			(errcode(ERRCODE_LY_ENDED),
			 errmsg("cannot return more than remains of \"%s\"",
					ask_text(posting->request, P_OF_REF)),
			 errdetail("The amount that can still be returned is %s.",
					   DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(left)))),
			 money_is_zero(left) ? errhint("The whole amount has already been returned.") :
			 errhint("To return all the rest, omit both amount and lines.")));
}

/*
 * Read a return by lines, and add up its money.  After a return by amount, it
 * must return all the rest.
 */
static void
return_by_lines(const Posting *posting, Return *back)
{
	if (back->lines.count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund: \"%s\" has no lines", ask_text(posting->request, P_OF_REF))));
	lines_read_return(DatumGetJsonbP(posting->request->values[P_LINES]), &back->lines, false);
	back->amount = money_of_int64(0);
	for (int i = 0; i < back->lines.count; i++)
		back->amount = money_add(back->amount, back->lines.lines[i].returned);
	if (back->claims.by_amount &&
		money_compare(money_add(back->claims.refunded, back->amount), back->net) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund: \"%s\" already has a return by amount",
						ask_text(posting->request, P_OF_REF)),
				 errhint("Return by amount, or omit both amount and lines to return the rest.")));
}

/* Read a return by amount; returns what the order keeps of its proportional parts. */
static int64
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
				 errmsg("refund: \"%s\" already has a return by lines",
						ask_text(posting->request, P_OF_REF)),
				 errhint("Return by lines, or omit both amount and lines to return the rest.")));
	return points_keep(back->given, back->net, after);
}

/* Determine how much money this return gives back, and which points are due for it. */
static void
work_out_return(const Posting *posting, Return *back)
{
	const Request *request = posting->request;
	Claims	   *claims = &back->claims;
	bool		all_back = claims->returns > 0 && money_compare(claims->refunded, back->net) >= 0;
	int64		keep = 0;

	if (all_back)
		refuse_more_than_left(posting, back);
	if (asked(request, P_LINES))
		return_by_lines(posting, back);
	else if (asked(request, P_AMOUNT))
		keep = return_by_amount(posting, back);
	else
		back->amount = money_subtract(back->net, claims->refunded);
	back->whole = money_compare(money_add(claims->refunded, back->amount), back->net) >= 0;
	if (asked(request, P_LINES) && !back->whole)
		split_lines(back);
	else
		split_due(back, back->whole ? 0 : keep);
	Assert(back->due >= 0);
}

/*
 * Taking (S13)
 */

/* Take points from a part's own lots, either pending or matured ones; returns how many. */
static int64
take_own(Account *account, Entry *entry, LotQueue *place, bool pending, int64 points)
{
	int64		left = points;

	for (int i = 0; i < place->count && left > 0; i++)
	{
		Lot		   *lot = &place->lots[i];
		int64		taken;

		if (lot->points == 0 || lot_matured(lot, account_day(account)) == pending)
			continue;
		taken = lots_take_key(&account->lots, lot, Min(left, lot->points), &entry->taken);
		lot->points -= taken;
		left -= taken;
	}
	return points - left;
}

/* Spare points of a part that have expired: nothing is taken for them.  Returns how many. */
static int64
spare_ended(Entry *entry, Claims *claims, LotQueue *place, int64 points)
{
	int64		left = points;

	for (int i = 0; i < place->count && left > 0; i++)
	{
		Lot			lot = place->lots[i];

		lot.points = claims_spare(claims, &lot, Min(left, lot.points));
		if (lot.points == 0)
			continue;
		place->lots[i].points -= lot.points;
		lots_add(&entry->spared, &lot);
		left -= lot.points;
	}
	return points - left;
}

/*
 * Take what is due of each part from its own lots, in this order: pending
 * points, points that are not held, expired points (which are spared).  Returns
 * how many are left because they have been spent.
 */
static int64
take_parts(Account *account, Entry *entry, Return *back)
{
	int64		left = 0;

	for (int step = 0; step < 3; step++)
		for (int i = 0; i < back->nparts; i++)
		{
			PartBack   *part = &back->parts[i];
			LotQueue   *place = part->place >= 0 ? &back->claims.places[part->place].lots : NULL;

			if (place == NULL || part->left == 0)
				continue;
			part->left -= step < 2 ? take_own(account, entry, place, step == 0, part->left) :
				spare_ended(entry, &back->claims, place, part->left);
		}
	for (int i = 0; i < back->nparts; i++)
		left += back->parts[i].left;
	return left;
}

static void
refuse_spent(const Posting *posting, int64 due, int64 spent)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_RETURN_REJECTED),
			 errmsg("cannot return \"%s\": " INT64_FORMAT " of its points have been spent",
					ask_text(posting->request, P_OF_REF), spent),
			 errdetail("The return takes back " INT64_FORMAT " points, and the program's on_spent_return is \"reject\".", due),
			 errhint("Cancel the spend first.")));
}

/*
 * State the lots of a part's write-off: points that come back to any lot in
 * which the part's points have been make it good first.
 */
static void
write_off_lots(Entry *entry, const Return *back, const PartBack *part)
{
	const LotQueue *keys;

	if (part->place < 0 || part->written_off == 0)
		return;
	keys = &back->claims.places[part->place].keys;
	for (int i = 0; i < keys->count; i++)
	{
		Lot			lot = keys->lots[i];

		lot.points = part->written_off;
		lots_add(&entry->written_off_lots, &lot);
	}
}

/* Divide what is written off among the parts, the last part first. */
static void
split_write_off(Entry *entry, Return *back, int64 points)
{
	int64		left = points;

	for (int i = back->nparts - 1; i >= 0 && left > 0; i--)
	{
		back->parts[i].written_off = Min(left, back->parts[i].left);
		left -= back->parts[i].written_off;
		write_off_lots(entry, back, &back->parts[i]);
	}
}

/* Deal with the points that have been spent by the program's policy on_spent_return (S13). */
static void
take_spent(Posting *posting, Entry *entry, Return *back, int64 spent)
{
	Account    *account = posting->account;
	LotDay		day = account_day(account);
	int64		left = spent;

	if (spent == 0)
		return;
	switch (posting->program->on_spent_return)
	{
		case SPENT_REJECT:
			refuse_spent(posting, back->due, spent);
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
	split_write_off(entry, back, left);
	account_write_off(account, entry, left, posting->program->on_spent_return);
}

/* Refuse amount or lines where only the whole can be returned, and a return by both. */
static void
check_returnable(const Posting *posting, const Entry *award)
{
	const Request *request = posting->request;
	Kind		kind = entry_kind(award);

	if (kind != KIND_PURCHASE && (asked(request, P_AMOUNT) || asked(request, P_LINES)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund: an %s is returned whole, without amount or lines", kind_label(kind))));
	if (kind == KIND_PURCHASE && (asked(request, P_AMOUNT) || asked(request, P_LINES)) &&
		money_is_zero(DatumGetNumeric(award->values[ENTRY_AMOUNT])))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund: a purchase with an amount of 0 can only be returned as a whole, without amount or lines")));
	if (asked(request, P_AMOUNT) && asked(request, P_LINES))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund: give either amount or lines, not both")));
}

/*
 * Giving back what the award used up (S14)
 */

/*
 * The points that a charge gets back: those that are due, less those written
 * off, of its part, its campaign, or all parts (S14).
 */
static int64
restored(const Return *back, const Charge *charge)
{
	int64		points = 0;

	for (int i = 0; i < back->nparts; i++)
	{
		const PartBack *part = &back->parts[i];

		if (charge->part >= 0 ? charge->part != i :
			charge->campaign && (part->campaign == NULL || strcmp(part->campaign, charge->campaign) != 0))
			continue;
		points += part->due - part->written_off;
	}
	return points;
}

/*
 * Is the use of a charge given back?  Only if the whole order is returned and
 * no points of the charge's part were kept or written off (S14).
 */
static bool
is_undone(const Return *back, const Charge *charge)
{
	const PartBack *part = charge->part >= 0 && charge->part < back->nparts ?
		&back->parts[charge->part] : NULL;

	if (!back->whole || part == NULL)
		return back->whole;
	return part->on_return != RETURN_NEVER && part->before + part->due >= part->given &&
		part->written_off_before + part->written_off == 0;
}

/* Give back what the award used of caps and budgets, by charges of less than 0 (S14). */
static void
restore_charges(Posting *posting, Entry *entry, const Return *back)
{
	List	   *charges = NIL;
	ListCell   *cell;

	foreach(cell, charges_of(back->award))
	{
		Charge	   *charge = lfirst(cell);

		charge->points = -restored(back, charge);
		charge->times = is_undone(back, charge) ? -charge->times : 0;
		if (charge->points != 0 || charge->times != 0)
			charges = lappend(charges, charge);
	}
	charges_apply(posting->account, entry, charges);
}

/* Reduce the metrics of tiers by all points that are due, at the date of the event (S14). */
static void
count_return(Posting *posting, Entry *entry, const Return *back)
{
	const Entry *award = back->award;
	int64		qualifying = 0;
	DateADT		event_on = DatumGetDateADT(award->values[ENTRY_HAPPENED_ON]);

	for (int i = 0; i < back->nparts; i++)
		if (back->parts[i].qualifies)
			qualifying += back->parts[i].due;
	entry_set(entry, ENTRY_ACTIVITY, CStringGetTextDatum(tally_activity(award)));
	entry_set(entry, ENTRY_HAPPENED_ON, DateADTGetDatum(event_on));
	if (back->claims.confirmed_on != DATEVAL_NOEND)
		entry_set(entry, ENTRY_COUNTS_FROM, DateADTGetDatum(back->claims.confirmed_on));
	else if (!award->nulls[ENTRY_COUNTS_FROM])
		entry_set(entry, ENTRY_COUNTS_FROM, award->values[ENTRY_COUNTS_FROM]);
	if (back->whole)
		entry_set_points(entry, ENTRY_QUANTITY, 1);
	if (qualifying != back->due)
		entry_set_points(entry, ENTRY_QUALIFYING, qualifying);
	tally_apply(posting->account, entry);
	tier_after_return(posting->account, entry, event_on);
}

/* State what is due of each part; an award that states no parts needs no such statement. */
static void
state_parts(Entry *entry, const Return *back)
{
	Json		json = {0};

	if (back->award->nulls[ENTRY_PARTS])
		return;
	json_begin(&json, WJB_BEGIN_ARRAY);
	for (int i = 0; i < back->nparts; i++)
	{
		const PartBack *part = &back->parts[i];

		json_begin(&json, WJB_BEGIN_OBJECT);
		json_text(&json, "part", part->name);
		json_text(&json, "campaign", part->campaign);
		json_integer(&json, "due", part->due);
		if (part->written_off > 0)
			json_integer(&json, "written_off", part->written_off);
		/* points of the order as a whole belong to no line */
		if (back->by_line && part->due > part->by_line_due[back->lines.count])
			json_integers(&json, "lines", part->by_line_due, back->lines.count);
		json_end(&json, WJB_END_OBJECT);
	}
	json_end(&json, WJB_END_ARRAY);
	entry_set(entry, ENTRY_PARTS, json_finish(&json));
}

/* refund: take back the points of an award, or of the money of a purchase that is returned. */
void
refund_post(Posting *posting)
{
	const Request *request = posting->request;
	Return		back = {0};
	Entry	   *entry;
	int64		left;

	back.award = posting_find(posting, KINDS_GIVING,
							  "\"%s\" is not a purchase, an award or an activity; it is a posting of kind %s",
							  "Use loyalty.cancel to undo a spend, and loyalty.adjust to correct points.");
	check_returnable(posting, back.award);
	posting_refuse_before(posting, back.award);
	back.net = entry_kind(back.award) == KIND_PURCHASE ?
		DatumGetNumeric(back.award->values[ENTRY_AMOUNT]) : money_of_int64(0);
	if (!back.award->nulls[ENTRY_LINES])
		lines_read(DatumGetJsonbP(back.award->values[ENTRY_LINES]), &back.lines);
	claims_read(posting, back.award, back.lines.count > 0 ? &back.lines : NULL, &back.claims);
	read_parts(&back);
	work_out_return(posting, &back);

	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_OF_SEQ, entry_seq(back.award));
	entry_set(entry, ENTRY_OF_REF, request->values[P_OF_REF]);
	entry_set(entry, ENTRY_AMOUNT, NumericGetDatum(back.amount));
	if (asked(request, P_LINES))
		entry_set(entry, ENTRY_LINES, PointerGetDatum(lines_of_return(&back.lines)));
	entry_set_points(entry, ENTRY_DUE, back.due);
	left = take_parts(posting->account, entry, &back);
	take_spent(posting, entry, &back, left);
	state_parts(entry, &back);
	restore_charges(posting, entry, &back);
	count_return(posting, entry, &back);
	posting_finish(posting);
}
