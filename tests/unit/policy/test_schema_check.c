/* Values and entities, made without JSON, against a schema. */
#include "policy/schema_model.h"

#include "tests/lib/run.h"

#define SCHEMA                                                                 \
	"entity G; entity U in G = {a: Long, r?: {b: Bool}, s?: Set<Z>} tags " \
	"String; entity Z enum [\"x\"]; action all; action ro in all; action " \
	"view in ro appliesTo {principal: U, resource: G};"

static struct schema *
make(void)
{
	struct errors errors = { 0 };
	struct schema *s = schema_new("s", STR(SCHEMA), SCHEMA_CEDAR, &errors);

	ck_assert_msg(s != NULL, "%s", errors.e[0].msg);
	return s;
}

static struct value
record(struct value_field *fields, size_t n)
{
	struct value v;
	struct str dup;

	ck_assert(value_record_take(fields, n, &v, &dup));
	return v;
}

static struct value
entity(struct str type, struct str id)
{
	return value_entity((struct uid){ type, id });
}

START_TEST(value_is)
{
	static const struct type yes = { .kind = TYPE_TRUE };
	static const struct type never = { .kind = TYPE_NEVER };
	static const struct type any = { TYPE_ENTITY,
		{ .entity = SCHEMA_NONE } };
	struct schema *s = make();
	const struct type *shape =
	    s->types[schema_find_type(s, STR("U"))].shape;
	const struct type *a = schema_find_attribute(shape, STR("a"))->type;
	const struct type *r = schema_find_attribute(shape, STR("r"))->type;
	const struct type *set = schema_find_attribute(shape, STR("s"))->type;
	struct value one = value_long(1), t = value_bool(true),
		     f = value_bool(false);
	struct value z = entity(STR("Z"), STR("x"));
	struct value q = entity(STR("Z"), STR("q"));
	struct value items[] = { z }, wrong_items[] = { z, q };
	struct value_field fields[] = { { STR("b"), t } },
			   more[] = { { STR("b"), t }, { STR("c"), t } };
	struct value v;

	ck_assert(schema_value_is(s, &one, a));
	ck_assert(!schema_value_is(s, &t, a));
	ck_assert(schema_value_is(s, &t, &yes));
	ck_assert(!schema_value_is(s, &f, &yes));
	ck_assert(!schema_value_is(s, &one, &never));
	ck_assert(schema_value_is(s, &z, &any));
	v = value_set_take(items, 1);
	ck_assert(schema_value_is(s, &v, set));
	v = value_set_take(items, 0);
	ck_assert(schema_value_is(s, &v, set));
	v = value_set_take(wrong_items, 2);
	ck_assert(!schema_value_is(s, &v, set));
	v = record(fields, 1);
	ck_assert(schema_value_is(s, &v, r));
	v = record(more, 2);
	ck_assert(!schema_value_is(s, &v, r));
	v = record(NULL, 0);
	ck_assert(!schema_value_is(s, &v, r));
	schema_free(s);
}
END_TEST

static void
check_entity(const struct schema *s, const struct entities *layer,
    const struct entity *e, const char *want)
{
	struct error err = { 0 };

	ck_assert_int_eq(schema_check_entity(s, layer, e, &err), !want);
	ck_assert_str_eq(err.msg, want ? want : "");
	ck_assert_int_eq(err.code, want ? ERR_SCHEMA_ENTITY : ERR_NONE);
}

START_TEST(entities)
{
	struct schema *s = make();
	struct uid g = { STR("G"), STR("g") }, t = { STR("T"), STR("t") };
	struct value_field a[] = { { STR("a"), value_long(1) } };
	struct value_field tags[] = { { STR("k"), value_string(STR("v")) } };
	struct value_field wrong[] = { { STR("k"), value_long(1) } };
	struct entity e = { .uid = { STR("U"), STR("u") },
		.attrs = record(a, 1),
		.tags = record(tags, 1),
		.parents = &g,
		.n_parents = 1 };

	check_entity(s, NULL, &e, NULL);
	e.tags = record(wrong, 1);
	check_entity(
	    s, NULL, &e, "`U::\"u\".tags.k`: expected String, found a long");
	e.tags = (struct value){ 0 };
	check_entity(s, NULL, &e, NULL);
	e.parents = &t;
	check_entity(s, NULL, &e,
	    "`U::\"u\"`: an entity of this type may not be in `T::\"t\"`");
	e.n_parents = 0;
	e.attrs = (struct value){ 0 };
	check_entity(s, NULL, &e, "`U::\"u\"`: the attribute `a` is missing");
	e.uid.type = STR("G");
	check_entity(s, NULL, &e, NULL);
	e.uid.type = STR("Nope");
	check_entity(s, NULL, &e,
	    "`Nope::\"u\"`: the schema declares no entity type `Nope`");
	schema_free(s);
}
END_TEST

/* An action's groups are all that it can reach. */
START_TEST(actions)
{
	struct schema *s = make();
	struct arena *arena = arena_new(0);
	struct entities *layer = entities_new(arena, NULL);
	struct uid groups[] = { { STR("Action"), STR("ro") },
		{ STR("Action"), STR("all") } };
	struct entity e = { .uid = { STR("Action"), STR("view") },
		.parents = groups,
		.n_parents = 1 };
	const char *const differ = "`Action::\"view\"`: its groups are not "
				   "those that the schema declares";

	check_entity(s, NULL, &e, differ);
	e.n_parents = 2;
	check_entity(s, NULL, &e, NULL);
	e.n_parents = 1;
	ck_assert(schema_add_actions(s, layer, NULL));
	ck_assert(entities_finish(layer, NULL));
	check_entity(s, layer, &e, NULL);
	groups[0] = (struct uid){ STR("G"), STR("g") };
	check_entity(s, layer, &e, differ);
	arena_free(arena);
	schema_free(s);
}
END_TEST

START_TEST(requests)
{
	struct schema *s = make();
	struct uid u = { STR("U"), STR("u") }, g = { STR("G"), STR("g") };
	struct uid view = { STR("Action"), STR("view") };
	struct uid veiw = { STR("Action"), STR("veiw") };
	struct value empty = record(NULL, 0);
	struct error err = { 0 };

	ck_assert(schema_check_request(s, u, view, g, &empty, &err));
	ck_assert(!schema_check_request(s, g, view, u, &empty, &err));
	ck_assert_int_eq(err.code, ERR_SCHEMA_REQUEST);
	err = (struct error){ 0 };
	ck_assert(!schema_check_request(s, u, veiw, g, &empty, &err));
	ck_assert_str_eq(err.msg,
	    "`action`: the schema declares no action `Action::\"veiw\"`");
	ck_assert_str_eq(err.hint, "did you mean `view`?");
	schema_free(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("schema_check");
	TCase *tc = tcase_create("schema_check");

	tcase_add_test(tc, value_is);
	tcase_add_test(tc, entities);
	tcase_add_test(tc, actions);
	tcase_add_test(tc, requests);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
