-- S6 lots · S7 order of use · S8 expiry · S9 corrections and mending · S10 pending · S11 debt
\ir setup.psql

-- S6: every credit makes a lot; lots equal in the four fields are one ---------------------------
SELECT shop('s6', '{"expiry": "12 months"}');
SELECT t(what, call, want) FROM (VALUES
('S6 an award makes a lot', $$award('a', 100, 'w1', at => '2025-01-01 09:00')$$, '+100 to 100, 100 usable'),
('S6 another of that day joins it', $$award('a', 50, 'w2', at => '2025-01-01 18:00')$$, '+50 to 150, 150 usable'),
('S6 they are one lot', $$free('a')$$, '{150 until 2026-01-01 earned 2025-01-01}'),
('S6 a purchase of the next day', $$purchase('a', 7.00, 'p1', at => '2025-01-02 10:00')$$, '+7 to 157, 157 usable'),
('S6 a correction up joins the lot of its day', $$adjust('a', 5, 'j1', at => '2025-01-02 11:00')$$, '+5 to 162, 162 usable'),
('S6 the same end, earned on another day, is another lot', $$award('a', 3, 'w3', expires_on => '2026-01-01', at => '2025-01-02 12:00')$$, '+3 to 165, 165 usable'),
('S6 pending is another lot', $$award('a', 9, 'w4', pending => true, at => '2025-01-02 13:00')$$, '+9 to 174, 165 usable'),
('S6 three lots and a pending one', $$free('a')$$,
	'{150 until 2026-01-01 earned 2025-01-01; 3 until 2026-01-01 earned 2025-01-02; 12 until 2026-01-02 earned 2025-01-02; 9 until never earned 2025-01-02 pending}'),
('S6 the entry stores the lot that it made', $$(posted('a', 'p1')).gained$$, '{7 until 2026-01-02 earned 2025-01-02}')
) AS v(what, call, want);

-- S7: order of use ----------------------------------------------------------------------------
SELECT shop('s7');
SELECT t(what, call, want) FROM (VALUES
('S7 never-expiring, earned first', $$award('a', 100, 'never', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S7 until December', $$award('a', 50, 'december', expires_on => '2025-12-31', at => '2025-01-02')$$, '+50 to 150, 150 usable'),
('S7 until June, earned last', $$award('a', 30, 'june', expires_on => '2025-06-30', at => '2025-01-03')$$, '+30 to 180, 180 usable'),
('S7 spend over three', $$spend('a', 90, 's1', at => '2025-01-04')$$, '-90 to 90, 90 usable'),
('S7 the debit stores what it took of which lot, in order of use', $$(posted('a', 's1')).taken$$,
	'{30 until 2025-06-30 earned 2025-01-03; 50 until 2025-12-31 earned 2025-01-02; 10 until never earned 2025-01-01}'),
('S7 what is left', $$free('a')$$, '{90 until never earned 2025-01-01}'),
('S7 an equal end: arrives first', $$award('b', 10, 'w1', expires_on => '2025-12-31', at => '2025-01-05')$$, '+10 to 10, 10 usable'),
('S7 an equal end: earned first, arrives later', $$award('b', 10, 'w2', expires_on => '2025-12-31', at => '2025-01-03')$$, '+10 to 20, 20 usable'),
('S7 spend five', $$spend('b', 5, 's1', at => '2025-01-06')$$, '-5 to 15, 15 usable'),
('S7 of an equal end the one earned first goes first', $$(posted('b', 's1')).taken$$, '{5 until 2025-12-31 earned 2025-01-03}')
) AS v(what, call, want);
SELECT shop('s7.pending', '{"pending_days": 5}', '{a}');
SELECT t(what, call, want) FROM (VALUES
('S7 usable later', $$award('a', 10, 'w1', expires_on => '2025-12-31', pending => true, at => '2025-01-01')$$, '+10 to 10, 0 usable'),
('S7 usable at once', $$award('a', 10, 'w2', expires_on => '2025-12-31', at => '2025-01-01')$$, '+10 to 20, 10 usable'),
('S7 spend over both', $$spend('a', 15, 's1', at => '2025-01-10')$$, '-15 to 5, 5 usable'),
('S7 of equal end and earning the one usable first goes first', $$(posted('a', 's1')).taken$$,
	'{10 until 2025-12-31 earned 2025-01-01; 5 until 2025-12-31 earned 2025-01-01 usable 2025-01-06}')
) AS v(what, call, want);
SELECT t('S7 ' || what, format('lots_take(%L, %s, %L)',
	'{10 until 2025-06-30 earned 2025-01-01; 10 until 2025-06-30 earned 2025-01-01 usable 2025-01-05; 10 until 2025-06-30 earned 2025-01-01 usable 2025-01-05 issuer 3; 10 until 2025-06-30 earned 2025-01-02; 10 until inactive earned 2024-01-01; 10 until never earned 2023-01-01}',
	points, on_date), want)
FROM (VALUES
('the four fields in their order, issuer last', 35, '2025-01-10', '{10 until 2025-06-30 earned 2025-01-01; 10 until 2025-06-30 earned 2025-01-01 usable 2025-01-05; 10 until 2025-06-30 earned 2025-01-01 usable 2025-01-05 issuer 3; 5 until 2025-06-30 earned 2025-01-02}'),
('undated after all dates, never last', 55, '2025-06-30', '{10 until 2025-06-30 earned 2025-01-01; 10 until 2025-06-30 earned 2025-01-01 usable 2025-01-05; 10 until 2025-06-30 earned 2025-01-01 usable 2025-01-05 issuer 3; 10 until 2025-06-30 earned 2025-01-02; 10 until inactive earned 2024-01-01; 5 until never earned 2023-01-01}'),
('what is not usable yet is passed over', 25, '2025-01-04', '{10 until 2025-06-30 earned 2025-01-01; 10 until 2025-06-30 earned 2025-01-02; 5 until inactive earned 2024-01-01}'),
('what has ended is passed over', 15, '2025-07-01', '{10 until inactive earned 2024-01-01; 5 until never earned 2023-01-01}')
) AS v(what, points, on_date, want);

-- S8: expires_on, a table of values -------------------------------------------------------------
SELECT t(format('S8 %s, earned %s: %s', policy, earned, ends), format('expires_on(%L, %L)', policy, earned), ends)
FROM (VALUES
('never', '2025-01-01', 'null'),
('0 days', '2025-03-15', '2025-03-15'),
('1 days', '2024-02-28', '2024-02-29'),
('1 days', '2025-02-28', '2025-03-01'),
('1 days', '2024-12-31', '2025-01-01'),
('30 days', '2025-01-31', '2025-03-02'),
('30 days', '2024-01-31', '2024-03-01'),
('90 days', '2025-01-01', '2025-04-01'),
('365 days', '2024-01-01', '2024-12-31'),
('365 days', '2025-01-01', '2026-01-01'),
('0 months', '2025-03-31', '2025-03-31'),
('1 months', '2025-01-31', '2025-02-28'),
('1 months', '2024-01-31', '2024-02-29'),
('1 months', '2025-03-31', '2025-04-30'),
('6 months', '2025-08-31', '2026-02-28'),
('6 months', '2023-08-31', '2024-02-29'),
('12 months', '2024-02-29', '2025-02-28'),
('12 months', '2024-02-28', '2025-02-28'),
('12 months', '2023-02-28', '2024-02-28'),
('36 months', '2024-02-29', '2027-02-28'),
('48 months', '2024-02-29', '2028-02-29'),
('18 months', '2025-01-31', '2026-07-31'),
('24 months', '2025-12-31', '2027-12-31'),
('0 months to end of month', '2025-02-10', '2025-02-28'),
('0 months to end of month', '2025-02-28', '2025-02-28'),
('0 months to end of month', '2024-02-01', '2024-02-29'),
('6 months to end of month', '2010-12-01', '2011-06-30'),
('6 months to end of month', '2011-07-01', '2012-01-31'),
('6 months to end of month', '2025-08-31', '2026-02-28'),
('12 months to end of month', '2024-02-29', '2025-02-28'),
('12 months to end of month', '2023-02-10', '2024-02-29'),
('1 months to end of month', '2025-11-30', '2025-12-31'),
('0 days to end of month', '2025-04-30', '2025-04-30'),
('30 days to end of month', '2025-01-31', '2025-03-31'),
('0 months to end of quarter', '2025-01-01', '2025-03-31'),
('0 months to end of quarter', '2025-03-31', '2025-03-31'),
('0 months to end of quarter', '2025-04-01', '2025-06-30'),
('3 months to end of quarter', '2025-08-15', '2025-12-31'),
('3 months to end of quarter', '2025-06-30', '2025-09-30'),
('12 months to end of quarter', '2025-11-30', '2026-12-31'),
('90 days to end of quarter', '2025-01-01', '2025-06-30'),
('0 months to end of half-year', '2025-06-30', '2025-06-30'),
('0 months to end of half-year', '2025-07-01', '2025-12-31'),
('6 months to end of half-year', '2025-01-15', '2025-12-31'),
('6 months to end of half-year', '2024-12-31', '2025-06-30'),
('12 months to end of half-year', '2025-03-03', '2026-06-30'),
('0 months to end of year', '2025-12-31', '2025-12-31'),
('12 months to end of year', '2025-01-01', '2026-12-31'),
('12 months to end of year', '2025-12-31', '2026-12-31'),
('24 months to end of year', '2024-02-29', '2026-12-31'),
('365 days to end of year', '2024-01-01', '2024-12-31'),
('366 days to end of year', '2024-01-01', '2025-12-31'),
('12 months to next 03-01', '2024-03-01', '2025-03-01'),
('12 months to next 03-01', '2024-03-02', '2026-03-01'),
('12 months to next 03-01', '2024-02-29', '2025-03-01'),
('6 months to next 06-30 12-31', '2025-01-01', '2025-12-31'),
('6 months to next 06-30 12-31', '2024-12-31', '2025-06-30'),
('6 months to next 06-30 12-31', '2025-06-30', '2025-12-31'),
('6 months to next 06-30 12-31', '2025-07-01', '2026-06-30'),
('0 days to next 01-01', '2025-01-01', '2025-01-01'),
('0 days to next 01-01', '2025-01-02', '2026-01-01'),
('end of year', '2025-01-01', '2025-12-31'),
('end of year', '2025-12-31', '2025-12-31'),
('end of year + 0', '2025-06-15', '2025-12-31'),
('end of year + 1', '2025-06-15', '2026-12-31'),
('end of year + 1', '2025-12-31', '2026-12-31'),
('end of year + 1', '2026-01-08', '2027-12-31'),
('end of year + 3', '2024-02-29', '2027-12-31'),
('each 06-30 12-31', '2025-01-01', '2025-06-30'),
('each 06-30 12-31', '2025-06-30', '2025-06-30'),
('each 06-30 12-31', '2025-07-01', '2025-12-31'),
('each 06-30 12-31', '2025-12-31', '2025-12-31'),
('each 03-01', '2025-03-02', '2026-03-01'),
('each 03-01', '2024-02-29', '2024-03-01'),
('each 01-01 04-01 07-01 10-01', '2025-10-02', '2026-01-01'),
('12 months inactive', '2024-02-29', '2025-02-28'),
('18 months inactive', '2025-01-31', '2026-07-31'),
('6 months inactive', '2025-08-31', '2026-02-28')
) AS v(policy, earned, ends);

SELECT t('S8 written as read: ' || policy, format('%L::loyalty.expiry', policy), policy)
FROM unnest('{never,12 months,90 days,12 months to end of month,6 months to end of half-year,12 months to next 03-01,end of year + 1,each 06-30 12-31,18 months inactive}'::text[]) AS policy;
SELECT t('S8 no policy: ' || quote_literal(policy), format('%L::loyalty.expiry', policy), 'error 22P02|22003|22008')
FROM unnest('{"",sometimes,"-1 days","1.5 months",months,"12 months to end of","12 months to end of week","12 months to next","12 months to next 13-01",each,"each 02-30","each 00-10","each 6","end of year + -1","end of year - 1","12 months inactive to end of month","12 months x","99999999999999 days","never never",NaN months}'::text[]) AS policy;

-- S8: the last day ends at the first instant of the next, in the program's zone ------------------
SELECT shop('s8.havana', '{"timezone": "America/Havana"}');
SELECT t(what, call, want) FROM (VALUES
('S8 Havana: until 1 Nov 2025', $$award('a', 100, 'w', expires_on => '2025-11-01', at => '2025-10-01 12:00Z')$$, '+100 to 100, 100 usable'),
('S8 Havana: there a microsecond before 04:00Z', $$stand('a', '2025-11-02 03:59:59.999999Z')$$, '100 = 100 usable + 0 pending + 0 held - 0 debt'),
('S8 Havana: gone at 04:00Z, no job has run', $$stand('a', '2025-11-02 04:00Z')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt'),
('S8 Havana: gone in the hour that comes twice', $$stand('a', '2025-11-02 05:30Z')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt'),
('S8 Havana: cannot be spent at 04:00Z', $$spend('a', 1, 's', at => '2025-11-02 04:00Z')$$, 'error LY001'),
('S8 Havana: can be spent a microsecond before', $$spend('a', 1, 's', at => '2025-11-02 03:59:59.999999Z')$$, '-1 to 99, 99 usable'),
('S8 Havana: settled, one entry', $$settle('a', at => '2025-11-20 00:00Z')$$, '1'),
('S8 Havana: dated 04:00Z', $$trail('a', 1, true)$$, 'expire -99 2025-11-02 04:00:00')
) AS v(what, call, want);
SELECT shop('s8.beirut', '{"timezone": "Asia/Beirut"}');
SELECT t(what, call, want) FROM (VALUES
('S8 Beirut: until 29 March 2025', $$award('a', 100, 'w', expires_on => '2025-03-29', at => '2025-03-01 12:00Z')$$, '+100 to 100, 100 usable'),
('S8 Beirut: there a microsecond before 22:00Z', $$stand('a', '2025-03-29 21:59:59.999999Z')$$, '100 = 100 usable + 0 pending + 0 held - 0 debt'),
('S8 Beirut: gone at 22:00Z', $$stand('a', '2025-03-29 22:00Z')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt'),
('S8 Beirut: cannot be spent at 22:00Z', $$spend('a', 1, 's', at => '2025-03-29 22:00Z')$$, 'error LY001'),
('S8 Beirut: settled, one entry', $$settle('a', at => '2025-04-20 00:00Z')$$, '1'),
('S8 Beirut: dated 22:00Z', $$trail('a', 1, true)$$, 'expire -100 2025-03-29 22:00:00')
) AS v(what, call, want);
SELECT shop('s8.apia', '{"timezone": "Pacific/Apia"}', '{a}', '2010-01-01');
SELECT t(what, call, want) FROM (VALUES
('S8 Apia had no 30 Dec 2011: a lot until the 29th', $$award('a', 5, 'w1', expires_on => '2011-12-29', at => '2011-12-01')$$, '+5 to 5, 5 usable'),
('S8 Apia: a lot until the day that never was', $$award('a', 7, 'w2', expires_on => '2011-12-30', at => '2011-12-01')$$, '+7 to 12, 12 usable'),
('S8 Apia: both there a microsecond before 10:00Z', $$stand('a', '2011-12-30 09:59:59.999999Z')$$, '12 = 12 usable + 0 pending + 0 held - 0 debt'),
('S8 Apia: earned at 10:00Z', $$award('a', 1, 'w3', at => '2011-12-30 10:00Z')$$, '+1 to 1, 1 usable'),
('S8 Apia: both gone at 10:00Z, in one entry', $$trail('a', 2, true)$$, 'expire -12 2011-12-30 10:00:00, award +1 2011-12-30 10:00:00'),
('S8 Apia: that is the 31st', $$free('a')$$, '{1 until never earned 2011-12-31}')
) AS v(what, call, want);
SELECT shop('s8.st_johns', '{"timezone": "America/St_Johns"}', '{a}', '2010-01-01');
SELECT t(what, call, want) FROM (VALUES
('S8 St John''s, clocks back over midnight: until 6 Nov 2010', $$award('a', 5, 'w1', expires_on => '2010-11-06', at => '2010-10-01')$$, '+5 to 5, 5 usable'),
('S8 St John''s: there a microsecond before 02:30Z', $$stand('a', '2010-11-07 02:29:59.999999Z')$$, '5 = 5 usable + 0 pending + 0 held - 0 debt'),
('S8 St John''s: gone at 02:30Z', $$stand('a', '2010-11-07 02:30Z')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt'),
('S8 St John''s: not back when the wall shows the 6th again', $$stand('a', '2010-11-07 02:45Z')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt'),
('S8 St John''s: what is earned then', $$award('a', 1, 'w2', at => '2010-11-07 02:45Z')$$, '+1 to 1, 1 usable'),
('S8 St John''s: is earned on the 7th', $$free('a')$$, '{1 until never earned 2010-11-07}')
) AS v(what, call, want);
SELECT shop('s8.berlin', '{"timezone": "Europe/Berlin", "expiry": "12 months"}');
SELECT t(what, call, want) FROM (VALUES
('S8 leap day: earned on 29 Feb 2024 local time', $$award('a', 8, 'w1', at => '2024-02-28 23:30Z')$$, '+8 to 8, 8 usable'),
('S8 12 months from 29 Feb 2024 end on 28 Feb 2025', $$free('a')$$, '{8 until 2025-02-28 earned 2024-02-29}'),
('S8 there to the end of that day', $$stand('a', '2025-02-28 22:59:59.999999Z')$$, '8 = 8 usable + 0 pending + 0 held - 0 debt'),
('S8 and not after', $$stand('a', '2025-02-28 23:00Z')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt'),
('S8 earned on 28 Feb 2024 local time, a minute before midnight', $$award('b', 8, 'w1', at => '2024-02-28 22:59Z')$$, '+8 to 8, 8 usable'),
('S8 is another day', $$free('b')$$, '{8 until 2025-02-28 earned 2024-02-28}'),
('S8 the zone of a program with entries cannot change', $$UPDATE loyalty.program SET timezone = 'UTC' WHERE code = 's8.berlin'$$, 'error LY012'),
('S8 another setting of it can', $$UPDATE loyalty.program SET name = 'Berlin' WHERE code = 's8.berlin'$$, '1 rows'),
('S8 the zone of a program without accounts can change', $$(SELECT after(ARRAY[$q$INSERT INTO loyalty.program (code, name) VALUES ('s8.empty', 'x')$q$], $q$UPDATE loyalty.program SET timezone = 'Asia/Tokyo' WHERE code = 's8.empty'$q$))$$, '1 rows')
) AS v(what, call, want);

-- S8: the policy is fixed when points are earned ------------------------------------------------
SELECT shop('s8.fixed', '{"expiry": "12 months"}');
SELECT t(what, call, want) FROM (VALUES
('S8 earned under 12 months', $$award('a', 10, 'w1', at => '2025-01-01')$$, '+10 to 10, 10 usable'),
('S8 the policy changes', $$UPDATE loyalty.program SET expiry = 'never' WHERE code = 's8.fixed'$$, '1 rows'),
('S8 earned later', $$award('a', 5, 'w2', at => '2025-01-01 12:00')$$, '+5 to 15, 15 usable'),
('S8 a change touches later lots only', $$free('a')$$, '{10 until 2026-01-01 earned 2025-01-01; 5 until never earned 2025-01-01}'),
('S8 the receipt tells the last day', $$(award('b', 5, 'w3', expires_on => '2025-12-24', at => '2025-01-01')).expires_on$$, '2025-12-24')
) AS v(what, call, want);
SELECT shop('s8.kept', '{"expiry": "2 months", "pending_days": null}');
SELECT t(what, call, want) FROM (VALUES
('S8 bought, until confirmed', $$purchase('a', 10.00, 'p1', at => '2025-01-01')$$, '+10 to 10, 0 usable'),
('S8 the policy changes meanwhile', $$UPDATE loyalty.program SET expiry = 'never' WHERE code = 's8.kept'$$, '1 rows'),
('S8 confirmed', $$confirm('a', 'p1', 'p1', at => '2025-03-10')$$, '0 to 10, 10 usable'),
('S8 the policy of the purchase counts, from the day of confirming', $$free('a')$$, '{10 until 2025-05-10 earned 2025-01-01 usable 2025-03-10}')
) AS v(what, call, want);

-- S8: inactivity is a date of the account ---------------------------------------------------------
CREATE FUNCTION tap.idle(who text) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT ((tap.account_of(who)).inactive_on)::text';
SELECT shop('s8.idle', '{"expiry": "12 months inactive"}', '{a,b}', '2024-01-10');
SELECT t(what, call, want) FROM (VALUES
('S8 joining counts', $$idle('a')$$, '2025-01-10'),
('S8 a purchase', $$purchase('a', 100.00, 'p1', at => '2024-03-05')$$, '+100 to 100, 100 usable'),
('S8 earning counts', $$idle('a')$$, '2025-03-05'),
('S8 an undated lot', $$free('a')$$, '{100 until inactive earned 2024-03-05}'),
('S8 a late arrival', $$purchase('a', 20.00, 'p2', at => '2024-02-01')$$, '+20 to 120, 120 usable'),
('S8 the date never moves back', $$idle('a')$$, '2025-03-05'),
('S8 an award with a date', $$award('a', 30, 'w1', expires_on => '2024-12-31', at => '2024-04-01')$$, '+30 to 150, 150 usable'),
('S8 dated lots keep their own, and go first', $$free('a')$$, '{30 until 2024-12-31 earned 2024-04-01; 20 until inactive earned 2024-02-01; 100 until inactive earned 2024-03-05}'),
('S8 an award counts', $$idle('a')$$, '2025-04-01'),
('S8 a spend', $$spend('a', 10, 's1', at => '2024-05-01')$$, '-10 to 140, 140 usable'),
('S8 spending counts', $$idle('a')$$, '2025-05-01'),
('S8 a return', $$refund('a', 'p2', 'r1', at => '2024-05-10')$$, '-20 to 120, 120 usable; due 20, 20 taken'),
('S8 returning does not count', $$idle('a')$$, '2025-05-01'),
('S8 a cancel', $$cancel('a', 's1', 'c1', at => '2024-05-20')$$, '+10 to 130, 130 usable'),
('S8 cancelling does not count', $$idle('a')$$, '2025-05-01'),
('S8 a hold', $$hold('a', 10, 'h1', at => '2024-05-21')$$, '0 to 130, 120 usable'),
('S8 its release', $$release('a', 'h1', 'h1', at => '2024-05-22')$$, '0 to 130, 130 usable'),
('S8 holding and releasing do not count', $$idle('a')$$, '2025-05-01'),
('S8 another hold', $$hold('a', 10, 'h2', at => '2024-05-30')$$, '0 to 130, 120 usable'),
('S8 its capture', $$capture('a', 'h2', 'h2', at => '2024-06-01')$$, '-10 to 120, 120 usable'),
('S8 capturing counts', $$idle('a')$$, '2025-06-01'),
('S8 a correction up', $$adjust('a', 1, 'j1', at => '2024-07-01')$$, '+1 to 121, 121 usable'),
('S8 a correction up counts', $$idle('a')$$, '2025-07-01'),
('S8 a correction down', $$adjust('a', -1, 'j2', at => '2024-07-02')$$, '-1 to 120, 120 usable'),
('S8 a correction down does not count', $$idle('a')$$, '2025-07-01'),
('S8 freezing', $$freeze('a', 'all', 'f1', at => '2024-07-03')$$, '0 to 120, 120 usable'),
('S8 unfreezing', $$unfreeze('a', 'u1', at => '2024-07-04')$$, '0 to 120, 120 usable'),
('S8 freezing does not count', $$idle('a')$$, '2025-07-01'),
('S8 a transfer of five, of the dated lot', $$transfer('a', 'b', 5, 't1', at => '2024-08-01')$$, '-5 to 115, 115 usable'),
('S8 transferring counts for the sender', $$idle('a')$$, '2025-08-01'),
('S8 and for the receiver', $$idle('b')$$, '2025-08-01'),
('S8 settling posts nothing here', $$settle('a', at => '2024-09-01')$$, '0'),
('S8 settling does not count', $$idle('a')$$, '2025-08-01'),
('S8 the dated lot ends by its date', $$stand('a', '2025-01-01')$$, '101 = 101 usable + 0 pending + 0 held - 0 debt'),
('S8 the undated are there on the last day', $$stand('a', '2025-08-01 23:59:59')$$, '101 = 101 usable + 0 pending + 0 held - 0 debt'),
('S8 undated lots all end 12 months after the last activity', $$stand('a', '2025-08-02')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt'),
('S8 settled: each dated to its day', $$settle('a', at => '2025-09-01')$$, '2'),
('S8 the dated, then the undated', $$trail('a', 2, true)$$, 'expire -14 2025-01-01 00:00:00, expire -101 2025-08-02 00:00:00'),
('S8 expiring does not count', $$idle('a')$$, '2025-08-01'),
('S8 a purchase after it all', $$purchase('a', 5.00, 'p3', at => '2025-09-01')$$, '+5 to 5, 5 usable'),
('S8 begins again', $$idle('a')$$, '2026-09-01')
) AS v(what, call, want);
SELECT shop('s8.idle.pending', '{"expiry": "12 months inactive", "pending_days": 10}', '{a}', '2024-01-01');
SELECT t(what, call, want) FROM (VALUES
('S8 bought, pending, undated', $$purchase('a', 100.00, 'p1', at => '2024-03-01')$$, '+100 to 100, 0 usable'),
('S8 a pending undated lot', $$free('a')$$, '{100 until inactive earned 2024-03-01 usable 2024-03-11}'),
('S8 earning counts though pending', $$idle('a')$$, '2025-03-01'),
('S8 it matures', $$settle('a', at => '2024-06-01')$$, '1'),
('S8 maturing counts', $$idle('a')$$, '2025-03-11')
) AS v(what, call, want);
SELECT shop('s8.idle.confirm', '{"expiry": "12 months inactive", "pending_days": null}', '{a}', '2024-01-01');
SELECT t(what, call, want) FROM (VALUES
('S8 bought, until confirmed', $$purchase('a', 100.00, 'p1', at => '2024-03-01')$$, '+100 to 100, 0 usable'),
('S8 confirmed', $$confirm('a', 'p1', 'p1', at => '2024-05-05')$$, '0 to 100, 100 usable'),
('S8 confirming counts', $$idle('a')$$, '2025-05-05'),
('S8 confirmed points are undated', $$free('a')$$, '{100 until inactive earned 2024-03-01 usable 2024-05-05}')
) AS v(what, call, want);
SELECT shop('s8.idle.reinstate', '{"expiry": "6 months inactive"}', '{a}', '2024-01-01');
SELECT t(what, call, want) FROM (VALUES
('S8 six months of inactivity', $$award('a', 50, 'w1', at => '2024-02-01')$$, '+50 to 50, 50 usable'),
('S8 gone after 1 August', $$stand('a', '2024-08-02')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt'),
('S8 brought back to a date', $$reinstate('a', 50, '2024-12-31', 'i1', at => '2024-09-01')$$, '+50 to 50, 50 usable'),
('S8 reinstating counts', $$idle('a')$$, '2025-03-01'),
('S8 reinstated points are dated', $$free('a')$$, '{50 until 2024-12-31 earned 2024-02-01}')
) AS v(what, call, want);

-- S9: adjust ------------------------------------------------------------------------------------
SELECT shop('s9.adjust', '{"expiry": "12 months", "pending_days": 14}');
SELECT t(what, call, want) FROM (VALUES
('S9 a correction up is never pending', $$adjust('a', 10, 'j1', at => '2025-01-01')$$, '+10 to 10, 10 usable'),
('S9 a correction up is a lot of today''s policy', $$free('a')$$, '{10 until 2026-01-01 earned 2025-01-01}'),
('S9 a correction down', $$adjust('a', -5, 'j2', at => '2025-01-02')$$, '-5 to 5, 5 usable'),
('S9 balance 5, -10: refused', $$adjust('a', -10, 'j3', at => '2025-01-02')$$, 'error LY001'),
('S9 balance 5, -10 with allow_debt: -5', $$adjust('a', -10, 'j3', allow_debt => true, at => '2025-01-02')$$, '-10 to -5, 0 usable, 5 debt'),
('S9 bought, pending', $$purchase('b', 100.00, 'p1', at => '2025-01-01')$$, '+100 to 100, 0 usable'),
('S9 down does not take pending points', $$adjust('b', -1, 'j1', at => '2025-01-02')$$, 'error LY001'),
('S9 two lots', $$adjust('b', 10, 'j2', at => '2025-01-02')$$, '+10 to 110, 10 usable'),
('S9 the second', $$award('b', 10, 'w1', expires_on => '2025-06-30', at => '2025-01-03')$$, '+10 to 120, 20 usable'),
('S9 down', $$adjust('b', -15, 'j4', at => '2025-01-04')$$, '-15 to 105, 5 usable'),
('S9 down takes usable lots in order of use', $$(posted('b', 'j4')).taken$$, '{10 until 2025-06-30 earned 2025-01-03; 5 until 2026-01-02 earned 2025-01-02}')
) AS v(what, call, want);

-- S9: extend ------------------------------------------------------------------------------------
SELECT shop('s9.extend', '{}', '{a}');
SELECT t(what, call, want) FROM (VALUES
('S9 until March', $$award('a', 10, 'w1', expires_on => '2025-03-31', at => '2025-01-01')$$, '+10 to 10, 10 usable'),
('S9 until June', $$award('a', 20, 'w2', expires_on => '2025-06-30', at => '2025-01-01')$$, '+20 to 30, 30 usable'),
('S9 until December', $$award('a', 30, 'w3', expires_on => '2025-12-31', at => '2025-01-01')$$, '+30 to 60, 60 usable'),
('S9 never ending', $$award('a', 40, 'w4', at => '2025-01-01')$$, '+40 to 100, 100 usable'),
('S9 pending', $$award('a', 5, 'w5', pending => true, at => '2025-01-01')$$, '+5 to 105, 100 usable'),
('S9 extend to September', $$extend('a', '2025-09-30', 'x1', at => '2025-02-01')$$, '0 to 105, 100 usable'),
('S9 moves the lots that end before', $$free('a')$$, '{30 until 2025-09-30 earned 2025-01-01; 30 until 2025-12-31 earned 2025-01-01; 40 until never earned 2025-01-01; 5 until never earned 2025-01-01 pending}'),
('S9 the entry names the old lots', $$(posted('a', 'x1')).taken$$, '{10 until 2025-03-31 earned 2025-01-01; 20 until 2025-06-30 earned 2025-01-01}'),
('S9 and the new one', $$(posted('a', 'x1')).gained$$, '{30 until 2025-09-30 earned 2025-01-01}'),
('S9 extend to August', $$extend('a', '2025-08-31', 'x2', at => '2025-02-01')$$, '0 to 105, 100 usable'),
('S9 never sooner', $$free('a')$$, '{30 until 2025-09-30 earned 2025-01-01; 30 until 2025-12-31 earned 2025-01-01; 40 until never earned 2025-01-01; 5 until never earned 2025-01-01 pending}'),
('S9 extend one date', $$extend('a', '2026-03-31', 'x3', of_last_day => '2025-12-31', at => '2025-02-02')$$, '0 to 105, 100 usable'),
('S9 the entry names both days', $$(SELECT concat(of_last_day, ' to ', expires_on) FROM posted('a', 'x3'))$$, '2025-12-31 to 2026-03-31'),
('S9 moves the lots of that date only', $$free('a')$$, '{30 until 2025-09-30 earned 2025-01-01; 30 until 2026-03-31 earned 2025-01-01; 40 until never earned 2025-01-01; 5 until never earned 2025-01-01 pending}'),
('S9 hold 25', $$hold('a', 25, 'h1', at => '2025-02-05')$$, '0 to 105, 75 usable'),
('S9 extend to October', $$extend('a', '2025-10-31', 'x4', at => '2025-02-06')$$, '0 to 105, 75 usable'),
('S9 moves the free points', $$free('a')$$, '{5 until 2025-10-31 earned 2025-01-01; 30 until 2026-03-31 earned 2025-01-01; 40 until never earned 2025-01-01; 5 until never earned 2025-01-01 pending}'),
('S9 and the held ones with their lot', $$(SELECT lots FROM loyalty.hold WHERE account_id = (account_of('a')).id)$$, '{25 until 2025-10-31 earned 2025-01-01}'),
('S9 the entry names the held ones too', $$(posted('a', 'x4')).source$$, '{25 until 2025-09-30 earned 2025-01-01}'),
('S9 released', $$release('a', 'h1', 'h1', at => '2025-02-07')$$, '0 to 105, 100 usable'),
('S9 they come back under the new date', $$free('a')$$, '{30 until 2025-10-31 earned 2025-01-01; 30 until 2026-03-31 earned 2025-01-01; 40 until never earned 2025-01-01; 5 until never earned 2025-01-01 pending}'),
('S9 extend for ever', $$extend('a', 'infinity', 'x5', of_last_day => '2025-10-31', at => '2025-02-08')$$, '0 to 105, 100 usable'),
('S9 joins the lot that never ends', $$free('a')$$, '{30 until 2026-03-31 earned 2025-01-01; 70 until never earned 2025-01-01; 5 until never earned 2025-01-01 pending}'),
('S9 to a day that is over: refused', $$extend('a', '2025-01-31', 'x6', at => '2025-02-09')$$, 'error 22023'),
('S9 to today: refused', $$extend('a', '2025-02-09', 'x6', at => '2025-02-09')$$, 'error 22023'),
('S9 too late', $$extend('a', '2026-12-31', 'x6', at => '2026-04-01')$$, '0 to 75, 70 usable'),
('S9 what expired is not moved', $$free('a')$$, '{70 until never earned 2025-01-01; 5 until never earned 2025-01-01 pending}')
) AS v(what, call, want);

-- S9: reinstate -----------------------------------------------------------------------------------
SELECT shop('s9.reinstate');
SELECT t(what, call, want) FROM (VALUES
('S9 until January', $$award('a', 10, 'w1', expires_on => '2025-01-31', at => '2025-01-01')$$, '+10 to 10, 10 usable'),
('S9 until February', $$award('a', 20, 'w2', expires_on => '2025-02-28', at => '2025-01-02')$$, '+20 to 30, 30 usable'),
('S9 nothing has expired yet', $$reinstate('a', 1, '2025-12-31', 'i0', at => '2025-01-10')$$, 'error LY007'),
('S9 more than expired: refused', $$reinstate('a', 31, '2025-12-31', 'i1', at => '2025-03-10')$$, 'error LY007'),
('S9 bring back five', $$reinstate('a', 5, '2025-12-31', 'i1', at => '2025-03-10')$$, '+5 to 5, 5 usable'),
('S9 of what expired latest, with its first earning date', $$free('a')$$, '{5 until 2025-12-31 earned 2025-01-02}'),
('S9 the entry names the old lot', $$(posted('a', 'i1')).source$$, '{5 until 2025-02-28 earned 2025-01-02}'),
('S9 bring back twenty more', $$reinstate('a', 20, '2025-12-31', 'i2', at => '2025-03-11')$$, '+20 to 25, 25 usable'),
('S9 the rest of the latest, then of the one before', $$free('a')$$, '{5 until 2025-12-31 earned 2025-01-01; 20 until 2025-12-31 earned 2025-01-02}'),
('S9 six of the last five: refused', $$reinstate('a', 6, '2025-12-31', 'i3', at => '2025-03-12')$$, 'error LY007'),
('S9 the last five', $$reinstate('a', 5, '2025-12-31', 'i3', at => '2025-03-12')$$, '+5 to 30, 30 usable'),
('S9 each point once', $$reinstate('a', 1, '2025-12-31', 'i4', at => '2025-03-12')$$, 'error LY007'),
('S9 bought, for 40 points', $$award('b', 40, 'w1', expires_on => '2025-01-31', at => '2025-01-01')$$, '+40 to 40, 40 usable'),
('S9 a return after they expired', $$refund('b', 'w1', 'r1', at => '2025-02-10')$$, '0 to 0, 0 usable; due 40, 40 spared'),
('S9 what a return was spared does not come back', $$reinstate('b', 1, '2025-12-31', 'i1', at => '2025-02-11')$$, 'error LY007')
) AS v(what, call, want);

-- S10: pending ------------------------------------------------------------------------------------
SELECT shop('s10', '{"pending_days": 14, "expiry": "end of year + 1"}');
SELECT t(what, call, want) FROM (VALUES
('S10 bought 25 Dec 2025, 14 days', $$purchase('a', 100.00, 'p1', at => '2025-12-25 15:00')$$, '+100 to 100, 0 usable'),
('S10 end of year + 1 counts from the day they become usable', $$free('a')$$, '{100 until 2027-12-31 earned 2025-12-25 usable 2026-01-08}'),
('S10 pending on the day before', $$stand('a', '2026-01-07 23:59:59.999999')$$, '100 = 0 usable + 100 pending + 0 held - 0 debt'),
('S10 usable on its day', $$stand('a', '2026-01-08 00:00')$$, '100 = 100 usable + 0 pending + 0 held - 0 debt'),
('S10 not to be spent before', $$spend('a', 1, 's1', at => '2026-01-07 23:59:59.999999')$$, 'error LY001'),
('S10 to be spent from the first instant, no job has run', $$spend('a', 100, 's1', at => '2026-01-08 00:00')$$, '-100 to 0, 0 usable'),
('S10 the journal has the day', $$trail('a', 2, true)$$, 'mature 0 2026-01-08 00:00:00, spend -100 2026-01-08 00:00:00'),
('S10 an award is usable at once', $$award('b', 5, 'w1', at => '2025-03-01')$$, '+5 to 5, 5 usable'),
('S10 an award can ask for it', $$award('b', 7, 'w2', pending => true, at => '2025-03-01')$$, '+7 to 12, 5 usable'),
('S10 and waits as a purchase does', $$free('b')$$, '{5 until 2026-12-31 earned 2025-03-01; 7 until 2026-12-31 earned 2025-03-01 usable 2025-03-15}')
) AS v(what, call, want);
SELECT shop('s10.berlin', '{"timezone": "Europe/Berlin", "pending_days": 1}', '{a}');
SELECT t(what, call, want) FROM (VALUES
('S10 bought after midnight local time', $$purchase('a', 10.00, 'p1', at => '2025-03-01 23:30Z')$$, '+10 to 10, 0 usable'),
('S10 N days after the local date', $$free('a')$$, '{10 until never earned 2025-03-02 usable 2025-03-03}'),
('S10 pending to the end of the day before', $$stand('a', '2025-03-02 22:59:59.999999Z')$$, '10 = 0 usable + 10 pending + 0 held - 0 debt'),
('S10 usable at the start of the local day', $$stand('a', '2025-03-02 23:00Z')$$, '10 = 10 usable + 0 pending + 0 held - 0 debt')
) AS v(what, call, want);
SELECT shop('s10.zero', '{"pending_days": 0}', '{a}');
SELECT t(what, call, want) FROM (VALUES
('S10 0 days: at once', $$purchase('a', 10.00, 'p1', at => '2025-01-01')$$, '+10 to 10, 10 usable'),
('S10 what is not pending cannot be confirmed', $$confirm('a', 'p1', 'p1', at => '2025-01-02')$$, 'error LY006|LY007'),
('S10 an award asks for it where the program has no days', $$award('a', 7, 'w1', pending => true, at => '2025-01-01')$$, '+7 to 17, 10 usable'),
('S10 it waits until it is confirmed', $$free('a')$$, '{10 until never earned 2025-01-01; 7 until never earned 2025-01-01 pending}')
) AS v(what, call, want);
SELECT shop('s10.confirm', '{"pending_days": null, "expiry": "12 months"}');
SELECT t(what, call, want) FROM (VALUES
('S10 bought, until confirmed', $$purchase('a', 100.00, 'p1', at => '2025-01-01')$$, '+100 to 100, 0 usable'),
('S10 another order of that day', $$purchase('a', 50.00, 'p2', at => '2025-01-01')$$, '+50 to 150, 0 usable'),
('S10 pending for as long as nobody confirms', $$stand('a', '2026-10-01')$$, '150 = 0 usable + 150 pending + 0 held - 0 debt'),
('S10 a part is returned', $$refund('a', 'p1', 'r1', 30.00, at => '2025-01-05')$$, '-30 to 120, 0 usable; due 30, 30 taken'),
('S10 confirm frees what returns have left of that order', $$confirm('a', 'p1', 'p1', at => '2025-02-01')$$, '0 to 120, 70 usable'),
('S10 today, with twelve months from today', $$free('a')$$, '{70 until 2026-02-01 earned 2025-01-01 usable 2025-02-01; 50 until never earned 2025-01-01 pending}'),
('S10 an award with a date of its own', $$award('b', 8, 'w1', expires_on => '2025-12-24', pending => true, at => '2025-01-01')$$, '+8 to 8, 0 usable'),
('S10 confirmed', $$confirm('b', 'w1', 'w1', at => '2025-02-01')$$, '0 to 8, 8 usable'),
('S10 keeps that date', $$free('b')$$, '{8 until 2025-12-24 earned 2025-01-01 usable 2025-02-01}')
) AS v(what, call, want);
SELECT shop('s10.early', '{"pending_days": 10, "expiry": "12 months"}', '{a,nothing}');
SELECT t(what, call, want) FROM (VALUES
('S10 bought, pending by days', $$purchase('a', 100.00, 'p1', at => '2025-01-01')$$, '+100 to 100, 0 usable'),
('S10 confirm works before its day', $$confirm('a', 'p1', 'p1', at => '2025-01-05')$$, '0 to 100, 100 usable'),
('S10 with twelve months from then', $$free('a')$$, '{100 until 2026-01-05 earned 2025-01-01 usable 2025-01-05}'),
('S10 its day brings nothing more', $$settle('a', at => '2025-02-01')$$, '0'),
('S26 the same confirm is a repeat', $$confirm('a', 'p1', 'p1', at => '2025-01-05')$$, '0 to 100, 100 usable; repeat'),
('S26 another has already ended', $$confirm('a', 'p1', 'again', at => '2025-01-06')$$, 'error LY007'),
('S26 without at too', $$confirm('a', 'p1', 'again')$$, 'error LY007'),
('S10 bought again', $$purchase('a', 50.00, 'p2', at => '2025-02-01')$$, '+50 to 150, 100 usable'),
('S10 on its day it is pending no more', $$confirm('a', 'p2', 'p2', at => '2025-02-11')$$, 'error LY007'),
('S10 returned whole while pending: nothing is left to free', $$(SELECT concat((purchase('a', 9.00, 'p3', at => '2025-02-12')).points, ' ', (refund('a', 'p3', 'r3', at => '2025-02-13')).points, ' ', (confirm('a', 'p3', 'p3', at => '2025-02-14')).points))$$, '9 -9 0'),
('S10 a purchase of no points', $$purchase('nothing', 0.00, 'p1', at => '2025-01-01')$$, '0 to 0, 0 usable'),
('S10 is pending no more on its day either', $$confirm('nothing', 'p1', 'p1', at => '2025-03-01')$$, 'error LY007')
) AS v(what, call, want);
SELECT shop('s10.debt', '{"pending_days": 14}', '{a}');
SELECT t(what, call, want) FROM (VALUES
('S10 a debt of 50', $$adjust('a', -50, 'j1', allow_debt => true, at => '2025-01-01')$$, '-50 to -50, 0 usable, 50 debt'),
('S10 pending points count toward the balance', $$purchase('a', 80.00, 'p1', at => '2025-01-02')$$, '+80 to 30, 0 usable, 50 debt'),
('S10 they pay no debt before their day', $$stand('a', '2025-01-15 23:59:59')$$, '30 = 0 usable + 80 pending + 0 held - 50 debt'),
('S10 and pay it on their day', $$stand('a', '2025-01-16')$$, '30 = 30 usable + 0 pending + 0 held - 0 debt'),
('S10 settled', $$settle('a', at => '2025-02-01')$$, '1'),
('S10 the balance does not change by it', $$trail('a', 1, true)$$, 'mature 0 2025-01-16 00:00:00'),
('S10 thirty are left', $$free('a')$$, '{30 until never earned 2025-01-02 usable 2025-01-16}')
) AS v(what, call, want);

-- S11: debt ---------------------------------------------------------------------------------------
SELECT shop('s11', '{}', '{a}');
SELECT t(what, call, want) FROM (VALUES
('S11 A 100', $$award('a', 100, 'A', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S11 spend 100', $$spend('a', 100, 's1', at => '2025-01-02')$$, '-100 to 0, 0 usable'),
('S11 B 70', $$award('a', 70, 'B', at => '2025-01-03')$$, '+70 to 70, 70 usable'),
('S11 return A: -100, debt 30, balance -30', $$refund('a', 'A', 'rA', at => '2025-01-04')$$, '-100 to -30, 0 usable, 30 debt; due 100, 70 taken, 30 owed'),
('S11 no lots', $$free('a')$$, '{}'),
('S11 then earn 50: usable 20', $$award('a', 50, 'C', at => '2025-01-05')$$, '+50 to 20, 20 usable')
) AS v(what, call, want);
-- Whatever becomes usable pays debt first.  Each member below owes 30 and gets 40 back in some way: 10 are usable.
SELECT shop('s11.pays', '{}', '{cancels,releases,lapses,captures,receives,gives,reinstates,corrects,confirms,earns}', '2024-01-01');
SELECT t(what, call, want) FROM (VALUES
('S11 cancel: 100', $$award('cancels', 100, 'w', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S11 cancel: spend 40', $$spend('cancels', 40, 's', at => '2025-01-02')$$, '-40 to 60, 60 usable'),
('S11 cancel: a debt of 30', $$adjust('cancels', -90, 'j', allow_debt => true, at => '2025-01-03')$$, '-90 to -30, 0 usable, 30 debt'),
('S11 what a cancel brings back pays debt first', $$cancel('cancels', 's', 'c', at => '2025-01-04')$$, '+40 to 10, 10 usable'),
('S11 release: 100', $$award('releases', 100, 'w', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S11 release: hold 40', $$hold('releases', 40, 'h', at => '2025-01-02')$$, '0 to 100, 60 usable'),
('S11 release: a debt of 30', $$adjust('releases', -90, 'j', allow_debt => true, at => '2025-01-03')$$, '-90 to 10, 0 usable, 30 debt'),
('S11 what a release brings back pays debt first', $$release('releases', 'h', 'h', at => '2025-01-04')$$, '0 to 10, 10 usable'),
('S11 lapse: 100', $$award('lapses', 100, 'w', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S11 lapse: hold 40', $$hold('lapses', 40, 'h', until => '2025-01-05', at => '2025-01-02')$$, '0 to 100, 60 usable'),
('S11 lapse: a debt of 30', $$adjust('lapses', -90, 'j', allow_debt => true, at => '2025-01-03')$$, '-90 to 10, 0 usable, 30 debt'),
('S11 lapse: before its end', $$stand('lapses', '2025-01-04 23:59:59')$$, '10 = 0 usable + 0 pending + 40 held - 30 debt'),
('S11 what a lapse brings back pays debt first', $$stand('lapses', '2025-01-05')$$, '10 = 10 usable + 0 pending + 0 held - 0 debt'),
('S11 capture: 105', $$award('captures', 105, 'w', at => '2025-01-01')$$, '+105 to 105, 105 usable'),
('S11 capture: hold 45', $$hold('captures', 45, 'h', at => '2025-01-02')$$, '0 to 105, 60 usable'),
('S11 capture: a debt of 30', $$adjust('captures', -90, 'j', allow_debt => true, at => '2025-01-03')$$, '-90 to 15, 0 usable, 30 debt'),
('S11 the rest of a capture pays debt first', $$capture('captures', 'h', 'h', 5, at => '2025-01-04')$$, '-5 to 10, 10 usable'),
('S11 transfer: a debt of 30', $$adjust('receives', -30, 'j', allow_debt => true, at => '2025-01-01')$$, '-30 to -30, 0 usable, 30 debt'),
('S11 transfer: 100', $$award('gives', 100, 'w', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('S11 transfer of 40', $$transfer('gives', 'receives', 40, 't', at => '2025-01-02')$$, '-40 to 60, 60 usable'),
('S11 what is received pays debt first', $$stand('receives', '2025-01-02')$$, '10 = 10 usable + 0 pending + 0 held - 0 debt'),
('S11 reinstate: 50', $$award('reinstates', 50, 'w', expires_on => '2025-01-05', at => '2025-01-01')$$, '+50 to 50, 50 usable'),
('S11 reinstate: they expire, a debt of 30', $$adjust('reinstates', -30, 'j', allow_debt => true, at => '2025-01-10')$$, '-30 to -30, 0 usable, 30 debt'),
('S11 what is reinstated pays debt first', $$reinstate('reinstates', 40, '2025-12-31', 'i', at => '2025-01-11')$$, '+40 to 10, 10 usable'),
('S11 correction: a debt of 30', $$adjust('corrects', -30, 'j1', allow_debt => true, at => '2025-01-01')$$, '-30 to -30, 0 usable, 30 debt'),
('S11 a correction up pays debt first', $$adjust('corrects', 40, 'j2', at => '2025-01-02')$$, '+40 to 10, 10 usable'),
('S11 confirm: 40 pending', $$award('confirms', 40, 'w', pending => true, at => '2025-01-01')$$, '+40 to 40, 0 usable'),
('S11 confirm: a debt of 30', $$adjust('confirms', -30, 'j', allow_debt => true, at => '2025-01-02')$$, '-30 to 10, 0 usable, 30 debt'),
('S11 what is confirmed pays debt first', $$confirm('confirms', 'w', 'w', at => '2025-01-03')$$, '0 to 10, 10 usable'),
('S11 purchase: a debt of 30', $$adjust('earns', -30, 'j', allow_debt => true, at => '2025-01-01')$$, '-30 to -30, 0 usable, 30 debt'),
('S11 part of it', $$purchase('earns', 10.00, 'p1', at => '2025-01-02')$$, '+10 to -20, 0 usable, 20 debt'),
('S11 debt is a number, never a lot', $$free('earns')$$, '{}'),
('S11 a purchase pays debt first', $$purchase('earns', 30.00, 'p2', at => '2025-01-03')$$, '+30 to 10, 10 usable')
) AS v(what, call, want);

SELECT sound();
SELECT finish();
ROLLBACK;
