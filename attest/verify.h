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

/* A document or token whose signature held: what is asked of it at every use,
 * and what claims are made of. Lives in the arena it was made in. */
struct checked {
	struct doc doc;
	struct str kind, prefix; /* of its trust entry, copied */
	struct str spiffe_id;    /* empty without a trust domain */
	int64_t max_lease_s;     /* as claims have it */
	struct str token_domain, nonce;
	struct verify_key at;
	char key_id[KEYS_THUMBPRINT + 1]; /* of the key that signed */
	bool is_token, is_lasting;        /* it may be kept */
};

/* Evidence whose signatures held: the claims of all documents together, and
 * what is checked of each. Immutable; lives in the arena it was made or copied
 * in. */
struct verified {
	const struct claims *claims; /* NULL: a part of several, by itself */
	const struct checked *checked;
	size_t n;
	size_t claims_bytes; /* of the arena, beside what was checked */
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
/* One document by itself, into what was zeroed, which is worthless when it is
 * refused. Errors: ERR_EVIDENCE_*. */
typedef bool verify_part_fn(void *arg, struct arena *a,
    const struct attest_evidence *e, const struct attest_context *ctx,
    struct checked *zeroed, struct error *reterr);
verify_part_fn verify_part MUST_USE; /* `arg` is not used */
/* Several that are shown together: each by `part`, and then all of them: of one
 * instance or its group, of one trust entry, without a contradiction. Errors:
 * ERR_EVIDENCE_*. */
bool verify_packs(struct arena *a, const struct attest_evidence *e,
    const struct attest_context *ctx, verify_part_fn *part, void *arg,
    struct verified *ret, struct error *reterr) MUST_USE;
bool verify_part_again(const struct checked *c, const struct attest_context *ctx,
    struct error *reterr) MUST_USE;
/* What a copy takes of an arena at most; 0: not to be kept. */
size_t verified_keep_bytes(const struct verified *v);
/* Into `a`, borrowing nothing; without claims where there are none. Errors:
 * memory. */
bool verified_copy(struct arena *a, const struct verified *v,
    struct verified *ret, struct error *reterr) MUST_USE;

#endif
