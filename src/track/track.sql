-- A shop's own tables: their changes are postings.  All of a tracking is in
-- triggers of the shop's table; there is no table of ours.

CREATE FUNCTION loyalty.track("table" regclass, member text, ref text, amount text DEFAULT NULL, at text DEFAULT NULL, status text DEFAULT NULL, completed text[] DEFAULT NULL, cancelled text[] DEFAULT NULL, confirmed text[] DEFAULT NULL, condition text DEFAULT NULL, lines regclass DEFAULT NULL, lines_order text DEFAULT NULL, lines_key text DEFAULT NULL, line_amount text DEFAULT NULL, sku text DEFAULT NULL, quantity text DEFAULT NULL, category text DEFAULT NULL, activity text DEFAULT NULL, channel text DEFAULT NULL, store text DEFAULT NULL, brand text DEFAULT NULL, attributes text[] DEFAULT NULL, program text DEFAULT NULL, unknown text DEFAULT 'refuse', decimals integer DEFAULT 0, prefix text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'track' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.track IS
	'Makes the ledger follow a table of orders (or, with activity, of activities), in the transaction that changes the table: INSERT posts, an UPDATE posts the difference, DELETE returns everything. Parameters name columns; "=web" is a constant, for program, activity, channel, store and brand. completed: statuses in which an order counts (default: all but cancelled); cancelled: those in which it is returned; all other statuses change nothing. confirmed: statuses that make pending points usable. condition: a boolean expression over the row. lines: a second table, read when the transaction commits. unknown: refuse, enroll or skip a member who is not enrolled. decimals: 2 for an integer that counts cents. prefix: added before each ref, if two tables share a program. Errors: 42809, 42703, 42804, 55000 the table cannot be tracked; 42710 already tracked.';

CREATE FUNCTION loyalty.untrack("table" regclass) RETURNS void
	AS 'MODULE_PATHNAME', 'untrack' LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.untrack IS
	'Stops tracking a table: drops the triggers, and does not change the ledger. Error: 42704 not tracked.';

CREATE FUNCTION loyalty.track_row() RETURNS trigger
	AS 'MODULE_PATHNAME', 'track_row' LANGUAGE c;
CREATE FUNCTION loyalty.track_line() RETURNS trigger
	AS 'MODULE_PATHNAME', 'track_line' LANGUAGE c;
CREATE FUNCTION loyalty.track_truncate() RETURNS trigger
	AS 'MODULE_PATHNAME', 'track_truncate' LANGUAGE c;
CREATE FUNCTION loyalty._track_settings("table" oid) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'track_settings' LANGUAGE c STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION loyalty._track_settings IS
	'The roles of the columns of a tracked table, by their current names; NULL if the table is not tracked.';

-- One row for each trigger that follows changes; the other two of the table beside it.
CREATE VIEW loyalty.tracked AS
SELECT c.tgrelid::regclass AS "table",
	CASE WHEN s.settings OPERATOR(pg_catalog.?) 'activity' THEN 'activity' ELSE 'order' END AS kind,
	s.settings ->> 'member' AS member,
	s.settings ->> 'ref' AS ref,
	s.settings ->> 'amount' AS amount,
	s.settings ->> 'program' AS program,
	nullif(c.tgconstrrelid, 0)::regclass AS lines,
	substring(pg_catalog.pg_get_triggerdef(t.oid) FROM ' WHEN \((.*)\) EXECUTE FUNCTION ') AS counts_when,
	s.settings,
	c.tgenabled <> 'D' AND coalesce(t.tgenabled, 'D') <> 'D' AND coalesce(x.tgenabled, 'D') <> 'D' AS enabled
FROM pg_catalog.pg_trigger c
	LEFT JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.tgrelid AND t.tgname = 'zz_loyalty_track'
	LEFT JOIN pg_catalog.pg_trigger x ON x.tgrelid = c.tgrelid AND x.tgname = 'zz_loyalty_truncate'
	CROSS JOIN LATERAL (SELECT loyalty._track_settings(c.tgrelid) AS settings) s
WHERE c.tgname = 'zz_loyalty_change' AND c.tgfoid = 'loyalty.track_row'::regproc;
COMMENT ON VIEW loyalty.tracked IS 'The tables that the ledger follows.';
COMMENT ON COLUMN loyalty.tracked."table" IS 'The table, by its current name.';
COMMENT ON COLUMN loyalty.tracked.kind IS 'order or activity.';
COMMENT ON COLUMN loyalty.tracked.member IS 'The column with the member''s key.';
COMMENT ON COLUMN loyalty.tracked.ref IS 'The column with the ref of the order.';
COMMENT ON COLUMN loyalty.tracked.amount IS 'The column with the amount; NULL: the sum of the lines.';
COMMENT ON COLUMN loyalty.tracked.program IS 'The column of the program, or "=" and its code.';
COMMENT ON COLUMN loyalty.tracked.lines IS 'The table of the lines.';
COMMENT ON COLUMN loyalty.tracked.counts_when IS 'The condition for a row to count. True: it counts; false: it is returned; NULL: nothing changes. No condition (NULL): all rows count.';
COMMENT ON COLUMN loyalty.tracked.settings IS 'All arguments of track, with the current names of the columns.';
COMMENT ON COLUMN loyalty.tracked.enabled IS 'Whether the triggers exist and are enabled. Also false if a column was dropped with CASCADE; then call untrack and track again.';
