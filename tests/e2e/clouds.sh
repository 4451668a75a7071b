#!/bin/bash
# clouds.sh - what clouds say of their instances: shown at a gate, used to enrol at the token service, and evicted, banned and attested anew, on
# two nodes and over restarts. Evidence is signed by keys made here; genuine samples of the clouds come from $TESTDATA, where it is there.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/tests/lib/documents.sh"
. "$ROOT/examples/identity/scene.sh"
. "$ROOT/tests/lib/postgres.sh"
end_postgres() {
	[ -z "${PG-}" ] || postgres end "$PG"
	leave
}
trap end_postgres EXIT
need_avow
OWNER=123456789012
INDEX=/debian/dists/stable/InRelease

# --- a cloud -------------------------------------------------------------

mkdir -p "$T/etc/avow/trust/ec2" "$T/docs" "$T/run" "$T/log" "$T/etc/avow/policies"
openssl genrsa -out "$T/cloud.key" 2048 2>>"$T/openssl.log" &&
	openssl rsa -in "$T/cloud.key" -pubout \
	    -out "$T/etc/avow/trust/ec2/cloud.pem" 2>>"$T/openssl.log" ||
	give_up "no key for the cloud"

# instance NAME ID [ADDRESS [OWNER [REGION]]]: as the metadata service gives it.
instance() {
	printf '{\n  "accountId" : "%s",\n  "imageId" : "ami-1",\n  "instanceId" : "%s",\n  "privateIp" : "%s",\n  "region" : "%s"\n}' \
	    "${4:-$OWNER}" "$2" "${3:-127.0.0.1}" "${5:-us-east-1}" \
	    >"$T/docs/$1.json"
	openssl dgst -sha256 -sign "$T/cloud.key" "$T/docs/$1.json" |
		openssl base64 >"$T/docs/$1.sig"
	pack "$1" ec2-signature
}

instance one i-0one
instance two i-0two
instance elsewhere i-0else 127.0.0.5
instance stranger i-0str 127.0.0.1 210987654321
sed 's/i-0two/i-0one/' "$T/docs/two.json" >"$T/docs/altered.json"
cp "$T/docs/two.sig" "$T/docs/altered.sig"

# --- the token service, and a gate on its store --------------------------

trust() {
	cat <<-END
		trust:
		  - {kind: ec2-signature, keys: $T/etc/avow/trust/ec2/cloud.pem, owners: ["$OWNER"], prefix: aws/, maxLease: 1h$1}
	END
}

service_files || give_up "no files for the service"
trust ', enrol: {controller: fabric}' >>"$T/etc/avow/sts.yaml"
start_service || give_up "the service does not start"
"$AVOW" admin token new --config "$T/etc/avow/sts.yaml" --name ann \
    -o "$T/keys/ann.token" >"$T/out" || give_up "no administrator"
controller fabric aws- || give_up "no controller"
public_keys_of() {
	mkdir -p "$T/etc/avow/trust/sts" && public_keys
}
check "the service's public keys" public_keys_of
echo 'permit (principal, action, resource);' >"$T/etc/avow/policies/all.avow"
{
	cat <<-END
		listen: unix:$T/run/gate.sock
		store: $(sed -n 's/^store: *//p' "$T/etc/avow/sts.yaml")
		policies: [$T/etc/avow/policies]
		decisionLog: $T/log/gate.jsonl
		gates:
		  - {kind: repository, name: updates, repositories: {main: /debian/}, url: "http://gate"}
		  - {kind: balancer, name: web, pools: {web: {haproxy: $T/run/none.sock, backend: web, ports: [80], networks: [127.0.0.0/8]}}}
	END
	trust ''
	echo "  - {kind: token, keys: $T/etc/avow/trust/sts, issuer: acme, prefix: sts/}"
} >"$T/etc/avow/gate.yaml"
start_gate || give_up "the gate does not start"

# asks NAME: status and reason of a request with that document.
asks() {
	asked -H "X-Avow-Pack: $(cat "$T/docs/$1.pack")"
}

asked() {
	curl -s --max-time 10 --unix-socket "$T/run/gate.sock" -o "$T/body" \
	    -D "$T/head" -w '%{http_code} %header{x-avow-reason}\n' \
	    -H "X-Original-URI: $INDEX" -H 'X-Original-Method: GET' \
	    -H 'X-Forwarded-Proto: https' -H 'X-Forwarded-For: 127.0.0.1' \
	    "$@" http://gate/gate/auth
}

# with_token NAME: the same with the token of that name and a proof of its key.
with_token() {
	local proof nonce=
	for _ in 1 2; do
		proof=$("$AVOW" token prove --key "$T/keys/$1.key" \
		    --url "http://gate$INDEX" ${nonce:+--nonce "$nonce"} \
		    "$T/tokens/$1") || return
		asked -H "Authorization: DPoP $(cat "$T/tokens/$1")" \
		    -H "DPoP: $proof" >"$T/answer"
		nonce=$(sed -n 's/^dpop-nonce: \(.*\)\r/\1/Ip' "$T/head")
	done
	cat "$T/answer"
}

# soon WANTED COMMAND...: what it prints once that is WANTED, or after 5 s.
soon() {
	local wanted=$1
	shift
	prints() {
		[ "$("$@")" = "$wanted" ]
	}
	until_true 5 prints "$@"
	"$@"
}

# attest NAME DOCUMENT ACCOUNT [OPTION...]: the machine with the key NAME.
attest() {
	local name=$1 document=$2 account=$3
	shift 3
	"$AVOW" account attest "$account" --kind ec2-signature \
	    --document "$T/docs/$document.json" \
	    --signature "$T/docs/$document.sig" --key "$T/keys/$name.key" \
	    --server "$STS" --ca "$CA" "$@"
}

# joins NAME: HAProxy is away, so that a join is kept, and it is told later.
joins() {
	curl -s --max-time 10 --unix-socket "$T/run/gate.sock" -o "$T/body" \
	    -w '%{http_code}\n' -X POST -H 'X-Forwarded-Proto: https' \
	    -H 'X-Forwarded-For: 127.0.0.1' -H 'Content-Type: application/json' \
	    -H "X-Avow-Pack: $(cat "$T/docs/$1.pack")" \
	    -d '{"address":"127.0.0.1","port":80}' http://gate/gate/balancer/web
}

members() {
	"$AVOW" store check --config "$T/etc/avow/gate.yaml" --json |
		sed -n 's/.*"members": *\([0-9]*\).*/\1/p'
}

for name in one two copy next; do
	key $name
done

say "The first use binds an instance to a key:"
expect "one enrols" "done" says attest one one aws-i-0one
expect "its account" "*aws-i-0one*instance aws/i-0one*" \
    admin account show aws-i-0one
expect "again, the same" "done" says attest one one aws-i-0one
expect "a copy of the document, with another key" "account.live" \
    says attest copy one aws-i-0one
expect "which is told" "*other-key*aws-i-0one*" \
    curl -s --cacert "$CA" -H "Authorization: Bearer $(cat "$T/keys/ann.token")" \
    "$ADMIN/v1/breaches"
expect "one's key for two" "account.key" says attest one two aws-i-0two
expect "two enrols by its own" "done" says attest two two aws-i-0two
one_token() {
	says "$AVOW" token new --server "$STS" --ca "$CA" --audience updates \
	    --account aws-i-0one --key "$T/keys/one.key" -o "$T/tokens/one"
}
expect "one's token" "done" one_token
expect "at the gate" "204 *" with_token one
expect "its document there" "204 *" asks one
expect "it joins a pool" 202 joins one
expect "of which it is a member" 1 members

say "What does not enrol:"
expect "a document for another's account" "evidence.instance" \
    says attest next one aws-i-0two
expect "an account beside the prefix" "evidence.instance" \
    says attest next two i-0two
expect "shown from another address" "requirement.address" \
    says attest next elsewhere aws-i-0else
expect "another customer's" "evidence.owner" \
    says attest next stranger aws-i-0str
expect "altered" "evidence.signature" says attest next altered aws-i-0one
expect "of a kind that is not trusted" "evidence.kind" \
    says "$AVOW" account attest aws-i-0one --kind ec2-rsa2048 \
    --document "$T/docs/one.json" --signature "$T/docs/one.sig" \
    --key "$T/keys/one.key" --server "$STS" --ca "$CA"
"$AVOW" challenge new --server "$STS" --ca "$CA" --account aws-i-0one \
    --method p256 --audience "$STS" --role attest --json >"$T/challenge.json"
expect "a challenge has a nonce for clouds" '*"nonce":"[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]"*' \
    cat "$T/challenge.json"
sed -n 's/.*"challenge": *"\([^"]*\)".*/\1/p' "$T/challenge.json" >"$T/challenge"
expect "an asked-for challenge" "done" \
    says attest one one aws-i-0one --challenge "$T/challenge"
expect "the same again" "evidence.replayed" \
    says attest one one aws-i-0one --challenge "$T/challenge"
expect "for another account" "evidence.proof" \
    says attest two two aws-i-0two --challenge "$T/challenge"

say "Evicted, it may return:"
one_token >"$T/out"
expect "evict" "*evicted*" admin account evict aws-i-0one
expect "its document at the gate" "401 evidence.revoked" \
    soon "401 evidence.revoked" asks one
expect "its token there" "401 evidence.revoked" with_token one
expect "it leaves the pool" 0 soon 0 members
expect "and does not join again" 401 joins one
expect "a new token" "evidence.proof" one_token
stop sts KILL
start_service || give_up "the service does not come back"
expect "after kill -9 still" "evidence.proof" one_token
expect "another key" "account.live" says attest copy one aws-i-0one
expect "its own" "done" says attest one one aws-i-0one
expect "its document counts again" "204 permit" soon "204 permit" asks one
expect "its former token does not" "401 evidence.revoked" with_token one
expect "a new one" "done" one_token
expect "opens" "204 *" with_token one

say "Banned, it may not:"
expect "ban" "*banned*" admin account ban aws-i-0one
expect "its document" "401 evidence.revoked" \
    soon "401 evidence.revoked" asks one
expect "its token" "401 evidence.revoked" with_token one
expect "enrolling" "evidence.revoked" says attest one one aws-i-0one
expect "with another key" "evidence.revoked" says attest copy one aws-i-0one
stop gate && rm -f "$T/run/gate.sock" && start_gate || give_up "the gate does not come back"
expect "a gate that starts knows it" "401 evidence.revoked" asks one
expect "reattest does not lift it" "account.authority" \
    says admin account reattest aws-i-0one
expect "nor does deleting the account" "done" \
    says as fabric account delete aws-i-0one
expect "which it would come back by" "evidence.revoked" \
    says attest copy one aws-i-0one
expect "the other one is unharmed" "204 *" asks two

say "Reattest lets one key in:"
expect_exit "by a controller" 2 "$AVOW" account reattest aws-i-0two \
    --server "$ADMIN" --ca "$CA" --cert "$T/pki/sts.pem" --cert-key "$T/pki/sts.key"
expect "on this host, without a server" "*\"released\"*true*" \
    "$AVOW" account reattest aws-i-0two --config "$T/etc/avow/sts.yaml" --json
expect "the former key" "evidence.revoked" says attest two two aws-i-0two
expect "the next" "done" says attest next two aws-i-0two
expect "another" "account.live" says attest copy two aws-i-0two
expect "ban and unban" "*evicted*" \
    eval 'admin account ban aws-i-0two >"$T/out" && admin account unban aws-i-0two'
expect "unbanned, it returns" "done" says attest next two aws-i-0two

# --- other clouds --------------------------------------------------------

say "Azure: with a nonce of ours, signed just now:"
authority azure
cp "$T/pki/azure.pem" "$T/out"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/pki/microsoft.key" \
    -out "$T/pki/microsoft.pem" -days 3 -subj "/CN=Authority" \
    -addext keyUsage=critical,keyCertSign 2>>"$T/openssl.log"
openssl req -newkey rsa:2048 -nodes -keyout "$T/pki/leaf.key" \
    -out "$T/pki/leaf.csr" -subj "/CN=metadata.azure.com" 2>>"$T/openssl.log" &&
	openssl x509 -req -in "$T/pki/leaf.csr" -CA "$T/pki/microsoft.pem" \
	    -CAkey "$T/pki/microsoft.key" -CAcreateserial -days 3 \
	    -extfile <(echo 'subjectAltName=DNS:metadata.azure.com') \
	    -out "$T/pki/leaf.pem" 2>>"$T/openssl.log" || give_up "no leaf"

# azure NAME VM SUBSCRIPTION NONCE CREATED: the answer of the metadata service.
azure() {
	printf '{"nonce":"%s","plan":{},"timeStamp":{"createdOn":"%s","expiresOn":"%s"},"vmId":"%s","subscriptionId":"%s"}' \
	    "$4" "$(date -u -d "$5" '+%m/%d/%y %H:%M:%S -0000')" \
	    "$(date -u -d "$5 +6 hours" '+%m/%d/%y %H:%M:%S -0000')" "$2" "$3" \
	    >"$T/docs/$1.json"
	printf '{"encoding":"pkcs7","signature":"%s"}' "$(openssl cms -sign \
	    -binary -nodetach -noattr -outform DER -in "$T/docs/$1.json" \
	    -signer "$T/pki/leaf.pem" -inkey "$T/pki/leaf.key" |
		openssl base64 -A)" >"$T/docs/$1.sig"
}
mkdir -p "$T/etc/avow/trust/gcp"
openssl genrsa -out "$T/google.key" 2048 2>>"$T/openssl.log"
openssl rsa -in "$T/google.key" -pubout -out "$T/etc/avow/trust/gcp/google.pem" \
    2>>"$T/openssl.log"
sed -i "/^  - {kind: ec2-signature/a\\
  - {kind: azure, keys: $T/pki/microsoft.pem, owners: [sub-1], prefix: azure/, enrol: {controller: azure}}\\
  - {kind: gcp, keys: $T/etc/avow/trust/gcp, owners: [acme-prod], prefix: gcp/, enrol: {controller: google}}" \
    "$T/etc/avow/sts.yaml"
controller azure az- && controller google gcp- || give_up "no controllers"
kill -HUP "${PIDS[sts]}"
key azure-vm
# ask ACCOUNT: a challenge to $T/challenge; prints its nonce.
ask() {
	"$AVOW" challenge new --server "$STS" --ca "$CA" --account "$1" \
	    --method p256 --audience "$STS" --role attest --json >"$T/challenge.json"
	sed -n 's/.*"challenge":"\([^"]*\)".*/\1/p' "$T/challenge.json" >"$T/challenge"
	sed -n 's/.*"nonce":"\([0-9]*\)".*/\1/p' "$T/challenge.json"
}
by_azure() {
	says "$AVOW" account attest "$1" --kind azure --signature "$T/docs/$2.sig" \
	    --key "$T/keys/azure-vm.key" --challenge "$T/challenge" \
	    --server "$STS" --ca "$CA"
}
reloaded() {
	[ "$(grep -c 'event=reload ok=true' "$T/sts.log")" -ge "$1" ]
}
check "the service knows them" until_true 5 reloaded 1
azure fresh vm-1 sub-1 "$(ask az-vm-1)" "now"
expect "with the nonce" "done" by_azure az-vm-1 fresh
expect "the nonce again" "evidence.replayed" by_azure az-vm-1 fresh
ask az-vm-1 >"$T/out"
expect "a document of before" "evidence.replayed" by_azure az-vm-1 fresh
azure stranger vm-2 sub-2 "$(ask az-vm-2)" "now"
expect "another subscription's" "evidence.owner" by_azure az-vm-2 stranger
azure other vm-2 sub-1 "$(ask az-vm-1)" "now"
expect "another machine's" "evidence.instance" by_azure az-vm-1 other
azure other vm-2 sub-1 "$(ask az-vm-2)" "now"
ask az-vm-2 >"$T/out"
expect "a nonce of another challenge" "evidence.replayed" by_azure az-vm-2 other

say "Google: for our audience, of our project:"
b64url() {
	openssl base64 -A | tr '+/' '-_' | tr -d '='
}
# google NAME INSTANCE PROJECT AUDIENCE SECONDS [CLAIMS]: a token of that age.
google() {
	local iat=$(($(date +%s) - $5)) ce
	ce=",\"google\":{\"compute_engine\":{\"instance_id\":\"$2\",\"project_id\":\"$3\",\"project_number\":42,\"zone\":\"us-central1-a\"}}"
	{
		printf '{"alg":"RS256","kid":"k","typ":"JWT"}' | b64url
		printf .
		printf '{"iss":"https://accounts.google.com","aud":"%s","iat":%d,"exp":%d,"sub":"7"%s}' \
		    "$4" "$iat" $((iat + 3600)) "${6-$ce}" | b64url
	} >"$T/docs/$1.input"
	{
		cat "$T/docs/$1.input"
		printf .
		openssl dgst -sha256 -sign "$T/google.key" "$T/docs/$1.input" | b64url
	} >"$T/docs/$1.jwt"
}
by_google() {
	says "$AVOW" account attest "$1" --kind gcp --document "$T/docs/$2.jwt" \
	    --key "$T/keys/gcp.key" --server "$STS" --ca "$CA"
}
key gcp
google good 4340508760561261530 acme-prod "$STS" 0
google audience 4340508760561261530 acme-prod updates 0
google project 77 evil "$STS" 0
google expired 4340508760561261530 acme-prod "$STS" 3600
google standard 4340508760561261530 acme-prod "$STS" 0 ""
expect "enrols" "done" by_google gcp-4340508760561261530 good
expect "for another audience" "evidence.audience" by_google gcp-4340508760561261530 audience
expect "another project's" "evidence.owner" by_google gcp-77 project
expect "expired" "evidence.expired" by_google gcp-4340508760561261530 expired
expect "format=standard" "evidence.malformed" by_google gcp-4340508760561261530 standard
sed "s/{kind: token/{kind: gcp, keys: $(sed 's/[\/&]/\\&/g' <<<"$T")\/etc\/avow\/trust\/gcp, owners: [\"42\"], prefix: gcp\/}\n  - &/
    s/name: updates,/name: updates, demand: bearer, rhui: gcp,/" \
    "$T/etc/avow/gate.yaml" >"$T/etc/avow/google.yaml"
stop gate
cp "$T/etc/avow/google.yaml" "$T/etc/avow/gate.yaml"
rm -f "$T/run/gate.sock"
start_gate || give_up "the gate does not come back"
as_rhui() {
	asked -H "X-RHUI-ID: $(openssl base64 -A <"$T/docs/$1.jwt" | tr '+/' '-_')" \
	    -H "X-RHUI-SIGNATURE: $(printf '{"access_token":"x"}' | openssl base64 -A)"
}
as_pack() {
	asked -H "X-Avow-Pack: $("$AVOW" doc pack --kind gcp --document "$T/docs/$1.jwt")"
}
expect "at a gate, as RHUI's clients send it" "204 permit" as_rhui audience
expect "as a pack" "204 permit" as_pack audience
expect "for another audience there" "401 evidence.audience" as_rhui good
expect "a dry run" "permit" eval '"$AVOW" dryrun --config "$T/etc/avow/gate.yaml" --gate updates --kind gcp --document "$T/docs/audience.jwt" --path "$INDEX" --source-ip 127.0.0.1 --json | sed -n "s/.*\"decision\": *\"\([a-z]*\)\".*/\1/p" | head -1'
expect "evicted" "*evicted*" admin account evict gcp-4340508760561261530
expect "its token at the gate" "401 evidence.revoked" \
    soon "401 evidence.revoked" as_rhui audience
expect "it enrols again" "done" by_google gcp-4340508760561261530 good
expect "and passes" "204 permit" soon "204 permit" as_rhui audience
check "no access token in a log" bash -c "! grep -rq access_token '$T/log' '$T'/*.log"

say "Google's keys by their URL:"
# serves_keys FILE: what the server of key sets answers from now on.
serves_keys() {
	local modulus
	modulus=$(openssl rsa -pubin -in "$1" -noout -modulus 2>>"$T/openssl.log" |
		perl -pe 'chomp; s{^Modulus=}{}; $_ = pack "H*", $_' | b64url)
	printf 'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nCache-Control: public, max-age=600\r\n\r\n{"keys":[{"kty":"RSA","use":"sig","e":"AQAB","n":"%s"}]}' \
	    "$modulus" >"$T/www/certs.new" && mv "$T/www/certs.new" "$T/www/certs"
}
mkdir -p "$T/www"
KEYS_PORT=$(free_port)
certificate keys "/O=Acme/CN=keys" "$SERVER_USE" || give_up "no certificate"
serves_keys "$T/etc/avow/trust/gcp/google.pem"
start_keys() {
	start keys bash -c "cd '$T/www' && exec openssl s_server -quiet -HTTP \
	    -accept 127.0.0.1:$KEYS_PORT -cert '$T/pki/keys.pem' -key '$T/pki/keys.key'"
	wait_for_port keys 127.0.0.1 "$KEYS_PORT"
}
start_keys || give_up "no server of key sets"
sed "s|keys: $T/etc/avow/trust/gcp|keys: \"https://localhost:$KEYS_PORT/certs\", ca: $CA|" \
    "$T/etc/avow/google.yaml" >"$T/etc/avow/gate.yaml"
expect "a configuration with it" "*ok*" \
    eval '"$AVOW" serve --check --config "$T/etc/avow/gate.yaml" 2>&1'
kill -HUP "${PIDS[gate]}"
check "in force" until_true 5 grep -q 'event=key-set url="https://localhost' "$T/gate.log"
expect "its keys count" "204 permit" soon "204 permit" as_pack audience
expect "another authority's server" "*data.missing*" eval \
    'sed "s|, ca: $CA|, ca: $T/pki/azure.pem|" "$T/etc/avow/gate.yaml" >"$T/etc/avow/other.yaml"
     "$AVOW" serve --check --config "$T/etc/avow/other.yaml" 2>&1'
openssl genrsa -out "$T/next.key" 2048 2>>"$T/openssl.log"
openssl rsa -in "$T/next.key" -pubout -out "$T/next.pem" 2>>"$T/openssl.log"
serves_keys "$T/next.pem"
reload_gate() {
	local n
	n=$(grep -c 'event=reload' "$T/gate.log")
	kill -HUP "${PIDS[gate]}"
	more_reloads() { [ "$(grep -c 'event=reload' "$T/gate.log")" -gt "$n" ]; }
	until_true 5 more_reloads
}
check "a reload" reload_gate
expect "keys in hand are not asked for again" "204 permit" as_pack audience
stop gate && rm -f "$T/run/gate.sock" && start_gate || give_up "the gate does not come back"
expect "a key that is withdrawn" "401 evidence.signature" as_pack audience
cp "$T/next.key" "$T/google.key"
google later 4340508760561261530 acme-prod updates 0
expect "the one that came" "204 permit" as_pack later
stop keys
check "a reload without the server" reload_gate
expect "keys in hand stay" "204 permit" as_pack later
stop gate && rm -f "$T/run/gate.sock"
expect "none in hand, and no server" "*data.missing*" eval \
    '"$AVOW" serve --config "$T/etc/avow/gate.yaml" 2>&1'

say "Two nodes and two gates on one PostgreSQL:"
# node NAME PORT ADMIN-PORT: a service like the first, on the other store.
node_file() {
	sed "s|^store: .*|store: $PGURL|; s|127.0.0.1:$STS_PORT|127.0.0.1:$2|
	    s|127.0.0.1:$ADMIN_PORT|127.0.0.1:$3|; s|^  url: .*|  url: https://localhost:$P1|" \
	    "$T/etc/avow/sts.yaml" >"$T/etc/avow/$1.yaml"
}
start_node() {
	start "$1" "$AVOW" serve --config "$T/etc/avow/$1.yaml"
	wait_for_port "$1" 127.0.0.1 "$2"
}
start_gate_of() {
	rm -f "$T/run/$1.sock"
	start "$1" "$AVOW" serve --config "$T/etc/avow/$1.yaml"
	until_true 10 test -S "$T/run/$1.sock"
}
# at NODE COMMAND...: asked of that node, whose public address is the first's.
at() {
	local STS=https://localhost:$1 ADMIN=https://localhost:$2
	shift 2
	"$@"
}
enrols() { # KEY DOCUMENT ACCOUNT
	says attest "$@" --service "https://localhost:$P1"
}
asks_at() { # GATE DOCUMENT
	curl -s --max-time 10 --unix-socket "$T/run/$1.sock" -o "$T/body" \
	    -w '%{http_code} %header{x-avow-reason}\n' -H "X-Original-URI: $INDEX" \
	    -H 'X-Original-Method: GET' -H 'X-Forwarded-For: 127.0.0.1' \
	    -H "X-Avow-Pack: $(cat "$T/docs/$2.pack")" http://gate/gate/auth
}
both() { # WANTED DOCUMENT: what both gates have come to answer
	echo "$(soon "$1" asks_at g1 "$2") $(soon "$1" asks_at g2 "$2")"
}
on_postgres() {
	P1=$(free_port) A1=$(free_port) P2=$(free_port) A2=$(free_port)
	PGURL=$(postgres url "$PG" | sed 's/&/\\&/g')
	node_file n1 "$P1" "$A1"
	node_file n2 "$P2" "$A2"
	start_node n1 "$P1" && start_node n2 "$P2" ||
		give_up "no service on PostgreSQL"
	rm "$T/keys/ann.token" "$T/keys/fabric."*
	"$AVOW" admin token new --config "$T/etc/avow/n1.yaml" --name ann \
	    -o "$T/keys/ann.token" >"$T/out"
	at "$P1" "$A1" controller fabric aws- || give_up "no controller there"
	for name in g1 g2; do
		sed "/kind: gcp/d; s| demand: bearer, rhui: gcp,||; s|^store: .*|store: $PGURL|; s|gate.sock|$name.sock|; s|gate.jsonl|$name.jsonl|" \
		    "$T/etc/avow/gate.yaml" >"$T/etc/avow/$name.yaml"
		start_gate_of $name || give_up "no gate on PostgreSQL"
	done
	for name in pg-one pg-copy pg-next; do
		key $name
	done

	expect "enrols at the first" "done" at "$P1" "$A1" enrols pg-one one aws-i-0one
	expect "a copy at the second" "account.live" at "$P2" "$A2" enrols pg-copy one aws-i-0one
	expect "its own key at the second" "done" at "$P2" "$A2" enrols pg-one one aws-i-0one
	expect "both gates take its document, and keep it" "204 permit 204 permit" both "204 permit" one
	expect "evicted at the second" "*evicted*" at "$P2" "$A2" admin account evict aws-i-0one
	expect "in both gates' caches, too" "401 evidence.revoked 401 evidence.revoked" \
	    both "401 evidence.revoked" one
	stop n1 KILL
	stop g1 KILL
	start_node n1 "$P1" && start_gate_of g1 || give_up "they do not come back"
	expect "after kill -9 at the first gate" "401 evidence.revoked" asks_at g1 one
	expect "another key at the first node" "account.live" at "$P1" "$A1" enrols pg-copy one aws-i-0one
	expect "its own" "done" at "$P1" "$A1" enrols pg-one one aws-i-0one
	expect "its document counts at both" "204 permit 204 permit" both "204 permit" one
	expect "banned at the first" "*banned*" at "$P1" "$A1" admin account ban aws-i-0one
	expect "at both gates" "401 evidence.revoked 401 evidence.revoked" both "401 evidence.revoked" one
	stop n2 KILL
	stop g2 KILL
	start_node n2 "$P2" && start_gate_of g2 || give_up "they do not come back"
	expect "after kill -9 at the second gate" "401 evidence.revoked" asks_at g2 one
	expect "it enrols at neither" "evidence.revoked evidence.revoked" echo \
	    "$(at "$P1" "$A1" enrols pg-one one aws-i-0one)" "$(at "$P2" "$A2" enrols pg-one one aws-i-0one)"
	expect "the other one is unharmed" "204 permit 204 permit" both "204 permit" two
	expect "unbanned at the second" "*evicted*" at "$P2" "$A2" admin account unban aws-i-0one
	expect "it returns by the first" "done" at "$P1" "$A1" enrols pg-one one aws-i-0one
	expect "and to both gates" "204 permit 204 permit" both "204 permit" one
	expect "reattest at the first" "*released*" at "$P1" "$A1" admin account reattest aws-i-0one --json
	expect "the former key at the second" "evidence.revoked" at "$P2" "$A2" enrols pg-one one aws-i-0one
	# The next key is bound once, though two ask at the same time.
	at "$P1" "$A1" enrols pg-next one aws-i-0one >"$T/first" &
	at "$P2" "$A2" enrols pg-copy one aws-i-0one >"$T/second"
	wait $!
	expect "two keys at once: one is bound" "1 account.live" \
	    eval 'echo "$(cat "$T/first" "$T/second" | grep -c done) $(cat "$T/first" "$T/second" | grep -v done)"'
	stop g1
	stop g2
	stop n2
	stop n1
}
if PG=$(postgres start 2>"$T/postgres.err"); then
	# What follows is asked of the first service again.
	cp "$T/keys/ann.token" "$T/ann.token"
	on_postgres
	cp "$T/ann.token" "$T/keys/ann.token"
else
	PG=
	skip "no PostgreSQL: $(tail -1 "$T/postgres.err")"
fi

say "Genuine samples:"
SAMPLES=${TESTDATA:-$ROOT/../shared}/vectors
genuine() {
	"$AVOW" doc verify "$@" | sed -n 's/.*"\(verdict\|code\)": *"\([a-z_.]*\)".*/\2/p' |
		tail -1
}
if [ -d "$SAMPLES/ec2-documents" ]; then
	D=$SAMPLES/ec2-documents
	expect "EC2, rsa2048" "valid" genuine --kind ec2-rsa2048 \
	    --trust "$SAMPLES/aws-certs" --signature "$D/teleport-ec2-rsa2048/instance1.rsa2048.b64" \
	    --document "$D/teleport-ec2-rsa2048/instance1.document.json"
	expect "with another's document" "*evidence.signature" genuine --kind ec2-rsa2048 \
	    --trust "$SAMPLES/aws-certs" --signature "$D/teleport-ec2-rsa2048/instance1.rsa2048.b64" \
	    --document "$D/teleport-ec2-rsa2048/instance2.document.json"
	expect "under another region's key" "*evidence.signature" genuine --kind ec2-rsa2048 \
	    --trust "$SAMPLES/aws-certs/eu-west-1.rsa2048.pem" --signature "$D/teleport-ec2-rsa2048/instance1.rsa2048.b64" \
	    --document "$D/teleport-ec2-rsa2048/instance1.document.json"
	expect "EC2, signature" "valid" genuine --kind ec2-signature \
	    --trust "$SAMPLES/aws-certs" --signature "$D/taskcluster/aws_iid_SIGNATURE" \
	    --document "$D/taskcluster/aws_iid_DOCUMENT"
	expect "altered" "*evidence.signature" genuine --kind ec2-signature \
	    --trust "$SAMPLES/aws-certs" --signature "$D/taskcluster/aws_iid_SIGNATURE" \
	    --document "$D/taskcluster/aws_iid_DOCUMENT_bad"
	expect "EC2, pkcs7, which is weak" "valid" genuine --kind ec2-pkcs7 --weak \
	    --trust "$D/smallstep-pkcs7/aws-us-east-1-2012.dsa.pem" \
	    --signature "$D/smallstep-pkcs7/p7.der" --document "$D/smallstep-pkcs7/document.json"
	expect "Azure, when it was signed" "valid" genuine --kind azure \
	    --trust "$D/taskcluster/azure-ca" --signature "$D/taskcluster/azure_good.0.p7.der" \
	    --at 2026-07-28T13:24:00Z
	expect "Azure, six hours later" "*evidence.expired" genuine --kind azure \
	    --trust "$D/taskcluster/azure-ca" --signature "$D/taskcluster/azure_good.0.p7.der" \
	    --at 2026-07-28T19:24:00Z
	expect "with a nonce that is not in it" "*evidence.replayed" genuine --kind azure \
	    --trust "$D/taskcluster/azure-ca" --signature "$D/taskcluster/azure_good.0.p7.der" \
	    --at 2026-07-28T13:24:00Z --nonce 0123456789
else
	skip "no genuine samples in $SAMPLES"
fi

say "Trust changes at a reload:"
sed -i "s/enrol: {controller: fabric}/enrol: {controller: fabric, address: any}/" \
    "$T/etc/avow/sts.yaml"
kill -HUP "${PIDS[sts]}"
key far
expect "from any address, where that is written" "done" \
    soon "done" says attest far elsewhere aws-i-0else
sed -i "s/, enrol: {[^}]*}//" "$T/etc/avow/sts.yaml"
expect_exit "trust that enrols nobody" 1 "$AVOW" serve --check \
    --config "$T/etc/avow/sts.yaml"
check "who did it is in the log" grep -q \
    'event=change what=account.ban who="admin:ann" account="aws-i-0one"' "$T/sts.log"
check "an enrolment is, too" grep -q \
    'event=change what=account.attest who="account:aws-i-0one"' "$T/sts.log"

finish
