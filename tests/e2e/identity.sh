#!/bin/bash
# identity.sh - the token service as those meet it who attack it: replays, other accounts, other audiences, relays, copies, floods; its TLS,
# its administrators, its pages; a second node, a kill between challenge and answer, a change of signing keys.
# The flows as they should go are examples/identity/run.sh.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/examples/identity/scene.sh"
. "$ROOT/tests/lib/postgres.sh"
need_avow
end_postgres() {
	[ -z "${PG-}" ] || postgres end "$PG"
	leave
}
trap end_postgres EXIT
identity_scene || give_up "cannot start: identity_scene"
controller fabric web- || give_up "no controller"
controller other db- || give_up "no second controller"
key web-1
as fabric account new web-1 >"$T/out" &&
	as fabric account key web-1 --public-key "$T/keys/web-1.pub" >>"$T/out" ||
	give_up "no instance"

# request METHOD PATH [CURL OPTION...]: status and code. To $BASE, from $FROM: who is wrong too often from one address waits.
BASE=$STS FROM=127.0.0.1
request() {
	local method=$1 path=$2
	shift 2
	curl -s --max-time 10 --cacert "$CA" --interface "$FROM" -X "$method" \
	    -o "$T/body" \
	    -D "$T/head" -w '%{http_code} ' "$@" "$BASE$path"
	sed -n 's/.*"code":"\([a-z_.]*\)".*/\1/p' "$T/body"
}

json() {
	local path=$1 body=$2
	shift 2
	request POST "$path" -H 'Content-Type: application/json' -d "$body" "$@"
}

not_in_store() {
	! grep -rqaF -- "$1" "$T/lib" && ! grep -aqF -- "$1" "$T"/*.log
}

challenge() {
	"$AVOW" challenge new --server "$STS" --ca "$CA" --account "$1" \
	    --method "${2:-p256}" --audience "${3:-updates}" --role "${4:-account}"
}

token_says() {
	says token "$@"
}

by_admin_body() {
	by_admin GET "$1" >/dev/null
	cat "$T/body"
}

# answer NAME CHALLENGE [OPTION...]: the body of POST /v1/tokens, by the key of that name.
answer() {
	local name=$1 challenge=$2
	shift 2
	printf '{"proof":%s}' "$("$AVOW" challenge answer --account "$name" \
	    --key "$T/keys/${BY:-$name}.key" --audience updates \
	    --service "${FOR:-$STS}" --challenge "$challenge" "$@")"
}

say "Bodies are read strictly, and refusals say why:"
OK='{"account":"web-1","method":"p256","audience":"updates"}'
expect "a challenge" "201 " json /v1/challenges "$OK"
expect "problem details" "*application/problem+json*" \
    curl -s --cacert "$CA" -D - -o "$T/body" "$STS/v1/nothing"
for body in '' '{' '[]' '{"account":"web-1"}' "${OK%\}},\"x\":1}" \
	'{"account":1,"method":"p256","audience":"u"}' \
	'{"account":"","method":"p256","audience":"u"}' \
	"${OK%\}},\"account\":\"web-1\"}" "$OK$OK" \
	"${OK/p256/none}" "${OK/web-1/we b}"; do
	expect "body ${body:-of nothing}" "400 request.malformed" \
	    json /v1/challenges "$body"
done
expect "another type of content" "400 request.malformed" request POST \
    /v1/challenges -H 'Content-Type: text/plain' -d "$OK"
head -c 70000 /dev/zero | tr '\0' ' ' >"$T/large"
expect "a body over 64 KiB" "413 *" request POST /v1/challenges \
    -H 'Content-Type: application/json' --data-binary "@$T/large"
expect "no such path" "404 request.path" request GET /v1/nothing
expect "another method" "405 request.method" request PUT /v1/accounts
expect "which are there" "POST, GET" sed -n 's/^allow: \(.*\)\r/\1/Ip' "$T/head"
expect "an encoded path" "404 *" request GET /v1/%61ccounts
expect "no identity" "401 evidence.missing" request GET /v1/accounts
expect "an idempotency key where it does nothing" "400 request.malformed" \
    json /v1/challenges "$OK" -H 'Idempotency-Key: a'
expect "an admin's route at the service's door" "404 request.path" \
    request GET /v1/revocations

say "An answer counts once, for what it names, from who made it:"
c=$(challenge web-1)
answer web-1 "$c" >"$T/good"
expect "the answer" "201 " json /v1/tokens "@$T/good"
expect "again" "401 evidence.*" json /v1/tokens "@$T/good"
FROM=127.0.0.2
as_wrong() {
	json /v1/tokens "$(answer "$@")"
}
BY=other expect "another's key" "401 evidence.proof" \
    as_wrong web-1 "$(challenge web-1)"
BY=other expect "unknown account" "401 evidence.proof" \
    as_wrong web-9 "$(challenge web-9)"
cp "$T/body" "$T/unknown"
as fabric account new web-off >"$T/out"
key web-off && as fabric account key web-off --public-key "$T/keys/web-off.pub" >>"$T/out"
as fabric account disable web-off >>"$T/out"
expect "disabled account, its own key" "401 evidence.proof" \
    as_wrong web-off "$(challenge web-off)"
check "unknown and disabled look alike, to the letter" cmp "$T/body" "$T/unknown"
BY=other expect "wrong key" "401 evidence.proof" as_wrong web-1 "$(challenge web-1)"
check "and so does wrong" cmp "$T/body" "$T/unknown"
FROM=127.0.0.3
BY=web-1 expect "another account's challenge" "401 evidence.proof" \
    as_wrong web-1 "$(challenge web-off)"
expect "a challenge for another audience" "401 evidence.proof" \
    as_wrong web-1 "$(challenge web-1 p256 elsewhere)"
expect "a challenge for another method" "401 evidence.proof" \
    as_wrong web-1 "$(challenge web-1 ed25519)"
FOR=https://elsewhere.example expect "made for another service" \
    "401 evidence.proof" as_wrong web-1 "$(challenge web-1)"
expect "a made-up challenge" "401 evidence.proof" as_wrong web-1 \
    "$(head -c 73 /dev/zero | openssl base64 -A | tr '+/' '-_' | tr -d =)"
sed 's/"audience":"updates"/"audience":"elsewhere"/' <<<"$(answer web-1 "$(challenge web-1)")" >"$T/altered"
expect "an audience written in afterwards" "401 evidence.proof" \
    json /v1/tokens "@$T/altered"

FROM=127.0.0.1

say "A relayed answer, by the controller it names alone:"
relayed() {
	answer web-1 "$(challenge web-1)" --relay "${1:-fabric}" |
		sed 's/^{"proof"://;s/}$//' >"$T/answer"
}
relayed
expect "carried by its owner" "done" says as fabric token new \
    --answer "$T/answer" -o "$T/tokens/relayed"
relayed
expect "by another controller" "evidence.proof" says as other token new \
    --answer "$T/answer" -o "$T/tokens/none"
relayed
expect "by nobody" "evidence.proof" says "$AVOW" token new --server "$STS" \
    --ca "$CA" --answer "$T/answer" -o "$T/tokens/none"
relayed other
expect "naming another, carried by its owner" "evidence.proof" \
    says as fabric token new --answer "$T/answer" -o "$T/tokens/none"
answer web-1 "$(challenge web-1)" | sed 's/^{"proof"://;s/}$//' >"$T/answer"
expect "naming nobody, carried" "evidence.proof" \
    says as fabric token new --answer "$T/answer" -o "$T/tokens/none"

say "Authority ends at the prefix:"
expect "fabric makes db-1" "account.authority" says as fabric account new db-1
expect "other disables web-1" "account.unknown" says as other account disable web-1
expect "other moves web-1" "account.unknown" says as other account move web-1 \
    --public-key "$T/keys/other.pub"
expect "web-1 makes web-2" "account.authority" says as web-1 account new web-2
expect "web-1 sees itself" "done" says as web-1 account show web-1
expect "web-1 sees fabric" "account.unknown" says as web-1 account show fabric
expect "an account where administrators are" "*account or as an administrator*" \
    says as fabric account list --admin-token "$T/keys/ann.token"
BASE=$ADMIN
expect "a service token at the admin's door" "401 evidence.missing" \
    request GET /v1/accounts -H "Authorization: DPoP $(cat "$T/tokens/relayed")"
expect "no token there" "401 evidence.missing" request GET /v1/accounts
expect "a made-up token" "401 evidence.proof" request GET /v1/accounts \
    -H "Authorization: Bearer avow-admin-$(head -c 32 /dev/zero |
	openssl base64 -A | tr '+/' '-_' | tr -d =)"
expect "challenges at the admin's door" "404 request.path" \
    json /v1/challenges "$OK"
BASE=$STS

say "Administrators: by token, by certificate, on this host:"
certificate bob "/O=Acme/CN=bob" "$CLIENT_USE"
authority stranger
certificate eve "/O=Acme/CN=bob" "$CLIENT_USE" stranger
certificate old "/O=Acme/CN=old" "$CLIENT_USE" ca 0
certificate server "/O=Acme/CN=server" "$SERVER_USE"
by_certificate() {
	says "$AVOW" account list --server "$ADMIN" --ca "$CA" \
	    --cert "$T/pki/$1.pem" --cert-key "$T/pki/$1.key"
}
expect "a client certificate" "done" by_certificate bob
expect "of a CA that is not ours" "evidence.key" by_certificate eve
expect "an expired one" "evidence.key" soon evidence.key by_certificate old
expect "a server's" "evidence.key" by_certificate server
expect "the token" "done" says admin account list
ID=$("$AVOW" admin token list --config "$T/etc/avow/sts.yaml" | cut -d' ' -f1)
expect_exit "the token is taken back, on this host" 0 "$AVOW" admin token \
    remove "$ID" --config "$T/etc/avow/sts.yaml"
expect "it opens nothing" "evidence.proof" says admin account list
expect_exit "over 30 days" 1 "$AVOW" admin token new --name ann --lifetime 31d \
    -o "$T/keys/long.token" --config "$T/etc/avow/sts.yaml"
"$AVOW" admin token new --name ann -o "$T/keys/ann2.token" \
    --config "$T/etc/avow/sts.yaml" >"$T/out"
mv "$T/keys/ann2.token" "$T/keys/ann.token"
check "no token lies in the store" \
    not_in_store "$(sed 's/avow-admin-//' "$T/keys/ann.token")"
local_list() {
	"$AVOW" account list --config "$T/etc/avow/sts.yaml" | cut -d' ' -f1 | paste -sd' '
}
expect "without a server, on the store" "fabric other web-1 web-off" local_list
chmod 644 "$T/keys/ann.token"
expect "a token that others can read" "*[[]file.mode[]]*" says admin account list
chmod 600 "$T/keys/ann.token"

say "Making twice is making once; pages:"
expect "made" "done" says as fabric account new web-3 --idempotency-key w3
expect "again, the same" "done" says as fabric account new web-3 --idempotency-key w3
expect "the key for another" "request.idempotency" \
    says as fabric account new web-4 --idempotency-key w3
expect "the id again" "account.exists" says as fabric account new web-3
pages() {
	local next='' out
	while :; do
		out=$(as fabric account list --limit 2 ${next:+--next "$next"}) || return
		grep -v ^more <<<"$out" | cut -d' ' -f1
		next=$(sed -n 's/^more: --next //p' <<<"$out")
		[ -n "$next" ] || return 0
	done | paste -sd' '
}
expect "page by page" "fabric web-1 web-3 web-off" pages
expect "a page's end that nobody gave" "request.malformed" \
    says as fabric account list --next AAAA
version() {
	as fabric account show web-3 --json | sed -n 's/.*"version":\([0-9]*\).*/\1/p'
}
expect "a change by its version" "done" \
    says as fabric account disable web-3 --if-version "$(version)"
expect "by a former one" "account.version" \
    says as fabric account enable web-3 --if-version 1
expect "deleted" "done" says as fabric account delete web-3
expect "gone" "account.unknown" says as fabric account show web-3

say "HMAC, for what can hold no key pair:"
as fabric account new web-hmac >"$T/out"
expect "a secret" "done" says as fabric account key web-hmac --hmac \
    -o "$T/keys/web-hmac.secret"
key web-hmac
expect "proves it" "done" says token web-hmac --secret "$T/keys/web-hmac.secret"
printf 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n' >"$T/keys/zero.secret"
chmod 600 "$T/keys/zero.secret"
expect "another secret" "evidence.proof" \
    says token web-hmac --secret "$T/keys/zero.secret"
check "the secret is not in the store" not_in_store "$(cat "$T/keys/web-hmac.secret")"

say "Exchange: narrower, never wider, by who holds the key:"
token web-1 --audience "$STS" && cp "$T/tokens/web-1" "$T/tokens/for-sts"
exchange() {
	says "$AVOW" token exchange --server "$STS" --ca "$CA" \
	    --token "$T/tokens/$1" --key "$T/keys/$2.key" --audience "$3" \
	    -o "$T/tokens/exchanged"
}
exchange_as() {
	says "$AVOW" token exchange --server "$STS" --ca "$CA" --as "$1" \
	    --token "$T/tokens/for-sts" --key "$T/keys/web-1.key" \
	    $([ "$1" = wit-svid ] || echo --audience peer) -o "$T/tokens/exchanged"
}
verdict() {
	"$AVOW" token verify --trust "$T/jwks.json" --issuer acme --audience "$1" \
	    "$T/tokens/$2" | sed -n 's/.*"\(verdict\|code\)": *"\([a-z_.]*\)".*/\2/p' |
		paste -sd' '
}
keys() {
	curl -sf --cacert "$CA" -D "$T/head" "$STS/.well-known/jwks.json" -o "$T/jwks.json"
}
check "the public keys" keys
expect "which may be kept a while" "max-age=300" \
    sed -n 's/^cache-control: \(.*\)\r/\1/Ip' "$T/head"
expect "for another audience" "done" exchange for-sts web-1 elsewhere
expect "which it then is for" "valid" verdict elsewhere exchanged
expect "and for no other" "*evidence.audience" verdict updates exchanged
expect "with another's key" "evidence.proof" exchange for-sts other elsewhere
token web-1
expect "a gate's token, for another gate" "evidence.audience" exchange web-1 web-1 elsewhere
expect "no form" "400 request.malformed" json /v1/token '{}'
expect "another grant" "400 request.malformed" request POST /v1/token \
    -d 'grant_type=password&subject_token=x'

say "A change of signing keys, with no one shut out:"
token web-1 && cp "$T/tokens/web-1" "$T/tokens/before"
expect_exit "the next key, at once" 0 "$AVOW" key rotate "$T/etc/avow/sts/keys" --now
kill -HUP "${PIDS[sts]}"
two_keys() {
	keys && [ "$(grep -o '"kid"' "$T/jwks.json" | wc -l)" = 2 ]
}
check "both are published" until_true 10 two_keys
expect "a token by the new key" "done" says token web-1
kid() {
	cut -d. -f1 "$T/tokens/$1"
}
check "it is another key" [ "$(kid before)" != "$(kid web-1)" ]
expect "the former token" "valid" verdict updates before
expect "the new one" "valid" verdict updates web-1

say "TLS: from 1.2 on, and the certificate changes at a reload:"
tls() {
	openssl s_client -connect "127.0.0.1:$STS_PORT" -CAfile "$CA" \
	    -verify_return_error "$@" </dev/null 2>&1 |
		sed -n 's/^New, \(.*\), Cipher.*/\1/p' 
}
expect "1.3" "TLSv1.3" tls -tls1_3
expect "1.2" "TLSv1.2" tls -tls1_2
expect "1.1" "(NONE)" tls -tls1_1 -cipher DEFAULT@SECLEVEL=0
BASE=http://localhost:$STS_PORT
expect "plain HTTP" "000*" request GET /healthz
BASE=$STS
certificate next "/O=Acme/CN=sts" "$SERVER_USE"
pinned() {
	says "$AVOW" token new --server "$STS" --pin "$T/pki/$1.pem" \
	    --account web-1 --key "$T/keys/web-1.key" --audience updates \
	    -o "$T/tokens/pinned"
}
expect "pinned to the certificate" "done" pinned sts
expect "pinned to another" "*certificate rejected*" pinned next
cp "$T/pki/next.pem" "$T/etc/avow/sts/tls.pem"
cp "$T/pki/next.key" "$T/etc/avow/sts/tls.key"
kill -HUP "${PIDS[sts]}"
expect "the next, after a reload" "done" soon "done" pinned next
by_subject() {
	says "$AVOW" challenge new --server "https://127.0.0.1:$STS_PORT" \
	    --ca "$CA" --subject "$1" --account web-1 --method p256 \
	    --audience updates
}
expect "by its subject" "done" by_subject "CN=sts,O=Acme"
expect "by another subject" "*subject issuer mismatch*" by_subject "CN=sts,O=Other"

say "Between challenge and answer the service dies:"
c=$(challenge web-1)
answer web-1 "$c" >"$T/good"
stop sts KILL
start_service || give_up "the service does not come back"
expect "the answer, after kill -9" "201 " json /v1/tokens "@$T/good"
answer web-1 "$(challenge web-1)" >"$T/good"
expect "an answer" "201 " json /v1/tokens "@$T/good"
stop sts KILL
start_service || give_up "the service does not come back"
expect "the same, after kill -9" "401 evidence.*" json /v1/tokens "@$T/good"

say "Two nodes on one store:"
NODE=$(free_port) NODE_ADMIN=$(free_port)
sed "s/:$STS_PORT$/:$NODE/;s/listen: 127.0.0.1:$ADMIN_PORT/listen: 127.0.0.1:$NODE_ADMIN/" \
    "$T/etc/avow/sts.yaml" | sed "s|url: .*|url: $STS|" >"$T/etc/avow/node.yaml"
start node "$AVOW" serve --config "$T/etc/avow/node.yaml"
wait_for_port node 127.0.0.1 "$NODE" || give_up "the second node does not start"
c=$(challenge web-1)
answer web-1 "$c" >"$T/good"
BASE=https://localhost:$NODE
expect "asked by one, answered to the other" "201 " json /v1/tokens "@$T/good"
BASE=$STS
expect "and then to the one" "401 evidence.*" json /v1/tokens "@$T/good"
token web-1 --audience "$STS" && cp "$T/tokens/web-1" "$T/tokens/for-sts"
expect "a token of the one, at the one" "done" exchange for-sts web-1 updates
by_admin() {
	local BASE=$ADMIN method=$1 path=$2
	shift 2
	request "$method" "$path" \
	    -H "Authorization: Bearer $(cat "$T/keys/ann.token")" "$@"
}
expect "web-1 is revoked, by way of one" "201 " by_admin POST /v1/revocations \
    -H 'Content-Type: application/json' \
    -d '{"kind":"account","id":"web-1","reason":"test"}'
expect "which lists it" "*web-1*" by_admin_body /v1/revocations
on_node() {
	says "$AVOW" token new --server "https://localhost:$NODE" --service "$STS" \
	    --ca "$CA" --account web-1 --key "$T/keys/web-1.key" \
	    --audience updates -o "$T/tokens/none"
}
expect "in force there" "evidence.revoked" soon evidence.revoked token_says web-1
expect "and on the other" "evidence.revoked" soon evidence.revoked on_node
expect "its token, too" "evidence.revoked" exchange for-sts web-1 updates
expect "taken back" "204 " by_admin DELETE "/v1/revocations?kind=account&id=web-1"
expect "again" "404 account.unknown" by_admin DELETE \
    "/v1/revocations?kind=account&id=web-1"
expect "in force no more" "done" soon "done" on_node

say "Bound to the channel (RFC 9266):"
sed "s|listen: 127.0.0.1:$NODE$|&\n  channelBinding: tls-exporter|" \
    "$T/etc/avow/node.yaml" >"$T/etc/avow/bound.yaml"
stop node
start node "$AVOW" serve --config "$T/etc/avow/bound.yaml"
wait_for_port node 127.0.0.1 "$NODE" || give_up "the bound node does not start"
expect "on one connection" "done" on_node
c=$(challenge web-1)
answer web-1 "$c" >"$T/good"
BASE=https://localhost:$NODE
expect "an answer that is bound to none" "401 evidence.proof" \
    json /v1/tokens "@$T/good"
BASE=$STS
stop node

say "SPIFFE: the same proven subject as an SVID:"
sed "s|listen: 127.0.0.1:$NODE$|&\n  trustDomain: acme.example\n  jwtSvid: on|;s|url: .*|url: https://localhost:$NODE|" \
    "$T/etc/avow/node.yaml" >"$T/etc/avow/spiffe.yaml"
start node "$AVOW" serve --config "$T/etc/avow/spiffe.yaml"
wait_for_port node 127.0.0.1 "$NODE" || give_up "the SPIFFE node does not start"
at_node() {
	STS=https://localhost:$NODE "$@"
}
svid() {
	rm -f "$T/tokens/exchanged"
	says "$AVOW" token exchange --server "https://localhost:$NODE" --ca "$CA" \
	    --token "$T/tokens/$1" --key "$T/keys/web-1.key" -o "$T/tokens/exchanged" \
	    "${@:2}"
}
verdict_as() {
	"$AVOW" token verify --trust "$T/jwks.json" --issuer acme --typ "$1" \
	    --trust-domain acme.example "${@:2}" "$T/tokens/exchanged" |
		grep -o '"\(verdict\|code\|subject\)": *"[^"]*"' | cut -d'"' -f4 | paste -sd' '
}
at_node token web-1 --audience "https://localhost:$NODE"
cp "$T/tokens/web-1" "$T/tokens/for-node"
expect "a JWT-SVID" "done" svid for-node --as jwt-svid --audience peer
expect "for its audience" "valid*web-1*" verdict_as jwt-svid --audience peer
expect "no full token" "*evidence.kind" verdict_as full --audience peer
expect "no WIT" "*evidence.kind" verdict_as wit
expect_exit "whose audience has to be said" 1 "$AVOW" token exchange --as jwt-svid \
    --server "https://localhost:$NODE" --ca "$CA" --token "$T/tokens/for-node" \
    --key "$T/keys/web-1.key"
svid for-node --as jwt-svid --audience peer >>"$T/out"
cp "$T/tokens/exchanged" "$T/tokens/jwt-svid"
expect "a WIT-SVID" "done" svid for-node --as wit-svid
cp "$T/tokens/exchanged" "$T/tokens/wit-svid"
expect "that names its key" "valid*web-1*" verdict_as wit
expect "no JWT-SVID" "*evidence.kind" verdict_as jwt-svid --audience peer
expect "no full token" "*evidence.kind" verdict_as full --audience peer
at_node token web-1 --audience updates
expect "not of a token for one gate" "evidence.audience" svid web-1 --as wit-svid
expect "an SVID is exchanged for nothing" "evidence.kind" svid jwt-svid --audience peer
expect_exit "another type" 1 "$AVOW" token exchange --as id --audience a \
    --server "https://localhost:$NODE" --ca "$CA" --token "$T/tokens/for-node" \
    --key "$T/keys/web-1.key"
curl -sf --cacert "$CA" "https://localhost:$NODE/.well-known/spiffe-bundle.json" \
    -o "$T/bundle.json"
check "the bundle" grep -q '"spiffe_sequence":[0-9]*,"spiffe_refresh_hint":300' "$T/bundle.json"
check "for both kinds of SVID" bash -c \
    "grep -q '\"use\":\"jwt-svid\"' '$T/bundle.json' && grep -q '\"use\":\"wit-svid\"' '$T/bundle.json'"
expect "no bundle without a trust domain" "404 request.path" \
    request GET /.well-known/spiffe-bundle.json
expect "and no SVID" "request.malformed" exchange_as jwt-svid
expect "of neither kind" "request.malformed" exchange_as wit-svid
if found=$("$ROOT/tests/lib/peers.sh" 2>"$T/peers.log") &&
	[ -d "${found#* }/node_modules/jose" ]; then
	node=${found%% *}
	export PEERS=${found#* }
	js() {
		"$node" "$ROOT/tests/e2e/jose_peer.mjs" "$@"
	}
	expect "jose takes the JWT-SVID by the bundle" \
	    "spiffe://acme.example/instance/web-1 ES256 *" \
	    js svid "$T/bundle.json" jwt-svid "$T/tokens/jwt-svid" peer
	expect "and the WIT-SVID, with the key that it names" \
	    "spiffe://acme.example/instance/web-1 ES256 $("$AVOW" key thumbprint "$T/keys/web-1.key")" \
	    js svid "$T/bundle.json" wit-svid "$T/tokens/wit-svid"
else
	skip "npm's jose is not there"
fi
stop node

say "Two nodes that share their proofs (replay: store):"
for c in sts node; do
	printf 'replay: store\n' | cat "$T/etc/avow/$c.yaml" - >"$T/etc/avow/$c-shared.yaml"
done
stop sts
start sts "$AVOW" serve --config "$T/etc/avow/sts-shared.yaml"
start node "$AVOW" serve --config "$T/etc/avow/node-shared.yaml"
wait_for_port sts 127.0.0.1 "$STS_PORT" || give_up "the service does not start"
wait_for_port node 127.0.0.1 "$NODE" || give_up "the node does not start"
token web-1 --audience "$STS" && cp "$T/tokens/web-1" "$T/tokens/for-sts"
nonce() {
	request GET /v1/accounts/web-1 \
	    -H "Authorization: DPoP $(cat "$T/tokens/for-sts")" \
	    -H "DPoP: $("$AVOW" token prove --key "$T/keys/web-1.key" \
	        --url "$STS/v1/accounts/web-1" "$T/tokens/for-sts")" >"$T/out"
	sed -n 's/^dpop-nonce: \(.*\)\r/\1/Ip' "$T/head"
}
N=$(nonce)
PROOF=$("$AVOW" token prove --key "$T/keys/web-1.key" --nonce "$N" \
    --url "$STS/v1/accounts/web-1" "$T/tokens/for-sts")
shown_to() {
	local BASE=$1
	request GET /v1/accounts/web-1 -H "DPoP: $PROOF" \
	    -H "Authorization: DPoP $(cat "$T/tokens/for-sts")"
}
expect "a nonce of the one holds at the other" "200 " shown_to "https://localhost:$NODE"
expect "the proof does not, at either" \
    "401 evidence.replayed 401 evidence.replayed" \
    echo "$(shown_to "https://localhost:$NODE")" "$(shown_to "$STS")"
stop sts KILL
start sts "$AVOW" serve --config "$T/etc/avow/sts-shared.yaml"
wait_for_port sts 127.0.0.1 "$STS_PORT" || give_up "the service does not start again"
expect "nor after kill -9" "401 evidence.replayed" shown_to "$STS"
stop node

say "Who guesses is slowed down, and shuts nobody out:"
guess() {
	local code
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
		code=$(BY=other as_wrong web-1 "$(challenge web-1)")
	done
	echo "$code"
}
expect "the twelfth wrong answer of a minute" "403 request.rate" guess
expect "the account's own key, from another address" "201 " json /v1/tokens \
    "$(answer web-1 "$(challenge web-1)")" --interface 127.0.0.7

say "Wrong admin tokens are counted like wrong proofs:"
guess_admin() {
	local BASE=$ADMIN FROM=127.0.0.8 code=
	for _ in $(seq 300); do
		code=$(request GET /v1/accounts \
		    -H "Authorization: Bearer avow-admin-$(printf %043d "$RANDOM")")
		[ "$code" = "401 evidence.proof" ] || break
	done
	echo "$code"
}
expect "after 60 in a minute" "403 request.rate" guess_admin
expect "and elsewhere it opens" "200 " by_admin GET /v1/accounts

say "Numbers:"
exchange for-sts web-1 updates >"$T/out"
TRACE=4bf92f3577b34da6a3ce929d0e0e4736
expect "a change that is part of a trace" "201 " by_admin POST /v1/revocations \
    -H 'Content-Type: application/json' -H "traceparent: 00-$TRACE-00f067aa0ba902b7-01" \
    -d '{"kind":"account","id":"web-none"}'
check "has it in its line" grep -q "what=revocation.add.* trace=$TRACE" "$T/sts.log"
expect "and back" "204 " by_admin DELETE "/v1/revocations?kind=account&id=web-none"
metrics() {
	curl -s --max-time 10 --cacert "$CA" "$ADMIN/metrics" -D "$T/head" -o "$T/metrics"
	sed -n "s/^$1 //p" "$T/metrics" | grep .
}
expect "right proofs" "[1-9]*" metrics 'avow_sts_proofs_total{outcome="right"}'
expect "in Prometheus' form" "text/plain; version=0.0.4*" \
    sed -n 's/^content-type: \(.*\)\r/\1/Ip' "$T/head"
expect "refused proofs" "[1-9]*" metrics 'avow_sts_proofs_total{outcome="refused"}'
expect "not judged" "[1-9]*" metrics 'avow_sts_proofs_total{outcome="rate"}'
expect "by code" "[1-9]*" metrics 'avow_sts_refusals_total{code="request.rate"}'
expect "tokens, challenges, exchanges" "[1-9]* [1-9]* [1-9]*" echo \
    "$(metrics avow_sts_tokens_total)" "$(metrics avow_sts_challenges_total)" \
    "$(metrics avow_sts_exchanges_total)"
expect "revocations" "1 1" echo \
    "$(metrics 'avow_sts_revocations_total{change="add"}')" \
    "$(metrics 'avow_sts_revocations_total{change="remove"}')"
expect "the store" "1" metrics avow_store_up
expect "at the admin's listener alone" "404 request.path" request GET /metrics

say "Changes are rows, made with the change:"
expect "who did what" "200 " by_admin GET "/v1/changes?limit=1000"
check "a controller's" grep -q \
    '"who":"account:fabric","what":"account.create","about":"web-1"' "$T/body"
check "an administrator's" grep -q \
    '"who":"admin:ann","what":"revocation.add","about":"account web-1"' "$T/body"
check "this host's" grep -q '"who":"host","what":"admin-token.remove"' "$T/body"
expect "a page" "200 " by_admin GET "/v1/changes?limit=1"
NEXT=$(sed 's/.*"next":"\([0-9]*\)".*/\1/' "$T/body")
expect "and the next" "200 " by_admin GET "/v1/changes?limit=1&next=$NEXT"
check "is another one" grep -q "\"number\":$((NEXT - 1))," "$T/body"
expect "no number" "400 request.malformed" by_admin GET "/v1/changes?next=x"
expect "not for others" "404 request.path" request GET /v1/changes
expect "the same on this host" "1 *" \
    bash -c "'$AVOW' store changes --config '$T/etc/avow/sts.yaml' --limit 1000 | tail -1"
expect "none before the first" "" \
    "$AVOW" store changes --config "$T/etc/avow/sts.yaml" --before 1

say "Changes are in the log, with who made them, and no secrets:"
check "who did what" grep -q \
    'event=change what=account.create who="account:fabric" account="web-1"' "$T/sts.log"
check "an administrator's" grep -q 'who="admin:ann"' "$T/sts.log"
check "no token" bash -c "! grep -q 'eyJ' '$T/sts.log'"
stop sts
expect_exit "it stops cleanly" 0 test "$(cat "$T/status")" = 0

say "A configuration that is broken, to those who read it:"
sed 's/^  secret:/  secrets:/' "$T/etc/avow/sts.yaml" >"$T/etc/avow/broken.yaml"
sed 's/^  secret: .*/&.gone/' "$T/etc/avow/sts.yaml" >"$T/etc/avow/gone.yaml"
printf 'store: sqlite:///nowhere/at/all.db\n' >"$T/etc/avow/gates.yaml"
cat >>"$T/etc/avow/gates.yaml" <<-END
	policies: [$T/etc/avow]
	trust: [{kind: avow, issuer: a, keys: $T/etc/avow}]
	gates: [{kind: repository, name: r, repositories: {r: /r/}}]
END
# told COMMAND...: all that it says, and its exit.
told() {
	"$AVOW" "$@" 2>&1
	echo "exit $?"
}
told serve --config "$T/etc/avow/broken.yaml" --check >"$T/checked"
told store rotate-secret --config "$T/etc/avow/broken.yaml" >"$T/rotated"
check "the same messages in the same order" cmp "$T/checked" "$T/rotated"
expect "all of them" "*is missing here*there is no key \`secrets\` here*exit 1" cat "$T/checked"
expect "the reason is the last" "*master.secret.gone*: No such file or directory \\[file.read\\]
exit 1" told serve --config "$T/etc/avow/gone.yaml" --check
expect "to both" "*master.secret.gone*: No such file or directory \\[file.read\\]
exit 1" told store rotate-secret --config "$T/etc/avow/gone.yaml"
expect "no secret, before any store is opened" "avow: $T/etc/avow/gates.yaml: there is no \`service\` with a \`secret\`
exit 1" told store rotate-secret --config "$T/etc/avow/gates.yaml"
expect "a good one" "*
exit 0" told serve --config "$T/etc/avow/sts.yaml" --check

say "Another master secret:"
cp "$T/etc/avow/sts/master.secret" "$T/former.secret"
expect "what is sealed is sealed anew" "[1-9]* sealed anew; *" \
    "$AVOW" store rotate-secret --config "$T/etc/avow/sts.yaml"
check "the file is another one" bash -c "! cmp -s '$T/former.secret' '$T/etc/avow/sts/master.secret'"
start_service || give_up "the service does not start with the new secret"
expect "an HMAC account proves itself as before" "done" \
    says token web-hmac --secret "$T/keys/web-hmac.secret"
stop sts
cp "$T/etc/avow/sts/master.secret" "$T/next.secret"
cp "$T/former.secret" "$T/etc/avow/sts/master.secret"
expect_exit "with the former one it does not start" 1 timeout 20 \
    "$AVOW" serve --config "$T/etc/avow/sts.yaml"
cp "$T/next.secret" "$T/etc/avow/sts/master.secret"

say "Two nodes on one PostgreSQL:"
if ! PG=$(postgres start 2>"$T/postgres.err"); then
	PG=
	skip "no PostgreSQL: $(tail -1 "$T/postgres.err")"
	finish
fi
URL=$(postgres url "$PG" | sed 's/&/\\&/g')
sed -i "s|^store: .*|store: $URL|" "$T/etc/avow/sts.yaml" "$T/etc/avow/node.yaml"
start_service || give_up "the service does not start on PostgreSQL"
start node "$AVOW" serve --config "$T/etc/avow/node.yaml"
wait_for_port node 127.0.0.1 "$NODE" || give_up "nor does the second node"
rm "$T/keys/ann.token"
"$AVOW" admin token new --config "$T/etc/avow/sts.yaml" --name ann \
    -o "$T/keys/ann.token" >"$T/out"
rm "$T/keys/fabric."*
controller fabric web- || give_up "no controller on PostgreSQL"
expect "account and key" "done done" echo "$(says as fabric account new web-1)" \
    "$(says as fabric account key web-1 --public-key "$T/keys/web-1.pub")"
answer web-1 "$(challenge web-1)" >"$T/good"
BASE=https://localhost:$NODE
expect "asked by one, answered to the other" "201 " json /v1/tokens "@$T/good"
BASE=$STS
expect "and then to the one" "401 evidence.*" json /v1/tokens "@$T/good"
expect "moved by way of one" "done" says as fabric account move web-1 \
    --public-key "$T/keys/other.pub"
expect "the former key at the other" "evidence.proof" on_node
stop node
stop sts
finish
