/*
 * adjust.c
 *	  adjust: a correction up or down (S9).
 */
#include "posting.h"

#include "credit.h"
#include "earn.h"

/* adjust: a correction up or down (S9). */
void
adjust_post(Posting *posting)
{
	Account    *account = posting->account;
	int64		points = ask_points(posting->request, P_POINTS);
	Entry	   *entry;

	if (points > 0)
	{
		Expiry	   *policy = credit_policy(posting);
		Lot			lot = lot_by_policy(points, posting->at_on, 0, policy);

		entry = posting_begin(posting);
		credit_lot(posting, entry, &lot, policy);
	}
	else
	{
		int64		taken = Min(-points, account->usable);

		if (taken < -points && !ask_bool(posting->request, P_ALLOW_DEBT))
			posting_refuse_shortage(posting, -points);
		entry = posting_begin(posting);
		account_take(account, entry, taken);
		account->debt += -points - taken;
		if (taken < -points)
			entry_set_points(entry, ENTRY_OWED, -points - taken);
	}
	posting_finish(posting);
}
