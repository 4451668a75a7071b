#!/usr/bin/env bash
# pkcs11.sh - private keys in a PKCS #11 token (SoftHSM, in a folder of this test): documents of every form, tokens, policy images and public halves are the same as
# with a key in a file; a PIN comes from a file of our own alone; what is not exactly one key is refused with a reason.
. "$(dirname "$0")/../lib/e2e.sh"
need_avow
CHECKS=59

"$ROOT/tests/lib/servers.sh" >/dev/null 2>&1
util=$(program softhsm2-util)
module=
for path in "$SERVERS"/usr/lib/softhsm/libsofthsm2.so /usr/lib/softhsm/libsofthsm2.so; do
	[ -n "$module" ] || { [ -e "$path" ] && module=$path; }
done
if [ -z "$util" ] || [ -z "$module" ]; then
	[ -z "${MUST_RUN-}" ] || give_up "SoftHSM cannot be fetched"
	say "skipped: SoftHSM cannot be fetched"
	skipped=$CHECKS
	finish
fi

mkdir "$T/tokens"
export SOFTHSM2_CONF=$T/softhsm2.conf
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$T/tokens" >"$SOFTHSM2_CONF"
softhsm() {
	LD_LIBRARY_PATH="$(libraries)" "$util" --module "$module" "$@"
}
check "a token" softhsm --init-token --free --label avow --pin 1234 --so-pin 5678
(umask 077; echo 1234 >"$T/pin"; echo 4321 >"$T/wrong-pin")
cp "$T/pin" "$T/open-pin"
chmod 644 "$T/open-pin"
n=0
for type in rsa2048 p256 ed25519; do
	"$AVOW" key new --type $type -o "$T/$type.key.pem"
	"$AVOW" key public "$T/$type.key.pem" >"$T/$type.pub.pem"
	check "$type goes in" softhsm --import "$T/$type.key.pem" --label $type --id 0$((n += 1)) --token avow --pin 1234
	rm "$T/$type.key.pem"
done

uri() { # OBJECT [PIN-FILE]
	echo "pkcs11:token=avow;object=$1?module-path=$module&pin-source=file:$T/${2-pin}"
}
issue() { # KEY OPTIONS...
	"$AVOW" doc issue --key "$1" --issuer acme --subject i-1 --audience updates "${@:2}"
}
verify() { # TYPE OPTIONS...
	"$AVOW" doc verify --trust "$T/$1.pub.pem" --issuer acme --audience updates "${@:2}"
}

for type in rsa2048 p256 ed25519; do
	"$AVOW" key public "$(uri $type)" >"$T/public.pem"
	check "the public half of $type" cmp "$T/public.pem" "$T/$type.pub.pem"
	check "detached by $type" issue "$(uri $type)" -o "$T/d"
	expect "it verifies" '*"valid"*' verify $type --kind avow --document "$T/d.json" --signature "$T/d.sig"
	for form in embedded jws cms; do
		if [ $form$type = cmsed25519 ]; then
			expect_exit "no CMS by Ed25519" 1 issue "$(uri $type)" --form cms -o "$T/d"
			continue
		fi
		check "$form by $type" issue "$(uri $type)" --form $form -o "$T/$form"
		expect "it verifies" '*"valid"*' verify $type --kind avow-$form --document "$T/$form".[jp]*
	done
done

# --- wherever a private key is taken: a file may name it
(umask 077; uri p256 >"$T/named.key.pem")
check "a file that names it" issue "$T/named.key.pem" -o "$T/d"
expect "it verifies" '*"valid"*' verify p256 --kind avow --document "$T/d.json" --signature "$T/d.sig"
mkdir -m 700 "$T/ring"
cp "$T/named.key.pem" "$T/ring/2026-03-01T110000Z.key.pem"
"$AVOW" key new --type p256 -o "$T/holder.key.pem"
check "a ring of token keys" "$AVOW" key jwks "$T/ring" -o "$T/jwks.json" --at 2026-03-01T12:00:00Z
check "a token" "$AVOW" token issue --keys "$T/ring" --issuer sts --subject i-1 --audience updates \
    --key "$T/holder.key.pem" --at 2026-03-01T12:00:00Z -o "$T/t"
expect "it verifies" '{"verdict":"valid",*' "$AVOW" token verify --trust "$T/jwks.json" --issuer sts \
    --audience updates --at 2026-03-01T12:00:00Z "$T/t"
echo 'permit (principal, action, resource);' >"$T/p.avow"
check "an image of policies" "$AVOW" compile --policies "$T/p.avow" --sign "$(uri ed25519)" -o "$T/image"

# --- refused, with the reason and without the PIN
refused() { # WHAT PATTERN KEY
	local out
	out=$(issue "$3" -o "$T/no" 2>&1)
	# shellcheck disable=SC2053
	if [ $? = 1 ] && [[ $out == $2 ]] && [[ $out != *1234* ]]; then ok "$1: ${out:0:160}"; else not_ok "$1: $out"; fi
}
refused "no such key" "*not exactly one private key*" "$(uri nothing)"
refused "several" "*not exactly one private key*" "pkcs11:token=avow?module-path=$module&pin-source=file:$T/pin"
refused "no such token" "*no token fits*" "pkcs11:token=other;object=p256?module-path=$module&pin-source=file:$T/pin"
refused "no PIN" "*wants a PIN*" "pkcs11:token=avow;object=p256?module-path=$module"
refused "a wrong PIN" "*does not take the PIN*" "$(uri p256 wrong-pin)"
refused "a PIN that others can read" "*file.mode*" "$(uri p256 open-pin)"
refused "a PIN in the URI" "*has a PIN in it*" "pkcs11:token=avow;object=p256?module-path=$module&pin-value=1234"
refused "no such module" "*cannot be loaded*" "pkcs11:token=avow;object=p256?module-path=$T/no.so&pin-source=file:$T/pin"
refused "a program for a PIN" "*whole path*" "pkcs11:token=avow;object=p256?module-path=$module&pin-source=%7cecho"
refused "no URI" "*RFC 7512*" "pkcs11:token=%zz"
(umask 077; { uri p256; echo more; } >"$T/two.key.pem")
refused "a file with more than a name" "*more than that one line*" "$T/two.key.pem"
# --- a token that goes away under a signer, and comes back
(umask 077; "$AVOW" key new --type p256 -o "$T/kept.pem"; "$AVOW" key new --type p256 -o "$T/else.pem")
"$AVOW" key public "$T/kept.pem" >"$T/kept.pub.pem"
# token_with KEY [PIN]: made anew, with that key.
token_with() {
	softhsm --init-token --free --label moves --pin "${2-1234}" --so-pin 5678 &&
		softhsm --import "$T/$1.pem" --label moving --id 09 --token moves --pin "${2-1234}"
}
gone() {
	softhsm --delete-token --token moves
}
check "a token of its own" token_with kept
key="pkcs11:token=moves;object=moving?module-path=$module&pin-source=file:$T/pin"
start signer "$AVOW" signer --key "$key" --listen "unix:$T/sign.sock" --purpose document --issuer acme
until_true 10 test -S "$T/sign.sock" || give_up "the signer does not start"
check "it signs" issue "signer:$T/sign.sock" -o "$T/s"
check "the token is taken out" gone
signs() {
	issue "signer:$T/sign.sock" -o "$T/s"
}
refuses() { # PATTERN
	local out
	rm -f "$T/s".*
	# shellcheck disable=SC2053
	! out=$(signs 2>&1) && [ ! -e "$T/s.json" ] && [[ $out == $1 ]]
}
check "without it nothing is signed" refuses '*token does not sign*'
check "and the reason is told" until_true 5 refuses '*no token fits*'
check "the token is back" token_with kept
check "and signs again, without a restart" until_true 5 signs
expect "with the same key" '*"valid"*' verify kept --kind avow --document "$T/s.json" --signature "$T/s.sig"
gone >/dev/null
token_with else >/dev/null
check "another key under its name signs nothing" until_true 5 refuses '*another key*'
gone >/dev/null
token_with kept 9999 >/dev/null
check "one that does not take the PIN" until_true 5 refuses '*PIN was refused before*'
expect "is not tried again, so that it is not locked" 1 grep -c 'does not take the PIN' "$T/signer.log"
stop signer
expect "as many as would be skipped" "$CHECKS" echo $((passed + failed + 1))
finish
