-- What caps, quotas and budgets have been charged: the sums of the entries' charges.

-- A member's, by period.  Found by period, for most rules share theirs.
CREATE TABLE loyalty.usage (
	account_id bigint NOT NULL,
	period_on date NOT NULL,
	counter_id bigint NOT NULL,
	times bigint NOT NULL,
	points bigint NOT NULL,
	PRIMARY KEY (account_id, period_on, counter_id)
) WITH (fillfactor = 80);

COMMENT ON TABLE loyalty.usage IS 'How much a member has used of caps and quotas. Only postings write it; an INSERT or COPY by the owner is a restore.';
COMMENT ON COLUMN loyalty.usage.account_id IS 'The account (account.id).';
COMMENT ON COLUMN loyalty.usage.period_on IS 'First day of the period; -infinity: ever.';
COMMENT ON COLUMN loyalty.usage.counter_id IS 'The rule, cap or benefit.';
COMMENT ON COLUMN loyalty.usage.times IS 'How often a rule gave points, or how much of a benefit was used.';
COMMENT ON COLUMN loyalty.usage.points IS 'Points given, minus points that returns took back.';

SELECT pg_catalog.pg_extension_config_dump('loyalty.usage', '');

-- Of all members.  The only rows that postings of different members share.
CREATE TABLE loyalty.budget (
	id bigint PRIMARY KEY,
	spent bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);

COMMENT ON TABLE loyalty.budget IS 'Points spent from the budgets of campaigns and rules. Only postings write it; an INSERT or COPY by the owner is a restore.';
COMMENT ON COLUMN loyalty.budget.id IS 'The campaign or rule.';
COMMENT ON COLUMN loyalty.budget.spent IS 'Points given, minus points that returns took back.';

SELECT pg_catalog.pg_extension_config_dump('loyalty.budget', '');
