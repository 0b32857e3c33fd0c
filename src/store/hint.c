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

#define FIRST_PAIRS 128
#define MOST_PAIRS 32768		/* 768 kB */

/* The two places for the hint of a hash. */
static Hint *
pair_of(const HintMap *map, uint32 hash)
{
	return map->pairs[hash & (map->npairs - 1)];
}

/* Find the hint of a hash; NULL: there is none. */
static const Hint *
find_hint(const HintMap *map, uint32 hash)
{
	if (map->npairs == 0)
		return NULL;
	for (int i = 0; i < 2; i++)
	{
		const Hint *hint = &pair_of(map, hash)[i];

		if (hint->hash == hash && ItemPointerIsValid(&hint->tid))
			return hint;
	}
	return NULL;
}

/*
 * Does the table have a block of this number?  VACUUM may have cut it off.  With
 * our lock we have heard of that, as heap insertion relies on for its target
 * block, and the size that smgr had cached is forgotten.
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

/* Double the room. */
static void
grow(HintMap *map)
{
	HintMap		larger = {0};

	larger.npairs = map->npairs == 0 ? FIRST_PAIRS : map->npairs * 2;
	larger.pairs = MemoryContextAllocZero(TopMemoryContext, larger.npairs * sizeof(Hint[2]));
	for (uint32 i = 0; i < map->npairs; i++)
		for (int j = 1; j >= 0; j--)
			if (ItemPointerIsValid(&map->pairs[i][j].tid))
				hint_keep(&larger, map->pairs[i][j].hash, &map->pairs[i][j].tid);
	if (map->pairs)
		pfree(map->pairs);
	*map = larger;
}

/* Remember where a row is; the older of two others is forgotten for it. */
void
hint_keep(HintMap *map, uint32 hash, ItemPointer tid)
{
	Hint	   *pair;

	if (map->npairs == 0 || (map->nused > map->npairs && map->npairs < MOST_PAIRS))
		grow(map);
	pair = pair_of(map, hash);
	if (pair[0].hash != hash || !ItemPointerIsValid(&pair[0].tid))
	{
		if (!ItemPointerIsValid(&pair[1].tid))
			map->nused++;
		pair[1] = pair[0];
	}
	pair[0].hash = hash;
	pair[0].tid = *tid;
}
