#!/bin/bash
# pg_upgrade from 15 to 17 to 18, with data, rules and a tracked table: the ledger is
# the same after each step, and the next posting is in place.
#
# It runs in the root of 18, with the programs of 15 (this machine's) and of 17 (its
# root's) copied in.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/test/setup/lib.sh"

need_postgres
root17=$(sh "$top/test/setup/root.sh" make 17)
root18=$(sh "$top/test/setup/root.sh" make 18)

# The libraries of a program of a root ("": this machine's), glibc's own aside.
libraries_of()
{
	${1:+chroot "$1"} ldd "$2" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' |
		grep -vE '/(libc|libm|libpthread|libdl|librt|libresolv)\.so'
}

# The programs and files of a major version, from a prefix, and the libraries that the
# root of 18 lacks, from a root.
bring()
{
	local major=$1 prefix=$2 from=$3 library
	mkdir -p "$root18/usr/lib/postgresql" "$root18/usr/share/postgresql" "$root18/opt/old"
	rm -rf "$root18/usr/lib/postgresql/$major" "$root18/usr/share/postgresql/$major"
	cp -a "$prefix/usr/lib/postgresql/$major" "$root18/usr/lib/postgresql/"
	cp -a "$prefix/usr/share/postgresql/$major" "$root18/usr/share/postgresql/"
	for library in $(libraries_of "$from" "/usr/lib/postgresql/$major/bin/postgres"; libraries_of "$from" "/usr/lib/postgresql/$major/bin/pg_dump"); do
		[ -e "$root18/usr/lib/x86_64-linux-gnu/${library##*/}" ] || [ -e "$root18/opt/old/${library##*/}" ] ||
			cp -L "$from$library" "$root18/opt/old/"
	done
}

# The extension, built for each of the three.
for major in 17 18; do
	sh "$top/test/setup/root.sh" build "$major"
done
prefix=$("$pg_config" --bindir)
prefix=${prefix%/usr/lib/postgresql/15/bin}
bring 15 "$prefix" ""
bring 17 "$root17" "$root17"
echo /opt/old >"$root18/etc/ld.so.conf.d/zz-loyalty-old.conf"
rm -rf "$root18/upgrade"
cp -r "$top/test/upgrade" "$root18/upgrade"
sh "$top/test/setup/root.sh" run 18 sh -c 'ldconfig; chown -R postgres: /upgrade'
sh "$top/test/setup/root.sh" run 18 runuser -u postgres -- bash /upgrade/steps.sh
