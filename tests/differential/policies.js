'use strict';
// policies.js - policies of a case: expressions that mostly fit the data's kinds, some that do not, and their text.
// An expression is a node {level, parts, kids, need}: its text is the parts with the kids between them; a kid whose level is
// below what is needed at its place gets parentheses, so that any node may stand for any other (shrink.js relies on it).
// Levels: 0 if, 1 ||, 2 &&, 3 relation, 4 + -, 5 *, 6 unary, 7 member, 8 primary.
const texts = require('./texts.js');
const { randomKind, randomUid, FUNCTION, SCALARS } = require('./world.js');

const node = (level, parts, kids = [], need = []) => ({ level, parts, kids, need });
const leaf = (text, level = 8) => node(level, [text]);

function textOf(n) {
	let ret = n.parts[0];

	for (let i = 0; i < n.kids.length; i++) {
		const kid = n.kids[i], text = textOf(kid);

		ret += (kid.level < n.need[i] || kid.dressed ? '(' + text + ')' : text) + n.parts[i + 1];
	}
	return ret;
}

// --- tokens -----------------------------------------------------------------

const SHORT = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\', '"': '\\"', '\0': '\\0', '\'': '\\\'' };

function quoteChar(random, c, pattern) {
	const point = c.codePointAt(0);

	if (pattern && c === '*')
		return '\\*';
	if (c === '\r' || c === '"' || c === '\\')
		return SHORT[c];
	if (random.often(4) && !(pattern && c === '*'))
		return point < 0x80 && random.often(50) ?
			'\\x' + point.toString(16).padStart(2, '0') :
			'\\u{' + point.toString(16).padStart(random.range(1, 6), '0').slice(-6) + '}';
	return SHORT[c] && random.often(60) ? SHORT[c] : c;
}

const quote = (random, s) => '"' + [...s].map((c) => quoteChar(random, c, false)).join('') + '"';

const RESERVED = new Set(['true', 'false', 'if', 'then', 'else', 'in', 'is', 'like', 'has', '__cedar']);
const isWord = (name) => /^[_A-Za-z][_A-Za-z0-9]*$/.test(name) && !RESERVED.has(name);

const uidText = (random, uid) => uid.type + (random.often(2) ? ' :: ' : '::') + quote(random, uid.id);

// --- expressions ------------------------------------------------------------

class Maker {
	// `edge`: in how many of a hundred literals any text may stand, not only what the case's data has.
	constructor(world, random, edge = 10) {
		this.world = world;
		this.random = random;
		this.edge = edge;
	}

	text(kind) {
		const { world, random } = this;

		if (this.isExtreme && texts.extremes[kind])
			return random.pick(texts.extremes[kind]);
		return random.often(this.edge) ? random.pick(texts[kind + 's'][random.below(2)]) : random.pick(world.pools[kind]);
	}

	quoted(s) {
		return quote(this.random, s);
	}

	// A path of this kind, or null.
	path(kind) {
		const { world, random } = this;
		const base = this.base(), sure = world.sure && random.often(95) ? world.sure[base.parts[0]] : Object.keys(world.attrs);
		const fits = sure.filter((name) => sameKind(world.attrs[name], kind));

		if (!fits.length)
			return null;
		if (world.sure)
			return this.access(base, random.pick(fits));
		if (random.often(6))
			return this.access(this.access(this.base(), random.pick(world.names)), random.pick(fits));
		return this.access(base, random.pick(fits));
	}

	base() {
		return leaf(this.random.weighted([[5, 'context'], [4, 'principal'], [4, 'resource']]));
	}

	access(base, name) {
		if (isWord(name) && !this.random.often(8))
			return node(7, ['', '.' + name], [base], [7]);
		return node(7, ['', '[' + this.quoted(name) + ']'], [base], [7]);
	}

	uid(type) {
		const { world, random } = this;

		if (random.often(4))
			return leaf(uidText(random, { type: world.actionType, id: random.pick(world.actions) }));
		return leaf(uidText(random, randomUid(world, random, random.often(80) ? type : undefined)));
	}

	maybe(depth, kind, other) {
		const condition = this.expression({ kind: 'bool' }, depth - 1);

		return node(0, ['if ', ' then ', ' else ', ''], [condition, this.expression(kind, depth - 1), this.expression(other || kind, depth - 1)],
			[0, 0, 0]);
	}

	// Of `kind`, but for the odd one out.
	expression(kind, depth) {
		const { random } = this;
		let ret;

		if (random.often(this.world.laws ? 0.3 : 1.2))
			kind = randomKind(this.world, random, 1);
		if (depth > 0 && random.often(4))
			ret = this.maybe(depth, kind);
		else if (depth <= 0 || (kind.kind !== 'bool' && random.often(55)))
			ret = this.simple(kind);
		else
			ret = this[kind.kind](depth, kind);
		if (random.often(3))
			ret = { ...ret, dressed: true };
		return ret;
	}

	// No operator but the look-up.
	simple(kind) {
		const often = this.edge > 10 ? 20 : kind.kind === 'bool' ? 45 : 60;
		const path = this.random.often(often) ? this.path(kind) : null;

		return path || this.literal(kind);
	}

	literal(kind) {
		const { random } = this;

		switch (kind.kind) {
		case 'bool':
			return leaf(random.often(70) ? 'true' : 'false');
		case 'long':
			return this.number(this.text('long'));
		case 'string':
			return leaf(this.quoted(this.text('string')));
		case 'entity':
			return random.often(35) ? leaf(random.weighted([[6, 'principal'], [6, 'resource'], [1, 'action']])) : this.uid(kind.type);
		case 'set':
			return this.list(Array.from({ length: random.weighted([[1, 0], [3, 1], [4, 2], [2, 4]]) }, () => this.literal(kind.of)));
		case 'record':
			return this.recordOf(kind.fields, (field) => this.literal(field));
		default:
			return this.construct(kind.kind);
		}
	}

	number(text) {
		return text.startsWith('-') ? leaf(text, 6) : leaf(this.random.often(2) ? '00' + text : text);
	}

	construct(kind) {
		// The argument may be any expression, the count any.
		if (this.random.often(3)) {
			const args = Array.from({ length: this.random.weighted([[6, 1], [1, 0], [1, 2]]) }, () => this.simple(this.random.often(60) ? { kind: 'string' } : this.someKind()));

			return node(8, args.length ? [FUNCTION[kind] + '(', ...args.slice(1).map(() => ', '), ')'] : [FUNCTION[kind] + '()'], args, args.map(() => 0));
		}
		return leaf(FUNCTION[kind] + '(' + this.quoted(this.text(kind)) + ')');
	}

	list(items) {
		const between = items.slice(1).map(() => ', ');

		return node(8, items.length ? ['[', ...between, this.random.often(5) ? ',]' : ']'] : ['[]'], items, items.map(() => 0));
	}

	recordOf(fields, make) {
		const names = Object.keys(fields).filter(() => this.random.often(92));
		const kids = names.map((name) => make(fields[name]));
		const key = (name) => (isWord(name) && this.random.often(60) ? name : this.quoted(name)) + ': ';

		if (!names.length)
			return leaf('{}');
		return node(8, ['{' + key(names[0]), ...names.slice(1).map((name) => ', ' + key(name)), '}'], kids, kids.map(() => 0));
	}

	call(receiver, method, ...args) {
		const between = args.slice(1).map(() => ', ');

		return node(7, args.length ? ['', '.' + method + '(', ...between, ')'] : ['', '.' + method + '()'], [receiver, ...args],
			[7, ...args.map(() => 0)]);
	}

	binary(level, operator, left, right) {
		// Chains lean to the left; relations are not chained.
		return node(level, ['', ' ' + operator + ' ', ''], [left, right], [level === 3 ? 4 : level, level === 3 ? 4 : level + 1]);
	}

	// --- one method a kind ---

	bool(depth) {
		const { random } = this;
		const make = random.weighted([
			[14, 'both'], [12, 'either'], [6, 'not'], [16, 'equal'], [10, 'order'], [12, 'within'], [6, 'typed'], [9, 'has'],
			[5, 'tagged'], [7, 'like'], [11, 'sets'], [8, 'extension'], [14, 'guarded'], [8, 'simple'],
		]);

		return make === 'simple' ? this.simple({ kind: 'bool' }) : this[make](depth - 1);
	}

	both(depth) {
		return this.binary(2, '&&', this.expression({ kind: 'bool' }, depth), this.expression({ kind: 'bool' }, depth));
	}

	either(depth) {
		return this.binary(1, '||', this.expression({ kind: 'bool' }, depth), this.expression({ kind: 'bool' }, depth));
	}

	not(depth) {
		return node(6, ['!'.repeat(this.random.weighted([[8, 1], [2, 2], [1, 4]])), ''], [this.expression({ kind: 'bool' }, depth)], [7]);
	}

	equal(depth) {
		const kind = this.someKind();

		return this.binary(3, this.random.often(65) ? '==' : '!=', this.expression(kind, depth), this.expression(kind, depth));
	}

	// One that data is likely to have.
	someKind() {
		const { world, random } = this;

		return random.often(75) ? world.attrs[random.pick(world.names)] : randomKind(world, random, 2);
	}

	order(depth) {
		const kind = { kind: this.random.weighted([[6, 'long'], [2, 'datetime'], [2, 'duration']]) };

		return this.binary(3, this.random.pick(['<', '<=', '>', '>=']), this.expression(kind, depth), this.expression(kind, depth));
	}

	within(depth) {
		const { random } = this;
		const right = random.often(65) ? { kind: 'entity' } : { kind: 'set', of: { kind: 'entity' } };
		const left = random.often(8) ? leaf('action') : this.expression({ kind: 'entity' }, depth);

		// Every member must be an entity, also behind one that matches.
		if (random.often(6))
			return this.binary(3, 'in', left, this.list([this.uid(), this.literal(randomKind(this.world, random, 1)), leaf('principal')]));
		return this.binary(3, 'in', left, this.expression(right, depth));
	}

	typed(depth) {
		const { world, random } = this;
		const subject = this.expression({ kind: 'entity' }, depth);
		const type = random.often(93) ? random.pick(world.types) : world.actionType;

		if (random.often(60))
			return node(3, ['', ' is ' + type], [subject], [4]);
		return node(3, ['', ' is ' + type + ' in ', ''], [subject, this.expression({ kind: 'entity' }, depth)], [4, 4]);
	}

	hasText(names) {
		return names.every(isWord) && (names.length > 1 || this.random.often(80)) ?
			' has ' + names.join('.') : ' has ' + this.quoted(names[0]);
	}

	has(depth) {
		const { world, random } = this;
		const names = [random.pick(world.names)], kind = world.attrs[names[0]];

		if (kind.kind === 'record' && Object.keys(kind.fields).length && random.often(60))
			names.push(random.pick(Object.keys(kind.fields)));
		else if (random.often(10))
			names.push(random.pick(world.names));
		const base = random.often(80) ? this.base() : this.expression(random.often(60) ? { kind: 'entity' } : { kind: 'record', fields: world.attrs }, depth);

		return node(3, ['', this.hasText(names)], [base], [4]);
	}

	tagName(depth) {
		const { world, random } = this;

		return random.often(85) ? leaf(this.quoted(random.pick(world.tagNames))) : this.expression({ kind: 'string' }, depth);
	}

	tagged(depth) {
		const { world, random } = this;
		const subject = () => (random.often(75) ? leaf(random.pick(['principal', 'resource'])) : this.expression({ kind: 'entity' }, depth));
		const owner = subject(), name = this.tagName(depth);

		if (random.often(35))
			return this.call(owner, 'hasTag', name);
		const get = this.binary(3, random.often(70) ? '==' : '!=', this.call(owner, 'getTag', name), this.expression(world.tagKind, depth));

		return random.often(65) ? this.binary(2, '&&', this.call(owner, 'hasTag', name), get) : get;
	}

	pattern() {
		const { random } = this;
		const chars = [...this.text('string')].slice(0, 40);
		let ret = '';

		for (let i = 0; i < chars.length;) {
			if (random.often(30)) {
				ret += '*';
				i += random.range(0, 3);
			} else {
				ret += quoteChar(random, chars[i++], true);
			}
		}
		if (random.often(40))
			ret += '*';
		if (random.often(4))
			ret += random.pick(['\\x2a', '\\u{2a}', '\\*', '**', 'a**b*', '?']);
		return '"' + ret + '"';
	}

	like(depth) {
		return node(3, ['', ' like ' + this.pattern()], [this.expression({ kind: 'string' }, depth)], [4]);
	}

	sets(depth) {
		const { world, random } = this;
		const sets = Object.values(world.attrs).filter((kind) => kind.kind === 'set');
		const kind = sets.length && random.often(75) ? random.pick(sets) : { kind: 'set', of: this.someKind() };
		const method = random.pick(['contains', 'contains', 'containsAll', 'containsAny', 'isEmpty']);
		const receiver = this.expression(kind, depth);

		if (method === 'isEmpty')
			return this.call(receiver, method);
		return this.call(receiver, method, this.expression(method === 'contains' ? kind.of : kind, depth));
	}

	extension(depth) {
		const { random } = this;
		const wrongCount = random.often(2);

		if (random.often(45)) {
			const decimal = () => this.expression({ kind: 'decimal' }, depth);
			const method = random.pick(['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual']);

			return wrongCount ? this.call(decimal(), method) : this.call(decimal(), method, decimal());
		}
		const ip = () => this.expression({ kind: 'ip' }, depth);
		const method = random.pick(['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast', 'isInRange', 'isInRange', 'isInRange']);

		return (method === 'isInRange') !== wrongCount ? this.call(ip(), method, ip()) : this.call(ip(), method);
	}

	// One operator's value held against another value: what each operator answers shows, whatever the data.
	probe() {
		const { random } = this;

		switch (random.weighted([[5, 'long'], [4, 'datetime'], [4, 'duration'], [3, 'extension'], [2, 'like'], [2, 'sets'], [1, 'equal'], [5, 'extreme']])) {
		case 'long':
			return this.compare({ kind: 'long' });
		case 'datetime':
			return this.compare({ kind: 'datetime' });
		case 'duration':
			return this.compare({ kind: 'duration' });
		case 'extreme':
			this.isExtreme = true;
			return this.compare({ kind: random.pick(['long', 'datetime', 'duration']) });
		case 'extension':
			return this.extension(1);
		case 'like':
			return this.like(1);
		case 'sets':
			return this.sets(2);
		default:
			return this.equal(2);
		}
	}

	compare(kind) {
		return this.binary(3, this.random.pick(['<', '<=', '>', '>=', '==']), this[kind.kind](this.random.range(2, 3), kind), this.simple(kind));
	}

	// `X has a && … X.a …`, as careful people write.
	guarded(depth) {
		const { world, random } = this;
		const name = random.pick(world.names), kind = world.attrs[name], base = this.base();
		const value = this.access(base, name);
		const has = node(3, ['', this.hasText([name])], [base], [4]);
		let test;

		if (kind.kind === 'bool')
			test = value;
		else if (kind.kind === 'set' && random.often(80))
			test = this.call(value, 'contains', this.expression(kind.of, depth - 1));
		else if (kind.kind === 'entity' && random.often(50))
			test = this.binary(3, 'in', value, this.expression(kind, depth - 1));
		else
			test = this.binary(3, random.often(80) ? '==' : '!=', value, this.expression(kind, depth - 1));
		return random.often(12) ? node(0, ['if ', ' then ', ' else ', ''], [has, test, this.expression({ kind: 'bool' }, depth - 1)], [0, 0, 0]) :
			this.binary(2, '&&', has, test);
	}

	long(depth) {
		const { random } = this;
		const long = () => this.expression({ kind: 'long' }, depth - 1);

		switch (random.weighted([[4, '+'], [4, '-'], [4, '*'], [3, 'neg'], [3, 'duration'], [4, 'simple']])) {
		case '+':
			return this.binary(4, '+', long(), long());
		case '-':
			return this.binary(4, '-', long(), long());
		case '*':
			return this.binary(5, '*', long(), long());
		case 'neg':
			// A bare number takes the sign into itself.
			return node(6, ['-'.repeat(random.weighted([[8, 1], [2, 2], [1, 3]])), ''], [long()], [7]);
		case 'duration':
			return this.call(this.expression({ kind: 'duration' }, depth - 1), random.pick(['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays']));
		default:
			return this.simple({ kind: 'long' });
		}
	}

	fromTag(kind, depth) {
		const owner = leaf(this.random.pick(['principal', 'resource']));

		if (sameKind(this.world.tagKind, kind) && this.random.often(40))
			return this.call(owner, 'getTag', this.tagName(depth - 1));
		return this.simple(kind);
	}

	string(depth, kind) {
		return this.fromTag(kind, depth);
	}

	entity(depth, kind) {
		return this.fromTag(kind, depth);
	}

	set(depth, kind) {
		if (this.random.often(50))
			return this.fromTag(kind, depth);
		return this.list(Array.from({ length: this.random.range(0, 3) }, () => this.expression(kind.of || { kind: 'entity' }, depth - 1)));
	}

	record(depth, kind) {
		if (this.random.often(30))
			return leaf('context');
		return this.recordOf(kind.fields, (field) => this.expression(field, depth - 1));
	}

	decimal(depth, kind) {
		return this.fromTag(kind, depth);
	}

	ip(depth, kind) {
		return this.fromTag(kind, depth);
	}

	datetime(depth, kind) {
		const datetime = () => this.expression(kind, depth - 1);

		switch (this.random.below(3)) {
		case 0:
			return this.call(datetime(), 'offset', this.expression({ kind: 'duration' }, depth - 1));
		case 1:
			return this.call(datetime(), 'toDate');
		default:
			return this.simple(kind);
		}
	}

	duration(depth, kind) {
		const datetime = () => this.expression({ kind: 'datetime' }, depth - 1);

		switch (this.random.below(3)) {
		case 0:
			return this.call(datetime(), 'durationSince', datetime());
		case 1:
			return this.call(datetime(), 'toTime');
		default:
			return this.simple(kind);
		}
	}
}

function sameKind(a, b) {
	if (a.kind !== b.kind)
		return false;
	if (a.kind === 'set')
		return !b.of || sameKind(a.of, b.of);
	return true;
}

// --- policies ---------------------------------------------------------------

function scopeOf(world, random, variable, slot) {
	const uid = () => (slot ? '?' + variable : uidText(random, randomUid(world, random)));
	const type = random.pick(world.types);

	switch (random.weighted([[slot ? 0 : 55, ''], [9, '=='], [16, 'in'], [slot ? 0 : 12, 'is'], [9, 'is in']])) {
	case '==':
		return variable + ' == ' + uid();
	case 'in':
		return variable + ' in ' + uid();
	case 'is':
		return variable + ' is ' + type;
	case 'is in':
		return variable + ' is ' + type + ' in ' + uid();
	default:
		return variable;
	}
}

function actionScope(world, random) {
	const uid = () => uidText(random, { type: random.often(97) ? world.actionType : 'Other::Action', id: random.pick(world.actions) });

	switch (random.weighted([[55, ''], [14, '=='], [12, 'in'], [19, 'list']])) {
	case '==':
		return 'action == ' + uid();
	case 'in':
		return 'action in ' + uid();
	case 'list':
		return 'action in [' + Array.from({ length: random.range(0, 4) }, uid).join(', ') + ']';
	default:
		return 'action';
	}
}

// Bound to no principal, action or resource.
function makeProbe(world, random, effects) {
	const body = new Maker(world, random, 40).probe();

	return {
		slots: [], annotations: [], effect: random.pick(effects), principal: 'principal', action: 'action', resource: 'resource',
		conditions: [{ kind: random.often(80) ? 'when' : 'unless', body }],
	};
}

function makePolicy(world, random, effects, withSlots) {
	const maker = new Maker(world, random);
	const slots = withSlots ? random.weighted([[2, ['principal']], [2, ['resource']], [2, ['principal', 'resource']]]) : [];
	const policy = {
		slots,
		annotations: random.often(10) ? random.some(['id', 'if', 'note', 'x'], random.range(1, 2)).map((key) => [key,
			random.often(25) ? null : quote(random, random.pick(texts.strings[random.below(2)]))]) : [],
		effect: random.pick(effects),
		principal: scopeOf(world, random, 'principal', slots.includes('principal')),
		action: actionScope(world, random),
		resource: scopeOf(world, random, 'resource', slots.includes('resource')),
		conditions: [],
	};

	for (let i = random.weighted([[12, 0], [58, 1], [20, 2], [10, 3]]); i > 0; i--)
		policy.conditions.push({ kind: random.often(78) ? 'when' : 'unless', body: maker.expression({ kind: 'bool' }, random.range(1, 4)) });
	return policy;
}

function makePolicies(world, random) {
	const n = random.weighted([[4, 1], [6, random.range(2, 5)], [6, random.range(5, 12)], [2, random.range(12, 40)]]);
	const templates = random.often(30), probes = random.often(60) ? 30 : 0;
	// A satisfied forbid hides every satisfied permit: many sets have but one kind.
	const effects = random.weighted([[4, ['permit']], [2, ['forbid']], [3, ['permit', 'permit', 'permit', 'forbid']], [2, ['permit', 'forbid']]]);

	return Array.from({ length: n }, () => (random.often(probes) ? makeProbe(world, random, effects) :
		makePolicy(world, random, effects, templates && random.often(30))));
}

function makeLinks(world, random, policies) {
	const links = [];

	policies.forEach((policy, i) => {
		if (!policy.slots.length)
			return;
		for (let n = random.range(0, 3); n > 0; n--)
			links.push({
				template: i,
				newId: 'link' + links.length,
				values: Object.fromEntries(policy.slots.map((slot) => ['?' + slot, randomUid(world, random)])),
			});
	});
	return links;
}

function policyText(policy) {
	const annotations = policy.annotations.map(([key, value]) => '@' + key + (value === null ? '' : '(' + value + ')') + '\n');
	const conditions = policy.conditions.map((c) => ' ' + c.kind + ' { ' + textOf(c.body) + ' }');

	return annotations.join('') + policy.effect + '(' + policy.principal + ', ' + policy.action + ', ' + policy.resource + ')' + conditions.join('') + ';';
}

module.exports = { makePolicies, makeLinks, policyText, textOf, leaf, SCALARS };
