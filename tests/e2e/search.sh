#!/usr/bin/env bash
# search.sh - `avow who` and `avow what` as people run them.
# shellcheck source=tests/lib/e2e.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib/e2e.sh"
cd "$T" || exit 1
cat >p.avow <<'AVOW'
@id("editors") permit (principal in Group::"editors", action in [Action::"view", Action::"edit"], resource is Album);
@id("inside") permit (principal is User, action == Action::"view", resource is Album)
when { context.sourceIp.isInRange(ip("10.0.0.0/8")) };
@id("no-bob") deny (principal == User::"bob", action == Action::"edit", resource);
AVOW
cat >e.json <<'JSON'
[{"uid": {"type": "User", "id": "alice"}, "attrs": {}, "parents": [{"type": "Group", "id": "editors"}]},
 {"uid": {"type": "User", "id": "bob"}, "attrs": {}, "parents": [{"type": "Group", "id": "editors"}]},
 {"uid": {"type": "User", "id": "carol"}, "attrs": {}, "parents": []},
 {"uid": {"type": "Album", "id": "a \"1\""}, "attrs": {}, "parents": []}]
JSON
echo '{"sourceIp": {"__extn": {"fn": "ip", "arg": "192.0.2.1"}}}' >outside.json
album='Album::"a \"1\""'

query() { # who|what WORDS
	"$AVOW" "$1" --policies p.avow --entities e.json "${@:2}"
}
expect "who may" 'permit   User::"alice"  by editors' query who 'Action::"edit"' "$album"
expect_exit "somebody may" 0 query who 'Action::"edit"' "$album"
expect "what depends on the context is not known" '*unknown  User::"carol"*' query who 'Action::"view"' "$album"
expect_exit "nor guessed: with it, the answer is no" 2 query what --context outside.json 'User::"carol"'
expect "which is said" "nothing of the loaded entities" query what --context outside.json 'User::"carol"'
expect "what may one do" 'permit   Action::"view" Album::"a *1*"  by editors' query what --context outside.json 'User::"bob"'
expect "as JSON" '{"found":\[{"principal":{"type":"User","id":"alice"},"decision":"permit","reasons":\["editors"\]}\],"next":null}' \
	query who --json 'Action::"edit"' "$album"
expect "a page, and where the next begins" '*more: --from 1' query who --limit 1 'Action::"edit"' "$album"
expect_exit "which has nothing" 2 query who --from 1 'Action::"edit"' "$album"
expect_exit "an entity is written as in policies" 1 query who edit "$album"
expect_exit "only unknown is no yes" 1 query what 'User::"carol"'
expect_exit "pages may begin far out" 2 query who --from 9999999999 'Action::"edit"' "$album"
expect_exit "nobody may" 2 query who 'Action::"print"' "$album"

# What must one show?
cat >needs.avow <<'AVOW'
@id("supported") permit (principal is Instance, action == Action::"repository:get", resource in Repository::"main")
when { principal.owner == "acme" && principal.licences.contains("base") };
@id("new-enough") permit (principal, action, resource) when { principal has os.version && principal.os.version == "12" };
@id("kernels") deny (principal, action, resource is Package) when { resource has name && resource.name like "linux-*" }
unless { principal has zone };
@id("beta") deny (principal, action, resource) when { principal.hasTag("custom:beta") && principal.getTag("custom:beta") == "x" };
AVOW
needs() {
	"$AVOW" needs --policies needs.avow --action 'Action::"repository:get"' "$@"
}
expect "the fewest claims first" 'show os.version  for new-enough*show licences, owner  for supported*' \
	needs --resource 'Package::"main/a/a_1_amd64.deb"'
expect "a deny that hiding evades is named" '*note: beta does not deny who hides custom.beta' needs
expect "another package, other needs" 'show os.version, zone  for new-enough*' needs --resource 'Package::"main/l/linux-image_1_amd64.deb"'
expect "another repository" 'show os.version  for new-enough*note*' needs --resource 'Package::"other/a/a_1_amd64.deb"'
expect "what the gate demands" 'show os.version, privateIp *' needs --claim privateIp
expect_exit "a claim that no document has" 1 needs --claim 'privateIP'
expect "as JSON" '{"ways":\[{"claims":\["os.version"\],"hide":\[\],"policies":\["new-enough"\]}*"deniedBy":null,"complete":true}' needs --json
expect_exit "there is a way" 0 needs
expect_exit "there is none" 2 "$AVOW" needs --policies p.avow --entities e.json --action 'Action::"edit"'
expect_exit "an entity is written as in policies, here too" 1 needs --resource main
finish
