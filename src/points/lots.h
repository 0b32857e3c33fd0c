/*
 * lots.h
 *	  The queue of an account's open lots, and its arithmetic.
 *
 * A lot is points with one earning date, one first usable day, one last day
 * and one issuer; two lots equal in these four are one (S6).  In memory a
 * queue is an array in the order of use (S7).  On disk it is a compact
 * varlena, last to expire first, so that an earning changes its front only.
 *
 * Pure: no catalog, no table, no clock.
 */
#ifndef LOTS_H
#define LOTS_H

#include "loyalty.h"

/* A lot's last day where it is not a date.  Both sort after every date. */
#define LOT_NEVER ((DateADT) PG_INT32_MAX)	/* does not end */
#define LOT_INACTIVE ((DateADT) (PG_INT32_MAX - 1)) /* on account.inactive_on */
/* A lot's first usable day while it waits to be confirmed */
#define LOT_UNCONFIRMED ((DateADT) PG_INT32_MAX)

typedef struct Lot
{
	DateADT		expires;		/* last usable day */
	DateADT		earned;
	DateADT		usable_from;	/* first usable day */
	int32		issuer;			/* 0: the program itself */
	int64		points;			/* > 0 */
} Lot;

typedef struct LotQueue
{
	int			count;
	int			capacity;
	Lot		   *lots;			/* in order of use, no two of one key */
} LotQueue;

/*
 * A day as lots see it.  What matures on a day does so by an entry of its own
 * (S28): until it is made, matured_on lags behind.
 */
typedef struct LotDay
{
	DateADT		on;
	DateADT		matured_on;		/* lots first usable up to here have matured */
	DateADT		inactive_on;	/* last usable day of undated lots */
} LotDay;

/* Building */
extern void lots_init(LotQueue *queue);
extern void lots_copy(LotQueue *to, const LotQueue *from);
extern void lots_add(LotQueue *queue, const Lot *lot);
extern void lots_add_all(LotQueue *queue, const LotQueue *more);
extern void lots_subtract(LotQueue *queue, const Lot *lot);
extern void lots_subtract_all(LotQueue *queue, const LotQueue *less);

/* Asking */
extern int	lots_compare(const Lot *a, const Lot *b);
extern int	lots_find(const LotQueue *queue, const Lot *key, bool *found);
extern int64 lots_points_of(const LotQueue *queue, const Lot *key);
extern bool lots_are_sound(const LotQueue *queue);
extern int64 lots_total(const LotQueue *queue);
extern int64 lots_usable(const LotQueue *queue, LotDay day);
extern bool lots_equal(const LotQueue *a, const LotQueue *b);
extern bool lot_is_sound(const Lot *lot);

/* Is the lot past its first day; past its last? */
static inline bool
lot_matured(const Lot *lot, LotDay day)
{
	return lot->usable_from <= day.matured_on;
}

static inline DateADT
lot_last_day(const Lot *lot, LotDay day)
{
	return lot->expires == LOT_INACTIVE ? day.inactive_on : lot->expires;
}

static inline bool
lot_ended(const Lot *lot, LotDay day)
{
	return lot_last_day(lot, day) < day.on;
}

static inline bool
lot_usable(const Lot *lot, LotDay day)
{
	return lot_matured(lot, day) && !lot_ended(lot, day);
}

/* Moving.  Each returns what it moved, in points. */
extern int64 lots_take(LotQueue *queue, int64 points, LotDay day, LotQueue *taken);
extern int64 lots_take_seasoned(LotQueue *queue, int64 points, LotDay day,
								DateADT usable_until, LotQueue *taken);
extern int64 lots_take_pending(LotQueue *queue, int64 points, LotDay day, LotQueue *taken);
extern int64 lots_take_key(LotQueue *queue, const Lot *key, int64 points, LotQueue *taken);
extern int64 lots_take_front(LotQueue *queue, int64 points, LotQueue *taken);
extern int64 lots_take_back(LotQueue *queue, int64 points, LotQueue *taken);
extern int64 lots_take_ended(LotQueue *queue, LotDay day, int most, LotQueue *taken);

/* The stored form */
typedef struct varlena LotsDatum;
#define DatumGetLots(d) ((LotsDatum *) PG_DETOAST_DATUM_PACKED(d))
extern LotsDatum *lots_encode(const LotQueue *queue);
extern bool lots_read(const LotsDatum *stored, LotQueue *queue);	/* false: they are damaged */
extern void lots_decode(const LotsDatum *stored, LotQueue *queue);
extern int64 lots_stored_total(const LotsDatum *stored);

/* The documented network form (the chain's, and lots_send's) */
struct StringInfoData;
extern void lots_append_binary(struct StringInfoData *buf, const LotQueue *queue);

/* The text form; of lots that are sound */
extern char *lots_text(const LotQueue *queue);

#endif							/* LOTS_H */
