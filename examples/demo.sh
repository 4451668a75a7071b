#!/bin/bash
# demo.sh - a first look: five small scenes with real programs, on this machine's loopback, in a folder under build/.
# Prints what was tried and what happened; exit 1 if anything came out otherwise than it should. Leaves nothing running.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
status=0
export MUST_RUN=1

# scene TITLE FOLDER: the last line, the counts, is for the tests.
scene() {
	echo
	echo "=== $1"
	"$here/$2/run.sh" | sed '$s/^\(.*\), 0 skipped$/    \1/' || status=1
}

scene "An update, only for a proven machine (apt, nginx)" update-repository
scene "A place in the pool, on the same terms (HAProxy)" load-balancer
scene "Who are you? Proven by a key, moved, revoked (a token service)" identity
scene "Just what is needed, and stale once it is no longer so (documents)" documents
scene "What would happen, and why: a dry run" dry-run
echo
if [ "$status" -eq 0 ]; then
	echo "All of it came out as it should. The policies and configurations are in examples/."
else
	echo "Something above came out otherwise than it should (FAIL)."
fi
exit "$status"
