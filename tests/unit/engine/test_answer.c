/* test_answer.c - a decision as JSON: always whole, always with its code. */
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

static const char *
decided(const char *policies, const char *members)
{
	struct engine_snapshot *s = fixture_snapshot(policies, NULL);
	struct engine_request r =
	    fixture_request(a, s, fixture_ask(a, "u", members));
	struct engine_answer answer;
	json_t *json;

	engine_evaluate(s, &r, ERRORED_DENY_DENIES, a, &answer);
	json = engine_answer_to_json(&answer);
	ck_assert_str_eq(json_string_value(json_object_get(json, "policies")),
	    policy_set_version(engine_snapshot_policies(s)).p);
	engine_snapshot_unref(s);
	json_object_set_new(json, "policies", json_string("V"));
	return fixture_text(a, json);
}

static const struct {
	const char *policies, *want;
} cases[] = {
	{ "", "{\"decision\":\"deny\",\"code\":\"policy.none\",\"reasons\":[],"
	      "\"errors\":[],\"policies\":\"V\"}" },
	{ "@id(\"p\") permit (principal, action, resource);",
	    "{\"decision\":\"permit\",\"code\":\"permit\",\"reasons\":[\"p\"],"
	    "\"errors\":[],\"policies\":\"V\"}" },
	/* Without an id of its own a policy is known by its place. */
	{ "permit (principal, action, resource);"
	  "forbid (principal, action, resource);",
	    "{\"decision\":\"deny\",\"code\":\"policy.denied\",\"reasons\":["
	    "\"p.avow#1\"],\"errors\":[],\"policies\":\"V\"}" },
	/* Text of the policy's author is data, not JSON. */
	{ "@id(\"a\\\"b\\n\\u{e9}\") permit (principal, action, resource);",
	    "{\"decision\":\"permit\",\"code\":\"permit\",\"reasons\":["
	    "\"a\\\"b\\n\\u00E9\"],\"errors\":[],\"policies\":\"V\"}" },
};

START_TEST(as_the_contract_has_it)
{
	ck_assert_str_eq(decided(cases[_i].policies, ""), cases[_i].want);
}
END_TEST

START_TEST(errors_are_whole)
{
	const char *got =
	    decided("@id(\"d\") forbid (principal, action, resource)\n"
		    "when { context.gone };",
		"");
	json_t *json = json_loads(got, 0, NULL);
	const json_t *e = fixture_member(json, "errors.0");

	ck_assert_uint_eq(json_object_size(e), 6);
	ck_member_is(e, "policy", "d");
	ck_member_is(e, "code", "eval.missing_attribute");
	ck_member_is(e, "file", "p.avow");
	ck_assert_int_eq(json_integer_value(json_object_get(e, "line")), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(e, "column")), 8);
	ck_assert(json_string_length(json_object_get(e, "message")) > 0);
	json_decref(json);
}
END_TEST

/* Before any policy was loaded there is an answer, too. */
START_TEST(a_refusal_without_policies)
{
	struct engine_answer answer;

	engine_refuse(ERR_REQUEST_MALFORMED, &answer);
	ck_assert_str_eq(fixture_text(a, engine_answer_to_json(&answer)),
	    "{\"decision\":\"deny\",\"code\":\"request.malformed\",\"reasons\":"
	    "[],\"errors\":[],\"policies\":\"\"}");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("answer");
	TCase *tc = tcase_create("answer");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, as_the_contract_has_it, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, errors_are_whole);
	tcase_add_test(tc, a_refusal_without_policies);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
