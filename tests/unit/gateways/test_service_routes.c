/* Each route of the token service, on requests that are made here: what it
 * answers, and each way it refuses. */
#include "tests/unit/gateways/service_kit.h"

static struct service_kit k;

static void
set_up(void)
{
	service_kit_init(&k);
}

static void
tear_down(void)
{
	service_kit_fini(&k);
}

static void
check(const char *note, unsigned status, const char *code)
{
	ck_assert_msg(k.status == status && strcmp(k.code, code) == 0,
	    "%s: got %u `%s`, expected %u `%s`", note, k.status, k.code, status,
	    code);
	if (status >= 400)
		ck_assert_msg(str_eq(service_kit_header(&k, "X-Avow-Reason"),
				  str_of(code)),
		    "%s: X-Avow-Reason", note);
}

/* ---- refusals ---------------------------------------------------------------
 */

#define N KIT_NOBODY
#define B KIT_BOSS
#define W KIT_WEB_1
#define S KIT_STRANGER
#define A KIT_ADMIN
#define H KIT_HOST
#define NEW "{\"id\":\"web-9\",\"kind\":\"instance\"}"
#define EMPTY "{}"

static const struct {
	const char *note;
	struct service_kit_ask ask;
	unsigned status;
	const char *code;
} refusals[] = {
#define R(note, by, m, t, b, status, code)                                     \
	{                                                                      \
		note, { .who = by, .method = m, .target = t, .body = b },      \
		    status, code                                               \
	}
	/* Which listener has what. */
	R("no such path", N, "GET", "/v1/nothing", NULL, 404, "request.path"),
	R("one segment more", N, "GET", "/v1/accounts/a/b/c", NULL, 404,
	    "request.path"),
	R("a slash more", N, "GET", "/healthz/", NULL, 404, "request.path"),
	R("front: revocations", B, "GET", "/v1/revocations", NULL, 404,
	    "request.path"),
	R("front: ban", B, "POST", "/v1/accounts/web-1/ban", EMPTY, 404,
	    "request.path"),
	R("admin: challenges", A, "POST", "/v1/challenges", EMPTY, 404,
	    "request.path"),
	R("admin: tokens", A, "POST", "/v1/tokens", EMPTY, 404, "request.path"),
	R("admin: exchange", A, "POST", "/v1/token", NULL, 404, "request.path"),
	R("admin: instances", A, "POST", "/v1/instances", EMPTY, 404,
	    "request.path"),
	R("admin: broker", A, "POST", "/v1/broker", EMPTY, 404, "request.path"),
	R("admin: keys", A, "GET", "/.well-known/jwks.json", NULL, 404,
	    "request.path"),
	R("admin: enrolling by evidence", A, "POST", "/v1/accounts/web-2/enrol",
	    EMPTY, 404, "request.path"),
	R("no trust domain", N, "GET", "/.well-known/spiffe-bundle.json", NULL,
	    404, "request.path"),
	/* Methods. */
	R("accounts: PUT", B, "PUT", "/v1/accounts", NULL, 405,
	    "request.method"),
	R("account: POST", B, "POST", "/v1/accounts/web-1", EMPTY, 405,
	    "request.method"),
	R("enrolments: GET", B, "GET", "/v1/accounts/web-1/enrolments", NULL,
	    405, "request.method"),
	R("keys: GET", B, "GET", "/v1/accounts/web-1/keys", NULL, 405,
	    "request.method"),
	R("move: GET", B, "GET", "/v1/accounts/web-1/move", NULL, 405,
	    "request.method"),
	R("enrol: GET", B, "GET", "/v1/accounts/web-1/enrol", NULL, 405,
	    "request.method"),
	R("evict: GET", A, "GET", "/v1/accounts/web-1/evict", NULL, 405,
	    "request.method"),
	R("instances: GET", B, "GET", "/v1/instances", NULL, 405,
	    "request.method"),
	R("breaches: POST", B, "POST", "/v1/breaches", EMPTY, 405,
	    "request.method"),
	R("challenges: GET", N, "GET", "/v1/challenges", NULL, 405,
	    "request.method"),
	R("tokens: GET", N, "GET", "/v1/tokens", NULL, 405, "request.method"),
	R("exchange: GET", N, "GET", "/v1/token", NULL, 405, "request.method"),
	R("broker: GET without an account", B, "GET", "/v1/broker", NULL, 405,
	    "request.method"),
	R("revocations: PATCH", A, "PATCH", "/v1/revocations", EMPTY, 405,
	    "request.method"),
	R("jwks: POST", N, "POST", "/.well-known/jwks.json", EMPTY, 405,
	    "request.method"),
	R("health: a small letter", N, "get", "/healthz", NULL, 405,
	    "request.method"),
	/* Who asks. */
	R("nobody: accounts", N, "GET", "/v1/accounts", NULL, 401,
	    "evidence.missing"),
	R("nobody: create", N, "POST", "/v1/accounts", NEW, 401,
	    "evidence.missing"),
	R("nobody: breaches", N, "GET", "/v1/breaches", NULL, 401,
	    "evidence.missing"),
	R("nobody: pick", N, "GET", "/v1/broker/web-1", NULL, 401,
	    "evidence.missing"),
	R("nobody: instances", N, "POST", "/v1/instances", EMPTY, 401,
	    "evidence.missing"),
	R("stranger: accounts", S, "GET", "/v1/accounts", NULL, 401,
	    "evidence.missing"),
	R("stranger: revocations", S, "GET", "/v1/revocations", NULL, 401,
	    "evidence.missing"),
	/* What an instance may not do. */
	R("instance creates", W, "POST", "/v1/accounts", NEW, 403,
	    "account.authority"),
	R("instance sees another", W, "GET", "/v1/accounts/web-2", NULL, 404,
	    "account.unknown"),
	R("instance switches itself off", W, "PATCH", "/v1/accounts/web-1",
	    "{\"enabled\":false}", 404, "account.unknown"),
	R("instance deletes itself", W, "DELETE", "/v1/accounts/web-1", NULL,
	    404, "account.unknown"),
	R("instance moves itself", W, "POST", "/v1/accounts/web-1/move",
	    "{\"hmac\":true}", 404, "account.unknown"),
	R("instance enrols another", W, "POST", "/v1/accounts/web-2/enrolments",
	    EMPTY, 404, "account.unknown"),
	/* What a controller may not. */
	R("another prefix", B, "POST", "/v1/accounts",
	    "{\"id\":\"db-1\",\"kind\":\"instance\"}", 403,
	    "account.authority"),
	R("a controller", B, "POST", "/v1/accounts",
	    "{\"id\":\"web-c\",\"kind\":\"controller\",\"prefix\":\"web-c-\"}",
	    403, "account.authority"),
	/* Accounts. */
	R("unknown", B, "GET", "/v1/accounts/web-9", NULL, 404,
	    "account.unknown"),
	R("an id that can be none", B, "GET", "/v1/accounts/a%2fb", NULL, 404,
	    "account.unknown"),
	R("taken", B, "POST", "/v1/accounts",
	    "{\"id\":\"web-1\",\"kind\":\"instance\"}", 409, "account.exists"),
	R("prefix meets another's", A, "POST", "/v1/accounts",
	    "{\"id\":\"c2\",\"kind\":\"controller\",\"prefix\":\"web-x-\"}",
	    409, "account.exists"),
	R("no kind", B, "POST", "/v1/accounts", "{\"id\":\"web-9\"}", 400,
	    "request.malformed"),
	R("another kind", B, "POST", "/v1/accounts",
	    "{\"id\":\"web-9\",\"kind\":\"robot\"}", 400, "request.malformed"),
	R("a member more", B, "POST", "/v1/accounts",
	    "{\"id\":\"web-9\",\"kind\":\"instance\",\"x\":1}", 400,
	    "request.malformed"),
	R("a member twice", B, "POST", "/v1/accounts",
	    "{\"id\":\"web-9\",\"id\":\"web-8\",\"kind\":\"instance\"}", 400,
	    "request.malformed"),
	R("text for a choice", B, "POST", "/v1/accounts",
	    "{\"id\":\"web-9\",\"kind\":\"instance\",\"mayIssue\":\"yes\"}",
	    400, "request.malformed"),
	R("no body", B, "POST", "/v1/accounts", "", 400, "request.malformed"),
	R("a list", B, "POST", "/v1/accounts", "[]", 400, "request.malformed"),
	R("broken", B, "POST", "/v1/accounts", "{\"id\":", 400,
	    "request.malformed"),
	R("limit 0", B, "GET", "/v1/accounts?limit=0", NULL, 400,
	    "request.malformed"),
	R("limit of letters", B, "GET", "/v1/accounts?limit=many", NULL, 400,
	    "request.malformed"),
	R("a word of nobody's", B, "GET", "/v1/accounts?next=AAAA", NULL, 400,
	    "request.malformed"),
	R("another word in the query", B, "GET", "/v1/accounts?x=1", NULL, 400,
	    "request.malformed"),
	R("twice in the query", B, "GET", "/v1/accounts?limit=1&limit=2", NULL,
	    400, "request.malformed"),
	R("changed meanwhile", B, "PATCH", "/v1/accounts/web-2",
	    "{\"enabled\":false,\"version\":99}", 409, "account.version"),
	R("changed before deletion", B, "DELETE",
	    "/v1/accounts/web-2?version=99", NULL, 409, "account.version"),
	R("a version of letters", B, "DELETE", "/v1/accounts/web-2?version=x",
	    NULL, 400, "request.malformed"),
	R("nothing to patch", B, "PATCH", "/v1/accounts/web-2", EMPTY, 400,
	    "request.malformed"),
	R("owns accounts", A, "DELETE", "/v1/accounts/boss", NULL, 409,
	    "account.in_use"),
	/* Keys. */
	R("a live key", B, "POST", "/v1/accounts/web-1/keys", "{\"hmac\":true}",
	    409, "account.live"),
	R("no key", B, "POST", "/v1/accounts/web-2/keys", EMPTY, 400,
	    "request.malformed"),
	R("a key that is none", B, "POST", "/v1/accounts/web-2/keys",
	    "{\"publicKey\":\"none\"}", 400, "key.form"),
	R("two sorts of key", B, "POST", "/v1/accounts/web-2/keys",
	    "{\"publicKey\":\"x\",\"hmac\":true}", 400, "request.malformed"),
	R("a key in an enrolment", B, "POST", "/v1/accounts/web-2/enrolments",
	    "{\"hmac\":true}", 400, "request.malformed"),
	R("a lifetime without a unit", B, "POST",
	    "/v1/accounts/web-2/enrolments", "{\"lifetime\":\"15\"}", 400,
	    "request.malformed"),
	R("a lifetime of a key", B, "POST", "/v1/accounts/web-2/move",
	    "{\"hmac\":true,\"lifetime\":\"15m\"}", 400, "request.malformed"),
	/* Challenges and tokens. */
	R("no method", N, "POST", "/v1/challenges",
	    "{\"account\":\"web-1\",\"audience\":\"updates\"}", 400,
	    "request.malformed"),
	R("an unknown method", N, "POST", "/v1/challenges",
	    "{\"account\":\"web-1\",\"method\":\"md5\",\"audience\":"
	    "\"updates\"}",
	    400, "request.malformed"),
	R("a role of peers", N, "POST", "/v1/challenges",
	    "{\"account\":\"web-1\",\"method\":\"p256\",\"audience\":"
	    "\"updates\",\"role\":\"client\"}",
	    400, "request.malformed"),
	R("no proof", N, "POST", "/v1/tokens", EMPTY, 400, "request.malformed"),
	R("an empty proof", N, "POST", "/v1/tokens", "{\"proof\":{}}", 401,
	    "evidence.malformed"),
	R("a form for JSON", N, "POST", "/v1/tokens", "proof=1", 400,
	    "request.malformed"),
	R("JSON for a form", N, "POST", "/v1/token", EMPTY, 400,
	    "request.malformed"),
	R("no trust to enrol by", N, "POST", "/v1/accounts/web-2/enrol",
	    "{\"kind\":\"ec2-signature\",\"document\":\"e30\",\"signature\":"
	    "\"AA\",\"proof\":{}}",
	    503, "system.not_ready"),
	R("an enrolment without a proof", N, "POST", "/v1/accounts/web-2/enrol",
	    EMPTY, 400, "request.malformed"),
	/* Broker. */
	R("nothing offered", B, "GET", "/v1/broker/web-1", NULL, 404,
	    "account.unknown"),
	R("offer of no token", W, "POST", "/v1/broker", "{\"token\":\"x\"}",
	    401, "evidence.key"),
	/* Revocations. */
	R("an unknown sort", A, "POST", "/v1/revocations",
	    "{\"kind\":\"robot\",\"id\":\"x\"}", 400, "request.malformed"),
	R("an id that matches nothing", A, "POST", "/v1/revocations",
	    "{\"kind\":\"document\",\"id\":\"x\"}", 400, "request.malformed"),
	R("a time past", A, "POST", "/v1/revocations",
	    "{\"kind\":\"account\",\"id\":\"web-1\",\"until\":"
	    "\"2020-01-01T00:00:00Z\"}",
	    400, "request.malformed"),
	R("not revoked", A, "DELETE", "/v1/revocations?kind=account&id=web-1",
	    NULL, 404, "account.unknown"),
	R("what is no more", A, "DELETE", "/v1/revocations?kind=account", NULL,
	    400, "request.malformed"),
	R("too large a page", A, "GET", "/v1/revocations?limit=1000000", NULL,
	    400, "request.malformed"),
	R("evict an unknown one", A, "POST", "/v1/accounts/web-9/evict", EMPTY,
	    404, "account.unknown"),
#undef R
};

START_TEST(refused)
{
	(void)service_kit_ask(&k, &refusals[_i].ask);
	check(refusals[_i].note, refusals[_i].status, refusals[_i].code);
	if (refusals[_i].status == 405)
		ck_assert_uint_gt(service_kit_header(&k, "Allow").n, 0);
	if (refusals[_i].status == 401 &&
	    strcmp(refusals[_i].code, "evidence.missing") == 0)
		ck_assert_uint_gt(
		    service_kit_header(&k, "WWW-Authenticate").n, 0);
}
END_TEST

/* ---- what carries the proof of who asks ------------------------------------
 */

static void
proven(const char *note, struct service_kit_ask ask, unsigned status,
    const char *code)
{
	ask.method = ask.method ? ask.method : "GET";
	ask.target = ask.target ? ask.target : "/v1/accounts";
	(void)service_kit_ask(&k, &ask);
	check(note, status, code);
}

START_TEST(actors_are_proven)
{
	struct str path = STR("/v1/accounts"), *token = &k.tokens[KIT_BOSS];
	struct str other = service_kit_token(&k, "boss", k.boss, "updates");
	struct str good = service_kit_proof(&k, k.boss, "GET", path, *token);

	proven("good", (struct service_kit_ask){ .who = B, .proof = good }, 200,
	    "");
	proven("the same again",
	    (struct service_kit_ask){ .who = B, .proof = good }, 401,
	    "evidence.replayed");
	proven("none", (struct service_kit_ask){ .who = B, .no_proof = true },
	    401, "evidence.proof");
	proven("another key",
	    (struct service_kit_ask){ .who = B,
		.proof = service_kit_proof(&k, k.web_1, "GET", path, *token) },
	    401, "evidence.proof");
	proven("another method",
	    (struct service_kit_ask){ .who = B,
		.proof = service_kit_proof(&k, k.boss, "POST", path, *token) },
	    401, "evidence.proof");
	proven("another path",
	    (struct service_kit_ask){ .who = B,
		.proof = service_kit_proof(
		    &k, k.boss, "GET", STR("/v1/breaches"), *token) },
	    401, "evidence.proof");
	proven("of another token",
	    (struct service_kit_ask){ .who = B,
		.proof = service_kit_proof(&k, k.boss, "GET", path, other) },
	    401, "evidence.proof");
	proven("bearer",
	    (struct service_kit_ask){ .who = B,
		.authorization =
		    str_printf(k.a, "Bearer %.*s", STR_ARG(*token)).p },
	    401, "evidence.kind");
	/* One for a gate opens nothing here. */
	*token = other;
	proven("another audience", (struct service_kit_ask){ .who = B }, 401,
	    "evidence.audience");
}
END_TEST

START_TEST(a_token_of_before_is_worth_nothing)
{
	k.now_ms += 301000;
	(void)service_kit_do(&k, B, "GET", "/v1/accounts", NULL);
	check("expired", 401, "evidence.expired");
}
END_TEST

/* The proof that lacks a nonce of ours is told one (RFC 9449 8). */
START_TEST(a_nonce_is_told)
{
	const struct dpop_request what = { .method = STR("GET"),
		.url = STR(SERVICE_KIT_URL "/v1/accounts"),
		.shown = k.tokens[KIT_BOSS],
		.now_unix_s = k.now_ms / 1000 };
	struct buf out = { 0 };

	ck_assert(dpop_make(k.boss, &what, STR(""), STR(""), &out, NULL));
	proven("no nonce",
	    (struct service_kit_ask){
		.who = B, .proof = str_dup(k.a, buf_str(&out)) },
	    401, "evidence.proof");
	ck_assert_uint_eq(service_kit_header(&k, "DPoP-Nonce").n, DPOP_NONCE);
	ck_assert(str_eq(service_kit_header(&k, "WWW-Authenticate"),
	    STR("DPoP error=\"use_dpop_nonce\"")));
	buf_free(&out);
}
END_TEST

/* ---- types ------------------------------------------------------------------
 */

static const struct {
	const char *type;
	unsigned status;
} types[] = {
	{ "application/json", 201 },
	{ "Application/JSON; charset=UTF-8", 201 },
	{ "application/json; charset=latin1", 400 },
	{ "application/jsonx", 400 },
	{ "text/plain", 400 },
	{ "application/x-www-form-urlencoded", 400 },
};

START_TEST(types_are_looked_at)
{
	(void)service_kit_ask(&k, &(struct service_kit_ask){ .who = B,
				      .method = "POST",
				      .target = "/v1/accounts",
				      .body = NEW,
				      .type = types[_i].type });
	check(types[_i].type, types[_i].status,
	    types[_i].status == 201 ? "" : "request.malformed");
}
END_TEST

/* ---- the same again ---------------------------------------------------------
 */

static void
create(const char *body, const char *key, unsigned status, const char *code)
{
	(void)service_kit_ask(&k, &(struct service_kit_ask){ .who = B,
				      .method = "POST",
				      .target = "/v1/accounts",
				      .body = body,
				      .repeat = key });
	check(body, status, code);
}

START_TEST(the_same_again_gives_the_same)
{
	create(NEW, "key-1", 201, "");
	create(NEW, "key-1", 200, "");
	/* The same key for another thing; the same thing without the key. */
	create("{\"id\":\"web-8\",\"kind\":\"instance\"}", "key-1", 409,
	    "request.idempotency");
	create(NEW, NULL, 409, "account.exists");
	create(NEW, "key-2", 409, "account.exists");
	(void)service_kit_ask(&k, &(struct service_kit_ask){ .who = B,
				      .method = "DELETE",
				      .target = "/v1/accounts/web-9",
				      .repeat = "key-1" });
	check("where it means nothing", 400, "request.malformed");
}
END_TEST

/* ---- pages ------------------------------------------------------------------
 */

static size_t
walk(enum service_kit_who who, const char *path, const char *list, size_t limit)
{
	const char *next = "";
	size_t n = 0;

	for (size_t pages = 0; pages < 100; pages++) {
		const char *target =
		    *next ? str_printf(
				k.a, "%s?limit=%zu&next=%s", path, limit, next)
				.p
			  : str_printf(k.a, "%s?limit=%zu", path, limit).p;

		ck_assert_uint_eq(
		    service_kit_do(&k, who, "GET", target, NULL), 200);
		n += json_array_size(json_object_get(k.json, list));
		ck_assert_uint_le(
		    json_array_size(json_object_get(k.json, list)), limit);
		next = service_kit_text(&k, "next");
		if (!*next)
			return n;
	}
	ck_abort_msg("%s: pages without an end", path);
	return 0;
}

START_TEST(pages_end)
{
	for (int i = 0; i < 7; i++) {
		create(str_printf(
			   k.a, "{\"id\":\"web-p%d\",\"kind\":\"instance\"}", i)
			   .p,
		    NULL, 201, "");
		ck_assert_uint_eq(
		    service_kit_do(&k, A, "POST", "/v1/revocations",
			str_printf(
			    k.a, "{\"kind\":\"account\",\"id\":\"web-p%d\"}", i)
			    .p),
		    201);
	}
	for (size_t limit = 1; limit < 11; limit++) {
		/* web-1 and web-2 besides; an admin also sees boss. */
		ck_assert_uint_ge(
		    walk(B, "/v1/accounts", "accounts", limit), 9);
		ck_assert_uint_eq(
		    walk(A, "/v1/accounts", "accounts", limit), 10);
		ck_assert_uint_eq(
		    walk(A, "/v1/revocations", "revocations", limit), 7);
	}
	/* An instance sees no list of others. */
	ck_assert_uint_le(walk(W, "/v1/accounts", "accounts", 100), 1);
}
END_TEST

/* ---- what they do -----------------------------------------------------------
 */

START_TEST(an_account_from_first_to_last)
{
	create(NEW, NULL, 201, "");
	ck_assert(str_eq(
	    service_kit_header(&k, "Location"), STR("/v1/accounts/web-9")));
	ck_assert_uint_eq(
	    service_kit_do(&k, B, "GET", "/v1/accounts/web-9", NULL), 200);
	ck_assert_str_eq(service_kit_text(&k, "kind"), "instance");
	ck_assert_uint_eq(
	    service_kit_do(&k, B, "POST", "/v1/accounts/web-9/enrolments",
		"{\"lifetime\":\"10m\"}"),
	    201);
	ck_assert_uint_ge(strlen(service_kit_text(&k, "secret")), 43);
	ck_assert_uint_eq(service_kit_do(&k, B, "PATCH", "/v1/accounts/web-9",
			      "{\"enabled\":false}"),
	    200);
	ck_assert(json_is_false(json_object_get(k.json, "enabled")));
	ck_assert_uint_eq(
	    service_kit_do(&k, B, "DELETE", "/v1/accounts/web-9", NULL), 204);
	(void)service_kit_do(&k, B, "GET", "/v1/accounts/web-9", NULL);
	check("deleted", 404, "account.unknown");
}
END_TEST

/* From that moment the old key and its token are worth nothing (S8). */
START_TEST(a_move_ends_the_former_key)
{
	const char *late = service_kit_answer(&k, "web-1", k.web_1, "updates");

	ck_assert_uint_eq(service_kit_do(&k, B, "POST",
			      "/v1/accounts/web-1/move", "{\"hmac\":true}"),
	    201);
	ck_assert_uint_ge(strlen(service_kit_text(&k, "secret")), 43);
	(void)service_kit_do(&k, N, "POST", "/v1/tokens", late);
	check("an answer by the old key", 401, "evidence.proof");
	ck_assert_ptr_null(json_object_get(k.json, "token"));
	(void)service_kit_do(&k, W, "GET", "/v1/accounts/web-1", NULL);
	ck_assert_uint_ge(k.status, 400);
	/* The old key still proves itself: that is an alarm. */
	ck_assert_uint_eq(
	    service_kit_do(&k, B, "GET", "/v1/breaches", NULL), 200);
}
END_TEST

START_TEST(an_answer_counts_once)
{
	const char *body = service_kit_answer(&k, "web-1", k.web_1, "updates");

	ck_assert_uint_eq(
	    service_kit_do(&k, N, "POST", "/v1/tokens", body), 201);
	ck_assert_str_eq(service_kit_text(&k, "account"), "web-1");
	(void)service_kit_do(&k, N, "POST", "/v1/tokens", body);
	check("again", 401, "evidence.replayed");
	body = service_kit_answer(&k, "web-1", k.web_1, "updates");
	k.now_ms += 61000;
	(void)service_kit_do(&k, N, "POST", "/v1/tokens", body);
	check("late", 401, "evidence.expired");
	/* Unknown and wrong look alike. */
	body = service_kit_answer(&k, "web-404", k.web_1, "updates");
	(void)service_kit_do(&k, N, "POST", "/v1/tokens", body);
	check("unknown", 401, "evidence.proof");
	body = service_kit_answer(&k, "web-1", k.boss, "updates");
	(void)service_kit_do(&k, N, "POST", "/v1/tokens", body);
	check("wrong", 401, "evidence.proof");
}
END_TEST

START_TEST(instances_are_provisioned)
{
	struct str pem;
	struct attest_key *key =
	    service_kit_key(&k, test_folder(), "prov.pem", &pem);
	struct str body = str_of(service_kit_key_body(&k, pem));
	const char *text =
	    str_printf(k.a, "%.*s,\"id\":\"web-7\",\"audience\":\"updates\"}",
		STR_ARG(str_sub(body, 0, body.n - 1)))
		.p;

	ck_assert_uint_eq(
	    service_kit_do(&k, B, "POST", "/v1/instances", text), 201);
	ck_assert(json_is_object(json_object_get(k.json, "account")));
	ck_assert(json_is_object(json_object_get(k.json, "grant")));
	(void)service_kit_do(&k, B, "POST", "/v1/instances", text);
	ck_assert_uint_eq(k.status, 409);
	(void)service_kit_do(&k, W, "POST", "/v1/instances", text);
	check("by an instance", 403, "account.authority");
	attest_key_free(key);
}
END_TEST

#define FORM                                                                   \
	"grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Atoken-"    \
	"exchange&subject_token_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Atoken-" \
	"type%%3Ajwt&subject_token=%.*s&audience=%s"

static unsigned
exchange(struct str token, const char *audience, const char *more,
    const struct attest_key *key)
{
	const char *form =
	    str_printf(k.a, FORM "%s", STR_ARG(token), audience, more).p;

	return service_kit_ask(
	    &k, &(struct service_kit_ask){ .method = "POST",
		    .target = "/v1/token",
		    .body = form,
		    .type = "application/x-www-form-urlencoded",
		    .proof = service_kit_proof(
			&k, key, "POST", STR("/v1/token"), token) });
}

START_TEST(exchanges_narrow)
{
	struct str wide = k.tokens[KIT_WEB_1];
	struct str gate = service_kit_token(&k, "web-1", k.web_1, "updates");

	ck_assert_uint_eq(exchange(wide, "updates", "", k.web_1), 200);
	ck_assert_str_eq(service_kit_text(&k, "token_type"), "DPoP");
	(void)exchange(gate, "other", "", k.web_1);
	check("to another audience", 401, "evidence.audience");
	(void)exchange(wide, "updates", "", k.boss);
	check("another's proof", 401, "evidence.proof");
	(void)exchange(wide, "updates", "&actor_token=x", k.web_1);
	check("delegation", 400, "request.malformed");
	(void)exchange(wide, "updates",
	    "&requested_token_type=urn%3Aavow%3Atoken-type%3Ajwt-svid",
	    k.web_1);
	ck_assert_uint_ge(k.status, 400);
	ck_assert_ptr_null(json_object_get(k.json, "access_token"));
	(void)exchange(STR("a.b.c"), "updates", "", k.web_1);
	ck_assert_uint_eq(k.status, 401);
}
END_TEST

START_TEST(the_broker_hands_on)
{
	struct str token = service_kit_token(&k, "web-1", k.web_1, "boss");
	const char *body =
	    str_printf(k.a, "{\"token\":\"%.*s\"}", STR_ARG(token)).p;

	(void)service_kit_do(&k, B, "POST", "/v1/broker", body);
	ck_assert_uint_ge(k.status, 400); /* another's token */
	ck_assert_uint_eq(
	    service_kit_do(&k, W, "POST", "/v1/broker", body), 204);
	ck_assert_uint_eq(
	    service_kit_do(&k, W, "DELETE", "/v1/broker/web-1", NULL), 204);
	(void)service_kit_do(&k, B, "GET", "/v1/broker/web-1", NULL);
	check("withdrawn", 404, "account.unknown");
}
END_TEST

START_TEST(revocations_come_and_go)
{
	static const char body[] =
	    "{\"kind\":\"account\",\"id\":\"web-1\",\"reason\":\"lost\"}";

	ck_assert_uint_eq(
	    service_kit_do(&k, A, "POST", "/v1/revocations", body), 201);
	ck_assert_uint_eq(
	    service_kit_do(&k, A, "POST", "/v1/revocations", body), 200);
	ck_assert_uint_eq(
	    service_kit_do(&k, A, "GET", "/v1/revocations", NULL), 200);
	ck_assert_uint_eq(
	    json_array_size(json_object_get(k.json, "revocations")), 1);
	ck_assert_uint_eq(service_kit_do(&k, H, "DELETE",
			      "/v1/revocations?kind=account&id=web-1", NULL),
	    204);
}
END_TEST

START_TEST(the_operators_verbs)
{
	/* Nothing is bound to web-2 that could be let go. */
	static const struct {
		const char *verb;
		unsigned status;
		const char *code;
	} verbs[] = {
		{ "evict", 200, "" },
		{ "ban", 200, "" },
		{ "unban", 200, "" },
		{ "reattest", 403, "account.authority" },
	};

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		const char *target =
		    str_printf(k.a, "/v1/accounts/web-2/%s", verbs[i].verb).p;

		(void)service_kit_do(&k, A, "POST", target, "{}");
		check(verbs[i].verb, verbs[i].status, verbs[i].code);
		(void)service_kit_do(&k, S, "POST", target, "{}");
		check(verbs[i].verb, 401, "evidence.missing");
		(void)service_kit_do(
		    &k, A, "POST", target, "{\"version\":999}");
		ck_assert_uint_ge(k.status, 400);
	}
}
END_TEST

START_TEST(keys_and_health)
{
	ck_assert_uint_eq(
	    service_kit_do(&k, N, "GET", "/.well-known/jwks.json", NULL), 200);
	ck_assert_uint_eq(json_array_size(json_object_get(k.json, "keys")), 1);
	ck_assert_uint_eq(k.r.max_age_s, TOKEN_KEYS_MAX_AGE_S);
	ck_assert_ptr_null(json_object_get(
	    json_array_get(json_object_get(k.json, "keys"), 0), "d"));
	ck_assert_uint_eq(service_kit_do(&k, N, "GET", "/healthz", NULL), 200);
	ck_assert_uint_eq(service_kit_do(&k, S, "GET", "/healthz", NULL), 200);
	ck_assert_uint_eq(service_kit_do(&k, N, "GET", "/readyz", NULL), 200);
	k.config.service.trust_domain = STR("example.org");
	ck_assert_uint_eq(service_kit_do(&k, N, "GET",
			      "/.well-known/spiffe-bundle.json", NULL),
	    200);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("service routes");
	TCase *tc = tcase_create("service routes");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, refused, 0, ARRAY_LEN(refusals));
	tcase_add_test(tc, actors_are_proven);
	tcase_add_test(tc, a_token_of_before_is_worth_nothing);
	tcase_add_test(tc, a_nonce_is_told);
	tcase_add_loop_test(tc, types_are_looked_at, 0, ARRAY_LEN(types));
	tcase_add_test(tc, the_same_again_gives_the_same);
	tcase_add_test(tc, pages_end);
	tcase_add_test(tc, an_account_from_first_to_last);
	tcase_add_test(tc, a_move_ends_the_former_key);
	tcase_add_test(tc, an_answer_counts_once);
	tcase_add_test(tc, instances_are_provisioned);
	tcase_add_test(tc, exchanges_narrow);
	tcase_add_test(tc, the_broker_hands_on);
	tcase_add_test(tc, revocations_come_and_go);
	tcase_add_test(tc, the_operators_verbs);
	tcase_add_test(tc, keys_and_health);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
