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
	  "The account (account.id).")
FIELD(SEQ, seq, BIGINT, ID, ALL, NONE,
	  "Number of the entry within the account: 1, 2, 3 and so on, without gaps.")
FIELD(AT, at, INSTANT, INSTANT, ALL, NONE,
	  "Time of the event.")
FIELD(CLOCK, clock, INSTANT, INSTANT, ALL, NONE,
	  "Time at which the entry took effect: at, or the account's clock if that was later.")
FIELD(RECORDED_AT, recorded_at, INSTANT, INSTANT, ALL, NONE,
	  "Time at which the entry was written.")
FIELD(POINTS, points, BIGINT, POINTS, ALL, NONE,
	  "Change of the balance.")
FIELD(BALANCE, balance, BIGINT, POINTS, ALL, NONE,
	  "Balance after the entry.")
FIELD(USABLE, usable, BIGINT, COUNT, ALL, NONE,
	  "Usable points after the entry.")
FIELD(DEBT, debt, BIGINT, COUNT, ALL, NONE,
	  "Debt after the entry.")
FIELD(HELD, held, BIGINT, COUNT, ALL, NONE,
	  "Points in open holds after the entry.")
FIELD(OF_SEQ, of_seq, BIGINT, ID, UNDOING, NONE,
	  "Number of the entry of this account to which it refers.")
FIELD(FINGERPRINT, fingerprint, BIGINT, NUMBER, NONE, ALL,
	  "First eight bytes of a SHA-256 over the values that the caller passed; NULL if there was no call.")
FIELD(COMPUTED, computed, BIGINT, COUNT, EARNING, NONE,
	  "Points before caps were applied.")
FIELD(DUE, due, BIGINT, COUNT, K(REFUND), NONE,
	  "Points that are due in a return.")
FIELD(OWED, owed, BIGINT, COUNT, NONE, K(REFUND) | K(ADJUST),
	  "Points that became debt.")
FIELD(WRITTEN_OFF, written_off, BIGINT, COUNT, NONE, K(REFUND),
	  "Points that a return wrote off.")
FIELD(MADE_GOOD, made_good, BIGINT, COUNT, NONE, COMING_BACK,
	  "Points that came back and made earlier write-offs good.")
FIELD(FEE, fee, BIGINT, COUNT, NONE, K(TRANSFER_OUT),
	  "Fee of a transfer, in points.")
FIELD(EXPIRED, expired, BIGINT, COUNT, NONE, ALL,
	  "Points that came back after their last day; the next entry expires them.")
FIELD(COUNTERPARTY_ID, counterparty_id, BIGINT, ID, K(TRANSFER_OUT) | K(TRANSFER_IN), NONE,
	  "Other account of a transfer.")
FIELD(UNTIL, until, INSTANT, END, K(HOLD), K(RELEASE) | K(FREEZE) | K(UNFREEZE),
	  "End of a hold or freeze.")
FIELD(INACTIVE_MONTHS, inactive_months, INTEGER, MONTHS, NONE, ALL,
	  "New value of the account's, where it changed.")
FIELD(CLOCK_ON, clock_on, DAY, DAY, ALL, NONE,
	  "Day of clock in the program's time zone.")
FIELD(EXPIRES_ON, expires_on, DAY, LAST_DAY, K(EXTEND) | K(REINSTATE), K(AWARD) | K(CANCEL),
	  "Last day of the lots that the entry added or moved.")
FIELD(OF_LAST_DAY, of_last_day, DAY, LAST_DAY, NONE, K(EXTEND),
	  "For an extension of lots with one last day: that day.")
FIELD(INACTIVE_ON, inactive_on, DAY, PERIOD, NONE, ALL,
	  "New value of the account's, where it changed.")
FIELD(KIND, kind, KIND, KIND, ALL, NONE,
	  "Kind of the entry.")
FIELD(REF, ref, TEXT, TEXT, NAMED, K(RELEASE) | K(UNFREEZE) | K(RENAME_MEMBER),
	  "Reference from the caller, unique within the account for this kind of act.")
FIELD(OF_REF, of_ref, TEXT, TEXT, UNDOING | K(TRANSFER_IN), K(RENAME_MEMBER),
	  "Ref of the posting to which it refers.")
FIELD(AMOUNT, amount, NUMERIC, MONEY, K(PURCHASE) | K(REFUND), K(ACTIVITY) | K(CONFIRM),
	  "Amount of money of a purchase or return.")
FIELD(RATE, rate, TEXT, TEXT, K(PURCHASE), NONE,
	  "Rate at which a purchase earned points, as text.")
FIELD(EXPIRY, expiry, EXPIRY, POLICY, NONE, EARNING,
	  "Expiry policy that a pending award gets when it is confirmed.")
FIELD(MODE, mode, TEXT, MODE, K(FREEZE) | K(UNFREEZE), K(REFUND),
	  "Mode of a freeze. For a return that wrote points off: the program's on_spent_return.")
FIELD(REASON, reason, TEXT, TEXT, NONE, ALL,
	  "Reason given by the caller.")
FIELD(CHANNEL, channel, TEXT, TEXT, NONE, ALL,
	  "Sales channel.")
FIELD(STORE, store, TEXT, TEXT, NONE, ALL,
	  "Store.")
FIELD(BRAND, brand, TEXT, TEXT, NONE, ALL,
	  "Brand.")
FIELD(ACTOR, actor, TEXT, TEXT, NONE, ALL,
	  "Role with which the session logged in, for corrections and freezes.")
FIELD(ATTRIBUTES, attributes, JSONB, OBJECT, NONE, ALL,
	  "Data from the application, as a JSON object.")
FIELD(LINES, lines, JSONB, LINES, NONE, K(PURCHASE) | K(REFUND),
	  "Lines of a purchase, with their points; lines of a return.")
FIELD(TAKEN, taken, LOTS, LOTS, NONE, ALL,
	  "Points that the entry took from the account's free lots.")
FIELD(GAINED, gained, LOTS, LOTS, NONE, ALL,
	  "Points that the entry added to the free lots, after debt and write-offs were paid.")
FIELD(SOURCE, source, LOTS, LOTS, NONE, K(REINSTATE) | K(CAPTURE) | K(CANCEL) | K(EXTEND),
	  "Points that were not in free lots before: those of a cancelled spend, captured points, reinstated "
	  "points, and held points that were extended.")
FIELD(SPARED, spared, LOTS, LOTS, NONE, K(REFUND),
	  "Points that a return did not take because they had expired.")
FIELD(GRACED, graced, LOTS, LOTS, NONE, K(CANCEL),
	  "Those points of source that came back with a new last day.")
FIELD(WRITTEN_OFF_LOTS, written_off_lots, LOTS, LOTS, NONE, K(REFUND),
	  "For a return that wrote points off: the lots in which these points had been. Points that come back to "
	  "such a lot make the write-off good, at most as many as stated here.")
FIELD(MADE_GOOD_LOTS, made_good_lots, LOTS, LOTS, NONE, COMING_BACK,
	  "Lots of the points in made_good.")
FIELD(ACTIVITY, activity, TEXT, TEXT, K(ACTIVITY) | K(REFUND) | K(CONFIRM), NONE,
	  "Code of an activity.")
FIELD(BENEFIT, benefit, TEXT, TEXT, K(USE_BENEFIT), NONE,
	  "Code of a benefit that was used.")
FIELD(TIER_GRANT, tier_grant, TEXT, TEXT, K(GRANT_TIER), NONE,
	  "Code of a tier that was granted.")
FIELD(QUANTITY, quantity, BIGINT, COUNT, K(USE_BENEFIT) | K(CONFIRM), K(REFUND),
	  "How much of a benefit was used. For a return: number of orders that were returned as a whole.")
FIELD(QUALIFYING, qualifying, BIGINT, POINTS, K(CONFIRM), EARNING | K(REFUND),
	  "Points of the entry that count for tiers; NULL: all of them.")
FIELD(HAPPENED_ON, happened_on, DAY, DAY, COUNTED, NONE,
	  "Day of at in the program's time zone, for entries that count for caps or tiers.")
FIELD(COUNTS_FROM, counts_from, DAY, LAST_DAY, K(CONFIRM), EARNING | K(REFUND),
	  "Day from which the entry counts for tiers; NULL: happened_on; infinity: when it is confirmed.")
FIELD(WOULD_COUNT_FROM, would_count_from, DAY, LAST_DAY, K(CONFIRM), NONE,
	  "For a confirmation: day from which the posting would have counted for tiers without it.")
FIELD(GRANT_FIRST_DAY, grant_first_day, DAY, DAY, K(GRANT_TIER), NONE,
	  "First day of a grant.")
FIELD(GRANT_LAST_DAY, grant_last_day, DAY, LAST_DAY, K(GRANT_TIER), NONE,
	  "Last day of a grant; infinity: it has no end.")
FIELD(TIER, tier, TEXT, TEXT, NONE, ALL,
	  "Tier in force after the entry; NULL: none.")
FIELD(CAUSE, cause, TEXT, CAUSE, K(TIER), ALL,
	  "Why the tier or its end changed: joined, reached, review, return, grant, grant ended. If it changed, "
	  "the next five columns have the account's values after the entry.")
FIELD(COMPUTED_TIER, computed_tier, TEXT, TEXT, NONE, ALL,
	  "Tier by the member's metrics, without grants.")
FIELD(COMPUTED_LAST_DAY, computed_last_day, DAY, LAST_DAY, NONE, ALL,
	  "Its last day; NULL: it has no end.")
FIELD(REACHED_ON, reached_on, DAY, DAY, NONE, ALL,
	  "Day on which computed_tier was last reached.")
FIELD(BEFORE_TIER, before_tier, TEXT, TEXT, NONE, ALL,
	  "Computed tier before the current window raised it.")
FIELD(BEFORE_LAST_DAY, before_last_day, DAY, LAST_DAY, NONE, ALL,
	  "Its last day.")
FIELD(PARTS, parts, JSONB, PARTS, NONE, EARNING | K(REFUND),
	  "For a posting that gives points: how much each rule computed and gave. For a return: the points due of each part.")
FIELD(CHARGES, charges, JSONB, CHARGES, K(USE_BENEFIT), ALL,
	  "How much of caps and budgets the entry used: id of the rule, campaign or cap, first day of the period, "
	  "times, points. For a return: how much it gave back.")
FIELD(HASH, hash, BYTES, HASH, ALL, NONE,
	  "SHA-256 over the previous hash and the columns above (doc/operations.md).")
