/*
 * rename.c
 *	  rename_member: changing the key of a member.
 *
 * Each account of the member gets an entry, so that nobody's points change
 * hands without a trace.  The entry holds no key, because a key may be personal
 * data, and an entry is kept in the hash chain forever.
 */
#include "posting.h"

#include "member.h"

/* Post the renaming to an account in another program; the entry has no ref of its own there. */
static void
tell(Posting *posting, const MemberAccount *place)
{
	Account    *account = ledger_load(posting->ledger, posting->account->member_id,
									  program_by_id(place->program_id), LockWaitBlock);
	Entry	   *entry;

	entry = account_begin(account, KIND_RENAME_MEMBER, posting->at, Max(posting->at, account->clock));
	entry_set(entry, ENTRY_OF_REF, posting->request->values[P_REF]);
	account_finish_posting(account, entry);
	ledger_store(posting->ledger, account);
}

/* rename_member: change the key by which the application knows a member. */
void
rename_post(Posting *posting)
{
	int64		id = posting->account->member_id;
	char	   *key = ask_text(posting->request, P_MEMBER);
	char	   *new_key = ask_text(posting->request, P_TO_MEMBER);
	ListCell   *cell;

	if (member_id(key) != id)
		member_unknown(key);
	(void) posting_begin(posting);
	posting_finish(posting);
	foreach(cell, member_accounts(id))
		if (((MemberAccount *) lfirst(cell))->account_id != posting->account->id)
			tell(posting, lfirst(cell));
	member_rename(id, new_key);
}
