#!/bin/bash
# Run the examples of the documentation: each ```sql block of a page, in order,
# in one psql session on a fresh database, on the server that PGHOST and so on
# name.  Where a ```text block comes next, it has to be what psql -q printed,
# blanks at the ends of lines aside; any other block has to print no error.
# Without a page: all pages with examples, and whether doc/reference.md is what
# doc/make-reference.sh makes.  Prints TAP.
#
#   doc.sh [PAGE...]
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/test/setup/lib.sh"

reference=
[ $# -gt 0 ] || reference=$top/doc/reference.md
[ $# -gt 0 ] || set -- "$top/README.md" "$top/doc/tutorial.md" "$top/doc/errors.md" "$top/doc/operations.md" "$top/doc/tracking.md"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
n=0
status=0

# Counts and prints a test: what it is of, and the difference found.
tell()
{
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		echo "$2" | sed 's/^/# /'
		status=1
	fi
}

# Splits a page into N.sql, N.expected where there is one, and lines: N LINE.
split_page()
{
	awk -v dir="$2" '
		/^```/ && fence != "" {
			close(file)
			fence = ""
			next
		}
		/^```/ {
			fence = substr($0, 4)
			file = "/dev/null"
			if (fence == "sql") {
				file = dir "/" ++block ".sql"
				print block, NR > (dir "/lines")
			}
			else if (fence == "text" && last == "sql")
				file = dir "/" block ".expected"
			last = fence
			printf "" > file
			next
		}
		fence != "" { print > file }
	' "$1"
}

for page; do
	name=$(basename "$page" .md)
	dir=$scratch/$name
	mkdir "$dir"
	split_page "$page" "$dir"
	[ -e "$dir/lines" ] || continue
	database=doc_$(echo "$name" | tr -c 'a-zA-Z0-9\n' _ | tr A-Z a-z)
	fresh_database "$database" || exit 1

	while read -r block line; do
		printf '\\echo @@@ %s\n' "$block"
		cat "$dir/$block.sql"
		# A block that forgot its semicolon must not swallow the next one.
		printf '\n;\n'
	done <"$dir/lines" |
		PGTZ=UTC PAGER='' psql -X -q -d "$database" 2>&1 |
		awk -v dir="$dir" '
			/^@@@ / { file = dir "/" $2 ".printed"; printf "" > file; next }
			file != "" { print > file }'

	while read -r block line; do
		printed=$dir/$block.printed
		[ -e "$printed" ] || : >"$printed"
		sed -i 's/[[:space:]]*$//' "$printed"
		if [ -e "$dir/$block.expected" ]; then
			difference=$(sed 's/[[:space:]]*$//' "$dir/$block.expected" |
				diff -u -B --label documented --label printed - "$printed")
		else
			difference=$(grep -A4 -E '^(ERROR|FATAL|PANIC):|^server closed' "$printed")
		fi
		tell "$name.md, line $line" "$difference"
	done <"$dir/lines"
done

if [ -n "$reference" ]; then
	fresh_database doc_reference && psql -X -q -d doc_reference -c 'CREATE EXTENSION loyalty' || exit 1
	"$top/doc/make-reference.sh" doc_reference >"$scratch/reference.md" || status=1
	tell "reference.md is what make-reference.sh makes of the COMMENTs" \
		"$(diff -u --label reference.md --label made "$reference" "$scratch/reference.md" 2>&1)"
fi
echo "1..$n"
[ "$n" -gt 0 ] && exit $status
