-- Expiry policies.

CREATE TYPE loyalty.expiry;

CREATE FUNCTION loyalty.expiry_in(cstring) RETURNS loyalty.expiry
	AS 'MODULE_PATHNAME', 'expiry_in' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.expiry_out(loyalty.expiry) RETURNS cstring
	AS 'MODULE_PATHNAME', 'expiry_out' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.expiry_recv(internal) RETURNS loyalty.expiry
	AS 'MODULE_PATHNAME', 'expiry_recv' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.expiry_send(loyalty.expiry) RETURNS bytea
	AS 'MODULE_PATHNAME', 'expiry_send' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE loyalty.expiry (
	INPUT = loyalty.expiry_in, OUTPUT = loyalty.expiry_out,
	RECEIVE = loyalty.expiry_recv, SEND = loyalty.expiry_send,
	INTERNALLENGTH = VARIABLE, STORAGE = plain, ALIGNMENT = int4);

COMMENT ON TYPE loyalty.expiry IS
	'Expiry policy: never; N days or N months, each also "to end of month", "quarter", "half-year" or "year" or "to next MM-DD ..."; end of year + N; each MM-DD ...; N months inactive. Months clamp to the month''s last day; 02-29 is the last day of February.';

CREATE FUNCTION loyalty.expiry_eq(loyalty.expiry, loyalty.expiry) RETURNS boolean
	AS 'MODULE_PATHNAME', 'expiry_eq' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE OPERATOR loyalty.= (LEFTARG = loyalty.expiry, RIGHTARG = loyalty.expiry, FUNCTION = loyalty.expiry_eq,
	COMMUTATOR = OPERATOR(loyalty.=), RESTRICT = eqsel, JOIN = eqjoinsel);

CREATE FUNCTION loyalty.expires_on(expiry loyalty.expiry, earned_on date) RETURNS date
	AS 'MODULE_PATHNAME', 'expiry_expires_on' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.expires_on IS
	'Last usable day of points that are usable from earned_on; NULL: they never expire. For an inactivity policy, the day if there is no further activity.';
