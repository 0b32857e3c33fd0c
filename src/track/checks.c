/*
 * checks.c
 *	  What tables and columns triggers can follow, and what is refused.
 */
#include "track.h"

#include "access/genam.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "parser/parse_oper.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "tablemap.h"

/* Does every value of a type have the same text under all settings of a session? */
bool
trackable_plain_type(Oid type)
{
	char		category;
	bool		preferred;

	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case UUIDOID:
		case BOOLOID:
			return true;
		default:
			get_type_category_preferred(type, &category, &preferred);
			return category == TYPCATEGORY_STRING || category == TYPCATEGORY_ENUM;
	}
}

static void
refuse_table(Relation relation, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("cannot track \"%s\"", RelationGetRelationName(relation)),
			 errdetail("%s", detail),
			 hint ? errhint("%s", hint) : 0));
}

/* Reject tables that triggers on a single table cannot follow. */
void
trackable_table(Relation relation)
{
	if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE || relation->rd_rel->relispartition)
		refuse_table(relation, "It is a partitioned table or a partition.",
					 "Track a plain table, or call loyalty.purchase from a trigger of your own.");
	if (relation->rd_rel->relkind != RELKIND_RELATION)
		refuse_table(relation, "It is not a table.", "Track the tables from which its rows come.");
	if (relation->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
		refuse_table(relation, "It is temporary or unlogged, so its rows could be lost while the ledger keeps them.", NULL);
	if (IsCatalogRelation(relation) || RelationGetNamespace(relation) == schema_oid())
		refuse_table(relation, "It is a system table or a table of this extension.", NULL);
	if (has_subclass(RelationGetRelid(relation)) || has_superclass(RelationGetRelid(relation)))
		refuse_table(relation, "It is part of an inheritance tree.", NULL);
	if (tracking_trigger(relation, TRACK_TRIGGER) ||
		tracking_trigger(relation, TRACK_LINES_TRIGGER))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("table \"%s\" is already tracked", RelationGetRelationName(relation)),
				 errhint("To change how it is tracked, call loyalty.untrack and loyalty.track in one transaction.")));
}

/* Is a column unique by itself, at once and for every row? */
static bool
is_unique(Relation relation, AttrNumber column)
{
	List	   *indexes = RelationGetIndexList(relation);
	ListCell   *cell;
	bool		found = false;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);
		Form_pg_index form = index->rd_index;

		if (form->indisunique && form->indimmediate && form->indisvalid &&
			form->indnkeyatts == 1 && form->indkey.values[0] == column &&
			RelationGetIndexPredicate(index) == NIL)
			found = true;
		index_close(index, AccessShareLock);
	}
	return found;
}

/* Reject a column that is not unique. */
void
trackable_unique(Relation relation, const char *name)
{
	if (is_unique(relation, get_attnum(RelationGetRelid(relation), name)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("track: column \"%s\" of table \"%s\" is not unique", name,
					RelationGetRelationName(relation)),
			 errdetail("Two rows with the same value would be one order in the ledger."),
			 errhint("Add a primary key, a unique constraint or a unique index on this column alone.")));
}

/* The type of a column; InvalidOid if there is no such column. */
static Oid
column_type(Relation relation, const char *name)
{
	Oid			relid = RelationGetRelid(relation);

	return get_atttype(relid, get_attnum(relid, name));
}

/* Check that the lines refer to their order. */
void
trackable_comparable(Relation orders, const char *key, Relation lines, const char *order)
{
	Oid			key_type = column_type(orders, key);
	Oid			order_type = column_type(lines, order);
	Operator	equal;

	if (!OidIsValid(order_type))
		return;					/* no such column, as will be said */
	equal = compatible_oper(NULL, list_make1(makeString("=")), key_type, order_type, true, -1);
	if (equal == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("track: columns \"%s\" of type %s and \"%s\" of type %s cannot be compared",
						key, format_type_be(key_type), order, format_type_be(order_type)),
				 errhint("Set lines_key to the column of \"%s\" that lines refer to; the default is the column of ref.",
						 RelationGetRelationName(orders))));
	ReleaseSysCache(equal);
}

/* Lines are looked up by the column that names their order. */
void
trackable_indexed(Relation lines, const char *name)
{
	List	   *indexes = RelationGetIndexList(lines);
	AttrNumber	column = get_attnum(RelationGetRelid(lines), name);
	ListCell   *cell;
	bool		found = false;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		found = found || index->rd_index->indkey.values[0] == column;
		index_close(index, AccessShareLock);
	}
	if (!found)
		ereport(NOTICE,
				(errmsg("column \"%s\" of table \"%s\" has no index", name,
						RelationGetRelationName(lines)),
				 errhint("The lines of an order are looked up by this column whenever the order changes.")));
}

/* The one column of the primary key; 0 if it has another number of them. */
AttrNumber
trackable_key(Relation relation)
{
	Oid			key = (RelationGetIndexList(relation), relation->rd_pkindex);
	Relation	index;
	AttrNumber	column = 0;

	if (!OidIsValid(key))
		return 0;
	index = index_open(key, AccessShareLock);
	if (index->rd_index->indnkeyatts == 1)
		column = index->rd_index->indkey.values[0];
	index_close(index, AccessShareLock);
	if (column <= 0 ||
		!trackable_plain_type(getBaseType(get_atttype(RelationGetRelid(relation), column))))
		return 0;
	return column;
}
