/* test_contracts.c - the JSON that others rely on, against one file each in
 * tests/contracts. What differs from run to run is written as it always is
 * there. UPDATE=1 writes the files anew; look at the difference. */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "gateways/answer.h"

#include "base/limits.h"
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

/* Set a member, deep in, if it is there. */
static void
fix(json_t *json, const char *path, json_t *value_take)
{
	char name[32];

	for (;;) {
		size_t n = strcspn(path, ".");

		snprintf(name, sizeof name, "%.*s", (int)n, path);
		path += n;
		if (*path == '\0')
			break;
		path++;
		json = json_object_get(json, name);
	}
	if (json_object_get(json, name))
		ck_assert_int_eq(json_object_set(json, name, value_take), 0);
	json_decref(value_take);
}

/* The folder of this run, wherever it stands in a text, is `DIR`. */
static void
hide_folder(struct buf *b)
{
	size_t n = strlen(k.dir);
	char *at;

	while ((at = memmem(b->p, b->n, k.dir, n)) != NULL) {
		memcpy(at, "DIR", 3);
		memmove(at + 3, at + n, (size_t)(b->p + b->n - (at + n)));
		b->n -= n - 3;
	}
}

static void
check_golden(const char *name, json_t *json_take)
{
	char path[100];
	struct buf got = { 0 };
	struct str want = { 0 };
	struct error err = { 0 };

	snprintf(path, sizeof path, "tests/contracts/%s.json", name);
	ck_assert_ptr_nonnull(json_take);
	fix(json_take, "policies", json_string("0123456789abcdef"));
	fix(json_take, "evidence.keyId", json_string("THUMBPRINT"));
	ck_assert(json_write_pretty(&got, json_take));
	buf_byte(&got, '\n');
	hide_folder(&got);
	json_decref(json_take);
	if (getenv("UPDATE"))
		ck_assert_msg(file_replace(path, 0644, buf_str(&got), &err),
		    "%s", err.msg);
	ck_assert_msg(
	    file_read(k.a, path, 1u << 20, &want, &err), "%s", err.msg);
	ck_assert_msg(str_eq(buf_str(&got), want), "%s is now:\n%.*s", path,
	    STR_ARG(buf_str(&got)));
	buf_free(&got);
}

/* ---- the engine's ---------------------------------------------------------
 */

#define REQUEST                                                                \
	"{\"principal\":{\"type\":\"Instance\",\"id\":\"i-1\"},\"action\":{"   \
	"\"type\":\"Action\",\"id\":\"repository:get\"},\"resource\":{"        \
	"\"type\":\"Package\",\"id\":\"main/pool/a.deb\"},\"context\":{"       \
	"\"sourceIp\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"10.0.0.7\"}},"      \
	"\"proof\":\"address\"},\"entities\":[{\"uid\":{\"type\":"             \
	"\"Instance\",\"id\":\"i-1\"},\"attrs\":{\"owner\":\"acme\","          \
	"\"licences\":[\"a\",\"b\"]},\"tags\":{\"app:nginx\":\"1.22\"},"       \
	"\"parents\":[{\"type\":\"Owner\",\"id\":\"acme\"}]},{\"uid\":{"       \
	"\"type\":\"Package\",\"id\":\"main/pool/a.deb\"},\"attrs\":{"         \
	"\"path\":\"pool/a.deb\"},\"parents\":[{\"type\":\"Repository\","      \
	"\"id\":\"main\"}]}]}"

static struct engine_request
request(void)
{
	struct engine_request r = { 0 };
	struct error err = { 0 };

	ck_assert_msg(engine_request_from_json(k.a, STR(REQUEST), "r.json",
			  k.env.state->snapshot, &r, &err),
	    "%s", err.msg);
	return r;
}

static void
load_policies(const char *text)
{
	kit_put(&k, "p.avow", text);
	kit_load(&k);
}

static json_t *
decision(void)
{
	struct engine_request r = request();
	struct engine_answer answer;

	engine_evaluate(
	    k.env.state->snapshot, &r, ERRORED_DENY_DENIES, k.a, &answer);
	return engine_answer_to_json(&answer);
}

START_TEST(a_request)
{
	struct engine_request r = request();

	check_golden("request", engine_request_to_json(&r));
}
END_TEST

START_TEST(decisions)
{
	check_golden("decision-permit", decision());
	load_policies(KIT_POLICIES
	    "@id(\"broken\") forbid (principal, action, resource)\n"
	    "  when { principal.zone == \"z\" };");
	check_golden("decision-deny", decision());
}
END_TEST

START_TEST(reports)
{
	static const char *const names[] = { "report-low", "report-medium",
		"report-high", "report-veryhigh" };
	static const char *const timings[] = { "load", "parse", "decide" };
	const struct engine_operation operation = { .program = "avow",
		.point = "dryrun" };
	struct engine_request r;
	enum engine_effect effect;
	json_t *json;

	load_policies("@id(\"near\") permit (principal, action, resource)\n"
		      "when { principal.owner == \"acme\" && context.proof == "
		      "\"key\" };\n@id(\"far\") permit (principal == "
		      "Instance::\"i-2\", action, resource);\n");
	r = request();
	json =
	    engine_verify(k.env.state->snapshot, &r, NULL, ERRORED_DENY_DENIES,
		(enum engine_level)_i, &operation, k.a, &effect);
	for (size_t i = 0; i < 3 && json_object_get(json, "operation"); i++) {
		char path[40];

		snprintf(
		    path, sizeof path, "operation.timingsNs.%s", timings[i]);
		fix(json, path, json_integer(0));
	}
	if (json_object_get(json, "operation"))
		fix(json, "operation.policies.version",
		    json_string("0123456789abcdef"));
	check_golden(names[_i], json);
}
END_TEST

START_TEST(a_report_of_a_refusal)
{
	struct error why = { 0 };

	(void)error_set(
	    &why, ERR_EVIDENCE_EXPIRED, SPAN_NONE, "the document expired");
	check_golden(
	    "report-refused", engine_verify_refused(k.env.state->snapshot, &why,
				  LEVEL_MEDIUM, NULL));
}
END_TEST

/* ---- the gates' -----------------------------------------------------------
 */

static json_t *
line_without_chance(void)
{
	json_t *line = kit_last_line(&k);

	fix(line, "id", json_string("0123456789abcdef"));
	fix(line, "us", json_integer(0));
	return line;
}

START_TEST(log_lines)
{
	struct attest_evidence e = kit_sign(&k, &(struct kit_doc){ 0 });

	kit_begin(&k, "GET", "/gate/auth");
	kit_header(&k, "X-Original-Method", STR("GET"));
	kit_header(&k, "X-Original-URI", STR("/debian/pool/a_1_all.deb"));
	kit_header(&k, "X-Forwarded-For", STR("10.0.0.7"));
	kit_header(&k, "X-Forwarded-Proto", STR("https"));
	forward_auth_handle(&k.env, &k.q, &k.r);
	check_golden("log-refused", line_without_chance());
	kit_show(&k, &e);
	forward_auth_handle(&k.env, &k.q, &k.r);
	check_golden("log-permit", line_without_chance());
}
END_TEST

static bool
prove_again(void *ctx, struct arena *a, struct str gate,
    struct balancer_who *who, struct error *reterr)
{
	return pool_prove_again(ctx, a, gate, who, reterr);
}

static bool
decide_again(void *ctx, struct arena *a, const struct balancer_ask *ask,
    struct error *reterr)
{
	return pool_decide_again(ctx, a, ask, reterr);
}

static json_t *
ask_pool(const char *body)
{
	struct attest_evidence e = kit_sign(&k, &(struct kit_doc){ 0 });
	json_t *json;

	kit_begin(&k, "POST", "/gate/balancer/web");
	kit_header(&k, "X-Forwarded-For", STR("10.0.0.7"));
	kit_header(&k, "X-Forwarded-Proto", STR("https"));
	k.q.body = str_of(body);
	kit_show(&k, &e);
	pool_handle(&k.env, &k.q, &k.r);
	json = json_loadb(k.r.body.p, k.r.body.n, 0, NULL);
	fix(json, "decision", json_string("0123456789abcdef"));
	return json;
}

START_TEST(pool_answers)
{
	struct error err = { 0 };

	k.store = store_open(STR("sqlite::memory:"), &err);
	ck_assert_ptr_nonnull(k.store);
	k.env.balancer = balancer_new(
	    &(struct balancer_options){ .config = k.env.state->config,
		.store = k.store,
		.clock = &k.clock,
		.judge = { &k.env, prove_again, decide_again } },
	    &err);
	ck_assert_ptr_nonnull(k.env.balancer);
	check_golden(
	    "join", ask_pool("{\"address\":\"10.0.0.7\",\"port\":8080}"));
	check_golden(
	    "problem", ask_pool("{\"address\":\"10.0.0.7\",\"port\":22}"));
}
END_TEST

/* ---- the server's ---------------------------------------------------------
 */

/* The body, in static storage. */
static const char *
get_text(uint16_t port, const char *path)
{
	static char answer[8192];
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char ask[200];
	size_t n = 0;
	ssize_t got;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int len = snprintf(ask, sizeof ask,
	    "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
	const char *body;

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	ck_assert_int_eq(write(fd, ask, (size_t)len), len);
	while ((got = read(fd, answer + n, sizeof answer - 1 - n)) > 0)
		n += (size_t)got;
	close(fd);
	answer[n] = '\0';
	body = strstr(answer, "\r\n\r\n");
	ck_assert_msg(body != NULL, "%s", answer);
	return body + 4;
}

static json_t *
get(uint16_t port, const char *path)
{
	return json_loads(get_text(port, path), 0, NULL);
}

START_TEST(readiness)
{
	struct buf messages = { 0 };
	struct gateways_server *s = gateways_server_start(
	    kit_path(&k, "avow.yaml"), &k.clock, &messages);
	json_t *json;

	ck_assert_msg(s != NULL, "%.*s", STR_ARG(buf_str(&messages)));
	check_golden("readyz", get(gateways_server_port(s), "/readyz"));
	/* A reload that failed is shown, and takes nothing out of service. */
	kit_put(&k, "p.avow", "permit (");
	buf_free(&messages);
	ck_assert(!gateways_server_reload(s, &messages));
	json = get(gateways_server_port(s), "/readyz");
	ck_assert_ptr_nonnull(
	    strstr(kit_text(json_object_get(json, "reload"), "error"),
		"p.avow:1:9: error:"));
	fix(json, "reload.error", json_string("MESSAGES"));
	check_golden("readyz-failed-reload", json);
	gateways_server_stop(s, 100);
	buf_free(&messages);
}
END_TEST

START_TEST(numbers)
{
	struct buf messages = { 0 };
	struct gateways_server *s = gateways_server_start(
	    kit_path(&k, "avow.yaml"), &k.clock, &messages);
	const char *text;
	uint16_t port;

	ck_assert_msg(s != NULL, "%.*s", STR_ARG(buf_str(&messages)));
	port = gateways_server_port(s);
	for (int i = 0; i < 3; i++)
		(void)get_text(port, "/gate/auth");
	text = get_text(port, "/metrics");
	ck_assert_msg(
	    strstr(text,
		"# TYPE avow_decisions_total counter\n"
		"avow_decisions_total{code=\"request.malformed\"} 3\n"),
	    "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "\navow_reload_failed 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "\navow_store_up 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "\navow_revocations 0\n"));
	ck_assert_ptr_null(strstr(text, "\navow_policies 0\n"));
	ck_assert_ptr_nonnull(strstr(text,
	    "# TYPE avow_decision_duration_seconds histogram\n"
	    "avow_decision_duration_seconds_bucket{le=\"0.00001\"} "));
	ck_assert_ptr_nonnull(
	    strstr(text, "\navow_decision_duration_seconds_count 3\n"));
	ck_assert_ptr_nonnull(strstr(text,
	    "\navow_request_duration_seconds_count{path=\"/gate/auth\"} "
	    "3\n"));
	gateways_server_stop(s, 100);
	buf_free(&messages);
}
END_TEST

/* While the system's clock is before the program was made, nothing expires as
 * it should (SECURITY 7): the same question, before and after. */
START_TEST(a_clock_that_was_set_back)
{
	struct buf messages = { 0 };
	struct gateways_server *s = gateways_server_start(
	    kit_path(&k, "avow.yaml"), &k.clock, &messages);
	int64_t now = k.now_ms;
	json_t *json;

	ck_assert_msg(s != NULL, "%.*s", STR_ARG(buf_str(&messages)));
	k.now_ms = (LIMIT_CLOCK_AT_LEAST_S - 1) * INT64_C(1000);
	json = get(gateways_server_port(s), "/gate/balancer/web");
	ck_assert_str_eq(kit_text(json, "code"), "system.not_ready");
	json_decref(json);
	k.now_ms = now;
	json = get(gateways_server_port(s), "/gate/balancer/web");
	ck_assert_str_ne(kit_text(json, "code"), "system.not_ready");
	json_decref(json);
	gateways_server_stop(s, 100);
	buf_free(&messages);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("contracts");
	TCase *tc = tcase_create("contracts");

	log_threshold(LOG_ERROR);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_request);
	tcase_add_test(tc, decisions);
	tcase_add_loop_test(tc, reports, LEVEL_LOW, LEVEL_VERYHIGH + 1);
	tcase_add_test(tc, a_report_of_a_refusal);
	tcase_add_test(tc, log_lines);
	tcase_add_test(tc, pool_answers);
	tcase_add_test(tc, readiness);
	tcase_add_test(tc, numbers);
	tcase_add_test(tc, a_clock_that_was_set_back);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
