/* balancer.h - which instances are in which pool of a load balancer, and that it is so.
 *   a proven, permitted join -> row in the store (what should be) -> HAProxy (what is)
 * The store says what should be. HAProxy is made to agree one server at a time, by one thread a pool, always from what the store says at that moment: so joins,
 * leaves and repairs may run in any order and end the same. Nothing waits longer than LIMIT_HAPROXY_MS; what could not be done is done by the next repair.
 * A server's name is `avow-` + 32 hex of SHA-256(pool, principal, port), each with its length: nobody chooses one, and no other server is touched. The port is
 * part of it because one instance may serve several ports of a pool, each a member that leaves by itself (`?port=N`).
 * Members are verified and decided again every LIMIT_BALANCER_TICK_S and when woken (reload, revocation), by the same judge as a join; who is refused, denied or
 * expired leaves, with one log line. A pool belongs to one process: two that manage the same backend would undo one another. */
#ifndef GATEWAYS_BALANCER_H
#define GATEWAYS_BALANCER_H

#include "attest/attest.h"
#include "base/clock.h"
#include "gateways/config.h"
#include "store/store.h"

#define BALANCER_WEIGHT_DEFAULT 1 /* HAProxy's own */

struct balancer;

/* Who asks, as the gate saw and proved it. */
struct balancer_who {
	const struct claims *claims;
	enum claims_proof proof;
	struct net_addr client;
	struct str protocol; /* `http` or `https` */
	struct attest_evidence evidence;
	int64_t now_ms;
};

/* What the asker said. */
struct balancer_said {
	struct str address;
	int64_t port, weight;
};

/* A membership that was found well-formed, before policy is asked. */
struct balancer_ask {
	struct str gate, pool;
	const struct balancer_who *who;
	struct net_addr address;
	uint16_t port, weight;
};

/* Says yes or no. False with the code that refuses: evidence, requirements, policy, log. */
struct balancer_judge {
	void *ctx;
	/* What the gate does before policy: verify the stored evidence, then what it demands and requires. Fills who->claims and who->proof; the rest is as the
	 * join was, but for the time. Only for members that are judged again. */
	bool (*prove)(void *ctx, struct arena *a, struct str gate,
	    struct balancer_who *who, struct error *reterr);
	/* Ask policy; true only for a permit. */
	bool (*decide)(void *ctx, struct arena *a,
	    const struct balancer_ask *ask, struct error *reterr);
};

struct balancer_options {
	const struct config *config; /* its balancer gates; copied */
	struct store *store;         /* borrowed */
	const struct clock *clock;   /* borrowed */
	struct balancer_judge judge; /* judges members again, always by what is loaded now */
	int haproxy_ms;              /* 0: LIMIT_HAPROXY_MS */
};

/* NULL on error: memory, or two pools that share a backend (ERR_CONFIG_VALUE). */
struct balancer *balancer_new(const struct balancer_options *options,
    struct error *reterr);
void balancer_free(struct balancer *b);
/* Pools, their ports and networks, and leases are fixed while this runs: a configuration that has others is refused (ERR_CONFIG_VALUE). */
bool balancer_accepts(const struct balancer *b, const struct config *config,
    struct error *reterr) MUST_USE;

struct balancer_joined {
	struct str pool, instance, address;
	uint16_t port;
	bool is_new;        /* false: renewed */
	bool is_in;         /* false: stored; HAProxy could not be told yet */
	int64_t expires_at; /* unix s; INT64_MAX: `maxLease: none` */
};

/* What a join must be before policy is asked: client = attested = said address, network, port, weight. On success *ret_ask is the question for policy; it lends
 * from `b` and `who`. Errors: ERR_BALANCER_*, ERR_REQUIREMENT_ADDRESS. */
bool balancer_examine(const struct balancer *b, struct str pool,
    const struct balancer_who *who, const struct balancer_said *said,
    struct balancer_ask *ret_ask, struct error *reterr) MUST_USE;

/* Check (client = attested = said address, network, port, weight), ask `judge` (its decide alone), store, tell HAProxy. Who holds the place already keeps it
 * unless the same issuer attested the asker later; then the older leaves first. Memory is `a`'s. Errors: ERR_BALANCER_*, ERR_REQUIREMENT_ADDRESS, what the
 * judge says, ERR_EVIDENCE_EXPIRED, ERR_SYSTEM_*. */
bool balancer_join(struct balancer *b, struct arena *a, struct str pool,
    const struct balancer_who *who, const struct balancer_said *said,
    const struct balancer_judge *judge, struct balancer_joined *ret,
    struct error *reterr) MUST_USE;
/* The asker's own membership (port 0: all of them) ends; having none is fine. The client must be the attested address. */
bool balancer_leave(struct balancer *b, struct arena *a, struct str pool,
    const struct balancer_who *who, uint16_t port, struct error *reterr)
    MUST_USE;

/* Everything at once: judge all members again, then make HAProxy agree. Before the listener opens. False: the store failed (an unreachable HAProxy is no
 * error: it is repaired later). */
bool balancer_tick(struct balancer *b, struct error *reterr) MUST_USE;
/* What is due by the clock: expiry always, repair and judging at their intervals. Called by the thread; by tests. */
void balancer_beat(struct balancer *b);
/* A thread that beats each second. */
bool balancer_start(struct balancer *b, struct error *reterr) MUST_USE;
/* Judge all members again now (reload, revocation). Does not wait. */
void balancer_wake(struct balancer *b);
/* Ends the thread; balancer_free does it, too. */
void balancer_stop(struct balancer *b);

/* `avow-` + 32 hex digits and a NUL. */
bool balancer_server_name(struct str pool, struct str principal, uint16_t port,
    char ret[38]) MUST_USE;

#endif
