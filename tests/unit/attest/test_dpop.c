/* Proofs of possession: one request, one key, one nonce, once. */
#include "attest/dpop.h"

#include "base/limits.h"
#include "tests/unit/attest/token_kit.h"

#define URL "https://repo.example/debian/a.deb"
#define TOKEN "the token"

struct scene {
	struct token_kit k;
	struct dpop *d;
	char nonce[DPOP_NONCE + 1];
};

static void
init(struct scene *s)
{
	token_kit_init(&s->k, KEY_ED25519);
	s->d = dpop_new(NULL);
	ck_assert_ptr_nonnull(s->d);
	ck_assert(dpop_nonce(s->d, KIT_NOON, s->nonce, NULL));
	ck_assert_uint_eq(strlen(s->nonce), DPOP_NONCE);
}

static void
fini(struct scene *s)
{
	dpop_free(s->d);
	token_kit_fini(&s->k);
}

static struct dpop_request
request(void)
{
	return (struct dpop_request){ .method = STR("GET"),
		.url = STR(URL),
		.shown = STR(TOKEN),
		.now_unix_s = KIT_NOON };
}

static struct str
make(struct scene *s, const struct dpop_request *what, const char *nonce,
    const char *id)
{
	struct buf out = { 0 };
	struct str copy;

	ck_assert(dpop_make(
	    s->k.holder, what, str_of(nonce), str_of(id), &out, NULL));
	copy = str_dup(s->k.a, buf_str(&out));
	buf_free(&out);
	return copy;
}

static enum err_code
check(struct scene *s, struct str proof, int64_t now, bool spend, bool *stale)
{
	struct dpop_request q = request();
	struct dpop_proof p;
	struct error err = { 0 };

	q.proof = proof;
	q.now_unix_s = now;
	if (!dpop_check(s->d, &q, &p, stale, &err))
		return err.code;
	ck_assert(!*stale);
	ck_assert_str_eq(p.jkt, s->k.holder->public.thumbprint);
	if (spend && !dpop_spend(s->d, &p, now, &err))
		return err.code;
	return ERR_NONE;
}

/* ---- what the holder says, against what this server saw ---- */

static const struct {
	const char *note, *method, *url, *shown;
	int64_t made;
	enum err_code want;
} says[] = {
	{ "as it was", "GET", URL, TOKEN, 0, ERR_NONE },
	{ "another method", "HEAD", URL, TOKEN, 0, ERR_EVIDENCE_PROOF },
	{ "a method in small letters", "get", URL, TOKEN, 0,
	    ERR_EVIDENCE_PROOF },
	{ "another path", "GET", "https://repo.example/debian/b.deb", TOKEN, 0,
	    ERR_EVIDENCE_PROOF },
	{ "another host", "GET", "https://evil.example/debian/a.deb", TOKEN, 0,
	    ERR_EVIDENCE_PROOF },
	{ "another scheme", "GET", "http://repo.example/debian/a.deb", TOKEN, 0,
	    ERR_EVIDENCE_PROOF },
	{ "with a query", "GET", URL "?x", TOKEN, 0, ERR_EVIDENCE_PROOF },
	{ "another token", "GET", URL, "another", 0, ERR_EVIDENCE_PROOF },
	{ "made a minute ago", "GET", URL, TOKEN, -LIMIT_SKEW_S, ERR_NONE },
	{ "made before that", "GET", URL, TOKEN, -LIMIT_SKEW_S - 1,
	    ERR_EVIDENCE_PROOF },
	{ "a minute ahead", "GET", URL, TOKEN, LIMIT_SKEW_S, ERR_NONE },
	{ "beyond that", "GET", URL, TOKEN, LIMIT_SKEW_S + 1,
	    ERR_EVIDENCE_PROOF },
};

START_TEST(a_proof_is_for_one_request)
{
	struct scene s;
	struct dpop_request what = request();
	bool stale;

	init(&s);
	what.method = str_of(says[_i].method);
	what.url = str_of(says[_i].url);
	what.shown = str_of(says[_i].shown);
	what.now_unix_s += says[_i].made;
	token_kit_is(
	    check(&s, make(&s, &what, s.nonce, ""), KIT_NOON, true, &stale),
	    says[_i].want, says[_i].note);
	ck_assert(!stale);
	fini(&s);
}
END_TEST

START_TEST(once)
{
	struct scene s;
	struct dpop_request what = request();
	struct str proof, other;
	bool stale;

	init(&s);
	proof = make(&s, &what, s.nonce, "1");
	other = make(&s, &what, s.nonce, "2");
	token_kit_is(check(&s, proof, KIT_NOON, true, &stale), ERR_NONE, "1");
	token_kit_is(check(&s, proof, KIT_NOON, true, &stale),
	    ERR_EVIDENCE_REPLAYED, "again");
	/* ECDSA signs the same in many ways: the id counts, not the bytes. */
	token_kit_is(
	    check(&s, make(&s, &what, s.nonce, "1"), KIT_NOON, true, &stale),
	    ERR_EVIDENCE_REPLAYED, "signed again");
	token_kit_is(check(&s, other, KIT_NOON, true, &stale), ERR_NONE, "2");
	fini(&s);
}
END_TEST

/* The order n of P-256: (r, n - s) is a signature, too. */
static struct str
malleated(struct scene *s, struct str proof)
{
	static const char n_hex[] = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7"
				    "179E84F3B9CAC2FC632551";
	struct buf out = { 0 };
	struct str raw, copy;
	unsigned char bytes[64];
	BIGNUM *n = NULL, *v;

	ck_assert(base64_decode(
	    s->k.a, BASE64_URL, str_sub(proof, proof.n - 86, proof.n), &raw));
	memcpy(bytes, raw.p, 64);
	v = BN_bin2bn(bytes + 32, 32, NULL);
	ck_assert(BN_hex2bn(&n, n_hex) > 0 && BN_sub(v, n, v) == 1);
	ck_assert_int_eq(BN_bn2binpad(v, bytes + 32, 32), 32);
	buf_add(&out, str_sub(proof, 0, proof.n - 86));
	base64_encode(
	    &out, BASE64_URL, (struct str){ (const char *)bytes, 64 });
	copy = str_dup(s->k.a, buf_str(&out));
	buf_free(&out);
	BN_free(n);
	BN_free(v);
	return copy;
}

START_TEST(a_malleated_signature_is_no_new_proof)
{
	struct scene s;
	struct dpop_request what = request();
	struct str proof, twin;
	bool stale;

	init(&s);
	proof = make(&s, &what, s.nonce, "");
	twin = malleated(&s, proof);
	ck_assert(!str_eq(proof, twin));
	token_kit_is(
	    check(&s, proof, KIT_NOON, true, &stale), ERR_NONE, "first");
	token_kit_is(check(&s, twin, KIT_NOON, true, &stale),
	    ERR_EVIDENCE_REPLAYED, "its twin");
	fini(&s);
}
END_TEST

/* ---- nonces ---- */

START_TEST(without_a_nonce_it_is_asked_for)
{
	struct scene s;
	struct dpop_request what = request();
	bool stale;

	init(&s);
	token_kit_is(check(&s, make(&s, &what, "", ""), KIT_NOON, true, &stale),
	    ERR_EVIDENCE_PROOF, "none");
	ck_assert(stale);
	token_kit_is(check(&s, make(&s, &what, "AAAAAAAAAAAAAAAAAAAAAA", ""),
			 KIT_NOON, true, &stale),
	    ERR_EVIDENCE_PROOF, "another's");
	ck_assert(stale);
	/* Wrong in something else, too: then a nonce would not help. */
	what.method = STR("PUT");
	token_kit_is(check(&s, make(&s, &what, "", ""), KIT_NOON, true, &stale),
	    ERR_EVIDENCE_PROOF, "none, and another method");
	ck_assert(!stale);
	fini(&s);
}
END_TEST

START_TEST(a_restart_asks_anew)
{
	struct scene s;
	struct dpop_request what = request();
	struct str proof;
	bool stale;

	init(&s);
	proof = make(&s, &what, s.nonce, "");
	token_kit_is(
	    check(&s, proof, KIT_NOON, true, &stale), ERR_NONE, "before");
	dpop_free(s.d);
	s.d = dpop_new(NULL);
	token_kit_is(check(&s, proof, KIT_NOON, true, &stale),
	    ERR_EVIDENCE_PROOF, "after");
	ck_assert(stale);
	fini(&s);
}
END_TEST

/* At no later moment, and with a clock that runs or jumps as it likes, is a
 * proof taken twice. */
START_TEST(no_clock_takes_a_proof_twice)
{
	static const int64_t clocks[] = { 0, 30, 60, -60, 119, 0, 120, 0, 60,
		240, 0, 1000, 0, -100000, 0, 0 };
	struct scene s;
	struct dpop_request what = request();
	struct str proof;
	bool stale;
	int taken = 0;

	init(&s);
	proof = make(&s, &what, s.nonce, "");
	for (size_t i = 0; i < ARRAY_LEN(clocks); i++)
		taken += check(&s, proof, KIT_NOON + clocks[i], true, &stale) ==
			 ERR_NONE;
	ck_assert_int_eq(taken, 1);
	fini(&s);
}
END_TEST

START_TEST(a_nonce_serves_for_two_epochs)
{
	struct scene s;
	struct dpop_request what = request();
	char next[DPOP_NONCE + 1];
	bool stale;

	init(&s);
	what.now_unix_s += LIMIT_DPOP_EPOCH_S;
	token_kit_is(check(&s, make(&s, &what, s.nonce, ""), what.now_unix_s,
			 true, &stale),
	    ERR_NONE, "the one before");
	ck_assert(dpop_nonce(s.d, what.now_unix_s, next, NULL));
	ck_assert_str_ne(next, s.nonce);
	what.now_unix_s += LIMIT_DPOP_EPOCH_S;
	token_kit_is(check(&s, make(&s, &what, s.nonce, ""), what.now_unix_s,
			 true, &stale),
	    ERR_EVIDENCE_PROOF, "two before");
	ck_assert(stale);
	fini(&s);
}
END_TEST

/* Many in one epoch: all are remembered while the table grows. */
START_TEST(many_are_remembered)
{
	struct scene s;
	struct dpop_proof p = { 0 };

	init(&s);
	memcpy(p.nonce, s.nonce, sizeof p.nonce);
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 20000; i++) {
			struct error err = { 0 };

			memcpy(p.digest + 4, &i, sizeof i);
			ck_assert_int_eq(
			    dpop_spend(s.d, &p, KIT_NOON, &err), round == 0);
			ck_assert_int_eq(
			    err.code, round ? ERR_EVIDENCE_REPLAYED : ERR_NONE);
		}
	fini(&s);
}
END_TEST

/* ---- forms ---- */

#define HEADER "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":@JWK}"

static const struct {
	const char *note, *header, *payload;
	enum err_code want;
} forms[] = {
	{ "no typ", "{\"alg\":\"ES256\",\"jwk\":@JWK}", "{}",
	    ERR_EVIDENCE_PROOF },
	{ "a token's typ",
	    "{\"typ\":\"avow-token+jwt\",\"alg\":\"ES256\",\"jwk\":@JWK}", "{}",
	    ERR_EVIDENCE_PROOF },
	{ "no key", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\"}", "{}",
	    ERR_EVIDENCE_MALFORMED },
	{ "a private key",
	    "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\","
	    "\"crv\":\"P-256\",\"d\":\"AA\"}}",
	    "{}", ERR_EVIDENCE_PROOF },
	{ "a secret",
	    "{\"typ\":\"dpop+jwt\",\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\","
	    "\"k\":\"AAAA\"}}",
	    "{}", ERR_EVIDENCE_PROOF },
	{ "alg none", "{\"typ\":\"dpop+jwt\",\"alg\":\"none\",\"jwk\":@JWK}",
	    "{}", ERR_EVIDENCE_PROOF },
	{ "jku",
	    "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":@JWK,\"jku\":"
	    "\"https://x\"}",
	    "{}", ERR_EVIDENCE_MALFORMED },
	{ "says nothing", HEADER, "{}", ERR_EVIDENCE_PROOF },
	{ "no JSON", HEADER, "x", ERR_EVIDENCE_PROOF },
	{ "a list", HEADER, "[]", ERR_EVIDENCE_PROOF },
	{ "iat as a text", HEADER,
	    "{\"jti\":\"1\",\"htm\":\"GET\",\"htu\":\"" URL
	    "\",\"iat\":\"1772366400\"}",
	    ERR_EVIDENCE_PROOF },
};

START_TEST(forms_that_are_no_proof)
{
	struct scene s;
	struct str proof;
	bool stale;

	init(&s);
	proof = token_kit_sign(
	    &s.k, s.k.holder, forms[_i].header, forms[_i].payload);
	token_kit_is(check(&s, proof, KIT_NOON, true, &stale), forms[_i].want,
	    forms[_i].note);
	ck_assert(!stale);
	fini(&s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("dpop");
	TCase *tc = tcase_create("dpop");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_proof_is_for_one_request, 0, ARRAY_LEN(says));
	tcase_add_test(tc, once);
	tcase_add_test(tc, a_malleated_signature_is_no_new_proof);
	tcase_add_test(tc, without_a_nonce_it_is_asked_for);
	tcase_add_test(tc, a_restart_asks_anew);
	tcase_add_test(tc, no_clock_takes_a_proof_twice);
	tcase_add_test(tc, a_nonce_serves_for_two_epochs);
	tcase_add_test(tc, many_are_remembered);
	tcase_add_loop_test(tc, forms_that_are_no_proof, 0, ARRAY_LEN(forms));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
