# CREATE EXTENSION calls nobody else's functions, and a missing library leaves the
# rest of the database alone.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LoyaltyTest;

my $node = new_node('creation');

# A role that may make schemas prepares one.
$node->safe_psql('postgres', <<'END');
CREATE ROLE mallory LOGIN;
GRANT CREATE ON DATABASE postgres TO mallory;
SET ROLE mallory;
CREATE SCHEMA loyalty;
CREATE FUNCTION loyalty.format(text, text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'ALTER ROLE mallory SUPERUSER';
	RETURN pg_catalog.format($1, $2);
END $$;
END
like(error_of($node, 'postgres', 'CREATE EXTENSION loyalty'), qr/LY012: schema "loyalty" belongs to another role/, 'a schema of another role is refused');
is($node->safe_psql('postgres', "SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'"), 'f', 'and none of its functions was called');
$node->safe_psql('postgres', 'ALTER SCHEMA loyalty OWNER TO CURRENT_USER');
like(error_of($node, 'postgres', 'CREATE EXTENSION loyalty'), qr/LY012: schema "loyalty" is not empty/, 'one that is not empty as well');
$node->safe_psql('postgres', 'DROP SCHEMA loyalty CASCADE; SET ROLE mallory; CREATE SCHEMA loyalty');
like(error_of($node, 'postgres', 'CREATE EXTENSION loyalty'), qr/LY012: schema "loyalty" belongs to another role/, 'an empty one of another role is refused');
foreach my $object (
	'TABLE loyalty.t ()', 'TYPE loyalty.t AS ENUM ()', 'SEQUENCE loyalty.s', 'COLLATION loyalty.c FROM "C"',
	'OPERATOR loyalty.= (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)', 'DOMAIN loyalty.d AS text',
	'CONVERSION loyalty.c FOR \'LATIN1\' TO \'UTF8\' FROM iso8859_1_to_utf8', 'TEXT SEARCH DICTIONARY loyalty.d (TEMPLATE = simple)',
	'AGGREGATE loyalty.format(text) (SFUNC = textcat, STYPE = text)')
{
	like(error_of($node, 'postgres', "BEGIN; DROP SCHEMA loyalty; CREATE SCHEMA loyalty; CREATE $object; CREATE EXTENSION loyalty"),
		qr/LY012: schema "loyalty" is not empty/, "so is one with $object");
}
like(error_of($node, 'postgres', 'BEGIN; DROP SCHEMA loyalty; CREATE SCHEMA loyalty; ALTER DEFAULT PRIVILEGES IN SCHEMA loyalty GRANT ALL ON TABLES TO mallory; CREATE EXTENSION loyalty'),
	qr/LY012: schema "loyalty" is not empty/, 'so is one with default privileges');
foreach my $grant (
	'CREATE SCHEMA loyalty; GRANT CREATE ON SCHEMA loyalty TO mallory', 'CREATE SCHEMA loyalty; GRANT ALL ON SCHEMA loyalty TO PUBLIC',
	'ALTER DEFAULT PRIVILEGES GRANT CREATE ON SCHEMAS TO mallory')
{
	like(error_of($node, 'postgres', "BEGIN; DROP SCHEMA loyalty; $grant; CREATE EXTENSION loyalty"),
		qr/LY012: another role may create objects in schema "loyalty"/, "so is one in which others may create: $grant");
}
is(error_of($node, 'postgres', 'BEGIN; DROP SCHEMA loyalty; CREATE SCHEMA loyalty; GRANT USAGE ON SCHEMA loyalty TO mallory; CREATE EXTENSION loyalty'), '', 'one that others may use will do');
is(error_of($node, 'postgres', 'DROP SCHEMA loyalty; CREATE SCHEMA loyalty; CREATE EXTENSION loyalty'), '', 'an empty one of its own will do');

# Default privileges, of the whole database, give nobody a right to what the extension makes.
my $rights = q{SELECT count(*) FROM (SELECT relacl AS acl, relowner AS owner, true AS no_public FROM pg_class WHERE relnamespace = 'loyalty'::regnamespace
	UNION ALL SELECT proacl, proowner, false FROM pg_proc WHERE pronamespace = 'loyalty'::regnamespace) o, aclexplode(o.acl) a
	WHERE a.grantee <> o.owner AND (a.grantee <> 0 OR no_public)};
$node->safe_psql('postgres', join('; ', 'DROP EXTENSION loyalty', map { "ALTER DEFAULT PRIVILEGES GRANT ALL ON $_ TO PUBLIC, mallory, \"Some body\"" } qw(TABLES SEQUENCES FUNCTIONS)) =~ s/^/CREATE ROLE "Some body"; /r);
is(error_of($node, 'postgres', 'CREATE EXTENSION loyalty'), '', 'default privileges do not stop it');
is($node->safe_psql('postgres', $rights), 0, '... and nobody has a right by them');
$node->safe_psql('postgres', join('; ', map { "ALTER DEFAULT PRIVILEGES REVOKE ALL ON $_ FROM mallory, \"Some body\"" . ($_ eq 'FUNCTIONS' ? '' : ', PUBLIC') } qw(TABLES SEQUENCES FUNCTIONS)));

# DROP EXTENSION leaves the schema, and CREATE EXTENSION takes it again.
is(error_of($node, 'postgres', 'DROP EXTENSION loyalty; CREATE EXTENSION loyalty'), '', 'the schema that DROP EXTENSION left will do');

# The walk: what the script runs while it is read names schemas, operators included.
my $script = slurp_file(`$ENV{PG_CONFIG} --sharedir` =~ s/\n//r . '/extension/loyalty--1.0.sql');
my %word = map { $_ => 1 } qw(FROM JOIN ON VALUES EXISTS IF IN AND OR NOT ANY ALL WHERE SELECT WHEN THEN AS FOR USING OPERATOR EXCEPTION COALESCE);
my @unqualified;
while ($script =~ /^DO \$\$(.*?)^\$\$;/gms)
{
	my $body = $1;
	# Dynamic statements name the objects of the extension itself.
	$body =~ s/--.*//g;
	$body =~ s/\b(?:ERRCODE|MESSAGE|HINT|DETAIL) = //g;
	$body =~ s/'(?:[^']|'')*'/''/g;
	# the columns of an alias
	$body =~ s/\bAS \w+ \(/AS (/g;
	push @unqualified, grep { !$word{ uc $_ } } $body =~ /(?<![\w.])(\w+)\s*\(/g;
	push @unqualified, $1 while $body =~ /(?<![\w.(:])(?:\w+)\s*(=|<>|<|>|\|\||~)\s/g;
	push @unqualified, $1 while $body =~ /(::(?!pg_catalog\.)\w+)/g;
	push @unqualified, $1 while $body =~ /(?:FROM|JOIN)\s+((?!LATERAL\s|pg_catalog\.|loyalty\.|\()\w+)/g;
}
is(join(' ', @unqualified), '', 'the statements that CREATE EXTENSION runs name no function, operator, type or table without its schema');

# Who owns the schema or a table, and may not call what loads the library, does not
# pass the guards in a session that has not loaded it.
$node->safe_psql('postgres', 'DROP EXTENSION loyalty');
fill($node, 'postgres', 0);
$node->safe_psql('postgres', <<'END');
CREATE ROLE dba LOGIN;
GRANT CREATE ON DATABASE postgres TO dba;
GRANT CREATE ON SCHEMA public TO dba;
ALTER SCHEMA loyalty OWNER TO dba;
ALTER TABLE loyalty.account OWNER TO dba;
CREATE TABLE public.parent (LIKE loyalty.account);
ALTER TABLE public.parent OWNER TO dba;
END
my $as_dba = sub { my $err = ''; $node->psql('postgres', $_[0], stderr => \$err, extra_params => [ '-U', 'dba' ], on_error_stop => 0); return $err };
foreach my $statement ('DROP SCHEMA loyalty CASCADE', 'ALTER SCHEMA loyalty RENAME TO other', 'ALTER TABLE loyalty.account INHERIT public.parent')
{
	like($as_dba->($statement), qr/cannot drop table|cannot be renamed|cannot be a parent/, "the owner: $statement");
}
$node->safe_psql('postgres', 'REVOKE USAGE ON SCHEMA loyalty FROM dba');
like($as_dba->('DROP SCHEMA loyalty CASCADE'), qr/cannot drop table/, 'nor one who took his own right to use the schema');
like($as_dba->('SET loyalty.allow_drop = on; DROP SCHEMA loyalty CASCADE'), qr/cannot drop table/, 'nor by the setting, before the library is loaded');
$node->safe_psql('postgres', 'ALTER SCHEMA loyalty OWNER TO CURRENT_USER; ALTER TABLE loyalty.account OWNER TO CURRENT_USER; DROP TABLE public.parent; DROP OWNED BY dba; DROP ROLE dba');

# Nobody but the owner can put a child under a table of the ledger, which stops all postings until it is gone.
$node->safe_psql('postgres', 'CREATE ROLE clerk LOGIN; GRANT CREATE ON SCHEMA public TO clerk; GRANT USAGE, CREATE ON SCHEMA loyalty TO clerk; GRANT ALL ON ALL TABLES IN SCHEMA loyalty TO clerk');
foreach my $statement ('CREATE TABLE public.child () INHERITS (loyalty.account)', 'CREATE TABLE public.child (LIKE loyalty.account); ALTER TABLE public.child INHERIT loyalty.account',
	'CREATE FOREIGN TABLE public.child () INHERITS (loyalty.account) SERVER none', 'CREATE TABLE public.child PARTITION OF loyalty.account DEFAULT')
{
	my $err = '';
	$node->psql('postgres', "BEGIN; $statement", stderr => \$err, extra_params => [ '-U', 'clerk' ], on_error_stop => 0);
	like($err, qr/must be owner of table account|cannot be a parent|server "none" does not exist|"account" is not partitioned/, "a role with every right but the owner's: $statement");
}
is(error_of($node, 'postgres', "SELECT loyalty.award('anna', 1, 'child', program => 'club')"), '', '... and postings go on');
is(error_of($node, 'postgres', 'CREATE TABLE public.child () INHERITS (loyalty.account)'), '', 'the owner can, in a session without the library');
like(error_of($node, 'postgres', "SELECT loyalty.award('anna', 1, 'child2', program => 'club')"), qr/LY012.*Its owner can drop/s, '... and is told by the next posting');
$node->safe_psql('postgres', 'DROP TABLE public.child; DROP OWNED BY clerk; DROP ROLE clerk');
is(error_of($node, 'postgres', "SELECT loyalty.award('anna', 1, 'child2', program => 'club')"), '', '... until the child is dropped');

# The library is missing, or another version's.
foreach my $loss (
	[ 'missing', q{UPDATE pg_proc SET probin = '$libdir/loyalty_is_gone' WHERE proname = 'kind_in'} ],
	[ 'older', q{UPDATE pg_proc SET prosrc = 'guard_of_later' WHERE proname = 'kind_in'} ])
{
	my ($name, $statement) = @$loss;
	my $psql = sub { my ($out, $err) = ('', ''); my $rc = $node->psql('postgres', $_[0], stdout => \$out, stderr => \$err); return "$rc $err" };

	$node->safe_psql('postgres', "SET allow_system_table_mods = on; CREATE TABLE public.kept AS SELECT probin, prosrc FROM pg_proc WHERE proname = 'kind_in'; $statement");
	like($psql->('CREATE TABLE public.other (a int)'), qr/^0 $/, "$name: CREATE TABLE");
	like($psql->('ALTER TABLE public.other ADD COLUMN b int'), qr/^0 .*WARNING:.*library of extension loyalty/s, "$name: ALTER TABLE of another table goes on, with a warning");
	like($psql->('DROP TABLE public.other'), qr/^0 .*WARNING/s, "$name: so does DROP TABLE");
	like($psql->('SET ROLE mallory; CREATE SCHEMA own; CREATE TABLE own.t (a int); ALTER TABLE own.t ADD b int; DROP SCHEMA own CASCADE'),
		qr/^0 (?!.*WARNING)/s, "$name: who has nothing to do with the ledger hears nothing");
	$node->safe_psql('postgres', "SET client_min_messages = error; UPDATE pg_proc p SET probin = k.probin, prosrc = k.prosrc FROM public.kept k WHERE proname = 'kind_in'; DROP TABLE public.kept");
}
like(error_of($node, 'postgres', 'DROP EXTENSION loyalty CASCADE'), qr/LY012/, 'with the library again, the ledger is guarded');
is_sound($node, 'postgres', 'at the end');

$node->stop;
done_testing();
