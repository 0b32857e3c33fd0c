/*
 * order.h
 *	  A tracked order in the ledger: what was posted for it, and what is left.
 *
 * An order "R" posts under R, then under R~2, R~3, ...: later purchases and
 * returns alike.
 */
#ifndef ORDER_H
#define ORDER_H

#include "posting.h"
#include "track.h"

/* One run of a trigger, on one row. */
typedef struct Follow
{
	Relation	relation;		/* the tracked table */
	const Tracking *tracking;
	const Verb *verb;			/* purchase or activity */
	const char *reason;			/* of returns */
} Follow;

/* The order's account, open for posting. */
typedef struct Order
{
	const Follow *follow;
	const OrderKey *key;
	const Program *program;
	Ledger	   *ledger;
	Account    *account;
	List	   *posted;			/* of Posted *, by number */
	int			next;			/* number of the next posting */
	bool		changed;		/* the account is to be stored */
} Order;

extern void order_check_ref(const OrderKey *key);

/*
 * Open the order's account, and lock it, and read what was posted.  False
 * where there is no account: with a row to be posted, that goes by "unknown".
 */
extern bool order_open(const Follow *follow, const OrderKey *key, TupleTableSlot *row, Order *order);
extern void order_close(Order *order);

/* What is left of all that was posted, and whether anything is. */
extern bool order_returned_by_hand(const Order *order);
extern Numeric order_posted(const Order *order, bool *live);

/* Post what is missing. */
extern void order_converge(Order *order, TupleTableSlot *row, Numeric amount, Jsonb *lines,
						   bool stands);
extern void order_return_all(Order *order);
extern void order_confirm(Order *order);

#endif							/* ORDER_H */
