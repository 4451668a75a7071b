/* test_agent_local.c - the agent's socket for local programs, without a socket:
 * who may ask, proofs for requests, and both sides of a proof between peers. */
#include "gateways/agent_local.h"

#include "attest/dpop.h"
#include "base/limits.h"
#include "tests/unit/gateways/agent_kit.h"

#define USER 1000u
#define OURS "https://web-1.example"
#define THEIRS "https://ann.example"

static struct agent_kit k;
static struct agent_local_service *local;
static struct attest_key *ann; /* a client's */
static const uint32_t users[] = { USER, USER + 1 };
static const struct str urls[] = { STR_INIT("https://mirror.example/debian/") };
static struct agent_peer peers[3];

/* A client's key, and its public half where it is configured. */
static struct attest_key *
client_key(void)
{
	const char *file = agent_kit_path(&k, "ann.key.pem");
	struct attest_key *key;
	struct buf pem = { 0 };
	struct error err = { 0 };

	ck_assert(attest_key_create(KEY_P256, file, &err));
	ck_assert(attest_key_public_pem(file, &pem, &err));
	agent_kit_put(&k, "ann.pub", buf_str(&pem));
	buf_free(&pem);
	key = attest_key_open(file, &err);
	ck_assert_ptr_nonnull(key);
	return key;
}

static void
open_local(void)
{
	struct error err = { 0 };

	local = agent_local_new(
	    k.core, k.metadata, &k.clock, (struct prove_random){ 0 }, &err);
	ck_assert_msg(local != NULL, "%s", err.msg);
}

static void
setup(void)
{
	struct error err = { 0 };

	agent_kit_init(&k);
	agent_kit_document(&k, "web-1", AGENT_KIT_CLAIMS, 3600);
	ann = client_key();
	peers[0] = (struct agent_peer){ .account = STR("ann"),
		.key = str_of(agent_kit_path(&k, "ann.pub")),
		.url = STR(THEIRS) };
	peers[1] =
	    (struct agent_peer){ .account = STR("bob"), .url = STR(THEIRS) };
	k.config.local = (struct agent_local){ .listen = STR("unix:/x"),
		.users = users,
		.n_users = 2,
		.rate = 1000,
		.urls = { urls, 1 },
		.role = PROVE_INSTANCE,
		.url = STR(OURS),
		.audience = STR("web"),
		.peers = peers,
		.n_peers = 2 };
	ck_assert_msg(agent_kit_open(&k, &err), "%s", err.msg);
	agent_core_run(k.core);
	open_local();
}

static void
teardown(void)
{
	agent_local_free(local);
	attest_key_free(ann);
	agent_kit_fini(&k);
}

/* One request of a user; the status. */
static unsigned
ask_as(uint32_t user, const char *method, const char *target, struct str body)
{
	const struct http_header type = { STR("Content-Type"),
		STR("application/json") };
	struct http_request q = { .method = str_of(method),
		.target = str_of(target),
		.headers = &type,
		.n_headers = 1,
		.body = body,
		.peer_is_unix = true,
		.peer_user = user,
		.arena = arena_new(0) };
	size_t cut = str_find(q.target, '?', 0);

	ck_assert_ptr_nonnull(q.arena);
	q.path = str_sub(q.target, 0, cut);
	q.query = str_sub(q.target, cut + 1, q.target.n);
	buf_free(&k.r.body);
	k.r = (struct http_response){ 0 };
	agent_local_handle(local, &q, &k.r);
	(void)snprintf(k.reason, sizeof k.reason, "none");
	for (size_t i = 0; i < k.r.n_headers; i++)
		if (http_name_eq(k.r.headers[i].name, "X-Avow-Reason"))
			(void)snprintf(k.reason, sizeof k.reason, "%.*s",
			    STR_ARG(k.r.headers[i].value));
	arena_free(q.arena);
	return k.r.status;
}

static unsigned
post(const char *what, const char *body)
{
	return ask_as(
	    USER, "POST", str_printf(k.a, "/avow/v1/%s", what).p, str_of(body));
}

/* A member of the last answer, in the kit's arena. */
static const char *
member(const char *name)
{
	json_t *j = NULL;
	const char *text;

	ck_assert(json_parse(
	    buf_str(&k.r.body), "answer", 1u << 16, 8, JSON_NO_NUL, &j, NULL));
	text = json_string_value(json_object_get(j, name));
	text = text ? str_dup(k.a, str_of(text)).p : NULL;
	json_decref(j);
	return text;
}

/* ---- who may ask ---- */

static const struct {
	uint32_t user;
	unsigned status;
	const char *reason;
} askers[] = {
	{ USER, 200, "none" },
	{ USER + 1, 200, "none" },
	{ 0, 200, "none" },
	{ USER + 2, 403, "request.peer" },
	{ HTTP_STRANGER, 403, "request.peer" },
};

START_TEST(some_may_ask)
{
	uint32_t user = askers[_i].user;

	ck_assert_uint_eq(
	    ask_as(user, "GET", "/avow/v1/token", STR("")), askers[_i].status);
	ck_assert_str_eq(k.reason, askers[_i].reason);
	ck_assert_int_eq(
	    agent_local_knows(local, user), askers[_i].status == 200);
	ck_assert_uint_eq(ask_as(user, "POST", "/avow/v1/proof", STR("{}")),
	    askers[_i].status == 200 ? 400 : 403);
}
END_TEST

START_TEST(the_agents_own_user_may)
{
	ck_assert(agent_local_knows(local, (uint32_t)geteuid()));
}
END_TEST

START_TEST(each_as_often_as_is_said)
{
	agent_local_free(local);
	k.config.local.rate = 2;
	open_local();
	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq(
		    ask_as(USER, "GET", "/avow/v1/token", STR("")), 200);
	ck_assert_uint_eq(ask_as(USER, "GET", "/avow/v1/token", STR("")), 429);
	ck_assert_str_eq(k.reason, "request.rate");
	/* That is his own matter, and strangers' are none of it. */
	ck_assert_uint_eq(
	    ask_as(HTTP_STRANGER, "GET", "/avow/v1/token", STR("")), 403);
	ck_assert_uint_eq(
	    ask_as(USER + 1, "GET", "/avow/v1/token", STR("")), 200);
	k.now_ms += 499;
	ck_assert_uint_eq(ask_as(USER, "GET", "/avow/v1/token", STR("")), 429);
	k.now_ms += 501;
	ck_assert_uint_eq(ask_as(USER, "GET", "/avow/v1/token", STR("")), 200);
}
END_TEST

START_TEST(what_the_metadata_service_has)
{
	ck_assert_uint_eq(ask_as(USER, "GET", "/avow/v1/pack", STR("")), 200);
	ck_assert_uint_eq(
	    ask_as(USER, "GET", "/latest/meta-data/instance-id", STR("")), 200);
	ck_str_is(buf_str(&k.r.body), "web-1");
	ck_assert_uint_eq(ask_as(USER, "GET", "/avow/v1/key", STR("")), 404);
	ck_assert_uint_eq(ask_as(USER, "PUT", "/avow/v1/proof", STR("")), 405);
}
END_TEST

/* ---- proofs for requests ---- */

#define URL "https://mirror.example/debian/dists/stable/InRelease"

static const struct {
	const char *note, *body;
	unsigned status;
	const char *reason;
} proofs[] = {
	{ "a token", "{\"method\":\"GET\",\"url\":\"" URL "\"}", 200, "none" },
	{ "by its audience",
	    "{\"method\":\"POST\",\"url\":\"" URL
	    "\",\"audience\":\"updates\",\"nonce\":\"n\"}",
	    200, "none" },
	{ "a pack",
	    "{\"method\":\"GET\",\"url\":\"" URL "\",\"show\":\"pack\"}", 200,
	    "none" },
	{ "no such token",
	    "{\"method\":\"GET\",\"url\":\"" URL
	    "\",\"audience\":\"https://sts.example\"}",
	    404, "request.path" },
	{ "elsewhere",
	    "{\"method\":\"GET\",\"url\":\"https://evil.example/debian/x\"}",
	    403, "request.peer" },
	{ "the service's own",
	    "{\"method\":\"POST\",\"url\":\"https://sts.example/v1/"
	    "documents\"}",
	    403, "request.peer" },
	{ "a host that begins so",
	    "{\"method\":\"GET\",\"url\":\"https://mirror.example.evil/debian/"
	    "\"}",
	    403, "request.peer" },
	{ "above it",
	    "{\"method\":\"GET\",\"url\":\"https://mirror.example/\"}", 403,
	    "request.peer" },
	{ "out of it by `..`",
	    "{\"method\":\"GET\",\"url\":\"https://mirror.example/debian/../"
	    "x\"}",
	    404, "request.path" },
	{ "out of it by `%2e`",
	    "{\"method\":\"GET\",\"url\":\"https://mirror.example/debian/"
	    "%2e%2e/"
	    "x\"}",
	    404, "request.path" },
	{ "with a query", "{\"method\":\"GET\",\"url\":\"" URL "?x=y\"}", 400,
	    "request.malformed" },
	{ "with a space", "{\"method\":\"GET\",\"url\":\"" URL " x\"}", 400,
	    "request.malformed" },
	{ "no method", "{\"url\":\"" URL "\"}", 400, "request.malformed" },
	{ "a method that is none", "{\"method\":\"get\",\"url\":\"" URL "\"}",
	    400, "request.malformed" },
	{ "a nonce that is none",
	    "{\"method\":\"GET\",\"url\":\"" URL "\",\"nonce\":\"a b\"}", 400,
	    "request.malformed" },
	{ "something else to show",
	    "{\"method\":\"GET\",\"url\":\"" URL "\",\"show\":\"key\"}", 400,
	    "request.malformed" },
	{ "a pack for an audience",
	    "{\"method\":\"GET\",\"url\":\"" URL
	    "\",\"show\":\"pack\",\"audience\":\"updates\"}",
	    400, "request.malformed" },
	{ "a member more", "{\"method\":\"GET\",\"url\":\"" URL "\",\"x\":1}",
	    400, "request.malformed" },
	{ "no JSON", "x", 400, "request.malformed" },
};

START_TEST(proofs_for_what_is_configured)
{
	unsigned status = post("proof", proofs[_i].body);

	ck_assert_msg(status == proofs[_i].status, "%s: %u %.*s",
	    proofs[_i].note, status, STR_ARG(buf_str(&k.r.body)));
	ck_assert_msg(strcmp(k.reason, proofs[_i].reason) == 0, "%s: %s",
	    proofs[_i].note, k.reason);
	if (status != 200)
		ck_assert_ptr_null(member("dpop"));
}
END_TEST

/* What it made is what a gate asks for, with the gate's nonce. */
static void
check_proof(const char *show, struct str shown)
{
	struct error err = { 0 };
	struct dpop *d = dpop_new(&err);
	struct dpop_request q = { .method = STR("GET"),
		.url = STR(URL),
		.shown = shown,
		.now_unix_s = k.now_ms / 1000 };
	char nonce[DPOP_NONCE + 1];
	struct dpop_proof had;
	struct agent_key *key = agent_core_key(k.core);
	bool stale = false;

	ck_assert(dpop_nonce(d, q.now_unix_s, nonce, &err));
	ck_assert_uint_eq(
	    post("proof", str_printf(k.a,
			      "{\"method\":\"GET\",\"url\":\"" URL
			      "\",\"show\":\"%s\",\"nonce\":\"%s\"}",
			      show, nonce)
			      .p),
	    200);
	q.proof = str_of(member("dpop"));
	ck_assert_msg(dpop_check(d, &q, &had, &stale, &err), "%s", err.msg);
	ck_str_is(prove_key_thumbprint(agent_key_of(key)), had.jkt);
	agent_key_unref(key);
	dpop_free(d);
}

START_TEST(a_gate_takes_them)
{
	struct error err = { 0 };
	struct agent_held *t = agent_core_token(k.core, STR("updates"), &err);

	ck_assert_ptr_nonnull(t);
	check_proof("token", t->token);
	ck_str_is(str_of(member("authorization")),
	    str_printf(k.a, "DPoP %.*s", STR_ARG(t->token)).p);
	ck_assert_ptr_nonnull(member("expiresAt"));
	agent_held_free(t);
	/* A document that is not bound goes without. */
	ck_assert_uint_eq(post("proof", "{\"method\":\"GET\",\"url\":\"" URL
					"\",\"show\":\"pack\"}"),
	    200);
	ck_assert_ptr_nonnull(member("pack"));
	ck_assert_ptr_null(member("dpop"));
}
END_TEST

START_TEST(a_bound_document_goes_with_a_proof)
{
	struct error err = { 0 };
	struct agent_held *h;
	char jkt[44];

	ck_assert(attest_key_thumbprint(
	    agent_kit_path(&k, "state/instance.key.pem"), jkt, &err));
	agent_kit_bound(&k, "web-1", AGENT_KIT_CLAIMS, 3600, jkt);
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	h = agent_core_document(k.core, &err);
	ck_assert(h && claims_has_cnf(h->claims));
	check_proof("pack", h->document);
	ck_str_is(h->pack, member("pack"));
	agent_held_free(h);
}
END_TEST

START_TEST(nothing_of_what_has_ended)
{
	k.now_ms += 3600 * 1000;
	ck_assert_uint_eq(
	    post("proof", "{\"method\":\"GET\",\"url\":\"" URL "\"}"), 503);
	ck_assert_str_eq(k.reason, "evidence.expired");
}
END_TEST

/* ---- a client proves itself to the machine (S10) ---- */

static struct str
challenge_for(const char *account)
{
	struct str raw;

	ck_assert_uint_eq(
	    post("challenges",
		str_printf(
		    k.a, "{\"account\":\"%s\",\"method\":\"p256\"}", account)
		    .p),
	    200);
	ck_assert(
	    base64_decode(k.a, BASE64_URL, str_of(member("challenge")), &raw));
	return raw;
}

/* The client's answer, as the body of a check. */
static const char *
answer_of(struct str challenge, const char *account, enum prove_role role,
    const char *service, const char *audience, const char *also)
{
	const struct prove_with with = { .service = str_of(service),
		.key = ann };
	struct prove_answer a = { .role = role,
		.account = str_of(account),
		.audience = str_of(audience),
		.challenge = challenge };
	struct buf text = { 0 };
	struct error err = { 0 };
	const char *body;

	ck_assert_msg(prove_answer_make(k.a, &with, &a, &err), "%s", err.msg);
	ck_assert(prove_answer_write(&a, &text));
	body = str_printf(
	    k.a, "{\"answer\":%.*s%s}", STR_ARG(buf_str(&text)), also)
		   .p;
	buf_free(&text);
	return body;
}

static const struct {
	const char *note, *asked, *account;
	enum prove_role role;
	const char *service, *audience, *also;
	unsigned status;
	const char *reason;
} answers[] = {
	{ "ann's", "ann", "ann", PROVE_CLIENT, OURS, "web", "", 200, "none" },
	{ "to another machine", "ann", "ann", PROVE_CLIENT,
	    "https://web-2.example", "web", "", 403, "evidence.proof" },
	{ "for something else", "ann", "ann", PROVE_CLIENT, OURS, "ssh", "",
	    403, "evidence.proof" },
	{ "a machine's own, reflected", "ann", "ann", PROVE_INSTANCE, OURS,
	    "web", "", 403, "evidence.proof" },
	{ "as to the token service", "ann", "ann", PROVE_ACCOUNT, OURS, "web",
	    "", 403, "evidence.proof" },
	{ "with another's challenge", "bob", "ann", PROVE_CLIENT, OURS, "web",
	    "", 403, "evidence.proof" },
	{ "of who is not known", "eve", "eve", PROVE_CLIENT, OURS, "web", "",
	    403, "evidence.proof" },
	{ "of who has no key here", "bob", "bob", PROVE_CLIENT, OURS, "web", "",
	    403, "evidence.proof" },
	{ "with a channel that nobody asked for", "ann", "ann", PROVE_CLIENT,
	    OURS, "web", ",\"channel\":\"AAAA\"", 400, "request.malformed" },
};

START_TEST(a_client_proves_itself)
{
	struct str challenge = challenge_for(answers[_i].asked);
	const char *body =
	    answer_of(challenge, answers[_i].account, answers[_i].role,
		answers[_i].service, answers[_i].audience, answers[_i].also);
	unsigned status = post("checks", body);

	ck_assert_msg(status == answers[_i].status, "%s: %u %.*s",
	    answers[_i].note, status, STR_ARG(buf_str(&k.r.body)));
	ck_assert_msg(strcmp(k.reason, answers[_i].reason) == 0, "%s: %s",
	    answers[_i].note, k.reason);
	if (status != 200)
		return;
	ck_assert_str_eq(member("account"), "ann");
	/* Once. */
	ck_assert_uint_eq(post("checks", body), 403);
	ck_assert_str_eq(k.reason, "evidence.replayed");
}
END_TEST

START_TEST(a_challenge_ends)
{
	const char *body = answer_of(
	    challenge_for("ann"), "ann", PROVE_CLIENT, OURS, "web", "");

	k.now_ms += LIMIT_CHALLENGE_S * 1000;
	ck_assert_uint_eq(post("checks", body), 403);
	ck_assert_str_eq(k.reason, "evidence.expired");
}
END_TEST

static const char *const no_challenges[] = { "{}", "{\"account\":\"ann\"}",
	"{\"account\":\"ann\",\"method\":\"hmac\"}",
	"{\"account\":\"a b\",\"method\":\"p256\"}",
	"{\"account\":\"ann\",\"method\":\"p256\",\"role\":\"account\"}" };

START_TEST(challenges_that_make_no_sense)
{
	ck_assert_uint_eq(post("challenges", no_challenges[_i]), 400);
	ck_assert_str_eq(k.reason, "request.malformed");
}
END_TEST

START_TEST(nobody_is_asked)
{
	agent_local_free(local);
	peers[0].key = STR("");
	open_local();
	ck_assert_uint_eq(
	    post("challenges", "{\"account\":\"ann\",\"method\":\"p256\"}"),
	    404);
	ck_assert_uint_eq(post("checks", "{\"answer\":{}}"), 404);
}
END_TEST

START_TEST(a_key_that_cannot_be_read)
{
	struct prove_peer *p = NULL;
	struct error err = { 0 };

	agent_kit_put(&k, "ann.pub", STR("no key"));
	ck_assert(!agent_local_peers(
	    &k.config.local, &k.clock, (struct prove_random){ 0 }, &p, &err));
	ck_assert_int_eq(err.code, ERR_KEY_FORM);
	peers[0].key = STR("/nonexistent");
	err = (struct error){ 0 };
	ck_assert(!agent_local_peers(
	    &k.config.local, &k.clock, (struct prove_random){ 0 }, &p, &err));
	ck_assert_int_eq(err.code, ERR_FILE_READ);
}
END_TEST

/* ---- the machine proves itself to a client (S10) ---- */

/* Who asks the machine: a client at THEIRS, or with another name. */
static struct prove_peer *
client_at(const char *url, const char *audience)
{
	const struct prove_peer_options o = { .role = PROVE_INSTANCE,
		.service = str_of(url),
		.audience = str_of(audience),
		.clock = &k.clock };
	struct error err = { 0 };
	struct prove_peer *p = prove_peer_new(&o, &err);
	struct buf pem = { 0 };

	ck_assert_ptr_nonnull(p);
	ck_assert(attest_key_public_pem(
	    agent_kit_path(&k, "state/instance.key.pem"), &pem, &err));
	ck_assert(
	    prove_peer_trust(p, STR("web-1"), "pem", buf_str(&pem), &err));
	buf_free(&pem);
	return p;
}

/* The machine's answer to the client's challenge, with the channel that each
 * of them says. */
static enum err_code
machine_proves(struct prove_peer *p, const char *account,
    const char *said_channel, struct str own_channel)
{
	struct buf raw = { 0 }, text = { 0 };
	struct prove_answer a;
	struct error err = { 0 };
	unsigned status;

	ck_assert(
	    prove_peer_challenge(p, STR("web-1"), PROVE_P256, &raw, &err));
	base64_encode(&text, BASE64_URL, buf_str(&raw));
	status = post("answers",
	    str_printf(k.a, "{\"account\":\"%s\",\"challenge\":\"%.*s\"%s}",
		account, STR_ARG(buf_str(&text)), said_channel)
		.p);
	buf_free(&raw);
	buf_free(&text);
	if (status != 200)
		return error_from_id(str_of(k.reason));
	ck_assert(prove_answer_parse(k.a, buf_str(&k.r.body), &a, &err));
	ck_assert_int_eq(a.role, PROVE_INSTANCE);
	return prove_peer_verify(p, &a, own_channel, &err) ? ERR_NONE
							   : err.code;
}

static const struct {
	const char *note, *url, *audience, *account;
	enum err_code want;
} machines[] = {
	{ "to ann", THEIRS, "web", "ann", ERR_NONE },
	{ "to who is asked for no proof", THEIRS, "web", "bob", ERR_NONE },
	{ "to who says to be elsewhere", "https://eve.example", "web", "ann",
	    ERR_EVIDENCE_PROOF },
	{ "for something else", THEIRS, "ssh", "ann", ERR_EVIDENCE_PROOF },
	{ "to nobody we know", THEIRS, "web", "eve", ERR_REQUEST_PEER },
};

START_TEST(the_machine_proves_itself)
{
	struct prove_peer *p =
	    client_at(machines[_i].url, machines[_i].audience);
	enum err_code got =
	    machine_proves(p, machines[_i].account, "", (struct str){ 0 });

	ck_assert_msg(got == machines[_i].want, "%s: %s", machines[_i].note,
	    error_id(got));
	prove_peer_free(p);
}
END_TEST

#define CHANNEL ",\"channel\":\"QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI\""
#define OTHER ",\"channel\":\"Q0JCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI\""
static const struct {
	const char *note, *said;
	enum err_code want;
} channels[] = {
	{ "the same", CHANNEL, ERR_NONE },
	{ "another's", OTHER, ERR_EVIDENCE_PROOF },
	{ "none", "", ERR_REQUEST_MALFORMED },
	{ "too short", ",\"channel\":\"QkJC\"", ERR_REQUEST_MALFORMED },
	{ "no Base64url", ",\"channel\":\"+\"", ERR_REQUEST_MALFORMED },
};

START_TEST(a_proof_is_bound_to_its_connection)
{
	static const char own[TLS_CHANNEL_BYTES + 1] =
	    "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
	struct prove_peer *p = client_at(THEIRS, "web");
	enum err_code got;

	agent_local_free(local);
	k.config.local.binds_channel = 1;
	open_local();
	got = machine_proves(p, "ann", channels[_i].said, str_of(own));
	ck_assert_msg(got == channels[_i].want, "%s: %s", channels[_i].note,
	    error_id(got));
	prove_peer_free(p);
	/* And so is what is checked here. */
	ck_assert_uint_eq(
	    post("checks", answer_of(challenge_for("ann"), "ann", PROVE_CLIENT,
			       OURS, "web", CHANNEL)),
	    403);
	ck_assert_str_eq(k.reason, "evidence.proof");
	ck_assert_uint_eq(post("checks", answer_of(challenge_for("ann"), "ann",
					     PROVE_CLIENT, OURS, "web", "")),
	    400);
}
END_TEST

/* A client's agent: the same program, in the other role. */
START_TEST(two_agents_prove_themselves_to_each_other)
{
	struct prove_peer *p = NULL;
	struct error err = { 0 };

	agent_local_free(local);
	k.config.local.role = PROVE_CLIENT;
	open_local();
	/* A client asks instances, and takes no client for one. */
	ck_assert_uint_eq(post("checks", answer_of(challenge_for("ann"), "ann",
					     PROVE_INSTANCE, OURS, "web", "")),
	    200);
	ck_assert_uint_eq(post("checks", answer_of(challenge_for("ann"), "ann",
					     PROVE_CLIENT, OURS, "web", "")),
	    403);
	ck_assert(agent_local_peers(
	    &k.config.local, &k.clock, (struct prove_random){ 0 }, &p, &err));
	prove_peer_free(p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("agent local");
	TCase *tc = tcase_create("agent local");

	json_setup();
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, some_may_ask, 0, ARRAY_LEN(askers));
	tcase_add_test(tc, the_agents_own_user_may);
	tcase_add_test(tc, each_as_often_as_is_said);
	tcase_add_test(tc, what_the_metadata_service_has);
	tcase_add_loop_test(
	    tc, proofs_for_what_is_configured, 0, ARRAY_LEN(proofs));
	tcase_add_test(tc, a_gate_takes_them);
	tcase_add_test(tc, a_bound_document_goes_with_a_proof);
	tcase_add_test(tc, nothing_of_what_has_ended);
	tcase_add_loop_test(tc, a_client_proves_itself, 0, ARRAY_LEN(answers));
	tcase_add_test(tc, a_challenge_ends);
	tcase_add_loop_test(
	    tc, challenges_that_make_no_sense, 0, ARRAY_LEN(no_challenges));
	tcase_add_test(tc, nobody_is_asked);
	tcase_add_test(tc, a_key_that_cannot_be_read);
	tcase_add_loop_test(
	    tc, the_machine_proves_itself, 0, ARRAY_LEN(machines));
	tcase_add_loop_test(
	    tc, a_proof_is_bound_to_its_connection, 0, ARRAY_LEN(channels));
	tcase_add_test(tc, two_agents_prove_themselves_to_each_other);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
