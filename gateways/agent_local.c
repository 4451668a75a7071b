/* agent_local.c - who asks, how often, then a table of what is done with the
 * key. */
#include "gateways/agent_local.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "attest/dpop.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "gateways/agent_metadata.h"
#include "gateways/answer.h"
#include "gateways/body.h"
#include "gateways/bucket.h"
#include "gateways/path.h"
#include "gateways/tls.h"

struct user {
	uint32_t uid;
	struct bucket bucket;
};

struct agent_local_service {
	struct agent_core *core;
	const struct agent_local *config;
	struct agent_metadata_service *metadata;
	struct prove_random random;
	struct prove_peer *peers; /* who prove themselves; NULL: nobody */
	pthread_mutex_t lock;     /* guards the buckets */
	/* Root, this one, the named; last all others, in whom nobody is. */
	struct user *users;
	size_t n_users;
};

/* ---- open and close ------------------------------------------------------ */

static bool
trust(struct prove_peer *p, const struct agent_peer *peer, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct str pem;
	bool ok =
	    a ? file_read(a, peer->key.p, LIMIT_KEY_FILE_BYTES, &pem, reterr) &&
		    prove_peer_trust(p, peer->account, peer->key.p, pem, reterr)
	      : error_nomem(reterr);

	arena_free(a);
	return ok;
}

bool
agent_local_peers(const struct agent_local *config, const struct clock *clock,
    struct prove_random random, struct prove_peer **ret, struct error *reterr)
{
	const struct prove_peer_options o = {
		.role = config->role == PROVE_CLIENT ? PROVE_INSTANCE
						     : PROVE_CLIENT,
		.service = config->url,
		.audience = config->audience,
		.clock = clock,
		.random = random
	};
	struct prove_peer *p = NULL;

	for (size_t i = 0; i < config->n_peers; i++) {
		if (config->peers[i].key.n == 0)
			continue;
		if (!p)
			p = prove_peer_new(&o, reterr);
		if (!p || !trust(p, &config->peers[i], reterr)) {
			prove_peer_free(p);
			return false;
		}
	}
	*ret = p;
	return true;
}

static bool
know_users(struct agent_local_service *l, struct error *reterr)
{
	const struct agent_local *c = l->config;

	l->n_users = c->n_users + 3;
	l->users = calloc(l->n_users, sizeof *l->users); /* lint-ok: few */
	if (!l->users)
		return error_nomem(reterr);
	l->users[1].uid = (uint32_t)geteuid();
	for (size_t i = 0; i < c->n_users; i++)
		l->users[2 + i].uid = c->users[i];
	l->users[l->n_users - 1].uid = HTTP_STRANGER;
	return true;
}

struct agent_local_service *
agent_local_new(struct agent_core *core,
    struct agent_metadata_service *metadata, const struct clock *clock,
    struct prove_random random, struct error *reterr)
{
	struct agent_local_service *l = calloc(1, sizeof *l);

	if (!l) {
		error_nomem(reterr);
		return NULL;
	}
	l->core = core;
	l->config = &agent_core_config(core)->local;
	l->metadata = metadata;
	l->random = random;
	pthread_mutex_init(&l->lock, NULL);
	if (know_users(l, reterr) &&
	    agent_local_peers(l->config, clock, random, &l->peers, reterr))
		return l;
	agent_local_free(l);
	return NULL;
}

void
agent_local_free(struct agent_local_service *l)
{
	if (!l)
		return;
	prove_peer_free(l->peers);
	free(l->users);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* A user who is named twice, or is us, has the first place. */
static struct user *
find_user(struct agent_local_service *l, uint32_t uid)
{
	for (size_t i = 0; i < l->n_users; i++)
		if (l->users[i].uid == uid)
			return &l->users[i];
	return &l->users[l->n_users - 1];
}

bool
agent_local_knows(void *ctx, uint32_t uid)
{
	return find_user(ctx, uid)->uid != HTTP_STRANGER;
}

/* ---- one request --------------------------------------------------------- */

struct call {
	struct agent_local_service *l;
	const struct http_request *q;
	struct http_response *r;
	struct arena *a;
	const char *what; /* last part of the path */
	bool judges;      /* it is about somebody else's proof */
	json_t *body;
	struct error err;
};

static void
tell(const struct call *c, const struct error *why, struct str about)
{
	if (why->code == ERR_NONE)
		log_line(LOG_INFO, "agent.local",
		    "ok=true uid=%u what=%s about=\"%.*s\"",
		    (unsigned)c->q->peer_user, c->what, STR_ARG(about));
	else
		log_line(LOG_WARN, "agent.local",
		    "ok=false uid=%lld what=%s code=%s message=\"%s\"",
		    c->q->peer_user == HTTP_STRANGER
			? -1ll
			: (long long)c->q->peer_user,
		    c->what, error_id(why->code), why->msg);
}

static void
refuse(struct call *c, unsigned status)
{
	answer_problem(
	    c->r, status, error_id(c->err.code), str_of(c->err.msg), NULL);
	http_response_header(
	    c->r, "X-Avow-Reason", str_of(error_id(c->err.code)));
}

/* 503: there is none now; 400: what was asked makes no sense; else it is no. */
static unsigned
status_of(const struct call *c)
{
	switch ((int)c->err.code) {
	case ERR_EVIDENCE_EXPIRED: /* a challenge, or what is held */
		return c->judges ? 403 : 503;
	case ERR_REQUEST_MALFORMED:
	case ERR_EVIDENCE_MALFORMED:
	case ERR_EVIDENCE_TOO_LARGE:
		return 400;
	case ERR_REQUEST_PATH:
		return 404;
	case ERR_REQUEST_PEER:
	case ERR_EVIDENCE_PROOF:
	case ERR_EVIDENCE_REPLAYED:
		return 403;
	default:
		return 503;
	}
}

static bool
fail(struct call *c, enum err_code code, const char *why)
{
	return error_set(&c->err, code, SPAN_NONE, "%s", why);
}

static bool
read_body(
    struct call *c, const struct body_field *fields, size_t n, void *object)
{
	return body_read(c->q, fields, n, object, &c->body, &c->err);
}

static bool
answer(struct call *c, json_t *body_take, struct str about)
{
	if (!body_take)
		return error_nomem(&c->err);
	/* First the log: what was signed is always known. */
	tell(c, &c->err, about);
	answer_json(c->r, 200, body_take);
	return true;
}

/* ---- a proof for one request (RFC 9449) ---------------------------------- */

struct proof {
	struct str method, url, audience, show, nonce;
};
static const struct body_field proof_fields[] = {
	{ "method", BODY_TEXT, offsetof(struct proof, method), true },
	{ "url", BODY_TEXT, offsetof(struct proof, url), true },
	{ "audience", BODY_TEXT, offsetof(struct proof, audience), false },
	{ "show", BODY_TEXT, offsetof(struct proof, show), false },
	{ "nonce", BODY_TEXT, offsetof(struct proof, nonce), false },
};

/* RFC 9110 9.1: methods are tokens; those that are used are capitals. */
static bool
is_method(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 'A' || s.p[i] > 'Z')
			return false;
	return s.n > 0 && s.n <= 16;
}

/* Nothing that a JSON text, a header or a line of the log would have in another
 * way. */
static bool
is_visible(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || s.p[i] == '"' ||
		    s.p[i] == '\\')
			return false;
	return true;
}

/* The path means one thing, and lies below what is configured. */
static bool
check_url(struct call *c, struct str url)
{
	const struct config_strings *urls = &c->l->config->urls;
	struct gateways_path path;
	size_t slash = str_find(url, '/',
	    str_has_prefix(url, STR("https://")) ? strlen("https://")
						 : strlen("http://"));
	bool below = false;

	if (url.n > LIMIT_PATH_BYTES || !is_visible(url) ||
	    str_find(url, '?', 0) < url.n || str_find(url, '#', 0) < url.n)
		return fail(c, ERR_REQUEST_MALFORMED,
		    "`url`: expected an address without a query");
	for (size_t i = 0; i < urls->n; i++)
		below = below || str_has_prefix(url, urls->items[i]);
	if (!below)
		return fail(c, ERR_REQUEST_PEER,
		    "`url` is below none of `local.urls`: no proof is made "
		    "for it");
	return gateways_path_check(
	    c->a, str_sub(url, slash, url.n), &path, &c->err);
}

static bool
set_shown(json_t *to, const struct agent_held *h, bool is_token)
{
	struct buf text = { 0 };
	bool ok;

	if (!is_token)
		return json_object_set_new(
			   to, "pack", json_from_str(h->pack)) == 0;
	buf_printf(&text, "DPoP %.*s", STR_ARG(h->token));
	ok = buf_ok(&text) && json_object_set_new(to, "authorization",
				  json_from_str(buf_str(&text))) == 0;
	buf_free(&text);
	return ok;
}

/* What is to be shown, and the proof that goes with it where there is one. */
static json_t *
proof_json(struct call *c, const struct proof *p, const struct agent_held *h,
    bool is_token)
{
	const struct dpop_request what = { .method = p->method,
		.url = p->url,
		.shown = is_token ? h->token : h->document,
		.now_unix_s = agent_core_now_ms(c->l->core) / 1000 };
	struct buf text = { 0 };
	json_t *j = json_object();
	bool ok = j && set_shown(j, h, is_token);

	if (ok && (is_token || claims_has_cnf(h->claims)))
		ok = dpop_make(agent_key_of(h->key), &what, p->nonce,
			 (struct str){ 0 }, &text, &c->err) &&
		     json_object_set_new(
			 j, "dpop", json_from_str(buf_str(&text))) == 0;
	buf_free(&text);
	ok = ok && json_object_set_new(
		       j, "expiresAt", json_from_time(h->until_s * 1000)) == 0;
	if (ok)
		return j;
	json_decref(j);
	if (c->err.code == ERR_NONE)
		error_nomem(&c->err);
	return NULL;
}

static bool
make_proof(struct call *c)
{
	const struct config_strings *all =
	    &agent_core_config(c->l->core)->tokens;
	struct proof p = { 0 };
	struct agent_held *h;
	bool is_token, ok;

	if (!read_body(c, proof_fields, ARRAY_LEN(proof_fields), &p) ||
	    !check_url(c, p.url))
		return false;
	is_token = p.show.n == 0 || str_eq(p.show, STR("token"));
	if (!is_method(p.method) || !is_visible(p.nonce) ||
	    (!is_token && !str_eq(p.show, STR("pack"))) ||
	    (!is_token && p.audience.n))
		return fail(c, ERR_REQUEST_MALFORMED,
		    "expected `method` in capitals, `show` `token` or `pack`, "
		    "`audience` with `token` alone");
	if (p.audience.n == 0 && all->n == 1)
		p.audience = all->items[0];
	h = is_token ? agent_core_token(c->l->core, p.audience, &c->err)
		     : agent_core_document(c->l->core, &c->err);
	ok = h && (is_token || h->pack.n > 0 ||
		      fail(c, ERR_EVIDENCE_TOO_LARGE,
			  "the document is too long for a pack"));
	ok = ok && answer(c, proof_json(c, &p, h, is_token), p.url);
	agent_held_free(h);
	return ok;
}

/* ---- proofs between peers (attest/prove.h) ------------------------------- */

struct exchange {
	struct str account, method, challenge, channel;
	const json_t *answer;
};

/* Whether a proof is bound to its connection our configuration says, and the
 * program at its end what its exporter gave; never the peer. */
static bool
take_channel(struct call *c, struct str text, struct str *ret)
{
	bool wanted = c->l->config->binds_channel;

	if (!wanted)
		return text.n == 0 ||
		       fail(c, ERR_REQUEST_MALFORMED,
			   "`channel` goes with `channelBinding: "
			   "tls-exporter`");
	return (base64_decode(c->a, BASE64_URL, text, ret) &&
		   ret->n == TLS_CHANNEL_BYTES) ||
	       fail(c, ERR_REQUEST_MALFORMED,
		   "`channel`: expected the connection's tls-exporter value "
		   "(RFC 9266), 32 bytes as Base64url");
}

static bool
check_asks(struct call *c)
{
	return c->l->peers || fail(c, ERR_REQUEST_PATH,
				  "this machine asks nobody for proofs: no "
				  "peer has a `key`");
}

static const struct body_field challenge_fields[] = {
	{ "account", BODY_TEXT, offsetof(struct exchange, account), true },
	{ "method", BODY_TEXT, offsetof(struct exchange, method), true },
};

static bool
make_challenge(struct call *c)
{
	struct exchange x = { 0 };
	struct buf raw = { 0 }, text = { 0 };
	bool ok =
	    check_asks(c) &&
	    read_body(c, challenge_fields, ARRAY_LEN(challenge_fields), &x) &&
	    prove_peer_challenge(c->l->peers, x.account,
		prove_method_of(x.method), &raw, &c->err);

	if (ok)
		base64_encode(&text, BASE64_URL, buf_str(&raw));
	ok = ok && answer(c,
		       json_pack("{s:o, s:i}", "challenge",
			   json_from_str(buf_str(&text)), "expiresIn",
			   LIMIT_CHALLENGE_S),
		       x.account);
	buf_free(&raw);
	buf_free(&text);
	return ok;
}

static const struct body_field answer_fields[] = {
	{ "account", BODY_TEXT, offsetof(struct exchange, account), true },
	{ "challenge", BODY_TEXT, offsetof(struct exchange, challenge), true },
	{ "channel", BODY_TEXT, offsetof(struct exchange, channel), false },
};

static const struct agent_peer *
find_peer(const struct agent_local *config, struct str account)
{
	for (size_t i = 0; i < config->n_peers; i++)
		if (config->peers[i].url.n &&
		    str_eq(config->peers[i].account, account))
			return &config->peers[i];
	return NULL;
}

static bool
answer_proof(
    struct call *c, const struct prove_answer *proof, struct str account)
{
	struct buf text = { 0 };
	json_t *j = NULL;
	bool ok = prove_answer_write(proof, &text)
		      ? json_parse(buf_str(&text), "answer", LIMIT_ANSWER_BYTES,
			    LIMIT_HTTP_JSON_DEPTH, JSON_NO_NUL, &j, &c->err)
		      : error_nomem(&c->err);

	buf_free(&text);
	return ok && answer(c, j, account);
}

/* For a peer by his address as it is configured here: whoever he is, a proof
 * that is made for him is of no use to another. */
static bool
make_answer(struct call *c)
{
	const struct agent_config *config = agent_core_config(c->l->core);
	struct exchange x = { 0 };
	const struct agent_peer *peer;
	struct prove_with with = { .random = c->l->random };
	struct prove_answer proof = { .role =
					  (enum prove_role)c->l->config->role,
		.account = config->instance,
		.audience = c->l->config->audience };
	struct agent_key *key;
	bool ok;

	if (!read_body(c, answer_fields, ARRAY_LEN(answer_fields), &x))
		return false;
	peer = find_peer(c->l->config, x.account);
	if (!peer)
		return fail(c, ERR_REQUEST_PEER,
		    "`account` is no peer with a `url`: no proof is made for "
		    "him");
	if (!base64_decode(c->a, BASE64_URL, x.challenge, &proof.challenge))
		return fail(c, ERR_REQUEST_MALFORMED,
		    "`challenge`: expected Base64url");
	if (!take_channel(c, x.channel, &with.channel))
		return false;
	key = agent_core_key(c->l->core);
	with.service = peer->url;
	with.key = agent_key_of(key);
	ok = prove_answer_make(c->a, &with, &proof, &c->err) &&
	     answer_proof(c, &proof, x.account);
	agent_key_unref(key);
	return ok;
}

static const struct body_field check_fields[] = {
	{ "answer", BODY_OBJECT, offsetof(struct exchange, answer), true },
	{ "channel", BODY_TEXT, offsetof(struct exchange, channel), false },
};

static bool
check_answer(struct call *c)
{
	struct exchange x = { 0 };
	struct prove_answer proof = { 0 };
	struct str channel = { 0 };

	c->judges = true;
	return check_asks(c) &&
	       read_body(c, check_fields, ARRAY_LEN(check_fields), &x) &&
	       take_channel(c, x.channel, &channel) &&
	       prove_answer_read(c->a, x.answer, &proof, &c->err) &&
	       prove_peer_verify(c->l->peers, &proof, channel, &c->err) &&
	       answer(c,
		   json_pack("{s:o, s:o}", "account",
		       json_from_str(proof.account), "audience",
		       json_from_str(proof.audience)),
		   proof.account);
}

/* ---- routes -------------------------------------------------------------- */

#define PREFIX "/avow/v1/"
static const struct {
	const char *what;
	bool (*run)(struct call *c);
} routes[] = {
	{ "proof", make_proof },
	{ "challenges", make_challenge },
	{ "answers", make_answer },
	{ "checks", check_answer },
};

static bool
post(struct call *c)
{
	struct str path = c->q->path;

	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		bool ok;

		if (!str_has_prefix(path, STR(PREFIX)) ||
		    !str_eq(str_sub(path, strlen(PREFIX), path.n),
			str_of(routes[i].what)))
			continue;
		c->what = routes[i].what;
		ok = routes[i].run(c);
		json_decref(c->body);
		return ok;
	}
	return fail(c, ERR_REQUEST_PATH, "there is nothing of this name");
}

/* What strangers ask is logged as often as one user may ask. */
static bool
may_ask(struct call *c)
{
	struct agent_local_service *l = c->l;
	struct user *user = find_user(l, c->q->peer_user);
	bool in_time;

	pthread_mutex_lock(&l->lock);
	in_time = bucket_take(&user->bucket, (unsigned)l->config->rate,
	    agent_core_now_ms(l->core));
	pthread_mutex_unlock(&l->lock);
	if (user->uid == HTTP_STRANGER) {
		(void)fail(c, ERR_REQUEST_PEER,
		    "this user may not ask: `local.users` does not name it");
		if (in_time)
			tell(c, &c->err, STR(""));
		refuse(c, 403);
	} else if (!in_time) {
		(void)fail(c, ERR_REQUEST_RATE,
		    "more requests a second than this user may ask");
		refuse(c, 429);
	}
	return c->err.code == ERR_NONE;
}

void
agent_local_handle(
    void *ctx, const struct http_request *q, struct http_response *r)
{
	struct agent_local_service *l = ctx;
	struct call c = {
		.l = l, .q = q, .r = r, .a = q->arena, .what = "none"
	};

	if (!may_ask(&c))
		return;
	if (str_eq(q->method, STR("GET")) || str_eq(q->method, STR("HEAD"))) {
		agent_metadata_show(l->metadata, q, r);
	} else if (!str_eq(q->method, STR("POST"))) {
		(void)fail(
		    &c, ERR_REQUEST_METHOD, "this takes GET, HEAD and POST");
		refuse(&c, 405);
	} else if (!post(&c)) {
		tell(&c, &c.err, STR(""));
		refuse(&c, status_of(&c));
	}
}
