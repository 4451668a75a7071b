#!/bin/bash
# run.sh - the story of this example: web servers come into a HAProxy pool, and leave it, on what they can prove.
# Prints what was tried and what happened, step by step; exit 1 if any of it came out otherwise. Leaves nothing running.
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../../tests/lib/e2e.sh"
. "$here/scene.sh"
need_servers
say "HAProxy with an empty pool; two web servers at 127.0.0.2 and 127.0.0.3."
balancer_scene || give_up "cannot start: balancer_scene"
expect "who serves" nobody serves nobody

document web-1 i-web-1 "$(web_claims 127.0.0.2)"
document web-2 i-web-2 "$(web_claims 127.0.0.3)"

say "They join:"
expect "web-1, from its own address" "201 permit" join 127.0.0.2 web-1
expect "who serves" web-1 serves web-1
expect "web-2" "201 permit" join 127.0.0.3 web-2
expect "who serves" "web-1 web-2" serves "web-1 web-2"
expect "web-1 once more" "200 permit" join 127.0.0.2 web-1

say "Those who may not:"
expect "no document" "401 evidence.missing" join 127.0.0.4 -
expect "web-1's document from 127.0.0.4" "403 @(requirement|balancer).address" \
    join 127.0.0.4 web-1
expect "web-1 sends traffic to 127.0.0.3" "403 balancer.address" \
    join 127.0.0.2 web-1 127.0.0.3
expect "web-1 offers port 22" "403 balancer.port" \
    join 127.0.0.2 web-1 127.0.0.2 22
document database i-db "$(web_claims 127.0.0.4 database)"
expect "a database server" "403 policy.none" join 127.0.0.4 database
document outdated i-web-4 "$(web_claims 127.0.0.4 web img-9)"
expect "a web server of an old image" "403 policy.denied" \
    join 127.0.0.4 outdated
expect "web-2 takes web-1 out" "@(401|403) *" quit 127.0.0.3 web-1
expect "who serves" "web-1 web-2" serves "web-1 web-2"

say "They leave:"
expect "web-2, by itself" "204*" quit 127.0.0.3 web-2
expect "who serves" web-1 serves web-1
document short i-web-2 "$(web_claims 127.0.0.3)" --lifetime 5s
expect "web-2 again, with a document for five seconds" "201 permit" \
    join 127.0.0.3 short
expect "who serves" "web-1 web-2" serves "web-1 web-2"
expect "who serves, when that is over" web-1 serves web-1
echo "instance i-web-1" >>"$T/etc/avow/revoked"
kill -HUP "${PIDS[avow]}"
expect "who serves, when web-1 is revoked" nobody serves nobody
finish
