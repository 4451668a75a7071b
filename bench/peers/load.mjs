// load.mjs - a workload of bench/workload.c, and the timing that all peers share.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

export function load(folder) {
	const read = (name) => readFileSync(join(folder, name), "utf8");
	const lines = (name) => read(name).trimEnd().split("\n");
	const entities = JSON.parse(read("entities.json"));
	const byUid = new Map(entities.map((e) => [`${e.uid.type}::${e.uid.id}`, e]));
	return {
		policies: readdirSync(join(folder, "policies")).sort().map((f) => read(join("policies", f))).join(""),
		entities,
		find: (uid) => byUid.get(`${uid.type}::${uid.id}`),
		requests: lines("requests.jsonl").map((l) => JSON.parse(l)),
		expected: lines("expected").map((l) => l === "permit"),
	};
}

// `decide(request)` says true, false, or undefined where the peer reports an error (erring denies mean another thing there: not compared).
export function measure(name, w, seconds, loadMs, decide) {
	const ns = [];
	let checked = 0, disagree = 0;
	const end = process.hrtime.bigint() + BigInt(Math.round(seconds * 1e9));
	for (let i = 0; i < 20 || process.hrtime.bigint() < end; i++) {
		const k = i % w.requests.length;
		const from = process.hrtime.bigint();
		const permit = decide(w.requests[k]);
		ns.push(Number(process.hrtime.bigint() - from));
		if (i >= w.requests.length || permit === undefined)
			continue;
		checked++;
		disagree += permit !== w.expected[k];
	}
	ns.sort((a, b) => a - b);
	const at = (q) => ns[Math.floor(q * (ns.length - 1))];
	console.log(JSON.stringify({ peer: name, p50_ns: at(0.5), p99_ns: at(0.99), decisions: ns.length, load_ms: Math.round(loadMs),
		rss_bytes: process.memoryUsage().rss, checked, disagree }));
}
