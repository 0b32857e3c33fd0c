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
COMMENT ON COLUMN loyalty.cap.period IS 'day, week (from Monday), month, year or ever, by the local day of the purchase or activity.';
COMMENT ON COLUMN loyalty.cap.points IS 'Maximum number of points that a member gets from purchases and activities in the period, counted from the time at which the cap is set.';
COMMENT ON COLUMN loyalty.cap.on_cap IS 'trim: give the remaining points; reject: give nothing if the cap does not suffice.';

SELECT pg_catalog.pg_extension_config_dump('loyalty.cap', '');

CREATE TRIGGER cap_changed AFTER INSERT OR UPDATE OR DELETE ON loyalty.cap
	FOR EACH ROW EXECUTE FUNCTION loyalty._configuration_changed();
CREATE TRIGGER cap_emptied AFTER TRUNCATE ON loyalty.cap
	FOR EACH STATEMENT EXECUTE FUNCTION loyalty._configuration_changed();
ALTER TABLE loyalty.cap ENABLE ALWAYS TRIGGER cap_changed;
ALTER TABLE loyalty.cap ENABLE ALWAYS TRIGGER cap_emptied;
