# Indexes rebuilt and tables rewritten under sessions that go on posting: nothing
# is kept between calls that such a change would leave pointing nowhere.
use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LoyaltyTest;

my $node = new_node('maintenance');
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION loyalty;
INSERT INTO loyalty.program (code, name) VALUES ('club', 'Club');
SELECT loyalty.enroll('m' || i) FROM generate_series(1, 8) AS i;
SELECT loyalty.award('m' || i, 1000, 'start') FROM generate_series(1, 8) AS i;
CREATE SEQUENCE public.ref;
END
my $key = $node->safe_psql('postgres', "SELECT relname FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'loyalty.account'::regclass AND indisprimary");
my $entry_key = $node->safe_psql('postgres', "SELECT relname FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'loyalty.entry'::regclass AND indisprimary");

my @between = (
	'REINDEX TABLE CONCURRENTLY loyalty.account',
	'REINDEX TABLE CONCURRENTLY loyalty.entry',
	'REINDEX TABLE CONCURRENTLY loyalty.member',
	'REINDEX SCHEMA loyalty',
	'VACUUM FULL loyalty.account',
	'VACUUM FULL loyalty.entry',
	'VACUUM FULL loyalty.program',
	'VACUUM FULL loyalty.member',
	'VACUUM FULL loyalty.hold',
	'VACUUM FREEZE loyalty.entry',
	"CLUSTER loyalty.account USING $key",
	"CLUSTER loyalty.entry USING $entry_key",
	'ANALYZE',
	'CREATE INDEX CONCURRENTLY by_amount ON loyalty.entry (amount)',
	'DROP INDEX CONCURRENTLY loyalty.by_amount',
	'ALTER TABLE loyalty.account SET (fillfactor = 70)',
	'ALTER TABLE loyalty.entry SET (autovacuum_enabled = off)',
	'ALTER TABLE loyalty.account ADD COLUMN note text; ALTER TABLE loyalty.account DROP COLUMN note',
	'CREATE OR REPLACE FUNCTION public.unrelated() RETURNS int LANGUAGE sql AS \'SELECT 1\'',
	'DISCARD PLANS',
);

# In one session, with a posting of each path after each.
my $i = 0;
my $script = '';
foreach my $statement (@between)
{
	$i++;
	$script .= "$statement;\n"
	  . "SELECT loyalty.award('m1', 2, 'a$i');\n"
	  . "SELECT loyalty.transfer('m1', 'm2', 1, 't$i');\n"
	  . "SELECT loyalty.hold('m2', 1, 'h$i'), loyalty.release('m2', 'h$i', 'h$i');\n"
	  . "INSERT INTO loyalty.spends (member, points, ref) VALUES ('m1', 1, 's$i'), ('m3', 1, 's$i');\n"
	  . "SELECT 1 / (count(*) FILTER (WHERE usable >= 0)) FROM loyalty.balance('m1');\n";
}
is(error_of($node, 'postgres', $script), '', 'in one session, after each of ' . @between);
is( $node->safe_psql('postgres', "SELECT string_agg(balance::text, ' ' ORDER BY member) FROM loyalty.balances WHERE member IN ('m1', 'm2', 'm3')"),
	join(' ', 1000, 1000 + $i, 1000 - $i), 'every posting is there');
is_sound($node, 'postgres', 'after that');

# What can run within a transaction, between two postings of it.
foreach my $statement (grep { !/CONCURRENTLY|VACUUM|DISCARD|SCHEMA/ } @between,
	"REINDEX TABLE loyalty.account", "REINDEX TABLE loyalty.entry")
{
	$i++;
	is( error_of($node, 'postgres', <<"END"), '', "within a transaction: $statement");
BEGIN;
SELECT loyalty.award('m4', 2, 'a$i');
INSERT INTO loyalty.awards (member, points, ref) VALUES ('m4', 1, 'b$i'), ('m5', 1, 'b$i');
SAVEPOINT here;
$statement;
SELECT loyalty.spend('m4', 1, 's$i');
ROLLBACK TO here;
SELECT loyalty.award('m4', 1, 'c$i');
$statement;
SELECT loyalty.spend('m4', 1, 's$i');
INSERT INTO loyalty.spends (member, points, ref) VALUES ('m4', 1, 'u$i'), ('m5', 1, 'u$i');
COMMIT;
END
}
is_sound($node, 'postgres', 'after that, too');

# And by one session while eight others post.
my $file = PostgreSQL::Test::Utils::tempdir . '/load.sql';
PostgreSQL::Test::Utils::append_to_file($file, <<'END');
\set m random(1, 8)
\set o 1 + (:m + random(0, 6)) % 8
SELECT nextval('public.ref') AS ref \gset
SELECT loyalty.award('m' || :m, 2, 'load' || :ref);
SELECT loyalty.transfer('m' || :m, 'm' || :o, 1, 'move' || :ref);
INSERT INTO loyalty.awards (member, points, ref) SELECT 'm' || x, 1, 'view' || :ref FROM generate_series(1, 8) AS x;
END
my $sum = $node->safe_psql('postgres', 'SELECT sum(balance) FROM loyalty.account');
my ($out, $err) = ('', '');
my $load = IPC::Run::start(
	[ 'pgbench', '-n', '-c', 8, '-j', 2, '-T', 20, '-f', $file, $node->connstr('postgres') ],
	'>', \$out, '2>', \$err);
my $rounds = 0;
while ($load->pumpable && $err !~ /error/ && $rounds < 3)
{
	$rounds++;
	foreach my $statement (grep { !/DISCARD/ } @between)
	{
		my $error = error_of($node, 'postgres', $statement);
		is($error, '', "while others post: $statement") if $error || $rounds == 1;
		# it may have ended, where the machine is slow
		eval { $load->pump_nb };
	}
}
ok($load->finish, "eight sessions post meanwhile ($rounds rounds)") or diag($err);
my ($done) = $out =~ /number of transactions actually processed: (\d+)/;
like($out, qr/number of failed transactions: 0 /, 'none of them fails');
is($node->safe_psql('postgres', 'SELECT sum(balance) FROM loyalty.account') - $sum, $done * 10, "and every point is there ($done transactions)");
is_sound($node, 'postgres', 'at the end');

# Whatever is looked up in a catalog may let a change of the table in: each
# session is new, so that it looks everything up.
$node->safe_psql('postgres', "INSERT INTO loyalty.rules (code, points) VALUES ('r', '1')");
unlink $file;
PostgreSQL::Test::Utils::append_to_file($file, <<'END');
SELECT nextval('public.ref') AS ref \gset
UPDATE loyalty.rules SET points = '2' WHERE code = 'r';
SELECT loyalty.purchase('m1', 1, 'new' || :ref);
END
($out, $err) = ('', '');
$load = IPC::Run::start(
	[ 'pgbench', '-n', '-C', '-c', 6, '-j', 2, '-T', 10, '-f', $file, $node->connstr('postgres') ],
	'>', \$out, '2>', \$err);
my $changes = join ' ', map { "ALTER TABLE loyalty.$_ SET (autovacuum_enabled = on);" } qw(rule program account entry member tally);
while ($load->pumpable && $err !~ /error/)
{
	$node->safe_psql('postgres', $changes x 50);
	eval { $load->pump_nb };
}
ok($load->finish, 'new sessions write and post while their tables are changed') or diag($err);
like($out, qr/number of failed transactions: 0 /, 'none of these fails');

$node->stop;
done_testing();
