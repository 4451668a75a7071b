/* service_kit.h - the token service without sockets: requests are made here and
 * handed to its two listeners, over a store in memory and a clock that stands.
 * Everything is done through the routes: the controller `boss` (prefix `web-`)
 * with a key, its instance `web-1` with another, and `web-2` without one. */
#ifndef TESTS_SERVICE_KIT_H
#define TESTS_SERVICE_KIT_H

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/log.h"
#include "gateways/service_private.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

#define SERVICE_KIT_URL "https://sts.example"

/* Who asks, on which listener. */
enum service_kit_who {
	KIT_NOBODY = 0, /* the service's, without a word */
	KIT_BOSS,
	KIT_WEB_1,
	KIT_STRANGER, /* the admin's, without a word */
	KIT_ADMIN,    /* the admin's, by certificate */
	KIT_HOST,     /* the host's own, without a listener */
	KIT_WHO
};

struct service_kit {
	struct arena *a;
	int64_t now_ms;
	struct clock clock;
	struct config config;
	struct store *store;
	struct service *s;
	struct service_listener front, admin;
	struct attest_key *boss, *web_1;
	struct str boss_pem, web_1_pem;
	struct str tokens[KIT_WHO]; /* for this service */
	/* Called with true before the service has the request, with false
	 * after; NULL: not. */
	void (*around)(bool begins);
	/* The last answer. */
	unsigned status;
	struct http_response r;
	json_t *json;
	char code[64];
};

struct service_kit_ask {
	enum service_kit_who who;
	const char *method, *target, *body;
	const char *type;   /* NULL: application/json where there is a body */
	const char *repeat; /* Idempotency-Key; NULL: none */
	const char *authorization; /* instead of what `who` has */
	struct str proof;          /* DPoP, instead of a good one */
	bool no_proof;
};

static inline void
service_kit_forget(struct service_kit *k)
{
	json_decref(k->json);
	buf_free(&k->r.body);
	k->json = NULL;
	k->r = (struct http_response){ 0 };
	k->code[0] = '\0';
}

/* A proof for this very request. */
static inline struct str
service_kit_proof(struct service_kit *k, const struct attest_key *key,
    const char *method, struct str path, struct str token)
{
	const struct dpop_request what = { .method = str_of(method),
		.url = str_printf(k->a, SERVICE_KIT_URL "%.*s", STR_ARG(path)),
		.shown = token,
		.now_unix_s = k->now_ms / 1000 };
	char nonce[DPOP_NONCE + 1];
	struct buf out = { 0 };
	struct error err = { 0 };
	struct str copy;

	ck_assert(dpop_nonce(k->s->dpop, what.now_unix_s, nonce, &err));
	ck_assert_msg(dpop_make(key, &what, str_of(nonce), STR(""), &out, &err),
	    "%s", err.msg);
	copy = str_dup(k->a, buf_str(&out));
	buf_free(&out);
	return copy;
}

static inline size_t
service_kit_headers(struct service_kit *k, const struct service_kit_ask *ask,
    struct str path, struct http_header *to)
{
	const struct attest_key *key =
	    ask->who == KIT_BOSS ? k->boss : k->web_1;
	struct str token = k->tokens[ask->who];
	size_t n = 0;

	if (ask->type || ask->body)
		to[n++] = (struct http_header){ STR("Content-Type"),
			str_of(ask->type ? ask->type : "application/json") };
	if (ask->repeat)
		to[n++] = (struct http_header){ STR("Idempotency-Key"),
			str_of(ask->repeat) };
	if (ask->authorization)
		to[n++] = (struct http_header){ STR("Authorization"),
			str_of(ask->authorization) };
	else if (token.n)
		to[n++] = (struct http_header){ STR("Authorization"),
			str_printf(k->a, "DPoP %.*s", STR_ARG(token)) };
	if (ask->proof.n)
		to[n++] = (struct http_header){ STR("DPoP"), ask->proof };
	else if (token.n && !ask->no_proof)
		to[n++] = (struct http_header){ STR("DPoP"),
			service_kit_proof(k, key, ask->method, path, token) };
	return n;
}

static inline void
service_kit_read(struct service_kit *k)
{
	struct error err = { 0 };

	/* As gateways/http.c has it: what went wrong half-way says no more. */
	if (!buf_ok(&k->r.body)) {
		buf_free(&k->r.body);
		k->r.status = 500;
	}
	k->status = k->r.status;
	if (k->r.body.n == 0)
		return;
	ck_assert_msg(json_parse(buf_str(&k->r.body), "answer", 1u << 24, 64,
			  JSON_NO_NUL, &k->json, &err),
	    "%s", err.msg);
	(void)snprintf(k->code, sizeof k->code, "%s",
	    k->status >= 400
		? json_string_value(json_object_get(k->json, "code"))
		: "");
}

/* The status; the answer is in `k` until the next. */
static inline unsigned
service_kit_ask(struct service_kit *k, const struct service_kit_ask *ask)
{
	struct http_header headers[8];
	struct str target = str_of(ask->target);
	size_t cut = str_find(target, '?', 0);
	struct http_request q = { .method = str_of(ask->method),
		.target = target,
		.path = str_sub(target, 0, cut),
		.query = str_sub(target, cut + 1, target.n),
		.headers = headers,
		.body = str_of(ask->body),
		.client =
		    ask->who == KIT_ADMIN ? TLS_CLIENT_PROVEN : TLS_CLIENT_NONE,
		.client_subject = STR("CN=root"),
		.arena = arena_new(0) };

	ck_assert_ptr_nonnull(q.arena);
	ck_assert(net_parse_addr(STR("10.0.0.5"), &q.peer));
	service_kit_forget(k);
	q.n_headers = service_kit_headers(k, ask, q.path, headers);
	if (k->around)
		k->around(true);
	if (ask->who == KIT_HOST)
		service_handle_local(k->s, &q, &k->r);
	else
		service_handle(ask->who >= KIT_STRANGER ? &k->admin : &k->front,
		    &q, &k->r);
	if (k->around)
		k->around(false);
	/* Headers of the answer may live in the request's arena. */
	for (size_t i = 0; i < k->r.n_headers; i++)
		k->r.headers[i].value = str_dup(k->a, k->r.headers[i].value);
	service_kit_read(k);
	arena_free(q.arena);
	return k->status;
}

/* The usual: no more than these. */
static inline unsigned
service_kit_do(struct service_kit *k, enum service_kit_who who,
    const char *method, const char *target, const char *body)
{
	return service_kit_ask(k,
	    &(struct service_kit_ask){
		.who = who, .method = method, .target = target, .body = body });
}

static inline struct str
service_kit_header(const struct service_kit *k, const char *name)
{
	for (size_t i = 0; i < k->r.n_headers; i++)
		if (http_name_eq(k->r.headers[i].name, name))
			return k->r.headers[i].value;
	return STR("");
}

static inline const char *
service_kit_text(const struct service_kit *k, const char *name)
{
	const char *s = json_string_value(json_object_get(k->json, name));

	ck_assert_msg(s != NULL, "no text `%s` in the answer", name);
	return str_dup(k->a, str_of(s)).p;
}

/* ---- proving ---------------------------------------------------------------
 */

/* A fresh challenge through the route, answered: the body for /v1/tokens. */
static inline const char *
service_kit_answer(struct service_kit *k, const char *account,
    const struct attest_key *key, const char *audience)
{
	const struct prove_with with = { .service = STR(SERVICE_KIT_URL),
		.key = key };
	struct prove_answer r = { .role = PROVE_ACCOUNT,
		.account = str_of(account),
		.audience = str_of(audience) };
	struct error err = { 0 };
	struct buf text = { 0 };
	const char *body;

	ck_assert_uint_eq(
	    service_kit_do(k, KIT_NOBODY, "POST", "/v1/challenges",
		str_printf(k->a,
		    "{\"account\":\"%s\",\"method\":\"p256\",\"audience\":"
		    "\"%s\"}",
		    account, audience)
		    .p),
	    201);
	ck_assert(base64_decode(k->a, BASE64_URL,
	    str_of(service_kit_text(k, "challenge")), &r.challenge));
	ck_assert_msg(prove_answer_make(k->a, &with, &r, &err), "%s", err.msg);
	ck_assert(prove_answer_write(&r, &text));
	body = str_printf(k->a, "{\"proof\":%.*s}", STR_ARG(buf_str(&text))).p;
	buf_free(&text);
	return body;
}

/* A token, by proof, for an audience. */
static inline struct str
service_kit_token(struct service_kit *k, const char *account,
    const struct attest_key *key, const char *audience)
{
	const char *body = service_kit_answer(k, account, key, audience);

	ck_assert_uint_eq(
	    service_kit_do(k, KIT_NOBODY, "POST", "/v1/tokens", body), 201);
	return str_of(service_kit_text(k, "token"));
}

/* ---- the scene ------------------------------------------------------------
 */

static inline struct attest_key *
service_kit_key(struct service_kit *k, const char *dir, const char *name,
    struct str *ret_pem)
{
	const char *path = str_printf(k->a, "%s/%s", dir, name).p;
	struct error err = { 0 };
	struct attest_key *key;
	struct buf pem = { 0 };

	ck_assert(attest_key_create(KEY_P256, path, &err));
	key = attest_key_open(path, &err);
	ck_assert(key && attest_key_public_pem(path, &pem, &err));
	*ret_pem = str_dup(k->a, buf_str(&pem));
	buf_free(&pem);
	return key;
}

/* As it stands in JSON. */
static inline const char *
service_kit_key_body(struct service_kit *k, struct str pem)
{
	struct buf b = { 0 };
	const char *body;

	buf_addz(&b, "{\"publicKey\":\"");
	for (size_t i = 0; i < pem.n; i++)
		if (pem.p[i] == '\n')
			buf_addz(&b, "\\n");
		else
			buf_byte(&b, pem.p[i]);
	buf_addz(&b, "\"}");
	body = str_dup(k->a, buf_str(&b)).p;
	buf_free(&b);
	return body;
}

static inline void
service_kit_open(struct service_kit *k, const char *dir)
{
	const char *keys = str_printf(k->a, "%s/keys", dir).p;
	const char *secret = str_printf(k->a, "%s/secret", dir).p;
	struct error err = { 0 };
	struct str file;

	ck_assert(sts_secret_create(secret, (struct prove_random){ 0 }, &err));
	ck_assert(token_ring_rotate(
	    k->a, keys, KEY_P256, k->now_ms / 1000, 0, true, &file, &err));
	k->config = (struct config){ .store = STR("sqlite::memory:"),
		.service = { .is_given = true,
		    .url = STR(SERVICE_KIT_URL),
		    .issuer = STR("acme"),
		    .keys = str_of(keys),
		    .secret = str_of(secret),
		    .token_lifetime_s = 300 } };
	k->store = store_open_at(k->config.store, &k->clock, &err);
	k->s = service_new(&k->config, &k->clock, k->store, &err);
	ck_assert_msg(k->s && service_keys_open(k->s, &err), "%s", err.msg);
	k->front.service = k->admin.service = k->s;
	k->admin.is_admin = true;
}

static inline void
service_kit_people(struct service_kit *k)
{
	static const struct {
		enum service_kit_who who;
		const char *target, *body;
	} made[] = {
		{ KIT_ADMIN, "/v1/accounts",
		    "{\"id\":\"boss\",\"kind\":\"controller\",\"prefix\":"
		    "\"web-\",\"mayIssue\":true}" },
		{ KIT_BOSS, "/v1/accounts",
		    "{\"id\":\"web-1\",\"kind\":\"instance\"}" },
		{ KIT_BOSS, "/v1/accounts",
		    "{\"id\":\"web-2\",\"kind\":\"instance\"}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		ck_assert_uint_eq(service_kit_do(k, made[i].who, "POST",
				      made[i].target, made[i].body),
		    201);
		if (i > 0)
			continue;
		ck_assert_uint_eq(service_kit_do(k, KIT_ADMIN, "POST",
				      "/v1/accounts/boss/keys",
				      service_kit_key_body(k, k->boss_pem)),
		    201);
		k->tokens[KIT_BOSS] =
		    service_kit_token(k, "boss", k->boss, SERVICE_KIT_URL);
	}
	ck_assert_uint_eq(
	    service_kit_do(k, KIT_BOSS, "POST", "/v1/accounts/web-1/keys",
		service_kit_key_body(k, k->web_1_pem)),
	    201);
	k->tokens[KIT_WEB_1] =
	    service_kit_token(k, "web-1", k->web_1, SERVICE_KIT_URL);
}

static inline void
service_kit_init(struct service_kit *k)
{
	static unsigned n;
	const char *dir;

	json_setup();
	log_threshold(LOG_ERROR);
	*k = (struct service_kit){ .a = arena_new(0),
		.now_ms = KIT_NOON * INT64_C(1000) };
	k->clock = clock_fixed(&k->now_ms);
	dir =
	    str_printf(k->a, "%s/sts-%d-%u", test_folder(), (int)getpid(), n++)
		.p;
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	k->boss = service_kit_key(k, dir, "boss.pem", &k->boss_pem);
	k->web_1 = service_kit_key(k, dir, "web-1.pem", &k->web_1_pem);
	service_kit_open(k, dir);
	service_kit_people(k);
}

static inline void
service_kit_fini(struct service_kit *k)
{
	service_kit_forget(k);
	service_stop(k->s, 0);
	store_close(k->store);
	attest_key_free(k->boss);
	attest_key_free(k->web_1);
	arena_free(k->a);
}

#endif
