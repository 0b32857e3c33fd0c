/*
 * entry.c
 *	  Entries in memory.
 */
#include "entry.h"

#include "funcapi.h"
#include "utils/builtins.h"

const char *const entry_columns[ENTRY_FIELDS] = {
#define FIELD(name, column, type, domain, needed, allowed, meaning) #column,
#include "entry_fields.h"
#undef FIELD
};

const FieldType entry_types[ENTRY_FIELDS] = {
#define FIELD(name, column, type, domain, needed, allowed, meaning) TYPE_##type,
#include "entry_fields.h"
#undef FIELD
};

static const char *const meanings[ENTRY_FIELDS] = {
#define FIELD(name, column, type, domain, needed, allowed, meaning) meaning,
#include "entry_fields.h"
#undef FIELD
};

StaticAssertDecl(sizeof(((Entry *) NULL)->lots) == offsetof(Entry, made_good_lots) + sizeof(LotQueue) - offsetof(Entry, taken),
				 "every field of lots has its queue");

/* The queue that decodes a field of lots. */
LotQueue *
entry_lots(Entry *entry, EntryField field)
{
	Assert(entry_types[field] == TYPE_LOTS);
	return &entry->lots[field - ENTRY_FIRST_LOTS];
}

/* Make an entry without any value in the current memory context. */
Entry *
entry_new(void)
{
	Entry	   *entry = palloc(sizeof(Entry));

	memset(entry->values, 0, sizeof(entry->values));
	memset(entry->nulls, true, sizeof(entry->nulls));
	for (int i = 0; i < lengthof(entry->lots); i++)
		lots_init(&entry->lots[i]);
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

/* Decode the fields of lots that are not NULL into the entry's queues. */
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

/* entry_column_list(): position, name, meaning. */
PG_FUNCTION_INFO_V1(entry_column_list);
Datum
entry_column_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (EntryField field = 0; field < ENTRY_FIELDS; field++)
	{
		Datum		values[3];
		bool		nulls[3] = {false};

		values[0] = Int32GetDatum(field + 1);
		values[1] = CStringGetTextDatum(entry_columns[field]);
		values[2] = CStringGetTextDatum(meanings[field]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
