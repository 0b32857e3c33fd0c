-- The calls that post: what each does, and how each refuses.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
INSERT INTO program (code, expiry) VALUES ('verbs', '12 months');
SET loyalty.program = 'verbs';
\set seen 'entry, kind, points, balance, usable, debt, expires_on, "repeat"'

-- enroll: entry 1; again is a repeat, whatever else is said
SELECT :seen FROM enroll('ada', at => '2024-01-01');
SELECT :seen FROM enroll('ada', at => '2024-01-05', birthday => '12-31');
SELECT :seen FROM enroll('bob', at => '2024-01-01');

-- purchase: points for money; a repeat by value, another request is refused
SELECT :seen, parts FROM purchase('ada', 100.00, 'p1', '[{"sku": "A", "quantity": 2, "amount": 60}, {"sku": "B", "quantity": 1, "amount": 40}]', 'web', 'Berlin', '{"k": 1}', '2024-01-02', brand => 'own');
SELECT :seen FROM purchase('ada', 100.0, 'p1', '[{"sku": "A", "quantity": 2, "amount": 60.00}, {"sku": "B", "quantity": 1, "amount": 40}]', 'web', 'Berlin', '{"k": 1}', '2024-01-02', brand => 'own');
SELECT :seen FROM purchase('ada', 101, 'p1', at => '2024-01-02');
\echo :LAST_ERROR_SQLSTATE

-- award: with its own last day, or pending until confirmed
SELECT :seen FROM award('ada', 50, 'a1', 'welcome', '2024-06-30', at => '2024-01-03');
SELECT :seen FROM award('ada', 7, 'a2', pending => true, at => '2024-01-03');
SELECT :seen FROM confirm('ada', 'a2', 'a2', '2024-01-04');
SELECT :seen FROM confirm('ada', 'a2', 'a2', '2024-01-04');

-- spend: the lot that ends first goes first
SELECT :seen FROM spend('ada', 60, 's1', 'mug', '2024-01-05');
SELECT points, expires_on, state FROM lots(member => 'ada', at => '2024-01-05');

-- not enough: the numbers
SELECT :seen FROM spend('ada', 98, 's2', at => '2024-01-05');
\echo :LAST_ERROR_SQLSTATE

-- hold, capture, release: reserved, taken, free again; a hold ends once
SELECT :seen FROM award('bob', 30, 'a1', at => '2024-01-07');
SELECT :seen FROM hold('bob', 20, 'h1', at => '2024-01-08');
SELECT :seen FROM capture('bob', 'h1', 'h1', 15, '2024-01-09');
SELECT :seen FROM capture('bob', 'h1', 'h1', 15, '2024-01-09');
SELECT :seen FROM release('bob', 'h1', 'h1', '2024-01-09');
\echo :LAST_ERROR_SQLSTATE
SELECT :seen FROM hold('bob', 15, 'h2', '2024-01-10 12:00', '2024-01-09');
SELECT :seen FROM capture('bob', 'h2', 'h2', 16, '2024-01-10');
\echo :LAST_ERROR_SQLSTATE
SELECT :seen FROM release('bob', 'h2', 'h2', '2024-01-10');
SELECT :seen FROM hold('bob', 5, 'h3', '2024-02-09', '2024-01-10');
\echo :LAST_ERROR_SQLSTATE

-- adjust: up, down, and below nothing only if that is allowed
SELECT :seen FROM adjust('bob', 5, 'j1', 'goodwill', at => '2024-01-11');
SELECT :seen FROM adjust('bob', -25, 'j2', at => '2024-01-11');
\echo :LAST_ERROR_SQLSTATE
SELECT :seen FROM adjust('bob', -25, 'j2', allow_debt => true, at => '2024-01-11');

-- extend: what ends before that day moves there
SELECT :seen FROM extend('ada', '2024-12-31', 'e1', 'sorry', at => '2024-01-12');
SELECT :seen FROM extend('ada', '2024-01-12', 'e2', at => '2024-01-12');
\echo :LAST_ERROR_SQLSTATE

-- reinstate: what expired comes back, at most that
SELECT settle('ada', '2025-06-01');
SELECT balance, usable FROM balance('ada', at => '2025-06-01');
SELECT :seen FROM reinstate('ada', 3, '2025-12-31', 'i1', 'late', '2025-06-01');
SELECT :seen FROM reinstate('ada', 100, '2025-12-31', 'i2', at => '2025-06-01');
\echo :LAST_ERROR_SQLSTATE

-- freeze: spending, earning, all; it ends by itself; unfreeze lifts what is in force
SELECT :seen FROM freeze('ada', 'all', 'f1', 'lost card', '2025-06-10', '2025-06-03');
SELECT :seen FROM purchase('ada', 1, 'p9', at => '2025-06-04');
\echo :LAST_ERROR_SQLSTATE
SELECT :seen FROM purchase('ada', 10, 'p9', at => '2025-06-10');
SELECT :seen FROM unfreeze('ada', 'u1', at => '2025-06-11');
\echo :LAST_ERROR_SQLSTATE
SELECT :seen FROM freeze('ada', 'earning', 'f2', at => '2025-06-11');
SELECT :seen FROM spend('ada', 10, 's9', at => '2025-06-11');
SELECT :seen FROM unfreeze('ada', 'u1', 'found', '2025-06-12');
SELECT :seen FROM freeze('ada', 'sleeping', 'f3', at => '2025-06-12');
\echo :LAST_ERROR_SQLSTATE

-- and all is well
SELECT * FROM verify('ada') UNION ALL SELECT * FROM verify('bob');

-- Every call has its function, with its parameters in their order.
SELECT v.verb, array_agg(v.parameter ORDER BY v."position") AS listed, p.proargnames[:count(*)::int] AS declared
FROM verbs v LEFT JOIN pg_proc p ON p.pronamespace = 'loyalty'::regnamespace AND p.proname = v.verb
GROUP BY v.verb, p.oid, p.proargnames, p.pronargs
HAVING p.oid IS NULL OR p.pronargs <> count(*) OR p.proargnames[:count(*)::int] IS DISTINCT FROM array_agg(v.parameter ORDER BY v."position");
