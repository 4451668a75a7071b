#include "policy/set.h"

#include "tests/lib/run.h"

static const char text[] =
    "forbid (principal, action, resource);\n"
    "@id(\"x\")\n"
    "permit (principal == U::\"a\", action in [Action::\"b\"],\n"
    "    resource is not T)\n"
    "when { context.a && principal has b.c }\n"
    "unless { resource.hasTag(\"t\") || [1].contains(2) };\n";

static const struct {
	const char *text; /* of the node looked for, the first of its kind */
	enum node_kind kind;
	const char *clause;
	uint32_t line, col;
	bool is_clause, is_datum;
} rows[] = {
	{ "principal == U::\"a\"", NODE_SCOPE, "principal", 3, 9, true, false },
	{ "== U::\"a\"", NODE_TEST_EQ, "principal", 3, 19, false, false },
	{ "Action::\"b\"", NODE_ENTITY, "action", 3, 41, false, false },
	{ "resource is not T", NODE_SCOPE, "resource", 4, 5, true, false },
	{ "when { context.a && principal has b.c }", NODE_WHEN, "condition 1",
	    5, 1, true, false },
	{ "context.a && principal has b.c", NODE_BINARY, "condition 1", 5, 8,
	    false, false },
	{ "context.a", NODE_ATTR, "condition 1", 5, 8, false, true },
	{ "context", NODE_VAR, "condition 1", 5, 8, false, true },
	{ "principal has b.c", NODE_HAS, "condition 1", 5, 21, false, true },
	{ "resource.hasTag(\"t\")", NODE_METHOD, "condition 2", 6, 10, false,
	    true },
	{ "[1].contains(2)", NODE_METHOD, "condition 2", 6, 34, false, false },
	{ "2", NODE_LONG, "condition 2", 6, 47, false, false },
};

START_TEST(nodes_have_clauses)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };
	struct policy_place place = { 0 };
	struct str place_text = { 0 };
	const struct ast *t;
	bool found = false;

	ck_assert(policy_set_add_text(set, "f", str_of(text), POLICY_AVOW, &e));
	ck_assert(policy_set_finish(set, &e));
	t = set->instances[1].ast;
	for (uint32_t i = 1; i < t->n_nodes && !found; i++) {
		const struct ast_node *n = &t->nodes[i];

		found = n->kind == rows[_i].kind &&
			str_eq(ast_text(t, n), str_of(rows[_i].text));
		if (found)
			policy_place(set, 1, i, &place);
		if (found)
			place_text = policy_place_text(set, 1, i, NULL);
	}
	ck_assert_msg(found, "no node `%s`", rows[_i].text);
	ck_assert_str_eq(place.clause, rows[_i].clause);
	ck_str_is(place_text, rows[_i].text);
	ck_assert_uint_eq(place.at.line, rows[_i].line);
	ck_assert_uint_eq(place.at.col, rows[_i].col);
	ck_assert_str_eq(place.at.file, "f");
	ck_assert(place.is_clause == rows[_i].is_clause);
	ck_assert(place.is_datum == rows[_i].is_datum);
	policy_set_free(set);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("place");
	TCase *tc = tcase_create("place");

	tcase_add_loop_test(tc, nodes_have_clauses, 0, ARRAY_LEN(rows));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
