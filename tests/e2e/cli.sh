#!/bin/bash
# cli.sh - the commands as people and scripts use them: what they print, and the three exit codes (0 yes, 2 no, 1 cannot tell).
. "$(dirname "$0")/../lib/e2e.sh"
. "$ROOT/tests/lib/documents.sh"
need_avow
cd "$T" || give_up "cannot go to $T"

# out COMMAND...: what it prints; the exit code is no matter.
out() {
	"$@" 2>&1
	return 0
}

say "Help and mistakes:"
expect "its version" "avow [0-9]*" "$AVOW" --version
expect_exit "help" 0 "$AVOW" --help
expect_exit "no command" 1 "$AVOW"
expect_exit "an unknown command" 1 "$AVOW" frobnicate
expect_exit "an unknown option" 1 "$AVOW" check --frobnicate
expect_exit "a text twice" 1 "$AVOW" key new --type p256 --type p256 -o twice.pem
expect_exit "an option without its value" 1 "$AVOW" decide --policies

say "Keys:"
for type in p256 rsa2048 ed25519; do
	expect_exit "key new --type $type" 0 \
	    "$AVOW" key new --type "$type" -o "$type.key.pem"
	expect "$type: for its owner only" 600 stat -c %a "$type.key.pem"
	"$AVOW" key public "$type.key.pem" >"$type.pub.pem"
	check "$type: openssl reads the public key" \
	    openssl pkey -pubin -in "$type.pub.pem" -noout
	check "$type: and no private key is in it" \
	    bash -c "! grep -q PRIVATE $type.pub.pem"
done
expect_exit "a key file is not overwritten" 1 \
    "$AVOW" key new --type p256 -o p256.key.pem
expect_exit "an unknown type" 1 "$AVOW" key new --type rsa1024 -o x.key.pem
check "and no file is left" test ! -e x.key.pem

say "Standard output as -o -:"
mkdir dash
printf 'permit (principal, action, resource);\n' >dash/all.avow
expect "key public" "$(cat p256.pub.pem)" "$AVOW" key public p256.key.pem -o -
expect "translate" 'permit (principal, action, resource);' "$AVOW" translate --to cedar --out=- dash/all.avow
expect_exit "not with a file, too" 1 "$AVOW" key public p256.key.pem -o - -o x.pem
refused_out() { (cd dash && "$AVOW" "$@" 2>&1); }
no_stdout='avow: --out: `-` stands for standard output, where this cannot go; a file of that name is `./-`'
expect "no image" "$no_stdout" refused_out compile --policies all.avow -o -
expect "no private key" "$no_stdout" refused_out key new -o -
expect "no master secret" "$no_stdout" refused_out key secret -o -
expect "no two files" "$no_stdout" refused_out doc issue --key k --issuer i --subject s --audience a -o -
expect_exit "which is a mistake" 1 "$AVOW" compile --policies dash -o -
check "no file of that name is made" test ! -e - -a ! -e dash/-
expect_exit "but where it is one" 0 "$AVOW" compile --policies dash/all.avow -o dash/./-
check "it is" test -s dash/-

say "Documents:"
verify() {
	"$AVOW" doc verify --kind avow --trust "$T/etc/avow/trust/acme" \
	    --issuer acme --document "$T/docs/$1.json" \
	    --signature "$T/docs/$1.sig" "${@:2}"
}
# openssl_agrees NAME: with the signature over the document's exact bytes.
openssl_agrees() {
	openssl base64 -d -A -in <(tr -d '\n' <"$T/docs/$1.sig") -out raw.sig
	case $1 in
	ed25519) set -- "$1" -rawin ;;
	*) set -- "$1" -rawin -digest sha256 ;;
	esac
	openssl pkeyutl -verify -pubin -inkey "$T/etc/avow/trust/acme/acme.pub.pem" \
	    -in "$T/docs/$1.json" -sigfile raw.sig "${@:2}"
}
for type in p256 rsa2048 ed25519; do
	issuer acme "$type"
	document "$type" i-1 "$(claims 10.0.0.5 base)"
	expect_exit "$type: valid" 0 verify "$type"
	expect "$type: the verdict" '{*"verdict":*"valid"*"subject":*"i-1"*' \
	    verify "$type"
	altered "$type-altered" "$type" 's/"base"/"best"/'
	expect_exit "$type: altered" 2 verify "$type-altered"
	expect "$type: and why" '{*"refused"*"evidence.signature"*' \
	    verify "$type-altered"
	check "$type: openssl agrees with the signature" openssl_agrees "$type"
	rm -rf "$T/keys" "$T/etc/avow/trust"
done
issuer acme
document one i-1 "$(claims 10.0.0.5 base)"
expect "in time" '*"valid"*' verify one
expect "after its time" '*"evidence.expired"*' \
    out verify one --at 2099-01-01T00:00:00Z
expect "before it" '*"evidence.not_yet_valid"*' \
    out verify one --at 2020-01-01T00:00:00Z
expect "for another audience" '*"evidence.audience"*' \
    out verify one --audience elsewhere
expect "for this one" '*"valid"*' verify one --audience updates
expect_exit "a file that is not there" 1 verify nothing
cp "$T/docs/one.sig" "$T/docs/cut.sig"
head -c 100 "$T/docs/one.json" >"$T/docs/cut.json"
expect_exit "half a document" 2 verify cut
expect "a pack begins with its kind" 'avow1.avow.*' cat "$T/docs/one.pack"
long=$(printf '%05000d' 0)
document long i-1 "{\"custom\":{\"a\":\"$long\"}}" >/dev/null 2>&1
expect "a pack that would not fit nginx's line" "" cat "$T/docs/long.pack"

say "Genuine documents of a cloud:"
vectors=${TESTDATA:-../shared}
case $vectors in /*) ;; *) vectors=$ROOT/$vectors ;; esac
vectors=$vectors/vectors
if [ -d "$vectors/ec2-documents" ]; then
	mkdir certs
	cp "$vectors"/aws-certs/*.rsa1024.pem certs/
	ec2=$vectors/ec2-documents/taskcluster
	genuine() {
		"$AVOW" doc verify --trust certs --kind ec2-signature \
		    --document "$ec2/$1" --signature "$ec2/$2" "${@:3}"
	}
	expect "nobody's owner was asked for" '*"valid"*"pinned":*false*' \
	    genuine aws_iid_DOCUMENT aws_iid_SIGNATURE
	expect "of another owner" '*"evidence.owner"*' \
	    out genuine aws_iid_DOCUMENT aws_iid_SIGNATURE --owner 000000000000
	expect_exit "altered" 2 genuine aws_iid_DOCUMENT_bad aws_iid_SIGNATURE
	expect_exit "a bad signature" 2 \
	    genuine aws_iid_DOCUMENT aws_iid_SIGNATURE_badSignature
	expect_exit "another key's" 2 \
	    genuine aws_iid_DOCUMENT aws_iid_SIGNATURE_badKey
else
	skip "no $vectors"
fi

say "Policies:"
cat >good.avow <<'END'
// Kept: a comment.
@id("a") permit ( principal, action, resource ) when { 1 < 2 && context.x like "a*" };
@id("no") deny (principal == Instance::"i-9", action, resource);
END
printf 'permit (principal, action, resource) when { context. };\npermit (prinzipal, action, resource);\n' >bad.avow
expect_exit "check: good" 0 "$AVOW" check good.avow
expect_exit "check: bad" 1 "$AVOW" check bad.avow
check "both errors at once, with their lines" bash -c \
    "'$AVOW' check bad.avow 2>&1 | tee both | grep -q '^bad.avow:1:.*error' && grep -q '^bad.avow:2:9: error' both"
check "with the line quoted" grep -q 'prinzipal, action, resource' both
expect_exit "check: no such file" 1 "$AVOW" check nothing.avow
cp good.avow again.avow
printf '@id("a") permit (principal, action, resource);\n' >>again.avow
expect_exit "check: the same id twice" 1 "$AVOW" check again.avow
expect_exit "fmt --check: would change" 2 "$AVOW" fmt --check good.avow
"$AVOW" fmt good.avow >/dev/null
expect_exit "fmt --check: after fmt" 0 "$AVOW" fmt --check good.avow
check "the comment is kept" grep -q 'Kept: a comment' good.avow
check "and the word" grep -q '^deny' good.avow
expect_exit "fmt: bad text" 1 "$AVOW" fmt bad.avow

# Decision and code of many.jsonl's lines, one after the other.
many() {
	decide --requests many.jsonl 2>/dev/null |
		sed -E 's/.*"decision":"([a-z]+)","code":"([a-z._]+)".*/\1 \2/' | paste -sd' '
}

say "Decisions:"
request() {
	printf '{"principal":{"type":"Instance","id":"%s"},' "$1"
	printf '"action":{"type":"Action","id":"repository:get"},'
	printf '"resource":{"type":"Package","id":"main/a.deb"},'
	printf '"context":{"x":"%s"}}\n' "$2"
}
decide() {
	"$AVOW" decide --policies good.avow "$@"
}
request i-1 abc >yes.json
request i-1 xyz >no.json
request i-9 abc >never.json
expect "permit" '{"decision":"permit","code":"permit","reasons":\["a"\]*' \
    decide --request yes.json
expect_exit "permit" 0 decide --request yes.json
expect "no policy" '{"decision":"deny","code":"policy.none","reasons":\[\]*' \
    out decide --request no.json
expect_exit "no policy" 2 decide --request no.json
expect "a deny" '*"code":"policy.denied","reasons":\["no"\]*' \
    out decide --request never.json
expect "from standard input" '*"permit"*' \
    bash -c "'$AVOW' decide --policies good.avow --request - <yes.json"
echo '{"principal":' >broken.json
expect_exit "a broken request" 1 decide --request broken.json
expect_exit "no such file" 1 decide --request nothing.json
expect_exit "broken policies" 1 \
    "$AVOW" decide --policies bad.avow --request yes.json
cat yes.json broken.json never.json >many.jsonl
expect_exit "many, one of them unreadable" 1 decide --requests many.jsonl
expect "each has its answer, in order" \
    "permit permit deny request.malformed deny policy.denied" many
sed -i 2d many.jsonl
expect_exit "many, all readable" 0 decide --requests many.jsonl

say "What decisions cost:"
bench() {
	"$AVOW" bench decide --policies good.avow --requests many.jsonl \
	    --seconds 1 "$@"
}
printf 'permit\ndeny\n' >expected
expect "figures" '{"p50_ns":[1-9]*,"clock_ns":[1-9]*,"checked":2,"disagree":0}' \
    bench --expected expected --threads 2 --json
expect "and for people" 'p50 [0-9]* ns*' bench
printf 'deny\ndeny\n' >expected
expect_exit "a decision that is not as expected" 2 bench --expected expected
echo deny >expected
expect_exit "fewer expectations than requests" 1 bench --expected expected
expect_exit "no threads" 1 bench --threads 0
request i-1 5 | sed 's/"5"/5/' >error.json
printf '@id("e") deny (principal, action, resource) when { context.x like "a" };' >error.avow
printf '@id("p") permit (principal, action, resource);' >permit.avow
expect "a deny that fails denies" '*"deny"*"policy.error"*' out "$AVOW" \
    decide --policies error.avow --policies permit.avow --request error.json
expect "or is skipped, when asked for" '*"permit"*"errors":\[{*' out "$AVOW" \
    decide --policies error.avow --policies permit.avow --request error.json \
    --errored-deny skip

say "Dry runs:"
dry() {
	"$AVOW" dryrun --policies good.avow "$@"
}
expect_exit "would be permitted" 0 dry --request yes.json
expect_exit "would be denied" 2 dry --request no.json
expect "and why" '*"considered"*"outcome":*"unsatisfied"*"failed"*' \
    out dry --request no.json --level medium --json
for level in low medium high veryhigh; do
	expect "--level $level" '*"mode":*"verification"*"level":*"'$level'"*' \
	    out dry --request no.json --level $level --json
done
for command in --version --help "check --help"; do
	check "$command to a full disk is no yes" bash -c \
	    "'$AVOW' $command >/dev/full; [ \$? = 1 ]"
done
check "nor is a closed output" bash -c \
    "'$AVOW' decide --policies good.avow --request yes.json >&-; [ \$? = 1 ]"
expect_exit "a name that is empty" 1 "$AVOW" key new -o ''
expect "a file where a folder of keys is to be" "*error: *p256.key.pem*" \
    out "$AVOW" key list "$T/p256.key.pem"
expect "a store that is not there" "error: *is not there*" \
    out "$AVOW" revoke add document "$(printf '%032d' 1)" --store "sqlite://$T/none.db"
check "and none is made" test ! -e none.db

say "What answers may be anything:"
cat >anything.pl <<'END'
use IO::Socket::INET;
my ($port, $body) = @ARGV;
my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port, Listen => 5, ReuseAddr => 1) or die;
while (my $c = $s->accept) {
	my $n = 0;
	while (defined(my $line = <$c>)) {
		$n = $1 if $line =~ /^Content-Length: ([0-9]+)/i;
		next unless $line eq "\r\n";
		read($c, my $unread, $n) if $n;
		print $c "HTTP/1.1 200 OK\r\nContent-Length: " . length($body) . "\r\nConnection: close\r\n\r\n$body";
		last;
	}
	close $c;
}
END
# anything BODY: it answers so to whatever is asked.
anything() {
	stop anything
	ANY=$(free_port)
	start anything perl anything.pl "$ANY" "$1"
	wait_for_port anything 127.0.0.1 "$ANY" || give_up "perl does not listen"
	cat >agent.yaml <<-END
		instance: i-1
		state: $T/agent
		service: {url: "http://127.0.0.1:$ANY"}
		tokens: [updates]
		metadata: {listen: "127.0.0.1:$ANY"}
	END
}
agent_status() {
	"$AVOW" agent status --config agent.yaml
}
anything '{"instance":"\u001b[31mi-1","service":"\u202ex","ready":false,"tokens":[{"error":{"code":"a","message":"\u001b]0;"}}]}'
expect_exit "an agent's status" 2 agent_status
expect "drives no terminal" '?u{1b}?31mi-1 at ?u{202e}x: not ready*?u{1b}?0;*' agent_status
for body in '[]' '{}' '{"keys":[],"verdict":"perhaps"}'; do
	anything "$body"
	expect_exit "$body is no status" 1 agent_status
	expect_exit "no keys" 1 "$AVOW" key get --server "http://127.0.0.1:$ANY"
	expect_exit "and no verdict" 1 "$AVOW" doc verify --server "http://127.0.0.1:$ANY" \
	    --document "$T/docs/p256.json" --signature "$T/docs/p256.sig"
done
stop anything
check "a full disk is not a yes" bash -c \
    "'$AVOW' decide --policies good.avow --request yes.json >/dev/full; [ \$? = 1 ]"
finish
