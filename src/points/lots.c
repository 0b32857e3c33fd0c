/*
 * lots.c
 *	  Arithmetic of lot queues, and their stored form.
 *
 * The stored form is, after the varlena header:
 *
 *	  u8   version (1)
 *	  u16  number of lots, native byte order
 *	  i64  total of points, native byte order
 *	  then for each lot, the last in order of use first:
 *	  u8   flags
 *	  v    previous lot's last day minus this one's (first: from LOT_NEVER),
 *		   absent if LOT_SAME_EXPIRES
 *	  z    previous lot's earning date minus this one's (first: from 0)
 *	  z    first usable day minus earning date, absent if LOT_AT_ONCE
 *	  z    issuer, absent if LOT_SAME_ISSUER (first: as if 0 went before)
 *	  v    points
 *
 * where v is an unsigned LEB128 number and z a zigzagged one.  A daily lot of
 * up to 16,383 points takes five bytes.
 */
#include "lots.h"

#include "common/int.h"
#include "libpq/pqformat.h"

#include "calendar.h"

#define LOTS_VERSION 1
#define LOTS_HEADER (1 + sizeof(uint16) + sizeof(int64))
#define LOT_MAX_BYTES (1 + 10 + 10 + 10 + 10 + 10)

#define LOT_SAME_EXPIRES 0x01
#define LOT_AT_ONCE 0x02
#define LOT_SAME_ISSUER 0x04
#define LOT_FLAGS 0x07

/* Begin an empty queue; it allocates where the first lot is added. */
void
lots_init(LotQueue *queue)
{
	queue->count = 0;
	queue->capacity = 0;
	queue->lots = NULL;
}

/* Make room for one more lot. */
static void
lots_reserve(LotQueue *queue)
{
	if (queue->count < queue->capacity)
		return;
	if (queue->capacity == 0)
	{
		queue->capacity = 8;
		queue->lots = palloc(queue->capacity * sizeof(Lot));
	}
	else
	{
		queue->capacity *= 2;
		queue->lots = repalloc(queue->lots, queue->capacity * sizeof(Lot));
	}
}

/* Copy a queue into the current memory context. */
void
lots_copy(LotQueue *to, const LotQueue *from)
{
	to->count = to->capacity = from->count;
	to->lots = NULL;
	if (from->count == 0)
		return;
	to->lots = palloc(from->count * sizeof(Lot));
	memcpy(to->lots, from->lots, from->count * sizeof(Lot));
}

/* Order of use: last day, earning date, first usable day, issuer (S7). */
int
lots_compare(const Lot *a, const Lot *b)
{
	if (a->expires != b->expires)
		return a->expires < b->expires ? -1 : 1;
	if (a->earned != b->earned)
		return a->earned < b->earned ? -1 : 1;
	if (a->usable_from != b->usable_from)
		return a->usable_from < b->usable_from ? -1 : 1;
	if (a->issuer != b->issuer)
		return a->issuer < b->issuer ? -1 : 1;
	return 0;
}

/* Find a key: its index, or where it would stand, with *found telling which. */
int
lots_find(const LotQueue *queue, const Lot *key, bool *found)
{
	int			low = 0;
	int			high = queue->count;

	/* most lots come in order */
	if (high > 0 && lots_compare(&queue->lots[high - 1], key) < 0)
		low = high;
	while (low < high)
	{
		int			middle = (low + high) / 2;
		int			order = lots_compare(&queue->lots[middle], key);

		if (order == 0)
		{
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = false;
	return low;
}

static void
lots_overflow(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("points out of range"),
			 errdetail("An account can hold at most " INT64_FORMAT " points.", MAX_BALANCE)));
}

/* Add a lot, or add its points to the lot with the same key (S6). */
void
lots_add(LotQueue *queue, const Lot *lot)
{
	bool		found;
	int			at;

	Assert(lot->points > 0);
	at = lots_find(queue, lot, &found);
	if (found)
	{
		if (pg_add_s64_overflow(queue->lots[at].points, lot->points,
								&queue->lots[at].points) ||
			queue->lots[at].points > MAX_BALANCE)
			lots_overflow();
		return;
	}
	lots_reserve(queue);
	memmove(&queue->lots[at + 1], &queue->lots[at],
			(queue->count - at) * sizeof(Lot));
	queue->lots[at] = *lot;
	queue->count++;
}

void
lots_add_all(LotQueue *queue, const LotQueue *more)
{
	for (int i = 0; i < more->count; i++)
		lots_add(queue, &more->lots[i]);
}

/* Drop the lots without points that a loop over the queue left behind. */
static void
lots_compact(LotQueue *queue)
{
	int			kept = 0;

	for (int i = 0; i < queue->count; i++)
	{
		if (queue->lots[i].points == 0)
			continue;
		if (kept != i)
			queue->lots[kept] = queue->lots[i];
		kept++;
	}
	queue->count = kept;
}

/* Subtract a lot that must be there with at least its points. */
void
lots_subtract(LotQueue *queue, const Lot *lot)
{
	bool		found;
	int			at = lots_find(queue, lot, &found);

	if (!found || queue->lots[at].points < lot->points)
		ereport(ERROR,
				(errcode(ERRCODE_LY_DAMAGED),
				 errmsg("cannot subtract " INT64_FORMAT " points from a lot of " INT64_FORMAT,
						lot->points, found ? queue->lots[at].points : 0),
				 errdetail("The lots subtracted must be contained in the lots that they are subtracted from.")));
	queue->lots[at].points -= lot->points;
	if (queue->lots[at].points == 0)
		lots_compact(queue);
}

void
lots_subtract_all(LotQueue *queue, const LotQueue *less)
{
	for (int i = 0; i < less->count; i++)
		lots_subtract(queue, &less->lots[i]);
}

/* The points of the lot with a key; 0 if there is none. */
int64
lots_points_of(const LotQueue *queue, const Lot *key)
{
	bool		found;
	int			at = lots_find(queue, key, &found);

	return found ? queue->lots[at].points : 0;
}

/* Are the days, the issuer and the points of a lot valid? */
bool
lot_is_sound(const Lot *lot)
{
	return lot->points > 0 && lot->points <= MAX_BALANCE && lot->issuer >= 0 &&
		   calendar_date_in_range(lot->earned) &&
		   (lot->expires == LOT_NEVER || lot->expires == LOT_INACTIVE ||
			calendar_date_in_range(lot->expires)) &&
		   (lot->usable_from == LOT_UNCONFIRMED || calendar_date_in_range(lot->usable_from));
}

/* Are they lots of an account: in order of use, no two of one key? */
bool
lots_are_sound(const LotQueue *queue)
{
	for (int i = 0; i < queue->count; i++)
		if (!lot_is_sound(&queue->lots[i]) ||
			(i > 0 && lots_compare(&queue->lots[i - 1], &queue->lots[i]) >= 0))
			return false;
	return queue->count <= MAX_LOTS;
}

/* The points of all lots; more than MAX_BALANCE is an error. */
int64
lots_total(const LotQueue *queue)
{
	int64		total = 0;

	for (int i = 0; i < queue->count; i++)
		if (pg_add_s64_overflow(total, queue->lots[i].points, &total) || total > MAX_BALANCE)
			lots_overflow();
	return total;
}

/* The points that are usable on a day. */
int64
lots_usable(const LotQueue *queue, LotDay day)
{
	int64		usable = 0;

	for (int i = 0; i < queue->count; i++)
		if (lot_usable(&queue->lots[i], day))
			usable += queue->lots[i].points;
	return usable;
}

bool
lots_equal(const LotQueue *a, const LotQueue *b)
{
	if (a->count != b->count)
		return false;
	for (int i = 0; i < a->count; i++)
		if (lots_compare(&a->lots[i], &b->lots[i]) != 0 ||
			a->lots[i].points != b->lots[i].points)
			return false;
	return true;
}

/* Move at most n points of one lot; the caller compacts the queue. */
static int64
lot_move(Lot *lot, int64 points, LotQueue *taken)
{
	Lot			slice = *lot;

	slice.points = Min(points, lot->points);
	if (slice.points == 0)
		return 0;
	lot->points -= slice.points;
	if (taken)
		lots_add(taken, &slice);
	return slice.points;
}

/* Take at most n usable points in order of use (S7). */
int64
lots_take(LotQueue *queue, int64 points, LotDay day, LotQueue *taken)
{
	return lots_take_seasoned(queue, points, day, day.matured_on, taken);
}

/* The same, for lots that became usable no later than a given day (S18). */
int64
lots_take_seasoned(LotQueue *queue, int64 points, LotDay day,
				   DateADT usable_until, LotQueue *taken)
{
	int64		left = points;

	for (int i = 0; i < queue->count && left > 0; i++)
		if (lot_usable(&queue->lots[i], day) &&
			queue->lots[i].usable_from <= usable_until)
			left -= lot_move(&queue->lots[i], left, taken);
	lots_compact(queue);
	return points - left;
}

/* Take at most n points that are not usable yet, in order of use. */
int64
lots_take_pending(LotQueue *queue, int64 points, LotDay day, LotQueue *taken)
{
	int64		left = points;

	for (int i = 0; i < queue->count && left > 0; i++)
		if (!lot_matured(&queue->lots[i], day))
			left -= lot_move(&queue->lots[i], left, taken);
	lots_compact(queue);
	return points - left;
}

/* Take at most n points of the lot with a key. */
int64
lots_take_key(LotQueue *queue, const Lot *key, int64 points, LotQueue *taken)
{
	bool		found;
	int			at = lots_find(queue, key, &found);
	int64		moved;

	if (!found)
		return 0;
	moved = lot_move(&queue->lots[at], points, taken);
	lots_compact(queue);
	return moved;
}

/* Take at most n points in order of use, in any state. */
int64
lots_take_front(LotQueue *queue, int64 points, LotQueue *taken)
{
	int64		left = points;

	for (int i = 0; i < queue->count && left > 0; i++)
		left -= lot_move(&queue->lots[i], left, taken);
	lots_compact(queue);
	return points - left;
}

/* Take at most n points in reverse order of use. */
int64
lots_take_back(LotQueue *queue, int64 points, LotQueue *taken)
{
	int64		left = points;

	for (int i = queue->count - 1; i >= 0 && left > 0; i--)
		left -= lot_move(&queue->lots[i], left, taken);
	lots_compact(queue);
	return points - left;
}

/* Take all points that were usable and have expired, from at most n lots. */
int64
lots_take_ended(LotQueue *queue, LotDay day, int most, LotQueue *taken)
{
	int64		moved = 0;

	for (int i = 0; i < queue->count && taken->count < most; i++)
		if (lot_matured(&queue->lots[i], day) && lot_ended(&queue->lots[i], day))
			moved += lot_move(&queue->lots[i], queue->lots[i].points, taken);
	if (moved > 0)
		lots_compact(queue);
	return moved;
}

/*
 * The stored form
 */

/* Write an unsigned LEB128 number; returns the position after it. */
static uint8 *
put_varint(uint8 *at, uint64 value)
{
	while (value >= 0x80)
	{
		*at++ = (uint8) (value | 0x80);
		value >>= 7;
	}
	*at++ = (uint8) value;
	return at;
}

/* Write a signed number, so that one close to 0 takes few bytes. */
static uint8 *
put_zigzag(uint8 *at, int64 value)
{
	return put_varint(at, ((uint64) value << 1) ^ (uint64) (value >> 63));
}

/* Write a lot by its differences from the lot that was written before it. */
static uint8 *
put_lot(uint8 *at, const Lot *lot, const Lot *previous)
{
	uint8	   *flags = at++;

	*flags = 0;
	if (lot->expires == previous->expires)
		*flags |= LOT_SAME_EXPIRES;
	else
		at = put_varint(at, (uint64) ((int64) previous->expires - lot->expires));
	at = put_zigzag(at, (int64) previous->earned - lot->earned);
	if (lot->usable_from == lot->earned)
		*flags |= LOT_AT_ONCE;
	else
		at = put_zigzag(at, (int64) lot->usable_from - lot->earned);
	if (lot->issuer == previous->issuer)
		*flags |= LOT_SAME_ISSUER;
	else
		at = put_zigzag(at, lot->issuer);
	return put_varint(at, (uint64) lot->points);
}

/* The lot before the first stored one. */
static const Lot lot_origin = {LOT_NEVER, 0, 0, 0, 0};

/* Reject more lots than one value can hold. */
static void
lots_check_limit(const LotQueue *queue)
{
	if (queue->count <= MAX_LOTS)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_LY_LIMIT),
			 errmsg("too many lots: %d", queue->count),
			 errdetail("An account can have at most %d pending lots, and a posting can bring back or extend at most as many.", MAX_LOTS),
			 errhint("Confirm or return pending points, or bring back or extend points in smaller parts.")));
}

/* Encode a queue into the current memory context. */
LotsDatum *
lots_encode(const LotQueue *queue)
{
	uint8	   *stored;
	uint8	   *at;
	uint16		count = (uint16) queue->count;
	int64		total = lots_total(queue);
	const Lot  *previous = &lot_origin;

	lots_check_limit(queue);
	Assert(lots_are_sound(queue));
	stored = palloc(VARHDRSZ + LOTS_HEADER + queue->count * LOT_MAX_BYTES);
	at = stored + VARHDRSZ;
	*at++ = LOTS_VERSION;
	memcpy(at, &count, sizeof(count));
	at += sizeof(count);
	memcpy(at, &total, sizeof(total));
	at += sizeof(total);
	for (int i = queue->count - 1; i >= 0; i--)
	{
		at = put_lot(at, &queue->lots[i], previous);
		previous = &queue->lots[i];
	}
	SET_VARSIZE(stored, at - stored);
	return (LotsDatum *) stored;
}

static void
lots_damaged(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_DAMAGED),
			 errmsg("stored lots are corrupted"),
			 errhint("Run loyalty.verify() and amcheck, then restore from a backup.")));
}

/* A reader that never reads past the end, and remembers that it tried to. */
typedef struct LotReader
{
	const uint8 *at;
	const uint8 *end;
	bool		damaged;
} LotReader;

/* Read an unsigned LEB128 number; one that does not end marks the input as damaged. */
static uint64
get_varint(LotReader *reader)
{
	uint64		value = 0;

	for (int shift = 0; shift < 64; shift += 7)
	{
		uint8		byte;

		if (reader->at >= reader->end)
			break;
		byte = *reader->at++;
		value |= (uint64) (byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return value;
	}
	reader->damaged = true;
	return 0;
}

/* Read a signed number that put_zigzag has written. */
static int64
get_zigzag(LotReader *reader)
{
	uint64		value = get_varint(reader);

	return (int64) (value >> 1) ^ -(int64) (value & 1);
}

/* Read a number within a range; any other number marks the input as damaged. */
static int32
narrow(LotReader *reader, int64 value)
{
	if (value < PG_INT32_MIN || value > PG_INT32_MAX)
		reader->damaged = true;
	return (int32) value;
}

/* A difference to a number; one that no int32 can have is none. */
static int32
less(LotReader *reader, int32 from, int64 difference)
{
	if (difference < -INT64CONST(0xffffffff) || difference > INT64CONST(0xffffffff))
		reader->damaged = true;
	return reader->damaged ? 0 : narrow(reader, from - difference);
}

/* Read the header: the number of lots; the total as well where it is asked. */
static int
get_header(LotReader *reader, const LotsDatum *stored, int64 *total)
{
	uint16		count;

	reader->at = (const uint8 *) VARDATA_ANY(stored);
	reader->end = reader->at + VARSIZE_ANY_EXHDR(stored);
	reader->damaged = reader->end - reader->at < LOTS_HEADER || *reader->at != LOTS_VERSION;
	if (reader->damaged)
		return 0;
	memcpy(&count, reader->at + 1, sizeof(count));
	memcpy(total, reader->at + 1 + sizeof(count), sizeof(*total));
	reader->at += LOTS_HEADER;
	return count;
}

/* Read a lot, given the lot that was read before it; unknown flags mark the input as damaged. */
static void
get_lot(LotReader *reader, Lot *lot, const Lot *previous)
{
	uint8		flags;

	if (reader->at >= reader->end || (*reader->at & ~LOT_FLAGS))
	{
		reader->damaged = true;
		return;
	}
	flags = *reader->at++;
	lot->expires = previous->expires;
	if (!(flags & LOT_SAME_EXPIRES))
		lot->expires = less(reader, previous->expires, (int64) get_varint(reader));
	lot->earned = less(reader, previous->earned, get_zigzag(reader));
	lot->usable_from = lot->earned;
	if (!(flags & LOT_AT_ONCE))
		lot->usable_from = less(reader, lot->earned, -get_zigzag(reader));
	lot->issuer = previous->issuer;
	if (!(flags & LOT_SAME_ISSUER))
		lot->issuer = narrow(reader, get_zigzag(reader));
	lot->points = (int64) get_varint(reader);
}

/* The lots after the header, the last in order of use first; how many points they are. */
static int64
get_lots(LotReader *reader, LotQueue *queue)
{
	const Lot  *previous = &lot_origin;
	int64		sum = 0;

	for (int i = queue->count - 1; i >= 0 && !reader->damaged; i--)
	{
		Lot		   *lot = &queue->lots[i];

		get_lot(reader, lot, previous);
		if (reader->damaged || !lot_is_sound(lot) ||
			(previous != &lot_origin && lots_compare(lot, previous) >= 0) ||
			(sum += lot->points) > MAX_BALANCE)
			reader->damaged = true;
		previous = lot;
	}
	return sum;
}

/* Read into the current memory context; no lots, and false, if they are damaged. */
bool
lots_read(const LotsDatum *stored, LotQueue *queue)
{
	LotReader	reader;
	int64		total;
	int			count = get_header(&reader, stored, &total);

	lots_init(queue);
	if (reader.damaged || count > MAX_LOTS)
		return false;
	queue->count = count;
	queue->capacity = count + 4;	/* room for what a posting adds */
	queue->lots = palloc(queue->capacity * sizeof(Lot));
	if (get_lots(&reader, queue) != total || reader.damaged || reader.at != reader.end)
	{
		lots_init(queue);
		return false;
	}
	Assert(lots_are_sound(queue));
	return true;
}

/* Decode into the current memory context, and check what was stored. */
void
lots_decode(const LotsDatum *stored, LotQueue *queue)
{
	if (!lots_read(stored, queue))
		lots_damaged();
}

/* The total, read from the header alone. */
int64
lots_stored_total(const LotsDatum *stored)
{
	LotReader	reader;
	int64		total;

	(void) get_header(&reader, stored, &total);
	if (reader.damaged)
		lots_damaged();
	return total;
}

/* Append the network form: a count, then each lot in order of use. */
void
lots_append_binary(StringInfo buf, const LotQueue *queue)
{
	enlargeStringInfo(buf, sizeof(int32) + queue->count * (4 * sizeof(int32) + sizeof(int64)));
	pq_writeint32(buf, queue->count);
	for (int i = 0; i < queue->count; i++)
	{
		const Lot  *lot = &queue->lots[i];

		pq_writeint32(buf, lot->expires);
		pq_writeint32(buf, lot->earned);
		pq_writeint32(buf, lot->usable_from);
		pq_writeint32(buf, lot->issuer);
		pq_writeint64(buf, lot->points);
	}
}
