/* rate.h - how often somebody may be wrong: LIMIT_FAILURES_ACCOUNT proofs a minute of an account and source, LIMIT_FAILURES_SOURCE of a source (SECURITY 11).
 * A source is an address, or of IPv6 its network of 64 bits. Buckets of tokens: an attempt takes one before it is judged, so that many at once pass no more, and gets
 * it back when it was right. An account by itself has no bucket: nobody can shut out another by naming it. The table is fixed; its keys are SipHash under a key of
 * this process. Where it is crowded the entry that is nearest to being whole again makes room. Thread-safe; O(1). */
#ifndef ATTEST_RATE_H
#define ATTEST_RATE_H

#include "base/net.h"
#include "base/error.h"

struct rate;

struct rate *rate_new(struct error *reterr);
void rate_free(struct rate *r);

/* Take one attempt; `account` empty: of the source alone. Errors: ERR_REQUEST_RATE: none was taken. */
bool rate_take(struct rate *r, const struct net_addr *source,
    struct str account, int64_t now_ms, struct error *reterr) MUST_USE;
/* It was right: give it back. */
void rate_give(struct rate *r, const struct net_addr *source,
    struct str account, int64_t now_ms);

/* The source as it is counted and stored: `192.0.2.1`, `2001:db8::`. */
void rate_print_source(struct buf *out, const struct net_addr *source);

#endif
