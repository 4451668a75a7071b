/* test_pool.c - joining and leaving a pool over HTTP: who may, what is said in
 * the body, and the statuses of a gate that is asked directly. What a
 * membership must be is tested with the balancer. */
#include "gateways/answer.h"

#include "tests/unit/gateways/gate_kit.h"

static struct gate_kit k;

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

static void
setup(void)
{
	struct error err = { 0 };

	kit_open(&k);
	k.store = store_open(STR("sqlite::memory:"), &err);
	ck_assert_msg(k.store != NULL, "%s", err.msg);
	k.env.balancer = balancer_new(
	    &(struct balancer_options){ .config = k.env.state->config,
		.store = k.store,
		.clock = &k.clock,
		.judge = { &k.env, prove_again, decide_again } },
	    &err);
	ck_assert_msg(k.env.balancer != NULL, "%s", err.msg);
}

static void
teardown(void)
{
	kit_fini(&k);
}

#define WEB "/gate/balancer/web"
#define BODY "{\"address\":\"10.0.0.7\",\"port\":8080}"

static const struct row {
	const char *note;
	struct kit_doc doc;
	bool no_evidence;
	const char *method, *target, *body, *client, *protocol;
	unsigned status;
	const char *code;
} rows[] = {
	/* HAProxy is not there: stored, and told later. */
	{ "a join", .status = 202 },
	{ "with a weight",
	    .body = "{\"address\":\"10.0.0.7\",\"port\":8081,\"weight\":0}",
	    .status = 202 },
	{ "leaving without having joined", .method = "DELETE", .status = 204 },
	{ "leaving one port", .method = "DELETE", .target = WEB "?port=8080",
	    .status = 204 },
	/* The request. */
	{ "no such pool", .target = "/gate/balancer/nope", .status = 404,
	    .code = "request.path" },
	{ "no pool", .target = "/gate/balancer/", .status = 404,
	    .code = "request.path" },
	{ "a pool below a pool", .target = WEB "/x", .status = 404,
	    .code = "request.path" },
	{ "an encoded name", .target = "/gate/balancer/we%62", .status = 404,
	    .code = "request.path" },
	{ "no such pool, no evidence", .no_evidence = true,
	    .target = "/gate/balancer/nope", .status = 404,
	    .code = "request.path" },
	{ "GET", .method = "GET", .status = 405, .code = "request.method" },
	{ "PUT without evidence", .method = "PUT", .no_evidence = true,
	    .status = 405, .code = "request.method" },
	{ "post", .method = "post", .status = 405, .code = "request.method" },
	{ "no body", .body = "", .status = 400, .code = "request.malformed" },
	{ "no JSON", .body = "address=10.0.0.7", .status = 400,
	    .code = "request.malformed" },
	{ "half of it", .body = "{\"address\":\"10.0.0.7\"", .status = 400,
	    .code = "request.malformed" },
	{ "more behind it", .body = BODY " {}", .status = 400,
	    .code = "request.malformed" },
	{ "an array", .body = "[" BODY "]", .status = 400,
	    .code = "request.malformed" },
	{ "an unknown key",
	    .body = "{\"address\":\"10.0.0.7\",\"port\":8080,\"pool\":\"x\"}",
	    .status = 400, .code = "request.malformed" },
	{ "a key twice",
	    .body = "{\"address\":\"10.0.0.7\",\"port\":8080,\"port\":8081}",
	    .status = 400, .code = "request.malformed" },
	{ "no port", .body = "{\"address\":\"10.0.0.7\"}", .status = 400,
	    .code = "request.malformed" },
	{ "no address", .body = "{\"port\":8080}", .status = 400,
	    .code = "request.malformed" },
	{ "a port as text",
	    .body = "{\"address\":\"10.0.0.7\",\"port\":\"8080\"}",
	    .status = 400, .code = "request.malformed" },
	{ "a port with a fraction",
	    .body = "{\"address\":\"10.0.0.7\",\"port\":8080.0}", .status = 400,
	    .code = "request.malformed" },
	{ "a negative port", .body = "{\"address\":\"10.0.0.7\",\"port\":-1}",
	    .status = 400, .code = "request.malformed" },
	{ "an address as a number", .body = "{\"address\":7,\"port\":8080}",
	    .status = 400, .code = "request.malformed" },
	{ "null", .body = "{\"address\":null,\"port\":8080}", .status = 400,
	    .code = "request.malformed" },
	{ "NUL in the address",
	    .body = "{\"address\":\"10.0.0.7\\u0000x\",\"port\":8080}",
	    .status = 400, .code = "request.malformed" },
	{ "a weight as text",
	    .body = "{\"address\":\"10.0.0.7\",\"port\":8080,\"weight\":\"1\"}",
	    .status = 400, .code = "request.malformed" },
	{ "too deep",
	    .body =
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]"
		"]]]]]]]]]]]]]]]]]]]]]",
	    .status = 400, .code = "request.malformed" },
	{ "leaving by another key", .method = "DELETE", .target = WEB "?p=8080",
	    .status = 400, .code = "request.malformed" },
	{ "leaving port 0", .method = "DELETE", .target = WEB "?port=0",
	    .status = 400, .code = "request.malformed" },
	{ "leaving port 65536", .method = "DELETE", .target = WEB "?port=65536",
	    .status = 400, .code = "request.malformed" },
	{ "leaving no port", .method = "DELETE", .target = WEB "?port=",
	    .status = 400, .code = "request.malformed" },
	{ "leaving two ports", .method = "DELETE",
	    .target = WEB "?port=8080&port=8081", .status = 400,
	    .code = "request.malformed" },
	{ "leaving an encoded port", .method = "DELETE",
	    .target = WEB "?port=%38080", .status = 400,
	    .code = "request.malformed" },
	{ "the request before the evidence", .no_evidence = true, .body = "{",
	    .status = 400, .code = "request.malformed" },
	{ "a client address that is none", .client = "somewhere", .status = 400,
	    .code = "request.malformed" },
	/* Evidence and requirements. */
	{ "no evidence", .no_evidence = true, .status = 401,
	    .code = "evidence.missing" },
	{ "leaving without evidence", .method = "DELETE", .no_evidence = true,
	    .status = 401, .code = "evidence.missing" },
	{ "over plain HTTP", .protocol = "http", .status = 401,
	    .code = "evidence.transport" },
	{ "expired", { .issued_after = -100, .expires_after = -1 },
	    .status = 401, .code = "evidence.expired" },
	{ "for another gate", { .audience = "updates" }, .status = 401,
	    .code = "evidence.audience" },
	{ "from another address", .client = "10.0.0.8", .status = 403,
	    .code = "requirement.address" },
	{ "leaving for another", .method = "DELETE", .client = "10.0.0.8",
	    .status = 403, .code = "requirement.address" },
	/* The membership. */
	{ "another's address",
	    .body = "{\"address\":\"10.0.0.8\",\"port\":8080}", .status = 403,
	    .code = "balancer.address" },
	{ "a name", .body = "{\"address\":\"web1\",\"port\":8080}",
	    .status = 403, .code = "balancer.address" },
	{ "a second command",
	    .body = "{\"address\":\"10.0.0.7;shutdown\",\"port\":8080}",
	    .status = 403, .code = "balancer.address" },
	{ "another port", .body = "{\"address\":\"10.0.0.7\",\"port\":22}",
	    .status = 403, .code = "balancer.port" },
	{ "a port over 16 bits",
	    .body = "{\"address\":\"10.0.0.7\",\"port\":73616}", .status = 403,
	    .code = "balancer.port" },
	{ "a weight too large",
	    .body = "{\"address\":\"10.0.0.7\",\"port\":8080,\"weight\":257}",
	    .status = 403, .code = "balancer.weight" },
	{ "a negative weight",
	    .body = "{\"address\":\"10.0.0.7\",\"port\":8080,\"weight\":-1}",
	    .status = 403, .code = "balancer.weight" },
	{ "outside of the networks", { .ip = "192.0.2.7" },
	    .client = "192.0.2.7",
	    .body = "{\"address\":\"192.0.2.7\",\"port\":8080}", .status = 403,
	    .code = "balancer.network" },
};

static const char * or (const char *given, const char *usual)
{
	return given ? given : usual;
}

static struct attest_evidence
ask(const struct row *row)
{
	struct attest_evidence e = kit_sign(&k, &row->doc);

	kit_begin(&k, or (row->method, "POST"), or (row->target, WEB));
	kit_header(&k, "X-Forwarded-For", str_of(or (row->client, "10.0.0.7")));
	kit_header(
	    &k, "X-Forwarded-Proto", str_of(or (row->protocol, "https")));
	k.q.body = str_of(or (row->body, BODY));
	if (!row->no_evidence)
		kit_show(&k, &e);
	pool_handle(&k.env, &k.q, &k.r);
	return e;
}

static json_t *
answered(void)
{
	json_t *json = json_loadb(k.r.body.p, k.r.body.n, 0, NULL);

	ck_assert_msg(
	    json_is_object(json), "%.*s", STR_ARG(buf_str(&k.r.body)));
	return json;
}

static void
check_problem(const struct row *row)
{
	json_t *body = answered(), *line = kit_last_line(&k);

	ck_assert_str_eq(k.r.content_type, "application/problem+json");
	ck_assert_msg(strcmp(kit_text(body, "code"), row->code) == 0,
	    "%s: got %s, want %s", row->note, kit_text(body, "code"),
	    row->code);
	ck_assert_str_eq(kit_text(body, "type"), "about:blank");
	ck_assert_uint_eq(
	    (unsigned)json_integer_value(json_object_get(body, "status")),
	    row->status);
	ck_assert_uint_gt(strlen(kit_text(body, "title")), 0);
	ck_assert_uint_gt(strlen(kit_text(body, "detail")), 0);
	/* Refused is logged, under the id that the asker is told. */
	ck_assert_str_eq(kit_text(line, "code"), row->code);
	ck_assert_str_eq(kit_text(line, "decision"), "deny");
	ck_assert_str_eq(kit_text(line, "id"), kit_text(body, "decision"));
	ck_str_is(kit_answered(&k, "X-Avow-Reason"), row->code);
	ck_assert_int_eq(
	    kit_answered(&k, "WWW-Authenticate").n > 0, row->status == 401);
	ck_assert_int_eq(kit_answered(&k, "Allow").n > 0, row->status == 405);
	json_decref(body);
	json_decref(line);
}

START_TEST(answers)
{
	const struct row *row = &rows[_i];
	struct attest_evidence e = ask(row);

	ck_assert_msg(k.r.status == row->status, "%s: got %u %.*s, want %u",
	    row->note, k.r.status, STR_ARG(buf_str(&k.r.body)), row->status);
	if (row->code)
		check_problem(row);
	kit_log_is_clean(&k, &e);
}
END_TEST

START_TEST(a_join_is_told_and_logged)
{
	json_t *body, *line;

	(void)ask(&rows[0]);
	body = answered();
	line = kit_last_line(&k);
	ck_assert_str_eq(k.r.content_type, "application/json");
	ck_assert_uint_eq(json_object_size(body), 6);
	ck_assert_str_eq(kit_text(body, "pool"), "web");
	ck_assert_str_eq(kit_text(body, "instance"), "i-1");
	ck_assert_str_eq(kit_text(body, "address"), "10.0.0.7");
	ck_assert_int_eq(
	    json_integer_value(json_object_get(body, "port")), 8080);
	ck_assert_str_eq(kit_text(body, "state"), "pending");
	ck_assert_str_eq(kit_text(body, "expiresAt"), "2026-01-01T00:10:00Z");
	ck_assert_str_eq(kit_text(line, "code"), "permit");
	ck_assert_str_eq(kit_text(line, "gate"), "lb");
	ck_assert_str_eq(
	    kit_text(
		json_object_get(json_object_get(line, "request"), "resource"),
		"id"),
	    "web");
	json_decref(body);
	json_decref(line);
}
END_TEST

/* What the asker said stands apart from what the gate saw. */
START_TEST(policies_see_what_was_said)
{
	kit_put(&k, "p.avow",
	    "@id(\"x\") permit (principal, action == "
	    "Action::\"balancer:join\", resource == Pool::\"web\") when { "
	    "context.said.port == 8081 && context.said.weight == 3 && "
	    "context.address == ip(\"10.0.0.7\") && context.sourceIp == "
	    "ip(\"10.0.0.7\") && context.proof == \"address\" && "
	    "context.method == \"POST\" };");
	kit_load(&k);
	(void)ask(&(struct row){ .body = "{\"address\":\"10.0.0.7\",\"port\":"
					 "8081,\"weight\":3}" });
	ck_assert_uint_eq(k.r.status, 202);
	(void)ask(&rows[0]);
	ck_assert_uint_eq(k.r.status, 403);
	ck_str_is(kit_answered(&k, "X-Avow-Reason"), "policy.none");
	ck_assert_uint_eq(kit_log_lines(&k), 2);
}
END_TEST

START_TEST(without_its_log)
{
	struct error err = { 0 };
	struct store_member *members;
	size_t n = 9;

	engine_log_close(k.env.log);
	k.env.log = engine_log_open("/dev/full", &err);
	ck_assert_ptr_nonnull(k.env.log);
	(void)ask(&rows[0]);
	ck_assert_uint_eq(k.r.status, 503);
	ck_str_is(kit_answered(&k, "X-Avow-Reason"), "system.log");
	ck_assert(
	    store_member_list(k.store, k.a, STR("web"), &members, &n, &err));
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(without_pools)
{
	balancer_free(k.env.balancer);
	k.env.balancer = NULL;
	(void)ask(&rows[0]);
	ck_assert_uint_eq(k.r.status, 404);
}
END_TEST

static size_t
members_now(void)
{
	struct store_member *members;
	struct error err = { 0 };
	size_t n = 0;

	ck_assert(
	    store_member_list(k.store, k.a, STR("web"), &members, &n, &err));
	return n;
}

/* A member stays as long as what let it in still holds. */
START_TEST(members_are_judged_again)
{
	static const struct {
		const char *file, *text;
	} changes[] = {
		{ "revoked", "instance i-1\n" },
		{ "revoked", "document " KIT_DOC_ID "\n" },
		{ "p.avow", "permit (principal, action, resource) when { "
			    "context.said.port == 1 };" },
		{ NULL, NULL }, /* nothing changed */
	};
	struct error err = { 0 };

	(void)ask(&rows[0]);
	ck_assert_uint_eq(members_now(), 1);
	if (changes[_i].file) {
		kit_put(&k, changes[_i].file, changes[_i].text);
		kit_load(&k);
	}
	ck_assert_msg(balancer_tick(k.env.balancer, &err), "%s", err.msg);
	ck_assert_uint_eq(members_now(), changes[_i].file ? 0 : 1);
}
END_TEST

START_TEST(leaving_is_leaving)
{
	(void)ask(&rows[0]);
	(void)ask(&rows[2]);
	ck_assert_uint_eq(k.r.status, 204);
	ck_assert_uint_eq(k.r.body.n, 0);
	ck_assert_uint_eq(members_now(), 0);
}
END_TEST

/* ---- each form in which evidence comes ---- */

/* A key that signs in every form, and a trust that takes them. */
static void
take_every_form(void)
{
	const char *file = kit_path(&k, "p.key.pem");
	const char *config = kit_config(&k), *end = "issuer: acme}";
	const char *at = strstr(config, end);
	struct error err = { 0 };
	struct buf pem = { 0 };

	attest_key_free(k.key);
	(void)unlink(file);
	ck_assert(attest_key_create(KEY_P256, file, &err));
	k.key = attest_key_open(file, &err);
	ck_assert(attest_key_public_pem(file, &pem, &err));
	buf_byte(&pem, '\0');
	kit_put(&k, "trust/k.pub.pem", pem.p);
	buf_free(&pem);
	ck_assert_ptr_nonnull(at);
	kit_put(&k, "avow.yaml",
	    str_printf(k.a,
		"%.*sissuer: acme, forms: [detached, embedded, jws, cms]}%s",
		(int)(at - config), config, at + strlen(end))
		.p);
	kit_load(&k);
}

static struct str
pack_in(enum attest_form form, const char *id)
{
	const struct str audience = STR("lb");
	struct buf document = { 0 }, signature = { 0 };
	struct attest_evidence e = { .kind = attest_form_kind(form) };
	struct error err = { 0 };
	json_t *claims =
	    json_loads(kit_claims(&k, &(struct kit_doc){ 0 }), 0, NULL);
	const struct attest_issue what = { .issuer = STR("acme"),
		.subject = STR("i-1"),
		.audience = &audience,
		.n_audience = 1,
		.issued_at = k.now_ms / 1000,
		.not_before = k.now_ms / 1000,
		.expires_at = k.now_ms / 1000 + 600,
		.claims = claims,
		.id = str_of(id),
		.form = form };

	ck_assert_msg(attest_issue(k.key, &what, &document, &signature, &err),
	    "%s", err.msg);
	e.document = str_dup(k.a, buf_str(&document));
	e.signature = str_dup(k.a, buf_str(&signature));
	json_decref(claims);
	buf_free(&document);
	buf_free(&signature);
	return kit_pack(&k, &e);
}

#define OTHER_ID "ffeeddccbbaa99887766554433221100"

/* The last: two of them together. */
static struct str
pack_of(int i)
{
	struct str one, two;

	if (i < ATTEST_FORMS)
		return pack_in((enum attest_form)i, KIT_DOC_ID);
	one = pack_in(ATTEST_CMS, KIT_DOC_ID);
	two = pack_in(ATTEST_DETACHED, OTHER_ID);
	return str_printf(k.a, "%.*s~%.*s", STR_ARG(one), STR_ARG(two));
}

static unsigned
ask_with(struct str pack, const char *method)
{
	kit_begin(&k, method, WEB);
	kit_header(&k, "X-Forwarded-For", STR("10.0.0.7"));
	kit_header(&k, "X-Forwarded-Proto", STR("https"));
	kit_header(&k, "X-Avow-Pack", pack);
	k.q.body = STR(BODY);
	pool_handle(&k.env, &k.q, &k.r);
	return k.r.status;
}

static void
tick(void)
{
	struct error err = { 0 };

	ck_assert_msg(balancer_tick(k.env.balancer, &err), "%s", err.msg);
}

/* Another process over the same store, that has seen no evidence yet. */
static void
restart(void)
{
	struct error err = { 0 };

	balancer_free(k.env.balancer);
	attest_cache_free(k.env.prover.cache);
	k.env.prover.cache = attest_cache_new();
	k.env.balancer = balancer_new(
	    &(struct balancer_options){ .config = k.env.state->config,
		.store = k.store,
		.clock = &k.clock,
		.judge = { &k.env, prove_again, decide_again } },
	    &err);
	ck_assert_msg(k.env.balancer != NULL, "%s", err.msg);
}

/* What was stored of a member is verified anew, as it came, until it ends. */
START_TEST(members_of_every_form)
{
	struct str pack;

	take_every_form();
	pack = pack_of(_i);
	ck_assert_uint_eq(ask_with(pack, "POST"), 202);
	ck_assert_uint_eq(members_now(), 1);
	tick();
	ck_assert_uint_eq(members_now(), 1);
	restart();
	tick();
	ck_assert_uint_eq(members_now(), 1);
	k.now_ms += 599999;
	tick();
	ck_assert_uint_eq(members_now(), 1);
	k.now_ms += 1;
	tick();
	ck_assert_uint_eq(members_now(), 0);
	ck_assert_uint_eq(ask_with(pack, "POST"), 401);
	ck_str_is(kit_answered(&k, "X-Avow-Reason"), "evidence.expired");
}
END_TEST

START_TEST(members_of_every_form_are_revoked)
{
	take_every_form();
	ck_assert_uint_eq(ask_with(pack_of(_i), "POST"), 202);
	/* Of two, the one beside it. */
	kit_put(&k, "revoked",
	    _i < ATTEST_FORMS ? "document " KIT_DOC_ID "\n"
			      : "document " OTHER_ID "\n");
	kit_load(&k);
	restart();
	tick();
	ck_assert_uint_eq(members_now(), 0);
}
END_TEST

/* A key that is trusted no more takes its members along. */
START_TEST(members_of_every_form_lose_their_key)
{
	take_every_form();
	ck_assert_uint_eq(ask_with(pack_of(_i), "POST"), 202);
	take_every_form();
	tick();
	ck_assert_uint_eq(members_now(), 0);
}
END_TEST

START_TEST(members_of_every_form_leave)
{
	struct str pack;

	take_every_form();
	pack = pack_of(_i);
	ck_assert_uint_eq(ask_with(pack, "POST"), 202);
	ck_assert_uint_eq(ask_with(pack, "DELETE"), 204);
	ck_assert_uint_eq(members_now(), 0);
	/* A form that is not taken is refused. */
	kit_put(&k, "avow.yaml", kit_config(&k));
	kit_load(&k);
	ck_assert_uint_eq(
	    ask_with(pack, "POST"), _i == ATTEST_DETACHED ? 202 : 401);
	ck_assert_uint_eq(members_now(), _i == ATTEST_DETACHED);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pool");
	TCase *tc = tcase_create("pool");

	log_threshold(LOG_ERROR);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, answers, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, a_join_is_told_and_logged);
	tcase_add_test(tc, policies_see_what_was_said);
	tcase_add_test(tc, without_its_log);
	tcase_add_test(tc, without_pools);
	tcase_add_loop_test(tc, members_are_judged_again, 0, 4);
	tcase_add_test(tc, leaving_is_leaving);
	tcase_add_loop_test(tc, members_of_every_form, 0, ATTEST_FORMS + 1);
	tcase_add_loop_test(
	    tc, members_of_every_form_are_revoked, 0, ATTEST_FORMS + 1);
	tcase_add_loop_test(
	    tc, members_of_every_form_lose_their_key, 0, ATTEST_FORMS + 1);
	tcase_add_loop_test(
	    tc, members_of_every_form_leave, 0, ATTEST_FORMS + 1);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
