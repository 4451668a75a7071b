#include "policy/literal.h"

#include "tests/lib/run.h"

static const struct {
	struct str body, want;
	size_t bad_off, bad_len; /* of the wrong escape, when len > 0 */
} rows[] = {
	{ STR_INIT(""), STR_INIT(""), 0, 0 },
	{ STR_INIT("a\\n\\r\\t\\\\\\0\\'\\\""), STR_INIT("a\n\r\t\\\0'\""), 0,
	    0 },
	{ STR_INIT("\\x41\\x7f\\x00"), STR_INIT("A\x7f\0"), 0, 0 },
	{ STR_INIT("\\u{41}\\u{e9}\\u{20ac}\\u{1F600}\\u{10ffff}"),
	    STR_INIT("A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"),
	    0, 0 },
	{ STR_INIT("\\u{4_1}\\u{4__1_}\\u{000041}"), STR_INIT("AAA"), 0, 0 },
	{ STR_INIT("ab\\q"), STR_INIT("ab"), 2, 2 },
	{ STR_INIT("\\*"), STR_INIT(""), 0, 2 },
	{ STR_INIT("\\$"), STR_INIT(""), 0, 2 },
	{ STR_INIT("\\x80"), STR_INIT(""), 0, 4 },
	{ STR_INIT("\\x4"), STR_INIT(""), 0, 2 },
	{ STR_INIT("\\u41"), STR_INIT(""), 0, 2 },
	{ STR_INIT("\\u{}"), STR_INIT(""), 0, 3 },
	{ STR_INIT("\\u{_41}"), STR_INIT(""), 0, 3 },
	{ STR_INIT("\\u{0000041}"), STR_INIT(""), 0, 9 },
	{ STR_INIT("\\u{41"), STR_INIT(""), 0, 5 },
	{ STR_INIT("\\u{d800}"), STR_INIT(""), 0, 8 },
	{ STR_INIT("\\u{110000}"), STR_INIT(""), 0, 10 },
	{ STR_INIT("\\"), STR_INIT(""), 0, 1 },
	{ STR_INIT("\\\xc3\xa9"), STR_INIT(""), 0, 3 },
};

START_TEST(escapes)
{
	struct buf out = { 0 };
	struct literal_unit bad = { 0 };
	const char *why = NULL;
	bool ok = literal_unescape(rows[_i].body, &out, &bad, &why);

	ck_assert_msg(ok == (rows[_i].bad_len == 0), "row %d", _i);
	ck_assert(str_eq(buf_str(&out), rows[_i].want));
	if (!ok) {
		ck_assert_uint_eq(bad.off, rows[_i].bad_off);
		ck_assert_msg(
		    bad.len == rows[_i].bad_len, "row %d: %zu", _i, bad.len);
		ck_assert_ptr_nonnull(why);
	}
	buf_free(&out);
}
END_TEST

static const struct {
	struct str text;
	const char *string, *pattern, *scope;
} written[] = {
	{ STR_INIT("a*$ {${"), "a*$ {${", "a\\*$ {${", "a\\*$ {\\${" },
	{ STR_INIT("\0\n\t\r\"\\'"), "\\0\\n\\t\\r\\\"\\\\'",
	    "\\0\\n\\t\\r\\\"\\\\'", "\\0\\n\\t\\r\\\"\\\\'" },
	{ STR_INIT("\x01\x7f\xe2\x80\xae\xc3\xb6"),
	    "\\u{1}\\u{7f}\\u{202e}\xc3\xb6", "\\u{1}\\u{7f}\\u{202e}\xc3\xb6",
	    "\\u{1}\\u{7f}\\u{202e}\xc3\xb6" },
};

START_TEST(writing)
{
	static const enum literal_escapes kinds[] = { LITERAL_STRING,
		LITERAL_PATTERN, LITERAL_SCOPE };
	const char *const want[] = { written[_i].string, written[_i].pattern,
		written[_i].scope };

	for (size_t i = 0; i < 3; i++) {
		struct buf out = { 0 };

		literal_escape(&out, written[_i].text, kinds[i]);
		ck_str_is(buf_str(&out), want[i]);
		buf_free(&out);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("literal");
	TCase *tc = tcase_create("literal");

	tcase_add_loop_test(tc, escapes, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, writing, 0, ARRAY_LEN(written));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
