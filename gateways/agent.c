/* agent.c - one thread that asks, two listeners that answer. */
#include "gateways/agent.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/log.h"
#include "gateways/agent_core.h"
#include "gateways/agent_local.h"
#include "gateways/agent_metadata.h"
#include "gateways/agent_proxy.h"
#include "gateways/listen.h"

/* Of a request to the token service, so that stopping is quick. */
#define TIMEOUT_MS 5000

struct agent {
	struct arena *a; /* the configuration */
	const struct agent_config *config;
	const struct clock *clock;
	struct client *client; /* to the token service; the thread's alone */
	struct agent_core *core;
	struct agent_metadata_service *metadata;
	struct http_options metadata_options;
	struct http_server *metadata_http;
	struct agent_proxy *proxy; /* NULL: none */
	struct http_options proxy_options;
	struct http_server *proxy_http;
	struct agent_local_service *local; /* NULL: none */
	struct http_options local_options;
	struct http_server *local_http;
	pthread_mutex_t lock; /* guards the next two */
	bool stop, hurry;
	pthread_cond_t wake;
	pthread_t thread;
	bool has_thread;
	atomic_bool gives_up; /* what is asked of the token service, too */
};

/* ---- configuration ------------------------------------------------------- */

static const struct agent_config *
load(struct arena *a, const char *path, struct buf *messages)
{
	struct errors errors = { 0 };
	struct str text = { 0 };
	const struct agent_config *c =
	    agent_config_load(a, path, &text, &errors);

	errors_print(messages, &errors, text);
	return c;
}

const char *
agent_address(struct arena *a, const char *config_path, struct buf *messages)
{
	const struct agent_config *c = load(a, config_path, messages);
	struct listen_address at;
	struct str listen;

	if (!c)
		return NULL;
	listen = c->metadata.listen;
	if (!listen_parse(listen, &at, NULL))
		return NULL;
	return at.is_unix ? listen.p
			  : str_printf(a, "http://%.*s", STR_ARG(listen)).p;
}

/* ---- the thread ---------------------------------------------------------- */

/* Until `at_ms` of the agent's clock, or woken; at most a minute, for a clock
 * that is set. */
#define PAUSE_MOST_MS 60000

static bool
pause_until(struct agent *g, int64_t at_ms)
{
	int64_t wait_ms = at_ms - clock_now_ms(g->clock), until_ns;
	struct timespec until;
	bool stop, hurry;

	wait_ms = wait_ms > PAUSE_MOST_MS ? PAUSE_MOST_MS : wait_ms;
	wait_ms = wait_ms < 0 ? 0 : wait_ms;
	until_ns = clock_mono_ns() + wait_ms * 1000000;
	until.tv_sec = (time_t)(until_ns / 1000000000);
	until.tv_nsec = (long)(until_ns % 1000000000);
	pthread_mutex_lock(&g->lock);
	while (!g->stop && !g->hurry && clock_mono_ns() < until_ns)
		pthread_cond_timedwait(&g->wake, &g->lock, &until);
	stop = g->stop;
	hurry = g->hurry;
	g->hurry = false;
	pthread_mutex_unlock(&g->lock);
	if (hurry)
		agent_core_hurry(g->core);
	return !stop;
}

static void *
keep_fresh(void *ctx)
{
	struct agent *g = ctx;

	while (pause_until(g, agent_core_run(g->core)))
		;
	return NULL;
}

static bool
start_thread(struct agent *g, struct error *reterr)
{
	g->has_thread = pthread_create(&g->thread, NULL, keep_fresh, g) == 0;
	return g->has_thread || error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
				    "the agent's thread does not start");
}

static void
make_locks(struct agent *g)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&g->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&g->wake, &attr);
	pthread_condattr_destroy(&attr);
}

static void
tell(struct agent *g, bool *what)
{
	pthread_mutex_lock(&g->lock);
	*what = true;
	pthread_cond_signal(&g->wake);
	pthread_mutex_unlock(&g->lock);
}

void
agent_hurry(struct agent *g)
{
	tell(g, &g->hurry);
}

/* ---- start and stop ------------------------------------------------------ */

static bool
open_core(struct agent *g, struct error *reterr)
{
	struct agent_core_options o = {
		.config = g->config, .clock = g->clock, .gives_up = &g->gives_up
	};

	g->client = agent_proxy_client(
	    &g->config->service, TIMEOUT_MS, &g->gives_up, reterr);
	if (!g->client)
		return false;
	o.service = prover_wire_of(g->client);
	g->core = agent_core_open(&o, reterr);
	return g->core != NULL;
}

/* At an address nobody can tell which user it is: there one may have all. */
static unsigned
connections_of_user(struct str listen, unsigned all)
{
	return str_has_prefix(listen, STR("unix:")) ? LIMIT_LOCAL_OF_USER : all;
}

static bool
open_metadata(struct agent *g, struct error *reterr)
{
	g->metadata =
	    agent_metadata_new(g->core, (struct prove_random){ 0 }, reterr);
	if (!g->metadata)
		return false;
	g->metadata_options =
	    (struct http_options){ .listen = g->config->metadata.listen.p,
		    .threads = 2,
		    .body_limit = LIMIT_METADATA_BODY,
		    .connections = LIMIT_LOCAL_CONNECTIONS,
		    .connections_per_address = connections_of_user(
			g->config->metadata.listen, LIMIT_LOCAL_CONNECTIONS),
		    .counts_users = true,
		    .handle = agent_metadata_handle,
		    .ctx = g->metadata };
	g->metadata_http = http_server_start(&g->metadata_options, reterr);
	return g->metadata_http != NULL;
}

static bool
open_local(struct agent *g, struct error *reterr)
{
	if (!g->config->local.listen.n)
		return true;
	g->local = agent_local_new(
	    g->core, g->metadata, g->clock, (struct prove_random){ 0 }, reterr);
	if (!g->local)
		return false;
	g->local_options =
	    (struct http_options){ .listen = g->config->local.listen.p,
		    .threads = 2,
		    .body_limit = LIMIT_ANSWER_BYTES + LIMIT_METADATA_BODY,
		    .connections = LIMIT_LOCAL_CONNECTIONS,
		    .connections_per_address = LIMIT_LOCAL_OF_USER,
		    .knows_user = agent_local_knows,
		    .handle = agent_local_handle,
		    .ctx = g->local };
	g->local_http = http_server_start(&g->local_options, reterr);
	return g->local_http != NULL;
}

static bool
open_proxy(struct agent *g, struct error *reterr)
{
	if (!g->config->n_upstreams)
		return true;
	g->proxy = agent_proxy_new(g->core, reterr);
	if (!g->proxy)
		return false;
	g->proxy_options =
	    (struct http_options){ .listen = g->config->proxy_listen.p,
		    .thread_per_connection = true,
		    .body_limit = LIMIT_METADATA_BODY,
		    .connections = LIMIT_PROXY_CONNECTIONS,
		    .connections_per_address = connections_of_user(
			g->config->proxy_listen, LIMIT_PROXY_CONNECTIONS),
		    .counts_users = true,
		    .handle = agent_proxy_handle,
		    .ctx = g->proxy };
	g->proxy_http = http_server_start(&g->proxy_options, reterr);
	return g->proxy_http != NULL;
}

static struct agent *
refused(struct agent *g, const struct error *why, struct buf *messages)
{
	if (why->code != ERR_NONE)
		error_print(messages, why, (struct str){ 0 });
	agent_stop(g, 0);
	return NULL;
}

struct agent *
agent_start(
    const char *config_path, const struct clock *clock, struct buf *messages)
{
	struct agent *g = calloc(1, sizeof *g);
	struct error err = { 0 };

	if (!g) {
		(void)error_nomem(&err);
		return refused(NULL, &err, messages);
	}
	make_locks(g);
	g->clock = clock;
	g->a = arena_new(0);
	if (!g->a) {
		(void)error_nomem(&err);
		return refused(g, &err, messages);
	}
	g->config = load(g->a, config_path, messages);
	if (g->config && open_core(g, &err) && open_metadata(g, &err) &&
	    open_local(g, &err) && open_proxy(g, &err) && start_thread(g, &err))
		return g;
	return refused(g, &err, messages);
}

bool
agent_keeps_key(const struct agent *g, struct buf *messages)
{
	struct error err = { 0 };

	if (agent_core_keeps_key(g->core, &err))
		return true;
	error_print(messages, &err, (struct str){ 0 });
	return false;
}

uint16_t
agent_metadata_port(const struct agent *g)
{
	return http_server_port(g->metadata_http);
}

uint16_t
agent_proxy_port(const struct agent *g)
{
	return g->proxy_http ? http_server_port(g->proxy_http) : 0;
}

void
agent_stop(struct agent *g, int drain_ms)
{
	if (!g)
		return;
	atomic_store(&g->gives_up, true);
	agent_proxy_drain(g->proxy, drain_ms);
	http_server_stop(g->proxy_http, drain_ms);
	agent_proxy_free(g->proxy);
	http_server_stop(g->local_http, drain_ms);
	http_server_stop(g->metadata_http, drain_ms);
	tell(g, &g->stop);
	if (g->has_thread)
		pthread_join(g->thread, NULL);
	agent_local_free(g->local);
	agent_metadata_free(g->metadata);
	agent_core_close(g->core);
	client_free(g->client);
	arena_free(g->a);
	pthread_cond_destroy(&g->wake);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

/* ---- check --------------------------------------------------------------- */

static bool
check_servers(const struct agent_config *c, struct error *reterr)
{
	struct client *client =
	    agent_proxy_client(&c->service, 0, NULL, reterr);
	bool ok = client != NULL;

	client_free(client);
	for (size_t i = 0; ok && i < c->n_upstreams; i++) {
		client =
		    agent_proxy_client(&c->upstreams[i].to, 0, NULL, reterr);
		ok = client != NULL;
		client_free(client);
	}
	return ok;
}

static bool
check_trust(const struct agent_config *c, struct error *reterr)
{
	const struct attest_trust_entry entry = { .kind = STR("avow"),
		.keys = c->documents.keys.p,
		.issuer = c->documents.issuer,
		.forms = 1u << c->documents.form |
			 (c->documents.has_cms ? 1u << ATTEST_CMS : 0) };
	struct attest_trust *t;
	bool ok;

	if (!c->documents.is_given)
		return true;
	t = attest_trust_new();
	ok = t ? attest_trust_add(t, &entry, reterr) : error_nomem(reterr);
	/* The names of its files go with it. */
	if (!ok && reterr->at.file)
		reterr->at.file = c->documents.keys.p;
	attest_trust_free(t);
	return ok;
}

static bool
check_peers(const struct agent_config *c, struct error *reterr)
{
	struct prove_peer *peers = NULL;
	bool ok = agent_local_peers(&c->local, clock_system(),
	    (struct prove_random){ 0 }, &peers, reterr);

	prove_peer_free(peers);
	return ok;
}

bool
agent_check(const char *config_path, struct buf *summary, struct buf *messages)
{
	struct arena *a = arena_new(0);
	struct error err = { 0 };
	const struct agent_config *c =
	    a ? load(a, config_path, messages) : NULL;
	bool ok = c && check_servers(c, &err) && check_trust(c, &err) &&
		  check_peers(c, &err);

	if (!a)
		(void)error_nomem(&err);
	if (err.code != ERR_NONE)
		error_print(messages, &err, (struct str){ 0 });
	if (ok)
		buf_printf(summary,
		    "agent of %.*s: %zu tokens, %s, %zu files, %zu upstreams",
		    STR_ARG(c->instance), c->tokens.n,
		    c->documents.is_given ? "documents" : "no documents",
		    c->n_files, c->n_upstreams);
	if (ok && c->local.listen.n)
		buf_printf(summary, ", %zu users, %zu peers", c->local.n_users,
		    c->local.n_peers);
	arena_free(a);
	return ok;
}
