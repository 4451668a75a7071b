#!/usr/bin/env bash
# run.sh [COUNT [SECONDS [SEED]]] - random cases, for a minute unless said
# otherwise. The last line is `N passed, N failed, N skipped`.
set -u
cd "$(dirname "$0")/../.." || exit 1
exec "${PROPERTY:-build/property}" "${1:-10000000}" "${2:-60}" "${3:-1}"
