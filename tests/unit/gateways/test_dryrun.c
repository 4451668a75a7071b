/* test_dryrun.c - what a gate would say: the same codes as the gate itself, in
 * a report that opens nothing. */
#include "gateways/gateways.h"

#include "store/store_private.h"
#include "tests/unit/gateways/gate_kit.h"

static struct gate_kit k;
static const struct engine_operation operation = { .program = "avow",
	.point = "updates" };

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

static struct gateways_asked
asked(const struct kit_doc *d)
{
	struct attest_evidence e = kit_sign(&k, d);

	return (struct gateways_asked){ .gate = STR("updates"),
		.document = e.document,
		.signature = kit_base64(&k, BASE64_STANDARD, e.signature),
		.method = STR("GET"),
		.target = STR("/debian/a_1_all.deb"),
		.source_ip = STR("10.0.0.7"),
		.protocol = STR("https"),
		.now_ms = k.now_ms };
}

static const struct {
	const char *note;
	struct kit_doc doc;
	const char *kind, *method, *target, *source, *protocol, *signature;
	const char *code;
} rows[] = {
	{ "as it should be", .code = "permit" },
	{ "HEAD", .method = "HEAD", .code = "permit" },
	{ "another method", .method = "POST", .code = "request.method" },
	{ "in no repository", .target = "/x", .code = "request.path" },
	{ "of another gate", .target = "/free/a", .code = "request.path" },
	{ "dots", .target = "/debian/../a", .code = "request.path" },
	{ "another address", .source = "10.0.0.8",
	    .code = "requirement.address" },
	{ "plain HTTP", .protocol = "http", .code = "evidence.transport" },
	{ "a kind that is not trusted", .kind = "ec2-signature",
	    .code = "evidence.kind" },
	{ "a signature that is none", .signature = "*",
	    .code = "evidence.malformed" },
	{ "another signature",
	    .signature = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
	    .code = "evidence.signature" },
	{ "expired", { .issued_after = -9, .expires_after = -1 },
	    .code = "evidence.expired" },
	{ "for another gate", { .audience = "x" },
	    .code = "evidence.audience" },
	{ "a claim is missing",
	    { .claims = "{\"privateIp\":\"10.0.0.7\",\"owner\":\"acme\"}" },
	    .code = "requirement.claim" },
	{ "what policies deny", .target = "/debian/secret/a",
	    .code = "policy.denied" },
};

static struct str or (const char *given, struct str usual)
{
	return given ? str_of(given) : usual;
}

START_TEST(says_what_the_gate_would)
{
	struct gateways_asked q = asked(&rows[_i].doc);
	enum engine_effect effect = ENGINE_PERMIT;
	json_t *report = NULL;
	struct error err = { 0 };

	q.kind = or (rows[_i].kind, q.kind);
	q.method = or (rows[_i].method, q.method);
	q.target = or (rows[_i].target, q.target);
	q.source_ip = or (rows[_i].source, q.source_ip);
	q.protocol = or (rows[_i].protocol, q.protocol);
	q.signature = or (rows[_i].signature, q.signature);
	ck_assert_msg(gateways_dryrun(k.env.state, &q, LEVEL_MEDIUM, &operation,
			  &report, &effect, &err),
	    "%s: %s", rows[_i].note, err.msg);
	ck_assert_msg(strcmp(kit_text(report, "code"), rows[_i].code) == 0,
	    "%s: got %s", rows[_i].note, kit_text(report, "code"));
	ck_assert_str_eq(kit_text(report, "mode"), "verification");
	ck_assert_int_eq(
	    effect == ENGINE_PERMIT, strcmp(rows[_i].code, "permit") == 0);
	/* Nothing was written down as if it had been decided. */
	ck_assert_uint_eq(kit_log(&k).n, 0);
	json_decref(report);
}
END_TEST

/* A balancer gate: every check of a join, and no store or load balancer. */
static const struct {
	const char *note, *target, *source, *audience;
	int64_t port, weight;
	const char *code;
} joins[] = {
	{ "as it should be", "/gate/balancer/web", "10.0.0.7", "lb", 8080, 1,
	    "permit" },
	{ "a port that the pool has not", "/gate/balancer/web", "10.0.0.7",
	    "lb", 22, 1, "balancer.port" },
	{ "a weight over the limit", "/gate/balancer/web", "10.0.0.7", "lb",
	    8080, 257, "balancer.weight" },
	{ "from another address", "/gate/balancer/web", "10.0.0.8", "lb", 8080,
	    1, "requirement.address" },
	{ "another gate's document", "/gate/balancer/web", "10.0.0.7",
	    "updates", 8080, 1, "evidence.audience" },
	{ "no such pool", "/gate/balancer/db", "10.0.0.7", "lb", 8080, 1,
	    "request.path" },
	{ "no pool's path", "/debian/a_1_all.deb", "10.0.0.7", "lb", 8080, 1,
	    "request.path" },
	{ "a query", "/gate/balancer/web?x", "10.0.0.7", "lb", 8080, 1,
	    "request.path" },
};

START_TEST(says_what_a_balancer_would)
{
	struct kit_doc doc = { .audience = joins[_i].audience };
	struct gateways_asked q = asked(&doc);
	enum engine_effect effect = ENGINE_PERMIT;
	json_t *report = NULL;
	struct error err = { 0 };

	q.gate = STR("lb");
	q.target = str_of(joins[_i].target);
	q.source_ip = str_of(joins[_i].source);
	q.port = joins[_i].port;
	q.weight = joins[_i].weight;
	ck_assert_msg(gateways_dryrun(k.env.state, &q, LEVEL_HIGH, &operation,
			  &report, &effect, &err),
	    "%s: %s", joins[_i].note, err.msg);
	ck_assert_msg(strcmp(kit_text(report, "code"), joins[_i].code) == 0,
	    "%s: got %s", joins[_i].note, kit_text(report, "code"));
	ck_assert_int_eq(
	    effect == ENGINE_PERMIT, strcmp(joins[_i].code, "permit") == 0);
	ck_assert_uint_eq(kit_log(&k).n, 0);
	json_decref(report);
}
END_TEST

static const struct {
	const char *note, *gate, *source, *protocol;
} wrong[] = {
	{ "no such gate", "nope", "10.0.0.7", "https" },
	{ "a balancer gate without a port", "lb", "10.0.0.7", "https" },
	{ "no address", "updates", "", "https" },
	{ "a name", "updates", "localhost", "https" },
	{ "an address with leading zeros", "updates", "010.0.0.7", "https" },
	{ "a protocol that is none", "updates", "10.0.0.7", "ftp" },
	{ "no protocol", "updates", "10.0.0.7", "" },
};

START_TEST(the_question_is_wrong)
{
	struct gateways_asked q = asked(&(struct kit_doc){ 0 });
	enum engine_effect effect = ENGINE_DENY;
	json_t *report = NULL;
	struct error err = { 0 };

	q.gate = str_of(wrong[_i].gate);
	q.source_ip = str_of(wrong[_i].source);
	q.protocol = str_of(wrong[_i].protocol);
	ck_assert_msg(!gateways_dryrun(k.env.state, &q, LEVEL_LOW, &operation,
			  &report, &effect, &err),
	    "%s", wrong[_i].note);
	ck_assert_str_eq(error_id(err.code), "usage");
	ck_assert_ptr_null(report);
	ck_assert_int_eq(effect, ENGINE_DENY);
}
END_TEST

/* The time is what was said, not the system's. */
START_TEST(at_another_time)
{
	struct gateways_asked q = asked(&(struct kit_doc){ 0 });
	enum engine_effect effect;
	json_t *report = NULL;
	struct error err = { 0 };

	q.now_ms += 600 * 1000;
	ck_assert(gateways_dryrun(k.env.state, &q, LEVEL_VERYHIGH, &operation,
	    &report, &effect, &err));
	ck_assert_str_eq(kit_text(report, "code"), "evidence.expired");
	json_decref(report);
	q.now_ms -= 1000;
	ck_assert(gateways_dryrun(k.env.state, &q, LEVEL_VERYHIGH, &operation,
	    &report, &effect, &err));
	ck_assert_str_eq(kit_text(report, "code"), "permit");
	json_decref(report);
}
END_TEST

/* ---- what the store revokes ---- */

static const char *
code_now(void)
{
	static char code[64];
	const struct kit_doc doc = { 0 };
	struct gateways_asked q = asked(&doc);
	struct error err = { 0 };
	json_t *report;
	enum engine_effect effect;
	struct gateways_state *s = gateways_state_with_store(k.env.state, &err);

	if (s == NULL)
		return error_id(err.code);
	ck_assert(gateways_dryrun(
	    s, &q, LEVEL_LOW, &operation, &report, &effect, &err));
	snprintf(code, sizeof code, "%s", kit_text(report, "code"));
	json_decref(report);
	gateways_state_unref(s);
	return code;
}

static bool
forget_migration(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	(void)ctx, (void)keep;
	return sql_do(q,
	    "DELETE FROM migration WHERE number ="
	    " (SELECT MAX(number) FROM migration)",
	    reterr);
}

START_TEST(knows_what_the_store_revokes)
{
	const struct store_revocation r = {
		.kind = STR("instance"), .id = STR("i-1"), .until = INT64_MAX
	};
	struct str file = str_printf(k.a, "%s/avow.db", k.dir);
	struct error err = { 0 };
	bool yes;

	/* None is there yet, and none is made. */
	ck_assert_str_eq(code_now(), "permit");
	ck_assert_int_ne(access(file.p, F_OK), 0);
	k.store =
	    store_open(str_printf(k.a, "sqlite://%.*s", STR_ARG(file)), &err);
	ck_assert_msg(k.store != NULL, "%s", err.msg);
	ck_assert_str_eq(code_now(), "permit");
	ck_assert(store_revoke(k.store, &r, &yes, &err));
	ck_assert_str_eq(code_now(), "evidence.revoked");
	ck_assert(store_unrevoke(k.store, r.kind, r.id, STR(""), &yes, &err));
	ck_assert_str_eq(code_now(), "permit");
	/* An older program's: it is not brought up by a look. */
	ck_assert(store_change(k.store, forget_migration, NULL, &err));
	ck_assert_str_eq(code_now(), "system.store");
	ck_assert_str_eq(code_now(), "system.store");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("dryrun");
	TCase *tc = tcase_create("dryrun");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, says_what_the_gate_would, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(
	    tc, says_what_a_balancer_would, 0, ARRAY_LEN(joins));
	tcase_add_loop_test(tc, the_question_is_wrong, 0, ARRAY_LEN(wrong));
	tcase_add_test(tc, at_another_time);
	tcase_add_test(tc, knows_what_the_store_revokes);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
