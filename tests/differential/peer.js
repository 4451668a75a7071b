'use strict';
// peer.js - Cedar's own engine, from npm: decides a case, or says whether a text is a policy set.
// Its WebAssembly instance does not survive a crash (deep nesting); a new one is made then, and the case is skipped.
const v8 = require('node:v8');

const folder = process.env.PEERS;

// Node 20 dies ("unreachable code" in its deoptimizer) when calls of WebAssembly are inlined and one of them throws. Unknown flags are passed over.
v8.setFlagsFromString('--no-turbo-inline-js-wasm-calls');

let engine = null;

function start() {
	const path = require.resolve(folder + '/node_modules/@cedar-policy/cedar-wasm/nodejs');

	delete require.cache[path];
	engine = require(path);
}

// `action(engine)`, or null after a crash.
function survive(action) {
	if (!engine)
		start();
	try {
		return action(engine);
	} catch (e) {
		if (!(e instanceof WebAssembly.RuntimeError) && !(e instanceof RangeError))
			throw e;
		engine = null;
		return null;
	}
}

const refusal = (what, answer) => ({ refused: what + ': ' + answer.errors.map((e) => e.message).join('; ') });

// A case's policies by id, templates apart: what text alone cannot say.
function policySet(test) {
	if (!test.links)
		return { staticPolicies: test.texts.join('\n') };
	const set = { staticPolicies: {}, templates: {}, templateLinks: [] };

	test.texts.forEach((text, i) => {
		set[test.isTemplate[i] ? 'templates' : 'staticPolicies']['policy' + i] = text;
	});
	set.templateLinks = test.links;
	return set;
}

function decideOne(request, entities) {
	const answer = survive((e) => e.statefulIsAuthorized({ ...request, preparsedPolicySetId: 'case', entities }));

	if (!answer || answer.type === 'failure')
		return answer && refusal('request', answer);
	const { decision, diagnostics } = answer.response;

	return { decision, reasons: diagnostics.reason, errors: diagnostics.errors.map((error) => error.policyId) };
}

// One answer a request: {decision, reasons, errors}, {refused}, or null where the peer died.
function decide(test) {
	const prepared = survive((e) => e.preparsePolicySet('case', policySet(test)));

	if (!prepared || prepared.type === 'failure')
		return test.requests.map(() => prepared && refusal('policies', prepared));
	return test.requests.map((request) => {
		// After a crash the policies are gone.
		if (!engine)
			return null;
		return decideOne(request, test.entities);
	});
}

// The case's policies as Cedar writes them in JSON: a policy set's object, or null where the peer died.
function toJson(test) {
	const set = { staticPolicies: {}, templates: {}, templateLinks: test.links || [] };

	for (let i = 0; i < test.texts.length; i++) {
		const answer = survive((e) => (test.isTemplate[i] ? e.templateToJson(test.texts[i]) : e.policyToJson(test.texts[i])));

		if (!answer || answer.type === 'failure')
			return null;
		set[test.isTemplate[i] ? 'templates' : 'staticPolicies']['policy' + i] = answer.json;
	}
	return set;
}

// As parse, of a policy set in JSON. What has not even the outer shape is refused by an exception.
function parseJson(set) {
	let answer;

	try {
		answer = survive((e) => e.checkParsePolicySet(set));
	} catch (e) {
		return e.message;
	}

	if (!answer)
		return undefined;
	return answer.type === 'success' ? null : answer.errors.map((e) => e.message).join('; ');
}

// null: accepted; text: why not; undefined: the peer died.
function parse(text) {
	const answer = survive((e) => e.policySetTextToParts(text));

	if (!answer)
		return undefined;
	return answer.type === 'success' ? null : answer.errors.map((e) => e.message).join('; ');
}

module.exports = { decide, parse, parseJson, toJson };
