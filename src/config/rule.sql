-- Rules: what earns how much, as SQL expressions (S2-S4, S25).

CREATE TABLE loyalty.rule_group (
	id bigint NOT NULL DEFAULT nextval('loyalty.rulebook_id_seq') PRIMARY KEY,
	program_id integer NOT NULL,
	code text COLLATE "C" NOT NULL
		CONSTRAINT rule_group_code_is_short CHECK (octet_length(code) BETWEEN 1 AND 255),
	takes text NOT NULL DEFAULT 'best'
		CONSTRAINT rule_group_takes_is_known CHECK (takes IN ('best', 'first')),
	UNIQUE (program_id, code)
);

COMMENT ON TABLE loyalty.rule_group IS 'Exclusive groups: only one rule of a group applies. A group without a row here takes the best rule. Written through loyalty.rule_groups.';
COMMENT ON COLUMN loyalty.rule_group.id IS 'Number, unique among campaigns, rules, tiers, caps and benefits; never changes.';
COMMENT ON COLUMN loyalty.rule_group.program_id IS 'The program (program.id).';
COMMENT ON COLUMN loyalty.rule_group.code IS 'Name, 1 to 255 bytes; never changes.';
COMMENT ON COLUMN loyalty.rule_group.takes IS 'best: the rule that gives the most points over the whole order; first: for each line, the first rule by priority.';

SELECT pg_catalog.pg_extension_config_dump('loyalty.rule_group', '');

CREATE TRIGGER rule_group_changed AFTER INSERT OR UPDATE OR DELETE ON loyalty.rule_group
	FOR EACH ROW EXECUTE FUNCTION loyalty._configuration_changed();
CREATE TRIGGER rule_group_emptied AFTER TRUNCATE ON loyalty.rule_group
	FOR EACH STATEMENT EXECUTE FUNCTION loyalty._configuration_changed();
ALTER TABLE loyalty.rule_group ENABLE ALWAYS TRIGGER rule_group_changed;
ALTER TABLE loyalty.rule_group ENABLE ALWAYS TRIGGER rule_group_emptied;

CREATE TABLE loyalty.rule (
	id bigint NOT NULL DEFAULT nextval('loyalty.rulebook_id_seq') PRIMARY KEY,
	program_id integer NOT NULL,
	code text COLLATE "C" NOT NULL
		CONSTRAINT rule_code_is_short CHECK (octet_length(code) BETWEEN 1 AND 255),
	name text,
	campaign text COLLATE "C",
	status text NOT NULL DEFAULT 'active'
		CONSTRAINT rule_status_is_known CHECK (status IN ('draft', 'active', 'paused')),
	activity text COLLATE "C" NOT NULL DEFAULT 'purchase'
		CONSTRAINT rule_activity_is_short CHECK (octet_length(activity) BETWEEN 1 AND 255),
	effect text NOT NULL DEFAULT 'bonus'
		CONSTRAINT rule_effect_is_known CHECK (effect IN ('base', 'multiplier', 'bonus', 'challenge')),
	scope text NOT NULL DEFAULT 'order'
		CONSTRAINT rule_scope_is_known CHECK (scope IN ('order', 'line')),
	condition text
		CONSTRAINT rule_condition_is_short CHECK (octet_length(condition) BETWEEN 1 AND 10000),
	points text NOT NULL
		CONSTRAINT rule_points_is_short CHECK (octet_length(points) BETWEEN 1 AND 10000),
	outcome text NOT NULL DEFAULT 'points'
		CONSTRAINT rule_outcome_is_known CHECK (outcome IN ('points')),
	starts_at timestamptz
		CONSTRAINT rule_starts_at_is_finite CHECK (isfinite(starts_at)),
	ends_at timestamptz
		CONSTRAINT rule_ends_at_is_finite CHECK (isfinite(ends_at)),
	weekdays integer[]
		CONSTRAINT rule_weekdays_is_weekdays CHECK (cardinality(weekdays) > 0 AND weekdays <@ ARRAY[1, 2, 3, 4, 5, 6, 7]),
	hour_from time,
	hour_until time,
	tiers text[] COLLATE "C"
		CONSTRAINT rule_tiers_is_list CHECK (cardinality(tiers) BETWEEN 1 AND 100 AND array_position(tiers, NULL) IS NULL),
	tags text[]
		CONSTRAINT rule_tags_is_list CHECK (cardinality(tags) BETWEEN 1 AND 100 AND array_position(tags, NULL) IS NULL),
	pilot_percent integer
		CONSTRAINT rule_pilot_percent_is_in_range CHECK (pilot_percent BETWEEN 1 AND 100),
	priority integer NOT NULL DEFAULT 100
		CONSTRAINT rule_priority_is_in_range CHECK (priority BETWEEN 1 AND 1000000),
	stacking text NOT NULL DEFAULT 'additive'
		CONSTRAINT rule_stacking_is_known CHECK (stacking IN ('additive', 'multiply')),
	exclusive_group text COLLATE "C"
		CONSTRAINT rule_exclusive_group_is_short CHECK (octet_length(exclusive_group) BETWEEN 1 AND 255),
	expiry loyalty.expiry
		CONSTRAINT rule_expiry_is_dated CHECK (expiry::text NOT LIKE '%inactive'),
	pending_days integer
		CONSTRAINT rule_pending_days_is_in_range CHECK (pending_days BETWEEN 0 AND 3660),
	times_cap bigint
		CONSTRAINT rule_times_cap_is_in_range CHECK (times_cap BETWEEN 1 AND 1000000000000000),
	points_cap bigint
		CONSTRAINT rule_points_cap_is_in_range CHECK (points_cap BETWEEN 0 AND 1000000000000000),
	cap_period text NOT NULL DEFAULT 'ever'
		CONSTRAINT rule_cap_period_is_known CHECK (cap_period IN ('day', 'week', 'month', 'year', 'ever')),
	on_cap text NOT NULL DEFAULT 'trim'
		CONSTRAINT rule_on_cap_is_known CHECK (on_cap IN ('trim', 'reject')),
	budget bigint
		CONSTRAINT rule_budget_is_in_range CHECK (budget BETWEEN 0 AND 1000000000000000),
	on_budget text NOT NULL DEFAULT 'trim'
		CONSTRAINT rule_on_budget_is_known CHECK (on_budget IN ('trim', 'reject')),
	on_return text NOT NULL DEFAULT 'proportional'
		CONSTRAINT rule_on_return_is_known CHECK (on_return IN ('proportional', 'full_return_only', 'never')),
	qualifies boolean NOT NULL DEFAULT true,
	metric text
		CONSTRAINT rule_metric_is_known CHECK (metric IN ('points', 'spend', 'orders', 'activities')),
	goal numeric
		CONSTRAINT rule_goal_is_in_range CHECK (goal > 0 AND goal < 1e15 AND scale(goal) <= 12),
	author text NOT NULL,
	UNIQUE (program_id, code),
	CONSTRAINT rule_starts_before_it_ends CHECK (starts_at < ends_at),
	CONSTRAINT rule_hours_are_in_order CHECK (hour_from < hour_until),
	CONSTRAINT rule_code_is_not_reserved CHECK (code NOT IN ('base', 'tier')),
	CONSTRAINT rule_challenge_is_of_an_order CHECK (effect <> 'challenge' OR (scope = 'order' AND exclusive_group IS NULL)),
	CONSTRAINT rule_challenge_has_a_goal CHECK ((effect = 'challenge') = (metric IS NOT NULL) AND (metric IS NULL) = (goal IS NULL))
);

COMMENT ON TABLE loyalty.rule IS 'Rules of a program. Written through loyalty.rules, which checks the expressions; an INSERT or COPY by the owner is a restore.';
COMMENT ON COLUMN loyalty.rule.id IS 'Number, unique among campaigns, rules, tiers, caps and benefits; never changes.';
COMMENT ON COLUMN loyalty.rule.program_id IS 'The program (program.id).';
COMMENT ON COLUMN loyalty.rule.code IS 'Name, 1 to 255 bytes; never changes.';
COMMENT ON COLUMN loyalty.rule.name IS 'Name for people.';
COMMENT ON COLUMN loyalty.rule.campaign IS 'Code of the campaign that it belongs to; NULL: none.';
COMMENT ON COLUMN loyalty.rule.status IS 'draft, active or paused.';
COMMENT ON COLUMN loyalty.rule.activity IS 'purchase, the code of an activity, or * for all of them.';
COMMENT ON COLUMN loyalty.rule.effect IS 'base: points to which multipliers apply; multiplier: a factor of them; bonus: a fixed number of points, added last; challenge: points when a goal is reached.';
COMMENT ON COLUMN loyalty.rule.scope IS 'order: evaluated once for the order; line: evaluated for each line.';
COMMENT ON COLUMN loyalty.rule.condition IS 'Boolean SQL expression over the columns of loyalty.rule_columns; NULL: always true.';
COMMENT ON COLUMN loyalty.rule.points IS 'Numeric SQL expression: points, or the factor of a multiplier (1 or more). If its value is NULL, the rule does not apply.';
COMMENT ON COLUMN loyalty.rule.outcome IS 'What it gives: points.';
COMMENT ON COLUMN loyalty.rule.starts_at IS 'Start of the time in which it applies (inclusive).';
COMMENT ON COLUMN loyalty.rule.ends_at IS 'End of that time (exclusive).';
COMMENT ON COLUMN loyalty.rule.weekdays IS 'Days of the week in local time, 1 for Monday; NULL: all.';
COMMENT ON COLUMN loyalty.rule.hour_from IS 'Local time of day from which it applies (inclusive).';
COMMENT ON COLUMN loyalty.rule.hour_until IS 'Local time of day until which it applies (exclusive); 24:00 is the end of the day.';
COMMENT ON COLUMN loyalty.rule.tiers IS 'Codes of the tiers to which it applies; NULL: all members.';
COMMENT ON COLUMN loyalty.rule.tags IS 'Tags of which a member must have at least one; NULL: all members.';
COMMENT ON COLUMN loyalty.rule.pilot_percent IS 'Percentage of members to whom it applies, chosen by a stable hash; NULL: all members.';
COMMENT ON COLUMN loyalty.rule.priority IS 'Order among the rules of its effect; 1 is first, ties are decided by code.';
COMMENT ON COLUMN loyalty.rule.stacking IS 'For a multiplier. additive: applies to the base; multiply: applies to the result of the multipliers before it.';
COMMENT ON COLUMN loyalty.rule.exclusive_group IS 'Group of rules of which only one applies.';
COMMENT ON COLUMN loyalty.rule.expiry IS 'Policy of its points; NULL: the campaign''s, tier''s or program''s.';
COMMENT ON COLUMN loyalty.rule.pending_days IS 'Days until its points are usable; NULL: the program''s.';
COMMENT ON COLUMN loyalty.rule.times_cap IS 'How often it can apply to a member in a period; NULL: no limit.';
COMMENT ON COLUMN loyalty.rule.points_cap IS 'Maximum number of points that it gives a member in a period; NULL: no limit.';
COMMENT ON COLUMN loyalty.rule.cap_period IS 'Period of its caps: day, week (from Monday), month, year or ever, of the local day on which it happened.';
COMMENT ON COLUMN loyalty.rule.on_cap IS 'What happens at points_cap. trim: give the remaining points; reject: give nothing.';
COMMENT ON COLUMN loyalty.rule.budget IS 'Maximum number of points that it gives to all members together; NULL: no limit. Counted from the time at which it is first set.';
COMMENT ON COLUMN loyalty.rule.on_budget IS 'What happens at the budget. trim: give the remaining points; reject: give nothing.';
COMMENT ON COLUMN loyalty.rule.on_return IS 'When a return takes back the points. proportional: in proportion to the money; full_return_only: when the whole order has been returned; never.';
COMMENT ON COLUMN loyalty.rule.qualifies IS 'Whether its points count for tiers.';
COMMENT ON COLUMN loyalty.rule.metric IS 'For a challenge: the metric that is counted.';
COMMENT ON COLUMN loyalty.rule.goal IS 'For a challenge: the value that the metric must reach within cap_period or, if cap_period is ever, within the time from starts_at to ends_at.';
COMMENT ON COLUMN loyalty.rule.author IS 'Role that last wrote it; only a record, it grants no privilege.';

SELECT pg_catalog.pg_extension_config_dump('loyalty.rule', '');

CREATE TRIGGER rule_changed AFTER INSERT OR UPDATE OR DELETE ON loyalty.rule
	FOR EACH ROW EXECUTE FUNCTION loyalty._configuration_changed();
CREATE TRIGGER rule_emptied AFTER TRUNCATE ON loyalty.rule
	FOR EACH STATEMENT EXECUTE FUNCTION loyalty._configuration_changed();
ALTER TABLE loyalty.rule ENABLE ALWAYS TRIGGER rule_changed;
ALTER TABLE loyalty.rule ENABLE ALWAYS TRIGGER rule_emptied;
