-- One program: a point for every 1.00, spendable for six months to the end of the month; what a return takes back of
-- points already spent is owed.

CREATE EXTENSION loyalty;

INSERT INTO loyalty.program (code, name, timezone, base_rate, per_amount, expiry, on_spent_return)
VALUES ('shop', 'The shop''s points', 'Europe/London', 1, 1.00, '6 months to end of month', 'debt');
