/* balancer_sync.c - what is in HAProxy becomes what is in the store. */
#include "gateways/balancer_private.h"

#include <time.h>

#include "base/limits.h"
#include "base/log.h"

/* --- one server, under the pool's lock
 * --------------------------------------------
 */

struct syncing {
	struct balancer *b;
	struct haproxy h;
	struct arena *a;
};

static bool
server_of(const struct store_member *m, struct haproxy_server *ret,
    struct error *reterr)
{
	*ret = (struct haproxy_server){ .name = m->server,
		.port = m->port,
		.weight = m->weight,
		.is_serving = true };
	if (net_parse_addr(m->address, &ret->addr))
		return true;
	return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
	    "a stored member has no address");
}

static enum balancer_sync
remove_server(const struct syncing *s, struct str server, struct error *reterr)
{
	enum haproxy_answer answer;

	if (!haproxy_remove(&s->h, server, &answer, reterr))
		return SYNC_UNREACHABLE;
	return answer == HAPROXY_ATTACHED ? SYNC_LATER : SYNC_DONE;
}

/* SYNC_LATER: it has vanished meanwhile (a reload), the next pass adds it. */
static enum balancer_sync
done_if(enum haproxy_answer answer)
{
	return answer == HAPROXY_DONE ? SYNC_DONE : SYNC_LATER;
}

static enum balancer_sync
add_server(const struct syncing *s, const struct haproxy_server *want,
    bool *ret_exists, struct error *reterr)
{
	enum haproxy_answer answer;

	if (!haproxy_add(&s->h, want, &answer, reterr))
		return SYNC_UNREACHABLE;
	*ret_exists = answer == HAPROXY_EXISTS;
	if (answer != HAPROXY_DONE)
		return SYNC_LATER;
	if (!haproxy_enable(&s->h, want->name, &answer, reterr))
		return SYNC_UNREACHABLE;
	return done_if(answer);
}

static bool
is_at(const struct haproxy_server *have, const struct haproxy_server *want)
{
	return net_addr_eq(&have->addr, &want->addr) &&
	       have->port == want->port;
}

static bool
is_as(const struct haproxy_server *have, const struct haproxy_server *want)
{
	return is_at(have, want) && have->is_serving &&
	       have->weight == want->weight;
}

/* It is there, but not as it should be. */
static enum balancer_sync
mend_server(const struct syncing *s, const struct haproxy_server *have,
    const struct haproxy_server *want, struct error *reterr)
{
	enum haproxy_answer answer = HAPROXY_DONE;
	bool exists;

	if (!is_at(have, want)) {
		enum balancer_sync gone = remove_server(s, want->name, reterr);

		return gone == SYNC_DONE ? add_server(s, want, &exists, reterr)
					 : gone;
	}
	if (have->weight != want->weight &&
	    !haproxy_weigh(&s->h, want->name, want->weight, &answer, reterr))
		return SYNC_UNREACHABLE;
	if (!have->is_serving && answer == HAPROXY_DONE &&
	    !haproxy_enable(&s->h, want->name, &answer, reterr))
		return SYNC_UNREACHABLE;
	return done_if(answer);
}

static enum balancer_sync
want_server(const struct syncing *s, const struct haproxy_server *want,
    struct error *reterr)
{
	struct haproxy_server *have;
	bool exists = false;
	size_t n;
	enum balancer_sync added = add_server(s, want, &exists, reterr);

	if (!exists)
		return added;
	if (!haproxy_list(&s->h, s->a, &have, &n, reterr))
		return SYNC_UNREACHABLE;
	for (size_t i = 0; i < n; i++)
		if (str_eq(have[i].name, want->name))
			return mend_server(s, &have[i], want, reterr);
	return SYNC_LATER;
}

static enum balancer_sync
sync_locked(const struct syncing *s, struct str pool, struct str server,
    struct error *reterr)
{
	struct haproxy_server want;
	struct store_member m;
	bool found;

	if (!store_member_find(
		s->b->store, s->a, pool, server, &m, &found, reterr))
		return SYNC_UNREACHABLE;
	if (!found)
		return remove_server(s, server, reterr);
	if (!server_of(&m, &want, reterr))
		return SYNC_UNREACHABLE;
	return want_server(s, &want, reterr);
}

/* --- taking turns, and saying once who is gone
 * -----------------------------------------------------
 */

static int64_t
deadline(const struct balancer *b)
{
	return clock_mono_ns() + (int64_t)b->haproxy_ms * 1000000;
}

/* False: other threads have been speaking to HAProxy until our own time was up.
 */
static bool
take_turn(struct balancer_pool *p, int64_t deadline_ns)
{
	const struct timespec until = {
		.tv_sec = (time_t)(deadline_ns / 1000000000),
		.tv_nsec = (long)(deadline_ns % 1000000000),
	};
	int rc = 0;
	bool mine;

	pthread_mutex_lock(&p->lock);
	while (p->is_taken && rc == 0)
		rc = pthread_cond_timedwait(&p->is_free, &p->lock, &until);
	mine = !p->is_taken;
	p->is_taken = true;
	pthread_mutex_unlock(&p->lock);
	return mine;
}

static void
give_turn(struct balancer_pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->is_taken = false;
	pthread_cond_signal(&p->is_free);
	pthread_mutex_unlock(&p->lock);
}

/* Log when it goes and when it comes back, not each time. */
static void
note_reached(struct balancer_pool *p, bool reached, const struct error *why)
{
	if (p->is_unreachable == !reached)
		return;
	p->is_unreachable = !reached;
	if (reached)
		log_line(LOG_INFO, "balancer.reachable", "pool=%.*s",
		    STR_ARG(p->config.name));
	else
		log_line(LOG_ERROR, "balancer.unreachable",
		    "pool=%.*s reason=\"%s\"", STR_ARG(p->config.name),
		    why->msg);
}

static struct syncing
begin(struct balancer *b, const struct balancer_pool *p, struct arena *a)
{
	return (struct syncing){ .b = b,
		.h = { .socket_path = p->config.haproxy.p,
		    .backend = p->config.backend,
		    .deadline_ns = deadline(b) },
		.a = a };
}

static enum balancer_sync
sync_in(struct balancer *b, struct balancer_pool *p, struct arena *a,
    struct str server, struct error *reterr)
{
	struct syncing s = begin(b, p, a);
	struct error why = { 0 };
	enum balancer_sync result;

	if (!take_turn(p, s.h.deadline_ns)) {
		error_set(reterr, ERR_BALANCER_UNREACHABLE, SPAN_NONE,
		    "HAProxy is busy with other members");
		return SYNC_UNREACHABLE;
	}
	result = sync_locked(&s, p->config.name, server, &why);
	note_reached(p, result != SYNC_UNREACHABLE, &why);
	give_turn(p);
	if (result == SYNC_UNREACHABLE)
		error_set(reterr, why.code, why.at, "%s", why.msg);
	return result;
}

enum balancer_sync
balancer_sync(struct balancer *b, struct balancer_pool *p, struct str server,
    struct error *reterr)
{
	struct arena *a = arena_new(0);
	enum balancer_sync result = SYNC_UNREACHABLE;

	if (a)
		result = sync_in(b, p, a, server, reterr);
	else
		error_nomem(reterr);
	arena_free(a);
	/* Soon, not at once: a HAProxy that hangs is not asked each second. */
	if (result == SYNC_LATER)
		atomic_store(&b->is_repair_wanted, true);
	return result;
}

/* --- a whole pool
 * -------------------------------------------------------------------
 */

struct pass {
	size_t found, mended, later;
	bool is_unreachable;
};

static bool
list_servers(struct balancer *b, struct balancer_pool *p, struct arena *a,
    struct haproxy_server **ret, size_t *ret_n)
{
	struct syncing s = begin(b, p, a);
	struct error why = { 0 };
	bool ok;

	if (!take_turn(p, s.h.deadline_ns))
		return false;
	ok = haproxy_list(&s.h, a, ret, ret_n, &why);
	note_reached(p, ok, &why);
	give_turn(p);
	return ok;
}

static void
mend(struct balancer *b, struct balancer_pool *p, struct str server,
    struct pass *pass)
{
	pass->found++;
	switch (balancer_sync(b, p, server, NULL)) {
	case SYNC_UNREACHABLE:
		pass->is_unreachable = true;
		break;
	case SYNC_LATER:
		pass->later++;
		break;
	case SYNC_DONE:
		pass->mended++;
		break;
	}
}

/* Both lists are sorted by name: walk them side by side. What differs is looked
 * at again, under the lock. */
static void
compare(struct balancer *b, struct balancer_pool *p,
    const struct haproxy_server *have, size_t n_have,
    const struct store_member *want, size_t n_want, struct pass *pass)
{
	size_t h = 0, w = 0;

	while ((h < n_have || w < n_want) && !pass->is_unreachable) {
		struct haproxy_server should;
		int order = h == n_have ? 1
			    : w == n_want
				? -1
				: str_cmp(have[h].name, want[w].server);

		if (order < 0) {
			mend(b, p, have[h++].name, pass);
			continue;
		}
		if (order > 0 || !server_of(&want[w], &should, NULL) ||
		    !is_as(&have[h], &should))
			mend(b, p, want[w].server, pass);
		w++;
		h += order == 0;
	}
}

static bool
run_pass(struct balancer *b, struct balancer_pool *p, struct arena *a,
    struct pass *pass, struct error *reterr)
{
	struct haproxy_server *have;
	struct store_member *want;
	size_t n_have, n_want;

	/* HAProxy first: what joins in between is then found there twice, not
	 * missed. */
	if (!list_servers(b, p, a, &have, &n_have)) {
		pass->is_unreachable = true;
		return true;
	}
	if (!store_member_list(
		b->store, a, p->config.name, &want, &n_want, reterr))
		return false;
	compare(b, p, have, n_have, want, n_want, pass);
	return true;
}

bool
balancer_repair(
    struct balancer *b, struct balancer_pool *p, struct error *reterr)
{
	struct arena *a = arena_new(0);
	size_t mended = 0;
	bool ok = a != NULL;

	if (!ok)
		return error_nomem(reterr);
	for (unsigned i = 0; ok && i < LIMIT_BALANCER_PASSES; i++) {
		struct pass pass = { 0 };

		ok = run_pass(b, p, a, &pass, reterr);
		mended += pass.mended;
		if (pass.mended == 0 || pass.is_unreachable)
			break;
		arena_reset(a);
	}
	arena_free(a);
	if (mended)
		log_line(LOG_INFO, "balancer.repaired", "pool=%.*s servers=%zu",
		    STR_ARG(p->config.name), mended);
	return ok;
}
