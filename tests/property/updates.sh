#!/usr/bin/env bash
# updates.sh [COUNT [SECONDS [SEED]]] - random changes as updates and as loads
# of the whole, for 20 seconds unless said otherwise. The last line is
# `N passed, N failed, N skipped`.
set -u
cd "$(dirname "$0")/../.." || exit 1
exec "${PROPERTY:-build/property}" --updates "${1:-10000000}" "${2:-20}" "${3:-1}"
