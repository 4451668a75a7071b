#!/bin/bash
# versions.sh - versions in the order that those who made it have them in: thousands of generated pairs, put in order by Debian's tools, by RPM and by
# npm's semver, against `avow decide`. The pairs are the same in every run. PAIRS (3000) is how many of each.
. "$(dirname "$0")/../lib/e2e.sh"
need_avow
pairs=${PAIRS:-3000}

# generate SEED FORM: pairs, one a line, blank between; the second often the first with one piece changed.
generate() {
	awk -v x="$1" -v form="$2" -v n="$pairs" '
	function any(m) { x = (x * 16807) % 2147483647; return x % m }
	function pick(list,   parts, m) { m = split(list, parts, " "); return parts[1 + any(m)] }
	# Pieces of a version in p[1..k].
	function make(   i) {
		k = 0
		if (form != "semver" && any(4) == 0) p[++k] = pick("0: 1: 2: 10:")
		p[++k] = pick("0 1 2 9 10 1 2")
		for (i = any(6); i > 0; i--) {
			if (form == "semver") continue
			if (form == "deb") p[++k] = pick(". . + ~ - a b rc ~rc A z 0 00 1 01 9 10 100 ~~ .~ +~")
			if (form == "rpm") p[++k] = pick(". . _ + ~ ^ a b rc ~rc ^git A z 0 00 1 01 9 10 100 ~~ ^^ .~ .^")
		}
		if (form == "semver") {
			p[++k] = "." pick("0 1 2 10"); p[++k] = "." pick("0 1 9 10")
			if (any(2)) for (i = any(3); i >= 0; i--) p[++k] = pick("-a -1 -rc -0 -10 -A")
			if (any(3) == 0) p[++k] = pick("+1 +b +2.c")
			return
		}
		if (any(2)) p[++k] = "-" pick("0 1 2 1.1 1~ 1+b 0a ~1 10")
	}
	function join_up(   i, s) { s = ""; for (i = 1; i <= k; i++) s = s p[i]; return s }
	# npm knows one pre-release: its parts are joined by dots.
	function tidy(s,   at, pre) {
		if (form != "semver") return s
		at = index(s, "-")
		if (!at) return s
		pre = substr(s, at + 1); gsub(/-/, ".", pre)
		return substr(s, 1, at) pre
	}
	BEGIN {
		for (made = 0; made < n; made++) {
			make(); first = tidy(join_up())
			if (any(4) == 0) make()
			else if (form == "semver") make()
			else if (k > 1) p[2 + any(k - 1)] = pick("0 1 a ~ . 10 01 +")
			second = tidy(join_up())
			if (form == "semver" && any(8) == 0) second = first
			print first, second
		}
	}'
}

# answers FUNCTION: `<`, `=`, `>` for each pair, and what was refused as `refused`.
answers() {
	local f=$1
	cat >"$T/order.avow" <<-EOF
	@id("<") permit (principal, action, resource) when { $f(context.a).lessThan($f(context.b)) };
	@id("=") permit (principal, action, resource) when { $f(context.a) == $f(context.b) };
	@id(">") permit (principal, action, resource) when { $f(context.a).greaterThan($f(context.b)) };
	EOF
	awk '{
		printf "{\"principal\":{\"type\":\"U\",\"id\":\"u\"},\"action\":{\"type\":\"Action\",\"id\":\"a\"},"
		printf "\"resource\":{\"type\":\"R\",\"id\":\"r\"},\"context\":{\"a\":\"%s\",\"b\":\"%s\"}}\n", $1, $2
	}' | "$AVOW" decide --policies "$T/order.avow" --requests - |
		sed -E -e 's/.*"reasons":\["(.)"\].*/\1/' -e '/^\{/s/.*/refused/'
}

# compare FUNCTION PEER: $T/pairs and the peer's $T/wanted. What we refuse is held against nothing, and counted.
compare() {
	answers "$1" <"$T/pairs" >"$T/got"
	paste -d ' ' "$T/pairs" "$T/wanted" "$T/got" >"$T/all"
	local refused differ lines
	lines=$(wc -l <"$T/got")
	refused=$(grep -c ' refused$' "$T/all")
	differ=$(awk '$4 != "refused" && $3 != $4' "$T/all" | wc -l)
	if [ "$lines" = "$pairs" ] && [ "$differ" = 0 ] && [ $((refused * 3)) -lt "$pairs" ]; then
		ok "$1: $((pairs - refused)) pairs in the order of $2 ($refused not well formed)"
	else
		not_ok "$1: $lines answers to $pairs pairs, $differ differ from $2, $refused refused"
		awk '$4 != "refused" && $3 != $4' "$T/all" | head -10
	fi
}

# From numbers to signs.
signs() {
	sed -e 's/^-1$/</' -e 's/^0$/=/' -e 's/^1$/>/'
}

debian_order() {
	perl -MDpkg::Version -lane 'print Dpkg::Version->new($F[0], check => 0) <=> Dpkg::Version->new($F[1], check => 0)'
}

dpkg_order() {
	local a b
	while read -r a b; do
		if dpkg --compare-versions "$a" lt "$b" 2>/dev/null; then
			echo '<'
		elif dpkg --compare-versions "$a" eq "$b" 2>/dev/null; then
			echo '='
		else
			echo '>'
		fi
	done
}

generate 1 deb >"$T/pairs"
if perl -MDpkg::Version -e 1 2>/dev/null; then
	debian_order <"$T/pairs" | signs >"$T/wanted"
	compare debversion Dpkg::Version
else
	skip "libdpkg-perl is not installed"
fi
if command -v dpkg >/dev/null; then
	all=$pairs pairs=$((pairs < 300 ? pairs : 300))
	head -n "$pairs" "$T/pairs" >"$T/few" && mv "$T/few" "$T/pairs"
	dpkg_order <"$T/pairs" >"$T/wanted"
	compare debversion dpkg
	pairs=$all
else
	skip "dpkg is not installed"
fi

generate 2 rpm >"$T/pairs"
if command -v rpm >/dev/null; then
	rpm --eval "%{lua: for l in io.lines('$T/pairs') do local a, b = l:match('(%S+) (%S+)') print(rpm.vercmp(a, b) .. '\n') end}" |
		sed '/^$/d' | signs >"$T/wanted"
	compare rpmversion rpm
else
	skip "rpm is not installed"
fi

generate 3 semver >"$T/pairs"
semver=$(npm root -g 2>/dev/null)/npm/node_modules/semver
if command -v node >/dev/null && [ -d "$semver" ]; then
	SEMVER=$semver node -e 'const s = require(process.env.SEMVER);
		require("fs").readFileSync(0, "utf8").trim().split("\n").forEach(l => {
			const [a, b] = l.split(" "); console.log(s.compare(a, b)) })' <"$T/pairs" | signs >"$T/wanted"
	compare version "npm's semver"
else
	skip "npm's semver is not installed"
fi
finish
