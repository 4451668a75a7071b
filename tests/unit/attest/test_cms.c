/* PKCS #7 made here, with one thing wrong each. (Genuine ones: test_ec2.c.) */
#include "attest/cms.h"

#include <openssl/cms.h>
#include <openssl/x509.h>

#include "tests/lib/run.h"

#define DOCUMENT "{\"instanceId\":\"i-1\"}"

/* A key with a certificate of its own, as a signer needs one. */
struct signer {
	EVP_PKEY *pkey;
	X509 *cert;
};

static void
signer_init(struct signer *s, unsigned bits)
{
	X509_NAME *name = X509_NAME_new();

	s->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
	s->cert = X509_new();
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"signer", -1, -1, 0);
	ck_assert_int_eq(X509_set_issuer_name(s->cert, name), 1);
	ck_assert_int_eq(X509_set_subject_name(s->cert, name), 1);
	ck_assert_int_eq(
	    ASN1_INTEGER_set(X509_get_serialNumber(s->cert), 7), 1);
	X509_gmtime_adj(X509_getm_notBefore(s->cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(s->cert), 60);
	ck_assert_int_eq(X509_set_pubkey(s->cert, s->pkey), 1);
	ck_assert_int_gt(X509_sign(s->cert, s->pkey, EVP_sha256()), 0);
	X509_NAME_free(name);
}

static void
signer_fini(struct signer *s)
{
	EVP_PKEY_free(s->pkey);
	X509_free(s->cert);
}

/* `signers` as they are given, over `content`. */
static struct str
make(struct buf *b, const struct signer *signers, size_t n,
    const EVP_MD *digest, unsigned flags, struct str content)
{
	BIO *in = BIO_new_mem_buf(content.p, (int)content.n);
	CMS_ContentInfo *cms;
	unsigned char *der = NULL;
	int len;

	flags |= CMS_BINARY | CMS_PARTIAL;
	cms = CMS_sign(NULL, NULL, NULL, in, flags);
	ck_assert_ptr_nonnull(cms);
	for (size_t i = 0; i < n; i++)
		ck_assert_ptr_nonnull(CMS_add1_signer(
		    cms, signers[i].cert, signers[i].pkey, digest, flags));
	ck_assert_int_eq(CMS_final(cms, in, NULL, flags), 1);
	len = i2d_CMS_ContentInfo(cms, &der);
	ck_assert_int_gt(len, 0);
	buf_add(b, (struct str){ (const char *)der, (size_t)len });
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return buf_str(b);
}

static void
pin(struct keys_public *k, EVP_PKEY *pkey)
{
	EVP_PKEY_up_ref(pkey);
	ck_assert(keys_public_init(k, pkey, NULL));
}

static const struct {
	const char *note;
	unsigned flags;
} good[] = {
	{ "with its certificate", 0 },
	{ "without", CMS_NOCERTS },
	{ "without attributes", CMS_NOCERTS | CMS_NOATTR },
};

START_TEST(the_pinned_key_alone_counts)
{
	struct signer s, other;
	struct keys_public right, wrong;
	struct buf der = { 0 };
	struct error e = { 0 };
	struct cms_message *m;

	signer_init(&s, 2048);
	signer_init(&other, 2048);
	pin(&right, s.pkey);
	pin(&wrong, other.pkey);
	m = cms_open(
	    make(&der, &s, 1, EVP_sha256(), good[_i].flags, STR(DOCUMENT)),
	    STR(DOCUMENT), CMS_RSA_SHA256, &e);
	ck_assert_msg(m != NULL, "%s: %s", good[_i].note, e.msg);
	/* A certificate inside of the message opens nothing. */
	ck_assert_msg(!cms_verify(m, &wrong), "%s", good[_i].note);
	ck_assert_msg(cms_verify(m, &right), "%s", good[_i].note);
	/* And the order of asking does not matter. */
	ck_assert(!cms_verify(m, &wrong));
	cms_free(m);
	buf_free(&der);
	keys_public_fini(&right);
	keys_public_fini(&wrong);
	signer_fini(&s);
	signer_fini(&other);
}
END_TEST

enum change {
	NOTHING,
	WITH_SHA1,
	WITH_SHA384,
	DETACHED,
	TWO,
	CUT,
	MORE,
	UNSIGNED,
	UNSIGNED_NONE
};

static const struct {
	const char *note;
	enum change change;
	const char *document;
	enum err_code want;
	const char *says;
} bad[] = {
	{ "another document", NOTHING, "{}", ERR_EVIDENCE_SIGNATURE,
	    "another document" },
	{ "the document and a line feed", NOTHING, DOCUMENT "\n",
	    ERR_EVIDENCE_SIGNATURE, "another document" },
	{ "SHA-1", WITH_SHA1, DOCUMENT, ERR_EVIDENCE_SIGNATURE, "SHA-256" },
	{ "SHA-384", WITH_SHA384, DOCUMENT, ERR_EVIDENCE_SIGNATURE, "SHA-256" },
	{ "no content inside", DETACHED, DOCUMENT, ERR_EVIDENCE_MALFORMED,
	    "inside" },
	{ "two signers", TWO, DOCUMENT, ERR_EVIDENCE_MALFORMED, "one signer" },
	{ "cut short", CUT, DOCUMENT, ERR_EVIDENCE_MALFORMED, "read" },
	{ "a byte more", MORE, DOCUMENT, ERR_EVIDENCE_MALFORMED, "read" },
	{ "an attribute that is not signed", UNSIGNED, DOCUMENT,
	    ERR_EVIDENCE_MALFORMED, "nobody signed" },
	{ "a set of them with none", UNSIGNED_NONE, DOCUMENT,
	    ERR_EVIDENCE_MALFORMED, "nobody signed" },
};

/* The same message, and beside its signature what that does not cover. */
static struct str
with_unsigned(struct buf *b, bool is_empty)
{
	const unsigned char *p = (const unsigned char *)b->p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)b->n);
	CMS_SignerInfo *signer =
	    sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	unsigned char *der = NULL;
	int len;

	ck_assert_int_eq(
	    CMS_unsigned_add1_attr_by_NID(signer, NID_pkcs9_unstructuredName,
		V_ASN1_UTF8STRING, "anything", 8),
	    1);
	if (is_empty)
		X509_ATTRIBUTE_free(CMS_unsigned_delete_attr(signer, 0));
	len = i2d_CMS_ContentInfo(cms, &der);
	ck_assert_int_gt(len, 0);
	b->n = 0;
	buf_add(b, (struct str){ (const char *)der, (size_t)len });
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	return buf_str(b);
}

START_TEST(other_messages_are_refused)
{
	enum change change = bad[_i].change;
	const EVP_MD *digest = change == WITH_SHA1     ? EVP_sha1()
			       : change == WITH_SHA384 ? EVP_sha384()
						       : EVP_sha256();
	struct signer s[2];
	struct buf b = { 0 };
	struct str der;
	struct error e = { 0 };

	signer_init(&s[0], 2048);
	signer_init(&s[1], 2048);
	der = make(&b, s, change == TWO ? 2 : 1, digest,
	    change == DETACHED ? CMS_DETACHED : 0, STR(DOCUMENT));
	if (change == UNSIGNED || change == UNSIGNED_NONE)
		der = with_unsigned(&b, change == UNSIGNED_NONE);
	if (change == CUT)
		der.n--;
	if (change == MORE) {
		buf_byte(&b, '\0');
		der = buf_str(&b);
	}
	ck_assert_msg(
	    cms_open(der, str_of(bad[_i].document), CMS_RSA_SHA256, &e) == NULL,
	    "%s", bad[_i].note);
	ck_assert_msg(
	    e.code == bad[_i].want, "%s: %s", bad[_i].note, error_id(e.code));
	ck_assert_msg(
	    strstr(e.msg, bad[_i].says) != NULL, "%s: %s", bad[_i].note, e.msg);
	buf_free(&b);
	signer_fini(&s[0]);
	signer_fini(&s[1]);
}
END_TEST

static const struct str junk[] = { STR_INIT(""), STR_INIT("\x30"),
	STR_INIT("\x30\x80"), STR_INIT("\x30\x80\x00\x00"),
	STR_INIT("\x30\x82\xff\xff"), STR_INIT("hello"),
	/* a ContentInfo of type data */
	STR_INIT("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\x30"
		 "\x00") };

START_TEST(junk_is_malformed)
{
	struct error e = { 0 };

	ck_assert_ptr_null(
	    cms_open(junk[_i], STR(DOCUMENT), CMS_RSA_SHA256, &e));
	ck_assert_int_eq(e.code, ERR_EVIDENCE_MALFORMED);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cms");
	TCase *tc = tcase_create("cms");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
	    tc, the_pinned_key_alone_counts, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tc, other_messages_are_refused, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(tc, junk_is_malformed, 0, ARRAY_LEN(junk));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
