# What the TAP tests of loyalty share: a server, a history, and what to compare.
package LoyaltyTest;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_node fill state is_sound error_of);

# A running server.  Its log does not repeat every statement.
sub new_node
{
	my ($name, %params) = @_;
	my $conf = delete $params{conf} // '';
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ '-E', 'UTF8', '--locale=C' ], %params);
	$node->append_conf('postgresql.conf', <<"END");
log_statement = none
max_connections = 100
shared_buffers = 64MB
timezone = 'UTC'
$conf
END
	$node->start;
	return $node;
}

# The extension, two programs, and a history that leaves a row of every kind
# behind: open and ended holds, debt, pending points, frozen and erased members.
# $many further members come by the views.
sub fill
{
	my ($node, $database, $many) = @_;

	$node->safe_psql($database, <<'END');
CREATE EXTENSION loyalty;

INSERT INTO loyalty.program (code, name, timezone, expiry, cancel_grace_days)
VALUES ('club', 'Club', 'Europe/Berlin', '12 months to end of month', 0),
	('café', 'Café "Zur Ähre"', 'Asia/Shanghai', '18 months inactive', 30);
UPDATE loyalty.program SET pending_days = 14 WHERE code = 'café';

CREATE TABLE public.visit (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	member_id bigint REFERENCES loyalty.member);

SET loyalty.program = 'club';
SELECT loyalty.enroll('anna', at => '2024-01-01', attributes => '{"size": 1.50, "name": "Änne\n\\"}', tags => '["vip"]', birthday => '02-29');
SELECT loyalty.enroll('ben', at => '2024-01-02');
SELECT loyalty.enroll(E'carl\t\\N', at => '2024-01-03');
SELECT loyalty.enroll('dora', at => '2024-01-03');
INSERT INTO public.visit (member_id) SELECT id FROM loyalty.member;

SELECT loyalty.purchase('anna', 100.00, 'p1', '[{"sku": "A", "quantity": 2, "amount": 60.00}, {"sku": "B", "quantity": 1, "amount": 40.00}]', 'web', 'Berlin', '{"note": "a\tb"}', at => '2024-01-05 10:00+01');
SELECT loyalty.purchase('anna', 199.90, 'p2', at => '2024-02-05 10:00+01');
SELECT loyalty.award('anna', 500, 'a1', 'welcome', '2024-12-31', at => '2024-02-06');
SELECT loyalty.award('anna', 50, 'a2', 'review', pending => true, at => '2024-02-06');
SELECT loyalty.confirm('anna', 'a2', 'a2', '2024-02-07');
SELECT loyalty.award('anna', 70, 'a3', 'review', pending => true, at => '2024-02-07');
SELECT loyalty.spend('anna', 120, 's1', 'mug', '2024-02-08');
SELECT loyalty.cancel('anna', 's1', 'c1', 20, '2024-02-09');
SELECT loyalty.refund('anna', 'p1', 'r1', lines => '[{"line": 1, "quantity": 1}]', at => '2024-02-10');
SELECT loyalty.hold('anna', 40, 'h1', at => '2024-02-11');
SELECT loyalty.capture('anna', 'h1', 'h1', 30, '2024-02-12');
SELECT loyalty.hold('anna', 40, 'h2', at => '2024-02-12');
SELECT loyalty.release('anna', 'h2', 'h2', '2024-02-13');
SELECT loyalty.hold('anna', 25, 'h3', 'infinity', '2024-02-13', reason => 'disputed');
SELECT loyalty.adjust('anna', 7, 'j1', 'goodwill', at => '2024-02-14');
SELECT loyalty.transfer('anna', 'ben', 60, 't1', 'gift', '2024-02-15');
SELECT loyalty.extend('anna', '2025-12-31', 'e1', 'sorry', at => '2024-02-16');
SELECT loyalty.award('ben', 80, 'a1', expires_on => '2024-03-31', at => '2024-02-16');
SELECT loyalty.settle('ben', '2024-04-02');
SELECT loyalty.reinstate('ben', 30, '2024-12-31', 'i1', 'late', '2024-04-03');
SELECT loyalty.purchase(E'carl\t\\N', 100, 'p1', at => '2024-03-01');
SELECT loyalty.spend(E'carl\t\\N', 100, 's1', at => '2024-03-02');
SELECT loyalty.refund(E'carl\t\\N', 'p1', 'r1', at => '2024-03-03');
SELECT loyalty.freeze('ben', 'spending', 'f1', 'suspicion', at => '2024-05-01');
SELECT loyalty.freeze('dora', 'all', 'f1', 'lost card', at => '2024-05-01');
SELECT loyalty.unfreeze('dora', 'u1', 'found', '2024-05-02');
SELECT loyalty.award('dora', 10, 'a1', at => '2024-05-03');
SELECT loyalty.erase('dora');

SELECT loyalty.enroll('anna', 'café', '2024-06-01');
SELECT loyalty.enroll('emil', 'café', '2024-06-01');
SELECT loyalty.purchase('emil', 30, 'p1', at => '2024-06-02', program => 'café');
SELECT loyalty.purchase('emil', 30, 'p2', at => now() - interval '1 day', program => 'café');
SELECT loyalty.award('emil', 12, 'a1', program => 'café');

-- What a shop decides: rules, campaigns, caps, tiers, benefits; and what they were used for.
INSERT INTO loyalty.program (code, name, timezone, currency, base_group, multiplier_ceiling, tier_window, tier_grace_days, expiry)
VALUES ('règles', 'Règles & "plus"', 'America/New_York', 'EUR', 'rate', 5, 'rolling', 10, '12 months');
SET loyalty.program = 'règles';
INSERT INTO loyalty.tiers (code, name, rank, multiplier, exclusive_group, expiry, floor, needs, points, orders)
VALUES ('basic', NULL, 1, 1, NULL, NULL, NULL, 'any', NULL, NULL), ('or', E'Or\t"1"', 7, 1.5, 'best', '24 months to end of year', 'basic', 'all', 300, 2);
CREATE FUNCTION public.tenth(numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT $1 / 10';
SELECT loyalty.allow_function('public.tenth(numeric)', 'agreed');
INSERT INTO loyalty.rule_groups (code, takes) VALUES ('best', 'best'), ('rate', 'first');
INSERT INTO loyalty.campaigns (code, name, status, starts_at, ends_at, budget, on_budget, pilot_percent, expiry)
VALUES ('été', E'L''été\\n', 'running', '2024-06-01', '2030-01-01', 150, 'trim', NULL, '30 days'), ('plan', NULL, 'draft', NULL, NULL, NULL, 'reject', 20, NULL);
INSERT INTO loyalty.caps (period, points, on_cap) VALUES ('day', 1000, 'trim'), ('ever', 100000, 'reject');
INSERT INTO loyalty.benefits (code, name, tiers, settings, quota, period) VALUES ('salon', 'Salon', '{or}', '{"door": "\\n", "n": 1.50}', 2, 'month'), ('envoi', NULL, NULL, '{}', NULL, 'ever');
INSERT INTO loyalty.rules (code, name, campaign, effect, scope, condition, points, weekdays, hour_from, hour_until, tags, exclusive_group, times_cap, points_cap, cap_period, budget, on_return, qualifies, pending_days, expiry)
VALUES ('double', E'Zwei\tmal', 'été', 'multiplier', 'line', E'category = ''vin'' -- and\n\tAND brand IS DISTINCT FROM E''\\n''', '1 + quantity::numeric / 2', NULL, NULL, NULL, NULL, 'best', NULL, NULL, 'ever', NULL, 'proportional', true, NULL, NULL),
	('cadeau', NULL, 'été', 'bonus', 'order', NULL, '20', '{1,2,3,4,5,6,7}', '00:00', '24:00', '{vip,x}', NULL, 3, 50, 'month', 70, 'full_return_only', false, 5, '10 days');
INSERT INTO loyalty.rules (code, points) VALUES ('gone', '1');
DELETE FROM loyalty.rules WHERE code = 'gone';
INSERT INTO loyalty.rules (code, activity, points) VALUES ('avis', 'review', 'streak * 10');
INSERT INTO loyalty.rules (code, effect, metric, goal, points) VALUES ('défi', 'challenge', 'orders', 2, '33');
INSERT INTO loyalty.rules (code, status, points, starts_at, pilot_percent, tiers) VALUES ('later', 'paused', '1', '2028-02-29', 50, '{or,basic}');
SELECT loyalty.enroll('gerd', at => '2024-06-01', tags => '["vip"]');
SELECT loyalty.enroll('hilde', at => '2024-06-01', birthday => '02-29');
SELECT loyalty.purchase('gerd', 120.50, 'p1', '[{"sku": "A", "category": "vin", "quantity": 2, "amount": 100.25}, {"sku": "B", "quantity": 1, "amount": 20.25}]', at => '2024-06-03 10:00-04');
SELECT loyalty.purchase('gerd', 300.00, 'p2', at => '2024-06-04 10:00-04');
SELECT loyalty.purchase('gerd', 10.00, 'p3', at => '2024-06-05 10:00-04');
SELECT loyalty.refund('gerd', 'p1', 'r1', 60.25, at => '2024-06-06');
SELECT loyalty.activity('gerd', 'review', 'v1', at => '2024-06-06'), loyalty.activity('gerd', 'review', 'v2', at => '2024-06-07'), loyalty.activity('gerd', 'check-in', 'v3', '{"é": 1}', at => '2024-06-07');
SELECT loyalty.refund('gerd', 'v2', 'r2', at => '2024-06-08');
SELECT loyalty.use_benefit('gerd', 'salon', 'b1', at => '2024-06-09'), loyalty.use_benefit('gerd', 'envoi', 'b2', 7, at => '2024-06-09');
SELECT loyalty.grant_tier('hilde', 'or', '2024-12-31', 'g1', 'gift', '2024-06-02', first_day => '2024-07-01');
SELECT loyalty.grant_tier('hilde', 'or', NULL, 'g2', 'paid', '2024-06-02'), loyalty.end_grant('hilde', 'g2', 'e2', 'unpaid', '2024-06-20');
SELECT loyalty.grant_tier('gerd', 'or', NULL, 'g1', 'paid', '2024-06-10');
SELECT loyalty.purchase('hilde', 50.00, 'p1', at => '2024-07-10');
SELECT loyalty.settle('hilde', '2025-01-02');
END
	return unless $many;
	$node->safe_psql($database, <<"END");
INSERT INTO loyalty.enrollments (member, program) SELECT 'm' || i, 'club' FROM generate_series(1, $many) AS i;
INSERT INTO loyalty.awards (member, points, ref, program) SELECT 'm' || i, 10 * i, 'a' || j, 'club' FROM generate_series(1, $many) AS i, generate_series(1, 3) AS j;
INSERT INTO loyalty.holds (member, points, ref, program) SELECT 'm' || i, i, 'h', 'club' FROM generate_series(1, $many, 7) AS i;
END
	return;
}

# Every row of every table and every sequence of the schemas loyalty and public,
# as one text, with the name before each.
sub state
{
	my ($node, $database) = @_;
	my @relations = split /\n/, $node->safe_psql($database, <<'END');
SELECT relkind::text || format('%I.%I', nspname, relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname IN ('loyalty', 'public') AND relkind IN ('r', 'p', 'S')
ORDER BY 1
END
	my $state = '';

	foreach (@relations)
	{
		my ($kind, $relation) = /^(.)(.*)$/;
		my $columns = $kind eq 'S' ? 'last_value, is_called' : 't.*::text AS t';
		# COPY quotes what would otherwise hide in the output.
		$state .= "$relation\n"
		  . $node->safe_psql($database,
			"SET timezone = 'UTC'; COPY (SELECT $columns FROM $relation AS t ORDER BY 1) TO STDOUT")
		  . "\n";
	}
	return $state;
}

# What has to hold after anything: verify is clean, numbers have no gaps, and
# the balances of the accounts are the sums of their entries.
sub is_sound
{
	my ($node, $database, $when) = @_;

	is($node->safe_psql($database, 'SELECT * FROM loyalty.verify()'), '', "verify is clean $when");
	is( $node->safe_psql($database, <<'END'), '', "no gap, and every balance the sum of its entries, $when");
SELECT a.id, a.seq, a.balance, count(e.seq), max(e.seq), sum(e.points)
FROM loyalty.account a LEFT JOIN loyalty.entry e ON e.account_id = a.id
GROUP BY a.id, a.seq, a.balance
HAVING (a.seq, a.seq, a.balance) IS DISTINCT FROM (count(e.seq), max(e.seq), sum(e.points)::bigint)
END
	return;
}

# The SQLSTATE and message of what $sql ends with, 'ERROR:  LY001: ...', or ''.
sub error_of
{
	my ($node, $database, $sql, %params) = @_;
	my ($status, $out, $err) =
	  $node->psql($database, "\\set VERBOSITY verbose\n$sql", on_error_stop => 1, %params);
	return '' if $status == 0;
	return $err =~ /((?:ERROR|FATAL): .*)/s ? $1 : "ended with $status: $err";
}

1;
