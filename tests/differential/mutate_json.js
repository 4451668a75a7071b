'use strict';
// mutate_json.js - a policy set in Cedar's JSON that may no longer be one: members taken out, renamed, doubled under other names, values exchanged.
const { Long } = require('./json.js');

const KEYS = ['effect', 'principal', 'action', 'resource', 'conditions', 'annotations', 'op', 'entity', 'entities', 'slot', 'entity_type', 'in', 'kind', 'body', 'Value', 'Var',
	'Slot', 'Unknown', '!', 'neg', 'isEmpty', '==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '&&', '||', 'contains', 'containsAll', 'containsAny', 'getTag', 'hasTag', '.', 'has', 'like',
	'is', 'if-then-else', 'Set', 'Record', 'ip', 'decimal', 'datetime', 'duration', 'isIpv4', 'isInRange', 'lessThan', 'offset', 'toDate', 'unknown', 'foo', '', 'left', 'right', 'arg',
	'attr', 'pattern', 'Literal', 'if', 'then', 'else', 'type', 'id', '__entity', '__extn', 'fn', 'args', '__expr', 'staticPolicies', 'templates', 'templateLinks', 'templateId', 'newId', 'values', '?principal',
	'?resource', 'policy0', 'matches', 'version', 'anyLike'];

const VALUES = [null, true, 0, new Long('9223372036854775807'), new Long('9223372036854775808'), new Long('1.0'), '', 'a', 'User', 'A::if', '__cedar', ' User', 'Action', 'All', '==', 'in', 'is', 'permit', 'forbid', 'when',
	'unless', 'principal', 'action', 'resource', 'context', '?principal', '?resource', '?action', 'Wildcard', 'policy0', 'link0', [], {}, ['a'], [[]], { Value: true }, { Value: null }, { Var: 'context' }, { Var: 'x' },
	{ Slot: '?principal' }, { Slot: '?resource' }, { type: 'User', id: 'a' }, { __entity: { type: 'User', id: 'a' } }, { type: 'Action', id: 'a' }, { type: 'A::Action', id: 'a' }, { op: 'All' }, { op: '==', slot: '?principal' },
	{ op: '==', entity: { type: 'Action', id: 'a' } }, { op: 'in', entities: [] }, { op: 'in', slot: '?resource' }, { op: 'is', entity_type: 'User' }, { op: 'is', entity_type: 'User', in: { slot: '?principal' } },
	{ op: 'is', entity_type: 'User', in: { entity: { type: 'G', id: 'a' } } }, { ip: [{ Value: '10.0.0.1' }] }, { ip: [] }, { decimal: [{ Value: 'x' }] }, { isIpv4: [{ Value: 1 }, { Value: 2 }] }, { unknown: [{ Value: 'a' }] },
	{ Unknown: [{ Value: 'a' }] }, { Value: { __extn: { fn: 'ip', arg: 'x' } } }, { Value: { __extn: { fn: 'ip', arg: '::1' } } }, { Value: { __entity: { type: 'U', id: 'a' } } }, { Value: { type: 'U', id: 'a' } },
	{ Value: [1, 'a', { b: null }] }, { Value: { __entity: { type: 'if', id: 'a' } } }, { has: { left: { Var: 'context' }, attr: [] } }, { has: { left: { Var: 'context' }, attr: ['a', 'b'] } },
	{ has: { left: { Var: 'context' }, attr: ['a', 'if', 'c d'] } }, { has: { left: { Var: 'context' }, attr: 'if' } }, { '.': { left: { Var: 'context' }, attr: 'a b' } }, { like: { left: { Value: 'a' }, pattern: [] } },
	{ like: { left: { Value: 'a' }, pattern: ['Wildcard', 'Wildcard', { Literal: '*' }, { Literal: 'ab' }, { Literal: '' }] } }, { is: { left: { Var: 'principal' }, entity_type: 'A::B', in: { Var: 'resource' } } },
	{ neg: { arg: { neg: { arg: { neg: { arg: { neg: { arg: { neg: { arg: { Value: 1 } } } } } } } } } } }, { neg: { arg: { Value: new Long('-9223372036854775808') } } }, { Record: {} }, { Record: { '': { Value: 1 } } }, { Set: [] },
	{ Value: true, Var: 'context' }, { contains: { left: { Set: [] }, right: { Value: 1 } } }, { '+': { left: { Value: 'a' }, right: { Value: 1 } } }, { kind: 'when', body: { Value: true } }];

const isTree = (v) => v !== null && typeof v === 'object' && !(v instanceof Long);

// Every object and array in it.
function trees(v, ret = []) {
	if (isTree(v)) {
		ret.push(v);
		for (const member of Object.values(v))
			trees(member, ret);
	}
	return ret;
}

function copy(v) {
	if (!isTree(v))
		return v;
	return Array.isArray(v) ? v.map(copy) : Object.fromEntries(Object.entries(v).map(([key, member]) => [key, copy(member)]));
}

// The member `name` under another one, in its place.
function rename(tree, name, other) {
	const members = Object.entries(tree);

	for (const key of Object.keys(tree))
		delete tree[key];
	for (const [key, member] of members)
		tree[key === name ? other : key] = member;
}

function editOnce(random, set) {
	const all = trees(set), tree = random.pick(all), names = Object.keys(tree), name = random.pick(names);

	if (!names.length || random.often(10)) {
		const value = copy(random.pick(VALUES));

		if (Array.isArray(tree))
			tree.push(value);
		else
			tree[random.pick(KEYS)] = value;
		return;
	}
	switch (random.below(5)) {
	case 0:
		if (Array.isArray(tree))
			tree.splice(Number(name), 1);
		else
			delete tree[name];
		break;
	case 1:
		if (!Array.isArray(tree)) {
			rename(tree, name, random.pick(KEYS));
			break;
		}
		// fallthrough
	case 2:
		tree[name] = copy(random.pick(VALUES));
		break;
	case 3:
		tree[name] = copy(random.pick(all));
		break;
	default:
		if (Array.isArray(tree))
			tree.push(copy(tree[name]));
		else
			tree[random.pick(KEYS)] = copy(tree[name]);
	}
}

// Cedar's binding takes text in places of policies, and lists of policies; a file does not.
function isOfFiles(set) {
	const isRecord = (v) => isTree(v) && !Array.isArray(v);

	return [set.staticPolicies, set.templates].every((all) => all === undefined || (isRecord(all) && Object.values(all).every(isRecord)));
}

function mutateJson(random, set) {
	for (;;) {
		const ret = copy(set);

		for (let n = random.weighted([[6, 1], [2, 2]]); n > 0; n--)
			editOnce(random, ret);
		if (isOfFiles(ret))
			return ret;
	}
}

// `v` with one member less somewhere, or with a member in its place.
function* smallerJson(v) {
	if (!isTree(v))
		return;
	const put = (name, member) => (Array.isArray(v) ? Object.assign([...v], { [name]: member }) : { ...v, [name]: member });

	for (const name of Object.keys(v)) {
		if (Array.isArray(v)) {
			yield v.filter((member, i) => String(i) !== name);
		} else {
			const { [name]: gone, ...rest } = v;

			yield rest;
		}
	}
	for (const name of Object.keys(v)) {
		if (isTree(v[name])) {
			for (const member of Object.values(v[name]))
				yield put(name, member);
			yield put(name, { Value: true });
			for (const member of smallerJson(v[name]))
				yield put(name, member);
		}
	}
}

module.exports = { mutateJson, smallerJson, isOfFiles };
