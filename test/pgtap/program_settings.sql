-- Every setting of a program is checked when it is written, by constraints on its own row.
\ir setup.psql

INSERT INTO loyalty.program (code, name) VALUES ('plain', 'Plain');

SELECT t('a setting has its default: ' || setting, format('(SELECT coalesce(%I::text, ''null'') FROM loyalty.program WHERE code = ''plain'')', setting), want)
FROM (VALUES ('timezone', 'UTC'), ('base_rate', '1'), ('per_amount', '1.00'), ('block_amount', 'null'), ('block_points', 'null'), ('rounding', 'floor'),
	('expiry', 'never'), ('pending_days', '0'), ('balance_cap', 'null'), ('on_balance_cap', 'trim'), ('on_spent_return', 'debt'), ('cancel_grace_days', '30'),
	('hold_limit', '7 days'), ('transfers_per_year', 'null'), ('points_per_transfer_year', 'null'), ('transfer_membership_days', '0'),
	('transfer_usable_days', '0'), ('transfer_fee', '0')) AS v(setting, want);

-- bad values, one row a setting; 22P02 where the type refuses, 23514 where a constraint does
CREATE TEMP TABLE bad AS
SELECT setting, value FROM (VALUES
('code', ARRAY['', repeat('x', 256)]),
('timezone', ARRAY['', 'Mars/Olympus', 'Europe', '+25:00x']),
('base_rate', ARRAY['-1', '-0.000001', 'NaN', 'Infinity']),
('per_amount', ARRAY['0', '-1', 'NaN', 'Infinity']),
('block_amount', ARRAY['1']),
('block_points', ARRAY['1']),
('rounding', ARRAY['', 'down', 'FLOOR', 'half_even']),
('expiry', ARRAY['', 'sometimes', '-1 days', '12 months to end of week', 'each 02-30', '12']),
('pending_days', ARRAY['-1', 'two']),
('balance_cap', ARRAY['-1', '1.5']),
('on_balance_cap', ARRAY['', 'cut', 'TRIM']),
('on_spent_return', ARRAY['', 'forgive', 'Debt']),
('cancel_grace_days', ARRAY['-1', 'x']),
('transfers_per_year', ARRAY['-1', 'x']),
('points_per_transfer_year', ARRAY['-1', 'x']),
('transfer_membership_days', ARRAY['-1', 'x']),
('transfer_usable_days', ARRAY['-1', 'x']),
('transfer_fee', ARRAY['-1', 'x'])) AS v(setting, values), unnest(values) AS value;
SELECT t(format('INSERT refuses %s = %L', setting, left(value, 40)),
	format('dry(%L)', CASE setting WHEN 'code' THEN format('INSERT INTO loyalty.program (code, name) VALUES (%L, %L)', value, 'x')
		ELSE format('INSERT INTO loyalty.program (code, name, %I) VALUES (%L, %L, %L)', setting, 'x', 'x', value) END), 'error 23514|22P02|22008')
FROM bad;
SELECT t(format('UPDATE refuses %s = %L', setting, left(value, 40)),
	format('dry(%L)', format('UPDATE loyalty.program SET %I = %L WHERE code = %L', setting, value, 'plain')), 'error 23514|22P02|22008')
FROM bad;
SELECT t(format('refuses %s', assignment), format('dry(%L)', format('UPDATE loyalty.program SET %s WHERE code = %L', assignment, 'plain')), 'error 23514')
FROM (VALUES ('block_amount = 0, block_points = 10'), ('block_amount = -2, block_points = 10'), ('block_amount = ''NaN'', block_points = 10'),
	('block_amount = ''Infinity'', block_points = 10'), ('block_amount = 2, block_points = -1'), ('hold_limit = ''-1 day''')) AS v(assignment);
SELECT t(format('%s cannot be NULL', setting), format('dry(%L)', format('UPDATE loyalty.program SET %I = NULL WHERE code = %L', setting, 'plain')), 'error 23502|23514')
FROM unnest('{code,timezone,base_rate,per_amount,rounding,expiry,on_balance_cap,on_spent_return,cancel_grace_days,hold_limit,transfer_membership_days,transfer_usable_days,transfer_fee}'::text[]) AS setting;
SELECT t('a code is there once', $$dry('INSERT INTO loyalty.program (code, name) VALUES (''plain'', ''x'')')$$, 'error 23505');
SELECT t('a constraint has a name that a user can read', $$(SELECT count(*) FROM pg_constraint WHERE conrelid = 'loyalty.program'::regclass AND contype = 'c' AND conname !~ '^program_[a-z_]+$')$$, '0');

-- good values
SELECT t(format('takes %s', assignment), format('dry(%L)', format('UPDATE loyalty.program SET %s WHERE code = %L', assignment, 'plain')), 'ok')
FROM (VALUES ('timezone = ''Asia/Shanghai'''), ('timezone = ''America/Havana'''), ('base_rate = 0.333333'), ('per_amount = 0.01'), ('block_amount = 2.00, block_points = 10'),
	('rounding = ''half_up'''), ('rounding = ''ceil'''), ('expiry = ''12 months to next 03-01'''), ('expiry = ''18 months inactive'''), ('pending_days = NULL'), ('pending_days = 14'),
	('balance_cap = 10000'), ('balance_cap = NULL'), ('on_balance_cap = ''reject'''), ('on_spent_return = ''active_only'''), ('on_spent_return = ''clamp'''),
	('on_spent_return = ''pending_only'''), ('on_spent_return = ''reject'''), ('cancel_grace_days = 0'), ('hold_limit = ''36 hours'''), ('hold_limit = ''1 mon'''), ('transfers_per_year = 0'),
	('transfers_per_year = NULL'), ('points_per_transfer_year = 100'), ('transfer_membership_days = 30'), ('transfer_usable_days = 10'), ('transfer_fee = 5')) AS v(assignment);

-- a change reaches the next posting of this session
SELECT shop('changing');
SELECT t('a change of the settings: ' || call, call, want) FROM (VALUES
($$purchase('a', 10.00, 'p1', at => '2025-01-01')$$, '+10 to 10, 10 usable'),
($$UPDATE loyalty.program SET base_rate = 3 WHERE code = 'changing'$$, '1 rows'),
($$purchase('a', 10.00, 'p2', at => '2025-01-01')$$, '+30 to 40, 40 usable'),
($$(SELECT after(ARRAY['UPDATE loyalty.program SET base_rate = 7 WHERE code = ''changing'''], $q$purchase('a', 10.00, 'p3', at => '2025-01-01')$q$))$$, '+70 to 110, 110 usable'),
($$purchase('a', 10.00, 'p3', at => '2025-01-01')$$, '+30 to 70, 70 usable'),
($$UPDATE loyalty.program SET timezone = 'Asia/Tokyo' WHERE code = 'changing'$$, 'error LY012'),
($$UPDATE loyalty.program SET timezone = 'UTC' WHERE code = 'changing'$$, '1 rows')
) AS v(call, want);

SELECT sound();
SELECT finish();
ROLLBACK;
