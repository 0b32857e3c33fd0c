-- What a member sees, and what is told of campaigns.

CREATE FUNCTION loyalty._period_start(period text, day date) RETURNS date
	AS 'MODULE_PATHNAME', 'period_start_sql' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty._period_start IS
	'First day of the day, week (from Monday), month or year around a day; -infinity for ever.';

CREATE FUNCTION loyalty.tier_status(member loyalty.key, at timestamptz DEFAULT NULL, program text DEFAULT NULL,
	OUT tier text, OUT last_day date, OUT computed_tier text, OUT computed_last_day date, OUT reached_on date, OUT as_of date)
	AS 'MODULE_PATHNAME', 'tier_status' LANGUAGE c STABLE PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.tier_status IS
	'A member''s tier in force with its last day (NULL: it has no end), and the computed tier apart from grants, now or as of any time. as_of is the local day of that time. Errors: LY004, LY005.';

CREATE FUNCTION loyalty.tier_progress(member loyalty.key, at timestamptz DEFAULT NULL, program text DEFAULT NULL,
	OUT purpose text, OUT tier text, OUT needs text, OUT metric text, OUT have numeric, OUT need numeric)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'tier_progress' LANGUAGE c STABLE PARALLEL SAFE ROWS 4;
COMMENT ON FUNCTION loyalty.tier_progress IS
	'A member''s progress towards tiers, by metric. next: to the next higher tier, in the current window. keep: to keep the computed tier, in the window that its review will use. needs: whether any or all of the metrics must be met. Errors: LY004, LY005.';

CREATE FUNCTION loyalty.member_benefits(member loyalty.key, at timestamptz DEFAULT NULL, program text DEFAULT NULL,
	OUT code text, OUT name text, OUT settings jsonb, OUT quota bigint, OUT period text, OUT used bigint, OUT "left" bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'member_benefits' LANGUAGE c STABLE PARALLEL SAFE ROWS 5;
COMMENT ON FUNCTION loyalty.member_benefits IS
	'The benefits of a member''s tier: settings, quota per period, how much is used in the period that contains at, and how much remains (NULL: no limit). Errors: LY004, LY005.';

CREATE FUNCTION loyalty.member_card(member loyalty.key, at timestamptz DEFAULT NULL, program text DEFAULT NULL,
	OUT tier text, OUT tier_last_day date, OUT usable bigint, OUT pending bigint, OUT held bigint, OUT debt bigint,
	OUT next_tier text, OUT progress numeric, OUT to_next jsonb, OUT to_keep jsonb, OUT keep_progress numeric, OUT expiring jsonb, OUT benefits jsonb)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH steps AS (
		SELECT p.purpose, p.tier, p.needs, p.metric, p.have, p.need,
			greatest(p.need - p.have, 0) AS missing,
			least(greatest(round(p.have / p.need, 4), 0), 1) AS fraction
		FROM loyalty.tier_progress(member_card.member, member_card.at, member_card.program) p
	), ways AS (
		SELECT s.purpose, min(s.tier) AS tier,
			CASE min(s.needs) WHEN 'all' THEN min(s.fraction) ELSE max(s.fraction) END AS fraction,
			jsonb_agg(jsonb_build_object('metric', s.metric, 'have', s.have, 'need', s.need,
				'missing', s.missing, 'fraction', s.fraction) ORDER BY s.metric) AS metrics
		FROM steps s GROUP BY s.purpose
	)
	SELECT t.tier, t.last_day, b.usable, b.pending, b.held, b.debt,
		n.tier, n.fraction, n.metrics, k.metrics, k.fraction,
		(SELECT jsonb_agg(jsonb_build_object('on', l.expires_on, 'points', l.points) ORDER BY l.expires_on)
			FROM (SELECT o.expires_on, sum(o.points) AS points
				FROM loyalty.lots(member_card.member, member_card.at, member_card.program) o
				WHERE o.expires_on IS NOT NULL AND o.points > 0
				GROUP BY o.expires_on ORDER BY o.expires_on LIMIT 3) l),
		(SELECT jsonb_agg(jsonb_build_object('code', f.code, 'name', f.name, 'quota', f.quota, 'left', f."left") ORDER BY f.code)
			FROM loyalty.member_benefits(member_card.member, member_card.at, member_card.program) f)
	FROM loyalty.balance(member_card.member, member_card.at, member_card.program) b
		CROSS JOIN loyalty.tier_status(member_card.member, member_card.at, member_card.program) t
		LEFT JOIN ways n ON n.purpose = 'next'
		LEFT JOIN ways k ON k.purpose = 'keep';
END;
COMMENT ON FUNCTION loyalty.member_card IS
	'Data for a member''s home page: the tier and its last day; usable, pending and held points, and debt; the next tier, with the progress (0 to 1, for a progress bar) and what is missing of each metric; the same for keeping the current tier; the next three expiries; the benefits and how much of each remains. Needs EXECUTE on balance, lots, tier_status, tier_progress and member_benefits. Errors: LY004, LY005.';

-- Only a grant, its end, and what has a cause changes a tier; by member and program, so
-- that a reader's condition on them comes before the windows; what has fallen due and is
-- not settled is there as well.
CREATE VIEW loyalty.tier_history AS
	SELECT c.member, c.program, c.tier, c.at AS since,
		lead(c.at) OVER (PARTITION BY c.member, c.program ORDER BY c.seq) AS until, c.cause, c.of_ref, c.seq AS entry
	FROM (
		SELECT t.*, lag(t.tier) OVER (PARTITION BY t.member, t.program ORDER BY t.seq) AS before
		FROM (
			SELECT m.key AS member, p.code AS program, e.seq, e.clock AS at, e.tier,
				coalesce(CASE e.kind WHEN 'grant_tier' THEN 'grant' WHEN 'end_grant' THEN 'grant ended' END, e.cause) AS cause,
				coalesce(e.ref, e.of_ref) AS of_ref
			FROM loyalty.entry e
				JOIN loyalty.account a ON a.id = e.account_id
				JOIN loyalty.member m ON m.id = a.member_id
				JOIN loyalty.program p ON p.id = a.program_id
			WHERE e.cause IS NOT NULL OR e.kind OPERATOR(loyalty.=) ANY ('{grant_tier,end_grant}'::loyalty.kind[])
			UNION ALL
			SELECT m.key, p.code, d.seq, d.at, d.tier, d.cause, d.of_ref
			FROM loyalty.account a
				JOIN loyalty.member m ON m.id = a.member_id
				JOIN loyalty.program p ON p.id = a.program_id
				CROSS JOIN LATERAL loyalty._account_due(a.member_id, a.program_id, a.hash, loyalty._present()) d
			WHERE a.due_at <= loyalty._present()
		) t
	) c
	WHERE c.tier IS DISTINCT FROM c.before;
COMMENT ON VIEW loyalty.tier_history IS 'Tiers in force, one after another without overlap, including changes that are due but not settled yet: since when, until when (NULL: still), why (joined, reached, review, return, grant, grant ended), and the ref of the posting that changed it.';

CREATE FUNCTION loyalty._account_tier(member_id bigint, program_id integer, hash bytea, at timestamptz,
	OUT tier text, OUT since timestamptz, OUT last_day date)
	AS 'MODULE_PATHNAME', 'read_account_tier' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty._account_tier IS
	'The tier in force of an account as of a time, by ids, for tiers_held; the hash of its last entry shows that the caller may read the account. Error: 42501 another hash.';

CREATE FUNCTION loyalty.tiers_held(at timestamptz DEFAULT NULL, program text DEFAULT NULL,
	OUT member text, OUT program_code text, OUT tier text, OUT since timestamptz, OUT last_day date)
	RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT m.key, p.code, t.tier, t.since, t.last_day
	FROM loyalty.account a
		JOIN loyalty.member m ON m.id = a.member_id
		JOIN loyalty.program p ON p.id = a.program_id
		CROSS JOIN LATERAL loyalty._account_tier(a.member_id, a.program_id, a.hash, coalesce(tiers_held.at, clock_timestamp())) t
	WHERE t.tier IS NOT NULL
		AND (tiers_held.program IS NULL OR p.code = tiers_held.program);
END;
COMMENT ON FUNCTION loyalty.tiers_held IS
	'All members who hold a tier, now or as of any time, including changes that are due but not settled yet: the tier in force, since when, and its last day (NULL: it has no end). Needs SELECT on account, member and program. Errors: LY005, LY015.';

-- In a target list they make no tuplestore for each entry; the names are joined
-- beneath, where conditions on them are pushed to.
CREATE FUNCTION loyalty._parts_in(parts jsonb, entry_computed bigint, points bigint, entry_due bigint,
	OUT part text, OUT campaign text, OUT computed bigint, OUT given bigint, OUT due bigint, OUT written_off bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'parts_in' LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 2;
COMMENT ON FUNCTION loyalty._parts_in IS
	'The parts of an entry as rows; for an entry without parts, one row with the part base. Invalid data is omitted.';
CREATE FUNCTION loyalty._campaign_parts(parts jsonb, kind loyalty.kind,
	OUT campaign text, OUT rule text, OUT orders bigint, OUT points bigint, OUT taken_back bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'campaign_parts' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 1;
COMMENT ON FUNCTION loyalty._campaign_parts IS
	'The campaigns'' share of an entry: a row for each rule that gave points, and one for the whole campaign (rule NULL).';

CREATE FUNCTION loyalty._may_have_campaign(parts jsonb) RETURNS boolean
	AS 'MODULE_PATHNAME', 'may_have_campaign' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty._may_have_campaign IS
	'Whether the word campaign occurs anywhere in the parts of an entry. If not, no part refers to a campaign.';

CREATE VIEW loyalty.awarded_parts AS
	SELECT w.member, w.program, w.account, w.entry, w.at, w.kind, w.ref, w.of_ref,
		(w.o).part, (w.o).campaign, (w.o).computed,
		CASE WHEN w.kind OPERATOR(loyalty.=) 'refund' THEN -(w.o).due ELSE (w.o).given END AS points,
		coalesce((w.o).written_off, 0) AS written_off
	FROM (
		SELECT m.key AS member, p.code AS program, e.account_id AS account, e.seq AS entry, e.at, e.kind,
			e.ref, e.of_ref, loyalty._parts_in(e.parts, e.computed, e.points, e.due) AS o
		FROM loyalty.entry e
			JOIN loyalty.account a ON a.id = e.account_id
			JOIN loyalty.member m ON m.id = a.member_id
			JOIN loyalty.program p ON p.id = a.program_id
		WHERE e.kind OPERATOR(loyalty.=) ANY ('{purchase,activity,refund}'::loyalty.kind[])
	) w;
COMMENT ON VIEW loyalty.awarded_parts IS 'Points by rule: each part of a purchase or activity, and the points due for its returns (negative). part: base, tier, or the code of the rule.';

CREATE FUNCTION loyalty.in_pilot(code text, member_id bigint, percent integer) RETURNS boolean
	AS 'MODULE_PATHNAME', 'in_pilot_sql' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.in_pilot IS
	'Whether a member is in the pilot of a campaign (given by its code) or of a rule (rule: and its code). Uses the first four bytes of SHA-256 over code, colon, member id, modulo 100; NULL percent: all members.';

-- One pass over the journal for all campaigns; first by account, to count members, and
-- only then is it asked whose program the account is in.
CREATE VIEW loyalty.campaign_report AS
	SELECT p.code AS program, c.code AS campaign, c.status, r.rule,
		coalesce(r.members, 0) AS members, coalesce(r.orders, 0) AS orders, coalesce(r.points, 0) AS points,
		coalesce(r.taken_back, 0) AS taken_back, coalesce(r.points - r.taken_back, 0) AS cost, c.budget, b.spent
	FROM loyalty.campaign c
		JOIN loyalty.program p ON p.id = c.program_id
		LEFT JOIN loyalty.budget b ON b.id = c.id
		LEFT JOIN (
			SELECT a.program_id, o.campaign, o.rule, count(*) FILTER (WHERE o.orders > 0) AS members,
				sum(o.orders)::bigint AS orders, sum(o.points)::bigint AS points, sum(o.taken_back)::bigint AS taken_back
			FROM (
				SELECT w.account_id, (w.o).campaign, (w.o).rule, sum((w.o).orders) AS orders,
					sum((w.o).points) AS points, sum((w.o).taken_back) AS taken_back
				FROM (
					SELECT e.account_id, loyalty._campaign_parts(e.parts, e.kind) AS o
					FROM loyalty.entry e
					WHERE e.parts IS NOT NULL AND loyalty._may_have_campaign(e.parts)
						AND e.kind OPERATOR(loyalty.=) ANY ('{purchase,activity,refund}'::loyalty.kind[])
				) w
				GROUP BY w.account_id, (w.o).campaign, (w.o).rule
			) o JOIN loyalty.account a ON a.id = o.account_id
			GROUP BY a.program_id, o.campaign, o.rule
		) r ON r.program_id = c.program_id AND r.campaign = c.code;
COMMENT ON VIEW loyalty.campaign_report IS 'Results of campaigns: a row for each rule that gave points, and one for the whole campaign (rule NULL), with the number of members, of orders and activities, the points given, taken back by returns, and their difference (cost), the budget and the points spent from it.';

CREATE VIEW loyalty.campaign_pilot AS
	SELECT p.code AS program, c.code AS campaign, s.in_pilot, count(*) AS members,
		count(*) FILTER (WHERE s.orders > 0) AS buyers, sum(s.orders)::bigint AS orders,
		coalesce(sum(s.spend), 0) AS spend, sum(s.points)::bigint AS points,
		round(coalesce(sum(s.spend), 0) / count(*), 2) AS spend_per_member
	FROM loyalty.campaign c
		JOIN loyalty.program p ON p.id = c.program_id
		CROSS JOIN LATERAL (
			SELECT loyalty.in_pilot(c.code, a.member_id, c.pilot_percent) AS in_pilot,
				count(e.seq) FILTER (WHERE e.kind OPERATOR(loyalty.=) 'purchase') AS orders,
				sum(CASE e.kind WHEN 'purchase' THEN e.amount ELSE -e.amount END) AS spend,
				coalesce(sum(e.points), 0) AS points
			FROM loyalty.account a
				LEFT JOIN loyalty.entry e ON e.account_id = a.id AND e.kind OPERATOR(loyalty.=) ANY ('{purchase,refund}'::loyalty.kind[])
					AND e.at >= coalesce(c.starts_at, '-infinity') AND e.at < coalesce(c.ends_at, 'infinity')
			WHERE a.program_id = p.id
			GROUP BY a.member_id
		) s
	WHERE c.pilot_percent IS NOT NULL
	GROUP BY p.code, c.code, s.in_pilot;
COMMENT ON VIEW loyalty.campaign_pilot IS 'Members inside and outside the pilot of a campaign, during the campaign: members, buyers, orders, net amount, points, amount per member.';
