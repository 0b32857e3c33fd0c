-- Accounts: the constraint, inactivity, debt, lots, the clock.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
INSERT INTO program (code, expiry, timezone) VALUES ('account', '6 months inactive', 'America/Havana');
SET loyalty.program = 'account';

-- S11: balance = lots + held - debt, no it would have both debt and usable points, nothing below zero
SELECT _account_valid(10, 10, 0, 0, 0, '{10 until never earned 2024-01-01}') AS ok,
	_account_valid(11, 10, 0, 0, 0, '{10 until never earned 2024-01-01}') AS not_its_lots,
	_account_valid(5, 10, 5, 0, 0, '{10 until never earned 2024-01-01}') AS debt_and_usable,
	_account_valid(-5, 0, 5, 0, 0, '{}') AS debt,
	_account_valid(15, 10, 0, 5, 0, '{10 until never earned 2024-01-01}') AS held,
	_account_valid(10, 10, 0, 0, -1, '{10 until never earned 2024-01-01}') AS negative;

-- S8: inactivity is a date of the account; joining counts
SELECT kind FROM enroll('abe', at => '2024-01-31 12:00');
SELECT inactive_months, inactive_on, clock_on FROM account a JOIN member m ON m.id = a.member_id WHERE m.key = 'abe';
SELECT balance, expires_on FROM award('abe', 100, 'a1', at => '2024-03-01 12:00');
SELECT points, expires_on, ends_at FROM lots(member => 'abe', at => '2024-03-01 12:00');

-- spending moves it on, a hold does not
SELECT balance FROM spend('abe', 10, 's1', at => '2024-04-01 12:00');
SELECT balance FROM hold('abe', 10, 'h1', at => '2024-05-01 12:00');
SELECT inactive_on, usable, held, lots FROM account a JOIN member m ON m.id = a.member_id WHERE m.key = 'abe';

-- a lot with a date keeps its own; extend moves the account's date
SELECT balance, expires_on FROM award('abe', 5, 'a2', expires_on => '2024-12-31', at => '2024-05-02 12:00');
SELECT balance FROM extend('abe', '2024-12-01', 'e1', at => '2024-05-03 12:00');
SELECT inactive_on, lots FROM account a JOIN member m ON m.id = a.member_id WHERE m.key = 'abe';

-- it all ends at the first instant of the next day there: Havana, 2 December, 05:00 Z
SELECT balance, usable FROM balance('abe', at => '2024-12-02 04:59:59.999999');
SELECT balance, usable FROM balance('abe', at => '2024-12-02 05:00');

-- S27: a late arrival acts at the clock and is dated to its own time
SELECT entry, balance FROM award('abe', 1, 'a3', at => '2024-05-01 12:00');
SELECT seq, kind, ref, at, clock FROM entries WHERE member = 'abe' AND at < clock ORDER BY seq;

-- the clock moves to what is posted and no further
SELECT settle('abe', '2024-06-01');
SELECT kind, points, at FROM entries WHERE member = 'abe' AND seq > 7 ORDER BY seq;
SELECT clock FROM account a JOIN member m ON m.id = a.member_id WHERE m.key = 'abe';

-- beyond 1,000 open lots they are joined, and nothing is refused
\set SHOW_CONTEXT never
INSERT INTO awards (member, points, ref, expires_on, at) SELECT 'abe', 1, 'l' || i, '2025-01-01'::date + i, '2024-06-01' FROM generate_series(1, 1000) AS i;
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM verify('abe');
