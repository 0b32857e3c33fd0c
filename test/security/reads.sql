-- Reads: views over our views, direct calls of what they are made of, row security.
\ir ../pgtap/setup.psql

SELECT shop('reads', '{"expiry": "30 days"}', '{anna,ben}', '2024-01-01');
SELECT award('anna', 100, 'w1', at => '2024-01-02'), award('ben', 40, 'w1', at => now());
SELECT hold('ben', 10, 'h1', until => 'infinity');
CREATE ROLE reports;
CREATE ROLE branch;
CREATE ROLE nobody;
GRANT USAGE ON SCHEMA loyalty, tap TO reports, branch, nobody;
GRANT SELECT ON loyalty.balances, loyalty.lots_open, loyalty.points_expiring, loyalty.statements TO reports;
SET LOCAL ROLE reports;
RESET ROLE;
GRANT CREATE ON SCHEMA tap TO reports;
SET LOCAL ROLE reports;
CREATE VIEW tap.b_balances AS SELECT * FROM loyalty.balances WHERE member = 'ben';
CREATE VIEW tap.b_lots WITH (security_barrier) AS SELECT * FROM loyalty.lots_open WHERE member = 'ben';
CREATE VIEW tap.b_expiring AS SELECT * FROM loyalty.points_expiring WHERE member = 'ben';
CREATE VIEW tap.b_statements AS SELECT * FROM loyalty.statements;
CREATE VIEW tap.twice AS SELECT * FROM tap.b_balances;
CREATE VIEW tap.invoker WITH (security_invoker) AS SELECT * FROM loyalty.balances;
CREATE MATERIALIZED VIEW tap.kept AS SELECT * FROM loyalty.balances;
GRANT SELECT ON tap.b_balances, tap.b_lots, tap.b_expiring, tap.b_statements, tap.twice, tap.kept, tap.invoker TO branch;
RESET ROLE;
CREATE FUNCTION tap.as_role(role text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	PERFORM set_config('role', role, true);
	answer := tap.got(call);
	PERFORM set_config('role', 'none', true);
	RETURN answer;
END $$;
SELECT t('views over views: ' || what, format('as_role(%L, %L)', role, call), want) FROM (VALUES
('the DBA''s own reader', 'reports', '(SELECT balance FROM loyalty.balances WHERE member = ''ben'')', '40'),
('a view over balances', 'branch', '(SELECT balance FROM tap.b_balances)', '40'),
('over that view', 'branch', '(SELECT balance FROM tap.twice)', '40'),
('over lots_open', 'branch', '(SELECT sum(points) FROM tap.b_lots)', '30'),
('over points_expiring', 'branch', '(SELECT sum(points) FROM tap.b_expiring)', '30'),
('over statements, with what fell due and nobody settled', 'branch', '(SELECT string_agg(kind::text, '' '' ORDER BY entry) FROM tap.b_statements WHERE member = ''anna'')', 'enroll award expire'),
('materialized', 'branch', '(SELECT balance FROM tap.kept WHERE member = ''ben'')', '40'),
('one that runs as its reader', 'branch', '(SELECT balance FROM tap.invoker WHERE member = ''ben'')', 'error 42501'),
('not the views themselves', 'branch', '(SELECT balance FROM loyalty.balances WHERE member = ''ben'')', 'error 42501'),
('nor the tables', 'branch', '(SELECT count(*) FROM loyalty.account)', 'error 42501')
) AS v(what, role, call, want);
SELECT t('refreshed', $$after('{REFRESH MATERIALIZED VIEW tap.kept}', $q$(SELECT balance FROM tap.kept WHERE member = 'ben')$q$)$$, '40');

-- What the views are made of, called by somebody who may read nothing.
SELECT t(format('a direct call: %s with %s', f, what), format('as_role(''nobody'', %L)',
	format('(SELECT count(*) FROM loyalty.%I((%s), (%s), %s, now()))', f, a.member_id, a.program_id, v.hash)), 'error 42501')
FROM unnest('{_account_standing,_account_lots,_account_due,_account_tier}'::text[]) AS f, tap.account_of('ben') AS a,
	(VALUES ('no bytes', $$'\x'::bytea$$), ('zeros', $$pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex')$$), ('a byte short', $$pg_catalog.decode(pg_catalog.repeat('ab', 31), 'hex')$$)) AS v(what, hash);
SELECT t('a direct call of one whom nobody has', $$as_role('nobody', '(SELECT count(*) FROM loyalty._account_lots(999999, 1, ''\x'', now()))')$$, '0');
SELECT t('NULL answers nothing', format('as_role(''nobody'', %L)', format('(SELECT balance FROM loyalty._account_standing(%s, %s, NULL, now()))', member_id, program_id)), 'null') FROM tap.account_of('ben');
SELECT t('rows of a row show what they are given, whoever''s number it bears', format('as_role(''nobody'', %L)',
	format($$(SELECT concat(count(*), ' ', sum(points)) FROM loyalty._row_lots(%s, '{3 until never earned 2025-01-01}', 3, 0, NULL, '2025-01-01', 'UTC'))$$, (SELECT id FROM account a WHERE (a.member_id, a.program_id) = (o.member_id, o.program_id)))), '1 3') FROM tap.account_of('ben') AS o;
SELECT t('rules_missed asks for the journal', $$as_role('nobody', '(SELECT count(*) FROM loyalty._rules_missed(''ben'', ''w1''))')$$, 'error 42501');

-- A leaky function of the reader's does not see rows that a barrier hides.
CREATE TABLE tap.seen (member text);
GRANT INSERT ON tap.seen TO branch;
CREATE FUNCTION tap.leak(text) RETURNS boolean COST 0.0001 LANGUAGE plpgsql AS $$BEGIN INSERT INTO tap.seen VALUES ($1); RETURN true; END$$;
SELECT t('through a security barrier', $$as_role('branch', '(SELECT count(*) FROM tap.b_lots WHERE tap.leak(member))')$$, '1');
SELECT is((SELECT string_agg(DISTINCT member, ' ') FROM tap.seen), 'ben', 'only what it shows is seen');

-- Row security: refused by whatever reads by row, and by verify, which would miss what is hidden.
CREATE ROLE shop;
GRANT USAGE ON SCHEMA loyalty TO shop;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA loyalty TO shop;
GRANT SELECT ON ALL TABLES IN SCHEMA loyalty TO shop;
ALTER TABLE loyalty.account DISABLE TRIGGER guard;
CREATE FUNCTION tap.under_rls(relation text, role text, call text, force boolean) RETURNS text LANGUAGE sql AS $$
	SELECT tap.after(ARRAY[format('ALTER TABLE loyalty.%I ENABLE ROW LEVEL SECURITY', relation),
		format('ALTER TABLE loyalty.%I %s ROW LEVEL SECURITY', relation, CASE WHEN force THEN 'FORCE' ELSE 'NO FORCE' END),
		'UPDATE loyalty.account SET orders = 7'], format('as_role(%L, %L)', role, call))
$$;
SELECT t(format('row security of %s: %s', relation, call), format('under_rls(%L, %L, %L, %L)', relation, 'shop', call, force), 'error LY015')
FROM unnest('{account,entry}'::text[]) AS relation, unnest('{f,t}'::boolean[]) AS force, unnest(ARRAY[
	$$(SELECT count(*) FROM loyalty.verify())$$, $$(SELECT count(*) FROM loyalty.verify('ben'))$$, $$(SELECT balance FROM loyalty.balance('ben', at => '2024-01-05'))$$,
	$$(SELECT count(*) FROM loyalty.lots(member => 'ben', at => '2024-01-05'))$$, $$(loyalty.award('ben', 1, 'x')).points$$]) AS call
WHERE NOT (relation = 'entry' AND call ~ 'balance|lots');
SELECT t(format('row security of %s: %s', relation, call), format('under_rls(%L, %L, %L, false)', relation, 'shop', call), 'error LY015')
FROM unnest('{hold,member,program,tally,usage}'::text[]) AS relation, unnest(ARRAY[$$(SELECT count(*) FROM loyalty.verify())$$]) AS call
WHERE relation NOT IN ('member', 'program');
SELECT t('a superuser sees the difference', format('under_rls(%L, %L, %L, true)', 'account', 'postgres', $$(SELECT count(*) > 0 FROM loyalty.verify('ben'))$$), 'true');
SELECT t('it is as it was', $$(SELECT count(*) FROM verify())$$, '0');

SELECT sound();
SELECT finish();
ROLLBACK;
