/*
 * posting.h
 *	  One posting: a request, applied to an account.
 *
 * posting.c drives it (repeats, time, settling, storing) whichever way the
 * request came; the verbs, a file each, say what it does.
 */
#ifndef POSTING_H
#define POSTING_H

#include "loyalty.h"

#include "ledger.h"
#include "request.h"

struct Posting
{
	Ledger	   *ledger;
	const Request *request;
	const Program *program;
	Account    *account;
	TimestampTz at;				/* when it happened */
	DateADT		at_on;			/* its local day */
	TimestampTz clock;			/* when it acts */
	Entry	   *entry;			/* the result */
	bool		repeat;			/* ... was there already */
};

/* For verbs */
extern Entry *posting_begin(Posting *posting);
extern void posting_finish(Posting *posting);
extern void posting_refuse_frozen(Posting *posting, FreezeMode mode);
extern void posting_refuse_shortage(Posting *posting, int64 points);
extern Entry *posting_find(Posting *posting, uint32 kinds, const char *message, const char *hint);
extern void posting_refuse_before(Posting *posting, const Entry *entry);
extern bool posting_is_repeat(Posting *posting, Entry *entry);
extern void posting_settle(Posting *posting, Account *account);
extern void posting_time(Posting *posting);
extern char *posting_tier(Posting *posting);
extern void posting_refuse_unknown(const Posting *posting, Parameter parameter, const char *message, const char *hint);
extern void posting_frozen(const Account *account, const char *member);
extern void posting_refuse_ended(Posting *posting, const char *message);

/* Every verb there is (verb.c) */
extern const Verb *verb_by_name(const char *name);

/* For drivers (posting.c, views.c) */
extern void posting_run(Request *request, Posting *posting);
extern bool posting_apply(Request *request, Ledger *ledger, const Program *program, Account *account);
extern const Program *request_program(const Request *request);
pg_noreturn extern void posting_not_enrolled(const char *key, const Program *program);

/* What each verb does */
#define VERB(function, view, kind, told_of, post, ...) extern void post(Posting *posting);
#include "verbs.h"
#undef VERB

/* Receipts (receipt.c) */
extern TupleDesc receipt_tupdesc(FunctionCallInfo fcinfo);
extern Datum receipt_form(const Entry *entry, bool repeat, TupleDesc tupdesc);

#endif							/* POSTING_H */
