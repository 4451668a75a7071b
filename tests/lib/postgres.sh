#!/usr/bin/env bash
# postgres.sh - a PostgreSQL of the test's own: never the system's service, no TCP, its socket in a folder that goes with it.
#   postgres.sh start            makes a folder and a server in it; prints the folder when the server answers
#   postgres.sh again FOLDER     starts it again after stop or kill
#   postgres.sh stop FOLDER      at once, as a crash (what was committed is there afterwards)
#   postgres.sh kill FOLDER      the server's first process by SIGKILL; its others follow
#   postgres.sh pause|go FOLDER  every process of it stands still, goes on
#   postgres.sh end FOLDER       stop, and remove the folder
#   postgres.sh url FOLDER       what `store:` takes
# A script that sources it calls it as `postgres start` and so on.
# Exit 3: there is no PostgreSQL to be had; what needs it is skipped. As root the server runs as nobody.
if [ "${BASH_SOURCE[0]}" != "$0" ]; then
	POSTGRES=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/postgres.sh
	postgres() {
		OWNER=$$ "$POSTGRES" "$@"
	}
	return
fi
set -euo pipefail
export LC_ALL=C TZ=UTC
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
servers=$root/build/servers

cannot() {
	echo "postgres.sh: $*" >&2
	exit 3
}

# The folder of initdb and postgres: Debian's, or fetched by servers.sh.
find_programs() {
	local folder
	for folder in /usr/lib/postgresql/*/bin \
	    "$servers"/usr/lib/postgresql/*/bin; do
		if [ -x "$folder/postgres" ] && [ -x "$folder/initdb" ]; then
			programs=$folder
		fi
	done
	[ -n "${programs-}" ] || cannot "PostgreSQL is not there (tests/lib/servers.sh fetches it)"
	libraries=$(printf '%s:' "$servers"/usr/lib/*-linux-*)
	as=()
	if [ "$(id -u)" -eq 0 ]; then
		as=(setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups)
	fi
	"${as[@]}" test -x "$programs/postgres" ||
		cannot "nobody may not enter $programs"
}

run() {
	(cd / && exec "${as[@]}" env LD_LIBRARY_PATH="$libraries" "$@")
}

url() {
	echo "postgresql:///avow?host=$1&user=avow"
}

# A crash is part of what is tested, a loss of power is not: no fsync. Small, for there may be many of them.
begin() {
	local folder=$1 left=200
	run setsid "$programs/postgres" -D "$folder/data" -k "$folder" -h '' \
	    -c fsync="${FSYNC:-off}" -c shared_buffers=4MB -c max_connections=40 \
	    -c unix_socket_permissions=0700 -c autovacuum=off \
	    -c max_wal_size=32MB -c jit=off -c logging_collector=off \
	    -c log_checkpoints=off </dev/null >>"$folder/log" 2>&1 &
	until [ -S "$folder/.s.PGSQL.5432" ] &&
	    run "$programs/psql" -X -q -h "$folder" -U avow -d postgres \
	    -c 'SELECT 1' >/dev/null 2>&1; do
		if [ $((left--)) -le 0 ]; then
			tail -5 "$folder/log" >&2
			echo "postgres.sh: the server does not start" >&2
			exit 1
		fi
		sleep 0.05
	done
}

# Making a cluster takes a second; it is made once and copied.
make_template() {
	local template=$1
	mkdir -p "${template%/*}"
	exec 9>"$template.lock"
	flock 9
	if [ -e "$template/PG_VERSION" ]; then
		exec 9>&-
		return
	fi
	rm -rf "$template" "$template.new"
	local new
	new=$(mktemp -d /tmp/avow-pg.XXXXXX)
	[ ${#as[@]} -eq 0 ] || chown nobody "$new"
	run "$programs/initdb" -D "$new/data" -U avow --auth=trust --no-sync \
	    --encoding=UTF8 --locale=C --wal-segsize=1 >"$template.log" 2>&1 || {
		tail -5 "$template.log" >&2
		rm -rf "$new"
		cannot "initdb failed"
	}
	cp -a "$new/data" "$template.new"
	rm -rf "$new"
	mv "$template.new" "$template"
	exec 9>&- # a server would keep the lock
}

# Whoever started it may be killed: then nobody else ends it.
watch() { # FOLDER OWNER
	while [ -d "$1" ] && kill -0 "$2" 2>/dev/null; do
		sleep 1
	done
	[ ! -d "$1" ] || "$root/tests/lib/postgres.sh" end "$1"
}

pids() {
	local first
	first=$(head -1 "$1/data/postmaster.pid" 2>/dev/null) || return 0
	# Processes come and go meanwhile: awk would end at the first that is gone.
	echo "$first" $(grep -slE "^PPid:[[:space:]]+$first\$" /proc/[0-9]*/status |
		sed 's|^/proc/\([0-9]*\)/.*|\1|')
}

gone() {
	local left=100 pid
	for pid in $2; do
		while kill -0 "$pid" 2>/dev/null; do
			[ $((left--)) -gt 0 ] || kill -KILL "$pid" 2>/dev/null
			sleep 0.05
		done
	done
}

stop() { # FOLDER SIGNAL
	local all
	all=$(pids "$1")
	[ -n "$all" ] || return 0
	kill -CONT $all 2>/dev/null || true
	kill -"$2" ${all%% *} 2>/dev/null || true
	gone "$1" "$all"
	rm -f "$1/data/postmaster.pid" "$1"/.s.PGSQL.*
}

signal() { # FOLDER SIGNAL
	kill -"$2" $(pids "$1")
}

case ${1-} in
start)
	find_programs
	make_template "$root/build/postgres-$(basename "$(dirname "$programs")")"
	folder=$(mktemp -d /tmp/avow-pg.XXXXXX)
	cp -a "$root/build/postgres-$(basename "$(dirname "$programs")")" "$folder/data"
	[ ${#as[@]} -eq 0 ] || chown -R nobody "$folder"
	begin "$folder"
	watch "$folder" "${OWNER:-$PPID}" </dev/null >/dev/null 2>&1 &
	run "$programs/psql" -X -q -h "$folder" -U avow -d postgres \
	    -c 'CREATE DATABASE avow' >/dev/null
	echo "$folder"
	;;
again)
	find_programs
	begin "$2"
	;;
stop) stop "$2" QUIT ;;
kill) stop "$2" KILL ;;
pause) signal "$2" STOP ;;
go) signal "$2" CONT ;;
end)
	stop "$2" QUIT
	rm -rf "$2"
	;;
url) url "$2" ;;
*)
	sed -n '2,/^set/s/^# //p' "$0" >&2
	exit 1
	;;
esac
