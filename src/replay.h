/*
 * replay.h
 *	  An account made again from its entries alone (S29, S30).
 *
 * It uses what entries store and the arithmetic of lots, and nothing of what
 * posting knows, so that it can disagree.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include "loyalty.h"

#include "account.h"

/* A difference found: what an entry says, and what replaying gives. */
typedef void (*ReplayReport) (void *state, const Entry *entry, const char *field,
							  const char *stored, const char *expected);

typedef struct Replay
{
	Account		account;		/* as the entries so far make it */
	ReplayReport report;		/* NULL: nobody wants to know */
	void	   *state;
	bool		counts;			/* make tallies and usage again, too */
	TimestampTz lapse_clock;	/* of the last lapse ... */
	DateADT		lapse_matured_on;	/* ... and what had matured before its instant */
	bool		broken;			/* an entry could not be applied: stop */
} Replay;

extern void replay_init(Replay *replay, int64 account_id, pg_tz *zone);
extern void replay_entry(Replay *replay, const Entry *entry);

#endif							/* REPLAY_H */
