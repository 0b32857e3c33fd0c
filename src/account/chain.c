/*
 * chain.c
 *	  The hash chain over entries (S29).
 *
 * The canonical form of an entry (doc/operations.md has it in full): one
 * byte of version, the 32 bytes of the hash before (zeros for the first
 * entry), then each field but the hash itself as a byte 0 for NULL, or a byte
 * 1 and the value in network byte order.  Text is UTF-8 whatever the
 * database's encoding, so that anybody can recompute it with SHA-256 alone.
 */
#include "chain.h"

#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "expiry.h"
#include "json.h"

/* The length of a text in UTF-8, then the text, in any encoding of the database. */
void
chain_append_text(StringInfo buf, const char *text, int length)
{
	char	   *utf8 = pg_server_to_any(text, length, PG_UTF8);
	int			bytes = utf8 == text ? length : strlen(utf8);

	pq_sendint32(buf, bytes);
	appendBinaryStringInfo(buf, utf8, bytes);
}

static void
append_cstring(StringInfo buf, const char *text)
{
	chain_append_text(buf, text, strlen(text));
}

/* A jsonb in UTF-8 and the order of keys there; by value: 1.50 is 1.5. */
void
chain_append_json(StringInfo buf, Jsonb *json, bool by_value)
{
	StringInfoData text;

	initStringInfo(&text);
	json_append_canonical(&text, &json->root, by_value);
	pq_sendint32(buf, text.len);
	appendBinaryStringInfo(buf, text.data, text.len);
	pfree(text.data);
}

/* As a database in UTF-8 shows it, which this one mostly is. */
static void
append_json(StringInfo buf, Jsonb *json)
{
	if (GetDatabaseEncoding() == PG_UTF8)
		append_cstring(buf, JsonbToCString(NULL, &json->root, VARSIZE(json)));
	else
		chain_append_json(buf, json, false);
}

/* Append a value in the canonical form. */
static void
append_field(StringInfo buf, const Entry *entry, EntryField field)
{
	Datum		value = entry->values[field];

	switch (entry_types[field])
	{
		case TYPE_BIGINT:
		case TYPE_INSTANT:
			pq_sendint64(buf, DatumGetInt64(value));
			break;
		case TYPE_INTEGER:
		case TYPE_DAY:
			pq_sendint32(buf, DatumGetInt32(value));
			break;
		case TYPE_KIND:
			pq_sendint8(buf, (uint8) DatumGetKind(value));
			break;
		case TYPE_TEXT:
			{
				text	   *string = DatumGetTextPP(value);

				chain_append_text(buf, VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
				break;
			}
		case TYPE_NUMERIC:
			append_cstring(buf, DatumGetCString(DirectFunctionCall1(numeric_out, value)));
			break;
		case TYPE_EXPIRY:
			{
				const Expiry *policy = (Expiry *) PG_DETOAST_DATUM(value);

				append_cstring(buf, expiry_is_sound(policy) ? expiry_text(policy) : "damaged");
				break;
			}
		case TYPE_JSONB:
			append_json(buf, DatumGetJsonbP(value));
			break;
		case TYPE_LOTS:
			lots_append_binary(buf, entry_lots(unconstify(Entry *, entry), field));
			break;
		case TYPE_BYTES:		/* the hash itself */
			break;
	}
}

static void
sha256(const void *bytes, size_t length, uint8 *hash)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);

	if (pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, bytes, length) < 0 ||
		pg_cryptohash_final(context, hash, PG_SHA256_DIGEST_LENGTH) < 0)
	{
		pg_cryptohash_free(context);
		elog(ERROR, "could not compute SHA-256");
	}
	pg_cryptohash_free(context);
}

/* Hash an entry, given the hash of the one before. */
void
chain_hash(const Entry *entry, const uint8 *previous, uint8 *hash)
{
	StringInfoData buf;

	initStringInfo(&buf);
	pq_sendint8(&buf, CHAIN_VERSION);
	appendBinaryStringInfo(&buf, (const char *) previous, CHAIN_BYTES);
	for (EntryField field = 0; field < CHAIN_FIELDS; field++)
	{
		pq_sendint8(&buf, entry->nulls[field] ? 0 : 1);
		if (!entry->nulls[field])
			append_field(&buf, entry, field);
	}
	sha256(buf.data, buf.len, hash);
	pfree(buf.data);
}

/* Chain a finished entry to the last hash, which becomes its own. */
void
chain_entry(Entry *entry, uint8 *hash)
{
	bytea	   *stored = palloc(VARHDRSZ + CHAIN_BYTES);

	chain_hash(entry, hash, hash);
	SET_VARSIZE(stored, VARHDRSZ + CHAIN_BYTES);
	memcpy(VARDATA(stored), hash, CHAIN_BYTES);
	entry_set(entry, ENTRY_HASH, PointerGetDatum(stored));
}

/* The first eight bytes of a SHA-256, as a number. */
uint64
chain_fingerprint(const char *bytes, size_t length)
{
	uint8		hash[PG_SHA256_DIGEST_LENGTH];
	uint64		number = 0;

	sha256(bytes, length, hash);
	for (int i = 0; i < 8; i++)
		number = number << 8 | hash[i];
	return number;
}
