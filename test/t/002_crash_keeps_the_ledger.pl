# The server is killed under load, again and again: what was acknowledged is
# there, once; what was not is there once or not at all; and asking again for
# everything posts what is missing and nothing else.
use strict;
use warnings;

use Cwd ();
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);
use LoyaltyTest;

my $sessions = 8;
my $rounds = 4;
my $requests = 8000;	# of a session in a round: more than it gets done
my $enough = 3000;	# acknowledged by all, before the crash
my $members = 5;

my $node = new_node('crash', conf => 'restart_after_crash = on');
my $dir = PostgreSQL::Test::Utils::tempdir;

$node->safe_psql('postgres', <<"END");
CREATE EXTENSION loyalty;
INSERT INTO loyalty.program (code, name) VALUES ('club', 'Club');
SELECT loyalty.enroll('m' || i) FROM generate_series(0, $members - 1) AS i;
SELECT loyalty.award('m' || i, 1000000, 'start') FROM generate_series(0, $members - 1) AS i;
END

# The requests of a session: each prints its ref when it is acknowledged.
# A hold and its capture are one request in one transaction.
sub requests
{
	my ($round, $session) = @_;
	my $sql = '';

	for my $i (1 .. $requests)
	{
		my $ref = "$round-$session-$i";
		my $member = ($session + $i) % $members;
		my $other = ($member + 1 + $i % ($members - 1)) % $members;
		my $kind = $i % 5;

		if ($kind == 0)    { $sql .= "SELECT '$ref' FROM loyalty.award('m$member', 7, '$ref');\n"; }
		elsif ($kind == 1) { $sql .= "SELECT '$ref' FROM loyalty.spend('m$member', 3, '$ref');\n"; }
		elsif ($kind == 2) { $sql .= "SELECT '$ref' FROM loyalty.transfer('m$member', 'm$other', 2, '$ref');\n"; }
		elsif ($kind == 3) { $sql .= "SELECT '$ref' FROM loyalty.purchase('m$member', 4.50, '$ref', '[{\"sku\": \"x\", \"amount\": 4.50}]');\n"; }
		else
		{
			$sql .= "BEGIN;\nSELECT FROM loyalty.hold('m$member', 5, '$ref');\n"
			  . "SELECT FROM loyalty.capture('m$member', '$ref', '$ref', 4);\nCOMMIT;\n\\echo $ref\n";
		}
	}
	my $file = "$dir/$round-$session.sql";
	PostgreSQL::Test::Utils::append_to_file($file, $sql);
	return $file;
}

# Processes at work in a data directory.
sub workers_of
{
	my $data = Cwd::realpath(shift);

	return grep { (readlink("$_/cwd") // '') eq $data } glob '/proc/[0-9]*';
}

# Kills the postmaster, waits for its backends, which go when they notice, and
# starts another.
sub kill_postmaster
{
	my $data = $node->data_dir;

	$node->kill9;
	for (1 .. 1200)
	{
		last unless workers_of($data);
		usleep(50_000);
	}
	# Nobody works there any more.  In a container nobody may bury the dead,
	# and a new postmaster would take the old one for alive.
	for my $try (1 .. 40)
	{
		unlink "$data/postmaster.pid", $node->host . '/.s.PGSQL.' . $node->port . '.lock'
		  unless workers_of($data);
		$node->{_pid} = undef;
		return if $node->start(fail_ok => 1);
		usleep(500_000);
	}
	BAIL_OUT('the server does not start again: ' . slurp_file($node->logfile));
	return;
}

# Kills a session at work; the postmaster then ends all others, and recovers.
sub kill_backend
{
	my $pid = $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE application_name = 'load' ORDER BY state <> 'active' LIMIT 1");

	kill 9, $pid;
	return;
}

my (%acknowledged, @files);
for my $round (1 .. $rounds)
{
	my @loads;
	my @outputs = map { '' } 1 .. $sessions;

	for my $session (1 .. $sessions)
	{
		my $file = requests($round, $session);
		push @files, $file;
		local $ENV{PGAPPNAME} = 'load';
		push @loads, IPC::Run::start(
			[ 'psql', '-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', $node->connstr('postgres') ],
			'<', \undef, '>', \$outputs[ $session - 1 ], '2>', '/dev/null');
	}
	my $checkpoint = $enough / 2;
	for (my $until = time + 60; time < $until;)
	{
		my $done = 0;
		$_->pump_nb foreach @loads;
		$done += tr/\n// foreach @outputs;
		last if $done >= $enough;
		if ($done >= $checkpoint)
		{
			$node->safe_psql('postgres', 'CHECKPOINT');
			$checkpoint = $enough;
		}
		usleep(5_000);
	}
	my $ended = grep { !$_->pumpable } @loads;
	is($ended, 0, "round $round: all sessions were at work");
	$round % 2 ? kill_postmaster() : kill_backend();
	$_->finish foreach @loads;
	$node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or BAIL_OUT('no recovery');

	my @now = grep { /^\d+-\d+-\d+$/ } map { split /\n/ } @outputs;
	@acknowledged{@now} = ();
	cmp_ok(scalar @now, '>', 100, "round $round: " . @now . ' acknowledged before the crash');
	is_sound($node, 'postgres', "after round $round");
}

# One row a ref, which is the entry of its posting: a hold for hold and capture, which have the same.
my %found = map { split /\|/ } split /\n/,
  $node->safe_psql('postgres', q(SELECT ref, count(*) FROM loyalty.entry WHERE ref IS NOT NULL AND kind <> 'capture' GROUP BY ref));
my @lost = grep { !exists $found{$_} } sort keys %acknowledged;
is("@lost", '', 'every acknowledged posting is there (' . keys(%acknowledged) . ')');
my @twice = grep { $_ ne 'start' && $found{$_} != 1 } sort keys %found;
is("@twice", '', 'and none is there twice');
is( $node->safe_psql('postgres', <<'END'), '', 'every hold has its capture, every transfer both its sides');
SELECT ref FROM loyalty.entry h
WHERE kind::text = 'hold' AND NOT EXISTS (SELECT FROM loyalty.entry c WHERE c.account_id = h.account_id AND c.of_seq = h.seq AND c.kind::text = 'capture')
UNION ALL
SELECT ref FROM loyalty.entry o
WHERE kind::text = 'transfer_out' AND NOT EXISTS (SELECT FROM loyalty.entry i WHERE i.account_id = o.counterparty_id AND i.kind::text = 'transfer_in' AND i.of_ref = o.ref)
END

# The callers do not know what became of their last requests: they ask all again.
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', $_ ], "asked again: $_")
  foreach map { "$dir/$rounds-$_.sql" } 1 .. 2;
is( $node->safe_psql('postgres', <<"END"), '', 'asked again: each posted once');
SELECT session, i, count(e.ref)
FROM generate_series(1, 2) AS session CROSS JOIN generate_series(1, $requests) AS i
LEFT JOIN loyalty.entry e ON e.ref = concat_ws('-', $rounds, session, i) AND e.kind <> 'capture'
GROUP BY session, i HAVING count(e.ref) <> 1
END
is_sound($node, 'postgres', 'at the end');

$node->stop;
done_testing();
