/* test_contain_find.c - which rules cover a rule: by the matrix that is made of
 * few lists, and by comparing tests, are the same ones in the same order. */
#include "policy/contain_find.h"

#include "policy/relate.h"
#include "tests/unit/policy/rules_kit.h"

#define POLICIES 4000u
#define FOUND_MAX 4000000u

static struct arena *a;
static struct policy_set *set;
static struct making m;

/* Lists of one, two and three tests, that follow from one another or do not,
 * some of which may err; in scopes one within another. */
static void
write_policies(struct buf *out)
{
	static const char *const ops[] = { "<", "<=", ">", "==", "!=" };

	for (unsigned i = 0; i < POLICIES; i++) {
		buf_printf(out, "%s (", i % 9 ? "permit" : "deny");
		if (i % 4)
			buf_printf(out, "principal in G::\"%u\", ", i % 31);
		else
			buf_addz(out, "principal, ");
		buf_printf(out, "action == Action::\"%u\", resource) ", i % 2);
		if (i % 11)
			buf_printf(out, "when { context.x %s %u }",
			    ops[i / 3 % ARRAY_LEN(ops)], i / 7 % 3);
		if (i % 5 == 0)
			buf_addz(out, " when { context has y }");
		if (i % 13 == 0)
			buf_addz(out, " unless { context.z == \"a\" }");
		buf_addz(out, ";\n");
	}
}

static void
setup(void)
{
	struct error err = { 0 };
	struct buf text = { 0 };

	write_policies(&text);
	rules_begin(&text, &a, &set, &m);
	ck_assert(dedup_merge(&m, &err) && order_rules(&m, &err));
	arena_reset(m.each);
}

static void
teardown(void)
{
	rules_end(a, set, &m);
}

/* Each rule, and behind it what covers it. */
struct found {
	uint32_t *items;
	size_t n;
	size_t most; /* covers of one rule that are asked for */
	size_t n_own;
};

static bool
note(struct search *s, uint32_t rule)
{
	struct found *f = s->ctx;

	ck_assert_uint_lt(f->n, FOUND_MAX);
	f->items[f->n++] = rule;
	return ++f->n_own == f->most;
}

static struct found
find_all(const struct finder *finder, size_t most)
{
	struct found f = { .items = arena_room(a, FOUND_MAX, sizeof *f.items),
		.most = most };

	ck_assert(f.items != NULL);
	for (uint32_t x = 0; x < m.n_rules; x++) {
		struct search s = {
			.f = finder, .x = x, .offer = note, .ctx = &f
		};

		f.items[f.n++] = x;
		f.n_own = 0;
		find_covers(&s);
	}
	return f;
}

static void
check_same(const struct found *x, const struct found *y)
{
	ck_assert_uint_gt(x->n, 2 * m.n_rules); /* some have some */
	ck_assert_uint_eq(x->n, y->n);
	ck_assert_int_eq(
	    memcmp(x->items, y->items, x->n * sizeof *x->items), 0);
}

static const struct {
	size_t most, n_threads;
} ways[] = {
	{ SIZE_MAX, 1 },
	{ 1, 1 },
	{ 3, 2 },
	{ SIZE_MAX, 4 },
};

START_TEST(both_ways_find_the_same)
{
	struct finder f;
	struct found by_matrix, by_tests;

	ck_assert(finder_make(&f, &m, ways[_i].n_threads));
	ck_assert(f.covers != NULL);
	by_matrix = find_all(&f, ways[_i].most);
	f.covers = NULL;
	by_tests = find_all(&f, ways[_i].most);
	if (ways[_i].most == SIZE_MAX)
		check_same(&by_matrix, &by_tests);
	ck_assert_uint_eq(by_matrix.n, by_tests.n);
	ck_assert_int_eq(memcmp(by_matrix.items, by_tests.items,
			     by_matrix.n * sizeof *by_matrix.items),
	    0);
}
END_TEST

/* What is found covers, and lies in a scope as wide; and the matrix has a bit
 * for each pair of lists of which one covers the other, and no other bit. */
START_TEST(matrix_is_what_tests_say)
{
	struct finder f;
	size_t n_set = 0;

	ck_assert(finder_make(&f, &m, 2) && f.covers);
	for (uint32_t list = 0; list < m.n_lists; list++)
		for (uint32_t k = 0; k < m.n_lists; k++) {
			bool bit =
			    f.covers[list * (size_t)f.row + k / 64] >> k % 64 &
			    1;

			ck_assert(bit == relate_list_covers(&m, k, list));
			n_set += bit;
		}
	ck_assert_uint_gt(n_set, m.n_lists);
	ck_assert_uint_lt(n_set, m.n_lists * m.n_lists);
}
END_TEST

/* Many lists for few rules: none is made. */
START_TEST(no_matrix_of_many_lists)
{
	struct finder f;

	m.n_rules = m.n_lists * m.n_lists / 5;
	ck_assert(finder_make(&f, &m, 1));
	ck_assert(f.covers == NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("contain_find");
	TCase *tc = tcase_create("contain_find");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, both_ways_find_the_same, 0, ARRAY_LEN(ways));
	tcase_add_test(tc, matrix_is_what_tests_say);
	tcase_add_test(tc, no_matrix_of_many_lists);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
