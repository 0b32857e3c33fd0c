-- The journal: numbers, chain, what is stored of each posting.
SET search_path = loyalty, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
INSERT INTO program (code) VALUES ('entry');
SET loyalty.program = 'entry';

-- the canonical form that is hashed
SELECT position, name, type FROM chain_fields ORDER BY position;

-- numbered from 1; no it would have both debt and usable points; a hash of 32 bytes
SELECT _entry_valid(1, 10, 10, 0, 0, sha256('')) AS ok, _entry_valid(0, 0, 0, 0, 0, sha256('')) AS number_0,
	_entry_valid(1, 5, 10, 5, 0, sha256('')) AS debt, _entry_valid(1, 5, 10, 0, 0, sha256('')) AS usable, _entry_valid(1, 0, 0, 0, 0, '') AS hash;

-- what a posting stores
SELECT kind FROM enroll('eve', at => '2024-01-01');
SELECT balance FROM purchase('eve', 12.50, 'p1', '[{"sku": "A", "amount": 5.25}, {"sku": "B", "amount": 7.25}]', 'web', 'Rome', '{"k": [1, "é"]}', '2024-01-02', brand => 'own');
SELECT balance FROM refund('eve', 'p1', 'r1', lines => '[{"line": 2}]', at => '2024-01-03', reason => 'torn');
SELECT balance FROM hold('eve', 2, 'h1', '2024-01-05', '2024-01-04');
SELECT balance FROM spend('eve', 1, 's1', at => '2024-01-06', attributes => '{}');
SELECT seq, at, kind, points, balance, usable, held, ref, of_seq, of_ref, until FROM entries WHERE member = 'eve' ORDER BY seq;
SELECT seq, amount, computed, rate, channel, store, brand, attributes, lines FROM entries WHERE member = 'eve' AND amount IS NOT NULL ORDER BY seq;
SELECT seq, taken, gained FROM entries WHERE member = 'eve' ORDER BY seq;

-- every entry has its hash, and no two the same
SELECT count(*), count(DISTINCT hash), min(length(hash)), max(length(hash)) FROM entries WHERE member = 'eve';

-- the account bears the hash of the last
SELECT e.hash = a.hash AS last FROM account a JOIN member m ON m.id = a.member_id JOIN entry e ON e.account_id = a.id AND e.seq = a.seq WHERE m.key = 'eve';

-- a ref is unique in the account, for ever, among the postings that a return can name, and so on
SELECT balance FROM award('eve', 1, 'p1', at => '2024-01-07');
\echo :LAST_ERROR_SQLSTATE
SELECT balance FROM capture('eve', 'h1', 's1', at => '2024-01-07');
\echo :LAST_ERROR_SQLSTATE
-- the number of an order names what was held for it, used and returned
SELECT balance FROM spend('eve', 1, 'p1', at => '2024-01-07');
SELECT balance FROM cancel('eve', 'p1', 'p1', at => '2024-01-07');
SELECT kind, of_seq, of_ref FROM entries WHERE member = 'eve' AND ref = 'p1' ORDER BY seq;
SELECT DISTINCT what FROM explain('eve', 'p1') WHERE detail LIKE 'dated%' ORDER BY what;
SELECT DISTINCT what FROM explain('eve', 'p1', 'spend') WHERE detail LIKE 'dated%' ORDER BY what;
SELECT balance FROM refund('eve', 's1', 'r2', at => '2024-01-07');
SELECT balance FROM cancel('eve', 'h1', 'c2', at => '2024-01-07');
SELECT balance FROM spend('eve', 1, repeat('x', 256), at => '2024-01-07');
\echo :LAST_ERROR_SQLSTATE
SELECT balance FROM spend('eve', 1, repeat('x', 255), at => '2024-01-07');

-- the actor of an operator's posting
SELECT balance FROM adjust('eve', 1, 'j1', 'goodwill', at => '2024-01-08');
SELECT kind, actor = session_user AS session FROM entries WHERE member = 'eve' AND actor IS NOT NULL;
SELECT * FROM verify('eve');

-- The table has the fields of the list, in its order, each with its meaning.
SELECT coalesce(l.name, a.attname::text) AS field, l."position", a.attnum
FROM _entry_column_list() l
	FULL JOIN (SELECT * FROM pg_attribute WHERE attrelid = 'loyalty.entry'::regclass AND attnum > 0 AND NOT attisdropped) a ON a.attname = l.name
WHERE l."position" IS DISTINCT FROM a.attnum OR l.meaning IS DISTINCT FROM col_description(a.attrelid, a.attnum);
