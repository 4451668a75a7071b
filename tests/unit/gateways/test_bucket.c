#include "gateways/bucket.h"

#include "tests/lib/run.h"

/* What is taken at each moment, of 2 a second. */
static const struct {
	int64_t at_ms;
	bool ok;
} steps[] = {
	{ 5000, true },
	{ 5000, true },
	{ 5000, false }, /* full, then empty */
	{ 5499, false },
	{ 5500, true },
	{ 5500, false }, /* one comes back */
	{ 7000, true },
	{ 7000, true },
	{ 7000, false }, /* no more than full */
	{ 6000, true },  /* set back: as if new */
	{ 6000, true },
	{ 6000, false },
};

START_TEST(two_a_second)
{
	struct bucket b = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		ck_assert_msg(bucket_take(&b, 2, steps[i].at_ms) == steps[i].ok,
		    "step %zu", i);
}
END_TEST

START_TEST(a_thousand)
{
	struct bucket b = { 0 };
	unsigned n = 0;

	for (int64_t ms = 0; ms < 2000; ms++)
		while (bucket_take(&b, 1000, ms))
			n++;
	/* Full at first, then one a millisecond. */
	ck_assert_uint_eq(n, 1000 + 1999);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("bucket");
	TCase *tc = tcase_create("bucket");

	tcase_add_test(tc, two_a_second);
	tcase_add_test(tc, a_thousand);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
