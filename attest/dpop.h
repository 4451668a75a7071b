/* dpop.h - proofs of possession for one request each (RFC 9449). A named contract of attest/.
 * A proof is a JWS by the holder's own key over method, URL, the token it goes with, a nonce of ours and an id of its own. The nonce is this process's: it is random, changes
 * every LIMIT_DPOP_EPOCH_S, and each epoch remembers which proofs it took. A proof so old that its memory is gone has a nonce that is gone as well, so none is taken
 * twice, whatever the clock does; a restart, or another node, asks for a fresh nonce first.
 * Nodes that share a store may share both instead (dpop_new_shared): nonces and what was taken are rows then (store/replay.h), and each proof taken costs a durable write. */
#ifndef ATTEST_DPOP_H
#define ATTEST_DPOP_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

struct dpop;
struct dpop *dpop_new(struct error *reterr); /* NULL: memory or randomness is out */
/* One memory for all nodes of `store`, which outlives it. Nothing is read yet. Where the store cannot be read or written, no proof is taken: ERR_SYSTEM_STORE. */
struct store;
struct dpop *dpop_new_shared(struct store *store, struct error *reterr);
void dpop_free(struct dpop *d);

#define DPOP_NONCE 22 /* Base64url of 16 bytes */
/* The nonce to ask for now (header `DPoP-Nonce`). */
bool dpop_nonce(struct dpop *d, int64_t now_unix_s, char ret[DPOP_NONCE + 1],
    struct error *reterr) MUST_USE;

/* What this server saw itself. */
struct dpop_request {
	struct str proof;  /* the one `DPoP` header */
	struct str method; /* `htm` */
	struct str url;    /* `htu`: configured public URL and raw path, without query and fragment; compared byte for byte */
	struct str shown;  /* what `ath` is the SHA-256 of: the token's text, a document's exact bytes */
	int64_t now_unix_s;
};

struct dpop_proof {
	char jkt[44];       /* thumbprint of the key that made the proof */
	uint8_t digest[32]; /* of key and `jti` */
	char nonce[DPOP_NONCE + 1];
};

/* Signature by the key the proof brings, `htm`, `htu`, `ath`, `iat` within LIMIT_SKEW_S either way, nonce. *ret_stale is written in any case: true when only the nonce is
 * missing or gone, so that the answer is `use_dpop_nonce`. Thread-safe. Errors: ERR_EVIDENCE_PROOF, _MALFORMED, _TOO_LARGE. */
bool dpop_check(struct dpop *d, const struct dpop_request *q,
    struct dpop_proof *ret, bool *ret_stale, struct error *reterr) MUST_USE;
/* The public key that a proof brings, as JWK, after dpop_check has found the proof to be by it. A new reference. */
bool dpop_key(struct str proof, json_t **ret_jwk, struct error *reterr) MUST_USE;
/* Take it, once: after the evidence it goes with was verified and found bound to `p->jkt`. Errors: ERR_EVIDENCE_REPLAYED; ERR_EVIDENCE_PROOF when the nonce has gone
 * meanwhile. */
bool dpop_spend(struct dpop *d, const struct dpop_proof *p, int64_t now_unix_s,
    struct error *reterr) MUST_USE;

/* The holder's side: append a proof by `key`. `nonce` may be empty; `id` empty: random. */
struct attest_key;
bool dpop_make(const struct attest_key *key, const struct dpop_request *what,
    struct str nonce, struct str id, struct buf *out, struct error *reterr)
    MUST_USE;

#endif
