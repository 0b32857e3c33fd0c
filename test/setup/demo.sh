#!/bin/sh
# The demo on its private server, which is left running.
#
#   demo.sh [FILE OF ORDERS, csv or csv.xz [RULEBOOK]]
set -eu
data=${1:-}
rules=${2:-}
if [ -n "$data" ]; then
	data=$(readlink -e "$data") || { echo "no such file: $1" >&2; exit 1; }
fi
if [ -n "$rules" ]; then
	rules=$(readlink -e "$rules") || { echo "no such file: $2" >&2; exit 1; }
fi
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/test/setup/lib.sh"

"$top/test/setup/server.sh" start demo shared_buffers=512MB max_wal_size=4GB
enter_server demo
STOP_HINT="$top/test/setup/server.sh stop demo"
export STOP_HINT
exec "$top/test/demo/run.sh" "$data" "$rules"
