/* chain.h - certificates of authorities that the operator pinned, and whether a
 * signer's certificate chains to one of them (RFC 5280 section 6). For clouds
 * that sign with short-lived certificates. */
#ifndef ATTEST_CHAIN_H
#define ATTEST_CHAIN_H

#include <openssl/x509.h>

#include "base/error.h"

struct chain;

/* Add every certificate of PEM text whose key is RSA of 2,048 to 4,096 bits;
 * *c is made when it is NULL. Each is an anchor by itself, roots and
 * intermediates alike: what is pinned is trusted, and nothing that a message
 * brings along. Errors: ERR_KEY_FORM where `file` has no certificate; memory.
 */
bool chain_add(struct chain **c, const char *file, struct str text,
    struct error *reterr) MUST_USE;
void chain_free(struct chain *c);

/* Does `leaf` chain to an anchor, every certificate in force at `at_unix_s`,
 * and is it for `host` or a name below it (no wildcards)? Errors:
 * ERR_EVIDENCE_KEY (with OpenSSL's reason), memory. */
bool chain_verify(const struct chain *c, X509 *leaf, const char *host,
    int64_t at_unix_s, struct error *reterr) MUST_USE;

#endif
