/* replay.h - proofs of possession that all nodes take once (SECURITY 7): nonces
 * and what was spent, as rows. A named contract of store/, for attest/dpop.c
 * alone. A nonce is random, made by the node that first needs one, and given
 * out by all. Two are alive: the newest and the one before, each for
 * LIMIT_DPOP_EPOCH_S as the newest and as long again after that, by the clock
 * that all nodes share. What was spent is forgotten only together with its
 * nonce, so that a proof whose row is gone has a nonce that is gone as well,
 * whatever the clocks do; a nonce that is gone never comes back. Errors:
 * ERR_SYSTEM_STORE, memory. */
#ifndef STORE_REPLAY_H
#define STORE_REPLAY_H

#include "store/store.h"

#define STORE_NONCE 22 /* characters */

/* The nonces that are alive, the newest first; the second is empty when there
 * is one only. */
struct store_nonces {
	char text[2][STORE_NONCE + 1];
	int64_t made_at; /* of the newest; unix s, by the shared clock */
};

/* Read them; where the newest has served its time, `fresh` becomes the next,
 * and what is past is forgotten. A transaction that writes only then. */
bool store_nonces(struct store *s, const char fresh[STORE_NONCE + 1],
    struct store_nonces *ret, struct error *reterr) MUST_USE;

enum store_spent { STORE_SPENT_NO_NONCE = 0, STORE_SPENT_BEFORE, STORE_SPENT };
/* Spend a proof of this digest under this nonce, by a unique insert. One
 * durable write. */
bool store_proof_spend(struct store *s, struct str nonce,
    const uint8_t digest[32], enum store_spent *ret,
    struct error *reterr) MUST_USE;

#endif
