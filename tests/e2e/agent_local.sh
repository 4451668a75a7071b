#!/bin/bash
# agent_local.sh - the agent's socket for local programs, with real curl: users that the kernel tells apart, proofs for requests to a real gate, and two machines whose
# agents prove their keys to each other.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/examples/agent/scene.sh"
need_avow
# Other users have to come to the socket.
D=$(mktemp -d /tmp/avow-local.XXXXXX)
trap 'rm -rf "$D"; leave' EXIT
chmod 755 "$D"

agent_scene && mirror_scene || give_up "cannot start: agent_scene"
"$AVOW" key new --type p256 -o "$T/keys/client.key" >"$T/out" && "$AVOW" key public "$T/keys/client.key" >"$T/keys/client.pub" ||
	give_up "no key for a client"
# local_config MORE: the agent's configuration with a socket.
local_config() {
	cat <<-END
		local:
		  listen: unix:$D/web-1.sock
		  users: [nobody]
		  rate: 500
		  urls: ["https://localhost:$PORT/debian/"]
		  url: https://web-1.acme
		  audience: web
		  peers:
		    - {account: client, key: $T/keys/client.pub, url: "https://client.acme"}
		$1
	END
}
LOCAL=$D/web-1.sock
sed '/^local:/,$d' "$T/etc/avow/agent.yaml" >"$T/etc/avow/plain.yaml"
cp "$T/etc/avow/plain.yaml" "$T/etc/avow/agent.yaml"
local_config '    - {account: ann, key: '"$T/none"'}' >>"$T/etc/avow/agent.yaml"
check_config() {
	"$AVOW" agent --config "$1" --check 2>&1
}
expect "a peer's key that is not there" "*$T/none*" check_config "$T/etc/avow/agent.yaml"
{
	cat "$T/etc/avow/plain.yaml"
	local_config '    - {account: ann, url: "https://ann.acme"}'
} >"$T/etc/avow/agent.yaml"
expect "--check" "agent of web-1: *, 1 users, 2 peers" check_config "$T/etc/avow/agent.yaml"
sed 's/users: \[nobody\]/users: [no-such-user]/' "$T/etc/avow/agent.yaml" >"$T/etc/avow/bad.yaml"
expect "a user who is not there, with the place" "*bad.yaml:*: error: there is no user \`no-such-user\`*" \
    check_config "$T/etc/avow/bad.yaml"
as fabric account enrol web-1 -o "$T/run/enrol.secret" >"$T/out" || give_up "no secret"
shown web-1 web-1 "$(claims 127.0.0.1 base)" && start_agent || give_up "the agent does not start"
expect "the agent" "*: ready*" soon "*: ready*" status

say "Who may ask:"
expect "root" "eyJ* 200" asks token
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	AS="setpriv --reuid nobody --regid nogroup --clear-groups"
	expect "one who is named, without a session" "eyJ* 200" asks token
	expect "the document" '{*"subject":"web-1"*} 200' asks document
	AS="setpriv --reuid 12345 --regid nogroup --clear-groups"
	expect "one who is not" "*local.users*403 request.peer" asks token
	expect "nor a proof" "*403 request.peer" posts proof "{\"method\":\"GET\",\"url\":\"https://localhost:$PORT/debian/x\"}"
	AS=
	check "and who that was, in the log" grep -q 'event=agent.local ok=false uid=-1 .*code=request.peer' "$T/agent.log"
else
	skip "other users need root and setpriv"
fi
expect "the socket is for all to knock at" 666 stat -c %a "$D/web-1.sock"
expect "no key" "*404 request.path" asks key
expect "nothing with a key in it" 0 eval 'for what in token document pack status; do asks $what; done | grep -c "PRIVATE\|\"d\":"'

say "A proof for each request to a gate with \`demand: key\`:"
INDEX=https://localhost:$PORT/debian/dists/stable/InRelease
expect "the index" "200*" gets "$INDEX"
check "is what it is" grep -q "Codename: stable\|Suite: stable" "$T/got"
again() {
	curl -s --max-time 10 --cacert "$CA" -o "$T/got" -w '%{http_code} %header{x-avow-reason}' \
	    -H "Authorization: $(text authorization)" -H "DPoP: $(text dpop)" "$1"
}
expect "the same proof again" "401 evidence.replayed" again "$INDEX"
expect "or for something else" "401 evidence.proof" again "https://localhost:$PORT/debian/dists/stable/Release"
expect "for the token service: none" "*403 request.peer" posts proof "{\"method\":\"POST\",\"url\":\"$STS/v1/tokens\"}"
expect "out of what is configured: none" "*404 request.path" \
    posts proof "{\"method\":\"GET\",\"url\":\"https://localhost:$PORT/debian/..%2fplain/x\"}"
check "each is in the log, with the user" grep -q "event=agent.local ok=true uid=$(id -u) what=proof about=\"$INDEX\"" "$T/agent.log"

say "A client proves itself to the machine:"
# challenge ACCOUNT: one of the machine at SOCKET.
challenge() {
	posts challenges "{\"account\":\"$1\",\"method\":\"p256\"}" >"$T/answer"
	text challenge
}
# proves ROLE URL [AUDIENCE]: the client answers by the command line, and the machine says.
proves() {
	local answer
	answer=$("$AVOW" challenge answer --role "$1" --account client --key "$T/keys/client.key" --audience "${3-web}" \
	    --service "$2" --challenge "$(challenge client)") || return
	echo "{\"answer\":$answer}" >"$T/check"
	posts checks "@$T/check"
}
expect "the client" '*"account"*"client"* 200' proves client https://web-1.acme
expect "the same answer again" "*403 evidence.replayed" posts checks "@$T/check"
expect "made for another machine" "*403 evidence.proof" proves client https://web-2.acme
expect "for something else" "*403 evidence.proof" proves client https://web-1.acme ssh
expect "in another role" "*403 evidence.proof" proves instance https://web-1.acme
expect_exit "one that stands between" 1 "$AVOW" challenge answer --role client --relay fabric --account client \
    --key "$T/keys/client.key" --audience web --service https://web-1.acme --challenge AAAA
expect "what is no answer" "*400 *.malformed" posts checks '{"answer":{}}'

say "Two machines, each with an agent:"
"$AVOW" key public "$T/lib/agent/instance.key.pem" >"$T/keys/web-1.pub" || give_up "no public key of web-1"
cat >"$T/etc/avow/ann.yaml" <<-END
	instance: ann
	state: $T/lib/ann
	service: {url: "$STS", ca: $CA}
	tokens: [updates]
	metadata: {listen: "unix:$D/ann-metadata.sock"}
	local:
	  listen: unix:$D/ann.sock
	  users: [nobody]
	  rate: 5
	  role: client
	  url: https://ann.acme
	  audience: web
	  peers: [{account: web-1, key: $T/keys/web-1.pub, url: "https://web-1.acme"}]
END
start ann "$AVOW" agent --config "$T/etc/avow/ann.yaml"
until_true 10 test -S "$D/ann.sock" || give_up "ann's agent does not start"
"$AVOW" key public "$T/lib/ann/instance.key.pem" >"$T/keys/ann.pub"
sed -i "s|account: ann, url|account: ann, key: $T/keys/ann.pub, url|" "$T/etc/avow/agent.yaml"
old=$(challenge client)
kill -HUP "${PIDS[agent]}"
check "web-1 learns ann's key" until_true 10 grep -q 'event=reload ok=true' "$T/agent.log"
until_true 10 test -S "$D/web-1.sock" && expect "and is there again" "*: ready*" soon "*: ready*" status
# between ASKER PROVER PROVER-SOCKET-NAME ASKER-SOCKET-NAME: the one asks, the other proves, the first says who it is.
between() {
	local c
	SOCKET=$D/$1.sock
	c=$(challenge "$2")
	SOCKET=$D/$2.sock
	posts answers "{\"account\":\"$1\",\"challenge\":\"$c\"}" | sed 's/ 200$//' >"$T/proof"
	echo "{\"answer\":$(cat "$T/proof")}" >"$T/check"
	SOCKET=$D/$1.sock
	posts checks "@$T/check"
	unset SOCKET
}
expect "ann asks: it is web-1" '*"account"*"web-1"* 200' between ann web-1
expect "web-1 asks: it is ann" '*"account"*"ann"* 200' between web-1 ann
reflected() {
	SOCKET=$D/web-1.sock
	posts answers "{\"account\":\"ann\",\"challenge\":\"$(challenge ann)\"}" | sed 's/ 200$//' >"$T/proof"
	echo "{\"answer\":$(cat "$T/proof")}" >"$T/check"
	posts checks "@$T/check"
	unset SOCKET
}
expect "web-1's own answer, shown to itself" "*403 evidence.proof" reflected
voided() {
	"$AVOW" challenge answer --role client --account client --key "$T/keys/client.key" --audience web \
	    --service https://web-1.acme --challenge "$old" >"$T/proof" || return
	echo "{\"answer\":$(cat "$T/proof")}" >"$T/check"
	posts checks "@$T/check"
}
expect "a challenge of before the reload" "*403 evidence.proof" voided

say "As often as is said:"
often() {
	for _ in $(seq 12); do
		SOCKET=$D/ann.sock asks status
		echo
	done | grep -c '429 request.rate'
}
expect "twelve at once, of five a second" "[1-9]*" often

say "The metadata service at a Unix socket, who may connect being its path's matter:"
expect "its mode" 660 stat -c %a "$D/ann-metadata.sock"
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 666 "$D/ann-metadata.sock"
	# lists [CURL OPTION...]: as the user in AS.
	lists() {
		$AS curl -s --max-time 20 --unix-socket "$D/ann-metadata.sock" -o /dev/null -w '%{http_code}\n' "$@"
	}
	# floods: more requests than there are in a second, on one connection; all that are refused.
	floods() {
		AS="setpriv --reuid nobody --regid nogroup --clear-groups" \
		    lists 'http://localhost/latest/[1-2000]' | grep -c 429
	}
	expect "a user who asks 2,000 times at once is refused" "[1-9]*" floods
	both() {
		floods >"$T/flood" &
		local flood=$! code
		until_true 10 test -e "$T/flood" || return
		for _ in $(seq 20); do
			code=$(AS= lists http://localhost/latest/meta-data/)
			[ "$code" = 401 ] || echo "$code"
		done
		wait "$flood"
		[ "$(cat "$T/flood")" -gt 0 ] && echo "401 alone"
	}
	expect "another is not, meanwhile" "401 alone" both
else
	skip "other users need root and setpriv"
fi
stop agent
stop ann
expect "the sockets are gone" 0 eval 'ls "$D" | wc -l'
finish
