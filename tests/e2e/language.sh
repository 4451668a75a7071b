#!/bin/bash
# language.sh [FILE.md] - runs every example of docs/language.md: what stands in its fenced blocks is what the program says. The word after the fence and
# the rest of that line say what a block is:
#   avow | cedar [name=N] [schema=S] [error=CODE,..] [warning=CODE,..]   a policy file: `avow check` (with schema S) finds these errors (none) and
#                                                             these warnings (none); also `cedar=CODE`: cannot be translated to Cedar, for this reason
#   cedar of=N | json of=N                                    what `avow translate` makes of the policies N, exactly; JSON but for white space
#   cedarschema name=S                                        a schema
#   json policyset [name=N] [error=CODE,..]                   the same for policies in JSON
#   json request [name=N]                                     a request, for the expr blocks after it
#   json entities name=N                                      entities for decide blocks
#   json decide=N [entities=M] want=EFFECT/CODE[/ID,..]       a request, and what policies N (or N+M: both) say to it
#   expr                                                      a line an expression, then `// true`, `// false` or `// error CODE`
#   text                                                      nothing to run
# Another word is an error. Before that, blocks that are wrong on purpose, each of which must fail: a runner that lets one pass is broken.
. "$(dirname "$0")/../lib/e2e.sh"
need_avow

# split FILE FOLDER: each block to FOLDER/NNN, what stands on its fence to FOLDER/NNN.info, its line to FOLDER/NNN.line.
split() {
	mkdir -p "$2"
	awk -v folder="$2" '
	/^```/ {
		if (inside) { inside = 0; close(file); next }
		inside = 1; file = sprintf("%s/%03d", folder, ++n)
		print substr($0, 4) >(file ".info"); close(file ".info")
		print NR >(file ".line"); close(file ".line")
		printf "" >file; next
	}
	inside { print >file }
	END { if (inside) print "unclosed" >(folder "/999.info") }' "$1"
}

# option NAME: its value in $info, or nothing.
option() {
	local word
	for word in $info; do
		case $word in "$1="*) echo "${word#*=}" ;; esac
	done
}

# codes SEVERITY: sorted, joined by commas, of `avow check --json` on standard input.
codes() {
	tr '{' '\n' | sed -n 's/.*"severity":"'"$1"'","code":"\([a-z_.]*\)".*/\1/p' | sort -u | paste -sd, -
}

# run_policies SUFFIX: the block is a policy file.
run_policies() {
	local name file errors warnings schema args=()
	name=$(option name)
	file=$folder/${name:-block$number}.$1
	cp "$block" "$file"
	for schema in $(option schema); do args+=(--schema "$folder/$schema.cedarschema"); done
	(cd "$folder" && "$AVOW" check "${args[@]}" --json "${file##*/}") >"$T/check" 2>"$T/check.err"
	errors=$(codes error <"$T/check") warnings=$(codes warning <"$T/check")
	if [ "$errors" != "$(option error)" ] || [ "$warnings" != "$(option warning)" ]; then
		why="errors: ${errors:-none}, warnings: ${warnings:-none}; $(head -c 300 "$T/check" "$T/check.err")"
		return 1
	fi
	[ -n "$(option cedar)" ] || return 0
	why="can be translated to Cedar, or for another reason not"
	! "$AVOW" translate --to cedar "$file" >"$T/check" 2>&1 && grep -qF "[$(option cedar)]" "$T/check"
}

# run_translation FORM: the block is what becomes of a policy file.
run_translation() {
	local file=$folder/$(option of).avow
	"$AVOW" translate --to "$1" "$file" >"$T/translated" 2>&1
	if [ "$1" = json ]; then
		tr -d ' \n' <"$T/translated" >"$T/a" && tr -d ' \n' <"$block" >"$T/b"
	else
		cp "$T/translated" "$T/a" && cp "$block" "$T/b"
	fi
	cmp -s "$T/a" "$T/b" && return
	why="it becomes $(head -c 2000 "$T/translated")"
	return 1
}

# run_schema: the block is a schema.
run_schema() {
	local file=$folder/$(option name).cedarschema
	cp "$block" "$file"
	why=$("$AVOW" check --schema "$file" 2>&1)
}

# run_decide: the block is a request.
run_decide() {
	local names=() args=() name got
	IFS=+ read -ra names <<<"$(option decide)"
	for name in "${names[@]}"; do
		for name in "$name".avow "$name".cedar "$name".json; do
			if [ -e "$folder/$name" ]; then args+=(--policies "$name"); fi
		done
	done
	for name in $(option entities); do args+=(--entities "$name.entities.json"); done
	cp "$block" "$folder/request"
	got=$(cd "$folder" && "$AVOW" decide "${args[@]}" --request request 2>&1)
	got=$(sed -E -e 's/.*"decision":"([a-z]+)".*"code":"([a-z._]+)".*"reasons":\[([^]]*)\].*/\1\/\2\/\3/' -e 's/"//g' -e 's/\/$//' <<<"$got")
	if [ "$got" != "$(option want)" ]; then
		why="the answer is $got"
		return 1
	fi
}

# run_expressions: each line a policy, all in one file; the answer's reasons are what is true, its errors what erred.
run_expressions() {
	local n=0 text want line got bad=0
	local wants=() texts=()
	: >"$folder/expr.avow"
	while IFS= read -r line; do
		[ -n "$line" ] || continue
		n=$((n + 1))
		text=${line%//*} want=${line##*// }
		texts+=("$text") wants+=("$want")
		printf '@id("e%d") permit (principal, action, resource) when { %s };\n' "$n" "$text" >>"$folder/expr.avow"
	done <"$block"
	"$AVOW" decide --policies "$folder/expr.avow" --entities "$folder/expr.entities.json" --request "$folder/expr.request" >"$T/answer" 2>&1
	if ! grep -q '^{"decision"' "$T/answer"; then
		why=$(head -5 "$T/answer")
		return 1
	fi
	tr '{' '\n' <"$T/answer" | sed -n 's/^"policy":"\(e[0-9]*\)","code":"\([a-z_.]*\)".*/\1 \2/p' >"$T/errors"
	sed 's/.*"reasons":\[\([^]]*\)\].*/\1/' "$T/answer" | tr ',' '\n' | tr -d '"' >"$T/true"
	for ((i = 1; i <= n; i++)); do
		got=false
		if grep -qx "e$i" "$T/true"; then got=true; fi
		if grep -q "^e$i " "$T/errors"; then got="error $(sed -n "s/^e$i //p" "$T/errors")"; fi
		if [ "$got" = "${wants[i - 1]}" ]; then
			expressions=$((expressions + 1))
		else
			why="${why-}${texts[i - 1]}is $got, not ${wants[i - 1]}; "
			bad=1
		fi
	done
	return $bad
}

# run_block: true when the block is what it says.
run_block() {
	set -- $info
	case $1${2:+ ${2%%=*}} in
	'cedar of') run_translation cedar ;;
	'json of') run_translation json ;;
	cedarschema*) run_schema ;;
	avow*) run_policies avow ;;
	cedar*) run_policies cedar ;;
	'json policyset') run_policies json ;;
	'json request') cp "$block" "$folder/expr.request" ;;
	'json entities')
		cp "$block" "$folder/$(option name).entities.json"
		[ -n "$(option name)" ]
		;;
	'json decide') run_decide ;;
	expr) run_expressions ;;
	text) ;;
	*)
		why='no such kind of block'
		return 1
		;;
	esac
}

# run_file FILE FOLDER: `good` and `wrong` are counted; what is wrong goes to $T/wrong.
run_file() {
	folder=$2 good=0 wrong=0 expressions=0
	: >"$T/wrong"
	split "$1" "$folder"
	for info in "$folder"/[0-9][0-9][0-9].info; do
		[ -e "$info" ] || continue
		block=${info%.info} number=${block##*/} why=
		info=$(cat "$info")
		if run_block; then
			good=$((good + 1))
		else
			wrong=$((wrong + 1))
			echo "line $(cat "$block.line" 2>/dev/null): \`\`\`$info: $why" >>"$T/wrong"
		fi
	done
}

# --- the runner itself ----------------------------------------------------

request='{"principal": {"type": "U", "id": "a"}, "action": {"type": "Action", "id": "x"}, "resource": {"type": "R", "id": "r"}}'
cat >"$T/wrong.md" <<EOF
\`\`\`avow
permit (principal, action, resource) when { x };
\`\`\`
\`\`\`avow error=name.variable
permit (principal, action, resource);
\`\`\`
\`\`\`avow
permit (principal != U::"a", action, resource);
\`\`\`
\`\`\`cedar
deny (principal, action, resource);
\`\`\`
\`\`\`expr
1 == 1 // true
\`\`\`
\`\`\`nonsense
\`\`\`
\`\`\`json entities
[]
\`\`\`
\`\`\`cedarschema name=s
entity U in [V];
\`\`\`
\`\`\`avow cedar=syntax.untranslatable
permit (principal, action, resource);
\`\`\`
\`\`\`cedar of=nobody
permit (principal, action, resource);
\`\`\`
EOF
cat >"$T/right.md" <<EOF
\`\`\`json request
$request
\`\`\`
\`\`\`json entities name=expr
[]
\`\`\`
\`\`\`avow name=all
@id("all") permit (principal, action, resource);
\`\`\`
\`\`\`json decide=all want=permit/permit/all
$request
\`\`\`
\`\`\`expr
1 == 1          // true
1 == 2          // false
1 + "a" == 2    // error eval.type
\`\`\`
EOF
sed -e 's,want=.*,want=deny/policy.none,' -e 's,// true,// false,' "$T/right.md" >"$T/mixed.md"
run_file "$T/wrong.md" "$T/w"
expect "the runner sees each wrong block" "0 10" echo "$good $wrong"
run_file "$T/right.md" "$T/r"
expect "and right ones" "5 0 3" echo "$good $wrong $expressions"
run_file "$T/mixed.md" "$T/m"
expect "and a wrong answer" "3 2 2" echo "$good $wrong $expressions"

# --- the document ---------------------------------------------------------

run_file "${1:-$ROOT/docs/language.md}" "$T/doc"
passed=$((passed + good)) failed=$((failed + wrong))
cat "$T/wrong"
say "${1:-docs/language.md}: $good blocks are as they say ($expressions expressions among them), $wrong are not"
[ "$good" -gt 0 ] || not_ok "no block at all"
finish
