-- Functions that rules may call, beside PostgreSQL's own.

CREATE TABLE loyalty.allowed_function (
	signature text COLLATE "C" PRIMARY KEY,
	reason text,
	allowed_by text NOT NULL,
	allowed_at timestamptz NOT NULL
);

COMMENT ON TABLE loyalty.allowed_function IS 'Functions that rule expressions may call, in addition to the immutable functions of pg_catalog. Written by loyalty.allow_function and loyalty.disallow_function; an INSERT or COPY by the owner is a restore.';
COMMENT ON COLUMN loyalty.allowed_function.signature IS 'Name with its schema, and types of the arguments: shop.bonus(numeric).';
COMMENT ON COLUMN loyalty.allowed_function.reason IS 'Why it is allowed.';
COMMENT ON COLUMN loyalty.allowed_function.allowed_by IS 'Role that allowed it.';
COMMENT ON COLUMN loyalty.allowed_function.allowed_at IS 'Time at which it was allowed.';

SELECT pg_catalog.pg_extension_config_dump('loyalty.allowed_function', '');

CREATE TRIGGER allowed_function_changed AFTER INSERT OR UPDATE OR DELETE ON loyalty.allowed_function
	FOR EACH ROW EXECUTE FUNCTION loyalty._configuration_changed();
CREATE TRIGGER allowed_function_emptied AFTER TRUNCATE ON loyalty.allowed_function
	FOR EACH STATEMENT EXECUTE FUNCTION loyalty._configuration_changed();
ALTER TABLE loyalty.allowed_function ENABLE ALWAYS TRIGGER allowed_function_changed;
ALTER TABLE loyalty.allowed_function ENABLE ALWAYS TRIGGER allowed_function_emptied;

CREATE FUNCTION loyalty._allowed_signature(signature text) RETURNS text
	AS 'MODULE_PATHNAME', 'allowed_signature' LANGUAGE c STABLE
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION loyalty._allowed_signature IS
	'The signature of a function in the form used by loyalty.allowed_function. An error if the function cannot be allowed. Errors: 42501, 42883, LY017.';

CREATE FUNCTION loyalty.allow_function(signature text, reason text DEFAULT NULL) RETURNS text
	LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	INSERT INTO loyalty.allowed_function (signature, reason, allowed_by, allowed_at)
	VALUES (loyalty._allowed_signature(allow_function.signature), allow_function.reason, session_user, clock_timestamp())
	ON CONFLICT ON CONSTRAINT allowed_function_pkey
		DO UPDATE SET reason = excluded.reason, allowed_by = excluded.allowed_by, allowed_at = excluded.allowed_at
	RETURNING allowed_function.signature;
END;
COMMENT ON FUNCTION loyalty.allow_function IS
	'Lets the expressions of rules call a function: shop.bonus(numeric). It must be IMMUTABLE, not SECURITY DEFINER, and belong to a superuser or the owner of the extension; it is checked again whenever a rule that calls it is compiled. It runs with the privileges of the role that posts. All functions with this name and schema must be allowed, so put it in a schema where only trusted roles have CREATE. Only superusers and the owner of the extension may call this. Errors: 42501, 42883, LY017.';

CREATE FUNCTION loyalty.disallow_function(signature text) RETURNS boolean
	LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH gone AS (
		DELETE FROM loyalty.allowed_function f WHERE f.signature = disallow_function.signature RETURNING 1)
	SELECT EXISTS (SELECT FROM gone);
END;
COMMENT ON FUNCTION loyalty.disallow_function IS
	'Reverts loyalty.allow_function. signature: as in loyalty.allowed_function. Returns false if the function was not allowed. Rules that call the function then fail (LY017).';
