-- Views to insert into: one for each call, by row, by statement, and by COPY.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
INSERT INTO program (code) VALUES ('views');
SET loyalty.program = 'views';

-- enrollments: one that comes again is a repeat
INSERT INTO enrollments (member, at) VALUES ('v1', '2024-01-01'), ('v2', '2024-01-01'), ('v1', '2024-01-01') RETURNING member, program, entry, repeat;

-- what shows a result cannot be given
INSERT INTO enrollments (member, balance) VALUES ('v3', 1);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO purchases (member, amount, ref, entry) VALUES ('v1', 1, 'x', 7);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO awards (member, points, ref, change) VALUES ('v1', 1, 'x', 1) RETURNING balance;
COPY spends (member, points, ref, usable) FROM stdin;
v1	1	x	1
\.
\echo :LAST_ERROR_SQLSTATE

-- purchases: in the order of the rows, whatever the members
INSERT INTO purchases (member, amount, ref, lines, channel, store, attributes, at, brand) VALUES
	('v2', 10.50, 'p1', '[{"sku": "A", "amount": 10.50}]', 'web', 'Rome', '{"a": 1}', '2024-01-02', 'own'),
	('v1', 20, 'p1', NULL, NULL, NULL, NULL, '2024-01-02', NULL),
	('v2', 30, 'p2', NULL, NULL, NULL, NULL, '2024-01-03', NULL)
RETURNING member, program, ref, amount, change, balance, usable, repeat;

-- the same again, without RETURNING: a set; nothing is posted twice
INSERT INTO purchases (member, amount, ref, at) VALUES ('v1', 20, 'p1', '2024-01-02'), ('v1', 5, 'p3', '2024-01-03');
SELECT member, amount, ref, lines, channel, store, attributes, brand, change, balance, repeat FROM purchases WHERE program = 'views' ORDER BY member, entry;

-- awards by COPY
COPY awards (member, points, ref, reason, expires_on, pending, at) FROM stdin;
v1	100	a1	welcome	2024-06-30	f	2024-01-04
v2	50	a1	\N	infinity	t	2024-01-04
v1	100	a1	welcome	2024-06-30	f	2024-01-04
\.
SELECT member, points, ref, reason, expires_on, pending, change FROM awards WHERE program = 'views' ORDER BY member, entry;

-- confirmations
INSERT INTO confirmations (member, of_ref, ref, at) VALUES ('v2', 'a1', 'a1', '2024-01-05') RETURNING ref, change, balance, usable;

-- spends: by INSERT ... SELECT
INSERT INTO spends (member, points, ref, reason, at) SELECT 'v' || i, 10, 's1', 'mug', '2024-01-06' FROM generate_series(1, 2) AS i;
SELECT member, points, ref, reason, change, balance FROM spends WHERE program = 'views' ORDER BY member;

-- cancellations and refunds
INSERT INTO cancellations (member, of_ref, ref, points, at) VALUES ('v1', 's1', 'c1', 4, '2024-01-07'), ('v1', 's1', 'c2', NULL, '2024-01-07') RETURNING ref, change, balance;
INSERT INTO refunds (member, of_ref, ref, amount, at, reason) VALUES ('v1', 'p1', 'r1', 5, '2024-01-07', 'broken'), ('v1', 'p1', 'r2', NULL, '2024-01-08', NULL) RETURNING ref, amount, change, balance;

-- holds, captures, releases
INSERT INTO holds (member, points, ref, until, at) VALUES ('v1', 10, 'h1', NULL, '2024-01-09'), ('v1', 20, 'h2', NULL, '2024-01-09'), ('v2', 5, 'h1', 'infinity', '2024-01-09') RETURNING member, ref, points, balance, usable;
INSERT INTO captures (member, of_ref, ref, points, at) VALUES ('v1', 'h1', 'h1', 7, '2024-01-10') RETURNING ref, points, change, balance, usable;
INSERT INTO releases (member, of_ref, ref, at) VALUES ('v1', 'h2', 'h2', '2024-01-10') RETURNING ref, change, balance, usable;
SELECT member, ref, points, until FROM holds WHERE program = 'views' ORDER BY member, entry;
SELECT member, ref, lapsed FROM releases WHERE program = 'views';

-- corrections, later days, what expired
INSERT INTO adjustments (member, points, ref, reason, allow_debt, at) VALUES ('v1', 3, 'j1', 'goodwill', NULL, '2024-01-11'), ('v1', -3, 'j2', NULL, true, '2024-01-11') RETURNING ref, change, balance;
INSERT INTO extensions (member, last_day, ref, of_last_day, at) VALUES ('v1', '2024-07-31', 'e1', '2024-06-30', '2024-01-12') RETURNING ref, last_day, change, balance;
SELECT settle('v1', '2024-08-01');
INSERT INTO reinstatements (member, points, last_day, ref, at) VALUES ('v1', 30, '2024-12-31', 'i1', '2024-08-02') RETURNING ref, change, balance, usable;

-- transfers, both ways in one statement
INSERT INTO transfers (member, to_member, points, ref, at) VALUES ('v1', 'v2', 20, 't1', '2024-08-03'), ('v2', 'v1', 15, 't1', '2024-08-03');
SELECT member, to_member, points, ref, change, balance FROM transfers WHERE program = 'views' ORDER BY member;

-- freezes
INSERT INTO freezes (member, mode, ref, reason, at) VALUES ('v1', 'spending', 'f1', 'lost card', '2024-08-04') RETURNING mode, ref, reason;
INSERT INTO unfreezes (member, ref, at) VALUES ('v1', 'u1', '2024-08-05') RETURNING ref;

-- a statement is all or nothing
INSERT INTO spends (member, points, ref, at) VALUES ('v1', 1, 's2', '2024-08-06'), ('v2', 100000, 's2', '2024-08-06');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM spends WHERE program = 'views' AND ref = 's2';
COPY spends (member, points, ref, at) FROM stdin;
v1	1	s2	2024-08-06
v2	100000	s2	2024-08-06
\.
\echo :LAST_ERROR_SQLSTATE

-- what is NULL and must not be
INSERT INTO spends (member, points) VALUES ('v1', 1);
\echo :LAST_ERROR_SQLSTATE

-- postings cannot be changed, and are not deleted
UPDATE spends SET points = 1 WHERE false;
\echo :LAST_ERROR_SQLSTATE
DELETE FROM spends;
\echo :LAST_ERROR_SQLSTATE

-- in a WITH, and from a subtransaction that is rolled back
WITH posted AS (INSERT INTO awards (member, points, ref, at) VALUES ('v1', 1, 'w1', '2024-08-07'), ('v2', 2, 'w1', '2024-08-07') RETURNING member, change)
SELECT sum(change) FROM posted;
BEGIN;
INSERT INTO awards (member, points, ref, at) VALUES ('v1', 1, 'x1', '2024-08-08');
SAVEPOINT here;
INSERT INTO awards (member, points, ref, at) VALUES ('v1', 1, 'x2', '2024-08-08'), ('v2', 2, 'x2', '2024-08-08');
ROLLBACK TO here;
INSERT INTO awards (member, points, ref, at) VALUES ('v1', 1, 'x3', '2024-08-08');
COMMIT;
SELECT member, ref, balance FROM awards WHERE program = 'views' AND ref LIKE 'x%' ORDER BY entry;

-- many rows of few members: one lock each, all posted
INSERT INTO awards (member, points, ref, at) SELECT 'v' || 1 + i % 2, 1, 'm' || i, '2024-08-09' FROM generate_series(1, 1000) AS i;
SELECT member, balance, usable FROM balances WHERE program = 'views' ORDER BY member;
SELECT * FROM verify('v1') UNION ALL SELECT * FROM verify('v2');
