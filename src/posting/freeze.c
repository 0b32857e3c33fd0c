/*
 * freeze.c
 *	  freeze and unfreeze: stop spending, earning or both (S19).
 */
#include "posting.h"

#include "utils/builtins.h"

/* freeze: stop spending, earning or both; it replaces the one in force. */
void
freeze_post(Posting *posting)
{
	const Request *request = posting->request;
	Account    *account = posting->account;
	TimestampTz until = asked(request, P_UNTIL) ?
		DatumGetTimestampTz(request->values[P_UNTIL]) : DT_NOEND;
	Entry	   *entry;

	if (until <= posting->clock)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("freeze: until must be later than the start of the freeze")));
	entry = posting_begin(posting);
	account->frozen = freeze_mode(ask_text(request, P_MODE));
	account->frozen_until = until;
	entry_set(entry, ENTRY_MODE, request->values[P_MODE]);
	if (until != DT_NOEND)
		entry_set(entry, ENTRY_UNTIL, TimestampTzGetDatum(until));
	posting_finish(posting);
}

/* unfreeze: end the freeze in force; an error (LY_ENDED) if there is none. */
void
unfreeze_post(Posting *posting)
{
	Account    *account = posting->account;
	Entry	   *entry;

	if (account->frozen == FREEZE_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_LY_ENDED),
				 errmsg("the account of member \"%s\" is not frozen",
						ask_text(posting->request, P_MEMBER)),
				 errhint("Use loyalty.statement to see earlier freezes.")));
	entry = posting_begin(posting);
	entry_set(entry, ENTRY_MODE, CStringGetTextDatum(freeze_label(account->frozen)));
	account->frozen = FREEZE_NONE;
	account->frozen_until = DT_NOEND;
	posting_finish(posting);
}
