/* Which trace a request belongs to. The published rows are run by
 * tests/vectors. */
#include "base/trace.h"

#include "tests/lib/kit.h"
#include "tests/lib/run.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static const struct {
	const char *note, *header;
	bool ok, sampled;
} rows[] = {
	{ "as it is", "00-" ID "-" SPAN "-01", true, true },
	{ "not recorded", "00-" ID "-" SPAN "-00", true, false },
	{ "other flags", "00-" ID "-" SPAN "-fe", true, false },
	{ "spaces around", " \t00-" ID "-" SPAN "-01 \t", true, true },
	{ "a later version", "01-" ID "-" SPAN "-01", true, true },
	{ "with more", "01-" ID "-" SPAN "-01-more", true, true },
	{ "with more and no dash", "01-" ID "-" SPAN "-01more", false, false },
	{ "version 00 with more", "00-" ID "-" SPAN "-01-", false, false },
	{ "version ff", "ff-" ID "-" SPAN "-01", false, false },
	{ "capitals", "00-" ID "-00F067AA0BA902B7-01", false, false },
	{ "no trace", "00-00000000000000000000000000000000-" SPAN "-01", false,
	    false },
	{ "no span", "00-" ID "-0000000000000000-01", false, false },
	{ "flags that are none", "00-" ID "-" SPAN "-0g", false, false },
	{ "cut", "00-" ID "-" SPAN "-0", false, false },
	{ "empty", "", false, false },
	{ "spaces", "  ", false, false },
	{ "a dash elsewhere", "00_" ID "-" SPAN "-01", false, false },
};

START_TEST(a_header)
{
	struct trace t = { 0 };
	bool ok = trace_parse(str_of(rows[_i].header), &t);

	ck_assert_msg(ok == rows[_i].ok, "%s", rows[_i].note);
	ck_assert_str_eq(t.id, ok ? ID : "");
	ck_assert_str_eq(t.parent, ok ? SPAN : "");
	ck_assert_msg(t.is_sampled == rows[_i].sampled, "%s", rows[_i].note);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("trace");
	TCase *tc = tcase_create("trace");

	tcase_add_loop_test(tc, a_header, 0, ARRAY_LEN(rows));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
