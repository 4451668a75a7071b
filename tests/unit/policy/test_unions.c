/* test_unions.c - rules that several others cover together: which leave the
 * index, and which stay since an error or a gap would be lost. */
#include "policy/normal.h"

#include "tests/lib/run.h"

#define ALL "(principal, action, resource)"

/* One policy a line. `want`: `CONTAINED<COVER+COVER` by lines, in order. */
static const struct {
	const char *note, *text, *want;
} cases[] = {
	{ "with and without an attribute",
	    "permit " ALL " when { context has x };\n"
	    "permit " ALL " unless { context has x };\n"
	    "permit (principal in G::\"g\", action, resource);",
	    "3<1+2" },
	{ "only with it",
	    "permit " ALL " when { context has x };\n"
	    "permit (principal in G::\"g\", action, resource);",
	    "" },
	{ "two attributes, four ways",
	    "permit " ALL " when { context has x && context has y };\n"
	    "permit " ALL " when { context has x } unless { context has y };\n"
	    "permit " ALL " when { context has y } unless { context has x };\n"
	    "permit " ALL " unless { context has x || context has y };\n"
	    "permit (principal is U, action, resource);",
	    "5<1+2+3+4" },
	{ "two attributes, three of four ways",
	    "permit " ALL " when { context has x && context has y };\n"
	    "permit " ALL " when { context has x } unless { context has y };\n"
	    "permit " ALL " when { context has y } unless { context has x };\n"
	    "permit (principal is U, action, resource);",
	    "" },
	{ "somebody, and all others",
	    "permit (principal == U::\"a\", action, resource);\n"
	    "permit (principal != U::\"a\", action, resource);\n"
	    "permit (principal, action, resource is D);",
	    "3<1+2" },
	{ "a group, and who is not in it",
	    "deny (principal in G::\"g\", action, resource);\n"
	    "deny (principal not in G::\"g\", action, resource);\n"
	    "deny (principal, action, resource == D::\"d\");",
	    "3<1+2" },
	{ "a type, and all others",
	    "permit (principal, action, resource is D);\n"
	    "permit (principal, action, resource is not D);\n"
	    "permit (principal == U::\"u\", action, resource);",
	    "3<1+2" },
	{ "below and from",
	    "permit " ALL " when { context.x < 5 };\n"
	    "permit " ALL " when { context.x >= 5 };\n"
	    "permit " ALL " when { context.x > 0 && context.x < 10 };",
	    "3<1+2" },
	{ "below and from, overlapping",
	    "permit " ALL " when { context.x < 7 };\n"
	    "permit " ALL " when { context.x > 3 };\n"
	    "permit " ALL " when { context.x > 0 && context.x < 10 };",
	    "3<1+2" },
	{ "a gap of one",
	    "permit " ALL " when { context.x < 5 };\n"
	    "permit " ALL " when { context.x > 5 };\n"
	    "permit " ALL " when { context.x > 0 && context.x < 10 };",
	    "" },
	{ "nothing says that it is there",
	    "permit " ALL " when { context.x < 5 };\n"
	    "permit " ALL " when { context.x >= 5 };\n"
	    "permit (principal == U::\"u\", action, resource);",
	    "" },
	{ "nothing says that it is a number",
	    "permit " ALL " when { context.x < 5 };\n"
	    "permit " ALL " when { context.x >= 5 };\n"
	    "permit " ALL " when { context has x };",
	    "" },
	{ "b and !b are not everything, since b may err",
	    "deny " ALL " when { context.b };\n"
	    "deny " ALL " unless { context.b };\n"
	    "deny (principal, action, resource is D);",
	    "" },
	{ "a value, and another",
	    "deny " ALL " when { context.x == 1 };\n"
	    "deny " ALL " when { context.x != 1 };\n"
	    "deny (principal, action, resource is D) when { context.x < 9 };",
	    "" },
	{ "a value, and another, of what is there",
	    "deny " ALL " when { context has x && context.x == 1 };\n"
	    "deny " ALL " when { context has x && context.x != 1 };\n"
	    "deny (principal, action, resource is D) when { context has x };",
	    "3<1+2" },
	{ "an error that no cover has",
	    "deny " ALL " when { context has x && context.y == 1 };\n"
	    "deny " ALL " when { !(context has x) && context.y == 1 };\n"
	    "deny " ALL " when { context.z == 1 && context.y == 1 };",
	    "" },
	{ "an error that the covers have",
	    "deny " ALL " when { context has x && context.y == 1 };\n"
	    "deny " ALL " when { !(context has x) && context.y == 1 };\n"
	    "deny " ALL " when { context.y == 1 && context.z == 1 };",
	    "3<1+2" },
	{ "an error before what the covers ask first",
	    "deny " ALL " when { principal != U::\"a\" && context has x };\n"
	    "deny " ALL " when { principal != U::\"a\" }\n"
	    "unless { context has x };\n"
	    "deny " ALL " when { context.z == 1 && principal != U::\"a\" };",
	    "" },
	{ "effects apart",
	    "permit " ALL " when { context has x };\n"
	    "deny " ALL " unless { context has x };\n"
	    "permit (principal is U, action, resource);",
	    "" },
	{ "none of those that need each other",
	    "permit " ALL " when { context has x };\n"
	    "permit " ALL " unless { context has x };",
	    "" },
};

/* The line of the rule's first policy. */
static uint32_t
line_of(const struct normal *n, const struct normal_rule *r)
{
	return policy_set_info(n->set, r->parents[0]).at.line;
}

static void
print_covers(const struct normal *n, uint32_t contained, struct buf *out)
{
	const char *before = "<";

	buf_printf(out, "%s%u", out->n ? " " : "",
	    line_of(n, &n->contained[contained]));
	for (uint32_t line = 1; line < 9; line++)
		for (uint32_t r = 0; r < n->n_rules; r++)
			for (uint32_t k = 0; k < n->rules[r].n_below; k++) {
				if (n->rules[r].below[k] != contained ||
				    line_of(n, &n->rules[r]) != line)
					continue;
				buf_printf(out, "%s%u", before, line);
				before = "+";
			}
}

static void
check_covers(const char *note, const char *text, bool unions, const char *want)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	struct normal_options options = NORMAL_DEFAULTS;
	struct arena *a = arena_new(0);
	struct errors errors = { 0 };
	struct error err = { 0 };
	const struct normal *n;
	struct buf got = { 0 };

	options.unions = unions;
	ck_assert_msg(
	    policy_set_add_text(set, "t", str_of(text), POLICY_AVOW, &errors) &&
		policy_set_finish(set, &errors),
	    "%s: %s", note, errors.e[0].msg);
	ck_assert_msg(normal_make(a, set, &options, &n, &err), "%s", err.msg);
	for (uint32_t i = 0; i < n->n_contained; i++)
		print_covers(n, i, &got);
	ck_assert_msg(str_eq(buf_str(&got), str_of(want)),
	    "%s: got `%.*s`, want `%s`", note, STR_ARG(buf_str(&got)), want);
	ck_assert(!n->is_cut);
	buf_free(&got);
	arena_free(a);
	policy_set_free(set);
}

START_TEST(covers_are)
{
	check_covers(cases[_i].note, cases[_i].text, true, cases[_i].want);
}
END_TEST

START_TEST(left_out_nothing_leaves)
{
	check_covers(cases[0].note, cases[0].text, false, "");
}
END_TEST

/* Many that could be cut in many ways: the search ends, and says so. */
START_TEST(searches_end)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	struct normal_options options = NORMAL_DEFAULTS;
	struct arena *a = arena_new(0);
	struct errors errors = { 0 };
	struct buf text = { 0 };
	const struct normal *n;

	for (int i = 0; i < 600; i++)
		buf_printf(&text,
		    "permit " ALL " %s { context has a%d && context has b%d "
		    "};\n",
		    i % 2 ? "when" : "unless", i / 2, i % 7);
	ck_assert(policy_set_add_text(
		      set, "t", buf_str(&text), POLICY_AVOW, &errors) &&
		  policy_set_finish(set, &errors));
	ck_assert(normal_make(a, set, &options, &n, NULL));
	ck_assert(n->is_cut);
	buf_free(&text);
	arena_free(a);
	policy_set_free(set);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("unions");
	TCase *tc = tcase_create("unions");

	tcase_add_loop_test(tc, covers_are, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, left_out_nothing_leaves);
	tcase_add_test(tc, searches_end);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
