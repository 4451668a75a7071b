#!/bin/bash
# clouds.sh - what clouds say of their instances: shown at a gate, used to enrol at the token service, and evicted, banned and attested anew, on
# two nodes and over restarts. Evidence is signed by keys made here; genuine samples of the clouds come from $TESTDATA, where it is there.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/tests/lib/documents.sh"
. "$ROOT/examples/identity/scene.sh"
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
