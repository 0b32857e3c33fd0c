/*
 * grant_tier.c
 *	  grant_tier, end_grant: an operator gives a tier, whatever the metrics (S24).
 */
#include "posting.h"

#include "utils/builtins.h"

#include "rulebook.h"
#include "tier.h"

/* grant_tier: a tier from one day to another, whatever the metrics. */
void
grant_post(Posting *posting)
{
	const Request *request = posting->request;
	Account    *account = posting->account;
	char	   *code = ask_text(request, P_TIER);
	DateADT		first_day = asked(request, P_FIRST_DAY) ? ask_date(request, P_FIRST_DAY) : posting->at_on;
	DateADT		last_day = asked(request, P_LAST_DAY) ? ask_date(request, P_LAST_DAY) : DATEVAL_NOEND;
	Entry	   *entry;

	if (account->book == NULL || rulebook_tier(account->book, code) == NULL)
		posting_refuse_unknown(posting, P_TIER, "program \"%s\" has no tier \"%s\"",
							   "Query loyalty.tiers to list the tiers.");
	if (last_day < first_day || first_day < posting->at_on)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("grant_tier: the last day must not lie before the first, nor that before the day of the grant")));
	entry = posting_begin(posting);
	tier_grant(account, entry, code, first_day, last_day);
	posting_finish(posting);
}

/* end_grant: a granted tier ends now. */
void
grant_end_post(Posting *posting)
{
	Entry	   *grant = posting_find(posting, KIND_SET(GRANT_TIER),
									 "\"%s\" is not a tier grant; it is a posting of kind %s",
									 "Query loyalty.tier_grants to list the grants.");
	Entry	   *entry;

	posting_refuse_before(posting, grant);
	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_OF_SEQ, entry_seq(grant));
	entry_set(entry, ENTRY_OF_REF, posting->request->values[P_OF_REF]);
	if (!tier_end_grant(posting->account, entry, entry_seq(grant)))
		ereport(ERROR,
				(errcode(ERRCODE_LY_ENDED),
				 errmsg("grant \"%s\" has already ended", ask_text(posting->request, P_OF_REF)),
				 errhint("Query loyalty.tier_history to see which tiers were in force.")));
	posting_finish(posting);
}
