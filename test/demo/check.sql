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
	SELECT format('%s orders, %s, %s members', count(*) FILTER (WHERE kind = 'earn'), trim_scale(sum(amount) FILTER (WHERE kind = 'earn')), count(*) FILTER (WHERE kind = 'enroll'))
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
