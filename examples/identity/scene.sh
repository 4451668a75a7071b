# scene.sh - a token service, its administrator, a controller, machines and a gate; everything in $T, on loopback.
# Source tests/lib/e2e.sh first. identity_scene starts the service, gate_scene nginx with a gate; the rest are what a story does with it.
EXAMPLE=$ROOT/examples/identity

# --- certificates, as a site's own authority makes them ------------------

authority() {
	mkdir -p "$T/etc/avow/sts" "$T/pki"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$T/pki/${1:-ca}.key" -out "$T/pki/${1:-ca}.pem" -days 3 \
	    -subj "/O=Acme/CN=Authority ${1:-ca}" \
	    -addext keyUsage=critical,keyCertSign 2>>"$T/openssl.log"
}

# certificate NAME SUBJECT EXTENSIONS [CA [DAYS]]: $T/pki/NAME.{pem,key}
certificate() {
	local ca=${4:-ca}
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$T/pki/$1.key" -out "$T/pki/$1.csr" -subj "$2" \
	    2>>"$T/openssl.log" &&
		openssl x509 -req -in "$T/pki/$1.csr" -CA "$T/pki/$ca.pem" \
		    -CAkey "$T/pki/$ca.key" -CAcreateserial -days "${5:-3}" \
		    -extfile <(printf '%b' "$3") -out "$T/pki/$1.pem" \
		    2>>"$T/openssl.log" && chmod 600 "$T/pki/$1.key"
}

SERVER_USE='subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth'
CLIENT_USE='extendedKeyUsage=clientAuth'

# --- the token service ---------------------------------------------------

# service_files: its configuration, keys and certificates, before the first start.
service_files() {
	STS_PORT=$(free_port) ADMIN_PORT=$(free_port)
	STS=https://localhost:$STS_PORT ADMIN=https://localhost:$ADMIN_PORT
	CA=$T/pki/ca.pem
	mkdir -p "$T/keys" "$T/tokens"
	authority && certificate sts "/O=Acme/CN=sts" "$SERVER_USE" || return
	cp "$T/pki/sts.pem" "$T/etc/avow/sts/tls.pem"
	cp "$T/pki/sts.key" "$T/etc/avow/sts/tls.key"
	cp "$CA" "$T/etc/avow/sts/ca.pem"
	"$AVOW" key rotate "$T/etc/avow/sts/keys" >/dev/null &&
		"$AVOW" key secret -o "$T/etc/avow/sts/master.secret" &&
		relocate "$EXAMPLE/sts.yaml" "$T/etc/avow/sts.yaml" \
		    "8443=$STS_PORT" "8444=$ADMIN_PORT"
}

start_service() {
	start sts "$AVOW" serve --config "$T/etc/avow/sts.yaml"
	wait_for_port sts 127.0.0.1 "$STS_PORT"
}

# identity_scene: the service runs, and there is an administrator with a token.
identity_scene() {
	service_files && start_service && "$AVOW" admin token new \
	    --config "$T/etc/avow/sts.yaml" --name ann \
	    -o "$T/keys/ann.token" >/dev/null
}

# --- who does what -------------------------------------------------------

admin() {
	"$AVOW" "$@" --server "$ADMIN" --ca "$CA" \
	    --admin-token "$T/keys/ann.token"
}

# as NAME COMMAND...: as that account, by the key of that name.
as() {
	local name=$1
	shift
	"$AVOW" "$@" --server "$STS" --ca "$CA" --as "$name" \
	    --key "$T/keys/$name.key"
}

# key NAME: a key pair that only this machine has.
key() {
	"$AVOW" key new --type "${2:-p256}" -o "$T/keys/$1.key" &&
		"$AVOW" key public "$T/keys/$1.key" >"$T/keys/$1.pub"
}

# controller NAME PREFIX [OPTION...]
controller() {
	local name=$1 prefix=$2
	shift 2
	key "$name" && admin account new "$name" --kind controller \
	    --prefix "$prefix" "$@" >/dev/null &&
		admin account key "$name" --public-key "$T/keys/$name.pub" \
		    >/dev/null
}

# token NAME [OPTION...]: proves NAME by its key; the token goes to $T/tokens/NAME.
token() {
	local name=$1
	shift
	case " $* " in
	*" --audience "*) ;;
	*) set -- --audience updates "$@" ;;
	esac
	"$AVOW" token new --server "$STS" --ca "$CA" --account "$name" \
	    --key "$T/keys/$name.key" -o "$T/tokens/$name" "$@"
}

# says COMMAND...: `done`, or the code of the refusal.
says() {
	local out
	if out=$("$@" 2>&1 >/dev/null); then
		echo "done"
	else
		sed -n 's/.*\[\([a-z_.]*\),.*/\1/p' <<<"$out" | grep . ||
			echo "$out"
	fi
}

# --- the gate ------------------------------------------------------------

gate_scene() {
	PORT=$(free_port)
	MIRROR=http://localhost:$PORT
	mkdir -p "$T/srv/mirror/debian" "$T/etc/avow/trust/sts"
	echo "an update" >"$T/srv/mirror/debian/update"
	cp -r "$EXAMPLE/policies" "$T/etc/avow/"
	relocate "$EXAMPLE/gate.yaml" "$T/etc/avow/gate.yaml" "8080=$PORT"
	relocate "$EXAMPLE/mirror.site" "$T/etc/avow/mirror.site" "8080=$PORT"
	public_keys && start_gate || return
	start_site mirror && wait_for_port mirror 127.0.0.1 "$PORT"
}

# The service's word is checked with its public keys alone, which anybody may have.
public_keys() {
	curl -sf --cacert "$CA" "$STS/.well-known/jwks.json" \
	    -o "$T/etc/avow/trust/sts/jwks.json"
}

start_gate() {
	start gate "$AVOW" serve --config "$T/etc/avow/gate.yaml"
	until_true 10 test -S "$T/run/gate.sock"
}

# get TOKEN KEY [PATH]: asks the mirror, with the token and a proof of the key; status and reason. The first proof has no nonce, and
# gets one.
get() {
	local path=${3:-/debian/update} nonce
	nonce=$(present "$1" "$2" "$path" "" '%header{dpop-nonce}')
	present "$1" "$2" "$path" "$nonce" '%{http_code} %header{x-avow-reason}'
}

present() {
	local proof
	proof=$("$AVOW" token prove --key "$T/keys/$2.key" --url "$MIRROR$3" \
	    ${4:+--nonce "$4"} "$T/tokens/$1") || return
	curl -s -o "$T/got" --max-time 10 -w "$5" \
	    -H "Authorization: DPoP $(cat "$T/tokens/$1")" -H "DPoP: $proof" \
	    "$MIRROR$3"
}
