# Dropping the extension over entries is refused, whoever asks and however, until
# the setting allows it.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LoyaltyTest;

my $node = new_node('drop');

# An empty ledger may go.
$node->safe_psql('postgres', 'CREATE EXTENSION loyalty');
is(error_of($node, 'postgres', 'DROP EXTENSION loyalty'), '', 'without entries the extension can be dropped');
$node->safe_psql('postgres', 'DROP SCHEMA IF EXISTS loyalty');

fill($node, 'postgres', 0);
my $before = state($node, 'postgres');

# Each in a session of its own, which has not loaded the library before.
my @drops = (
	'DROP TABLE public.visit; DROP EXTENSION loyalty',
	'DROP EXTENSION loyalty CASCADE',
	'DROP EXTENSION IF EXISTS plpgsql, loyalty CASCADE',
	'DROP SCHEMA loyalty CASCADE',
	'DROP SCHEMA public, loyalty CASCADE',
	'BEGIN; DROP EXTENSION loyalty CASCADE; COMMIT',
	'DO $$ BEGIN EXECUTE \'DROP EXTENSION loyalty CASCADE\'; END $$',
	'SET session_replication_role = replica; DROP EXTENSION loyalty CASCADE',
	'ALTER EXTENSION loyalty DROP TABLE loyalty.entry; DROP TABLE loyalty.entry CASCADE',
	'ALTER EXTENSION loyalty DROP TABLE loyalty.account; DROP TABLE loyalty.account CASCADE',
);
foreach my $drop (@drops)
{
	my $error = error_of($node, 'postgres', "BEGIN; $drop");
	like($error, qr/LY012/, "refused: $drop");
	like($error, qr/HINT:.*loyalty\.allow_drop/s, '... with the setting in the hint');
}
# Members of an extension cannot be dropped by themselves.
foreach my $drop ('DROP TABLE loyalty.entry', 'DROP TABLE loyalty.entry CASCADE',
	'DROP FUNCTION loyalty.spend CASCADE', 'DROP TYPE loyalty.lot_queue CASCADE')
{
	like(error_of($node, 'postgres', $drop), qr/2BP01|LY012/, "refused: $drop");
}
like(error_of($node, 'postgres', 'BEGIN; DROP EXTENSION plpgsql CASCADE'), qr/^$|2BP01|LY012/, 'plpgsql may go, and no entry with it');
is(state($node, 'postgres'), $before, 'nothing is changed');

# The columns are the ledger's, but for those that its owner added.  (2BP01: views show them.)
foreach my $column (qw(account.balance account.lots entry.hash entry.lines))
{
	my ($table, $name) = split /\./, $column;
	like(error_of($node, 'postgres', "ALTER TABLE loyalty.$table DROP COLUMN $name"), qr/2BP01|LY012/, "refused: dropping column $column");
	like(error_of($node, 'postgres', "ALTER TABLE loyalty.$table DROP COLUMN $name CASCADE"), qr/LY012/, '... with CASCADE, too');
}
foreach my $table (qw(account entry))
{
	is(error_of($node, 'postgres', "ALTER TABLE loyalty.$table ADD COLUMN note text; ALTER TABLE loyalty.$table DROP COLUMN note"),
		'', "a column that was added to $table can be dropped");
}
is(state($node, 'postgres'), $before, 'nothing is changed');

# A drop that is rolled back leaves everything.
is(error_of($node, 'postgres', 'BEGIN; SET LOCAL loyalty.allow_drop = on; DROP EXTENSION loyalty CASCADE; ROLLBACK'),
	'', 'dropped with the setting, and rolled back');
is(state($node, 'postgres'), $before, 'nothing is changed');
is( error_of($node, 'postgres', <<'END'), '', 'in one session: post, drop, roll back, post');
SELECT loyalty.award('anna', 1, 'x1', program => 'club');
BEGIN;
SET LOCAL loyalty.allow_drop = on;
DROP EXTENSION loyalty CASCADE;
ROLLBACK;
SELECT loyalty.award('anna', 1, 'x2', program => 'club');
END
is_sound($node, 'postgres', 'after that');

# Another drop is none of its business.
is(error_of($node, 'postgres', 'CREATE SCHEMA other; CREATE TABLE other.entry (a int); INSERT INTO other.entry VALUES (1); DROP SCHEMA other CASCADE'),
	'', 'a table of the same name in another schema can be dropped');

# The ledger in another database is not in the way of this one.
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', 'CREATE EXTENSION loyalty');
is(error_of($node, 'other', 'DROP EXTENSION loyalty CASCADE'), '', 'nor is one in another database');

# With the setting it goes, and can come again in the same session.
is( error_of($node, 'postgres', <<'END'), '', 'dropped with the setting, and made anew in the same session');
SET loyalty.allow_drop = on;
DROP EXTENSION loyalty CASCADE;
CREATE EXTENSION loyalty;
INSERT INTO loyalty.program (code, name) VALUES ('club', 'Club');
SELECT loyalty.enroll('anna'), loyalty.award('anna', 10, 'a1');
SELECT 1 / count(*) FROM loyalty.balance('anna') WHERE balance = 10;
END
is_sound($node, 'postgres', 'in the new one');

$node->stop;
done_testing();
