-- Bad input: every posting, every parameter.  Each row is refused with its SQLSTATE, by the
-- function and by the view, and leaves nothing.
\ir setup.psql

SELECT shop('bad', '{"timezone": "Europe/Berlin"}', '{a,b,frozen}', '2024-01-01');
SELECT t('prepared: ' || call, call, want) FROM (VALUES
($$award('a', 100, 'w', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
($$purchase('a', 50.00, 'p', lines => '[{"sku": "A", "quantity": 2, "amount": 30.00}, {"sku": "B", "quantity": 1, "amount": 20.00}]', at => '2025-01-01')$$, '+50 to 150, 150 usable'),
($$award('a', 9, 'pend', pending => true, at => '2025-01-01')$$, '+9 to 159, 150 usable'),
($$award('a', 5, 'gone', expires_on => '2025-01-04', at => '2025-01-03')$$, '+5 to 164, 155 usable'),
($$hold('a', 10, 'h', until => 'infinity', at => '2025-01-06')$$, '0 to 159, 140 usable'),
($$spend('a', 20, 's', at => '2025-01-06')$$, '-20 to 139, 120 usable'),
($$award('frozen', 100, 'w', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
($$hold('frozen', 10, 'h', until => 'infinity', at => '2025-01-02')$$, '0 to 100, 90 usable'),
($$enroll('h', at => '2025-01-01')$$, '0 to 0, 0 usable'),
($$award('h', 7, 'w', expires_on => '2900-01-01', at => '2025-01-01')$$, '+7 to 7, 7 usable'),
($$freeze('frozen', 'all', 'f', at => '2025-01-03')$$, '0 to 100, 90 usable')
) AS v(call, want);

-- A good call of each kind.  The bad ones are these with one parameter changed.
CREATE TEMP TABLE good (fn text PRIMARY KEY, relation text, params jsonb);
INSERT INTO good VALUES
('enroll', 'enrollments', '{"member": "new"}'),
('purchase', 'purchases', '{"member": "a", "amount": 10.00, "ref": "x"}'),
('award', 'awards', '{"member": "a", "points": 10, "ref": "x"}'),
('confirm', 'confirmations', '{"member": "a", "of_ref": "pend", "ref": "x"}'),
('spend', 'spends', '{"member": "a", "points": 10, "ref": "x"}'),
('hold', 'holds', '{"member": "a", "points": 5, "ref": "x"}'),
('capture', 'captures', '{"member": "a", "of_ref": "h", "ref": "x", "points": 5}'),
('release', 'releases', '{"member": "a", "of_ref": "h", "ref": "x"}'),
('refund', 'refunds', '{"member": "a", "of_ref": "p", "ref": "x", "amount": 10.00}'),
('cancel', 'cancellations', '{"member": "a", "of_ref": "s", "ref": "x", "points": 5}'),
('adjust', 'adjustments', '{"member": "a", "points": 5, "ref": "x"}'),
('extend', 'extensions', '{"member": "a", "last_day": "2026-01-01", "ref": "x"}'),
('reinstate', 'reinstatements', '{"member": "a", "points": 5, "last_day": "2026-01-01", "ref": "x"}'),
('transfer', 'transfers', '{"member": "a", "to_member": "b", "points": 5, "ref": "x"}'),
('freeze', 'freezes', '{"member": "a", "mode": "all", "ref": "x"}'),
('unfreeze', 'unfreezes', '{"member": "frozen", "ref": "x"}');
UPDATE good SET params = params || '{"at": "2025-01-10"}';

CREATE TEMP TABLE bad (n int GENERATED ALWAYS AS IDENTITY, fns text, change jsonb, states text);
INSERT INTO bad (fns, change, states) VALUES
-- the member
('*', '{"member": null}', '22004'),
('*', '{"member": ""}', '22023'),
('*', '{"member": "LONG"}', '22023'),
('* but enroll', '{"member": "nobody"}', 'LY004'),
('* but enroll', '{"member": "A"}', 'LY004'),
('* but enroll', '{"member": "a "}', 'LY004'),
('purchase award spend hold capture transfer', '{"member": "frozen"}', 'LY002'),
-- the program
('*', '{"program": "nowhere"}', 'LY005'),
('*', '{"program": ""}', '22023'),
('*', '{"program": "LONG"}', '22023'),
-- the time
('*', '{"at": "2999-01-01"}', 'LY009'),
('*', '{"at": "infinity"}', '22023|22008'),
('*', '{"at": "-infinity"}', '22023|22008'),
('*', '{"at": "0001-01-01"}', '22003|22008|22023'),
('*', '{"at": "4000-01-01 BC"}', '22003|22008|22023'),
('*', '{"at": "294276-12-31"}', '22003|22008|22023'),
('*', '{"at": "5000000-01-01"}', '22008'),
('*', '{"at": "the other day"}', '22007'),
('confirm capture release refund cancel', '{"at": "2024-12-31"}', 'LY009'),
-- a new ref
('* but enroll', '{"ref": null}', '22004'),
('* but enroll', '{"ref": ""}', '22023'),
('* but enroll', '{"ref": "LONG"}', '22023'),
('purchase award', '{"ref": "w"}', 'LY003'),
('spend capture', '{"ref": "s"}', 'LY003'),
('hold', '{"ref": "h"}', 'LY003'),
-- the ref of something
('confirm capture release refund cancel', '{"of_ref": null}', '22004'),
('confirm capture release refund cancel', '{"of_ref": ""}', '22023'),
('confirm capture release refund cancel', '{"of_ref": "LONG"}', '22023'),
('confirm capture release refund cancel', '{"of_ref": "nothing"}', 'LY006'),
('confirm capture release refund', '{"of_ref": "s"}', 'LY006'),
('refund', '{"of_ref": "h"}', 'LY006'),
('cancel', '{"of_ref": "w"}', 'LY006'),
('cancel', '{"of_ref": "p"}', 'LY006'),
('cancel', '{"of_ref": "h"}', 'LY006'),
-- points
('award spend hold adjust reinstate transfer', '{"points": null}', '22004'),
('award spend hold capture cancel adjust reinstate transfer', '{"points": 0}', '22023'),
('award spend hold capture cancel reinstate transfer', '{"points": -1}', '22023'),
('award spend hold capture cancel adjust reinstate transfer', '{"points": 1000000000000001}', '22003'),
('award spend hold capture cancel adjust reinstate transfer', '{"points": 9223372036854775807}', '22003'),
('award spend hold capture cancel adjust reinstate transfer', '{"points": 9223372036854775808}', '22003'),
('adjust', '{"points": -1000000000000001}', '22003'),
('adjust', '{"points": -9223372036854775808}', '22003'),
('award spend hold capture cancel adjust reinstate transfer', '{"points": "many"}', '22P02'),
('spend hold transfer', '{"points": 121}', 'LY001'),
('adjust', '{"points": -121}', 'LY001'),
('capture', '{"points": 11}', 'LY007'),
('cancel', '{"points": 21}', 'LY007'),
('reinstate', '{"points": 6}', 'LY007'),
-- money
('purchase', '{"amount": null}', '22004'),
('purchase refund', '{"amount": -0.01}', '22023'),
('purchase refund', '{"amount": "NaN"}', '22023'),
('purchase refund', '{"amount": "Infinity"}', '22023'),
('purchase refund', '{"amount": "-Infinity"}', '22023'),
('purchase', '{"amount": 1000000000000000}', '22003'),
('purchase', '{"amount": "1e400"}', '22003'),
('purchase', '{"amount": "1e100000"}', '22003'),
('purchase', '{"amount": 1.0000000000001}', '22003'),
('purchase', '{"amount": "ten"}', '22P02'),
('refund', '{"amount": 0}', '22023'),
('refund', '{"amount": 50.01}', 'LY007'),
('refund', '{"amount": "1e400"}', '22003|LY007'),
-- lines
('purchase', '{"lines": []}', '22023'),
('purchase', '{"lines": {}}', '22023'),
('purchase', '{"lines": "text"}', '22P02'),
('purchase', '{"lines": [1]}', '22023'),
('purchase', '{"lines": [null]}', '22023'),
('purchase', '{"lines": [{"sku": "A"}]}', '22023'),
('purchase', '{"lines": [{"sku": "A", "amount": "ten"}]}', '22023'),
('purchase', '{"lines": [{"sku": "A", "amount": null}]}', '22023'),
('purchase', '{"lines": [{"sku": "A", "amount": 9.99}]}', '22023'),
('purchase', '{"lines": [{"sku": "A", "amount": 11.00}, {"sku": "B", "amount": -1.00}]}', '22023'),
('purchase', '{"lines": [{"sku": "A", "amount": 10.00, "quantity": -1}]}', '22023'),
('purchase', '{"lines": [{"sku": "A", "amount": 10.00, "quantity": "two"}]}', '22023'),
('refund', '{"lines": [{"line": 1}]}', '22023'),
('refund', '{"amount": null, "lines": []}', '22023'),
('refund', '{"amount": null, "lines": {}}', '22023'),
('refund', '{"amount": null, "lines": [1]}', '22023'),
('refund', '{"amount": null, "lines": [{}]}', '22023'),
('refund', '{"amount": null, "lines": [{"line": 0}]}', '22023|LY006'),
('refund', '{"amount": null, "lines": [{"line": -1}]}', '22023|LY006'),
('refund', '{"amount": null, "lines": [{"line": 3}]}', '22023|LY006'),
('refund', '{"amount": null, "lines": [{"line": 1.5}]}', '22023|LY006'),
('refund', '{"amount": null, "lines": [{"line": "one"}]}', '22023|LY006'),
('refund', '{"amount": null, "lines": [{"line": 99999999999999999999}]}', '22023|22003|LY006'),
('refund', '{"amount": null, "lines": [{"sku": "C"}]}', '22023|LY006'),
('refund', '{"amount": null, "lines": [{"line": 1, "quantity": 0}]}', '22023'),
('refund', '{"amount": null, "lines": [{"line": 1, "quantity": -1}]}', '22023'),
('refund', '{"amount": null, "lines": [{"line": 1, "quantity": 3}]}', 'LY007'),
('refund', '{"amount": null, "lines": [{"line": 1, "amount": -1}]}', '22023'),
('refund', '{"amount": null, "lines": [{"line": 1, "amount": 30.01}]}', 'LY007'),
-- dates
('award', '{"expires_on": "2025-01-09"}', '22023'),
('award', '{"expires_on": "-infinity"}', '22003|22008|22023'),
('award', '{"expires_on": "0001-01-01"}', '22003|22008|22023'),
('award', '{"expires_on": "5000000-01-01"}', '22003|22008|22023'),
('award', '{"expires_on": "2025-02-29"}', '22008'),
('hold', '{"until": "2025-01-10"}', '22023'),
('hold', '{"until": "2020-01-01"}', '22023'),
('hold', '{"until": "-infinity"}', '22003|22008|22023'),
('hold', '{"until": "2025-01-17 00:00:01"}', 'LY008'),
('hold', '{"until": "9000-01-01"}', 'LY008'),
('extend reinstate', '{"last_day": null}', '22004'),
('extend', '{"last_day": "2025-01-10"}', '22023'),
('extend reinstate', '{"last_day": "2025-01-09"}', '22023'),
('extend reinstate', '{"last_day": "-infinity"}', '22003|22008|22023'),
('extend reinstate', '{"last_day": "0001-01-01"}', '22003|22008|22023'),
('extend reinstate', '{"last_day": "5000000-01-01"}', '22003|22008|22023'),
('extend', '{"of_last_day": "5000000-01-01"}', '22003|22008|22023'),
('freeze', '{"until": "2025-01-10"}', '22023'),
('freeze', '{"until": "-infinity"}', '22003|22008|22023'),
('enroll', '{"joined_on": "infinity"}', '22003|22008|22023'),
('enroll', '{"joined_on": "5000000-01-01"}', '22003|22008|22023'),
-- the other member
('transfer', '{"to_member": null}', '22004'),
('transfer', '{"to_member": ""}', '22023'),
('transfer', '{"to_member": "LONG"}', '22023'),
('transfer', '{"to_member": "nobody"}', 'LY004'),
('transfer', '{"to_member": "a"}', 'LY011'),
('transfer', '{"to_member": "frozen"}', 'LY002'),
-- modes, and what is known of a member
('freeze', '{"mode": null}', '22004'),
('freeze', '{"mode": ""}', '22023'),
('freeze', '{"mode": "none"}', '22023'),
('freeze', '{"mode": "ALL"}', '22023'),
('unfreeze', '{"member": "a"}', 'LY007'),
('enroll', '{"birthday": "13-01"}', '22023|23514'),
('enroll', '{"birthday": "02-30"}', '22023|23514'),
('enroll', '{"birthday": "1990-02-03"}', '22023|23514'),
('enroll', '{"birthday": ""}', '22023|23514'),
('enroll', '{"attributes": [1]}', '22023|23514'),
('enroll', '{"tags": {"a": 1}}', '22023|23514');

CREATE FUNCTION tap.call_of(fn text, params jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT format('loyalty.%I(%s)', fn, string_agg(format('%I => %s', key, coalesce(quote_nullable(replace(value, 'LONG', repeat('x', 10000))), 'NULL')), ', ' ORDER BY key))
	FROM jsonb_each_text(params)
$$;
CREATE FUNCTION tap.insert_of(relation text, params jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT format('INSERT INTO loyalty.%I (%s) VALUES (%s)', relation, string_agg(quote_ident(key), ', ' ORDER BY key),
		string_agg(coalesce(quote_nullable(replace(value, 'LONG', repeat('x', 10000))), 'NULL'), ', ' ORDER BY key))
	FROM jsonb_each_text(params)
$$;
-- Are the refused calls refused within a read-only transaction, and the good ones too?
CREATE FUNCTION tap.readonly(call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('transaction_read_only', 'on', true);
	IF call LIKE 'INSERT%' THEN
		EXECUTE call;
	ELSE
		EXECUTE 'SELECT ' || call;
	END IF;
	RAISE EXCEPTION 'was not refused' USING ERRCODE = 'TAP01';
EXCEPTION WHEN OTHERS THEN
	RETURN 'error ' || SQLSTATE;
END $$;
CREATE FUNCTION tap.counts() RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT format('%s members, %s accounts, %s entries, %s holds', (SELECT count(*) FROM loyalty.member), (SELECT count(*) FROM loyalty.account),
		(SELECT count(*) FROM loyalty.entry), (SELECT count(*) FROM loyalty.hold))
$$;
CREATE TEMP TABLE before AS SELECT counts() AS what;

SELECT t('the good call: ' || fn, format('dry(%L)', call_of(fn, params)), 'ok') FROM good ORDER BY fn;
SELECT t('the good row: ' || relation, format('dry(%L)', insert_of(relation, params)), 'ok') FROM good ORDER BY fn;

-- Each with what it changes of the good one, taken back should it succeed.
CREATE TEMP VIEW refused AS SELECT n, fn, relation, change, states, params || change AS params
FROM bad JOIN good ON CASE fns WHEN '*' THEN true WHEN '* but enroll' THEN fn <> 'enroll' ELSE fn = ANY (string_to_array(fns, ' ')) END;
SELECT t(format('%s(%s): %s', fn, change, states), format('dry(%L)', call_of(fn, params)), 'error ' || states) FROM refused ORDER BY n, fn;
SELECT t(format('%s(%s): %s', relation, change, states), format('dry(%L)', insert_of(relation, params)), 'error ' || states) FROM refused ORDER BY n, fn;
SELECT t('read-only transaction: ' || fn, format('readonly(%L)', call_of(fn, params)), 'error 25006') FROM good ORDER BY fn;
SELECT t('read-only transaction: ' || relation, format('readonly(%L)', insert_of(relation, params)), 'error 25006') FROM good ORDER BY fn;
SELECT t('read-only transaction: settle', $$readonly('loyalty.settle(''a'')')$$, 'error 25006');
SELECT t('read-only transaction: erase', $$readonly('loyalty.erase(''a'')')$$, 'error 25006');

SELECT t(format('settle(%s): %s', args, state), format('dry(%L)', format('loyalty.settle(%s)', args)), 'error ' || state)
FROM (VALUES ('NULL', '22004'), ($$''$$, '22023|LY004'), ($$'nobody'$$, 'LY004'), ($$'a', program => 'nowhere'$$, 'LY005'),
	($$repeat('x', 10000)$$, '22023|LY004')) AS v(args, state);

SELECT t('settle: what will fall due has not yet: ' || at, format($$(SELECT concat(settle('h', at => %L), ' ', balance, ' ', (account_of('h')).seq) FROM balance('h'))$$, at), '0 7 2')
FROM unnest('{2999-01-01,infinity,-infinity}'::text[]) AS at;

-- With two programs and none named, one must be.
SELECT shop('bad.other', '{}', '{}');
SELECT set_config('loyalty.program', '', true) \g /dev/null
SELECT t('no program named of two: ' || fn, format('dry(%L)', call_of(fn, params)), 'error LY005') FROM good ORDER BY fn;
SELECT t('no program named of two: ' || relation, format('dry(%L)', insert_of(relation, params)), 'error LY005') FROM good ORDER BY fn;
SELECT set_config('loyalty.program', 'bad.other', true) \g /dev/null
SELECT t('known in another program only: ' || fn, format('dry(%L)', call_of(fn, params)), 'error LY004') FROM good WHERE fn <> 'enroll' ORDER BY fn;
SELECT set_config('loyalty.program', 'bad', true) \g /dev/null

SELECT is(counts(), what, 'all that leaves no row') FROM before;
SELECT t('and the next posting is the next', $$(SELECT concat(left(got($q$adjust('a', 1, 'next', at => '2025-01-10')$q$), 6), ' ', (account_of('a')).seq - a.seq) FROM account_of('a') a)$$, '+1 to  1');

-- Good input that looks bad.
SELECT t('good: ' || what, replace(call, '#', quote_literal(name)), want)
FROM (VALUES ('quotes and backslashes', E'O''Brien "the" \\ ; -- /* %s'), ('unicode', '会员 😀 ñ e' || chr(769)), ('a dollar and a tab', E'$1\t$$'),
	('255 bytes', repeat('y', 255)), ('blanks', '   ')) AS n(what, name), (VALUES
	(1, '(enroll(#, at => ''2025-01-01'')).points', '0'), (2, 'award(#, 5, #, #, attributes => jsonb_build_object(#::text, #::text), at => ''2025-01-01'')', '+5 to 5, 5 usable'),
	(3, '(SELECT reason = # AND ref = # AND attributes ->> # = # FROM posted(#, #))', 'true'), (4, '(SELECT balance FROM balance(#))', '5'),
	(5, 'award(#, 5, #, #, attributes => jsonb_build_object(#::text, #::text), at => ''2025-01-01'')', '+5 to 5, 5 usable; repeat')) AS v(step, call, want)
ORDER BY name, step;
SELECT t('the limit of a name is in bytes: 86 of three', $$dry(format('enroll(%L)', repeat('会', 86)))$$, 'error 22023');
SELECT t('85 of three are good', $$dry(format('enroll(%L)', repeat('会', 85)))$$, 'ok');
SELECT t('256 bytes are too many', $$dry(format('enroll(%L)', repeat('y', 256)))$$, 'error 22023');

SELECT sound();
SELECT finish();
ROLLBACK;
