/* bucket.h - how many requests a second: a bucket that fills with time, and is a second's worth at most. Zeroed it is full. Not thread-safe; O(1). */
#ifndef GATEWAYS_BUCKET_H
#define GATEWAYS_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	int64_t spent; /* thousandths of requests that are not there again yet */
	int64_t at_ms;
};

/* Take one request of `rate` a second (at least 1). False: there is none at `now_ms`, of any clock. One that was set back begins anew. */
bool bucket_take(struct bucket *b, unsigned rate, int64_t now_ms);

#endif
