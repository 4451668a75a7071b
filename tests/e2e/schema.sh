#!/bin/bash
# schema.sh - a schema on the command line: check, decide, dryrun and translate, with their exit codes (0 yes, 2 no, 1 cannot tell).
. "$(dirname "$0")/../lib/e2e.sh"
need_avow
cd "$T" || give_up "cannot go to $T"

out() {
	"$@" 2>&1
	return 0
}

cat >app.cedarschema <<'EOF'
namespace App {
  type Place = {street: String, no?: Long};
  entity Group;
  entity User in [Group] = {home: Place};
  action all;
  action view in all appliesTo {principal: User, resource: User, context: {from: ipaddr}};
}
EOF
cat >good.cedar <<'EOF'
permit (principal, action in App::Action::"all", resource)
when { context.from.isLoopback() && principal.home.street == "x" };
EOF
echo 'permit (principal, action, resource) when { principal.hom.no == 1 };' >bad.cedar
echo 'entity A = {x: Strng};' >bad.cedarschema

say "Checking:"
expect_exit "a schema alone" 0 "$AVOW" check --schema app.cedarschema
expect_exit "policies that fit" 0 "$AVOW" check --schema app.cedarschema good.cedar
expect "policies that do not" '*bad.cedar:1:55: error:*`hom`*type.attribute*did you mean `home`*' \
    out "$AVOW" check --schema app.cedarschema bad.cedar
expect_exit "policies that do not" 1 "$AVOW" check --schema app.cedarschema bad.cedar
expect "a wrong schema" 'bad.cedarschema:1:16: error: *schema.name*did you mean `String`*' \
    out "$AVOW" check --schema bad.cedarschema
expect "the same as JSON" '\[{"file":"bad.cedarschema","line":1,"column":16,*"code":"schema.name"*' \
    out "$AVOW" check --json --schema bad.cedarschema
expect_exit "neither schema nor policies" 1 "$AVOW" check

# request ACTION FROM: one of user a, who lives in street x.
request() {
	cat <<EOF
{"principal":{"type":"App::User","id":"a"},"action":{"type":"App::Action","id":"$1"},"resource":{"type":"App::User","id":"b"},"context":{"from":"$2"},"entities":[{"uid":{"type":"App::User","id":"a"},"attrs":{"home":{"street":"x"}},"parents":[{"type":"App::Group","id":"g"}]}]}
EOF
}
decide() {
	"$AVOW" decide --schema app.cedarschema --policies good.cedar "$@"
}

say "Deciding:"
request view 127.0.0.1 >yes.json
request view 10.0.0.1 >no.json
request veiw 127.0.0.1 >typo.json
request view nowhere >nowhere.json
expect_exit "an address from a string" 0 decide --request yes.json
expect_exit "another address" 2 decide --request no.json
expect "what the schema does not allow" \
    '*did you mean `view`*"deny","code":"request.malformed"*' out decide --request typo.json
expect_exit "is a deny" 2 decide --request typo.json
expect_exit "so is a value that is none" 2 decide --request nowhere.json
expect_exit "without the schema it is a string" 2 \
    "$AVOW" decide --policies good.cedar --request yes.json
cat yes.json typo.json >many.jsonl
expect_exit "many, all readable" 0 decide --requests many.jsonl
expect "a dry run says why" 'deny*request.malformed*App::Action::"veiw"*' \
    "$AVOW" dryrun --schema app.cedarschema --policies good.cedar --request typo.json
echo '[{"uid":{"type":"App::User","id":"a"},"attrs":{},"parents":[]}]' >entities.json
expect "data that does not fit" '*entities.json: error: *`home` is missing*' \
    out decide --entities entities.json --request yes.json
expect_exit "data that does not fit" 1 decide --entities entities.json --request yes.json

cat >wild.cedarschema <<'SCHEMA'
entity User, Doc;
action "all", "add", "other" appliesTo { principal: [User], resource: [Doc], context: { t: Bool } };
SCHEMA
cat >wild.avow <<'AVOW'
permit (principal, action like Action::"a*", resource);
deny (principal, action not like Action::"a*", resource);
deny (principal, action == Action::"all", resource);
@id("stop") deny (principal, action, resource) when { context.t };
AVOW
echo '{"principal":{"type":"User","id":"u"},"action":{"type":"Action","id":"add"},"resource":{"type":"Doc","id":"d"},"context":{"t":true}}' >wild.json
expect "with wildcards expanded, a deny stays a deny" '*"deny","code":"policy.denied","reasons":\["stop"\]*' \
    "$AVOW" decide --schema wild.cedarschema --policies wild.avow --request wild.json

say "Translating:"
expect_exit "to JSON" 0 "$AVOW" translate --to json -o app.cedarschema.json app.cedarschema
expect_exit "which decides the same" 0 \
    "$AVOW" decide --schema app.cedarschema.json --policies good.cedar --request yes.json
expect_exit "and back" 0 "$AVOW" translate --to cedar -o again.cedarschema app.cedarschema.json
"$AVOW" translate --to json -o again.json again.cedarschema
check "to the same" cmp app.cedarschema.json again.json
expect_exit "a schema is no policy" 1 "$AVOW" translate --to avow app.cedarschema
finish
