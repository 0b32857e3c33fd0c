/*
 * settings.c
 *	  Reading what the triggers of a tracked table say, and showing it.
 */
#include "track.h"

#include "access/relation.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "tablemap.h"

const char *const role_names[ROLES] = {
	"member", "ref", "program", "amount", "at", "activity",
	"channel", "store", "brand", "status", "key",
	"order", "line", "sku", "quantity", "line_amount", "category",
	"prefix", "unknown", "decimals",
	"attribute", "watched"
};

/*
 * Reading a tracking: each argument of the trigger is "role=position", a
 * column by its place in the UPDATE OF list, or "role:constant".
 */

/* The role that begins an argument. */
static Role
role_of(const char *argument, size_t length)
{
	for (Role role = 0; role < ROLES; role++)
		if (strlen(role_names[role]) == length && strncmp(role_names[role], argument, length) == 0)
			return role;
	ereport(ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("trigger %s: unknown argument \"%s\"", TRACK_TRIGGER, argument),
			 errhint("Call loyalty.untrack, then loyalty.track, to set up tracking again.")));
	return ROLES;				/* not reached */
}

/* Read one argument of the trigger that holds the columns. */
static void
read_argument(Tracking *tracking, const Trigger *trigger, const char *argument)
{
	size_t		length = strcspn(argument, "=:");
	Role		role = role_of(argument, length);
	char	   *rest;
	long		position;
	AttrNumber	column;

	if (argument[length] == ':')
	{
		tracking->constants[role] = pstrdup(argument + length + 1);
		return;
	}
	position = strtol(argument + length + 1, &rest, 10);
	if (position < 1 || position > trigger->tgnattr)
		(void) role_of(argument, 0);
	column = trigger->tgattr[position - 1];
	if (role == ROLE_ATTRIBUTE)
	{
		TrackedAttribute *attribute = palloc(sizeof(TrackedAttribute));

		attribute->name = pstrdup(rest + 1);
		attribute->column = column;
		tracking->attributes = lappend(tracking->attributes, attribute);
	}
	else if (role == ROLE_WATCHED)
		tracking->watched = lappend_int(tracking->watched, column);
	else
		tracking->columns[role] = column;
}

/* A trigger of a table by its name, until a catalog is looked into; NULL if it has none. */
const Trigger *
tracking_trigger(Relation relation, const char *name)
{
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (strcmp(triggers->triggers[i].tgname, name) == 0)
			return &triggers->triggers[i];
	return NULL;
}

/*
 * Read a tracking from the trigger that holds it, in the current memory
 * context; NULL if a table has no trigger of this name.
 */
Tracking *
tracking_of(Relation relation, const char *name)
{
	const Trigger *trigger = tracking_trigger(relation, name);
	Tracking   *tracking;

	if (trigger == NULL)
		return NULL;
	tracking = palloc0(sizeof(Tracking));
	for (int i = 0; i < trigger->tgnargs; i++)
		read_argument(tracking, trigger, trigger->tgargs[i]);
	tracking->when = trigger->tgqual ? pstrdup(trigger->tgqual) : NULL;
	tracking->other = trigger->tgconstrrelid;
	tracking->deferred = trigger->tginitdeferred;
	return tracking;
}

/* Its name in a command. */
char *
tracking_table(Relation relation)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
									  RelationGetRelationName(relation));
}

/*
 * Showing one
 */

static void
append_member(StringInfo buf, const char *name, const char *value)
{
	appendStringInfoString(buf, buf->len > 1 ? ", " : "");
	escape_json(buf, name);
	appendStringInfoString(buf, ": ");
	escape_json(buf, value);
}

/* What a table's columns mean, and the constants. */
static void
append_settings(StringInfo buf, Relation relation, const Tracking *tracking)
{
	Oid			relid = RelationGetRelid(relation);

	for (Role role = 0; role < ROLES; role++)
	{
		const char *name = role_names[role];

		if (tracking->columns[role] != 0)
			append_member(buf, name, get_attname(relid, tracking->columns[role], false));
		else if (tracking->constants[role] != NULL)
			append_member(buf, name, role >= ROLE_PREFIX ?
						  tracking->constants[role] : psprintf("=%s", tracking->constants[role]));
	}
	if (tracking->attributes != NIL)
	{
		StringInfoData list;
		ListCell   *cell;

		initStringInfo(&list);
		foreach(cell, tracking->attributes)
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
							 get_attname(relid, ((TrackedAttribute *) lfirst(cell))->column, false));
		append_member(buf, "attributes", list.data);
	}
}

/*
 * What the columns of a tracked table mean, by the names they have now; the
 * function behind the view, for those who may read that.
 */
PG_FUNCTION_INFO_V1(track_settings);
Datum
track_settings(PG_FUNCTION_ARGS)
{
	Relation	relation;
	Tracking   *tracking;
	StringInfoData buf;

	/* no right is asked for: all of it is in the system catalogs, which everybody may read */
	relation = try_relation_open(PG_GETARG_OID(0), AccessShareLock);
	if (relation == NULL)
		PG_RETURN_NULL();
	tracking = tracking_of(relation, TRACK_TRIGGER);
	if (tracking == NULL)
	{
		relation_close(relation, AccessShareLock);
		PG_RETURN_NULL();
	}
	initStringInfo(&buf);
	appendStringInfoChar(&buf, '{');
	append_settings(&buf, relation, tracking);
	if (OidIsValid(tracking->other))
	{
		Relation	lines = relation_open(tracking->other, AccessShareLock);
		Tracking   *of_lines = tracking_of(lines, TRACK_LINES_TRIGGER);

		append_member(&buf, "lines", tracking_table(lines));
		if (of_lines)
			append_settings(&buf, lines, of_lines);
		relation_close(lines, AccessShareLock);
	}
	appendStringInfoChar(&buf, '}');
	relation_close(relation, AccessShareLock);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(buf.data)));
}
