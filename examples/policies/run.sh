#!/bin/bash
# run.sh - asks each policy of this folder its requests, and compares what comes out with what is written beside it.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../tests/lib/e2e.sh"
need_avow

# Decision, code and deciding policies of each line.
short() {
	sed -E -e 's/.*"decision":"([a-z]+)".*"code":"([a-z._]+)".*"reasons":\[([^]]*)\].*/\1 \2 \3/' -e 's/ $//'
}

# answers NAME: what its requests get.
answers() {
	"$AVOW" decide --policies "$here/$1.avow" --requests "$here/$1.jsonl" |
		short | diff "$here/$1.expected" -
}

for policy in "$here"/*.avow; do
	name=$(basename "$policy" .avow)
	check "$name: no complaint" "$AVOW" check "$policy"
	check "$name: each request gets what is written" answers "$name"
done
finish
