/* test_order.c - rules come in the order of what they say, whatever the order
 * of their policies. */
#include "policy/rules.h"

#include "tests/unit/policy/rules_kit.h"

static struct arena *a;
static struct policy_set *set;
static struct making m;

/* `n` is how many names there are: for many, no number holds all ranks. */
static void
write_policies(struct buf *out, unsigned policies, unsigned n)
{
	static const char *const ops[] = { "<", ">=", "==" };

	for (unsigned i = 0; i < policies; i++)
		buf_printf(out,
		    "%s (principal in G::\"g%u\", action == Action::\"a%u\", "
		    "resource in T::\"t%u\") when { context.x %s %u } "
		    "unless { context has y%u };\n",
		    i % 5 ? "permit" : "forbid", i * 7919 % n, i % 3,
		    i * 104729 % n, ops[i % 3], i * 31 % 11, i % 2);
}

static void
make_rules(unsigned policies, unsigned n_names)
{
	struct error err = { 0 };
	struct buf text = { 0 };

	write_policies(&text, policies, n_names);
	rules_begin(&text, &a, &set, &m);
	ck_assert(order_rules(&m, &err));
}

static void
free_rules(void)
{
	rules_end(a, set, &m);
}

static int
compare_texts(const struct intern *texts, uint32_t x, uint32_t y)
{
	struct str unused, of_x, of_y;

	intern_get(texts, x, &unused, &of_x);
	intern_get(texts, y, &unused, &of_y);
	return str_cmp(of_x, of_y);
}

static int
compare_lists(uint32_t x, uint32_t y)
{
	const struct known_list *a_list = &m.lists[x], *b_list = &m.lists[y];
	int order = 0;

	for (uint32_t i = 0; order == 0 && i < a_list->n && i < b_list->n; i++)
		order = compare_texts(
		    m.test_texts, a_list->tests[i], b_list->tests[i]);
	return order ? order
		     : (a_list->n > b_list->n) - (a_list->n < b_list->n);
}

static int
compare(const struct rule *x, const struct rule *y)
{
	int order = (x->effect > y->effect) - (x->effect < y->effect);

	for (unsigned v = 0; order == 0 && v < 3; v++)
		order = compare_texts(m.atom_texts, x->atom[v], y->atom[v]);
	if (order == 0)
		order = compare_lists(x->list, y->list);
	/* Equal ones stay in the order of their policies. */
	return order ? order
		     : (x->parents.at.one > y->parents.at.one) -
			   (x->parents.at.one < y->parents.at.one);
}

static const struct {
	unsigned policies, names;
} sizes[] = {
	{ 1, 1 },
	{ 300, 3 },
	{ 3000, 17 },
	{ 6000, 1500 },
	{ 20000, 9973 },
};

START_TEST(neighbours_are_in_order)
{
	bool *seen;

	make_rules(sizes[_i].policies, sizes[_i].names);
	ck_assert_uint_eq(m.n_rules, sizes[_i].policies);
	for (size_t i = 1; i < m.n_rules; i++)
		ck_assert_int_lt(compare(&m.rules[i - 1], &m.rules[i]), 0);
	/* None is lost, none is there twice. */
	seen = ARENA_ARRAY(a, m.n_rules, bool);
	for (size_t i = 0; i < m.n_rules; i++) {
		ck_assert_uint_eq(m.rules[i].parents.n, 1);
		ck_assert(!seen[m.rules[i].parents.at.one]);
		seen[m.rules[i].parents.at.one] = true;
	}
	free_rules();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("order");
	TCase *tc = tcase_create("order");

	tcase_add_loop_test(tc, neighbours_are_in_order, 0, ARRAY_LEN(sizes));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
