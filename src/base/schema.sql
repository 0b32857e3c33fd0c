-- The schema is made by CREATE EXTENSION, or is there already: then it has to be
-- empty, and of the role that makes the extension or of a superuser (a restore
-- makes it so).  Another owner could have put functions into it that this script
-- would call, and could drop all of it.
DO $$
BEGIN
	IF EXISTS (SELECT FROM pg_catalog.pg_namespace n
			WHERE n.nspname OPERATOR(pg_catalog.=) 'loyalty'
				AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r
					WHERE r.oid OPERATOR(pg_catalog.=) n.nspowner
						AND (r.rolsuper OR r.rolname OPERATOR(pg_catalog.=) current_user))) THEN
		RAISE EXCEPTION USING ERRCODE = 'LY012',
			MESSAGE = 'schema "loyalty" belongs to another role',
			HINT = 'DROP SCHEMA loyalty, or ALTER SCHEMA loyalty OWNER TO the role that makes the extension.';
	END IF;
	IF EXISTS (SELECT FROM pg_catalog.pg_namespace n
				CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) a
				LEFT JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) a.grantee
			WHERE n.nspname OPERATOR(pg_catalog.=) 'loyalty'
				AND a.privilege_type OPERATOR(pg_catalog.=) 'CREATE'
				AND a.grantee OPERATOR(pg_catalog.<>) n.nspowner
				AND (r.rolsuper OR r.rolname OPERATOR(pg_catalog.=) current_user) IS NOT TRUE) THEN
		RAISE EXCEPTION USING ERRCODE = 'LY012',
			MESSAGE = 'another role may create objects in schema "loyalty"',
			DETAIL = 'Calls of the extension could mean functions of that role.',
			HINT = 'REVOKE CREATE ON SCHEMA loyalty FROM it; where ALTER DEFAULT PRIVILEGES grants it, there as well.';
	END IF;
	IF EXISTS (SELECT FROM pg_catalog.pg_depend d
			WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
				AND d.refobjid OPERATOR(pg_catalog.=) 'loyalty'::pg_catalog.regnamespace
				AND d.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_extension'::pg_catalog.regclass) THEN
		RAISE EXCEPTION USING ERRCODE = 'LY012',
			MESSAGE = 'schema "loyalty" is not empty',
			HINT = 'CREATE EXTENSION loyalty needs an empty schema: drop or move what is in it.';
	END IF;
END
$$;

-- Nobody may use it unless granted.

COMMENT ON SCHEMA loyalty IS
	'The points of a loyalty program: members, accounts, the journal, and the functions that post to it.';
