/* store_private.h - what the files of store/ that hold rules share: store.c (members), revocations.c, and whoever adds tables. */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include <pthread.h>

#include "store/sql.h"
#include "store/store.h"

struct store {
	pthread_mutex_t lock; /* of `sql` */
	struct sql *sql;
};

/* One transaction. What `inside` did is durable when this is true, and undone when it is false; `inside` may ask for the undoing itself (*keep = false; true
 * when it is called). It runs once: what may have been committed is not tried again. */
bool store_change(struct store *s,
    bool (*inside)(
	struct sql *q, void *ctx, bool *keep, struct error *reterr),
    void *ctx, struct error *reterr) MUST_USE;
/* One statement that only reads, outside a transaction. */
bool store_read(struct store *s, const char *select,
    const struct sql_value *params, size_t n_params,
    bool (*row)(void *ctx, const struct sql_row *row, struct error *reterr),
    void *ctx, struct error *reterr) MUST_USE;

/* Inside a transaction: are fewer than four fifths of LIMIT_REVOCATIONS in force? The rest is for what is revoked by hand. Asked before what makes more of them by itself, and before an account comes, of which one day there
 * may be more. What follows from a change (a move, a deletion, a ban) is never refused and never lost for that: those rows go over the limit, and what is new waits
 * until there is room. ERR_LIMIT_COUNT. */
bool store_revocation_room(struct sql *q, struct error *reterr) MUST_USE;

/* Inside a transaction whose change a restored copy would undo (something is revoked, used up, closed): such a copy is then known to be old. Wakes the other
 * nodes, too. */
bool store_raise_generation(struct sql *q, struct error *reterr) MUST_USE;

#endif
