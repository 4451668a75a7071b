/* test_intern.c - layers: what is known below, what is new above. */
#include "base/intern.h"

#include <stdio.h>

#include "base/arena.h"
#include "tests/lib/run.h"

static struct arena *mem;

static void
setup(void)
{
	mem = arena_new(0);
}

static void
teardown(void)
{
	arena_free(mem);
}

START_TEST(ids_are_dense_and_stay)
{
	struct intern *t = intern_new(mem, NULL);
	char name[32];

	ck_assert_uint_eq(intern_find(t, STR(""), STR("0")), INTERN_NONE);
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 5000; i++) {
			snprintf(name, sizeof name, "%u", i);
			ck_assert_uint_eq(
			    intern_add(t, STR("T"), str_of(name)), i);
		}
	}
	ck_assert_uint_eq(intern_count(t), 5000);
	ck_assert_uint_eq(intern_find(t, STR("T"), STR("4999")), 4999);
	ck_assert_uint_eq(intern_find(t, STR("T"), STR("5000")), INTERN_NONE);
}
END_TEST

START_TEST(type_and_id_are_apart)
{
	struct intern *t = intern_new(mem, NULL);
	static const struct str pairs[][2] = {
		{ STR_INIT("a"), STR_INIT("bc") },
		{ STR_INIT("ab"), STR_INIT("c") },
		{ STR_INIT(""), STR_INIT("abc") },
		{ STR_INIT("abc"), STR_INIT("") },
		{ STR_INIT(""), STR_INIT("") },
		{ STR_INIT("a"), STR_INIT("b\0c") },
		{ STR_INIT("a"), STR_INIT("b\0d") },
		{ STR_INIT("a\0b"), STR_INIT("c") },
	};
	struct str type, id;

	for (uint32_t i = 0; i < ARRAY_LEN(pairs); i++)
		ck_assert_uint_eq(intern_add(t, pairs[i][0], pairs[i][1]), i);
	for (uint32_t i = 0; i < ARRAY_LEN(pairs); i++) {
		intern_get(t, i, &type, &id);
		ck_assert(str_eq(type, pairs[i][0]));
		ck_assert(str_eq(id, pairs[i][1]));
	}
}
END_TEST

START_TEST(keys_are_copied)
{
	struct intern *t = intern_new(mem, NULL);
	char text[] = "key";
	struct str type, id;

	ck_assert_uint_eq(intern_add(t, STR(""), str_of(text)), 0);
	text[0] = 'x';
	intern_get(t, 0, &type, &id);
	ck_str_is(id, "key");
	ck_assert_uint_eq(intern_find(t, STR(""), STR("key")), 0);
	ck_assert_uint_eq(intern_find(t, STR(""), STR("xey")), INTERN_NONE);
}
END_TEST

START_TEST(layers_share_what_lies_below)
{
	struct intern *low = intern_new(mem, NULL), *one, *two, *top;
	struct str type, id;

	ck_assert_uint_eq(intern_add(low, STR("T"), STR("a")), 0);
	ck_assert_uint_eq(intern_add(low, STR("T"), STR("b")), 1);
	one = intern_new(mem, low);
	two = intern_new(mem, low);
	ck_assert_uint_eq(intern_add(one, STR("T"), STR("b")), 1);
	ck_assert_uint_eq(intern_add(one, STR("T"), STR("x")), 2);
	ck_assert_uint_eq(intern_add(one, STR("T"), STR("y")), 3);
	ck_assert_uint_eq(intern_add(two, STR("T"), STR("y")), 2);
	ck_assert_uint_eq(intern_find(two, STR("T"), STR("x")), INTERN_NONE);
	ck_assert_uint_eq(intern_find(low, STR("T"), STR("x")), INTERN_NONE);
	ck_assert_uint_eq(intern_count(low), 2);
	ck_assert_uint_eq(intern_count(one), 4);
	top = intern_new(mem, one);
	ck_assert_uint_eq(intern_count(top), 4);
	ck_assert_uint_eq(intern_add(top, STR("T"), STR("z")), 4);
	ck_assert_uint_eq(intern_find(top, STR("T"), STR("a")), 0);
	ck_assert_uint_eq(intern_find(top, STR("T"), STR("y")), 3);
	intern_get(top, 3, &type, &id);
	ck_str_is(id, "y");
	intern_get(top, 0, &type, &id);
	ck_str_is(id, "a");
}
END_TEST

START_TEST(no_memory_adds_nothing)
{
	struct arena *small = arena_new(2000);
	struct intern *t = intern_new(small, NULL);
	uint32_t n = 0;
	char name[32];

	for (; n < 1000; n++) {
		snprintf(name, sizeof name, "%u", n);
		if (intern_add(t, STR("T"), str_of(name)) == INTERN_NONE)
			break;
	}
	ck_assert_uint_gt(n, 1);
	ck_assert_uint_lt(n, 1000);
	ck_assert_uint_eq(intern_count(t), n);
	ck_assert_uint_eq(intern_find(t, STR("T"), str_of(name)), INTERN_NONE);
	ck_assert_uint_eq(intern_find(t, STR("T"), STR("0")), 0);
	arena_free(small);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("intern");
	TCase *tc = tcase_create("intern");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, ids_are_dense_and_stay);
	tcase_add_test(tc, type_and_id_are_apart);
	tcase_add_test(tc, keys_are_copied);
	tcase_add_test(tc, layers_share_what_lies_below);
	tcase_add_test(tc, no_memory_adds_nothing);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
