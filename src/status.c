/*
 * status.c
 *	  What an operator or a member does with a status: granting a tier, ending
 *	  a grant, using a benefit (S24, S25).
 */
#include "posting.h"

#include "utils/builtins.h"

#include "rulebook.h"
#include "tier.h"
#include "usage.h"

static void
refuse_unknown(const Posting *posting, const char *what, Parameter parameter)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_UNKNOWN_REF),
			 errmsg("program \"%s\" has no %s \"%s\"", posting->program->code, what,
					ask_text(posting->request, parameter)),
			 errhint("loyalty.%ss lists them.", what)));
}

/* grant_tier: a tier from one day to another, whatever the metrics. */
void
grant_post(Posting *posting)
{
	const Request *request = posting->request;
	Account    *account = posting->account;
	char	   *code = ask_text(request, P_TIER);
	DateADT		starts_on = asked(request, P_FROM) ? ask_date(request, P_FROM) : posting->at_on;
	DateADT		ends_on = asked(request, P_LAST_DAY) ? ask_date(request, P_LAST_DAY) : DATEVAL_NOEND;
	Entry	   *entry;

	if (account->book == NULL || rulebook_tier(account->book, code) == NULL)
		refuse_unknown(posting, "tier", P_TIER);
	if (ends_on < starts_on || starts_on < posting->at_on)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("grant_tier: the last day must not lie before the first, nor that before the day of the grant")));
	entry = posting_begin(posting);
	tier_grant(account, entry, code, starts_on, ends_on);
	posting_finish(posting);
}

/* end_grant: a granted tier ends now. */
void
grant_end_post(Posting *posting)
{
	Entry	   *grant = posting_find(posting, P_OF_REF);
	Entry	   *entry;

	if (entry_kind(grant) != KIND_GRANT)
		ereport(ERROR,
				(errcode(ERRCODE_LY_UNKNOWN_REF),
				 errmsg("\"%s\" is not the grant of a tier but a posting of kind %s",
						ask_text(posting->request, P_OF_REF), kind_label(entry_kind(grant))),
				 errhint("loyalty.tier_grants lists the grants.")));
	posting_refuse_before(posting, grant);
	entry = posting_begin(posting);
	entry_set_points(entry, ENTRY_OF_SEQ, entry_seq(grant));
	entry_set(entry, ENTRY_OF_REF, posting->request->values[P_OF_REF]);
	if (!tier_end_grant(posting->account, entry, entry_seq(grant)))
		ereport(ERROR,
				(errcode(ERRCODE_LY_ENDED),
				 errmsg("grant \"%s\" has already ended", ask_text(posting->request, P_OF_REF)),
				 errhint("loyalty.tier_history shows the tiers that were in force.")));
	posting_finish(posting);
}

static void
refuse_benefit(const Posting *posting, const Benefit *benefit, const char *tier)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_LIMIT),
			 errmsg("benefit \"%s\" is not for the tier of member \"%s\"", benefit->code,
					ask_text(posting->request, P_MEMBER)),
			 errdetail("Tier in force at %s: %s.", timestamptz_to_str(posting->at), tier ? tier : "none"),
			 errhint("loyalty.benefits lists what a member has.")));
}

static void
refuse_quota(const Posting *posting, const Benefit *benefit, int64 used, int64 quantity)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_LIMIT),
			 errmsg("benefit \"%s\" of member \"%s\" is used up", benefit->code,
					ask_text(posting->request, P_MEMBER)),
			 errdetail("Quota " INT64_FORMAT ", used " INT64_FORMAT ", asked for " INT64_FORMAT ".",
					   benefit->quota, used, quantity),
			 errhint("loyalty.benefits shows what is left, and of which period.")));
}

/* use_benefit: so much of a tier's benefit, within its quota. */
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
		refuse_unknown(posting, "benefit", P_BENEFIT);
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
