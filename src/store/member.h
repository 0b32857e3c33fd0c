/*
 * member.h
 *	  Members: the application's own keys, and what is known of them.
 */
#ifndef MEMBER_H
#define MEMBER_H

#include "loyalty.h"
#include "nodes/pg_list.h"

typedef struct NewMember
{
	const char *key;
	DateADT		joined_on;
	Datum		birthday;		/* text, or 0 */
	Datum		attributes;		/* jsonb, or 0 */
	Datum		tags;			/* jsonb, or 0 */
} NewMember;

/* A member as he is known. */
typedef struct Member
{
	char	   *key;
	DateADT		joined_on;
	char	   *birthday;		/* MM-DD, or NULL */
	Datum		attributes;		/* jsonb */
	Datum		tags;			/* jsonb */
} Member;

/* Read a member, as the snapshot of look-ups has him. */
extern void member_read(int64 id, Member *member);

/* The id of a member; 0 if there is none of that key. */
extern int64 member_id(const char *key);
pg_noreturn extern void member_unknown(const char *key);

/* Make a member; 0 if another session was first. */
extern int64 member_insert(const NewMember *member);

/* Let nobody else open an account of a member, or change the key, until the transaction ends. */
extern void member_lock(int64 id);

/* Add what is told of a member who is there: refused where it contradicts what is known. */
extern void member_merge(int64 id, const NewMember *told);

/* An account of a member, in some program; those of a member (List of MemberAccount *), by ascending id. */
typedef struct MemberAccount
{
	int64		account_id;
	int32		program_id;
} MemberAccount;

extern List *member_accounts(int64 member_id);

/* Give a member another key. */
extern void member_rename(int64 id, const char *new_key);

#endif							/* MEMBER_H */
