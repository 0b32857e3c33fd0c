-- Reads: now, as of any time, and right although nothing is settled.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
INSERT INTO program (code, pending_days) VALUES ('reads', 10);
SET loyalty.program = 'reads';
SELECT kind FROM enroll('ron', at => '2024-01-01');
SELECT balance FROM purchase('ron', 100, 'p1', at => '2024-01-01');
SELECT balance FROM award('ron', 50, 'a1', expires_on => '2024-01-31', at => '2024-01-02');
SELECT balance FROM hold('ron', 20, 'h1', '2024-01-08', '2024-01-03');
SELECT balance FROM spend('ron', 10, 's1', at => '2024-01-04');

-- balance as of: what had acted, settled to there
SELECT t.at, b.* FROM unnest('{2023-12-31,2024-01-01,2024-01-03,2024-01-07 23:59:59,2024-01-08,2024-01-11,2024-01-31 23:59:59,2024-02-01}'::timestamptz[]) AS t (at), balance('ron', at => t.at) AS b;

-- lots as of: free, held, pending
SELECT * FROM lots(member => 'ron', at => '2024-01-04');
SELECT * FROM lots(member => 'ron', at => '2024-02-01');

-- nothing was written
SELECT count(*) FROM entries WHERE member = 'ron';

-- views: now
SELECT member, balance, usable, pending, held, debt FROM balances WHERE program = 'reads';
SELECT member, expires_on, points, held, state FROM lots_open WHERE program = 'reads';

-- the statement shows what is due and not settled, without recorded_at
SELECT entry, at, kind, ref, of_ref, points, balance, usable, held, recorded_at IS NOT NULL AS recorded FROM statement('ron');
SELECT entry, kind FROM statement('ron', '2024-01-02', '2024-01-04');
SELECT entry, kind, points FROM statements WHERE program = 'reads' AND kind = 'expire';

-- points_used, by month
SELECT points FROM capture('ron', 'h1', 'h1', 5, '2024-01-05');
SELECT points FROM cancel('ron', 's1', 'c1', 3, '2024-02-01');
SELECT * FROM points_used WHERE program = 'reads' ORDER BY month;

-- what will expire, and when that day is over
SELECT balance FROM award('ron', 7, 'a2', expires_on => '9000-12-31', at => '2024-02-01');
SELECT * FROM points_expiring WHERE program = 'reads';

-- explain: how it came to its points, and what became of it
SELECT * FROM explain('ron', 'p1');
SELECT * FROM explain('ron', 's1');
SELECT * FROM explain('ron', 'h1');
SELECT * FROM explain('ron', 'nothing');

-- the name of a type is no cast: a bare literal is a member
SELECT points, state FROM lots('ron');
SELECT points, state FROM lots('ron'::varchar);
SELECT points, state FROM lots('ron'::text, '2024-01-04');
SELECT total('{7 until never earned 2024-01-01}'), '{}'::lot_queue AS none;

-- unknown members and programs
SELECT * FROM balance('nobody');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM lots('nobody');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM balance(NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM balance('ron', program => 'nowhere');
\echo :LAST_ERROR_SQLSTATE

-- in parallel workers too
-- PostgreSQL 16 renamed the setting
SELECT CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END AS parallel \gset
SET :parallel = on;
SELECT balance FROM balance('ron', at => '2024-01-04');
SELECT member, balance FROM balances WHERE program = 'reads';
SELECT count(*) FROM verify();
