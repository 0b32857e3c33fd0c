/*
 * rename.c
 *	  Another key for a member.
 *
 * Each account of the member gets an entry, so that nobody's points change
 * hands without a trace.  The entry holds no key: it is chained for ever, and a
 * key may be personal.
 */
#include "posting.h"

#include "access/table.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "member.h"
#include "table.h"

/* An account of the member, in some program. */
typedef struct Place
{
	int64		account_id;
	int32		program_id;
} Place;

static int
compare_places(const ListCell *a, const ListCell *b)
{
	const Place *one = lfirst(a);
	const Place *other = lfirst(b);

	return one->account_id < other->account_id ? -1 : one->account_id > other->account_id;
}

/* A member's accounts, by ascending id. */
static List *
places_of(int64 member_id)
{
	Relation	relation = table_map_open(&account_map, AccessShareLock);
	List	   *places = NIL;
	ScanKeyData key;
	TableScan	scan;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(member_id));
	scan_begin(&scan, relation, &account_pkey, lookup_snapshot(), &key, 1);
	while (scan_next(&scan, true))
	{
		Place	   *place = palloc(sizeof(Place));
		TimestampTz due_at;
		int64		owner;

		account_due(scan.slot, &due_at, &place->account_id, &owner, &place->program_id);
		places = lappend(places, place);
	}
	scan_end(&scan);
	table_close(relation, AccessShareLock);
	list_sort(places, compare_places);
	return places;
}

/* Lock the member, then all accounts in the order in which sets lock theirs. */
void
rename_lock(Posting *posting, int64 id)
{
	ListCell   *cell;

	member_lock(id);
	foreach(cell, places_of(id))
		ledger_lock(posting->ledger, id, ((Place *) lfirst(cell))->program_id);
}

/* Tell it in an account of another program, which occupies none of its refs. */
static void
tell(Posting *posting, const Place *place)
{
	Account    *account = ledger_load(posting->ledger, posting->account->member_id,
									  program_by_id(place->program_id), LockWaitBlock);
	Entry	   *entry;

	entry = account_begin(account, KIND_RENAME, posting->at, Max(posting->at, account->clock));
	entry_set(entry, ENTRY_OF_REF, posting->request->values[P_REF]);
	account_finish_posting(account, entry);
	ledger_store(posting->ledger, account);
}

/* rename_member: the key that the application knows a member by changes. */
void
rename_post(Posting *posting)
{
	int64		id = posting->account->member_id;
	char	   *key = ask_text(posting->request, P_MEMBER);
	char	   *new_key = ask_text(posting->request, P_TO_MEMBER);
	ListCell   *cell;

	if (member_id(key) != id)
		member_unknown(key);
	(void) posting_begin(posting);
	posting_finish(posting);
	foreach(cell, places_of(id))
		if (((Place *) lfirst(cell))->account_id != posting->account->id)
			tell(posting, lfirst(cell));
	member_rename(id, new_key);
}
