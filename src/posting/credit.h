/*
 * credit.h
 *	  What postings that give points share.
 */
#ifndef CREDIT_H
#define CREDIT_H

#include "posting.h"

extern int64 credit_trim(const Posting *posting, int64 computed);
extern Expiry *credit_policy(Posting *posting);
extern void credit_lot(Posting *posting, Entry *entry, Lot *lot, Expiry *policy);
extern DateADT credit_counting_day(const Posting *posting, const Lot *lots, int nlots, int pending_days);
extern void credit_count(Posting *posting, Entry *entry, int64 given, DateADT counts_from);

#endif							/* CREDIT_H */
