-- Kinds of entries: labels in and out, the order, what indexes and joins need.
SET search_path = loyalty, public;

-- every kind, by number
SELECT number, label FROM kinds ORDER BY number;

-- a label comes out as it went in
SELECT count(*) AS same FROM kinds WHERE label::kind::text = label;

-- not a label; nothing is trimmed, no case is folded
SELECT 'purchased'::kind;
\echo :LAST_ERROR_SQLSTATE
SELECT ' purchase'::kind;
SELECT 'Purchase'::kind;
SELECT ''::kind;

-- ordered by number, not by label
SELECT 'enroll'::kind < 'purchase' AS lt, 'spend'::kind <= 'spend' AS le, 'spend'::kind = 'spend' AS eq,
	'spend'::kind <> 'hold' AS ne, 'hold'::kind > 'spend' AS gt, 'hold'::kind >= 'enroll' AS ge;

-- sorts, hashes, merges
SELECT string_agg(k::text, ' ' ORDER BY k) FROM unnest('{unfreeze,hold,purchase,enroll}'::kind[]) AS k;
SELECT k, count(*) FROM unnest('{hold,purchase,hold}'::kind[]) AS k GROUP BY k ORDER BY k;
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

-- text where text is wanted, so that a literal finds its operator without the schema
SELECT upper('purchase'::kind) AS upper, 'spend'::kind = 'spend'::text AS eq, 'transfer_in'::kind LIKE 'transfer%' AS alike;
BEGIN;
SET LOCAL search_path = public;
SELECT 'purchase'::loyalty.kind IN ('purchase', 'award') AS listed, 'purchase'::loyalty.kind = 'no such kind' AS unlisted;
ROLLBACK;

-- binary, there and back
CREATE TEMP TABLE one (k kind);
INSERT INTO one SELECT label::kind FROM kinds;
COPY one TO PROGRAM 'cat >loyalty_regress.bin' (FORMAT binary);
COPY one FROM PROGRAM 'cat loyalty_regress.bin; rm loyalty_regress.bin' (FORMAT binary);
SELECT count(*) AS kinds, min(n) AS least, max(n) AS most FROM (SELECT k, count(*) FROM one GROUP BY k) AS x (k, n);
SELECT encode(kind_send('purchase'), 'hex') AS sent;

-- binary that is no kind
COPY one FROM PROGRAM 'printf "PGCOPY\012\377\015\012\000\000\000\000\000\000\000\000\000\000\001\000\000\000\001\143\377\377"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE
COPY one FROM PROGRAM 'printf "PGCOPY\012\377\015\012\000\000\000\000\000\000\000\000\000\000\001\000\000\000\001\000\377\377"' (FORMAT binary);
