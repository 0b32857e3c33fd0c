/*
 * parameters.h
 *	  The parameters of calls, told once.
 *
 * PARAMETER(name, column, type, check, needed by, printed by, default): its name in
 * the functions and views; its type; what is checked of a value that is given; the
 * kinds of postings that cannot do without it where they have it; those whose
 * fingerprint it is part of, unless what is given is the default (S26).
 *
 * Included wherever a list is made of them, so without a guard.  Their order is that
 * of the fingerprint, so a new one goes to the end.
 */
PARAMETER(MEMBER, member, TEXT, KEY, ALL, NONE, NOTHING)	/* the account is the fingerprint's owner */
PARAMETER(PROGRAM, program, TEXT, KEY, NONE, NONE, NOTHING)
PARAMETER(AT, at, INSTANT, INSTANT, NONE, ALL, NOTHING)
PARAMETER(REF, ref, TEXT, KEY, ALL, NONE, NOTHING)	/* it is what a repeat is found by */
PARAMETER(OF_REF, of_ref, TEXT, KEY, ALL, ALL, NOTHING)
PARAMETER(POINTS, points, BIGINT, POINTS, ALL & ~(K(CAPTURE) | K(CANCEL)), ALL, NOTHING)
PARAMETER(AMOUNT, amount, NUMERIC, MONEY, K(EARN), ALL, NOTHING)
PARAMETER(LINES, lines, JSONB, NOTHING, NONE, ALL, NOTHING)
PARAMETER(REASON, reason, TEXT, NOTE, NONE, ALL, NOTHING)
PARAMETER(CHANNEL, channel, TEXT, NOTE, NONE, ALL, NOTHING)
PARAMETER(STORE, store, TEXT, NOTE, NONE, ALL, NOTHING)
PARAMETER(BRAND, brand, TEXT, NOTE, NONE, ALL, NOTHING)
PARAMETER(ATTRIBUTES, attributes, JSONB, NOTHING, NONE, ALL & ~K(ENROLL), NOTHING)	/* enroll's may be erased */
PARAMETER(EXPIRES_ON, expires_on, DAY, LAST_DAY, NONE, ALL, NOTHING)
PARAMETER(PENDING, pending, BOOLEAN, NOTHING, NONE, ALL, FALSE)
PARAMETER(UNTIL, until, INSTANT, END, NONE, NONE, NOTHING)	/* a retry computes another one */
PARAMETER(ALLOW_DEBT, allow_debt, BOOLEAN, NOTHING, NONE, ALL, FALSE)
PARAMETER(TO, to, DAY, LAST_DAY, ALL, ALL, NOTHING)
PARAMETER(EXPIRING_ON, expiring_on, DAY, LAST_DAY, NONE, ALL, NOTHING)
PARAMETER(TO_MEMBER, to_member, PERSON, KEY, ALL, ALL & ~K(RENAME), NOTHING)	/* a renaming: posting.c */
PARAMETER(MODE, mode, TEXT, MODE, ALL, ALL, NOTHING)
PARAMETER(JOINED_ON, joined_on, DAY, DAY, NONE, NONE, NOTHING)	/* enroll is known by member and program */
PARAMETER(BIRTHDAY, birthday, TEXT, NOTHING, NONE, NONE, NOTHING)
PARAMETER(TAGS, tags, JSONB, NOTHING, NONE, NONE, NOTHING)
PARAMETER(ACTIVITY, activity, TEXT, ACTIVITY, ALL, ALL, NOTHING)
PARAMETER(TIER, tier, TEXT, KEY, ALL, ALL, NOTHING)
PARAMETER(FROM, from, DAY, DAY, NONE, ALL, NOTHING)
PARAMETER(LAST_DAY, until, DAY, LAST_DAY, NONE, ALL, NOTHING)
PARAMETER(BENEFIT, benefit, TEXT, KEY, ALL, ALL, NOTHING)
PARAMETER(QUANTITY, quantity, BIGINT, QUANTITY, NONE, ALL, ONE)
PARAMETER(QUALIFIES, qualifies, BOOLEAN, NOTHING, NONE, ALL, TRUE)
