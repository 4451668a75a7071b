#!/usr/bin/env bash
# image.sh - `avow compile -o`: an image decides as its texts do, to the byte;
# it is signed and asked for; what is cut, altered or unsigned opens nothing.
# shellcheck source=tests/lib/e2e.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib/e2e.sh"
cd "$T" || exit 1

mkdir p keys others
cat >p/a.avow <<'POLICY'
@id("staff") permit (principal in Group::"staff", action, resource like Package::"main/*")
when { principal.level > 2 && context.host like "*.example" };
deny (principal, action == Action::"w", resource) unless { context.host == "build.example" };
permit (principal is User, action == Action::"r", resource) when { context.path matches "^/pool/[a-z]+$" };
POLICY
printf 'permit (principal, action, resource) when { principal.tags.contains("root") };\n' >p/b.cedar
cat >e.json <<'JSON'
[{"uid":{"type":"User","id":"u"},"attrs":{"level":3,"tags":["x"]},"parents":[{"type":"Group","id":"staff"}]},
 {"uid":{"type":"User","id":"v"},"attrs":{"level":"high","tags":["root"]},"parents":[{"type":"Group","id":"staff"}]}]
JSON
for user in u v w; do
	for action in r w; do
		for context in '{}' '{"host":"build.example","path":"/pool/abc"}' '{"host":1,"path":"/pool/ABC"}'; do
			echo '{"principal":{"type":"User","id":"'$user'"},"action":{"type":"Action","id":"'$action'"},"resource":{"type":"Package","id":"main/x"},"context":'"$context"'}'
		done
	done
done >requests.jsonl
head -1 requests.jsonl >one.json

"$AVOW" key new -o good.pem && "$AVOW" key public good.pem >keys/good.pem
"$AVOW" key new -o bad.pem && "$AVOW" key public bad.pem >others/bad.pem

decides() { # as the texts do
	"$AVOW" decide "$@" --requests requests.jsonl >got || return
	diff want got
}
answers() { # yes, no or unknown: what it is said of
	[ -n "$("$AVOW" "$1" --policies s.img --trust keys "${@:2}")" ]
}
same_report() {
	"$AVOW" dryrun --policies "$1" --entities e.json --request one.json --level high --json >report.got
	diff report.want report.got
}
"$AVOW" decide --policies p --entities e.json --requests requests.jsonl >want
check "the texts permit, deny and err" sh -c 'grep -q permit want && grep -q policy.denied want && grep -q eval.missing_attribute want'
"$AVOW" dryrun --policies p --entities e.json --request one.json --level high --json >report.want

check "compile -o" "$AVOW" compile --policies p -o p.img
check "the image decides the same" decides --policies p.img --entities e.json
check "a dry run says the same" same_report p.img
check "with its entities inside" "$AVOW" compile --policies p --entities e.json -o pe.img
check "it decides the same alone" decides --policies pe.img
check "an image of an image" "$AVOW" compile --policies p.img --entities e.json -o again.img
check "is the same image" cmp pe.img again.img
"$AVOW" compile --policies p -o plain.img
"$AVOW" compile --policies p -o told.img --stats >told.txt
expect "what is said of it does not change it" '' cmp plain.img told.img
expect "its parts" '*image: *  text *made in*' "$AVOW" compile --policies p --stats -o p.img
expect "a benchmark tells its size" "*\"image_bytes\":$(stat -c %s p.img),*" "$AVOW" bench decide --json --seconds 1 --policies p.img --entities e.json --requests requests.jsonl

printf 'deny (principal == User::"u", action, resource);\n' >more.avow
"$AVOW" decide --policies p --policies more.avow --entities e.json --requests requests.jsonl >want
check "among further texts" decides --policies p.img --policies more.avow --entities e.json
"$AVOW" decide --policies p --entities e.json --requests requests.jsonl >want
check "check reads its texts" "$AVOW" check p.img
same_search() { # WHO|WHAT OPTIONS...
	diff <("$AVOW" "$@" --policies p --entities e.json) <("$AVOW" "$@" --policies p.img --entities e.json)
}
check "who and what find the same" same_search what --principal 'User::"v"'
check "and nobody gains or loses" "$AVOW" diff --entities e.json --requests requests.jsonl p.img p
check "nor by all that is loaded" "$AVOW" diff --entities e.json p p.img
check "lint reads them, too" sh -c "$AVOW lint --policies p.img >/dev/null || test \$? -eq 2"

# --- signatures ----------------------------------------------------------------
check "signed" "$AVOW" compile --policies p --sign good.pem -o s.img
check "and asked for" decides --policies s.img --trust keys --entities e.json
check "without being asked for" decides --policies s.img --entities e.json
expect_exit "unsigned" 1 "$AVOW" decide --policies p.img --trust keys --request one.json
expect_exit "by another's key" 1 "$AVOW" decide --policies s.img --trust others --request one.json
# So do all who read policies.
for asks in 'lint' 'who --entities e.json Action::"r" Package::"main/x"' 'what --entities e.json User::"u"' 'needs --action Action::"r"'; do
	read -ra words <<<"$asks"
	expect_exit "${words[0]} of an unsigned one" 1 "$AVOW" "${words[0]}" --policies p.img --trust keys "${words[@]:1}"
	check "${words[0]} of a signed one" answers "${words[@]}"
done
expect_exit "diff of an unsigned one" 1 "$AVOW" diff --entities e.json --trust keys s.img p.img
expect_exit "diff of signed ones" 0 "$AVOW" diff --entities e.json --trust keys s.img s.img
expect_exit "no keys at all" 1 "$AVOW" decide --policies s.img --trust p --request one.json
expect_exit "among texts, unsigned" 1 "$AVOW" decide --policies p.img --policies more.avow --trust keys --request one.json
expect_exit "a key is for an image" 1 "$AVOW" compile --policies p --print --sign good.pem

# --- what is no image ------------------------------------------------------------
head -c 2000 p.img >cut.img
expect_exit "cut short" 1 "$AVOW" decide --policies cut.img --request one.json
cp p.img altered.img && printf X | dd of=altered.img bs=1 seek=700 conv=notrunc status=none
expect_exit "altered" 1 "$AVOW" decide --policies altered.img --request one.json
expect_exit "from standard input" 1 sh -c "$AVOW decide --policies - --request one.json <p.img"
cp p.img before.img
check "a full disk is said" sh -c "! (ulimit -f 1; $AVOW compile --policies p --entities e.json -o p.img)"
check "and the old image stays" cmp p.img before.img
check "with nothing beside it" test -z "$(find . -name 'p.img.*')"
# A file system of its own, with room for one image: only where we may mount.
mkdir full
cat >full.sh <<END
mount -t tmpfs -o size=$((($(stat -c %s p.img) / 4096 + 1) * 4))k none full || exit 9
cp p.img full/p.img || exit 8
"$AVOW" compile --policies p --entities e.json -o full/p.img
[ \$? = 1 ] && cmp p.img full/p.img && [ "\$(ls -A full)" = p.img ]
END
if unshare -m sh -c 'mount -t tmpfs none full' 2>/dev/null; then
	check "no space left: said, the old image stays, nothing beside it" unshare -m sh full.sh
else
	skip "a full file system: none may be mounted"
fi

# --- a server ----------------------------------------------------------------------
mkdir -m 700 run
mkdir trust && "$AVOW" key public good.pem >trust/issuer.pem
serve_config() { # IMAGE
	cat >avow.yaml <<YAML
listen: 127.0.0.1:0
policies: [$T/$1]
entities: [$T/e.json]
policyKeys: [$T/keys]
proxies: [127.0.0.1/32]
trust:
  - {kind: avow, keys: $T/trust, issuer: acme}
gates:
  - {kind: repository, name: updates, repositories: {main: /debian/}}
YAML
	chmod 600 avow.yaml
}
serve_config s.img
check "serve takes a signed image" "$AVOW" serve --config avow.yaml --check
serve_config p.img
expect_exit "and no other" 1 "$AVOW" serve --config avow.yaml --check
finish
