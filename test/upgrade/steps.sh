#!/bin/bash
# The steps of run.sh, within the root.
set -eu
cd /upgrade
export PGHOST=/upgrade PGPORT=54818 PGUSER=postgres PGDATABASE=shop PGOPTIONS='-c timezone=UTC -c datestyle=ISO'

bin()
{
	echo "/usr/lib/postgresql/$1/bin"
}

init()
{
	local checksums=
	[ "$1" != 18 ] || checksums=--no-data-checksums
	"$(bin "$1")/initdb" -D "data$1" -U postgres -A trust -E UTF8 --locale=C --no-instructions $checksums >"init$1.log"
	echo "unix_socket_directories = '/upgrade'
listen_addresses = ''
fsync = off" >>"data$1/postgresql.conf"
	[ "$1" != 18 ] || echo "io_method = sync" >>"data$1/postgresql.conf"
}

start()
{
	"$(bin "$1")/pg_ctl" -D "data$1" -l "server$1.log" -o "-p 54818" -w start >/dev/null
}

stop()
{
	"$(bin "$1")/pg_ctl" -D "data$1" -m fast -w stop >/dev/null
}

upgrade()
{
	init "$2"
	"$(bin "$2")/pg_upgrade" -b "$(bin "$1")" -B "$(bin "$2")" -d "data$1" -D "data$2" -U postgres -s /upgrade >"upgrade$2.log" 2>&1 ||
		{ tail -n 40 "upgrade$2.log"; cat data"$2"/pg_upgrade_output.d/*/log/*.log 2>/dev/null | tail -n 40; exit 1; }
}

# Some packages of 15 and 17 give each new column an option, pg_attver, that those of 18
# do not know: no table at all could be upgraded.
forget_stamps()
{
	local database
	for database in template1 postgres shop; do
		"$(bin "$1")/psql" -X -q -d "$database" -c 'SET allow_system_table_mods = on' \
			-c "UPDATE pg_attribute SET attoptions = NULL WHERE attoptions::text LIKE '{pg_attver=%}'"
	done
}

init 15
start 15
"$(bin 15)/psql" -X -q -d postgres -c 'CREATE DATABASE shop'
"$(bin 15)/psql" -X -q -f history.sql >/dev/null
from=15
for to in 17 18; do
	"$(bin "$from")/psql" -X -q -f state.sql >"before$to"
	grep -q '^differences|0$' "before$to" || { cat "before$to"; exit 1; }
	[ "$to" != 18 ] || forget_stamps "$from"
	stop "$from"
	upgrade "$from" "$to"
	start "$to"
	"$(bin "$to")/psql" -X -q -f state.sql >"after$to"
	diff "before$to" "after$to" || { echo "the ledger is another on $to"; exit 1; }
	"$(bin "$to")/psql" -X -q -v version="$to" -f next.sql >"next$to"
	printf '%s\n' 160 0 | diff - "next$to" || { echo "the next postings on $to"; exit 1; }
	echo "from $from to $to: the same $(grep -c . "after$to") figures, and the next postings"
	from=$to
done
stop 18
