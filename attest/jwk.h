/* jwk.h - public keys as JSON (RFC 7517, RFC 8037), in and out. A private or
 * symmetric key is refused where a public one is wanted, as in keys.h. */
#ifndef ATTEST_JWK_H
#define ATTEST_JWK_H

#include "attest/keys.h"
#include "base/json.h"

/* One JWK. `kty`, `crv`, coordinates of their full width and strict Base64url;
 * `use`, where there, `sig` or one of SPIFFE's,
 * `key_ops` with `verify`; `alg`, where there, the key's.
 * Other members are ignored (RFC 7517 4). keys_public_fini the result. Errors:
 * ERR_KEY_FORM, memory. */
bool jwk_read(const json_t *jwk, struct keys_public *ret,
    struct error *reterr) MUST_USE;
/* All keys of a set that sign: others (of another type, curve, size, or for
 * encryption) are left out (RFC 7517 5), a private one is refused. A text that
 * is one JWK counts as a set of one. List and names live in `a`; each key wants
 * keys_public_fini. Errors: ERR_KEY_FORM, ERR_CONFIG_TRUST for a private key,
 * ERR_JSON_*, memory. */
bool jwk_read_set(struct arena *a, const char *file, struct str text,
    struct keys_public **ret_keys, size_t *ret_n,
    struct error *reterr) MUST_USE;
/* JSON when the text begins with a brace, else PEM as keys_public_read has it. */
bool jwk_read_file(struct arena *a, const char *file, struct str text,
    struct keys_public **ret_keys, size_t *ret_n,
    struct error *reterr) MUST_USE;
/* The key as a new object: required members, `kid` (RFC 7638), `alg`, and `use`
 * where it is not NULL. NULL when memory is out or the key is unfit. */
json_t *jwk_write(const struct keys_public *k, const char *use);

#endif
