# Sessions that share a campaign's budget, a rule's budget, caps of members and
# a challenge: exactly what there is is given, whatever meets; and a dump of it
# restores to the same, from where postings go on in the same way.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LoyaltyTest;

my $node = new_node('rules', conf => 'max_connections = 60');
my $dir = PostgreSQL::Test::Utils::tempdir;
my $members = 24;

$node->safe_psql('postgres', <<"END");
CREATE EXTENSION loyalty;
INSERT INTO loyalty.program (code, name, tier_window) VALUES ('club', 'Club', 'lifetime');
INSERT INTO loyalty.tiers (code, rank, multiplier, orders) VALUES ('silver', 1, 1, 10), ('gold', 2, 1.5, 60);
INSERT INTO loyalty.campaigns (code, status, budget) VALUES ('spring', 'running', 5000), ('summer', 'running', 300), ('flag', 'running', NULL);
INSERT INTO loyalty.rules (code, campaign, points) VALUES ('seven', 'spring', '7'), ('three', 'spring', '3'), ('flag', 'flag', '0');
UPDATE loyalty.campaigns SET on_budget = 'reject' WHERE code = 'summer';
INSERT INTO loyalty.rules (code, campaign, points) VALUES ('eleven', 'summer', '11');
INSERT INTO loyalty.rules (code, points, budget) VALUES ('own', '2', 1001);
INSERT INTO loyalty.rules (code, points, times_cap) VALUES ('often', '5', 8);
INSERT INTO loyalty.rules (code, points, points_cap) VALUES ('most', '4', 50);
INSERT INTO loyalty.rules (code, effect, metric, goal, points, budget) VALUES ('ten', 'challenge', 'orders', 10, '100', 2250);
INSERT INTO loyalty.rules (code, activity, points, points_cap, cap_period) VALUES ('visit', 'visit', '1', 30, 'year');
INSERT INTO loyalty.caps (period, points) VALUES ('ever', 900);
INSERT INTO loyalty.benefits (code, quota, period) VALUES ('ship', 5, 'ever');
SELECT count(loyalty.enroll('m' || i, at => '2024-01-01')) FROM generate_series(1, $members) AS i;
CREATE SEQUENCE public.ref;
CREATE FUNCTION public.try_benefit(member text, ref text) RETURNS bigint LANGUAGE plpgsql AS \$\$
BEGIN
	PERFORM loyalty.use_benefit(member, 'ship', ref);
	RETURN 1;
EXCEPTION WHEN SQLSTATE 'LY008' THEN
	RETURN 0;
END \$\$;
CREATE TABLE public.used (n bigint);
END

# Runs pgbench; it must end well.
sub load_ok
{
	my ($name, $options, $script) = @_;
	my $file = "$dir/script.sql";

	unlink $file;
	PostgreSQL::Test::Utils::append_to_file($file, $script);
	$node->command_checks_all(
		[ 'pgbench', '-n', @$options, '-f', "$file\@4", 'postgres' ],
		0, [qr/number of failed transactions: 0 /], [qr/^((?!aborted|error).)*$/is], $name);
	return;
}

# What is charged is what the entries say was given, and nothing is over its limit.
sub is_exact
{
	my ($when) = @_;

	is($node->safe_psql('postgres', <<'END'), '', "every budget has spent what was given of it, $when");
SELECT coalesce(c.code, r.code), coalesce(c.budget, r.budget), b.spent, g.given
FROM loyalty.budget b LEFT JOIN loyalty.campaign c USING (id) LEFT JOIN loyalty.rule r USING (id)
	CROSS JOIN LATERAL (SELECT coalesce(sum(w.points), 0) AS given FROM loyalty.awarded_parts w
		WHERE w.campaign = c.code OR r.code IS NOT NULL AND w.part = r.code) g
WHERE b.spent <> g.given OR b.spent > coalesce(c.budget, r.budget) OR b.spent < 0
END
	is($node->safe_psql('postgres', <<'END'), '', "every member's caps were kept, and charged with what was given, $when");
SELECT w.member, w.part, sum(w.points), u.points
FROM loyalty.awarded_parts w JOIN loyalty.rule r ON r.code = w.part AND (r.points_cap IS NOT NULL OR r.times_cap IS NOT NULL OR r.effect = 'challenge')
	LEFT JOIN loyalty.usage u ON u.account_id = w.account AND u.counter_id = r.id
GROUP BY w.member, w.part, u.points, u.times, r.points_cap, r.times_cap, r.effect
HAVING sum(w.points) <> coalesce(u.points, 0) OR sum(w.points) > r.points_cap
	OR u.times > coalesce(r.times_cap, CASE r.effect WHEN 'challenge' THEN 1 END)
UNION ALL
SELECT w.member, 'all', sum(w.points), u.points FROM loyalty.awarded_parts w, loyalty.cap c, loyalty.usage u
WHERE u.counter_id = c.id AND u.account_id = w.account GROUP BY w.member, u.points, c.points
HAVING sum(w.points) <> u.points OR sum(w.points) > c.points
END
	is($node->safe_psql('postgres', <<'END'), '', "tallies, figures and tiers are those of the entries, $when");
SELECT m.key, a.orders, t.orders, t.spend, e.orders, e.spend, a.computed_tier
FROM loyalty.account a JOIN loyalty.member m ON m.id = a.member_id
	CROSS JOIN LATERAL (SELECT coalesce(sum(times) FILTER (WHERE activity = 'purchase'), 0) AS orders, coalesce(sum(spend), 0) AS spend FROM loyalty.tally WHERE account_id = a.id) t
	CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE kind = 'purchase') - count(*) FILTER (WHERE kind = 'refund' AND activity = 'purchase') AS orders,
		coalesce(sum(CASE kind WHEN 'purchase' THEN amount WHEN 'refund' THEN -amount END) FILTER (WHERE kind IN ('purchase', 'refund')), 0) AS spend FROM loyalty.entry WHERE account_id = a.id) e
WHERE (a.orders, t.orders, t.spend, a.spend) IS DISTINCT FROM (e.orders, e.orders, e.spend, e.spend)
END
	is_sound($node, 'postgres', $when);
	return;
}

# Orders, sets of orders, returns, activities and benefits, all at once.
my $mixed = <<"END";
\\set m random(1, $members)
\\set o random(1, $members)
\\set x random(0, 9)
SELECT nextval('public.ref') AS ref \\gset
\\if :x < 4
SELECT loyalty.purchase('m' || :m, 1.00, 'p' || :ref);
\\elif :x < 6
INSERT INTO loyalty.purchases (member, amount, ref) SELECT 'm' || n, 1.00, 'v' || :ref FROM generate_series(1, $members, 5) AS n ORDER BY random();
\\elif :x < 8
SELECT loyalty.purchase('m' || :m, 3.00, 'r' || :ref);
SELECT loyalty.refund('m' || :m, 'r' || :ref, 'b' || :ref);
\\elif :x < 9
SELECT loyalty.activity('m' || :m, 'visit', 'a' || :ref);
INSERT INTO public.used SELECT public.try_benefit('m' || :o, 'u' || :ref);
\\else
UPDATE loyalty.campaigns SET name = 'x' || :ref WHERE code = 'flag';
SELECT loyalty.preview('m' || :m, 2.00);
\\endif
END
load_ok('32 sessions, simple', [ '-c', 32, '-j', 2, '-t', 20 ], $mixed);
is_exact('after 32 sessions');
load_ok('32 sessions, prepared', [ '-M', 'prepared', '-c', 32, '-j', 2, '-t', 20 ], $mixed);
is_exact('after 32 sessions, prepared');

# The same while rules are written, changed, paused and deleted.
PostgreSQL::Test::Utils::append_to_file("$dir/change.sql", <<'END');
\set p random(1, 20)
UPDATE loyalty.rules SET points = :p::text WHERE code = 'own';
UPDATE loyalty.campaigns SET status = CASE WHEN :p > 10 THEN 'running' ELSE 'paused' END WHERE code = 'summer';
INSERT INTO loyalty.rules (code, points) VALUES ('new' || :client_id, '0');
DELETE FROM loyalty.rules WHERE code = 'new' || :client_id;
END
load_ok('16 sessions while rules change', [ '-c', 16, '-j', 2, '-t', 30, '-f', "$dir/change.sql\@1" ], $mixed);
is_exact('after rules changed');
$node->safe_psql('postgres', "UPDATE loyalty.campaigns SET status = 'running'; UPDATE loyalty.rules SET points = '1' WHERE code = 'own'");

# To the end of the budgets: exactly what there is.
load_ok('32 sessions to the end of the budgets', [ '-c', 32, '-j', 2, '-t', 40 ], <<"END");
\\set m random(1, $members)
SELECT nextval('public.ref') AS ref \\gset
SELECT loyalty.purchase('m' || :m, 0.00, 'z' || :ref);
END
is_exact('at the end of the budgets');
is( $node->safe_psql('postgres', <<'END'), 'own 1001 of 1001, spring 5000 of 5000, summer 297 of 300, ten 2250 of 2250', 'the budgets are given out to the last point, or to the last that fits');
SELECT string_agg(format('%s %s of %s', coalesce(c.code, r.code), b.spent, coalesce(c.budget, r.budget)), ', ' ORDER BY coalesce(c.code, r.code))
FROM loyalty.budget b LEFT JOIN loyalty.campaign c USING (id) LEFT JOIN loyalty.rule r USING (id)
END
is( $node->safe_psql('postgres', <<'END'), "8|50|$members", 'every member had what his caps allow');
SELECT max(u.times), (SELECT max(x.points) FROM loyalty.usage x JOIN loyalty.rule r ON r.id = x.counter_id WHERE r.code = 'most'), count(*) FILTER (WHERE u.times = 8)
FROM loyalty.usage u JOIN loyalty.rule r ON r.id = u.counter_id WHERE r.code = 'often'
END
is( $node->safe_psql('postgres', <<'END'), 't', 'and no benefit was used oftener than its quota');
SELECT coalesce(max(u.times), 0) <= 5 AND coalesce(sum(u.times), 0) = (SELECT coalesce(sum(n), 0) FROM public.used)
FROM loyalty.usage u JOIN loyalty.benefit b ON b.id = u.counter_id
END

# What is returned of an exhausted budget can be given again, once.
$node->safe_psql('postgres', <<'END');
CREATE TABLE public.back AS SELECT m.key AS member, e.ref FROM loyalty.entry e JOIN loyalty.account a ON a.id = e.account_id JOIN loyalty.member m ON m.id = a.member_id
WHERE e.kind = 'purchase' AND e.parts @> '[{"part": "seven", "given": 7}]' AND NOT EXISTS (SELECT FROM loyalty.entry r WHERE r.account_id = e.account_id AND r.of_ref = e.ref)
ORDER BY e.account_id, e.seq LIMIT 64;
ALTER TABLE public.back ADD n bigint GENERATED ALWAYS AS IDENTITY;
END
load_ok('32 sessions return and buy', [ '-c', 32, '-j', 2, '-t', 2 ], <<"END");
\\set m random(1, $members)
SELECT nextval('public.ref') AS ref \\gset
SELECT loyalty.refund(member, ref, 'back' || n) FROM public.back WHERE n = 1 + :client_id * 2 + (SELECT count(*) FROM loyalty.entry WHERE ref = 'back' || (1 + :client_id * 2));
SELECT loyalty.purchase('m' || :m, 0.00, 'y' || :ref);
END
is_exact('after returns');

# Functions that the owner allows run with the rights of whoever posts, whoever compiled them in this session.
$node->safe_psql('postgres', <<'END');
CREATE ROLE poster;
GRANT USAGE ON SCHEMA loyalty TO poster;
GRANT EXECUTE ON FUNCTION loyalty.purchase TO poster;
CREATE FUNCTION public.extra(numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT 0 * $1';
CREATE FUNCTION public.more(numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 0; END';
SELECT loyalty.allow_function('public.extra(numeric)'), loyalty.allow_function('public.more(numeric)');
INSERT INTO loyalty.rules (code, points) VALUES ('extra', 'public.extra(amount)'), ('more', 'public.more(amount)');
END
foreach my $function ('extra', 'more')
{
	like( error_of($node, 'postgres', <<"END"), qr/42501: permission denied for function $function/, "a revoked function cannot be used any more: $function");
SELECT loyalty.purchase('m1', 0.00, 'before $function');
REVOKE EXECUTE ON FUNCTION public.$function(numeric) FROM PUBLIC;
SET ROLE poster;
SELECT loyalty.purchase('m1', 0.00, 'after $function');
END
	$node->safe_psql('postgres', "GRANT EXECUTE ON FUNCTION public.$function(numeric) TO poster");
}
is($node->safe_psql('postgres', "SELECT count(*) FROM loyalty.entry WHERE ref LIKE 'before %' OR ref LIKE 'after %'"), 2, 'and its posting is not there');

# A dump of it restores to the same, and postings give the same from there.
my $before = state($node, 'postgres');
my %ways = (
	plain => [ [], sub { [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $_[0], '-f', $_[1] ] } ],
	custom => [ ['-Fc'], sub { [ 'pg_restore', '--exit-on-error', '-d', @_ ] } ],
	four_jobs => [ [ '-Fd', '-j', '4' ], sub { [ 'pg_restore', '--exit-on-error', '-j', '4', '-d', @_ ] } ]);
my $on = <<"END";
UPDATE loyalty.campaigns SET budget = budget + 20;
SELECT m, p.points, p.tier, p.parts FROM generate_series(1, $members) AS m, loyalty.purchase('m' || m, 2.00, 'on') p ORDER BY m;
SELECT id, spent FROM loyalty.budget ORDER BY id;
INSERT INTO loyalty.rules (code, points) VALUES ('new', '1');
SELECT code, id FROM loyalty.rule ORDER BY id;
END
my %went;
foreach my $way (sort keys %ways)
{
	my ($options, $restore) = @{ $ways{$way} };

	$node->command_ok([ 'pg_dump', @$options, '-f', "$dir/$way", 'postgres' ], "$way: dump");
	$node->safe_psql('postgres', "CREATE DATABASE $way");
	$node->command_ok($restore->($way, "$dir/$way"), "$way: restore");
	is(state($node, $way), $before, "$way: identical tables and sequences");
	is_sound($node, $way, "after $way");
	$went{$way} = $node->safe_psql($way, $on);
	is_sound($node, $way, "$way, and some postings on");
}
my $here = $node->safe_psql('postgres', $on);
is($went{$_}, $here, "$_: postings go on as they do where it came from") foreach sort keys %ways;

# Sessions that deploy: each purchase sees all of a change or nothing, and none minds a program that is made meanwhile.
$node->safe_psql('postgres', <<"END");
INSERT INTO loyalty.program (code, name) VALUES ('deployed', 'Deployed');
INSERT INTO loyalty.rules (program, code, points) VALUES ('deployed', 'bonus', '10');
SELECT count(loyalty.enroll('d' || i, program => 'deployed')) FROM generate_series(1, 20) AS i;
END
PostgreSQL::Test::Utils::append_to_file("$dir/deploy.sql", <<'END');
\set p random(1, 2)
BEGIN;
UPDATE loyalty.program SET base_rate = :p WHERE code = 'deployed';
UPDATE loyalty.rules SET points = (10 * :p)::text WHERE program = 'deployed';
COMMIT;
SELECT nextval('public.ref') AS ref \gset
BEGIN;
INSERT INTO loyalty.program (code, name) VALUES ('made' || :ref, 'Made');
INSERT INTO loyalty.rules (program, code, points) VALUES ('made' || :ref, 'one', '1'), ('made' || :ref, 'two', '2');
COMMIT;
END
load_ok('16 sessions while others deploy', [ '-c', 16, '-j', 2, '-t', 60, '-f', "$dir/deploy.sql\@1" ], <<'END');
\set m random(1, 20)
SELECT nextval('public.ref') AS ref \gset
BEGIN;
SELECT count(*) FROM loyalty.rule, loyalty.program WHERE false;
SELECT loyalty.purchase('d' || :m, 10.00, 'd' || :ref, program => 'deployed');
SELECT loyalty.purchase('d' || :m, 10.00, 'e' || :ref, program => 'deployed');
COMMIT;
END
is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT points::text, ' ') FROM loyalty.entries WHERE program = 'deployed' AND kind = 'purchase'"),
	'20 40', 'the rate and the bonus of every purchase are of one deployment');
is_sound($node, 'postgres', 'after the deployments');

my %said = map { s/^.*?(?=ERROR|PANIC|TRAP)//r => 1 } grep { /deadlock detected|PANIC:|XX000|TRAP:/ } split /\n/, slurp_file($node->logfile);
is(join("\n", sort keys %said), '', 'nothing untoward in the log of the server');

$node->stop;
done_testing();
