'use strict';
// typed_schema.js - schemas from a seed: a few entity types with attributes of all kinds, tags and parents, an enumerated one, actions with groups.
// A type is 'Long', 'String', 'Bool', an extension's name, {entity}, {set: type} or {record: {name: {type, optional}}}.

const simple = ['Long', 'String', 'Bool', 'Long', 'String', 'Bool', 'datetime', 'duration', 'decimal', 'ipaddr'];
const names = ['a', 'b', 'c', 'd', 'odd name', 'if'];

function makeType(random, entities, depth) {
	const at = random.below(100);

	if (depth > 0 && at < 15)
		return { set: makeType(random, entities, depth - 1) };
	if (depth > 0 && at < 35)
		return { record: makeAttributes(random, entities, depth - 1, 3) };
	if (at < 60)
		return { entity: random.pick(entities) };
	return random.pick(simple);
}

function makeAttributes(random, entities, depth, most) {
	const ret = {};

	for (const name of random.some(names, random.below(most + 1)))
		ret[name] = { type: makeType(random, entities, depth), optional: random.often(50) };
	return ret;
}

function makeSchema(random) {
	const space = random.often(25) ? 'N::' : '';
	const entities = ['A', 'B', 'C', 'E'].map((name) => space + name);
	const schema = { space: space.slice(0, -2), types: {}, actions: {} };

	for (const name of entities.slice(0, 3))
		schema.types[name] = {
			shape: makeAttributes(random, entities, 2, 5),
			tags: random.often(40) ? makeType(random, entities, 1) : undefined,
			parents: random.some(entities.slice(0, 3), random.below(3)),
		};
	schema.types[entities[3]] = { ids: ['x', 'y'], shape: {}, parents: [] };
	const groups = [];

	['all', 'some', 'view', 'edit', 'list'].forEach((name, i) => {
		schema.actions[name] = {
			parents: random.some(groups, random.below(2)),
			principals: i < 1 ? [] : random.some(entities, random.range(1, 2)),
			resources: i < 1 ? [] : random.some(entities, random.range(1, 2)),
			context: random.often(70) ? makeAttributes(random, entities, 1, 4) : {},
		};
		groups.push(name);
	});
	return schema;
}

function typeText(type) {
	if (typeof type === 'string')
		return '__cedar::' + type;
	if (type.entity)
		return type.entity;
	if (type.set)
		return 'Set<' + typeText(type.set) + '>';
	return attributesText(type.record);
}

const attributesText = (attributes) => '{' + Object.entries(attributes).map(([name, { type, optional }]) =>
	JSON.stringify(name) + (optional ? '?' : '') + ': ' + typeText(type)).join(', ') + '}';

function schemaText(schema) {
	const bare = (name) => name.replace(/^.*::/, ''), lines = [];

	for (const [name, type] of Object.entries(schema.types)) {
		if (type.ids)
			lines.push('entity ' + bare(name) + ' enum ' + JSON.stringify(type.ids) + ';');
		else
			lines.push('entity ' + bare(name) + (type.parents.length ? ' in [' + type.parents.join(', ') + ']' : '') + ' ' +
				attributesText(type.shape) + (type.tags ? ' tags ' + typeText(type.tags) : '') + ';');
	}
	for (const [name, action] of Object.entries(schema.actions)) {
		const applies = action.principals.length ? ' appliesTo { principal: [' + action.principals.join(', ') + '], resource: [' +
			action.resources.join(', ') + '], context: ' + attributesText(action.context) + ' }' : '';

		lines.push('action ' + name + (action.parents.length ? ' in [' + action.parents.join(', ') + ']' : '') + applies + ';');
	}
	return schema.space ? 'namespace ' + schema.space + ' {\n' + lines.join('\n') + '\n}\n' : lines.join('\n') + '\n';
}

module.exports = { makeSchema, schemaText };
