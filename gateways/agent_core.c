/* agent_core.c - items, when each is due, and who gets to see what is held. */
#include "gateways/agent_core.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/limits.h"
#include "base/log.h"
#include "gateways/agent_core_private.h"
#include "gateways/agent_schedule.h"

/* ---- what is shared ------------------------------------------------------ */

const struct attest_key *
agent_key_of(const struct agent_key *k)
{
	return k->key;
}

struct agent_key *
agent_key_ref(struct agent_key *k)
{
	atomic_fetch_add(&k->refs, 1);
	return k;
}

void
agent_key_unref(struct agent_key *k)
{
	if (!k || atomic_fetch_sub(&k->refs, 1) > 1)
		return;
	attest_key_free(k->key);
	free(k);
}

static struct agent_held *
lend(struct agent_kept *k)
{
	atomic_fetch_add(&k->refs, 1);
	return &k->held;
}

void
agent_held_free(struct agent_held *h)
{
	struct agent_kept *k = (struct agent_kept *)h;

	if (!k || atomic_fetch_sub(&k->refs, 1) > 1)
		return;
	agent_key_unref(k->held.key);
	arena_free(k->a);
	free(k);
}

static struct agent_kept *
kept_new(struct agent_key *key, struct error *reterr)
{
	struct agent_kept *k = calloc(1, sizeof *k);

	if (k)
		k->a = arena_new(0);
	if (!k || !k->a) {
		free(k);
		error_nomem(reterr);
		return NULL;
	}
	atomic_store(&k->refs, 1);
	k->held.key = agent_key_ref(key);
	return k;
}

struct agent_kept *
agent_kept_token(
    struct agent_key *key, const struct prover_grant *g, struct error *reterr)
{
	struct agent_kept *k = kept_new(key, reterr);

	if (!k)
		return NULL;
	k->held.token = str_dup(k->a, g->token);
	k->held.from_s = g->issued_s;
	k->held.until_s = g->expires_s;
	if (k->held.token.p)
		return k;
	error_nomem(reterr);
	agent_held_free(&k->held);
	return NULL;
}

/* What does not end is taken for a day: then it is read again. */
#define NO_END_S 86400

struct agent_kept *
agent_kept_keys(struct agent_core *c, struct str text, struct error *reterr)
{
	struct agent_kept *k = kept_new(c->key, reterr);

	if (!k)
		return NULL;
	k->held.keys = str_dup(k->a, text);
	k->held.from_s = agent_core_now_ms(c) / 1000;
	k->held.until_s = k->held.from_s + NO_END_S;
	if (k->held.keys.p)
		return k;
	error_nomem(reterr);
	agent_held_free(&k->held);
	return NULL;
}

static bool
verify(struct agent_core *c, struct agent_kept *k,
    const struct attest_evidence *e, struct error *reterr)
{
	struct agent_held *h = &k->held;
	const struct attest_context ctx = { .trust = c->trust,
		.now_unix_s = agent_core_now_ms(c) / 1000,
		.any_audience = true,
		.proven_jkt = str_of(h->key->thumbprint) };
	struct buf pack = { 0 };

	if (!attest_verify(k->a, e, &ctx, &h->claims, reterr))
		return false;
	if (!str_eq(claims_subject(h->claims), c->config->instance))
		return error_set(reterr, ERR_EVIDENCE_INSTANCE, SPAN_NONE,
		    "the document is of another instance than `%.*s`",
		    STR_ARG(c->config->instance));
	h->kind = str_dup(k->a, e->kind);
	h->document = str_dup(k->a, e->document);
	h->signature = str_dup(k->a, e->signature);
	/* One that is too long for a pack still has its two halves. */
	if (attest_evidence_pack(e, &pack, NULL))
		h->pack = str_dup(k->a, buf_str(&pack));
	buf_free(&pack);
	if (!claims_issued_at(h->claims, &h->from_s))
		h->from_s = ctx.now_unix_s;
	if (!claims_expires_at(h->claims, &h->until_s))
		h->until_s = ctx.now_unix_s + NO_END_S;
	return (h->kind.p && h->document.p && h->signature.p) ||
	       error_nomem(reterr);
}

struct agent_kept *
agent_kept_document(
    struct agent_core *c, const struct attest_evidence *e, struct error *reterr)
{
	struct agent_kept *k = kept_new(c->key, reterr);

	if (k && verify(c, k, e, reterr))
		return k;
	agent_held_free(k ? &k->held : NULL);
	return NULL;
}

/* ---- open and close ------------------------------------------------------ */

static bool
open_trust(struct agent_core *c, struct error *reterr)
{
	const struct agent_documents *d = &c->config->documents;
	const struct attest_trust_entry entry = { .kind = STR("avow"),
		.keys = d->keys.p,
		.issuer = d->issuer,
		.forms = 1u << d->form | (d->has_cms ? 1u << ATTEST_CMS : 0) };

	if (!d->is_given)
		return true;
	c->trust = attest_trust_new();
	if (!c->trust)
		return error_nomem(reterr);
	if (attest_trust_add(c->trust, &entry, reterr))
		return true;
	/* The names of its files go with it. */
	if (reterr && reterr->at.file)
		reterr->at.file = d->keys.p;
	return false;
}

const char *
agent_what_name(enum agent_what what)
{
	static const char *const names[] = { [AGENT_TOKEN] = "token",
		[AGENT_SERVICE_TOKEN] = "token",
		[AGENT_DOCUMENT] = "document",
		[AGENT_CMS] = "cms",
		[AGENT_JWT_SVID] = "jwt-svid",
		[AGENT_WIT_SVID] = "wit-svid",
		[AGENT_KEYS] = "keys",
		[AGENT_BUNDLE] = "bundle" };

	return names[what];
}

bool
agent_what_is_document(enum agent_what what)
{
	return what == AGENT_DOCUMENT || what == AGENT_CMS;
}

enum attest_form
agent_core_form(const struct agent_core *c, enum agent_what what)
{
	return what == AGENT_CMS ? ATTEST_CMS
				 : (enum attest_form)c->config->documents.form;
}

static bool
has_item(const struct agent_core *c, enum agent_what what, struct str audience)
{
	for (size_t i = 0; i < c->n_items; i++)
		if (c->items[i].what == what &&
		    str_eq(c->items[i].audience, audience))
			return true;
	return false;
}

static void
add_item(struct agent_core *c, enum agent_what what, struct str audience)
{
	if (!has_item(c, what, audience))
		c->items[c->n_items++] =
		    (struct agent_item){ .what = what, .audience = audience };
}

/* In the order that they are asked for: what is exchanged or asked with the
 * service's own token comes after it. */
static bool
make_items(struct agent_core *c, struct error *reterr)
{
	const struct agent_config *g = c->config;
	bool asks = g->documents.is_given && !g->documents.folder.n;

	c->items =
	    ARENA_ARRAY(c->a, g->tokens.n + g->n_files + 3, struct agent_item);
	c->written = ARENA_ARRAY(c->a, g->n_files + 1, struct agent_written);
	if (!c->items || !c->written)
		return error_nomem(reterr);
	for (size_t i = 0; i < g->tokens.n; i++)
		add_item(c, AGENT_TOKEN, g->tokens.items[i]);
	for (size_t i = 0; i < g->n_files; i++)
		asks = asks || g->files[i].kind == AGENT_FILE_JWT_SVID ||
		       g->files[i].kind == AGENT_FILE_WIT_SVID;
	if (asks)
		add_item(c, AGENT_SERVICE_TOKEN, g->service.url);
	if (g->documents.is_given)
		add_item(c, AGENT_DOCUMENT, (struct str){ 0 });
	if (g->documents.has_cms && g->documents.form != ATTEST_CMS)
		add_item(c, AGENT_CMS, (struct str){ 0 });
	for (size_t i = 0; i < g->n_files; i++) {
		enum agent_what what = agent_written_what(&g->files[i]);

		if (what != AGENT_TOKEN && what != AGENT_DOCUMENT)
			add_item(c, what, g->files[i].audience);
	}
	return true;
}

uint32_t
agent_core_chance(struct agent_core *c)
{
	uint32_t n = 0;

	/* Without randomness the moment is not one of chance: no harm. */
	if (c->random.fill)
		(void)!c->random.fill(c->random.ctx, (uint8_t *)&n, sizeof n);
	else
		(void)!getrandom(&n, sizeof n, 0);
	return n;
}

/* Whoever puts documents into a folder does not tell; nor does the service, of
 * one that another has taken the place of, or of another key. */
static int64_t
look_ms(const struct agent_core *c, enum agent_what what)
{
	switch ((int)what) {
	case AGENT_DOCUMENT:
	case AGENT_CMS:
		return c->config->documents.folder.n ? LIMIT_AGENT_LOOK_MS
						     : LIMIT_AGENT_ASK_MS;
	case AGENT_KEYS:
	case AGENT_BUNDLE:
		return LIMIT_AGENT_KEYS_MS;
	default:
		return (int64_t)NO_END_S * 1000;
	}
}

static int64_t
fresh_until_ms(struct agent_core *c, const struct agent_item *item)
{
	int64_t at = agent_schedule_renew_ms(item->kept->held.from_s,
	    item->kept->held.until_s, agent_core_chance(c));
	int64_t latest = agent_core_now_ms(c) + look_ms(c, item->what);

	return at > latest ? latest : at;
}

static void
load_items(struct agent_core *c)
{
	for (size_t i = 0; i < c->n_items; i++) {
		struct agent_item *item = &c->items[i];

		item->set_ms = agent_core_now_ms(c);
		item->kept = agent_state_load(c, item);
		if (item->kept)
			item->due_ms = fresh_until_ms(c, item);
	}
}

struct agent_core *
agent_core_open(const struct agent_core_options *o, struct error *reterr)
{
	struct agent_core *c = calloc(1, sizeof *c);

	if (!c) {
		error_nomem(reterr);
		return NULL;
	}
	c->config = o->config;
	c->clock = o->clock;
	c->random = o->random;
	c->wire = o->service;
	c->gives_up = o->gives_up;
	c->is_dirty = true;
	pthread_mutex_init(&c->lock, NULL);
	c->a = arena_new(0);
	if (!c->a)
		error_nomem(reterr);
	else if (open_trust(c, reterr) && make_items(c, reterr) &&
		 agent_state_open(c, reterr)) {
		load_items(c);
		return c;
	}
	agent_core_close(c);
	return NULL;
}

void
agent_core_close(struct agent_core *c)
{
	if (!c)
		return;
	for (size_t i = 0; c->items && i < c->n_items; i++)
		agent_held_free(
		    c->items[i].kept ? &c->items[i].kept->held : NULL);
	agent_key_unref(c->key);
	attest_trust_free(c->trust);
	arena_free(c->a);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

const struct agent_config *
agent_core_config(const struct agent_core *c)
{
	return c->config;
}

int64_t
agent_core_now_ms(const struct agent_core *c)
{
	return clock_now_ms(c->clock);
}

struct agent_key *
agent_core_key(struct agent_core *c)
{
	struct agent_key *k;

	pthread_mutex_lock(&c->lock);
	k = agent_key_ref(c->key);
	pthread_mutex_unlock(&c->lock);
	return k;
}

/* ---- keeping fresh ------------------------------------------------------- */

static bool
is_same(const struct agent_item *item, const struct agent_kept *k)
{
	return item->kept && agent_what_is_document(item->what) &&
	       str_eq(item->kept->held.document, k->held.document) &&
	       str_eq(item->kept->held.signature, k->held.signature);
}

static void
succeed(struct agent_core *c, struct agent_item *item, struct agent_kept *k)
{
	struct agent_kept *former = k;

	pthread_mutex_lock(&c->lock);
	if (!is_same(item, k)) {
		former = item->kept;
		item->kept = k;
		c->is_dirty = true;
	}
	item->failures = 0;
	item->why = (struct error){ 0 };
	item->due_ms = fresh_until_ms(c, item);
	item->set_ms = agent_core_now_ms(c);
	/* What was given is old already: not at once again. */
	if (item->due_ms <= agent_core_now_ms(c))
		item->due_ms = agent_core_now_ms(c) + LIMIT_AGENT_LOOK_MS;
	pthread_mutex_unlock(&c->lock);
	agent_held_free(former ? &former->held : NULL);
}

static void
fail(struct agent_core *c, struct agent_item *item, const struct error *why)
{
	int64_t now_ms = agent_core_now_ms(c);

	pthread_mutex_lock(&c->lock);
	item->failures++;
	item->why = *why;
	item->failed_ms = item->set_ms = now_ms;
	item->due_ms = now_ms + agent_schedule_wait_ms(
				    item->failures, agent_core_chance(c));
	pthread_mutex_unlock(&c->lock);
	log_line(LOG_WARN, "agent.renew",
	    "what=%s audience=\"%.*s\" code=%s failures=%u message=\"%s\"",
	    agent_what_name(item->what), STR_ARG(item->audience),
	    error_id(why->code), item->failures, why->msg);
}

static bool
ask(struct agent_core *c, const struct agent_item *item,
    struct agent_kept **ret, struct error *reterr)
{
	switch (item->what) {
	case AGENT_TOKEN:
	case AGENT_SERVICE_TOKEN:
		return agent_ask_token(c, item->audience, ret, reterr);
	case AGENT_DOCUMENT:
	case AGENT_CMS:
		return agent_ask_document(c, item, ret, reterr);
	case AGENT_JWT_SVID:
	case AGENT_WIT_SVID:
		return agent_ask_svid(c, item, ret, reterr);
	case AGENT_KEYS:
	case AGENT_BUNDLE:
		break;
	}
	return agent_ask_keys(c, item, ret, reterr);
}

static void
renew(struct agent_core *c, struct agent_item *item)
{
	struct agent_kept *k = NULL;
	struct error err = { 0 };

	if (!ask(c, item, &k, &err)) {
		fail(c, item, &err);
		return;
	}
	succeed(c, item, k);
	/* What cannot be kept is of use all the same, till the next start. */
	if (!agent_state_save(c, item, &err))
		log_error("agent.state", &err);
}

/* At once where the clock was set back since: what was chosen by the former one
 * may lie days ahead, and a clock that ran ahead is why it failed. */
static int64_t
due_ms(struct agent_core *c, const struct agent_item *item)
{
	int64_t at;

	pthread_mutex_lock(&c->lock);
	at = agent_core_now_ms(c) < item->set_ms ? 0 : item->due_ms;
	pthread_mutex_unlock(&c->lock);
	return at;
}

static bool
gives_up(const struct agent_core *c)
{
	return c->gives_up && atomic_load(c->gives_up);
}

/* Were files to be looked at? From now on they are, or not. */
static bool
swap_dirty(struct agent_core *c, bool to)
{
	bool was;

	pthread_mutex_lock(&c->lock);
	was = c->is_dirty;
	c->is_dirty = to;
	pthread_mutex_unlock(&c->lock);
	return was;
}

int64_t
agent_core_run(struct agent_core *c)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < c->n_items && !gives_up(c); i++)
		if (due_ms(c, &c->items[i]) <= agent_core_now_ms(c))
			renew(c, &c->items[i]);
	if (gives_up(c))
		return next_ms;
	if (swap_dirty(c, false) && !agent_written_update(c)) {
		(void)swap_dirty(c, true);
		next_ms = agent_core_now_ms(c) + LIMIT_AGENT_LOOK_MS;
	}
	for (size_t i = 0; i < c->n_items; i++) {
		int64_t at = due_ms(c, &c->items[i]);

		if (at < next_ms)
			next_ms = at;
	}
	return next_ms;
}

void
agent_core_hurry(struct agent_core *c)
{
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->n_items; i++)
		c->items[i].due_ms = 0;
	c->is_dirty = true;
	pthread_mutex_unlock(&c->lock);
}

/* ---- handing out --------------------------------------------------------- */

static bool
is_live(const struct agent_core *c, const struct agent_item *item)
{
	return item->kept &&
	       agent_core_now_ms(c) < item->kept->held.until_s * 1000;
}

static bool
explain(const struct agent_item *item, struct error *reterr)
{
	const char *what = agent_what_name(item->what);

	if (item->kept)
		return error_set(reterr, ERR_EVIDENCE_EXPIRED, SPAN_NONE,
		    "the %s has ended; the last try for another: %s", what,
		    item->why.code != ERR_NONE ? item->why.msg : "none yet");
	if (item->why.code != ERR_NONE)
		return error_set(
		    reterr, item->why.code, SPAN_NONE, "%s", item->why.msg);
	return error_set(reterr, ERR_SYSTEM_NOT_READY, SPAN_NONE,
	    "there is no %s yet", what);
}

static struct agent_held *
take(struct agent_core *c, struct agent_item *item, struct error *reterr)
{
	struct agent_held *h = NULL;

	pthread_mutex_lock(&c->lock);
	if (is_live(c, item))
		h = lend(item->kept);
	else
		(void)explain(item, reterr);
	pthread_mutex_unlock(&c->lock);
	return h;
}

struct agent_held *
agent_core_find(struct agent_core *c, enum agent_what what, struct str audience,
    struct error *reterr)
{
	for (size_t i = 0; i < c->n_items; i++)
		if (c->items[i].what == what &&
		    str_eq(c->items[i].audience, audience))
			return take(c, &c->items[i], reterr);
	error_set(reterr, ERR_REQUEST_PATH, SPAN_NONE,
	    agent_what_is_document(what) ? "this agent has no such document"
					 : "this agent has no token for `%.*s`",
	    STR_ARG(audience));
	return NULL;
}

struct agent_held *
agent_core_token(
    struct agent_core *c, struct str audience, struct error *reterr)
{
	return agent_core_find(c, AGENT_TOKEN, audience, reterr);
}

struct agent_held *
agent_core_service_token(struct agent_core *c, struct error *reterr)
{
	return agent_core_find(
	    c, AGENT_SERVICE_TOKEN, c->config->service.url, reterr);
}

struct agent_held *
agent_core_document(struct agent_core *c, struct error *reterr)
{
	return agent_core_find(c, AGENT_DOCUMENT, (struct str){ 0 }, reterr);
}

struct agent_held *
agent_core_cms(struct agent_core *c, struct error *reterr)
{
	enum agent_what what = c->config->documents.form == ATTEST_CMS
				   ? AGENT_DOCUMENT
				   : AGENT_CMS;

	return agent_core_find(c, what, (struct str){ 0 }, reterr);
}

bool
agent_core_forget_place(bool ok, struct error *e)
{
	if (!ok && e)
		e->at = SPAN_NONE;
	return ok;
}

/* ---- status -------------------------------------------------------------- */

static void
put(json_t *to, const char *name, json_t *value_take)
{
	(void)json_object_set_new(to, name, value_take);
}

json_t *
agent_core_why(const struct error *why, int64_t at_ms)
{
	json_t *j = json_pack("{s:s}", "code", error_id(why->code));

	put(j, "message", json_from_str(str_of(why->msg)));
	put(j, "at", json_from_time(at_ms));
	return j;
}

static json_t *
item_json(const struct agent_core *c, const struct agent_item *item)
{
	json_t *j = json_object();

	if (item->audience.n)
		put(j, "audience", json_from_str(item->audience));
	if (item->what >= AGENT_JWT_SVID)
		put(j, "kind", json_string(agent_what_name(item->what)));
	put(j, "state",
	    json_string(is_live(c, item) ? "fresh"
			: item->kept     ? "expired"
					 : "missing"));
	if (item->kept && agent_what_is_document(item->what))
		put(j, "id",
		    json_from_str(claims_document_id(item->kept->held.claims)));
	if (item->kept) {
		put(j, "issuedAt",
		    json_from_time(item->kept->held.from_s * 1000));
		put(j, "expiresAt",
		    json_from_time(item->kept->held.until_s * 1000));
	}
	put(j, "nextTry", json_from_time(item->due_ms));
	put(j, "failures", json_integer(item->failures));
	if (item->why.code != ERR_NONE)
		put(j, "error", agent_core_why(&item->why, item->failed_ms));
	return j;
}

/* The lists of a status, by what stands in them. */
static const char *
list_of(enum agent_what what)
{
	switch ((int)what) {
	case AGENT_TOKEN:
	case AGENT_SERVICE_TOKEN:
		return "tokens";
	case AGENT_JWT_SVID:
	case AGENT_WIT_SVID:
		return "svids";
	default:
		return "keys";
	}
}

static void
put_item(json_t *to, const struct agent_core *c, const struct agent_item *item)
{
	if (agent_what_is_document(item->what))
		put(to, agent_what_name(item->what), item_json(c, item));
	else
		(void)json_array_append_new(
		    json_object_get(to, list_of(item->what)),
		    item_json(c, item));
}

json_t *
agent_core_status(struct agent_core *c)
{
	json_t *j = json_object();
	bool ready;

	pthread_mutex_lock(&c->lock);
	ready = agent_written_is_well(c);
	put(j, "instance", json_from_str(c->config->instance));
	put(j, "now", json_from_time(agent_core_now_ms(c)));
	put(j, "service", json_from_str(c->config->service.url));
	put(j, "key", json_string(c->key->thumbprint));
	put(j, "tokens", json_array());
	put(j, "svids", json_array());
	put(j, "keys", json_array());
	for (size_t i = 0; i < c->n_items; i++) {
		ready = ready && is_live(c, &c->items[i]);
		put_item(j, c, &c->items[i]);
	}
	put(j, "files", agent_written_json(c));
	put(j, "ready", json_boolean(ready));
	pthread_mutex_unlock(&c->lock);
	return j;
}
