/* Azure's attested documents: a genuine one under Microsoft's authorities and
 * what people made of it ($TESTDATA), and ones made here under an authority of
 * our own, with one thing wrong each. */
#include "attest/doc.h"

#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "attest/attest.h"
#include "base/base64.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

#define TASK "vectors/ec2-documents/taskcluster/"
#define OWNER "8a205152-b25a-417f-a676-80465535a6c9"
#define SIGNED_AT INT64_C(1785245040)  /* 2026-07-28T13:24:00Z */
#define EXPIRES_AT INT64_C(1785266640) /* 2026-07-28T19:24:00Z */

static struct arena *memory;

static void
setup(void)
{
	memory = arena_new(0);
	ck_assert_ptr_nonnull(memory);
}

static void
teardown(void)
{
	arena_free(memory);
}

static struct attest_trust *
azure(const char *path, const struct str *owner)
{
	struct attest_trust *t = attest_trust_new();
	struct attest_trust_entry entry = { .kind = STR("azure"),
		.keys = path,
		.owners = owner,
		.n_owners = 1 };
	struct error e = { 0 };

	ck_assert_msg(attest_trust_add(t, &entry, &e), "%s", e.msg);
	return t;
}

/* ---- genuine ---- */

static const struct {
	const char *note, *signature, *anchors, *owner, *nonce;
	int64_t at;
	enum err_code want;
} rows[] = {
	{ "as it came", TASK "azure_good.0.p7.der", TASK "azure-ca", OWNER,
	    NULL, SIGNED_AT, ERR_NONE },
	{ "to its last second", TASK "azure_good.0.p7.der", TASK "azure-ca",
	    OWNER, NULL, EXPIRES_AT - 1, ERR_NONE },
	{ "and no further", TASK "azure_good.0.p7.der", TASK "azure-ca", OWNER,
	    NULL, EXPIRES_AT, ERR_EVIDENCE_EXPIRED },
	{ "before it was made", TASK "azure_good.0.p7.der", TASK "azure-ca",
	    OWNER, NULL, SIGNED_AT - 61, ERR_EVIDENCE_NOT_YET_VALID },
	{ "with its nonce", TASK "azure_good.0.p7.der", TASK "azure-ca", OWNER,
	    "20260728-192400", SIGNED_AT, ERR_NONE },
	{ "with another's", TASK "azure_good.0.p7.der", TASK "azure-ca", OWNER,
	    "20260728-192401", SIGNED_AT, ERR_EVIDENCE_REPLAYED },
	{ "with an empty one", TASK "azure_good.0.p7.der", TASK "azure-ca",
	    OWNER, "", SIGNED_AT, ERR_EVIDENCE_REPLAYED },
	{ "another subscription's", TASK "azure_good.0.p7.der", TASK "azure-ca",
	    "8a205152-b25a-417f-a676-80465535a6ca", NULL, SIGNED_AT,
	    ERR_EVIDENCE_OWNER },
	{ "the intermediate alone", TASK "azure_good.0.p7.der",
	    TASK "azure-ca/microsoft_tls_g2_rsa_ca_ocsp_02.pem", OWNER, NULL,
	    SIGNED_AT, ERR_NONE },
	{ "a sister of it", TASK "azure_good.0.p7.der",
	    TASK "azure-ca/microsoft_tls_g2_rsa_ca_ocsp_04.pem", OWNER, NULL,
	    SIGNED_AT, ERR_EVIDENCE_KEY },
	{ "altered signature", TASK "azure_signature_bad.p7.der",
	    TASK "azure-ca", OWNER, NULL, SIGNED_AT, ERR_EVIDENCE_SIGNATURE },
	{ "altered message, a byte too long", TASK "azure_message_bad.p7.der",
	    TASK "azure-ca", OWNER, NULL, SIGNED_AT, ERR_EVIDENCE_MALFORMED },
	{ "an authority of its own", TASK "azure_wrong_subject.pkcs7",
	    TASK "azure-ca", OWNER, NULL, SIGNED_AT, ERR_EVIDENCE_KEY },
	{ "EC2's", "vectors/ec2-documents/smallstep-pkcs7/p7.der",
	    TASK "azure-ca", OWNER, NULL, SIGNED_AT, ERR_EVIDENCE_SIGNATURE },
};

/* testdata() has one place for its answer; this one stays. */
static const char *
kept_testdata(const char *name)
{
	const char *path = testdata(name);

	return path ? str_z(memory, str_of(path)) : NULL;
}

static struct attest_evidence
evidence_of(struct str signature)
{
	struct attest_evidence e;
	struct error err = { 0 };

	ck_assert_msg(attest_evidence_from_files(memory, STR("azure"),
			  (struct str){ 0 }, signature, &e, &err),
	    "%s", err.msg);
	return e;
}

static enum err_code
judge(const struct attest_trust *t, struct attest_evidence e, int64_t at,
    const char *nonce, const struct claims **ret)
{
	struct attest_context ctx = { .trust = t, .now_unix_s = at };
	struct error err = { 0 };

	if (nonce)
		ctx.nonce = str_of(nonce);
	if (attest_verify(memory, &e, &ctx, ret, &err))
		return ERR_NONE;
	return err.code;
}

START_TEST(real_documents)
{
	const char *anchors = kept_testdata(rows[_i].anchors);
	struct str der, owner = str_of(rows[_i].owner);
	const struct claims *c = NULL;
	struct attest_trust *t;
	struct attest_evidence e;
	struct error err = { 0 };
	enum err_code got;

	if (!anchors || !kit_testdata(memory, rows[_i].signature, &der))
		return;
	t = azure(anchors, &owner);
	if (attest_evidence_from_files(
		memory, STR("azure"), (struct str){ 0 }, der, &e, &err))
		got = judge(t, e, rows[_i].at, rows[_i].nonce, &c);
	else
		got = err.code;
	ck_assert_msg(
	    got == rows[_i].want, "%s: %s", rows[_i].note, error_id(got));
	attest_trust_free(t);
}
END_TEST

START_TEST(the_altered_message_without_its_last_byte)
{
	const char *anchors = kept_testdata(TASK "azure-ca");
	struct str der, owner = STR(OWNER);
	const struct claims *c = NULL;
	struct attest_trust *t;

	if (!anchors ||
	    !kit_testdata(memory, TASK "azure_message_bad.p7.der", &der))
		return;
	der.n--;
	t = azure(anchors, &owner);
	ck_assert_int_eq(judge(t, evidence_of(der), SIGNED_AT, NULL, &c),
	    ERR_EVIDENCE_SIGNATURE);
	attest_trust_free(t);
}
END_TEST

START_TEST(a_real_document_says)
{
	const char *anchors = kept_testdata(TASK "azure-ca");
	struct str der, owner = STR(OWNER);
	const struct claims *c = NULL;
	struct attest_trust *t;
	int64_t at;

	if (!anchors || !kit_testdata(memory, TASK "azure_good.0.p7.der", &der))
		return;
	t = azure(anchors, &owner);
	ck_assert_int_eq(
	    judge(t, evidence_of(der), SIGNED_AT, NULL, &c), ERR_NONE);
	ck_str_is(claims_subject(c), "b1310a36-d400-46f6-82cb-6217df846586");
	ck_str_is(claims_issuer(c), "azure");
	ck_str_is(
	    claims_key_id(c), "3faLgcniyg3P4Ul_31drFaALZERS4_RPyAlRdT8dn44");
	ck_assert(claims_issued_at(c, &at) && at == SIGNED_AT);
	ck_assert(claims_expires_at(c, &at) && at == EXPIRES_AT);
	attest_trust_free(t);
}
END_TEST

/* Of PKCS #7 some bits are nobody's word (test_ec2.c); then the same is said.
 */
START_TEST(no_bit_changes_what_is_said)
{
	const char *anchors = kept_testdata(TASK "azure-ca");
	struct str der, owner = STR(OWNER);
	struct attest_trust *t;
	struct attest_evidence e;
	char *p;

	if (!anchors || !kit_testdata(memory, TASK "azure_good.0.p7.der", &der))
		return;
	t = azure(anchors, &owner);
	e = evidence_of(der);
	p = arena_alloc(memory, e.signature.n);
	memcpy(p, e.signature.p, e.signature.n);
	e.signature.p = p;
	for (size_t i = 0; i < e.signature.n; i++) {
		const struct claims *c = NULL;

		p[i] = (char)(p[i] ^ 1 << i % 8);
		if (judge(t, e, SIGNED_AT, NULL, &c) == ERR_NONE)
			ck_str_is(claims_subject(c),
			    "b1310a36-d400-46f6-82cb-6217df846586");
		p[i] = (char)(p[i] ^ 1 << i % 8);
	}
	attest_trust_free(t);
}
END_TEST

/* ---- made here ---- */

#define CONTENT(subject, created, expires)                                     \
	"{\"nonce\":\"n\",\"subscriptionId\":\"s\",\"timeStamp\":{"            \
	"\"createdOn\":\"" created "\",\"expiresOn\":\"" expires "\"},"        \
	"\"vmId\":\"" subject "\"}"
#define USUAL CONTENT("v", "07/28/26 13:24:00 -0000", "07/28/26 19:24:00 -0000")

struct pair {
	EVP_PKEY *pkey;
	X509 *cert;
};

static void
add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	ck_assert_ptr_nonnull(e);
	ck_assert_int_eq(X509_add_ext(cert, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* In force from `from` to `to`, signed by `by` (NULL: itself). */
static struct pair
certificate(const char *name, const char *names, const char *basic,
    int64_t from, int64_t to, const struct pair *by)
{
	struct pair c = { EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048),
		X509_new() };
	X509_NAME *subject = X509_get_subject_name(c.cert);

	ck_assert(c.pkey && c.cert);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_version(c.cert, X509_VERSION_3);
	X509_set_issuer_name(
	    c.cert, by ? X509_get_subject_name(by->cert) : subject);
	ASN1_INTEGER_set(X509_get_serialNumber(c.cert), by ? 7 : 1);
	ASN1_TIME_set(X509_getm_notBefore(c.cert), (time_t)from);
	ASN1_TIME_set(X509_getm_notAfter(c.cert), (time_t)to);
	X509_set_pubkey(c.cert, c.pkey);
	add_extension(c.cert, NID_basic_constraints, basic);
	if (names)
		add_extension(c.cert, NID_subject_alt_name, names);
	ck_assert_int_gt(
	    X509_sign(c.cert, by ? by->pkey : c.pkey, EVP_sha256()), 0);
	return c;
}

static void
pair_fini(struct pair *p)
{
	EVP_PKEY_free(p->pkey);
	X509_free(p->cert);
}

static struct str
sign(const struct pair *by, const char *content, unsigned flags)
{
	BIO *in = BIO_new_mem_buf(content, -1);
	CMS_ContentInfo *cms =
	    CMS_sign(by->cert, by->pkey, NULL, in, CMS_BINARY | flags);
	unsigned char *der = NULL;
	int n = i2d_CMS_ContentInfo(cms, &der);
	struct str ret;

	ck_assert_int_gt(n, 0);
	ret = str_dup(memory, (struct str){ (const char *)der, (size_t)n });
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return ret;
}

static const char *
anchor_file(const struct pair *p)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *text;
	long n;
	const char *path;

	ck_assert_int_eq(PEM_write_bio_X509(out, p->cert), 1);
	n = BIO_get_mem_data(out, &text);
	path = kit_file(memory, "anchor.pem", (struct str){ text, (size_t)n });
	BIO_free(out);
	return path;
}

#define DAY 86400
#define LEAF "DNS:metadata.azure.com"

static const struct {
	const char *note, *names, *basic, *content;
	unsigned flags;
	int64_t from, to;
	enum err_code want;
} made[] = {
	{ "as Azure's", LEAF, "CA:FALSE", USUAL, CMS_NOATTR, -DAY, DAY,
	    ERR_NONE },
	{ "with attributes", LEAF, "CA:FALSE", USUAL, 0, -DAY, DAY, ERR_NONE },
	{ "a region's name", "DNS:eastus.metadata.azure.com", "CA:FALSE", USUAL,
	    CMS_NOATTR, -DAY, DAY, ERR_NONE },
	{ "its certificate apart", LEAF, "CA:FALSE", USUAL,
	    CMS_NOATTR | CMS_NOCERTS, -DAY, DAY, ERR_EVIDENCE_KEY },
	{ "another name", "DNS:example.com", "CA:FALSE", USUAL, CMS_NOATTR,
	    -DAY, DAY, ERR_EVIDENCE_KEY },
	{ "a name that ends otherwise", "DNS:metadata.azure.com.example.com",
	    "CA:FALSE", USUAL, CMS_NOATTR, -DAY, DAY, ERR_EVIDENCE_KEY },
	{ "a name that begins otherwise", "DNS:xmetadata.azure.com", "CA:FALSE",
	    USUAL, CMS_NOATTR, -DAY, DAY, ERR_EVIDENCE_KEY },
	{ "a wildcard", "DNS:*.azure.com", "CA:FALSE", USUAL, CMS_NOATTR, -DAY,
	    DAY, ERR_EVIDENCE_KEY },
	{ "no name but the subject's", NULL, "CA:FALSE", USUAL, CMS_NOATTR,
	    -DAY, DAY, ERR_EVIDENCE_KEY },
	{ "expired when it signed", LEAF, "CA:FALSE", USUAL, CMS_NOATTR,
	    -2 * DAY, -DAY, ERR_EVIDENCE_KEY },
	{ "not in force when it signed", LEAF, "CA:FALSE", USUAL, CMS_NOATTR,
	    DAY, 2 * DAY, ERR_EVIDENCE_KEY },
	{ "expired since", LEAF, "CA:FALSE", USUAL, CMS_NOATTR, -DAY, 60,
	    ERR_NONE },
	{ "no times", LEAF, "CA:FALSE", "{\"vmId\":\"v\"}", CMS_NOATTR, -DAY,
	    DAY, ERR_EVIDENCE_MALFORMED },
	{ "a time of another form", LEAF, "CA:FALSE",
	    CONTENT("v", "2026-07-28T13:24:00Z", "07/28/26 19:24:00 -0000"),
	    CMS_NOATTR, -DAY, DAY, ERR_EVIDENCE_MALFORMED },
	{ "a day that is none", LEAF, "CA:FALSE",
	    CONTENT("v", "02/30/26 13:24:00 -0000", "07/28/26 19:24:00 -0000"),
	    CMS_NOATTR, -DAY, DAY, ERR_EVIDENCE_MALFORMED },
	{ "an id that is none", LEAF, "CA:FALSE",
	    CONTENT(
		"v/w", "07/28/26 13:24:00 -0000", "07/28/26 19:24:00 -0000"),
	    CMS_NOATTR, -DAY, DAY, ERR_EVIDENCE_INSTANCE },
	{ "no object", LEAF, "CA:FALSE", "[]", CMS_NOATTR, -DAY, DAY,
	    ERR_EVIDENCE_MALFORMED },
};

START_TEST(made_documents)
{
	struct pair ca = certificate("authority", NULL, "critical,CA:TRUE",
	    SIGNED_AT - 9 * DAY, SIGNED_AT + 9 * DAY, NULL);
	struct pair leaf =
	    certificate("metadata.azure.com", made[_i].names, made[_i].basic,
		SIGNED_AT + made[_i].from, SIGNED_AT + made[_i].to, &ca);
	struct str owner = STR("s");
	struct attest_trust *t = azure(anchor_file(&ca), &owner);
	const struct claims *c = NULL;
	enum err_code got =
	    judge(t, evidence_of(sign(&leaf, made[_i].content, made[_i].flags)),
		SIGNED_AT + 120, NULL, &c);

	ck_assert_msg(
	    got == made[_i].want, "%s: %s", made[_i].note, error_id(got));
	attest_trust_free(t);
	pair_fini(&leaf);
	pair_fini(&ca);
}
END_TEST

/* A leaf that plays authority for another one. */
START_TEST(a_leaf_is_no_authority)
{
	struct pair ca = certificate("authority", NULL, "critical,CA:TRUE",
	    SIGNED_AT - DAY, SIGNED_AT + DAY, NULL);
	struct pair middle = certificate("metadata.azure.com", LEAF, "CA:FALSE",
	    SIGNED_AT - DAY, SIGNED_AT + DAY, &ca);
	struct pair leaf = certificate("metadata.azure.com", LEAF, "CA:FALSE",
	    SIGNED_AT - DAY, SIGNED_AT + DAY, &middle);
	struct str owner = STR("s");
	struct attest_trust *t = azure(anchor_file(&ca), &owner);
	const struct claims *c = NULL;

	ck_assert_int_eq(judge(t, evidence_of(sign(&leaf, USUAL, CMS_NOATTR)),
			     SIGNED_AT, NULL, &c),
	    ERR_EVIDENCE_KEY);
	attest_trust_free(t);
	pair_fini(&leaf);
	pair_fini(&middle);
	pair_fini(&ca);
}
END_TEST

static const struct {
	const char *text;
	bool ok;
} answers[] = {
	{ "{\"encoding\":\"pkcs7\",\"signature\":\"%s\"}", true },
	{ "{\"encoding\":\"pkcs8\",\"signature\":\"%s\"}", false },
	{ "{\"encoding\":\"pkcs7\",\"signature\":\"\"}", false },
	{ "{\"encoding\":\"pkcs7\",\"x\":\"%s\"}", false },
	{ "{\"encoding\":\"pkcs7\",\"signature\":\"%s\"", false },
};

/* As the metadata service answers. */
START_TEST(the_services_answer_is_read)
{
	struct pair ca = certificate("authority", NULL, "critical,CA:TRUE",
	    SIGNED_AT - DAY, SIGNED_AT + DAY, NULL);
	struct buf text = { 0 };
	struct str before = str_of(answers[_i].text), after = before;
	struct attest_evidence e;
	struct error err = { 0 };
	size_t at = str_find(before, '%', 0);

	buf_add(&text, str_sub(before, 0, at));
	if (at < before.n) {
		after = str_sub(before, at + 2, before.n);
		base64_encode(
		    &text, BASE64_STANDARD, sign(&ca, USUAL, CMS_NOATTR));
		buf_add(&text, after);
	}
	ck_assert_msg(
	    attest_evidence_from_files(memory, STR("azure"), (struct str){ 0 },
		buf_str(&text), &e, &err) == answers[_i].ok,
	    "%s: %s", answers[_i].text, err.msg);
	if (answers[_i].ok)
		ck_str_is(e.document, USUAL);
	else
		ck_assert_int_eq(err.code, ERR_EVIDENCE_MALFORMED);
	buf_free(&text);
	pair_fini(&ca);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("azure");
	TCase *tc = tcase_create("azure");

	json_setup();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, real_documents, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, the_altered_message_without_its_last_byte);
	tcase_add_test(tc, a_real_document_says);
	tcase_add_test(tc, no_bit_changes_what_is_said);
	tcase_add_loop_test(tc, made_documents, 0, ARRAY_LEN(made));
	tcase_add_test(tc, a_leaf_is_no_authority);
	tcase_add_loop_test(
	    tc, the_services_answer_is_read, 0, ARRAY_LEN(answers));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
