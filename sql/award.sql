-- The arithmetic of awards by itself: S1, S2, S12, S25.
SET search_path = loyalty, public;

-- S2: points of a part are differences of the running sum, rounded once
SELECT r AS rounding, _award_parts(ARRAY[199.90, 99.95, 199.90], r) FROM unnest(ARRAY['floor', 'half_up', 'ceil']) AS r;

-- nothing, and exact halves
SELECT _award_parts('{}', 'floor'), _award_parts(ARRAY[0.5, 0.5], 'half_up') AS halves, _award_parts(ARRAY[0.1, 0.1, 0.1], 'ceil') AS tenths;

-- what it cannot round
SELECT _award_parts(ARRAY[1.5], 'bankers');
\echo :LAST_ERROR_SQLSTATE
SELECT _award_parts(ARRAY['NaN'::numeric], 'floor');
\echo :LAST_ERROR_SQLSTATE
SELECT _award_parts(ARRAY[NULL::numeric], 'floor');
\echo :LAST_ERROR_SQLSTATE
SELECT _award_parts(ARRAY[1e30], 'floor');
\echo :LAST_ERROR_SQLSTATE

-- S12: 33 points on 100.00, ten returns of 10.00
WITH RECURSIVE step (n, kept) AS (
	SELECT 0, ARRAY[33]::bigint[]
	UNION ALL
	SELECT n + 1, _award_keep(ARRAY[33]::bigint[], kept, 100.00, 10.00 * (n + 1)) FROM step WHERE n < 10)
SELECT string_agg(kept::text, ' ' ORDER BY n) AS kept FROM step;

-- S12: parts 3 + 1 on 10.00, ten returns of 1.00: a part never grows
WITH RECURSIVE step (n, kept) AS (
	SELECT 0, ARRAY[3, 1]::bigint[]
	UNION ALL
	SELECT n + 1, _award_keep(ARRAY[3, 1]::bigint[], kept, 10.00, 1.00 * (n + 1)) FROM step WHERE n < 10)
SELECT string_agg(kept::text, ' ' ORDER BY n) AS kept FROM step;

-- S12: 199 + 100 + 200 on 199.90, return 50.00: 25 + ... less
SELECT _award_keep('{199,100,200}', '{199,100,200}', 199.90, 50.00) AS kept;

-- S12: lines 10/10/20 with 20/30/20 points: line C, then half of B
SELECT _award_lines_keep('{20,30,20}', '{10,10,20}', '{0,0,20}') AS without_c, _award_lines_keep('{20,30,20}', '{10,10,20}', '{0,5,20}') AS half_b;

-- S25: cap 300 on 199 + 100 + 200: the last part is cut first
SELECT _award_trim('{199,100,200}', 300) AS trimmed, _award_trim('{199,100,200}', 0) AS nothing, _award_trim('{199,100,200}', 499) AS whole;

-- S25: lines of a part share the cut by cumulative rounding
SELECT _award_spread('{20,30,20}', 35) AS half, _award_spread('{1,1,1}', 2) AS two, _award_spread('{5,0,5}', 0) AS nothing;

-- what does not fit together
SELECT _award_lines_keep('{20,30}', '{10}', '{0}');
\echo :LAST_ERROR_SQLSTATE
SELECT _award_trim('{1}', -1);
\echo :LAST_ERROR_SQLSTATE
SELECT _award_spread('{1}', 1000000000000001);
\echo :LAST_ERROR_SQLSTATE
