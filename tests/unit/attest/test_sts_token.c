/* Proofs become tokens, and nothing else does (S3, S6, S8): each attack on the
 * way, on both databases. */
#include "attest/sts.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "tests/lib/pg.h"
#include "tests/lib/run.h"
#include "tests/lib/service.h"

static struct service s;
static struct error err;
static struct attest_key *key, *other;

static void
start(const char *url)
{
	err = (struct error){ 0 };
	service_init(&s, url);
	key = service_key(&s, KEY_P256);
	other = service_key(&s, KEY_P256);
	service_instance(&s, "web-1", key);
}

static void
setup(void)
{
	start(NULL);
}

static void
setup_file(void)
{
	start(service_file_url(&s));
}

static void
setup_postgres(void)
{
	pg_empty();
	start(pg_url());
}

static void
teardown(void)
{
	attest_key_free(key);
	attest_key_free(other);
	service_fini(&s);
}

static struct service_ask
usual(void)
{
	return (struct service_ask){ .account = "web-1", .key = key };
}

/* ---- what is right ---- */

static const enum attest_key_type types[] = { KEY_P256, KEY_ED25519,
	KEY_RSA2048 };

START_TEST(a_proof_becomes_a_token)
{
	struct attest_key *k = service_key(&s, types[_i]);
	struct sts_actor who = service_instance(&s, "web-9", k);
	const struct service_ask ask = { .account = "web-9", .key = k };
	struct sts_grant g;
	struct token t;

	ck_assert_int_eq(service_prove(&s, &ask, &g), ERR_NONE);
	ck_assert_int_eq(g.actor.rank, STS_ACCOUNT);
	ck_str_is(g.actor.account, "web-9");
	ck_assert_int_eq(g.actor.incarnation, who.incarnation);
	ck_assert_int_eq(g.expires_at, KIT_NOON + TOKEN_LIFETIME_S);
	t = service_verify(&s, g.token, "updates");
	ck_str_is(t.subject, "web-9");
	ck_str_is(t.issuer, "acme-sts");
	ck_assert(str_eq(t.id, g.jti));
	ck_assert(str_eq(t.jkt, prove_key_thumbprint(k)));
	ck_assert_int_eq(t.incarnation, who.incarnation);
	ck_assert_int_eq(t.expires_at, g.expires_at);
	attest_key_free(k);
}
END_TEST

/* The secret stays; the token is bound to a key that the prover brings. */
START_TEST(hmac_binds_the_key_that_is_brought)
{
	struct sts_opened opened;
	struct service_ask ask = usual();
	struct sts_grant g;
	struct token t;

	service_bare(&s, "web-9");
	opened = service_opened(&s, "web-9", STS_OPEN_HMAC, NULL);
	ck_assert(opened.has_secret);
	ck_assert_int_eq(opened.account.method, PROVE_HMAC);
	ask.account = "web-9";
	ask.secret = opened.secret;
	ck_assert_int_eq(service_prove(&s, &ask, &g), ERR_NONE);
	t = service_verify(&s, g.token, "updates");
	ck_assert(str_eq(t.jkt, prove_key_thumbprint(key)));
	ck_assert_int_eq(t.incarnation, opened.account.incarnation);
	ck_assert_int_eq(service_prove(&s, &ask, &g), ERR_NONE);
	opened.secret[0] ^= 1;
	ask.secret = opened.secret;
	ck_assert_int_eq(service_prove(&s, &ask, &g), ERR_EVIDENCE_PROOF);
}
END_TEST

START_TEST(a_proof_for_the_service_itself)
{
	struct service_ask ask = usual();
	const struct sts_caller caller = { .source = s.source };
	struct prove_answer r;
	struct sts_grant g;

	ask.audience = SERVICE_URL;
	r = service_answered(&s, &ask);
	ck_assert_msg(
	    sts_authenticate(s.sts, s.a, &r, &caller, &g, &err), "%s", err.msg);
	ck_assert_uint_eq(g.token.n, 0);
	ck_str_is(g.actor.account, "web-1");
	ck_assert(!sts_authenticate(s.sts, s.a, &r, &caller, &g, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_REPLAYED);
	/* A proof for another audience says nothing to the service. */
	ask.audience = "updates";
	r = service_answered(&s, &ask);
	err.code = ERR_NONE;
	ck_assert(!sts_authenticate(s.sts, s.a, &r, &caller, &g, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_PROOF);
}
END_TEST

START_TEST(a_lifetime_has_a_most)
{
	struct service_ask ask = usual();
	const struct sts_caller caller = { .source = s.source };
	struct sts_token_options o = { .ring = s.ring,
		.lifetime_s = TOKEN_LIFETIME_MOST_S };
	struct prove_answer r = service_answered(&s, &ask);
	struct sts_grant g;

	ck_assert(sts_token(s.sts, s.a, &r, &caller, &o, &g, &err));
	ck_assert_int_eq(g.expires_at, KIT_NOON + TOKEN_LIFETIME_MOST_S);
	o.lifetime_s++;
	r = service_answered(&s, &ask);
	ck_assert(!sts_token(s.sts, s.a, &r, &caller, &o, &g, &err));
	ck_assert_int_eq(err.code, ERR_USAGE);
	o.lifetime_s = -1;
	ck_assert(!sts_token(s.sts, s.a, &r, &caller, &o, &g, NULL));
}
END_TEST

/* ---- replays ---- */

START_TEST(a_challenge_works_once)
{
	struct service_ask ask = usual();
	struct prove_answer r = service_answered(&s, &ask);

	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_NONE);
	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_EVIDENCE_REPLAYED);
}
END_TEST

START_TEST(a_wrong_answer_spends_too)
{
	struct service_ask ask = usual();
	struct prove_answer right = service_answered(&s, &ask), wrong = right;

	wrong.nonce = STR("0123456789abcdef");
	ck_assert_int_eq(service_send(&s, &wrong, NULL), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(service_send(&s, &right, NULL), ERR_EVIDENCE_REPLAYED);
}
END_TEST

/* Why no token can be made for a proof that is right. */
static const struct {
	const char *note;
	int64_t lifetime, most, before;
	enum err_code want;
} unissuable[] = {
	{ "over an hour", TOKEN_LIFETIME_MOST_S + 1, 0, 0, ERR_USAGE },
	{ "no time at all", -1, 0, 0, ERR_USAGE },
	{ "more than is configured", 61, 60, 0, ERR_USAGE },
	{ "a limit that is none", 60, TOKEN_LIFETIME_MOST_S + 1, 0, ERR_USAGE },
	{ "no key signs yet", 0, 0, 7200, ERR_SYSTEM_NOT_READY },
};

START_TEST(an_answer_without_a_token_spends_too)
{
	struct service_ask ask = usual();
	const struct sts_caller caller = { .source = s.source };
	struct sts_token_options o = { .ring = s.ring,
		.lifetime_s = unissuable[_i].lifetime,
		.lifetime_most_s = unissuable[_i].most };
	struct prove_answer r;
	struct sts_grant g = { 0 };

	s.now_ms -= unissuable[_i].before * 1000;
	r = service_answered(&s, &ask);
	ck_assert_msg(!sts_token(s.sts, s.a, &r, &caller, &o, &g, &err), "%s",
	    unissuable[_i].note);
	ck_assert_msg(err.code == unissuable[_i].want, "%s: %s",
	    unissuable[_i].note, err.msg);
	ck_assert_uint_eq(g.token.n, 0);
	ck_assert_msg(service_send(&s, &r, NULL) == ERR_EVIDENCE_REPLAYED, "%s",
	    unissuable[_i].note);
}
END_TEST

/* All but the challenge is as before: the secret enrols with the next one. */
START_TEST(an_enrolment_without_a_token_changes_nothing)
{
	struct service_ask ask = {
		.role = PROVE_ENROL, .account = "web-9", .key = other
	};
	const struct sts_caller caller = { .source = s.source };
	struct sts_token_options o = { .ring = s.ring,
		.lifetime_s = TOKEN_LIFETIME_MOST_S + 1 };
	struct sts_opened opened;
	struct prove_answer r;
	struct sts_grant g;

	service_bare(&s, "web-9");
	opened = service_opened(&s, "web-9", STS_OPEN_SECRET, NULL);
	ask.secret = opened.secret;
	r = service_answered(&s, &ask);
	ck_assert(!sts_token(s.sts, s.a, &r, &caller, &o, &g, &err));
	ck_assert_int_eq(err.code, ERR_USAGE);
	ck_assert_int_eq(service_read(&s, "web-9").incarnation, 0);
	ck_assert_int_ne(service_read(&s, "web-9").secret_until, 0);
	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_EVIDENCE_REPLAYED);
	ck_assert_int_eq(service_prove(&s, &ask, &g), ERR_NONE);
}
END_TEST

START_TEST(no_replay_after_a_restart)
{
	struct service_ask ask = usual();
	struct prove_answer used = service_answered(&s, &ask);
	struct prove_answer open = service_answered(&s, &ask);

	ck_assert_int_eq(service_send(&s, &used, NULL), ERR_NONE);
	service_restart(&s);
	ck_assert_int_eq(service_send(&s, &used, NULL), ERR_EVIDENCE_REPLAYED);
	/* And what was asked before it may be answered after it. */
	ck_assert_int_eq(service_send(&s, &open, NULL), ERR_NONE);
}
END_TEST

START_TEST(no_replay_on_another_node)
{
	struct service_ask ask = usual();
	struct prove_answer one = service_answered(&s, &ask);
	struct prove_answer two = service_answered(&s, &ask);
	const struct sts_caller caller = { .source = s.source };
	struct store *store;
	struct sts *node = service_node(&s, &store);

	ck_assert_int_eq(service_send(&s, &one, NULL), ERR_NONE);
	ck_assert_int_eq(service_send_by(&s, node, &one, &caller, NULL),
	    ERR_EVIDENCE_REPLAYED);
	ck_assert_int_eq(
	    service_send_by(&s, node, &two, &caller, NULL), ERR_NONE);
	ck_assert_int_eq(service_send(&s, &two, NULL), ERR_EVIDENCE_REPLAYED);
	sts_close(node);
	store_close(store);
}
END_TEST

/* One answer, sent by many threads to two nodes at once. */
struct sending {
	struct sts *sts;
	const struct prove_answer *answer;
	enum err_code code;
	bool has_token;
};

static void *
send_it(void *arg)
{
	struct sending *t = arg;
	const struct sts_caller caller = { .source = s.source };
	const struct sts_token_options o = { .ring = s.ring };
	struct arena *a = arena_new(0);
	struct sts_grant g = { 0 };
	struct error e = { 0 };

	(void)!sts_token(t->sts, a, t->answer, &caller, &o, &g, &e);
	t->code = e.code;
	t->has_token = g.token.n > 0;
	arena_free(a);
	return NULL;
}

START_TEST(many_at_once_are_one)
{
	struct service_ask ask = usual();
	struct prove_answer r = service_answered(&s, &ask);
	struct sending all[8];
	pthread_t threads[ARRAY_LEN(all)];
	struct store *store;
	struct sts *node = service_node(&s, &store);
	unsigned tokens = 0;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		all[i] = (struct sending){ i % 2 ? node : s.sts, &r, ERR_NONE,
			false };
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, send_it, &all[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		tokens += all[i].has_token;
		/* A database that is busy for too long refuses, too. */
		ck_assert_int_eq(all[i].has_token, all[i].code == ERR_NONE);
		ck_assert(all[i].code == ERR_NONE ||
			  all[i].code == ERR_EVIDENCE_REPLAYED ||
			  all[i].code == ERR_SYSTEM_STORE);
	}
	ck_assert_uint_eq(tokens, 1);
	sts_close(node);
	store_close(store);
}
END_TEST

/* The row that remembers is there as long as the challenge could live on any
 * clock within the skew. */
START_TEST(no_replay_by_a_clock_that_goes_back)
{
	struct service_ask ask = usual();
	struct prove_answer r = service_answered(&s, &ask);

	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_NONE);
	s.now_ms += (LIMIT_CHALLENGE_S + LIMIT_SPENT_S - 1) * INT64_C(1000);
	ck_assert(sts_purge(s.sts, &err));
	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_EVIDENCE_EXPIRED);
	s.now_ms = KIT_NOON * INT64_C(1000);
	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_EVIDENCE_REPLAYED);
	/* Too far back: not alive at all. */
	s.now_ms -= (LIMIT_SKEW_S + 1) * INT64_C(1000);
	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_EVIDENCE_EXPIRED);
}
END_TEST

START_TEST(a_challenge_lives_a_minute)
{
	struct service_ask ask = usual();
	struct prove_answer r = service_answered(&s, &ask);

	s.now_ms += LIMIT_CHALLENGE_S * 1000 - 1;
	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_NONE);
	r = service_answered(&s, &ask);
	s.now_ms += LIMIT_CHALLENGE_S * 1000;
	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_EVIDENCE_EXPIRED);
}
END_TEST

/* ---- proofs for something else ---- */

/* A right answer altered on the way, or made for something else. */
static struct prove_answer
altered(int how)
{
	struct service_ask ask = usual();
	struct prove_answer r;

	switch (how) {
	case 0: /* a service that only says it is ours */
		ask.service = "https://sts.evil.example/";
		break;
	case 1:
		ask.channel = "another channel";
		break;
	case 2:
		ask.key = other;
		break;
	case 3:
		ask.role = PROVE_ACCOUNT;
		ask.relay = "boss";
		break;
	default:
		break;
	}
	r = service_answered(&s, &ask);
	if (how == 4)
		r.audience = STR("others");
	else if (how == 5)
		r.account = STR("web-2");
	else if (how == 6)
		r.method = PROVE_ED25519;
	else if (how == 7)
		r.jkt = prove_key_thumbprint(other);
	else if (how == 8)
		r.relay = STR("boss");
	else if (how == 9)
		r.role = PROVE_INSTANCE;
	else if (how == 10)
		r.role = PROVE_CLIENT;
	else if (how == 11)
		r.role = PROVE_ENROL;
	else if (how == 12)
		r.proof.n--;
	else if (how == 13)
		r.proof = STR("");
	else if (how == 14)
		r.challenge.n--;
	else if (how == 15)
		r.challenge = STR("");
	return r;
}
#define ALTERED 16

START_TEST(a_proof_for_something_else)
{
	struct prove_answer r = altered(_i);

	service_instance(&s, "web-2", other);
	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_EVIDENCE_PROOF);
}
END_TEST

/* The service is a client of nobody: what an instance is asked by others does
 * not serve here, and the other way round (S10). */
START_TEST(a_proof_is_not_reflected)
{
	const struct prove_peer_options o = { .role = PROVE_INSTANCE,
		.service = STR(SERVICE_URL),
		.audience = STR("updates"),
		.clock = &s.clock };
	struct prove_peer *client = prove_peer_new(&o, &err);
	struct prove_answer r = { .role = PROVE_INSTANCE,
		.account = STR("web-1"),
		.audience = STR("updates") };
	const struct prove_with with = { .service = STR(SERVICE_URL),
		.key = key };
	struct service_ask ask = usual();
	struct buf b = { 0 };

	ck_assert_ptr_nonnull(client);
	ck_assert(
	    prove_peer_challenge(client, r.account, PROVE_P256, &b, &err));
	r.challenge = buf_str(&b);
	ck_assert(prove_answer_make(s.a, &with, &r, &err));
	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_EVIDENCE_PROOF);
	r.role = PROVE_ACCOUNT;
	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_EVIDENCE_PROOF);
	/* The service's challenge, answered as to a client. */
	r = service_answered(&s, &ask);
	r.role = PROVE_INSTANCE;
	ck_assert(prove_answer_make(s.a, &with, &r, &err));
	r.role = PROVE_ACCOUNT;
	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_EVIDENCE_PROOF);
	buf_free(&b);
	prove_peer_free(client);
}
END_TEST

START_TEST(the_channel_is_the_listener_s)
{
	struct service_ask ask = usual();
	struct sts_caller caller = { .source = s.source,
		.channel = STR("exported") };
	struct prove_answer r;

	ask.channel = "exported";
	r = service_answered(&s, &ask);
	ck_assert_int_eq(
	    service_send_by(&s, s.sts, &r, &caller, NULL), ERR_NONE);
	/* Taken to another connection. */
	r = service_answered(&s, &ask);
	caller.channel = STR("exporteD");
	ck_assert_int_eq(
	    service_send_by(&s, s.sts, &r, &caller, NULL), ERR_EVIDENCE_PROOF);
}
END_TEST

START_TEST(another_master_secret_is_refused)
{
	const struct prove_random real = { 0 };
	struct sts_options o = { .store = s.store,
		.clock = &s.clock,
		.url = STR(SERVICE_URL),
		.issuer = STR("acme-sts") };

	o.secret_file = str_printf(s.a, "%s-2", s.secret).p;
	ck_assert(sts_secret_create(o.secret_file, real, &err));
	ck_assert_ptr_null(sts_open(&o, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
}
END_TEST

/* ---- unknown, disabled and wrong look alike ---- */

static _Atomic long allocations; /* OpenSSL allocates in every thread */

static void *
count_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	allocations++;
	return malloc(n);
}

static void *
count_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	allocations++;
	return realloc(p, n);
}

static void
count_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* The error that is told, and what OpenSSL had to do for it. */
static struct error
refused(const char *account, const struct attest_key *by, const uint8_t *secret,
    long *ret_work)
{
	const struct service_ask ask = {
		.account = account, .key = by, .secret = secret
	};
	struct prove_answer r = service_answered(&s, &ask);
	const struct sts_caller caller = { .source = s.source };
	const struct sts_token_options o = { .ring = s.ring };
	struct sts_grant g;
	struct error e = { 0 };
	long before = allocations;

	ck_assert(!sts_token(s.sts, s.a, &r, &caller, &o, &g, &e));
	*ret_work = allocations - before;
	return e;
}

static void
same(const struct error *a, const struct error *b, long work, long other_work)
{
	ck_assert_int_eq(a->code, b->code);
	ck_assert_str_eq(a->msg, b->msg);
	ck_assert_str_eq(a->hint, b->hint);
	ck_assert_int_gt(work, 0);
	/* Arithmetic with another RSA modulus differs by some. */
	ck_assert_int_le(labs(work - other_work), work / 50);
}

/* Signing methods, then hmac; each with an unknown, a disabled (asked with its
 * own key) and an enabled account (asked with another's). */
START_TEST(unknown_disabled_and_wrong_look_alike)
{
	enum attest_key_type type = _i < 3 ? types[_i] : KEY_P256;
	struct attest_key *own = service_key(&s, type),
			  *wrong = service_key(&s, type),
			  *right = service_key(&s, type);
	struct sts_opened a = { 0 }, b = { 0 };
	const uint8_t *secret = NULL;
	uint8_t bad[PROVE_SECRET_BYTES] = { 1 };
	struct error e[5];
	long work[5];
	struct sts_account r;

	if (_i < 3) {
		service_instance(&s, "web-on", right);
		service_instance(&s, "web-off", own);
	} else {
		service_bare(&s, "web-on");
		service_bare(&s, "web-off");
		a = service_opened(&s, "web-on", STS_OPEN_HMAC, NULL);
		b = service_opened(&s, "web-off", STS_OPEN_HMAC, NULL);
		secret = bad;
	}
	ck_assert(sts_account_enable(
	    s.sts, s.a, &s.boss, STR("web-off"), false, 0, &r, &err));
	/* Once, so that OpenSSL has what it keeps. */
	e[0] = refused("web-none", wrong, secret, &work[0]);
	e[0] = refused("web-none", wrong, secret, &work[0]);
	e[1] = refused("web-on", wrong, secret, &work[1]);
	e[2] = refused("web-off", wrong, secret, &work[2]);
	e[3] = refused("web-off", own, _i < 3 ? NULL : b.secret, &work[3]);
	/* A key of another kind than the account's. */
	e[4] = refused("boss", wrong, secret, &work[4]);
	ck_assert_int_eq(e[0].code, ERR_EVIDENCE_PROOF);
	for (size_t i = 1; i < ARRAY_LEN(e); i++)
		same(&e[0], &e[i], work[0], work[i]);
	ck_assert(a.has_secret == (_i == 3));
	attest_key_free(own);
	attest_key_free(wrong);
	attest_key_free(right);
}
END_TEST

/* ---- through a controller (S6) ---- */

static enum err_code
relay(const char *named, const struct sts_actor *by)
{
	struct service_ask ask = usual();
	const struct sts_caller caller = { .source = s.source, .relay = by };
	struct prove_answer r;

	ask.relay = named;
	r = service_answered(&s, &ask);
	return service_send_by(&s, s.sts, &r, &caller, NULL);
}

START_TEST(a_controller_carries_proofs_of_its_own)
{
	struct sts_actor stale = s.boss, admin = s.admin,
			 self = service_actor("web-1", 0), nobody = { 0 };

	stale.incarnation++;
	self.incarnation = service_read(&s, "web-1").incarnation;
	admin.account = STR("boss");
	ck_assert_int_eq(relay("boss", &s.boss), ERR_NONE);
	/* Not named, another named, named but not there, and not proven. */
	ck_assert_int_eq(relay(NULL, &s.boss), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(relay("two", &s.boss), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(relay("boss", NULL), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(relay("boss", &stale), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(relay("boss", &nobody), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(relay("boss", &admin), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(relay("web-1", &self), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(relay("boss", &s.boss), ERR_NONE);
}
END_TEST

/* A controller that carries an answer is bound in it: another one cannot take
 * it over. */
START_TEST(another_controller_carries_nothing)
{
	struct attest_key *k = service_key(&s, KEY_ED25519);
	const struct sts_new_account what = {
		.id = STR("two"), .kind = STS_CONTROLLER, .prefix = STR("db-")
	};
	struct sts_next next = { .how = STS_OPEN_KEY,
		.spki = service_spki(&s, k) };
	struct sts_account r;
	struct sts_opened opened;
	struct sts_actor two;
	bool created;

	ck_assert(sts_account_create(
	    s.sts, s.a, &s.admin, &what, &r, &created, &err));
	ck_assert(
	    sts_open_next(s.sts, s.a, &s.admin, what.id, &next, &opened, &err));
	two = service_actor("two", opened.account.incarnation);
	ck_assert_int_eq(relay("boss", &two), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(relay("two", &two), ERR_EVIDENCE_PROOF);
	attest_key_free(k);
}
END_TEST

/* ---- copies (S8) ---- */

START_TEST(a_copied_disk_moves_nothing_and_shuts_out_nobody)
{
	struct service_ask copy = usual(), moved = usual();
	struct sts_grant before, after;

	moved.key = other;
	ck_assert_int_eq(service_prove(&s, &copy, &before), ERR_NONE);
	service_opened(&s, "web-1", STS_OPEN_KEY, other);
	ck_assert(service_is_revoked(&s, "token", before.jti));
	ck_assert(service_is_revoked(&s, "key", prove_key_thumbprint(key)));
	ck_assert_int_eq(service_prove(&s, &moved, &after), ERR_NONE);
	ck_assert_int_gt(after.actor.incarnation, before.actor.incarnation);
	ck_assert_int_eq(s.n_alarms, 0);
	/* The copy comes back with the former key. */
	for (int i = 1; i <= 3; i++) {
		ck_assert_int_eq(
		    service_prove(&s, &copy, NULL), ERR_EVIDENCE_PROOF);
		ck_assert_uint_eq(s.n_alarms, (unsigned)i);
		ck_assert_int_eq(s.alarm.kind, STS_ALARM_FORMER_KEY);
		ck_str_is(s.alarm.account, "web-1");
		ck_str_is(s.alarm.source, "192.0.2.1");
		ck_assert_int_eq(s.alarm.incarnation, before.actor.incarnation);
		ck_assert_int_eq(s.alarm.count, i);
	}
	ck_assert(!service_is_revoked(&s, "token", after.jti));
	ck_assert_int_eq(service_prove(&s, &moved, &after), ERR_NONE);
	ck_assert_uint_eq(sts_counts(s.sts).alarms, 3);
}
END_TEST

START_TEST(one_key_from_two_addresses_is_told)
{
	struct service_ask ask = usual();
	struct sts_alarm *alarms;
	size_t n;

	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_NONE);
	ck_assert(net_parse_addr(STR("2001:db8::7"), &s.source));
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_NONE);
	ck_assert_uint_eq(s.n_alarms, 1);
	ck_assert_int_eq(s.alarm.kind, STS_ALARM_ADDRESSES);
	ck_str_is(s.alarm.source, "2001:db8::");
	ck_str_is(s.alarm.other, "192.0.2.1");
	/* The same network; and much later, from elsewhere: it has moved. */
	ck_assert(net_parse_addr(STR("2001:db8::8"), &s.source));
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_NONE);
	s.now_ms += TOKEN_LIFETIME_S * 1000;
	ck_assert(net_parse_addr(STR("192.0.2.2"), &s.source));
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_NONE);
	ck_assert_uint_eq(s.n_alarms, 1);
	ck_assert(sts_alarms(s.sts, s.a, &s.boss, 10, &alarms, &n, &err));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(alarms[0].kind, STS_ALARM_ADDRESSES);
	ck_assert_int_eq(alarms[0].count, 1);
	ck_assert(sts_alarms(s.sts, s.a, &s.admin, 10, &alarms, &n, &err));
	ck_assert_uint_eq(n, 1);
	/* Not for instances. */
	ck_assert(!sts_alarms(s.sts, s.a,
	    &(struct sts_actor){ STS_ACCOUNT, STR("web-1"),
		service_read(&s, "web-1").incarnation },
	    10, &alarms, &n, &err));
}
END_TEST

/* ---- floods ---- */

START_TEST(who_is_wrong_too_often_waits)
{
	struct service_ask bad = usual(), good = usual();
	unsigned refused_n = 0;

	service_instance(&s, "web-2", other);
	bad.key = other;
	for (unsigned i = 0; i < 12; i++) {
		enum err_code code = service_prove(&s, &bad, NULL);

		ck_assert(
		    code == ERR_EVIDENCE_PROOF || code == ERR_REQUEST_RATE);
		refused_n += code == ERR_EVIDENCE_PROOF;
	}
	ck_assert_uint_eq(refused_n, 10);
	ck_assert_int_eq(service_prove(&s, &good, NULL), ERR_REQUEST_RATE);
	/* No other account, and the account from nowhere else. */
	bad.account = "web-2";
	ck_assert_int_eq(service_prove(&s, &bad, NULL), ERR_NONE);
	ck_assert(net_parse_addr(STR("192.0.2.2"), &s.source));
	ck_assert_int_eq(service_prove(&s, &good, NULL), ERR_NONE);
	ck_assert(net_parse_addr(STR("192.0.2.1"), &s.source));
	s.now_ms += 60000;
	ck_assert_int_eq(service_prove(&s, &good, NULL), ERR_NONE);
	/* And no alarm: nothing was proven. */
	ck_assert_uint_eq(s.n_alarms, 1); /* two addresses, above */
	ck_assert_int_eq(s.alarm.kind, STS_ALARM_ADDRESSES);
}
END_TEST

START_TEST(a_limited_answer_spends_nothing)
{
	struct service_ask bad = usual(), good = usual();
	struct prove_answer r;

	bad.key = other;
	for (unsigned i = 0; i < 10; i++)
		ck_assert_int_eq(
		    service_prove(&s, &bad, NULL), ERR_EVIDENCE_PROOF);
	r = service_answered(&s, &good);
	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_REQUEST_RATE);
	s.now_ms += 6000;
	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_NONE);
}
END_TEST

START_TEST(some_challenges_are_not_given)
{
	struct buf b = { 0 };

	ck_assert(!sts_challenge(
	    s.sts, PROVE_CLIENT, STR("a"), PROVE_P256, STR("x"), &b, &err));
	ck_assert_int_eq(err.code, ERR_REQUEST_MALFORMED);
	ck_assert(!sts_challenge(
	    s.sts, PROVE_ENROL, STR("a"), PROVE_P256, STR("x"), &b, NULL));
	ck_assert(!sts_challenge(
	    s.sts, PROVE_ACCOUNT, STR("/"), PROVE_P256, STR("x"), &b, NULL));
	ck_assert_uint_eq(b.n, 0);
}
END_TEST

static TCase *
cases(const char *name, void (*begin)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, begin, teardown);
	tcase_add_loop_test(tc, a_proof_becomes_a_token, 0, 3);
	tcase_add_test(tc, hmac_binds_the_key_that_is_brought);
	tcase_add_test(tc, a_challenge_works_once);
	tcase_add_test(tc, a_wrong_answer_spends_too);
	tcase_add_loop_test(
	    tc, an_answer_without_a_token_spends_too, 0, ARRAY_LEN(unissuable));
	tcase_add_test(tc, an_enrolment_without_a_token_changes_nothing);
	tcase_add_test(tc, no_replay_by_a_clock_that_goes_back);
	tcase_add_test(tc, a_controller_carries_proofs_of_its_own);
	tcase_add_test(tc, a_copied_disk_moves_nothing_and_shuts_out_nobody);
	tcase_add_test(tc, one_key_from_two_addresses_is_told);
	tcase_set_timeout(tc, 60);
	return tc;
}

static TCase *
cases_once(void)
{
	TCase *tc = tcase_create("once");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_proof_for_the_service_itself);
	tcase_add_test(tc, a_lifetime_has_a_most);
	tcase_add_test(tc, a_challenge_lives_a_minute);
	tcase_add_loop_test(tc, a_proof_for_something_else, 0, ALTERED);
	tcase_add_test(tc, a_proof_is_not_reflected);
	tcase_add_test(tc, the_channel_is_the_listener_s);
	tcase_add_loop_test(tc, unknown_disabled_and_wrong_look_alike, 0, 4);
	tcase_add_test(tc, another_controller_carries_nothing);
	tcase_add_test(tc, who_is_wrong_too_often_waits);
	tcase_add_test(tc, a_limited_answer_spends_nothing);
	tcase_add_test(tc, some_challenges_are_not_given);
	tcase_set_timeout(tc, 60);
	return tc;
}

static TCase *
cases_shared(const char *name, void (*begin)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, begin, teardown);
	tcase_add_test(tc, no_replay_after_a_restart);
	tcase_add_test(tc, no_replay_on_another_node);
	tcase_add_test(tc, many_at_once_are_one);
	tcase_add_test(tc, another_master_secret_is_refused);
	tcase_set_timeout(tc, 60);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("sts_token");

	/* Before OpenSSL allocates anything. */
	CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free);
	pg_start();
	suite_add_tcase(suite, cases("sqlite", setup));
	suite_add_tcase(suite, cases_once());
	suite_add_tcase(suite, cases_shared("files", setup_file));
	if (pg_url()) {
		suite_add_tcase(suite, cases("postgres", setup_postgres));
		suite_add_tcase(
		    suite, cases_shared("postgres nodes", setup_postgres));
	}
	return pg_run_suite(suite);
}
