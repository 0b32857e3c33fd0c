-- Receipts: every field, and the first result again for a repeat.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
INSERT INTO program (code) VALUES ('receipt');
SET loyalty.program = 'receipt';

-- the fields of the type
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'receipt'::regclass AND attnum > 0 ORDER BY attnum;

-- what each kind of posting fills
CREATE TEMP TABLE told AS SELECT r.* FROM enroll('rex', at => '2024-01-01') AS r;
INSERT INTO told SELECT * FROM purchase('rex', 10, 'p1', at => '2024-01-02');
INSERT INTO told SELECT * FROM award('rex', 5, 'a1', pending => true, at => '2024-01-02');
INSERT INTO told SELECT * FROM confirm('rex', 'a1', 'a1', '2024-01-02');
INSERT INTO told SELECT * FROM spend('rex', 12, 's1', at => '2024-01-03');
INSERT INTO told SELECT * FROM refund('rex', 'p1', 'r1', at => '2024-01-04');
INSERT INTO told SELECT * FROM cancel('rex', 's1', 'c1', at => '2024-01-05');
INSERT INTO told SELECT * FROM adjust('rex', 7, 'j1', at => '2024-01-05');
SELECT entry, kind, points, balance, usable, debt, tier, expires_on, repeat FROM told ORDER BY entry;
SELECT entry, kind, parts, due, taken, owed, spared, written_off, expired FROM told ORDER BY entry;

-- a repeat is the first result, balance of then included, but for repeat
SELECT r.entry, r.balance, r.repeat, to_jsonb(r) - 'repeat' = to_jsonb(told) - 'repeat' AS same FROM told, purchase('rex', 10, 'p1', at => '2024-01-02') AS r WHERE told.kind = 'purchase';
SELECT r.entry, r.balance, r.repeat, to_jsonb(r) - 'repeat' = to_jsonb(told) - 'repeat' AS same FROM told, refund('rex', 'p1', 'r1', at => '2024-01-04') AS r WHERE told.kind = 'refund';
SELECT r.entry, r.balance, r.repeat, to_jsonb(r) - 'repeat' = to_jsonb(told) - 'repeat' AS same FROM told, confirm('rex', 'a1', 'a1', '2024-01-02') AS r WHERE told.kind = 'confirm';

-- S26: by value; at only if it was given; until never
SELECT entry, repeat FROM purchase('rex', 10.00, 'p1', at => '2024-01-02 01:00+01');
SELECT entry, repeat FROM purchase('rex', 10, 'p1', at => '2024-01-03');
\echo :LAST_ERROR_SQLSTATE
SELECT entry, repeat FROM hold('rex', 1, 'h1', 'infinity', '2024-01-06');
SELECT entry, repeat FROM hold('rex', 1, 'h1', '2024-01-07', '2024-01-06');

-- a repeat comes before freezes and settling
SELECT entry FROM freeze('rex', 'all', 'f1', at => '2024-01-07');
SELECT entry, repeat FROM spend('rex', 12, 's1', at => '2024-01-03');

-- what the posting freed after its last day is told, and gone
SELECT entry FROM unfreeze('rex', 'u1', at => '2024-01-08');
SELECT entry FROM award('rex', 30, 'a2', expires_on => '2024-01-31', at => '2024-01-08');
SELECT entry, points, balance FROM award('rex', 1, 'a3', at => '2024-02-02');
SELECT entry, points, balance, expires_on, expired FROM award('rex', 4, 'a4', expires_on => '2024-01-30', at => '2024-01-30');
SELECT seq, kind, points, expired, at, clock FROM entries WHERE member = 'rex' AND seq > 12 ORDER BY seq;

-- S15: a cancel tells the last day that a grace gave, and of a repeat the same; without a grace none
SELECT entry FROM award('rex', 20, 'a5', expires_on => '2024-02-10', at => '2024-02-03');
SELECT entry FROM spend('rex', 20, 's2', at => '2024-02-04');
SELECT kind, points, balance, expires_on, expired FROM cancel('rex', 's2', 'c2', 5, '2024-02-05');
SELECT kind, points, balance, expires_on, expired FROM cancel('rex', 's2', 'c3', 5, '2024-02-12');
SELECT kind, points, balance, expires_on, expired, repeat FROM cancel('rex', 's2', 'c3', 5, '2024-02-12');
UPDATE program SET cancel_grace_days = 0 WHERE code = 'receipt';
SELECT kind, points, balance, expires_on, expired FROM cancel('rex', 's2', 'c4', 5, '2024-02-13');
SELECT * FROM verify('rex');
