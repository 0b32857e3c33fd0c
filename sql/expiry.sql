-- Expiry policies: text forms and the last day that they give.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';

-- every form comes out as it went in, N of 0 left out
SELECT t AS given, t::expiry AS policy FROM unnest(ARRAY['never', '30 days', '0 days', '12 months', '1 months', '12 months to end of month',
	'6 months to end of quarter', '6 months to end of half-year', '90 days to end of year', '12 months to next 03-01',
	'1 months to next 09-30 03-31', 'end of year', 'end of year + 1', 'end of year + 0', 'each 06-30 12-31', 'each 02-29', '18 months inactive']) AS t;

-- what is no policy
SELECT 'sometimes'::expiry;
\echo :LAST_ERROR_SQLSTATE
SELECT '-1 days'::expiry;
SELECT '12'::expiry;
SELECT '12 months to end of week'::expiry;
SELECT 'each'::expiry;
SELECT 'each 13-01'::expiry;
SELECT 'each 02-30'::expiry;
SELECT '0 months inactive'::expiry;
SELECT '99999999999 days'::expiry;
\echo :LAST_ERROR_SQLSTATE
SELECT '1201 months'::expiry;
SELECT 'end of year + 101'::expiry;
SELECT 'each 01-01 01-02 01-03 01-04 01-05 01-06 01-07 01-08 01-09 01-10 01-11 01-12 01-13'::expiry;
SELECT ''::expiry;

-- S8: never, days, months
SELECT expires_on('never', '2025-01-31'), expires_on('0 days', '2025-01-31') AS same_day, expires_on('30 days', '2025-01-31') AS days, expires_on('1 months', '2025-01-31') AS clamped;

-- S8: 12 months from 29 February end on the 28th
SELECT expires_on('12 months', '2024-02-29'), expires_on('48 months', '2024-02-29') AS leap;

-- rounded up to the end of a period, which is that day if it is one
SELECT p AS policy, expires_on(p::expiry, '2024-01-31') AS a, expires_on(p::expiry, '2024-06-29') AS b
FROM unnest(ARRAY['1 months to end of month', '1 months to end of quarter', '1 months to end of half-year', '1 months to end of year', '1 days to end of half-year']) AS p;

-- S8: 12 months to next 1 March
SELECT expires_on('12 months to next 03-01', '2024-03-01') AS that_day, expires_on('12 months to next 03-01', '2024-03-02') AS next_year;

-- to the next of several dates
SELECT expires_on('0 days to next 12-31 06-30', d) FROM (VALUES ('2025-06-30'::date), ('2025-07-01'), ('2025-12-31')) AS x (d);

-- end of year + N: earned in 2025, N = 1, gone after 2026
SELECT expires_on('end of year', '2025-12-31'), expires_on('end of year + 1', '2025-01-01') AS "+ 1";

-- each: on or after; 02-29 is the last day of February
SELECT expires_on('each 06-30 12-31', '2025-06-30') AS that_day, expires_on('each 06-30 12-31', '2025-07-01') AS next,
	expires_on('each 02-29', '2025-02-01') AS common, expires_on('each 02-29', '2024-02-01') AS leap;

-- inactivity: if nothing else happens
SELECT expires_on('18 months inactive', '2024-08-31');

-- equal by value
SELECT 'end of year + 0'::expiry = 'end of year' AS same, 'each 12-31 06-30'::expiry = 'each 06-30 12-31' AS sorted, '1 months'::expiry = '30 days' AS other;

-- past the calendar
SELECT expires_on('1000 months', '5874800-01-01');
\echo :LAST_ERROR_SQLSTATE
SELECT expires_on('1 days', 'infinity');
\echo :LAST_ERROR_SQLSTATE

-- binary, there and back
CREATE TEMP TABLE one (policy expiry);
INSERT INTO one VALUES ('never'), ('30 days'), ('12 months to end of quarter'), ('end of year + 1'), ('each 06-30 12-31'), ('18 months inactive');
COPY one TO PROGRAM 'cat >loyalty_regress.bin' (FORMAT binary);
COPY one FROM PROGRAM 'cat loyalty_regress.bin; rm loyalty_regress.bin' (FORMAT binary);
SELECT policy::text, count(*) FROM one GROUP BY 1 ORDER BY 1;
COPY one FROM PROGRAM 'printf "PGCOPY\012\377\015\012\000\000\000\000\000\000\000\000\000\000\001\000\000\000\001\170\377\377"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE
