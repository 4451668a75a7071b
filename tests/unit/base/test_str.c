#include "base/str.h"

#include "tests/lib/run.h"

START_TEST(slices_compare)
{
	ck_assert(str_eq(STR("a"), str_of("a")));
	ck_assert(!str_eq(STR("a"), STR("b")));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("str");
	TCase *tc = tcase_create("str");

	tcase_add_test(tc, slices_compare);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
