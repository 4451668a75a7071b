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

/* What each user takes of 2 a second. */
static const struct {
	const char *note;
	int64_t at_ms;
	uint32_t uid;
	bool ok;
} shares[] = {
	{ "one", 5000, 1000, true },
	{ "one", 5000, 1000, true },
	{ "one has no more", 5000, 1000, false },
	{ "but another has", 5000, 1001, true },
	{ "and root", 5000, 0, true },
	{ "and root again", 5000, 0, true },
	{ "root has no more", 5000, 0, false },
	{ "another, the second", 5000, 1001, true },
	{ "another has no more", 5000, 1001, false },
	{ "one, half a second later", 5500, 1000, true },
	{ "one more is too many", 5500, 1000, false },
};

START_TEST(each_has_its_own)
{
	struct buckets all = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(shares); i++)
		ck_assert_msg(buckets_take(&all, shares[i].uid, 2,
				  shares[i].at_ms) == shares[i].ok,
		    "%zu: %s", i, shares[i].note);
}
END_TEST

/* More users than there are places share one bucket: never without limit. */
START_TEST(a_full_table_is_a_limit)
{
	struct buckets all = { 0 };
	unsigned n = 0;

	for (uint32_t uid = 1; uid <= BUCKETS_USERS; uid++)
		ck_assert(buckets_take(&all, uid, 2, 5000));
	for (uint32_t uid = 1000; uid < 2000; uid++)
		n += buckets_take(&all, uid, 2, 5000);
	ck_assert_uint_eq(n, 2);
	/* Who has a place keeps it. */
	ck_assert(buckets_take(&all, 1, 2, 5000));
	ck_assert(!buckets_take(&all, 1, 2, 5000));
	/* When what they spent is there again, others take their places. */
	for (uint32_t uid = 1000; uid < 1000 + BUCKETS_USERS; uid++)
		ck_assert(buckets_take(&all, uid, 2, 6000));
	ck_assert(buckets_take(&all, 1000, 2, 6000));
	ck_assert(!buckets_take(&all, 1000, 2, 6000));
	/* A clock that was set back begins anew, for each once. */
	for (uint32_t uid = 1; uid <= BUCKETS_USERS; uid++)
		ck_assert(buckets_take(&all, uid, 2, 4000));
	n = 0;
	for (uint32_t uid = 3000; uid < 4000; uid++)
		n += buckets_take(&all, uid, 2, 4000);
	ck_assert_uint_eq(n, 2);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("bucket");
	TCase *tc = tcase_create("bucket");

	tcase_add_test(tc, two_a_second);
	tcase_add_test(tc, a_thousand);
	tcase_add_test(tc, each_has_its_own);
	tcase_add_test(tc, a_full_table_is_a_limit);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
