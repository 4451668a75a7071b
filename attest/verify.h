/* verify.h - verification in two steps: what the bytes say, once, and whether
 * that holds here and now, at every use (attest/cache.c). */
#ifndef ATTEST_VERIFY_H
#define ATTEST_VERIFY_H

#include "attest/attest.h"
#include "attest/doc.h"
#include "attest/keys.h"

/* A key of a trust: meaningful with trusts of one version only. */
struct verify_key {
	uint32_t entry, key;
};

/* What is asked of a document or token at every use. */
struct checked {
	struct doc doc; /* ids, times, audience, cnf, owner; no other claims */
	struct str token_domain, nonce;
	struct verify_key at;
	char key_id[KEYS_THUMBPRINT + 1]; /* of the key that signed */
	bool is_token;
};

/* Evidence whose signatures held: the claims of all documents together, and
 * what is checked of each. Immutable; lives in the arena it was made or copied
 * in. */
struct verified {
	const struct claims *claims;
	const struct checked *checked;
	size_t n;
	size_t keep_bytes; /* what a copy takes of an arena at most; 0: not to
			      be kept */
};

/* As attest_verify, with all that was found. */
bool verify_evidence(struct arena *a, const struct attest_evidence *e,
    const struct attest_context *ctx, struct verified *ret,
    struct error *reterr) MUST_USE;
/* All but signature and shape: times, issuer, owner, revocation, nonce,
 * audience, cnf. `ctx` has a trust of the version that it was verified with.
 * Errors: ERR_EVIDENCE_*. Allocates nothing. */
bool verify_again(const struct verified *v, const struct attest_context *ctx,
    struct error *reterr) MUST_USE;
/* Into `a`, borrowing nothing. Errors: memory. */
bool verified_copy(struct arena *a, const struct verified *v,
    struct verified *ret, struct error *reterr) MUST_USE;

#endif
