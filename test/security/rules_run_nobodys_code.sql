-- What the role that writes the rulebook could do with types, functions, operators,
-- settings and replacements of its own.  Each of these worked before the closed list.
\ir ../pgtap/setup.psql

SELECT shop('mk', '{}', '{anna,bob}', '2024-01-01');
CREATE ROLE marketing;
CREATE ROLE till;
CREATE SCHEMA mk AUTHORIZATION marketing;
GRANT USAGE ON SCHEMA loyalty, tap TO marketing, till;
GRANT USAGE ON SCHEMA mk TO PUBLIC;
GRANT INSERT, UPDATE, DELETE, SELECT ON loyalty.rules, loyalty.campaigns, loyalty.tiers TO marketing;
GRANT EXECUTE ON FUNCTION loyalty.preview_for TO marketing;
GRANT EXECUTE ON FUNCTION loyalty.purchase, loyalty.preview TO till;
-- It counts what ran: no rollback takes that back.
CREATE SEQUENCE tap.ran;
GRANT USAGE ON SEQUENCE tap.ran TO PUBLIC;
CREATE FUNCTION tap.times_run() RETURNS bigint LANGUAGE sql AS 'SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM tap.ran';

SET LOCAL ROLE marketing;
CREATE FUNCTION mk.evil(v numeric) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$BEGIN
	PERFORM nextval('tap.ran');
	RETURN true;
END$$;
CREATE DOMAIN mk.d AS numeric CHECK (mk.evil(VALUE));
CREATE DOMAIN mk.words AS text CHECK (mk.evil(1));
CREATE TYPE mk.pair AS (a mk.d, b mk.d);
CREATE TYPE mk.mood AS ENUM ('good', 'bad');
CREATE TABLE mk.rows (a mk.d);
CREATE TYPE mk.span AS RANGE (SUBTYPE = numeric);
CREATE FUNCTION mk.f(numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS $$BEGIN PERFORM mk.evil(1); RETURN $1; END$$;
CREATE FUNCTION mk.of_pair(mk.pair) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM mk.evil(1); RETURN 1; END';
CREATE FUNCTION mk.steal(numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS $$BEGIN PERFORM mk.evil(1); PERFORM set_config('search_path', 'mk', false); RETURN $1; END$$;
CREATE FUNCTION mk.gt(numeric, numeric) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RETURN mk.evil(1); END$$;
CREATE OPERATOR mk.> (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = mk.gt);
CREATE CAST (mk.mood AS text) WITH INOUT AS IMPLICIT;
CREATE COLLATION mk.odd (LOCALE = 'C');
CREATE AGGREGATE mk.agg(numeric) (SFUNC = numeric_add, STYPE = numeric);
CREATE TEMP TABLE date (a mk.d);
RESET ROLE;

-- What marketing writes; the answer, and that nothing of hers ran.
CREATE FUNCTION tap.written(settings text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	BEGIN
		PERFORM set_config('role', 'marketing', true);
		EXECUTE settings;
		PERFORM set_config('role', 'none', true);
		answer := 'written';
		PERFORM loyalty.purchase('anna', 10.00, 'attack', at => '2025-01-01');
		RAISE EXCEPTION USING ERRCODE = 'TAP01';
	EXCEPTION
		WHEN SQLSTATE 'TAP01' THEN NULL;
		WHEN OTHERS THEN
			PERFORM set_config('role', 'none', true);
			answer := SQLSTATE;
	END;
	RETURN answer;
END $$;
SELECT is(written(format('INSERT INTO loyalty.rules (code, points, condition) VALUES (%L, %L, %L)', 'r', points, condition)), 'LY017', 'refused: ' || what)
FROM (VALUES
('a cast to a domain', 'amount::mk.d', NULL),
('a constant of a domain', '1::mk.d', NULL),
('CAST', 'CAST(amount AS mk.d)', NULL),
('a literal of a domain', $$mk.d '1'$$, NULL),
('the call of a domain', 'mk.d(amount)', NULL),
('the call of a domain with a literal', $$mk.d('1')$$, NULL),
('an array of a domain', 'ARRAY[amount]::mk.d[] = ARRAY[1]::mk.d[]', NULL),
('a literal of an array of a domain', $$('{1}'::mk.d[])[1]$$, NULL),
('a domain over text', $$length(channel::mk.words)$$, NULL),
('a domain within a condition', '1', 'amount::mk.d > 1'),
('a literal of a composite', $$('(1,2)'::mk.pair).a$$, NULL),
('a row cast to a composite', $$(ROW(1, 2)::mk.pair).a$$, NULL),
('a composite compared', '1', $$'(1,2)'::mk.pair = '(1,2)'::mk.pair$$),
('the row type of a table', $$('(1)'::mk.rows).a$$, NULL),
('the call of a composite with a literal', $$length(mk.pair('(1,2)')::text)$$, NULL),
('an enum', '1', $$'good'::mk.mood = 'good'$$),
('a range of one''s own', '1', $$'[1,2]'::mk.span @> 1.5$$),
('a function', 'mk.f(amount)', NULL),
('a function of a constant', 'mk.f(1)', NULL),
('a function whose argument''s literal would run first', $$mk.of_pair('(1,2)')$$, NULL),
('a function by its name in quotes', '"mk"."f"(amount)', NULL),
('a function by named argument', 'mk.f("x" => amount)', NULL),
('a function called like a field', '(amount).f', NULL),
('an operator', '1', 'amount OPERATOR(mk.>) 1'),
('an operator over a set', '1', 'amount OPERATOR(mk.>) ANY (ARRAY[1, 2])'),
('a collation', '1', 'channel COLLATE mk.odd > ''a'''),
('settings', 'mk.steal(amount)', NULL),
('settings, folded', 'mk.steal(1)', NULL),
('an aggregate', 'mk.agg(amount)', NULL),
('a name of the catalog', $$length('pg_authid'::regclass::text)$$, NULL),
('a function''s name', $$length('mk.f'::regproc::text)$$, NULL),
('a role''s name', $$length('postgres'::regrole::text)$$, NULL),
('a row of the catalog', $$length('(1)'::pg_catalog.pg_proc::text)$$, NULL),
('a domain of information_schema', '1', $$length('x'::information_schema.sql_identifier::text) = 1$$),
('xml', $$length(xmlelement(name a)::text)$$, NULL),
('a setting', $$length(current_setting('is_superuser'))$$, NULL),
('the user', $$length(current_user::text)$$, NULL),
('a table as xml', $$length(table_to_xml('pg_authid', true, true, '')::text)$$, NULL)
) AS v(what, points, condition);
SELECT is(written($$INSERT INTO loyalty.rules (code, points) VALUES ('r', '(SELECT count(*) FROM pg_authid)')$$), '0A000', 'refused: a subquery');
SELECT is(written($$INSERT INTO loyalty.rules (code, points) VALUES ('r', 'generate_series(1, 3)')$$), '0A000', 'refused: a set');
SELECT is(times_run(), 0::bigint, 'none of it ran');
SELECT is(written($$INSERT INTO loyalty.rules (code, points, condition) VALUES ('r', 'floor(amount)', 'local_date >= date ''2025-01-01''')$$), 'written', 'a temporary table does not stand in for a type');

-- The same, restored by a COPY that nobody checks: it is refused when it is used, and does not run.
CREATE FUNCTION tap.restored(points text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	BEGIN
		INSERT INTO loyalty.rule (program_id, code, status, effect, scope, points, author) SELECT id, 'restored', 'active', 'bonus', 'order', restored.points, 'postgres' FROM loyalty.program WHERE code = 'mk';
		answer := tap.got($q$purchase('anna', 10.00, 'restored', at => '2025-01-01')$q$) || ' | ' || tap.got($q$(preview('anna', 10.00)).points$q$)
			|| ' | ' || tap.got($q$(preview_for('{}', 10.00)).points$q$);
		RAISE EXCEPTION USING ERRCODE = 'TAP01';
	EXCEPTION WHEN SQLSTATE 'TAP01' THEN RETURN regexp_replace(answer, ': [^|]*', '', 'g');
	END;
END $$;
SELECT is(restored(points), 'error LY017| error LY017| error LY017', 'restored, and refused: ' || points)
FROM unnest(ARRAY['amount::mk.d', $$mk.d '1'$$, 'mk.f(amount)', $$mk.of_pair('(1,2)')$$, $$length(repeat('x', 1000000000))$$]) AS points;
SELECT is(times_run(), 0::bigint, 'none of it ran');

-- A function that replaces another of the same rule, which is running, and previews again.
RESET ROLE;
CREATE SCHEMA vouched;
CREATE FUNCTION vouched.g(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
CREATE FUNCTION vouched.change() RETURNS void VOLATILE LANGUAGE plpgsql AS $$BEGIN
	CREATE OR REPLACE FUNCTION vouched.g(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
	PERFORM loyalty.preview('bob', 10);
END$$;
CREATE FUNCTION vouched.once(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$BEGIN
	IF current_setting('tap.inner', true) = 'on' THEN RETURN true; END IF;
	PERFORM set_config('tap.inner', 'on', true);
	PERFORM vouched.change();
	RETURN true;
END$$;
SELECT allow_function('vouched.g(text)'), allow_function('vouched.once(text)');
INSERT INTO rules (code, points, condition)
VALUES ('crash', '5', $$vouched.once(channel) AND vouched.g(channel) AND channel || repeat('w', 10000) <> repeat('w', 10000)$$);
SELECT t('replaced while it runs: ' || n, $$(preview('anna', 10, channel => 'web')).points$$, '15') FROM generate_series(1, 3) AS n;
SELECT is(current_setting('tap.inner', true), '', 'what it set is undone');
DELETE FROM rules WHERE code = 'crash';

-- A made-up member, for whoever may not see members.
INSERT INTO tiers (code, rank, multiplier, points) VALUES ('gold', 2, 2, 1000);
INSERT INTO rules (code, points, condition) VALUES ('vip', '7', $$member.tags ? 'vip'$$), ('city', '11', $$member.attributes ->> 'city' = 'Rome'$$), ('third', '13', 'orders = 2'), ('birthday', '17', 'is_birthday'), ('rich', '19', 'balance >= 1000');
SELECT t('made up: ' || what, format('(preview_for(%L, 10.00, at => ''2025-03-01 12:00Z'')).points', facts), want) FROM (VALUES
('somebody new', '{}', '10'),
('of a tier', '{"tier": "gold"}', '20'),
('with a tag', '{"tags": ["vip", "x"]}', '17'),
('with attributes', '{"attributes": {"city": "Rome"}}', '21'),
('before the third order', '{"orders": 2}', '23'),
('on the birthday', '{"birthday": "03-01"}', '27'),
('rich', '{"balance": 1000}', '29'),
('all of it', '{"tier": "gold", "tags": ["vip"], "attributes": {"city": "Rome"}, "orders": 2, "birthday": "03-01", "balance": 5000}', '87'),
('an unknown fact', '{"colour": "red"}', 'error 22023'),
('a fact of the event', '{"amount": 1}', 'error 22023'),
('a fact of the wrong type', '{"orders": "many"}', 'error 22P02'),
('tags that are no array', '{"tags": "vip"}', 'error 22023'),
('an unknown tier', '{"tier": "diamond"}', 'error LY006'),
('no object', '[1]', 'error 22023')
) AS v(what, facts, want);
SELECT t('made up: NULL', '(preview_for(NULL, 10.00)).points', 'error 22004');
SET LOCAL ROLE marketing;
SELECT is((SELECT points FROM loyalty.preview_for('{"tier": "gold"}', 10.00)), 20::bigint, 'marketing may preview for nobody');
SELECT throws_ok($$SELECT loyalty.preview('anna', 10.00)$$, '42501', NULL, 'and not for somebody');
RESET ROLE;

SELECT sound();
SELECT finish();
ROLLBACK;
