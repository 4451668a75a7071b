/* tokens.c FOLDER [SECONDS [WORDS]] - what verifying costs, of tokens and of
 * documents in each form: whole (tokens by token_verify, and as a gate does it,
 * claims included), the signature alone by our code, and by OpenSSL with all
 * set up before, which is what `openssl speed` measures; in turns in one
 * process, so that the ratios hold on a busy machine. And from the cache (the
 * median), against the SHA-256 that finds it. FOLDER is where keys and key sets
 * are put. A line a kind and algorithm; WORDS: of those alone whose name has
 * them. SECONDS 0: each is verified COUNTED times and nothing is measured, for
 * who counts instructions. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/ecdsa.h>

#include "attest/cms_own.h"
#include "attest/form.h"
#include "attest/sig.h"
#include "attest/token_read.h"
#include "base/digest.h"
#include "base/file.h"

#define NOON 1772366400
#define BATCH 64u /* so that reading the clock does not count */
#define SAMPLES 4096u
#define ROUNDS 5u
#define COUNTED 100u

struct scene {
	struct token_keys *keys; /* NULL: a document */
	enum attest_form form;   /* of a document */
	bool is_jose;            /* ES256 as r and s */
	struct attest_trust *trust;
	struct attest_cache *cache;
	struct arena *scratch; /* as a worker's: emptied, not freed */
	struct attest_evidence evidence;
	struct keys_public key;
	struct str message, signature;
	/* For `raw`: the signature as OpenSSL takes it, and what is signed. */
	struct str der;
	uint8_t signed_room[512];
	size_t n_signed;
	EVP_PKEY_CTX *pkey; /* Ed25519: NULL, and `md` */
	EVP_MD_CTX *md;
	bool (*verify)(
	    const struct keys_public *, struct str, struct str, struct error *);
};

static void
must(bool ok, const struct error *err)
{
	if (ok)
		return;
	fprintf(stderr, "tokens: %s\n", err ? err->msg : "failed");
	exit(1);
}

static void
whole_token(struct scene *s)
{
	const struct token_want want = { .type = TOKEN_FULL,
		.keys = s->keys,
		.issuer = STR("bench"),
		.audience = STR("updates"),
		.now_unix_s = NOON };
	struct token t = { 0 };

	must(token_verify(s->scratch, s->evidence.document, &want, &t, NULL),
	    NULL);
	token_fini(&t);
	arena_reset(s->scratch);
}

static struct attest_context
context_of(const struct scene *s)
{
	return (struct attest_context){ .trust = s->trust,
		.now_unix_s = NOON,
		.audience = STR("updates"),
		.proven_before = true };
}

static void
whole(struct scene *s)
{
	const struct attest_context ctx = context_of(s);
	const struct claims *claims;
	struct error err = { 0 };

	must(
	    attest_verify(s->scratch, &s->evidence, &ctx, &claims, &err), &err);
	arena_reset(s->scratch);
}

static void
bare(struct scene *s)
{
	must(s->verify(&s->key, s->message, s->signature, NULL), NULL);
}

static void
raw(struct scene *s)
{
	const unsigned char *sig = (const unsigned char *)s->der.p;
	int ok = s->pkey
		     ? EVP_PKEY_verify(
			   s->pkey, sig, s->der.n, s->signed_room, s->n_signed)
		     : EVP_DigestVerify(s->md, sig, s->der.n,
			   (const unsigned char *)s->message.p, s->message.n);

	must(ok == 1, NULL);
}

/* OpenSSL's form of an ES256 signature. */
static struct str
der_of(struct arena *a, struct str jose)
{
	const unsigned char *p = (const unsigned char *)jose.p;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	unsigned char *der = NULL;
	struct str copy;
	int n;

	must(sig && ECDSA_SIG_set0(sig, BN_bin2bn(p, 32, NULL),
			BN_bin2bn(p + 32, 32, NULL)) == 1,
	    NULL);
	n = i2d_ECDSA_SIG(sig, &der);
	must(n > 0, NULL);
	copy = str_dup(a, (struct str){ (const char *)der, (size_t)n });
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	return copy;
}

/* What RSA signed, for `openssl speed` names no digest. */
static void
recover(struct scene *s)
{
	s->n_signed = sizeof s->signed_room;
	must(EVP_PKEY_verify_recover_init(s->pkey) == 1 &&
		 EVP_PKEY_verify_recover(s->pkey, s->signed_room, &s->n_signed,
		     (const unsigned char *)s->der.p, s->der.n) == 1,
	    NULL);
}

static void
prepare_raw(struct scene *s, struct arena *a)
{
	s->der = s->key.algorithm == KEYS_P256 && s->is_jose
		     ? der_of(a, s->signature)
		     : s->signature;
	if (s->key.algorithm == KEYS_ED25519) {
		s->md = EVP_MD_CTX_new();
		must(s->md && EVP_DigestVerifyInit(
				  s->md, NULL, NULL, NULL, s->key.pkey) == 1,
		    NULL);
		return;
	}
	s->pkey = EVP_PKEY_CTX_new(s->key.pkey, NULL);
	must(s->pkey != NULL, NULL);
	if (s->key.algorithm == KEYS_P256) {
		s->n_signed = 32;
		must(digest_sha256(&s->message, 1, s->signed_room), NULL);
	} else {
		recover(s);
	}
	must(EVP_PKEY_verify_init(s->pkey) == 1, NULL);
}

static void
cached(struct scene *s)
{
	const struct attest_context ctx = context_of(s);
	const struct claims *claims;

	must(attest_cache_verify(
		 s->cache, s->scratch, &s->evidence, &ctx, &claims, NULL),
	    NULL);
	arena_reset(s->scratch);
}

static void
hash(struct scene *s)
{
	const struct str parts[] = { s->evidence.kind, s->evidence.document,
		s->evidence.signature, attest_trust_version(s->trust) };
	uint8_t digest[32];

	must(digest_sha256_framed(parts, ARRAY_LEN(parts), digest), NULL);
}

/* Of this thread, as `openssl speed` counts: others may be at work. */
static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Microseconds each, the best of the rounds. */
static void
measure(struct scene *s, void (*const once[])(struct scene *), size_t n_once,
    double seconds, double ret_us[])
{
	for (size_t i = 0; i < n_once * ROUNDS; i++) {
		int64_t began = cpu_ns(), now;
		double *best = &ret_us[i % n_once], us;
		unsigned n = 0;

		do {
			for (size_t j = 0; j < BATCH; j++)
				once[i % n_once](s);
			n += BATCH;
			now = cpu_ns();
		} while ((double)(now - began) < seconds * 1e9 / ROUNDS);
		us = (double)(now - began) / n / 1e3;
		if (i < n_once || us < *best)
			*best = us;
	}
}

static int
order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Microseconds each, the median of batches. */
static double
median(struct scene *s, void (*once)(struct scene *))
{
	static double samples[SAMPLES];

	for (size_t i = 0; i < SAMPLES; i++) {
		int64_t began = cpu_ns();

		for (size_t j = 0; j < BATCH; j++)
			once(s);
		samples[i] = (double)(cpu_ns() - began) / BATCH / 1e3;
	}
	qsort(samples, SAMPLES, sizeof samples[0], order);
	return samples[SAMPLES / 2];
}

static void
trust(struct scene *s, const char *kind, const char *keys)
{
	struct attest_trust_entry entry = { .kind = str_of(kind),
		.keys = keys,
		.issuer = STR("bench"),
		.forms = 1u << s->form };
	struct error err = { 0 };

	s->trust = attest_trust_new();
	s->cache = attest_cache_new();
	s->scratch = arena_new(0);
	must(s->trust && s->cache && s->scratch, NULL);
	must(attest_trust_add(s->trust, &entry, &err), &err);
}

static void
prepare_token(struct scene *s, struct arena *a, const char *folder,
    enum attest_key_type type)
{
	const char *ring_folder = str_printf(a, "%s/ring-%d", folder, type).p;
	const char *file = str_printf(a, "%s/jwks-%d.json", folder, type).p;
	struct token_ring *ring;
	struct buf out = { 0 }, jwks = { 0 };
	struct error err = { 0 };
	struct str ignored;
	struct jws jws;
	struct token t = { .type = TOKEN_FULL,
		.issuer = STR("bench"),
		.subject = STR("i-1"),
		.audience = STR("updates"),
		.issued_at = NOON,
		.not_before = NOON,
		.expires_at = NOON + 300 };

	must(token_ring_rotate(
		 a, ring_folder, type, NOON, 0, true, &ignored, &err),
	    &err);
	ring = token_ring_open(ring_folder, &err);
	must(ring != NULL, &err);
	t.jkt = token_ring_at(ring, 0)->kid;
	must(token_issue(ring, &t, &out, &err), &err);
	must(token_ring_jwks(ring, NOON, &jwks, &err) &&
		 file_replace(file, 0600, buf_str(&jwks), &err),
	    &err);
	s->keys = token_keys_open(file, &err);
	must(s->keys != NULL, &err);
	trust(s, "token", file);
	must(attest_evidence_from_token(
		 str_dup(a, buf_str(&out)), &s->evidence, &err),
	    &err);
	must(jws_parse(a, s->evidence.document, JWS_KEY_TRUSTED, &jws, &err),
	    &err);
	s->message = jws.signed_part;
	s->signature = jws.signature;
	/* As a verifier has it, not the ring's private one. */
	s->key = *token_keys_find(s->keys, jws.kid);
	s->verify = sig_verify_jose;
	s->is_jose = true;
	buf_free(&out);
	buf_free(&jwks);
	jws_fini(&jws);
}

/* Which bytes are signed in which form, and the signature. */
static void
take_apart(struct scene *s, struct arena *a)
{
	struct buf attributes = { 0 };
	struct form f;
	const struct flat *root;
	struct error err = { 0 };

	must(form_open(a, s->form, &s->evidence, &f, &root, &err), &err);
	s->is_jose = s->form == ATTEST_JWS;
	s->verify = s->is_jose ? sig_verify_jose : sig_verify;
	s->message = s->is_jose ? f.jws.signed_part : f.bytes;
	s->signature = s->is_jose ? f.jws.signature : f.signature;
	if (s->form == ATTEST_CMS) {
		must(cms_own_attributes(f.content, &attributes), NULL);
		s->message = str_dup(a, buf_str(&attributes));
		buf_free(&attributes);
	}
	form_fini(&f);
}

static const char claims_text[] =
    "{\"imageId\":\"img-1\",\"owner\":\"acme\",\"privateIp\":"
    "\"10.0.0.7\",\"region\":\"r-1\",\"licences\":[\"base\",\"extra\"],"
    "\"os\":{\"name\":\"debian\",\"version\":\"12\"}}";

static void
prepare_document(struct scene *s, struct arena *a, const char *folder,
    enum attest_key_type type)
{
	const char *file =
	    str_printf(a, "%s/key-%d-%d.pem", folder, type, (int)s->form).p;
	const char *public_file =
	    str_printf(a, "%s/public-%d-%d.pem", folder, type, (int)s->form).p;
	struct str audience = STR("updates");
	struct attest_issue what = { .issuer = STR("bench"),
		.subject = STR("i-1"),
		.audience = &audience,
		.n_audience = 1,
		.issued_at = NOON,
		.not_before = NOON,
		.expires_at = NOON + 300,
		.form = s->form };
	struct buf document = { 0 }, signature = { 0 }, pem = { 0 };
	struct error err = { 0 };
	struct attest_key *key;
	struct keys_public *keys;
	json_t *claims = NULL;
	size_t n;

	must(json_parse(str_of(claims_text), NULL, sizeof claims_text, 4,
		 JSON_NO_NUL, &claims, &err),
	    &err);
	what.claims = claims;
	must(attest_key_create(type, file, &err), &err);
	key = attest_key_open(file, &err);
	must(key != NULL, &err);
	must(attest_key_public_pem(file, &pem, &err) &&
		 file_replace(public_file, 0600, buf_str(&pem), &err),
	    &err);
	must(attest_issue(key, &what, &document, &signature, &err), &err);
	trust(s, "avow", public_file);
	s->evidence.kind = attest_form_kind(s->form);
	s->evidence.document = str_dup(a, buf_str(&document));
	s->evidence.signature = str_dup(a, buf_str(&signature));
	take_apart(s, a);
	must(keys_public_read(a, public_file, buf_str(&pem), &keys, &n, &err),
	    &err);
	s->key = keys[0];
	sig_prepare(a, &s->key);
	attest_key_free(key);
	json_decref(claims);
	buf_free(&document);
	buf_free(&signature);
	buf_free(&pem);
	/* The rest is kept until the program ends. */
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		enum attest_key_type type;
		void (*prepare)(struct scene *, struct arena *, const char *,
		    enum attest_key_type);
		enum attest_form form;
	} rows[] = {
		{ "token ES256", KEY_P256, prepare_token, 0 },
		{ "token EdDSA", KEY_ED25519, prepare_token, 0 },
		{ "token RS256", KEY_RSA2048, prepare_token, 0 },
		{ "document P-256", KEY_P256, prepare_document, 0 },
		{ "document Ed25519", KEY_ED25519, prepare_document, 0 },
		{ "document RSA-2048", KEY_RSA2048, prepare_document, 0 },
		{ "embedded P-256", KEY_P256, prepare_document,
		    ATTEST_EMBEDDED },
		{ "embedded Ed25519", KEY_ED25519, prepare_document,
		    ATTEST_EMBEDDED },
		{ "embedded RSA-2048", KEY_RSA2048, prepare_document,
		    ATTEST_EMBEDDED },
		{ "JWS P-256", KEY_P256, prepare_document, ATTEST_JWS },
		{ "JWS Ed25519", KEY_ED25519, prepare_document, ATTEST_JWS },
		{ "JWS RSA-2048", KEY_RSA2048, prepare_document, ATTEST_JWS },
		{ "CMS P-256", KEY_P256, prepare_document, ATTEST_CMS },
		{ "CMS RSA-2048", KEY_RSA2048, prepare_document, ATTEST_CMS },
	};
	double seconds = argc > 2 ? strtod(argv[2], NULL) : 1;
	struct arena *a = arena_new(0);

	json_setup();
	if (argc < 2) {
		fputs("usage: tokens FOLDER [SECONDS [WORDS]]\n", stderr);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static void (*const all[])(
		    struct scene *) = { raw, bare, whole, whole_token };
		struct scene s = { .form = rows[i].form };
		double us[ARRAY_LEN(all)];
		size_t n;

		if (argc > 3 && !strstr(rows[i].name, argv[3]))
			continue;
		rows[i].prepare(&s, a, argv[1], rows[i].type);
		if (seconds == 0) {
			for (n = 0; n < COUNTED; n++)
				whole(&s);
			continue;
		}
		prepare_raw(&s, a);
		n = s.keys ? 4 : 3;
		measure(&s, all, n, seconds, us);
		printf("%s openssl_us %.2f signature_us %.2f whole_us %.2f "
		       "gate_us %.2f openssl/whole %.2f openssl/gate %.2f "
		       "cached_us %.2f sha256_us %.2f\n",
		    rows[i].name, us[0], us[1], us[n - 1], us[2],
		    us[0] / us[n - 1], us[0] / us[2], median(&s, cached),
		    median(&s, hash));
	}
	return 0;
}
