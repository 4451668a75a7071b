'use strict';
// schema.js - a schema for a case's world: which types have which attributes, parents and tags, what actions apply to, and its text.
// A schema is a list of declarations {namespace, text}, so that shrink.js can leave some out.
const isWord = (name) => /^[_A-Za-z][_A-Za-z0-9]*$/.test(name) && !['true', 'false', 'if', 'then', 'else', 'in', 'is', 'like', 'has', '__cedar'].includes(name);
const BUILT_IN = { bool: 'Bool', long: 'Long', string: 'String', decimal: 'decimal', ip: 'ipaddr', datetime: 'datetime', duration: 'duration' };

const namespaceOf = (type) => type.split('::').slice(0, -1).join('::');
const lastOf = (type) => type.split('::').pop();

// Escapes that Cedar has and JSON has not.
const quoted = (s) => '"' + [...s].map((c) => (/["\\]/.test(c) ? '\\' + c : c < ' ' ? '\\u{' + c.codePointAt(0).toString(16) + '}' : c)).join('') + '"';

class Printer {
	constructor(world, random) {
		this.world = world;
		this.random = random;
		this.commons = new Map();
	}

	type(kind, namespace) {
		const { random } = this, common = this.commons.get(kind);

		if (common && random.often(60))
			return common;
		switch (kind.kind) {
		case 'entity':
			return namespaceOf(kind.type) === namespace && random.often(40) ? lastOf(kind.type) : kind.type;
		case 'set':
			return 'Set<' + this.type(kind.of, namespace) + '>';
		case 'record':
			return this.record(Object.fromEntries(Object.entries(kind.fields).map(([name, of]) => [name, { kind: of, required: true }])), namespace);
		default:
			return (random.often(30) ? '__cedar::' : '') + BUILT_IN[kind.kind];
		}
	}

	record(shape, namespace) {
		const { random } = this;
		const fields = Object.entries(shape).map(([name, { kind, required }]) =>
			(isWord(name) && random.often(60) ? name : quoted(name)) + (required ? '' : '?') + ': ' + this.type(kind, namespace));

		return '{' + fields.join(', ') + (fields.length && random.often(10) ? ',' : '') + '}';
	}

	entity(type) {
		const { world, random } = this, shape = world.shapes[type], namespace = namespaceOf(type);

		if (shape.ids)
			return 'entity ' + lastOf(type) + ' enum [' + shape.ids.map(quoted).join(', ') + '];';
		const parents = shape.parents.map((parent) => (namespaceOf(parent) === namespace && random.often(40) ? lastOf(parent) : parent));

		return 'entity ' + lastOf(type) + (parents.length ? ' in [' + parents.join(', ') + ']' : '') + (random.often(50) ? ' = ' : ' ') +
			this.record(shape.attrs, namespace) + (shape.tags ? ' tags ' + this.type(world.tagKind, namespace) : '') + ';';
	}

	action(id) {
		const { world } = this, law = world.laws[id], namespace = namespaceOf(world.actionType);
		const types = (list) => (list.length === 1 && this.random.often(50) ? list[0] : '[' + list.join(', ') + ']');

		return 'action ' + quoted(id) + (law.groups.length ? ' in [' + law.groups.map(quoted).join(', ') + ']' : '') +
			(law.principals ? ' appliesTo {principal: ' + types(law.principals) + ', resource: ' + types(law.resources) +
				', context: ' + this.record(law.context, namespace) + '}' : '') + ';';
	}
}

// A part of the world's attributes, most of them required.
function randomShape(world, random) {
	const shape = {};

	for (const name of Object.keys(world.attrs))
		if (random.often(85))
			shape[name] = { kind: world.attrs[name], required: random.often(85) };
	return shape;
}

function addShapes(world, random) {
	const withIds = random.often(15) ? world.types[world.types.length - 1] : null;

	world.shapes = {};
	for (const type of world.types)
		world.shapes[type] = type === withIds ? { attrs: {}, parents: [], ids: world.ids.slice() } : {
			attrs: randomShape(world, random),
			parents: random.some(world.types.filter((parent) => parent !== withIds || random.often(50)), random.range(0, 3)),
			tags: random.often(50),
		};
}

function addLaws(world, random) {
	world.laws = {};
	world.actions.forEach((id, i) => {
		const isGroup = i === 0 && world.actions.length > 1 && random.often(30);

		world.laws[id] = {
			groups: random.some(world.actions.slice(0, i), random.range(0, 1)),
			principals: isGroup ? null : random.some(world.types, random.weighted([[3, 1], [2, 2], [1, 3]])),
			resources: isGroup ? null : random.some(world.types, random.weighted([[3, 1], [2, 2], [1, 3]])),
			context: isGroup ? {} : randomShape(world, random),
		};
	});
}

// Names that every type, and every context, surely has: what is written with them is mostly valid.
function addSureNames(world) {
	const shapes = Object.values(world.shapes).filter((shape) => !shape.ids).map((shape) => shape.attrs);
	const contexts = Object.values(world.laws).filter((law) => law.principals).map((law) => law.context);
	const sure = (all) => Object.keys(world.attrs).filter((name) => all.every((shape) => shape[name] && shape[name].required));

	world.sure = { context: sure(contexts), principal: sure(shapes), resource: sure(shapes) };
}

// Gives `world` its laws; the declarations.
function makeSchema(world, random) {
	const printer = new Printer(world, random), declarations = [];

	addShapes(world, random);
	addLaws(world, random);
	addSureNames(world);
	if (random.often(40))
		random.some(Object.values(world.attrs), 2).forEach((kind, i) => {
			declarations.push({ namespace: '', text: 'type Common' + i + ' = ' + printer.type(kind, '') + ';' });
			printer.commons.set(kind, 'Common' + i);
		});
	for (const type of world.types)
		declarations.push({ namespace: namespaceOf(type), text: printer.entity(type) });
	for (const id of world.actions)
		declarations.push({ namespace: namespaceOf(world.actionType), text: printer.action(id) });
	return declarations;
}

function schemaText(declarations) {
	const namespaces = [...new Set(declarations.map((d) => d.namespace))];

	return namespaces.map((namespace) => {
		const lines = declarations.filter((d) => d.namespace === namespace).map((d) => d.text).join('\n');

		return namespace ? 'namespace ' + namespace + ' {\n' + lines + '\n}' : lines;
	}).join('\n');
}

module.exports = { makeSchema, schemaText };
