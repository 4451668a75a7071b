/* Canonical JSON beyond the published vectors: what has no canonical text, the
 * order of names, and numbers at their edges. */
#include "attest/jcs.h"

#include <math.h>

#include "tests/lib/run.h"

static const struct {
	const char *text, *want; /* want NULL: refused */
} rows[] = {
	{ "{}", "{}" },
	{ "[ ]", "[]" },
	{ "{\"b\":1,\"a\":2}", "{\"a\":2,\"b\":1}" },
	{ "{\"a\":1,\"\":2,\"aa\":3}", "{\"\":2,\"a\":1,\"aa\":3}" },
	/* UTF-16: a high surrogate comes before U+FB33. */
	{ "{\"\\ufb33\":1,\"\\ud83d\\ude00\":2}",
	    "{\"\xf0\x9f\x98\x80\":2,\"\xef\xac\xb3\":1}" },
	{ "\"\\u0008\\t\\n\\f\\r\\u000b\\u001f\\\"\\\\\\/\\u007f\"",
	    "\"\\b\\t\\n\\f\\r\\u000b\\u001f\\\"\\\\/\x7f\"" },
	{ "-0", "0" },
	{ "-0.0", "0" },
	{ "1.0", "1" },
	{ "1e0", "1" },
	{ "0.000001", "0.000001" },
	{ "0.0000001", "1e-7" },
	{ "1e21", "1e+21" },
	{ "123.456e-10", "1.23456e-8" },
	{ "9007199254740992", "9007199254740992" },
	{ "-9007199254740992", "-9007199254740992" },
	{ "9007199254740993", NULL },
	{ "-49007199254740992", NULL },
	{ "1e20", NULL },
	{ "[1,{\"a\":9007199254740993}]", NULL },
};

START_TEST(a_text)
{
	json_t *v = NULL;
	struct buf out = { 0 };
	struct error err = { 0 };

	json_setup();
	ck_assert(json_parse(
	    str_of(rows[_i].text), NULL, 10000, 16, JSON_NO_NUL, &v, NULL));
	ck_assert_int_eq(jcs_write(v, &out, &err), rows[_i].want != NULL);
	if (rows[_i].want)
		ck_str_is(buf_str(&out), rows[_i].want);
	else
		ck_assert_int_eq(err.code, ERR_JSON_SHAPE);
	json_decref(v);
	buf_free(&out);
}
END_TEST

START_TEST(no_number)
{
	struct buf out = { 0 };

	ck_assert(!jcs_write_number((double)NAN, &out));
	ck_assert(!jcs_write_number((double)INFINITY, &out));
	ck_assert(!jcs_write_number(-(double)INFINITY, &out));
	ck_assert_uint_eq(out.n, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("jcs");
	TCase *tc = tcase_create("jcs");

	tcase_add_loop_test(tc, a_text, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, no_number);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
