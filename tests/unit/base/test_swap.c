/* test_swap.c - readers under thousands of swaps see one whole thing, and
 * nothing that was given back. */
#include "base/swap.h"

#include <pthread.h>
#include <stdlib.h>

#include "tests/lib/run.h"

#define READERS 4
#define SWAPS 2000

/* Both halves say the same while it is alive. */
struct thing {
	unsigned long first;
	unsigned long filler[16];
	unsigned long last;
};

static struct swap swap;
static atomic_bool is_over;
static atomic_int n_started;

static struct thing *
thing_new(unsigned long number)
{
	struct thing *t = calloc(1, sizeof *t);

	ck_assert_ptr_nonnull(t);
	t->first = t->last = number;
	return t;
}

static void
thing_free(struct thing *t)
{
	t->first = 0;
	t->last = ~0ul;
	free(t);
}

static void *
follow(void *ctx)
{
	unsigned long before = 0;
	long *n = ctx;

	while (!atomic_load(&is_over)) {
		const struct thing *t = swap_enter(&swap);
		unsigned long first = t->first;

		/* Newer things come, older ones never again. */
		if (first != t->last || first < before)
			*n = -1;
		before = first;
		swap_leave(&swap);
		if (*n < 0)
			break;
		if ((*n)++ == 0)
			atomic_fetch_add(&n_started, 1);
	}
	return NULL;
}

START_TEST(readers_see_whole_things)
{
	pthread_t threads[READERS];
	long n[READERS] = { 0 };

	swap_init(&swap, thing_new(1));
	for (size_t i = 0; i < READERS; i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, follow, &n[i]), 0);
	while (atomic_load(&n_started) < READERS)
		sched_yield();
	for (unsigned long i = 2; i < SWAPS; i++)
		thing_free(swap_replace(&swap, thing_new(i)));
	atomic_store(&is_over, true);
	for (size_t i = 0; i < READERS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_int_gt(n[i], 0);
	}
	thing_free(swap_replace(&swap, NULL));
	ck_assert_ptr_null(swap_enter(&swap));
	swap_leave(&swap);
}
END_TEST

START_TEST(enters_nest)
{
	int x = 7;

	swap_init(&swap, &x);
	ck_assert_ptr_eq(swap_enter(&swap), &x);
	ck_assert_ptr_eq(swap_enter(&swap), &x);
	swap_leave(&swap);
	swap_leave(&swap);
	ck_assert_ptr_eq(swap_replace(&swap, NULL), &x);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("swap");
	TCase *tc = tcase_create("swap");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, readers_see_whole_things);
	tcase_add_test(tc, enters_nest);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
