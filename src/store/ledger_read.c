/*
 * ledger_read.c
 *	  Reading the journal back, from within a posting.
 *
 * Nobody else can write rows of an account that we have locked, so SnapshotSelf
 * sees them correctly.  Entries that are not written yet are written first.
 */
#include "ledger_parts.h"

#include "access/genam.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/*
 * Call a visitor for each entry that an index scan returns, until it returns
 * false.  Entries that are not written yet are written first.  The first scan
 * key, the account, is set here.
 */
static void
visit_entries(Ledger *ledger, Account *account, IndexMap *index, ScanKeyData *keys, int nkeys,
			  bool forward, EntryVisitor visit, void *state)
{
	TableScan	scan;
	bool		go_on = true;

	ledger_write_entries(ledger, account);
	ledger_flush(ledger);
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account->id));
	scan_begin(&scan, ledger->entry.relation, index, SnapshotSelf, keys, nkeys);
	while (go_on && scan_next(&scan, forward))
	{
		CHECK_FOR_INTERRUPTS();
		go_on = visit(entry_from_slot(scan.slot), state);
	}
	scan_end(&scan);
}

/*
 * Visit the account's entries from a number on, in ascending order, until the
 * visitor returns false.
 */
void
ledger_entries_from(Ledger *ledger, Account *account, int64 seq, EntryVisitor visit, void *state)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[1], 2, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(seq));
	visit_entries(ledger, account, &entry_pkey, keys, 2, true, visit, state);
}

/* Visit the account's entries from the last one back, until the visitor returns false. */
void
ledger_entries_back(Ledger *ledger, Account *account, EntryVisitor visit, void *state)
{
	ScanKeyData keys[1];

	visit_entries(ledger, account, &entry_pkey, keys, 1, false, visit, state);
}

/* Visit the account's entries that refer to entry of_seq, until the visitor returns false. */
void
ledger_entries_of(Ledger *ledger, Account *account, int64 of_seq, EntryVisitor visit, void *state)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(of_seq));
	visit_entries(ledger, account, &entry_of_seq, keys, 2, true, visit, state);
}

/* A visitor that keeps the first entry, and stops. */
static bool
keep_entry(Entry *entry, void *state)
{
	*(Entry **) state = entry;
	return false;
}

/* Read the account's entry of a number; NULL if there is none. */
Entry *
ledger_entry_by_seq(Ledger *ledger, Account *account, int64 seq)
{
	ScanKeyData keys[2];
	Entry	   *entry = NULL;

	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(seq));
	visit_entries(ledger, account, &entry_pkey, keys, 2, true, keep_entry, &entry);
	return entry;
}

/*
 * Hash a ref.  In a set of postings, entries wait in the buffer, and would have
 * to be written before each look-up of a ref.  Instead, the hashes of the refs
 * of an account's new entries are remembered; a false hit only causes an early
 * write.
 */
static uint64
ref_hash(Datum ref)
{
	text	   *string = DatumGetTextPP(ref);

	return hash_bytes_extended((const unsigned char *) VARDATA_ANY(string),
							   VARSIZE_ANY_EXHDR(string), 0);
}

/* May a new entry of the account have this ref?  A collision of hashes also gives true. */
static bool
set_has_ref(Account *account, Datum ref)
{
	uint64		hash = ref_hash(ref);

	return hash_search(account->refs, &hash, HASH_FIND, NULL) != NULL;
}

/* Remember the hash of a new entry's ref for as long as the account is loaded. */
void
ledger_remember_ref(Account *account, Datum ref)
{
	uint64		hash = ref_hash(ref);

	if (account->refs == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = control.entrysize = sizeof(uint64);
		control.hcxt = account->context;
		account->refs = hash_create("loyalty refs of a set", 64, &control,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	(void) hash_search(account->refs, &hash, HASH_ENTER, NULL);
}

/*
 * Begin to look up written entries by ref.  A set of postings looks up refs by
 * the thousand, so the scan stays open until the ledger closes.  It uses the
 * index that is already open for writing, if there is one.
 */
static void
scan_refs(Ledger *ledger, ScanKeyData *keys)
{
	Relation	index;

	if (ledger->refs_open)
		scan_again(&ledger->refs, keys, 2);
	else if ((index = writable_index(&ledger->entry, &entry_ref)) != NULL)
		scan_begin_open(&ledger->refs, ledger->entry.relation, index, SnapshotSelf, keys, 2);
	else
		scan_begin(&ledger->refs, ledger->entry.relation, &entry_ref, SnapshotSelf, keys, 2);
	ledger->refs_open = true;
}

/*
 * Find a written entry whose kind is in a set.  What the scan allocates must
 * live as long as the scan, so this runs in the ledger's memory context.
 */
static bool
find_ref(Ledger *ledger, ScanKeyData *keys, uint32 kinds)
{
	MemoryContext old = MemoryContextSwitchTo(ledger->context);
	bool		found;

	scan_refs(ledger, keys);
	do
		found = scan_next(&ledger->refs, true);
	while (found && !entry_is_of(ledger->refs.slot, kinds));
	MemoryContextSwitchTo(old);
	return found;
}

/* Read the entry that has a ref and a kind in a set; NULL if there is none (S26). */
Entry *
ledger_entry_by_ref(Ledger *ledger, Account *account, Datum ref, uint32 kinds)
{
	ScanKeyData keys[2];
	Entry	   *entry = NULL;

	if (account->refs != NULL && set_has_ref(account, ref))
	{
		ledger_write_entries(ledger, account);
		ledger_flush(ledger);
	}
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account->id));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_TEXTEQ, ref);
	if (find_ref(ledger, keys, kinds))
	{
		entry = entry_from_slot(ledger->refs.slot);
		scan_again(&ledger->refs, keys, 2); /* releases the pages */
	}
	return entry;
}

/* State of a visitor that gathers the account's write-offs that nothing has made good yet (S13). */
typedef struct WriteOffScan
{
	Account    *account;
	List	   *captures;		/* the capture entries, of Entry * */
} WriteOffScan;

/*
 * The number of the entry that used the points which an entry brings back.  For
 * the cancellation of a capture, that is the hold.
 */
static int64
use_of(const WriteOffScan *scan, const Entry *entry)
{
	int64		of_seq = entry_points(entry, ENTRY_OF_SEQ);
	ListCell   *cell;

	foreach(cell, scan->captures)
	{
		const Entry *capture = lfirst(cell);

		if (entry_kind(entry) == KIND_CANCEL && entry_seq(capture) == of_seq)
			return entry_points(capture, ENTRY_OF_SEQ);
	}
	return of_seq;
}

/*
 * Visitor: add what an entry wrote off to the account's list, and deduct what
 * the entry made good.
 */
static bool
gather_write_offs(Entry *entry, void *state)
{
	WriteOffScan *scan = state;
	LotQueue	made_good;

	if (entry_kind(entry) == KIND_CAPTURE)
		scan->captures = lappend(scan->captures, entry);
	if (entry_points(entry, ENTRY_WRITTEN_OFF) > 0)
		write_offs_add(&scan->account->write_offs, entry);
	if (entry->made_good_lots.count == 0)
		return true;
	/*
	 * given only the lots that were made good, it takes exactly what it took
	 * from all lots that came back
	 */
	lots_init(&made_good);
	write_offs_use(scan->account->write_offs, use_of(scan, entry), &entry->made_good_lots, &made_good);
	return true;
}

/*
 * Load the account's write-offs with a snapshot.  All of the account's entries
 * must have been written.
 */
void
account_load_write_offs(Account *account, Relation relation, Snapshot snapshot)
{
	WriteOffScan state = {account, NIL};
	MemoryContext old = MemoryContextSwitchTo(account->context);
	ScanKeyData key;
	TableScan	scan;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account->id));
	scan_begin(&scan, relation, &entry_pkey, snapshot, &key, 1);
	while (scan_next(&scan, true))
	{
		CHECK_FOR_INTERRUPTS();
		(void) gather_write_offs(entry_from_slot(scan.slot), &state);
	}
	scan_end(&scan);
	account->write_offs_loaded = true;
	MemoryContextSwitchTo(old);
}

/* Load the account's write-offs, unless they are loaded already or there are none. */
void
ledger_load_write_offs(Ledger *ledger, Account *account)
{
	if (account->write_offs_loaded || account->written_off == 0)
		return;
	ledger_write_entries(ledger, account);
	ledger_flush(ledger);
	account_load_write_offs(account, ledger->entry.relation, SnapshotSelf);
}
