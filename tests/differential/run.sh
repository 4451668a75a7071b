#!/usr/bin/env bash
# run.sh [--show] - generated cases, decided and read by us and by Cedar's own engine from npm (differential.js).
# SEED (1) and COUNT (5000 requests; with --show 200000) choose; CASE makes one case again; JOBS processes (as many as processors).
# The last line is `N passed, N failed, N skipped`; with --show it is `differential: N requests agree, N differ, N skipped`.
# Without npm, or Node 20 from somewhere, it is skipped, and says so.
set -u
cd "$(dirname "$0")/../.." || exit 1
DIFFER=$PWD/${DIFFER:-build/differential}
mode=--counts
count=5000
if [ "${1:-}" = --show ]; then mode=--show count=200000; fi
if ! peers=$(tests/lib/peers.sh 2>&1); then
	echo "skipped: ${peers##*$'\n'}"
	if [ $mode = --show ]; then
		echo "differential: 0 requests agree, 0 differ, ${COUNT:-$count} skipped"
	else
		echo "0 passed, 0 failed, 1 skipped"
	fi
	exit 0
fi
read -r node PEERS <<<"${peers##*$'\n'}"
export DIFFER PEERS COUNT="${COUNT:-$count}"
exec "$node" tests/differential/differential.js $mode
