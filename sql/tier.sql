-- Tiers: reached, kept, lost and granted; what a member sees of it.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
INSERT INTO program (code, timezone, tier_window) VALUES ('tiers', 'Europe/Berlin', 'calendar year');
SET loyalty.program = 'tiers';
INSERT INTO tiers (code, rank, multiplier, spend) VALUES ('member', 1, 1, NULL), ('silver', 2, 1.2, 500), ('gold', 3, 1.5, 2000);
INSERT INTO benefits (code, name, tiers, quota, period) VALUES
	('lounge', 'Lounge', '{gold}', 2, 'month'), ('gift', 'Gift', NULL, 1, 'year');
SELECT tier FROM enroll('anna', at => '2023-06-15');
-- the crossing order earns at the tier held before it
SELECT points, tier FROM purchase('anna', 600, 'o1', at => '2023-06-15 12:00+02');
SELECT points, tier FROM purchase('anna', 100, 'o2', at => '2023-06-16');
SELECT * FROM tier_status('anna', at => '2023-06-17');
SELECT points, tier FROM purchase('anna', 1400, 'o3', at => '2023-12-30');
-- to the end of the year after; then what the year that ended supports
SELECT * FROM tier_status('anna', at => '2024-12-31 23:59+01');
SELECT * FROM tier_status('anna', at => '2025-01-01 00:00+01');
SELECT points FROM purchase('anna', 500, 'o4', at => '2024-07-01');
SELECT * FROM tier_status('anna', at => '2025-01-01 00:00+01');
-- a granted tier is above, and computing goes on beneath
SELECT kind, tier FROM grant_tier('anna', 'gold', '2025-03-31', 'g1', 'paid membership', at => '2025-02-01');
SELECT kind, tier FROM grant_tier('anna', 'gold', '2025-06-30', 'g2', 'renewed', first_day => '2025-04-01', at => '2025-03-15');
SELECT tier FROM tier_status('anna', at => '2025-06-30');
SELECT tier FROM tier_status('anna', at => '2025-07-01');
SELECT kind FROM use_benefit('anna', 'lounge', 'b1', at => '2025-05-02');
SELECT kind FROM use_benefit('anna', 'lounge', 'b2', 2, at => '2025-05-03');
SELECT code, quota, period, used, "left" FROM member_benefits('anna', at => '2025-05-04');
SELECT kind FROM use_benefit('anna', 'lounge', 'b2', 2, at => '2025-06-01');
SELECT kind, tier FROM end_grant('anna', 'g2', 'e1', at => '2025-06-15');
SELECT kind FROM use_benefit('anna', 'lounge', 'b3', at => '2025-06-16');
SELECT kind FROM end_grant('anna', 'g1', 'e2', at => '2025-06-16');
SELECT tier, since, until, cause, of_ref FROM tier_history WHERE program = 'tiers' ORDER BY entry;
-- what is missing
SELECT points FROM purchase('anna', 300, 'o5', at => '2025-06-20');
\x
SELECT * FROM member_card('anna', at => '2025-06-21');
\x
-- a return takes at once what the running year gave
SELECT tier FROM purchase('anna', 1700, 'o6', at => '2025-08-01');
SELECT tier FROM refund('anna', 'o6', 'r1', at => '2025-08-02');
SELECT computed_tier, computed_last_day FROM tier_status('anna', at => '2025-08-03');
-- nobody's tier is deleted over him
DELETE FROM tiers WHERE code = 'silver';
DELETE FROM tiers WHERE code = 'gold';
DELETE FROM benefits WHERE code = 'lounge';
DELETE FROM tiers WHERE code = 'gold';
SELECT kind FROM grant_tier('anna', 'platinum', NULL, 'g3');
SELECT * FROM verify();
