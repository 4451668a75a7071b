#!/usr/bin/env bash
# policy_json.sh - templates, links and policies in JSON as commands see them, and `avow translate`.
# shellcheck source=tests/lib/e2e.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib/e2e.sh"
cd "$T" || exit 1
cat >set.json <<'JSON'
{"staticPolicies": {"mfa": {"effect": "forbid", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"},
  "conditions": [{"kind": "unless", "body": {".": {"left": {"Var": "context"}, "attr": "mfa"}}}]}},
 "templateLinks": [{"templateId": "own", "newId": "own-ann", "values": {"?principal": {"type": "User", "id": "ann"}}}]}
JSON
printf '// whose\n@id("own") permit (principal == ?principal, action, resource);\n' >own.avow
printf '{"principal": {"type": "User", "id": "%s"}, "action": {"type": "Action", "id": "view"}, "resource": {"type": "Doc", "id": "d"}, "context": {"mfa": %s}}\n' \
	ann true >ann.json
sed 's/ann/bob/' ann.json >bob.json
sed 's/true/false/' ann.json >no-mfa.json

expect "check counts templates and links" "policies: 2, templates: 1, links: 1, files: 2, version: *" "$AVOW" check set.json own.avow
expect_exit "a template without links is warned of" 0 "$AVOW" check own.avow
expect "so" '*"code":"syntax.unlinked"*' "$AVOW" check --json own.avow
expect_exit "links need their template" 1 "$AVOW" check set.json
expect "where" '*"line":3,"column":35,"length":5,"severity":"error","code":"name.template"*' "$AVOW" check --json set.json

decide() {
	"$AVOW" decide --policies set.json --policies own.avow --request "$1"
}
expect "the link permits" '*"own-ann"*' decide ann.json
expect_exit "whom it names" 0 decide ann.json
expect_exit "and nobody else" 2 decide bob.json
expect "the policy of JSON denies" '*"mfa"*' decide no-mfa.json
expect "a report shows a link's bindings" '*own-ann *own.avow:2 *principal == User::"ann"; principal is User::"bob"*' \
	"$AVOW" dryrun --policies set.json --policies own.avow --request bob.json
expect "and a clause of JSON as text" '*mfa *set.json:1 *condition 1: unless { context.mfa }; context.mfa is true*' \
	"$AVOW" dryrun --policies set.json --policies own.avow --request ann.json
expect_exit "fmt leaves JSON alone" 1 "$AVOW" fmt set.json

text='@id("mfa")
forbid (principal, action, resource)
unless { context.mfa };

// whose
@id("own")
permit (principal == ?principal, action, resource);

@id("own-ann")
permit (principal == User::"ann", action, resource);'
expect "translate to text" "$text" "$AVOW" translate --to cedar set.json own.avow
expect_exit "to a file" 0 "$AVOW" translate --to json -o all.json set.json own.avow
expect "which says the same" "policies: 2, templates: 1, links: 1, files: 1, version: *" "$AVOW" check all.json
"$AVOW" translate --to json all.json >again.json
check "and stays" cmp -s all.json again.json
printf 'permit (principal like User::"a*", action, resource);\n' >like.avow
expect_exit "what Cedar cannot say is refused" 1 "$AVOW" translate --to cedar like.avow
expect "with its place" 'like.avow:1:19: error: Cedar cannot say this exactly:*' bash -c '"$0" translate --to cedar like.avow 2>&1' "$AVOW"
expect "our JSON is marked" '*"avow": 1*' "$AVOW" translate --to json like.avow
"$AVOW" translate --to json like.avow >like.json
expect "and read again" 'permit (principal like User::"a\*", action, resource);' bash -c '"$0" translate --to avow like.json | tail -1' "$AVOW"
sed -i 's/"avow": 1/"other": 1/' like.json
expect_exit "only with its mark" 1 "$AVOW" check like.json
expect_exit "an unknown form" 1 "$AVOW" translate --to xml like.avow
expect_exit "a file of no known form" 1 "$AVOW" translate --to json "$AVOW"
expect_exit "said to be one" 0 bash -c '"$0" translate --from cedar --to json - <own.avow' "$AVOW"

printf '{"Statement": {"Effect": "Allow", "Action": "s3:Get*"}}' >iam.json
iam() {
	"$AVOW" translate --from iam --to avow "$@" iam.json
}
expect "IAM, attached to somebody" '*permit (principal in Role::"r", action like Action::"s3:get\*", resource);' iam --principal 'Role::"r"'
expect_exit "whom the option must name, and nothing more" 1 iam --principal 'Role::"r", action) when { true'
expect_exit "also where nothing is closed" 1 iam --resource 'Role"r'
finish
