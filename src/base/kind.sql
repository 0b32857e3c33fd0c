-- Kinds of entries: one byte with a label.

CREATE TYPE loyalty.kind;

CREATE FUNCTION loyalty.kind_in(cstring) RETURNS loyalty.kind
	AS 'MODULE_PATHNAME', 'kind_in' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.kind_out(loyalty.kind) RETURNS cstring
	AS 'MODULE_PATHNAME', 'kind_out' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.kind_recv(internal) RETURNS loyalty.kind
	AS 'MODULE_PATHNAME', 'kind_recv' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.kind_send(loyalty.kind) RETURNS bytea
	AS 'MODULE_PATHNAME', 'kind_send' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE loyalty.kind (
	INPUT = loyalty.kind_in, OUTPUT = loyalty.kind_out,
	RECEIVE = loyalty.kind_recv, SEND = loyalty.kind_send,
	LIKE = "char", CATEGORY = 'S');

COMMENT ON TYPE loyalty.kind IS
	'Kind of an entry. Ordered by number (view loyalty.kinds lists them), which is also its byte in the hash chain.';

-- One byte compares as "char" does.
CREATE FUNCTION loyalty.kind_eq(loyalty.kind, loyalty.kind) RETURNS boolean
	AS 'chareq' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.kind_ne(loyalty.kind, loyalty.kind) RETURNS boolean
	AS 'charne' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.kind_lt(loyalty.kind, loyalty.kind) RETURNS boolean
	AS 'charlt' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.kind_le(loyalty.kind, loyalty.kind) RETURNS boolean
	AS 'charle' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.kind_gt(loyalty.kind, loyalty.kind) RETURNS boolean
	AS 'chargt' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.kind_ge(loyalty.kind, loyalty.kind) RETURNS boolean
	AS 'charge' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.kind_cmp(loyalty.kind, loyalty.kind) RETURNS integer
	AS 'btcharcmp' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.kind_hash(loyalty.kind) RETURNS integer
	AS 'hashchar' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR loyalty.= (LEFTARG = loyalty.kind, RIGHTARG = loyalty.kind, FUNCTION = loyalty.kind_eq,
	COMMUTATOR = OPERATOR(loyalty.=), NEGATOR = OPERATOR(loyalty.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR loyalty.<> (LEFTARG = loyalty.kind, RIGHTARG = loyalty.kind, FUNCTION = loyalty.kind_ne,
	COMMUTATOR = OPERATOR(loyalty.<>), NEGATOR = OPERATOR(loyalty.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR loyalty.< (LEFTARG = loyalty.kind, RIGHTARG = loyalty.kind, FUNCTION = loyalty.kind_lt,
	COMMUTATOR = OPERATOR(loyalty.>), NEGATOR = OPERATOR(loyalty.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR loyalty.<= (LEFTARG = loyalty.kind, RIGHTARG = loyalty.kind, FUNCTION = loyalty.kind_le,
	COMMUTATOR = OPERATOR(loyalty.>=), NEGATOR = OPERATOR(loyalty.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR loyalty.> (LEFTARG = loyalty.kind, RIGHTARG = loyalty.kind, FUNCTION = loyalty.kind_gt,
	COMMUTATOR = OPERATOR(loyalty.<), NEGATOR = OPERATOR(loyalty.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR loyalty.>= (LEFTARG = loyalty.kind, RIGHTARG = loyalty.kind, FUNCTION = loyalty.kind_ge,
	COMMUTATOR = OPERATOR(loyalty.<=), NEGATOR = OPERATOR(loyalty.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);

CREATE OPERATOR CLASS loyalty.kind_ops DEFAULT FOR TYPE loyalty.kind USING btree AS
	OPERATOR 1 loyalty.<, OPERATOR 2 loyalty.<=, OPERATOR 3 loyalty.=, OPERATOR 4 loyalty.>=, OPERATOR 5 loyalty.>,
	FUNCTION 1 loyalty.kind_cmp(loyalty.kind, loyalty.kind);
CREATE OPERATOR CLASS loyalty.kind_ops DEFAULT FOR TYPE loyalty.kind USING hash AS
	OPERATOR 1 loyalty.=, FUNCTION 1 loyalty.kind_hash(loyalty.kind);

-- So that reports compare kinds with literals whatever their search_path.
CREATE CAST (loyalty.kind AS text) WITH INOUT AS IMPLICIT;

CREATE FUNCTION loyalty._kind_list(OUT number integer, OUT label text, OUT gives boolean, OUT by_rules boolean, OUT pays_debt boolean)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'kind_list' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE VIEW loyalty.kinds AS SELECT number, label, gives, by_rules, pays_debt FROM loyalty._kind_list();
COMMENT ON VIEW loyalty.kinds IS 'Kinds of entries: number (on disk and in the hash chain) and label. gives: its points count for tiers, and it can be returned. by_rules: rules compute the points. pays_debt: its points pay debt first.';

CREATE FUNCTION loyalty._kind_by_rules(loyalty.kind) RETURNS boolean
	AS 'MODULE_PATHNAME', 'kind_by_rules' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty._kind_by_rules IS 'Whether rules compute the points of entries of this kind.';
CREATE FUNCTION loyalty._kind_credits(loyalty.kind) RETURNS boolean
	AS 'MODULE_PATHNAME', 'kind_credits' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty._kind_credits IS 'Whether entries of this kind give points that pay debt first.';
