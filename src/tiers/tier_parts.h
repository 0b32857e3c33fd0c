/*
 * tier_parts.h
 *	  What tier.c and review.c share of an account's tier, and nobody else.
 */
#ifndef TIER_PARTS_H
#define TIER_PARTS_H

#include "tier.h"

#include "program.h"
#include "rulebook.h"

/* A tier that a window supports, and when it was reached. */
typedef struct Reached
{
	const Tier *tier;			/* NULL: none */
	DateADT		on;
	DateADT		until;
} Reached;

/* tier.c */
extern DateADT tier_term_end(const Account *account, const Tier *tier, DateADT reached_on);
extern char *tier_text(Account *account, const char *text);
extern char *tier_in_force(const Account *account, DateADT day);
extern void tier_state(Account *account, Entry *entry, const char *cause);
extern Reached tier_reached_by(Account *account, DateADT event_on);
extern bool tier_take(Account *account, Reached reached);

#endif							/* TIER_PARTS_H */
