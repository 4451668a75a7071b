/* sweep_attest.c - the verifier, trust and issuing with each allocation failing
 * in turn, ours and jansson's first and then OpenSSL's: claims that are right,
 * or an error; never claims from a document that is not good. */
#include "tests/fault/wrap.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "attest/attest.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"
#include "tests/unit/attest/token_kit.h"

#include "attest/dpop.h"
#include "attest/form.h"
#include "attest/jcs.h"
#include "attest/jws.h"
#include "attest/keys.h"
#include "attest/signer.h"

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
	struct attest_evidence joined[3]; /* of packs */
	struct attest_context ctx;
	struct attest_trust *forms; /* the kit's, taking all forms */
	struct attest_trust *aws;   /* NULL without the outside data */
	struct attest_evidence ec2, ec2_bad;
	struct kit google; /* its key alone */
	struct attest_trust *gcp;
	struct attest_evidence identity;
	struct token_kit tokens;
	struct str token;
	json_t *claims;
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

/* A token of Google's, and the same for somebody else, which never passes. */
static bool
verify_gcp(void *ctx)
{
	struct scene *s = ctx;
	struct attest_context google = { .trust = s->gcp,
		.now_unix_s = KIT_NOON,
		.audience = STR("updates") };
	struct arena *a = arena_new(0);
	const struct claims *c = NULL;
	struct error err = { 0 };
	bool ok = a && attest_verify(a, &s->identity, &google, &c, &err);

	if (ok)
		ck_str_is(claims_subject(c), "7");
	if (a) {
		c = NULL;
		google.audience = STR("elsewhere");
		ck_assert(!attest_verify(a, &s->identity, &google, &c, NULL));
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

/* Two together, then the first with another: from a cache it is lent. What
 * cannot be kept is verified again; claims come whole or not at all. */
static bool
packs_cached(void *ctx)
{
	struct scene *s = ctx;
	struct attest_cache *cache = attest_cache_new();
	bool ok = cache != NULL;

	for (size_t i = 0; ok && i < ARRAY_LEN(s->joined); i++)
		ok = verify_one(s, cache, &s->joined[i]);
	attest_cache_free(cache);
	return ok;
}

/* ---- tokens ---- */

static bool
verify_text(struct scene *s, struct str text)
{
	struct token_want want = token_kit_want(&s->tokens);
	struct arena *a = arena_new(0);
	struct token t = { 0 };
	struct error err = { 0 };
	bool ok = a && token_verify(a, text, &want, &t, &err);

	if (a)
		ck_assert_int_eq(ok, err.code == ERR_NONE);
	if (ok)
		ck_str_is(t.subject, "i-1");
	token_fini(&t);
	arena_free(a);
	return ok;
}

/* And never the same with one letter changed. */
static bool
verify_token(void *ctx)
{
	struct scene *s = ctx;
	struct str text = s->token;
	char *letter = (char *)(uintptr_t)text.p + text.n - 20;
	char was = *letter;
	bool ok = verify_text(s, text);

	*letter = was == 'A' ? 'B' : 'A';
	ck_assert(!verify_text(s, text));
	*letter = was;
	return ok;
}

static bool
issue_token(void *ctx)
{
	struct scene *s = ctx;
	struct token t = token_kit_token(&s->tokens);
	struct buf out = { 0 };
	struct error err = { 0 };
	bool ok;

	t.claims = s->claims;
	ok = token_issue(s->tokens.ring, &t, &out, &err);
	ck_assert_int_eq(ok, err.code == ERR_NONE);
	ck_assert(ok || out.n == 0 || out.failed);
	buf_free(&out);
	return ok;
}

static bool
exchange_token(void *ctx)
{
	struct scene *s = ctx;
	struct token t = token_kit_token(&s->tokens), got = { 0 };
	struct str keep = STR("owner");
	struct arena *a = arena_new(0);
	struct token_exchange x = { .subject = &t,
		.proven_jkt = t.jkt,
		.service = t.audience,
		.type = TOKEN_FULL,
		.audience = STR("web"),
		.claims = &keep,
		.n_claims = 1,
		.now_unix_s = KIT_NOON };
	bool ok;

	t.claims = s->claims;
	ok = a && token_exchange(a, &x, &got, NULL);
	if (ok)
		ck_assert_uint_eq(json_object_size(got.claims), 1);
	token_fini(&got);
	arena_free(a);
	return ok;
}

static bool
read_keys(void *ctx)
{
	struct scene *s = ctx;
	struct buf jwks = { 0 };
	bool ok = token_ring_jwks(s->tokens.ring, KIT_NOON, &jwks, NULL);
	struct token_keys *keys =
	    ok ? token_keys_parse("jwks", buf_str(&jwks), NULL) : NULL;

	token_keys_free(keys);
	buf_free(&jwks);
	return keys != NULL;
}

static bool
open_ring(void *ctx)
{
	struct scene *s = ctx;
	struct token_ring *r = token_ring_open(s->tokens.folder, NULL);
	bool ok = r && token_ring_count(r) == 1;

	token_ring_free(r);
	return ok;
}

/* Made, checked and spent; and then never again. */
static bool
prove(void *ctx)
{
	struct scene *s = ctx;
	struct dpop *d = dpop_new(NULL);
	struct dpop_request q = { .method = STR("GET"),
		.url = STR("https://h/a"),
		.shown = STR("t"),
		.now_unix_s = KIT_NOON };
	char nonce[DPOP_NONCE + 1];
	struct buf out = { 0 };
	struct dpop_proof p;
	bool stale, ok = d && dpop_nonce(d, KIT_NOON, nonce, NULL);

	ok = ok && dpop_make(s->tokens.holder, &q, str_of(nonce), STR("1"),
		       &out, NULL);
	q.proof = buf_str(&out);
	ok = ok && dpop_check(d, &q, &p, &stale, NULL) &&
	     dpop_spend(d, &p, KIT_NOON, NULL);
	if (ok)
		ck_assert(!dpop_spend(d, &p, KIT_NOON, NULL));
	dpop_free(d);
	buf_free(&out);
	return ok;
}

/* ---- forms that have their signature inside ---- */

/* Issued, and verified as what it is; with one bit changed it never is. */
static bool
in_form(struct scene *s, enum attest_form form)
{
	struct attest_issue what = { .issuer = STR("acme"),
		.subject = STR("i-1"),
		.issued_at = KIT_NOON,
		.not_before = KIT_NOON,
		.expires_at = KIT_NOON + 60,
		.form = form };
	struct attest_context real = { .trust = s->forms,
		.now_unix_s = KIT_NOON };
	struct attest_evidence e = { .kind = attest_form_kind(form) };
	struct buf document = { 0 }, signature = { 0 };
	struct arena *a = arena_new(0);
	const struct claims *c = NULL;
	bool ok = attest_issue(s->kit.key, &what, &document, &signature, NULL);

	ck_assert(ok || document.n == 0);
	e.document = buf_str(&document);
	ok = ok && a && attest_verify(a, &e, &real, &c, NULL);
	if (ok)
		ck_str_is(claims_subject(c), "i-1");
	if (a && document.n > 0) {
		c = NULL;
		document.p[document.n / 2] ^= 1;
		ck_assert(!attest_verify(a, &e, &real, &c, NULL));
		ck_assert_ptr_null(c);
	}
	buf_free(&document);
	buf_free(&signature);
	arena_free(a);
	return ok;
}

static bool
form_embedded(void *ctx)
{
	return in_form(ctx, ATTEST_EMBEDDED);
}

static bool
form_jws(void *ctx)
{
	return in_form(ctx, ATTEST_JWS);
}

static bool
form_cms(void *ctx)
{
	return in_form(ctx, ATTEST_CMS);
}

/* A signer says no, or signs what it was asked; its line is whole or none. */
static bool
signer(void *ctx)
{
	static const char *const members[] = { "message", "content" };
	const struct signer_rules rules = { SIGNER_DOCUMENT, STR("acme"),
		86400 };
	struct scene *s = ctx;
	bool all = true;

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		struct buf line = { 0 }, out = { 0 };
		struct signer_done done;

		buf_printf(&line, "{\"op\":\"sign\",\"%s\":\"", members[i]);
		base64_encode(&line, BASE64_URL, s->good.document);
		buf_addz(&line, "\"}");
		if (buf_ok(&line)) {
			signer_answer(s->kit.key, &rules, buf_str(&line),
			    KIT_NOON, &out, &done);
			all = all && done.code == ERR_NONE;
		} else {
			all = false;
		}
		buf_free(&line);
		buf_free(&out);
	}
	return all;
}

static bool
canonical(void *ctx)
{
	struct scene *s = ctx;
	struct buf out = { 0 };
	bool ok = jcs_write(s->claims, &out, NULL);

	if (ok)
		ck_str_is(buf_str(&out),
		    "{\"imageId\":\"img-1\",\"owner\":\"acme\"}");
	buf_free(&out);
	return ok;
}

static const struct {
	const char *name;
	bool (*once)(void *);
	bool without_jansson; /* reads a text of 14 bytes: wrap.h */
} sweeps[] = {
	{ "verify", verify_good, false },
	{ "refuse", verify_bad, false },
	{ "cache", verify_cached, false },
	{ "trust", load_trust, false },
	{ "pkcs7", verify_pkcs7, false },
	{ "gcp", verify_gcp, true },
	{ "revoked", load_revoked, false },
	{ "issue", issue, false },
	{ "pack", packs, false },
	{ "packs from a cache", packs_cached, false },
	{ "token", verify_token, true },
	{ "token issue", issue_token, true },
	{ "token exchange", exchange_token, false },
	{ "token keys", read_keys, false },
	{ "token ring", open_ring, false },
	{ "proof", prove, false },
	{ "canonical", canonical, false },
	{ "embedded", form_embedded, true },
	{ "jws", form_jws, true },
	{ "cms", form_cms, true },
	{ "signer", signer, true },
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
load_forms(struct scene *s)
{
	struct attest_trust_entry entry = { .kind = STR("avow"),
		.issuer = STR("acme"),
		.keys = s->kit.folder,
		.forms = (1u << ATTEST_FORMS) - 1 };

	s->forms = attest_trust_new();
	ck_assert(attest_trust_add(s->forms, &entry, NULL));
}

static void
load_gcp(struct scene *s)
{
	static const char payload[] =
	    "{\"iss\":\"https://accounts.google.com\",\"aud\":\"updates\","
	    "\"iat\":1772366400,\"exp\":1772370000,\"google\":{"
	    "\"compute_engine\":{\"instance_id\":\"7\",\"project_id\":\"p\","
	    "\"zone\":\"us-central1-a\",\"license_id\":[\"1\"]}}}";
	static const struct str owner = STR_INIT("p");
	struct attest_trust_entry entry = {
		.kind = STR("gcp"), .owners = &owner, .n_owners = 1
	};
	struct buf text = { 0 };

	kit_init(&s->google, KEY_RSA2048);
	entry.keys = s->google.folder;
	s->gcp = attest_trust_new();
	ck_assert(attest_trust_add(s->gcp, &entry, NULL));
	ck_assert(jws_sign(
	    &s->google.key->public, "JWT", NULL, str_of(payload), &text, NULL));
	s->identity = (struct attest_evidence){ entry.kind,
		str_dup(s->google.arena, buf_str(&text)), STR("") };
	buf_free(&text);
}

/* The kit's document under another id each, as packs. */
static void
load_joined(struct scene *s)
{
	static const char *const ids[] = { "00112233445566778899aabbccddeeff",
		"10112233445566778899aabbccddeeff",
		"20112233445566778899aabbccddeeff" };
	static const unsigned pairs[][2] = { { 0, 1 }, { 0, 2 }, { 0, 2 } };
	struct attest_evidence one[ARRAY_LEN(ids)];

	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		one[i] =
		    kit_sign(&s->kit, kit_document(&s->kit, ids[0], ids[i]));
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct buf b = { 0 };

		ck_assert(attest_evidence_pack(&one[pairs[i][0]], &b, NULL));
		buf_byte(&b, '~');
		ck_assert(attest_evidence_pack(&one[pairs[i][1]], &b, NULL));
		ck_assert(attest_evidence_from_pack(
		    s->kit.arena, buf_str(&b), &s->joined[i], NULL));
		buf_free(&b);
	}
}

static void
scene_init(struct scene *s)
{
	struct token t;

	kit_init(&s->kit, KEY_P256);
	s->ctx = kit_context(&s->kit);
	s->good = kit_sign(&s->kit, kit_document(&s->kit, NULL, NULL));
	s->bad = s->good;
	s->bad.document = kit_document(&s->kit, "gold", "iron");
	load_joined(s);
	load_forms(s);
	load_ec2(s);
	load_gcp(s);
	token_kit_init(&s->tokens, KEY_P256);
	s->claims =
	    json_pack("{s:s, s:s}", "owner", "acme", "imageId", "img-1");
	t = token_kit_token(&s->tokens);
	t.claims = s->claims;
	s->token = token_kit_issue(&s->tokens, &t);
}

static void
scene_fini(struct scene *s)
{
	json_decref(s->claims);
	token_kit_fini(&s->tokens);
	attest_trust_free(s->aws);
	attest_trust_free(s->forms);
	attest_trust_free(s->gcp);
	kit_fini(&s->google);
	kit_fini(&s->kit);
}

START_TEST(ours_and_janssons)
{
	static struct scene s;

	scene_init(&s);
	(void)(sweeps[_i].without_jansson ? fault_sweep_ours : fault_sweep)(
	    sweeps[_i].name, sweeps[_i].once, &s);
	scene_fini(&s);
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
	scene_fini(&s);
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
