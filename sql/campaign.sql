-- Campaigns: rules under one name, with a window, a budget and a pilot.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
INSERT INTO program (code) VALUES ('campaigns');
SET loyalty.program = 'campaigns';
INSERT INTO campaigns (code, name, starts_at, ends_at, budget) VALUES ('spring', 'Spring', '2025-03-01', '2025-06-01', 150);
INSERT INTO rules (campaign, code, effect, points) VALUES ('spring', 'double', 'multiplier', '2');
SELECT kind FROM enroll('anna', at => '2025-01-01');
SELECT points FROM purchase('anna', 100, 'o1', at => '2025-03-01');
-- a draft, tried on what was
SELECT * FROM backtest('spring', '2025-01-01', '2026-01-01');
SELECT * FROM backtest('summer');
UPDATE campaigns SET status = 'running' WHERE code = 'spring';
SELECT points FROM purchase('anna', 100, 'o2', at => '2025-03-02');
-- the budget is cut from the last part
SELECT points, parts FROM purchase('anna', 100, 'o3', at => '2025-03-03');
SELECT points FROM purchase('anna', 100, 'o4', at => '2025-03-04');
SELECT what, points, detail FROM explain('anna', 'o4');
-- a return gives it back
SELECT points FROM refund('anna', 'o2', 'r1', at => '2025-03-05');
SELECT points FROM purchase('anna', 100, 'o5', at => '2025-03-06');
UPDATE campaigns SET on_budget = 'reject' WHERE code = 'spring';
SELECT points FROM refund('anna', 'o5', 'r2', 50, at => '2025-03-07');
SELECT points FROM purchase('anna', 100, 'o6', at => '2025-03-08');
SELECT points FROM purchase('anna', 50, 'o7', at => '2025-03-08');
-- it is not valid at this time, and paused
SELECT points FROM purchase('anna', 10, 'o8', at => '2025-06-01');
UPDATE campaigns SET status = 'paused', budget = NULL WHERE code = 'spring';
SELECT points FROM purchase('anna', 10, 'o9', at => '2025-05-31');
SELECT * FROM campaign_report WHERE program = 'campaigns' ORDER BY rule;
-- a pilot is the same members at every time
INSERT INTO campaigns (code, status, pilot_percent) VALUES ('pilot', 'running', 30);
INSERT INTO rules (campaign, code, points) VALUES ('pilot', 'ten', '10');
INSERT INTO enrollments (member, at) SELECT 'p' || i, '2025-01-01' FROM generate_series(1, 1000) AS i;
INSERT INTO purchases (member, amount, ref, at) SELECT 'p' || i, 1, 'o1', '2025-04-01' FROM generate_series(1, 1000) AS i;
SELECT e.points, count(*) BETWEEN 200 AND 800 AS many FROM entry e JOIN account a ON a.id = e.account_id JOIN member m ON m.id = a.member_id
WHERE m.key LIKE 'p%' AND e.kind = 'purchase' AND a.program_id = (SELECT id FROM program WHERE code = 'campaigns') GROUP BY e.points ORDER BY e.points;
SELECT in_pilot, members = buyers AS all_bought, points / buyers >= 10 AS more FROM campaign_pilot WHERE program = 'campaigns' ORDER BY in_pilot;
SELECT in_pilot('pilot', 1, 30) AS one, in_pilot('pilot', 1, 100) AS everybody, in_pilot('pilot', 1, NULL) AS unlimited;
SELECT * FROM verify();
