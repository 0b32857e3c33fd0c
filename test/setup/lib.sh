# What the scripts beside this one, and those of the tests, share. To be sourced, with $top set.

pg_config=${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config}
[ -x "$pg_config" ] || pg_config=$(command -v pg_config || true)

# The servers of this checkout: no TCP, so that the port is only a name for the socket.
port=54815

die()
{
	echo "$*" >&2
	exit 1
}

need_postgres()
{
	[ -n "$pg_config" ] || die "PostgreSQL is not installed: run make setup as root"
	case $("$pg_config" --version) in
		"PostgreSQL 15"* | "PostgreSQL 16"* | "PostgreSQL 17"* | "PostgreSQL 18"*) ;;
		*) die "$pg_config is that of $("$pg_config" --version); set PG_CONFIG to that of PostgreSQL 15, 16, 17 or 18" ;;
	esac
	bindir=$("$pg_config" --bindir)
	pgxs_dir=$(dirname "$("$pg_config" --pgxs)")/..
	[ -x "$bindir/postgres" ] || die "the server of $pg_config is not installed: run make setup as root"
}

# Runs a command as the user that the servers run as: not root, which they refuse.
as_server()
{
	if [ "$(id -u)" = 0 ]; then
		runuser -u postgres -- "$@"
	else
		"$@"
	fi
}

# Sets $work, where clusters, logs and results go: build/ of the checkout, or,
# where the server's user cannot reach that, a directory of its own in /var/tmp.
find_work()
{
	work=$top/build
	mkdir -p "$work"
	if ! as_server test -x "$work"; then
		hash=$(printf %s "$top" | sha256sum | cut -c1-12)
		work=/var/tmp/loyalty-$hash
		mkdir -m 755 "$work" 2>/dev/null || true
		# The name can be guessed: trust it only if it is a directory of ours.
		[ ! -L "$work" ] && [ -d "$work" ] && [ "$(stat -c %u "$work")" = "$(id -u)" ] ||
			die "$work is there already and is not a directory of $(id -un)"
		[ -e "$top/build/servers-are-in" ] ||
			echo "User postgres cannot enter $top: the private servers go to $work" >&2
		echo "$work" >"$top/build/servers-are-in"
	fi
}

# Makes an empty directory that the server's user can write to.
make_own_dir()
{
	rm -rf "$1"
	mkdir -p "$1"
	[ "$(id -u)" != 0 ] || chown postgres: "$1"
}

# Sets the environment for clients of the server $1, with Debian's programs before others:
# its python3 is the one that has psycopg2.
enter_server()
{
	need_postgres
	eval "$("$top/test/setup/server.sh" env "$1")"
	PATH=$bindir:/usr/bin:/bin:$PATH
	PSQL_HINT="psql -h $PGHOST -p $PGPORT -U $PGUSER"
	export PGHOST PGPORT PGUSER PATH PSQL_HINT
}

# The connection string of database $1 on the server that was entered.
dsn()
{
	echo "host=$PGHOST port=$PGPORT user=$PGUSER dbname=$1"
}

# Makes database $1 anew, on the server that was entered.
fresh_database()
{
	psql -X -q -d postgres -v ON_ERROR_STOP=1 \
		-c "SET client_min_messages = warning" \
		-c "DROP DATABASE IF EXISTS $1 WITH (FORCE)" -c "CREATE DATABASE $1"
}
