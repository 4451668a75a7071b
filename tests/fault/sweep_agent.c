/* sweep_agent.c - the agent's core with each allocation of ours and jansson's
 * failing in turn: enrolment, proof, documents, files, the metadata service.
 * What is right, or an error; never a thing that has ended, never a document
 * that is another's, and the same agent goes on afterwards. */
#include "tests/fault/wrap.h"

#include "gateways/agent_files.h"
#include "gateways/agent_local.h"
#include "tests/unit/gateways/agent_kit.h"

static struct agent_kit k;

/* Both are there, or there is a reason. */
static bool
has_both(struct agent_core *c)
{
	struct error why_token = { 0 }, why_document = { 0 };
	struct agent_held *t = agent_core_token(c, STR("updates"), &why_token);
	struct agent_held *d = agent_core_document(c, &why_document);
	bool ok = t && d;

	ck_assert_int_eq(t != NULL, why_token.code == ERR_NONE);
	ck_assert_int_eq(d != NULL, why_document.code == ERR_NONE);
	if (t)
		ck_assert_int_gt(t->until_s * 1000, k.now_ms);
	if (d)
		ck_str_is(claims_subject(d->claims), "web-1");
	agent_held_free(t);
	agent_held_free(d);
	return ok;
}

static bool
open_core(struct agent_core **ret)
{
	const struct agent_core_options o = { .config = &k.config,
		.clock = &k.clock,
		.service = { agent_kit_send, agent_kit_channel, &k } };
	struct error err = { 0 };

	*ret = agent_core_open(&o, &err);
	ck_assert_int_eq(*ret != NULL, err.code == ERR_NONE);
	return *ret != NULL;
}

static bool
open_and_close(void *ctx)
{
	struct agent_core *c;
	bool ok = open_core(&c);

	(void)ctx;
	agent_core_close(c);
	return ok;
}

/* A minute a time, so that nobody waits for having failed. */
static bool
renew(void *ctx)
{
	struct agent_core *c;
	bool ok = open_core(&c);

	(void)ctx;
	k.now_ms += 60000;
	if (ok) {
		agent_core_hurry(c);
		(void)agent_core_run(c);
		ok = has_both(c);
	}
	agent_core_close(c);
	return ok;
}

static const char *session;

static bool
ask(const char *path, const char *want)
{
	const char *const headers[] = { "X-aws-ec2-metadata-token", session,
		NULL };
	unsigned status;
	bool ok;

	k.now_ms += 10;
	status = agent_kit_ask(&k, "GET", path, headers);
	ok = status == 200 && buf_ok(&k.r.body);
	if (ok && want)
		ck_str_is(buf_str(&k.r.body), want);
	buf_free(&k.r.body);
	return ok;
}

static bool
metadata(void *ctx)
{
	(void)ctx;
	return ask("/latest/meta-data/ami-id", "img-12") &&
	       ask("/latest/meta-data/placement/", "region") &&
	       ask("/latest/dynamic/instance-identity/document", NULL) &&
	       ask("/avow/v1/token", NULL) && ask("/avow/v1/pack", NULL);
}

/* ---- the socket for local programs ---- */

#define LOCAL_URL "https://mirror.example/debian/"
#define TEN "AAAAAAAAAA"
/* Of 73 bytes, as somebody else's would be. */
#define CHALLENGE TEN TEN TEN TEN TEN TEN TEN TEN TEN "AAAAAAAA"
static const struct str local_urls[] = { STR_INIT(LOCAL_URL) };
static struct agent_peer local_peers[1];

static void
configure_local(void)
{
	local_peers[0] = (struct agent_peer){ .account = STR("boss"),
		.key = str_of(agent_kit_path(&k, "issuer.pem")),
		.url = STR("https://boss.example") };
	k.config.local = (struct agent_local){ .listen = STR("unix:/x"),
		.rate = 1000,
		.urls = { local_urls, 1 },
		.role = PROVE_INSTANCE,
		.url = STR("https://web-1.example"),
		.audience = STR("web"),
		.peers = local_peers,
		.n_peers = 1 };
}

/* True with a whole answer; *ret in `a`. */
static bool
post(struct agent_local_service *l, struct arena *a, const char *path,
    struct str body, struct str *ret)
{
	const struct http_header type = { STR("Content-Type"),
		STR("application/json") };
	struct http_request q = { .method = STR("POST"),
		.target = str_of(path),
		.path = str_of(path),
		.headers = &type,
		.n_headers = 1,
		.body = body,
		.peer_user = 0,
		.arena = a };
	struct http_response r = { 0 };
	bool ok;

	k.now_ms += 10;
	agent_local_handle(l, &q, &r);
	ok = r.status == 200 && buf_ok(&r.body);
	*ret = ok ? str_dup(a, buf_str(&r.body)) : (struct str){ 0 };
	buf_free(&r.body);
	return ok && ret->p;
}

/* The answer of boss, or of one who has not his key, to a challenge of ours. */
static bool
check(struct agent_local_service *l, struct arena *a, bool is_his)
{
	const struct prove_with with = {
		.service = STR("https://web-1.example"), .key = k.issuer
	};
	struct prove_answer answer = { .role = PROVE_CLIENT,
		.account = STR("boss"),
		.audience = STR("web") };
	struct buf text = { 0 }, body = { 0 };
	struct str got;
	json_t *j = NULL;
	bool ok =
	    post(l, a, "/avow/v1/challenges",
		STR("{\"account\":\"boss\",\"method\":\"p256\"}"), &got) &&
	    json_parse(got, "c", 4096, 8, JSON_NO_NUL, &j, NULL) &&
	    base64_decode(a, BASE64_URL,
		json_str(json_object_get(j, "challenge")), &answer.challenge) &&
	    prove_answer_make(a, &with, &answer, NULL);

	if (ok && !is_his)
		((char *)(uintptr_t)answer.proof.p)[answer.proof.n - 1] ^= 1;
	ok = ok && prove_answer_write(&answer, &text);
	buf_printf(&body, "{\"answer\":%.*s}", STR_ARG(buf_str(&text)));
	ok = ok && buf_ok(&body);
	if (ok) {
		ok = post(l, a, "/avow/v1/checks", buf_str(&body), &got);
		ck_assert(is_his || !ok);
		ok = ok || !is_his;
	}
	json_decref(j);
	buf_free(&text);
	buf_free(&body);
	return ok;
}

static bool
local(void *ctx)
{
	struct error err = { 0 };
	struct arena *a = arena_new(0);
	struct agent_local_service *l = agent_local_new(
	    k.core, k.metadata, &k.clock, (struct prove_random){ 0 }, &err);
	struct str got;
	bool ok;

	(void)ctx;
	ck_assert_int_eq(l != NULL, err.code == ERR_NONE);
	ok =
	    a && l &&
	    post(l, a, "/avow/v1/proof",
		STR("{\"method\":\"GET\",\"url\":\"" LOCAL_URL "x\"}"), &got) &&
	    post(l, a, "/avow/v1/proof",
		STR("{\"method\":\"GET\",\"url\":\"" LOCAL_URL
		    "x\",\"show\":\"pack\"}"),
		&got) &&
	    post(l, a, "/avow/v1/answers",
		STR("{\"account\":\"boss\",\"challenge\":\"" CHALLENGE "\"}"),
		&got) &&
	    check(l, a, true) && check(l, a, false);
	agent_local_free(l);
	arena_free(a);
	return ok;
}

static bool
status(void *ctx)
{
	json_t *j = agent_core_status(k.core);
	bool ok = json_object_size(j) == 10;

	(void)ctx;
	json_decref(j);
	return ok;
}

/* Of a document that is bound to a key nothing is ever written for apt. */
static const struct agent_file bound_files[] = {
	{ .kind = AGENT_FILE_APT, .path = STR_INIT("bound"), .mode = 0600 },
	{ .kind = AGENT_FILE_DNF, .path = STR_INIT("."), .mode = 0600 },
	{ .kind = AGENT_FILE_PACK,
	    .path = STR_INIT("bound"),
	    .form = AGENT_FORM_CURL,
	    .mode = 0600 },
};

static bool
bound(void *ctx)
{
	struct agent_held *h = agent_core_document(k.core, NULL);
	bool ok = true, changed;

	(void)ctx;
	ck_assert(h && claims_has_cnf(h->claims));
	for (size_t i = 0; i < ARRAY_LEN(bound_files); i++) {
		struct error err = { 0 };

		ck_assert(!agent_files_write(
		    &bound_files[i], STR("web-1"), h, &changed, &err));
		ck_assert(err.code == ERR_EVIDENCE_PROOF ||
			  err.code == ERR_LIMIT_MEMORY);
		ok = ok && err.code == ERR_EVIDENCE_PROOF;
	}
	agent_held_free(h);
	ck_assert_int_ne(access("bound", F_OK), 0);
	ck_assert_int_ne(access("avow_pack", F_OK), 0);
	return ok;
}

static void
bind_document(void)
{
	struct error err = { 0 };
	char jkt[44];

	ck_assert(attest_key_thumbprint(
	    agent_kit_path(&k, "state/instance.key.pem"), jkt, &err));
	agent_kit_bound(&k, "web-1", AGENT_KIT_CLAIMS, 100000, jkt);
	agent_core_hurry(k.core);
	(void)agent_core_run(k.core);
	ck_assert_int_eq(chdir(k.dir), 0);
}

static const struct {
	const char *name;
	bool (*once)(void *);
} sweeps[] = {
	{ "open", open_and_close },
	{ "metadata", metadata },
	{ "status", status },
	{ "renew", renew },
	{ "bound", bound },
	{ "local", local },
};

START_TEST(ours_and_janssons)
{
	struct error err = { 0 };

	agent_kit_init(&k);
	agent_kit_document(&k, "web-1", AGENT_KIT_CLAIMS, 100000);
	configure_local();
	ck_assert(agent_kit_open(&k, &err));
	(void)agent_core_run(k.core);
	ck_assert(has_both(k.core));
	if (sweeps[_i].once == bound)
		bind_document();
	session = agent_kit_session(&k, "21600");
	ck_assert(session && sweeps[_i].once(&k));
	(void)fault_sweep(sweeps[_i].name, sweeps[_i].once, &k);
	ck_assert(sweeps[_i].once(&k));
	agent_kit_fini(&k);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sweep agent");
	TCase *tc = tcase_create("sweep agent");

	json_setup();
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, ours_and_janssons, 0, ARRAY_LEN(sweeps));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
