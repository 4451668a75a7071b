# report.awk - lines of figures (bench/report.sh) as tables in Markdown.
function field(name,   s) {
	if (!match($0, "\"" name "\":[^,}]*"))
		return ""
	s = substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3)
	gsub(/"/, "", s)
	return s
}
function thousands(n,   s) {
	n = sprintf("%d", n)
	for (s = ""; length(n) > 3; n = substr(n, 1, length(n) - 3))
		s = "," substr(n, length(n) - 2) s
	return n s
}
# Two digits that count.
function two(x) {
	if (x >= 100)
		return thousands(int(x / 10 + 0.5) * 10)
	return x >= 10 ? sprintf("%.0f", x) : x >= 1 ? sprintf("%.1f", x) : sprintf("%.2f", x)
}
function micro(ns) { return two(ns / 1000) " µs" }
function row(key) {
	return sprintf("| %s | %s | %s | %s | %s | %s | %s MB | %s s |", thousands(policies[key]), thousands(entities[key]), micro(p50[key]),
		two(p50[key] / p50[first]), micro(p90[key]), micro(p99[key]), thousands(rss[key] / 1048576), two(load[key] / 1000))
}
{
	key = field("who") " " field("kind") " " field("policies") " " field("entities")
	order[++n] = key
	who[key] = field("who"); kind[key] = field("kind"); policies[key] = field("policies"); entities[key] = field("entities")
	p50[key] = field("p50_ns"); p90[key] = field("p90_ns"); p99[key] = field("p99_ns")
	rss[key] = field("rss_bytes"); load[key] = field("load_ms"); checked += field("checked"); differ += field("disagree")
	if (!first && who[key] == "avow" && kind[key] == "tenant")
		first = key
}
END {
	print "\n| policies | entities | p50 | relative | p90 | p99 | resident | loaded in |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
	for (i = 1; i <= n; i++)
		if (who[order[i]] == "avow" && kind[order[i]] == "tenant")
			print row(order[i])
	print "\n| kind | policies | p50 | p90 | p99 |\n| --- | --- | --- | --- | --- |"
	for (i = 1; i <= n; i++) {
		key = order[i]
		if (who[key] == "avow" && kind[key] != "tenant" && (kind[key] != "plain" || policies[key] == 1000))
			printf "| `%s` | %s | %s | %s | %s |\n", kind[key], thousands(policies[key]), micro(p50[key]), micro(p90[key]), micro(p99[key])
	}
	print "\n| peer | kind | policies | its p50 | ours | times slower |\n| --- | --- | --- | --- | --- | --- |"
	for (i = 1; i <= n; i++) {
		key = order[i]
		own = "avow " kind[key] " " policies[key] " " entities[key]
		if (who[key] != "avow" && own in p50)
			printf "| %s | `%s` | %s | %s | %s | %s |\n", who[key] == "cedar" ? "cedar-wasm" : who[key], kind[key],
				thousands(policies[key]), micro(p50[key]), micro(p50[own]), two(p50[key] / p50[own])
	}
	printf "\n%s decisions compared, %d differ from what was expected.\n", thousands(checked), differ
}
