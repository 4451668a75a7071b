#!/usr/bin/env bash
# analysis.sh - what people ask of policies as a whole: `avow lint` and
# `avow diff`, as a user runs them.
# shellcheck source=tests/lib/e2e.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib/e2e.sh"
cd "$T" || exit 1

mkdir set
cat >set/a.avow <<'END'
@id("staff") permit (principal in Group::"staff", action, resource);
@id("staff-view") permit (principal in Group::"staff", action == Action::"view", resource);
END
cat >set/b.avow <<'END'
@id("secrets") deny (principal, action, resource is Secret);
@id("auditor") permit (principal in Group::"audit", action == Action::"view", resource is Secret);
END
printf '@id("staff") permit (principal in Group::"staff", action, resource);\n' >clean.avow
printf 'permit (principle, action, resource);\n' >bad.avow
printf '@id("again") permit (principal, action, resource) when { principal in Group::"staff" };\n' >again.avow

expect_exit "lint finds" 2 "$AVOW" lint --policies set
expect "lint counts" "policies: 4, findings: 2" "$AVOW" lint --policies set
expect "a contained policy, with its place and the cover's" 'set/a.avow:2:19: warning: `staff-view`: all that it permits is permitted by set/a.avow:1 too, so it changes no decision \[lint.contained\]*' \
	bash -c '"$0" lint --policies set 2>&1 >/dev/null' "$AVOW"
expect "a permit that is always denied" '*set/b.avow:2:16: warning: `auditor`: all that it permits is denied by set/b.avow:1, so it never takes effect \[lint.denied\]*' \
	bash -c '"$0" lint --policies set 2>&1 >/dev/null' "$AVOW"
expect "the same rules in other words" '*`again`: has the same rules as clean.avow:1, so it changes no decision \[lint.same\]*' \
	bash -c '"$0" lint --policies clean.avow --policies again.avow 2>&1' "$AVOW"
expect "lint --json" '\[{"file":"set/a.avow","line":2,"column":19,"length":6,"severity":"warning","code":"lint.contained",*"code":"lint.denied"*' \
	"$AVOW" lint --policies set --json
expect_exit "lint --json finds" 2 "$AVOW" lint --policies set --json
cat >union.avow <<'END'
@id("some") permit (principal, action, resource) when { context has x };
@id("others") permit (principal, action, resource) unless { context has x };
@id("staff") permit (principal in Group::"staff", action, resource);
END
expect "covered by two together, each with its place" 'union.avow:3:14: warning: `staff`: all that it permits is permitted by union.avow:*
  union.avow:2:15: others
  union.avow:1:13: some*' bash -c '"$0" lint --policies union.avow 2>&1 >/dev/null' "$AVOW"
expect "and in JSON" '*"others":\[{"policy":"others","file":"union.avow","line":2,"column":15},{"policy":"some","file":"union.avow","line":1,"column":13}\]*' \
	"$AVOW" lint --policies union.avow --json
cat >beaten.avow <<'END'
@id("who") permit (principal == User::"u", action, resource) when { principal in Group::"g" };
@id("what") permit (principal, action == Action::"view", resource == Doc::"d") when { resource in Folder::"f" && action in Action::"any" };
@id("both") permit (principal in Group::"h", action, resource) when { principal in Group::"g" };
@id("no-g") deny (principal in Group::"g", action, resource);
@id("no-f") deny (principal, action in Action::"any", resource is Doc in Folder::"f");
END
beaten() { "$AVOW" lint --policies "$@" 2>&1; }
expect "scope and condition together say what a deny does" '*`who`: all that it permits is denied by beaten.avow:4,*`what`: all that it permits is denied by beaten.avow:5,*`both`: all that it permits is denied by beaten.avow:4,*findings: 3*' beaten beaten.avow
cat >within.avow <<'END'
@id("g") permit (principal in Group::"g", action, resource);
@id("u-in-g") permit (principal == User::"u", action, resource) when { principal in Group::"g" };
@id("errs") deny (principal == User::"u", action, resource) when { context.x == 1 && principal in Group::"g" };
@id("skips") deny (principal in Group::"g", action, resource) when { context.x == 1 };
END
expect "so do covers, where no error of a deny is lost" '*`u-in-g`: all that it permits is permitted by within.avow:1 too,*policies: 4, findings: 1' beaten within.avow
cat >near.avow <<'END'
@id("u") permit (principal == User::"u", action == Action::"view", resource) when { principal in Group::"g" };
@id("not") permit (principal == User::"v", action, resource) unless { principal in Group::"g" };
@id("errs") deny (principal in Group::"g", action, resource) when { context.x == 1 };
@id("guards") deny (principal in Group::"g", action, resource) when { context has y && context.y };
@id("excepts") deny (principal, action == Action::"view", resource) unless { principal in Group::"g" };
@id("edits") deny (principal in Group::"g", action == Action::"edit", resource);
@id("others") deny (principal in Group::"h", action, resource);
@id("robots") deny (principal is Robot in Group::"g", action, resource);
END
expect "and not where one request would be permitted" '*policies: 8, findings: 0*' beaten near.avow
expect_exit "which is no finding" 0 "$AVOW" lint --policies near.avow
expect_exit "nothing found" 0 "$AVOW" lint --policies clean.avow
expect "nothing found, in JSON" '\[\]' "$AVOW" lint --policies clean.avow --json
expect_exit "policies with errors" 1 "$AVOW" lint --policies bad.avow
expect_exit "no policies" 1 "$AVOW" lint
cat >closed.cedarschema <<'END'
entity Group;
entity User in [Group];
entity Doc;
action read, readAll, write appliesTo { principal: User, resource: Doc, context: { n: Long } };
END
cat >closed.avow <<'END'
@id("list") permit (principal, action in [Action::"read", Action::"readAll"], resource);
@id("like") permit (principal, action like Action::"read*", resource is Doc);
@id("who") permit (principal is Group, action, resource);
@id("when") deny (principal, action, resource) when { resource is Group };
@id("errs") deny (principal, action, resource) when { context.n + 1 > 0 && resource is Group };
@id("unfit") permit (principal, action == Action::"write", resource) when { context.n == "x" };
END
closed() { "$AVOW" lint --policies closed.avow --schema closed.cedarschema "$@" 2>&1; }
expect "in the world of a schema" 'closed.avow:2:13: warning: `like`: all that it permits is permitted by closed.avow:1 too*closed.avow:3:12: warning: no request that the schema allows fits the scope*\[type.scope\]*closed.avow:4:13: warning: *always false*\[type.never\]*closed.avow:6:14: note: 1 policy does not fit the schema*is unknown \[lint.bound\]*policies: 6, findings: 3' closed
expect "and in JSON" '*"line":4,*"code":"type.never",*"line":6,*"severity":"note","code":"lint.bound"*' closed --json
expect_exit "it finds more than lint without" 2 closed
expect_exit "which finds nothing there" 0 "$AVOW" lint --policies closed.avow
expect_exit "a schema that is not there" 1 "$AVOW" lint --policies closed.avow --schema nowhere
expect "what is not looked at is said" '*Not looked at: entities*' "$AVOW" lint --help

cat >entities.json <<'END'
[{"uid":{"type":"User","id":"ann"},"attrs":{},"parents":[{"type":"Group","id":"staff"}]},
 {"uid":{"type":"User","id":"bob"},"attrs":{},"parents":[]},
 {"uid":{"type":"Doc","id":"d"},"attrs":{},"parents":[]}]
END
cat >old.avow <<'END'
@id("staff") permit (principal in Group::"staff", action == Action::"read", resource is Doc);
END
cat >new.avow <<'END'
@id("bob") permit (principal == User::"bob", action == Action::"write", resource is Doc);
END
cat >renamed.avow <<'END'
@id("people") permit (principal in Group::"staff", action == Action::"read", resource is Doc);
END
cat >inside.avow <<'END'
@id("staff") permit (principal in Group::"staff", action == Action::"read", resource is Doc) when { context.inside };
END
echo '{"inside": true}' >inside.json
expect "no data: what the policies name" '*loses Group::"staff" Action::"read" Doc::"(another)"  old: permit by staff  new: policy.none*
loses Doc::"(one in staff)" Action::"read" Doc::"(another)"*
gains User::"bob" Action::"write" Doc::"(another)"  old: policy.none  new: permit by bob*' bash -c '"$0" diff old.avow new.avow 2>&1 | LC_ALL=C sort -r' "$AVOW"
expect_exit "which is a change" 2 "$AVOW" diff old.avow new.avow
expect_exit "another name is none" 0 "$AVOW" diff old.avow renamed.avow
expect "unknown context, no data" '*unknown Group::"staff" Action::"read" Doc::"(another)"  old: permit by staff  new: data.missing*' bash -c '"$0" diff old.avow inside.avow 2>&1' "$AVOW"
printf 'permit (principal, action, resource) when { resource.owner == principal && resource.getTag("t") == 1 };\n' >owner.avow
printf '@id("x") permit (principal, action, resource) when { resource.owner == principal && resource.getTag("t") == 2 };\n' >other.avow
expect_exit "unknown attributes, alike" 0 "$AVOW" diff owner.avow owner.avow
expect_exit "and not alike" 1 "$AVOW" diff owner.avow other.avow
"$AVOW" compile --policies old.avow -o old.image && "$AVOW" compile --policies new.avow -o new.image
expect_exit "images, no data" 2 "$AVOW" diff old.image new.image
request() {
	printf '{"principal":{"type":"User","id":"%s"},"action":{"type":"Action","id":"%s"},"resource":{"type":"Doc","id":"d"}}\n' "$1" "$2"
}
{ request ann read; request bob read; request bob write; } >requests.jsonl
both='loses User::"ann" Action::"read" Doc::"d"  old: permit by staff  new: policy.none
gains User::"bob" Action::"write" Doc::"d"  old: policy.none  new: permit by bob'

expect "diff over the entities" "$both" "$AVOW" diff --entities entities.json old.avow new.avow
expect_exit "diff finds" 2 "$AVOW" diff --entities entities.json old.avow new.avow
expect "diff counts" '1 gain, 1 lose, 16 stay' bash -c '"$0" diff --entities entities.json old.avow new.avow 2>&1 >/dev/null' "$AVOW"
expect "diff over requests" "$both" "$AVOW" diff --entities entities.json --requests requests.jsonl old.avow new.avow
expect_exit "nothing changes" 0 "$AVOW" diff --entities entities.json old.avow renamed.avow
expect "a change of reasons alone" 'reasons User::"ann"*old: permit by staff  new: permit by people' \
	"$AVOW" diff --reasons --entities entities.json old.avow renamed.avow
expect "a page" 'loses User::"ann"*more: --from *' bash -c '"$0" diff --limit 1 --entities entities.json old.avow new.avow 2>&1' "$AVOW"
expect "what the context says is unknown" 'unknown User::"ann"*old: permit by staff  new: data.missing' \
	"$AVOW" diff --entities entities.json old.avow inside.avow
sed 's/@id("staff")/@id("renamed")/' inside.avow >moved.avow
expect_exit "unknown on both sides by the same policies is no change" 0 "$AVOW" diff --entities entities.json inside.avow moved.avow
expect_exit "that is not known" 1 "$AVOW" diff --entities entities.json old.avow inside.avow
expect_exit "with the context it is" 0 "$AVOW" diff --context inside.json --entities entities.json old.avow inside.avow
check "diff --json gives a request" bash -c '"$0" diff --json --entities entities.json old.avow new.avow 2>/dev/null | grep -o "\"request\":{.*}},\"old\"" | head -c -7 | cut -d: -f2- | sed "s/,\"old\".*//" >r.json; test -s r.json' "$AVOW"
expect_exit "that dryrun takes" 0 "$AVOW" dryrun --policies old.avow --entities entities.json --request r.json
expect_exit "a line that cannot be read" 1 "$AVOW" diff --entities entities.json --requests old.avow old.avow new.avow
expect_exit "policies with errors" 1 "$AVOW" diff --entities entities.json old.avow bad.avow
finish
