/*
 * writable.c
 *	  Opening the tables that a ledger writes, in the form that the executor needs.
 */
#include "ledger_parts.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "tablemap.h"

/*
 * Refuse a table with a user's BEFORE ROW trigger: it could change or suppress
 * rows of a posting.
 */
static void
check_triggers(Relation relation)
{
	TriggerDesc *triggers = relation->trigdesc;

	if (triggers && (triggers->trig_insert_before_row || triggers->trig_update_before_row ||
					 triggers->trig_delete_before_row))
		ereport(ERROR,
				(errcode(ERRCODE_LY_REENTRANT),
				 errmsg("table \"%s.%s\" has a BEFORE ROW trigger",
						LOYALTY_SCHEMA, RelationGetRelationName(relation)),
				 errdetail("Such a trigger could change or suppress rows of a posting."),
				 errhint("Use an AFTER trigger instead.")));
}

/* The columns that an update may change: all of them. */
static Bitmapset *
all_columns(Relation relation)
{
	return bms_add_range(NULL, 1 - FirstLowInvalidHeapAttributeNumber,
						 RelationGetNumberOfAttributes(relation) - FirstLowInvalidHeapAttributeNumber);
}

/* Open a table for writing, and check its triggers. */
void
writable_open(LedgerTable *table, TableMap *map)
{
	table->relation = table_map_open(map, RowExclusiveLock);
	check_triggers(table->relation);
}

/*
 * Make an open table a result relation of the executor, with an index in the
 * range table, and create its slot.
 */
void
writable_init(Ledger *ledger, LedgerTable *table, int rtindex)
{
	table->info = makeNode(ResultRelInfo);
	InitResultRelInfo(table->info, table->relation, rtindex, NULL, 0);
	table->slot = table_slot_create(table->relation, NULL);
	ledger->estate->es_opened_result_relations =
		lappend(ledger->estate->es_opened_result_relations, table->info);
}

/*
 * Open the table's indexes when a row first needs entries in them; most updates
 * are HOT and need none.  The table has been locked since before the update, so
 * the indexes opened here include all that heap_update knew of.
 */
void
writable_open_indexes(Ledger *ledger, LedgerTable *table)
{
	MemoryContext old;

	if (table->indexed)
		return;
	old = MemoryContextSwitchTo(ledger->context);
	ExecOpenIndices(table->info, false);
	table->indexed = true;
	MemoryContextSwitchTo(old);
}

/*
 * Get one of the table's open indexes; NULL if it is not known which one it is,
 * so that it must be looked up by name.
 */
Relation
writable_index(const LedgerTable *table, const IndexMap *map)
{
	for (int i = 0; i < table->info->ri_NumIndices; i++)
		if (RelationGetRelid(table->info->ri_IndexRelationDescs[i]) == map->relid)
			return table->info->ri_IndexRelationDescs[i];
	return NULL;
}

/* Does anything need to know which columns an update changes: a trigger, or a generated column? */
static bool
asks_for_columns(Relation relation)
{
	TupleConstr *constraints = RelationGetDescr(relation)->constr;

	return (relation->trigdesc && relation->trigdesc->trig_update_after_row) ||
		(constraints && constraints->has_generated_stored);
}

/* Make the range table entry of an open table. */
RangeTblEntry *
writable_range(LedgerTable *table, List **perminfos)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);

	rte->rtekind = RTE_RELATION;
	rte->relid = RelationGetRelid(table->relation);
	rte->relkind = table->relation->rd_rel->relkind;
	rte->rellockmode = RowExclusiveLock;
	compat_add_permissions(perminfos, rte, asks_for_columns(table->relation) ? all_columns(table->relation) : NULL);
	return rte;
}

/* Give the executor the range table of the tables that are open for writing. */
void
writable_init_range(Ledger *ledger)
{
	compat_init_range_table(ledger->estate, ledger->range, ledger->perminfos);
}

/* Open another table for writing when it is first written; nothing happens if it is open. */
void
writable_open_late(Ledger *ledger, LedgerTable *table, TableMap *map)
{
	MemoryContext old;

	if (table->relation != NULL)
		return;
	old = MemoryContextSwitchTo(ledger->context);
	writable_open(table, map);
	ledger->range = lappend(ledger->range, writable_range(table, &ledger->perminfos));
	writable_init_range(ledger);
	writable_init(ledger, table, list_length(ledger->range));
	MemoryContextSwitchTo(old);
}

/* Close a table if it was opened; its lock is kept until the transaction ends. */
void
writable_close(LedgerTable *table)
{
	if (table->relation == NULL)
		return;
	ExecCloseIndices(table->info);
	ExecDropSingleTupleTableSlot(table->slot);
	table_close(table->relation, NoLock);
}
