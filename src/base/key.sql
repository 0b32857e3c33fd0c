-- What the application calls members and postings: a text, or a number or uuid that
-- is written as one.

CREATE TYPE loyalty.key;

CREATE FUNCTION loyalty.key_in(cstring) RETURNS loyalty.key
	AS 'textin' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.key_out(loyalty.key) RETURNS cstring
	AS 'textout' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.key_recv(internal) RETURNS loyalty.key
	AS 'textrecv' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION loyalty.key_send(loyalty.key) RETURNS bytea
	AS 'textsend' LANGUAGE internal STABLE STRICT PARALLEL SAFE;

CREATE TYPE loyalty.key (
	INPUT = loyalty.key_in, OUTPUT = loyalty.key_out,
	RECEIVE = loyalty.key_recv, SEND = loyalty.key_send,
	LIKE = pg_catalog.text);

COMMENT ON TYPE loyalty.key IS
	'A key of a member or a ref of a posting, as a parameter. It is a text; integers and uuids are converted implicitly, so that purchase(7, 19.90, 55) works. A citext needs a cast to text.';

CREATE CAST (text AS loyalty.key) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (varchar AS loyalty.key) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (loyalty.key AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (char AS loyalty.key) WITH FUNCTION pg_catalog.text(char) AS IMPLICIT;
CREATE CAST (name AS loyalty.key) WITH INOUT AS IMPLICIT;
CREATE CAST (smallint AS loyalty.key) WITH INOUT AS IMPLICIT;
CREATE CAST (integer AS loyalty.key) WITH INOUT AS IMPLICIT;
CREATE CAST (bigint AS loyalty.key) WITH INOUT AS IMPLICIT;
CREATE CAST (uuid AS loyalty.key) WITH INOUT AS IMPLICIT;
