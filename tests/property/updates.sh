#!/usr/bin/env bash
# updates.sh [COUNT [SECONDS [SEED]]] - random changes as updates and as loads
# of the whole, for 20 seconds unless said otherwise. The last line is
# `N passed, N failed, N skipped`.
set -u
cd "$(dirname "$0")/../.." || exit 1
program=${PROPERTY:-build/property}
if [ ! -x "$program" ]; then
	echo "$program is not there: make it first"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi
exec "$program" --updates "${1:-10000000}" "${2:-20}" "${3:-1}"
