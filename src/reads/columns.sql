-- What the columns of the views say.  Those of views to insert into are told in
-- posting/views.sql; a view that shows a table's column says what the table says.
DO $$
DECLARE
	c record;
BEGIN
	FOR c IN
		SELECT v.oid::pg_catalog.regclass AS view, a.attname AS name, coalesce(own.meaning, pg_catalog.col_description(t.oid, b.attnum), common.meaning) AS meaning
		FROM pg_catalog.pg_class v
			JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) v.oid AND a.attnum OPERATOR(pg_catalog.>) 0
			-- the table that a view shows
			LEFT JOIN (VALUES ('benefits', 'benefit'), ('campaigns', 'campaign'), ('caps', 'cap'), ('rules', 'rule'), ('rule_groups', 'rule_group'),
				('tiers', 'tier'), ('members', 'member'), ('statements', 'entry')) AS shows (view, of) ON shows.view OPERATOR(pg_catalog.=) v.relname::pg_catalog.text
			LEFT JOIN pg_catalog.pg_class t ON t.relname::pg_catalog.text OPERATOR(pg_catalog.=) shows.of AND t.relnamespace OPERATOR(pg_catalog.=) v.relnamespace
			LEFT JOIN pg_catalog.pg_attribute b ON b.attrelid OPERATOR(pg_catalog.=) t.oid AND b.attname OPERATOR(pg_catalog.=) a.attname
			-- what a column of one view says
			LEFT JOIN (VALUES
				('awarded_parts', 'part', 'base, tier, or the code of the rule.'),
				('awarded_parts', 'computed', 'Points before caps and budgets; NULL for a return.'),
				('awarded_parts', 'points', 'Points given; for a return, the points due, negative.'),
				('awarded_parts', 'written_off', 'Points due that a return wrote off.'),
				('campaign_pilot', 'in_pilot', 'Whether these members are in the pilot.'),
				('campaign_pilot', 'members', 'Number of members.'),
				('campaign_pilot', 'buyers', 'Number of members who bought during the campaign.'),
				('campaign_pilot', 'orders', 'Number of orders during the campaign.'),
				('campaign_pilot', 'spend', 'Money of the orders, less returns.'),
				('campaign_pilot', 'points', 'Points of the orders, less returns.'),
				('campaign_pilot', 'spend_per_member', 'Spend divided by members.'),
				('campaign_report', 'rule', 'Code of the rule; NULL: the whole campaign.'),
				('campaign_report', 'status', 'Status of the campaign.'),
				('campaign_report', 'members', 'Number of members who got points.'),
				('campaign_report', 'orders', 'Number of orders and activities that got points.'),
				('campaign_report', 'points', 'Points given.'),
				('campaign_report', 'taken_back', 'Points due for returns.'),
				('campaign_report', 'cost', 'points less taken_back.'),
				('campaign_report', 'budget', 'Budget of the campaign; NULL: no limit.'),
				('campaign_report', 'spent', 'Points spent from the budget.'),
				('chain_fields', 'position', 'Position in the canonical form, from 1.'),
				('chain_fields', 'name', 'Column of loyalty.entry.'),
				('chain_fields', 'type', 'Its type.'),
				('entry_fields', 'field', 'Column of loyalty.entry.'),
				('entry_fields', 'needed', 'Whether every entry of the kind has it.'),
				('kinds', 'number', 'Number on disk and in the hash chain.'),
				('kinds', 'label', 'Name of the kind.'),
				('kinds', 'gives', 'Whether its points count for tiers, and it can be returned.'),
				('kinds', 'by_rules', 'Whether rules compute its points.'),
				('kinds', 'pays_debt', 'Whether its points pay debt first.'),
				('lots_open', 'points', 'Free points of the lot.'),
				('lots_open', 'held', 'Points of the lot that holds reserve.'),
				('members', 'member', 'The member, by the application''s key.'),
				('points_expiring', 'points', 'Free points that end on the day.'),
				('points_used', 'month', 'First day of the local month.'),
				('points_used', 'spent', 'Points of spends.'),
				('points_used', 'captured', 'Points of captured holds.'),
				('points_used', 'used', 'spent and captured together.'),
				('points_used', 'cancelled', 'Points that cancellations gave back.'),
				('rule_columns', 'relation', 'Where it comes from: event, line, member or account.'),
				('rule_columns', 'name', 'Name in expressions.'),
				('rule_columns', 'type', 'Type of its value.'),
				('statements', 'entry', 'Number of the entry within the account.'),
				('tier_history', 'tier', 'Tier in force; NULL: none.'),
				('tier_history', 'since', 'Since when.'),
				('tier_history', 'until', 'Until when, exclusive; NULL: it is still in force.'),
				('tier_history', 'cause', 'Why: joined, reached, review, return, grant, grant ended.'),
				('tier_history', 'of_ref', 'Ref of the posting that changed it.'),
				('verbs', 'verb', 'Name of the function.'),
				('verbs', 'view', 'View to insert into.'),
				('verbs', 'kind', 'Kind of the entry that it makes.'),
				('verbs', 'position', 'Position of the parameter, from 1.'),
				('verbs', 'parameter', 'Name of the parameter, and of the column in the view.')
			) AS own (view, name, meaning) ON own.view OPERATOR(pg_catalog.=) v.relname::pg_catalog.text AND own.name OPERATOR(pg_catalog.=) a.attname::pg_catalog.text
			-- what a column says in every view
			LEFT JOIN (VALUES
				('member', 'The member, by the application''s key.'), ('program', 'Code of the program.'), ('campaign', 'Code of the campaign; NULL: none.'),
				('account', 'Number of the account.'), ('entry', 'Number of the entry within the account.'), ('at', 'When it happened.'),
				('kind', 'Kind of the entry.'), ('ref', 'The caller''s name for the posting.'), ('of_ref', 'The ref that it refers to.'),
				('balance', 'Balance: usable, pending and held points, less debt.'), ('usable', 'Points that can be spent.'),
				('pending', 'Points that are not usable yet.'), ('held', 'Points that holds reserve.'), ('debt', 'Points that the member owes.'),
				('expires_on', 'Last usable day; NULL: the points never expire, or the day is not known yet.'), ('earned_on', 'Day on which the points were earned.'),
				('usable_from', 'First usable day; NULL: once they are confirmed.'),
				('issuer', 'Number of the program that issued the points, if it is another; else 0.'), ('state', 'usable or pending.'),
				('ends_at', 'Time at which the last day ends; NULL as expires_on.'), ('never_expires', 'Whether the points never expire.'),
				('meaning', 'What it means.')
			) AS common (name, meaning) ON common.name OPERATOR(pg_catalog.=) a.attname::pg_catalog.text
		WHERE v.relnamespace OPERATOR(pg_catalog.=) 'loyalty'::pg_catalog.regnamespace AND v.relkind OPERATOR(pg_catalog.=) 'v'
			AND pg_catalog.col_description(v.oid, a.attnum) IS NULL
	LOOP
		EXECUTE pg_catalog.format('COMMENT ON COLUMN %s.%I IS %L', c.view, c.name, c.meaning);
	END LOOP;
END
$$;
