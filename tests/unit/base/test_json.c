/* test_json.c - limits first, then jansson, then its errors as ours. */
#include "base/json.h"

#include "tests/lib/run.h"

#define MORE 1000000u, 32

static const struct {
	const char *note;
	struct str text;
	enum json_mode mode;
	enum err_code code;
	uint32_t line, col;
} bad[] = {
	{ "empty", STR_INIT(""), JSON_NO_NUL, ERR_JSON_SYNTAX, 1, 1 },
	{ "a NUL at the end", STR_INIT("[]\0"), JSON_NO_NUL, ERR_JSON_SYNTAX, 1,
	    3 },
	{ "a NUL and more", STR_INIT("1\0{"), JSON_DATA_FILE, ERR_JSON_SYNTAX,
	    1, 2 },
	{ "spaces alone", STR_INIT(" \n "), JSON_NO_NUL, ERR_JSON_SYNTAX, 2,
	    2 },
	{ "a word", STR_INIT("{\n  \"a\": flase\n}"), JSON_NO_NUL,
	    ERR_JSON_SYNTAX, 2, 8 },
	{ "cut", STR_INIT("{\"a\":1"), JSON_NO_NUL, ERR_JSON_SYNTAX, 1, 7 },
	{ "two values", STR_INIT("{}\n []"), JSON_NO_NUL, ERR_JSON_SYNTAX, 2,
	    2 },
	{ "a comma too much", STR_INIT("[1,]"), JSON_NO_NUL, ERR_JSON_SYNTAX, 1,
	    4 },
	{ "comment", STR_INIT("[1] // x"), JSON_NO_NUL, ERR_JSON_SYNTAX, 1, 5 },
	{ "leading zero", STR_INIT("[01]"), JSON_NO_NUL, ERR_JSON_SYNTAX, 1,
	    2 },
	{ "NaN", STR_INIT("[NaN]"), JSON_NO_NUL, ERR_JSON_SYNTAX, 1, 2 },
	{ "byte order mark", STR_INIT("\xef\xbb\xbf{}"), JSON_NO_NUL,
	    ERR_JSON_SYNTAX, 1, 1 },
	{ "over 64 bits", STR_INIT("[1, 9223372036854775808]"), JSON_NO_NUL,
	    ERR_JSON_SYNTAX, 1, 5 },
	{ "under 64 bits", STR_INIT("[-9223372036854775809]"), JSON_NO_NUL,
	    ERR_JSON_SYNTAX, 1, 2 },
	{ "real too large", STR_INIT("[1e999]"), JSON_NO_NUL, ERR_JSON_SYNTAX,
	    1, 2 },
	{ "key twice", STR_INIT("{\"a\":1,\n \"a\":1}"), JSON_NO_NUL,
	    ERR_JSON_DUPLICATE, 2, 2 },
	{ "key twice, otherwise written", STR_INIT("{\"a\":1,\"\\u0061\":1}"),
	    JSON_NO_NUL, ERR_JSON_DUPLICATE, 1, 8 },
	{ "long key twice",
	    STR_INIT("{\"a key of over twenty bytes\":1,"
		     "\"a key of over twenty bytes\":2}"),
	    JSON_NO_NUL, ERR_JSON_DUPLICATE, 1, 33 },
	{ "key with quotes twice", STR_INIT("{\"q\\\"\":1,\"q\\\"\":2}"),
	    JSON_NO_NUL, ERR_JSON_DUPLICATE, 1, 10 },
	{ "deep key twice", STR_INIT("[{\"o\":{\"b\":1,\"b\":2}}]"),
	    JSON_DATA_FILE, ERR_JSON_DUPLICATE, 1, 14 },
	{ "NUL in a key", STR_INIT("{\"a\\u0000b\":1}"), JSON_NO_NUL,
	    ERR_JSON_NUL_KEY, 1, 2 },
	{ "NUL in a key of a data file", STR_INIT("{\"a\\u0000b\":1}"),
	    JSON_DATA_FILE, ERR_JSON_NUL_KEY, 1, 2 },
	{ "NUL in a value", STR_INIT("[\"a\\u0000\"]"), JSON_NO_NUL,
	    ERR_JSON_SYNTAX, 1, 2 },
	{ "NUL byte", STR_INIT("[\0]"), JSON_DATA_FILE, ERR_JSON_SYNTAX, 1, 2 },
	{ "NUL byte at the end", STR_INIT("[]\0"), JSON_DATA_FILE,
	    ERR_JSON_SYNTAX, 1, 3 },
	{ "raw newline in a string", STR_INIT("[\"a\n\"]"), JSON_NO_NUL,
	    ERR_JSON_SYNTAX, 1, 2 },
	{ "broken UTF-8", STR_INIT("[\"\xff\"]"), JSON_NO_NUL, ERR_JSON_SYNTAX,
	    1, 3 },
	{ "half a surrogate", STR_INIT("[\"\\ud800\"]"), JSON_NO_NUL,
	    ERR_JSON_SYNTAX, 1, 2 },
	{ "behind wide characters", STR_INIT("[\"\xc3\xa9\xc3\xa9\", x]"),
	    JSON_NO_NUL, ERR_JSON_SYNTAX, 1, 8 },
};

START_TEST(refuses_with_a_place)
{
	struct error e = { 0 };
	json_t *value = NULL;

	ck_assert_msg(
	    !json_parse(bad[_i].text, "f.json", MORE, bad[_i].mode, &value, &e),
	    "%s", bad[_i].note);
	ck_assert_ptr_null(value);
	ck_assert_msg(e.code == bad[_i].code && e.at.line == bad[_i].line &&
			  e.at.col == bad[_i].col,
	    "%s: %s at %u:%u: %s", bad[_i].note, error_id(e.code), e.at.line,
	    e.at.col, e.msg);
	ck_assert_str_eq(e.at.file, "f.json");
}
END_TEST

static const struct {
	const char *text, *want;
	enum json_mode mode;
} good[] = {
	{ "{ \"b\" : 1 , \"a\" : [ ] }", "{\"b\":1,\"a\":[]}", JSON_NO_NUL },
	{ "\"scalar\"", "\"scalar\"", JSON_NO_NUL },
	{ "7", "7", JSON_NO_NUL },
	{ "null", "null", JSON_NO_NUL },
	{ "-0", "0", JSON_NO_NUL },
	{ "9223372036854775807", "9223372036854775807", JSON_NO_NUL },
	{ "-9223372036854775808", "-9223372036854775808", JSON_NO_NUL },
	{ "[\"\\u0000\"]", "[\"\\u0000\"]", JSON_DATA_FILE },
	{ "[\"\\ud83d\\ude00\"]", "[\"\\uD83D\\uDE00\"]", JSON_NO_NUL },
	{ "{\"a\":{\"a\":1}}", "{\"a\":{\"a\":1}}", JSON_NO_NUL },
	{ "[\"[[[[[[{{{{{\\\"[[[[[[\"]", "[\"[[[[[[{{{{{\\\"[[[[[[\"]",
	    JSON_NO_NUL },
};

START_TEST(reads_and_writes)
{
	struct error e = { 0 };
	struct buf b = { 0 };
	json_t *value = NULL;

	ck_assert_msg(json_parse(str_of(good[_i].text), "f", 100, 2,
			  good[_i].mode, &value, &e),
	    "%s: %s", good[_i].text, e.msg);
	ck_assert(json_write(&b, value));
	ck_str_is(buf_str(&b), good[_i].want);
	json_decref(value);
	buf_free(&b);
}
END_TEST

START_TEST(reals_are_told_from_integers)
{
	static const char *const reals[] = { "1.0", "1e3", "-0.0", "1E0" };

	for (size_t i = 0; i < ARRAY_LEN(reals); i++) {
		json_t *value = NULL;

		ck_assert(json_parse(
		    str_of(reals[i]), "f", MORE, JSON_NO_NUL, &value, NULL));
		ck_assert_msg(json_is_real(value) && !json_is_integer(value),
		    "%s", reals[i]);
		json_decref(value);
	}
}
END_TEST

static const struct {
	const char *text;
	unsigned limit;
	uint32_t col; /* 0: accepted */
} depths[] = {
	{ "[[]]", 2, 0 },
	{ "[[[]]]", 2, 3 },
	{ "{\"a\":{\"b\":{}}}", 3, 0 },
	{ "{\"a\":[{}]}", 2, 7 },
	{ "[[],[],[]]", 2, 0 },
	{ "[\"[\",\"\\\"[\",[]]", 2, 0 },
	{ "[[[[[[[[", 4, 5 },
	{ "1", 0, 0 },
	{ "[]", 0, 1 },
};

START_TEST(depth_is_counted_outside_strings)
{
	struct error e = { 0 };
	json_t *value = NULL;
	bool ok = json_parse(str_of(depths[_i].text), "f", 1000,
	    depths[_i].limit, JSON_NO_NUL, &value, &e);

	ck_assert_msg(ok == (depths[_i].col == 0), "%s", depths[_i].text);
	if (!ok) {
		ck_assert_int_eq(e.code, ERR_LIMIT_DEPTH);
		ck_assert_uint_eq(e.at.col, depths[_i].col);
	}
	json_decref(value);
}
END_TEST

START_TEST(size_is_limited)
{
	struct error e = { 0 };
	json_t *value = NULL;

	ck_assert(
	    !json_parse(STR("[1,2]"), "f", 4, 9, JSON_NO_NUL, &value, &e));
	ck_assert_int_eq(e.code, ERR_LIMIT_SIZE);
	ck_assert_uint_eq(e.at.line, 0);
	ck_assert(
	    json_parse(STR("[1,2]"), "f", 5, 9, JSON_NO_NUL, &value, NULL));
	json_decref(value);
}
END_TEST

START_TEST(only_the_text_is_read)
{
	json_t *value = NULL;

	/* The slice ends inside a longer text without a NUL. */
	ck_assert(json_parse(
	    (struct str){ "[1]]]", 3 }, "f", MORE, JSON_NO_NUL, &value, NULL));
	json_decref(value);
}
END_TEST

START_TEST(strings_of_any_bytes)
{
	static const struct {
		struct str bytes, want;
	} rows[] = {
		{ STR_INIT("a\0b"), STR_INIT("a\0b") },
		{ STR_INIT(""), STR_INIT("") },
		{ STR_INIT("\xc3\xa9"), STR_INIT("\xc3\xa9") },
		{ STR_INIT("x\xffy"), STR_INIT("x\xef\xbf\xbdy") },
		{ STR_INIT("\xe2\x82"), STR_INIT("\xef\xbf\xbd\xef\xbf\xbd") },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *value = json_from_str(rows[i].bytes);

		ck_assert_ptr_nonnull(value);
		ck_assert(str_eq(json_str(value), rows[i].want));
		json_decref(value);
	}
}
END_TEST

START_TEST(pretty_is_indented)
{
	json_t *value = NULL;
	struct buf b = { 0 };

	ck_assert(json_parse(
	    STR("{\"b\":[1]}"), "f", MORE, JSON_NO_NUL, &value, NULL));
	ck_assert(json_write_pretty(&b, value));
	ck_str_is(buf_str(&b), "{\n  \"b\": [\n    1\n  ]\n}");
	b.failed = true;
	ck_assert(!json_write(&b, value));
	json_decref(value);
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("json");
	TCase *tc = tcase_create("json");

	json_setup();
	tcase_add_loop_test(tc, refuses_with_a_place, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(tc, reads_and_writes, 0, ARRAY_LEN(good));
	tcase_add_test(tc, reals_are_told_from_integers);
	tcase_add_loop_test(
	    tc, depth_is_counted_outside_strings, 0, ARRAY_LEN(depths));
	tcase_add_test(tc, size_is_limited);
	tcase_add_test(tc, only_the_text_is_read);
	tcase_add_test(tc, strings_of_any_bytes);
	tcase_add_test(tc, pretty_is_indented);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
