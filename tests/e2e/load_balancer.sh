#!/bin/bash
# load_balancer.sh - SECURITY 6 against a real HAProxy: who comes in, what cannot be smuggled in, and what is left when either side dies.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/examples/load-balancer/scene.sh"
need_servers
balancer_scene || give_up "cannot start: balancer_scene"

document web-1 i-web-1 "$(web_claims 127.0.0.2)"
document web-2 i-web-2 "$(web_claims 127.0.0.3)"

# members: ADDRESS:PORT of the servers in the backend, sorted.
members() {
	haproxy_says "show servers state web" |
		awk '$2 == "web" { print $5 ":" $19 }' | sort | paste -sd' '
}

# others: what Avow has no business with: name, address, administrative state and weight.
others() {
	haproxy_says "show servers state other" |
		awk '$2 == "other" { print $4, $5, $7, $8, $19 }'
}

# restart_avow [SIGNAL]
restart_avow() {
	stop avow "${1:-TERM}"
	start_avow
}

# says BODY [NAME [ADDRESS]]: a join with exactly that body.
says() {
	gate POST "${3:-127.0.0.2}" "${2:-web-1}" "$1"
}

ONE=127.0.0.2:$WEB TWO=127.0.0.3:$WEB
untouched=$(others)

say "Nothing but checked numbers and names reaches the socket:"
for body in '' '{' '[]' '{"address":"127.0.0.2"}' "{\"port\":$WEB}" \
	"{\"address\":\"127.0.0.2\",\"port\":\"$WEB\"}" \
	"{\"address\":\"127.0.0.2\",\"port\":$WEB,\"name\":\"other\"}" \
	"{\"address\":\"127.0.0.2\",\"port\":$WEB,\"port\":$WEB}" \
	"{\"address\":\"127.0.0.2\",\"port\":$WEB.0}" \
	"{\"address\":\"127.0.0.2\",\"port\":\"$WEB;disable server other/fixed\"}" \
	"{\"address\":\"127.0.0.2\\u0000\",\"port\":$WEB}"; do
	expect "${body:-no body}" "@(400|403) request.malformed" says "$body"
done
for address in "127.0.0.2;disable server other/fixed" \
	"127.0.0.2\\ndisable server other/fixed" "127.0.0.2:$WEB" localhost \
	unix@/tmp/x 127.0.0.02 2130706434 ::ffff:127.0.0.2%lo '' 0.0.0.0 \
	169.254.169.254 224.0.0.1 255.255.255.255; do
	expect "address $address" "@(400 request.malformed|403 balancer.address)" \
	    says "{\"address\":\"$address\",\"port\":$WEB}"
done
for port in 0 -1 22 65536 99999 4294967296; do
	expect "port $port" "@(400 request.malformed|403 balancer.port)" \
	    says "{\"address\":\"127.0.0.2\",\"port\":$port}"
done
for weight in -1 257 '"10"' 1e2; do
	expect "weight $weight" "@(400 request.malformed|403 balancer.weight)" \
	    says "{\"address\":\"127.0.0.2\",\"port\":$WEB,\"weight\":$weight}"
done
for pool in none 'web;disable%20server%20other/fixed' 'web%0adisable' \
	'web%00' 'WEB' 'web/' '../web' 'web%2f..%2fweb' ''; do
	POOL=$pool
	expect "pool ${pool:-of no name}" "4??*" join 127.0.0.2 web-1
done
POOL=web
resigned bad-id web-1 's/"subject":"i-web-1"/"subject":"i;disable server other"/'
expect "an instance id with ;" "401 evidence.instance" join 127.0.0.2 bad-id
resigned bad-line web-1 's/"subject":"i-web-1"/"subject":"i\\ndisable"/'
expect "an instance id with a line break" "401 evidence.instance" \
    join 127.0.0.2 bad-line
expect "GET" "40[345]*" gate GET 127.0.0.2 web-1
expect "two packs" "@(400|401)*" gate POST 127.0.0.2 web-1 \
    "{\"address\":\"127.0.0.2\",\"port\":$WEB}" \
    -H "X-Avow-Pack: $(cat "$T/docs/web-1.pack")"
expect "a forged X-Forwarded-For" "403 @(requirement|balancer).address" \
    gate POST 127.0.0.4 web-1 "{\"address\":\"127.0.0.2\",\"port\":$WEB}" \
    -H 'X-Forwarded-For: 127.0.0.2'
document away i-web-7 "$(web_claims 192.0.2.7)"
expect "nobody is in after all that" "" members

say "Joining:"
expect "with a weight" "201 permit" \
    says "{\"address\":\"127.0.0.2\",\"port\":$WEB,\"weight\":2}"
check "the answer has the member" \
    grep -E '"instance": ?"i-web-1".*"port"|"port".*"instance": ?"i-web-1"' "$T/body"
expect "a member" "$ONE" members
check "by a name that nobody chose" \
    grep -qE ' avow-[0-9a-f]{32} ' <(haproxy_says "show servers state web")
expect "with its weight" 2 awk '$2 == "web" { print $8 }' \
    <(haproxy_says "show servers state web")
expect "the second" "201 permit" join 127.0.0.3 web-2
expect "both serve" "web-1 web-2" serves "web-1 web-2"

say "An address that is held:"
sleep 1
document newer i-web-9 "$(web_claims 127.0.0.3)"
expect "attested later: the older one leaves first" "201 permit" \
    join 127.0.0.3 newer
expect "still one server there" "$ONE $TWO" members
expect "attested earlier: refused" "409 balancer.held" join 127.0.0.3 web-2
expect "the newer one leaves" "204*" quit 127.0.0.3 newer
expect "web-2 is back" "201 permit" join 127.0.0.3 web-2

say "HAProxy reloads, and has forgotten its servers:"
old=${PIDS[haproxy]}
PIDS[old]=$old
start_haproxy -sf "$old"
stop old
expect "both are back" "$ONE $TWO" soon "$ONE $TWO" members
expect "both serve" "web-1 web-2" serves "web-1 web-2"

say "Avow is killed:"
stop avow KILL
expect "members stay while it is away" "$ONE $TWO" members
start_avow || give_up "cannot start: start_avow"
expect "and when it is back" "$ONE $TWO" members
expect "it knows them" "200 permit" join 127.0.0.2 web-1

say "HAProxy is away:"
stop haproxy
expect "a leave is stored" "20[24]*" quit 127.0.0.3 web-2
expect "a join is stored" "202 *" join 127.0.0.3 web-2
start_haproxy || give_up "cannot start: start_haproxy"
expect "and done when it is back" "$ONE $TWO" soon "$ONE $TWO" members

say "A document ends while Avow is away:"
expect "web-2 leaves" "204*" quit 127.0.0.3 web-2
document short i-web-2 "$(web_claims 127.0.0.3)" --lifetime 3s
ends=$((SECONDS + 4))
expect "and is back for three seconds" "201 permit" join 127.0.0.3 short
stop avow KILL
expect "still there" "$ONE $TWO" members
while [ "$SECONDS" -lt "$ends" ]; do sleep 0.2; done
start_avow || give_up "cannot start: start_avow"
expect "gone before anybody is let in" "$ONE" members

say "Policies change:"
cat >"$T/etc/avow/policies/quarantine.avow" <<'END'
@id("quarantine") deny (principal == Instance::"i-web-1", action, resource);
END
kill -HUP "${PIDS[avow]}"
expect "who is denied from now on leaves" "" soon "" members
expect "and may not come back" "403 policy.denied" join 127.0.0.2 web-1
rm "$T/etc/avow/policies/quarantine.avow"
kill -HUP "${PIDS[avow]}"
expect "until it may again" "20[01] permit" \
    soon "20[01] permit" join 127.0.0.2 web-1
expect "what Avow did not put there is as it was" "$untouched" others
check "and there was something to touch" test -n "$untouched"
finish
