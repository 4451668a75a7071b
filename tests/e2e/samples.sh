#!/usr/bin/env bash
# samples.sh - every genuine sample of the clouds in $TESTDATA, and what people made of them: each file stands in a row, and no file is without one.
. "$(dirname "$0")/../lib/e2e.sh"
need_avow
# From here on another folder is the current one.
DATA=$(cd "${TESTDATA:-$ROOT/../shared}" 2>/dev/null && pwd)/vectors
if [ ! -d "$DATA/ec2-documents" ]; then
	skip "no $DATA/ec2-documents"
	finish
fi
cd "$DATA/ec2-documents" || exit 1
A=$DATA/aws-certs
T1=taskcluster T2=teleport-ec2-rsa2048 S=smallstep-pkcs7
SIGNED=2026-07-28T13:24:00Z ENDS=2026-07-28T19:24:00Z
: >"$T/used"

# row WANTED KIND TRUST SIGNATURE [DOCUMENT OPTION...]: `valid` or the code of the refusal; documents are of the moment they were made, where they say one.
row() {
	local wanted=$1 kind=$2 trust=$3 signature=$4 document=${5-}
	shift $(($# < 5 ? 4 : 5))
	printf '%s\n' "$trust" "$signature" $document >>"$T/used"
	expect "$kind, ${signature##*/} of ${document##*/} by ${trust##*/} $*" "$wanted" verdict --kind "$kind" \
	    --trust "$trust" --signature "$signature" ${document:+--document "$document"} "$@"
}
verdict() {
	"$AVOW" doc verify "$@" | sed -n 's/^{"verdict":"\(valid\)".*/\1/p; s/^{"verdict":"refused","code":"evidence\.\([a-z_]*\)".*/\1/p'
}

for key in "$A" $T1/aws-RSA-key-forSignature.pem $T1/aws1024.pub $T1/default.rsa1024.pem; do
	row valid ec2-signature "$key" $T1/aws_iid_SIGNATURE $T1/aws_iid_DOCUMENT
done
row valid ec2-signature "$A" $T1/aws_iid_SIGNATURE.bin $T1/aws_iid_DOCUMENT
for bad in badKey badSignature badKey.bin badSignature.bin; do
	row signature ec2-signature "$A" $T1/aws_iid_SIGNATURE_$bad $T1/aws_iid_DOCUMENT
done
row signature ec2-signature "$A" $T1/aws_iid_SIGNATURE $T1/aws_iid_DOCUMENT_bad
row signature ec2-signature $T2/us-west-2.rsa2048.pem $T1/aws_iid_SIGNATURE $T1/aws_iid_DOCUMENT

for n in 1 2; do
	region=us-west-$((3 - n)) other=us-west-$n
	for signature in rsa2048.b64 p7.der; do
		row valid ec2-rsa2048 "$A" $T2/instance$n.$signature $T2/instance$n.document.json
		row valid ec2-rsa2048 $T2/$region.rsa2048.pem $T2/instance$n.$signature $T2/instance$n.document.json
		row signature ec2-rsa2048 $T2/$other.rsa2048.pem $T2/instance$n.$signature $T2/instance$n.document.json
		row signature ec2-rsa2048 "$A" $T2/instance$n.$signature $T2/instance$((3 - n)).document.json
	done
done

for signature in p7.der us-east-1.pkcs7-dsa.p7.pem; do
	for key in "$A" $S/aws-us-east-1-2012.dsa.pem; do
		row valid ec2-pkcs7 "$key" $S/$signature $S/document.json --weak
		row "" ec2-pkcs7 "$key" $S/$signature $S/document.json
		row signature ec2-pkcs7 "$key" $S/$signature $T2/instance1.document.json --weak
	done
	row signature ec2-rsa2048 "$A" $S/$signature $S/document.json
done

CA=$T1/azure-ca G2=$T1/azure-ca/microsoft_tls_g2_rsa_ca_ocsp_02.pem
for ca in $CA $G2 $T1/chain.pem; do
	row valid azure "$ca" $T1/azure_good.0.p7.der "" --at $SIGNED --nonce 20260728-192400
done
for other in $CA/*; do
	[ "$other" = $G2 ] || row key azure "$other" $T1/azure_good.0.p7.der "" --at $SIGNED
done
row valid azure $T1/leaf.pem $T1/azure_good.0.p7.der "" --at $SIGNED
sed -n 's/.*"document": "\([^"]*\)".*/\1/p' $T1/azure_signature_good.json >"$T/good.b64"
echo $T1/azure_signature_good.json >>"$T/used"
expect "it is the same as in the answer" "" cmp <(openssl base64 -d -A -in "$T/good.b64") $T1/azure_good.0.p7.der
row valid azure $CA "$T/good.b64" "" --at $SIGNED
expect "and says what was written out" "" cmp $T1/azure_good.content.json <(openssl cms -verify -noverify -inform DER -in $T1/azure_good.0.p7.der -binary 2>/dev/null)
echo $T1/azure_good.content.json >>"$T/used"
row expired azure $CA $T1/azure_good.0.p7.der "" --at $ENDS
row not_yet_valid azure $CA $T1/azure_good.0.p7.der "" --at 2026-07-28T13:22:59Z
row replayed azure $CA $T1/azure_good.0.p7.der "" --at $SIGNED --nonce 20260728-192401
for file in azure_signature_bad azure_signature_bad.p7.der; do
	row signature azure $CA $T1/$file "" --at $SIGNED
done
for file in azure_message_bad azure_message_bad.p7.der; do
	row malformed azure $CA $T1/$file "" --at $SIGNED
done
row key azure $CA $T1/azure_wrong_subject.pkcs7 "" --at $SIGNED
row signature azure $CA $S/p7.der "" --at $SIGNED

# Each certificate of AWS by itself. Regions share keys; one that is named for a region vouches for documents of that region alone.
for kind in rsa1024:ec2-signature:$T1/aws_iid_SIGNATURE:$T1/aws_iid_DOCUMENT rsa2048:ec2-rsa2048:$T2/instance1.p7.der:$T2/instance1.document.json \
    dsa:ec2-pkcs7:$S/p7.der:$S/document.json; do
	IFS=: read -r type kind signature document <<<"$kind"
	for cert in "$A"/*."$type".pem; do
		verdict --kind "$kind" --trust "$cert" --signature "$signature" --document "$document" $([ "$type" != dsa ] || echo --weak) 2>>"$T/not-dsa"
		echo "$cert" >>"$T/used"
	done | sort | uniq -c | sed 's/^ *//' | paste -sd' ' >"$T/$type"
done
expect "RSA-1024, shared by many regions" "22 signature 18 valid" cat "$T/rsa1024"
expect "RSA-2048, each region its own" "38 signature 1 valid" cat "$T/rsa2048"
expect "DSA, shared by many" "18 owner 15 signature 2 valid" cat "$T/dsa"
expect "China's are not DSA, whatever their files are called" 2 grep -c 'not DSA' "$T/not-dsa"

find . "$A" -type f ! -name 'README.md' | sed 's|^\./||' | sort >"$T/all"
expect "a file that no row uses" "" comm -23 "$T/all" <(sort -u "$T/used")
finish
