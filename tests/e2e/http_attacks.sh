#!/bin/bash
# http_attacks.sh - SECURITY 4 and 5 against the real thing: what a client, a proxy and a liar can write into a request, through nginx
# and straight at the gate.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/examples/update-repository/scene.sh"
need_servers
repository_scene || give_up "cannot start: repository_scene"

# The same gate a second time, on TCP, where 127.0.0.1 is the proxy that may speak for clients.
DIRECT=$(free_port)
sed -e "s|^listen: .*|listen: 127.0.0.1:$DIRECT\nproxies: [127.0.0.1/32]|" \
    -e 's|decisions.jsonl|direct.jsonl|' \
    "$T/etc/avow/avow.yaml" >"$T/etc/avow/direct.yaml"
start direct "$AVOW" serve --config "$T/etc/avow/direct.yaml"
wait_for_port direct 127.0.0.1 "$DIRECT" || give_up "the second gate does not start"

document here i-1 "$(claims 127.0.0.1 base)"
document there i-1 "$(claims 10.0.0.5 base)"
mapfile -t HERE < <(shows here)
mapfile -t THERE < <(shows there)
INDEX=/debian/dists/stable/InRelease
OK="204 permit"

# send CURL OPTION...: to the gate, these headers only.
send() {
	curl -s -o "$T/body" --max-time 10 -H 'Accept:' -H 'User-Agent:' "$@" \
	    -w '%{http_code} %header{x-avow-reason}\n' \
	    "http://127.0.0.1:$DIRECT/gate/auth" | sed 's/ $//'
}

METHOD=(-H 'X-Original-Method: GET')
WHAT=(-H "X-Original-URI: $INDEX" "${METHOD[@]}")
FROM=(-H 'X-Forwarded-For: 10.0.0.5')
HTTPS=(-H 'X-Forwarded-Proto: https')

# A slow head must not hold a connection; begun now, looked at in the end.
trickle() {
	local begun=$SECONDS
	exec 3<>"/dev/tcp/127.0.0.1/$DIRECT" || return
	printf 'GET /gate/auth HTTP/1.1\r\nHost: x\r\nX-Slow: ' >&3
	(trap '' PIPE; while printf a >&3; do sleep 1; done) 2>/dev/null &
	timeout 20 cat <&3 >/dev/null
	local status=$?
	kill $! 2>/dev/null
	echo "$status $((SECONDS - begun))"
}
trickle >"$T/trickle" 2>/dev/null &
trickling=$!

say "What a proxy says of its client:"
expect "all as it should be" "$OK" \
    send "${WHAT[@]}" "${FROM[@]}" "${HTTPS[@]}" "${THERE[@]}"
expect "the other pair of headers" "$OK" send -H "X-Forwarded-Uri: $INDEX" \
    -H 'X-Forwarded-Method: GET' "${FROM[@]}" "${HTTPS[@]}" "${THERE[@]}"
expect "somebody who is no proxy" "403 request.peer" send \
    --interface 127.0.0.9 "${WHAT[@]}" "${FROM[@]}" "${HTTPS[@]}" "${THERE[@]}"
expect "a client's own words, further left" "$OK" send "${WHAT[@]}" \
    -H 'X-Forwarded-For: 10.9.9.9, 10.0.0.5' "${HTTPS[@]}" "${THERE[@]}"
expect "behind a second trusted proxy" "$OK" send "${WHAT[@]}" \
    -H 'X-Forwarded-For: 10.0.0.5, 127.0.0.1' "${HTTPS[@]}" "${THERE[@]}"
expect "the attested address, further left" "403 requirement.address" send \
    "${WHAT[@]}" -H 'X-Forwarded-For: 10.0.0.5, 10.9.9.9' "${HTTPS[@]}" \
    "${THERE[@]}"
expect "an IPv4 address in IPv6 form" "$OK" send "${WHAT[@]}" \
    -H 'X-Forwarded-For: ::ffff:10.0.0.5' "${HTTPS[@]}" "${THERE[@]}"
expect "X-Real-IP and Forwarded say something else" "$OK" send "${WHAT[@]}" \
    "${FROM[@]}" "${HTTPS[@]}" "${THERE[@]}" -H 'X-Real-IP: 10.7.7.7' \
    -H 'Forwarded: for=10.7.7.7'
for odd in unknown '10.0.0.5:80' '010.0.0.5' '10.0.0.5%eth0' '10.0.0' \
	'::10.0.0.5' 'fe80::1%1' '10.9.9.9, ' ', 10.0.0.5,' 'localhost'; do
	expect "X-Forwarded-For: $odd" "403 request.*" send "${WHAT[@]}" \
	    -H "X-Forwarded-For: $odd" "${HTTPS[@]}" "${THERE[@]}"
done
expect "no address" "403 request.malformed" \
    send "${WHAT[@]}" "${HTTPS[@]}" "${THERE[@]}"
expect "plain http" "401 evidence.transport" send "${WHAT[@]}" "${FROM[@]}" \
    -H 'X-Forwarded-Proto: http' "${THERE[@]}"
expect "nothing said of the protocol" "401 evidence.transport" \
    send "${WHAT[@]}" "${FROM[@]}" "${THERE[@]}"
expect "an odd protocol" "403 request.*" send "${WHAT[@]}" "${FROM[@]}" \
    -H 'X-Forwarded-Proto: https,http' "${THERE[@]}"

say "Headers twice, half, or both pairs:"
REST=("${FROM[@]}" "${HTTPS[@]}" "${THERE[@]}")
expect "the address twice" "403 request.malformed" \
    send "${WHAT[@]}" "${FROM[@]}" "${REST[@]}"
expect "the protocol twice" "403 request.malformed" \
    send "${WHAT[@]}" "${HTTPS[@]}" "${REST[@]}"
expect "the path twice" "403 request.malformed" \
    send "${WHAT[@]}" -H "X-Original-URI: /other" "${REST[@]}"
expect "the method twice" "403 request.malformed" \
    send "${WHAT[@]}" "${METHOD[@]}" "${REST[@]}"
expect "both pairs" "403 request.malformed" send "${WHAT[@]}" \
    -H "X-Forwarded-Uri: $INDEX" -H 'X-Forwarded-Method: GET' "${REST[@]}"
expect "neither" "403 request.malformed" send "${REST[@]}"
expect "half of one" "403 request.malformed" send "${METHOD[@]}" "${REST[@]}"
expect "half of each" "403 request.malformed" \
    send "${METHOD[@]}" -H "X-Forwarded-Uri: $INDEX" "${REST[@]}"
for method in POST PUT DELETE get TRACE; do
	expect "method $method" "403 request.method" send \
	    -H "X-Original-Method: $method" -H "X-Original-URI: $INDEX" "${REST[@]}"
done

say "Evidence twice, of two kinds, or broken:"
BASE=("${WHAT[@]}" "${FROM[@]}" "${HTTPS[@]}")
pack=$(cat "$T/docs/there.pack")
expect "none" "401 evidence.missing" send "${BASE[@]}"
expect "a pack" "$OK" send "${BASE[@]}" -H "X-Avow-Pack: $pack"
expect "Basic" "$OK" send "${BASE[@]}" -u "i-1:$pack"
expect "Basic with another's name" "401 evidence.instance" \
    send "${BASE[@]}" -u "i-2:$pack"
expect "the same document twice" "401 evidence.ambiguous" \
    send "${BASE[@]}" "${THERE[@]}" "${THERE[@]:0:2}"
expect "Authorization twice" "401 evidence.ambiguous" send "${BASE[@]}" \
    -H "Authorization: Basic eDp5" -H "Authorization: Basic eDp5"
expect "a pack and a document" "401 evidence.ambiguous" \
    send "${BASE[@]}" "${THERE[@]}" -H "X-Avow-Pack: $pack"
expect "Basic and a document" "401 evidence.ambiguous" \
    send "${BASE[@]}" "${THERE[@]}" -u "i-1:$pack"
expect "a document and no signature" "401 evidence.@(malformed|missing)" \
    send "${BASE[@]}" "${THERE[@]:0:2}"
expect "padded Base64" "401 evidence.malformed" \
    send "${BASE[@]}" "${THERE[@]:0:2}" -H "${THERE[3]}=="
expect "no Base64" "401 evidence.malformed" \
    send "${BASE[@]}" "${THERE[@]:0:2}" -H "X-Avow-Signature: a b"
expect "a pack of another version" "401 evidence.*" \
    send "${BASE[@]}" -H "X-Avow-Pack: avow2.${pack#avow1.}"
expect "a pack of a kind that is not trusted" "401 evidence.kind" \
    send "${BASE[@]}" -H "X-Avow-Pack: avow1.ec2-signature.${pack#avow1.avow.}"
expect "a pack that is too long" "401 evidence.@(too_large|malformed)" \
    send "${BASE[@]}" -H "X-Avow-Pack: $pack$(printf '%06000d' 0)"
resigned odd-id there 's/"subject":"i-1"/"subject":"i;1"/'
resigned newline-id there 's/"subject":"i-1"/"subject":"i\\n1"/'
resigned two-ids there 's/"subject":"i-1"/"subject":"i-1","subject":"i-1"/'
resigned odd-type there 's|avow-document/1|avow-document/2|'
resigned for-others there 's/"audience":\[[^]]*\]/"audience":["elsewhere"]/'
resigned bound there 's/"claims":/"cnf":{"jkt":"0123456789012345678901234567890123456789012"},"claims":/'
resigned early there \
    's/"notBefore":"20/"notBefore":"21/; s/"expiresAt":"20/"expiresAt":"21/'
resigned foreign there 's/"issuer":"acme"/"issuer":"other"/'
for row in odd-id=instance newline-id=instance two-ids=malformed \
	odd-type=malformed for-others=audience bound=proof foreign=issuer \
	early=not_yet_valid; do
	expect "a signed document, ${row%=*}" "401 evidence.${row#*=}" \
	    send "${BASE[@]}" -H "X-Avow-Pack: $(cat "$T/docs/${row%=*}.pack")"
done

say "Paths, straight at the gate:"
at() {
	send -H "X-Original-URI: $1" "${METHOD[@]}" "${REST[@]}"
}
for path in "$INDEX" "$INDEX?a=b&c=/../d" /debian/./dists/stable/InRelease \
	/debian/dists/stable/ /debian/pool/g%2b%2b_1%3a12_%7e1.deb \
	/debian/pool/%C3%BC.deb /tools/./InRelease; do
	expect "$path" "$OK" at "$path"
done
REFUSED=(
	/debian//dists /debian/a//b //debian/a /debian/a//
	/debian/../debian-extended/a /debian/.. /debian/a/../b
	/debian/%2e%2e/a /debian/%2E%2E/a /debian/.%2e/a /debian/%2e/a
	/debian/..%2fdebian-extended/a /debian/a%2fb /debian/a%2Fb
	/debian/a%252fb /debian/%252e%252e/a /debian/a%25b
	'/debian/a\b' /debian/a%5cb '/debian/..\a' '/debian/a;b' /debian/a%3bb
	/debian/a%00b /debian/a.deb%00 /debian/a%0d%0aX-Avow-Document:%20z
	/debian/a%0ab /debian/a%09b /debian/a%1fb /debian/a%7fb
	/debian/%ff /debian/%c0%ae%c0%ae/a /debian/%ed%a0%80 /debian/%f5%80%80%80
	/debian/a% /debian/a%2 /debian/a%zz /debian/a%u002e
	http://127.0.0.1/debian/a http://evil/debian/../a debian/a '*' ''
	'/debian/a#b' "/debian/$(printf '%04100d' 0)"
	/ /other/a /debianx/a /DEBIAN/a /debian-extendedx/a
)
for path in "${REFUSED[@]}"; do
	expect "${path:0:60}" "403 request.@(path|malformed)" at "$path"
done

say "Requests that two programs read differently:"
HEAD="GET /gate/auth HTTP/1.1\r\nHost: x\r\n"
GOOD="X-Original-URI: $INDEX\r\nX-Original-Method: GET\r\n"
GOOD+="X-Forwarded-For: 10.0.0.5\r\nX-Forwarded-Proto: https\r\n"
GOOD+="${THERE[1]}\r\n${THERE[3]}\r\n"
SECOND="GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
END="Connection: close\r\n\r\n"
expect "the same, rightly" "204 closed" raw "$DIRECT" "$HEAD$GOOD$END"
expect "two lengths in two ways" "400 closed" raw "$DIRECT" \
    "POST /gate/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n${GOOD}\r\n0\r\n\r\n$SECOND"
expect "two lengths" "400 closed" raw "$DIRECT" \
    "POST /gate/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 40\r\n$GOOD\r\n$SECOND"
expect "two hosts" "400 closed" \
    raw "$DIRECT" "${HEAD}Host: y\r\n$GOOD\r\n$SECOND"
expect "a space before the colon" "400 closed" \
    raw "$DIRECT" "${HEAD}${GOOD}X-Avow-Pack : x\r\n\r\n$SECOND"
expect "a name with a space" "400 closed" \
    raw "$DIRECT" "${HEAD}${GOOD}X Avow: 1\r\n\r\n$SECOND"
expect "NUL in a value" "400 closed" \
    raw "$DIRECT" "${HEAD}${GOOD}X-A: a\\0000b\r\n\r\n$SECOND"
expect "a control byte in a value" "400 closed" \
    raw "$DIRECT" "${HEAD}${GOOD}X-A: a\\0001b\r\n\r\n$SECOND"
expect "a repeated header closes" "401 closed" \
    raw "$DIRECT" "${HEAD}${GOOD}${THERE[1]}\r\n\r\n$SECOND"
expect "%00 in the gate's own path" "4?? *" raw "$DIRECT" \
    "GET /gate/auth%00x HTTP/1.1\r\nHost: x\r\n$GOOD$END"
expect "the gate's own path, encoded" "4?? *" raw "$DIRECT" \
    "GET /gate/%61uth HTTP/1.1\r\nHost: x\r\n$GOOD$END"
expect "absolute form" "4?? *" raw "$DIRECT" \
    "GET http://evil/gate/auth HTTP/1.1\r\nHost: x\r\n$GOOD$END"
many=$(for i in $(seq 70); do printf 'X-%d: a\\r\\n' "$i"; done)
expect "70 header fields" "4?? closed" raw "$DIRECT" "$HEAD$GOOD$many$END"
expect "a field of 17,000 bytes" "4?? closed" \
    raw "$DIRECT" "${HEAD}${GOOD}X-A: $(printf '%017000d' 0)\r\n$END"
expect "a request line of 9,000 bytes" "4?? closed" raw "$DIRECT" \
    "GET /gate/auth?$(printf '%09000d' 0) HTTP/1.1\r\nHost: x\r\n$GOOD$END"
expect "no HTTP at all" "@(4?? |)closed" raw "$DIRECT" "\\0026\\0003\\0001\r\n\r\n"
check "after all that it still answers" \
    prints "$OK" send "${BASE[@]}" "${THERE[@]}"

say "What every answer carries:"
headers() {
	curl -s -D - -o "$T/body" "${BASE[@]}" "$@" \
	    "http://127.0.0.1:$DIRECT/gate/auth" | tr -d '\r'
}
check "no answer may be stored" \
    grep -i '^Cache-Control: no-store$' <(headers "${THERE[@]}")
check "nor a refusal" grep -i '^Cache-Control: no-store$' <(headers)
check "a refusal without evidence says how to show some" \
    grep -i '^WWW-Authenticate: ' <(headers)
check "an id that the decision log has" \
    grep -qF "$(headers | sed -n 's/^[Xx]-[Aa]vow-[Dd]ecision: //p')" \
    "$T/log/direct.jsonl"
check "no signature or pack in the log" bash -c \
    "! grep -qF -e '$(tr -d '\n=' <"$T/docs/there.sig" | cut -c1-40)' \
    -e '$(signature64url "$T/docs/there.sig" | cut -c1-40)' '$T/log/direct.jsonl'"

say "Through nginx:"
expect "the file" "200 permit" ask "$INDEX" "${HERE[@]}"
for path in "${REFUSED[@]}"; do
	case $path in
	/*'#'* | [!/]* | '') continue ;;
	esac
	expect "${path:0:60}" "@(400|403 request.path)" ask "$path" "${HERE[@]}"
done
expect "absolute form" "@(400|403 request.path)" ask / "${HERE[@]}" \
    --request-target "http://127.0.0.1/debian/../debian-extended/a"
document away i-1 "$(claims 127.0.0.77 base)"
mapfile -t AWAY < <(shows away)
expect "a forged X-Forwarded-For" "403 requirement.address" \
    ask "$INDEX" "${AWAY[@]}" -H 'X-Forwarded-For: 127.0.0.77'
expect "the rightful one" "200 permit" \
    ask "$INDEX" "${AWAY[@]}" --interface 127.0.0.77
expect "a forged X-Original-URI" "401 evidence.missing" ask "$INDEX" \
    -H "X-Original-URI: /tools/InRelease"
expect "a forged X-Forwarded-Uri" "200 permit" ask "$INDEX" "${HERE[@]}" \
    -H "X-Forwarded-Uri: /x" -H "X-Forwarded-Method: POST"
expect "the address twice" "200 permit" ask "$INDEX" "${HERE[@]}" \
    -H 'X-Forwarded-For: 10.1.1.1' -H 'X-Forwarded-For: 10.2.2.2'
expect "a forged reason" "401 evidence.missing" \
    ask "$INDEX" -H 'X-Avow-Reason: permit'
expect "two kinds of evidence" "401 evidence.ambiguous" \
    ask "$INDEX" "${HERE[@]}" -u "i-1:$(cat "$T/docs/here.pack")"
expect "POST" "40[135]*" ask "$INDEX" "${HERE[@]}" -X POST -d x=y
expect "HEAD" "200 permit" ask "$INDEX" "${HERE[@]}" -I
expect "the gate's location, from outside" "404*" ask /_avow "${HERE[@]}"
ln -s /etc/passwd "$T/srv/mirror/debian/link"
expect "a symlink out of the mirror" "403*" ask /debian/link "${HERE[@]}"
stop avow
expect "Avow is gone: nothing comes through" "500*" ask "$INDEX" "${HERE[@]}"

say "A head that comes a byte a second:"
wait "$trickling"
check "closed by the server after about ten seconds" bash -c \
    "read -r status seconds <'$T/trickle'; echo \"\$status \$seconds\"; \
    [ \"\$status\" != 124 ] && [ \"\$seconds\" -ge 8 ] && [ \"\$seconds\" -le 14 ]"
finish
