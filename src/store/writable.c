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
	Bitmapset  *columns = NULL;

	for (int i = 1; i <= RelationGetNumberOfAttributes(relation); i++)
		columns = bms_add_member(columns, i - FirstLowInvalidHeapAttributeNumber);
	return columns;
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
	ExecOpenIndices(table->info, false);
	table->slot = table_slot_create(table->relation, NULL);
	ledger->estate->es_opened_result_relations =
		lappend(ledger->estate->es_opened_result_relations, table->info);
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
	compat_add_permissions(perminfos, rte, table->relation->trigdesc ? all_columns(table->relation) : NULL);
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
