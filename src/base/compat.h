/*
 * compat.h
 *	  Every difference between PostgreSQL 15, 16, 17 and 18 that we meet; nothing
 *	  else asks for the version.
 */
#ifndef COMPAT_H
#define COMPAT_H

#include "postgres.h"

#include "access/tableam.h"
#include "executor/executor.h"
#include "utils/acl.h"

#if PG_VERSION_NUM >= 160000
#include "catalog/pg_proc.h"
#include "parser/parse_relation.h"
#include "varatt.h"
#endif

/* Of a function that does not return; it stands before extern. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* The range table of an executor that writes: with permissions, and which columns change. */
#if PG_VERSION_NUM >= 160000
#define compat_add_permissions(perminfos, rte, columns) \
	(addRTEPermissionInfo(perminfos, rte)->updatedCols = (columns))
#else
#define compat_add_permissions(perminfos, rte, columns) ((rte)->updatedCols = (columns))
#endif

#if PG_VERSION_NUM >= 180000
#define compat_init_range_table(estate, range, perminfos) \
	ExecInitRangeTable(estate, range, perminfos, bms_add_range(NULL, 1, list_length(range)))
#elif PG_VERSION_NUM >= 160000
#define compat_init_range_table(estate, range, perminfos) \
	ExecInitRangeTable(estate, range, perminfos)
#else
#define compat_init_range_table(estate, range, perminfos) ExecInitRangeTable(estate, range)
#endif

/* The hook of a query that runs. */
#if PG_VERSION_NUM >= 180000
#define COMPAT_RUN_PARAMETERS QueryDesc *query, ScanDirection direction, uint64 count
#define COMPAT_RUN_ARGUMENTS query, direction, count
#else
#define COMPAT_RUN_PARAMETERS \
	QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once
#define COMPAT_RUN_ARGUMENTS query, direction, count, execute_once
#endif

#if PG_VERSION_NUM >= 160000
#define compat_insert_index_tuples(rri, slot, estate) \
	ExecInsertIndexTuples(rri, slot, estate, false, false, NULL, NIL, false)
#else
#define compat_insert_index_tuples(rri, slot, estate) \
	ExecInsertIndexTuples(rri, slot, estate, false, false, NULL, NIL)
#endif

/* Of an update: which indexes want the new version, and putting it there. */
#if PG_VERSION_NUM >= 160000
typedef TU_UpdateIndexes CompatMoved;
#define compat_has_moved(moved) ((moved) != TU_None)
#define compat_update_index_tuples(rri, slot, estate, moved) \
	ExecInsertIndexTuples(rri, slot, estate, true, false, NULL, NIL, (moved) == TU_Summarizing)
#else
typedef bool CompatMoved;
#define compat_has_moved(moved) (moved)
#define compat_update_index_tuples(rri, slot, estate, moved) \
	ExecInsertIndexTuples(rri, slot, estate, true, false, NULL, NIL)
#endif

#if PG_VERSION_NUM >= 160000
#define compat_insert_index_tuples_speculative(rri, slot, estate, conflict) \
	ExecInsertIndexTuples(rri, slot, estate, false, true, conflict, NIL, false)
#else
#define compat_insert_index_tuples_speculative(rri, slot, estate, conflict) \
	ExecInsertIndexTuples(rri, slot, estate, false, true, conflict, NIL)
#endif

#if PG_VERSION_NUM >= 180000
#define compat_check_index_constraints(rri, slot, estate, there) \
	ExecCheckIndexConstraints(rri, slot, estate, there, &(slot)->tts_tid, NIL)
#else
#define compat_check_index_constraints(rri, slot, estate, there) \
	ExecCheckIndexConstraints(rri, slot, estate, there, NIL)
#endif

/* The compiled CHECKs of a result relation (ledger_store.c lends them). */
#if PG_VERSION_NUM >= 180000
#define compat_check_exprs(rri) ((rri)->ri_CheckConstraintExprs)
#else
#define compat_check_exprs(rri) ((rri)->ri_ConstraintExprs)
#endif

#if PG_VERSION_NUM >= 180000
#define compat_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0)
#else
#define compat_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, nkeys, 0)
#endif

#if PG_VERSION_NUM >= 160000
#define compat_function_aclcheck(function, role, mode) \
	object_aclcheck(ProcedureRelationId, function, role, mode)
#else
#define compat_function_aclcheck(function, role, mode) pg_proc_aclcheck(function, role, mode)
#endif

#endif							/* COMPAT_H */
