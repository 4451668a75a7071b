/* cms.h - PKCS #7 / CMS signed data with the content inside (RFC 5652), as the
 * metadata services of EC2 (`rsa2048`, `pkcs7`) and Azure give it. */
#ifndef ATTEST_CMS_H
#define ATTEST_CMS_H

#include <openssl/x509.h>

#include "attest/keys.h"

struct cms_message;

enum cms_scheme {
	CMS_RSA_SHA256 = 0, /* PKCS #1 v1.5 */
	CMS_AZURE, /* the same, under Azure's name for the digest */
	CMS_DSA_SHA1, /* weak: only where the operator wrote `weak: true` */
};

/* Reads all of `der` (DER, or BER with indefinite lengths) and checks what
 * needs no key: signed data, content of type data inside, exactly one signer,
 * the scheme's algorithms, signed attributes with the right content type and
 * digest, and that the content is `document`, byte for byte. NULL on error:
 * ERR_EVIDENCE_MALFORMED, ERR_EVIDENCE_SIGNATURE, memory. */
struct cms_message *cms_open(struct str der, struct str document,
    enum cms_scheme scheme, struct error *reterr);
/* A copy of what is signed, verified by nobody. ERR_EVIDENCE_MALFORMED, memory.
 */
bool cms_content(struct arena *a, struct str der, struct str *ret,
    struct error *reterr) MUST_USE;
void cms_free(struct cms_message *m);
/* Whether `k` made the signature. Keys and certificates in the message are
 * never looked at, nor is the name by which it calls its signer. */
bool cms_verify(struct cms_message *m, const struct keys_public *k);
/* The certificate in the message that it calls its signer's: nothing until it
 * is verified. The caller frees it; NULL: none, or memory. */
X509 *cms_signer_certificate(const struct cms_message *m);

#endif
