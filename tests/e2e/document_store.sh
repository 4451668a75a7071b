#!/bin/bash
# document_store.sh - the document service's store in trouble: a disk that is full, and a database that is away. What was answered stays so, what
# could not be written is refused with its reason, a gate that cannot know denies, and all of it goes on when the trouble is over.
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/tests/lib/postgres.sh"
. "$ROOT/examples/documents/scene.sh"
need_avow
end_postgres() {
	[ -z "${PG-}" ] || postgres end "$PG"
	leave
}
trap end_postgres EXIT
CLAIMS=imageId,os.version MAIN=/debian/update
P1='{"imageId":"img-web-7","os":{"version":"12"},"custom":{"n":"0"}}'

verdict() {
	"$AVOW" doc verify --server "$STS" --ca "$CA" \
	    --document "$T/docs/$1.json" --signature "$T/docs/$1.sig" 2>&1 |
		sed 's/.*"\(verdict\|code\)":"\([a-z_.]*\)".*/\2/'
}

told() {
	happened web-1 custom "{\"custom\":{\"n\":\"$1\"}}" >"$T/out" 2>&1
}

known() {
	as fabric instance show web-1 --json | sed 's/.*"n": *"\([0-9]*\)".*/\1/' |
		tr -d ' \n' | sed 's/.*"n":"\([0-9]*\)".*/\1/'
}

say "A disk that is full:"
documents_scene || give_up "cannot start: documents_scene"
machine web-1 || give_up "no machine"
gate_of_documents || give_up "cannot start: gate_of_documents"
happened web-1 provisioned "$P1" >"$T/out" || give_up "nothing is known"
request web-1 team --claims custom.n >"$T/out"
request web-1 one --claims $CLAIMS >"$T/out"
expect "at the gate" "204 permit" shown web-1 $MAIN one
stop sts
# No file of the service grows much: its log of changes to come is soon full.
room=$(($(stat -c %s "$T"/lib/sts.db* | sort -n | tail -1) / 1024 + 200))
start sts bash -c "trap '' XFSZ; ulimit -f $room; exec '$AVOW' serve --config '$T/etc/avow/sts.yaml'"
wait_for_port sts 127.0.0.1 "$STS_PORT" || give_up "no service"
n=0
while [ $n -lt 60 ] && told $((n + 1)); do
	n=$((n + 1))
done
check "some changes fit, and then no more" [ "$n" -gt 0 -a "$n" -lt 60 ]
check "which is said" grep -q 'system\.store' "$T/out"
expect "no new document either" "system.store" \
    says request web-1 none --claims imageId --audience other
expect "the gate reads, and goes on" "204 permit" shown web-1 $MAIN one
expect "and knows what is stale" "401 evidence.superseded" \
    soon "401 evidence.superseded" shown web-1 $MAIN team
stop sts
start_service || give_up "the service does not come back"
expect "with room again all is as it was answered, and nothing beyond" "$n" known
check "and the next change is made" told 77
expect "and is known" 77 known
expect "the store is whole" "*" "$AVOW" store check --config "$T/etc/avow/sts.yaml"
stop sts
stop gate

say "A database that is away:"
PG=$(postgres start) || {
	PG=
	skip "no PostgreSQL"
	finish
}
on_postgres() {
	grep -v '^store:' "$1" >"$T/without" &&
		printf 'store: "%s"\n' "$(postgres url "$PG")" |
		cat - "$T/without" >"$1"
}
on_postgres "$T/etc/avow/sts.yaml" && on_postgres "$T/etc/avow/gate.yaml" ||
	give_up "no configuration"
rm -f "$T"/keys/*
start_service && "$AVOW" admin token new --config "$T/etc/avow/sts.yaml" \
    --name ann -o "$T/keys/ann.token" >"$T/out" && controller fabric web- &&
	machine web-1 || give_up "no service on PostgreSQL"
start gate "$AVOW" serve --config "$T/etc/avow/gate.yaml"
wait_for_port gate 127.0.0.1 "$GATE_PORT" || give_up "no gate"
happened web-1 provisioned "$P1" >"$T/out" || give_up "nothing is known"
request web-1 stale --claims custom.n,imageId,os.version >"$T/out"
request web-1 seen --claims $CLAIMS >"$T/out"
request web-1 unseen --claims imageId,os >"$T/out"
expect "stale, in time" "204 permit" shown web-1 $MAIN stale
check "and then not" told 1
expect "stale" "401 evidence.superseded" \
    soon "401 evidence.superseded" shown web-1 $MAIN stale
expect "seen" "204 permit" shown web-1 $MAIN seen
postgres kill "$PG"
expect "one that was seen before" "403 system.store" \
    soon "403 system.store" shown web-1 $MAIN seen
expect "one that was not" "403 system.store" shown web-1 $MAIN unseen
expect "the service says so, too" "*system.store*" verdict seen
postgres again "$PG"
expect "it comes back: seen" "204 permit" soon "204 permit" shown web-1 $MAIN seen
expect "unseen" "204 permit" shown web-1 $MAIN unseen
expect "stale, still" "401 evidence.superseded" shown web-1 $MAIN stale
expect "at the service" "valid" soon "valid" verdict unseen
finish
