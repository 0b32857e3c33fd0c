-- Reads: right although nothing is settled, now and as of any past time.
\ir setup.psql

SELECT shop('reads', '{"hold_limit": "30 days"}', '{a,b,c}', '2024-12-01');
SELECT t('history: ' || call, call, want) FROM (VALUES
($$award('a', 100, 'w1', 'welcome', expires_on => '2025-03-31', at => '2025-01-10')$$, '+100 to 100, 100 usable'),
($$award('a', 60, 'w2', at => '2025-01-20')$$, '+60 to 160, 160 usable'),
($$spend('a', 30, 's1', at => '2025-01-25')$$, '-30 to 130, 130 usable'),
($$hold('a', 25, 'h1', at => '2025-02-03')$$, '0 to 130, 105 usable'),
($$capture('a', 'h1', 'h1', 15, at => '2025-02-05')$$, '-15 to 115, 115 usable'),
($$cancel('a', 's1', 'c1', 10, at => '2025-02-10')$$, '+10 to 125, 125 usable'),
($$spend('a', 5, 's2', at => '2025-02-20')$$, '-5 to 120, 120 usable'),
($$award('a', 7, 'w3', pending => true, at => '2025-02-21')$$, '+7 to 127, 120 usable'),
($$hold('a', 40, 'h2', until => '2025-03-10', at => '2025-02-22')$$, '0 to 127, 80 usable'),
($$hold('a', 10, 'h3', until => 'infinity', at => '2025-02-22')$$, '0 to 127, 70 usable'),
($$transfer('a', 'b', 20, 't1', at => '2025-02-25')$$, '-20 to 107, 50 usable'),
($$adjust('c', -8, 'j1', allow_debt => true, at => '2025-02-25')$$, '-8 to -8, 0 usable, 8 debt')
) AS v(call, want);
CREATE TEMP TABLE written AS SELECT count(*) AS entries FROM loyalty.entry;

-- balance -----------------------------------------------------------------------------------------------------
-- w1: 100 until 31 March; -30, +10 and h1's -15, s2's -5 leave 60; h2 holds 40 of them, h3 10, b gets the last 10 and 10 of w2.
SELECT t('balance as of ' || at, format('stand(''a'', %L)', at), want) FROM (VALUES
('2024-12-01', '0 = 0 usable + 0 pending + 0 held - 0 debt'),
('2025-01-09 23:59:59', '0 = 0 usable + 0 pending + 0 held - 0 debt'),
('2025-01-10', '100 = 100 usable + 0 pending + 0 held - 0 debt'),
('2025-01-24', '160 = 160 usable + 0 pending + 0 held - 0 debt'),
('2025-01-25', '130 = 130 usable + 0 pending + 0 held - 0 debt'),
('2025-02-04', '130 = 105 usable + 0 pending + 25 held - 0 debt'),
('2025-02-10', '125 = 125 usable + 0 pending + 0 held - 0 debt'),
('2025-02-21 12:00', '127 = 120 usable + 7 pending + 0 held - 0 debt'),
('2025-02-22', '127 = 70 usable + 7 pending + 50 held - 0 debt'),
('2025-03-09', '107 = 50 usable + 7 pending + 50 held - 0 debt'),
('2025-03-10', '107 = 90 usable + 7 pending + 10 held - 0 debt'),
('2025-03-31 23:59:59', '107 = 90 usable + 7 pending + 10 held - 0 debt'),
('2025-04-01', '67 = 50 usable + 7 pending + 10 held - 0 debt')) AS v(at, want);
SELECT t('balance: ' || what, call, want) FROM (VALUES
('now, though nothing is settled', $$stand('a')$$, '67 = 50 usable + 7 pending + 10 held - 0 debt'),
('a debt now', $$stand('c')$$, '-8 = 0 usable + 0 pending + 0 held - 8 debt'),
('what was sent goes with its date', $$stand('b')$$, '10 = 10 usable + 0 pending + 0 held - 0 debt'),
('what was sent, before', $$stand('b', '2025-03-31')$$, '20 = 20 usable + 0 pending + 0 held - 0 debt'),
('one row', $$(SELECT count(*) FROM balance('a'))$$, '1'),
('of a named program', $$(SELECT balance FROM balance('a', program => 'reads'))$$, '67'),
('an unknown member is an error or no row, never a balance', $$(SELECT g LIKE 'error LY004%' OR g = '0' FROM got('(SELECT count(*) FROM balance(''nobody''))') g)$$, 'true'),
('an unknown program', $$(SELECT count(*) FROM balance('a', program => 'nowhere'))$$, 'error LY005')
) AS v(what, call, want);

-- lots ----------------------------------------------------------------------------------------------------------
CREATE FUNCTION tap.lot_rows(who text, at timestamptz DEFAULT NULL) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT string_agg(concat_ws(' ', l.points, l.expires_on, l.earned_on, l.usable_from, l.held || ' held', l.state), '; ' ORDER BY l.expires_on, l.earned_on, l.usable_from)
	FROM loyalty.lots(member => who, at => lot_rows.at) l
$$;
SELECT t('lots: ' || what, call, want) FROM (VALUES
('as of January', $$lot_rows('a', '2025-01-24')$$, '100 2025-03-31 2025-01-10 2025-01-10 0 held usable; 60 2025-01-20 2025-01-20 0 held usable'),
('as of a hold', $$lot_rows('a', '2025-02-04')$$, '45 2025-03-31 2025-01-10 2025-01-10 25 held usable; 60 2025-01-20 2025-01-20 0 held usable'),
('with pending points', $$lot_rows('a', '2025-02-21 12:00')$$, '60 2025-03-31 2025-01-10 2025-01-10 0 held usable; 60 2025-01-20 2025-01-20 0 held usable; 7 2025-02-21 0 held pending'),
('now, though nothing is settled', $$lot_rows('b')$$, '10 2025-01-20 2025-01-20 0 held usable'),
('add up to the balance, with what is held, less debt', $$(SELECT count(*) FROM generate_series('2025-01-01'::timestamptz, '2025-06-01', '36 hours') AS at, LATERAL balance('a', at => at) b,
	LATERAL (SELECT coalesce(sum(points + held), 0) AS all, coalesce(sum(points) FILTER (WHERE state = 'usable'), 0) AS usable, coalesce(sum(points) FILTER (WHERE state = 'pending'), 0) AS pending FROM loyalty.lots(member => 'a', at => at)) l
	WHERE (b.balance + b.debt, b.usable, b.pending) <> (l.all, l.usable, l.pending))$$, '0'),
('unnest gives the rows of a value', $$(SELECT string_agg(concat_ws(' ', coalesce(expires_on::text, 'null'), earned_on, usable_from, issuer, points), '; ') FROM loyalty.unnest('{1 until 2025-06-30 earned 2025-01-01; 2 until inactive earned 2025-01-01; 3 until never earned 2025-01-01 usable 2025-02-02 issuer 5}'::loyalty.lot_queue))$$,
	'2025-06-30 2025-01-01 2025-01-01 0 1; null 2025-01-01 2025-01-01 0 2; null 2025-01-01 2025-02-02 5 3'),
('total of a value', $$total('{1 until 2025-06-30 earned 2025-01-01; 3 until never earned 2025-01-01 pending}')$$, '4'),
('usable of a value', $$usable('{1 until 2025-06-30 earned 2025-01-01; 3 until never earned 2025-01-01 pending; 5 until never earned 2025-01-02}', '2025-06-30')$$, '6'),
('usable of a value, a day later', $$usable('{1 until 2025-06-30 earned 2025-01-01; 3 until never earned 2025-01-01 pending; 5 until never earned 2025-01-02}', '2025-07-01')$$, '5'),
('expired of a value', $$lots_expired('{1 until 2025-06-30 earned 2025-01-01; 3 until never earned 2025-01-01 pending; 5 until never earned 2025-01-02}', '2025-07-01')$$, '{1 until 2025-06-30 earned 2025-01-01}')
) AS v(what, call, want);

-- statement, explain --------------------------------------------------------------------------------------------
SELECT t('statement: ' || what, call, want) FROM (VALUES
('every posting of the member, in order', $$(SELECT string_agg(concat(kind, ' ', points), ', ' ORDER BY at, balance DESC) FROM statement('a') WHERE points <> 0 AND kind::text <> 'expire')$$,
	'award 100, award 60, spend -30, capture -15, cancel 10, spend -5, award 7, transfer_out -20'),
('what has fallen due is in it, though nothing is settled', $$(SELECT string_agg(concat(kind, ' ', points, ' to ', balance), ', ' ORDER BY at) FROM statement('a') WHERE kind::text = 'expire')$$, 'expire -40 to 67'),
('of some days', $$(SELECT string_agg(ref, ' ' ORDER BY at) FROM statement('a', '2025-01-20', '2025-02-02'))$$, 'w2 s1'),
('of a named program', $$(SELECT count(*) FROM statement('a', program => 'reads') WHERE kind::text = 'transfer_out')$$, '1')
) AS v(what, call, want);
SELECT t('explain: ' || what, call, want) FROM (VALUES
('a spend names its lot', $$(SELECT string_agg(x::text, ' ') ~ '2025-03-31' FROM explain('a', 's1') x)$$, 'true'),
('an award has its rows', $$(SELECT count(*) > 0 FROM explain('a', 'w1'))$$, 'true'),
('of a named program', $$(SELECT count(*) > 0 FROM explain('a', 'w1', program => 'reads'))$$, 'true')
) AS v(what, call, want);

-- views ------------------------------------------------------------------------------------------------------------
SELECT t('view ' || what, call, want) FROM (VALUES
('balances: now, though nothing is settled', $$(SELECT string_agg(concat_ws(' ', member, program, balance, usable, pending, held, debt), '; ' ORDER BY member) FROM balances WHERE program = 'reads')$$,
	'a reads 67 50 7 10 0; b reads 10 10 0 0 0; c reads -8 0 0 0 8'),
('lots_open: now, though nothing is settled', $$(SELECT string_agg(concat_ws(' ', member, points), '; ' ORDER BY member, points DESC) FROM lots_open WHERE program = 'reads' AND points > 0)$$, 'a 50; a 7; b 10'),
('statements: all entries of all members', $$(SELECT concat(count(*) FILTER (WHERE member = 'b' AND points = 20), ' ', count(*) FILTER (WHERE member = 'a' AND points = -30)) FROM statements WHERE program = 'reads')$$, '1 1'),
('points_used: January', $$(SELECT string_agg(to_jsonb(u)::text, ' ') ~ '\m30\M' FROM points_used u WHERE member = 'a' AND program = 'reads' AND to_jsonb(u)::text ~ '2025-01')$$, 'true')
) AS v(what, call, want);

-- Rows of parts that are not read to their end begin anew with the next entry.
SELECT t('awarded_parts: stopped after the first row of each entry', $$(SELECT count(*) FROM statements s
	CROSS JOIN LATERAL (SELECT o.computed FROM (SELECT (_parts_in('[{"part": "a", "computed": 1}, {"part": "b", "computed": 2}]', s.entry, 0, 0)).*) o LIMIT 1) o
	WHERE s.program = 'reads' AND o.computed = 1) = (SELECT count(*) FROM statements WHERE program = 'reads')$$, 'true');
SELECT t('parts_in: ' || what, format('(SELECT concat(count(*), '' '', string_agg(o::text, '' '')) FROM _parts_in(%L, 5, 4, NULL) o)', parts), want) FROM (VALUES
('an entry without parts is all base', NULL, '1 (base,,5,4,,)'),
('none', '[]', '0 '),
('what cannot be understood is left out', '[1, {"part": 7, "given": "x"}, {"part": "p", "given": 3, "written_off": 1e30}]', '2 (,,,,,) (p,,,3,,)'),
('of what is no array', '{"part": "p"}', '0 ')) AS v(what, parts, want);
SELECT t('campaign_parts: by rule once, and of all', $$(SELECT string_agg(o::text, ' ' ORDER BY o) FROM _campaign_parts('[{"part": "a", "campaign": "c", "given": 3}, {"part": "b", "campaign": "c", "given": 4}, {"part": "a", "campaign": "c", "given": 5}, {"part": "base", "given": 9}]', 'purchase') o)$$,
	'(c,a,1,8,0) (c,b,1,4,0) (c,,1,12,0)');
SELECT t('campaign_parts: of a return', $$(SELECT string_agg(o::text, ' ' ORDER BY o) FROM _campaign_parts('[{"part": "a", "campaign": "c", "due": 3, "written_off": 1}]', 'refund') o)$$, '(c,a,0,0,2) (c,,0,0,2)');

-- Points that are going to expire: relative to today, whatever day that is.
SELECT shop('soon', '{}', '{a,b}', '2024-12-01');
SELECT t('soon: ' || call, call, want) FROM (VALUES
($$award('a', 11, 'w1', expires_on => current_date + 5, at => '2025-01-01')$$, '+11 to 11, 11 usable'),
($$award('a', 13, 'w2', expires_on => current_date + 40, at => '2025-01-02')$$, '+13 to 24, 24 usable'),
($$award('a', 17, 'w3', at => '2025-01-03')$$, '+17 to 41, 41 usable'),
($$award('a', 19, 'w4', expires_on => '2025-06-30', at => '2025-01-04')$$, '+19 to 60, 60 usable')) AS v(call, want);
SELECT t('view points_expiring: with their day, not those that never end or have ended', $$(SELECT string_agg(concat(points, ' in ', expires_on - current_date), ', ' ORDER BY expires_on)
	FROM points_expiring WHERE member = 'a' AND program = 'soon')$$, '11 in 5, 13 in 40');
SELECT t('view balances of it', $$(SELECT concat(balance, ' ', usable) FROM balances WHERE member = 'a' AND program = 'soon')$$, '41 41');

-- Undated lots, read by the account's last day.
SELECT shop('idle', '{"expiry": "3 months inactive"}', '{a}', '2024-12-01');
SELECT t('idle: ' || what, call, want) FROM (VALUES
('50', $$award('a', 50, 'w1', at => '2025-01-15')$$, '+50 to 50, 50 usable'),
('there on the last day', $$stand('a', '2025-04-15 23:59:59')$$, '50 = 50 usable + 0 pending + 0 held - 0 debt'),
('gone after it', $$stand('a', '2025-04-16')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt'),
('no open lot now', $$(SELECT count(*) FROM loyalty.lots(member => 'a'))$$, '0'),
('nor in the view', $$(SELECT count(*) FROM lots_open WHERE program = 'idle')$$, '0'),
('balance 0 in the view', $$(SELECT balance FROM balances WHERE program = 'idle')$$, '0')) AS v(what, call, want);

-- What needs no settling is shown from the row, the rest is settled: both are what the functions say.
SELECT t('as lots() has them: ' || view, format('(WITH shown AS (%s), told AS (SELECT %s FROM account a JOIN member m ON m.id = a.member_id JOIN program p ON p.id = a.program_id, LATERAL loyalty.lots(member => m.key, program => p.code) l %s)
	SELECT concat(count(*) > 1, '' '', (SELECT count(*) FROM ((TABLE shown EXCEPT ALL TABLE told) UNION ALL (TABLE told EXCEPT ALL TABLE shown)) q)) FROM shown)', rows, columns, rest), 't 0')
FROM (VALUES ('lots_open', 'SELECT * FROM lots_open', 'm.key, p.code, l.*', ''),
	('points_expiring', 'SELECT * FROM points_expiring', 'm.key, p.code, l.expires_on, l.ends_at, sum(l.points)::bigint AS points', 'WHERE l.expires_on IS NOT NULL AND l.points > 0 GROUP BY 1, 2, 3, 4')) AS v(view, rows, columns, rest);
SELECT t('row_lots: ' || what, format('(SELECT string_agg(concat_ws('' '', r.points, r.expires_on, r.state), '', '') FROM _row_lots(7, %L, %s, %s, %L, %L, ''UTC'') r)', lots, balance, debt, inactive_on, clock_on), want) FROM (VALUES
('in order of use, undated ones on the account''s day', '{10 until 2025-06-30 earned 2025-01-01; 5 until inactive earned 2025-01-02; 2 until never earned 2025-01-03 usable 2025-02-01}', '17', '0', '2025-04-01', '2025-01-03', '10 2025-06-30 usable, 5 2025-04-01 usable, 2 pending'),
('none of a row whose lots are not its balance', '{10 until never earned 2025-01-01}', '11', '0', NULL, '2025-01-03', 'null'),
('beside debt, pending ones', '{10 until never earned 2025-01-01 usable 2025-02-01}', '7', '3', NULL, '2025-01-03', '10 pending'),
('none of a row whose day is none', '{10 until never earned 2025-01-01}', '10', '0', NULL, 'infinity', 'null'),
('none of a row without a balance', '{10 until never earned 2025-01-01}', 'NULL', '0', NULL, '2025-01-03', 'null')) AS v(what, lots, balance, debt, inactive_on, clock_on, want);
SELECT t('row_expiring: one row for a day', $$(SELECT string_agg(concat_ws(' ', r.points, r.expires_on), ', ') FROM _row_expiring(7, '{10 until 2025-04-01 earned 2025-01-01; 4 until 2025-04-01 earned 2025-01-02; 5 until inactive earned 2025-01-02; 2 until never earned 2025-01-03}', 21, 0, '2025-04-01', '2025-01-03', 'UTC') r)$$, '19 2025-04-01');

SELECT t('reading has posted nothing', $$(SELECT count(*) - (SELECT entries FROM written) FROM loyalty.entry e JOIN loyalty.account a ON a.id = e.account_id JOIN loyalty.program p ON p.id = a.program_id WHERE p.code = 'reads')$$, '0');
SELECT sound();
SELECT finish();
ROLLBACK;
