# Databases of other encodings: keys, reasons and names of rules in Chinese, and a
# clear refusal where an encoding has no such character.  This file is ASCII.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LoyaltyTest;

my $node = new_node('encodings');
# "member" and "gift", of characters that the three encodings have; and an e with an acute accent.
my ($member, $gift, $accent) = ("\xe4\xbc\x9a\xe5\x93\xa1", "\xe7\xa4\xbc\xe5\x93\x81", "caf\xc3\xa9");
# Keys of an object are in the order of their lengths, which are others in another encoding.
my $attributes = qq({"$gift": "$gift", "abcde": [{"$gift": 1.50, "abcde": true}, null, []], "a": {}});
my %fingerprint;

sub run
{
	my ($database, $sql) = @_;
	my ($out, $err) = ('', '');

	local $ENV{PGCLIENTENCODING} = 'UTF8';
	$node->psql($database, $sql, stdout => \$out, stderr => \$err);
	return ($out, $err);
}

foreach my $encoding ('UTF8', 'EUC_CN', 'EUC_JP', 'EUC_KR', 'LATIN1')
{
	my $name = lc $encoding;
	# the traditional form of one character is not in EUC_CN, the simplified one of the other not in EUC_JP
	my %key = (UTF8 => $member, EUC_CN => "\xe4\xbc\x9a\xe5\x91\x98", EUC_JP => $member, EUC_KR => "\xe6\x9c\x83\xe5\x93\xa1", LATIN1 => $accent);
	my $key = $key{$encoding};

	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0 ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C'");
	my ($out, $err) = run($name, 'CREATE EXTENSION loyalty');
	is($err, '', "$encoding: CREATE EXTENSION");
	($out, $err) = run($name, <<"END");
INSERT INTO loyalty.program (code, name) VALUES ('club', '$key');
INSERT INTO loyalty.rules (code, name, points, condition) VALUES ('$key', '$key', '5', 'store = ''$key''');
SELECT kind FROM loyalty.enroll('$key', at => '2024-01-01');
SELECT points FROM loyalty.purchase('$key', 10.00, '$key', store => '$key', attributes => '{"$key": "$key"}', at => '2024-01-02');
SELECT points FROM loyalty.award('$key', 1, 'a', '$key', at => '2024-01-03');
SELECT reason FROM loyalty.statements WHERE ref = 'a';
SELECT count(*) FROM loyalty.verify();
END
	is($err, '', "$encoding: a program, a rule, a member and a reason in its characters");
	is($out, "enroll\n15\n1\n$key\n0", '... and back');
	($out, $err) = run($name, "SELECT loyalty.purchase('$key', -1, '$key$key')");
	like($err, qr/ERROR: .*amount/, "$encoding: an error can be told");
	# the same text has the same fingerprint in each encoding: it is hashed as UTF-8
	next if $encoding eq 'EUC_KR' or $encoding eq 'LATIN1';
	($fingerprint{$encoding}) = run($name, "SELECT loyalty.award('$key', 1, 'f', '$gift', attributes => '$attributes', at => '2024-01-04'); SELECT fingerprint FROM loyalty.entries WHERE ref = 'f'");
	$fingerprint{$encoding} =~ s/.*\n//s;
}
like($fingerprint{UTF8}, qr/^-?\d+$/, 'a request has a fingerprint');
is($fingerprint{$_}, $fingerprint{UTF8}, "it is the same in $_") foreach 'EUC_CN', 'EUC_JP';

# A ledger that moves to another encoding is the same ledger.
foreach my $from ('EUC_CN', 'EUC_JP')
{
	my ($name, $moved) = (lc $from, lc($from) . '_moved');

	$node->safe_psql('postgres', "CREATE DATABASE $moved TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	$node->command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-f', $node->basedir . "/$name.sql", $name ], "$from: dumped");
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, '-d', $moved, '-f', $node->basedir . "/$name.sql" ], '... and restored in UTF-8');
	is_sound($node, $moved, 'after the move');
	my ($out, $err) = run($moved, "SELECT m.key FROM loyalty.member m");
	($out, $err) = run($moved, "SELECT repeat FROM loyalty.award('$out', 1, 'f', '$gift', attributes => '$attributes', at => '2024-01-04')");
	is("$out$err", 't', '... and a request that comes again is a repeat');
}

foreach my $absent ([ 'LATIN1', $member ], [ 'EUC_JP', $accent . "\xf0\x9f\x98\x80" ], [ 'EUC_CN', "\xe6\x9c\x83" ])
{
	my ($encoding, $text) = @$absent;
	my ($out, $err) = run(lc $encoding, "SELECT loyalty.enroll('$text')");

	like($err, qr/has no equivalent in encoding "$encoding"/, "$encoding: a character that it does not have is refused clearly");
	($out) = run(lc $encoding, 'SELECT count(*) FROM loyalty.member');
	is($out, 1, '... and leaves nothing');
}

# What is shipped is ASCII.
my $share = `$ENV{PG_CONFIG} --sharedir` =~ s/\n//r;
foreach my $file (glob("$share/extension/loyalty*"))
{
	unlike(slurp_file($file), qr/[^\x00-\x7f]/, "$file is ASCII");
}

$node->stop;
done_testing();
