/* digest.h - SHA-256 (FIPS 180-4), through OpenSSL. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/str.h"

/* Over the parts, one after the other. False only when OpenSSL fails. */
bool digest_sha256(const struct str *parts, size_t n, uint8_t ret[32]) MUST_USE;
/* Each part preceded by its length as 8 bytes big-endian, so that no two lists of parts run together. */
bool digest_sha256_framed(const struct str *parts, size_t n,
    uint8_t ret[32]) MUST_USE;
/* Lower-case hex of the first `n_bytes` bytes; `out` has room for 2 * n_bytes + 1. */
void digest_hex(const uint8_t *bytes, size_t n_bytes, char *out);

#endif
