#!/bin/sh
# Install the Debian packages that are missing; where none is, do nothing.
#
#   install.sh GROUP...     groups: build test valgrind format
#
# An existing cluster is never touched. Where this brings the first server of
# PostgreSQL 15, Debian's own cluster 15/main is not created: nothing here uses it.
set -eu

wanted=
for group in "${@:-build}"; do
	case $group in
		build)    wanted="$wanted make gcc libc6-dev postgresql-15 postgresql-server-dev-15" ;;
		test)     wanted="$wanted postgresql-15-pgtap perl libipc-run-perl python3 python3-psycopg2 xz-utils" ;;
		valgrind) wanted="$wanted valgrind libc6-dbg" ;;
		format)   wanted="$wanted clang-format" ;;
		*)        echo "unknown group of packages: $group" >&2; exit 2 ;;
	esac
done

if ! command -v dpkg-query >/dev/null; then
	echo "This is no Debian: nothing installed, going on with what there is." >&2
	exit 0
fi

missing=
for package in $wanted; do
	case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
		installed) ;;
		*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

run=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "As root: apt-get install --no-install-recommends$missing" >&2
		exit 1
	}
	run=sudo
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
$run env DEBIAN_FRONTEND=noninteractive \
	apt-get -qq install -y --no-install-recommends -o Dpkg::Use-Pty=0 $missing
