-- A shop's whole rulebook, as rows. It loads into any program that has no rules yet:
--
--   psql -d shop -f test/demo/rulebook.sql                      the only program, or that of the setting loyalty.program
--   psql -d shop -v program=club -v spring=2026 -f ...            another one; the year of the spring campaign (default: this one)
--
-- Everything is data: no function is written, and each row can be changed or paused by an UPDATE of its view.
-- doc/tutorial.md walks through such a rulebook rule by rule.

\set ON_ERROR_STOP on
BEGIN;

\if :{?program}
SELECT set_config('loyalty.program', :'program', true) \g /dev/null
\endif
\if :{?spring}
\else
SELECT extract(year FROM now()) AS spring \gset
\endif
SELECT code AS program, format('%s-03-01 00:00 %s', :'spring', timezone) AS spring_from, format('%s-06-01 00:00 %s', :'spring', timezone) AS spring_until
FROM loyalty.program WHERE code = loyalty._program_named(NULL) \gset
SELECT set_config('loyalty.program', :'program', true) \g /dev/null

-- The program. Its own rate is the last of the group "rate": it counts where no category below has a rate. Multipliers
-- together never make more than five times the base. Tiers look back over six months; what is not supported falls one step.
UPDATE loyalty.program SET base_group = 'rate', multiplier_ceiling = 5, tier_window = 'rolling', tier_months = 6, tier_review = 'step'
WHERE code = :'program';

INSERT INTO loyalty.rule_groups (code, takes) VALUES
	('rate', 'first'),		-- one rate for a line: the first that applies
	('occasion', 'best');	-- one occasion for an order: the one that gives most

-- Tiers: what is needed within six months, and what it multiplies. The first has no threshold: it is everybody's.
INSERT INTO loyalty.tiers (code, name, rank, multiplier, needs, spend, orders, points, floor, expiry) VALUES
	('member', 'Member', 1, 1, 'any', NULL, NULL, NULL, NULL, NULL),
	('silver', 'Silver', 2, 1.2, 'any', 500, 5, NULL, NULL, NULL),
	('gold', 'Gold', 3, 1.5, 'any', 2000, NULL, 4000, NULL, NULL),
	('diamond', 'Diamond', 4, 2, 'all', 5000, 6, NULL, 'silver', '12 months to end of month');

-- Base: three categories at rates of their own, instead of the program's.
INSERT INTO loyalty.rules (code, name, effect, scope, condition, points, exclusive_group, priority) VALUES
	('rate-kitchen', 'Kitchen: 2 points for 1.00', 'base', 'line', $$category = 'kitchen'$$, 'amount * 2', 'rate', 10),
	('rate-lighting', 'Lighting: 3 points for 2.00', 'base', 'line', $$category = 'lighting'$$, 'amount * 1.5', 'rate', 20),
	('rate-paper', 'Paper and cards: 1 point for 2.00', 'base', 'line', $$category = 'paper'$$, 'amount / 2', 'rate', 30);

-- Multipliers: of two occasions at once the better one counts.
INSERT INTO loyalty.rules (code, name, effect, points, condition, weekdays, hour_from, hour_until, exclusive_group) VALUES
	('wednesday', 'Double points on Wednesdays, 10 to 12', 'multiplier', '2', NULL, '{3}', '10:00', '12:00', 'occasion'),
	('birthday-month', 'Triple points in the month of the birthday', 'multiplier', '3', 'left(birthday, 2)::integer = month', NULL, NULL, NULL, 'occasion');

-- Bonuses of orders. What is given for an order as such goes back only with the whole order; none of it counts for tiers.
INSERT INTO loyalty.rules (code, name, condition, points, times_cap, cap_period, on_return, qualifies) VALUES
	('first-order', 'Welcome: the first order', 'orders = 0', '500', 1, 'ever', 'full_return_only', false),
	('tenth-order', 'Every tenth order', '(orders + 1) % 10 = 0', '250', NULL, 'ever', 'full_return_only', false),
	('win-back', 'Back after 90 days of silence', 'days_since_order >= 90', '150', 2, 'year', 'full_return_only', false),
	('birthday', 'An order on the birthday, once a year', 'is_birthday', '200', 1, 'year', 'full_return_only', false),
	('anniversary', 'First order in the month of joining, in later years',
		'extract(month FROM joined_on) = month AND extract(year FROM joined_on) < year', '100', 1, 'year', 'full_return_only', false);

-- Activities.
INSERT INTO loyalty.rules (code, name, activity, condition, points, times_cap, cap_period, qualifies) VALUES
	('check-in', 'Check-in, once a day', 'check-in', NULL, '5', 1, 'day', false),
	('check-in-week', 'Seven days in a row', 'check-in', 'streak % 7 = 0', '50', 1, 'day', false),
	('review', 'A review, three a week', 'review', NULL, '20', 3, 'week', false);

-- Challenges: points once a goal is reached, once in each period.
INSERT INTO loyalty.rules (code, name, activity, effect, metric, goal, cap_period, condition, points, qualifies) VALUES
	('three-orders', 'Three orders in a month', 'purchase', 'challenge', 'orders', 3, 'month', NULL, '150', false),
	('june-500', '500 points in June', '*', 'challenge', 'points', 500, 'month', 'month = 6', '200', false);

-- The spring campaign: twenty of a hundred members try it first, and it costs a million points at most.
INSERT INTO loyalty.campaigns (code, name, status, starts_at, ends_at, budget, pilot_percent)
VALUES ('spring', 'Spring', 'running', :'spring_from', :'spring_until', 1000000, 20);
INSERT INTO loyalty.rules (campaign, code, name, effect, scope, condition, points) VALUES
	('spring', 'spring-double', 'Double points on orders from 20.00', 'multiplier', 'order', 'amount >= 20', '2'),
	('spring', 'spring-lights', '10 points for every three lights, 50 a line at most', 'bonus', 'line',
		$$category = 'lighting' AND quantity >= 3$$, 'least(10 * div(quantity, 3), 50)');

-- Nobody earns more than 20,000 points in a month.
INSERT INTO loyalty.caps (period, points) VALUES ('month', 20000);

-- What tiers give beside points. What a setting means is the shop's affair.
INSERT INTO loyalty.benefits (code, name, tiers, settings, quota, period) VALUES
	('birthday-cake', 'A cake for the birthday', NULL, '{}', 1, 'year'),
	('free-delivery', 'Free delivery', '{silver,gold,diamond}', '{"up_to": 80.00}', 2, 'month'),
	('private-sale', 'A day before everybody', '{gold,diamond}', '{"hours_before": 24}', NULL, 'ever'),
	('express', 'Express delivery', '{diamond}', '{"carrier": "express"}', 6, 'year');

COMMIT;
