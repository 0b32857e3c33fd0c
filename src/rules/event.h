/*
 * event.h
 *	  What happened, as rules see it: a purchase or an activity, whichever way
 *	  it is known of.
 */
#ifndef EVENT_H
#define EVENT_H

#include "loyalty.h"
#include "utils/numeric.h"

#include "entry.h"
#include "line.h"

/* A purchase or an activity, whichever way it is known of. */
typedef struct Event
{
	const char *activity;		/* purchase, or the code */
	bool		is_purchase;
	Numeric		amount;			/* NULL: none */
	Datum		channel;		/* text, or 0 as the next two */
	Datum		store;
	Datum		brand;
	Datum		attributes;		/* jsonb, or 0 */
	Lines		lines;			/* none: count 0 */
	TimestampTz at;
	DateADT		on;				/* its local day */
	const char *tier;			/* in force at its date */
} Event;

extern void event_of_entry(const Entry *entry, Event *event);

#endif							/* EVENT_H */
