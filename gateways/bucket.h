/* bucket.h - how many requests a second: a bucket that fills with time, and is a second's worth at most; and one for each user, so that none uses up what others may
 * ask. Zeroed all are full. Not thread-safe. Cost: O(1); of users O(BUCKETS_USERS). */
#ifndef GATEWAYS_BUCKET_H
#define GATEWAYS_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bucket {
	int64_t spent; /* thousandths of requests that are not there again yet */
	int64_t at_ms;
};

/* Take one request of `rate` a second (at least 1). False: there is none at `now_ms`, of any clock. One that was set back begins anew. */
bool bucket_take(struct bucket *b, unsigned rate, int64_t now_ms);

#define BUCKETS_USERS 64u /* who asked within the last second */
struct buckets {
	struct bucket_user {
		uint32_t uid;
		struct bucket bucket;
	} users[BUCKETS_USERS];
	struct bucket others;
};

/* The same of the user's own bucket. Who finds no place, since BUCKETS_USERS others have spent something that is not there again yet, takes of one that all such
 * share. */
bool buckets_take(
    struct buckets *all, uint32_t uid, unsigned rate, int64_t now_ms);

#endif
