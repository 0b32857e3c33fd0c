-- Queues of lots: text form, order of use, arithmetic, limits.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';

-- the empty queue
SELECT '{}'::lot_queue, total('{}'), usable('{}', '2025-06-01');

-- every field in the text form
SELECT '{100 until 2026-06-30 earned 2025-12-01; 50 until 2026-06-30 earned 2025-12-02 usable 2025-12-16 issuer 3; 7 until inactive earned 2025-01-01; 5 until never earned 2025-12-02 pending}'::lot_queue;

-- they stand in order of use: last day, undated, never; then earned, usable, issuer
SELECT '{7 until 2025-06-30 earned 2025-03-01; 6 until 2025-12-31 earned 2025-01-01; 4 until 2025-12-31 earned 2025-01-01 issuer 2; 5 until 2025-12-31 earned 2025-01-01 usable 2025-02-01; 3 until 2025-12-31 earned 2025-01-02; 2 until inactive earned 2025-01-01; 1 until never earned 2025-01-01}'::lot_queue;

-- in another order, or one twice, it is no queue
SELECT '{1 until never earned 2025-01-01; 2 until inactive earned 2025-01-01}'::lot_queue;
\echo :LAST_ERROR_SQLSTATE
SELECT '{1 until never earned 2025-01-01; 2 until never earned 2025-01-01}'::lot_queue;

-- usable and issuer where they are another only
SELECT '{1 until never earned 2025-01-01 usable 2025-01-01}'::lot_queue;
SELECT '{1 until never earned 2025-01-01 issuer 0}'::lot_queue;

-- white space is free
SELECT E' { 1  until never\nearned 2025-01-01 ;2 until never earned 2025-01-02} '::lot_queue;

-- what is no queue
SELECT '{0 until never earned 2025-01-01}'::lot_queue;
\echo :LAST_ERROR_SQLSTATE
SELECT '{-1 until never earned 2025-01-01}'::lot_queue;
SELECT '{1 until never}'::lot_queue;
SELECT '{1 until 2025-02-30 earned 2025-01-01}'::lot_queue;
\echo :LAST_ERROR_SQLSTATE
SELECT '{1 until never earned infinity}'::lot_queue;
SELECT '{1 until never earned 2025-01-01'::lot_queue;
SELECT '{1 until never earned 2025-01-01} x'::lot_queue;
SELECT '{9223372036854775808 until never earned 2025-01-01}'::lot_queue;
\echo :LAST_ERROR_SQLSTATE
SELECT '{9000000000000000000 until never earned 2025-01-01; 9000000000000000000 until never earned 2025-01-01}'::lot_queue;
SELECT '1 until never earned 2025-01-01'::lot_queue;
SELECT ''::lot_queue;

\set q '\'{10 until 2025-03-31 earned 2025-01-01; 20 until 2025-06-30 earned 2025-01-01 usable 2025-02-01; 30 until inactive earned 2025-01-01; 40 until never earned 2025-01-01 pending; 50 until never earned 2025-01-02}\''

-- as rows: never is infinity, undated NULL, once confirmed infinity
SELECT * FROM unnest(:q::lot_queue);

-- all points; points usable on a day: from the first day to the last, both included
SELECT total(:q);
SELECT on_date, usable(:q, on_date) FROM (VALUES ('2025-01-31'::date), ('2025-02-01'), ('2025-03-31'), ('2025-04-01'), ('2025-07-01')) AS d (on_date);

-- what spending takes, in order of use; all that is usable if that is less
SELECT lots_take(:q, 35, '2025-02-01');
SELECT lots_take(:q, 35, '2025-01-31');
SELECT lots_take(:q, 1000, '2025-02-01');
SELECT lots_take(:q, 0, '2025-02-01');
SELECT lots_take(:q, -1, '2025-02-01');
\echo :LAST_ERROR_SQLSTATE

-- what has ended by a day
SELECT lots_expired(:q, '2025-03-31');
SELECT lots_expired(:q, '2025-04-01');
SELECT lots_expired(:q, '2030-01-01');

-- added, and taken off
SELECT '{1 until never earned 2025-01-01}'::lot_queue + '{3 until 2025-06-30 earned 2025-01-01; 2 until never earned 2025-01-01}';
SELECT :q::lot_queue - '{5 until 2025-03-31 earned 2025-01-01; 50 until never earned 2025-01-02}';
SELECT :q::lot_queue - :q = '{}' AS nothing;
SELECT '{1 until never earned 2025-01-01}'::lot_queue - '{2 until never earned 2025-01-01}';
\echo :LAST_ERROR_SQLSTATE
SELECT '{1 until never earned 2025-01-01}'::lot_queue - '{1 until never earned 2025-01-02}';

-- equal by value, not by text
SELECT ' {01 until never earned 2025-01-01}'::lot_queue = '{1 until never earned 2025-01-01}' AS eq,
	'{1 until never earned 2025-01-01}'::lot_queue <> '{2 until never earned 2025-01-01}' AS ne;

-- 1,000 lots are the limit
SELECT total(('{' || string_agg('1 until never earned ' || '2020-01-01'::date + i, ';' ORDER BY i) || '}')::lot_queue) FROM generate_series(1, 10000) AS i;
SELECT total(('{' || string_agg('1 until never earned ' || '2020-01-01'::date + i, ';' ORDER BY i) || '}')::lot_queue) FROM generate_series(1, 10001) AS i;
\echo :LAST_ERROR_SQLSTATE

-- binary form, there and back
SELECT length(lot_queue_send('{}')) AS empty, length(lot_queue_send(:q)) AS five;
CREATE TEMP TABLE one (lots lot_queue);
INSERT INTO one VALUES ('{}'), (:q), ('{50 until 2026-06-30 earned 2025-12-02 usable 2025-12-16 issuer 3; 1 until inactive earned 2025-12-02}');
COPY one TO PROGRAM 'cat >loyalty_regress.bin' (FORMAT binary);
COPY one FROM PROGRAM 'cat loyalty_regress.bin; rm loyalty_regress.bin' (FORMAT binary);
SELECT lots::text, count(*) FROM one GROUP BY 1 ORDER BY 1;

-- binary that is no queue: a count that is none, a lot of no points
COPY one FROM PROGRAM 'printf "PGCOPY\012\377\015\012\000\000\000\000\000\000\000\000\000\000\001\000\000\000\004\377\377\377\377\377\377"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE
COPY one FROM PROGRAM 'printf "PGCOPY\012\377\015\012\000\000\000\000\000\000\000\000\000\000\001\000\000\000\034\000\000\000\001\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\377\377"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE
