/*
 * parameters.h
 *	  The parameters of calls, told once.
 *
 * PARAMETER(name, column, type, check, needed by, printed by, default, meaning): its name in
 * the functions and views; its type; what is checked of a value that is given; the
 * kinds of postings that cannot do without it where they have it; those whose
 * fingerprint it is part of, unless what is given is the default (S26);
 * and the COMMENT of its columns in views.
 *
 * Included wherever a list is made of them, so without a guard.  Their order is that
 * of the fingerprint, so a new one goes to the end.
 */
PARAMETER(MEMBER, member, TEXT, KEY, ALL, NONE, NOTHING,
		  "The member, by the application's key.")	/* the account is the fingerprint's owner */
PARAMETER(PROGRAM, program, TEXT, KEY, NONE, NONE, NOTHING,
		  "Code of the program; NULL: the setting loyalty.program, or the only one.")
PARAMETER(AT, at, INSTANT, INSTANT, NONE, ALL, NOTHING,
		  "When it happened; NULL: now.")
PARAMETER(REF, ref, TEXT, KEY, ALL, NONE, NOTHING,
		  "The caller's name for the posting, unique within the account for this kind of act.")	/* it is what a repeat is found by */
PARAMETER(OF_REF, of_ref, TEXT, KEY, ALL, ALL, NOTHING,
		  "The ref of the posting that it refers to.")
PARAMETER(POINTS, points, BIGINT, POINTS, ALL & ~(K(CAPTURE) | K(CANCEL)), ALL, NOTHING,
		  "Points.")
PARAMETER(AMOUNT, amount, NUMERIC, MONEY, K(PURCHASE), ALL, NOTHING,
		  "Money, net, in the currency of the program.")
PARAMETER(LINES, lines, JSONB, NOTHING, NONE, ALL, NOTHING,
		  "Lines of the order, or the lines that are returned.")
PARAMETER(REASON, reason, TEXT, NOTE, NONE, ALL, NOTHING,
		  "Why.")
PARAMETER(CHANNEL, channel, TEXT, NOTE, NONE, ALL, NOTHING,
		  "Through which channel.")
PARAMETER(STORE, store, TEXT, NOTE, NONE, ALL, NOTHING,
		  "In which store.")
PARAMETER(BRAND, brand, TEXT, NOTE, NONE, ALL, NOTHING,
		  "Of which brand.")
PARAMETER(ATTRIBUTES, attributes, JSONB, NOTHING, NONE, ALL & ~K(ENROLL), NOTHING,
		  "What the application adds.") /* enroll's may be erased */
PARAMETER(EXPIRES_ON, expires_on, DAY, LAST_DAY, NONE, ALL, NOTHING,
		  "Last usable day, instead of the program's policy; infinity: never.")
PARAMETER(PENDING, pending, BOOLEAN, NOTHING, NONE, ALL, FALSE,
		  "Are the points not usable yet?")
PARAMETER(UNTIL, until, INSTANT, END, NONE, NONE, NOTHING,
		  "End of the hold or freeze.") /* a retry computes another one */
PARAMETER(ALLOW_DEBT, allow_debt, BOOLEAN, NOTHING, NONE, ALL, FALSE,
		  "May it take more than is usable?")
PARAMETER(OF_LAST_DAY, of_last_day, DAY, LAST_DAY, NONE, ALL, NOTHING,
		  "Only lots of this last day.")
PARAMETER(TO_MEMBER, to_member, PERSON, KEY, ALL, ALL & ~K(RENAME_MEMBER), NOTHING,
		  "The receiver, or the new key.")	/* a renaming: posting.c */
PARAMETER(MODE, mode, TEXT, MODE, ALL, ALL, NOTHING,
		  "What is frozen: spending, earning or all.")
PARAMETER(JOINED_ON, joined_on, DAY, DAY, NONE, NONE, NOTHING,
		  "Day on which the member joined.")	/* enroll is known by member and program */
PARAMETER(BIRTHDAY, birthday, TEXT, NOTHING, NONE, NONE, NOTHING,
		  "Month and day (MM-DD).")
PARAMETER(TAGS, tags, JSONB, NOTHING, NONE, NONE, NOTHING,
		  "Tags, an array of texts.")
PARAMETER(ACTIVITY, activity, TEXT, ACTIVITY, ALL, ALL, NOTHING,
		  "Code of the activity.")
PARAMETER(TIER, tier, TEXT, KEY, ALL, ALL, NOTHING,
		  "Code of the tier.")
PARAMETER(FIRST_DAY, first_day, DAY, DAY, NONE, ALL, NOTHING,
		  "First day of the grant.")
PARAMETER(LAST_DAY, last_day, DAY, LAST_DAY, K(EXTEND) | K(REINSTATE), ALL, NOTHING,
		  "The new last day of the points, or the last day of the grant; NULL: the grant has no end.")
PARAMETER(BENEFIT, benefit, TEXT, KEY, ALL, ALL, NOTHING,
		  "Code of the benefit.")
PARAMETER(QUANTITY, quantity, BIGINT, QUANTITY, NONE, ALL, ONE,
		  "How many of it.")
PARAMETER(QUALIFIES, qualifies, BOOLEAN, NOTHING, NONE, ALL, TRUE,
		  "Do the points count for tiers?")
