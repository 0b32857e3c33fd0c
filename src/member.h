/*
 * member.h
 *	  Members: the application's own keys, and what is known of them.
 */
#ifndef MEMBER_H
#define MEMBER_H

#include "loyalty.h"

typedef struct NewMember
{
	const char *key;
	DateADT		joined_on;
	Datum		birthday;		/* text, or 0 */
	Datum		attributes;		/* jsonb, or 0 */
	Datum		tags;			/* jsonb, or 0 */
} NewMember;

/* The id of a member; 0 if there is none of that key. */
extern int64 member_id(const char *key);
extern void member_unknown(const char *key) pg_attribute_noreturn();

/* Make a member; the caller holds member_lock_key. */
extern int64 member_insert(const NewMember *member);
extern void member_lock_key(const char *key);

#endif							/* MEMBER_H */
