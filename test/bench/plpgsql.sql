--
-- The baseline "plpgsql": the ledger that an experienced shop engineer writes
-- in an afternoon, three tables and two functions. It does less than loyalty
-- (no holds, debt, pending points, as-of reads, chain, and no record of which
-- lots a spend took), and nothing in it is slower than it need be:
--   * one statement per step, none repeated; the ref is claimed by the INSERT
--     itself (ON CONFLICT), not looked up first;
--   * whether anything has expired is one comparison (account.next_expiry);
--   * of a loop over the lots and one UPDATE over a window, spend uses the one
--     that was measured faster over three lots (the window, by some 7 %);
--   * the open lots are a partial index in the order of use.
--
CREATE SCHEMA bench_plpgsql;

CREATE TABLE bench_plpgsql.account (
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	member		text NOT NULL COLLATE "C" UNIQUE,
	balance		bigint NOT NULL DEFAULT 0 CHECK (balance >= 0),
	next_expiry	date NOT NULL DEFAULT 'infinity',	-- no open lot ends before
	opened_at	timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);

CREATE TABLE bench_plpgsql.entry (
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	account_id	bigint NOT NULL REFERENCES bench_plpgsql.account,
	kind		text NOT NULL CHECK (kind IN ('award', 'spend', 'expire')),
	points		bigint NOT NULL,
	balance		bigint NOT NULL,					-- after this entry
	ref			text COLLATE "C",
	reason		text,
	posted_at	timestamptz NOT NULL DEFAULT now(),
	UNIQUE (account_id, ref)
);

CREATE TABLE bench_plpgsql.lot (
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	account_id	bigint NOT NULL REFERENCES bench_plpgsql.account,
	earned_on	date NOT NULL DEFAULT current_date,
	expires_on	date NOT NULL,
	points		bigint NOT NULL CHECK (points > 0),
	remaining	bigint NOT NULL CHECK (remaining BETWEEN 0 AND points)
) WITH (fillfactor = 80);

CREATE INDEX lot_open ON bench_plpgsql.lot (account_id, expires_on, id)
	WHERE remaining > 0;

-- Close the lots of a locked account that have ended; give its new balance.
CREATE FUNCTION bench_plpgsql.expire(p_account bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	v_expired	bigint;
	v_balance	bigint;
BEGIN
	WITH ended AS (
		SELECT id, remaining FROM bench_plpgsql.lot
		WHERE account_id = p_account AND remaining > 0 AND expires_on < current_date
	), closed AS (
		UPDATE bench_plpgsql.lot l SET remaining = 0
		FROM ended WHERE l.id = ended.id
		RETURNING ended.remaining
	)
	SELECT coalesce(sum(remaining), 0) INTO v_expired FROM closed;

	UPDATE bench_plpgsql.account SET
		balance = balance - v_expired,
		next_expiry = coalesce((SELECT min(expires_on) FROM bench_plpgsql.lot
								WHERE account_id = p_account AND remaining > 0
								AND expires_on >= current_date), 'infinity')
	WHERE id = p_account
	RETURNING balance INTO v_balance;

	IF v_expired > 0 THEN
		INSERT INTO bench_plpgsql.entry (account_id, kind, points, balance)
		VALUES (p_account, 'expire', -v_expired, v_balance);
	END IF;
	RETURN v_balance;
END $$;

-- The result of a request that was made before; another one under its ref is refused.
CREATE FUNCTION bench_plpgsql.repeated(p_account bigint, p_ref text, p_kind text, p_points bigint)
RETURNS bench_plpgsql.entry
LANGUAGE plpgsql AS $$
DECLARE
	v_entry		bench_plpgsql.entry;
BEGIN
	SELECT * INTO v_entry FROM bench_plpgsql.entry
	WHERE account_id = p_account AND ref = p_ref;
	IF v_entry.kind <> p_kind OR v_entry.points <> p_points THEN
		RAISE EXCEPTION 'ref "%" is already used by another request', p_ref;
	END IF;
	RETURN v_entry;
END $$;

CREATE FUNCTION bench_plpgsql.award(p_member text, p_points bigint, p_ref text,
									p_reason text DEFAULT NULL,
									p_expires_on date DEFAULT (current_date + interval '12 months')::date)
RETURNS bench_plpgsql.entry
LANGUAGE plpgsql AS $$
DECLARE
	v_account	bench_plpgsql.account;
	v_entry		bench_plpgsql.entry;
BEGIN
	IF p_points IS NULL OR p_points <= 0 THEN
		RAISE EXCEPTION 'points must be positive';
	END IF;

	SELECT * INTO v_account FROM bench_plpgsql.account
	WHERE member = p_member FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'unknown member "%"', p_member;
	END IF;
	IF v_account.next_expiry < current_date THEN
		v_account.balance := bench_plpgsql.expire(v_account.id);
	END IF;

	INSERT INTO bench_plpgsql.entry (account_id, kind, points, balance, ref, reason)
	VALUES (v_account.id, 'award', p_points, v_account.balance + p_points, p_ref, p_reason)
	ON CONFLICT (account_id, ref) DO NOTHING
	RETURNING * INTO v_entry;
	IF NOT FOUND THEN
		RETURN bench_plpgsql.repeated(v_account.id, p_ref, 'award', p_points);
	END IF;

	INSERT INTO bench_plpgsql.lot (account_id, expires_on, points, remaining)
	VALUES (v_account.id, p_expires_on, p_points, p_points);

	UPDATE bench_plpgsql.account SET
		balance = balance + p_points,
		next_expiry = least(next_expiry, p_expires_on)
	WHERE id = v_account.id;
	RETURN v_entry;
END $$;

CREATE FUNCTION bench_plpgsql.spend(p_member text, p_points bigint, p_ref text,
									p_reason text DEFAULT NULL)
RETURNS bench_plpgsql.entry
LANGUAGE plpgsql AS $$
DECLARE
	v_account	bench_plpgsql.account;
	v_entry		bench_plpgsql.entry;
BEGIN
	IF p_points IS NULL OR p_points <= 0 THEN
		RAISE EXCEPTION 'points must be positive';
	END IF;

	SELECT * INTO v_account FROM bench_plpgsql.account
	WHERE member = p_member FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'unknown member "%"', p_member;
	END IF;
	IF v_account.next_expiry < current_date THEN
		v_account.balance := bench_plpgsql.expire(v_account.id);
	END IF;

	INSERT INTO bench_plpgsql.entry (account_id, kind, points, balance, ref, reason)
	VALUES (v_account.id, 'spend', -p_points, v_account.balance - p_points, p_ref, p_reason)
	ON CONFLICT (account_id, ref) DO NOTHING
	RETURNING * INTO v_entry;
	IF NOT FOUND THEN
		RETURN bench_plpgsql.repeated(v_account.id, p_ref, 'spend', -p_points);
	END IF;
	IF v_account.balance < p_points THEN		-- takes the entry back with it
		RAISE EXCEPTION 'member "%" has % points, not %', p_member, v_account.balance, p_points;
	END IF;

	WITH queue AS (
		SELECT id, remaining,
			   sum(remaining) OVER (ORDER BY expires_on, id)::bigint - remaining AS before
		FROM bench_plpgsql.lot
		WHERE account_id = v_account.id AND remaining > 0
	)
	UPDATE bench_plpgsql.lot l
	SET remaining = l.remaining - least(q.remaining, p_points - q.before)
	FROM queue q WHERE l.id = q.id AND q.before < p_points;

	UPDATE bench_plpgsql.account SET balance = balance - p_points
	WHERE id = v_account.id;
	RETURN v_entry;
END $$;
