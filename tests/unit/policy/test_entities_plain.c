/* test_entities_plain.c - records read without a tree are what they are when
 * read with one: by hand, and with bytes changed at random. */
#include <stdlib.h>

#include "policy/value.h"
#include "tests/lib/run.h"

static struct arena *a;

static void
setup(void)
{
	a = arena_new(0);
}

static void
teardown(void)
{
	arena_free(a);
}

/* *ret_is_json false: the error is of the text as a whole, where one of an
 * earlier record may be found first. */
static bool
read_tree(struct entities *layer, struct str text, bool *ret_is_json,
    struct error *err)
{
	json_t *json = NULL;
	bool ok;

	*ret_is_json =
	    json_parse(text, "f", 1 << 20, 64, JSON_DATA_FILE, &json, err);
	ok = *ret_is_json && entities_add_json(layer, json, "f", err);
	json_decref(json);
	return ok;
}

/* Is the text read? Both ways say the same. */
static bool
check_same(struct str text)
{
	struct entities *x = entities_new(a, NULL), *y = entities_new(a, NULL);
	struct error ex = { 0 }, ey = { 0 };
	bool one = entities_add_text(x, text, "f", &ex);
	bool is_json, other = read_tree(y, text, &is_json, &ey);

	ck_assert_msg(
	    one == other, "%.*s: %s, %s", STR_ARG(text), ex.msg, ey.msg);
	if (one) {
		json_t *jx = entities_to_json(x), *jy = entities_to_json(y);

		ck_assert_msg(json_equal(jx, jy), "%.*s", STR_ARG(text));
		json_decref(jx);
		json_decref(jy);
	} else if (is_json) {
		ck_assert_msg(ex.code == ey.code, "%.*s: %s, %s", STR_ARG(text),
		    ex.msg, ey.msg);
		ck_assert_str_eq(ex.msg, ey.msg);
	}
	return one;
}

#define UID "\"uid\":{\"type\":\"U\",\"id\":\"a\"}"
#define WITH(attrs) "[{" UID ",\"attrs\":{" attrs "},\"parents\":[]}]"
#define OF(parents) "[{" UID ",\"attrs\":{},\"parents\":[" parents "]}]"
#define G(id) "{\"type\":\"G\",\"id\":\"" id "\"}"

static const struct {
	const char *note, *text;
	bool ok;
} cases[] = {
	{ "no record", "[]", true },
	{ "all kinds", WITH("\"s\":\"x\",\"n\":12,\"t\":true,\"f\":false"),
	    true },
	{ "spaces",
	    " [ { \"uid\" : { \"id\" : \"a\" , \"type\" : \"U\" } , \"attrs\" "
	    ": "
	    "{ \"x\" : 1 } , \"parents\" : [ " G("g") " , " G("h") " ] } ] ",
	    true },
	{ "members in another order",
	    "[{\"parents\":[],\"attrs\":{},\"uid\":{\"id\":\"a\",\"type\":"
	    "\"U\"}}]",
	    true },
	{ "two, one with a tree",
	    "[{" UID ",\"attrs\":{},\"parents\":[]},{\"uid\":{\"type\":\"U\","
	    "\"id\":\"b\"},\"attrs\":{\"x\":[1,2]},\"parents\":[]}]",
	    true },
	{ "numbers", WITH("\"x\":0,\"y\":999999999999999999"), true },
	{ "the largest number", WITH("\"x\":9223372036854775807"), true },
	{ "a number that does not fit", WITH("\"x\":9223372036854775808"),
	    false },
	{ "a negative number", WITH("\"x\":-5"), true },
	{ "minus zero", WITH("\"x\":-0"), true },
	{ "a leading zero", WITH("\"x\":01"), false },
	{ "a real", WITH("\"x\":1.5"), false },
	{ "an exponent", WITH("\"x\":1e3"), false },
	{ "null", WITH("\"x\":null"), false },
	{ "half a word", WITH("\"x\":tru"), false },
	{ "a word with more", WITH("\"x\":truex"), false },
	{ "an escape", WITH("\"x\":\"a\\n\\u00e9\""), true },
	{ "a quote escaped", WITH("\"x\":\"\\\"\""), true },
	{ "not ASCII", WITH("\"x\":\"\xc3\xa9\""), true },
	{ "not UTF-8", WITH("\"x\":\"\xff\""), false },
	{ "a control byte", WITH("\"x\":\"\x01\""), false },
	{ "a key twice", WITH("\"x\":1,\"x\":1"), false },
	{ "keys unsorted", WITH("\"b\":1,\"a\":2,\"\":3"), true },
	{ "a comma too many", WITH("\"x\":1,"), false },
	{ "a comma too few", WITH("\"x\":1 \"y\":2"), false },
	{ "an entity as a value",
	    WITH("\"x\":{\"__entity\":{\"type\":\"U\",\"id\":\"b\"}}"), true },
	{ "the name of an escape", WITH("\"__entity\":\"x\""), true },
	{ "17 attributes",
	    WITH("\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,"
		 "\"h\":1,\"i\":1,\"j\":1,\"k\":1,\"l\":1,\"m\":1,\"n\":1,"
		 "\"o\":1,\"p\":1,\"q\":1"),
	    true },
	{ "17 parents",
	    OF(G("a") "," G("b") "," G("c") "," G("d") "," G("e") "," G("f") "," G("g") "," G("h") "," G(
		"i") "," G("j") "," G("k") "," G("l") "," G("m") "," G("n") "," G("o") "," G("p") "," G("q")),
	    true },
	{ "a parent twice", OF(G("g") "," G("g")), true },
	{ "a parent of no type", OF("{\"type\":\"\",\"id\":\"g\"}"), false },
	{ "a parent of a reserved type", OF("{\"type\":\"if\",\"id\":\"g\"}"),
	    false },
	{ "a parent without id", OF("{\"type\":\"G\"}"), false },
	{ "a parent with more", OF("{\"type\":\"G\",\"id\":\"g\",\"x\":1}"),
	    true },
	{ "a parent's type twice",
	    OF("{\"type\":\"G\",\"type\":\"G\",\"id\":\"g\"}"), false },
	{ "an empty id", OF(G("")), true },
	{ "a group of an action",
	    "[{\"uid\":{\"type\":\"Action\",\"id\":\"a\"},\"attrs\":{},"
	    "\"parents\":[" G("g") "]}]",
	    false },
	{ "no parents", "[{" UID ",\"attrs\":{}}]", false },
	{ "no attributes", "[{" UID ",\"parents\":[]}]", false },
	{ "no uid", "[{\"attrs\":{},\"parents\":[]}]", false },
	{ "a member twice", "[{" UID "," UID ",\"attrs\":{},\"parents\":[]}]",
	    false },
	{ "a member more", "[{" UID ",\"attrs\":{},\"parents\":[],\"x\":1}]",
	    true },
	{ "tags",
	    "[{" UID ",\"attrs\":{},\"parents\":[],\"tags\":{\"k\":\"v\"}}]",
	    true },
	{ "the same record twice",
	    "[{" UID ",\"attrs\":{},\"parents\":[]},{" UID
	    ",\"attrs\":{},\"parents\":[]}]",
	    true },
	{ "another record of the same entity",
	    "[{" UID ",\"attrs\":{},\"parents\":[]},{" UID
	    ",\"attrs\":{\"x\":1},\"parents\":[]}]",
	    false },
	{ "no comma between records",
	    "[{" UID ",\"attrs\":{},\"parents\":[]} {" UID
	    ",\"attrs\":{},\"parents\":[]}]",
	    false },
	{ "something behind", OF("") "x", false },
	{ "no end", "[{" UID ",\"attrs\":{},\"parents\":[]}", false },
	{ "cut off", "[{" UID ",\"attrs\":{\"x\":1", false },
	{ "an object", "{" UID ",\"attrs\":{},\"parents\":[]}", false },
};

START_TEST(plain_is_as_a_tree)
{
	ck_assert_msg(check_same(str_of(cases[_i].text)) == cases[_i].ok, "%s",
	    cases[_i].note);
}
END_TEST

/* Most changes break the text; some make another one of it. */
START_TEST(plain_with_changed_bytes)
{
	static const char base[] =
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"dept\":"
	    "\"d1\","
	    "\"level\":12,\"on\":true},\"parents\":[{\"type\":\"G\",\"id\":"
	    "\"g\"}"
	    ",{\"type\":\"G\",\"id\":\"h\"}]},\n{\"uid\":{\"type\":\"U\","
	    "\"id\":"
	    "\"b\"},\"attrs\":{\"dept\":\"d1\"},\"parents\":[]}]";
	static const char bytes[] = "\"\\{}[]:,0123456789.-e tfnulrsabUG\n\x80";
	uint64_t seed = 1 + (uint64_t)_i;

	for (int round = 0; round < 3000; round++) {
		char text[sizeof base];

		memcpy(text, base, sizeof base);
		for (int k = 0; k < 1 + round % 3; k++) {
			seed =
			    seed * 6364136223846793005u + 1442695040888963407u;
			text[(seed >> 33) % (sizeof base - 1)] =
			    bytes[(seed >> 20) % (sizeof bytes - 1)];
		}
		(void)check_same(
		    (struct str){ text, sizeof base - 1 - (round % 7 == 6) });
		arena_reset(a);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("entities_plain");
	TCase *tc = tcase_create("entities_plain");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, plain_is_as_a_tree, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, plain_with_changed_bytes, 0, 3);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
