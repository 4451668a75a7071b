/* sweep_engine.c - from a request's text to the answer's and the log's, with
 * each allocation failing in turn: the right decision, or a deny, or an error;
 * never a permit that was not due, nothing left behind. */
#include "tests/fault/wrap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "avow.h"
#include "engine/engine.h"
#include "tests/lib/run.h"

#define ASK(x)                                                                 \
	"{\"principal\":{\"type\":\"U\",\"id\":\"u\"},\"action\":{\"type\":"   \
	"\"Action\",\"id\":\"act\"},\"resource\":{\"type\":\"R\",\"id\":"      \
	"\"r\"},\"context\":{\"x\":" x ",\"list\":[1,2,3]},\"entities\":[{"    \
	"\"uid\":{\"type\":\"U\",\"id\":\"u\"},\"attrs\":{\"owner\":\"me\"},"  \
	"\"tags\":{\"t\":\"v\"},\"parents\":[{\"type\":\"G\",\"id\":\"g\"}]}]" \
	"}"

/* Satisfied, unsatisfied and in error, of both effects. */
static const char policies[] =
    "@id(\"b\") permit (principal in G::\"g\", action, resource) when { "
    "principal.owner == \"me\" && context.x > 0 };\n"
    "@id(\"a\") permit (principal, action, resource) when { [context.x, 7, "
    "9].containsAny(context.list) };\n"
    "@id(\"e\") permit (principal, action, resource) when { context.gone };\n"
    "@id(\"d\") forbid (principal, action, resource) when { "
    "[{a: context.x}, {a: 5}].contains({a: 4}) };\n"
    "@id(\"f\") forbid (principal, action, resource) when { context.x == 99 "
    "&& context.gone };\n";

static struct scene {
	struct engine_snapshot *s;
	struct engine_log *log;
	const char *path;
} scene;

static struct engine_snapshot *
load(void)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors errors = { 0 };

	if (set &&
	    policy_set_add_text(
		set, "p.avow", str_of(policies), POLICY_AVOW, &errors) &&
	    policy_set_finish(set, &errors))
		return engine_snapshot_new(set, NULL, NULL, 0);
	policy_set_free(set);
	return NULL;
}

static bool
snapshot_made(void *ctx)
{
	struct engine_snapshot *s = load();

	(void)ctx;
	if (s)
		ck_assert_uint_eq(
		    policy_set_count(engine_snapshot_policies(s)), 5);
	engine_snapshot_unref(s);
	return s != NULL;
}

static bool
told_and_logged(
    const struct engine_request *r, const struct engine_answer *answer)
{
	json_t *json = engine_answer_to_json(answer);
	const struct engine_log_entry entry = { .id = "0123456789abcdef",
		.gate = STR("g"),
		.request = r,
		.answer = answer };
	struct buf b = { 0 };
	struct error err = { 0 };
	bool ok = json && json_write(&b, json) && buf_ok(&b);

	json_decref(json);
	buf_free(&b);
	if (engine_log_write(scene.log, &entry, &err))
		return ok;
	ck_assert_str_eq(error_id(err.code), "system.log");
	return false;
}

/* `due` is the decision without faults. */
static bool
decided(const char *ask, enum err_code due)
{
	struct arena *a = arena_new(0);
	struct engine_request r;
	struct engine_answer answer;
	struct error err = { 0 };
	bool ok = a && engine_request_from_json(
			   a, str_of(ask), "r", scene.s, &r, &err);

	if (a && !ok)
		/* jansson takes a string that it has no room for as bad text.
		 */
		ck_assert_msg(
		    err.code == ERR_LIMIT_MEMORY || err.code == ERR_JSON_SYNTAX,
		    "%s: %s", error_id(err.code), err.msg);
	if (ok) {
		engine_evaluate(scene.s, &r, ERRORED_DENY_SKIP, a, &answer);
		ck_assert_int_eq(
		    answer.effect == ENGINE_PERMIT, answer.code == ERR_PERMIT);
		ck_assert_msg(
		    answer.code == due || answer.code == ERR_SYSTEM_LIMIT, "%s",
		    error_id(answer.code));
		ok = told_and_logged(&r, &answer) && answer.code == due;
	}
	arena_free(a);
	return ok;
}

static bool
permitted(void *ctx)
{
	(void)ctx;
	return decided(ASK("1"), ERR_PERMIT);
}

/* A fault must not hide what denies. */
static bool
denied(void *ctx)
{
	(void)ctx;
	return decided(ASK("4"), ERR_POLICY_DENIED);
}

static bool
none(void *ctx)
{
	(void)ctx;
	return decided(ASK("0"), ERR_POLICY_NONE);
}

static bool
reported(void *ctx)
{
	static const struct engine_operation operation = { .program = "avow",
		.point = "x" };
	struct arena *a = arena_new(0);
	struct engine_request r;
	enum engine_effect effect = ENGINE_DENY;
	json_t *report = NULL;
	struct buf b = { 0 };
	bool ok;

	(void)ctx;
	if (a &&
	    engine_request_from_json(a, STR(ASK("4")), "r", scene.s, &r, NULL))
		report = engine_verify(scene.s, &r, NULL, ERRORED_DENY_SKIP,
		    LEVEL_VERYHIGH, &operation, a, &effect);
	ck_assert_int_eq(effect, ENGINE_DENY);
	if (report)
		engine_report_print(report, &b);
	ok = report && buf_ok(&b) &&
	     strcmp(json_string_value(json_object_get(report, "code")),
		 "policy.denied") == 0;
	json_decref(report);
	buf_free(&b);
	arena_free(a);
	return ok;
}

static bool
assumed(void *ctx)
{
	const struct policy_set *set = engine_snapshot_policies(scene.s);
	struct arena *a = arena_new(0);
	struct entities *layer = NULL;
	struct error err = { 0 };
	bool ok = a && policy_set_assume(&set, 1, a, &layer, &err);

	(void)ctx;
	if (ok)
		ck_assert_uint_eq(entities_count(layer), 3);
	else if (a)
		ck_assert_int_eq(err.code, ERR_LIMIT_MEMORY);
	arena_free(a);
	return ok;
}

static bool
by_the_library(void *ctx)
{
	static const char ask[] = ASK("4");
	char answer[1000];
	size_t n = 0;

	(void)ctx;
	ck_assert_int_eq(
	    avow_decide((const struct avow *)(const void *)scene.s, ask,
		sizeof ask - 1, AVOW_ERRORED_SKIP, answer, sizeof answer, &n),
	    AVOW_DENY);
	return strstr(answer, "policy.denied") != NULL;
}

static bool
log_opened(void *ctx)
{
	struct error err = { 0 };
	struct engine_log *log = engine_log_open(scene.path, &err);

	(void)ctx;
	if (!log)
		ck_assert_str_eq(error_id(err.code), "limit.memory");
	engine_log_close(log);
	return log != NULL;
}

static const struct {
	const char *name;
	bool (*once)(void *ctx);
	long least;
} sweeps[] = {
	{ "snapshot", snapshot_made, 10 },
	{ "permit", permitted, 20 },
	{ "deny", denied, 20 },
	{ "none", none, 20 },
	{ "report", reported, 50 },
	{ "library", by_the_library, 20 },
	{ "log", log_opened, 1 },
	{ "assumed", assumed, 1 },
};

START_TEST(sweep)
{
	struct buf path = { 0 };
	struct error err = { 0 };

	buf_printf(&path, "%s/log-%d", test_folder(), _i);
	buf_byte(&path, '\0');
	scene.path = path.p;
	scene.s = load();
	scene.log = engine_log_open(scene.path, &err);
	ck_assert_ptr_nonnull(scene.s);
	ck_assert_ptr_nonnull(scene.log);
	ck_assert_int_ge(fault_sweep(sweeps[_i].name, sweeps[_i].once, NULL),
	    sweeps[_i].least);
	engine_log_close(scene.log);
	engine_snapshot_unref(scene.s);
	buf_free(&path);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sweep_engine");
	TCase *tc = tcase_create("sweep");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, sweep, 0, ARRAY_LEN(sweeps));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
