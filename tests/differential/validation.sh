#!/usr/bin/env bash
# validation.sh [--show] - generated policies, mostly well typed, validated by us and by Cedar's own engine from npm (validation.js).
# SEED (1) and COUNT (3000 policies; with --show 20000) choose; CASE makes one case again.
# The last line is `N passed, N failed, N skipped`; with --show it is `validation: N policies agree, N differ, N skipped`.
# Without npm, or Node 20 from somewhere, it is skipped, and says so.
set -u
cd "$(dirname "$0")/../.." || exit 1
DIFFER=$PWD/${DIFFER:-build/differential}
mode=--counts
count=3000
if [ "${1:-}" = --show ]; then mode=--show count=20000; fi
if ! peers=$(tests/lib/peers.sh 2>&1); then
	echo "skipped: ${peers##*$'\n'}"
	if [ $mode = --show ]; then
		echo "validation: 0 policies agree, 0 differ, ${COUNT:-$count} skipped"
	else
		echo "0 passed, 0 failed, 1 skipped"
	fi
	exit 0
fi
read -r node PEERS <<<"${peers##*$'\n'}"
export DIFFER PEERS COUNT="${COUNT:-$count}"
exec "$node" tests/differential/validation.js $mode
