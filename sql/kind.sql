-- Kinds of entries: labels in and out, the order, what indexes and joins need.
SET search_path = loyalty, public;

-- every kind, by number
SELECT number, label FROM kinds ORDER BY number;

-- a label comes out as it went in
SELECT count(*) AS same FROM kinds WHERE label::kind::text = label;

-- not a label; nothing is trimmed, no case is folded
SELECT 'earned'::kind;
\echo :LAST_ERROR_SQLSTATE
SELECT ' earn'::kind;
SELECT 'Earn'::kind;
SELECT ''::kind;

-- ordered by number, not by label
SELECT 'enroll'::kind < 'earn' AS lt, 'spend'::kind <= 'spend' AS le, 'spend'::kind = 'spend' AS eq,
	'spend'::kind <> 'hold' AS ne, 'hold'::kind > 'spend' AS gt, 'hold'::kind >= 'enroll' AS ge;

-- sorts, hashes, merges
SELECT string_agg(k::text, ' ' ORDER BY k) FROM unnest('{unfreeze,hold,earn,enroll}'::kind[]) AS k;
SELECT k, count(*) FROM unnest('{hold,earn,hold}'::kind[]) AS k GROUP BY k ORDER BY k;
BEGIN;
CREATE TABLE each_kind AS SELECT label::kind AS k FROM kinds;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_nestloop = off;
SELECT count(*) AS merged FROM each_kind a JOIN each_kind b USING (k);
SET LOCAL enable_hashjoin = on;
SET LOCAL enable_mergejoin = off;
SELECT count(*) AS hashed FROM each_kind a JOIN each_kind b USING (k);
CREATE INDEX by_kind ON each_kind (k);
SET LOCAL enable_seqscan = off;
SELECT k FROM each_kind WHERE k BETWEEN 'hold' AND 'release' ORDER BY k;
ROLLBACK;

-- binary, there and back
BEGIN;
CREATE TABLE one_kind (k kind);
INSERT INTO one_kind SELECT label::kind FROM kinds;
COPY one_kind TO PROGRAM 'cat >/dev/null' (FORMAT binary);
SELECT encode(kind_send('earn'), 'hex') AS sent;
ROLLBACK;
