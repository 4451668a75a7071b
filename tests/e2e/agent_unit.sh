#!/bin/bash
# agent_unit.sh - the agent as its systemd unit runs it, without systemd: a user of its own with no rights elsewhere, no new privileges, its two folders
# alone to write in, a socket to tell of its state, SIGHUP and SIGTERM.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/tests/lib/documents.sh"
need_avow
if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null || ! command -v perl >/dev/null; then
	skip "another user needs root, setpriv and perl"
	finish
fi
# That user has to come to the program and to the folder: neither is below a home.
D=$(mktemp -d /tmp/avow-unit.XXXXXX)
trap 'rm -rf "$D"; leave' EXIT
chmod 755 "$D"
cp "$AVOW" "$D/avow"
issuer acme
document web-1 web-1 "$(claims 127.0.0.1 base)" || give_up "no document"
install -d -m 755 "$D/etc" "$D/documents"
install -d -m 700 -o nobody "$D/state"
install -d -m 755 -o nobody "$D/run"
install -m 644 "$T/docs/web-1.json" "$D/documents/document.json"
install -m 644 "$T/docs/web-1.sig" "$D/documents/document.sig"
install -m 644 "$T/etc/avow/trust/acme/acme.pub.pem" "$D/etc/acme.pem"
META_PORT=$(free_port)
cat >"$D/etc/agent.yaml" <<-END
	instance: web-1
	state: $D/state
	service: {url: "http://127.0.0.1:9"}
	tokens: [updates]
	documents: {folder: $D/documents, keys: $D/etc/acme.pem, issuer: acme}
	metadata: {listen: "127.0.0.1:$META_PORT"}
	files:
	  - {kind: pack, path: $D/run/pack, run: [/usr/bin/touch, $D/run/told]}
	  - {kind: document, path: $D/etc/document.json}
END
chmod 644 "$D/etc/agent.yaml"
# What systemd would be told, a line each.
cat >"$T/listen.pl" <<'END'
use IO::Socket::UNIX; use Socket;
my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die;
chmod 0666, $ARGV[0]; $| = 1;
while (defined $s->recv(my $m, 4096)) { print "$m\n"; }
END
start told perl "$T/listen.pl" "$D/notify"
until_true 5 test -S "$D/notify" || give_up "no socket to tell"
start agent env -i "NOTIFY_SOCKET=$D/notify" setpriv --reuid nobody --regid nogroup --clear-groups --no-new-privs \
    --bounding-set=-all sh -c "umask 0077 && exec '$D/avow' agent --config '$D/etc/agent.yaml'"
wait_for_port agent 127.0.0.1 "$META_PORT" || give_up "the agent does not start"
status() {
	setpriv --reuid nobody --regid nogroup --clear-groups "$D/avow" agent status --config "$D/etc/agent.yaml"
}

check "READY=1" until_true 5 grep -qx READY=1 "$T/told.log"
expect "the document; a folder that it may not write to, and why" \
    "*document  fresh*run/pack  written*etc/document.json  not written*file.write: cannot*ermission denied*" \
    soon "*ermission denied*" status
check "nothing was left there" test -z "$(find "$D/etc" -newer "$D/etc/agent.yaml" -type f)"
expect "the pack is its own" "600 nobody" stat -c '%a %U' "$D/run/pack"
check "the command ran" until_true 5 test -e "$D/run/told"
expect "as the same user" "nobody" stat -c %U "$D/run/told"
privileges() {
	awk '/^(CapEff|CapBnd|NoNewPrivs):/ { print $2 }' "/proc/${PIDS[agent]}/status" | paste -sd' '
}
expect "no capability, none to come, no new privileges" "0000000000000000 0000000000000000 1" privileges
expect "its memory is no other's to read" "root" stat -c %U "/proc/${PIDS[agent]}/mem"
kill -HUP "${PIDS[agent]}"
check "SIGHUP: RELOADING=1, then READY=1" until_true 5 bash -c \
    "grep -vx WATCHDOG=1 '$T/told.log' | paste -sd' ' | grep -q 'READY=1 RELOADING=1 READY=1'"
stop agent
expect "SIGTERM: it ends well" "0" cat "$T/status"
check "STOPPING=1" until_true 5 grep -qx STOPPING=1 "$T/told.log"
finish
