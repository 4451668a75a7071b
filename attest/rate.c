/* rate.c - see rate.h. */
#include "attest/rate.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/limits.h"

#define MINUTE_MS 60000
#define ONE                                                                    \
	((int64_t)MINUTE_MS) /* an attempt: a limit of n fills n each ms       \
			      */
#define WAYS 8u
#define SETS (LIMIT_FAILURES_TABLE / WAYS)

/* Empty: hash 0. `missing` is what the bucket lacks at `at_ms`. */
struct bucket {
	uint64_t hash;
	int64_t missing, at_ms;
	int64_t limit; /* attempts a minute */
};

struct rate {
	pthread_mutex_t lock;
	struct bucket sets[SETS][WAYS];
};

struct rate *
rate_new(struct error *reterr)
{
	struct rate *r = calloc(1, sizeof *r);

	if (r && pthread_mutex_init(&r->lock, NULL) == 0)
		return r;
	free(r);
	(void)error_nomem(reterr);
	return NULL;
}

void
rate_free(struct rate *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* ---- sources ----------------------------------------------------------------
 */

static struct net_addr
network_of(const struct net_addr *source)
{
	struct net_addr n = *source;

	if (n.family == 6)
		memset(n.bytes + 8, 0, 8);
	return n;
}

void
rate_print_source(struct buf *out, const struct net_addr *source)
{
	struct net_addr n = network_of(source);

	net_print(out, &n);
}

/* Never 0. An account has no NUL, so that the two kinds never meet. */
static uint64_t
hash_of(const struct net_addr *source, struct str account)
{
	struct net_addr n = network_of(source);
	char key[1 + sizeof n.bytes + LIMIT_INSTANCE_ID];
	size_t len = 1 + sizeof n.bytes;

	if (account.n > LIMIT_INSTANCE_ID)
		account.n = LIMIT_INSTANCE_ID;
	key[0] = (char)n.family;
	memcpy(key + 1, n.bytes, sizeof n.bytes);
	if (account.n > 0)
		memcpy(key + len, account.p, account.n);
	return str_hash((struct str){ key, len + account.n }, 0x7261746531) | 1;
}

/* ---- buckets ----------------------------------------------------------------
 */

static int64_t
missing_at(const struct bucket *b, int64_t now_ms)
{
	int64_t passed = now_ms - b->at_ms;

	/* A clock that went back fills nothing. */
	if (b->hash == 0 || passed >= MINUTE_MS)
		return 0;
	if (passed <= 0)
		return b->missing;
	return b->missing > passed * b->limit ? b->missing - passed * b->limit
					      : 0;
}

/* The bucket of `hash`; else a free one, or the one that lacks least. */
static struct bucket *
find(struct rate *r, uint64_t hash, int64_t limit, int64_t now_ms)
{
	struct bucket *set = r->sets[(hash >> 1) % SETS], *best = set;

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].hash == hash)
			return &set[i];
	for (size_t i = 1; i < WAYS; i++)
		if (missing_at(&set[i], now_ms) < missing_at(best, now_ms))
			best = &set[i];
	*best = (struct bucket){ hash, 0, now_ms, limit };
	return best;
}

static void
settle(struct bucket *b, int64_t now_ms)
{
	b->missing = missing_at(b, now_ms);
	if (now_ms > b->at_ms)
		b->at_ms = now_ms;
}

static bool
has_one(const struct bucket *b)
{
	return b->missing + ONE <= b->limit * ONE;
}

bool
rate_take(struct rate *r, const struct net_addr *source, struct str account,
    int64_t now_ms, struct error *reterr)
{
	uint64_t ours = hash_of(source, STR("")),
		 pair = hash_of(source, account);
	struct bucket *all, *one;
	bool ok;

	pthread_mutex_lock(&r->lock);
	all = find(r, ours, LIMIT_FAILURES_SOURCE, now_ms);
	settle(all, now_ms);
	ok = has_one(all);
	if (ok)
		all->missing += ONE;
	if (ok && account.n > 0) {
		one = find(r, pair, LIMIT_FAILURES_ACCOUNT, now_ms);
		settle(one, now_ms);
		ok = has_one(one);
		if (ok)
			one->missing += ONE;
		else
			all->missing -= ONE;
	}
	pthread_mutex_unlock(&r->lock);
	return ok || error_set(reterr, ERR_REQUEST_RATE, SPAN_NONE,
			 "too many failed proofs from here; wait a minute");
}

static void
give(struct rate *r, uint64_t hash, int64_t now_ms)
{
	struct bucket *set = r->sets[(hash >> 1) % SETS];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].hash == hash) {
			settle(&set[i], now_ms);
			set[i].missing =
			    set[i].missing > ONE ? set[i].missing - ONE : 0;
		}
}

void
rate_give(struct rate *r, const struct net_addr *source, struct str account,
    int64_t now_ms)
{
	pthread_mutex_lock(&r->lock);
	give(r, hash_of(source, STR("")), now_ms);
	if (account.n > 0)
		give(r, hash_of(source, account), now_ms);
	pthread_mutex_unlock(&r->lock);
}
