#!/bin/bash
# agent_documents.sh - the agent asks the document service for its documents: bound to its key, the newest after a change, and kept while the service
# is away.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/examples/documents/scene.sh"
need_avow
DOCUMENT_KEY=rsa2048 documents_scene || give_up "cannot start: documents_scene"
META_PORT=$(free_port)
META=http://127.0.0.1:$META_PORT
as fabric account new web-1 >"$T/out" &&
	as fabric account enrol web-1 -o "$T/enrol.secret" >"$T/out" &&
	curl -sf --cacert "$CA" "$STS/v1/keys?form=pem" -o "$T/documents.pem" ||
	give_up "no account, no secret or no keys"
APT='{kind: apt, path: '$T'/apt.conf, repositories: ["https://mirror/"]}'
cat >"$T/agent.yaml" <<-END
	instance: web-1
	state: $T/state
	service: {url: "$STS", ca: $CA}
	enrolment: $T/enrol.secret
	key: ed25519
	tokens: [updates]
	documents: {keys: $T/documents.pem, issuer: acme, audience: [updates], claims: [imageId, os.version], cms: on}
	metadata: {listen: "127.0.0.1:$META_PORT"}
	files: [{kind: document, path: $T/document.json}, $APT]
END
start_agent() {
	start agent "$AVOW" agent --config "$T/agent.yaml"
	wait_for_port agent 127.0.0.1 "$META_PORT"
}
status() {
	"$AVOW" agent status --config "$T/agent.yaml"
}
meta() {
	local token
	token=$(curl -s --max-time 5 -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" "$META/latest/api/token")
	curl -s --max-time 5 -w ' %{http_code}' -H "X-aws-ec2-metadata-token: $token" "$META$1"
}
listing() {
	meta "$1" | paste -sd' '
}
id() {
	sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p' "$T/document.json"
}

start_agent || give_up "the agent does not start"
expect "nothing is known of it yet: why there is no document" "*requirement.claim*" \
    soon "*requirement.claim*" status
expect "the controller says what it is" "done" says happened web-1 provisioned \
    '{"imageId":"img-7","os":{"name":"debian","version":"12"},"privateIp":"10.0.0.5"}'
kill -USR1 "${PIDS[agent]}"
expect "a document that is bound to a key is no password for apt" "*document  fresh*evidence.proof*proxy*" \
    soon "*fresh*evidence.proof*" status
expect_exit "no such file is left" 1 test -e "$T/apt.conf"
sed -i "s|, {kind: apt[^}]*}||" "$T/agent.yaml"
kill -HUP "${PIDS[agent]}"
expect "all is there" "*: ready*document  fresh*" soon "*: ready*" status
expect "ami-id" "img-7 200" meta /latest/meta-data/ami-id
expect "what was not asked for is not told" "*404" meta /latest/meta-data/local-ipv4
bound() {
	grep -o '"cnf":{"jkt":"[^"]*"' "$T/document.json" | cut -d'"' -f6
}
expect "bound to the agent's key" "$("$AVOW" key thumbprint "$T/state/instance.key.pem")" bound
expect "the token for the service is not handed out" "*404" meta "/avow/v1/token?audience=$STS"
first=$(id)
# held NAME: of the document, as the status has it.
held() {
	"$AVOW" agent status --config "$T/agent.yaml" --json |
		sed -n "/\"document\":/,/}/s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"
}
before=$(held nextTry)
# The next try is later once the service was asked again.
asked_again() {
	local next
	kill -USR1 "${PIDS[agent]}"
	next=$(held nextTry)
	[[ $next > $before ]]
}
check "it asks again" until_true 10 asked_again
expect "and it is the same" "$first" held id
expect "an upgrade" "done" says happened web-1 upgraded '{"os":{"version":"12.1"}}'
kill -USR1 "${PIDS[agent]}"
another() {
	[ "$(id)" != "$first" ] && grep -o '"version":"[^"]*"' "$T/document.json"
}
expect "brings another" '"version":"12.1"' soon '"version":"12.1"' another
say "As CMS, by EC2's paths, checked with openssl alone:"
expect "what there is" "document pkcs7 rsa2048 signature 200" listing /latest/dynamic/instance-identity/
# shell_of KEY: a certificate around the pinned key, under the name that messages use for it (docs/documents.md).
shell_of() {
	openssl genpkey -algorithm ed25519 -out "$T/any.pem" 2>>"$T/openssl.log" &&
		openssl x509 -new -force_pubkey "$1" -key "$T/any.pem" -subj /CN=issuer -days 1 -out "$T/shell.pem" \
		    -extfile <(echo "subjectKeyIdentifier=$("$AVOW" key thumbprint "$1" | tr '_-' '/+' |
			sed 's/$/=/' | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')") 2>>"$T/openssl.log"
}
shell_of "$T/documents.pem" || give_up "no certificate around the key"
# cms_says PATH: the claims, after openssl has verified the message.
cms_says() {
	{
		echo "-----BEGIN PKCS7-----"
		meta "$1" | sed 's/ 200$//'
		echo
		echo "-----END PKCS7-----"
	} >"$T/message.pem"
	openssl cms -verify -noverify -nointern -certfile "$T/shell.pem" -inform PEM -in "$T/message.pem" \
	    -binary 2>>"$T/openssl.log" | grep -o '"claims":.*}' | head -c 60
}
expect "pkcs7" '"claims":{"imageId":"img-7","os":{"version":"12.1"}}}' \
    soon '*12.1*' cms_says /latest/dynamic/instance-identity/pkcs7
expect "rsa2048, as the service's key is one" '"claims":{"imageId":"img-7","os":{"version":"12.1"}}}' \
    cms_says /latest/dynamic/instance-identity/rsa2048
grep -v PKCS7 "$T/message.pem" | openssl base64 -d | sed 's/img-7/img-8/' >"$T/message.p7m"
expect_exit "altered, openssl refuses it" 4 openssl cms -verify -noverify -nointern -certfile "$T/shell.pem" \
    -inform DER -in "$T/message.p7m" -binary -out "$T/out"
say "The service is away:"
stop sts KILL
stop agent KILL
start_agent || give_up "the agent does not start again"
expect "kept while the service is away" "img-7 200" soon "img-7 200" meta /latest/meta-data/ami-id
start_service || give_up "the service does not come back"
kill -USR1 "${PIDS[agent]}"
expect "and all is well again" "*: ready*" soon "*: ready*" status
for form in jws embedded; do
	sed -i "s/acme,\( form: [a-z]*,\)\?/acme, form: $form,/" "$T/agent.yaml"
	kill -HUP "${PIDS[agent]}"
	expect "another form: $form" "avow1.avow-$form.*.* 200" \
	    soon "avow1.avow-$form.*.* 200" meta /avow/v1/pack
	expect "with its signature inside" "*404" meta /latest/dynamic/instance-identity/signature
	stop agent KILL
	start_agent || give_up "the agent does not start with a kept $form"
	expect "kept" "avow1.avow-$form.*.* 200" meta /avow/v1/pack
done
sed -i "s/ form: embedded,/ form: cms,/" "$T/agent.yaml"
kill -HUP "${PIDS[agent]}"
expect "CMS as the form of all: one document for both" "document pkcs7 rsa2048 200" \
    soon "document pkcs7 rsa2048 200" listing /latest/dynamic/instance-identity/
say "Bound to no key, by a profile that says so, for apt without the proxy:"
stop agent
sed -i "s|profiles: {|profiles: {apt: {claims: [imageId, privateIp], bind: false, lifetime: 10m}, |" "$T/etc/avow/sts.yaml"
expect "which is warned of" "*warning: documents of the profile \`apt\` are bound to no key*" \
    eval '"$AVOW" serve --config "$T/etc/avow/sts.yaml" --check 2>&1'
kill -HUP "${PIDS[sts]}"
check "the service reads it" until_true 10 grep -q 'event=reload ok=true' "$T/sts.log"
expect "an address that is this one's" "done" says happened web-1 provisioned '{"privateIp":"127.0.0.1"}'
mkdir -p "$T/gate/policies"
echo 'permit (principal, action, resource);' >"$T/gate/policies/all.avow"
cat >"$T/gate/gate.yaml" <<-END
	listen: unix:$T/gate/gate.sock
	policies: [$T/gate/policies]
	decisionLog: $T/gate/gate.jsonl
	gates:
	  - {kind: repository, name: updates, repositories: {main: /debian/}}
	  - {kind: repository, name: strict, demand: key, url: "http://gate", repositories: {strict: /strict/}}
	trust:
	  - {kind: avow, keys: $T/documents.pem, issuer: acme}
END
start gate "$AVOW" serve --config "$T/gate/gate.yaml"
until_true 10 test -S "$T/gate/gate.sock" || give_up "the gate does not start"
sed -i "s|^documents:.*|documents: {keys: $T/documents.pem, issuer: acme, audience: [updates, strict], profile: apt}|
	s|^files:.*|files: [$APT, {kind: pack, path: $T/pack.curl, form: curl}]|" "$T/agent.yaml"
rm -rf "$T/state/document"* "$T/state/cms"*
start_agent || give_up "the agent does not start with a profile"
kill -USR1 "${PIDS[agent]}"
expect "all is written" "*: ready*apt.conf  written*pack.curl  written*" soon "*: ready*" status
# shown PATH [CURL OPTION...]: as apt shows what stands in its file.
shown() {
	local path=$1
	shift
	curl -s --max-time 10 --unix-socket "$T/gate/gate.sock" -o "$T/body" -w '%{http_code} %header{x-avow-reason}' \
	    -H "X-Original-URI: $path" -H 'X-Original-Method: GET' -H 'X-Forwarded-Proto: https' "$@" http://gate/gate/auth
}
as_apt() {
	local path=$1 from=$2
	shown "$path" -H "X-Forwarded-For: $from" -u "$(awk '{ print $4 ":" $6 }' "$T/apt.conf")"
}
expect "the gate takes it as a password, from its address" "204 permit" as_apt /debian/dists/stable/InRelease 127.0.0.1
expect "from another address not" "403 requirement.address" as_apt /debian/dists/stable/InRelease 127.0.0.9
expect "a gate that demands a key does not" "401 evidence.proof" as_apt /strict/dists/stable/InRelease 127.0.0.1
expect "curl, by its file" "204 permit" shown /debian/dists/stable/InRelease -H 'X-Forwarded-For: 127.0.0.1' -K "$T/pack.curl"
check "the log has no token" bash -c "! grep -q eyJ '$T/agent.log'"
finish
