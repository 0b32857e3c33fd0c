-- The journal: append only, numbered per account, chained by a hash.
-- The order of columns is that of the chain's canonical form (entry.h).

CREATE FUNCTION loyalty.entry_valid(seq bigint, balance bigint, usable bigint, debt bigint, held bigint, hash bytea)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'entry_valid' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.entry_valid(bigint, bigint, bigint, bigint, bigint, bytea) IS
	'The constraint of loyalty.entry: numbered from 1, no debt beside usable points, usable and held within the balance, a hash of 32 bytes.';

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
	expiring_on date,
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
	taken loyalty.lots,
	gained loyalty.lots,
	source loyalty.lots,
	spared loyalty.lots,
	graced loyalty.lots,
	written_off_lots loyalty.lots,
	made_good_lots loyalty.lots,
	activity text COLLATE "C",
	benefit text COLLATE "C",
	tier_grant text COLLATE "C",
	quantity bigint,
	qualifying bigint,
	happened_on date,
	counts_from date,
	counted_from date,
	starts_on date,
	ends_on date,
	tier text COLLATE "C",
	cause text,
	computed_tier text COLLATE "C",
	computed_until date,
	reached_on date,
	before_tier text COLLATE "C",
	before_until date,
	parts jsonb,
	charges jsonb,
	hash bytea NOT NULL,
	PRIMARY KEY (account_id, seq),
	CONSTRAINT entry_is_consistent CHECK (loyalty.entry_valid(seq, balance, usable, debt, held, hash))
) WITH (autovacuum_freeze_min_age = 0, toast_tuple_target = 8160);
CREATE UNIQUE INDEX entry_ref ON loyalty.entry (account_id, ref);
CREATE INDEX entry_of_seq ON loyalty.entry (account_id, of_seq) WHERE of_seq IS NOT NULL;
-- For reads of a day or a week: a few bytes for 16 pages, where a btree would have
-- as many entries as the journal.
CREATE INDEX entry_at ON loyalty.entry USING brin (at, recorded_at) WITH (pages_per_range = 16, autosummarize = on);

COMMENT ON TABLE loyalty.entry IS 'The journal. Written by postings alone; the owner''s INSERT or COPY is a restore.';
COMMENT ON COLUMN loyalty.entry.account_id IS 'Whose entry (account.id).';
COMMENT ON COLUMN loyalty.entry.seq IS '1, 2, 3 ... without gaps within the account.';
COMMENT ON COLUMN loyalty.entry.at IS 'When it happened.';
COMMENT ON COLUMN loyalty.entry.clock IS 'When it acted on the account: at, or the account''s clock where that was later.';
COMMENT ON COLUMN loyalty.entry.recorded_at IS 'When it was written.';
COMMENT ON COLUMN loyalty.entry.points IS 'Change of the balance.';
COMMENT ON COLUMN loyalty.entry.balance IS 'Balance after it.';
COMMENT ON COLUMN loyalty.entry.usable IS 'Usable points after it.';
COMMENT ON COLUMN loyalty.entry.debt IS 'Debt after it.';
COMMENT ON COLUMN loyalty.entry.held IS 'Points in holds after it.';
COMMENT ON COLUMN loyalty.entry.of_seq IS 'Entry of this account that it refers to.';
COMMENT ON COLUMN loyalty.entry.fingerprint IS 'First eight bytes of a SHA-256 over what the caller gave; NULL where nobody called.';
COMMENT ON COLUMN loyalty.entry.computed IS 'Points before a cap took some.';
COMMENT ON COLUMN loyalty.entry.due IS 'Points that a return is due.';
COMMENT ON COLUMN loyalty.entry.owed IS 'Points that became debt.';
COMMENT ON COLUMN loyalty.entry.written_off IS 'Points that a return wrote off.';
COMMENT ON COLUMN loyalty.entry.made_good IS 'Points that came back and made write-offs good.';
COMMENT ON COLUMN loyalty.entry.fee IS 'Points that a transfer cost on top.';
COMMENT ON COLUMN loyalty.entry.expired IS 'Points that it freed after their last day; the next entry expires them.';
COMMENT ON COLUMN loyalty.entry.counterparty_id IS 'Other account of a transfer.';
COMMENT ON COLUMN loyalty.entry.until IS 'End of a hold or freeze.';
COMMENT ON COLUMN loyalty.entry.inactive_months IS 'New value of the account''s, where it changed.';
COMMENT ON COLUMN loyalty.entry.clock_on IS 'Local day of clock.';
COMMENT ON COLUMN loyalty.entry.expires_on IS 'Last day that this entry gave to lots.';
COMMENT ON COLUMN loyalty.entry.expiring_on IS 'Last day that an extension was limited to.';
COMMENT ON COLUMN loyalty.entry.inactive_on IS 'New value of the account''s, where it changed.';
COMMENT ON COLUMN loyalty.entry.kind IS 'What it is.';
COMMENT ON COLUMN loyalty.entry.ref IS 'The caller''s name for it, unique within the account.';
COMMENT ON COLUMN loyalty.entry.of_ref IS 'The ref that it refers to.';
COMMENT ON COLUMN loyalty.entry.amount IS 'Money of a purchase or return.';
COMMENT ON COLUMN loyalty.entry.rate IS 'What a purchase earned by, in words.';
COMMENT ON COLUMN loyalty.entry.expiry IS 'Policy kept for an award that is pending.';
COMMENT ON COLUMN loyalty.entry.mode IS 'Mode of a freeze; of a return that wrote points off, the program''s on_spent_return.';
COMMENT ON COLUMN loyalty.entry.reason IS 'Why.';
COMMENT ON COLUMN loyalty.entry.channel IS 'Through which channel.';
COMMENT ON COLUMN loyalty.entry.store IS 'In which store.';
COMMENT ON COLUMN loyalty.entry.brand IS 'Of which brand.';
COMMENT ON COLUMN loyalty.entry.actor IS 'Role of the session that made an operator''s posting.';
COMMENT ON COLUMN loyalty.entry.attributes IS 'What the application added.';
COMMENT ON COLUMN loyalty.entry.lines IS 'Lines of a purchase, with their points; lines of a return.';
COMMENT ON COLUMN loyalty.entry.taken IS 'Lots that left the free lots.';
COMMENT ON COLUMN loyalty.entry.gained IS 'Lots that entered them, after debt and write-offs.';
COMMENT ON COLUMN loyalty.entry.source IS 'Lots moved from elsewhere: the use cancelled, the slices captured, what was reinstated, held slices extended.';
COMMENT ON COLUMN loyalty.entry.spared IS 'Lots whose expiry spared a return.';
COMMENT ON COLUMN loyalty.entry.graced IS 'Of source, the lots that came back with a new last day.';
COMMENT ON COLUMN loyalty.entry.written_off_lots IS 'Of a return that wrote points off, the lots that these had been in: points that come back to one of them make the write-off good, at most as many as it says.';
COMMENT ON COLUMN loyalty.entry.made_good_lots IS 'The lots of what came back and made write-offs good.';
COMMENT ON COLUMN loyalty.entry.activity IS 'Code of an activity.';
COMMENT ON COLUMN loyalty.entry.benefit IS 'Code of a benefit that was used.';
COMMENT ON COLUMN loyalty.entry.tier_grant IS 'Code of a tier that was granted.';
COMMENT ON COLUMN loyalty.entry.quantity IS 'How much of a benefit was used; of a return: orders that it undid.';
COMMENT ON COLUMN loyalty.entry.qualifying IS 'Points of it that count for tiers; NULL: all of them.';
COMMENT ON COLUMN loyalty.entry.happened_on IS 'Local day of at, where it counts for caps and tiers.';
COMMENT ON COLUMN loyalty.entry.counts_from IS 'Day from which it counts for tiers; NULL: happened_on; infinity: when it is confirmed.';
COMMENT ON COLUMN loyalty.entry.counted_from IS 'Of a confirmation: day from which it would have counted.';
COMMENT ON COLUMN loyalty.entry.starts_on IS 'First day of a grant.';
COMMENT ON COLUMN loyalty.entry.ends_on IS 'Last day of a grant; infinity: it has no end.';
COMMENT ON COLUMN loyalty.entry.tier IS 'Tier in force after it; NULL: none.';
COMMENT ON COLUMN loyalty.entry.cause IS 'Why the tier or its end changed: joined, reached, review, return, grant, grant ended; the five columns that follow then give the account''s after it.';
COMMENT ON COLUMN loyalty.entry.computed_tier IS 'Tier by the member''s metrics, grants aside.';
COMMENT ON COLUMN loyalty.entry.computed_until IS 'Its last day; NULL: it has no end.';
COMMENT ON COLUMN loyalty.entry.reached_on IS 'Day on which it was last reached.';
COMMENT ON COLUMN loyalty.entry.before_tier IS 'Tier computed before the running window lifted it.';
COMMENT ON COLUMN loyalty.entry.before_until IS 'Its last day.';
COMMENT ON COLUMN loyalty.entry.parts IS 'Of an award: which rule computed and gave how much; of a return: what is due of which part.';
COMMENT ON COLUMN loyalty.entry.charges IS 'What it took of caps and budgets: id of the rule, campaign or cap, first day of the period, times, points; a return gives back.';
COMMENT ON COLUMN loyalty.entry.hash IS 'SHA-256 over the hash before and the columns above (doc/operations.md).';

SELECT pg_catalog.pg_extension_config_dump('loyalty.entry', '');

CREATE FUNCTION loyalty.chain_field_list(OUT "position" integer, OUT name text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'chain_field_list' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE VIEW loyalty.chain_fields AS
	SELECT f."position", f.name, pg_catalog.format_type(a.atttypid, NULL) AS type
	FROM loyalty.chain_field_list() f
		JOIN pg_catalog.pg_attribute a ON a.attrelid = 'loyalty.entry'::regclass AND a.attname = f.name
	ORDER BY f."position";
COMMENT ON VIEW loyalty.chain_fields IS 'Canonical form of an entry: the columns that are hashed, in order; how a value of each type is written is in doc/operations.md.';

-- Which kinds have which fields: what verify checks, and readers may rely on.
CREATE FUNCTION loyalty.entry_field_list(OUT kind loyalty.kind, OUT field text, OUT needed boolean) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'entry_field_list' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE VIEW loyalty.entry_fields AS
	SELECT f.kind, f.field, f.needed FROM loyalty.entry_field_list() f;
COMMENT ON VIEW loyalty.entry_fields IS 'The columns of loyalty.entry that each kind has: needed in every entry of it, or in some; verify names those that are missing, and those that are not listed.';

-- Stored jsonb as views read it: what cannot be understood is left out, for
-- verify to name.
CREATE FUNCTION loyalty.objects_in("array" jsonb) RETURNS SETOF jsonb
	AS 'MODULE_PATHNAME', 'json_objects_in' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 5;
COMMENT ON FUNCTION loyalty.objects_in(jsonb) IS 'The objects of a jsonb array; none of what is no array.';
CREATE FUNCTION loyalty.number_in(object jsonb, key text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'json_number_in' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.number_in(jsonb, text) IS 'A member of a jsonb object as a whole number; NULL if it is none.';
