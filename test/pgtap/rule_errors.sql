-- What a rule can get wrong: at writing time, at run time, and whose rights it has (S4, S31, findings 6).
\ir setup.psql

SELECT shop('err', '{"timezone": "Europe/Berlin"}', '{a,b}', '2024-01-01');
INSERT INTO tiers (code, rank, points) VALUES ('gold', 1, 100000);
INSERT INTO campaigns (code, status) VALUES ('camp', 'running');
INSERT INTO rules (code, points) VALUES ('old', '1');
CREATE TABLE tap.hidden (n numeric);
INSERT INTO tap.hidden VALUES (7);
CREATE FUNCTION tap.bonus(numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT $1 / 10';
SELECT loyalty.allow_function('tap.bonus(numeric)', 'the tests');
CREATE FUNCTION tap.fickle(numeric) RETURNS numeric VOLATILE LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION tap.steady(numeric) RETURNS numeric STABLE LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION tap.many(numeric) RETURNS SETOF numeric IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE AGGREGATE tap.own_sum(numeric) (SFUNC = numeric_add, STYPE = numeric);
CREATE TYPE tap.pair AS (x int, y int);

-- The state and message with which a row of loyalty.rules is refused, and which rule it names.
CREATE FUNCTION tap.refused(settings jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	said text;
	context text;
	before text := (SELECT string_agg(r::text, E'\n' ORDER BY id) FROM loyalty.rule r) || (SELECT count(*) FROM loyalty.budget);
BEGIN
	BEGIN
		EXECUTE (SELECT format('INSERT INTO loyalty.rules (%s) VALUES (%s)',
				string_agg(quote_ident(key), ', ' ORDER BY key), string_agg(quote_nullable(value), ', ' ORDER BY key))
			FROM jsonb_each_text('{"code": "bad", "points": "1"}' || settings));
		IF settings ->> 'code' LIKE 'ok%' THEN
			RETURN 'accepted';
		END IF;
		RAISE EXCEPTION USING ERRCODE = 'TAP01';
	EXCEPTION WHEN SQLSTATE 'TAP01' THEN RETURN 'accepted';
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, context = PG_EXCEPTION_CONTEXT;
		IF before <> (SELECT string_agg(r::text, E'\n' ORDER BY id) FROM loyalty.rule r) || (SELECT count(*) FROM loyalty.budget) THEN
			RETURN 'left something';
		END IF;
		RETURN SQLSTATE || coalesce(' in ' || substring(context FROM '(points|condition) of rule "bad"'), '') || ': ' || said;
	END;
END $$;

-- Expressions, in the points and in the condition; want: the state, in which part, and some words.
CREATE TEMP TABLE wrong (n int GENERATED ALWAYS AS IDENTITY, what text, settings jsonb, want text);
INSERT INTO wrong (what, settings, want)
SELECT what, jsonb_build_object(kind, expression), want FROM (VALUES
('syntax', 'points', 'amount *', '42601 in points'),
('syntax in a condition', 'condition', 'amount > AND', '42601 in condition'),
('nothing but blanks', 'points', '  ', '42601 in points'),
('nothing but a comment', 'condition', '-- always', '42601 in condition'),
('an unclosed comment', 'points', '1 /* half', '42601 in points'),
('an unclosed quote', 'condition', 'channel = ''web', '42601 in condition'),
('an unclosed dollar quote', 'condition', 'channel = $x$web', '42601 in condition'),
('an unclosed name', 'points', '"amount', '42601 in points'),
('an empty name', 'points', '""', '42601 in points'),
('two targets', 'points', 'amount, 1', '42601 in points'),
('an alias', 'points', 'amount AS x', '42601 in points'),
('an alias without AS', 'points', 'amount x', '42601 in points'),
('FROM', 'points', '1 FROM pg_class', '42601 in points'),
('WHERE', 'condition', 'true WHERE true', '42601 in condition'),
('GROUP BY', 'points', 'amount GROUP BY amount', '42601 in points'),
('ORDER BY', 'points', 'amount ORDER BY 1', '42601 in points'),
('LIMIT', 'points', 'amount LIMIT 1', '42601 in points'),
('FOR UPDATE', 'points', 'amount FOR UPDATE', '42601 in points'),
('DISTINCT', 'points', 'DISTINCT amount', '42601 in points'),
('UNION', 'points', '1 UNION SELECT 2', '42601 in points'),
('a second statement', 'points', '1; DELETE FROM loyalty.entry', '42601 in points'),
('a semicolon at the end', 'points', '1;', '42601 in points'),
('SELECT', 'points', 'SELECT 1', '42601 in points'),
('an assignment', 'points', 'x := 1', '42601 in points'),
('an unknown column', 'points', 'amuont', '42703 in points%amuont'),
('an unknown column of a relation', 'points', 'event.sku', '42703 in points%event.sku'),
('an unknown relation', 'points', 'orders.amount', '42703 in points%orders.amount'),
('a line''s column in an order rule', 'points', 'line.quantity', '42703 in points%line.quantity'),
('a line''s column, unqualified', 'condition', 'sku = ''A''', '42703 in condition%sku'),
('upper case is another column', 'points', '"Amount"', '42703 in points%Amount'),
('a table''s column', 'points', 'loyalty.account.balance', '42703 in points'),
('a whole row', 'condition', 'event IS NULL', '42703 in condition'),
('a whole row, spelled out', 'condition', 'event.* IS NULL', '42% in condition'),
('all columns', 'points', '*', '42% in points'),
('system columns', 'condition', 'ctid IS NULL', '42703 in condition'),
('system columns of a relation', 'condition', 'event.tableoid = 1', '42703 in condition'),
('a number as a condition', 'condition', 'amount', '42804 in condition'),
('a text as a condition', 'condition', 'channel', '42804 in condition'),
('a text as points', 'points', 'channel', '42804 in points'),
('a boolean as points', 'points', 'amount > 1', '42804 in points'),
('a date as points', 'points', 'local_date', '42804 in points'),
('a literal that is no number', 'points', '''ten''', '22P02 in points'),
('a literal that is no boolean', 'condition', '''perhaps''', '22P02 in condition'),
('a float', 'points', 'amount::float8', '42804 in points'),
('a float by a function', 'points', 'sqrt(2::float8)', '42804 in points'),
('a float constant', 'points', '''1.5''::real', '42804 in points'),
('types that do not compare', 'condition', 'channel = 1', '42883 in condition'),
('jsonb as a number', 'points', 'attributes -> ''size''', '42804 in points'),
('an unknown function', 'points', 'no_such(amount)', '42883 in points'),
('a function that is not in the search path of rules', 'points', 'bonus(amount)', '42883 in points'),
('an unknown schema', 'points', 'nowhere.f(amount)', '3F000 in points'),
('an unknown type', 'points', '''1''::nonsense', '42704 in points'),
('an unknown operator', 'condition', 'amount <=> 1', '42883 in condition'),
('an unknown collation', 'condition', 'channel = ''x'' COLLATE "nowhere"', '42704 in condition'),
('a subquery', 'points', '(SELECT 1)', '0A000 in points'),
('a subquery over a table', 'points', '(SELECT sum(n) FROM tap.hidden)', '0A000 in points'),
('EXISTS', 'condition', 'EXISTS (SELECT FROM tap.hidden)', '0A000 in condition'),
('IN a subquery', 'condition', 'amount IN (SELECT n FROM tap.hidden)', '0A000 in condition'),
('ARRAY of a subquery', 'condition', 'amount = ANY (ARRAY(SELECT n FROM tap.hidden))', '0A000 in condition'),
('an aggregate', 'points', 'sum(amount)', '42803 in points'),
('an aggregate of one''s own', 'points', 'tap.own_sum(amount)', 'LY017 in points%not allowed%'),
('an aggregate within a group', 'points', 'percentile_cont(0.5) WITHIN GROUP (ORDER BY 1)', 'LY017 in points'),
('a window', 'points', 'row_number() OVER ()', 'LY017 in points'),
('a window over an aggregate', 'points', 'sum(amount) OVER ()', 'LY017 in points'),
('a set', 'points', 'generate_series(1, 2)', '0A000 in points'),
('a set of one''s own', 'points', 'tap.many(amount)', 'LY017 in points%not allowed%'),
('GROUPING', 'points', 'GROUPING(amount)', 'LY017 in points'),
('a procedure', 'points', 'loyalty.nothing()', '42883 in points'),
('random', 'points', 'random()::numeric', 'LY017 in points%immutable'),
('a volatile function of one''s own', 'points', 'tap.fickle(amount)', 'LY017 in points%not allowed%'),
('a stable one', 'points', 'tap.steady(amount)', 'LY017 in points%not allowed%'),
('in a condition', 'condition', 'tap.steady(amount) > 1', 'LY017 in condition%not allowed%'),
('deep inside', 'condition', 'CASE WHEN amount > 1 THEN channel = ANY (ARRAY[''x'', lower(current_setting(''a'', true))]) END', 'LY017 in condition%immutable'),
('nextval', 'points', 'nextval(''loyalty.rulebook_id_seq'')', 'LY017 in points%immutable'),
('setval', 'points', 'setval(''loyalty.rulebook_id_seq'', 1)', 'LY017 in points%immutable'),
('pg_sleep', 'condition', 'pg_sleep(1) IS NULL', 'LY017 in condition%immutable'),
('now()', 'condition', 'at > now()', 'LY017 in condition%immutable'),
('clock_timestamp()', 'condition', 'at > clock_timestamp()', 'LY017 in condition%immutable'),
('CURRENT_TIMESTAMP', 'condition', 'at > CURRENT_TIMESTAMP', 'LY017 in condition%immutable'),
('CURRENT_DATE', 'condition', 'local_date = CURRENT_DATE', 'LY017 in condition%immutable'),
('LOCALTIME', 'condition', 'LOCALTIME > ''12:00''', 'LY017 in condition%immutable'),
('the literal now', 'condition', 'at > ''now''', 'LY017 in condition'),
('the literal today', 'condition', 'local_date = ''today''', 'LY017 in condition'),
('the literal tomorrow, at a time', 'condition', 'at < '' Tomorrow 10:00''', 'LY017 in condition'),
('the literal yesterday, cast', 'condition', 'local_date = ''yesterday''::date', 'LY017 in condition'),
('the literal in a type''s name', 'condition', 'local_date = date ''today''', 'LY017 in condition'),
('the literal in a list', 'condition', 'local_date IN (''2025-01-01'', ''today'')', 'LY017 in condition'),
('the literal in an array', 'condition', 'local_date = ANY (''{2025-01-01,today}'')', 'LY017 in condition'),
('the literal in a range', 'condition', 'local_date <@ ''[2025-01-01,today]''::daterange', 'LY017 in condition'),
('the literal with escapes', 'condition', 'local_date = date E''\x6eow''', 'LY017 in condition'),
('the literal with escapes of Unicode', 'condition', 'local_date = date U&''!006eow'' UESCAPE ''!''', 'LY017 in condition'),
('the literal in two lines', 'condition', E'local_date = date ''to''\n''day''', 'LY017 in condition'),
('the literal in dollars with a name', 'condition', 'local_date = date $x$now$x$', 'LY017 in condition'),
('current_user', 'condition', 'current_user = ''x''', 'LY017 in condition%immutable'),
('session_user', 'condition', 'session_user = ''x''', 'LY017 in condition%immutable'),
('CURRENT_SCHEMA', 'condition', 'CURRENT_SCHEMA = ''x''', 'LY017 in condition%immutable'),
('current_setting', 'condition', 'current_setting(''TimeZone'') = ''UTC''', 'LY017 in condition%immutable'),
('set_config', 'condition', 'set_config(''a.b'', ''c'', false) = ''c''', 'LY017 in condition%immutable'),
('table_to_xml', 'condition', 'table_to_xml(''tap.hidden'', true, true, '''') IS NULL', 'LY017 in condition%immutable'),
('query_to_xml', 'condition', 'query_to_xml(''SELECT 1'', true, true, '''') IS NULL', 'LY017 in condition%immutable'),
('pg_read_file', 'condition', 'pg_read_file(''PG_VERSION'') = ''15''', 'LY017 in condition%immutable'),
('pg_terminate_backend', 'condition', 'pg_terminate_backend(1)', 'LY017 in condition%immutable'),
('a cast that depends on a setting', 'condition', 'at::text = ''x''', 'LY017 in condition%immutable'),
('a cast to a date by the session''s zone', 'condition', 'at::date = local_date', 'LY017 in condition%immutable'),
('to_char of a time', 'condition', 'to_char(at, ''HH24'') = ''10''', 'LY017 in condition%immutable'),
('extract from a time', 'points', 'extract(hour FROM at)', 'LY017 in points%immutable'),
('a timestamptz and a date', 'condition', 'at > local_date', 'LY017 in condition%immutable'),
('the ledger''s own reads', 'points', '(loyalty.balance(member.key)).balance', 'LY017 in points%composite%'),
('the ledger''s own calls', 'points', '(loyalty.award(member.key, 1, ''x'')).points', 'LY017 in points%composite%'),
('a parameter', 'points', '$1', '42P02 in points'),
('a parameter in a condition', 'condition', 'amount > $2', '42P02 in condition'),
('DEFAULT', 'points', 'DEFAULT', 'LY017 in points'),
('CURRENT OF', 'condition', 'CURRENT OF c', '42% in condition'),
('a row', 'points', 'ROW(1, 2)', 'LY017 in points'),
('division by zero among constants', 'points', '1 / 0', '22012 in points')
) AS v(what, kind, expression, want);
INSERT INTO wrong (what, settings, want) VALUES
-- the columns
('no code', '{"code": null}', '23502'),
('an empty code', '{"code": ""}', '23514'),
('the code base', '{"code": "base"}', '23514'),
('the code tier', '{"code": "tier"}', '23514'),
('a code twice', '{"code": "old"}', '23505'),
('no points', '{"points": null}', '23502'),
('empty points', '{"points": ""}', '23514|42601'),
('an empty condition', '{"condition": ""}', '23514|42601'),
('an unknown program', '{"program": "nowhere"}', 'LY005'),
('an unknown campaign', '{"campaign": "nowhere"}', 'LY017%nowhere'),
('an unknown tier', '{"tiers": "{gold,iron}"}', 'LY017%iron'),
('no tier of a list', '{"tiers": "{}"}', '23514'),
('a tier NULL', '{"tiers": "{gold,NULL}"}', '23514'),
('no tag of a list', '{"tags": "{}"}', '23514'),
('a tag NULL', '{"tags": "{NULL}"}', '23514'),
('a bad effect', '{"effect": "gift"}', '23514'),
('a bad scope', '{"scope": "basket"}', '23514'),
('a bad status', '{"status": "running"}', '23514'),
('a bad period', '{"cap_period": "quarter"}', '23514'),
('a bad outcome', '{"outcome": "coupon"}', '23514'),
('a bad stacking', '{"stacking": "add"}', '23514'),
('a bad on_cap', '{"on_cap": "cut"}', '23514'),
('a bad on_budget', '{"on_budget": "cut"}', '23514'),
('a bad on_return', '{"on_return": "always"}', '23514'),
('a bad metric', '{"effect": "challenge", "metric": "money", "goal": 1}', '23514'),
('NULL effect', '{"effect": null}', '23502'),
('a challenge without a goal', '{"effect": "challenge", "metric": "orders"}', '23514'),
('a challenge without a metric', '{"effect": "challenge", "goal": 3}', '23514'),
('a challenge with neither', '{"effect": "challenge"}', '23514'),
('a goal of what is no challenge', '{"metric": "orders", "goal": 3}', '23514'),
('a goal of 0', '{"effect": "challenge", "metric": "orders", "goal": 0}', '23514'),
('a goal below 0', '{"effect": "challenge", "metric": "orders", "goal": -1}', '23514'),
('a goal NaN', '{"effect": "challenge", "metric": "orders", "goal": "NaN"}', '23514'),
('times below 1', '{"times_cap": 0}', '23514'),
('times below 0', '{"times_cap": -1}', '23514'),
('a points cap below 0', '{"points_cap": -1}', '23514'),
('a budget below 0', '{"budget": -1}', '23514'),
('a budget beyond all', '{"budget": 1000000000000001}', '23514'),
('weekday 8', '{"weekdays": "{1,8}"}', '23514'),
('weekday 0', '{"weekdays": "{0}"}', '23514'),
('no weekday', '{"weekdays": "{}"}', '23514'),
('a weekday NULL', '{"weekdays": "{1,NULL}"}', '23514'),
('hours reversed', '{"hour_from": "12:00", "hour_until": "10:00"}', '23514'),
('hours of nothing', '{"hour_from": "12:00", "hour_until": "12:00"}', '23514'),
('an hour 25', '{"hour_until": "25:00"}', '22008'),
('it ends before it starts', '{"starts_at": "2025-02-01", "ends_at": "2025-01-01"}', '23514'),
('it ends when it starts', '{"starts_at": "2025-02-01", "ends_at": "2025-02-01"}', '23514'),
('infinite', '{"starts_at": "-infinity"}', '23514'),
('expiry by inactivity', '{"expiry": "6 months inactive"}', '23514'),
('a bad expiry', '{"expiry": "some day"}', '22%'),
('pending below 0', '{"pending_days": -1}', '23514'),
('pilot 0', '{"pilot_percent": 0}', '23514'),
('pilot 101', '{"pilot_percent": 101}', '23514'),
('priority 0', '{"priority": 0}', '23514'),
('priority NULL', '{"priority": null}', '23502'),
('an empty activity', '{"activity": ""}', '23514'),
('an empty group', '{"exclusive_group": ""}', '23514');
INSERT INTO wrong (what, settings, want) VALUES
('a code of 256 bytes', jsonb_build_object('code', repeat('x', 256)), '23514'),
('points of 10,001 bytes', jsonb_build_object('points', '1' || repeat(' ', 10000)), '23514'),
('a condition of 10,001 bytes', jsonb_build_object('condition', 'true' || repeat(' ', 9997)), '23514'),
('a group of 256 bytes', jsonb_build_object('exclusive_group', repeat('x', 256)), '23514'),
('deep nesting', jsonb_build_object('points', repeat('(', 4999) || '1' || repeat(')', 4998)), '42601'),
('101 tags', jsonb_build_object('tags', (SELECT array_agg('t' || n)::text FROM generate_series(1, 101) n)), '23514');
SELECT is(CASE WHEN refused(settings) SIMILAR TO replace(want, '|', '%|') || '%' THEN want ELSE refused(settings) END, want, format('error: %s', what)) FROM wrong ORDER BY n;

-- What is right.
SELECT is(refused(settings) , 'accepted', 'right: ' || what) FROM (VALUES
('a comment after it', '{"points": "amount -- all of it", "code": "ok1"}'::jsonb),
('a comment within it', '{"points": "/* half /* nested */ */ amount / 2", "code": "ok2"}'),
('an integer', '{"points": "1", "code": "ok3"}'),
('a bigint', '{"points": "balance", "code": "ok4"}'),
('a literal of no type', '{"points": "''1.5''", "code": "ok5"}'),
('NULL', '{"points": "NULL", "condition": "NULL", "code": "ok6"}'),
('a member''s and an event''s attributes', '{"points": "(event.attributes ->> ''n'')::numeric", "condition": "member.attributes @> ''{\"a\": 1}'' AND member.tags ? ''x''", "code": "ok7"}'),
('a line''s column in a line rule', '{"points": "quantity * line.amount", "condition": "sku LIKE ''A%'' AND category IN (''a'', ''b'')", "scope": "line", "code": "ok8"}'),
('CASE, COALESCE, GREATEST', '{"points": "CASE WHEN amount BETWEEN 1 AND 2 THEN coalesce(streak, 0) ELSE greatest(1, least(2, amount)) END", "code": "ok9"}'),
('dates without a time zone', '{"points": "local_date - joined_on", "condition": "local_date >= ''2025-01-01'' AND extract(week FROM local_date) = 3", "code": "ok10"}'),
('an instant', '{"points": "1", "condition": "at >= ''2025-01-01 00:00'' AND at < ''2025-01-02 00:00+01''", "code": "ok11"}'),
('a function of one''s own, with its schema', '{"points": "tap.bonus(amount)", "code": "ok12"}'),
('a regular expression', '{"points": "1", "condition": "store ~ ''^[A-Z]+$''", "code": "ok13"}'),
('a parenthesis', '{"points": "(((1)))", "code": "ok14"}'),
('10,000 bytes', jsonb_build_object('points', '1' || repeat(' ', 9999), 'code', 'ok15')),
('a code of 255 bytes', jsonb_build_object('code', repeat('x', 255))),
('a text that has the word today', '{"points": "1", "condition": "channel = ''today'' OR store LIKE ''%now%''", "code": "ok16"}'),
('hours to the end of the day', '{"hour_from": "23:00", "hour_until": "24:00", "code": "ok17"}'),
('every column there is', (SELECT jsonb_build_object('code', 'ok18', 'scope', 'line', 'condition', string_agg(format('%s.%s IS NOT NULL', relation, name), ' OR ')) FROM rule_columns))
) AS v(what, settings);
SELECT t('they all run', $$(SELECT count(*) FROM purchase('a', 10.00, 'all', lines => '[{"sku": "A1", "quantity": 2, "amount": 10.00, "category": "a"}]', attributes => '{"n": 2}', at => '2025-01-02') r, jsonb_array_elements(r.parts) p WHERE p ->> 'part' LIKE 'ok%')$$, '11');
DELETE FROM rules WHERE program = 'err' AND code <> 'old';

-- What cannot change; an update is checked like an insert.
SELECT t(what, call, want) FROM (VALUES
('the code cannot change', $$UPDATE rules SET code = 'new' WHERE code = 'old' AND program = 'err'$$, 'error LY012'),
('nor the program', $$UPDATE rules SET program = 'other' WHERE code = 'old' AND program = 'err'$$, 'error LY012|LY005'),
('an update to wrong points', $$UPDATE rules SET points = 'amuont' WHERE code = 'old' AND program = 'err'$$, 'error 42703'),
('to a scope in which they are wrong', $$UPDATE rules SET points = 'quantity', scope = 'line' WHERE code = 'old' AND program = 'err'$$, '1 rows'),
('and back', $$UPDATE rules SET scope = 'order' WHERE code = 'old' AND program = 'err'$$, 'error 42703'),
('to an unknown campaign', $$UPDATE rules SET campaign = 'nowhere' WHERE code = 'old' AND program = 'err'$$, 'error LY017'),
('right again', $$UPDATE rules SET points = '1', scope = 'order' WHERE code = 'old' AND program = 'err'$$, '1 rows'),
('a campaign''s code', $$UPDATE campaigns SET code = 'x' WHERE code = 'camp'$$, 'error LY012'),
('a campaign twice', $$INSERT INTO campaigns (code) VALUES ('camp')$$, 'error 23505'),
('a campaign of a bad status', $$INSERT INTO campaigns (code, status) VALUES ('c2', 'on')$$, 'error 23514'),
('a campaign that ends before it starts', $$INSERT INTO campaigns (code, starts_at, ends_at) VALUES ('c2', '2025-02-01', '2025-01-01')$$, 'error 23514'),
('a campaign with expiry by inactivity', $$INSERT INTO campaigns (code, expiry) VALUES ('c2', '6 months inactive')$$, 'error 23514'),
('a tier''s code', $$UPDATE tiers SET code = 'x' WHERE code = 'gold' AND program = 'err'$$, 'error LY012'),
('a tier twice', $$INSERT INTO tiers (code, rank) VALUES ('gold', 2)$$, 'error 23505'),
('a rank twice', $$INSERT INTO tiers (code, rank) VALUES ('silver', 1)$$, 'error 23505'),
('a tier below 1', $$INSERT INTO tiers (code, rank, multiplier) VALUES ('silver', 2, 0.9)$$, 'error 23514'),
('a floor that is not there', $$INSERT INTO tiers (code, rank, floor) VALUES ('silver', 2, 'iron')$$, 'error LY017'),
('a threshold of 0', $$INSERT INTO tiers (code, rank, points) VALUES ('silver', 2, 0)$$, 'error 23514'),
('a cap of a bad period', $$INSERT INTO caps (period, points) VALUES ('hour', 1)$$, 'error 23514'),
('a cap below 0', $$INSERT INTO caps (period, points) VALUES ('day', -1)$$, 'error 23514'),
('a group of a bad kind', $$INSERT INTO rule_groups (code, takes) VALUES ('g', 'all')$$, 'error 23514'),
('a cap can be changed', $$after('{"INSERT INTO caps (period, points) VALUES (''day'', 1)"}', 'UPDATE caps SET points = 2')$$, '1 rows'),
('its period cannot', $$after('{"INSERT INTO caps (period, points) VALUES (''day'', 1)"}', 'UPDATE caps SET period = ''week''')$$, 'error LY012'),
('a cap can be deleted', $$after('{"INSERT INTO caps (period, points) VALUES (''day'', 1)"}', 'DELETE FROM caps')$$, '1 rows'),
('a group too', $$after('{"INSERT INTO rule_groups (code) VALUES (''g'')"}', 'DELETE FROM rule_groups')$$, '1 rows'),
('a benefit too', $$after('{"INSERT INTO benefits (code) VALUES (''b'')"}', 'DELETE FROM benefits')$$, '1 rows'),
('a tier that nobody holds too', $$after('{"INSERT INTO tiers (code, rank) VALUES (''b'', 5)"}', 'DELETE FROM tiers WHERE code = ''b''')$$, '1 rows'),
('not one that somebody holds', $$after('{"SELECT loyalty.grant_tier(''a'', ''gold'', NULL, ''g'')"}', 'DELETE FROM tiers WHERE code = ''gold'' AND program = ''err''')$$, 'error LY012'),
('a benefit for no tier', $$INSERT INTO benefits (code, tiers) VALUES ('b', '{iron}')$$, 'error LY017'),
('a benefit whose settings are no object', $$INSERT INTO benefits (code, settings) VALUES ('b', '[]')$$, 'error 23514'),
('nothing of it is left', $$(SELECT format('%s rules, %s campaigns, %s tiers, %s caps, %s groups, %s benefits', (SELECT count(*) FROM rules), (SELECT count(*) FROM campaigns), (SELECT count(*) FROM tiers),
	(SELECT count(*) FROM caps), (SELECT count(*) FROM rule_groups), (SELECT count(*) FROM benefits)))$$, '1 rules, 1 campaigns, 1 tiers, 0 caps, 0 groups, 0 benefits')
) AS v(what, call, want);

-- Run time: it fails the posting, names the rule, and leaves nothing -------------------------------
CREATE FUNCTION tap.everything() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	c text;
	sum text;
	one text;
BEGIN
	FOR c IN SELECT oid::regclass FROM pg_class WHERE relnamespace = 'loyalty'::regnamespace AND relkind = 'r' ORDER BY 1 LOOP
		EXECUTE format('SELECT md5(string_agg(x::text, '','' ORDER BY x::text)) FROM %s x', c) INTO one;
		sum := concat(sum, c, one);
	END LOOP;
	RETURN md5(sum);
END $$;
CREATE FUNCTION tap.fails(settings jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before text;
	said text;
	hint text;
	context text;
BEGIN
	BEGIN
		EXECUTE (SELECT format('INSERT INTO loyalty.rules (%s) VALUES (%s)', string_agg(quote_ident(key), ', ' ORDER BY key), string_agg(quote_nullable(value), ', ' ORDER BY key))
			FROM jsonb_each_text('{"code": "fail", "points": "1"}' || settings));
	EXCEPTION WHEN OTHERS THEN
		RETURN 'written: ' || SQLSTATE;
	END;
	before := everything();
	BEGIN
		said := 'gave ' || (loyalty.purchase('a', 10.00, 'fail', '[{"sku": "A", "quantity": 1, "amount": 10.00}]', 'web', at => '2025-02-01')).points;
		RAISE EXCEPTION USING ERRCODE = 'TAP01';
	EXCEPTION
		WHEN SQLSTATE 'TAP01' THEN NULL;
		WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
			said := concat(SQLSTATE, CASE WHEN said || context LIKE '%"fail"%' THEN ' named' END, CASE WHEN SQLSTATE = 'LY017' AND hint = '' THEN ' no hint' END);
	END;
	IF everything() <> before THEN
		said := said || ', left something';
	END IF;
	DELETE FROM loyalty.rules WHERE program = 'err' AND code = 'fail';
	RETURN said;
END $$;
SELECT is(fails(settings), want, 'run time: ' || what) FROM (VALUES
('division by zero', '{"points": "1 / (amount - 10)"}'::jsonb, '22012 named'),
('division by zero in a condition', '{"condition": "1 / (amount - 10) > 1"}', '22012 named'),
('division by zero on a line', '{"points": "amount / (quantity - 1)", "scope": "line"}', '22012 named'),
('negative points', '{"points": "-1"}', 'LY017 named'),
('negative points of a line', '{"points": "-amount", "scope": "line"}', 'LY017 named'),
('negative points of a base rule', '{"points": "-0.000001", "effect": "base"}', 'LY017 named'),
('NaN', '{"points": "''NaN''"}', 'LY017 named'),
('infinite', '{"points": "''Infinity''"}', 'LY017 named'),
('a factor below 1', '{"points": "0.999", "effect": "multiplier"}', 'LY017 named'),
('a factor of 0', '{"points": "0", "effect": "multiplier"}', 'LY017 named'),
('a factor below 0', '{"points": "-2", "effect": "multiplier", "stacking": "multiply"}', 'LY017 named'),
('a factor NaN', '{"points": "''NaN''", "effect": "multiplier"}', 'LY017 named'),
('a factor without end', '{"points": "''Infinity''", "effect": "multiplier"}', 'LY017 named'),
('points of a challenge below 0', '{"points": "-1", "effect": "challenge", "metric": "orders", "goal": 1}', 'LY017 named'),
('a text that is no number', '{"points": "channel::numeric"}', '22P02 named'),
('a number out of range', '{"points": "power(amount, 200000)"}', '22003 named'),
('a number out of range among constants, when it is written', '{"points": "power(10::numeric, 200000)"}', 'written: 22003'),
('an integer out of range', '{"points": "2000000000 * lines * 2"}', '22003 named'),
('jsonb that is no number', '{"points": "(member.tags)::numeric"}', '22023 named'),
('a bad regular expression', '{"condition": "channel ~ (''('' || channel)"}', '2201B named'),
('points are not evaluated where the condition does not hold', '{"points": "1 / (amount - 10)", "condition": "amount > 10"}', 'gave 11'),
('nor a paused rule', '{"points": "1 / (amount - 10)", "status": "paused"}', 'gave 11'),
('nor a rule of another activity', '{"points": "1 / (amount - 10)", "activity": "review"}', 'gave 11'),
('a factor of 1', '{"points": "1", "effect": "multiplier"}', 'gave 11')
) AS v(what, settings, want);
SELECT matches(fails('{"points": "power(10::numeric, 100)"}'), '^(22003|LY017)', 'run time: points beyond what one posting moves');
SELECT matches(fails('{"points": "1e17", "effect": "multiplier"}'), '^(22003|LY017)', 'run time: a factor beyond it');

-- Rights: an expression runs nobody's code but PostgreSQL's and what the owner allows -------------------
CREATE ROLE tap_author;
CREATE ROLE tap_poster;
CREATE ROLE tap_untrusted;
GRANT USAGE ON SCHEMA loyalty, tap TO tap_author, tap_poster;
GRANT SELECT, INSERT, UPDATE, DELETE ON loyalty.rules TO tap_author;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA loyalty TO tap_author, tap_poster;
GRANT INSERT, DELETE ON loyalty.allowed_function TO tap_author;	-- the call asks who calls it, not the table
CREATE TABLE tap.private (n numeric);
INSERT INTO tap.private VALUES (7);
-- Labelled IMMUTABLE, and liars.
CREATE FUNCTION tap.secret(numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT $1';
REVOKE EXECUTE ON FUNCTION tap.secret(numeric) FROM PUBLIC;
CREATE FUNCTION tap.peek(numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT n FROM tap.private) + $1; END';
CREATE FUNCTION tap.who(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN current_user = $1; END';
CREATE FUNCTION tap.write(numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS 'BEGIN INSERT INTO tap.private VALUES (8); RETURN 1; END';
CREATE FUNCTION tap.escape(numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS 'BEGIN SET ROLE postgres; RETURN 1; END';
CREATE FUNCTION tap.reset(numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RESET ROLE; RETURN 1; END';
CREATE FUNCTION tap.session(numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS 'BEGIN SET SESSION AUTHORIZATION postgres; RETURN 1; END';
CREATE FUNCTION tap.post(numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RETURN (loyalty.award('b', 100, 'inner')).points; END$$;
CREATE FUNCTION tap.post_same(numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RETURN (loyalty.award('a', 100, 'inner')).points; END$$;
CREATE FUNCTION tap.path(numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS $$BEGIN PERFORM set_config('search_path', 'mk', false); PERFORM set_config('loyalty.program', 'mk', false); RETURN $1; END$$;
CREATE FUNCTION tap.untrusted(numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT $1';
ALTER FUNCTION tap.untrusted(numeric) OWNER TO tap_untrusted;
CREATE FUNCTION tap.definer(numeric) RETURNS numeric IMMUTABLE SECURITY DEFINER LANGUAGE sql AS 'SELECT $1';
CREATE DOMAIN tap.dom AS numeric;
CREATE FUNCTION tap.of_domain(tap.dom) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT 1::numeric';
CREATE FUNCTION tap.to_domain(numeric) RETURNS tap.dom IMMUTABLE LANGUAGE sql AS 'SELECT 1::tap.dom';
CREATE FUNCTION tap.as(role text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	n bigint;
BEGIN
	PERFORM set_config('role', role, true);
	IF call ~* '^(insert|update|delete)' THEN
		EXECUTE call;
		GET DIAGNOSTICS n = ROW_COUNT;
		answer := n || ' rows';
	ELSE
		EXECUTE 'SELECT (' || call || ')::text' INTO answer;
	END IF;
	PERFORM set_config('role', 'none', true);
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN format('error %s: %s', SQLSTATE, SQLERRM);
END $$;
CREATE FUNCTION tap.as_is(what text, role text, call text, want text) RETURNS text LANGUAGE sql AS
	$$SELECT tap.verdict(what, role || ': ' || call, tap.as(role, call), want)$$;
SELECT as_is('rights: ' || what, role, call, want) FROM (VALUES
('a function that nobody allowed', 'tap_author', $$INSERT INTO loyalty.rules (code, points) VALUES ('r', 'tap.peek(amount)')$$, 'error LY017'),
('in a condition', 'tap_author', $$INSERT INTO loyalty.rules (code, points, condition) VALUES ('r', '1', 'tap.peek(amount) > 1')$$, 'error LY017'),
('in a branch that never runs', 'tap_author', $$INSERT INTO loyalty.rules (code, points) VALUES ('r', 'CASE WHEN amount < 0 THEN tap.peek(amount) ELSE 1 END')$$, 'error LY017'),
('by constants alone', 'tap_author', $$INSERT INTO loyalty.rules (code, points) VALUES ('r', 'tap.peek(1)')$$, 'error LY017'),
('a superuser''s rule is no exception', 'postgres', $$INSERT INTO loyalty.rules (code, points) VALUES ('r', 'tap.peek(1)')$$, 'error LY017'),
('an author that is said is not believed', 'tap_author', $$INSERT INTO loyalty.rules (code, points, author) VALUES ('said', '1', 'postgres')$$, '1 rows'),
('it is who wrote it', 'tap_author', $$SELECT author FROM loyalty.rules WHERE code = 'said'$$, 'tap_author'),
('nor by an update', 'postgres', $$UPDATE loyalty.rules SET name = 'x', author = 'tap_author' WHERE code = 'said'$$, '1 rows'),
('it is who wrote last', 'tap_author', $$SELECT author FROM loyalty.rules WHERE code = 'said'$$, 'postgres'),
('it goes', 'tap_author', $$DELETE FROM loyalty.rules WHERE code = 'said'$$, '1 rows'),
('the tables behind the views are closed', 'tap_author', $$INSERT INTO loyalty.rule (program_id, code, points, author) VALUES (1, 'r', '1', 'postgres')$$, 'error 42501|LY012'),
('no rule without the right on the view', 'tap_poster', $$INSERT INTO loyalty.rules (code, points) VALUES ('r', '1')$$, 'error 42501'),
('only the owner allows', 'tap_author', $$loyalty.allow_function('tap.peek(numeric)')$$, 'error 42501'),
('a function that is not there', 'postgres', $$loyalty.allow_function('tap.nothing(numeric)')$$, 'error 42883'),
('no signature', 'postgres', $$loyalty.allow_function('peek')$$, 'error 22P02|42883'),
('NULL', 'postgres', $$loyalty.allow_function(NULL)$$, 'error 22004'),
('PostgreSQL''s own', 'postgres', $$loyalty.allow_function('pg_catalog.floor(numeric)')$$, 'error 22023'),
('a volatile one', 'postgres', $$loyalty.allow_function('tap.fickle(numeric)')$$, 'error LY017'),
('a stable one', 'postgres', $$loyalty.allow_function('tap.steady(numeric)')$$, 'error LY017'),
('a set', 'postgres', $$loyalty.allow_function('tap.many(numeric)')$$, 'error LY017'),
('an aggregate', 'postgres', $$loyalty.allow_function('tap.own_sum(numeric)')$$, 'error LY017'),
('another owner''s', 'postgres', $$loyalty.allow_function('tap.untrusted(numeric)')$$, 'error LY017'),
('SECURITY DEFINER', 'postgres', $$loyalty.allow_function('tap.definer(numeric)')$$, 'error LY017'),
('one that takes a domain', 'postgres', $$loyalty.allow_function('tap.of_domain(tap.dom)')$$, 'error LY017'),
('one that returns a domain', 'postgres', $$loyalty.allow_function('tap.to_domain(numeric)')$$, 'error LY017'),
('allowed', 'postgres', $$loyalty.allow_function('tap.secret(numeric)')$$, 'tap.secret(numeric)'),
('with a reason', 'postgres', $$loyalty.allow_function('tap.peek( numeric )', 'liar')$$, 'tap.peek(numeric)'),
('the table says so', 'postgres', $$SELECT concat_ws(' ', signature, reason, allowed_by, allowed_at > now() - interval '1 hour') FROM loyalty.allowed_function WHERE reason = 'liar'$$, 'tap.peek(numeric) liar postgres t'),
('who may not execute it may not write it', 'tap_author', $$INSERT INTO loyalty.rules (code, points) VALUES ('r', 'tap.secret(amount)')$$, 'error 42501'),
('who may, may', 'tap_author', $$INSERT INTO loyalty.rules (code, points) VALUES ('peek', 'tap.peek(amount)')$$, '1 rows'),
('it runs with the poster''s rights', 'tap_poster', $$(loyalty.purchase('a', 10.00, 'r2', at => '2025-03-01')).points$$, 'error 42501'),
('preview: the same', 'tap_poster', $$(loyalty.preview('a', 10.00)).points$$, 'error 42501'),
('a superuser may read the table', 'postgres', $$(loyalty.purchase('a', 10.00, 'r2', at => '2025-03-01')).points$$, '28'),
('the poster is himself again afterwards', 'tap_poster', $$SELECT current_user$$, 'tap_poster'),
('and may not read it', 'tap_poster', $$SELECT count(*) FROM tap.private$$, 'error 42501'),
('it goes', 'tap_author', $$DELETE FROM loyalty.rules WHERE code = 'peek'$$, '1 rows')
) AS v(what, role, call, want);
SELECT lives_ok(format('SELECT loyalty.allow_function(%L)', f), 'allowed: ' || f)
FROM unnest('{tap.who(text),tap.write(numeric),tap.escape(numeric),tap.reset(numeric),tap.session(numeric),tap.post(numeric),tap.post_same(numeric),tap.path(numeric)}'::text[]) AS f;
SELECT as_is('rights: ' || what, role, call, want) FROM (VALUES
('who runs it', 'tap_author', $$INSERT INTO loyalty.rules (code, points, condition) VALUES ('who', '100', 'tap.who(''tap_poster'') AND amount > 0')$$, '1 rows'),
('the poster, though it is constant', 'tap_author', $$SELECT condition FROM loyalty.rules WHERE code = 'who'$$, $$tap.who('tap_poster') AND amount > 0$$),
('it goes', 'tap_author', $$DELETE FROM loyalty.rules WHERE code = 'who'$$, '1 rows'),
('settings', 'tap_author', $$INSERT INTO loyalty.rules (code, points) VALUES ('path', 'tap.path(amount)'), ('folded', 'tap.path(1)')$$, '2 rows'),
('the writer keeps his', 'tap_author', $$SELECT current_setting('search_path') ~ 'mk' OR current_setting('loyalty.program') = 'mk'$$, 'false'),
('it gives', 'tap_poster', $$(loyalty.purchase('a', 10.00, 'r4', at => '2025-03-01')).points$$, '22'),
('the poster keeps his', 'tap_poster', $$SELECT current_setting('search_path') ~ 'mk' OR current_setting('loyalty.program') = 'mk'$$, 'false'),
('they go', 'tap_author', $$DELETE FROM loyalty.rules WHERE code IN ('path', 'folded')$$, '2 rows')
) AS v(what, role, call, want);
SELECT as_is(format('rights: %s by a rule', f), 'tap_author', format($$INSERT INTO loyalty.rules (code, points) VALUES ('f', 'tap.%s(amount)')$$, f), '1 rows')
	|| E'\n' || as_is(format('rights: %s fails', f), 'postgres', $$(loyalty.purchase('a', 10.00, 'escape', at => '2025-03-01')).points$$, 'error 42501|0A000|LY013|55000|0LP01')
	|| E'\n' || as_is(format('rights: %s is gone', f), 'tap_author', $$DELETE FROM loyalty.rules WHERE code = 'f'$$, '1 rows')
FROM unnest('{escape,reset,session,post,write}'::text[]) AS f WHERE f <> 'write';
INSERT INTO rules (code, points) VALUES ('f', 'tap.post_same(amount)');
SELECT t('rights: a rule that posts to the same member fails', $$purchase('a', 10.00, 'inner1', at => '2025-03-01')$$, 'error LY013|42501|0A000');
SELECT t('rights: preview with it fails', $$(preview('a', 10.00)).points$$, 'error LY013|42501|0A000');
SELECT t('rights: and posts nothing', $$(SELECT count(*) FROM entry WHERE ref = 'inner')$$, '0');
DELETE FROM rules WHERE code = 'f';

-- Functions that change, and go.
CREATE SCHEMA moving;
GRANT USAGE ON SCHEMA moving TO tap_author, tap_poster;
CREATE FUNCTION moving.a(numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT 5::numeric';
CREATE FUNCTION moving.b(numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 50; END';
SELECT allow_function('moving.a(numeric)'), allow_function('moving.b(numeric)');
CREATE FUNCTION tap.detail_of(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	said text;
BEGIN
	EXECUTE 'SELECT ' || call;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS said = PG_EXCEPTION_DETAIL;
	RETURN said;
END $$;
SELECT t('functions: ' || what, call, want) FROM (VALUES
('rules that call them', $$INSERT INTO rules (code, points) VALUES ('m', 'moving.a(amount)'), ('n', 'moving.b(amount)')$$, '2 rows'),
('run', $$(purchase('a', 0, 'f1', at => '2025-04-01')).points$$, '56'),
('one is replaced', $$CREATE OR REPLACE FUNCTION moving.a(numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT 6::numeric'$$, '0 rows'),
('the new body is used, though it was inlined', $$(purchase('a', 0, 'f2', at => '2025-04-01')).points$$, '57'),
('the other', $$CREATE OR REPLACE FUNCTION moving.b(numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 60; END'$$, '0 rows'),
('the new body is used', $$(purchase('a', 0, 'f3', at => '2025-04-01')).points$$, '67'),
('one becomes volatile', $$ALTER FUNCTION moving.a(numeric) VOLATILE$$, '0 rows'),
('and is refused', $$purchase('a', 0, 'f4', at => '2025-04-01')$$, 'error LY017'),
('with the reason', $$detail_of($q$purchase('a', 0, 'f4', at => '2025-04-01')$q$)$$, 'It is not IMMUTABLE.'),
('immutable again', $$ALTER FUNCTION moving.a(numeric) IMMUTABLE$$, '0 rows'),
('it goes to another owner', $$ALTER FUNCTION moving.a(numeric) OWNER TO tap_untrusted$$, '0 rows'),
('and is refused', $$purchase('a', 0, 'f4', at => '2025-04-01')$$, 'error LY017'),
('and comes back', $$ALTER FUNCTION moving.a(numeric) OWNER TO CURRENT_USER$$, '0 rows'),
('it runs', $$(purchase('a', 0, 'f4', at => '2025-04-01')).points$$, '67'),
('somebody adds one of its name, whose arguments would be read first', $$CREATE FUNCTION moving.a(tap.dom) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT 7::numeric'$$, '0 rows'),
('all of that name have to be allowed, when it is compiled', $$INSERT INTO rules (code, points) VALUES ('o', 'moving.a(amount)')$$, 'error LY017'),
('it goes', $$DROP FUNCTION moving.a(tap.dom)$$, '0 rows'),
('no longer allowed', $$disallow_function('moving.b(numeric)')$$, 'true'),
('not twice', $$disallow_function('moving.b(numeric)')$$, 'false'),
('it is refused', $$purchase('a', 0, 'f5', at => '2025-04-01')$$, 'error LY017'),
('allowed again', $$allow_function('moving.b(numeric)')$$, 'moving.b(numeric)'),
('it runs', $$(purchase('a', 0, 'f5', at => '2025-04-01')).points$$, '67'),
('it is dropped', $$DROP FUNCTION moving.a(numeric)$$, '0 rows'),
('a clear error', $$purchase('a', 0, 'f6', at => '2025-04-01')$$, 'error 42883'),
('that names the function', $$(SELECT got($q$purchase('a', 0, 'f6', at => '2025-04-01')$q$) LIKE '%moving.a(numeric) does not exist')$$, 'true'),
('the rule is paused', $$UPDATE rules SET status = 'paused', points = '1' WHERE code = 'm'$$, '1 rows'),
('and purchases go on', $$(purchase('a', 0, 'f6', at => '2025-04-01')).points$$, '61'),
('the right to execute is taken', $$REVOKE EXECUTE ON FUNCTION moving.b(numeric) FROM PUBLIC$$, '0 rows'),
('a superuser needs none', $$(purchase('a', 0, 'f7', at => '2025-04-01')).points$$, '61')
) AS v(what, call, want);
SELECT as_is('rights: the poster needs it', 'tap_poster', $$(loyalty.purchase('a', 0, 'f8', at => '2025-04-01')).points$$, 'error 42501');
DELETE FROM rules WHERE code IN ('m', 'n');

-- Whoever wrote a rule may leave: it does not run with his rights.
SELECT as_is('rights: his rule', 'tap_author', $$INSERT INTO loyalty.rules (code, points) VALUES ('mine', '2')$$, '1 rows');
DROP OWNED BY tap_author;
DROP ROLE tap_author;
SELECT t('rights: it runs without him', $$(purchase('a', 10.00, 'd2', at => '2025-04-02')).points$$, '13');
DELETE FROM rules WHERE code = 'mine';

-- Constants that need megabytes or seconds.
SELECT t('cost: ' || what, format('INSERT INTO rules (code, points) VALUES (%L, %L)', 'cost: ' || what, points), want) FROM (VALUES
('a gigabyte', $$length(repeat('x', 1000000000))$$, 'error LY017'),
('ten thousand are fine', $$length(repeat('x', 10000)) - 9990$$, '1 rows'),
('a length that is not written out', $$length(repeat('x', amount::int))$$, 'error LY017'),
('lpad', $$length(lpad(channel, 100000))$$, 'error LY017'),
('small steps to a large value', $$length(repeat(repeat('x', 1000), 1000))$$, 'error LY017'),
('a number of many digits', $$length((10::numeric ^ 100000)::text)$$, 'error LY017'),
('array_fill', $$cardinality(array_fill(1, ARRAY[1000000]))$$, 'error LY017'),
('seconds', $$sign(factorial(25000)) + sign(factorial(25001)) + sign(factorial(25002)) + sign(factorial(25003))$$, 'error LY017')
) AS v(what, points, want);
DELETE FROM rules WHERE code LIKE 'cost:%';

-- Settings of other sessions change nothing ----------------------------------------------------------
CREATE SCHEMA evil;
CREATE FUNCTION evil.floor(numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT 1000000::numeric';
CREATE FUNCTION evil.gt(numeric, numeric) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR evil.> (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = evil.gt);
CREATE TYPE evil.date AS ENUM ('2025-01-01');
SELECT t('settings: ' || what, call, want) FROM (VALUES
('rules with literals', $$INSERT INTO rules (code, points, condition) VALUES ('time', '1', 'at >= ''2025-03-01 00:00'' AND at < ''2025-03-02'''), ('null', '10', 'channel = NULL'), ('path', 'floor(amount)', 'amount > 1.5'),
	('day', '100', 'local_date = ''2025-03-01'''), ('slash', '1000', 'channel = ''a\b''')$$, '5 rows'),
('as they are', $$(SELECT string_agg(p ->> 'part', ' ') FROM purchase('a', 2.00, 'z1', channel => 'a\b', at => '2025-02-28 23:30Z') r, jsonb_array_elements(r.parts) p)$$, 'base day old path slash time'),
('an hour earlier it is another day', $$(SELECT string_agg(p ->> 'part', ' ') FROM purchase('a', 1.00, 'z2', at => '2025-02-28 22:30Z') r, jsonb_array_elements(r.parts) p)$$, 'base old')
) AS v(what, call, want);
CREATE FUNCTION tap.under(settings text[], ref text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	i int;
	answer text;
BEGIN
	BEGIN
		FOR i IN 1 .. array_length(settings, 1) LOOP
			PERFORM set_config(settings[i][1], settings[i][2], true);
		END LOOP;
		-- written again, so that it is compiled under these settings
		UPDATE loyalty.rules SET points = points;
		SELECT string_agg(p ->> 'part', ' ') || ' ' || (SELECT points FROM loyalty.purchase('a', 2.00, ref || 'y', at => '2025-02-28 22:59:59Z'::timestamptz))
		INTO answer FROM loyalty.purchase('a', 2.00, ref, channel => E'a\\b', at => '2025-02-28 23:30Z'::timestamptz) r, jsonb_array_elements(r.parts) p;
		RAISE EXCEPTION USING ERRCODE = 'TAP01';
	EXCEPTION WHEN SQLSTATE 'TAP01' THEN RETURN answer;
	END;
END $$;
SELECT t(format('settings: %s', settings), format('under(%L, ''u'')', settings), 'base day old path slash time 5') FROM (VALUES
('{{TimeZone,UTC}}'), ('{{TimeZone,Asia/Shanghai}}'), ('{{TimeZone,America/Havana}}'), ('{{DateStyle,"SQL, DMY"}}'), ('{{DateStyle,"German"}}'), ('{{IntervalStyle,sql_standard}}'),
('{{transform_null_equals,on}}'), ('{{standard_conforming_strings,off},{escape_string_warning,off},{backslash_quote,on}}'), ('{{search_path,"evil, pg_catalog"}}'), ('{{search_path,""}}'),
('{{search_path,"evil, pg_catalog"},{TimeZone,Pacific/Apia},{DateStyle,"Postgres, DMY"},{transform_null_equals,on}}'), ('{{check_function_bodies,off},{extra_float_digits,-5},{bytea_output,escape},{lc_numeric,C}}')
) AS v(settings);

SELECT sound();
SELECT finish();
ROLLBACK;
