/* cms.c - one pinned key against one PKCS #7 message.
 * The signer is whoever holds the pinned key: certificates in the message and
 * the issuer and serial number it names are outside the signature and are not
 * consulted, so changing them changes nothing that we say; nor does it change
 * the document's id, which is of the content. (Azure's signers
 * come with a certificate; azure.c asks for it and holds it against a chain.)
 * OpenSSL wants a certificate for a signer; it gets an empty one around the
 * pinned key. With signed attributes (RFC 5652 5.4) the signature covers them,
 * and they cover the content by messageDigest; without, it covers the content.
 */
#include "attest/cms.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "attest/sig.h"

struct cms_message {
	CMS_ContentInfo *cms;
	CMS_SignerInfo *signer; /* of cms */
	struct str content;     /* of cms */
	const struct scheme *scheme;
};

/* Which algorithms a message may name. Azure names its signature's where the
 * digest's belongs. */
static const struct scheme {
	int digest; /* what is hashed with */
	int digest_names[2], signature_names[2];
	const char *digest_text, *signature_text;
} schemes[] = {
	[CMS_RSA_SHA256] = { NID_sha256, { NID_sha256, NID_sha256 },
	    { NID_rsaEncryption, NID_sha256WithRSAEncryption },
	    "is not made with SHA-256",
	    "is not RSA PKCS #1 v1.5 with SHA-256" },
	[CMS_AZURE] = { NID_sha256, { NID_sha256, NID_sha256WithRSAEncryption },
	    { NID_rsaEncryption, NID_sha256WithRSAEncryption },
	    "is not made with SHA-256",
	    "is not RSA PKCS #1 v1.5 with SHA-256" },
	[CMS_DSA_SHA1] = { NID_sha1, { NID_sha1, NID_sha1 },
	    { NID_dsa, NID_dsaWithSHA1 }, "is not made with SHA-1",
	    "is not DSA with SHA-1" },
};

static bool
malformed(struct error *reterr, const char *what)
{
	return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
	    "the PKCS #7 signature %s", what);
}

static bool
mismatch(struct error *reterr, const char *what)
{
	return error_set(reterr, ERR_EVIDENCE_SIGNATURE, SPAN_NONE,
	    "the PKCS #7 signature %s", what);
}

static struct str
str_of_octets(const ASN1_OCTET_STRING *s)
{
	return (struct str){ (const char *)ASN1_STRING_get0_data(s),
		(size_t)ASN1_STRING_length(s) };
}

static bool
find_signer(struct cms_message *m, struct error *reterr)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(m->cms);

	if (!signers || sk_CMS_SignerInfo_num(signers) != 1)
		return malformed(reterr, "does not have exactly one signer");
	m->signer = sk_CMS_SignerInfo_value(signers, 0);
	/* RFC 5652 5.3: whoever hands the message on could put anything there.
	 * No cloud writes any. An empty set counts, too. */
	return CMS_unsigned_get_attr_count(m->signer) < 0 ||
	       malformed(reterr, "has attributes that nobody signed");
}

static bool
find_content(struct cms_message *m, struct error *reterr)
{
	const ASN1_OBJECT *type = CMS_get0_eContentType(m->cms);
	ASN1_OCTET_STRING **content = CMS_get0_content(m->cms);

	if (!type || OBJ_obj2nid(type) != NID_pkcs7_data)
		return malformed(reterr, "is not over plain data");
	if (!content || !*content)
		return malformed(reterr, "does not have its content inside");
	m->content = str_of_octets(*content);
	return true;
}

static bool
names(const X509_ALGOR *algorithm, const int nids[2])
{
	int nid = algorithm ? OBJ_obj2nid(algorithm->algorithm) : NID_undef;

	return nid == nids[0] || nid == nids[1];
}

static bool
check_algorithms(const struct cms_message *m, struct error *reterr)
{
	X509_ALGOR *digest = NULL, *signature = NULL;

	CMS_SignerInfo_get0_algs(m->signer, NULL, NULL, &digest, &signature);
	if (!names(digest, m->scheme->digest_names))
		return mismatch(reterr, m->scheme->digest_text);
	if (!names(signature, m->scheme->signature_names))
		return mismatch(reterr, m->scheme->signature_text);
	return true;
}

/* The one value of a signed attribute that stands exactly once. */
static const void *
attribute(const struct cms_message *m, int nid, int type)
{
	return CMS_signed_get0_data_by_OBJ(
	    m->signer, OBJ_nid2obj(nid), -3, type);
}

/* RFC 5652 11.1, 11.2. */
static bool
check_attributes(const struct cms_message *m, struct error *reterr)
{
	const ASN1_OBJECT *type;
	const ASN1_OCTET_STRING *digest;
	unsigned char own[EVP_MAX_MD_SIZE];
	unsigned own_n = 0;

	if (CMS_signed_get_attr_count(m->signer) <= 0)
		return true;
	type = attribute(m, NID_pkcs9_contentType, V_ASN1_OBJECT);
	digest = attribute(m, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING);
	if (!type || OBJ_obj2nid(type) != NID_pkcs7_data || !digest)
		return malformed(reterr,
		    "lacks the content type or digest among its attributes");
	if (EVP_Digest(m->content.p, m->content.n, own, &own_n,
		EVP_get_digestbynid(m->scheme->digest), NULL) != 1)
		return error_nomem(reterr);
	if (!str_eq(str_of_octets(digest),
		(struct str){ (const char *)own, own_n }))
		return mismatch(reterr, "has the digest of another content");
	return true;
}

static bool
parse(struct cms_message *m, struct str der, struct error *reterr)
{
	const unsigned char *p = (const unsigned char *)der.p;

	m->cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.n);
	if (!m->cms || p != (const unsigned char *)der.p + der.n)
		return malformed(reterr, "cannot be read");
	if (OBJ_obj2nid(CMS_get0_type(m->cms)) != NID_pkcs7_signed)
		return malformed(reterr, "is not signed data");
	return find_signer(m, reterr) && find_content(m, reterr);
}

struct cms_message *
cms_open(struct str der, struct str document, enum cms_scheme scheme,
    struct error *reterr)
{
	struct cms_message *m = calloc(1, sizeof *m);
	bool ok;

	if (!m) {
		(void)error_nomem(reterr);
		return NULL;
	}
	m->scheme = &schemes[scheme];
	ok = parse(m, der, reterr);
	if (ok && !str_eq(m->content, document))
		ok = mismatch(reterr, "is over another document");
	ok = ok && check_algorithms(m, reterr) && check_attributes(m, reterr);
	ERR_clear_error();
	if (ok)
		return m;
	cms_free(m);
	return NULL;
}

bool
cms_content(
    struct arena *a, struct str der, struct str *ret, struct error *reterr)
{
	struct cms_message m = { 0 };
	struct str content = { 0 };
	bool ok = parse(&m, der, reterr);

	if (ok) {
		content = str_dup(a, m.content);
		ok = content.p || error_nomem(reterr);
	}
	CMS_ContentInfo_free(m.cms);
	ERR_clear_error();
	if (ok)
		*ret = content;
	return ok;
}

void
cms_free(struct cms_message *m)
{
	if (!m)
		return;
	CMS_ContentInfo_free(m->cms);
	free(m);
}

static bool
verify_attributes(struct cms_message *m, EVP_PKEY *pkey)
{
	X509 *shell = X509_new();
	bool ok = shell && X509_set_pubkey(shell, pkey) == 1;

	if (ok) {
		CMS_SignerInfo_set1_signer_cert(m->signer, shell);
		ok = CMS_SignerInfo_verify(m->signer) == 1;
	}
	X509_free(shell);
	return ok;
}

bool
cms_verify(struct cms_message *m, const struct keys_public *k)
{
	ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(m->signer);
	bool ok;

	if (CMS_signed_get_attr_count(m->signer) > 0)
		ok = verify_attributes(m, k->pkey);
	else
		ok = signature &&
		     sig_verify(k, m->content, str_of_octets(signature), NULL);
	ERR_clear_error();
	return ok;
}

/* RFC 5652 5.3: by issuer and serial number, or by key identifier. */
X509 *
cms_signer_certificate(const struct cms_message *m)
{
	STACK_OF(X509) *certs = CMS_get1_certs(m->cms);
	X509 *found = NULL;

	for (int i = 0; !found && i < sk_X509_num(certs); i++)
		if (CMS_SignerInfo_cert_cmp(
			m->signer, sk_X509_value(certs, i)) == 0)
			found = sk_X509_value(certs, i);
	if (found && X509_up_ref(found) != 1)
		found = NULL;
	sk_X509_pop_free(certs, X509_free);
	ERR_clear_error();
	return found;
}
