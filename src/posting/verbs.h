/*
 * verbs.h
 *	  The calls, told once.
 *
 * VERB(function, view, kind, told of, does, parameters ...): the function and the view
 * to insert into; the kind of entry that it makes; whether the entry names the role;
 * the C function, in the file of its name; the parameters in the order of the SQL
 * function.
 *
 * Included wherever a list is made of them, so without a guard.
 */
VERB(enroll, enrollments, ENROLL, ANYBODY, enroll_post,
	 P_MEMBER, P_PROGRAM, P_AT, P_JOINED_ON, P_BIRTHDAY, P_ATTRIBUTES, P_TAGS)
VERB(purchase, purchases, PURCHASE, ANYBODY, purchase_post,
	 P_MEMBER, P_AMOUNT, P_REF, P_LINES, P_CHANNEL, P_STORE, P_ATTRIBUTES, P_AT, P_PROGRAM, P_BRAND)
VERB(activity, activities, ACTIVITY, ANYBODY, purchase_post,
	 P_MEMBER, P_ACTIVITY, P_REF, P_ATTRIBUTES, P_CHANNEL, P_AT, P_PROGRAM, P_STORE, P_BRAND,
	 P_AMOUNT)
VERB(award, awards, AWARD, ANYBODY, award_post,
	 P_MEMBER, P_POINTS, P_REF, P_REASON, P_EXPIRES_ON, P_PENDING, P_AT, P_PROGRAM, P_ATTRIBUTES,
	 P_CHANNEL, P_STORE, P_BRAND, P_QUALIFIES)
VERB(confirm, confirmations, CONFIRM, ANYBODY, confirm_post,
	 P_MEMBER, P_OF_REF, P_REF, P_AT, P_PROGRAM)
VERB(spend, spends, SPEND, ANYBODY, spend_post,
	 P_MEMBER, P_POINTS, P_REF, P_REASON, P_AT, P_PROGRAM, P_ATTRIBUTES, P_CHANNEL, P_STORE, P_BRAND)
VERB(hold, holds, HOLD, ANYBODY, hold_post,
	 P_MEMBER, P_POINTS, P_REF, P_UNTIL, P_AT, P_PROGRAM, P_REASON)
VERB(capture, captures, CAPTURE, ANYBODY, capture_post,
	 P_MEMBER, P_OF_REF, P_REF, P_POINTS, P_AT, P_PROGRAM)
VERB(release, releases, RELEASE, ANYBODY, release_post,
	 P_MEMBER, P_OF_REF, P_REF, P_AT, P_PROGRAM)
VERB(refund, refunds, REFUND, ANYBODY, refund_post,
	 P_MEMBER, P_OF_REF, P_REF, P_AMOUNT, P_LINES, P_AT, P_PROGRAM, P_REASON)
VERB(cancel, cancellations, CANCEL, ANYBODY, cancel_post,
	 P_MEMBER, P_OF_REF, P_REF, P_POINTS, P_AT, P_PROGRAM, P_REASON)
VERB(adjust, adjustments, ADJUST, OPERATOR, adjust_post,
	 P_MEMBER, P_POINTS, P_REF, P_REASON, P_ALLOW_DEBT, P_AT, P_PROGRAM)
VERB(extend, extensions, EXTEND, OPERATOR, extend_post,
	 P_MEMBER, P_LAST_DAY, P_REF, P_REASON, P_OF_LAST_DAY, P_AT, P_PROGRAM)
VERB(reinstate, reinstatements, REINSTATE, OPERATOR, reinstate_post,
	 P_MEMBER, P_POINTS, P_LAST_DAY, P_REF, P_REASON, P_AT, P_PROGRAM)
VERB(transfer, transfers, TRANSFER_OUT, ANYBODY, transfer_post,
	 P_MEMBER, P_TO_MEMBER, P_POINTS, P_REF, P_REASON, P_AT, P_PROGRAM)
VERB(rename_member, renames, RENAME_MEMBER, OPERATOR, rename_post,
	 P_MEMBER, P_TO_MEMBER, P_REF, P_REASON, P_AT, P_PROGRAM)
VERB(freeze, freezes, FREEZE, OPERATOR, freeze_post,
	 P_MEMBER, P_MODE, P_REF, P_REASON, P_UNTIL, P_AT, P_PROGRAM)
VERB(unfreeze, unfreezes, UNFREEZE, OPERATOR, unfreeze_post,
	 P_MEMBER, P_REF, P_REASON, P_AT, P_PROGRAM)
VERB(grant_tier, tier_grants, GRANT_TIER, OPERATOR, grant_post,
	 P_MEMBER, P_TIER, P_LAST_DAY, P_REF, P_REASON, P_AT, P_PROGRAM, P_FIRST_DAY)
VERB(end_grant, grant_ends, END_GRANT, OPERATOR, grant_end_post,
	 P_MEMBER, P_OF_REF, P_REF, P_REASON, P_AT, P_PROGRAM)
VERB(use_benefit, benefit_uses, USE_BENEFIT, ANYBODY, benefit_post,
	 P_MEMBER, P_BENEFIT, P_REF, P_QUANTITY, P_REASON, P_AT, P_PROGRAM)
