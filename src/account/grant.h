/*
 * grant.h
 *	  The granted tiers of an account (S24).
 */
#ifndef GRANT_H
#define GRANT_H

#include "loyalty.h"

#include "account.h"

extern void grant_add(Account *account, int64 seq, const char *tier, DateADT first_day, DateADT last_day);
extern void grants_drop_ended(Account *account);

/* As they are stored */
extern List *grants_from_json(Datum json);
extern Datum grants_to_json(List *grants);

#endif							/* GRANT_H */
