/* agent_proxy.c - what may be asked, what is shown, what comes back. */
#include "gateways/agent_proxy.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "attest/dpop.h"
#include "base/limits.h"
#include "base/log.h"
#include "gateways/agent_metadata.h"
#include "gateways/answer.h"
#include "gateways/path.h"

#define NONCE_BYTES 128u
#define IDLE_MOST 8u /* connections that are kept, of an upstream */

/* A client that is not in use; a list. */
struct spare {
	struct client *client;
	struct spare *next;
};

struct upstream {
	const struct agent_upstream *config;
	pthread_mutex_t lock; /* guards the rest */
	struct spare *spare;
	unsigned n_spare;
	char nonce[NONCE_BYTES]; /* the last that it gave; empty: none */
};

struct agent_proxy {
	struct agent_core *core;
	struct str listen;
	struct upstream *upstreams;
	size_t n;
	struct arena *a;
	atomic_bool draining, gives_up;
	atomic_uint active;
};

/* ---- clients ------------------------------------------------------------- */

static const char *
or_null(struct str s)
{
	return s.n ? s.p : NULL;
}

struct client *
agent_proxy_client(const struct agent_server *s, int timeout_ms,
    const atomic_bool *gives_up, struct error *reterr)
{
	const struct client_options o = { .url = s->url.p,
		.ca_file = or_null(s->ca),
		.pinned_file = or_null(s->pin),
		.subject = or_null(s->subject),
		.timeout_ms = timeout_ms,
		.gives_up = gives_up };

	return client_new(&o, reterr);
}

static void
spare_free(struct spare *s)
{
	client_free(s->client);
	free(s);
}

static struct spare *
take_spare(struct agent_proxy *p, struct upstream *u, struct error *reterr)
{
	struct spare *s;

	pthread_mutex_lock(&u->lock);
	s = u->spare;
	if (s) {
		u->spare = s->next;
		u->n_spare--;
	}
	pthread_mutex_unlock(&u->lock);
	if (s)
		return s;
	s = calloc(1, sizeof *s);
	if (!s) {
		error_nomem(reterr);
		return NULL;
	}
	s->client = agent_proxy_client(&u->config->to, 0, &p->gives_up, reterr);
	if (s->client)
		return s;
	free(s);
	return NULL;
}

static void
give_spare(struct upstream *u, struct spare *s)
{
	bool is_kept;

	client_end(s->client);
	pthread_mutex_lock(&u->lock);
	is_kept = u->n_spare < IDLE_MOST;
	if (is_kept) {
		s->next = u->spare;
		u->spare = s;
		u->n_spare++;
	}
	pthread_mutex_unlock(&u->lock);
	if (!is_kept)
		spare_free(s);
}

/* ---- open and close ------------------------------------------------------ */

static bool
open_upstreams(struct agent_proxy *p, struct error *reterr)
{
	const struct agent_config *c = agent_core_config(p->core);

	p->upstreams = ARENA_ARRAY(p->a, c->n_upstreams, struct upstream);
	if (!p->upstreams)
		return error_nomem(reterr);
	for (; p->n < c->n_upstreams; p->n++) {
		struct upstream *u = &p->upstreams[p->n];

		u->config = &c->upstreams[p->n];
		pthread_mutex_init(&u->lock, NULL);
	}
	/* Whatever is wrong with files and addresses shows now. */
	for (size_t i = 0; i < p->n; i++) {
		struct spare *s = take_spare(p, &p->upstreams[i], reterr);

		if (!s)
			return false;
		give_spare(&p->upstreams[i], s);
	}
	return true;
}

struct agent_proxy *
agent_proxy_new(struct agent_core *core, struct error *reterr)
{
	struct agent_proxy *p = calloc(1, sizeof *p);

	if (!p) {
		error_nomem(reterr);
		return NULL;
	}
	p->core = core;
	p->listen = agent_core_config(core)->proxy_listen;
	p->a = arena_new(0);
	if (!p->a)
		error_nomem(reterr);
	else if (open_upstreams(p, reterr))
		return p;
	agent_proxy_free(p);
	return NULL;
}

void
agent_proxy_drain(struct agent_proxy *p, int drain_ms)
{
	int64_t until_ns = clock_mono_ns() + drain_ms * 1000000ll;

	if (!p)
		return;
	atomic_store(&p->draining, true);
	while (atomic_load(&p->active) > 0 && clock_mono_ns() < until_ns)
		usleep(2000);
	atomic_store(&p->gives_up, true);
}

void
agent_proxy_free(struct agent_proxy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++) {
		struct upstream *u = &p->upstreams[i];

		while (u->spare) {
			struct spare *s = u->spare;

			u->spare = s->next;
			spare_free(s);
		}
		pthread_mutex_destroy(&u->lock);
	}
	arena_free(p->a);
	free(p);
}

/* ---- one request --------------------------------------------------------- */

struct call {
	struct agent_proxy *p;
	const struct http_request *q;
	struct http_response *r;
	struct arena *a;
	struct upstream *u;
	struct str path; /* at the upstream, with its query */
	struct spare *spare;
	struct agent_held *shown;
	struct client_head head;
};

static void
refuse(struct call *c, unsigned status, enum err_code code, const char *why)
{
	answer_problem(c->r, status, error_id(code), str_of(why), NULL);
	http_response_header(c->r, "X-Avow-Reason", str_of(error_id(code)));
}

static void
refuse_for(struct call *c, unsigned status, const struct error *why)
{
	log_line(LOG_WARN, "agent.proxy", "status=%u code=%s message=\"%s\"",
	    status, error_id(why->code), why->msg);
	refuse(c, status, why->code, str_z(c->a, str_of(why->msg)));
}

static bool
may_ask(struct call *c)
{
	if (!str_eq(c->q->method, STR("GET")) &&
	    !str_eq(c->q->method, STR("HEAD")))
		refuse(c, 405, ERR_REQUEST_METHOD, "this takes GET and HEAD");
	else if (!agent_host_is_ours(
		     http_header(c->q, "host"), c->p->listen, NULL))
		refuse(c, 403, ERR_REQUEST_PEER,
		    "the name in `Host` is not this proxy's");
	else if (c->q->body.n > 0)
		refuse(c, 400, ERR_REQUEST_MALFORMED,
		    "no request here has a body");
	else
		return true;
	return false;
}

static struct upstream *
find_upstream(struct agent_proxy *p, struct str path)
{
	struct upstream *best = NULL;

	for (size_t i = 0; i < p->n; i++) {
		struct str prefix = p->upstreams[i].config->prefix;

		if (str_has_prefix(path, prefix) &&
		    (!best || prefix.n > best->config->prefix.n))
			best = &p->upstreams[i];
	}
	return best;
}

/* Passed on as it came, since its upstream judges the raw spelling: but only
 * where there is nothing to judge. */
static bool
find_path(struct call *c)
{
	struct gateways_path checked;
	struct error err = { 0 };
	struct str rest;

	if (!gateways_path_check(c->a, c->q->target, &checked, &err)) {
		refuse_for(c, 403, &err);
		return false;
	}
	c->u = find_upstream(c->p, c->q->path);
	if (!c->u) {
		refuse(c, 404, ERR_REQUEST_PATH, "no upstream has this prefix");
		return false;
	}
	rest =
	    str_sub(c->q->target, c->u->config->prefix.n - 1, c->q->target.n);
	c->path = rest;
	return true;
}

/* ---- what is shown ------------------------------------------------------- */

static const char *const passed_on[] = { "Accept", "Cache-Control", "If-Match",
	"If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since",
	"Range", "User-Agent" };
#define HEADERS_MOST (ARRAY_LEN(passed_on) + 2)

static void
pass_headers(struct call *c, struct client_header *to, size_t *n)
{
	for (size_t i = 0; i < ARRAY_LEN(passed_on); i++) {
		struct str value = http_header(c->q, passed_on[i]);

		if (value.n)
			to[(*n)++] =
			    (struct client_header){ passed_on[i], value };
	}
}

static bool
add_proof(struct call *c, struct str shown, struct str nonce,
    struct client_header *ret, struct error *reterr)
{
	struct str path = str_sub(c->path, 0, str_find(c->path, '?', 0));
	const struct dpop_request what = { .method = c->q->method,
		.url = str_printf(c->a, "%.*s%.*s",
		    STR_ARG(c->u->config->to.url), STR_ARG(path)),
		.shown = shown,
		.now_unix_s = agent_core_now_ms(c->p->core) / 1000 };
	struct buf proof = { 0 };
	struct str text = { 0 };
	bool ok = dpop_make(agent_key_of(c->shown->key), &what, nonce,
	    (struct str){ 0 }, &proof, reterr);

	if (ok)
		text = str_dup(c->a, buf_str(&proof));
	buf_free(&proof);
	*ret = (struct client_header){ "DPoP", text };
	return ok && (text.p || error_nomem(reterr));
}

static bool
add_identity(struct call *c, struct str nonce, struct client_header *to,
    size_t *n, struct error *reterr)
{
	const struct agent_held *h = c->shown;

	if (c->u->config->show == AGENT_SHOW_TOKEN) {
		to[(*n)++] = (struct client_header){ "Authorization",
			str_printf(c->a, "DPoP %.*s", STR_ARG(h->token)) };
		return (to[*n - 1].value.p || error_nomem(reterr)) &&
		       add_proof(c, h->token, nonce, &to[(*n)++], reterr);
	}
	if (h->pack.n == 0)
		return error_set(reterr, ERR_EVIDENCE_TOO_LARGE, SPAN_NONE,
		    "the document is too long for a pack");
	to[(*n)++] = (struct client_header){ "X-Avow-Pack", h->pack };
	return !claims_has_cnf(h->claims) ||
	       add_proof(c, h->document, nonce, &to[(*n)++], reterr);
}

/* ---- asking -------------------------------------------------------------- */

static struct str
nonce_of(struct call *c)
{
	struct str nonce;

	pthread_mutex_lock(&c->u->lock);
	nonce = str_dup(c->a, str_of(c->u->nonce));
	pthread_mutex_unlock(&c->u->lock);
	return nonce;
}

/* True: it is another than `shown`. */
static bool
note_nonce(struct call *c, struct str shown)
{
	struct str nonce = client_head_value(&c->head, "dpop-nonce");

	if (nonce.n == 0 || nonce.n >= NONCE_BYTES || str_eq(nonce, shown))
		return false;
	pthread_mutex_lock(&c->u->lock);
	memcpy(c->u->nonce, nonce.p, nonce.n);
	c->u->nonce[nonce.n] = '\0';
	pthread_mutex_unlock(&c->u->lock);
	return true;
}

static bool
ask_once(struct call *c, struct str nonce, struct error *reterr)
{
	struct client_header headers[HEADERS_MOST];
	struct client_request q = { .method = str_z(c->a, c->q->method),
		.path = c->path,
		.headers = headers };

	pass_headers(c, headers, &q.n_headers);
	return (q.method || error_nomem(reterr)) &&
	       add_identity(c, nonce, headers, &q.n_headers, reterr) &&
	       client_begin(c->spare->client, c->a, &q, &c->head, reterr);
}

/* A proof with a nonce that is not the upstream's any more is refused with the
 * one that is (RFC 9449 8): nothing of the answer was passed on by then. */
static bool
ask(struct call *c, struct error *reterr)
{
	struct str nonce = nonce_of(c);

	if (!ask_once(c, nonce, reterr))
		return false;
	if (note_nonce(c, nonce) && c->head.status == 401)
		return ask_once(c, nonce_of(c), reterr);
	return true;
}

/* ---- what comes back ----------------------------------------------------- */

/* At most as many as an answer has room for. */
static const char *const passed_back[] = { "Accept-Ranges", "Content-Encoding",
	"Content-Range", "ETag", "Last-Modified", "X-Avow-Decision",
	"X-Avow-Reason" };

struct passing {
	struct agent_proxy *p;
	struct upstream *u;
	struct spare *spare;
};

static ptrdiff_t
pull(void *ctx, char *to, size_t n)
{
	struct passing *s = ctx;

	return client_pull(s->spare->client, to, n);
}

static void
end(void *ctx)
{
	struct passing *s = ctx;

	give_spare(s->u, s->spare);
	atomic_fetch_sub(&s->p->active, 1);
	free(s);
}

static void
pass_answer(struct call *c)
{
	struct passing *s = calloc(1, sizeof *s);
	struct str type = client_head_value(&c->head, "content-type");

	if (!s) {
		refuse(c, 503, ERR_SYSTEM_LIMIT, "memory ran out");
		return;
	}
	*s = (struct passing){ c->p, c->u, c->spare };
	c->spare = NULL;
	atomic_fetch_add(&c->p->active, 1);
	c->r->status = c->head.status;
	c->r->content_type = type.n ? str_z(c->a, type) : NULL;
	c->r->stream = (struct http_stream){ pull, end, s, c->head.length };
	for (size_t i = 0; i < ARRAY_LEN(passed_back); i++)
		http_response_header(c->r, passed_back[i],
		    client_head_value(&c->head, passed_back[i]));
}

static bool
is_redirect(unsigned status)
{
	return status >= 300 && status < 400 && status != 304;
}

static void
answer(struct call *c)
{
	struct error err = { 0 };

	c->spare = take_spare(c->p, c->u, &err);
	if (!c->spare || !ask(c, &err))
		refuse_for(c, err.code == ERR_DATA_TIMEOUT ? 504 : 502, &err);
	else if (is_redirect(c->head.status) || c->head.status < 200)
		refuse(c, 502, ERR_DATA_MISSING,
		    "the upstream redirects, which this proxy does not follow");
	else
		pass_answer(c);
	if (c->spare)
		give_spare(c->u, c->spare);
}

void
agent_proxy_handle(
    void *ctx, const struct http_request *q, struct http_response *r)
{
	struct agent_proxy *p = ctx;
	struct call c = { .p = p, .q = q, .r = r, .a = q->arena };
	struct error err = { 0 };

	if (!may_ask(&c) || !find_path(&c))
		return;
	if (atomic_load(&p->draining)) {
		refuse(&c, 503, ERR_SYSTEM_NOT_READY, "the agent stops");
		return;
	}
	c.shown = c.u->config->show == AGENT_SHOW_TOKEN
		      ? agent_core_token(p->core, c.u->config->audience, &err)
		      : agent_core_document(p->core, &err);
	if (c.shown)
		answer(&c);
	else
		refuse_for(&c, 503, &err);
	agent_held_free(c.shown);
}
