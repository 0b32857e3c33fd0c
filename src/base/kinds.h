/*
 * kinds.h
 *	  The kinds of entries, told once.
 *
 * KIND(number, name, label, paid, traits): the number is on disk and in the hash
 * chain, and never changes; new kinds are added at the end.  The label of what a
 * call makes is the name of the call.  Paid says how an entry
 * tells the debt that it paid, traits what else postings, reads and replay must
 * know of the kind (both in kind.h).  What fields its entries have is told in
 * account/entry_fields.h.
 *
 * Included wherever a list is made of them, so without a guard.
 */
KIND(1, ENROLL, "enroll", PAID_NOTHING, 0)
KIND(2, PURCHASE, "purchase", PAID_CREDIT, KIND_NAMED | KIND_GIVES | KIND_BY_RULES | KIND_SHOWS_LAST_DAY)
KIND(3, AWARD, "award", PAID_CREDIT, KIND_NAMED | KIND_GIVES | KIND_SHOWS_LAST_DAY)
KIND(4, CONFIRM, "confirm", PAID_TAKEN, KIND_NAMED | KIND_SHOWS_LAST_DAY)
KIND(5, SPEND, "spend", PAID_NOTHING, KIND_NAMED | KIND_USES | KIND_IN_ORDER)
KIND(6, REFUND, "refund", PAID_NOTHING, KIND_NAMED)
KIND(7, CANCEL, "cancel", PAID_BACK, KIND_NAMED)
KIND(8, EXPIRE, "expire", PAID_NOTHING, 0)
KIND(9, MATURE, "mature", PAID_TAKEN, 0)
KIND(10, ADJUST, "adjust", PAID_CREDIT, KIND_NAMED | KIND_SHOWS_LAST_DAY)
KIND(11, EXTEND, "extend", PAID_NOTHING, KIND_NAMED)
KIND(12, REINSTATE, "reinstate", PAID_BACK, KIND_NAMED | KIND_SHOWS_LAST_DAY)
KIND(13, TRANSFER_OUT, "transfer_out", PAID_NOTHING, KIND_NAMED)
KIND(14, TRANSFER_IN, "transfer_in", PAID_CREDIT, 0)
KIND(15, HOLD, "hold", PAID_NOTHING, KIND_NAMED | KIND_IN_ORDER)
KIND(16, CAPTURE, "capture", PAID_HOLD_BACK, KIND_NAMED | KIND_USES)
KIND(17, RELEASE, "release", PAID_HOLD_BACK, 0)
KIND(18, FREEZE, "freeze", PAID_NOTHING, KIND_NAMED)
KIND(19, UNFREEZE, "unfreeze", PAID_NOTHING, 0)
KIND(20, ACTIVITY, "activity", PAID_CREDIT, KIND_NAMED | KIND_GIVES | KIND_BY_RULES | KIND_SHOWS_LAST_DAY)
KIND(21, TIER, "tier", PAID_NOTHING, 0)
KIND(22, GRANT_TIER, "grant_tier", PAID_NOTHING, KIND_NAMED)
KIND(23, END_GRANT, "end_grant", PAID_NOTHING, KIND_NAMED)
KIND(24, USE_BENEFIT, "use_benefit", PAID_NOTHING, KIND_NAMED)
KIND(25, RENAME_MEMBER, "rename_member", PAID_NOTHING, 0)
KIND(26, JOIN, "join", PAID_NOTHING, 0)
