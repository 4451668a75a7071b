/* test_expand.c - wildcards over what a schema closes: the rules they become,
 * where they stay, and requests that the schema would not allow. */
#include "policy/normal.h"
#include "policy/schema.h"

#include "tests/lib/linear.h"
#include "tests/lib/run.h"

static const char declared[] =
    "entity User; entity Doc; entity Role enum [\"admin\", \"min\", \"op\"];\n"
    "entity Color enum [\"red\", \"rust\", \"blue\"];\n"
    "action read, reread, write appliesTo {\n"
    "principal: [User, Role], resource: [Doc, Color] };\n"
    "namespace N { action \"other\" appliesTo { principal: User,\n"
    "resource: Color }; }\n";

static struct arena *a;
static struct schema *schema;

static void
setup(void)
{
	struct errors errors = { 0 };

	a = arena_new(0);
	schema = schema_new("s", str_of(declared), SCHEMA_CEDAR, &errors);
	ck_assert_msg(schema != NULL, "%s", errors.e[0].msg);
}

static void
teardown(void)
{
	arena_free(a);
	schema_free(schema);
}

static struct policy_set *
load(const char *text, bool closed)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	struct errors errors = { 0 };

	ck_assert_msg(
	    policy_set_add_text(set, "t", str_of(text), POLICY_AVOW, &errors) &&
		policy_set_finish(set, &errors),
	    "%s: %s", text, errors.e[0].msg);
	if (closed)
		schema_close_set(schema, set);
	return set;
}

static const struct normal *
make(const struct policy_set *set, uint32_t growth_max)
{
	struct normal_options options = NORMAL_DEFAULTS;
	const struct normal *n;
	struct error err = { 0 };

	options.growth_max = growth_max;
	ck_assert_msg(normal_make(a, set, &options, &n, &err), "%s", err.msg);
	return n;
}

static const struct {
	const char *note, *text;
	bool is_closed;
	uint32_t growth_max;
	const char *want;
} cases[] = {
	{ "declared actions",
	    "permit (principal, action like Action::\"re*\", "
	    "resource);",
	    true, 0,
	    "permit (principal, action == Action::\"read\", resource); // t:1\n"
	    "permit (principal, action == Action::\"reread\", resource); "
	    "// t:1\n" },
	{ "of their type alone",
	    "permit (principal, action like N::Action::\"*\", resource);", true,
	    0,
	    "permit (principal, action == N::Action::\"other\", resource); "
	    "// t:1\n" },
	{ "enumerated ids, with more than a beginning",
	    "permit (principal, action, resource like Color::\"*e*\");", true,
	    0,
	    "permit (principal, action, resource == Color::\"blue\"); // t:1\n"
	    "permit (principal, action, resource == Color::\"red\"); "
	    "// t:1\n" },
	{ "of several elements the product",
	    "permit (principal like Role::\"*min\", action, resource like "
	    "Color::\"r*\");",
	    true, 0,
	    "permit (principal == Role::\"admin\", action, resource == "
	    "Color::\"red\"); // t:1\n"
	    "permit (principal == Role::\"admin\", action, resource == "
	    "Color::\"rust\"); // t:1\n"
	    "permit (principal == Role::\"min\", action, resource == "
	    "Color::\"red\"); // t:1\n"
	    "permit (principal == Role::\"min\", action, resource == "
	    "Color::\"rust\"); // t:1\n" },
	{ "nothing that fits",
	    "permit (principal, action like Action::\"zap*\", resource);", true,
	    0, "" },
	{ "equal to what is written out",
	    "permit (principal, action == Action::\"write\", resource);\n"
	    "permit (principal, action like Action::\"w*\", resource);",
	    true, 0,
	    "permit (principal, action == Action::\"write\", resource); "
	    "// t:1, t:2\n" },
	{ "an open type stays",
	    "permit (principal, action, resource like Doc::\"a*\");", true, 0,
	    "permit (principal, action, resource like Doc::\"a*\"); // t:1\n" },
	{ "without a schema nothing is closed",
	    "permit (principal, action like Action::\"re*\", resource);", false,
	    0,
	    "permit (principal, action like Action::\"re*\", resource); "
	    "// t:1\n" },
	{ "an exception stays",
	    "permit (principal, action, resource not like Color::\"r*\");",
	    true, 0,
	    "permit (principal, action, resource) when { !(resource like "
	    "Color::\"r*\") }; // t:1\n" },
	{ "a contextual wildcard stays",
	    "permit (principal, action, resource like "
	    "Color::\"${context.c}*\");",
	    true, 0,
	    "permit (principal, action, resource is Color) when { resource "
	    "like Color::\"${context[\"c\"]}*\" }; // t:1\n" },
	{ "too much growth stays whole",
	    "permit (principal, action like Action::\"*\", resource like "
	    "Color::\"*\");",
	    true, 8,
	    "permit (principal, action is Action, resource is Color); "
	    "// t:1\n" },
	{ "as much as may be does not",
	    "permit (principal, action like Action::\"re*\", resource in "
	    "[Color::\"red\", Doc::\"d\"]);",
	    true, 4,
	    "permit (principal, action == Action::\"read\", resource in "
	    "Color::\"red\"); // t:1\n"
	    "permit (principal, action == Action::\"read\", resource in "
	    "Doc::\"d\"); // t:1\n"
	    "permit (principal, action == Action::\"reread\", resource in "
	    "Color::\"red\"); // t:1\n"
	    "permit (principal, action == Action::\"reread\", resource in "
	    "Doc::\"d\"); // t:1\n" },
	{ "a test elsewhere is not taken for an expanded one",
	    "deny (principal, action like Action::\"*r*\", resource);\n"
	    "permit (principal, action, resource)\n"
	    "when { context.x == 1 && action == Action::\"read\" };",
	    true, 0,
	    "deny (principal, action == Action::\"read\", resource); // t:1\n"
	    "deny (principal, action == Action::\"reread\", resource); // t:1\n"
	    "deny (principal, action == Action::\"write\", resource); // t:1\n"
	    "permit (principal, action, resource) when { context.x == 1 } "
	    "when { action == Action::\"read\" }; // t:2\n" },
	/* Were `not like` taken for the opposite of one of the entities, the
	 * last would seem to be covered by the two before, and nothing would
	 * deny `read`. */
	{ "what a wildcard leaves out is not what one of its entities does",
	    "permit (principal, action like Action::\"re*\", resource);\n"
	    "deny (principal, action not like Action::\"re*\", resource);\n"
	    "deny (principal, action == Action::\"reread\", resource);\n"
	    "deny (principal, action, resource) when { context.t };",
	    true, 0,
	    "deny (principal, action == Action::\"reread\", resource); "
	    "// t:3\n"
	    "deny (principal, action, resource) when { !(action like "
	    "Action::\"re*\") }; // t:2\n"
	    "deny (principal, action, resource) when { context.t }; // t:4\n"
	    "permit (principal, action == Action::\"read\", resource); "
	    "// t:1\n"
	    "permit (principal, action == Action::\"reread\", resource); "
	    "// t:1\n" },
};

START_TEST(rules_are)
{
	struct policy_set *set = load(cases[_i].text, cases[_i].is_closed);
	struct buf out = { 0 };

	normal_print(make(set, cases[_i].growth_max), &out);
	ck_assert_msg(str_eq(buf_str(&out), str_of(cases[_i].want)),
	    "%s\ngot:\n%s\nwant:\n%s", cases[_i].note, out.p ? out.p : "",
	    cases[_i].want);
	buf_free(&out);
	policy_set_free(set);
}
END_TEST

#define UID(type, id)                                                          \
	{                                                                      \
		STR_INIT(type), STR_INIT(id)                                   \
	}

/* By the index, whatever the schema says of the request: the text's outcome. */
static const struct {
	struct uid principal, action, resource;
	bool is_closed;
} requests[] = {
	{ UID("User", "u"), UID("Action", "read"), UID("Color", "red"), true },
	{ UID("User", "u"), UID("Action", "reread"), UID("Doc", "d"), true },
	{ UID("Role", "op"), UID("Action", "write"), UID("Color", "rust"),
	    true },
	{ UID("User", "u"), UID("Action", "rewrite"), UID("Color", "red"),
	    false },
	{ UID("Role", "of"), UID("Action", "read"), UID("Color", "red"),
	    false },
	{ UID("User", "u"), UID("Action", "read"), UID("Color", "rose"),
	    false },
};

static const char policies[] =
    "permit (principal, action like Action::\"re*\", resource);\n"
    "deny (principal, action, resource like Color::\"r*\");\n"
    "deny (principal like Role::\"o*\", action, resource);\n";

static enum eval_outcome
found_outcome(const struct policy_set *set, const struct policy_found *found,
    uint32_t policy, enum eval_outcome text)
{
	enum policy_effect effect = policy_set_effect(set, policy);

	if (found->is_walk)
		return text;
	for (size_t i = 0; i < found->n_satisfied[effect]; i++)
		if (found->satisfied[effect][i] == policy)
			return EVAL_TRUE;
	return EVAL_FALSE;
}

START_TEST(requests_outside_are_decided_by_the_text)
{
	static const struct value context = { .kind = VALUE_RECORD };
	struct policy_set *set = load(policies, true);
	struct entities *none = entities_new(a, NULL);
	struct policy_index *ix;
	struct policy_found found;
	struct error err = { 0 };
	struct eval_request r = { requests[_i].principal, requests[_i].action,
		requests[_i].resource, &context, none };

	ck_assert(entities_finish(none, &err));
	ck_assert_msg(policy_index_new(set, none, &ix, &err), "%s", err.msg);
	ck_assert_int_eq(
	    normal_is_closed(make(set, 0)->closed, &r), requests[_i].is_closed);
	ck_assert(policy_index_find(ix, &r, a, &found));
	ck_assert_int_eq(found.is_walk, !requests[_i].is_closed);
	for (uint32_t i = 0; i < policy_set_count(set); i++) {
		enum eval_outcome text = policy_eval(set, i, &r, a, NULL, NULL);

		ck_assert_int_eq(found_outcome(set, &found, i, text), text);
	}
	policy_index_free(ix);
	policy_set_free(set);
}
END_TEST

START_TEST(without_wildcards_every_request_is_closed)
{
	struct policy_set *set =
	    load("permit (principal, action, resource);", true);

	ck_assert_ptr_null(make(set, 0)->closed);
	policy_set_free(set);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("expand");
	TCase *tc = tcase_create("expand");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, rules_are, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, requests_outside_are_decided_by_the_text, 0,
	    ARRAY_LEN(requests));
	tcase_add_test(tc, without_wildcards_every_request_is_closed);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
