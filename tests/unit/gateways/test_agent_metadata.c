/* test_agent_metadata.c - the metadata service's routes, without a socket. */
#include "gateways/agent_metadata.h"

#include "base/limits.h"
#include "tests/unit/gateways/agent_kit.h"

static struct agent_kit k;
static const char *session;

static void
setup(void)
{
	struct error err = { 0 };

	agent_kit_init(&k);
	agent_kit_document(&k, "web-1", AGENT_KIT_CLAIMS, 3600);
	ck_assert_msg(agent_kit_open(&k, &err), "%s", err.msg);
	agent_core_run(k.core);
	session = agent_kit_session(&k, "21600");
	ck_assert_ptr_nonnull(session);
}

static void
teardown(void)
{
	agent_kit_fini(&k);
}

static const struct {
	const char *path;
	unsigned status;
	const char *body; /* NULL: not looked at */
} paths[] = {
	{ "/", 200, "latest" },
	{ "/latest", 200, "dynamic\nmeta-data" },
	{ "/latest/", 200, "dynamic\nmeta-data" },
	{ "/latest/dynamic/", 200, "instance-identity/" },
	{ "/latest/dynamic/instance-identity/", 200, "document\nsignature" },
	{ "/latest/meta-data/", 200,
	    "ami-id\nhostname\ninstance-id\nlocal-hostname\nlocal-ipv4\n"
	    "placement/" },
	{ "/latest/meta-data", 200, NULL },
	{ "/latest/meta-data/instance-id", 200, "web-1" },
	{ "/2021-03-23/meta-data/instance-id", 200, "web-1" },
	{ "/1.0/meta-data/instance-id", 200, "web-1" },
	{ "/latest/meta-data/ami-id", 200, "img-12" },
	{ "/latest/meta-data/local-ipv4", 200, "10.0.0.5" },
	{ "/latest/meta-data/hostname", 200, "web-1.acme" },
	{ "/latest/meta-data/placement", 200, "region" },
	{ "/latest/meta-data/placement/", 200, "region" },
	{ "/latest/meta-data/placement/region", 200, "north" },
	{ "/latest/meta-data/placement/availability-zone", 404, NULL },
	{ "/latest/meta-data/instance-type", 404, NULL },
	{ "/latest/meta-data/instance-id/", 404, NULL },
	{ "/latest/meta-data//instance-id", 404, NULL },
	{ "/latest/meta-data/%69nstance-id", 404, NULL },
	{ "/latest/meta-datax", 404, NULL },
	{ "/latest/user-data", 404, NULL },
	{ "/latest/dynamic/instance-identity/pkcs7", 404, NULL },
	{ "/latest/dynamic/instance-identity/rsa2048", 404, NULL },
	{ "/later/meta-data/instance-id", 404, NULL },
	{ "/2021-03-2x/meta-data/instance-id", 404, NULL },
	{ "/avow/v1/nothing", 404, NULL },
	{ "/avow/v1/token?audience=other", 404, NULL },
	{ "/avow/v1/token?x=y", 400, NULL },
	{ "/avow/v1/status", 200, NULL },
	{ "", 404, NULL },
};

START_TEST(answers)
{
	unsigned status = agent_kit_get(&k, session, paths[_i].path);

	ck_assert_msg(status == paths[_i].status, "%s: %u %.*s", paths[_i].path,
	    status, STR_ARG(buf_str(&k.r.body)));
	if (paths[_i].body)
		ck_str_is(buf_str(&k.r.body), paths[_i].body);
	if (status != 200)
		ck_assert_msg(k.reason[0] != '\0', "%s", paths[_i].path);
}
END_TEST

START_TEST(hands_out_what_is_held)
{
	struct error err = { 0 };
	struct agent_held *h = agent_core_document(k.core, &err);
	struct agent_held *t = agent_core_token(k.core, STR("updates"), &err);

	ck_assert(h && t);
	agent_kit_get(
	    &k, session, "/latest/dynamic/instance-identity/document");
	ck_assert(str_eq(buf_str(&k.r.body), h->document));
	agent_kit_get(&k, session, "/avow/v1/pack");
	ck_assert(str_eq(buf_str(&k.r.body), h->pack));
	agent_kit_get(&k, session, "/avow/v1/token?audience=updates");
	ck_assert(str_eq(buf_str(&k.r.body), t->token));
	agent_kit_get(&k, session, "/avow/v1/token");
	ck_assert(str_eq(buf_str(&k.r.body), t->token));
	agent_held_free(h);
	agent_held_free(t);
}
END_TEST

#define TTL "X-aws-ec2-metadata-token-ttl-seconds"
static const struct {
	const char *note, *method, *path;
	const char *headers[5];
	unsigned status;
	const char *reason;
} refusals[] = {
	{ "no session", "GET", "/latest/meta-data/ami-id", { NULL }, 401,
	    "evidence.missing" },
	{ "no base64", "GET", "/latest/meta-data/ami-id",
	    { "X-aws-ec2-metadata-token", "!" }, 401, "evidence.proof" },
	{ "too short", "GET", "/latest/meta-data/ami-id",
	    { "X-aws-ec2-metadata-token", "AAAA" }, 401, "evidence.proof" },
	{ "made up", "GET", "/latest/meta-data/ami-id",
	    { "X-aws-ec2-metadata-token",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
	    401, "evidence.proof" },
	{ "no lifetime", "PUT", "/latest/api/token", { NULL }, 400,
	    "request.malformed" },
	{ "none at all", "PUT", "/latest/api/token", { TTL, "0" }, 400,
	    "request.malformed" },
	{ "too long", "PUT", "/latest/api/token", { TTL, "21601" }, 400,
	    "request.malformed" },
	{ "a sign", "PUT", "/latest/api/token", { TTL, "+5" }, 400,
	    "request.malformed" },
	{ "twice", "PUT", "/latest/api/token", { TTL, "5", TTL, "5" }, 400,
	    "request.malformed" },
	{ "by a proxy", "PUT", "/latest/api/token",
	    { TTL, "5", "X-Forwarded-For", "10.0.0.1" }, 403, "request.peer" },
	{ "by a proxy, empty", "PUT", "/latest/api/token",
	    { TTL, "5", "x-forwarded-for", "" }, 403, "request.peer" },
	{ "another name", "PUT", "/latest/api/token",
	    { TTL, "5", "Host", "evil.example" }, 403, "request.peer" },
	{ "ours as a part of it", "PUT", "/latest/api/token",
	    { TTL, "5", "Host", "127.0.0.1.evil.example" }, 403,
	    "request.peer" },
	{ "no name", "PUT", "/latest/api/token", { TTL, "5", "Host", "" }, 403,
	    "request.peer" },
	{ "ours with no port", "PUT", "/latest/api/token",
	    { TTL, "5", "Host", "127.0.0.1:" }, 403, "request.peer" },
	{ "GET of a session", "GET", "/latest/api/token", { NULL }, 405,
	    "request.method" },
	{ "POST", "POST", "/latest/meta-data/ami-id", { NULL }, 405,
	    "request.method" },
	{ "PUT elsewhere", "PUT", "/latest/meta-data/ami-id", { NULL }, 405,
	    "request.method" },
};

START_TEST(refuses)
{
	unsigned status = agent_kit_ask(
	    &k, refusals[_i].method, refusals[_i].path, refusals[_i].headers);

	ck_assert_msg(
	    status == refusals[_i].status, "%s: %u", refusals[_i].note, status);
	ck_assert_str_eq(k.reason, refusals[_i].reason);
}
END_TEST

START_TEST(names_of_ours)
{
	static const char *const ours[] = { "localhost", "localhost:80",
		"127.0.0.1", "127.0.0.1:8254" };

	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		const char *const headers[] = { TTL, "5", "Host", ours[i],
			NULL };

		ck_assert_uint_eq(
		    agent_kit_ask(&k, "PUT", "/latest/api/token", headers),
		    200);
	}
	ck_assert(agent_host_is_ours(STR("[::1]:80"), STR("[::1]:80"), NULL));
	ck_assert(!agent_host_is_ours(STR("::1"), STR("[::1]:80"), NULL));
	ck_assert(
	    !agent_host_is_ours(STR("unix"), STR("unix:/run/a.sock"), NULL));
}
END_TEST

START_TEST(a_session_ends)
{
	const char *short_one = agent_kit_session(&k, "1");

	ck_assert_uint_eq(
	    agent_kit_get(&k, short_one, "/latest/meta-data/ami-id"), 200);
	k.now_ms += 1000;
	ck_assert_uint_eq(
	    agent_kit_get(&k, short_one, "/latest/meta-data/ami-id"), 401);
	ck_assert_uint_eq(
	    agent_kit_get(&k, session, "/latest/meta-data/ami-id"), 200);
}
END_TEST

/* More of them than there is room for: those that end first go. */
START_TEST(sessions_are_bounded)
{
	const char *first = agent_kit_session(&k, "60");

	for (unsigned i = 0; i < LIMIT_METADATA_SESSIONS; i++) {
		k.now_ms += 10;
		ck_assert_ptr_nonnull(agent_kit_session(&k, "600"));
	}
	ck_assert_uint_eq(
	    agent_kit_get(&k, first, "/latest/meta-data/ami-id"), 401);
	ck_assert_uint_eq(
	    agent_kit_get(&k, session, "/latest/meta-data/ami-id"), 200);
}
END_TEST

START_TEST(too_many_requests)
{
	unsigned n = 0;

	while (agent_kit_get(&k, session, "/latest/meta-data/ami-id") == 200)
		n++;
	ck_assert_uint_le(n, LIMIT_METADATA_RATE);
	ck_assert_uint_ge(n, LIMIT_METADATA_RATE / 2);
	ck_assert_uint_eq(k.r.status, 429);
	k.now_ms += 100;
	ck_assert_uint_eq(
	    agent_kit_get(&k, session, "/latest/meta-data/ami-id"), 200);
}
END_TEST

/* At a Unix socket a user is the kernel's; at an address they are all one. */
START_TEST(one_user_does_not_starve_another)
{
	static const char path[] = "/latest/meta-data/ami-id";

	k.is_unix = _i == 0;
	k.uid = 1000;
	k.now_ms += 1000;
	for (unsigned i = 0; i < LIMIT_METADATA_RATE; i++)
		ck_assert_uint_eq(agent_kit_get(&k, session, path), 200);
	ck_assert_uint_eq(agent_kit_get(&k, session, path), 429);
	ck_assert_str_eq(k.reason, "request.rate");
	k.uid = 1001;
	ck_assert_uint_eq(
	    agent_kit_get(&k, session, path), k.is_unix ? 200 : 429);
	k.uid = 1000;
	ck_assert_uint_eq(agent_kit_get(&k, session, path), 429);
}
END_TEST

static void
take_sessions(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		k.now_ms += 5;
		ck_assert_ptr_nonnull(agent_kit_session(&k, "21600"));
	}
}

/* A user who takes many sessions ends his own alone. */
START_TEST(one_user_does_not_take_all_sessions)
{
	static const char path[] = "/latest/meta-data/ami-id";
	const char *of_one, *own;

	k.is_unix = _i == 0;
	k.uid = 1001;
	k.now_ms += 1000;
	of_one = agent_kit_session(&k, "60");
	k.uid = 1000;
	own = agent_kit_session(&k, "21600");
	take_sessions(LIMIT_METADATA_SESSIONS_OF_USER);
	ck_assert_uint_eq(agent_kit_get(&k, own, path), k.is_unix ? 401 : 200);
	take_sessions(LIMIT_METADATA_SESSIONS);
	k.uid = 1001;
	ck_assert_uint_eq(
	    agent_kit_get(&k, of_one, path), k.is_unix ? 200 : 401);
}
END_TEST

START_TEST(without_sessions_where_it_was_said)
{
	static const char *const bad[] = { "X-aws-ec2-metadata-token", "AAAA",
		NULL };

	k.config.metadata.allows_v1 = 1;
	ck_assert_uint_eq(
	    agent_kit_ask(&k, "GET", "/latest/meta-data/ami-id", NULL), 200);
	ck_assert_uint_eq(
	    agent_kit_ask(&k, "GET", "/latest/meta-data/ami-id", bad), 401);
}
END_TEST

START_TEST(what_has_ended_is_503)
{
	static const char *const all[] = { "/latest/meta-data/",
		"/latest/meta-data/instance-id",
		"/latest/dynamic/instance-identity/document",
		"/latest/dynamic/instance-identity/signature", "/avow/v1/pack",
		"/avow/v1/token" };

	k.is_away = true;
	k.now_ms += 3600000;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		ck_assert_uint_eq(agent_kit_get(&k, session, all[i]), 503);
		ck_assert_str_eq(k.reason, "evidence.expired");
	}
}
END_TEST

#define IDENTITY "/latest/dynamic/instance-identity/"

/* The same agent, which also keeps a document as CMS. */
static void
open_with_cms(const char *subject)
{
	struct error err = { 0 };

	agent_kit_close(&k);
	k.config.documents.has_cms = 1;
	if (subject)
		agent_kit_cms(&k, subject, 600);
	ck_assert_msg(agent_kit_open(&k, &err), "%s", err.msg);
	agent_core_run(k.core);
	session = agent_kit_session(&k, "21600");
}

START_TEST(cms_by_a_key_of_p256)
{
	struct str text, want, got;
	struct error err = { 0 };

	open_with_cms("web-1");
	ck_assert_uint_eq(agent_kit_get(&k, session, IDENTITY), 200);
	ck_str_is(buf_str(&k.r.body), "document\npkcs7\nsignature");
	ck_assert_uint_eq(agent_kit_get(&k, session, IDENTITY "rsa2048"), 404);
	ck_assert_uint_eq(agent_kit_get(&k, session, IDENTITY "pkcs7"), 200);
	/* Lines of 64, and in them the very message. */
	text = str_dup(k.a, buf_str(&k.r.body));
	ck_assert_uint_eq(str_find(text, '\n', 0), 64);
	k.r.body.n = 0;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\n')
			buf_byte(&k.r.body, text.p[i]);
	ck_assert(
	    base64_decode(k.a, BASE64_STANDARD, buf_str(&k.r.body), &got));
	ck_assert(file_read(k.a, agent_kit_path(&k, "documents/document.p7m"),
	    1u << 16, &want, &err));
	ck_assert(str_eq(got, want));
	/* And not a moment longer than it holds. */
	k.now_ms += 600000;
	ck_assert_uint_eq(agent_kit_get(&k, session, IDENTITY "pkcs7"), 503);
	ck_assert_str_eq(k.reason, "evidence.expired");
	ck_assert_uint_eq(agent_kit_get(&k, session, IDENTITY), 200);
	ck_str_is(buf_str(&k.r.body), "document\nsignature");
}
END_TEST

START_TEST(cms_that_is_not_there_or_of_another)
{
	open_with_cms(NULL);
	ck_assert_uint_eq(agent_kit_get(&k, session, IDENTITY "pkcs7"), 503);
	open_with_cms("web-2");
	ck_assert_uint_eq(agent_kit_get(&k, session, IDENTITY "pkcs7"), 503);
	ck_assert_str_eq(k.reason, "evidence.instance");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("agent metadata");
	TCase *tc = tcase_create("agent metadata");

	json_setup();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, answers, 0, ARRAY_LEN(paths));
	tcase_add_test(tc, hands_out_what_is_held);
	tcase_add_loop_test(tc, refuses, 0, ARRAY_LEN(refusals));
	tcase_add_test(tc, names_of_ours);
	tcase_add_test(tc, a_session_ends);
	tcase_add_test(tc, sessions_are_bounded);
	tcase_add_test(tc, too_many_requests);
	tcase_add_loop_test(tc, one_user_does_not_starve_another, 0, 2);
	tcase_add_loop_test(tc, one_user_does_not_take_all_sessions, 0, 2);
	tcase_add_test(tc, without_sessions_where_it_was_said);
	tcase_add_test(tc, what_has_ended_is_503);
	tcase_add_test(tc, cms_by_a_key_of_p256);
	tcase_add_test(tc, cms_that_is_not_there_or_of_another);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
