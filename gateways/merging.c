/* merging.c - the thread that merges. A wake while it works is not lost: it
 * looks again before it sleeps. */
#include "gateways/merging.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

struct merging {
	struct merging_options options;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the next two */
	bool is_woken, is_over;
	pthread_cond_t changed;
};

static void
tell(const struct engine_snapshot *s, const char *outcome, int64_t from_ns)
{
	struct engine_parts parts = engine_snapshot_parts(s);

	log_line(LOG_INFO, "merge",
	    "outcome=%s policies=%zu entities=%zu ms=%lld", outcome,
	    parts.base_policies, parts.base_entities,
	    (long long)((clock_mono_ns() - from_ns) / 1000000));
}

/* False: there was nothing to do, or it cannot be done. */
static bool
merge_once(struct merging *m)
{
	struct engine_snapshot *s = m->options.wanted(m->options.ctx);
	struct engine_snapshot *merged;
	int64_t from_ns = clock_mono_ns();
	bool ok;

	if (s == NULL)
		return false;
	merged = engine_snapshot_merge(s);
	ok = merged != NULL;
	if (!ok)
		log_line(LOG_WARN, "merge",
		    "message=\"memory ran out; the changes stay as they are\"");
	else {
		engine_snapshot_ref(merged);
		tell(merged,
		    m->options.put(m->options.ctx, s, merged) ? "in-force"
							      : "overtaken",
		    from_ns);
		engine_snapshot_unref(merged);
	}
	engine_snapshot_unref(s);
	return ok;
}

/* False: it is over. */
static bool
sleep_until_woken(struct merging *m)
{
	bool goes_on;

	pthread_mutex_lock(&m->lock);
	while (!m->is_woken && !m->is_over)
		pthread_cond_wait(&m->changed, &m->lock);
	m->is_woken = false;
	goes_on = !m->is_over;
	pthread_mutex_unlock(&m->lock);
	return goes_on;
}

static bool
is_over(struct merging *m)
{
	bool over;

	pthread_mutex_lock(&m->lock);
	over = m->is_over;
	pthread_mutex_unlock(&m->lock);
	return over;
}

static void *
run(void *ctx)
{
	struct merging *m = ctx;

	while (sleep_until_woken(m))
		while (!is_over(m) && merge_once(m))
			;
	return NULL;
}

struct merging *
merging_start(const struct merging_options *options)
{
	struct merging *m = calloc(1, sizeof *m);

	if (m == NULL)
		return NULL;
	m->options = *options;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->changed, NULL);
	if (pthread_create(&m->thread, NULL, run, m) == 0)
		return m;
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->lock);
	free(m);
	return NULL;
}

void
merging_wake(struct merging *m)
{
	if (m == NULL)
		return;
	pthread_mutex_lock(&m->lock);
	m->is_woken = true;
	pthread_cond_signal(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

void
merging_stop(struct merging *m)
{
	if (m == NULL)
		return;
	pthread_mutex_lock(&m->lock);
	m->is_over = true;
	pthread_cond_signal(&m->changed);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->lock);
	free(m);
}
