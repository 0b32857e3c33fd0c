/*
 * rule_row.h
 *	  What rules see of an event: the row that their expressions are
 *	  evaluated over, filled with the columns that they ask for.
 */
#ifndef RULE_ROW_H
#define RULE_ROW_H

#include "loyalty.h"
#include "utils/jsonb.h"

#include "account.h"
#include "event.h"
#include "expression.h"
#include "member.h"
#include "program.h"
#include "rulebook.h"

typedef struct Facts
{
	const Event *event;
	Account    *account;
	const Program *program;
	const Rulebook *book;
	TupleTableSlot *slot;
	ExprContext *econtext;
	ColumnSet	filled;
	ColumnSet	line_filled;	/* of the line that is current */
	int			line;			/* -1: none */
	Member		member;
	bool		member_loaded;
	TimeADT		time_of_day;	/* local; -1: not known yet */
	const Jsonb *made_up;		/* facts of a member who is not there; NULL: he is */
} Facts;

extern void facts_begin(Facts *facts, const Event *event, Account *account);
extern void facts_make_up(Facts *facts, const Jsonb *facts_of_member);
extern void facts_end(Facts *facts);
extern void facts_set_line(Facts *facts, int line);
extern bool facts_hold(Facts *facts, Expression *condition);
extern Numeric facts_number(Facts *facts, Expression *points);
extern TimeADT facts_time_of_day(Facts *facts);
extern const Member *facts_member(Facts *facts);

#endif							/* RULE_ROW_H */
