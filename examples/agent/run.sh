#!/bin/bash
# run.sh - the story of this example: a machine that has a secret for one use, and what its agent makes of it.
# Prints what was tried and what happened, step by step; exit 1 if any of it came out otherwise. Leaves nothing running.
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../../tests/lib/e2e.sh"
. "$here/scene.sh"
need_servers
say "A token service, a mirror over TLS with two gates, and a machine whose agent has nothing but a secret for one use."
agent_scene || give_up "cannot start: agent_scene"
mirror_scene || give_up "cannot start: mirror_scene"
as fabric account enrol web-1 -o "$T/run/enrol.secret" >"$T/out" || give_up "no secret"
shown web-1 web-1 "$(claims 127.0.0.1 base)"
start_agent || give_up "cannot start: start_agent"
expect "what it holds" "*: ready*" soon "*: ready*" status
check "the secret is gone" until_true 5 test ! -e "$T/run/enrol.secret"
expect "the machine's name, by EC2's path" "web-1 200" meta /latest/meta-data/instance-id
apt_asks "https://localhost:$PORT/plain"
expect "apt with the agent's file in auth.conf.d" updated apt_update
apt_asks "https://localhost:$PORT/debian"
expect "the same, where a proof of the key is demanded" "refused: 401 Unauthorized" apt_update
apt_asks "$PROXY/debian"
expect "apt through the agent's proxy" updated apt_update
expect "a package" "hello_1.0-1_$ARCHITECTURE.deb" apt_gets hello
expect "a program of its own, with a proof for one request" "200*" gets "https://localhost:$PORT/debian/dists/stable/InRelease"
check "it has what it asked for" grep -q 'Suite: stable\|Codename: stable' "$T/got"
expect "a proof for another address is not made" "*403 request.peer" posts proof "{\"method\":\"POST\",\"url\":\"$STS/v1/tokens\"}"
check "each is in the agent's log, with the user" grep -q "event=agent.local ok=true uid=$(id -u) what=proof" "$T/agent.log"
finish
