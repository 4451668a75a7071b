#!/bin/bash
# run.sh - the story of this example: machines that prove who they are, by a secret that never leaves them, and what a client makes of it.
# Prints what was tried and what happened, step by step; exit 1 if any of it came out otherwise. Leaves nothing running.
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../../tests/lib/e2e.sh"
. "$here/scene.sh"
need_servers
say "A token service with TLS; its administrator makes a controller for all that begins with web-."
identity_scene || give_up "cannot start: identity_scene"
check "controller fabric" controller fabric web- --may-issue
gate_scene || give_up "cannot start: gate_scene"

say "Directly: the controller injects a secret, and it enrols the machine's own key, once."
expect "account web-1" "done" says as fabric account new web-1
expect "its secret" "done" says as fabric account enrol web-1 -o "$T/keys/web-1.secret"
check "web-1 makes a key" key web-1
expect "web-1 enrols, and has a token" "done" \
    says token web-1 --enrol "$T/keys/web-1.secret"
expect "the same secret again" "evidence.*" \
    says token web-1 --enrol "$T/keys/web-1.secret"
expect "web-1 proves its key" "done" says token web-1
expect "the mirror, with token and key" "200 permit" get web-1 web-1
expect "the token alone, with another's key" "401 evidence.proof" get web-1 fabric

say "Through the controller: web-2 speaks to nobody else."
check "web-2 makes a key" key web-2
expect "account web-2" "done" says as fabric account new web-2
expect "its public key" "done" \
    says as fabric account key web-2 --public-key "$T/keys/web-2.pub"
"$AVOW" challenge new --server "$STS" --ca "$CA" --account web-2 \
    --method p256 --audience updates -o "$T/challenge"
check "web-2 answers, for fabric to carry" "$AVOW" challenge answer \
    --account web-2 --key "$T/keys/web-2.key" --audience updates \
    --service "$STS" --relay fabric --challenge "$(cat "$T/challenge")" \
    -o "$T/answer"
expect "fabric carries it" "done" says as fabric token new \
    --answer "$T/answer" -o "$T/tokens/web-2"
expect "web-2 at the mirror" "200 permit" get web-2 web-2
expect "fabric with web-2's token" "401 evidence.proof" get web-2 fabric

say "One manager for all: account, key and token while the machine is made."
check "web-3 makes a key" key web-3
expect "fabric provisions web-3" "done" says as fabric account provision \
    web-3 --public-key "$T/keys/web-3.pub" --audience updates \
    -o "$T/tokens/web-3"
expect "web-3 at the mirror" "200 permit" get web-3 web-3

say "A client picks up who web-1 is, at a known place."
check "the client has a key, too" key web-client
expect "and an account" "done" says as fabric account new web-client
expect "its public key" "done" says as fabric account key web-client \
    --public-key "$T/keys/web-client.pub"
expect "web-1 proves itself to web-client, by way of the broker" "done" \
    says token web-1 --audience web-client --offer
expect "the client picks it up" "done" \
    says as web-client token pick web-1 -o "$T/tokens/picked"
check "by the service's public keys alone it is web-1's" "$AVOW" token verify \
    --trust "$T/etc/avow/trust/sts" --issuer acme --audience web-client \
    "$T/tokens/picked"
expect "another picks up nothing" "account.unknown" \
    says as web-2 token pick web-1 -o "$T/tokens/none"

say "web-1 moves to other hardware."
expect "web-1 at the mirror" "done" says token web-1
mv "$T/keys/web-1.key" "$T/keys/former.key"
check "the new hardware makes a key" key web-1
expect "a copy of the disk cannot move it" "account.@(authority|unknown)" \
    says "$AVOW" account move web-1 --public-key "$T/keys/web-1.pub" \
    --server "$STS" --ca "$CA" --as web-1 --key "$T/keys/former.key"
expect "its controller can" "done" \
    says as fabric account move web-1 --public-key "$T/keys/web-1.pub"
expect "the former key proves nothing" "evidence.proof" says "$AVOW" token new \
    --server "$STS" --ca "$CA" --account web-1 --key "$T/keys/former.key" \
    --audience updates -o "$T/tokens/none"
expect "the former token at the mirror" "401 evidence.revoked" \
    soon "401 evidence.revoked" get web-1 former
expect "the new key has a token" "done" says token web-1
expect "the mirror" "200 permit" get web-1 web-1
finish
