/* balancer_review.c - who may stay: expiry, judging again, and the thread that
 * sees to both and to repairs. */
#include "gateways/balancer_private.h"

#include <time.h>

#include "base/limits.h"
#include "base/log.h"

#define BATCH 256u
#define BEAT_S 1

/* --- one member
 * -------------------------------------------------------------------
 */

bool
balancer_remove(struct balancer *b, const struct store_member *m,
    const struct error *why, struct error *reterr)
{
	struct balancer_pool *p = balancer_pool_find(b, m->pool);
	bool removed;

	if (!store_member_expire(b->store, m, &removed, reterr))
		return false;
	/* It has joined again meanwhile, or left. */
	if (!removed)
		return true;
	log_line(LOG_INFO, "balancer.removed",
	    "pool=%.*s instance=\"%.*s\" address=%.*s port=%u server=%.*s "
	    "code=%s reason=\"%s\"",
	    STR_ARG(m->pool), STR_ARG(m->principal), STR_ARG(m->address),
	    (unsigned)m->port, STR_ARG(m->server), error_id(why->code),
	    why->msg);
	if (p)
		(void)balancer_sync(b, p, m->server, NULL);
	return true;
}

/* The claims that were verified again are those of the member. */
static bool
check_member(const struct balancer_pool *p, const struct balancer_who *who,
    const struct store_member *m, struct error *reterr)
{
	int64_t end = balancer_lease_end(p, who->claims, m->shown_at);

	if (!str_eq(claims_principal(who->claims).id, m->principal))
		return error_set(reterr, ERR_EVIDENCE_INSTANCE, SPAN_NONE,
		    "the stored document is another instance's");
	if (end <= who->now_ms / 1000)
		return error_set(reterr, ERR_EVIDENCE_EXPIRED, SPAN_NONE,
		    "the document or its lease has ended");
	return balancer_check(p, who, &who->client, m->port, m->weight, reterr);
}

bool
balancer_judge_member(struct balancer *b, struct balancer_pool *p,
    struct arena *a, const struct store_member *m, struct error *reterr)
{
	struct balancer_who who = {
		.protocol = m->protocol,
		.evidence = { m->kind, m->document, m->signature },
		.now_ms = clock_now_ms(b->clock),
	};
	struct balancer_ask ask = { .gate = p->gate,
		.pool = p->config.name,
		.who = &who,
		.port = m->port,
		.weight = m->weight };

	if (!net_parse_addr(m->address, &who.client))
		return error_set(reterr, ERR_BALANCER_ADDRESS, SPAN_NONE,
		    "the stored address is none");
	if (m->expires_at <= who.now_ms / 1000)
		return error_set(reterr, ERR_EVIDENCE_EXPIRED, SPAN_NONE,
		    "the document or its lease has ended");
	if (!b->judge.prove(b->judge.ctx, a, p->gate, &who, reterr) ||
	    !check_member(p, &who, m, reterr))
		return false;
	ask.address = who.client;
	return b->judge.decide(b->judge.ctx, a, &ask, reterr);
}

/* --- all members
 * --------------------------------------------------------------------
 */

static bool
expire_batch(struct balancer *b, struct arena *a, int64_t now_s, size_t *ret_n,
    struct error *reterr)
{
	const struct error why = { .code = ERR_EVIDENCE_EXPIRED,
		.msg = "the document or its lease has ended" };
	struct store_member *due;

	if (!store_member_due(b->store, a, now_s, BATCH, &due, ret_n, reterr))
		return false;
	for (size_t i = 0; i < *ret_n; i++)
		if (!balancer_remove(b, &due[i], &why, reterr))
			return false;
	return true;
}

/* Members of all pools, also of those that are not configured any more: whose
 * time is up is forgotten. */
static bool
expire(struct balancer *b, struct arena *a, struct error *reterr)
{
	int64_t now_s = clock_now_ms(b->clock) / 1000;
	size_t n = BATCH;

	while (n == BATCH) {
		arena_reset(a);
		if (!expire_batch(b, a, now_s, &n, reterr))
			return false;
	}
	return true;
}

static bool
review_member(struct balancer *b, struct arena *a, const struct store_member *m,
    struct error *reterr)
{
	struct balancer_pool *p = balancer_pool_find(b, m->pool);
	struct error why = { 0 };

	/* A pool that is not configured has no gate to ask and no HAProxy to
	 * tell: its rows wait, and are judged when it is back. */
	if (!p)
		return true;
	arena_reset(a);
	if (balancer_judge_member(b, p, a, m, &why))
		return true;
	/* Nothing is known of the member then: all are judged again as soon as
	 * the store can be read. */
	if (why.code == ERR_SYSTEM_STORE)
		return error_set(reterr, why.code, why.at, "%s", why.msg);
	return balancer_remove(b, m, &why, reterr);
}

static bool
review_pages(struct balancer *b, struct arena *pages[2], struct arena *scratch,
    struct error *reterr)
{
	struct store_member *rows, *last = NULL;
	size_t n = 0, page = 0;

	/* The last row of a page says where the next begins: two arenas take
	 * turns. */
	do {
		arena_reset(pages[page]);
		if (!store_member_page(
			b->store, pages[page], last, BATCH, &rows, &n, reterr))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!review_member(b, scratch, &rows[i], reterr))
				return false;
		last = n ? &rows[n - 1] : NULL;
		page = !page;
	} while (n == BATCH);
	return true;
}

static bool
review(struct balancer *b, struct error *reterr)
{
	struct arena *pages[2] = { arena_new(0), arena_new(0) };
	struct arena *scratch = arena_new(LIMIT_SCRATCH_BYTES);
	bool ok = pages[0] && pages[1] && scratch;

	/* Before the first row is read: see check_epoch. */
	atomic_fetch_add(&b->epoch, 1);
	if (ok)
		ok = review_pages(b, pages, scratch, reterr);
	else
		error_nomem(reterr);
	arena_free(pages[0]);
	arena_free(pages[1]);
	arena_free(scratch);
	return ok;
}

static bool
repair(struct balancer *b, struct error *reterr)
{
	for (size_t i = 0; i < b->n_pools; i++)
		if (!balancer_repair(b, &b->pools[i], reterr))
			return false;
	return true;
}

static bool
expire_all(struct balancer *b, struct error *reterr)
{
	struct arena *a = arena_new(0);
	bool ok = a ? expire(b, a, reterr) : error_nomem(reterr);

	arena_free(a);
	return ok;
}

/* --- when
 * ----------------------------------------------------------------------------
 */

/* Also when the clock was set back. */
static bool
is_due(int64_t now_ms, int64_t last_ms, int64_t every_s)
{
	return now_ms < last_ms || last_ms == INT64_MIN ||
	       now_ms - last_ms >= every_s * 1000;
}

static bool
beat(struct balancer *b, struct error *reterr)
{
	int64_t now_ms = clock_now_ms(b->clock);

	if (!expire_all(b, reterr))
		return false;
	if (atomic_exchange(&b->is_review_wanted, false) ||
	    is_due(now_ms, b->reviewed_at_ms, LIMIT_BALANCER_TICK_S)) {
		b->reviewed_at_ms = INT64_MIN;
		if (!review(b, reterr))
			return false;
		b->reviewed_at_ms = now_ms;
	}
	if (atomic_exchange(&b->is_repair_wanted, false) ||
	    is_due(now_ms, b->repaired_at_ms, LIMIT_BALANCER_REPAIR_S)) {
		b->repaired_at_ms = now_ms;
		if (!repair(b, reterr))
			return false;
	}
	return true;
}

/* Log when the store goes and when it comes back. */
static void
note_store(struct balancer *b, bool ok, const struct error *why)
{
	if (b->has_store_failed == !ok)
		return;
	b->has_store_failed = !ok;
	if (ok)
		log_line(LOG_INFO, "balancer.store-back", "members=judged");
	else
		log_error("balancer.store", why);
}

void
balancer_beat(struct balancer *b)
{
	struct error why = { 0 };
	bool ok;

	pthread_mutex_lock(&b->beat_lock);
	ok = beat(b, &why);
	note_store(b, ok, &why);
	pthread_mutex_unlock(&b->beat_lock);
}

bool
balancer_tick(struct balancer *b, struct error *reterr)
{
	bool ok;

	atomic_store(&b->is_review_wanted, true);
	atomic_store(&b->is_repair_wanted, true);
	pthread_mutex_lock(&b->beat_lock);
	ok = beat(b, reterr);
	pthread_mutex_unlock(&b->beat_lock);
	return ok;
}

/* --- the thread
 * ------------------------------------------------------------------------
 */

/* A second, or until somebody wakes us. True: go on. */
static bool
wait_beat(struct balancer *b)
{
	int64_t until_ns = clock_mono_ns() + BEAT_S * INT64_C(1000000000);
	const struct timespec until = {
		.tv_sec = (time_t)(until_ns / 1000000000),
		.tv_nsec = (long)(until_ns % 1000000000),
	};
	int rc = 0;
	bool go_on;

	pthread_mutex_lock(&b->wake_lock);
	while (rc == 0 && !b->is_stopping && !atomic_load(&b->is_review_wanted))
		rc = pthread_cond_timedwait(&b->wake, &b->wake_lock, &until);
	b->is_woken = false;
	go_on = !b->is_stopping;
	pthread_mutex_unlock(&b->wake_lock);
	return go_on;
}

static void *
beat_for_ever(void *ctx)
{
	struct balancer *b = ctx;

	while (wait_beat(b))
		balancer_beat(b);
	return NULL;
}

bool
balancer_start(struct balancer *b, struct error *reterr)
{
	int rc = pthread_create(&b->thread, NULL, beat_for_ever, b);

	if (rc != 0)
		return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "cannot start a thread: %s", strerror(rc));
	b->has_thread = true;
	return true;
}

void
balancer_wake(struct balancer *b)
{
	atomic_store(&b->is_review_wanted, true);
	pthread_mutex_lock(&b->wake_lock);
	b->is_woken = true;
	pthread_cond_signal(&b->wake);
	pthread_mutex_unlock(&b->wake_lock);
}

void
balancer_stop(struct balancer *b)
{
	if (!b->has_thread)
		return;
	pthread_mutex_lock(&b->wake_lock);
	b->is_stopping = true;
	pthread_cond_signal(&b->wake);
	pthread_mutex_unlock(&b->wake_lock);
	pthread_join(b->thread, NULL);
	b->has_thread = false;
}
