#!/bin/sh
# The benchmarks, on a private server with the settings of test/bench/server.conf.
#
#   bench.sh [OPTIONS OF bench.py]
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/test/setup/lib.sh"

need_postgres
settings=$(sed 's/[[:space:]]*#.*//; s/[[:space:]]*=[[:space:]]*/=/; /^$/d' "$top/test/bench/server.conf")
"$top/test/setup/server.sh" remove bench
trap '"$top/test/setup/server.sh" remove bench' EXIT
# shellcheck disable=SC2086	# one word a setting
"$top/test/setup/server.sh" start bench $settings
enter_server bench
python3 "$top/test/bench/bench.py" "$@"
