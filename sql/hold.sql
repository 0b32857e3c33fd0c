-- Holds: slices reserved, their end, and what comes back.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
INSERT INTO program (code, hold_limit) VALUES ('hold', '2 days');
SET loyalty.program = 'hold';
SELECT kind FROM enroll('hal', at => '2024-01-01');
SELECT balance FROM award('hal', 50, 'a1', expires_on => '2024-01-31', at => '2024-01-01');
SELECT balance FROM award('hal', 73, 'a2', expires_on => '2024-02-28', at => '2024-01-01');
\set open 'SELECT h.ref, h.points, h.until, h.lots FROM hold h JOIN account a ON a.id = h.account_id JOIN member m ON m.id = a.member_id WHERE m.key = ''hal'' ORDER BY h.seq'

-- S17: first in order of use; 50 + 73 held, capture 100: 23 free
SELECT balance, usable FROM hold('hal', 123, 'h1', at => '2024-01-02');
:open;
SELECT balance, usable FROM capture('hal', 'h1', 'h1', 100, '2024-01-02');
:open;
SELECT source, gained FROM entries WHERE member = 'hal' AND of_ref = 'h1';

-- over at its end, whether or not a job has run
SELECT balance, usable FROM hold('hal', 20, 'h2', '2024-01-03 12:00', '2024-01-03');
SELECT usable, held FROM balance('hal', at => '2024-01-03 11:59:59.999999');
SELECT usable, held FROM balance('hal', at => '2024-01-03 12:00');
SELECT points FROM capture('hal', 'h2', 'h2', at => '2024-01-03 12:00');
\echo :LAST_ERROR_SQLSTATE

-- not before it begins, not beyond the limit, but for an operator's without end
SELECT points FROM hold('hal', 1, 'h3', '2024-01-04', '2024-01-04');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM hold('hal', 1, 'h3', '2024-01-06 00:00:00.000001', '2024-01-04');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM hold('hal', 1, 'h3', '2024-01-06', '2024-01-04');
SELECT points FROM hold('hal', 2, 'h4', 'infinity', '2024-01-04', reason => 'disputed');
:open;

-- more than is usable
SELECT points FROM hold('hal', 21, 'h5', at => '2024-01-04');
\echo :LAST_ERROR_SQLSTATE

-- a held lot past its expiry can still be captured; what comes back is gone at once
SELECT balance FROM award('hal', 10, 'a3', expires_on => '2024-01-10', at => '2024-01-10');
SELECT balance, usable FROM hold('hal', 10, 'h6', at => '2024-01-10');
SELECT points, balance, usable, expired FROM capture('hal', 'h6', 'h6', 4, '2024-01-11');
SELECT seq, kind, points, expired FROM entries WHERE member = 'hal' AND at = '2024-01-11' ORDER BY seq;

-- a captured hold is cancelled by its own ref; an open one is not
SELECT points, balance FROM cancel('hal', 'h1', 'c1', 10, '2024-01-12');
SELECT points FROM cancel('hal', 'h4', 'c2', at => '2024-01-12');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM capture('hal', 'a1', 'a1', at => '2024-01-12');
\echo :LAST_ERROR_SQLSTATE

-- extended with its lot; released, it is free with the new day
SELECT points FROM extend('hal', '2024-12-31', 'e1', at => '2024-01-13');
:open;
SELECT balance, usable FROM release('hal', 'h4', 'h4', '2024-01-14');
SELECT points, expires_on, held, state FROM lots(member => 'hal', at => '2024-01-14');
SELECT * FROM verify('hal');
