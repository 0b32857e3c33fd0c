/*
 * reads.h
 *	  Accounts as they are read: unlocked, with a snapshot, settled in memory.
 */
#ifndef READS_H
#define READS_H

#include "loyalty.h"

#include "account.h"
#include "program.h"

/* Arguments of SQL functions */
extern const Program *program_argument(FunctionCallInfo fcinfo, int argument);
extern Account *account_argument(FunctionCallInfo fcinfo, int argument, const Program *program,
								 Snapshot snapshot);
extern TimestampTz time_argument(FunctionCallInfo fcinfo, int argument);
extern void require_select(const char *view, const char *or_view);
extern TupleDesc result_tupdesc(FunctionCallInfo fcinfo);

/* An account as of a time, settled in memory; and the tier that was in force */
extern Account *account_at(Account *account, TimestampTz at, Snapshot snapshot);
extern char *account_tier_at(Account *account, TimestampTz at, Snapshot snapshot);

#endif							/* READS_H */
