#!/usr/bin/env bash
# published.sh - the published cases of $TESTDATA/conformance/cedar (../shared
# unless set) through the normal form. The last line is
# `N passed, N failed, N skipped`.
set -u
cd "$(dirname "$0")/../.." || exit 1
folder=${TESTDATA:-../shared}/conformance/cedar
cases=()
for name in handwritten.jsonl traps.jsonl corpus.jsonl.xz corpus-extra.jsonl.xz; do
	if [ -r "$folder/$name" ]; then cases+=("$folder/$name"); fi
done
if [ ${#cases[@]} -eq 0 ]; then
	echo "skipped: no cases in $folder"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
exec "${PROPERTY:-build/property}" --cases "${cases[@]}"
