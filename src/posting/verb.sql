-- The calls that post.  All in C, by one path; each also takes at (when it happened;
-- default now) and program (default: the setting loyalty.program, or the only one).

CREATE FUNCTION loyalty.enroll(member loyalty.key, program text DEFAULT NULL, at timestamptz DEFAULT NULL, joined_on date DEFAULT NULL, birthday text DEFAULT NULL, attributes jsonb DEFAULT NULL, tags jsonb DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_enroll' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.enroll IS
	'Enroll a member in a program: the member is made where the key is new, and the account where there is none. Known by member and program: again is a repeat. joined_on: local day of at. birthday: MM-DD. attributes: an object; tags: an array; all three are the member''s and can be erased. Kind enroll, entry 1.';

CREATE FUNCTION loyalty.purchase(member loyalty.key, amount numeric, ref loyalty.key, lines jsonb DEFAULT NULL, channel text DEFAULT NULL, store text DEFAULT NULL, attributes jsonb DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL, brand text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_purchase' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.purchase IS
	'Post an order: points for the amount of money, at the program''s rate or block rule, one rounding per order. lines: [{"sku": "A", "quantity": 2, "amount": 10.00}, ...] that add up to the amount, kept for returns by line. Errors: LY002 frozen for earning, LY003, LY004, LY009; 22023 for amounts below 0 or lines that do not add up.';

CREATE FUNCTION loyalty.activity(member loyalty.key, activity text, ref loyalty.key, attributes jsonb DEFAULT NULL, channel text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL, store text DEFAULT NULL, brand text DEFAULT NULL, amount numeric DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_activity' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.activity IS
	'Post what a member did: registration, review, check-in, or any code that the shop defines, with an amount where it has one. Points are what rules for the activity say; without any it is posted with none. Errors: LY002 frozen for earning, LY003, LY004, LY009, LY017 a rule failed.';

CREATE FUNCTION loyalty.award(member loyalty.key, points bigint, ref loyalty.key, reason text DEFAULT NULL, expires_on date DEFAULT NULL, pending boolean DEFAULT false, at timestamptz DEFAULT NULL, program text DEFAULT NULL, attributes jsonb DEFAULT NULL, channel text DEFAULT NULL, store text DEFAULT NULL, brand text DEFAULT NULL, qualifies boolean DEFAULT true) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_award' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.award IS
	'Give points by hand or by an application''s own rule. expires_on: last usable day instead of the program''s policy (infinity: never). pending: not usable for the program''s pending_days, or, where it has none, until confirmed. qualifies: false, and its points do not count for tiers. Cut to the balance cap. Errors: LY002, LY003, LY004, LY009.';

CREATE FUNCTION loyalty.confirm(member loyalty.key, ref loyalty.key, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_confirm' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.confirm IS
	'Make the pending points of a purchase or award usable today: what returns have left of them; their expiry starts today. ref: of the purchase or award. Errors: LY006 no such posting, LY007 not pending any more, LY009.';

CREATE FUNCTION loyalty.spend(member loyalty.key, points bigint, ref loyalty.key, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL, attributes jsonb DEFAULT NULL, channel text DEFAULT NULL, store text DEFAULT NULL, brand text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_spend' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.spend IS
	'Spend usable points, first in order of use first. Errors: LY001 not enough, LY002 frozen for spending, LY003, LY004, LY009.';

CREATE FUNCTION loyalty.hold(member loyalty.key, points bigint, ref loyalty.key, until timestamptz DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL, reason text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_hold' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.hold IS
	'Reserve usable points until a time (default and longest: the program''s hold_limit; infinity: an operator''s hold, points frozen without end). Over at its end whether or not a job has run. Errors: LY001, LY002, LY003, LY008 beyond hold_limit, LY009.';

CREATE FUNCTION loyalty.capture(member loyalty.key, ref loyalty.key, points bigint DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_capture' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.capture IS
	'Spend what a hold reserves (default all), its first slices first, and end it; the rest is free again. ref: of the hold. Errors: LY002, LY006, LY007 already ended or more than is held, LY009.';

CREATE FUNCTION loyalty.release(member loyalty.key, ref loyalty.key, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_release' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.release IS
	'End a hold; its points are free again, and pay debt first. ref: of the hold. Errors: LY006, LY007 already ended, LY009.';

CREATE FUNCTION loyalty.refund(member loyalty.key, of_ref loyalty.key, ref loyalty.key, amount numeric DEFAULT NULL, lines jsonb DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL, reason text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_refund' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.refund IS
	'Take back points of a purchase for money that goes back: an amount, or lines ([{"line": 1, "quantity": 1}] or [{"line": 1, "amount": 5.00}]; "sku" may stand for "line"), or, with neither, all the rest; of an award all. Taken from its own lots first; spent points go by the program''s on_spent_return. Errors: LY006, LY007 more than is left, LY009, LY010.';

CREATE FUNCTION loyalty.cancel(member loyalty.key, of_ref loyalty.key, ref loyalty.key, points bigint DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL, reason text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_cancel' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.cancel IS
	'Undo a spend, or a captured hold by the hold''s ref: points (default all that is left) go back to their lots, last taken first. A lot that has expired meanwhile gets cancel_grace_days. Errors: LY006, LY007 more than is left, LY009.';

CREATE FUNCTION loyalty.adjust(member loyalty.key, points bigint, ref loyalty.key, reason text DEFAULT NULL, allow_debt boolean DEFAULT false, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_adjust' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.adjust IS
	'Correct a balance up (a lot by the program''s policy, never pending) or down (usable points; beyond them only with allow_debt). Errors: LY001, LY003, LY004, LY009.';

CREATE FUNCTION loyalty.extend(member loyalty.key, last_day date, ref loyalty.key, reason text DEFAULT NULL, expiring_on date DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_extend' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.extend IS
	'Give usable lots that end before a day that last day; with expiring_on only those of one last day. Held points move with their lot; undated lots stay undated, the account''s date moves on. Errors: 22023 where the day is not after today, LY003, LY004.';

CREATE FUNCTION loyalty.reinstate(member loyalty.key, points bigint, last_day date, ref loyalty.key, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_reinstate' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.reinstate IS
	'Bring back expired points with a new last day, latest expired first: at most what expired and was neither reinstated nor spared to a return. Errors: LY007 more than that, LY003, LY004.';

CREATE FUNCTION loyalty.transfer(member loyalty.key, to_member loyalty.key, points bigint, ref loyalty.key, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_transfer' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.transfer IS
	'Move usable points to another member of the program, with all that their lots are; the sender''s receipt. Errors: LY001, LY002 either side frozen, LY004, LY008 a yearly limit, membership or the receiver''s cap, LY011 to oneself or in debt.';

CREATE FUNCTION loyalty.rename_member(member loyalty.key, to_member loyalty.key, ref loyalty.key, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_rename_member' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.rename_member IS
	'Give a member another key. Each account of the member gets an entry of kind rename; neither key is in it. Errors: 23505 the new key is taken, 22023 it is reserved, LY003, LY004.';

CREATE FUNCTION loyalty.freeze(member loyalty.key, mode text, ref loyalty.key, reason text DEFAULT NULL, until timestamptz DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_freeze' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.freeze IS
	'Freeze an account: spending, earning or all; it replaces the freeze in force. until: its end, by itself. Errors: 22023 unknown mode, LY003, LY004.';

CREATE FUNCTION loyalty.unfreeze(member loyalty.key, ref loyalty.key, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_unfreeze' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.unfreeze IS
	'Lift the freeze in force. Errors: LY007 not frozen, LY003, LY004.';

CREATE FUNCTION loyalty.grant_tier(member loyalty.key, tier text, last_day date, ref loyalty.key, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL, first_day date DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_grant_tier' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.grant_tier IS
	'Grant a tier: a paid membership, a gift, a trial. From a local day (default: that of at) to the end of another (NULL: without end). In force is the higher of what is granted and what is computed. Kind grant. Errors: LY003, LY004, LY006 no such tier, LY009.';

CREATE FUNCTION loyalty.end_grant(member loyalty.key, of_ref loyalty.key, ref loyalty.key, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_end_grant' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.end_grant IS
	'End a granted tier now, or before it began. of_ref: of the grant. Errors: LY003, LY004, LY006 no such grant, LY007 it has ended, LY009.';

CREATE FUNCTION loyalty.use_benefit(member loyalty.key, benefit text, ref loyalty.key, quantity bigint DEFAULT 1, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS loyalty.receipt
	AS 'MODULE_PATHNAME', 'post_use_benefit' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.use_benefit IS
	'Use so much of a benefit that the member''s tier has, within its quota for the period. Errors: LY003, LY004, LY006 no such benefit, LY008 not for this tier or used up, LY009.';
