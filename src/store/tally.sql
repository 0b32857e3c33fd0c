-- Tallies: what a member did on which day, as tiers, streaks and challenges count it.

CREATE TABLE loyalty.tally (
	account_id bigint NOT NULL,
	happened_on date NOT NULL,
	activity text COLLATE "C" NOT NULL,
	counts_from date NOT NULL,
	times bigint NOT NULL,
	points bigint NOT NULL,
	spend numeric NOT NULL,
	PRIMARY KEY (account_id, happened_on, activity, counts_from)
) WITH (fillfactor = 80);

COMMENT ON TABLE loyalty.tally IS 'Sums for each day of an account: purchases, awards and activities, minus returns. Only postings write it, for accounts whose program has tiers or rules that need it; an INSERT or COPY by the owner is a restore.';
COMMENT ON COLUMN loyalty.tally.account_id IS 'The account (account.id).';
COMMENT ON COLUMN loyalty.tally.happened_on IS 'Local day of the event.';
COMMENT ON COLUMN loyalty.tally.activity IS 'purchase, award, or the code of an activity.';
COMMENT ON COLUMN loyalty.tally.counts_from IS 'Day from which the event counts for tiers; infinity: when it is confirmed.';
COMMENT ON COLUMN loyalty.tally.times IS 'Number of events, without those that were returned as a whole.';
COMMENT ON COLUMN loyalty.tally.points IS 'Qualifying points given, minus the points due for returns.';
COMMENT ON COLUMN loyalty.tally.spend IS 'Amount of all purchases, minus returns.';

SELECT pg_catalog.pg_extension_config_dump('loyalty.tally', '');
