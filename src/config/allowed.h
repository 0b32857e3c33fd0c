/*
 * allowed.h
 *	  What an expression may be made of: types, functions, operators and
 *	  collations of pg_catalog, over a closed list of nodes, and the functions
 *	  that the extension's owner has allowed by name.
 *
 * Marketing writes expressions and the till evaluates them.  So an expression
 * runs nobody's code but PostgreSQL's own, and what the owner vouches for.
 */
#ifndef ALLOWED_H
#define ALLOWED_H

#include "loyalty.h"

#include "parser/parse_node.h"

/* A column of a rule is refused by LY017 with its place where it is not allowed. */
extern void allowed_check_names(Node *raw, ParseState *pstate);
extern void allowed_check_tree(Node *node, ParseState *pstate);

/* The functions that it calls and that are not PostgreSQL's own, and the right to call them. */
extern List *allowed_foreign(Node *node);
extern void allowed_check_execute(List *functions);

/* Work out what is constant, within bounds. */
extern Node *allowed_fold(Node *node, ParseState *pstate);

#endif							/* ALLOWED_H */
