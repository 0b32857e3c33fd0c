--
-- The baseline "plain": the leanest ledger that still works, as a team writes
-- it when speed is all that counts. Three tables, no foreign keys and no CHECKs,
-- members by number, a fixed term of 365 days, no result but the entry's number.
-- Against "plpgsql" it lacks: looking the member up by key, what has expired,
-- the answer to a repeated request (a ref that is used again is an error), and
-- the row as a result.
--
CREATE SCHEMA bench_plain;

CREATE TABLE bench_plain.account (
	id			bigint PRIMARY KEY,
	balance		bigint NOT NULL DEFAULT 0,
	lifetime	bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 80);

CREATE TABLE bench_plain.entry (
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	account_id	bigint NOT NULL,
	kind		smallint NOT NULL,				-- 1 award, 2 spend, 3 purchase
	points		bigint NOT NULL,
	balance		bigint NOT NULL,				-- after this entry
	posted_at	timestamptz NOT NULL DEFAULT now(),
	ref			text,
	UNIQUE (account_id, ref)
);

CREATE TABLE bench_plain.lot (
	entry_id	bigint PRIMARY KEY,
	account_id	bigint NOT NULL,
	remaining	bigint NOT NULL,
	expires_on	date NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX lot_open ON bench_plain.lot (account_id, expires_on, entry_id)
	WHERE remaining > 0;

-- Points in: the account, the entry, its lot.
CREATE FUNCTION bench_plain.credit(p_account bigint, p_kind smallint, p_points bigint, p_ref text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	v_balance	bigint;
	v_entry		bigint;
BEGIN
	UPDATE bench_plain.account
	SET balance = balance + p_points, lifetime = lifetime + p_points
	WHERE id = p_account
	RETURNING balance INTO v_balance;

	INSERT INTO bench_plain.entry (account_id, kind, points, balance, ref)
	VALUES (p_account, p_kind, p_points, v_balance, p_ref)
	RETURNING id INTO v_entry;

	INSERT INTO bench_plain.lot (entry_id, account_id, remaining, expires_on)
	VALUES (v_entry, p_account, p_points, current_date + 365);
	RETURN v_entry;
END $$;

-- In SQL, so that the planner puts credit in their place.
CREATE FUNCTION bench_plain.award(p_account bigint, p_points bigint, p_ref text) RETURNS bigint
LANGUAGE sql AS $$ SELECT bench_plain.credit(p_account, 1::smallint, p_points, p_ref) $$;

CREATE FUNCTION bench_plain.purchase(p_account bigint, p_amount numeric, p_ref text) RETURNS bigint
LANGUAGE sql AS $$ SELECT bench_plain.credit(p_account, 3::smallint, floor(p_amount)::bigint, p_ref) $$;

-- Points out: the lots that end first are taken first.
CREATE FUNCTION bench_plain.spend(p_account bigint, p_points bigint, p_ref text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	v_balance	bigint;
	v_entry		bigint;
	v_left		bigint := p_points;
	v_taken		bigint;
	v_lot		record;
BEGIN
	SELECT balance INTO v_balance FROM bench_plain.account WHERE id = p_account FOR UPDATE;
	IF v_balance < p_points THEN
		RAISE EXCEPTION 'account % has % points, not %', p_account, v_balance, p_points;
	END IF;

	INSERT INTO bench_plain.entry (account_id, kind, points, balance, ref)
	VALUES (p_account, 2, -p_points, v_balance - p_points, p_ref)
	RETURNING id INTO v_entry;

	FOR v_lot IN
		SELECT entry_id, remaining FROM bench_plain.lot
		WHERE account_id = p_account AND remaining > 0
		ORDER BY expires_on, entry_id FOR UPDATE
	LOOP
		v_taken := least(v_left, v_lot.remaining);
		UPDATE bench_plain.lot SET remaining = remaining - v_taken WHERE entry_id = v_lot.entry_id;
		v_left := v_left - v_taken;
		EXIT WHEN v_left = 0;
	END LOOP;

	UPDATE bench_plain.account SET balance = balance - p_points WHERE id = p_account;
	RETURN v_entry;
END $$;
