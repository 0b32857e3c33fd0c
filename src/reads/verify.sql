-- verify: replay, hash chain, gaps, account against journal, holds against account.

CREATE FUNCTION loyalty._verify_account(member_id bigint, program_id integer,
	OUT account_id bigint, OUT entry bigint, OUT field text, OUT stored text, OUT expected text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'verify_account' LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10000 ROWS 1;
COMMENT ON FUNCTION loyalty._verify_account IS
	'verify for one account, by ids.';

CREATE FUNCTION loyalty._verify_all_rows(
	OUT account_id bigint, OUT entry bigint, OUT field text, OUT stored text, OUT expected text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'verify_all_rows' LANGUAGE c STABLE PARALLEL SAFE ROWS 1;
COMMENT ON FUNCTION loyalty._verify_all_rows IS
	'Part of verify: returns no rows; an error if row security would hide a part of the ledger. Error: LY015.';

-- No SET: both are inlined.  _verify_account stands in a target list, where the
-- planner reckons with its cost and runs it in parallel.
CREATE FUNCTION loyalty.verify(member loyalty.key, program text DEFAULT NULL,
	OUT account_id bigint, OUT entry bigint, OUT field text, OUT stored text, OUT expected text)
	RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT v.account_id, v.entry, v.field, v.stored, v.expected
	FROM loyalty.account a
		JOIN loyalty.member m ON m.id = a.member_id
		LEFT JOIN loyalty.program p ON p.id = a.program_id
		CROSS JOIN LATERAL loyalty._verify_account(a.member_id, a.program_id) v
	WHERE m.key = verify.member AND (verify.program IS NULL OR p.code = verify.program)
	UNION ALL
	SELECT r.account_id, r.entry, r.field, r.stored, r.expected FROM loyalty._verify_all_rows() r;
END;
COMMENT ON FUNCTION loyalty.verify(loyalty.key, text) IS
	'Replays a member''s accounts (of one program, or all) from their entries and returns a row for each difference: account, entry (NULL: the account''s row), field, stored value, expected value. No rows if the ledger is correct.';

CREATE FUNCTION loyalty.verify(
	OUT account_id bigint, OUT entry bigint, OUT field text, OUT stored text, OUT expected text)
	RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT r.account_id, r.entry, r.field, r.stored, r.expected FROM loyalty._verify_all_rows() r
	UNION ALL
	SELECT (s.v).account_id, (s.v).entry, (s.v).field, (s.v).stored, (s.v).expected
	FROM (SELECT loyalty._verify_account(a.member_id, a.program_id) AS v FROM loyalty.account a) s
	UNION ALL
	SELECT a.id, NULL, 'member_id', a.member_id::text, 'a member'
	FROM loyalty.account a WHERE NOT EXISTS (SELECT FROM loyalty.member m WHERE m.id = a.member_id)
	UNION ALL
	SELECT a.id, NULL, o.name, o.tier, 'a tier of the program'
	FROM loyalty.account a CROSS JOIN LATERAL (VALUES ('tier', a.tier), ('computed_tier', a.computed_tier)) o (name, tier)
	WHERE o.tier IS NOT NULL
		AND NOT EXISTS (SELECT FROM loyalty.tier t WHERE t.program_id = a.program_id AND t.code = o.tier)
	UNION ALL
	SELECT a.id, NULL, 'id', a.id::text, 'one account of that number'
	FROM loyalty.account a GROUP BY a.id HAVING count(*) > 1
	UNION ALL
	SELECT e.account_id, e.seq, 'account_id', e.account_id::text, 'an account'
	FROM loyalty.entry e WHERE NOT EXISTS (SELECT FROM loyalty.account a WHERE a.id = e.account_id)
	UNION ALL
	SELECT NULL, NULL, 'budget ' || coalesce(b.id, c.id), b.spent::text, coalesce(c.points, 0)::text
	FROM loyalty.budget b
		FULL JOIN (
			SELECT loyalty._number_in(o.charge, 'id') AS id, sum(loyalty._number_in(o.charge, 'points')) AS points
			FROM loyalty.entry e CROSS JOIN LATERAL loyalty._objects_in(e.charges) o (charge)
			WHERE e.charges IS NOT NULL AND NOT o.charge ? 'on'
			GROUP BY 1
		) c ON c.id = b.id
	WHERE b.spent IS DISTINCT FROM coalesce(c.points, 0)
	UNION ALL
	SELECT NULL, NULL, o.name || '.program_id', o.program_id::text, 'a program'
	FROM (
		SELECT 'rule ' || r.code AS name, r.program_id FROM loyalty.rule r
		UNION ALL SELECT 'campaign ' || c.code, c.program_id FROM loyalty.campaign c
		UNION ALL SELECT 'tier ' || t.code, t.program_id FROM loyalty.tier t
	) o
	WHERE NOT EXISTS (SELECT FROM loyalty.program p WHERE p.id = o.program_id)
	UNION ALL
	SELECT NULL, NULL, 'rule ' || r.code || '.campaign', r.campaign, 'a campaign'
	FROM loyalty.rule r
	WHERE r.campaign IS NOT NULL
		AND NOT EXISTS (SELECT FROM loyalty.campaign c WHERE c.program_id = r.program_id AND c.code = r.campaign)
	UNION ALL
	SELECT u.account_id, NULL, 'usage.account_id', u.account_id::text, 'an account'
	FROM loyalty.usage u WHERE NOT EXISTS (SELECT FROM loyalty.account a WHERE a.id = u.account_id)
	UNION ALL
	SELECT t.account_id, NULL, 'tally.account_id', t.account_id::text, 'an account'
	FROM loyalty.tally t WHERE NOT EXISTS (SELECT FROM loyalty.account a WHERE a.id = t.account_id AND a.tallied)
	UNION ALL
	SELECT h.account_id, h.seq, 'hold.account_id', h.account_id::text, 'an account with points held'
	FROM loyalty.hold h WHERE NOT EXISTS (SELECT FROM loyalty.account a WHERE a.id = h.account_id AND a.held > 0);
END;
COMMENT ON FUNCTION loyalty.verify() IS
	'verify for all accounts, and for rows that belong to no account, member or program.';
