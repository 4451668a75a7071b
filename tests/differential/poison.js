'use strict';
// poison.js - one thing in a case's data that may be no data: both engines refuse it, or both take it and mean the same.
// Not here, since we refuse on purpose what Cedar takes: a uid as a list of two, the extension `unknown` as a value, NUL in keys.
const { Long } = require('./json.js');

const uid = (type, id = 'a') => ({ type, id });
const extension = (fn, arg) => ({ __extn: { fn, arg } });

// In place of a value.
const VALUES = [
	() => null,
	() => [null],
	() => ({ a: null }),
	() => new Long('1.0'),
	() => new Long('1e3'),
	() => new Long('0.5'),
	() => new Long('9223372036854775808'),
	() => new Long('-9223372036854775809'),
	() => new Long('18446744073709551616'),
	() => new Long('123456789012345678901234567890'),
	() => extension('ip', '10.0.0.256'),
	() => extension('decimal', '1.00000'),
	() => extension('datetime', '2023-02-29'),
	() => extension('duration', '1ms1s'),
	() => extension('ip', 1),
	() => extension('nothing', 'a'),
	() => extension('', ''),
	() => extension('isIpv4', extension('ip', '10.0.0.1')),
	() => extension('decimal', { __extn: { fn: 'decimal', arg: '1.0' } }),
	() => ({ __extn: { fn: 'decimal', args: ['1.0'] } }),
	() => ({ __extn: { fn: 'decimal', args: ['1.0', '2.0'] } }),
	() => ({ __extn: { fn: 'decimal', args: [] } }),
	() => ({ __extn: { fn: 'offset', args: [extension('datetime', '2024-01-01'), extension('duration', '1d')] } }),
	() => ({ __extn: { fn: 'toDate', args: [extension('datetime', '2024-01-01T12:00:00Z')] } }),
	() => ({ __extn: { fn: 'toTime', arg: extension('datetime', '2024-01-01T12:00:00Z') } }),
	() => ({ __extn: { fn: 'isInRange', args: [extension('ip', '10.0.0.1'), extension('ip', '10.0.0.0/8')] } }),
	() => ({ __extn: { fn: 'decimal', arg: '1.0', args: ['1.0'] } }),
	() => ({ __extn: { fn: 'decimal' } }),
	() => ({ __extn: { arg: '1.0' } }),
	() => ({ __extn: 'decimal' }),
	() => ({ __extn: { fn: 'decimal', arg: '1.0', more: 1 } }),
	() => ({ __extn: { fn: 'decimal', arg: '1.0' }, more: 1 }),
	() => ({ __entity: uid('User'), more: 1 }),
	() => ({ __entity: { type: 'User' } }),
	() => ({ __entity: { type: 'User', id: 1 } }),
	() => ({ __entity: { type: 'User', id: 'a', more: 1 } }),
	() => ({ __entity: 'User::"a"' }),
	() => ({ __entity: null }),
	() => ({ __entity: uid('if') }),
	() => ({ __entity: uid('A:: B') }),
	() => ({ __entity: uid('__cedar::A') }),
	() => ({ __expr: '1' }),
	() => ({ __expr: '1', more: 1 }),
	() => ({ __expr: 1 }),
	() => ({ type: 'User', id: 'a' }),
	() => ({ fn: 'decimal', arg: '1.0' }),
	() => ({ '': { '': [] } }),
];

const TYPES = ['', ' ', 'A ', 'A::', '::A', 'A:: B', 'A::B::', 'if', 'A::if', '__cedar', '__cedar::A', 'A::__cedar', 'is', 'like', 'é', '1A', 'A-B', 'A::"a"', 'User\n', 'true', 'permit'];

// In place of a uid.
const UIDS = [
	(random) => uid(random.pick(TYPES)),
	(random) => ({ __entity: uid(random.pick(TYPES)) }),
	() => 'User::"a"',
	() => null,
	() => ({}),
	() => ({ type: 'User' }),
	() => ({ id: 'a' }),
	() => ({ type: 'User', id: null }),
	() => ({ type: 1, id: 'a' }),
	() => ({ type: 'User', id: 'a', more: 1 }),
	() => ({ __entity: { type: 'User', id: 'a' }, more: 1 }),
	() => ({ __entity: { type: 'User', id: 'a', more: 1 } }),
	() => ({ __expr: 'User::"a"' }),
];

const ENTITIES = [
	(e) => ({ ...e, more: 1 }),
	(e) => ({ uid: e.uid, parents: e.parents }),
	(e) => ({ uid: e.uid, attrs: e.attrs }),
	(e) => ({ attrs: e.attrs, parents: e.parents }),
	(e) => ({ ...e, attrs: null }),
	(e) => ({ ...e, attrs: [] }),
	(e) => ({ ...e, tags: null }),
	(e) => ({ ...e, tags: [] }),
	(e) => ({ ...e, parents: null }),
	(e) => ({ ...e, parents: {} }),
	(e) => ({ ...e, parents: [e.uid] }),
	(e) => ({ ...e, parents: [...e.parents, ...e.parents] }),
	(e, random, all) => ({ ...e, parents: [random.pick(all).uid] }),
	(e) => ({ ...e, parents: [...e.parents, uid('Action')] }),
	(e) => ({ ...e, uid: uid('Action'), parents: [uid('User')] }),
	(e) => ({ ...e, uid: uid('Action'), parents: [uid('App::Action')] }),
	(e) => ({ ...e, uid: uid('Action') }),
	(e) => ({ ...e, uid: uid('App::Action'), tags: { t: 1 } }),
	(e, random) => ({ ...e, uid: random.pick(UIDS)(random) }),
	(e, random) => ({ ...e, parents: [...e.parents, random.pick(UIDS)(random)] }),
	(e) => [e],
	() => null,
	() => 'a',
];

function replaceEntity(test, random) {
	if (!test.entities.length)
		return;
	const at = random.below(test.entities.length), change = random.pick(ENTITIES);

	test.entities[at] = change(test.entities[at], random, test.entities);
}

// A second record of the same entity: the same, or not quite.
function repeatEntity(test, random) {
	if (!test.entities.length)
		return;
	const e = random.pick(test.entities);

	test.entities.push(random.pick([
		() => e,
		() => ({ ...e, attrs: Object.fromEntries(Object.entries(e.attrs).reverse()) }),
		() => ({ ...e, attrs: { ...e.attrs, more: 1 } }),
		() => ({ ...e, tags: e.tags || {} }),
		() => ({ ...e, tags: { more: 1 } }),
		() => ({ ...e, parents: e.parents.slice(1) }),
		() => ({ ...e, parents: [...e.parents].reverse() }),
		() => ({ ...e, uid: { __entity: e.uid } }),
	])());
}

function replaceValue(test, random) {
	const e = test.entities.length && random.often(60) ? random.pick(test.entities) : null;
	const record = e ? (e.tags && random.often(30) ? e.tags : e.attrs) : random.pick(test.requests).context;
	const names = Object.keys(record), value = random.pick(VALUES)();

	if (names.length)
		record[random.pick(names)] = random.often(20) ? [value] : value;
}

function replaceRequest(test, random) {
	const request = random.pick(test.requests);

	if (random.often(50))
		request[random.pick(['principal', 'action', 'resource'])] = random.pick(UIDS)(random);
	else
		request.context = random.pick([...VALUES, () => [], () => 'a', () => true])();
}

const poison = (test, random) => random.pick([replaceEntity, repeatEntity, replaceValue, replaceValue, replaceRequest])(test, random);

module.exports = { poison };
