-- Guards: nobody writes the ledger but postings; drops are refused; conditions of a posting.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
INSERT INTO program (code) VALUES ('guard');
SET loyalty.program = 'guard';
SELECT entry FROM enroll('gus', at => '2024-01-01');
SELECT balance FROM award('gus', 100, 'a1', at => '2024-01-01');

-- no UPDATE, DELETE or TRUNCATE, rows or none
UPDATE account SET balance = 1000000 WHERE false;
\echo :LAST_ERROR_SQLSTATE
DELETE FROM account;
UPDATE entry SET points = 1000000;
DELETE FROM entry WHERE false;
TRUNCATE entry;
UPDATE hold SET points = 1;
DELETE FROM hold;
DELETE FROM member;
TRUNCATE member;
DELETE FROM program;
TRUNCATE account, entry, hold, member, program;

-- numbers and the zone stay
UPDATE member SET id = 1000000 WHERE key = 'gus';
\echo :LAST_ERROR_SQLSTATE
UPDATE program SET id = 1000000 WHERE code = 'guard';
UPDATE program SET timezone = 'Asia/Tokyo' WHERE code = 'guard';
\echo :LAST_ERROR_SQLSTATE
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE program SET timezone = 'Asia/Tokyo' WHERE code = 'guard';
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
UPDATE program SET name = 'The guard', code = 'guard' WHERE code = 'guard' RETURNING name;

-- the ledger is not dropped over its entries
DROP EXTENSION loyalty CASCADE;
\echo :LAST_ERROR_SQLSTATE
DROP SCHEMA loyalty CASCADE;
BEGIN;
ALTER EXTENSION loyalty DROP TABLE entry;
DROP TABLE entry CASCADE;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
ALTER TABLE account DROP COLUMN written_off;
\echo :LAST_ERROR_SQLSTATE

-- but a column of one's own is
ALTER TABLE account ADD COLUMN note text;
ALTER TABLE account DROP COLUMN note;
BEGIN;
ALTER TABLE account ADD COLUMN twice bigint GENERATED ALWAYS AS (balance * 2) STORED;
SELECT balance FROM award('gus', 4, 'twice', at => '2024-01-02');
SELECT balance, twice FROM account a JOIN member m ON m.id = a.member_id WHERE m.key = 'gus';
ROLLBACK;

-- with the setting it goes, and a rollback brings it back
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL loyalty.allow_drop = on;
DROP EXTENSION loyalty CASCADE;
ROLLBACK;
SELECT balance FROM balance('gus', at => '2024-01-01');

-- a read-only transaction
BEGIN READ ONLY;
SELECT balance FROM award('gus', 1, 'ro', at => '2024-01-02');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

-- a BEFORE ROW trigger could change what is posted: refused; AFTER is welcome
BEGIN;
CREATE FUNCTION public.meddle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER meddle BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION public.meddle();
SELECT balance FROM award('gus', 1, 'b1', at => '2024-01-02');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
BEGIN;
CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '% %: %', TG_OP, NEW.kind, NEW.points; RETURN NULL; END $$;
CREATE TRIGGER tell AFTER INSERT ON entry FOR EACH ROW EXECUTE FUNCTION public.tell();
SELECT balance FROM award('gus', 1, 'b2', at => '2024-01-02');
INSERT INTO awards (member, points, ref, at) VALUES ('gus', 2, 'b3', '2024-01-02');
ROLLBACK;

-- the trigger of the views is theirs
BEGIN;
CREATE TABLE public.other (member text);
CREATE TRIGGER post BEFORE INSERT ON public.other FOR EACH STATEMENT EXECUTE FUNCTION _set_trigger();
INSERT INTO public.other VALUES ('gus');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

-- a function that runs while an account is stored must not post
BEGIN;
CREATE FUNCTION public.again(bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM award('gus', 1, 'again'); RETURN true; END $$;
ALTER TABLE account ADD CONSTRAINT again CHECK (public.again(seq)) NOT VALID;
SELECT balance FROM award('gus', 1, 'b4', at => '2024-01-02');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

-- privileges, and row security that applies to the caller
CREATE ROLE regress_till;
GRANT USAGE ON SCHEMA loyalty TO regress_till;
SET ROLE regress_till;
SELECT balance FROM award('gus', 1, 't1', at => '2024-01-02');
\echo :LAST_ERROR_SQLSTATE
SELECT balance FROM balance('gus');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA loyalty TO regress_till;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA loyalty TO regress_till;
SET ROLE regress_till;
SELECT balance FROM award('gus', 1, 't1', at => '2024-01-02');
RESET ROLE;
ALTER TABLE entry ENABLE ROW LEVEL SECURITY;
SET ROLE regress_till;
SELECT balance FROM award('gus', 1, 't2', at => '2024-01-02');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
ALTER TABLE entry DISABLE ROW LEVEL SECURITY;
DROP OWNED BY regress_till;
DROP ROLE regress_till;

-- library and extension of two versions
\c -
SET search_path = loyalty, public;
BEGIN;
UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'loyalty';
SELECT balance FROM award('gus', 1, 'v1', at => '2024-01-02', program => 'guard');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
SELECT * FROM verify('gus');
