#!/bin/bash
# update_repository.sh - beyond the example's story: flat repositories, evidence that ends while it is cached, genuine cloud documents in every
# encoding that clients use, and a log that says who got what.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/examples/update-repository/scene.sh"
need_servers

INDEX=/debian/dists/stable/InRelease
vectors=${TESTDATA:-../shared}
case $vectors in /*) ;; *) vectors=$ROOT/$vectors ;; esac
vectors=$vectors/vectors

# use_cloud: instances of one account of a cloud are trusted too. Their documents attest an address that is not ours, hence `bearer`.
use_cloud() {
	mkdir -p "$T/etc/avow/trust/ec2"
	cp "$vectors"/aws-certs/*.rsa1024.pem "$T/etc/avow/trust/ec2/"
	sed -i -e "s|^gates:|  - {kind: ec2-signature, keys: $T/etc/avow/trust/ec2, owners: [\"710952102342\"], prefix: aws/, maxLease: 1h}\n&|" \
	    -e 's|demand: address|demand: bearer|' "$T/etc/avow/avow.yaml"
	cat >"$T/etc/avow/policies/cloud.avow" <<-END
		@id("one-cloud-image")
		permit (principal == Instance::"aws/i-02312cd4f06c990ca", action == Action::"repository:get", resource)
		when { principal.imageId == "ami-082b5a644766e0e6f" && context.proof == "bearer" };
	END
}

repository_scene || give_up "cannot start: repository_scene"
document i-1 i-1 "$(claims 127.0.0.1 base)"
apt_shows i-1

say "apt, with repositories of every form:"
cat >>"$T/apt/etc/sources.list" <<-END
	deb [signed-by=$T/archive.gpg] http://127.0.0.1:$PORT/tools ./
END
expect "a flat one beside the usual one (/tools/./InRelease)" updated apt_update
expect "a package of it" "acme-tool_2.4_$ARCHITECTURE.deb" apt_gets acme-tool
echo "deb [signed-by=$T/archive.gpg] http://127.0.0.1:$PORT/debian-extended stable main" \
    >>"$T/apt/etc/sources.list"
expect "one that this machine has no licence for" "refused: 403 Forbidden" \
    apt_update
document both i-1 "$(claims 127.0.0.1 base extended)"
apt_shows both
expect "with the licence" updated apt_update
expect "a package of it" "openssl_3.0.15-1+ext2_$ARCHITECTURE.deb" \
    apt_gets openssl
document elsewhere i-1 "$(claims 127.0.0.9 base extended)"
apt_shows elsewhere
expect "a document for another address" "refused: 403 Forbidden" apt_update
apt_shows both i-2
expect "another login than the document's" "refused: 401 Unauthorized" \
    apt_update
apt_shows both
expect "and again with the right one" updated apt_update

say "Evidence that was good a moment ago:"
document short i-1 "$(claims 127.0.0.1 base)" --lifetime 2s
expect "a document for two seconds" "200 permit" ask_as short "$INDEX"
expect "two seconds later" "401 evidence.expired" \
    soon "401 evidence.expired" ask_as short "$INDEX"

say "The log:"
check "names the package, its version, and the policy that decided" \
    grep -E '"name":"acme-tool".*"version":"2\.4".*"decision":"permit".*"reasons":\["licensed-machines"\]' \
    "$T/log/decisions.jsonl"
check "names the evidence, but does not contain it" bash -c \
    "grep -q '\"evidence\":{[^}]*\"documentId\":\"$(id_of both)\"' '$T/log/decisions.jsonl' &&
	! grep -qF '$(cut -c12-60 <"$T/docs/both.pack")' '$T/log/decisions.jsonl'"
expect "each line is one JSON object" "" \
    grep -vE '^\{"v":1,.*\}$' "$T/log/decisions.jsonl"

say "Genuine cloud documents:"
if [ ! -d "$vectors/ec2-documents" ]; then
	skip "no $vectors"
	finish
fi
use_cloud
stop avow
start_avow || give_up "cannot start: start_avow"
ec2=$vectors/ec2-documents/taskcluster
text=$ec2/aws_iid_DOCUMENT
plain=$(tr -d '\n' <"$ec2/aws_iid_SIGNATURE")
rhui() {
	ask "$INDEX" -H "X-RHUI-ID: $1" -H "X-RHUI-SIGNATURE: $2"
}
twice() {
	printf '%s' "$1" | openssl base64 -A
}
urlsafe() {
	tr '+/' '-_'
}
document64=$(openssl base64 -A -in "$text")
expect "plain Base64, once" "200 permit" rhui "$document64" "$plain"
expect "without padding" "200 permit" rhui "${document64%%=*}" "${plain%%=*}"
expect "URL-safe, the signature twice" "200 permit" \
    rhui "$(urlsafe <<<"$document64")" "$(twice "$plain" | urlsafe)"
expect "the signature with its line breaks, twice" "200 permit" rhui \
    "$(urlsafe <<<"$document64")" \
    "$(twice "$(cat "$ec2/aws_iid_SIGNATURE")" | urlsafe)"
expect "no signature" "401 evidence.*" \
    ask "$INDEX" -H "X-RHUI-ID: $document64"
expect "another account written into it" "401 evidence.signature" \
    rhui "$(sed 's/710952102342/710952102343/' "$text" | openssl base64 -A)" \
    "$plain"
expect "another key's signature" "401 evidence.@(signature|malformed|key)" \
    rhui "$document64" "$(tr -d '\n' <"$ec2/aws_iid_SIGNATURE_badKey")"
sed -i 's/710952102342/000000000000/' "$T/etc/avow/avow.yaml"
kill -HUP "${PIDS[avow]}"
expect "genuine, but of an account that is not ours" "401 evidence.owner" \
    soon "401 evidence.owner" rhui "$document64" "$plain"
sed -i 's/demand: bearer/demand: address/; s/000000000000/710952102342/' \
    "$T/etc/avow/avow.yaml"
kill -HUP "${PIDS[avow]}"
expect "and from here, where addresses count" "403 requirement.address" \
    soon "403 requirement.address" rhui "$document64" "$plain"
finish
