#!/usr/bin/env bash
# snapshots.sh [FOLDER] - write the normal form of every example's policies, one
# file each, to FOLDER (tests/snapshots). tests/e2e/compile.sh compares.
set -u
cd "$(dirname "$0")/../.." || exit 1
folder=${1:-tests/snapshots}
avow=${AVOW:-build/avow}
mkdir -p "$folder" || exit 1
rm -f "$folder"/*.nf
for policies in examples/*/policies examples/policies/*.avow; do
	name=${policies#examples/}
	name=${name%/policies}
	name=${name#policies/}
	"$avow" compile --print --policies "$policies" >"$folder/${name%.avow}.nf" || exit 1
done
