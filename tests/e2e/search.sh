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
finish
