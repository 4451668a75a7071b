#!/bin/bash
# editors.sh - the syntax files of docs/editors know every word of the language: each function, method and keyword of the tables that the program itself is
# built from. Where node or vim are there, that what they say is well formed and falls where it should.
. "$(dirname "$0")/../lib/e2e.sh"
cd "$ROOT" || exit 1
code=docs/editors/vscode grammar=docs/editors/vscode/syntaxes/avow.tmLanguage.json vim=docs/editors/vim/syntax/avow.vim

words=$(sed -n -E 's/^(METHOD|EXT_FUNCTION|EXT_METHOD|ADDED_FUNCTION|ADDED_METHOD)\([A-Z_0-9]+, "([A-Za-z0-9]+)".*/\2/p' policy/ops.def
	sed -n -E 's/^\t\{ STR_INIT\("([a-z_]+)"\), KW_[A-Z_]+ \},$/\1/p' policy/lex.c)
n=$(wc -w <<<"$words")
if [ "$n" -gt 55 ]; then ok "$n words in policy/ops.def and policy/lex.c"; else not_ok "only $n words found in policy/ops.def and policy/lex.c"; fi
for file in "$grammar" "$vim"; do
	missing=
	for word in $words; do
		# Between what delimits a word in these files.
		grep -qE "(^|[^A-Za-z0-9_])$word([^A-Za-z0-9_]|\$)" "$file" || missing+=" $word"
	done
	if [ -z "$missing" ]; then ok "${file##*/} knows them all"; else not_ok "${file##*/} lacks$missing"; fi
done

# well_formed: JSON, patterns that compile, names that are there, and words where they belong.
well_formed() {
	node -e '
	const fs = require("fs"), path = require("path");
	const code = process.argv[1];
	const pack = JSON.parse(fs.readFileSync(code + "/package.json"));
	for (const l of pack.contributes.languages) JSON.parse(fs.readFileSync(path.join(code, l.configuration)));
	const g = JSON.parse(fs.readFileSync(path.join(code, pack.contributes.grammars[0].path)));
	const walk = (x) => {
		if (Array.isArray(x)) return x.forEach(walk);
		if (typeof x !== "object") return;
		for (const k of ["match", "begin", "end"]) if (x[k]) new RegExp(x[k], "u");
		if (x.include && !(x.include.slice(1) in g.repository)) throw "no " + x.include;
		Object.values(x).forEach(walk);
	};
	walk(g);
	// The first rule that matches at a place names it.
	const flat = (p) => p.flatMap((x) => x.include ? flat([g.repository[x.include.slice(1)]]) : x.patterns && !x.begin ? flat(x.patterns) : [x]);
	const rules = flat(g.patterns);
	const name_at = (text, at) => {
		for (let i = 0; i <= at;) {
			let found = null;
			for (const r of rules) {
				const re = new RegExp(r.match || r.begin, "uy"); re.lastIndex = i;
				const m = re.exec(text);
				if (m && m[0].length) { found = [r, m]; break; }
			}
			if (!found) { if (i === at) return "none"; i++; continue; }
			const [r, m] = found;
			let end = i + m[0].length;
			if (r.begin) { const close = text.slice(end).search(/(?<!\\)"/u); if (at < end && r.beginCaptures) return r.beginCaptures[1].name; end += close + 1; }
			if (at < end) return r.name || r.contentName || (r.captures && r.captures[2].name);
			i = end;
		}
	};
	let bad = 0;
	for (const [text, want] of [
		["^deny (principal, action, resource);", "keyword.control.effect.avow"],
		["permit (principal == ^deny::\"x\")", "entity.name.type.avow"],
		["permit (principal ^not in G::\"x\")", "keyword.operator.word.avow"],
		["permit (principal is ^not in G::\"x\")", "none"],
		["permit (principal is ^not User)", "keyword.operator.word.avow"],
		["when { context.^not }", "variable.other.property.avow"],
		["when { context.^matches }", "variable.other.property.avow"],
		["when { a ^matches \"x\" }", "keyword.operator.word.avow"],
		["when { a matches \"^x\" }", "string.regexp.avow"],
		["when { ^version(\"1\") }", "support.function.avow"],
		["when { context.^version }", "variable.other.property.avow"],
		["when { {^version: 1} }", "none"],
		["when { s.^anyLike(\"x\") }", "support.function.method.avow"],
		["when { s.^toDays() }", "support.function.method.avow"],
		["^when { true }", "keyword.control.clause.avow"],
		["@^id(\"when\")", "storage.type.annotation.avow"],
		["^indivisible principal [A::\"x\"];", "keyword.control.declaration.avow"],
		["permit (principal == ^?principal)", "variable.parameter.slot.avow"],
		["x // ^deny (", "comment.line.double-slash.avow"],
		["\"a // ^deny (\"", "string.quoted.double.avow"],
	]) {
		const at = text.indexOf("^"), got = name_at(text.replace("^", ""), at);
		if (got !== want && !(want === "none" && got === undefined)) { bad++; console.log(text, "is", got, "not", want); }
	}
	process.exit(bad ? 1 : 0)' "$code"
}

if command -v node >/dev/null; then
	check "the TextMate grammar is well formed, and words fall where they should" well_formed
else
	skip "node is not installed"
fi

# vim_names: what vim calls the character at each `^` of the lines.
vim_names() {
	cat >"$T/t.avow" <<-'EOF'
	deny (principal not in G::"x", action is not not::T, resource)
	when { context.matches matches "a\\d" && version("1").lessThan(context.version) } // deny (
	@deny("x") indivisible resource [A::"\q"];
	permit (principal is not in G::"x", action, resource);
	EOF
	cat >"$T/t.vim" <<-'EOF'
	set nocompatible
	syntax on
	let s:out = []
	for [l, c] in [[1, 1], [1, 7], [1, 17], [1, 24], [1, 42], [1, 46], [2, 1], [2, 16], [2, 24], [2, 33], [2, 34], [2, 42], [2, 55], [2, 72], [2, 86], [3, 1], [3, 13], [3, 38], [4, 22]]
		call add(s:out, synIDattr(synID(l, c, 1), 'name'))
	endfor
	call writefile([join(s:out)], $T . '/names')
	qall!
	EOF
	T=$T vim -u NONE -i NONE -n -es --cmd "set runtimepath^=$ROOT/docs/editors/vim" -c 'set filetype=avow' \
	    -c "source $ROOT/$vim" -c "source $T/t.vim" "$T/t.avow" </dev/null >/dev/null 2>&1
	cat "$T/names"
}
if vim --version 2>/dev/null | grep -q '+syntax'; then
	expect "vim" "avowEffect avowVariable avowWord avowType avowWord  avowClause avowAttribute avowWord avowRegex avowEscape avowFunction avowMethod avowAttribute avowComment avowAnnotation avowDeclaration avowBadEscape " vim_names
else
	skip "vim with syntax is not installed"
fi
finish
