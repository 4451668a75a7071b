#!/usr/bin/env bash
# report.sh - the tables and the plot of docs/performance.md, in one run of less than ten minutes: decisions in process at growing numbers of policies, the
# costly kinds of policies, and peers on the same files. Markdown goes to standard output, the plot to docs/latency.svg, every figure as a line of JSON to
# build/bench/report.jsonl. SECONDS_EACH (2) a measurement; QUICK=1 leaves out the largest set; PEERS has the peers (bench/peers/run.sh), else they are left out.
# Every decision is compared with what the workload's writer expects: one that differs fails the run.
set -eu
cd "$(dirname "$0")/.."
export PEERS=${PEERS:-$PWD}
seconds=${SECONDS_EACH:-2}
work=build/bench/report
out=build/bench/report.jsonl
make -s all build/bench/workload >&2
rm -rf "$work"
mkdir -p "$work"
: >"$out"
failed=0

note() { # WHO KIND POLICIES ENTITIES FIGURES
	echo "{\"who\":\"$1\",\"kind\":\"$2\",\"policies\":$3,\"entities\":$4,${5#\{}" >>"$out"
	case $5 in *'"disagree":0'*) ;; *) echo "$1 $2 $3: decisions differ: $5" >&2; failed=1 ;; esac
}
left_out() { echo "$1: not measured (failed, or longer than $2 s)" >&2; }
own() { # KIND POLICIES ENTITIES REQUESTS SECONDS_AT_MOST
	local figures
	rm -rf "$work"
	build/bench/workload "$work" "$1" "$2" "$3" "$4"
	if figures=$(timeout "$5" build/avow bench decide --json --seconds "$seconds" --policies "$work/policies" \
		--entities "$work/entities.json" --requests "$work/requests.jsonl" --expected "$work/expected"); then
		note avow "$1" "$2" "$3" "$figures"
	else
		left_out "avow $1 $2" "$5"
	fi
}
peer() { # NAME KIND POLICIES ENTITIES: on the files that are there
	local figures
	[ -d "$PEERS/node_modules/casbin" ] && [ -d "$PEERS/node_modules/@cedar-policy/cedar-wasm" ] && command -v node >/dev/null || return 0
	if figures=$(timeout 60 node "bench/peers/$1.mjs" "$work" "$seconds"); then
		note "$1" "$2" "$3" "$4" "$figures"
	else
		left_out "$1 $2 $3" 60
	fi
}

for n in 10 100 1000; do
	own tenant $n 3000 20000 60
	peer cedar tenant $n 3000
done
own tenant 10000 3000 20000 60
own tenant 100000 3000 20000 90
# One set of entities for all sizes.
own tenant 1000 150000 20000 60
own tenant 100000 150000 20000 90
[ -n "${QUICK:-}" ] || own tenant 1000000 150000 20000 180
for n in 10 100 1000 10000; do
	own plain $n 3000 2000 60
	peer casbin plain $n 3000
	[ $n -gt 1000 ] || peer cedar plain $n 3000
done
for kind in wildcard regex deep wide hot negated any; do
	own $kind 1000 3000 5000 60
done
own hot 100000 3000 5000 90
[ -n "${QUICK:-}" ] || own tenant 1000000 1500000 20000 180
rm -rf "$work"

echo "Measured on $(date -u +%Y-%m-%d) by \`bench/report.sh\`: $(nproc) processors, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), release build."
awk -f bench/report.awk "$out"
awk -f bench/plot.awk "$out" >docs/latency.svg.new && mv docs/latency.svg.new docs/latency.svg
exit $failed
