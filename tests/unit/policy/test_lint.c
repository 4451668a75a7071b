/* test_lint.c - which policies change nothing, and which others say so: codes
 * with their places, and what must not be said since an error would differ. */
#include "policy/schema.h"

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

static struct policy_lint
lint(struct policy_set *set, const char *text)
{
	struct errors errors = { 0 };
	struct error err = { 0 };
	struct policy_lint found = { 0 };

	ck_assert_msg(
	    policy_set_add_text(set, "t", str_of(text), POLICY_AVOW, &errors) &&
		policy_set_finish(set, &errors),
	    "%s: %s", text, errors.e[0].msg);
	ck_assert_msg(policy_set_lint(set, a, &found, &err), "%s", err.msg);
	return found;
}

/* One policy a line. `want`: `LINE CODE` of each finding. */
static const struct {
	const char *note, *text, *want;
} cases[] = {
	{ "nothing to say",
	    "permit (principal == U::\"a\", action, resource);\n"
	    "permit (principal == U::\"b\", action, resource);\n"
	    "deny (principal == U::\"a\", action == Action::\"x\", resource);",
	    "" },
	{ "only ids differ",
	    "@id(\"x\") permit (principal == U::\"a\", action, resource);\n"
	    "@id(\"y\") permit (principal, action, resource)\n"
	    "when { principal == U::\"a\" };",
	    "2 lint.same" },
	{ "of three that are equal one stays",
	    "permit (principal, action, resource);\n"
	    "permit (principal, action, resource);\n"
	    "permit (principal, action, resource);",
	    "2 lint.same 3 lint.same" },
	{ "effects are not compared as equal",
	    "permit (principal == U::\"a\", action, resource);\n"
	    "deny (principal == U::\"b\", action, resource);",
	    "" },
	{ "a narrower scope",
	    "permit (principal in G::\"g\", action, resource);\n"
	    "permit (principal in G::\"g\", action == Action::\"x\", "
	    "resource);",
	    "2 lint.contained" },
	{ "by two others together",
	    "permit (principal in [G::\"g\", G::\"h\"], action, resource);\n"
	    "permit (principal in G::\"g\", action, resource);\n"
	    "permit (principal in G::\"h\", action, resource);",
	    "2 lint.contained 3 lint.contained" },
	{ "what others have only in part stays",
	    "permit (principal in [G::\"g\", G::\"h\"], action, resource);\n"
	    "permit (principal in [G::\"g\", G::\"i\"], action, resource);",
	    "" },
	{ "its own wider rule is no other's",
	    "permit (principal, action, resource)\n"
	    "when { principal in G::\"g\" || principal == G::\"g\" };",
	    "" },
	{ "a comparison that goes farther",
	    "deny (principal, action, resource) when { context.n > 5 };\n"
	    "deny (principal, action, resource) when { context.n > 7 };",
	    "2 lint.contained" },
	{ "an error that the cover does not have",
	    "deny (principal, action, resource) when { context.m == 2 };\n"
	    "deny (principal, action, resource)\n"
	    "when { context.n == 1 && context.m == 2 };",
	    "" },
	{ "members of a group are data",
	    "permit (principal in G::\"g\", action, resource);\n"
	    "permit (principal == U::\"a\", action, resource);",
	    "" },
	{ "a deny beats it",
	    "permit (principal in G::\"g\", action, resource == R::\"r\");\n"
	    "deny (principal, action, resource is R);",
	    "1 lint.denied" },
	{ "a deny beats each of its rules",
	    "permit (principal in [G::\"g\", G::\"h\"], action, resource);\n"
	    "deny (principal in G::\"g\", action, resource);\n"
	    "deny (principal in G::\"h\", action, resource);",
	    "1 lint.denied" },
	{ "a deny beats one of its rules alone",
	    "permit (principal in [G::\"g\", G::\"h\"], action, resource);\n"
	    "deny (principal in G::\"g\", action, resource);",
	    "" },
	{ "a deny with a condition of its own may err or be false",
	    "permit (principal in G::\"g\", action, resource);\n"
	    "deny (principal, action, resource) when { context.x };",
	    "" },
	{ "a deny with an exception",
	    "permit (principal in G::\"g\", action, resource);\n"
	    "deny (principal, action, resource)\n"
	    "unless { principal in G::\"g\" };",
	    "" },
	{ "the same condition denies",
	    "permit (principal in G::\"g\", action, resource)\n"
	    "when { context.n == 6 };\n"
	    "deny (principal, action, resource) when { context.n > 5 };",
	    "1 lint.denied" },
	{ "a permit that is denied and another's too",
	    "permit (principal, action, resource);\n"
	    "permit (principal in G::\"g\", action, resource);\n"
	    "deny (principal in G::\"g\", action, resource);",
	    "2 lint.denied" },
	{ "a deny on the group that the condition names",
	    "permit (principal == U::\"u\", action, resource)\n"
	    "when { principal in G::\"g\" };\n"
	    "deny (principal in G::\"g\", action, resource);",
	    "1 lint.denied" },
	{ "so for actions and resources",
	    "permit (principal, action == Action::\"x\", resource == "
	    "R::\"r\")\n"
	    "when { action in Action::\"all\" && resource in F::\"f\" };\n"
	    "deny (principal, action in Action::\"all\", "
	    "resource in F::\"f\");",
	    "1 lint.denied" },
	{ "two groups, whichever is the lesser",
	    "permit (principal in G::\"a\", action, resource)\n"
	    "when { principal in G::\"b\" };\n"
	    "permit (principal in G::\"c\", action, resource)\n"
	    "when { principal in G::\"b\" };\n"
	    "deny (principal in G::\"b\", action, resource);",
	    "1 lint.denied 3 lint.denied" },
	{ "a type by one, a group by the other",
	    "permit (principal == U::\"u\", action, resource)\n"
	    "when { principal in G::\"g\" };\n"
	    "deny (principal is U in G::\"g\", action, resource);",
	    "1 lint.denied" },
	{ "in a condition of the deny, too",
	    "permit (principal == U::\"u\", action, resource)\n"
	    "when { principal in G::\"g\" && principal in G::\"h\" };\n"
	    "deny (principal in G::\"h\", action, resource)\n"
	    "when { principal is U in G::\"g\" }\n"
	    "unless { principal == U::\"v\" };",
	    "1 lint.denied" },
	{ "behind a test that may err: then it permits nothing",
	    "permit (principal, action, resource)\n"
	    "when { context.x == 1 && principal in G::\"g\" };\n"
	    "deny (principal in G::\"g\", action, resource);",
	    "1 lint.denied" },
	{ "one that is denied by who it is not",
	    "permit (principal == U::\"u\", action, resource);\n"
	    "deny (principal, action, resource)\n"
	    "unless { principal == U::\"v\" };",
	    "1 lint.denied" },
	{ "by two denies together",
	    "permit (principal == U::\"u\", action, resource)\n"
	    "when { principal in G::\"g\" };\n"
	    "deny (principal in G::\"g\", action, resource)\n"
	    "when { context has x };\n"
	    "deny (principal in G::\"g\", action, resource)\n"
	    "unless { context has x };",
	    "1 lint.denied" },
	{ "each member of a set by its own",
	    "indivisible principal [U::\"a\", U::\"b\"];\n"
	    "permit (principal in [U::\"a\", U::\"b\"], action, resource)\n"
	    "when { principal in G::\"g\" && context has x };\n"
	    "deny (principal in U::\"a\", action, resource);\n"
	    "deny (principal in U::\"b\", action, resource)\n"
	    "when { context has x };",
	    "2 lint.denied" },
	{ "not where the deny may err",
	    "permit (principal == U::\"u\", action, resource)\n"
	    "when { principal in G::\"g\" };\n"
	    "deny (principal in G::\"g\", action, resource)\n"
	    "when { context.x == 1 };\n"
	    "deny (principal in G::\"g\", action, resource)\n"
	    "unless { principal.n < 5 };",
	    "" },
	{ "nor where one of two may",
	    "permit (principal == U::\"u\", action, resource)\n"
	    "when { principal in G::\"g\" };\n"
	    "deny (principal in G::\"g\", action, resource)\n"
	    "when { context.x == 1 };\n"
	    "deny (principal in G::\"g\", action, resource)\n"
	    "unless { context.x == 1 };",
	    "" },
	{ "nor where it is guarded and the permit is not",
	    "permit (principal == U::\"u\", action, resource)\n"
	    "when { principal in G::\"g\" };\n"
	    "deny (principal in G::\"g\", action, resource)\n"
	    "when { context has x && context.x == 1 };",
	    "" },
	{ "but where the permit has the guard and the test",
	    "permit (principal == U::\"u\", action, resource)\n"
	    "when { principal in G::\"g\" && context has x && "
	    "context.x == 1 };\n"
	    "deny (principal in G::\"g\", action, resource)\n"
	    "when { context has x && context.x < 5 };",
	    "1 lint.denied" },
	{ "nor on another action",
	    "permit (principal == U::\"u\", action == Action::\"x\", "
	    "resource)\n"
	    "when { principal in G::\"g\" };\n"
	    "deny (principal in G::\"g\", action == Action::\"y\", resource);",
	    "" },
	{ "nor another group, nor another's",
	    "permit (principal == U::\"u\", action, resource)\n"
	    "when { principal in G::\"g\" && resource in G::\"h\" };\n"
	    "deny (principal in G::\"h\", action, resource);\n"
	    "deny (principal, action, resource in G::\"g\");",
	    "" },
	{ "nor what is not in the group",
	    "permit (principal == U::\"u\", action, resource)\n"
	    "unless { principal in G::\"g\" };\n"
	    "permit (principal == U::\"w\", action, resource)\n"
	    "when { !(principal in G::\"g\") && context.x == 1 };\n"
	    "deny (principal in G::\"g\", action, resource);",
	    "" },
	{ "nor what may be in it",
	    "permit (principal == U::\"u\", action, resource)\n"
	    "when { principal in G::\"g\" || context has x };\n"
	    "deny (principal in G::\"g\", action, resource);",
	    "" },
	{ "nor by an exception of the group",
	    "permit (principal == U::\"u\", action, resource)\n"
	    "when { principal in G::\"g\" };\n"
	    "deny (principal, action, resource)\n"
	    "unless { principal in G::\"g\" };",
	    "" },
	{ "nor by what only the other type is",
	    "permit (principal == U::\"u\", action, resource)\n"
	    "when { principal in G::\"g\" };\n"
	    "deny (principal is V in G::\"g\", action, resource);",
	    "" },
	{ "covered on the group that the condition names",
	    "permit (principal == U::\"u\", action, resource)\n"
	    "when { principal in G::\"g\" };\n"
	    "permit (principal in G::\"g\", action, resource);\n"
	    "deny (principal in G::\"a\", action, resource)\n"
	    "when { principal in G::\"b\" && context.x == 1 };\n"
	    "deny (principal in G::\"b\", action, resource)\n"
	    "when { context.x < 5 };",
	    "1 lint.contained 4 lint.contained" },
	{ "not where an error of a deny would be lost",
	    "deny (principal == U::\"u\", action, resource)\n"
	    "when { context.x == 1 && principal in G::\"g\" };\n"
	    "deny (principal == U::\"u\", action, resource)\n"
	    "when { principal in G::\"g\" && context.y == 1 && "
	    "context.x == 1 };\n"
	    "deny (principal in G::\"g\", action, resource)\n"
	    "when { context.x == 1 };",
	    "" },
	{ "of two policies that cover each other one stays",
	    "permit (principal == U::\"u\", action, resource)\n"
	    "when { principal in G::\"g\" };\n"
	    "permit (principal == U::\"u\", action, resource)\n"
	    "when { principal is U in G::\"g\" };",
	    "3 lint.contained" },
	{ "nor by its own",
	    "permit (principal, action, resource)\n"
	    "when { principal in G::\"g\" || (principal == U::\"u\" && "
	    "principal in G::\"g\") };",
	    "" },
	{ "a condition that is never met",
	    "permit (principal, action, resource) when { false };",
	    "1 warn.never" },
	{ "it always errs",
	    "permit (principal, action, resource) when { 1 < \"a\" };",
	    "1 warn.error" },
	{ "it errs in one way alone",
	    "permit (principal, action, resource)\n"
	    "when { context.x == 1 || 1 < \"a\" };",
	    "" },
	{ "tests of a scope that exclude each other",
	    "permit (principal == U::\"a\", action, resource)\n"
	    "when { principal in G::\"g\" }\n"
	    "when { principal is V };",
	    "3 warn.never" },
	{ "a set's members, whole",
	    "indivisible principal [U::\"a\", U::\"b\"];\n"
	    "permit (principal in [U::\"a\", U::\"b\"], action, resource);\n"
	    "permit (principal == U::\"b\", action, resource);\n"
	    "permit (principal == U::\"a\", action, resource);",
	    "" },
	{ "a set's members, one by one",
	    "indivisible principal [U::\"a\", U::\"b\"];\n"
	    "permit (principal in [U::\"a\", U::\"b\"], action, resource);\n"
	    "permit (principal in U::\"b\", action, resource);\n"
	    "permit (principal in U::\"a\", action, resource);",
	    "2 lint.contained" },
	{ "by two that only together cover it",
	    "permit (principal in G::\"g\", action, resource);\n"
	    "permit (principal, action, resource) when { context has x };\n"
	    "permit (principal, action, resource) unless { context has x };",
	    "1 lint.contained" },
	{ "by one that covers it only in part",
	    "permit (principal in G::\"g\", action, resource);\n"
	    "permit (principal, action, resource) when { context has x };",
	    "" },
	{ "two denies that beat it only together",
	    "permit (principal in G::\"g\", action, resource);\n"
	    "deny (principal, action, resource) when { context has x };\n"
	    "deny (principal, action, resource) unless { context has x };",
	    "1 lint.denied" },
	{ "denies that leave a gap",
	    "permit (principal, action, resource)\n"
	    "when { context.n > 0 && context.n < 9 };\n"
	    "deny (principal, action, resource) when { context.n < 5 };\n"
	    "deny (principal, action, resource) when { context.n > 5 };",
	    "" },
	{ "of those that cover each other one stays",
	    "permit (principal, action, resource) when { context has x };\n"
	    "permit (principal, action, resource) unless { context has x };\n"
	    "permit (principal, action, resource);\n"
	    "permit (principal is U, action, resource);",
	    "1 lint.contained 2 lint.contained 4 lint.contained" },
	{ "ways that all contradict the rest",
	    "permit (principal, action, resource) when {\n"
	    "(principal == U::\"b\" || principal == U::\"c\") &&\n"
	    "principal == U::\"d\" };",
	    "1 lint.never" },
	{ "a permit that errs or is false",
	    "permit (principal, action, resource is D)\n"
	    "  when { principal.n == 1 && resource is U };",
	    "2 warn.never" },
	{ "a deny that does so denies what errs",
	    "deny (principal, action, resource is D)\n"
	    "  when { principal.n == 1 && resource is U };",
	    "" },
	{ "one that cannot err",
	    "deny (principal, action, resource is D) when { resource is U };",
	    "1 warn.never" },
};

START_TEST(finds)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct policy_lint found = lint(set, cases[_i].text);
	struct buf got = { 0 };

	for (size_t i = 0; i < found.n; i++)
		buf_printf(&got, "%s%u %s", i ? " " : "",
		    found.items[i].at.line, error_id(found.items[i].code));
	ck_assert_msg(str_eq(buf_str(&got), str_of(cases[_i].want)),
	    "%s: got `%.*s`, want `%s`", cases[_i].note, STR_ARG(buf_str(&got)),
	    cases[_i].want);
	ck_assert(!found.is_cut);
	buf_free(&got);
	policy_set_free(set);
}
END_TEST

static const char world[] =
    "entity Group;\n"
    "entity User in [Group] = { name: String, old?: Long };\n"
    "entity Doc;\n"
    "entity Color enum [\"red\", \"rose\", \"blue\"];\n"
    "action read, readAll, write appliesTo\n"
    "  { principal: User, resource: [Doc, Color], context: { n: Long } };\n"
    "action grant appliesTo { principal: Group, resource: Doc };\n";

/* As `cases`, where requests and data fit the schema. `want_unfit`: policies
 * of which it is not known whether they apply. */
static const struct {
	const char *note, *text, *want;
	size_t want_unfit;
} closed[] = {
	{ "nothing to say",
	    "permit (principal, action == Action::\"read\", resource is Doc);\n"
	    "deny (principal is Group, action, resource);",
	    "", 0 },
	{ "a wildcard over actions is contained",
	    "permit (principal, action in [Action::\"read\", "
	    "Action::\"readAll\"], resource);\n"
	    "permit (principal, action like Action::\"read*\", "
	    "resource is Doc);",
	    "2 lint.contained", 0 },
	{ "and the same as what it stands for",
	    "permit (principal, action, resource like Color::\"*o*\");\n"
	    "permit (principal, action, resource == Color::\"rose\");",
	    "2 lint.same", 0 },
	{ "over an open type it stands for more",
	    "permit (principal, action, resource == Doc::\"a\");\n"
	    "permit (principal, action, resource like Doc::\"a*\");",
	    "", 0 },
	{ "no such principal", "permit (principal is Doc, action, resource);",
	    "1 type.scope", 0 },
	{ "not with this action",
	    "deny (principal is Group, action == Action::\"read\", resource);",
	    "1 type.scope", 0 },
	{ "an action that is not declared",
	    "permit (principal, action == Action::\"x\", resource);",
	    "1 type.scope", 0 },
	{ "a scope before conditions that do not fit",
	    "permit (principal is Doc, action, resource)\n"
	    "  when { principal.nothing };",
	    "1 type.scope", 0 },
	{ "conditions that are always false",
	    "permit (principal, action, resource) when { principal has z };\n"
	    "permit (principal, action, resource) when { resource is User };",
	    "1 type.never 2 type.never", 0 },
	{ "they may be true of some",
	    "permit (principal, action, resource) when { principal is Group };",
	    "", 0 },
	{ "a deny that cannot err",
	    "deny (principal, action, resource) when { resource is User };",
	    "1 type.never", 0 },
	{ "a deny that may err denies",
	    "deny (principal is User, action, resource)\n"
	    "  when { principal.name == \"x\" && resource is User };",
	    "", 0 },
	{ "by its scope, too",
	    "deny (principal is User, action == Action::\"grant\",\n"
	    "  resource like Doc::\"${principal.name}\");",
	    "", 0 },
	{ "a permit that errs permits nothing",
	    "permit (principal is User, action, resource)\n"
	    "  when { principal.name == \"x\" && resource is User };",
	    "1 type.never", 0 },
	{ "one that does not fit may apply",
	    "permit (principal, action, resource) when { context.m == 1 };\n"
	    "permit (principal, action, resource) when { context.o == 1 };",
	    "", 2 },
	{ "a permit that denies beat",
	    "deny (principal, action in [Action::\"read\", "
	    "Action::\"readAll\"], resource);\n"
	    "permit (principal is User, action like Action::\"read*\", "
	    "resource);",
	    "2 lint.denied", 0 },
};

START_TEST(finds_in_a_closed_world)
{
	struct errors errors = { 0 };
	struct schema *schema =
	    schema_new("s", str_of(world), SCHEMA_CEDAR, &errors);
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct policy_lint found;
	struct buf got = { 0 };

	ck_assert_msg(schema != NULL, "%s", errors.e[0].msg);
	schema_close_set(schema, set);
	found = lint(set, closed[_i].text);
	for (size_t i = 0; i < found.n; i++)
		buf_printf(&got, "%s%u %s", i ? " " : "",
		    found.items[i].at.line, error_id(found.items[i].code));
	ck_assert_msg(str_eq(buf_str(&got), str_of(closed[_i].want)),
	    "%s: got `%.*s`, want `%s`", closed[_i].note,
	    STR_ARG(buf_str(&got)), closed[_i].want);
	ck_assert_msg(found.n_unfit == closed[_i].want_unfit, "%s: %zu",
	    closed[_i].note, found.n_unfit);
	ck_assert_uint_eq(found.unfit_at.line, found.n_unfit ? 1 : 0);
	buf_free(&got);
	policy_set_free(set);
	schema_free(schema);
}
END_TEST

START_TEST(names_the_others)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct policy_lint found =
	    lint(set, "permit (principal in G::\"g\", action, resource);\n"
		      "permit (principal in G::\"h\", action, resource);\n"
		      "@id(\"both\") permit (principal in [G::\"g\", "
		      "G::\"h\"], action == Action::\"x\", resource);");

	ck_assert_uint_eq(found.n, 1);
	ck_assert_int_eq(found.items[0].code, ERR_LINT_CONTAINED);
	ck_assert_uint_eq(found.items[0].at.line, 3);
	ck_assert_uint_eq(found.items[0].at.col, 13);
	ck_assert_str_eq(found.items[0].msg,
	    "`both`: all that it permits is permitted by t:1, t:2 too, so it "
	    "changes no decision");
	policy_set_free(set);
}
END_TEST

/* All of them, though the message says three. */
START_TEST(lists_all_others)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct policy_lint found =
	    lint(set, "permit (principal in G::\"a\", action, resource);\n"
		      "permit (principal in G::\"b\", action, resource);\n"
		      "permit (principal in G::\"c\", action, resource);\n"
		      "permit (principal in G::\"d\", action, resource);\n"
		      "permit (principal in [G::\"a\", G::\"b\", G::\"c\", "
		      "G::\"d\"], action, resource is D);");

	ck_assert_uint_eq(found.n, 1);
	ck_assert_str_eq(found.items[0].msg,
	    "`t#4`: all that it permits is permitted by t:1, t:2, t:3 and 1 "
	    "more too, so it changes no decision");
	ck_assert_uint_eq(found.others[0].n, 4);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_uint_eq(found.others[0].policies[i], i);
	ck_assert_uint_eq(found.others[0].dropped, 0);
	policy_set_free(set);
}
END_TEST

/* N narrower ones below one: over the findings' bound they are counted, over
 * the cover's bound it is said that not all were compared. */
static const struct {
	uint32_t n;
	size_t found, dropped;
	bool is_cut;
} bounds[] = {
	{ 999, 999, 0, false },
	{ 1100, POLICY_LINT_MAX, 100, false },
	{ 4097, POLICY_LINT_MAX, 3096, true },
};

START_TEST(is_bounded)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct buf text = { 0 };
	struct policy_lint found;

	buf_addz(&text, "permit (principal, action, resource);\n");
	for (uint32_t i = 0; i < bounds[_i].n; i++)
		buf_printf(&text,
		    "permit (principal == U::\"%u\", action, resource);\n", i);
	buf_byte(&text, '\0');
	found = lint(set, text.p);
	ck_assert_uint_eq(found.n, bounds[_i].found);
	ck_assert_uint_eq(found.dropped, bounds[_i].dropped);
	ck_assert_int_eq(found.is_cut, bounds[_i].is_cut);
	buf_free(&text);
	policy_set_free(set);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lint");
	TCase *tc = tcase_create("lint");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, finds, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, finds_in_a_closed_world, 0, ARRAY_LEN(closed));
	tcase_add_test(tc, names_the_others);
	tcase_add_test(tc, lists_all_others);
	tcase_add_loop_test(tc, is_bounded, 0, ARRAY_LEN(bounds));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
