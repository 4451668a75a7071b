/* test_normal.c - what policies become: the rules, word for word, and that they
 * decide as the text does. The cases that taught what is sound have their
 * names. */
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
make(const struct policy_set *set, struct normal_options options)
{
	const struct normal *n;
	struct error err = { 0 };

	ck_assert_msg(normal_make(a, set, &options, &n, &err), "%s", err.msg);
	return n;
}

static void
check_print(const char *text, struct normal_options options, const char *want)
{
	struct policy_set *set = load(text);
	struct buf out = { 0 };

	normal_print(make(set, options), &out);
	ck_assert_msg(str_eq(buf_str(&out), str_of(want)),
	    "%s\ngot:\n%s\nwant:\n%s", text, out.p ? out.p : "", want);
	buf_free(&out);
	policy_set_free(set);
}

/* --- rules -----------------------------------------------------------------
 */

#define SCOPE "permit (principal, action, resource)"

static const struct {
	const char *note, *text, *want;
} cases[] = {
	{ "nothing", "", "" },
	{ "anything", SCOPE ";", SCOPE "; // t:1\n" },
	{ "lists of the scope",
	    "permit (principal in [G::\"a\", G::\"b\"], action, resource is "
	    "[D, E]);",
	    "permit (principal in G::\"a\", action, resource is D); // t:1\n"
	    "permit (principal in G::\"a\", action, resource is E); // t:1\n"
	    "permit (principal in G::\"b\", action, resource is D); // t:1\n"
	    "permit (principal in G::\"b\", action, resource is E); // t:1\n" },
	{ "indivisible stays whole",
	    "indivisible action [Action::\"r\", Action::\"w\"];\n"
	    "permit (principal, action in [Action::\"w\", Action::\"r\"], "
	    "resource);",
	    "permit (principal, action in [Action::\"r\", Action::\"w\"], "
	    "resource); // t:2\n" },
	{ "indivisible in a condition",
	    "indivisible action [Action::\"r\", Action::\"w\"];\n" SCOPE
	    " when { action in [Action::\"w\", Action::\"r\"] };",
	    "permit (principal, action in [Action::\"r\", Action::\"w\"], "
	    "resource); // t:2\n" },
	{ "more than is indivisible",
	    "indivisible action [Action::\"r\", Action::\"w\"];\n"
	    "permit (principal, action in [Action::\"x\", Action::\"r\"], "
	    "resource);",
	    "permit (principal, action in Action::\"r\", resource); // t:2\n"
	    "permit (principal, action in Action::\"x\", resource); // t:2\n" },
	{ "in nothing", "permit (principal in [], action, resource);", "" },
	{ "not in nothing", "permit (principal not in [], action, resource);",
	    SCOPE "; // t:1\n" },
	{ "an exception is a test of the same rule",
	    "permit (principal not in G::\"a\", action, resource);",
	    SCOPE " when { !(principal in G::\"a\") }; // t:1\n" },
	{ "a wildcard", "permit (principal, action, resource like D::\"a/*\");",
	    "permit (principal, action, resource like D::\"a/*\"); // t:1\n" },
	{ "a wildcard with more than a beginning",
	    "permit (principal, action, resource like D::\"a/*b\");",
	    "permit (principal, action, resource like D::\"a/*\") when { "
	    "resource like D::\"a/*b\" }; // t:1\n" },
	{ "a wildcard that is none",
	    "permit (principal, action, resource like D::\"a\");",
	    "permit (principal, action, resource == D::\"a\"); // t:1\n" },
	{ "a contextual wildcard says the type",
	    "permit (principal, action, resource like "
	    "D::\"a/${principal.o}\");",
	    "permit (principal, action, resource is D) when { resource like "
	    "D::\"a/${principal[\"o\"]}\" }; // t:1\n" },
	{ "atoms from conditions",
	    SCOPE " when { principal == U::\"a\" && U::\"r\" != resource && "
		  "resource is D in F::\"f\" };",
	    "permit (principal == U::\"a\", action, resource is D in "
	    "F::\"f\"); // t:1\n" },
	{ "not behind what can err",
	    SCOPE " when { context.x == 1 && principal == U::\"a\" };",
	    SCOPE " when { context.x == 1 } when { principal == U::\"a\" }; "
		  "// t:1\n" },
	{ "behind a guard nothing errs",
	    SCOPE " when { context has x && context.x == 1 && principal == "
		  "U::\"a\" };",
	    "permit (principal == U::\"a\", action, resource) when { context "
	    "has x } when { context.x == 1 }; // t:1\n" },
	{ "two of one element",
	    "permit (principal == U::\"a\", action, resource) when { principal "
	    "is V };",
	    "" },
	{ "|| of what cannot err",
	    SCOPE " when { principal == U::\"a\" || principal == U::\"b\" };",
	    "permit (principal == U::\"a\", action, resource); // t:1\n"
	    "permit (principal == U::\"b\", action, resource); // t:1\n" },
	{ "|| of what can", SCOPE " when { context.x == 1 || context.y == 2 };",
	    SCOPE
	    " when { context.x != 1 } when { context.y == 2 }; // t:1\n" SCOPE
	    " when { context.x == 1 }; // t:1\n" },
	{ "|| of values is a list of them",
	    SCOPE " when { resource.kind == \"a\" || resource.kind == \"b\" || "
		  "resource.kind == \"c\" };\n" SCOPE
		  " when { [\"c\", \"a\"].contains(resource.kind) };",
	    SCOPE " when { resource.kind == \"a\" }; // t:1, t:2\n" SCOPE
		  " when { resource.kind == \"b\" }; // t:1\n" SCOPE
		  " when { resource.kind == \"c\" }; // t:1, t:2\n" },
	{ "|| of orders: one that errs elsewhere too stays",
	    SCOPE " when { context.x < 1 || context.x == 2 };",
	    SCOPE " when { context.x < 1 }; // t:1\n" SCOPE
		  " when { context.x >= 1 } when { context.x == 2 }; // "
		  "t:1\n" },
	{ "! of both", SCOPE " unless { context.x == 1 || context.y < 2 };",
	    SCOPE " when { context.x != 1 } when { context.y >= 2 }; "
		  "// t:1\n" },
	{ "! of either", SCOPE " when { !(context.a && context.b) };",
	    SCOPE " when { !context.a }; // t:1\n" SCOPE
		  " when { context.a } when { !context.b }; // t:1\n" },
	{ "if",
	    SCOPE " when { if context.c then principal == U::\"a\" else "
		  "context.d };",
	    SCOPE " when { !context.c } when { context.d }; // t:1\n" SCOPE
		  " when { context.c } when { principal == U::\"a\" }; "
		  "// t:1\n" },
	{ "a list of values",
	    SCOPE " when { [\"a\", \"b\"].contains(resource.kind) };",
	    SCOPE " when { resource.kind == \"a\" }; // t:1\n" SCOPE
		  " when { resource.kind == \"b\" }; // t:1\n" },
	{ "a list that is no literal",
	    SCOPE " when { [1, context.x].contains(context.y) };",
	    SCOPE " when { [1, context.x].contains(context.y) }; // t:1\n" },
	{ "always and never",
	    SCOPE " when { true } unless { 1 == 2 };" SCOPE " when { false };",
	    SCOPE "; // t:1\n" },
	{ "never, but first an error",
	    SCOPE " when { context.x } when { false } when { context.y };",
	    SCOPE " when { context.x } when { false }; // t:1\n" },
	/* Equal rules, however they are written. */
	{ "equal",
	    "permit (principal == U::\"a\", action, resource);\n" SCOPE
	    " when { U::\"a\" == principal };\n" SCOPE
	    " unless { principal != U::\"a\" };\npermit (principal like "
	    "U::\"a\", action, resource);",
	    "permit (principal == U::\"a\", action, resource); // t:1, t:2, "
	    "t:3, t:4\n" },
	{ "equal tests",
	    SCOPE " when { context.x > 1 };\n" SCOPE
		  " when { 1 < context[\"x\"] };\n" SCOPE
		  " unless { ((context.x)) <= 1 };",
	    SCOPE " when { context.x > 1 }; // t:1, t:2, t:3\n" },
	{ "tests that cannot err have no order",
	    SCOPE " when { context has a } when { context has b };\n" SCOPE
		  " when { context has b && context has a };",
	    SCOPE " when { context has a } when { context has b }; // t:1, "
		  "t:2\n" },
	{ "tests that can do",
	    SCOPE " when { context.a } when { context.b };\n" SCOPE
		  " when { context.b } when { context.a };",
	    SCOPE " when { context.a } when { context.b }; // t:1\n" SCOPE
		  " when { context.b } when { context.a }; // t:2\n" },
	{ "permit and deny are apart",
	    SCOPE ";\ndeny (principal, action, resource);",
	    "deny (principal, action, resource); // t:2\n" SCOPE "; // t:1\n" },
	/* Contained rules. */
	{ "contained",
	    "permit (principal == U::\"a\", action, resource);\n"
	    "permit (principal is U, action, resource);",
	    "permit (principal is U, action, resource); // t:2\n"
	    "    // covers: permit (principal == U::\"a\", action, resource); "
	    "// t:1\n" },
	{ "a group does not cover its members",
	    "permit (principal == U::\"a\", action, resource);\n"
	    "permit (principal in G::\"g\", action, resource);",
	    "permit (principal == U::\"a\", action, resource); // t:1\n"
	    "permit (principal in G::\"g\", action, resource); // t:2\n" },
	{ "an order covers another",
	    SCOPE " when { context.x < 5 };\n" SCOPE " when { context.x < 3 };",
	    SCOPE " when { context.x < 5 }; // t:1\n    // covers: " SCOPE
		  " when { context.x < 3 }; // t:2\n" },
	{ "a union covers an indivisible set",
	    "indivisible action [Action::\"r\", Action::\"w\"];\n"
	    "permit (principal, action in [Action::\"r\", Action::\"w\"], "
	    "resource);\n"
	    "permit (principal, action in Action::\"r\", resource);\n"
	    "permit (principal, action in Action::\"w\", resource);",
	    "permit (principal, action in Action::\"r\", resource); // t:3\n"
	    "    // covers: permit (principal, action in [Action::\"r\", "
	    "Action::\"w\"], resource); // t:2\n"
	    "permit (principal, action in Action::\"w\", resource); // t:4\n"
	    "    // covers: permit (principal, action in [Action::\"r\", "
	    "Action::\"w\"], resource); // t:2\n" },
	{ "what hangs moves up",
	    "permit (principal == U::\"a\", action, resource);\n"
	    "permit (principal is U, action, resource);\n" SCOPE ";",
	    SCOPE "; // t:3\n"
		  "    // covers: permit (principal == U::\"a\", action, "
		  "resource); // t:1\n"
		  "    // covers: permit (principal is U, action, resource); "
		  "// t:2\n" },
	{ "an error that its cover would hide",
	    "deny (principal, action, resource) when { context.x == 1 && "
	    "context.y == 2 };\n"
	    "deny (principal, action, resource) when { context.y == 2 };",
	    "deny (principal, action, resource) when { context.x == 1 } when "
	    "{ context.y == 2 }; // t:1\n"
	    "deny (principal, action, resource) when { context.y == 2 }; "
	    "// t:2\n" },
	{ "an error only where its cover holds",
	    "deny (principal, action, resource) when { context.y == 2 && "
	    "context.x == 1 };\n"
	    "deny (principal, action, resource) when { context.y == 2 };",
	    "deny (principal, action, resource) when { context.y == 2 }; "
	    "// t:2\n    // covers: deny (principal, action, resource) when { "
	    "context.y == 2 } when { context.x == 1 }; // t:1\n" },
	{ "b and not b are not everything",
	    SCOPE " when { context.b };\n" SCOPE " when { !context.b };\n"
		  "permit (principal is U, action, resource);",
	    "permit (principal is U, action, resource); // t:3\n" SCOPE
	    " when { !context.b }; // t:2\n" SCOPE
	    " when { context.b }; // t:1\n" },
};

START_TEST(rules_are)
{
	check_print(cases[_i].text, NORMAL_DEFAULTS, cases[_i].want);
}
END_TEST

START_TEST(nothing_but_atoms_without_stages)
{
	check_print("permit (principal in [G::\"a\", G::\"b\"], action, "
		    "resource) when { context.a || context.b };",
	    (struct normal_options){ 0 },
	    "permit (principal in [G::\"a\", G::\"b\"], action, resource) "
	    "when { context.a || context.b }; // t:1\n");
}
END_TEST

START_TEST(too_much_growth_stays_whole)
{
	struct normal_options options = NORMAL_DEFAULTS;

	options.growth_max = 3;
	check_print("permit (principal in [G::\"a\", G::\"b\"], action, "
		    "resource is [D, E]);",
	    options,
	    "permit (principal in [G::\"a\", G::\"b\"], action, resource) "
	    "when { resource is [D, E] }; // t:1\n");
}
END_TEST

START_TEST(at_most_so_many_below)
{
	struct normal_options options = NORMAL_DEFAULTS;

	options.below_max = 1;
	check_print("permit (principal == U::\"a\", action, resource);\n"
		    "permit (principal == U::\"b\", action, resource);\n" SCOPE
		    ";",
	    options,
	    "permit (principal == U::\"b\", action, resource); // t:2\n" SCOPE
	    "; // t:3\n    // covers: permit (principal == U::\"a\", action, "
	    "resource); // t:1\n");
}
END_TEST

START_TEST(joined_to_closed_sets)
{
	struct normal_options options = NORMAL_DEFAULTS;

	options.granularity[0] = GRAIN_ALL;
	check_print("permit (principal in [G::\"b\", G::\"a\"], action, "
		    "resource);\npermit (principal in G::\"c\", action, "
		    "resource);\n" SCOPE " when { principal == U::\"a\" || "
		    "principal == U::\"b\" };",
	    options,
	    "permit (principal == [U::\"a\", U::\"b\"], action, resource); "
	    "// t:3\n"
	    "permit (principal in [G::\"a\", G::\"b\", G::\"c\"], action, "
	    "resource); // t:1, t:2\n"
	    "    // joined: principal in G::\"a\" // t:1\n"
	    "    // joined: principal in G::\"b\" // t:1\n"
	    "    // joined: principal in G::\"c\" // t:2\n");
}
END_TEST

/* --- what is hostile -------------------------------------------------------
 */

START_TEST(long_chains_end)
{
	static const char *const operators[] = { " || ", " && " };
	struct buf text = { 0 };
	struct policy_set *set;
	const struct normal *n;

	buf_addz(&text, SCOPE " when { context.x0");
	for (int i = 1; i < 20000; i++)
		buf_printf(&text, "%scontext.x%d", operators[_i], i);
	buf_addz(&text, " };");
	set = load(text.p);
	n = make(set, NORMAL_DEFAULTS);
	/* Left whole, or split at `&&`. */
	ck_assert_uint_eq(n->n_rules, 1);
	ck_assert_uint_eq(n->rules[0].n_conjuncts, _i ? 20000 : 1);
	ck_assert_uint_eq(n->rules[0].n_total, 0);
	buf_free(&text);
	policy_set_free(set);
}
END_TEST

START_TEST(products_end)
{
	struct buf text = { 0 };
	struct policy_set *set;
	const struct normal *n;

	buf_addz(&text, SCOPE);
	for (int i = 0; i < 200; i++)
		buf_printf(&text, " when { context.a%d || context.b%d }", i, i);
	buf_addz(&text, ";");
	set = load(text.p);
	n = make(set, NORMAL_DEFAULTS);
	ck_assert_uint_eq(n->n_rules, 1);
	ck_assert_uint_eq(n->rules[0].n_conjuncts, 200);
	buf_free(&text);
	policy_set_free(set);
}
END_TEST

/* --- decisions: the counterexamples ----------------------------------------
 */

static const struct {
	const char *note, *text;
} counterexamples[] = {
	{ "a total side does not make the other's errors count",
	    SCOPE " when { principal == U::\"a\" || context.x == 1 };" },
	{ "the left side's error comes first",
	    SCOPE " when { context.x == 1 || principal == U::\"a\" };" },
	{ "both can err", SCOPE " when { context.x == 1 || context.y == 2 };" },
	{ "no condition on either side", SCOPE " when { context.x || 5 };" },
	{ "not both", SCOPE " unless { context.x == 1 && context.y == 2 };" },
	{ "if without its branches",
	    SCOPE " when { if context.b then context.x == 1 else context.y == "
		  "2 };" },
	{ "an order of tests",
	    SCOPE " when { context.x == 1 && principal == U::\"b\" };" },
	{ "errors below a cover",
	    "deny (principal, action, resource) when { context.x == 1 && "
	    "context.y == 2 };\n"
	    "deny (principal, action, resource) when { context.y == 2 };" },
	{ "b and not b", SCOPE " when { context.b };" SCOPE
			       " when { !context.b };" SCOPE ";" },
	{ "an exception",
	    "deny (principal != U::\"a\", action, resource) when { context.x "
	    "== 1 };" SCOPE ";" },
	{ "a contextual wildcard errs last",
	    "permit (principal, action == Action::\"w\", resource like "
	    "D::\"${context.y}\");permit (principal like U::\"${context.y}*\", "
	    "action, resource like D::\"x*\");" },
	{ "a list with something else in it",
	    SCOPE " when { principal in [U::\"a\", context.y] };" },
	{ "groups and their members",
	    "permit (principal in G::\"g\", action, resource);"
	    "permit (principal == U::\"a\", action, resource);"
	    "permit (principal in [G::\"g\", U::\"a\"], action, resource);" },
};

static const char *const contexts[] = { "{}", "{\"x\": 1}", "{\"y\": 2}",
	"{\"x\": 1, \"y\": 2}", "{\"x\": 2, \"y\": 2}", "{\"x\": true}",
	"{\"x\": false}", "{\"b\": true, \"x\": 1}", "{\"b\": false, \"y\": 2}",
	"{\"b\": 1}", "{\"y\": \"d\"}", "{\"x\": \"d\", \"y\": \"a\"}" };

static struct value
context_of(const char *text)
{
	struct error err = { 0 };
	struct value v;
	json_t *json;

	ck_assert(json_parse(
	    str_of(text), "c", 1u << 20, 100, JSON_DATA_FILE, &json, &err));
	ck_assert(value_from_json(a, json, "context", &v, &err));
	json_decref(json);
	return v;
}

static const struct entities *
world(void)
{
	static const struct uid groups[] = { { STR_INIT("G"), STR_INIT("g") } };
	struct entities *layer = entities_new(a, NULL);
	struct entity e = { .uid = { STR("U"), STR("a") },
		.attrs = { .kind = VALUE_RECORD },
		.tags = { .kind = VALUE_RECORD },
		.parents = groups,
		.n_parents = 1 };

	ck_assert(entities_add(layer, &e, NULL));
	ck_assert(entities_finish(layer, NULL));
	return layer;
}

static void
check_request(const struct policy_set *set, const struct normal *n,
    const struct eval_request *r, const char *note, const char *context)
{
	enum eval_outcome got[8];
	const char *broken = linear_broken_promise(n, r, a);

	ck_assert(linear_outcomes(n, r, a, got));
	ck_assert_msg(!broken, "%s, %s: %s", note, context, broken);
	for (uint32_t i = 0; i < policy_set_count(set); i++)
		ck_assert_msg(got[i] == policy_eval(set, i, r, a, NULL, NULL),
		    "%s, context %s: policy %u", note, context, i);
}

/* Every request that tells, with all combinations of stages. */
START_TEST(rules_decide_as_the_text)
{
	static const char *const principals[] = { "a", "b" };
	const char *note = counterexamples[_i].note;
	struct policy_set *set = load(counterexamples[_i].text);
	const struct entities *entities = world();

	for (unsigned m = 0; m < 16; m++) {
		const struct normal *n = make(set,
		    (struct normal_options){ .decompound = m & 1,
			.dedup = m & 2,
			.contain = m & 4,
			.recompound = m & 8,
			.granularity = { GRAIN_ALL, GRAIN_ALL, GRAIN_ALL } });

		for (size_t i = 0; i < 2 * ARRAY_LEN(contexts); i++) {
			struct value context = context_of(contexts[i / 2]);
			struct eval_request r = {
				.principal = { STR("U"),
				    str_of(principals[i % 2]) },
				.action = { STR("Action"), STR("w") },
				.resource = { STR("D"), STR("d") },
				.context = &context,
				.entities = entities,
			};

			check_request(set, n, &r, note, contexts[i / 2]);
		}
	}
	policy_set_free(set);
}
END_TEST

START_TEST(what_a_key_may_skip_is_said)
{
	struct policy_set *set = load(
	    "deny (principal, action, resource) when { context.x == 1 } when "
	    "{ principal == U::\"b\" };" SCOPE
	    " when { context has y && context.y == 2 };");
	const struct normal *n = make(set, NORMAL_DEFAULTS);
	const struct normal_rule *r = &n->rules[0];

	/* Keyed on its principal the deny would never be visited. */
	ck_assert_int_eq(r->effect, POLICY_DENY);
	ck_assert_int_eq(r->atom[0]->kind, ATOM_ANY);
	ck_assert_int_eq(r->conjuncts[0].form, FORM_EQ);
	ck_assert(!r->conjuncts[0].form_negated);
	ck_assert_uint_eq(r->conjuncts[0].n_reads, 1);
	ck_assert_uint_eq(r->conjuncts[0].reads[0].path, r->conjuncts[0].path);
	ck_assert_uint_eq(n->paths[r->conjuncts[0].path].n, 1);
	ck_str_is(n->paths[r->conjuncts[0].path].names[0], "x");
	ck_assert_uint_eq(r->n_total, 0);
	r = &n->rules[1];
	ck_assert_int_eq(r->conjuncts[0].form, FORM_HAS);
	ck_assert_int_eq(r->conjuncts[1].form, FORM_EQ);
	ck_assert_uint_eq(r->n_total, 2);
	policy_set_free(set);
}
END_TEST

START_TEST(equal_tests_have_equal_hashes)
{
	struct policy_set *set = load(SCOPE " when { context.x == 1 };" SCOPE
					    " when { 1 == context.x };" SCOPE
					    " when { context.x == 2 };");
	struct normal_options options = NORMAL_DEFAULTS;
	const struct normal *n;

	options.dedup = options.contain = false;
	n = make(set, options);
	ck_assert_uint_eq(n->n_rules, 3);
	ck_assert(
	    n->rules[0].conjuncts[0].hash == n->rules[1].conjuncts[0].hash);
	ck_assert(
	    n->rules[0].conjuncts[0].hash != n->rules[2].conjuncts[0].hash);
	policy_set_free(set);
}
END_TEST

START_TEST(stats_say_what_was_done)
{
	struct policy_set *set =
	    load(SCOPE ";\n" SCOPE ";\npermit (principal is U, action, "
		       "resource);\n" SCOPE " when { false };");
	struct normal_options options = NORMAL_DEFAULTS;
	struct buf out = { 0 };

	options.notes = true;
	normal_print_stats(make(set, options), UINT32_MAX, &out);
	ck_assert_ptr_nonnull(
	    strstr(out.p, "policies: 4\nrules: 1, with 0 tests"));
	ck_assert_ptr_nonnull(strstr(out.p, "hung below others: 1\n"));
	ck_assert_ptr_nonnull(strstr(out.p, "       1  any, any, any\n"));
	ck_assert_ptr_nonnull(strstr(out.p, "merge: t:2 merged with t:1\n"));
	ck_assert_ptr_nonnull(strstr(out.p, "contain: t:3 hung below t:1\n"));
	ck_assert_ptr_nonnull(strstr(out.p, "atoms: t:4 never holds\n"));
	ck_assert_ptr_nonnull(strstr(out.p, "merge              1 merged\n"));
	out.n = 0;
	normal_print_stats(make(set, options), 1, &out);
	ck_assert_ptr_nonnull(strstr(out.p, "and 2 more: --notes"));
	buf_free(&out);
	policy_set_free(set);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("policy/normal");
	TCase *tc = tcase_create("normal");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, rules_are, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, nothing_but_atoms_without_stages);
	tcase_add_test(tc, too_much_growth_stays_whole);
	tcase_add_test(tc, at_most_so_many_below);
	tcase_add_test(tc, joined_to_closed_sets);
	tcase_add_loop_test(tc, long_chains_end, 0, 2);
	tcase_add_test(tc, products_end);
	tcase_add_loop_test(
	    tc, rules_decide_as_the_text, 0, ARRAY_LEN(counterexamples));
	tcase_add_test(tc, what_a_key_may_skip_is_said);
	tcase_add_test(tc, equal_tests_have_equal_hashes);
	tcase_add_test(tc, stats_say_what_was_done);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(suite());
}
