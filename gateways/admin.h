/* admin.h - tokens for people who administer the token service. A named contract of gateways/, for the command line.
 * `avow-admin-` and 32 random bytes in Base64url. Only the SHA-256 is stored: who reads the store learns no token. They are made on the host alone, never over HTTP:
 * nobody promotes himself. Standard: RFC 6750 for how it is sent. */
#ifndef GATEWAYS_ADMIN_H
#define GATEWAYS_ADMIN_H

#include "store/admin.h"

#define ADMIN_TOKEN_MOST_S (30 * 86400)
#define ADMIN_TOKEN_USUAL_S (8 * 3600)

/* Make one for `name` ([A-Za-z0-9][A-Za-z0-9._@-]{0,63}), valid for `lifetime_s` (0: 8 h; at most 30 days). Appends the token; the caller wipes it.
 * *ret->id lives in `a`. Errors: ERR_USAGE, ERR_SYSTEM_STORE, ERR_SYSTEM_ERROR. */
bool admin_token_new(struct store *s, struct arena *a, struct str name,
    int64_t lifetime_s, int64_t now_unix_s, struct buf *out,
    struct store_admin_token *ret, struct error *reterr) MUST_USE;
/* Who holds `token`. Errors: ERR_EVIDENCE_PROOF, the same for all that are none; ERR_SYSTEM_STORE. */
bool admin_token_check(struct store *s, struct arena *a, struct str token,
    int64_t now_unix_s, struct store_admin_token *ret, struct error *reterr)
    MUST_USE;

#endif
