# plot.awk - lines of figures (bench/report.sh) as SVG: median time of a decision against the number of policies, both logarithmic. 3,000 entities.
function field(name,   s) {
	if (!match($0, "\"" name "\":[^,}]*"))
		return ""
	s = substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3)
	gsub(/"/, "", s)
	return s
}
function log10(x) { return log(x) / log(10) }
function px(policies) { return left + (log10(policies) - x0) / (x1 - x0) * width }
function py(ns) { return top + height - (log10(ns) - y0) / (y1 - y0) * height }
function text(x, y, anchor, s) { printf "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, s }
function time_of(ns) { return ns >= 1e9 ? ns / 1e9 " s" : ns >= 1e6 ? ns / 1e6 " ms" : ns >= 1e3 ? ns / 1e3 " µs" : ns " ns" }
function power(e,   s) { s = sprintf("%d", 10 ^ e); return e == 6 ? "1,000,000" : e > 3 ? substr(s, 1, e - 2) ",000" : e == 3 ? "1,000" : s }
function floor(x) { return x < int(x) ? int(x) - 1 : int(x) }
BEGIN {
	left = 70; top = 20; width = 520; height = 320
	names["avow tenant"] = "Avow, two conditions"; names["avow plain"] = "Avow, no conditions"
	names["cedar tenant"] = "cedar-wasm, two conditions"; names["cedar plain"] = "cedar-wasm, no conditions"; names["casbin plain"] = "casbin, no conditions"
	ink["avow tenant"] = "#0b6e4f"; ink["avow plain"] = "#6fb98f"; ink["cedar tenant"] = "#7b2d8b"; ink["cedar plain"] = "#c39bd3"; ink["casbin plain"] = "#d35400"
	n_series = split("cedar tenant,cedar plain,casbin plain,avow tenant,avow plain", series, ",")
	x0 = 1; x1 = 1; y0 = 2; y1 = 2
}
{
	s = field("who") " " field("kind")
	# One set of entities a line, but for the largest.
	if (!(s in names) || field("entities") == 150000)
		next
	k = ++count[s]
	at[s, k] = field("policies"); ns[s, k] = field("p50_ns")
	if (log10(at[s, k]) > x1) x1 = log10(at[s, k])
	if (log10(ns[s, k]) > y1) y1 = log10(ns[s, k])
	if (log10(ns[s, k]) < y0) y0 = log10(ns[s, k])
}
END {
	x1 = -floor(-x1); y1 = -floor(-y1); y0 = floor(y0)
	if (x1 == x0) x1++
	print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 620 480\" font-family=\"sans-serif\" font-size=\"12\">"
	print "<rect width=\"620\" height=\"480\" fill=\"#ffffff\"/>"
	for (e = x0; e <= x1; e++) {
		printf "<path d=\"M%.1f %dv%d\" stroke=\"#dddddd\"/>\n", px(10 ^ e), top, height
		text(px(10 ^ e), top + height + 18, "middle", power(e))
	}
	for (e = y0; e <= y1; e++) {
		printf "<path d=\"M%d %.1fh%d\" stroke=\"#dddddd\"/>\n", left, py(10 ^ e), width
		text(left - 8, py(10 ^ e) + 4, "end", time_of(10 ^ e))
	}
	text(left + width / 2, top + height + 38, "middle", "policies")
	for (i = 1; i <= n_series; i++) {
		s = series[i]
		if (!count[s])
			continue
		printf "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\" d=\"", ink[s]
		for (k = 1; k <= count[s]; k++)
			printf "%s%.1f %.1f", k == 1 ? "M" : "L", px(at[s, k]), py(ns[s, k])
		print "\"/>"
		for (k = 1; k <= count[s]; k++)
			printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", px(at[s, k]), py(ns[s, k]), ink[s]
		x = left + (shown % 3) * 185; y = top + height + 62 + int(shown / 3) * 20
		printf "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"4\" fill=\"%s\"/>\n", x, y - 6, ink[s]
		text(x + 20, y, "start", names[s])
		shown++
	}
	print "</svg>"
}
