# Nobody writes account and entry but posting; and what users hang on the two
# tables works, or is refused clearly, and never corrupts.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LoyaltyTest;

my $node = new_node('guards');
fill($node, 'postgres', 0);
my $before = state($node, 'postgres');

# ---------------------------------------------------------------- direct DML

my @refused = map { ("UPDATE loyalty.$_->[0] SET $_->[1] = $_->[1]",
		"UPDATE loyalty.$_->[0] SET $_->[1] = $_->[1] WHERE false",
		"DELETE FROM loyalty.$_->[0]",
		"DELETE FROM loyalty.$_->[0] WHERE false",
		"TRUNCATE loyalty.$_->[0]",
		"TRUNCATE loyalty.$_->[0] CASCADE",
		"WITH x AS (DELETE FROM loyalty.$_->[0] RETURNING *) SELECT count(*) FROM x",
		"MERGE INTO loyalty.$_->[0] t USING (VALUES (1)) v(i) ON true WHEN MATCHED THEN DELETE") }
	([ 'account', 'balance' ], [ 'entry', 'points' ]);
push @refused,
  'INSERT INTO loyalty.account SELECT * FROM loyalty.account ON CONFLICT (member_id, program_id) DO UPDATE SET balance = 1000000',
  'INSERT INTO loyalty.entry SELECT * FROM loyalty.entry ON CONFLICT (account_id, seq) DO UPDATE SET points = 1000000',
  'DELETE FROM loyalty.member',
  'TRUNCATE loyalty.member CASCADE',
  'DELETE FROM loyalty.program',
  'TRUNCATE loyalty.program CASCADE',
  'TRUNCATE loyalty.program, loyalty.member, loyalty.account, loyalty.entry, loyalty.hold, public.visit';
foreach my $statement (@refused)
{
	like(error_of($node, 'postgres', $statement), qr/LY012/, "refused to the owner: $statement");
}
foreach my $statement (
	'UPDATE loyalty.account SET balance = 1000000', 'DELETE FROM loyalty.entry', 'TRUNCATE loyalty.entry',
	'UPDATE loyalty.hold SET points = 1', 'DELETE FROM loyalty.member', 'TRUNCATE loyalty.program CASCADE',
	"UPDATE loyalty.member SET id = 1000 WHERE key = 'anna'",
	"UPDATE loyalty.program SET id = 1000 WHERE code = 'club'",
	"UPDATE loyalty.program SET timezone = 'UTC' WHERE code = 'club'")
{
	like(error_of($node, 'postgres', "SET session_replication_role = replica; $statement"),
		qr/LY012/, "refused to a session that calls itself a replica: $statement");
}

my @views = qw(enrollments purchases awards confirmations spends holds captures releases refunds
  cancellations adjustments extensions reinstatements transfers freezes unfreezes);
foreach my $view (@views)
{
	like(error_of($node, 'postgres', "DELETE FROM loyalty.$view"), qr/LY012/, "refused: DELETE FROM $view");
	like(error_of($node, 'postgres', "UPDATE loyalty.$view SET member = member"), qr/LY012/, "refused: UPDATE $view");
}

# Others have no privilege to begin with, on tables, views and functions.
$node->safe_psql('postgres', 'CREATE ROLE till LOGIN; GRANT USAGE ON SCHEMA loyalty TO till');
foreach my $statement (
	"INSERT INTO loyalty.entry SELECT * FROM loyalty.entry",
	"DELETE FROM loyalty.entry",
	"INSERT INTO loyalty.account SELECT * FROM loyalty.account",
	"INSERT INTO loyalty.awards (member, points, ref) VALUES ('anna', 1, 'x')",
	"SELECT loyalty.award('anna', 1, 'x', program => 'club')",
	"CALL loyalty.sweep()")
{
	like(error_of($node, 'postgres', "SET ROLE till; $statement"), qr/42501/, "no privilege: $statement");
}
is(state($node, 'postgres'), $before, 'nothing is changed');

# What a role that may post needs, and what it can do with it.
$node->safe_psql('postgres', <<'END');
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA loyalty TO till;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA loyalty TO till;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA loyalty TO till;
END
is(error_of($node, 'postgres', "SET ROLE till; SELECT loyalty.award('anna', 1, 'till1', program => 'club')"), '', 'a role that was granted all of it posts');
like(error_of($node, 'postgres', "SET ROLE till; UPDATE loyalty.account SET balance = 7"), qr/LY012/, '... and writes no account directly');
like(error_of($node, 'postgres', "ALTER TABLE loyalty.entry ENABLE ROW LEVEL SECURITY; SET ROLE till; SELECT loyalty.award('anna', 1, 'till2', program => 'club')"),
	qr/LY015/, '... and does not post past row security');
$node->safe_psql('postgres', 'ALTER TABLE loyalty.entry DISABLE ROW LEVEL SECURITY');
like(error_of($node, 'postgres', "BEGIN READ ONLY; SELECT loyalty.award('anna', 1, 'ro', program => 'club')"), qr/25006/, 'no posting in a read-only transaction');
like(error_of($node, 'postgres', "BEGIN READ ONLY; INSERT INTO loyalty.awards (member, points, ref, program) VALUES ('anna', 1, 'ro', 'club')"), qr/25006/, '... nor by a view');

# The zone of a program with accounts stays (S8).
like(error_of($node, 'postgres', "UPDATE loyalty.program SET timezone = 'UTC' WHERE code = 'club'"), qr/LY012/, 'the zone of a program with accounts cannot change');
is(error_of($node, 'postgres', "UPDATE loyalty.program SET name = 'The club' WHERE code = 'club'"), '', 'its name can');
is_sound($node, 'postgres', 'after all that');

# ------------------------------------------------------- what users hang on it

# Runs in a database of its own, made from one with three members.
$node->safe_psql('postgres', 'CREATE DATABASE plain');
$node->safe_psql('plain', <<'END');
CREATE EXTENSION loyalty;
INSERT INTO loyalty.program (code, name) VALUES ('club', 'Club');
SELECT loyalty.enroll(m) FROM unnest(ARRAY['anna', 'ben', 'carl']) AS m;
SELECT loyalty.award('anna', 100, 'start');
CREATE TABLE public.seen (account_id bigint, seq bigint, points bigint, usable bigint);
END
my $case = 0;

sub with_trigger
{
	my ($what, $setup, $check) = @_;
	my $database = 'trigger' . ++$case;

	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE plain");
	$node->safe_psql($database, $setup);
	$check->($database);
	is_sound($node, $database, "with $what");
	return;
}

# One posting by a function and one statement on a view.
my $function = "SELECT loyalty.award('anna', 10, 'f1')";
my $view = "INSERT INTO loyalty.awards (member, points, ref) VALUES ('anna', 10, 'v1'), ('ben', 10, 'v1'), ('anna', 10, 'v2')";
my $returning = "INSERT INTO loyalty.awards (member, points, ref) VALUES ('anna', 10, 'w1') RETURNING entry";

with_trigger('an AFTER ROW trigger that reads', <<'END',
CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.seen SELECT NEW.account_id, NEW.seq, NEW.points, a.usable FROM loyalty.account a WHERE a.id = NEW.account_id;
	RETURN NULL;
END $$;
CREATE TRIGGER see AFTER INSERT ON loyalty.entry FOR EACH ROW EXECUTE FUNCTION public.see();
END
	sub {
		my ($database) = @_;
		is(error_of($node, $database, "$function; $returning"), '', 'AFTER ROW trigger on entry: postings go through');
		is($node->safe_psql($database, 'SELECT string_agg(concat_ws(\' \', account_id, seq, points, usable), \', \' ORDER BY seq) FROM public.seen'),
			'1 3 10 110, 1 4 10 120', '... and it sees entry and account as they are now');
		is(error_of($node, $database, $view), '', '... and a statement on a view, too');
		is($node->safe_psql($database, 'SELECT count(*), sum(points) FROM public.seen'), '5|50', '... once a row');
	});

with_trigger('an AFTER trigger of one column of the account', <<'END',
CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.seen VALUES (NEW.id, NEW.seq, NEW.balance - OLD.balance, NEW.usable);
	RETURN NULL;
END $$;
CREATE TRIGGER see AFTER UPDATE OF balance ON loyalty.account FOR EACH ROW WHEN (OLD.balance <> NEW.balance) EXECUTE FUNCTION public.see();
END
	sub {
		my ($database) = @_;
		is(error_of($node, $database, $function), '', 'AFTER UPDATE OF balance: a posting goes through');
		is(error_of($node, $database, "SELECT loyalty.hold('anna', 20, 'h1')"), '', '... and one that leaves the balance');
		is($node->safe_psql($database, 'SELECT points, usable FROM public.seen'), '10|110', '... and it fires for the first');
	});

# A bonus for a friend: posts to another account from within.
with_trigger('a trigger that posts to another account', <<'END',
CREATE FUNCTION public.bonus() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM loyalty.award('carl', 1, 'for ' || NEW.account_id || ' ' || NEW.seq);
	RETURN NULL;
END $$;
CREATE TRIGGER bonus AFTER INSERT ON loyalty.entry FOR EACH ROW
WHEN (NEW.kind::text = 'award' AND NEW.account_id <> 3) EXECUTE FUNCTION public.bonus();
END
	sub {
		my ($database) = @_;
		is(error_of($node, $database, "$function; $view; $returning"), '', 'an AFTER trigger posts to another account');
		is($node->safe_psql($database, "SELECT balance FROM loyalty.balance('carl')"), 5, '... once for each');
	});

# The same account again, bounded by the trigger's condition.
with_trigger('a trigger that posts to the same account', <<'END',
CREATE FUNCTION public.more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM loyalty.award((SELECT m.key FROM loyalty.member m JOIN loyalty.account a ON a.member_id = m.id WHERE a.id = NEW.account_id),
		1, 'more ' || NEW.seq, 'bonus');
	RETURN NULL;
END $$;
CREATE TRIGGER more AFTER INSERT ON loyalty.entry FOR EACH ROW
WHEN (NEW.kind::text = 'award' AND NEW.reason IS DISTINCT FROM 'bonus') EXECUTE FUNCTION public.more();
END
	sub {
		my ($database) = @_;
		foreach ($function, $view, $returning)
		{
			my $error = error_of($node, $database, $_);
			like($error, qr/^$|LY013/, "an AFTER trigger posts to the same account, or is refused clearly: $_");
			my $awards = $node->safe_psql($database, "SELECT count(*) FILTER (WHERE reason = 'bonus') - count(*) FILTER (WHERE reason IS NULL AND ref <> 'start') FROM loyalty.entry WHERE kind::text = 'award'");
			is($awards, 0, '... and each award has its bonus, or neither is there');
		}
	});

# Other things that a shop hangs on the journal.
with_trigger('foreign keys and deferred triggers of the shop', <<'END',
CREATE TABLE public.reward (account_id bigint, seq bigint, FOREIGN KEY (account_id, seq) REFERENCES loyalty.entry DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION public.late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.seen VALUES (NEW.account_id, NEW.seq, NEW.points);
	RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON loyalty.entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.late();
END
	sub {
		my ($database) = @_;
		is(error_of($node, $database, "BEGIN; INSERT INTO public.reward VALUES (1, 3); $function; $view; COMMIT"), '', 'a deferred foreign key on entry, and a deferred trigger');
		is($node->safe_psql($database, 'SELECT count(*) FROM public.seen'), 4, '... which fires at commit, once a row');
		like(error_of($node, $database, 'INSERT INTO public.reward VALUES (1, 300)'), qr/23503/, '... and the key is checked');
	});

# A trigger that fails takes the posting with it.
with_trigger('a trigger that fails', <<'END',
CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'no' USING ERRCODE = 'P0007';
END $$;
CREATE TRIGGER fail AFTER INSERT ON loyalty.entry FOR EACH ROW WHEN (NEW.points = 13) EXECUTE FUNCTION public.fail();
END
	sub {
		my ($database) = @_;
		like(error_of($node, $database, "SELECT loyalty.award('anna', 13, 'x')"), qr/P0007/, 'the error of a trigger comes through');
		is( error_of($node, $database, <<'END'), '', '... and a savepoint gets over it, in one session');
BEGIN;
SELECT loyalty.award('anna', 1, 'x1');
DO $$ BEGIN PERFORM loyalty.award('anna', 13, 'x2'); EXCEPTION WHEN SQLSTATE 'P0007' THEN NULL; END $$;
SELECT loyalty.award('anna', 2, 'x3');
COMMIT;
END
		is($node->safe_psql($database, "SELECT balance FROM loyalty.balance('anna')"), 103, '... and only that posting is gone');
	});

# BEFORE ROW triggers could lose or change a row behind the hash: refused.
foreach my $table ('entry', 'account')
{
	my $event = $table eq 'entry' ? 'INSERT' : 'UPDATE';
	foreach my $body ('RETURN NULL', 'NEW.balance := 999; RETURN NEW', 'RETURN NEW')
	{
		with_trigger("a BEFORE ROW trigger on $table", <<"END",
CREATE FUNCTION public.meddle() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN $body; END \$\$;
CREATE TRIGGER meddle BEFORE $event ON loyalty.$table FOR EACH ROW EXECUTE FUNCTION public.meddle();
END
			sub {
				my ($database) = @_;
				my $was = state($node, $database);
				foreach ($function, $view, $returning)
				{
					like(error_of($node, $database, $_), qr/LY013/, "BEFORE ROW trigger on $table ($body): refused: $_");
				}
				is(state($node, $database), $was, '... and nothing is posted');
				is( error_of($node, $database, "DROP TRIGGER meddle ON loyalty.$table; $function"), '', '... until it is gone');
			});
	}
}

# A function called within a posting's own statement that posts to the same account.
with_trigger('a posting in the arguments of a posting', <<'END',
CREATE FUNCTION public.inner_award(member text, ref text) RETURNS bigint LANGUAGE sql VOLATILE AS
'SELECT points FROM loyalty.award(member, 5, ref)';
END
	sub {
		my ($database) = @_;
		is(error_of($node, $database, "SELECT loyalty.award('anna', public.inner_award('anna', 'i1'), 'o1')"), '', 'a posting in the arguments of a posting');
		is(error_of($node, $database, "INSERT INTO loyalty.awards (member, points, ref) SELECT 'anna', public.inner_award('anna', 'i' || i), 'o' || i FROM generate_series(2, 5) AS i"), '', '... and of a statement on a view');
		is($node->safe_psql($database, "SELECT balance FROM loyalty.balance('anna')"), 150, '... each posts');
	});

$node->stop;
done_testing();
