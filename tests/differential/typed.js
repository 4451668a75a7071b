'use strict';
// typed.js - policies from a seed, mostly well typed for a schema (typed_schema.js): one environment is in mind while a condition is written, and a few of its parts
// are of another type, lack a guard, or stand behind one that does not hold.

const ODD = 2; // of a hundred parts are of another type than wanted
const UNGUARDED = 8; // of a hundred optional attributes have no `has` before them

const isName = (name) => /^[a-z]+$/.test(name) && name !== 'if';
const dot = (path, name) => (isName(name) ? path + '.' + name : path + '[' + JSON.stringify(name) + ']');
const has = (path, name) => path + ' has ' + (isName(name) ? name : JSON.stringify(name));
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

class Writer {
	constructor(schema, random) {
		this.schema = schema;
		this.random = random;
	}

	actionUid(name) {
		return (this.schema.space ? this.schema.space + '::' : '') + 'Action::"' + name + '"';
	}

	uid(type) {
		return type + '::"' + this.random.pick(['x', 'y']) + '"';
	}

	choose() {
		const actions = Object.entries(this.schema.actions).filter(([, action]) => action.principals.length);
		const [name, action] = this.random.pick(actions);

		this.action = name;
		this.principal = this.random.pick(action.principals);
		this.resource = this.random.pick(action.resources);
		this.context = action.context;
	}

	attributes(type) {
		if (type.entity)
			return this.schema.types[type.entity].shape;
		return type.record || {};
	}

	// All paths in the environment: {text, type, guards}.
	paths() {
		const ret = [], roots = [['principal', { entity: this.principal }], ['resource', { entity: this.resource }], ['context', { record: this.context }]];
		const walk = (text, type, guards, depth) => {
			ret.push({ text, type, guards });
			if (depth === 0)
				return;
			for (const [name, { type: next, optional }] of Object.entries(this.attributes(type)))
				walk(dot(text, name), next, optional ? [...guards, has(text, name)] : guards, depth - 1);
			const tags = type.entity && this.schema.types[type.entity].tags;

			if (tags)
				walk(text + '.getTag("t")', tags, [...guards, text + '.hasTag("t")'], depth - 1);
		};

		for (const [text, type] of roots)
			walk(text, type, [], 3);
		walk('{p: principal, q: 1}', { record: { p: { type: { entity: this.principal } }, q: { type: 'Long' } } }, [], 2);
		return ret;
	}

	anyType() {
		return this.random.often(50) ? this.random.pick(this.all).type : this.random.pick(['Long', 'Bool', 'String']);
	}

	literal(type, depth) {
		const { random } = this;

		if (type === 'Long')
			return String(random.range(-2, 9));
		if (type === 'String')
			return random.pick(['"a"', '"b*"', '"t"']);
		if (type === 'Bool')
			return random.pick(['true', 'false']);
		if (type === 'datetime')
			return random.pick(['datetime("2024-01-01")', 'datetime("2024-01-01T00:00:00Z")', random.often(20) ? 'datetime("2024")' : 'datetime("1999-12-31")']);
		if (type === 'duration')
			return random.pick(['duration("1h")', 'duration("-1d2h")', random.often(20) ? 'duration("1x")' : 'duration("2d")']);
		if (type === 'decimal')
			return random.pick(['decimal("1.5")', 'decimal("-0.1")', random.often(20) ? 'decimal("1")' : 'decimal("2.0")']);
		if (type === 'ipaddr')
			return random.pick(['ip("10.0.0.1")', 'ip("::1/128")', random.often(20) ? 'ip("10")' : 'ip("10.0.0.0/8")']);
		if (type.entity)
			return random.often(3) ? type.entity + '::"z"' : this.uid(type.entity);
		if (type.set)
			return '[' + Array.from({ length: random.often(5) ? 0 : random.range(1, 2) }, () => this.expr(type.set, depth - 1)).join(', ') + ']';
		return '{' + Object.entries(type.record).map(([name, { type: inner, optional }]) =>
			(optional && random.often(50) ? '' : JSON.stringify(name) + ': ' + this.expr(inner, depth - 1))).filter((s) => s).join(', ') + '}';
	}

	// A path of the type, whose guards are wanted, if there is one.
	path(type) {
		const fit = this.all.filter((path) => same(path.type, type));

		if (!fit.length)
			return null;
		const path = this.random.pick(fit);

		if (!this.random.often(UNGUARDED))
			this.wanted.push(...path.guards);
		return path.text;
	}

	expr(type, depth) {
		const { random } = this;

		if (random.often(ODD))
			type = this.anyType();
		if (type === 'Bool' && depth > 0)
			return this.bool(depth);
		if (depth > 0 && random.often(12))
			return '(if ' + this.bool(depth - 1) + ' then ' + this.expr(type, depth - 1) + ' else ' + this.expr(type, depth - 1) + ')';
		if (type === 'Long' && depth > 0 && random.often(30))
			return '(' + this.expr('Long', depth - 1) + random.pick([' + ', ' - ', ' * ']) + this.expr('Long', depth - 1) + ')';
		if (depth > 0 && random.often(40)) {
			const made = this.method(type, depth);

			if (made)
				return made;
		}
		return (random.often(75) && this.path(type)) || this.literal(type, depth);
	}

	method(type, depth) {
		const of = (receiver, name, argument) => this.expr(receiver, depth - 1) + '.' + name + '(' + (argument ? this.expr(argument, depth - 1) : '') + ')';

		if (type === 'Long')
			return of('duration', this.random.pick(['toDays', 'toHours', 'toMinutes', 'toSeconds', 'toMilliseconds']));
		if (type === 'duration')
			return this.random.often(50) ? of('datetime', 'toTime') : of('datetime', 'durationSince', 'datetime');
		if (type === 'datetime')
			return this.random.often(50) ? of('datetime', 'toDate') : of('datetime', 'offset', 'duration');
		return null;
	}

	entityType() {
		return { entity: this.random.pick(Object.keys(this.schema.types)) };
	}

	guard() {
		const parts = this.all.filter(({ type }) => type.entity || type.record);
		const path = this.random.pick(this.random.often(97) ? parts : this.all), names = Object.keys(this.attributes(path.type));

		if (!this.random.often(UNGUARDED))
			this.wanted.push(...path.guards);
		if (path.type.entity && this.random.often(30))
			return path.text + '.hasTag(' + this.random.pick(['"t"', '"u"', 'context.a']) + ')';
		return has(path.text, names.length && this.random.often(80) ? this.random.pick(names) : 'zz');
	}

	compare(depth) {
		const { random } = this, type = this.anyType();
		const two = (a, op, b) => this.expr(a, depth - 1) + ' ' + op + ' ' + this.expr(b, depth - 1);
		const of = (receiver, name, argument) => this.expr(receiver, depth - 1) + '.' + name + '(' + (argument ? this.expr(argument, depth - 1) : '') + ')';
		const ordered = random.pick(['Long', 'Long', 'datetime', 'duration']);

		return random.weighted([
			[20, () => two(type, random.pick(['==', '!=']), random.often(85) ? type : this.anyType())],
			[10, () => two(ordered, random.pick(['<', '<=', '>', '>=']), ordered)],
			[12, () => two(this.entityType(), 'in', random.often(60) ? this.entityType() : { set: this.entityType() })],
			[6, () => 'principal in ' + this.expr(random.often(60) ? this.entityType() : { set: this.entityType() }, depth - 1)],
			[6, () => 'action ' + random.pick(['==', 'in', '!=']) + ' ' + this.actionUid(random.pick(Object.keys(this.schema.actions)))],
			[4, () => 'action in [' + random.some(Object.keys(this.schema.actions), 2).map((name) => this.actionUid(name)).join(', ') + ']'],
			[6, () => random.pick(['principal', 'resource', 'action']) + ' is ' + this.entityType().entity],
			[4, () => this.expr(this.entityType(), depth - 1) + ' is ' + this.entityType().entity + ' in ' + this.expr(this.entityType(), depth - 1)],
			[6, () => of({ set: type }, 'contains', type)],
			[6, () => of({ set: type }, random.pick(['containsAll', 'containsAny']), { set: type })],
			[2, () => of({ set: type }, 'isEmpty')],
			[4, () => this.expr('String', depth - 1) + ' like "a*"'],
			[4, () => of('decimal', random.pick(['lessThan', 'greaterThanOrEqual']), 'decimal')],
			[4, () => of('ipaddr', random.pick(['isIpv4', 'isLoopback', 'isMulticast']))],
			[3, () => of('ipaddr', 'isInRange', 'ipaddr')],
		])();
	}

	bool(depth) {
		const { random } = this;

		if (depth <= 0)
			return (random.often(60) && this.path('Bool')) || (random.often(50) ? '(' + this.guard() + ')' : random.pick(['true', 'false']));
		return '(' + random.weighted([
			[35, () => this.compare(depth)],
			[15, () => this.guard()],
			[15, () => this.guarded(depth - 1)],
			[8, () => this.bool(depth - 1) + ' && ' + this.bool(depth - 1)],
			[12, () => this.bool(depth - 1) + ' || ' + this.bool(depth - 1)],
			[6, () => '!' + this.bool(depth - 1)],
			[8, () => 'if ' + this.bool(depth - 1) + ' then ' + this.bool(depth - 1) + ' else ' + this.bool(depth - 1)],
			[5, () => this.path('Bool') || 'true'],
		])() + ')';
	}

	// An expression behind its guards, which are sometimes where they do not help.
	guarded(depth) {
		const { random } = this, outer = this.wanted;

		this.wanted = [];
		const body = this.bool(depth), guards = [...new Set(this.wanted)];

		this.wanted = random.often(15) ? outer.concat(guards) : outer;
		if (this.wanted.length > outer.length || !guards.length)
			return body;
		return random.weighted([
			[70, () => guards.join(' && ') + ' && ' + body],
			[10, () => '(' + guards.join(' && ') + ' || ' + guards[0] + ') && ' + body],
			[8, () => 'if ' + guards.map((g) => '(' + g + ')').join(' && ') + ' then ' + body + ' else ' + this.bool(0)],
			[4, () => '(if ' + guards[0] + ' then ' + this.bool(0) + ' else false) && ' + guards.slice(1).concat(body).join(' && ')],
			[4, () => '(' + guards.join(' || ') + ') && ' + body],
			[4, () => body + ' && ' + guards.join(' && ')],
		])();
	}

	scope(name, type) {
		const { random } = this, other = () => (random.often(93) ? type : this.entityType().entity);
		const above = () => (random.often(85) ? random.pick([type, ...this.schema.types[type].parents]) : this.entityType().entity);

		return name + random.weighted([
			[40, () => ''],
			[25, () => ' is ' + other()],
			[15, () => ' == ' + this.uid(other())],
			[10, () => ' in ' + this.uid(above())],
			[10, () => ' is ' + other() + ' in ' + this.uid(above())],
		])();
	}

	policy() {
		const { random } = this;

		this.choose();
		this.all = this.paths();
		this.wanted = [];
		const actions = Object.keys(this.schema.actions), name = random.often(90) ? this.action : random.pick(actions);
		const action = random.weighted([
			[45, () => 'action == ' + this.actionUid(name)],
			[25, () => 'action in ' + this.actionUid(name)],
			[15, () => 'action in [' + [name, random.pick(actions)].map((one) => this.actionUid(one)).join(', ') + ']'],
			[15, () => 'action'],
		])();
		const head = random.pick(['permit', 'forbid']) + '(' + this.scope('principal', this.principal) + ', ' + action + ', ' +
			this.scope('resource', this.resource) + ')';
		const conditions = Array.from({ length: random.range(1, 2) }, () => (random.often(85) ? ' when { ' : ' unless { ') + this.guarded(random.range(1, 3)) + ' }');

		return head + conditions.join('') + ';';
	}
}

const makeTyped = (schema, random, n) => {
	const writer = new Writer(schema, random);

	return Array.from({ length: n }, () => writer.policy());
};

module.exports = { makeTyped };
