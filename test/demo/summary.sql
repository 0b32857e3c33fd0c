-- What the shop's owner wants to know.

\pset tuples_only on
\pset format unaligned
SET work_mem = '64MB';

-- The year: its first and last day, and the last moment of it in the shop's own zone.
CREATE VIEW shop.year AS
SELECT zone, min(at AT TIME ZONE zone)::date AS first_on, max(at AT TIME ZONE zone)::date AS last_on,
	(max(at AT TIME ZONE zone)::date + 1)::timestamp AT TIME ZONE zone - interval '1 microsecond' AS closed_at
FROM shop.line, (SELECT timezone AS zone FROM loyalty.program WHERE code = 'shop') p GROUP BY zone;

-- Points and debts by month, as they moved. Points go with the end of their last day: what ends with June counts in June.
CREATE VIEW shop.month AS
SELECT month, orders, money,
	given, used, taken_back, expired, other,
	sum(moved) OVER (ORDER BY month) + sum(owing) OVER (ORDER BY month) AS outstanding,
	sum(owing) OVER (ORDER BY month) AS owed
FROM (SELECT date_trunc('month', (e.clock - CASE kind WHEN 'expire' THEN interval '1 microsecond' ELSE '0' END) AT TIME ZONE zone)::date AS month,
		count(*) FILTER (WHERE kind = 'purchase') AS orders,
		coalesce(sum(amount) FILTER (WHERE kind = 'purchase'), 0) - coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS money,
		coalesce(sum(points) FILTER (WHERE kind IN ('purchase', 'activity')), 0) AS given,
		coalesce(-sum(points) FILTER (WHERE kind = 'spend'), 0) AS used,
		coalesce(-sum(points) FILTER (WHERE kind = 'refund'), 0) AS taken_back,
		coalesce(-sum(points) FILTER (WHERE kind = 'expire'), 0) AS expired,
		coalesce(sum(points) FILTER (WHERE kind NOT IN ('purchase', 'activity', 'spend', 'refund', 'expire')), 0) AS other,
		sum(points) AS moved, sum(debt - was) AS owing
	FROM (SELECT *, lag(debt, 1, 0::bigint) OVER (PARTITION BY account_id ORDER BY seq) AS was FROM shop.entry) e, shop.year
	GROUP BY 1) m;

-- Every member's card as it was at the end of the year.
CREATE VIEW shop.card AS
SELECT c.customer, c.since, c.orders, c.money, c.times_used, b.balance, b.usable, b.debt, l.expires_on, l.points AS expiring
FROM (SELECT customer, min(at AT TIME ZONE zone)::date AS since,
		count(*) FILTER (WHERE kind = 'purchase') AS orders,
		coalesce(sum(amount) FILTER (WHERE kind = 'purchase'), 0) - coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS money,
		count(*) FILTER (WHERE kind = 'spend') AS times_used
	FROM shop.entry, shop.year GROUP BY customer) c
	CROSS JOIN shop.year y
	CROSS JOIN LATERAL loyalty.balance(c.customer, program => 'shop', at => y.closed_at) b
	LEFT JOIN LATERAL (SELECT expires_on, sum(points) AS points FROM loyalty.lots(c.customer, program => 'shop', at => y.closed_at)
		GROUP BY expires_on ORDER BY expires_on LIMIT 1) l ON true;

\echo
\echo 'THE SHOP''S YEAR'
SELECT format('%s to %s, money less what came back: %s', first_on, last_on, (SELECT shop.figure(sum(money), 2) FROM shop.month)) FROM shop.year;

\echo
\echo 'Where every line went                 lines       quantity              money'
SELECT format('  %-28s  %9s  %13s  %17s', what, coalesce(shop.figure(lines), ''), shop.figure(quantity), shop.figure(amount, 3))
FROM (SELECT place, what, lines, quantity, amount FROM shop.accounted
	UNION ALL SELECT 100, 'together', sum(lines), sum(quantity), sum(amount) FROM shop.accounted
	UNION ALL SELECT 101, 'all that came in', count(*), sum("Quantity"), sum("Quantity" * "UnitPrice") FROM shop.incoming) a
ORDER BY place, what;

\echo
\echo 'Members'
SELECT format(E'  %s customers, of whom %s enrolled with their first order; %s only ever brought something back and are no members.\n'
	'  %s orders by members, %s points given. 2,000 points were used %s times, by %s members.\n'
	'  %s orders, %s of the money, were guests'': counted and skipped.',
	shop.figure(customers), shop.figure(members), shop.figure(customers - members),
	shop.figure(orders), shop.figure(given), shop.figure(spends), shop.figure(spenders),
	shop.figure(guests), coalesce(round(100 * guest_money / nullif(money, 0)), 0) || '%')
FROM (SELECT count(*) FILTER (WHERE kind = 'purchase') AS orders, sum(points) FILTER (WHERE kind = 'purchase') AS given,
		count(*) FILTER (WHERE kind = 'spend') AS spends, count(DISTINCT customer) FILTER (WHERE kind = 'spend') AS spenders FROM shop.entry) e,
	(SELECT count(DISTINCT customer) AS customers, count(DISTINCT customer) FILTER (WHERE kind = 'purchase') AS members FROM shop.invoice) i,
	(SELECT count(DISTINCT invoice) FILTER (WHERE kind = 'guest' AND note = 'sales') AS guests,
		sum(amount) FILTER (WHERE kind = 'guest' AND note = 'sales') AS guest_money,
		sum(amount) FILTER (WHERE kind = 'purchase' OR note = 'sales') AS money FROM shop.line) l;

\echo
\echo 'Returns by members'
SELECT format(E'  %s return invoices with %s lines. For %s lines the purchase was found, for %s in part, for %s not.\n'
	'  %s refunds, %s in money as it was paid, took back %s points; %s of them were spent already and became debt.',
	shop.figure((SELECT count(*) FROM shop.invoice WHERE kind = 'return')), shop.figure(whole + part + without),
	shop.figure(whole), shop.figure(part), shop.figure(without),
	shop.figure(refunds), shop.figure(money, 2), shop.figure(points), shop.figure(owed))
FROM (SELECT sum(lines) FILTER (WHERE place = 2) AS whole, sum(lines) FILTER (WHERE place = 3) AS part, sum(lines) FILTER (WHERE place = 5) AS without FROM shop.accounted) a,
	(SELECT count(*) AS refunds, coalesce(sum(amount), 0) AS money, coalesce(-sum(points), 0) AS points, coalesce(sum(owed), 0) AS owed FROM shop.entry WHERE kind = 'refund') r;

\echo
SELECT format('Points                         to %s     since then       together', last_on) FROM shop.year;
WITH moved AS (
	SELECT kind::text, points, clock <= closed_at AS in_year FROM shop.entry, shop.year
), closing AS (
	SELECT DISTINCT ON (account_id) debt FROM shop.entry, shop.year WHERE clock <= closed_at ORDER BY account_id, seq DESC
), figures AS (
	SELECT place, what, coalesce(sum(points) FILTER (WHERE in_year), 0) AS year, coalesce(sum(points) FILTER (WHERE NOT in_year), 0) AS since
	FROM (SELECT 1.5 AS place, 'given for activities' AS what, 'activity' AS kind WHERE EXISTS (SELECT FROM shop.deed)
		UNION ALL VALUES (1, 'given for orders', 'purchase'), (2, 'used', 'spend'), (3, 'taken back with returns', 'refund'), (4, 'expired', 'expire')) v(place, what, kind)
		LEFT JOIN moved USING (kind) GROUP BY place, what
	UNION ALL SELECT 5, 'members'' balance', coalesce(sum(points) FILTER (WHERE in_year), 0), coalesce(sum(points) FILTER (WHERE NOT in_year), 0) FROM moved
	UNION ALL SELECT 7, '  and owed by members', year, total - year FROM (SELECT (SELECT coalesce(sum(debt), 0) FROM closing) AS year, (SELECT coalesce(sum(debt), 0) FROM shop.account) AS total) d
)
SELECT format('  %-25s  %15s  %13s  %13s', what, shop.figure(year), shop.figure(since), shop.figure(year + since))
FROM (SELECT * FROM figures
	UNION ALL SELECT 6, '  that is open points', sum(year), sum(since) FROM figures WHERE place IN (5, 7)) f ORDER BY place;

\echo
\echo 'Month by month'
\echo '  month      orders          given           used     taken back        expired    outstanding         owed'
SELECT format('  %-7s  %8s  %13s  %13s  %13s  %13s  %13s  %11s', to_char(month, 'YYYY-MM'), shop.figure(orders), shop.figure(given), shop.figure(used),
	shop.figure(taken_back), shop.figure(expired), shop.figure(outstanding), shop.figure(owed))
FROM shop.month ORDER BY month;

\echo
SELECT format('The busiest members'' cards, at the end of %s', last_on) FROM shop.year;
\echo '  member        since       orders           money  times used      balance       usable       debt  next to expire'
SELECT format('  %-12s  %s  %7s  %14s  %10s  %11s  %11s  %9s  %s', customer, since, shop.figure(orders), shop.figure(money, 2), shop.figure(times_used),
	shop.figure(balance), shop.figure(usable), shop.figure(debt), coalesce(shop.figure(expiring) || ' on ' || expires_on, '-'))
FROM (SELECT c.* FROM (SELECT customer FROM shop.entry WHERE kind = 'purchase' GROUP BY customer ORDER BY count(*) DESC, customer LIMIT 10) b
	JOIN shop.card c USING (customer)) c
ORDER BY orders DESC, customer;

\echo
SELECT format('Returns that found no purchase: %s lines, whole or in part (%s pieces, %s): %s', shop.figure(sum(lines)), shop.figure(sum(pieces)),
	shop.figure(sum(money), 2), coalesce(string_agg(format('%s %s', shop.figure(lines), why), ', ' ORDER BY lines DESC), 'none'))
FROM (SELECT why, count(*) AS lines, sum(quantity) AS pieces, sum(amount) AS money FROM shop.unmatched GROUP BY why) u;
\echo '  return      on          customer      item          pieces  of the line        money  description'
SELECT format('  %-10s  %s  %-12s  %-10s  %8s  %11s  %11s  %s', invoice, (returned_at AT TIME ZONE zone)::date, customer, item,
	shop.figure(quantity), shop.figure(returned), shop.figure(amount, 2), left(description, 34))
FROM (SELECT * FROM shop.unmatched ORDER BY no LIMIT 10) u, shop.year ORDER BY no;
\echo '  All of them:  SELECT * FROM shop.unmatched ORDER BY no;'

\echo
\echo 'The work'
SELECT format('  %s postings in %s s: %s a second, one call each, on one connection', shop.figure(sum(done)), shop.figure(sum(seconds)::numeric, 1), shop.figure((sum(done) / sum(seconds))::numeric))
FROM shop.step WHERE step = 'post';
SELECT format('  %s entries that fell due since were settled in %s s', shop.figure(done), shop.figure(seconds::numeric, 1)) FROM shop.step WHERE step = 'settle';
SELECT format('  %s entries verified in %s s, without a difference: %s a second', shop.figure(done), shop.figure(seconds::numeric, 1), shop.figure((done / greatest(seconds, 1e-6))::numeric)) FROM shop.step WHERE step = 'verify';
