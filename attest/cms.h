/* cms.h - PKCS #7 / CMS signed data with the content inside (RFC 5652), as the
 * EC2 metadata service's `rsa2048` gives it. */
#ifndef ATTEST_CMS_H
#define ATTEST_CMS_H

#include "attest/keys.h"

struct cms_message;

/* Reads all of `der` (DER, or BER with indefinite lengths) and checks what
 * needs no key: signed data, content of type data inside, exactly one signer,
 * SHA-256 with RSA PKCS #1 v1.5, signed attributes with the right content type
 * and digest, and that the content is `document`, byte for byte. NULL on error:
 * ERR_EVIDENCE_MALFORMED, ERR_EVIDENCE_SIGNATURE, memory. */
struct cms_message *cms_open(
    struct str der, struct str document, struct error *reterr);
void cms_free(struct cms_message *m);
/* Whether `k` made the signature. Keys and certificates in the message are
 * never looked at, nor is the name by which it calls its signer. */
bool cms_verify(struct cms_message *m, const struct keys_public *k);

#endif
