# scene.sh - HAProxy with an empty pool, two web servers, Avow between them; everything in $T.
# Source tests/lib/e2e.sh first. balancer_scene starts it all.
EXAMPLE=$ROOT/examples/load-balancer
# shellcheck source=../../tests/lib/documents.sh
. "$ROOT/tests/lib/documents.sh"

# web_claims ADDRESS [ROLE [IMAGE]]
web_claims() {
	printf '{"imageId":"%s","owner":"acme","privateIp":"%s",' \
	    "${3:-img-12}" "$1"
	printf '"custom":{"role":"%s"}}' "${2:-web}"
}

# gate METHOD ADDRESS NAME [BODY] [CURL OPTION...]: asks the gate from that address, showing that document; prints status and reason.
# NAME - shows none.
gate() {
	local method=$1 address=$2 name=$3 body=${4-}
	local -a options=()
	shift 3
	[ $# -eq 0 ] || shift
	[ "$name" = - ] || options=(-H "X-Avow-Pack: $(cat "$T/docs/$name.pack")")
	[ -z "$body" ] || options+=(-H 'Content-Type: application/json' -d "$body")
	curl -s -o "$T/body" --max-time 10 --interface "$address" -X "$method" \
	    "${options[@]}" -w '%{http_code} %header{x-avow-reason}\n' "$@" \
	    "http://127.0.0.1:$GATE/gate/balancer/${POOL-web}${QUERY-}" |
		sed 's/ $//'
}

# join ADDRESS NAME [ADDRESS-TO-JOIN [PORT]]
join() {
	gate POST "$1" "$2" \
	    "{\"address\":\"${3:-$1}\",\"port\":${4:-$WEB}}"
}

# quit ADDRESS NAME
quit() {
	gate DELETE "$1" "$2"
}

# served: who answers behind the balancer, each once; nobody when none does.
served() {
	local i
	for i in 1 2 3 4 5 6; do
		curl -s --max-time 5 -w '%{http_code}\n' "http://127.0.0.1:$SITE/" |
			grep -E '^(web-|503)'
	done | sort -u | sed 's/^503$/nobody/' | paste -sd' '
}

# serves NAMES: so it is, within ten seconds.
serves() {
	until_true 10 served_now "$1"
	served
}

served_now() {
	[ "$(served)" = "$1" ]
}

# haproxy_says COMMAND: an answer of the runtime socket.
haproxy_says() {
	echo "$1" | curl -s --max-time 5 --unix-socket "$T/run/admin.sock" \
	    telnet://haproxy
}

start_avow() {
	start avow "$AVOW" serve --config "$T/etc/avow/avow.yaml"
	wait_for_port avow 127.0.0.1 "$GATE"
}

start_haproxy() {
	start_server haproxy haproxy -db -f "$T/etc/haproxy.cfg" "$@"
	wait_for_port haproxy 127.0.0.1 "$SITE"
}

start_web() {
	relocate "$EXAMPLE/web.site" "$T/etc/avow/web.site" ":8080=:$WEB"
	start_site web
	wait_for_port web 127.0.0.2 "$WEB" && wait_for_port web 127.0.0.3 "$WEB"
}

balancer_scene() {
	GATE=$(free_port) SITE=$(free_port) WEB=$(free_port)
	mkdir -p "$T/etc/avow/policies"
	relocate "$EXAMPLE/avow.yaml" "$T/etc/avow/avow.yaml" \
	    "127.0.0.1:8181=127.0.0.1:$GATE" "\[8080\]=[$WEB]"
	relocate "$EXAMPLE/haproxy.cfg" "$T/etc/haproxy.cfg" \
	    "127.0.0.1:8000=127.0.0.1:$SITE" ":8080=:$WEB"
	cp "$EXAMPLE"/policies/*.avow "$T/etc/avow/policies/"
	: >"$T/etc/avow/revoked"
	issuer acme
	start_web && start_haproxy && start_avow
}
