#!/usr/bin/env bash
# run.sh [COUNT [SECONDS [SEED]]] - random cases, for a minute unless said
# otherwise. The last line is `N passed, N failed, N skipped`.
set -u
cd "$(dirname "$0")/../.." || exit 1
program=${PROPERTY:-build/property}
if [ ! -x "$program" ]; then
	echo "$program is not there: make it first"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi
exec "$program" "${1:-10000000}" "${2:-60}" "${3:-1}"
