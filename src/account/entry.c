/*
 * entry.c
 *	  Entries in memory.
 */
#include "entry.h"

const char *const entry_columns[ENTRY_FIELDS] = {
	"account_id", "seq", "at", "clock", "recorded_at",
	"points", "balance", "usable", "debt", "held",
	"of_seq", "fingerprint", "computed", "due", "owed", "written_off",
	"made_good", "fee", "expired", "counterparty_id", "until",
	"inactive_months", "clock_on", "expires_on", "expiring_on", "inactive_on",
	"kind", "ref", "of_ref", "amount", "rate", "expiry", "mode", "reason",
	"channel", "store", "brand", "actor", "attributes", "lines",
	"taken", "gained", "source", "spared", "graced",
	"written_off_lots", "made_good_lots",
	"activity", "benefit", "tier_grant", "quantity", "qualifying",
	"happened_on", "counts_from", "counted_from", "starts_on", "ends_on",
	"tier", "cause", "computed_tier", "computed_until", "reached_on",
	"before_tier", "before_until", "parts", "charges", "hash"
};

/* The queue that decodes a field of lots. */
LotQueue *
entry_lots(Entry *entry, EntryField field)
{
	switch (field)
	{
		case ENTRY_TAKEN:
			return &entry->taken;
		case ENTRY_GAINED:
			return &entry->gained;
		case ENTRY_SOURCE:
			return &entry->source;
		case ENTRY_SPARED:
			return &entry->spared;
		case ENTRY_GRACED:
			return &entry->graced;
		case ENTRY_WRITTEN_OFF_LOTS:
			return &entry->written_off_lots;
		case ENTRY_MADE_GOOD_LOTS:
			return &entry->made_good_lots;
		default:
			return NULL;
	}
}

/* Make an entry without any value in the current memory context. */
Entry *
entry_new(void)
{
	Entry	   *entry = palloc(sizeof(Entry));

	memset(entry->values, 0, sizeof(entry->values));
	memset(entry->nulls, true, sizeof(entry->nulls));
	lots_init(&entry->taken);
	lots_init(&entry->gained);
	lots_init(&entry->source);
	lots_init(&entry->spared);
	lots_init(&entry->graced);
	lots_init(&entry->written_off_lots);
	lots_init(&entry->made_good_lots);
	return entry;
}

/*
 * Make an entry of a row's values as they are stored, checked by nobody
 * (field.c); they are not copied, and the lots not decoded.
 */
Entry *
entry_from_values(const Datum *values, const bool *nulls)
{
	Entry	   *entry = entry_new();

	memcpy(entry->values, values, sizeof(entry->values));
	memcpy(entry->nulls, nulls, sizeof(entry->nulls));
	return entry;
}

void
entry_decode_lots(Entry *entry)
{
	for (EntryField field = ENTRY_FIRST_LOTS; field <= ENTRY_LAST_LOTS; field++)
		if (!entry->nulls[field])
			(void) lots_read(DatumGetLots(entry->values[field]), entry_lots(entry, field));
}

/* Store the decoded lots into their fields; NULL where there are none. */
void
entry_encode_lots(Entry *entry)
{
	for (EntryField field = ENTRY_FIRST_LOTS; field <= ENTRY_LAST_LOTS; field++)
	{
		const LotQueue *queue = entry_lots(entry, field);

		if (queue->count > 0)
			entry_set(entry, field, PointerGetDatum(lots_encode(queue)));
	}
}
