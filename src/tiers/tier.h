/*
 * tier.h
 *	  How members rise and fall: windows, thresholds, terms, reviews and
 *	  grants (S21-S24).
 *
 * An account has a computed tier, by its metrics, and may have granted ones;
 * the tier in force is the highest of them.  The account's program, rulebook
 * and tallies are all that these functions look at.
 */
#ifndef TIER_H
#define TIER_H

#include "loyalty.h"

#include "account.h"
#include "grant.h"
#include "period.h"
#include "tally.h"
#include "window.h"

/* Metrics */
extern Metrics tier_metrics(Account *account, DateADT day, DateADT as_of);
extern const struct Tier *tier_supported(Account *account, DateADT day, DateADT as_of);
extern int	tier_rank(const Account *account, const char *code);

/* What a posting does to the tier: stated in its entry */
extern void tier_join(Account *account, Entry *entry);
extern void tier_after_event(Account *account, Entry *entry, DateADT event_on);
extern void tier_after_return(Account *account, Entry *entry, DateADT event_on);
extern void tier_grant(Account *account, Entry *entry, const char *tier,
					   DateADT first_day, DateADT last_day);
extern bool tier_end_grant(Account *account, Entry *entry, int64 seq);

/* What falls due: entries of kind tier */
extern DateADT tier_review_reads(const Account *account);
extern DateADT tier_next_review(const Account *account);
extern DateADT tier_next_grant(const Account *account);
extern DateADT tier_next_count(Account *account, DateADT after);
extern void tier_settle(Account *account, TimestampTz instant, DateADT before, bool matured);

/* For whoever replays an entry */
extern void tier_replay(Account *account, const Entry *entry);

#endif							/* TIER_H */
