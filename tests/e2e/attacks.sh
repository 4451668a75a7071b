#!/usr/bin/env bash
# attacks.sh - each way to forge, cut, rewrite or swap evidence (tests/lib/forge.pl) in each form that it applies to, shown at a gate over HTTP: refused, and by the code
# of the table. A column that is `-` is a form that the attack does not apply to; ECDSA's second signature is the one that stands (documents.md), and revocation holds for it, too.
# `malformed?` applies where the random bytes of a signature let it. Codes are `evidence.*` with 401; `PERMIT` is 204.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/tests/lib/documents.sh"
need_avow
cd "$T" || exit 1
forge() {
	perl "$ROOT/tests/lib/forge.pl" "$@"
}

# --- who signs -----------------------------------------------------------

mkdir -p docs run log policies trust/cloud trust/regions trust/dsa trust/gcp trust/azure
issuer acme
issuer other
echo 'permit (principal, action, resource);' >policies/all.avow
for name in cloud gcp; do
	openssl genrsa -out $name.key 2048 2>>openssl.log
	openssl rsa -in $name.key -pubout -out trust/$name/$name.pem 2>>openssl.log
done
for region in us-east-1 us-west-1; do
	openssl req -x509 -newkey rsa:2048 -nodes -keyout $region.key -out $region.pem \
	    -days 3 -subj "/CN=$region" 2>>openssl.log
	cp $region.pem trust/regions/$region.rsa2048.pem
	openssl dsaparam -genkey -out $region.dsa.key 1024 2>>openssl.log
	openssl req -x509 -new -key $region.dsa.key -sha1 -out $region.dsa.pem -days 3 -subj "/CN=$region" 2>>openssl.log
	cp $region.dsa.pem trust/dsa/$region.dsa.pem
done
# authority NAME, leaf NAME AUTHORITY HOST: who certifies Azure's signers, and one of them.
authority() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.ca.key" -out "$1.ca.pem" -days 3 -subj "/CN=$1" 2>>openssl.log
}
leaf() {
	openssl req -new -newkey rsa:2048 -nodes -keyout "$1.leaf.key" -out "$1.leaf.csr" -subj "/CN=$3" 2>>openssl.log &&
		openssl x509 -req -in "$1.leaf.csr" -CA "$2.ca.pem" -CAkey "$2.ca.key" -CAcreateserial -days 2 -out "$1.leaf.pem" \
		    -extfile <(printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE' "$3") 2>>openssl.log
}
authority azure && authority stranger && leaf azure azure eastus.metadata.azure.com && leaf stranger stranger eastus.metadata.azure.com &&
	leaf host azure metadata.azure.com.evil.example || give_up "no authority for Azure's signers"
cp azure.ca.pem trust/azure/
{
	cat <<-END
		listen: unix:$T/run/gate.sock
		policies: [$T/policies]
		decisionLog: $T/log/gate.jsonl
		revoked: $T/revoked
		gates:
		  - {kind: repository, name: updates, repositories: {main: /debian/}, demand: bearer, url: "http://gate"}
		trust:
		  - {kind: avow, keys: $T/etc/avow/trust/acme, issuer: acme, forms: [detached, embedded, jws, cms]}
		  - {kind: ec2-signature, keys: $T/trust/cloud/cloud.pem, owners: ["123456789012"], prefix: aws/, maxLease: 1h}
		  - {kind: ec2-rsa2048, keys: $T/trust/regions, owners: ["123456789012"], prefix: ec2/, maxLease: 1h}
		  - {kind: ec2-pkcs7, keys: $T/trust/dsa, owners: ["123456789012"], prefix: dsa/, maxLease: 1h, weak: true}
		  - {kind: azure, keys: $T/trust/azure, owners: ["123456789012"], prefix: azure/}
		  - {kind: gcp, keys: $T/trust/gcp, owners: [p], prefix: gcp/}
	END
} >gate.yaml
: >revoked
start gate "$AVOW" serve --config "$T/gate.yaml"
until_true 10 test -S run/gate.sock || give_up "the gate does not start"

# asks PACK [FROM]: status and reason.
asks() {
	printf 'header = "X-Avow-Pack: %s"\n' "$1" >pack.header
	curl -s --max-time 10 --unix-socket run/gate.sock -o body \
	    -w '%{http_code} %header{x-avow-reason}\n' -K pack.header \
	    -H 'X-Original-URI: /debian/dists/stable/InRelease' -H 'X-Original-Method: GET' \
	    -H "X-Forwarded-For: ${2-127.0.0.1}" http://gate/gate/auth
}

# --- what they sign ------------------------------------------------------

FORMS="detached embedded jws cms"
CLOUDS="ec2-signature ec2-rsa2048 ec2-pkcs7 azure gcp"
echo '{"region":"north","privateIp":"127.0.0.1"}' >claims.json
# own NAME FORM SUBJECT OPTION...: docs/NAME.pack
own() {
	local form=$2 file=docs/$1 kind=avow-$2 subject=$3 audience=updates
	local key=acme
	[[ $1 != audience-* ]] || audience=elsewhere
	[[ $1 != foreign-* ]] || key=other
	shift 3
	"$AVOW" doc issue --key keys/$key.key.pem --issuer acme --form "$form" --subject "$subject" \
	    --audience $audience --claims claims.json --lifetime 1h -o "$file" "$@" 2>>openssl.log || return
	if [ "$form" = detached ]; then
		"$AVOW" doc pack --document "$file.json" --signature "$file.sig" >"$file.pack"
	else
		"$AVOW" doc pack --kind "$kind" --document "$file".[jp]* >"$file.pack"
	fi
}
b64url() {
	openssl base64 -A | tr '+/' '-_' | tr -d '='
}
# azure_says NAME ID OWNER FROM UNTIL: Azure's content; `skuId` is one of those that say nothing here.
azure_says() {
	printf '{%s"nonce":"1","skuId":"us-east-1","subscriptionId":"%s","timeStamp":{"createdOn":"%s","expiresOn":"%s"},"vmId":"%s"}' \
	    "${EXTRA-}" "$3" "$4" "$5" "$2" >"docs/$1.json"
}
azure_time() {
	date -u -d "$1" '+%m/%d/%y %H:%M:%S -0000'
}
# cloud NAME KIND ID OWNER REGION
cloud() {
	local name=$1 kind=$2 now
	now=$(date +%s)
	printf '{\n  %s"accountId" : "%s",\n  "imageId" : "ami-1",\n  "instanceId" : "%s",\n  "privateIp" : "127.0.0.1",\n  "region" : "%s"\n}' \
	    "${EXTRA-}" "$4" "$3" "${6-$5}" >"docs/$name.json"
	case $kind in
	ec2-signature)
		openssl dgst -sha256 -sign cloud.key "docs/$name.json" | openssl base64 >"docs/$name.sig" ;;
	ec2-rsa2048)
		openssl smime -sign -binary -nodetach -nocerts -outform DER -in "docs/$name.json" -signer "$5.pem" -inkey "$5.key" |
			openssl base64 >"docs/$name.sig" ;;
	ec2-pkcs7)
		openssl smime -sign -md sha1 -binary -nodetach -nocerts -outform DER -in "docs/$name.json" -signer "$5.dsa.pem" -inkey "$5.dsa.key" |
			openssl base64 >"docs/$name.sig" ;;
	azure)
		azure_says "$name" "$3" "$4" "$(azure_time "${FROM-now}")" "$(azure_time "${UNTIL-6 hours}")"
		openssl cms -sign -md sha256 -binary -nodetach -nosmimecap -outform DER -in "docs/$name.json" \
		    -signer "${SIGNER-azure}.leaf.pem" -inkey "${SIGNER-azure}.leaf.key" |
			openssl base64 >"docs/$name.sig" ;;
	gcp)
		{
			printf '{"alg":"RS256","kid":"k","typ":"JWT"}' | b64url
			printf .
			printf '{"iss":"https://accounts.google.com","aud":"updates","iat":%d,"exp":%d,"google":{"compute_engine":{"instance_id":"%s","project_id":"%s","zone":"us-east-1"}},%s"x":1}' \
			    "$now" $((now + 600)) "$3" "${4/#123456789012/p}" "${EXTRA-}" | b64url
		} >input
		{
			cat input
			printf .
			openssl dgst -sha256 -sign gcp.key input | b64url
		} >"docs/$name.json" ;;
	esac
	if [ "$kind" = gcp ]; then
		"$AVOW" doc pack --kind gcp --document "docs/$name.json" >"docs/$name.pack"
	else
		"$AVOW" doc pack --kind "$kind" --document "docs/$name.json" --signature "docs/$name.sig" >"docs/$name.pack"
	fi
}
hour_ago=$(date -u -d '2 hours ago' +%Y-%m-%dT%H:%M:%SZ)
soon=$(date -u -d '10 minutes' +%Y-%m-%dT%H:%M:%SZ)
for form in $FORMS; do
	own good-"$form" "$form" i-1
	own other-"$form" "$form" i-2
	own late-"$form" "$form" i-1 --at "$hour_ago"
	own early-"$form" "$form" i-1 --not-before "$soon"
	own audience-"$form" "$form" i-1
	own foreign-"$form" "$form" i-1
	forge "$(cat docs/good-"$form".pack)" >docs/good-"$form".says
	expect "$form as it was made" "204 permit" asks "$(cat docs/good-"$form".pack)"
done
for kind in $CLOUDS; do
	cloud good-"$kind" "$kind" i-0one 123456789012 us-east-1
	cloud other-"$kind" "$kind" i-0two 123456789012 us-east-1
	cloud customer-"$kind" "$kind" i-0one 210987654321 us-east-1
	EXTRA='"y":1,"y":1,' cloud twice-"$kind" "$kind" i-0one 123456789012 us-east-1
	EXTRA='"y":[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]],' cloud deep-"$kind" "$kind" i-0one 123456789012 us-east-1
	expect "$kind as it was made" "204 permit" asks "$(cat docs/good-"$kind".pack)"
done
for kind in ec2-rsa2048 ec2-pkcs7; do
	cloud region-$kind $kind i-0one 123456789012 us-west-1 us-east-1
done
SIGNER=stranger cloud authority-azure azure i-0one 123456789012 us-east-1
SIGNER=host cloud host-azure azure i-0one 123456789012 us-east-1
UNTIL=now cloud late-azure azure i-0one 123456789012 us-east-1
FROM='10 minutes' cloud early-azure azure i-0one 123456789012 us-east-1
FROM='3 days ago' cloud before-azure azure i-0one 123456789012 us-east-1
# --- each attack in each form --------------------------------------------

short() {
	sed 's/^401 evidence\.//; s/^204 permit/PERMIT/; s/ /_/'
}
# PERMIT are: what nobody changed, ECDSA's other signature (n - s), and of a cloud's PKCS #7 what is outside of what it signs and says nothing here (another encoding, and names of the
# signer where a key is pinned): the same document by its id, so that it is revoked below in each of its texts.
cat >wanted <<END
attack              detached   embedded   jws        cms        ec2-signature ec2-rsa2048 ec2-pkcs7  azure      gcp
alg-mac             -          -          signature  -          -             -           -          -          signature
alg-none            -          -          signature  -          -             -           -          -          signature
as-avow             -          malformed  malformed  malformed  malformed     malformed   malformed  malformed  malformed
as-avow-cms         malformed  malformed  malformed  -          malformed     malformed   malformed  malformed  malformed
as-avow-embedded    malformed  -          malformed  malformed  malformed     malformed   malformed  malformed  malformed
as-avow-jws         malformed  malformed  -          malformed  malformed     malformed   malformed  malformed  kind
as-azure            malformed  malformed  malformed  malformed  malformed     key         signature  -          malformed
as-ec2-pkcs7        malformed  malformed  malformed  malformed  malformed     signature   -          signature  malformed
as-ec2-rsa2048      malformed  malformed  malformed  malformed  malformed     -           signature  signature  malformed
as-ec2-signature    signature  malformed  malformed  malformed  -             signature   signature  signature  malformed
as-gcp              malformed  malformed  kind       malformed  malformed     malformed   malformed  malformed  -
ber                 -          -          -          malformed  -             PERMIT      PERMIT     PERMIT     -
ber-long            -          -          -          malformed  -             PERMIT      PERMIT     PERMIT     -
certificate-twice   -          -          -          -          -             -           -          PERMIT     -
content             signature  signature  signature  malformed  signature     signature   signature  signature  signature
deep                malformed  malformed  malformed  malformed  signature     signature   signature  signature  signature
der-in-jws          -          -          signature  -          -             -           -          -          -
digest-sha1         -          -          -          malformed  -             signature   -          signature  -
flip                signature  signature  signature  signature  signature     signature   signature  signature  signature
fourth-part         -          -          malformed  -          -             -           -          -          malformed
half                malformed  malformed  malformed  malformed  signature     signature   signature  signature  malformed
half-signed         -          -          -          -          -             malformed   malformed  malformed  -
high-s              PERMIT     PERMIT     PERMIT     PERMIT     -             -           -          -          -
inner-left-over     -          -          malformed  -          -             -           -          -          malformed
inner-line          -          malformed  malformed  -          -             -           -          -          malformed
inner-no-padding    -          malformed? -          -          -             -           -          -          -
inner-padding       -          -          malformed  -          -             -           -          -          malformed
long-length         signature  signature  -          signature  -             -           signature  -          -
long-signature      signature  signature  signature  signature  signature     signature   signature  signature  signature
more                signature  malformed  malformed  malformed  signature     signature   signature  signature  malformed
more-cms            -          -          -          malformed  -             malformed   malformed  malformed  -
no-object           malformed  malformed  malformed  malformed  signature     signature   signature  signature  signature
no-signature        malformed  malformed  signature  signature  malformed     signature   signature  signature  signature
no-signer           -          -          -          malformed  -             malformed   malformed  malformed  -
none                PERMIT     PERMIT     PERMIT     PERMIT     PERMIT        PERMIT      PERMIT     PERMIT     PERMIT
not-utf8            malformed  malformed  malformed  malformed  signature     signature   signature  signature  signature
nul                 malformed  malformed  malformed  malformed  signature     signature   signature  signature  signature
other-content       -          -          -          -          -             signature   signature  signature  -
other-content-type  -          -          -          malformed  -             malformed   malformed  malformed  -
other-outer-type    -          -          -          malformed  -             malformed   malformed  malformed  -
other-serial        -          -          -          malformed  -             PERMIT      PERMIT     key        -
other-signature     signature  signature  signature  signature  signature     signature   signature  signature  signature
pack-fifth-part     malformed  malformed  malformed  malformed  malformed     malformed   malformed  malformed  malformed
pack-half           malformed  malformed  malformed  malformed  malformed     malformed   malformed  malformed  malformed
pack-large          too_large  too_large  too_large  too_large  too_large     too_large   too_large  too_large  too_large
pack-left-over      malformed? malformed? malformed? malformed? malformed?    malformed?  malformed? malformed? malformed?
pack-no-part        malformed  malformed  malformed  malformed  malformed     malformed   malformed  malformed  malformed
pack-other-magic    malformed  malformed  malformed  malformed  malformed     malformed   malformed  malformed  malformed
pack-padding        malformed  malformed  malformed  malformed  malformed     malformed   malformed  malformed  malformed
pack-space          malformed  malformed  malformed  malformed  malformed     malformed   malformed  malformed  malformed
pack-standard       malformed? malformed? malformed? malformed? malformed?    malformed?  malformed? malformed? malformed?
r-negative          signature  signature  -          signature  -             -           signature  -          -
r-padded            signature  signature  -          signature  -             -           signature  -          -
raw-in-der          signature  signature  -          signature  -             -           signature  -          -
short-signature     signature  signature  signature  signature  signature     signature   signature  signature  signature
spaced              signature  malformed  signature  malformed  signature     signature   signature  signature  signature
twice               malformed  malformed  malformed  malformed  signature     signature   signature  signature  signature
two-signers         -          -          -          malformed  -             malformed   malformed  malformed  -
unsigned-attribute  -          -          -          malformed  -             malformed   malformed  malformed  -
unsigned-none       -          -          -          malformed  -             malformed   malformed  malformed  -
zero-r-s            signature  signature  signature  signature  -             -           signature  -          -
END
for form in $FORMS $CLOUDS; do
	forge "$(cat docs/good-"$form".pack)" "$(cat docs/other-"$form".pack)" >"forged.$form" || give_up "nothing to attack $form with"
	while read -r attack made; do
		if [ "$made" = - ]; then echo "$attack -"; else echo "$attack $(asks "$made" | short)"; fi
	done <"forged.$form" >"answers.$form"
done
expect "the table has every attack" "" diff <(sed 1d wanted | cut -d' ' -f1) <(cut -d' ' -f1 forged.gcp)
column=1
for form in $FORMS $CLOUDS; do
	column=$((column + 1))
	while read -r attack want got; do
		if [ "$got" = "$want" ] || [[ $want == *'?' && ($got = - || $got = "${want%?}") ]]; then
			ok "$form, $attack: $got"
		else
			not_ok "$form, $attack: wanted $want, got $got"
		fi
	done < <(sed 1d wanted | awk "{ print \$1, \$$column }" | paste -d' ' - <(cut -d' ' -f2 "answers.$form"))
done

# --- genuine, and not for here -------------------------------------------

genuine() {
	asks "$(cat "docs/$1.pack")"
}
for form in $FORMS; do
	expect "$form, stale" "401 evidence.expired" genuine late-"$form"
	expect "$form, before its time" "401 evidence.not_yet_valid" genuine early-"$form"
	expect "$form, for another gate" "401 evidence.audience" genuine audience-"$form"
	expect "$form, of an issuer that is not trusted" "401 evidence.key" genuine foreign-"$form"
done
for kind in $CLOUDS; do
	expect "$kind, another customer's" "401 evidence.owner" genuine customer-"$kind"
	expect "$kind, signed with a name twice" "401 evidence.malformed" genuine twice-"$kind"
	expect "$kind, signed and deep" "401 evidence.malformed" genuine deep-"$kind"
done
for kind in ec2-rsa2048 ec2-pkcs7; do
	expect "$kind, a region by another's key" "401 evidence.owner" genuine region-$kind
done
expect "azure, by another authority" "401 evidence.key" genuine authority-azure
expect "azure, by a certificate for another name" "401 evidence.key" genuine host-azure
expect "azure, stale" "401 evidence.expired" genuine late-azure
expect "azure, before its time" "401 evidence.not_yet_valid" genuine early-azure
expect "azure, of before its signer's certificate" "401 evidence.key" genuine before-azure

say "Another instance's, where its address is asked for:"
sed -i 's/, demand: bearer//' gate.yaml
for form in $FORMS; do
	sed -n 's/.*"id":"\([0-9a-f]\{32\}\)".*/document \1/p' docs/good-"$form".says
done >revoked
for kind in ec2-signature ec2-rsa2048 ec2-pkcs7 azure gcp; do
	sha256sum "docs/good-$kind.json" | sed 's/^\(.\{32\}\).*/document \1/'
done >>revoked
expect "nine are to be revoked" 9 eval 'wc -l <revoked'
kill -HUP "${PIDS[gate]}"
until_true 10 grep -q 'event=reload ok=true' gate.log || give_up "the gate does not reload"
for form in $FORMS; do
	expect "$form, from another address" "403 requirement.address" asks "$(cat docs/other-"$form".pack)" 127.0.0.9
	expect "$form, revoked" "401 evidence.revoked" genuine good-"$form"
	expect "$form, revoked, by the other signature" "401 evidence.revoked" asks "$(sed -n 's/^high-s //p' "forged.$form")"
done
for kind in $CLOUDS; do
	expect "$kind, revoked" "401 evidence.revoked" genuine good-"$kind"
	while read -r attack made; do
		expect "$kind, revoked, $attack" "401 evidence.revoked" asks "$made"
	done < <(grep -f <(awk '$2 == "PERMIT" { print "^" $1 " " }' "answers.$kind") "forged.$kind" | grep -v ' -$')
done
for kind in ec2-signature ec2-rsa2048 ec2-pkcs7; do
	expect "$kind, from another address" "403 requirement.address" asks "$(cat docs/other-"$kind".pack)" 127.0.0.9
done
for kind in azure gcp; do
	expect "$kind, which names no address" "403 requirement.address" genuine other-$kind
done
finish
