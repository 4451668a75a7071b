/* revocations.h - what the store says is revoked, as a list in memory that is never older than it may be.
 *   the store's generation, read every LIMIT_STORE_POLL_MS or so and when PostgreSQL tells -> when it rose: all rows -> a new list, handed over
 * A thread with a handle of its own does it. Who needs revocations asks revocations_check first: a store that could not be read at the last try, that was not
 * read for LIMIT_REVOCATION_STALE_MS, or that was put back from a copy refuses everything (SECURITY 8, 10). One list a process; in force everywhere at once. */
#ifndef GATEWAYS_REVOCATIONS_H
#define GATEWAYS_REVOCATIONS_H

#include "attest/attest.h"

struct revocations;

/* How evenly the clock has run, as far as this process has seen; zero at first. */
struct revocations_pace {
	int64_t wall_ms, mono_ns; /* at the last look; mono_ns 0: none yet */
	int64_t even_since_ns;
};
/* Has it, for ten minutes? What has expired by a clock that is days ahead, as a machine may start with, is not forgotten before somebody could put the clock right: it would count
 * again. To be asked more often than the clock may be off. */
bool revocations_pace_is_even(
    struct revocations_pace *p, int64_t wall_ms, int64_t mono_ns);

struct revocations_options {
	struct str store; /* its URL */
	const char *mark; /* file of the newest generation seen; NULL: none. Borrowed */
	/* A new list, which the callee owns. Called by one thread at a time; false keeps the former one in force, and refuses. */
	bool (*take)(void *ctx, struct attest_revoked *list, struct error *reterr);
	void *ctx;
};

/* Opens the store and looks once: when this succeeds `take` was called. NULL on error. */
struct revocations *revocations_new(const struct revocations_options *options,
    struct error *reterr);
/* The thread. Without it revocations_poll has to be called. */
bool revocations_start(struct revocations *r, struct error *reterr) MUST_USE;
/* Ends the thread; the rest stays. revocations_free does it, too. */
void revocations_stop(struct revocations *r);
void revocations_free(struct revocations *r);

/* The list as it is now, for a look without a server: nothing is written, also not to `mark`, and a store behind it is refused. A SQLite file that is not there yet revokes
 * nothing, as at a server's first start. NULL on error. */
struct attest_revoked *revocations_read(
    struct str store, const char *mark, struct error *reterr);

/* One look. False: the store cannot be used, and from now on nothing passes revocations_check. */
bool revocations_poll(struct revocations *r, struct error *reterr) MUST_USE;
/* Look now: something was revoked in this process. Does not wait. */
void revocations_wake(struct revocations *r);
/* May a decision rest on the list? ERR_SYSTEM_STORE. NULL `r`: there is no store, and nothing to wait for. */
bool revocations_check(const struct revocations *r, struct error *reterr)
    MUST_USE;

#endif
