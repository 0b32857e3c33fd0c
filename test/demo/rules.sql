-- What the owner wants to know of the rulebook: what each rule gave, how members rose and fell, what the campaigns did.

\pset tuples_only on
\pset format unaligned
SET work_mem = '64MB';

\echo
\echo 'Points by rule               times    members          given     taken back  over a cap or budget'
WITH parts AS (
	SELECT w.*, CASE part WHEN 'base' THEN 1 WHEN 'tier' THEN 2 ELSE 3 END AS place FROM loyalty.awarded_parts w WHERE program = 'shop'
)
SELECT format('  %-20s  %10s  %9s  %13s  %13s  %20s', part, shop.figure(times), shop.figure(members), shop.figure(given), shop.figure(taken_back), shop.figure(cut))
FROM (SELECT place, part, count(*) FILTER (WHERE points > 0) AS times, count(DISTINCT member) FILTER (WHERE points > 0) AS members,
		coalesce(sum(points) FILTER (WHERE kind <> 'refund'), 0) AS given, coalesce(-sum(points) FILTER (WHERE kind = 'refund'), 0) AS taken_back,
		coalesce(sum(computed - points) FILTER (WHERE kind <> 'refund'), 0) AS cut
	FROM parts GROUP BY place, part
	UNION ALL SELECT 4, 'together', count(*) FILTER (WHERE points > 0), count(DISTINCT member) FILTER (WHERE points > 0),
		coalesce(sum(points) FILTER (WHERE kind <> 'refund'), 0), coalesce(-sum(points) FILTER (WHERE kind = 'refund'), 0),
		coalesce(sum(computed - points) FILTER (WHERE kind <> 'refund'), 0)
	FROM parts) p
ORDER BY place, given DESC, part;

-- What changed in a month, to the end of the year.
CREATE VIEW shop.tier_change AS
SELECT h.member, h.entry, date_trunc('month', (h.since - CASE h.cause WHEN 'review' THEN interval '1 microsecond' ELSE '0' END) AT TIME ZONE zone)::date AS month,
	h.cause, h.tier, t.rank, lag(t.rank) OVER (PARTITION BY h.member ORDER BY h.entry) AS before
FROM loyalty.tier_history h JOIN loyalty.tiers t ON t.program = h.program AND t.code = h.tier, shop.year
WHERE h.program = 'shop' AND h.since <= closed_at;

\echo
\echo 'Tiers, month by month, up and down; and who holds which at the end of it'
SELECT format('  month           up       down   %s', string_agg(format('%9s', code), ' ' ORDER BY rank)) FROM loyalty.tiers WHERE program = 'shop';
SELECT format('  %s  %9s  %9s   %s', to_char(month, 'YYYY-MM'), shop.figure(up), shop.figure(down), holders)
FROM (SELECT month, count(*) FILTER (WHERE c.rank > c.before) AS up, count(*) FILTER (WHERE c.rank < c.before) AS down
	FROM (SELECT DISTINCT month FROM shop.invoice) m LEFT JOIN shop.tier_change c USING (month) GROUP BY month) m
	CROSS JOIN LATERAL (SELECT string_agg(format('%9s', shop.figure(n)), ' ' ORDER BY rank) AS holders
		FROM (SELECT t.rank, count(h.member) AS n FROM loyalty.tiers t
				LEFT JOIN (SELECT DISTINCT ON (member) member, tier FROM shop.tier_change WHERE tier_change.month <= m.month ORDER BY member, entry DESC) h ON h.tier = t.code
			WHERE t.program = 'shop' GROUP BY t.rank) n) l
ORDER BY month;

\echo
\echo 'Campaigns                            members     orders         points     taken back           cost         budget'
SELECT format('  %-32s  %8s  %9s  %13s  %13s  %13s  %13s', campaign || coalesce(': ' || rule, ', ' || status), shop.figure(members), shop.figure(orders),
	shop.figure(points), shop.figure(taken_back), shop.figure(cost), CASE WHEN rule IS NULL THEN coalesce(shop.figure(budget), 'none') ELSE '' END)
FROM loyalty.campaign_report WHERE program = 'shop' ORDER BY campaign, rule NULLS FIRST;
\echo '                                     members     buyers         orders          money         points     a member'
SELECT format('  %-32s  %8s  %9s  %13s  %13s  %13s  %11s', campaign || CASE WHEN in_pilot THEN ', in the pilot' ELSE ', out of it' END, shop.figure(members), shop.figure(buyers),
	shop.figure(orders), shop.figure(spend), shop.figure(points), shop.figure(spend_per_member, 2))
FROM loyalty.campaign_pilot WHERE program = 'shop' ORDER BY campaign, in_pilot DESC;
