#!/usr/bin/env bash
# run.sh [--show] - published test vectors of $TESTDATA/vectors (../shared unless
# set) against our own code. WYCHEPROOF="FILE …" names other Wycheproof files.
# The last line is `N passed, N failed, N skipped`: each vector is one test. With
# --show every suite's own line is last but one.
set -u
cd "$(dirname "$0")/../.." || exit 1
data=${TESTDATA:-../shared}/vectors
program=${VECTORS:-build/vectors}
passed=0 failed=0 skipped=0

suite() { # NAME PATH...
	local name=$1 out status
	# Files that were asked for are there, or it is a failure.
	if [ ! -e "$2" ] && { [ "$name" != wycheproof ] || [ -z "${WYCHEPROOF:-}" ]; }; then
		echo "skipped: no $2"
		skipped=$((skipped + 1))
		return
	fi
	out=$("$program" "$@" 2>&1)
	status=$?
	grep -E '^(differs|skipped|vectors): ?' <<<"$out"
	if [[ $out =~ ($name:\ ([0-9]+)\ agree,\ ([0-9]+)\ differ,\ ([0-9]+)\ skipped)$ ]]; then
		echo "${BASH_REMATCH[1]}"
		passed=$((passed + BASH_REMATCH[2]))
		failed=$((failed + BASH_REMATCH[3]))
		skipped=$((skipped + BASH_REMATCH[4]))
		[ "$status" -eq 0 ] || [ "${BASH_REMATCH[3]}" -gt 0 ] || failed=$((failed + 1))
	else
		echo "$name: ended with status $status"
		failed=$((failed + 1))
	fi
}

suite jose "$data/jose-cookbook"
suite jcs "$data/jcs"
suite json "$data/json-test-suite/test_parsing"
suite traceparent "$data/traceparent/traceparent.json"
if [ -n "${WYCHEPROOF:-}" ]; then
	read -ra files <<<"$WYCHEPROOF"
else
	files=("$data"/wycheproof/*.json)
fi
suite wycheproof "${files[@]}"
[ "${1:-}" = --show ] || echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
