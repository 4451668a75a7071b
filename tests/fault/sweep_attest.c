/* sweep_attest.c - the verifier, trust and issuing with each allocation failing
 * in turn, ours and jansson's first and then OpenSSL's: claims that are right,
 * or an error; never claims from a document that is not good. */
#include "tests/fault/wrap.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "attest/attest.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

/* OpenSSL's own allocations: the k-th fails, for the thread under test. */
static struct {
	bool armed, fired;
	long n, fail_at;
} openssl;

static bool
fails(void)
{
	if (!openssl.armed || openssl.n++ != openssl.fail_at)
		return false;
	openssl.fired = true;
	return true;
}

static void *
openssl_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : malloc(n);
}

static void *
openssl_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : realloc(p, n);
}

static void
openssl_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

struct scene {
	struct kit kit;
	struct attest_evidence good, bad;
	struct attest_context ctx;
	struct attest_trust *aws; /* NULL without the outside data */
	struct attest_evidence ec2, ec2_bad;
};

static bool
verify_one(struct scene *s, struct attest_cache *cache,
    const struct attest_evidence *e)
{
	struct arena *a = arena_new(0);
	const struct claims *c = NULL;
	struct error err = { 0 };
	bool ok = false;

	if (a && cache)
		ok = attest_cache_verify(cache, a, e, &s->ctx, &c, &err);
	else if (a)
		ok = attest_verify(a, e, &s->ctx, &c, &err);
	if (a)
		ck_assert_int_eq(ok, err.code == ERR_NONE);
	if (ok)
		ck_str_is(claims_principal(c).id, "i-1");
	arena_free(a);
	return ok;
}

static bool
verify_good(void *ctx)
{
	struct scene *s = ctx;

	return verify_one(s, NULL, &s->good);
}

/* Answers "refused" as the right answer; never claims. */
static bool
verify_bad(void *ctx)
{
	struct scene *s = ctx;

	ck_assert(!verify_one(s, NULL, &s->bad));
	return true;
}

static bool
verify_cached(void *ctx)
{
	struct attest_cache *cache = attest_cache_new();
	struct scene *s = ctx;
	bool ok = cache && verify_one(s, cache, &s->good) &&
		  verify_one(s, cache, &s->good);

	if (cache)
		ck_assert(!verify_one(s, cache, &s->bad));
	attest_cache_free(cache);
	return ok;
}

/* A genuine EC2 document in PKCS #7: most of it is OpenSSL's work. */
static bool
verify_pkcs7(void *ctx)
{
	struct scene *s = ctx;
	struct attest_context real = { .trust = s->aws,
		.now_unix_s = KIT_NOON };
	struct arena *a = arena_new(0);
	const struct claims *c = NULL;
	bool ok;

	if (!s->aws) {
		arena_free(a);
		return true;
	}
	ok = a && attest_verify(a, &s->ec2, &real, &c, NULL);
	if (ok)
		ck_str_is(claims_subject(c), "i-078517ca8a70a1dde");
	if (a) {
		c = NULL;
		ck_assert(!attest_verify(a, &s->ec2_bad, &real, &c, NULL));
		ck_assert_ptr_null(c);
	}
	arena_free(a);
	return ok;
}

static bool
load_trust(void *ctx)
{
	struct scene *s = ctx;
	struct attest_trust *t = attest_trust_new();
	struct attest_trust_entry entry = { .kind = STR("avow"),
		.issuer = STR("acme"),
		.keys = s->kit.folder };
	struct error err = { 0 };
	bool ok = t && attest_trust_add(t, &entry, &err);

	if (t)
		ck_assert_int_eq(ok, attest_trust_has_kind(t, STR("avow")));
	attest_trust_free(t);
	return ok;
}

static bool
load_revoked(void *ctx)
{
	struct errors errors = { 0 };
	struct attest_revoked *r = attest_revoked_parse("r",
	    STR("instance i-1\ninstance i-2\ndocument "
		"00112233445566778899aabbccddeeff\n"),
	    &errors);
	bool ok = r != NULL;

	(void)ctx;
	ck_assert_int_eq(ok, errors.n == 0);
	attest_revoked_free(r);
	return ok;
}

static bool
issue(void *ctx)
{
	struct scene *s = ctx;
	struct attest_issue what = { .issuer = STR("acme"),
		.subject = STR("i-1"),
		.issued_at = KIT_NOON,
		.not_before = KIT_NOON,
		.expires_at = KIT_NOON + 60 };
	struct buf document = { 0 }, signature = { 0 };
	struct error err = { 0 };
	bool ok = attest_issue(s->kit.key, &what, &document, &signature, &err);

	ck_assert_int_eq(ok, err.code == ERR_NONE);
	buf_free(&document);
	buf_free(&signature);
	return ok;
}

static bool
packs(void *ctx)
{
	struct scene *s = ctx;
	struct arena *a = arena_new(0);
	struct attest_evidence back;
	struct buf pack = { 0 };
	bool ok = a && attest_evidence_pack(&s->good, &pack, NULL) &&
		  attest_evidence_from_pack(a, buf_str(&pack), &back, NULL);

	if (ok)
		ck_assert(str_eq(back.document, s->good.document));
	buf_free(&pack);
	arena_free(a);
	return ok;
}

static const struct {
	const char *name;
	bool (*once)(void *);
} sweeps[] = {
	{ "verify", verify_good },
	{ "refuse", verify_bad },
	{ "cache", verify_cached },
	{ "trust", load_trust },
	{ "pkcs7", verify_pkcs7 },
	{ "revoked", load_revoked },
	{ "issue", issue },
	{ "pack", packs },
};

#define EC2 "vectors/ec2-documents/teleport-ec2-rsa2048/"

static void
load_ec2(struct scene *s)
{
	struct arena *a = s->kit.arena;
	struct attest_trust_entry entry = { .kind = STR("ec2-rsa2048"),
		.allow_unpinned = true };
	struct str document, signature;

	s->aws = NULL;
	if (!kit_testdata(a, EC2 "instance1.document.json", &document) ||
	    !kit_testdata(a, EC2 "instance1.p7.der", &signature))
		return;
	entry.keys = testdata(EC2 "us-west-2.rsa2048.pem");
	s->aws = attest_trust_new();
	ck_assert(entry.keys && attest_trust_add(s->aws, &entry, NULL));
	s->ec2 = (struct attest_evidence){ entry.kind, document, signature };
	/* The last byte is the signature's own. */
	s->ec2_bad = s->ec2;
	s->ec2_bad.signature = str_dup(a, signature);
	for (size_t i = signature.n; i > 0; i--)
		if (signature.p[i - 1] != 0) {
			memset(
			    (char *)(uintptr_t)s->ec2_bad.signature.p + i - 1,
			    signature.p[i - 1] ^ 1, 1);
			break;
		}
}

static void
scene_init(struct scene *s)
{
	kit_init(&s->kit, KEY_P256);
	s->ctx = kit_context(&s->kit);
	s->good = kit_sign(&s->kit, kit_document(&s->kit, NULL, NULL));
	s->bad = s->good;
	s->bad.document = kit_document(&s->kit, "gold", "iron");
	load_ec2(s);
}

START_TEST(ours_and_janssons)
{
	static struct scene s;

	scene_init(&s);
	(void)fault_sweep(sweeps[_i].name, sweeps[_i].once, &s);
	attest_trust_free(s.aws);
	kit_fini(&s.kit);
}
END_TEST

START_TEST(openssls)
{
	static struct scene s;
	bool ok = false;

	scene_init(&s);
	/* Once without, for what OpenSSL sets up for good. */
	ck_assert(sweeps[_i].once(&s));
	openssl.fail_at = 0;
	do {
		openssl.n = 0;
		openssl.fired = false;
		openssl.armed = true;
		ok = sweeps[_i].once(&s);
		openssl.armed = false;
		openssl.fail_at++;
		ck_assert_int_lt(openssl.fail_at, 100000);
	} while (openssl.fired);
	ck_assert_msg(ok, "%s: no answer at last", sweeps[_i].name);
	attest_trust_free(s.aws);
	kit_fini(&s.kit);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sweep attest");
	TCase *tc = tcase_create("sweep attest");

	/* Before OpenSSL allocates anything. */
	if (CRYPTO_set_mem_functions(
		openssl_malloc, openssl_realloc, openssl_free) != 1)
		return EXIT_FAILURE;
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, ours_and_janssons, 0, ARRAY_LEN(sweeps));
	tcase_add_loop_test(tc, openssls, 0, ARRAY_LEN(sweeps));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
