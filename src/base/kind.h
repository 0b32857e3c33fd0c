/*
 * kind.h
 *	  The kinds of entries.  Their numbers are on disk and in the hash chain:
 *	  they never change, new ones are added at the end.
 */
#ifndef KIND_H
#define KIND_H

#include "loyalty.h"

typedef enum Kind
{
	KIND_ENROLL = 1,
	KIND_EARN = 2,
	KIND_AWARD = 3,
	KIND_CONFIRM = 4,
	KIND_SPEND = 5,
	KIND_REFUND = 6,
	KIND_CANCEL = 7,
	KIND_EXPIRE = 8,
	KIND_MATURE = 9,
	KIND_ADJUST = 10,
	KIND_EXTEND = 11,
	KIND_REINSTATE = 12,
	KIND_TRANSFER_OUT = 13,
	KIND_TRANSFER_IN = 14,
	KIND_HOLD = 15,
	KIND_CAPTURE = 16,
	KIND_RELEASE = 17,
	KIND_FREEZE = 18,
	KIND_UNFREEZE = 19,
	KIND_ACTIVITY = 20,
	KIND_TIER = 21,
	KIND_GRANT = 22,
	KIND_GRANT_END = 23,
	KIND_BENEFIT = 24,
	KIND_RENAME = 25,
	KIND_JOIN = 26
} Kind;

#define KIND_LAST KIND_JOIN

#define KindGetDatum(kind) CharGetDatum((char) (kind))
#define DatumGetKind(d) ((Kind) (uint8) DatumGetChar(d))

extern const char *kind_label(Kind kind);

#endif /* KIND_H */
