#include "tests/lib/certs.h"

#include <check.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY 86400L

static const char *
text_of(BIO *bio, struct arena *a)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);
	const char *z = str_z(a, (struct str){ p, (size_t)n });

	ck_assert_ptr_nonnull(z);
	BIO_free(bio);
	return z;
}

static const char *
certificate_pem(X509 *x, struct arena *a)
{
	BIO *bio = BIO_new(BIO_s_mem());

	ck_assert_int_eq(PEM_write_bio_X509(bio, x), 1);
	return text_of(bio, a);
}

static const char *
key_pem(EVP_PKEY *key, struct arena *a)
{
	BIO *bio = BIO_new(BIO_s_mem());

	ck_assert_int_eq(
	    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	return text_of(bio, a);
}

static void
put_name(X509_NAME *name, const char *type, const char *value)
{
	if (value)
		ck_assert_int_eq(
		    X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8,
			(const unsigned char *)value, -1, -1, 0),
		    1);
}

static void
put_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	ck_assert_ptr_nonnull(e);
	ck_assert_int_eq(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* Everything but extensions and signature. */
static X509 *
start(const struct certs_say *say, EVP_PKEY *key)
{
	static long serial;
	X509 *x = X509_new();

	ck_assert_ptr_nonnull(x);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x), -2 * DAY);
	X509_gmtime_adj(
	    X509_getm_notAfter(x), say->is_expired ? -DAY : 2 * DAY);
	X509_set_pubkey(x, key);
	put_name(X509_get_subject_name(x), "O", say->org);
	put_name(X509_get_subject_name(x), "CN", say->cn);
	return x;
}

void
certs_ca_make(struct certs_ca *ca, struct arena *a, const char *cn)
{
	const struct certs_say say = { .cn = cn };

	ca->key = EVP_EC_gen("P-256");
	ck_assert_ptr_nonnull(ca->key);
	ca->certificate = start(&say, ca->key);
	X509_set_issuer_name(
	    ca->certificate, X509_get_subject_name(ca->certificate));
	put_extension(
	    ca->certificate, NID_basic_constraints, "critical,CA:TRUE");
	put_extension(ca->certificate, NID_key_usage, "critical,keyCertSign");
	ck_assert_int_gt(X509_sign(ca->certificate, ca->key, EVP_sha256()), 0);
	ca->pem = certificate_pem(ca->certificate, a);
}

void
certs_ca_free(struct certs_ca *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->certificate);
}

struct certs_leaf
certs_leaf(
    const struct certs_ca *ca, struct arena *a, const struct certs_say *say)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = start(say, key);
	struct certs_leaf leaf;

	X509_set_issuer_name(x, X509_get_subject_name(ca->certificate));
	put_extension(x, NID_basic_constraints, "critical,CA:FALSE");
	put_extension(x, NID_key_usage, "critical,digitalSignature");
	put_extension(x, NID_ext_key_usage,
	    say->is_for_clients ? "clientAuth" : "serverAuth");
	if (say->names)
		put_extension(x, NID_subject_alt_name, say->names);
	ck_assert_int_gt(X509_sign(x, ca->key, EVP_sha256()), 0);
	leaf = (struct certs_leaf){ certificate_pem(x, a), key_pem(key, a) };
	X509_free(x);
	EVP_PKEY_free(key);
	return leaf;
}
