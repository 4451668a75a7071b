// cedar.mjs FOLDER SECONDS - npm @cedar-policy/cedar-wasm on a workload, policies parsed before, each request with the two entities it needs and no more.
import { createRequire } from "node:module";
import { load, measure } from "./load.mjs";

const cedar = createRequire(process.env.PEERS + "/")("@cedar-policy/cedar-wasm/nodejs");
const w = load(process.argv[2]);
const began = performance.now();
const parsed = cedar.preparsePolicySet("bench", { staticPolicies: w.policies.replaceAll("deny (", "forbid (") });
if (parsed.type !== "success")
	throw new Error(JSON.stringify(parsed.errors).slice(0, 500));
measure("cedar-wasm", w, Number(process.argv[3]), performance.now() - began, (r) => {
	const answer = cedar.statefulIsAuthorized({ ...r, preparsedPolicySetId: "bench", validateRequest: false,
		entities: [w.find(r.principal), w.find(r.resource)] });
	if (answer.type !== "success")
		throw new Error(JSON.stringify(answer.errors).slice(0, 500));
	return answer.response.diagnostics.errors.length > 0 ? undefined : answer.response.decision === "allow";
});
