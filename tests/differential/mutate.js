'use strict';
// mutate.js - policy text that may no longer be one: tokens taken out, put in, doubled, exchanged; characters changed; known traps put in.
const TOKEN = /\/\/[^\n]*|"(?:\\.|[^"\\])*"|\?[a-z]+|[_A-Za-z][_A-Za-z0-9]*|[0-9]+|::|&&|\|\||[=!<>]=|\s+|./gsu;

const VOCABULARY = ['permit', 'forbid', 'when', 'unless', 'principal', 'action', 'resource', 'context', 'true', 'false', 'if', 'then', 'else', 'in', 'is',
	'like', 'has', '__cedar', '(', ')', '[', ']', '{', '}', ',', ';', ':', '::', '.', '@', '?', '=', '==', '!=', '<', '<=', '>', '>=', '&&', '||', '!', '-',
	'+', '*', '/', '%', '&', '|', '0', '1', '9223372036854775807', '9223372036854775808', '18446744073709551616', '"a"', '""', 'User', 'User::"a"',
	'Action::"a"', '?principal', '?resource', '?other', 'contains', 'ip', 'decimal', 'datetime', 'matches', 'version', 'unknown', '//', '// x\n', '\n', ' '];

const CHARACTERS = ['"', '\\', '\'', '*', '\0', '\r', '\n', '\t', '\v', '\f', '\u00a0', '\u0085', '\u2003', '\u2028', '\ufeff', '\u200b', 'é', 'a', '0', '_', '#', '$', '`', '~', '^',
	'\x01', '\x7f', '\u{1d4b3}', '-', '.', ',', '(', ')', '{', '}', '[', ']', ';', ':', '@', '?', '!', '=', '<', '|', '&', '/'];

// Expressions: each is put where an expression stood, as a whole condition, or anywhere.
const EXPRESSIONS = [
	'1 < 2 < 3', 'a', 'principal is User == true', 'principal is User && true', 'principal is "U"', 'principal is User::"a"', 'true && if true then true else false',
	'if true then true else false && true', '!!!!true', '!!!!!true', '----1 == 1', '-----1 == 1', '!-1', '-!true', '- 9223372036854775808 == 0', '-(9223372036854775808) == 0',
	'--9223372036854775808 == 0', '9223372036854775808 == 0', '-9223372036854775809 == 0', '01 == 1', '18446744073709551615 == 0', 'context.if', 'context["if"]',
	'context.permit', 'context has if', 'context has "if"', 'context has a.b', 'context has "a".b', 'context has a."b"', 'context has a.if', 'context has principal',
	'context["a" + "b"]', 'context[a]', 'context[1]', 'context["a"', 'context.a()', 'context.contains', 'context.contains()', 'context.contains(1, 2)', 'context.contains(1,)',
	'[1,].contains(1)', '[,]', '[]', '{}', '{a: 1, a: 2}', '{a: 1, "a": 2}', '{"\\u{61}": 1, a: 2}', '{a: 1,}', '{,}', '{if: 1}', '{"if": 1}', '{true: 1}', '{a 1}', '{1: 1}',
	'{principal: 1}', 'ip("a", "b")', 'ip()', 'ip(1)', 'ip', 'ip.isIpv4()', '"a".ip()', '"a".isIpv4(1)', 'isIpv4("a")', 'contains([1], 1)', 'foo(1)', 'context.foo(1)', 'A::ip("a")',
	'unknown("x")', 'unknown()', 'unknown(1, 2)', '"a" like "*"', '"a" like a', '"a" like ("a")', '"a" like "\\*"', '"\\*" == "a"', '"\\q"', '"\\x7f"', '"\\x80"', '"\\x7"', '"\\u{}"', '"\\u{110000}"',
	'"\\u{d800}"', '"\\u{0000061}"', '"\\u{_61}"', '"\\u{6_1}"', '"\\u{6_}"', '"\\0"', '"\\\n"', '"a\nb"', '"a\rb"', '"a\0b"', '"\\\'"', 'User::{a: 1}', 'User:: "a" == User ::"a"', 'User::A::"a" == User::"a"',
	'true::"a" == principal', 'A::true::"a" == principal', '__cedar::"a" == principal', '__cedar::A::"a" == principal', 'A::__cedar::"a" == principal', 'permit::"a" == principal', '::"a" == principal', 'User::"a"::"b"', 'User::a',
	'?principal == principal', 'principal == ?resource', '?principal', 'principal = resource', 'principal in [User::"a",]', 'principal in User::"a" in User::"b"', '(principal)(1)', 'principal.a.b.c["d"].e', '1 / 2 == 0', '1 % 2 == 0',
	'1 + 2 - 3 * 4 == 5', '- 1 == 1', '1 - -1 == 2', '1 --1 == 2', '((((((((((true))))))))))', 'if true then 1', 'if (true) then (1) else (2) == 1', 'true || false && true', 'true &&', '&& true', 'true true', '1 == 1 == 1', '1 != 2 != 3',
	'principal has a has b', '"a" like "b" like "c"', 'principal is A is B', 'principal is A in B::"b" in C::"c"', '(1 < 2) == true', '!principal has x', '!context.a.b', '-context.a == 1', '-"a" == 1', '!(true) && true', 'principal.isEmpty', '[].isEmpty(1)',
	'principal.hasTag("a", "b")', 'principal.getTag()', 'principal.getTag("a").b', 'decimal("1.0").lessThan(1)', 'decimal("1.0").lessThan()', 'decimal("1.0") < decimal("2.0")', 'datetime("a").offset()', 'duration("a").toDays(1)', 'ip("a").isInRange(1, 2)',
	'principal.toString()', 'context.matches == 1', 'context.version == 1', '"a" matches "b"', 'matches("a")', 'version("1.0")', 'debversion("1") == debversion("1")', '{matches: 1}.matches', 'matches::"a" == principal', 'context has matches', 'context.anyLike("a")', '[1, 2].any(1)',
	'[1].size()', 'principal in [User::"a", 1]', 'action in [Action::"a"]', 'context.a.b.c.d.e.f.g', '[[[[[[[[[[1]]]]]]]]]]', '"' + 'a'.repeat(2000) + '" == ""', 'A'.repeat(300) + '::"a" == principal', 'principal is A::B::C', 'principal is A::', 'principal is ::A', 'principal is A::if',
	'principal is if', 'principal is __cedar::A', '1.a', '"a".b', 'true.a', 'User::"a".b', '[1].b', '{a: 1}.a', '{a: 1}["a"]', '(1).a', '-1.a', '!true.a', 'ip("a").b', 'Action::"a" == action', '/* a */ true', 'true // x', '// x\ntrue', '#', '\'a\'', '`a`', '1e3 == 1', '1.0 == 1', '0x10 == 1', '1_000 == 1', '+1 == 1',
	'true and true', 'not true', 'null == 1', 'context.__cedar', 'context has __cedar', 'context["__cedar"]', '{__cedar: 1}', '{"__cedar": 1}', 'context.then', 'context.like', 'context.action', 'context.is', 'context.in',
];

// Whole policies, or pieces of their heads.
const HEADS = [
	'permit(principal, action, resource)', 'permit(principal, action, resource,)', 'permit(principal, action)', 'permit(principal, action, resource, context)', 'permit()', 'permit(action, principal, resource)',
	'permit(principal == User::"a", action, resource)', 'permit(principal == (User::"a"), action, resource)', 'permit(principal in [User::"a"], action, resource)', 'permit(principal != User::"a", action, resource)',
	'permit(principal is User, action, resource)', 'permit(principal is User in Group::"g", action, resource)', 'permit(principal is User == User::"a", action, resource)', 'permit(principal in Group::"g" is User, action, resource)',
	'permit(principal is "User", action, resource)', 'permit(principal is User::"a", action, resource)', 'permit(principal == "a", action, resource)', 'permit(principal == ?principal, action, resource)', 'permit(principal == ?resource, action, resource)',
	'permit(principal in ?principal, action, resource in ?resource)', 'permit(principal is User in ?principal, action, resource)', 'permit(principal is ?principal, action, resource)', 'permit(principal, action == ?action, resource)', 'permit(?principal, action, resource)',
	'permit(principal, action is Action, resource)', 'permit(principal, action == User::"a", resource)', 'permit(principal, action == A::Action::"a", resource)', 'permit(principal, action == Action::A::"a", resource)', 'permit(principal, action in [], resource)',
	'permit(principal, action in [Action::"a",], resource)', 'permit(principal, action in [Action::"a", User::"a"], resource)', 'permit(principal, action in Action::"a", resource)', 'permit(principal, action == [Action::"a"], resource)', 'permit(principal, action in [(Action::"a")], resource)',
	'permit(principal, action in (Action::"a"), resource)', 'permit(principal, action in ([Action::"a"]), resource)', 'permit(principal, action != Action::"a", resource)', 'permit(principal: User, action, resource)', 'permit(principal, action, resource == resource)', 'permit(principal == principal, action, resource)',
	'permit(principal == User::"a" && true, action, resource)', '@a permit(principal, action, resource)', '@a() permit(principal, action, resource)', '@a("b") @a("c") permit(principal, action, resource)', '@a("b") @b permit(principal, action, resource)', '@if("b") permit(principal, action, resource)',
	'@"a"("b") permit(principal, action, resource)', '@a(b) permit(principal, action, resource)', '@a("b", "c") permit(principal, action, resource)', '@ a ("b") permit(principal, action, resource)', '@a("\\*") permit(principal, action, resource)', '@a("\\x00") permit(principal, action, resource)', '@__cedar("b") permit(principal, action, resource)',
	'@a::b("c") permit(principal, action, resource)', 'Permit(principal, action, resource)', 'PERMIT(principal, action, resource)', 'permit (principal,action,resource) when {}', 'permit(principal, action, resource) when { true } unless { false } when { true }',
	'permit(principal, action, resource) when true', 'permit(principal, action, resource) When { true }', 'permit(principal, action, resource) when { true, true }', 'permit(principal, action, resource) when { true; }', 'permit(principal, action, resource) advice { "x" }',
	'permit(principal, action, resource) if { true }', 'permit(principal, action, resource) when { when }', 'allow(principal, action, resource)', 'permit(principal == ::User::"a", action, resource)', 'permit(principal == User::"a"::"b", action, resource)', 'permit(principal in User, action, resource)',
	'permit(principal == if, action, resource)', 'permit(principal is in Group::"g", action, resource)', 'permit(principal is in in Group::"g", action, resource)', 'permit(principal is permit, action, resource)', 'permit(principal is principal in principal::"a", action, resource)', 'permit(principal like "a", action, resource)',
	'permit(principal has a, action, resource)', 'permit(principal, action, resource) when { true } @a', 'indivisible { permit(principal, action, resource); }', 'use errors;', 'default deny;', 'permit(any, action, resource)', 'permit(principal, action, resource) where { true }', 'permit(principal == User::"a\\q", action, resource)',
	'permit(principal == User::"\\*", action, resource)', 'permit(principal in User::"a" , action in [Action::"a" Action::"b"], resource)', 'permit(principal, action in [,], resource)', 'permit(principal,, action, resource)', 'permit(principal, action, resource);', ';', 'permit', '',
];

const wrap = (expression) => 'permit(principal, action, resource) when { ' + expression + ' };';

function editTokens(random, text) {
	const tokens = text.match(TOKEN) || [];

	for (let n = random.weighted([[6, 1], [3, 2], [1, 4]]); n > 0; n--) {
		const at = random.below(tokens.length + 1), other = random.below(tokens.length + 1);

		switch (random.below(6)) {
		case 0:
		case 1:
			tokens.splice(at, random.range(1, 2));
			break;
		case 2:
			tokens.splice(at, 0, random.pick(VOCABULARY));
			break;
		case 3:
			tokens[at] = random.pick(VOCABULARY);
			break;
		case 4:
			tokens.splice(at, 0, tokens[other] || ' ');
			break;
		default:
			[tokens[at], tokens[other]] = [tokens[other] || '', tokens[at] || ''];
		}
	}
	return tokens.join('');
}

function editCharacters(random, text) {
	const chars = [...text];

	for (let n = random.range(1, 2); n > 0; n--) {
		const at = random.below(chars.length + 1);

		switch (random.below(3)) {
		case 0:
			chars.splice(at, 1);
			break;
		case 1:
			chars.splice(at, 0, random.pick(CHARACTERS));
			break;
		default:
			chars[at] = random.pick(CHARACTERS);
		}
	}
	return chars.join('');
}

// What changes nothing, or should not.
function dress(random, text) {
	const tokens = text.match(TOKEN) || [];

	for (let n = random.range(1, 4); n > 0; n--)
		tokens.splice(random.below(tokens.length + 1), 0, random.pick([' ', '\n', '// x\n', '\t', '\v', '\u2003', '\u00a0', ' // \u{1d4b3}\r', '\u0085', '\r\n']));
	return tokens.join('');
}

function trap(random) {
	switch (random.below(5)) {
	case 0:
		return wrap(random.pick(EXPRESSIONS));
	case 1:
		return wrap(random.pick(EXPRESSIONS) + random.pick([' && ', ' || ', ' == ', ' + ', ' in ', ' ', '.', ', ', ' like ', ' has ']) + random.pick(EXPRESSIONS));
	case 2:
		return wrap(random.pick(['(', '[', '!', '-', '{a: ', 'if ', 'context.contains(', '']) + random.pick(EXPRESSIONS) + random.pick([')', ']', '}', '', ' then 1 else 2', '.a', '["a"]', '.isEmpty()']));
	case 3:
		return random.pick(HEADS) + (random.often(80) ? ';' : '');
	default:
		return random.pick(HEADS) + ' ' + random.pick(['when', 'unless']) + ' { ' + random.pick(EXPRESSIONS) + ' };' + (random.often(20) ? random.pick(HEADS) + ';' : '');
	}
}

// One text from those of a case.
function mutate(random, texts) {
	const text = random.some(texts, random.range(1, 2)).join('\n').slice(0, 3000);

	switch (random.below(12)) {
	case 10:
		return dress(random, text);
	case 11:
		return dress(random, trap(random));
	case 0:
	case 1:
		return trap(random);
	case 2:
		return editTokens(random, trap(random));
	case 3:
		return editCharacters(random, trap(random));
	case 4:
	case 5:
		return editCharacters(random, text);
	default:
		return editTokens(random, text);
	}
}

const SCHEMA_VOCABULARY = ['entity', 'action', 'type', 'namespace', 'appliesTo', 'principal', 'resource', 'context', 'tags', 'enum', 'in', 'Set', 'Set<Long>', '<', '>', 'Long', 'String', 'Bool',
	'Boolean', '__cedar', '__cedar::Long', 'ipaddr', 'decimal', 'datetime', 'Record', 'Entity', 'Extension', 'User', 'Action', 'Action::"a"', '?', ':', '::', ',', ';', '=', '{', '}', '[', ']', '(', ')', '"a"', '"', '{}', '[]',
	'@doc("x")', '@a', '@', 'if', 'attributes', 'Common0', 'A::B', '// x\n', 'type T = Long;', 'type T = T;', 'type T = U; type U = T;', 'type Long = String;', 'type ipaddr = Long;', 'entity Long;', 'entity Action;', 'entity U, V;',
	'entity W enum [];', 'entity W enum ["a", "a"];', 'entity W = {a: Long, a: String};', 'entity W = {a?: Long,};', 'entity W in W;', 'entity W in [];', 'entity W in Nothing;', 'entity W tags Set<String>;', 'entity W = Common0;',
	'entity W in [W] = {"a b": __cedar::Bool} tags {};', 'action z;', 'action z, "y z";', 'action z appliesTo {};', 'action z appliesTo {principal: [], resource: []};', 'action z in z;', 'action z in [y]; action y in [z];',
	'action z appliesTo {principal: Nothing, resource: Nothing};', 'action z in Action::"nothing";', 'action z attributes {};', 'namespace N {}', 'namespace N {} namespace N {}', 'namespace __cedar {}', 'namespace A::if {}', 'type Set = Long;',
	'type __cedar = Long;', 'type Bool = Long;', 'type Common0 = Long;', 'type R = {a: {b: {c?: Set<Set<Long>>}}};', 'entity __cedar;', 'action "";', 'action "\\0";', 'entity if;', 'type in = Long;', 'entity W {a: Nothing};', 'entity W {a: W};'];

// A schema's text that may no longer be one.
function mutateSchema(random, text) {
	const tokens = text.match(TOKEN) || [];

	switch (random.below(6)) {
	case 0:
		return editCharacters(random, text);
	case 1:
		return dress(random, text);
	case 2:
		// A declaration more, where one may stand.
		return random.pick([(more) => more + '\n' + text, (more) => text + '\n' + more, (more) => text.replace('\n', '\n' + more + '\n')])(
			random.pick(SCHEMA_VOCABULARY.filter((more) => more.endsWith(';') || more.endsWith('}'))));
	default:
	}
	for (let n = random.weighted([[6, 1], [2, 2]]); n > 0; n--) {
		const at = random.below(tokens.length + 1);

		switch (random.below(4)) {
		case 0:
			tokens.splice(at, random.range(1, 2));
			break;
		case 1:
			tokens.splice(at, 0, ' ' + random.pick(SCHEMA_VOCABULARY) + ' ');
			break;
		case 2:
			tokens[at] = random.pick(SCHEMA_VOCABULARY);
			break;
		default:
			tokens.splice(at, 0, random.pick(tokens));
		}
	}
	return tokens.join('');
}

// The texts that differ from `text` by something less, the shortest first.
function smallerTexts(text) {
	const ret = [];

	for (const parts of [text.match(TOKEN) || [], [...text]])
		for (let size = parts.length >> 1; size >= 1; size >>= 1)
			for (let at = 0; at < parts.length && ret.length < 4000; at += size)
				ret.push(parts.slice(0, at).join('') + parts.slice(at + size).join(''));
	return ret;
}

module.exports = { mutate, mutateSchema, smallerTexts };
