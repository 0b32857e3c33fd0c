/*
 * spend.c
 *	  spend: points for whatever the application gives for them.
 */
#include "posting.h"

/* spend: points for whatever the application gives for them. */
void
spend_post(Posting *posting)
{
	int64		points = ask_points(posting->request, P_POINTS);
	Entry	   *entry;

	posting_refuse_frozen(posting, FREEZE_SPENDING);
	posting_refuse_shortage(posting, points);
	entry = posting_begin(posting);
	account_active(posting->account, entry, posting->at_on);
	account_take(posting->account, entry, points);
	posting_finish(posting);
}
