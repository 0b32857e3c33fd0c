/*
 * grant.c
 *	  The granted tiers of an account.
 */
#include "grant.h"

#include "utils/memutils.h"

#include "json.h"

/* Add a grant that an entry made. */
void
grant_add(Account *account, int64 seq, const char *tier, DateADT first_day, DateADT last_day)
{
	MemoryContext old = MemoryContextSwitchTo(account->context);
	Grant	   *grant = palloc(sizeof(Grant));

	grant->seq = seq;
	grant->tier = pstrdup(tier);
	grant->first_day = first_day;
	grant->last_day = last_day;
	account->grants = lappend(account->grants, grant);
	MemoryContextSwitchTo(old);
}

/* Remove the grants that ended before the account's day. */
void
grants_drop_ended(Account *account)
{
	ListCell   *cell;

	foreach(cell, account->grants)
	{
		const Grant *grant = lfirst(cell);

		if (grant->last_day < account->clock_on)
			account->grants = foreach_delete_current(account->grants, cell);
	}
}

/*
 * Grants as they are stored: [{"seq": 7, "tier": "gold", "first_day": ..., "last_day": ...}]
 */

/* Decode stored grants: a list of Grant *, in the current memory context. */
List *
grants_from_json(Datum json)
{
	List	   *grants = NIL;

	for (int i = 0; i < json_count(json); i++)
	{
		JsonbContainer *object = json_element(json, i);
		Grant	   *grant = palloc(sizeof(Grant));

		grant->seq = json_get_integer(object, "seq", 0);
		grant->tier = json_get_text(object, "tier");
		grant->first_day = json_get_date(object, "first_day", DATEVAL_NOBEGIN);
		grant->last_day = json_get_date(object, "last_day", DATEVAL_NOEND);
		grants = lappend(grants, grant);
	}
	return grants;
}

Datum
grants_to_json(List *grants)
{
	Json		json = {0};
	ListCell   *cell;

	json_begin(&json, WJB_BEGIN_ARRAY);
	foreach(cell, grants)
	{
		const Grant *grant = lfirst(cell);

		json_begin(&json, WJB_BEGIN_OBJECT);
		json_integer(&json, "seq", grant->seq);
		json_text(&json, "tier", grant->tier);
		json_date(&json, "first_day", grant->first_day);
		json_date(&json, "last_day", grant->last_day);
		json_end(&json, WJB_END_OBJECT);
	}
	json_end(&json, WJB_END_ARRAY);
	return json_finish(&json);
}
