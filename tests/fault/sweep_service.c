/* sweep_service.c - the token service's routes, each with one thing failing in
 * turn: an allocation of ours, a call of SQLite, of OpenSSL, randomness. The
 * answer is the right one or a refusal with a code; never a token, or a yes,
 * for who must not have it; never a secret in what is refused or logged; and
 * the same service goes on afterwards. Also store/admin.c and the ring of
 * signing keys. */
#include "tests/fault/wrap.h"

#include <sys/mman.h>

#include "gateways/admin.h"
#include "tests/unit/gateways/service_kit.h"

static struct service_kit k;
static struct str admin_token; /* `Bearer …` */

static void
around(bool begins)
{
	fault_pause(!begins);
}

/* Whatever failed: a refusal has a code, and none of what is secret. */
static bool
judge(unsigned right)
{
	static const char *const secrets[] = { "token", "access_token",
		"secret", "grant" };

	if (k.status == right)
		return true;
	ck_assert_msg(
	    k.status >= 400, "%u, expected %u or a refusal", k.status, right);
	ck_assert(
	    k.code[0] || k.r.body.n == 0 || json_object_get(k.json, "ready"));
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		ck_assert_msg(!json_object_get(k.json, secrets[i]),
		    "`%s` in a refusal", secrets[i]);
	return false;
}

static bool
ask(const struct service_kit_ask *a, unsigned right)
{
	/* Nobody waits for having failed before. */
	k.now_ms += 2000;
	(void)service_kit_ask(&k, a);
	return judge(right);
}

static bool
simple(enum service_kit_who who, const char *method, const char *target,
    const char *body, unsigned right)
{
	const struct service_kit_ask a = {
		.who = who, .method = method, .target = target, .body = body
	};

	return ask(&a, right);
}

/* A request that must be refused whatever fails. */
static bool
never(const struct service_kit_ask *a)
{
	k.now_ms += 2000;
	(void)service_kit_ask(&k, a);
	ck_assert_msg(k.status >= 400, "%u for who must not", k.status);
	(void)judge(0);
	return k.status < 500;
}

/* ---- routes
 * ------------------------------------------------------------------
 */

static bool
challenge(void)
{
	return simple(KIT_NOBODY, "POST", "/v1/challenges",
	    "{\"account\":\"web-1\",\"method\":\"p256\",\"audience\":"
	    "\"updates\"}",
	    201);
}

/* Helpers ask the service as well: then nothing fails. */
static const char *
answer(const struct attest_key *key)
{
	const char *body;

	k.now_ms += 60000;
	k.around = NULL;
	body = service_kit_answer(&k, "web-1", key, "updates");
	k.around = around;
	return body;
}

static bool
tokens(void)
{
	return simple(KIT_NOBODY, "POST", "/v1/tokens", answer(k.web_1), 201);
}

static bool
tokens_wrong(void)
{
	return never(&(struct service_kit_ask){ .who = KIT_NOBODY,
	    .method = "POST",
	    .target = "/v1/tokens",
	    .body = answer(k.boss) });
}

/* What may be left of a run whose end was told as failed. */
static void
forget(const char *target)
{
	k.around = NULL;
	(void)service_kit_do(&k, KIT_ADMIN, "DELETE", target, NULL);
	k.around = around;
}

static bool
create(void)
{
	bool ok = simple(KIT_BOSS, "POST", "/v1/accounts",
	    "{\"id\":\"web-9\",\"kind\":\"instance\"}", 201);

	forget("/v1/accounts/web-9");
	return ok;
}

static bool
create_elsewhere(void)
{
	return never(&(struct service_kit_ask){ .who = KIT_BOSS,
	    .method = "POST",
	    .target = "/v1/accounts",
	    .body = "{\"id\":\"db-1\",\"kind\":\"instance\"}" });
}

static bool
look(void)
{
	return simple(KIT_BOSS, "GET", "/v1/accounts?limit=2", NULL, 200) &&
	       simple(KIT_WEB_1, "GET", "/v1/accounts/web-1", NULL, 200);
}

static bool
another_proof(void)
{
	return never(&(struct service_kit_ask){ .who = KIT_BOSS,
	    .method = "GET",
	    .target = "/v1/accounts",
	    .proof = service_kit_proof(
		&k, k.web_1, "GET", STR("/v1/accounts"), k.tokens[KIT_BOSS]) });
}

static bool
move(void)
{
	return simple(KIT_BOSS, "POST", "/v1/accounts/web-2/move",
	    "{\"hmac\":true}", 201);
}

static bool
enrolment(void)
{
	return simple(
	    KIT_BOSS, "POST", "/v1/accounts/web-3/enrolments", "{}", 201);
}

static bool
revoke_one(void)
{
	bool ok = simple(KIT_ADMIN, "POST", "/v1/revocations",
	    "{\"kind\":\"account\",\"id\":\"web-5\"}", 201);

	forget("/v1/revocations?kind=account&id=web-5");
	return ok;
}

static bool
by_admin_token(void)
{
	return ask(&(struct service_kit_ask){ .who = KIT_STRANGER,
		       .method = "GET",
		       .target = "/v1/revocations",
		       .authorization = admin_token.p },
	    200);
}

static bool
by_no_admin_token(void)
{
	return never(&(struct service_kit_ask){ .who = KIT_STRANGER,
	    .method = "GET",
	    .target = "/v1/revocations",
	    .authorization = "Bearer avow-admin-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			     "AAAAAAAAAAAA" });
}

static bool
keys(void)
{
	return simple(KIT_NOBODY, "GET", "/.well-known/jwks.json", NULL, 200) &&
	       simple(KIT_NOBODY, "GET", "/readyz", NULL, 200);
}

#define FORM                                                                   \
	"grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Atoken-"    \
	"exchange&subject_token_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Atoken-" \
	"type%%3Ajwt&subject_token=%.*s&audience=updates"

static struct service_kit_ask
exchange_by(const struct attest_key *key)
{
	struct str token = k.tokens[KIT_WEB_1];

	return (struct service_kit_ask){ .method = "POST",
		.target = "/v1/token",
		.body = str_printf(k.a, FORM, STR_ARG(token)).p,
		.type = "application/x-www-form-urlencoded",
		.proof = service_kit_proof(
		    &k, key, "POST", STR("/v1/token"), token) };
}

static bool
exchange(void)
{
	struct service_kit_ask a = exchange_by(k.web_1);

	return ask(&a, 200);
}

static bool
exchange_wrong(void)
{
	struct service_kit_ask a = exchange_by(k.boss);

	return never(&a);
}

static bool
verbs(void)
{
	return simple(KIT_ADMIN, "POST", "/v1/accounts/web-2/ban", "{}", 200) &&
	       simple(KIT_ADMIN, "POST", "/v1/accounts/web-2/unban", "{}", 200);
}

static const struct {
	const char *name;
	bool (*once)(void);
} routes[] = {
	{ "challenge", challenge },
	{ "tokens", tokens },
	{ "tokens, wrong", tokens_wrong },
	{ "create", create },
	{ "create elsewhere", create_elsewhere },
	{ "look", look },
	{ "another's proof", another_proof },
	{ "move", move },
	{ "enrolment", enrolment },
	{ "revoke", revoke_one },
	{ "admin token", by_admin_token },
	{ "no admin token", by_no_admin_token },
	{ "keys", keys },
	{ "exchange", exchange },
	{ "exchange, wrong", exchange_wrong },
	{ "ban and unban", verbs },
};

/* Tokens last five minutes, and the clock goes on. What remembers proofs taken
 * is set up anew with each nonce: here, where it is not looked for. */
static void
renew(void)
{
	k.around = NULL;
	k.tokens[KIT_BOSS] =
	    service_kit_token(&k, "boss", k.boss, SERVICE_KIT_URL);
	k.tokens[KIT_WEB_1] =
	    service_kit_token(&k, "web-1", k.web_1, SERVICE_KIT_URL);
	(void)service_kit_do(&k, KIT_BOSS, "GET", "/v1/accounts", NULL);
	k.around = around;
}

static bool
once(void *ctx)
{
	bool (*const *route)(void) = ctx;
	bool ok;

	fault_pause(true);
	k.now_ms += 60000;
	renew();
	ok = (*route)();
	service_kit_forget(&k);
	fault_pause(false);
	return ok;
}

/* ---- what is logged ---------------------------------------------------------
 */

static int
divert(int *ret_log)
{
	int old = dup(STDERR_FILENO);

	*ret_log = memfd_create("log", MFD_CLOEXEC);
	ck_assert(old >= 0 && *ret_log >= 0);
	ck_assert_int_ge(dup2(*ret_log, STDERR_FILENO), 0);
	return old;
}

static void
restore(int old, int log)
{
	off_t n = lseek(log, 0, SEEK_END);
	char *text = malloc((size_t)n + 1);
	struct str all = { text, (size_t)n };

	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(pread(log, text, (size_t)n, 0), n);
	ck_assert_int_ge(dup2(old, STDERR_FILENO), 0);
	close(old);
	close(log);
	for (size_t i = 0; i < KIT_WHO; i++)
		ck_assert(!k.tokens[i].n ||
			  !memmem(all.p, all.n, k.tokens[i].p, k.tokens[i].n));
	ck_assert_ptr_null(memmem(all.p, all.n, "avow-admin-", 11));
	ck_assert_ptr_null(memmem(all.p, all.n, "BEGIN", 5));
	free(text);
}

static void
make_admin_token(void)
{
	struct store_admin_token t;
	struct buf out = { 0 };

	ck_assert(admin_token_new(k.store, k.a, STR("ann"), ADMIN_TOKEN_MOST_S,
	    k.now_ms / 1000, &out, &t, NULL));
	admin_token = str_printf(k.a, "Bearer %.*s", STR_ARG(buf_str(&out)));
	buf_free(&out);
}

START_TEST(routes_fail_closed)
{
	bool (*route)(void) = routes[_i].once;
	int old, log;

	service_kit_init(&k);
	make_admin_token();
	ck_assert_uint_eq(service_kit_do(&k, KIT_BOSS, "POST", "/v1/accounts",
			      "{\"id\":\"web-3\",\"kind\":\"instance\"}"),
	    201);
	/* Once without, for what a first use, and a first refusal within a
	 * transaction, set up for good. */
	ck_assert_uint_eq(service_kit_do(&k, KIT_BOSS, "POST", "/v1/accounts",
			      "{\"id\":\"web-3\",\"kind\":\"instance\"}"),
	    409);
	k.around = around;
	ck_assert(once(&route));
	old = divert(&log);
	(void)fault_sweep_ours(routes[_i].name, once, &route);
	restore(old, log);
	ck_assert_msg(once(&route), "%s: not as before", routes[_i].name);
	service_kit_fini(&k);
}
END_TEST

/* ---- tokens of administrators, by the store ---------------------------------
 */

static bool
admin_tokens(void *ctx)
{
	struct arena *a = arena_new(0);
	struct store_admin_token t;
	struct buf out = { 0 };
	struct error err = { 0 };
	bool was_there,
	    made = a && admin_token_new(k.store, a, STR("bob"), 0,
			    k.now_ms / 1000, &out, &t, &err),
	    ok = made;

	(void)ctx;
	ck_assert_msg(made || !a || err.code != ERR_NONE, "no reason");
	ok = ok && admin_token_check(
		       k.store, a, buf_str(&out), k.now_ms / 1000, &t, &err);
	if (ok)
		ck_assert(str_eq(t.name, STR("bob")));
	/* Its last letter another: none that there is. */
	if (made) {
		out.p[out.n - 1] = out.p[out.n - 1] == 'A' ? 'E' : 'A';
		err = (struct error){ 0 };
		ck_assert(!admin_token_check(
		    k.store, a, buf_str(&out), k.now_ms / 1000, &t, &err));
		ck_assert_int_ne(err.code, ERR_NONE);
		ok = ok && store_admin_remove(k.store, t.id, &was_there, NULL);
	}
	buf_free(&out);
	arena_free(a);
	return ok;
}

/* ---- the ring ---------------------------------------------------------------
 */

/* Reading it, its public keys, a token by it, and that token's verification. */
static bool
ring(void *ctx)
{
	const char *folder = ctx;
	struct arena *a = arena_new(0);
	struct error err = { 0 };
	struct token_ring *r = a ? token_ring_open(folder, &err) : NULL;
	struct token_keys *public =
	    r ? token_keys_of_ring(r, KIT_NOON, &err) : NULL;
	const struct token_want want = { .type = TOKEN_FULL,
		.keys = public,
		.issuer = STR("acme"),
		.audience = STR("updates"),
		.now_unix_s = KIT_NOON };
	struct token t = { .type = TOKEN_FULL,
		.issuer = STR("acme"),
		.subject = STR("i-1"),
		.audience = STR("updates"),
		.jkt = STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
		.issued_at = KIT_NOON,
		.not_before = KIT_NOON,
		.expires_at = KIT_NOON + 300 };
	struct token got = { 0 };
	struct buf out = { 0 }, jwks = { 0 };
	bool ok = public && token_issue(r, &t, &out, &err) &&
		  token_ring_jwks(r, KIT_NOON, &jwks, &err);

	ok = ok && token_verify(a, buf_str(&out), &want, &got, &err);
	if (ok)
		ck_assert(str_eq(got.subject, STR("i-1")));
	ck_assert(!jwks.n || !memmem(jwks.p, jwks.n, "\"d\"", 3));
	token_fini(&got);
	/* One letter of the signature another: never. */
	if (ok) {
		char *p = &out.p[out.n - 10];

		*p = *p == 'A' ? 'B' : 'A';
		ck_assert(!token_verify(a, buf_str(&out), &want, &got, NULL));
	}
	buf_free(&out);
	buf_free(&jwks);
	token_keys_free(public);
	token_ring_free(r);
	arena_free(a);
	return ok;
}

START_TEST(admin_tokens_fail_closed)
{
	service_kit_init(&k);
	ck_assert(admin_tokens(NULL));
	ck_assert_int_ge(
	    fault_sweep_ours("admin tokens", admin_tokens, NULL), 30);
	service_kit_fini(&k);
}
END_TEST

START_TEST(the_ring_fails_closed)
{
	char folder[700];

	service_kit_init(&k);
	(void)snprintf(folder, sizeof folder, "%s", k.config.service.keys.p);
	ck_assert(ring(folder));
	ck_assert_int_ge(fault_sweep_ours("ring", ring, folder), 30);
	service_kit_fini(&k);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sweep service");
	TCase *tc = tcase_create("sweep service");

	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, routes_fail_closed, 0, ARRAY_LEN(routes));
	tcase_add_test(tc, admin_tokens_fail_closed);
	tcase_add_test(tc, the_ring_fails_closed);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
