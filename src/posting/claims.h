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

/*
 * Where points of an award went: its parts of one lot are of one place, but
 * for those that wait and have policies of their own.
 */
typedef struct Place
{
	Lot			credited;		/* the lot, with what its parts put there */
	const char *expiry;			/* the policy of points that wait; NULL: the award's */
	LotQueue	lots;			/* where its points are now */
	LotQueue	keys;			/* all lots that they were in, without their points */
} Place;

typedef struct Claims
{
	const Entry *award;
	int64		award_seq;
	int			nplaces;
	Place	   *places;
	int			nparts;			/* an award that states none has one */
	int		   *place_of;		/* of each part; -1: debt had its points */
	DateADT		confirmed_on;	/* DATEVAL_NOEND: it was not */
	List	   *ended;			/* of KeyTally *: expired, less brought back or spared */
	/* of the returns of this award so far */
	Numeric		refunded;
	int64		due;
	int			returns;
	bool		by_lines;
	bool		by_amount;
	Lines	   *lines;
	List	   *parts;			/* of Datum: what was due of which part */
	int64		qualifying;		/* of due, what counts for tiers */
	bool		whole;			/* all of it is back */
} Claims;

extern void claims_read(Posting *posting, const Entry *award, Lines *lines, Claims *claims);
extern Lot	confirmed_lot(const Entry *award, const Place *place, DateADT day);
extern int64 claims_spare(Claims *claims, const Lot *key, int64 points);

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
