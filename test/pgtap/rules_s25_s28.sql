-- S25 the balance cap, and trimming · S26 asking twice · S27 two times · S28 settling
\ir setup.psql

-- S25: the balance cap ------------------------------------------------------------------------------------
SELECT shop('s25', '{"balance_cap": 100, "pending_days": 0}', '{a,owes,exempt,held,expires,pending}', '2024-01-01');
SELECT t(what, call, want) FROM (VALUES
('S25 under the cap', $$award('a', 80, 'w1', at => '2025-01-01')$$, '+80 to 80, 80 usable'),
('S25 a purchase is trimmed to the cap', $$purchase('a', 50.00, 'p1', at => '2025-01-02')$$, '+20 to 100, 100 usable'),
('S25 computed and given are both stored', $$(SELECT concat(computed, ' computed, ', points, ' given') FROM posted('a', 'p1'))$$, '50 computed, 20 given'),
('S25 at the cap an award gives nothing', $$award('a', 10, 'w2', at => '2025-01-03')$$, '0 to 100, 100 usable'),
('S25 and is posted all the same', $$(SELECT concat(computed, ' computed, ', points, ' given') FROM posted('a', 'w2'))$$, '10 computed, 0 given'),
('S25 cap 100, debt 50', $$adjust('owes', -50, 'j1', allow_debt => true, at => '2025-01-01')$$, '-50 to -50, 0 usable, 50 debt'),
('S25 the cap is on the balance, debt off: an order of 200 gives +150', $$purchase('owes', 200.00, 'p1', at => '2025-01-02')$$, '+150 to 100, 100 usable'),
('S25 never trimmed: 100', $$award('exempt', 100, 'w1', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S25 never trimmed: spend 60', $$spend('exempt', 60, 's1', at => '2025-01-02')$$, '-60 to 40, 40 usable'),
('S25 never trimmed: award 60, for a week', $$award('exempt', 60, 'w2', expires_on => '2025-01-10', at => '2025-01-03')$$, '+60 to 100, 100 usable'),
('S25 a cancel is never trimmed', $$cancel('exempt', 's1', 'c1', at => '2025-01-04')$$, '+60 to 160, 160 usable'),
('S25 nor is a correction', $$adjust('exempt', 40, 'j1', at => '2025-01-05')$$, '+40 to 200, 200 usable'),
('S25 above the cap there is no room', $$purchase('exempt', 5.00, 'p1', at => '2025-01-06')$$, '0 to 200, 200 usable'),
('S25 nor is a reinstating', $$reinstate('exempt', 60, '2025-12-31', 'i1', at => '2025-02-01')$$, '+60 to 200, 200 usable'),
('S25 held points count: 100', $$award('held', 100, 'w1', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S25 held points count: all held', $$hold('held', 100, 'h1', at => '2025-01-02')$$, '0 to 100, 0 usable'),
('S25 held points count: no room', $$award('held', 1, 'w2', at => '2025-01-03')$$, '0 to 100, 0 usable'),
('S25 a release is never trimmed', $$release('held', 'h1', 'h1', at => '2025-01-04')$$, '0 to 100, 100 usable'),
('S25 what has ended takes no room: 100 for January', $$award('expires', 100, 'w1', expires_on => '2025-01-31', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S25 what has ended takes no room, no job has run', $$award('expires', 100, 'w2', at => '2025-02-01')$$, '+100 to 100, 100 usable'),
('S25 pending points count: 80 pending', $$award('pending', 80, 'w1', pending => true, at => '2025-01-01')$$, '+80 to 80, 0 usable'),
('S25 pending points count: room for 20', $$purchase('pending', 50.00, 'p1', at => '2025-01-02')$$, '+20 to 100, 20 usable'),
('S25 a confirm is never trimmed', $$confirm('pending', 'w1', 'w1', at => '2025-01-03')$$, '0 to 100, 100 usable')
) AS v(what, call, want);
SELECT shop('s25.reject', '{"balance_cap": 100, "on_balance_cap": "reject"}', '{a}');
SELECT t(what, call, want) FROM (VALUES
('S25 reject: 80', $$award('a', 80, 'w1', at => '2025-01-01')$$, '+80 to 80, 80 usable'),
('S25 reject: over the cap gives nothing, the purchase is posted', $$purchase('a', 50.00, 'p1', at => '2025-01-02')$$, '0 to 80, 80 usable'),
('S25 reject: computed is stored', $$(SELECT concat(computed, ' computed, ', points, ' given of ', amount) FROM posted('a', 'p1'))$$, '50 computed, 0 given of 50.00'),
('S25 reject: just the room is given', $$purchase('a', 20.00, 'p2', at => '2025-01-02')$$, '+20 to 100, 100 usable')
) AS v(what, call, want);
SELECT shop('s25.lines', '{"balance_cap": 15}', '{a}');
SELECT t(what, call, want) FROM (VALUES
('S25 40.00 in lines 10/10/20, room for 15', $$purchase('a', 40.00, 'p1', lines => '[{"sku": "A", "amount": 10.00}, {"sku": "B", "amount": 10.00}, {"sku": "C", "amount": 20.00}]', at => '2025-01-01')$$, '+15 to 15, 15 usable'),
('S25 lines share a trim by cumulative rounding', $$line_points('a', 'p1')$$, '3 4 8'),
('S25 a line is returned against what it was given', $$refund('a', 'p1', 'r1', lines => '[{"line": 3}]', at => '2025-01-02')$$, '-8 to 7, 7 usable; due 8, 8 taken')
) AS v(what, call, want);
SELECT t('S25 ' || what, call, want) FROM (VALUES
('cap 300 on 199+100+200: 199+100+1', $$_award_trim('{199,100,200}', 300)$$, '{199,100,1}'),
('a trim takes from the last part first', $$_award_trim('{5,5,5}', 7)$$, '{5,2,0}'),
('to nothing', $$_award_trim('{5,5,5}', 0)$$, '{0,0,0}'),
('to all of it', $$_award_trim('{5,5,5}', 15)$$, '{5,5,5}'),
('into the first part', $$_award_trim('{5,5,5}', 3)$$, '{3,0,0}'),
('a part of nothing stays so', $$_award_trim('{5,0,5}', 6)$$, '{5,0,1}'),
('lines share by cumulative rounding', $$_award_spread('{10,10,20}', 15)$$, '{3,4,8}'),
('lines share: 5 of 3+3+4', $$_award_spread('{3,3,4}', 5)$$, '{1,2,2}'),
('lines share: all', $$_award_spread('{3,3,4}', 10)$$, '{3,3,4}'),
('lines share: nothing', $$_award_spread('{3,3,4}', 0)$$, '{0,0,0}'),
('lines share: of nothing', $$_award_spread('{0,0}', 0)$$, '{0,0}'),
('lines share: one', $$_award_spread('{10}', 4)$$, '{4}')
) AS v(what, call, want);

-- S26: asking twice -----------------------------------------------------------------------------------------
SELECT shop('s26', '{"pending_days": 0}');
SELECT again('S26 ' || split_part(call, '(', 1) || ' again is a repeat and posts nothing', call) FROM (VALUES
($$enroll('new', at => '2020-01-01', joined_on => '2019-05-05', birthday => '02-29', attributes => '{"n": 1}', tags => '["x"]')$$),
($$purchase('a', 40.00, 'p1', lines => '[{"sku": "A", "quantity": 2, "amount": 30.00}, {"sku": "B", "amount": 10.00}]', channel => 'shop', store => 'S1', attributes => '{"n": 1}', brand => 'x', at => '2025-01-01')$$),
($$award('a', 100, 'w1', 'birthday', expires_on => '2025-01-31', at => '2025-01-01')$$),
($$award('a', 9, 'w2', pending => true, at => '2025-01-01')$$),
($$confirm('a', 'w2', 'w2', at => '2025-01-02')$$),
($$spend('a', 30, 's1', 'coffee', at => '2025-01-03')$$),
($$hold('a', 20, 'h1', at => '2025-01-03')$$),
($$capture('a', 'h1', 'h1', 15, at => '2025-01-04')$$),
($$hold('a', 20, 'h2', at => '2025-01-04')$$),
($$release('a', 'h2', 'h2', at => '2025-01-05')$$),
($$hold('a', 20, 'h3', at => '2025-01-04')$$),
($$capture('a', 'h3', 'h3', at => '2025-01-05')$$),
($$refund('a', 'p1', 'r1', lines => '[{"line": 2}]', at => '2025-01-05')$$),
($$refund('a', 'p1', 'r2', at => '2025-01-05')$$),
($$cancel('a', 's1', 'c1', 10, at => '2025-01-05')$$),
($$cancel('a', 's1', 'c2', at => '2025-01-05')$$),
($$adjust('a', -3, 'j1', 'miscount', at => '2025-01-05')$$),
($$extend('a', '2025-02-10', 'x1', 'goodwill', of_last_day => '2025-01-31', at => '2025-01-06')$$),
($$transfer('a', 'b', 5, 't1', 'gift', at => '2025-01-07')$$),
($$freeze('a', 'all', 'f1', 'suspicion', at => '2025-01-08')$$),
($$unfreeze('a', 'u1', 'cleared', at => '2025-01-09')$$),
($$reinstate('a', 12, '2025-12-31', 'i1', 'complaint', at => '2025-02-20')$$)
) AS v(call);
SELECT shop('s26.more', '{}', '{a,b,c,d}');
SELECT t(what, call, want) FROM (VALUES
-- the first result, of then; before settling and freezes
('S26 100 until January', $$award('a', 100, 'w1', expires_on => '2025-01-31', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S26 spend 10', $$spend('a', 10, 's1', at => '2025-01-02')$$, '-10 to 90, 90 usable'),
('S26 spend 20', $$spend('a', 20, 's2', at => '2025-01-03')$$, '-20 to 70, 70 usable'),
('S26 a repeat returns the first result, balance and usable of then', $$spend('a', 10, 's1', at => '2025-01-02')$$, '-10 to 90, 90 usable; repeat'),
('S26 frozen', $$freeze('a', 'all', 'f1', at => '2025-01-04')$$, '0 to 70, 70 usable'),
('S26 a repeat is found before freezes', $$spend('a', 20, 's2', at => '2025-01-03')$$, '-20 to 70, 70 usable; repeat'),
('S26 the freeze itself is a repeat', $$freeze('a', 'all', 'f1', at => '2025-01-04')$$, '0 to 70, 70 usable; repeat'),
('S26 100 for a day', $$award('b', 100, 'w1', expires_on => '2025-01-01', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S26 a repeat without `at`, of a call without `at`', $$(SELECT string_agg(substr(got($q$adjust('d', 5, 'j1')$q$), 1, 30), ' | ') FROM generate_series(1, 2))$$, '+5 to 5, 5 usable | +5 to 5, 5 usable; repeat'),
('S26 a repeat is found before settling', $$award('b', 100, 'w1', expires_on => '2025-01-01', at => '2025-01-01')$$, '+100 to 100, 100 usable; repeat'),
('S26 nothing was settled by it', $$trail('b', 1)$$, 'award +100'),
-- another request under a used ref
('S26 other points', $$award('b', 101, 'w1', expires_on => '2025-01-01', at => '2025-01-01')$$, 'error LY003'),
('S26 another date', $$award('b', 100, 'w1', expires_on => '2025-01-02', at => '2025-01-01')$$, 'error LY003'),
('S26 another reason', $$award('b', 100, 'w1', 'because', expires_on => '2025-01-01', at => '2025-01-01')$$, 'error LY003'),
('S26 another `at`', $$award('b', 100, 'w1', expires_on => '2025-01-01', at => '2025-01-01 00:00:01')$$, 'error LY003'),
('S26 another kind that a return names', $$purchase('b', 100, 'w1', at => '2025-01-01')$$, 'error LY003'),
('S26 an activity, too', $$activity('b', 'visit', 'w1', at => '2025-01-01')$$, 'error LY003'),
('S26 another kind that a cancellation names', $$capture('a', 'nothing', 's1', at => '2025-01-05')$$, 'error LY003'),
-- unique per act
('S26 another act may use the ref', $$award('d', 1, 'j1')$$, '+1 to 6, 6 usable'),
('S26 and another', $$spend('d', 1, 'j1')$$, '-1 to 5, 5 usable'),
('S26 each is told from the other: the return', $$refund('d', 'j1', 'j1')$$, '-1 to 4, 4 usable; due 1, 1 taken'),
('S26 and the cancellation', $$cancel('d', 'j1', 'j1')$$, '+1 to 5, 5 usable'),
-- unique per account
('S26 another member may use the ref', $$award('c', 1, 'w1', at => '2025-01-01')$$, '+1 to 1, 1 usable'),
('S26 another program may use the ref', $$award('a', 1, 's2', at => '2025-02-20', program => 's26')$$, '+1 to 22, 22 usable'),
('S26 refs are compared byte by byte', $$award('c', 1, 'W1', at => '2025-01-01')$$, '+1 to 2, 2 usable'),
-- by value
('S26 100.0', $$purchase('c', 100.0, 'p1', lines => '[{"sku": "A", "quantity": 1, "amount": 100.0}]', attributes => '{"a": 1.50, "b": {"x": 2}}', at => '2025-01-02')$$, '+100 to 102, 102 usable'),
('S26 is 100.00, in jsonb too, in any order', $$purchase('c', 100.00, 'p1', lines => '[{"amount": 100.000, "quantity": 1.0, "sku": "A"}]', attributes => '{"b": {"x": 2.0}, "a": 1.5}', at => '2025-01-02 00:00:00.000+00')$$, '+100 to 102, 102 usable; repeat'),
('S26 the same instant in another zone', $$purchase('c', 100, 'p1', lines => '[{"sku": "A", "quantity": 1, "amount": 100}]', attributes => '{"a": 1.5, "b": {"x": 2}}', at => '2025-01-02 08:00:00+08')$$, '+100 to 102, 102 usable; repeat'),
('S26 other attributes are another request', $$purchase('c', 100, 'p1', lines => '[{"sku": "A", "quantity": 1, "amount": 100}]', attributes => '{"a": 1.5, "b": {"x": 3}}', at => '2025-01-02')$$, 'error LY003'),
('S26 `until` is never compared: a hold', $$hold('c', 10, 'h1', until => '2025-01-04', at => '2025-01-03')$$, '0 to 102, 92 usable'),
('S26 with another end is a repeat', $$hold('c', 10, 'h1', until => '2025-01-05', at => '2025-01-03')$$, '0 to 102, 92 usable; repeat'),
-- what finishes something is known by what it finishes
('S26 released', $$release('c', 'h1', 'h1', at => '2025-01-03 12:00')$$, '0 to 102, 102 usable'),
('S26 what is released cannot be captured', $$capture('c', 'h1', 'h1', at => '2025-01-03 12:00')$$, 'error LY007'),
('S26 the ref of a hold stays used', $$hold('c', 11, 'h1', at => '2025-01-04')$$, 'error LY003'),
('S26 a hold', $$hold('c', 10, 'h2', at => '2025-01-04')$$, '0 to 102, 92 usable'),
('S26 captured', $$capture('c', 'h2', 'h2', 6, at => '2025-01-05')$$, '-6 to 96, 96 usable'),
('S26 the same capture again', $$capture('c', 'h2', 'h2', 6, at => '2025-01-05')$$, '-6 to 96, 96 usable; repeat'),
('S26 another capture of it: already ended', $$capture('c', 'h2', 'h2b', 5, at => '2025-01-05')$$, 'error LY007'),
('S26 a release of it: already ended', $$release('c', 'h2', 'h2', at => '2025-01-05')$$, 'error LY007'),
('S26 pending', $$award('c', 4, 'w2', pending => true, at => '2025-01-05')$$, '+4 to 100, 96 usable'),
('S26 confirmed', $$confirm('c', 'w2', 'w2', at => '2025-01-06')$$, '0 to 100, 100 usable'),
('S26 the same confirm again', $$confirm('c', 'w2', 'w2', at => '2025-01-06')$$, '0 to 100, 100 usable; repeat'),
-- enroll is known by member and program
('S26 enroll with other words is a repeat all the same', $$(enroll('c', at => '2021-05-05', attributes => '{"x": 1}'))."repeat"$$, 'true'),
-- a failed call leaves nothing
('S26 a failed call', $$spend('c', 101, 's1', at => '2025-01-07')$$, 'error LY001'),
('S26 leaves nothing, its ref is free', $$spend('c', 100, 's1', at => '2025-01-07')$$, '-100 to 0, 0 usable'),
('S26 and its settling was taken back too', $$(SELECT count(*) FROM loyalty.entry WHERE account_id = (account_of('c')).id AND ref = 's1')$$, '1')
) AS v(what, call, want);

-- S27: two times ------------------------------------------------------------------------------------------------
SELECT shop('s27', '{"expiry": "6 months to end of month"}', '{a,b,c,d,e,f}', '2010-01-01');
SELECT t(what, call, want) FROM (VALUES
('S27 2,000 earned 2010-12-01', $$award('a', 2000, 'w1', at => '2010-12-01')$$, '+2000 to 2000, 2000 usable'),
('S27 to the end of June', $$free('a')$$, '{2000 until 2011-06-30 earned 2010-12-01}'),
('S27 spent 2011-06-30 23:59: accepted, today is no matter', $$spend('a', 2000, 's1', at => '2011-06-30 23:59')$$, '-2000 to 0, 0 usable'),
('S27 100 earned 2011-07-01', $$award('a', 100, 'w2', at => '2011-07-01')$$, '+100 to 100, 100 usable'),
('S27 usable on 07-02', $$stand('a', '2011-07-02')$$, '100 = 100 usable + 0 pending + 0 held - 0 debt'),
('S27 gone today', $$stand('a')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt'),
('S27 settled today', $$settle('a')$$, '1'),
('S27 expires dated 2012-02-01 00:00', $$trail('a', 1, true)$$, 'expire -100 2012-02-01 00:00:00'),
('S27 unspent 2,000', $$award('b', 2000, 'w1', at => '2010-12-01')$$, '+2000 to 2000, 2000 usable'),
('S27 not a second later than 23:59:59.999999', $$spend('b', 2000, 's1', at => '2011-07-01')$$, 'error LY001'),
-- late arrivals
('S27 earned in June', $$purchase('c', 100.00, 'p1', at => '2011-06-01')$$, '+100 to 100, 100 usable'),
('S27 a late arrival of March', $$purchase('c', 50.00, 'p2', at => '2011-03-15 10:00')$$, '+50 to 150, 150 usable'),
('S27 has the expiry of its own date', $$free('c')$$, '{50 until 2011-09-30 earned 2011-03-15; 100 until 2011-12-31 earned 2011-06-01}'),
('S27 is dated `at` and acts at the clock', $$(SELECT concat(at, ' by ', clock) FROM posted('c', 'p2'))$$, '2011-03-15 10:00:00+00 by 2011-06-01 00:00:00+00'),
('S27 the clock does not go back', $$(account_of('c')).clock$$, '2011-06-01 00:00:00+00'),
('S27 as of April it is not there: it became known in June', $$stand('c', '2011-04-01')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt'),
('S27 as of the clock it is', $$stand('c', '2011-06-01')$$, '150 = 150 usable + 0 pending + 0 held - 0 debt'),
('S27 a late arrival already expired', $$purchase('c', 30.00, 'p3', at => '2010-05-05')$$, '+30 to 150, 150 usable; 30 expired'),
('S27 expires at once, in an entry of its own dated to that moment', $$trail('c', 2, true)$$, 'purchase +30 2010-05-05 00:00:00, expire -30 2011-06-01 00:00:00'),
('S27 a late spend acts on the account as it stands', $$spend('c', 120, 's1', at => '2011-04-01')$$, '-120 to 30, 30 usable'),
('S27 a late arrival already expired pays debt first: 20 owed', $$adjust('d', -20, 'j1', allow_debt => true, at => '2011-06-01')$$, '-20 to -20, 0 usable, 20 debt'),
('S27 30 of last year, late', $$purchase('d', 30.00, 'p1', at => '2010-05-05')$$, '+30 to 0, 0 usable; 10 expired'),
('S27 reopens nothing: 100 until June', $$award('e', 100, 'w1', at => '2010-12-01')$$, '+100 to 100, 100 usable'),
('S27 reopens nothing: July', $$award('e', 1, 'w2', at => '2011-07-10')$$, '+1 to 1, 1 usable'),
('S27 reopens nothing: a late spend of June finds them gone', $$spend('e', 100, 's1', at => '2011-06-15')$$, 'error LY001'),
('S27 settled to there and no further', $$award('f', 10, 'w1', at => '2010-12-01')$$, '+10 to 10, 10 usable'),
('S27 a spend of May', $$spend('f', 1, 's1', at => '2011-05-01')$$, '-1 to 9, 9 usable'),
('S27 does not expire what ends in June', $$trail('f', 2)$$, 'award +10, spend -1')
) AS v(what, call, want);
-- The clock on the wall, and undoing before the thing.
SELECT shop('s27.now', '{}', '{now,undo}', '2024-01-01');
SELECT t(what, call, want) FROM (VALUES
('S27 a minute ahead of the wall: refused', $$award('now', 1, 'w1', at => clock_timestamp() + interval '1 minute')$$, 'error LY009'),
('S27 three seconds ahead, within the skew: accepted', $$award('now', 1, 'w1', at => clock_timestamp() + interval '3 seconds')$$, '+1 to 1, 1 usable'),
('S27 and taken as now', $$(SELECT at <= clock_timestamp() AND at > transaction_timestamp() AND clock = at FROM posted('now', 'w1'))$$, 'true'),
('S27 without `at`: the wall clock', $$award('now', 1, 'w2')$$, '+1 to 2, 2 usable'),
('S27 read when the posting acts, not when the transaction began', $$(SELECT at > transaction_timestamp() AND at <= clock_timestamp() AND clock = at FROM posted('now', 'w2'))$$, 'true'),
('S27 recorded when it was recorded', $$(SELECT recorded_at >= transaction_timestamp() AND recorded_at <= clock_timestamp() FROM posted('now', 'w2'))$$, 'true'),
('S27 undo: bought', $$purchase('undo', 50.00, 'p1', at => '2025-01-10 12:00')$$, '+50 to 50, 50 usable'),
('S27 a return dated before its purchase', $$refund('undo', 'p1', 'r1', at => '2025-01-10 11:59')$$, 'error LY009'),
('S27 a return of the same instant', $$refund('undo', 'p1', 'r1', 10.00, at => '2025-01-10 12:00')$$, '-10 to 40, 40 usable; due 10, 10 taken'),
('S27 undo: spent', $$spend('undo', 10, 's1', at => '2025-01-11')$$, '-10 to 30, 30 usable'),
('S27 a cancel dated before its spend', $$cancel('undo', 's1', 'c1', at => '2025-01-10 23:59')$$, 'error LY009'),
('S27 undo: held', $$hold('undo', 10, 'h1', at => '2025-01-12')$$, '0 to 30, 20 usable'),
('S27 a capture dated before its hold', $$capture('undo', 'h1', 'h1', at => '2025-01-11 23:59')$$, 'error LY009'),
('S27 a release dated before its hold', $$release('undo', 'h1', 'h1', at => '2025-01-11 23:59')$$, 'error LY009'),
('S27 undo: pending', $$award('undo', 5, 'w1', pending => true, at => '2025-01-13')$$, '+5 to 35, 20 usable'),
('S27 a confirm dated before its award', $$confirm('undo', 'w1', 'w1', at => '2025-01-12 23:59')$$, 'error LY009')
) AS v(what, call, want);

-- S28: settling ---------------------------------------------------------------------------------------------------
-- Five things fall due at one instant, midnight of 1 March 2025; they were posted in another order.
SELECT shop('s28', '{"pending_days": 10, "hold_limit": "60 days"}', '{five,days,hold,skip}', '2024-01-01');
SELECT t(what, call, want) FROM (VALUES
('S28 100 without end', $$award('five', 100, 'w1', at => '2025-02-01')$$, '+100 to 100, 100 usable'),
('S28 a hold to the instant', $$hold('five', 5, 'h2', until => '2025-03-01', at => '2025-02-02')$$, '0 to 100, 95 usable'),
('S28 another, whose ref comes first', $$hold('five', 7, 'h1', until => '2025-03-01', at => '2025-02-02')$$, '0 to 100, 88 usable'),
('S28 40 to the day before', $$award('five', 40, 'w2', expires_on => '2025-02-28', at => '2025-02-03')$$, '+40 to 140, 128 usable'),
('S28 9 that mature on the day', $$award('five', 9, 'w3', pending => true, at => '2025-02-19')$$, '+9 to 149, 128 usable'),
('S28 frozen to the instant', $$freeze('five', 'spending', 'f1', until => '2025-03-01', at => '2025-02-20')$$, '0 to 149, 128 usable'),
('S28 read a microsecond before', $$stand('five', '2025-02-28 23:59:59.999999')$$, '149 = 128 usable + 9 pending + 12 held - 0 debt'),
('S28 read at the instant, nothing written', $$stand('five', '2025-03-01')$$, '109 = 109 usable + 0 pending + 0 held - 0 debt'),
('S28 reading posts nothing', $$trail('five', 1)$$, 'freeze 0'),
('S28 settled in June: five entries', $$settle('five', at => '2025-06-01')$$, '5'),
('S28 holds that lapse, points usable, points that expire, freezes that end, each dated to when it was due', $$trail('five', 5, true)$$,
	'release 0 2025-03-01 00:00:00, release 0 2025-03-01 00:00:00, mature 0 2025-03-01 00:00:00, expire -40 2025-03-01 00:00:00, unfreeze 0 2025-03-01 00:00:00'),
('S28 each entry has the usable points of after it: what matures next is not among those of a hold that lapses', $$(SELECT string_agg(usable::text, ' ' ORDER BY seq) FROM (SELECT * FROM loyalty.entry WHERE account_id = (account_of('five')).id ORDER BY seq DESC LIMIT 5) e)$$, '95 100 109 109 109'),
('S28 one entry for each hold, by ref', $$(SELECT string_agg(of_ref, ', ' ORDER BY seq) FROM loyalty.entry WHERE account_id = (account_of('five')).id AND kind::text = 'release')$$, 'h1, h2'),
('S28 a due instant is both times of its entry', $$(SELECT bool_and(at = clock AND ref IS NULL) FROM loyalty.entry WHERE account_id = (account_of('five')).id AND seq > (account_of('five')).seq - 5)$$, 'true'),
('S28 reads give the same figures afterwards', $$stand('five', '2025-03-01')$$, '109 = 109 usable + 0 pending + 0 held - 0 debt'),
('S28 also as of before', $$stand('five', '2025-02-28 23:59:59.999999')$$, '149 = 128 usable + 9 pending + 12 held - 0 debt'),
('S28 the clock moved only to what was posted', $$(account_of('five')).clock$$, '2025-03-01 00:00:00+00'),
('S28 settling again posts nothing', $$settle('five', at => '2025-06-01')$$, '0'),
('S28 so a posting of April is not late', $$(SELECT concat(got($q$spend('five', 9, 's1', at => '2025-04-01')$q$), ' by ', (posted('five', 's1')).clock))$$, '-9 to 100, 100 usable by 2025-04-01 00:00:00+00'),
-- order of instants
('S28 until 3 January', $$award('days', 3, 'w3', expires_on => '2025-01-03', at => '2025-01-01')$$, '+3 to 3, 3 usable'),
('S28 until 1 January', $$award('days', 1, 'w1', expires_on => '2025-01-01', at => '2025-01-01')$$, '+1 to 4, 4 usable'),
('S28 until 3 January too', $$award('days', 30, 'w4', expires_on => '2025-01-03', at => '2025-01-01 01:00')$$, '+30 to 34, 34 usable'),
('S28 matures on the 12th', $$award('days', 7, 'w5', pending => true, at => '2025-01-02')$$, '+7 to 40, 33 usable'),
('S28 settled in order of instants, one entry for each kind and instant', $$settle('days', at => '2025-02-01')$$, '2'),
('S28 each dated to its own', $$trail('days', 4, true)$$, 'expire -1 2025-01-02 00:00:00, award +7 2025-01-02 00:00:00, expire -33 2025-01-04 00:00:00, mature 0 2025-01-12 00:00:00'),
-- a lapse frees points that end at that instant: one entry for what expires
('S28 20 until February''s end', $$award('hold', 20, 'w1', expires_on => '2025-02-28', at => '2025-02-01')$$, '+20 to 20, 20 usable'),
('S28 5 of them held to that midnight', $$hold('hold', 5, 'h1', until => '2025-03-01', at => '2025-02-02')$$, '0 to 20, 15 usable'),
('S28 the lapse, then all that expires', $$settle('hold', at => '2025-04-01')$$, '2'),
('S28 together', $$trail('hold', 2)$$, 'release 0, expire -20'),
-- pending points whose end comes before they are usable
('S28 a lot may end before it matures', $$award('skip', 4, 'w1', expires_on => '2025-01-03', pending => true, at => '2025-01-01')$$, '+4 to 4, 0 usable'),
('S28 it matures on the 11th and is gone at once', $$stand('skip', '2025-01-11')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt')
) AS v(what, call, want);
-- Reads before and after settling, at many instants.
SELECT shop('s28.reads', '{"pending_days": 20, "expiry": "30 days"}', '{settled,unsettled}', '2024-01-01');
SELECT t(format('S28 %s: %s', who, split_part(call, '(', 1)), format('(SELECT left(got(%L), 5) <> ''error'')', replace(call, '#', who)), 'true')
FROM unnest('{settled,unsettled}'::text[]) AS who, (VALUES
(1, $$purchase('#', 70.00, 'p1', at => '2025-01-01')$$), (2, $$award('#', 30, 'w1', at => '2025-01-03')$$), (3, $$purchase('#', 11.00, 'p2', at => '2025-01-05')$$),
(4, $$hold('#', 25, 'h1', until => '2025-01-09 15:00', at => '2025-01-06')$$), (5, $$adjust('#', -15, 'j1', allow_debt => true, at => '2025-01-07')$$),
(6, $$hold('#', 3, 'h2', until => '2025-01-13', at => '2025-01-10')$$)) AS v(n, call) ORDER BY who, n;
SELECT t('S28 one of two equal members is settled', $$(SELECT settle('settled', at => '2025-04-01') > 3 AND settle('settled', at => '2025-04-01') = 0)$$, 'true');
SELECT t('S28 both read the same at ' || at, format($$(SELECT stand('settled', %L) = stand('unsettled', %1$L))$$, at), 'true')
FROM generate_series('2025-01-01'::timestamptz, '2025-03-31', '4 days 15 hours') AS at;

SELECT sound();
SELECT finish();
ROLLBACK;
