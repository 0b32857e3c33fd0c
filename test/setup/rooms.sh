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
	for room in $rooms; do
		for file in "$src/$room"/*.[ch]; do
			[ -e "$file" ] || continue
			echo "file $room ${file##*/}"
			sed -n "s|^#include \"\([^\"/]*\)\".*|needs $room ${file##*/} \1|p" "$file"
		done
	done
	for folder in "$src"/*/; do
		echo "folder $(basename "$folder")"
	done
}

# Which file needs which other, by the symbols of their objects.
objects()
{
	for room in $rooms; do
		for file in "$src/$room"/*.o; do
			[ -e "$file" ] || continue
			echo "file $room $(basename "$file" .o)"
			nm -P "$file" | awk -v room="$room" -v file="$(basename "$file" .o)" \
				'$2 ~ /[TDBRC]/ { print "defines", file, $1 } $2 == "U" { print "uses", room, file, $1 }'
		done
	done | awk '
		$1 == "file" { print }
		$1 == "defines" { definer[$3] = $2 }
		$1 == "uses" { room[++n] = $2; user[n] = $3; symbol[n] = $4 }
		END {
			for (i = 1; i <= n; i++)
				if (symbol[i] in definer && definer[symbol[i]] != user[i] && !seen[user[i], definer[symbol[i]]]++)
					print "needs", room[i], user[i], definer[symbol[i]]
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
