#!/usr/bin/env bash
# run.sh [--show] - decide the published conformance cases and compare.
# Cases: CASES="PATH …" (.jsonl, .jsonl.xz, or a checkout of the public
# cedar-integration-tests, its corpus archive unpacked beside tests/), else those
# of $TESTDATA/conformance/cedar (../shared unless set).
# The last line is `N passed, N failed, N skipped`, one test a path; with --show
# it is `conformance: N requests agree, N differ, N refused`.
set -u
cd "$(dirname "$0")/../.." || exit 1
folder=${TESTDATA:-../shared}/conformance/cedar
program=${CONFORM:-build/conformance}
if [ -n "${CASES:-}" ]; then
	read -ra cases <<<"$CASES"
else
	cases=()
	for name in handwritten.jsonl traps.jsonl corpus.jsonl.xz corpus-extra.jsonl.xz; do
		if [ -r "$folder/$name" ]; then cases+=("$folder/$name"); fi
	done
fi
if [ ${#cases[@]} -eq 0 ]; then
	echo "skipped: no cases in $folder (CASES names others)"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
[ "${1:-}" = --show ] || set -- --counts
[ "$1" = --counts ] || shift
# The same schemas in JSON, and what validation says of the cases in detail.
details=$folder/schema-json.jsonl.xz
if [ -r "$details" ]; then set -- "$@" --details "$details"; fi
exec "$program" "$@" "${cases[@]}"
