/*
 * result.h
 *	  What SQL functions return.
 */
#ifndef RESULT_H
#define RESULT_H

#include "loyalty.h"
#include "access/tupdesc.h"
#include "fmgr.h"

extern TupleDesc result_tupdesc(FunctionCallInfo fcinfo);

#endif							/* RESULT_H */
