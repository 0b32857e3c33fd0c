-- Settling what nobody touches.

CREATE FUNCTION loyalty.settle(member text, at timestamptz DEFAULT NULL, program text DEFAULT NULL) RETURNS integer
	AS 'MODULE_PATHNAME', 'settle_member' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.settle(text, timestamptz, text) IS
	'Post what has fallen due for a member by a time (default now): holds that lapsed, points that matured or expired, freezes that ended. Returns the number of entries. Reads are right without it.';

CREATE FUNCTION loyalty.sweep_batch(due_by timestamptz, batch integer, after_due_at timestamptz, after_id bigint,
	OUT last_due_at timestamptz, OUT last_id bigint, OUT seen bigint, OUT accounts bigint, OUT entries bigint)
	AS 'MODULE_PATHNAME', 'sweep_batch' LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION loyalty.sweep_batch(timestamptz, integer, timestamptz, bigint) IS
	'One batch of sweep: settles the next accounts due by a time after (after_due_at, after_id), those apart that another session holds; where it ended, and the accounts seen, settled, and entries made. NULL where none is left.';

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
		SELECT * INTO done FROM loyalty.sweep_batch(due_by, batch, after_due_at, after_id);
		EXIT WHEN done.last_due_at IS NULL;
		after_due_at := done.last_due_at;
		after_id := done.last_id;
		COMMIT;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE loyalty.sweep(interval, integer) IS
	'Settles all accounts that are due, in batches, committing each; accounts that another session works on are left to the next sweep. lag: leave what fell due so lately alone, where tills deliver late. Run it by pg_cron or any scheduler; nothing depends on it.';
