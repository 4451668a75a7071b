#!/usr/bin/env bash
# analysis.sh - what people ask of policies as a whole: `avow lint`, as a user
# runs it.
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
expect_exit "nothing found" 0 "$AVOW" lint --policies clean.avow
expect "nothing found, in JSON" '\[\]' "$AVOW" lint --policies clean.avow --json
expect_exit "policies with errors" 1 "$AVOW" lint --policies bad.avow
expect_exit "no policies" 1 "$AVOW" lint
expect "what is not looked at is said" '*Not looked at: entities*' "$AVOW" lint --help
finish
