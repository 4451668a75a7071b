/* The cache, warm with one good document of each form, or a token: nothing but
 * the very same bytes is a hit. */
#include "attest/attest.h"

#include "attest/form.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"
#include "tests/unit/attest/token_kit.h"

struct warm {
	struct kit kit;
	struct attest_trust *trust;
	struct attest_cache *cache;
	struct attest_context ctx;
	struct attest_evidence evidence;
	const struct claims *kept;
};

static const struct {
	const char *note;
	enum attest_key_type type;
	enum attest_form form;
} rows[] = {
	{ "detached RSA", KEY_RSA2048, ATTEST_DETACHED },
	{ "detached P-256", KEY_P256, ATTEST_DETACHED },
	{ "detached Ed25519", KEY_ED25519, ATTEST_DETACHED },
	{ "embedded RSA", KEY_RSA2048, ATTEST_EMBEDDED },
	{ "embedded P-256", KEY_P256, ATTEST_EMBEDDED },
	{ "JWS RSA", KEY_RSA2048, ATTEST_JWS },
	{ "JWS P-256", KEY_P256, ATTEST_JWS },
	{ "JWS Ed25519", KEY_ED25519, ATTEST_JWS },
	{ "CMS RSA", KEY_RSA2048, ATTEST_CMS },
	{ "CMS P-256", KEY_P256, ATTEST_CMS },
};

/* One of each form, whose key is made fast. */
static const size_t quick[] = { 1, 4, 6, 9 };

static struct str
kept(struct kit *k, struct buf *b)
{
	struct str s = str_dup(k->arena, buf_str(b));

	ck_assert(buf_ok(b) && s.p);
	buf_free(b);
	return s;
}

static void
issue(struct warm *w, enum attest_form form, const char *custom)
{
	static const struct str audience[] = { STR_INIT("updates") };
	struct attest_issue what = { .issuer = STR("acme"),
		.subject = STR("i-1"),
		.audience = audience,
		.n_audience = 1,
		.issued_at = KIT_NOON,
		.not_before = KIT_NOON,
		.expires_at = KIT_NOON + 3600,
		.form = form };
	struct buf document = { 0 }, signature = { 0 };
	json_t *claims =
	    json_pack("{s:s, s:{s:s}}", "owner", "acme", "custom", "a", custom);
	struct error err = { 0 };

	what.claims = claims;
	ck_assert_msg(
	    attest_issue(w->kit.key, &what, &document, &signature, &err), "%s",
	    err.msg);
	json_decref(claims);
	w->evidence.kind = attest_form_kind(form);
	w->evidence.document = kept(&w->kit, &document);
	w->evidence.signature = kept(&w->kit, &signature);
}

/* ERR_NONE, and the claims, or why not. */
static enum err_code
ask(struct warm *w, const struct attest_evidence *e, const struct claims **ret)
{
	const struct claims *c = NULL;
	struct error err = { 0 };
	bool ok =
	    attest_cache_verify(w->cache, w->kit.arena, e, &w->ctx, &c, &err);

	ck_assert_int_eq(ok, c != NULL);
	ck_assert_int_eq(ok, err.code == ERR_NONE);
	if (ret)
		*ret = c;
	return err.code;
}

/* `custom` that is not plain makes the document one that is not read at once.
 */
static void
warm_init(struct warm *w, size_t row, const char *custom)
{
	struct attest_trust_entry entry = { .kind = STR("avow"),
		.issuer = STR("acme"),
		.audience_required = true,
		.forms = (1u << ATTEST_FORMS) - 1 };

	*w = (struct warm){ 0 };
	kit_init(&w->kit, rows[row].type);
	entry.keys = w->kit.folder;
	w->trust = attest_trust_new();
	ck_assert(attest_trust_add(w->trust, &entry, NULL));
	w->ctx = kit_context(&w->kit);
	w->ctx.trust = w->trust;
	w->cache = attest_cache_new();
	issue(w, rows[row].form, custom);
	ck_assert_int_eq(ask(w, &w->evidence, NULL), ERR_NONE);
	ck_assert_int_eq(ask(w, &w->evidence, &w->kept), ERR_NONE);
}

static void
warm_fini(struct warm *w)
{
	const struct claims *c;

	/* What was asked meanwhile left the entry as it was. */
	ck_assert_int_eq(ask(w, &w->evidence, &c), ERR_NONE);
	ck_assert_ptr_eq(c, w->kept);
	attest_cache_free(w->cache);
	attest_trust_free(w->trust);
	kit_fini(&w->kit);
}

/* Each byte of *part in turn, with one bit of it changed. */
static void
change_each(struct warm *w, struct attest_evidence *e, struct str *part)
{
	const struct str good = *part;
	char *bytes = arena_bytes(w->kit.arena, good.n + 1);

	*part = (struct str){ bytes, good.n };
	for (size_t i = 0; i < good.n; i++) {
		memcpy(bytes, good.p, good.n);
		bytes[i] = (char)(bytes[i] ^ 1 << i % 8);
		ck_assert_msg(
		    ask(w, e, NULL) != ERR_NONE, "byte %zu of %zu", i, good.n);
	}
	/* One more, whatever it is, and one less. */
	memcpy(bytes, good.p, good.n);
	part->n++;
	for (unsigned c = 0; c < 256; c += 5) {
		bytes[good.n] = (char)c;
		ck_assert_msg(ask(w, e, NULL) != ERR_NONE, "and 0x%02x", c);
	}
	for (part->n = (good.n - 1) % 9; part->n < good.n; part->n += 9)
		ck_assert_msg(
		    ask(w, e, NULL) != ERR_NONE, "%zu bytes", part->n);
	*part = good;
}

START_TEST(every_byte_counts)
{
	static const char *const customs[] = { "plain", "\xc3\xa9" };

	/* What is not read at once: with the key that is checked fastest. */
	size_t n = rows[_i].type == KEY_RSA2048 ? 2 : 1;

	for (size_t i = 0; i < n; i++) {
		struct warm w;
		struct attest_evidence e;

		warm_init(&w, (size_t)_i, customs[i]);
		e = w.evidence;
		change_each(&w, &e, &e.document);
		if (e.signature.n > 0)
			change_each(&w, &e, &e.signature);
		warm_fini(&w);
	}
}
END_TEST

/* The same bytes under each other kind; and a byte moved from document to
 * signature and back. */
START_TEST(the_kind_and_the_cut_count)
{
	static const struct str kinds[] = { STR_INIT("avow"),
		STR_INIT("avow-embedded"), STR_INIT("avow-jws"),
		STR_INIT("avow-cms"), STR_INIT("token"), STR_INIT("packs"),
		STR_INIT("gcp"), STR_INIT("ec2-signature"), STR_INIT("") };
	struct warm w;
	struct attest_evidence e;
	struct str both;

	warm_init(&w, quick[_i], "plain");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		e = w.evidence;
		e.kind = kinds[i];
		if (!str_eq(e.kind, w.evidence.kind))
			ck_assert_int_ne(ask(&w, &e, NULL), ERR_NONE);
	}
	e = w.evidence;
	both = str_printf(w.kit.arena, "%.*s", STR_ARG(e.document));
	if (e.signature.n > 0) {
		char *p =
		    arena_bytes(w.kit.arena, e.document.n + e.signature.n);

		memcpy(p, both.p, both.n);
		memcpy(p + both.n, e.signature.p, e.signature.n);
		e.document = (struct str){ p, both.n + 1 };
		e.signature =
		    (struct str){ p + both.n + 1, w.evidence.signature.n - 1 };
		ck_assert_int_ne(ask(&w, &e, NULL), ERR_NONE);
		e.document.n -= 2;
		e.signature =
		    (struct str){ p + both.n - 1, w.evidence.signature.n + 1 };
		ck_assert_int_ne(ask(&w, &e, NULL), ERR_NONE);
	}
	warm_fini(&w);
}
END_TEST

/* Another good document, and its signature under the first one's bytes. */
START_TEST(signatures_are_not_exchanged)
{
	struct warm w;
	struct attest_evidence first, mixed;
	const struct claims *c;

	warm_init(&w, quick[_i], "plain");
	first = w.evidence;
	issue(&w, rows[quick[_i]].form, "other");
	ck_assert_int_eq(ask(&w, &w.evidence, &c), ERR_NONE);
	ck_assert_ptr_ne(c, w.kept);
	mixed = first;
	if (first.signature.n > 0) {
		mixed.signature = w.evidence.signature;
		ck_assert_int_ne(ask(&w, &mixed, NULL), ERR_NONE);
		mixed = w.evidence;
		mixed.signature = first.signature;
		ck_assert_int_ne(ask(&w, &mixed, NULL), ERR_NONE);
	}
	w.evidence = first;
	warm_fini(&w);
}
END_TEST

/* Two signatures of one document, both good (n - s for s would be one, too):
 * two entries, each found again. */
START_TEST(each_signature_has_its_own)
{
	struct warm w;
	struct attest_evidence other;
	const struct claims *c, *again;

	warm_init(&w, 1, "plain");
	other = kit_sign(&w.kit, w.evidence.document);
	ck_assert(!str_eq(other.signature, w.evidence.signature));
	ck_assert_int_eq(ask(&w, &other, NULL), ERR_NONE);
	ck_assert_int_eq(ask(&w, &other, &c), ERR_NONE);
	ck_assert_ptr_ne(c, w.kept);
	ck_assert_int_eq(ask(&w, &other, &again), ERR_NONE);
	ck_assert_ptr_eq(c, again);
	warm_fini(&w);
}
END_TEST

static bool
ask_token(struct attest_cache *cache, struct arena *a,
    const struct attest_evidence *e, const struct attest_context *ctx)
{
	const struct claims *c = NULL;

	return attest_cache_verify(cache, a, e, ctx, &c, NULL);
}

START_TEST(every_byte_of_a_token_counts)
{
	struct token_kit k;
	struct attest_trust_entry entry = { .kind = STR("token"),
		.issuer = STR("https://sts.example") };
	struct attest_trust *trust = attest_trust_new();
	struct attest_cache *cache = attest_cache_new();
	struct attest_evidence e;
	struct attest_context ctx = { .trust = trust,
		.now_unix_s = KIT_NOON,
		.audience = STR("updates") };
	struct buf jwks = { 0 };
	struct token t;
	struct str good;
	char *bytes;

	token_kit_init(&k, _i ? KEY_P256 : KEY_RSA2048);
	ck_assert(token_ring_jwks(k.ring, KIT_NOON, &jwks, NULL));
	entry.keys = kit_file(k.a, "forms.jwks", buf_str(&jwks));
	buf_free(&jwks);
	ck_assert(attest_trust_add(trust, &entry, NULL));
	t = token_kit_token(&k);
	ctx.proven_jkt = t.jkt;
	good = token_kit_issue(&k, &t);
	ck_assert(attest_evidence_from_token(good, &e, NULL));
	ck_assert(ask_token(cache, k.a, &e, &ctx));
	bytes = arena_bytes(k.a, good.n + 1);
	e.document = (struct str){ bytes, good.n };
	for (size_t i = 0; i < good.n; i++)
		for (unsigned bit = 1; bit < 0x80; bit <<= 5) {
			memcpy(bytes, good.p, good.n);
			bytes[i] = (char)(bytes[i] ^ (char)bit);
			ck_assert_msg(!ask_token(cache, k.a, &e, &ctx),
			    "byte %zu, bit 0x%02x", i, bit);
		}
	memcpy(bytes, good.p, good.n);
	bytes[good.n] = '.';
	ck_assert(ask_token(cache, k.a, &e, &ctx));
	e.document.n++;
	ck_assert(!ask_token(cache, k.a, &e, &ctx));
	attest_cache_free(cache);
	attest_trust_free(trust);
	token_kit_fini(&k);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cache_forms");
	TCase *tc = tcase_create("cache_forms");
	const int n = (int)ARRAY_LEN(rows);

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, every_byte_counts, 0, n);
	tcase_add_loop_test(tc, the_kind_and_the_cut_count, 0, 4);
	tcase_add_loop_test(tc, signatures_are_not_exchanged, 0, 4);
	tcase_add_test(tc, each_signature_has_its_own);
	tcase_add_loop_test(tc, every_byte_of_a_token_counts, 0, 2);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
