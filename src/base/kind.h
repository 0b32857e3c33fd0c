/*
 * kind.h
 *	  The kinds of entries.
 */
#ifndef KIND_H
#define KIND_H

#include "loyalty.h"

typedef enum Kind
{
#define KIND(number, name, label, paid, traits) KIND_##name = number,
#include "kinds.h"
#undef KIND
} Kind;

/* Their numbers have no gap. */
enum
{
	KIND_COUNT = 0
#define KIND(number, name, label, paid, traits) + 1
#include "kinds.h"
#undef KIND
};

#define KIND_LAST ((Kind) KIND_COUNT)

/* What of an entry's points paid debt (S11). */
typedef enum PaidBy
{
	PAID_NOTHING,
	PAID_CREDIT,				/* of the points given, what entered no lot */
	PAID_TAKEN,					/* of the lots taken, the same */
	PAID_BACK,					/* of the lots that came back, the same, less what made write-offs good */
	PAID_HOLD_BACK				/* ... of those of a hold that were not captured */
} PaidBy;

/* Sets of kinds */
#define kind_set(kind) (UINT32_C(1) << (kind))
#define KIND_SET(kind) kind_set(KIND_##kind)
#define KIND_ALL UINT32_MAX
#define KIND_NONE UINT32_C(0)

StaticAssertDecl(KIND_COUNT < 32, "kinds fit into a set");

/* Traits */
#define KIND_NAMED 0x10			/* a call makes it, and names it by a ref of its own */
#define KIND_GIVES 0x01			/* points that count for tiers; it can be returned, and confirmed */
#define KIND_BY_RULES 0x02		/* ... which rules work out */
#define KIND_SHOWS_LAST_DAY 0x04	/* its receipt says when what it credited expires */
#define KIND_IN_ORDER 0x08		/* it takes the first lots in order of use */
#define KIND_USES 0x20			/* it uses points up, which can be cancelled */

/* The kinds of a trait, as sets */
enum
{
	KINDS_NAMED = 0
#define KIND(number, name, label, paid, traits) | ((traits) & KIND_NAMED ? 1 << (number) : 0)
#include "kinds.h"
#undef KIND
	,
	KINDS_GIVING = 0
#define KIND(number, name, label, paid, traits) | ((traits) & KIND_GIVES ? 1 << (number) : 0)
#include "kinds.h"
#undef KIND
	,
	KINDS_USING = 0
#define KIND(number, name, label, paid, traits) | ((traits) & KIND_USES ? 1 << (number) : 0)
#include "kinds.h"
#undef KIND
	,
	KINDS_COMING_BACK = 0
#define KIND(number, name, label, paid, traits) | ((paid) == PAID_BACK || (paid) == PAID_HOLD_BACK ? 1 << (number) : 0)
#include "kinds.h"
#undef KIND
};

#define KindGetDatum(kind) CharGetDatum((char) (kind))
#define DatumGetKind(d) ((Kind) (uint8) DatumGetChar(d))

extern const char *kind_label(Kind kind);
extern bool kind_has(Kind kind, int trait);
extern PaidBy kind_paid_by(Kind kind);
extern uint32 kind_namesakes(Kind kind);

#endif							/* KIND_H */
