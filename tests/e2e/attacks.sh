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

mkdir -p docs run log policies trust/cloud trust/regions trust/gcp
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
done
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
CLOUDS="ec2-signature ec2-rsa2048 gcp"
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
cloud region-ec2-rsa2048 ec2-rsa2048 i-0one 123456789012 us-west-1 us-east-1
# --- each attack in each form --------------------------------------------

short() {
	sed 's/^401 evidence\.//; s/^204 permit/PERMIT/; s/ /_/'
}
# PERMIT are: what nobody changed, and ECDSA's other signature (n - s).
cat >wanted <<END
attack              detached   embedded   jws        cms        ec2-signature ec2-rsa2048 gcp
alg-mac             -          -          signature  -          -          -          signature
alg-none            -          -          signature  -          -          -          signature
as-avow             -          malformed  malformed  malformed  malformed  malformed  malformed
as-avow-cms         malformed  malformed  malformed  -          malformed  malformed  malformed
as-avow-embedded    malformed  -          malformed  malformed  malformed  malformed  malformed
as-avow-jws         malformed  malformed  -          malformed  malformed  malformed  kind
as-ec2-rsa2048      malformed  malformed  malformed  malformed  malformed  -          malformed
as-ec2-signature    signature  malformed  malformed  malformed  -          signature  malformed
as-gcp              malformed  malformed  kind       malformed  malformed  malformed  -
content             signature  signature  signature  malformed  signature  signature  signature
deep                malformed  malformed  malformed  malformed  signature  signature  signature
der-in-jws          -          -          signature  -          -          -          -
digest-sha1         -          -          -          malformed  -          signature  -
flip                signature  signature  signature  signature  signature  signature  signature
fourth-part         -          -          malformed  -          -          -          malformed
half                malformed  malformed  malformed  malformed  signature  signature  malformed
half-signed         -          -          -          -          -          malformed  -
high-s              PERMIT     PERMIT     PERMIT     PERMIT     -          -          -
inner-left-over     -          -          malformed  -          -          -          malformed
inner-line          -          malformed  malformed  -          -          -          malformed
inner-no-padding    -          malformed? -          -          -          -          -
inner-padding       -          -          malformed  -          -          -          malformed
long-length         signature  signature  -          signature  -          -          -
long-signature      signature  signature  signature  signature  signature  signature  signature
more                signature  malformed  malformed  malformed  signature  signature  malformed
more-cms            -          -          -          malformed  -          malformed  -
no-object           malformed  malformed  malformed  malformed  signature  signature  signature
no-signature        malformed  malformed  signature  signature  malformed  signature  signature
no-signer           -          -          -          malformed  -          malformed  -
none                PERMIT     PERMIT     PERMIT     PERMIT     PERMIT     PERMIT     PERMIT
not-utf8            malformed  malformed  malformed  malformed  signature  signature  signature
nul                 malformed  malformed  malformed  malformed  signature  signature  signature
other-content       -          -          -          -          -          signature  -
other-content-type  -          -          -          malformed  -          malformed  -
other-outer-type    -          -          -          malformed  -          malformed  -
other-signature     signature  signature  signature  signature  signature  signature  signature
pack-fifth-part     malformed  malformed  malformed  malformed  malformed  malformed  malformed
pack-half           malformed  malformed  malformed  malformed  malformed  malformed  malformed
pack-large          too_large  too_large  too_large  too_large  too_large  too_large  too_large
pack-left-over      malformed? malformed? malformed? malformed? malformed? malformed? malformed?
pack-no-part        malformed  malformed  malformed  malformed  malformed  malformed  malformed
pack-other-magic    malformed  malformed  malformed  malformed  malformed  malformed  malformed
pack-padding        malformed  malformed  malformed  malformed  malformed  malformed  malformed
pack-space          malformed  malformed  malformed  malformed  malformed  malformed  malformed
pack-standard       malformed? malformed? malformed? malformed? malformed? malformed? malformed?
r-negative          signature  signature  -          signature  -          -          -
r-padded            signature  signature  -          signature  -          -          -
raw-in-der          signature  signature  -          signature  -          -          -
short-signature     signature  signature  signature  signature  signature  signature  signature
spaced              signature  malformed  signature  malformed  signature  signature  signature
twice               malformed  malformed  malformed  malformed  signature  signature  signature
two-signers         -          -          -          malformed  -          malformed  -
unsigned-attribute  -          -          -          malformed  -          malformed  -
zero-r-s            signature  signature  signature  signature  -          -          -
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
expect "ec2-rsa2048, a region by another's key" "401 evidence.owner" genuine region-ec2-rsa2048

say "Another instance's, where its address is asked for:"
sed -i 's/, demand: bearer//' gate.yaml
for form in $FORMS; do
	sed -n 's/.*"id":"\([0-9a-f]\{32\}\)".*/document \1/p' docs/good-"$form".says
done >revoked
expect "four are to be revoked" 4 eval 'wc -l <revoked'
kill -HUP "${PIDS[gate]}"
until_true 10 grep -q 'event=reload ok=true' gate.log || give_up "the gate does not reload"
for form in $FORMS; do
	expect "$form, from another address" "403 requirement.address" asks "$(cat docs/other-"$form".pack)" 127.0.0.9
	expect "$form, revoked" "401 evidence.revoked" genuine good-"$form"
	expect "$form, revoked, by the other signature" "401 evidence.revoked" asks "$(sed -n 's/^high-s //p' "forged.$form")"
done
for kind in ec2-signature ec2-rsa2048; do
	expect "$kind, from another address" "403 requirement.address" asks "$(cat docs/other-"$kind".pack)" 127.0.0.9
done
expect "gcp, which names no address" "403 requirement.address" genuine other-gcp
finish
