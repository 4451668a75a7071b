#!/bin/bash
# agent.sh - the agent on an instance with a real token service, real gates, real clients: enrolment, tokens, the metadata service, files,
# its proxy, and what it does while its service is away.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/examples/agent/scene.sh"
need_avow

# plain PATH [CURL OPTION...]: status and reason, without a session.
plain() {
	local path=$1
	shift
	curl -s --max-time 5 -o "$T/body" -w '%{http_code} %header{x-avow-reason}' "$@" "$META$path"
}

with_session() {
	plain "$1" -H "X-aws-ec2-metadata-token: $(session)"
}

document_status() {
	with_session /avow/v1/document
}

listing() {
	meta "$1" | paste -sd' '
}

as_json() {
	"$AVOW" agent status --config "$T/etc/avow/agent.yaml" --json |
		sed -n "s/.*\"$1\": *\([^,]*\),*$/\1/p"
}

# looked NAME SUBJECT CLAIMS: what the agent says of that document, a moment after it was told to look.
looked() {
	if [ "$1" = forged ]; then
		shown web-1 web-1 "$3"
		sed -i 's/img-12/img-13/' "$T/run/documents/document.json"
	else
		shown "$@"
	fi
	kill -USR1 "${PIDS[agent]}"
	status
}

say "Configuration:"
agent_scene || give_up "cannot start: agent_scene"
check_config() {
	"$AVOW" agent --config "$1" --check 2>&1
}
expect "--check" "agent of web-1: 1 tokens, documents, 2 files, 2 upstreams, 1 users, 0 peers" \
    check_config "$T/etc/avow/agent.yaml"
sed 's/tokens:/token:/' "$T/etc/avow/agent.yaml" >"$T/etc/avow/bad.yaml"
expect "an unknown key, with its place and the nearest" \
    "*bad.yaml:6:1: error: there is no key \`token\` here*did you mean \`tokens\`*" \
    check_config "$T/etc/avow/bad.yaml"
sed 's/"127.0.0.1:[0-9]*"}/"0.0.0.0:80"}/' "$T/etc/avow/agent.yaml" >"$T/etc/avow/bad.yaml"
expect "a metadata service for everybody" "*no loopback address*reach: any*" \
    check_config "$T/etc/avow/bad.yaml"
mkdir -m 755 "$T/lib/open"
sed "s|$T/lib/agent|$T/lib/open|" "$T/etc/avow/agent.yaml" >"$T/etc/avow/bad.yaml"
expect_exit "a state folder that others may enter" 1 \
    "$AVOW" agent --config "$T/etc/avow/bad.yaml"
all_status() {
	status 2>&1
}
expect "status, when there is no agent" "*onnect*" all_status

say "Enrolment:"
start_agent || give_up "the agent does not start"
expect "before it: why not" "*evidence.proof*" soon "*evidence.proof*" status
check "its key, for itself alone" \
    test "$(stat -c %a "$T/lib/agent" "$T/lib/agent/instance.key.pem" | paste -sd' ')" = "700 600"
as fabric account enrol web-1 -o "$T/run/enrol.secret" >"$T/out" || give_up "no secret"
kill -USR1 "${PIDS[agent]}"
expect "with the secret" "*token updates  fresh*" soon "*token updates  fresh*" status
check "whose file is gone" until_true 5 test ! -e "$T/run/enrol.secret"
expect "a document of somebody else" "*evidence.instance*" soon "*evidence.instance*" \
    looked other web-2 "$(claims 127.0.0.1 base)"
CLAIMS=$(claims 127.0.0.1 base | sed 's/}$/,"zone":"north-1a","custom":{"hostname":"web-1.acme"}}/')
expect "one that nobody we trust signed" "*evidence.signature*" soon "*evidence.signature*" \
    looked forged web-1 "$CLAIMS"
expect "web-1's own" "*: ready*document  fresh*" soon "*: ready*" \
    looked web-1 web-1 "$CLAIMS"
expect_exit "status" 0 status
expect "as JSON" "*true*" as_json ready

say "The metadata service, as EC2's:"
expect "no session token" "401 evidence.missing" plain /latest/meta-data/instance-id
expect "a made-up one" "401 evidence.proof" plain /latest/meta-data/instance-id \
    -H "X-aws-ec2-metadata-token: $(head -c 32 /dev/zero | openssl base64 -A | tr -d =)"
expect "PUT without a lifetime" "400 request.malformed" plain /latest/api/token -X PUT
for ttl in 0 21601 -1 1x ''; do
	expect "a lifetime of \`$ttl\`" "400 request.malformed" plain /latest/api/token \
	    -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: $ttl"
done
expect "PUT by way of a proxy" "403 request.peer" plain /latest/api/token -X PUT \
    -H "X-aws-ec2-metadata-token-ttl-seconds: 60" -H "X-Forwarded-For: 10.0.0.1"
expect "GET of a session token" "405 request.method" plain /latest/api/token
expect "by another name, as after DNS rebinding" "403 request.peer" plain \
    /latest/api/token -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" \
    -H "Host: evil.example:$META_PORT"
expect "a session token" "???????????????????????????????????????????" session
expect "instance-id" "web-1 200" meta /latest/meta-data/instance-id
expect "the same, to a client of 2009" "web-1 200" meta /2009-04-04/meta-data/instance-id
expect "ami-id" "img-12 200" meta /latest/meta-data/ami-id
expect "what there is" "ami-id hostname instance-id local-hostname local-ipv4 placement/ 200" \
    listing /latest/meta-data/
expect "below placement" "availability-zone region 200" listing /latest/meta-data/placement/
expect "what no document says" "*404" meta /latest/meta-data/instance-type
expect "user data" "*404" meta /latest/user-data
expect "a form that is not there" "*404" meta /latest/dynamic/instance-identity/pkcs7
expect "a session that ended" "401 evidence.proof" soon "401*" plain \
    /latest/meta-data/instance-id -H "X-aws-ec2-metadata-token: $(session 1)"
verified() {
	meta /latest/dynamic/instance-identity/document -w '' >"$T/seen.json"
	meta /latest/dynamic/instance-identity/signature -w '' >"$T/seen.sig"
	"$AVOW" doc verify --kind avow --trust "$T/etc/avow/trust/acme" --issuer acme --audience updates \
	    --document "$T/seen.json" --signature "$T/seen.sig" | grep -o '"verdict": *"[a-z]*"'
}
expect "document and signature, byte for byte" '"verdict":*"valid"' verified
expect "as a pack" "$(cat "$T/docs/web-1.pack") 200" meta /avow/v1/pack
keys() {
	curl -sf --cacert "$CA" "$STS/.well-known/jwks.json" -o "$T/jwks.json"
}
keys
token_is() {
	meta /avow/v1/token -w '' >"$T/seen.token"
	"$AVOW" token verify --trust "$T/jwks.json" --issuer acme --audience updates "$T/seen.token" |
		grep -o '"verdict": *"[a-z]*"'
}
expect "the token" '"verdict":*"valid"' token_is
expect "for an audience that it has none for" "*404" meta "/avow/v1/token?audience=x"
expect "the status holds no token" "" bash -c "grep -o eyJ <<<'$(meta /avow/v1/status)'"

say "Files:"
expect "apt's" "machine https://localhost:*/ login web-1 password avow1.avow.*" cat "$T/run/apt.conf"
check "for itself alone" test "$(stat -c %a "$T/run/apt.conf" "$T/run/updates.token" | paste -sd' ')" = "600 600"
same_file() {
	stat -c '%i %y' "$T/run/apt.conf"
}
before=$(same_file)
kill -USR1 "${PIDS[agent]}"
until_true 5 grep -q . "$T/run/updates.token"
expect "not written again for nothing" "$before" same_file

say "The service is away:"
stop sts KILL
kill -USR1 "${PIDS[agent]}"
expect "why, and what is held serves on" "*token updates  fresh*data.missing*" \
    soon "*data.missing*" status
expect "the token" '"verdict":*"valid"' token_is
stop agent KILL
start_agent || give_up "the agent does not start again"
expect "even after kill -9 of the agent" '"verdict":*"valid"' soon '*valid*' token_is
start_service || give_up "the service does not come back"
kill -USR1 "${PIDS[agent]}"
fresh() {
	grep -c data.missing <<<"$(status)"
}
expect "it is back" "0" soon 0 fresh

say "What has ended is not served:"
shown short web-1 "$CLAIMS" --lifetime 3s
kill -HUP "${PIDS[agent]}"
expect "a document for three seconds" "503 evidence.expired" soon "503 evidence.expired" \
    document_status
expect "and no name from it" "503 evidence.expired" \
    with_session /latest/meta-data/instance-id
shown web-1 web-1 "$CLAIMS"
kill -HUP "${PIDS[agent]}"
expect "the next" "200 " soon "200 " document_status

need_servers
mirror_scene || give_up "cannot start: mirror_scene"

say "apt, with the agent's file in auth.conf.d, at a gate that takes documents:"
apt_asks "https://localhost:$PORT/plain"
expect "apt-get update" updated apt_update
expect "apt-get install --download-only readme" "readme_2.0_$ARCHITECTURE.deb" apt_gets readme
apt_asks "https://localhost:$PORT/debian"
expect "at the gate that demands a key" "refused: 401 Unauthorized" apt_update

say "apt through the agent's proxy, at the gate that demands a key:"
rm "$T/apt/etc/auth.conf.d/avow.conf"
apt_asks "$PROXY/debian"
expect "apt-get update" updated apt_update
expect "apt-get install --download-only hello" "hello_1.0-1_$ARCHITECTURE.deb" apt_gets hello
expect "once more: nothing is new" "*Hit:*" apt update
INDEX=/debian/dists/stable/InRelease
expect "each by a proof of the key" "key" bash -c \
    "grep -o '\"proof\":\"[a-z]*\"' '$T/log/decisions.jsonl' | tail -1 | cut -d: -f2 | tr -d '\"'"
expect "curl" "200 permit" through "$INDEX"
check "byte for byte" cmp "$T/got" "$T/srv/mirror$INDEX"
expect "the other upstream, with a pack" "200 permit" through /plain/dists/stable/InRelease
head -c 20000000 /dev/urandom >"$T/srv/mirror/debian/large"
expect "20 MB" "200 permit" through /debian/large
check "byte for byte" cmp "$T/got" "$T/srv/mirror/debian/large"
expect "a range of it" "206 permit" through /debian/large -H "Range: bytes=1000-1999"
check "that range" cmp "$T/got" <(tail -c +1001 "$T/srv/mirror/debian/large" | head -c 1000)
modified() {
	date -u -R -d "@$(stat -c %Y "$T/srv/mirror/debian/large")" | sed 's/+0000/GMT/'
}
expect "If-Modified-Since" "304 permit" through /debian/large -H "If-Modified-Since: $(modified)"
expect "HEAD" "200 permit" through /debian/large -I
expect "its length" "20000000" sed -n 's/^content-length: \([0-9]*\).*/\1/Ip' "$T/got"
expect "with a query" "200 permit" through "/debian/large?x=y"
expect "what is not there" "404 permit" through /debian/nothing

say "What the proxy does not do:"
expect "another prefix" "404 request.path" through /other/x
expect "POST" "405 request.method" through "$INDEX" -X POST -d x
expect "by another name" "403 request.peer" through "$INDEX" -H "Host: evil.example"
expect "as a proxy for everything" "400 *" through "$INDEX" -x "$PROXY" 
expect "CONNECT" "000" through "$INDEX" -p -x "$PROXY"
for path in /debian/../plain/x /debian/%2e%2e/plain/x /debian/..%2fplain/x \
	/debian//x '/debian/a;b'; do
	expect "$path" "403 request.path" through "$path"
done
expect "a redirection" "502 data.missing" through /debian/elsewhere
expect "headers of the asker's own, in the identity's place" "200 permit" through "$INDEX" \
    -H "Authorization: Basic eDp5" -H "X-Avow-Pack: x" -H "Cookie: a=b" -H "X-Forwarded-For: 10.0.0.1"
cp "$T/etc/avow/agent.yaml" "$T/etc/avow/good.yaml"
cp "$T/pki/stranger.pem" "$T/etc/avow/stranger.pem" 2>/dev/null || { authority stranger; cp "$T/pki/stranger.pem" "$T/etc/avow/"; }
sed -i "s|debian/\", ca: [^,]*,|debian/\", ca: $T/etc/avow/stranger.pem,|" "$T/etc/avow/agent.yaml"
kill -HUP "${PIDS[agent]}"
expect "an upstream that nobody we trust vouches for" "502 data.missing" \
    soon "502 data.missing" through "$INDEX"
cp "$T/etc/avow/good.yaml" "$T/etc/avow/agent.yaml"
kill -HUP "${PIDS[agent]}"
expect "and with the right authority again" "200 permit" soon "200 permit" through "$INDEX"
slow() {
	local one two
	curl -s --max-time 60 --limit-rate 100k "$PROXY/debian/large" -o "$T/slow.1" &
	one=$!
	curl -s --max-time 60 --limit-rate 100k "$PROXY/debian/large" -o "$T/slow.2" &
	two=$!
	until_true 10 test -s "$T/slow.1" -a -s "$T/slow.2"
	# A sanitizer keeps what was freed for a while.
	local most=60000
	grep -qE '__(asan|tsan)_init' "$AVOW" && most=400000
	awk -v most=$most '/VmRSS/ { print ($2 < most) ? "small" : $2 }' "/proc/${PIDS[agent]}/status"
	kill "$one" "$two"
}
expect "two slow readers hold no memory" "small" slow
stop gate
expect "the gate's process is gone" "500*" through "$INDEX"
stop mirror
expect "the mirror, too" "502 data.missing" through "$INDEX"
start_gate && start_site mirror && wait_for_port mirror 127.0.0.1 "$PORT"
expect "both are back: a new nonce, asked for once more" "200 permit" through "$INDEX"
stop sts KILL
expect "the service is away: the token serves on" "200 permit" through "$INDEX"
start_service || give_up "the service does not come back"

say "Reload and stop:"
cp "$T/etc/avow/agent.yaml" "$T/etc/avow/good.yaml"
echo "nonsense: 1" >>"$T/etc/avow/agent.yaml"
kill -HUP "${PIDS[agent]}"
check "a broken configuration is refused" until_true 5 grep -q "former configuration stays" "$T/agent.log"
expect "and the former goes on" "web-1 200" meta /latest/meta-data/instance-id
cp "$T/etc/avow/good.yaml" "$T/etc/avow/agent.yaml"
STATE=$(sed -n 's/^state: *\([^ ]*\).*/\1/p' "$T/etc/avow/agent.yaml")
mv "$STATE" "$T/aside"
kill -HUP "${PIDS[agent]}"
refused_twice() {
	[ "$(grep -c "former configuration stays" "$T/agent.log")" = 2 ]
}
check "while its key is away there is no reload" until_true 5 refused_twice
expect "nor another key" "web-1 200" meta /latest/meta-data/instance-id
check "nor a folder for one" test ! -e "$STATE"
mv "$T/aside" "$STATE"
check "no token and no secret in the log" bash -c "! grep -qE 'eyJ|avow1\.' '$T/agent.log'"
stop agent
expect_exit "it stops cleanly" 0 test "$(cat "$T/status")" = 0
finish
