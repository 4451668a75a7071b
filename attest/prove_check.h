/* prove_check.h - one answer against one key. Whoever looks for the key does
 * the same work when there is none: prove_check_decoy makes a key that nobody
 * has, and the answer is judged against that. */
#ifndef ATTEST_PROVE_CHECK_H
#define ATTEST_PROVE_CHECK_H

#include "attest/keys.h"
#include "attest/secret.h"

enum prove_verdict { PROVE_WRONG = 0, PROVE_RIGHT };

/* Signature methods: `spki`. HMAC: `mac_key`, 32 bytes. */
struct prove_check_key {
	enum prove_method method;
	struct str spki, mac_key;
};

/* The key of SubjectPublicKeyInfo in DER, in no other form than we would write;
 * RSA of 2,048 to 4,096 bits, P-256, Ed25519. keys_public_fini the result.
 * Errors: ERR_KEY_FORM, memory. */
bool prove_check_read_key(struct str spki, struct keys_public *ret,
    struct error *reterr) MUST_USE;
enum prove_method prove_check_method(enum keys_algorithm algorithm);
/* SubjectPublicKeyInfo onto `out`. */
bool prove_check_write_key(const struct keys_public *k, struct buf *out,
    struct error *reterr) MUST_USE;

/* SubjectPublicKeyInfo of a key of this method that nobody has; RSA as large as
 * `proof_bytes` wants it, so that a proof is as much work to refuse whatever is
 * registered. In `a`. For hmac the caller has a random one. */
bool prove_check_decoy(struct arena *a, enum prove_method method,
    size_t proof_bytes, struct str *ret_spki, struct error *reterr) MUST_USE;

/* Is the proof over `message` by this key? The key that the answer brings, if
 * any, must have signed it too, and have its thumbprint; a signature's own key
 * must have the thumbprint `jkt`. False is an error, no verdict: memory,
 * ERR_SYSTEM_ERROR. */
bool prove_check(const struct prove_answer *answer, struct str message,
    const struct prove_check_key *key, enum prove_verdict *ret,
    struct error *reterr) MUST_USE;

/* HKDF-SHA256(secret, salt account, info `avow hmac v1`). */
bool prove_check_mac_key(struct str secret, struct str account,
    uint8_t ret[SECRET_BYTES], struct error *reterr) MUST_USE;

#endif
