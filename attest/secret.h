/* secret.h - what is done with secrets: random bytes, derived keys, MACs, and sealing what must lie in a database.
 * The master secret is 32 random bytes in a file outside the database (0600, O_NOFOLLOW, refused when others can read it); two keys come from it by HKDF-SHA256
 * (RFC 5869), one that seals (AES-256-GCM, SP 800-38D: 12 random bytes of nonce a time, so at most 2^32 seals) and one that MACs challenges. Whoever holds such bytes
 * wipes them at its single exit. Every success of OpenSSL is `== 1`, and its error queue is empty when we return. */
#ifndef ATTEST_SECRET_H
#define ATTEST_SECRET_H

#include "attest/prove.h"

#define SECRET_BYTES 32

struct secret_keys {
	uint8_t seal[SECRET_BYTES], challenge[SECRET_BYTES];
	char name[33]; /* hex; of the master secret, derived beside the keys: tells nothing of them */
};

/* Errors: ERR_SYSTEM_ERROR: no bytes were to be had, and `to` is all zero. */
bool secret_random(const struct prove_random *random, uint8_t *to, size_t n,
    struct error *reterr) MUST_USE;
void secret_wipe(void *p, size_t n);
/* In a time that does not tell where they differ. Lengths are no secret. */
bool secret_equal(struct str a, struct str b);

/* HKDF-SHA256. Errors: ERR_SYSTEM_ERROR, here and below. */
bool secret_derive(struct str secret, struct str salt, const char *info,
    uint8_t ret[SECRET_BYTES], struct error *reterr) MUST_USE;
/* HMAC-SHA256 (RFC 2104). */
bool secret_mac(const uint8_t key[SECRET_BYTES], struct str message,
    uint8_t ret[SECRET_BYTES], struct error *reterr) MUST_USE;

/* Errors: ERR_FILE_WRITE. */
bool secret_create(const char *path, const struct prove_random *random,
    struct error *reterr) MUST_USE;
/* Errors: ERR_FILE_READ, ERR_FILE_MODE, ERR_KEY_FORM. */
bool secret_open(const char *path, struct secret_keys *ret,
    struct error *reterr) MUST_USE;

/* The secret of `from` in place of that of `to`, whole or not at all; `from` stays. Errors: also ERR_FILE_WRITE. */
bool secret_move(const char *from, const char *to, struct error *reterr)
    MUST_USE;

/* What a sealed text is for: sealed for one thing, it opens for no other. */
struct secret_purpose {
	const char *what;
	struct str account, detail;
};
/* Append version, nonce, text and tag. */
bool secret_seal(const struct secret_keys *keys,
    const struct prove_random *random, const struct secret_purpose *purpose,
    struct str plain, struct buf *out, struct error *reterr) MUST_USE;
/* The text lives in `a`; wipe it. Errors: ERR_SYSTEM_STORE (altered, of another purpose, or of another master secret). */
bool secret_unseal(struct arena *a, const struct secret_keys *keys,
    const struct secret_purpose *purpose, struct str sealed, struct str *ret,
    struct error *reterr) MUST_USE;

#endif
