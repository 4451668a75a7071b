/* agent_metadata.c - who may ask, then one table of paths and one of leaves. */
#include "gateways/agent_metadata.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/base64.h"
#include "base/limits.h"
#include "gateways/answer.h"
#include "gateways/body.h"
#include "gateways/bucket.h"
#include "gateways/listen.h"

#define SESSION_BYTES 32u
#define SESSION_HEADER "X-aws-ec2-metadata-token"
#define TTL_HEADER "X-aws-ec2-metadata-token-ttl-seconds"

struct session {
	uint8_t token[SESSION_BYTES];
	int64_t until_ms; /* 0: free */
	uint32_t uid;     /* who asked for it */
};

struct agent_metadata_service {
	struct agent_core *core;
	const struct agent_metadata *config;
	struct prove_random random;
	pthread_mutex_t lock; /* guards the rest */
	struct session sessions[LIMIT_METADATA_SESSIONS];
	struct buckets buckets;
};

struct agent_metadata_service *
agent_metadata_new(
    struct agent_core *core, struct prove_random random, struct error *reterr)
{
	struct agent_metadata_service *m = calloc(1, sizeof *m);

	if (!m) {
		error_nomem(reterr);
		return NULL;
	}
	m->core = core;
	m->config = &agent_core_config(core)->metadata;
	m->random = random;
	pthread_mutex_init(&m->lock, NULL);
	return m;
}

void
agent_metadata_free(struct agent_metadata_service *m)
{
	if (!m)
		return;
	explicit_bzero(m->sessions, sizeof m->sessions);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* One request on its way. */
struct call {
	struct agent_metadata_service *m;
	const struct http_request *q;
	struct http_response *r;
	int64_t now_ms;
	struct agent_held *document; /* of a route that needs it */
	const json_t *claims;
};

/* ---- answers ------------------------------------------------------------- */

static void
refuse(struct call *c, unsigned status, enum err_code code, const char *detail)
{
	answer_problem(c->r, status, error_id(code), str_of(detail), NULL);
	http_response_header(c->r, "X-Avow-Reason", str_of(error_id(code)));
}

/* What is not held, and why: 404 for what never will be. */
static void
refuse_held(struct call *c, const struct error *why)
{
	refuse(c, why->code == ERR_REQUEST_PATH ? 404 : 503, why->code,
	    str_z(c->q->arena, str_of(why->msg)));
}

static void
nothing_there(struct call *c)
{
	refuse(c, 404, ERR_REQUEST_PATH, "there is nothing of this name");
}

static void
answer(struct call *c, struct str text)
{
	c->r->status = 200;
	c->r->content_type = "text/plain";
	buf_add(&c->r->body, text);
}

/* ---- who asks ------------------------------------------------------------ */

static bool
is_name(struct str host, struct str name)
{
	struct str port;

	if (!str_has_prefix(host, name) || name.n == 0)
		return false;
	port = str_sub(host, name.n, host.n);
	for (size_t i = 1; i < port.n; i++)
		if (port.p[i] < '0' || port.p[i] > '9')
			return false;
	return port.n == 0 || (port.p[0] == ':' && port.n > 1);
}

/* The address as a URL has it: with the brackets of IPv6, without its port. */
static struct str
address_of(struct str listen)
{
	while (listen.n && listen.p[listen.n - 1] != ':')
		listen.n--;
	return str_sub(listen, 0, listen.n ? listen.n - 1 : 0);
}

bool
agent_host_is_ours(
    struct str host, struct str listen, const struct config_strings *also)
{
	if (is_name(host, STR("localhost")))
		return true;
	if (!str_has_prefix(listen, STR("unix:")) &&
	    is_name(host, address_of(listen)))
		return true;
	for (size_t i = 0; also && i < also->n; i++)
		if (is_name(host, also->items[i]))
			return true;
	return false;
}

/* At a Unix socket users are told apart, and one does not use up what others
 * may ask; at an address they are all one. */
static uint32_t
user_of(const struct call *c)
{
	return c->q->peer_is_unix ? c->q->peer_user : HTTP_STRANGER;
}

static bool
takes_rate(struct call *c)
{
	struct agent_metadata_service *m = c->m;
	bool ok;

	pthread_mutex_lock(&m->lock);
	ok = buckets_take(
	    &m->buckets, user_of(c), LIMIT_METADATA_RATE, c->now_ms);
	pthread_mutex_unlock(&m->lock);
	return ok;
}

static bool
may_ask(struct call *c)
{
	static const char *const forwarded[] = { "X-Forwarded-For", "Forwarded",
		"X-Forwarded-Host", "Via" };

	if (!takes_rate(c)) {
		refuse(c, 429, ERR_REQUEST_RATE, "too many requests; wait");
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(forwarded); i++)
		if (http_header_count(c->q, forwarded[i]) > 0) {
			refuse(c, 403, ERR_REQUEST_PEER,
			    "nothing is said to who comes by a proxy");
			return false;
		}
	if (agent_host_is_ours(http_header(c->q, "host"), c->m->config->listen,
		&c->m->config->hosts))
		return true;
	refuse(c, 403, ERR_REQUEST_PEER,
	    "the name in `Host` is not this service's");
	return false;
}

/* ---- session tokens ------------------------------------------------------ */

static bool
fill_random(const struct agent_metadata_service *m, uint8_t *to, size_t n)
{
	if (m->random.fill)
		return m->random.fill(m->random.ctx, to, n);
	return getrandom(to, n, 0) == (ssize_t)n;
}

/* The one that ends first makes room: of all, or of his own for a user who has
 * his share. */
static struct session *
make_room(struct call *c)
{
	struct session *all = c->m->sessions, *first = &all[0], *own = NULL;
	uint32_t uid = user_of(c), n_own = 0;

	for (size_t i = 0; i < LIMIT_METADATA_SESSIONS; i++) {
		if (all[i].until_ms < first->until_ms)
			first = &all[i];
		if (all[i].uid != uid || all[i].until_ms <= c->now_ms)
			continue;
		n_own++;
		if (!own || all[i].until_ms < own->until_ms)
			own = &all[i];
	}
	return uid != HTTP_STRANGER && n_own >= LIMIT_METADATA_SESSIONS_OF_USER
		   ? own
		   : first;
}

static void
remember(struct call *c, const uint8_t *token, int64_t until_ms)
{
	struct session *to;

	pthread_mutex_lock(&c->m->lock);
	to = make_room(c);
	memcpy(to->token, token, SESSION_BYTES);
	to->until_ms = until_ms;
	to->uid = user_of(c);
	pthread_mutex_unlock(&c->m->lock);
}

/* As long for a wrong token as for a right one. */
static bool
is_same(const uint8_t *a, const uint8_t *b)
{
	unsigned differs = 0;

	for (size_t i = 0; i < SESSION_BYTES; i++)
		differs |= (unsigned)a[i] ^ b[i];
	return differs == 0;
}

static bool
is_session(struct call *c, struct str text)
{
	struct agent_metadata_service *m = c->m;
	struct str token;
	bool found = false;

	if (!base64_decode(c->q->arena, BASE64_URL, text, &token) ||
	    token.n != SESSION_BYTES)
		return false;
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < LIMIT_METADATA_SESSIONS; i++)
		found |=
		    m->sessions[i].until_ms > c->now_ms &&
		    is_same(m->sessions[i].token, (const uint8_t *)token.p);
	pthread_mutex_unlock(&m->lock);
	return found;
}

static void
new_session(struct call *c)
{
	struct str ttl = http_header(c->q, TTL_HEADER);
	uint8_t token[SESSION_BYTES];
	uint64_t seconds;

	if (http_header_count(c->q, TTL_HEADER) != 1 ||
	    !str_to_u64(ttl, LIMIT_METADATA_TTL_S, &seconds) || seconds == 0) {
		refuse(c, 400, ERR_REQUEST_MALFORMED,
		    TTL_HEADER " is a number from 1 to 21600");
		return;
	}
	if (!fill_random(c->m, token, sizeof token)) {
		refuse(c, 503, ERR_SYSTEM_ERROR, "no random bytes");
		return;
	}
	remember(c, token, c->now_ms + (int64_t)seconds * 1000);
	c->r->status = 200;
	c->r->content_type = "text/plain";
	base64_encode(&c->r->body, BASE64_URL,
	    (struct str){ (const char *)token, sizeof token });
	http_response_header(c->r, TTL_HEADER, ttl);
	explicit_bzero(token, sizeof token);
}

static bool
has_session(struct call *c)
{
	size_t n = http_header_count(c->q, SESSION_HEADER);

	if (n == 0 && c->m->config->allows_v1)
		return true;
	if (n == 1 && is_session(c, http_header(c->q, SESSION_HEADER)))
		return true;
	refuse(c, 401, n ? ERR_EVIDENCE_PROOF : ERR_EVIDENCE_MISSING,
	    n ? "the session token is not known, or has ended"
	      : "PUT /latest/api/token gives the session token to ask with");
	return false;
}

/* ---- meta-data: leaves by claims ----------------------------------------- */

/* In byte order, as listings have them. `claim`: the name in a document; below
 * `custom` after a dot; NULL: the instance's id. */
static const struct leaf {
	const char *path, *claim;
} leaves[] = {
	{ "ami-id", "imageId" },
	{ "hostname", "custom.hostname" },
	{ "instance-id", NULL },
	{ "instance-type", "custom.instanceType" },
	{ "local-hostname", "custom.hostname" },
	{ "local-ipv4", "privateIp" },
	{ "placement/availability-zone", "zone" },
	{ "placement/region", "region" },
};

static struct str
leaf_value(const struct call *c, const struct leaf *l)
{
	struct str name = str_of(l->claim);
	const json_t *from = c->claims;

	if (!l->claim)
		return claims_subject(c->document->claims);
	if (str_has_prefix(name, STR("custom."))) {
		from = json_object_get(from, "custom");
		name = str_sub(name, strlen("custom."), name.n);
	}
	return json_str(json_object_get(from, name.p));
}

static const struct leaf *
find_leaf(struct str path)
{
	for (size_t i = 0; i < ARRAY_LEN(leaves); i++)
		if (str_eq(path, str_of(leaves[i].path)))
			return &leaves[i];
	return NULL;
}

/* The names below `folder` that have a value; a folder's once, with its `/`. */
static void
list_leaves(struct call *c, struct str folder)
{
	struct buf *out = &c->r->body;
	struct str last = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
		struct str path = str_of(leaves[i].path), name;
		size_t slash;

		if (!str_has_prefix(path, folder) ||
		    leaf_value(c, &leaves[i]).n == 0)
			continue;
		name = str_sub(path, folder.n, path.n);
		slash = str_find(name, '/', 0);
		name = str_sub(name, 0, slash + 1);
		if (str_eq(name, last))
			continue;
		buf_printf(out, "%s%.*s", out->n ? "\n" : "", STR_ARG(name));
		last = name;
	}
	c->r->status = 200;
	c->r->content_type = "text/plain";
	if (out->n == 0)
		nothing_there(c);
}

/* `rest`: what follows `meta-data`, `/` and all. */
static void
metadata(struct call *c, struct str rest)
{
	struct str path = str_sub(rest, 1, rest.n);
	const struct leaf *leaf = find_leaf(path);
	struct str value;

	if (leaf) {
		value = leaf_value(c, leaf);
		if (value.n)
			answer(c, value);
		else
			nothing_there(c);
		return;
	}
	if (path.n == 0 || str_eq(path, STR("placement/")))
		list_leaves(c, path);
	else if (str_eq(path, STR("placement")))
		list_leaves(c, STR("placement/"));
	else
		nothing_there(c);
}

/* ---- documents ----------------------------------------------------------- */

/* By the form: JSON, or a JWS (RFC 7515 9.2.1), or CMS (RFC 8551 3.2). */
static const char *
content_type(struct str kind)
{
	return str_eq(kind, attest_form_kind(ATTEST_JWS)) ? "application/jose"
	       : str_eq(kind, attest_form_kind(ATTEST_CMS))
		   ? "application/pkcs7-mime"
		   : "application/json";
}

static void
document(struct call *c, struct str rest)
{
	(void)rest;
	answer(c, c->document->document);
	c->r->content_type = content_type(c->document->kind);
}

static void
signature(struct call *c, struct str rest)
{
	(void)rest;
	if (c->document->signature.n == 0) {
		refuse(c, 404, ERR_DATA_MISSING,
		    "the document has its signature inside");
		return;
	}
	base64_encode(&c->r->body, BASE64_STANDARD, c->document->signature);
	answer(c, STR(""));
}

/* Lines of 64, as EC2 has them and as PEM wants them. */
static void
add_lines(struct buf *out, struct str bytes)
{
	const size_t line_bytes = 48;

	for (size_t i = 0; i < bytes.n; i += line_bytes) {
		if (i)
			buf_byte(out, '\n');
		base64_encode(out, BASE64_STANDARD,
		    str_sub(bytes, i,
			i + line_bytes < bytes.n ? i + line_bytes : bytes.n));
	}
}

/* The signature stands last in our only encoding: an OCTET STRING of 256 bytes
 * is RSA's of 2,048 bits. At that place a message with a shorter one has text,
 * and these bytes are none. */
static bool
is_rsa2048(struct str message)
{
	static const uint8_t head[] = { 0x04, 0x82, 0x01, 0x00 };

	return message.n > 256 + sizeof head &&
	       memcmp(message.p + message.n - 256 - sizeof head, head,
		   sizeof head) == 0;
}

static void
answer_cms(struct call *c, bool wants_rsa2048)
{
	struct error err = { 0 };
	struct agent_held *h = agent_core_cms(c->m->core, &err);

	if (!h) {
		refuse_held(c, &err);
		return;
	}
	if (wants_rsa2048 && !is_rsa2048(h->document)) {
		nothing_there(c);
	} else {
		add_lines(&c->r->body, h->document);
		answer(c, STR(""));
	}
	agent_held_free(h);
}

static void
pkcs7(struct call *c, struct str rest)
{
	(void)rest;
	answer_cms(c, false);
}

static void
rsa2048(struct call *c, struct str rest)
{
	(void)rest;
	answer_cms(c, true);
}

static void
pack(struct call *c, struct str rest)
{
	(void)rest;
	if (c->document->pack.n)
		answer(c, c->document->pack);
	else
		refuse(c, 503, ERR_EVIDENCE_TOO_LARGE,
		    "the document is too long for a pack");
}

/* ---- the agent's own ----------------------------------------------------- */

static void
token(struct call *c, struct str rest)
{
	const struct config_strings *all =
	    &agent_core_config(c->m->core)->tokens;
	struct body_pair audience = { .name = "audience" };
	struct error err = { 0 };
	struct agent_held *h;

	(void)rest;
	if (!body_query(c->q, &audience, 1, &err)) {
		refuse(c, 400, ERR_REQUEST_MALFORMED,
		    "`audience` says whom the token is for");
		return;
	}
	if (!audience.value.p && all->n == 1)
		audience.value = all->items[0];
	h = agent_core_token(c->m->core, audience.value, &err);
	if (h)
		answer(c, h->token);
	else
		refuse_held(c, &err);
	agent_held_free(h);
}

static void
status(struct call *c, struct str rest)
{
	(void)rest;
	answer_json(c->r, 200, agent_core_status(c->m->core));
}

static void
list_version(struct call *c, struct str rest)
{
	(void)rest;
	answer(c, STR("dynamic\nmeta-data"));
}

static void
list_dynamic(struct call *c, struct str rest)
{
	(void)rest;
	answer(c, STR("instance-identity/"));
}

static void
list_identity(struct call *c, struct str rest)
{
	struct agent_held *h = agent_core_cms(c->m->core, NULL);

	(void)rest;
	answer(c, STR("document"));
	if (h)
		answer(c, STR("\npkcs7"));
	if (h && is_rsa2048(h->document))
		answer(c, STR("\nrsa2048"));
	if (c->document->signature.n)
		answer(c, STR("\nsignature"));
	agent_held_free(h);
}

/* ---- routes -------------------------------------------------------------- */

struct route {
	struct str
	    path; /* one that ends in `/` also has all that is below it */
	void (*run)(struct call *c, struct str rest);
	bool needs_document;
};

/* Below a version: `latest`, or the day of one. */
static const struct route ec2_routes[] = {
	{ STR_INIT("/"), list_version, false },
	{ STR_INIT("/dynamic"), list_dynamic, true },
	{ STR_INIT("/dynamic/"), list_dynamic, true },
	{ STR_INIT("/dynamic/instance-identity"), list_identity, true },
	{ STR_INIT("/dynamic/instance-identity/"), list_identity, true },
	{ STR_INIT("/dynamic/instance-identity/document"), document, true },
	{ STR_INIT("/dynamic/instance-identity/pkcs7"), pkcs7, false },
	{ STR_INIT("/dynamic/instance-identity/rsa2048"), rsa2048, false },
	{ STR_INIT("/dynamic/instance-identity/signature"), signature, true },
	{ STR_INIT("/meta-data"), metadata, true },
};
static const struct route own_routes[] = {
	{ STR_INIT("/document"), document, true },
	{ STR_INIT("/pack"), pack, true },
	{ STR_INIT("/signature"), signature, true },
	{ STR_INIT("/status"), status, false },
	{ STR_INIT("/token"), token, false },
};

static void
run(struct call *c, const struct route *route, struct str rest)
{
	struct error err = { 0 };
	json_t *claims;

	if (!route->needs_document) {
		route->run(c, rest);
		return;
	}
	c->document = agent_core_document(c->m->core, &err);
	if (!c->document) {
		refuse_held(c, &err);
		return;
	}
	claims = claims_to_json(c->document->claims);
	c->claims = claims;
	if (claims)
		route->run(c, rest);
	else
		refuse(c, 503, ERR_SYSTEM_LIMIT, "memory ran out");
	json_decref(claims);
	agent_held_free(c->document);
}

static const struct route *
find_route(const struct route *routes, size_t n, struct str path)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(path, routes[i].path))
			return &routes[i];
	return NULL;
}

static void
dispatch(struct call *c, const struct route *routes, size_t n, struct str path)
{
	static const struct str below = STR_INIT("/meta-data/");
	const struct route *found = find_route(routes, n, path);
	struct str rest = { "", 0 };

	if (!found && routes == ec2_routes && str_has_prefix(path, below)) {
		found = find_route(routes, n, STR("/meta-data"));
		rest = str_sub(path, below.n - 1, path.n);
	}
	if (found)
		run(c, found, rest);
	else
		nothing_there(c);
}

/* `2009-04-04`, `1.0`: what clients of every age ask for. */
static bool
is_version(struct str s)
{
	if (str_eq(s, STR("latest")) || str_eq(s, STR("1.0")))
		return true;
	if (s.n != 10)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (i == 4 || i == 7 ? s.p[i] != '-'
				     : s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

static void
get(struct call *c)
{
	static const struct str own = STR_INIT("/avow/v1");
	struct str path = c->q->path;
	size_t slash = str_find(path, '/', 1);

	if (str_eq(path, STR("/"))) {
		answer(c, STR("latest"));
		return;
	}
	if (str_has_prefix(path, own)) {
		dispatch(c, own_routes, ARRAY_LEN(own_routes),
		    str_sub(path, own.n, path.n));
		return;
	}
	if (!is_version(str_sub(path, 1, slash))) {
		nothing_there(c);
		return;
	}
	path = str_sub(path, slash, path.n);
	dispatch(
	    c, ec2_routes, ARRAY_LEN(ec2_routes), path.n ? path : STR("/"));
}

void
agent_metadata_show(struct agent_metadata_service *m,
    const struct http_request *q, struct http_response *r)
{
	struct call c = {
		.m = m, .q = q, .r = r, .now_ms = agent_core_now_ms(m->core)
	};

	get(&c);
}

void
agent_metadata_handle(
    void *ctx, const struct http_request *q, struct http_response *r)
{
	struct agent_metadata_service *m = ctx;
	struct call c = {
		.m = m, .q = q, .r = r, .now_ms = agent_core_now_ms(m->core)
	};
	bool is_token = str_eq(q->path, STR("/latest/api/token"));

	if (!may_ask(&c))
		return;
	if (is_token && str_eq(q->method, STR("PUT")))
		new_session(&c);
	else if (is_token || !(str_eq(q->method, STR("GET")) ||
				 str_eq(q->method, STR("HEAD"))))
		refuse(&c, 405, ERR_REQUEST_METHOD,
		    is_token ? "this takes PUT" : "this takes GET and HEAD");
	else if (has_session(&c))
		get(&c);
}
