# scene.sh - an agent beside a token service, and a mirror with two gates; everything in $T, on loopback. Source tests/lib/e2e.sh first.
AGENT=$ROOT/examples/agent
# shellcheck source=../identity/scene.sh
. "$ROOT/examples/identity/scene.sh"
# shellcheck source=../update-repository/scene.sh
. "$ROOT/examples/update-repository/scene.sh"

# agent_scene: a token service, a controller `fabric` with the account web-1, an issuer of documents, the agent's configuration.
agent_scene() {
	EXAMPLE=$ROOT/examples/identity
	PORT=$(free_port) META_PORT=$(free_port) PROXY_PORT=$(free_port)
	META=http://127.0.0.1:$META_PORT PROXY=http://127.0.0.1:$PROXY_PORT LOCAL=$T/run/local.sock
	identity_scene && controller fabric web- || return
	as fabric account new web-1 >"$T/out" || return
	relocate "$AGENT/agent.yaml" "$T/etc/avow/agent.yaml" \
	    "8443=$STS_PORT" "8254=$META_PORT" "8255=$PROXY_PORT" "8080=$PORT"
	mkdir -p "$T/run/documents"
	issuer acme
}

# mirror_scene: one repository behind each gate, signed, over TLS, and a machine with apt.
mirror_scene() {
	certificate mirror "/O=Acme/CN=mirror" "$SERVER_USE" || return
	cp "$T/pki/mirror.pem" "$T/pki/mirror.key" "$T/etc/avow/"
	cp -r "$AGENT/policies" "$T/etc/avow/"
	mkdir -p "$T/etc/avow/trust/sts"
	public_keys && signing_key || return
	package debian hello 1.0-1
	package plain readme 2.0
	repository debian && repository plain || return
	apt_machine
	echo "Acquire::https::CaInfo \"$CA\";" >>"$T/apt/apt.conf"
	ln -s "$T/run/apt.conf" "$T/apt/etc/auth.conf.d/avow.conf"
	relocate "$AGENT/gate.yaml" "$T/etc/avow/gate.yaml" "8080=$PORT"
	relocate "$AGENT/mirror.site" "$T/etc/avow/mirror.site" "8080=$PORT"
	start_gate && start_site mirror && wait_for_port mirror 127.0.0.1 "$PORT"
}

# apt_asks URL: where apt's repository is from now on.
apt_asks() {
	echo "deb [signed-by=$T/archive.gpg] $1 stable main" >"$T/apt/etc/sources.list"
}

start_agent() {
	start agent "$AVOW" agent --config "$T/etc/avow/agent.yaml"
	wait_for_port agent 127.0.0.1 "$META_PORT"
}

status() {
	"$AVOW" agent status --config "$T/etc/avow/agent.yaml"
}

# shown NAME SUBJECT CLAIMS [OPTION...]: a document, as its service would leave it for the agent.
shown() {
	document "$@" || return
	cp "$T/docs/$1.sig" "$T/run/documents/document.sig"
	cp "$T/docs/$1.json" "$T/run/documents/document.json"
}

session() {
	curl -s --max-time 5 -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: ${1:-60}" \
	    "$META/latest/api/token"
}

# meta PATH [CURL OPTION...]: as programs on the machine ask; body and status.
meta() {
	local path=$1
	shift
	curl -s --max-time 5 -w ' %{http_code}' --path-as-is \
	    -H "X-aws-ec2-metadata-token: $(session)" "$@" "$META$path"
}

# through PATH [CURL OPTION...]: by way of the proxy; status and reason.
through() {
	local path=$1
	shift
	curl -s --max-time 20 --path-as-is -o "$T/got" \
	    -w '%{http_code} %header{x-avow-reason}' "$@" "$PROXY$path" | sed 's/ $//'
}

# asks PATH [CURL OPTION...]: at the socket for local programs; body and status. AS runs it as another user.
AS=
asks() {
	local path=$1
	shift
	$AS curl -s --max-time 10 --unix-socket "${SOCKET-$LOCAL}" -w ' %{http_code} %header{x-avow-reason}' \
	    "$@" "http://agent/avow/v1/$path" | sed 's/ $//'
}

# posts PATH JSON
posts() {
	asks "$1" -H 'Content-Type: application/json' -d "$2"
}

# text NAME: a member of the JSON in the file `answer`.
text() {
	sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$T/answer"
}

# gets URL: by curl with the two headers that the agent makes for this one request; asked again with the gate's nonce. Status and reason.
gets() {
	local nonce='' code
	for _ in 1 2; do
		posts proof "{\"method\":\"GET\",\"url\":\"$1\"${nonce:+,\"nonce\":\"$nonce\"}}" >"$T/answer"
		code=$(curl -s --max-time 10 --cacert "$CA" -D "$T/head" -o "$T/got" -w '%{http_code} %header{x-avow-reason}' \
		    -H "Authorization: $(text authorization)" -H "DPoP: $(text dpop)" "$1")
		nonce=$(sed -n 's/^dpop-nonce: \(.*\)\r/\1/Ip' "$T/head")
		[ -n "$nonce" ] || break
	done
	echo "$code"
}
