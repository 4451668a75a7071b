/* test_audit.c - the decision log: whole lines or none, on disk before anyone
 * is told, and nothing in it that nobody may know. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "policy/claims_make.h"
#include "tests/unit/engine/fixture.h"

static struct arena *a;
static struct engine_snapshot *s;
static struct engine_request request;
static struct engine_answer answer;
static struct engine_log *the_log;
static const char *path;
static struct error err;

static void
setup(void)
{
	static int n;

	a = arena_new(0);
	err = (struct error){ 0 };
	s = fixture_snapshot(
	    "@id(\"p\") permit (principal, action, resource);", NULL);
	request =
	    fixture_request(a, s, fixture_ask(a, "u", "\"context\":{\"x\":1}"));
	engine_evaluate(s, &request, ERRORED_DENY_DENIES, a, &answer);
	path =
	    str_printf(a, "%s/log-%d-%d", test_folder(), (int)getpid(), n++).p;
	the_log = engine_log_open(path, &err);
	ck_assert_msg(the_log != NULL, "%s", err.msg);
}

static void
teardown(void)
{
	engine_log_close(the_log);
	engine_snapshot_unref(s);
	arena_free(a);
}

static struct engine_log_entry
entry(void)
{
	return (struct engine_log_entry){ .id = "0123456789abcdef",
		.time_ms = 1500,
		.gate = STR("g"),
		.request = &request,
		.answer = &answer,
		.us = 12 };
}

static struct str
text(void)
{
	struct str got = { 0 };

	ck_assert_msg(file_read(a, path, 1u << 20, &got, &err), "%s", err.msg);
	return got;
}

static bool
write_one(void)
{
	struct engine_log_entry e = entry();

	return engine_log_write(the_log, &e, &err);
}

START_TEST(a_line_is_the_contract)
{
	static const char want[] =
	    "{\"v\":1,\"id\":\"0123456789abcdef\",\"time\":\"1970-01-01T00:00:"
	    "01.500Z\",\"mode\":\"enforce\",\"gate\":\"g\",\"request\":{"
	    "\"principal\":{\"type\":\"U\",\"id\":\"u\"},\"action\":{\"type\":"
	    "\"Action\",\"id\":\"act\"},\"resource\":{\"type\":\"R\",\"id\":"
	    "\"r\"},\"context\":{\"x\":1},\"entities\":[]},\"decision\":"
	    "\"permit\",\"code\":\"permit\",\"reasons\":[\"p\"],\"errors\":[],"
	    "\"policies\":\"%s\",\"evidence\":null,\"near\":[],\"us\":12}\n";
	struct str version = policy_set_version(engine_snapshot_policies(s));

	ck_assert(write_one());
	ck_str_is(text(),
	    str_printf(a, "%.*s%.*s%s", (int)(strstr(want, "%s") - want), want,
		STR_ARG(version), strstr(want, "%s") + 2)
		.p);
}
END_TEST

START_TEST(what_was_not_known_is_null)
{
	struct engine_log_entry e = entry();
	json_t *line;

	e.request = NULL;
	e.verification = true;
	engine_refuse(ERR_EVIDENCE_MISSING, &answer);
	ck_assert(engine_log_write(the_log, &e, &err));
	line = json_loadb(text().p, text().n, 0, NULL);
	ck_assert(json_is_null(json_object_get(line, "request")));
	ck_assert(json_is_null(json_object_get(line, "evidence")));
	ck_member_is(line, "mode", "verification");
	ck_member_is(line, "decision", "deny");
	ck_member_is(line, "code", "evidence.missing");
	ck_member_is(line, "policies", "");
	json_decref(line);
}
END_TEST

START_TEST(evidence_by_its_names_alone)
{
	const struct claims_init init = { .kind = STR("avow"),
		.issuer = STR("acme"),
		.key_id = STR("thumb"),
		.document_id = STR("00ff"),
		.subject = STR("i-1") };
	struct engine_log_entry e = entry();
	json_t *line;

	ck_assert(claims_make(a, &init, &e.claims, &err));
	ck_assert(engine_log_write(the_log, &e, &err));
	line = json_loadb(text().p, text().n, 0, NULL);
	ck_assert_str_eq(
	    fixture_text(a, json_incref(json_object_get(line, "evidence"))),
	    "{\"kind\":\"avow\",\"issuer\":\"acme\",\"keyId\":\"thumb\","
	    "\"documentId\":\"00ff\"}");
	json_decref(line);
}
END_TEST

/* A name with a newline is still one line. */
START_TEST(one_line_each)
{
	request = fixture_request(a, s,
	    fixture_ask(a, "u\\n{\\\"decision\\\":\\\"permit\\\"}",
		"\"context\":{"
		"\"x\":\"\\u0000\\r\\n\\u2028\xc3\xa9\"}"));
	ck_assert(write_one());
	for (size_t i = 0; i < text().n; i++) {
		unsigned char c = (unsigned char)text().p[i];

		ck_assert_msg((c == '\n') == (i == text().n - 1) &&
				  (c == '\n' || (c >= 0x20 && c < 0x7f)),
		    "byte %02x at %zu", c, i);
	}
}
END_TEST

START_TEST(created_for_us_alone)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

/* What is there stays: opening again appends. */
START_TEST(appends)
{
	ck_assert(write_one());
	engine_log_close(the_log);
	the_log = engine_log_open(path, &err);
	ck_assert_ptr_nonnull(the_log);
	ck_assert(write_one());
	ck_assert_uint_eq(text().n % 2, 0);
	ck_assert(str_eq(str_sub(text(), 0, text().n / 2),
	    str_sub(text(), text().n / 2, text().n)));
}
END_TEST

START_TEST(reopens_after_rotation)
{
	const char *old = str_printf(a, "%s.1", path).p;
	struct str first;

	ck_assert(write_one());
	first = text();
	ck_assert_int_eq(rename(path, old), 0);
	ck_assert(write_one()); /* still into the old file */
	ck_assert(engine_log_reopen(the_log, &err));
	ck_assert(write_one());
	ck_assert(str_eq(text(), first));
	ck_assert(file_read(a, old, 1u << 20, &(struct str){ 0 }, &err));
}
END_TEST

/* When the new file cannot be opened the old one stays. */
START_TEST(a_reopening_that_fails)
{
	ck_assert_int_eq(rename(path, str_printf(a, "%s.1", path).p), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert(!engine_log_reopen(the_log, &err));
	ck_assert_str_eq(error_id(err.code), "system.log");
	ck_assert(write_one());
	path = str_printf(a, "%s.1", path).p;
	ck_assert_uint_gt(text().n, 0);
}
END_TEST

/* But not one that was deleted: its lines would be lost. */
START_TEST(a_reopening_that_fails_for_a_lost_file)
{
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	for (int i = 0; i < 2; i++) {
		err = (struct error){ 0 };
		ck_assert(!engine_log_reopen(the_log, &err));
		err = (struct error){ 0 };
		ck_assert(!write_one());
		ck_assert_str_eq(error_id(err.code), "system.log");
	}
	ck_assert_int_eq(rmdir(path), 0);
	err = (struct error){ 0 };
	ck_assert(engine_log_reopen(the_log, &err));
	ck_assert(write_one());
	ck_assert_uint_gt(text().n, 0);
}
END_TEST

/* ---- failing writes -------------------------------------------------------
 */

START_TEST(a_full_disk)
{
	engine_log_close(the_log);
	the_log = engine_log_open("/dev/full", &err);
	ck_assert_ptr_nonnull(the_log);
	ck_assert(!write_one());
	ck_assert_str_eq(error_id(err.code), "system.log");
	ck_assert_str_eq(err.at.file, "/dev/full");
	ck_assert_ptr_nonnull(strstr(err.msg, "No space"));
}
END_TEST

/* A line of which only a part found room is taken back, and the next one
 * begins where it began. Here for every length of that part. */
START_TEST(a_torn_line_is_taken_back)
{
	struct rlimit old, small;
	struct str first;
	size_t line;
	bool limited, ok;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert(write_one());
	first = text();
	line = first.n;
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	for (size_t part = 0; part < line; part += 7) {
		err = (struct error){ 0 };
		small.rlim_cur = line + part;
		/* No assertion in between: they write files, too. */
		limited = setrlimit(RLIMIT_FSIZE, &small) == 0;
		ok = write_one();
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
		ck_assert(limited);
		ck_assert_msg(!ok, "part of %zu bytes", part);
		ck_assert_str_eq(error_id(err.code), "system.log");
		ck_assert_ptr_null(strstr(err.msg, "Success"));
		ck_assert(str_eq(text(), first));
	}
	ck_assert(write_one());
	ck_assert_uint_eq(text().n, 2 * line);
	signal(SIGXFSZ, SIG_DFL);
}
END_TEST

static const char *const unopenable[] = { "/nonexistent/folder/log", "/",
	"/dev/null/log" };

START_TEST(cannot_be_opened)
{
	ck_assert_ptr_null(engine_log_open(unopenable[_i], &err));
	ck_assert_str_eq(error_id(err.code), "system.log");
	ck_assert_str_eq(err.at.file, unopenable[_i]);
}
END_TEST

/* None configured: nothing is written and nothing fails. */
START_TEST(no_log)
{
	static const char *const none[] = { NULL, "" };

	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		engine_log_close(the_log);
		the_log = engine_log_open(none[i], &err);
		ck_assert_ptr_nonnull(the_log);
		ck_assert(write_one());
		ck_assert(engine_log_reopen(the_log, &err));
	}
	engine_log_close(NULL);
}
END_TEST

START_TEST(a_line_is_a_request)
{
	struct engine_request again;
	struct engine_answer same;

	ck_assert(write_one());
	ck_assert_msg(
	    engine_request_from_json(a, text(), path, s, &again, &err), "%s",
	    err.msg);
	engine_evaluate(s, &again, ERRORED_DENY_DENIES, a, &same);
	ck_assert_int_eq(same.code, answer.code);
	ck_assert_str_eq(fixture_text(a, engine_request_to_json(&again)),
	    fixture_text(a, engine_request_to_json(&request)));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("audit");
	TCase *tc = tcase_create("audit");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_line_is_the_contract);
	tcase_add_test(tc, what_was_not_known_is_null);
	tcase_add_test(tc, evidence_by_its_names_alone);
	tcase_add_test(tc, one_line_each);
	tcase_add_test(tc, created_for_us_alone);
	tcase_add_test(tc, appends);
	tcase_add_test(tc, reopens_after_rotation);
	tcase_add_test(tc, a_reopening_that_fails);
	tcase_add_test(tc, a_reopening_that_fails_for_a_lost_file);
	tcase_add_test(tc, a_full_disk);
	tcase_add_test(tc, a_torn_line_is_taken_back);
	tcase_add_loop_test(tc, cannot_be_opened, 0, ARRAY_LEN(unopenable));
	tcase_add_test(tc, no_log);
	tcase_add_test(tc, a_line_is_a_request);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
