/* spiffe.h - SPIFFE ids, as `sub` has them (SPIFFE-ID 2). A named contract of attest/. */
#ifndef ATTEST_SPIFFE_H
#define ATTEST_SPIFFE_H

#include "base/error.h"

/* Small letters, digits, `.`, `-`, `_`; 1 to LIMIT_TRUST_DOMAIN. */
bool spiffe_trust_domain_is_valid(struct str s);
/* `spiffe://TRUST_DOMAIN/PATH`: no query, fragment, port or user, no empty,
 * `.` or `..` segment, at most 2,048 bytes. `path` begins with its slash and is
 * empty for a trust domain's own id. Slices of `id`. */
bool spiffe_id_parse(struct str id, struct str *ret_trust_domain,
    struct str *ret_path) MUST_USE;
/* Our ids: spiffe://TRUST_DOMAIN/instance/ID. */
void spiffe_id_write(struct buf *out, struct str trust_domain, struct str id);
/* The ID of one of ours; false for another path. */
bool spiffe_instance(struct str path, struct str *ret_id) MUST_USE;

#endif
