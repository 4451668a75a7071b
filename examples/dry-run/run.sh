#!/bin/bash
# run.sh - the story of this example: what would machine i-1 get, at which hour, and why. Nothing is asked for, nothing listens.
# Prints what was tried and what happened, step by step; exit 1 if any of it came out otherwise.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../tests/lib/e2e.sh"
. "$ROOT/tests/lib/documents.sh"
need_avow

KERNEL=linux-image-6.1.0-28-amd64
KERNEL_PATH=/debian/pool/main/l/linux/${KERNEL}_6.1.119-1_amd64.deb

mkdir -p "$T/etc/avow"
cp -r "$here/avow.yaml" "$here/policies" "$T/etc/avow/"
issuer acme
issued_at 2026-03-02T00:00:00Z i-1 i-1 "$(claims 10.0.0.5 base)"
issued_at 2026-03-02T00:00:00Z i-2 i-2 "$(claims 10.0.0.7 other)"
cd "$T/etc/avow" || give_up "cannot go to $T"

# would TIME [OPTION...]: what the gate would say to $WHO at that time.
WHO=i-1 FROM=10.0.0.5
would() {
	local at=$1
	shift
	"$AVOW" dryrun --config avow.yaml --gate updates \
	    --document "$T/docs/$WHO.json" --signature "$T/docs/$WHO.sig" \
	    --source-ip "$FROM" --path "$KERNEL_PATH" --at "$at" "$@"
}

first() {
	"$@" | head -1 | tr -s ' '
}

# has PATTERN COMMAND...: in what it prints, whatever its exit status.
has() {
	local pattern=$1 out
	shift
	out=$("$@" || true)
	grep -E -- "$pattern" <<<"$out"
}

say "A new kernel for i-1, at five past two in the afternoon:"
would 2026-03-02T14:05:00Z --level medium | sed 's/^/    /'
expect "in one line" "deny policy.denied" first would 2026-03-02T14:05:00Z
check "the policy that denies is named, with its place" \
    has 'kernels-at-night +policies/updates\.avow:[78] +deny +satisfied' \
    would 2026-03-02T14:05:00Z --level medium
expect_exit "a denial" 2 would 2026-03-02T14:05:00Z

say "And at two at night:"
expect "in one line" "permit*" first would 2026-03-02T02:05:00Z
expect_exit "a permit" 0 would 2026-03-02T02:05:00Z

say "i-2, at night; it has no licence for this:"
WHO=i-2 FROM=10.0.0.7
would 2026-03-02T02:05:00Z --level medium | sed 's/^/    /'
expect "in one line" "deny policy.none" first would 2026-03-02T02:05:00Z
check "the clause that failed, and the value that made it fail" \
    has 'principal\.licences is \["other"\]' \
    would 2026-03-02T02:05:00Z --level medium
WHO=i-1

say "i-1's document from another address:"
FROM=10.0.0.6
expect "in one line" "deny requirement.address*" \
    first would 2026-03-02T02:05:00Z
FROM=10.0.0.5

say "Each level says more, and all of what the one before said:"
at=2026-03-02T14:05:00Z
check "low: the decision" has '"mode": ?"verification"' would $at --level low --json
check "medium: the policies that came near" \
    has '"considered"' would $at --level medium --json
check "high: the data it stood on" has '"data"' would $at --level high --json
check "veryhigh: how it was done" \
    has '"operation"' would $at --level veryhigh --json
expect "low says nothing about policies" "" \
    has '"considered"|"data"|"operation"' would $at --level low --json
finish
