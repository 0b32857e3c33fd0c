-- The journal: append only, numbered per account, chained by a hash.
-- Its columns are those of account/entry_fields.h, in that order, which is that of the
-- chain's canonical form; what they mean stands there.

CREATE FUNCTION loyalty._entry_valid(seq bigint, balance bigint, usable bigint, debt bigint, held bigint, hash bytea)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'entry_valid' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION loyalty._entry_valid IS
	'The constraint of loyalty.entry: numbers start at 1, never both debt and usable points, usable and held points are part of the balance, a hash of 32 bytes.';

CREATE TABLE loyalty.entry (
	account_id bigint NOT NULL,
	seq bigint NOT NULL,
	at timestamptz NOT NULL,
	clock timestamptz NOT NULL,
	recorded_at timestamptz NOT NULL,
	points bigint NOT NULL,
	balance bigint NOT NULL,
	usable bigint NOT NULL,
	debt bigint NOT NULL,
	held bigint NOT NULL,
	of_seq bigint,
	fingerprint bigint,
	computed bigint,
	due bigint,
	owed bigint,
	written_off bigint,
	made_good bigint,
	fee bigint,
	expired bigint,
	counterparty_id bigint,
	until timestamptz,
	inactive_months integer,
	clock_on date NOT NULL,
	expires_on date,
	of_last_day date,
	inactive_on date,
	kind loyalty.kind NOT NULL,
	ref text COLLATE "C",
	of_ref text COLLATE "C",
	amount numeric,
	rate text,
	expiry loyalty.expiry,
	mode text,
	reason text,
	channel text,
	store text,
	brand text,
	actor text,
	attributes jsonb,
	lines jsonb,
	taken loyalty.lot_queue,
	gained loyalty.lot_queue,
	source loyalty.lot_queue,
	spared loyalty.lot_queue,
	graced loyalty.lot_queue,
	written_off_lots loyalty.lot_queue,
	made_good_lots loyalty.lot_queue,
	activity text COLLATE "C",
	benefit text COLLATE "C",
	tier_grant text COLLATE "C",
	quantity bigint,
	qualifying bigint,
	happened_on date,
	counts_from date,
	would_count_from date,
	grant_first_day date,
	grant_last_day date,
	tier text COLLATE "C",
	cause text,
	computed_tier text COLLATE "C",
	computed_last_day date,
	reached_on date,
	before_tier text COLLATE "C",
	before_last_day date,
	parts jsonb,
	charges jsonb,
	hash bytea NOT NULL,
	PRIMARY KEY (account_id, seq),
	CONSTRAINT entry_is_consistent CHECK (loyalty._entry_valid(seq, balance, usable, debt, held, hash))
) WITH (autovacuum_freeze_min_age = 0, toast_tuple_target = 8160);
-- A ref is unique among the entries of one kind. Postings see to it that it is unique
-- among those of one act, too: purchase, award and activity; spend and capture.
CREATE UNIQUE INDEX entry_ref ON loyalty.entry (account_id, ref, kind);
CREATE INDEX entry_of_seq ON loyalty.entry (account_id, of_seq) WHERE of_seq IS NOT NULL;
-- For reads of a day or a week: a few bytes for 16 pages, where a btree would have
-- as many entries as the journal.
CREATE INDEX entry_at ON loyalty.entry USING brin (at, recorded_at) WITH (pages_per_range = 16, autosummarize = on);

COMMENT ON TABLE loyalty.entry IS 'The journal. Only postings write it; an INSERT or COPY by the owner is a restore.';

SELECT pg_catalog.pg_extension_config_dump('loyalty.entry', '');

CREATE FUNCTION loyalty._entry_column_list(OUT "position" integer, OUT name text, OUT meaning text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'entry_column_list' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE VIEW loyalty.chain_fields AS
	SELECT f."position", f.name, pg_catalog.format_type(a.atttypid, NULL) AS type
	FROM loyalty._entry_column_list() f
		JOIN pg_catalog.pg_attribute a ON a.attrelid = 'loyalty.entry'::regclass AND a.attname = f.name
	WHERE f.name <> 'hash'
	ORDER BY f."position";
COMMENT ON VIEW loyalty.chain_fields IS 'Canonical form of an entry: the columns that are hashed, in order. doc/operations.md describes the format of each type.';

DO $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT l.name, l.meaning FROM loyalty._entry_column_list() l
	LOOP
		EXECUTE pg_catalog.format('COMMENT ON COLUMN loyalty.entry.%I IS %L', c.name, c.meaning);
	END LOOP;
END
$$;

-- Which kinds have which fields: what verify checks, and readers may rely on.
CREATE FUNCTION loyalty._entry_field_list(OUT kind loyalty.kind, OUT field text, OUT needed boolean) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'entry_field_list' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE VIEW loyalty.entry_fields AS
	SELECT f.kind, f.field, f.needed FROM loyalty._entry_field_list() f;
COMMENT ON VIEW loyalty.entry_fields IS 'The columns of loyalty.entry that each kind has: required in each entry of the kind, or allowed. verify reports a required column that is missing, and a column that is not listed.';

-- Stored jsonb as views read it: what cannot be understood is left out, for
-- verify to name.
CREATE FUNCTION loyalty._objects_in("array" jsonb) RETURNS SETOF jsonb
	AS 'MODULE_PATHNAME', 'json_objects_in' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 5;
COMMENT ON FUNCTION loyalty._objects_in IS 'The objects of a jsonb array; no rows if the value is not an array.';
CREATE FUNCTION loyalty._number_in(object jsonb, key text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'json_number_in' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty._number_in IS 'A member of a jsonb object as an integer; NULL if it is not an integer.';
