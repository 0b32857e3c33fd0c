-- The shop's year, posted in order of time.

-- One month of it. Returns a line to read; commits every 500 orders and returns, as a nightly load would.
CREATE PROCEDURE shop.play(which date, INOUT progress text DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
	started CONSTANT timestamptz := clock_timestamp();
	target CONSTANT bigint := 2000;		-- a member who has that many spends that many
	e record;
	back record;
	receipt loyalty.receipt;
	orders bigint := 0;
	returns bigint := 0;
	given bigint := 0;
	used bigint := 0;
	taken bigint := 0;
	posted bigint := 0;
	deeds bigint := 0;
	seconds double precision;
BEGIN
	FOR e IN
		SELECT turn, kind, invoice, customer, at, newcomer, amount, lines FROM shop.invoice WHERE month = which
		UNION ALL SELECT NULL, activity, ref, customer, at, false, NULL, NULL FROM shop.deed WHERE month = which
		ORDER BY at, turn, invoice
	LOOP
		IF e.kind = 'purchase' THEN
			IF e.newcomer THEN
				receipt := loyalty.enroll(e.customer, program => 'shop', at => e.at,
					birthday => (SELECT birthday FROM shop.person WHERE customer = e.customer));
				posted := posted + 1;
			-- Points are spent first, so that what an order earns is never used on itself. What the account held at its
			-- last posting bounds what it has now: most orders need not ask.
			ELSIF (SELECT a.usable FROM loyalty.member m JOIN loyalty.account a ON a.member_id = m.id
					WHERE m.key = e.customer AND a.program_id = (SELECT id FROM loyalty.program WHERE code = 'shop')) >= target
				AND (SELECT b.usable FROM loyalty.balance(e.customer, program => 'shop', at => e.at) b) >= target
			THEN
				receipt := loyalty.spend(e.customer, target, 'spend-' || e.invoice, at => e.at, program => 'shop');
				used := used + target;
				posted := posted + 1;
			END IF;
			receipt := loyalty.purchase(e.customer, e.amount, e.invoice, lines => e.lines, at => e.at, program => 'shop');
			orders := orders + 1;
			given := given + receipt.points;
			posted := posted + 1;
		ELSIF e.turn IS NULL THEN
			receipt := loyalty.activity(e.customer, e.kind, e.invoice, at => e.at, program => 'shop');
			deeds := deeds + 1;
			given := given + receipt.points;
			posted := posted + 1;
		ELSE
			-- One refund for each purchase that the return gives back something of.
			FOR back IN
				SELECT invoice, jsonb_agg(jsonb_build_object('line', place, 'quantity', quantity) ORDER BY place) AS lines
				FROM (SELECT p.turn, p.invoice, p.place, sum(m.quantity) AS quantity
					FROM shop.line r JOIN shop.matched m ON m.no = r.no JOIN shop.line p ON p.no = m.of_no
					WHERE r.turn = e.turn AND r.kind = 'return' GROUP BY p.turn, p.invoice, p.place) m
				GROUP BY turn, invoice ORDER BY turn
			LOOP
				receipt := loyalty.refund(e.customer, back.invoice, e.invoice || '/' || back.invoice,
					lines => back.lines, at => e.at, program => 'shop');
				taken := taken - receipt.points;
				posted := posted + 1;
			END LOOP;
			returns := returns + 1;
		END IF;
		IF (orders + returns + deeds) % 500 = 0 THEN
			COMMIT;
		END IF;
	END LOOP;
	COMMIT;
	-- The tables began empty: the next month's plans should know better.
	ANALYZE loyalty.member, loyalty.account, loyalty.entry;
	seconds := extract(epoch FROM clock_timestamp() - started);
	INSERT INTO shop.step VALUES ('post', which, posted, seconds);
	progress := format('  %s  %8s  %8s  %13s  %13s  %13s  %9s  %9s', to_char(which, 'YYYY-MM'), shop.figure(orders), shop.figure(returns),
		shop.figure(given), shop.figure(used), shop.figure(taken), shop.figure(posted), shop.figure((posted / greatest(seconds, 1e-6))::numeric))
		|| CASE WHEN EXISTS (SELECT FROM shop.deed) THEN format('  %11s', shop.figure(deeds)) ELSE '' END;
END $$;

-- Everything that fell due since, to this moment.
CREATE PROCEDURE shop.sweep(INOUT progress text DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
	started CONSTANT timestamptz := clock_timestamp();
	before CONSTANT bigint := (SELECT count(*) FROM loyalty.entry);
	posted bigint;
	seconds double precision;
BEGIN
	CALL loyalty.sweep();
	COMMIT;
	seconds := extract(epoch FROM clock_timestamp() - started);
	SELECT count(*) - before INTO posted FROM loyalty.entry;
	INSERT INTO shop.step VALUES ('settle', NULL, posted, seconds);
	progress := format('settled to now: %s entries for what fell due since, in %s s', shop.figure(posted), shop.figure(seconds::numeric, 1));
END $$;
