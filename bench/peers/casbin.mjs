// casbin.mjs FOLDER SECONDS - npm casbin on a workload without conditions (kind `plain`): groups and tenants as its two role graphs, deny overrides.
import { createRequire } from "node:module";
import { load, measure } from "./load.mjs";

const { newEnforcer, newModelFromString } = createRequire(process.env.PEERS + "/")("casbin");
const w = load(process.argv[2]);
const began = performance.now();
const enforcer = await newEnforcer(newModelFromString(`
[request_definition]
r = sub, act, obj
[policy_definition]
p = sub, act, obj, eft
[role_definition]
g = _, _
g2 = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = r.act == p.act && g(r.sub, p.sub) && g2(r.obj, p.obj)
`));
const line = /^(permit|deny) \(principal in Group::"([^"]*)", action == Action::"([^"]*)", resource in Tenant::"([^"]*)"\);$/;
const seen = new Set();
for (const text of w.policies.trimEnd().split("\n")) {
	const [, word, group, action, tenant] = line.exec(text);
	const rule = [group, action, tenant, word === "permit" ? "allow" : "deny"];
	if (!seen.has(rule.join()))
		enforcer.getModel().addPolicy("p", "p", rule);
	seen.add(rule.join());
}
for (const e of w.entities)
	for (const parent of e.parents)
		enforcer.getModel().addPolicy("g", e.uid.type === "User" ? "g" : "g2", [e.uid.id, parent.id]);
await enforcer.buildRoleLinks();
measure("casbin", w, Number(process.argv[3]), performance.now() - began,
	(r) => enforcer.enforceSync(r.principal.id, r.action.id, r.resource.id));
