/* test_json_places.c - each value is found where it is written. */
#include "base/json_places.h"

#include "tests/lib/run.h"

static const struct {
	struct str text;
	const char *path[4]; /* keys; digits are indexes */
	struct str value, key;
} cases[] = {
	{ STR_INIT(" [ ] "), { NULL }, STR_INIT("[ ]"), STR_INIT("") },
	{ STR_INIT("{\"a\" : 12 }"), { "a" }, STR_INIT("12"),
	    STR_INIT("\"a\"") },
	{ STR_INIT("{\"a\":{\"b\":[1,true,\"x\\\"]\"]}}"), { "a", "b", "2" },
	    STR_INIT("\"x\\\"]\""), STR_INIT("") },
	{ STR_INIT("{\"z\":null,\n\"a\":{\"z\":-1.5e3}}"), { "a", "z" },
	    STR_INIT("-1.5e3"), STR_INIT("\"z\"") },
	{ STR_INIT("{\"\\u0061\":\"same\",\"b\":\"same\"}"), { "b" },
	    STR_INIT("\"same\""), STR_INIT("\"b\"") },
	{ STR_INIT("[[],[[]],{}]"), { "1", "0" }, STR_INIT("[]"),
	    STR_INIT("") },
};

static const json_t *
follow(const json_t *v, const char *const *path)
{
	for (; *path; path++)
		v = json_is_array(v) ? json_array_get(v, (size_t)(**path - '0'))
				     : json_object_get(v, *path);
	return v;
}

START_TEST(finds)
{
	struct arena *a = arena_new(0);
	struct str text = cases[_i].text;
	const struct json_places *places;
	struct json_place p;
	json_t *root;

	ck_assert(json_parse(text, "t", 1000, 10, JSON_NO_NUL, &root, NULL));
	ck_assert(json_places_new(a, text, root, &places, NULL));
	ck_assert(json_places_find(places, follow(root, cases[_i].path), &p));
	ck_assert(str_eq(str_sub(text, p.off, p.off + p.len), cases[_i].value));
	ck_assert(str_eq(
	    str_sub(text, p.key_off, p.key_off + p.key_len), cases[_i].key));
	ck_assert(!json_places_find(places, json_true(), &p));
	json_decref(root);
	arena_free(a);
}
END_TEST

static const struct {
	struct str parsed, text;
} others[] = {
	{ STR_INIT("[1]"), STR_INIT("[1,2]") },
	{ STR_INIT("[1,2]"), STR_INIT("[1]") },
	{ STR_INIT("{\"a\":1}"), STR_INIT("[1]") },
	{ STR_INIT("\"a\""), STR_INIT("\"a") },
	{ STR_INIT("1"), STR_INIT("1 2") },
	{ STR_INIT("1"), STR_INIT("") },
};

START_TEST(refuses_another_text)
{
	struct arena *a = arena_new(0);
	const struct json_places *places;
	struct error e = { 0 };
	json_t *root;

	ck_assert(json_parse(
	    others[_i].parsed, "t", 1000, 10, JSON_NO_NUL, &root, NULL));
	ck_assert(!json_places_new(a, others[_i].text, root, &places, &e));
	ck_assert_int_eq(e.code, ERR_JSON_SHAPE);
	json_decref(root);
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("json_places");
	TCase *tc = tcase_create("json_places");

	tcase_add_loop_test(tc, finds, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, refuses_another_text, 0, ARRAY_LEN(others));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
