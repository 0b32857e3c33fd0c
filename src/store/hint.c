/*
 * hint.c
 *	  Where a backend last found rows.
 *
 * A hint is a place and nothing else.  The row there is fetched with the
 * snapshot that an index would be scanned with, and the caller checks that it is
 * the row that was asked for.  If it was renamed, erased, rolled back, updated
 * by another session or moved by VACUUM FULL, it is invisible or another row,
 * and the index is scanned.  So no event has to make us forget a hint.
 */
#include "hint.h"

#include "access/tableam.h"
#include "storage/bufmgr.h"
#include "storage/smgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define FIRST_SETS 64
#define MOST_SETS 16384			/* 768 kB */

/* The set that the hint for a hash belongs to. */
static Hint *
set_of(const HintMap *map, uint32 hash)
{
	return map->sets[hash & (map->nsets - 1)];
}

/* Find the hint for a hash; NULL if there is none. */
static const Hint *
find_hint(const HintMap *map, uint32 hash)
{
	const Hint *set;

	if (map->nsets == 0)
		return NULL;
	set = set_of(map, hash);
	for (int i = 0; i < HINTS_OF_SET; i++)
		if (set[i].hash == hash && ItemPointerIsValid(&set[i].tid))
			return &set[i];
	return NULL;
}

/*
 * Does the table have a block of this number?  VACUUM may have truncated the
 * table.  If so, our lock on the table guarantees that we have processed the
 * invalidation, and that the size cached by smgr is forgotten.  Heap insertion
 * relies on the same for its target block.
 */
static bool
has_block(Relation relation, BlockNumber block)
{
	BlockNumber known = RelationGetSmgr(relation)->smgr_cached_nblocks[MAIN_FORKNUM];

	if (known == InvalidBlockNumber || block >= known)
		known = RelationGetNumberOfBlocks(relation);
	return block < known;
}

/* Fetch the row that a hint leads to, if the snapshot sees one there. */
bool
hint_fetch(const HintMap *map, uint32 hash, Relation relation, Snapshot snapshot, TupleTableSlot *slot)
{
	const Hint *hint = find_hint(map, hash);
	ItemPointerData tid;

	if (hint == NULL)
		return false;
	tid = hint->tid;
	return has_block(relation, ItemPointerGetBlockNumber(&tid)) &&
		table_tuple_fetch_row_version(relation, &tid, snapshot, slot);
}

/* Double the number of sets, in TopMemoryContext. */
static void
grow(HintMap *map)
{
	HintMap		larger = {0};

	larger.nsets = map->nsets == 0 ? FIRST_SETS : map->nsets * 2;
	larger.sets = MemoryContextAllocZero(TopMemoryContext, larger.nsets * sizeof(Hint[HINTS_OF_SET]));
	for (uint32 i = 0; i < map->nsets; i++)
		for (int j = HINTS_OF_SET - 1; j >= 0; j--)
			if (ItemPointerIsValid(&map->sets[i][j].tid))
				hint_keep(&larger, map->sets[i][j].hash, &map->sets[i][j].tid);
	if (map->sets)
		pfree(map->sets);
	*map = larger;
}

/*
 * Remember where a row is, as the newest hint of its set.  If the set is full,
 * its oldest hint is dropped.  That is rare: while the map can grow, it has at
 * least as many sets as hints.
 */
void
hint_keep(HintMap *map, uint32 hash, ItemPointer tid)
{
	Hint	   *set;
	int			place = 0;

	if (map->nsets == 0 || (map->nused > map->nsets && map->nsets < MOST_SETS))
		grow(map);
	set = set_of(map, hash);
	while (place < HINTS_OF_SET - 1 && ItemPointerIsValid(&set[place].tid) && set[place].hash != hash)
		place++;
	if (!ItemPointerIsValid(&set[place].tid))
		map->nused++;
	memmove(&set[1], &set[0], place * sizeof(Hint));
	set[0] = (Hint) {hash, *tid};
}
