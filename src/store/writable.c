/*
 * writable.c
 *	  The tables that a ledger writes, as the executor wants them.
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

/* A user's BEFORE ROW trigger could change or swallow what is posted. */
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

/* Open a table. */
void
writable_open(LedgerTable *table, TableMap *map)
{
	table->relation = table_map_open(map, RowExclusiveLock);
	check_triggers(table->relation);
}

/* Make it a table that the executor writes, of a number in the range. */
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
 * Open its indexes, when a row first has to be put into them: most updates are
 * HOT and need none.  The table's lock is held since before, so the indexes
 * that heap_update knew of are among those that are opened.
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

/* One of its open indexes; NULL: which one it is must be looked up by name. */
Relation
writable_index(const LedgerTable *table, const IndexMap *map)
{
	for (int i = 0; i < table->info->ri_NumIndices; i++)
		if (RelationGetRelid(table->info->ri_IndexRelationDescs[i]) == map->relid)
			return table->info->ri_IndexRelationDescs[i];
	return NULL;
}

/* Does somebody ask which columns an update changes: a trigger, or a generated column? */
static bool
asks_for_columns(Relation relation)
{
	TupleConstr *constraints = RelationGetDescr(relation)->constr;

	return (relation->trigdesc && relation->trigdesc->trig_update_after_row) ||
		(constraints && constraints->has_generated_stored);
}

/* Its place in the range. */
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

/* Tell the executor of the tables that are open for writing. */
void
writable_init_range(Ledger *ledger)
{
	compat_init_range_table(ledger->estate, ledger->range, ledger->perminfos);
}

/* Open another table for writing, when it is first written. */
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

/* Close it, if it was opened. */
void
writable_close(LedgerTable *table)
{
	if (table->relation == NULL)
		return;
	ExecCloseIndices(table->info);
	ExecDropSingleTupleTableSlot(table->slot);
	table_close(table->relation, NoLock);
}
