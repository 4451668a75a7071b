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
printf 'permit (principal in [G::"b", G::"a"], action, resource);\n' >b.avow
expect "compile --join" 'permit (principal in \[G::"a", G::"b"\], action, resource); // b.avow:1' \
	"$AVOW" compile --policies b.avow --print --join principal
expect_exit "an element that is none" 1 "$AVOW" compile --policies a.avow --print --join context
expect_exit "policies with errors" 1 "$AVOW" compile --policies bad.avow --print
expect_exit "nothing to do" 1 "$AVOW" compile --policies a.avow
expect_exit "images are not there yet" 1 "$AVOW" compile --policies a.avow -o a.image
check "and none is written" test ! -e a.image
finish
