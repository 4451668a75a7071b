#!/usr/bin/env bash
# signer.sh - signing as a process of its own: documents of every form, tokens and policy images through `signer:`; what it refuses, who may ask, how often, how it ends.
. "$(dirname "$0")/../lib/e2e.sh"
need_avow
cd "$T" || exit 1

for type in p256 rsa2048 ed25519; do
	"$AVOW" key new --type $type -o $type.key.pem
	"$AVOW" key public $type.key.pem >$type.pub.pem
done

# signer NAME KEY PURPOSE OPTIONS...: listening at $T/NAME.sock.
signer() {
	local name=$1 key=$2 purpose=$3
	shift 3
	start "$name" "$AVOW" signer --key "$key" --listen "unix:$T/$name.sock" --purpose "$purpose" "$@"
	until_true 10 test -S "$T/$name.sock" || give_up "$name does not start"
}
issue() { # SIGNER OPTIONS...
	"$AVOW" doc issue --key "signer:$T/$1.sock" --issuer acme --subject i-1 --audience updates "${@:2}"
}
# line SOCKET LINE: what is answered there (perl-base is always there).
line=(timeout 10 perl -MIO::Socket::UNIX -e '
	$SIG{PIPE} = "IGNORE"; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "cannot connect\n";
	print $s "$ARGV[1]\n"; $s->flush; print scalar <$s>;')
ask() { # SIGNER LINE
	"${line[@]}" "$T/$1.sock" "$2"
}

signer doc p256.key.pem document --issuer acme --max-lifetime 2h
expect "its socket's mode" 600 stat -c %a doc.sock
for form in detached embedded jws cms; do
	case $form in
	detached) check "$form" issue doc -o d; kind=avow; files="--document d.json --signature d.sig" ;;
	embedded) check "$form" issue doc --form $form --document e.json; kind=avow-$form; files="--document e.json" ;;
	*) check "$form" issue doc --form $form --document $form; kind=avow-$form; files="--document $form" ;;
	esac
	# shellcheck disable=SC2086
	expect "it verifies" '*"valid"*' "$AVOW" doc verify --trust p256.pub.pem --issuer acme --audience updates --kind $kind $files
done
"$AVOW" key public "signer:$T/doc.sock" >public.pem
check "its public half" cmp public.pem p256.pub.pem
expect "each is logged by its id" 4 grep -c 'event=signer ok=true .*document=[0-9a-f]* subject=i-1' doc.log
id=$(sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p' d.json)
check "this one, too" grep -q "document=$id" doc.log

# --- what it does not sign
refused() { # WHAT PATTERN COMMAND...
	local what=$1 pattern=$2 out status=0
	shift 2
	out=$("$@" 2>&1) || status=$?
	# shellcheck disable=SC2053
	if [ $status != 0 ] && [[ $out == $pattern ]]; then ok "$what: ${out:0:120}"; else not_ok "$what ($status): $out"; fi
}
refused "another issuer" '*evidence.issuer*' "$AVOW" doc issue --key "signer:$T/doc.sock" --issuer other --subject i-1 -o x
refused "a longer life" '*longer than this signer allows*' issue doc --expires-in 3h -o x
refused "issued yesterday" '*issued now*' issue doc --at 2026-03-01T12:00:00Z -o x
refused "held before" '*before it was issued*' issue doc --not-before 2026-03-01T12:00:00Z -o x
check "no file was written" test ! -e x.json
"$AVOW" key rotate ring >/dev/null
"$AVOW" key new --type p256 -o holder.key.pem
rm ring/*
(umask 077; echo "signer:$T/doc.sock" >ring/2026-03-01T110000Z.key.pem)
token() {
	"$AVOW" token issue --keys ring --issuer sts --subject i-1 --audience updates --key holder.key.pem -o t "$@"
}
refused "a token by a key for documents" '*no document*' token
refused "an image by a key for documents" '*signer refuses*' "$AVOW" compile --policies <(echo 'permit(principal,action,resource);') --sign "signer:$T/doc.sock" -o image
refused "a proof of possession" '*signer refuses*' "$AVOW" token prove --key "signer:$T/doc.sock" --url https://h/ --document d.json
message() {
	printf %s "$1" | openssl base64 -A | tr '+/' '-_' | tr -d '='
}
expect "any bytes" '*"code":"evidence.malformed"*' ask doc "{\"op\":\"sign\",\"message\":\"$(message hello)\"}"
expect "any JSON" '*"code":"evidence.malformed"*' ask doc "{\"op\":\"sign\",\"message\":\"$(message '{}')\"}"
expect "any content" '*"code":"evidence.malformed"*' ask doc "{\"op\":\"sign\",\"content\":\"$(message '{}')\"}"
expect "both at once" '*"code":"request.malformed"*' ask doc '{"op":"sign","content":"e30","message":"e30"}'
expect "the private key" '*"code":"request.malformed"*' ask doc '{"op":"export"}'
expect "no JSON" '*"code":"request.malformed"*' ask doc 'hello'
expect "repeated names" '*"code":"request.malformed"*' ask doc '{"op":"key","op":"sign"}'
expect "its key, without the secret" '{"purpose":"document","key":{*"kid":*}}' ask doc '{"op":"key"}'
expect "no secret in it" 0 eval "ask doc '{\"op\":\"key\"}' | grep -c '\"d\"'"
check "refusals are logged" grep -q 'event=signer ok=false .*code=evidence.malformed' doc.log

# --- tokens, images
signer tok ed25519.key.pem token --issuer sts --max-lifetime 10m
(umask 077; echo "signer:$T/tok.sock" >ring/2026-03-01T110000Z.key.pem)
check "a token" token
"$AVOW" key jwks ring -o jwks.json
expect "it verifies" '{"verdict":"valid",*' "$AVOW" token verify --trust jwks.json --issuer sts --audience updates t
check "logged by its id" grep -q 'token=[0-9a-f]\{32\} subject=i-1' tok.log
refused "a token that lives longer" '*longer*' token --expires-in 1h
refused "a document by a key for tokens" '*signer refuses*' issue tok -o x
signer pol rsa2048.key.pem policy
echo 'permit (principal, action, resource);' >p.avow
check "an image" "$AVOW" compile --policies p.avow --sign "signer:$T/pol.sock" -o image
expect "it verifies" '*"decision":"permit"*' "$AVOW" decide --policies image --trust rsa2048.pub.pem --request <(echo '{"principal":{"type":"Instance","id":"i-1"},"action":{"type":"Action","id":"a"},"resource":{"type":"R","id":"r"}}')
check "logged by its digest" grep -q 'image=[0-9a-f]\{64\}' pol.log
refused "a document by a key for images" '*signer refuses*' issue pol -o x

# --- many at once: those who are silent or slow hold up nobody
# hold SOCKET N: N connections, each with the start of a request; prints what each is answered, and those that are refused at once.
hold=(timeout 20 perl -MIO::Socket::UNIX -e '
	$SIG{PIPE} = "IGNORE"; $| = 1; my @s;
	for (1 .. $ARGV[1]) { my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die; syswrite $s, "{"; push @s, $s; }
	print "held\n"; print scalar readline $_ for @s;')
signer busy p256.key.pem document --issuer acme --rate 1000
start held "${hold[@]}" "$T/busy.sock" 15
until_true 5 grep -q held held.log
check "while others are silent" issue busy -o b
expect_not_yet() { [ "$(grep -c request held.log)" = 0 ]; }
check "none of which has had its time" expect_not_yet
wait "${PIDS[held]}"
unset 'PIDS[held]'
expect "whose time is over later" 15 grep -c '"code":"request.limit".*in time' held.log
start held "${hold[@]}" "$T/busy.sock" 17
wait "${PIDS[held]}"
unset 'PIDS[held]'
expect "one too many of one user is refused at once" 1 grep -c '"code":"request.limit".*too many' <(tail -17 held.log)
drip=(timeout 10 perl -MIO::Socket::UNIX -e '
	$SIG{PIPE} = "IGNORE"; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die; my $t = time;
	for (1 .. 80) { syswrite($s, " ") or last; select undef, undef, undef, 0.05; }
	print scalar(readline $s), time - $t <= 3 ? "soon" : "late", "\n";')
expect "a byte at a time" '*"code":"request.limit"*soon' "${drip[@]}" "$T/busy.sock"
check "and it goes on" issue busy -o b
for i in 1 2 3 4 5 6 7 8; do issue busy -o "many$i" & many[i]=$!; done
for i in 1 2 3 4 5 6 7 8; do wait "${many[i]}"; done
expect "eight at once" 8 eval 'ls many*.sig | wc -l'
start held "${hold[@]}" "$T/busy.sock" 3
until_true 5 grep -q held held.log
stop busy TERM || not_ok "told to stop, it waits for the silent"
expect "stopped with the silent there" 0 cat status

# --- how often, who, and the end
signer slow p256.key.pem document --issuer acme --rate 2
for _ in 1 2 3 4 5 6; do issue slow -o s; done >out 2>&1
check "more than its rate is refused" grep -q 'request.rate' out
refused "its socket is taken" '*cannot listen*' "$AVOW" signer --key p256.key.pem --listen "unix:$T/doc.sock" --purpose document --issuer acme
if [ "$(id -u)" = 0 ] && getent passwd nobody >/dev/null; then
	chmod 711 "$T"
	chmod 666 doc.sock
	expect "another user" '*"code":"request.peer"*' setpriv --reuid nobody --regid nogroup --clear-groups \
	    "${line[@]}" "$T/doc.sock" '{"op":"key"}'
	signer allowed p256.key.pem document --issuer acme --rate 1 --allow nobody --group nogroup
	expect "its mode" 660 stat -c %a allowed.sock
	for _ in 1 2 3 4; do ask allowed '{"op":"key"}'; done >asked
	check "root has asked too often" grep -q request.rate asked
	expect "one who is named, who has not" '{"purpose":*' setpriv --reuid nobody --regid nogroup --clear-groups \
	    "${line[@]}" "$T/allowed.sock" '{"op":"key"}'
else
	say "skipped: only root can be another user"
	skipped=$((skipped + 3))
fi
refused "no such purpose" '*--purpose*' "$AVOW" signer --key p256.key.pem --listen "unix:$T/n.sock" --purpose report
refused "no issuer" '*--issuer*' "$AVOW" signer --key p256.key.pem --listen "unix:$T/n.sock" --purpose document
refused "no port" '*unix:*' "$AVOW" signer --key p256.key.pem --listen 127.0.0.1:0 --purpose policy
stop doc TERM || not_ok "told to stop, it stays"
expect "with 0" 0 cat status
check "and takes its socket away" test ! -e doc.sock
refused "nobody there" '*signer cannot be used*' issue doc -o x
kill -STOP "${PIDS[tok]}"
refused "one that is silent" '*in time*' token
kill -CONT "${PIDS[tok]}"
finish
