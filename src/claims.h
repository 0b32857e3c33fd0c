/*
 * claims.h
 *	  Where an award's points are now, by what the journal says (S13).
 *
 * Lots merge, so that nobody can say which of a lot's points are whose.  An
 * award has a claim on the lots that its points went into: at most what it
 * put there and its returns have not taken, and moved along where an entry
 * moved the lot (confirm, extend, reinstate, a grace).
 */
#ifndef CLAIMS_H
#define CLAIMS_H

#include "loyalty.h"
#include "utils/numeric.h"

#include "line.h"
#include "posting.h"

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

extern void claims_read(Posting *posting, const Entry *award, Lines *lines, Claims *claims);
extern int64 claims_ended(const Claims *claims, const Lot *key);

/* Did a cancellation give a lot its last day (S15)? */
extern bool lot_was_graced(Posting *posting, const Lot *lot);

/* A lot with another last day */
static inline Lot
with_last_day(const Lot *lot, DateADT expires)
{
	Lot			moved = *lot;

	moved.expires = expires;
	return moved;
}

#endif							/* CLAIMS_H */
