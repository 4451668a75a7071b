#!/usr/bin/env bash
# units.sh - the systemd units in docs/: systemd finds nothing wrong with them, each has the same fences, and each starts this program with options that it takes.
. "$(dirname "$0")/../lib/e2e.sh"
need_avow
cd "$T" || exit 1
mkdir units

unit_lines() { # FILE: its fences, by name
	sed -n '/^NoNewPrivileges/,/^$/p' "$1" | sed '/^$/d' | sort
}
unit_lines "$ROOT/docs/avow.service" >fences
expect "there are fences" '[2-9][0-9]' eval 'wc -l <fences'
for unit in "$ROOT"/docs/*.service; do
	name=${unit##*/}
	sed "s|/usr/local/bin/avow|$AVOW|" "$unit" >"units/$name"
	# Less than the service has may be allowed, never more.
	expect "$name has the fences of all" "" eval \
	    "comm -23 fences <(unit_lines $unit) | grep -v '^RestrictAddressFamilies='"
	check "$name may use families of addresses that are named" grep -qx \
	    'RestrictAddressFamilies=AF_UNIX\( AF_INET AF_INET6\( AF_NETLINK\)\?\)\?' "$unit"
	check "$name says when it is ready" grep -qx 'Type=notify' "$unit"
	check "$name is not root" grep -qx 'User=avow.*' "$unit"
	command=$(sed -n 's|^ExecStart=/usr/local/bin/avow \([a-z]*\) .*|\1|p' "$unit")
	check "$name starts $command" bash -c "'$AVOW' $command --help >/dev/null"
	for option in $(grep '^ExecStart\|OPTIONS=' "$unit" | grep -o ' \(--\|OPTIONS=--\)[a-z-]*' | sed 's/.*--/--/'); do
		check "with $option" bash -c "'$AVOW' $command --help | grep -q -- '$option '"
	done
done

if command -v systemd-analyze >/dev/null; then
	# It ends with 0 after a line that it does not know, but says so.
	expect "systemd takes them" "" eval 'systemd-analyze verify --man=no units/*.service 2>&1'
	sed 's/^ProtectHome=/ProtectHouse=/' units/avow.service >units/wrong.service
	expect "and would say so" '*ProtectHouse*' eval 'systemd-analyze verify --man=no units/wrong.service 2>&1'
	rm units/wrong.service
	for unit in units/*.service; do
		expect "${unit##*/}: exposed" '*: [01].[0-9] *' eval \
		    "systemd-analyze security --offline=true --no-pager $unit 2>&1 | tail -1"
	done
else
	skip "no systemd-analyze here"
fi

# --- the signer's line, with its options, as systemd would split it
"$AVOW" key new --type p256 -o issuer.key.pem
options=$(sed -n 's/^# *OPTIONS=//p' "$ROOT/docs/avow-signer.service" |
	sed "s|/etc/avow-signer|$T|; s|--allow avow --group avow||")
line=$(sed -n 's|^ExecStart=/usr/local/bin/avow ||p' "$ROOT/docs/avow-signer.service" |
	sed "s|/run/avow-signer|$T|; s|\$OPTIONS|$options|")
# shellcheck disable=SC2086
start signer "$AVOW" $line
check "the signer starts as its unit has it" until_true 10 test -S sign.sock
check "and signs" "$AVOW" doc issue --key "signer:$T/sign.sock" --issuer acme --subject i-1 --audience updates -o d
stop signer || not_ok "it does not stop"
expect "and ends" 0 cat status
finish
