# A physical standby answers every read and refuses every posting; promoted in
# the middle of postings, it goes on as the ledger.
use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);
use LoyaltyTest;

my $primary = new_node('primary', allows_streaming => 1);
fill($primary, 'postgres', 50);
# Due, and settled by nobody: the standby cannot settle it either, and reads it right.
$primary->safe_psql('postgres', <<'END');
SELECT loyalty.enroll('due', 'club', '2024-01-01');
SELECT loyalty.award('due', 100, 'a1', expires_on => '2024-01-31', at => '2024-01-02', program => 'club');
SELECT loyalty.award('due', 10, 'a2', expires_on => 'infinity', at => '2024-01-02', program => 'club');
END

$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay');

is(state($standby, 'postgres'), state($primary, 'postgres'), 'the standby has the same rows');
foreach my $read (
	"SELECT * FROM loyalty.balance('anna', program => 'club')",
	"SELECT * FROM loyalty.balance('anna', '2024-02-10', 'club')",
	"SELECT * FROM loyalty.lots(member => 'anna', program => 'club')",
	"SELECT * FROM loyalty.statement('anna', program => 'club')",
	"SELECT * FROM loyalty.explain('anna', 'p1', program => 'club')",
	"SELECT * FROM loyalty.balances ORDER BY 1, 2",
	"SELECT * FROM loyalty.statements ORDER BY 1, 2, 3",
	"SELECT * FROM loyalty.lots_open ORDER BY 1, 2, 3",
	"SELECT * FROM loyalty.points_used ORDER BY 1, 2, 3",
	"SELECT * FROM loyalty.points_expiring ORDER BY 1, 2, 3",
	"SELECT * FROM loyalty.awards ORDER BY member, ref",
	"SELECT * FROM loyalty.explain('gerd', 'p1', program => 'règles')",
	"SELECT * FROM loyalty._rules_missed('hilde', 'p1', 'règles')",
	"SELECT points, computed, balance, tier, parts FROM loyalty.preview('gerd', 40.00, '[{\"sku\": \"A\", \"category\": \"vin\", \"quantity\": 8, \"amount\": 40.00}]', program => 'règles')",
	"SELECT points, parts FROM loyalty.preview('hilde', 40.00, at => '2024-08-01', program => 'règles')",
	"SELECT * FROM loyalty.backtest('été', program => 'règles')",
	"SELECT * FROM loyalty.tier_status('hilde', '2024-08-01', 'règles')",
	"SELECT * FROM loyalty.tier_progress('gerd', '2024-08-01', 'règles')",
	"SELECT * FROM loyalty.member_card('gerd', '2024-06-20', 'règles')",
	"SELECT * FROM loyalty.member_benefits('gerd', '2024-06-20', 'règles')",
	"SELECT * FROM loyalty.tier_history ORDER BY member, program, entry",
	"SELECT * FROM loyalty.awarded_parts ORDER BY account, entry, part",
	"SELECT * FROM loyalty.campaign_report ORDER BY program, campaign, rule",
	"SELECT * FROM loyalty.rules ORDER BY program, code")
{
	my $there = $primary->safe_psql('postgres', $read);
	is($standby->safe_psql('postgres', $read), $there, "answers as the primary: $read");
}
is($standby->safe_psql('postgres', "SELECT balance, usable FROM loyalty.balance('due', program => 'club')"), '10|10', 'what is due is settled in reading');
is($standby->safe_psql('postgres', 'SELECT * FROM loyalty.verify()'), '', 'verify is clean there');

foreach my $posting (
	"SELECT loyalty.award('anna', 1, 'x', program => 'club')",
	"SELECT loyalty.spend('anna', 1, 'x', program => 'club')",
	"SELECT loyalty.enroll('x', program => 'club')",
	"SELECT loyalty.purchase('gerd', 1, 'x', program => 'règles')",
	"SELECT loyalty.activity('gerd', 'review', 'x', program => 'règles')",
	"SELECT loyalty.grant_tier('gerd', 'or', NULL, 'x', program => 'règles')",
	"SELECT loyalty.use_benefit('gerd', 'envoi', 'x', program => 'règles')",
	"INSERT INTO loyalty.rules (code, points, program) VALUES ('x', '1', 'règles')",
	"SELECT loyalty.settle('due', program => 'club')",
	"INSERT INTO loyalty.awards (member, points, ref, program) VALUES ('anna', 1, 'x', 'club')",
	"CALL loyalty.sweep()")
{
	like(error_of($standby, 'postgres', $posting), qr/25006/, "refused: $posting");
}

# Promoted in the middle of postings: what has arrived is whole.
my $output = '';
my $script = join '', map { "SELECT '$_' FROM loyalty.transfer('anna', 'm' || 1 + $_ % 50, 1, 'move$_', program => 'club');\n" } 1 .. 20000;
$primary->safe_psql('postgres', "SELECT loyalty.award('anna', 100000, 'much', program => 'club')");
my $load = IPC::Run::start([ 'psql', '-X', '-q', '-At', '-d', $primary->connstr('postgres') ],
	'<', \$script, '>', \$output, '2>', '/dev/null');
for (my $until = time + 30; time < $until && $output !~ /^200$/m;)
{
	$load->pump_nb;
	usleep(5_000);
}
$standby->promote;
$primary->stop('immediate');
$load->kill_kill;

is_sound($standby, 'postgres', 'on the promoted standby');
is( $standby->safe_psql('postgres', "SELECT count(*) FILTER (WHERE kind::text = 'transfer_out') - count(*) FILTER (WHERE kind::text = 'transfer_in') FROM loyalty.entry WHERE 'move' = left(coalesce(ref, of_ref), 4)"),
	0, 'no transfer arrived by half');
my $arrived = $standby->safe_psql('postgres', "SELECT count(*) FROM loyalty.entry WHERE ref LIKE 'move%'");
cmp_ok($arrived, '>', 0, "there was something to break ($arrived transfers)");
is(error_of($standby, 'postgres', "SELECT loyalty.award('anna', 1, 'new', program => 'club'); SELECT loyalty.enroll('new', program => 'club'); CALL loyalty.sweep()"),
	'', 'postings go on there');
is($standby->safe_psql('postgres', "SELECT kind FROM loyalty.entry e JOIN loyalty.account a ON a.id = e.account_id JOIN loyalty.member m ON m.id = a.member_id WHERE m.key = 'due' ORDER BY e.seq DESC LIMIT 1"),
	'expire', '... and what was due is settled');
is_sound($standby, 'postgres', 'after that');

$standby->stop;
done_testing();
