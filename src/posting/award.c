/*
 * award.c
 *	  award: points by hand or by an application's own rule.
 */
#include "posting.h"

#include "credit.h"
#include "earn.h"

/* award: points by hand or by an application's own rule. */
void
award_post(Posting *posting)
{
	const Request *request = posting->request;
	int			pending_days = 0;
	int64		computed = ask_points(request, P_POINTS);
	Expiry	   *policy = credit_policy(posting);
	int64		given;
	Lot			lot;
	Entry	   *entry;

	posting_refuse_frozen(posting, FREEZE_EARNING);
	if (asked(request, P_EXPIRES_ON) && ask_date(request, P_EXPIRES_ON) < posting->at_on)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("award: expires_on must not be before the day of the award")));
	if (ask_bool(request, P_PENDING))
		pending_days = posting->program->pending_days > 0 ?
			posting->program->pending_days : PENDING_UNCONFIRMED;
	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_COMPUTED, computed);
	given = credit_trim(posting, computed);
	lot = lot_by_policy(given, posting->at_on, pending_days, policy);
	credit_lot(posting, entry, &lot, policy);
	if (asked(request, P_QUALIFIES) && !ask_bool(request, P_QUALIFIES))
		entry_set_points(entry, ENTRY_QUALIFYING, 0);
	credit_count(posting, entry, given, credit_counting_day(posting, &lot, 1, pending_days));
	posting_finish(posting);
}
