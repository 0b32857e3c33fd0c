#!/bin/sh
# Fail unless the control file, the changelog, META.json and src/loyalty.h name one version.
#
#   versions.sh [DIRECTORY OF THE EXTENSION]
set -eu
cd "${1:-$(dirname "$0")/../..}"

control=$(sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" loyalty.control)
changelog=$(sed -n 's/^## *\([0-9][0-9.]*\).*/\1/p' CHANGELOG.md | head -n 1)
header=$(sed -n 's/^#define[[:space:]]*LOYALTY_VERSION[[:space:]]*"\(.*\)".*/\1/p' src/loyalty.h)
# META.json needs three numbers: 1.0 there is 1.0.0. It names the version twice,
# beside that of its own specification.
meta=$(sed '/"meta-spec"/,$d' META.json | sed -n 's/.*"version": *"\(.*\)".*/\1/p' | sort -u)

case $control in
	*.*.*) wanted=$control ;;
	*)     wanted=$control.0 ;;
esac

status=0
disagree()
{
	echo "loyalty.control says version \"$control\", but $1 says \"$2\"" >&2
	status=1
}

[ -n "$control" ] || disagree "loyalty.control" ""
[ "$changelog" = "$control" ] || disagree "the first heading of CHANGELOG.md" "$changelog"
[ "$header" = "$control" ] || disagree "LOYALTY_VERSION in src/loyalty.h" "$header"
[ "$meta" = "$wanted" ] || disagree "META.json (where it should be $wanted)" "$meta"
exit $status
