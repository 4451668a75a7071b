#!/usr/bin/env bash
# compile.sh - `avow compile`: the rules of the examples are those of the
# snapshots (`make snapshots` writes them anew); options and exits.
# shellcheck source=tests/lib/e2e.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib/e2e.sh"

check "examples compile" env AVOW="$AVOW" "$ROOT/tests/lib/snapshots.sh" "$T/snapshots"
expect "their rules are those of tests/snapshots" "" diff -r "$ROOT/tests/snapshots" "$T/snapshots"

cd "$T" || exit 1
printf 'permit (principal in [G::"b", G::"a"], action, resource);\npermit (principal in G::"a", action, resource);\n' >a.avow
printf 'permit (principle, action, resource);\n' >bad.avow
expect "compile --print" 'permit (principal in G::"a", action, resource); // a.avow:1, a.avow:2
permit (principal in G::"b", action, resource); // a.avow:1' \
	"$AVOW" compile --policies a.avow --print
expect "compile --stats" 'policies: 2*merge: a.avow:2 merged with a.avow:1' "$AVOW" compile --policies a.avow --stats
for i in $(seq 30); do echo 'permit (principal, action, resource);'; done >same.avow
expect "many notes are counted, and the first shown" '*merge *29 merged*same.avow:21 merged with same.avow:1*and 9 more: --notes*' \
	"$AVOW" compile --policies same.avow --stats
expect "all of them on request" '*same.avow:30 merged with same.avow:1' "$AVOW" compile --policies same.avow --stats --notes
expect_exit "notes are of statistics" 1 "$AVOW" compile --policies same.avow --print --notes
printf 'permit (principal in [G::"b", G::"a"], action, resource);\n' >b.avow
expect "compile --granularity" 'permit (principal in \[G::"a", G::"b"\], action, resource); // b.avow:1' \
	"$AVOW" compile --policies b.avow --print --granularity principal=type
expect "of several policies, each member with its own" 'permit (principal in \[G::"a", G::"b"\], action, resource); // a.avow:1, a.avow:2
    // joined: principal in G::"a" // a.avow:1, a.avow:2
    // joined: principal in G::"b" // a.avow:1' "$AVOW" compile --policies a.avow --print --granularity principal=all
expect_exit "an element that is none" 1 "$AVOW" compile --policies a.avow --print --granularity context=all
expect_exit "a level that is none" 1 "$AVOW" compile --policies a.avow --print --granularity principal=group
printf 'entity User; entity Doc; action read, reread, write appliesTo { principal: User, resource: Doc };\n' >s.cedarschema
printf 'permit (principal, action like Action::"re*", resource);\n' >w.avow
expect "a wildcard over declared actions" 'permit (principal, action == Action::"read", resource); // w.avow:1
permit (principal, action == Action::"reread", resource); // w.avow:1' "$AVOW" compile --policies w.avow --print --schema s.cedarschema
expect "and without a schema" 'permit (principal, action like Action::"re\*", resource); // w.avow:1' "$AVOW" compile --policies w.avow --print
expect_exit "a schema that is none" 1 "$AVOW" compile --policies w.avow --print --schema w.avow
echo '{"principal":{"type":"User","id":"u"},"action":{"type":"Action","id":"reread"},"resource":{"type":"Doc","id":"d"},"context":{}}' >r.json
expect_exit "decided by the expanded rules" 0 "$AVOW" decide --policies w.avow --schema s.cedarschema --request r.json
sed 's/reread/rewrite/' r.json >other.json
expect_exit "an action that is not declared" 2 "$AVOW" decide --policies w.avow --schema s.cedarschema --request other.json
expect_exit "policies with errors" 1 "$AVOW" compile --policies bad.avow --print
expect_exit "nothing to do" 1 "$AVOW" compile --policies a.avow
finish
