-- Tables, types and indexes that a superuser has changed under the library: it reads
-- them without another look, so it looks once, and refuses what it does not know.
\ir ../pgtap/setup.psql

SELECT shop('made', '{}', '{anna}', '2024-01-01');
SELECT award('anna', 100, 'w1', at => '2024-01-02');
SELECT hold('anna', 10, 'h1', '2024-01-04', '2024-01-03');
INSERT INTO loyalty.campaigns (code, status, budget) VALUES ('spring', 'running', 1000);
INSERT INTO loyalty.rules (code, points, campaign, points_cap, cap_period) VALUES ('five', '5', 'spring', 100, 'month');
INSERT INTO loyalty.tiers (code, rank, points) VALUES ('basic', 1, NULL), ('gold', 2, 1000);
SELECT purchase('anna', 10.00, 'p1', at => '2024-01-03');
SELECT spend('anna', 5, 's1', at => '2024-01-03');
SET LOCAL loyalty.allow_drop = on;

-- Views and functions over a column go with it, and must not take the extension with them.
DELETE FROM pg_depend WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'loyalty')
	AND NOT (classid = 'pg_class'::regclass AND objid IN (SELECT oid FROM pg_class WHERE relkind = 'r'));

-- What reads a table, by the library alone.
CREATE FUNCTION tap.reader(table_name text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN table_name IN ('account', 'entry', 'hold', 'tally', 'usage', 'budget') THEN '(SELECT count(*) FROM loyalty._verify_all_rows())'
		WHEN table_name = 'program' THEN $q$loyalty._program_named('made')$q$
		WHEN table_name = 'member' THEN $q$(SELECT balance FROM loyalty.balance('anna', at => '2024-01-03'))$q$
		ELSE $q$(SELECT balance FROM loyalty.award('anna', 1, 'x', at => '2024-01-03'))$q$ END
$$;

-- Every column of every table that the library reads, of another type.
SELECT t(format('%s.%s is %s', r.relname, a.attname, n.new),
	format('after(%L, %L)', ARRAY[format('ALTER TABLE loyalty.%I DROP COLUMN %I CASCADE, ADD COLUMN %2$I %s', r.relname, a.attname, n.new)], reader(r.relname)),
	CASE WHEN (r.relname, a.attname) IN (('program', 'name'), ('tier', 'name'), ('campaign', 'name'), ('rule', 'name'), ('rule', 'author'), ('rule', 'outcome'), ('rule_group', 'id'))
		THEN got(reader(r.relname)) ELSE 'error LY012' END)
FROM pg_class r
	JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0
	CROSS JOIN LATERAL (SELECT CASE WHEN a.attlen = -1 THEN 'integer NOT NULL DEFAULT 7' ELSE $$text NOT NULL DEFAULT 'seven'$$ END AS new) n
WHERE r.relnamespace = 'loyalty'::regnamespace AND r.relkind = 'r' AND r.relname NOT IN ('allowed_function', 'retired')
ORDER BY r.relname, a.attnum;

-- Another length, scale or origin.
SELECT t(change, format('after(%L, %L)', ARRAY[change], reader((regexp_match(change, 'loyalty\.(\w+)'))[1])), 'error LY012') FROM unnest(ARRAY[
	'ALTER TABLE loyalty.member DROP COLUMN birthday CASCADE, ADD COLUMN birthday varchar(3)',
	'ALTER TABLE loyalty.account DROP COLUMN spend CASCADE, ADD COLUMN spend numeric(20, 1) NOT NULL DEFAULT 0',
	'ALTER TABLE loyalty.account DROP COLUMN opened_at CASCADE, ADD COLUMN opened_at timestamp NOT NULL DEFAULT now()',
	'ALTER TABLE loyalty.account DROP COLUMN before_tier CASCADE, ADD COLUMN before_tier text GENERATED ALWAYS AS (frozen) STORED']) AS change;

-- The type of receipts.
SELECT t(change, format('after(%L, %L)', ARRAY[change], $$to_jsonb(loyalty.award('anna', 1, 'y', at => '2024-01-03')) -> 'points'$$), want) FROM (VALUES
	('ALTER TYPE loyalty.receipt ALTER ATTRIBUTE points TYPE text CASCADE', 'error LY012'),
	('ALTER TYPE loyalty.receipt ALTER ATTRIBUTE tier TYPE integer CASCADE', 'error LY012'),
	('ALTER TYPE loyalty.receipt ADD ATTRIBUTE more text CASCADE', 'error LY012'),
	('ALTER TYPE loyalty.receipt DROP ATTRIBUTE expired CASCADE', 'error LY012'),
	('SELECT', '1')) AS v(change, want);

-- Every index that the library scans, put back wrongly.
CREATE FUNCTION tap.rebuilt(index_name text, definition text) RETURNS text[] LANGUAGE sql AS $$
	SELECT ARRAY[
		coalesce((SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname)
			FROM pg_constraint c WHERE c.conindid = ('loyalty.' || index_name)::regclass), 'DROP INDEX loyalty.' || index_name),
		definition]
$$;
CREATE FUNCTION tap.scan_of(index_name text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN index_name LIKE 'member%' OR index_name = 'account_pkey' THEN $q$loyalty.rename_member('anna', 'ann', 'r1', at => '2024-01-05')$q$
		WHEN index_name = 'entry_of_seq' THEN $q$loyalty.cancel('anna', 's1', 'c1', at => '2024-01-03 01:00')$q$
		ELSE $q$loyalty.purchase('anna', 10.00, 'p2', at => '2024-01-03 02:00')$q$ END
$$;
SELECT t(definition, format('after(%L, %L)', rebuilt(index_name, definition), scan_of(index_name)), 'error LY012') FROM (VALUES
	('account_pkey', 'CREATE INDEX account_pkey ON loyalty.account (member_id, program_id)'),
	('account_pkey', 'CREATE UNIQUE INDEX account_pkey ON loyalty.account (program_id, member_id)'),
	('account_pkey', 'CREATE UNIQUE INDEX account_pkey ON loyalty.account (member_id, program_id) WHERE frozen IS NOT NULL'),
	('member_key_key', 'CREATE UNIQUE INDEX member_key_key ON loyalty.member (lower(key))'),
	('member_key_key', 'CREATE INDEX member_key_key ON loyalty.member (key)'),
	('member_key_key', 'CREATE INDEX member_key_key ON loyalty.member USING hash (key)'),
	('member_key_key', 'CREATE UNIQUE INDEX member_key_key ON loyalty.member (key COLLATE "POSIX")'),
	('member_pkey', 'CREATE UNIQUE INDEX member_pkey ON loyalty.member (key)'),
	('member_pkey', 'CREATE UNIQUE INDEX member_pkey ON loyalty.member (id) WHERE id > 1000000'),
	('entry_ref', 'CREATE INDEX entry_ref ON loyalty.entry (account_id, ref, kind)'),
	('entry_ref', 'CREATE INDEX entry_ref ON loyalty.entry (account_id)'),
	('entry_ref', 'CREATE UNIQUE INDEX entry_ref ON loyalty.entry (account_id, ref, seq)'),
	('entry_ref', $$CREATE UNIQUE INDEX entry_ref ON loyalty.entry (account_id, ref, kind) WHERE kind = 'award'$$),
	('entry_ref', 'CREATE UNIQUE INDEX entry_ref ON loyalty.entry (account_id, of_ref)'),
	('entry_of_seq', 'CREATE INDEX entry_of_seq ON loyalty.entry (of_seq, account_id)'),
	('entry_of_seq', 'CREATE INDEX entry_of_seq ON loyalty.entry (account_id, of_seq DESC)'),
	('entry_of_seq', 'CREATE INDEX entry_of_seq ON loyalty.entry (account_id, of_seq) WHERE of_seq > 100'),
	('usage_pkey', 'CREATE INDEX usage_pkey ON loyalty.usage (account_id, period_on, counter_id)'),
	('usage_pkey', 'CREATE UNIQUE INDEX usage_pkey ON loyalty.usage (account_id, counter_id, period_on)'),
	('budget_pkey', 'CREATE INDEX budget_pkey ON loyalty.budget (id)'),
	('tally_pkey', 'CREATE INDEX tally_pkey ON loyalty.tally (account_id, happened_on)')) AS v(index_name, definition);
SELECT t('put back as it was: ' || definition, format('after(%L, %L)', rebuilt(index_name, definition), scan_of(index_name)), got) FROM (VALUES
	('account_pkey', 'CREATE UNIQUE INDEX account_pkey ON loyalty.account (member_id, program_id) INCLUDE (frozen)'),
	('member_key_key', 'CREATE UNIQUE INDEX member_key_key ON loyalty.member (key)'),
	('entry_ref', 'CREATE UNIQUE INDEX entry_ref ON loyalty.entry (account_id, ref, kind) WHERE ref IS NOT NULL'),
	('entry_of_seq', 'CREATE INDEX entry_of_seq ON loyalty.entry (account_id, of_seq)'),
	('usage_pkey', 'CREATE UNIQUE INDEX usage_pkey ON loyalty.usage (account_id, period_on, counter_id)'),
	('budget_pkey', 'CREATE UNIQUE INDEX budget_pkey ON loyalty.budget (id)')) AS v(index_name, definition)
	CROSS JOIN LATERAL (SELECT after('{}', scan_of(index_name)) AS got) g;

-- One whose making failed is invalid.
SELECT t('an invalid index', format('after(%L, %L)', ARRAY[$$UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'loyalty.entry_ref'::regclass$$], scan_of('entry_ref')), 'error LY012');

SELECT sound();
SELECT finish();
ROLLBACK;
