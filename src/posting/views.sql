-- Views to insert into, one for each call, with its parameters as columns: INSERT,
-- INSERT ... SELECT and COPY post; SELECT and RETURNING show what was posted.

-- The journal with names.  A day or time without an end is NULL: many drivers cannot
-- read infinity.
DO $$
DECLARE
	c record;
	columns text := '';
BEGIN
	FOR c IN
		SELECT l.name, CASE WHEN pg_catalog.format_type(a.atttypid, NULL) OPERATOR(pg_catalog.=) ANY ('{date,timestamp with time zone}'::pg_catalog.text[]) THEN
				'CASE WHEN pg_catalog.isfinite(e.%1$I) THEN e.%1$I END AS %1$I, '
			ELSE 'e.%1$I, ' END AS shown
		FROM loyalty._entry_column_list() l
			JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) 'loyalty.entry'::pg_catalog.regclass AND a.attname OPERATOR(pg_catalog.=) l.name
		ORDER BY l."position"
	LOOP
		columns := columns OPERATOR(pg_catalog.||) pg_catalog.format(c.shown, c.name);
	END LOOP;
	EXECUTE pg_catalog.format('CREATE VIEW loyalty.entries AS SELECT m.key AS member, p.code AS program, %s'
		'e.expires_on IS NOT DISTINCT FROM ''infinity'' AS never_expires, '
		'e.counts_from IS NOT DISTINCT FROM ''infinity'' AS counts_once_confirmed, '
		'e.inactive_on IS NOT DISTINCT FROM ''infinity'' AS never_inactive '
		'FROM loyalty.entry e JOIN loyalty.account a ON a.id = e.account_id '
		'JOIN loyalty.member m ON m.id = a.member_id JOIN loyalty.program p ON p.id = a.program_id', columns);
	FOR c IN
		SELECT l.name, pg_catalog.replace(l.meaning, 'infinity', 'NULL') AS meaning FROM loyalty._entry_column_list() l
		WHERE l.name OPERATOR(pg_catalog.<>) 'counts_from'
		UNION ALL VALUES ('member', 'The member''s key.'), ('program', 'Code of the program.'),
			('counts_from', 'Day from which it counts for tiers; NULL: happened_on, or, with counts_once_confirmed, the day on which it is confirmed.'),
			('never_expires', 'Did this entry give lots that never expire? Then expires_on is NULL.'),
			('counts_once_confirmed', 'Does it count for tiers only when it is confirmed?'),
			('never_inactive', 'Did the account lose its inactive_on by this entry?')
	LOOP
		EXECUTE pg_catalog.format('COMMENT ON COLUMN loyalty.entries.%I IS %L', c.name, c.meaning);
	END LOOP;
END
$$;
COMMENT ON VIEW loyalty.entries IS 'The journal with the names of member and program.';

CREATE FUNCTION loyalty._set_trigger() RETURNS trigger
	AS 'MODULE_PATHNAME', 'set_trigger' LANGUAGE c;
CREATE FUNCTION loyalty._set_refuse() RETURNS trigger
	AS 'MODULE_PATHNAME', 'set_refuse' LANGUAGE c;
CREATE FUNCTION loyalty._not_posted() RETURNS boolean
	AS 'MODULE_PATHNAME', 'set_not_posted' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION loyalty._not_posted IS
	'Default of the column repeat in the views to insert into. It is a C function, so that the library is loaded before the statement runs.';

CREATE FUNCTION loyalty._verb_list(OUT verb text, OUT view text, OUT kind loyalty.kind,
	OUT "position" integer, OUT parameter text, OUT meaning text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'verb_list' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE VIEW loyalty.verbs AS
	SELECT verb, view, kind, "position", parameter, meaning FROM loyalty._verb_list();
COMMENT ON VIEW loyalty.verbs IS 'The calls, with one row for each parameter: the function (verb), the view to insert into, the kind of entry, and the parameters in the order of the function.';

-- One view for each call; reads/columns.sql comments on the columns account and entry.
-- A column shows the field that has the name of the
-- parameter; the exceptions are listed here.
DO $$
DECLARE
	v record;
	p record;
	x record;
	columns text;
BEGIN
	FOR v IN SELECT l.verb, l.view, l.kind FROM loyalty._verb_list() l WHERE l."position" OPERATOR(pg_catalog.=) 1
	LOOP
		columns := '';
		FOR p IN
			SELECT l.parameter, coalesce(e.expression, pg_catalog.format('e.%I', l.parameter)) AS expression
			FROM loyalty._verb_list() l
				LEFT JOIN (VALUES
					('enroll', 'joined_on', 'm.joined_on'), ('enroll', 'birthday', 'm.birthday'),
					('enroll', 'attributes', 'm.attributes'), ('enroll', 'tags', 'm.tags'),
					('award', 'points', 'e.computed'), ('award', 'pending', '(e.expiry IS NOT NULL)'), ('award', 'qualifies', '(e.qualifying IS NULL)'),
					('spend', 'points', 'loyalty.total(e.taken)'), ('hold', 'points', 'loyalty.total(e.taken)'),
					('capture', 'points', 'loyalty.total(e.source)'), ('cancel', 'points', 'loyalty.total(e.source)'),
					('reinstate', 'points', 'loyalty.total(e.source)'), ('reinstate', 'last_day', 'e.expires_on'), ('extend', 'last_day', 'e.expires_on'),
					('adjust', 'allow_debt', '(e.owed IS NOT NULL)'),
					('transfer', 'to_member', 'm.key'), ('transfer', 'points', '(loyalty.total(e.taken) - coalesce(e.fee, 0))'),
					('rename_member', 'to_member', 'NULL::pg_catalog.text'),
					('grant_tier', 'tier', 'e.tier_grant'), ('grant_tier', 'last_day', 'e.grant_last_day'), ('grant_tier', 'first_day', 'e.grant_first_day')
				) AS e (verb, parameter, expression) ON e.verb OPERATOR(pg_catalog.=) l.verb AND e.parameter OPERATOR(pg_catalog.=) l.parameter
			WHERE l.verb OPERATOR(pg_catalog.=) v.verb
			ORDER BY l."position"
		LOOP
			columns := pg_catalog.format('%s%s AS %I, ', columns, p.expression, p.parameter);
		END LOOP;
		-- what joins, filters and columns some need besides
		SELECT * INTO x FROM (VALUES
			('award', '', '', ', e.never_expires'),
			('enroll', ' JOIN loyalty.account a ON a.id = e.account_id JOIN loyalty.member m ON m.id = a.member_id', '', ''),
			('transfer', ' JOIN loyalty.account a ON a.id = e.counterparty_id JOIN loyalty.member m ON m.id = a.member_id', '', ''),
			('rename_member', '', ' AND e.ref IS NOT NULL', ''),
			('release', '', '', ', (e.fingerprint IS NULL) AS lapsed')) AS y (verb, joins, filter, more)
		WHERE y.verb OPERATOR(pg_catalog.=) v.verb;
		EXECUTE pg_catalog.format('CREATE VIEW loyalty.%I AS SELECT %se.account_id AS account, e.seq AS entry, e.points AS change, '
			'(e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat%s FROM loyalty.entries e%s WHERE e.kind OPERATOR(loyalty.=) %L%s',
			v.view, columns, x.more, x.joins, v.kind, x.filter);
		EXECUTE pg_catalog.format('COMMENT ON VIEW loyalty.%I IS ''INSERT calls loyalty.%s for each row. The input columns are the parameters of the function; account, entry, change (of the balance), balance, usable and repeat show the result.%s''',
			v.view, v.verb, CASE WHEN v.verb OPERATOR(pg_catalog.=) 'rename_member' THEN ' The keys are not stored: member shows the current key.' ELSE '' END);
		FOR p IN
			SELECT l.parameter AS name, l.meaning FROM loyalty._verb_list() l WHERE l.verb OPERATOR(pg_catalog.=) v.verb
			UNION ALL SELECT y.name, y.meaning FROM (VALUES
				('change', 'Change of the balance.'), ('balance', 'Balance after the posting.'), ('usable', 'Usable points after the posting.'),
				('repeat', 'True if the same request was posted before. Only RETURNING shows this.')) AS y (name, meaning)
		LOOP
			EXECUTE pg_catalog.format('COMMENT ON COLUMN loyalty.%I.%I IS %L', v.view, p.name, p.meaning);
		END LOOP;
		EXECUTE pg_catalog.format('CREATE TRIGGER begin_set BEFORE INSERT ON loyalty.%I FOR EACH STATEMENT EXECUTE FUNCTION loyalty._set_trigger(%L)', v.view, v.verb);
		EXECUTE pg_catalog.format('CREATE TRIGGER post INSTEAD OF INSERT ON loyalty.%I FOR EACH ROW EXECUTE FUNCTION loyalty._set_trigger(%L)', v.view, v.verb);
		EXECUTE pg_catalog.format('CREATE TRIGGER post_set AFTER INSERT ON loyalty.%I FOR EACH STATEMENT EXECUTE FUNCTION loyalty._set_trigger(%L)', v.view, v.verb);
		EXECUTE pg_catalog.format('CREATE TRIGGER refuse INSTEAD OF UPDATE OR DELETE ON loyalty.%I FOR EACH ROW EXECUTE FUNCTION loyalty._set_refuse()', v.view);
		EXECUTE pg_catalog.format('CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE ON loyalty.%I FOR EACH STATEMENT EXECUTE FUNCTION loyalty._set_refuse()', v.view);
		EXECUTE pg_catalog.format('ALTER VIEW loyalty.%I ALTER COLUMN repeat SET DEFAULT loyalty._not_posted()', v.view);
	END LOOP;
END
$$;
COMMENT ON COLUMN loyalty.awards.never_expires IS 'True if the points never expire.';
COMMENT ON COLUMN loyalty.releases.lapsed IS 'True if the hold ended at its time, and not by a call.';
