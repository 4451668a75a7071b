/* test_spare.c - an object is in one pair of hands, and none is lost. */
#include "base/spare.h"

#include <pthread.h>
#include <stdlib.h>

#include "tests/lib/run.h"

#define THREADS 40 /* more than slots */
#define TURNS 2000

struct thing {
	unsigned users; /* atomic */
};

static struct spare spare;
static unsigned n_made, n_freed, n_shared; /* atomic */

static void
free_thing(void *p)
{
	if (p)
		__atomic_add_fetch(&n_freed, 1, __ATOMIC_RELAXED);
	free(p);
}

static void *
work(void *unused)
{
	for (int i = 0; i < TURNS; i++) {
		struct thing *t = spare_take(&spare);

		if (!t) {
			t = calloc(1, sizeof *t);
			__atomic_add_fetch(&n_made, 1, __ATOMIC_RELAXED);
		}
		if (!t ||
		    __atomic_add_fetch(&t->users, 1, __ATOMIC_RELAXED) > 1)
			__atomic_add_fetch(&n_shared, 1, __ATOMIC_RELAXED);
		if (t)
			__atomic_sub_fetch(&t->users, 1, __ATOMIC_RELAXED);
		free_thing(spare_give(&spare, t));
	}
	return unused;
}

START_TEST(nobody_shares_and_nothing_is_lost)
{
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		ck_assert(pthread_create(&threads[i], NULL, work, NULL) == 0);
	for (size_t i = 0; i < THREADS; i++)
		ck_assert(pthread_join(threads[i], NULL) == 0);
	spare_fini(&spare, free_thing);
	ck_assert_uint_eq(n_shared, 0);
	ck_assert_uint_eq(n_made, n_freed);
	/* Kept between turns, not made anew each time. */
	ck_assert_uint_lt(n_made, THREADS * TURNS / 2);
	ck_assert_ptr_null(spare_take(&spare));
}
END_TEST

START_TEST(one_thread_gets_its_own_back)
{
	struct spare s = { 0 };
	int first, second;

	ck_assert_ptr_null(spare_take(&s));
	ck_assert_ptr_null(spare_give(&s, &first));
	ck_assert_ptr_eq(spare_give(&s, &second), &first);
	ck_assert_ptr_eq(spare_take(&s), &second);
	ck_assert_ptr_null(spare_take(&s));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("spare");
	TCase *tc = tcase_create("spare");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, one_thread_gets_its_own_back);
	tcase_add_test(tc, nobody_shares_and_nothing_is_lost);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
