/* admin.h - tokens that let people administer: recognised by their SHA-256, never kept themselves. A named contract of store/.
 * A token has a name for logs, begins and ends; who holds one may do all that the admin listener offers. Errors: ERR_SYSTEM_STORE, memory. */
#ifndef STORE_ADMIN_H
#define STORE_ADMIN_H

#include "store/store.h"

struct store_admin_token {
	struct str id;   /* 16 hex digits: names the token where it may be seen */
	struct str name; /* who holds it, for logs */
	int64_t created_at, expires_at; /* unix s */
};

/* One more; an id or hash that is there already is an error. Takes away those that are past. */
bool store_admin_add(struct store *s, const struct store_admin_token *t,
    const uint8_t hash[32], struct error *reterr) MUST_USE;
/* The token with this hash that has not expired at `now_unix_s`. Memory `a`'s. */
bool store_admin_find(struct store *s, struct arena *a, const uint8_t hash[32],
    int64_t now_unix_s, struct store_admin_token *ret, bool *ret_found,
    struct error *reterr) MUST_USE;
/* All, also those past, by when they were made; at most LIMIT_ADMIN_TOKENS. */
bool store_admin_list(struct store *s, struct arena *a,
    struct store_admin_token **ret, size_t *ret_n, struct error *reterr)
    MUST_USE;
bool store_admin_remove(struct store *s, struct str id, bool *ret_removed,
    struct error *reterr) MUST_USE;

#endif
