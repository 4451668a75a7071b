# e2e.sh - for scripts that run Avow against real programs (bash; source it first).
# Gives a folder of its own ($T, gone at exit), free ports, programs that are started and surely stopped, bounded waits, and
# counted expectations. A script ends with `finish`, whose last line is `N passed, N failed, N skipped`.
# Nothing outlives the script: every program it starts is stopped by its pid, also after a failure or a signal.
# KEEP=1 keeps $T. AVOW names the program under test.
set -uo pipefail
export LC_ALL=C TZ=UTC
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
AVOW=${AVOW:-build/avow}
case $AVOW in /*) ;; *) AVOW=$ROOT/$AVOW ;; esac
SERVERS=$ROOT/build/servers

passed=0 failed=0 skipped=0
declare -A PIDS=()

mkdir -p "$ROOT/build"
T=$(mktemp -d "$ROOT/build/e2e.XXXXXX")
# A Unix socket's path has 107 bytes; a checkout may lie deep.
if [ ${#T} -gt 70 ]; then
	rmdir "$T"
	T=$(mktemp -d /tmp/avow-e2e.XXXXXX)
fi

say() {
	printf '%s\n' "$*"
}

# --- what is started is stopped -----------------------------------------

# start NAME COMMAND...: in the background; its output goes to $T/NAME.log.
start() {
	local name=$1
	shift
	"$@" </dev/null >>"$T/$name.log" 2>&1 &
	PIDS[$name]=$!
}

running() {
	[ -n "${PIDS[$1]-}" ] && kill -0 "${PIDS[$1]}" 2>/dev/null
}

# stop NAME [SIGNAL]: and wait for its end; its exit status goes to $T/status. What does not go in 5 s is killed, and that is a failure
# (return 1).
stop() {
	local pid=${PIDS[$1]-} late=0
	[ -n "$pid" ] || return 0
	kill -"${2:-TERM}" "$pid" 2>/dev/null
	until_true 5 gone "$pid" || {
		late=1
		kill -KILL "$pid" 2>/dev/null
	}
	wait "$pid" 2>/dev/null
	echo $? >"$T/status"
	unset "PIDS[$1]"
	return $late
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

leave() {
	local name
	trap - EXIT
	for name in "${!PIDS[@]}"; do
		stop "$name"
	done
	if [ "${KEEP-}" = 1 ]; then
		say "kept: $T"
	else
		rm -rf "$T"
	fi
}
trap leave EXIT
trap 'exit 130' INT TERM HUP

# --- waiting, always bounded --------------------------------------------

# until_true SECONDS COMMAND...: asks again every 50 ms.
until_true() {
	local left=$(($1 * 20))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $((left--)) -gt 0 ] || return 1
		sleep 0.05
	done
}

listens() {
	(exec 3<>"/dev/tcp/$1/$2") 2>/dev/null
}

# wait_for_port NAME ADDRESS PORT: until the program NAME accepts there.
wait_for_port() {
	until_true 10 listens "$2" "$3" && running "$1" && return
	say "$1 does not listen on $2:$3:"
	tail -20 "$T/$1.log"
	return 1
}

# A port that nobody listens on, that the kernel does not hand out, and that no
# test beside this one took.
free_port() {
	local port hex
	while :; do
		port=$((20000 + RANDOM % 10000))
		printf -v hex ':%04X ' "$port"
		grep -q "$hex" /proc/net/tcp /proc/net/tcp6 2>/dev/null && continue
		mkdir "${TEST_PORTS:-$T}/.port.$port" 2>/dev/null && break
	done
	echo "$port"
}

# --- expectations -------------------------------------------------------

ok() {
	passed=$((passed + 1))
	say "  ok    $1"
}

not_ok() {
	failed=$((failed + 1))
	say "  FAIL  $1"
}

# check WHAT COMMAND...: the command succeeds; else its output is shown.
check() {
	local what=$1 out
	shift
	if out=$("$@" 2>&1); then
		ok "$what"
	else
		not_ok "$what"
		say "$out" | head -20 | sed 's/^/        /'
	fi
}

# expect WHAT WANTED COMMAND...: the command prints WANTED (a shell pattern).
expect() {
	local what=$1 wanted=$2 got
	shift 2
	got=$("$@" 2>"$T/stderr")
	# shellcheck disable=SC2053
	if [[ $got == $wanted ]]; then
		ok "$what: ${got:0:200}"
	else
		not_ok "$what: wanted $wanted, got ${got:0:400}"
		head -5 "$T/stderr" | sed 's/^/        /'
	fi
}

# expect_exit WHAT STATUS COMMAND...
expect_exit() {
	local what=$1 wanted=$2 got=0 out
	shift 2
	out=$("$@" 2>&1) || got=$?
	if [ "$got" = "$wanted" ]; then
		ok "$what: exit $got"
	else
		not_ok "$what: wanted exit $wanted, got $got"
		say "$out" | head -10 | sed 's/^/        /'
	fi
}

# give_up WHAT: without it the rest makes no sense.
give_up() {
	not_ok "$1"
	finish
}

skip() {
	skipped=$((skipped + 1))
	say "skipped: $1"
}

finish() {
	if [ "$failed" -gt 0 ]; then
		local log
		for log in "$T"/*.log; do
			[ -s "$log" ] || continue
			say "--- ${log##*/}, its end:"
			tail -15 "$log"
		done
	fi
	say "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
	exit
}

# --- the programs -------------------------------------------------------

# need_servers: fetches nginx and HAProxy, or ends the script: as skipped, or as failed where MUST_RUN is set.
need_servers() {
	"$ROOT/tests/lib/servers.sh" || {
		if [ -n "${MUST_RUN-}" ]; then
			not_ok "nginx and HAProxy cannot be fetched"
		else
			skip "nginx and HAProxy cannot be fetched"
		fi
		finish
	}
	need_avow
}

need_avow() {
	[ -x "$AVOW" ] && return
	not_ok "$AVOW is not built"
	finish
}

# The path of a fetched program, or of the system's.
program() {
	local path
	for path in "$SERVERS/usr/sbin/$1" "$SERVERS/usr/bin/$1"; do
		[ -x "$path" ] && echo "$path" && return
	done
	PATH="$PATH:/usr/sbin" command -v "$1"
}

# The libraries that the fetched programs came with.
libraries() {
	printf '%s:' "$SERVERS"/usr/lib/*-linux-* "$SERVERS"/lib/*-linux-*
}

# start_server NAME PROGRAM ARGUMENT...: with its libraries.
start_server() {
	local name=$1 path
	path=$(program "$2") || return 1
	shift 2
	start "$name" env LD_LIBRARY_PATH="$(libraries)" "$path" "$@"
}

# start_site NAME: nginx with /etc/avow/NAME.site. As root its workers stay root: they have to read this folder.
start_site() {
	local -a as=()
	[ "$(id -u)" -ne 0 ] || as=(-g "user root;")
	relocate "$ROOT/tests/lib/nginx.conf" "$T/etc/avow/$1.conf" "@NAME@=$1"
	start_server "$1" nginx -p "$T/run" -c "$T/etc/avow/$1.conf" -e stderr \
	    "${as[@]}"
}

run_server() {
	local path
	path=$(program "$1") || return 1
	shift
	LD_LIBRARY_PATH="$(libraries)" "$path" "$@"
}

# relocate FILE... : copies configuration into $T; the places of an installed system become places under $T.
# NAME=VALUE arguments replace @NAME@ as well. The last argument is the target.
relocate() {
	local from=$1 to=$2 pair edits=(
		-e "s|/etc/avow|$T/etc/avow|g"
		-e "s|/var/lib/avow|$T/lib|g"
		-e "s|/var/log/avow|$T/log|g"
		-e "s|/run/avow|$T/run|g"
		-e "s|/run/haproxy|$T/run|g"
		-e "s|/srv/|$T/srv/|g"
	)
	shift 2
	for pair in "$@"; do
		edits+=(-e "s|${pair%%=*}|${pair#*=}|g")
	done
	mkdir -p "$(dirname "$to")" "$T/etc/avow/trust" "$T/lib" "$T/log" "$T/run"
	sed "${edits[@]}" "$from" >"$to"
}

# soon WANTED COMMAND...: what the command prints, when it has come to print WANTED or ten seconds are over.
soon() {
	local wanted=$1
	shift
	until_true 10 prints "$wanted" "$@"
	"$@"
}

prints() {
	local wanted=$1
	shift
	# shellcheck disable=SC2053
	[[ $("$@") == $wanted ]]
}

# --- raw requests -------------------------------------------------------

# raw PORT TEXT: sends TEXT (as printf's %b has it) on one connection; prints the status of each answer and, at the end, `closed`
# or, if the server keeps the connection for two seconds, `open`.
raw() {
	local answer end=closed text
	text=$(mktemp "$T/raw.XXXXXX")
	printf '%b' "$2" >"$text"
	exec 3<>"/dev/tcp/127.0.0.1/$1" || return
	# In one piece: bash itself would write line by line, after the server has closed.
	cat "$text" >&3 2>/dev/null
	timeout 2 cat <&3 >"$text.answer" 2>/dev/null
	[ $? != 124 ] || end=open
	exec 3>&- 3<&-
	answer=$(grep -aoE '^HTTP/1\.[01] [0-9]{3}' "$text.answer" |
		cut -d' ' -f2 | paste -sd' ')
	echo "${answer:+$answer }$end"
}
