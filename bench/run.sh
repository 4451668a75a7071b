#!/usr/bin/env bash
# run.sh - what decisions cost here: in process at growing numbers of policies, and over HTTP against a fixed answer of the same library in the same run.
# Machines are noisy: the ratio is the figure, single times are not. SECONDS_EACH (3), SIZES ("10 1000 100000"), KINDS ("tenant"; bench/workload.c has them), ENTITIES
# (3000) and REQUESTS (20000) can be set. Decisions are compared with what the workload's writer expects: one that differs fails the run.
set -eu
cd "$(dirname "$0")/.."
seconds=${SECONDS_EACH:-3}
sizes=${SIZES:-10 1000 100000}
kinds=${KINDS:-tenant}
entities=${ENTITIES:-3000}
requests=${REQUESTS:-20000}
rounds=${ROUNDS:-3}
bin=build/bench
work=build/bench/run
rm -rf "$work"
mkdir -p "$work/policies" "$work/trust" "$work/entities"
chmod 700 "$work"
pids=()
stop_all() {
	local p
	for p in "${pids[@]:-}"; do [ -z "$p" ] || kill "$p" 2>/dev/null || true; done
	wait 2>/dev/null || true
}
trap stop_all EXIT

echo "decision in process (ns), all reasons and errors out"
for kind in $kinds; do
	for size in $sizes; do
		"$bin/workload" "$work/decide" "$kind" "$size" "$entities" "$requests"
		printf '%-8s %8s policies: ' "$kind" "$size"
		build/avow bench decide --json --seconds "$seconds" --policies "$work/decide/policies" --entities "$work/decide/entities.json" \
			--requests "$work/decide/requests.jsonl" --expected "$work/decide/expected"
		rm -rf "$work/decide"
	done
done

echo "instructions, against the committed figures"
bench/guard.sh

echo "the same files decided by others"
PEERS=${PEERS:-$PWD} SECONDS_EACH=$seconds bench/peers/run.sh

echo "the store: durable changes, against one synced page of the same disk"
mkdir -m 700 "$work/store"
urls=("sqlite://$PWD/$work/store/avow.db")
if postgres=$(FSYNC=on tests/lib/postgres.sh start); then
	trap 'tests/lib/postgres.sh end "$postgres"' EXIT
	urls+=("$(tests/lib/postgres.sh url "$postgres")")
fi
SECONDS_EACH=$seconds "$bin/store" "$work/store" "${urls[@]}"
# --- tokens: whole against the bare signature here, and against `openssl speed` in the same run
echo "verifying tokens and documents (microseconds; openssl: the signature alone, all set up before, in the same process; below by its own program)"
mkdir -p "$work/tokens"
chmod 700 "$work/tokens"
"$bin/tokens" "$work/tokens" "$seconds"
for name in ecdsap256 ed25519; do
	printf 'openssl %s us %s\n' "$name" "$(openssl speed -seconds 1 -mr "$name" 2>/dev/null |
		awk -F: -v n="$name" '/^\+F[46]:/ { if (n == "ecdsap256" ? /^\+F4/ : /^\+F6/) printf "%.2f", 1e6 / $NF }')"
done
rm -rf "$work/tokens"

echo "the token service: challenges, proofs and tokens against bare signatures, in memory and on the stores above"
"$bin/sts" "$PWD/$work/sts" "$seconds" "${urls[@]:1}"
[ -z "$postgres" ] || tests/lib/postgres.sh end "$postgres"
trap stop_all EXIT

# --- over HTTP ----------------------------------------------------------------
avow=build/avow
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
"$avow" key new --type p256 -o "$work/issuer.key.pem"
"$avow" key public "$work/issuer.key.pem" >"$work/trust/issuer.pem"
echo '{"privateIp":"127.0.0.1","owner":"acme","licences":["base"]}' >"$work/claims.json"
"$avow" doc issue --key "$work/issuer.key.pem" --issuer bench --subject i-1 \
	--audience updates --expires-in 1h --claims "$work/claims.json" -o "$work/i-1"
pack=$("$avow" doc pack --kind avow --document "$work/i-1.json" --signature "$work/i-1.sig")
cat >"$work/policies/bench.avow" <<'POLICY'
permit (principal is Instance, action == Action::"repository:get", resource in Repository::"main")
when { principal.owner == "acme" && principal.licences.contains("base") };
POLICY
cat >"$work/avow.yaml" <<CONFIG
listen: 127.0.0.1:0
policies: [$PWD/$work/policies]
decisionLog: $PWD/$work/decisions.jsonl
proxies: [127.0.0.1/32]
trust:
  - {kind: avow, keys: $PWD/$work/trust, issuer: bench}
gates:
  - {kind: repository, name: updates, repositories: {main: /debian/}}
CONFIG
"$avow" serve --config "$work/avow.yaml" 2>"$work/serve.log" &
pids+=($!)
port=
for _ in $(seq 200); do
	port=$(sed -n 's/.*event=start .*port=\([0-9]*\).*/\1/p' "$work/serve.log")
	[ -z "$port" ] || break
	sleep 0.05
done
[ -n "$port" ] || { cat "$work/serve.log"; exit 1; }
mkfifo "$work/stop"
"$bin/fixed" <"$work/stop" >"$work/fixed.port" &
pids+=($!)
exec 9>"$work/stop"
for _ in $(seq 200); do [ -s "$work/fixed.port" ] && break; sleep 0.05; done
fixed=$(cat "$work/fixed.port")
[ -n "$fixed" ] || { echo "the fixed server did not start"; exit 1; }
{
	printf 'GET /gate/auth HTTP/1.1\r\nHost: localhost\r\n'
	printf 'X-Original-Method: GET\r\nX-Original-URI: /debian/pool/main/a/a_1_amd64.deb\r\n'
	printf 'X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Avow-Pack: %s\r\n\r\n' "$pack"
} >"$work/request"

echo "over HTTP, 8 connections, keep-alive: fixed answer, then /gate/auth with verified evidence and decision log, $rounds rounds ($now)"
ratios=()
for _ in $(seq "$rounds"); do
	a=$("$bin/load" "$fixed" 8 "$seconds" 204 <"$work/request")
	b=$("$bin/load" "$port" 8 "$seconds" 204 <"$work/request")
	echo "fixed $a  gate $b"
	fa=${a#*per_second\":} fa=${fa%%,*}
	fb=${b#*per_second\":} fb=${fb%%,*}
	ratios+=("$(awk -v a="$fa" -v b="$fb" 'BEGIN { printf "%.3f", b / a }')")
done
printf 'gate/fixed, median of %s rounds: %s\n' "$rounds" \
	"$(printf '%s\n' "${ratios[@]}" | sort -n | sed -n "$((rounds / 2 + 1))p")"
