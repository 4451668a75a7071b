'use strict';
// world.js - what a case speaks of: entity types, attributes and their kinds, the values in use, entities and requests.
// An attribute name has one kind throughout a case, so that expressions mostly fit the data; some data does not fit on purpose.
// Values are JSON as Cedar reads it; integers are Longs (json.js).
const { Long } = require('./json.js');
const texts = require('./texts.js');

const SCALARS = ['bool', 'long', 'string', 'decimal', 'ip', 'datetime', 'duration'];
const FUNCTION = { decimal: 'decimal', ip: 'ip', datetime: 'datetime', duration: 'duration' };
const POOL = { string: 'strings', long: 'longs', decimal: 'decimals', ip: 'ips', datetime: 'datetimes', duration: 'durations' };

// A few plain ones and, now and then, one at the edge.
function pool(random, [plain, edge], n, percent) {
	const ret = random.some(plain, n);

	if (random.often(percent))
		ret.push(...random.some(edge, random.range(1, 3)));
	return ret;
}

function randomKind(world, random, depth = 2) {
	const kind = random.weighted([
		[32, 'scalar'], [22, 'common'], [18, 'entity'], [depth ? 14 : 0, 'set'], [depth ? 7 : 0, 'record'],
	]);

	switch (kind) {
	case 'scalar':
		return { kind: random.pick(SCALARS) };
	case 'common':
		return { kind: random.pick(['bool', 'long', 'string']) };
	case 'entity':
		return { kind: 'entity', type: random.pick(world.types) };
	case 'set':
		return { kind: 'set', of: randomKind(world, random, depth - 1) };
	default: {
		const fields = {};

		for (const name of random.some(world.names, random.range(1, 3)))
			fields[name] = randomKind(world, random, depth - 1);
		return { kind: 'record', fields };
	}
	}
}

function makeWorld(random) {
	const world = { types: random.some(texts.types, random.range(2, 4)), pools: {}, attrs: {} };

	for (const kind of Object.keys(POOL))
		world.pools[kind] = pool(random, texts[POOL[kind]], random.range(2, 5), 25);
	// Errors of extension texts shall be common, not the rule.
	world.ids = pool(random, texts.ids, random.range(2, 4), 15);
	world.names = pool(random, texts.names, random.range(3, 5), 35);
	world.actionType = random.pick(texts.actionTypes);
	world.actions = random.some(texts.actions, random.range(2, 4));
	for (const name of world.names)
		world.attrs[name] = randomKind(world, random);
	world.tagKind = randomKind(world, random, 1);
	world.tagNames = random.some(['t', 'u', '', 'é', 'name'], random.range(1, 3));
	return world;
}

// --- values ---------------------------------------------------------------

const randomUid = (world, random, type) => ({
	type: type || random.pick(world.types),
	id: random.pick(world.ids),
});

function randomValue(world, random, kind, depth = 3) {
	switch (kind.kind) {
	case 'bool':
		return random.often(60);
	case 'long':
		return new Long(random.pick(world.pools.long));
	case 'string':
		return random.pick(world.pools.string);
	case 'entity': {
		const uid = randomUid(world, random, kind.type);

		return world.laws && random.often(40) ? uid : { __entity: uid };
	}
	case 'set': {
		const n = depth ? random.weighted([[1, 0], [3, 1], [3, 2], [1, 3]]) : 0;

		return Array.from({ length: n }, () => randomValue(world, random, kind.of, depth - 1));
	}
	case 'record':
		return randomRecord(world, random, kind.fields, 93, depth - 1);
	default: {
		const arg = validText(world, random, kind.kind);

		return world.laws && random.often(40) ? arg : { __extn: { fn: FUNCTION[kind.kind], arg } };
	}
	}
}

// Data whose text does not parse is refused as a whole: entities keep to texts known to be right.
function validText(world, random, kind) {
	const plain = texts[POOL[kind]][0], mine = world.pools[kind].filter((text) => plain.includes(text));

	return random.pick(mine.length ? mine : plain);
}

function randomRecord(world, random, fields, percent, depth) {
	const ret = {};

	for (const name of Object.keys(fields)) {
		if (!world.laws && !random.often(percent))
			continue;
		const kind = random.often(world.laws ? 0.2 : 2) ? randomKind(world, random, 1) : fields[name];

		ret[name] = randomValue(world, random, kind, depth);
	}
	return ret;
}

// By a schema: what is required, and some of the rest.
function lawfulRecord(world, random, shape) {
	const fields = {};

	for (const [name, { kind, required }] of Object.entries(shape))
		if (random.often(required ? 99.7 : 60))
			fields[name] = kind;
	return randomRecord(world, random, fields, 100, 2);
}

// --- entities ---------------------------------------------------------------

const keyOf = (uid) => JSON.stringify([uid.type, uid.id]);

// Parents come from those made before: no cycle.
function addEntity(world, random, entities, seen, uid) {
	if (seen.has(keyOf(uid)))
		return;
	seen.add(keyOf(uid));
	const attrs = random.some(Object.keys(world.attrs), random.range(2, 4)), shape = world.laws && world.shapes[uid.type];
	const above = shape && random.often(99) ? entities.filter((e) => shape.parents.includes(e.uid.type)) : entities;
	const entity = {
		uid,
		attrs: shape ? lawfulRecord(world, random, shape.attrs) :
			randomRecord(world, random, Object.fromEntries(attrs.map((name) => [name, world.attrs[name]])), 92, 2),
		parents: random.some(above, random.weighted([[3, 0], [5, 1], [2, 2]])).map((parent) => parent.uid),
	};

	if (random.often(world.laws ? 0.3 : 6))
		entity.parents.push({ type: random.pick(world.types), id: 'absent' });
	if (random.often(5))
		entity.parents = entity.parents.map((parent) => ({ __entity: parent }));
	if (shape ? shape.tags && random.often(80) : random.often(45)) {
		entity.tags = {};
		for (const name of world.tagNames)
			if (random.often(75))
				entity.tags[name] = randomValue(world, random, world.tagKind, 2);
	}
	entities.push(entity);
}

function addActions(world, random, entities) {
	const made = [];

	for (const id of world.actions) {
		if (!random.often(70))
			continue;
		const parents = random.some(made, random.range(0, 2)).map((entity) => entity.uid);
		const entity = { uid: { type: world.actionType, id }, attrs: {}, parents };

		if (random.often(15))
			entity.attrs = randomRecord(world, random, world.attrs, 30, 1);
		made.push(entity);
	}
	entities.push(...made);
}

function makeEntities(world, random) {
	const entities = [], seen = new Set();

	if (random.often(4))
		return entities;
	for (let i = random.weighted([[6, random.range(2, 4)], [3, random.range(4, 7)], [1, 11]]); i > 0; i--)
		addEntity(world, random, entities, seen, randomUid(world, random));
	if (random.often(world.laws ? 3 : 40))
		addActions(world, random, entities);
	return entities;
}

// --- requests ---------------------------------------------------------------

function makeRequest(world, random, entities) {
	const action = random.pick(world.actions);
	const known = entities.map((entity) => entity.uid).filter((uid) => uid.type !== world.actionType);
	const law = world.laws && random.often(97) && world.laws[action];
	const lawful = (types) => random.pick(known.filter((one) => types.includes(one.type) && random.often(90)).concat(randomUid(world, random, random.pick(types))));
	const uid = (types) => (law && law.principals ? lawful(types) : known.length && random.often(88) ? random.pick(known) : randomUid(world, random));

	return {
		principal: uid(law && law.principals),
		action: { type: world.actionType, id: action },
		resource: uid(law && law.resources),
		context: law ? lawfulRecord(world, random, law.context) : randomRecord(world, random, world.attrs, 85, 2),
	};
}

module.exports = { makeWorld, makeEntities, makeRequest, randomKind, randomUid, FUNCTION, SCALARS };
