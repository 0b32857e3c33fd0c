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
	expired bigint,
	never_expires boolean
);

COMMENT ON TYPE loyalty.receipt IS 'The result of a posting; a repeat returns the first result.';
COMMENT ON COLUMN loyalty.receipt.account IS 'Number of the account.';
COMMENT ON COLUMN loyalty.receipt.entry IS 'Number of the entry within the account.';
COMMENT ON COLUMN loyalty.receipt.kind IS 'Kind of the entry.';
COMMENT ON COLUMN loyalty.receipt.points IS 'Change of the balance by the entry.';
COMMENT ON COLUMN loyalty.receipt.balance IS 'Balance after the posting.';
COMMENT ON COLUMN loyalty.receipt.usable IS 'Usable points after the posting.';
COMMENT ON COLUMN loyalty.receipt.debt IS 'Debt after the posting.';
COMMENT ON COLUMN loyalty.receipt.tier IS 'Tier in force; NULL until the program has tiers.';
COMMENT ON COLUMN loyalty.receipt.expires_on IS 'Last day of the credited points. NULL: they never expire (see never_expires), none were credited, or the day is not known yet.';
COMMENT ON COLUMN loyalty.receipt.repeat IS 'True if the same request was posted before; this is its result.';
COMMENT ON COLUMN loyalty.receipt.parts IS 'Parts of a purchase''s points: for each rule, the computed and the given points.';
COMMENT ON COLUMN loyalty.receipt.due IS 'For a return: points due.';
COMMENT ON COLUMN loyalty.receipt.taken IS 'For a return: points that were taken from lots.';
COMMENT ON COLUMN loyalty.receipt.owed IS 'For a return: points that became debt.';
COMMENT ON COLUMN loyalty.receipt.spared IS 'For a return: points that were spared because they had expired.';
COMMENT ON COLUMN loyalty.receipt.written_off IS 'For a return: points that were written off.';
COMMENT ON COLUMN loyalty.receipt.expired IS 'Points that came back after their last day and expired at once.';
COMMENT ON COLUMN loyalty.receipt.never_expires IS 'True if points were credited that never expire.';
