#!/usr/bin/env bash
# run.sh - the same files decided here and by others in the same run: npm casbin and @cedar-policy/cedar-wasm, installed under PEERS/node_modules (the working
# folder unless set). Skipped where node or they are missing. SIZES ("10 1000 10000"), SECONDS_EACH (3), KINDS ("plain tenant"; casbin decides `plain` alone),
# ENTITIES (3000), REQUESTS (2000).
set -eu
cd "$(dirname "$0")/../.."
export PEERS=${PEERS:-$PWD}
seconds=${SECONDS_EACH:-3}
if ! command -v node >/dev/null || [ ! -d "$PEERS/node_modules/casbin" ] || [ ! -d "$PEERS/node_modules/@cedar-policy/cedar-wasm" ]; then
	echo "skipped: no node, or no casbin and cedar-wasm under $PEERS/node_modules"
	exit 0
fi
work=build/bench/peers
p50() { sed -E 's/.*"p50_ns":([0-9]+).*/\1/'; }
for kind in ${KINDS:-plain tenant}; do
	for size in ${SIZES:-10 1000 10000}; do
		rm -rf "$work"
		mkdir -p "$work"
		build/bench/workload "$work" "$kind" "$size" "${ENTITIES:-3000}" "${REQUESTS:-2000}"
		own=$(build/avow bench decide --json --seconds "$seconds" --policies "$work/policies" --entities "$work/entities.json" \
			--requests "$work/requests.jsonl" --expected "$work/expected")
		echo "$kind $size avow $own"
		for peer in cedar casbin; do
			[ "$kind" = plain ] || [ "$peer" = cedar ] || continue
			theirs=$(node "bench/peers/$peer.mjs" "$work" "$seconds") || { echo "$kind $size $peer failed"; continue; }
			echo "$kind $size $theirs ratio of medians $(awk -v a="$(p50 <<<"$theirs")" -v b="$(p50 <<<"$own")" 'BEGIN { printf "%.0f", a / b }')"
		done
	done
done
rm -rf "$work"
