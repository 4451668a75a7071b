#include "gateways/bucket.h"

bool
bucket_take(struct bucket *b, unsigned rate, int64_t now_ms)
{
	int64_t gap = now_ms - b->at_ms;

	/* More than a second fills it. */
	b->spent = gap < 0 || gap >= 1000 || b->spent < gap * rate
		       ? 0
		       : b->spent - gap * rate;
	b->at_ms = now_ms;
	if (b->spent + 1000 > INT64_C(1000) * rate)
		return false;
	b->spent += 1000;
	return true;
}
