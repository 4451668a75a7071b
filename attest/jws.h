/* jws.h - JSON Web Signatures in compact form (RFC 7515 7.1), read strictly.
 * The key says the algorithm and the message must agree: `alg` is compared with
 * the key's own, never looked up. Nothing in a header is followed: `jku`, `x5u`
 * and `x5c` are refused, `jwk` where the caller did not ask for it, and `crit`
 * and `b64`, since no extension is understood here; other names are ignored, as
 * RFC 7515 4 has it.
 * Limits: LIMIT_TOKEN_BYTES, for a document LIMIT_DOCUMENT_BYTES;
 * LIMIT_TOKEN_DEPTH. */
#ifndef ATTEST_JWS_H
#define ATTEST_JWS_H

#include "attest/keys.h"
#include "base/json.h"

enum jws_use {
	JWS_KEY_TRUSTED = 0, /* a token whose header brings no key */
	JWS_KEY_BROUGHT, /* `jwk` must be there: a proof of possession (RFC 9449) */
	JWS_DOCUMENT,    /* a document of ours; the header brings no key */
};

/* What was read, believed by nobody until jws_verify. `signed_part` is a slice
 * of the text; the rest lives in the arena, the header's tree until jws_fini. */
struct jws {
	enum jws_use use;
	struct str signed_part; /* HEADER.PAYLOAD, the bytes that are signed */
	struct str payload, signature; /* decoded */
	json_t *header; /* NULL when the header brings no key, and is plain */
	size_t n_names; /* in the header */
	struct str alg, typ, kid; /* lent from the header; empty: not there */
};

/* Errors: ERR_EVIDENCE_MALFORMED, ERR_EVIDENCE_TOO_LARGE, memory. */
bool jws_parse(struct arena *a, struct str text, enum jws_use use,
    struct jws *ret, struct error *reterr) MUST_USE;
void jws_fini(struct jws *j);

/* `RS256`, `ES256` or `EdDSA` (RFC 7518 3.1, RFC 8037 3.1); empty for a key
 * that signs no JWS (RSA-1024, unfit). */
struct str jws_algorithm(const struct keys_public *k);
/* Errors: ERR_EVIDENCE_SIGNATURE (another `alg` than the key's, a signature of
 * the wrong form or over other bytes), memory. ES256 is r and s, 32 bytes each
 * (RFC 7518 3.4). */
bool jws_verify(const struct jws *j, const struct keys_public *k,
    struct error *reterr) MUST_USE;

/* Append HEADER.PAYLOAD.SIGNATURE. `typ` is the header's; `kid` is the key's
 * thumbprint; `jwk`, when not NULL, goes into the header, instead of `kid`. */
bool jws_sign(const struct keys_public *k, const char *typ, const json_t *jwk,
    struct str payload, struct buf *out, struct error *reterr) MUST_USE;

#endif
