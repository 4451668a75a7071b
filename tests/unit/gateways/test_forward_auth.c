/* test_forward_auth.c - /gate/auth as attackers ask it: what opens, what does
 * not and why, in which order, and that every answer is in the log. */
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

enum form { HEADERS = 0, PACK, BASIC, NONE };

#define SHORT_CLAIMS "{\"owner\":\"acme\",\"privateIp\":\"10.0.0.7\"}"

/* What differs from a good request; NULL, 0: as the good one. */
static const struct row {
	const char *note;
	struct kit_doc doc;
	enum form form;
	const char *user, *client, *protocol, *method, *target, *peer;
	struct {
		const char *name, *value;
	} more[2], drop[1];
	enum http_flaw flaw;
	const char *code;
} rows[] = {
	{ "as it should be", .code = "permit" },
	{ "HEAD", .method = "HEAD", .code = "permit" },
	{ "a pack", .form = PACK, .code = "permit" },
	{ "Basic", .form = BASIC, .user = "i-1", .code = "permit" },
	{ "an empty pack counts as none", .more = { { "X-Avow-Pack", "" } },
	    .code = "permit" },
	{ "an empty Authorization counts as none",
	    .more = { { "Authorization", "" } }, .code = "permit" },
	{ "through two proxies", .client = "10.0.0.7, 127.0.0.1",
	    .code = "permit" },
	{ "an address with ::ffff:", .client = "::ffff:10.0.0.7",
	    .code = "permit" },
	/* The request. */
	{ "from no proxy", .peer = "10.0.0.7", .code = "request.peer" },
	{ "from no proxy with no evidence", .peer = "10.0.0.7", .form = NONE,
	    .code = "request.peer" },
	{ "no client address", .drop = { { "X-Forwarded-For", NULL } },
	    .code = "request.malformed" },
	{ "a client address that is none", .client = "10.0.0.7:80",
	    .code = "request.malformed" },
	{ "unknown", .client = "unknown", .code = "request.malformed" },
	{ "a spoofed entry on the left", .client = "10.0.0.7, 192.0.2.1",
	    .code = "requirement.address" },
	{ "no pair", .drop = { { "X-Original-URI", NULL } },
	    .code = "request.malformed" },
	{ "both pairs",
	    .more = { { "X-Forwarded-Method", "GET" },
		{ "X-Forwarded-Uri", "/free/x" } },
	    .code = "request.malformed" },
	{ "half of the other pair",
	    .more = { { "X-Forwarded-Uri", "/free/x" } },
	    .code = "request.malformed" },
	{ "an odd protocol", .protocol = "HTTPS", .code = "request.malformed" },
	{ "two protocols", .more = { { "X-Forwarded-Proto", "https" } },
	    .flaw = HTTP_FLAW_REPEATED_FORWARDED, .code = "request.malformed" },
	{ "a forwarded header twice that nobody reads",
	    .more = { { "X-Forwarded-Host", "a" },
		{ "X-Forwarded-Host", "b" } },
	    .flaw = HTTP_FLAW_REPEATED_FORWARDED, .code = "request.malformed" },
	{ "POST", .method = "POST", .code = "request.method" },
	{ "get", .method = "get", .code = "request.method" },
	{ "no method", .method = "", .code = "request.method" },
	{ "DELETE without evidence", .method = "DELETE", .form = NONE,
	    .code = "request.method" },
	{ "in no repository", .target = "/other/x", .code = "request.path" },
	{ "a prefix that only begins so", .target = "/debianx/a",
	    .code = "request.path" },
	{ "dots", .target = "/debian/../free/a", .code = "request.path" },
	{ "encoded dots", .target = "/free/%2e%2e/debian/a",
	    .code = "request.path" },
	{ "an encoded slash", .target = "/free/..%2fdebian/a",
	    .code = "request.path" },
	{ "encoded twice", .target = "/debian/%252e%252e/a",
	    .code = "request.path" },
	{ "an empty segment", .target = "/debian//a", .code = "request.path" },
	{ "a backslash", .target = "/debian/..\\a", .code = "request.path" },
	{ "a semicolon", .target = "/debian/a;b", .code = "request.path" },
	{ "NUL", .target = "/debian/a%00b", .code = "request.path" },
	{ "absolute", .target = "http://x/debian/a", .code = "request.path" },
	{ "other case", .target = "/Debian/a", .code = "request.path" },
	{ "a path before evidence", .target = "/other/x", .form = NONE,
	    .code = "request.path" },
	/* Evidence. */
	{ "none", .form = NONE, .code = "evidence.missing" },
	{ "two kinds", .more = { { "X-Avow-Pack", "avow1.avow.YQ.YQ" } },
	    .code = "evidence.ambiguous" },
	{ "half of another kind", .more = { { "X-RHUI-ID", "YQ" } },
	    .code = "evidence.ambiguous" },
	{ "a repeated header", .more = { { "X-Avow-Signature", "YQ" } },
	    .flaw = HTTP_FLAW_REPEATED_EVIDENCE, .code = "evidence.ambiguous" },
	{ "another scheme beside it",
	    .more = { { "Authorization", "Bearer x" } },
	    .code = "evidence.ambiguous" },
	{ "another scheme alone", .form = NONE,
	    .more = { { "Authorization", "Digest x" } },
	    .code = "evidence.malformed" },
	{ "Basic without a colon", .form = NONE,
	    .more = { { "Authorization", "Basic YWJj" } },
	    .code = "evidence.malformed" },
	{ "Basic that is no Base64", .form = NONE,
	    .more = { { "Authorization", "Basic *" } },
	    .code = "evidence.malformed" },
	{ "Basic as another", .form = BASIC, .user = "i-2",
	    .code = "evidence.instance" },
	{ "Basic as nobody", .form = BASIC, .user = "",
	    .code = "evidence.instance" },
	{ "Basic in other case", .form = BASIC, .user = "I-1",
	    .code = "evidence.instance" },
	{ "over plain HTTP", .protocol = "http", .code = "evidence.transport" },
	{ "no protocol is plain HTTP",
	    .drop = { { "X-Forwarded-Proto", NULL } },
	    .code = "evidence.transport" },
	{ "of another issuer", { .issuer = "evil" },
	    .code = "evidence.issuer" },
	{ "for another gate", { .audience = "elsewhere" },
	    .code = "evidence.audience" },
	{ "expired", { .issued_after = -1000, .expires_after = -1 },
	    .code = "evidence.expired" },
	{ "from the future", { .issued_after = 61 },
	    .code = "evidence.not_yet_valid" },
	{ "within the skew", { .issued_after = 59 }, .code = "permit" },
	{ "bound to a key",
	    { .cnf = "0123456789abcdefghijABCDEFGHIJ0123456789abc" },
	    .code = "evidence.proof" },
	/* Requirements. */
	{ "from another address", .client = "10.0.0.8",
	    .code = "requirement.address" },
	{ "from the proxy itself", .client = "127.0.0.1",
	    .code = "requirement.address" },
	{ "no attested address", { .claims = "{\"imageId\":\"ami-1\"}" },
	    .code = "requirement.address" },
	{ "a claim that is required", { .claims = SHORT_CLAIMS },
	    .code = "requirement.claim" },
	{ "the address before the claim", { .claims = SHORT_CLAIMS },
	    .client = "10.0.0.8", .code = "requirement.address" },
	/* The decision. */
	{ "what a policy denies", .target = "/debian/secret/a.deb",
	    .code = "policy.denied" },
	{ "of another owner",
	    { .claims = "{\"imageId\":\"a\",\"owner\":\"evil\","
			"\"privateIp\":\"10.0.0.7\"}" },
	    .code = "policy.none" },
	/* Another gate has other demands. */
	{ "bearer where it is written out", .target = "/free/a",
	    .client = "192.0.2.1", .protocol = "http", .code = "permit" },
	{ "its own audience all the same", { .audience = "updates" },
	    .target = "/free/a", .code = "evidence.audience" },
};

static const char * or (const char *given, const char *usual)
{
	return given ? given : usual;
}

static struct attest_evidence
ask(const struct row *row)
{
	struct attest_evidence e = kit_sign(&k, &row->doc);

	kit_begin(&k, "GET", "/gate/auth");
	ck_assert(
	    net_parse_addr(str_of(or (row->peer, "127.0.0.1")), &k.q.peer));
	kit_header(&k, "X-Original-Method", str_of(or (row->method, "GET")));
	kit_header(&k, "X-Original-URI",
	    str_of(or (row->target, "/debian/pool/a_1.0_amd64.deb?x=1")));
	kit_header(&k, "X-Forwarded-For", str_of(or (row->client, "10.0.0.7")));
	kit_header(
	    &k, "X-Forwarded-Proto", str_of(or (row->protocol, "https")));
	if (row->form == HEADERS)
		kit_show(&k, &e);
	else if (row->form == PACK)
		kit_header(&k, "X-Avow-Pack", kit_pack(&k, &e));
	else if (row->form == BASIC)
		kit_show_basic(&k, row->user, &e);
	for (size_t i = 0; i < 2 && row->more[i].name; i++)
		kit_header(&k, row->more[i].name, str_of(row->more[i].value));
	if (row->drop[0].name)
		kit_drop(&k, row->drop[0].name);
	k.q.flaw = row->flaw;
	forward_auth_handle(&k.env, &k.q, &k.r);
	return e;
}

static unsigned
status_of(const char *code)
{
	if (strcmp(code, "permit") == 0)
		return 204;
	return strncmp(code, "evidence.", 9) == 0 ? 401 : 403;
}

START_TEST(answers)
{
	const struct row *row = &rows[_i];
	struct attest_evidence e = ask(row);
	json_t *line = kit_last_line(&k);

	ck_assert_msg(
	    str_eq(kit_answered(&k, "X-Avow-Reason"), str_of(row->code)),
	    "%s: got %.*s, want %s", row->note,
	    STR_ARG(kit_answered(&k, "X-Avow-Reason")), row->code);
	ck_assert_uint_eq(k.r.status, status_of(row->code));
	ck_assert_int_eq(
	    kit_answered(&k, "WWW-Authenticate").n > 0, k.r.status == 401);
	ck_assert_uint_eq(k.r.body.n, 0);
	ck_assert_int_eq(k.r.close, row->flaw != HTTP_FLAW_NONE);
	ck_assert_uint_eq(kit_log_lines(&k), 1);
	ck_assert_str_eq(kit_text(line, "code"), row->code);
	ck_str_is(kit_answered(&k, "X-Avow-Decision"), kit_text(line, "id"));
	kit_log_is_clean(&k, &e);
	json_decref(line);
}
END_TEST

START_TEST(the_log_of_a_permit)
{
	json_t *line;

	(void)ask(&rows[0]);
	line = kit_last_line(&k);
	ck_assert_int_eq(json_integer_value(json_object_get(line, "v")), 1);
	ck_assert_uint_eq(strlen(kit_text(line, "id")), 16);
	ck_assert_str_eq(kit_text(line, "time"), "2026-01-01T00:00:00Z");
	ck_assert_str_eq(kit_text(line, "mode"), "enforce");
	ck_assert_str_eq(kit_text(line, "gate"), "updates");
	ck_assert_str_eq(kit_text(line, "decision"), "permit");
	ck_assert_str_eq(
	    kit_text(json_object_get(line, "evidence"), "documentId"),
	    KIT_DOC_ID);
	ck_assert_str_eq(json_string_value(json_array_get(
			     json_object_get(line, "reasons"), 0)),
	    "members");
	json_decref(line);
}
END_TEST

/* A logged line, decided again, is the same decision. */
START_TEST(a_line_decides_again)
{
	struct engine_request r;
	struct engine_answer answer;
	struct error err = { 0 };

	(void)ask(&rows[0]);
	ck_assert_msg(engine_request_from_json(k.a, kit_log(&k), "log",
			  k.env.state->snapshot, &r, &err),
	    "%s", err.msg);
	engine_evaluate(
	    k.env.state->snapshot, &r, ERRORED_DENY_DENIES, k.a, &answer);
	ck_assert_str_eq(error_id(answer.code), "permit");
}
END_TEST

/* One bit of the signature or of the document. */
START_TEST(a_flipped_bit)
{
	struct attest_evidence e = kit_sign(&k, &rows[0].doc);
	const char *at = _i ? memmem(e.document.p, e.document.n, "ami-1", 5)
			    : e.signature.p + 5;

	*(char *)(uintptr_t)at ^= 1;
	kit_begin(&k, "GET", "/gate/auth");
	kit_header(&k, "X-Original-Method", STR("GET"));
	kit_header(&k, "X-Original-URI", STR("/debian/a"));
	kit_header(&k, "X-Forwarded-For", STR("10.0.0.7"));
	kit_header(&k, "X-Forwarded-Proto", STR("https"));
	kit_show(&k, &e);
	forward_auth_handle(&k.env, &k.q, &k.r);
	ck_assert_uint_eq(k.r.status, 401);
	ck_str_is(kit_answered(&k, "X-Avow-Reason"), "evidence.signature");
}
END_TEST

/* What was verified once is not trusted for ever: time, revocation and address
 * count at every use. */
START_TEST(the_cache_opens_nothing)
{
	struct row later = rows[0];
	static const char *const revoked[] = { "document " KIT_DOC_ID "\n",
		"instance i-1\n" };

	(void)ask(&rows[0]);
	ck_assert_uint_eq(k.r.status, 204);
	later.client = "10.0.0.8";
	(void)ask(&later);
	ck_str_is(kit_answered(&k, "X-Avow-Reason"), "requirement.address");
	for (size_t i = 0; i < ARRAY_LEN(revoked); i++) {
		kit_put(&k, "revoked", revoked[i]);
		kit_load(&k);
		(void)ask(&rows[0]);
		ck_str_is(
		    kit_answered(&k, "X-Avow-Reason"), "evidence.revoked");
	}
	kit_put(&k, "revoked", "");
	kit_load(&k);
	(void)ask(&rows[0]);
	ck_assert_uint_eq(k.r.status, 204);
}
END_TEST

START_TEST(the_clock_ends_it)
{
	struct attest_evidence e = kit_sign(&k, &rows[0].doc);
	static const struct {
		int64_t s;
		unsigned status;
	} steps[] = { { 0, 204 }, { 599, 204 }, { 600, 401 }, { 601, 401 } };

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		k.now_ms = (KIT_NOW_S + steps[i].s) * 1000;
		kit_begin(&k, "GET", "/gate/auth");
		kit_header(&k, "X-Original-Method", STR("GET"));
		kit_header(&k, "X-Original-URI", STR("/debian/a"));
		kit_header(&k, "X-Forwarded-For", STR("10.0.0.7"));
		kit_header(&k, "X-Forwarded-Proto", STR("https"));
		kit_show(&k, &e);
		forward_auth_handle(&k.env, &k.q, &k.r);
		ck_assert_msg(k.r.status == steps[i].status, "after %d s: %u",
		    (int)steps[i].s, k.r.status);
	}
}
END_TEST

/* What cannot be logged is not permitted. */
START_TEST(without_its_log)
{
	struct error err = { 0 };

	engine_log_close(k.env.log);
	k.env.log = engine_log_open("/dev/full", &err);
	ck_assert_ptr_nonnull(k.env.log);
	log_threshold(LOG_ERROR);
	(void)ask(&rows[0]);
	ck_assert_uint_eq(k.r.status, 403);
	ck_str_is(kit_answered(&k, "X-Avow-Reason"), "system.log");
	/* A refusal, too. */
	(void)ask(&(struct row){ .form = NONE });
	ck_assert_uint_eq(k.r.status, 403);
	ck_str_is(kit_answered(&k, "X-Avow-Reason"), "system.log");
}
END_TEST

/* Loaded data that would speak for an instance refuses it. */
START_TEST(loaded_attributes_clash)
{
	kit_put(&k, "e.json",
	    "[{\"uid\":{\"type\":\"Instance\",\"id\":\"i-1\"},\"attrs\":{"
	    "\"owner\":\"acme\"},\"parents\":[]}]");
	kit_load(&k);
	(void)ask(&rows[0]);
	ck_assert_uint_eq(k.r.status, 403);
	ck_str_is(kit_answered(&k, "X-Avow-Reason"), "system.error");
}
END_TEST

/* A deny by default names the permits whose scope held, at most eight. */
START_TEST(near_is_told)
{
	struct buf b = { 0 };
	json_t *line;
	const json_t *near;

	buf_addz(&b, "@id(\"far\") permit (principal in Owner::\"x\", action, "
		     "resource);\n@id(\"no\") forbid (principal, action, "
		     "resource) when { false };\n");
	for (int i = 0; i < 12; i++)
		buf_printf(&b,
		    "@id(\"n%02d\") permit (principal, action, resource) when "
		    "{ context.method == \"PUT\" };\n",
		    i);
	buf_byte(&b, '\0');
	kit_put(&k, "p.avow", b.p);
	buf_free(&b);
	kit_load(&k);
	(void)ask(&rows[0]);
	line = kit_last_line(&k);
	near = json_object_get(line, "near");
	ck_assert_str_eq(kit_text(line, "code"), "policy.none");
	ck_assert_uint_eq(json_array_size(near), 8);
	for (size_t i = 0; i < 8; i++)
		ck_str_is(str_printf(k.a, "n%02zu", i),
		    json_string_value(json_array_get(near, i)));
	json_decref(line);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("forward_auth");
	TCase *tc = tcase_create("forward_auth");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, answers, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, the_log_of_a_permit);
	tcase_add_test(tc, a_line_decides_again);
	tcase_add_loop_test(tc, a_flipped_bit, 0, 2);
	tcase_add_test(tc, the_cache_opens_nothing);
	tcase_add_test(tc, the_clock_ends_it);
	tcase_add_test(tc, without_its_log);
	tcase_add_test(tc, loaded_attributes_clash);
	tcase_add_test(tc, near_is_told);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
