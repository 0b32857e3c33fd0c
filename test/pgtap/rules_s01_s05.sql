-- S1 units · S2 one rounding per order · S3 block rules · S5 the basis
\ir setup.psql

-- S1: integers and exact numerics; divided last -----------------------------------------------
SELECT shop('s1', '{"base_rate": 1, "per_amount": 3.00}');
SELECT shop('s1.half', '{"base_rate": 1.5}');
SELECT shop('s1.tenth', '{"base_rate": 0.1, "per_amount": 0.01}');
SELECT shop('s1.cent', '{"per_amount": 0.01}');
SELECT t(what, call, want) FROM (VALUES
('S1 1 per 3.00: 300.00 gives 100', $$purchase('a', 300.00, 'p1', at => '2025-01-01', program => 's1')$$, '+100 to 100, 100 usable'),
('S1 divided last: 3.00 gives 1, not 0.999...', $$purchase('a', 3.00, 'p2', at => '2025-01-01', program => 's1')$$, '+1 to 101, 101 usable'),
('S1 2.99 gives nothing', $$purchase('a', 2.99, 'p3', at => '2025-01-01', program => 's1')$$, '0 to 101, 101 usable'),
('S1 299.999999999999 gives 99', $$purchase('a', 299.999999999999, 'p4', at => '2025-01-01', program => 's1')$$, '+99 to 200, 200 usable'),
('S1 1.5 per 1.00: 10.00 gives 15', $$purchase('a', 10.00, 'p1', at => '2025-01-01', program => 's1.half')$$, '+15 to 15, 15 usable'),
('S1 exact: 0.1 per 0.01 of 0.30 is 3, as floats 2.9999...', $$purchase('a', 0.30, 'p1', at => '2025-01-01', program => 's1.tenth')$$, '+3 to 3, 3 usable'),
('S1 exact: 0.1 per 0.01 of 0.70 is 7', $$purchase('a', 0.70, 'p2', at => '2025-01-01', program => 's1.tenth')$$, '+7 to 10, 10 usable'),
('S1 exact far beyond a float: 9999999999999.99 by cents', $$purchase('a', 9999999999999.99, 'p1', at => '2025-01-01', program => 's1.cent')$$, '+999999999999999 to 999999999999999, 999999999999999 usable'),
('S1 points are bigint', $$pg_typeof((purchase('b', 3, 'p', at => '2025-01-01', program => 's1')).points)$$, 'bigint'),
('S1 the points of an entry are bigint, its amount numeric', $$(SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attname)
	FROM pg_attribute WHERE attrelid = 'loyalty.entry'::regclass AND attname IN ('points', 'balance', 'usable', 'debt', 'amount'))$$,
	'amount numeric, balance bigint, debt bigint, points bigint, usable bigint'),
('S1 no column is a float', $$(SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
	WHERE c.relnamespace = 'loyalty'::regnamespace AND a.attnum > 0 AND a.atttypid IN ('float4'::regtype, 'float8'::regtype))$$, '0'),
('S1 no function takes or gives a float', $$(SELECT count(*) FROM pg_proc WHERE pronamespace = 'loyalty'::regnamespace
	AND (prorettype IN ('float4'::regtype, 'float8'::regtype) OR 'float4'::regtype = ANY (proargtypes) OR 'float8'::regtype = ANY (proargtypes)))$$, '0')
) AS v(what, call, want);

-- S2: one rounding per order -----------------------------------------------------------------
SELECT shop('s2.floor', '{"rounding": "floor"}');
SELECT shop('s2.half_up', '{"rounding": "half_up"}');
SELECT shop('s2.ceil', '{"rounding": "ceil"}');
SELECT t(format('S2 %s, rounding %s, gives %s', amount, rounding, points),
	format($$(purchase('a', %s, 'p%s', at => '2025-01-01', program => 's2.%s')).points$$, amount, amount, rounding), points)
FROM (VALUES ('0.00', '{0,0,0}'::text[]), ('0.01', '{0,0,1}'), ('0.49', '{0,0,1}'), ('0.50', '{0,1,1}'), ('0.99', '{0,1,1}'), ('1.00', '{1,1,1}'),
	('10.00', '{10,10,10}'), ('10.49', '{10,10,11}'), ('10.50', '{10,11,11}'), ('199.90', '{199,200,200}')) AS v(amount, wants),
	unnest('{floor,half_up,ceil}'::text[], wants) AS w(rounding, points);

-- Points of the lines are differences of the running sum; they add up to the order's.
SELECT t(format('S2 lines of %s, %s: %s', lines, rounding, points),
	format($$(SELECT line_points('a', %L) FROM set_config('loyalty.program', %L, true), purchase('a', %s, %L, lines => %L, at => '2025-01-02', program => %L) r
		WHERE r.points = %s)$$, 'l' || lines, 's2.' || rounding, total, 'l' || lines, line_json, 's2.' || rounding,
		(SELECT sum(p::int) FROM unnest(string_to_array(points, ' ')) p)), points)
FROM (VALUES
	('0.5 0.5 0.5 0.5', '{0 1 0 1,1 0 1 0,1 0 1 0}'::text[]),
	('3.33 3.33 3.34', '{3 3 4,3 4 3,4 3 3}'),
	('0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1', '{0 0 0 0 0 0 0 0 0 1,0 0 0 0 1 0 0 0 0 0,1 0 0 0 0 0 0 0 0 0}'),
	('0 2 0', '{0 2 0,0 2 0,0 2 0}')) AS v(lines, wants),
	unnest('{floor,half_up,ceil}'::text[], wants) AS w(rounding, points),
	LATERAL (SELECT sum(x::numeric), jsonb_agg(jsonb_build_object('sku', n::text, 'quantity', 1, 'amount', x::numeric) ORDER BY n)
		FROM regexp_split_to_table(lines, ' ') WITH ORDINALITY AS l(x, n)) AS j(total, line_json);

-- Parts, in the order base, tier, campaigns.
SELECT t(format('S2 parts %s, %s: %s', amounts, rounding, parts), format('_award_parts(%L, %L)', amounts, rounding), parts)
FROM (VALUES
	('{199.90,99.95,199.90}', 'floor', '{199,100,200}'), ('{199.90,99.95,199.90}', 'half_up', '{200,100,200}'), ('{199.90,99.95,199.90}', 'ceil', '{200,100,200}'),
	('{100.00,50.00,100.00}', 'floor', '{100,50,100}'), ('{100.00,50.00,100.00}', 'half_up', '{100,50,100}'), ('{100.00,50.00,100.00}', 'ceil', '{100,50,100}'),
	('{0.5,0.5,0.5,0.5}', 'floor', '{0,1,0,1}'), ('{0.5,0.5,0.5,0.5}', 'half_up', '{1,0,1,0}'), ('{0.5,0.5,0.5,0.5}', 'ceil', '{1,0,1,0}'),
	('{0.4,0.4,0.4}', 'floor', '{0,0,1}'), ('{0.4,0.4,0.4}', 'half_up', '{0,1,0}'), ('{0.4,0.4,0.4}', 'ceil', '{1,0,1}'),
	('{0,0,0}', 'ceil', '{0,0,0}'), ('{}', 'floor', '{}'), ('{7.999999999999}', 'floor', '{7}'), ('{7.000000000001}', 'ceil', '{8}')
) AS v(amounts, rounding, parts);
SELECT t('S2 an unknown rounding is refused', $$_award_parts('{1.5}', 'down')$$, 'error 22023');

-- S3: block rules ----------------------------------------------------------------------------
SELECT shop('s3.block', '{"block_amount": 2.00, "block_points": 10}');
SELECT shop('s3.rate', '{"base_rate": 10, "per_amount": 2.00}');
SELECT t(format('S3 %s of %s gives %s', kind, amount, points),
	format($$(purchase('a', %s, 'p%s', at => '2025-01-01', program => 's3.%s')).points$$, amount, amount, kind), points)
FROM (VALUES ('block', '7.00', '30'), ('rate', '7.00', '35'), ('block', '1.99', '0'), ('block', '2.00', '10'), ('block', '3.99', '10'),
	('block', '0.00', '0'), ('block', '8.00', '40'), ('block', '7.999999999999', '30'), ('rate', '1.99', '9')) AS v(kind, amount, points);
SELECT t('S3 the points of the lines add up to the blocks of the order',
	$$(SELECT r.points = (SELECT sum(p::int) FROM unnest(string_to_array(line_points('b', 'pl'), ' ')) p) AND r.points = 30
	FROM set_config('loyalty.program', 's3.block', true), purchase('b', 7.00, 'pl', at => '2025-01-01', program => 's3.block',
		lines => '[{"sku": "x", "amount": 1.00}, {"sku": "y", "amount": 1.00}, {"sku": "z", "amount": 5.00}]') r)$$, 'true');

-- S5: the basis is what the caller passes ---------------------------------------------------
SELECT shop('s5');
SELECT t(what, call, want) FROM (VALUES
('S5 0.00 is good input, and is posted', $$purchase('a', 0.00, 'p0', at => '2025-01-01')$$, '0 to 0, 0 usable'),
('S5 the purchase of 0.00 has its entry', $$(SELECT concat(e.kind, ' ', e.amount, ' ', e.points) FROM posted('a', 'p0') e)$$, 'purchase 0.00 0'),
('S5 a purchase of nothing makes no lot', $$free('a')$$, '{}'),
('S5 nothing is subtracted for what the ledger does not know', $$purchase('a', 50.00, 'p1', attributes => '{"shipping": 5.00, "tax": 3.00, "gift_card": 20.00, "points_paid": 7}', at => '2025-01-01')$$, '+50 to 50, 50 usable'),
('S5 lines of 0.00 are good input', $$purchase('a', 10.00, 'p2', lines => '[{"sku": "gift", "amount": 0.00}, {"sku": "x", "amount": 10.00}]', at => '2025-01-01')$$, '+10 to 60, 60 usable'),
('S5 lines that do not add up to the amount are refused', $$purchase('a', 10.00, 'p3', lines => '[{"sku": "x", "amount": 9.99}]', at => '2025-01-01')$$, 'error 22023'),
('S5 a line below zero is refused', $$purchase('a', 10.00, 'p3', lines => '[{"sku": "x", "amount": 11.00}, {"sku": "y", "amount": -1.00}]', at => '2025-01-01')$$, 'error 22023')
) AS v(what, call, want);

SELECT sound();
SELECT finish();
ROLLBACK;
