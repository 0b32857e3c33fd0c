#!/bin/bash
# All tests, from a checkout with the packages installed (make test does that):
# build with assertions, install, run every suite on a private server, and print
# what each found; the last line is the sum.
#
#   run.sh [SUITE...]     regress pgtap security isolation tap damage doc reference demo bench, which is all; or upgrade, valgrind, discard
#
# REGRESS, ISOLATION (names), PGTAP, SECURITY, TAP (files) run those of a suite alone.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/test/setup/lib.sh"

need_postgres
find_work
cd "$top" || exit 1
[ $# -gt 0 ] || set -- regress pgtap security isolation tap damage doc reference demo bench

server=$top/test/setup/server.sh
retail=$top/../shared/data/online_retail.csv.xz
logs=$work/log
mkdir -p "$logs"
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
# Nothing that the make which calls this was given is meant for these.
unset MAKEFLAGS MFLAGS MAKELEVEL
make=(make --no-print-directory -s -f "$top/Makefile" PG_CONFIG="$pg_config")
passed=0
failed=0

# ------------------------------------------------------------------ counting

# A test that is one command: it passes if that ends with 0 within its time.
stage()
{
	local name=$1 limit=$2 started=$SECONDS status
	shift 2
	echo "# $name: $*"
	timeout -k 10 "$limit" "$@"
	status=$?
	if [ $status = 0 ]; then
		echo "ok - $name ($((SECONDS - started)) s)"
		passed=$((passed + 1))
	else
		[ $status != 124 ] || echo "# stopped after $limit s"
		echo "not ok - $name (exit $status)"
		failed=$((failed + 1))
	fi
}

# Adds what a file of TAP, or of pg_regress, says.  $2: how its program ended,
# $3: what ran.
count()
{
	local ok bad
	ok=$(grep -cE '^ok [0-9]|^test .* \.\.\. ok ' "$1")
	bad=$(grep -cE '^not ok [0-9]|^test .* \.\.\. FAILED' "$1")
	if [ "$bad" = 0 ] && [ "$2" != 0 ]; then
		echo "not ok - $3 ended badly: $2"
		bad=1
	elif [ "$((ok + bad))" = 0 ]; then
		echo "not ok - $3 ran no test"
		bad=1
	fi
	passed=$((passed + ok))
	failed=$((failed + bad))
}

# Every file $1*$2 must be among the names in $3: a list in the Makefile has no wildcard.
all_listed()
{
	local file name
	for file in "$1"*"$2"; do
		[ -e "$file" ] || continue
		name=$(basename "$file" "$2")
		case " $3 " in
			*" $name "*) ;;
			*)
				echo "not ok - $file is in no list of the Makefile"
				failed=$((failed + 1))
				;;
		esac
	done
}

# -------------------------------------------------------------------- suites

suite_regress()
{
	local out=$work/regress list room
	list=${REGRESS:-$("${make[@]}" print-REGRESS)}
	if [ -z "${REGRESS:-}" ]; then
		all_listed sql/ .sql "$list"
		# shellcheck disable=SC2046	# a list of words
		for room in $("${make[@]}" print-ROOMS); do
			all_listed "src/$room/" .sql " $("${make[@]}" print-SQL_MODULES | tr ' ' '\n' | sed -n "s|^$room/||p" | tr '\n' ' ')"
		done
		stage "no circle of files, no call upwards" 60 "$top/test/setup/rooms.sh" "$top/build/asserts/src" $("${make[@]}" print-ROOMS)
	fi
	rm -rf "$out"
	mkdir -p "$out"
	# shellcheck disable=SC2046,SC2086	# lists of words
	"$pgxs_dir/test/regress/pg_regress" --inputdir="$top" --outputdir="$out" --bindir="$bindir" \
		--host="$PGHOST" --port="$PGPORT" --user="$PGUSER" \
		$("${make[@]}" print-REGRESS_OPTS) $list >"$out/summary" 2>&1
	local status=$?
	cat "$out/summary"
	count "$out/summary" $status pg_regress
	[ ! -e "$out/regression.diffs" ] || head -n 300 "$out/regression.diffs"
}

# The SQL tests where whatever a catalog told is forgotten at once: a pointer into it
# that is kept too long shows.  For a PostgreSQL built with --enable-cassert.
suite_discard()
{
	PGOPTIONS="${PGOPTIONS:-} -c debug_discard_caches=1" suite_regress
}

suite_isolation()
{
	local out=$work/isolation list
	list=${ISOLATION:-$("${make[@]}" print-ISOLATION)}
	[ -n "${ISOLATION:-}" ] || all_listed test/isolation/specs/ .spec "$list"
	rm -rf "$out"
	mkdir -p "$out"
	# shellcheck disable=SC2086
	"$pgxs_dir/test/isolation/pg_isolation_regress" --inputdir="$top/test/isolation" --outputdir="$out" \
		--bindir="$bindir" --host="$PGHOST" --port="$PGPORT" --user="$PGUSER" \
		--dbname=isolation_regression $list >"$out/summary" 2>&1
	local status=$?
	cat "$out/summary"
	count "$out/summary" $status pg_isolation_regress
	[ ! -e "$out/regression.diffs" ] || head -n 300 "$out/regression.diffs"
}

# Files of pgTAP.  Each makes the extensions it needs.  An error outside of its tests is a failure too.
run_pgtap()
{
	local file out name status planned ran
	mkdir -p "$work/pgtap"
	for file; do
		name=$(basename "$file" .sql)
		out=$work/pgtap/$name.out
		fresh_database "pgtap_$name"
		timeout -k 10 900 psql -X -q -At -d "pgtap_$name" -f "$file" >"$out" 2>&1
		status=$?
		echo "# $file"
		cat "$out"
		planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$out")
		ran=$(grep -cE '^(not )?ok [0-9]' "$out")
		if [ "$planned" != "$ran" ]; then
			echo "# planned ${planned:-nothing}, ran $ran"
			status=plan
		elif grep -qE '^psql:.*(ERROR|FATAL|PANIC):' "$out"; then
			status=error
		fi
		count "$out" "$status" "$file"
	done
}

# The client of node, from the npm registry where Debian's does not go with the
# node that is there; without either, its test skips itself.
fetch_node_pg()
{
	command -v node >/dev/null && command -v npm >/dev/null || return 0
	NODE_PATH=$1/node_modules:/usr/share/nodejs node -e 'require("pg")' 2>/dev/null && return 0
	npm install --silent --no-audit --no-fund --no-save --prefix "$1" pg@8 >/dev/null 2>&1 || true
}

suite_pgtap()
{
	# shellcheck disable=SC2086
	run_pgtap ${PGTAP:-test/pgtap/*.sql}
}

# What each role of the manual could try.
suite_security()
{
	# shellcheck disable=SC2086
	run_pgtap ${SECURITY:-test/security/*.sql}
}

# The modules start clusters of their own, so not as root: the server's user
# runs a copy, for the checkout may be closed to it.
suite_tap()
{
	local out=$work/tap
	make_own_dir "$out"
	cp -r "$top/test/t" "$top/test/app" "$out/"
	fetch_node_pg "$out"
	[ "$(id -u)" != 0 ] || chown -R postgres: "$out"
	(
		cd "$out" || exit 1
		as_server env -u PGHOST -u PGPORT -u PGUSER PG_CONFIG="$pg_config" PATH="$PATH" TESTDIR="$out" NODE_PATH="$out/node_modules" \
			TESTLOGDIR="$out/log" PG_REGRESS="$pgxs_dir/test/regress/pg_regress" \
			prove -v --timer -I "$pgxs_dir/test/perl" -I t ${TAP:-t/*.pl}
	) >"$out/summary" 2>&1
	local status=$?
	cat "$out/summary"
	count "$out/summary" $status prove
}

# pg_upgrade from 15 to 17 to 18, where the roots of the two can be had.
suite_upgrade()
{
	stage "pg_upgrade from 15 to 17 to 18" 1800 $as_root "$top/test/upgrade/run.sh"
}

suite_doc()
{
	"$top/test/doc.sh" >"$work/doc.out" 2>&1
	local status=$?
	cat "$work/doc.out"
	count "$work/doc.out" $status doc.sh
}

suite_reference()
{
	local scripts=$top/test/reference
	fresh_database reference
	stage "the model against the vectors" 600 python3 "$scripts/selftest.py"
	stage "tiers by hand, the model" 600 python3 "$scripts/tier_cases.py"
	stage "tiers by hand" 600 python3 "$scripts/tier_cases.py" --dsn "$(dsn reference)"
	stage "lots: properties and fuzz" 900 python3 "$scripts/lots_fuzz.py" --dsn "$(dsn reference)"
	stage "200,000 random operations against the model" 2400 \
		python3 "$scripts/run.py" --dsn "$(dsn reference)" --operations 200000 --jobs 2 --seed "${SEED:-4242}"
	stage "the chain, by SHA-256 alone" 600 python3 "$scripts/chain.py" --dsn "$(dsn reference)"
}

# Every stored field of every kind, damaged in many ways.  DAMAGE: other options.
suite_damage()
{
	fresh_database damage
	# shellcheck disable=SC2086
	stage "damage is named, and kills nothing" 1200 \
		python3 "$top/test/damage/damage.py" --dsn "$(dsn damage)" ${DAMAGE:-}
}

suite_demo()
{
	export STOP_HINT="$server stop test"
	stage "demo on orders of its own" 900 "$top/test/demo/run.sh" ""
	stage "demo under the rulebook" 900 "$top/test/demo/run.sh" "" "$top/test/demo/rulebook.sql"
	if [ -e "$retail" ]; then
		stage "demo on Online Retail" 1800 "$top/test/demo/run.sh" "$retail"
	fi
}

# On the build that is shipped, and so the last one.
suite_bench()
{
	install_build "$top" || return
	stage "the benchmarks run" 900 python3 "$top/test/bench/bench.py" --quick
}

# The regression tests on a server under valgrind.  Debian's server is built
# without its hooks, so it watches what malloc gave, not each palloc.
suite_valgrind()
{
	local out=$work/valgrind.out wrapper=$work/valgrind.sh
	make_own_dir "$out"
	cp "$top/test/setup/valgrind.supp" "$out/"
	cat >"$wrapper" <<-END
		#!/bin/sh
		exec valgrind --quiet --leak-check=no --track-origins=yes --gen-suppressions=all --num-callers=30 \\
			--error-markers=VALGRIND-ERROR,END --suppressions='$out/valgrind.supp' \\
			--log-file='$out/%p.log' --trace-children=yes '$bindir/postgres' "\$@"
	END
	chmod 755 "$wrapper"
	"$server" remove valgrind
	POSTGRES=$wrapper "$server" start valgrind fsync=off autovacuum=off authentication_timeout=600 || {
		echo "not ok - the server does not start under valgrind"
		failed=$((failed + 1))
		return
	}
	(enter_server valgrind && suite_regress && echo "$passed $failed" >"$out/counts")
	"$server" stop valgrind
	read -r passed failed <"$out/counts"
	if cat "$out"/*.log | grep -A40 VALGRIND-ERROR; then
		echo "not ok - valgrind found errors"
		failed=$((failed + 1))
	else
		echo "ok - no error under valgrind"
		passed=$((passed + 1))
	fi
}

# --------------------------------------------------------------------- build

# Builds in directory $1 and installs; further words go to make.
install_build()
{
	local dir=$1
	shift
	mkdir -p "$dir"
	(
		cd "$dir" || exit 1
		"${make[@]}" "$@" all && $as_root "${make[@]}" "$@" install
	) >"$logs/build.log" 2>&1 || {
		cat "$logs/build.log" >&2
		failed=$((failed + 1))
		return 1
	}
}

finish()
{
	"$server" stop test
	# What stays installed is the build without assertions.
	install_build "$top"
}

run_suite()
{
	local suite=$1 log=$logs/$1.log before_passed=$passed before_failed=$failed started=$SECONDS
	"suite_$suite" >"$log" 2>&1
	local new_failed=$((failed - before_failed))
	printf '%-10s %5d passed, %d failed  (%d s)\n' "$suite" $((passed - before_passed)) $new_failed $((SECONDS - started))
	grep -i 'seed' "$log" | head -n 5 | sed 's/^/    /'
	if [ $new_failed != 0 ]; then
		echo "---- end of $log"
		tail -n 80 "$log"
		echo "----"
	fi
}

for suite; do
	declare -F "suite_$suite" >/dev/null || die "there is no suite \"$suite\""
done
echo "Building, in the tree and out of it with assertions"
install_build "$top" && install_build "$top/build/asserts" ASSERTS=1 || {
	echo "0 passed, 1 failed"
	exit 1
}
"$server" remove test
"$server" start test fsync=off full_page_writes=off shared_buffers=256MB max_wal_size=4GB \
	max_prepared_transactions=20 max_connections=120 || exit 1
trap finish EXIT
enter_server test

for suite; do
	run_suite "$suite"
done
trap - EXIT
finish
echo "logs are in $logs"
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
