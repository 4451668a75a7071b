#!/usr/bin/env bash
# idle.sh [COUNT [SECONDS [SEED]]] - random cases: no decision hangs on policies
# of which lint says that they change nothing, for 5 seconds unless said
# otherwise. The last line is `N passed, N failed, N skipped`.
set -u
cd "$(dirname "$0")/../.." || exit 1
exec "${PROPERTY:-build/property}" --lint "${1:-10000000}" "${2:-5}" "${3:-1}"
