#!/bin/bash
# run.sh - the story of this example: a signed apt repository behind nginx, which asks Avow about each request.
# Prints what was tried and what happened, step by step; exit 1 if any of it came out otherwise. Leaves nothing running.
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../../tests/lib/e2e.sh"
. "$here/scene.sh"
need_servers
say "A signed repository behind nginx; a machine with plain apt at 127.0.0.1."
repository_scene || give_up "cannot start: repository_scene"

INDEX=/debian/dists/stable/InRelease
HELLO=/debian/pool/main/h/hello/hello_1.0-1_$ARCHITECTURE.deb
EXTENDED=/debian-extended/dists/stable/InRelease
document i-1 i-1 "$(claims 127.0.0.1 base)"

say "No document:"
expect "apt-get update" "refused: 401 Unauthorized" apt_update
expect "the reason that nginx hands on" "401 evidence.missing" ask "$INDEX"

say "i-1's own document, in apt's auth.conf.d:"
apt_shows i-1
expect "apt-get update" updated apt_update
expect "apt-get install --download-only hello" \
    "hello_1.0-1_$ARCHITECTURE.deb" apt_gets hello

say "A policy denies: kernels go to the canaries first:"
expect "apt-get install --download-only $KERNEL" "refused: 403 Forbidden" \
    apt_gets "$KERNEL"
expect "the reason" "403 policy.denied" ask_as i-1 \
    "/debian/pool/main/l/$KERNEL/${KERNEL}_6.1.119-1_$ARCHITECTURE.deb"
document canary i-1 "$(claims 127.0.0.1 base |
	sed 's/}$/,"custom":{"ring":"canary"}}/')"
apt_shows canary
expect "the same, as a canary" "${KERNEL}_6.1.119-1_$ARCHITECTURE.deb" \
    apt_gets "$KERNEL"

say "A licence is missing:"
document unlicensed i-3 "$(claims 127.0.0.1 other)"
apt_shows unlicensed
expect "apt-get update without the base licence" "refused: 403 Forbidden" \
    apt_update
expect "the reason" "403 policy.none" ask_as unlicensed "$INDEX"
expect "extended support without that licence" "403 policy.none" \
    ask_as i-1 "$EXTENDED"
document extended i-4 "$(claims 127.0.0.1 base extended)"
expect "extended support with it" "200 permit" ask_as extended "$EXTENDED"
document imageless i-5 '{"owner":"acme","privateIp":"127.0.0.1"}'
expect "a document that names no image, which this gate requires" \
    "403 requirement.claim" ask_as imageless "$INDEX"

say "A document of somebody else, or no longer good:"
expect "i-1's document, from 127.0.0.66" "403 requirement.address" \
    ask_as i-1 "$INDEX" --interface 127.0.0.66
altered forged unlicensed 's/"other"/"base"/'
apt_shows forged
expect "apt-get update with a licence written into the document" \
    "refused: 401 Unauthorized" apt_update
expect "the reason" "401 evidence.signature" ask_as forged "$INDEX"
expect "another name as apt's login" "401 evidence.instance" ask "$INDEX" \
    -u "i-2:$(cat "$T/docs/i-1.pack")"
expired_document expired i-1 "$(claims 127.0.0.1 base)"
expect "an expired one" "401 evidence.expired" ask_as expired "$INDEX"

say "Paths that mean two things:"
for path in "/debian/../debian-extended/dists/stable/InRelease" \
	"/debian/..%2fdebian-extended/dists/stable/InRelease" \
	"/debian/%2e%2e/debian-extended/dists/stable/InRelease" \
	"/debian//dists/stable/InRelease" \
	"$HELLO%00" "/debian/;/dists/stable/InRelease"; do
	expect "$path" "@(400|403 request.path)" ask_as i-1 "$path"
done

say "i-1 is revoked, and Avow told to reload:"
echo "instance i-1" >>"$T/etc/avow/revoked"
kill -HUP "${PIDS[avow]}"
expect "i-1's document" "401 evidence.revoked" \
    soon "401 evidence.revoked" ask_as i-1 "$INDEX"
expect "another's still counts" "200 permit" ask_as extended "$INDEX"

say "Before it bites: the same site with nginx \`mirror\` instead of \`auth_request\`:"
stop mirror
site observe
start_nginx || give_up "cannot start: start_nginx"
expect "no document, but nothing is blocked" "200" ask "$INDEX"
check "the decision log says what would have been refused" \
    until_true 5 grep -q '"code":"evidence.missing"' "$T/log/decisions.jsonl"
finish
