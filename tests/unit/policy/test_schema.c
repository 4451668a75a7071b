/* Reading a schema in both syntaxes, and asking it. */
#include "policy/schema_model.h"

#include "tests/lib/run.h"

#define TEXT                                                                   \
	"namespace App {\n"                                                    \
	"  type Place = {street: String, no?: Long};\n"                        \
	"  entity Group;\n"                                                    \
	"  entity User in [Group] = {home: Place, friends: Set<User>} tags "   \
	"String;\n"                                                            \
	"  entity Size enum [\"small\", \"large\"];\n"                         \
	"  action all;\n"                                                      \
	"  action view, \"look at\" in all appliesTo {principal: User, "       \
	"resource: [User, Group], context: {from: ipaddr}};\n"                 \
	"}\n"
#define JSON                                                                   \
	"{\"App\":{\"commonTypes\":{\"Place\":{\"type\":\"Record\","           \
	"\"attributes\":{\"street\":{\"type\":\"String\"},\"no\":{\"type\":"   \
	"\"Long\",\"required\":false}}}},\"entityTypes\":{\"Group\":{},"       \
	"\"User\":{\"memberOfTypes\":[\"Group\"],\"shape\":{\"type\":"         \
	"\"Record\",\"attributes\":{\"home\":{\"type\":\"Place\"},"            \
	"\"friends\":{\"type\":\"Set\",\"element\":{\"type\":\"Entity\","      \
	"\"name\":\"User\"}}}},\"tags\":{\"type\":\"String\"}},\"Size\":{"     \
	"\"enum\":[\"small\",\"large\"]}},\"actions\":{\"all\":{},\"view\":{"  \
	"\"memberOf\":[{\"id\":\"all\"}],\"appliesTo\":{\"principalTypes\":["  \
	"\"User\"],\"resourceTypes\":[\"User\",\"Group\"],\"context\":{"       \
	"\"type\":\"Record\",\"attributes\":{\"from\":{\"type\":"              \
	"\"Extension\",\"name\":\"ipaddr\"}}}}},\"look at\":{\"memberOf\":[{"  \
	"\"id\":\"all\",\"type\":\"App::Action\"}],\"appliesTo\":{"            \
	"\"principalTypes\":[\"User\"],\"resourceTypes\":[\"User\","           \
	"\"Group\"],\"context\":{\"type\":\"Record\",\"attributes\":{"         \
	"\"from\":{\"type\":\"ipaddr\"}}}}}}}}"

static struct schema *
read(enum schema_syntax syntax)
{
	struct errors errors = { 0 };
	struct schema *s = schema_new("s",
	    syntax == SCHEMA_JSON ? STR(JSON) : STR(TEXT), syntax, &errors);

	ck_assert_msg(s != NULL, "%s", errors.e[0].msg);
	return s;
}

static void
check_shape(const struct schema *s, const struct type *type, const char *want)
{
	struct buf text = { 0 };

	schema_print_type(s, type, &text);
	ck_str_is(buf_str(&text), want);
	buf_free(&text);
}

START_TEST(types)
{
	struct schema *s = read((enum schema_syntax)_i);
	uint32_t user = schema_find_type(s, STR("App::User"));
	uint32_t group = schema_find_type(s, STR("App::Group"));
	const struct schema_entity_type *size =
	    &s->types[schema_find_type(s, STR("App::Size"))];

	ck_assert_uint_eq(s->n_types, 3);
	ck_assert_uint_eq(schema_find_type(s, STR("User")), SCHEMA_NONE);
	check_shape(s, s->types[user].shape,
	    "{friends: Set<App::User>, home: {no?: Long, street: String}}");
	check_shape(s, s->types[user].tags, "String");
	ck_assert(schema_type_in(s, user, group));
	ck_assert(schema_type_in(s, user, user));
	ck_assert(!schema_type_in(s, group, user));
	ck_assert_uint_eq(size->n_ids, 2);
	ck_str_is(size->ids[0], "large");
	ck_assert(
	    schema_find_attribute(s->types[user].shape, STR("home")) != NULL);
	ck_assert(
	    schema_find_attribute(s->types[user].shape, STR("hom")) == NULL);
	schema_free(s);
}
END_TEST

START_TEST(actions)
{
	struct schema *s = read((enum schema_syntax)_i);
	struct uid all = { STR("App::Action"), STR("all") };
	struct uid look = { STR("App::Action"), STR("look at") };
	uint32_t at = schema_find_action(s, look);
	const struct schema_action *a = &s->actions[at];

	ck_assert_uint_eq(s->n_actions, 3);
	ck_assert_uint_eq(a->n_principals, 1);
	ck_assert_uint_eq(a->n_resources, 2);
	ck_assert_uint_eq(a->n_ancestors, 1);
	ck_assert_uint_eq(a->ancestors[0], schema_find_action(s, all));
	check_shape(s, a->context, "{from: ipaddr}");
	ck_assert(schema_has_action_type(s, STR("App::Action")));
	ck_assert(!schema_has_action_type(s, STR("Action")));
	ck_assert_uint_eq(
	    schema_find_any_type(s, STR("App::Action")), s->n_types);
	ck_str_is(schema_type_name(s, s->n_types), "App::Action");
	schema_free(s);
}
END_TEST

START_TEST(syntax_is_guessed)
{
	ck_assert_int_eq(schema_syntax_of("a.json", STR("")), SCHEMA_JSON);
	ck_assert_int_eq(schema_syntax_of("a", STR(" \n{}")), SCHEMA_JSON);
	ck_assert_int_eq(
	    schema_syntax_of("a.cedarschema", STR("entity A;")), SCHEMA_CEDAR);
	ck_assert_int_eq(schema_syntax_of("a", STR("")), SCHEMA_CEDAR);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("schema");
	TCase *tc = tcase_create("schema");

	tcase_add_loop_test(tc, types, SCHEMA_CEDAR, SCHEMA_JSON + 1);
	tcase_add_loop_test(tc, actions, SCHEMA_CEDAR, SCHEMA_JSON + 1);
	tcase_add_test(tc, syntax_is_guessed);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
