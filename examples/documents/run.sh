#!/bin/bash
# run.sh - the story of this example: a document that says what is needed and no more, an upgrade, and why the old document opens nothing then.
# Prints what was tried and what happened, step by step; exit 1 if any of it came out otherwise. Leaves nothing running.
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../../tests/lib/e2e.sh"
. "$here/scene.sh"
need_avow
itself() {
	BY=web-1 happened web-1 custom "$1"
}
states() {
	as web-1 doc list | cut -d' ' -f3 | sort -r | paste -sd' '
}
say "A token service that issues documents, too; the controller fabric makes machines."
documents_scene || give_up "cannot start: documents_scene"
check "machine web-1, with a key of its own" machine web-1
gate_of_documents || give_up "cannot start: gate_of_documents"

say "Provisioned: the controller says what the machine is."
expect "what is known of it" "done" says happened web-1 provisioned \
    '{"imageId":"img-web-7","privateIp":"10.0.0.5","os":{"name":"debian","version":"12"},"applications":{"nginx":"1.22"}}'
expect "the machine says it of itself" "account.authority" \
    says itself '{"custom":{"team":"red"}}'

say "What must be shown, and a document that says just that."
NEEDED=$(needed 'Action::"repository:get"' 'Package::"main/update"')
expect "the policies need" "imageId,os.version" echo "$NEEDED"
expect "web-1 asks for it" "done" says request web-1 first --claims "$NEEDED"
expect "which says" '{"imageId":"img-web-7","os":{"version":"12"}}' \
    sed -n 's/.*"claims":\(.*\)}$/\1/p' "$T/docs/first.json"
expect "more than is known" "requirement.claim" \
    says request web-1 none --claims imageId,region
expect "a claim that there is not" "request.malformed" \
    says request web-1 none --claims colour
expect "the owner has no document of it" "*instance alone*" \
    says as fabric doc request web-1 --claims imageId --audience updates \
    -o "$T/docs/none"

say "The gate permits it, for who has the key."
expect "web-1" "204 permit" shown web-1 /debian/update first
expect "with another's key" "401 evidence.proof" shown fabric /debian/update first

say "Upgraded: the old document is superseded, a new one is there."
expect "the event" "done" says happened web-1 upgraded '{"os":{"version":"13"}}'
expect "the old one, at the gate" "401 evidence.superseded" \
    soon "401 evidence.superseded" shown web-1 /debian/update first
expect "and at the service" '*"code":"evidence.superseded"*' \
    "$AVOW" doc verify --server "$STS" --ca "$CA" \
    --document "$T/docs/first.json" --signature "$T/docs/first.sig"
expect "the new one" "done" says request web-1 second --claims "$NEEDED"
expect "is permitted" "204 permit" shown web-1 /debian/update second
expect "what became of all that were made" \
    "superseded newest newest" states
finish
