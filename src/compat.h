/*
 * compat.h
 *	  Every difference between PostgreSQL 15, 17 and 18 that we meet.
 */
#ifndef COMPAT_H
#define COMPAT_H

#include "postgres.h"

#include "executor/executor.h"

#if PG_VERSION_NUM >= 160000
#define compat_insert_index_tuples(rri, slot, estate) \
	ExecInsertIndexTuples(rri, slot, estate, false, false, NULL, NIL, false)
#else
#define compat_insert_index_tuples(rri, slot, estate) \
	ExecInsertIndexTuples(rri, slot, estate, false, false, NULL, NIL)
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

/* The compiled CHECKs of a result relation (ledger.c lends them). */
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
