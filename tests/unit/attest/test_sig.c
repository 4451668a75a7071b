/* Signatures: each algorithm, each bit. */
#include "attest/sig.h"

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <pthread.h>

#include "base/arena.h"
#include "base/digest.h"
#include "tests/lib/run.h"

static const struct {
	const char *note, *type, *group;
	size_t bits;
} keys[] = {
	{ "RSA-2048", "RSA", NULL, 2048 },
	{ "P-256", "EC", "P-256", 0 },
	{ "Ed25519", "ED25519", NULL, 0 },
};

static void
make_key(struct keys_public *k, int i)
{
	EVP_PKEY *pkey =
	    keys[i].bits
		? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", keys[i].bits)
		: EVP_PKEY_Q_keygen(NULL, NULL, keys[i].type, keys[i].group);

	ck_assert(keys_public_init(k, pkey, NULL));
}

static const struct str message = STR_INIT("the exact bytes");

START_TEST(signs_and_verifies)
{
	struct keys_public k, other;
	struct buf s = { 0 };
	struct error e = { 0 };

	make_key(&k, _i);
	make_key(&other, _i);
	ck_assert(sig_sign(&k, message, &s, &e));
	ck_assert_msg(
	    sig_verify(&k, message, buf_str(&s), &e), "%s", keys[_i].note);
	ck_assert(!sig_verify(&other, message, buf_str(&s), &e));
	ck_assert_int_eq(e.code, ERR_EVIDENCE_SIGNATURE);
	ck_assert(!sig_verify(&k, STR("other bytes"), buf_str(&s), NULL));
	ck_assert(!sig_verify(&k, STR(""), buf_str(&s), NULL));
	ck_assert(!sig_verify(&k, message, STR(""), NULL));
	buf_free(&s);
	keys_public_fini(&k);
	keys_public_fini(&other);
}
END_TEST

START_TEST(no_bit_may_differ)
{
	struct keys_public k;
	struct buf s = { 0 };

	make_key(&k, _i);
	ck_assert(sig_sign(&k, message, &s, NULL));
	for (size_t bit = 0; bit < s.n * 8; bit++) {
		s.p[bit / 8] = (char)(s.p[bit / 8] ^ 1 << bit % 8);
		ck_assert_msg(!sig_verify(&k, message, buf_str(&s), NULL),
		    "%s: bit %zu", keys[_i].note, bit);
		s.p[bit / 8] = (char)(s.p[bit / 8] ^ 1 << bit % 8);
	}
	ck_assert(sig_verify(&k, message, buf_str(&s), NULL));
	buf_free(&s);
	keys_public_fini(&k);
}
END_TEST

START_TEST(no_byte_more_or_less)
{
	struct keys_public k;
	struct buf s = { 0 };

	make_key(&k, _i);
	ck_assert(sig_sign(&k, message, &s, NULL));
	ck_assert(
	    !sig_verify(&k, message, str_sub(buf_str(&s), 0, s.n - 1), NULL));
	buf_byte(&s, '\0');
	ck_assert(!sig_verify(&k, message, buf_str(&s), NULL));
	buf_free(&s);
	keys_public_fini(&k);
}
END_TEST

/* DER alone, and RFC 3279's shape of it: a length written in two bytes is
 * another text for the same numbers. */
START_TEST(ecdsa_in_ber_is_refused)
{
	struct keys_public k;
	struct buf s = { 0 }, ber = { 0 };

	make_key(&k, 1);
	ck_assert(sig_sign(&k, message, &s, NULL));
	ck_assert_uint_lt((unsigned char)s.p[1], 0x80);
	buf_add(&ber, (struct str){ "\x30\x81", 2 });
	buf_add(&ber, str_sub(buf_str(&s), 1, s.n));
	ck_assert(!sig_verify(&k, message, buf_str(&ber), NULL));
	buf_free(&s);
	buf_free(&ber);
	keys_public_fini(&k);
}
END_TEST

#define SHA256_OID 0x06, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1
#define NO_PARAMETERS 0x05, 0

/* What may stand around a digest, behind the padding. RFC 8017 9.2 has one. */
static const struct {
	const char *note;
	size_t n;
	uint8_t before[20];
	size_t n_behind;
} infos[] = {
	{ "SHA-256", 19,
	    { 0x30, 49, 0x30, 13, SHA256_OID, NO_PARAMETERS, 0x04, 32 }, 0 },
	{ "the digest alone", 0, { 0 }, 0 },
	{ "without parameters", 17,
	    { 0x30, 47, 0x30, 11, SHA256_OID, 0x04, 32 }, 0 },
	{ "SHA-512", 19,
	    { 0x30, 49, 0x30, 13, 0x06, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2,
		3, NO_PARAMETERS, 0x04, 32 },
	    0 },
	{ "a length in BER", 20,
	    { 0x30, 0x81, 49, 0x30, 13, SHA256_OID, NO_PARAMETERS, 0x04, 32 },
	    0 },
	{ "a byte behind", 19,
	    { 0x30, 49, 0x30, 13, SHA256_OID, NO_PARAMETERS, 0x04, 32 }, 1 },
	{ "a byte behind that is counted", 19,
	    { 0x30, 50, 0x30, 13, SHA256_OID, NO_PARAMETERS, 0x04, 33 }, 1 },
	{ "many bytes behind", 19,
	    { 0x30, 49, 0x30, 13, SHA256_OID, NO_PARAMETERS, 0x04, 32 }, 190 },
	{ "parameters that are not NULL", 19,
	    { 0x30, 49, 0x30, 13, SHA256_OID, 0x04, 0, 0x04, 32 }, 0 },
};

/* Signed by the key itself: no digest named, so that all of it is as it is. */
static void
sign_info(EVP_PKEY *pkey, size_t i, struct str text, uint8_t ret[256])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	uint8_t info[256] = { 0 };
	size_t n = 256;

	memcpy(info, infos[i].before, infos[i].n);
	ck_assert(digest_sha256(&text, 1, info + infos[i].n));
	ck_assert_int_eq(EVP_PKEY_sign_init(ctx), 1);
	ck_assert_int_eq(
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
	ck_assert_int_eq(EVP_PKEY_sign(ctx, ret, &n, info,
			     infos[i].n + 32 + infos[i].n_behind),
	    1);
	EVP_PKEY_CTX_free(ctx);
}

/* Bleichenbacher's forgery of 2006, and other texts for one digest: only what
 * RFC 8017 writes is a signature, from a fresh context and from a used one. */
START_TEST(rsa_signs_one_text_for_a_digest)
{
	struct arena *a = arena_new(0);
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	uint8_t made[256];
	struct str signature = { (const char *)made, sizeof made };
	struct keys_public k;

	ck_assert(keys_public_init(&k, pkey, NULL));
	for (int prepared = 0; prepared < 2; prepared++) {
		for (size_t i = 0; i < ARRAY_LEN(infos); i++) {
			sign_info(pkey, i, message, made);
			ck_assert_msg(sig_verify(&k, message, signature,
					  NULL) == (i == 0),
			    "%s", infos[i].note);
			sign_info(pkey, i, STR("another"), made);
			ck_assert(!sig_verify(&k, message, signature, NULL));
		}
		sig_prepare(a, &k);
	}
	keys_public_fini(&k);
	arena_free(a);
}
END_TEST

START_TEST(an_unfit_key_verifies_nothing)
{
	struct keys_public k;
	struct error e = { 0 };

	ck_assert(keys_public_init(
	    &k, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384"), NULL));
	ck_assert(!sig_verify(&k, message, STR("x"), &e));
	ck_assert_int_eq(e.code, ERR_EVIDENCE_SIGNATURE);
	keys_public_fini(&k);
}
END_TEST

/* A key that is prepared keeps its contexts: whatever came before, and however
 * many times, the answer is the signature's own. */
START_TEST(prepared_says_the_same)
{
	struct arena *a = arena_new(0);
	struct keys_public k;
	struct buf s = { 0 };
	struct str good, other = STR("other bytes");

	make_key(&k, _i);
	sig_prepare(a, &k);
	sig_prepare(a, &k);
	ck_assert(sig_sign(&k, message, &s, NULL));
	good = buf_str(&s);
	for (size_t i = 0; i < 20; i++) {
		ck_assert(sig_verify(&k, message, good, NULL));
		ck_assert(i % 3 || sig_verify(&k, message, good, NULL));
		ck_assert(!sig_verify(&k, other, good, NULL));
		s.p[i] = (char)(s.p[i] ^ 1);
		ck_assert(!sig_verify(&k, message, good, NULL));
		s.p[i] = (char)(s.p[i] ^ 1);
	}
	buf_free(&s);
	keys_public_fini(&k);
	arena_free(a);
}
END_TEST

struct verifying {
	const struct keys_public *key;
	struct str signature;
	bool failed;
};

static void *
verify_often(void *ctx)
{
	struct verifying *v = ctx;

	for (int i = 0; i < 50; i++)
		v->failed |= !sig_verify(v->key, message, v->signature, NULL) ||
			     sig_verify(v->key, STR("no"), v->signature, NULL);
	return NULL;
}

START_TEST(prepared_serves_threads)
{
	struct arena *a = arena_new(0);
	struct keys_public k;
	struct buf s = { 0 };
	struct verifying v[4];
	pthread_t threads[ARRAY_LEN(v)];

	make_key(&k, _i);
	sig_prepare(a, &k);
	ck_assert(sig_sign(&k, message, &s, NULL));
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		v[i] = (struct verifying){ &k, buf_str(&s), false };
		ck_assert(pthread_create(
			      &threads[i], NULL, verify_often, &v[i]) == 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		ck_assert(pthread_join(threads[i], NULL) == 0);
		ck_assert(!v[i].failed);
	}
	buf_free(&s);
	keys_public_fini(&k);
	arena_free(a);
}
END_TEST

/* As OpenSSL writes the same numbers. */
START_TEST(der_is_openssl_s)
{
	unsigned char raw[64];
	const struct str text = { (const char *)raw, sizeof raw };
	struct buf none = { 0 };

	srandom(1);
	for (int i = 0; i < 4000; i++) {
		ECDSA_SIG *sig = ECDSA_SIG_new();
		unsigned char *der = NULL;
		struct buf own = { 0 };
		int n;

		for (size_t j = 0; j < sizeof raw; j++)
			raw[j] = (unsigned char)random();
		/* Leading zeros, up to nothing but zeros. */
		memset(raw, 0, (size_t)i % 34 < 32 ? (size_t)i % 34 : 0);
		memset(raw + 32, 0, (size_t)i % 37 < 33 ? (size_t)i % 37 : 0);
		if (i % 5 == 0)
			memset(raw, 0, 32);
		ck_assert(ECDSA_SIG_set0(sig, BN_bin2bn(raw, 32, NULL),
			      BN_bin2bn(raw + 32, 32, NULL)) == 1);
		n = i2d_ECDSA_SIG(sig, &der);
		ck_assert(sig_der_of_raw(text, &own));
		ck_assert_uint_eq(own.n, (size_t)n);
		ck_assert_mem_eq(own.p, der, own.n);
		buf_free(&own);
		OPENSSL_free(der);
		ECDSA_SIG_free(sig);
	}
	ck_assert(!sig_der_of_raw(str_sub(text, 0, 63), &none));
	buf_free(&none);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sig");
	TCase *tc = tcase_create("sig");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, signs_and_verifies, 0, ARRAY_LEN(keys));
	tcase_add_loop_test(tc, no_bit_may_differ, 0, ARRAY_LEN(keys));
	tcase_add_loop_test(tc, no_byte_more_or_less, 0, ARRAY_LEN(keys));
	tcase_add_test(tc, ecdsa_in_ber_is_refused);
	tcase_add_test(tc, rsa_signs_one_text_for_a_digest);
	tcase_add_loop_test(tc, prepared_says_the_same, 0, ARRAY_LEN(keys));
	tcase_add_loop_test(tc, prepared_serves_threads, 0, ARRAY_LEN(keys));
	tcase_add_test(tc, der_is_openssl_s);
	tcase_add_test(tc, an_unfit_key_verifies_nothing);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
