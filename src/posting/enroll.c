/*
 * enroll.c
 *	  enroll: making an account and, if necessary, the member.
 */
#include "posting.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "member.h"
#include "tier.h"

/* What the call says about the member; values that it does not give are 0. */
static NewMember
told(const Posting *posting)
{
	const Request *request = posting->request;
	NewMember	member = {0};

	member.key = ask_text(request, P_MEMBER);
	member.joined_on = asked(request, P_JOINED_ON) ? ask_date(request, P_JOINED_ON) : posting->at_on;
	member.birthday = asked(request, P_BIRTHDAY) ? request->values[P_BIRTHDAY] : (Datum) 0;
	member.attributes = asked(request, P_ATTRIBUTES) ? request->values[P_ATTRIBUTES] : (Datum) 0;
	member.tags = asked(request, P_TAGS) ? request->values[P_TAGS] : (Datum) 0;
	return member;
}

/*
 * Is the member enrolled already?  If so, the call is a repeat, because member
 * and program identify it (S26).
 */
static bool
is_enrolled(Posting *posting, int64 id)
{
	if (id == 0)
		return false;
	posting->account = ledger_load(posting->ledger, id, posting->program, LockWaitBlock);
	if (posting->account == NULL)
		return false;
	posting->entry = ledger_entry_by_seq(posting->ledger, posting->account, 1);
	posting->repeat = true;
	return true;
}

/*
 * enroll: make an account and, if necessary, the member; values for an existing
 * member are added.
 */
void
enroll_post(Posting *posting)
{
	const Program *program = posting->program;
	char	   *key = ask_text(posting->request, P_MEMBER);
	Account    *account;
	Entry	   *entry;
	int64		id = member_id(key);
	bool		made = false;
	NewMember	member;

	if (is_enrolled(posting, id))
		return;
	posting_time(posting);
	if (id == 0)
	{
		member = told(posting);
		id = member_insert(&member);
		made = id != 0;
	}
	if (!made)
	{
		/* another session may be opening an account for a member that we did not make */
		id = member_id(key);
		if (id == 0)
			member_unknown(key);
		member_lock(id);
		if (is_enrolled(posting, id))
			return;
		member = told(posting);
		member_merge(id, &member);
	}
	account = posting->account = ledger_new_account(posting->ledger, id, program);
	account->opened_at = posting->at;
	posting->clock = posting->at;
	entry = posting_begin(posting);
	if (program->expiry->base == EXPIRY_INACTIVE)
		account_set_inactive_months(account, entry, program->expiry->n);
	account_active(account, entry, posting->at_on);
	tier_join(account, entry);
	posting_finish(posting);
}
