/*
 * simulate.h
 *	  What an event would earn, or would have earned: nothing is written.
 */
#ifndef SIMULATE_H
#define SIMULATE_H

#include "loyalty.h"

#include "earn.h"

/* An entry about to be replayed on the account as it was before it. */
typedef bool (*ReplayVisitor) (Account *before, const Entry *entry, const char *tier, void *state);

extern void replay_visit(const Account *account, Snapshot snapshot, ReplayVisitor visit, void *state);

#endif							/* SIMULATE_H */
