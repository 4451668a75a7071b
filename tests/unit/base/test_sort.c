/* test_sort.c - items in the order of their numbers, equal ones as they were.
 */
#include "base/sort.h"

#include <stdlib.h>

#include "base/arena.h"
#include "tests/lib/run.h"

struct item {
	uint32_t key, other;
};

static uint32_t
draw(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

static void
check_sorted(
    const struct item *items, const uint32_t *order, size_t n, const char *note)
{
	bool *seen = calloc(n + 1, sizeof *seen);

	for (size_t i = 0; i < n; i++) {
		ck_assert_msg(order[i] < n && !seen[order[i]], "%s", note);
		seen[order[i]] = true;
		if (i == 0)
			continue;
		ck_assert_msg(
		    items[order[i - 1]].key <= items[order[i]].key, "%s", note);
		ck_assert_msg(items[order[i - 1]].key < items[order[i]].key ||
				  order[i - 1] < order[i],
		    "%s: equal ones changed places", note);
	}
	free(seen);
}

/* `mask`: the bits in which keys differ. */
static const struct {
	const char *note;
	size_t n;
	uint32_t mask, same;
} cases[] = {
	{ "none", 0, ~0u, 0 },
	{ "one", 1, ~0u, 0 },
	{ "two", 2, ~0u, 0 },
	{ "all equal", 100, 0, 7 },
	{ "few keys", 1000, 3, 0 },
	{ "low bits", 3000, 0x7ff, 0 },
	{ "middle bits", 3000, 0x3ff800, 5 },
	{ "high bits", 3000, 0xffc00000, 0x1234 },
	{ "all bits", 5000, ~0u, 0 },
};

START_TEST(sort_orders)
{
	struct arena *a = arena_new(0);
	size_t n = cases[_i].n;
	struct item *items = calloc(n + 1, sizeof *items);
	uint32_t *order = calloc(n + 1, sizeof *order);
	uint64_t seed = 17;

	for (uint32_t i = 0; i < n; i++) {
		items[i].key = (draw(&seed) << 1 & cases[_i].mask) |
			       (cases[_i].same & ~cases[_i].mask);
		order[i] = i;
	}
	ck_assert(sort_numbers(a, order, n, &items[0].key, 2));
	check_sorted(items, order, n, cases[_i].note);
	/* Again: they are in order. */
	ck_assert(sort_numbers(a, order, n, &items[0].key, 2));
	check_sorted(items, order, n, cases[_i].note);
	ck_assert_uint_eq(arena_used(a), 0);
	free(order);
	free(items);
	arena_free(a);
}
END_TEST

/* The second number first: the order of pairs. */
START_TEST(sort_by_two)
{
	static const struct item items[] = { { 2, 1 }, { 1, 9 }, { 2, 0 },
		{ 1, 3 }, { 0, 5 } };
	static const uint32_t want[] = { 4, 3, 1, 2, 0 };
	uint32_t order[] = { 0, 1, 2, 3, 4 };
	struct arena *a = arena_new(0);

	ck_assert(sort_numbers(a, order, 5, &items[0].other, 2));
	ck_assert(sort_numbers(a, order, 5, &items[0].key, 2));
	ck_assert_mem_eq(order, want, sizeof want);
	arena_free(a);
}
END_TEST

START_TEST(sort_out_of_memory)
{
	static const uint32_t keys[] = { 3, 2, 1 };
	uint32_t order[] = { 0, 1, 2 };
	struct arena *a = arena_new(32);

	ck_assert(!sort_numbers(a, order, 3, keys, 1));
	arena_free(a);
}
END_TEST

static const struct {
	const char *note;
	size_t n;
	uint32_t in[6], want[6];
	size_t n_want;
} sets[] = {
	{ "none", 0, { 0 }, { 0 }, 0 },
	{ "one", 1, { 7 }, { 7 }, 1 },
	{ "twice", 2, { 7, 7 }, { 7 }, 1 },
	{ "in order", 3, { 0, 1, 2 }, { 0, 1, 2 }, 3 },
	{ "the greatest", 4, { UINT32_MAX, 0, UINT32_MAX, 1u << 31 },
	    { 0, 1u << 31, UINT32_MAX }, 3 },
	{ "several of each", 6, { 3, 1, 3, 2, 1, 3 }, { 1, 2, 3 }, 3 },
};

START_TEST(each_once)
{
	uint32_t numbers[6];

	memcpy(numbers, sets[_i].in, sizeof numbers);
	ck_assert_msg(sort_unique(numbers, sets[_i].n) == sets[_i].n_want, "%s",
	    sets[_i].note);
	ck_assert_msg(memcmp(numbers, sets[_i].want,
			  sets[_i].n_want * sizeof *numbers) == 0,
	    "%s", sets[_i].note);
	ck_assert_uint_eq(sort_unique(NULL, 0), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sort");
	TCase *tc = tcase_create("sort");

	tcase_add_loop_test(tc, sort_orders, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, sort_by_two);
	tcase_add_test(tc, sort_out_of_memory);
	tcase_add_loop_test(tc, each_once, 0, ARRAY_LEN(sets));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
