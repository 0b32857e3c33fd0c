-- Queues of lots.

CREATE TYPE loyalty.lot_queue;

CREATE FUNCTION loyalty.lot_queue_in(cstring) RETURNS loyalty.lot_queue
	AS 'MODULE_PATHNAME', 'lots_in' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.lot_queue_out(loyalty.lot_queue) RETURNS cstring
	AS 'MODULE_PATHNAME', 'lots_out' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.lot_queue_recv(internal) RETURNS loyalty.lot_queue
	AS 'MODULE_PATHNAME', 'lots_recv' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.lot_queue_send(loyalty.lot_queue) RETURNS bytea
	AS 'MODULE_PATHNAME', 'lots_send' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

-- EXTERNAL: never compressed, out of line only where a row does not fit.
CREATE TYPE loyalty.lot_queue (
	INPUT = loyalty.lot_queue_in, OUTPUT = loyalty.lot_queue_out,
	RECEIVE = loyalty.lot_queue_recv, SEND = loyalty.lot_queue_send,
	INTERNALLENGTH = VARIABLE, STORAGE = external, ALIGNMENT = int4);

COMMENT ON TYPE loyalty.lot_queue IS
	'Open lots in order of use, as {100 until 2026-06-30 earned 2025-12-01; 50 until never earned 2025-12-02 usable 2025-12-16 issuer 3; 5 until inactive earned 2025-12-02 pending}: points, last day (or never, or inactive: on account.inactive_on), earning date, first usable day if it differs (pending: when confirmed), issuer if it is not the program. At most 1,000 lots.';

CREATE FUNCTION loyalty.lot_queue_eq(loyalty.lot_queue, loyalty.lot_queue) RETURNS boolean
	AS 'MODULE_PATHNAME', 'lots_eq' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.lot_queue_ne(loyalty.lot_queue, loyalty.lot_queue) RETURNS boolean
	AS 'MODULE_PATHNAME', 'lots_ne' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.lot_queue_plus(loyalty.lot_queue, loyalty.lot_queue) RETURNS loyalty.lot_queue
	AS 'MODULE_PATHNAME', 'lots_plus' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.lot_queue_minus(loyalty.lot_queue, loyalty.lot_queue) RETURNS loyalty.lot_queue
	AS 'MODULE_PATHNAME', 'lots_minus' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR loyalty.= (LEFTARG = loyalty.lot_queue, RIGHTARG = loyalty.lot_queue, FUNCTION = loyalty.lot_queue_eq,
	COMMUTATOR = OPERATOR(loyalty.=), NEGATOR = OPERATOR(loyalty.<>), RESTRICT = eqsel, JOIN = eqjoinsel);
CREATE OPERATOR loyalty.<> (LEFTARG = loyalty.lot_queue, RIGHTARG = loyalty.lot_queue, FUNCTION = loyalty.lot_queue_ne,
	COMMUTATOR = OPERATOR(loyalty.<>), NEGATOR = OPERATOR(loyalty.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR loyalty.+ (LEFTARG = loyalty.lot_queue, RIGHTARG = loyalty.lot_queue, FUNCTION = loyalty.lot_queue_plus,
	COMMUTATOR = OPERATOR(loyalty.+));
CREATE OPERATOR loyalty.- (LEFTARG = loyalty.lot_queue, RIGHTARG = loyalty.lot_queue, FUNCTION = loyalty.lot_queue_minus);
COMMENT ON OPERATOR loyalty.+ (loyalty.lot_queue, loyalty.lot_queue) IS 'The lots of both. Lots that differ only in their points are merged.';
COMMENT ON OPERATOR loyalty.- (loyalty.lot_queue, loyalty.lot_queue) IS 'The lots of the first without those of the second. The first must contain the second (22023).';

CREATE FUNCTION loyalty.total(lots loyalty.lot_queue) RETURNS bigint
	AS 'MODULE_PATHNAME', 'lots_total_sql' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.total IS 'Points of all lots.';
CREATE FUNCTION loyalty.usable(lots loyalty.lot_queue, on_date date) RETURNS bigint
	AS 'MODULE_PATHNAME', 'lots_usable_sql' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.usable IS
	'Points of the lots that are usable on a day: their first usable day has been reached and their last day has not passed. Lots without a last day are included.';
CREATE FUNCTION loyalty.unnest(lots loyalty.lot_queue, OUT expires_on date, OUT earned_on date, OUT usable_from date, OUT issuer integer, OUT points bigint, OUT never_expires boolean)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'lots_unnest' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION loyalty.unnest IS
	'Lots as rows in order of use. expires_on: NULL if they never expire (never_expires), expire on the account''s inactive_on, or are not confirmed yet. usable_from: NULL until they are confirmed.';
CREATE FUNCTION loyalty.lots_take(lots loyalty.lot_queue, points bigint, on_date date) RETURNS loyalty.lot_queue
	AS 'MODULE_PATHNAME', 'lots_take_sql' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.lots_take IS
	'The lots that a spend of this number of points on this day would take, in order of use; all usable lots if there are fewer points.';
CREATE FUNCTION loyalty.lots_expired(lots loyalty.lot_queue, on_date date) RETURNS loyalty.lot_queue
	AS 'MODULE_PATHNAME', 'lots_expired_sql' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.lots_expired IS 'The lots that became usable and whose last day has passed on this day.';
