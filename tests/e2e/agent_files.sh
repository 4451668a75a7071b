#!/bin/bash
# agent_files.sh - what the agent writes for programs that only read files: SPIFFE's tokens and keys, shown by curl and by nginx, and the commands that
# tell such programs of a change.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/examples/agent/scene.sh"
need_servers
agent_scene || give_up "cannot start: agent_scene"
stop sts
sed -i "s|^service:|&\n  trustDomain: acme.example\n  jwtSvid: on|" "$T/etc/avow/sts.yaml"
start_service || give_up "the service does not start"
as fabric account enrol web-1 -o "$T/run/enrol.secret" >"$T/out" || give_up "no secret"

# One server that says what it was shown, and one that shows it what the agent wrote.
ECHO=http://127.0.0.1:$PORT FRONT_PORT=$(free_port)
cat >"$T/etc/avow/front.site" <<-END
	server {
		listen 127.0.0.1:$PORT;
		location / { return 200 "\$http_authorization \$http_x_avow_pack"; }
	}
	server {
		listen 127.0.0.1:$FRONT_PORT;
		location / {
			include $T/run/svid.conf;
			include $T/run/pack.conf;
			proxy_pass $ECHO;
		}
	}
END
relocate "$ROOT/tests/lib/nginx.conf" "$T/etc/avow/front.conf" "@NAME@=front"
nginx=$(program nginx)
reload="[/usr/bin/env, \"LD_LIBRARY_PATH=$(libraries)\", \"$nginx\", -p, $T/run, -c, $T/etc/avow/front.conf, -e, stderr, -s, reload]"
sed -i "/^files:/,\$d" "$T/etc/avow/agent.yaml"
cat >>"$T/etc/avow/agent.yaml" <<-END
	files:
	  - {kind: jwt-svid, path: $T/run/svid.conf, audience: peer, form: nginx, run: $reload}
	  - {kind: pack, path: $T/run/pack.conf, form: nginx, run: $reload}
	  - {kind: jwt-svid, path: $T/run/svid.jwt, audience: peer, mode: "0640"}
	  - {kind: jwt-svid, path: $T/run/svid.header, audience: other, form: header}
	  - {kind: jwt-svid, path: $T/run/svid.curl, audience: other, form: curl}
	  - {kind: pack, path: $T/run/pack.curl, form: curl}
	  - {kind: wit-svid, path: $T/run/wit.jwt}
	  - {kind: bundle, path: $T/run/spiffe-bundle.json, mode: "0644"}
	  - {kind: keys, path: $T/run/jwks.json, mode: "0644"}
END
shown web-1 web-1 "$(claims 127.0.0.1 base)"
hurry() {
	kill -USR1 "${PIDS[agent]}"
}
# told WANTED: the agent's status, after it was told to look, again and again.
hurried() {
	hurry
	status
}
front() {
	curl -s --max-time 5 "http://127.0.0.1:$FRONT_PORT/"
}

say "Files:"
start_agent || give_up "the agent does not start"
expect "all but the reload of an nginx that is not there" \
    "*: not ready*system.error*/usr/bin/env*ended with 1*" soon "*ended with 1*" status
expect_exit "status" 2 status
expect "modes" "600 600 640 600 600 600 600 644 644" bash -c \
    "cd '$T/run' && stat -c %a svid.conf pack.conf svid.jwt svid.header svid.curl pack.curl wit.jwt spiffe-bundle.json jwks.json | paste -sd' '"
verdict() {
	"$AVOW" token verify --trust "$T/run/jwks.json" --issuer acme --typ "$1" \
	    --trust-domain acme.example "${@:3}" "$2" |
		grep -o '"\(verdict\|subject\)": *"[^"]*"' | cut -d'"' -f4 | paste -sd' '
}
expect "the JWT-SVID, by the keys beside it" "valid*web-1*" \
    verdict jwt-svid "$T/run/svid.jwt" --audience peer
expect "the WIT-SVID" "valid*web-1*" verdict wit "$T/run/wit.jwt"
if found=$("$ROOT/tests/lib/peers.sh" 2>"$T/peers.log") &&
	[ -d "${found#* }/node_modules/jose" ]; then
	export PEERS=${found#* }
	js() {
		"${found%% *}" "$ROOT/tests/e2e/jose_peer.mjs" svid "$T/run/spiffe-bundle.json" "$@"
	}
	expect "jose takes the JWT-SVID by the bundle" \
	    "spiffe://acme.example/instance/web-1 ES256 *" js jwt-svid "$T/run/svid.jwt" peer
	expect "and the WIT-SVID, which names the agent's key" \
	    "*$("$AVOW" key thumbprint "$T/lib/agent/instance.key.pem")" js wit-svid "$T/run/wit.jwt"
else
	skip "npm's jose is not there"
fi

say "nginx, with an include:"
start_site front && wait_for_port front 127.0.0.1 "$FRONT_PORT" || give_up "nginx does not start"
expect "it can be told now" "*: ready*" soon "*: ready*" hurried
# Asked till it is so, once: for a moment after a reload the former worker answers, too.
shows_now() {
	[ "$(front)" = "Bearer $(cat "$T/run/svid.jwt") $(cat "$T/docs/web-1.pack")" ]
}
check "it shows the JWT-SVID and the pack" until_true 10 shows_now
first=$(cat "$T/run/svid.jwt")
hurry
another() {
	[ "$(cat "$T/run/svid.jwt")" != "$first" ] && shows_now
}
check "after a renewal it shows the next" until_true 10 another

say "curl:"
expect "-H @FILE" "Bearer eyJ* " curl -s -H "@$T/run/svid.header" "$ECHO/"
expect "--config FILE" "Bearer eyJ* " curl -s --config "$T/run/svid.curl" "$ECHO/"
expect "the pack, too" " $(cat "$T/docs/web-1.pack")" curl -s --config "$T/run/pack.curl" "$ECHO/"
bearer() {
	curl -s --oauth2-bearer "$(cat "$T/run/svid.jwt")" "$ECHO/"
}
expect "--oauth2-bearer" "Bearer $(cat "$T/run/svid.jwt") " bearer

say "Keys:"
kids() {
	grep -o '"kid":"[^"]*"' "$T/run/jwks.json" | sort -u | wc -l
}
expect "one, so far" "1" kids
"$AVOW" key rotate "$T/etc/avow/sts/keys" >"$T/out"
kill -HUP "${PIDS[sts]}"
two_keys() {
	hurry
	kids
}
expect "the next comes before it signs" "2" soon 2 two_keys

say "What the service does not give any more:"
stop sts
sed -i '/jwtSvid/d' "$T/etc/avow/sts.yaml"
start_service || give_up "the service does not start"
expect "why" "*jwt-svid peer  fresh*request.malformed*bearer*" soon "*bearer*" hurried
check "the log has no token" bash -c "! grep -qE 'eyJ|avow1\.' '$T/agent.log'"
stop agent
finish
