-- S21 metrics · S22 up at once · S23 down at a review · S24 grants, in a table of histories; the card.
\ir setup.psql

CREATE TEMP TABLE ladder (name text PRIMARY KEY, tiers jsonb);
INSERT INTO ladder VALUES
('sg', '[{"code": "silver", "points": 500}, {"code": "gold", "points": 1000}]'),
('msg', '[{"code": "member"}, {"code": "silver", "points": 500}, {"code": "gold", "points": 1000}]'),
('bsg', '[{"code": "bronze", "points": 100}, {"code": "silver", "points": 500}, {"code": "gold", "points": 1000}]'),
('floor', '[{"code": "member"}, {"code": "bronze", "points": 100}, {"code": "silver", "points": 500}, {"code": "gold", "points": 1000, "floor": "silver"}]'),
('spend', '[{"code": "gold", "spend": 1000}]'),
('orders', '[{"code": "gold", "orders": 3}]'),
('acts', '[{"code": "gold", "activities": 3}]'),
('balance', '[{"code": "gold", "balance": 1000}]'),
('any', '[{"code": "gold", "points": 1000, "orders": 3}]'),
('all', '[{"code": "gold", "points": 1000, "orders": 3, "needs": "all"}]'),
('four', '[{"code": "gold", "points": 1000, "orders": 2, "activities": 1, "spend": 900.50, "needs": "all"}]');

-- A history, written short: `2016-06-15 p 1000; 2016-07-01 r p1 500`.  A day is its noon, UTC; the
-- ref of the n-th item is its letter and n.
CREATE FUNCTION tap.live(settings jsonb, which text, joined text, history text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	item text;
	w text[];
	n int := 0;
	at timestamptz;
	ref text;
BEGIN
	PERFORM shop('tiers' || (SELECT count(*) FROM loyalty.program), settings, '{}');
	INSERT INTO loyalty.tiers (code, rank, points, spend, orders, activities, balance, needs, floor)
	SELECT x ->> 'code', i, (x ->> 'points')::bigint, (x ->> 'spend')::numeric, (x ->> 'orders')::bigint, (x ->> 'activities')::bigint, (x ->> 'balance')::bigint, coalesce(x ->> 'needs', 'any'), x ->> 'floor'
	FROM ladder l, jsonb_array_elements(l.tiers) WITH ORDINALITY AS e(x, i) WHERE l.name = which ORDER BY i;
	PERFORM loyalty.enroll('a', at => CASE WHEN joined LIKE '%Z' THEN joined ELSE joined || ' 12:00Z' END::timestamptz);
	FOREACH item IN ARRAY coalesce(regexp_split_to_array(nullif(history, ''), '; '), '{}') LOOP
		n := n + 1;
		w := regexp_split_to_array(item, ' ');
		at := CASE WHEN w[1] LIKE '%Z' THEN w[1] ELSE w[1] || ' 12:00Z' END::timestamptz;
		ref := w[2] || n;
		CASE w[2]
			WHEN 'p' THEN PERFORM loyalty.purchase('a', w[3]::numeric, ref, at => at);
			WHEN 'x' THEN PERFORM loyalty.award('a', w[3]::bigint, ref, at => at);
			WHEN 'v' THEN PERFORM loyalty.activity('a', w[3], ref, at => at);
			WHEN 'j' THEN PERFORM loyalty.adjust('a', w[3]::bigint, ref, at => at);
			WHEN 's' THEN PERFORM loyalty.spend('a', w[3]::bigint, ref, at => at);
			WHEN 'r' THEN PERFORM loyalty.refund('a', w[3], ref, nullif(w[4], 'all')::numeric, at => at);
			WHEN 'c' THEN PERFORM loyalty.confirm('a', w[3], ref, at => at);
			WHEN 'g' THEN PERFORM loyalty.grant_tier('a', w[3], nullif(w[4], '-')::date, ref, at => at, first_day => w[5]::date);
			WHEN 'e' THEN PERFORM loyalty.end_grant('a', w[3], ref, at => at);
		END CASE;
	END LOOP;
END $$;

-- The tier at a time, read: `gold to 2017-12-31`.
CREATE FUNCTION tap.tier_at(at text) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT format('%s %s', at, coalesce(s.tier || coalesce(' to ' || s.last_day, ' for ever'), 'none'))
	FROM loyalty.tier_status('a', at => CASE WHEN at LIKE '%Z' THEN at ELSE at || ' 12:00Z' END::timestamptz) s
$$;

-- The tiers at the times that `want` names, read before anything of them is settled, and again after.
CREATE FUNCTION tap.tiers_at(settings jsonb, which text, joined text, history text, want text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before text;
	after text;
BEGIN
	PERFORM live(settings, which, joined, history);
	SELECT string_agg(tier_at(split_part(x, ' ', 1)), '; ' ORDER BY n) INTO before FROM regexp_split_to_table(want, '; ') WITH ORDINALITY AS s(x, n);
	PERFORM loyalty.settle('a', at => '2026-11-01 12:00Z');
	SELECT string_agg(tier_at(split_part(x, ' ', 1)), '; ' ORDER BY n) INTO after FROM regexp_split_to_table(want, '; ') WITH ORDINALITY AS s(x, n);
	RETURN before || CASE WHEN after <> before THEN ' BUT SETTLED: ' || after ELSE '' END;
END $$;

-- The changes, with their causes: `gold 2016-06-15 reached, none 2018-01-01 review`.
CREATE FUNCTION tap.path() RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT coalesce(string_agg(format('%s %s %s', coalesce(h.tier, 'none'), (h.since AT TIME ZONE p.timezone)::date, h.cause), ', ' ORDER BY h.entry), 'no change')
	FROM loyalty.tier_history h JOIN loyalty.program p ON p.code = h.program WHERE h.member = 'a' AND h.program = current_setting('loyalty.program')
$$;

CREATE TEMP TABLE story (n int GENERATED ALWAYS AS IDENTITY, what text, settings jsonb, which text, joined text, history text, want text, path text);
INSERT INTO story (what, settings, which, joined, history, want, path) VALUES
-- calendar years
('S23 gold reached 15 June 2026: to 31 Dec 2027', '{}', 'sg', '2026-01-01', '2026-06-15 p 1000',
	'2026-06-14 none; 2026-06-15 gold to 2027-12-31', 'gold 2026-06-15 reached'),
('S22 at once to the highest, one change; S23 the end of the next year', '{}', 'bsg', '2016-01-01', '2016-06-15 p 1000',
	'2016-06-14 none; 2016-06-15T11:59:59Z none; 2016-06-15T12:00Z gold to 2017-12-31; 2017-12-31T23:59:59Z gold to 2017-12-31; 2018-01-01T00:00Z none', 'gold 2016-06-15 reached, none 2018-01-01 review'),
('S22 step by step', '{}', 'bsg', '2016-01-01', '2016-02-01 p 100; 2016-03-01 p 399; 2016-04-01 p 1; 2016-05-01 p 499; 2016-06-01 p 1',
	'2016-01-31 none; 2016-02-01 bronze to 2017-12-31; 2016-03-01 bronze to 2017-12-31; 2016-04-01 silver to 2017-12-31; 2016-05-31 silver to 2017-12-31; 2016-06-01 gold to 2017-12-31',
	'bronze 2016-02-01 reached, silver 2016-04-01 reached, gold 2016-06-01 reached, none 2018-01-01 review'),
('S21 a year''s points do not add to the next', '{}', 'sg', '2016-01-01', '2016-12-31T23:59:59Z p 600; 2017-01-01T00:00Z p 400; 2017-12-31 p 600',
	'2017-01-01 silver to 2017-12-31; 2017-12-30 silver to 2017-12-31; 2017-12-31 gold to 2018-12-31; 2018-12-31 gold to 2018-12-31; 2019-01-01 none', 'silver 2016-12-31 reached, gold 2017-12-31 reached, none 2019-01-01 review'),
('S23 reached again: to the end of a later year', '{}', 'sg', '2016-01-01', '2016-06-15 p 1000; 2017-03-01 p 1000',
	'2017-02-28 gold to 2017-12-31; 2017-03-01 gold to 2018-12-31; 2018-12-31 gold to 2018-12-31; 2019-01-01 none', 'gold 2016-06-15 reached, none 2019-01-01 review'),
('S23 supported: to what last year supports, for another term', '{}', 'msg', '2016-01-01', '2016-06-15 p 1000; 2017-03-01 p 500',
	'2016-01-02 member for ever; 2017-12-31 gold to 2017-12-31; 2018-01-01 silver to 2018-12-31; 2019-01-01 member for ever', 'member 2016-01-01 joined, gold 2016-06-15 reached, silver 2018-01-01 review, member 2019-01-01 review'),
('S23 one step, another term begins', '{"tier_review": "step"}', 'bsg', '2016-01-01', '2016-06-15 p 1000',
	'2017-12-31 gold to 2017-12-31; 2018-01-01 silver to 2018-12-31; 2019-01-01 bronze to 2019-12-31; 2020-01-01 none', 'gold 2016-06-15 reached, silver 2018-01-01 review, bronze 2019-01-01 review, none 2020-01-01 review'),
('S23 one step is not under what is supported', '{"tier_review": "step"}', 'bsg', '2016-01-01', '2016-06-15 p 1000; 2017-02-01 p 600; 2018-02-01 p 600',
	'2018-01-01 silver to 2018-12-31; 2018-02-01 silver to 2019-12-31; 2020-01-01 bronze to 2020-12-31; 2021-01-01 none', 'gold 2016-06-15 reached, silver 2018-01-01 review, bronze 2020-01-01 review, none 2021-01-01 review'),
('S23 keep: term after term', '{"tier_review": "keep"}', 'sg', '2016-01-01', '2016-06-15 p 1000',
	'2018-01-01 gold to 2018-12-31; 2020-06-01 gold to 2020-12-31; 2024-02-29 gold to 2024-12-31', 'gold 2016-06-15 reached'),
('S23 never under the floor', '{}', 'floor', '2016-01-01', '2016-06-15 p 1000',
	'2017-12-31 gold to 2017-12-31; 2018-01-01 silver to 2018-12-31; 2019-01-01 member for ever', 'member 2016-01-01 joined, gold 2016-06-15 reached, silver 2018-01-01 review, member 2019-01-01 review'),
('S23 a floor that is not needed', '{}', 'floor', '2016-01-01', '2016-06-15 p 1000; 2017-06-15 p 999',
	'2018-01-01 silver to 2018-12-31; 2019-01-01 member for ever', 'member 2016-01-01 joined, gold 2016-06-15 reached, silver 2018-01-01 review, member 2019-01-01 review'),
('S23 grace', '{"tier_grace_days": 30}', 'sg', '2016-01-01', '2016-06-15 p 1000',
	'2017-12-31 gold to 2018-01-30; 2018-01-30 gold to 2018-01-30; 2018-01-31 none', 'gold 2016-06-15 reached, none 2018-01-31 review'),
('S23 reached again within the grace', '{"tier_grace_days": 30}', 'sg', '2016-01-01', '2016-06-15 p 1000; 2018-01-10 p 1000',
	'2018-01-09 gold to 2018-01-30; 2018-01-10 gold to 2020-01-30; 2020-01-31 none', 'gold 2016-06-15 reached, none 2020-01-31 review'),
('S23 the review after a grace reads the year that ended last', '{"tier_grace_days": 31}', 'msg', '2016-01-01', '2016-06-15 p 1000; 2017-06-15 p 500; 2018-01-05 p 400',
	'2018-01-31 gold to 2018-01-31; 2018-02-01 silver to 2019-01-31; 2019-02-01 member for ever', 'member 2016-01-01 joined, gold 2016-06-15 reached, silver 2018-02-01 review, member 2019-02-01 review'),
('S23 a term of two years', '{"tier_term": 2}', 'sg', '2016-01-01', '2016-06-15 p 1000',
	'2016-06-15 gold to 2018-12-31; 2018-12-31 gold to 2018-12-31; 2019-01-01 none', 'gold 2016-06-15 reached, none 2019-01-01 review'),
('S23 a term of two years, reached again in its first', '{"tier_term": 2}', 'sg', '2016-01-01', '2016-06-15 p 1000; 2017-06-15 p 1000',
	'2017-06-14 gold to 2018-12-31; 2017-06-15 gold to 2019-12-31; 2020-01-01 none', 'gold 2016-06-15 reached, none 2020-01-01 review'),
('S23 a term of two years: the review reads the last', '{"tier_term": 2}', 'msg', '2016-01-01', '2016-06-15 p 1000; 2017-06-15 p 900; 2018-06-15 p 500',
	'2018-12-31 gold to 2018-12-31; 2019-01-01 silver to 2020-12-31; 2021-01-01 member for ever', 'member 2016-01-01 joined, gold 2016-06-15 reached, silver 2019-01-01 review, member 2021-01-01 review'),
('the year ends where the program is', '{"timezone": "Asia/Shanghai"}', 'sg', '2016-01-01', '2016-12-31T15:59:59Z p 500; 2016-12-31T16:00Z p 500',
	'2017-12-31 silver to 2018-12-31; 2018-12-31T15:59:59Z silver to 2018-12-31; 2018-12-31T16:00Z none', 'silver 2016-12-31 reached, none 2019-01-01 review'),
('reached on 29 February', '{}', 'sg', '2016-01-01', '2016-02-29 p 1000', '2016-02-29 gold to 2017-12-31; 2018-01-01 none', 'gold 2016-02-29 reached, none 2018-01-01 review'),
-- rolling months
('S23 rolling: twelve months from the day', '{"tier_window": "rolling"}', 'sg', '2016-01-01', '2016-06-15 p 1000',
	'2016-06-15 gold to 2017-06-15; 2017-06-15T23:59:59Z gold to 2017-06-15; 2017-06-16T00:00Z none', 'gold 2016-06-15 reached, none 2017-06-16 review'),
('S23 rolling, reached on 29 February', '{"tier_window": "rolling"}', 'sg', '2016-01-01', '2016-02-29 p 1000',
	'2016-02-29 gold to 2017-02-28; 2017-02-28 gold to 2017-02-28; 2017-03-01 none', 'gold 2016-02-29 reached, none 2017-03-01 review'),
('S21 rolling: a year ago to the day is out', '{"tier_window": "rolling"}', 'sg', '2015-01-01', '2015-02-28 p 600; 2016-02-28 p 400',
	'2016-02-28 silver to 2016-02-28; 2016-02-29 none', 'silver 2015-02-28 reached, none 2016-02-29 review'),
('S21 rolling: a day less is in', '{"tier_window": "rolling"}', 'sg', '2015-01-01', '2015-02-28 p 600; 2016-02-27 p 400',
	'2016-02-27 gold to 2017-02-27; 2017-02-28 none', 'silver 2015-02-28 reached, gold 2016-02-27 reached, none 2017-02-28 review'),
('S21 rolling on 29 February: clamped, 28 February of last year is out', '{"tier_window": "rolling"}', 'sg', '2015-01-01', '2015-02-28 p 400; 2015-03-01 p 400; 2016-02-29 p 599',
	'2016-02-29 silver to 2017-02-28; 2017-03-01 none', 'silver 2015-03-01 reached, none 2017-03-01 review'),
('S21 rolling on 29 February: 1 March is in', '{"tier_window": "rolling"}', 'sg', '2015-01-01', '2015-03-01 p 400; 2016-02-29 p 600',
	'2016-02-28 none; 2016-02-29 gold to 2017-02-28', 'gold 2016-02-29 reached, none 2017-03-01 review'),
('S21 rolling three months, clamped', '{"tier_window": "rolling", "tier_months": 3}', 'sg', '2016-01-01', '2016-11-30 p 1000',
	'2016-11-30 gold to 2017-02-28; 2017-02-28 gold to 2017-02-28; 2017-03-01 none', 'gold 2016-11-30 reached, none 2017-03-01 review'),
('S23 rolling, reached again and again', '{"tier_window": "rolling"}', 'sg', '2016-01-01', '2016-06-15 p 1000; 2017-01-10 p 500; 2017-03-01 p 500; 2017-08-01 p 499',
	'2017-01-09 gold to 2017-06-15; 2017-01-10 gold to 2018-01-10; 2017-03-01 gold to 2018-03-01; 2017-08-01 gold to 2018-08-01; 2018-08-01 gold to 2018-08-01; 2018-08-02 none', 'gold 2016-06-15 reached, none 2018-08-02 review'),
('S23 rolling: what is left is supported', '{"tier_window": "rolling"}', 'bsg', '2016-01-01', '2016-06-15 p 1000; 2017-06-15 p 150; 2017-06-16 p 450',
	'2017-06-15 gold to 2017-06-15; 2017-06-16 silver to 2018-06-16; 2018-06-17 none', 'gold 2016-06-15 reached, bronze 2017-06-16 review, silver 2017-06-16 reached, none 2018-06-17 review'),
('S23 rolling, keep', '{"tier_window": "rolling", "tier_review": "keep"}', 'sg', '2016-01-01', '2016-06-15 p 1000',
	'2017-06-16 gold to 2018-06-16; 2018-06-16 gold to 2018-06-16; 2018-06-17 gold to 2019-06-17', 'gold 2016-06-15 reached'),
('S23 rolling, one step', '{"tier_window": "rolling", "tier_review": "step"}', 'bsg', '2016-01-01', '2016-06-15 p 1000',
	'2017-06-16 silver to 2018-06-16; 2018-06-17 bronze to 2019-06-17; 2019-06-18 none', 'gold 2016-06-15 reached, silver 2017-06-16 review, bronze 2018-06-17 review, none 2019-06-18 review'),
('S23 rolling with grace', '{"tier_window": "rolling", "tier_grace_days": 10}', 'sg', '2016-01-01', '2016-06-15 p 1000',
	'2016-06-15 gold to 2017-06-25; 2017-06-25 gold to 2017-06-25; 2017-06-26 none', 'gold 2016-06-15 reached, none 2017-06-26 review'),
-- rolling months: the day on which it was last reached, by what stands
('S23 rolling (a): a trifle that is returned had no part in it', '{"tier_window": "rolling"}', 'spend', '2021-01-01', '2022-01-10 p 900; 2022-06-10 p 100; 2023-03-01 p 5; 2023-03-02 r p3',
	'2022-06-10 gold to 2023-06-10; 2023-03-02 gold to 2023-06-10; 2023-06-10 gold to 2023-06-10; 2023-06-11 none', 'gold 2022-06-10 reached, none 2023-06-11 review'),
('S23 rolling (b): what the return leaves was reached before', '{"tier_window": "rolling"}', 'spend', '2021-01-01', '2022-01-10 p 900; 2022-06-10 p 100; 2023-03-01 p 1000; 2023-03-02 r p3',
	'2023-03-01 gold to 2024-03-01; 2023-03-02 gold to 2023-06-10; 2023-06-11 none', 'gold 2022-06-10 reached, none 2023-06-11 review'),
('S23 rolling (c): returned, it extends nothing', '{"tier_window": "rolling"}', 'spend', '2021-01-01', '2022-02-05 p 1000; 2023-02-04 p 5; 2023-02-04T13:00Z r p2',
	'2023-02-04T12:30Z gold to 2024-02-04; 2023-02-04T13:00Z gold to 2023-02-05; 2023-02-06 none', 'gold 2022-02-05 reached, none 2023-02-06 review'),
('S23 rolling (d): a visit is none of the tier''s metrics', '{"tier_window": "rolling"}', 'spend', '2021-01-01', '2022-02-05 p 1000; 2022-08-05 v visit',
	'2022-08-05 gold to 2023-02-05; 2023-02-06 none', 'gold 2022-02-05 reached, none 2023-02-06 review'),
('S23 rolling (d): nor does an order that waits, and is returned before it counts', '{"tier_window": "rolling", "pending_days": 14}', 'spend', '2021-01-01', '2022-02-05 p 1000; 2022-08-05 p 10; 2022-08-06 r p2',
	'2022-08-05 gold to 2023-02-05; 2022-08-20 gold to 2023-02-05; 2023-02-06 none', 'gold 2022-02-19 reached, none 2023-02-06 review'),
('S23 rolling: one that waits and stays extends it on its day', '{"tier_window": "rolling", "pending_days": 14}', 'spend', '2021-01-01', '2022-02-05 p 1000; 2022-08-05 p 10',
	'2022-08-18 gold to 2023-02-05; 2022-08-19 gold to 2023-08-05; 2023-08-06 none', 'gold 2022-02-19 reached, none 2023-08-06 review'),
('S23 rolling: a visit is a metric of an activities tier', '{"tier_window": "rolling"}', 'acts', '2021-01-01', '2022-02-05 v visit; 2022-02-06 v visit; 2022-02-07 v visit; 2022-08-05 v visit; 2022-09-01 p 1000',
	'2022-08-05 gold to 2023-08-05; 2022-09-01 gold to 2023-08-05; 2023-08-06 none', 'gold 2022-02-07 reached, none 2023-08-06 review'),
('S23 rolling: the order is out of the running window, and had its part', '{"tier_window": "rolling"}', 'spend', '2021-01-01', '2022-01-10 p 900; 2022-06-10 p 100; 2023-03-01 r p1',
	'2023-02-28 gold to 2023-06-10; 2023-03-01 none', 'gold 2022-06-10 reached, none 2023-03-01 return'),
('S23 rolling: to what is left, from the day on which it was reached', '{"tier_window": "rolling"}', 'sg', '2021-01-01', '2022-01-10 p 600; 2022-06-10 p 400; 2022-07-01 r p2',
	'2022-06-10 gold to 2023-06-10; 2022-07-01 silver to 2023-01-10; 2023-01-11 none', 'silver 2022-01-10 reached, gold 2022-06-10 reached, silver 2022-07-01 return, none 2023-01-11 review'),
-- what waits without points waits for nothing
('S10 S22 visits without points lift at once', '{"pending_days": 14}', 'acts', '2021-01-01', '2021-12-20 v visit; 2021-12-21 v visit; 2021-12-22 v visit',
	'2021-12-21 none; 2021-12-22 gold to 2022-12-31', 'gold 2021-12-22 reached, none 2023-01-01 review'),
('S10 S22 the same of what waits for a confirm', '{"pending_days": null}', 'acts', '2021-01-01', '2021-12-20 v visit; 2021-12-21 v visit; 2021-12-22 v visit',
	'2021-12-21 none; 2021-12-22 gold to 2022-12-31', 'gold 2021-12-22 reached, none 2023-01-01 review'),
('S10 S22 money that gives no points', '{"pending_days": 14, "base_rate": "0"}', 'spend', '2021-01-01', '2021-12-20 p 1000',
	'2021-12-20 gold to 2022-12-31', 'gold 2021-12-20 reached, none 2023-01-01 review'),
('S10 S22 an order that gives points waits', '{"pending_days": 14}', 'spend', '2021-01-01', '2021-12-01 p 1000',
	'2021-12-14 none; 2021-12-15 gold to 2022-12-31', 'gold 2021-12-15 reached, none 2023-01-01 review'),
('S10 S22 a return in part takes all its points, not its money: it counts on its day', '{"pending_days": 14, "per_amount": "1000"}', 'spend', '2021-01-01', '2021-12-01 p 1500; 2021-12-03 r p1 400',
	'2021-12-14 none; 2021-12-15 gold to 2022-12-31', 'gold 2021-12-15 reached, none 2023-01-01 review'),
('S10 S22 the same, rolling', '{"pending_days": 14, "per_amount": "1000", "tier_window": "rolling"}', 'spend', '2021-01-01', '2021-12-01 p 1500; 2021-12-03 r p1 400',
	'2021-12-14 none; 2021-12-15 gold to 2022-12-01', 'gold 2021-12-15 reached, none 2022-12-02 review'),
('S10 S22 one that waits without points is an order on its day, whatever falls due before it', '{"pending_days": 14, "per_amount": "1000"}', 'orders', '2021-01-01', '2021-11-20 p 1; 2021-11-25 p 1000; 2021-12-01 p 1500; 2021-12-03 r p3 600',
	'2021-12-09 none; 2021-12-14 none; 2021-12-15 gold to 2022-12-31', 'gold 2021-12-15 reached, none 2023-01-01 review'),
('S10 S22 its points went to another return', '{"pending_days": 14, "per_amount": "50", "on_spent_return": "pending_only"}', 'spend', '2021-01-01', '2021-10-01 p 860; 2021-11-01 p 139; 2021-12-01 s 19; 2021-12-02 p 140; 2021-12-04 r p2 all',
	'2021-12-15 none; 2021-12-16 gold to 2022-12-31', 'gold 2021-12-16 reached, none 2023-01-01 review'),
-- not below what was held before it, also where that is over: its review is due
('S23 rolling, keep: a return does not pass by the review', '{"tier_window": "rolling", "tier_months": 1, "tier_review": "keep"}', 'sg', '2014-01-01', '2014-01-10 p 500; 2014-04-01 p 500; 2014-04-20 r p2',
	'2014-04-01 silver to 2014-05-01; 2014-04-20 silver to 2014-04-20; 2014-04-21 silver to 2014-05-21', 'silver 2014-01-10 reached'),
-- a balance is of no day: what brought it may be no purchase
('S23 rolling: the balance that a correction brought stands, whatever is returned', '{"tier_window": "rolling"}', 'balance', '2021-01-01', '2021-02-01 j 1000; 2021-03-01 p 5; 2021-04-01 r p2',
	'2021-02-01 none; 2021-03-01 gold to 2022-03-01; 2021-04-01 gold to 2022-03-01; 2022-03-02 gold to 2023-03-02', 'gold 2021-03-01 reached'),
('S23 rolling: the balance goes with the return', '{"tier_window": "rolling"}', 'balance', '2021-01-01', '2021-02-01 j 998; 2021-03-01 p 5; 2021-04-01 r p2',
	'2021-03-01 gold to 2022-03-01; 2021-04-01 none', 'gold 2021-03-01 reached, none 2021-04-01 return'),
('S23 rolling: and with that of an order of long ago', '{"tier_window": "rolling"}', 'balance', '2019-01-01', '2019-02-01 p 500; 2021-02-01 j 498; 2021-03-01 p 5; 2021-04-01 r p1',
	'2021-03-01 gold to 2022-03-01; 2021-04-01 none', 'gold 2021-03-01 reached, none 2021-04-01 return'),
-- lifetime
('S23 lifetime: never down', '{"tier_window": "lifetime"}', 'sg', '2010-01-01', '2010-06-01 p 600; 2018-01-01 p 400',
	'2010-06-01 silver for ever; 2017-12-31 silver for ever; 2018-01-01 gold for ever; 2026-10-31 gold for ever', 'silver 2010-06-01 reached, gold 2018-01-01 reached'),
-- membership years
('S21 membership years begin on the day of joining', '{"tier_window": "membership year"}', 'sg', '2015-03-10', '2016-03-09 p 600; 2016-03-10 p 400',
	'2016-03-09 silver to 2017-03-09; 2016-03-10 silver to 2017-03-09; 2017-03-09 silver to 2017-03-09; 2017-03-10 none', 'silver 2016-03-09 reached, none 2017-03-10 review'),
('S21 one membership year', '{"tier_window": "membership year"}', 'sg', '2015-03-10', '2016-03-10 p 600; 2017-03-09 p 400',
	'2017-03-08 silver to 2018-03-09; 2017-03-09 gold to 2018-03-09; 2018-03-10 none', 'silver 2016-03-10 reached, gold 2017-03-09 reached, none 2018-03-10 review'),
('S23 joined on 29 February', '{"tier_window": "membership year"}', 'sg', '2016-02-29', '2016-06-01 p 1000',
	'2016-06-01 gold to 2018-02-27; 2018-02-27 gold to 2018-02-27; 2018-02-28 none', 'gold 2016-06-01 reached, none 2018-02-28 review'),
('S21 joined on 29 February: the year begins on the 28th', '{"tier_window": "membership year"}', 'sg', '2016-02-29', '2017-02-27 p 600; 2017-02-28 p 400',
	'2017-02-28 silver to 2018-02-27', 'silver 2017-02-27 reached, none 2018-02-28 review'),
('S23 joined on 29 February: in a leap year it begins on the 29th', '{"tier_window": "membership year"}', 'sg', '2016-02-29', '2018-06-01 p 1000; 2020-02-28 p 1',
	'2018-06-01 gold to 2020-02-28; 2020-02-28 gold to 2020-02-28; 2020-02-29 none', 'gold 2018-06-01 reached, none 2020-02-29 review'),
('S21 membership years where the program is', '{"tier_window": "membership year", "timezone": "Asia/Shanghai"}', 'sg', '2015-03-09T16:00Z', '2016-03-09T15:59:59Z p 600; 2016-03-09T16:00Z p 400',
	'2016-03-10 silver to 2017-03-09', 'silver 2016-03-09 reached, none 2017-03-10 review'),
-- metrics
('S21 spend is net', '{}', 'spend', '2016-01-01', '2016-02-01 p 600; 2016-02-02 r p1 200; 2016-03-01 p 500; 2016-03-02 p 99.99; 2016-03-03 p 0.01',
	'2016-03-01 none; 2016-03-02 none; 2016-03-03 gold to 2017-12-31', 'gold 2016-03-03 reached, none 2018-01-01 review'),
('S21 orders; one returned whole is none, one returned in part is', '{}', 'orders', '2016-01-01', '2016-02-01 p 1; 2016-02-02 p 1; 2016-02-03 r p2 all; 2016-02-04 p 0; 2016-02-05 r p1 0.50; 2016-02-06 p 1',
	'2016-02-05 none; 2016-02-06 gold to 2017-12-31', 'gold 2016-02-06 reached, none 2018-01-01 review'),
('S21 activities; orders and awards are none', '{}', 'acts', '2016-01-01', '2016-02-01 v a; 2016-02-02 v b; 2016-02-03 p 1; 2016-02-04 x 1; 2016-02-05 v a',
	'2016-02-04 none; 2016-02-05 gold to 2017-12-31', 'gold 2016-02-05 reached, none 2018-01-01 review'),
('S21 any of several', '{}', 'any', '2016-01-01', '2016-02-01 p 1; 2016-02-02 p 1; 2016-02-03 p 1', '2016-02-02 none; 2016-02-03 gold to 2017-12-31', 'gold 2016-02-03 reached, none 2018-01-01 review'),
('S21 all of several', '{}', 'all', '2016-01-01', '2016-02-01 p 1; 2016-02-02 p 1; 2016-02-03 p 1; 2016-02-04 x 997', '2016-02-03 none; 2016-02-04 gold to 2017-12-31', 'gold 2016-02-04 reached, none 2018-01-01 review'),
('S21 all of four', '{}', 'four', '2016-01-01', '2016-02-01 p 900; 2016-02-02 x 200; 2016-02-03 p 0.50; 2016-02-04 v a', '2016-02-03 none; 2016-02-04 gold to 2017-12-31', 'gold 2016-02-04 reached, none 2018-01-01 review'),
('S9 a correction counts for no tier, an award does', '{}', 'sg', '2016-01-01', '2016-02-01 j 1000; 2016-02-02 x 500', '2016-02-01 none; 2016-02-02 silver to 2017-12-31', 'silver 2016-02-02 reached, none 2018-01-01 review'),
('S21 spending does not lower', '{}', 'sg', '2016-01-01', '2016-02-01 p 600; 2016-02-02 s 600; 2016-02-03 p 400', '2016-02-03 gold to 2017-12-31', 'silver 2016-02-01 reached, gold 2016-02-03 reached, none 2018-01-01 review'),
('S21 a balance, where a program asks', '{}', 'balance', '2016-01-01', '2016-02-01 p 600; 2016-02-02 s 300; 2016-02-03 p 699; 2016-02-04 p 1', '2016-02-03 none; 2016-02-04 gold to 2017-12-31', NULL),
-- late
('S22 a late order whose status would be over', '{}', 'sg', '2016-01-01', '2018-02-01 j 1; 2016-12-30 p 1000', '2018-02-01 none; 2018-03-01 none', 'no change'),
('S22 a late order lifts, dated to the clock, to the end it would have had', '{}', 'sg', '2016-01-01', '2018-02-01 j 1; 2017-12-30 p 1000', '2018-01-31 none; 2018-02-01 gold to 2018-12-31; 2019-01-01 none', 'gold 2018-02-01 reached, none 2019-01-01 review'),
('S22 a late order adds to its own year', '{}', 'sg', '2016-01-01', '2017-05-01 p 400; 2018-02-01 p 300; 2017-12-30 p 600', '2018-02-01 gold to 2018-12-31; 2019-01-01 none', 'gold 2018-02-01 reached, none 2019-01-01 review'),
('S22 a late order of this year is like any other', '{}', 'sg', '2016-01-01', '2018-02-01 p 400; 2018-01-30 p 600', '2018-02-01 gold to 2019-12-31; 2020-01-01 none', 'gold 2018-02-01 reached, none 2020-01-01 review'),
('S22 rolling: a late order lifts to the end it would have had', '{"tier_window": "rolling"}', 'sg', '2016-01-01', '2018-02-01 j 1; 2017-03-01 p 1000', '2018-02-01 gold to 2018-03-01; 2018-03-02 none', 'gold 2018-02-01 reached, none 2018-03-02 review'),
('S22 rolling: or not at all', '{"tier_window": "rolling"}', 'sg', '2016-01-01', '2018-02-01 j 1; 2017-01-31 p 1000', '2018-02-01 none', 'no change'),
('S22 rolling: the later order had reached it', '{"tier_window": "rolling"}', 'sg', '2016-01-01', '2017-06-01 p 600; 2018-02-01 j 1; 2017-05-01 p 400', '2018-02-01 gold to 2018-06-01; 2018-06-02 none', 'silver 2017-06-01 reached, gold 2018-02-01 reached, none 2018-06-02 review'),
-- pending
('S10 a pending order counts from its day, dated to the event', '{"pending_days": 14}', 'sg', '2016-01-01', '2016-12-25 p 1000', '2017-01-07 none; 2017-01-07T23:59:59Z none; 2017-01-08T00:00Z gold to 2017-12-31; 2018-01-01 none', 'gold 2017-01-08 reached, none 2018-01-01 review'),
('S10 two pending orders of one year', '{"pending_days": 14}', 'sg', '2016-01-01', '2016-12-20 p 600; 2016-12-28 p 400', '2017-01-02 none; 2017-01-03 silver to 2017-12-31; 2017-01-10 silver to 2017-12-31; 2017-01-11 gold to 2017-12-31', 'silver 2017-01-03 reached, gold 2017-01-11 reached, none 2018-01-01 review'),
('S10 rolling, pending: from the day of the order', '{"pending_days": 14, "tier_window": "rolling"}', 'sg', '2016-01-01', '2016-12-25 p 1000', '2017-01-07 none; 2017-01-08 gold to 2017-12-25; 2017-12-26 none', 'gold 2017-01-08 reached, none 2017-12-26 review'),
('S10 confirmed', '{"pending_days": null}', 'sg', '2016-01-01', '2016-12-25 p 1000; 2017-02-01 c p1', '2017-01-31 none; 2017-02-01 gold to 2017-12-31', 'gold 2017-02-01 reached, none 2018-01-01 review'),
('S22 confirmed when its status would be over', '{"pending_days": null}', 'sg', '2016-01-01', '2016-12-25 p 1000; 2018-01-05 c p1', '2018-01-05 none', 'no change'),
('S14 returned before its day', '{"pending_days": 14}', 'sg', '2016-01-01', '2016-06-01 p 1000; 2016-06-10 r p1 500.01', '2016-06-15 none; 2016-07-01 none', 'no change'),
('S14 returned in part before its day', '{"pending_days": 14}', 'sg', '2016-01-01', '2016-06-01 p 1000; 2016-06-10 r p1 500', '2016-06-14 none; 2016-06-15 silver to 2017-12-31', 'silver 2016-06-15 reached, none 2018-01-01 review'),
-- returns
('S23 a return takes at once what the running window gave', '{}', 'sg', '2016-01-01', '2016-06-15 p 1000; 2016-07-01 r p1 500', '2016-06-30 gold to 2017-12-31; 2016-07-01 silver to 2017-12-31; 2018-01-01 none', 'gold 2016-06-15 reached, silver 2016-07-01 return, none 2018-01-01 review'),
('S23 to nothing', '{}', 'sg', '2016-01-01', '2016-06-15 p 1000; 2016-07-01 r p1 all', '2016-07-01 none', 'gold 2016-06-15 reached, none 2016-07-01 return'),
('S23 not below the tier held before it', '{}', 'sg', '2016-01-01', '2016-06-15 p 600; 2017-03-01 p 1000; 2017-04-01 r p2 all', '2017-03-31 gold to 2018-12-31; 2017-04-01 silver to 2017-12-31; 2018-01-01 none', 'silver 2016-06-15 reached, gold 2017-03-01 reached, silver 2017-04-01 return, none 2018-01-01 review'),
('S23 a return that leaves enough', '{}', 'sg', '2016-01-01', '2016-06-15 p 1200; 2016-07-01 r p1 200', '2016-07-01 gold to 2017-12-31', 'gold 2016-06-15 reached, none 2018-01-01 review'),
('S23 a return of an order of last year', '{}', 'sg', '2016-01-01', '2016-06-15 p 1000; 2017-02-01 r p1 all', '2017-02-01 gold to 2017-12-31; 2018-01-01 none', 'gold 2016-06-15 reached, none 2018-01-01 review'),
('S23 it can be reached again', '{}', 'sg', '2016-01-01', '2016-06-15 p 1000; 2016-07-01 r p1 all; 2016-08-01 p 1000', '2016-07-31 none; 2016-08-01 gold to 2017-12-31', 'gold 2016-06-15 reached, none 2016-07-01 return, gold 2016-08-01 reached, none 2018-01-01 review'),
('S23 by the review alone', '{"tier_on_return": "review"}', 'sg', '2016-01-01', '2016-06-15 p 1000; 2016-07-01 r p1 all', '2016-07-01 gold to 2017-12-31; 2018-01-01 none', 'gold 2016-06-15 reached, none 2018-01-01 review'),
('S14 the metrics fall at the event''s date: the review sees it', '{"tier_on_return": "review"}', 'msg', '2016-01-01', '2016-06-15 p 1000; 2017-06-15 p 600; 2017-07-01 r p2 101', '2018-01-01 member for ever', 'member 2016-01-01 joined, gold 2016-06-15 reached, member 2018-01-01 review'),
('S23 rolling, a return', '{"tier_window": "rolling"}', 'sg', '2016-01-01', '2016-06-15 p 1000; 2016-12-01 r p1 400', '2016-11-30 gold to 2017-06-15; 2016-12-01 silver to 2017-06-15; 2017-06-16 none', 'gold 2016-06-15 reached, silver 2016-12-01 return, none 2017-06-16 review'),
('S23 lifetime, a return', '{"tier_window": "lifetime"}', 'sg', '2010-01-01', '2010-06-01 p 600; 2018-01-01 p 400; 2019-01-01 r p2 1', '2018-12-31 gold for ever; 2019-01-01 silver for ever', 'silver 2010-06-01 reached, gold 2018-01-01 reached, silver 2019-01-01 return'),
('S23 a return of an award counts too', '{}', 'sg', '2016-01-01', '2016-06-15 p 600; 2016-06-16 x 400; 2016-07-01 r x2 all', '2016-06-30 gold to 2017-12-31; 2016-07-01 silver to 2017-12-31', 'silver 2016-06-15 reached, gold 2016-06-16 reached, silver 2016-07-01 return, none 2018-01-01 review'),
-- grants
('S24 a grant above', '{}', 'sg', '2016-01-01', '2016-02-01 p 500; 2016-05-01 g gold 2016-05-31', '2016-04-30 silver to 2017-12-31; 2016-05-01 gold to 2016-05-31; 2016-05-31T23:59:59Z gold to 2016-05-31; 2016-06-01T00:00Z silver to 2017-12-31', 'silver 2016-02-01 reached, gold 2016-05-01 grant, silver 2016-06-01 grant ended, none 2018-01-01 review'),
('S24 a grant below', '{}', 'sg', '2016-01-01', '2016-02-01 p 1000; 2016-05-01 g silver 2016-05-31', '2016-05-15 gold to 2017-12-31; 2016-06-01 gold to 2017-12-31', 'gold 2016-02-01 reached, none 2018-01-01 review'),
('S24 a grant below outlasts what is computed', '{}', 'sg', '2016-01-01', '2016-02-01 p 1000; 2016-05-01 g silver 2018-06-30', '2017-12-31 gold to 2017-12-31; 2018-01-01 silver to 2018-06-30; 2018-07-01 none', 'gold 2016-02-01 reached, silver 2018-01-01 review, none 2018-07-01 grant ended'),
('S24 a grant that starts later', '{}', 'sg', '2016-01-01', '2016-01-05 g gold 2016-02-29 2016-02-01', '2016-01-31T23:59:59Z none; 2016-02-01T00:00Z gold to 2016-02-29; 2016-02-29 gold to 2016-02-29; 2016-03-01 none', 'gold 2016-02-01 grant, none 2016-03-01 grant ended'),
('S24 a grant that is renewed', '{}', 'sg', '2016-01-01', '2016-02-01 g gold 2016-05-31; 2016-05-20 g gold 2016-08-31', '2016-03-01 gold to 2016-05-31; 2016-05-20 gold to 2016-08-31; 2016-06-01 gold to 2016-08-31; 2016-09-01 none', 'gold 2016-02-01 grant, none 2016-09-01 grant ended'),
('S24 one after the other, without a gap', '{}', 'sg', '2016-01-01', '2016-02-01 g gold 2016-05-31; 2016-05-20 g gold 2016-08-31 2016-06-01', '2016-06-01 gold to 2016-08-31; 2016-09-01 none', 'gold 2016-02-01 grant, none 2016-09-01 grant ended'),
('S24 two at once', '{}', 'sg', '2016-01-01', '2016-02-01 g silver 2016-12-31; 2016-03-01 g gold 2016-03-31', '2016-02-15 silver to 2016-12-31; 2016-03-15 gold to 2016-03-31; 2016-04-01 silver to 2016-12-31; 2017-01-01 none', 'silver 2016-02-01 grant, gold 2016-03-01 grant, silver 2016-04-01 grant ended, none 2017-01-01 grant ended'),
('S24 ended early', '{}', 'sg', '2016-01-01', '2016-02-01 g gold 2016-12-31; 2016-06-10 e g1', '2016-06-10T11:59:59Z gold to 2016-12-31; 2016-06-10T12:00Z none', 'gold 2016-02-01 grant, none 2016-06-10 grant ended'),
('S24 without an end', '{}', 'sg', '2016-01-01', '2016-02-01 g gold -', '2016-02-01 gold for ever; 2026-10-31 gold for ever', 'gold 2016-02-01 grant'),
('S24 ended before it began', '{}', 'sg', '2016-01-01', '2016-02-01 g gold 2016-12-31 2016-05-01; 2016-04-01 e g1', '2016-05-01 none; 2016-06-01 none', 'no change'),
('S24 computing goes on beneath', '{}', 'sg', '2016-01-01', '2016-02-01 g gold 2016-12-31; 2016-03-01 p 600; 2017-02-01 p 400', '2016-12-31 gold to 2016-12-31; 2017-01-01 silver to 2017-12-31; 2018-01-01 none', 'gold 2016-02-01 grant, silver 2017-01-01 grant ended, none 2018-01-01 review'),
('S24 reached beneath', '{}', 'sg', '2016-01-01', '2016-02-01 g gold 2016-12-31; 2016-03-01 p 1000; 2016-04-01 e g1', '2016-03-15 gold to 2017-12-31; 2016-04-01 gold to 2017-12-31', 'gold 2016-02-01 grant, none 2018-01-01 review'),
-- at one instant
('S23 a return of what reached it again: the end it had before', '{}', 'sg', '2016-01-01', '2016-06-15 p 600; 2017-02-01 p 600; 2017-03-01 r p2 all', '2017-02-28 silver to 2018-12-31; 2017-03-01 silver to 2017-12-31; 2018-01-01 none', 'silver 2016-06-15 reached, none 2018-01-01 review'),
('S28 the review before an order of its instant', '{}', 'sg', '2016-01-01', '2016-06-15 p 1000; 2018-01-01T00:00Z p 1000', '2018-01-01T00:00Z gold to 2019-12-31', 'gold 2016-06-15 reached, none 2018-01-01 review, gold 2018-01-01 reached, none 2020-01-01 review'),
('S28 points that become usable before a review of their instant', '{"pending_days": 14}', 'sg', '2016-01-01', '2016-06-01 p 1000; 2017-12-18 p 1000', '2017-12-31 gold to 2017-12-31; 2018-01-01 gold to 2018-12-31; 2019-01-01 none', 'gold 2016-06-15 reached, none 2019-01-01 review'),
('S28 a review and the end of a grant at once', '{}', 'sg', '2016-01-01', '2016-06-15 p 1000; 2017-05-01 g silver 2017-12-31', '2017-12-31 gold to 2017-12-31; 2018-01-01 none', 'gold 2016-06-15 reached, none 2018-01-01 review'),
('S24 a grant begins where the status ends: no gap', '{}', 'sg', '2016-01-01', '2016-06-15 p 1000; 2017-05-01 g gold 2018-03-31 2018-01-01', '2018-01-01T00:00Z gold to 2018-03-31; 2018-04-01 none', 'gold 2016-06-15 reached, none 2018-04-01 grant ended'),
('S23 membership years, a term of two, joined on 29 February', '{"tier_window": "membership year", "tier_term": 2}', 'sg', '2016-02-29', '2016-06-01 p 1000', '2016-06-01 gold to 2019-02-27; 2019-02-28 none', 'gold 2016-06-01 reached, none 2019-02-28 review'),
('S23 rolling one month, from 31 January', '{"tier_window": "rolling", "tier_months": 1}', 'sg', '2016-01-01', '2016-01-31 p 1000', '2016-01-31 gold to 2016-02-29; 2016-03-01 none', 'gold 2016-01-31 reached, none 2016-03-01 review'),
('S21 rolling one month: a month ago to the day is out', '{"tier_window": "rolling", "tier_months": 1}', 'sg', '2016-01-01', '2016-02-29 p 600; 2016-03-29 p 400', '2016-03-29 silver to 2016-03-29; 2016-03-30 none', 'silver 2016-02-29 reached, none 2016-03-30 review'),
('S21 rolling one month: a day less is in', '{"tier_window": "rolling", "tier_months": 1}', 'sg', '2016-01-01', '2016-02-29 p 600; 2016-03-28 p 400', '2016-03-28 gold to 2016-04-28; 2016-04-29 none', 'silver 2016-02-29 reached, gold 2016-03-28 reached, none 2016-04-29 review'),
('S21 rolling one month across the year', '{"tier_window": "rolling", "tier_months": 1}', 'sg', '2016-01-01', '2016-12-10 p 600; 2017-01-10 p 400', '2017-01-10 silver to 2017-01-10; 2017-01-11 none', 'silver 2016-12-10 reached, none 2017-01-11 review'),
('S21 rolling two years', '{"tier_window": "rolling", "tier_months": 24}', 'sg', '2015-01-01', '2015-12-31 p 400; 2017-12-30 p 600', '2017-12-30 gold to 2019-12-30; 2019-12-31 none', 'gold 2017-12-30 reached, none 2019-12-31 review'),
('S21 rolling two years, in January', '{"tier_window": "rolling", "tier_months": 24}', 'sg', '2014-01-01', '2014-01-15 p 400; 2016-01-15 p 600', '2016-01-15 silver to 2018-01-15; 2018-01-16 none', 'silver 2016-01-15 reached, none 2018-01-16 review'),
('S22 rolling: a late order lifts who has fallen', '{"tier_window": "rolling"}', 'sg', '2016-01-01', '2016-06-15 p 1000; 2017-07-01 j 1; 2017-06-01 p 100', '2017-06-16 none; 2017-07-01 gold to 2018-06-01; 2018-06-02 none', 'gold 2016-06-15 reached, none 2017-06-16 review, gold 2017-07-01 reached, none 2018-06-02 review'),
('S22 a late order lifts who has fallen', '{}', 'sg', '2016-01-01', '2016-06-15 p 1000; 2017-05-01 p 900; 2018-02-01 j 1; 2017-06-01 p 100', '2018-01-31 silver to 2018-12-31; 2018-02-01 gold to 2018-12-31; 2019-01-01 none', 'gold 2016-06-15 reached, silver 2018-01-01 review, gold 2018-02-01 reached, none 2019-01-01 review'),
('S24 a return beneath a grant', '{}', 'sg', '2016-01-01', '2016-02-01 p 1000; 2016-03-01 g gold 2016-06-30; 2016-04-01 r p1 all', '2016-04-01 gold to 2016-06-30; 2016-07-01 none', 'gold 2016-02-01 reached, none 2016-07-01 grant ended'),
('S23 many years at once', '{"tier_review": "step", "tier_term": 2, "tier_grace_days": 59}', 'bsg', '2010-01-01', '2010-06-15 p 1000', '2013-02-28 gold to 2013-02-28; 2013-03-01 silver to 2015-02-28; 2015-03-01 bronze to 2017-02-28; 2017-03-01 none', 'gold 2010-06-15 reached, silver 2013-03-01 review, bronze 2015-03-01 review, none 2017-03-01 review'),
('S24 a grant while a review falls due beneath', '{}', 'msg', '2016-01-01', '2016-02-01 p 600; 2017-12-01 g gold 2018-02-28', '2017-12-01 gold to 2018-02-28; 2018-02-28 gold to 2018-02-28; 2018-03-01 member for ever', 'member 2016-01-01 joined, silver 2016-02-01 reached, gold 2017-12-01 grant, member 2018-03-01 grant ended');

SELECT t(format('%s: %s', n, what), format('tiers_at(%L, %L, %L, %L, %L)', settings, which, joined, history, want), want) FROM story ORDER BY n;

-- The histories, of the same members.
SELECT t(format('S24 %s: its changes and their causes', n), format('(SELECT tap.path() FROM set_config(''loyalty.program'', %L, true))', 'tiers' || n - 1), path) FROM story WHERE path IS NOT NULL ORDER BY n;
SELECT t(what, call, want) FROM (VALUES
('the table has many rows', $$(SELECT count(*) >= 60 FROM story)$$, 'true'),
('S24 history never overlaps and has no gap', $$(SELECT count(*) FROM (SELECT until, lead(since) OVER w AS next, lead(tier) OVER w AS other, tier FROM tier_history WINDOW w AS (PARTITION BY member, program ORDER BY entry)) x
	WHERE until IS DISTINCT FROM next OR next IS NOT NULL AND tier IS NOT DISTINCT FROM other)$$, '0'),
('S24 every change has its cause', $$(SELECT count(*) FROM tier_history WHERE cause IS NULL OR cause NOT IN ('joined', 'reached', 'review', 'return', 'grant', 'grant ended'))$$, '0'),
('S24 the last of the history is the tier in force', $$(SELECT count(*) FROM tier_history h, LATERAL tier_status(h.member, '2026-11-01 12:00Z', h.program) s WHERE h.until IS NULL AND h.tier IS DISTINCT FROM s.tier)$$, '0')
) AS v(what, call, want);

-- S22 the crossing order earns at the tier held before it -------------------------------------------
SELECT shop('crossing', '{}', '{}');
INSERT INTO tiers (code, rank, multiplier, points) VALUES ('silver', 1, 1.5, 500), ('gold', 2, 2, 1000);
SELECT enroll('a', at => '2016-01-01');
SELECT t('S22 ' || what, call, want) FROM (VALUES
('the crossing order earns at the tier held before', $$purchase('a', 500.00, 'p1', at => '2016-02-01')$$, '+500 to 500, 500 usable'),
('its receipt names the tier after it', $$(purchase('a', 500.00, 'p1', at => '2016-02-01')).tier$$, 'silver'),
('the next at the new one, and crosses again', $$purchase('a', 400.00, 'p2', at => '2016-02-02')$$, '+600 to 1100, 1100 usable'),
('and the next', $$purchase('a', 10.00, 'p3', at => '2016-02-03')$$, '+20 to 1120, 1120 usable'),
('a late order at the tier of its date', $$purchase('a', 10.00, 'p4', at => '2016-02-01 12:00')$$, '+15 to 1135, 1135 usable'),
('and one before any', $$purchase('a', 10.00, 'p5', at => '2016-01-15')$$, '+10 to 1145, 1145 usable')
) AS v(what, call, want);

-- S22 S23 a changed ladder moves nobody by itself ----------------------------------------------------
SELECT shop('ladder_calendar', '{}', '{}');
SELECT shop('ladder_rolling', '{"tier_window": "rolling"}', '{}');
CREATE FUNCTION tap.in_ladder(which text) RETURNS text LANGUAGE sql AS $$ SELECT set_config('loyalty.program', 'ladder_' || which, true) $$;
SELECT enroll('a', 'ladder_' || w, at => '2016-01-01') FROM unnest('{calendar,rolling}'::text[]) w \g /dev/null
INSERT INTO loyalty.tiers (program, code, rank, points) SELECT 'ladder_' || w, t.* FROM unnest('{calendar,rolling}'::text[]) w, (VALUES ('silver', 1, 500), ('gold', 2, 1000)) t;
CREATE FUNCTION tap.ladder(points bigint) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
	UPDATE loyalty.tiers SET points = ladder.points WHERE code = 'gold' AND program = current_setting('loyalty.program');
	RETURN 'changed';
END $$;
SELECT t(format('S22 S23 a changed ladder, %s: %s', w, what), format('(SELECT %s FROM in_ladder(%L))', call, w), want) FROM unnest('{calendar,rolling}'::text[]) w, LATERAL (VALUES
('silver', $$(purchase('a', 600.00, 'p1', at => '2016-02-01')).tier$$, 'silver'),
('lower thresholds', $$ladder(600)$$, 'changed'),
('lift nobody', $$(SELECT tier FROM tier_status('a', at => '2016-02-02'))$$, 'silver'),
('not by a spend', $$(spend('a', 1, 's1', at => '2016-02-03')).tier$$, 'silver'),
('but by the next that adds', $$(purchase('a', 1.00, 'p2', at => '2016-02-04')).tier$$, 'gold'),
('higher ones', $$ladder(2000)$$, 'changed'),
('take it from nobody', $$(purchase('a', 1.00, 'p3', at => '2016-02-05')).tier$$, 'gold'),
('not by a return of what had no part in it', $$(refund('a', 'p3', 'r3', at => '2016-02-06')).tier$$, CASE w WHEN 'rolling' THEN 'gold' ELSE 'silver' END),
('but at the review', $$(SELECT tier FROM tier_status('a', at => '2018-01-02'))$$, 'null')
) AS v(what, call, want);

-- S21 points that do not qualify; grants refused; transfers count for nothing -----------------------
SELECT shop('qualify', '{"timezone": "Asia/Shanghai"}', '{}');
INSERT INTO tiers (code, rank, points) VALUES ('silver', 1, 500), ('gold', 2, 1000);
INSERT INTO rules (code, points, qualifies) VALUES ('bonus', '400', false), ('good', '50', true);
SELECT enroll(m, at => '2016-01-01') FROM unnest('{a,b,c}'::text[]) m;
SELECT t(what, call, want) FROM (VALUES
('S21 a rule''s points that do not qualify', $$(purchase('a', 449.00, 'p1', at => '2016-02-01')).tier$$, 'null'),
('S21 one more', $$(purchase('a', 1.00, 'p2', at => '2016-02-02')).tier$$, 'silver'),
('S14 a return takes qualifying points alone: 451 + 50', $$(refund('a', 'p2', 'r2', at => '2016-02-03')).tier$$, 'null'),
('S18 transferred points count for no tier', $$(SELECT concat((transfer('a', 'b', 600, 't', at => '2016-02-04')).points, (SELECT tier FROM tier_status('b', at => '2016-02-05'))))$$, '-600'),
('S24 a grant of no tier', $$grant_tier('a', 'iron', NULL, 'g', at => '2016-03-01')$$, 'error LY006'),
('S24 a grant that ends before it begins', $$grant_tier('a', 'gold', '2016-03-01', 'g', at => '2016-03-02')$$, 'error 22023'),
('S24 a grant for today alone', $$(grant_tier('a', 'gold', '2016-03-02', 'g1', at => '2016-03-02 01:00Z')).tier$$, 'gold'),
('S24 it ends with the local day', $$(SELECT concat((SELECT tier FROM tier_status('a', at => '2016-03-02 15:59:59Z')), ' ', coalesce((SELECT tier FROM tier_status('a', at => '2016-03-02 16:00Z')), 'none')))$$, 'gold none'),
('S24 it cannot be ended twice', $$end_grant('a', 'g1', 'e1', at => '2016-03-05')$$, 'error LY007'),
('S24 another', $$(grant_tier('a', 'gold', NULL, 'g2', at => '2016-03-06')).tier$$, 'gold'),
('S24 is ended', $$(end_grant('a', 'g2', 'e2', at => '2016-03-07')).tier$$, 'null'),
('S24 once', $$end_grant('a', 'g2', 'e3', at => '2016-03-08')$$, 'error LY007'),
('S24 what is not a grant cannot be', $$end_grant('a', 'p1', 'e3', at => '2016-03-08')$$, 'error LY006'),
('S26 the same again is a repeat', $$end_grant('a', 'g2', 'e2', at => '2016-03-07')$$, '0 to 299, 299 usable; repeat'),
('S26 a grant too', $$(grant_tier('a', 'gold', NULL, 'g2', at => '2016-03-06'))."repeat"$$, 'true'),
('S26 another grant under its ref is not', $$grant_tier('a', 'silver', NULL, 'g2', at => '2016-03-06')$$, 'error LY003'),
('S19 grants are given in a freeze', $$(SELECT concat((freeze('c', 'all', 'f', at => '2016-03-01')).kind, ' ', (grant_tier('c', 'gold', NULL, 'g', at => '2016-03-02')).tier))$$, 'freeze gold')
) AS v(what, call, want);

-- The card -----------------------------------------------------------------------------------------
SELECT shop('card', '{"expiry": "12 months", "pending_days": 0}', '{}');
INSERT INTO tiers (code, rank, points, spend, orders, needs) VALUES ('member', 1, NULL, NULL, NULL, 'any'), ('silver', 2, 500, NULL, NULL, 'any'), ('gold', 3, 1000, 1500, NULL, 'all'), ('black', 4, 5000, NULL, 10, 'any');
INSERT INTO benefits (code, name, tiers, quota, period) VALUES ('lounge', 'Lounge', '{gold,black}', 2, 'year'), ('ship', 'Shipping', NULL, NULL, 'year'), ('gift', 'Gift', '{silver}', 1, 'month');
SELECT enroll('a', at => '2016-01-01');
SELECT purchase('a', 200.00, 'p1', at => '2016-02-01'), purchase('a', 400.00, 'p2', at => '2016-03-01'), award('a', 30, 'w', pending => true, expires_on => '2016-12-31', at => '2016-03-02'),
	hold('a', 50, 'h', until => 'infinity', at => '2016-03-03'), award('a', 20, 'w2', expires_on => '2016-06-30', at => '2016-03-03'), use_benefit('a', 'gift', 'b1', at => '2016-03-04') \g /dev/null
CREATE FUNCTION tap.card(at timestamptz) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT format('%s to %s, %s usable, %s pending, %s held, %s debt; next %s at %s', c.tier, c.tier_last_day, c.usable, c.pending, c.held, c.debt, c.next_tier, c.progress)
	FROM loyalty.member_card('a', at => card.at) c
$$;
SELECT t('card ' || what, call, want) FROM (VALUES
('before joining', $$(SELECT count(*) FROM member_card('a', at => '2015-12-31'))$$, '1'),
('on joining', $$card('2016-01-01 12:00')$$, 'member to , 0 usable, 0 pending, 0 held, 0 debt; next silver at 0.0000'),
('on the way', $$card('2016-02-15')$$, 'member to , 200 usable, 0 pending, 0 held, 0 debt; next silver at 0.4000'),
('silver; of all that gold needs the least is told', $$card('2016-03-05')$$, 'silver to 2017-12-31, 570 usable, 30 pending, 50 held, 0 debt; next gold at 0.4000'),
('what is missing of each metric', $$(SELECT string_agg(format('%s %s of %s, %s missing', m ->> 'metric', m ->> 'have', m ->> 'need', m ->> 'missing'), '; ' ORDER BY m ->> 'metric') FROM member_card('a', at => '2016-03-05') c, jsonb_array_elements(c.to_next) m)$$,
	'points 620 of 1000, 380 missing; spend 600.00 of 1500, 900.00 missing'),
('the next expiries', $$(SELECT string_agg(format('%s on %s', m ->> 'points', m ->> 'on'), '; ' ORDER BY m ->> 'on') FROM member_card('a', at => '2016-03-05') c, jsonb_array_elements(c.expiring) m)$$, '20 on 2016-06-30; 150 on 2017-02-01; 400 on 2017-03-01'),
('benefits of the tier', $$(SELECT string_agg(format('%s %s', m ->> 'code', coalesce(m ->> 'left', 'any')), '; ' ORDER BY m ->> 'code') FROM member_card('a', at => '2016-03-05') c, jsonb_array_elements(c.benefits) m)$$, 'gift 0; ship any'),
('benefits of the next month', $$(SELECT string_agg(format('%s %s', m ->> 'code', coalesce(m ->> 'left', 'any')), '; ' ORDER BY m ->> 'code') FROM member_card('a', at => '2016-04-01') c, jsonb_array_elements(c.benefits) m)$$, 'gift 1; ship any'),
('what is expired since is not usable, although nothing is settled', $$card('2016-07-01')$$, 'silver to 2017-12-31, 550 usable, 30 pending, 50 held, 0 debt; next gold at 0.4000'),
('next year: nothing of gold yet', $$(SELECT format('%s %s %s', tier, progress, keep_progress) FROM member_card('a', at => '2017-01-01'))$$, 'silver 0.0000 0.0000'),
('after the term, although nothing is settled', $$(SELECT format('%s %s', tier, next_tier) FROM member_card('a', at => '2018-01-01'))$$, 'member silver'),
('the account is not', $$(SELECT count(*) FROM entry WHERE account_id = (account_of('a')).id AND kind = 'tier')$$, '0'),
('of nobody', $$(SELECT count(*) FROM member_card('nobody'))$$, 'error LY004'),
('gold, granted', $$(grant_tier('a', 'gold', NULL, 'g', at => '2016-08-01')).tier$$, 'gold')
) AS v(what, call, want);
SELECT t('card ' || what, call, want) FROM (VALUES
('the next is above what is in force; of any of several the most is told', $$(SELECT format('%s %s %s', tier, next_tier, progress) FROM member_card('a', at => '2016-08-02'))$$, 'gold black 0.2000'),
('benefits of what is in force', $$(SELECT string_agg(format('%s %s', m ->> 'code', coalesce(m ->> 'left', 'any')), '; ' ORDER BY m ->> 'code') FROM member_card('a', at => '2016-08-02') c, jsonb_array_elements(c.benefits) m)$$, 'lounge 2; ship any')
) AS v(what, call, want);

-- Reads at odd times answer, or say why not ------------------------------------------------------------
SELECT t(format('reads at %s: %s (%s)', at, call, w), format($$(SELECT got(%L) ~ '^(null|-?[0-9]+|error (22008|22003|22023):.*)$')$$, format('(SELECT count(*) FROM loyalty.%s)', replace(call, '#', quote_literal(at)))), 'true')
FROM unnest('{lifetime,calendar year,rolling,membership year}'::text[]) WITH ORDINALITY AS ws(w, n),
	LATERAL (SELECT live(jsonb_build_object('tier_window', w, 'expiry', '12 months inactive', 'tier_review', 'step'), 'bsg', '2016-02-29', '2016-06-01 p 1000; 2016-07-01 g gold 2017-06-30 2016-08-01; 2016-07-01 g silver -')) AS made,
	unnest('{2999-01-01,9999-12-31,infinity,-infinity,0001-01-01,4000-01-01 BC,294276-12-31}'::text[]) AS at,
	unnest('{"balance(''a'', at => #)","lots(''a'', #)","tier_status(''a'', at => #)","tier_progress(''a'', at => #)","member_benefits(''a'', at => #)","member_card(''a'', at => #)","preview(''a'', 10, at => #)"}'::text[]) AS call
WHERE made IS NOT NULL;

-- S10: points that a rule gives at once, or sooner, where the program's wait; no day would come on which the order counts
SELECT shop('own_wait', '{"base_rate": "0", "pending_days": "14"}', '{a,b}');
INSERT INTO loyalty.tiers (code, rank, spend) VALUES ('gold', 1, 1000);
INSERT INTO loyalty.rules (code, effect, points, pending_days) VALUES ('now', 'bonus', '10', 0);
SELECT t('an order counts with its own points, at once', $$(SELECT tier FROM loyalty.purchase('a', 1000, 'o1', at => '2021-06-01 12:00Z'))$$, 'gold');
UPDATE loyalty.rules SET pending_days = 3 WHERE code = 'now';
SELECT t('or in three days', $$(SELECT tier FROM loyalty.purchase('b', 1000, 'o1', at => '2021-06-01 12:00Z'))$$, 'null');
SELECT t(format('read on %s', day), format($$(SELECT tier FROM loyalty.tier_status('b', at => %L))$$, day), want)
FROM (VALUES ('2021-06-03 12:00Z', 'null'), ('2021-06-04 12:00Z', 'gold'), ('2021-06-20 12:00Z', 'gold')) AS v(day, want);

SELECT sound();
SELECT finish();
ROLLBACK;
