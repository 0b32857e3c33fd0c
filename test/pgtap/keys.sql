-- Keys and refs of any type that a driver may send, and the names of arguments.
\ir setup.psql

SELECT shop('keys', '{"base_rate": 1}', '{7,a}', '2024-12-01');
CREATE TEMP TABLE ids (i2 smallint, i4 integer, i8 bigint, u uuid, v varchar, n name, c char(8), t text);
INSERT INTO ids VALUES (7, 7, 7, 'c0ffee00-0000-4000-8000-000000000000', '7', '7', '7', '7');
SELECT t('integers as key and ref', $$purchase(7, 19.90, 55, at => '2025-01-01')$$, '+19 to 19, 19 usable');
SELECT t('the same as texts is a repeat', $$purchase('7', 19.90, '55', at => '2025-01-01')$$, '+19 to 19, 19 usable; repeat');
SELECT t('of type ' || name, format($$(SELECT show(award(%I, 1, %L || %I, at => '2025-01-02')) FROM ids)$$, name, name, name), format('+1 to %s, %s usable', 19 + n, 19 + n))
FROM unnest('{i2,i4,i8,v,n,c,t}'::text[]) WITH ORDINALITY AS f(name, n) ORDER BY n;
SELECT t('a char(n) is not padded', $$(SELECT string_agg(ref, ' ' ORDER BY entry) FROM awards WHERE member = '7')$$, 'i27 i47 i87 v7 n7 c7 t7');
SELECT t('a uuid', call, want) FROM (VALUES
($$(SELECT show(enroll(u, at => '2025-01-01')) FROM ids)$$, '0 to 0, 0 usable'),
($$(SELECT show(award(u, 5, u, at => '2025-01-02')) FROM ids)$$, '+5 to 5, 5 usable'),
($$(SELECT balance FROM ids, balance(u))$$, '5')) AS v(call, want);
SELECT t('every read takes a number: ' || call, format('(SELECT count(*) >= 0 FROM %s)', call), 'true') FROM (VALUES
('balance(7)'), ('lots(7)'), ('statement(7)'), ('explain(7, 55)'), ('tier_status(7)'), ('tier_progress(7)'), ('member_benefits(7)'),
('member_card(7)'), ('preview(7, 1)'), ('_rules_missed(7, 55)'), ('verify(7)')) AS v(call);
SELECT t('and so does every call: ' || verb, format('(SELECT count(*) FROM pg_proc, unnest(proargnames, proargtypes::oid[]) AS a(name, type) WHERE pronamespace = ''loyalty''::regnamespace AND proname = %L AND name IN (''member'', ''ref'', ''of_ref'', ''to_member'') AND type <> ''loyalty.key''::regtype)', verb), '0')
FROM verbs WHERE position = 1 ORDER BY verb;
SELECT t('views take them, too', $$INSERT INTO purchases (member, amount, ref, at) VALUES (7, 5, 56, '2025-01-03')$$, '1 rows');
PREPARE untyped AS SELECT balance FROM loyalty.balance($1);
SELECT t('a parameter without a type is a key', $$(SELECT parameter_types[1] = 'loyalty.key'::regtype FROM pg_prepared_statements WHERE name = 'untyped')$$, 'true');
SELECT t('NULL is refused', $$award(NULL::bigint, 1, 'x')$$, 'error 22004');
SELECT t('a double is no key', $$award(7.5::float8, 1, 'x')$$, 'error 42883');

-- at comes before program in every function, member first.
SELECT t('one order of arguments', $$(SELECT coalesce(string_agg(p.oid::regprocedure::text, ' '), 'all') FROM pg_proc p
	WHERE pronamespace = 'loyalty'::regnamespace AND array_position(proargnames, 'program') < array_position(proargnames, 'at')
		AND array_position(proargnames, 'at') <= pronargs AND proname <> 'enroll' AND proname <> 'track')$$, 'all');
-- since, until and at are times; first_day and last_day are days; no name needs quotes.
SELECT t('a name means one type', $$(SELECT coalesce(string_agg(DISTINCT concat(p.proname, ' ', a.name), ' '), 'all') FROM pg_proc p, unnest(proargnames, coalesce(proallargtypes, proargtypes::oid[])) AS a(name, type)
	WHERE pronamespace = 'loyalty'::regnamespace AND proname <> 'track' AND (name IN ('since', 'until', 'at') AND type <> 'timestamptz'::regtype OR name IN ('first_day', 'last_day') AND type <> 'date'::regtype))$$, 'all');
SELECT t('no parameter needs quotes', $$(SELECT coalesce(string_agg(DISTINCT concat(p.proname, ' ', a.name), ' '), 'all') FROM pg_proc p, unnest(proargnames[:pronargs]) AS a(name)
	WHERE pronamespace = 'loyalty'::regnamespace AND quote_ident(name) <> name AND name NOT IN ('table', 'array'))$$, 'all');
SELECT t('a type and a function have names of their own', $$(SELECT coalesce(string_agg(name, ' '), 'all') FROM (
	SELECT DISTINCT proname::text AS name FROM pg_proc WHERE pronamespace = 'loyalty'::regnamespace
	INTERSECT SELECT typname FROM pg_type WHERE typnamespace = 'loyalty'::regnamespace AND typtype = 'b') AS both_names)$$, 'all');
SELECT sound();
SELECT finish();
ROLLBACK;
