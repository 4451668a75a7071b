/* The four forms of our own documents: they say the same, and each is read in
 * one way only. */
#include "attest/form.h"

#include <openssl/bn.h>
#include <openssl/cms.h>
#include <openssl/ecdsa.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "attest/cms_own.h"
#include "attest/doc.h"
#include "attest/jcs.h"
#include "attest/sig.h"
#include "base/base64.h"
#include "base/limits.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

#define ALL ((1u << ATTEST_FORMS) - 1)

struct scene {
	struct kit kit;
	struct attest_trust *trust; /* takes all forms */
	struct attest_context ctx;
	json_t *claims;
};

static void
scene_init(struct scene *s, enum attest_key_type type)
{
	struct attest_trust_entry entry = { .kind = STR("avow"),
		.issuer = STR("acme"),
		.audience_required = true,
		.forms = ALL };

	kit_init(&s->kit, type);
	entry.keys = s->kit.folder;
	s->trust = attest_trust_new();
	ck_assert(attest_trust_add(s->trust, &entry, NULL));
	s->ctx = kit_context(&s->kit);
	s->ctx.trust = s->trust;
	s->claims = json_pack("{s:s, s:{s:s}}", "owner", "acme-owner", "custom",
	    "signature", "\xc3\xa9\xe2\x82\xac");
}

static void
scene_fini(struct scene *s)
{
	json_decref(s->claims);
	attest_trust_free(s->trust);
	kit_fini(&s->kit);
}

static struct str
kept(struct scene *s, struct buf *b)
{
	struct str copy = str_dup(s->kit.arena, buf_str(b));

	ck_assert(buf_ok(b) && copy.p);
	buf_free(b);
	return copy;
}

static bool
issue(struct scene *s, enum attest_form form, struct attest_evidence *ret,
    struct error *reterr)
{
	static const struct str audience[] = { STR_INIT("updates") };
	struct attest_issue what = { .issuer = STR("acme"),
		.subject = STR("i-1"),
		.audience = audience,
		.n_audience = 1,
		.issued_at = KIT_NOON,
		.not_before = KIT_NOON,
		.expires_at = KIT_NOON + 3600,
		.claims = s->claims,
		.form = form };
	struct buf document = { 0 }, signature = { 0 };

	if (!attest_issue(s->kit.key, &what, &document, &signature, reterr)) {
		ck_assert_uint_eq(document.n + signature.n, 0);
		return false;
	}
	*ret = (struct attest_evidence){ attest_form_kind(form),
		kept(s, &document), kept(s, &signature) };
	return true;
}

static struct attest_evidence
issued(struct scene *s, enum attest_form form)
{
	struct attest_evidence e = { 0 };
	struct error err = { 0 };

	ck_assert_msg(issue(s, form, &e, &err), "%s", err.msg);
	return e;
}

static enum err_code
verdict(struct scene *s, const struct attest_evidence *e, struct error *ret)
{
	const struct claims *c = NULL;
	struct arena *a = arena_new(0);
	struct error err = { 0 };
	bool ok = attest_verify(a, e, &s->ctx, &c, &err);

	ck_assert_int_eq(ok, err.code == ERR_NONE);
	ck_assert_int_eq(ok, c != NULL);
	if (ok)
		ck_str_is(claims_subject(c), "i-1");
	arena_free(a);
	if (ret)
		*ret = err;
	return err.code;
}

#define check_code(s, e, want, note)                                           \
	do {                                                                   \
		struct error err_ = { 0 };                                     \
		enum err_code code_ = verdict((s), (e), &err_);                \
		ck_assert_msg(code_ == (want), "%s: got `%s` (%s), want `%s`", \
		    (note), error_id(code_), err_.msg, error_id(want));        \
	} while (0)

/* ---- all forms alike ---- */

static const enum attest_key_type types[] = { KEY_RSA2048, KEY_P256,
	KEY_ED25519 };
#define EACH (ARRAY_LEN(types) * ATTEST_FORMS)

START_TEST(every_form_says_the_same)
{
	enum attest_key_type type = types[_i / ATTEST_FORMS];
	enum attest_form form = (enum attest_form)(_i % ATTEST_FORMS), back;
	struct scene s;
	struct attest_evidence e, again;
	const struct claims *c = NULL;
	struct error err = { 0 };
	struct buf pack = { 0 };
	int64_t at = 0;

	scene_init(&s, type);
	if (type == KEY_ED25519 && form == ATTEST_CMS) {
		ck_assert(!issue(&s, form, &e, &err));
		ck_assert_int_eq(err.code, ERR_KEY_FORM);
		scene_fini(&s);
		return;
	}
	e = issued(&s, form);
	ck_assert_int_eq(e.signature.n > 0, form == ATTEST_DETACHED);
	ck_assert(attest_form_of_kind(e.kind, &back) && back == form);
	ck_assert(attest_evidence_pack(&e, &pack, &err));
	ck_assert_msg(attest_evidence_from_pack(
			  s.kit.arena, buf_str(&pack), &again, &err),
	    "%s", err.msg);
	ck_assert_msg(attest_verify(s.kit.arena, &again, &s.ctx, &c, &err),
	    "%s", err.msg);
	ck_str_is(claims_kind(c), "avow");
	ck_str_is(claims_issuer(c), "acme");
	ck_str_is(claims_key_id(c), s.kit.key->public.thumbprint);
	ck_assert_uint_eq(claims_document_id(c).n, 32);
	ck_assert(claims_expires_at(c, &at) && at == KIT_NOON + 3600);
	ck_assert(claims_has(c, STR("owner")));
	buf_free(&pack);
	scene_fini(&s);
}
END_TEST

/* What is issued here is read at once, and says what any other way finds. */
START_TEST(our_own_are_read_at_once)
{
	enum attest_form form = (enum attest_form)(_i % ATTEST_FORMS);
	struct scene s;
	struct attest_evidence e;
	const struct flat *root;
	struct form own, any;
	struct str id;
	struct doc x, y;

	scene_init(&s, KEY_RSA2048);
	json_decref(s.claims);
	s.claims = json_pack("{s:s, s:[s], s:{s:s}, s:{s:s}}", "owner",
	    "acme-owner", "licences", "base", "os", "name", "debian", "custom",
	    "signature", "keyId");
	e = issued(&s, form);
	ck_assert(form_open_own(s.kit.arena, form, &e, &own, &id));
	ck_assert(form_open(s.kit.arena, form, &e, &any, &root, NULL));
	ck_str_is(id, s.kit.key->public.thumbprint);
	ck_assert(form_same(&own, &any));
	ck_assert(form_verify(&own, &s.kit.key->public, NULL));
	ck_assert(form_read_own(s.kit.arena, &own, id, &x));
	ck_assert(doc_read(s.kit.arena, root, &y, NULL));
	ck_assert(str_eq(x.id, y.id) && str_eq(x.key_id, y.key_id) &&
		  str_eq(x.subject, y.subject) && str_eq(x.owner, y.owner));
	/* Another key's name in it is not the one that was looked for. */
	ck_assert(!form_read_own(s.kit.arena, &own, x.subject, &x));
	form_fini(&own);
	form_fini(&any);
	scene_fini(&s);
}
END_TEST

/* All that policies see of it. */
static struct str
seen(struct scene *s, const struct claims *c)
{
	const struct entity *e = claims_entity(c);
	struct buf b = { 0 };

	value_print_uid(&b, e->uid);
	value_print(&b, &e->attrs);
	value_print(&b, &e->tags);
	for (size_t i = 0; i < e->n_parents; i++)
		value_print_uid(&b, e->parents[i]);
	buf_add(&b, claims_kind(c));
	buf_add(&b, claims_key_id(c));
	return kept(s, &b);
}

/* Claims are lent from what verification kept, never from what was shown: read
 * of plain text, and of text that needs a tree. */
START_TEST(claims_outlive_the_evidence)
{
	enum attest_form form = (enum attest_form)(_i % ATTEST_FORMS);
	struct scene s;
	struct attest_evidence e;
	const struct claims *c;
	struct str before;
	struct error err = { 0 };

	scene_init(&s, KEY_P256);
	if (_i >= ATTEST_FORMS)
		ck_assert_int_eq(json_object_set_new(s.claims, "custom",
				     json_pack("{s:s}", "\n", "\xc3\xa9")),
		    0);
	e = issued(&s, form);
	ck_assert_msg(
	    attest_verify(s.kit.arena, &e, &s.ctx, &c, &err), "%s", err.msg);
	before = seen(&s, c);
	memset((char *)(uintptr_t)e.document.p, 'x', e.document.n);
	memset((char *)(uintptr_t)e.signature.p, 'x', e.signature.n);
	ck_assert(str_eq(seen(&s, c), before));
	scene_fini(&s);
}
END_TEST

START_TEST(a_form_that_is_not_listed)
{
	struct scene s;

	scene_init(&s, KEY_P256);
	s.ctx.trust = s.kit.trust; /* no forms: detached */
	for (unsigned form = 0; form < ATTEST_FORMS; form++) {
		struct attest_evidence e = issued(&s, form);

		check_code(&s, &e,
		    form == ATTEST_DETACHED ? ERR_NONE : ERR_EVIDENCE_KIND,
		    "not listed");
	}
	ck_assert(!str_eq(
	    attest_trust_version(s.trust), attest_trust_version(s.kit.trust)));
	scene_fini(&s);
}
END_TEST

/* One document shown as what it is not. */
START_TEST(forms_are_not_mixed_up)
{
	struct scene s;
	struct attest_evidence e, other;

	scene_init(&s, KEY_P256);
	e = issued(&s, (enum attest_form)_i);
	for (unsigned form = 0; form < ATTEST_FORMS; form++) {
		if (form == (unsigned)_i)
			continue;
		other = e;
		other.kind = attest_form_kind(form);
		ck_assert_int_ne(verdict(&s, &other, NULL), ERR_NONE);
		other.signature = STR("");
		ck_assert_int_ne(verdict(&s, &other, NULL), ERR_NONE);
	}
	other = e;
	if (_i != ATTEST_DETACHED) {
		other.signature = STR("x");
		check_code(
		    &s, &other, ERR_EVIDENCE_MALFORMED, "one beside as well");
	}
	scene_fini(&s);
}
END_TEST

START_TEST(no_bit_can_be_another)
{
	struct scene s;
	struct attest_evidence e;
	char *p;

	scene_init(&s, _i == ATTEST_CMS ? KEY_RSA2048 : KEY_P256);
	e = issued(&s, (enum attest_form)_i);
	p = (char *)(uintptr_t)e.document.p; /* the arena's, ours */
	for (size_t i = 0; i < e.document.n; i++) {
		char was = p[i];

		p[i] = (char)(was ^ 1 << i % 7);
		ck_assert_msg(verdict(&s, &e, NULL) != ERR_NONE,
		    "form %d, byte %zu", _i, i);
		p[i] = was;
	}
	check_code(&s, &e, ERR_NONE, "and as it was");
	for (size_t n = 0; n < e.document.n; n++) {
		struct attest_evidence cut = e;

		cut.document = str_sub(e.document, 0, n);
		ck_assert_int_ne(verdict(&s, &cut, NULL), ERR_NONE);
	}
	scene_fini(&s);
}
END_TEST

/* ---- a signature names nothing ---- */

/* The other signature of the same bytes: n - s for s. */
static struct str
other_signature(struct scene *s, struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.n);
	BIGNUM *order = NULL, *r = BN_dup(ECDSA_SIG_get0_r(sig));
	BIGNUM *half = BN_new();
	unsigned char *out = NULL;
	struct buf b = { 0 };
	int n;

	BN_hex2bn(&order, "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9"
			  "CAC2FC632551");
	ck_assert_int_eq(BN_sub(half, order, ECDSA_SIG_get0_s(sig)), 1);
	ck_assert_int_eq(ECDSA_SIG_set0(sig, r, half), 1);
	n = i2d_ECDSA_SIG(sig, &out);
	ck_assert_int_gt(n, 0);
	buf_add(&b, (struct str){ (const char *)out, (size_t)n });
	OPENSSL_free(out);
	ECDSA_SIG_free(sig);
	BN_free(order);
	return kept(s, &b);
}

START_TEST(the_other_ecdsa_signature)
{
	struct scene s;
	struct attest_evidence e, twin;
	struct attest_cache *cache = attest_cache_new();
	struct attest_revoked *revoked;
	const struct claims *c = NULL;
	char line[64];
	struct str id;

	scene_init(&s, KEY_P256);
	e = twin = issued(&s, ATTEST_DETACHED);
	twin.signature = other_signature(&s, e.signature);
	ck_assert(!str_eq(twin.signature, e.signature));
	ck_assert(
	    attest_cache_verify(cache, s.kit.arena, &e, &s.ctx, &c, NULL));
	id = claims_document_id(c);
	ck_assert(
	    attest_cache_verify(cache, s.kit.arena, &twin, &s.ctx, &c, NULL));
	ck_assert(str_eq(claims_document_id(c), id));
	snprintf(line, sizeof line, "document %.*s\n", STR_ARG(id));
	s.ctx.revoked = revoked = kit_revoked(line);
	ck_assert(
	    !attest_cache_verify(cache, s.kit.arena, &e, &s.ctx, &c, NULL));
	ck_assert(
	    !attest_cache_verify(cache, s.kit.arena, &twin, &s.ctx, &c, NULL));
	check_code(&s, &twin, ERR_EVIDENCE_REVOKED, "the twin");
	attest_revoked_free(revoked);
	attest_cache_free(cache);
	scene_fini(&s);
}
END_TEST

/* The statement is revoked, in whichever form it is shown. */
START_TEST(revoked_in_every_form)
{
	struct scene s;
	struct attest_evidence e;
	struct attest_cache *cache = attest_cache_new();
	struct attest_revoked *revoked = kit_revoked("instance i-1\n");
	const struct claims *c = NULL;
	struct error err = { 0 };

	scene_init(&s, KEY_P256);
	e = issued(&s, (enum attest_form)_i);
	for (int i = 0; i < 2; i++)
		ck_assert(attest_cache_verify(
		    cache, s.kit.arena, &e, &s.ctx, &c, NULL));
	s.ctx.revoked = revoked;
	ck_assert(
	    !attest_cache_verify(cache, s.kit.arena, &e, &s.ctx, &c, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_REVOKED);
	s.ctx.revoked = NULL;
	s.ctx.now_unix_s = KIT_NOON + 3600;
	ck_assert(
	    !attest_cache_verify(cache, s.kit.arena, &e, &s.ctx, &c, NULL));
	attest_revoked_free(revoked);
	attest_cache_free(cache);
	scene_fini(&s);
}
END_TEST

/* ---- embedded: the bytes are canonical, or nothing ---- */

static struct str
edited(struct scene *s, struct str text, const char *from, const char *to)
{
	const char *at = memmem(text.p, text.n, from, strlen(from));
	struct buf b = { 0 };
	size_t before;

	ck_assert_msg(at != NULL, "no `%s`", from);
	before = (size_t)(at - text.p);
	buf_add(&b, str_sub(text, 0, before));
	buf_addz(&b, to);
	buf_add(&b, str_sub(text, before + strlen(from), text.n));
	return kept(s, &b);
}

#define SIGNATURE "\"signature\":\"ME"

static const struct {
	const char *note, *from, *to;
	enum err_code want;
} embedded[] = {
	{ "as it is", "{", "{", ERR_NONE },
	{ "a space", "\"i-1\"", " \"i-1\"", ERR_EVIDENCE_MALFORMED },
	{ "a line feed behind", "avow-document/1\"}", "avow-document/1\"}\n",
	    ERR_EVIDENCE_MALFORMED },
	{ "a letter escaped", "\"i-1\"", "\"\\u0069-1\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "a slash escaped", "document/1", "document\\/1",
	    ERR_EVIDENCE_MALFORMED },
	{ "text escaped", "\xc3\xa9", "\\u00e9", ERR_EVIDENCE_MALFORMED },
	{ "a member first that is not", "{\"audience\":[\"updates\"],",
	    "{\"typ\":\"avow-document/1\",\"audience\":[\"updates\"],",
	    ERR_EVIDENCE_MALFORMED },
	{ "two of a name", "\"subject\":\"i-1\"",
	    "\"subject\":\"i-2\",\"subject\":\"i-1\"", ERR_EVIDENCE_MALFORMED },
	{ "two signatures", "\"subject\":",
	    "\"signature\":\"AAAA\",\"subject\":", ERR_EVIDENCE_MALFORMED },
	{ "no signature", SIGNATURE, "\"signaturf\":\"ME",
	    ERR_EVIDENCE_MALFORMED },
	{ "one that is not Base64", SIGNATURE, "\"signature\":\"_E",
	    ERR_EVIDENCE_MALFORMED },
	{ "a number for one", SIGNATURE, "\"signature\":1,\"t\":\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "a member more", "document/1\"", "document/1\",\"tyq\":1",
	    ERR_EVIDENCE_SIGNATURE },
	{ "a noncharacter", "\xc3\xa9", "\xef\xbf\xbf",
	    ERR_EVIDENCE_MALFORMED },
	{ "a lone surrogate", "\xc3\xa9", "\\ud800", ERR_EVIDENCE_MALFORMED },
	{ "broken UTF-8", "\xc3\xa9", "\xc3", ERR_EVIDENCE_MALFORMED },
	{ "NUL", "\xc3\xa9", "\\u0000", ERR_EVIDENCE_MALFORMED },
	{ "a byte order mark", "{\"audience", "\xef\xbb\xbf{\"audience",
	    ERR_EVIDENCE_MALFORMED },
	{ "another text", "\"i-1\"", "\"i-2\"", ERR_EVIDENCE_SIGNATURE },
	{ "deep", "[\"updates\"]", "[[[[[[[[[[[[[[[[[[\"\"]]]]]]]]]]]]]]]]]]",
	    ERR_EVIDENCE_MALFORMED },
};

START_TEST(embedded_has_one_text)
{
	struct scene s;
	struct attest_evidence e;

	scene_init(&s, KEY_P256);
	e = issued(&s, ATTEST_EMBEDDED);
	e.document = edited(&s, e.document, embedded[_i].from, embedded[_i].to);
	check_code(&s, &e, embedded[_i].want, embedded[_i].note);
	scene_fini(&s);
}
END_TEST

/* What must hold of an embedded document before its signature is looked at,
 * said by printing its tree: the bytes that are signed, or a NULL slice. ASCII
 * only, so that no character is none. */
static struct str
bytes_by_printing(struct arena *a, struct str text)
{
	struct buf whole = { 0 }, without = { 0 };
	struct str signature, bytes = { 0 };
	json_t *root = NULL;

	if (doc_parse(text, &root, NULL) && jcs_write(root, &whole, NULL) &&
	    str_eq(buf_str(&whole), text) &&
	    base64_decode(a, BASE64_STANDARD,
		json_str(json_object_get(root, "signature")), &signature) &&
	    signature.n > 0) {
		ck_assert(json_object_del(root, "signature") == 0);
		ck_assert(jcs_write(root, &without, NULL));
		bytes = str_dup(a, buf_str(&without));
	}
	json_decref(root);
	buf_free(&whole);
	buf_free(&without);
	return bytes;
}

static struct str
edited_anywhere(struct arena *a, struct str text)
{
	static const char *const pieces[] = { "\"", "\\", ",", ":", "{", "}",
		" ", "0", "-1", "9007199254740993", "1.0", "1.5", "true",
		"\"a\":1,", ",\"zz\":[2,{}]", "\"signature\":\"AA==\",",
		",\"signature\":\"AAA=\"", "\\n", "\\u0041", "=", "A" };
	size_t at = (size_t)random() % (text.n + 1);
	struct buf b = { 0 };
	struct str copy;

	buf_add(&b, str_sub(text, 0, at));
	if (random() % 3)
		buf_addz(&b, pieces[(size_t)random() % ARRAY_LEN(pieces)]);
	buf_add(&b, str_sub(text, at + (size_t)random() % 3, text.n));
	copy = str_dup(a, buf_str(&b));
	buf_free(&b);
	return copy;
}

static const char *const embedded_texts[] = {
	"{\"a\":1,\"signature\":\"AAAA\",\"z\":{\"signature\":\"x\"}}",
	"{\"a\":[1,-5],\"b\":null,\"signature\":\"AA==\"}",
	"{\"signature\":\"AA==\",\"t\":true}",
	"{\"signature\":\"AAAA\"}",
	"{\"a\":\"\\n\",\"n\":1.5,\"signature\":\"AAAA\"}",
};

/* The signed bytes are those that printing gives, and a text is refused where
 * printing says so, whichever way it was read. */
START_TEST(embedded_bytes_are_as_printed)
{
	struct arena *a = arena_new(0);
	size_t n_open = 0;

	json_setup();
	srandom((unsigned)_i);
	for (int i = 0; i < 2000; i++) {
		struct str text = str_of(embedded_texts[_i]), want;
		struct attest_evidence e = { STR("avow-embedded"), { 0 },
			{ 0 } };
		const struct flat *root;
		struct form f;
		bool ok;

		for (long edits = random() % 3; edits > 0; edits--)
			text = edited_anywhere(a, text);
		e.document = text;
		want = bytes_by_printing(a, text);
		ok = form_open(a, ATTEST_EMBEDDED, &e, &f, &root, NULL);
		ck_assert_msg(ok == (want.p != NULL), "%.*s", STR_ARG(text));
		if (ok) {
			ck_assert(str_eq(f.bytes, want));
			ck_assert_ptr_null(flat_get(root, STR("signature")));
			form_fini(&f);
		}
		n_open += ok;
		arena_reset(a);
	}
	ck_assert_uint_gt(n_open, 600);
	ck_assert_uint_lt(n_open, 1900);
	arena_free(a);
}
END_TEST

START_TEST(too_large_in_every_form)
{
	struct scene s;
	struct attest_evidence e = { 0 };
	char *large = calloc(1, LIMIT_DOCUMENT_BYTES + 1);

	scene_init(&s, KEY_P256);
	memset(large, _i == ATTEST_CMS ? 0x30 : '{', LIMIT_DOCUMENT_BYTES + 1);
	e.kind = attest_form_kind((enum attest_form)_i);
	e.document = (struct str){ large, LIMIT_DOCUMENT_BYTES + 1 };
	if (_i == ATTEST_DETACHED)
		e.signature = STR("x");
	check_code(&s, &e, ERR_EVIDENCE_TOO_LARGE, "one byte too many");
	free(large);
	scene_fini(&s);
}
END_TEST

/* Of 9,000 bytes, which no token may have: in each form. */
START_TEST(as_large_in_every_form)
{
	struct scene s;
	struct attest_evidence e;
	char text[1001] = { 0 };

	scene_init(&s, KEY_P256);
	memset(text, 'x', sizeof text - 1);
	for (char name[] = "a"; *name < 'j'; (*name)++)
		ck_assert_int_eq(
		    json_object_set_new(json_object_get(s.claims, "custom"),
			name, json_string(text)),
		    0);
	e = issued(&s, (enum attest_form)_i);
	ck_assert_uint_gt(e.document.n, 9000);
	check_code(&s, &e, ERR_NONE, "large");
	scene_fini(&s);
}
END_TEST

START_TEST(a_jws_is_called_a_document)
{
	struct scene s;
	struct attest_evidence e = { .kind = STR("avow-jws"),
		.document = STR("a.b") };
	struct error err = { 0 };

	scene_init(&s, KEY_P256);
	ck_assert_int_eq(verdict(&s, &e, &err), ERR_EVIDENCE_MALFORMED);
	ck_assert_str_eq(
	    err.msg, "the document is not three parts of Base64url with dots");
	scene_fini(&s);
}
END_TEST

/* ---- jws ---- */

static struct str
jws(struct scene *s, struct str header, struct str payload)
{
	struct buf b = { 0 }, signature = { 0 };

	base64_encode(&b, BASE64_URL, header);
	buf_byte(&b, '.');
	base64_encode(&b, BASE64_URL, payload);
	ck_assert(
	    sig_sign_jose(&s->kit.key->public, buf_str(&b), &signature, NULL));
	buf_byte(&b, '.');
	base64_encode(&b, BASE64_URL, buf_str(&signature));
	buf_free(&signature);
	return kept(s, &b);
}

#define TYP "\"typ\":\"avow-document+jwt\""
#define KID "\"kid\":\"KID\""
#define OTHER "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

static const struct {
	const char *note, *header;
	enum err_code want;
} headers[] = {
	{ "as ours", "{\"alg\":\"ES256\"," TYP "," KID "}", ERR_NONE },
	{ "a name more", "{\"alg\":\"ES256\"," TYP "," KID ",\"x\":1}",
	    ERR_NONE },
	{ "a token's type",
	    "{\"alg\":\"ES256\",\"typ\":\"avow-token+jwt\"," KID "}",
	    ERR_EVIDENCE_KIND },
	{ "the type of any JWT", "{\"alg\":\"ES256\",\"typ\":\"JWT\"," KID "}",
	    ERR_EVIDENCE_KIND },
	{ "the type in capitals",
	    "{\"alg\":\"ES256\",\"typ\":\"AVOW-DOCUMENT+JWT\"," KID "}",
	    ERR_EVIDENCE_KIND },
	{ "no type", "{\"alg\":\"ES256\"," KID "}", ERR_EVIDENCE_KIND },
	{ "no algorithm", "{\"alg\":\"none\"," TYP "," KID "}",
	    ERR_EVIDENCE_SIGNATURE },
	{ "another algorithm", "{\"alg\":\"RS256\"," TYP "," KID "}",
	    ERR_EVIDENCE_SIGNATURE },
	{ "a MAC", "{\"alg\":\"HS256\"," TYP "," KID "}",
	    ERR_EVIDENCE_SIGNATURE },
	{ "no key", "{\"alg\":\"ES256\"," TYP "}", ERR_EVIDENCE_MALFORMED },
	{ "another key", "{\"alg\":\"ES256\"," TYP ",\"kid\":\"" OTHER "\"}",
	    ERR_EVIDENCE_MALFORMED },
	{ "its own key", "{\"alg\":\"ES256\",\"jwk\":{}," TYP "," KID "}",
	    ERR_EVIDENCE_MALFORMED },
	{ "a key's place",
	    "{\"alg\":\"ES256\",\"jku\":\"http://x\"," TYP "," KID "}",
	    ERR_EVIDENCE_MALFORMED },
	{ "a certificate's place",
	    "{\"alg\":\"ES256\",\"x5u\":\"http://x\"," TYP "," KID "}",
	    ERR_EVIDENCE_MALFORMED },
	{ "certificates", "{\"alg\":\"ES256\",\"x5c\":[]," TYP "," KID "}",
	    ERR_EVIDENCE_MALFORMED },
	{ "what must be understood",
	    "{\"alg\":\"ES256\",\"crit\":[\"exp\"]," TYP "," KID "}",
	    ERR_EVIDENCE_MALFORMED },
	{ "a payload as it is",
	    "{\"alg\":\"ES256\",\"b64\":false," TYP "," KID "}",
	    ERR_EVIDENCE_MALFORMED },
	{ "two of a name",
	    "{\"alg\":\"none\",\"alg\":\"ES256\"," TYP "," KID "}",
	    ERR_EVIDENCE_MALFORMED },
};

START_TEST(a_jws_header_is_ours)
{
	struct scene s;
	struct str header = str_of(headers[_i].header);
	struct attest_evidence e = { .kind = STR("avow-jws") };

	scene_init(&s, KEY_P256);
	if (memmem(header.p, header.n, "\"KID\"", 5))
		header =
		    edited(&s, header, "KID", s.kit.key->public.thumbprint);
	e.document = jws(&s, header, kit_document(&s.kit, NULL, NULL));
	check_code(&s, &e, headers[_i].want, headers[_i].note);
	e.document = str_sub(e.document, 0, e.document.n - 1);
	ck_assert_int_ne(verdict(&s, &e, NULL), ERR_NONE);
	scene_fini(&s);
}
END_TEST

/* ---- cms ---- */

/* A certificate whose key identifier is the thumbprint, as ours names it. */
static X509 *
certificate(struct scene *s)
{
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	X509 *x = X509_new();
	struct str raw;

	ck_assert(base64_decode(s->kit.arena, BASE64_URL,
	    keys_thumbprint(&s->kit.key->public), &raw));
	ck_assert_int_eq(
	    ASN1_OCTET_STRING_set(id, (const unsigned char *)raw.p, (int)raw.n),
	    1);
	ck_assert_int_eq(X509_set_pubkey(x, s->kit.key->public.pkey), 1);
	ck_assert_int_eq(
	    X509_add1_ext_i2d(x, NID_subject_key_identifier, id, 0, 0), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 60);
	ck_assert_int_gt(
	    X509_sign(x, s->kit.key->public.pkey, EVP_sha256()), 0);
	ASN1_OCTET_STRING_free(id);
	return x;
}

static struct str
encoded(struct scene *s, CMS_ContentInfo *cms, BIO *in, bool as_ber)
{
	BIO *out = BIO_new(BIO_s_mem());
	struct buf b = { 0 };
	char *p = NULL;
	long n;

	ck_assert_int_eq(
	    as_ber ? i2d_CMS_bio_stream(out, cms, in, CMS_STREAM | CMS_BINARY)
		   : i2d_CMS_bio(out, cms),
	    1);
	n = BIO_get_mem_data(out, &p);
	buf_add(&b, (struct str){ p, (size_t)n });
	BIO_free(out);
	return kept(s, &b);
}

static const struct {
	const char *note;
	unsigned flags;
	unsigned signers;
	bool as_ber, other_type;
} foreign[] = {
	{ "with a signing time", CMS_NOCERTS | CMS_USE_KEYID, 1, false, false },
	{ "with a certificate", CMS_USE_KEYID, 1, false, false },
	{ "named by serial number", CMS_NOCERTS, 1, false, false },
	{ "without attributes", CMS_NOCERTS | CMS_USE_KEYID | CMS_NOATTR, 1,
	    false, false },
	{ "two signers", CMS_NOCERTS | CMS_USE_KEYID | CMS_NOATTR, 2, false,
	    false },
	{ "BER", CMS_NOCERTS | CMS_USE_KEYID | CMS_NOATTR, 1, true, false },
	{ "another type of content", CMS_NOCERTS | CMS_USE_KEYID | CMS_NOATTR,
	    1, false, true },
	{ "content beside", CMS_NOCERTS | CMS_USE_KEYID | CMS_DETACHED, 1,
	    false, false },
};

/* All of them genuine to OpenSSL, by the pinned key. */
START_TEST(cms_of_another_shape)
{
	struct scene s;
	unsigned flags = foreign[_i].flags | CMS_BINARY | CMS_PARTIAL;
	struct attest_evidence e = { .kind = STR("avow-cms") };
	struct str d;
	BIO *in;
	CMS_ContentInfo *cms;
	X509 *x;

	scene_init(&s, KEY_P256);
	d = kit_document(&s.kit, NULL, NULL);
	in = BIO_new_mem_buf(d.p, (int)d.n);
	x = certificate(&s);
	if (foreign[_i].as_ber)
		flags |= CMS_STREAM;
	cms = CMS_sign(NULL, NULL, NULL, in, flags);
	ck_assert_ptr_nonnull(cms);
	if (foreign[_i].other_type)
		CMS_set1_eContentType(
		    cms, OBJ_nid2obj(NID_id_smime_ct_TSTInfo));
	for (unsigned i = 0; i < foreign[_i].signers; i++)
		ck_assert_ptr_nonnull(CMS_add1_signer(
		    cms, x, s.kit.key->public.pkey, EVP_sha256(), flags));
	if (!foreign[_i].as_ber)
		ck_assert_int_eq(CMS_final(cms, in, NULL, flags), 1);
	e.document = encoded(&s, cms, in, foreign[_i].as_ber);
	check_code(&s, &e, ERR_EVIDENCE_MALFORMED, foreign[_i].note);
	CMS_ContentInfo_free(cms);
	X509_free(x);
	BIO_free(in);
	scene_fini(&s);
}
END_TEST

/* And OpenSSL takes ours for what it is. */
START_TEST(openssl_reads_our_cms)
{
	struct scene s;
	struct attest_evidence e;
	const unsigned char *p;
	STACK_OF(X509) *certs = sk_X509_new_null();
	BIO *out = BIO_new(BIO_s_mem());
	CMS_ContentInfo *cms;

	scene_init(&s, types[_i]);
	e = issued(&s, ATTEST_CMS);
	sk_X509_push(certs, certificate(&s));
	p = (const unsigned char *)e.document.p;
	cms = d2i_CMS_ContentInfo(NULL, &p, (long)e.document.n);
	ck_assert_ptr_nonnull(cms);
	ck_assert_int_eq(
	    CMS_verify(cms, certs, NULL, NULL, out,
		CMS_BINARY | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY),
	    1);
	ck_assert_int_eq(BIO_ctrl_pending(out) > 200, 1);
	CMS_ContentInfo_free(cms);
	sk_X509_pop_free(certs, X509_free);
	BIO_free(out);
	scene_fini(&s);
}
END_TEST

START_TEST(bytes_that_are_no_cms)
{
	static const struct str rows[] = { STR_INIT("\x30"),
		STR_INIT("\x30\x80"), STR_INIT("\x30\x82\xff\xff"),
		STR_INIT("\x30\x84\xff\xff\xff\xff"),
		STR_INIT("\x30\x03\x02\x01\x03"), STR_INIT("{}"),
		STR_INIT("\x3f\xff\xff\xff\xff\xff\xff\xff\x7f\x00") };
	struct str content, signature;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert(!cms_own_split(rows[i], &content, &signature));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("form");
	TCase *tc = tcase_create("form");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, every_form_says_the_same, 0, EACH);
	tcase_add_loop_test(tc, our_own_are_read_at_once, 0, ATTEST_FORMS);
	tcase_add_loop_test(
	    tc, claims_outlive_the_evidence, 0, 2 * ATTEST_FORMS);
	tcase_add_test(tc, a_form_that_is_not_listed);
	tcase_add_loop_test(tc, forms_are_not_mixed_up, 0, ATTEST_FORMS);
	tcase_add_loop_test(tc, no_bit_can_be_another, 0, ATTEST_FORMS);
	tcase_add_test(tc, the_other_ecdsa_signature);
	tcase_add_loop_test(tc, revoked_in_every_form, 0, ATTEST_FORMS);
	tcase_add_loop_test(tc, embedded_has_one_text, 0, ARRAY_LEN(embedded));
	tcase_add_loop_test(tc, too_large_in_every_form, 0, ATTEST_FORMS);
	tcase_add_loop_test(tc, as_large_in_every_form, 0, ATTEST_FORMS);
	tcase_add_test(tc, a_jws_is_called_a_document);
	tcase_add_loop_test(tc, a_jws_header_is_ours, 0, ARRAY_LEN(headers));
	tcase_add_loop_test(tc, cms_of_another_shape, 0, ARRAY_LEN(foreign));
	tcase_add_loop_test(tc, openssl_reads_our_cms, 0, 2);
	tcase_add_test(tc, bytes_that_are_no_cms);
	tcase_add_loop_test(
	    tc, embedded_bytes_are_as_printed, 0, ARRAY_LEN(embedded_texts));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
