/* server.c - a running server: routes, the state in force, reload.
 * The state is one pointer that requests follow without a lock (base/swap.h); a
 * request sees one state from start to end, and what waits for others (a store,
 * a balancer) holds a reference meanwhile. A reload builds a whole new state
 * beside the old one; what cannot change while running (addresses, files,
 * pools) is refused, not half applied. */
#include "gateways/answer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/swap.h"
#include "gateways/balancer.h"
#include "gateways/http.h"
#include "gateways/key_sets.h"
#include "gateways/merging.h"
#include "gateways/service.h"
#include "store/store.h"

#define N_ROUTES 5

struct gateways_server {
	const struct clock *clock;
	char *config_path;
	struct swap state; /* a struct gateways_state */
	pthread_mutex_t
	    replacing; /* whoever replaces it; guards the next four */
	struct gateways_state *loaded; /* by the last reload that succeeded */
	struct attest_revoked *stored; /* NULL: no store */
	int64_t merged_at_ms;          /* 0: never yet */
	const char *rebuilt_why;       /* by the last load; NULL: an update */
	pthread_mutex_t lock;          /* guards the next three */
	int64_t reload_at_ms;
	bool reload_failed;
	char reload_error[512];
	struct engine_log *log;
	struct attest_cache *cache;
	struct dpop *dpop;
	struct store *store;
	struct revocations *revocations; /* NULL: no store */
	struct balancer *balancer;
	struct gate_counts counts;
	struct metrics_histogram took[N_ROUTES]; /* as `routes` */
	struct merging *merging;
	struct key_sets *key_sets;
	struct http_options
	    http_options; /* borrows from boot's configuration */
	struct http_server *http;
	struct service *service; /* then nothing of the gates is there */
	struct gateways_state
	    *boot; /* what sockets and files were opened with */
};

/* A reference, for what may wait. */
static struct gateways_state *
take_state(struct gateways_server *s)
{
	struct gateways_state *state =
	    gateways_state_ref(swap_enter(&s->state));
	swap_leave(&s->state);
	return state;
}

/* replace_state, with the lock held. */
static bool
replace_locked(struct gateways_server *s, struct gateways_state *loaded_take,
    struct attest_revoked *stored_take)
{
	struct gateways_state *next;
	struct gateways_state *loaded = loaded_take ? loaded_take : s->loaded;
	struct attest_revoked *stored = stored_take ? stored_take : s->stored;
	next = stored ? state_with_revoked(loaded, stored, s->revocations)
		      : gateways_state_ref(loaded);
	if (next == NULL) {
		gateways_state_unref(loaded_take);
		attest_revoked_free(stored_take);
		return false;
	}
	gateways_state_unref(swap_replace(&s->state, next));
	if (loaded_take != NULL) {
		gateways_state_unref(s->loaded);
		s->loaded = loaded_take;
	}
	if (stored_take != NULL) {
		attest_revoked_free(s->stored);
		s->stored = stored_take;
	}
	return true;
}

/* Put `loaded` (taken; NULL: what is loaded already) and `stored` (the same) in
 * force. Never while following the state. False: memory is out, and the former
 * ones stay. */
static bool
replace_state(struct gateways_server *s, struct gateways_state *loaded_take,
    struct attest_revoked *stored_take)
{
	pthread_mutex_lock(&s->replacing);
	bool ok = replace_locked(s, loaded_take, stored_take);
	pthread_mutex_unlock(&s->replacing);
	/* Members are judged by what is in force now (SECURITY 6). */
	if (ok && s->balancer != NULL)
		balancer_wake(s->balancer);
	return ok;
}

static struct engine_snapshot *
wanted_merge(void *ctx)
{
	struct gateways_server *s = ctx;
	struct engine_snapshot *now = NULL;
	pthread_mutex_lock(&s->replacing);
	if (engine_snapshot_wants_merge(s->loaded->snapshot))
		now = engine_snapshot_ref(s->loaded->snapshot);
	pthread_mutex_unlock(&s->replacing);
	return now;
}

/* A reload that came meanwhile stays in force. */
static bool
put_merged(void *ctx, const struct engine_snapshot *of,
    struct engine_snapshot *merged_take)
{
	struct gateways_server *s = ctx;
	pthread_mutex_lock(&s->replacing);
	bool ok = s->loaded->snapshot == of;
	if (ok) {
		struct gateways_state *merged =
		    state_with_snapshot(s->loaded, merged_take);
		ok = merged != NULL && replace_locked(s, merged, NULL);
	} else
		engine_snapshot_unref(merged_take);
	if (ok)
		s->merged_at_ms = clock_now_ms(s->clock);
	pthread_mutex_unlock(&s->replacing);
	return ok;
}

/* False: what `next` (taken) was made of is in force no more. */
static bool
put_trust(struct gateways_server *s, const struct gateways_state *of,
    struct gateways_state *next_take)
{
	pthread_mutex_lock(&s->replacing);
	bool ok = s->loaded == of;
	if (ok && s->service != NULL)
		service_take_state(s->service, next_take);
	if (ok)
		(void)replace_locked(s, next_take, NULL);
	else
		gateways_state_unref(next_take);
	pthread_mutex_unlock(&s->replacing);
	return ok;
}

/* A key set has other keys (key_sets.h). What is in force stays where trust
 * cannot be read: the log says why, and its keys become stale in time. */
static void
take_key_sets(void *ctx)
{
	struct gateways_server *s = ctx;
	bool is_done = false;
	while (!is_done) {
		struct buf messages = { 0 };
		pthread_mutex_lock(&s->replacing);
		struct gateways_state *of = gateways_state_ref(s->loaded);
		pthread_mutex_unlock(&s->replacing);
		struct gateways_state *next =
		    state_with_trust(of, s->key_sets, &messages);
		if (next == NULL)
			log_line(LOG_WARN, "key-set.trust",
			    "ok=false message=\"%.*s\"",
			    STR_ARG(buf_str(&messages)));
		is_done = next == NULL || put_trust(s, of, next);
		gateways_state_unref(of);
		buf_free(&messages);
	}
	if (s->balancer != NULL)
		balancer_wake(s->balancer);
}

static struct gate_env
env_of(struct gateways_server *s, struct gateways_state *state)
{
	return (struct gate_env){ s->clock, state, s->log,
		{ s->cache, s->dpop, s->store }, s->balancer, &s->counts };
}

/* ---- routes
 * -----------------------------------------------------------------------------------------------------------------------------
 */

static void
health(struct gateways_server *s, const struct gate_env *env,
    const struct http_request *q, struct http_response *r)
{
	(void)s, (void)env, (void)q;
	answer_json(r, 200, json_pack("{s:b}", "ok", 1));
}

static json_t *
reload_json(struct gateways_server *s)
{
	char message[sizeof s->reload_error];
	pthread_mutex_lock(&s->lock);
	int64_t at = s->reload_at_ms;
	bool failed = s->reload_failed;
	memcpy(message, s->reload_error, sizeof message);
	pthread_mutex_unlock(&s->lock);
	return json_pack("{s:o, s:b, s:o}", "at", json_from_time(at), "ok",
	    !failed, "error",
	    failed ? json_from_str(str_of(message)) : json_null());
}

/* What the snapshot is made of. */
static json_t *
parts_json(struct gateways_server *s, const struct engine_snapshot *snapshot)
{
	struct engine_parts p = engine_snapshot_parts(snapshot);
	pthread_mutex_lock(&s->replacing);
	int64_t merged = s->merged_at_ms;
	const char *why = s->rebuilt_why;
	pthread_mutex_unlock(&s->replacing);
	return json_pack("{s:{s:I, s:I}, s:{s:I, s:I, s:I, s:I}, s:o, s:s?}",
	    "base", "policies", (json_int_t)p.base_policies, "entities",
	    (json_int_t)p.base_entities, "changed", "updates",
	    (json_int_t)p.updates, "policies", (json_int_t)p.changed_policies,
	    "policiesGone", (json_int_t)p.gone_policies, "entities",
	    (json_int_t)p.changed_entities, "mergedAt",
	    merged != 0 ? json_from_time(merged) : json_null(), "loadedWhole",
	    why);
}

/* Ready means: decisions can be made and logged. A reload that failed is shown,
 * and does not take the old, good state out of service. Where the store is, and
 * what it said, is for the log alone. */
static void
readiness(struct gateways_server *s, const struct gate_env *env,
    const struct http_request *q, struct http_response *r)
{
	struct error err = { 0 };
	bool ready =
	    s->store == NULL || (store_check(s->store, &err) &&
				    revocations_check(s->revocations, &err));
	const struct policy_set *set =
	    engine_snapshot_policies(env->state->snapshot);
	(void)q;
	answer_json(r, ready ? 200 : 503,
	    json_pack("{s:b, s:o, s:i, s:o, s:o, s:o, s:o}", "ready", ready,
		"policies", json_from_str(policy_set_version(set)), "count",
		(int)policy_set_count(set), "loadedAt",
		json_from_time(
		    engine_snapshot_loaded_at_ms(env->state->snapshot)),
		"snapshot", parts_json(s, env->state->snapshot), "reload",
		reload_json(s), "error",
		ready ? json_null()
		      : json_from_str(str_of(error_help(err.code)))));
}

static void metrics(struct gateways_server *s, const struct gate_env *env,
    const struct http_request *q, struct http_response *r);

static void
auth(struct gateways_server *s, const struct gate_env *env,
    const struct http_request *q, struct http_response *r)
{
	(void)s;
	forward_auth_handle(env, q, r);
}

static void
balancer(struct gateways_server *s, const struct gate_env *env,
    const struct http_request *q, struct http_response *r)
{
	(void)s;
	pool_handle(env, q, r);
}

/* Paths are compared raw: whoever spells one of ours differently means
 * something else. */
static const struct route {
	const char *path;
	bool is_prefix;
	bool waits; /* for more than a disk's write: a reload shall not wait */
	void (*handle)(struct gateways_server *s, const struct gate_env *env,
	    const struct http_request *q, struct http_response *r);
} routes[N_ROUTES] = {
	{ "/gate/auth", false, false, auth },
	{ "/gate/balancer/", true, true, balancer },
	{ "/healthz", false, false, health },
	{ "/metrics", false, false, metrics },
	{ "/readyz", false, true, readiness },
};

static const struct route *
find_route(struct str path)
{
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		struct str known = str_of(routes[i].path);
		if (routes[i].is_prefix ? str_has_prefix(path, known)
					: str_eq(path, known))
			return &routes[i];
	}
	return NULL;
}

static void
metrics(struct gateways_server *s, const struct gate_env *env,
    const struct http_request *q, struct http_response *r)
{
	static const char name[] = "avow_request_duration_seconds";
	struct metrics m = metrics_begin(q, r);
	pthread_mutex_lock(&s->lock);
	int64_t at = s->reload_at_ms / 1000;
	bool failed = s->reload_failed;
	pthread_mutex_unlock(&s->lock);
	server_metrics(env, failed, at, &m);
	metrics_family(&m, name, METRICS_HISTOGRAM,
	    "How long a request was worked on, by path.");
	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		metrics_durations(
		    &m, name, "path", routes[i].path, &s->took[i]);
	r->status = metrics_end(&m, r) ? 200 : 500;
}

/* A clock that was set back while we run: what has expired would count again.
 */
static bool
refuse_by_clock(const struct gateways_server *s, struct http_response *r)
{
	struct error err = { 0 };
	if (clock_check(s->clock, clock_now_ms(s->clock), &err))
		return false;
	log_error("clock", &err);
	answer_problem(
	    r, 403, error_id(err.code), str_of(error_help(err.code)), NULL);
	http_response_header(r, "X-Avow-Reason", str_of(error_id(err.code)));
	return true;
}

static void
handle(void *ctx, const struct http_request *q, struct http_response *r)
{
	struct gateways_server *s = ctx;
	int64_t began_ns = clock_mono_ns();
	const struct route *route = find_route(q->path);
	if (route == NULL) {
		answer_problem(r, 404, error_id(ERR_REQUEST_PATH),
		    STR("there is nothing at this path"), NULL);
		return;
	}
	if (str_has_prefix(q->path, STR("/gate/")) && refuse_by_clock(s, r))
		return;
	struct gateways_state *state =
	    route->waits ? take_state(s) : swap_enter(&s->state);
	const struct gate_env env = env_of(s, state);
	route->handle(s, &env, q, r);
	if (route->waits)
		gateways_state_unref(state);
	else
		swap_leave(&s->state);
	metrics_observe(&s->took[route - routes], clock_mono_ns() - began_ns);
}

/* ---- start, reload, stop
 * ----------------------------------------------------------------------------------------------------------------
 */

static bool
has_pools(const struct config *c)
{
	for (size_t i = 0; i < c->n_gates; i++)
		if (c->gates[i].kind == CONFIG_GATE_BALANCER)
			return true;
	return false;
}

static bool
judge_prove(void *ctx, struct arena *a, struct str gate,
    struct balancer_who *who, struct error *reterr)
{
	struct gateways_server *s = ctx;
	struct gateways_state *state = take_state(s);
	const struct gate_env env = env_of(s, state);
	bool ok = pool_prove_again(&env, a, gate, who, reterr);
	gateways_state_unref(state);
	return ok;
}

static bool
judge_decide(void *ctx, struct arena *a, const struct balancer_ask *ask,
    struct error *reterr)
{
	struct gateways_server *s = ctx;
	struct gateways_state *state = take_state(s);
	const struct gate_env env = env_of(s, state);
	bool ok = pool_decide_again(&env, a, ask, reterr);
	gateways_state_unref(state);
	return ok;
}

static bool
open_balancer(struct gateways_server *s, struct error *err)
{
	const struct balancer_options options = {
		.config = s->boot->config,
		.store = s->store,
		.clock = s->clock,
		.judge = { s, judge_prove, judge_decide },
	};
	if (!has_pools(s->boot->config))
		return true;
	s->balancer = balancer_new(&options, err);
	return s->balancer != NULL;
}

static bool
take_stored(void *ctx, struct attest_revoked *list, struct error *reterr)
{
	return replace_state(ctx, NULL, list) || error_nomem(reterr);
}

static bool
open_revocations(struct gateways_server *s, struct error *err)
{
	const struct config *c = s->boot->config;
	const struct revocations_options options = {
		.store = c->store,
		.mark = c->store_mark.n > 0 ? c->store_mark.p : NULL,
		.take = take_stored,
		.ctx = s,
	};
	if (c->store.n == 0)
		return true;
	s->revocations = revocations_new(&options, err);
	/* The first list came before there was anything to ask how fresh it is.
	 */
	return s->revocations != NULL &&
	       (replace_state(s, NULL, NULL) || error_nomem(err));
}

static bool
open_parts(struct gateways_server *s, struct error *err)
{
	const struct config *c = s->boot->config;
	if (c->service.is_given) {
		s->store = store_open(c->store, err);
		if (s->store != NULL)
			s->service =
			    service_start(s->boot, s->clock, s->store, err);
		return s->service != NULL;
	}
	s->cache = attest_cache_new();
	if (s->cache == NULL)
		return error_nomem(err);
	s->log = engine_log_open(c->decision_log.p, err);
	if (s->log == NULL)
		return false;
	if (c->store.n > 0 && (s->store = store_open(c->store, err)) == NULL)
		return false;
	s->dpop = c->replay == CONFIG_REPLAY_STORE
		      ? dpop_new_shared(s->store, err)
		      : dpop_new(err);
	return s->dpop != NULL && open_revocations(s, err) &&
	       open_balancer(s, err);
}

/* The files' text lives in boot's arena. */
static bool
start_tls(struct gateways_server *s, struct error *err)
{
	const struct config_tls *tls = &s->boot->config->tls;

	return tls->key.n == 0 ||
	       http_tls_read(s->boot->arena, tls->certificate.p, tls->key.p,
		   &s->http_options, err);
}

static bool
listen_http(struct gateways_server *s, struct error *err)
{
	const struct config *c = s->boot->config;
	s->http_options = (struct http_options){
		.listen = c->listen.p,
		.trusted = c->proxies.items,
		.n_trusted = c->proxies.n,
		.client_address_header = c->client_address.p,
		.client_certificate_header = c->client_certificate.p,
		.flawed_path = "/gate/auth",
		.handle = handle,
		.ctx = s,
	};
	if (!start_tls(s, err))
		return false;
	s->http = http_server_start(&s->http_options, err);
	return s->http != NULL;
}

static bool
start_merging(struct gateways_server *s, struct error *err)
{
	const struct merging_options options = { wanted_merge, put_merged, s };
	s->merging = merging_start(&options);
	return s->merging != NULL || error_set(err, ERR_SYSTEM_ERROR, SPAN_NONE,
					 "no thread could be made for merging");
}

struct gateways_server *
gateways_server_start(
    const char *config_path, const struct clock *clock, struct buf *messages)
{
	struct gateways_server *s = calloc(1, sizeof *s);
	struct error err = { 0 };
	if (s == NULL)
		return NULL;
	s->clock = clock;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->replacing, NULL);
	s->config_path = strdup(config_path);
	s->reload_at_ms = clock_now_ms(clock);
	s->key_sets = key_sets_new(
	    &(struct key_sets_options){ clock, NULL, take_key_sets, s });
	if (s->key_sets != NULL)
		s->loaded = state_reload(config_path, s->key_sets, NULL,
		    s->reload_at_ms, messages, &s->rebuilt_why);
	swap_init(&s->state,
	    s->loaded != NULL ? gateways_state_ref(s->loaded) : NULL);
	/* Its snapshot goes when another is in force. */
	s->boot =
	    s->loaded != NULL ? state_with_snapshot(s->loaded, NULL) : NULL;
	if (s->config_path == NULL || s->boot == NULL ||
	    !clock_check(s->clock, clock_now_ms(s->clock), &err) ||
	    !open_parts(s, &err)) {
		if (err.code != ERR_NONE)
			error_print(messages, &err, (struct str){ 0 });
		gateways_server_stop(s, 0);
		return NULL;
	}
	if (!key_sets_start(s->key_sets, &err)) {
		error_print(messages, &err, (struct str){ 0 });
		gateways_server_stop(s, 0);
		return NULL;
	}
	if (s->service != NULL)
		return s;
	/* Members whose time is up leave before anybody can ask for anything.
	 */
	if ((s->balancer != NULL && !balancer_tick(s->balancer, &err)) ||
	    !listen_http(s, &err) ||
	    (s->balancer != NULL && !balancer_start(s->balancer, &err)) ||
	    (s->revocations != NULL &&
		!revocations_start(s->revocations, &err)) ||
	    !start_merging(s, &err)) {
		error_print(messages, &err, (struct str){ 0 });
		gateways_server_stop(s, 0);
		return NULL;
	}
	return s;
}

static bool
check_pools(const struct gateways_server *s, const struct config *now,
    struct buf *messages)
{
	struct error err = { 0 };
	bool ok = s->balancer != NULL
		      ? balancer_accepts(s->balancer, now, &err)
		      : !has_pools(now) ||
			    error_set(&err, ERR_CONFIG_VALUE, SPAN_NONE,
				"the first pool needs a restart");
	if (!ok)
		error_print(messages, &err, (struct str){ 0 });
	return ok;
}

/* Who may reach the listener learns where an error is and of what sort, not
 * what stands there: `PLACE: error: HELP [CODE]`, for the first error. The log
 * has the messages whole. */
static void
summarise(const struct buf *messages, char *ret, size_t size)
{
	static const char mark[] = ": error: ";
	struct str text = buf_str(messages);
	snprintf(ret, size, "the configuration was refused; see the log");
	for (size_t at = 0; at < text.n;) {
		size_t end = str_find(text, '\n', at);
		struct str line = str_sub(text, at, end);
		const char *found =
		    memmem(line.p, line.n, mark, sizeof mark - 1);
		const char *open = memrchr(line.p, '[', line.n);
		at = end + 1;
		if (found == NULL || open == NULL || open < found)
			continue;
		struct str code = { open + 1,
			(size_t)(line.p + line.n - open) - 1 };
		if (code.n > 0)
			code.n--; /* the bracket */
		snprintf(ret, size, "%.*s%s%s [%.*s]", (int)(found - line.p),
		    line.p, mark, error_help(error_from_id(code)),
		    STR_ARG(code));
		return;
	}
}

static void
note_reload(struct gateways_server *s, bool ok, const struct buf *messages)
{
	pthread_mutex_lock(&s->lock);
	s->reload_at_ms = clock_now_ms(s->clock);
	s->reload_failed = !ok;
	summarise(messages, s->reload_error, sizeof s->reload_error);
	pthread_mutex_unlock(&s->lock);
}

/* The same files, maybe with another certificate in them. */
static bool
reload_tls(struct gateways_server *s, struct error *err)
{
	const struct config_tls *tls = &s->boot->config->tls;

	return tls->key.n == 0 || http_server_tls_reread(s->http,
				      tls->certificate.p, tls->key.p, err);
}

static bool
reload_files(
    struct gateways_server *s, struct gateways_state *now, struct buf *messages)
{
	struct error err = { 0 };
	bool ok = s->service != NULL ? service_reload(s->service, now, &err)
				     : reload_tls(s, &err);
	if (!ok)
		error_print(messages, &err, (struct str){ 0 });
	return ok;
}

static void
tell_snapshot(struct gateways_server *s, const char *why)
{
	pthread_mutex_lock(&s->replacing);
	struct engine_parts p = engine_snapshot_parts(s->loaded->snapshot);
	s->rebuilt_why = why;
	pthread_mutex_unlock(&s->replacing);
	log_line(LOG_INFO, "snapshot",
	    "how=%s base_policies=%zu changed_policies=%zu gone_policies=%zu "
	    "base_entities=%zu changed_entities=%zu updates=%zu%s%s%s",
	    why != NULL ? "loaded" : "updated", p.base_policies,
	    p.changed_policies, p.gone_policies, p.base_entities,
	    p.changed_entities, p.updates, why != NULL ? " why=\"" : "",
	    why != NULL ? why : "", why != NULL ? "\"" : "");
}

bool
gateways_server_reload(struct gateways_server *s, struct buf *messages)
{
	const char *why = NULL;
	/* Reloads do not overlap, and a merge may replace what this starts
	 * from, but not what it says. */
	pthread_mutex_lock(&s->replacing);
	struct engine_snapshot *old = engine_snapshot_ref(s->loaded->snapshot);
	pthread_mutex_unlock(&s->replacing);
	struct gateways_state *new_state = state_reload(s->config_path,
	    s->key_sets, old, clock_now_ms(s->clock), messages, &why);
	engine_snapshot_unref(old);
	/* What is fixed is what was opened. */
	if (new_state != NULL &&
	    (!config_is_unchanged(
		 s->boot->config, new_state->config, messages) ||
		!check_pools(s, new_state->config, messages))) {
		gateways_state_unref(new_state);
		new_state = NULL;
	}
	if (new_state != NULL && !reload_files(s, new_state, messages)) {
		gateways_state_unref(new_state);
		new_state = NULL;
	}
	bool ok = new_state != NULL;
	if (ok && !replace_state(s, new_state, NULL)) {
		buf_addz(messages, "error: memory ran out [limit.memory]\n");
		ok = false;
	}
	note_reload(s, ok, messages);
	if (ok && s->loaded->snapshot != NULL)
		tell_snapshot(s, why);
	merging_wake(s->merging);
	struct error err = { 0 };
	if (ok && !key_sets_start(s->key_sets, &err))
		log_error("key-set", &err);
	return ok;
}

void
gateways_server_reopen(struct gateways_server *s)
{
	struct error err = { 0 };
	if (s->log != NULL && !engine_log_reopen(s->log, &err))
		log_error("decision-log", &err);
}

uint16_t
gateways_server_port(const struct gateways_server *s)
{
	return s->service != NULL ? service_port(s->service)
				  : http_server_port(s->http);
}

void
gateways_server_stop(struct gateways_server *s, int drain_ms)
{
	if (s == NULL)
		return;
	/* Its thread wakes the balancer. */
	key_sets_stop(s->key_sets);
	if (s->http != NULL)
		http_server_stop(s->http, drain_ms);
	service_stop(s->service, drain_ms);
	/* Its thread wakes the balancer, whose judges ask it. */
	revocations_stop(s->revocations);
	balancer_free(s->balancer);
	revocations_free(s->revocations);
	dpop_free(s->dpop);
	store_close(s->store);
	engine_log_close(s->log);
	attest_cache_free(s->cache);
	merging_stop(s->merging);
	if (s->loaded != NULL)
		gateways_state_unref(swap_replace(&s->state, NULL));
	gateways_state_unref(s->loaded);
	gateways_state_unref(s->boot);
	attest_revoked_free(s->stored);
	key_sets_close(s->key_sets);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->replacing);
	free(s->config_path);
	free(s);
}
