# scene.sh - a document service, a controller, machines, and a gate that is asked as a proxy asks it; everything in $T, on loopback.
# Source tests/lib/e2e.sh first.
. "$ROOT/examples/identity/scene.sh"
EXAMPLE=$ROOT/examples/documents

# documents_scene: the service runs with keys for documents (of type DOCUMENT_KEY); fabric owns all that begins with web-.
documents_scene() {
	mkdir -p "$T/etc/avow/sts" "$T/docs"
	"$AVOW" key rotate --type "${DOCUMENT_KEY:-ed25519}" "$T/etc/avow/sts/document-keys" \
	    >/dev/null && identity_scene && controller fabric web-
}

# machine NAME: an account with a key that only the machine has.
machine() {
	key "$1" && as fabric account new "$1" >/dev/null &&
		as fabric account key "$1" --public-key "$T/keys/$1.pub" \
		    >/dev/null
}

# gate_of_documents: its trust is what the key server says, as PEM.
gate_of_documents() {
	GATE_PORT=$(free_port)
	GATE=http://localhost:$GATE_PORT
	mkdir -p "$T/etc/avow/trust/documents"
	curl -sf --cacert "$CA" "$STS/v1/keys?form=pem" \
	    -o "$T/etc/avow/trust/documents/service.pem" || return
	cp -r "$EXAMPLE/policies" "$T/etc/avow/"
	relocate "$EXAMPLE/gate.yaml" "$T/etc/avow/gate.yaml" \
	    "8181=$GATE_PORT"
	start gate "$AVOW" serve --config "$T/etc/avow/gate.yaml"
	wait_for_port gate 127.0.0.1 "$GATE_PORT"
}

# happened NAME EVENT JSON: fabric tells the service of it.
happened() {
	printf '%s' "$3" >"$T/docs/event.json"
	as "${BY:-fabric}" instance event "$1" "$2" \
	    --properties "$T/docs/event.json"
}

# request NAME FILES [OPTION...]: NAME asks for a document for the gate `updates`.
request() {
	local name=$1 files=$2
	shift 2
	case " $* " in
	*" --audience "* | *" --profile "*) ;;
	*) set -- --audience updates "$@" ;;
	esac
	as "$name" doc request -o "$T/docs/$files" "$@"
}

# document_of FILES: which of them the document is, by its form.
document_of() {
	local file
	for file in "$1.jws" "$1.p7m" "$1.json"; do
		[ ! -e "$file" ] || break
	done
	echo "$file"
}

# kind_of FILES: what its form is called in a pack.
kind_of() {
	case $(document_of "$1") in
	*.jws) echo avow-jws ;;
	*.p7m) echo avow-cms ;;
	*) [ -e "$1.sig" ] && echo avow || echo avow-embedded ;;
	esac
}

pack_one() {
	local sig=
	[ ! -e "$1.sig" ] || sig="--signature $1.sig"
	# The folder has no spaces in it.
	"$AVOW" doc pack --kind "$(kind_of "$1")" \
	    --document "$(document_of "$1")" $sig
}

# pack FILES...: the documents together, as one word.
pack() {
	local one all=
	for one in "$@"; do
		one=$(pack_one "$T/docs/$one") || return
		all=$all${all:+\~}$one
	done
	printf '%s' "$all"
}

# shown KEY PATH FILES...: what the gate answers to a request for PATH with these documents and a proof of the key; status and reason.
shown() {
	local key=$1 path=$2 nonce
	shift 2
	pack "$@" >"$T/docs/pack" || return
	# A proof is over what is shown: one document's bytes, or the packs as they are joined.
	cp "$T/docs/pack" "$T/docs/proven"
	[ $# -gt 1 ] || cp "$(document_of "$T/docs/$1")" "$T/docs/proven"
	nonce=$(ask_gate "$key" "$path" "" '%header{dpop-nonce}')
	ask_gate "$key" "$path" "$nonce" '%{http_code} %header{x-avow-reason}'
}

ask_gate() {
	local proof
	proof=$("$AVOW" token prove --key "$T/keys/$1.key" --url "$GATE$2" \
	    ${3:+--nonce "$3"} "$T/docs/proven") || return
	curl -s -o "$T/got" --max-time 10 -w "$4" \
	    -H "X-Avow-Pack: $(cat "$T/docs/pack")" -H "DPoP: $proof" \
	    -H "X-Original-Method: GET" -H "X-Original-URI: $2" \
	    -H "X-Forwarded-For: 127.0.0.1" -H "X-Forwarded-Proto: https" \
	    "$GATE/gate/auth"
}

# needed ACTION RESOURCE: the claims of the shortest way to a permit, with commas.
needed() {
	"$AVOW" needs --policies "$T/etc/avow/policies" --action "$1" \
	    --resource "$2" --json |
		sed 's/^{"ways":\[{"claims":\[\([^]]*\)\].*/\1/;s/"//g'
}
