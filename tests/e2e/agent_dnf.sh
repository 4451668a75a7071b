#!/bin/bash
# agent_dnf.sh - real dnf on a machine with the agent: through its proxy at a gate that demands a key, with its file of variables at a gate that takes bearers, and
# refused with neither.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/examples/agent/scene.sh"
need_servers
"$ROOT/tests/lib/servers.sh" dnf
DNF=$(program dnf) && program createrepo_c >"$T/out" || {
	skip "no dnf (tests/lib/servers.sh dnf)"
	finish
}
command -v rpmbuild >"$T/out" || {
	skip "rpm is not installed"
	finish
}

# rpm_repository FOLDER NAME VERSION: one small package, and its index.
rpm_repository() {
	mkdir -p "$1"
	cat >"$T/$2.spec" <<-END
		Name: $2
		Version: $3
		Release: 1
		Summary: a package to be asked for
		License: none
		BuildArch: noarch
		%description
		What $2 $3 would have brought.
		%files
	END
	rpmbuild -bb --quiet --define "_topdir $T/rpm" --define "_rpmdir $1" \
	    --define "_rpmfilename %%{NAME}-%%{VERSION}.rpm" "$T/$2.spec" >>"$T/rpm.log" 2>&1 &&
		run_server createrepo_c --quiet "$1" >>"$T/rpm.log" 2>&1
}

# dnf_asks URL [LINE...]: where dnf's one repository is from now on, and what else is said of it. It knows nothing of this system.
dnf_asks() {
	mkdir -p "$T/dnf"
	cat >"$T/dnf/dnf.conf" <<-END
		[main]
		installroot=$T/dnf/root
		cachedir=$T/dnf/cache
		persistdir=$T/dnf/state
		logdir=$T/dnf/log
		varsdir=$T/vars
		reposdir=$T/dnf/none
		plugins=0
		gpgcheck=0
		retries=1
		timeout=10
		[mirror]
		name=mirror
		sslcacert=$CA
		baseurl=$1
	END
	printf '%s\n' "${@:2}" >>"$T/dnf/dnf.conf"
	rm -rf "$T/dnf/root"
	mkdir "$T/dnf/root"
}

# dnf COMMAND...: as root of this folder at least.
dnf() {
	local -a as=()
	[ "$(id -u)" -eq 0 ] || as=(unshare -r)
	LD_LIBRARY_PATH=$(libraries) PYTHONPATH=$SERVERS/usr/lib/python3/dist-packages \
		timeout 60 "${as[@]}" /usr/bin/python3 "$DNF" -y \
		--config "$T/dnf/dnf.conf" --releasever 1 "$@" 2>&1
}

# dnf_gets NAME: the package that it fetched, or the status it was refused with.
dnf_gets() {
	local out
	rm -rf "$T/got"
	if out=$(dnf install --downloadonly --downloaddir "$T/got" "$1"); then
		ls "$T/got"
	else
		grep -oE 'Status code: [0-9]+' <<<"$out" | head -1 | grep . || say "$out"
	fi
}

agent_scene || give_up "cannot start: agent_scene"
as fabric account enrol web-1 -o "$T/run/enrol.secret" >"$T/out" || give_up "no secret"
shown web-1 web-1 "$(claims 127.0.0.1 base)"
sed -i "s|{kind: apt,[^}]*}|{kind: dnf, path: $T/vars}|" "$T/etc/avow/agent.yaml"
mkdir "$T/vars"
mirror_scene || give_up "cannot start: mirror_scene"
sed -i 's/demand: address/demand: bearer/' "$T/etc/avow/gate.yaml"
stop gate && start_gate || give_up "the gate does not start"
rpm_repository "$T/srv/mirror/debian/rpm" hello 1.0 &&
	rpm_repository "$T/srv/mirror/plain/rpm" readme 2.0 ||
	give_up "no repository"
start_agent || give_up "the agent does not start"
expect "the agent" "*: ready*" soon "*: ready*" status

say "At the gate that demands a key:"
MIRROR=https://localhost:$PORT
dnf_asks "$MIRROR/debian/rpm"
expect "without a proof" "Status code: 401" dnf_gets hello
dnf_asks "$PROXY/debian/rpm"
expect "through the agent's proxy" "hello-1.0.rpm" dnf_gets hello
expect "what it knows now" "hello-0:1.0-1.noarch" dnf -q repoquery hello
check "byte for byte" cmp "$T/srv/mirror/debian/rpm/hello-1.0.rpm" "$T/got/hello-1.0.rpm"
expect "each by a proof of the key" '"proof":"key"' bash -c \
    "grep -o '\"proof\":\"[a-z]*\"' '$T/log/decisions.jsonl' | tail -1"
say "At the gate that takes bearers:"
dnf_asks "$MIRROR/plain/rpm"
expect "without a document" "Status code: 401" dnf_gets readme
dnf_asks "$MIRROR/plain/rpm" 'username=$avow_login' 'password=$avow_pack'
expect "with the agent's variables" "readme-2.0.rpm" dnf_gets readme
expect "for the agent alone" "600 600" bash -c \
    "stat -c %a '$T'/vars/avow_login '$T'/vars/avow_pack | paste -sd' '"
dnf_asks "$MIRROR/debian/rpm" 'username=$avow_login' 'password=$avow_pack'
expect "which are no proof of a key" "Status code: 401" dnf_gets hello
stop agent
rm "$T/vars/avow_pack"
dnf_asks "$MIRROR/plain/rpm" 'username=$avow_login' 'password=$avow_pack'
expect "when the file is gone" "Status code: 401" dnf_gets readme
finish
