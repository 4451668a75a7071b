# scene.sh - the signed apt repository, nginx before it, and a machine with apt; everything in $T, nothing of the system's is touched.
# Source tests/lib/e2e.sh first. repository_scene starts it all; the rest are what a story does with it.
EXAMPLE=$ROOT/examples/update-repository
# shellcheck source=../../tests/lib/documents.sh
. "$ROOT/tests/lib/documents.sh"

ARCHITECTURE=$(dpkg --print-architecture)
KERNEL=linux-image-6.1.0-28-$ARCHITECTURE

# package REPOSITORY NAME VERSION: a real package with one small file in it, in the repository's pool.
package() {
	local build=$T/package pool
	pool=$T/srv/mirror/$1/pool/main/${2:0:1}/$2
	rm -rf "$build"
	mkdir -p "$build/DEBIAN" "$build/usr/share/doc/$2" "$pool"
	echo "What $2 $3 would have brought." >"$build/usr/share/doc/$2/README"
	cat >"$build/DEBIAN/control" <<-END
		Package: $2
		Version: $3
		Architecture: $ARCHITECTURE
		Maintainer: Nobody <nobody@example.org>
		Description: a package to be asked for
	END
	dpkg-deb --root-owner-group -b "$build" \
	    "$pool/${2}_${3}_$ARCHITECTURE.deb" >/dev/null
}

# The paragraphs of a Packages file, for the packages below a folder.
packages_index() {
	local deb
	find "$1" -name '*.deb' | sort | while read -r deb; do
		dpkg-deb -f "$deb"
		echo "Filename: ${deb#"$1/"}"
		echo "Size: $(stat -c %s "$deb")"
		echo "SHA256: $(sha256sum "$deb" | cut -d' ' -f1)"
		echo
	done
}

# release_file FOLDER: names every file below it by size and hash.
release_file() {
	local file
	echo "Origin: example"
	echo "Suite: stable"
	echo "Codename: stable"
	echo "Architectures: $ARCHITECTURE"
	echo "Components: main"
	echo "Date: $(date -R -u)"
	echo "SHA256:"
	(cd "$1" && find . -name 'Packages*' | sort | sed 's|^\./||' |
		while read -r file; do
			echo " $(sha256sum "$file" | cut -d' ' -f1)" \
			    "$(stat -c %s "$file") $file"
		done)
}

signing_key() {
	mkdir -m 700 "$T/gpg"
	run_server gpg1 --homedir "$T/gpg" --batch --quiet --gen-key 2>>"$T/gpg.log" <<-END
		Key-Type: RSA
		Key-Length: 2048
		Name-Real: throwaway
		%commit
	END
	run_server gpg1 --homedir "$T/gpg" --batch --export >"$T/archive.gpg"
}

# sign FOLDER: Release becomes InRelease.
sign() {
	run_server gpg1 --homedir "$T/gpg" --batch --yes --digest-algo SHA512 \
	    -o "$1/InRelease" --clearsign "$1/Release" 2>>"$T/gpg.log"
}

# repository NAME: indexed and signed, as usual mirrors are.
repository() {
	local top=$T/srv/mirror/$1 dist=$T/srv/mirror/$1/dists/stable
	mkdir -p "$dist/main/binary-$ARCHITECTURE"
	packages_index "$top" >"$dist/main/binary-$ARCHITECTURE/Packages"
	gzip -9nk "$dist/main/binary-$ARCHITECTURE/Packages"
	release_file "$dist" >"$dist/Release"
	sign "$dist"
}

# flat_repository NAME: all in one folder; apt asks for NAME/./InRelease.
flat_repository() {
	local top=$T/srv/mirror/$1
	packages_index "$top" >"$top/Packages"
	release_file "$top" >"$top/Release"
	sign "$top"
}

mirror() {
	signing_key || return
	package debian hello 1.0-1
	package debian "$KERNEL" 6.1.119-1
	package debian-extended openssl 3.0.15-1+ext2
	package tools acme-tool 2.4
	repository debian && repository debian-extended && flat_repository tools
}

# apt_machine: an apt that knows nothing of this system and only the mirror.
apt_machine() {
	local url=http://127.0.0.1:$PORT
	mkdir -p "$T/apt/etc/apt.conf.d" "$T/apt/etc/auth.conf.d" \
	    "$T/apt/etc/sources.list.d" "$T/apt/etc/preferences.d" \
	    "$T/apt/etc/trusted.gpg.d" "$T/apt/state/lists/partial" \
	    "$T/apt/cache/archives/partial" "$T/apt/log"
	: >"$T/apt/state/status"
	cat >"$T/apt/apt.conf" <<-END
		Dir::Etc "$T/apt/etc";
		Dir::State "$T/apt/state";
		Dir::State::status "$T/apt/state/status";
		Dir::Cache "$T/apt/cache";
		Dir::Log "$T/apt/log";
		APT::Sandbox::User "root";
		APT::Architecture "$ARCHITECTURE";
		APT::Architectures { "$ARCHITECTURE"; };
		Acquire::Languages "none";
		Acquire::Retries "0";
		Acquire::http::Proxy "DIRECT";
	END
	cat >"$T/apt/etc/sources.list" <<-END
		deb [signed-by=$T/archive.gpg] $url/debian stable main
	END
}

apt() {
	(cd "$T/apt/cache" &&
		APT_CONFIG=$T/apt/apt.conf apt-get -q "$@" </dev/null 2>&1)
}

# apt_forgets: the next update has to fetch everything again.
apt_forgets() {
	rm -rf "$T/apt/state/lists" "$T/apt/cache"
	mkdir -p "$T/apt/state/lists/partial" "$T/apt/cache/archives/partial"
}

# apt_shows NAME [LOGIN]: apt's evidence is from now on that document's pack. No NAME: none.
apt_shows() {
	local file=$T/apt/etc/auth.conf.d/avow.conf
	rm -f "$file"
	[ -n "${1-}" ] || return 0
	(umask 077 && echo "machine http://127.0.0.1:$PORT/" \
	    "login ${2:-$(subject_of "$1")}" \
	    "password $(cat "$T/docs/$1.pack")" >"$file")
}

# apt_update, apt_gets PACKAGE: what apt did, in a few words.
apt_update() {
	local out
	apt_forgets
	if out=$(apt -o APT::Update::Error-Mode=any update); then
		echo "updated"
	else
		echo "refused: $(apt_reason "$out")"
	fi
}

apt_gets() {
	local out
	rm -f "$T/apt/cache"/*.deb "$T/apt/cache/archives"/*.deb
	if out=$(apt -y install --download-only "$1"); then
		basename "$(ls "$T/apt/cache/archives"/*.deb)"
	else
		echo "refused: $(apt_reason "$out")"
	fi
}

apt_reason() {
	local status
	status=$(grep -oE ' (401|403|404|500) +[A-Z][A-Za-z]+' <<<"$1" |
		head -1 | tr -s ' ')
	[ -n "$status" ] && echo "${status# }" && return
	tail -3 <<<"$1"
}

# ask PATH [CURL OPTION...]: what nginx answers: status and reason.
ask() {
	local path=$1
	shift
	curl -s -o "$T/body" --path-as-is --max-time 10 "$@" \
	    -w '%{http_code} %header{x-avow-reason}\n' \
	    "http://127.0.0.1:$PORT$path" | sed 's/ $//'
}

# shows NAME: curl's options that show a document as header pair.
shows() {
	printf '%s\n' -H "X-Avow-Document: $(base64url "$T/docs/$1.json")" \
	    -H "X-Avow-Signature: $(signature64url "$T/docs/$1.sig")"
}

# ask_as NAME PATH [CURL OPTION...]
ask_as() {
	local -a options
	mapfile -t options < <(shows "$1")
	ask "$2" "${options[@]}" "${@:3}"
}

site() {
	relocate "$EXAMPLE/site-$1.conf" "$T/etc/avow/mirror.site" \
	    "127.0.0.1:8080=127.0.0.1:$PORT"
}

start_avow() {
	start avow "$AVOW" serve --config "$T/etc/avow/avow.yaml"
	until_true 10 test -S "$T/run/gate.sock" && running avow && return
	say "avow does not listen:"
	tail -20 "$T/avow.log"
	return 1
}

start_nginx() {
	start_site mirror && wait_for_port mirror 127.0.0.1 "$PORT"
}

repository_scene() {
	PORT=$(free_port)
	mkdir -p "$T/etc/avow/policies"
	relocate "$EXAMPLE/avow.yaml" "$T/etc/avow/avow.yaml"
	cp "$EXAMPLE"/policies/*.avow "$T/etc/avow/policies/"
	: >"$T/etc/avow/revoked"
	issuer acme
	mirror || return
	apt_machine
	site enforce
	start_avow && start_nginx
}
