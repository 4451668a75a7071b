/* test_canon.c - one text for tests that are the same, another for those that
 * are not. */
#include "policy/canon.h"

#include "tests/lib/run.h"

static struct arena *a;
static struct policy_set *set;

/* The canonical text of the policy's only test. */
static struct str
canon(const char *policy)
{
	struct normal_options none = { 0 };
	const struct normal_conjunct *c;
	struct errors errors = { 0 };
	const struct normal *n;
	struct buf out = { 0 };
	struct str text;
	struct test test;

	policy_set_free(set);
	set = policy_set_new(POLICY_BY_POSITION);
	ck_assert_msg(policy_set_add_text(
			  set, "t", str_of(policy), POLICY_AVOW, &errors) &&
			  policy_set_finish(set, &errors),
	    "%s: %s", policy, errors.e[0].msg);
	ck_assert(normal_make(a, set, &none, &n, NULL));
	ck_assert_uint_eq(n->n_rules, 1);
	ck_assert_uint_ge(n->rules[0].n_conjuncts, 1);
	c = &n->rules[0].conjuncts[n->rules[0].n_conjuncts - 1];
	test = (struct test){ .node = c->node,
		.member = c->member,
		.var = c->var,
		.negated = c->negated };
	canon_test(&out, &set->instances[c->instance], &test);
	text = str_dup(a, buf_str(&out));
	buf_free(&out);
	return text;
}

/* Behind a test that can err, so that nothing becomes an atom. */
static struct str
canon_condition(const char *text)
{
	return canon(str_printf(a,
	    "permit (principal, action, resource) when { context.first } when "
	    "{ %s };",
	    text)
			 .p);
}

static const struct {
	const char *text, *want; /* NULL: the text itself */
} cases[] = {
	{ "context.x == 1", NULL },
	{ "1 == context.x", "context.x == 1" },
	{ "!(context.x == 1)", "context.x != 1" },
	{ "!!(context.x == 1)", "context.x == 1" },
	{ "5 > context.x", "context.x < 5" },
	{ "!(5 > context.x)", "context.x >= 5" },
	{ "context[\"x\"] == 1", "context.x == 1" },
	{ "context[\"a b\"] == 1", "context.\"a b\" == 1" },
	{ "((context).x) == (1)", "context.x == 1" },
	{ "context.x == \"\\u{61}\"", "context.x == \"a\"" },
	{ "context.x == -1", NULL },
	{ "context.x + 1 == 2", NULL },
	{ "context.x - (1 - 2) == 2", NULL },
	{ "(context.x - 1) - 2 == 2", "context.x - 1 - 2 == 2" },
	{ "(context.x + 1) * 2 == 2", NULL },
	{ "-(context.x + 1) == 2", NULL },
	{ "(context.a || context.b) == true", NULL },
	{ "(context.a && (context.b && context.c)) == true",
	    "(context.a && context.b && context.c) == true" },
	{ "((context.a || context.b) && context.c) == true", NULL },
	{ "(if context.a then 1 else 2) == 2", NULL },
	{ "!context.a", NULL },
	{ "!(context has a)", NULL },
	{ "!(context.a in context.b)", NULL },
	{ "!(context.a like \"x*\")", NULL },
	{ "context.a like \"x\\**\"", NULL },
	{ "context.a matches \"^x\"", NULL },
	{ "!(context.a matches \"^x\")", NULL },
	{ "(!context.a) matches \"^x\"", "!context.a matches \"^x\"" },
	{ "context has a.b", NULL },
	{ "context has \"a b\"", NULL },
	{ "principal is U in G::\"g\"", NULL },
	{ "principal == U::\"a\"", NULL },
	{ "U::\"a\" == principal", "principal == U::\"a\"" },
	{ "[1, 2].contains(context.x)", NULL },
	{ "{a: 1, \"b c\": [2]} == context.x",
	    "{\"a\": 1, \"b c\": [2]} == context.x" },
	{ "context.x.isInRange(ip(\"10.0.0.0/8\"))", NULL },
	{ "decimal(\"1.0\").lessThan(context.x)", NULL },
	{ "principal.hasTag(\"t\")", NULL },
	{ "context.x.anyLike(\"a*\")", NULL },
};

START_TEST(text_is)
{
	ck_str_is(canon_condition(cases[_i].text),
	    cases[_i].want ? cases[_i].want : cases[_i].text);
}
END_TEST

static const struct {
	const char *scope, *condition; /* the same test */
} scopes[] = {
	{ "principal != U::\"a\"", "!(principal == U::\"a\")" },
	{ "principal not in G::\"g\"", "!(principal in G::\"g\")" },
	{ "principal not in [G::\"h\", G::\"g\"]",
	    "!(principal in [G::\"g\", G::\"h\"])" },
	{ "principal is not U", "!(principal is U)" },
};

START_TEST(a_scope_says_the_same)
{
	struct str policy =
	    str_printf(a, "permit (%s, action, resource);", scopes[_i].scope);
	struct str text = canon(policy.p);

	ck_assert(str_eq(text, canon_condition(scopes[_i].condition)));
}
END_TEST

START_TEST(a_thousand_operands_take_no_stack)
{
	struct buf text = { 0 };

	buf_addz(&text, "(context.a0");
	for (int i = 1; i < 50000; i++)
		buf_printf(&text, " || context.a%d", i);
	buf_addz(&text, ") == true");
	ck_str_is(canon_condition(text.p), text.p);
	buf_free(&text);
}
END_TEST

static void
setup(void)
{
	a = arena_new(0);
	set = NULL;
}

static void
teardown(void)
{
	policy_set_free(set);
	arena_free(a);
}

static Suite *
suite(void)
{
	Suite *s = suite_create("policy/canon");
	TCase *tc = tcase_create("canon");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, text_is, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, a_scope_says_the_same, 0, ARRAY_LEN(scopes));
	tcase_add_test(tc, a_thousand_operands_take_no_stack);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(suite());
}
