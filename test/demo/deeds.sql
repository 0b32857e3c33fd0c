-- Birthdays of members, and what they do beside buying: made up, for no file of orders has them. Every number comes from
-- md5 of a name, so the same orders have the same birthdays, check-ins and reviews on every machine.

CREATE FUNCTION shop.chance(name text) RETURNS double precision
LANGUAGE sql IMMUTABLE
RETURN ('x' || left(md5(name), 8))::bit(32)::bigint / 4294967296.0::double precision;

CREATE TEMP TABLE joining AS
SELECT customer, min(at) AT TIME ZONE zone AS at, (SELECT max(at) FROM shop.invoice) AT TIME ZONE zone AS until, zone
FROM shop.invoice, (SELECT timezone AS zone FROM loyalty.program WHERE code = 'shop') p
WHERE kind = 'purchase' GROUP BY customer, zone;
ANALYZE joining;

-- Any day of a leap year.
INSERT INTO shop.person
SELECT customer, to_char(date '2024-01-01' + floor(366 * shop.chance('birthday ' || customer))::integer, 'MM-DD') FROM joining;

-- One member in eight checks in: two or three times in the year on up to 20 days in a row. Now and then twice a day.
INSERT INTO shop.deed
SELECT DISTINCT ON (customer, ref) customer, ref, 'check-in', t.at AT TIME ZONE zone, date_trunc('month', t.at)::date
FROM joining j
	CROSS JOIN LATERAL generate_series(1, 2 + (shop.chance('again ' || customer) < 0.5)::integer) spell
	CROSS JOIN LATERAL (SELECT customer || ' spell ' || spell AS name) n
	CROSS JOIN LATERAL (SELECT j.at::date + 1 + floor((until::date - j.at::date) * shop.chance(name))::integer AS day) s
	CROSS JOIN LATERAL generate_series(0, floor(20 * shop.chance(name || ' days'))::integer) d
	CROSS JOIN LATERAL generate_series(1, 1 + (shop.chance(name || d || ' twice') < 0.05)::integer) time
	CROSS JOIN LATERAL (SELECT day + d + make_interval(mins => 420 + 600 * (time - 1) + floor(120 * shop.chance(name || d || time))::integer) AS at) t
	CROSS JOIN LATERAL (SELECT 'check-in-' || to_char(t.at, 'YYYY-MM-DD-HH24:MI') AS ref) r
WHERE shop.chance('checks in ' || customer) < 0.125 AND t.at < until
ORDER BY customer, ref;

-- One order in eight is reviewed within the fortnight, item by item, up to six of them on one evening.
INSERT INTO shop.deed
SELECT i.customer, 'review-' || invoice || '-' || n, 'review', r.at AT TIME ZONE zone, date_trunc('month', r.at)::date
FROM shop.invoice i
	JOIN joining j USING (customer)
	CROSS JOIN LATERAL generate_series(1, least(jsonb_array_length(lines), 1 + floor(6 * shop.chance('wordy ' || invoice) ^ 2)::integer)) n
	CROSS JOIN LATERAL (SELECT (i.at AT TIME ZONE zone)::date + 1 + floor(14 * shop.chance('reviews ' || invoice))::integer
		+ make_interval(mins => 1140 + 7 * n) AS at) r
WHERE i.kind = 'purchase' AND shop.chance('reviewed ' || invoice) < 0.125 AND r.at < until;

CREATE INDEX ON shop.deed (month);
ANALYZE shop.person, shop.deed;
