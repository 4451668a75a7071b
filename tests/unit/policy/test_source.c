#include "policy/source.h"

#include "base/limits.h"
#include "tests/lib/run.h"

static const struct {
	const char *note;
	struct str text;
	uint32_t off, len, line, col, chars;
} places[] = {
	{ "empty text", STR_INIT(""), 0, 0, 1, 1, 0 },
	{ "start", STR_INIT("ab\ncd"), 0, 2, 1, 1, 2 },
	{ "second line", STR_INIT("ab\ncd"), 4, 1, 2, 2, 1 },
	{ "the line end itself", STR_INIT("ab\ncd"), 2, 1, 1, 3, 0 },
	{ "over the line's end", STR_INIT("ab\ncd"), 1, 4, 1, 2, 1 },
	{ "end after a last line end", STR_INIT("ab\n"), 3, 0, 2, 1, 0 },
	{ "columns count characters", STR_INIT("\xc3\xa9\xe2\x82\xac x"), 6, 1,
	    1, 4, 1 },
	{ "lengths count characters", STR_INIT("a\xc3\xa9\xe2\x82\xacx"), 1, 5,
	    1, 2, 2 },
	{ "NUL is a character", STR_INIT("a\0b\nc"), 2, 1, 1, 3, 1 },
	{ "CR is of its line", STR_INIT("a\r\nb"), 3, 1, 2, 1, 1 },
	{ "beyond the end", STR_INIT("ab"), 1, 90, 1, 2, 1 },
};

START_TEST(places_are_exact)
{
	struct arena *a = arena_new(0);
	struct error e = { 0 };
	struct source src;
	struct span at;

	ck_assert(source_init(a, "f", places[_i].text, &src, &e));
	at = source_span(&src, places[_i].off, places[_i].len);
	ck_assert_msg(at.line == places[_i].line && at.col == places[_i].col &&
			  at.len == places[_i].chars,
	    "%s: %u:%u+%u", places[_i].note, at.line, at.col, at.len);
	ck_assert_str_eq(at.file, "f");
	arena_free(a);
}
END_TEST

START_TEST(too_large_is_refused)
{
	struct arena *a = arena_new(0);
	struct error e = { 0 };
	struct source src;
	struct str text = { "", (size_t)LIMIT_POLICY_FILE_BYTES + 1 };

	ck_assert(!source_init(a, "f", text, &src, &e));
	ck_assert_int_eq(e.code, ERR_LIMIT_SIZE);
	ck_assert_str_eq(e.at.file, "f");
	arena_free(a);
}
END_TEST

START_TEST(many_lines_are_found)
{
	struct arena *a = arena_new(0);
	struct error e = { 0 };
	struct source src;
	char text[3000];

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 3 == 2 ? '\n' : 'x';
	ck_assert(
	    source_init(a, "f", (struct str){ text, sizeof text }, &src, &e));
	ck_assert_uint_eq(src.n_lines, 1001);
	for (uint32_t line = 0; line < 1000; line++)
		ck_assert_uint_eq(
		    source_span(&src, line * 3 + 1, 1).line, line + 1);
	/* From any line on, or from none. */
	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t line = i * 13 % 1000, from = i * 7 % 1100;

		ck_assert_uint_eq(
		    source_span_after(&src, line * 3 + 1, 1, &from).line,
		    line + 1);
		ck_assert_uint_eq(from, line);
	}
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("source");
	TCase *tc = tcase_create("source");

	tcase_add_loop_test(tc, places_are_exact, 0, ARRAY_LEN(places));
	tcase_add_test(tc, too_large_is_refused);
	tcase_add_test(tc, many_lines_are_found);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
