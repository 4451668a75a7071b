'use strict';
// shrink.js - a case that differs, made as small as it can be while it still does. Each candidate is the case with something less: a request, a policy,
// a condition, an expression's part, an entity, an attribute, a parent. The first that still differs is taken, and all begins anew.
const { Long } = require('./json.js');
const { leaf } = require('./policies.js');

const without = (list, from, n = 1) => list.slice(0, from).concat(list.slice(from + n));

function* lists(list) {
	for (let size = Math.max(list.length >> 1, 1); size >= 1; size = size === 1 ? 0 : size >> 1)
		for (let at = 0; at < list.length; at += size)
			yield without(list, at, size);
}

function* records(record) {
	for (const name of Object.keys(record)) {
		const { [name]: gone, ...rest } = record;

		yield rest;
		if (gone && typeof gone === 'object' && !('__entity' in gone) && !('__extn' in gone))
			for (const less of Array.isArray(gone) ? lists(gone) : gone instanceof Long ? [] : records(gone))
				yield { ...record, [name]: less };
	}
}

// Smaller expressions in place of `n`: its parts, then something plain, then the same with smaller parts.
function* expressions(n) {
	yield* n.kids;
	if (n.kids.length)
		for (const text of ['true', '0', '"a"'])
			yield leaf(text);
	if (n.dressed)
		yield { ...n, dressed: false };
	for (let i = 0; i < n.kids.length; i++)
		for (const kid of expressions(n.kids[i]))
			yield { ...n, kids: [...n.kids.slice(0, i), kid, ...n.kids.slice(i + 1)] };
}

function* conditions(policy) {
	for (const list of lists(policy.conditions))
		yield { ...policy, conditions: list };
	for (let i = 0; i < policy.conditions.length; i++)
		for (const body of expressions(policy.conditions[i].body))
			yield { ...policy, conditions: policy.conditions.map((c, k) => (k === i ? { ...c, body } : c)) };
}

function* policyParts(policy) {
	if (policy.annotations.length)
		yield { ...policy, annotations: [] };
	for (const variable of ['principal', 'action', 'resource'])
		if (policy[variable] !== variable && !policy.slots.includes(variable))
			yield { ...policy, [variable]: variable };
	yield* conditions(policy);
}

// Links name their template by its place.
function* policySets(test) {
	for (let i = 0; i < test.policies.length; i++)
		yield {
			...test,
			policies: without(test.policies, i),
			links: test.links.filter((link) => link.template !== i).map((link) => ({ ...link, template: link.template - (link.template > i) })),
		};
	for (const links of lists(test.links))
		yield { ...test, links };
	for (let i = 0; i < test.policies.length; i++)
		for (const policy of policyParts(test.policies[i]))
			yield { ...test, policies: test.policies.map((p, k) => (k === i ? policy : p)) };
}

function* entitySets(test) {
	for (const entities of lists(test.entities))
		yield { ...test, entities };
	for (let i = 0; i < test.entities.length; i++) {
		const replace = (entity) => ({ ...test, entities: test.entities.map((e, k) => (k === i ? entity : e)) });
		const { tags, ...rest } = test.entities[i];

		if (tags)
			yield replace(rest);
		for (const parents of lists(rest.parents))
			yield replace({ ...test.entities[i], parents });
		for (const attrs of records(rest.attrs))
			yield replace({ ...test.entities[i], attrs });
	}
}

function* candidates(test) {
	if (test.schema)
		for (const schema of lists(test.schema))
			yield { ...test, schema };
	if (test.requests.length > 1)
		for (const request of test.requests)
			yield { ...test, requests: [request] };
	yield* policySets(test);
	yield* entitySets(test);
	for (const context of records(test.requests[0].context))
		yield { ...test, requests: [{ ...test.requests[0], context }] };
}

// `differs(test)` is asked at most `budget` times.
async function shrink(test, differs, budget = 3000, smaller = candidates) {
	for (let found = true; found && budget > 0;) {
		found = false;
		for (const candidate of smaller(test)) {
			if (budget-- <= 0)
				break;
			if (await differs(candidate)) {
				test = candidate;
				found = true;
				break;
			}
		}
	}
	return test;
}

module.exports = { shrink };
