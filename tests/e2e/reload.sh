#!/bin/bash
# reload.sh - policies and entities change under load: no request fails, no answer is a mixture, and changes are merged.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/examples/update-repository/scene.sh"
need_avow

PORT=$(free_port)
CONFIG=$T/etc/avow/avow.yaml
POLICIES=$T/etc/avow/policies
mkdir -p "$POLICIES" "$T/etc/avow/entities"
relocate "$EXAMPLE/avow.yaml" "$CONFIG"
grep -q '^entities:' "$CONFIG" || echo "entities: [$T/etc/avow/entities]" >>"$CONFIG"
: >"$T/etc/avow/revoked"
issuer acme
document one i-1 "$(claims 127.0.0.5 base)"
INDEX=/debian/dists/stable/InRelease
LOG=$T/log/decisions.jsonl
MERGE_AFTER=16

for i in $(seq 1 40); do
	echo "@id(\"many-$i\") permit (principal == Instance::\"x-$i\", action, resource);" >"$POLICIES/many-$i.avow"
done
group() {
	printf '{"uid":{"type":"Group","id":"%s"},"attrs":{},"parents":[]}' "$1"
}
# state NUMBER: an answer's reason and its version tell which state it is of.
state() {
	echo "@id(\"state-$1\") permit (principal is Instance, action == Action::\"repository:get\", resource);" \
	    >"$POLICIES/state.avow"
	printf '[%s,\n%s,\n%s]\n' "$(group stays)" "$(group "g-$1")" "$(group "stays too")" >"$T/etc/avow/entities/state.json"
}

gate() {
	curl -s --max-time 10 --unix-socket "$T/run/gate.sock" "$@"
}

readyz() {
	gate http://gate/readyz
}

# load NUMBER: asks on one connection until told to stop; statuses that are not 204 go to a file.
load() {
	local -a evidence
	mapfile -t evidence < <(shows one)
	while [ ! -e "$T/stop" ]; do
		gate -o /dev/null -o /dev/null -o /dev/null -o /dev/null -w '%{http_code}\n' \
		    -H "X-Original-URI: $INDEX" -H 'X-Original-Method: GET' \
		    -H 'X-Forwarded-For: 127.0.0.5' "${evidence[@]}" \
		    http://gate/gate/auth http://gate/gate/auth http://gate/gate/auth http://gate/gate/auth
	done >"$T/statuses.$1"
}

in_force() {
	gate http://gate/readyz | grep -q "\"policies\":\"$1\""
}

version() {
	"$AVOW" decide --policies "$POLICIES" --request - <<-'END' | grep -o '"policies":"[0-9a-f]*"' | cut -d'"' -f4
	{"principal":{"type":"Instance","id":"i"},"action":{"type":"Action","id":"a"},"resource":{"type":"R","id":"r"}}
	END
}

merged() {
	readyz | grep -q '"mergedAt":"'
}

state 0
start_avow || give_up "cannot start: start_avow"
for i in 1 2; do
	start "load$i" load "$i"
done
say "Reloads under load:"
ok=yes
for i in $(seq 1 $((MERGE_AFTER + 4))); do
	state "$i"
	v=$(version)
	echo "$v state-$i" >>"$T/versions"
	kill -HUP "${PIDS[avow]}"
	until_true 10 in_force "$v" || ok="not in force: $i"
done
expect "each reload is in force, by the version of a load of the whole" "yes" echo "$ok"
check "of a file with three entities the one that changed counts, as gone and as new" \
	grep -q 'how=updated .* base_entities=3 changed_entities=2 ' "$T/avow.log"
check "changes were merged" until_true 10 merged
check "reloads were updates" grep -q 'event=snapshot how=updated' "$T/avow.log"
check "and none was a load" prints '!(*how=loaded*)' cat "$T/avow.log"
: >"$T/stop"
check "the load ends" until_true 10 gone "${PIDS[load1]}"
check "and the other" until_true 10 gone "${PIDS[load2]}"
expect "no request failed" "204" sort -u "$T/statuses.1" "$T/statuses.2"
check "there were enough of them" test "$(cat "$T"/statuses.* | wc -l)" -ge 50

# mixtures: decisions whose reason is not that of their version's state.
mixtures() {
	grep -o '"reasons":\["[^]]*\],\|"policies":"[0-9a-f]*"' "$LOG" | paste - - |
		sed -E 's/.*"(state-[0-9]+)".*"policies":"([0-9a-f]+)".*/\2 \1/' | sort -u >"$T/seen"
	grep -vxFf "$T/versions" "$T/seen" | grep -v ' state-0$'
}
expect "no decision is a mixture" "" mixtures
check "several states were seen" test "$(wc -l <"$T/seen")" -ge 3
say "A bad file is refused whole:"
echo 'permit (principal' >"$POLICIES/bad.avow"
kill -HUP "${PIDS[avow]}"
bad() {
	readyz | grep -q 'bad.avow'
}
check "/readyz has the error" until_true 10 bad
check "and the former state is in force" in_force "$v"
finish
