/* test_report.c - reports for people: a view of the JSON, and safe to print. */
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
printed(json_t *json_take)
{
	struct buf b = { 0 };
	const char *copy;

	ck_assert_ptr_nonnull(json_take);
	engine_report_print(json_take, &b);
	ck_assert(buf_ok(&b));
	json_decref(json_take);
	copy = str_dup(a, buf_str(&b)).p;
	buf_free(&b);
	return copy;
}

static json_t *
report(const char *policies, const char *members, enum engine_level level)
{
	static const struct engine_operation operation = { .program = "avow",
		.point = "dryrun" };
	struct engine_snapshot *s = fixture_snapshot(policies, NULL);
	struct engine_request r =
	    fixture_request(a, s, fixture_ask(a, "u", members));
	enum engine_effect effect;
	json_t *json = engine_verify(
	    s, &r, NULL, ERRORED_DENY_DENIES, level, &operation, a, &effect);

	engine_snapshot_unref(s);
	return json;
}

START_TEST(a_line_a_policy)
{
	ck_assert_str_eq(
	    printed(report("@id(\"near\") permit (principal, action, "
			   "resource)\nwhen { context.x == 2 && context.x > 3 "
			   "};\n@id(\"p\") forbid (principal, action, "
			   "resource) when { context.gone };\n@id(\"ok\") "
			   "permit (principal, action, resource);",
		"\"context\":{\"x\":2}", LEVEL_MEDIUM)),
	    "deny  policy.error\n"
	    "  error in p: `context` has no attribute `gone` "
	    "[eval.missing_attribute]\n"
	    "  ok    p.avow:4  permit  satisfied\n"
	    "  p     p.avow:3  deny    error  condition 1: context.gone\n"
	    "  near  p.avow:1  permit  unsatisfied  condition 1: context.x > "
	    "3; context.x is 2\n");
}
END_TEST

START_TEST(data_and_operation)
{
	const char *text =
	    printed(report("permit (principal, action, resource) when { "
			   "context.x == 2 };",
		"\"context\":{\"x\":2}", LEVEL_VERYHIGH));

	ck_assert_ptr_nonnull(strstr(text, "permit  permit\n"));
	ck_assert_ptr_nonnull(strstr(
	    text, "data used:\n  context.x = 2  (context from request)\n"));
	ck_assert_ptr_nonnull(strstr(text, "operation:\n{"));
	ck_assert_ptr_nonnull(strstr(text, "\"rules\": 1"));
}
END_TEST

START_TEST(the_decision_alone_at_low)
{
	ck_assert_str_eq(printed(report("permit (principal, action, resource);",
			     "", LEVEL_LOW)),
	    "permit  permit\n");
}
END_TEST

/* A report depends on nothing but its JSON: many policies are cut for people,
 * and the JSON still has them all. */
START_TEST(many_policies_are_cut_for_people_only)
{
	struct buf policies = { 0 };
	json_t *json;
	const char *text;
	size_t lines = 0;

	for (int i = 0; i < 50; i++)
		buf_printf(&policies,
		    "@id(\"p%02d\") permit (principal, action, resource) when "
		    "{ false };\n",
		    i);
	buf_byte(&policies, '\0');
	json = report(policies.p, "", LEVEL_MEDIUM);
	ck_assert_uint_eq(
	    json_array_size(json_object_get(json, "considered")), 50);
	text = printed(json);
	ck_assert_ptr_nonnull(
	    strstr(text, "and 30 more, further away (--json)\n"));
	for (; *text; text++)
		lines += *text == '\n';
	ck_assert_uint_eq(lines, 22);
	buf_free(&policies);
}
END_TEST

/* Ids, texts and values are other people's bytes. */
START_TEST(drives_no_terminal)
{
	const char *text = printed(
	    report("@id(\"i\\u{1b}[2J\\ninjected\") permit (principal, action, "
		   "resource) when { context.x == \"y\" };",
		"\"context\":{\"x\":\"\\u001b]0;t\\u0007\\r\\n  forged\"}",
		LEVEL_VERYHIGH));

	for (const char *p = text; *p; p++)
		ck_assert_msg(*p == '\n' || (unsigned char)*p >= 0x20,
		    "byte %02x in: %s", (unsigned char)*p, text);
	ck_assert_ptr_null(strstr(text, "\ninjected"));
	ck_assert_ptr_null(strstr(text, "\n  forged"));
}
END_TEST

START_TEST(a_refusal_says_why)
{
	struct error why = { 0 };

	(void)error_set(&why, ERR_EVIDENCE_OWNER, SPAN_NONE, "not ours");
	ck_assert_str_eq(
	    printed(engine_verify_refused(NULL, &why, LEVEL_HIGH, NULL)),
	    "deny  evidence.owner  not ours\n");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("report");
	TCase *tc = tcase_create("report");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_line_a_policy);
	tcase_add_test(tc, data_and_operation);
	tcase_add_test(tc, the_decision_alone_at_low);
	tcase_add_test(tc, many_policies_are_cut_for_people_only);
	tcase_add_test(tc, drives_no_terminal);
	tcase_add_test(tc, a_refusal_says_why);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
