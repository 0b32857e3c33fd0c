-- Undoing: returns of what was given, cancels of what was used.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
INSERT INTO program (code) VALUES ('undo');
SET loyalty.program = 'undo';
\set seen 'points, balance, usable, debt'
\set returned 'points, balance, debt, due, taken, owed, spared, written_off'
SELECT kind FROM enroll('una', at => '2024-01-01');
SELECT kind FROM enroll('ulf', at => '2024-01-01');
SELECT points FROM purchase('una', 100.00, 'p1', at => '2024-01-02');
SELECT points FROM award('una', 50, 'a1', expires_on => '2024-06-30', at => '2024-01-02');
SELECT points FROM spend('una', 60, 's1', at => '2024-01-03');

-- S15: cancel: back to their lots, last taken first; never more than was taken
SELECT :seen FROM cancel('una', 's1', 'c1', 20, '2024-01-04');
SELECT points, expires_on FROM lots('una'::text, '2024-01-04');
SELECT :seen FROM cancel('una', 's1', 'c2', 41, '2024-01-04');
\echo :LAST_ERROR_SQLSTATE
SELECT :seen FROM cancel('una', 'p1', 'c2', at => '2024-01-04');
\echo :LAST_ERROR_SQLSTATE
SELECT :seen FROM cancel('una', 'nothing', 'c2', at => '2024-01-04');
\echo :LAST_ERROR_SQLSTATE
SELECT :seen FROM cancel('una', 's1', 'c2', at => '2024-01-04');
SELECT :seen FROM cancel('una', 's1', 'c3', at => '2024-01-04');
\echo :LAST_ERROR_SQLSTATE

-- S12: refund: by amount, all the rest, then there is nothing left
SELECT :returned FROM refund('una', 'p1', 'r1', amount => 25.00, at => '2024-01-05');
SELECT :returned FROM refund('una', 'p1', 'r2', amount => 75.01, at => '2024-01-05');
\echo :LAST_ERROR_SQLSTATE
SELECT :returned FROM refund('una', 'p1', 'r2', lines => '[{"line": 1}]', at => '2024-01-05');
\echo :LAST_ERROR_SQLSTATE
SELECT :returned FROM refund('una', 'p1', 'r2', at => '2024-01-05');
SELECT :returned FROM refund('una', 'p1', 'r3', at => '2024-01-05');
\echo :LAST_ERROR_SQLSTATE
SELECT :returned FROM refund('una', 's1', 'r3', at => '2024-01-05');
\echo :LAST_ERROR_SQLSTATE
SELECT :returned FROM refund('una', 'a1', 'r3', amount => 1, at => '2024-01-05');
\echo :LAST_ERROR_SQLSTATE
SELECT :returned FROM refund('una', 'a1', 'r3', at => '2024-01-05');

-- S12: by lines: by quantity, money, sku, or the rest of a line
SELECT points FROM purchase('ulf', 40, 'p1', '[{"sku": "A", "quantity": 4, "amount": 10}, {"sku": "B", "quantity": 1, "amount": 10}, {"sku": "C", "amount": 20}]', at => '2024-01-02');
SELECT :returned FROM refund('ulf', 'p1', 'r1', lines => '[{"line": 1, "quantity": 1}]', at => '2024-01-03');
SELECT :returned FROM refund('ulf', 'p1', 'r2', lines => '[{"sku": "C", "amount": 5.00}, {"line": 2}]', at => '2024-01-03');
SELECT :returned FROM refund('ulf', 'p1', 'r3', lines => '[{"line": 2, "amount": 0.01}]', at => '2024-01-03');
\echo :LAST_ERROR_SQLSTATE
SELECT :returned FROM refund('ulf', 'p1', 'r3', lines => '[{"line": 4}]', at => '2024-01-03');
\echo :LAST_ERROR_SQLSTATE
SELECT :returned FROM refund('ulf', 'p1', 'r3', amount => 1, at => '2024-01-03');
\echo :LAST_ERROR_SQLSTATE
SELECT :returned FROM refund('ulf', 'p1', 'r3', 1, '[{"line": 1}]', '2024-01-03');
\echo :LAST_ERROR_SQLSTATE
SELECT :returned FROM refund('ulf', 'p1', 'r4', at => '2024-01-03');

-- S12: by amount first, then not by lines but for all the rest; nothing; net 0 once, whole
SELECT points FROM purchase('ulf', 10, 'p3', '[{"amount": 10}]', at => '2024-01-03');
SELECT :returned FROM refund('ulf', 'p3', 'r6', amount => 0, at => '2024-01-03');
\echo :LAST_ERROR_SQLSTATE
SELECT :returned FROM refund('ulf', 'p3', 'r6', amount => 5, at => '2024-01-03');
SELECT :returned FROM refund('ulf', 'p3', 'r7', lines => '[{"line": 1, "amount": 4}]', at => '2024-01-03');
\echo :LAST_ERROR_SQLSTATE
SELECT :returned FROM refund('ulf', 'p3', 'r7', lines => '[{"line": 1, "amount": 5}]', at => '2024-01-03');
SELECT points FROM purchase('ulf', 0, 'p4', at => '2024-01-03');
SELECT :returned FROM refund('ulf', 'p4', 'r8', amount => 1, at => '2024-01-03');
\echo :LAST_ERROR_SQLSTATE
SELECT :returned FROM refund('ulf', 'p4', 'r8', at => '2024-01-03');
SELECT :returned FROM refund('ulf', 'p4', 'r9', at => '2024-01-03');
\echo :LAST_ERROR_SQLSTATE

-- S11: what is spent and returned becomes debt, and the next points pay it
SELECT points FROM purchase('ulf', 100, 'p2', at => '2024-01-04');
SELECT points FROM spend('ulf', 100, 's1', at => '2024-01-05');
SELECT :returned FROM refund('ulf', 'p2', 'r5', at => '2024-01-06');
SELECT :seen FROM award('ulf', 130, 'a1', at => '2024-01-07');

-- S13: by the program's policy rejected, or written off and made good by what comes back
UPDATE program SET on_spent_return = 'reject' WHERE code = 'undo';
SELECT kind FROM enroll('uwe', at => '2024-01-01');
SELECT points FROM purchase('uwe', 100, 'p1', at => '2024-01-01');
SELECT points FROM award('uwe', 50, 'a1', at => '2024-01-01');
SELECT points FROM spend('uwe', 80, 's1', at => '2024-01-02');
SELECT :returned FROM refund('uwe', 'p1', 'r1', at => '2024-01-03');
\echo :LAST_ERROR_SQLSTATE
UPDATE program SET on_spent_return = 'clamp' WHERE code = 'undo';
SELECT :returned FROM refund('uwe', 'p1', 'r1', at => '2024-01-03');
SELECT :returned FROM refund('uwe', 'a1', 'r2', at => '2024-01-03');
SELECT :seen FROM cancel('uwe', 's1', 'c1', at => '2024-01-04');

-- S13: points of it that expired are spared
SELECT points FROM award('uwe', 10, 'a2', expires_on => '2024-01-31', at => '2024-01-05');
SELECT :returned FROM refund('uwe', 'a2', 'r3', at => '2024-02-01');

-- S27: not dated before what it refers to
SELECT points FROM award('uwe', 10, 'a3', at => '2024-02-02');
SELECT :returned FROM refund('uwe', 'a3', 'r4', at => '2024-02-01 23:59:59');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM verify('una') UNION ALL SELECT * FROM verify('ulf') UNION ALL SELECT * FROM verify('uwe');
