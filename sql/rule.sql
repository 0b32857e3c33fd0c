-- Rules: what earns how much; written through views that check them.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
INSERT INTO program (code, timezone, base_group) VALUES ('rules', 'Europe/Berlin', 'rate');
SET loyalty.program = 'rules';
INSERT INTO rule_groups (code, takes) VALUES ('rate', 'first');
INSERT INTO rules (code, effect, scope, condition, points, exclusive_group) VALUES
	('books', 'base', 'line', $$category = 'book'$$, 'amount * 3', 'rate');
INSERT INTO rules (code, effect, points, weekdays, hour_from, hour_until) VALUES
	('wednesday', 'multiplier', '2', '{3}', '10:00', '12:00');
INSERT INTO rules (code, points, condition, times_cap) VALUES ('first', '500', 'orders = 0', 1);
INSERT INTO rules (code, activity, effect, points, times_cap, cap_period) VALUES
	('check-in', 'check-in', 'base', 'CASE WHEN streak % 7 = 0 THEN 25 ELSE 5 END', 1, 'day');
SELECT code, effect, scope, condition, points, exclusive_group, author = current_user AS mine FROM rules ORDER BY code;

-- what is written wrong is refused, with the place
\set VERBOSITY default
INSERT INTO rules (code, points) VALUES ('bad', 'amuont * 2');
INSERT INTO rules (code, points) VALUES ('bad', '(SELECT 1)');
INSERT INTO rules (code, points) VALUES ('bad', 'extract(epoch FROM now())');
INSERT INTO rules (code, points, condition) VALUES ('bad', '1', 'line.amount > 3');
INSERT INTO rules (code, points, campaign) VALUES ('bad', '1', 'none');
INSERT INTO rules (code, points, tiers) VALUES ('bad', '1', '{none}');
UPDATE rules SET points = 'amount, 2' WHERE code = 'first';
UPDATE rules SET code = 'other' WHERE code = 'first';
SELECT count(*) FROM rules WHERE code = 'bad' OR points = 'amount, 2' OR code = 'other';

-- parts, lines, and one rounding
SELECT kind FROM enroll('anna', at => '2025-01-01 10:00+01');
SELECT points, jsonb_pretty(parts) AS parts
FROM purchase('anna', 39.90, 'o1', '[{"sku": "a", "category": "book", "amount": 10.50}, {"sku": "b", "amount": 29.40}]', at => '2025-01-08 10:30+01');
SELECT lines FROM entry WHERE ref = 'o1';
-- the first order is over
SELECT points, parts FROM purchase('anna', 9.99, 'o2', at => '2025-01-09 10:30+01');
SELECT what, points, detail FROM explain('anna', 'o2');
-- a preview writes nothing, in a transaction that may not
BEGIN READ ONLY;
SELECT points, computed, tier, expires_on FROM preview('anna', 20.00, at => '2025-01-15 11:59:59+01');
SELECT points FROM preview('anna', 20.00, at => '2025-01-15 12:00+01');
COMMIT;

-- activities in a set; a missed day starts the streak again
INSERT INTO activities (member, activity, ref, at)
	SELECT 'anna', 'check-in', 'c' || d, '2025-02-01 09:00+01'::timestamptz + d * interval '1 day'
	FROM generate_series(0, 9) AS d WHERE d <> 7;
SELECT ref, points FROM entry WHERE activity = 'check-in' ORDER BY seq;
COPY activities (member, activity, ref, at) FROM stdin;
anna	check-in	c10	2025-02-11 09:00+01
anna	check-in	c11	2025-02-11 10:00+01
anna	other	c12	2025-02-11 10:00+01
\.
SELECT ref, activity, points, parts FROM entry WHERE ref IN ('c10', 'c11', 'c12') ORDER BY seq;
COPY purchases (member, amount, ref, lines, at) FROM stdin;
anna	12.00	o3	[{"sku": "a", "category": "book", "amount": 2.00}, {"sku": "b", "amount": 10.00}]	2025-02-12 10:00+01
\.
SELECT points, lines, parts FROM entry WHERE ref = 'o3';
SELECT activity FROM activity('anna', 'purchase', 'c13');

-- a rule that fails at run time fails the posting, by name
INSERT INTO rules (code, points) VALUES ('risky', '100 / (amount - 5)');
SELECT points FROM purchase('anna', 5.00, 'o4');
SELECT points FROM purchase('anna', 4.00, 'o4');
UPDATE rules SET status = 'paused' WHERE code = 'risky';
SELECT points FROM purchase('anna', 5.00, 'o4', at => '2025-03-01');

-- a return takes back part by part, and gives back what was used up
SELECT points, due, parts FROM refund('anna', 'o1', 'r1', lines => '[{"line": 1}]', at => '2025-03-02');
SELECT points, due, parts FROM refund('anna', 'o1', 'r2', at => '2025-03-03');
SELECT counter_id, times, points FROM usage WHERE period_on = '-infinity';
SELECT * FROM verify();

-- the writer's search path chooses no operator of what is written as the owner
CREATE SCHEMA evil;
CREATE FUNCTION evil.eq(integer, integer) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'called as %', current_user; END$$;
CREATE FUNCTION evil.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'called as %', current_user; END$$;
CREATE OPERATOR evil.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = evil.eq);
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.eq);
SET search_path = evil, pg_catalog;
INSERT INTO loyalty.rules (code, points, campaign) VALUES ('bad', '1', 'none');
UPDATE loyalty.rules SET status = 'active', points = '100 / (amount + 5)' WHERE code OPERATOR(pg_catalog.=) 'risky';
DELETE FROM loyalty.rules WHERE code OPERATOR(pg_catalog.=) 'risky';
SET search_path = loyalty, public;
DROP SCHEMA evil CASCADE;
DELETE FROM rules;
SELECT count(*) FROM rules;

-- what a statement that failed had written is not remembered
INSERT INTO rules (code, points) VALUES ('kept', '10');
CREATE FUNCTION public.a_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT points FROM loyalty.preview('anna', 0)) > 5000 THEN
		RAISE 'too generous';
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER a_check AFTER UPDATE ON rule FOR EACH ROW EXECUTE FUNCTION public.a_check();
\c -
SET search_path = loyalty, public;
SET loyalty.program = 'rules';
UPDATE rule SET points = '9000' WHERE code = 'kept';
SELECT points FROM preview('anna', 0);
BEGIN;
SAVEPOINT s;
UPDATE rule SET points = '9000' WHERE code = 'kept';
ROLLBACK TO s;
SELECT points FROM preview('anna', 0);
COMMIT;
DROP TRIGGER a_check ON rule;
DROP FUNCTION public.a_check;
DELETE FROM rules;
