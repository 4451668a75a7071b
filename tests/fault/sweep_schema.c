/* sweep_schema.c - schemas and data by them with each allocation failing in
 * turn: the right answer, or limit.memory; never a schema that lacks something.
 */
#include "tests/fault/wrap.h"

#include "policy/schema_model.h"
#include "tests/lib/run.h"

static const char text[] =
    "@a(\"\\n\") namespace N { type T = {a: Long, a: String, \"\\t\"?: "
    "Set<ipaddr>};\n"
    "entity G; entity U in [G] = {t: T, e?: N :: U} tags decimal;\n"
    "entity E enum [\"x\", \"\\x41\"]; action all;\n"
    "action view, \"look at\" in [all, N::Action::\"all\"] appliesTo "
    "{principal: [U], resource: [G, E], context: {d: datetime}}; }\n";
/* No string of more than 13 bytes: jansson 2.14 writes beyond its buffer where
 * that cannot grow. */
static const char json[] =
    "{\"\":{\"commonTypes\":{\"T\":{\"type\":\"Record\",\"attributes\":{"
    "\"a\":{\"type\":\"Long\"}}}},\"entityTypes\":{\"A\":{\"memberOfTypes\":["
    "\"A\"],\"shape\":{\"type\":\"T\"}}},\"actions\":{\"b\":{}}}}";
static const char wrong[] = "entity A = {x: Foo}; action a in b; entity C in D;"
			    "type T = {a: T}; namespace N {entity A;}";
static const char data[] =
    "[{\"uid\":{\"type\":\"N::U\",\"id\":\"a\"},\"attrs\":{\"t\":{\"a\":\"s\","
    "\"\\t\":[\"::1\"]},\"e\":{\"type\":\"N::U\",\"id\":\"b\"}},\"parents\":[{"
    "\"type\":\"N::G\",\"id\":\"g\"}],\"tags\":{\"k\":\"1.5\"}},{\"uid\":{"
    "\"type\":\"N::Action\",\"id\":\"view\"},\"attrs\":{},\"parents\":[{"
    "\"type\":\"N::Action\",\"id\":\"all\"}]}]";

/* jansson calls a string that it had no memory for no string. */
static bool
is_memory(enum err_code code)
{
	return code == ERR_LIMIT_MEMORY || code == ERR_JSON_SYNTAX;
}

static bool
add_data(const struct schema *s)
{
	struct arena *a = arena_new(0);
	struct entities *layer = a ? entities_new(a, NULL) : NULL;
	struct error e = { 0 };
	bool ok = layer && schema_add_actions(s, layer, &e) &&
		  schema_add_entities_text(s, layer, str_of(data), "d", &e) &&
		  entities_finish(layer, &e);

	ck_assert_msg(ok || !layer || is_memory(e.code), "%s: %s",
	    error_id(e.code), e.msg);
	if (ok)
		ck_assert_uint_eq(entities_count(layer), 4);
	arena_free(a);
	return ok;
}

static bool
print_both(const struct schema *s)
{
	struct buf out = { 0 };
	struct error e = { 0 };
	bool ok = schema_print(s, SCHEMA_CEDAR, &out, &e) &&
		  schema_print(s, SCHEMA_JSON, &out, &e);

	ck_assert_msg(ok || e.code == ERR_LIMIT_MEMORY, "%s", e.msg);
	if (ok)
		ck_assert(str_has_suffix(buf_str(&out), STR("\n}\n")));
	buf_free(&out);
	return ok;
}

static bool
read_text(void *ctx)
{
	struct errors e = { 0 };
	struct schema *s = schema_new("f", str_of(text), SCHEMA_CEDAR, &e);
	bool ok;

	(void)ctx;
	if (!s) {
		ck_assert_uint_eq(e.n, 1);
		ck_assert_int_eq(e.e[0].code, ERR_LIMIT_MEMORY);
		return false;
	}
	ck_assert_uint_eq(s->n_types, 3);
	ck_assert_uint_eq(s->n_actions, 3);
	ck_assert_uint_eq(s->types[0].n_ids, 2);
	ok = add_data(s) && print_both(s);
	schema_free(s);
	return ok;
}

static bool
read_json(void *ctx)
{
	struct errors e = { 0 };
	struct schema *s = schema_new("f", str_of(json), SCHEMA_JSON, &e);

	(void)ctx;
	if (!s) {
		ck_assert_uint_eq(e.n, 1);
		ck_assert(is_memory(e.e[0].code));
		return false;
	}
	ck_assert_uint_eq(s->n_types, 1);
	ck_assert_uint_eq(s->types[0].shape->record.n, 1);
	schema_free(s);
	return true;
}

/* Five errors, or fewer and the lack of memory. */
static bool
read_wrong(void *ctx)
{
	struct errors e = { 0 };
	bool all;

	(void)ctx;
	ck_assert(schema_new("f", str_of(wrong), SCHEMA_CEDAR, &e) == NULL);
	ck_assert_uint_gt(e.n, 0);
	all = e.e[e.n - 1].code != ERR_LIMIT_MEMORY &&
	      e.e[0].code != ERR_LIMIT_MEMORY;
	if (all)
		ck_assert_uint_eq(e.n, 5);
	return all;
}

static const struct {
	const char *name;
	bool (*once)(void *ctx);
	long least;
} sweeps[] = {
	{ "schema text and data", read_text, 20 },
	{ "schema json", read_json, 10 },
	{ "wrong schema", read_wrong, 5 },
};

START_TEST(allocations_fail)
{
	ck_assert_int_ge(fault_sweep(sweeps[_i].name, sweeps[_i].once, NULL),
	    sweeps[_i].least);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sweep_schema");
	TCase *tc = tcase_create("sweep_schema");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, allocations_fail, 0, ARRAY_LEN(sweeps));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
