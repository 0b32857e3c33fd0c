-- A walk over all that the extension makes: what is PUBLIC's, what runs with whose
-- rights, and what the search path of a caller could choose.
\ir ../pgtap/setup.psql

CREATE VIEW tap.functions AS
	SELECT p.*, p.oid::regprocedure::text AS signature, l.lanname
	FROM pg_depend d
		JOIN pg_extension x ON x.oid = d.refobjid AND x.extname = 'loyalty'
		JOIN pg_proc p ON p.oid = d.objid
		JOIN pg_language l ON l.oid = p.prolang
	WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e';
CREATE VIEW tap.relations AS
	SELECT c.*, c.oid::regclass::text AS name
	FROM pg_depend d
		JOIN pg_extension x ON x.oid = d.refobjid AND x.extname = 'loyalty'
		JOIN pg_class c ON c.oid = d.objid
	WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e';

SELECT cmp_ok((SELECT count(*) FROM tap.functions), '>', 100::bigint, 'there are functions to walk over');
SELECT cmp_ok((SELECT count(*) FROM tap.relations), '>', 30::bigint, 'and relations');
SELECT is((SELECT string_agg(signature, ', ') FROM tap.functions WHERE pronamespace <> 'loyalty'::regnamespace), NULL, 'all functions are in the schema');
SELECT is((SELECT string_agg(name, ', ') FROM tap.relations WHERE relnamespace <> 'loyalty'::regnamespace), NULL, 'all relations are');

SELECT is((SELECT string_agg(signature, ', ') FROM tap.functions WHERE prosecdef), NULL, 'nothing is SECURITY DEFINER');

-- A body that is text is parsed with the caller's path: it pins its own, or names every
-- schema (a procedure that commits can pin none).
SELECT is((SELECT string_agg(signature, ', ') FROM tap.functions
	WHERE lanname NOT IN ('c', 'internal') AND prosqlbody IS NULL AND proconfig IS NULL), 'sweep(interval,integer)', 'who pins no search path');
SELECT is((SELECT string_agg(signature, ', ') FROM tap.functions
	WHERE proconfig <> ARRAY['search_path=pg_catalog, pg_temp']), NULL, 'a path that is pinned has nobody''s schema');

CREATE FUNCTION tap.unqualified(body text) RETURNS SETOF text LANGUAGE sql AS $$
	WITH b (text) AS (
		SELECT regexp_replace(regexp_replace(regexp_replace(regexp_replace(body,
			'--[^\n]*', '', 'g'), '''[^'']*''', '''''', 'g'), 'OPERATOR\(pg_catalog\.[^)]*\)', '', 'g'), 'MESSAGE =|:=', '', 'g'))
	SELECT m[1] || '()' FROM b, regexp_matches(b.text, '(?<![\w.])(\w+)\s*\(', 'g') m WHERE upper(m[1]) NOT IN ('IF', 'IN', 'AND', 'OR', 'NOT', 'ANY', 'ALL', 'VALUES', 'EXISTS')
	UNION ALL
	SELECT m[1] FROM b, regexp_matches(b.text, '\s([-=<>|~+/!]+)\s', 'g') m
	UNION ALL
	SELECT m[1] FROM b, regexp_matches(b.text, '(?:FROM|JOIN|::)\s*((?!pg_catalog\.|loyalty\.)\w+)', 'g') m
$$;
SELECT is((SELECT string_agg(u, ' ') FROM tap.functions f, tap.unqualified(f.prosrc) u WHERE f.proname = 'sweep'), NULL, 'it names every schema');
SELECT is((SELECT string_agg(u, ' ') FROM tap.unqualified('BEGIN PERFORM now() FROM x WHERE a < b::c; END') u), 'now() < x c', 'the walk sees what names none');

-- What everybody may call does not post, and shows nothing of the ledger.
SELECT set_eq($$SELECT proname::text FROM tap.functions WHERE provolatile <> 'i'
	AND (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) a WHERE a.grantee = 0))$$,
	'{_account_standing,_account_lots,_account_due,_account_tier,_row_lots,_row_expiring,_rules_missed,_track_settings,_verify_all_rows,_present}'::text[], 'functions of PUBLIC that are not immutable');
SELECT is((SELECT string_agg(name, ', ') FROM tap.relations c, aclexplode(c.relacl) a WHERE a.grantee = 0), NULL, 'no relation is PUBLIC''s');
SELECT is((SELECT string_agg(c.name || '.' || t.attname, ', ') FROM tap.relations c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a WHERE a.grantee = 0), NULL, 'nor a column');
SELECT is((SELECT string_agg(a::text, ', ') FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'loyalty' AND a.grantee <> n.nspowner), NULL, 'nor the schema');
SELECT is((SELECT string_agg(x.name, ', ') FROM (SELECT signature, proowner FROM tap.functions UNION ALL SELECT name, relowner FROM tap.relations) x (name, owner)
	WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = x.owner AND r.rolsuper)), NULL, 'a superuser owns all of it');
SELECT is((SELECT string_agg(name, ', ') FROM tap.relations WHERE relkind = 'v' AND array_to_string(reloptions, ' ') ~ 'security_invoker'), NULL, 'views read as their owner');

SELECT finish();
ROLLBACK;
