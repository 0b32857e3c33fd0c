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
