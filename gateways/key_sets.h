/* key_sets.h - key sets that `trust:` names by URL (RFC 7517; SECURITY 10): asked for over HTTPS, held, and asked for again before they are old.
 * A set is asked for when trust first needs it, which waits for the answer; after that a thread asks as often as the answer's `max-age` says, between
 * LIMIT_KEY_SET_LEAST_S and LIMIT_KEY_SET_MOST_S. An answer that is no key set counts as none. A set that could not be had anew for LIMIT_KEY_SET_STALE_S is stale,
 * and with it all that its keys signed. Nothing in evidence has a part in where keys come from, or when they are asked for. */
#ifndef GATEWAYS_KEY_SETS_H
#define GATEWAYS_KEY_SETS_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"

struct key_sets;
struct key_set;

struct key_sets_options {
	const struct clock *clock; /* borrowed */
	/* Ask once; `ca` empty: the system's authorities. *ret_age_s: how long the answer says it is good, or -1. NULL: over HTTPS (client.h). */
	bool (*fetch)(void *ctx, struct arena *a, struct str url, struct str ca,
	    struct str *ret_text, int64_t *ret_age_s, struct error *reterr);
	/* A set that is in use has other keys now. No lock is held. NULL: nobody is told. */
	void (*changed)(void *ctx);
	void *ctx; /* of both */
};

/* `https://HOST[:PORT]/PATH`, without user, fragment and spaces? */
bool key_sets_is_url(struct str s);

/* NULL when memory is out. */
struct key_sets *key_sets_new(const struct key_sets_options *options);
/* Ends the thread; what is in hand is waited for. */
void key_sets_stop(struct key_sets *s);
/* Stops it, and lets go. What is in use stays until it is released. */
void key_sets_close(struct key_sets *s);

/* The set in force, which is asked for when none is held, or a stale one. *ret_text lives in `a`; *ret is for key_set_release. Cost: nothing, or one request of at most
 * LIMIT_CLIENT_MS. Errors: ERR_DATA_MISSING, ERR_DATA_TIMEOUT, ERR_KEY_FORM (what came is no key set), ERR_LIMIT_COUNT, memory. */
bool key_sets_use(struct key_sets *s, struct arena *a, struct str url,
    struct str ca, struct key_set **ret, struct str *ret_text,
    struct error *reterr) MUST_USE;
void key_set_release(struct key_set *set);
/* Unix seconds from which the set is stale; changes while it is in use. */
const atomic_int_fast64_t *key_set_fresh_until(const struct key_set *set);

/* Ask for those in use whose time has come. Milliseconds until the next, LIMIT_KEY_SET_RETRY_S at most. */
int64_t key_sets_tick(struct key_sets *s);
/* The thread that does so; nothing where no set is in use, or it runs already. */
bool key_sets_start(struct key_sets *s, struct error *reterr) MUST_USE;

#endif
