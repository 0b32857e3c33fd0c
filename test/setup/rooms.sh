#!/bin/sh
# rooms.sh SRC ROOM...: the rooms of a source tree, the lowest first.
#
# Of sources: no file includes a header of a higher room than its own, no two files
# have one name, and every folder is a room.  Of objects, where SRC has them: no
# file calls one of a higher room, and no files call each other in a circle.
src=$1
shift
rooms=$*

sources()
{
	set -- "$src"/*/*.[ch]
	[ -e "$1" ] || return 0
	awk '
		FNR == 1 { parts = split(FILENAME, path, "/"); room = path[parts - 1]; file = path[parts]; print "file", room, file }
		/^#include "[^"\/]*"/ { split($0, quoted, "\""); print "needs", room, file, quoted[2] }' "$@"
	for folder in "$src"/*/; do
		echo "folder $(basename "$folder")"
	done
}

# Which file needs which other, by the symbols of their objects.
objects()
{
	set -- "$src"/*/*.o
	[ -e "$1" ] || return 0
	nm -A -P "$@" | awk '
		{
			parts = split($1, path, "/"); room = path[parts - 1]; file = path[parts]; sub(/\.o:$/, "", file)
			if (!(file in home)) { home[file] = room; print "file", room, file }
			if ($3 ~ /[TDBRC]/) definer[$2] = file
			if ($3 == "U") { user[++n] = file; symbol[n] = $2 }
		}
		END {
			for (i = 1; i <= n; i++)
				if (symbol[i] in definer && definer[symbol[i]] != user[i] && !seen[user[i], definer[symbol[i]]]++)
					print "needs", home[user[i]], user[i], definer[symbol[i]]
		}'
}

# No file needs one of a higher room.
check_order()
{
	awk -v rooms="$rooms" '
		BEGIN { count = split(rooms, room); for (i = 1; i <= count; i++) rank[room[i]] = i }
		function fault(text) { print "not ok - " text; bad = 1 }
		$1 == "folder" && !($2 in rank) { fault("src/" $2 " is no room of the Makefile") }
		$1 == "file" && ($3 in home) { fault("src/" $2 "/" $3 " has the name of src/" home[$3] "/" $3) }
		$1 == "file" { home[$3] = $2 }
		$1 == "needs" { from[++n] = $2; file[n] = $3; needed[n] = $4 }
		END {
			for (i = 1; i <= n; i++)
				if (needed[i] in home && rank[home[needed[i]]] > rank[from[i]])
					fault("src/" from[i] "/" file[i] " needs " needed[i] " of the higher room " home[needed[i]])
			exit bad
		}'
}

check_circles()
{
	awk '$1 == "needs" { print $3, $4 }' | tsort 2>&1 >/dev/null | sed 's/^tsort: -: */not ok - /; s/^tsort: */    /'
}

sources | check_order || exit 1
graph=$(objects)
[ -n "$graph" ] || exit 0
echo "$graph" | check_order || exit 1
circles=$(echo "$graph" | check_circles)
[ -z "$circles" ] || { echo "$circles"; exit 1; }
