/* test_error.c - first cause wins, the table of codes, how a message looks. */
#include "base/error.h"

#include <ctype.h>
#include <stdlib.h>

#include "tests/lib/run.h"

START_TEST(first_cause_wins)
{
	struct error e = { 0 };
	struct span at = { "f", 3, 4, 5 };

	ck_assert(!error_set(&e, ERR_JSON_SHAPE, at, "want %d", 1));
	ck_assert(!error_set(&e, ERR_USAGE, SPAN_NONE, "later"));
	ck_assert(!error_nomem(&e));
	ck_assert_int_eq(e.code, ERR_JSON_SHAPE);
	ck_assert_uint_eq(e.at.line, 3);
	ck_assert_str_eq(e.msg, "want 1");
	error_hint(&e, "do %s", "this");
	ck_assert_str_eq(e.hint, "do this");
}
END_TEST

START_TEST(no_storage_is_allowed)
{
	ck_assert(!error_set(NULL, ERR_USAGE, SPAN_NONE, "x"));
	ck_assert(!error_nomem(NULL));
	error_hint(NULL, "x");
	ck_assert_ptr_null(errors_add(NULL, ERR_USAGE, SPAN_NONE, "x"));
}
END_TEST

START_TEST(out_of_memory_has_its_code)
{
	struct error e = { 0 };
	struct errors all = { 0 };

	ck_assert(!error_nomem(&e));
	ck_assert_int_eq(e.code, ERR_LIMIT_MEMORY);
	ck_assert(!errors_nomem(&all));
	ck_assert_uint_eq(all.n, 1);
	ck_assert_int_eq(all.e[0].code, ERR_LIMIT_MEMORY);
	ck_assert_str_eq(all.e[0].msg, e.msg);
}
END_TEST

/* Messages are cut between characters: 239 bytes hold 79 euro signs and an
 * x, or 79 euro signs and two bytes of the next. */
START_TEST(long_messages_stay_utf8)
{
	for (int shift = 0; shift < 4; shift++) {
		struct error e = { 0 };
		struct buf b = { 0 };

		for (int i = 0; i < shift; i++)
			buf_byte(&b, 'x');
		for (int i = 0; i < 300; i++)
			buf_addz(&b, "\xe2\x82\xac");
		(void)error_set(&e, ERR_USAGE, SPAN_NONE, "%s", b.p);
		ck_assert(str_is_utf8(str_of(e.msg)));
		ck_assert_uint_ge(strlen(e.msg), sizeof e.msg - 3);
		ck_assert_int_eq(strncmp(e.msg, b.p, strlen(e.msg)), 0);
		buf_free(&b);
	}
}
END_TEST

START_TEST(a_message_that_fits_whole_is_whole)
{
	struct error e = { 0 };
	char text[sizeof e.msg + 1] = "";

	memset(text, 'x', sizeof e.msg);
	(void)error_set(&e, ERR_USAGE, SPAN_NONE, "%s", text);
	ck_assert_uint_eq(strlen(e.msg), sizeof e.msg - 1);
}
END_TEST

START_TEST(lists_count_what_they_drop)
{
	static struct errors list;
	struct error one = { .code = ERR_USAGE, .msg = "m", .hint = "h" };

	for (int i = 0; i < ERRORS_MAX - 1; i++)
		ck_assert_ptr_nonnull(
		    errors_add(&list, ERR_JSON_SHAPE, SPAN_NONE, "%d", i));
	ck_assert(!errors_take(&list, &one));
	ck_assert_uint_eq(list.n, ERRORS_MAX);
	ck_assert_str_eq(list.e[ERRORS_MAX - 1].hint, "h");
	ck_assert_ptr_null(errors_add(&list, ERR_USAGE, SPAN_NONE, "x"));
	ck_assert(!errors_take(&list, &one));
	ck_assert_uint_eq(list.dropped, 2);
	ck_assert_str_eq(list.e[0].msg, "0");
}
END_TEST

START_TEST(codes_are_told_by_their_id)
{
	for (int code = ERR_NONE + 1; code < ERR_COUNT; code++) {
		const char *id = error_id((enum err_code)code);

		ck_assert_msg(strlen(id) <= 64 && *id, "code %d", code);
		/* What headers may carry (SECURITY 11). */
		for (const char *p = id; *p; p++)
			ck_assert_msg(islower((unsigned char)*p) ||
					  isdigit((unsigned char)*p) ||
					  *p == '_' || *p == '.',
			    "%s", id);
		ck_assert_int_eq(error_from_id(str_of(id)), code);
		ck_assert(*error_help((enum err_code)code));
	}
	ck_assert_int_eq(error_from_id(STR("")), ERR_NONE);
	ck_assert_int_eq(error_from_id(STR("no.such")), ERR_NONE);
	ck_assert_str_eq(error_id(ERR_NONE), "");
}
END_TEST

START_TEST(statuses_fail_closed)
{
	ck_assert_int_eq(error_http(ERR_PERMIT), 204);
	ck_assert_int_eq(error_http(ERR_EVIDENCE_MISSING), 401);
	ck_assert_int_eq(error_http(ERR_POLICY_NONE), 403);
	ck_assert_int_eq(error_http(ERR_NONE), 0);
	ck_assert_int_eq(error_http((enum err_code)9999), 403);
	ck_assert_str_eq(error_id((enum err_code)9999), "system.error");
	for (int code = ERR_PERMIT + 1; code < ERR_COUNT; code++) {
		int http = error_http((enum err_code)code);

		ck_assert_msg(http == 0 || http == 202 || http >= 400, "%s",
		    error_id((enum err_code)code));
	}
}
END_TEST

static const struct {
	const char *note;
	struct span at;
	const char *msg, *hint;
	struct str text;
	const char *want;
} prints[] = {
	{ "no place", { 0 }, "bad", "", STR_INIT("text"),
	    "error: bad [usage]\n" },
	{ "a file alone", { "f", 0, 0, 0 }, "bad", "", STR_INIT("text"),
	    "f: error: bad [usage]\n" },
	{ "no text", { "f", 1, 2, 3 }, "bad", "try", STR_INIT(""),
	    "f:1:2: error: bad [usage]\nhint: try\n" },
	{ "a line that is not there", { "f", 3, 1, 1 }, "bad", "",
	    STR_INIT("a\nb"), "f:3:1: error: bad [usage]\n" },
	{ "underline", { "f", 2, 3, 2 }, "bad", "do", STR_INIT("x\nabcd\ny"),
	    "f:2:3: error: bad [usage]\n  abcd\n    ^^\nhint: do\n" },
	{ "no length", { "f", 1, 1, 0 }, "bad", "", STR_INIT("abcd"),
	    "f:1:1: error: bad [usage]\n  abcd\n  ^\n" },
	{ "over the end", { "f", 1, 3, 99 }, "bad", "", STR_INIT("abcd\ne"),
	    "f:1:3: error: bad [usage]\n  abcd\n    ^^\n" },
	{ "at the end", { "f", 1, 5, 1 }, "bad", "", STR_INIT("abcd"),
	    "f:1:5: error: bad [usage]\n  abcd\n      ^\n" },
	{ "far behind the end", { "f", 1, 4000000000, 4000000000 }, "bad", "",
	    STR_INIT("ab"),
	    "f:1:4000000000: error: bad [usage]\n  ab\n    ^\n" },
	{ "the empty last line", { "f", 2, 1, 1 }, "bad", "", STR_INIT("a\n"),
	    "f:2:1: error: bad [usage]\n  \n  ^\n" },
	{ "carriage return", { "f", 1, 1, 2 }, "bad", "", STR_INIT("ab\r\nc"),
	    "f:1:1: error: bad [usage]\n  ab\n  ^^\n" },
	{ "tab before", { "f", 1, 2, 1 }, "bad", "", STR_INIT("\tx"),
	    "f:1:2: error: bad [usage]\n          x\n          ^\n" },
	{ "tab in the middle", { "f", 1, 3, 2 }, "bad", "", STR_INIT("ab\tc"),
	    "f:1:3: error: bad [usage]\n  ab      c\n    ^^^^^^^\n" },
	{ "multi-byte before", { "f", 1, 3, 1 }, "bad", "",
	    STR_INIT("\xc3\xa9 x"),
	    "f:1:3: error: bad [usage]\n  \\u{e9} x\n         ^\n" },
	{ "multi-byte below", { "f", 1, 2, 1 }, "bad", "",
	    STR_INIT("a\xe2\x82\xac"),
	    "f:1:2: error: bad [usage]\n  a\\u{20ac}\n   ^^^^^^^^\n" },
	{ "control bytes", { "f\x1b", 1, 1, 1 }, "b\nad", "h\x07",
	    STR_INIT("\x1b[2J"),
	    "f\\u{1b}:1:1: error: b\\u{a}ad [usage]\n  \\u{1b}[2J\n"
	    "  ^^^^^^\nhint: h\\u{7}\n" },
	{ "broken bytes", { "f", 1, 2, 1 }, "bad", "", STR_INIT("\xff\xfe"),
	    "f:1:2: error: bad [usage]\n  \\xff\\xfe\n      ^^^^\n" },
	{ "NUL", { "f", 1, 2, 1 }, "bad", "", STR_INIT("\0x"),
	    "f:1:2: error: bad [usage]\n  \\u{0}x\n       ^\n" },
};

START_TEST(prints_place_quote_and_hint)
{
	struct error e = { .code = ERR_USAGE, .at = prints[_i].at };
	struct buf b = { 0 };

	strncpy(e.msg, prints[_i].msg, sizeof e.msg - 1);
	strncpy(e.hint, prints[_i].hint, sizeof e.hint - 1);
	error_print(&b, &e, prints[_i].text);
	ck_assert_msg(str_eq(buf_str(&b), str_of(prints[_i].want)),
	    "%s:\n%s\nwant:\n%s", prints[_i].note, b.p, prints[_i].want);
	buf_free(&b);
}
END_TEST

START_TEST(prints_all_and_how_many_more)
{
	struct errors errors = { .n = 2, .dropped = 3 };
	struct buf b = { 0 };

	for (size_t i = 0; i < 2; i++) {
		errors.e[i].code = ERR_USAGE;
		errors.e[i].at = (struct span){ "f", 1, 1 + (uint32_t)i, 1 };
		strcpy(errors.e[i].msg, i ? "second" : "first");
	}
	errors_print(&b, &errors, STR("ab"));
	ck_assert_str_eq(b.p, "f:1:1: error: first [usage]\n  ab\n  ^\n"
			      "f:1:2: error: second [usage]\n  ab\n   ^\n"
			      "3 more not shown\n");
	buf_free(&b);
}
END_TEST

/* A line of 300 characters; column and underline, first and last shown. */
static const struct {
	uint32_t col, len;
	bool cut_before, cut_after;
} windows[] = {
	{ 1, 1, false, true },
	{ 81, 1, false, true },
	{ 82, 1, true, true },
	{ 150, 3, true, true },
	{ 150, 300, true, true },
	{ 300, 1, true, false },
	{ 301, 1, true, false },
};

START_TEST(long_lines_are_windowed)
{
	struct error e = { .code = ERR_USAGE,
		.at = { "f", 1, windows[_i].col, windows[_i].len } };
	struct buf line = { 0 }, out = { 0 };
	const char *quoted, *carets;

	for (int i = 0; i < 300; i++)
		buf_byte(&line, i + 1 == (int)windows[_i].col ? '!' : '-');
	error_print(&out, &e, buf_str(&line));
	quoted = strchr(out.p, '\n') + 1;
	carets = strchr(quoted, '\n') + 1;
	ck_assert_uint_le((size_t)(carets - quoted), 2 + 3 + 200 + 3 + 1);
	ck_assert((strncmp(quoted, "  ...", 5) == 0) == windows[_i].cut_before);
	ck_assert(
	    (strncmp(carets - 4, "...\n", 4) == 0) == windows[_i].cut_after);
	if (windows[_i].col <= 300)
		ck_assert_int_eq(quoted[strspn(carets, " ")], '!');
	ck_assert_uint_le(strlen(carets), (size_t)(carets - quoted) + 1);
	buf_free(&line);
	buf_free(&out);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("error");
	TCase *tc = tcase_create("error");

	tcase_add_test(tc, first_cause_wins);
	tcase_add_test(tc, no_storage_is_allowed);
	tcase_add_test(tc, out_of_memory_has_its_code);
	tcase_add_test(tc, long_messages_stay_utf8);
	tcase_add_test(tc, a_message_that_fits_whole_is_whole);
	tcase_add_test(tc, lists_count_what_they_drop);
	tcase_add_test(tc, codes_are_told_by_their_id);
	tcase_add_test(tc, statuses_fail_closed);
	tcase_add_loop_test(
	    tc, prints_place_quote_and_hint, 0, ARRAY_LEN(prints));
	tcase_add_test(tc, prints_all_and_how_many_more);
	tcase_add_loop_test(tc, long_lines_are_windowed, 0, ARRAY_LEN(windows));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
