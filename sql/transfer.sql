-- Transfers: slices of lots with all that they are, within the sender's limits.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
INSERT INTO program (code, timezone) VALUES ('transfer', 'Asia/Tokyo');
SET loyalty.program = 'transfer';
\set seen 'kind, points, balance, usable, debt, "repeat"'
SELECT kind FROM enroll('tom', at => '2024-01-01');
SELECT kind FROM enroll('tim', at => '2024-01-01');
SELECT points FROM award('tom', 100, 'a1', expires_on => '2024-12-31', at => '2024-01-02');
SELECT points FROM adjust('tim', -5, 'j1', allow_debt => true, at => '2024-01-02');

-- S18: it pays the receiver's debt; a repeat is the sender's; both have an entry
SELECT :seen FROM transfer('tom', 'tim', 30, 't1', 'gift', '2024-01-03');
SELECT :seen FROM transfer('tom', 'tim', 30, 't1', 'gift', '2024-01-03');
SELECT member, kind, points, balance, debt, ref, of_ref, taken, gained FROM entries WHERE member IN ('tom', 'tim') AND kind >= 'transfer_out' ORDER BY kind;
SELECT points, expires_on, earned_on FROM lots('tim'::text, '2024-01-03');

-- to oneself, to nobody, in debt, more than there is
SELECT :seen FROM transfer('tom', 'tom', 1, 't2', at => '2024-01-04');
\echo :LAST_ERROR_SQLSTATE
SELECT :seen FROM transfer('tom', 'nobody', 1, 't2', at => '2024-01-04');
\echo :LAST_ERROR_SQLSTATE
SELECT :seen FROM adjust('tim', -30, 'j2', allow_debt => true, at => '2024-01-04');
SELECT :seen FROM transfer('tim', 'tom', 1, 't1', at => '2024-01-04');
\echo :LAST_ERROR_SQLSTATE
SELECT :seen FROM transfer('tom', 'tim', 71, 't2', at => '2024-01-04');
\echo :LAST_ERROR_SQLSTATE

-- S19: frozen on either side, in any mode
SELECT kind FROM freeze('tim', 'earning', 'f1', at => '2024-01-05');
SELECT :seen FROM transfer('tom', 'tim', 1, 't2', at => '2024-01-05');
\echo :LAST_ERROR_SQLSTATE
SELECT kind FROM unfreeze('tim', 'u1', at => '2024-01-05');
SELECT kind FROM freeze('tom', 'earning', 'f1', until => '2024-01-06', at => '2024-01-05');
SELECT :seen FROM transfer('tom', 'tim', 1, 't2', at => '2024-01-05');
\echo :LAST_ERROR_SQLSTATE

-- the limits, each with its numbers: membership, days usable, times and points of the local year, the receiver's cap
UPDATE program SET transfers_per_year = 2, points_per_transfer_year = 60, transfer_fee = 1, transfer_membership_days = 10, transfer_usable_days = 5, balance_cap = 20 WHERE code = 'transfer';
SELECT :seen FROM transfer('tom', 'tim', 10, 't2', at => '2024-01-10');
\echo :LAST_ERROR_SQLSTATE
SELECT :seen FROM transfer('tom', 'tim', 31, 't2', at => '2024-01-11');
\echo :LAST_ERROR_SQLSTATE
SELECT :seen FROM transfer('tom', 'tim', 26, 't2', at => '2024-01-11');
\echo :LAST_ERROR_SQLSTATE
SELECT :seen FROM transfer('tom', 'tim', 11, 't2', at => '2024-01-11');
SELECT :seen FROM transfer('tom', 'tim', 1, 't3', at => '2024-12-31 14:59:59');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM award('tom', 20, 'a2', at => '2024-12-31 15:00');
SELECT :seen FROM transfer('tom', 'tim', 1, 't3', at => '2024-12-31 15:00');
\echo :LAST_ERROR_SQLSTATE
SELECT :seen FROM transfer('tom', 'tim', 19, 't3', at => '2025-01-06');
SELECT member, kind, points, fee FROM entries WHERE member IN ('tom', 'tim') AND fee > 0 ORDER BY member, seq;
SELECT * FROM verify('tom') UNION ALL SELECT * FROM verify('tim');
