'use strict';
// peer.js - Cedar's own engine, from npm: decides a case, or says whether a text is a policy set.
// Its WebAssembly instance does not survive a crash (deep nesting); a new one is made then, and the case is skipped.
const v8 = require('node:v8');
const { Written } = require('./json.js');

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

// `entities` is JSON text, written once for all requests.
function decideOne(request, entities, schema) {
	const lawful = schema ? { preparsedSchemaName: 'case', validateRequest: true } : {};
	const call = JSON.stringify({ ...request, ...lawful, preparsedPolicySetId: 'case' });
	const written = new Written(call.slice(0, -1) + ',"entities":' + entities + '}');
	const answer = survive((e) => e.statefulIsAuthorized(written));

	if (!answer || answer.type === 'failure')
		return answer && refusal('request', answer);
	const { decision, diagnostics } = answer.response;

	return { decision, reasons: diagnostics.reason, errors: diagnostics.errors.map((error) => error.policyId) };
}

// One answer a request: {decision, reasons, errors}, {refused}, or null where the peer died.
function decide(test) {
	const lawful = test.schema && survive((e) => e.preparseSchema('case', test.schema));

	if (lawful && lawful.type === 'failure')
		return test.requests.map(() => refusal('schema', lawful));
	const prepared = survive((e) => e.preparsePolicySet('case', policySet(test)));

	if (!prepared || prepared.type === 'failure')
		return test.requests.map(() => prepared && refusal('policies', prepared));
	const entities = JSON.stringify(test.entities);

	return test.requests.map((request) => {
		// After a crash the policies are gone.
		if (!engine)
			return null;
		return decideOne(request, entities, test.schema);
	});
}

// Of each policy by its place: null where it is valid (strictly), else why not; undefined where the peer died.
function validate(test) {
	const answer = survive((e) => e.validate({ schema: test.schema, policies: policySet({ ...test, links: [] }), validationSettings: { mode: 'strict' } }));

	if (!answer)
		return test.texts.map(() => undefined);
	if (answer.type === 'failure')
		return test.texts.map(() => refusal('schema', answer).refused);
	return test.texts.map((text, i) => {
		const found = answer.validationErrors.filter((e) => e.policyId === 'policy' + i);

		return found.length ? found.map((e) => e.error.message).join('; ') : null;
	});
}

// "valid", "never" (valid, and false for every request) or why not, of each policy; {refused} where the schema or a policy cannot be read; null where the peer died.
function verdicts(schema, texts) {
	const answer = survive((e) => e.validate({ schema, policies: policySet({ texts, isTemplate: texts.map(() => false), links: [] }) }));

	if (!answer || answer.type === 'failure')
		return answer && refusal('reading', answer);
	const ret = texts.map(() => 'valid');

	for (const { policyId } of answer.validationWarnings)
		ret[policyId.slice(6)] = 'never';
	for (const { policyId, error } of answer.validationErrors)
		ret[policyId.slice(6)] = error.message;
	return ret;
}

// As parse, of a schema's text.
function parseSchema(text) {
	const answer = survive((e) => e.checkParseSchema(text));

	if (!answer)
		return undefined;
	return answer.type === 'success' ? null : answer.errors.map((e) => e.message).join('; ');
}

// A schema's text as Cedar's JSON, or null.
function schemaToJson(text) {
	const answer = survive((e) => e.schemaToJson(text));

	return answer && answer.type === 'success' ? JSON.stringify(answer.json) : null;
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

module.exports = { decide, parse, parseJson, parseSchema, schemaToJson, toJson, validate, verdicts };
