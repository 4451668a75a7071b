#include "gateways/bucket.h"

/* More than a second fills it. */
static int64_t
spent_at(const struct bucket *b, unsigned rate, int64_t now_ms)
{
	int64_t gap = now_ms - b->at_ms;

	return gap < 0 || gap >= 1000 || b->spent < gap * rate
		   ? 0
		   : b->spent - gap * rate;
}

bool
bucket_take(struct bucket *b, unsigned rate, int64_t now_ms)
{
	b->spent = spent_at(b, rate, now_ms);
	b->at_ms = now_ms;
	if (b->spent + 1000 > INT64_C(1000) * rate)
		return false;
	b->spent += 1000;
	return true;
}

/* His own place, or one whose bucket is full: it says no more than a new one.
 */
static struct bucket *
place_of(struct buckets *all, uint32_t uid, unsigned rate, int64_t now_ms)
{
	struct bucket_user *fresh = NULL;

	for (size_t i = 0; i < BUCKETS_USERS; i++) {
		struct bucket_user *u = &all->users[i];

		if (u->uid == uid)
			return &u->bucket;
		if (!fresh && spent_at(&u->bucket, rate, now_ms) == 0)
			fresh = u;
	}
	if (!fresh)
		return &all->others;
	*fresh = (struct bucket_user){ .uid = uid };
	return &fresh->bucket;
}

bool
buckets_take(struct buckets *all, uint32_t uid, unsigned rate, int64_t now_ms)
{
	return bucket_take(place_of(all, uid, rate, now_ms), rate, now_ms);
}
