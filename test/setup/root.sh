#!/bin/sh
# A Debian root with another major version of PostgreSQL, to run the tests in.
#
#   root.sh make MAJOR               make it, or find the one made before; prints its path
#   root.sh test MAJOR [SUITE...]    run suites of this checkout in it, on a copy
#   root.sh build MAJOR              build this checkout in it, and install it there
#   root.sh run MAJOR COMMAND...     run a command in it
#
# It is kept outside of any checkout: in $LOYALTY_ROOTS, or /var/cache/loyalty.
# The mirror is that of this machine's own apt.
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
roots=${LOYALTY_ROOTS:-/var/cache/loyalty}

die()
{
	echo "$*" >&2
	exit 1
}

# The suite of Debian that has a major version.
suite_of()
{
	case $1 in
		17) echo trixie ;;
		18) echo sid ;;
		*) die "no suite of Debian is known for PostgreSQL $1" ;;
	esac
}

# The mirror of Debian that this machine installs from.
mirror()
{
	apt-get indextargets --format '$(REPO_URI) $(SUITE)' 2>/dev/null |
		awk '$1 ~ /debian\/?$/ { print $1; exit }'
}

in_root()
{
	chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@" 9>&-
}

# What the server and the tests need in it.
install_packages()
{
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" &&
		chmod 755 "$root/usr/sbin/policy-rc.d" &&
		mkdir -p "$root/etc/postgresql-common/createcluster.d" &&
		echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.d/loyalty.conf" ||
		return 1
	# The lists of sid may be older than their own limit.
	[ "$(suite_of "$major")" != sid ] ||
		echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/90loyalty"
	in_root apt-get -qq update || return 1
	# Before the packages, whose scripts fail to make it without systemd (seen on sid).
	in_root id postgres >/dev/null 2>&1 ||
		in_root useradd --system --home-dir /var/lib/postgresql --create-home --shell /bin/bash postgres ||
		return 1
	# A script that fails to configure a service leaves its files in place: is_complete sees what counts.
	in_root apt-get -qq install -y --no-install-recommends -o Dpkg::Use-Pty=0 \
		"postgresql-$major" "postgresql-server-dev-$major" "postgresql-$major-pgtap" \
		make gcc libc6-dev perl libipc-run-perl python3 python3-psycopg2 ccache ||
		echo "apt-get install: some package is not configured"
	rm -rf "$root"/var/cache/apt/archives/*.deb
}

# Is all there that the tests need?
is_complete()
{
	in_root "/usr/lib/postgresql/$major/bin/postgres" --version &&
		in_root test -e "/usr/lib/postgresql/$major/lib/pgxs/src/makefiles/pgxs.mk" &&
		in_root test -e "/usr/share/postgresql/$major/extension/pgtap.control" &&
		in_root python3 -c 'import psycopg2' &&
		in_root perl -MIPC::Run -e 1 &&
		in_root sh -c 'command -v make gcc prove ccache runuser'
}

make_root()
{
	[ ! -e "$root/loyalty-is-ready" ] || return 0
	[ "$(id -u)" = 0 ] || die "as root: a Debian root with PostgreSQL $major is made in $root"
	command -v debootstrap >/dev/null || die "debootstrap is not installed: make setup"
	uri=$(mirror)
	[ -n "$uri" ] || die "no mirror of Debian is configured here"
	# What was left half made is made anew.
	leave
	! grep -qs " $root/" /proc/mounts || die "something is still mounted in $root"
	rm -rf --one-file-system "$root"
	mkdir -p "$root"
	debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
		"$(suite_of "$major")" "$root" "$uri" >"$root.log" 2>&1 ||
		{ tail -n 20 "$root.log" >&2; die "debootstrap failed: $root.log"; }
	# postgres has to get in
	chmod 755 "$root"
	install_packages >>"$root.log" 2>&1 && is_complete >>"$root.log" 2>&1 ||
		{ tail -n 20 "$root.log" >&2; die "packages could not be installed: $root.log"; }
	touch "$root/loyalty-is-ready"
}

# A copy, so that what is built in the root is not what is built here.
copy_checkout()
{
	rm -rf "$root/loyalty"
	mkdir -p "$root/loyalty"
	(cd "$top" && tar --exclude=./build --exclude=./.git --exclude='*.o' --exclude='*.so' -cf - .) |
		tar -xf - -C "$root/loyalty"
}

mounted()
{
	grep -qs " $1 " /proc/mounts
}

enter()
{
	mounted "$root/proc" || mount -t proc proc "$root/proc"
	mounted "$root/dev" || mount --bind /dev "$root/dev"
	mounted "$root/dev/shm" || { mkdir -p "$root/dev/shm"; mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"; }
}

leave()
{
	for place in dev/shm dev proc; do
		while mounted "$root/$place"; do
			umount -l "$root/$place" || break
		done
	done
}

command=${1:-}
major=${2:-}
root=$roots/pg$major
# One at a time in a root.
if [ -n "$major" ]; then
	mkdir -p "$roots"
	exec 9>"$root.lock"
	flock 9
fi
case $command in
	make)
		mkdir -p "$roots"
		make_root
		echo "$root"
		;;
	build)
		make_root
		copy_checkout
		enter
		trap leave EXIT
		in_root make -s -C /loyalty PG_CONFIG="/usr/lib/postgresql/$major/bin/pg_config" CC='ccache gcc' all install >&2
		;;
	test)
		shift 2
		make_root
		copy_checkout
		enter
		trap leave EXIT
		status=0
		suites=${*:-regress pgtap security isolation tap damage}
		# shellcheck disable=SC2086	# a list of words
		in_root PG_CONFIG="/usr/lib/postgresql/$major/bin/pg_config" CC='ccache gcc' \
			/loyalty/test/run.sh $suites || status=$?
		rm -rf "$top/build/pg$major"
		mkdir -p "$top/build/pg$major"
		cp -r "$root/loyalty/build/log" "$top/build/pg$major/"
		exit "$status"
		;;
	run)
		shift 2
		[ -e "$root/loyalty-is-ready" ] || die "there is no root of PostgreSQL $major: $0 make $major"
		enter
		trap leave EXIT
		in_root "$@"
		;;
	*)
		sed -n '2,/^set/s/^#//p' "$0" | sed 's/^ //' >&2
		exit 2
		;;
esac
