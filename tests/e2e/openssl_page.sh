#!/usr/bin/env bash
# openssl_page.sh - the commands of docs/documents.md, as they stand there, against documents that this program makes: every form and algorithm verifies, and with one
# letter changed or under another key none does.
. "$(dirname "$0")/../lib/e2e.sh"
need_avow
PAGE=$ROOT/docs/documents.md

# block HEADING: the first block of commands under the heading that begins so.
block() {
	awk -v heading="$1" '
		index($0, heading) == 1 { on = 1; next }
		on && /^#/ { exit }
		on && /^```sh$/ { inside = 1; next }
		on && inside && /^```$/ { exit }
		on && inside { print }' "$PAGE"
}

decode=$(block "## Verifying with the openssl command alone")

# commands HEADING: in the document's folder; the first that fails ends it.
commands() {
	(cd "$T/doc" && bash -euo pipefail -c "$decode
$(block "$1")")
}

# make FORM TYPE: document i-1 of that form in $T/doc, and its issuer's key.
make_document() {
	rm -rf "$T/doc"
	mkdir "$T/doc"
	cp "$T/$2.pub.pem" "$T/doc/issuer.pub.pem"
	"$AVOW" doc issue --form "$1" --key "$T/$2.key.pem" --issuer acme \
	    --subject i-1 --audience updates --claim owner=acme \
	    --claim 'custom.signature=a' --claim 'custom.subject=é' -o "$T/doc/i-1"
}

for type in rsa2048 p256 ed25519; do
	"$AVOW" key new --type $type -o "$T/$type.key.pem"
	"$AVOW" key public "$T/$type.key.pem" >"$T/$type.pub.pem"
	"$AVOW" key new --type $type -o "$T/other-$type.key.pem"
	"$AVOW" key public "$T/other-$type.key.pem" >"$T/other-$type.pub.pem"
done

tried=0
while IFS='|' read -r form types heading file result; do
	[ -n "$(block "$heading")" ] || give_up "no commands under $heading"
	for type in $types; do
		make_document "$form" "$type"
		check "$form, $type" commands "$heading"
		check "and it says what it should" grep -q '"subject":"i-1"' "$T/doc/$result"
		cp "$T/other-$type.pub.pem" "$T/doc/issuer.pub.pem"
		if commands "$heading" >"$T/out" 2>&1; then not_ok "$form, $type: another key"; else ok "$form, $type: another key is refused"; fi
		make_document "$form" "$type"
		# The last letter of a JWS's payload, else what is said in plain text.
		if [ "$form" = jws ]; then
			sed -i 's/A\([^.]*\.[^.]*\)$/B\1/; t; s/B\([^.]*\.[^.]*\)$/A\1/' "$T/doc/$file"
		else
			sed -i 's/"i-1"/"i-2"/' "$T/doc/$file"
		fi
		if commands "$heading" >"$T/out" 2>&1; then not_ok "$form, $type: changed"; else ok "$form, $type: changed is refused"; fi
		tried=$((tried + 1))
	done
done <<'END'
detached|rsa2048 p256|### Detached, RSA and P-256|i-1.json|i-1.json
detached|ed25519|### Detached, Ed25519|i-1.json|i-1.json
embedded|rsa2048 p256|### Embedded, RSA and P-256|i-1.json|i-1.signed
embedded|ed25519|### Embedded, Ed25519|i-1.json|i-1.signed
jws|rsa2048|### JWS, RSA|i-1.jws|i-1.payload
jws|p256|### JWS, P-256|i-1.jws|i-1.payload
jws|ed25519|### JWS, Ed25519|i-1.jws|i-1.payload
cms|rsa2048 p256|### CMS, RSA and P-256|i-1.p7m|i-1.content
END
expect "all of the page" 11 echo $tried
expect "as many headings as were run" "8" grep -c '^### .*: read ' "$PAGE"
expect_exit "no CMS by Ed25519" 1 "$AVOW" doc issue --form cms --key "$T/ed25519.key.pem" --issuer acme --subject i-1 -o "$T/no"

case $(openssl version) in
'OpenSSL 3.0'*)
	openssl req -x509 -new -key "$T/ed25519.key.pem" -out "$T/ed.crt" -subj /CN=x -days 1
	expect "which OpenSSL 3.0 does not make" '*no default digest*' eval \
	    'openssl cms -sign -binary -in "$PAGE" -signer "$T/ed.crt" -inkey "$T/ed25519.key.pem" -out "$T/no" 2>&1'
	expect "nor with SHA-512, as RFC 8419 has it" '*invalid digest*' eval \
	    'openssl cms -sign -binary -md sha512 -in "$PAGE" -signer "$T/ed.crt" -inkey "$T/ed25519.key.pem" -out "$T/no" 2>&1'
	;;
*) skip "another OpenSSL than 3.0, about which the page says nothing of Ed25519 in CMS" ;;
esac

# --- larger RSA keys, in all forms
for bits in 3072 4096; do
	(umask 077; openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:$bits -out "$T/large.key.pem" 2>/dev/null)
	"$AVOW" key public "$T/large.key.pem" >"$T/large.pub.pem"
	for form in detached embedded jws cms; do
		kind=avow-$form signature=()
		[ $form != detached ] || kind=avow signature=(--signature "$T/l-$form.sig")
		"$AVOW" doc issue --form $form --key "$T/large.key.pem" --issuer acme --subject i-1 --audience updates -o "$T/l-$form"
		expect "RSA of $bits bits, $form" '{"verdict":"valid",*' "$AVOW" doc verify --trust "$T/large.pub.pem" --issuer acme \
		    --audience updates --kind $kind --document "$T/l-$form".[jp]* "${signature[@]}"
		rm "$T/l-$form".*
	done
done

# --- by our own command, as packs, and the ways to be refused
"$AVOW" doc issue --form jws --key "$T/p256.key.pem" --issuer acme --subject i-1 --audience updates -o "$T/j"
"$AVOW" doc issue --form embedded --key "$T/p256.key.pem" --issuer acme --subject i-1 --audience updates -o "$T/e"
verify() {
	"$AVOW" doc verify --trust "$T/p256.pub.pem" --issuer acme --audience updates "$@"
}
expect "jws" '{"verdict":"valid","kind":"avow",*' verify --kind avow-jws --document "$T/j.jws"
expect "embedded" '{"verdict":"valid","kind":"avow",*' verify --kind avow-embedded --document "$T/e.json"
expect "one as the other" '*evidence.malformed*' verify --kind avow-cms --document "$T/e.json"
expect "embedded as detached wants a signature" '*evidence.malformed*' verify --kind avow --document "$T/e.json"
expect "a signature beside" '*evidence.malformed*' verify --kind avow-jws --document "$T/j.jws" --signature "$T/j.jws"
expect "a pack without a signature" 'avow1.avow-jws.*.' "$AVOW" doc pack --kind avow-jws --document "$T/j.jws"
expect_exit "no such form" 1 "$AVOW" doc issue --form xml --key "$T/p256.key.pem" --issuer acme --subject i-1 -o "$T/no"
expect_exit "one file is enough" 1 "$AVOW" doc issue --form jws --key "$T/p256.key.pem" --issuer acme --subject i-1 --document "$T/no" --signature "$T/no.sig"

# --- at a gate: the forms that its trust lists, and no others
cd "$T" || exit 1
mkdir trust policies
cp p256.pub.pem trust/
echo 'permit (principal is Instance, action == Action::"repository:get", resource) when { principal.owner == "acme" };' >policies/a.avow
cat >avow.yaml <<'END'
listen: 127.0.0.1:0
policies: [policies]
decisionLog: decisions.jsonl
proxies: [127.0.0.1/32]
clientAddress: X-Forwarded-For
trust: [{kind: avow, keys: trust, issuer: acme, forms: [jws, embedded]}]
gates: [{kind: repository, name: updates, repositories: {main: /debian/}}]
END
while read -r form kind want; do
	"$AVOW" doc issue --form "$form" --key p256.key.pem --issuer acme --subject i-1 --audience updates \
	    --claim owner=acme --claim privateIp=10.0.0.5 -o "g-$form"
	signature=()
	[ "$form" != detached ] || signature=(--signature g-detached.sig)
	expect "a gate asked with $form" "$want*" "$AVOW" dryrun --config avow.yaml --gate updates --kind "$kind" \
	    --document "g-$form".[jp]* "${signature[@]}" --source-ip 10.0.0.5 --path /debian/x
done <<'END'
detached avow deny  evidence.kind
embedded avow-embedded permit
jws avow-jws permit
cms avow-cms deny  evidence.kind
END
finish
