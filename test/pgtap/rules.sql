-- Rules: S2 parts and rounding · S3 S4 stacking · S5 · S8 precedence · S12 S14 returns of parts · S25 caps · S31
-- and what shops do with them: campaigns, challenges, streaks, birthdays, preview, backtest.
\ir setup.psql

-- Words of this file --------------------------------------------------------------------------

-- Writes a row of configuration of the default program, by one of the views.
CREATE FUNCTION tap.put(view text, settings jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE (SELECT format('INSERT INTO loyalty.%I (%s) VALUES (%s)', view,
			string_agg(quote_ident(key), ', ' ORDER BY key), string_agg(quote_nullable(value), ', ' ORDER BY key))
		FROM jsonb_each_text(settings));
END $$;

-- Rules, one object each; a campaign that a rule names is made, running, where there is none.
CREATE FUNCTION tap.rules(variadic list jsonb[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	r jsonb;
BEGIN
	FOREACH r IN ARRAY list LOOP
		IF r ? 'campaign' AND NOT EXISTS (SELECT FROM loyalty.campaigns c
			WHERE c.code = r ->> 'campaign' AND c.program = current_setting('loyalty.program')) THEN
			PERFORM put('campaigns', jsonb_build_object('code', r ->> 'campaign', 'status', 'running'));
		END IF;
		PERFORM put('rules', r);
	END LOOP;
END $$;

-- Parts as a list: `base 199, tier 100, double 200>1`, where > says what a cap left.
CREATE FUNCTION tap.told(parts jsonb, points bigint) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce((SELECT string_agg(concat(p ->> 'part', ' ', CASE WHEN p -> 'computed' <> p -> 'given' THEN (p ->> 'computed') || '>' END, p ->> 'given'), ', ' ORDER BY n)
		FROM jsonb_array_elements(parts) WITH ORDINALITY AS x(p, n)), 'base ' || points)
$$;
CREATE FUNCTION tap.told(r loyalty.receipt) RETURNS text LANGUAGE sql AS 'SELECT tap.told(r.parts, r.points)';

-- Lines written short: `A:10 B:2.50`.
CREATE FUNCTION tap.lines(short text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('sku', split_part(x, ':', 1), 'quantity', coalesce(nullif(split_part(x, ':', 3), '')::numeric, 1), 'amount', split_part(x, ':', 2)::numeric) ORDER BY n)
	FROM regexp_split_to_table(short, ' ') WITH ORDINALITY AS s(x, n)
$$;
CREATE FUNCTION tap.total_of(short text) RETURNS numeric LANGUAGE sql AS $$
	SELECT sum(split_part(x, ':', 2)::numeric) FROM regexp_split_to_table(short, ' ') AS x
$$;

-- A purchase, told by its parts.  what: an amount, or lines.
CREATE FUNCTION tap.buy(who text, what text, ref text, at timestamptz DEFAULT '2025-01-15 12:00Z', attributes jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT tap.told(CASE WHEN what LIKE '%:%'
		THEN loyalty.purchase(who, tap.total_of(what), ref, lines => tap.lines(what), at => buy.at, attributes => buy.attributes)
		ELSE loyalty.purchase(who, what::numeric, ref, at => buy.at, attributes => buy.attributes) END)
$$;
-- An activity, told by its parts.
CREATE FUNCTION tap.act(who text, what text, ref text, at timestamptz DEFAULT '2025-01-15 12:00Z', attributes jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(concat(p ->> 'part', ' ', CASE WHEN p -> 'computed' <> p -> 'given' THEN (p ->> 'computed') || '>' END, p ->> 'given'), ', ' ORDER BY n) FILTER (WHERE p IS NOT NULL), 'nothing')
	FROM loyalty.activity(who, what, ref, at => act.at, attributes => act.attributes) r
		LEFT JOIN LATERAL jsonb_array_elements(coalesce(r.parts, '[]')) WITH ORDINALITY AS x(p, n) ON true
$$;

-- A return, told by what is due of each part: `125: base 50, tier 25, double 50`.
CREATE FUNCTION tap.back(who text, of_ref text, ref text, amount numeric DEFAULT NULL, lines jsonb DEFAULT NULL, at timestamptz DEFAULT '2025-02-01 12:00Z') RETURNS text LANGUAGE sql AS $$
	SELECT concat(r.due, ': ', coalesce((SELECT string_agg(concat(p ->> 'part', ' ', p ->> 'due'), ', ' ORDER BY n)
		FROM jsonb_array_elements(r.parts) WITH ORDINALITY AS x(p, n) WHERE p -> 'due' <> '0'), CASE WHEN r.due = 0 THEN 'nothing' ELSE 'base ' || r.due END))
	FROM loyalty.refund(who, of_ref, ref, amount, back.lines, at => back.at) r
$$;

-- What one purchase earns in a program of its own.  tier: a tier that everybody has.
CREATE SEQUENCE tap.shops;
CREATE FUNCTION tap.earns(program jsonb, tier jsonb, rules jsonb, what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	g text;
BEGIN
	PERFORM shop('earns' || nextval('tap.shops'), program - 'groups', '{}');
	FOR g IN SELECT key FROM jsonb_each(program -> 'groups') LOOP
		PERFORM put('rule_groups', jsonb_build_object('code', g, 'takes', program -> 'groups' ->> g));
	END LOOP;
	IF tier IS NOT NULL THEN
		PERFORM put('tiers', '{"code": "gold", "rank": 1}' || tier);
	END IF;
	PERFORM tap.rules(VARIADIC array(SELECT jsonb_array_elements(rules)));
	PERFORM loyalty.enroll('a', at => '2024-01-01Z');
	RETURN buy('a', what, 'p');
END $$;

-- S2: parts ---------------------------------------------------------------------------------
SELECT t(format('S2 199.90 at 1 per 1.00, tier 1.5, campaign 2, %s: %s', rounding, want),
	format($$earns('{"rounding": "%s"}', '{"multiplier": 1.5}', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2"}]', '199.90')$$, rounding), want)
FROM (VALUES ('floor', 'base 199, tier 100, double 200'), ('half_up', 'base 200, tier 100, double 200'), ('ceil', 'base 200, tier 100, double 200')) AS v(rounding, want);
SELECT t(format('S2 %s, %s: %s', what, rounding, want), format($$(SELECT concat(e, ' | ', line_points('a', 'p')) FROM
	earns('{"rounding": "%s"}', '{"multiplier": 1.5}', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2"}]', '%s') e)$$, rounding, what), want)
FROM (VALUES
-- 199.90 as 100.10 + 99.80: base 100.10, 199.90, tier 249.95, 299.85, double 399.95, 499.75
('A:100.10 B:99.80', 'floor', 'base 199, tier 100, double 200 | 250 249'),
('A:100.10 B:99.80', 'half_up', 'base 200, tier 100, double 200 | 250 250'),
('A:100.10 B:99.80', 'ceil', 'base 200, tier 100, double 200 | 251 249'),
-- 0.50 + 0.50 + 0.50: base 0.5 1 1.5, tier 1.75 2 2.25, double 2.75 3.25 3.75
('A:0.50 B:0.50 C:0.50', 'floor', 'base 1, tier 1, double 1 | 0 3 0'),
('A:0.50 B:0.50 C:0.50', 'half_up', 'base 2, tier 0, double 2 | 2 0 2'),
('A:0.50 B:0.50 C:0.50', 'ceil', 'base 2, tier 1, double 1 | 1 1 2')
) AS v(what, rounding, want);

-- The same by a plain model, over random orders: running sum over parts, in a part over lines, order level last.
CREATE FUNCTION tap.rounded(x numeric, rounding text) RETURNS bigint LANGUAGE sql AS
	$$SELECT CASE rounding WHEN 'floor' THEN floor(x) WHEN 'ceil' THEN ceil(x) ELSE floor(x + 0.5) END::bigint$$;
CREATE FUNCTION tap.model(amounts numeric[], rate numeric, tier numeric, double numeric, multiply numeric, per_line numeric, gift numeric, rounding text) RETURNS text LANGUAGE sql AS $$
	WITH cell AS (
		SELECT p, l, v, rounded(sum(v) OVER w, rounding) - rounded(coalesce(sum(v) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0), rounding) AS points
		FROM (SELECT 1 AS p, l, x * rate AS v FROM unnest(amounts) WITH ORDINALITY AS a(x, l)
			UNION ALL SELECT 2, l, x * rate * (tier - 1) FROM unnest(amounts) WITH ORDINALITY AS a(x, l)
			UNION ALL SELECT 3, l, x * rate * (double - 1) FROM unnest(amounts) WITH ORDINALITY AS a(x, l)
			UNION ALL SELECT 4, l, x * rate * (tier + double - 1) * (multiply - 1) FROM unnest(amounts) WITH ORDINALITY AS a(x, l)
			UNION ALL SELECT 5, l, per_line FROM unnest(amounts) WITH ORDINALITY AS a(x, l)
			UNION ALL SELECT 6, cardinality(amounts) + 1, gift) c
		WINDOW w AS (ORDER BY p, l)
	)
	SELECT concat((SELECT string_agg(concat((ARRAY['base', 'tier', 'double', 'half', 'each', 'gift'])[p], ' ', points), ', ' ORDER BY p)
			FROM (SELECT p, sum(points) AS points FROM cell GROUP BY p) x), ' | ',
		(SELECT string_agg(points::text, ' ' ORDER BY l) FROM (SELECT l, sum(points) AS points FROM cell WHERE l <= cardinality(amounts) GROUP BY l) y))
$$;
SELECT setseed(0.25);
SELECT t(format('S2 random order %s: %s, %s', n, lines, rounding),
	format($$(SELECT concat(e, ' | ', line_points('a', 'p')) FROM earns('{"rounding": "%s", "base_rate": %s}', '{"multiplier": %s}',
		'[{"code": "double", "effect": "multiplier", "points": "%s"}, {"code": "half", "effect": "multiplier", "stacking": "multiply", "points": "1.37"},
		{"code": "each", "scope": "line", "points": "0.7"}, {"code": "gift", "points": "3.3", "priority": 200}]', '%s') e)$$, rounding, rate, tier, double, lines),
	tap.model(amounts, rate, tier, double, 1.37, 0.7, 3.3, rounding))
FROM (SELECT n, (ARRAY['floor', 'half_up', 'ceil'])[1 + n % 3] AS rounding, round((0.1 + random() * 3)::numeric, 3) AS rate,
		round((1.01 + random())::numeric, 2) AS tier, round((1 + random() * 2)::numeric, 2) AS double,
		(SELECT array_agg(round((random() * 30)::numeric, 2)) FROM generate_series(1, 1 + n % 5)) AS amounts
	FROM generate_series(1, 45) AS n) AS r,
	LATERAL (SELECT string_agg(format('L%s:%s', l, x), ' ' ORDER BY l) FROM unnest(amounts) WITH ORDINALITY AS a(x, l)) AS s(lines);

-- S3, S4, S5 -----------------------------------------------------------------------------------
SELECT t(what, format('earns(%L, %L, %L, %L)', program, tier, rules, bought), want) FROM (VALUES
('S3 a block rule under a tier: 30 and half of it', '{"block_amount": 2.00, "block_points": 10}', '{"multiplier": 1.5}', '[]', '7.00', 'base 30, tier 15'),
('S3 the same by lines', '{"block_amount": 2.00, "block_points": 10}', '{"multiplier": 1.5}', '[]', 'A:3.00 B:4.00', 'base 30, tier 15'),
('S4 base 100, tier 1.5, campaign 2, bonus 20', '{}', '{"multiplier": 1.5}', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2"}, {"code": "gift", "campaign": "c", "points": "20"}]', '100.00', 'base 100, tier 50, double 100, gift 20'),
('S4 campaign multiply', '{}', '{"multiplier": 1.5}', '[{"code": "double", "campaign": "c", "effect": "multiplier", "stacking": "multiply", "points": "2"}, {"code": "gift", "points": "20"}]', '100.00', 'base 100, tier 50, double 150, gift 20'),
('S4 multiply with ceiling 2.5', '{"multiplier_ceiling": 2.5}', '{"multiplier": 1.5}', '[{"code": "double", "campaign": "c", "effect": "multiplier", "stacking": "multiply", "points": "2"}, {"code": "gift", "points": "20"}]', '100.00', 'base 100, tier 50, double 100, gift 20'),
('S4 exclusive with the tier', '{}', '{"multiplier": 1.5, "exclusive_group": "m"}', '[{"code": "double", "campaign": "c", "effect": "multiplier", "exclusive_group": "m", "points": "2"}, {"code": "gift", "points": "20"}]', '100.00', 'base 100, double 100, gift 20'),
('S4 exclusive, the tier is better', '{}', '{"multiplier": 3, "exclusive_group": "m"}', '[{"code": "double", "effect": "multiplier", "exclusive_group": "m", "points": "2"}, {"code": "gift", "points": "20"}]', '100.00', 'base 100, tier 200, gift 20'),
('S4 additive 1.5 and 2 give 2.5', '{}', NULL, '[{"code": "a", "effect": "multiplier", "points": "1.5"}, {"code": "b", "effect": "multiplier", "points": "2"}]', '100.00', 'base 100, a 50, b 100'),
('S4 a ceiling cuts the last', '{"multiplier_ceiling": 2}', '{"multiplier": 1.5}', '[{"code": "double", "effect": "multiplier", "points": "2"}]', '100.00', 'base 100, tier 50, double 50'),
('S4 a ceiling of 1: nothing beyond the base but bonuses', '{"multiplier_ceiling": 1}', '{"multiplier": 1.5}', '[{"code": "double", "effect": "multiplier", "points": "2"}, {"code": "gift", "points": "20"}]', '100.00', 'base 100, tier 0, double 0, gift 20'),
('S4 a ceiling cuts the last of many multiplied ones', '{"multiplier_ceiling": 3}', NULL, '[{"code": "a", "effect": "multiplier", "stacking": "multiply", "points": "2"}, {"code": "b", "effect": "multiplier", "stacking": "multiply", "points": "2"}, {"code": "c", "effect": "multiplier", "stacking": "multiply", "points": "2"}]', '100.00', 'base 100, a 100, b 100, c 0'),
('S4 multiply by priority, then code', '{}', NULL, '[{"code": "b", "effect": "multiplier", "stacking": "multiply", "points": "2", "priority": 2}, {"code": "c", "effect": "multiplier", "stacking": "multiply", "points": "1.5", "priority": 1}, {"code": "a", "effect": "multiplier", "stacking": "multiply", "points": "1.1", "priority": 2}]', '100.00', 'base 100, c 50, a 15, b 165'),
('S4 additive before multiply, whatever the priority', '{}', NULL, '[{"code": "a", "effect": "multiplier", "stacking": "multiply", "points": "2", "priority": 1}, {"code": "z", "effect": "multiplier", "points": "2", "priority": 999}]', '100.00', 'base 100, z 100, a 200'),
('S4 bonuses last and unmultiplied, whatever the priority', '{}', NULL, '[{"code": "gift", "points": "20", "priority": 1}, {"code": "double", "effect": "multiplier", "points": "2", "priority": 999}]', '100.00', 'base 100, double 100, gift 20'),
('S4 one of each exclusive group', '{}', NULL, '[{"code": "a", "effect": "multiplier", "points": "1.5", "exclusive_group": "g"}, {"code": "b", "effect": "multiplier", "points": "2", "exclusive_group": "g"}, {"code": "c", "effect": "multiplier", "points": "1.2", "exclusive_group": "h"}, {"code": "d", "effect": "multiplier", "points": "1.1", "exclusive_group": "h"}]', '100.00', 'base 100, b 100, c 20'),
('S4 ties of a group by priority', '{}', NULL, '[{"code": "a", "effect": "multiplier", "points": "2", "exclusive_group": "g", "priority": 2}, {"code": "b", "effect": "multiplier", "points": "2", "exclusive_group": "g", "priority": 1}]', '100.00', 'base 100, b 100'),
('S4 then by code', '{}', NULL, '[{"code": "b", "effect": "multiplier", "points": "2", "exclusive_group": "g"}, {"code": "a", "effect": "multiplier", "points": "2", "exclusive_group": "g"}]', '100.00', 'base 100, a 100'),
('S4 codes compare as bytes', '{}', NULL, '[{"code": "b", "effect": "multiplier", "points": "2", "exclusive_group": "g"}, {"code": "C", "effect": "multiplier", "points": "2", "exclusive_group": "g"}]', '100.00', 'base 100, C 100'),
('S4 a tie with the tier, by code', '{}', '{"multiplier": 2, "exclusive_group": "g"}', '[{"code": "double", "effect": "multiplier", "points": "2", "exclusive_group": "g"}]', '100.00', 'base 100, double 100'),
('S4 or the tier before it', '{}', '{"multiplier": 2, "exclusive_group": "g"}', '[{"code": "zwei", "effect": "multiplier", "points": "2", "exclusive_group": "g"}]', '100.00', 'base 100, tier 100'),
('S4 a group that takes the first by priority', '{"groups": {"g": "first"}}', '{"multiplier": 1.5, "exclusive_group": "g", "priority": 50}', '[{"code": "b", "effect": "multiplier", "points": "2", "exclusive_group": "g"}]', '100.00', 'base 100, tier 50'),
('S4 the campaign before the tier', '{"groups": {"g": "first"}}', '{"multiplier": 3, "exclusive_group": "g", "priority": 150}', '[{"code": "b", "effect": "multiplier", "points": "2", "exclusive_group": "g"}]', '100.00', 'base 100, b 100'),
('S4 first that applies', '{"groups": {"g": "first"}}', NULL, '[{"code": "a", "effect": "multiplier", "points": "3", "exclusive_group": "g", "priority": 1, "condition": "channel = ''web''"}, {"code": "b", "effect": "multiplier", "points": "2", "exclusive_group": "g"}]', '100.00', 'base 100, b 100'),
('S4 first, line by line', '{"groups": {"g": "first"}}', NULL, '[{"code": "a", "effect": "multiplier", "scope": "line", "condition": "sku = ''A''", "points": "2", "exclusive_group": "g", "priority": 1}, {"code": "b", "effect": "multiplier", "points": "3", "exclusive_group": "g"}]', 'A:10 B:10', 'base 20, a 10, b 20'),
('S4 best, over the whole order', '{"groups": {"g": "best"}}', NULL, '[{"code": "a", "effect": "multiplier", "scope": "line", "condition": "sku = ''A''", "points": "4", "exclusive_group": "g", "priority": 1}, {"code": "b", "effect": "multiplier", "points": "3", "exclusive_group": "g"}]', 'A:10 B:10', 'base 20, b 40'),
('S4 best, over the whole order, the one of one line', '{}', NULL, '[{"code": "a", "effect": "multiplier", "scope": "line", "condition": "sku = ''A''", "points": "4", "exclusive_group": "g", "priority": 1}, {"code": "b", "effect": "multiplier", "points": "3", "exclusive_group": "g"}]', 'A:10 B:4', 'base 14, a 30'),
('S4 a chosen one works on the base and adds, whatever its stacking', '{}', '{"multiplier": 1.5}', '[{"code": "a", "effect": "multiplier", "points": "1.5", "exclusive_group": "g"}, {"code": "b", "effect": "multiplier", "points": "2", "stacking": "multiply", "exclusive_group": "g"}]', '100.00', 'base 100, tier 50, b 100'),
('S4 line by line: a multiplier of one line', '{}', '{"multiplier": 1.5}', '[{"code": "a", "effect": "multiplier", "scope": "line", "condition": "sku = ''A''", "points": "3"}]', 'A:10 B:20', 'base 30, tier 15, a 20'),
('S4 the factor is that of the line', '{}', NULL, '[{"code": "a", "effect": "multiplier", "scope": "line", "points": "quantity"}]', 'A:10:2 B:20:3 C:5:1', 'base 35, a 50'),
('S4 the ceiling is that of a line', '{"multiplier_ceiling": 2}', '{"multiplier": 1.5}', '[{"code": "a", "effect": "multiplier", "scope": "line", "condition": "sku = ''A''", "points": "3"}]', 'A:10 B:10', 'base 20, tier 10, a 5'),
('S4 base rules add, and multipliers work on their sum', '{}', '{"multiplier": 1.5}', '[{"code": "half", "effect": "base", "points": "amount / 2"}]', '100.00', 'base 100, half 50, tier 75'),
('S4 base rules by priority, then code', '{}', NULL, '[{"code": "b", "effect": "base", "points": "1"}, {"code": "c", "effect": "base", "points": "2", "priority": 1}, {"code": "a", "effect": "base", "points": "3"}]', '100.00', 'base 100, c 2, a 3, b 1'),
('S4 a base rule of lines', '{}', NULL, '[{"code": "five", "effect": "base", "scope": "line", "condition": "sku = ''A''", "points": "5 * amount"}]', 'A:10 B:20', 'base 30, five 50'),
('S4 an exclusive base: the best over the order', '{"base_group": "b"}', NULL, '[{"code": "half", "effect": "base", "points": "amount / 2", "exclusive_group": "b"}]', '100.00', 'base 100'),
('S4 the rule is better than the program''s rate', '{"base_group": "b"}', '{"multiplier": 1.5}', '[{"code": "twice", "effect": "base", "points": "amount * 2", "exclusive_group": "b"}]', '100.00', 'base 0, twice 200, tier 100'),
('S4 the program''s rate is last of those that take the first', '{"base_group": "b", "groups": {"b": "first"}}', '{"multiplier": 1.5}', '[{"code": "half", "effect": "base", "points": "amount / 2", "exclusive_group": "b", "priority": 1000000}]', '100.00', 'base 0, half 50, tier 25'),
('S4 the first base, line by line', '{"base_group": "b", "groups": {"b": "first"}}', NULL, '[{"code": "five", "effect": "base", "scope": "line", "condition": "sku = ''A''", "points": "5 * amount", "exclusive_group": "b"}]', 'A:10 B:20', 'base 20, five 50'),
('S4 two base rules in a group, beside the rate', '{}', NULL, '[{"code": "a", "effect": "base", "points": "7", "exclusive_group": "b"}, {"code": "b", "effect": "base", "points": "8", "exclusive_group": "b"}]', '100.00', 'base 100, b 8'),
('S4 the best of bonuses', '{}', NULL, '[{"code": "a", "points": "20", "exclusive_group": "g", "priority": 1}, {"code": "b", "points": "30", "exclusive_group": "g"}]', '100.00', 'base 100, b 30'),
('S4 the first of bonuses', '{"groups": {"g": "first"}}', NULL, '[{"code": "a", "points": "20", "exclusive_group": "g", "priority": 1}, {"code": "b", "points": "30", "exclusive_group": "g"}]', '100.00', 'base 100, a 20'),
('S4 a bonus for each line', '{}', '{"multiplier": 2}', '[{"code": "each", "scope": "line", "points": "5 * quantity"}]', 'A:10:2 B:20:3', 'base 30, tier 30, each 25'),
('S4 a line rule on an order without lines sees one line', '{}', NULL, '[{"code": "each", "scope": "line", "points": "line.amount + quantity"}, {"code": "nosku", "scope": "line", "condition": "sku IS NULL", "points": "2"}]', '10.00', 'base 10, each 11, nosku 2'),
('S4 a tier of 1.0 has no part', '{}', '{}', '[]', '100.00', 'base 100'),
('S4 a rule that gives 0 has a part of 0', '{}', NULL, '[{"code": "zero", "points": "0"}]', '100.00', 'base 100, zero 0'),
('S4 NULL points: no part', '{}', NULL, '[{"code": "none", "points": "NULL"}, {"code": "never", "effect": "multiplier", "points": "NULL::numeric"}]', '100.00', 'base 100'),
('S4 a condition that is NULL does not hold', '{}', NULL, '[{"code": "none", "points": "5", "condition": "channel = ''web''"}]', '100.00', 'base 100'),
('S4 campaign multiply on 199.90', '{}', '{"multiplier": 1.5}', '[{"code": "double", "effect": "multiplier", "stacking": "multiply", "points": "2"}]', '199.90', 'base 199, tier 100, double 300'),
('S5 0.00 is good input', '{}', '{"multiplier": 1.5}', '[{"code": "double", "effect": "multiplier", "points": "2"}, {"code": "gift", "points": "20"}]', '0.00', 'base 0, tier 0, double 0, gift 20'),
('S5 a line of 0.00 too', '{}', NULL, '[{"code": "each", "scope": "line", "points": "1"}]', 'A:0 B:10', 'base 10, each 2'),
('S5 the basis is the amount that the caller passes', '{}', NULL, '[{"code": "share", "effect": "base", "points": "amount"}]', '80.00', 'base 80, share 80')
) AS v(what, program, tier, rules, bought, want);
SELECT shop('s4.tier', '{}', '{}');
SELECT put('tiers', '{"code": "gold", "rank": 1, "multiplier": 1.5, "stacking": "multiply"}');
SELECT rules('{"code": "double", "effect": "multiplier", "points": "2"}');
SELECT enroll('a', at => '2024-01-01');
SELECT t('S4 a tier that multiplies works on what was reached', $$(SELECT string_agg(concat(p ->> 'part', ' ', p ->> 'given'), ', ' ORDER BY p ->> 'part') FROM purchase('a', 100.00, 'p', at => '2025-01-01') r, jsonb_array_elements(r.parts) p)$$, 'base 100, double 100, tier 100');

-- S8: whose expiry, and pending ----------------------------------------------------------------
-- Parts that share one lot leave its dates to it.
CREATE FUNCTION tap.ends(who text, ref text) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT string_agg(concat(p ->> 'part', ' ', coalesce(p ->> 'expires_on', substring(((tap.posted(who, ends.ref)).gained)::text, 'until (\S+) ')), CASE WHEN p ->> 'usable_from' > '2025-01-15' THEN ' from ' || (p ->> 'usable_from') END), ', ' ORDER BY n)
	FROM jsonb_array_elements((tap.posted(who, ends.ref)).parts) WITH ORDINALITY AS x(p, n)
$$;
SELECT t(what, format('(SELECT ends(''a'', ''p'') FROM earns(%L, %L, %L, ''100.00'') e WHERE e IS NOT NULL)', program, tier, rules), want) FROM (VALUES
('S8 rule before campaign before tier before program', '{"expiry": "40 days"}', '{"multiplier": 1.5, "expiry": "30 days"}',
	'[{"code": "own", "campaign": "c", "points": "1", "expiry": "10 days"}, {"code": "none", "points": "1"}, {"code": "plain", "points": "1", "expiry": "5 days"}]',
	'base 2025-02-14, tier 2025-02-14, none 2025-02-14, own 2025-01-25, plain 2025-01-20'),
('S8 the program''s where nobody has another', '{"expiry": "40 days"}', '{"multiplier": 1.5}', '[{"code": "none", "points": "1"}]', 'base 2025-02-24, tier 2025-02-24, none 2025-02-24'),
('S10 pending days of a rule instead of the program''s', '{"expiry": "40 days", "pending_days": 10}', NULL, '[{"code": "now", "points": "1", "pending_days": 0}, {"code": "soon", "points": "1", "pending_days": 3}]',
	'base 2025-03-06 from 2025-01-25, now 2025-02-24, soon 2025-02-27 from 2025-01-18'),
('S10 pending in a program that gives at once', '{"expiry": "40 days"}', NULL, '[{"code": "soon", "points": "1", "pending_days": 3, "expiry": "0 days"}]', 'base 2025-02-24, soon 2025-01-18 from 2025-01-18')
) AS v(what, program, tier, rules, want);
SELECT shop('s8.campaign', '{"expiry": "40 days"}', '{}');
SELECT put('tiers', '{"code": "gold", "rank": 1, "multiplier": 1.5, "expiry": "30 days"}');
SELECT put('campaigns', '{"code": "c", "status": "running", "expiry": "20 days"}');
SELECT rules('{"code": "own", "campaign": "c", "points": "1", "expiry": "10 days"}', '{"code": "theirs", "campaign": "c", "points": "1"}');
SELECT enroll('a', at => '2024-01-01');
SELECT t(what, call, want) FROM (VALUES
('S8 a purchase', $$buy('a', '100.00', 'p')$$, 'base 100, tier 50, own 1, theirs 1'),
('S8 the campaign''s before the tier''s', $$ends('a', 'p')$$, 'base 2025-02-14, tier 2025-02-14, own 2025-01-25, theirs 2025-02-04'),
('S8 each in a lot of its own', $$free('a')$$, '{1 until 2025-01-25 earned 2025-01-15; 1 until 2025-02-04 earned 2025-01-15; 150 until 2025-02-14 earned 2025-01-15}'),
('S8 the policies change', $$(SELECT count(*) FROM (SELECT got($q$UPDATE loyalty.campaigns SET expiry = 'never' WHERE program = 's8.campaign'$q$)) x)$$, '1'),
('S8 what was earned keeps its own', $$stand('a', '2025-02-05')$$, '150 = 150 usable + 0 pending + 0 held - 0 debt')
) AS v(what, call, want);
SELECT shop('s10.confirm', '{"pending_days": null, "expiry": "40 days"}', '{a}');
SELECT rules('{"code": "now", "points": "5", "pending_days": 0}', '{"code": "wait", "points": "7"}', '{"code": "soon", "points": "3", "pending_days": 2}');
SELECT t(what, call, want) FROM (VALUES
('S10 a program that waits for confirmation, a rule that does not', $$buy('a', '100.00', 'p')$$, 'base 100, now 5, soon 3, wait 7'),
('S10 the rule''s are usable', $$stand('a', '2025-01-15 13:00')$$, '115 = 5 usable + 110 pending + 0 held - 0 debt'),
('S10 and those of two days', $$stand('a', '2025-01-17')$$, '115 = 8 usable + 107 pending + 0 held - 0 debt'),
('S10 a part goes back before it is confirmed: 58 of 115', $$back('a', 'p', 'r', 50.00, at => '2025-01-18')$$, '58: base 51, now 2, soon 2, wait 3'),
('S10 confirm frees what is left', $$confirm('a', 'p', 'p', at => '2025-01-20')$$, '0 to 57, 57 usable')
) AS v(what, call, want);

-- S12: returns of parts ------------------------------------------------------------------------
SELECT shop('s12', '{"base_rate": 0.3}', '{a}');
SELECT rules('{"code": "one", "points": "1"}');
SELECT t('S12 parts 3+1 on 10.00', $$buy('a', '10.00', 'p')$$, 'base 3, one 1');
SELECT t(format('S12 the return %s of ten of 1.00: %s', n, want), format($$back('a', 'p', 'r%s', 1.00)$$, n), want)
FROM unnest('{1: base 1,0: nothing,1: base 1,0: nothing,0: nothing,1: base 1,0: nothing,1: one 1,0: nothing,0: nothing}'::text[]) WITH ORDINALITY AS v(want, n);
SELECT t('S12 nothing is left', $$stand('a')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt');

SELECT shop('s12.gold', '{}', '{}');
SELECT put('tiers', '{"code": "gold", "rank": 1, "multiplier": 1.5}');
SELECT rules('{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2"}');
SELECT enroll(m, at => '2024-01-01') FROM unnest('{a,b,c}'::text[]) m;
SELECT t(what, call, want) FROM (VALUES
('S12 199+100+200', $$buy('a', '199.90', 'p')$$, 'base 199, tier 100, double 200'),
('S12 return 50.00: -125 = 50+25+50', $$back('a', 'p', 'r1', 50.00)$$, '125: base 50, tier 25, double 50'),
('S12 the rest: all that is left', $$back('a', 'p', 'r2')$$, '374: base 149, tier 75, double 150'),
('S12 nothing is left of it', $$stand('a')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt'),
('S12 a hundredth at a time', $$buy('b', '199.90', 'p')$$, 'base 199, tier 100, double 200')
) AS v(what, call, want);
-- Many small returns: a part never grows, the keep is the floor, nothing is left.
SELECT back('b', 'p', 'r' || n, 3.77) FROM generate_series(1, 53) AS n \g /dev/null
SELECT t('S12 the rest of 53 returns of 3.77', $$back('b', 'p', 'rest')$$, (SELECT (floor(499 * 0.09 / 199.90)::int || ': nothing')));
SELECT t(what, call, want) FROM (VALUES
('S12 each of 54 returns took what keep = floor(499 x rest / 199.90) says', $$(SELECT count(*) FROM (
	SELECT e.due, floor(499 * (199.90 - sum(e.amount) OVER w) / 199.90) AS keep, 499 - sum(e.due) OVER w AS kept
	FROM loyalty.entry e WHERE e.account_id = (account_of('b')).id AND e.kind = 'refund' WINDOW w AS (ORDER BY e.seq)) x WHERE keep <> kept)$$, '0'),
('S12 no part ever grew', $$(SELECT count(*) FROM loyalty.entry e, jsonb_array_elements(e.parts) p WHERE e.account_id = (account_of('b')).id AND e.kind = 'refund' AND (p ->> 'due')::int < 0)$$, '0'),
('S12 in all exactly the parts', $$(SELECT string_agg(format('%s %s', part, due), ', ' ORDER BY part) FROM (SELECT p ->> 'part' AS part, sum((p ->> 'due')::int) AS due
	FROM loyalty.entry e, jsonb_array_elements(e.parts) p WHERE e.account_id = (account_of('b')).id AND e.kind = 'refund' GROUP BY 1) x)$$, 'base 199, double 200, tier 100')
) AS v(what, call, want);

SELECT shop('s12.lines', '{}', '{a,b,c,d}');
SELECT rules('{"code": "more", "scope": "line", "points": "CASE sku WHEN ''A'' THEN 10 WHEN ''B'' THEN 20 END"}');
SELECT t(what, call, want) FROM (VALUES
('S12 lines 10/10/20', $$buy('a', 'A:10:1 B:10:2 C:20:1', 'p')$$, 'base 40, more 30'),
('S12 with 20/30/20 points', $$line_points('a', 'p')$$, '20 30 20'),
('S12 by amount 20.00, -35', $$(refund('a', 'p', 'r1', 20.00, at => '2025-02-01')).due$$, '35'),
('S12 the rest, -35', $$(refund('a', 'p', 'r2', at => '2025-02-01')).due$$, '35'),
('S12 the same', $$buy('b', 'A:10:1 B:10:2 C:20:1', 'p')$$, 'base 40, more 30'),
('S12 line C, -20', $$(refund('b', 'p', 'r1', lines => '[{"line": 3, "quantity": 1}]', at => '2025-02-01')).due$$, '20'),
('S12 then half of B, -15', $$(refund('b', 'p', 'r2', lines => '[{"sku": "B", "quantity": 1}]', at => '2025-02-01')).due$$, '15'),
('S12 then the rest, -35', $$(refund('b', 'p', 'r3', at => '2025-02-01')).due$$, '35'),
('S12 more than is left is refused', $$refund('b', 'p', 'r4', lines => '[{"line": 1, "quantity": 1}]', at => '2025-02-01')$$, 'error LY007'),
('S12 nothing left', $$stand('b')$$, '0 = 0 usable + 0 pending + 0 held - 0 debt')
) AS v(what, call, want);
SELECT rules('{"code": "gift", "points": "7", "priority": 200}');
SELECT t(what, call, want) FROM (VALUES
('S12 with points of the order''s level', $$buy('c', 'A:10:1 B:10:2 C:20:1', 'p')$$, 'base 40, more 30, gift 7'),
('S12 line C: 20 of its own, and of the order''s 7 keep 3', $$(refund('c', 'p', 'r1', lines => '[{"line": 3}]', at => '2025-02-01')).due$$, '24'),
('S12 line A: 20, keep 1', $$(refund('c', 'p', 'r2', lines => '[{"line": 1}]', at => '2025-02-01')).due$$, '22'),
('S12 the rest', $$(refund('c', 'p', 'r3', at => '2025-02-01')).due$$, '31')
) AS v(what, call, want);

SELECT shop('s12.back', '{}', '{a,b,c}');
SELECT rules('{"code": "full", "points": "20", "on_return": "full_return_only"}', '{"code": "never", "points": "30", "on_return": "never"}', '{"code": "prop", "points": "10"}');
SELECT t(what, call, want) FROM (VALUES
('S12 on_return', $$buy('a', '100.00', 'p')$$, 'base 100, full 20, never 30, prop 10'),
('S12 a part of the money: the proportional parts', $$back('a', 'p', 'r1', 50.00)$$, '55: base 50, prop 5'),
('S12 nearly all', $$back('a', 'p', 'r2', 49.99)$$, '55: base 50, prop 5'),
('S12 all the money: full_return_only too, never not', $$back('a', 'p', 'r3', 0.01)$$, '20: full 20'),
('S12 never is left', $$stand('a')$$, '30 = 30 usable + 0 pending + 0 held - 0 debt'),
('S12 at once', $$buy('b', '100.00', 'p')$$, 'base 100, full 20, never 30, prop 10'),
('S12 the whole order', $$back('b', 'p', 'r')$$, '130: base 100, full 20, prop 10'),
('S12 0.00', $$buy('c', '0.00', 'p')$$, 'base 0, full 20, never 30, prop 10'),
('S12 net 0 is returned once, whole', $$back('c', 'p', 'r')$$, '30: full 20, prop 10')
) AS v(what, call, want);

-- S13: each part pays from its own lots.
SELECT shop('s13', '{}', '{a,b,c}');
SELECT rules('{"code": "short", "points": "50", "expiry": "10 days"}', '{"code": "late", "points": "30", "pending_days": 60, "priority": 200}');
SELECT t(what, call, want) FROM (VALUES
('S13 lots of three kinds', $$buy('a', '100.00', 'p')$$, 'base 100, short 50, late 30'),
('S13 half of it: 25 of what has expired are spared, 15 pending taken', $$refund('a', 'p', 'r1', 50.00, at => '2025-02-01')$$, '-65 to 65, 50 usable; due 90, 65 taken, 25 spared'),
('S13 the rest', $$refund('a', 'p', 'r2', at => '2025-02-02')$$, '-65 to 0, 0 usable; due 90, 65 taken, 25 spared'),
('S13 the same', $$buy('b', '100.00', 'p')$$, 'base 100, short 50, late 30'),
('S13 120 spent: all of the short, 70 of the base', $$spend('b', 120, 's', at => '2025-01-16')$$, '-120 to 60, 30 usable'),
('S13 the whole order: 30 pending, 30 base, the rest owed', $$refund('b', 'p', 'r', at => '2025-01-17')$$, '-180 to -120, 0 usable, 120 debt; due 180, 60 taken, 120 owed')
) AS v(what, call, want);

-- An activity goes back whole.
SELECT shop('s12.act', '{}', '{a}');
SELECT rules('{"code": "review", "activity": "review", "points": "20"}', '{"code": "kept", "activity": "review", "points": "5", "on_return": "never"}', '{"code": "any", "activity": "*", "points": "1"}');
SELECT t(what, call, want) FROM (VALUES
('S12 an activity', $$act('a', 'review', 'v1')$$, 'any 1, kept 5, review 20'),
('S12 it is returned whole', $$back('a', 'v1', 'r1')$$, '21: any 1, review 20'),
('S12 once', $$refund('a', 'v1', 'r2', at => '2025-02-01')$$, 'error LY007'),
('S12 never by amount', $$(SELECT concat(act('a', 'review', 'v2'), ' ', got($q$refund('a', 'v2', 'r3', 1.00, at => '2025-02-01')$q$) LIKE 'error %'))$$, 'any 1, kept 5, review 20 t'),
('S31 an activity that no rule knows is posted', $$act('a', 'checkin', 'v3')$$, 'any 1'),
('a purchase meets rules of *', $$buy('a', '10.00', 'p')$$, 'base 10, any 1')
) AS v(what, call, want);

-- S14: a return gives back what the award used up ----------------------------------------------
-- For each kind of rule and each cap: earn, earn again in vain, return, earn again.
CREATE FUNCTION tap.cycle(rule jsonb, campaign jsonb, activity text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	did text := '';
	n int := 0;
	step text;
BEGIN
	PERFORM shop('cycle' || nextval('tap.shops'), '{}', '{a}');
	IF campaign IS NOT NULL THEN
		PERFORM put('campaigns', '{"code": "c", "status": "running"}' || campaign);
		rule := rule || '{"campaign": "c"}';
	END IF;
	PERFORM tap.rules(rule || '{"code": "x"}');
	FOREACH step IN ARRAY '{earn,earn,back,earn,earn}'::text[] LOOP
		n := n + 1;
		IF step = 'back' THEN
			PERFORM loyalty.refund('a', 'p1', 'r', at => '2025-01-16');
			did := did || ', back';
		ELSE
			did := did || ', ' || coalesce((SELECT p ->> 'given' FROM jsonb_array_elements((CASE WHEN activity IS NULL THEN loyalty.purchase('a', 100.00, 'p' || n, at => '2025-01-15')
				ELSE loyalty.activity('a', activity, 'p' || n, at => '2025-01-15') END).parts) p WHERE p ->> 'part' = 'x'), 'none');
		END IF;
	END LOOP;
	RETURN substr(did, 3);
END $$;
SELECT t(format('S14 %s with %s: earn, return, earn', kind, cap), format('cycle(%L, %L, %L)', rule || caps, campaign, activity),
	-- A cap on times leaves no part, one on points a part of 0, and a rest of it goes as far as it does.
	replace('60, #, back, 60, #', '#', CASE WHEN caps ? 'times_cap' OR rule ->> 'effect' = 'challenge' THEN 'none' ELSE '0' END))
FROM (VALUES
	('a base rule', '{"effect": "base", "points": "60"}'::jsonb, NULL),
	('a multiplier', '{"effect": "multiplier", "points": "1.6"}', NULL),
	('a bonus', '{"points": "60"}', NULL),
	('a bonus of lines', '{"points": "60", "scope": "line"}', NULL),
	('a challenge', '{"effect": "challenge", "points": "60", "metric": "orders", "goal": 1, "cap_period": "year"}', NULL),
	('a challenge of activities', '{"effect": "challenge", "points": "60", "metric": "activities", "goal": 1, "activity": "review"}', 'review'),
	('an activity rule', '{"activity": "review", "points": "60"}', 'review'),
	('a base rule of an activity', '{"activity": "review", "effect": "base", "points": "60"}', 'review')) AS k(kind, rule, activity),
	(VALUES ('a times cap', '{"times_cap": 1}'::jsonb, NULL), ('a times cap a day', '{"times_cap": 1, "cap_period": "day"}', NULL),
	('a points cap', '{"points_cap": 60}', NULL), ('a points cap a month, reject', '{"points_cap": 60, "cap_period": "month", "on_cap": "reject"}', NULL),
	('a budget', '{"budget": 60}', NULL), ('a budget, reject', '{"budget": 60, "on_budget": "reject"}', NULL),
	('a campaign''s budget', '{}', '{"budget": 60}'::jsonb), ('a campaign''s budget, reject', '{}', '{"budget": 60, "on_budget": "reject"}')) AS c(cap, caps, campaign);

SELECT shop('s14', '{}', '{a,b,c,d}');
SELECT rules('{"code": "x", "points": "60", "points_cap": 100, "cap_period": "month", "times_cap": 2}');
SELECT t(what, call, want) FROM (VALUES
('S14 60 of 100', $$buy('a', '100.00', 'p1', '2025-01-10')$$, 'base 100, x 60'),
('S14 the rest: 40', $$buy('a', '100.00', 'p2', '2025-01-11')$$, 'base 100, x 60>40'),
('S14 the times are used', $$buy('a', '100.00', 'p3', '2025-01-12')$$, 'base 100'),
('S14 half of the first goes back in February: 30 points, no times', $$back('a', 'p1', 'r1', 50.00, at => '2025-02-02')$$, '80: base 50, x 30'),
('S14 February''s cap is its own', $$buy('a', '100.00', 'p4', '2025-02-03')$$, 'base 100, x 60'),
('S14 and full', $$buy('a', '100.00', 'p5', '2025-02-03')$$, 'base 100, x 60>40'),
('S14 January''s times are still used: a late order gets nothing', $$buy('a', '100.00', 'p6', '2025-01-20')$$, 'base 100'),
('S14 the other half', $$back('a', 'p1', 'r2', at => '2025-02-04')$$, '80: base 50, x 30'),
('S14 now a late order of January fires, for 60', $$buy('a', '100.00', 'p7', '2025-01-21')$$, 'base 100, x 60'),
('S14 usage is what was given', $$(SELECT string_agg(format('%s %s %s', u.period_on, u.times, u.points), ', ' ORDER BY u.period_on) FROM loyalty.usage u WHERE u.account_id = (account_of('a')).id)$$, '2025-01-01 2 100, 2025-02-01 2 100')
) AS v(what, call, want);

SELECT shop('s14.caps', '{}', '{a}');
SELECT put('caps', '{"period": "month", "points": 150}');
SELECT t(what, call, want) FROM (VALUES
('S14 the member''s cap', $$buy('a', '100.00', 'p1', '2025-01-10')$$, 'base 100'),
('S14 is trimmed', $$buy('a', '100.00', 'p2', '2025-01-11')$$, 'base 100>50'),
('S14 a return in February', $$back('a', 'p1', 'r1', 40.00, at => '2025-02-02')$$, '40: base 40'),
('S14 gives January 40 again', $$buy('a', '100.00', 'p3', '2025-01-12')$$, 'base 100>40'),
('S14 and February nothing', $$buy('a', '200.00', 'p4', '2025-02-03')$$, 'base 200>150')
) AS v(what, call, want);

SELECT shop('s14.clamp', '{"on_spent_return": "clamp"}', '{a,b}');
SELECT rules('{"code": "x", "points": "60", "budget": 60}');
SELECT put('caps', '{"period": "year", "points": 160}');
SELECT t(what, call, want) FROM (VALUES
('S14 earned', $$buy('a', '100.00', 'p1')$$, 'base 100, x 60'),
('S14 100 of 160 spent', $$spend('a', 100, 's', at => '2025-01-16')$$, '-100 to 60, 60 usable'),
('S14 returned: 100 written off', $$refund('a', 'p1', 'r1', at => '2025-01-17')$$, '-60 to 0, 0 usable; due 160, 60 taken, 100 written off'),
('S14 caps and budgets get what was not written off: 60', $$(SELECT concat((SELECT points FROM loyalty.usage WHERE account_id = (account_of('a')).id), ' of the cap, ', (SELECT spent FROM loyalty.budget b JOIN loyalty.rule r USING (id) WHERE r.program_id = (SELECT id FROM loyalty.program WHERE code = 's14.clamp')), ' of the budget'))$$, '100 of the cap, 60 of the budget'),
('S14 the budget is used', $$buy('b', '10.00', 'p1')$$, 'base 10, x 60>0'),
('S14 the cap has 60', $$buy('a', '100.00', 'p2', '2025-01-18')$$, 'base 100>60, x 60>0')
) AS v(what, call, want);

-- Random orders, returned by lines or amounts to the end: nothing is taken twice, nothing is left.
SELECT shop('s12.random', '{"rounding": "half_up", "on_spent_return": "debt"}', '{}');
SELECT put('tiers', '{"code": "gold", "rank": 1, "multiplier": 1.5}');
SELECT put('campaigns', '{"code": "c", "status": "running", "budget": 100000}');
SELECT put('caps', '{"period": "day", "points": 900}');
SELECT rules('{"code": "m", "campaign": "c", "effect": "multiplier", "points": "2"}', '{"code": "l", "scope": "line", "points": "3.3", "condition": "sku IN (''L1'', ''L3'')"}',
	'{"code": "full", "points": "20", "on_return": "full_return_only"}', '{"code": "never", "points": "7", "on_return": "never"}', '{"code": "cap", "points": "9.6", "points_cap": 500, "cap_period": "month", "expiry": "400 days"}');
SELECT enroll('a', at => '2024-01-01');
CREATE FUNCTION tap.return_all(n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	i int;
	k int;
	lines jsonb;
	amount numeric;
	money numeric;		-- that has gone back
	part numeric;
	e loyalty.entry;
	r loyalty.receipt;
	proportional bigint;
	of_all bigint;
	due bigint;
BEGIN
	FOR i IN 1 .. n LOOP
		SELECT jsonb_agg(jsonb_build_object('sku', 'L' || x, 'quantity', 1 + floor(random() * 3), 'amount', round((0.01 + random() * 80)::numeric, 2)))
		INTO lines FROM generate_series(1, 1 + floor(random() * 4)::int) x;
		SELECT sum((y ->> 'amount')::numeric) INTO amount FROM jsonb_array_elements(lines) y;
		PERFORM loyalty.purchase('a', amount, 'p' || i, lines, at => '2024-01-02Z'::timestamptz + make_interval(days => i));
		e := posted('a', 'p' || i);
		SELECT sum((p ->> 'given')::bigint) FILTER (WHERE p -> 'on_return' IS NULL), sum((p ->> 'given')::bigint) FILTER (WHERE p ->> 'on_return' IS DISTINCT FROM 'never')
		INTO proportional, of_all FROM jsonb_array_elements(e.parts) p;
		due := 0;
		money := 0;
		FOR k IN 1 .. 8 LOOP
			BEGIN
				IF k = 8 THEN
					r := loyalty.refund('a', 'p' || i, 'r' || i || '.' || k, at => '2025-06-01');
				ELSIF i % 3 = 0 THEN
					part := least(amount - money, round((0.01 + random() * amount / 3)::numeric, 2));
					r := loyalty.refund('a', 'p' || i, 'r' || i || '.' || k, part, at => '2025-06-01');
				ELSIF random() < 0.5 THEN
					r := loyalty.refund('a', 'p' || i, 'r' || i || '.' || k, lines => jsonb_build_array(jsonb_build_object('line', 1 + floor(random() * jsonb_array_length(lines))::int, 'quantity', 1)), at => '2025-06-01');
				ELSE
					r := loyalty.refund('a', 'p' || i, 'r' || i || '.' || k, lines => jsonb_build_array(jsonb_build_object('line', 1 + floor(random() * jsonb_array_length(lines))::int, 'amount', round((0.01 + random() * 20)::numeric, 2))), at => '2025-06-01');
				END IF;
			EXCEPTION WHEN SQLSTATE 'LY007' OR SQLSTATE '22023' THEN
				CONTINUE;
			END;
			due := due + r.due;
			money := money + (posted('a', 'r' || i || '.' || k)).amount;
			IF r.due <> r.taken + r.owed + r.spared + r.written_off OR r.due <> (SELECT sum((p ->> 'due')::bigint) FROM jsonb_array_elements(r.parts) p)
				OR EXISTS (SELECT FROM jsonb_array_elements(r.parts) p WHERE (p ->> 'due')::bigint < 0)
				OR i % 3 = 0 AND money < amount AND due <> proportional - floor(proportional * (amount - money) / amount) THEN
				RETURN format('%s.%s: %s', i, k, r);
			END IF;
		END LOOP;
		IF due <> of_all OR money <> amount OR EXISTS (
			SELECT FROM jsonb_array_elements(e.parts) p LEFT JOIN LATERAL (
				SELECT sum((q ->> 'due')::bigint) AS due FROM loyalty.entry f, jsonb_array_elements(f.parts) q
				WHERE f.account_id = e.account_id AND f.kind = 'refund' AND f.of_seq = e.seq AND q -> 'part' = p -> 'part') f ON true
			WHERE coalesce(f.due, 0) <> CASE WHEN p ->> 'on_return' = 'never' THEN 0 ELSE (p ->> 'given')::bigint END) THEN
			RETURN format('%s: due %s of %s, %s back of %s, %s', i, due, of_all, money, amount, e.parts);
		END IF;
	END LOOP;
	RETURN 'all of all';
END $$;
SELECT setseed(0.3);
SELECT t('S12 ' || what, call, want) FROM (VALUES
('150 random orders, returned in random ways to the end', 'return_all(150)', 'all of all'),
('what is never taken back is left', $$stand('a')$$, '1050 = 1050 usable + 0 pending + 0 held - 0 debt'),
('S14 budgets and caps have all but that again', $$(SELECT concat((SELECT b.spent FROM budget b JOIN campaign c USING (id) JOIN program p ON p.id = c.program_id WHERE p.code = 's12.random'), ' ',
	(SELECT sum(u.points) FROM usage u JOIN rule r ON r.id = u.counter_id WHERE u.account_id = (account_of('a')).id), ' ', (SELECT sum(u.points) FROM usage u JOIN cap c ON c.id = u.counter_id WHERE u.account_id = (account_of('a')).id)))$$, '0 0 1050')
) AS v(what, call, want);

-- What is configured otherwise since, or not at all any more, does not disturb a return.
SELECT shop('s14.changed', '{}', '{a}');
SELECT put('campaigns', '{"code": "c", "status": "running", "budget": 100}');
SELECT rules('{"code": "x", "campaign": "c", "points": "5", "budget": 50, "times_cap": 3}');
SELECT put('caps', '{"period": "day", "points": 50}');
SELECT t('S14 earned', $$buy('a', '10.00', 'p')$$, 'base 10, x 5');
SELECT t('S14 ' || what, format('after(%L, %L)', statements, $$(SELECT concat(back('a', 'p', 'r'), '; ', (SELECT string_agg(v::text, ' ') FROM verify() v)))$$), '15: base 10, x 5; ') FROM (VALUES
('the rule is paused', '{UPDATE rules SET status = ''paused'' WHERE program = ''s14.changed''}'::text[]),
('the rule is deleted', '{DELETE FROM rules WHERE program = ''s14.changed''}'),
('all is deleted', '{DELETE FROM rules WHERE program = ''s14.changed'',DELETE FROM campaigns WHERE program = ''s14.changed''}'),
('the campaign has ended', '{UPDATE campaigns SET status = ''ended'' WHERE program = ''s14.changed''}'),
('the budget is gone', '{UPDATE campaigns SET budget = NULL WHERE program = ''s14.changed'',UPDATE rules SET budget = NULL WHERE program = ''s14.changed''}'),
('the budget is lower', '{UPDATE campaigns SET budget = 1 WHERE program = ''s14.changed''}'),
('the rule gives other points', '{UPDATE rules SET points = ''100'' WHERE program = ''s14.changed''}'),
('the rule fails', '{UPDATE rules SET points = ''1 / (amount - 10)'' WHERE program = ''s14.changed''}'),
('the rule is never taken back now', '{UPDATE rules SET on_return = ''never'' WHERE program = ''s14.changed''}')
) AS v(what, statements);

-- S25: caps -------------------------------------------------------------------------------------
CREATE FUNCTION tap.capped(program jsonb, caps jsonb, rules jsonb, campaign jsonb, what text, variadic before text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	b text;
	told text;
BEGIN
	PERFORM shop('capped' || nextval('tap.shops'), program, '{}');
	PERFORM put('tiers', '{"code": "gold", "rank": 1, "multiplier": 1.5}');
	PERFORM put('campaigns', '{"code": "c", "status": "running"}' || campaign);
	PERFORM put('caps', c) FROM jsonb_array_elements(caps) c;
	PERFORM tap.rules(VARIADIC array(SELECT jsonb_array_elements(rules)));
	PERFORM loyalty.enroll('a', at => '2024-01-01Z');
	FOREACH b IN ARRAY before LOOP
		EXECUTE 'SELECT ' || b;
	END LOOP;
	told := buy('a', what, 'p');
	RETURN told || CASE WHEN what LIKE '%:%' THEN ' | ' || line_points('a', 'p') ELSE '' END;
END $$;
SELECT t('S25 ' || what, format('capped(%L, %L, %L, %L, %L)', program, caps, rules, campaign, bought), want) FROM (VALUES
('cap 300 on 199+100+200: 199+100+1', '{}', '[{"period": "day", "points": 300}]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2"}]', '{}', '199.90', 'base 199, tier 100, double 200>1'),
('the same of a balance', '{"balance_cap": 300}', '[]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2"}]', '{}', '199.90', 'base 199, tier 100, double 200>1'),
('cap 250: the tier too', '{}', '[{"period": "ever", "points": 250}]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2"}]', '{}', '199.90', 'base 199, tier 100>51, double 200>0'),
('cap 0', '{}', '[{"period": "ever", "points": 0}]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2"}]', '{}', '199.90', 'base 199>0, tier 100>0, double 200>0'),
('cap 499: nothing to trim', '{}', '[{"period": "week", "points": 499}]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2"}]', '{}', '199.90', 'base 199, tier 100, double 200'),
('cap 499, reject, fits', '{}', '[{"period": "week", "points": 499, "on_cap": "reject"}]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2"}]', '{}', '199.90', 'base 199, tier 100, double 200'),
('cap 498, reject: nothing', '{}', '[{"period": "week", "points": 498, "on_cap": "reject"}]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2"}]', '{}', '199.90', 'base 199>0, tier 100>0, double 200>0'),
('a balance cap, reject: nothing', '{"balance_cap": 300, "on_balance_cap": "reject"}', '[]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2"}]', '{}', '199.90', 'base 199>0, tier 100>0, double 200>0'),
('the tightest of many', '{"balance_cap": 270}', '[{"period": "day", "points": 300}, {"period": "week", "points": 280}, {"period": "month", "points": 290}]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2"}]', '{}', '199.90', 'base 199, tier 100>71, double 200>0'),
('a rule''s points cap takes from its part', '{}', '[]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2", "points_cap": 30}, {"code": "gift", "points": "5"}]', '{}', '199.90', 'base 199, tier 100, double 200>30, gift 5'),
('a rule''s points cap, reject', '{}', '[]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2", "points_cap": 30, "on_cap": "reject"}, {"code": "gift", "points": "5"}]', '{}', '199.90', 'base 199, tier 100, double 200>0, gift 5'),
('a rule''s budget', '{}', '[]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2", "budget": 30}, {"code": "gift", "points": "5"}]', '{}', '199.90', 'base 199, tier 100, double 200>30, gift 5'),
('a rule''s budget, reject', '{}', '[]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2", "budget": 199, "on_budget": "reject"}, {"code": "gift", "points": "5"}]', '{}', '199.90', 'base 199, tier 100, double 200>0, gift 5'),
('a campaign''s budget, from the last of its parts', '{}', '[]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2"}, {"code": "gift", "campaign": "c", "points": "5"}, {"code": "own", "points": "3", "priority": 200}]', '{"budget": 100}', '199.90', 'base 199, tier 100, double 200>100, gift 5>0, own 3'),
('a campaign''s budget, reject: nothing of the campaign', '{}', '[]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2"}, {"code": "gift", "campaign": "c", "points": "5"}, {"code": "own", "points": "3", "priority": 200}]', '{"budget": 204, "on_budget": "reject"}', '199.90', 'base 199, tier 100, double 200>0, gift 5>0, own 3'),
('a budget of 0', '{}', '[]', '[{"code": "gift", "campaign": "c", "points": "5"}]', '{"budget": 0}', '10.00', 'base 10, tier 5, gift 5>0'),
('rule, then campaign, then member, then balance', '{"balance_cap": 330}', '[{"period": "day", "points": 340}]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2", "points_cap": 90}, {"code": "gift", "campaign": "c", "points": "5"}]', '{"budget": 92}', '199.90', 'base 199, tier 100, double 200>31, gift 5>0'),
('lines share a trim', '{}', '[{"period": "day", "points": 40}]', '[]', '{}', 'A:10 B:10 C:10', 'base 30, tier 15>10 | 13 13 14'),
('lines share a trim of the base', '{}', '[{"period": "day", "points": 10}]', '[]', '{}', 'A:10 B:10 C:10', 'base 30>10, tier 15>0 | 3 3 4'),
('a line that gets nothing', '{}', '[{"period": "day", "points": 1}]', '[]', '{}', 'A:1 B:1 C:1', 'base 3>1, tier 1>0 | 0 0 1')
) AS v(what, program, caps, rules, campaign, bought, want);
SELECT t('S25 computed and given are both stored', $$(SELECT concat(e.computed, ' ', e.points, ' ', b.told) FROM (SELECT capped('{}', '[{"period": "day", "points": 300}]', '[{"code": "double", "campaign": "c", "effect": "multiplier", "points": "2"}]', '{}', '199.90') AS told OFFSET 0) b, LATERAL (SELECT * FROM posted('a', left('p', length(b.told)))) e)$$, '499 300 base 199, tier 100, double 200>1');
SELECT shop('s25.debt', '{"balance_cap": 100}', '{a,b}');
SELECT t(what, call, want) FROM (VALUES
('S25 debt of 50', $$adjust('a', -50, 'j', allow_debt => true, at => '2025-01-01')$$, '-50 to -50, 0 usable, 50 debt'),
('S25 cap 100, debt 50, order of 200: +150', $$purchase('a', 200.00, 'p', at => '2025-01-02')$$, '+150 to 100, 100 usable'),
('S25 an award is trimmed by it too', $$award('b', 130, 'w', at => '2025-01-02')$$, '+100 to 100, 100 usable'),
('S25 an adjustment is not', $$adjust('b', 10, 'j', at => '2025-01-03')$$, '+10 to 110, 110 usable')
) AS v(what, call, want);
-- What periodic caps do not touch: awards, cancels, corrections, releases, reinstating.
SELECT shop('s25.others', '{"expiry": "20 days", "cancel_grace_days": 30}', '{a}');
SELECT put('caps', '{"period": "ever", "points": 100}');
SELECT t('S25 ' || what, call, want) FROM (VALUES
('a purchase of the whole cap', $$purchase('a', 300.00, 'p', at => '2025-01-01')$$, '+100 to 100, 100 usable'),
('an award is not trimmed by a periodic cap', $$award('a', 50, 'w', at => '2025-01-02')$$, '+50 to 150, 150 usable'),
('nor does it use it: nothing left, nothing more', $$purchase('a', 10.00, 'p2', at => '2025-01-02')$$, '0 to 150, 150 usable'),
('an adjustment', $$adjust('a', 7, 'j', at => '2025-01-03')$$, '+7 to 157, 157 usable'),
('a spend', $$spend('a', 100, 's', at => '2025-01-04')$$, '-100 to 57, 57 usable'),
('its cancel', $$cancel('a', 's', 'c', at => '2025-01-05')$$, '+100 to 157, 157 usable'),
('reinstating', $$reinstate('a', 40, '2025-12-31', 'i', at => '2025-02-20')$$, '+40 to 40, 40 usable')
) AS v(what, call, want);

-- Periods at the boundaries of local days.
CREATE FUNCTION tap.second(zone text, period text, first timestamptz, other timestamptz, by_rule boolean) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM shop('second' || nextval('tap.shops'), jsonb_build_object('timezone', zone), '{a}', '2015-01-01');
	IF by_rule THEN
		PERFORM tap.rules(jsonb_build_object('code', 'x', 'points', '100', 'times_cap', 1, 'cap_period', period));
		PERFORM loyalty.purchase('a', 0, 'p1', at => first);
		RETURN CASE (loyalty.purchase('a', 0, 'p2', at => other)).points WHEN 0 THEN 'same' WHEN 100 THEN 'next' ELSE 'what' END;
	END IF;
	PERFORM put('caps', jsonb_build_object('period', period, 'points', 100));
	PERFORM loyalty.purchase('a', 100, 'p1', at => first);
	RETURN CASE (loyalty.purchase('a', 100, 'p2', at => other)).points WHEN 0 THEN 'same' WHEN 100 THEN 'next' ELSE 'what' END;
END $$;
SELECT t(format('S25 %s, %s: %s and %s, %s', zone, period, f, s, CASE WHEN by_rule THEN 'a rule''s times' ELSE 'the member''s points' END),
	format('second(%L, %L, %L, %L, %L)', zone, period, f, s, by_rule), want)
FROM (VALUES
('UTC', 'day', '2025-03-01 00:00Z', '2025-03-01 23:59:59.999999Z', 'same'),
('UTC', 'day', '2025-03-01 23:59:59.999999Z', '2025-03-02 00:00Z', 'next'),
('Asia/Shanghai', 'day', '2025-03-01 15:59:59Z', '2025-03-01 16:00Z', 'next'),
('Asia/Shanghai', 'day', '2025-03-01 16:00Z', '2025-03-02 15:59:59Z', 'same'),
('America/New_York', 'day', '2025-03-09 04:59:59Z', '2025-03-09 05:00Z', 'next'),
('America/New_York', 'day', '2025-03-09 05:00Z', '2025-03-10 03:59:59Z', 'same'),
('America/New_York', 'day', '2025-03-10 03:59:59Z', '2025-03-10 04:00Z', 'next'),
('Europe/Berlin', 'day', '2025-10-25 22:00Z', '2025-10-26 22:59:59Z', 'same'),
('Europe/Berlin', 'day', '2025-10-26 22:59:59Z', '2025-10-26 23:00Z', 'next'),
('America/Havana', 'day', '2025-11-02 03:59:59Z', '2025-11-02 04:00Z', 'next'),
('Pacific/Apia', 'day', '2011-12-30 09:59:59Z', '2011-12-30 10:00Z', 'next'),
('UTC', 'week', '2025-03-03 00:00Z', '2025-03-09 23:59:59Z', 'same'),
('UTC', 'week', '2025-03-09 23:59:59Z', '2025-03-10 00:00Z', 'next'),
('UTC', 'week', '2024-12-30 00:00Z', '2025-01-05 12:00Z', 'same'),
('UTC', 'week', '2024-12-29 12:00Z', '2024-12-30 00:00Z', 'next'),
('Europe/Berlin', 'week', '2025-03-30 21:59:59Z', '2025-03-30 22:00Z', 'next'),
('Europe/Berlin', 'week', '2025-03-23 23:00Z', '2025-03-30 21:59:59Z', 'same'),
('UTC', 'month', '2024-02-01 00:00Z', '2024-02-29 23:59:59Z', 'same'),
('UTC', 'month', '2024-02-29 23:59:59Z', '2024-03-01 00:00Z', 'next'),
('Asia/Kolkata', 'month', '2025-01-31 18:29:59Z', '2025-01-31 18:30Z', 'next'),
('UTC', 'year', '2024-01-01 00:00Z', '2024-12-31 23:59:59Z', 'same'),
('UTC', 'year', '2024-12-31 23:59:59Z', '2025-01-01 00:00Z', 'next'),
('Asia/Shanghai', 'year', '2024-12-31 15:59:59Z', '2024-12-31 16:00Z', 'next'),
('Pacific/Auckland', 'year', '2024-12-31 10:59:59Z', '2024-12-31 11:00Z', 'next'),
('UTC', 'ever', '2016-01-01 00:00Z', '2026-01-01 00:00Z', 'same'),
-- a late order is of the period of its own day
('UTC', 'day', '2025-03-02 00:00Z', '2025-03-01 23:59:59Z', 'next'),
('UTC', 'week', '2025-03-10 00:00Z', '2025-03-09 23:59:59Z', 'next'),
('UTC', 'month', '2025-03-20 00:00Z', '2025-03-01 00:00Z', 'same'),
('UTC', 'month', '2025-03-01 00:00Z', '2025-02-28 23:59:59Z', 'next'),
('UTC', 'year', '2025-01-01 00:00Z', '2024-12-31 00:00Z', 'next')
) AS v(zone, period, f, s, want), unnest('{f,t}'::boolean[]) AS by_rule;

-- Campaigns -------------------------------------------------------------------------------------
SELECT shop('camp', '{"timezone": "Europe/Berlin"}', '{a,b}');
SELECT put('campaigns', '{"code": "c"}');
SELECT put('campaigns', '{"code": "w", "status": "running", "starts_at": "2025-03-01 00:00+01", "ends_at": "2025-03-02 00:00+01"}');
SELECT rules('{"code": "x", "campaign": "c", "points": "5"}', '{"code": "y", "campaign": "w", "points": "7"}',
	'{"code": "z", "points": "9", "starts_at": "2025-03-01 12:00+01", "ends_at": "2025-03-01 13:00+01"}');
SELECT t('campaign ' || what, call, want) FROM (VALUES
('a draft gives nothing', $$buy('a', '1.00', 'p1')$$, 'base 1'),
('is started', $$UPDATE campaigns SET status = 'running' WHERE code = 'c' AND program = 'camp'$$, '1 rows'),
('runs', $$buy('a', '1.00', 'p2')$$, 'base 1, x 5'),
('is paused', $$UPDATE campaigns SET status = 'paused' WHERE code = 'c' AND program = 'camp'$$, '1 rows'),
('paused', $$buy('a', '1.00', 'p3')$$, 'base 1'),
('goes on', $$UPDATE campaigns SET status = 'running' WHERE code = 'c' AND program = 'camp'$$, '1 rows'),
('runs again', $$buy('a', '1.00', 'p4')$$, 'base 1, x 5'),
('has ended', $$UPDATE campaigns SET status = 'ended' WHERE code = 'c' AND program = 'camp'$$, '1 rows'),
('gives nothing more', $$buy('a', '1.00', 'p5')$$, 'base 1'),
('before its window', $$buy('a', '1.00', 'p6', '2025-02-28 23:59:59.999999+01')$$, 'base 1'),
('at its start', $$buy('a', '1.00', 'p7', '2025-03-01 00:00+01')$$, 'base 1, y 7'),
('before its end', $$buy('a', '1.00', 'p8', '2025-03-01 23:59:59.999999+01')$$, 'base 1, y 7'),
('at its end', $$buy('a', '1.00', 'p9', '2025-03-02 00:00+01')$$, 'base 1'),
('a rule''s own window', $$buy('b', '1.00', 'p1', '2025-03-01 11:59:59.999999+01')$$, 'base 1, y 7'),
('from its start', $$buy('b', '1.00', 'p2', '2025-03-01 12:00+01')$$, 'base 1, y 7, z 9'),
('to before its end', $$buy('b', '1.00', 'p3', '2025-03-01 13:00+01')$$, 'base 1, y 7'),
('a rule is paused', $$UPDATE rules SET status = 'paused' WHERE code = 'y' AND program = 'camp'$$, '1 rows'),
('paused rule; a late order is in the window of its date', $$buy('b', '1.00', 'p4', '2025-03-01 12:30+01')$$, 'base 1, z 9'),
('report', $$(SELECT string_agg(format('%s %s %s members %s orders %s points %s back', campaign, coalesce(rule, 'all'), members, orders, points, taken_back), '; ' ORDER BY campaign, rule NULLS LAST)
	FROM campaign_report WHERE program = 'camp')$$, 'c x 1 members 2 orders 10 points 0 back; c all 1 members 2 orders 10 points 0 back; w y 2 members 5 orders 35 points 0 back; w all 2 members 5 orders 35 points 0 back'),
('returns are told', $$back('a', 'p7', 'r7', at => '2025-04-01')$$, '8: base 1, y 7'),
('cost', $$(SELECT format('%s - %s = %s', points, taken_back, cost) FROM campaign_report WHERE program = 'camp' AND campaign = 'w' AND rule IS NULL)$$, '35 - 7 = 28')
) AS v(what, call, want);

-- A pilot: a stable share.
SELECT shop('pilot', '{}', '{}');
SELECT put('campaigns', '{"code": "c", "status": "running", "pilot_percent": 20}');
SELECT rules('{"code": "x", "campaign": "c", "points": "5"}', '{"code": "own", "points": "3", "pilot_percent": 50}');
SELECT count(enroll('pilot' || n, at => '2024-01-01')) FROM generate_series(1, 2000) AS n \g /dev/null
INSERT INTO purchases (member, amount, ref, at) SELECT 'pilot' || n, 1.00, 'p' || i, ('2025-01-0' || i)::timestamptz FROM generate_series(1, 2000) AS n, generate_series(1, 2) AS i;
SELECT t('pilot ' || what, call, want) FROM (VALUES
('near 20 % of 2000 are in', $$(SELECT count(*) BETWEEN 330 AND 470 FROM account a JOIN program p ON p.id = a.program_id WHERE p.code = 'pilot' AND in_pilot('c', a.member_id, 20))$$, 'true'),
('near 50 % of a rule', $$(SELECT count(*) BETWEEN 900 AND 1100 FROM account a JOIN program p ON p.id = a.program_id WHERE p.code = 'pilot' AND in_pilot('rule:own', a.member_id, 50))$$, 'true'),
('by SHA-256', $$(SELECT count(*) FROM account a JOIN program p ON p.id = a.program_id WHERE p.code = 'pilot'
	AND in_pilot('c', a.member_id, 20) <> (('x' || encode(substr(sha256(convert_to('c:' || a.member_id, 'UTF8')), 1, 4), 'hex'))::bit(32)::bigint % 100 < 20))$$, '0'),
('those in it got it, both times, the others never', $$(SELECT count(*) FROM (SELECT a.id, a.member_id, count(*) FILTER (WHERE e.parts @> '[{"part": "x"}]') AS n, count(*) FILTER (WHERE e.parts @> '[{"part": "own"}]') AS m
	FROM account a JOIN program p ON p.id = a.program_id JOIN entry e ON e.account_id = a.id AND e.kind = 'purchase' WHERE p.code = 'pilot' GROUP BY a.id, a.member_id) x
	WHERE n <> CASE WHEN in_pilot('c', member_id, 20) THEN 2 ELSE 0 END OR m <> CASE WHEN in_pilot('rule:own', member_id, 50) THEN 2 ELSE 0 END)$$, '0'),
('a greater share keeps those who are in', $$(SELECT count(*) FROM generate_series(1, 5000) m WHERE in_pilot('c', m, 20) AND NOT in_pilot('c', m, 21))$$, '0'),
('100 % is everybody', $$(SELECT count(*) FROM generate_series(1, 5000) m WHERE NOT in_pilot('c', m, 100))$$, '0'),
('in and out, side by side', $$(SELECT bool_and(c.members = x.n AND c.buyers = x.n AND c.orders = 2 * x.n AND c.spend = 2 * x.n AND c.spend_per_member = 2.00) AND count(*) = 2
	FROM campaign_pilot c JOIN (SELECT in_pilot('c', a.member_id, 20) AS i, count(*) AS n FROM account a JOIN program p ON p.id = a.program_id WHERE p.code = 'pilot' GROUP BY 1) x ON x.i = c.in_pilot
	WHERE c.program = 'pilot')$$, 'true')
) AS v(what, call, want);

-- Challenges ------------------------------------------------------------------------------------
SELECT shop('goal', '{}', '{a,b,c,d,e,f,g,h}');
SELECT rules('{"code": "three", "effect": "challenge", "metric": "orders", "goal": 3, "points": "50", "cap_period": "month", "condition": "member.key IN (''a'', ''b'')"}',
	'{"code": "once", "effect": "challenge", "metric": "points", "goal": 250, "points": "amount / 3", "condition": "member.key = ''c''"}',
	'{"code": "money", "effect": "challenge", "metric": "spend", "goal": 199.95, "points": "7", "condition": "member.key = ''d''", "starts_at": "2025-01-10", "ends_at": "2025-02-01"}',
	'{"code": "visits", "effect": "challenge", "metric": "activities", "goal": 3, "points": "30", "cap_period": "week", "activity": "checkin"}',
	'{"code": "kept", "effect": "challenge", "metric": "orders", "goal": 1, "points": "5", "on_return": "never", "condition": "member.key = ''f''"}');
SELECT t('challenge ' || what, call, want) FROM (VALUES
('the first', $$buy('a', '10.00', 'p1', '2025-01-05')$$, 'base 10'),
('the second', $$buy('a', '10.00', 'p2', '2025-01-06')$$, 'base 10'),
('the third reaches the goal', $$buy('a', '10.00', 'p3', '2025-01-31 23:59')$$, 'base 10, three 50'),
('once in a period', $$buy('a', '10.00', 'p4', '2025-01-31 23:59:30')$$, 'base 10'),
('February begins at nothing', $$buy('a', '10.00', 'p5', '2025-02-01')$$, 'base 10'),
('February, 2', $$buy('a', '10.00', 'p6', '2025-02-02')$$, 'base 10'),
('February, 3', $$buy('a', '10.00', 'p7', '2025-02-03')$$, 'base 10, three 50'),
('a part of the order goes back: the challenge stays', $$back('a', 'p7', 'r7', 5.00, at => '2025-02-04')$$, '5: base 5'),
('and is not met again', $$buy('a', '10.00', 'p8', '2025-02-05')$$, 'base 10'),
('with the whole order it goes back', $$back('a', 'p7', 'r7b', at => '2025-02-06')$$, '55: base 5, three 50'),
('and can be met again: 3 are left with this one', $$buy('a', '10.00', 'p9', '2025-02-07')$$, 'base 10, three 50'),
('an order returned whole does not count', $$(SELECT concat_ws('; ', buy('b', '10.00', 'p1', '2025-01-05'), buy('b', '10.00', 'p2', '2025-01-05'), back('b', 'p1', 'r1', at => '2025-01-06'), buy('b', '10.00', 'p3', '2025-01-07'), buy('b', '10.00', 'p4', '2025-01-08')))$$,
	'base 10; base 10; 10: base 10; base 10; base 10, three 50'),
('of points: 100', $$buy('c', '100.00', 'p1', '2023-01-05')$$, 'base 100'),
('of points: 249', $$buy('c', '149.00', 'p2', '2024-01-05')$$, 'base 149'),
('of points: 250, this posting included, rounded down', $$buy('c', '1.00', 'p3', '2025-01-05')$$, 'base 1, once 0'),
('ever is once', $$buy('c', '1000.00', 'p4', '2025-01-05')$$, 'base 1000'),
('of money: before its time', $$buy('d', '1000.00', 'p1', '2025-01-09 23:59:59')$$, 'base 1000'),
('of money: 100', $$buy('d', '100.00', 'p2', '2025-01-10')$$, 'base 100'),
('of money: 199.94', $$buy('d', '99.94', 'p3', '2025-01-11')$$, 'base 99'),
('of money: 199.95', $$buy('d', '0.01', 'p4', '2025-01-12')$$, 'base 0, money 7'),
('of activities', $$(SELECT concat_ws('; ', act('e', 'checkin', 'v1', '2025-01-06'), act('e', 'checkin', 'v2', '2025-01-08'), act('e', 'checkin', 'v3', '2025-01-12 23:59'), act('e', 'checkin', 'v4', '2025-01-13'), act('e', 'checkin', 'v5', '2025-01-14'), act('e', 'checkin', 'v6', '2025-01-15')))$$,
	'nothing; nothing; visits 30; nothing; nothing; visits 30'),
('never taken back', $$(SELECT concat_ws('; ', buy('f', '10.00', 'p1', '2025-01-05'), back('f', 'p1', 'r1', at => '2025-01-06'), stand('f')))$$,
	'base 10, kept 5; 10: base 10; 5 = 5 usable + 0 pending + 0 held - 0 debt')
) AS v(what, call, want);
SELECT shop('goal.cap', '{}', '{a}');
SELECT put('caps', '{"period": "month", "points": 120}');
SELECT rules('{"code": "g", "effect": "challenge", "metric": "points", "goal": 100, "points": "50", "cap_period": "month"}');
SELECT t('S25 a challenge is trimmed after the rest', $$buy('a', '100.00', 'p')$$, 'base 100, g 50>20');

-- Streaks, birthdays, days since, first and nth ---------------------------------------------------
SELECT shop('streak', '{"timezone": "Asia/Shanghai"}', '{a,b}');
SELECT rules('{"code": "s", "activity": "checkin", "points": "streak"}');
SELECT t('streak ' || what, call, want) FROM (VALUES
('day 1', $$act('a', 'checkin', 'v1', '2025-02-26 15:59Z')$$, 's 1'),
('day 2, local', $$act('a', 'checkin', 'v2', '2025-02-26 16:00Z')$$, 's 2'),
('day 2 again', $$act('a', 'checkin', 'v3', '2025-02-27 15:59Z')$$, 's 2'),
('day 3', $$act('a', 'checkin', 'v4', '2025-02-28 01:00Z')$$, 's 3'),
('day 4 is in March', $$act('a', 'checkin', 'v5', '2025-03-01 01:00Z')$$, 's 4'),
('another activity is not it', $$act('a', 'review', 'v6', '2025-03-02 01:00Z')$$, 'nothing'),
('a missed day starts again', $$act('a', 'checkin', 'v7', '2025-03-03 01:00Z')$$, 's 1'),
('2', $$act('a', 'checkin', 'v8', '2025-03-04 01:00Z')$$, 's 2'),
('a late one fills the gap, at the streak of its own day', $$act('a', 'checkin', 'v9', '2025-03-02 01:00Z')$$, 's 5'),
('and the next goes on', $$act('a', 'checkin', 'v10', '2025-03-05 01:00Z')$$, 's 8'),
('one is returned', $$back('a', 'v10', 'r10', at => '2025-03-05 02:00Z')$$, '8: s 8'),
('it does not count any more', $$act('a', 'checkin', 'v11', '2025-03-06 01:00Z')$$, 's 1'),
('another member', $$act('b', 'checkin', 'v1', '2025-03-06 01:00Z')$$, 's 1')
) AS v(what, call, want);

SELECT shop('who', '{"timezone": "Europe/Berlin", "currency": "EUR"}', '{}');
SELECT enroll('leap', at => '2020-01-01', birthday => '02-29');
SELECT enroll('plain', at => '2020-01-01', birthday => '02-28');
SELECT enroll('vip', at => '2020-01-01', tags => '["vip", "x"]', attributes => '{"referrer": "plain", "size": 3}');
SELECT enroll('none', at => '2020-01-01');
SELECT rules('{"code": "birthday", "condition": "is_birthday", "points": "100"}', '{"code": "back", "condition": "days_since_order >= 90", "points": "days_since_order"}',
	'{"code": "first", "condition": "member.orders = 0", "points": "10"}', '{"code": "third", "condition": "member.orders % 3 = 2", "points": "30"}',
	'{"code": "vip", "tags": "{vip,staff}", "points": "1"}', '{"code": "staff", "tags": "{staff}", "points": "1"}', '{"code": "friend", "condition": "referred", "points": "(member.attributes ->> ''size'')::int"}',
	'{"code": "dollars", "condition": "currency = ''USD''", "points": "2"}', '{"code": "euros", "condition": "currency = ''EUR'' AND year = 2022", "points": "2"}');
SELECT t(what, call, want) FROM (VALUES
('birthday 29 February, in a leap year not on the 28th; first', $$buy('leap', '1', 'p1', '2024-02-28 12:00Z')$$, 'base 1, first 10'),
('on the 29th, local', $$buy('leap', '1', 'p2', '2024-02-28 23:00Z')$$, 'base 1, birthday 100'),
('third', $$buy('leap', '1', 'p3', '2024-02-29 22:59Z')$$, 'base 1, birthday 100, third 30'),
('not on 1 March', $$buy('leap', '1', 'p4', '2024-02-29 23:00Z')$$, 'base 1'),
('in other years on the 28th; win-back 364 days', $$buy('leap', '1', 'p5', '2025-02-28 12:00Z')$$, 'base 1, back 364, birthday 100'),
('not on 1 March; third of three', $$buy('leap', '1', 'p6', '2025-02-28 23:00Z')$$, 'base 1, third 30'),
('birthday 28 February', $$buy('plain', '1', 'p1', '2024-02-28 12:00Z')$$, 'base 1, birthday 100, first 10'),
('not on the 29th', $$buy('plain', '1', 'p2', '2024-02-29 12:00Z')$$, 'base 1'),
('none without a birthday', $$buy('none', '1', 'p1', '2025-01-01 12:00Z')$$, 'base 1, first 10'),
('89 days', $$buy('none', '1', 'p2', '2025-03-31 12:00Z')$$, 'base 1'),
('90 days, local', $$buy('none', '1', 'p3', '2025-06-28 22:00Z')$$, 'base 1, back 90, third 30'),
('an order returned whole is left out', $$(SELECT back('none', 'p3', 'r3', at => '2025-06-29'))$$, '121: base 1, back 90, third 30'),
('so this is the third', $$buy('none', '1', 'p4', '2025-06-30')$$, 'base 1, third 30'),
('tags, any of them; referred; attributes of the member', $$buy('vip', '1', 'p1', '2025-01-01')$$, 'base 1, first 10, friend 3, vip 1'),
('the currency is the purchase''s', $$buy('vip', '1', 'p2', '2025-01-01 01:00', '{"currency": "USD"}')$$, 'base 1, dollars 2, friend 3, vip 1'),
('or the program''s', $$buy('plain', '1', 'p3', '2022-01-01 00:00+01')$$, 'base 1, euros 2, third 30')
) AS v(what, call, want);

-- Days and hours, local, across the changes of the clock -------------------------------------------
SELECT shop('hours', '{"timezone": "Europe/Berlin"}', '{a}', '2024-01-01');
SELECT rules('{"code": "night", "hour_from": "02:00", "hour_until": "03:00", "points": "1"}', '{"code": "late", "hour_from": "23:30", "hour_until": "24:00", "points": "2"}',
	'{"code": "early", "hour_until": "00:30", "points": "3"}', '{"code": "weekend", "weekdays": "{6,7}", "points": "4"}', '{"code": "noon", "weekdays": "{3}", "hour_from": "12:00", "hour_until": "12:30", "points": "5"}',
	'{"code": "two", "condition": "hour = 2", "points": "6", "priority": 200}');
SELECT t(format('hours %s: %s', at, want), format('buy(''a'', ''0'', %L, %L)', at, at), want) FROM (VALUES
('2025-03-30 00:59:59Z', 'base 0, weekend 4'),
('2025-03-30 01:00Z', 'base 0, weekend 4'),
('2025-10-25 23:59:59Z', 'base 0, weekend 4'),
('2025-10-26 00:00Z', 'base 0, night 1, weekend 4, two 6'),
('2025-10-26 00:59:59Z', 'base 0, night 1, weekend 4, two 6'),
('2025-10-26 01:00Z', 'base 0, night 1, weekend 4, two 6'),
('2025-10-26 01:59:59.999999Z', 'base 0, night 1, weekend 4, two 6'),
('2025-10-26 02:00Z', 'base 0, weekend 4'),
('2025-06-02 21:29:59Z', 'base 0'),
('2025-06-02 21:30Z', 'base 0, late 2'),
('2025-06-02 21:59:59.999999Z', 'base 0, late 2'),
('2025-06-02 22:00Z', 'base 0, early 3'),
('2025-06-02 22:30Z', 'base 0'),
('2025-06-06 21:59:59Z', 'base 0, late 2'),
('2025-06-06 22:00Z', 'base 0, early 3, weekend 4'),
('2025-06-08 21:59:59Z', 'base 0, late 2, weekend 4'),
('2025-06-08 22:00Z', 'base 0, early 3'),
('2025-06-04 10:00Z', 'base 0, noon 5'),
('2025-06-04 10:30Z', 'base 0'),
('2025-12-03 11:00Z', 'base 0, noon 5'),
('2025-12-03 10:00Z', 'base 0')) AS v(at, want);

-- Tiers as the audience, and a late order at the tier of its date -----------------------------------
SELECT shop('aud', '{}', '{a}');
SELECT put('tiers', '{"code": "silver", "rank": 1, "multiplier": 1.5, "points": 100000}');
SELECT put('tiers', '{"code": "gold", "rank": 2, "multiplier": 2, "points": 200000, "expiry": "5 days"}');
SELECT rules('{"code": "g", "tiers": "{gold}", "points": "10"}', '{"code": "both", "tiers": "{gold,silver}", "points": "1"}', '{"code": "rank", "condition": "tier_rank >= 2", "points": "3"}', '{"code": "name", "condition": "tier = ''silver''", "points": "4"}');
SELECT t('tiers ' || what, call, want) FROM (VALUES
('none yet', $$buy('a', '10', 'p1', '2025-01-01')$$, 'base 10'),
('silver for February', $$(grant_tier('a', 'silver', '2025-02-28', 'g1', first_day => '2025-02-01', at => '2025-01-02')).kind$$, 'grant_tier'),
('gold for some days of it', $$(grant_tier('a', 'gold', '2025-02-12', 'g2', first_day => '2025-02-10', at => '2025-01-02')).kind$$, 'grant_tier'),
('the day before', $$buy('a', '10', 'p2', '2025-01-31 23:59:59')$$, 'base 10'),
('silver', $$buy('a', '10', 'p3', '2025-02-01')$$, 'base 10, tier 5, both 1, name 4'),
('gold', $$buy('a', '10', 'p4', '2025-02-10')$$, 'base 10, tier 10, both 1, g 10, rank 3'),
('gold to the end of its last day', $$buy('a', '10', 'p5', '2025-02-12 23:59:59.999999')$$, 'base 10, tier 10, both 1, g 10, rank 3'),
('silver again', $$buy('a', '10', 'p6', '2025-02-13')$$, 'base 10, tier 5, both 1, name 4'),
('none again', $$buy('a', '10', 'p7', '2025-03-01')$$, 'base 10'),
('S22 a late order earns at the tier of its date', $$buy('a', '10', 'p8', '2025-02-11')$$, 'base 10, tier 10, both 1, g 10, rank 3'),
('S8 and has the expiry of its date', $$split_part(ends('a', 'p8'), ',', 1)$$, 'base 2025-02-16'),
('a late one of January', $$buy('a', '10', 'p9', '2025-01-31')$$, 'base 10')
) AS v(what, call, want);

-- S31: explain ------------------------------------------------------------------------------------
SELECT shop('why', '{}', '{}');
SELECT put('tiers', '{"code": "gold", "rank": 1, "multiplier": 1.5, "points": 100000}');
SELECT put('campaigns', '{"code": "on", "status": "running", "budget": 5}');
SELECT put('campaigns', '{"code": "off"}');
SELECT put('campaigns', '{"code": "past", "status": "running", "ends_at": "2025-01-01"}');
SELECT enroll('a', at => '2024-01-01');
SELECT put('campaigns', jsonb_build_object('code', p, 'status', 'running', 'pilot_percent', 1)) FROM (SELECT 'pilot' || n AS p FROM generate_series(1, 50) n, account_of('a') a WHERE NOT in_pilot('pilot' || n, a.member_id, 1) LIMIT 1) x;
SELECT rules('{"code": "r01", "campaign": "on", "points": "20"}', '{"code": "r02", "status": "paused", "points": "1"}', '{"code": "r03", "campaign": "off", "points": "1"}',
	'{"code": "r04", "activity": "review", "points": "1"}', '{"code": "r05", "campaign": "past", "points": "1"}', '{"code": "r06", "starts_at": "2030-01-01", "points": "1"}',
	'{"code": "r07", "weekdays": "{7}", "points": "1"}', '{"code": "r08", "hour_until": "03:00", "points": "1"}', '{"code": "r09", "tiers": "{gold}", "points": "1"}',
	'{"code": "r10", "tags": "{vip}", "points": "1"}', '{"code": "r12", "times_cap": 1, "points": "1"}',
	'{"code": "r13", "condition": "channel = ''web''", "points": "1"}', '{"code": "r14", "points": "NULL::numeric"}', '{"code": "r15", "effect": "multiplier", "points": "2", "exclusive_group": "g"}',
	'{"code": "r16", "effect": "multiplier", "points": "1.5", "exclusive_group": "g"}', '{"code": "r17", "effect": "challenge", "metric": "orders", "goal": 5, "points": "5"}', '{"code": "r18", "status": "draft", "points": "1"}');
SELECT put('rules', jsonb_build_object('code', 'r11', 'campaign', (SELECT code FROM campaigns WHERE code LIKE 'pilot%' AND program = 'why'), 'points', '1'));
SELECT t('S31 before', $$buy('a', '1.00', 'p0', '2025-01-14 12:00Z')$$, 'base 1, r15 1, r01 20>5, r12 1');
SELECT t('S31 what a purchase got', $$buy('a', '100.00', 'p1', '2025-01-15 12:00Z')$$, 'base 100, r15 100, r01 20>0');
SELECT t('S31 explain names each rule with its points, and why others gave none',
	$$(SELECT string_agg(concat(what, ' ', points, ' ', detail), E'\n' ORDER BY step) FROM explain('a', 'p1'))$$,
$$purchase 200 dated 2025-01-15 12:00:00+00
base 100 100.00 at 1 per 1.00, floor
r15 100 
campaign on, r01 0 20 computed; a cap or budget cut the rest
not r16 0 another rule of its exclusive group was chosen
not r02 0 the rule is not active
not r03 0 its campaign is not running
not r05 0 its campaign is not running at this time
not r06 0 it is not valid at this time
not r07 0 it is not valid on this day of the week
not r08 0 it is not valid at this time of day
not r09 0 it is not for this tier
not r10 0 the member has none of its tags
not r11 0 the member is not in its campaign's pilot
not r12 0 it has reached its limit of uses in the period
not r13 0 its condition is false or NULL
not r14 0 its points are NULL
not r18 0 the rule is not active
not r17 0 its goal has not been reached
caps -20 cut to a cap, a budget or the balance cap
to lots 200 {200 until never earned 2025-01-15}$$);
-- A refusal: reason, numbers, next step.
SELECT put('benefits', '{"code": "lounge", "tiers": "{gold}", "quota": 3}');
SELECT put('benefits', '{"code": "ship", "quota": 3, "period": "month"}');
CREATE FUNCTION tap.refusal(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	m text;
	d text;
	h text;
BEGIN
	EXECUTE 'SELECT ' || call;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	RETURN concat_ws(' / ', SQLSTATE, m, nullif(d, ''), nullif(h, ''));
END $$;
SELECT t('S31 two of three used', $$(use_benefit('a', 'ship', 'b1', 2, at => '2025-01-20')).kind$$, 'use_benefit');
SELECT matches(refusal($$use_benefit('a', 'ship', 'b2', 2, at => '2025-01-21')$$), '^LY008 / .*ship.* / .*[123].* / .+', 'S31 a benefit used up: reason, numbers, hint');
SELECT matches(refusal($$use_benefit('a', 'lounge', 'b3', at => '2025-01-21')$$), '^LY008 / .*lounge.* / .+ / .+', 'S31 a benefit of another tier: reason, detail, hint');
SELECT matches(refusal($$use_benefit('a', 'sauna', 'b3', at => '2025-01-21')$$), '^LY006 / .*sauna.* / .+', 'S31 no such benefit: reason, hint');
SELECT matches(refusal($$grant_tier('a', 'iron', NULL, 'g', at => '2025-01-21')$$), '^LY006 / .*iron.* / .+', 'S31 no such tier: reason, hint');
SELECT matches(refusal($$end_grant('a', 'nothing', 'g', at => '2025-01-21')$$), '^LY006 / .*nothing.*', 'S31 no such grant: reason');
SELECT t('S31 ' || what, call, want) FROM (VALUES
('what is left can be used', $$(SELECT format('%s of %s, %s left', used, quota, "left") FROM member_benefits('a', at => '2025-01-21') WHERE code = 'ship')$$, '2 of 3, 1 left'),
('one is', $$(use_benefit('a', 'ship', 'b4', at => '2025-01-31 23:59')).kind$$, 'use_benefit'),
('the next month has its own', $$(use_benefit('a', 'ship', 'b5', 3, at => '2025-02-01')).kind$$, 'use_benefit'),
('a quantity of 0', $$use_benefit('a', 'ship', 'b6', 0, at => '2025-03-01')$$, 'error 22023'),
('or below', $$use_benefit('a', 'ship', 'b6', -1, at => '2025-03-01')$$, 'error 22023'),
('the same again is a repeat', $$use_benefit('a', 'ship', 'b5', 3, at => '2025-02-01')$$, '0 to 208, 208 usable; repeat'),
('another under its ref is not', $$use_benefit('a', 'ship', 'b5', 2, at => '2025-02-01')$$, 'error LY003')
) AS v(what, call, want);

-- Preview: what a purchase then gives -----------------------------------------------------------------
SELECT shop('preview', '{"timezone": "Europe/Berlin", "rounding": "half_up", "balance_cap": 3000, "multiplier_ceiling": 4, "base_group": "b", "expiry": "90 days", "pending_days": 2}', '{}');
SELECT put('rule_groups', '{"code": "f", "takes": "first"}');
SELECT put('tiers', '{"code": "member", "rank": 1}');
SELECT put('tiers', '{"code": "silver", "rank": 2, "multiplier": 1.25, "points": 300, "exclusive_group": "f", "priority": 50}');
SELECT put('tiers', '{"code": "gold", "rank": 3, "multiplier": 1.5, "orders": 12, "spend": 900, "needs": "all", "expiry": "12 months to end of year"}');
SELECT put('caps', '{"period": "day", "points": 400}');
SELECT put('caps', '{"period": "month", "points": 900, "on_cap": "reject"}');
SELECT put('campaigns', '{"code": "k", "status": "running", "budget": 1500, "starts_at": "2025-02-01", "ends_at": "2025-05-01", "expiry": "10 days"}');
SELECT put('campaigns', '{"code": "q", "status": "running", "pilot_percent": 50}');
SELECT rules('{"code": "m1", "campaign": "k", "effect": "multiplier", "points": "2", "exclusive_group": "f"}', '{"code": "m2", "effect": "multiplier", "scope": "line", "condition": "category = ''wine''", "points": "1 + quantity / 4", "stacking": "multiply"}',
	'{"code": "b1", "effect": "base", "scope": "line", "condition": "category = ''wine''", "points": "amount * 1.3", "exclusive_group": "b"}', '{"code": "b2", "effect": "base", "condition": "channel = ''web''", "points": "3.7"}',
	'{"code": "x1", "campaign": "q", "points": "7.5", "times_cap": 2, "cap_period": "week"}', '{"code": "x2", "scope": "line", "points": "quantity * 0.3", "points_cap": 20, "cap_period": "month", "pending_days": 0}',
	'{"code": "x3", "condition": "days_since_order > 9 OR orders = 0", "points": "11", "expiry": "5 days"}', '{"code": "x4", "tiers": "{silver,gold}", "weekdays": "{5,6,7}", "points": "tier_rank * 2", "budget": 60}',
	'{"code": "c1", "effect": "challenge", "metric": "orders", "goal": 4, "points": "25", "cap_period": "month"}', '{"code": "c2", "effect": "challenge", "metric": "points", "goal": 500, "points": "40", "campaign": "k"}',
	'{"code": "hour", "condition": "hour < 12 AND amount > 10", "points": "streak", "activity": "*"}');
SELECT enroll(m, at => '2025-01-01') FROM unnest('{a,b,c}'::text[]) m;
CREATE FUNCTION tap.compare_preview(n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	i int;
	who text;
	amount numeric;
	l jsonb;
	at timestamptz;
	channel text;
	p record;
	ends int := 0;
	r loyalty.receipt;
	e loyalty.entry;
BEGIN
	FOR i IN 1 .. n LOOP
		who := (ARRAY['a', 'b', 'c'])[1 + floor(random() * 3)];
		at := '2025-01-02Z'::timestamptz + make_interval(hours => i * 20 / 3) - CASE WHEN random() < 0.15 THEN make_interval(days => (random() * 20)::int) ELSE '0' END;
		at := greatest(at, '2025-01-01 01:00Z');
		channel := (ARRAY['web', 'store', NULL])[1 + floor(random() * 3)];
		IF random() < 0.6 THEN
			SELECT jsonb_agg(jsonb_build_object('sku', x::text, 'category', (ARRAY['wine', 'bread'])[1 + floor(random() * 2)], 'quantity', 1 + floor(random() * 4), 'amount', round((random() * 60)::numeric, 2)))
			INTO l FROM generate_series(1, 1 + floor(random() * 4)::int) x;
			SELECT sum((y ->> 'amount')::numeric) INTO amount FROM jsonb_array_elements(l) y;
		ELSE
			l := NULL;
			amount := round((random() * 150)::numeric, 2);
		END IF;
		SELECT * INTO p FROM loyalty.preview(who, amount, l, channel, at => at);
		r := loyalty.purchase(who, amount, 'p' || i, l, channel, at => at);
		e := posted(who, 'p' || i);
		ends := ends + (p.expires_on IS DISTINCT FROM r.expires_on)::int;
		IF (p.points, p.computed, p.parts, p.balance) IS DISTINCT FROM (r.points, e.computed, r.parts, r.balance) THEN
			RETURN format('%s: %s %s %s at %s: preview %s, purchase %s', i, who, amount, l, at, p, r);
		END IF;
		IF random() < 0.15 THEN
			PERFORM loyalty.refund(who, 'p' || i, 'r' || i, at => greatest(at, at));
		END IF;
	END LOOP;
	RETURN format('the same, %s with another expires_on', ends);
END $$;
SELECT setseed(0.5);
SELECT t('preview gives what the purchase then gives, over 400 random orders', 'compare_preview(400)', 'the same, 0 with another expires_on');
SELECT t('preview ' || what, call, want) FROM (VALUES
('these were many kinds', $$(SELECT count(DISTINCT p ->> 'part') >= 11 FROM entry e, account a, program g, jsonb_array_elements(e.parts) p WHERE a.id = e.account_id AND g.id = a.program_id AND g.code = 'preview' AND e.kind = 'purchase' AND (p ->> 'given')::int > 0)$$, 'true'),
('and caps cut many', $$(SELECT count(*) > 20 FROM entry e, account a, program g WHERE a.id = e.account_id AND g.id = a.program_id AND g.code = 'preview' AND e.computed > e.points)$$, 'true'),
('writes nothing and needs no transaction that may', $$(SELECT format('%s %s', got('(preview(''a'', 10.00)).points') ~ '^\d+$', set_config('transaction_read_only', 'on', true)))$$, 't on')
) AS v(what, call, want);
SAVEPOINT before;
SET TRANSACTION READ ONLY;
SELECT points IS NOT NULL AS good FROM preview('a', 10.00) \gset
ROLLBACK TO before;
SELECT ok(:'good', 'preview works in a read-only transaction');
CREATE FUNCTION tap.everything() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	c text;
	sum text;
	one text;
BEGIN
	FOR c IN SELECT oid::regclass FROM pg_class WHERE relnamespace = 'loyalty'::regnamespace AND relkind = 'r' ORDER BY 1 LOOP
		EXECUTE format('SELECT md5(string_agg(x::text, '','' ORDER BY x::text)) FROM %s x', c) INTO one;
		sum := concat(sum, c, one);
	END LOOP;
	RETURN md5(sum);
END $$;
SELECT everything() AS before \gset
SELECT count(points) FROM unnest('{a,b,c}'::text[]) m, generate_series(1, 30) n, preview(m, n * 11.30, at => now() - make_interval(days => n)) \g /dev/null
SELECT is(everything(), :'before', 'preview changes no row of any table');
SELECT t('preview ' || what, call, want) FROM (VALUES
('of nobody', $$(preview('nobody', 10.00)).points$$, 'error LY004'),
('of an amount below 0', $$(preview('a', -1)).points$$, 'error 22023'),
('of lines that do not add up', $$(preview('a', 10.00, '[{"sku": "A", "quantity": 1, "amount": 9.00}]')).points$$, 'error 22023'),
('NULL', $$(preview('a', NULL)).points$$, 'error 22004')
) AS v(what, call, want);

-- Backtest: what a campaign would have given -----------------------------------------------------------
-- Two programs with one history; in the second the campaign runs.
CREATE FUNCTION tap.history(program text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	i int;
	who text;
BEGIN
	PERFORM shop(program, '{"timezone": "America/New_York", "rounding": "ceil"}', '{}');
	PERFORM put('tiers', '{"code": "gold", "rank": 1, "multiplier": 1.5, "orders": 6}');
	PERFORM put('campaigns', jsonb_build_object('code', 'k', 'status', CASE program WHEN 'ran' THEN 'running' ELSE 'draft' END));
	PERFORM tap.rules('{"code": "other", "points": "2", "condition": "channel = ''web''"}',
		'{"code": "m", "campaign": "k", "effect": "multiplier", "points": "1.7", "condition": "weekday IN (1, 2)"}',
		'{"code": "x", "campaign": "k", "points": "5", "condition": "orders % 4 = 0"}',
		'{"code": "w", "campaign": "k", "points": "12", "condition": "days_since_order > 6"}',
		'{"code": "l", "campaign": "k", "scope": "line", "points": "quantity", "condition": "sku LIKE ''A%''"}',
		'{"code": "g", "campaign": "k", "tiers": "{gold}", "points": "tier_rank"}',
		'{"code": "v", "campaign": "k", "activity": "checkin", "points": "10 * streak"}',
		'{"code": "week", "campaign": "k", "points": "3", "times_cap": 2, "cap_period": "week"}',
		'{"code": "c", "campaign": "k", "effect": "challenge", "metric": "orders", "goal": 5, "points": "50", "cap_period": "month"}');
	PERFORM loyalty.enroll('t' || m, at => '2025-01-01 06:00Z') FROM generate_series(1, 5) m;
	PERFORM setseed(0.125);
	FOR i IN 1 .. 200 LOOP
		who := 't' || 1 + floor(random() * 5);
		IF random() < 0.2 THEN
			PERFORM loyalty.activity(who, 'checkin', 'v' || i, at => '2025-01-02Z'::timestamptz + make_interval(hours => i * 11));
		ELSIF random() < 0.5 THEN
			PERFORM loyalty.purchase(who, 30.35, 'p' || i, '[{"sku": "A1", "quantity": 2, "amount": 20.15}, {"sku": "B1", "quantity": 1, "amount": 10.20}]', at => '2025-01-02Z'::timestamptz + make_interval(hours => i * 11));
		ELSE
			PERFORM loyalty.purchase(who, round((random() * 99)::numeric, 2), 'p' || i, channel => 'web', at => '2025-01-02Z'::timestamptz + make_interval(hours => i * 11));
		END IF;
	END LOOP;
END $$;
SELECT history('ran'), history('draft');
SELECT everything() AS before \gset
SELECT is((SELECT string_agg(format('%s %s %s %s', coalesce(rule, 'all'), members, orders, points), ', ' ORDER BY rule NULLS LAST) FROM backtest('k', program => 'draft')),
	(SELECT string_agg(format('%s %s %s %s', coalesce(rule, 'all'), members, orders, points), ', ' ORDER BY rule NULLS LAST) FROM campaign_report WHERE program = 'ran' AND campaign = 'k'),
	'backtest of a draft tells what the campaign then gives, rule by rule');
SELECT is(everything(), :'before', 'backtest changes no row of any table');
SELECT is((SELECT string_agg(format('%s %s %s %s', coalesce(rule, 'all'), members, orders, points), ', ' ORDER BY rule NULLS LAST) FROM backtest('k', '2025-02-01 00:00-05', '2025-03-01 00:00-05', 'draft') WHERE rule IN ('m', 'x', 'w', 'l', 'g')),
	(SELECT string_agg(format('%s %s %s %s', part, members, orders, points), ', ' ORDER BY part) FROM (SELECT part, count(DISTINCT member) AS members, count(*) AS orders, sum(points) AS points FROM awarded_parts
		WHERE program = 'ran' AND campaign = 'k' AND part IN ('m', 'x', 'w', 'l', 'g') AND at >= '2025-02-01 00:00-05' AND at < '2025-03-01 00:00-05' GROUP BY part) x),
	'backtest of one month');
SELECT t('backtest ' || what, call, want) FROM (VALUES
('within a budget', $$(SELECT format('%s %s', got($q$UPDATE campaigns SET budget = 100 WHERE program = 'draft' AND code = 'k'$q$), (SELECT within_budget FROM backtest('k', program => 'draft') WHERE rule IS NULL)))$$, '1 rows 100'),
('of no campaign', $$(SELECT count(*) FROM backtest('nothing', program => 'draft'))$$, 'error LY006')
) AS v(what, call, want);

-- S26, S8: a repeat is the first result, whatever the rules are now; awards have the tier's expiry ----------
SELECT shop('repeat', '{"expiry": "10 days"}', '{}');
SELECT put('tiers', '{"code": "gold", "rank": 1, "expiry": "20 days"}');
SELECT rules('{"code": "x", "points": "5"}', '{"code": "v", "activity": "visit", "points": "7", "times_cap": 1}');
SELECT enroll('a', at => '2025-01-01');
SELECT t(what, call, want) FROM (VALUES
('S8 an award to a member of a tier with an expiry', $$(award('a', 10, 'w', at => '2025-01-01')).expires_on$$, '2025-01-21'),
('S26 a purchase', $$buy('a', '10.00', 'p')$$, 'base 10, x 5'),
('S26 an activity', $$act('a', 'visit', 'v', attributes => '{"a": 1.0}')$$, 'v 7'),
('S26 other rules', $$UPDATE rules SET points = '1 / (amount - amount)' WHERE program = 'repeat'$$, '2 rows'),
('S26 another tier', $$UPDATE tiers SET multiplier = 2, expiry = '30 days' WHERE program = 'repeat'$$, '1 rows'),
('S26 the purchase again: the first result', $$buy('a', '10.00', 'p')$$, 'base 10, x 5'),
('S26 the activity again, by value', $$act('a', 'visit', 'v', attributes => '{"a": 1.00}')$$, 'v 7'),
('S26 another activity under its ref', $$activity('a', 'call', 'v', at => '2025-01-15 12:00Z')$$, 'error LY003'),
('S26 in a set', $$INSERT INTO purchases (member, amount, ref, at) VALUES ('a', 10.00, 'p', '2025-01-15 12:00Z')$$, '1 rows'),
('S26 nothing was posted by it', $$(account_of('a')).seq$$, '4')
) AS v(what, call, want);

-- A set posts what the calls post, one after the other ---------------------------------------------------
CREATE FUNCTION tap.twin(program text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM shop(program, '{"timezone": "Asia/Kolkata", "rounding": "ceil", "balance_cap": 1500}', '{}');
	PERFORM put('tiers', '{"code": "silver", "rank": 1, "multiplier": 1.5, "points": 200}');
	PERFORM put('tiers', '{"code": "gold", "rank": 2, "multiplier": 2, "orders": 20}');
	PERFORM put('caps', '{"period": "week", "points": 300}');
	PERFORM tap.rules('{"code": "m", "effect": "multiplier", "points": "1.3", "condition": "weekday < 4"}', '{"code": "first", "points": "10", "condition": "orders = 0"}',
		'{"code": "often", "points": "5", "times_cap": 3, "cap_period": "month"}', '{"code": "most", "points": "amount / 7", "points_cap": 40, "cap_period": "week"}', '{"code": "gone", "points": "days_since_order", "condition": "days_since_order > 2"}',
		'{"code": "goal", "effect": "challenge", "metric": "spend", "goal": 400, "points": "66", "cap_period": "month"}', '{"code": "rich", "points": "1", "condition": "balance > 500 AND tier_points > 300"}');
	PERFORM loyalty.enroll('s' || m, at => '2025-01-01Z') FROM generate_series(1, 4) m;
END $$;
SELECT twin('twin.calls'), twin('twin.set');
SELECT setseed(0.75);
CREATE TEMP TABLE event AS SELECT n, 's' || 1 + floor(random() * 4) AS member, round((random() * 60)::numeric, 2) AS amount, '2025-01-02Z'::timestamptz + make_interval(hours => n * 7) - CASE WHEN random() < 0.1 THEN make_interval(days => 5) ELSE '0' END AS at
FROM generate_series(1, 160) n;
UPDATE event SET at = greatest(at, '2025-01-01 01:00Z');
SELECT count(purchase(member, amount, 'p' || n, at => at, program => 'twin.calls')) FROM (SELECT * FROM event ORDER BY n OFFSET 0) e \g /dev/null
INSERT INTO purchases (member, amount, ref, at, program) SELECT member, amount, 'p' || n, at, 'twin.set' FROM event ORDER BY n;
CREATE FUNCTION tap.story_of(program text) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT md5(string_agg(concat_ws('|', e.member, e.seq, e.at, e.clock, e.kind, e.ref, e.points, e.balance, e.usable, e.computed, e.parts, e.tier, e.cause, e.computed_last_day, e.gained), E'\n' ORDER BY e.member, e.seq))
	FROM loyalty.entries e WHERE e.program = story_of.program
$$;
SELECT is(story_of('twin.set'), story_of('twin.calls'), 'a set of 160 purchases posts what the calls post, entry by entry');
SELECT t('of many kinds: ' || part, format($$(SELECT count(*) > 0 FROM awarded_parts WHERE program = 'twin.set' AND part = %L AND points > 0)$$, part), 'true') FROM unnest('{base,tier,m,first,often,most,gone,goal,rich}'::text[]) AS part;

-- S30: verify sees what else than entries is wrong --------------------------------------------------------
SELECT shop('s30', '{}', '{a,b}');
SELECT put('campaigns', '{"code": "c", "status": "running", "budget": 1000}');
SELECT put('tiers', '{"code": "silver", "rank": 1, "points": 5}'), put('tiers', '{"code": "gold", "rank": 2, "points": 1000}');
SELECT put('caps', '{"period": "day", "points": 50}'), put('benefits', '{"code": "ship", "quota": 9}');
SELECT rules('{"code": "x", "campaign": "c", "points": "5", "budget": 50, "times_cap": 3}', '{"code": "v", "activity": "visit", "points": "streak"}');
SELECT purchase('a', 10.00, 'p', at => '2025-01-01'), activity('a', 'visit', 'v', at => '2025-01-01'), use_benefit('a', 'ship', 'u', at => '2025-01-01'),
	grant_tier('a', 'gold', '2026-02-01', 'g', at => '2025-01-02'), refund('a', 'p', 'r', 5.00, at => '2025-01-03') \g /dev/null
CREATE FUNCTION tap.tamper(relation text, what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	said text;
BEGIN
	BEGIN
		EXECUTE format('ALTER TABLE loyalty.%I DISABLE TRIGGER guard', relation);
		EXECUTE replace(replace(what, '#', 'loyalty.' || relation), '@', (account_of('a')).id::text);
		SELECT string_agg(DISTINCT concat_ws(' ', v.field, CASE WHEN v.account_id = (account_of('a')).id THEN 'of a' END), ', ') INTO said FROM loyalty.verify() v;
		RAISE EXCEPTION USING ERRCODE = 'TAP01';
	EXCEPTION WHEN SQLSTATE 'TAP01' THEN RETURN coalesce(said, 'nothing seen');
	END;
END $$;
SELECT t(format('S30 verify sees it: %s: %s', relation, what), format('tamper(%L, %L)', relation, what), want) FROM (VALUES
('usage', 'UPDATE # SET points = points + 1 WHERE account_id = @', 'usage of a'),
('usage', 'UPDATE # SET times = times + 1 WHERE account_id = @ AND times > 0', 'usage of a'),
('usage', 'UPDATE # SET period_on = ''2024-01-01'' WHERE account_id = @ AND period_on = ''2025-01-01'' AND points > 0', 'usage of a'),
('usage', 'DELETE FROM # WHERE account_id = @', 'usage of a'),
('usage', 'INSERT INTO # VALUES (@, ''2025-05-01'', 1, 1, 1)', 'usage of a'),
('usage', 'INSERT INTO # VALUES (0, ''2025-05-01'', 1, 1, 1)', 'usage.account_id'),
('tally', 'UPDATE # SET points = points + 1 WHERE account_id = @', 'tally of a'),
('tally', 'UPDATE # SET times = times + 1 WHERE account_id = @', 'tally of a'),
('tally', 'UPDATE # SET spend = spend + 0.01 WHERE account_id = @', 'tally of a'),
('tally', 'UPDATE # SET counts_from = counts_from + 1 WHERE account_id = @', 'tally of a'),
('tally', 'DELETE FROM # WHERE account_id = @', 'tally of a'),
('tally', 'INSERT INTO # VALUES (0, ''2025-01-01'', ''purchase'', ''2025-01-01'', 1, 1, 1)', 'tally.account_id'),
('account', 'UPDATE # SET tier = ''silver'' WHERE id = @', 'tier of a'),
('account', 'UPDATE # SET computed_tier = ''gold'' WHERE id = @', 'computed_tier of a'),
('account', 'UPDATE # SET computed_last_day = computed_last_day + 1 WHERE id = @', 'computed_last_day of a'),
('account', 'UPDATE # SET reached_on = reached_on + 1 WHERE id = @', 'reached_on of a'),
('account', 'UPDATE # SET before_tier = ''gold'' WHERE id = @', 'before_tier of a'),
('account', 'UPDATE # SET grants = NULL WHERE id = @', 'grants of a'),
('account', 'UPDATE # SET orders = orders + 1 WHERE id = @', 'orders of a'),
('account', 'UPDATE # SET spend = spend + 0.01 WHERE id = @', 'spend of a'),
('account', 'UPDATE # SET earned = earned - 1 WHERE id = @', 'earned of a'),
('account', 'UPDATE # SET last_order_on = NULL WHERE id = @', 'last_order_on of a'),
('entry', 'UPDATE # SET parts = NULL WHERE account_id = @ AND ref = ''p''', 'charges of a, hash of a')
) AS v(relation, what, want);
SELECT matches(tamper('budget', what), '^budget [0-9]+', 'S30 verify sees it: budget: ' || what) FROM unnest('{UPDATE # SET spent = spent + 1,DELETE FROM #,"INSERT INTO # VALUES (0, 5)"}'::text[]) AS what;
SELECT matches(tamper('entry', what), 'hash of a.*(usage|tally|tier|computed)', 'S30 verify sees it: entry: ' || what) FROM unnest('{"UPDATE # SET charges = NULL WHERE account_id = @ AND ref = ''p''","UPDATE # SET qualifying = 3 WHERE account_id = @ AND ref = ''p''"}'::text[]) AS what;

-- Free lots by their last day.
CREATE FUNCTION tap.free_lots(who text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat(coalesce(l.expires_on::text, 'inactive'), ': ', l.points), ', ' ORDER BY coalesce(l.expires_on::text, 'inactive')) FROM loyalty.lots(who, at => '2025-01-16Z') l
$$;

-- One of a group on a line, whatever the scope (S4) -------------------------------------------
SELECT t(format('S4 a group that takes the first, %s, %s: %s', rule ->> 'points', what, want),
	format($$earns('{"base_group": "g", "groups": {"g": "first"}}', NULL, %L, '%s')$$, '[' || ('{"code": "hotel", "effect": "base", "exclusive_group": "g"}' || rule)::text || ']', what), want)
FROM (VALUES
('{"points": "amount * 3"}'::jsonb, '100.00', 'base 0, hotel 300'),
('{"points": "amount * 3"}', 'A:100.00', 'base 0, hotel 300'),
('{"points": "amount * 3"}', 'A:60.00 B:40.00', 'base 0, hotel 300'),
('{"points": "0"}', '100.00', 'base 0, hotel 0'),
('{"points": "0"}', 'A:100.00', 'base 0, hotel 0'),
('{"points": "amount * 3", "scope": "line", "condition": "sku = ''A''"}', 'A:60.00 B:40.00', 'base 40, hotel 180')
) AS v(rule, what, want);
SELECT t(format('S4 a group that takes the first, %s and %s on %s: %s', one, other, what, want),
	format($$earns('{"base_rate": 0, "groups": {"g": "first"}}', NULL, %L, '%s')$$,
		'[' || ('{"code": "r1", "exclusive_group": "g", "priority": 1}' || one)::text || ', ' || ('{"code": "r2", "exclusive_group": "g", "priority": 2}' || other)::text || ']', what), want)
FROM (VALUES
('{"points": "20", "scope": "order"}'::jsonb, '{"points": "30", "scope": "line"}'::jsonb, '10.00', 'base 0, r1 20'),
('{"points": "20", "scope": "order"}', '{"points": "30", "scope": "line"}', 'A:10.00', 'base 0, r1 20'),
('{"points": "20", "scope": "order"}', '{"points": "30", "scope": "line"}', 'A:5.00 B:5.00', 'base 0, r1 20'),
('{"points": "20", "scope": "line"}', '{"points": "30", "scope": "order"}', '10.00', 'base 0, r1 20'),
('{"points": "20", "scope": "line"}', '{"points": "30", "scope": "order"}', 'A:10.00', 'base 0, r1 20'),
('{"points": "20", "scope": "line"}', '{"points": "30", "scope": "order"}', 'A:5.00 B:5.00', 'base 0, r1 40'),
-- a line that nobody before it has: the order's rule is taken, for the order
('{"points": "20", "scope": "line", "condition": "sku = ''A''"}', '{"points": "30", "scope": "order"}', 'A:5.00 B:5.00', 'base 0, r1 20, r2 30'),
('{"points": "20", "effect": "base", "scope": "order"}', '{"points": "30", "effect": "base", "scope": "line"}', 'A:5.00 B:5.00', 'base 0, r1 20')
) AS v(one, other, what, want);
SELECT t(format('S4 multipliers of a group that takes the first, %s on %s: %s', rules, what, want),
	format($$earns('{"groups": {"g": "first"}}', '{"multiplier": 1.5, "exclusive_group": "g", "priority": 2}', %L, '%s')$$, rules, what), want)
FROM (VALUES
('[{"code": "m", "effect": "multiplier", "points": "2", "scope": "line", "priority": 1, "exclusive_group": "g"}]', '100.00', 'base 100, m 100'),
('[{"code": "m", "effect": "multiplier", "points": "2", "scope": "line", "priority": 1, "exclusive_group": "g"}]', 'A:100.00', 'base 100, m 100'),
-- the order's own points are multiplied by nobody where all lines are another's
('[{"code": "m", "effect": "multiplier", "points": "2", "scope": "line", "priority": 1, "exclusive_group": "g"}, {"code": "b", "effect": "base", "points": "100"}]', 'A:100.00', 'base 100, b 100, m 100'),
('[{"code": "m", "effect": "multiplier", "points": "2", "scope": "line", "priority": 1, "exclusive_group": "g", "condition": "sku = ''A''"}]', 'A:50.00 B:50.00', 'base 100, tier 25, m 50')
) AS v(rules, what, want);

-- What caps and budgets leave decides in a group (S4)
SELECT shop('room');
SELECT put('rule_groups', '{"code": "g", "takes": "best"}');
SELECT tap.rules('{"code": "big", "exclusive_group": "g", "points": "100", "points_cap": 150, "cap_period": "ever"}', '{"code": "small", "exclusive_group": "g", "points": "60"}');
SELECT t('S4 the best is taken', $$buy('a', '1', 'g1')$$, 'base 1, big 100');
SELECT t('S4 50 are left of the best, so another is better', $$buy('a', '1', 'g2')$$, 'base 1, small 60');
SELECT shop('room of budgets');
SELECT put('rule_groups', '{"code": "g", "takes": "best"}'), put('campaigns', '{"code": "c", "status": "running", "budget": 130}');
SELECT tap.rules('{"code": "big", "campaign": "c", "exclusive_group": "g", "points": "100"}', '{"code": "mid", "exclusive_group": "g", "points": "80", "budget": 80}', '{"code": "small", "exclusive_group": "g", "points": "60", "points_cap": 100, "on_cap": "reject"}');
SELECT t('S4 budgets: the best', $$buy('a', '1', 'g1')$$, 'base 1, big 100');
SELECT t('S4 budgets: the campaign has 30', $$buy('b', '1', 'g2')$$, 'base 1, mid 80');
SELECT t('S4 budgets: the rule has none', $$buy('a', '1', 'g3')$$, 'base 1, small 60');
SELECT t('S4 budgets: a cap that rejects leaves nothing', $$buy('a', '1', 'g4')$$, 'base 1, big 100>30');
SELECT shop('first has none');
SELECT put('rule_groups', '{"code": "g", "takes": "first"}');
SELECT tap.rules('{"code": "r1", "priority": 1, "exclusive_group": "g", "points": "100", "points_cap": 100, "cap_period": "ever"}', '{"code": "r2", "priority": 2, "exclusive_group": "g", "points": "60"}');
SELECT t('S4 the first', $$buy('a', '1', 'g1')$$, 'base 1, r1 100');
SELECT t('S4 the first has nothing more to give', $$buy('a', '1', 'g2')$$, 'base 1, r2 60');

-- Each line is returned against its own points (S12, S13, S14) --------------------------------
SELECT shop('lines');
SELECT tap.rules('{"code": "flash", "scope": "line", "condition": "sku = ''C''", "points": "1000", "expiry": "3 days"}');
SELECT t('S12 a flash bonus of line C', $$buy('a', 'C:10 B:100', 'p', '2025-03-05 12:00Z')$$, 'base 110, flash 1000');
SELECT t('S12 the same', $$buy('b', 'C:10 B:100', 'p', '2025-03-05 12:00Z')$$, 'base 110, flash 1000');
SELECT t('S12 C is returned after its bonus has expired', $$loyalty.refund('a', 'p', 'r', lines => '[{"sku": "C"}]', at => '2025-04-02 12:00Z')$$, '-10 to 100, 100 usable; due 1010, 10 taken, 1000 spared');
SELECT t('S12 B is returned after C''s bonus has expired', $$loyalty.refund('b', 'p', 'r', lines => '[{"sku": "B"}]', at => '2025-04-02 12:00Z')$$, '-100 to 10, 10 usable; due 100, 100 taken');
SELECT t('S12 then C, and all is back', $$loyalty.refund('b', 'p', 'r2', lines => '[{"sku": "C"}]', at => '2025-04-02 12:00Z')$$, '-10 to 0, 0 usable; due 1010, 10 taken, 1000 spared');
SELECT shop('lines in halves');
SELECT tap.rules('{"code": "c", "scope": "line", "condition": "sku = ''C''", "points": "7", "expiry": "30 days"}', '{"code": "o", "points": "5"}');
SELECT t('S12 parts of lines and of the order', $$buy('a', 'C:10:3 B:10 F:0:2', 'p')$$, 'base 20, c 7, o 5');
SELECT t('S12 one of three', $$back('a', 'p', 'r1', lines => '[{"sku": "C", "quantity": 1}]')$$, '7: base 4, c 2, o 1');
SELECT t('S12 another', $$back('a', 'p', 'r2', lines => '[{"sku": "C", "quantity": 1}]')$$, '7: base 4, c 2, o 1');
SELECT t('S12 a line without points or money', $$back('a', 'p', 'r3', lines => '[{"sku": "F"}]')$$, '0: nothing');
SELECT t('S12 the rest of both', $$back('a', 'p', 'r4', lines => '[{"sku": "C"}, {"sku": "B"}]')$$, '18: base 12, c 3, o 3');
SELECT shop('free line');
SELECT tap.rules('{"code": "gift", "scope": "line", "condition": "sku = ''F''", "points": "9"}');
SELECT t('S12 points of a line of 0.00', $$buy('a', 'A:10 F:0:3', 'p')$$, 'base 10, gift 9');
SELECT t('S12 go with its pieces', $$back('a', 'p', 'r1', lines => '[{"sku": "F", "quantity": 1}]')$$, '3: gift 3');
SELECT t('S12 and not with another line', $$back('a', 'p', 'r2', lines => '[{"sku": "A", "quantity": 1}]')$$, '16: base 10, gift 6');
SELECT shop('line budget');
SELECT put('campaigns', '{"code": "c", "status": "running", "budget": 100}');
SELECT tap.rules('{"code": "a", "campaign": "c", "scope": "line", "condition": "sku = ''A''", "points": "100"}');
SELECT t('S14 a bonus of line A', $$buy('a', 'A:10 B:10', 'p')$$, 'base 20, a 100');
SELECT t('S14 B is returned', $$back('a', 'p', 'r', lines => '[{"sku": "B"}]')$$, '10: base 10');
SELECT t('S14 and A''s bonus stays charged', $$(SELECT spent FROM loyalty.budget b JOIN loyalty.campaign c USING (id) JOIN loyalty.program p ON p.id = c.program_id WHERE p.code = 'line budget')$$, '100');
SELECT t('S25 so nothing is left', $$buy('b', 'A:10 B:10', 'p')$$, 'base 20, a 100>0');

-- A firing comes back only where nothing of its part is kept or written off (S14) -------------
SELECT shop('never again');
SELECT tap.rules('{"code": "w", "points": "20", "times_cap": 1, "on_return": "never"}', '{"code": "x", "points": "5", "times_cap": 1}');
SELECT t('S14 a welcome', $$buy('a', '1', 'p')$$, 'base 1, w 20, x 5');
SELECT t('S14 which stays', $$back('a', 'p', 'r')$$, '6: base 1, x 5');
SELECT t('S14 and does not come twice', $$buy('a', '1', 'q')$$, 'base 1, x 5');
SELECT shop('written off', '{"on_spent_return": "clamp"}');
SELECT tap.rules('{"code": "w", "points": "20", "times_cap": 1}');
SELECT t('S14 a welcome', $$buy('a', '1', 'p')$$, 'base 1, w 20');
SELECT t('S14 spent', $$loyalty.spend('a', 5, 's', at => '2025-01-16Z')$$, '-5 to 16, 16 usable');
SELECT t('S14 returned, 5 written off', $$loyalty.refund('a', 'p', 'r', at => '2025-01-17Z')$$, '-16 to 0, 0 usable; due 21, 16 taken, 5 written off');
SELECT t('S14 so it does not come twice', $$buy('a', '1', 'q', '2025-01-18Z')$$, 'base 1');

-- What waits has the policy of its part (S8, S10) ---------------------------------------------
SELECT shop('inactive and pending', '{"expiry": "1 months inactive", "pending_days": 4}');
SELECT tap.rules('{"code": "w", "points": "20", "expiry": "10 days"}');
SELECT t('S10 parts that wait', $$buy('a', '1', 'p')$$, 'base 1, w 20');
SELECT t('S10 are confirmed', $$loyalty.confirm('a', 'p', 'p', at => '2025-01-16Z')$$, '0 to 21, 21 usable');
SELECT t('S8 each to its own lot', $$tap.free_lots('a')$$, '2025-01-26: 20, 2025-02-16: 1');
SELECT t('S13 and are returned from there', $$loyalty.refund('a', 'p', 'r', at => '2025-02-01Z')$$, '-1 to 0, 0 usable; due 21, 1 taken, 20 spared');
SELECT shop('unconfirmed', '{"pending_days": null, "expiry": "12 months"}');
SELECT tap.rules('{"code": "w", "points": "20", "expiry": "10 days"}', '{"code": "x", "points": "7", "expiry": "20 days"}');
SELECT t('S10 parts that wait for a confirmation', $$buy('a', '10', 'p')$$, 'base 10, w 20, x 7');
SELECT t('S10 half of them is returned', $$back('a', 'p', 'r', amount => 5.00, at => '2025-01-15 13:00Z')$$, '19: base 6, w 10, x 3');
SELECT t('S10 the rest confirmed', $$loyalty.confirm('a', 'p', 'p', at => '2025-01-16Z')$$, '0 to 18, 18 usable');
SELECT t('S8 each to its own lot', $$tap.free_lots('a')$$, '2025-01-26: 10, 2025-02-05: 4, 2026-01-16: 4');

SELECT sound();
SELECT finish();
ROLLBACK;
