--
-- The baseline "bare": tables identical to loyalty.entry and loyalty.account
-- (columns, indexes, CHECKs, storage and table options), filled with the very
-- rows that the ledger wrote, in the order it wrote them, with no logic at all:
--   set       INSERT INTO bench_bare.entry SELECT * FROM bench_bare.source
--   per row   bench_bare.post(column, column, ...), called once for each row.
--             Of the four natural forms (SQL or PL/pgSQL; one parameter a
--             column, or the whole row as one) this one, in SQL, was the
--             fastest, by some 10 % (medians of five alternating runs of
--             100,000 rows: 1.96 s against 2.19, 2.21 and 2.37 s), so the
--             strictest is taken.
--   swept     one UPDATE of the account copy and one INSERT of the entries
--
CREATE SCHEMA bench_bare;

CREATE TABLE bench_bare.entry (LIKE loyalty.entry INCLUDING ALL);
CREATE TABLE bench_bare.account (LIKE loyalty.account INCLUDING ALL);

-- What was written and is to be written again: no index, no check.
CREATE TABLE bench_bare.source (LIKE loyalty.entry INCLUDING STORAGE);
CREATE TABLE bench_bare.source_account (LIKE loyalty.account INCLUDING STORAGE);

-- LIKE leaves fillfactor and its kin behind; the function and the statements
-- that name every column are made from the catalog.
DO $do$
DECLARE
	v_table		text;
	v_options	text;
	v_declared	text;
	v_columns	text;
	v_params	text;
	v_source	text;
	v_set		text;
BEGIN
	FOREACH v_table IN ARRAY ARRAY['entry', 'account'] LOOP
		SELECT string_agg(o, ', ') INTO v_options
		FROM pg_class, unnest(reloptions) o
		WHERE oid = format('loyalty.%I', v_table)::regclass;
		IF v_options IS NOT NULL THEN
			EXECUTE format('ALTER TABLE bench_bare.%I SET (%s)', v_table, v_options);
		END IF;
	END LOOP;

	SELECT string_agg(format('%I %s', 'p_' || attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum),
		   string_agg(quote_ident(attname), ', ' ORDER BY attnum),
		   string_agg(quote_ident('p_' || attname), ', ' ORDER BY attnum),
		   string_agg('s.' || quote_ident(attname), ', ' ORDER BY attnum)
	INTO v_declared, v_columns, v_params, v_source
	FROM pg_attribute
	WHERE attrelid = 'loyalty.entry'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '';

	EXECUTE format($f$
		CREATE FUNCTION bench_bare.post(%s) RETURNS void
		LANGUAGE sql AS $$ INSERT INTO bench_bare.entry (%s) VALUES (%s) $$
	$f$, v_declared, v_columns, v_params);

	SELECT string_agg(format('%1$I = s.%1$I', attname), ', ' ORDER BY attnum)
	INTO v_set
	FROM pg_attribute
	WHERE attrelid = 'loyalty.account'::regclass AND attnum > 0 AND NOT attisdropped
		AND attgenerated = '' AND attname <> 'id';

	-- The timed statements, for bench.py to read and run.
	CREATE TABLE bench_bare.statement (name text PRIMARY KEY, text text);
	INSERT INTO bench_bare.statement VALUES
		('set', format('INSERT INTO bench_bare.entry (%1$s) SELECT %1$s FROM bench_bare.source', v_columns)),
		('rows', format('SELECT count(*) FROM (SELECT bench_bare.post(%s) FROM bench_bare.source s OFFSET 0) q', v_source)),
		('swept', format('UPDATE bench_bare.account a SET %s FROM bench_bare.source_account s WHERE a.id = s.id', v_set));
END $do$;

-- Put the entries that the copy lacks into source; give their number.
CREATE FUNCTION bench_bare.capture() RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	v_rows		bigint;
BEGIN
	TRUNCATE bench_bare.source;
	INSERT INTO bench_bare.source
		SELECT e.* FROM loyalty.entry e
		WHERE NOT EXISTS (SELECT FROM bench_bare.entry b
						  WHERE b.account_id = e.account_id AND b.seq = e.seq)
		ORDER BY e.ctid;
	GET DIAGNOSTICS v_rows = ROW_COUNT;
	ANALYZE bench_bare.source;
	RETURN v_rows;
END $$;

-- Put the accounts that moved on since the copy was made into source_account.
CREATE FUNCTION bench_bare.capture_accounts() RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	v_rows		bigint;
BEGIN
	TRUNCATE bench_bare.source_account;
	INSERT INTO bench_bare.source_account
		SELECT a.* FROM loyalty.account a JOIN bench_bare.account b USING (id)
		WHERE a.seq <> b.seq
		ORDER BY b.ctid;
	GET DIAGNOSTICS v_rows = ROW_COUNT;
	ANALYZE bench_bare.source_account;
	RETURN v_rows;
END $$;

-- Bring both copies up to the ledger, untimed: what setting up wrote.
CREATE PROCEDURE bench_bare.follow()
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bench_bare.capture();
	EXECUTE (SELECT text FROM bench_bare.statement WHERE name = 'set');
	INSERT INTO bench_bare.account OVERRIDING SYSTEM VALUE
		SELECT * FROM loyalty.account a
		WHERE NOT EXISTS (SELECT FROM bench_bare.account b WHERE b.id = a.id)
		ORDER BY a.ctid;
	IF bench_bare.capture_accounts() > 0 THEN
		EXECUTE (SELECT text FROM bench_bare.statement WHERE name = 'swept');
	END IF;
END $$;
