# documents.sh - keys, identity documents and packs for scripts, made by the program itself. Source e2e.sh first.
# A document NAME is $T/docs/NAME.json with NAME.sig and NAME.pack.

# issuer NAME: a key that the gates of a configuration with `keys: /etc/avow/trust/NAME` trust.
issuer() {
	mkdir -p "$T/keys" "$T/docs" "$T/etc/avow/trust/$1"
	"$AVOW" key new --type "${2:-p256}" -o "$T/keys/$1.key.pem" &&
		"$AVOW" key public "$T/keys/$1.key.pem" \
		    >"$T/etc/avow/trust/$1/$1.pub.pem"
}

# claims ADDRESS [LICENCE...]: the claims of an ordinary machine, as JSON.
claims() {
	local address=$1 licences
	shift
	licences=$(printf '"%s",' "$@")
	printf '{"imageId":"img-12","owner":"acme","region":"north",'
	printf '"privateIp":"%s",' "$address"
	printf '"os":{"name":"debian","version":"12.8.0"},'
	printf '"licences":[%s]}' "${licences%,}"
}

base64url() {
	openssl base64 -A -in "$1" | tr '+/' '-_' | tr -d '='
}

# The raw signature of a NAME.sig, which is Base64 already.
signature64url() {
	tr -d '\n=' <"$1" | tr '+/' '-_'
}

# What a document says, without a JSON parser: our own issuer writes it.
subject_of() {
	sed -n 's/.*"subject":"\([^"]*\)".*/\1/p' "$T/docs/$1.json"
}

id_of() {
	sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p' "$T/docs/$1.json"
}

# altered NAME FROM EDIT: the document of another one, changed; its signature as it was.
altered() {
	sed "$3" "$T/docs/$2.json" >"$T/docs/$1.json"
	cp "$T/docs/$2.sig" "$T/docs/$1.sig"
	pack "$1"
}

# document NAME SUBJECT CLAIMS [OPTION...]: issued by acme for every gate of the examples, for an hour unless told otherwise.
document() {
	local name=$1 subject=$2
	printf '%s\n' "$3" >"$T/docs/$name.claims"
	shift 3
	"$AVOW" doc issue --key "$T/keys/acme.key.pem" --issuer acme \
	    --subject "$subject" --audience updates --audience web \
	    --claims "$T/docs/$name.claims" --lifetime 1h \
	    --document "$T/docs/$name.json" \
	    --signature "$T/docs/$name.sig" "$@" && pack "$name"
}

pack() {
	"$AVOW" doc pack --kind "${2:-avow}" --document "$T/docs/$1.json" \
	    --signature "$T/docs/$1.sig" >"$T/docs/$1.pack"
}

# issued_at TIME NAME SUBJECT CLAIMS: as if it were that time.
issued_at() {
	local at=$1
	shift
	document "$@" --at "$at" --lifetime 24h
}

# resigned NAME FROM EDIT: like altered, but the issuer's key signs the result: what a careless or bought issuer could say.
resigned() {
	sed "$3" "$T/docs/$2.json" >"$T/docs/$1.json"
	openssl dgst -sha256 -sign "$T/keys/acme.key.pem" "$T/docs/$1.json" |
		openssl base64 -A >"$T/docs/$1.sig"
	pack "$1"
}

# expired_document NAME SUBJECT CLAIMS
expired_document() {
	document "$1-fresh" "$2" "$3"
	resigned "$1" "$1-fresh" \
	    's/"expiresAt":"[^"]*"/"expiresAt":"2026-01-01T00:00:00Z"/;
	     s/"\(issuedAt\|notBefore\)":"[^"]*"/"\1":"2025-12-31T00:00:00Z"/g'
}
