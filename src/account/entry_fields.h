/*
 * entry_fields.h
 *	  The fields of an entry, told once.
 *
 * FIELD(name, column, type, domain, needed by, allowed to, meaning): the columns of
 * loyalty.entry in their order, which is that of the chain's canonical form.  The
 * type says how it is stored and hashed (entry.h), the domain what it may be
 * (field.h); entries of the kinds that need it all have it, those of others that
 * are allowed to may.  The meaning is the column's COMMENT.
 *
 * Included wherever a list is made of them, so without a guard.  A new field goes
 * to the end, before the hash, with a new version of the canonical form, and into
 * the table (entry.sql).
 */
FIELD(ACCOUNT_ID, account_id, BIGINT, ID, ALL, NONE,
	  "Whose entry (account.id).")
FIELD(SEQ, seq, BIGINT, ID, ALL, NONE,
	  "1, 2, 3 ... without gaps within the account.")
FIELD(AT, at, INSTANT, INSTANT, ALL, NONE,
	  "When it happened.")
FIELD(CLOCK, clock, INSTANT, INSTANT, ALL, NONE,
	  "When it acted on the account: at, or the account's clock where that was later.")
FIELD(RECORDED_AT, recorded_at, INSTANT, INSTANT, ALL, NONE,
	  "When it was written.")
FIELD(POINTS, points, BIGINT, POINTS, ALL, NONE,
	  "Change of the balance.")
FIELD(BALANCE, balance, BIGINT, POINTS, ALL, NONE,
	  "Balance after it.")
FIELD(USABLE, usable, BIGINT, COUNT, ALL, NONE,
	  "Usable points after it.")
FIELD(DEBT, debt, BIGINT, COUNT, ALL, NONE,
	  "Debt after it.")
FIELD(HELD, held, BIGINT, COUNT, ALL, NONE,
	  "Points in holds after it.")
FIELD(OF_SEQ, of_seq, BIGINT, ID, UNDOING, NONE,
	  "Entry of this account that it refers to.")
FIELD(FINGERPRINT, fingerprint, BIGINT, NUMBER, NONE, ALL,
	  "First eight bytes of a SHA-256 over what the caller gave; NULL where nobody called.")
FIELD(COMPUTED, computed, BIGINT, COUNT, EARNING, NONE,
	  "Points before a cap took some.")
FIELD(DUE, due, BIGINT, COUNT, K(REFUND), NONE,
	  "Points that a return is due.")
FIELD(OWED, owed, BIGINT, COUNT, NONE, K(REFUND) | K(ADJUST),
	  "Points that became debt.")
FIELD(WRITTEN_OFF, written_off, BIGINT, COUNT, NONE, K(REFUND),
	  "Points that a return wrote off.")
FIELD(MADE_GOOD, made_good, BIGINT, COUNT, NONE, COMING_BACK,
	  "Points that came back and made write-offs good.")
FIELD(FEE, fee, BIGINT, COUNT, NONE, K(TRANSFER_OUT),
	  "Points that a transfer cost on top.")
FIELD(EXPIRED, expired, BIGINT, COUNT, NONE, ALL,
	  "Points that it freed after their last day; the next entry expires them.")
FIELD(COUNTERPARTY_ID, counterparty_id, BIGINT, ID, K(TRANSFER_OUT) | K(TRANSFER_IN), NONE,
	  "Other account of a transfer.")
FIELD(UNTIL, until, INSTANT, END, K(HOLD), K(RELEASE) | K(FREEZE) | K(UNFREEZE),
	  "End of a hold or freeze.")
FIELD(INACTIVE_MONTHS, inactive_months, INTEGER, MONTHS, NONE, ALL,
	  "New value of the account's, where it changed.")
FIELD(CLOCK_ON, clock_on, DAY, DAY, ALL, NONE,
	  "Local day of clock.")
FIELD(EXPIRES_ON, expires_on, DAY, LAST_DAY, K(EXTEND) | K(REINSTATE), K(AWARD) | K(CANCEL),
	  "Last day that this entry gave to lots.")
FIELD(EXPIRING_ON, expiring_on, DAY, LAST_DAY, NONE, K(EXTEND),
	  "Last day that an extension was limited to.")
FIELD(INACTIVE_ON, inactive_on, DAY, PERIOD, NONE, ALL,
	  "New value of the account's, where it changed.")
FIELD(KIND, kind, KIND, KIND, ALL, NONE,
	  "What it is.")
FIELD(REF, ref, TEXT, TEXT, NAMED, K(UNFREEZE) | K(RENAME),
	  "The caller's name for it, unique within the account.")
FIELD(OF_REF, of_ref, TEXT, TEXT, UNDOING | K(TRANSFER_IN), K(RENAME),
	  "The ref that it refers to.")
FIELD(AMOUNT, amount, NUMERIC, MONEY, K(EARN) | K(REFUND), K(ACTIVITY) | K(CONFIRM),
	  "Money of a purchase or return.")
FIELD(RATE, rate, TEXT, TEXT, K(EARN), NONE,
	  "What a purchase earned by, in words.")
FIELD(EXPIRY, expiry, EXPIRY, POLICY, NONE, EARNING,
	  "Policy kept for an award that is pending.")
FIELD(MODE, mode, TEXT, MODE, K(FREEZE) | K(UNFREEZE), K(REFUND),
	  "Mode of a freeze; of a return that wrote points off, the program's on_spent_return.")
FIELD(REASON, reason, TEXT, TEXT, NONE, ALL,
	  "Why.")
FIELD(CHANNEL, channel, TEXT, TEXT, NONE, ALL,
	  "Through which channel.")
FIELD(STORE, store, TEXT, TEXT, NONE, ALL,
	  "In which store.")
FIELD(BRAND, brand, TEXT, TEXT, NONE, ALL,
	  "Of which brand.")
FIELD(ACTOR, actor, TEXT, TEXT, NONE, ALL,
	  "Role of the session that made an operator's posting.")
FIELD(ATTRIBUTES, attributes, JSONB, OBJECT, NONE, ALL,
	  "What the application added.")
FIELD(LINES, lines, JSONB, LINES, NONE, K(EARN) | K(REFUND),
	  "Lines of a purchase, with their points; lines of a return.")
FIELD(TAKEN, taken, LOTS, LOTS, NONE, ALL,
	  "Lots that left the free lots.")
FIELD(GAINED, gained, LOTS, LOTS, NONE, ALL,
	  "Lots that entered them, after debt and write-offs.")
FIELD(SOURCE, source, LOTS, LOTS, NONE, K(REINSTATE) | K(CAPTURE) | K(CANCEL) | K(EXTEND),
	  "Lots moved from elsewhere: the use cancelled, the slices captured, what was reinstated, held slices "
	  "extended.")
FIELD(SPARED, spared, LOTS, LOTS, NONE, K(REFUND),
	  "Lots whose expiry spared a return.")
FIELD(GRACED, graced, LOTS, LOTS, NONE, K(CANCEL),
	  "Of source, the lots that came back with a new last day.")
FIELD(WRITTEN_OFF_LOTS, written_off_lots, LOTS, LOTS, NONE, K(REFUND),
	  "Of a return that wrote points off: the lots that these points had been in. Points that come back to "
	  "such a lot make the write-off good, up to the number stated.")
FIELD(MADE_GOOD_LOTS, made_good_lots, LOTS, LOTS, NONE, COMING_BACK,
	  "Lots of the points that came back and made write-offs good.")
FIELD(ACTIVITY, activity, TEXT, TEXT, K(ACTIVITY) | K(REFUND) | K(CONFIRM), NONE,
	  "Code of an activity.")
FIELD(BENEFIT, benefit, TEXT, TEXT, K(BENEFIT), NONE,
	  "Code of a benefit that was used.")
FIELD(TIER_GRANT, tier_grant, TEXT, TEXT, K(GRANT), NONE,
	  "Code of a tier that was granted.")
FIELD(QUANTITY, quantity, BIGINT, COUNT, K(BENEFIT) | K(CONFIRM), K(REFUND),
	  "How much of a benefit was used; of a return: orders that it undid.")
FIELD(QUALIFYING, qualifying, BIGINT, POINTS, K(CONFIRM), EARNING | K(REFUND),
	  "Points of it that count for tiers; NULL: all of them.")
FIELD(HAPPENED_ON, happened_on, DAY, DAY, COUNTED, NONE,
	  "Local day of at, where it counts for caps and tiers.")
FIELD(COUNTS_FROM, counts_from, DAY, LAST_DAY, K(CONFIRM), EARNING | K(REFUND),
	  "Day from which it counts for tiers; NULL: happened_on; infinity: when it is confirmed.")
FIELD(COUNTED_FROM, counted_from, DAY, LAST_DAY, K(CONFIRM), NONE,
	  "Of a confirmation: day from which it would have counted.")
FIELD(STARTS_ON, starts_on, DAY, DAY, K(GRANT), NONE,
	  "First day of a grant.")
FIELD(ENDS_ON, ends_on, DAY, LAST_DAY, K(GRANT), NONE,
	  "Last day of a grant; infinity: it has no end.")
FIELD(TIER, tier, TEXT, TEXT, NONE, ALL,
	  "Tier in force after it; NULL: none.")
FIELD(CAUSE, cause, TEXT, CAUSE, K(TIER), ALL,
	  "Why the tier or its end changed: joined, reached, review, return, grant, grant ended; the five "
	  "columns that follow then give the account's after it.")
FIELD(COMPUTED_TIER, computed_tier, TEXT, TEXT, NONE, ALL,
	  "Tier by the member's metrics, grants aside.")
FIELD(COMPUTED_UNTIL, computed_until, DAY, LAST_DAY, NONE, ALL,
	  "Its last day; NULL: it has no end.")
FIELD(REACHED_ON, reached_on, DAY, DAY, NONE, ALL,
	  "Day on which it was last reached.")
FIELD(BEFORE_TIER, before_tier, TEXT, TEXT, NONE, ALL,
	  "Tier computed before the running window lifted it.")
FIELD(BEFORE_UNTIL, before_until, DAY, LAST_DAY, NONE, ALL,
	  "Its last day.")
FIELD(PARTS, parts, JSONB, PARTS, NONE, EARNING | K(REFUND),
	  "Of an award: which rule computed and gave how much; of a return: what is due of which part.")
FIELD(CHARGES, charges, JSONB, CHARGES, K(BENEFIT), ALL,
	  "What it took of caps and budgets: id of the rule, campaign or cap, first day of the period, times, "
	  "points; a return gives back.")
FIELD(HASH, hash, BYTES, HASH, ALL, NONE,
	  "SHA-256 over the hash before and the columns above (doc/operations.md).")
