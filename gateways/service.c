/* service.c - the token service from start to stop: its keys, its two
 * listeners, a thread that each minute reads the keys anew and purges what is
 * past. The routes are in service_routes.c. */
#include "gateways/service.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "gateways/service_private.h"

#define MINUTE_NS 60000000000ll

static int64_t
now_s(const struct service *s)
{
	return clock_now_ms(s->clock) / 1000;
}

/* ---- signing keys -------------------------------------------------------- */

void
service_keys_drop(struct service_keys *k)
{
	if (!k || atomic_fetch_sub(&k->refs, 1) != 1)
		return;
	token_keys_free(k->verify);
	token_ring_free(k->documents);
	token_ring_free(k->ring);
	free(k);
}

struct service_keys *
service_keys_take(struct service *s)
{
	struct service_keys *k;

	pthread_mutex_lock(&s->lock);
	k = s->keys;
	atomic_fetch_add(&k->refs, 1);
	pthread_mutex_unlock(&s->lock);
	return k;
}

struct gateways_state *
service_state_take(struct service *s)
{
	struct gateways_state *state;

	pthread_mutex_lock(&s->lock);
	state = s->state ? gateways_state_ref(s->state) : NULL;
	pthread_mutex_unlock(&s->lock);
	return state;
}

static void
state_replace(struct service *s, struct gateways_state *next)
{
	struct gateways_state *old;

	gateways_state_ref(next);
	pthread_mutex_lock(&s->lock);
	old = s->state;
	s->state = next;
	pthread_mutex_unlock(&s->lock);
	gateways_state_unref(old);
}

/* One key, one purpose: a document that were a token, too, would open what it
 * should not. */
static bool
read_document_keys(
    const struct service *s, struct service_keys *k, struct error *reterr)
{
	struct str folder = s->config->service.documents.keys;

	if (folder.n == 0)
		return true;
	k->documents = token_ring_open(folder.p, reterr);
	if (!k->documents || !token_ring_signer(k->documents, now_s(s), reterr))
		return false;
	return !documents_rings_meet(k->ring, k->documents) ||
	       error_set(reterr, ERR_CONFIG_TRUST, SPAN_NONE,
		   "`keys` and `documentKeys` have a key in common: a key has "
		   "one purpose");
}

static struct service_keys *
keys_read(const struct service *s, struct error *reterr)
{
	struct service_keys *k = calloc(1, sizeof *k);

	if (!k) {
		error_nomem(reterr);
		return NULL;
	}
	atomic_init(&k->refs, 1);
	k->ring = token_ring_open(s->config->service.keys.p, reterr);
	if (k->ring && token_ring_signer(k->ring, now_s(s), reterr))
		k->verify = token_keys_of_ring(k->ring, now_s(s), reterr);
	if (k->verify && read_document_keys(s, k, reterr))
		return k;
	service_keys_drop(k);
	return NULL;
}

static void
keys_replace(struct service *s, struct service_keys *next)
{
	struct service_keys *old;

	pthread_mutex_lock(&s->lock);
	old = s->keys;
	s->keys = next;
	pthread_mutex_unlock(&s->lock);
	service_keys_drop(old);
}

/* ---- documents ----------------------------------------------------------- */

struct documents *
service_documents_take(struct service *s)
{
	struct documents *d;

	pthread_mutex_lock(&s->lock);
	d = s->documents ? documents_ref(s->documents) : NULL;
	pthread_mutex_unlock(&s->lock);
	return d;
}

static void
documents_replace(struct service *s, struct documents *next_take)
{
	struct documents *old;

	pthread_mutex_lock(&s->lock);
	old = s->documents;
	s->documents = next_take;
	pthread_mutex_unlock(&s->lock);
	documents_close(old);
}

/* ---- what is revoked ----------------------------------------------------- */

struct attest_revoked *
service_revoked_take(struct service *s)
{
	struct attest_revoked *list = NULL;

	pthread_mutex_lock(&s->lock);
	if (s->revoked)
		list = attest_revoked_ref(s->revoked);
	pthread_mutex_unlock(&s->lock);
	return list;
}

void
service_revocations_wake(struct service *s)
{
	if (s->revocations)
		revocations_wake(s->revocations);
}

static bool
take_revoked(void *ctx, struct attest_revoked *list, struct error *reterr)
{
	struct service *s = ctx;
	struct attest_revoked *old;

	(void)reterr;
	pthread_mutex_lock(&s->lock);
	old = s->revoked;
	s->revoked = list;
	pthread_mutex_unlock(&s->lock);
	attest_revoked_free(old);
	return true;
}

static bool
open_revocations(struct service *s, struct error *reterr)
{
	const struct config *c = s->config;
	const struct revocations_options options = {
		.store = c->store,
		.mark = c->store_mark.n ? c->store_mark.p : NULL,
		.take = take_revoked,
		.ctx = s,
	};

	s->revocations = revocations_new(&options, reterr);
	return s->revocations && revocations_start(s->revocations, reterr);
}

/* ---- each minute --------------------------------------------------------- */

static void
each_minute(struct service *s)
{
	struct error err = { 0 };
	struct service_keys *k = keys_read(s, &err);
	struct documents *d = service_documents_take(s);

	if (k)
		keys_replace(s, k);
	else
		log_error("signing-keys", &err);
	err = (struct error){ 0 };
	if (!sts_purge(s->sts, &err) || (d && !documents_purge(d, &err)))
		log_error("purge", &err);
	documents_close(d);
}

static void *
run_minutes(void *ctx)
{
	struct service *s = ctx;
	struct timespec until;
	int64_t at = clock_mono_ns() + MINUTE_NS;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		until.tv_sec = (time_t)(at / 1000000000);
		until.tv_nsec = (long)(at % 1000000000);
		pthread_cond_timedwait(&s->wake, &s->lock, &until);
		if (s->stop || clock_mono_ns() < at)
			continue;
		at = clock_mono_ns() + MINUTE_NS;
		pthread_mutex_unlock(&s->lock);
		each_minute(s);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static bool
start_minutes(struct service *s, struct error *reterr)
{
	s->has_minute = pthread_create(&s->minute, NULL, run_minutes, s) == 0;
	return s->has_minute ||
	       error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		   "the thread that looks after keys does not start");
}

/* ---- listeners ----------------------------------------------------------- */

static bool
read_clients(struct service *s, struct service_listener *l,
    const struct config_admin *config, struct error *reterr)
{
	struct str text;

	if (config->client_certificates.n == 0)
		return true;
	if (!file_read(s->arena, config->client_certificates.p,
		LIMIT_KEY_FILE_BYTES, &text, reterr))
		return false;
	l->options.tls_client_ca_pem = text.p;
	return true;
}

static bool
read_tls(struct service *s, const struct config_tls *tls,
    struct http_options *to, struct error *reterr)
{
	return tls->key.n == 0 || http_tls_read(s->arena, tls->certificate.p,
				      tls->key.p, to, reterr);
}

/* What listening reads, apart from it. */
static bool
check_tls(struct service *s, const struct config_tls *tls, struct error *reterr)
{
	struct http_options unused = { 0 };

	return read_tls(s, tls, &unused, reterr);
}

static bool
listen_on(struct service *s, struct service_listener *l, struct str at,
    const struct config_tls *tls, struct error *reterr)
{
	l->service = s;
	l->options.listen = at.p;
	l->options.handle = service_handle;
	l->options.ctx = l;
	l->tls = tls;
	if (!read_tls(s, tls, &l->options, reterr))
		return false;
	l->http = http_server_start(&l->options, reterr);
	return l->http != NULL;
}

static bool
listen_both(struct service *s, struct error *reterr)
{
	const struct config_service *front = &s->config->service;
	const struct config_admin *admin = &s->config->admin;

	s->front.options.tls13_only =
	    front->channel == CONFIG_CHANNEL_TLS_EXPORTER;
	if (!listen_on(s, &s->front, front->listen, &front->tls, reterr))
		return false;
	if (!admin->is_given)
		return true;
	s->admin.is_admin = true;
	s->admin.options.body_limit = LIMIT_HTTP_ADMIN_BODY;
	return read_clients(s, &s->admin, admin, reterr) &&
	       listen_on(s, &s->admin, admin->listen, &admin->tls, reterr);
}

static bool
reload_tls(struct service_listener *l, struct error *reterr)
{
	return !l->http || l->tls->key.n == 0 ||
	       http_server_tls_reread(
		   l->http, l->tls->certificate.p, l->tls->key.p, reterr);
}

/* ---- start and stop ------------------------------------------------------ */

static void
on_alarm(void *ctx, const struct sts_alarm *alarm)
{
	(void)ctx;
	log_line(LOG_WARN, "alarm",
	    "kind=%s account=%.*s incarnation=%lld from=\"%.*s\" "
	    "other=\"%.*s\" count=%lld",
	    sts_alarm_name(alarm->kind), STR_ARG(alarm->account),
	    (long long)alarm->incarnation, STR_ARG(alarm->source),
	    STR_ARG(alarm->other), (long long)alarm->count);
}

static bool
copy_names(struct arena *a, const struct config_documents *c,
    struct documents_options *o)
{
	struct documents_level *levels =
	    ARENA_ARRAY(a, c->n_levels + 1, struct documents_level);
	struct documents_profile *profiles =
	    ARENA_ARRAY(a, c->n_profiles + 1, struct documents_profile);

	if (!levels || !profiles)
		return false;
	for (size_t i = 0; i < c->n_levels; i++)
		levels[i] = (struct documents_level){ c->levels[i].claim,
			c->levels[i].level };
	for (size_t i = 0; i < c->n_profiles; i++)
		profiles[i] = (struct documents_profile){ c->profiles[i].name,
			c->profiles[i].claims.items, c->profiles[i].claims.n,
			c->profiles[i].unbound_s };
	o->levels = levels;
	o->n_levels = c->n_levels;
	o->profiles = profiles;
	o->n_profiles = c->n_profiles;
	return true;
}

/* As `config` has it; *ret NULL where it issues none. */
static bool
documents_of(const struct service *s, const struct config *config,
    struct documents **ret, struct error *reterr)
{
	const struct config_documents *c = &config->service.documents;
	struct documents_options o = { .store = s->store,
		.issuer = config->service.issuer,
		.lifetime_s = c->lifetime_s,
		.lifetime_most_s = c->lifetime_most_s,
		.form = (enum attest_form)c->form };
	struct arena *a;

	*ret = NULL;
	if (c->keys.n == 0)
		return true;
	a = arena_new(0);
	if (a && copy_names(a, c, &o))
		*ret = documents_open(&o, reterr);
	else
		(void)error_nomem(reterr);
	arena_free(a);
	return *ret != NULL;
}

static bool
open_core(struct service *s, struct error *reterr)
{
	const struct config_service *c = &s->config->service;
	const struct sts_options options = {
		.store = s->store,
		.clock = s->clock,
		.secret_file = c->secret.p,
		.url = c->url,
		.issuer = c->issuer,
		.trust_domain = c->trust_domain,
		.alarm = on_alarm,
	};

	s->sts = sts_open(&options, reterr);
	return s->sts != NULL &&
	       documents_of(s, s->config, &s->documents, reterr);
}

bool
service_keys_open(struct service *s, struct error *reterr)
{
	s->dpop = s->config->replay == CONFIG_REPLAY_STORE
		      ? dpop_new_shared(s->store, reterr)
		      : dpop_new(reterr);
	s->keys = s->dpop ? keys_read(s, reterr) : NULL;
	return s->keys != NULL;
}

static bool
check_files(struct service *s, struct error *reterr)
{
	const struct config *c = s->config;
	struct service_keys *k = keys_read(s, reterr);
	struct str secret;

	service_keys_drop(k);
	return k &&
	       file_read_secret(s->arena, c->service.secret.p,
		   LIMIT_KEY_FILE_BYTES, &secret, reterr) &&
	       check_tls(s, &c->service.tls, reterr) &&
	       check_tls(s, &c->admin.tls, reterr) &&
	       read_clients(s, &s->admin, &c->admin, reterr);
}

bool
gateways_service_check(const struct gateways_state *state, struct error *reterr)
{
	struct service s = { .config = state->config, .clock = clock_system() };
	bool ok;

	if (!s.config->service.is_given)
		return true;
	s.arena = arena_new(0);
	ok = s.arena ? check_files(&s, reterr) : error_nomem(reterr);
	arena_free(s.arena);
	return ok;
}

static bool
make_locks(struct service *s, struct error *reterr)
{
	pthread_condattr_t attr;

	if (pthread_condattr_init(&attr) != 0)
		return error_nomem(reterr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	(void)pthread_mutex_init(&s->lock, NULL);
	s->arena = arena_new(0);
	return s->arena || error_nomem(reterr);
}

struct service *
service_new(const struct config *config, const struct clock *clock,
    struct store *store, struct error *reterr)
{
	struct service *s = calloc(1, sizeof *s);

	if (!s) {
		error_nomem(reterr);
		return NULL;
	}
	s->config = config;
	s->clock = clock;
	s->store = store;
	if (make_locks(s, reterr) && open_core(s, reterr))
		return s;
	service_stop(s, 0);
	return NULL;
}

struct service *
service_start(struct gateways_state *state, const struct clock *clock,
    struct store *store, struct error *reterr)
{
	struct service *s = service_new(state->config, clock, store, reterr);

	if (!s)
		return NULL;
	state_replace(s, state);
	if (open_revocations(s, reterr) && service_keys_open(s, reterr) &&
	    start_minutes(s, reterr) && listen_both(s, reterr))
		return s;
	service_stop(s, 0);
	return NULL;
}

bool
service_reload(
    struct service *s, struct gateways_state *now, struct error *reterr)
{
	struct service_keys *k = keys_read(s, reterr);
	struct documents *d = NULL;

	if (!k)
		return false;
	if (!documents_of(s, now->config, &d, reterr) ||
	    !reload_tls(&s->front, reterr) || !reload_tls(&s->admin, reterr)) {
		service_keys_drop(k);
		documents_close(d);
		return false;
	}
	keys_replace(s, k);
	documents_replace(s, d);
	state_replace(s, now);
	return true;
}

void
service_take_state(struct service *s, struct gateways_state *now)
{
	state_replace(s, now);
}

uint16_t
service_port(const struct service *s)
{
	return http_server_port(s->front.http);
}

static void
stop_minutes(struct service *s)
{
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (s->has_minute)
		pthread_join(s->minute, NULL);
}

void
service_stop(struct service *s, int drain_ms)
{
	if (!s)
		return;
	http_server_stop(s->front.http, drain_ms);
	http_server_stop(s->admin.http, drain_ms);
	stop_minutes(s);
	revocations_free(s->revocations);
	attest_revoked_free(s->revoked);
	gateways_state_unref(s->state);
	service_keys_drop(s->keys);
	dpop_free(s->dpop);
	documents_close(s->documents);
	sts_close(s->sts);
	arena_free(s->arena);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
