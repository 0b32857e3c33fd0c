/*
 * ledger_read.c
 *	  Reading the journal back, from within a posting.
 *
 * Rows of a locked account are ours alone, so SnapshotSelf sees them right.
 * What the ledger has not written yet it writes first.
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
 * Let a visitor see the entries that an index gives.  What is not written yet
 * is written first.
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

void
ledger_entries_from(Ledger *ledger, Account *account, int64 seq, EntryVisitor visit, void *state)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[1], 2, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(seq));
	visit_entries(ledger, account, &entry_pkey, keys, 2, true, visit, state);
}

void
ledger_entries_back(Ledger *ledger, Account *account, EntryVisitor visit, void *state)
{
	ScanKeyData keys[1];

	visit_entries(ledger, account, &entry_pkey, keys, 1, false, visit, state);
}

void
ledger_entries_of(Ledger *ledger, Account *account, int64 of_seq, EntryVisitor visit, void *state)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(of_seq));
	visit_entries(ledger, account, &entry_of_seq, keys, 2, true, visit, state);
}

static bool
keep_entry(Entry *entry, void *state)
{
	*(Entry **) state = entry;
	return false;
}

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
 * In a set, entries wait in the buffer and would have to be written before
 * each look-up of a ref.  Instead the refs of an account's new entries are
 * remembered, by a hash: a false hit costs an early write and no more.
 */
static uint64
ref_hash(Datum ref)
{
	text	   *string = DatumGetTextPP(ref);

	return hash_bytes_extended((const unsigned char *) VARDATA_ANY(string),
							   VARSIZE_ANY_EXHDR(string), 0);
}

static bool
set_has_ref(Account *account, Datum ref)
{
	uint64		hash = ref_hash(ref);

	return hash_search(account->refs, &hash, HASH_FIND, NULL) != NULL;
}

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
 * Begin to look for written entries by a ref.  A set looks refs up by the
 * thousand, so the scan stays open until the ledger closes.  The index is open
 * for writing.
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

/* Find a written entry of one of some kinds; what the scan allocates must live as long as it does. */
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

/* The entry of one of some kinds that a ref names; NULL if there is none. */
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
		scan_again(&ledger->refs, keys, 2); /* lets go of the pages */
	}
	return entry;
}

/* Gather the account's write-offs that nothing has made good yet (S13). */
typedef struct WriteOffScan
{
	Account    *account;
	List	   *captures;		/* seq of a capture, seq of its hold, ... */
} WriteOffScan;

/* The use that an entry's points came back from. */
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
	/* of these alone, it takes the same as it took of all that came back */
	lots_init(&made_good);
	write_offs_use(scan->account->write_offs, use_of(scan, entry), &entry->made_good_lots, &made_good);
	return true;
}

/* Read them with a snapshot; the account's entries are all written. */
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

void
ledger_load_write_offs(Ledger *ledger, Account *account)
{
	if (account->write_offs_loaded || account->written_off == 0)
		return;
	ledger_write_entries(ledger, account);
	ledger_flush(ledger);
	account_load_write_offs(account, ledger->entry.relation, SnapshotSelf);
}
