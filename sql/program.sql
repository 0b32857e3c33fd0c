-- Programs: the settings, each checked on its own row.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
-- every default
INSERT INTO program (code) VALUES ('program');
\x
SELECT code, name, timezone, base_rate, per_amount, block_amount, block_points, rounding, expiry, pending_days, balance_cap, on_balance_cap, on_spent_return, cancel_grace_days, hold_limit, transfers_per_year, points_per_transfer_year, transfer_membership_days, transfer_usable_days, transfer_fee FROM program WHERE code = 'program';
\x

-- zones are names of the time zone database
SELECT z, _timezone_valid(z) FROM unnest(ARRAY['UTC', 'Asia/Shanghai', 'America/Havana', '+08', 'CET-1', 'EST5', 'nowhere', '']) AS z;
\set VERBOSITY terse
INSERT INTO program (code, timezone) VALUES ('program 2', 'Asia/Beijing');
\echo :LAST_ERROR_SQLSTATE

-- each setting out of its range names its constraint
UPDATE program SET code = '' WHERE code = 'program';
UPDATE program SET base_rate = -1 WHERE code = 'program';
UPDATE program SET base_rate = 'NaN' WHERE code = 'program';
UPDATE program SET per_amount = 0 WHERE code = 'program';
UPDATE program SET block_amount = 0, block_points = 1 WHERE code = 'program';
UPDATE program SET block_amount = 1, block_points = -1 WHERE code = 'program';
UPDATE program SET block_points = 1 WHERE code = 'program';
UPDATE program SET rounding = 'up' WHERE code = 'program';
UPDATE program SET expiry = 'tomorrow' WHERE code = 'program';
UPDATE program SET pending_days = -1 WHERE code = 'program';
UPDATE program SET balance_cap = -1 WHERE code = 'program';
UPDATE program SET on_balance_cap = 'cut' WHERE code = 'program';
UPDATE program SET on_spent_return = 'ask' WHERE code = 'program';
UPDATE program SET cancel_grace_days = -1 WHERE code = 'program';
UPDATE program SET hold_limit = '-1 day' WHERE code = 'program';
UPDATE program SET transfers_per_year = -1 WHERE code = 'program';
UPDATE program SET points_per_transfer_year = -1 WHERE code = 'program';
UPDATE program SET transfer_membership_days = -1 WHERE code = 'program';
UPDATE program SET transfer_usable_days = -1 WHERE code = 'program';
UPDATE program SET transfer_fee = -1 WHERE code = 'program';
\set VERBOSITY default

-- which one a call means: the one named, or the setting; else it must be named
INSERT INTO program (code) VALUES ('program 2');
SELECT _program_named('program');
\set VERBOSITY terse
SELECT _program_named(NULL);
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY default
SET loyalty.program = 'program';
SELECT _program_named(NULL);
SET loyalty.program = 'no such';
SELECT _program_named(NULL);
\echo :LAST_ERROR_SQLSTATE

-- S1, S3: a change counts from the next posting on
SET loyalty.program = 'program';
UPDATE program SET per_amount = 3.00 WHERE code = 'program';
SELECT kind FROM enroll('pia', at => '2024-01-01');
SELECT points FROM purchase('pia', 300.00, 'p1', at => '2024-01-02');
UPDATE program SET block_amount = 2.00, block_points = 10 WHERE code = 'program';
SELECT points FROM purchase('pia', 7.00, 'p2', at => '2024-01-02');
BEGIN;
UPDATE program SET block_points = 1 WHERE code = 'program';
SELECT points FROM purchase('pia', 7.00, 'p3', at => '2024-01-02');
ROLLBACK;
SELECT points FROM purchase('pia', 7.00, 'p4', at => '2024-01-02');

-- S25: the balance cap trims, or gives nothing
UPDATE program SET balance_cap = 200 WHERE code = 'program';
SELECT points, balance FROM purchase('pia', 20.00, 'p5', at => '2024-01-03');
UPDATE program SET balance_cap = 210, on_balance_cap = 'reject' WHERE code = 'program';
SELECT points, balance FROM award('pia', 11, 'a1', at => '2024-01-03');
SELECT points, balance FROM award('pia', 10, 'a2', at => '2024-01-03');
SELECT ref, computed, points FROM entries WHERE member = 'pia' AND computed <> points ORDER BY seq;
SELECT * FROM verify('pia');

-- a label that no CHECK stopped
BEGIN;
ALTER TABLE program DROP CONSTRAINT program_rounding_is_known;
UPDATE program SET rounding = 'up' WHERE code = 'program';
SELECT points FROM purchase('pia', 7.00, 'p6', at => '2024-01-04');
ROLLBACK;
SELECT points FROM purchase('pia', 7.00, 'p6', at => '2024-01-04');
