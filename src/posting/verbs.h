/*
 * verbs.h
 *	  The calls, told once.
 *
 * VERB(function, view, kind, known by, told of, does, parameters ...): the function and
 * the view to insert into; the kind of entry that it makes; whether a repeat is found
 * by its own ref, or by the posting that it finishes; whether the entry names the role;
 * the C function, in the file of its name; the parameters in the order of the SQL
 * function.
 *
 * Included wherever a list is made of them, so without a guard.
 */
VERB(enroll, enrollments, ENROLL, BY_REF, ANYBODY, enroll_post,
	 P_MEMBER, P_PROGRAM, P_AT, P_JOINED_ON, P_BIRTHDAY, P_ATTRIBUTES, P_TAGS)
VERB(purchase, purchases, EARN, BY_REF, ANYBODY, purchase_post,
	 P_MEMBER, P_AMOUNT, P_REF, P_LINES, P_CHANNEL, P_STORE, P_ATTRIBUTES, P_AT, P_PROGRAM, P_BRAND)
VERB(activity, activities, ACTIVITY, BY_REF, ANYBODY, purchase_post,
	 P_MEMBER, P_ACTIVITY, P_REF, P_ATTRIBUTES, P_CHANNEL, P_AT, P_PROGRAM, P_STORE, P_BRAND,
	 P_AMOUNT)
VERB(award, awards, AWARD, BY_REF, ANYBODY, award_post,
	 P_MEMBER, P_POINTS, P_REF, P_REASON, P_EXPIRES_ON, P_PENDING, P_AT, P_PROGRAM, P_ATTRIBUTES,
	 P_CHANNEL, P_STORE, P_BRAND, P_QUALIFIES)
VERB(confirm, confirmations, CONFIRM, BY_OF_REF, ANYBODY, confirm_post,
	 P_MEMBER, P_REF, P_AT, P_PROGRAM)
VERB(spend, spends, SPEND, BY_REF, ANYBODY, spend_post,
	 P_MEMBER, P_POINTS, P_REF, P_REASON, P_AT, P_PROGRAM, P_ATTRIBUTES, P_CHANNEL, P_STORE, P_BRAND)
VERB(hold, holds, HOLD, BY_REF, ANYBODY, hold_post,
	 P_MEMBER, P_POINTS, P_REF, P_UNTIL, P_AT, P_PROGRAM, P_REASON)
VERB(capture, captures, CAPTURE, BY_OF_REF, ANYBODY, capture_post,
	 P_MEMBER, P_REF, P_POINTS, P_AT, P_PROGRAM)
VERB(release, releases, RELEASE, BY_OF_REF, ANYBODY, release_post,
	 P_MEMBER, P_REF, P_AT, P_PROGRAM)
VERB(refund, refunds, REFUND, BY_REF, ANYBODY, refund_post,
	 P_MEMBER, P_OF_REF, P_REF, P_AMOUNT, P_LINES, P_AT, P_PROGRAM, P_REASON)
VERB(cancel, cancellations, CANCEL, BY_REF, ANYBODY, cancel_post,
	 P_MEMBER, P_OF_REF, P_REF, P_POINTS, P_AT, P_PROGRAM, P_REASON)
VERB(adjust, adjustments, ADJUST, BY_REF, OPERATOR, adjust_post,
	 P_MEMBER, P_POINTS, P_REF, P_REASON, P_ALLOW_DEBT, P_AT, P_PROGRAM)
VERB(extend, extensions, EXTEND, BY_REF, OPERATOR, extend_post,
	 P_MEMBER, P_LAST_DAY, P_REF, P_REASON, P_EXPIRING_ON, P_AT, P_PROGRAM)
VERB(reinstate, reinstatements, REINSTATE, BY_REF, OPERATOR, reinstate_post,
	 P_MEMBER, P_POINTS, P_LAST_DAY, P_REF, P_REASON, P_AT, P_PROGRAM)
VERB(transfer, transfers, TRANSFER_OUT, BY_REF, ANYBODY, transfer_post,
	 P_MEMBER, P_TO_MEMBER, P_POINTS, P_REF, P_REASON, P_AT, P_PROGRAM)
VERB(rename_member, renames, RENAME, BY_REF, OPERATOR, rename_post,
	 P_MEMBER, P_TO_MEMBER, P_REF, P_REASON, P_AT, P_PROGRAM)
VERB(freeze, freezes, FREEZE, BY_REF, OPERATOR, freeze_post,
	 P_MEMBER, P_MODE, P_REF, P_REASON, P_UNTIL, P_AT, P_PROGRAM)
VERB(unfreeze, unfreezes, UNFREEZE, BY_REF, OPERATOR, unfreeze_post,
	 P_MEMBER, P_REF, P_REASON, P_AT, P_PROGRAM)
VERB(grant_tier, tier_grants, GRANT, BY_REF, OPERATOR, grant_post,
	 P_MEMBER, P_TIER, P_LAST_DAY, P_REF, P_REASON, P_AT, P_PROGRAM, P_FIRST_DAY)
VERB(end_grant, grant_ends, GRANT_END, BY_REF, OPERATOR, grant_end_post,
	 P_MEMBER, P_OF_REF, P_REF, P_REASON, P_AT, P_PROGRAM)
VERB(use_benefit, benefit_uses, BENEFIT, BY_REF, ANYBODY, benefit_post,
	 P_MEMBER, P_BENEFIT, P_REF, P_QUANTITY, P_REASON, P_AT, P_PROGRAM)
