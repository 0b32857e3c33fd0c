#!/bin/sh
# Install the Debian packages that are missing; where none is, do nothing.
#
#   install.sh GROUP...     groups: build test node root valgrind format
#
# Group node is taken only where it can be had: Debian's node-pg does not go with
# a node of another source.  Its test skips itself then.
#
# An existing cluster is never touched. Where this brings the first server of
# PostgreSQL 15, Debian's own cluster 15/main is not created: nothing here uses it.
set -eu

wanted=
optional=
for group in "${@:-build}"; do
	case $group in
		build)    wanted="$wanted make gcc libc6-dev postgresql-15 postgresql-server-dev-15" ;;
		test)     wanted="$wanted postgresql-15-pgtap perl libipc-run-perl python3 python3-psycopg2 xz-utils" ;;
		node)     optional="node-pg" ;;
		root)     wanted="$wanted debootstrap debian-archive-keyring" ;;
		valgrind) wanted="$wanted valgrind libc6-dbg" ;;
		*)        echo "unknown group of packages: $group" >&2; exit 2 ;;
	esac
done

if ! command -v dpkg-query >/dev/null; then
	echo "This is no Debian: nothing installed, going on with what there is." >&2
	exit 0
fi

# Those of the packages named that are not installed.
not_installed()
{
	for package; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
			installed) ;;
			*) printf ' %s' "$package" ;;
		esac
	done
}

missing=$(not_installed $wanted)
optional=$(not_installed $optional)
[ -n "$missing$optional" ] || exit 0

run=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		[ -n "$missing" ] || exit 0
		echo "As root: apt-get install --no-install-recommends$missing" >&2
		exit 1
	}
	run=sudo
fi

install()
{
	$run env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq install -y --no-install-recommends -o Dpkg::Use-Pty=0 "$@"
}

# After the others, whose update of the lists it uses.
install_optional()
{
	[ -n "$optional" ] || return 0
	if apt-get -qq install -s --no-install-recommends $optional >/dev/null 2>&1; then
		echo "Installing$optional"
		install $optional
	fi
}

if [ -z "$missing" ]; then
	install_optional
	exit
fi

echo "Installing$missing"
no_cluster=/etc/postgresql-common/createcluster.d/loyalty-setup.conf
case $missing in
	*" postgresql-15"*)
		trap '$run rm -f "$no_cluster"' EXIT
		$run mkdir -p "${no_cluster%/*}"
		echo 'create_main_cluster = false' | $run tee "$no_cluster" >/dev/null
		;;
esac

$run apt-get -qq update
install $missing
install_optional
