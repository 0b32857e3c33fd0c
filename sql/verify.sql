-- verify: names every difference; a damaged account is not posted to.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
INSERT INTO program (code) VALUES ('verify');
SET loyalty.program = 'verify';
SELECT kind FROM enroll('val', at => '2024-01-01');
SELECT balance FROM award('val', 100, 'a1', at => '2024-01-02');
SELECT balance FROM spend('val', 30, 's1', at => '2024-01-03');
SELECT balance FROM hold('val', 20, 'h1', 'infinity', '2024-01-04');

-- all is well
SELECT * FROM verify('val');

-- what a superuser can do who takes the guards off, each undone
\set id '(SELECT a.id FROM account a JOIN member m ON m.id = a.member_id WHERE m.key = ''val'')'
\set found 'SELECT entry, field, CASE field WHEN ''hash'' THEN ''(bytes)'' ELSE stored END AS stored, CASE field WHEN ''hash'' THEN ''(bytes)'' ELSE expected END AS expected FROM verify(''val'')'
BEGIN;
ALTER TABLE entry DISABLE TRIGGER guard;
UPDATE entry SET reason = 'nothing' WHERE account_id = :id AND seq = 2;
:found;
ROLLBACK;
BEGIN;
ALTER TABLE entry DISABLE TRIGGER guard;
UPDATE entry SET points = -29 WHERE account_id = :id AND seq = 3;
:found;
ROLLBACK;
BEGIN;
ALTER TABLE entry DISABLE TRIGGER guard;
DELETE FROM entry WHERE account_id = :id AND seq = 3;
:found;
ROLLBACK;
BEGIN;
ALTER TABLE account DISABLE TRIGGER guard;
UPDATE account SET balance = 80, lots = '{60 until never earned 2024-01-02}', usable = 60 WHERE id = :id;
:found;
ROLLBACK;
BEGIN;
ALTER TABLE hold DISABLE TRIGGER guard;
DELETE FROM hold WHERE account_id = :id;
:found;
ROLLBACK;

-- an account whose balance is not its lots cannot even be stored
BEGIN;
ALTER TABLE account DISABLE TRIGGER guard;
\set VERBOSITY terse
UPDATE account SET balance = 1000 WHERE id = :id;
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY default
ROLLBACK;

-- and one that was is not posted to
BEGIN;
ALTER TABLE account DISABLE TRIGGER guard, DROP CONSTRAINT account_balance_is_its_lots;
UPDATE account SET balance = 1000 WHERE id = :id;
DO $$
DECLARE
	hint text;
BEGIN
	PERFORM award('val', 1, 'a2', at => '2024-01-05');
EXCEPTION WHEN SQLSTATE 'LY014' THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RAISE NOTICE '% %: %', SQLSTATE, regexp_replace(SQLERRM, '\d+', 'N'), hint;
END $$;
ROLLBACK;

-- rows that belong to nothing: of all accounts only
BEGIN;
INSERT INTO hold VALUES (1000000, 1, 'infinity', 5, 'h', '{5 until never earned 2024-01-01}');
SELECT account_id, entry, field, stored, expected FROM verify();
ROLLBACK;
SELECT count(*) AS differences FROM verify();

-- what cannot be understood is a difference, and hides no other: of the member,
-- beside a second damage of a later entry
SELECT kind FROM freeze('val', 'earning', 'f1', until => '2024-01-06', at => '2024-01-05');
SELECT usable FROM purchase('val', 10.00, 'p1', at => '2024-01-07');
SELECT usable FROM refund('val', 'p1', 'r1', amount => 4.00, at => '2024-01-08');
INSERT INTO tiers (code, rank, points) VALUES ('gold', 2, 1000);
SELECT kind FROM grant_tier('val', 'gold', '2024-12-31', 'g1', at => '2024-01-09');
SELECT kind FROM award('val', 5, 'last', at => '2024-01-10');
INSERT INTO campaigns (code, status) VALUES ('none', 'draft');
CREATE CAST ("char" AS kind) WITHOUT FUNCTION;
CREATE CAST (bytea AS lot_queue) WITHOUT FUNCTION;
CREATE CAST (bytea AS expiry) WITHOUT FUNCTION;
CREATE FUNCTION damage(tampering text) RETURNS TABLE (entry bigint, field text, stored text, expected text)
LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	ALTER TABLE loyalty.account DISABLE TRIGGER guard;
	ALTER TABLE loyalty.entry DISABLE TRIGGER guard;
	ALTER TABLE loyalty.account DROP CONSTRAINT IF EXISTS account_balance_is_its_lots;
	EXECUTE replace(replace(tampering, '@', 'account_id = (SELECT a.id FROM loyalty.account a JOIN loyalty.member m ON m.id = a.member_id WHERE m.key = ''val'')'),
		'#', 'id = (SELECT a.id FROM loyalty.account a JOIN loyalty.member m ON m.id = a.member_id WHERE m.key = ''val'')');
	UPDATE loyalty.entry e SET channel = 'other' WHERE e.ref = 'last';
	PERFORM * FROM loyalty.backtest('none', program => 'verify');
	BEGIN
		PERFORM * FROM loyalty.explain('val', 'p1', program => 'verify');
	EXCEPTION WHEN SQLSTATE 'LY014' THEN	-- it shows the lots
		NULL;
	END;
	PERFORM * FROM loyalty.statement('val', program => 'verify');
	RETURN QUERY SELECT v.entry, v.field, CASE v.field WHEN 'hash' THEN '(bytes)' ELSE v.stored END, v.expected
		FROM loyalty.verify('val') v;
END
$$;
\set damage 'BEGIN; SELECT * FROM damage(:''tampering''); ROLLBACK'
\set tampering 'UPDATE entry SET mode = NULL WHERE @ AND ref = ''f1'''
:damage;
\set tampering 'UPDATE entry SET amount = NULL WHERE @ AND ref = ''p1'''
:damage;
\set tampering 'UPDATE entry SET amount = ''NaN'' WHERE @ AND ref = ''r1'''
:damage;
\set tampering 'UPDATE entry SET ref = NULL WHERE @ AND ref = ''h1'''
:damage;
\set tampering 'UPDATE entry SET tier_grant = NULL WHERE @ AND ref = ''g1'''
:damage;
\set tampering 'UPDATE entry SET kind = ''spend'' WHERE @ AND ref = ''p1'''
:damage;
\set tampering 'UPDATE entry SET kind = ''M''::"char"::kind WHERE @ AND ref = ''h1'''
:damage;
\set tampering 'UPDATE entry SET clock_on = ''infinity'' WHERE @ AND ref = ''p1'''
:damage;
\set tampering 'UPDATE account SET clock_on = ''5874897-12-31'' WHERE #'
:damage;
\set tampering 'UPDATE entry SET charges = ''[{"id": 1e30, "points": {}}]'' WHERE @ AND ref = ''p1'''
:damage;
\set tampering 'UPDATE entry SET charges = ''[{"id": 1, "points": 1, "part": 7}]'' WHERE @ AND ref = ''p1'''
:damage;
\set tampering 'UPDATE account SET grants = ''{"seq": "x"}'' WHERE #'
:damage;
\set tampering 'UPDATE entry SET gained = ''\\x0101''::bytea::lot_queue WHERE @ AND ref = ''p1'''
:damage;
\set tampering 'UPDATE entry SET expiry = ''\\xff''::bytea::expiry WHERE @ AND ref = ''p1'''
:damage;
\set tampering 'UPDATE account SET program_id = 999999 WHERE #'
:damage;
DROP FUNCTION damage;
DROP CAST ("char" AS kind);
DROP CAST (bytea AS lot_queue);
DROP CAST (bytea AS expiry);

-- to what is damaged nothing is posted, and an account is read only where it is sound
BEGIN;
ALTER TABLE entry DISABLE TRIGGER guard;
UPDATE entry SET amount = NULL WHERE ref = 'p1' AND account_id = :id;
DO $$
DECLARE
	detail text;
BEGIN
	PERFORM loyalty.refund('val', 'p1', 'r2', at => '2024-01-11');
EXCEPTION WHEN SQLSTATE 'LY014' THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RAISE NOTICE '% %: %', SQLSTATE, regexp_replace(SQLERRM, '\d+', 'N', 'g'), detail;
END $$;
ROLLBACK;

-- every kind has its fields
SELECT field FROM entry_fields WHERE kind = 'freeze' AND needed ORDER BY 1;
SELECT count(DISTINCT kind) = (SELECT count(*) FROM kinds) AS all_kinds FROM entry_fields;
