-- The views to insert into: row by row and in sets, they post what the functions post.
\ir setup.psql

-- Rows of a view's RETURNING, as text.
CREATE FUNCTION tap.returned(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE format('WITH r AS (%s) SELECT string_agg(r::text, '' '') FROM r', statement) INTO answer;
	RETURN answer;
END $$;

-- Each view: a row posts, RETURNING tells entry, balance and usable -------------------------------------------
SELECT shop('views', '{}', '{b}', '2024-01-01');
SELECT t('row: ' || split_part(split_part(statement, ' ', 3), '(', 1), format('returned(%L)', statement || ' RETURNING entry, balance, usable'), want) FROM (VALUES
($$INSERT INTO enrollments (member, at, joined_on, birthday, attributes, tags) VALUES ('a', '2024-01-01', '2023-12-24', '02-29', '{"n": 1}', '["x"]')$$, '(1,0,0)'),
($$INSERT INTO purchases (member, amount, ref, lines, channel, store, brand, attributes, at) VALUES ('a', 40.00, 'p1', '[{"sku": "A", "quantity": 1, "amount": 40.00}]', 'web', 'S1', 'B1', '{"k": "v"}', '2025-01-01')$$, '(2,40,40)'),
($$INSERT INTO awards (member, points, ref, reason, expires_on, at) VALUES ('a', 100, 'w1', 'birthday', '2025-01-20', '2025-01-01')$$, '(3,140,140)'),
($$INSERT INTO awards (member, points, ref, pending, at) VALUES ('a', 9, 'w2', true, '2025-01-01')$$, '(4,149,140)'),
($$INSERT INTO confirmations (member, of_ref, ref, at) VALUES ('a', 'w2', 'w2', '2025-01-02')$$, '(5,149,149)'),
($$INSERT INTO spends (member, points, ref, reason, at) VALUES ('a', 30, 's1', 'coffee', '2025-01-03')$$, '(6,119,119)'),
($$INSERT INTO holds (member, points, ref, until, at) VALUES ('a', 20, 'h1', '2025-01-08', '2025-01-04')$$, '(7,119,99)'),
($$INSERT INTO captures (member, of_ref, ref, points, at) VALUES ('a', 'h1', 'h1', 15, '2025-01-05')$$, '(8,104,104)'),
($$INSERT INTO holds (member, points, ref, at) VALUES ('a', 20, 'h2', '2025-01-05')$$, '(9,104,84)'),
($$INSERT INTO releases (member, of_ref, ref, at) VALUES ('a', 'h2', 'h2', '2025-01-06')$$, '(10,104,104)'),
($$INSERT INTO refunds (member, of_ref, ref, amount, at) VALUES ('a', 'p1', 'r1', 10.00, '2025-01-06')$$, '(11,94,94)'),
($$INSERT INTO cancellations (member, of_ref, ref, points, at) VALUES ('a', 's1', 'c1', 5, '2025-01-06')$$, '(12,99,99)'),
($$INSERT INTO adjustments (member, points, ref, reason, at) VALUES ('a', -1, 'j1', 'miscount', '2025-01-06')$$, '(13,98,98)'),
($$INSERT INTO adjustments (member, points, ref, allow_debt, at) VALUES ('b', -5, 'j1', true, '2025-01-06')$$, '(2,-5,0)'),
($$INSERT INTO extensions (member, last_day, ref, at) VALUES ('a', '2025-02-10', 'x1', '2025-01-07')$$, '(14,98,98)'),
($$INSERT INTO transfers (member, to_member, points, ref, at) VALUES ('a', 'b', 15, 't1', '2025-01-08')$$, '(15,83,83)'),
($$INSERT INTO freezes (member, mode, ref, reason, at) VALUES ('a', 'all', 'f1', 'why', '2025-01-09')$$, '(16,83,83)'),
($$INSERT INTO unfreezes (member, ref, at) VALUES ('a', 'u1', '2025-01-10')$$, '(17,83,83)'),
($$INSERT INTO reinstatements (member, points, last_day, ref, at) VALUES ('a', 4, '2025-12-31', 'i1', '2025-02-20')$$, '(19,43,43)')
) AS v(statement, want);
SELECT t('row: what was given is in the entry', $$(SELECT concat_ws(' ', amount, channel, store, brand, attributes, points) FROM posted('a', 'p1'))$$, '40.00 web S1 B1 {"k": "v"} 40');
SELECT t('row: what was given is in the member', $$(SELECT concat_ws(' ', joined_on, birthday, attributes, tags) FROM loyalty.member WHERE key = 'a')$$, '2023-12-24 02-29 {"n": 1} ["x"]');
SELECT t('row: a repeat posts nothing and returns the first entry, balance and usable', format('returned(%L)', statement || ' RETURNING entry, balance, usable'), want) FROM (VALUES
($$INSERT INTO spends (member, points, ref, reason, at) VALUES ('a', 30, 's1', 'coffee', '2025-01-03')$$, '(6,119,119)'),
($$INSERT INTO awards (member, points, ref, reason, expires_on, at) VALUES ('a', 100, 'w1', 'birthday', '2025-01-20', '2025-01-01')$$, '(3,140,140)'),
($$INSERT INTO enrollments (member) VALUES ('a')$$, '(1,0,0)')) AS v(statement, want);
SELECT t('row: the function''s repeat of a view''s posting, and the other way round', call, want) FROM (VALUES
($$spend('a', 30, 's1', 'coffee', at => '2025-01-03')$$, '-30 to 119, 119 usable; repeat'),
($$award('a', 1, 'w9', at => '2025-02-21')$$, '+1 to 44, 44 usable'),
($$returned('INSERT INTO awards (member, points, ref, at) VALUES (''a'', 1, ''w9'', ''2025-02-21'') RETURNING entry, balance, usable')$$, '(20,44,44)'),
($$INSERT INTO awards (member, points, ref, at) VALUES ('a', 2, 'w9', '2025-02-21')$$, 'error LY003')) AS v(call, want);
SELECT t('SELECT from the view gives what was posted: ' || relation, format('(SELECT string_agg(concat_ws('' '', member, program, %s, entry, balance, usable), '', '' ORDER BY entry) FROM loyalty.%I WHERE member = ''a'')', columns, relation), want) FROM (VALUES
('awards', 'points, ref, reason', 'a views 100 w1 birthday 3 140 140, a views 9 w2 4 149 140, a views 1 w9 20 44 44'),
('purchases', 'amount, ref, channel', 'a views 40.00 p1 web 2 40 40'),
('spends', 'points, ref', 'a views 30 s1 6 119 119'),
('transfers', 'to_member, points, ref', 'a views b 15 t1 15 83 83'),
('enrollments', 'joined_on', 'a views 2023-12-24 1 0 0')) AS v(relation, columns, want);

-- ON CONFLICT is no way to ask twice: it is accepted and ignored; the ref is.
SELECT t('ON CONFLICT DO NOTHING does not hide another request', $$INSERT INTO awards (member, points, ref, at) VALUES ('a', 3, 'w9', '2025-02-21') ON CONFLICT DO NOTHING$$, 'error LY003');
SELECT t('ON CONFLICT DO NOTHING is not needed for the same one', $$(SELECT concat(got($q$INSERT INTO awards (member, points, ref, at) VALUES ('a', 1, 'w9', '2025-02-21') ON CONFLICT DO NOTHING$q$) LIKE 'error%', ' ', (account_of('a')).seq))$$, 'f 20');
SELECT t('ON CONFLICT (ref) is refused by PostgreSQL', $$INSERT INTO awards (member, points, ref, at) VALUES ('a', 3, 'w9', '2025-02-21') ON CONFLICT (ref) DO NOTHING$$, 'error 42P10');

-- Sets -----------------------------------------------------------------------------------------------------
-- The same random rows in three programs: by INSERT ... SELECT (the set path), by INSERT ... RETURNING (row by row), by
-- calls.  Many postings of a member, late arrivals, repeats in the statement, expiries in between.
SELECT shop(code, '{"expiry": "30 days", "pending_days": 3, "balance_cap": 400, "rounding": "half_up", "timezone": "America/Havana"}', '{m1,m2,m3,m4,m5,m6,m7}', '2024-06-01')
FROM unnest('{rows,calls,sets}'::text[]) AS code;
CREATE TEMP TABLE load AS SELECT n, 'm' || 1 + n * 7919 % 7 AS member, 1 + n * 104729 % 60 AS points, (n::bigint * 15485863 % 9000)::numeric / 100 AS amount,
	'r' || CASE WHEN n % 50 = 49 THEN n - 7 ELSE n END AS ref,
	'2025-01-01'::timestamptz + n * interval '5 hours' - CASE n % 11 WHEN 0 THEN interval '20 days' ELSE interval '0' END AS at FROM generate_series(1, 300) AS n;
-- a repeat within the statement: the row of seven before, whole
UPDATE load l SET member = o.member, points = o.points, amount = o.amount, at = o.at FROM load o WHERE l.n % 50 = 49 AND o.n = l.n - 7;
CREATE FUNCTION tap.loads(program text, how text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r record;
	relation text;
	value text;
	before bigint := (SELECT count(*) FROM loyalty.entry);
BEGIN
	FOR relation, value IN VALUES ('purchases', 'amount'), ('awards', 'points') LOOP
		IF how = 'calls' THEN
			FOR r IN SELECT * FROM load ORDER BY n LOOP
				IF relation = 'awards' THEN
					PERFORM loyalty.award(r.member, r.points, 'w' || r.ref, at => r.at, program => loads.program);
				ELSE
					PERFORM loyalty.purchase(r.member, r.amount, 'p' || r.ref, at => r.at, program => loads.program);
				END IF;
			END LOOP;
		ELSE
			EXECUTE format('INSERT INTO loyalty.%I (member, %I, ref, at, program) SELECT member, %2$I, %L || ref, at, %L FROM load ORDER BY n %s', relation, value,
				CASE relation WHEN 'awards' THEN 'w' ELSE 'p' END, loads.program, CASE how WHEN 'rows' THEN 'RETURNING entry' END);
		END IF;
	END LOOP;
	RETURN CASE WHEN (SELECT count(*) FROM loyalty.entry) - before >= 588 THEN 'posted' ELSE 'too few' END;
END $$;
CREATE FUNCTION tap.journal_of(code text) RETURNS SETOF text LANGUAGE sql VOLATILE AS $$
	SELECT concat_ws('|', m.key, e.seq, e.at, e.clock, e.clock_on, e.kind, e.points, e.balance, e.usable, e.debt, e.held, e.of_seq, e.of_ref, e.ref, e.fingerprint,
		e.amount, e.computed, e.expires_on, e.expiry, e.taken, e.gained, e.expired)
	FROM loyalty.entry e JOIN loyalty.account a ON a.id = e.account_id JOIN loyalty.member m ON m.id = a.member_id JOIN loyalty.program p ON p.id = a.program_id
	WHERE p.code = journal_of.code
$$;
SELECT t('sets: 600 rows by INSERT ... SELECT', $$loads('sets', 'sets')$$, 'posted');
SELECT t('sets: 600 rows by INSERT ... SELECT ... RETURNING', $$loads('rows', 'rows')$$, 'posted');
SELECT t('sets: 600 calls', $$loads('calls', 'calls')$$, 'posted');
SELECT t('sets: the set path posts what calls post, entry by entry', $$(SELECT concat((SELECT count(*) FROM (SELECT journal_of('sets') EXCEPT SELECT journal_of('calls')) x), ' ',
	(SELECT count(*) FROM (SELECT journal_of('calls') EXCEPT SELECT journal_of('sets')) x)))$$, '0 0');
SELECT t('sets: the row path posts what calls post, entry by entry', $$(SELECT concat((SELECT count(*) FROM (SELECT journal_of('rows') EXCEPT SELECT journal_of('calls')) x), ' ',
	(SELECT count(*) FROM (SELECT journal_of('calls') EXCEPT SELECT journal_of('rows')) x)))$$, '0 0');
SELECT t('sets: accounts are equal too', $$(SELECT count(DISTINCT concat_ws('|', a.opened_at, a.clock, a.clock_on, a.seq, a.balance, a.usable, a.debt, a.held, a.written_off, a.lots))
	FROM loyalty.account a JOIN loyalty.program p ON p.id = a.program_id WHERE p.code IN ('sets', 'rows', 'calls') GROUP BY a.member_id ORDER BY 1 DESC LIMIT 1)$$, '1');
SELECT t('sets: something expired, matured and was capped on the way', $$(SELECT concat(bool_or(kind::text = 'expire'), ' ', bool_or(kind::text = 'mature'), ' ', bool_or(computed > points)) FROM loyalty.entry e
	JOIN loyalty.account a ON a.id = e.account_id JOIN loyalty.program p ON p.id = a.program_id WHERE p.code = 'sets')$$, 't t t');
SELECT t('sets: a repeat within the statement posts once', $$(SELECT concat(count(*), ' ', count(DISTINCT (account_id, ref))) FROM loyalty.entry e
	JOIN loyalty.account a ON a.id = e.account_id JOIN loyalty.program p ON p.id = a.program_id WHERE p.code = 'sets' AND ref IS NOT NULL)$$, '588 588');
CREATE TEMP TABLE posted_so_far AS SELECT count(*) AS entries FROM loyalty.entry;
SELECT t('sets: the whole again is accepted', $$INSERT INTO awards (member, points, ref, at, program) SELECT member, points, 'w' || ref, at, 'sets' FROM load ORDER BY n$$, '300 rows');
SELECT t('sets: and posts nothing', $$(SELECT count(*) - (SELECT entries FROM posted_so_far) FROM loyalty.entry)$$, '0');

SELECT shop('one', '{}', '{a,b,c}', '2024-01-01');
SELECT t('sets: ' || what, call, want) FROM (VALUES
('one member 500 times in a statement', $$(SELECT concat(got($q$INSERT INTO awards (member, points, ref, at) SELECT 'a', 1, 'w' || n, '2025-01-01'::timestamptz + n * interval '1 second' FROM generate_series(1, 500) n$q$), ', ', (account_of('a')).balance, ' in ', (account_of('a')).seq))$$, '500 rows, 500 in 501'),
('in the order of the rows', $$(SELECT count(*) FROM loyalty.entry WHERE account_id = (account_of('a')).id AND seq > 1 AND ref <> 'w' || seq - 1)$$, '0'),
('an unknown member in one row of many leaves nothing', $$(SELECT concat(substr(got($q$INSERT INTO awards (member, points, ref, at) SELECT CASE n WHEN 50 THEN 'nobody' ELSE 'b' END, 1, 'w' || n, '2025-01-01' FROM generate_series(1, 100) n$q$), 1, 11), ' ', (account_of('b')).seq))$$, 'error LY004 1'),
('the same with RETURNING', $$(SELECT concat(substr(got($q$returned('INSERT INTO awards (member, points, ref, at) SELECT CASE n WHEN 50 THEN ''nobody'' ELSE ''b'' END, 1, ''w'' || n, ''2025-01-01'' FROM generate_series(1, 100) n RETURNING entry')$q$), 1, 11), ' ', (account_of('b')).seq))$$, 'error LY004 1'),
('a bad row in many leaves nothing', $$(SELECT concat(substr(got($q$INSERT INTO awards (member, points, ref, at) SELECT 'b', 50 - n, 'w' || n, '2025-01-01' FROM generate_series(1, 100) n$q$), 1, 11), ' ', (account_of('b')).seq))$$, 'error 22023 1'),
('points earned and spent too often: nothing of it is posted', $$(SELECT concat(substr(got($q$INSERT INTO spends (member, points, ref, at) SELECT 'a', 100, 's' || n, '2025-01-02' FROM generate_series(1, 6) n$q$), 1, 11), ' ', (account_of('a')).seq))$$, 'error LY001 501'),
('another request under a ref of the same statement', $$(SELECT concat(substr(got($q$INSERT INTO awards (member, points, ref, at) VALUES ('b', 1, 'w1', '2025-01-01'), ('b', 2, 'w1', '2025-01-01')$q$), 1, 11), ' ', (account_of('b')).seq))$$, 'error LY003 1'),
('no rows', $$INSERT INTO awards (member, points, ref, at) SELECT 'a', 1, 'never', '2025-01-01' WHERE false$$, '0 rows'),
('members enrolled in a set, then given to', $$(SELECT concat(got($q$INSERT INTO enrollments (member, at) SELECT 'n' || n, '2025-01-01' FROM generate_series(1, 20) n$q$), ', ', got($q$INSERT INTO awards (member, points, ref, at) SELECT 'n' || n, n, 'w', '2025-01-02' FROM generate_series(1, 20) n$q$)))$$, '20 rows, 20 rows'),
('a member enrolled twice in a statement', $$(SELECT concat(got($q$INSERT INTO enrollments (member, at) VALUES ('twice', '2025-01-01'), ('twice', '2025-01-01')$q$) LIKE 'error%', ' ', (account_of('twice')).seq))$$, 'f 1'),
('several programs in a statement', $$(SELECT concat(got($q$INSERT INTO awards (member, points, ref, at, program) VALUES ('b', 7, 'w', '2025-01-02', 'one'), ('b', 8, 'w', '2025-03-02', 'views')$q$), ' ', (account_of('b')).balance))$$, '2 rows 7'),
('transfers both ways, in the order of the rows', $$(SELECT concat(got($q$INSERT INTO transfers (member, to_member, points, ref, at) VALUES ('a', 'b', 10, 't1', '2025-01-03'), ('b', 'c', 15, 't1', '2025-01-03'), ('c', 'a', 1, 't1', '2025-01-03')$q$), ' ',
	(account_of('a')).balance, ' ', (account_of('b')).balance, ' ', (account_of('c')).balance))$$, '3 rows 491 2 14'),
('in a data-modifying CTE', $$(SELECT string_agg(got, ' ') FROM got($q$(SELECT returned('INSERT INTO awards (member, points, ref, at) VALUES (''c'', 1, ''w1'', ''2025-01-04''), (''c'', 1, ''w2'', ''2025-01-04'') RETURNING balance'))$q$))$$, '(15) (16)')
) AS v(what, call, want);

-- COPY
COPY awards (member, points, ref, at) FROM stdin;
a	1	copy1	2025-01-05
b	2	copy1	2025-01-05
a	3	copy2	2025-01-06
a	1	copy1	2025-01-05
\.
SELECT t('COPY posts, and a repeat within it posts once', $$(SELECT concat((account_of('a')).balance, ' ', (account_of('a')).seq, ' ', (account_of('b')).balance))$$, '495 505 4');

SELECT sound();
SELECT finish();
ROLLBACK;
