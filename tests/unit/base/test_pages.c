/* test_pages.c - small and huge, zeroed, given back whole. */
#include "base/pages.h"

#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "tests/lib/run.h"

static const size_t sizes[] = { 1, 4096, 4097, (2u << 20) - 1, 2u << 20,
	(2u << 20) + 1, 5u << 20 };

START_TEST(gives_zeroed_pages)
{
	size_t n = sizes[_i];
	unsigned char *p = pages_new(n);

	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq((uintptr_t)p % 4096, 0);
	if (n >= 2u << 20)
		ck_assert_uint_eq((uintptr_t)p % (2u << 20), 0);
	ck_assert_uint_eq(p[0] | p[n / 2] | p[n - 1], 0);
	memset(p, 0xff, n);
	pages_free(p, n);
}
END_TEST

START_TEST(refuses)
{
	ck_assert_ptr_null(pages_new(0));
	ck_assert_ptr_null(pages_new(SIZE_MAX));
	ck_assert_ptr_null(pages_new(SIZE_MAX / 2));
	pages_free(NULL, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pages");
	TCase *tc = tcase_create("pages");

	tcase_add_loop_test(tc, gives_zeroed_pages, 0, ARRAY_LEN(sizes));
	tcase_add_test(tc, refuses);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
