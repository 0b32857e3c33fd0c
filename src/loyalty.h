/*
 * loyalty.h
 *	  What every room of the extension shares: its version, its limits, its
 *	  SQLSTATEs and its settings.
 */
#ifndef LOYALTY_H
#define LOYALTY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "compat.h"

#define LOYALTY_VERSION "1.0"
#define LOYALTY_SCHEMA "loyalty"

/*
 * SQLSTATEs of class LY, one for each kind that an application would treat
 * differently.  doc/errors.md lists them with their causes.
 */
#define ERRCODE_LY_NOT_ENOUGH MAKE_SQLSTATE('L', 'Y', '0', '0', '1')
#define ERRCODE_LY_FROZEN MAKE_SQLSTATE('L', 'Y', '0', '0', '2')
#define ERRCODE_LY_REF_REUSED MAKE_SQLSTATE('L', 'Y', '0', '0', '3')
#define ERRCODE_LY_UNKNOWN_MEMBER MAKE_SQLSTATE('L', 'Y', '0', '0', '4')
#define ERRCODE_LY_UNKNOWN_PROGRAM MAKE_SQLSTATE('L', 'Y', '0', '0', '5')
#define ERRCODE_LY_UNKNOWN_REF MAKE_SQLSTATE('L', 'Y', '0', '0', '6')
#define ERRCODE_LY_ENDED MAKE_SQLSTATE('L', 'Y', '0', '0', '7')
#define ERRCODE_LY_LIMIT MAKE_SQLSTATE('L', 'Y', '0', '0', '8')
#define ERRCODE_LY_TIME MAKE_SQLSTATE('L', 'Y', '0', '0', '9')
#define ERRCODE_LY_RETURN_REJECTED MAKE_SQLSTATE('L', 'Y', '0', '1', '0')
#define ERRCODE_LY_TRANSFER MAKE_SQLSTATE('L', 'Y', '0', '1', '1')
#define ERRCODE_LY_GUARDED MAKE_SQLSTATE('L', 'Y', '0', '1', '2')
#define ERRCODE_LY_REENTRANT MAKE_SQLSTATE('L', 'Y', '0', '1', '3')
#define ERRCODE_LY_DAMAGED MAKE_SQLSTATE('L', 'Y', '0', '1', '4')
#define ERRCODE_LY_ROW_SECURITY MAKE_SQLSTATE('L', 'Y', '0', '1', '5')
#define ERRCODE_LY_VERSION MAKE_SQLSTATE('L', 'Y', '0', '1', '6')
#define ERRCODE_LY_RULE MAKE_SQLSTATE('L', 'Y', '0', '1', '7')

/* Limits.  Everything has one. */
#define MAX_POINTS INT64CONST(1000000000000000) /* of one posting: 10^15 */
#define MAX_BALANCE INT64CONST(1000000000000000000) /* of one account: 10^18 */
#define MAX_KEY_BYTES 255		/* member keys, refs, codes */
#define MAX_NOTE_BYTES 4000		/* reason, channel, store, brand */
#define LOTS_LIMIT 1000 /* open lots of one account, which are joined beyond it */
#define MAX_LOTS 10000 /* lots of one value: pending ones are not joined */
#define MAX_LINES 10000			/* lines of one purchase */
#define MAX_MONEY_DIGITS 15		/* before the point */
#define MAX_MONEY_SCALE 12		/* after the point */

/* Settings (guard.c, posting.c and program.c explain them) */
extern char *loyalty_program;
extern int	loyalty_clock_skew;
extern bool loyalty_allow_drop;
extern int	loyalty_lots_limit;

/* One initialiser a noun, called by _PG_init */
extern void program_init(void);
extern void set_init(void);
extern void posting_init(void);
extern void join_init(void);
extern void guard_init(void);
extern void track_init(void);

#endif							/* LOYALTY_H */
