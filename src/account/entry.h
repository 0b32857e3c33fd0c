/*
 * entry.h
 *	  Entries: what one posting did to one account (S29).
 *
 * An entry is a row of values, one for each field that entry_fields.h lists.
 */
#ifndef ENTRY_H
#define ENTRY_H

#include "loyalty.h"

#include "kind.h"
#include "lots.h"

typedef enum EntryField
{
#define FIELD(name, column, type, domain, needed, allowed, meaning) ENTRY_##name,
#include "entry_fields.h"
#undef FIELD
	ENTRY_FIELDS
} EntryField;

/* How a field is stored. */
typedef enum FieldType
{
	TYPE_BIGINT, TYPE_INTEGER, TYPE_INSTANT, TYPE_DAY, TYPE_KIND, TYPE_TEXT, TYPE_NUMERIC,
	TYPE_EXPIRY, TYPE_JSONB, TYPE_LOTS, TYPE_BYTES
} FieldType;

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
	union
	{
		LotQueue	lots[ENTRY_LAST_LOTS - ENTRY_FIRST_LOTS + 1];
		struct
		{
			LotQueue	taken;
			LotQueue	gained;
			LotQueue	source;
			LotQueue	spared;
			LotQueue	graced;
			LotQueue	written_off_lots;
			LotQueue	made_good_lots;
		};
	};
} Entry;

extern const char *const entry_columns[ENTRY_FIELDS];
extern const FieldType entry_types[ENTRY_FIELDS];

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

#endif							/* ENTRY_H */
