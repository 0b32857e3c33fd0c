-- What a posting returns.

CREATE TYPE loyalty.receipt AS (
	account bigint,
	entry bigint,
	kind loyalty.kind,
	points bigint,
	balance bigint,
	usable bigint,
	debt bigint,
	tier text,
	expires_on date,
	repeat boolean,
	parts jsonb,
	due bigint,
	taken bigint,
	owed bigint,
	spared bigint,
	written_off bigint,
	expired bigint
);

COMMENT ON TYPE loyalty.receipt IS 'What a posting returns; a repeat gets the first result again.';
COMMENT ON COLUMN loyalty.receipt.account IS 'Number of the account.';
COMMENT ON COLUMN loyalty.receipt.entry IS 'Number of the entry within it.';
COMMENT ON COLUMN loyalty.receipt.kind IS 'Kind of the entry.';
COMMENT ON COLUMN loyalty.receipt.points IS 'Change of the balance by the entry.';
COMMENT ON COLUMN loyalty.receipt.balance IS 'Balance after the posting.';
COMMENT ON COLUMN loyalty.receipt.usable IS 'Usable points after it.';
COMMENT ON COLUMN loyalty.receipt.debt IS 'Debt after it.';
COMMENT ON COLUMN loyalty.receipt.tier IS 'Tier in force; NULL until the program has tiers.';
COMMENT ON COLUMN loyalty.receipt.expires_on IS 'Last day of what was credited; infinity: never; NULL: nothing was, or it is not known yet.';
COMMENT ON COLUMN loyalty.receipt.repeat IS 'Was the same request posted before, and is this its result?';
COMMENT ON COLUMN loyalty.receipt.parts IS 'Parts of a purchase''s points: what each rule computed, what was given.';
COMMENT ON COLUMN loyalty.receipt.due IS 'Of a return: points due.';
COMMENT ON COLUMN loyalty.receipt.taken IS '... taken from lots.';
COMMENT ON COLUMN loyalty.receipt.owed IS '... made debt.';
COMMENT ON COLUMN loyalty.receipt.spared IS '... spared, for they had expired.';
COMMENT ON COLUMN loyalty.receipt.written_off IS '... written off.';
COMMENT ON COLUMN loyalty.receipt.expired IS 'Points that it freed after their last day, gone at once.';
