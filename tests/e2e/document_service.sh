#!/bin/bash
# document_service.sh - the document service as those meet it who attack it: documents of others, stale, altered, contradicting, too large, of groups without
# their member; bodies, pages, keys; a change of signing keys, a second node, a kill; a configuration that would sign in a gate.
# The life of a document as it should go is examples/documents/run.sh.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/examples/documents/scene.sh"
need_avow
documents_scene || give_up "cannot start: documents_scene"
machine web-1 && machine web-2 || give_up "no machines"
controller other db- || give_up "no second controller"
gate_of_documents || give_up "cannot start: gate_of_documents"
P1='{"imageId":"img-web-7","privateIp":"10.0.0.5","os":{"name":"debian","version":"12"},"custom":{"team":"blue"}}'
happened web-1 provisioned "$P1" >"$T/out" &&
	happened web-2 provisioned "${P1/10.0.0.5/10.0.0.6}" >>"$T/out" ||
	give_up "nothing is known"
MAIN=/debian/update PAID=/fixes/update

# anybody METHOD PATH [CURL OPTION...]: status and code; the body in $T/body.
anybody() {
	local method=$1 path=$2
	shift 2
	curl -s --max-time 10 --cacert "$CA" -X "$method" -o "$T/body" \
	    -w '%{http_code} ' "$@" "$STS$path"
	sed -n 's/.*"code":"\([a-z_.]*\)".*/\1/p' "$T/body"
}

json() {
	anybody POST "$1" -H 'Content-Type: application/json' -d "$2"
}

verdict() {
	local files=$T/docs/$1
	"$AVOW" doc verify --server "$STS" --ca "$CA" --kind "$(kind_of "$files")" \
	    --document "$(document_of "$files")" \
	    $([ ! -e "$files.sig" ] || echo "--signature $files.sig") |
		sed 's/.*"\(verdict\|code\)":"\([a-z_.]*\)".*/\2/'
}

count_keys() {
	"$AVOW" key get --server "$STS" --ca "$CA" "$@" 2>"$T/err" |
		grep -o '"kid"' | wc -l | tr -d ' '
}

say "Nobody asks without proof, and bodies are read strictly:"
expect "no identity" "401 evidence.missing" json /v1/documents '{"claims":[]}'
expect "a list without identity" "401 evidence.missing" anybody GET /v1/documents
for body in '{' '[]' '{}' '{"pack":"x","document":"y","signature":"z"}' \
	'{"document":"y"}' '{"pack":1}' '{"pack":"x","more":1}'; do
	expect "verify $body" "400 request.malformed" json /v1/documents/verify "$body"
done
expect "a pack that is none" "401 evidence.malformed" \
    json /v1/documents/verify '{"pack":"x"}'
expect "two queries for keys" "400 request.malformed" \
    anybody GET "/v1/keys?id=a&instance=b"
expect "another form" "400 request.malformed" anybody GET "/v1/keys?form=der"
expect "a key that there is not" "404 account.unknown" anybody GET "/v1/keys?id=a"

say "A document is its instance's:"
CLAIMS=imageId,os.version
expect "web-1 has one" "done" says request web-1 one --claims $CLAIMS
expect "by the profile the same" "done" says request web-1 profile --profile updates
check "to the byte" cmp "$T/docs/one.json" "$T/docs/profile.json"
check "which nobody else may read" [ "$(stat -c %a "$T/docs/one.json")" = 600 ]
expect "web-2 for web-1" "account.unknown" says as web-2 doc request web-1 \
    --claims $CLAIMS --audience updates -o "$T/docs/none"
ID=$(sed 's/.*"id":"\([0-9a-f]*\)".*/\1/' "$T/docs/one.json")
expect "web-2 by its id" "account.unknown" says as web-2 doc show "$ID"
expect "another controller" "account.unknown" says as other doc show "$ID"
expect "its owner sees that it is there" "done" says as fabric doc show "$ID"
expect "and not what it is" "*instance alone*" \
    says as fabric doc show "$ID" -o "$T/docs/none"
check "no file" [ ! -e "$T/docs/none.json" ]
expect "web-1 itself" "done" says as web-1 doc show "$ID" -o "$T/docs/again"
check "the same bytes" cmp "$T/docs/one.json" "$T/docs/again.json"
expect "at the gate, with its key" "204 permit" shown web-1 $MAIN one
expect "with web-2's" "401 evidence.proof" shown web-2 $MAIN one
BY=other expect "another controller says what web-1 is" "account.unknown" \
    says happened web-1 custom '{"custom":{"team":"red"}}'

say "Altered, cut, of another key:"
sed 's/img-web-7/img-web-8/' "$T/docs/one.json" >"$T/docs/altered.json"
cp "$T/docs/one.sig" "$T/docs/altered.sig"
head -c 200 "$T/docs/one.json" >"$T/docs/cut.json"
cp "$T/docs/one.sig" "$T/docs/cut.sig"
"$AVOW" key new -o "$T/keys/issuer.key"
"$AVOW" doc issue --key "$T/keys/issuer.key" --issuer acme --subject web-1 \
    --audience updates --claim imageId=img-web-7 --claim os.version=12 -o "$T/docs/forged"
expect "altered, at the gate" "401 evidence.signature" shown web-1 $MAIN altered
expect "at the service" "evidence.signature" verdict altered
expect "cut, at the gate" "401 evidence.malformed" shown web-1 $MAIN cut
expect "at the service" "evidence.malformed" verdict cut
expect "by another key, at the gate" "401 evidence.key" shown web-1 $MAIN forged
expect "at the service" "evidence.key" verdict forged
# The service's own key, used behind its back.
"$AVOW" doc issue --key "$(echo "$T"/etc/avow/sts/document-keys/*.pem)" \
    --issuer acme --subject web-1 --audience updates --claim imageId=img-web-7 \
    --claim os.version=12 -o "$T/docs/unknown"
expect "of a document that was never issued the service knows nothing" \
    "evidence.revoked" verdict unknown
expect "nor does it pass the gate" "401 evidence.revoked" \
    shown web-1 $MAIN unknown
expect "nor beside a good one" "401 evidence.revoked" \
    shown web-1 $MAIN one unknown
expect "the good one" "valid" verdict one
expect_exit "and as an exit" 2 "$AVOW" doc verify --server "$STS" --ca "$CA" \
    --document "$T/docs/cut.json" --signature "$T/docs/cut.sig"

say "Several together, one instance, no contradiction:"
printf '{"licences":["fixes"]}' >"$T/docs/group.json.in"
group() {
	local name=$1
	shift
	as fabric instance put "$name" --properties "$T/docs/group.json.in" \
	    $(printf -- '--member %s ' "$@")
}
expect "a group of both" "done" says group web-front web-1 web-2
expect "a member has its document" "done" says as web-1 doc request web-front \
    --claims licences --audience updates -o "$T/docs/front"
expect "the group alone" "401 evidence.instance" shown web-1 $PAID front
expect "the member alone" "403 policy.@(none|error)" shown web-1 $PAID one
expect "both" "204 permit" shown web-1 $PAID one front
logged() {
	tail -1 "$T/log/decisions.jsonl" |
		sed 's/.*"evidence":{\(.*\)},"near".*/\1/' |
		grep -o '"documentId":"[0-9a-f]*"' | cut -d'"' -f4 | sort
}
ids() {
	local file
	for file in "$@"; do
		sed 's/.*"id":"\([0-9a-f]*\)".*/\1/' "$T/docs/$file.json"
		echo
	done | grep . | sort
}
expect "the log names both" "$(ids one front)" logged
expect "in the other order" "204 permit" shown web-1 $PAID front one
expect "the log names both" "$(ids one front)" logged
expect "with another's key" "401 evidence.proof" shown web-2 $PAID front one
expect "web-2 has one, too" "done" says request web-2 two --claims $CLAIMS
expect "documents of two machines" "401 evidence.@(ambiguous|proof)" \
    shown web-1 $MAIN one two
expect "the same twice" "401 evidence.ambiguous" shown web-1 $MAIN one one
expect "a group that is not its" "done" says group web-back web-2
as web-2 doc request web-back --claims licences --audience updates \
    -o "$T/docs/back" >"$T/out"
expect "web-1 with web-2's group" "401 evidence.instance" shown web-1 $PAID one back
# What a machine and its group say differently.
printf '{"licences":["none"],"imageId":"img-web-7"}' >"$T/docs/group.json.in"
expect "another group says otherwise" "done" says group web-side web-1
as web-1 doc request web-side --claims licences --audience updates \
    -o "$T/docs/side" >"$T/out"
expect "contradicting groups" "401 evidence.ambiguous" \
    shown web-1 $PAID one front side
eight=(one front side one front side one front side)
expect "nine packs" "401 evidence.too_large" shown web-1 $MAIN "${eight[@]}"
expect "who leaves the group" "done" says group web-front web-2
expect "its document is stale" "401 evidence.superseded" \
    soon "401 evidence.superseded" shown web-1 $PAID one front
expect "and it gets no other" "account.unknown" says as web-1 doc request \
    web-front --claims licences --audience updates -o "$T/docs/none"

say "Groups go, and go by other names:"
cp "$T/docs/group.json.in" "$T/docs/none.in"
printf '{"licences":["fixes"]}' >"$T/docs/group.json.in"
group web-front web-2 >"$T/out"
cp "$T/docs/none.in" "$T/docs/group.json.in"
as web-2 doc request web-front --claims licences --audience updates \
    -o "$T/docs/gone" >"$T/out"
request web-2 two --claims $CLAIMS >"$T/out"
expect "the group as it is" "204 permit" soon "204 permit" shown web-2 $PAID two gone
expect "a member does not rename it" "account.authority" \
    says as web-2 instance rename web-front web-edge
expect "under its owner's prefix alone" "account.authority" \
    says as fabric instance rename web-front db-edge
expect "another name" "done" says as fabric instance rename web-front web-edge
expect "what was said of the former" "401 evidence.superseded" \
    soon "401 evidence.superseded" shown web-2 $PAID two gone
as web-2 doc request web-edge --claims licences --audience updates \
    -o "$T/docs/edge" >"$T/out"
expect "and of the next" "204 permit" shown web-2 $PAID two edge
expect "a member does not delete it" "account.authority" \
    says as web-2 instance delete web-edge
expect "gone" "done" says as fabric instance delete web-edge
expect "with its documents" "401 evidence.revoked" \
    soon "401 evidence.revoked" shown web-2 $PAID two edge
expect "at the service" "evidence.revoked" verdict edge
expect "an instance goes with its account" "request.malformed" \
    says as fabric instance delete web-1
changes() {
	"$AVOW" store changes --config "$T/etc/avow/sts.yaml" 2>>"$T/err" |
		grep -c "$1"
}
expect "who did it is written down" 1 changes 'account:fabric.*instance.rename.*web-front web-edge'
expect "and that it is gone" 1 changes 'account:fabric.*instance.delete.*web-edge'
expect "as each change" "[1-9]*" changes 'account:fabric.*instance.event.*web-1'

say "Who asks of nothing but rubbish is not answered for ever:"
rubbish() {
	local i
	for ((i = 0; i < 70; i++)); do
		printf 'url = "%s/v1/documents/verify"\noutput = /dev/null\n' "$STS"
	done >"$T/urls"
	curl -s --max-time 20 --cacert "$CA" --interface 127.0.0.9 \
	    -H 'Content-Type: application/json' -d '{"pack":"avow1.avow.e30.AA"}' \
	    -w '%{http_code}\n' -K "$T/urls" | sort | uniq -c | tr -s ' \n' ' '
}
expect "sixty, and no more" " 60 200 10 403 " rubbish
expect "not of another source" "valid" verdict two

say "What the configuration says of documents is read again:"
sed -i 's/updates: \[imageId, os.version\]/&, little: [imageId]/;s/privateIp: 3/imageId: 77/' \
    "$T/etc/avow/sts.yaml"
expect "a profile that there is not" "request.malformed" \
    says as web-2 doc request --profile little
kill -HUP "${PIDS[sts]}"
expect "and is, after a reload" "done" soon "done" \
    says as web-2 doc request --profile little
expect "with its level" "*level 77*" as web-2 doc list

say "Stale as soon as it is no longer so:"
dry() {
	"$AVOW" dryrun --config "$T/etc/avow/gate.yaml" --gate updates --proven \
	    --document "$T/docs/$1.json" --signature "$T/docs/$1.sig" \
	    --path $MAIN --source-ip 10.0.0.5 --level low --json 2>>"$T/err" |
		tr -d ' \n' | sed 's/.*"code":"\([a-z_.]*\)".*/\1/'
}
expect "a dry run of the gate" "permit" dry one
expect "of a document that was never issued" "evidence.revoked" dry unknown
happened web-1 upgraded '{"os":{"version":"13"}}' >"$T/out"
expect "a dry run, when it is stale" "evidence.superseded" dry one
expect "the old one at the gate" "401 evidence.superseded" \
    soon "401 evidence.superseded" shown web-1 $MAIN one
expect "at the service" "evidence.superseded" verdict one
expect "together with a good one" "401 evidence.superseded" \
    shown web-1 $PAID one side
request web-1 next --claims $CLAIMS >"$T/out"
expect "the new one" "204 permit" shown web-1 $MAIN next
expect "a change by a version that is past" "account.version" says as fabric \
    instance event web-1 custom --properties "$T/docs/event.json" --if-version 1
as fabric account disable web-1 >"$T/out"
expect "disabled, at the gate" "401 evidence.revoked" \
    soon "401 evidence.revoked" shown web-1 $MAIN next
expect "at the service" "evidence.revoked" verdict next
as fabric account enable web-1 >"$T/out"
expect "enabled, the old document stays revoked" "evidence.revoked" verdict next
request web-1 next --claims $CLAIMS >"$T/out"
expect "and a new one is good" "valid" verdict next

say "A member of a pool leaves when its document is stale:"
machine web-lb || give_up "no machine"
happened web-lb provisioned '{"imageId":"img-web-7","privateIp":"127.0.0.1"}' >"$T/out"
as fabric instance put web-pool --properties "$T/docs/group.json.in" \
    --member web-lb >"$T/out"
POOL_PORT=$(free_port)
cat >"$T/etc/avow/pool.avow" <<'END'
@id("pool") permit (principal, action == Action::"balancer:join", resource == Pool::"web")
when { principal.imageId == "img-web-7" && principal.licences.contains("none") };
END
cat >"$T/etc/avow/pool.yaml" <<END
listen: 127.0.0.1:$POOL_PORT
store: sqlite://$T/lib/sts.db
policies: [$T/etc/avow/pool.avow]
proxies: [127.0.0.1/32]
trust: [{kind: avow, keys: $T/etc/avow/trust/documents, issuer: acme, current: service, forms: [jws, embedded]}]
gates:
  - {kind: balancer, name: updates, demand: key, url: "http://localhost:$POOL_PORT", pools: {web: {haproxy: $T/run/none.sock, backend: web, ports: [8080], networks: [127.0.0.0/8]}}}
END
start pool "$AVOW" serve --config "$T/etc/avow/pool.yaml"
wait_for_port pool 127.0.0.1 "$POOL_PORT" || give_up "no pool"
join_once() {
	local proof
	proof=$("$AVOW" token prove --key "$T/keys/web-lb.key" --method POST \
	    --url "http://localhost:$POOL_PORT/gate/balancer/web" \
	    ${1:+--nonce "$1"} "$T/docs/proven") || return
	curl -s -o "$T/got" --max-time 10 -w "$2" -X POST \
	    -H "X-Avow-Pack: $(cat "$T/docs/proven")" -H "DPoP: $proof" \
	    -H 'Content-Type: application/json' \
	    -d '{"address":"127.0.0.1","port":8080}' \
	    "http://localhost:$POOL_PORT/gate/balancer/web"
}
join_pool() {
	join_with lb lb-group
}
request web-lb lb --claims imageId,privateIp --form jws >"$T/out"
as web-lb doc request web-pool --claims licences --audience updates \
    --form embedded -o "$T/docs/lb-group" >"$T/out"
request web-lb detached --claims imageId,privateIp >"$T/out"
join_with() {
	pack "$@" >"$T/docs/proven"
	join_once "$(join_once "" '%header{dpop-nonce}')" \
	    '%{http_code} %header{x-avow-reason}'
}
expect "a form that its trust does not take" "401 evidence.kind" \
    join_with detached lb-group
expect "in, by two documents of other forms" "202 *" join_pool
removed() {
	grep -q 'balancer.removed.*code=evidence.superseded' "$T/pool.log"
}
check "and still" eval '! removed'
happened web-lb provisioned '{"imageId":"img-web-8"}' >"$T/out"
check "removed when one of them is superseded" until_true 10 removed
expect "and no way in with them" "401 evidence.superseded" join_pool
stop pool

say "Pages, selection:"
for n in 1 2 3; do
	request web-2 "page-$n" --claims '' --audience "gate-$n" >"$T/out"
done
pages() {
	local next='' out
	while :; do
		out=$(as web-2 doc list --limit 2 ${next:+--next "$next"}) || return
		grep -vc '^more' <<<"$out"
		next=$(sed -n 's/^more: --next //p' <<<"$out")
		[ -n "$next" ] || return 0
	done | paste -sd' '
}
expect "page by page" "2 2 1" pages
expect "the one that tells least" "done" says request web-2 least \
    --claims '' --select --audience gate-1
check "is one that was there" cmp "$T/docs/least.json" "$T/docs/page-1.json"
expect "none that is enough" "data.missing" says request web-2 none \
    --claims privateIp --select

say "The key server, and a change of keys:"
expect "one key" 1 count_keys
: >"$T/docs/empty.sig"
expect "an empty id is not for all" 0 count_keys --id ''
expect "nor is an empty signature" 0 count_keys --signature "$T/docs/empty.sig"
check "what is printed does not go to the connection" bash -c \
    "'$AVOW' key get --server '$STS' --ca '$CA' >&-; [ \$? = 1 ]"
expect "by signature" 1 count_keys --signature "$T/docs/next.sig"
expect "a signature of nobody" 0 count_keys --signature "$T/docs/forged.sig"
expect "of an instance" 1 count_keys --instance web-1
expect "of one that there is not" 1 count_keys --instance web-9
"$AVOW" key rotate --now --type p256 "$T/etc/avow/sts/document-keys" >"$T/out"
kill -HUP "${PIDS[sts]}"
expect "both are published" 2 soon 2 count_keys
request web-1 newkey --claims imageId >"$T/out"
expect "signed by the next" "valid" verdict newkey
check "which is another" [ "$(sed 's/.*"keyId":"\([^"]*\)".*/\1/' "$T/docs/newkey.json")" \
    != "$(sed 's/.*"keyId":"\([^"]*\)".*/\1/' "$T/docs/next.json")" ]
expect "what the former signed" "valid" verdict next
expect "the gate does not know it yet" "401 evidence.key" shown web-1 $MAIN newkey
curl -sf --cacert "$CA" "$STS/v1/keys?form=pem" \
    -o "$T/etc/avow/trust/documents/service.pem"
kill -HUP "${PIDS[gate]}"
expect "and does after a reload" "403 policy.@(none|error)" \
    soon "403 policy.@(none|error)" shown web-1 $MAIN newkey

say "In every form, alone and together:"
sed -i 's/current: service/&, forms: [detached, embedded, jws, cms]/' \
    "$T/etc/avow/gate.yaml"
kill -HUP "${PIDS[gate]}"
for form in embedded jws cms; do
	files=form-$form
	expect "as $form" "done" says request web-1 $files --claims $CLAIMS --form $form
	expect "at the service" "valid" verdict $files
	expect "at the gate" "204 permit" soon "204 permit" shown web-1 $MAIN $files
	expect "with web-2's key" "401 evidence.proof" shown web-2 $MAIN $files
	expect "its key by the signature inside" 1 count_keys \
	    --kind "$(kind_of "$T/docs/$files")" --document "$(document_of "$T/docs/$files")"
	"$AVOW" doc issue --form $form --issuer acme --subject web-1 \
	    --key "$(ls "$T"/etc/avow/sts/document-keys/*.pem | tail -1)" \
	    --audience updates --claim imageId=img-web-7 -o "$T/docs/forged-$form"
	expect "one that was never issued" "401 evidence.revoked" \
	    shown web-1 $MAIN forged-$form
	expect "at the service" "evidence.revoked" verdict forged-$form
done
expect "another form" "request.malformed" says request web-1 none --claims $CLAIMS --form xml
expect "four joined" "204 permit" shown web-1 $MAIN next form-embedded form-jws form-cms
joined() {
	json /v1/documents/verify "{\"pack\":\"$(pack "$@")\"}" >"$T/out"
	sed 's/.*"\(verdict\|code\)":"\([a-z_.]*\)".*/\2/' "$T/body"
}
expect "joined, at the service" "valid" joined next form-embedded form-jws form-cms
expect "with one that is stale" "evidence.superseded" joined form-jws front
expect "with another's" "evidence.ambiguous" joined form-jws page-1
expect "told by its list" "3" eval 'as web-1 doc list | grep -c "form \(embedded\|jws\|cms\)"'
happened web-1 upgraded '{"os":{"version":"12"}}' >"$T/out"
for form in embedded jws cms; do
	expect "stale, as $form" "401 evidence.superseded" \
	    soon "401 evidence.superseded" shown web-1 $MAIN form-$form
	request web-1 form-$form --claims $CLAIMS --form $form >"$T/out"
	expect "the next in the same form" "204 permit" shown web-1 $MAIN form-$form
done
request web-1 next --claims $CLAIMS >"$T/out"

say "The service dies, and forgets nothing:"
stop sts KILL
start_service || give_up "the service does not come back"
expect "a superseded document" "evidence.superseded" verdict front
expect "a good one" "valid" verdict next
expect "asked for again it is the same" "done" says request web-1 after --claims $CLAIMS
check "to the byte" cmp "$T/docs/next.json" "$T/docs/after.json"

say "A second node on the store:"
NODE=$(free_port) NODE_ADMIN=$(free_port)
sed "s/:$STS_PORT$/:$NODE/;s/listen: 127.0.0.1:$ADMIN_PORT/listen: 127.0.0.1:$NODE_ADMIN/" \
    "$T/etc/avow/sts.yaml" | sed "s|url: .*|url: $STS|" >"$T/etc/avow/node.yaml"
start node "$AVOW" serve --config "$T/etc/avow/node.yaml"
wait_for_port node 127.0.0.1 "$NODE" || give_up "the second node does not start"
on_node() {
	local STS=https://localhost:$NODE
	verdict "$1"
}
expect "it knows the documents" "valid" on_node next
expect "and which are stale" "evidence.superseded" on_node front
stop node

say "What may not be configured:"
refused_config() {
	"$AVOW" serve --config "$T/etc/avow/$1.yaml" --check 2>&1 | head -3
}
sed "s|  documentKeys: .*|  documentKeys: $T/etc/avow/sts/keys|" \
    "$T/etc/avow/sts.yaml" >"$T/etc/avow/same.yaml"
expect "one folder for tokens and documents" "*one purpose*" refused_config same
mkdir -p "$T/etc/avow/sts/copy" && cp -p "$T"/etc/avow/sts/keys/*.pem "$T/etc/avow/sts/copy/"
sed "s|  documentKeys: .*|  documentKeys: $T/etc/avow/sts/copy|;s/:$STS_PORT/:$NODE/g;s/:$ADMIN_PORT/:$NODE_ADMIN/g" \
    "$T/etc/avow/sts.yaml" >"$T/etc/avow/copy.yaml"
one_purpose() {
	timeout 10 "$AVOW" serve --config "$T/etc/avow/copy.yaml" 2>&1 | tail -1
}
expect "one key in two folders" "*one purpose*" one_purpose
{
	cat "$T/etc/avow/gate.yaml"
	sed -n '/^service:/,/^admin:/p' "$T/etc/avow/sts.yaml" | sed '$d'
} >"$T/etc/avow/both.yaml"
expect "gates beside keys that sign" "*gates*" refused_config both
sed '/^store:/d' "$T/etc/avow/gate.yaml" >"$T/etc/avow/storeless.yaml"
expect "current documents without a store" "*needs \`store\`*" refused_config storeless
sed 's/updates: \[imageId/updates: [colour/' "$T/etc/avow/sts.yaml" >"$T/etc/avow/colour.yaml"
expect "a profile with a claim that there is not" "*no claim*" refused_config colour
sed 's/maxLifetime: 12h/maxLifetime: 25h/' "$T/etc/avow/sts.yaml" >"$T/etc/avow/long.yaml"
expect "documents that live too long" "*at most 24h*" refused_config long
finish
