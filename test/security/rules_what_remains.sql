-- What the role that writes the rulebook can still learn and spoil, as operations.md says
-- it, and that it is no more than that.
\ir ../pgtap/setup.psql

SELECT shop('mk', '{}', '{anna,bob}', '2024-01-01');
CREATE ROLE marketing;
CREATE ROLE till;
GRANT USAGE ON SCHEMA loyalty, tap TO marketing, till;
GRANT INSERT, UPDATE, DELETE, SELECT ON loyalty.tiers, loyalty.campaigns, loyalty.rule_groups, loyalty.rules, loyalty.caps, loyalty.benefits TO marketing;
GRANT SELECT ON loyalty.rule_columns, loyalty.campaign_report, loyalty.campaign_pilot TO marketing;
GRANT EXECUTE ON FUNCTION loyalty.preview_for, loyalty.backtest TO marketing;
GRANT EXECUTE ON FUNCTION loyalty.purchase, loyalty.preview TO till;
UPDATE loyalty.members SET birthday = '04-17' WHERE member = 'anna';
SELECT purchase('anna', 10.00, 'A1', at => '2025-01-01'), purchase('bob', 10.00, 'B1', at => '2025-01-01') \gset

-- The points of a rule for one member are a fact of this member, wherever they are shown.
SET LOCAL ROLE marketing;
INSERT INTO loyalty.campaigns (code) VALUES ('spy');
INSERT INTO loyalty.rules (code, campaign, condition, points) VALUES ('ask', 'spy', $$member.key = 'anna'$$, $$replace(birthday, '-', '')::numeric$$);
SELECT is((SELECT points FROM loyalty.backtest('spy') WHERE rule = 'ask'), 417::bigint, 'backtest answers what a rule asks');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION loyalty.backtest FROM marketing;
SET LOCAL ROLE marketing;
SELECT throws_ok($$SELECT * FROM loyalty.backtest('spy')$$, '42501', NULL, 'unless it is not granted');
SELECT throws_ok(format('SELECT * FROM loyalty.%I', name), '42501', NULL, 'and not ' || name)
FROM unnest(ARRAY['member', 'members', 'account', 'entry', 'entries', 'balances', 'awarded_parts', 'statements', 'rule', 'allowed_function']) AS name;
SELECT throws_ok($$INSERT INTO loyalty.allowed_function VALUES ('pg_catalog.now()', 'me', 'marketing', now())$$, '42501', NULL, 'it allows nothing by the table');
SELECT throws_ok($$SELECT loyalty.allow_function('pg_catalog.random()')$$, '42501', NULL, 'nor by the call');
SELECT throws_ok($$SELECT loyalty.disallow_function('a.b()')$$, '42501', NULL, 'nor takes anything back');
DELETE FROM loyalty.rules WHERE code = 'ask';
DELETE FROM loyalty.campaigns WHERE code = 'spy';

-- An expression that takes long is cancelled, and the posting with it; the next one goes on.
INSERT INTO loyalty.rules (code, points, condition)
VALUES ('slow', (SELECT string_agg(format('sign(factorial(30000 + day + %s))', n), ' + ') FROM generate_series(1, 50) AS n), $$channel = 'www'$$);
RESET ROLE;
CREATE FUNCTION tap.cancelled(call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE call;
	RETURN 'done';
EXCEPTION WHEN query_canceled THEN RETURN 'cancelled';
END $$;
SET LOCAL ROLE till;
SET LOCAL statement_timeout = '1s';
SELECT is(cancelled($$SELECT loyalty.purchase('anna', 10.00, 'A2', channel => 'www', at => '2025-01-02')$$), 'cancelled', 'a posting is cancelled in the middle of an expression');
SET LOCAL statement_timeout = 0;
SELECT is((SELECT points FROM loyalty.purchase('anna', 10.00, 'A2', channel => 'web', at => '2025-01-02')), 10::bigint, 'it has left nothing, and the next is posted');
RESET ROLE;

-- A function that the owner has allowed sees the same settings in every session.
CREATE FUNCTION public.told(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS
	$$SELECT length(make_interval(hours => $1)::text || ('2025-01-01 00:00Z'::timestamptz + make_interval(hours => $1))::text || (1 / 3::float8)::text)$$;
SELECT loyalty.allow_function('public.told(integer)');
INSERT INTO loyalty.rules (code, points, condition) VALUES ('told', 'public.told(hour)', $$channel = 'told'$$);
SELECT points AS told FROM loyalty.purchase('anna', 10.00, 'A3', channel => 'told', at => '2025-01-03 12:00Z') \gset
SET LOCAL IntervalStyle = 'iso_8601';
SET LOCAL DateStyle = 'SQL, DMY';
SET LOCAL TimeZone = 'Asia/Kolkata';
SET LOCAL extra_float_digits = 0;
SELECT is((SELECT points FROM loyalty.purchase('anna', 10.00, 'A4', channel => 'told', at => '2025-01-03 12:00Z')), :told::bigint, 'an allowed function follows no setting of the session');

SELECT sound();
SELECT finish();
ROLLBACK;
