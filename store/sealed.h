/* sealed.h - what lies in the store sealed under the master secret, and under
 * which one. A named contract of store/, for attest/sts*.c alone: what is in
 * there is not known here. All inside a transaction (accounts.h). Errors:
 * ERR_SYSTEM_STORE, memory. */
#ifndef STORE_SEALED_H
#define STORE_SEALED_H

#include "store/accounts.h"

/* The master secret's name, which tells nothing of it: the first that comes is
 * the store's. *ret_is_ours false: the store has another. */
bool store_secret_claim(struct sql *tx, struct str name, bool *ret_is_ours,
    struct error *reterr) MUST_USE;
bool store_secret_is(struct sql *tx, struct str name, bool *ret_is_ours,
    struct error *reterr) MUST_USE;
/* Another one from now on. A copy from before is then known to be old. */
bool store_secret_rename(
    struct sql *tx, struct str name, struct error *reterr) MUST_USE;

enum store_sealed_kind {
	STORE_SEALED_KEY = 0, /* HMAC keys, former ones too */
	STORE_SEALED_ENROLMENT,
	STORE_SEALED_OFFER, /* `detail`: the audience */
	STORE_SEALED_KINDS
};
struct store_sealed {
	int64_t number; /* STORE_SEALED_KEY: the incarnation */
	struct str account, detail, sealed;
};
/* All of a kind, in `a`. */
bool store_sealed_list(struct sql *tx, struct arena *a,
    enum store_sealed_kind kind, struct store_sealed **ret, size_t *ret_n,
    struct error *reterr) MUST_USE;
/* Its new text; the row is there. */
bool store_sealed_put(struct sql *tx, enum store_sealed_kind kind,
    const struct store_sealed *row, struct error *reterr) MUST_USE;

#endif
