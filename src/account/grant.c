/*
 * grant.c
 *	  The granted tiers of an account.
 */
#include "grant.h"

#include "utils/memutils.h"

#include "json.h"

/* Add a grant that an entry made. */
void
grant_add(Account *account, int64 seq, const char *tier, DateADT starts_on, DateADT ends_on)
{
	MemoryContext old = MemoryContextSwitchTo(account->context);
	Grant	   *grant = palloc(sizeof(Grant));

	grant->seq = seq;
	grant->tier = pstrdup(tier);
	grant->starts_on = starts_on;
	grant->ends_on = ends_on;
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

		if (grant->ends_on < account->clock_on)
			account->grants = foreach_delete_current(account->grants, cell);
	}
}

/*
 * Grants as they are stored: [{"seq": 7, "tier": "gold", "from": ..., "until": ...}]
 */

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
		grant->starts_on = json_get_date(object, "from", DATEVAL_NOBEGIN);
		grant->ends_on = json_get_date(object, "until", DATEVAL_NOEND);
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
		json_date(&json, "from", grant->starts_on);
		json_date(&json, "until", grant->ends_on);
		json_end(&json, WJB_END_OBJECT);
	}
	json_end(&json, WJB_END_ARRAY);
	return json_finish(&json);
}
