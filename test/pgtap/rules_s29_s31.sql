-- S29 the journal · S30 verify · S31 explain
\ir setup.psql

SELECT shop('s29', '{"pending_days": 0, "expiry": "12 months", "balance_cap": 300}', '{a,b,still}', '2024-01-01');
SELECT t('S29 a history: ' || split_part(call, '(', 1), call, want) FROM (VALUES
($$award('a', 100, 'w1', 'welcome', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
($$purchase('a', 499.75, 'p1', lines => '[{"sku": "A", "amount": 499.75}]', channel => 'shop', at => '2025-01-02')$$, '+200 to 300, 300 usable'),
($$spend('a', 120, 's1', at => '2025-01-03')$$, '-120 to 180, 180 usable'),
($$hold('a', 30, 'h1', until => 'infinity', at => '2025-01-04')$$, '0 to 180, 150 usable'),
($$award('a', 9, 'w2', pending => true, at => '2025-01-04')$$, '+9 to 189, 150 usable'),
($$refund('a', 'p1', 'r1', 100.00, at => '2025-01-05')$$, '-41 to 148, 109 usable; due 41, 41 taken'),
($$transfer('a', 'b', 9, 't1', at => '2025-01-06')$$, '-9 to 139, 100 usable'),
($$freeze('a', 'earning', 'f1', 'why', at => '2025-01-07')$$, '0 to 139, 100 usable'),
($$award('still', 5, 'w1', at => '2025-01-01')$$, '+5 to 5, 5 usable')
) AS v(call, want);

-- S29 ----------------------------------------------------------------------------------------------------------------
SELECT t('S29 ' || what, call, want) FROM (VALUES
('each entry has a hash of 32 bytes', $$(SELECT bool_and(length(hash) = 32) FROM loyalty.entry)$$, 'true'),
('no two have the same', $$(SELECT count(*) = count(DISTINCT hash) FROM loyalty.entry)$$, 'true'),
('the account has the last one', $$(SELECT bool_and(a.hash = e.hash) FROM loyalty.account a JOIN loyalty.entry e ON (e.account_id, e.seq) = (a.id, a.seq))$$, 'true'),
('the account is what its last entry says', $$(SELECT bool_and((a.balance, a.usable, a.debt, a.held, a.clock, a.clock_on) = (e.balance, e.usable, e.debt, e.held, e.clock, e.clock_on))
	FROM loyalty.account a JOIN loyalty.entry e ON (e.account_id, e.seq) = (a.id, a.seq))$$, 'true'),
('an entry of nothing is an entry', $$trail('a', 1)$$, 'freeze 0'),
('the first entry is the enrolling', $$(SELECT string_agg(DISTINCT concat(seq, ' ', kind, ' ', points), ', ') FROM loyalty.entry WHERE kind::text = 'enroll')$$, '1 enroll 0'),
('a failed call leaves no gap', $$(SELECT concat(left(got($q$spend('a', 999, 'x', at => '2025-01-08')$q$), 11), ' ', left(got($q$adjust('a', 1, 'j1', at => '2025-01-08')$q$), 2), ' ', (account_of('a')).seq))$$, 'error LY001 +1 10')
) AS v(what, call, want);
SELECT t('S29 seq of the next entry', $$(account_of('a')).seq$$, '10');

-- S30: each change behind its back is named, and taken back --------------------------------------------------------------
SELECT t('S30 verify of one member finds no difference', $$(SELECT count(*) FROM verify('a'))$$, '0');
SELECT t('S30 verify of all finds no difference', $$(SELECT count(*) FROM verify())$$, '0');
CREATE FUNCTION tap.tampered(statement text, call text) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT after(ARRAY['ALTER TABLE loyalty.account DISABLE TRIGGER ALL', 'ALTER TABLE loyalty.entry DISABLE TRIGGER ALL', 'ALTER TABLE loyalty.hold DISABLE TRIGGER ALL', statement], call)
$$;
SELECT t('S30 named by account and entry: ' || what,
	format('tampered(%L, %L)', replace(statement, '@', $$account_id = (SELECT (tap.account_of('a')).id)$$),
		format($$(SELECT bool_or(account_id = (account_of('a')).id AND entry = ANY (%L)) FROM verify('a'))$$, seqs)), 'true')
FROM (VALUES
('points of an entry', $$UPDATE loyalty.entry SET points = points + 1, balance = balance + 1, usable = usable + 1 WHERE @ AND seq = 2$$, '{2}'),
('its amount', $$UPDATE loyalty.entry SET amount = 1 WHERE @ AND seq = 3$$, '{3}'),
('its reason', $$UPDATE loyalty.entry SET reason = 'other' WHERE @ AND seq = 2$$, '{2}'),
('its channel', $$UPDATE loyalty.entry SET channel = NULL WHERE @ AND seq = 3$$, '{3}'),
('its ref', $$UPDATE loyalty.entry SET ref = 'other' WHERE @ AND seq = 4$$, '{4}'),
('its time', $$UPDATE loyalty.entry SET at = at - interval '1 second' WHERE @ AND seq = 4$$, '{4}'),
('its lines', $$UPDATE loyalty.entry SET lines = '[]' WHERE @ AND seq = 3$$, '{3}'),
('what it took', $$UPDATE loyalty.entry SET taken = '{120 until never earned 2025-01-01}' WHERE @ AND seq = 4$$, '{4}'),
('its hash', $$UPDATE loyalty.entry SET hash = decode(repeat('00', 32), 'hex') WHERE @ AND seq = 5$$, '{5}'),
('an entry gone from the middle', $$DELETE FROM loyalty.entry WHERE @ AND seq = 4$$, '{4,5}')
) AS v(what, statement, seqs);
SELECT t('S30 named by field, stored and expected: ' || what,
	format('tampered(%L, %L)', replace(statement, '@', $$id = (SELECT (tap.account_of('a')).id)$$),
		format($$(SELECT string_agg(concat(stored, ' for ', coalesce(nullif(expected, 'infinity'), 'null')), '; ') FROM verify('a') WHERE field = %L)$$, field)), want)
FROM (VALUES
('written_off', $$UPDATE loyalty.account SET written_off = 7 WHERE @$$, 'written_off', '7 for 0'),
('frozen', $$UPDATE loyalty.account SET frozen = 'all' WHERE @$$, 'frozen', 'all for earning'),
('frozen_until', $$UPDATE loyalty.account SET frozen_until = '2025-02-01' WHERE @$$, 'frozen_until', '2025-02-01 00:00:00+00 for null'),
('clock_on', $$UPDATE loyalty.account SET clock_on = '2025-02-01' WHERE @$$, 'clock_on', '2025-02-01 for 2025-01-08'),
('inactive_on', $$UPDATE loyalty.account SET inactive_on = '2025-02-01' WHERE @$$, 'inactive_on', '2025-02-01 for none without inactive_months; 2025-02-01 for null'),
('inactive_months', $$UPDATE loyalty.account SET inactive_months = 3 WHERE @$$, 'inactive_months', '3 for null'),
('lots', $$UPDATE loyalty.account SET lots = '{9 until never earned 2025-01-04 pending; 101 until never earned 2025-01-08}' WHERE @$$, 'lots',
	'{9 until never earned 2025-01-04 pending; 101 until never earned 2025-01-08} for {100 until 2026-01-02 earned 2025-01-02; 1 until 2026-01-08 earned 2025-01-08; 9 until never earned 2025-01-04 pending}')
) AS v(what, statement, field, want);
SELECT t('S30 found: ' || what, format('tampered(%L, %L)', replace(statement, '@', $$(SELECT (tap.account_of('a')).id)$$), '(SELECT count(*) > 0 FROM verify())'), 'true')
FROM (VALUES
('the last entry gone', $$DELETE FROM loyalty.entry WHERE account_id = @ AND seq = (tap.account_of('a')).seq$$),
('all entries gone', $$DELETE FROM loyalty.entry WHERE account_id = @$$),
('the account gone', $$DELETE FROM loyalty.account WHERE id = @$$),
('a hold gone', $$DELETE FROM loyalty.hold WHERE account_id = @$$),
('a hold changed', $$UPDATE loyalty.hold SET until = '2025-12-31' WHERE account_id = @$$),
('entries without an account', $$UPDATE loyalty.entry SET account_id = 999999999 WHERE account_id = @$$),
('an account of nobody', $$UPDATE loyalty.account SET member_id = 999999999 WHERE id = @$$)
) AS v(what, statement);
SELECT t('S30 verify of one member looks at that one alone',
	$$tampered('UPDATE loyalty.account SET written_off = 7 WHERE id = (SELECT (tap.account_of(''a'')).id)', '(SELECT count(*) FROM verify(''still''))')$$, '0');
SELECT t('S30 afterwards all is well', $$(SELECT count(*) FROM verify())$$, '0');

-- S31 ---------------------------------------------------------------------------------------------------------------------
SELECT t('S31 ' || what, call, want) FROM (VALUES
('a purchase stores what was computed and what a cap took', $$(SELECT concat(computed, ' - ', computed - points, ' = ', points) FROM posted('a', 'p1'))$$, '499 - 299 = 200'),
('explain says both', $$(SELECT string_agg(x::text, ' ') ~ '499' AND string_agg(x::text, ' ') ~ '200' FROM explain('a', 'p1') x)$$, 'true'),
('and names the base rate', $$(SELECT string_agg(x::text, ' ') ~* 'base' FROM explain('a', 'p1') x)$$, 'true'),
('the receipt has the parts', $$(purchase('b', 10.00, 'p1', at => '2025-01-09')).parts::text ~* 'base'$$, 'true'),
('explain of an award', $$(SELECT count(*) > 0 FROM explain('a', 'w1'))$$, 'true'),
('explain of an unknown ref gives nothing or says so', $$(SELECT g = '0' OR g LIKE 'error LY006%' FROM got($q$(SELECT count(*) FROM explain('a', 'nothing'))$q$) g)$$, 'true')
) AS v(what, call, want);
-- A refusal names the reason, the numbers, the next step.
CREATE FUNCTION tap.refusal(call text, OUT state text, OUT message text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'SELECT ' || call;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END $$;
CREATE TEMP TABLE refusals (code text, call text, told text[]);
INSERT INTO refusals VALUES
('LY001', $$spend('a', 1000, 'x', at => '2025-01-10')$$, '{1000,101}'), ('LY002', $$award('a', 1, 'x', at => '2025-01-10')$$, '{a,earning}'),
('LY003', $$purchase('a', 1, 'w1', at => '2025-01-10')$$, '{w1,a,2,award}'), ('LY004', $$spend('nobody', 1, 'x', at => '2025-01-10')$$, '{nobody}'),
('LY005', $$spend('a', 1, 'x', at => '2025-01-10', program => 'nowhere')$$, '{nowhere}'), ('LY006', $$refund('a', 'nothing', 'x', at => '2025-01-10')$$, '{nothing,a,s29}'),
('LY006', $$refund('a', 's1', 'x', at => '2025-01-10')$$, '{s1,spend}'), ('LY006', $$capture('a', 's1', 'x', at => '2025-01-10')$$, '{s1,spend}'),
('LY007', $$capture('a', 'h1', 'h1', 31, at => '2025-01-10')$$, '{31,30}'), ('LY007', $$cancel('a', 's1', 'x', 121, at => '2025-01-10')$$, '{121,120}'),
('LY007', $$refund('a', 'p1', 'x', 400.00, at => '2025-01-10')$$, '{p1,399.75}'), ('LY007', $$reinstate('a', 1, '2026-01-01', 'x', at => '2025-01-10')$$, '{1,0}'),
('LY007', $$confirm('a', 'w1', 'w1', at => '2025-01-10')$$, '{w1}'), ('LY007', $$unfreeze('still', 'x', at => '2025-01-10')$$, '{still}'),
('LY008', $$hold('a', 1, 'x', until => '2025-12-31', at => '2025-01-10')$$, '{2025-01-17}'), ('LY009', $$spend('a', 1, 'x', at => '2999-01-01')$$, '{2999-01-01}'),
('LY009', $$cancel('a', 's1', 'x', at => '2025-01-02')$$, '{2025-01-02,2025-01-03}'), ('LY011', $$transfer('still', 'still', 1, 'x', at => '2025-01-10')$$, '{}');
SELECT t(format('S31 the refusal %s of %s has a message and a hint', code, call),
	format($$(SELECT concat_ws(' ', state, CASE WHEN message = '' THEN 'no message' END, CASE WHEN hint = '' THEN 'no hint' END) FROM refusal(%L))$$, call), code)
FROM refusals ORDER BY code, call;
SELECT t(format('S31 the refusal %s of %s tells %s', code, call, word),
	format($$(SELECT concat(message, ' ', detail) ~ %L FROM refusal(%L))$$, '\m' || word || '\M', call), 'true')
FROM refusals, unnest(told) AS word ORDER BY code, call, word;

SELECT sound();
SELECT finish();
ROLLBACK;
