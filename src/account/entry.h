/*
 * entry.h
 *	  Entries: what one posting did to one account (S29).
 *
 * An entry is a row of values, one for each field of the list below, which
 * is the order of the table's columns, of the chain's canonical form and of
 * the view loyalty.chain_fields.  New fields go to the end, with a new
 * version of the canonical form.
 */
#ifndef ENTRY_H
#define ENTRY_H

#include "loyalty.h"
#include "kind.h"
#include "lots.h"

typedef enum EntryField
{
	ENTRY_ACCOUNT_ID,			/* whose */
	ENTRY_SEQ,					/* 1, 2, 3 ... within the account */
	ENTRY_AT,					/* when it happened */
	ENTRY_CLOCK,				/* when it acted: never before the one before */
	ENTRY_RECORDED_AT,			/* when it was written */
	ENTRY_POINTS,				/* change of the balance */
	ENTRY_BALANCE,				/* after it, as the three below */
	ENTRY_USABLE,
	ENTRY_DEBT,
	ENTRY_HELD,
	ENTRY_OF_SEQ,				/* the entry of this account that it refers to */
	ENTRY_FINGERPRINT,			/* of what the caller asked (S26) */
	ENTRY_COMPUTED,				/* points before a cap took some */
	ENTRY_DUE,					/* of a return (S12) ... */
	ENTRY_OWED,					/* ... of it made debt */
	ENTRY_WRITTEN_OFF,			/* ... of it written off */
	ENTRY_MADE_GOOD,			/* of what came back, kept for write-offs (S13) */
	ENTRY_FEE,					/* of a transfer, on top */
	ENTRY_EXPIRED,				/* of what it freed, gone at once */
	ENTRY_COUNTERPARTY_ID,		/* the other account of a transfer */
	ENTRY_UNTIL,				/* end of a hold or freeze */
	ENTRY_INACTIVE_MONTHS,		/* new value of the account's, if it changed */
	ENTRY_CLOCK_ON,				/* local day of clock */
	ENTRY_EXPIRES_ON,			/* last day given to lots by this entry */
	ENTRY_EXPIRING_ON,			/* extend: only lots of this last day */
	ENTRY_INACTIVE_ON,			/* new value of the account's, if it changed */
	ENTRY_KIND,
	ENTRY_REF,					/* the caller's name for it */
	ENTRY_OF_REF,				/* the ref that it refers to */
	ENTRY_AMOUNT,				/* money */
	ENTRY_RATE,					/* what a purchase earned by, in words */
	ENTRY_EXPIRY,				/* policy kept for a confirmation */
	ENTRY_MODE,					/* of a freeze; of a write-off, by which policy */
	ENTRY_REASON,
	ENTRY_CHANNEL,
	ENTRY_STORE,
	ENTRY_BRAND,
	ENTRY_ACTOR,				/* role of an operator's posting */
	ENTRY_ATTRIBUTES,
	ENTRY_LINES,
	ENTRY_TAKEN,				/* lots that left the free lots */
	ENTRY_GAINED,				/* lots that entered them */
	ENTRY_SOURCE,				/* lots moved from elsewhere: a use, a hold, the expired */
	ENTRY_SPARED,				/* lots whose expiry spared a return */
	ENTRY_GRACED,				/* of source, what got a new last day on coming back */
	ENTRY_WRITTEN_OFF_LOTS,		/* of a return: what comes back to which lots makes its write-off good */
	ENTRY_MADE_GOOD_LOTS,		/* the lots of what came back and made write-offs good */
	ENTRY_ACTIVITY,				/* code of an activity */
	ENTRY_BENEFIT,				/* code of a benefit that was used */
	ENTRY_TIER_GRANT,			/* tier that was granted */
	ENTRY_QUANTITY,				/* of a benefit's use; orders that a return undid */
	ENTRY_QUALIFYING,			/* points that count for tiers, if not all do */
	ENTRY_HAPPENED_ON,			/* local day of at, of what earns */
	ENTRY_COUNTS_FROM,			/* day from which it counts for tiers, if not that one */
	ENTRY_COUNTED_FROM,			/* of a confirmation: from which day it had */
	ENTRY_STARTS_ON,			/* first ... */
	ENTRY_ENDS_ON,				/* ... and last day of a grant */
	ENTRY_TIER,					/* in force after it */
	ENTRY_CAUSE,				/* of a change of what is computed below, which are then all given */
	ENTRY_COMPUTED_TIER,		/* by metrics, grants aside */
	ENTRY_COMPUTED_UNTIL,		/* its last day */
	ENTRY_REACHED_ON,			/* when it was last reached */
	ENTRY_BEFORE_TIER,			/* what was computed before the running window lifted it ... */
	ENTRY_BEFORE_UNTIL,			/* ... and its last day */
	ENTRY_PARTS,				/* of an award: which rule gave how much */
	ENTRY_CHARGES,				/* what it took of caps and budgets, or gave back */
	ENTRY_HASH,					/* SHA-256 of the hash before and the fields above */
	ENTRY_FIELDS
} EntryField;

#define ENTRY_FIRST_LOTS ENTRY_TAKEN
#define ENTRY_LAST_LOTS ENTRY_MADE_GOOD_LOTS

#define CHAIN_VERSION 1
#define CHAIN_FIELDS ENTRY_HASH /* the hash itself is not hashed */
#define CHAIN_BYTES 32

typedef struct Entry
{
	Datum		values[ENTRY_FIELDS];
	bool		nulls[ENTRY_FIELDS];
	/* decoded; empty where NULL or damaged */
	LotQueue	taken;
	LotQueue	gained;
	LotQueue	source;
	LotQueue	spared;
	LotQueue	graced;
	LotQueue	written_off_lots;
	LotQueue	made_good_lots;
} Entry;

extern const char *const entry_columns[ENTRY_FIELDS];

static inline void
entry_set(Entry *entry, EntryField field, Datum value)
{
	entry->values[field] = value;
	entry->nulls[field] = false;
}

static inline void
entry_set_points(Entry *entry, EntryField field, int64 points)
{
	entry_set(entry, field, Int64GetDatum(points));
}

/* The value of a field of points; 0 where it is NULL. */
static inline int64
entry_points(const Entry *entry, EntryField field)
{
	return entry->nulls[field] ? 0 : DatumGetInt64(entry->values[field]);
}

#define entry_seq(entry) DatumGetInt64((entry)->values[ENTRY_SEQ])
#define entry_kind(entry) DatumGetKind((entry)->values[ENTRY_KIND])
#define entry_at(entry) DatumGetTimestampTz((entry)->values[ENTRY_AT])
#define entry_clock(entry) DatumGetTimestampTz((entry)->values[ENTRY_CLOCK])

extern Entry *entry_new(void);
extern Entry *entry_from_values(const Datum *values, const bool *nulls);
extern LotQueue *entry_lots(Entry *entry, EntryField field);
extern void entry_decode_lots(Entry *entry);
extern void entry_encode_lots(Entry *entry);

#endif /* ENTRY_H */
