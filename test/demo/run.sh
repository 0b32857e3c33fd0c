#!/bin/bash
# A shop's year through loyalty, on the server that PGHOST and PGPORT name.
#
#   run.sh [FILE [RULES]]     orders in the columns of UCI Online Retail, csv or csv.xz; without it (or '') the shop
#                             makes its own. RULES: a rulebook to play them under, rulebook.sql for instance
#
# Its database, "shop", is dropped and made again. SHOP_SEED and SHOP_UNTIL (the last day) change the orders of its own.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=${1:-}
rules=${2:-}

# Figures and dates are read and written alike on every machine.
export PGCLIENTENCODING=UTF8 PGDATESTYLE=ISO PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning -c search_path=public"

database()
{
	psql -X -q -v ON_ERROR_STOP=1 -P pager=off "$@"
}

shop()
{
	database -d shop "$@"
}

step()
{
	printf '\n%s\n' "$1"
}

database -d postgres \
	-c "DROP DATABASE IF EXISTS shop WITH (FORCE)" \
	-c "CREATE DATABASE shop TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
shop -f "$here/program.sql" -f "$here/shop.sql"

columns='"InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"'
if [ -n "$data" ]; then
	step "Reading the orders of $data"
	case $data in
		*.xz) xz -dc -- "$data" ;;
		*) cat -- "$data" ;;
	esac | shop -c "\\copy shop.incoming ($columns) FROM pstdin (FORMAT csv, HEADER match)"
else
	yesterday=$(database -d postgres -Atc "SELECT (now() AT TIME ZONE 'Europe/London')::date - 1")
	until=${SHOP_UNTIL:-$yesterday}
	seed=${SHOP_SEED:-1}
	[[ ! $until > $yesterday ]] || { echo "SHOP_UNTIL=$until: the year must be over" >&2; exit 1; }
	step "Making a year of orders that ends on $until (seed $seed; the same again: SHOP_UNTIL=$until)"
	shop -v seed="$seed" -v until="$until" -f "$here/orders.sql"
fi
[ "$(shop -Atc 'SELECT EXISTS (SELECT FROM shop.incoming)')" = t ] || { echo "there are no orders in $data" >&2; exit 1; }
shop -At -c "SELECT format('  %s lines on %s invoices', shop.figure(count(*)), shop.figure(count(DISTINCT \"InvoiceNo\"))) FROM shop.incoming"

step "Sorting the lines, and matching returns to purchases"
shop -v rules="${rules:+1}" -f "$here/sort.sql"
shop -At -c "SELECT format('  %s orders and %s returns of %s customers; %s returned lines found no purchase, or not for all of it',
	shop.figure(count(*) FILTER (WHERE kind = 'purchase')), shop.figure(count(*) FILTER (WHERE kind = 'return')), shop.figure(count(DISTINCT customer)),
	shop.figure((SELECT count(*) FROM shop.unmatched))) FROM shop.invoice"

activities=
if [ -n "$rules" ]; then
	step "Loading the rulebook $rules"
	# Spring is that of the orders: there is one in every year of them.
	spring=$(shop -Atc "SELECT extract(year FROM max(at) - interval '4 months') FROM shop.line")
	shop -v program=shop -v spring="$spring" -f "$rules"
	shop -f "$here/deeds.sql"
	shop -At -c "SELECT format('  %s rules, %s of them in campaigns, %s tiers', shop.figure(count(*)), shop.figure(count(campaign)),
		shop.figure((SELECT count(*) FROM loyalty.tiers))) FROM loyalty.rules"
	shop -At -c "SELECT format('  members were given birthdays, and do %s things: %s', shop.figure(sum(times)), string_agg(shop.figure(times) || ' ' || activity, ', ' ORDER BY activity))
		FROM (SELECT activity, count(*) AS times FROM shop.deed GROUP BY activity) d"
	activities="   activities"
fi

step "Posting the year, in order of time"
echo "  month      orders   returns   points given           used     taken back   postings  per second$activities"
shop -At -f "$here/play.sql" -f - <<'SQL'
SELECT format('CALL shop.play(%L)', month) FROM (SELECT month FROM shop.invoice UNION SELECT month FROM shop.deed) m ORDER BY month \gexec
CALL shop.sweep();
VACUUM ANALYZE;
SQL

step "Does it add up?"
shop -f "$here/check.sql"
shop -f "$here/summary.sql"
[ -z "$rules" ] || shop -f "$here/rules.sql"
echo "  $SECONDS s in all"

# Where to go from here.
look=${PSQL_HINT:-psql -h $PGHOST -p $PGPORT${PGUSER:+ -U $PGUSER}}
case $look in
	*shop) ;;
	*) look="$look -d shop" ;;
esac
busiest=$(shop -Atc "SELECT customer FROM shop.entry GROUP BY customer ORDER BY count(*) FILTER (WHERE kind = 'spend') DESC, customer LIMIT 1")
closed=$(shop -Atc "SELECT last_on || ' 23:59 ' || zone FROM shop.year")
returned=$(shop -Atc "SELECT format('%L, %L', customer, of_ref) FROM shop.entry WHERE kind = 'refund' AND points < 0 ORDER BY at DESC, seq DESC LIMIT 1")
cat <<END

LOOK AROUND
  $look
    SELECT * FROM loyalty.statement('$busiest');
    SELECT * FROM loyalty.balance('$busiest', at => '$closed');
    SELECT * FROM loyalty.lots('$busiest', at => '$closed');
${returned:+    SELECT * FROM loyalty.explain($returned);
}    SELECT * FROM shop.card ORDER BY debt DESC LIMIT 10;
    SELECT * FROM loyalty.points_used LIMIT 10;
${rules:+    SELECT * FROM loyalty.member_card('$busiest', at => '$closed');
    SELECT * FROM loyalty.tier_history WHERE member = '$busiest';
    SELECT * FROM loyalty.campaign_report;
}STOP THE SERVER
  ${STOP_HINT:-pg_ctl stop -D $(shop -Atc "SHOW data_directory")}
END
