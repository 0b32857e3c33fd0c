-- What an event would earn, or would have earned.

CREATE FUNCTION loyalty.preview(member loyalty.key, amount numeric, lines jsonb DEFAULT NULL, channel text DEFAULT NULL, store text DEFAULT NULL, attributes jsonb DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL, brand text DEFAULT NULL,
	OUT points bigint, OUT computed bigint, OUT balance bigint, OUT tier text, OUT expires_on date, OUT parts jsonb, OUT never_expires boolean)
	AS 'MODULE_PATHNAME', 'preview' LANGUAGE c STABLE PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.preview IS
	'What loyalty.purchase would give, without writing anything: the points after caps, the points computed before caps, the balance afterwards, the tier with which it would earn, the earliest last day of its points (NULL with never_expires: they never expire), and its parts. Budgets are read but not reserved. Errors: LY002, LY004, LY005, LY017.';

CREATE FUNCTION loyalty.preview_for(facts jsonb, amount numeric, lines jsonb DEFAULT NULL, channel text DEFAULT NULL, store text DEFAULT NULL, attributes jsonb DEFAULT NULL, at timestamptz DEFAULT NULL, program text DEFAULT NULL, brand text DEFAULT NULL,
	OUT points bigint, OUT computed bigint, OUT expires_on date, OUT parts jsonb, OUT never_expires boolean)
	AS 'MODULE_PATHNAME', 'preview_for' LANGUAGE c STABLE PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.preview_for IS
	'loyalty.preview for a fictitious member, for roles that write rules and must not see members. facts: an object by the names that loyalty.rule_columns has of member and account, such as {"tier": "gold", "orders": 3, "tags": ["vip"]}; missing facts are those of a new member. Errors: 22023 unknown fact, LY005, LY006 unknown tier, LY017.';

CREATE FUNCTION loyalty._rules_missed(member loyalty.key, ref loyalty.key, program text DEFAULT NULL,
	OUT rule text, OUT campaign text, OUT reason text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'rules_missed' LANGUAGE c STABLE PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION loyalty._rules_missed IS
	'Why current rules that gave nothing for a past purchase or activity did not apply to it, evaluated on the account as it was then. The caller must be allowed to read loyalty.entries. Errors: LY004, LY005.';

CREATE FUNCTION loyalty.backtest(campaign text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, program text DEFAULT NULL,
	OUT rule text, OUT members bigint, OUT orders bigint, OUT points bigint, OUT paid bigint, OUT within_budget bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'backtest' LANGUAGE c STABLE PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION loyalty.backtest IS
	'What a campaign, for example a draft, would have given for past purchases and activities in a period: a row for each of its rules, and one for all of them (rule NULL), with the number of members and orders, the points that it would have cost without a budget, the points that these orders were actually given, and the points within its budget. Ignores the time window and the status of the campaign; audience, pilot, conditions and caps apply. Writes nothing. Errors: LY005, LY006.';
