/* test_recompound.c - rules joined to a granularity: the sets, and whose each
 * member is. */
#include "policy/normal.h"

#include "tests/lib/linear.h"
#include "tests/lib/run.h"

static struct arena *a;

static void
setup(void)
{
	a = arena_new(0);
}

static void
teardown(void)
{
	arena_free(a);
}

static struct policy_set *
load(const char *text)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	struct errors errors = { 0 };

	ck_assert_msg(
	    policy_set_add_text(set, "t", str_of(text), POLICY_AVOW, &errors) &&
		policy_set_finish(set, &errors),
	    "%s: %s", text, errors.e[0].msg);
	return set;
}

static const struct normal *
make(const struct policy_set *set, const enum normal_granularity g[3])
{
	struct normal_options options = NORMAL_DEFAULTS;
	const struct normal *n;
	struct error err = { 0 };

	memcpy(options.granularity, g, sizeof options.granularity);
	ck_assert_msg(normal_make(a, set, &options, &n, &err), "%s", err.msg);
	return n;
}

/* Three by two, each of another policy or of the same. */
#define GRID                                                                   \
	"permit (principal == U::\"a\", action == Action::\"r\", resource);\n" \
	"permit (principal == U::\"b\", action == Action::\"r\", resource);\n" \
	"permit (principal == U::\"a\", action == Action::\"w\", resource);\n" \
	"permit (principal == U::\"b\", action == Action::\"w\", resource);\n"

static const struct {
	const char *note, *text;
	enum normal_granularity granularity[3];
	const char *want;
} cases[] = {
	{ "of one policy: no parts",
	    "permit (principal in [G::\"b\", G::\"a\"], action, resource);",
	    { GRAIN_ALL },
	    "permit (principal in [G::\"a\", G::\"b\"], action, resource); "
	    "// t:1\n" },
	{ "of several: each with its own",
	    "permit (principal in G::\"a\", action, resource);\n"
	    "permit (principal in [G::\"b\", G::\"a\"], action, resource);",
	    { GRAIN_ALL },
	    "permit (principal in [G::\"a\", G::\"b\"], action, resource); "
	    "// t:1, t:2\n"
	    "    // joined: principal in G::\"a\" // t:1, t:2\n"
	    "    // joined: principal in G::\"b\" // t:2\n" },
	{ "equal and contained entities stay apart",
	    "permit (principal in G::\"a\", action, resource);\n"
	    "permit (principal == G::\"b\", action, resource);",
	    { GRAIN_ALL },
	    "permit (principal == G::\"b\", action, resource); // t:2\n"
	    "permit (principal in G::\"a\", action, resource); // t:1\n" },
	{ "no group is made up",
	    "permit (principal in G::\"g\", action, resource);\n"
	    "permit (principal == U::\"member\", action, resource);",
	    { GRAIN_ALL },
	    "permit (principal == U::\"member\", action, resource); // t:2\n"
	    "permit (principal in G::\"g\", action, resource); // t:1\n" },
	{ "other tests, other rules",
	    "permit (principal == U::\"a\", action, resource);\n"
	    "permit (principal == U::\"b\", action, resource)\n"
	    "when { context.x };",
	    { GRAIN_ALL },
	    "permit (principal == U::\"a\", action, resource); // t:1\n"
	    "permit (principal == U::\"b\", action, resource) when { context.x "
	    "}; // t:2\n" },
	{ "effects apart",
	    "permit (principal == U::\"a\", action, resource);\n"
	    "deny (principal == U::\"b\", action, resource);",
	    { GRAIN_ALL },
	    "deny (principal == U::\"b\", action, resource); // t:2\n"
	    "permit (principal == U::\"a\", action, resource); // t:1\n" },
	{ "along two elements", GRID, { GRAIN_ALL, GRAIN_ALL },
	    "permit (principal == [U::\"a\", U::\"b\"], action == "
	    "[Action::\"r\", Action::\"w\"], resource); // t:1, t:2, t:3, t:4\n"
	    "    // joined: principal == U::\"a\", action == Action::\"r\" "
	    "// t:1\n"
	    "    // joined: principal == U::\"b\", action == Action::\"r\" "
	    "// t:2\n"
	    "    // joined: principal == U::\"a\", action == Action::\"w\" "
	    "// t:3\n"
	    "    // joined: principal == U::\"b\", action == Action::\"w\" "
	    "// t:4\n" },
	{ "what is no product is not joined whole",
	    GRID "permit (principal == U::\"c\", action == Action::\"w\", "
		 "resource);",
	    { GRAIN_ALL, GRAIN_ALL },
	    "permit (principal == [U::\"a\", U::\"b\", U::\"c\"], action == "
	    "Action::\"w\", resource); // t:3, t:4, t:5\n"
	    "    // joined: principal == U::\"a\" // t:3\n"
	    "    // joined: principal == U::\"b\" // t:4\n"
	    "    // joined: principal == U::\"c\" // t:5\n"
	    "permit (principal == [U::\"a\", U::\"b\"], action == "
	    "Action::\"r\", resource); // t:1, t:2\n"
	    "    // joined: principal == U::\"a\" // t:1\n"
	    "    // joined: principal == U::\"b\" // t:2\n" },
	{ "parts of the same policies are one part",
	    "permit (principal in [G::\"a\", G::\"b\"], action == "
	    "Action::\"r\", resource);\n"
	    "permit (principal in [G::\"a\", G::\"b\"], action == "
	    "Action::\"w\", resource);",
	    { GRAIN_ALL, GRAIN_ALL },
	    "permit (principal in [G::\"a\", G::\"b\"], action == "
	    "[Action::\"r\", Action::\"w\"], resource); // t:1, t:2\n"
	    "    // joined: action == Action::\"r\" // t:1\n"
	    "    // joined: action == Action::\"w\" // t:2\n" },
	{ "one type in a set",
	    "permit (principal in [G::\"a\", H::\"a\", G::\"b\"], action, "
	    "resource);",
	    { GRAIN_TYPE },
	    "permit (principal in H::\"a\", action, resource); // t:1\n"
	    "permit (principal in [G::\"a\", G::\"b\"], action, resource); "
	    "// t:1\n" },
	{ "one indivisible set in a set",
	    "indivisible principal [G::\"a\", G::\"b\"];\n"
	    "permit (principal in G::\"a\", action, resource);\n"
	    "permit (principal in [G::\"b\", G::\"c\"], action, resource);",
	    { GRAIN_INDIVISIBLE },
	    "permit (principal in G::\"c\", action, resource); // t:3\n"
	    "permit (principal in [G::\"a\", G::\"b\"], action, resource); "
	    "// t:2, t:3\n"
	    "    // joined: principal in G::\"a\" // t:2\n"
	    "    // joined: principal in G::\"b\" // t:3\n" },
	{ "what hangs below a part hangs below the whole",
	    "permit (principal in G::\"a\", action, resource);\n"
	    "permit (principal in G::\"a\", action, resource is D);\n"
	    "permit (principal in G::\"b\", action, resource);",
	    { GRAIN_ALL },
	    "permit (principal in [G::\"a\", G::\"b\"], action, resource); "
	    "// t:1, t:3\n"
	    "    // joined: principal in G::\"a\" // t:1\n"
	    "    // joined: principal in G::\"b\" // t:3\n"
	    "    // covers: permit (principal in G::\"a\", action, resource is "
	    "D); // t:2\n" },
	{ "types and wildcards are no entities",
	    "permit (principal is U, action, resource like D::\"a*\");\n"
	    "permit (principal is V, action, resource like D::\"a*\");",
	    { GRAIN_ALL, GRAIN_ALL, GRAIN_ALL },
	    "permit (principal is U, action, resource like D::\"a*\"); "
	    "// t:1\n"
	    "permit (principal is V, action, resource like D::\"a*\"); "
	    "// t:2\n" },
};

START_TEST(rules_are)
{
	struct policy_set *set = load(cases[_i].text);
	struct buf out = { 0 };

	normal_print(make(set, cases[_i].granularity), &out);
	ck_assert_msg(str_eq(buf_str(&out), str_of(cases[_i].want)),
	    "%s\ngot:\n%s\nwant:\n%s", cases[_i].note, out.p ? out.p : "",
	    cases[_i].want);
	buf_free(&out);
	policy_set_free(set);
}
END_TEST

/* A principal in two of the set's groups has the policies of both, and only
 * those. */
START_TEST(reasons_stay_exact)
{
	static const struct value context = { .kind = VALUE_RECORD };
	static const enum normal_granularity all[3] = { GRAIN_ALL, GRAIN_ALL,
		GRAIN_ALL };
	static const struct uid groups[] = { { STR_INIT("G"), STR_INIT("a") },
		{ STR_INIT("G"), STR_INIT("c") } };
	struct policy_set *set =
	    load("permit (principal in G::\"a\", action, resource);\n"
		 "permit (principal in G::\"b\", action, resource);\n"
		 "permit (principal in G::\"c\", action, resource);\n"
		 "deny (principal in G::\"c\", action, resource)\n"
		 "when { context.x };\n"
		 "deny (principal in G::\"b\", action, resource)\n"
		 "when { context.x };\n");
	const struct normal *n = make(set, all);
	struct entities *layer = entities_new(a, NULL);
	struct entity e = { .uid = { STR("U"), STR("u") },
		.attrs = { .kind = VALUE_RECORD },
		.tags = { .kind = VALUE_RECORD },
		.parents = groups,
		.n_parents = 2 };
	struct eval_request r = { e.uid, { STR("Action"), STR("r") },
		{ STR("D"), STR("d") }, &context, layer };
	enum eval_outcome got[5];

	ck_assert(
	    entities_add(layer, &e, NULL) && entities_finish(layer, NULL));
	ck_assert_uint_eq(n->n_rules, 2);
	ck_assert_ptr_null(linear_broken_promise(n, &r, a));
	ck_assert(linear_outcomes(n, &r, a, got));
	ck_assert_int_eq(got[0], EVAL_TRUE);
	ck_assert_int_eq(got[1], EVAL_FALSE);
	ck_assert_int_eq(got[2], EVAL_TRUE);
	ck_assert_int_eq(got[3], EVAL_ERROR);
	ck_assert_int_eq(got[4], EVAL_FALSE);
	policy_set_free(set);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("recompound");
	TCase *tc = tcase_create("recompound");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, rules_are, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, reasons_stay_exact);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
