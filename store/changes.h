/* changes.h - who changed what: a row a change, in the transaction that makes
 * it, so that there is no change without its row and no row without its change.
 * A named contract of store/. No secret and no token stands in it. The newest
 * LIMIT_CHANGES rows are kept; older ones go as new ones come. Their numbers
 * rise by one, so one that is missing in between was taken away by hand.
 * Errors: ERR_SYSTEM_STORE, memory. */
#ifndef STORE_CHANGES_H
#define STORE_CHANGES_H

#include "store/store.h"

struct sql; /* an open transaction */

struct store_changed {
	int64_t number; /* from 1; set by the store */
	int64_t at;     /* unix s, by the shared clock */
	struct str
	    who; /* `admin:NAME`, `account:ID`; `host`: a command there */
	struct str what;  /* `account.move`, `revocation.add`, … */
	struct str about; /* the id that it was done to; may be empty */
};

/* `number` and `at` are not read. What is not printable ASCII becomes `?`, and
 * texts are cut at 256 bytes: a name in a certificate keeps nobody from a
 * change. `who` empty: `host`. */
bool store_changed_note(struct sql *tx, const struct store_changed *c,
    struct error *reterr) MUST_USE;
/* At most `limit` rows, the newest first, with numbers below `before` (0: all).
 * Memory `a`'s. */
bool store_changed_page(struct store *s, struct arena *a, int64_t before,
    size_t limit, struct store_changed **ret, size_t *ret_n,
    struct error *reterr) MUST_USE;

#endif
