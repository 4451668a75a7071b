/* test_parallel.c - policies taken apart by several threads become what one
 * thread makes of them: the same rules under the same numbers, and the same
 * notes. */
#include "policy/normal.h"

#include "tests/lib/run.h"

/* %u: a number that comes again after a while, so that each run knows some
 * texts of the runs before and has new ones. */
static const char *const bodies[] = {
	"permit (principal in G::\"%u\", action == Action::\"r\", resource in "
	"T::\"%u\") when { resource.level <= %u && principal.dept == \"d\" };",
	"permit (principal == U::\"%u\", action, resource) when { context has "
	"z%u && context.z%u == 1 && principal.a.b == resource.b.a };",
	"deny (principal, action in [Action::\"r\", Action::\"w\"], resource) "
	"when { principal.x%u || context.y < %u } unless { context has q%u };",
	"permit (principal, action, resource is [D, E]) when { [1, 2, "
	"%u].contains(context.n%u) && resource in F::\"%u\" };",
	"deny (principal not in G::\"%u\", action, resource like D::\"a/*\") "
	"when { principal.x%u != \"a\" && principal.x0 == \"%u\" };",
	"permit (principal, action, resource) when { true || context.u%u && "
	"context.u%u == %u };",
	"deny (principal, action, resource) when { false && context.u%u && "
	"context.v%u == %u };",
	"permit (principal in G::\"1\", action, resource) when { if context.k "
	"then context.l%u else context.m%u.n && context.z%u };",
};
#define POLICIES 1600u

static struct arena *a;
static struct policy_set *set;

static void
setup(void)
{
	struct errors errors = { 0 };
	struct buf text = { 0 };

	a = arena_new(0);
	set = policy_set_new(POLICY_BY_POSITION);
	buf_addz(&text, "indivisible action [Action::\"r\", Action::\"w\"];\n");
	for (unsigned i = 0; i < POLICIES; i++) {
		unsigned n = i * 7 % 11 + i / 400;

/* One of a table, each with three numbers. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		buf_printf(&text, bodies[i * 5 % ARRAY_LEN(bodies)], n,
		    n * i % 13, i / 300);
#pragma GCC diagnostic pop
		buf_byte(&text, '\n');
	}
	ck_assert_msg(policy_set_add_text(
			  set, "t", buf_str(&text), POLICY_AVOW, &errors) &&
			  policy_set_finish(set, &errors),
	    "%s", errors.e[0].msg);
	buf_free(&text);
}

static void
teardown(void)
{
	policy_set_free(set);
	arena_free(a);
}

static const struct normal *
make(uint32_t threads, bool all)
{
	struct normal_options options = NORMAL_DEFAULTS;
	const struct normal *n;
	struct error err = { 0 };

	if (!all)
		options = (struct normal_options){ .decompound = true };
	options.threads = threads;
	options.notes = options.timed = true;
	ck_assert_msg(normal_make(a, set, &options, &n, &err), "%s", err.msg);
	return n;
}

static void
check_numbers(const uint32_t *x, uint32_t n_x, const uint32_t *y, uint32_t n_y)
{
	ck_assert_uint_eq(n_x, n_y);
	for (uint32_t i = 0; i < n_x; i++)
		ck_assert_uint_eq(x[i], y[i]);
}

static void
check_conjunct(const struct normal_conjunct *x, const struct normal_conjunct *y)
{
	ck_assert_uint_eq(x->hash, y->hash);
	ck_assert_uint_eq(x->instance, y->instance);
	ck_assert_uint_eq(x->node, y->node);
	ck_assert_uint_eq(x->member, y->member);
	ck_assert_uint_eq(x->form, y->form);
	ck_assert_uint_eq(x->form_negated, y->form_negated);
	ck_assert_uint_eq(x->path, y->path);
	ck_assert_uint_eq(x->is_clean_total, y->is_clean_total);
	ck_assert_uint_eq(x->n_reads, y->n_reads);
	for (uint32_t i = 0; i < x->n_reads; i++) {
		ck_assert_uint_eq(x->reads[i].path, y->reads[i].path);
		ck_assert_uint_eq(x->reads[i].kinds, y->reads[i].kinds);
	}
}

static void
check_rules(const struct normal *m, const struct normal_rule *x,
    const struct normal *n, const struct normal_rule *y, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		ck_assert_uint_eq(x[i].effect, y[i].effect);
		for (unsigned v = 0; v < 3; v++)
			ck_assert_int_eq(
			    x[i].atom[v] - m->atoms, y[i].atom[v] - n->atoms);
		ck_assert_uint_eq(x[i].n_conjuncts, y[i].n_conjuncts);
		ck_assert_uint_eq(x[i].n_total, y[i].n_total);
		for (uint32_t k = 0; k < x[i].n_conjuncts; k++)
			check_conjunct(&x[i].conjuncts[k], &y[i].conjuncts[k]);
		check_numbers(
		    x[i].parents, x[i].n_parents, y[i].parents, y[i].n_parents);
		check_numbers(
		    x[i].below, x[i].n_below, y[i].below, y[i].n_below);
	}
}

static void
check_paths(const struct normal *x, const struct normal *y)
{
	ck_assert_uint_eq(x->n_paths, y->n_paths);
	for (uint32_t i = 0; i < x->n_paths; i++) {
		ck_assert_uint_eq(x->paths[i].var, y->paths[i].var);
		ck_assert_uint_eq(x->paths[i].n, y->paths[i].n);
		for (uint32_t k = 0; k < x->paths[i].n; k++)
			ck_assert(
			    str_eq(x->paths[i].names[k], y->paths[i].names[k]));
	}
}

static void
check_notes(const struct normal *x, const struct normal *y)
{
	ck_assert_uint_gt(x->n_notes, 0);
	ck_assert_uint_eq(x->n_notes, y->n_notes);
	for (uint32_t i = 0; i < x->n_notes; i++) {
		ck_assert_str_eq(x->notes[i].stage, y->notes[i].stage);
		ck_assert_str_eq(x->notes[i].what, y->notes[i].what);
		ck_assert_uint_eq(x->notes[i].instance, y->notes[i].instance);
		ck_assert_uint_eq(x->notes[i].other, y->notes[i].other);
	}
}

static void
check_same(const struct normal *x, const struct normal *y)
{
	ck_assert_uint_gt(x->n_rules, POLICIES / 4);
	ck_assert_uint_eq(x->n_rules, y->n_rules);
	ck_assert_uint_eq(x->n_contained, y->n_contained);
	ck_assert_uint_eq(x->n_atoms, y->n_atoms);
	ck_assert_uint_eq(x->is_cut, y->is_cut);
	check_paths(x, y);
	check_rules(x, x->rules, y, y->rules, x->n_rules);
	check_rules(x, x->contained, y, y->contained, x->n_contained);
	check_notes(x, y);
	ck_assert_uint_eq(x->stages[0].n_before, POLICIES);
	for (uint32_t i = 0; i < x->n_stages; i++) {
		ck_assert_uint_eq(x->stages[i].n_before, y->stages[i].n_before);
		ck_assert_uint_eq(x->stages[i].n_after, y->stages[i].n_after);
	}
}

/* _i / 2: how many threads more than two. */
START_TEST(threads_make_what_one_makes)
{
	bool all = _i % 2;

	check_same(make(1, all), make(2 + (uint32_t)_i / 2, all));
}
END_TEST

START_TEST(more_threads_than_policies)
{
	struct policy_set *few = policy_set_new(POLICY_BY_POSITION);
	struct policy_set *many = set;
	struct errors errors = { 0 };

	ck_assert(policy_set_add_text(few, "t",
		      STR("permit (principal, action, resource);"), POLICY_AVOW,
		      &errors) &&
		  policy_set_finish(few, &errors));
	set = few;
	ck_assert_uint_eq(make(4, true)->n_rules, 1);
	policy_set_free(few);
	set = policy_set_new(POLICY_BY_POSITION);
	ck_assert(policy_set_finish(set, &errors));
	ck_assert_uint_eq(make(4, true)->n_rules, 0);
	policy_set_free(set);
	set = many;
}
END_TEST

#define ALIKE 400u

/* Each is covered by many of its scope, more than are kept, looked at or may
 * hang below one. */
static struct policy_set *
alike(void)
{
	struct policy_set *ret = policy_set_new(POLICY_BY_POSITION);
	struct errors errors = { 0 };
	struct buf text = { 0 };

	for (unsigned i = 0; i < ALIKE; i++)
		buf_printf(&text,
		    "permit (principal in G::\"1\", action, resource) when "
		    "{ context has n && context.n < %u && context.m == %u };\n",
		    i * 37 % ALIKE, i % 3);
	ck_assert(policy_set_add_text(
		      ret, "t", buf_str(&text), POLICY_AVOW, &errors) &&
		  policy_set_finish(ret, &errors));
	buf_free(&text);
	return ret;
}

START_TEST(covers_are_found_by_any_threads)
{
	struct policy_set *other = set;
	const struct normal *one;

	set = alike();
	one = make(1, true);
	ck_assert_uint_gt(one->n_contained, 16);
	ck_assert(one->is_cut);
	for (uint32_t i = 0; i < one->n_rules; i++)
		ck_assert_uint_le(one->rules[i].n_below, 16);
	for (uint32_t n = 2; n <= 4; n++) {
		const struct normal *some = make(n, true);

		ck_assert_uint_eq(some->is_cut, one->is_cut);
		check_rules(one, one->rules, some, some->rules, one->n_rules);
		check_rules(one, one->contained, some, some->contained,
		    one->n_contained);
	}
	policy_set_free(set);
	set = other;
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("policy/parallel");
	TCase *tc = tcase_create("parallel");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, threads_make_what_one_makes, 0, 6);
	tcase_add_test(tc, more_threads_than_policies);
	tcase_add_test(tc, covers_are_found_by_any_threads);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(suite());
}
