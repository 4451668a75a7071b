#!/bin/sh
# deps.sh - the Debian packages that building and testing need: found, installed, or named.
# Usage: deps.sh [ci]      ci: also what only continuous integration needs (clang, linters)
# Nothing missing: says nothing, 0; costs one dpkg-query. Missing and root: installs through apt-get without asking.
# Missing and not root: prints the one command to run, 1.
# None of these starts a service; servers for the tests are servers.sh's work and are never installed.
set -eu

build='
gcc libc6-dev pkg-config
check libsubunit-dev
libjansson-dev libssl-dev libmicrohttpd-dev libfyaml-dev libsqlite3-dev libpq-dev libpcre2-dev liburcu-dev
libgnutls28-dev libcurl4-openssl-dev libp11-kit-dev
curl ca-certificates openssl xz-utils
'
ci='
clang clang-format clang-tidy libclang-rt-14-dev cppcheck valgrind
'

case "${1-}" in
'')	wanted=$build ;;
ci)	wanted="$build $ci" ;;
*)	echo "usage: deps.sh [ci]" >&2; exit 1 ;;
esac

command -v dpkg-query >/dev/null 2>&1 || {
	echo "deps.sh: this is not Debian; needed are, by their names there:" $wanted >&2
	exit 1
}

# dpkg-query fails when it does not know a name; that one is missing, then.
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted \
    2>/dev/null | sed -n 's/^installed //p') || true
missing=
for package in $wanted; do
	case "
$installed
" in
	*"
$package
"*)	;;
	*)	missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "Some packages are missing. As root, run:" >&2
	echo "    apt-get update && apt-get install -y" \
	    "--no-install-recommends$missing" >&2
	exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=300 update </dev/null
apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Use-Pty=0 install $missing </dev/null
