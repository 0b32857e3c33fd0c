-- What is upgraded: a program with rules, tiers and a campaign, a tracked table, members
-- with pending points, holds and debt.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
CREATE EXTENSION loyalty;
INSERT INTO loyalty.program (code, name, timezone, expiry, tier_window, pending_days)
VALUES ('club', 'Club', 'Europe/Berlin', '12 months to end of month', 'calendar year', 0);
INSERT INTO loyalty.tiers (code, rank, points, multiplier) VALUES ('basic', 1, NULL, 1), ('gold', 2, 300, 1.5);
INSERT INTO loyalty.campaigns (code, status, budget) VALUES ('spring', 'running', 5000);
CREATE FUNCTION public.tenth(numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT $1 / 10';
SELECT loyalty.allow_function('public.tenth(numeric)');
INSERT INTO loyalty.rules (code, campaign, effect, scope, condition, points, times_cap)
VALUES ('tea', 'spring', 'bonus', 'line', $$line.category = 'tea'$$, 'public.tenth(line.amount)', 100),
	('large', NULL, 'bonus', 'order', 'amount >= 100', '20', 3);
SELECT count(loyalty.enroll('m' || n, at => '2025-01-01')) FROM generate_series(1, 50) AS n;
CREATE TABLE public.orders (id bigint PRIMARY KEY, customer text, total numeric, state text);
SELECT loyalty.track('public.orders', 'customer', 'id', amount => 'total', status => 'state', completed => '{paid}', cancelled => '{void}');
INSERT INTO public.orders SELECT n, 'm' || 1 + n % 50, 10 + n, 'paid' FROM generate_series(1, 500) AS n;
UPDATE public.orders SET state = 'void' WHERE id % 7 = 0;
UPDATE public.orders SET total = total + 5 WHERE id % 5 = 0;
SELECT count(loyalty.purchase('m' || n, 150.00, 'lines' || n, '[{"sku": "A", "amount": 50.00, "category": "tea"}, {"sku": "B", "amount": 100.00}]', at => '2025-02-01')) FROM generate_series(1, 50) AS n;
SELECT count(loyalty.refund('m' || n, 'lines' || n, 'back' || n, lines => '[{"line": 1}]', at => '2025-02-10')) FROM generate_series(1, 20) AS n;
SELECT count(loyalty.hold('m' || n, 10, 'hold' || n, until => 'infinity')) FROM generate_series(1, 10) AS n;
SELECT count(loyalty.award('m' || n, 7, 'wait' || n, pending => true)) FROM generate_series(1, 10) AS n;
SELECT loyalty.rename_member('m50', 'renamed', 'n1');
SELECT loyalty.erase('m49');
