#!/bin/bash
# lifecycle.sh - a server that is reloaded, starved, told to stop: whatever happens, it does not open.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/examples/update-repository/scene.sh"
need_avow

PORT=$(free_port)
CONFIG=$T/etc/avow/avow.yaml
mkdir -p "$T/etc/avow/policies"
relocate "$EXAMPLE/avow.yaml" "$CONFIG"
cp "$EXAMPLE"/policies/*.avow "$T/etc/avow/policies/"
: >"$T/etc/avow/revoked"
issuer acme
document one i-1 "$(claims 127.0.0.5 base)"
document two i-2 "$(claims 127.0.0.5 base)"

INDEX=/debian/dists/stable/InRelease
GATE=http://gate
LOG=$T/log/decisions.jsonl

gate() {
	curl -s --max-time 10 --unix-socket "$T/run/gate.sock" "$@"
}

# asks NAME: the decision on one document; status and reason.
asks() {
	local -a evidence
	mapfile -t evidence < <(shows "$1")
	gate -o "$T/body" -w '%{http_code} %header{x-avow-reason}\n' \
	    -H "X-Original-URI: $INDEX" -H 'X-Original-Method: GET' \
	    -H 'X-Forwarded-For: 127.0.0.5' "${evidence[@]}" "$GATE/gate/auth"
}

ready() {
	gate "$GATE/readyz"
}

reload() {
	kill -HUP "${PIDS[avow]}"
}

# Decisions and codes of decision lines, sorted.
outcomes() {
	sed -E 's/.*"decision":"([a-z]+)".*"code":"([a-z._]+)".*/\1 \2/' "$1" |
		sort | uniq -c
}

# What the log's requests get from the policies in force is what the log says of them. Lines of former policies do not count.
decides_again() {
	local version
	version=$(tail -1 "$LOG" | grep -o '"policies":"[0-9a-f]*"')
	grep -F "$version" "$LOG" |
		grep -E '"code":"(permit|policy\.[a-z]+)"' >"$T/decided"
	[ "$(wc -l <"$T/decided")" -ge 2 ] || return
	"$AVOW" decide --policies "$T/etc/avow/policies" \
	    --requests "$T/decided" >"$T/again" || return
	[ "$(wc -l <"$T/again")" = "$(wc -l <"$T/decided")" ] &&
		diff <(outcomes "$T/decided") <(outcomes "$T/again")
}

# broken WHAT EDIT...: a configuration that must not start.
broken() {
	local what=$1
	shift
	sed "$@" "$CONFIG" >"$T/etc/avow/broken.yaml"
	expect_exit "$what" 1 \
	    "$AVOW" serve --config "$T/etc/avow/broken.yaml" --check
}

say "Before it starts:"
expect_exit "a good configuration" 0 "$AVOW" serve --config "$CONFIG" --check
check "the check started nothing" test ! -e "$T/run/gate.sock"
broken "a key that is not known" 's/^revoked:/revocked:/'
check "the message has file, line, column and a hint" bash -c \
    "'$AVOW' serve --config '$T/etc/avow/broken.yaml' --check 2>&1 |
	tee '$T/message' | grep -E 'broken\\.yaml:[0-9]+:1: error: ' &&
	grep 'did you mean' '$T/message'"
broken "a cloud entry that names no owners" \
    "s|^  - {kind: avow.*|&\n  - {kind: ec2-rsa2048, keys: $T/etc/avow/trust/acme, maxLease: 1h, prefix: aws/}|"
broken "bearer at a balancer" \
    's|^gates:|&\n  - {kind: balancer, name: web, demand: bearer, pools: {web: {haproxy: /x, backend: web, ports: [80], networks: [10.0.0.0/8]}}}|'
broken "no such folder of policies" 's|/policies\]|/nothing]|'
start_avow || give_up "cannot start: start_avow"
expect "alive" "200" gate -o "$T/body" -w '%{http_code}' "$GATE/healthz"
expect "ready" "200" gate -o "$T/body" -w '%{http_code}' "$GATE/readyz"
expect "the socket is for its group only" "660" stat -c %a "$T/run/gate.sock"
expect "a decision" "204 permit" asks one

say "A reload is all or nothing:"
echo 'permit (principal, action, resource' >"$T/etc/avow/policies/bad.avow"
reload
check "a bad policy: /readyz has the error and its place" \
    until_true 10 prints '*bad.avow*' ready
expect "the old policies stay" "204 permit" asks one
rm "$T/etc/avow/policies/bad.avow"
cat >"$T/etc/avow/policies/quarantine.avow" <<'END'
@id("quarantine") deny (principal == Instance::"i-2", action, resource);
END
expect "before the next reload" "204 permit" asks two
reload
expect "after it" "403 policy.denied" soon "403 policy.denied" asks two
check "and the error is gone" prints '!(*bad.avow*)' ready
expect "the other one is not touched" "204 permit" asks one
cp "$T/etc/avow/revoked" "$T/revoked.good"
echo "nonsense here" >>"$T/etc/avow/revoked"
reload
check "a bad revocation file: /readyz has the error" \
    until_true 10 prints '*revoked*' ready
expect "and what was in force stays" "204 permit" asks one
cp "$T/revoked.good" "$T/etc/avow/revoked"
echo "document $(id_of one)  # lost" >>"$T/etc/avow/revoked"
reload
expect "a document is revoked" "401 evidence.revoked" \
    soon "401 evidence.revoked" asks one
document again i-1 "$(claims 127.0.0.5 base)"
expect "the same machine with a new one" "204 permit" asks again
key=$(sed -n 's/.*"keyId":"\([^"]*\)".*/\1/p' "$T/docs/again.json")
echo "key $key" >>"$T/etc/avow/revoked"
reload
expect "the key is revoked" "401 evidence.revoked" \
    soon "401 evidence.revoked" asks again
cp "$T/revoked.good" "$T/etc/avow/revoked"
reload
expect "and back" "204 permit" soon "204 permit" asks again

say "The decision log:"
lines=$(wc -l <"$LOG")
asks again >/dev/null
expect "a line for each decision, before the answer" "$((lines + 1))" \
    sed -n '$=' "$LOG"
check "its requests decide again as they did" decides_again
mv "$LOG" "$LOG.1"
kill -USR1 "${PIDS[avow]}"
check "SIGUSR1 opens it anew" until_true 5 test -e "$LOG"
asks one >/dev/null
expect "and the next line is there" 1 sed -n '$=' "$LOG"

say "It is told to stop while a client holds a connection:"
(printf 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'; sleep 5) |
	curl -sN --unix-socket "$T/run/gate.sock" telnet://gate >"$T/held" &
holding=$!
check "one does" until_true 5 grep -q 200 "$T/held"
if stop avow; then ok "SIGTERM: it stops"; else not_ok "SIGTERM: killed"; fi
expect "and says that all is well" 0 cat "$T/status"
kill "$holding" 2>/dev/null

say "A log that cannot be written:"
sed -i "s|^decisionLog: .*|decisionLog: /dev/full|" "$CONFIG"
start_avow || give_up "cannot start: start_avow"
expect "no line, no permit" "403 system.log" asks again
stop avow
finish
