-- Who may do what, and what nobody may.
\ir setup.psql

CREATE ROLE tap_nobody;
CREATE ROLE tap_poster;
CREATE ROLE tap_loader;
CREATE ROLE tap_blind_loader;
GRANT USAGE ON SCHEMA loyalty TO tap_nobody, tap_poster, tap_loader, tap_blind_loader;

SELECT shop('tap', '{}', '{a,b}', '2024-01-01');
SELECT t('prepared', $$award('a', 100, 'w1', at => '2025-01-01')$$, '+100 to 100, 100 usable');
SELECT t('prepared', $$hold('a', 10, 'h1', until => 'infinity', at => '2025-01-01')$$, '0 to 100, 90 usable');

-- What a role gets from a call; `ok` without an error.  Its effects are taken back.
CREATE FUNCTION tap.as_role(who text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text := 'ok';
BEGIN
	BEGIN
		PERFORM set_config('role', who, true);
		IF call ~* '^(insert|update|delete|truncate|select|copy|call|with) ?' THEN
			EXECUTE call;
		ELSE
			EXECUTE 'SELECT ' || call;
		END IF;
		RAISE EXCEPTION USING ERRCODE = 'TAP01';
	EXCEPTION
		WHEN SQLSTATE 'TAP01' THEN NULL;
		WHEN OTHERS THEN answer := 'error ' || SQLSTATE;
	END;
	RETURN answer;
END $$;

-- USAGE on the schema is nothing --------------------------------------------------------------------------
SELECT t('with USAGE alone: ' || call, format('as_role(%L, %L)', 'tap_nobody', call), 'error 42501')
FROM unnest(ARRAY[
	$$loyalty.enroll('c')$$, $$loyalty.purchase('a', 1, 'x')$$, $$loyalty.award('a', 1, 'x')$$, $$loyalty.confirm('a', 'w1', 'w1')$$, $$loyalty.spend('a', 1, 'x')$$,
	$$loyalty.hold('a', 1, 'x')$$, $$loyalty.capture('a', 'h1', 'h1')$$, $$loyalty.release('a', 'h1', 'h1')$$, $$loyalty.refund('a', 'w1', 'x')$$, $$loyalty.cancel('a', 'h1', 'x')$$,
	$$loyalty.adjust('a', 1, 'x')$$, $$loyalty.extend('a', '2030-01-01', 'x')$$, $$loyalty.reinstate('a', 1, '2030-01-01', 'x')$$, $$loyalty.transfer('a', 'b', 1, 'x')$$,
	$$loyalty.freeze('a', 'all', 'x')$$, $$loyalty.unfreeze('a', 'x')$$, $$loyalty.settle('a')$$, $$loyalty.erase('a')$$, 'CALL loyalty.sweep()',
	$$SELECT * FROM loyalty.balance('a')$$, $$SELECT * FROM loyalty.lots(member => 'a')$$, $$SELECT * FROM loyalty.statement('a')$$, $$SELECT * FROM loyalty.explain('a', 'w1')$$,
	$$SELECT * FROM loyalty.verify()$$, $$SELECT * FROM loyalty.verify('a')$$]) AS call;
SELECT t('with USAGE alone: no reading of ' || relname, format('as_role(%L, %L)', 'tap_nobody', 'SELECT FROM loyalty.' || quote_ident(relname)), 'error 42501')
FROM pg_class WHERE relnamespace = 'loyalty'::regnamespace AND relkind IN ('r', 'v', 'm', 'p') ORDER BY relname;
SELECT t('with USAGE alone: no inserting into ' || relname, format('as_role(%L, %L)', 'tap_nobody', format('INSERT INTO loyalty.%I DEFAULT VALUES', relname)), 'error 42501')
FROM pg_class WHERE relnamespace = 'loyalty'::regnamespace AND relkind = 'r'
	OR relname = ANY ('{enrollments,purchases,awards,confirmations,spends,holds,captures,releases,refunds,cancellations,adjustments,extensions,reinstatements,transfers,freezes,unfreezes}')
	AND relnamespace = 'loyalty'::regnamespace ORDER BY relname;
SELECT t('PUBLIC has no privilege on any table, view or sequence', $$(SELECT coalesce(string_agg(relname, ' '), 'none') FROM pg_class, aclexplode(relacl) x
	WHERE relnamespace = 'loyalty'::regnamespace AND x.grantee = 0)$$, 'none');

-- EXECUTE ---------------------------------------------------------------------------------------------------
SELECT t('EXECUTE is revoked from PUBLIC on all that is volatile', $$(SELECT coalesce(string_agg(p.oid::regprocedure::text, ' '), 'all') FROM pg_proc p
	WHERE pronamespace = 'loyalty'::regnamespace AND provolatile = 'v' AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
	AND (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) x WHERE x.grantee = 0)))$$, 'all');
SELECT t('all that posts is volatile and parallel unsafe', $$(SELECT coalesce(string_agg(p.oid::regprocedure::text, ' '), 'all') FROM pg_proc p
	WHERE pronamespace = 'loyalty'::regnamespace AND prorettype = 'loyalty.receipt'::regtype AND (provolatile, proparallel) <> ('v', 'u'))$$, 'all');
SELECT t('no function is SECURITY DEFINER', $$(SELECT coalesce(string_agg(p.oid::regprocedure::text, ' '), 'none') FROM pg_proc p
	WHERE pronamespace = 'loyalty'::regnamespace AND prosecdef)$$, 'none');
-- A procedure that commits can have no SET: it names schemas itself.
SELECT t('every function has its search_path, or is C, or has an SQL-standard body', $$(SELECT coalesce(string_agg(p.oid::regprocedure::text, ' '), 'every') FROM pg_proc p
	WHERE pronamespace = 'loyalty'::regnamespace AND NOT (prokind = 'p' AND prosrc ~ '\mCOMMIT;') AND prolang NOT IN (SELECT oid FROM pg_language WHERE lanname IN ('c', 'internal'))
	AND prosqlbody IS NULL AND NOT EXISTS (SELECT FROM unnest(proconfig) c WHERE c LIKE 'search_path=%'))$$, 'every');
SELECT t('the procedure that commits is safe from types that a search_path puts before the system''s', $$after(ARRAY[
	'CREATE SCHEMA evil', 'CREATE DOMAIN evil.timestamptz AS text CHECK (VALUE = ''x'')', 'CREATE DOMAIN evil.record AS text', 'CREATE DOMAIN evil.interval AS text', 'SET LOCAL search_path = evil, pg_catalog, tap, public'],
	'CALL loyalty.sweep(lag => interval ''1000 years'')')$$, 'error 2D000');	-- it gets as far as its COMMIT
SELECT t('every object of the schema belongs to the extension', $$(SELECT coalesce(string_agg(format('%s %s', c, o), ' '), 'every') FROM (
	SELECT 'pg_proc'::regclass, oid, oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'loyalty'::regnamespace
	UNION ALL SELECT 'pg_class', oid, relname FROM pg_class WHERE relnamespace = 'loyalty'::regnamespace AND relkind IN ('r', 'v', 'm', 'p', 'S')
	UNION ALL SELECT 'pg_type', oid, typname FROM pg_type WHERE typnamespace = 'loyalty'::regnamespace AND typcategory <> 'A'
		AND NOT EXISTS (SELECT FROM pg_class k WHERE k.oid = typrelid AND k.relkind <> 'c')) AS x(c, id, o)
	WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = c AND d.objid = id AND d.deptype = 'e'))$$, 'every');

GRANT EXECUTE ON FUNCTION loyalty.award TO tap_poster;
SELECT t('EXECUTE on award is enough to award', $$as_role('tap_poster', $q$loyalty.award('a', 1, 'x', at => '2025-01-02')$q$)$$, 'ok');
SELECT t('it is not enough to spend', $$as_role('tap_poster', $q$loyalty.spend('a', 1, 'x', at => '2025-01-02')$q$)$$, 'error 42501');
SELECT t('nor to read', $$as_role('tap_poster', 'SELECT FROM loyalty.account')$$, 'error 42501');
SELECT t('nor to insert through the view', $$as_role('tap_poster', $q$INSERT INTO loyalty.awards (member, points, ref) VALUES ('a', 1, 'x')$q$)$$, 'error 42501');
GRANT SELECT, INSERT ON loyalty.awards TO tap_loader;
SELECT t('INSERT on awards is enough to insert', $$as_role('tap_loader', $q$INSERT INTO loyalty.awards (member, points, ref, at) VALUES ('a', 1, 'x', '2025-01-02')$q$)$$, 'ok');
SELECT t('INSERT and SELECT are enough for RETURNING', $$as_role('tap_loader', $q$INSERT INTO loyalty.awards (member, points, ref, at) VALUES ('a', 1, 'x', '2025-01-02') RETURNING entry, balance, usable$q$)$$, 'ok');
SELECT t('they are not enough to call award', $$as_role('tap_loader', $q$loyalty.award('a', 1, 'x', at => '2025-01-02')$q$)$$, 'error 42501');
SELECT t('nor to write the tables', $$as_role('tap_loader', $q$INSERT INTO loyalty.entry DEFAULT VALUES$q$)$$, 'error 42501');
SELECT t('nor to insert into another view', $$as_role('tap_loader', $q$INSERT INTO loyalty.spends (member, points, ref) VALUES ('a', 1, 'x')$q$)$$, 'error 42501');
GRANT INSERT ON loyalty.awards TO tap_blind_loader;
SELECT t('without SELECT: insert', $$as_role('tap_blind_loader', $q$INSERT INTO loyalty.awards (member, points, ref, at) VALUES ('a', 1, 'x', '2025-01-02')$q$)$$, 'ok');
SELECT t('without SELECT: no RETURNING', $$as_role('tap_blind_loader', $q$INSERT INTO loyalty.awards (member, points, ref, at) VALUES ('a', 1, 'x', '2025-01-02') RETURNING balance$q$)$$, 'error 42501');

-- The functions behind the views are PUBLIC's, and ask for the hash of the account (test/security/reads.sql) --------
SELECT t('SELECT on a view is enough to read it: ' || granted,
	format('after(ARRAY[%L], %L)', format('GRANT SELECT ON loyalty.%I TO tap_nobody', granted), format('as_role(%L, %L)', 'tap_nobody', format('SELECT * FROM loyalty.%I', granted))), 'ok')
FROM unnest('{balances,lots_open,points_expiring,statements,points_used,awarded_parts,campaign_report,purchases}'::text[]) AS granted;

-- Comments ------------------------------------------------------------------------------------------------------
SELECT t('every table and view has a COMMENT', $$(SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), 'every') FROM pg_class
	WHERE relnamespace = 'loyalty'::regnamespace AND relkind IN ('r', 'v', 'm', 'p') AND obj_description(oid, 'pg_class') IS NULL)$$, 'every');
SELECT t('every column of a view or type has a COMMENT', $$(SELECT coalesce(string_agg(c.relname || '.' || a.attname, ' '), 'every') FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	WHERE relnamespace = 'loyalty'::regnamespace AND relkind IN ('v', 'r', 'c') AND attnum > 0 AND NOT attisdropped AND col_description(c.oid, attnum) IS NULL)$$, 'every');
SELECT t('every function has a COMMENT', $$(SELECT coalesce(string_agg(oid::regprocedure::text, ' '), 'every') FROM pg_proc
	WHERE pronamespace = 'loyalty'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL)$$, 'every');
SELECT t('every type has a COMMENT', $$(SELECT coalesce(string_agg(typname, ' '), 'every') FROM pg_type y
	WHERE typnamespace = 'loyalty'::regnamespace AND typcategory <> 'A' AND obj_description(oid, 'pg_type') IS NULL
	AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = y.typrelid AND relkind <> 'c'))$$, 'every');

-- Nobody writes the journal but posting -----------------------------------------------------------------------------
SELECT t('refused to the owner too: ' || statement, format('dry(%L)', statement), 'error LY012')
FROM unnest(ARRAY[
	'UPDATE loyalty.account SET balance = balance', 'UPDATE loyalty.account SET balance = 0 WHERE false', 'DELETE FROM loyalty.account', 'TRUNCATE loyalty.account',
	'UPDATE loyalty.entry SET points = points', 'DELETE FROM loyalty.entry WHERE false', 'DELETE FROM loyalty.entry', 'TRUNCATE loyalty.entry', 'TRUNCATE loyalty.entry CASCADE',
	'UPDATE loyalty.hold SET points = points', 'DELETE FROM loyalty.hold', 'TRUNCATE loyalty.hold',
	'DELETE FROM loyalty.member', 'TRUNCATE loyalty.member', 'DELETE FROM loyalty.program', 'TRUNCATE loyalty.program',
	'WITH gone AS (DELETE FROM loyalty.entry RETURNING 1) UPDATE loyalty.account SET seq = 0']) AS statement;
SELECT t('refused by the view itself: ' || statement, format('dry(%L)', statement), 'error LY012')
FROM unnest('{awards,enrollments,holds}'::text[]) AS relation,
	LATERAL (VALUES (format('UPDATE loyalty.%I SET member = member', relation)), (format('DELETE FROM loyalty.%I', relation))) AS v(statement);
SELECT t('every insertable view refuses UPDATE and DELETE by a trigger of its own', $$(SELECT count(*) FROM
	unnest('{enrollments,purchases,awards,confirmations,spends,holds,captures,releases,refunds,cancellations,adjustments,extensions,reinstatements,transfers,freezes,unfreezes}'::text[]) AS relation
	WHERE (SELECT bit_or(tgtype) & (4 + 8 + 16 + 64) FROM pg_trigger WHERE tgrelid = format('loyalty.%I', relation)::regclass AND tgtype & 64 <> 0) = 92)$$, '16');
SELECT t('a non-owner: ' || statement, format('as_role(%L, %L)', 'tap_loader', statement), 'error 42501')
FROM unnest(ARRAY['INSERT INTO loyalty.account DEFAULT VALUES', 'INSERT INTO loyalty.entry DEFAULT VALUES', 'INSERT INTO loyalty.hold DEFAULT VALUES', 'INSERT INTO loyalty.member DEFAULT VALUES',
	'UPDATE loyalty.account SET balance = 0', 'DELETE FROM loyalty.entry', 'TRUNCATE loyalty.entry', 'UPDATE loyalty.program SET base_rate = 100', 'UPDATE loyalty.awards SET points = 1']) AS statement;

-- Row security -----------------------------------------------------------------------------------------------------
CREATE FUNCTION tap.under_rls(relation text, call text) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT after(ARRAY[format('ALTER TABLE loyalty.%I ENABLE ROW LEVEL SECURITY', relation)], call)
$$;
SELECT t('row security on ' || relation || ' applies to the caller: ' || call,
	format('under_rls(%L, %L)', relation, format('as_role(%L, %L)', who, call)), 'error LY015')
FROM unnest('{account,entry}'::text[]) AS relation, (VALUES ('tap_poster', $$loyalty.award('a', 1, 'x', at => '2025-01-02')$$),
	('tap_loader', $$INSERT INTO loyalty.awards (member, points, ref, at) VALUES ('a', 1, 'x', '2025-01-02')$$)) AS v(who, call);
SELECT t('row security on ' || relation || ' does not apply to a superuser', format('under_rls(%L, %L)', relation, $$dry($q$award('a', 1, 'x', at => '2025-01-02')$q$)$$), 'ok')
FROM unnest('{account,entry}'::text[]) AS relation;
SELECT t('without row security again', $$as_role('tap_poster', $q$loyalty.award('a', 1, 'x', at => '2025-01-02')$q$)$$, 'ok');

-- Erasing personal data ----------------------------------------------------------------------------------------------
SELECT t('erase: ' || what, call, want) FROM (VALUES
('a member with personal data', $$(enroll('mrs x', joined_on => '2024-05-05', birthday => '02-29', attributes => '{"mail": "x@example.org"}', tags => '["vip"]', at => '2025-01-01')).points$$, '0'),
('and points', $$award('mrs x', 5, 'w1', at => '2025-01-02')$$, '+5 to 5, 5 usable'),
('they are kept as given', $$(SELECT concat_ws(' ', joined_on, birthday, attributes, tags, erased_at) FROM loyalty.member WHERE key = 'mrs x')$$, '2024-05-05 02-29 {"mail": "x@example.org"} ["vip"]'),
('erased', $$(SELECT 'done' FROM erase('mrs x'))$$, 'done'),
('nothing personal is left', $$(SELECT count(*) FROM loyalty.member WHERE key = 'mrs x' OR attributes::text ~ 'example')$$, '0'),
('the key is erased:<id>, the rest is cleared', $$(SELECT bool_and(key = 'erased:' || id AND birthday IS NULL AND attributes = '{}' AND tags = '[]') FROM loyalty.member WHERE erased_at IS NOT NULL)$$, 'true'),
('the ledger stays whole', $$(SELECT count(*) FROM verify())$$, '0'),
('the name is unknown', $$spend('mrs x', 1, 's1')$$, 'error LY004')
) AS v(what, call, want);

SELECT sound();
SELECT finish();
ROLLBACK;
