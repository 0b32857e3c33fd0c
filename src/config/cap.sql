-- Caps: what a member earns in a period at most (S25).

CREATE TABLE loyalty.cap (
	id bigint NOT NULL DEFAULT nextval('loyalty.rulebook_id_seq') PRIMARY KEY,
	program_id integer NOT NULL,
	period text NOT NULL
		CONSTRAINT cap_period_is_known CHECK (period IN ('day', 'week', 'month', 'year', 'ever')),
	points bigint NOT NULL
		CONSTRAINT cap_points_is_in_range CHECK (points BETWEEN 0 AND 1000000000000000),
	on_cap text NOT NULL DEFAULT 'trim'
		CONSTRAINT cap_on_cap_is_known CHECK (on_cap IN ('trim', 'reject')),
	UNIQUE (program_id, period)
);

COMMENT ON TABLE loyalty.cap IS 'Caps on what a member earns. Written through loyalty.caps.';
COMMENT ON COLUMN loyalty.cap.id IS 'Number, unique among campaigns, rules, tiers, caps and benefits; never changes.';
COMMENT ON COLUMN loyalty.cap.program_id IS 'The program (program.id).';
COMMENT ON COLUMN loyalty.cap.period IS 'day, week (from Monday), month, year or ever, of the local day on which it happened.';
COMMENT ON COLUMN loyalty.cap.points IS 'Points that purchases and activities give a member in it at most, counted from when the cap is set.';
COMMENT ON COLUMN loyalty.cap.on_cap IS 'trim: give what is left; reject: nothing of what does not fit.';

SELECT pg_catalog.pg_extension_config_dump('loyalty.cap', '');

CREATE TRIGGER cap_changed AFTER INSERT OR UPDATE OR DELETE ON loyalty.cap
	FOR EACH ROW EXECUTE FUNCTION loyalty.configuration_changed();
CREATE TRIGGER cap_emptied AFTER TRUNCATE ON loyalty.cap
	FOR EACH STATEMENT EXECUTE FUNCTION loyalty.configuration_changed();
ALTER TABLE loyalty.cap ENABLE ALWAYS TRIGGER cap_changed;
ALTER TABLE loyalty.cap ENABLE ALWAYS TRIGGER cap_emptied;
