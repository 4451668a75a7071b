/* verify.h - verification with the cryptographic part done, or told as done
 * (attest/cache.c alone). */
#ifndef ATTEST_VERIFY_H
#define ATTEST_VERIFY_H

#include "attest/attest.h"

/* A key of a trust: meaningful with trusts of one version only. */
struct verify_key {
	uint32_t entry, key;
};

/* As attest_verify. `known`: these very kind, document and signature verified
 * under that key of a trust of this version, so that the signature need not be
 * checked again; everything else is. NULL: not known. *ret_key, on success, is
 * the key. */
bool verify_evidence(struct arena *a, const struct attest_evidence *e,
    const struct attest_context *ctx, const struct verify_key *known,
    struct verify_key *ret_key, const struct claims **ret_claims,
    struct error *reterr) MUST_USE;

#endif
