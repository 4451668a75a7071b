#!/usr/bin/env bash
# run.sh PROGRAM... - run test programs and scripts, TEST_JOBS of them at once
# (as many as there are processors), and add up their counts. Each one's last
# line is `N passed, N failed, N skipped`; one that ends otherwise, takes over
# $TEST_TIMEOUT seconds (300) or crashes counts as a failure. What is told stands
# in the order of the arguments. The last line is the sum, in the same form.
set -u
limit=${TEST_TIMEOUT:-300}
jobs=${TEST_JOBS:-$(nproc)}
passed=0 failed=0 skipped=0 bad=()
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
# Ports that one of them took no other may take (tests/lib/e2e.sh).
export TEST_PORTS=$dir/ports
mkdir "$TEST_PORTS" || exit 1

run() { # N PROGRAM
	timeout --kill-after=10 "$limit" "$2" >"$dir/$1.out" 2>&1
	echo $? >"$dir/$1.status.new"
	mv "$dir/$1.status.new" "$dir/$1.status"
}

tell() { # N PROGRAM: what came of it
	local out=$dir/$1.out program=$2 status last p f s
	status=$(<"$dir/$1.status")
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
}

programs=("$@") told=0
tell_those_done() {
	while [ -e "$dir/$told.status" ]; do
		tell "$told" "${programs[told]}"
		told=$((told + 1))
	done
}
for i in "${!programs[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
		wait -n
		tell_those_done
	done
	run "$i" "${programs[i]}" </dev/null &
done
wait
tell_those_done
[ ${#bad[@]} -eq 0 ] || printf 'failed: %s\n' "${bad[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$told" -eq ${#programs[@]} ]
