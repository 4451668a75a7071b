/* cms_own.h - our own documents as CMS SignedData (RFC 5652), in one encoding.
 * A message is right when it is, byte for byte, what cms_own_write would write
 * around its content, its signature and the pinned key: DER; one signer, named
 * by the key's RFC 7638 thumbprint as subjectKeyIdentifier; SHA-256; RSA PKCS
 * #1 v1.5 or ECDSA P-256; signed attributes content type and digest, no more;
 * content inside; no certificates, no revocation lists, nothing unsigned. So
 * there is nothing in it that could be changed or that a reader could follow.
 * RFC 8419's Ed25519 wants no attributes and SHA-512, and OpenSSL 3.0 neither
 * makes nor checks it: refused. */
#ifndef ATTEST_CMS_OWN_H
#define ATTEST_CMS_OWN_H

#include "attest/keys.h"

/* Content and signature, lent from `der`. False: not of that shape. Nothing is
 * believed yet, not even that it is DER: cms_own_verify compares all of it. */
bool cms_own_split(struct str der, struct str *ret_content,
    struct str *ret_signature) MUST_USE;
/* Errors: ERR_EVIDENCE_MALFORMED, ERR_EVIDENCE_SIGNATURE, memory. */
bool cms_own_verify(const struct keys_public *k, struct str der,
    struct str content, struct str signature, struct error *reterr) MUST_USE;

/* Appends. Errors: ERR_KEY_FORM (no CMS by such a key), ERR_SYSTEM_ERROR,
 * memory. */
bool cms_own_sign(const struct keys_public *k, struct str content,
    struct buf *out, struct error *reterr) MUST_USE;
/* Appends what such a signature is over: the attributes, as a SET in DER (RFC
 * 5652 5.4). False when memory is out. */
bool cms_own_attributes(struct str content, struct buf *out) MUST_USE;

#endif
