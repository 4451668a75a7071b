#!/usr/bin/env bash
# documents.sh - keys and identity documents from the command line: answers, exit codes, and the golden shapes of document, signature, pack and verdict
# (tests/contracts). UPDATE=1 writes the golden files anew.
. "$(dirname "$0")/../lib/e2e.sh"
need_avow
GOLDEN=$ROOT/tests/contracts
NOON=2026-03-01T12:00:00Z

# golden NAME FILE: the file is the golden one, byte for byte.
golden() {
	[ "${UPDATE-}" != 1 ] || cp "$2" "$GOLDEN/$1"
	check "$1 is the golden one" cmp "$GOLDEN/$1" "$2"
}

ISSUER=acme
verify() {
	"$AVOW" doc verify --trust "$T/trust" --kind avow --issuer "$ISSUER" \
	    --document "$T/i-1.json" --signature "$T/i-1.sig" "$@"
}

# code_of COMMAND...: the code of a refusal.
code_of() {
	"$@" | sed -n 's/.*"code":"\([^"]*\)".*/\1/p'
}

# A key that is always the same, so that Ed25519's signature is: RFC 8032, 7.1, test 1.
secret=9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60
mkdir -p "$T/trust"
(
	umask 077
	{
		echo "-----BEGIN PRIVATE KEY-----"
		printf '302e020100300506032b657004220420%s' "$secret" |
			sed 's/../\\x&/g' | xargs -0 printf '%b' | openssl base64 -A
		printf '\n%s\n' "-----END PRIVATE KEY-----"
	} >"$T/issuer.key.pem"
)
check "public half" sh -c '"$1" key public "$2" >"$3"' - \
    "$AVOW" "$T/issuer.key.pem" "$T/trust/issuer.pub.pem"
cat >"$T/claims.json" <<'END'
{"imageId":"img-12","owner":"acme","privateIp":"10.0.0.5","region":"north",
"os":{"name":"debian","version":"12.8"},"licences":["base"],
"applications":{"nginx":"1.22.1"},"custom":{"team":"blue"}}
END
check "issue" "$AVOW" doc issue --key "$T/issuer.key.pem" --issuer acme \
    --subject i-1 --audience updates --audience web --expires-in 12h \
    --claims "$T/claims.json" --at $NOON \
    --id 00112233445566778899aabbccddeeff -o "$T/i-1"
golden document.json "$T/i-1.json"
golden document.sig "$T/i-1.sig"
verify --at $NOON --audience updates --owner acme >"$T/verdict.json"
golden verdict-valid.json "$T/verdict.json"
verify --at 2026-03-02T00:00:00Z >"$T/verdict.json"
golden verdict-refused.json "$T/verdict.json"
"$AVOW" doc pack --document "$T/i-1.json" --signature "$T/i-1.sig" \
    >"$T/i-1.pack"
golden document.pack "$T/i-1.pack"

# --- exit codes
expect_exit "valid" 0 verify --at $NOON
expect_exit "expired" 2 verify --at 2026-03-02T00:00:00Z
expect_exit "another audience" 2 verify --at $NOON --audience db
expect_exit "no such file" 1 verify --at $NOON --revoked "$T/nothing"
expect_exit "no trust" 1 "$AVOW" doc verify --trust "$T/nothing" --kind avow \
    --issuer acme --document "$T/i-1.json" --signature "$T/i-1.sig"
expect_exit "no issuer" 1 "$AVOW" doc verify --trust "$T/trust" --kind avow \
    --document "$T/i-1.json" --signature "$T/i-1.sig"
expect_exit "missing option" 1 "$AVOW" doc verify --trust "$T/trust"
expect_exit "kind that is none" 1 "$AVOW" doc verify --trust "$T/trust" \
    --kind x --document "$T/i-1.json" --signature "$T/i-1.sig"

# --- reasons
expect "not before its time" evidence.not_yet_valid code_of verify --at 2026-03-01T11:58:59Z
expect "within the skew" "" code_of verify --at 2026-03-01T11:59:00Z
expect "audience" evidence.audience code_of verify --at $NOON --audience db
expect "owner" evidence.owner code_of verify --at $NOON --owner other
echo "instance i-1" >"$T/revoked"
expect "revoked" evidence.revoked code_of verify --at $NOON --revoked "$T/revoked"
ISSUER=acne expect "issuer" evidence.issuer code_of verify --at $NOON
sed -i 's/i-1/i-2/' "$T/i-1.json"
expect "altered" evidence.signature code_of verify --at $NOON

# --- keys
expect_exit "a new key" 0 "$AVOW" key new --type p256 -o "$T/p256.key.pem"
expect "only we read it" 600 stat -c %a "$T/p256.key.pem"
expect_exit "its name is taken" 1 "$AVOW" key new -o "$T/p256.key.pem"
expect_exit "no such type" 1 "$AVOW" key new --type dsa -o "$T/x.pem"
expect_exit "the type is what counts" 0 "$AVOW" key public "$T/p256.key.pem" -o "$T/p256.pem"
chmod 640 "$T/p256.key.pem"
expect_exit "others may read it" 1 "$AVOW" doc issue --key "$T/p256.key.pem" \
    --issuer acme --subject i-1 -o "$T/i-3"
cp "$T/issuer.key.pem" "$T/trust/oops.pem"
expect_exit "a private key among the trusted" 1 verify --at $NOON
rm "$T/trust/oops.pem"

# --- packs
for i in $(seq 1 9); do
	printf '"n%s":"%0600d",' "$i" 0
done | sed 's/^/{"custom":{/; s/,$/}}/' >"$T/large.json"
check "a large document" "$AVOW" doc issue --key "$T/issuer.key.pem" \
    --issuer acme --subject i-1 --claims "$T/large.json" -o "$T/large"
expect_exit "is too large for a pack" 2 "$AVOW" doc pack \
    --document "$T/large.json" --signature "$T/large.sig"

# --- genuine cloud documents, when they are there
DATA=${TESTDATA:-$ROOT/../shared}/vectors
if [ -d "$DATA/ec2-documents" ]; then
	E=$DATA/ec2-documents
	ec2() {
		"$AVOW" doc verify --trust "$DATA/aws-certs" --kind "$1" \
		    --document "$E/$2" --signature "$E/$3" "${@:4}"
	}
	rsa=teleport-ec2-rsa2048/instance1
	expect_exit "rsa2048" 0 ec2 ec2-rsa2048 $rsa.document.json $rsa.rsa2048.b64
	expect "no owner was named" '*"pinned":false*' ec2 ec2-rsa2048 $rsa.document.json $rsa.p7.der
	expect "the owner was" '*"pinned":true*' ec2 ec2-rsa2048 $rsa.document.json $rsa.p7.der --owner 278576220453
	expect_exit "another account" 2 ec2 ec2-rsa2048 $rsa.document.json $rsa.p7.der --owner 1
	expect_exit "signature" 0 ec2 ec2-signature taskcluster/aws_iid_DOCUMENT taskcluster/aws_iid_SIGNATURE
	expect "altered document" evidence.signature code_of ec2 ec2-signature taskcluster/aws_iid_DOCUMENT_bad taskcluster/aws_iid_SIGNATURE
	expect "altered signature" evidence.signature code_of ec2 ec2-signature taskcluster/aws_iid_DOCUMENT taskcluster/aws_iid_SIGNATURE_badSignature
	expect "another key" evidence.signature code_of ec2 ec2-signature taskcluster/aws_iid_DOCUMENT taskcluster/aws_iid_SIGNATURE_badKey
	expect "DSA with SHA-1" evidence.signature code_of ec2 ec2-rsa2048 smallstep-pkcs7/document.json smallstep-pkcs7/us-east-1.pkcs7-dsa.p7.pem
	expect_exit "DSA is weak" 1 ec2 ec2-pkcs7 smallstep-pkcs7/document.json smallstep-pkcs7/us-east-1.pkcs7-dsa.p7.pem
	expect_exit "DSA where it may be" 0 ec2 ec2-pkcs7 smallstep-pkcs7/document.json smallstep-pkcs7/us-east-1.pkcs7-dsa.p7.pem --weak
	azure() { # SIGNATURE: the document is inside
		"$AVOW" doc verify --trust "$E/taskcluster/azure-ca" --kind azure \
		    --signature "$E/taskcluster/$1" --at 2026-07-28T15:00:00Z "${@:2}"
	}
	expect_exit "Azure" 0 azure azure_good.0.p7.der --nonce 20260728-192400
	expect "Azure, another's nonce" evidence.replayed code_of azure azure_good.0.p7.der --nonce 1
	expect "Azure, too late" evidence.expired code_of azure azure_good.0.p7.der --at 2026-07-29T00:00:00Z
	expect "Azure, altered" evidence.signature code_of azure azure_signature_bad.p7.der
	expect "Azure, another's authority" evidence.key code_of azure azure_wrong_subject.pkcs7
else
	skip "no $DATA/ec2-documents"
fi
finish
