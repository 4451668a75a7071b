'use strict';
// differential.js - do we decide, and read, as Cedar's own engine does?
// Cases are made from a seed, each from its own number alone, so that one can be made again: SEED=… CASE=….
// Both engines answer; what differs is made smaller and printed as a line for the conformance cases, with Cedar's answer as the wanted one.
// Environment: SEED (1), COUNT of requests (200000), CASE, JOBS (processors), PEERS and DIFFER (set by run.sh).
const { fork } = require('node:child_process');
const os = require('node:os');
const json = require('./json.js');
const { Random } = require('./random.js');
const { makeWorld, makeEntities, makeRequest } = require('./world.js');
const { makePolicies, makeLinks, policyText } = require('./policies.js');
const { poison } = require('./poison.js');
const { mutate, smallerTexts } = require('./mutate.js');
const { mutateJson, smallerJson, isOfFiles } = require('./mutate_json.js');
const { schemaText } = require('./schema.js');
const { shrink } = require('./shrink.js');
const withSchema = require('./with_schema.js');

const REQUESTS = 20; // a case
const JSON_TOO = 30; // of a hundred cases are given to us as Cedar's JSON too
const POISONED = Number(process.env.POISON || 5); // of a hundred cases have data that may be none
const TEXTS = Number(process.env.TEXTS || 8); // mutated ones, a case
const SETS = 5; // mutated ones, a case that is given as JSON too
const SCHEMA_EVERY = 5; // one case in so many has a companion with a schema
const SHOWN = 5; // differences, by each process

const counters = [...withSchema.counters, 'agree', 'differ', 'skipped', 'permits', 'forbids', 'defaults', 'errored', 'refused', 'policies', 'cases', 'linked', 'sets',
	'accepted', 'rejected', 'textsDiffer', 'setsAccepted', 'setsRejected', 'setsDiffer', 'setsStricter', 'textsSkipped'];

// --- cases ------------------------------------------------------------------

function makeCase(seed, number, n) {
	const random = new Random(seed, number), world = makeWorld(random);
	const policies = makePolicies(world, random), links = makeLinks(world, random, policies);
	const entities = makeEntities(world, random);
	const requests = Array.from({ length: n }, () => makeRequest(world, random, entities));

	const test = { name: 'seed ' + seed + ', case ' + number, policies, links, entities, requests, random };

	test.asJson = random.often(JSON_TOO);
	if (random.often(POISONED))
		poison(test, random);
	return test;
}

// What both engines are given: texts in place of trees.
function written(test) {
	const isTemplate = test.policies.map((policy) => policy.slots.length > 0);
	const links = test.links.map((link) => ({ templateId: 'policy' + link.template, newId: link.newId, values: link.values }));

	return {
		texts: test.policies.map(policyText),
		isTemplate,
		links: isTemplate.includes(true) ? links : undefined,
		...(test.schema && { schema: schemaText(test.schema), schemaAsJson: test.schemaAsJson }),
		entities: test.entities,
		requests: test.requests,
	};
}

// --- answers ----------------------------------------------------------------

const canonical = (answer) => (answer.refused ? 'refused' : JSON.stringify([answer.decision, [...answer.reasons].sort(), [...answer.errors].sort()]));

const notYet = (answer) => answer.refused && answer.refused.includes('syntax.unsupported');

// One answer a request from each; and what the superset says where it says something else.
async function answersOf(context, test) {
	const given = written(test), asked = context.ours.decide(given);
	const theirs = context.peer.decide(given), mine = await asked;
	const ours = oneEach(given, mine);

	return { theirs, ours, superset: mine.avow, fromJson: await fromJson(context, test, given) };
}

const oneEach = (given, mine) => mine.answers || given.requests.map(() => ({ refused: mine.refused }));

// Our answers where Cedar itself has written the policies as JSON.
async function fromJson(context, test, given) {
	const json = test.asJson ? context.peer.toJson(given) : null;

	return json && oneEach(given, await context.ours.decide({ ...given, json }));
}

const same = (theirs, ours) => !theirs || notYet(ours) || canonical(theirs) === canonical(ours);

const differs = (result) => result.superset !== undefined || result.theirs.some((answer, i) => !same(answer, result.ours[i])) ||
	(result.fromJson && result.theirs.some((answer, i) => !same(answer, result.fromJson[i])));

// --- counting ---------------------------------------------------------------

function countAnswer(tally, theirs, ours) {
	if (!theirs || notYet(ours)) {
		tally.skipped++;
		return;
	}
	if (canonical(theirs) !== canonical(ours)) {
		tally.differ++;
		return;
	}
	tally.agree++;
	if (theirs.refused) {
		tally.refused++;
		return;
	}
	if (theirs.errors.length)
		tally.errored++;
	if (theirs.decision === 'allow')
		tally.permits++;
	else if (theirs.reasons.length)
		tally.forbids++;
	else
		tally.defaults++;
}

// --- what is shown ----------------------------------------------------------

// A line in the form of the conformance cases.
function caseLine(test, theirs) {
	const given = written(test);

	return JSON.stringify({
		name: test.name,
		policies: given.texts.join('\n'),
		...(given.links && { links: given.links }),
		schema: given.schema || '',
		entities: JSON.stringify(given.entities),
		requests: given.requests.map((request, i) => ({
			description: 'request ' + i,
			request: JSON.stringify(request),
			decision: theirs[i] && theirs[i].decision,
			reason: theirs[i] && theirs[i].reasons,
			errors: theirs[i] && theirs[i].errors,
		})),
	});
}

async function showDifference(context, test) {
	const small = await shrink(test, async (candidate) => differs(await answersOf(context, candidate)));
	const { theirs, ours, superset, fromJson: json } = await answersOf(context, small);

	console.log('DIFFERS ' + test.name + ':\n' + (small.schema ? schemaText(small.schema).replace(/^/gm, '    ') + '\n' : '') + written(small).texts.map((text) => '    ' + text).join('\n'));
	console.log('  Cedar: ' + JSON.stringify(theirs) + '\n  ours:  ' + JSON.stringify(ours));
	if (superset)
		console.log('  as superset: ' + JSON.stringify(superset));
	if (json && canonical(json[0]) !== canonical(ours[0]))
		console.log('  from JSON: ' + JSON.stringify(json) + '\n  ' + JSON.stringify(context.peer.toJson(written(small))));
	console.log('  the case to keep: ' + caseLine(small, theirs));
}

async function showText(context, name, text) {
	const isOdd = async (candidate) => {
		const theirs = context.peer.parse(candidate), [ours] = await context.ours.parse([candidate]);

		return theirs !== undefined && !unsupported(ours) && (theirs === null) !== (ours === null);
	};
	const small = await shrink(text, isOdd, 3000, smallerTexts);
	const [ours] = await context.ours.parse([small]);

	console.log('DIFFERS ' + name + ', reading: ' + JSON.stringify(small));
	console.log('  Cedar: ' + (context.peer.parse(small) || 'accepts') + '\n  ours:  ' + (ours || 'accepts'));
}

// In JSON we refuse on purpose, with the place: keys that mean nothing where they stand (Cedar does so in some places only), and what no policy text can say:
// a method without a receiver, a path after `has` with other than identifiers. And numbers beyond 64 bits, also in what Cedar passes over.
const isStricter = (refusal) => refusal !== null &&
	/unknown key|expected one of `entity`|needs a receiver|names are identifiers|does not fit into 64 bits/.test(refusal);
const unsupported = (refusal) => refusal !== null && refusal.startsWith('syntax.unsupported');

// --- one case ---------------------------------------------------------------

async function runCase(context, test) {
	const { tally } = context, result = await answersOf(context, test);

	tally.cases++;
	tally.policies += test.policies.length;
	tally.linked += test.links.length;
	result.ours.forEach((answer, i) => countAnswer(tally, result.theirs[i], answer));
	if (result.fromJson)
		tally.sets++;
	if (!differs(result))
		return;
	// Counted so far is only our answer from text.
	if (result.theirs.every((answer, i) => same(answer, result.ours[i])))
		tally.differ++;
	if (context.mayShow())
		await showDifference(context, test);
}

async function runTexts(context, test) {
	const { tally } = context, given = written(test);
	const texts = Array.from({ length: TEXTS }, () => mutate(test.random, given.texts));
	const asked = context.ours.parse(texts), theirs = texts.map((text) => context.peer.parse(text)), ours = await asked;

	for (let i = 0; i < texts.length; i++) {
		if (theirs[i] === undefined || unsupported(ours[i])) {
			tally.textsSkipped++;
		} else if ((theirs[i] === null) === (ours[i] === null)) {
			tally[ours[i] === null ? 'accepted' : 'rejected']++;
		} else {
			tally.textsDiffer++;
			if (context.mayShow())
				await showText(context, test.name, texts[i]);
		}
	}
}

async function showSet(context, name, set) {
	const isOdd = async (candidate) => {
		if (!isOfFiles(candidate))
			return false;
		const theirs = context.peer.parseJson(candidate), [ours] = await context.ours.parseJson([candidate]);

		return theirs !== undefined && !unsupported(ours) && !isStricter(ours) && (theirs === null) !== (ours === null);
	};
	const small = await shrink(set, isOdd, 3000, smallerJson);
	const [ours] = await context.ours.parseJson([small]);

	console.log('DIFFERS ' + name + ', reading JSON: ' + JSON.stringify(small));
	console.log('  Cedar: ' + (context.peer.parseJson(small) || 'accepts') + '\n  ours:  ' + (ours || 'accepts'));
}

async function runSets(context, test) {
	const { tally } = context, set = test.asJson ? context.peer.toJson(written(test)) : null;

	if (!set)
		return;
	const sets = Array.from({ length: SETS }, () => mutateJson(test.random, set));
	const asked = context.ours.parseJson(sets), theirs = sets.map((one) => context.peer.parseJson(one)), ours = await asked;

	for (let i = 0; i < sets.length; i++) {
		if (theirs[i] === undefined || unsupported(ours[i])) {
			tally.textsSkipped++;
		} else if ((theirs[i] === null) === (ours[i] === null)) {
			tally[ours[i] === null ? 'setsAccepted' : 'setsRejected']++;
		} else if (isStricter(ours[i])) {
			tally.setsStricter++;
		} else {
			tally.setsDiffer++;
			if (context.mayShow())
				await showSet(context, test.name, sets[i]);
		}
	}
}

// --- processes --------------------------------------------------------------

const newTally = () => Object.fromEntries(counters.map((name) => [name, 0]));

async function work({ seed, count, first, step, only }) {
	const { Ours } = require('./ours.js');
	const context = { ours: new Ours(process.env.DIFFER), peer: require('./peer.js'), tally: newTally(), shown: 0, written, same, differs };
	const cases = Math.ceil(count / REQUESTS);

	context.mayShow = () => context.shown++ < SHOWN;
	context.answersOf = (test) => answersOf(context, test);
	context.showDifference = (test) => showDifference(context, test);

	for (let i = only === null ? first : only; only === null ? i < cases : i === only; i += step) {
		const test = makeCase(seed, i, only === null ? Math.min(REQUESTS, count - i * REQUESTS) : REQUESTS);

		await runCase(context, test);
		await runTexts(context, test);
		await runSets(context, test);
		if (i % SCHEMA_EVERY === 0)
			await withSchema.runSchemaCase(context, seed, i);
	}
	context.ours.close();
	return context.tally;
}

function startWorker(job) {
	return new Promise((resolve, reject) => {
		const child = fork(__filename, ['--worker', JSON.stringify(job)]);
		let tally = null;

		child.on('message', (message) => {
			tally = message;
		});
		child.on('exit', (code, signal) => (tally && code === 0 ? resolve(tally) : reject(new Error('a worker ended: ' + (signal || code)))));
	});
}

const number = (name, otherwise) => (process.env[name] ? Number(process.env[name]) : otherwise);

function report(tally, seed, seconds) {
	const texts = tally.accepted + tally.rejected;

	console.log('cases: ' + tally.cases + ' of seed ' + seed + ', with ' + tally.policies + ' policies and ' + tally.linked + ' links, ' + tally.sets + ' of them from JSON too, in ' + seconds + ' s');
	console.log('outcomes: ' + tally.permits + ' permits, ' + tally.forbids + ' denies by a forbid, ' + tally.defaults + ' by default; ' + tally.errored +
		' with errors; ' + tally.refused + ' refused by both');
	console.log('with schemas: ' + (tally.lawful + tally.lawfulRefused) + ' requests agree (' + tally.lawfulRefused + ' refused), ' + tally.lawfulDiffer + ' differ; ' +
		(tally.schemasAccepted + tally.schemasRejected) + ' changed schemas agree (' + tally.schemasAccepted + ' accepted), ' + tally.schemasDiffer + ' differ');
	console.log('parsing JSON: ' + (tally.setsAccepted + tally.setsRejected) + ' policy sets agree (' + tally.setsAccepted + ' accepted, ' + tally.setsRejected +
		' refused), ' + tally.setsStricter + ' only we refuse, on purpose, ' + tally.setsDiffer + ' differ');
	console.log('parsing: ' + texts + ' texts agree (' + tally.accepted + ' accepted, ' + tally.rejected + ' refused), ' + tally.textsDiffer + ' differ, ' +
		tally.textsSkipped + ' skipped');
}

async function main() {
	const seed = number('SEED', 1), count = number('COUNT', 200000), jobs = number('JOBS', os.availableParallelism());
	const only = number('CASE', null), tally = newTally(), begun = Date.now();
	const workers = only === null ? jobs : 1;
	const tallies = await Promise.all(Array.from({ length: workers }, (_, first) => startWorker({ seed, count, first, step: workers, only })));

	for (const one of tallies)
		for (const name of counters)
			tally[name] += one[name];
	report(tally, seed, Math.round((Date.now() - begun) / 1000));
	const wrong = tally.differ + tally.textsDiffer + tally.setsDiffer + tally.verdictsDiffer + tally.lawfulDiffer + tally.schemasDiffer;
	const good = wrong === 0 && tally.agree > 0;

	console.log('validation: ' + (tally.valid + tally.invalid) + ' agree (' + tally.valid + ' valid, ' + tally.invalid + ' invalid), ' + tally.verdictsDiffer + ' differ');
	if (process.argv[2] === '--counts')
		console.log((good ? '1 passed, 0 failed' : '0 passed, 1 failed') + ', 0 skipped');
	else
		console.log('differential: ' + tally.agree + ' requests agree, ' + tally.differ + ' differ, ' + tally.skipped + ' skipped');
	process.exitCode = good ? 0 : 1;
}

function fail(e) {
	console.error('differential: ' + e.stack);
	process.exit(1);
}

json.install();
if (process.argv[2] === '--worker')
	work(JSON.parse(process.argv[3])).then((tally) => process.send(tally, () => process.disconnect()), fail);
else
	main().catch(fail);
