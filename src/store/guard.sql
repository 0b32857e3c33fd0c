-- Nobody writes the ledger but postings, and nobody drops it by accident.

CREATE FUNCTION loyalty._guard_refuse() RETURNS trigger
	AS 'MODULE_PATHNAME', 'guard_refuse' LANGUAGE c;
CREATE FUNCTION loyalty._guard_keep() RETURNS trigger
	AS 'MODULE_PATHNAME', 'guard_keep' LANGUAGE c;

-- Where the library is missing, or is another version's, commands on other tables go on.
-- Reading an array of kinds, an empty one, loads it for anybody: who owns the schema or
-- a table may lack the right to call a function of ours, or take it from himself.
CREATE FUNCTION loyalty._guard_load() RETURNS event_trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM pg_catalog.array_in('{}', t.oid, -1)
	FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace
	WHERE n.nspname OPERATOR(pg_catalog.=) 'loyalty' AND t.typname OPERATOR(pg_catalog.=) 'kind';
EXCEPTION
	WHEN OTHERS THEN
		-- who has nothing to do with the ledger hears nothing
		IF pg_catalog.has_schema_privilege('loyalty', 'USAGE') THEN
			RAISE WARNING 'the library of extension loyalty could not be loaded: the ledger is not guarded against being dropped'
				USING DETAIL = SQLERRM, HINT = 'Install the library of the version that the extension has.';
		END IF;
END
$$;

-- Postings store by row; no statement of theirs fires these.
CREATE TRIGGER guard BEFORE UPDATE OR DELETE OR TRUNCATE ON loyalty.account
	FOR EACH STATEMENT EXECUTE FUNCTION loyalty._guard_refuse();
CREATE TRIGGER guard BEFORE UPDATE OR DELETE OR TRUNCATE ON loyalty.entry
	FOR EACH STATEMENT EXECUTE FUNCTION loyalty._guard_refuse();
CREATE TRIGGER guard BEFORE UPDATE OR DELETE OR TRUNCATE ON loyalty.hold
	FOR EACH STATEMENT EXECUTE FUNCTION loyalty._guard_refuse();
CREATE TRIGGER guard BEFORE UPDATE OR DELETE OR TRUNCATE ON loyalty.tally
	FOR EACH STATEMENT EXECUTE FUNCTION loyalty._guard_refuse();
CREATE TRIGGER guard BEFORE UPDATE OR DELETE OR TRUNCATE ON loyalty.usage
	FOR EACH STATEMENT EXECUTE FUNCTION loyalty._guard_refuse();
CREATE TRIGGER guard BEFORE UPDATE OR DELETE OR TRUNCATE ON loyalty.budget
	FOR EACH STATEMENT EXECUTE FUNCTION loyalty._guard_refuse();
CREATE TRIGGER guard BEFORE DELETE OR TRUNCATE ON loyalty.member
	FOR EACH STATEMENT EXECUTE FUNCTION loyalty._guard_refuse();
CREATE TRIGGER guard BEFORE DELETE OR TRUNCATE ON loyalty.program
	FOR EACH STATEMENT EXECUTE FUNCTION loyalty._guard_refuse();
CREATE TRIGGER guard_keep BEFORE UPDATE ON loyalty.member
	FOR EACH ROW EXECUTE FUNCTION loyalty._guard_keep();
CREATE TRIGGER guard_keep BEFORE UPDATE ON loyalty.program
	FOR EACH ROW EXECUTE FUNCTION loyalty._guard_keep();

ALTER TABLE loyalty.account ENABLE ALWAYS TRIGGER guard;
ALTER TABLE loyalty.entry ENABLE ALWAYS TRIGGER guard;
ALTER TABLE loyalty.hold ENABLE ALWAYS TRIGGER guard;
ALTER TABLE loyalty.tally ENABLE ALWAYS TRIGGER guard;
ALTER TABLE loyalty.usage ENABLE ALWAYS TRIGGER guard;
ALTER TABLE loyalty.budget ENABLE ALWAYS TRIGGER guard;
ALTER TABLE loyalty.member ENABLE ALWAYS TRIGGER guard;
ALTER TABLE loyalty.program ENABLE ALWAYS TRIGGER guard;
ALTER TABLE loyalty.member ENABLE ALWAYS TRIGGER guard_keep;
ALTER TABLE loyalty.program ENABLE ALWAYS TRIGGER guard_keep;

-- It only has the library loaded, whose hook refuses to drop filled tables.
CREATE EVENT TRIGGER loyalty_guard ON ddl_command_start
	WHEN TAG IN ('DROP EXTENSION', 'DROP SCHEMA', 'DROP TABLE', 'DROP OWNED', 'ALTER EXTENSION', 'ALTER TABLE', 'ALTER SCHEMA')
	EXECUTE FUNCTION loyalty._guard_load();
ALTER EVENT TRIGGER loyalty_guard ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER loyalty_guard IS 'Loads the library, which prevents DROP of the tables while the ledger has entries (loyalty.allow_drop).';

-- Calls are given to roles by name: nothing that posts or reads is PUBLIC's,
-- but what checks its caller itself (reads.sql, track.sql).
DO $$
DECLARE
	f record;
BEGIN
	FOR f IN
		SELECT p.oid::pg_catalog.regprocedure AS signature, p.prokind
		FROM pg_catalog.pg_proc p
		WHERE p.pronamespace OPERATOR(pg_catalog.=) 'loyalty'::pg_catalog.regnamespace
			AND p.provolatile OPERATOR(pg_catalog.<>) 'i'
			AND p.proname OPERATOR(pg_catalog.<>) ALL ('{_account_standing,_account_lots,_account_due,_account_tier,_row_lots,_row_expiring,_rules_missed,_track_settings,_verify_all_rows,_present}'::pg_catalog.name[])
	LOOP
		EXECUTE pg_catalog.format('REVOKE EXECUTE ON %s %s FROM PUBLIC',
			CASE f.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, f.signature);
	END LOOP;
	-- Nor is anything a role's by default privileges: who may INSERT into the tables writes points.
	FOR f IN
		SELECT DISTINCT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS noun, c.oid::pg_catalog.regclass::pg_catalog.text AS name, a.grantee
		FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
		WHERE c.relnamespace OPERATOR(pg_catalog.=) 'loyalty'::pg_catalog.regnamespace
			AND a.grantee OPERATOR(pg_catalog.<>) c.relowner
		UNION ALL
		SELECT CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, p.oid::pg_catalog.regprocedure::pg_catalog.text, a.grantee
		FROM pg_catalog.pg_proc p CROSS JOIN LATERAL pg_catalog.aclexplode(p.proacl) a
		WHERE p.pronamespace OPERATOR(pg_catalog.=) 'loyalty'::pg_catalog.regnamespace
			AND a.grantee OPERATOR(pg_catalog.<>) p.proowner AND a.grantee OPERATOR(pg_catalog.<>) 0::pg_catalog.oid
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s', f.noun, f.name,
			CASE WHEN f.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC'
				ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(f.grantee)) END);
	END LOOP;
	FOR f IN
		SELECT p.oid::pg_catalog.regprocedure AS signature
		FROM pg_catalog.pg_proc p
		WHERE p.pronamespace OPERATOR(pg_catalog.=) 'loyalty'::pg_catalog.regnamespace
			AND pg_catalog.obj_description(p.oid, 'pg_proc') IS NULL
	LOOP
		EXECUTE pg_catalog.format('COMMENT ON FUNCTION %s IS %L', f.signature, 'Support function of a type, operator, trigger or view.');
	END LOOP;
END
$$;
