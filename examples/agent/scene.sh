# scene.sh - an agent beside a token service; everything in $T, on loopback. Source tests/lib/e2e.sh and examples/identity/scene.sh first.
AGENT=$ROOT/examples/agent
# shellcheck source=../../tests/lib/documents.sh
. "$ROOT/tests/lib/documents.sh"

# agent_files: the agent's configuration, an issuer of documents, a document for web-1.
agent_files() {
	META_PORT=$(free_port) PROXY_PORT=$(free_port)
	META=http://127.0.0.1:$META_PORT PROXY=http://127.0.0.1:$PROXY_PORT
	relocate "$AGENT/agent.yaml" "$T/etc/avow/agent.yaml" \
	    "8443=$STS_PORT" "8254=$META_PORT" "8255=$PROXY_PORT" \
	    "8080=${PORT:-8080}"
	mkdir -p "$T/run/documents"
	issuer acme
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

# meta PATH [CURL OPTION...]: as programs on the machine ask; status and body.
meta() {
	local path=$1
	shift
	curl -s --max-time 5 -w ' %{http_code}' --path-as-is \
	    -H "X-aws-ec2-metadata-token: $(session)" "$@" "$META$path"
}
