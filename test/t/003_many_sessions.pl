# Sessions that meet on few accounts: no posting fails, none is lost, none is
# made twice, and nothing is spent that is not there.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LoyaltyTest;

my $node = new_node('many', conf => 'max_connections = 60');

$node->safe_psql('postgres', <<'END');
CREATE EXTENSION loyalty;
INSERT INTO loyalty.program (code, name) VALUES ('club', 'Club');
SELECT loyalty.enroll('m' || i) FROM generate_series(1, 4) AS i;
SELECT loyalty.award('m' || i, 1000000, 'start') FROM generate_series(1, 4) AS i;

-- What a caller does that lives with "not enough points": 0 then.
CREATE FUNCTION public.try_spend(member text, points bigint, ref text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	RETURN (loyalty.spend(member, points, ref)).points;
EXCEPTION WHEN SQLSTATE 'LY001' THEN
	RETURN 0;
END $$;
CREATE FUNCTION public.try_hold(member text, points bigint, ref text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM loyalty.hold(member, points, ref);
	RETURN -points;
EXCEPTION WHEN SQLSTATE 'LY001' THEN
	RETURN 0;
END $$;
CREATE TABLE public.told (points bigint);
CREATE SEQUENCE public.ref;
END

# Runs pgbench; it must end well.
sub load_ok
{
	my ($name, $options, $script) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir . '/script.sql';

	PostgreSQL::Test::Utils::append_to_file($file, $script);
	$node->command_checks_all(
		[ 'pgbench', '-n', @$options, '-f', $file, 'postgres' ],
		0, [qr/number of failed transactions: 0 /], [qr/^((?!aborted|error).)*$/is], $name);
	return;
}

# What the entries say of all refs that match.
sub sum_of
{
	my ($pattern) = @_;
	return $node->safe_psql('postgres',
		"SELECT coalesce(sum(points), 0) FROM loyalty.entry WHERE ref LIKE '$pattern'");
}

my $log = -s $node->logfile;

foreach my $mode ('simple', 'prepared')
{
	my $before = $node->safe_psql('postgres', 'SELECT sum(balance) FROM loyalty.account');
	load_ok("16 sessions on 4 accounts ($mode)", [ '-M', $mode, '-c', 16, '-j', 2, '-t', 250 ], <<"END");
\\set m random(1, 4)
\\set o 1 + (:m + random(0, 2)) % 4
\\set i random(1, 1000000000000)
SELECT loyalty.award('m' || :m, 5, concat_ws('-', '$mode a', :client_id::int, :i::bigint));
SELECT loyalty.spend('m' || :m, 3, concat_ws('-', '$mode s', :client_id::int, :i::bigint));
SELECT loyalty.transfer('m' || :m, 'm' || :o, 2, concat_ws('-', '$mode t', :client_id::int, :i::bigint));
BEGIN;
SELECT loyalty.hold('m' || :m, 10, concat_ws('-', '$mode h', :client_id::int, :i::bigint));
SELECT loyalty.capture('m' || :m, concat_ws('-', '$mode h', :client_id::int, :i::bigint), concat_ws('-', '$mode h', :client_id::int, :i::bigint), 4);
COMMIT;
INSERT INTO loyalty.awards (member, points, ref) SELECT 'm' || x, 1, concat_ws('-', '$mode v', :client_id::int, :i::bigint) FROM generate_series(1, 4) AS x ORDER BY random();
END
	is( $node->safe_psql('postgres', 'SELECT sum(balance) FROM loyalty.account') - $before,
		16 * 250 * (5 - 3 - 4 + 4),
		"not a point more or less ($mode)");
	is(sum_of("$mode a%"), 16 * 250 * 5, "every award is there, once ($mode)");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM loyalty.hold'), 0, "no hold is left ($mode)");
	is_sound($node, 'postgres', "after 16 sessions ($mode)");
}

# Under a transaction snapshot only serialization failures may come, and trying again helps.
foreach my $level ('repeatable read', 'serializable')
{
	local $ENV{PGOPTIONS} = '-c default_transaction_isolation=' . $level =~ s/ /\\ /r;
	my $before = $node->safe_psql('postgres', 'SELECT sum(balance) FROM loyalty.account');
	load_ok("8 sessions, $level", [ '-c', 8, '-j', 2, '-t', 100, '--max-tries', 10000 ], <<"END");
\\set m random(1, 4)
\\set i random(1, 1000000000000)
BEGIN;
SELECT balance FROM loyalty.balance('m' || :m);
SELECT loyalty.award('m' || :m, 5, concat_ws('-', '$level', :client_id::int, :i::bigint));
COMMIT;
END
	is( $node->safe_psql('postgres', 'SELECT sum(balance) FROM loyalty.account') - $before,
		8 * 100 * 5, "not a point more or less, $level");
}
is_sound($node, 'postgres', 'under transaction snapshots');

# 32 sessions want 3,200 points, in spends and holds; there are 1,000.
$node->safe_psql('postgres', "SELECT loyalty.enroll('race'), loyalty.award('race', 1000, 'start')");
load_ok('32 sessions want more than there is', [ '-c', 32, '-j', 2, '-t', 100 ], <<'END');
\set hold random(0, 3)
\if :hold = 0
INSERT INTO public.told SELECT public.try_hold('race', 1, 'race' || nextval('public.ref'));
\else
INSERT INTO public.told SELECT public.try_spend('race', 1, 'race' || nextval('public.ref'));
\endif
END
is($node->safe_psql('postgres', 'SELECT count(*), sum(points) FROM public.told'),
	'3200|-1000', 'exactly what is there is given out');
is($node->safe_psql('postgres', "SELECT balance - held, usable FROM loyalty.balance('race')"), '0|0', 'and nothing is left');

# 16 sessions ask for the same 200 refs.
$node->safe_psql('postgres', "SELECT loyalty.enroll('same')");
load_ok('16 sessions with the same refs', [ '-c', 16, '-j', 2, '-t', 200, '-D', 'i=0' ], <<'END');
\set i :i + 1
SELECT loyalty.award('same', 3, 'same' || :i);
END
is($node->safe_psql('postgres', "SELECT balance FROM loyalty.balance('same')"), 600, 'each ref is posted once');

# 16 sessions enroll the same members, who then get a point from each.
load_ok('16 sessions enroll the same members', [ '-c', 16, '-j', 2, '-t', 50, '-D', 'i=0' ], <<'END');
\set i :i + 1
SELECT loyalty.enroll('new' || :i);
SELECT loyalty.award('new' || :i, 1, 'from ' || :client_id::int);
END
is( $node->safe_psql('postgres', "SELECT count(*), min(balance), max(balance) FROM loyalty.balances WHERE member LIKE 'new%'"),
	'50|16|16', 'each member is there once, with all the points');
is_sound($node, 'postgres', 'at the end');

my $said = substr(slurp_file($node->logfile), $log);
unlike($said, qr/deadlock detected|WARNING:|PANIC:|XX000|TRAP:/, 'nothing untoward in the log of the server');

$node->stop;
done_testing();
