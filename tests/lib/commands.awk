# commands.awk - what a page of Markdown tells people to type: FILE:LINE, a tab, and what follows `avow `, for each place in fences, indented lines and spans.
# Lines that end in a backslash are one with the next. A command ends where the shell has it end.
function emit(text, at, command) {
	sub(/^ +/, "", text)
	while (match(text, /(^|[("'$|;&] *|(do|then|exec|sudo) |build\/)avow [a-z]/)) {
		text = substr(text, RSTART + RLENGTH - 1)
		command = text
		sub(/ (\||&&|\|\||#|>|2>|<).*/, "", command)
		sub(/[;)].*/, "", command)
		print at "\t" command
	}
}
FNR == 1 {
	fence = 0
	held = ""
}
/^```/ {
	fence = !fence
	next
}
{
	line = held $0
	held = ""
	is_code = fence || line ~ /^    /
	if (is_code && line ~ /\\$/) {
		held = substr(line, 1, length(line) - 1) " "
		next
	}
	at = FILENAME ":" FNR
	if (is_code) {
		emit(line, at)
		next
	}
	n = split(line, part, "`")
	for (i = 2; i <= n; i += 2)
		emit(part[i], at)
}
