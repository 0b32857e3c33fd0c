# Every table and sequence of the extension that can hold data is registered for
# pg_dump, and nothing about them breaks a restore: no foreign key among them, no
# number of a role, a relation or a type in their columns.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LoyaltyTest;

my $node = new_node('dump');
$node->safe_psql('postgres', 'CREATE EXTENSION loyalty');

# What can hold rows in the schema, sequences behind identity columns included, and is not dumped.
my $unregistered = <<'END';
SELECT string_agg(c.oid::regclass::text, ' ' ORDER BY c.oid::regclass::text)
FROM pg_class c, pg_extension x
WHERE x.extname = 'loyalty' AND c.relnamespace = 'loyalty'::regnamespace
	AND c.relkind IN ('r', 'p', 'S', 'm', 'f') AND c.oid <> ALL (coalesce(x.extconfig, '{}'))
END
is($node->safe_psql('postgres', $unregistered), '', 'every table and sequence is registered');
is( $node->safe_psql('postgres', <<'END'), 'account allowed_function benefit budget campaign cap entry hold member program retired rule rule_group tally tier usage', 'and these are the tables');
SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_extension, pg_class c WHERE extname = 'loyalty' AND c.oid = ANY (extconfig) AND relkind = 'r'
END
is( $node->safe_psql('postgres', <<'END'), 'account_id_seq member_id_seq program_id_seq rulebook_id_seq', 'and the sequences');
SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_extension, pg_class c WHERE extname = 'loyalty' AND c.oid = ANY (extconfig) AND relkind = 'S'
END
# The history that the tests of dumps restore leaves a row in each of them.
$node->safe_psql('postgres', 'CREATE DATABASE filled');
fill($node, 'filled');
is( $node->safe_psql('filled', <<'END'), '', 'no table is empty in what is dumped and restored elsewhere');
SELECT c.oid::regclass FROM pg_extension, pg_class c WHERE extname = 'loyalty' AND c.oid = ANY (extconfig) AND relkind = 'r'
	AND (xpath('/table/row', query_to_xml('SELECT 1 FROM ' || c.oid::regclass || ' LIMIT 1', false, false, '')))[1] IS NULL
END
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_extension, unnest(extcondition) AS c WHERE extname = 'loyalty' AND c <> ''"),
	0, 'with all their rows');

# The test is able to fail.
is( $node->safe_psql('postgres', <<"END"), 'loyalty.forgotten loyalty.forgotten_id_seq loyalty.lost', 'a forgotten one is found');
BEGIN;
SET client_min_messages = error;
CREATE TABLE loyalty.forgotten (id bigint GENERATED ALWAYS AS IDENTITY);
CREATE SEQUENCE loyalty.lost;
ALTER EXTENSION loyalty ADD TABLE loyalty.forgotten;
ALTER EXTENSION loyalty ADD SEQUENCE loyalty.lost;
$unregistered
END

is( $node->safe_psql('postgres', <<'END'), '', 'no foreign key from or to a registered table (pg_restore -j has no order among them)');
SELECT conname FROM pg_constraint, pg_extension
WHERE extname = 'loyalty' AND contype = 'f' AND (conrelid = ANY (extconfig) OR confrelid = ANY (extconfig))
END
is( $node->safe_psql('postgres', <<'END'), '', 'no column holds the number of something that another cluster numbers anew');
SELECT attrelid::regclass || '.' || attname || ' ' || atttypid::regtype
FROM pg_attribute, pg_extension
WHERE extname = 'loyalty' AND attrelid = ANY (extconfig) AND attnum > 0 AND NOT attisdropped
	AND (atttypid::regtype::text LIKE 'reg%' OR atttypid = 'oid'::regtype)
END
is( $node->safe_psql('postgres', <<'END'), '', 'keys and refs are in collation "C"');
SELECT attrelid::regclass || '.' || attname
FROM pg_attribute, pg_extension
WHERE extname = 'loyalty' AND attrelid = ANY (extconfig) AND attname IN ('key', 'ref', 'of_ref', 'code')
	AND attcollation <> 'pg_catalog."C"'::regcollation
END

$node->stop;
done_testing();
