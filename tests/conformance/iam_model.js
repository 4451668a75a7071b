'use strict';
// iam_model.js - what an IAM policy means, straight from its user's guide and with none of our code: which statements of a document hold for a request?
// A request: {action, resource, context}; the context has lower-case keys, and strings, numbers, Booleans, {time}, {ip} or arrays of strings.

const listOf = (v) => (v === undefined ? [] : Array.isArray(v) ? v : [v]);

// A list of {any} (`*`), {one} (`?`) and {char}; variables are replaced by their values, literally. Undefined: a variable has no value.
function compile(text, context, wild) {
	const out = [];

	for (let i = 0; i < text.length; i++) {
		const end = text.startsWith('${', i) ? text.indexOf('}', i) : -1;

		if (end > 0) {
			const name = text.slice(i + 2, end), value = context[name.toLowerCase()];

			if (!'*?$'.includes(name) && value === undefined)
				return undefined;
			for (const char of '*?$'.includes(name) ? name : String(value))
				out.push({ char });
			i = end;
		} else if (wild && text[i] === '*') {
			out.push({ any: true });
		} else if (wild && text[i] === '?') {
			out.push({ one: true });
		} else {
			const char = String.fromCodePoint(text.codePointAt(i));

			i += char.length - 1;
			out.push({ char });
		}
	}
	return out;
}

// Does the pattern match all of the text? `stays(i)`: pattern item i does not pass a colon.
function glob(pattern, text, stays = () => false) {
	const chars = [...text];
	let reached = new Set([0]);

	pattern.forEach((item, i) => {
		const next = new Set();

		for (const at of reached) {
			if (item.any) {
				for (let j = at; ; j++) {
					next.add(j);
					if (j === chars.length || (stays(i) && chars[j] === ':'))
						break;
				}
			} else if (at < chars.length && (item.one ? !(stays(i) && chars[at] === ':') : item.char === chars[at])) {
				next.add(at + 1);
			}
		}
		reached = next;
	});
	return reached.has(chars.length);
}

const partOf = (pattern, i) => 1 + pattern.slice(0, i).filter((item) => item.char === ':').length;

// A resource's `*` passes the colon where it ends a part, or in the last one.
function matchesResource(text, resource, context) {
	const pattern = compile(text, context, true);

	if (text === '*')
		return true;
	return pattern !== undefined && glob(pattern, resource,
		(i) => partOf(pattern, i) < 6 && !(pattern[i].any && pattern[i + 1] && pattern[i + 1].char === ':') && i + 1 < pattern.length);
}

const sameArn = (value, text) => {
	const pattern = compile(text, {}, true);

	return glob(pattern, value, (i) => partOf(pattern, i) < 6);
};

function address(text) {
	const [ip, bits] = text.split('/');
	const v6 = ip.includes(':');
	let n = 0n;

	if (v6) {
		const [head, tail] = ip.split('::'), count = (s) => (s ? s.split(':') : []);
		const groups = tail === undefined ? count(head)
			: [...count(head), ...Array(8 - count(head).length - count(tail).length).fill('0'), ...count(tail)];

		for (const group of groups)
			n = (n << 16n) | BigInt('0x' + group);
	} else {
		for (const byte of ip.split('.'))
			n = (n << 8n) | BigInt(byte);
	}
	return { v6, n, bits: BigInt(bits ?? (v6 ? 128 : 32)), size: v6 ? 128n : 32n };
}

function inNetwork(ip, network) {
	const a = address(ip), b = address(network);

	return a.v6 === b.v6 && a.bits >= b.bits && a.n >> (a.size - b.bits) === b.n >> (b.size - b.bits);
}

const seconds = (v) => (/^\d+$/.test(String(v)) ? Number(v) : Date.parse(v) / 1000);
const order = (compare) => (value, want) => compare(Number(value), Number(want));
const dates = (compare) => (value, want) => compare(seconds(value.time), seconds(want));
const lower = (s) => s.replace(/[A-Z]/g, (c) => c.toLowerCase());

const tests = {
	StringEquals: (value, want, context) => {
		const text = compile(want, context, false);

		return text !== undefined && text.map((item) => item.char).join('') === value;
	},
	StringEqualsIgnoreCase: (value, want) => lower(value) === lower(want),
	StringLike: (value, want, context) => {
		const pattern = compile(want, context, true);

		return pattern !== undefined && glob(pattern, value);
	},
	ArnLike: sameArn,
	ArnEquals: sameArn,
	NumericEquals: order((a, b) => a === b),
	NumericLessThan: order((a, b) => a < b),
	NumericLessThanEquals: order((a, b) => a <= b),
	NumericGreaterThan: order((a, b) => a > b),
	NumericGreaterThanEquals: order((a, b) => a >= b),
	DateEquals: dates((a, b) => a === b),
	DateLessThan: dates((a, b) => a < b),
	DateLessThanEquals: dates((a, b) => a <= b),
	DateGreaterThan: dates((a, b) => a > b),
	DateGreaterThanEquals: dates((a, b) => a >= b),
	Bool: (value, want) => String(value) === String(want),
	IpAddress: (value, want) => inNetwork(value.ip, want),
};

function holds(operator, key, wanted, context) {
	const many = /^(ForAllValues|ForAnyValue):/.exec(operator)?.[1];
	const bare = operator.replace(/^For\w+:/, ''), ifExists = bare.endsWith('IfExists');
	const name = bare.replace(/IfExists$/, '');
	const negated = /Not/.test(name), test = tests[name.replace('Not', '')];
	const value = context[key.toLowerCase()];
	const one = (v) => listOf(wanted).some((want) => test(v, want, context)) !== negated;

	if (name === 'Null')
		return (value === undefined) === (String(listOf(wanted)[0]) === 'true');
	if (many === 'ForAllValues')
		return value === undefined || value.every(one);
	if (many === 'ForAnyValue')
		return value === undefined ? ifExists : value.some(one);
	return value === undefined ? ifExists || negated : one(value);
}

function applies(statement, request) {
	const { context } = request;
	const action = (want) => glob(compile(want.toLowerCase(), {}, true), request.action);
	const resource = (want) => matchesResource(want, request.resource, context);

	return (statement.Action !== undefined ? listOf(statement.Action).some(action) : !listOf(statement.NotAction).some(action)) &&
		(statement.Resource !== undefined ? listOf(statement.Resource).some(resource)
			: !listOf(statement.NotResource).some(resource) || statement.NotResource === undefined) &&
		Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
			Object.entries(keys).every(([key, wanted]) => holds(operator, key, wanted, context)));
}

// Indexes of the statements that decide: those of Deny that hold, else those of Allow.
function decide(document, request) {
	const statements = listOf(document.Statement);
	const of = (effect) => statements.map((s, i) => (s.Effect === effect && applies(s, request) ? i : -1)).filter((i) => i >= 0);
	const denies = of('Deny');

	return denies.length ? { decision: 'deny', statements: denies } : { decision: of('Allow').length ? 'permit' : 'deny', statements: of('Allow') };
}

module.exports = { decide, listOf };
