/* test_answer.c - the end of every gate: what is not in the log was not
 * permitted, and what broke inside is told as little more than that. */
#include "gateways/answer.h"

#include "tests/unit/gateways/gate_kit.h"

static struct gate_kit k;

static void
setup(void)
{
	kit_open(&k);
}

static void
teardown(void)
{
	kit_fini(&k);
}

static const struct {
	enum err_code why;
	const char *code;
} refusals[] = {
	{ ERR_EVIDENCE_MISSING, "evidence.missing" },
	{ ERR_REQUEST_PATH, "request.path" },
	{ ERR_SYSTEM_STORE, "system.store" },
	{ ERR_LIMIT_MEMORY, "system.limit" },
	/* What is the operator's to mend. */
	{ ERR_ENTITY_CLASH, "system.error" },
	{ ERR_FILE_READ, "system.error" },
	{ ERR_EVAL_TYPE, "system.error" },
	/* A refusal that has no reason, or a wrong one, is none the less. */
	{ ERR_NONE, "system.error" },
	{ ERR_PERMIT, "system.error" },
};

START_TEST(refuses)
{
	struct gate_case c = { .why = { .code = refusals[_i].why,
				   .msg = "inside" } };
	json_t *line;

	gate_begin(&k.env, &c);
	gate_refuse(&c);
	ck_assert(!gate_conclude(&k.env, &c));
	ck_assert_int_eq(c.answer.effect, ENGINE_DENY);
	ck_assert_str_eq(error_id(c.answer.code), refusals[_i].code);
	line = kit_last_line(&k);
	ck_assert_str_eq(kit_text(line, "code"), refusals[_i].code);
	ck_assert_str_eq(kit_text(line, "decision"), "deny");
	/* By which policies it would have been decided is known all the same.
	 */
	ck_assert_uint_eq(strlen(kit_text(line, "policies")), 16);
	json_decref(line);
}
END_TEST

START_TEST(zero_is_no_permit)
{
	struct gate_case c = { 0 };

	gate_begin(&k.env, &c);
	ck_assert(!gate_conclude(&k.env, &c));
	ck_assert_uint_eq(strlen(c.id), 16);
	ck_assert_int_eq(c.now_ms, k.now_ms);
}
END_TEST

START_TEST(a_permit_without_its_line)
{
	struct gate_case c = { .answer = { .effect = ENGINE_PERMIT,
				   .code = ERR_PERMIT } };
	struct error err = { 0 };

	gate_begin(&k.env, &c);
	ck_assert(gate_conclude(&k.env, &c));
	engine_log_close(k.env.log);
	k.env.log = engine_log_open("/dev/full", &err);
	ck_assert_ptr_nonnull(k.env.log);
	ck_assert(!gate_conclude(&k.env, &c));
	ck_assert_int_eq(c.answer.effect, ENGINE_DENY);
	ck_assert_str_eq(error_id(c.answer.code), "system.log");
}
END_TEST

START_TEST(headers)
{
	struct gate_case c = { .id = "0123456789abcdef",
		.answer = { .code = ERR_POLICY_DENIED } };

	kit_begin(&k, "GET", "/");
	gate_headers(&k.q, &c, &k.r);
	ck_str_is(kit_answered(&k, "X-Avow-Reason"), "policy.denied");
	ck_str_is(kit_answered(&k, "X-Avow-Decision"), "0123456789abcdef");
}
END_TEST

/* Codes reach headers: they must be what a header may hold. */
START_TEST(codes_fit_a_header)
{
	for (int i = 1; i < ERR_COUNT; i++) {
		struct str id = str_of(error_id((enum err_code)i));

		ck_assert_msg(id.n >= 1 && id.n <= 64 &&
				  strspn(id.p, "abcdefghijklmnopqrstuvwxyz"
					       "0123456789_.") == id.n,
		    "%s", id.p);
	}
}
END_TEST

static const struct {
	unsigned status;
	const char *title;
} titles[] = { { 400, "Bad Request" }, { 401, "Unauthorized" },
	{ 403, "Forbidden" }, { 404, "Not Found" },
	{ 405, "Method Not Allowed" }, { 409, "Conflict" },
	{ 413, "Content Too Large" }, { 503, "Service Unavailable" },
	{ 418, "Error" } };

START_TEST(problems)
{
	json_t *body;

	kit_begin(&k, "GET", "/");
	answer_problem(&k.r, titles[_i].status, "request.path",
	    STR("a\"b\n\xc3\xa9"), _i % 2 ? "id" : NULL);
	ck_assert_uint_eq(k.r.status, titles[_i].status);
	ck_assert_str_eq(k.r.content_type, "application/problem+json");
	body = json_loadb(k.r.body.p, k.r.body.n, 0, NULL);
	ck_assert_uint_eq(json_object_size(body), _i % 2 ? 6 : 5);
	ck_assert_str_eq(kit_text(body, "title"), titles[_i].title);
	ck_assert_str_eq(kit_text(body, "detail"), "a\"b\n\xc3\xa9");
	ck_assert_str_eq(kit_text(body, "code"), "request.path");
	json_decref(body);
}
END_TEST

/* No body rather than half of one. */
START_TEST(without_memory)
{
	kit_begin(&k, "GET", "/");
	answer_json(&k.r, 200, NULL);
	ck_assert_uint_eq(k.r.status, 500);
	ck_assert_uint_eq(k.r.body.n, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("answer");
	TCase *tc = tcase_create("answer");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, refuses, 0, ARRAY_LEN(refusals));
	tcase_add_test(tc, zero_is_no_permit);
	tcase_add_test(tc, a_permit_without_its_line);
	tcase_add_test(tc, headers);
	tcase_add_test(tc, codes_fit_a_header);
	tcase_add_loop_test(tc, problems, 0, ARRAY_LEN(titles));
	tcase_add_test(tc, without_memory);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
