/* test_ways.c - alternatives of claims: joined, multiplied, bounded, and what
 * each of them makes of the one that needs nothing and of none at all. */
#include "policy/ways.h"

#include "tests/lib/run.h"

static struct ways_maker m;

static void
setup(void)
{
	m = (struct ways_maker){ .a = arena_new(0) };
}

static void
teardown(void)
{
	arena_free(m.a);
}

static bool
has_way(struct ways x, uint64_t show, uint64_t hide)
{
	for (uint32_t i = 0; i < x.n; i++)
		if (x.items[i].show[0] == show && x.items[i].hide[0] == hide)
			return true;
	return false;
}

START_TEST(joins)
{
	struct ways none = { 0 }, free = ways_free(&m);
	struct ways a = ways_show(&m, 0), b = ways_show(&m, 1), x;

	ck_assert_uint_eq(ways_either(&m, none, a).n, 1);
	ck_assert_uint_eq(ways_both(&m, none, a).n, 0);
	ck_assert(has_way(ways_either(&m, free, a), 0, 0));
	ck_assert(has_way(ways_both(&m, free, a), 1, 0));
	x = ways_either(&m, a, b);
	ck_assert_uint_eq(x.n, 2);
	/* What asks for more of the same is left out. */
	ck_assert_uint_eq(ways_either(&m, x, ways_both(&m, a, b)).n, 2);
	x = ways_both(&m, x, ways_show(&m, 2));
	ck_assert(x.n == 2 && has_way(x, 5, 0) && has_way(x, 6, 0));
	/* Shown and hidden at once is no way. */
	ck_assert_uint_eq(ways_both(&m, a, ways_hide(&m, 0)).n, 0);
	ck_assert(!m.failed && !m.is_cut);
}
END_TEST

START_TEST(simplifies)
{
	struct ways a = ways_show(&m, 0), b = ways_show(&m, 1), x;

	x = ways_simplest(
	    &m, ways_either(&m, a, ways_both(&m, b, ways_hide(&m, 0))));
	ck_assert(x.n == 2 && has_way(x, 1, 0) && has_way(x, 2, 0));
	x = ways_simplest(&m, ways_either(&m, a, ways_hide(&m, 0)));
	ck_assert(x.n == 1 && has_way(x, 0, 0));
	/* `a, c` says nothing of `b` without `a`. */
	x = ways_simplest(
	    &m, ways_either(&m, ways_both(&m, a, ways_show(&m, 2)),
		    ways_both(&m, b, ways_hide(&m, 0))));
	ck_assert(x.n == 2 && has_way(x, 5, 0) && has_way(x, 2, 1));
}
END_TEST

START_TEST(is_bounded)
{
	struct ways all = { 0 };

	for (uint32_t i = 0; i + 1 < WAYS_CLAIMS_MAX; i++)
		all = ways_either(&m, all,
		    ways_both(&m, ways_show(&m, i), ways_show(&m, i + 1)));
	ck_assert_uint_eq(all.n, WAYS_MAX);
	ck_assert(m.is_cut);
	/* A shorter one is still taken. */
	all = ways_either(&m, all, ways_show(&m, WAYS_CLAIMS_MAX - 1));
	ck_assert_uint_eq(all.n, WAYS_MAX);
	ck_assert(way_has(all.items[all.n - 1].show, WAYS_CLAIMS_MAX - 1) ||
		  way_has(all.items[0].show, WAYS_CLAIMS_MAX - 1));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ways");
	TCase *tc = tcase_create("ways");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, joins);
	tcase_add_test(tc, simplifies);
	tcase_add_test(tc, is_bounded);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
