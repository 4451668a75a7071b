#!/bin/sh
# servers.sh - the servers that tests and demo talk to, and a PKCS #11 token in software, fetched as Debian packages and unpacked under build/servers.
# `servers.sh clients` does the same for clients of metadata services, `servers.sh dnf` for dnf and what makes its repositories. Nothing is installed and nothing is started; a program that the system has already is not fetched again.
# Run as often as you like: ready means one file is there. Exit 0 ready, 3 not to be had (what needs them is skipped).
# apt checks the packages against the mirror's signed lists. Where the system has no lists, or stale ones, private ones
# are fetched; for them, too, no root is needed.
set -eu

# The program, and the package that has it.
wanted='
nginx	nginx
haproxy	haproxy
gpg1	gnupg1
postgres	postgresql-15
softhsm2-util	softhsm2
'

name=ready-4
# Clients of clouds' metadata services, for those tests alone.
if [ "${1-}" = clients ]; then
	name=clients-1
	wanted='
ec2metadata	cloud-guest-utils
ec2-metadata	amazon-ec2-utils
cloud-init	cloud-init
'
fi
if [ "${1-}" = dnf ]; then
	name=dnf-1
	wanted='
dnf	dnf
createrepo_c	createrepo-c
'
fi

root=$(cd "$(dirname "$0")/../.." && pwd)
servers=$root/build/servers
ready=$servers/.$name
[ ! -e "$ready" ] || exit 0

mkdir -p "$servers/debs"
exec 9>"$servers/.lock"
flock 9
[ ! -e "$ready" ] || exit 0

cannot() {
	echo "servers.sh: $*" >&2
	exit 3
}
command -v apt-get >/dev/null 2>&1 || cannot "this system has no apt-get"

packages=$(echo "$wanted" | while read -r program package; do
	[ -n "$program" ] || continue
	PATH="$PATH:/usr/sbin:/usr/lib/postgresql/15/bin:$servers/usr/sbin:$servers/usr/bin:$servers/usr/lib/postgresql/15/bin" \
		command -v "$program" >/dev/null ||
		echo "$package"
done)

# Root's downloads would run as _apt, which may not enter this folder.
options="-o Debug::NoLocking=1 -o APT::Sandbox::User=root \
-o Acquire::Retries=2 -o Acquire::http::Timeout=20"

private_lists() {
	lists=$servers/apt
	mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial"
	options="$options -o Dir::State::Lists=$lists/lists \
-o Dir::Cache=$lists/cache"
	apt-get -qq $options update
}

# PACKAGE=VERSION of all that would have to be installed.
resolve() {
	plan=$(apt-get -s -y --no-install-recommends $options \
	    install $packages 2>&1) || return 1
	echo "$plan" | sed -n 's/^Inst \([^ ]*\) .*(\([^ ]*\) .*/\1=\2/p'
}

fetch() {
	chosen=$(resolve) && (cd "$servers/debs" && rm -f ./*.deb &&
		apt-get -qq $options download $chosen)
}

if [ -n "$packages" ]; then
	echo "fetching:" $packages
	fetch 2>"$servers/apt.log" || {
		private_lists && fetch
	} >"$servers/apt.log" 2>&1 ||
		cannot "cannot fetch $(echo $packages):" \
		    "$(tail -1 "$servers/apt.log")"
	for deb in "$servers"/debs/*.deb; do
		dpkg-deb -x "$deb" "$servers"
	done
	rm -rf "$servers/debs" "$servers/apt"
fi
: >"$ready"
