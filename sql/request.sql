-- Requests: what no call takes, and whom and where it does not find.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
INSERT INTO program (code) VALUES ('request'), ('request 2');
SET loyalty.program = 'request';
SELECT kind FROM enroll('ria', at => '2024-01-01');
SELECT points FROM award('ria', 10, 'a1', expires_on => '2024-01-02', at => '2024-01-02');

-- missing, empty, too long
SELECT points FROM spend(NULL, 1, 'x');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM spend('ria', NULL, 'x');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM spend('ria', 1, '');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM spend('ria', 1, 'x', repeat('y', 10001));
\echo :LAST_ERROR_SQLSTATE

-- points and money
SELECT points FROM spend('ria', 0, 'x');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM adjust('ria', 0, 'x');
SELECT points FROM spend('ria', 1000000000000001, 'x');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM purchase('ria', 'NaN', 'x');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM purchase('ria', -0.01, 'x');
SELECT points FROM purchase('ria', 1e15, 'x');
\echo :LAST_ERROR_SQLSTATE

-- lines
SELECT points FROM purchase('ria', 10, 'x', '[{"amount": 9}]');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM purchase('ria', 10, 'x', '{"amount": 10}');
SELECT points FROM purchase('ria', 10, 'x', '[]');
SELECT points FROM purchase('ria', 10, 'x', '[10]');
SELECT points FROM purchase('ria', 10, 'x', '[{"sku": "A"}]');
SELECT points FROM purchase('ria', 10, 'x', '[{"amount": 11}, {"amount": -1}]');
SELECT points FROM purchase('ria', 0, 'x', (SELECT jsonb_agg('{"amount": 0}'::jsonb) FROM generate_series(1, 10001)));
\echo :LAST_ERROR_SQLSTATE

-- days and instants
SELECT points FROM award('ria', 1, 'x', expires_on => '2023-12-31', at => '2024-01-03');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM award('ria', 1, 'x', at => 'infinity');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM extend('ria', '10000-01-01', 'x', at => '2024-01-03');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM extend('ria', '2024-01-03', 'x', at => '2024-01-03');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM reinstate('ria', 1, '2024-01-02', 'x', at => '2024-01-03');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM freeze('ria', 'all', 'x', until => '2024-01-03', at => '2024-01-03');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM freeze('ria', 'sleeping', 'x');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
SELECT points FROM spend('ria', 1, 'x', at => '9999-01-01');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY default

-- who and where: malformed comes first, then the program, then the member
SELECT points FROM spend('zoe', 1, 'x');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM spend('ria', 1, 'x', program => 'request 2');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM spend('zoe', 1, 'x', program => 'nowhere');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM spend('zoe', 0, 'x', program => 'nowhere');
\echo :LAST_ERROR_SQLSTATE
SELECT points FROM confirm('ria', 'nothing', 'nothing');
\echo :LAST_ERROR_SQLSTATE
SELECT settle(NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM entries WHERE member = 'ria';
SELECT * FROM verify('ria');
