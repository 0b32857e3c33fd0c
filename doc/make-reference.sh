#!/bin/sh
# Print doc/reference.md, made from the COMMENTs of a database that has the extension
# and nothing else in its schema, on the server that PGHOST and so on name.
#
#   doc/make-reference.sh DATABASE >doc/reference.md
set -eu
database=${1:?name a database that has the extension}

query()
{
	psql -X -q -At -v ON_ERROR_STOP=1 -d "$database" -c "$1"
}

# Prints an SQL expression that is $1 as a cell of a table: no bar ends it, and no line.
of()
{
	printf '%s' "replace(replace(coalesce($1, ''), '|', '\\|'), E'\\n', ' ')"
}

cat <<'END'
# Reference

`doc/make-reference.sh` generates this page from the COMMENTs in the database, and `make test` compares it. Do not edit
it: change the comment, and generate the page again. [tutorial.md](tutorial.md) shows the functions in use,
[errors.md](errors.md) explains the error codes.

Every function takes named arguments (`at => '2025-01-10'`). Arguments in brackets are optional; their default is NULL
unless another value is shown. `at` is the time at which the event happened (default: now). `program` is the code of the
program (default: the setting `loyalty.program`, or the only program).
END

# Functions whose condition is $1, each with signature and comment.
functions()
{
	query "
		SELECT format(E'\n**\`%s(%s)\`**%s  \n%s', p.proname, arguments,
			CASE WHEN p.prokind = 'p' THEN ' (procedure)' ELSE ' returns \`' || result || '\`' END,
			replace(pg_catalog.obj_description(p.oid, 'pg_proc'), E'\n', ' '))
		FROM pg_catalog.pg_proc p
			CROSS JOIN LATERAL (
				SELECT string_agg(
						CASE WHEN n > p.pronargs - p.pronargdefaults THEN '[' || argument || ']' ELSE argument END, ', ' ORDER BY n)
				FROM (SELECT n, coalesce(pg_catalog.quote_ident(nullif(p.proargnames[place], '')) || ' ', '')
							|| pg_catalog.format_type(p.proargtypes[n - 1], NULL)
							|| coalesce(' = ' || nullif(value, 'NULL'), '') AS argument
					FROM pg_catalog.generate_series(1, p.pronargs) AS n
						-- the n-th of the arguments that go in
						CROSS JOIN LATERAL (SELECT coalesce((SELECT place FROM (SELECT place, row_number() OVER (ORDER BY place) AS nth
								FROM unnest(p.proargmodes) WITH ORDINALITY AS m (mode, place) WHERE mode IN ('i', 'b')) x WHERE nth = n), n)) AS c (place)
						CROSS JOIN LATERAL (SELECT regexp_replace(pg_catalog.pg_get_function_arg_default(p.oid, place::integer), '::.*', '')) AS d (value)) a
			) AS g (arguments)
			CROSS JOIN LATERAL (
				SELECT coalesce(
					CASE WHEN p.proretset THEN 'rows of ' ELSE '' END
						|| '(' || (SELECT string_agg(pg_catalog.quote_ident(name) || ' ' || pg_catalog.format_type(type, NULL), ', ' ORDER BY place)
							FROM unnest(p.proargnames, p.proallargtypes, p.proargmodes) WITH ORDINALITY AS o (name, type, mode, place)
							WHERE mode = 'o') || ')',
					pg_catalog.pg_get_function_result(p.oid))
			) AS r (result)
		WHERE p.pronamespace = 'loyalty'::regnamespace AND p.proname NOT LIKE '\\_%'
			AND pg_catalog.obj_description(p.oid, 'pg_proc') <> 'Support function of a type, operator, trigger or view.'
			AND ($1)
		ORDER BY p.proname, p.pronargs"
}

posts="p.prorettype = 'loyalty.receipt'::regtype"
time="p.proname IN ('settle', 'sweep')"
members="p.proname IN ('erase')"
reads="p.proname IN ('balance', 'lots', 'statement', 'explain', 'verify')"
rules="p.proname IN ('preview', 'preview_for', 'backtest', 'tier_status', 'tier_progress', 'tiers_held', 'member_card', 'member_benefits', 'in_pilot')"

printf '\n## Calls that post\n\nEach returns a `loyalty.receipt` (below).\n'
functions "$posts"
printf '\n## Settling, and members\n'
functions "$time OR $members"
printf '\n## Reads\n'
functions "$reads"
printf '\n## Reads of rules, campaigns and tiers\n'
functions "$rules"
printf '\n## Views to insert into\n\n'
cat <<'END'
`INSERT`, `INSERT ... SELECT` and `COPY` into these views post rows, and `SELECT` shows the postings. UPDATE and DELETE are
not allowed. In addition to its input columns, each view has the result columns `account`, `entry`, `change`, `balance`,
`usable` and `repeat`, which cannot be given (22023). `RETURNING` shows them for each row, with the program and the amount
that were used; it needs SELECT on the view. Views do not support `ON CONFLICT`, and do not need it: a repeat with the
same `ref` posts nothing.

| view | columns to give | comment |
|---|---|---|
END
query "
	SELECT format('| \`%s\` | %s | %s |', c.relname,
		(SELECT string_agg('\`' || pg_catalog.quote_ident(attname) || '\`', ' ' ORDER BY attnum) FROM pg_catalog.pg_attribute
			WHERE attrelid = c.oid AND attnum > 0 AND attname NOT IN ('account', 'entry', 'change', 'balance', 'usable', 'repeat', 'lapsed')),
		$(of "pg_catalog.obj_description(c.oid, 'pg_class')"))
	FROM pg_catalog.pg_class c
	WHERE c.relnamespace = 'loyalty'::regnamespace AND c.relkind = 'v'
		AND EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = c.oid AND tgname = 'post')
	ORDER BY c.relname"

printf '\n## Views of the rulebook\n\n'
cat <<'END'
You can read and write these views. `program` is the code of the program (default: the setting `loyalty.program`, or the
only program). `program` and `code` (for a cap: `period`) cannot be changed. The other columns are those of the table with
the singular name (below), with the same defaults. `author` is read-only.

| view | columns | comment |
|---|---|---|
END
query "
	SELECT format('| \`%s\` | %s | %s |', c.relname,
		(SELECT string_agg('\`' || pg_catalog.quote_ident(attname) || '\`', ' ' ORDER BY attnum) FROM pg_catalog.pg_attribute WHERE attrelid = c.oid AND attnum > 0),
		$(of "pg_catalog.obj_description(c.oid, 'pg_class')"))
	FROM pg_catalog.pg_class c
	WHERE c.relnamespace = 'loyalty'::regnamespace AND c.relkind = 'v'
		AND EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = c.oid AND tgname = 'configure')
	ORDER BY array_position('{tiers,campaigns,rule_groups,rules,caps,benefits}', c.relname::text)"

printf '\nRule expressions can refer to these columns:\n\n| relation | column | type | what |\n|---|---|---|---|\n'
query "
	SELECT format('| %s | \`%s\` | %s | %s |', relation, name, type, $(of meaning))
	FROM loyalty._rule_column_list() WITH ORDINALITY AS c (relation, name, type, meaning, place)
	ORDER BY array_position('{line,event,member,account}', relation), place"

printf '\n## Views to read\n\n| view | columns | comment |\n|---|---|---|\n'
query "
	SELECT format('| \`%s\` | %s | %s |', c.relname,
		(SELECT string_agg('\`' || pg_catalog.quote_ident(attname) || '\`', ' ' ORDER BY attnum) FROM pg_catalog.pg_attribute WHERE attrelid = c.oid AND attnum > 0),
		$(of "pg_catalog.obj_description(c.oid, 'pg_class')"))
	FROM pg_catalog.pg_class c
	WHERE c.relnamespace = 'loyalty'::regnamespace AND c.relkind = 'v'
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = c.oid)
	ORDER BY c.relname"

# Tables, and the composite type, with their columns.
query "
	SELECT format(E'\n## %s \`%s\`\n\n%s\n\n| column | type | default | what |\n|---|---|---|---|\n%s',
		CASE c.relkind WHEN 'r' THEN 'Table' ELSE 'Type' END, c.relname,
		coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), pg_catalog.obj_description(c.reltype, 'pg_type')),
		(SELECT string_agg(format('| \`%s\` | %s%s | %s | %s |', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
				CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
				CASE WHEN a.attidentity <> '' THEN 'next number' ELSE $(of "regexp_replace(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '::.*', '')") END,
				$(of "pg_catalog.col_description(c.oid, a.attnum)")), E'\n' ORDER BY a.attnum)
			FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
			WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
	FROM pg_catalog.pg_class c
	WHERE c.relnamespace = 'loyalty'::regnamespace AND c.relkind IN ('r', 'c')
	ORDER BY c.relkind, array_position('{program,tier,campaign,rule_group,rule,cap,benefit,member,account,hold,entry,tally,usage,budget}', c.relname::text), c.relname"

printf '\n## Types\n\n| type | what |\n|---|---|\n'
query "
	SELECT format('| \`%s\` | %s |', t.typname, $(of "pg_catalog.obj_description(t.oid, 'pg_type')"))
	FROM pg_catalog.pg_type t
	WHERE t.typnamespace = 'loyalty'::regnamespace AND t.typtype = 'b' AND t.typcategory <> 'A' ORDER BY t.typname"
printf '\nOperators:\n\n| operator | what |\n|---|---|\n'
query "
	SELECT format('| \`%s %s %s\` | %s |', pg_catalog.format_type(o.oprleft, NULL), o.oprname, pg_catalog.format_type(o.oprright, NULL),
		$(of "coalesce(pg_catalog.obj_description(o.oid, 'pg_operator'), 'Compares.')"))
	FROM pg_catalog.pg_operator o WHERE o.oprnamespace = 'loyalty'::regnamespace ORDER BY o.oprleft::regtype::text, o.oprname COLLATE \"C\""
printf '\nKinds of entries, by their number in the chain: '
query "SELECT string_agg(number || ' ' || label, ', ' ORDER BY number) || '.' FROM loyalty.kinds"

printf '\n## What each kind of entry says\n\nEvery entry has: '
query "SELECT string_agg('\`' || field || '\`', ', ' ORDER BY place) || '.'
	FROM (SELECT f.field, min(n.position) FROM loyalty.entry_fields f JOIN loyalty._entry_column_list() n ON n.name = f.field
		WHERE f.needed GROUP BY f.field HAVING count(*) = (SELECT count(*) FROM loyalty.kinds)) AS e (field, place)"
printf 'An entry of any kind may have: '
query "SELECT string_agg('\`' || field || '\`', ', ' ORDER BY place) || '.'
	FROM (SELECT f.field, min(n.position) FROM loyalty.entry_fields f JOIN loyalty._entry_column_list() n ON n.name = f.field
		GROUP BY f.field HAVING count(*) = (SELECT count(*) FROM loyalty.kinds) AND NOT bool_and(f.needed)) AS e (field, place)"
printf '\n| kind | also has | may also have |\n|---|---|---|\n'
query "
	SELECT format('| \`%s\` | %s | %s |', k.label,
		string_agg('\`' || f.field || '\`', ' ' ORDER BY n.position) FILTER (WHERE f.needed),
		string_agg('\`' || f.field || '\`', ' ' ORDER BY n.position) FILTER (WHERE NOT f.needed))
	FROM loyalty.kinds k
		LEFT JOIN loyalty.entry_fields f ON f.kind = k.label
			AND f.field NOT IN (SELECT e.field FROM loyalty.entry_fields e GROUP BY e.field HAVING count(*) = (SELECT count(*) FROM loyalty.kinds))
		LEFT JOIN loyalty._entry_column_list() n ON n.name = f.field
	GROUP BY k.number, k.label ORDER BY k.number"

printf '\n## Other functions\n\nFunctions whose names begin with an underscore are internal and may change in any version. They are not listed.\n'
functions "NOT ($posts OR $time OR $members OR $reads OR $rules)"

printf '\n## Settings\n\n| setting | default | who sets it | what |\n|---|---|---|---|\n'
# The library makes them when it is loaded.
query "
	LOAD 'loyalty';
	SELECT format('| \`%s\` | %s | %s | %s |', name, coalesce(nullif(boot_val, '') || coalesce(' ' || unit, ''), 'empty'),
		CASE context WHEN 'user' THEN 'anybody' ELSE context END, short_desc || coalesce(' ' || extra_desc, ''))
	FROM pg_catalog.pg_settings WHERE name LIKE 'loyalty.%' ORDER BY name"
