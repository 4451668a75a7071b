/* sweep_sts.c - the token service with each allocation failing in turn: ours
 * and jansson's, then OpenSSL's, SQLite's, and randomness. A token that is
 * right, or an error; never a token for a proof that is not good, never a
 * secret from a call that failed, and the same service goes on afterwards. */
#include "tests/fault/wrap.h"

#include <openssl/ec.h>
#include <stdlib.h>

#include "attest/keys.h"
#include "attest/prove_check.h"
#include "attest/sig.h"
#include "base/file.h"
#include "tests/fault/sources.h"
#include "tests/lib/run.h"
#include "tests/lib/service.h"

/* ---- the scene -------------------------------------------------------------
 */

struct scene {
	struct service service;
	struct sts *sts; /* with randomness that may fail */
	struct attest_key *key, *wrong;
	struct sts_opened hmac;
	struct sts_actor instance;
};

static const struct prove_random random_source = { fill, NULL };

static struct sts *
open_sts(struct scene *s)
{
	const struct sts_options o = { .store = s->service.store,
		.clock = &s->service.clock,
		.secret_file = s->service.secret,
		.url = STR(SERVICE_URL),
		.issuer = STR("acme-sts"),
		.random = random_source };

	return sts_open(&o, NULL);
}

static void
scene_init(struct scene *s)
{
	*s = (struct scene){ 0 };
	service_init(&s->service, NULL);
	s->key = service_key(&s->service, KEY_P256);
	s->wrong = service_key(&s->service, KEY_P256);
	s->instance = service_instance(&s->service, "web-1", s->key);
	service_bare(&s->service, "web-2");
	s->hmac = service_opened(&s->service, "web-2", STS_OPEN_HMAC, NULL);
	service_bare(&s->service, "web-3");
	s->sts = open_sts(s);
	ck_assert_ptr_nonnull(s->sts);
}

static void
scene_fini(struct scene *s)
{
	sts_close(s->sts);
	attest_key_free(s->key);
	attest_key_free(s->wrong);
	service_fini(&s->service);
}

struct asking {
	enum prove_role role;
	const char *account;
	const struct attest_key *key;
	const uint8_t *secret;
};

/* Ask, answer, travel as text, and be judged. A minute a time, so that nobody
 * waits for having failed. */
static bool
redeem(struct scene *s, struct arena *a, const struct asking *q,
    struct sts_grant *ret, struct error *reterr)
{
	struct prove_answer r = { .role = q->role,
		.account = str_of(q->account),
		.audience = STR("updates") },
			    sent = { 0 };
	const struct prove_with with = { .service = STR(SERVICE_URL),
		.secret = { (const char *)q->secret,
		    q->secret ? PROVE_SECRET_BYTES : 0 },
		.key = q->key,
		.random = random_source };
	const struct sts_caller caller = { .source = s->service.source };
	const struct sts_token_options o = { .ring = s->service.ring };
	enum prove_method method =
	    q->secret ? PROVE_HMAC : prove_method_of_key(q->key);
	struct buf b = { 0 }, text = { 0 };
	bool ok;

	s->service.now_ms += 60000;
	ok = sts_challenge(
	    s->sts, q->role, r.account, method, r.audience, &b, reterr);
	r.challenge = buf_str(&b);
	ok = ok && prove_answer_make(a, &with, &r, reterr) &&
	     (prove_answer_write(&r, &text) || error_nomem(reterr)) &&
	     prove_answer_parse(a, buf_str(&text), &sent, reterr) &&
	     sts_token(s->sts, a, &sent, &caller, &o, ret, reterr);
	buf_free(&b);
	buf_free(&text);
	return ok;
}

/* The right answer is a token, or with `want` not ERR_NONE that refusal. */
static bool
redeem_once(struct scene *s, const struct asking *q, enum err_code want)
{
	struct arena *a = arena_new(0);
	struct sts_grant g = { 0 };
	struct error err = { 0 };
	bool ok = a && redeem(s, a, q, &g, &err);

	ck_assert_int_eq(ok, g.token.n > 0);
	if (a)
		ck_assert_int_eq(ok, err.code == ERR_NONE);
	if (want != ERR_NONE)
		ck_assert_msg(!ok, "a token for a proof that is wrong");
	arena_free(a);
	return want == ERR_NONE ? ok : err.code == want;
}

static bool
prove(void *ctx)
{
	struct scene *s = ctx;
	const struct asking q = { PROVE_ACCOUNT, "web-1", s->key, NULL };

	return redeem_once(s, &q, ERR_NONE);
}

static bool
prove_hmac(void *ctx)
{
	struct scene *s = ctx;
	const struct asking q = { PROVE_ACCOUNT, "web-2", s->key,
		s->hmac.secret };

	return redeem_once(s, &q, ERR_NONE);
}

static bool
refuse_wrong(void *ctx)
{
	struct scene *s = ctx;
	const struct asking q = { PROVE_ACCOUNT, "web-1", s->wrong, NULL };

	return redeem_once(s, &q, ERR_EVIDENCE_PROOF);
}

static bool
refuse_unknown(void *ctx)
{
	struct scene *s = ctx;
	const struct asking q = { PROVE_ACCOUNT, "web-9", s->key, NULL };

	return redeem_once(s, &q, ERR_EVIDENCE_PROOF);
}

/* A new key each time, since none is ever registered twice. */
static bool
fresh_key(struct attest_key *k)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");

	return pkey && keys_public_init(&k->public, pkey, NULL);
}

static bool
enrol(void *ctx)
{
	struct scene *s = ctx;
	const struct sts_next next = { .how = STS_OPEN_SECRET, .move = true };
	struct arena *a = arena_new(0);
	struct sts_opened opened = { 0 };
	struct attest_key k = { 0 };
	struct asking q = { PROVE_ENROL, "web-3", &k, opened.secret };
	bool ok;

	ok = a && sts_open_next(s->sts, a, &s->service.boss, STR("web-3"),
		      &next, &opened, NULL);
	ck_assert_int_eq(ok, opened.has_secret);
	ok = ok && fresh_key(&k) && redeem_once(s, &q, ERR_NONE);
	keys_public_fini(&k.public);
	arena_free(a);
	return ok;
}

/* ---- by evidence ------------------------------------------------------------
 */

static struct attest_key *cloud;
static struct attest_trust *trust;

static void
make_cloud(void)
{
	static const struct str owner = STR_INIT("1");
	struct arena *a = arena_new(0);
	struct attest_trust_entry entry = { .kind = STR("ec2-signature"),
		.prefix = STR("aws/"),
		.owners = &owner,
		.n_owners = 1,
		.max_lease_s = 3600 };
	const char *path = str_printf(a, "%s/cloud.key", test_folder()).p;
	struct buf pem = { 0 };
	struct error err = { 0 };

	json_setup();
	entry.keys = str_printf(a, "%s/cloud.pem", test_folder()).p;
	trust = attest_trust_new();
	if (!attest_key_create(KEY_RSA2048, path, &err) ||
	    !attest_key_public_pem(path, &pem, &err) ||
	    !file_create(entry.keys, 0644, buf_str(&pem), &err) ||
	    !attest_trust_add(trust, &entry, &err))
		abort();
	cloud = attest_key_open(path, &err);
	if (!cloud)
		abort();
	buf_free(&pem);
	arena_free(a);
}

static bool
make_proof(struct scene *s, struct arena *a, const struct attest_key *k,
    struct prove_answer *r)
{
	const struct prove_with with = {
		.service = STR(SERVICE_URL), .key = k, .random = random_source
	};
	struct buf b = { 0 };
	bool ok = sts_challenge(
	    s->sts, r->role, r->account, PROVE_P256, r->audience, &b, NULL);

	r->challenge = str_dup(a, buf_str(&b));
	buf_free(&b);
	return ok && r->challenge.p && prove_answer_make(a, &with, r, NULL);
}

/* Of an account that is enrolled all is there: row, binding, key. The look may
 * fail, too. */
static bool
check_enrolled(struct scene *s, struct arena *a, struct str jkt)
{
	struct sts_account got;

	if (!sts_account_get(
		s->sts, a, &s->service.admin, STR("web-i-1"), &got, NULL))
		return false;
	ck_str_is(got.principal, "aws/i-1");
	ck_assert(str_eq(got.jkt, jkt));
	return true;
}

/* What was enrolled before is deleted first: each time is the first. */
static bool
attest(void *ctx)
{
	static const struct str document =
	    STR_INIT("{\"accountId\":\"1\",\"instanceId\":\"i-1\"}");
	const struct sts_enrol_rule rule = { .prefix = STR("aws/"),
		.controller = STR("boss") };
	struct scene *s = ctx;
	struct arena *a = arena_new(0);
	const struct sts_caller caller = { .source = s->service.source };
	struct prove_answer r = { .role = PROVE_ATTEST,
		.account = STR("web-i-1"),
		.audience = STR(SERVICE_URL) };
	struct attest_evidence e = { STR("ec2-signature"), document, STR("") };
	const struct sts_enrolling what = { &r, &e, trust, &rule, 1 };
	struct sts_account account;
	struct attest_key k = { 0 };
	struct buf b = { 0 };
	struct error err = { 0 };
	bool created = false, ok;

	s->service.now_ms += 60000;
	ok = a && (sts_account_delete(
		       s->sts, &s->service.boss, r.account, 0, &err) ||
		      err.code == ERR_ACCOUNT_UNKNOWN);
	ok = ok && fresh_key(&k) && make_proof(s, a, &k, &r) &&
	     sig_sign(&cloud->public, document, &b, NULL);
	e.signature = buf_str(&b);
	ok = ok &&
	     sts_enrol(s->sts, a, &what, &caller, &account, &created, NULL);
	ck_assert(!ok || created);
	ok = ok && check_enrolled(s, a, keys_thumbprint(&k.public));
	buf_free(&b);
	keys_public_fini(&k.public);
	arena_free(a);
	return ok;
}

/* A ban that failed is none, and one that did not holds. */
static bool
ban(void *ctx)
{
	struct scene *s = ctx;
	const struct sts_actor *admin = &s->service.admin;
	struct arena *a = arena_new(0);
	struct sts_account account;
	bool ok = a && sts_stand(s->sts, a, admin, STR("web-3"), STS_BAN, 0,
			   &account, NULL);

	if (ok)
		ck_assert_int_eq(account.standing, STS_BANNED);
	ok = ok && sts_stand(s->sts, a, admin, STR("web-3"), STS_UNBAN, 0,
		       &account, NULL);
	if (ok)
		ck_assert_int_eq(account.standing, STS_STANDS);
	arena_free(a);
	return ok;
}

static bool
open_hmac(void *ctx)
{
	struct scene *s = ctx;
	const struct sts_next next = { .how = STS_OPEN_HMAC, .move = true };
	struct arena *a = arena_new(0);
	struct sts_opened opened = { 0 };
	bool ok = a && sts_open_next(s->sts, a, &s->service.boss, STR("web-3"),
			   &next, &opened, NULL);

	ck_assert_int_eq(ok, opened.has_secret);
	if (!ok)
		for (size_t i = 0; i < sizeof opened.secret; i++)
			ck_assert_uint_eq(opened.secret[i], 0);
	arena_free(a);
	return ok;
}

static bool
provision(void *ctx)
{
	struct scene *s = ctx;
	const struct sts_token_options o = { .ring = s->service.ring,
		.offer = true };
	struct sts_provision what = { .account = { .id = STR("web-p"),
					  .kind = STS_INSTANCE,
					  .idempotency_key = STR("p") },
		.audience = STR("updates") };
	struct arena *a = arena_new(0);
	struct sts_account account;
	struct sts_grant g = { 0 };
	struct buf spki = { 0 };
	bool ok = a && prove_key_spki(s->wrong, &spki, NULL);

	what.spki = buf_str(&spki);
	ok = ok && sts_provision(s->sts, a, &s->service.boss, &what, &o,
		       &account, &g, NULL);
	ck_assert_int_eq(ok, g.token.n > 0);
	buf_free(&spki);
	arena_free(a);
	return ok;
}

static bool
accounts(void *ctx)
{
	struct scene *s = ctx;
	const struct sts_new_account what = { .id = STR("web-a"),
		.kind = STS_INSTANCE };
	struct sts_actor *boss = &s->service.boss;
	struct arena *a = arena_new(0);
	struct sts_account account, *list;
	struct error err = { 0 };
	bool created, made;
	size_t n;

	/* A run that failed between the two has left it. */
	made = a && (sts_account_create(
			 s->sts, a, boss, &what, &account, &created, &err) ||
			err.code == ERR_ACCOUNT_EXISTS);
	made = made &&
	       sts_account_enable(
		   s->sts, a, boss, what.id, false, 0, &account, NULL) &&
	       sts_account_list(
		   s->sts, a, boss, STR("web-"), 2, &list, &n, NULL) &&
	       sts_account_delete(s->sts, boss, what.id, 0, NULL);
	arena_free(a);
	return made;
}

/* Broken off anywhere, it is run again; then what was sealed opens. */
static bool
rotate(void *ctx)
{
	struct scene *s = ctx;
	struct sts *before = s->sts;
	size_t n;
	bool ok;

	if (!sts_secret_rotate(
		s->service.store, s->service.secret, random_source, &n, NULL))
		return false;
	s->sts = open_sts(s);
	ok = s->sts && prove_hmac(s);
	sts_close(s->sts);
	s->sts = before; /* worth nothing any more, and not asked */
	return ok;
}

static bool
broker(void *ctx)
{
	struct scene *s = ctx;
	const struct asking q = { PROVE_ACCOUNT, "web-1", s->key, NULL };
	struct arena *a = arena_new(0);
	struct sts_grant g = { 0 };
	struct str token;
	struct error err = { 0 };
	int64_t until;
	bool ok = a && redeem(s, a, &q, &g, &err) &&
		  sts_offer(s->sts, &g.actor, g.token, &err);

	/* Offered to `updates`, which the instance is not. */
	ck_assert(!ok || !sts_pick(s->sts, a, &g.actor, STR("web-1"), &token,
			     &until, &err));
	ok = ok && err.code == ERR_ACCOUNT_UNKNOWN &&
	     sts_withdraw(s->sts, &g.actor, STR("web-1"), STR(""), NULL);
	arena_free(a);
	return ok;
}

static bool
open_and_close(void *ctx)
{
	struct sts *sts = open_sts(ctx);
	bool ok = sts != NULL;

	sts_close(sts);
	return ok;
}

static bool
peer(void *ctx)
{
	struct scene *s = ctx;
	const struct prove_peer_options o = { .role = PROVE_CLIENT,
		.service = STR("https://i.example/"),
		.audience = STR("files"),
		.clock = &s->service.clock,
		.random = random_source };
	const struct prove_with with = {
		.service = o.service, .key = s->key, .random = random_source
	};
	struct prove_answer r = { .role = PROVE_CLIENT,
		.account = STR("c"),
		.audience = o.audience };
	struct arena *a = arena_new(0);
	struct prove_peer *p = prove_peer_new(&o, NULL);
	struct buf b = { 0 };
	bool ok;

	ok = a && p && prove_peer_challenge(p, r.account, PROVE_P256, &b, NULL);
	r.challenge = buf_str(&b);
	/* A stranger's proof, which never holds. */
	ok = ok && prove_answer_make(a, &with, &r, NULL);
	if (ok) {
		struct error err = { 0 };

		ck_assert(!prove_peer_verify(p, &r, STR(""), &err));
		ok = err.code == ERR_EVIDENCE_PROOF;
	}
	buf_free(&b);
	prove_peer_free(p);
	arena_free(a);
	return ok;
}

/* ---- sweeps ----------------------------------------------------------------
 */

static const struct {
	const char *name;
	bool (*once)(void *);
} sweeps[] = {
	{ "prove", prove },
	{ "prove hmac", prove_hmac },
	{ "refuse wrong", refuse_wrong },
	{ "refuse unknown", refuse_unknown },
	{ "enrol", enrol },
	{ "attest", attest },
	{ "ban", ban },
	{ "open hmac", open_hmac },
	{ "rotate", rotate },
	{ "provision", provision },
	{ "accounts", accounts },
	{ "broker", broker },
	{ "open", open_and_close },
	{ "peer", peer },
};

static struct scene scene;

START_TEST(ours_and_janssons)
{
	scene_init(&scene);
	/* Once without, for statements that the store prepares and keeps. */
	ck_assert(sweeps[_i].once(&scene));
	(void)fault_sweep(sweeps[_i].name, sweeps[_i].once, &scene);
	scene_fini(&scene);
}
END_TEST

static void
sweep(struct source *s, const char *name, bool (*once)(void *), long stride)
{
	scene_init(&scene);
	source_sweep(s, name, once, &scene, stride);
	scene_fini(&scene);
}

START_TEST(openssls)
{
	sweep(&openssl, sweeps[_i].name, sweeps[_i].once, 31);
}
END_TEST

START_TEST(sqlites)
{
	sweep(&sqlite, sweeps[_i].name, sweeps[_i].once, 1);
}
END_TEST

START_TEST(no_randomness)
{
	sweep(&randomness, sweeps[_i].name, sweeps[_i].once, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sweep sts");
	TCase *tc = tcase_create("sweep sts");
	int failed;

	/* Before OpenSSL allocates anything. */
	if (!sources_hook())
		return EXIT_FAILURE;
	make_cloud();
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, ours_and_janssons, 0, ARRAY_LEN(sweeps));
	tcase_add_loop_test(tc, openssls, 0, ARRAY_LEN(sweeps));
	tcase_add_loop_test(tc, sqlites, 0, ARRAY_LEN(sweeps));
	tcase_add_loop_test(tc, no_randomness, 0, ARRAY_LEN(sweeps));
	suite_add_tcase(s, tc);
	failed = run_suite(s);
	attest_key_free(cloud);
	attest_trust_free(trust);
	return failed;
}
