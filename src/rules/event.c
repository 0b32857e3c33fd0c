/*
 * event.c
 *	  The event of a posted entry.
 */
#include "event.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "tally.h"

/* A field's value; 0 if it is NULL. */
static Datum
stored_or_none(const Entry *entry, EntryField field)
{
	return entry->nulls[field] ? (Datum) 0 : entry->values[field];
}

/* Make the event of a purchase or activity that was posted; the caller sets its tier. */
void
event_of_entry(const Entry *entry, Event *event)
{
	memset(event, 0, sizeof(*event));
	event->is_purchase = entry_kind(entry) == KIND_PURCHASE;
	event->activity = tally_activity(entry);
	if (!entry->nulls[ENTRY_AMOUNT])
		event->amount = DatumGetNumeric(entry->values[ENTRY_AMOUNT]);
	event->channel = stored_or_none(entry, ENTRY_CHANNEL);
	event->store = stored_or_none(entry, ENTRY_STORE);
	event->brand = stored_or_none(entry, ENTRY_BRAND);
	event->attributes = stored_or_none(entry, ENTRY_ATTRIBUTES);
	if (!entry->nulls[ENTRY_LINES])
		lines_read(DatumGetJsonbP(entry->values[ENTRY_LINES]), &event->lines);
	event->at = entry_at(entry);
	event->on = DatumGetDateADT(entry->values[ENTRY_HAPPENED_ON]);
}
