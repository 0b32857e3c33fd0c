-- The calls that post.  All in C, by one path; each also takes at (when it happened;
-- default now) and program (default: the setting loyalty.program, or the only one).

CREATE FUNCTION loyalty.enroll(member loyalty.key, program text DEFAULT NULL, at timestamptz DEFAULT NULL, joined_on date DEFAULT NULL, birthday text DEFAULT NULL, attributes jsonb DEFAULT NULL, tags jsonb DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_enroll' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.enroll IS
	'Enrolls a member in a program. Adds the member if the key is new, and the account if there is none. If the member is already enrolled, the call is a repeat. joined_on: default is the local day of at. birthday: MM-DD. attributes: a JSON object. tags: a JSON array. birthday, attributes and tags belong to the member and can be erased.';

CREATE FUNCTION loyalty.purchase(member loyalty.key, amount numeric, ref loyalty.key, lines jsonb DEFAULT NULL, channel text DEFAULT NULL, store text DEFAULT NULL, attributes jsonb DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL, brand text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_purchase' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.purchase IS
	'Posts an order. The points are computed from the amount by the program''s rate and rules, and rounded once. lines: [{"sku": "A", "quantity": 2, "amount": 10.00}, ...]; they must add up to the amount and are stored for returns by line. Errors: LY002 frozen for earning; LY003; LY004; LY009; 22023 the amount is below 0, or the lines do not add up.';

CREATE FUNCTION loyalty.activity(member loyalty.key, activity text, ref loyalty.key, attributes jsonb DEFAULT NULL, channel text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL, store text DEFAULT NULL, brand text DEFAULT NULL, amount numeric DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_activity' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.activity IS
	'Posts something that a member did other than buying: a registration, a review, a check-in, or any code that the shop defines, optionally with an amount. Rules for the activity decide how many points it earns; without rules, it earns none. Errors: LY002 frozen for earning; LY003; LY004; LY009; LY017 a rule failed.';

CREATE FUNCTION loyalty.award(member loyalty.key, points bigint, ref loyalty.key, reason text DEFAULT NULL, expires_on date DEFAULT NULL, pending boolean DEFAULT false, at timestamptz DEFAULT NULL, program text DEFAULT NULL, attributes jsonb DEFAULT NULL, channel text DEFAULT NULL, store text DEFAULT NULL, brand text DEFAULT NULL, qualifies boolean DEFAULT true) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_award' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.award IS
	'Gives points without an order. expires_on: last usable day, instead of the program''s policy (infinity: never). pending: the points become usable after the program''s pending_days or, if it has none, when they are confirmed. qualifies: whether the points count for tiers. The balance cap applies. Errors: LY002; LY003; LY004; LY009.';

CREATE FUNCTION loyalty.confirm(member loyalty.key, of_ref loyalty.key, ref loyalty.key, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_confirm' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.confirm IS
	'Makes the pending points of a purchase or award usable, except those that returns have taken. Their expiry period starts on this day. of_ref: ref of the purchase or award. Errors: LY003; LY004; LY006 no such posting; LY007 no longer pending; LY009.';

CREATE FUNCTION loyalty.spend(member loyalty.key, points bigint, ref loyalty.key, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL, attributes jsonb DEFAULT NULL, channel text DEFAULT NULL, store text DEFAULT NULL, brand text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_spend' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.spend IS
	'Spends usable points, in order of use. Errors: LY001 not enough points; LY002 frozen for spending; LY003; LY004; LY009.';

CREATE FUNCTION loyalty.hold(member loyalty.key, points bigint, ref loyalty.key, until timestamptz DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL, reason text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_hold' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.hold IS
	'Reserves usable points until a time. until: default and maximum are given by the program''s hold_limit; infinity: a hold without an end. A hold ends at its time; no job has to run. Errors: LY001; LY002; LY003; LY008 beyond hold_limit; LY009.';

CREATE FUNCTION loyalty.capture(member loyalty.key, of_ref loyalty.key, ref loyalty.key, points bigint DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_capture' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.capture IS
	'Spends the points of a hold (default: all), in order of use, and ends the hold. The remaining points are usable again. of_ref: ref of the hold. Errors: LY002; LY003; LY004; LY006; LY007 already ended, or more points than are held; LY009.';

CREATE FUNCTION loyalty.release(member loyalty.key, of_ref loyalty.key, ref loyalty.key, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_release' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.release IS
	'Ends a hold. Its points are usable again, and pay debt first. of_ref: ref of the hold. Errors: LY003; LY004; LY006; LY007 already ended; LY009.';

CREATE FUNCTION loyalty.refund(member loyalty.key, of_ref loyalty.key, ref loyalty.key, amount numeric DEFAULT NULL, lines jsonb DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL, reason text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_refund' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.refund IS
	'Takes back the points of a purchase for money that is returned: by amount, by lines ([{"line": 1, "quantity": 1}] or [{"line": 1, "amount": 5.00}]; "sku" can be used instead of "line"), or, without both, everything that remains. An award or activity is returned as a whole. The points are taken from their own lots first; on_spent_return decides what happens to spent points. Errors: LY006; LY007 more than remains; LY009; LY010.';

CREATE FUNCTION loyalty.cancel(member loyalty.key, of_ref loyalty.key, ref loyalty.key, points bigint DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL, reason text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_cancel' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.cancel IS
	'Cancels a spend or a capture. The points (default: all that remain) go back to their lots; those taken last come back first. Points of a lot that has expired get a new last day (cancel_grace_days). Errors: LY006; LY007 more than remains; LY009.';

CREATE FUNCTION loyalty.adjust(member loyalty.key, points bigint, ref loyalty.key, reason text DEFAULT NULL, allow_debt boolean DEFAULT false, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_adjust' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.adjust IS
	'Corrects a balance. A positive number adds a lot by the program''s policy, which is never pending. A negative number takes usable points; it can exceed them only with allow_debt. Errors: LY001; LY003; LY004; LY009.';

CREATE FUNCTION loyalty.extend(member loyalty.key, last_day date, ref loyalty.key, reason text DEFAULT NULL, of_last_day date DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_extend' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.extend IS
	'Moves the last day of usable lots that end earlier to a later day. of_last_day: only lots with this last day. Held points move with their lot. Lots that expire by inactivity get no day of their own; the account''s date of inactivity moves instead. Errors: 22023 the day is not after today; LY003; LY004.';

CREATE FUNCTION loyalty.reinstate(member loyalty.key, points bigint, last_day date, ref loyalty.key, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_reinstate' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.reinstate IS
	'Brings back expired points with a new last day; those that expired last come back first. Points that were reinstated before, or that a return has spared, cannot be brought back. Errors: LY007 more points than that; LY003; LY004.';

CREATE FUNCTION loyalty.transfer(member loyalty.key, to_member loyalty.key, points bigint, ref loyalty.key, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_transfer' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.transfer IS
	'Moves usable points to another member of the program. They keep their earning date, first usable day, expiry and issuer. Returns the sender''s receipt. Errors: LY001; LY002 one of the accounts is frozen; LY004; LY008 a limit of transfers, of membership, or the receiver''s balance cap; LY011 the receiver is the sender, or the sender has debt.';

CREATE FUNCTION loyalty.rename_member(member loyalty.key, to_member loyalty.key, ref loyalty.key, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_rename_member' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.rename_member IS
	'Changes a member''s key. Each account of the member gets an entry of kind rename_member, which contains neither key. Errors: 23505 the new key is taken; 22023 the new key is reserved; LY003; LY004.';

CREATE FUNCTION loyalty.freeze(member loyalty.key, mode text, ref loyalty.key, reason text DEFAULT NULL, until timestamptz DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_freeze' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.freeze IS
	'Freezes an account; replaces the freeze in force. mode: spending, earning or all. until: time at which the freeze ends. Errors: 22023 unknown mode; LY003; LY004.';

CREATE FUNCTION loyalty.unfreeze(member loyalty.key, ref loyalty.key, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_unfreeze' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.unfreeze IS
	'Ends the freeze in force. Errors: LY007 not frozen; LY003; LY004.';

CREATE FUNCTION loyalty.grant_tier(member loyalty.key, tier text, last_day date, ref loyalty.key, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL, first_day date DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_grant_tier' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.grant_tier IS
	'Grants a tier, for example for a paid membership, a gift or a trial, from a local day (default: that of at) until the end of another (NULL: no end). The tier in force is the higher of the granted and the computed tier. Errors: LY003; LY004; LY006 no such tier; LY009.';

CREATE FUNCTION loyalty.end_grant(member loyalty.key, of_ref loyalty.key, ref loyalty.key, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_end_grant' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.end_grant IS
	'Ends a granted tier at once; a grant that has not started never takes effect. of_ref: ref of the grant. Errors: LY003; LY004; LY006 no such grant; LY007 already ended; LY009.';

CREATE FUNCTION loyalty.use_benefit(member loyalty.key, benefit text, ref loyalty.key, quantity bigint DEFAULT 1, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_use_benefit' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.use_benefit IS
	'Uses a benefit of the member''s tier, within its quota for the period. quantity: how much of it. Errors: LY003; LY004; LY006 no such benefit; LY008 not available to this tier, or used up; LY009.';
