/* revocations.c - the thread that keeps the list of revocations fresh. */
#include "gateways/revocations.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "store/store.h"

#define PAGE 4096u

struct revocations {
	struct revocations_options options;
	struct store *store;
	int wake_fd;
	/* CLOCK_MONOTONIC of the last look that succeeded; 0: it failed. */
	atomic_int_fast64_t fresh_ns;
	atomic_bool is_stopping;
	pthread_mutex_t lock; /* one looks at a time; guards the next five */
	int64_t generation, floor; /* of the list in force; 0: none yet */
	int64_t expired_ns;
	struct revocations_pace pace;
	bool has_failed;
	pthread_t thread;
	bool has_thread;
};

/* --- reading ---------------------------------------------------------------
 */

static bool
add_row(struct attest_revoked *list, const struct store_revocation *row,
    struct error *reterr)
{
	enum attest_revocable kind;

	if (str_eq(row->kind, STR(ATTEST_SUPERSEDED_NAME)))
		return attest_revoked_add(
		    list, ATTEST_SUPERSEDED, row->id, reterr);
	if (attest_revocable_of(row->kind, &kind))
		return attest_revoked_add(list, kind, row->id, reterr);
	return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
	    "the store revokes a kind `%.*s` that this program does not know",
	    STR_ARG(row->kind));
}

/* The last row of a page says where the next begins: two arenas take turns. */
static bool
add_rows(struct store *store, struct attest_revoked *list,
    struct arena *pages[2], struct error *reterr)
{
	struct store_revocation *rows, *last = NULL;
	size_t n = 0, page = 0;

	do {
		arena_reset(pages[page]);
		if (!store_revocation_page(
			store, pages[page], last, PAGE, &rows, &n, reterr))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!add_row(list, &rows[i], reterr))
				return false;
		last = n ? &rows[n - 1] : NULL;
		page = !page;
	} while (n == PAGE);
	return true;
}

static struct attest_revoked *
load(struct store *store, int64_t floor, struct error *reterr)
{
	struct arena *pages[2] = { arena_new(0), arena_new(0) };
	struct attest_revoked *list = attest_revoked_new(floor);
	bool ok = pages[0] && pages[1] && list
		      ? add_rows(store, list, pages, reterr)
		      : error_nomem(reterr);

	arena_free(pages[0]);
	arena_free(pages[1]);
	if (ok) {
		attest_revoked_ready(list);
		return list;
	}
	attest_revoked_free(list);
	return NULL;
}

static bool
check_not_behind(struct store *store, const char *mark, int64_t *ret_floor,
    struct error *reterr)
{
	int64_t generation, seen = 0;

	return store_generation(store, &generation, ret_floor, reterr) &&
	       (!mark || store_mark_read(mark, &seen, reterr)) &&
	       (generation >= seen ||
		   error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		       "the store was put back from a copy; see `avow store "
		       "accept-restore`"));
}

static bool
is_not_made_yet(struct str url)
{
	static const struct str scheme = STR_INIT("sqlite://");

	/* Texts of a configuration are NUL-ended. */
	return str_has_prefix(url, scheme) &&
	       access(url.p + scheme.n, F_OK) != 0 && errno == ENOENT;
}

struct attest_revoked *
revocations_read(struct str url, const char *mark, struct error *reterr)
{
	struct attest_revoked *list = NULL;
	struct store *store;
	int64_t floor;

	if (is_not_made_yet(url)) {
		list = attest_revoked_new(0);
		if (list)
			attest_revoked_ready(list);
		else
			(void)error_nomem(reterr);
		return list;
	}
	store = store_open_as_is(url, reterr);
	if (store && check_not_behind(store, mark, &floor, reterr))
		list = load(store, floor, reterr);
	store_close(store);
	return list;
}

/* A store whose generation went back was put back from a copy: the mark knows
 * it from one start to the next, we know it while we run. */
static bool
check_generation(
    struct revocations *r, int64_t generation, struct error *reterr)
{
	if (generation < r->generation)
		return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		    "the store has gone back from generation %lld to %lld: it "
		    "was put back from a copy; see `avow store accept-restore`",
		    (long long)r->generation, (long long)generation);
	return !r->options.mark ||
	       store_mark_check(r->options.mark, generation, reterr);
}

static bool
look(struct revocations *r, struct error *reterr)
{
	struct attest_revoked *list;
	int64_t generation, floor;

	if (!store_generation(r->store, &generation, &floor, reterr) ||
	    !check_generation(r, generation, reterr))
		return false;
	if (generation == r->generation && floor == r->floor)
		return true;
	list = load(r->store, floor, reterr);
	if (!list || !r->options.take(r->options.ctx, list, reterr))
		return false;
	r->generation = generation;
	r->floor = floor;
	return true;
}

#define EVEN_NS (600 * 1000000000LL)

bool
revocations_pace_is_even(
    struct revocations_pace *p, int64_t wall_ms, int64_t mono_ns)
{
	int64_t drift_ms =
	    (wall_ms - p->wall_ms) - (mono_ns - p->mono_ns) / 1000000;

	if (p->mono_ns == 0 || drift_ms > LIMIT_SKEW_S * 1000 ||
	    drift_ms < -LIMIT_SKEW_S * 1000)
		p->even_since_ns = mono_ns;
	p->wall_ms = wall_ms;
	p->mono_ns = mono_ns;
	return mono_ns - p->even_since_ns >= EVEN_NS;
}

/* Rows that revoke nothing any more. That they cannot be removed now harms
 * nobody. */
static void
expire(struct revocations *r)
{
	int64_t now_ns = clock_mono_ns(), n = 0;

	if (!revocations_pace_is_even(
		&r->pace, clock_now_ms(clock_system()), now_ns))
		return;
	if (r->expired_ns &&
	    now_ns - r->expired_ns < LIMIT_REVOCATION_SWEEP_S * 1000000000LL)
		return;
	r->expired_ns = now_ns;
	if (store_revocation_expire(r->store, &n, NULL) && n > 0)
		log_line(
		    LOG_INFO, "revocations.expired", "rows=%lld", (long long)n);
}

/* Log when the store goes and when it comes back, not each time. */
static void
note(struct revocations *r, bool ok, const struct error *why)
{
	if (r->has_failed == !ok)
		return;
	r->has_failed = !ok;
	if (ok)
		log_line(LOG_INFO, "revocations.store-back", "generation=%lld",
		    (long long)r->generation);
	else
		log_error("revocations.store", why);
}

bool
revocations_poll(struct revocations *r, struct error *reterr)
{
	struct error why = { 0 };
	int64_t began_ns = clock_mono_ns();
	bool ok;

	pthread_mutex_lock(&r->lock);
	ok = look(r, &why);
	atomic_store(&r->fresh_ns, ok ? began_ns : 0);
	note(r, ok, &why);
	if (ok)
		expire(r);
	pthread_mutex_unlock(&r->lock);
	return ok ||
	       error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE, "%s", why.msg);
}

bool
revocations_check(const struct revocations *r, struct error *reterr)
{
	int64_t fresh_ns;

	if (!r)
		return true;
	fresh_ns = atomic_load(&r->fresh_ns);
	if (fresh_ns != 0 &&
	    clock_mono_ns() - fresh_ns <= LIMIT_REVOCATION_STALE_MS * 1000000LL)
		return true;
	return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
	    "what is revoked cannot be read from the store");
}

/* --- the thread --------------------------------------------------------------
 */

static void
drain(int fd)
{
	uint64_t n;

	/* Empty is what it should be. */
	if (read(fd, &n, sizeof n) < 0)
		return;
}

/* Until there may be news. A store that is away is asked again soon. */
static void
wait_news(struct revocations *r, bool ok)
{
	struct pollfd fd = { .fd = r->wake_fd, .events = POLLIN };

	if (!ok ||
	    !store_wait(r->store, r->wake_fd, LIMIT_REVOCATION_POLL_MS, NULL))
		(void)poll(&fd, 1, LIMIT_STORE_POLL_MS);
	drain(r->wake_fd);
}

static void *
poll_for_ever(void *ctx)
{
	struct revocations *r = ctx;
	bool ok = true;

	while (!atomic_load(&r->is_stopping)) {
		wait_news(r, ok);
		if (!atomic_load(&r->is_stopping))
			ok = revocations_poll(r, NULL);
	}
	return NULL;
}

bool
revocations_start(struct revocations *r, struct error *reterr)
{
	int rc = pthread_create(&r->thread, NULL, poll_for_ever, r);

	if (rc != 0)
		return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "cannot start a thread: %s", strerror(rc));
	r->has_thread = true;
	return true;
}

void
revocations_stop(struct revocations *r)
{
	if (!r || !r->has_thread)
		return;
	atomic_store(&r->is_stopping, true);
	revocations_wake(r);
	pthread_join(r->thread, NULL);
	r->has_thread = false;
}

void
revocations_wake(struct revocations *r)
{
	static const uint64_t one = 1;

	/* It can only fail when it is signalled already. */
	if (r && write(r->wake_fd, &one, sizeof one) < 0)
		return;
}

/* --- the object --------------------------------------------------------------
 */

static bool
open_parts(struct revocations *r, struct error *reterr)
{
	r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->wake_fd < 0)
		return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "cannot make an event: %s", strerror(errno));
	r->store = store_open(r->options.store, reterr);
	return r->store && revocations_poll(r, reterr);
}

struct revocations *
revocations_new(const struct revocations_options *options, struct error *reterr)
{
	struct revocations *r = calloc(1, sizeof *r);

	if (!r || pthread_mutex_init(&r->lock, NULL) != 0) {
		free(r);
		error_nomem(reterr);
		return NULL;
	}
	r->options = *options;
	r->wake_fd = -1;
	if (open_parts(r, reterr))
		return r;
	revocations_free(r);
	return NULL;
}

void
revocations_free(struct revocations *r)
{
	if (!r)
		return;
	revocations_stop(r);
	store_close(r->store);
	if (r->wake_fd >= 0)
		close(r->wake_fd);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
