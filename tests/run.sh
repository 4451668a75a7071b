#!/usr/bin/env bash
# run.sh PROGRAM... - run test programs and scripts one after the other and add
# up their counts. Each one's last line is `N passed, N failed, N skipped`; one
# that ends otherwise, takes over $TEST_TIMEOUT seconds (300) or crashes counts
# as a failure. The last line is the sum, in the same form.
set -u
limit=${TEST_TIMEOUT:-300}
passed=0 failed=0 skipped=0 bad=()
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
for program in "$@"; do
	timeout --kill-after=10 "$limit" "$program" >"$out" 2>&1
	status=$?
	last=$(tail -n 1 "$out")
	if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[3]}
	else
		p=0 f=1 s=0
	fi
	# A status that contradicts the counts is a crash at the end.
	if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
	if [ "$f" -ne 0 ]; then
		bad+=("$program")
		echo "FAILED $program (status $status)"
		grep -v '^[0-9]*%: Checks' "$out" | tail -n "${TEST_LINES:-60}"
	elif [ "$s" -ne 0 ]; then
		grep '^skipped: ' "$out" | sort -u | head -n 5 | sed "s|^|${program##*/}: |"
	fi
	if [ -n "${VERBOSE:-}" ]; then echo "$program: $last"; fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
[ ${#bad[@]} -eq 0 ] || printf 'failed: %s\n' "${bad[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
