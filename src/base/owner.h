/*
 * owner.h
 *	  Writing a table of ours as its owner, for a caller whose right to do so was
 *	  checked elsewhere.
 */
#ifndef OWNER_H
#define OWNER_H

#include "loyalty.h"

/* The parameters of a statement. */
#define MAX_OWNER_VALUES 48
typedef struct OwnerValues
{
	int			count;
	Oid			types[MAX_OWNER_VALUES];
	Datum		values[MAX_OWNER_VALUES];
	char		nulls[MAX_OWNER_VALUES];
} OwnerValues;

/* Add a parameter; returns its number. */
extern int	owner_add(OwnerValues *values, Oid type, Datum value, bool isnull);

/* Run a statement, connected to SPI, with the rights of a role; returns the rows processed. */
extern uint64 owner_execute(Oid owner, const char *statement, OwnerValues *values);

/* The owner of one of our tables. */
extern Oid	owner_of(const char *table);

#endif							/* OWNER_H */
