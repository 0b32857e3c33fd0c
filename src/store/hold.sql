-- Open holds: which slices are reserved, and until when.

CREATE TABLE loyalty.hold (
	account_id bigint NOT NULL,
	seq bigint NOT NULL,
	until timestamptz NOT NULL,
	points bigint NOT NULL CONSTRAINT hold_points_is_more_than_zero CHECK (points > 0),
	ref text COLLATE "C" NOT NULL,
	lots loyalty.lot_queue NOT NULL,
	PRIMARY KEY (account_id, seq)
) WITH (fillfactor = 90, toast_tuple_target = 8160);

COMMENT ON TABLE loyalty.hold IS 'Open holds. A row is deleted when its hold ends; the journal keeps the hold. Only postings write it.';
COMMENT ON COLUMN loyalty.hold.account_id IS 'The account (account.id).';
COMMENT ON COLUMN loyalty.hold.seq IS 'Number of the entry that placed the hold.';
COMMENT ON COLUMN loyalty.hold.until IS 'Time at which it ends; infinity: it has no end.';
COMMENT ON COLUMN loyalty.hold.points IS 'Points held.';
COMMENT ON COLUMN loyalty.hold.ref IS 'Reference from the caller.';
COMMENT ON COLUMN loyalty.hold.lots IS 'The points that are held, by lot.';

SELECT pg_catalog.pg_extension_config_dump('loyalty.hold', '');
