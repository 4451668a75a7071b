/* merging.h - a thread that makes one whole of a snapshot and its changes, beside running decisions; for server.c.
 * It sleeps until it is woken, and merges what the owner wants merged. A merge that was overtaken by a reload is thrown away: the owner refuses it, and wants
 * the newer one. Nothing is ever in force for want of a merge: a snapshot with changes decides the same. */
#ifndef GATEWAYS_MERGING_H
#define GATEWAYS_MERGING_H

#include "engine/engine.h"

struct merging_options {
	/* A reference to what is to be merged now; NULL: nothing. */
	struct engine_snapshot *(*wanted)(void *ctx);
	/* Put `merged` (taken) in force if `of` still is. False: it is not. */
	bool (*put)(void *ctx, const struct engine_snapshot *of,
	    struct engine_snapshot *merged_take);
	void *ctx;
};

struct merging;
/* Starts the thread. NULL when memory or threads are out. */
struct merging *merging_start(const struct merging_options *options);
/* Look again whether something is wanted. `m` may be NULL. */
void merging_wake(struct merging *m);
/* Waits for a merge in hand. */
void merging_stop(struct merging *m);

#endif
