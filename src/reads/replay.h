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

/* A difference found: what the entry of a number says, and what replaying gives. */
typedef void (*ReplayReport) (void *state, int64 seq, const char *field,
							  const char *stored, const char *expected);

typedef struct Replay
{
	Account		account;		/* as the entries so far make it */
	ReplayReport report;		/* NULL: what cannot be is refused, and no more is asked */
	void	   *state;
	bool		strictly;		/* fields that a kind has not are differences */
	bool		counts;			/* make tallies and usage again, too */
	TimestampTz lapse_clock;	/* of the last lapse ... */
	DateADT		lapse_matured_on;	/* ... and what had matured before its instant */
	bool		broken;			/* an entry could not be applied: the lots are not known from there on */
} Replay;

extern void replay_init(Replay *replay, int64 account_id, pg_tz *zone);

/*
 * The next entry, in three steps: what can be understood of it as it is stored;
 * applying that; and its hash.
 */
extern Entry *replay_understand(Replay *replay, const Entry *stored);
extern void replay_entry(Replay *replay, const Entry *entry);
extern void replay_chain(Replay *replay, Entry *stored);

#endif							/* REPLAY_H */
