#!/bin/sh
# A private server of this checkout: its own cluster, reached by a socket alone.
#
#   server.sh start NAME [SETTING=VALUE ...]   create it if need be, and start it
#   server.sh stop NAME
#   server.sh status NAME
#   server.sh env NAME       PGHOST, PGPORT and PGUSER as assignments for a shell
#   server.sh remove NAME    stop it and remove its cluster
#   server.sh clean          the same for every server of this checkout, and build/
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/test/setup/lib.sh"

# Sets where the server $1 has its things.
locate()
{
	case $1 in
		'' | *[!a-z0-9_]*) die "a server's name is lower-case letters, digits and _: \"$1\"" ;;
	esac
	dir=$work/$1
	data=$dir/data
	log=$dir/server.log
	# The path of a socket has at most 107 bytes.
	socket=$dir
	if [ "$(printf %s "$socket/.s.PGSQL.$port.lock" | wc -c)" -gt 107 ]; then
		socket=/tmp/loyalty-$(printf %s "$dir" | sha256sum | cut -c1-12)
	fi
}

running()
{
	as_server "$bindir/pg_ctl" -D "$data" status >/dev/null 2>&1
}

create()
{
	[ -e "$dir" ] || make_own_dir "$dir"
	as_server "$bindir/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C \
		--no-instructions >"$work/$1.initdb.log" 2>&1 || {
		cat "$work/$1.initdb.log" >&2
		die "initdb failed"
	}
	rm "$work/$1.initdb.log"
	echo "include = 'private.conf'" | as_server tee -a "$data/postgresql.conf" >/dev/null
}

start()
{
	name=$1
	shift
	if running; then
		return
	fi
	if [ ! -e "$data/PG_VERSION" ]; then
		create "$name"
	fi
	if [ "$socket" != "$dir" ]; then
		as_server mkdir -p -m 700 "$socket"
		[ "$(stat -c %U "$socket")" = "$(as_server id -un)" ] || die "$socket belongs to somebody else"
	fi
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$socket'"
		echo "port = $port"
		echo "timezone = 'UTC'"
		echo "log_timezone = 'UTC'"
		echo "log_line_prefix = '%m [%p] %q%a '"
		for setting; do
			echo "${setting%%=*} = '${setting#*=}'"
		done
	} | as_server tee "$data/private.conf" >/dev/null
	# POSTGRES: another program to start as the server.
	as_server "$bindir/pg_ctl" -D "$data" -l "$log" -w -t 300 ${POSTGRES:+-p "$POSTGRES"} start >/dev/null || {
		as_server tail -n 20 "$log" >&2
		die "server \"$name\" did not start; its log is $log"
	}
}

stop()
{
	if [ -e "$data/PG_VERSION" ] && running; then
		as_server "$bindir/pg_ctl" -D "$data" -m fast -w -t 300 stop >/dev/null
	fi
}

remove()
{
	stop
	if [ "$socket" != "$dir" ]; then
		rm -rf "$socket"
	fi
	rm -rf "$dir"
}

need_postgres
find_work
cd /	# the server's user may not be able to enter the caller's directory

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
	start)
		locate "${1:-}"
		start "$@"
		;;
	stop)
		locate "${1:-}"
		stop
		;;
	status)
		locate "${1:-}"
		if running; then
			echo "running: psql -h $socket -p $port -U postgres"
		else
			echo "not running"
			exit 3
		fi
		;;
	env)
		locate "${1:-}"
		echo "PGHOST='$socket' PGPORT=$port PGUSER=postgres"
		;;
	remove)
		locate "${1:-}"
		remove
		;;
	clean)
		for cluster in "$work"/*/data/PG_VERSION; do
			[ -e "$cluster" ] || continue
			cluster=${cluster%/data/PG_VERSION}
			locate "${cluster##*/}"
			remove
		done
		rm -rf "$work" "$top/build"
		;;
	*)
		sed -n '2,/^set/s/^#//p' "$0" | sed 's/^ //' >&2
		exit 2
		;;
esac
