'use strict';
// validation.js - does strict validation say of a policy what Cedar's own engine says?
// Schemas and policies are made from a seed (typed_schema.js, typed.js); each policy is valid, valid and always false, or not valid.
// Environment: SEED (1), COUNT of policies (20000), CASE, PEERS and DIFFER (set by validation.sh).
const { Ours } = require('./ours.js');
const { Random } = require('./random.js');
const { makeSchema, schemaText } = require('./typed_schema.js');
const { makeTyped } = require('./typed.js');
const peer = require('./peer.js');

const POLICIES = 25; // a schema
const SHOWN = 5;

const number = (name, otherwise) => (process.env[name] ? Number(process.env[name]) : otherwise);
const verdict = (answer) => (answer === 'valid' || answer === 'never' ? answer : 'invalid');

async function runCase(context, seed, i) {
	const random = new Random(seed, i), schema = makeSchema(random), text = schemaText(schema);
	const policies = makeTyped(schema, random, POLICIES);
	const theirs = peer.verdicts(text, policies), ours = await context.ours.ask({ schema: text, validate: policies });
	const mine = (k) => ours.valid[k] || (ours.never[k] ? 'never' : 'valid');

	if (!theirs || theirs.refused || ours.refused) {
		context.tally[theirs && !theirs.refused === !ours.refused ? 'skipped' : 'differ'] += POLICIES;
		if (theirs && !theirs.refused !== !ours.refused)
			console.log('DIFFERS seed ' + seed + ', case ' + i + ', the schema:\n' + text + '  ' + JSON.stringify([theirs.refused, ours.refused]));
		return;
	}
	policies.forEach((policy, k) => {
		if (verdict(theirs[k]) === verdict(mine(k))) {
			context.tally.agree++;
			context.tally[verdict(theirs[k])]++;
			return;
		}
		context.tally.differ++;
		if (context.shown++ < SHOWN)
			console.log('DIFFERS seed ' + seed + ', case ' + i + ', policy ' + k + ':\n' + text + policy + '\n  Cedar: ' + theirs[k] + '\n  ours:  ' +
				mine(k));
	});
}

async function main() {
	const seed = number('SEED', 1), cases = Math.ceil(number('COUNT', 20000) / POLICIES), only = number('CASE', null);
	const tally = { agree: 0, differ: 0, skipped: 0, valid: 0, never: 0, invalid: 0 };
	const context = { ours: new Ours(process.env.DIFFER), tally, shown: 0 };

	for (let i = only === null ? 0 : only; only === null ? i < cases : i === only; i++)
		await runCase(context, seed, i);
	context.ours.close();
	console.log('verdicts: ' + tally.valid + ' valid, ' + tally.never + ' always false, ' + tally.invalid + ' not valid');
	const good = tally.differ === 0 && tally.agree > 0;

	if (process.argv[2] === '--counts')
		console.log((good ? '1 passed, 0 failed' : '0 passed, 1 failed') + ', 0 skipped');
	else
		console.log('validation: ' + tally.agree + ' policies agree, ' + tally.differ + ' differ, ' + tally.skipped + ' skipped');
	process.exitCode = good ? 0 : 1;
}

main().catch((e) => {
	console.error('validation: ' + e.stack);
	process.exit(1);
});
