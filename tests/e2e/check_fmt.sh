#!/usr/bin/env bash
# check_fmt.sh - `avow check` and `avow fmt`: exits, messages, files in place.
# shellcheck source=tests/lib/e2e.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib/e2e.sh"
cd "$T" || exit 1
mkdir set
printf 'permit(principal,action,resource);// note\n' >set/a.avow
printf 'forbid(principal,action,resource);' >set/b.cedar
printf 'permit (principle, action, resource);\n' >bad.avow
printf 'permit (principal != U::"a", action, resource);\n' >warn.avow
formatted='permit (principal, action, resource); // note'

expect "check counts" "policies: 2, files: 2, version: *" "$AVOW" check set
expect_exit "check is content" 0 "$AVOW" check set
expect_exit "check finds errors" 1 "$AVOW" check set bad.avow
expect_exit "check without a file" 1 "$AVOW" check nowhere.avow
expect_exit "check without arguments" 1 "$AVOW" check
expect "check --json" '\[{"file":"bad.avow","line":1,"column":9,"length":9,"severity":"error","code":"syntax.scope","message":"expected `principal`, found `principle`","hint":"did you mean `principal`?"}\]' \
	"$AVOW" check --json bad.avow
expect "check --json warns" '*"severity":"warning","code":"syntax.negated_only"*' "$AVOW" check --json warn.avow
expect_exit "a warning is no error" 0 "$AVOW" check warn.avow

expect "fmt --check lists" "set/a.avow"$'\n'"set/b.cedar" "$AVOW" fmt --check set
expect_exit "fmt --check" 2 "$AVOW" fmt --check set
expect "and writes nothing" 'permit(principal,action,resource);// note' cat set/a.avow
chmod 640 set/a.avow
ln -s set/a.avow link.avow
expect_exit "fmt" 0 "$AVOW" fmt link.avow set
expect "fmt writes" "$formatted" cat set/a.avow
expect "fmt keeps the mode" 640 stat -c %a set/a.avow
check "fmt keeps the link" test -L link.avow
expect_exit "fmt --check is content" 0 "$AVOW" fmt --check set
expect_exit "fmt refuses" 1 "$AVOW" fmt bad.avow set
expect "and leaves the file" 'permit (principle, action, resource);' cat bad.avow
expect "fmt -" "$formatted" bash -c 'echo "permit(principal,action,resource);// note" | "$0" fmt -' "$AVOW"
finish
