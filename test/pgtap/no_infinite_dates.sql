-- No receipt, read or view shows an infinite date: many drivers cannot read one.
\ir setup.psql

SELECT shop('endless', '{"expiry": "never"}', '{a,b}', '2024-12-01');
INSERT INTO tiers (code, rank, multiplier) VALUES ('gold', 1, 1);
INSERT INTO benefits (code, quota, period) VALUES ('ship', 5, 'ever');
INSERT INTO campaigns (code, status) VALUES ('always', 'running');
INSERT INTO rules (code, campaign, points) VALUES ('one', 'always', '1');
INSERT INTO caps (period, points) VALUES ('ever', 100000);

CREATE FUNCTION tap.infinite(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	names text;
BEGIN
	EXECUTE format('SELECT coalesce(string_agg(DISTINCT f.key, '', '' ORDER BY f.key), ''none of '' || (count(*) > 0)) FROM (SELECT to_jsonb(q) AS row FROM (%s) AS q) AS r, jsonb_each_text(r.row) AS f '
		'WHERE f.value ~ ''(^|")-?infinity("|$)''', query) INTO names;
	RETURN names;
END $$;

CREATE TEMP TABLE got AS SELECT c.n, c.call, tap.infinite('SELECT * FROM ' || c.call) AS names FROM (VALUES
(1, $$award('a', 100, 'w1', at => '2025-01-10')$$),
(2, $$award('a', 100, 'w2', expires_on => 'infinity', at => '2025-01-10')$$),
(3, $$award('a', 100, 'w3', pending => true, expires_on => 'infinity', at => '2025-01-10')$$),
(4, $$award('a', 100, 'w4', pending => true, at => '2025-01-10')$$),
(5, $$purchase('a', 100, 'p1', at => '2025-01-10')$$),
(6, $$preview('a', 100, at => '2025-01-10')$$),
(7, $$preview_for('{}', 100, at => '2025-01-10')$$),
(8, $$hold('a', 10, 'h1', until => 'infinity', at => '2025-01-10')$$),
(9, $$freeze('b', 'all', 'f1', until => NULL, at => '2025-01-10')$$),
(10, $$grant_tier('a', 'gold', NULL, 'g1', at => '2025-01-11')$$),
(11, $$award('a', 10, 'w5', expires_on => '2025-02-01', at => '2025-01-12')$$),
(12, $$spend('a', 6, 's1', at => '2025-01-13')$$),
(13, $$settle('a', '2025-03-01')$$),
(14, $$cancel('a', 's1', 'c1', at => '2025-03-02')$$),
(15, $$reinstate('a', 1, 'infinity', 'i1', at => '2025-03-02')$$),
(16, $$extend('a', 'infinity', 'e1', at => '2025-03-02')$$),
(17, $$use_benefit('a', 'ship', 'u1', at => '2025-03-02')$$),
(18, $$hold('a', 10, 'h2', until => 'infinity', at => '2025-03-02')$$)
) AS c(n, call);
SELECT t('receipt: ' || call, format('(SELECT names FROM got WHERE n = %s)', n), 'none of false') FROM got ORDER BY n;
SELECT t('the history is as it should', $$(SELECT string_agg(kind::text, ' ' ORDER BY seq) FROM entries WHERE member = 'a')$$,
	'enroll award award award award purchase hold grant_tier award spend expire cancel reinstate extend use_benefit hold');

SELECT t('read: ' || call, format('tap.infinite(%L)', 'SELECT * FROM ' || call), 'none of false') FROM (VALUES
($$balance('a')$$), ($$lots('a')$$), ($$lots('a', '2025-01-10')$$), ($$statement('a')$$), ($$explain('a', 'p1')$$), ($$explain('a', 'w2')$$),
($$tier_status('a')$$), ($$tier_progress('a')$$), ($$member_benefits('a')$$), ($$member_card('a')$$), ($$tiers_held()$$),
($$unnest('{1 until inactive earned 2025-01-01; 10 until never earned 2025-01-01; 5 until never earned 2025-01-01 pending}'::lot_queue)$$),
($$(SELECT expires_on('never', '2025-01-01')) AS e$$), ($$(SELECT expires_on('1 days', '2025-01-01')) AS e$$)) AS v(call);
SELECT t('view: ' || relname, format('tap.infinite(%L)', 'SELECT * FROM ' || oid::regclass), 'none of false')
FROM pg_class WHERE relnamespace = 'loyalty'::regnamespace AND relkind = 'v' ORDER BY relname;

-- What NULL says is told by another column.
SELECT t('what NULL says: ' || what, call, want) FROM (VALUES
('a receipt', $$(SELECT concat_ws(' ', expires_on, never_expires) FROM award('b', 1, 'n', at => '2025-01-01'))$$, 'error LY002'),
('an award by policy', $$(SELECT concat_ws(' ', expires_on, never_expires) FROM awards WHERE ref = 'w1')$$, 'f'),
('an award for ever', $$(SELECT concat_ws(' ', expires_on, never_expires) FROM awards WHERE ref = 'w2')$$, 't'),
('lots', $$(SELECT string_agg(concat_ws(' ', points, expires_on, state, usable_from IS NULL, never_expires), '; ') FROM lots('a', '2025-01-14'))$$,
	'4 2025-02-01 usable f f; 291 usable f t; 200 pending t f'),
('unnest', $$(SELECT string_agg(concat_ws(' ', points, expires_on, usable_from, never_expires), '; ') FROM unnest('{1 until 2025-06-30 earned 2025-01-01; 2 until inactive earned 2025-01-01; 3 until never earned 2025-01-01; 4 until never earned 2025-01-01 pending}'::lot_queue))$$,
	'1 2025-06-30 2025-01-01 f; 2 2025-01-01 f; 3 2025-01-01 t; 4 f'),
('a hold', $$(SELECT concat_ws(' ', until IS NULL, points) FROM holds WHERE ref = 'h1')$$, 't 10'),
('what is pending until confirmed', $$(SELECT concat_ws(' ', counts_from IS NULL, counts_once_confirmed) FROM entries WHERE ref = 'w4' AND member = 'a')$$, 't t'),
('a receipt of points that never expire', $$(SELECT concat_ws(' ', expires_on IS NULL, never_expires) FROM award('a', 1, 'w6', at => '2025-03-03'))$$, 't t'),
('a receipt of points with a day', $$(SELECT concat_ws(' ', expires_on, never_expires) FROM award('a', 1, 'w7', expires_on => '2026-01-01', at => '2025-03-03'))$$, '2026-01-01 f'),
('a receipt of points that are not confirmed', $$(SELECT concat_ws(' ', expires_on IS NULL, never_expires) FROM award('a', 1, 'w8', pending => true, at => '2025-03-03'))$$, 't f')
) AS v(what, call, want);
SELECT sound();
SELECT * FROM finish();
ROLLBACK;
