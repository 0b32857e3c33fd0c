-- S17 holds · S18 transfers · S19 freezing   (S20, disputes, is not built yet.)
\ir setup.psql

-- S17: holds -------------------------------------------------------------------------------------------
SELECT shop('s17', '{}', '{order,end,late,freed,lapse,limits,two}', '2024-01-01');
SELECT t(what, call, want) FROM (VALUES
('S17 50 that end first', $$award('order', 50, 'w1', expires_on => '2025-06-30', at => '2025-01-01')$$, '+50 to 50, 50 usable'),
('S17 73 that end later', $$award('order', 73, 'w2', expires_on => '2025-12-31', at => '2025-01-01')$$, '+73 to 123, 123 usable'),
('S17 usable excludes what is held, the balance does not', $$hold('order', 123, 'h', at => '2025-01-02')$$, '0 to 123, 0 usable'),
('S17 held points cannot be spent', $$spend('order', 1, 's', at => '2025-01-02')$$, 'error LY001'),
('S17 nor held again', $$hold('order', 1, 'h2', at => '2025-01-02')$$, 'error LY001'),
('S17 a hold reserves lots in order of use', $$(posted('order', 'h')).taken$$, '{50 until 2025-06-30 earned 2025-01-01; 73 until 2025-12-31 earned 2025-01-01}'),
('S17 more than it holds: refused', $$capture('order', 'h', 'h', 124, at => '2025-01-03')$$, 'error LY007'),
('S17 50 + 73 held, capture 100: 23 free', $$capture('order', 'h', 'h', 100, at => '2025-01-03')$$, '-100 to 23, 23 usable'),
('S17 capture takes the first of its slices, the rest is free', $$free('order')$$, '{23 until 2025-12-31 earned 2025-01-01}'),
('S17 by the same posting', $$trail('order', 2)$$, 'hold 0, capture -100'),
('S17 capture ends it', $$(SELECT count(*) FROM loyalty.hold WHERE account_id = (account_of('order')).id)$$, '0'),
('S17 it cannot be released any more', $$release('order', 'h', 'h', at => '2025-01-04')$$, 'error LY007'),
('S17 a spend is not a hold', $$capture('order', 'w1', 'w1', at => '2025-01-04')$$, 'error LY006'),
('S17 an unknown hold', $$release('order', 'nothing', 'nothing', at => '2025-01-04')$$, 'error LY006'),
-- over at its end
('S17 100', $$award('end', 100, 'w', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S17 until noon', $$hold('end', 100, 'h', until => '2025-01-02 12:00', at => '2025-01-01')$$, '0 to 100, 0 usable'),
('S17 not usable a microsecond before its end', $$spend('end', 1, 's', at => '2025-01-02 11:59:59.999999')$$, 'error LY001'),
('S17 over at its end, not after it: no capture', $$capture('end', 'h', 'h', at => '2025-01-02 12:00')$$, 'error LY007'),
('S17 nor a release', $$release('end', 'h', 'h', at => '2025-01-02 12:00')$$, 'error LY007'),
('S17 free at its end though no job has run', $$spend('end', 1, 's', at => '2025-01-02 12:00')$$, '-1 to 99, 99 usable'),
('S17 the journal dates the lapse to the end', $$trail('end', 2, true)$$, 'release 0 2025-01-02 12:00:00, spend -1 2025-01-02 12:00:00'),
('S17 a capture a microsecond before', $$hold('end', 9, 'h2', until => '2025-01-03', at => '2025-01-02 13:00')$$, '0 to 99, 90 usable'),
('S17 is in time', $$capture('end', 'h2', 'h2', at => '2025-01-02 23:59:59.999999')$$, '-9 to 90, 90 usable'),
-- past the end of its lots
('S17 until 5 January', $$award('late', 100, 'w', expires_on => '2025-01-05', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S17 held on the 4th', $$hold('late', 100, 'h', at => '2025-01-04')$$, '0 to 100, 0 usable'),
('S17 still held after its lot has ended', $$stand('late', '2025-01-08')$$, '100 = 0 usable + 0 pending + 100 held - 0 debt'),
('S17 a held lot past its expiry can still be captured; the rest expires', $$capture('late', 'h', 'h', 60, at => '2025-01-08')$$, '-60 to 0, 0 usable; 40 expired'),
('S17 in an entry of its own, dated to that moment', $$trail('late', 2, true)$$, 'capture -60 2025-01-08 00:00:00, expire -40 2025-01-08 00:00:00'),
('S17 the same', $$award('freed', 100, 'w', expires_on => '2025-01-05', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S17 held', $$hold('freed', 100, 'h', at => '2025-01-04')$$, '0 to 100, 0 usable'),
('S17 what a release frees after its date expires at once', $$release('freed', 'h', 'h', at => '2025-01-08')$$, '0 to 0, 0 usable; 100 expired'),
('S17 the same', $$award('lapse', 100, 'w', expires_on => '2025-01-05', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S17 held for 7 days, the program''s limit', $$hold('lapse', 100, 'h', at => '2025-01-04')$$, '0 to 100, 0 usable'),
('S17 a hold has an end', $$(posted('lapse', 'h')).until$$, '2025-01-11 00:00:00+00'),
('S17 held to the last microsecond', $$stand('lapse', '2025-01-10 23:59:59.999999')$$, '100 = 0 usable + 0 pending + 100 held - 0 debt'),
('S17 what a lapse frees after its date is gone at once', $$stand('lapse', '2025-01-11')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt'),
('S17 settled', $$settle('lapse', at => '2025-02-01')$$, '2'),
('S17 both dated to the hold''s end', $$trail('lapse', 2, true)$$, 'release 0 2025-01-11 00:00:00, expire -100 2025-01-11 00:00:00'),
-- limits
('S17 100', $$award('limits', 100, 'w', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S17 longer than the program''s limit: refused', $$hold('limits', 10, 'h', until => '2025-01-08 00:00:01', at => '2025-01-01')$$, 'error LY008'),
('S17 as long as the limit', $$hold('limits', 10, 'h', until => '2025-01-08', at => '2025-01-01')$$, '0 to 100, 90 usable'),
('S17 that ends before it begins: refused', $$hold('limits', 10, 'h2', until => '2025-01-01', at => '2025-01-01')$$, 'error 22023'),
('S17 more than is usable: refused', $$hold('limits', 91, 'h2', at => '2025-01-01')$$, 'error LY001'),
('S17 a hold without end is an operator''s', $$hold('limits', 10, 'h3', until => 'infinity', at => '2025-01-01')$$, '0 to 100, 80 usable'),
('S17 it does not lapse', $$stand('limits', '2026-10-01')$$, '100 = 90 usable + 0 pending + 10 held - 0 debt'),
('S17 30 of one lot', $$award('two', 30, 'w', at => '2025-01-01')$$, '+30 to 30, 30 usable'),
('S17 two holds: the first', $$hold('two', 10, 'h1', at => '2025-01-01')$$, '0 to 30, 20 usable'),
('S17 two holds: the second', $$hold('two', 20, 'h2', at => '2025-01-01')$$, '0 to 30, 0 usable'),
('S17 each is ended by its own ref', $$release('two', 'h1', 'h1', at => '2025-01-02')$$, '0 to 30, 10 usable'),
('S17 the other stays', $$capture('two', 'h2', 'h2', at => '2025-01-02')$$, '-20 to 10, 10 usable')
) AS v(what, call, want);

-- S18: transfers ----------------------------------------------------------------------------------------
SELECT shop('s18', '{}', '{a,b,indebted,poor,fast,slow,undated}', '2024-01-01');
SELECT t(what, call, want) FROM (VALUES
('S18 30 until June', $$award('a', 30, 'w1', expires_on => '2025-06-30', at => '2025-01-01')$$, '+30 to 30, 30 usable'),
('S18 50 until December', $$award('a', 50, 'w2', expires_on => '2025-12-31', at => '2025-01-02')$$, '+50 to 80, 80 usable'),
('S18 transfer 40', $$transfer('a', 'b', 40, 't1', at => '2025-02-01')$$, '-40 to 40, 40 usable'),
('S18 slices of usable lots in order of use, with their fields', $$free('b')$$, '{30 until 2025-06-30 earned 2025-01-01; 10 until 2025-12-31 earned 2025-01-02}'),
('S18 the sender keeps the rest', $$free('a')$$, '{40 until 2025-12-31 earned 2025-01-02}'),
('S18 two entries, neither an earning', $$(SELECT concat(trail('a', 1), ', ', trail('b', 1)))$$, 'transfer_out -40, transfer_in +40'),
('S18 the receiver''s entry names sender and ref', $$(SELECT concat(e.of_ref, ' ', e.counterparty_id = (account_of('a')).id, ' ', e.ref IS NULL)
	FROM loyalty.entry e WHERE e.account_id = (account_of('b')).id AND e.kind::text = 'transfer_in')$$, 't1 t t'),
('S18 the sender''s entry names the receiver', $$(posted('a', 't1')).counterparty_id = (account_of('b')).id$$, 'true'),
('S18 it occupies none of the receiver''s refs', $$spend('b', 5, 't1', at => '2025-02-02')$$, '-5 to 35, 35 usable'),
('S18 to oneself: refused', $$transfer('a', 'a', 1, 't2', at => '2025-02-02')$$, 'error LY011'),
('S18 more than is usable: refused', $$transfer('a', 'b', 41, 't2', at => '2025-02-02')$$, 'error LY001'),
('S18 to somebody unknown: refused', $$transfer('a', 'nobody', 1, 't2', at => '2025-02-02')$$, 'error LY004'),
('S18 a receiver in debt', $$adjust('indebted', -30, 'j', allow_debt => true, at => '2025-02-01')$$, '-30 to -30, 0 usable, 30 debt'),
('S18 is sent 40', $$transfer('a', 'indebted', 40, 't3', at => '2025-02-03')$$, '-40 to 0, 0 usable'),
('S18 it pays the receiver''s debt', $$free('indebted')$$, '{10 until 2025-12-31 earned 2025-01-02}'),
('S18 a sender with pending points', $$award('poor', 30, 'w', pending => true, at => '2025-02-01')$$, '+30 to 30, 0 usable'),
('S18 cannot send them', $$transfer('poor', 'b', 1, 't', at => '2025-02-02')$$, 'error LY001'),
('S18 a sender in debt', $$adjust('poor', -5, 'j', allow_debt => true, at => '2025-02-02')$$, '-5 to 25, 0 usable, 5 debt'),
('S18 cannot send', $$transfer('poor', 'b', 1, 't', at => '2025-02-02')$$, 'error LY011'),
-- both act at the later of at and both clocks
('S18 10 until 15 February', $$award('slow', 10, 'w1', expires_on => '2025-02-15', at => '2025-01-01')$$, '+10 to 10, 10 usable'),
('S18 90 without end', $$award('slow', 90, 'w2', at => '2025-01-01')$$, '+90 to 100, 100 usable'),
('S18 the receiver''s clock is ahead', $$award('fast', 1, 'w', at => '2025-03-01')$$, '+1 to 1, 1 usable'),
('S18 what is gone by the receiver''s clock cannot be sent', $$transfer('slow', 'fast', 95, 't', at => '2025-02-10')$$, 'error LY001'),
('S18 what is there can', $$transfer('slow', 'fast', 90, 't', at => '2025-02-10')$$, '-90 to 0, 0 usable'),
('S18 both entries are dated `at` and act at the later clock', $$(SELECT string_agg(concat(to_char(at, 'MM-DD'), ' by ', to_char(clock, 'MM-DD')), ', ')
	FROM loyalty.entry WHERE kind::text LIKE 'transfer%' AND account_id IN ((account_of('slow')).id, (account_of('fast')).id))$$, '02-10 by 03-01, 02-10 by 03-01'),
('S18 the sender was settled to there', $$trail('slow', 2)$$, 'expire -10, transfer_out -90')
) AS v(what, call, want);
SELECT shop('s18.fee', '{"transfer_fee": 5}');
SELECT t(what, call, want) FROM (VALUES
('S18 fee: 42 that end first', $$award('a', 42, 'w1', expires_on => '2025-06-30', at => '2025-01-01')$$, '+42 to 42, 42 usable'),
('S18 fee: 58 without end', $$award('a', 58, 'w2', at => '2025-01-01')$$, '+58 to 100, 100 usable'),
('S18 fee on top', $$transfer('a', 'b', 40, 't1', at => '2025-02-01')$$, '-45 to 55, 55 usable'),
('S18 fee: the first slices go over, the next are burnt', $$free('a')$$, '{55 until never earned 2025-01-01}'),
('S18 fee: the receiver gets what was sent', $$free('b')$$, '{40 until 2025-06-30 earned 2025-01-01}'),
('S18 fee: it is in the entry', $$(posted('a', 't1')).fee$$, '5'),
('S18 fee: not enough for it', $$transfer('a', 'b', 51, 't2', at => '2025-02-02')$$, 'error LY001'),
('S18 fee: just enough', $$transfer('a', 'b', 50, 't2', at => '2025-02-02')$$, '-55 to 0, 0 usable')
) AS v(what, call, want);
SELECT shop('s18.times', '{"timezone": "Asia/Tokyo", "transfers_per_year": 1}');
SELECT t(what, call, want) FROM (VALUES
('S18 times: 100', $$award('a', 100, 'w', at => '2024-01-05')$$, '+100 to 100, 100 usable'),
('S18 times: 100', $$award('b', 100, 'w', at => '2024-01-05')$$, '+100 to 100, 100 usable'),
('S18 times: the last minute of 2024 in Tokyo', $$transfer('a', 'b', 1, 't1', at => '2024-12-31 14:59Z')$$, '-1 to 99, 99 usable'),
('S18 times: a second one in that year', $$transfer('a', 'b', 1, 't2', at => '2024-12-31 14:59:30Z')$$, 'error LY008'),
('S18 times: the limit is the sender''s', $$transfer('b', 'a', 1, 't2', at => '2024-12-31 14:59:30Z')$$, '-1 to 100, 100 usable'),
('S18 times: 2025 in Tokyo', $$transfer('a', 'b', 1, 't2', at => '2024-12-31 15:00Z')$$, '-1 to 99, 99 usable'),
('S18 times: a second one in 2025', $$transfer('a', 'b', 1, 't3', at => '2025-12-31 14:59Z')$$, 'error LY008')
) AS v(what, call, want);
SELECT shop('s18.points', '{"points_per_transfer_year": 100, "transfer_fee": 5}');
SELECT t(what, call, want) FROM (VALUES
('S18 points: 500', $$award('a', 500, 'w', at => '2025-01-01')$$, '+500 to 500, 500 usable'),
('S18 points: 60 of 100', $$transfer('a', 'b', 60, 't1', at => '2025-02-01')$$, '-65 to 435, 435 usable'),
('S18 points: 41 more', $$transfer('a', 'b', 41, 't2', at => '2025-02-02')$$, 'error LY008'),
('S18 points: 40 more, fees not counted', $$transfer('a', 'b', 40, 't2', at => '2025-02-02')$$, '-45 to 390, 390 usable'),
('S18 points: the next year', $$transfer('a', 'b', 100, 't3', at => '2026-01-01')$$, '-105 to 285, 285 usable')
) AS v(what, call, want);
SELECT shop('s18.new', '{"transfer_membership_days": 30}', '{a,b}', '2025-01-01');
SELECT t(what, call, want) FROM (VALUES
('S18 membership: 10', $$award('a', 10, 'w', at => '2025-01-01')$$, '+10 to 10, 10 usable'),
('S18 membership: on the 29th day', $$transfer('a', 'b', 1, 't', at => '2025-01-30 23:59')$$, 'error LY008'),
('S18 membership: on the 30th', $$transfer('a', 'b', 1, 't', at => '2025-01-31 00:00')$$, '-1 to 9, 9 usable')
) AS v(what, call, want);
SELECT shop('s18.fresh', '{"transfer_usable_days": 10}');
SELECT t(what, call, want) FROM (VALUES
('S18 days usable: 10', $$award('a', 10, 'w1', at => '2025-01-01')$$, '+10 to 10, 10 usable'),
('S18 days usable: 10 more, that end first', $$award('a', 10, 'w2', expires_on => '2025-12-31', at => '2025-01-05')$$, '+10 to 20, 20 usable'),
('S18 days usable: on the 10th', $$transfer('a', 'b', 1, 't', at => '2025-01-10')$$, 'error LY001|LY008'),
('S18 days usable: more than are old enough', $$transfer('a', 'b', 11, 't', at => '2025-01-11')$$, 'error LY001|LY008'),
('S18 days usable: those that are old enough', $$transfer('a', 'b', 4, 't', at => '2025-01-11')$$, '-4 to 16, 16 usable'),
('S18 days usable: no others', $$free('a')$$, '{10 until 2025-12-31 earned 2025-01-05; 6 until never earned 2025-01-01}')
) AS v(what, call, want);
SELECT shop('s18.cap', '{"balance_cap": 100}');
SELECT t(what, call, want) FROM (VALUES
('S18 cap: 100', $$award('a', 100, 'w', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S18 cap: 70', $$award('b', 70, 'w', at => '2025-01-01')$$, '+70 to 70, 70 usable'),
('S18 over the receiver''s cap: refused', $$transfer('a', 'b', 31, 't', at => '2025-01-02')$$, 'error LY008'),
('S18 up to it', $$transfer('a', 'b', 30, 't', at => '2025-01-02')$$, '-30 to 70, 70 usable'),
('S18 across programs nobody is known', $$(SELECT got($q$transfer('a', 'undated', 1, 't2', at => '2025-01-03')$q$) LIKE 'error LY004%')$$, 'true')
) AS v(what, call, want);
SELECT shop('s18.undated', '{"expiry": "12 months inactive"}', '{a,b}', '2024-01-01');
SELECT t(what, call, want) FROM (VALUES
('S18 undated points', $$award('a', 10, 'w', at => '2024-02-01')$$, '+10 to 10, 10 usable'),
('S18 are sent', $$transfer('a', 'b', 10, 't', at => '2024-03-01')$$, '-10 to 0, 0 usable'),
('S18 and stay undated', $$free('b')$$, '{10 until inactive earned 2024-02-01}'),
('S18 they end with the receiver''s activity', $$(account_of('b')).inactive_on$$, '2025-03-01')
) AS v(what, call, want);

-- S19: freezing -------------------------------------------------------------------------------------------
-- One member a mode, each with what every call needs; then every call, taken back.
SELECT shop('s19', '{}', '{spending,earning,all,never,other}', '2024-01-01');
SELECT t(format('S19 %s is prepared: %s', who, split_part(call, '(', 1)), replace(call, '#', who), want)
FROM unnest('{spending,earning,all,never}'::text[]) AS who, (VALUES
(1, $$award('#', 100, 'w', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
(2, $$purchase('#', 50.00, 'p', at => '2025-01-01')$$, '+50 to 150, 150 usable'),
(3, $$award('#', 7, 'pending', pending => true, at => '2025-01-01')$$, '+7 to 157, 150 usable'),
(4, $$award('#', 9, 'gone', expires_on => '2025-01-02', at => '2025-01-01')$$, '+9 to 166, 159 usable'),
(5, $$spend('#', 20, 's', at => '2025-01-03')$$, '-20 to 137, 130 usable'),
(6, $$hold('#', 10, 'h', at => '2025-01-03')$$, '0 to 137, 120 usable')
) AS v(n, call, want) ORDER BY who, n;
SELECT t('S19 freeze ' || mode, format($$freeze(%L, %1$L, 'f', 'suspicion', at => '2025-01-04')$$, mode), '0 to 137, 120 usable')
FROM unnest('{spending,earning,all}'::text[]) AS mode;
SELECT t('S19 100 for the others', $$award('other', 100, 'w', at => '2025-01-01')$$, '+100 to 100, 100 usable');
SELECT t(format('S19 frozen %s: %s is %s', mode, what, CASE answer WHEN 'ok' THEN 'done' ELSE 'refused' END),
	format('dry(%L)', replace(call, '#', mode)), answer)
FROM (VALUES
('spend', $$spend('#', 1, 'x', at => '2025-01-05')$$, '{LY002,ok,LY002,ok}'::text[]),
('hold', $$hold('#', 1, 'x', at => '2025-01-05')$$, '{LY002,ok,LY002,ok}'),
('capture', $$capture('#', 'h', 'h', at => '2025-01-05')$$, '{LY002,ok,LY002,ok}'),
('purchase', $$purchase('#', 1.00, 'x', at => '2025-01-05')$$, '{ok,LY002,LY002,ok}'),
('award', $$award('#', 1, 'x', at => '2025-01-05')$$, '{ok,LY002,LY002,ok}'),
('a transfer from', $$transfer('#', 'other', 1, 'x', at => '2025-01-05')$$, '{LY002,LY002,LY002,ok}'),
('a transfer to', $$transfer('other', '#', 1, 'x', at => '2025-01-05')$$, '{LY002,LY002,LY002,ok}'),
('refund', $$refund('#', 'p', 'x', at => '2025-01-05')$$, '{ok,ok,ok,ok}'),
('cancel', $$cancel('#', 's', 'x', at => '2025-01-05')$$, '{ok,ok,ok,ok}'),
('release', $$release('#', 'h', 'h', at => '2025-01-05')$$, '{ok,ok,ok,ok}'),
('confirm', $$confirm('#', 'pending', 'pending', at => '2025-01-05')$$, '{ok,ok,ok,ok}'),
('adjust up', $$adjust('#', 1, 'x', at => '2025-01-05')$$, '{ok,ok,ok,ok}'),
('adjust down', $$adjust('#', -1, 'x', at => '2025-01-05')$$, '{ok,ok,ok,ok}'),
('extend', $$extend('#', '2026-12-31', 'x', at => '2025-01-05')$$, '{ok,ok,ok,ok}'),
('settle', $$settle('#', at => '2025-02-05')$$, '{ok,ok,ok,ok}'),
('unfreeze', $$unfreeze('#', 'x', at => '2025-01-05')$$, '{ok,ok,ok,LY007}')
) AS v(what, call, answers), unnest('{spending,earning,all,never}'::text[], answers) AS w(mode, code),
LATERAL (SELECT CASE code WHEN 'ok' THEN 'ok' ELSE 'error ' || code END) AS x(answer);
SELECT t(what, call, want) FROM (VALUES
('S19 what falls due goes on in a frozen account', $$stand('all', '2025-02-05')$$, '137 = 130 usable + 7 pending + 0 held - 0 debt'),
('S19 the entry has reason and actor', $$(SELECT concat(reason, ' ', actor IS NOT NULL, ' ', mode) FROM posted('all', 'f'))$$, 'suspicion t all'),
('S19 a freeze replaces the one in force', $$freeze('all', 'earning', 'f2', at => '2025-01-06')$$, '0 to 137, 120 usable'),
('S19 spending is free again', $$spend('all', 1, 's2', at => '2025-01-06')$$, '-1 to 136, 119 usable'),
('S19 earning is not', $$award('all', 1, 'w2', at => '2025-01-06')$$, 'error LY002'),
('S19 unfreeze', $$unfreeze('all', 'u1', 'cleared', at => '2025-01-07')$$, '0 to 136, 119 usable'),
('S19 earning is free again', $$award('all', 1, 'w2', at => '2025-01-07')$$, '+1 to 137, 120 usable'),
('S19 there is nothing to unfreeze', $$unfreeze('all', 'u2', at => '2025-01-07')$$, 'error LY007'),
('S19 a freeze with an end', $$freeze('all', 'all', 'f3', until => '2025-01-08 12:00', at => '2025-01-07')$$, '0 to 137, 120 usable'),
('S19 in force to the last microsecond', $$spend('all', 1, 's3', at => '2025-01-08 11:59:59.999999')$$, 'error LY002'),
('S19 over at its end though no job has run', $$spend('all', 1, 's3', at => '2025-01-08 12:00')$$, '-1 to 136, 119 usable'),
('S19 the journal dates the end', $$trail('all', 2, true)$$, 'unfreeze 0 2025-01-08 12:00:00, spend -1 2025-01-08 12:00:00'),
('S19 a freeze that ends before it begins: refused', $$freeze('all', 'all', 'f4', until => '2025-01-09', at => '2025-01-09')$$, 'error 22023'),
('S19 points can be frozen: an operator''s hold without end', $$hold('never', 50, 'frozen', until => 'infinity', reason => 'dispute', at => '2025-01-05')$$, '0 to 137, 70 usable'),
('S19 frozen points stay so', $$stand('never', '2026-10-01')$$, '137 = 80 usable + 7 pending + 50 held - 0 debt'),
('S19 until they are released', $$release('never', 'frozen', 'frozen', at => '2025-06-01')$$, '0 to 137, 130 usable')
) AS v(what, call, want);

SELECT sound();
SELECT finish();
ROLLBACK;
