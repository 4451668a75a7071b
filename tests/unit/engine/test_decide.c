/* test_decide.c - outcomes of policies into one decision: what permits, and
 * everything that does not. */
#include "tests/unit/engine/fixture.h"

#define ALL "(principal, action, resource)"
#define PERMIT(id) "@id(\"" id "\") permit " ALL ";\n"
#define FORBID(id) "@id(\"" id "\") forbid " ALL ";\n"
#define PERMIT_IF(id, c) "@id(\"" id "\") permit " ALL " when { " c " };\n"
#define FORBID_IF(id, c) "@id(\"" id "\") forbid " ALL " when { " c " };\n"

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

/* Ids of reasons or of policies in error, each with a space behind it. */
static const char *
reasons_of(const struct engine_answer *answer)
{
	struct buf b = { 0 };
	const char *copy;

	for (size_t i = 0; i < answer->n_reasons; i++)
		buf_printf(&b, "%.*s ",
		    STR_ARG(policy_set_info(
			engine_snapshot_policies(answer->snapshot),
			answer->reasons[i])
				.id));
	copy = str_dup(a, buf_str(&b)).p;
	buf_free(&b);
	return copy;
}

static const char *
errors_of(const struct engine_answer *answer)
{
	struct buf b = { 0 };
	const char *copy;

	for (size_t i = 0; i < answer->n_errors; i++)
		buf_printf(&b, "%.*s:%s ",
		    STR_ARG(policy_set_info(
			engine_snapshot_policies(answer->snapshot),
			answer->errors[i].policy)
				.id),
		    error_id(answer->errors[i].code));
	copy = str_dup(a, buf_str(&b)).p;
	buf_free(&b);
	return copy;
}

static const struct {
	const char *note, *policies, *context;
	/* Codes when errors of denies deny, and when they are skipped. */
	const char *code[2];
	const char *reasons[2], *errors;
} cases[] = {
	{ "no policy at all", "", "{}", { "policy.none", "policy.none" },
	    { "", "" }, "" },
	{ "one permit", PERMIT("p"), "{}", { "permit", "permit" },
	    { "p ", "p " }, "" },
	{ "one deny", FORBID("d"), "{}", { "policy.denied", "policy.denied" },
	    { "d ", "d " }, "" },
	{ "a deny beats permits", PERMIT("p") FORBID("d") PERMIT("q"), "{}",
	    { "policy.denied", "policy.denied" }, { "d ", "d " }, "" },
	{ "all permits are reasons, sorted",
	    PERMIT("z") PERMIT("B") PERMIT("a") PERMIT("a2"), "{}",
	    { "permit", "permit" }, { "B a a2 z ", "B a a2 z " }, "" },
	{ "all denies are reasons, sorted", FORBID("z") FORBID("a") PERMIT("p"),
	    "{}", { "policy.denied", "policy.denied" }, { "a z ", "a z " },
	    "" },
	{ "no permit satisfied", PERMIT_IF("p", "false"), "{}",
	    { "policy.none", "policy.none" }, { "", "" }, "" },
	{ "a deny not satisfied", PERMIT("p") FORBID_IF("d", "false"), "{}",
	    { "permit", "permit" }, { "p ", "p " }, "" },
	{ "a permit in error is no permit", PERMIT_IF("p", "context.x"), "{}",
	    { "policy.none", "policy.none" }, { "", "" },
	    "p:eval.missing_attribute " },
	{ "a permit in error beside another",
	    PERMIT_IF("p", "context.x") PERMIT("q"), "{}",
	    { "permit", "permit" }, { "q ", "q " },
	    "p:eval.missing_attribute " },
	{ "a deny in error", PERMIT("p") FORBID_IF("d", "context.x"), "{}",
	    { "policy.error", "permit" }, { "", "p " },
	    "d:eval.missing_attribute " },
	{ "a deny in error and no permit", FORBID_IF("d", "context.x"), "{}",
	    { "policy.error", "policy.none" }, { "", "" },
	    "d:eval.missing_attribute " },
	{ "a deny in error beside a satisfied one",
	    FORBID_IF("d", "context.x") FORBID("e") PERMIT("p"), "{}",
	    { "policy.denied", "policy.denied" }, { "e ", "e " },
	    "d:eval.missing_attribute " },
	{ "errors are sorted",
	    FORBID_IF("z", "context.x") PERMIT_IF("a", "context.y")
		PERMIT_IF("m", "1 < \"a\"") PERMIT("p"),
	    "{}", { "policy.error", "permit" }, { "", "p " },
	    "a:eval.missing_attribute m:eval.type z:eval.missing_attribute " },
	{ "an overflow", FORBID_IF("d", "context.n + 1 == 0") PERMIT("p"),
	    "{\"n\":9223372036854775807}", { "policy.error", "permit" },
	    { "", "p " }, "d:eval.overflow " },
	{ "an extension that does not read",
	    FORBID_IF("d", "ip(context.s).isLoopback()") PERMIT("p"),
	    "{\"s\":\"nowhere\"}", { "policy.error", "permit" }, { "", "p " },
	    "d:eval.extension " },
	{ "a condition that is no Boolean", FORBID_IF("d", "context.n"),
	    "{\"n\":1}", { "policy.error", "policy.none" }, { "", "" },
	    "d:eval.type " },
	{ "an error behind a false is not reached",
	    FORBID_IF("d", "false && context.x") PERMIT("p"), "{}",
	    { "permit", "permit" }, { "p ", "p " }, "" },
	{ "the negation of an error is an error",
	    FORBID_IF("d", "!(context.x)") PERMIT("p"), "{}",
	    { "policy.error", "permit" }, { "", "p " },
	    "d:eval.missing_attribute " },
};

static void
decide(const struct engine_snapshot *s, const char *members,
    enum engine_errored_deny mode, struct engine_answer *ret)
{
	struct engine_request r =
	    fixture_request(a, s, fixture_ask(a, "u", members));

	engine_evaluate(s, &r, mode, a, ret);
}

START_TEST(decides)
{
	struct engine_snapshot *s = fixture_snapshot(cases[_i].policies, NULL);
	const char *members =
	    str_printf(a, "\"context\":%s", cases[_i].context).p;
	const enum engine_errored_deny modes[] = { ERRORED_DENY_DENIES,
		ERRORED_DENY_SKIP };

	for (size_t m = 0; m < 2; m++) {
		struct engine_answer answer;
		bool permits = strcmp(cases[_i].code[m], "permit") == 0;

		decide(s, members, modes[m], &answer);
		ck_assert_msg(
		    strcmp(error_id(answer.code), cases[_i].code[m]) == 0,
		    "%s: got %s, want %s", cases[_i].note,
		    error_id(answer.code), cases[_i].code[m]);
		ck_assert_int_eq(answer.effect == ENGINE_PERMIT, permits);
		ck_assert_str_eq(reasons_of(&answer), cases[_i].reasons[m]);
		ck_assert_str_eq(errors_of(&answer), cases[_i].errors);
		ck_assert_ptr_eq(answer.snapshot, s);
	}
	engine_snapshot_unref(s);
}
END_TEST

START_TEST(errors_have_their_place)
{
	struct engine_snapshot *s = fixture_snapshot(
	    PERMIT("p") "@id(\"d\")\nforbid " ALL "\nwhen { 1 == 1 &&\n"
			"  context.absent == 2 };",
	    NULL);
	struct engine_answer answer;
	struct error e;

	decide(s, "", ERRORED_DENY_DENIES, &answer);
	ck_assert_uint_eq(answer.n_errors, 1);
	engine_error_tell(&answer, 0, a, &e);
	ck_assert_int_eq((int)e.code, (int)answer.errors[0].code);
	ck_assert_str_eq(e.at.file, "p.avow");
	ck_assert_uint_eq(e.at.line, 5);
	ck_assert_uint_eq(e.at.col, 3);
	ck_assert_ptr_nonnull(strstr(e.msg, "absent"));
	engine_snapshot_unref(s);
}
END_TEST

/* Zeroed memory, forgotten options and refusals are denies. */
START_TEST(zero_is_deny)
{
	const enum err_code codes[] = { ERR_NONE, ERR_PERMIT };
	struct engine_answer answer = { 0 };

	ck_assert_int_eq(answer.effect, ENGINE_DENY);
	ck_assert_int_eq((enum engine_errored_deny)0, ERRORED_DENY_DENIES);
	engine_refuse(ERR_EVIDENCE_MISSING, &answer);
	ck_assert_int_eq(answer.effect, ENGINE_DENY);
	ck_assert_int_eq(answer.code, ERR_EVIDENCE_MISSING);
	/* A refusal cannot say that it is none. */
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		answer.effect = ENGINE_PERMIT;
		engine_refuse(codes[i], &answer);
		ck_assert_int_eq(answer.effect, ENGINE_DENY);
		ck_assert_int_eq(answer.code, ERR_SYSTEM_ERROR);
	}
}
END_TEST

/* ---- limits ----------------------------------------------------------------
 */

#define BIG "[\"aaaaaaaa\", \"bbbbbbbb\", \"cccccccc\", context.s]"

static const struct {
	const char *note, *policies, *code;
} limited[] = {
	{ "in a permit", PERMIT_IF("big", BIG ".contains(\"x\")"),
	    "system.limit" },
	/* Skipping errors never skips a limit: what was not looked at might
	 * have denied. */
	{ "in a deny", PERMIT("p") FORBID_IF("big", BIG ".contains(\"x\")"),
	    "system.limit" },
	{ "in a permit beside a satisfied one",
	    PERMIT("p") PERMIT_IF("big", BIG ".contains(\"x\")"),
	    "system.limit" },
	{ "beside a satisfied deny",
	    FORBID("d") PERMIT_IF("big", BIG ".contains(\"x\")"),
	    "policy.denied" },
};

START_TEST(a_limit_that_is_hit_denies)
{
	struct engine_snapshot *s =
	    fixture_snapshot(limited[_i].policies, NULL);
	struct engine_request r = fixture_request(
	    a, s, fixture_ask(a, "u", "\"context\":{\"s\":\"x\"}"));
	struct arena *tiny = arena_new(200);
	struct engine_answer answer;

	engine_evaluate(s, &r, ERRORED_DENY_SKIP, tiny, &answer);
	ck_assert_int_eq(answer.effect, ENGINE_DENY);
	ck_assert_msg(strcmp(error_id(answer.code), limited[_i].code) == 0,
	    "%s: %s", limited[_i].note, error_id(answer.code));
	arena_free(tiny);
	engine_snapshot_unref(s);
}
END_TEST

/* Sixteen patterns over their limit end a decision, whatever the rest says. */
START_TEST(patterns_over_their_limit_deny)
{
	for (unsigned n = 15; n < 18; n++) {
		struct buf text = { 0 };
		struct engine_answer answer;
		struct engine_snapshot *s;
		struct engine_request r;

		for (unsigned i = 0; i < n; i++)
			buf_printf(&text,
			    "@id(\"h%u\") permit " ALL " when {"
			    " context.s matches \"(a+)+$\" };\n",
			    i);
		buf_addz(&text, PERMIT("p"));
		buf_byte(&text, '\0');
		s = fixture_snapshot(text.p, NULL);
		r = fixture_request(a, s,
		    fixture_ask(a, "u",
			"\"context\":{\"s\":"
			"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}"));
		engine_evaluate(s, &r, ERRORED_DENY_SKIP, a, &answer);
		ck_assert_uint_eq(answer.n_errors, n < 16 ? n : 16);
		ck_assert_int_eq(answer.errors[0].code, ERR_EVAL_PATTERN);
		ck_assert_str_eq(
		    error_id(answer.code), n < 16 ? "permit" : "system.limit");
		ck_assert_int_eq(
		    answer.effect, n < 16 ? ENGINE_PERMIT : ENGINE_DENY);
		engine_snapshot_unref(s);
		buf_free(&text);
	}
}
END_TEST

/* No room for the list of reasons: a permit nobody could explain is none. */
START_TEST(no_room_for_reasons_denies)
{
	struct engine_snapshot *s =
	    fixture_snapshot(PERMIT("p") PERMIT("q"), NULL);
	struct engine_request r =
	    fixture_request(a, s, fixture_ask(a, "u", ""));
	struct arena *none = arena_new(1);
	struct engine_answer answer;

	engine_evaluate(s, &r, ERRORED_DENY_SKIP, none, &answer);
	ck_assert_int_eq(answer.effect, ENGINE_DENY);
	ck_assert_str_eq(error_id(answer.code), "system.limit");
	arena_free(none);
	engine_snapshot_unref(s);
}
END_TEST

/* ---- data that was not fetched ---------------------------------------------
 */

static const struct {
	const char *note, *policies, *code;
} missing[] = {
	{ "a permit needs it", PERMIT_IF("p", "context.u == 1"),
	    "data.missing" },
	{ "a deny needs it", PERMIT("p") FORBID_IF("d", "context.u == 1"),
	    "data.missing" },
	{ "another permit needs it",
	    PERMIT("p") PERMIT_IF("q", "context.u == 1"), "data.missing" },
	{ "no policy needs it", PERMIT("p") FORBID_IF("d", "context.k == 2"),
	    "permit" },
	{ "a satisfied deny does not wait",
	    FORBID("d") PERMIT_IF("p", "context.u == 1"), "policy.denied" },
	{ "a deny in error does not wait",
	    FORBID_IF("d", "context.none") PERMIT_IF("p", "context.u == 1"),
	    "policy.error" },
	{ "not behind a false",
	    PERMIT("p") FORBID_IF("d", "context.k == 2 && context.u == 1"),
	    "permit" },
	{ "an unknown is no false", PERMIT_IF("p", "!(context.u == 1)"),
	    "data.missing" },
	{ "two unknowns are not equal",
	    PERMIT_IF("p", "context.u == context.u"), "data.missing" },
};

START_TEST(unknown_data_denies)
{
	struct engine_snapshot *s =
	    fixture_snapshot(missing[_i].policies, NULL);
	struct engine_request r =
	    fixture_request(a, s, fixture_ask(a, "u", ""));
	struct value_field fields[] = {
		{ STR("u"), { .kind = VALUE_UNKNOWN } },
		{ STR("k"), value_long(1) },
	};
	struct engine_answer answer;
	struct str dup;

	ck_assert(value_record_take(fields, 2, &r.context, &dup));
	engine_evaluate(s, &r, ERRORED_DENY_DENIES, a, &answer);
	ck_assert_msg(strcmp(error_id(answer.code), missing[_i].code) == 0,
	    "%s: %s", missing[_i].note, error_id(answer.code));
	ck_assert_int_eq(answer.effect == ENGINE_PERMIT,
	    strcmp(missing[_i].code, "permit") == 0);
	engine_snapshot_unref(s);
}
END_TEST

/* ---- the request's own data --------------------------------------------- */

START_TEST(entities_of_the_request_count)
{
	struct engine_snapshot *s = fixture_snapshot(
	    "@id(\"p\") permit (principal in G::\"g\", action, resource) when "
	    "{ principal.ok };",
	    NULL);
	struct engine_answer answer;

	decide(s, "", ERRORED_DENY_DENIES, &answer);
	ck_assert_str_eq(error_id(answer.code), "policy.none");
	decide(s,
	    "\"entities\":[{\"uid\":{\"type\":\"U\",\"id\":\"u\"},\"attrs\":{"
	    "\"ok\":true},\"parents\":[{\"type\":\"G\",\"id\":\"g\"}]}]",
	    ERRORED_DENY_DENIES, &answer);
	ck_assert_str_eq(error_id(answer.code), "permit");
	engine_snapshot_unref(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("decide");
	TCase *tc = tcase_create("decide");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, decides, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, errors_have_their_place);
	tcase_add_test(tc, zero_is_deny);
	tcase_add_loop_test(
	    tc, a_limit_that_is_hit_denies, 0, ARRAY_LEN(limited));
	tcase_add_test(tc, patterns_over_their_limit_deny);
	tcase_add_test(tc, no_room_for_reasons_denies);
	tcase_add_loop_test(tc, unknown_data_denies, 0, ARRAY_LEN(missing));
	tcase_add_test(tc, entities_of_the_request_count);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
