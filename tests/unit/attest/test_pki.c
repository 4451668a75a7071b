/* Signers by certificates: each reason not to count, and the edges of time. */
#include "attest/pki.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "attest/attest.h"
#include "attest/sig.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

#define DAY 86400L

/* What a certificate says; zero: a good signer's. */
struct say {
	const char *cn, *names, *usage;
	bool is_authority, no_usage;
	long from_days, until_days; /* of KIT_NOON; both 0: -10 to 10 */
	unsigned rsa_bits;          /* 0: P-256 */
	const EVP_MD *digest;
};

struct certificate {
	EVP_PKEY *key;
	X509 *x;
};

static void
extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	ck_assert_msg(e != NULL, "%s", value);
	ck_assert_int_eq(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void
set_time(ASN1_TIME *to, long days)
{
	ck_assert_ptr_nonnull(ASN1_TIME_set(to, KIT_NOON + days * DAY));
}

/* RFC 5280 4.2.1.1, 4.2.1.2: strict paths want both. */
static void
add_key_ids(X509 *x, X509 *by)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, by, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_key_identifier, "hash");
	ck_assert_int_eq(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
	e = X509V3_EXT_conf_nid(
	    NULL, &ctx, NID_authority_key_identifier, "keyid:always");
	ck_assert_int_eq(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* `by` NULL: by itself. */
static struct certificate
certificate(const struct certificate *by, struct say say)
{
	static long serial;
	bool has_times = say.from_days != 0 || say.until_days != 0;
	struct certificate c = { .x = X509_new() };
	X509_NAME *name = X509_get_subject_name(c.x);

	c.key = say.rsa_bits ? EVP_RSA_gen(say.rsa_bits) : EVP_EC_gen("P-256");
	X509_set_version(c.x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(c.x), ++serial);
	set_time(X509_getm_notBefore(c.x), has_times ? say.from_days : -10);
	set_time(X509_getm_notAfter(c.x), has_times ? say.until_days : 10);
	X509_set_pubkey(c.x, c.key);
	X509_NAME_add_entry_by_txt(
	    name, "O", MBSTRING_UTF8, (const unsigned char *)"Acme", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)(say.cn ? say.cn : "Issuer"), -1, -1, 0);
	X509_set_issuer_name(c.x, by ? X509_get_subject_name(by->x) : name);
	extend(c.x, NID_basic_constraints,
	    say.is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (!say.no_usage)
		extend(c.x, NID_key_usage,
		    say.usage          ? say.usage
		    : say.is_authority ? "critical,keyCertSign"
				       : "critical,digitalSignature");
	if (say.names)
		extend(c.x, NID_subject_alt_name, say.names);
	add_key_ids(c.x, by ? by->x : c.x);
	ck_assert_int_gt(X509_sign(c.x, by ? by->key : c.key,
			     say.digest ? say.digest : EVP_sha256()),
	    0);
	return c;
}

static void
certificate_free(struct certificate *c)
{
	EVP_PKEY_free(c->key);
	X509_free(c->x);
}

static void
add_pem(struct buf *b, const struct certificate *c)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	ck_assert_int_eq(PEM_write_bio_X509(bio, c->x), 1);
	n = BIO_get_mem_data(bio, &p);
	buf_add(b, (struct str){ p, (size_t)n });
	BIO_free(bio);
}

/* ---- which certificates count ---- */

#define URI "URI:spiffe://acme.example/issuer"

static const struct row {
	const char *note;
	struct say leaf;
	const char *name;
	const char *says; /* NULL: it counts */
	bool other_root, no_middle;
} rows[] = {
	{ "a URI", { .names = URI }, "uri:spiffe://acme.example/issuer", NULL,
	    false, false },
	{ "a DNS name", { .names = URI ",DNS:issuer.acme.example" },
	    "dns:issuer.acme.example", NULL, false, false },
	{ "a subject", { .cn = "Issuer" }, "subject:CN=Issuer,O=Acme", NULL,
	    false, false },
	{ "an RSA key", { .rsa_bits = 2048 }, "subject:CN=Issuer,O=Acme", NULL,
	    false, false },
	{ "expired: judged at use", { .from_days = -9, .until_days = -5 },
	    "subject:CN=Issuer,O=Acme", NULL, false, false },
	{ "another URI", { .names = URI "s" },
	    "uri:spiffe://acme.example/issuer", "pinned names", false, false },
	{ "a URI that begins so", { .names = URI },
	    "uri:spiffe://acme.example/issue", "pinned names", false, false },
	{ "a second URI", { .names = URI ",URI:spiffe://acme.example/other" },
	    "uri:spiffe://acme.example/issuer", "pinned names", false, false },
	{ "a wildcard", { .names = "DNS:*.acme.example" },
	    "dns:issuer.acme.example", "pinned names", false, false },
	{ "a name below", { .names = "DNS:a.issuer.acme.example" },
	    "dns:issuer.acme.example", "pinned names", false, false },
	{ "the subject for a DNS name", { .cn = "issuer.acme.example" },
	    "dns:issuer.acme.example", "pinned names", false, false },
	{ "another subject", { .cn = "issuer" }, "subject:CN=Issuer,O=Acme",
	    "pinned names", false, false },
	{ "another authority", { .cn = "Issuer" }, "subject:CN=Issuer,O=Acme",
	    "issuer certificate", true, false },
	{ "no way up", { .cn = "Issuer" }, "subject:CN=Issuer,O=Acme",
	    "issuer certificate", false, true },
	{ "an authority alone", { .is_authority = true },
	    "subject:CN=Issuer,O=Acme", "only authorities'", false, false },
	{ "no keyUsage", { .no_usage = true }, "subject:CN=Issuer,O=Acme",
	    "keyUsage", false, false },
	{ "for keys only", { .usage = "critical,keyEncipherment" },
	    "subject:CN=Issuer,O=Acme", "keyUsage", false, false },
	{ "RSA-1024", { .rsa_bits = 1024 }, "subject:CN=Issuer,O=Acme",
	    "too weak", false, false },
};

START_TEST(certificates_count_or_not)
{
	const struct row *r = &rows[_i];
	struct certificate root, middle, leaf, other;
	struct buf up = { 0 }, below = { 0 };
	struct str name = str_of(r->name);
	struct pki *p = pki_new();
	struct arena *a = arena_new(0);
	struct pki_key *keys = NULL;
	struct error e = { 0 };
	size_t n = 0;
	bool ok;

	root = certificate(NULL, (struct say){ .cn = "R", .is_authority = 1 });
	other = certificate(NULL, (struct say){ .cn = "R", .is_authority = 1 });
	middle =
	    certificate(&root, (struct say){ .cn = "M", .is_authority = 1 });
	leaf = certificate(&middle, r->leaf);
	add_pem(&up, r->other_root ? &other : &root);
	add_pem(&below, &leaf);
	if (!r->no_middle)
		add_pem(&below, &middle);
	ck_assert(pki_add(p, "up", buf_str(&up), true, &e));
	ck_assert(pki_add(p, "below", buf_str(&below), false, &e));
	ok = pki_keys(p, a, &name, 1, &keys, &n, &e);
	ck_assert_msg(ok == !r->says, "%s: %s", r->note, e.msg);
	ck_assert_msg(ok || strstr(e.msg, r->says), "%s: %s", r->note, e.msg);
	ck_assert_uint_eq(n, ok ? 1 : 0);
	if (ok)
		keys_public_fini(&keys[0].public);
	pki_free(p);
	arena_free(a);
	buf_free(&up);
	buf_free(&below);
	certificate_free(&root);
	certificate_free(&other);
	certificate_free(&middle);
	certificate_free(&leaf);
}
END_TEST

START_TEST(a_signature_with_sha1)
{
	struct certificate root, leaf;
	struct buf up = { 0 }, below = { 0 };
	struct str name = STR("subject:CN=Issuer,O=Acme");
	struct pki *p = pki_new();
	struct arena *a = arena_new(0);
	struct pki_key *keys = NULL;
	struct error e = { 0 };
	size_t n = 0;

	root = certificate(NULL, (struct say){ .cn = "R", .is_authority = 1 });
	leaf = certificate(&root, (struct say){ .digest = EVP_sha1() });
	add_pem(&up, &root);
	add_pem(&below, &leaf);
	ck_assert(pki_add(p, "up", buf_str(&up), true, &e));
	ck_assert(pki_add(p, "below", buf_str(&below), false, &e));
	ck_assert(!pki_keys(p, a, &name, 1, &keys, &n, &e));
	ck_assert_msg(strstr(e.msg, "too weak"), "%s", e.msg);
	pki_free(p);
	arena_free(a);
	buf_free(&up);
	buf_free(&below);
	certificate_free(&root);
	certificate_free(&leaf);
}
END_TEST

static const struct {
	const char *note, *text;
	bool is_anchor;
} files[] = {
	{ "nothing", "", true },
	{ "text", "hello\n", false },
	{ "a broken block",
	    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	    true },
	{ "cut short", "-----BEGIN CERTIFICATE-----\nAAAA\n", false },
};

START_TEST(files_that_hold_none)
{
	struct pki *p = pki_new();
	struct error e = { 0 };

	ck_assert(
	    !pki_add(p, "f", str_of(files[_i].text), files[_i].is_anchor, &e));
	ck_assert_int_eq(e.code, ERR_KEY_FORM);
	pki_free(p);
}
END_TEST

START_TEST(names_have_a_sort)
{
	ck_assert(pki_name_is_valid(STR("uri:a")));
	ck_assert(pki_name_is_valid(STR("dns:a")));
	ck_assert(pki_name_is_valid(STR("subject:CN=a")));
	ck_assert(!pki_name_is_valid(STR("")));
	ck_assert(!pki_name_is_valid(STR("uri:")));
	ck_assert(!pki_name_is_valid(STR("email:a")));
	ck_assert(!pki_name_is_valid(STR("CN=a")));
	ck_assert(!pki_name_is_valid(STR("dns:a\0b")));
}
END_TEST

/* ---- and when ---- */

static const struct {
	const char *note;
	struct say middle, leaf;
	int64_t now; /* days of noon */
	enum err_code want;
} times[] = {
	{ "in force", { 0 }, { 0 }, 0, ERR_NONE },
	{ "the signer's has ended", { 0 },
	    { .from_days = -9, .until_days = -1 }, 0, ERR_EVIDENCE_KEY },
	{ "ends meanwhile", { 0 }, { .from_days = -9, .until_days = 1 }, 2,
	    ERR_EVIDENCE_KEY },
	{ "ends this second", { 0 }, { .from_days = -9, .until_days = 1 }, 1,
	    ERR_NONE },
	{ "begins later", { 0 }, { .from_days = 1, .until_days = 9 }, 2,
	    ERR_EVIDENCE_KEY },
	{ "one above has ended", { .from_days = -9, .until_days = 1 }, { 0 }, 2,
	    ERR_EVIDENCE_KEY },
};

/* A trust of the kit's issuer by certificates, and a document by the leaf. */
START_TEST(times_of_the_path)
{
	struct certificate root, middle, leaf;
	struct buf up = { 0 }, below = { 0 }, signature = { 0 };
	struct str name = STR("subject:CN=Issuer,O=Acme");
	struct attest_trust_entry entry = { .kind = STR("avow"),
		.issuer = STR("acme"),
		.signers = &name,
		.n_signers = 1 };
	struct attest_evidence e = { .kind = STR("avow") };
	struct attest_context ctx;
	struct keys_public public;
	struct say say = times[_i].middle;
	struct kit k;
	const struct claims *c = NULL;
	struct error err = { 0 };

	kit_init(&k, KEY_P256);
	say.cn = "M";
	say.is_authority = true;
	root = certificate(NULL, (struct say){ .cn = "R", .is_authority = 1 });
	middle = certificate(&root, say);
	leaf = certificate(&middle, times[_i].leaf);
	add_pem(&up, &root);
	add_pem(&below, &middle);
	add_pem(&below, &leaf);
	entry.keys = kit_file(k.arena, "up.pem", buf_str(&up));
	entry.certificates = kit_file(k.arena, "below.pem", buf_str(&below));
	EVP_PKEY_up_ref(leaf.key);
	ck_assert(keys_public_init(&public, leaf.key, NULL));
	attest_trust_free(k.trust);
	k.trust = attest_trust_new();
	ck_assert_msg(attest_trust_add(k.trust, &entry, &err), "%s", err.msg);
	/* For long: certificates end here, not documents. */
	e.document =
	    kit_document(&k, "2026-03-01T13:00:00Z", "2026-03-21T13:00:00Z");
	memcpy(memmem(e.document.p, e.document.n, k.key->public.thumbprint,
		   KEYS_THUMBPRINT),
	    public.thumbprint, KEYS_THUMBPRINT);
	ck_assert(sig_sign(&public, e.document, &signature, NULL));
	e.signature = buf_str(&signature);
	ctx = kit_context(&k);
	ctx.now_unix_s += times[_i].now * DAY;
	(void)!attest_verify(k.arena, &e, &ctx, &c, &err);
	ck_assert_msg(
	    err.code == times[_i].want, "%s: %s", times[_i].note, err.msg);
	keys_public_fini(&public);
	buf_free(&signature);
	buf_free(&up);
	buf_free(&below);
	certificate_free(&root);
	certificate_free(&middle);
	certificate_free(&leaf);
	kit_fini(&k);
}
END_TEST

static const struct {
	const char *note, *kind, *signer, *certificates, *says;
} entries[] = {
	{ "no certificates", "avow", "dns:a", NULL, "wants `certificates`" },
	{ "no signers", "avow", NULL, "/nowhere", "wants `signers`" },
	{ "another kind", "token", "dns:a", "/nowhere", "for kind `avow`" },
	{ "a name without a sort", "avow", "a", "/nowhere", "a signer is" },
	{ "no such file", "avow", "dns:a", "/nowhere", "nowhere" },
};

START_TEST(entries_that_are_half)
{
	struct str name = str_of(entries[_i].signer);
	struct attest_trust *t = attest_trust_new();
	struct error e = { 0 };
	struct attest_trust_entry entry = { .kind = str_of(entries[_i].kind),
		.issuer = STR("acme"),
		.keys = "/nowhere",
		.signers = &name,
		.n_signers = entries[_i].signer != NULL,
		.certificates = entries[_i].certificates,
		.at = { "a.yaml", 3, 1, 0 } };

	ck_assert(!attest_trust_add(t, &entry, &e));
	ck_assert_msg(
	    strstr(e.msg, entries[_i].says), "%s: %s", entries[_i].note, e.msg);
	ck_assert_ptr_nonnull(e.at.file);
	attest_trust_free(t);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pki");
	TCase *tc = tcase_create("pki");

	tcase_set_timeout(tc, 60); /* RSA keys are made */
	tcase_add_loop_test(tc, certificates_count_or_not, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, a_signature_with_sha1);
	tcase_add_loop_test(tc, files_that_hold_none, 0, ARRAY_LEN(files));
	tcase_add_test(tc, names_have_a_sort);
	tcase_add_loop_test(tc, entries_that_are_half, 0, ARRAY_LEN(entries));
	tcase_add_loop_test(tc, times_of_the_path, 0, ARRAY_LEN(times));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
