/* token_read.h - the parts of a token's verification, for attest/ alone. */
#ifndef ATTEST_TOKEN_READ_H
#define ATTEST_TOKEN_READ_H

#include "attest/doc.h"
#include "attest/jws.h"
#include "attest/token.h"

/* Whether the header's `typ` is this type's (RFC 8725 3.11). */
bool token_typ_is(enum token_type type, struct str typ);
/* The payload of a JWS that was verified, as a token of that type. `doc`, when
 * not NULL, gets its `claims` (and nothing else is written there), and `ret`
 * has none. Texts live
 * in `a`, or are lent from the payload, which does; token_fini the result. Errors: ERR_EVIDENCE_MALFORMED with the name
 * of the member, ERR_EVIDENCE_INSTANCE, memory. */
bool token_read(struct arena *a, const struct jws *j, enum token_type type,
    struct token *ret, struct doc *doc, struct error *reterr) MUST_USE;
/* RFC 7519 4.1.4 to 4.1.6, and that it does not live longer than a token may.
 * Errors: ERR_EVIDENCE_EXPIRED, _NOT_YET_VALID, _MALFORMED. */
bool token_check_times(const struct token *t, int64_t now_unix_s,
    struct error *reterr) MUST_USE;

/* The key of that thumbprint, or NULL. */
const struct keys_public *token_keys_find(
    const struct token_keys *k, struct str thumbprint);
/* Whether a key in the ring is published at that time. */
bool token_ring_is_published(
    const struct token_ring *r, size_t i, int64_t now_unix_s);
const struct attest_key *token_ring_key(const struct token_ring *r, size_t i);

#endif
