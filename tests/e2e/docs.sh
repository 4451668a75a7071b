#!/bin/bash
# docs.sh - the program, its --help and its pages say the same: each command explains itself, each option stands in a page, each command and option that a page names is
# there, and so is each file and heading that is pointed at.
. "$(dirname "$0")/../lib/e2e.sh"
need_avow
cd "$ROOT" || give_up "cannot go to $ROOT"

PAGES=(README.md docs/*.md docs/*/README.md examples/*/README.md)
sed -n 's/^COMMAND("\([a-z]*\)", \(NULL\|"\([a-z-]*\)"\), .*/\1 \3/p' cli/commands.def | sed 's/ $//' >"$T/commands"
help() {
	cat "$T/help/$1"
}
options() {
	sed -n 's/^  \(--[a-z0-9-]*\).*/\1/p' "$T/help/$1"
}
mkdir "$T/help"

say "Each command explains itself:"
# explains COMMAND: --help is a yes, complains of nothing, and begins with the command; its synopsis and words name no option that is not there.
explains() {
	local option
	# shellcheck disable=SC2086
	"$AVOW" $1 --help >"$T/help/$1" 2>"$T/said" </dev/null || return
	[ ! -s "$T/said" ] && grep -q "^usage: avow $1\( \|$\)" "$T/help/$1" || return
	"$AVOW" --help | grep -q "^  $1 " || return
	for option in $(sed '/^options:$/,$d' "$T/help/$1" | sed 's/`avow [^`]*`//g' | grep -oE -- '(^|[ [(|])--[a-z][a-z0-9-]*' | tr -d ' [(|'); do
		options "$1" | grep -qx -- "$option" || { say "  no $option"; return 1; }
	done
}
while read -r command; do
	check "avow $command" explains "$command"
done <"$T/commands"
check "there are as many as --help lists" test "$(wc -l <"$T/commands")" -eq "$("$AVOW" --help | grep -c '^  [a-z]')"

say "Each option stands in a page:"
while read -r command; do
	options "$command"
done <"$T/commands" | sort -u >"$T/options"
while read -r option; do
	check "$option" grep -qE -- "$option($|[^a-z0-9-])" "${PAGES[@]}"
done <"$T/options"

say "What pages tell people to type is there:"
# command_of WORD WORD...: the longest name that it begins with.
command_of() {
	grep -x -- "$1 ${2-}" "$T/commands" || grep -x -- "$1" "$T/commands"
}
# typed COMMAND: is it one, with these options?
typed() {
	local command option
	# shellcheck disable=SC2086
	command=$(command_of $1) || return
	for option in $(grep -oE -- '(^|[ [])--[a-z][a-z0-9-]*' <<<"$1" | tr -d ' ['); do
		[ "$option" = --help ] || options "$command" | grep -qx -- "$option" || return
	done
}
wrong=0 typed=0
while IFS=$'\t' read -r at words; do
	case $words in
	# No commands: words that go into a key, and a family of commands.
	"hmac v1" | "revoke …") continue ;;
	esac
	typed=$((typed + 1))
	typed "$words" || {
		wrong=$((wrong + 1))
		not_ok "$at: avow $words"
	}
done < <(awk -f tests/lib/commands.awk "${PAGES[@]}")
check "$typed commands, $wrong wrong" test "$typed" -gt 100
# strange_options: that pages name by themselves, and no command has.
strange_options() {
	local place line option
	grep -noE '`--[a-z][a-z0-9-]*' "${PAGES[@]}" | tr -d '`' | while IFS=: read -r place line option; do
		[ "$option" = --help ] || grep -qx -- "$option" "$T/options" || echo "$place:$line: $option"
	done
}
expect "options" "" strange_options

say "What is pointed at is there:"
# Files of the tree that pages and comments name.
git ls-files -- '*.[ch]' '*.def' '*.md' '*.sh' '*.yaml' '*.avow' '*.awk' Makefile >"$T/sources" 2>"$T/said" ||
	find base store policy engine attest gateways cli docs examples tests bench README.md Makefile -type f >"$T/sources"
gone() {
	local place path
	xargs grep -noE '\b(base|store|policy|engine|attest|gateways|cli|docs|examples|tests|bench)/[A-Za-z0-9_./-]*\.(md|c|h|def|sh|tsv|site|cfg|service|mjs|svg|awk)\b' /dev/null <"$T/sources" |
		sed 's/^\([^:]*:[0-9]*\):\(.*\)/\2 \1/' | sort -u | while read -r path place; do
		[ -e "$path" ] || echo "$place: $path"
	done
}
expect "files" "" gone
# pages_gone: `NAME.md` stands beside the page that names it, or in docs/.
pages_gone() {
	local place page
	grep -noE '`[a-z-]+\.md`' "${PAGES[@]}" | tr -d '`' | while IFS=: read -r place line page; do
		[ -e "docs/$page" ] || [ -e "$(dirname "$place")/$page" ] || echo "$place:$line: $page"
	done
}
expect "pages" "" pages_gone
# listed_gone: the files that an example's page lists.
listed_gone() {
	local page name folder
	for page in examples/*/README.md; do
		folder=$(dirname "$page")
		grep -E '^\| `' "$page" | cut -d'|' -f2 | grep -o '`[^`]*`' | tr -d '`' | while read -r name; do
			[ -e "$folder/$name" ] || [ -e "$folder/$name.avow" ] || echo "$page: $name"
		done
		for name in "$folder"/*.avow; do
			[ ! -e "$name" ] || grep -q "\`$(basename "$name" .avow)\`" "$page" || echo "$page has no line for $name"
		done
	done
}
expect "files of examples" "" listed_gone
# headings_gone: links within a page, by the words of a heading in small letters.
headings_gone() {
	local page anchor
	for page in "${PAGES[@]}"; do
		sed -n 's/^##* //p' "$page" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9\n-' >"$T/headings"
		grep -oE '\]\(#[^)]*\)' "$page" | sed 's/](#\(.*\))/\1/' | while read -r anchor; do
			grep -qx -- "$anchor" "$T/headings" || echo "$page: #$anchor"
		done
	done
}
expect "headings" "" headings_gone
finish
