-- An account with entries of every kind, and one beside it: rules with caps and
-- budgets, tiers with grants, open holds, waiting points, returns by lines.
SET timezone = 'UTC';
CREATE EXTENSION loyalty;
SET loyalty.program = 'shop';
INSERT INTO loyalty.program (code, timezone, expiry, tier_window, cancel_grace_days)
	VALUES ('shop', 'Europe/Berlin', '6 months', 'calendar year', 30);
INSERT INTO loyalty.tiers (code, rank, points, multiplier) VALUES ('basic', 1, NULL, 1), ('silver', 2, 150, 1.2), ('gold', 3, 5000, 1.5);
INSERT INTO loyalty.campaigns (code, status, budget) VALUES ('spring', 'running', 10000), ('draft', 'draft', 100);
INSERT INTO loyalty.rules (code, campaign, scope, condition, points, times_cap, points_cap, cap_period)
	VALUES ('tea', 'spring', 'line', $$sku = 'tea'$$, '20', 5, NULL, 'month');
INSERT INTO loyalty.rules (code, activity, points) VALUES ('visit', 'visit', '7');
INSERT INTO loyalty.rules (code, campaign, condition, points) VALUES ('try', 'draft', 'amount > 10', '5');
INSERT INTO loyalty.rules (code, points, on_return, qualifies, expiry) VALUES ('keep', '3', 'never', false, '5 days');
INSERT INTO loyalty.caps (points, period) VALUES (100000, 'year');
INSERT INTO loyalty.benefits (code, quota, period) VALUES ('parking', 5, 'month');

\o /dev/null
SELECT loyalty.enroll('ida', at => '2024-01-01');
SELECT loyalty.enroll('max', at => '2024-01-01');
SELECT loyalty.purchase('ida', 60.00, 'p1', lines => '[{"sku": "tea", "amount": 10.00}, {"sku": "pot", "quantity": 2, "amount": 50.00}]', channel => 'web', at => '2024-01-10');
SELECT loyalty.award('ida', 40, 'a1', pending => true, at => '2024-01-11');
SELECT loyalty.confirm('ida', 'a1', 'a1', at => '2024-01-12');
SELECT loyalty.spend('ida', 30, 's1', at => '2024-01-13');
SELECT loyalty.refund('ida', 'p1', 'r1', lines => '[{"line": 2, "quantity": 1}]', at => '2024-01-20');
SELECT loyalty.activity('ida', 'visit', 'v1', at => '2024-01-21');
SELECT loyalty.purchase('ida', 200.00, 'p2', attributes => '{"currency": "EUR"}', at => '2024-02-01');
SELECT loyalty.refund('ida', 'p2', 'r2', amount => 20.00, at => '2024-02-03');
SELECT loyalty.adjust('ida', 25, 'j1', 'goodwill', at => '2024-02-05');
SELECT loyalty.extend('ida', '2024-12-31', 'x1', 'goodwill', at => '2024-02-06');
SELECT loyalty.use_benefit('ida', 'parking', 'b1', 1, at => '2024-02-07');
SELECT loyalty.grant_tier('ida', 'gold', '2024-03-31', 'g1', at => '2024-02-08');
SELECT loyalty.grant_tier('ida', 'gold', '2024-02-27', 'g2', at => '2024-02-09');
SELECT loyalty.grant_tier('ida', 'silver', '2024-12-31', 'g3', at => '2024-02-09');
SELECT loyalty.end_grant('ida', 'g1', 'ge1', at => '2024-02-10');
SELECT loyalty.freeze('ida', 'spending', 'f1', 'asked', until => '2024-02-15', at => '2024-02-11');
SELECT loyalty.unfreeze('ida', 'u1', at => '2024-02-12');
SELECT loyalty.hold('ida', 20, 'h1', until => '2024-02-16', at => '2024-02-13');
SELECT loyalty.capture('ida', 'h1', 'h1', 15, at => '2024-02-14');
SELECT loyalty.hold('ida', 10, 'h2', until => '2024-02-18', at => '2024-02-15');
SELECT loyalty.release('ida', 'h2', 'h2', at => '2024-02-16');
SELECT loyalty.transfer('ida', 'max', 20, 't1', at => '2024-02-17');
SELECT loyalty.transfer('max', 'ida', 5, 't2', at => '2024-02-18');
SELECT loyalty.award('ida', 50, 'a2', expires_on => '2024-02-25', at => '2024-02-19');
SELECT loyalty.spend('ida', 10, 's2', at => '2024-02-20');
SELECT loyalty.purchase('max', 30.00, 'p1', at => '2024-02-21');
UPDATE loyalty.program SET pending_days = 3;
SELECT loyalty.purchase('ida', 11.00, 'p3', at => '2024-02-22');
SELECT loyalty.settle('ida', '2024-02-28');
SELECT loyalty.cancel('ida', 's2', 'c1', at => '2024-02-29');
SELECT loyalty.reinstate('ida', 5, '2024-12-31', 'e1', 'goodwill', at => '2024-03-01');
SELECT loyalty.purchase('ida', 12.00, 'p4', lines => '[{"sku": "tea", "amount": 12.00}]', at => '2024-03-02');
SELECT loyalty.award('ida', 9, 'a3', pending => true, at => '2024-03-03');
SELECT loyalty.hold('ida', 6, 'h3', until => 'infinity', at => '2024-03-04');
SET loyalty.lots_limit = 4;
SELECT loyalty.award('ida', 1, 'many' || n, at => '2024-03-05') FROM generate_series(1, 2) AS n;
RESET loyalty.lots_limit;
SELECT loyalty.freeze('ida', 'earning', 'f2', at => '2024-03-05');
SELECT loyalty.rename_member('ida', 'idb', 'n1', at => '2024-03-05');
SELECT loyalty.rename_member('idb', 'ida', 'n2', at => '2024-03-05');
SELECT loyalty.settle('ida', '2024-03-06');
\o
