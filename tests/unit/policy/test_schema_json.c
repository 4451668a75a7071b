/* What of a schema in JSON is read, and what is refused where.
 * Verdicts are those of Cedar 4.10's own reader; places and words are ours. */
#include "policy/schema.h"

#include "tests/unit/policy/schema_kit.h"

/* clang-format off */
static const struct schema_bad bad[] = {
	{ STR_INIT("{\"\":{}}"), ERR_JSON_SHAPE, 1, 5, 2,
	    "a namespace must have the member `entityTypes`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{}}}"), ERR_JSON_SHAPE, 1, 5, 18,
	    "a namespace must have the member `actions`",
	    "" },
	{ STR_INIT("{\"\":{\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 5, 14,
	    "a namespace must have the member `entityTypes`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{},\"foo\":1}}"), ERR_JSON_SHAPE, 1, 36, 5,
	    "a namespace has no member `foo`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"__cedar::Boolean\"}}}}},\"actions\":{}}}"), ERR_SCHEMA_NAME, 1, 77, 18,
	    "`__cedar::Boolean` is not declared as a common type",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"EntityOrCommon\",\"name\":\"Boolean\"}}}}},\"actions\":{}}}"), ERR_SCHEMA_NAME, 1, 101, 9,
	    "`Boolean` is not declared as a common type or an entity type",
	    "did you mean `Bool`?" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"A\"}}}}},\"actions\":{}}}"), ERR_SCHEMA_NAME, 1, 77, 3,
	    "`A` is not declared as a common type",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Entity\",\"name\":\"Z\"}}}}},\"actions\":{}}}"), ERR_SCHEMA_NAME, 1, 93, 3,
	    "`Z` is not declared as an entity type",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Entity\",\"name\":\"__cedar::A\"}}}}},\"actions\":{}}}"), ERR_SCHEMA_NAME, 1, 93, 12,
	    "`__cedar::A` is not declared as an entity type",
	    "did you mean `A`?" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Extension\",\"name\":\"ip\"}}}}},\"actions\":{}}}"), ERR_SCHEMA_NAME, 1, 96, 4,
	    "there is no extension type `ip`",
	    "those there are: `ipaddr`, `decimal`, `datetime`, `duration`, `version`, `debversion`, `rpmversion`" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Extension\",\"name\":\"__cedar::ipaddr\"}}}}},\"actions\":{}}}"), ERR_SCHEMA_NAME, 1, 96, 17,
	    "there is no extension type `__cedar::ipaddr`",
	    "those there are: `ipaddr`, `decimal`, `datetime`, `duration`, `version`, `debversion`, `rpmversion`" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Set\"}}}}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 69, 14,
	    "the type `Set` must have the member `element`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Set\",\"element\":{\"type\":\"Long\",\"required\":true}}}}}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 93, 31,
	    "the type `Long` has no member `required`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Record\"}}}}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 69, 17,
	    "the type `Record` must have the member `attributes`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Record\",\"attributes\":{},\"additionalAttributes\":true}}}}},\"actions\":{}}}"), ERR_SYNTAX_UNSUPPORTED, 1, 69, 61,
	    "records with other than the declared attributes are not supported",
	    "take `additionalAttributes` away" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Long\",\"name\":\"x\"}}}}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 84, 6,
	    "the type `Long` has no member `name`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Long\",\"required\":\"x\"}}}}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 95, 3,
	    "`required` must be true or false",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Long\",\"foo\":1}}}}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 84, 5,
	    "the type `Long` has no member `foo`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{}}}}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 69, 2,
	    "a type must have the member `type`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":\"Long\"}}}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 69, 6,
	    "a type must be an object",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Entity\"}}}}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 69, 17,
	    "the type `Entity` must have the member `name`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Long\",\"element\":{\"type\":\"Long\"}}}}}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 84, 9,
	    "the type `Long` has no member `element`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Record\",\"attributes\":{},\"element\":1}}}}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 102, 9,
	    "the type `Record` has no member `element`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"T\"}}}}},\"actions\":{}}}"), ERR_SCHEMA_NAME, 1, 77, 3,
	    "`T` is not declared as a common type",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Long\"}},\"required\":true}}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 34, 68,
	    "the type `Record` has no member `required`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"T\"}}},\"actions\":{},\"commonTypes\":{\"T\":{\"type\":\"Long\"}}}}"), ERR_SCHEMA_SHAPE, 1, 42, 3,
	    "the shape of `A` must be a record",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Long\"}}},\"actions\":{}}}"), ERR_SCHEMA_SHAPE, 1, 34, 15,
	    "the shape of `A` must be a record",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"enum\":[]}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 33, 2,
	    "`enum` must name an id at least",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"enum\":[\"a\"],\"shape\":{\"type\":\"Record\",\"attributes\":{}}}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 39, 7,
	    "an enumerated entity type has no member `shape`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"enum\":[\"a\"],\"memberOfTypes\":[]}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 39, 15,
	    "an enumerated entity type has no member `memberOfTypes`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"enum\":\"a\"}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 33, 3,
	    "`enum` must be an array",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"foo\":1}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 26, 5,
	    "an entity type has no member `foo`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A::B\":{}},\"actions\":{}}}"), ERR_SCHEMA_SHAPE, 1, 21, 6,
	    "expected the name of an entity type, found `A::B`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"a b\":{}},\"actions\":{}}}"), ERR_SCHEMA_SHAPE, 1, 21, 5,
	    "expected the name of an entity type, found `a b`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"if\":{}},\"actions\":{}}}"), ERR_NAME_RESERVED, 1, 21, 4,
	    "expected the name of an entity type, found the reserved word `if`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"Action\":{}},\"actions\":{}}}"), ERR_NAME_RESERVED, 1, 21, 8,
	    "an entity type may not be called `Action`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"memberOfTypes\":[\"A\",\"Z\"]}},\"actions\":{}}}"), ERR_SCHEMA_NAME, 1, 47, 3,
	    "`Z` is not declared as an entity type",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"memberOfTypes\":null}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 25, 22,
	    "`memberOfTypes` must be an array",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":null}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 25, 14,
	    "`shape` must be an object",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"tags\":null}},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 25, 13,
	    "`tags` must be an object",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{}},\"actions\":{\"a\":{\"appliesTo\":{}}}}}"), ERR_JSON_SHAPE, 1, 57, 2,
	    "`appliesTo` must have the member `principalTypes`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{}},\"actions\":{\"a\":{\"appliesTo\":{\"principalTypes\":[\"A\"]}}}}}"), ERR_JSON_SHAPE, 1, 57, 24,
	    "`appliesTo` must have the member `resourceTypes`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{}},\"actions\":{\"a\":{\"appliesTo\":{\"principalTypes\":[\"A\"],\"resourceTypes\":[\"A\"],\"context\":{\"type\":\"Entity\",\"name\":\"A\"}}}}}}"), ERR_SCHEMA_SHAPE, 1, 137, 3,
	    "the context of `a` must be a record",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"A\":{}},\"actions\":{\"a\":{\"appliesTo\":{\"principalTypes\":[\"A\"],\"resourceTypes\":[\"A\"],\"foo\":1}}}}}"), ERR_JSON_SHAPE, 1, 103, 5,
	    "`appliesTo` has no member `foo`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"attributes\":{}}}}}"), ERR_SYNTAX_UNSUPPORTED, 1, 39, 12,
	    "attributes of actions are not supported",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"attributes\":{\"x\":1}}}}}"), ERR_SYNTAX_UNSUPPORTED, 1, 39, 12,
	    "attributes of actions are not supported",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"attributes\":{\"x\":\"a\",\"y\":[1],\"z\":{\"r\":true}}}}}}"), ERR_SYNTAX_UNSUPPORTED, 1, 39, 12,
	    "attributes of actions are not supported",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"memberOf\":[{\"id\":\"b\",\"foo\":\"Action\"}]},\"b\":{\"memberOf\":[]}}}}"), ERR_JSON_SHAPE, 1, 61, 5,
	    "an action's group has no member `foo`",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"memberOf\":[\"b\"]},\"b\":{}}}}"), ERR_JSON_SHAPE, 1, 51, 3,
	    "an action's group must be an object",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"memberOf\":[{\"id\":\"b\",\"type\":\"Foo\"}]},\"b\":{}}}}"), ERR_SCHEMA_NAME, 1, 51, 23,
	    "the action `b` is not declared",
	    "there is one of this name in another namespace" },
	{ STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"foo\":1}}}}"), ERR_JSON_SHAPE, 1, 39, 5,
	    "an action has no member `foo`",
	    "" },
	{ STR_INIT("{\"N\":{\"entityTypes\":{},\"actions\":{},\"annotations\":{\"x\":\"y\",\"bad key\":\"z\"}}}"), ERR_JSON_SHAPE, 1, 60, 9,
	    "`bad key` is no name of an annotation",
	    "" },
	{ STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{},\"annotations\":{\"x\":\"y\"}}}"), ERR_JSON_SHAPE, 1, 36, 13,
	    "what has no namespace cannot be annotated as one",
	    "" },
	{ STR_INIT("{\"N\":{\"entityTypes\":{},\"actions\":{},\"annotations\":{\"x\":1}}}"), ERR_JSON_SHAPE, 1, 56, 1,
	    "the value of an annotation must be a string",
	    "" },
	{ STR_INIT("{\"N \":{\"entityTypes\":{},\"actions\":{}}}"), ERR_NAME_RESERVED, 1, 2, 4,
	    "`N ` is no name of a namespace",
	    "" },
	{ STR_INIT("{\"if\":{\"entityTypes\":{},\"actions\":{}}}"), ERR_NAME_RESERVED, 1, 2, 4,
	    "`if` is no name of a namespace",
	    "" },
	{ STR_INIT("{\"__cedar\":{\"entityTypes\":{},\"actions\":{}}}"), ERR_NAME_RESERVED, 1, 2, 9,
	    "`__cedar` is no name of a namespace",
	    "" },
	{ STR_INIT("{\"\":{\"commonTypes\":{\"Long\":{\"type\":\"String\"}},\"entityTypes\":{},\"actions\":{}}}"), ERR_NAME_RESERVED, 1, 21, 6,
	    "a common type may not be called `Long`",
	    "" },
	{ STR_INIT("{\"\":{\"commonTypes\":{\"T\":{\"type\":\"Long\",\"required\":true}},\"entityTypes\":{},\"actions\":{}}}"), ERR_JSON_SHAPE, 1, 25, 31,
	    "the type `Long` has no member `required`",
	    "" },
	{ STR_INIT("{\"\":{\"commonTypes\":{\"T\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"T\"}}}},\"entityTypes\":{},\"actions\":{}}}"), ERR_SCHEMA_CYCLE, 1, 68, 3,
	    "the common type `T` contains itself",
	    "" },
};

static const struct str good[] = {
	STR_INIT("{}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Long\"}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Bool\"}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Boolean\"}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"__cedar::Bool\"}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"__cedar::Long\"}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"EntityOrCommon\",\"name\":\"Bool\"}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"EntityOrCommon\",\"name\":\"__cedar::Bool\"}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"EntityOrCommon\",\"name\":\"A\"}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Entity\",\"name\":\"A\"}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Extension\",\"name\":\"ipaddr\"}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Extension\",\"name\":\"decimal\"}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"ipaddr\"}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"decimal\"}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"__cedar::ipaddr\"}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Set\",\"element\":{\"type\":\"Long\"}}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Set\",\"element\":{\"type\":\"Set\",\"element\":{\"type\":\"String\"}}}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Record\",\"attributes\":{}}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Record\",\"attributes\":{\"y\":{\"type\":\"Long\",\"required\":false}},\"additionalAttributes\":false}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Long\",\"required\":false}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Entity\",\"name\":\"A\",\"annotations\":{\"a\":\"b\"}}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Long\",\"annotations\":{\"a\":null}}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Record\",\"attributes\":{\"y\":{\"type\":\"Long\",\"annotations\":{\"k\":\"v\"}}}}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"T\"}}},\"actions\":{},\"commonTypes\":{\"T\":{\"type\":\"Record\",\"attributes\":{}}}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"EntityOrCommon\",\"name\":\"T\"}}},\"actions\":{},\"commonTypes\":{\"T\":{\"type\":\"Record\",\"attributes\":{}}}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"tags\":{\"type\":\"T\"}}},\"actions\":{},\"commonTypes\":{\"T\":{\"type\":\"Record\",\"attributes\":{}}}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"enum\":[\"a\",\"a\"]}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{\"enum\":[\"a\"],\"annotations\":{\"q\":\"r\"}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{}},\"actions\":{\"a\":{}}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{}},\"actions\":{\"a\":{\"appliesTo\":null}}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{}},\"actions\":{\"a\":{\"appliesTo\":{\"principalTypes\":[],\"resourceTypes\":[]}}}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{}},\"actions\":{\"a\":{\"appliesTo\":{\"principalTypes\":[\"A\"],\"resourceTypes\":[]}}}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{}},\"actions\":{\"a\":{\"appliesTo\":{\"principalTypes\":[],\"resourceTypes\":[],\"context\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Long\"}}}}}}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{}},\"actions\":{\"a\":{\"appliesTo\":{\"principalTypes\":[\"A\"],\"resourceTypes\":[\"A\"],\"context\":{\"type\":\"T\"}}}},\"commonTypes\":{\"T\":{\"type\":\"Record\",\"attributes\":{}}}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"A\":{}},\"actions\":{\"a\":{\"appliesTo\":{\"principalTypes\":[\"A\"],\"resourceTypes\":[\"A\"],\"context\":{\"type\":\"EntityOrCommon\",\"name\":\"T\"}}}},\"commonTypes\":{\"T\":{\"type\":\"Record\",\"attributes\":{}}}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"attributes\":null}}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"memberOf\":[{\"id\":\"b\"}]},\"b\":{\"memberOf\":null}}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"memberOf\":[{\"id\":\"b\",\"type\":\"Action\"}]},\"b\":{\"memberOf\":[]}}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"memberOf\":[{\"id\":\"b\",\"type\":null}]},\"b\":{}}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"annotations\":{\"x\":\"y\"}}},\"annotations\":{}}}"),
	STR_INIT("{\"N::M\":{\"entityTypes\":{},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"commonTypes\":{\"ipaddr\":{\"type\":\"String\"}},\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"ipaddr\"},\"y\":{\"type\":\"Extension\",\"name\":\"ipaddr\"}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"commonTypes\":{\"T\":{\"type\":\"Long\",\"annotations\":{\"a\":\"b\"}}},\"entityTypes\":{},\"actions\":{}}}"),
	STR_INIT("{\"N\":{\"commonTypes\":{\"T\":{\"type\":\"Long\"}},\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"N::T\"},\"y\":{\"type\":\"Entity\",\"name\":\"N::A\"},\"z\":{\"type\":\"Entity\",\"name\":\"A\"},\"w\":{\"type\":\"Set\",\"element\":{\"type\":\"EntityOrCommon\",\"name\":\"A\"}}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{\"Long\":{},\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Long\"},\"y\":{\"type\":\"EntityOrCommon\",\"name\":\"Long\"},\"z\":{\"type\":\"Entity\",\"name\":\"Long\"}}}}},\"actions\":{}}}"),
	STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{\"\":{}}}}"),
};
/* clang-format on */

START_TEST(refused)
{
	schema_refuses(SCHEMA_JSON, &bad[_i]);
}
END_TEST

START_TEST(read)
{
	schema_reads(SCHEMA_JSON, good[_i]);
}
END_TEST

/* All that is wrong is told at once. */
START_TEST(all_errors)
{
	static const struct {
		uint32_t line, col;
	} want[] = { { 2, 25 }, { 3, 19 }, { 4, 19 }, { 4, 38 }, { 5, 34 } };
	struct errors errors = { 0 };

	ck_assert(schema_new("s",
		      STR("{\"\": {\n"
			  "  \"entityTypes\": {\"A\": {\"shap\": {}},\n"
			  "    \"B\": {\"tags\": 1},\n"
			  "    \"C\": {\"tags\": {\"type\": \"Entity\", "
			  "\"nam\": \"A\"}}},\n"
			  "  \"actions\": {\"a\": {\"memberOf\": [1]}}}}"),
		      SCHEMA_JSON, &errors) == NULL);
	ck_assert_uint_eq(errors.n, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		ck_assert_uint_eq(errors.e[i].at.line, want[i].line);
		ck_assert_uint_eq(errors.e[i].at.col, want[i].col);
	}
}
END_TEST

START_TEST(keys_with_nul)
{
	struct errors errors = { 0 };

	ck_assert(schema_new("s", STR("{\"a\\u0000\":{}}"), SCHEMA_JSON,
		      &errors) == NULL);
	ck_assert_int_eq(errors.e[0].code, ERR_JSON_NUL_KEY);
	ck_assert_uint_eq(errors.e[0].at.col, 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("schema_json");
	TCase *tc = tcase_create("schema_json");

	tcase_add_loop_test(tc, refused, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(tc, read, 0, ARRAY_LEN(good));
	tcase_add_test(tc, all_errors);
	tcase_add_test(tc, keys_with_nul);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
