-- Settling what nobody touches.

CREATE FUNCTION loyalty.settle(member loyalty.key, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS integer
	AS 'MODULE_PATHNAME', 'settle_member' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.settle IS
	'Posts everything that is due for a member by a time (default: now): holds that lapse, points that become usable or expire, tier reviews, freezes that end. Returns the number of entries. Reads are correct without it.';

CREATE FUNCTION loyalty._sweep_batch(due_by timestamptz, batch integer, after_due_at timestamptz, after_id bigint,
	OUT last_due_at timestamptz, OUT last_id bigint, OUT seen bigint, OUT accounts bigint, OUT entries bigint)
	AS 'MODULE_PATHNAME', 'sweep_batch' LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty._sweep_batch IS
	'One batch of sweep: settles the next accounts after (after_due_at, after_id) for which something is due by a time, and skips accounts that another session has locked. Returns where it ended, and the numbers of accounts seen, accounts settled and entries posted; NULL if no account remains.';

CREATE PROCEDURE loyalty.sweep(lag interval DEFAULT '0', batch integer DEFAULT 1000)
	LANGUAGE plpgsql
AS $$
DECLARE
	due_by CONSTANT pg_catalog.timestamptz := pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) lag;
	done pg_catalog.record;
	after_due_at pg_catalog.timestamptz := '-infinity';
	after_id pg_catalog.int8 := 0;
BEGIN
	IF lag IS NULL OR batch IS NULL OR lag OPERATOR(pg_catalog.<) '0'::pg_catalog.interval THEN
		RAISE invalid_parameter_value USING MESSAGE = 'sweep: lag must not be negative, nor lag or batch NULL';
	END IF;
	-- within a transaction block this fails at once, and not only where something is due
	COMMIT;
	LOOP
		SELECT * INTO done FROM loyalty._sweep_batch(due_by, batch, after_due_at, after_id);
		EXIT WHEN done.last_due_at IS NULL;
		after_due_at := done.last_due_at;
		after_id := done.last_id;
		COMMIT;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE loyalty.sweep(interval, integer) IS
	'Settles all accounts for which something is due, in batches, and commits each batch. Skips accounts that another session has locked. lag: skip accounts that became due within this interval, because tills may send purchases late. Run it with pg_cron or any scheduler; the ledger is correct without it.';
