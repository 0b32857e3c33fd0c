# A dump restored into a new database gives identical tables and sequences,
# however it was made, and the ledger goes on from there.
use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;
use LoyaltyTest;

my $node = new_node('shop');
my $dir = PostgreSQL::Test::Utils::tempdir;

$node->safe_psql('postgres', 'CREATE DATABASE filled');
fill($node, 'filled', 2000);
is_sound($node, 'filled', 'before the dump');
my $before = state($node, 'filled');
like($before, qr/^loyalty\.hold\n\(/m, 'there is something to lose');

my $rules_go_on = join "\n", '90|or|base 40, double 50', 10, '150 50',
	'basic joined, or reached, basic joined, or grant, basic grant ended, or grant, basic grant ended';

# What goes on in a restored database: entries continue, and so do the sequences.
sub goes_on
{
	my ($database, $how) = @_;

	$node->safe_psql($database, "SELECT loyalty.settle('anna', program => 'club')");
	my $seq = $node->safe_psql($database, "SELECT seq FROM loyalty.account WHERE id = 1");
	my $ids = $node->safe_psql($database, "SELECT max(id) FROM loyalty.account");
	is( $node->safe_psql($database, <<'END'), join('|', $seq + 1, $ids + 1), "$how: the next posting continues");
SELECT (loyalty.award('anna', 5, 'after', program => 'club')).entry,
	(loyalty.enroll('new', program => 'club')).account
END
	is( $node->safe_psql($database, <<'END'), 't|500', "$how: what was posted before is known");
SELECT "repeat", points FROM loyalty.award('anna', 500, 'a1', 'welcome', '2024-12-31', at => '2024-02-06', program => 'club')
END
	# 160 computed, 50 left of the campaign's 150; the gift has been given three times in the month.
	is( $node->safe_psql($database, <<'END'), $rules_go_on, "$how: rules, caps, budgets and tiers go on");
SET loyalty.program = 'règles';
SELECT r.points, r.tier, (SELECT string_agg(p ->> 'part' || ' ' || (p ->> 'given'), ', ') FROM jsonb_array_elements(r.parts) p)
FROM loyalty.purchase('gerd', 40.00, 'after', '[{"sku": "A", "category": "vin", "quantity": 8, "amount": 40.00}]', at => '2024-06-28 12:00-04') r;
SELECT points FROM loyalty.activity('gerd', 'review', 'after review', at => '2024-06-28 12:00-04');
SELECT string_agg(spent::text, ' ' ORDER BY id) FROM loyalty.budget;
SELECT string_agg(tier || ' ' || cause, ', ' ORDER BY member, entry) FROM loyalty.tier_history WHERE program = 'règles';
END
	like(error_of($node, $database, 'DELETE FROM loyalty.entry'), qr/LY012/, "$how: the guards stand");
	like(error_of($node, $database, 'DROP EXTENSION loyalty CASCADE'), qr/LY012/, "$how: it cannot be dropped");
	is_sound($node, $database, "$how, and one posting on");
	return;
}

# Each way: dump options, and the commands that restore FILE into DATABASE.
my $psql = sub { [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $_[0], '-f', $_[1] ] };
my @ways = (
	[ 'plain', [], $psql ],
	[ 'inserts', ['--inserts'], $psql ],
	[ 'column_inserts', ['--column-inserts'], $psql ],
	[ 'custom', ['-Fc'], sub { [ 'pg_restore', '--exit-on-error', '-d', @_ ] } ],
	[ 'one_transaction', ['-Fc'], sub { [ 'pg_restore', '--single-transaction', '-d', @_ ] } ],
	[ 'directory_of_4_jobs', [ '-Fd', '-j', '4' ], sub { [ 'pg_restore', '--exit-on-error', '-j', '4', '-d', @_ ] } ],
	[   'three_sections', ['-Fc'],
		sub { map { my $s = $_; [ 'pg_restore', '--exit-on-error', "--section=$s", '-d', @_ ] } qw(pre-data data post-data) }
	],
	[   'schema_then_data', ['-Fc'],
		sub { ([ 'pg_restore', '--exit-on-error', '--schema-only', '-d', @_ ],
				[ 'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers', '-d', @_ ]) }
	]);

foreach my $way (@ways)
{
	my ($how, $options, $restore) = @$way;
	my $file = "$dir/$how.dump";

	$node->safe_psql('postgres', "CREATE DATABASE $how");
	$node->command_ok([ 'pg_dump', @$options, '-f', $file, 'filled' ], "$how: dump");
	$node->command_ok($_, "$how: restore") foreach $restore->($how, $file);
	is(state($node, $how), $before, "$how: identical tables and sequences");
	is_sound($node, $how, "after $how");
	goes_on($how, $how);
}

# The dump of a restored database is the dump.
$node->safe_psql('postgres', 'CREATE DATABASE again');
$node->command_ok([ 'pg_dump', '-f', "$dir/first.sql", 'filled' ], 'dump');
$node->command_ok($psql->('again', "$dir/first.sql"), 'restore');
$node->command_ok([ 'pg_dump', '-f', "$dir/second.sql", 'again' ], 'dump of the restored database');
# Security releases put a random key into \restrict.
my ($first, $second) = map { slurp_file($_) =~ s/^\\(un)?restrict.*\n//gmr } "$dir/first.sql", "$dir/second.sql";
is($second, $first, 'a dump of the restored database is the same, byte by byte');

# Over a filled database: nothing happens without the setting, everything with it.
$node->command_ok([ 'pg_dump', '--clean', '--if-exists', '-f', "$dir/clean.sql", 'filled' ], 'clean: dump');
goes_on('filled', 'since the dump');
my $since = state($node, 'filled');
isnt($since, $before, 'clean: the database has gone on since');
$node->command_fails_like([ @{ $psql->('filled', "$dir/clean.sql") }, '-1' ],
	qr/loyalty\.allow_drop/, 'clean: refused over entries, with the setting in the hint');
is(state($node, 'filled'), $since, 'clean: and nothing is changed');
{
	local $ENV{PGOPTIONS} = '-c loyalty.allow_drop=on';
	$node->command_ok([ @{ $psql->('filled', "$dir/clean.sql") }, '-1' ], 'clean: restored with the setting');
}
is(state($node, 'filled'), $before, 'clean: identical tables and sequences');
goes_on('filled', 'clean');

$node->stop;
done_testing();
