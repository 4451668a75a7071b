#!/bin/bash
# revocation.sh - what is revoked is revoked on every node, in time; and a node that cannot know it denies.
# Two servers share one store: first SQLite, then PostgreSQL. The store dies, comes back, and is put back from a copy.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/tests/lib/documents.sh"
. "$ROOT/tests/lib/postgres.sh"
need_avow
end_postgres() {
	[ -z "${PG-}" ] || postgres end "$PG"
	leave
}
trap end_postgres EXIT

INDEX=/debian/dists/stable/InRelease
mkdir -p "$T/etc/avow/policies" "$T/log" "$T/run" "$T/lib" "$T/marks"
echo 'permit (principal, action, resource);' >"$T/etc/avow/policies/all.avow"
echo '# by hand' >"$T/etc/avow/revoked"
issuer acme
for name in one two three four; do
	document $name "i-$name" "$(claims 127.0.0.5 base)"
done

# configure NAME URL: a node of its own, with one repository and one pool. HAProxy is away: joins are kept, and it is told later.
configure() {
	cat >"$T/etc/avow/$1.yaml" <<-END
		listen: unix:$T/run/$1.sock
		store: $2
		storeMark: $T/marks/$1
		policies: [$T/etc/avow/policies]
		decisionLog: $T/log/$1.jsonl
		revoked: $T/etc/avow/revoked
		trust: [{kind: avow, keys: $T/etc/avow/trust/acme, issuer: acme}]
		gates:
		  - {kind: repository, name: updates, repositories: {main: /debian/}}
		  - {kind: balancer, name: web, pools: {web$1: {haproxy: $T/run/none.sock, backend: web, ports: [80], networks: [127.0.0.0/8]}}}
	END
}

answers() {
	curl -sf --max-time 5 --unix-socket "$T/run/$1.sock" http://gate/healthz
}

serve() {
	start "$1" "$AVOW" serve --config "$T/etc/avow/$1.yaml"
	until_true 10 answers "$1"
}

# asks NODE DOCUMENT: status and reason of a request for the index.
asks() {
	local -a evidence
	mapfile -t evidence < <(headers "$2")
	curl -s --max-time 10 --unix-socket "$T/run/$1.sock" -o "$T/body" \
	    -w '%{http_code} %header{x-avow-reason}\n' \
	    -H "X-Original-URI: $INDEX" -H 'X-Original-Method: GET' \
	    -H 'X-Forwarded-Proto: https' -H 'X-Forwarded-For: 127.0.0.5' \
	    "${evidence[@]}" http://gate/gate/auth
}

headers() {
	printf '%s\n' -H "X-Avow-Pack: $(cat "$T/docs/$1.pack")"
}

joins() {
	local -a evidence
	mapfile -t evidence < <(headers "$2")
	curl -s --max-time 10 --unix-socket "$T/run/$1.sock" -o "$T/body" \
	    -w '%{http_code}\n' -X POST \
	    -d '{"address":"127.0.0.5","port":80}' \
	    -H 'X-Forwarded-Proto: https' -H 'X-Forwarded-For: 127.0.0.5' \
	    "${evidence[@]}" "http://gate/gate/balancer/web$1"
}

readies() {
	curl -s --max-time 10 --unix-socket "$T/run/$1.sock" -o /dev/null \
	    -w '%{http_code}' http://gate/readyz
}

members() {
	"$AVOW" store check --json --config "$T/etc/avow/a.yaml" |
		sed -n 's/.*"members": \([0-9]*\).*/\1/p'
}

# within SECONDS WANTED COMMAND...: what it prints when it has come to print WANTED, and not later than that.
within() {
	local seconds=$1 wanted=$2
	shift 2
	until_true "$seconds" prints "$wanted" "$@"
	"$@"
}

revoke() {
	"$AVOW" revoke "$@" --config "$T/etc/avow/a.yaml"
}

REVOKED='401 evidence.revoked'
STORE='403 system.store'
PERMIT='204 permit'

story() { # NAME URL
	say "Two nodes on one $1:"
	rm -f "$T"/marks/*
	configure a "$2"
	configure b "$2"
	serve a && serve b || give_up "both start: start"
	expect "one, at a" "$PERMIT" asks a one
	expect "one, at b" "$PERMIT" asks b one
	expect "two joins at a" 202 joins a two
	expect "three joins at b" 202 joins b three
	expect "both are kept" 2 members

	check "one is revoked" revoke add instance i-one --reason 'lost in a taxi'
	expect "in force at a within a second" "$REVOKED" within 1 "$REVOKED" asks a one
	expect "and at b within five" "$REVOKED" within 5 "$REVOKED" asks b one
	expect "the list says so" 'instance i-one  # since *: lost in a taxi' revoke list
	expect "and as JSON" '*"revocations": *"kind": "instance"*"id": "i-one"*"until": null*"madeAt": "20*Z"*"reason": "lost in a taxi"*' \
	    revoke list --json
	check "the member two is revoked" revoke add document "$(id_of two)"
	expect "it leaves, and three stays" 1 within 5 1 members
	expect "an id that could match nothing is refused" '*32 lower-case hex*' \
	    bash -c "'$AVOW' revoke add document xyz --config '$T/etc/avow/a.yaml' 2>&1; true"
	expect_exit "it is an error" 1 revoke add document xyz
	expect_exit "a revocation in the past" 1 \
	    revoke add instance i-nine --until 2026-01-01T00:00:00Z
	expect_exit "taking back what is not revoked" 2 revoke remove instance i-nine
	check "one is taken back" revoke remove instance i-one
	expect "in force at b" "$PERMIT" within 5 "$PERMIT" asks b one
	echo "instance i-four" >>"$T/etc/avow/revoked"
	kill -HUP "${PIDS[a]}"
	expect "the file counts beside the store" "$REVOKED" within 5 "$REVOKED" asks a four
	expect "and the store beside the file, after a reload" "$REVOKED" asks a two
	expect "b has not read the file again" "$PERMIT" asks b four
	sed -i '$d' "$T/etc/avow/revoked"
	kill -HUP "${PIDS[a]}"
	expect "nor does the reload forget" "$PERMIT" within 5 "$PERMIT" asks a four
	mv "$T/etc/avow/policies/all.avow" "$T/all.avow"
	echo 'permit (' >"$T/etc/avow/policies/all.avow"
	check "one may revoke while policies are broken" revoke add token t-1 --json
	check "and take it back" revoke remove token t-1
	mv "$T/all.avow" "$T/etc/avow/policies/all.avow"
	expect "the store is whole" '*pool members * 1*revocations * 1*' \
	    "$AVOW" store check --config "$T/etc/avow/a.yaml"
}

ended() {
	check "a stops" stop a
	check "b stops" stop b
}

# --- SQLite ------------------------------------------------------------------

DB=$T/lib/avow.db
story SQLite "sqlite://$DB"

ended
say "A file that is damaged:"
cp "$DB" "$T/whole.db"
printf 'not a database' | dd of="$DB" conv=notrunc status=none
expect_exit "no node starts on it" 1 "$AVOW" serve --config "$T/etc/avow/a.yaml"
cp "$T/whole.db" "$DB"
serve a || give_up "a starts: start"
expect "what was revoked still is" "$REVOKED" asks a two

say "A store that is put back from a copy:"
check "stop" stop a
cp "$DB" "$T/copy.db"
[ ! -s "$DB-wal" ] || cp "$DB-wal" "$T/copy.db-wal"
serve a || give_up "a starts: start"
check "three is revoked after the copy" revoke add instance i-three
expect "in force" "$REVOKED" within 1 "$REVOKED" asks a three
check "stop" stop a
rm -f "$DB-wal" "$DB-shm"
cp "$T/copy.db" "$DB"
[ ! -e "$T/copy.db-wal" ] || cp "$T/copy.db-wal" "$DB-wal"
expect_exit "the old copy is refused" 1 "$AVOW" serve --config "$T/etc/avow/a.yaml"
expect "and says why" '*put back from a copy*accept-restore*' bash -c \
    "'$AVOW' serve --config '$T/etc/avow/a.yaml' 2>&1; true"
expect_exit "revoking on it, too" 1 revoke add instance i-nine
check "the operator accepts" "$AVOW" store accept-restore --config "$T/etc/avow/a.yaml"
serve a || give_up "a starts: start"
expect "what was issued before no longer counts" "$REVOKED" asks a one
expect "nor members" 0 members
issued_at "$(date -u -d '+61 seconds' +%Y-%m-%dT%H:%M:%SZ)" later i-one "$(claims 127.0.0.5 base)"
resigned new later 's/"\(notBefore\)":"[^"]*"/"\1":"2026-03-01T12:00:00Z"/'
expect "what is issued from now on does, when its time has come" \
    "$PERMIT" within 10 "$PERMIT" asks a new
check "stop" stop a

# --- PostgreSQL --------------------------------------------------------------

PG=$(postgres start) || {
	PG=
	skip "no PostgreSQL"
	finish
}
story PostgreSQL "$(postgres url "$PG")"
say "The database dies:"
postgres kill "$PG"
expect "a denies" "$STORE" within 5 "$STORE" asks a one
expect "b denies" "$STORE" within 5 "$STORE" asks b one
expect "a is not ready" 503 readies a
expect "nobody joins" 503 joins a two
expect "who asks is not told where the database is" 0 grep -c "$PG" "$T/body"
postgres again "$PG"
expect "a recovers" "$PERMIT" within 10 "$PERMIT" asks a one
expect "b recovers" "$PERMIT" within 10 "$PERMIT" asks b one
expect "what was revoked still is" "$REVOKED" asks b two
expect "the member is still there" 1 members
say "The database stands still:"
postgres pause "$PG"
expect "a denies within five seconds" "$STORE" within 5 "$STORE" asks a one
expect "b denies within five seconds" "$STORE" within 5 "$STORE" asks b one
postgres go "$PG"
expect "a recovers" "$PERMIT" within 10 "$PERMIT" asks a one
expect "b recovers" "$PERMIT" within 10 "$PERMIT" asks b one
say "A password:"
expect "in an argument is refused, and not shown" 'avow: --store: a password*' \
    bash -c "'$AVOW' revoke list --store 'postgresql://u:secret@localhost/avow' 2>&1 | grep -v secret"
url=$(postgres url "$PG" | sed 's|^postgresql:///|postgresql://avow:secret@/|; s|&user=avow||')
configure c "$url"
check "in a configuration" "$AVOW" revoke list --config "$T/etc/avow/c.yaml"
configure c "$(sed 's|host=|host=/nowhere|' <<<"$url")"
expect "is not shown when the database is away" '*/nowhere*' \
    bash -c "'$AVOW' revoke list --config '$T/etc/avow/c.yaml' 2>&1 | grep -v secret"
ended
finish
