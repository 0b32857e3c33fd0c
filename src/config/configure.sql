-- Writing the configuration: a view for each table, which takes the program by
-- its code and checks what is written.

CREATE FUNCTION loyalty._rule_column_list(OUT relation text, OUT name text, OUT type text, OUT meaning text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'rule_column_list' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE VIEW loyalty.rule_columns AS
	SELECT c.relation, c.name, c.type, c.meaning FROM loyalty._rule_column_list() c;
COMMENT ON VIEW loyalty.rule_columns IS 'Columns that rule expressions can refer to. A name without a relation is looked up in line (if the rule has scope line), event, member, account, in this order.';

CREATE VIEW loyalty.tiers AS
	SELECT p.code AS program, t.code, t.name, t.rank, t.multiplier, t.stacking, t.exclusive_group,
		t.priority, t.expiry, t.floor, t.needs, t.points, t.spend, t.orders, t.activities, t.balance, t.by_grant, t.qualifies
	FROM loyalty.tier t JOIN loyalty.program p ON p.id = t.program_id;
COMMENT ON VIEW loyalty.tiers IS 'Tiers, to read and to write: columns as loyalty.tier. A tier that a member holds cannot be deleted.';

CREATE VIEW loyalty.campaigns AS
	SELECT p.code AS program, c.code, c.name, c.status, c.starts_at, c.ends_at, c.budget, c.on_budget,
		c.pilot_percent, c.expiry
	FROM loyalty.campaign c JOIN loyalty.program p ON p.id = c.program_id;
COMMENT ON VIEW loyalty.campaigns IS 'Campaigns, to read and to write: columns as loyalty.campaign. UPDATE ... SET status = ''running'' starts one.';

CREATE VIEW loyalty.rule_groups AS
	SELECT p.code AS program, g.code, g.takes
	FROM loyalty.rule_group g JOIN loyalty.program p ON p.id = g.program_id;
COMMENT ON VIEW loyalty.rule_groups IS 'Exclusive groups, to read and to write: columns as loyalty.rule_group.';

CREATE VIEW loyalty.rules AS
	SELECT p.code AS program, r.code, r.name, r.campaign, r.status, r.activity, r.effect, r.scope,
		r.condition, r.points, r.outcome, r.starts_at, r.ends_at, r.weekdays, r.hour_from, r.hour_until,
		r.tiers, r.tags, r.pilot_percent, r.priority, r.stacking, r.exclusive_group, r.expiry,
		r.pending_days, r.times_cap, r.points_cap, r.cap_period, r.on_cap, r.budget, r.on_budget,
		r.on_return, r.qualifies, r.metric, r.goal, r.author
	FROM loyalty.rule r JOIN loyalty.program p ON p.id = r.program_id;
COMMENT ON VIEW loyalty.rules IS 'Rules, to read and to write: columns as loyalty.rule. The expressions are checked: syntax, types, columns, immutable functions of pg_catalog or allowed ones (loyalty.allow_function); author is the role that last wrote it. Errors: LY017, and PostgreSQL''s own errors, with the position in the expression.';

CREATE VIEW loyalty.caps AS
	SELECT p.code AS program, c.period, c.points, c.on_cap
	FROM loyalty.cap c JOIN loyalty.program p ON p.id = c.program_id;
COMMENT ON VIEW loyalty.caps IS 'Caps on what a member earns, to read and to write: columns as loyalty.cap.';

CREATE VIEW loyalty.benefits AS
	SELECT p.code AS program, b.code, b.name, b.tiers, b.settings, b.quota, b.period
	FROM loyalty.benefit b JOIN loyalty.program p ON p.id = b.program_id;
COMMENT ON VIEW loyalty.benefits IS 'Benefits, to read and to write: columns as loyalty.benefit.';

CREATE FUNCTION loyalty._configure_row() RETURNS trigger
	AS 'MODULE_PATHNAME', 'configure_row' LANGUAGE c;

-- What a view's column is by default is what its table's is.
DO $$
DECLARE
	v record;
	d record;
BEGIN
	FOR v IN SELECT * FROM (VALUES
		('tiers', 'tier'),
		('campaigns', 'campaign'),
		('rule_groups', 'rule_group'),
		('rules', 'rule'),
		('caps', 'cap'),
		('benefits', 'benefit')) AS t (view, name)
	LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER configure INSTEAD OF INSERT OR UPDATE OR DELETE ON loyalty.%I FOR EACH ROW EXECUTE FUNCTION loyalty._configure_row(%L)', v.view, v.name);
		FOR d IN
			SELECT a.attname AS name, pg_catalog.pg_get_expr(f.adbin, f.adrelid) AS value
			FROM pg_catalog.pg_attribute a
				JOIN pg_catalog.pg_attrdef f ON f.adrelid OPERATOR(pg_catalog.=) a.attrelid AND f.adnum OPERATOR(pg_catalog.=) a.attnum
			WHERE a.attrelid OPERATOR(pg_catalog.=) pg_catalog.format('loyalty.%I', v.name)::pg_catalog.regclass AND a.attname OPERATOR(pg_catalog.<>) 'id'
		LOOP
			EXECUTE pg_catalog.format('ALTER VIEW loyalty.%I ALTER COLUMN %I SET DEFAULT %s', v.view, d.name, d.value);
		END LOOP;
	END LOOP;
END
$$;
