-- What a psql shows of a wrong rule: the expression, the place in it, and which rule it is.
-- (Every error has its test in test/pgtap/rule_errors.sql.)
SET TimeZone = 'UTC';
INSERT INTO loyalty.program (code, name) VALUES ('rule_errors', 'Rule errors');
SET loyalty.program = 'rule_errors';

-- in the points
INSERT INTO loyalty.rules (code, points) VALUES ('r', 'amount * * 2');
INSERT INTO loyalty.rules (code, points) VALUES ('r', 'floor(amuont / 2)');
INSERT INTO loyalty.rules (code, points) VALUES ('r', '1 + line.quantity');
INSERT INTO loyalty.rules (code, points) VALUES ('r', 'amount + (SELECT 1)');
INSERT INTO loyalty.rules (code, points) VALUES ('r', 'amount + random()::numeric');
INSERT INTO loyalty.rules (code, points) VALUES ('r', 'amount::float8');
INSERT INTO loyalty.rules (code, points) VALUES ('r', 'amount AS x');
INSERT INTO loyalty.rules (code, points) VALUES ('r', 'amount, 1');
INSERT INTO loyalty.rules (code, points) VALUES ('r', 'amount FROM pg_class');
INSERT INTO loyalty.rules (code, points) VALUES ('r', 'amount; SELECT 1');
INSERT INTO loyalty.rules (code, points) VALUES ('r', '1 + sum(amount)');
INSERT INTO loyalty.rules (code, points) VALUES ('r', '1 + $1');

-- in the condition, with a line break and letters of more than one byte before the place
INSERT INTO loyalty.rules (code, points, condition) VALUES ('r', '1', 'amount');
INSERT INTO loyalty.rules (code, points, condition) VALUES ('r', '1', 'channel = 1');
INSERT INTO loyalty.rules (code, points, condition) VALUES ('r', '1', E'store = ''Zürich'' AND\n  nothing > 1');
INSERT INTO loyalty.rules (code, points, condition) VALUES ('r', '1', 'at > now()');
INSERT INTO loyalty.rules (code, points, condition) VALUES ('r', '1', 'event IS NULL');

-- what it names must be there
INSERT INTO loyalty.rules (code, points, campaign) VALUES ('r', '1', 'spring');
INSERT INTO loyalty.rules (code, points, tiers) VALUES ('r', '1', '{gold}');

-- nothing is left; at run time the rule is named too
SELECT count(*) FROM loyalty.rules WHERE program = 'rule_errors';
INSERT INTO loyalty.rules (code, points) VALUES ('share', '100 / abs(amount - 10)'), ('less', '20 - 2 * amount');
SELECT kind FROM loyalty.enroll('rule_errors', at => '2025-01-01');
SELECT points FROM loyalty.purchase('rule_errors', 10.00, 'p1', at => '2025-01-02');
SELECT points FROM loyalty.purchase('rule_errors', 7.00, 'p0', at => '2025-01-02');
SELECT points FROM loyalty.purchase('rule_errors', 10.50, 'p1', at => '2025-01-02');
UPDATE loyalty.rules SET status = 'paused' WHERE program = 'rule_errors';
SELECT points FROM loyalty.purchase('rule_errors', 10.00, 'p1', at => '2025-01-02');
RESET loyalty.program;
