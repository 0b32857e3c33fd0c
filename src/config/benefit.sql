-- Benefits of tiers, and how often a member may use them.

CREATE TABLE loyalty.benefit (
	id bigint NOT NULL DEFAULT nextval('loyalty.rulebook_id_seq') PRIMARY KEY,
	program_id integer NOT NULL,
	code text COLLATE "C" NOT NULL
		CONSTRAINT benefit_code_is_short CHECK (octet_length(code) BETWEEN 1 AND 255),
	name text,
	tiers text[] COLLATE "C"
		CONSTRAINT benefit_tiers_is_list CHECK (cardinality(tiers) BETWEEN 1 AND 100 AND array_position(tiers, NULL) IS NULL),
	settings jsonb NOT NULL DEFAULT '{}'
		CONSTRAINT benefit_settings_is_an_object CHECK (jsonb_typeof(settings) = 'object'),
	quota bigint
		CONSTRAINT benefit_quota_is_in_range CHECK (quota BETWEEN 1 AND 1000000000000000),
	period text NOT NULL DEFAULT 'year'
		CONSTRAINT benefit_period_is_known CHECK (period IN ('day', 'week', 'month', 'year', 'ever')),
	UNIQUE (program_id, code)
);

COMMENT ON TABLE loyalty.benefit IS 'Benefits. Written through loyalty.benefits; use_benefit posts their use.';
COMMENT ON COLUMN loyalty.benefit.id IS 'Number, unique among campaigns, rules, tiers, caps and benefits; never changes.';
COMMENT ON COLUMN loyalty.benefit.program_id IS 'The program (program.id).';
COMMENT ON COLUMN loyalty.benefit.code IS 'Name, 1 to 255 bytes; never changes.';
COMMENT ON COLUMN loyalty.benefit.name IS 'Name for people.';
COMMENT ON COLUMN loyalty.benefit.tiers IS 'Codes of the tiers that have the benefit; NULL: all members.';
COMMENT ON COLUMN loyalty.benefit.settings IS 'Settings for the application, as a JSON object.';
COMMENT ON COLUMN loyalty.benefit.quota IS 'How much of it a member can use in a period; NULL: no limit.';
COMMENT ON COLUMN loyalty.benefit.period IS 'Period of the quota: day, week (from Monday), month, year or ever, by local days.';

SELECT pg_catalog.pg_extension_config_dump('loyalty.benefit', '');

CREATE TRIGGER benefit_changed AFTER INSERT OR UPDATE OR DELETE ON loyalty.benefit
	FOR EACH ROW EXECUTE FUNCTION loyalty._configuration_changed();
CREATE TRIGGER benefit_emptied AFTER TRUNCATE ON loyalty.benefit
	FOR EACH STATEMENT EXECUTE FUNCTION loyalty._configuration_changed();
ALTER TABLE loyalty.benefit ENABLE ALWAYS TRIGGER benefit_changed;
ALTER TABLE loyalty.benefit ENABLE ALWAYS TRIGGER benefit_emptied;
