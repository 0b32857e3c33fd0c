# The shop's test application on node and pg (test/app/shop.js): what it does
# to its own tables, the ledger follows.  It prints its own tests.
use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;
use LoyaltyTest;

my $app = "$ENV{TESTDIR}/app/shop.js";
# Debian's place for packages of node
local $ENV{NODE_PATH} = join ':', grep { defined && length } $ENV{NODE_PATH}, '/usr/share/nodejs';
plan skip_all => 'node with pg is not installed (Debian: nodejs, node-pg)'
  if system("node -e 'require(\"pg\")' >/dev/null 2>&1") != 0;
plan skip_all => "$app is not there" unless -e $app;

my $node = new_node('node_shop');
my $out = '';
{
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres', PGUSER => getpwuid($<));
	$out = `node $app 2>&1`;
	is($?, 0, 'the application ends well');
}
note $out;
foreach (split /\n/, $out)
{
	ok($1 eq 'ok', $2) if /^(ok|not ok) \d+ - (.*)/;
	diag $_ if /^# /;
}
is_sound($node, 'postgres', 'after the application');

$node->stop;
done_testing();
