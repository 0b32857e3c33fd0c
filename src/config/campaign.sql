-- Campaigns: rules under one name, with a window, a budget and a pilot (S4, S25).

-- One number for whatever a cap or budget is charged to.
CREATE SEQUENCE loyalty.rulebook_id_seq;
COMMENT ON SEQUENCE loyalty.rulebook_id_seq IS 'Numbers of campaigns, rules, tiers, caps and benefits.';
SELECT pg_catalog.pg_extension_config_dump('loyalty.rulebook_id_seq', '');

-- Every session reads the configuration once and keeps it until a row changes,
-- by whatever way: replication and restores too.
CREATE FUNCTION loyalty._configuration_changed() RETURNS trigger
	AS 'MODULE_PATHNAME', 'program_changed' LANGUAGE c;


-- The numbers of rules, campaigns, caps and benefits that were deleted.
CREATE TABLE loyalty.retired (
	program_id integer NOT NULL,
	noun text COLLATE "C" NOT NULL,
	code text COLLATE "C" NOT NULL,
	id bigint NOT NULL,
	PRIMARY KEY (program_id, noun, code)
);

COMMENT ON TABLE loyalty.retired IS 'Numbers of deleted rules, campaigns, caps and benefits. If one with the same code is added later, it gets the same number again, with its usage and its spent budget. Written through the views of the configuration; an INSERT or COPY by the owner is a restore.';
COMMENT ON COLUMN loyalty.retired.program_id IS 'The program (program.id).';
COMMENT ON COLUMN loyalty.retired.noun IS 'rule, campaign, cap or benefit.';
COMMENT ON COLUMN loyalty.retired.code IS 'Its code; for a cap, its period.';
COMMENT ON COLUMN loyalty.retired.id IS 'Its number.';

SELECT pg_catalog.pg_extension_config_dump('loyalty.retired', '');

CREATE TABLE loyalty.campaign (
	id bigint NOT NULL DEFAULT nextval('loyalty.rulebook_id_seq') PRIMARY KEY,
	program_id integer NOT NULL,
	code text COLLATE "C" NOT NULL
		CONSTRAINT campaign_code_is_short CHECK (octet_length(code) BETWEEN 1 AND 255),
	name text,
	status text NOT NULL DEFAULT 'draft'
		CONSTRAINT campaign_status_is_known CHECK (status IN ('draft', 'running', 'paused', 'ended')),
	starts_at timestamptz
		CONSTRAINT campaign_starts_at_is_finite CHECK (isfinite(starts_at)),
	ends_at timestamptz
		CONSTRAINT campaign_ends_at_is_finite CHECK (isfinite(ends_at)),
	budget bigint
		CONSTRAINT campaign_budget_is_in_range CHECK (budget BETWEEN 0 AND 1000000000000000),
	on_budget text NOT NULL DEFAULT 'trim'
		CONSTRAINT campaign_on_budget_is_known CHECK (on_budget IN ('trim', 'reject')),
	pilot_percent integer
		CONSTRAINT campaign_pilot_percent_is_in_range CHECK (pilot_percent BETWEEN 1 AND 100),
	expiry loyalty.expiry
		CONSTRAINT campaign_expiry_is_dated CHECK (expiry::text NOT LIKE '%inactive'),
	UNIQUE (program_id, code),
	CONSTRAINT campaign_starts_before_it_ends CHECK (starts_at < ends_at)
);

COMMENT ON TABLE loyalty.campaign IS 'Campaigns of a program. Written through loyalty.campaigns; an INSERT or COPY by the owner is a restore.';
COMMENT ON COLUMN loyalty.campaign.id IS 'Number, unique among campaigns, rules, tiers, caps and benefits; never changes.';
COMMENT ON COLUMN loyalty.campaign.program_id IS 'The program (program.id).';
COMMENT ON COLUMN loyalty.campaign.code IS 'Name, 1 to 255 bytes; never changes.';
COMMENT ON COLUMN loyalty.campaign.name IS 'Name for people.';
COMMENT ON COLUMN loyalty.campaign.status IS 'draft, running, paused or ended; its rules apply while it runs.';
COMMENT ON COLUMN loyalty.campaign.starts_at IS 'Start of the time in which its rules apply (inclusive).';
COMMENT ON COLUMN loyalty.campaign.ends_at IS 'End of that time (exclusive).';
COMMENT ON COLUMN loyalty.campaign.budget IS 'Maximum number of points that it gives to all members together; NULL: no limit. Counted from the time at which it is first set.';
COMMENT ON COLUMN loyalty.campaign.on_budget IS 'trim: give the remaining points; reject: give no points of the campaign if the budget does not suffice.';
COMMENT ON COLUMN loyalty.campaign.pilot_percent IS 'Percentage of members to whom it applies, chosen by a stable hash; NULL: all members.';
COMMENT ON COLUMN loyalty.campaign.expiry IS 'Policy of its points; NULL: the tier''s or program''s.';

SELECT pg_catalog.pg_extension_config_dump('loyalty.campaign', '');

CREATE TRIGGER campaign_changed AFTER INSERT OR UPDATE OR DELETE ON loyalty.campaign
	FOR EACH ROW EXECUTE FUNCTION loyalty._configuration_changed();
CREATE TRIGGER campaign_emptied AFTER TRUNCATE ON loyalty.campaign
	FOR EACH STATEMENT EXECUTE FUNCTION loyalty._configuration_changed();
ALTER TABLE loyalty.campaign ENABLE ALWAYS TRIGGER campaign_changed;
ALTER TABLE loyalty.campaign ENABLE ALWAYS TRIGGER campaign_emptied;
