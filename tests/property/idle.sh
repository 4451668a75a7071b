#!/usr/bin/env bash
# idle.sh [COUNT [SECONDS [SEED]]] - random cases: no decision hangs on policies
# of which lint says that they change nothing, for 5 seconds unless said
# otherwise. The last line is `N passed, N failed, N skipped`.
set -u
cd "$(dirname "$0")/../.." || exit 1
program=${PROPERTY:-build/property}
if [ ! -x "$program" ]; then
	echo "$program is not there: make it first"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi
exec "$program" --lint "${1:-10000000}" "${2:-5}" "${3:-1}"
