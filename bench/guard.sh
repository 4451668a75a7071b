#!/usr/bin/env bash
# guard.sh - instructions of a decision, of loading and of reading a document or token (all of verifying it but the signature and the checks), counted by callgrind, against the committed figures (bench/guard.tsv): how much work is done does not
# depend on how busy the machine is. More than TOLERANCE per cent (10) above a figure fails; so does less, which asks for a new figure: `bench/guard.sh --write`.
# GUARD_SIZES ("10 1000 10000"; more is slow under valgrind) are the numbers of policies. Without valgrind, or with another compiler than the figures were made
# with, it says so and compares nothing. The last line is `N passed, N failed, N skipped`.
set -eu
cd "$(dirname "$0")/.."
avow=${AVOW:-build/avow} workload=build/bench/workload figures=bench/guard.tsv
tolerance=${TOLERANCE:-10} sizes=${GUARD_SIZES:-10 1000 10000}
requests=1000
compiler=$(${CC:-cc} --version | head -n 1)
if ! command -v valgrind >/dev/null; then
	echo "skipped: valgrind is not here to count instructions"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
if [ "${1:-}" != --write ] && [ "$(sed -n 's/^# //p' "$figures" | head -n 1)" != "$compiler" ]; then
	echo "skipped: the figures are of another compiler"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# counted FUNCTIONS COMMAND...: instructions inside the functions, none of which calls another of them, and what they call.
counted() {
	local function=$1 toggles=() name
	shift
	for name in $function; do toggles+=(--toggle-collect="$name"); done
	valgrind --tool=callgrind --callgrind-out-file=/dev/null "${toggles[@]}" "$@" 2>"$work/log" >"$work/out" ||
		[ $? -le 2 ] || { cat "$work/log" >&2; return 1; }
	local n
	n=$(sed -n 's/.*Collected *: *//p' "$work/log")
	[ "${n:-0}" -gt 0 ] || { echo "$function was not called, or goes by another name" >&2; return 1; }
	echo "$n"
}

# reading NAME FUNCTIONS ROW: of bench/tokens.c, which verifies a hundred times.
reading() {
	mkdir "$work/keys"
	printf 'reading, %s\t%s\n' "$1" $(($(counted "$2" build/bench/tokens "$work/keys" 0 "$3") / 100))
	rm -rf "$work/keys"
}

measure() {
	for size in $sizes; do
		"$workload" "$work/w" tenant "$size" 300 "$requests"
		set -- "$avow" decide --policies "$work/w/policies" --entities "$work/w/entities.json" --requests "$work/w/requests.jsonl"
		printf 'decision, %s policies\t%s\n' "$size" $(($(counted engine_evaluate "$@") / requests))
		[ "$(wc -l <"$work/out")" -eq "$requests" ] || { echo "not all requests were decided" >&2; return 1; }
		head -n 1 "$work/w/requests.jsonl" >"$work/one"
		set -- "$avow" decide --policies "$work/w/policies" --requests "$work/one"
		printf 'loading, %s policies\t%s\n' "$size" "$(counted engine_load_from "$@")"
		rm -rf "$work/w"
	done
	"$workload" "$work/w" tenant 10 3000 1
	set -- "$avow" decide --policies "$work/w/policies" --entities "$work/w/entities.json" --requests "$work/w/requests.jsonl"
	printf 'loading, 3000 entities\t%s\n' "$(counted load_entities "$@")"
	for form in document embedded JWS CMS; do
		reading "$form, P-256" "form_open_own form_read_own verify_together" "$form P-256"
	done
	reading "token, ES256" "jws_parse token_read verify_together" "token ES256"
}

measure >"$work/now"
if [ "${1:-}" = --write ]; then
	{ echo "# $compiler"; cat "$work/now"; } >"$figures"
	cat "$figures"
	exit 0
fi
awk -F '\t' -v tolerance="$tolerance" '
	NR == FNR { if ($0 !~ /^#/) want[$1] = $2; next }
	!($1 in want) { printf "%-28s %12d  no figure\n", $1, $2; skipped++; next }
	{
		change = 100 * ($2 - want[$1]) / want[$1]
		bad = change > tolerance || change < -tolerance
		printf "%-28s %12d  %+.1f %%%s\n", $1, $2, change, bad ? "  FAILED" : ""
		if (bad) failed++; else passed++
	}
	END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed > 0 }' "$figures" "$work/now"
