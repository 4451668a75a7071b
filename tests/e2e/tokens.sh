#!/usr/bin/env bash
# tokens.sh - tokens from the command line and at a real gate: rings of keys and their rollover, verdicts and exit codes, proofs of possession over HTTP; and the npm
# package `jose`, unmodified, as the other side of both (skipped where it cannot be had).
. "$(dirname "$0")/../lib/e2e.sh"
need_avow
NOON=2026-03-01T12:00:00Z
cd "$T" || exit 1

issue() { # FILE OPTIONS...: a token for i-1
	local file=$1
	shift
	"$AVOW" token issue --keys ring --issuer sts --subject i-1 \
	    --audience updates --key holder.key.pem --at $NOON -o "$file" "$@"
}
TRUST=jwks.json ISSUER=sts AUDIENCE=updates AT=$NOON
verify() { # FILE OPTIONS...
	local file=$1
	shift
	"$AVOW" token verify --trust "$TRUST" --issuer "$ISSUER" \
	    --audience "$AUDIENCE" --at "$AT" "$file" "$@"
}

# --- keys
check "a first key" "$AVOW" key rotate ring --at 2026-03-01T11:00:00Z
check "the holder's key" "$AVOW" key new --type p256 -o holder.key.pem
check "another's key" "$AVOW" key new --type ed25519 -o other.key.pem
check "the key set" "$AVOW" key jwks ring -o jwks.json --at $NOON
expect "the first signs" "signs * ES256 from 2026-03-01T11:00:00Z" \
    "$AVOW" key list ring --at $NOON
expect_exit "a next key cannot sign before clients know it" 1 \
    "$AVOW" key rotate ring --after 10s --at $NOON
expect "no secret in the key set" "" grep -l '"d"' jwks.json

# --- tokens
check "a token" issue token --claims <(echo '{"owner":"acme"}')
expect "its mode" 600 stat -c %a token
expect "a verdict" '{"verdict":"valid","typ":"avow-token+jwt","issuer":"sts",*"subject":"i-1",*"claims":{"owner":"acme"}}' \
    verify token
expect_exit "valid" 0 verify token
AUDIENCE=web expect_exit "another audience" 2 verify token
AUDIENCE=web expect "its reason" '*"code":"evidence.audience"*' verify token
ISSUER=x expect "another issuer" '*"code":"evidence.issuer"*' verify token
AT=2026-03-01T12:05:00Z expect "expired" '*"code":"evidence.expired"*' verify token
AT=2026-03-01T11:58:59Z expect "not yet" '*"code":"evidence.not_yet_valid"*' verify token
expect "another type" '*"code":"evidence.kind"*' verify token --typ verify
TRUST=nothing.json expect_exit "no keys" 1 verify token
expect_exit "over an hour" 1 issue long --expires-in 61m
echo "instance i-1" >revoked
expect "revoked" '*"code":"evidence.revoked"*' verify token --revoked revoked
echo "key $("$AVOW" key thumbprint holder.key.pem)" >revoked
expect "the holder's key is revoked" '*"code":"evidence.revoked"*' \
    verify token --revoked revoked
tr 'A-Za-z' 'N-ZA-Mn-za-m' <token >turned
expect_exit "turned letters" 2 verify turned

# --- golden shapes: an Ed25519 key that is always the same (RFC 8032, 7.1, test 1) signs the same token. UPDATE=1 writes them anew.
golden() { # NAME FILE
	[ "${UPDATE-}" != 1 ] || cp "$2" "$ROOT/tests/contracts/$1"
	check "$1 is the golden one" cmp "$ROOT/tests/contracts/$1" "$2"
}
mkdir -m 700 fixed
(
	umask 077
	{
		echo "-----BEGIN PRIVATE KEY-----"
		printf '302e020100300506032b6570042204209d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60' |
			sed 's/../\\x&/g' | xargs -0 printf '%b' | openssl base64 -A
		printf '\n%s\n' "-----END PRIVATE KEY-----"
	} >fixed/2026-03-01T110000Z.key.pem
)
"$AVOW" token issue --keys fixed --issuer sts --subject i-1 --audience updates \
    --key fixed/2026-03-01T110000Z.key.pem --incarnation 3 --at $NOON \
    --id 00112233445566778899aabbccddeeff --claims <(echo '{"owner":"acme"}') -o fixed.jwt
golden token.jwt fixed.jwt
"$AVOW" key jwks fixed -o fixed.json --at $NOON
golden jwks.json fixed.json
TRUST=fixed.json verify fixed.jwt >verdict.json
golden verdict-token.json verdict.json

# --- a rollover without a gap: old tokens and new ones, by the set of today
check "the next key" "$AVOW" key rotate ring --at $NOON
check "an old token" issue old --expires-in 1h
check "a new token" issue new --at 2026-03-01T12:10:00Z
"$AVOW" key jwks ring -o jwks.json --at $NOON
AT=2026-03-01T12:10:00Z expect_exit "the new one by the set made before" 0 verify new
"$AVOW" key jwks ring -o jwks.json --at 2026-03-01T12:59:00Z
AT=2026-03-01T12:59:59Z expect_exit "the old one by the set made after" 0 verify old
check "one more" "$AVOW" key rotate ring --at 2026-03-01T14:00:00Z
expect "then the old key is gone" "ring/2026-03-01T121000Z.key.pem*141000Z.key.pem" \
    ls -d ring/*

# --- at a gate, over HTTP; the time is now
port=$(free_port)
rm -rf ring
"$AVOW" key rotate ring >/dev/null
"$AVOW" key jwks ring -o jwks.json
cat >p.avow <<'END'
@id("members")
permit (principal, action == Action::"repository:get", resource in Repository::"main")
when { context.proof == "key" && principal.owner == "acme" };
END
cat >avow.yaml <<END
listen: 127.0.0.1:$port
policies: [$T/p.avow]
decisionLog: $T/decisions.jsonl
proxies: [127.0.0.1/32]
clientCertificate: X-Client-Cert
trust:
  - {kind: token, keys: $T/jwks.json, issuer: sts, prefix: sts/}
gates:
  - {kind: repository, name: updates, demand: key, url: "https://repo.example", repositories: {main: /debian/}}
END
start gate "$AVOW" serve --config avow.yaml
wait_for_port gate 127.0.0.1 "$port" || give_up "a gate"
now_token() { # FILE OPTIONS...
	local file=$1
	shift
	"$AVOW" token issue --keys ring --issuer sts --subject i-1 \
	    --audience updates --claims <(echo '{"owner":"acme"}') -o "$file" "$@"
}
now_token now --key holder.key.pem

# ask TOKEN PROOF [HEADER...]: the status and reason; the answer's headers in ./head
ask() {
	local scheme=DPoP header more=()
	[ -n "$2" ] || scheme=Bearer
	for header in "${@:3}"; do
		more+=(-H "$header")
	done
	curl -s -o /dev/null -D head -H "X-Original-Method: GET" \
	    -H "X-Original-URI: /debian/a.deb" -H "X-Forwarded-For: 192.0.2.7" \
	    -H "X-Forwarded-Proto: https" -H "Authorization: $scheme $1" \
	    ${2:+-H "DPoP: $2"} "${more[@]}" "http://127.0.0.1:$port/gate/auth"
	tr -d '\r' <head | awk '/^HTTP/ {s = $2} tolower($1) == "x-avow-reason:" {r = $2} END {print s, r}'
}
nonce() {
	tr -d '\r' <head | sed -n 's/^[Dd][Pp]o[Pp]-[Nn]once: //p'
}
proof() { # KEY OPTIONS...
	local key=$1
	shift
	"$AVOW" token prove --key "$key" --url https://repo.example/debian/a.deb "$@" now
}
expect "no nonce yet" "401 evidence.proof" ask "$(cat now)" "$(proof holder.key.pem)"
expect "it is asked for" "*use_dpop_nonce*" grep -i www-authenticate head
N=$(nonce)
P=$(proof holder.key.pem --nonce "$N")
expect "with it" "204 permit" ask "$(cat now)" "$P"
expect "the same proof again" "401 evidence.replayed" ask "$(cat now)" "$P"
expect "another's proof" "401 evidence.proof" \
    ask "$(cat now)" "$(proof other.key.pem --nonce "$N")"
expect "as a bearer's" "401 evidence.proof" ask "$(cat now)" ""
expect "two proofs" "401 evidence.ambiguous" ask "$(cat now)" \
    "$(proof holder.key.pem --nonce "$N")" "DPoP: $(proof holder.key.pem --nonce "$N")"
expect "two certificates" "403 request.malformed" ask "$(cat now)" "" \
    "X-Client-Cert: a" "X-Client-Cert: b"
expect "for another URL" "401 evidence.proof" ask "$(cat now)" \
    "$("$AVOW" token prove --key holder.key.pem --url http://repo.example/debian/a.deb --nonce "$N" now)"
stop gate
start gate "$AVOW" serve --config avow.yaml
wait_for_port gate 127.0.0.1 "$port" || give_up "a gate again"
P=$(proof holder.key.pem --nonce "$N")
expect "after a restart the old nonce is gone" "401 evidence.proof" ask "$(cat now)" "$P"
N=$(nonce)
expect "and the new one serves" "204 permit" \
    ask "$(cat now)" "$(proof holder.key.pem --nonce "$N")"

# A client's certificate, as nginx hands it on ($ssl_client_escaped_cert).
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=i-1 -keyout cert.key.pem -out cert.pem 2>/dev/null
now_token certified --certificate cert.pem
escaped=$(sed 's/%/%25/g; s/ /%20/g; s/+/%2B/g; s/$/%0A/' cert.pem | tr -d '\n')
expect "a certificate's token" "204 permit" \
    ask "$(cat certified)" "" "X-Client-Cert: $escaped"
expect "without the certificate" "401 evidence.proof" ask "$(cat certified)" ""
expect "a key's token with it" "401 evidence.proof" \
    ask "$(cat now)" "" "X-Client-Cert: $escaped"

# --- dry runs
dry() {
	"$AVOW" dryrun --config avow.yaml --gate updates --kind token \
	    --document now --path /debian/a.deb --source-ip 192.0.2.7 --json "$@"
}
expect "a dry run without a proof" '*"code":"evidence.proof"*' dry
expect "a dry run that supposes one" '*"code":"permit"*' dry --proven

# --- behind a real nginx with TLS: the proof and the certificate come through
# it, and what the client makes up does not
behind_nginx() {
	local front
	front=$(free_port)
	mkdir -p "$T/srv/www/debian" && echo content >"$T/srv/www/debian/a.deb"
	sed -e "s|url: \"[^\"]*\"|url: \"https://localhost:$front\"|" avow.yaml >avow2.yaml
	stop gate
	start gate "$AVOW" serve --config avow2.yaml
	wait_for_port gate 127.0.0.1 "$port" || return
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
	    -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	    -keyout tls.key.pem -out tls.pem 2>/dev/null
	mkdir -p "$T/etc/avow" "$T/run"
	cat >"$T/etc/avow/front.site" <<-END
		server {
			listen 127.0.0.1:$front ssl;
			ssl_certificate $T/tls.pem;
			ssl_certificate_key $T/tls.key.pem;
			ssl_verify_client optional_no_ca;
			root $T/srv/www;
			auth_request /_avow;
			auth_request_set \$avow_reason \$upstream_http_x_avow_reason;
			add_header X-Avow-Reason \$avow_reason always;
			auth_request_set \$avow_nonce \$upstream_http_dpop_nonce;
			add_header DPoP-Nonce \$avow_nonce always;
			location = /_avow {
				internal;
				auth_request off;
				proxy_pass http://127.0.0.1:$port/gate/auth;
				proxy_pass_request_body off;
				proxy_pass_request_headers off;
				proxy_set_header Content-Length "";
				proxy_set_header X-Original-URI \$request_uri;
				proxy_set_header X-Original-Method \$request_method;
				proxy_set_header X-Forwarded-For \$remote_addr;
				proxy_set_header X-Forwarded-Proto \$scheme;
				proxy_set_header Authorization \$http_authorization;
				proxy_set_header DPoP \$http_dpop;
				proxy_set_header X-Client-Cert \$ssl_client_escaped_cert;
			}
		}
	END
	start_site front
	wait_for_port front 127.0.0.1 "$front" || return
	fetch() { # CURL OPTIONS...: status and reason
		curl -s -o /dev/null -D head --cacert tls.pem "$@" \
		    "https://localhost:$front/debian/a.deb"
		tr -d '\r' <head | awk '/^HTTP/ {s = $2} tolower($1) == "x-avow-reason:" {r = $2} END {print s, r}'
	}
	seen_proof() {
		"$AVOW" token prove --key holder.key.pem --nonce "$1" \
		    --url "https://localhost:$front/debian/a.deb" now
	}
	expect "nginx: a nonce is asked for" "401 evidence.proof" \
	    fetch -H "Authorization: DPoP $(cat now)" -H "DPoP: $(seen_proof "")"
	N=$(nonce)
	P=$(seen_proof "$N")
	expect "nginx: with it" "200 permit" \
	    fetch -H "Authorization: DPoP $(cat now)" -H "DPoP: $P"
	expect "nginx: the same proof" "401 evidence.replayed" \
	    fetch -H "Authorization: DPoP $(cat now)" -H "DPoP: $P"
	expect "nginx: another path" "401 evidence.proof" \
	    fetch -H "Authorization: DPoP $(cat now)" -H "DPoP: $("$AVOW" token prove \
		--key holder.key.pem --nonce "$N" --url "https://localhost:$front/b" now)"
	expect "nginx: the client's certificate" "200 permit" \
	    fetch --cert cert.pem --key cert.key.pem -H "Authorization: Bearer $(cat certified)"
	expect "nginx: no certificate" "401 evidence.proof" \
	    fetch -H "Authorization: Bearer $(cat certified)"
	expect "nginx: a certificate that the client wrote" "401 evidence.proof" \
	    fetch -H "Authorization: Bearer $(cat certified)" -H "X-Client-Cert: $escaped"
	expect "nginx: another certificate" "401 evidence.proof" \
	    fetch --cert tls.pem --key tls.key.pem -H "Authorization: Bearer $(cat certified)"
	stop front
	stop gate
	start gate "$AVOW" serve --config avow.yaml
	wait_for_port gate 127.0.0.1 "$port" || return
	ask "$(cat now)" "$(proof holder.key.pem)" >/dev/null
	N=$(nonce)
}
if "$ROOT/tests/lib/servers.sh" >servers.log 2>&1; then
	behind_nginx || not_ok "nginx before the gate"
else
	skip "nginx cannot be fetched"
fi

# --- the npm package `jose`
if ! found=$("$ROOT/tests/lib/peers.sh" 2>peers.log); then
	skip "npm's jose: $(tail -1 peers.log)"
	finish
fi
node=${found%% *} PEERS=${found#* }
export PEERS
if [ ! -d "$PEERS/node_modules/jose" ]; then
	skip "npm's jose is not in $PEERS"
	finish
fi
js() {
	"$node" "$ROOT/tests/e2e/jose_peer.mjs" "$@"
}
now() {
	date -u +%FT%TZ
}
expect "jose takes our token by our key set" \
    "i-1 ES256 $("$AVOW" key thumbprint holder.key.pem)" \
    js verify jwks.json now sts updates avow-token+jwt "$(now)"
expect_exit "jose refuses another audience" 2 js verify jwks.json now sts web avow-token+jwt "$(now)"
expect_exit "jose refuses another typ" 2 js verify jwks.json now sts updates JWT "$(now)"
for type in ed25519 rsa2048; do
	"$AVOW" key rotate "ring-$type" --type "$type" >/dev/null
	"$AVOW" key jwks "ring-$type" -o "$type.json"
	"$AVOW" token issue --keys "ring-$type" --issuer sts --subject i-1 \
	    --audience updates --key holder.key.pem -o "token-$type"
	expect "jose takes $type" "i-1 *" js verify "$type.json" "token-$type" sts updates avow-token+jwt "$(now)"
done
for type in p256 ed25519 rsa2048; do
	"$AVOW" key new --type "$type" -o "peer-$type.key.pem"
	"$AVOW" key public "peer-$type.key.pem" >"peer-$type.pem"
	expect "the same thumbprint of $type" "$("$AVOW" key thumbprint "peer-$type.pem")" \
	    js jwk "peer-$type.pem"
	js sign "peer-$type.key.pem" holder.key.pem $NOON >theirs
	TRUST=peer-$type.pem expect "we take jose's token, $type" '{"verdict":"valid"*' \
	    verify theirs
done
TRUST=peer-p256.pem
js sign peer-p256.key.pem holder.key.pem $NOON '{"header":{"typ":"JWT"}}' >theirs
expect "jose's token of another typ" '*"code":"evidence.kind"*' verify theirs
js sign peer-p256.key.pem holder.key.pem $NOON '{"payload":{"exp":1772370001}}' >theirs
expect "jose's token for too long" '*"code":"evidence.malformed"*' verify theirs
js sign peer-p256.key.pem holder.key.pem $NOON '{"payload":{"scope":"all"}}' >theirs
expect "jose's token with a claim nobody knows" '*"code":"evidence.malformed"*' \
    verify theirs
expect "jose's proof opens our gate" "204 permit" ask "$(cat now)" \
    "$(js dpop holder.key.pem now GET https://repo.example/debian/a.deb "$N" now)"
finish
