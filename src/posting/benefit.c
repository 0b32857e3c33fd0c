/*
 * benefit.c
 *	  use_benefit: use a quantity of a benefit, within its quota (S25).
 */
#include "posting.h"

#include "rulebook.h"
#include "usage.h"

static void
refuse_benefit(const Posting *posting, const Benefit *benefit, const char *tier)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_LIMIT),
			 errmsg("benefit \"%s\" is not available to the tier of member \"%s\"", benefit->code,
					ask_text(posting->request, P_MEMBER)),
			 errdetail("The tier in force at %s is %s.", timestamptz_to_str(posting->at), tier ? tier : "none"),
			 errhint("Use loyalty.member_benefits to list a member's benefits.")));
}

static void
refuse_quota(const Posting *posting, const Benefit *benefit, int64 used, int64 quantity)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_LIMIT),
			 errmsg("benefit \"%s\" of member \"%s\" is used up", benefit->code,
					ask_text(posting->request, P_MEMBER)),
			 errdetail("Quota " INT64_FORMAT ", already used " INT64_FORMAT ", requested " INT64_FORMAT ".",
					   benefit->quota, used, quantity),
			 errhint("Use loyalty.member_benefits to see how much remains in which period.")));
}

/* use_benefit: use a quantity of a tier's benefit, within its quota. */
void
benefit_post(Posting *posting)
{
	const Request *request = posting->request;
	Account    *account = posting->account;
	char	   *code = ask_text(request, P_BENEFIT);
	const Benefit *benefit = account->book ? rulebook_benefit(account->book, code) : NULL;
	int64		quantity = asked(request, P_QUANTITY) ? ask_points(request, P_QUANTITY) : 1;
	char	   *tier = posting_tier(posting);
	Charge	   *charge = palloc0(sizeof(Charge));
	Usage	   *usage;
	Entry	   *entry;

	if (benefit == NULL)
		posting_refuse_unknown(posting, P_BENEFIT, "program \"%s\" has no benefit \"%s\"",
							   "Query loyalty.benefits to list the benefits.");
	if (!benefit_is_for(account->book, benefit, tier))
		refuse_benefit(posting, benefit, tier);
	charge->id = benefit->id;
	charge->period_on = period_around(benefit->period, posting->at_on).first;
	charge->times = quantity;
	charge->part = -1;
	usage = usage_find(account, benefit->id, charge->period_on);
	if (benefit->quota != NO_LIMIT && usage->times + quantity > benefit->quota)
		refuse_quota(posting, benefit, usage->times, quantity);
	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_QUANTITY, quantity);
	charges_apply(account, entry, list_make1(charge));
	posting_finish(posting);
}
