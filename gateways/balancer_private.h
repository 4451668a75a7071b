/* balancer_private.h - what the files of the balancer share: balancer.c (who may be in), balancer_sync.c (HAProxy agrees), balancer_review.c (who may stay).
 * Locks: whoever speaks to a pool's HAProxy has taken its turn, and never asks a judge meanwhile; the store has a lock of its own. */
#ifndef GATEWAYS_BALANCER_PRIVATE_H
#define GATEWAYS_BALANCER_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "gateways/balancer.h"
#include "gateways/haproxy.h"

struct balancer_pool {
	struct str gate;
	int64_t max_lease_s; /* the gate's; CONFIG_LEASE_* */
	struct config_pool config;
	/* One speaks to HAProxy at a time; others wait as long as they may. */
	pthread_mutex_t lock;
	pthread_cond_t is_free;
	bool is_taken;
	bool is_unreachable; /* told in the log once; whose turn it is reads and writes it */
};

struct balancer {
	struct arena *arena;
	struct balancer_pool *pools;
	size_t n_pools;
	struct store *store;
	const struct clock *clock;
	struct balancer_judge judge;
	int haproxy_ms;

	/* Counts the judgings of all members: a join that began before one and ended after it is judged again itself. */
	atomic_uint_fast64_t epoch;
	atomic_bool is_review_wanted, is_repair_wanted;
	pthread_mutex_t beat_lock; /* one beat or tick at a time; guards the next three */
	int64_t reviewed_at_ms, repaired_at_ms;
	bool has_store_failed;

	pthread_t thread;
	bool has_thread;
	pthread_mutex_t wake_lock; /* guards the last two */
	pthread_cond_t wake;
	bool is_stopping, is_woken;
};

struct balancer_pool *balancer_pool_find(struct balancer *b, struct str name);

/* balancer.c: the limits of the pool, for a join and for a member that is judged again. `address` is what the asker wants to join with. */
bool balancer_check(const struct balancer_pool *p,
    const struct balancer_who *who, const struct net_addr *address,
    int64_t port, int64_t weight, struct error *reterr) MUST_USE;
/* When a membership shown at `shown_at` ends at the latest (unix s). */
int64_t balancer_lease_end(const struct balancer_pool *p,
    const struct claims *claims, int64_t shown_at);

/* balancer_sync.c */
enum balancer_sync {
	SYNC_UNREACHABLE = 0, /* nothing is known; *reterr says why */
	SYNC_LATER,           /* connections have not ended */
	SYNC_DONE,
};
/* Make HAProxy have this server as the store says now. */
enum balancer_sync balancer_sync(struct balancer *b, struct balancer_pool *p,
    struct str server, struct error *reterr);
/* All servers of the pool, until a pass finds nothing to do. False: the store failed. */
bool balancer_repair(struct balancer *b, struct balancer_pool *p,
    struct error *reterr) MUST_USE;

/* balancer_review.c: verify and decide a stored member again. False with the code that refuses it; ERR_LIMIT_MEMORY counts as well. ERR_SYSTEM_STORE: nothing is known, and a
 * review ends there; a join is refused. */
bool balancer_judge_member(struct balancer *b, struct balancer_pool *p,
    struct arena *a, const struct store_member *m, struct error *reterr)
    MUST_USE;
/* The row leaves if it is still of this generation, and so does the server; one log line. False: the store failed. */
bool balancer_remove(struct balancer *b, const struct store_member *m,
    const struct error *why, struct error *reterr) MUST_USE;

#endif
