#!/usr/bin/env bash
# iam.sh - AWS's managed policies, imported and decided as IAM's guide has it (iam.js). Without npm, or Node 20 from somewhere, it is skipped, and says so.
# The last line is `N passed, N failed, N skipped`.
set -u
cd "$(dirname "$0")/../.." || exit 1
if ! peers=$(tests/lib/peers.sh 2>&1); then
	echo "skipped: ${peers##*$'\n'}"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
read -r node PEERS <<<"${peers##*$'\n'}"
AVOW=$PWD/${AVOW:-build/avow}
export AVOW PEERS
exec "$node" tests/conformance/iam.js
