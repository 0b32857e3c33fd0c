-- The statements that outsiders found wrong, each with what is right.
\ir setup.psql

-- S10, S22: what gave no points waits for nothing ------------------------------------------------------
SELECT shop('wait', '{"pending_days": 14, "tier_window": "lifetime"}', '{a,b}', '2024-01-01');
INSERT INTO tiers (code, rank, activities, spend) VALUES ('basic', 1, NULL, NULL), ('gold', 2, 2, 1000);
SELECT t('S10 ' || what, call, want) FROM (VALUES
('a first review without points', $$(activity('a', 'review', 'r1', at => '2025-12-20')).tier$$, 'basic'),
('the second lifts at once', $$(activity('a', 'review', 'r2', at => '2025-12-21')).tier$$, 'gold'),
('it is gold after fourteen days', $$(SELECT tier FROM tier_status('a', at => '2026-01-04'))$$, 'gold'),
('and in February', $$(SELECT tier FROM tier_status('a', at => '2026-02-01'))$$, 'gold'),
('one of them is returned', $$(refund('a', 'r2', 'b2', at => '2026-02-02')).tier$$, 'basic'),
('no points for money', $$UPDATE program SET base_rate = 0 WHERE code = 'wait'$$, '1 rows'),
('a thousand without points', $$(purchase('b', 1000.00, 'p1', at => '2025-12-20')).tier$$, 'gold'),
('until confirmed', $$UPDATE program SET pending_days = NULL WHERE code = 'wait'$$, '1 rows'),
('the same', $$(purchase('a', 1000.00, 'p1', at => '2026-03-01')).tier$$, 'gold'),
('a confirmation finds nothing and is no error', $$confirm('a', 'p1', 'p1', '2026-03-02')$$, '0 to 0, 0 usable'),
('again', $$confirm('a', 'p1', 'p1', '2026-03-02')$$, '0 to 0, 0 usable; repeat'),
('it counts as before', $$(SELECT tier FROM tier_status('a', at => '2026-03-03'))$$, 'gold'),
('returned, it counts no more', $$(refund('a', 'p1', 'b1', at => '2026-03-04')).tier$$, 'basic')
) AS v(what, call, want);

-- S18: a transfer dated before the sender joined -------------------------------------------------------
SELECT shop('join', '{}', '{old}', '2024-01-01');
SELECT enroll('new', at => '2024-06-01'), award('new', 100, 'w', at => '2024-06-02');
SELECT t('S18 a transfer dated before the sender joined has its own message', $$transfer('new', 'old', 10, 't1', at => '2024-05-05')$$, 'error LY009');
SELECT t('S18 that says so', $$(SELECT got($q$transfer('new', 'old', 10, 't1', at => '2024-05-05')$q$) LIKE '%dated before member "new" was enrolled')$$, 'true');
SELECT t('S18 on the day it can', $$transfer('new', 'old', 10, 't1', at => '2024-06-02')$$, '-10 to 90, 90 usable');

-- S21: points of an award that do not qualify ---------------------------------------------------------
SELECT shop('gift', '{"tier_window": "lifetime", "on_spent_return": "debt"}', '{a,b}', '2024-01-01');
INSERT INTO tiers (code, rank, points) VALUES ('basic', 1, NULL), ('gold', 2, 100);
SELECT t('S21 ' || what, call, want) FROM (VALUES
('a gift of 100 that does not qualify', $$(award('a', 100, 'g', qualifies => false, at => '2024-06-01')).tier$$, 'basic'),
('the same again is the same', $$award('a', 100, 'g', qualifies => false, at => '2024-06-01')$$, '+100 to 100, 100 usable; repeat'),
('one that qualifies is another request', $$award('a', 100, 'g', at => '2024-06-01')$$, 'error LY003'),
('the view says so', $$(SELECT qualifies FROM awards WHERE ref = 'g')$$, 'false'),
('99 that qualify', $$(award('a', 99, 'w', qualifies => true, at => '2024-06-02')).tier$$, 'basic'),
('a true given is the default', $$award('a', 99, 'w', at => '2024-06-02')$$, '+99 to 199, 199 usable; repeat'),
('the gift is returned', $$refund('a', 'g', 'rg', at => '2024-06-03')$$, '-100 to 99, 99 usable; due 100, 100 taken'),
('what counts is the same', $$(SELECT sum(points) FROM tally t WHERE account_id = (account_of('a')).id)$$, '99'),
('1 more that qualifies', $$(award('a', 1, 'w1', at => '2024-06-04')).tier$$, 'gold'),
('a gift that waits', $$(award('a', 50, 'p', pending => true, qualifies => false, at => '2024-06-05')).tier$$, 'gold'),
('and is confirmed', $$confirm('a', 'p', 'p', '2024-06-06')$$, '0 to 150, 150 usable'),
('still 100 count', $$(SELECT sum(points) FROM tally t WHERE account_id = (account_of('a')).id)$$, '100'),
('explain says so', $$(SELECT string_agg(detail, '; ') FROM explain('a', 'g') WHERE what = 'base')$$, 'given by hand, counts for no tier'),
('and not of one that counts', $$(SELECT string_agg(detail, '; ') FROM explain('a', 'w') WHERE what = 'base')$$, 'given by hand'),
('by the view, NULL is the default', $$INSERT INTO awards (member, points, ref, qualifies, at) VALUES ('b', 100, 'n', NULL, '2024-06-01')$$, '1 rows'),
('it qualifies', $$(SELECT tier FROM tier_status('b', at => '2024-06-01'))$$, 'gold')
) AS v(what, call, want);

-- use_benefit of a past date says the tier of that date ------------------------------------------------
SELECT shop('past', '{"tier_window": "lifetime"}', '{}', '2024-01-01');
INSERT INTO tiers (code, rank, points) VALUES ('basic', 1, NULL), ('gold', 2, 100);
SELECT enroll('a', at => '2024-01-01');
INSERT INTO benefits (code, tiers, quota) VALUES ('lounge', '{gold}', 2);
SELECT award('a', 100, 'w', at => '2024-06-01');
CREATE FUNCTION tap.detail(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	d text;
BEGIN
	EXECUTE 'SELECT ' || call;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
	RETURN d;
END $$;
SELECT is(detail($$loyalty.use_benefit('a', 'lounge', 'u', at => '2024-03-01')$$), 'The tier in force at 2024-03-01 00:00:00+00 is basic.', 'a benefit of a past date is judged, and refused, by the tier of then');

-- S25: usage, firings and budgets hang on the code ----------------------------------------------------
SELECT shop('code', '{"base_rate": 0}', '{a,b}', '2024-01-01');
INSERT INTO campaigns (code, status, budget) VALUES ('spring', 'running', 100);
INSERT INTO rules (code, points, times_cap) VALUES ('welcome', '50', 1);
INSERT INTO rules (code, campaign, points) VALUES ('gift', 'spring', '60');
INSERT INTO caps (period, points) VALUES ('year', 200);
INSERT INTO benefits (code, quota, period) VALUES ('lounge', 2, 'ever');
CREATE FUNCTION tap.anew() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM loyalty.rules; DELETE FROM loyalty.campaigns; DELETE FROM loyalty.caps; DELETE FROM loyalty.benefits;
	INSERT INTO loyalty.campaigns (code, status, budget) VALUES ('spring', 'running', 100);
	INSERT INTO loyalty.rules (code, points, times_cap) VALUES ('welcome', '50', 1);
	INSERT INTO loyalty.rules (code, campaign, points) VALUES ('gift', 'spring', '60');
	INSERT INTO loyalty.caps (period, points) VALUES ('year', 200);
	INSERT INTO loyalty.benefits (code, quota, period) VALUES ('lounge', 2, 'ever');
	RETURN 'written again';
END $$;
SELECT t('S25 ' || what, call, want) FROM (VALUES
('once ever, and of the budget', $$purchase('a', 1.00, 'p1', at => '2025-01-01')$$, '+110 to 110, 110 usable'),
('one of two uses', $$use_benefit('a', 'lounge', 'u1', at => '2025-01-02')$$, '0 to 110, 110 usable'),
('the rulebook is deployed again', 'anew()', 'written again'),
('nothing is paid twice', $$purchase('a', 1.00, 'p2', at => '2025-01-03')$$, '+40 to 150, 150 usable'),
('the budget is used up', $$purchase('b', 1.00, 'p1', at => '2025-01-03')$$, '+50 to 50, 50 usable'),
('and again', 'anew()', 'written again'),
('still', $$purchase('a', 1.00, 'p3', at => '2025-01-04')$$, '0 to 150, 150 usable'),
('the year''s cap goes on', $$(SELECT u.points FROM usage u JOIN cap c ON c.id = u.counter_id WHERE u.account_id = (account_of('a')).id)$$, '150'),
('one use is left', $$use_benefit('a', 'lounge', 'u2', at => '2025-01-05')$$, '0 to 150, 150 usable'),
('and no more', $$use_benefit('a', 'lounge', 'u3', at => '2025-01-05')$$, 'error LY008'),
('a return gives the firing back to the rule of that code', $$refund('a', 'p1', 'b1', at => '2025-01-06')$$, '-110 to 40, 40 usable; due 110, 110 taken'),
('so it is paid', $$purchase('a', 1.00, 'p4', at => '2025-01-07')$$, '+110 to 150, 150 usable'),
('another code is another rule', $$INSERT INTO rules (code, points, times_cap) VALUES ('hello', '5', 1)$$, '1 rows'),
('which begins anew', $$purchase('a', 1.00, 'p5', at => '2025-01-08')$$, '+5 to 155, 155 usable')
) AS v(what, call, want);

-- No posting is refused for the number of lots ---------------------------------------------------------
SELECT shop('lots', '{"base_rate": 1}', '{a,b,c}', '2020-01-01');
SELECT count(purchase('a', 1.00, 'p' || n, at => '2020-01-01'::timestamptz + n * interval '1 day')) FROM generate_series(0, 999) AS n;
SELECT t('lots: ' || what, call, want) FROM (VALUES
('a thousand earning days', $$(SELECT count(*) FROM lots('a'))$$, '1000'),
('one more', $$purchase('a', 1.00, 'p1000', at => '2022-09-27')$$, '+1 to 1001, 1001 usable'),
('the oldest are one', $$(SELECT format('%s lots, the first of %s with %s', count(*), min(earned_on), (array_agg(points ORDER BY earned_on))[1]) FROM lots('a'))$$, '875 lots, the first of 2020-01-01 with 127'),
('by an entry that says old and new', $$(SELECT format('%s %s %s %s', kind, points, total(taken), gained) FROM entry WHERE account_id = (account_of('a')).id ORDER BY seq DESC LIMIT 1)$$, 'join 0 127 {127 until never earned 2020-01-01 usable 2020-05-06}'),
('the order of use is as before', $$spend('a', 10, 's1', at => '2022-09-28')$$, '-10 to 991, 991 usable'),
('from the oldest', $$(SELECT taken FROM entry WHERE ref = 's1' AND account_id = (account_of('a')).id)$$, '{10 until never earned 2020-01-01 usable 2020-05-06}'),
('a return follows its points', $$refund('a', 'p50', 'r50', at => '2022-09-29')$$, '-1 to 990, 990 usable; due 1, 1 taken'),
('of one that was not joined, too', $$refund('a', 'p999', 'r999', at => '2022-09-29')$$, '-1 to 989, 989 usable; due 1, 1 taken'),
('by a set', $$INSERT INTO purchases (member, amount, ref, at) SELECT 'b', 1.00, 'q' || n, '2020-01-01'::timestamptz + n * interval '1 day' FROM generate_series(0, 1999) AS n$$, '2000 rows'),
('nothing is lost', $$(SELECT format('%s, %s', balance, usable) FROM balance('b'))$$, '2000, 2000'),
('fewer than the limit', $$(SELECT count(*) < 1000 FROM lots('b'))$$, 'true'),
('all of it is spent', $$spend('b', 2000, 's')$$, '-2000 to 0, 0 usable'),
('cancelled, it comes back', $$cancel('b', 's', 'c')$$, '+2000 to 2000, 2000 usable'),
('and moves to another', $$transfer('b', 'c', 2000, 't')$$, '-2000 to 0, 0 usable')
) AS v(what, call, want);
SELECT t('S30 verify sees lots that may not be joined: ' || what, format('after(ARRAY[%L, %L], %L)', 'ALTER TABLE loyalty.entry DISABLE TRIGGER ALL',
	format($$UPDATE loyalty.entry SET gained = %L WHERE kind::text = 'join' AND account_id = (tap.account_of('a')).id$$, gained),
	$$(SELECT count(*) FROM verify('a') WHERE field = 'gained')$$), want)
FROM (VALUES
('they may', '{127 until never earned 2020-01-01 usable 2020-05-06}', '0'),
('transferred sooner', '{127 until never earned 2020-01-01}', '1'),
('used in another turn', '{127 until never earned 2022-09-27}', '1'),
('ending sooner', '{127 until 2099-12-31 earned 2020-01-01 usable 2020-05-06}', '1'),
('fewer', '{126 until never earned 2020-01-01 usable 2020-05-06}', '1')
) AS v(what, gained, want);
SELECT shop('days', '{"expiry": "700 days"}', '{a}', '2024-01-01');
SET LOCAL loyalty.lots_limit = 8;
SELECT count(purchase('a', 1.00, 'p' || n, at => '2024-01-01'::timestamptz + n * interval '1 day')) FROM generate_series(0, 40) AS n;
SELECT t('lots of many last days: ' || what, call, want) FROM (VALUES
('there are few', $$(SELECT count(*) <= 8 FROM lots('a', '2024-02-11'))$$, 'true'),
('nothing is lost', $$(SELECT usable FROM balance('a', at => '2024-02-11'))$$, '41'),
('nothing ends sooner than it would have', $$(SELECT usable FROM balance('a', at => '2025-12-01 12:00Z'))$$, '41'),
('a return follows its points', $$refund('a', 'p0', 'r0', at => '2024-02-12')$$, '-1 to 40, 40 usable; due 1, 1 taken'),
('in the end all is gone', $$(SELECT usable FROM balance('a', at => '2026-03-01'))$$, '0')
) AS v(what, call, want);
RESET loyalty.lots_limit;
-- Eleven holds of a thousand lots each come back at one instant: reads and postings were refused ------
SELECT shop('holds', '{"hold_limit": "365 days"}', '{a,b}', '1990-01-01');
CREATE FUNCTION tap.hold_many(who text, expires_on date) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
	PERFORM loyalty.freeze(who, 'spending', 'f', until => '2021-01-01 00:00:01Z', at => '2021-01-01');
	FOR r IN 0..10 LOOP
		INSERT INTO loyalty.awards (member, points, ref, expires_on, at) SELECT who, 1, format('w%s-%s', r, i), hold_many.expires_on, '1990-01-01'::timestamptz + (r * 1000 + i) * interval '1 day' FROM generate_series(1, 1000) i;
		PERFORM loyalty.hold(who, 1000, 'h' || r, until => '2021-12-01', at => '2021-01-02');
	END LOOP;
	RETURN 'held';
END $$;
SELECT t('lots of many holds: ' || what, call, want) FROM (VALUES
('eleven thousand', $$hold_many('a', '2030-01-01')$$, 'held'),
('can be read when they came back', $$(SELECT usable FROM balance('a', at => '2021-12-02'))$$, '11000'),
('as lots', $$(SELECT sum(points) FROM lots('a', '2021-12-02'))$$, '11000'),
('and settled', $$settle('a', at => '2021-12-02')$$, '13'),
('few are left', $$(SELECT count(*) <= 1000 FROM lots('a', '2021-12-02'))$$, 'true'),
('all is spent', $$spend('a', 11000, 's', at => '2021-12-02')$$, '-11000 to 0, 0 usable'),
('and comes back', $$cancel('a', 's', 'c', at => '2021-12-02')$$, '+11000 to 11000, 11000 usable'),
('verify finds nothing', $$(SELECT count(*) FROM verify('a'))$$, '0'),
('what was held past its end', $$hold_many('b', '2021-06-01')$$, 'held'),
('is gone with the hold, in as many entries as it needs', $$settle('b', at => '2021-12-02')$$, '13'),
('all of it', $$(SELECT balance FROM balance('b', at => '2021-12-02'))$$, '0'),
('verify finds nothing', $$(SELECT count(*) FROM verify('b'))$$, '0')
) AS v(what, call, want);

-- A status that nobody named changes nothing, and returns by hand stand --------------------------------
SELECT shop('track', '{}', '{a}', '2024-01-01');
CREATE TABLE tap.orders (id text PRIMARY KEY, member text, total numeric, status text);
SELECT track('tap.orders', 'member', 'id', amount => 'total', status => 'status', completed => '{completed,shipped}', cancelled => '{cancelled}');
SELECT t('tracked: ' || what, call, want) FROM (VALUES
('an order', $$INSERT INTO tap.orders VALUES ('X', 'a', 100, 'completed')$$, '1 rows'),
('counts', $$(SELECT balance FROM balance('a'))$$, '100'),
('a part is returned by hand', $$(refund('a', 'X', 'CN', 40.00)).points$$, '-40'),
('a status that nobody named', $$UPDATE tap.orders SET status = 'packed'$$, '1 rows'),
('leaves it', $$(SELECT balance FROM balance('a'))$$, '60'),
('another', $$UPDATE tap.orders SET status = 'closed'$$, '1 rows'),
('leaves it', $$(SELECT balance FROM balance('a'))$$, '60'),
('one that was named', $$UPDATE tap.orders SET status = 'shipped'$$, '1 rows'),
('leaves it', $$(SELECT balance FROM balance('a'))$$, '60'),
('cancelled', $$UPDATE tap.orders SET status = 'cancelled'$$, '1 rows'),
('all is back', $$(SELECT balance FROM balance('a'))$$, '0'),
('a status that nobody named', $$UPDATE tap.orders SET status = 'packed'$$, '1 rows'),
('leaves it', $$(SELECT balance FROM balance('a'))$$, '0'),
('completed again', $$UPDATE tap.orders SET status = 'completed'$$, '1 rows'),
('it counts again', $$(SELECT balance FROM balance('a'))$$, '100')
) AS v(what, call, want);

-- What enroll is told of a member who is there ---------------------------------------------------------
SELECT shop('first', '{}', '{}', '2024-01-01');
INSERT INTO program (code) VALUES ('second'), ('third');
CREATE FUNCTION tap.known(who text) RETURNS text LANGUAGE sql AS 'SELECT concat_ws('' '', birthday, attributes, tags) FROM loyalty.members WHERE member = who';
SELECT t('enroll: ' || what, call, want) FROM (VALUES
('the member', $$(enroll('ann', attributes => '{"city": "Rome"}', tags => '["vip"]', at => '2024-01-01')).points$$, '0'),
('into a second program', $$(enroll('ann', 'second', '2024-01-02', birthday => '02-29', attributes => '{"city": "Rome", "size": 3}', tags => '["new", "vip"]')).points$$, '0'),
('all of it is known', $$known('ann')$$, '02-29 {"city": "Rome", "size": 3} ["vip", "new"]'),
('a birthday that contradicts', $$enroll('ann', 'third', '2024-01-03', birthday => '03-01')$$, 'error 22023'),
('an attribute that contradicts', $$enroll('ann', 'third', '2024-01-03', attributes => '{"city": "Oslo"}')$$, 'error 22023'),
('nothing is left of it', $$(SELECT count(*) FROM entries WHERE program = 'third')$$, '0'),
('by the view', $$INSERT INTO enrollments (member, program, at, tags) VALUES ('ann', 'third', '2024-01-03', '["b"]')$$, '1 rows'),
('all of it is known', $$known('ann')$$, '02-29 {"city": "Rome", "size": 3} ["vip", "new", "b"]'),
('again is a repeat', $$(enroll('ann', 'third', '2024-01-03', birthday => '03-01'))."repeat"$$, 'true')
) AS v(what, call, want);

-- S23: rolling tiers, and when they were last reached ---------------------------------------------------
CREATE FUNCTION tap.rolling(story text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	step text;
	p text[];
	s record;
	n int := 0;
BEGIN
	BEGIN
		INSERT INTO loyalty.program (code, tier_window, tier_months) VALUES ('roll', 'rolling', 12);
		PERFORM set_config('loyalty.program', 'roll', true);
		INSERT INTO loyalty.tiers (code, rank, spend) VALUES ('basic', 1, NULL), ('gold', 2, 1000);
		PERFORM loyalty.enroll('roller', at => '2022-01-01');
		FOREACH step IN ARRAY string_to_array(story, '; ') LOOP
			n := n + 1;
			p := string_to_array(step, ' ');
			CASE p[1]
				WHEN 'buy' THEN PERFORM loyalty.purchase('roller', p[3]::numeric, 'p' || n, at => p[2]::timestamptz);
				WHEN 'back' THEN PERFORM loyalty.refund('roller', 'p' || p[3], 'r' || n, at => p[2]::timestamptz);
				WHEN 'visit' THEN PERFORM loyalty.activity('roller', 'visit', 'v' || n, at => p[2]::timestamptz);
				WHEN 'wait' THEN UPDATE loyalty.program SET pending_days = p[2]::int WHERE code = 'roll';
			END CASE;
		END LOOP;
		SELECT * INTO s FROM loyalty.tier_status('roller', at => p[2]::timestamptz);
		RAISE EXCEPTION USING ERRCODE = 'TAP01';
	EXCEPTION WHEN SQLSTATE 'TAP01' THEN RETURN s.tier || coalesce(' to ' || s.computed_last_day, '');
	END;
END $$;
SELECT is(rolling(story), want, 'S23 ' || what) FROM (VALUES
('(a) a trifle that is returned had no part in it', 'buy 2022-01-10 900; buy 2022-06-10 100; buy 2023-03-01 5; back 2023-03-02 3', 'gold to 2023-06-10'),
('(b) what is returned gave a later end', 'buy 2022-01-10 900; buy 2022-06-10 100; buy 2023-03-01 1000; back 2023-03-02 3', 'gold to 2023-06-10'),
('(b) before the return', 'buy 2022-01-10 900; buy 2022-06-10 100; buy 2023-03-01 1000', 'gold to 2024-03-01'),
('(c) a trifle moved the end, and back', 'buy 2022-02-05 1000; buy 2023-02-04 5; back 2023-02-04T01:00:00Z 2', 'gold to 2023-02-05'),
('(c) before the return', 'buy 2022-02-05 1000; buy 2023-02-04 5', 'gold to 2024-02-04'),
('(d) a check-in adds to no metric of the tier', 'buy 2022-02-05 1000; visit 2022-08-05', 'gold to 2023-02-05'),
('(d) an order that waits and is returned before it counts', 'buy 2022-02-05 1000; wait 30; buy 2022-08-05 10; back 2022-08-06 3', 'gold to 2023-02-05'),
('while it waits', 'buy 2022-02-05 1000; wait 30; buy 2022-08-05 10', 'gold to 2023-02-05'),
('all is returned', 'buy 2022-02-05 1000; back 2022-02-06 1', 'basic'),
('a part that supported it is returned when its window has gone', 'buy 2022-01-10 900; buy 2022-12-10 100; back 2023-02-01 1', 'basic')
) AS v(what, story, want);

-- S28: the tier in force, whether or not anything has been settled ---------------------------------------
SELECT shop('held', '{"tier_window": "calendar year"}', '{}', '2020-01-01');
INSERT INTO tiers (code, rank, points) VALUES ('basic', 1, NULL), ('gold', 2, 100);
SELECT enroll(m, at => '2020-01-01') FROM unnest('{g,h,i}'::text[]) AS m;
SELECT award('g', 100, 'w', at => '2020-06-01'), grant_tier('h', 'gold', '2020-12-31', 'paid', at => '2020-03-01');
CREATE FUNCTION tap.held(at timestamptz) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', h.member, h.tier, h.since::date, h.last_day), ', ' ORDER BY h.member) FROM loyalty.tiers_held(held.at, 'held') h
$$;
SELECT t('S28 ' || what, call, want) FROM (VALUES
('before anything', $$held('2019-01-01')$$, 'null'),
('all are basic', $$held('2020-02-01')$$, 'g basic 2020-01-01, h basic 2020-01-01, i basic 2020-01-01'),
('one is granted', $$held('2020-04-01')$$, 'g basic 2020-01-01, h gold 2020-03-01 2020-12-31, i basic 2020-01-01'),
('one has reached it', $$held('2020-07-01')$$, 'g gold 2020-06-01 2021-12-31, h gold 2020-03-01 2020-12-31, i basic 2020-01-01'),
('the grant is over, and nobody settled', $$held('2021-06-01')$$, 'g gold 2020-06-01 2021-12-31, h basic 2021-01-01, i basic 2020-01-01'),
('the review is over, and nobody settled', $$held('2022-06-01')$$, 'g basic 2022-01-01, h basic 2021-01-01, i basic 2020-01-01'),
('tier_history knows it', $$(SELECT string_agg(concat_ws(' ', tier, since::date, until::date, cause), ', ' ORDER BY since) FROM tier_history WHERE member = 'g')$$, 'basic 2020-01-01 2020-06-01 joined, gold 2020-06-01 2022-01-01 reached, basic 2022-01-01 review'),
('of a grant, too', $$(SELECT string_agg(concat_ws(' ', tier, since::date, until::date, cause), ', ' ORDER BY since) FROM tier_history WHERE member = 'h')$$, 'basic 2020-01-01 2020-03-01 joined, gold 2020-03-01 2021-01-01 grant, basic 2021-01-01 grant ended'),
('nothing was settled', $$(SELECT count(*) FROM entries WHERE program = 'held' AND kind = 'tier')$$, '0'),
('settled', $$(SELECT count(settle(m)) FROM unnest('{g,h,i}'::text[]) AS m)$$, '3'),
('it is the same', $$held('2022-06-01')$$, 'g basic 2022-01-01, h basic 2021-01-01, i basic 2020-01-01'),
('as of the past, too', $$held('2021-06-01')$$, 'g gold 2020-06-01 2021-12-31, h basic 2021-01-01, i basic 2020-01-01')
) AS v(what, call, want);

-- A tier that is held by grant alone; points of a tier that count for none ----------------------------------
SELECT shop('grant', '{"tier_window": "lifetime"}', '{}', '2024-01-01');
INSERT INTO tiers (code, rank, points, by_grant, multiplier, qualifies) VALUES ('basic', 1, NULL, false, 1, true), ('gold', 3, 100, false, 2, false), ('staff', 9, NULL, true, 1, true), ('partner', 2, NULL, true, 1, true);
SELECT enroll('a', at => '2024-01-01');
SELECT t('grant: ' || what, call, want) FROM (VALUES
('nobody has it', $$(SELECT tier FROM tier_status('a', at => '2024-01-02'))$$, 'basic'),
('it is nobody''s next tier', $$(SELECT next_tier FROM member_card('a', at => '2024-01-02'))$$, 'gold'),
('gold', $$(purchase('a', 100.00, 'p1', at => '2024-02-01')).tier$$, 'gold'),
('no tier is next', $$(SELECT next_tier FROM member_card('a', at => '2024-02-02'))$$, 'null'),
('granted', $$(grant_tier('a', 'staff', '2024-06-30', 'g', at => '2024-03-01')).tier$$, 'staff'),
('over', $$(SELECT tier FROM tier_status('a', at => '2024-07-01'))$$, 'gold'),
('thresholds beside it', $$UPDATE tiers SET points = 5 WHERE code = 'staff'$$, 'error 23514'),
('ended', $$(end_grant('a', 'g', 'e', at => '2024-03-02')).tier$$, 'gold'),
('at twice the points', $$(purchase('a', 50.00, 'p2', at => '2024-04-01')).points$$, '100'),
('of which half counts', $$(SELECT sum(points) FROM tally WHERE account_id = (account_of('a')).id)$$, '150'),
('returned, no more', $$(refund('a', 'p2', 'r2', at => '2024-04-03')).due$$, '100'),
('than counted', $$(SELECT sum(points) FROM tally WHERE account_id = (account_of('a')).id)$$, '100')
) AS v(what, call, want);

-- The same points count for no challenge; receipts, explain, previews and backtests say so -----------------------
INSERT INTO campaigns (code, status) VALUES ('k', 'running'), ('d', 'draft');
INSERT INTO rules (code, campaign, effect, points, metric, goal) VALUES ('two', 'k', 'challenge', '7', 'points', 200), ('draft', 'd', 'challenge', '7', 'points', 200);
SELECT t('qualifies: ' || what, call, want) FROM (VALUES
('100 and 60 of 120 are not 200', $$(purchase('a', 60.00, 'p3', at => '2024-05-01')).points$$, '120'),
('its receipt says so', $$(SELECT string_agg(format('%s %s %s', p ->> 'part', p ->> 'given', coalesce(p ->> 'qualifies', 'true')), ', ') FROM jsonb_array_elements((purchase('a', 60.00, 'p3', at => '2024-05-01')).parts) p)$$, 'base 60 true, tier 60 false'),
('and what explains it', $$(SELECT format('%s %s %s', what, points, detail) FROM explain('a', 'p3') WHERE what = 'tier')$$, 'tier 60 gold, counts for no tier'),
('a preview of 40 reaches it', $$(SELECT points FROM preview('a', 40.00, at => '2024-05-02'))$$, '87'),
('one of 39 does not', $$(SELECT points FROM preview('a', 39.00, at => '2024-05-02'))$$, '78'),
('nor does an order', $$(purchase('a', 39.00, 'p4', at => '2024-05-02')).points$$, '78'),
('one more does', $$(purchase('a', 1.00, 'p5', at => '2024-05-03')).points$$, '9'),
('a backtest finds the same', $$(SELECT string_agg(format('%s %s %s', coalesce(rule, 'all'), orders, points), ', ' ORDER BY rule NULLS LAST) FROM backtest('d', program => 'grant'))$$, 'draft 1 7, all 1 7')
) AS v(what, call, want);

-- S8, S10: points that wait alone keep their rule's expiry ----------------------------------------------
SELECT shop('alone', '{"base_rate": 1, "expiry": "20 days"}', '{a}', '2024-01-01');
UPDATE program SET pending_days = NULL WHERE code = 'alone';
INSERT INTO rules (code, effect, activity, points, expiry) VALUES ('visit', 'base', 'visit', '2', 'each 06-30 12-31');
SELECT activity('a', 'visit', 'v1', at => '2024-05-22'), purchase('a', 3.00, 'p1', at => '2024-05-22');
SELECT t('S10 a rule''s own expiry, of the only part', $$(confirm('a', 'v1', 'v1', '2024-05-23')).expires_on$$, '2024-06-30');
SELECT t('S10 and the program''s, of an order', $$(confirm('a', 'p1', 'p1', '2024-05-23')).expires_on$$, '2024-06-12');

-- S25: the value of a challenge is asked for when its goal is reached ------------------------------------
SELECT shop('goal', '{"base_rate": 1}', '{a}', '2024-01-01');
INSERT INTO rules (code, effect, points, metric, goal) VALUES ('bad', 'challenge', '-3', 'orders', 2);
SELECT t('S25 before its goal a challenge refuses nothing', $$purchase('a', 1.00, 'p1', at => '2024-02-01')$$, '+1 to 1, 1 usable');
SELECT t('S25 at its goal points below 0 are refused', $$purchase('a', 1.00, 'p2', at => '2024-02-02')$$, 'error LY017');

SELECT sound();
SELECT finish();
ROLLBACK;
