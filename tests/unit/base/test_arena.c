/* test_arena.c - limits, overflow, reset, growth. */
#include "base/arena.h"

#include "tests/lib/run.h"

START_TEST(memory_is_zero_aligned_and_apart)
{
	struct arena *a = arena_new(0);
	char *last = NULL;

	for (size_t size = 0; size < 300; size++) {
		char *p = arena_alloc(a, size);

		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq((uintptr_t)p % 16, 0);
		ck_assert_ptr_ne(p, last);
		for (size_t i = 0; i < size; i++)
			ck_assert_int_eq(p[i], 0);
		memset(p, 0xff, size);
		last = p;
	}
	arena_free(a);
}
END_TEST

START_TEST(large_objects_fit)
{
	struct arena *a = arena_new(0);
	char *small = arena_alloc(a, 10), *large = arena_alloc(a, 10u << 20);

	ck_assert_ptr_nonnull(large);
	small[9] = 'x';
	large[(10u << 20) - 1] = 'y';
	ck_assert_uint_ge(arena_used(a), (10u << 20) + 10);
	arena_free(a);
}
END_TEST

START_TEST(limit_refuses_and_recovers)
{
	struct arena *a = arena_new(100);

	ck_assert_ptr_nonnull(arena_alloc(a, 64));
	ck_assert_ptr_null(arena_alloc(a, 64));
	ck_assert_uint_eq(arena_used(a), 64);
	ck_assert_ptr_nonnull(arena_alloc(a, 32));
	ck_assert_ptr_null(arena_alloc(a, 1));
	arena_reset(a);
	ck_assert_uint_eq(arena_used(a), 0);
	ck_assert_ptr_nonnull(arena_alloc(a, 96));
	arena_free(a);
}
END_TEST

static const struct {
	size_t n, size;
} products[] = {
	{ SIZE_MAX, 2 },
	{ 2, SIZE_MAX },
	{ SIZE_MAX / 8 + 1, 8 },
	{ (size_t)1 << 32, (size_t)1 << 32 },
	{ SIZE_MAX, 1 },
	{ SIZE_MAX - 14, 1 },
	{ SIZE_MAX - 30, 1 },
};

START_TEST(sizes_cannot_overflow)
{
	struct arena *a = arena_new(1000);

	ck_assert_ptr_null(arena_array(a, products[_i].n, products[_i].size));
	ck_assert_uint_eq(arena_used(a), 0);
	ck_assert_ptr_nonnull(arena_alloc(a, 10));
	arena_free(a);
}
END_TEST

START_TEST(reset_zeroes_what_it_gives_again)
{
	struct arena *a = arena_new(0);

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 50; i++) {
			char *p = arena_alloc(a, 1000);

			ck_assert_ptr_nonnull(p);
			ck_assert_int_eq(p[0], 0);
			ck_assert_int_eq(p[999], 0);
			memset(p, 0xaa, 1000);
		}
		arena_reset(a);
	}
	arena_free(a);
}
END_TEST

struct vector {
	int *items;
	size_t n, cap;
};

START_TEST(vectors_grow)
{
	struct arena *a = arena_new(0);
	struct vector v = { 0 };

	for (int i = 0; i < 1000; i++) {
		ck_assert(ARENA_PUSH_ROOM(a, v.items, v.n, v.cap));
		v.items[v.n++] = i;
	}
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(v.items[i], i);
	ck_assert_uint_ge(v.cap, v.n);
	arena_free(a);
}
END_TEST

START_TEST(vectors_stop_at_the_limit)
{
	struct arena *a = arena_new(sizeof(int) * 8);
	struct vector v = { 0 };

	while (v.n < 8 && ARENA_PUSH_ROOM(a, v.items, v.n, v.cap))
		v.items[v.n++] = 7;
	ck_assert_uint_eq(v.n, 8);
	ck_assert(!ARENA_PUSH_ROOM(a, v.items, v.n, v.cap));
	ck_assert_int_eq(v.items[7], 7);
	ck_assert_uint_eq(v.cap, 8);
	arena_free(a);
}
END_TEST

static char ended[8];

static void
note_end(void *p)
{
	strncat(ended, p, sizeof ended - strlen(ended) - 1);
}

START_TEST(ends_are_called_once_newest_first)
{
	struct arena *a = arena_new(0);
	struct arena_mark mark;
	char one[] = "1", two[] = "2", three[] = "3", four[] = "4";

	ended[0] = '\0';
	ck_assert(arena_at_end(a, note_end, one));
	mark = arena_mark(a);
	ck_assert(arena_at_end(a, note_end, two));
	ck_assert(arena_at_end(a, note_end, three));
	arena_release(a, mark);
	ck_assert_str_eq(ended, "32");
	arena_reset(a);
	ck_assert_str_eq(ended, "321");
	ck_assert(arena_at_end(a, note_end, four));
	arena_free(a);
	ck_assert_str_eq(ended, "3214");
	a = arena_new(8);
	ck_assert(!arena_at_end(a, note_end, one));
	arena_free(a);
	ck_assert_str_eq(ended, "3214");
}
END_TEST

START_TEST(no_arena_may_be_freed)
{
	arena_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("arena");
	TCase *tc = tcase_create("arena");

	tcase_add_test(tc, memory_is_zero_aligned_and_apart);
	tcase_add_test(tc, large_objects_fit);
	tcase_add_test(tc, limit_refuses_and_recovers);
	tcase_add_loop_test(tc, sizes_cannot_overflow, 0, ARRAY_LEN(products));
	tcase_add_test(tc, reset_zeroes_what_it_gives_again);
	tcase_add_test(tc, vectors_grow);
	tcase_add_test(tc, vectors_stop_at_the_limit);
	tcase_add_test(tc, ends_are_called_once_newest_first);
	tcase_add_test(tc, no_arena_may_be_freed);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
