/*
 * hint.h
 *	  Where a backend last found rows, so that it need not descend an index for
 *	  a member whom it met before.
 */
#ifndef HINT_H
#define HINT_H

#include "loyalty.h"

#include "executor/tuptable.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

typedef struct Hint
{
	uint32		hash;			/* of the row's key */
	ItemPointerData tid;
} Hint;

#define HINTS_OF_SET 4

/* Hints in sets, by their hash, the newest first; the map grows with its use. */
typedef struct HintMap
{
	Hint		(*sets)[HINTS_OF_SET];	/* in TopMemoryContext */
	uint32		nsets;			/* a power of two; 0: none yet */
	uint32		nused;			/* hints that are kept */
} HintMap;

extern bool hint_fetch(const HintMap *map, uint32 hash, Relation relation, Snapshot snapshot,
					   TupleTableSlot *slot);
extern void hint_keep(HintMap *map, uint32 hash, ItemPointer tid);

#endif							/* HINT_H */
