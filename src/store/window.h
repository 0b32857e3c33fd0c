/*
 * window.h
 *	  The windows that a program counts for tiers (S21).
 */
#ifndef WINDOW_H
#define WINDOW_H

#include "loyalty.h"

#include "account.h"
#include "period.h"

/* Does the account's program have tiers? */
extern bool account_has_tiers(const Account *account);

/* The window of a day. */
extern Span tier_window(const Account *account, DateADT day);

#endif							/* WINDOW_H */
