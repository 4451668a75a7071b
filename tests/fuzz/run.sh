#!/usr/bin/env bash
# run.sh SECONDS PROGRAM... - fuzz each program for SECONDS, from a copy of its
# seeds (tests/fuzz/corpus/NAME), so that the tree stays clean. What breaks one
# is kept as PROGRAM-crash-*. Same last line as all tests.
set -u
seconds=$1
shift
passed=0 failed=0
for program in "$@"; do
	name=${program##*/}
	corpus=$program.corpus
	mkdir -p "$corpus"
	if [ -d "tests/fuzz/corpus/$name" ]; then cp -r "tests/fuzz/corpus/$name/." "$corpus/"; fi
	dict=()
	if [ -e "tests/fuzz/$name.dict" ]; then dict=("-dict=tests/fuzz/$name.dict"); fi
	if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="$program-" "${dict[@]}" \
		"$corpus" >"$program.log" 2>&1; then
		passed=$((passed + 1))
		echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$program.log") runs"
	else
		failed=$((failed + 1))
		echo "FAILED $name"
		tail -n 40 "$program.log"
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
