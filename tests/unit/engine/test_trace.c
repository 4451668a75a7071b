/* test_trace.c - which part of a policy failed, where it stands, and on what
 * values: the part, not the whole, and not what held beside it. */
#include "engine/trace.h"

#include "tests/unit/engine/fixture.h"

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

/* U::"u" is of "acme", in group G::"g", and has the tag "t". */
#define WORLD                                                                  \
	"\"context\":{\"x\":2,\"s\":\"txt\",\"f\":false,\"y\":true,\"r\":{"    \
	"\"z\":1}},"                                                           \
	"\"entities\":[{\"uid\":{\"type\":\"U\",\"id\":\"u\"},\"attrs\":{"     \
	"\"owner\":\"acme\"},\"tags\":{\"t\":\"v\"},\"parents\":[{\"type\":"   \
	"\"G\",\"id\":\"g\"}]},{\"uid\":{\"type\":\"R\",\"id\":\"r\"},"        \
	"\"attrs\":{\"kind\":\"index\"},\"parents\":[]}]"

/* `values` are texts with their values, each `text=value;`. */
static const struct {
	const char *note, *policy, *outcome, *clause, *text, *values;
	int line, column;
} cases[] = {
	{ "the second conjunct",
	    "permit (principal, action, resource)\nwhen { principal.owner == "
	    "\"acme\" && context.x > 3 && resource.kind == \"package\" };",
	    "unsatisfied", "condition 1", "context.x > 3", "context.x=2;", 2,
	    37 },
	{ "the last conjunct",
	    "permit (principal, action, resource)\nwhen { principal.owner == "
	    "\"acme\" && resource.kind == \"package\" };",
	    "unsatisfied", "condition 1", "resource.kind == \"package\"",
	    "resource.kind=\"index\";", 2, 37 },
	{ "the first conjunct",
	    "permit (principal, action, resource)\nwhen { context.x == 1 && "
	    "context.gone };",
	    "unsatisfied", "condition 1", "context.x == 1", "context.x=2;", 2,
	    8 },
	{ "in parentheses",
	    "permit (principal, action, resource)\nwhen { context.y && "
	    "((context.x == 2 && context.f)) };",
	    "unsatisfied", "condition 1", "context.f", "context.f=false;", 2,
	    41 },
	{ "both sides of an or",
	    "permit (principal, action, resource)\nwhen { context.y && "
	    "(context.x == 1 || context.x == 5) };",
	    "unsatisfied", "condition 1", "context.x == 1 || context.x == 5",
	    "context.x=2;", 2, 22 },
	{ "behind an or that held",
	    "permit (principal, action, resource)\nwhen { (context.x == 1 || "
	    "context.y) && context.f };",
	    "unsatisfied", "condition 1", "context.f", "context.f=false;", 2,
	    41 },
	{ "a negation",
	    "permit (principal, action, resource)\nwhen { context.x == 2 && "
	    "!context.y };",
	    "unsatisfied", "condition 1", "!context.y", "context.y=true;", 2,
	    26 },
	{ "unless: all of it",
	    "permit (principal, action, resource)\nunless { context.x == 2 };",
	    "unsatisfied", "condition 1", "unless { context.x == 2 }",
	    "context.x=2;", 2, 1 },
	{ "unless, by a negation",
	    "permit (principal, action, resource)\nunless { !context.f };",
	    "unsatisfied", "condition 1", "unless { !context.f }",
	    "context.f=false;", 2, 1 },
	{ "the second condition",
	    "permit (principal, action, resource) when { context.y }\nwhen { "
	    "context.f };",
	    "unsatisfied", "condition 2", "context.f", "context.f=false;", 2,
	    8 },
	{ "the else of an if",
	    "permit (principal, action, resource)\nwhen { if context.f then "
	    "true else context.x == 7 };",
	    "unsatisfied", "condition 1",
	    "if context.f then true else context.x == 7",
	    "context.f=false;context.x=2;", 2, 8 },
	{ "a has",
	    "permit (principal, action, resource)\nwhen { context has gone && "
	    "context.gone == 1 };",
	    "unsatisfied", "condition 1", "context has gone",
	    "context has gone=false;", 2, 8 },
	{ "a tag",
	    "permit (principal, action, resource)\nwhen { "
	    "principal.getTag(\"t\") == \"w\" };",
	    "unsatisfied", "condition 1", "principal.getTag(\"t\") == \"w\"",
	    "principal.getTag(\"t\")=\"v\";", 2, 8 },
	{ "an attribute that is not there",
	    "permit (principal, action, resource)\nwhen { context.y && "
	    "context.gone == 1 };",
	    "error", "condition 1", "context.gone", "", 2, 21 },
	{ "an error after what was false",
	    "permit (principal, action, resource)\nwhen { context.x == 1 || "
	    "context.gone };",
	    "error", "condition 1", "context.gone", "", 2, 26 },
	{ "an operand of another kind",
	    "permit (principal, action, resource)\nwhen { context.s < 3 };",
	    "error", "condition 1", "context.s < 3", "context.s=\"txt\";", 2,
	    8 },
	{ "no Boolean",
	    "permit (principal, action, resource)\nwhen { context.x };",
	    "error", "condition 1", "when { context.x }", "context.x=2;", 2,
	    1 },
	{ "another principal",
	    "permit (\nprincipal == U::\"x\", action, resource);",
	    "unsatisfied", "principal", "principal == U::\"x\"",
	    "principal=U::\"u\";", 2, 1 },
	{ "another action",
	    "permit (principal,\naction == Action::\"other\", resource);",
	    "unsatisfied", "action", "action == Action::\"other\"",
	    "action=Action::\"act\";", 2, 1 },
	{ "another type of resource",
	    "permit (principal, action,\nresource is S);", "unsatisfied",
	    "resource", "resource is S", "resource=R::\"r\";", 2, 1 },
	{ "not in the group",
	    "permit (\nprincipal in G::\"h\", action, resource);",
	    "unsatisfied", "principal", "principal in G::\"h\"",
	    "principal=U::\"u\";", 2, 1 },
};

static const char *
values_text(const json_t *values)
{
	struct buf b = { 0 };
	const char *copy;
	size_t i;
	json_t *v;

	ck_assert(json_is_array(values));
	json_array_foreach ((json_t *)(uintptr_t)values, i, v)
		buf_printf(&b, "%s=%s;",
		    json_string_value(json_object_get(v, "text")),
		    json_string_value(json_object_get(v, "value")));
	copy = str_dup(a, buf_str(&b)).p;
	buf_free(&b);
	return copy;
}

static json_t *
report(const struct engine_snapshot *s, const char *members)
{
	struct engine_request r =
	    fixture_request(a, s, fixture_ask(a, "u", members));
	enum engine_effect effect;
	json_t *json = engine_verify(
	    s, &r, NULL, ERRORED_DENY_DENIES, LEVEL_MEDIUM, NULL, a, &effect);

	ck_assert_ptr_nonnull(json);
	return json;
}

START_TEST(says_what_failed)
{
	struct engine_snapshot *s = fixture_snapshot(cases[_i].policy, NULL);
	json_t *json = report(s, WORLD);
	const json_t *p = fixture_member(json, "considered.0");
	const json_t *failed = fixture_member(p, "failed");

	ck_assert_uint_eq(
	    json_array_size(json_object_get(json, "considered")), 1);
	ck_member_is(p, "outcome", cases[_i].outcome);
	ck_member_is(failed, "clause", cases[_i].clause);
	ck_member_is(failed, "text", cases[_i].text);
	ck_member_is(failed, "file", "p.avow");
	ck_assert_str_eq(
	    values_text(json_object_get(failed, "values")), cases[_i].values);
	ck_assert_int_eq(json_integer_value(json_object_get(failed, "line")),
	    cases[_i].line);
	ck_assert_int_eq(json_integer_value(json_object_get(failed, "column")),
	    cases[_i].column);
	json_decref(json);
	engine_snapshot_unref(s);
}
END_TEST

/* Satisfied, then errors, then what could have turned the answer (here, where
 * something permits, a deny) by how far it got, then by id. */
START_TEST(the_nearest_first)
{
	static const char *const want[] = { "sat-d", "sat-p", "err-d",
		"err-late", "err-early", "cond1-d", "cond2", "cond1-a",
		"cond1-b", "res", "act", "pri" };
	struct engine_snapshot *s = fixture_snapshot(
	    "@id(\"pri\") permit (principal == U::\"x\", action, resource);"
	    "@id(\"act\") permit (principal, action == Action::\"x\", "
	    "resource);"
	    "@id(\"res\") permit (principal, action, resource == R::\"x\");"
	    "@id(\"cond1-b\") permit (principal, action, resource) when { "
	    "false };"
	    "@id(\"cond1-a\") permit (principal, action, resource) when { "
	    "false };"
	    "@id(\"cond1-d\") forbid (principal, action, resource) when { "
	    "false };"
	    "@id(\"cond2\") permit (principal, action, resource) when { true "
	    "} when { false };"
	    "@id(\"err-early\") permit (principal, action, resource) when { "
	    "context.gone };"
	    "@id(\"err-late\") permit (principal, action, resource) when { "
	    "true } when { true } when { context.gone };"
	    "@id(\"err-d\") forbid (principal, action, resource) when { true "
	    "} when { true } when { context.gone };"
	    "@id(\"sat-p\") permit (principal, action, resource);"
	    "@id(\"sat-d\") forbid (principal, action, resource);",
	    NULL);
	json_t *json = report(s, WORLD);
	const json_t *list = json_object_get(json, "considered");

	ck_assert_uint_eq(json_array_size(list), ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		ck_member_is(json_array_get(list, i), "policy", want[i]);
	ck_assert_ptr_null(fixture_member(list, "0.failed"));
	ck_assert_ptr_null(fixture_member(list, "1.failed"));
	json_decref(json);
	engine_snapshot_unref(s);
}
END_TEST

/* Nothing permits: a permit that failed early matters more than a deny that
 * failed late. */
START_TEST(permits_before_denies_where_nothing_permits)
{
	struct engine_snapshot *s = fixture_snapshot(
	    "@id(\"late-d\") forbid (principal, action, resource) when { true "
	    "} when { false };"
	    "@id(\"early-p\") permit (principal == U::\"x\", action, "
	    "resource);",
	    NULL);
	json_t *json = report(s, WORLD);
	const json_t *list = json_object_get(json, "considered");

	ck_member_is(json_array_get(list, 0), "policy", "early-p");
	ck_member_is(json_array_get(list, 1), "policy", "late-d");
	json_decref(json);
	engine_snapshot_unref(s);
}
END_TEST

/* A value is remembered once a clause; one of a clause that held is not among
 * those of the clause that failed. */
START_TEST(data_by_clause)
{
	struct engine_snapshot *s =
	    fixture_snapshot("permit (principal, action, resource) when { "
			     "context.x == 2 && context.x != 3 } when { "
			     "context.y && context.x == 3 };",
		NULL);
	struct engine_request r =
	    fixture_request(a, s, fixture_ask(a, "u", WORLD));
	const struct eval_request q = { r.principal, r.action, r.resource,
		&r.context, r.entities };
	struct trace_record t;
	struct eval_trace sink;

	ck_assert(trace_record_init(&t, a, engine_snapshot_policies(s), &r));
	sink = trace_sink(&t);
	ck_assert_int_eq(
	    policy_eval(engine_snapshot_policies(s), 0, &q, a, &sink, NULL),
	    EVAL_FALSE);
	ck_assert_uint_eq(t.policies[0].passed, 4);
	ck_assert_int_eq(t.policies[0].outcome, EVAL_FALSE);
	ck_assert_uint_eq(t.policies[0].n_data, 3);
	ck_str_is(t.policies[0].data[0].text, "context.x");
	ck_assert_uint_eq(t.policies[0].data[0].clause, 3);
	ck_str_is(t.policies[0].data[1].text, "context.y");
	ck_str_is(t.policies[0].data[2].text, "context.x");
	ck_assert_uint_eq(t.policies[0].data[2].clause, 4);
	ck_assert_int_eq(t.policies[0].data[2].root, 'c');
	ck_assert(!t.out_of_memory);
	engine_snapshot_unref(s);
}
END_TEST

/* Without memory there is no trace, rather than half of one. */
START_TEST(without_memory)
{
	struct engine_snapshot *s = fixture_snapshot(cases[0].policy, NULL);
	struct engine_request r =
	    fixture_request(a, s, fixture_ask(a, "u", WORLD));
	struct arena *none = arena_new(1);
	struct trace_record t;

	ck_assert(
	    !trace_record_init(&t, none, engine_snapshot_policies(s), &r));
	arena_free(none);
	engine_snapshot_unref(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("trace");
	TCase *tc = tcase_create("trace");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, says_what_failed, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, the_nearest_first);
	tcase_add_test(tc, permits_before_denies_where_nothing_permits);
	tcase_add_test(tc, data_by_clause);
	tcase_add_test(tc, without_memory);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
