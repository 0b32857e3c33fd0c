/*
 * account.h
 *	  An account in memory: the whole spendable state, its open holds, and
 *	  the entries that a posting has made so far.
 *
 * The functions here are the arithmetic of one account: how points come in,
 * leave, come back and fall due.  They do no I/O; store/ loads and stores.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include "loyalty.h"
#include "nodes/pg_list.h"
#include "pgtime.h"
#include "storage/itemptr.h"

#include "entry.h"
#include "expiry.h"
#include "kind.h"
#include "lots.h"
#include "utils/numeric.h"
#include "utils/snapshot.h"

typedef enum FreezeMode
{
	FREEZE_NONE,
	FREEZE_SPENDING,
	FREEZE_EARNING,
	FREEZE_ALL
} FreezeMode;

/* What a return does about points that are spent (S13). */
typedef enum SpentReturn
{
	SPENT_DEBT,
	SPENT_ACTIVE_ONLY,
	SPENT_CLAMP,
	SPENT_PENDING_ONLY,
	SPENT_REJECT
} SpentReturn;

#define SPENT_RETURNS (SPENT_REJECT + 1)

extern const char *const spent_labels[SPENT_RETURNS];

/* An open hold (S17). */
typedef struct Hold
{
	int64		seq;			/* of the entry that made it */
	char	   *ref;
	TimestampTz until;			/* DT_NOEND: an operator's */
	int64		points;
	LotQueue	lots;			/* the slices reserved */
	/* storage */
	ItemPointerData tid;		/* invalid: not stored yet */
	bool		changed;
	bool		ended;
} Hold;

/* A granted tier that has not ended (S24). */
typedef struct Grant
{
	int64		seq;			/* of the entry that made it */
	char	   *tier;
	DateADT		first_day;
	DateADT		last_day;		/* DATEVAL_NOEND: none */
} Grant;

typedef struct Account
{
	int64		id;
	int64		member_id;
	int32		program_id;
	TimestampTz due_at;			/* nothing falls due before; may be too early */
	TimestampTz opened_at;
	FreezeMode	frozen;
	TimestampTz frozen_until;	/* DT_NOEND: until it is lifted */
	int32		inactive_months;	/* of undated lots; -1: has had none */
	DateADT		inactive_on;	/* their last day; LOT_NEVER if months is -1 */
	TimestampTz clock;			/* the latest time that an entry acted at */
	DateADT		clock_on;
	int64		seq;			/* number of entries */
	int64		balance;
	int64		usable;
	int64		debt;
	int64		held;
	int64		written_off;	/* by returns, not made good yet */
	uint8		hash[CHAIN_BYTES];
	LotQueue	lots;			/* free: usable and pending */

	/* tiers (S21-S24): NULL and DATEVAL_NOEND where there is none */
	char	   *tier;			/* in force */
	char	   *computed_tier;	/* by metrics */
	DateADT		computed_last_day;
	DateADT		reached_on;
	char	   *before_tier;	/* what was computed before the running window lifted it */
	DateADT		before_last_day;
	List	   *grants;			/* of Grant *, by seq */

	/* lifetime figures */
	int64		orders;
	int64		earned;
	Numeric		spend;
	DateADT		last_order_on;	/* DATEVAL_NOBEGIN: none */
	bool		tallied;		/* its days are in loyalty.tally */

	/* not columns */
	const struct Program *program;
	const struct Rulebook *book;	/* NULL: the program has none */
	struct Ledger *ledger;		/* that it was loaded by; NULL: it is only read ... */
	Snapshot	snapshot;		/* ... with this snapshot; NULL: it has no rows of its own */
	List	   *tallies;		/* of Tally *, by day, loaded from tallies_since on */
	DateADT		tallies_since;	/* DATEVAL_NOEND: none is loaded */
	List	   *usages;			/* of Usage *, of the periods loaded */
	List	   *usage_periods;	/* first days of them, as integers */
	pg_tz	   *zone;			/* the program's */
	DateADT		matured_on;		/* clock_on, but while settling (settle.c) */
	List	   *holds;			/* of Hold *; loaded where held > 0 */
	List	   *write_offs;		/* of WriteOff *, by seq, where loaded */
	bool		write_offs_loaded;
	List	   *entries;		/* of Entry *, made and not stored */
	struct HTAB *refs;			/* in a set: refs of entries not written yet */
	bool		reading;		/* nothing will be stored: make no hashes */
	ItemPointerData tid;
	MemoryContext context;		/* of what lives as long as the account */
} Account;

/* What a return wrote off and nothing has made good yet (S13). */
typedef struct WriteOff
{
	int64		seq;			/* of the return */
	int64		points;
	LotQueue	lots;			/* of its parts: at most so many points from each, and these first */
	bool		own_only;		/* from no other lots */
} WriteOff;

/* Points that get a new key: a lot as it was, and as it is now, with the points moved. */
typedef struct Move
{
	Lot			from;
	Lot			to;
} Move;

#define account_day(account) \
	((LotDay) {(account)->clock_on, (account)->matured_on, (account)->inactive_on})

extern const char *freeze_label(FreezeMode mode);
extern FreezeMode freeze_mode(const char *label);
extern bool spent_return_writes_off(const char *label);

/* An account before its first entry, in the current memory context. */
extern void account_damaged(const Account *account, const char *what);
extern bool account_is_sound(const Account *account);
extern void account_blank(Account *account, pg_tz *zone);

/* What an entry adds to the lifetime figures. */
extern void account_count(Account *account, const Entry *entry);

/* Entries: begin, move points, finish. */
extern Entry *account_begin(Account *account, Kind kind, TimestampTz at, TimestampTz clock);
extern void account_finish(Account *account, Entry *entry);

/* Points: in, out, back. */
extern void account_credit(Account *account, Entry *entry, const LotQueue *lots);
extern void account_credit_lot(Account *account, Entry *entry, const Lot *lot);
extern void account_take(Account *account, Entry *entry, int64 points);
extern void account_come_back(Account *account, Entry *entry, const LotQueue *slices,
							  int64 use_seq);
extern Move *moves_back(const LotQueue *slices, const LotQueue *graced, DateADT last_day);
extern void moves_use_front(Move *moves, int count, int64 points);
extern void moves_use(Move *moves, int count, const LotQueue *used);
extern int64 account_pay_debt(Account *account, LotQueue *slices);

/* Inactivity (S8). */
extern void account_set_inactive_months(Account *account, Entry *entry, int32 months);
extern void account_active(Account *account, Entry *entry, DateADT on);
extern void account_extend_inactive(Account *account, Entry *entry, DateADT to);

/* Holds (S17) and write-offs (S13). */
extern Hold *account_find_hold(Account *account, int64 seq);
extern Hold *account_add_hold(Account *account, int64 seq, const char *ref,
							  TimestampTz until, const LotQueue *lots);
extern void account_end_hold(Account *account, Hold *hold);
extern void account_write_off(Account *account, Entry *entry, int64 points, SpentReturn policy);
extern void write_offs_add(List **write_offs, const Entry *entry);
extern void write_offs_use(List *write_offs, int64 use_seq, LotQueue *back, LotQueue *made_good);

/* Time (settle.c): S28. */
extern void account_settle(Account *account, TimestampTz to);
extern void account_expire(Account *account, TimestampTz at);
extern void account_finish_posting(Account *account, Entry *entry);

/* Join lots where there are too many; is an entry such a join (join.c)? */
extern void account_join_lots(Account *account);
extern bool join_is_sound(const LotQueue *lots, const Entry *entry, LotDay day);
extern TimestampTz account_next_due(const Account *account);

#endif							/* ACCOUNT_H */
