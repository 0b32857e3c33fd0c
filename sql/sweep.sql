-- Settling: one member, or all that are due.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
CALL sweep();	-- what other files left
INSERT INTO program (code, pending_days) VALUES ('sweep', 5);
SET loyalty.program = 'sweep';
INSERT INTO enrollments (member, at) SELECT 'w' || i, '2024-01-01' FROM generate_series(1, 5) AS i;
INSERT INTO awards (member, points, ref, expires_on, at) SELECT 'w' || i, 10 * i, 'a1', '2024-01-31', '2024-01-01' FROM generate_series(1, 5) AS i;
INSERT INTO purchases (member, amount, ref, at) SELECT 'w' || i, 10 * i, 'p1', '2024-01-10' FROM generate_series(1, 3) AS i;
SELECT balance FROM hold('w1', 4, 'h1', '2024-01-15', '2024-01-10');
SELECT balance FROM freeze('w2', 'earning', 'f1', until => '2024-01-31', at => '2024-01-10');
\set settled 'SELECT member, seq, kind, points, at FROM entries WHERE program = ''sweep'' AND ref IS NULL AND kind <> ''enroll'' ORDER BY member, seq'

-- S28: to a time, in order of instants; again there is nothing to do
SELECT settle('w1', '2024-01-20'), settle('w1', '2024-01-20') AS again;
SELECT settle('w2', '2024-01-15');
:settled;

-- not beyond the wall clock
SELECT points FROM award('w4', 1, 'a2', expires_on => '9000-01-01', at => '2024-01-10');
SELECT settle('w4', '9999-01-01');
SELECT balance FROM balance('w4');

-- no member that is unknown
SELECT settle('nobody');
\echo :LAST_ERROR_SQLSTATE

-- one batch, by hand
SELECT accounts, entries FROM _sweep_batch('2024-01-16', 1000, '-infinity', 0);

-- all, in batches of two
CALL sweep(batch => 2);
:settled;
CALL sweep();
SELECT count(*) AS due FROM account WHERE due_at <= now();

-- a lag leaves the last hours alone
SELECT balance FROM award('w5', 1, 'a2', expires_on => (now() - interval '1 day')::date, at => now() - interval '1 day');
CALL sweep(lag => '10 days');
SELECT count(*) AS due FROM account WHERE due_at <= now();

-- what it cannot do
\set SHOW_CONTEXT never
CALL sweep(lag => '-1 day');
\echo :LAST_ERROR_SQLSTATE
CALL sweep(batch => 0);
\echo :LAST_ERROR_SQLSTATE
CALL sweep(NULL);
\echo :LAST_ERROR_SQLSTATE
BEGIN;
CALL sweep();
ROLLBACK;
SELECT count(*) AS differences FROM verify();
