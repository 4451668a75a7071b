/* What of Cedar's schema text is read, and what is refused where.
 * Verdicts are those of Cedar 4.10's own reader; places and words are ours. */
#include "policy/schema.h"

#include "base/limits.h"
#include "tests/unit/policy/schema_kit.h"

/* clang-format off */
static const struct schema_bad bad[] = {
	{ STR_INIT("type __cedar=Long;"), ERR_NAME_RESERVED, 1, 6, 7,
	    "expected the name of a common type, found the reserved word `__cedar`",
	    "" },
	{ STR_INIT("entity B = {\"a b\": Long, in: Long, if: Long, \"in\"?: Long};"), ERR_NAME_RESERVED, 1, 26, 2,
	    "expected a name, found the reserved word `in`",
	    "in quotes it can be the name" },
	/* A question mark where none may stand is not passed over. */
	{ STR_INIT("?"), ERR_SYNTAX_UNEXPECTED, 1, 1, 1,
	  "expected `entity`, `action`, `type` or `namespace`, found `?`",
	  "" },
	{ STR_INIT("entity A; ?"), ERR_SYNTAX_UNEXPECTED, 1, 11, 1,
	  "expected `entity`, `action`, `type` or `namespace`, found `?`",
	  "" },
	{ STR_INIT("namespace N { ? }"), ERR_SYNTAX_UNEXPECTED, 1, 15, 1,
	  "expected `entity`, `action` or `type`, found `?`",
	  "" },
	{ STR_INIT("entity B tags Long"), ERR_SYNTAX_UNEXPECTED, 1, 19, 0,
	    "expected `;`, found the end of the text",
	    "a declaration ends with `;`" },
	{ STR_INIT("entity B enum [];"), ERR_SYNTAX_UNEXPECTED, 1, 16, 1,
	    "expected an id in quotes, found `]`",
	    "" },
	{ STR_INIT("entity B enum [\"a\",];"), ERR_SYNTAX_UNEXPECTED, 1, 20, 1,
	    "expected an id in quotes, found `]`",
	    "take the comma before it away" },
	{ STR_INIT("entity B, ;"), ERR_SYNTAX_UNEXPECTED, 1, 11, 1,
	    "expected the name of an entity type, found `;`",
	    "take the comma before it away" },
	{ STR_INIT("entity B in [B,];"), ERR_SYNTAX_UNEXPECTED, 1, 16, 1,
	    "expected an entity type, found `]`",
	    "take the comma before it away" },
	{ STR_INIT("entity A; action a appliesTo {};"), ERR_SYNTAX_UNEXPECTED, 1, 31, 1,
	    "expected `principal`, `resource` or `context`, found `}`",
	    "" },
	{ STR_INIT("entity A; action a appliesTo {principal: A, resource: A, context: Set<Long>};"), ERR_SYNTAX_UNEXPECTED, 1, 70, 1,
	    "expected `,` or `}`, found `<`",
	    "" },
	{ STR_INIT("entity A = T; type T={x:Long};"), ERR_SYNTAX_UNEXPECTED, 1, 12, 1,
	    "expected `{`, found `T`",
	    "" },
	{ STR_INIT("entity A = T; type T=Long;"), ERR_SYNTAX_UNEXPECTED, 1, 12, 1,
	    "expected `{`, found `T`",
	    "" },
	{ STR_INIT("entity A T; type T={};"), ERR_SYNTAX_UNEXPECTED, 1, 10, 1,
	    "expected `in`, `{`, `tags`, `enum` or `;`, found `T`",
	    "a declaration ends with `;`" },
	{ STR_INIT("entity A = {,};"), ERR_SYNTAX_UNEXPECTED, 1, 13, 1,
	    "expected the name of an attribute, found `,`",
	    "" },
	{ STR_INIT("entity if;"), ERR_NAME_RESERVED, 1, 8, 2,
	    "expected the name of an entity type, found the reserved word `if`",
	    "" },
	{ STR_INIT("entity in;"), ERR_NAME_RESERVED, 1, 8, 2,
	    "expected the name of an entity type, found the reserved word `in`",
	    "" },
	{ STR_INIT("entity __cedar;"), ERR_NAME_RESERVED, 1, 8, 7,
	    "expected the name of an entity type, found the reserved word `__cedar`",
	    "" },
	{ STR_INIT("type in=Long;"), ERR_NAME_RESERVED, 1, 6, 2,
	    "expected the name of a common type, found the reserved word `in`",
	    "" },
	{ STR_INIT("type if=Long;"), ERR_NAME_RESERVED, 1, 6, 2,
	    "expected the name of a common type, found the reserved word `if`",
	    "" },
	{ STR_INIT("namespace if {}"), ERR_NAME_RESERVED, 1, 11, 2,
	    "expected a name, found the reserved word `if`",
	    "" },
	{ STR_INIT("entity N::A;"), ERR_SYNTAX_UNEXPECTED, 1, 9, 2,
	    "expected a name without `::`, found `::`",
	    "declare it inside of `namespace NAME { ... }`" },
	{ STR_INIT("@a(\"x\") @b() entity A;"), ERR_SYNTAX_UNEXPECTED, 1, 12, 1,
	    "expected a string, found `)`",
	    "" },
	{ STR_INIT("@a(\"x\") @a(\"y\") entity A;"), ERR_NAME_DUPLICATE, 1, 10, 1,
	    "the annotation `@a` stands twice",
	    "" },
	{ STR_INIT("entity A={x: Set<>};"), ERR_SYNTAX_LEXICAL, 1, 17, 2,
	    "expected a token, found an operator of another language",
	    "" },
	{ STR_INIT("action a in [];"), ERR_SYNTAX_UNEXPECTED, 1, 14, 1,
	    "expected an action, found `]`",
	    "" },
	{ STR_INIT("action in;"), ERR_NAME_RESERVED, 1, 8, 2,
	    "expected a name, found the reserved word `in`",
	    "in quotes it can be the name" },
	{ STR_INIT("action if;"), ERR_NAME_RESERVED, 1, 8, 2,
	    "expected a name, found the reserved word `if`",
	    "in quotes it can be the name" },
	{ STR_INIT("entity A tags Long in [A];"), ERR_SYNTAX_UNEXPECTED, 1, 20, 2,
	    "expected `;`, found `in`",
	    "a declaration ends with `;`" },
	{ STR_INIT("entity A = {} in [A];"), ERR_SYNTAX_UNEXPECTED, 1, 15, 2,
	    "expected `tags` or `;`, found `in`",
	    "a declaration ends with `;`" },
	{ STR_INIT("entity A = {a Long};"), ERR_SYNTAX_UNEXPECTED, 1, 15, 4,
	    "expected `:` or `?:` after the attribute's name, found `Long`",
	    "" },
	{ STR_INIT("entity Foo::Bar;"), ERR_SYNTAX_UNEXPECTED, 1, 11, 2,
	    "expected a name without `::`, found `::`",
	    "declare it inside of `namespace NAME { ... }`" },
	{ STR_INIT("entity A = {x: \"a\"};"), ERR_SYNTAX_UNEXPECTED, 1, 16, 3,
	    "expected a type, found the string `\"a\"`",
	    "" },
	{ STR_INIT("action a in b, c;"), ERR_SYNTAX_UNEXPECTED, 1, 14, 1,
	    "expected `appliesTo` or `;`, found `,`",
	    "more than one stand in brackets: `[A, B]`" },
	{ STR_INIT("action a appliesTo {principal: A, resource: A} in b; action b; entity A;"), ERR_SYNTAX_UNEXPECTED, 1, 48, 2,
	    "expected `;`, found `in`",
	    "a declaration ends with `;`" },
	{ STR_INIT("entity A = { x: Long };;"), ERR_SYNTAX_UNEXPECTED, 1, 24, 1,
	    "expected `entity`, `action`, `type` or `namespace`, found `;`",
	    "" },
	{ STR_INIT("null"), ERR_SYNTAX_UNEXPECTED, 1, 1, 4,
	    "expected `entity`, `action`, `type` or `namespace`, found `null`",
	    "" },
	{ STR_INIT("[]"), ERR_SYNTAX_UNEXPECTED, 1, 1, 1,
	    "expected `entity`, `action`, `type` or `namespace`, found `[`",
	    "" },
	{ STR_INIT("action a attributes {x: 1};"), ERR_SYNTAX_UNEXPECTED, 1, 22, 1,
	    "expected `}`, found `x`",
	    "" },
	{ STR_INIT("action a attributes {x: Long};"), ERR_SYNTAX_UNEXPECTED, 1, 22, 1,
	    "expected `}`, found `x`",
	    "" },
	{ STR_INIT("entity A; action a attributes {} appliesTo{principal:A,resource:A};"), ERR_SYNTAX_UNEXPECTED, 1, 34, 9,
	    "expected `in`, `appliesTo` or `;`, found `appliesTo`",
	    "did you mean `appliesTo`?" },
	{ STR_INIT("action x in N::b; namespace N{action b;}"), ERR_SYNTAX_UNEXPECTED, 1, 17, 1,
	    "expected `::\"...\"` after the action's type, found `;`",
	    "an action is `name`, `\"name\"` or `Namespace::Action::\"name\"`" },
	{ STR_INIT("entity A enum [\"a\"] ;entity B=A;"), ERR_SYNTAX_UNEXPECTED, 1, 31, 1,
	    "expected `{`, found `A`",
	    "" },
	{ STR_INIT("type T;"), ERR_SYNTAX_UNEXPECTED, 1, 7, 1,
	    "expected `=`, found `;`",
	    "" },
	{ STR_INIT("namespace N { namespace M {} }"), ERR_SYNTAX_UNEXPECTED, 1, 15, 9,
	    "expected `entity`, `action` or `type`, found `namespace`",
	    "did you mean `namespace`?" },
	{ STR_INIT("entity A = {x: Set<Long>?};"), ERR_SYNTAX_UNEXPECTED, 1, 25, 1,
	    "expected `,` or `}` after the attribute, found `?`",
	    "" },
	{ STR_INIT("@a entity A; @a @a action x;"), ERR_NAME_DUPLICATE, 1, 18, 1,
	    "the annotation `@a` stands twice",
	    "" },
	{ STR_INIT("entity A={@a @a x:Long};"), ERR_NAME_DUPLICATE, 1, 15, 1,
	    "the annotation `@a` stands twice",
	    "" },
	{ STR_INIT("entity A = {x: Long} \n type T=Long;"), ERR_SYNTAX_UNEXPECTED, 2, 2, 4,
	    "expected `tags` or `;`, found `type`",
	    "a declaration ends with `;`" },
	{ STR_INIT("entity \303\204;"), ERR_SYNTAX_LEXICAL, 1, 8, 1,
	    "expected a token, found a character that no name or sign has",
	    "" },
	{ STR_INIT("@\303\244 entity A;"), ERR_SYNTAX_LEXICAL, 1, 2, 1,
	    "expected a token, found a character that no name or sign has",
	    "" },
	{ STR_INIT("entity A /* x */;"), ERR_SYNTAX_LEXICAL, 1, 10, 7,
	    "expected a token, found `/*`: comments begin with `//`",
	    "" },
	{ STR_INIT("\357\273\277entity A;"), ERR_SYNTAX_LEXICAL, 1, 1, 1,
	    "expected text, found a byte order mark",
	    "" },
	{ STR_INIT("entity 'A';"), ERR_SYNTAX_STRING, 1, 8, 3,
	    "expected a string in double quotes",
	    "" },
	{ STR_INIT("action \"a\" in \"b\" , \"c\";"), ERR_SYNTAX_UNEXPECTED, 1, 19, 1,
	    "expected `appliesTo` or `;`, found `,`",
	    "more than one stand in brackets: `[A, B]`" },
	{ STR_INIT("entity A enum [\"a\" \"b\"];"), ERR_SYNTAX_UNEXPECTED, 1, 20, 3,
	    "expected `]`, found the string `\"b\"`",
	    "" },
	{ STR_INIT("action a appliesTo {principal:A resource:A}; entity A;"), ERR_SYNTAX_UNEXPECTED, 1, 33, 8,
	    "expected `,` or `}`, found `resource`",
	    "" },
	{ STR_INIT("action a appliesTo {principal:[A,],resource:A}; entity A;"), ERR_SYNTAX_UNEXPECTED, 1, 34, 1,
	    "expected an entity type, found `]`",
	    "take the comma before it away" },
	{ STR_INIT("action a in [b,]; action b;"), ERR_SYNTAX_UNEXPECTED, 1, 16, 1,
	    "expected an action, found `]`",
	    "take the comma before it away" },
	{ STR_INIT("action a,; "), ERR_SYNTAX_UNEXPECTED, 1, 10, 1,
	    "expected the name of an action, found `;`",
	    "take the comma before it away" },
	{ STR_INIT("entity A in (B); entity B;"), ERR_SYNTAX_UNEXPECTED, 1, 13, 1,
	    "expected an entity type, found `(`",
	    "" },
	{ STR_INIT("entity A={x?:Long?};"), ERR_SYNTAX_UNEXPECTED, 1, 18, 1,
	    "expected `,` or `}` after the attribute, found `?`",
	    "" },
	{ STR_INIT("@a(b) entity A;"), ERR_SYNTAX_UNEXPECTED, 1, 4, 1,
	    "expected a string, found `b`",
	    "" },
	{ STR_INIT("namespace N{} ;"), ERR_SYNTAX_UNEXPECTED, 1, 15, 1,
	    "expected `entity`, `action`, `type` or `namespace`, found `;`",
	    "" },
	{ STR_INIT("namespace ::N{}"), ERR_SYNTAX_UNEXPECTED, 1, 11, 2,
	    "expected the name of a namespace, found `::`",
	    "" },
	{ STR_INIT("namespace N::{}"), ERR_SYNTAX_UNEXPECTED, 1, 14, 1,
	    "expected a name after `::`, found `{`",
	    "" },
	{ STR_INIT("entity A={x: in};"), ERR_NAME_RESERVED, 1, 14, 2,
	    "expected a name, found the reserved word `in`",
	    "" },
	{ STR_INIT("entity A={x: true};"), ERR_NAME_RESERVED, 1, 14, 4,
	    "expected a name, found the reserved word `true`",
	    "" },
	{ STR_INIT("action true;"), ERR_NAME_RESERVED, 1, 8, 4,
	    "expected a name, found the reserved word `true`",
	    "in quotes it can be the name" },
	{ STR_INIT("entity true;"), ERR_NAME_RESERVED, 1, 8, 4,
	    "expected the name of an entity type, found the reserved word `true`",
	    "" },
	{ STR_INIT("entity A={permit:Long, forbid:Long, when:Long, unless:Long, principal:Long, action: Long, like:Long};"), ERR_NAME_RESERVED, 1, 91, 4,
	    "expected a name, found the reserved word `like`",
	    "in quotes it can be the name" },
	{ STR_INIT("entity A={has: Long};"), ERR_NAME_RESERVED, 1, 11, 3,
	    "expected a name, found the reserved word `has`",
	    "in quotes it can be the name" },
	{ STR_INIT("entity A = {is: Long};"), ERR_NAME_RESERVED, 1, 13, 2,
	    "expected a name, found the reserved word `is`",
	    "in quotes it can be the name" },
	{ STR_INIT("entity A={x:Long};\000"), ERR_SYNTAX_LEXICAL, 1, 19, 1,
	    "expected a token, found a character that no name or sign has",
	    "" },
	{ STR_INIT("action a in Action::b; action b;"), ERR_SYNTAX_UNEXPECTED, 1, 22, 1,
	    "expected `::\"...\"` after the action's type, found `;`",
	    "an action is `name`, `\"name\"` or `Namespace::Action::\"name\"`" },
	{ STR_INIT("enity A;"), ERR_SYNTAX_UNEXPECTED, 1, 1, 5,
	    "expected `entity`, `action`, `type` or `namespace`, found `enity`",
	    "did you mean `entity`?" },
	{ STR_INIT("namespce N {}"), ERR_SYNTAX_UNEXPECTED, 1, 1, 8,
	    "expected `entity`, `action`, `type` or `namespace`, found `namespce`",
	    "did you mean `namespace`?" },
	{ STR_INIT("namespace N {\n  entity A;\n"), ERR_SYNTAX_UNEXPECTED, 3, 1, 0,
	    "expected `}`, found the end of the text",
	    "the namespace that begins on line 1 is not closed" },
	{ STR_INIT("entity A\nentity B;\n"), ERR_SYNTAX_UNEXPECTED, 2, 1, 6,
	    "expected `in`, `{`, `tags`, `enum` or `;`, found `entity`",
	    "a declaration ends with `;`" },
	{ STR_INIT("entity A = {x: \"Long\"};"), ERR_SYNTAX_UNEXPECTED, 1, 16, 6,
	    "expected a type, found the string `\"Long\"`",
	    "" },
	{ STR_INIT("entity \"A\";"), ERR_SYNTAX_UNEXPECTED, 1, 8, 3,
	    "expected the name of an entity type, found the string `\"A\"`",
	    "" },
	{ STR_INIT("entity A = {x: Set Long};"), ERR_SYNTAX_UNEXPECTED, 1, 20, 4,
	    "expected `,` or `}` after the attribute, found `Long`",
	    "" },
	{ STR_INIT("entity A = {x = Long};"), ERR_SYNTAX_UNEXPECTED, 1, 15, 1,
	    "expected `:` or `?:` after the attribute's name, found `=`",
	    "" },
	{ STR_INIT("entity A in B, C;"), ERR_SYNTAX_UNEXPECTED, 1, 14, 1,
	    "expected `in`, `{`, `tags`, `enum` or `;`, found `,`",
	    "more than one stand in brackets: `[A, B]`" },
	{ STR_INIT("action a appliesTo { principals: A };"), ERR_SYNTAX_UNEXPECTED, 1, 22, 10,
	    "expected `principal`, `resource` or `context`, found `principals`",
	    "did you mean `principal`?" },
	{ STR_INIT("action a applyTo { principal: A };"), ERR_SYNTAX_UNEXPECTED, 1, 10, 7,
	    "expected `in`, `appliesTo` or `;`, found `applyTo`",
	    "did you mean `appliesTo`?" },
	{ STR_INIT("entity A enum;"), ERR_SYNTAX_UNEXPECTED, 1, 14, 1,
	    "expected `[`, found `;`",
	    "" },
	{ STR_INIT("entity A enum {\"a\"};"), ERR_SYNTAX_UNEXPECTED, 1, 15, 1,
	    "expected `[`, found `{`",
	    "" },
	{ STR_INIT("entity A tags;"), ERR_SYNTAX_UNEXPECTED, 1, 14, 1,
	    "expected a type, found `;`",
	    "" },
	{ STR_INIT("type T = ;"), ERR_SYNTAX_UNEXPECTED, 1, 10, 1,
	    "expected a type, found `;`",
	    "" },
	{ STR_INIT("entity A = {x: Long"), ERR_SYNTAX_UNEXPECTED, 1, 20, 0,
	    "expected `,` or `}` after the attribute, found the end of the text",
	    "" },
	{ STR_INIT("entity A = {x: \"unclosed};"), ERR_SYNTAX_STRING, 1, 16, 11,
	    "expected a closing quote",
	    "" },
	{ STR_INIT("entity A = {\"\\q\": Long};"), ERR_SYNTAX_STRING, 1, 14, 2,
	    "wrong escape `\\q` in a string: unknown escape",
	    "" },
	{ STR_INIT("entity E enum [\"\\u{zz}\"];"), ERR_SYNTAX_STRING, 1, 17, 3,
	    "wrong escape `\\u{` in a string: `\\u{...}` takes one to six hexadecimal digits",
	    "" },
	{ STR_INIT("namespace A::B { entity C } "), ERR_SYNTAX_UNEXPECTED, 1, 27, 1,
	    "expected `in`, `{`, `tags`, `enum` or `;`, found `}`",
	    "a declaration ends with `;`" },
	{ STR_INIT("@doc(\"x\" entity A;"), ERR_SYNTAX_UNEXPECTED, 1, 10, 6,
	    "expected `)`, found `entity`",
	    "" },
	{ STR_INIT("@ entity A;"), ERR_SYNTAX_UNEXPECTED, 1, 10, 1,
	    "expected `entity`, `action`, `type` or `namespace`, found `A`",
	    "" },
	{ STR_INIT("}"), ERR_SYNTAX_UNEXPECTED, 1, 1, 1,
	    "expected `entity`, `action`, `type` or `namespace`, found `}`",
	    "" },
	{ STR_INIT("entity A; }"), ERR_SYNTAX_UNEXPECTED, 1, 11, 1,
	    "expected `entity`, `action`, `type` or `namespace`, found `}`",
	    "" },
	{ STR_INIT("App::User;"), ERR_SYNTAX_UNEXPECTED, 1, 1, 3,
	    "expected `entity`, `action`, `type` or `namespace`, found `App`",
	    "" },
};

static const struct str good[] = {
	STR_INIT("namespace N {} "),
	STR_INIT("namespace N{entity A;} entity B={x:N::A};"),
	STR_INIT("entity Long; entity B={x:Long};"),
	STR_INIT("type ipaddr=String; entity B={x:ipaddr, y: __cedar::ipaddr};"),
	STR_INIT("entity Set; entity B={x:Set};"),
	STR_INIT("type decimal=Long;"),
	STR_INIT("entity B = {x:Long, x:String};"),
	STR_INIT("entity B tags {a:Long};"),
	STR_INIT("entity B tags Set<Long>;"),
	STR_INIT("entity B enum [\"a\",\"a\"];"),
	STR_INIT("entity B,C enum [\"a\"];"),
	STR_INIT("entity B in [];"),
	STR_INIT("entity B in B;"),
	STR_INIT("entity E enum [\"a\"]; entity B in E;"),
	STR_INIT("entity B in [B,B];"),
	STR_INIT("action a;"),
	STR_INIT("action a in [Action::\"b\"]; action b;"),
	STR_INIT("namespace N{action a; action b in N::Action::\"a\"; action c in Action::\"a\"; action d in a;}"),
	STR_INIT("namespace N{action b in [Action::\"a\"];} action a;"),
	STR_INIT("namespace N{action b in [a];} action a;"),
	STR_INIT("namespace M {action x;} namespace N{action b in [M::Action::\"x\"];}"),
	STR_INIT("action a appliesTo {principal: A, resource: [A], context: {}}; entity A;"),
	STR_INIT("entity A; action a appliesTo {context:{}, principal: A, resource: A,};"),
	STR_INIT("entity A; action a appliesTo {principal: [A,A], resource: A};"),
	STR_INIT("entity A; type C={x:Long}; action a appliesTo {principal: A, resource: A, context: C};"),
	STR_INIT("entity A; type D={}; type C=D; action a appliesTo {principal: A, resource: A, context: C};"),
	STR_INIT("entity A; action a appliesTo {principal: A, resource: A} attributes {};"),
	STR_INIT("entity A; action a attributes {};"),
	STR_INIT("entity A {x:Long} tags Long;"),
	STR_INIT("entity A = {x:Long,};"),
	STR_INIT("entity principal;"),
	STR_INIT("namespace N::M {entity A; action a;}"),
	STR_INIT("@a entity A;"),
	STR_INIT("@if(\"x\") entity A = {@doc(\"y\") x: Long};"),
	STR_INIT("@x(\"1\") namespace N {@y(\"2\") action a; @z(\"3\") type T=Long;}"),
	STR_INIT("entity A = {x: {y?: Set<Set<A>>}};"),
	STR_INIT("action principal;"),
	STR_INIT("action \"if\";"),
	STR_INIT(""),
	STR_INIT("// c"),
	STR_INIT("entity A; entity B; type A=Long;"),
	STR_INIT("entity A; type A=Long; entity B={x:A};"),
	STR_INIT("namespace N{type A=Long; entity A; entity B={x:A};}"),
	STR_INIT("entity A { \"\": Long };"),
	STR_INIT("entity A in [A] = {} tags Long;"),
	STR_INIT("action \"a\\nb\\u{41}\";"),
	STR_INIT("entity A={\"\\0\": Long};"),
	STR_INIT("entity E enum [\"\\0\\x41\"];"),
	STR_INIT("action a in [\"b c\"]; action \"b c\";"),
	STR_INIT("action a in \"b\"; action b;"),
	STR_INIT("action a in b appliesTo {principal: A, resource: A}; action b; entity A;"),
	STR_INIT("action a; entity A={x: Action};"),
	STR_INIT("action a; entity A={x: Set<Action>};"),
	STR_INIT("namespace N {action a;} entity A={x:N::Action};"),
	STR_INIT("type Action = Long;"),
	STR_INIT("namespace N{type Action=Long; action a; entity A={x:Action};}"),
	STR_INIT("namespace Action {entity A;}"),
	STR_INIT("action a; namespace N{entity A={x:Action};}"),
	STR_INIT("namespace N{action a; entity A={x:Action};}"),
	STR_INIT("entity A = {permit: Long, \"x y\"?: Long}; entity __x;"),
	STR_INIT("namespace N{entity A; entity B in [N::A, A];}"),
	STR_INIT("namespace N{entity String; entity B={x:String,y:__cedar::String};}"),
	STR_INIT("entity String; namespace N{entity B={x:String};}"),
	STR_INIT("type T = __cedar::String; namespace N {type U = T;}"),
	STR_INIT("entity Entity; entity B={x:Entity};"),
	STR_INIT("@a(\"1\") namespace N{}"),
	STR_INIT("type A = {@x y: {@z(\"q\") w?: Long}};"),
	STR_INIT("entity A={\"a\":Long}; @k(\"v\") type T=Long; @e entity B enum [\"x\"]; "),
	STR_INIT("entity A={x:N::B}; namespace N{entity B={y:A};}"),
	STR_INIT("entity A; @b action a appliesTo{principal:[A],resource:[A],context:{@an x:Long}};"),
	STR_INIT("entity A={__cedar:Long};"),
	STR_INIT("action __cedar;"),
	STR_INIT("entity A={x:N :: B}; namespace N{entity B;}"),
	STR_INIT("@a(\"x\" ) @b( \"y\") entity A;"),
	STR_INIT("action a in Action :: \"b\"; action b;"),
	STR_INIT("entity A in [A]\n{x:Long}tags Long;"),
	STR_INIT("entity type; type entity=Long; action action; action namespace; entity Set; entity tags tags Long; entity enum enum [\"a\"];"),
	STR_INIT("action appliesTo appliesTo {principal:A,resource:A}; entity A;"),
	STR_INIT("namespace A{} entity A={x:Long} ; "),
	STR_INIT("action a appliesTo{principal:N::A,resource:[N::A,N::B]}; namespace N{entity A,B;}"),
	STR_INIT("action a in [b,b]; action b;"),
	STR_INIT("entity A={x:Bool}; entity Bool;"),
	STR_INIT("namespace N{entity A in B;} entity B;"),
	STR_INIT("entity A={x: B::C}; namespace B{entity C;}"),
	STR_INIT("entity A = {\"\\u{1F600}\": Long};"),
	STR_INIT("entity A; // tail"),
	STR_INIT("entity A = {x:Long}\342\200\250;"),
	STR_INIT("entity A={x:\302\240Long};"),
	STR_INIT("type T={}; namespace N{type U={}; entity A; action a appliesTo{principal:A,resource:A,context:T}; action b appliesTo{principal:A,resource:A,context:N::U};}"),
	STR_INIT("type A=Set<{x:Long}>;"),
	STR_INIT("type A=Set < Long > ;"),
	STR_INIT("entity A={x: Set<Set<Long>>};"),
	STR_INIT("entity A={\"x\" ? : Long};"),
	STR_INIT("@a (\"x\") entity A;"),
	STR_INIT("@ a entity A;"),
	STR_INIT("entity A;entity B in[A];"),
	STR_INIT("action a appliesTo {principal:A,resource:A,context:{x:Long},}; entity A;"),
	STR_INIT("entity A tags{};"),
	STR_INIT("entity A = {} tags Long;"),
	STR_INIT("entity A {} ;"),
	STR_INIT("type T = N::U; namespace N{type U=Long;}"),
	STR_INIT("namespace N{type T=Long; entity A={x:N::T,y:T};}"),
	STR_INIT("action \"true\";"),
	STR_INIT("@true entity A;"),
	STR_INIT("entity E enum [\"a\",\"b\",\"a\"]; entity B = {e: E};"),
	STR_INIT("action \"x\" in [N::Action::\"y\"]; namespace N {action \"y\";}"),
	STR_INIT("action \"x\" in [\"y\", Action::\"z\"]; action y,z;"),
	STR_INIT("type A = B; type B = C; type C = Long; entity E={x:A};"),
	STR_INIT("entity A = { \"a\": Long, a: String };"),
};
/* clang-format on */

START_TEST(refused)
{
	schema_refuses(SCHEMA_CEDAR, &bad[_i]);
}
END_TEST

START_TEST(read)
{
	schema_reads(SCHEMA_CEDAR, good[_i]);
}
END_TEST

/* All that is wrong is told at once, in the order of the text. */
START_TEST(all_errors)
{
	static const struct {
		uint32_t line, col;
	} want[] = { { 2, 18 }, { 4, 3 }, { 6, 8 }, { 7, 14 }, { 9, 1 } };
	struct errors errors = { 0 };

	ck_assert(schema_new("s",
		      STR("namespace N {\n"
			  "  entity A = { x Long };\n"
			  "  type T = Long\n"
			  "  entity B;\n"
			  "}\n"
			  "entity if;\n"
			  "action a in [];\n"
			  "action b;\n"
			  "actoin c;\n"),
		      SCHEMA_CEDAR, &errors) == NULL);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		ck_assert_uint_eq(errors.e[i].at.line, want[i].line);
		ck_assert_uint_eq(errors.e[i].at.col, want[i].col);
	}
	ck_assert_uint_eq(errors.n, ARRAY_LEN(want));
}
END_TEST

static void
check_deep(unsigned levels, enum err_code want)
{
	struct buf text = { 0 };
	struct errors errors = { 0 };
	struct schema *s;

	buf_addz(&text, "type T = ");
	for (unsigned i = 0; i < levels; i++)
		buf_addz(&text, i % 2 ? "{a: " : "Set<");
	buf_addz(&text, "Long");
	for (unsigned i = levels; i-- > 0;)
		buf_addz(&text, i % 2 ? "}" : ">");
	buf_addz(&text, ";");
	s = schema_new("s", buf_str(&text), SCHEMA_CEDAR, &errors);
	ck_assert_int_eq(errors.e[0].code, want);
	ck_assert((s != NULL) == (want == ERR_NONE));
	schema_free(s);
	buf_free(&text);
}

START_TEST(nesting_is_bounded)
{
	check_deep(LIMIT_NESTING, ERR_NONE);
	check_deep(LIMIT_NESTING + 1, ERR_LIMIT_DEPTH);
	check_deep(100000, ERR_LIMIT_DEPTH);
}
END_TEST

START_TEST(not_utf8)
{
	struct errors errors = { 0 };

	ck_assert(schema_new("s", STR("entity A;\n\xff"), SCHEMA_CEDAR,
		      &errors) == NULL);
	ck_assert_int_eq(errors.e[0].code, ERR_SYNTAX_LEXICAL);
	ck_assert_uint_eq(errors.e[0].at.line, 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("schema_parse");
	TCase *tc = tcase_create("schema_parse");

	tcase_add_loop_test(tc, refused, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(tc, read, 0, ARRAY_LEN(good));
	tcase_add_test(tc, all_errors);
	tcase_add_test(tc, nesting_is_bounded);
	tcase_add_test(tc, not_utf8);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
