-- S12 returns · S13 where a due part is taken from · S15 cancels · what becomes free after its date
-- (S14 and S16 need rules and rewards and are not built yet.)
\ir setup.psql

-- S12: by reference, floor, in all exactly what was given ----------------------------------------
SELECT shop('s12', '{"base_rate": 33, "per_amount": 100.00}');
SELECT t('S12 33 points on 100.00', $$purchase('a', 100.00, 'p', at => '2025-01-01')$$, '+33 to 33, 33 usable');
SELECT t(format('S12 the return %s of ten of 10.00 takes %s', n, due),
	format($$refund('a', 'p', 'r%s', 10.00, at => '2025-01-02')$$, n),
	format('-%s to %s, %2$s usable; due %1$s, %1$s taken', due, 33 - sum(due) OVER (ORDER BY n)))
FROM unnest('{4,3,3,4,3,3,4,3,3,3}'::int[]) WITH ORDINALITY AS v(due, n);
SELECT t(what, call, want) FROM (VALUES
('S12 more than is left is refused', $$refund('a', 'p', 'r11', 0.01, at => '2025-01-03')$$, 'error LY007'),
('S12 all the rest of nothing is refused', $$refund('a', 'p', 'r11', at => '2025-01-03')$$, 'error LY007'),
('S12 an unknown purchase', $$refund('a', 'nothing', 'r11', at => '2025-01-03')$$, 'error LY006'),
('S12 another member''s purchase', $$refund('b', 'p', 'r11', at => '2025-01-03')$$, 'error LY006'),
('S12 a return cannot be returned', $$refund('a', 'r1', 'r11', at => '2025-01-03')$$, 'error LY006')
) AS v(what, call, want);

SELECT shop('s12.expired', '{"expiry": "30 days"}', '{a}');
SELECT t(what, call, want) FROM (VALUES
('S12 earned 100', $$purchase('a', 100.00, 'p', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S12 60 spent', $$spend('a', 60, 's', at => '2025-01-10')$$, '-60 to 40, 40 usable'),
('S12 40 expired, a half return: -10', $$refund('a', 'p', 'r1', 50.00, at => '2025-02-05')$$, '-10 to -10, 0 usable, 10 debt; due 50, 10 owed, 40 spared'),
('S12 the other half: -50', $$refund('a', 'p', 'r2', 50.00, at => '2025-02-06')$$, '-50 to -60, 0 usable, 60 debt; due 50, 50 owed')
) AS v(what, call, want);

SELECT shop('s12.ways', '{"rounding": "ceil"}');
SELECT t(what, call, want) FROM (VALUES
('S12 10.50 gives 11 in a program that rounds up', $$purchase('a', 10.50, 'p1', at => '2025-01-01')$$, '+11 to 11, 11 usable'),
('S12 keep is the floor whatever the program''s rounding', $$refund('a', 'p1', 'r1', 5.25, at => '2025-01-02')$$, '-6 to 5, 5 usable; due 6, 6 taken'),
('S12 the rest by naming neither', $$refund('a', 'p1', 'r2', at => '2025-01-03')$$, '-5 to 0, 0 usable; due 5, 5 taken'),
('S12 the entry of the rest tells its money', $$(posted('a', 'r2')).amount$$, '5.25'),
('S12 the entry names what it returned', $$(SELECT concat(r.of_ref, ' ', r.of_seq = p.seq) FROM posted('a', 'r2') r, posted('a', 'p1') p)$$, 'p1 t'),
('S12 bought at 1 per 1.00', $$purchase('a', 20.00, 'p2', at => '2025-01-04')$$, '+20 to 20, 20 usable'),
('S12 the rate changes', $$UPDATE loyalty.program SET base_rate = 5, rounding = 'floor' WHERE code = 's12.ways'$$, '1 rows'),
('S12 never recomputed by today''s rules', $$refund('a', 'p2', 'r3', 10.00, at => '2025-01-05')$$, '-10 to 10, 10 usable; due 10, 10 taken'),
('S12 an amount that is all the rest', $$refund('a', 'p2', 'r4', 10.00, at => '2025-01-05')$$, '-10 to 0, 0 usable; due 10, 10 taken'),
('S12 a purchase of 0.00', $$purchase('a', 0.00, 'p3', at => '2025-01-06')$$, '0 to 0, 0 usable'),
('S12 net 0 is returned whole, not by amount', $$refund('a', 'p3', 'r5', 0.00, at => '2025-01-07')$$, 'error 22023'),
('S12 nor by lines', $$refund('a', 'p3', 'r5', lines => '[{"line": 1}]', at => '2025-01-07')$$, 'error 22023'),
('S12 net 0 is returned once, whole', $$refund('a', 'p3', 'r5', at => '2025-01-07')$$, '0 to 0, 0 usable; due 0'),
('S12 and not twice', $$refund('a', 'p3', 'r6', at => '2025-01-08')$$, 'error LY007'),
('S12 an award', $$award('b', 40, 'w1', at => '2025-01-01')$$, '+40 to 40, 40 usable'),
('S12 an award is returned whole', $$refund('b', 'w1', 'r1', at => '2025-01-02')$$, '-40 to 0, 0 usable; due 40, 40 taken'),
('S12 and not twice', $$refund('b', 'w1', 'r2', at => '2025-01-03')$$, 'error LY007'),
('S12 a spend is not returned but cancelled', $$(SELECT string_agg(got(c), ' ' ORDER BY n) FROM unnest(ARRAY[
	$q$award('b', 5, 'w2', at => '2025-01-03')$q$, $q$spend('b', 5, 's1', at => '2025-01-03')$q$]) WITH ORDINALITY AS x(c, n))$$, '+5 to 5, 5 usable -5 to 0, 0 usable'),
('S12 by refund it is refused', $$refund('b', 's1', 'r2', at => '2025-01-04')$$, 'error LY006')
) AS v(what, call, want);

SELECT shop('s12.capped', '{"balance_cap": 300}', '{a}');
SELECT t(what, call, want) FROM (VALUES
('S12 400.00 under a cap of 300', $$purchase('a', 400.00, 'p', at => '2025-01-01')$$, '+300 to 300, 300 usable'),
('S12 given is what a cap left: half is 150', $$refund('a', 'p', 'r1', 200.00, at => '2025-01-02')$$, '-150 to 150, 150 usable; due 150, 150 taken'),
('S12 a quarter is 75', $$refund('a', 'p', 'r2', 100.00, at => '2025-01-02')$$, '-75 to 75, 75 usable; due 75, 75 taken')
) AS v(what, call, want);

-- S12: parts ---------------------------------------------------------------------------------------
SELECT t('S12 parts 3+1 on 10.00, ten returns of 1.00', $$(WITH RECURSIVE k(n, kept) AS (
	SELECT 0, '{3,1}'::bigint[] UNION ALL SELECT n + 1, _award_keep('{3,1}', kept, 10.00, n + 1.00) FROM k WHERE n < 10)
	SELECT string_agg(array_to_string(kept, '+'), ', ' ORDER BY n) FROM k WHERE n > 0)$$,
	'2+1, 2+1, 1+1, 1+1, 1+1, 0+1, 0+1, 0+0, 0+0, 0+0');
SELECT t('S12 ' || what, format('_award_keep(%L, %L, %s, %s)', parts, kept, net, refunded), want)
FROM (VALUES
('199+100+200 on 199.90, return 50.00: -125 = 50+25+50', '{199,100,200}', '{199,100,200}', '199.90', '50.00', '{149,75,150}'),
('nothing returned: all is kept', '{199,100,200}', '{199,100,200}', '199.90', '0.00', '{199,100,200}'),
('all returned: nothing is kept', '{199,100,200}', '{149,75,150}', '199.90', '199.90', '{0,0,0}'),
('one part is the plain rule', '{33}', '{33}', '100.00', '10.00', '{29}'),
('by amount 20.00 of lines 10/10/20: -35', '{70}', '{70}', '40.00', '20.00', '{35}'),
('a part that has nothing left stays so', '{3,1}', '{0,1}', '10.00', '7.00', '{0,1}'),
('net 0, returned whole', '{5}', '{5}', '0', '0', '{0}'),
('no points', '{0,0}', '{0,0}', '10.00', '5.00', '{0,0}')
) AS v(what, parts, kept, net, refunded, want);
SELECT t('S12 a part never grows, and together they keep the floor, over 200 returns', $$(WITH RECURSIVE k(n, kept, grown, off) AS (
	SELECT 0, '{7,5,11,0,40}'::bigint[], 0::bigint, 0
	UNION ALL SELECT k.n + 1, x.kept,
		(SELECT count(*) FROM unnest(x.kept, k.kept) AS u(new, old) WHERE new > old OR new < 0),
		CASE WHEN (SELECT sum(p) FROM unnest(x.kept) p) = floor(63 * (200.00 - (k.n + 1)) / 200.00) THEN 0 ELSE 1 END
	FROM k, LATERAL (SELECT _award_keep('{7,5,11,0,40}', k.kept, 200.00, k.n + 1.00)) AS x(kept) WHERE k.n < 200)
	SELECT format('%s grown, %s off, %s left', sum(grown), sum(off), (array_agg(kept::text ORDER BY n DESC))[1]) FROM k)$$,
	'0 grown, 0 off, {0,0,0,0,0} left');

-- S12: lines -----------------------------------------------------------------------------------------
SELECT t('S12 lines 10/10/20 with 20/30/20 points: ' || what, format('_award_lines_keep(%L, %L, %L)', '{20,30,20}', '{10,10,20}', refunded), want)
FROM (VALUES ('nothing back', '{0,0,0}', '{20,30,20}'), ('line C, -20', '{0,0,20}', '{20,30,0}'), ('then half of B, -15', '{0,5,20}', '{20,15,0}'),
	('then the rest, -35', '{10,10,20}', '{0,0,0}')) AS v(what, refunded, want);
SELECT t('S12 each line against its own points, floor: ' || what, format('_award_lines_keep(%L, %L, %L)', points, net, refunded), want)
FROM (VALUES ('3 points on 3.33, 1.00 back', '{3,3,4}', '{3.33,3.33,3.34}', '{1.00,0,0}', '{2,3,4}'),
	('then 2.00 back', '{3,3,4}', '{3.33,3.33,3.34}', '{2.00,0,0}', '{1,3,4}'),
	('a line of 0.00 keeps', '{0,10}', '{0,10.00}', '{0,5.00}', '{0,5}')) AS v(what, points, net, refunded, want);

SELECT shop('s12.lines', '{}', '{a,b,c,d,e}');
SELECT t('S12 bought by ' || who, format($$purchase(%L, 40.00, 'p', at => '2025-01-01',
	lines => '[{"sku": "A", "quantity": 1, "amount": 10.00}, {"sku": "B", "quantity": 2, "amount": 10.00}, {"sku": "C", "quantity": 4, "amount": 20.00}]')$$, who),
	'+40 to 40, 40 usable') FROM unnest('{a,b,c,d}'::text[]) AS who;
SELECT t(what, call, want) FROM (VALUES
('S12 line C', $$refund('a', 'p', 'r1', lines => '[{"line": 3}]', at => '2025-01-02')$$, '-20 to 20, 20 usable; due 20, 20 taken'),
('S12 the entry tells the money of the line', $$(posted('a', 'r1')).amount = 20$$, 'true'),
('S12 half of B by quantity', $$refund('a', 'p', 'r2', lines => '[{"line": 2, "quantity": 1}]', at => '2025-01-02')$$, '-5 to 15, 15 usable; due 5, 5 taken'),
('S12 line C again: more than is left', $$refund('a', 'p', 'r3', lines => '[{"line": 3, "quantity": 1}]', at => '2025-01-02')$$, 'error LY007'),
('S12 two of B, one is left', $$refund('a', 'p', 'r3', lines => '[{"line": 2, "quantity": 2}]', at => '2025-01-02')$$, 'error LY007'),
('S12 more money of A than it cost', $$refund('a', 'p', 'r3', lines => '[{"line": 1, "amount": 10.01}]', at => '2025-01-02')$$, 'error LY007'),
('S12 the first return decides: no amount after lines', $$refund('a', 'p', 'r3', 1.00, at => '2025-01-02')$$, 'error LY007|22023'),
('S12 a line that is not there', $$refund('a', 'p', 'r3', lines => '[{"line": 4}]', at => '2025-01-02')$$, 'error 22023|LY006|LY007'),
('S12 save that all the rest can always be returned', $$refund('a', 'p', 'r3', 15.00, at => '2025-01-03')$$, '-15 to 0, 0 usable; due 15, 15 taken'),
('S12 nothing is left', $$refund('a', 'p', 'r4', at => '2025-01-04')$$, 'error LY007'),
('S12 by amount 20.00', $$refund('b', 'p', 'r1', 20.00, at => '2025-01-02')$$, '-20 to 20, 20 usable; due 20, 20 taken'),
('S12 the first return decides: no lines after an amount', $$refund('b', 'p', 'r2', lines => '[{"line": 1}]', at => '2025-01-02')$$, 'error LY007|22023'),
('S12 all the rest', $$refund('b', 'p', 'r2', at => '2025-01-03')$$, '-20 to 0, 0 usable; due 20, 20 taken'),
('S12 lines by sku, by money', $$refund('c', 'p', 'r1', lines => '[{"sku": "C", "amount": 5.00}, {"sku": "A"}]', at => '2025-01-02')$$, '-15 to 25, 25 usable; due 15, 15 taken'),
('S12 the rest of a line', $$refund('c', 'p', 'r2', lines => '[{"sku": "C"}]', at => '2025-01-02')$$, '-15 to 10, 10 usable; due 15, 15 taken'),
('S12 the last line', $$refund('c', 'p', 'r3', lines => '[{"sku": "B"}]', at => '2025-01-02')$$, '-10 to 0, 0 usable; due 10, 10 taken'),
('S12 all lines at once', $$refund('d', 'p', 'r1', lines => '[{"line": 1}, {"line": 2}, {"line": 3}]', at => '2025-01-02')$$, '-40 to 0, 0 usable; due 40, 40 taken'),
('S12 a gift beside a line', $$purchase('e', 10.00, 'p1', lines => '[{"sku": "A", "amount": 10.00}, {"sku": "gift", "amount": 0.00}]', at => '2025-01-01')$$, '+10 to 10, 10 usable'),
('S12 half of the line', $$refund('e', 'p1', 'r1', lines => '[{"sku": "A", "amount": 5.00}]', at => '2025-01-02')$$, '-5 to 5, 5 usable; due 5, 5 taken'),
('S12 the rest, with the gift, which gave nothing', $$refund('e', 'p1', 'r2', lines => '[{"sku": "A"}, {"sku": "gift"}]', at => '2025-01-02')$$, '-5 to 0, 0 usable; due 5, 5 taken'),
('S12 thirds', $$purchase('e', 10.00, 'p2', lines => '[{"sku": "A", "amount": 3.33}, {"sku": "B", "amount": 3.33}, {"sku": "C", "amount": 3.34}]', at => '2025-01-03')$$, '+10 to 10, 10 usable'),
('S12 1.00 of 3.33 for 3 points', $$refund('e', 'p2', 'r3', lines => '[{"line": 1, "amount": 1.00}]', at => '2025-01-04')$$, '-1 to 9, 9 usable; due 1, 1 taken'),
('S12 another 1.00', $$refund('e', 'p2', 'r4', lines => '[{"line": 1, "amount": 1.00}]', at => '2025-01-04')$$, '-1 to 8, 8 usable; due 1, 1 taken'),
('S12 the rest of it', $$refund('e', 'p2', 'r5', lines => '[{"line": 1}]', at => '2025-01-04')$$, '-1 to 7, 7 usable; due 1, 1 taken'),
('S12 a purchase without lines', $$purchase('e', 5.00, 'p3', at => '2025-01-05')$$, '+5 to 12, 12 usable'),
('S12 has no lines to return', $$refund('e', 'p3', 'r6', lines => '[{"line": 1}]', at => '2025-01-06')$$, 'error 22023|LY006|LY007')
) AS v(what, call, want);

-- S13: clamp, and that a write-off is remembered ------------------------------------------------------
SELECT shop('s13.clamp', '{"on_spent_return": "clamp"}', '{one,made_good,shares,owes,newer,released,lapsed,captured,held}', '2024-01-01');
SELECT t(what, call, want) FROM (VALUES
('S13 A 100', $$award('one', 100, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 and B 50 of one day', $$award('one', 50, 'B', at => '2025-01-01')$$, '+50 to 150, 150 usable'),
('S13 spend 80', $$spend('one', 80, 's', at => '2025-01-02')$$, '-80 to 70, 70 usable'),
('S13 clamp: return A, -70', $$refund('one', 'A', 'rA', at => '2025-01-03')$$, '-70 to 0, 0 usable; due 100, 70 taken, 30 written off'),
('S13 clamp: return B, 0', $$refund('one', 'B', 'rB', at => '2025-01-03')$$, '0 to 0, 0 usable; due 50, 50 written off'),
('S13 the account remembers 80', $$(account_of('one')).written_off$$, '80'),
-- earn 100, spend 100, return (100 written off), award 30, cancel the spend: 0 comes back, usable 30
('S13 clamp: earn 100', $$award('made_good', 100, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 clamp: spend 100', $$spend('made_good', 100, 's', at => '2025-01-02')$$, '-100 to 0, 0 usable'),
('S13 clamp: return, 100 written off', $$refund('made_good', 'A', 'r', at => '2025-01-03')$$, '0 to 0, 0 usable; due 100, 100 written off'),
('S13 clamp: later credits never make it good', $$award('made_good', 30, 'C', at => '2025-01-04')$$, '+30 to 30, 30 usable'),
('S13 clamp: cancel the spend, 0 comes back', $$cancel('made_good', 's', 'c', at => '2025-01-05')$$, '0 to 30, 30 usable'),
('S13 the entry tells what it made good', $$(posted('made_good', 'c')).made_good$$, '100'),
('S13 nothing is written off any more', $$(account_of('made_good')).written_off$$, '0'),
-- a purchase takes at most what it put there and earlier returns have not taken
('S13 A bought for 100.00', $$purchase('shares', 100.00, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 B joins its lot', $$award('shares', 100, 'B', at => '2025-01-01')$$, '+100 to 200, 200 usable'),
('S13 half of A back', $$refund('shares', 'A', 'r1', 50.00, at => '2025-01-02')$$, '-50 to 150, 150 usable; due 50, 50 taken'),
('S13 spend 120', $$spend('shares', 120, 's', at => '2025-01-03')$$, '-120 to 30, 30 usable'),
('S13 the other half finds 30', $$refund('shares', 'A', 'r2', at => '2025-01-04')$$, '-30 to 0, 0 usable; due 50, 30 taken, 20 written off'),
-- after debt
('S13 debt first: earn 100', $$award('owes', 100, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 debt first: spend 100', $$spend('owes', 100, 's', at => '2025-01-02')$$, '-100 to 0, 0 usable'),
('S13 debt first: return, 100 written off', $$refund('owes', 'A', 'r', at => '2025-01-03')$$, '0 to 0, 0 usable; due 100, 100 written off'),
('S13 debt first: a debt of 20', $$adjust('owes', -20, 'j', allow_debt => true, at => '2025-01-04')$$, '-20 to -20, 0 usable, 20 debt'),
('S13 what comes back pays debt, then write-offs', $$cancel('owes', 's', 'c', at => '2025-01-05')$$, '+20 to 0, 0 usable'),
('S13 80 made good', $$(posted('owes', 'c')).made_good$$, '80'),
('S13 20 still written off', $$(account_of('owes')).written_off$$, '20'),
-- only uses older than the return
('S13 older uses only: earn 100', $$award('newer', 100, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 older uses only: spend 60 before the return', $$spend('newer', 60, 's1', at => '2025-01-02')$$, '-60 to 40, 40 usable'),
('S13 older uses only: the return', $$refund('newer', 'A', 'r', at => '2025-01-03')$$, '-40 to 0, 0 usable; due 100, 40 taken, 60 written off'),
('S13 older uses only: award 50', $$award('newer', 50, 'B', at => '2025-01-04')$$, '+50 to 50, 50 usable'),
('S13 older uses only: spend 50 after the return', $$spend('newer', 50, 's2', at => '2025-01-05')$$, '-50 to 0, 0 usable'),
('S13 a use newer than the return comes back whole', $$cancel('newer', 's2', 'c2', at => '2025-01-06')$$, '+50 to 50, 50 usable'),
('S13 part of the older one makes good', $$cancel('newer', 's1', 'c1', 25, at => '2025-01-07')$$, '0 to 50, 50 usable'),
('S13 and the rest of it', $$cancel('newer', 's1', 'c3', at => '2025-01-07')$$, '0 to 50, 50 usable'),
-- holds: not taken from, and made good by release, lapse and the cancel of a capture
('S13 release: 100', $$award('released', 100, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 release: all held', $$hold('released', 100, 'h', at => '2025-01-02')$$, '0 to 100, 0 usable'),
('S13 held points are not taken', $$refund('released', 'A', 'r', at => '2025-01-03')$$, '0 to 100, 0 usable; due 100, 100 written off'),
('S13 a release makes the write-off good', $$release('released', 'h', 'h', at => '2025-01-04')$$, '-100 to 0, 0 usable'),
('S13 lapse: 100', $$award('lapsed', 100, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 lapse: all held', $$hold('lapsed', 100, 'h', until => '2025-01-05', at => '2025-01-02')$$, '0 to 100, 0 usable'),
('S13 lapse: the return', $$refund('lapsed', 'A', 'r', at => '2025-01-03')$$, '0 to 100, 0 usable; due 100, 100 written off'),
('S13 a lapse makes the write-off good', $$stand('lapsed', '2025-01-05')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt'),
('S13 capture: 100', $$award('captured', 100, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 capture: all held', $$hold('captured', 100, 'h', at => '2025-01-02')$$, '0 to 100, 0 usable'),
('S13 capture: the return', $$refund('captured', 'A', 'r', at => '2025-01-03')$$, '0 to 100, 0 usable; due 100, 100 written off'),
('S13 a capture of 70 makes 30 good with its rest', $$capture('captured', 'h', 'h', 70, at => '2025-01-04')$$, '-100 to 0, 0 usable'),
('S13 the cancel of that capture makes the rest good', $$cancel('captured', 'h', 'c', at => '2025-01-05')$$, '0 to 0, 0 usable'),
('S13 nothing is written off any more', $$(account_of('captured')).written_off$$, '0'),
('S13 unheld points only: 100', $$award('held', 100, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 unheld points only: hold 60', $$hold('held', 60, 'h', at => '2025-01-02')$$, '0 to 100, 40 usable'),
('S13 the unheld points of its lot', $$refund('held', 'A', 'r', at => '2025-01-03')$$, '-40 to 60, 0 usable; due 100, 40 taken, 60 written off')
) AS v(what, call, want);

-- S13: what makes a write-off good comes from the lots of its parts: under clamp from no other, else first
SELECT shop('s13.own', '{"on_spent_return": "clamp"}', '{other,moved,graced,merged}', '2024-01-01');
SELECT t(what, call, want) FROM (VALUES
('S13 own lots: A 100', $$award('other', 100, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 own lots: B 100 a day later', $$award('other', 100, 'B', at => '2025-01-02')$$, '+100 to 200, 200 usable'),
('S13 own lots: spend 200', $$spend('other', 200, 's', at => '2025-01-03')$$, '-200 to 0, 0 usable'),
('S13 own lots: return B', $$refund('other', 'B', 'rB', at => '2025-01-04')$$, '0 to 0, 0 usable; due 100, 100 written off'),
('S13 the entry says whose lots', $$(posted('other', 'rB')).written_off_lots$$, '{100 until never earned 2025-01-02}'),
('S13 and by which policy', $$(posted('other', 'rB')).mode$$, 'clamp'),
('S13 own lots: half of the spend cancelled, which B''s was', $$cancel('other', 's', 'c1', 50, at => '2025-01-05')$$, '0 to 0, 0 usable'),
('S13 own lots: the rest, A''s comes back', $$cancel('other', 's', 'c2', at => '2025-01-05')$$, '+100 to 100, 100 usable'),
('S13 the entry says what made it good', $$(posted('other', 'c2')).made_good_lots$$, '{50 until never earned 2025-01-02}'),
('S13 own lots: return A, -100', $$refund('other', 'A', 'rA', at => '2025-01-06')$$, '-100 to 0, 0 usable; due 100, 100 taken'),
('S13 nothing is left to make good', $$(account_of('other')).written_off$$, '0'),
-- a lot that was extended after the use: nobody can say whose points moved, so both keys count
('S13 extended: A 100', $$award('moved', 100, 'A', expires_on => '2025-06-30', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 extended: B 100 in the same lot', $$award('moved', 100, 'B', expires_on => '2025-06-30', at => '2025-01-01')$$, '+100 to 200, 200 usable'),
('S13 extended: spend 100', $$spend('moved', 100, 's', at => '2025-01-02')$$, '-100 to 100, 100 usable'),
('S13 extended', $$extend('moved', '2025-12-31', 'x', at => '2025-01-03')$$, '0 to 100, 100 usable'),
('S13 extended: return A', $$refund('moved', 'A', 'rA', at => '2025-01-04')$$, '-100 to 0, 0 usable; due 100, 100 taken'),
('S13 extended: return B', $$refund('moved', 'B', 'rB', at => '2025-01-05')$$, '0 to 0, 0 usable; due 100, 100 written off'),
('S13 extended: the cancel mints nothing', $$cancel('moved', 's', 'c', at => '2025-01-06')$$, '0 to 0, 0 usable'),
-- one lot of two awards: what comes back is anybody's, at most what was written off
('S13 merged: A 100', $$award('merged', 100, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 merged: B 100', $$award('merged', 100, 'B', at => '2025-01-01')$$, '+100 to 200, 200 usable'),
('S13 merged: spend 200', $$spend('merged', 200, 's', at => '2025-01-02')$$, '-200 to 0, 0 usable'),
('S13 merged: return A', $$refund('merged', 'A', 'rA', at => '2025-01-03')$$, '0 to 0, 0 usable; due 100, 100 written off'),
('S13 merged: cancel', $$cancel('merged', 's', 'c', at => '2025-01-04')$$, '+100 to 100, 100 usable'),
('S13 merged: return B', $$refund('merged', 'B', 'rB', at => '2025-01-05')$$, '-100 to 0, 0 usable; due 100, 100 taken'),
-- lots that get a grace on their way back are known by the day that they left with
('S13 grace: A until June', $$award('graced', 100, 'A', expires_on => '2025-06-30', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 grace: B until July', $$award('graced', 100, 'B', expires_on => '2025-07-31', at => '2025-01-01')$$, '+100 to 200, 200 usable'),
('S13 grace: spend 200', $$spend('graced', 200, 's', at => '2025-01-02')$$, '-200 to 0, 0 usable'),
('S13 grace: return B', $$refund('graced', 'B', 'rB', at => '2025-01-03')$$, '0 to 0, 0 usable; due 100, 100 written off'),
('S13 grace: cancelled in August', $$cancel('graced', 's', 'c', at => '2025-08-10')$$, '+100 to 100, 100 usable'),
('S13 grace: return A where it came back', $$refund('graced', 'A', 'rA', at => '2025-08-11')$$, '-100 to 0, 0 usable; due 100, 100 taken')
) AS v(what, call, want);
SELECT shop('s13.own_first', '{"on_spent_return": "active_only"}', '{a}', '2024-01-01');
SELECT t(what, call, want) FROM (VALUES
('S13 own lots first: A 100 until June', $$award('a', 100, 'A', expires_on => '2025-06-30', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 own lots first: B 100', $$award('a', 100, 'B', at => '2025-01-01')$$, '+100 to 200, 200 usable'),
('S13 own lots first: spend 200', $$spend('a', 200, 's', at => '2025-01-02')$$, '-200 to 0, 0 usable'),
('S13 own lots first: return B', $$refund('a', 'B', 'rB', at => '2025-01-03')$$, '0 to 0, 0 usable; due 100, 100 written off'),
('S13 own lots first: A''s comes back, until June', $$cancel('a', 's', 'c', at => '2025-01-04')$$, '+100 to 100, 100 usable'),
('S13 own lots first: B''s made it good', $$(posted('a', 'c')).made_good_lots$$, '{100 until never earned 2025-01-01}'),
('S13 own lots first: 50 more', $$award('a', 50, 'D', expires_on => '2025-05-31', at => '2025-01-05')$$, '+50 to 150, 150 usable'),
('S13 then others: E 70', $$award('a', 70, 'E', at => '2025-01-06')$$, '+70 to 220, 220 usable'),
('S13 then others: spend 220', $$spend('a', 220, 's2', at => '2025-01-07')$$, '-220 to 0, 0 usable'),
('S13 then others: return E', $$refund('a', 'E', 'rE', at => '2025-01-08')$$, '0 to 0, 0 usable; due 70, 70 written off'),
('S13 then others: cancel 40, E''s', $$cancel('a', 's2', 'c2', 40, at => '2025-01-09')$$, '0 to 0, 0 usable'),
('S13 then others: cancel the rest', $$cancel('a', 's2', 'c3', at => '2025-01-09')$$, '+150 to 150, 150 usable')
) AS v(what, call, want);

-- S13: the other policies ----------------------------------------------------------------------------
SELECT shop('s13.debt', '{"on_spent_return": "debt"}');
SELECT t(what, call, want) FROM (VALUES
('S13 debt: 100', $$award('a', 100, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 debt: hold 60', $$hold('a', 60, 'h', at => '2025-01-02')$$, '0 to 100, 40 usable'),
('S13 debt: the unheld, then debt; never held points', $$refund('a', 'A', 'r', at => '2025-01-03')$$, '-100 to 0, 0 usable, 60 debt; due 100, 40 taken, 60 owed'),
('S13 debt: the release pays it', $$release('a', 'h', 'h', at => '2025-01-04')$$, '0 to 0, 0 usable'),
('S13 debt: A, spent', $$award('b', 100, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 debt: spend 100', $$spend('b', 100, 's', at => '2025-01-02')$$, '-100 to 0, 0 usable'),
('S13 debt: later points, pending', $$award('b', 30, 'P', pending => true, at => '2025-01-03')$$, '+30 to 30, 0 usable'),
('S13 debt: until December', $$award('b', 20, 'B', expires_on => '2025-12-31', at => '2025-01-03')$$, '+20 to 50, 20 usable'),
('S13 debt: until June', $$award('b', 20, 'C', expires_on => '2025-06-30', at => '2025-01-04')$$, '+20 to 70, 40 usable'),
('S13 debt: other usable lots, not pending ones, then debt', $$refund('b', 'A', 'r', at => '2025-01-05')$$, '-100 to -30, 0 usable, 60 debt; due 100, 40 taken, 60 owed'),
('S13 debt: in order of use', $$(posted('b', 'r')).taken$$, '{20 until 2025-06-30 earned 2025-01-04; 20 until 2025-12-31 earned 2025-01-03}')
) AS v(what, call, want);
SELECT shop('s13.active_only', '{"on_spent_return": "active_only"}', '{a}');
SELECT t(what, call, want) FROM (VALUES
('S13 active_only: 100', $$award('a', 100, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 active_only: spend 100', $$spend('a', 100, 's', at => '2025-01-02')$$, '-100 to 0, 0 usable'),
('S13 active_only: B 70', $$award('a', 70, 'B', at => '2025-01-03')$$, '+70 to 70, 70 usable'),
('S13 active_only: other usable lots, the rest written off', $$refund('a', 'A', 'r', at => '2025-01-04')$$, '-70 to 0, 0 usable; due 100, 70 taken, 30 written off'),
('S13 active_only: the cancel makes the 30 good', $$cancel('a', 's', 'c', at => '2025-01-05')$$, '+70 to 70, 70 usable')
) AS v(what, call, want);
SELECT shop('s13.pending_only', '{"on_spent_return": "pending_only"}', '{a}');
SELECT t(what, call, want) FROM (VALUES
('S13 pending_only: 100', $$award('a', 100, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 pending_only: spend 100', $$spend('a', 100, 's', at => '2025-01-02')$$, '-100 to 0, 0 usable'),
('S13 pending_only: 40 pending', $$award('a', 40, 'P', pending => true, at => '2025-01-03')$$, '+40 to 40, 0 usable'),
('S13 pending_only: 50 usable', $$award('a', 50, 'B', at => '2025-01-03')$$, '+50 to 90, 50 usable'),
('S13 pending_only: other pending points, the rest written off', $$refund('a', 'A', 'r', at => '2025-01-04')$$, '-40 to 50, 50 usable; due 100, 40 taken, 60 written off')
) AS v(what, call, want);
SELECT shop('s13.reject', '{"on_spent_return": "reject"}', '{a}');
SELECT t(what, call, want) FROM (VALUES
('S13 reject: 100', $$award('a', 100, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 reject: spend 1', $$spend('a', 1, 's', at => '2025-01-02')$$, '-1 to 99, 99 usable'),
('S13 reject: B 50', $$award('a', 50, 'B', at => '2025-01-03')$$, '+50 to 149, 149 usable'),
('S13 reject: a return of spent points', $$refund('a', 'A', 'r', at => '2025-01-04')$$, 'error LY010'),
('S13 reject: a return of points that are there', $$refund('a', 'B', 'r', at => '2025-01-04')$$, '-50 to 99, 99 usable; due 50, 50 taken'),
('S13 reject: the spend cancelled', $$cancel('a', 's', 'c', at => '2025-01-05')$$, '+1 to 100, 100 usable'),
('S13 reject: now it can be returned', $$refund('a', 'A', 'r2', at => '2025-01-06')$$, '-100 to 0, 0 usable; due 100, 100 taken')
) AS v(what, call, want);

-- S13: pending points, and lots that moved ------------------------------------------------------------
SELECT shop('s13.moved', '{"on_spent_return": "clamp", "pending_days": null}', '{pending,confirmed,extended,reinstated,graced}', '2024-01-01');
SELECT t(what, call, want) FROM (VALUES
('S13 pending: usable points', $$award('pending', 100, 'w', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 pending: bought for 50.00', $$purchase('pending', 50.00, 'p', at => '2025-01-02')$$, '+50 to 150, 100 usable'),
('S13 its own pending points', $$refund('pending', 'p', 'r1', 20.00, at => '2025-01-03')$$, '-20 to 130, 100 usable; due 20, 20 taken'),
('S13 all the rest of them', $$refund('pending', 'p', 'r2', at => '2025-01-03')$$, '-30 to 100, 100 usable; due 30, 30 taken'),
('S13 confirm: bought', $$purchase('confirmed', 50.00, 'p', at => '2025-01-02')$$, '+50 to 50, 0 usable'),
('S13 confirm: confirmed', $$confirm('confirmed', 'p', 'p', at => '2025-01-10')$$, '0 to 50, 50 usable'),
('S13 found where confirm moved them', $$refund('confirmed', 'p', 'r', at => '2025-01-11')$$, '-50 to 0, 0 usable; due 50, 50 taken'),
('S13 extend: until March', $$award('extended', 100, 'A', expires_on => '2025-03-31', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 extend: to December', $$extend('extended', '2025-12-31', 'x', at => '2025-01-02')$$, '0 to 100, 100 usable'),
('S13 extend: others of December', $$award('extended', 60, 'B', expires_on => '2025-12-31', at => '2025-01-01')$$, '+60 to 160, 160 usable'),
('S13 extend: spend 110', $$spend('extended', 110, 's', at => '2025-01-03')$$, '-110 to 50, 50 usable'),
('S13 found where extend moved them', $$refund('extended', 'A', 'r', at => '2025-01-04')$$, '-50 to 0, 0 usable; due 100, 50 taken, 50 written off'),
('S13 reinstate: until January', $$award('reinstated', 100, 'A', expires_on => '2025-01-31', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 reinstate: 60 of what expired', $$reinstate('reinstated', 60, '2025-12-31', 'i', at => '2025-02-10')$$, '+60 to 60, 60 usable'),
('S13 found where reinstate moved them, nothing for what expired', $$refund('reinstated', 'A', 'r', at => '2025-02-11')$$, '-60 to 0, 0 usable; due 100, 60 taken, 40 spared'),
('S13 grace: until January', $$award('graced', 100, 'A', expires_on => '2025-01-31', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S13 grace: spend 100', $$spend('graced', 100, 's', at => '2025-01-10')$$, '-100 to 0, 0 usable'),
('S13 grace: cancelled after its end', $$cancel('graced', 's', 'c', at => '2025-02-10')$$, '+100 to 100, 100 usable'),
('S13 found where a grace moved them', $$refund('graced', 'A', 'r', at => '2025-02-11')$$, '-100 to 0, 0 usable; due 100, 100 taken')
) AS v(what, call, want);

-- S15: cancels --------------------------------------------------------------------------------------------
SELECT shop('s15', '{}', '{a,b,c,d,e}');
SELECT t(what, call, want) FROM (VALUES
('S15 100 of the first lot', $$award('a', 100, 'w1', expires_on => '2025-06-30', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S15 100 of the second', $$award('a', 100, 'w2', expires_on => '2025-12-31', at => '2025-01-01')$$, '+100 to 200, 200 usable'),
('S15 spend 150', $$spend('a', 150, 's', at => '2025-01-02')$$, '-150 to 50, 50 usable'),
('S15 cancel 60', $$cancel('a', 's', 'c1', 60, at => '2025-01-03')$$, '+60 to 110, 110 usable'),
('S15 what was taken last first: 10 and 100', $$free('a')$$, '{10 until 2025-06-30 earned 2025-01-01; 100 until 2025-12-31 earned 2025-01-01}'),
('S15 more than is left of it: refused', $$cancel('a', 's', 'c2', 91, at => '2025-01-04')$$, 'error LY007'),
('S15 the rest', $$cancel('a', 's', 'c2', at => '2025-01-04')$$, '+90 to 200, 200 usable'),
('S15 never more than was taken', $$cancel('a', 's', 'c3', 1, at => '2025-01-05')$$, 'error LY007'),
('S15 nor all of nothing', $$cancel('a', 's', 'c3', at => '2025-01-05')$$, 'error LY007'),
('S15 back in their lots, with their ends', $$free('a')$$, '{100 until 2025-06-30 earned 2025-01-01; 100 until 2025-12-31 earned 2025-01-01}'),
('S15 an award is not cancelled but returned', $$cancel('a', 'w1', 'c3', at => '2025-01-05')$$, 'error LY006'),
('S15 an unknown spend', $$cancel('a', 'nothing', 'c3', at => '2025-01-05')$$, 'error LY006'),
-- grace: 30 days
('S15 grace: until January', $$award('b', 50, 'w1', expires_on => '2025-01-31', at => '2025-01-01')$$, '+50 to 50, 50 usable'),
('S15 grace: without an end', $$award('b', 50, 'w2', at => '2025-01-01')$$, '+50 to 100, 100 usable'),
('S15 grace: spend 80', $$spend('b', 80, 's1', at => '2025-01-20')$$, '-80 to 20, 20 usable'),
('S15 cancelled after the first has expired', $$cancel('b', 's1', 'c1', at => '2025-02-10')$$, '+80 to 100, 100 usable'),
('S15 a lot expired meanwhile gets the day of the cancel + 30', $$(posted('b', 'c1')).expires_on$$, '2025-03-12'),
('S15 the lot that lives keeps its own', $$free('b')$$, '{50 until 2025-03-12 earned 2025-01-01; 50 until never earned 2025-01-01}'),
('S15 spend of the graced lot', $$spend('b', 40, 's2', at => '2025-03-01')$$, '-40 to 60, 60 usable'),
('S15 a lot whose date a grace gave gets no second one', $$cancel('b', 's2', 'c2', at => '2025-03-20')$$, '+40 to 50, 50 usable; 40 expired'),
('S15 it expires at once, in an entry of its own', $$trail('b', 3, true)$$, 'expire -10 2025-03-13 00:00:00, cancel +40 2025-03-20 00:00:00, expire -40 2025-03-20 00:00:00'),
('S15 within its day the lot needs no grace', $$award('c', 10, 'w1', expires_on => '2025-01-31', at => '2025-01-01')$$, '+10 to 10, 10 usable'),
('S15 spent', $$spend('c', 10, 's1', at => '2025-01-02')$$, '-10 to 0, 0 usable'),
('S15 cancelled on the last day', $$cancel('c', 's1', 'c1', at => '2025-01-31 23:59:59')$$, '+10 to 10, 10 usable'),
('S15 keeps that day', $$free('c')$$, '{10 until 2025-01-31 earned 2025-01-01}'),
-- a captured hold
('S15 100', $$award('d', 100, 'w1', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S15 hold 40', $$hold('d', 40, 'h', at => '2025-01-02')$$, '0 to 100, 60 usable'),
('S15 an open hold is not cancelled', $$cancel('d', 'h', 'c1', at => '2025-01-02')$$, 'error LY006|LY007'),
('S15 capture 30', $$capture('d', 'h', 'h', 30, at => '2025-01-03')$$, '-30 to 70, 70 usable'),
('S15 cancel 10 of a captured hold, by the hold''s ref', $$cancel('d', 'h', 'c1', 10, at => '2025-01-04')$$, '+10 to 80, 80 usable'),
('S15 no more than was captured', $$cancel('d', 'h', 'c2', 21, at => '2025-01-04')$$, 'error LY007'),
('S15 the rest', $$cancel('d', 'h', 'c2', at => '2025-01-04')$$, '+20 to 100, 100 usable')
) AS v(what, call, want);
SELECT shop('s15.none', '{"cancel_grace_days": 0}', '{a}');
SELECT t(what, call, want) FROM (VALUES
('S15 no grace: until January', $$award('a', 50, 'w1', expires_on => '2025-01-31', at => '2025-01-01')$$, '+50 to 50, 50 usable'),
('S15 no grace: spend 50', $$spend('a', 50, 's', at => '2025-01-20')$$, '-50 to 0, 0 usable'),
('S15 no grace: a debt of 20', $$adjust('a', -20, 'j', allow_debt => true, at => '2025-01-21')$$, '-20 to -20, 0 usable, 20 debt'),
('S15 no grace: debt is paid first, the rest stays expired, the receipt says so', $$cancel('a', 's', 'c', at => '2025-02-10')$$, '+50 to 0, 0 usable; 30 expired'),
('S15 no grace: an entry of its own, dated to that moment', $$trail('a', 2, true)$$, 'cancel +50 2025-02-10 00:00:00, expire -30 2025-02-10 00:00:00')
) AS v(what, call, want);

SELECT sound();
SELECT finish();
ROLLBACK;
