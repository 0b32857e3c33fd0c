-- Does it add up? Each line is a promise; any that fails ends the run with an error.
-- By hand: psql -d shop -f test/demo/check.sql

\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET work_mem = '64MB';

CREATE OR REPLACE VIEW shop.account AS
SELECT m.key AS customer, a.* FROM loyalty.account a
	JOIN loyalty.program p ON p.id = a.program_id AND p.code = 'shop'
	JOIN loyalty.member m ON m.id = a.member_id;

CREATE OR REPLACE VIEW shop.entry AS
SELECT a.customer, e.account_id, e.seq, e.at, e.clock, e.kind::text AS kind, e.points, e.debt, e.owed, e.of_ref, e.ref, e.amount
FROM loyalty.entry e JOIN shop.account a ON a.id = e.account_id;

-- Every line of the file, or part of a line, in exactly one place. A line matched in part stands in two, by quantity.
CREATE OR REPLACE VIEW shop.accounted AS
WITH part AS (
	SELECT l.*, coalesce(m.quantity, 0) AS matched, coalesce(u.quantity, 0) AS unmatched
	FROM shop.line l
		LEFT JOIN (SELECT no, sum(quantity) AS quantity FROM shop.matched GROUP BY no) m USING (no)
		LEFT JOIN shop.unmatched u USING (no)
)
SELECT 1 AS place, 'bought by members' AS what, count(*) AS lines, sum(quantity) AS quantity, sum(amount) AS amount FROM part WHERE kind = 'purchase'
UNION ALL
SELECT 2, 'returned, purchase found', count(*), -sum(matched), -sum(matched * price) FROM part WHERE kind = 'return' AND matched > 0 AND unmatched = 0
UNION ALL
SELECT 3, 'returned, found for a part', count(*), -sum(matched), -sum(matched * price) FROM part WHERE kind = 'return' AND matched > 0 AND unmatched > 0
UNION ALL
SELECT 4, '  and the rest of these', NULL, -sum(unmatched), -sum(unmatched * price) FROM part WHERE kind = 'return' AND matched > 0 AND unmatched > 0
UNION ALL
SELECT 5, 'returned, no purchase found', count(*), -sum(unmatched), -sum(unmatched * price) FROM part WHERE kind = 'return' AND matched = 0
UNION ALL
SELECT CASE kind WHEN 'guest' THEN 6 ELSE 7 END, CASE kind WHEN 'guest' THEN 'guests: ' ELSE 'other: ' END || note, count(*), sum(quantity), sum(amount)
FROM part WHERE kind NOT IN ('purchase', 'return') GROUP BY kind, note;

-- What a purchase or activity gave a member, less what returns took back of it, by the local month in which it happened.
CREATE OR REPLACE VIEW shop.earned AS
SELECT account_id, date_trunc('month', given.at AT TIME ZONE zone)::date AS month, sum(moved.points)::bigint AS points
FROM (SELECT account_id, seq AS of_seq, points FROM loyalty.entry WHERE kind IN ('purchase', 'activity')
		UNION ALL SELECT account_id, of_seq, written_off_too - due FROM (SELECT account_id, of_seq, coalesce(written_off, 0) AS written_off_too, due FROM loyalty.entry WHERE kind = 'refund') r) moved
	JOIN loyalty.entry given USING (account_id)
	JOIN shop.account a ON a.id = account_id
	CROSS JOIN (SELECT timezone AS zone FROM loyalty.program WHERE code = 'shop') p
WHERE given.seq = moved.of_seq AND given.kind IN ('purchase', 'activity')
GROUP BY account_id, 2;

-- The same of a rulebook, whatever it says.
CREATE OR REPLACE FUNCTION shop.rule_checks() RETURNS TABLE (promise text, got text, wanted text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
	promise := 'the ledger has everything that members did beside buying';
	SELECT count(*) || ' activities' INTO got FROM shop.entry WHERE kind = 'activity';
	SELECT count(*) || ' activities' INTO wanted FROM shop.deed;
	RETURN NEXT;

	promise := 'the parts that rules gave are what was given, and what returns were due of them is what was due';
	SELECT format('%s given, %s due', sum(points) FILTER (WHERE kind <> 'refund'), coalesce(-sum(points) FILTER (WHERE kind = 'refund'), 0)) INTO got
	FROM loyalty.awarded_parts WHERE program = 'shop';
	SELECT format('%s given, %s due', sum(e.points) FILTER (WHERE kind <> 'refund'), coalesce(sum(due), 0)) INTO wanted
	FROM loyalty.entry e JOIN shop.account a ON a.id = e.account_id
	WHERE kind IN ('purchase', 'activity') OR kind = 'refund' AND EXISTS (SELECT FROM loyalty.entry o WHERE o.account_id = e.account_id AND o.seq = e.of_seq AND o.kind IN ('purchase', 'activity'));
	RETURN NEXT;

	promise := 'nobody earned more in a month than the cap of a month';
	SELECT count(*)::text, '0' INTO got, wanted FROM shop.earned e, loyalty.caps c WHERE c.program = 'shop' AND c.period = 'month' AND e.points > c.points;
	RETURN NEXT;

	promise := 'what months are charged with is what was earned in them';
	SELECT count(*)::text, '0' INTO got, wanted
	FROM (SELECT account_id, period_on AS month, u.points FROM loyalty.usage u JOIN loyalty.cap c ON c.id = u.counter_id WHERE c.period = 'month') u
		FULL JOIN shop.earned e USING (account_id, month)
	WHERE coalesce(u.points, 0) <> coalesce(e.points, 0) AND EXISTS (SELECT FROM loyalty.caps WHERE program = 'shop' AND period = 'month');
	RETURN NEXT;

	promise := 'campaigns cost what their budgets were charged with, and no more than they have';
	SELECT string_agg(format('%s %s', campaign, cost), ', ' ORDER BY campaign), string_agg(format('%s %s', campaign, least(spent, budget)), ', ' ORDER BY campaign)
	INTO got, wanted FROM loyalty.campaign_report WHERE program = 'shop' AND rule IS NULL AND budget IS NOT NULL;
	got := coalesce(got, '0'); wanted := coalesce(wanted, '0');
	RETURN NEXT;

	promise := 'a pilot''s points went to members in it, while the campaign ran';
	SELECT count(*)::text, '0' INTO got, wanted FROM loyalty.awarded_parts w JOIN loyalty.campaigns c ON c.program = w.program AND c.code = w.campaign
		JOIN loyalty.account a ON a.id = w.account
	WHERE w.program = 'shop' AND w.kind <> 'refund'
		AND NOT (loyalty.in_pilot(c.code, a.member_id, c.pilot_percent) AND w.at >= coalesce(c.starts_at, '-infinity') AND w.at < coalesce(c.ends_at, 'infinity'));
	RETURN NEXT;

	promise := 'tiers follow one another without a gap, and the last is the one in force';
	SELECT count(*)::text, '0' INTO got, wanted FROM shop.account a
		LEFT JOIN (SELECT member, count(*) FILTER (WHERE until IS NULL) AS open, max(tier) FILTER (WHERE until IS NULL) AS tier FROM loyalty.tier_history WHERE program = 'shop' GROUP BY member) h ON h.member = a.customer
	WHERE EXISTS (SELECT FROM loyalty.tiers WHERE program = 'shop') AND (h.open IS DISTINCT FROM 1 OR h.tier IS DISTINCT FROM a.tier);
	RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION shop.checks() RETURNS TABLE (promise text, got text, wanted text, seconds double precision)
LANGUAGE plpgsql STABLE AS $$
DECLARE
	started timestamptz;
BEGIN
	promise := 'lines, quantities and money add up to the file''s';
	SELECT format('%s lines, %s pieces, %s', sum(lines), sum(quantity), trim_scale(sum(amount))) INTO got FROM shop.accounted;
	SELECT format('%s lines, %s pieces, %s', count(*), sum("Quantity"), trim_scale(sum("Quantity" * "UnitPrice"))) INTO wanted FROM shop.incoming;
	RETURN NEXT;

	promise := 'every line of a return is matched or listed, by quantity';
	SELECT count(*)::text, '0' INTO got, wanted FROM shop.line l
		LEFT JOIN (SELECT no, sum(quantity) AS quantity FROM shop.matched GROUP BY no) m USING (no)
		LEFT JOIN shop.unmatched u USING (no)
	WHERE coalesce(m.quantity, 0) + coalesce(u.quantity, 0) <> CASE kind WHEN 'return' THEN -l.quantity ELSE 0 END;
	RETURN NEXT;

	promise := 'matches join a return to an earlier purchase of the same customer and item';
	SELECT count(*)::text, '0' INTO got, wanted FROM shop.matched m JOIN shop.line r ON r.no = m.no JOIN shop.line p ON p.no = m.of_no
	WHERE NOT (r.kind = 'return' AND p.kind = 'purchase' AND p.customer = r.customer AND p.item = r.item AND p.turn < r.turn AND p.at <= r.at);
	RETURN NEXT;

	promise := 'no purchase is returned beyond what was bought';
	SELECT count(*)::text, '0' INTO got, wanted FROM (SELECT of_no, sum(quantity) AS quantity FROM shop.matched GROUP BY of_no) m
		JOIN shop.line p ON p.no = m.of_no WHERE m.quantity > p.quantity;
	RETURN NEXT;

	-- What a running total falls below zero is what found nothing, no less and no more.
	promise := 'no return is left unmatched while a purchase was open';
	SELECT coalesce(sum(short), 0) || ' pieces unmatched' INTO got FROM (
		SELECT greatest(0, -min(stock)) AS short FROM (
			SELECT customer, item, sum(quantity) OVER (PARTITION BY customer, item ORDER BY turn, no) AS stock FROM shop.line WHERE turn IS NOT NULL
		) s GROUP BY customer, item) x;
	SELECT coalesce(sum(quantity), 0) || ' pieces unmatched' INTO wanted FROM shop.unmatched;
	RETURN NEXT;

	-- When a return was matched to p, every later purchase q of the item before it had been given back whole by then.
	promise := 'the latest purchase is given back first';
	SELECT count(*)::text, '0' INTO got, wanted FROM shop.matched m JOIN shop.line r ON r.no = m.no JOIN shop.line p ON p.no = m.of_no
		JOIN shop.line q ON q.kind = 'purchase' AND q.customer = r.customer AND q.item = r.item
			AND (q.turn, q.no) > (p.turn, p.no) AND q.turn < r.turn
	WHERE q.quantity > (SELECT coalesce(sum(b.quantity), 0) FROM shop.matched b JOIN shop.line s ON s.no = b.no
		WHERE b.of_no = q.no AND (s.turn, s.no) <= (r.turn, r.no));
	RETURN NEXT;

	promise := 'the ledger has every order with its money, and a member for each customer who ordered';
	SELECT format('%s orders, %s, %s members', count(*) FILTER (WHERE kind = 'purchase'), trim_scale(sum(amount) FILTER (WHERE kind = 'purchase')), count(*) FILTER (WHERE kind = 'enroll'))
	INTO got FROM shop.entry;
	SELECT format('%s orders, %s, %s members', count(*), trim_scale(sum(amount)), count(DISTINCT customer)) INTO wanted FROM shop.invoice WHERE kind = 'purchase';
	RETURN NEXT;

	promise := 'the ledger has every matched return, with the money that was paid for it';
	SELECT format('%s refunds, %s', count(*), trim_scale(round(coalesce(sum(amount), 0), 6))) INTO got FROM shop.entry WHERE kind = 'refund';
	SELECT format('%s refunds, %s', count(DISTINCT (r.turn, p.turn)), trim_scale(round(coalesce(sum(m.quantity * p.price), 0), 6))) INTO wanted
	FROM shop.matched m JOIN shop.line r ON r.no = m.no JOIN shop.line p ON p.no = m.of_no;
	RETURN NEXT;

	promise := 'points given, less used, taken back and expired, are what members hold less what they owe';
	SELECT coalesce(sum(points), 0) || ' points' INTO got FROM shop.entry;
	SELECT coalesce(sum(balance), 0) || ' points' INTO wanted FROM shop.account WHERE balance = loyalty.total(lots) + held - debt;
	RETURN NEXT;

	-- S11
	promise := 'nobody owes and has usable points';
	SELECT count(*)::text, '0' INTO got, wanted FROM shop.account WHERE debt > 0 AND usable > 0;
	RETURN NEXT;

	IF EXISTS (SELECT FROM loyalty.rules WHERE program = 'shop') THEN
		RETURN QUERY SELECT r.promise, r.got, r.wanted, NULL::double precision FROM shop.rule_checks() r;
	END IF;

	promise := 'verify() finds nothing';
	started := clock_timestamp();
	SELECT count(*)::text, '0' INTO got, wanted FROM loyalty.verify();
	seconds := extract(epoch FROM clock_timestamp() - started);
	RETURN NEXT;
END $$;

CREATE TEMP TABLE checked AS SELECT * FROM shop.checks();
DELETE FROM shop.step WHERE step = 'verify';
INSERT INTO shop.step SELECT 'verify', NULL, (SELECT count(*) FROM loyalty.entry), seconds FROM checked WHERE seconds IS NOT NULL;

\pset tuples_only on
\pset format unaligned
SELECT CASE WHEN got = wanted THEN format('  ok  %s', promise) || CASE WHEN got <> '0' THEN ': ' || got ELSE '' END
	ELSE format('  NO  %s: %s, not %s', promise, coalesce(got, 'nothing'), coalesce(wanted, 'nothing')) END
FROM checked;

DO $$
DECLARE
	failed CONSTANT bigint := (SELECT count(*) FROM checked WHERE got IS DISTINCT FROM wanted);
BEGIN
	IF failed > 0 THEN
		RAISE EXCEPTION 'the shop''s year does not add up: % of the checks failed', failed
			USING HINT = 'SELECT * FROM shop.checks(); SELECT * FROM loyalty.verify();';
	END IF;
END $$;
DROP TABLE checked;
