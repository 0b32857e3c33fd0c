-- Reads: right at any time, although nothing has been settled.

CREATE FUNCTION loyalty.balance(member loyalty.key, at timestamptz DEFAULT NULL, program text DEFAULT NULL,
	OUT balance bigint, OUT usable bigint, OUT pending bigint, OUT held bigint, OUT debt bigint)
	AS 'MODULE_PATHNAME', 'read_balance' LANGUAGE c STABLE PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.balance IS
	'A member''s points, now or as of any time (everything that had taken effect by then, settled up to then): balance = usable + pending + held - debt. All 0 before the member joined. Errors: LY004, LY005.';

CREATE FUNCTION loyalty.lots(member loyalty.key, at timestamptz DEFAULT NULL, program text DEFAULT NULL,
	OUT expires_on date, OUT earned_on date, OUT usable_from date, OUT issuer integer, OUT points bigint,
	OUT held bigint, OUT state text, OUT ends_at timestamptz, OUT never_expires boolean)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'read_lots' LANGUAGE c STABLE PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION loyalty.lots IS
	'A member''s open lots in order of use, now or as of any time: free points, points of the same lot that holds reserve, usable or pending, last day and the time at which that day ends. expires_on and ends_at are NULL if the points never expire (never_expires), or if the day is not known until they are confirmed; usable_from is NULL until then. Errors: LY004, LY005.';

-- The same by ids, for the views below.  They are open to PUBLIC, for a view runs
-- them with its reader's rights; the hash is known to those who may read the row.
CREATE FUNCTION loyalty._account_standing(member_id bigint, program_id integer, hash bytea, at timestamptz,
	OUT balance bigint, OUT usable bigint, OUT pending bigint, OUT held bigint, OUT debt bigint)
	AS 'MODULE_PATHNAME', 'read_standing' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty._account_standing IS
	'loyalty.balance by ids, for views; the hash of its last entry shows that the caller may read the account. Error: 42501 another hash.';
CREATE FUNCTION loyalty._account_lots(member_id bigint, program_id integer, hash bytea, at timestamptz,
	OUT expires_on date, OUT earned_on date, OUT usable_from date, OUT issuer integer, OUT points bigint,
	OUT held bigint, OUT state text, OUT ends_at timestamptz, OUT never_expires boolean)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'read_account_lots' LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION loyalty._account_lots IS
	'loyalty.lots by ids, for views; the hash of its last entry shows that the caller may read the account. Error: 42501 another hash.';
CREATE FUNCTION loyalty._account_due(member_id bigint, program_id integer, hash bytea, at timestamptz,
	OUT seq bigint, OUT at timestamptz, OUT kind loyalty.kind, OUT of_ref text, OUT points bigint,
	OUT balance bigint, OUT usable bigint, OUT debt bigint, OUT held bigint, OUT tier text, OUT cause text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'read_due' LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 3;
COMMENT ON FUNCTION loyalty._account_due IS
	'Everything that is due by a time and not settled, as the entries that settling will post; the hash of its last entry shows that the caller may read the account. Error: 42501 another hash.';

CREATE FUNCTION loyalty._present() RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'read_present' LANGUAGE c STABLE PARALLEL SAFE;
COMMENT ON FUNCTION loyalty._present IS
	'The current time, like clock_timestamp, but STABLE, so that an index on due_at can be used.';

-- The same of a row in which nothing has fallen due and nothing is held: in a target
-- list, so that no account is read again and no tuplestore made.  They are open to
-- PUBLIC as well: they show what they are given.
CREATE FUNCTION loyalty._row_lots(account bigint, lots loyalty.lot_queue, balance bigint, debt bigint, inactive_on date, clock_on date, timezone text,
	OUT expires_on date, OUT earned_on date, OUT usable_from date, OUT issuer integer, OUT points bigint,
	OUT held bigint, OUT state text, OUT ends_at timestamptz, OUT never_expires boolean)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'row_lots' LANGUAGE c STABLE PARALLEL SAFE ROWS 8 COST 20;
COMMENT ON FUNCTION loyalty._row_lots IS
	'The lots of an account''s row as rows, for lots_open, if nothing is due and nothing is held. For a corrupted row: no rows and a warning.';
CREATE FUNCTION loyalty._row_expiring(account bigint, lots loyalty.lot_queue, balance bigint, debt bigint, inactive_on date, clock_on date, timezone text,
	OUT expires_on date, OUT ends_at timestamptz, OUT points bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'row_expiring' LANGUAGE c STABLE PARALLEL SAFE ROWS 8 COST 20;
COMMENT ON FUNCTION loyalty._row_expiring IS
	'The points of an account''s row by last day, for points_expiring: like _row_lots, but without lots that never expire.';

-- As in balance(): where nothing has fallen due, the row has the answer.
CREATE VIEW loyalty.balances AS
	SELECT m.key AS member, p.code AS program,
		a.balance, a.usable, a.balance - a.usable - a.held + a.debt AS pending, a.held, a.debt
	FROM loyalty.account a
		JOIN loyalty.member m ON m.id = a.member_id
		JOIN loyalty.program p ON p.id = a.program_id
	WHERE a.due_at > loyalty._present() AND a.clock <= loyalty._present()
	UNION ALL
	SELECT m.key, p.code, f.balance, f.usable, f.pending, f.held, f.debt
	FROM loyalty.account a
		JOIN loyalty.member m ON m.id = a.member_id
		JOIN loyalty.program p ON p.id = a.program_id
		CROSS JOIN LATERAL loyalty._account_standing(a.member_id, a.program_id, a.hash, loyalty._present()) f
	WHERE (a.due_at > loyalty._present() AND a.clock <= loyalty._present()) IS NOT TRUE;
COMMENT ON VIEW loyalty.balances IS 'Every account''s points now: balance = usable + pending + held - debt.';

CREATE VIEW loyalty.lots_open AS
	SELECT w.member, w.program,
		(w.l).expires_on, (w.l).earned_on, (w.l).usable_from, (w.l).issuer, (w.l).points, (w.l).held, (w.l).state, (w.l).ends_at, (w.l).never_expires
	FROM (
		SELECT m.key AS member, p.code AS program,
			loyalty._row_lots(a.id, a.lots, a.balance, a.debt, a.inactive_on, a.clock_on, p.timezone) AS l
		FROM loyalty.account a
			JOIN loyalty.member m ON m.id = a.member_id
			JOIN loyalty.program p ON p.id = a.program_id
		WHERE a.due_at > loyalty._present() AND a.clock <= loyalty._present() AND a.held = 0
	) w
	UNION ALL
	SELECT m.key, p.code,
		l.expires_on, l.earned_on, l.usable_from, l.issuer, l.points, l.held, l.state, l.ends_at, l.never_expires
	FROM loyalty.account a
		JOIN loyalty.member m ON m.id = a.member_id
		JOIN loyalty.program p ON p.id = a.program_id
		CROSS JOIN LATERAL loyalty._account_lots(a.member_id, a.program_id, a.hash, loyalty._present()) l
	WHERE (a.due_at > loyalty._present() AND a.clock <= loyalty._present() AND a.held = 0) IS NOT TRUE;
COMMENT ON VIEW loyalty.lots_open IS 'Every open lot now; columns as loyalty.lots.';

CREATE VIEW loyalty.points_expiring AS
	SELECT w.member, w.program, (w.l).expires_on, (w.l).ends_at, (w.l).points
	FROM (
		SELECT m.key AS member, p.code AS program,
			loyalty._row_expiring(a.id, a.lots, a.balance, a.debt, a.inactive_on, a.clock_on, p.timezone) AS l
		FROM loyalty.account a
			JOIN loyalty.member m ON m.id = a.member_id
			JOIN loyalty.program p ON p.id = a.program_id
		WHERE a.due_at > loyalty._present() AND a.clock <= loyalty._present() AND a.held = 0
	) w
	UNION ALL
	SELECT m.key, p.code, l.expires_on, l.ends_at, sum(l.points)::bigint
	FROM loyalty.account a
		JOIN loyalty.member m ON m.id = a.member_id
		JOIN loyalty.program p ON p.id = a.program_id
		CROSS JOIN LATERAL loyalty._account_lots(a.member_id, a.program_id, a.hash, loyalty._present()) l
	WHERE (a.due_at > loyalty._present() AND a.clock <= loyalty._present() AND a.held = 0) IS NOT TRUE
		AND l.expires_on IS NOT NULL AND l.points > 0
	GROUP BY m.key, p.code, l.expires_on, l.ends_at;
COMMENT ON VIEW loyalty.points_expiring IS 'Free points by last day, with the time at which that day ends. Held points do not expire while they are held.';

CREATE VIEW loyalty.statements AS
	SELECT m.key AS member, p.code AS program, e.account_id AS account, e.seq AS entry, e.at, e.kind,
		e.ref, e.of_ref, e.points, e.balance, e.usable, e.debt, e.held, e.amount, e.reason,
		e.channel, e.store, e.brand, e.attributes, e.clock, e.recorded_at
	FROM loyalty.entry e
		JOIN loyalty.account a ON a.id = e.account_id
		JOIN loyalty.member m ON m.id = a.member_id
		JOIN loyalty.program p ON p.id = a.program_id
	UNION ALL
	SELECT m.key, p.code, a.id, d.seq, d.at, d.kind,
		NULL, d.of_ref, d.points, d.balance, d.usable, d.debt, d.held, NULL, NULL,
		NULL, NULL, NULL, NULL, d.at, NULL
	FROM loyalty.account a
		JOIN loyalty.member m ON m.id = a.member_id
		JOIN loyalty.program p ON p.id = a.program_id
		CROSS JOIN LATERAL loyalty._account_due(a.member_id, a.program_id, a.hash, loyalty._present()) d
	WHERE a.due_at <= loyalty._present();
COMMENT ON VIEW loyalty.statements IS 'All entries in readable form, including those that are due but not settled yet; these have no recorded_at.';

CREATE FUNCTION loyalty._program_named(program text) RETURNS text
	AS 'MODULE_PATHNAME', 'read_program_named' LANGUAGE c STABLE PARALLEL SAFE;
COMMENT ON FUNCTION loyalty._program_named IS
	'Code of the program that a call refers to: the given one, or if it is NULL, the setting loyalty.program or the only program. Errors: LY005.';

CREATE FUNCTION loyalty.statement(member loyalty.key, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, program text DEFAULT NULL)
	RETURNS SETOF loyalty.statements
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT s.* FROM loyalty.statements s
	WHERE s.member = statement.member
		AND s.program = loyalty._program_named(statement.program)
		AND (statement.since IS NULL OR s.at >= statement.since) AND (statement.until IS NULL OR s.at < statement.until)
	ORDER BY s.entry;
END;
COMMENT ON FUNCTION loyalty.statement IS
	'A member''s entries between two times (the first inclusive, the second exclusive), in the order in which they took effect. Needs SELECT on loyalty.statements.';

CREATE VIEW loyalty.points_used AS
	SELECT m.key AS member, p.code AS program,
		pg_catalog.date_trunc('month', e.at AT TIME ZONE p.timezone)::date AS month,
		coalesce(sum(loyalty.total(e.taken)) FILTER (WHERE e.kind OPERATOR(loyalty.=) 'spend'), 0)::bigint AS spent,
		coalesce(sum(loyalty.total(e.source)) FILTER (WHERE e.kind OPERATOR(loyalty.=) 'capture'), 0)::bigint AS captured,
		coalesce(sum(loyalty.total(coalesce(e.taken, e.source))) FILTER (WHERE e.kind OPERATOR(loyalty.<>) 'cancel'), 0)::bigint AS used,
		coalesce(sum(loyalty.total(e.source)) FILTER (WHERE e.kind OPERATOR(loyalty.=) 'cancel'), 0)::bigint AS cancelled
	FROM loyalty.entry e
		JOIN loyalty.account a ON a.id = e.account_id
		JOIN loyalty.member m ON m.id = a.member_id
		JOIN loyalty.program p ON p.id = a.program_id
	WHERE e.kind OPERATOR(loyalty.=) ANY ('{spend,capture,cancel}'::loyalty.kind[])
	GROUP BY m.key, p.code, 3;
COMMENT ON VIEW loyalty.points_used IS 'Points used by member and local month, by kind: spent, captured, and both (used); cancellations have their own column, by the month of the cancellation. Transfers, fees and expiry are not included.';

CREATE FUNCTION loyalty.explain(member loyalty.key, ref loyalty.key, kind loyalty.kind DEFAULT NULL, program text DEFAULT NULL,
	OUT step integer, OUT what text, OUT points bigint, OUT detail text)
	RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH e AS (
		SELECT * FROM loyalty.entries
		WHERE entries.member = explain.member AND entries.ref = explain.ref
			AND entries.program = loyalty._program_named(explain.program)
			AND (explain.kind IS NULL OR entries.kind OPERATOR(loyalty.=) explain.kind)
	), told (seq, rank, what, points, detail) AS (
		SELECT e.seq, 1, e.kind::text, e.points,
			'dated ' || e.at || CASE WHEN e.clock > e.at THEN ', acted ' || e.clock ELSE '' END ||
			coalesce(', ' || e.reason, '') FROM e
		UNION ALL
		SELECT e.seq, 2, 'base', e.computed,
			concat_ws(', ', coalesce(e.amount || ' at ' || e.rate, 'given by hand'), CASE WHEN e.qualifying = 0 THEN 'counts for no tier' END)
		FROM e WHERE e.computed IS NOT NULL AND e.parts IS NULL
		UNION ALL
		SELECT e.seq, 2, coalesce('campaign ' || (o.part ->> 'campaign') || ', ', '') || CASE WHEN e.kind OPERATOR(loyalty.=) 'refund' THEN 'due of ' ELSE '' END || (o.part ->> 'part'),
			coalesce(loyalty._number_in(o.part, 'given'), loyalty._number_in(o.part, 'due')),
			concat_ws(', ',
				CASE o.part ->> 'part' WHEN 'base' THEN e.amount || ' at ' || e.rate WHEN 'tier' THEN o.part ->> 'tier' END,
				CASE WHEN loyalty._number_in(o.part, 'computed') > loyalty._number_in(o.part, 'given') THEN (o.part ->> 'computed') || ' computed; a cap or budget cut the rest' END,
				CASE WHEN o.part ->> 'qualifies' = 'false' THEN 'counts for no tier' END)
		FROM e CROSS JOIN loyalty._objects_in(e.parts) o (part)
		UNION ALL
		SELECT e.seq, 2, 'not ' || r.rule, 0, r.reason
		FROM e CROSS JOIN LATERAL loyalty._rules_missed(explain.member, explain.ref, explain.program) r
		WHERE loyalty._kind_by_rules(e.kind)
		UNION ALL
		SELECT e.seq, 3, 'caps', e.points - e.computed, 'cut to a cap, a budget or the balance cap' FROM e WHERE e.computed > e.points AND e.points >= -1000000000000000000
		UNION ALL
		SELECT e.seq, 4, 'debt paid', loyalty.total(coalesce(e.gained, '{}')) - e.points, 'usable points pay debt first' FROM e
			WHERE loyalty._kind_credits(e.kind) AND e.points > loyalty.total(coalesce(e.gained, '{}'))
		UNION ALL
		SELECT e.seq, 5, 'due', e.due, CASE WHEN e.amount > 0 THEN 'for ' || e.amount || ' back' ELSE 'all of it' END FROM e WHERE e.due IS NOT NULL
		UNION ALL
		SELECT e.seq, 6, 'owed', e.owed, 'became debt' FROM e WHERE e.owed > 0
		UNION ALL
		SELECT e.seq, 7, 'spared', loyalty.total(e.spared), 'had expired: ' || e.spared::text FROM e WHERE e.spared IS NOT NULL
		UNION ALL
		SELECT e.seq, 8, 'written off', e.written_off, 'spent, by the program''s on_spent_return' FROM e WHERE e.written_off > 0
		UNION ALL
		SELECT e.seq, 9, 'made good', e.made_good, 'kept for what returns had written off' FROM e WHERE e.made_good > 0
		UNION ALL
		SELECT e.seq, 10, 'tier', 0, e.tier || ': ' || e.cause || coalesce(', to ' || e.computed_last_day, '') FROM e WHERE e.cause IS NOT NULL
		UNION ALL
		SELECT e.seq, 10, 'expired', e.expired, 'its last day was over' FROM e WHERE e.expired > 0
		UNION ALL
		SELECT e.seq, 11, 'from lots', -loyalty.total(e.taken), e.taken::text FROM e WHERE e.taken IS NOT NULL
		UNION ALL
		SELECT e.seq, 12, 'to lots', loyalty.total(e.gained), e.gained::text FROM e WHERE e.gained IS NOT NULL
		UNION ALL
		SELECT e.seq, 13 + later.seq, later.kind::text, later.points,
			'entry ' || later.seq || coalesce(' "' || later.ref || '"', '') || ', dated ' || later.at
		FROM e JOIN loyalty.entries later ON later.account_id = e.account_id AND later.of_seq = e.seq
	)
	SELECT row_number() OVER (ORDER BY told.seq, told.rank)::integer, told.what, told.points, told.detail
	FROM told ORDER BY told.seq, told.rank;
END;
COMMENT ON FUNCTION loyalty.explain IS
	'How the posting with this ref got its points, or each of them if postings of several kinds have it (kind: only this one): how much each rule gave; how much caps, debt and expiry took; which lots were used; and what happened to the posting since.';
