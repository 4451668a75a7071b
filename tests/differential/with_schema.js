'use strict';
// with_schema.js - cases with a schema: data read and checked by it, requests decided; each policy validated strictly; schemas that may be none.
const { Random } = require('./random.js');
const { makeSchema, schemaText } = require('./schema.js');
const { makeWorld, makeEntities, makeRequest } = require('./world.js');
const { makePolicies, makeLinks } = require('./policies.js');
const { poison } = require('./poison.js');
const { mutateSchema, smallerTexts } = require('./mutate.js');
const { shrink } = require('./shrink.js');

const REQUESTS = 6; // a case
const SCHEMAS = Number(process.env.TEXTS || 4); // mutated ones, a case
const POISONED = 8; // of a hundred cases have data that may be none
const STREAM = 0x40000000; // of random numbers: apart from that of the cases without a schema

function makeSchemaCase(seed, number) {
	const random = new Random(seed, STREAM + number), world = makeWorld(random), schema = makeSchema(world, random);
	const policies = makePolicies(world, random).slice(0, 12), links = makeLinks(world, random, policies);
	const entities = makeEntities(world, random);
	const requests = Array.from({ length: REQUESTS }, () => makeRequest(world, random, entities));
	const test = { name: 'seed ' + seed + ', case ' + number + ' with a schema', schema, policies, links, entities, requests, random };

	test.schemaAsJson = random.often(35);
	if (random.often(POISONED))
		poison(test, random);
	return test;
}

// --- validation ---------------------------------------------------------------

const disagree = (theirs, ours) => theirs !== undefined && (theirs === null) !== (ours === null);

async function verdictsOf(context, given) {
	// Ours may read the schema as Cedar's JSON of it.
	const json = given.schemaAsJson ? context.peer.schemaToJson(given.schema) : null;
	const asked = context.ours.validate(json ? { ...given, schema: json } : given);

	return { theirs: context.peer.validate(given), ours: await asked };
}

async function showVerdict(context, test, at) {
	const one = { ...test, policies: [test.policies[at]], links: [], requests: [test.requests[0]], entities: [] };
	const isOdd = async (candidate) => {
		if (candidate.policies.length !== 1)
			return false;
		const { theirs, ours } = await verdictsOf(context, context.written(candidate));

		return disagree(theirs[0], ours[0]);
	};

	if (!await isOdd(one)) {
		console.log('DIFFERS ' + test.name + ', validation of policy' + at + ', but not alone');
		return;
	}
	const small = context.written(await shrink(one, isOdd, 2000)), { theirs, ours } = await verdictsOf(context, small);

	console.log('DIFFERS ' + test.name + ', validation:\n' + small.schema.replace(/^/gm, '    ') + '\n    ' + small.texts[0]);
	console.log('  Cedar: ' + (theirs[0] || 'valid') + '\n  ours:  ' + (ours[0] || 'valid'));
}

async function runValidation(context, test) {
	const { tally } = context, { theirs, ours } = await verdictsOf(context, context.written(test));

	for (let i = 0; i < ours.length; i++) {
		if (!disagree(theirs[i], ours[i])) {
			tally[ours[i] === null ? 'valid' : 'invalid']++;
		} else {
			tally.verdictsDiffer++;
			if (context.mayShow())
				await showVerdict(context, test, i);
		}
	}
}

// --- decisions ----------------------------------------------------------------

async function runDecisions(context, test) {
	const { tally } = context, result = await context.answersOf(test);

	result.ours.forEach((answer, i) => {
		if (!context.same(result.theirs[i], answer))
			tally.lawfulDiffer++;
		else
			tally[answer.refused ? 'lawfulRefused' : 'lawful']++;
	});
	if (!context.differs(result))
		return;
	if (result.theirs.every((answer, i) => context.same(answer, result.ours[i])))
		tally.lawfulDiffer++;
	if (context.mayShow())
		await context.showDifference(test);
}

// --- schemas ------------------------------------------------------------------

async function showSchema(context, name, text) {
	const isOdd = async (candidate) => disagree(context.peer.parseSchema(candidate), (await context.ours.parseSchemas([candidate]))[0]);
	const small = await shrink(text, isOdd, 3000, smallerTexts), [ours] = await context.ours.parseSchemas([small]);

	console.log('DIFFERS ' + name + ', reading: ' + JSON.stringify(small));
	console.log('  Cedar: ' + (context.peer.parseSchema(small) || 'accepts') + '\n  ours:  ' + (ours || 'accepts'));
}

async function runSchemas(context, test) {
	const { tally } = context, text = schemaText(test.schema);
	const texts = Array.from({ length: SCHEMAS }, () => mutateSchema(test.random, text));
	const asked = context.ours.parseSchemas(texts), theirs = texts.map((one) => context.peer.parseSchema(one)), ours = await asked;

	for (let i = 0; i < texts.length; i++) {
		if (!disagree(theirs[i], ours[i])) {
			tally[ours[i] === null ? 'schemasAccepted' : 'schemasRejected']++;
		} else {
			tally.schemasDiffer++;
			if (context.mayShow())
				await showSchema(context, test.name, texts[i]);
		}
	}
}

async function runSchemaCase(context, seed, number) {
	const test = makeSchemaCase(seed, number);

	await runDecisions(context, test);
	await runValidation(context, test);
	await runSchemas(context, test);
}

const counters = ['valid', 'invalid', 'verdictsDiffer', 'lawful', 'lawfulRefused', 'lawfulDiffer', 'schemasAccepted', 'schemasRejected', 'schemasDiffer'];

module.exports = { runSchemaCase, counters };
