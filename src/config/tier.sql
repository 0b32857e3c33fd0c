-- Tiers: what a member must reach, and what it gives (S21-S24).

CREATE TABLE loyalty.tier (
	id bigint NOT NULL DEFAULT nextval('loyalty.rulebook_id_seq') PRIMARY KEY,
	program_id integer NOT NULL,
	code text COLLATE "C" NOT NULL
		CONSTRAINT tier_code_is_short CHECK (octet_length(code) BETWEEN 1 AND 255),
	name text,
	rank integer NOT NULL
		CONSTRAINT tier_rank_is_in_range CHECK (rank BETWEEN 1 AND 60),
	multiplier numeric NOT NULL DEFAULT 1
		CONSTRAINT tier_multiplier_is_in_range CHECK (multiplier >= 1 AND multiplier <= 1000 AND scale(multiplier) <= 12),
	stacking text NOT NULL DEFAULT 'additive'
		CONSTRAINT tier_stacking_is_known CHECK (stacking IN ('additive', 'multiply')),
	exclusive_group text COLLATE "C"
		CONSTRAINT tier_exclusive_group_is_short CHECK (octet_length(exclusive_group) BETWEEN 1 AND 255),
	priority integer NOT NULL DEFAULT 100
		CONSTRAINT tier_priority_is_in_range CHECK (priority BETWEEN 1 AND 1000000),
	expiry loyalty.expiry
		CONSTRAINT tier_expiry_is_dated CHECK (expiry::text NOT LIKE '%inactive'),
	floor text COLLATE "C",
	needs text NOT NULL DEFAULT 'any'
		CONSTRAINT tier_needs_is_known CHECK (needs IN ('any', 'all')),
	points bigint
		CONSTRAINT tier_points_is_in_range CHECK (points BETWEEN 1 AND 1000000000000000),
	spend numeric
		CONSTRAINT tier_spend_is_in_range CHECK (spend > 0 AND spend < 1e15 AND scale(spend) <= 12),
	orders bigint
		CONSTRAINT tier_orders_is_in_range CHECK (orders BETWEEN 1 AND 1000000000000000),
	activities bigint
		CONSTRAINT tier_activities_is_in_range CHECK (activities BETWEEN 1 AND 1000000000000000),
	balance bigint
		CONSTRAINT tier_balance_is_in_range CHECK (balance BETWEEN 1 AND 1000000000000000),
	by_grant boolean NOT NULL DEFAULT false,
	qualifies boolean NOT NULL DEFAULT true,
	UNIQUE (program_id, code),
	CONSTRAINT tier_by_grant_has_no_thresholds CHECK (NOT by_grant OR (points IS NULL AND spend IS NULL AND orders IS NULL AND activities IS NULL AND balance IS NULL))
);

COMMENT ON TABLE loyalty.tier IS 'Tiers of a program. Written through loyalty.tiers; an INSERT or COPY by the owner is a restore.';
COMMENT ON COLUMN loyalty.tier.id IS 'Number, unique among campaigns, rules, tiers, caps and benefits; never changes.';
COMMENT ON COLUMN loyalty.tier.program_id IS 'The program (program.id).';
COMMENT ON COLUMN loyalty.tier.code IS 'Name, 1 to 255 bytes; never changes.';
COMMENT ON COLUMN loyalty.tier.name IS 'Name for people.';
COMMENT ON COLUMN loyalty.tier.rank IS 'Higher is better; unique within the program.';
COMMENT ON COLUMN loyalty.tier.multiplier IS 'Factor for the points of purchases and activities.';
COMMENT ON COLUMN loyalty.tier.stacking IS 'additive: applies to the base; multiply: applies to the result of the multipliers before it.';
COMMENT ON COLUMN loyalty.tier.exclusive_group IS 'Group of multipliers of which only one applies.';
COMMENT ON COLUMN loyalty.tier.priority IS 'Order of the multiplier among others; 1 is first.';
COMMENT ON COLUMN loyalty.tier.expiry IS 'Policy of points earned in the tier; NULL: the program''s.';
COMMENT ON COLUMN loyalty.tier.floor IS 'Code of the lowest tier to which a review can lower a member from this tier.';
COMMENT ON COLUMN loyalty.tier.needs IS 'Whether any or all of the thresholds below must be met; a tier without thresholds is for all members.';
COMMENT ON COLUMN loyalty.tier.points IS 'Qualifying points in the window.';
COMMENT ON COLUMN loyalty.tier.spend IS 'Net money of purchases in the window.';
COMMENT ON COLUMN loyalty.tier.orders IS 'Purchases in the window.';
COMMENT ON COLUMN loyalty.tier.activities IS 'Activities in the window.';
COMMENT ON COLUMN loyalty.tier.balance IS 'Balance of the account; the window does not matter.';

COMMENT ON COLUMN loyalty.tier.by_grant IS 'Whether it can only be granted. If so, it is never computed and never shown as a member''s next tier.';
COMMENT ON COLUMN loyalty.tier.qualifies IS 'Whether the points of its multiplier count for tiers.';

SELECT pg_catalog.pg_extension_config_dump('loyalty.tier', '');

CREATE TRIGGER tier_changed AFTER INSERT OR UPDATE OR DELETE ON loyalty.tier
	FOR EACH ROW EXECUTE FUNCTION loyalty._configuration_changed();
CREATE TRIGGER tier_emptied AFTER TRUNCATE ON loyalty.tier
	FOR EACH STATEMENT EXECUTE FUNCTION loyalty._configuration_changed();
ALTER TABLE loyalty.tier ENABLE ALWAYS TRIGGER tier_changed;
ALTER TABLE loyalty.tier ENABLE ALWAYS TRIGGER tier_emptied;

-- The number of a rank is the program's to order by: one tier each.
CREATE UNIQUE INDEX tier_rank_is_unique ON loyalty.tier (program_id, rank);
