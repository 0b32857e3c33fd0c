-- Members' keys, the ledger's tables and the extension's schema, as the roles of the
-- manual and as an owner who slips.
\ir ../pgtap/setup.psql

SELECT shop('sec', '{}', '{rich,poor}', '2024-01-01');
SELECT award('rich', 50000, 'w1', at => '2024-01-02');
INSERT INTO program (code) VALUES ('second');
SELECT enroll('rich', 'second', '2024-01-03');
CREATE ROLE service;
CREATE ROLE crm;
GRANT USAGE ON SCHEMA loyalty, tap TO service, crm;
GRANT EXECUTE ON FUNCTION loyalty.adjust, loyalty.rename_member, loyalty.erase TO service;
GRANT SELECT, UPDATE ON loyalty.members TO crm;

CREATE FUNCTION tap.as_role(role text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	PERFORM set_config('role', role, true);
	answer := tap.got(call);
	PERFORM set_config('role', 'none', true);
	RETURN answer;
END $$;
SELECT t(what, format('as_role(%L, %L)', role, call), want) FROM (VALUES
('service has no UPDATE of keys', 'service', $$UPDATE loyalty.member SET key = 'x' WHERE key = 'poor'$$, 'error 42501'),
('nor the one who keeps facts', 'crm', $$UPDATE loyalty.member SET key = 'x' WHERE key = 'poor'$$, 'error 42501'),
('nor through the view', 'crm', $$UPDATE loyalty.members SET member = 'x' WHERE member = 'poor'$$, 'error LY012'),
('nor the day of joining', 'crm', $$UPDATE loyalty.members SET joined_on = '2000-01-01' WHERE member = 'poor'$$, 'error LY012'),
('nor the mark of an erased one', 'crm', $$UPDATE loyalty.members SET erased_at = now() WHERE member = 'poor'$$, 'error LY012'),
('facts may change', 'crm', $$UPDATE loyalty.members SET birthday = '02-29', tags = '["vip"]', attributes = attributes || '{"city": "Rome"}' WHERE member = 'poor'$$, '1 rows'),
('they did', 'crm', $$(SELECT concat_ws(' ', birthday, tags, attributes) FROM loyalty.members WHERE member = 'poor')$$, '02-29 ["vip"] {"city": "Rome"}'),
('a birthday that is none', 'crm', $$UPDATE loyalty.members SET birthday = '02-30' WHERE member = 'poor'$$, 'error 23514'),
('tags that are no array', 'crm', $$UPDATE loyalty.members SET tags = '{}' WHERE member = 'poor'$$, 'error 23514'),
('no members are made', 'postgres', $$INSERT INTO loyalty.members (member) VALUES ('new')$$, 'error LY012'),
('nor deleted', 'postgres', $$DELETE FROM loyalty.members$$, 'error LY012'),
('a key that is taken', 'service', $$loyalty.rename_member('poor', 'rich', 'n1', at => '2024-02-01')$$, 'error 23505'),
('a key that is reserved', 'service', $$loyalty.rename_member('poor', 'erased:7', 'n1', at => '2024-02-01')$$, 'error 22023'),
('an empty key', 'service', $$loyalty.rename_member('poor', '', 'n1', at => '2024-02-01')$$, 'error 22023'),
('NULL', 'service', $$loyalty.rename_member('poor', NULL, 'n1', at => '2024-02-01')$$, 'error 22004'),
('an unknown member', 'service', $$loyalty.rename_member('nobody', 'somebody', 'n1', at => '2024-02-01')$$, 'error LY004'),
('a new key', 'service', $$loyalty.rename_member('rich', 'richer', 'n1', 'married', at => '2024-02-01')$$, '0 to 50000, 50000 usable'),
('the same again', 'service', $$loyalty.rename_member('rich', 'richer', 'n1', 'married', at => '2024-02-01')$$, '0 to 50000, 50000 usable; repeat'),
('another under its ref', 'service', $$loyalty.rename_member('richer', 'richest', 'n1', at => '2024-02-01')$$, 'error LY003'),
('the old key is unknown', 'service', $$loyalty.rename_member('rich', 'other', 'n2', at => '2024-02-01')$$, 'error LY004'),
('the points are where they were', 'postgres', $$(SELECT balance FROM loyalty.balance('richer', at => '2024-02-02'))$$, '50000'),
('each of the accounts tells it', 'postgres', $$(SELECT string_agg(concat_ws(' ', e.program, e.kind, e.ref, e.of_ref, e.actor), ', ' ORDER BY e.program) FROM loyalty.entries e WHERE e.kind = 'rename_member')$$, 'sec rename_member n1 postgres, second rename_member n1'),
('and nobody reads a key of it', 'postgres', $$(SELECT count(*) FROM loyalty.entry e WHERE e::text ~ 'rich')$$, '0'),
('by the view', 'postgres', $$INSERT INTO loyalty.renames (member, to_member, ref, at) VALUES ('richer', 'rich', 'n2', '2024-02-03')$$, '1 rows'),
('service erases without UPDATE', 'service', $$(SELECT loyalty.erase('poor') LIKE 'erased:%')$$, 'true'),
('not twice', 'service', $$loyalty.erase('poor')$$, 'null'),
('nobody but a superuser allows drops', 'service', $$SET loyalty.allow_drop = on$$, 'error 42501'),
('nor by set_config', 'service', $$set_config('loyalty.allow_drop', 'on', true)$$, 'error 42501')
) AS v(what, role, call, want);

-- An erased member gets no key and no facts again: another erasing would not find them.
SELECT t(what, format('as_role(%L, %L)', role, call), want) FROM (VALUES
('an erased member gets no new key', 'service', $$(SELECT loyalty.rename_member((SELECT 'erased:' || id FROM loyalty.member WHERE erased_at IS NOT NULL), 'again', 'n3', at => '2024-02-04'))$$, 'error 42501'),
('nor from a superuser', 'postgres', $$loyalty.rename_member((SELECT key FROM loyalty.member WHERE erased_at IS NOT NULL), 'again', 'n3', at => '2024-02-04')$$, 'error LY012'),
('nor facts', 'crm', $$UPDATE loyalty.members SET birthday = '01-01' WHERE erased_at IS NOT NULL$$, 'error LY012')
) AS v(what, role, call, want);
SELECT t('a rule that keeps the key is told', format('after(%L, %L)', '{CREATE RULE r AS ON UPDATE TO loyalty.member DO INSTEAD NOTHING}', $$loyalty.rename_member('rich', 'other', 'n4', at => '2024-02-05')$$), 'error LY012');

-- Nothing in the journal lets anybody guess the key or the attributes that were erased.
SELECT shop('left', '{}', '{from1,from2,to}', '2024-01-01');
SELECT enroll('cat', at => '2024-01-01', attributes => '{"phone": "1"}'), enroll('dog', at => '2024-01-01', attributes => '{"phone": "2"}');
SELECT award(m, 100, 'w', at => '2024-01-02') FROM unnest('{from1,from2}'::text[]) AS m;
SELECT transfer('from1', 'to', 10, 't', at => '2024-01-03'), rename_member('from1', 'new1', 'r', at => '2024-01-04'), rename_member('from2', 'new2', 'r', at => '2024-01-04');
SELECT t(what, call, want) FROM (VALUES
('the print of a renaming is not of keys', $$(SELECT count(DISTINCT fingerprint) FROM loyalty.entry WHERE ref = 'r')$$, '1'),
('nor that of enroll of attributes', $$(SELECT count(DISTINCT e.fingerprint) FROM loyalty.entries e WHERE e.kind = 'enroll' AND e.member IN ('cat', 'dog'))$$, '1'),
('a transfer that is repeated', $$loyalty.transfer('new1', 'to', 10, 't', at => '2024-01-03')$$, '-10 to 90, 90 usable; repeat'),
('is so by the person', $$after('{"SELECT loyalty.rename_member(''to'', ''other'', ''r'', at => ''2024-01-05'')"}', $q$loyalty.transfer('new1', 'other', 10, 't', at => '2024-01-03')$q$)$$, '-10 to 90, 90 usable; repeat'),
('to another person it is another', $$loyalty.transfer('new1', 'cat', 10, 't', at => '2024-01-03')$$, 'error LY003'),
('a renaming that is repeated', $$loyalty.rename_member('from1', 'new1', 'r', at => '2024-01-04')$$, '0 to 90, 90 usable; repeat'),
('and by the new key', $$loyalty.rename_member('new1', 'new1', 'r', at => '2024-01-04')$$, '0 to 90, 90 usable; repeat'),
('another key under its ref', $$loyalty.rename_member('new1', 'new3', 'r', at => '2024-01-04')$$, 'error LY003'),
('back again, and its ref asked again', $$after('{"SELECT loyalty.rename_member(''new1'', ''from1'', ''r2'', at => ''2024-01-05'')"}', $q$loyalty.rename_member('from1', 'new1', 'r', at => '2024-01-04')$q$)$$, 'error LY003')
) AS v(what, call, want);

SELECT set_config('loyalty.program', 'sec', true);

-- TRIGGER on a table that the extension writes as its owner makes nobody the owner.
CREATE ROLE mallory;
GRANT USAGE ON SCHEMA loyalty, tap TO mallory;
GRANT CREATE ON SCHEMA tap TO mallory;
GRANT TRIGGER ON loyalty.member, loyalty.campaign TO mallory;
GRANT SELECT, INSERT ON loyalty.campaigns TO crm;
SET LOCAL ROLE mallory;
CREATE FUNCTION tap.evil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE mallory SUPERUSER'; RETURN NEW; END $$;
CREATE FUNCTION tap.evil_when() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE mallory SUPERUSER'; RETURN false; END $$;
CREATE TRIGGER evil BEFORE INSERT ON loyalty.campaign FOR EACH ROW EXECUTE FUNCTION tap.evil();
CREATE TRIGGER evil BEFORE UPDATE ON loyalty.member FOR EACH ROW WHEN (tap.evil_when()) EXECUTE FUNCTION suppress_redundant_updates_trigger();
RESET ROLE;
SELECT t(what, format('as_role(%L, %L)', role, call), want) FROM (VALUES
('by a view of the configuration', 'crm', $$INSERT INTO loyalty.campaigns (program, code, status) VALUES ('sec', 'c', 'draft')$$, 'error LY012'),
('by facts, and by WHEN', 'crm', $$UPDATE loyalty.members SET birthday = '01-02' WHERE member = 'rich'$$, 'error LY012'),
('by erasing', 'service', $$loyalty.erase('rich')$$, 'error LY012')
) AS v(what, role, call, want);
SELECT ok(NOT rolsuper, 'no function of his ran') FROM pg_roles WHERE rolname = 'mallory';
DROP TRIGGER evil ON loyalty.campaign;
DROP TRIGGER evil ON loyalty.member;

-- A superuser who slips.
SELECT t('refused: ' || statement, format('after(%L, %L)', '{}', statement), 'error LY012') FROM unnest(ARRAY[
	'ALTER SCHEMA loyalty RENAME TO other',
	'CREATE TABLE tap.child () INHERITS (loyalty.account)',
	'CREATE TABLE tap.child () INHERITS (loyalty.entry)']) AS statement;
SELECT t('refused: ' || statements[array_length(statements, 1)], format('after(%L, %L)', statements[:array_length(statements, 1) - 1], statements[array_length(statements, 1)]), 'error LY012') FROM (VALUES
	(ARRAY['CREATE TABLE tap.parent (LIKE loyalty.account)', 'ALTER TABLE loyalty.account INHERIT tap.parent']),
	(ARRAY['CREATE TABLE tap.parent (LIKE loyalty.entry)', 'ALTER TABLE loyalty.entry INHERIT tap.parent']),
	(ARRAY['CREATE TABLE tap.parent (LIKE loyalty.hold)', 'ALTER TABLE loyalty.hold INHERIT tap.parent']),
	(ARRAY['CREATE TABLE tap.parted (LIKE loyalty.budget) PARTITION BY LIST (id)', 'ALTER TABLE tap.parted ATTACH PARTITION loyalty.budget DEFAULT']),
	(ARRAY['ALTER TABLE loyalty.entry RENAME TO journal', 'ALTER EXTENSION loyalty DROP TABLE loyalty.journal', 'DROP TABLE loyalty.journal CASCADE']),
	(ARRAY['ALTER TABLE loyalty.account RENAME TO konto', 'ALTER EXTENSION loyalty DROP TABLE loyalty.konto', 'DROP TABLE loyalty.konto CASCADE']),
	(ARRAY['ALTER TABLE loyalty.account SET SCHEMA tap', 'ALTER EXTENSION loyalty DROP TABLE tap.account', 'DROP TABLE tap.account CASCADE'])) AS v(statements);

-- Something else in a table's place is refused by whoever would read it, and crashes nobody.
CREATE FUNCTION tap.in_place_of(name text, statement text, call text) RETURNS text LANGUAGE sql AS $$
	SELECT left(tap.after(ARRAY[format('ALTER TABLE loyalty.%1$I RENAME TO moved', name), format(statement, name)], call), 11)
$$;
SELECT ok(in_place_of(name, statement, call) ~ '^(error (LY012|LY004|42P01|42703)|[0-9]+$)', format('in place of %s: %s: %s', name, statement, call))
FROM unnest('{account,entry,member,program,hold,rule,tally,budget,allowed_function}'::text[]) AS name,
	(VALUES ('CREATE VIEW loyalty.%1$I AS SELECT * FROM loyalty.moved'), ('CREATE TABLE loyalty.%1$I AS SELECT * FROM loyalty.moved'), ('CREATE TABLE loyalty.%1$I (id text, account_id text, member_id text, program_id text)')) AS s(statement),
	(VALUES ('(loyalty.award(''rich'', 1, ''x1'')).points'), ('(loyalty.hold(''rich'', 1, ''x2'')).points'), ('(SELECT balance FROM loyalty.balance(''rich''))'), ('(SELECT count(*) FROM loyalty.verify())')) AS c(call);
SELECT is(in_place_of('account', 'CREATE VIEW loyalty.%1$I AS SELECT * FROM loyalty.moved', '(loyalty.award(''rich'', 1, ''x1'')).points'), 'error LY012', 'a view in place of account');
SELECT is(in_place_of('account', 'CREATE TABLE loyalty.%1$I AS SELECT * FROM loyalty.moved', '(loyalty.award(''rich'', 1, ''x1'')).points'), 'error LY012', 'a table in place of account');
SELECT t('an index of another table in the place of ours', format('after(%L, %L)', '{ALTER INDEX loyalty.account_pkey RENAME TO moved,CREATE INDEX account_pkey ON loyalty.member (key)}', $$award('rich', 1, 'x2')$$), 'error LY012');
SELECT t('it is as it was', $$award('rich', 1, 'x3', at => '2024-03-01')$$, '+1 to 50001, 50001 usable');

SELECT sound();
SELECT finish();
ROLLBACK;
