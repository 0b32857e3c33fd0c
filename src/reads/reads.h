/*
 * reads.h
 *	  Accounts as they are read: unlocked, with a snapshot, settled in memory.
 */
#ifndef READS_H
#define READS_H

#include "loyalty.h"

#include "account.h"
#include "field.h"
#include "program.h"

/* Arguments of SQL functions */
extern const Program *program_argument(FunctionCallInfo fcinfo, int argument);
extern Account *account_argument(FunctionCallInfo fcinfo, int argument, const Program *program,
								 Snapshot snapshot);
extern Account *account_argument_if_sound(FunctionCallInfo fcinfo, int argument, const Program *program,
										  Snapshot snapshot);
extern TimestampTz time_argument(FunctionCallInfo fcinfo, int argument);

/* The account that a view asks for by ids and hash; NULL: there is none, or it is damaged */
extern Account *account_by_ids(FunctionCallInfo fcinfo, Snapshot snapshot);

/* Who reads many accounts goes on without one that is damaged, with a warning */
extern Faults faults_warned(void);
extern void reads_warn_damaged(int64 account_id, int64 seq);

/* The columns of an open lot */
#define LOT_COLUMNS 9
extern void lot_columns(const Lot *lot, int64 points, int64 held, LotDay day, pg_tz *zone, Datum *values,
						bool *nulls);

/* An account as of a time, settled in memory; and the tier that was in force */
extern Account *account_at(Account *account, TimestampTz at, Snapshot snapshot);
extern char *account_tier_at(Account *account, TimestampTz at, Snapshot snapshot);
extern TimestampTz account_tier_since(const Account *account, TimestampTz at, Snapshot snapshot);

#endif							/* READS_H */
