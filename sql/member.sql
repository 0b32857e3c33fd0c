-- Members: keys, personal data, erasure.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
INSERT INTO program (code) VALUES ('member'), ('member 2');
SET loyalty.program = 'member';

-- made by enroll; joined on the local day
SELECT entry, repeat FROM enroll('mia', at => '2024-01-01 10:00', birthday => '02-29', attributes => '{"size": 1.50}', tags => '["vip"]');
SELECT key, joined_on, birthday, attributes, tags, erased_at FROM member WHERE key = 'mia';

-- one member in two programs
SELECT entry, repeat FROM enroll('mia', 'member 2', '2024-02-01', joined_on => '2020-01-01');
SELECT m.key, p.code, a.opened_at, m.joined_on FROM account a JOIN member m ON m.id = a.member_id JOIN program p ON p.id = a.program_id WHERE m.key = 'mia' ORDER BY p.code;

-- keys are bytes: no case is folded, nothing trimmed; 255 at most
SELECT entry, repeat FROM enroll('Mia', at => '2024-01-01');
SELECT entry, repeat FROM enroll(' mia', at => '2024-01-01');
SELECT entry FROM enroll('');
\echo :LAST_ERROR_SQLSTATE
SELECT entry FROM enroll(NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT entry FROM enroll(repeat('é', 128));
\echo :LAST_ERROR_SQLSTATE

-- what a member cannot have
SELECT entry FROM enroll('moe', birthday => '02-30');
\echo :LAST_ERROR_SQLSTATE
SELECT entry FROM enroll('moe', attributes => '[]');
\echo :LAST_ERROR_SQLSTATE
SELECT entry FROM enroll('moe', tags => '{}');
\echo :LAST_ERROR_SQLSTATE
SELECT entry FROM enroll('erased:1');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM member WHERE key IN ('moe', 'erased:1');

-- attributes and tags may be updated, the key renamed
UPDATE member SET attributes = '{"size": 2}', tags = '[]' WHERE key = 'mia' RETURNING attributes, tags;
UPDATE member SET key = 'mia@example.org' WHERE key = 'mia' RETURNING key;
\set VERBOSITY terse
UPDATE member SET birthday = '02-30' WHERE key = 'mia@example.org';
\echo :LAST_ERROR_SQLSTATE
UPDATE member SET attributes = '[]' WHERE key = 'mia@example.org';
UPDATE member SET tags = '{}' WHERE key = 'mia@example.org';
UPDATE member SET key = '' WHERE key = 'mia@example.org';
UPDATE member SET key = 'Mia' WHERE key = 'mia@example.org';
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY default
SELECT balance FROM award('mia@example.org', 10, 'a1', at => '2024-02-02');
SELECT balance FROM award('mia', 10, 'a1', at => '2024-02-02');
\echo :LAST_ERROR_SQLSTATE

-- erased: the account stays, the person goes
SELECT erase('mia@example.org') = 'erased:' || id AS erased FROM member WHERE key = 'mia@example.org';
SELECT birthday, attributes, tags, erased_at IS NULL AS kept FROM member WHERE key LIKE 'erased:%';
SELECT erase('mia@example.org');
SELECT (balance(key, at => '2024-02-02')).balance FROM member WHERE key LIKE 'erased:%';
SELECT entry, repeat FROM enroll('mia@example.org', at => '2024-03-01');
SELECT * FROM verify('mia@example.org');

-- a session remembers where it met a member, and believes nothing of it
SELECT balance FROM award('mia@example.org', 5, 'h1', at => '2024-03-02');
SELECT kind FROM rename_member('mia@example.org', 'mia', 'h2', reason => 'married', at => '2024-03-02');
SELECT balance FROM award('mia@example.org', 5, 'h3', at => '2024-03-02');
SELECT entry FROM enroll('mia@example.org', at => '2024-03-02');
SELECT balance FROM award('mia@example.org', 7, 'h4', at => '2024-03-02');
SELECT balance FROM award('mia', 5, 'h5', at => '2024-03-02');
BEGIN;
SELECT entry FROM enroll('max', at => '2024-03-02');
SELECT balance FROM award('max', 1, 'h6', at => '2024-03-02');
ROLLBACK;
SELECT balance FROM award('max', 1, 'h6', at => '2024-03-02');
-- the last pages are cut off, the rows move
INSERT INTO enrollments (member, at) SELECT 'temp' || i, '2024-03-01' FROM generate_series(1, 300) i;
BEGIN;
INSERT INTO enrollments (member, at) SELECT 'gone' || i, '2024-03-01' FROM generate_series(1, 300) i;
SELECT count(a) FROM (SELECT award('gone' || i, 1, 'h7', at => '2024-03-02') a FROM generate_series(1, 300) i) q;
SELECT count(a) FROM (SELECT award('gone' || i, 1, 'h8', at => '2024-03-02') a FROM generate_series(1, 300) i) q;
ROLLBACK;
VACUUM member, account;
SELECT balance FROM award('gone300', 1, 'h7', at => '2024-03-02');
SELECT count(a) FROM (SELECT award('temp' || i, i, 'h9', at => '2024-03-02') a FROM generate_series(1, 300) i) q;
VACUUM FULL member;
CLUSTER account USING account_due_at;
SELECT count(a) FROM (SELECT award('temp' || i, i, 'h10', at => '2024-03-02') a FROM generate_series(1, 300) i) q;
SELECT count(*), bool_and(balance = 2 * substr(m.key, 5)::int) FROM account a JOIN member m ON m.id = a.member_id WHERE m.key LIKE 'temp%';
SELECT balance FROM award('mia', 5, 'h11', at => '2024-03-02');
SELECT count(*) FROM verify();
