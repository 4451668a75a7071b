/* sig.h - one detached signature over some bytes; the key picks the algorithm.
 */
#ifndef ATTEST_SIG_H
#define ATTEST_SIG_H

#include "attest/keys.h"

/* RSA: PKCS #1 v1.5 with SHA-256 (RFC 8017 8.2). P-256: ECDSA with SHA-256, DER
 * (RFC 3279 2.2.3). Ed25519: RFC 8032. Errors: ERR_EVIDENCE_SIGNATURE, memory.
 */
bool sig_verify(const struct keys_public *k, struct str message,
    struct str signature, struct error *reterr) MUST_USE;
/* For a key that will verify often: what OpenSSL looks up for each signature
 * (implementation, parameters) is kept, in `a`, which outlives the key. Without
 * it, or when memory is out, verifying only takes longer. Before the key is
 * shared between threads; keys_public_fini ends it. */
void sig_prepare(struct arena *a, struct keys_public *k);
void sig_unprepare(struct keys_public *k);
/* Appends the signature's raw bytes. */
bool sig_sign(const struct keys_public *k, struct str message,
    struct buf *ret_signature, struct error *reterr) MUST_USE;

/* The same for a message that stands for `content` (struct keys_signer). */
bool sig_sign_for(const struct keys_public *k, struct str message,
    struct str content, struct buf *ret_signature,
    struct error *reterr) MUST_USE;

/* Append the DER of r and s, 64 bytes. False when memory is out. */
bool sig_der_of_raw(struct str raw, struct buf *out) MUST_USE;

/* The same in the form of JSON Web Signatures (RFC 7518 3.4): P-256 as r and s,
 * 32 bytes each, big-endian; RSA and Ed25519 as above. */
bool sig_verify_jose(const struct keys_public *k, struct str message,
    struct str signature, struct error *reterr) MUST_USE;
bool sig_sign_jose(const struct keys_public *k, struct str message,
    struct buf *ret_signature, struct error *reterr) MUST_USE;

#endif
