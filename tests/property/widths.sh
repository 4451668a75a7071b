#!/usr/bin/env bash
# widths.sh - formatted text is at most 100 columns wide, but where one token
# alone is wider: generated policies, and the published ones of
# $TESTDATA/conformance/cedar (../shared unless set). The last line is
# `N passed, N failed, N skipped`.
set -u
cd "$(dirname "$0")/../.." || exit 1
folder=${TESTDATA:-../shared}/conformance/cedar
cases=()
for name in handwritten.jsonl traps.jsonl corpus.jsonl.xz corpus-extra.jsonl.xz; do
	if [ -r "$folder/$name" ]; then cases+=("$folder/$name"); fi
done
exec "${PROPERTY:-build/property}" --widths ${cases[@]+"${cases[@]}"}
