/* gate_kit.h - a whole gate without sockets: a configuration in a folder of its
 * own, a key and documents made here, a clock that stands, a decision log that
 * is read back. */
#ifndef TESTS_GATE_KIT_H
#define TESTS_GATE_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/log.h"
#include "gateways/answer.h"
#include "tests/lib/run.h"

#define KIT_NOW_S 1767225600 /* 2026-01-01T00:00:00Z */
#define KIT_DOC_ID "00112233445566778899aabbccddeeff"

struct gate_kit {
	struct arena *a;
	char dir[400];
	int64_t now_ms;
	struct clock clock;
	struct attest_key *key;
	struct gate_env env;
	struct store *store;
	struct http_header headers[16];
	struct http_request q;
	struct http_response r;
};

/* What differs from a good document; zero: as the good one. */
struct kit_doc {
	const char *subject, *ip, *audience, *issuer, *claims, *cnf, *id;
	int64_t issued_after, expires_after; /* seconds from now */
};

static inline const char *
kit_path(struct gate_kit *k, const char *name)
{
	return str_printf(k->a, "%s/%s", k->dir, name).p;
}

static inline void
kit_put(struct gate_kit *k, const char *name, const char *text)
{
	struct error err = { 0 };

	ck_assert_msg(file_replace(kit_path(k, name), 0600, str_of(text), &err),
	    "%s", err.msg);
}

static inline void
kit_keys(struct gate_kit *k)
{
	struct error err = { 0 };
	struct buf pem = { 0 };

	ck_assert_int_eq(mkdir(kit_path(k, "trust"), 0700), 0);
	ck_assert_msg(
	    attest_key_create(KEY_ED25519, kit_path(k, "k.key.pem"), &err),
	    "%s", err.msg);
	k->key = attest_key_open(kit_path(k, "k.key.pem"), &err);
	ck_assert_ptr_nonnull(k->key);
	ck_assert(attest_key_public_pem(kit_path(k, "k.key.pem"), &pem, &err));
	buf_byte(&pem, '\0');
	kit_put(k, "trust/k.pub.pem", pem.p);
	buf_free(&pem);
}

#define KIT_POLICIES                                                           \
	"@id(\"members\") permit (principal in Owner::\"acme\", action == "    \
	"Action::\"repository:get\", resource in Repository::\"main\");\n"     \
	"@id(\"free\") permit (principal, action == "                          \
	"Action::\"repository:get\", resource in Repository::\"free\");\n"     \
	"@id(\"join\") permit (principal, action == "                          \
	"Action::\"balancer:join\", resource == Pool::\"web\");\n"             \
	"@id(\"secret\") forbid (principal, action, resource is Package) "     \
	"when "                                                                \
	"{ resource.path like \"secret/*\" };\n"

static inline const char *
kit_config(struct gate_kit *k)
{
	return str_printf(k->a,
	    "listen: 127.0.0.1:0\n"
	    "store: sqlite://%s/avow.db\n"
	    "policies: [%s/p.avow]\n"
	    "entities: [%s/e.json]\n"
	    "decisionLog: %s/decisions.jsonl\n"
	    "proxies: [127.0.0.1/32]\n"
	    "trust:\n"
	    "  - {kind: avow, keys: %s/trust, issuer: acme}\n"
	    "revoked: %s/revoked\n"
	    "gates:\n"
	    "  - {kind: repository, name: updates, repositories: {main: "
	    "/debian/}, require: {claims: [imageId]}}\n"
	    "  - {kind: repository, name: open, demand: bearer, transport: "
	    "any, repositories: {free: /free/}}\n"
	    "  - {kind: balancer, name: lb, pools: {web: {haproxy: "
	    "%s/none.sock, backend: web, ports: [8080, 8081], networks: "
	    "[10.0.0.0/8]}}}\n",
	    k->dir, k->dir, k->dir, k->dir, k->dir, k->dir, k->dir)
	    .p;
}

/* The files alone; nothing is loaded. */
static inline void
kit_files(struct gate_kit *k)
{
	static int n;

	*k = (struct gate_kit){ .a = arena_new(0),
		.now_ms = (int64_t)KIT_NOW_S * 1000 };
	k->clock = clock_fixed(&k->now_ms);
	snprintf(k->dir, sizeof k->dir, "%s/kit-%d-%d", test_folder(),
	    (int)getpid(), n++);
	ck_assert_int_eq(mkdir(k->dir, 0700), 0);
	kit_keys(k);
	kit_put(k, "p.avow", KIT_POLICIES);
	kit_put(k, "e.json", "[]");
	kit_put(k, "revoked", "# nothing\n");
	kit_put(k, "avow.yaml", kit_config(k));
}

static inline void
kit_load(struct gate_kit *k)
{
	struct buf messages = { 0 };

	gateways_state_unref(k->env.state);
	k->env.state =
	    gateways_state_load(kit_path(k, "avow.yaml"), k->now_ms, &messages);
	ck_assert_msg(
	    k->env.state != NULL, "%.*s", STR_ARG(buf_str(&messages)));
	buf_free(&messages);
}

static inline void
kit_open(struct gate_kit *k)
{
	struct error err = { 0 };

	kit_files(k);
	kit_load(k);
	log_threshold(LOG_ERROR);
	k->env.clock = &k->clock;
	k->env.prover.cache = attest_cache_new();
	k->env.prover.dpop = dpop_new(&err);
	k->env.log = engine_log_open(kit_path(k, "decisions.jsonl"), &err);
	ck_assert_msg(k->env.log && k->env.prover.cache && k->env.prover.dpop, "%s", err.msg);
}

static inline void
kit_fini(struct gate_kit *k)
{
	balancer_free(k->env.balancer);
	store_close(k->store);
	engine_log_close(k->env.log);
	attest_cache_free(k->env.prover.cache);
	dpop_free(k->env.prover.dpop);
	gateways_state_unref(k->env.state);
	attest_key_free(k->key);
	buf_free(&k->r.body);
	arena_free(k->a);
}

/* ---- documents ------------------------------------------------------------
 */

static inline const char *
kit_claims(struct gate_kit *k, const struct kit_doc *d)
{
	if (d->claims)
		return d->claims;
	return str_printf(k->a,
	    "{\"imageId\":\"ami-1\",\"owner\":\"acme\",\"privateIp\":\"%s\"}",
	    d->ip ? d->ip : "10.0.0.7")
	    .p;
}

static inline struct attest_evidence
kit_sign(struct gate_kit *k, const struct kit_doc *d)
{
	struct str audience = str_of(d->audience ? d->audience : "updates");
	struct str audiences[] = { audience, STR("open"), STR("lb") };
	struct buf document = { 0 }, signature = { 0 };
	struct error err = { 0 };
	struct attest_evidence e = { .kind = STR("avow") };
	json_t *claims = json_loads(kit_claims(k, d), 0, NULL);
	int64_t now = k->now_ms / 1000, issued = now + d->issued_after;
	const struct attest_issue what = {
		.issuer = str_of(d->issuer ? d->issuer : "acme"),
		.subject = str_of(d->subject ? d->subject : "i-1"),
		.audience = audiences,
		.n_audience = d->audience ? 1 : 3,
		.issued_at = issued,
		.not_before = issued,
		.expires_at = now + (d->expires_after ? d->expires_after : 600),
		.claims = claims,
		.cnf_jkt = str_of(d->cnf),
		.id = str_of(d->id ? d->id : KIT_DOC_ID),
	};

	ck_assert_msg(attest_issue(k->key, &what, &document, &signature, &err),
	    "%s", err.msg);
	e.document = str_dup(k->a, buf_str(&document));
	e.signature = str_dup(k->a, buf_str(&signature));
	json_decref(claims);
	buf_free(&document);
	buf_free(&signature);
	return e;
}

static inline struct str
kit_base64(struct gate_kit *k, enum base64_form form, struct str bytes)
{
	struct buf b = { 0 };
	struct str copy;

	base64_encode(&b, form, bytes);
	copy = str_dup(k->a, buf_str(&b));
	buf_free(&b);
	return copy;
}

static inline struct str
kit_pack(struct gate_kit *k, const struct attest_evidence *e)
{
	struct buf b = { 0 };
	struct error err = { 0 };
	struct str copy;

	ck_assert_msg(attest_evidence_pack(e, &b, &err), "%s", err.msg);
	copy = str_dup(k->a, buf_str(&b));
	buf_free(&b);
	return copy;
}

/* ---- requests -------------------------------------------------------------
 */

static inline void
kit_header(struct gate_kit *k, const char *name, struct str value)
{
	ck_assert_uint_lt(k->q.n_headers, ARRAY_LEN(k->headers));
	k->headers[k->q.n_headers++] =
	    (struct http_header){ str_of(name), value };
}

static inline void
kit_drop(struct gate_kit *k, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < k->q.n_headers; i++)
		if (!http_name_eq(k->headers[i].name, name))
			k->headers[n++] = k->headers[i];
	k->q.n_headers = n;
}

static inline void
kit_begin(struct gate_kit *k, const char *method, const char *target)
{
	struct str t = str_of(target);
	size_t cut = str_find(t, '?', 0);

	buf_free(&k->r.body);
	k->r = (struct http_response){ 0 };
	k->q = (struct http_request){ .method = str_of(method),
		.target = t,
		.path = str_sub(t, 0, cut),
		.query = str_sub(t, cut + 1, t.n),
		.headers = k->headers,
		.arena = k->a };
	ck_assert(net_parse_addr(STR("127.0.0.1"), &k->q.peer));
}

/* As two header fields. */
static inline void
kit_show(struct gate_kit *k, const struct attest_evidence *e)
{
	kit_header(
	    k, "X-Avow-Document", kit_base64(k, BASE64_URL, e->document));
	kit_header(
	    k, "X-Avow-Signature", kit_base64(k, BASE64_URL, e->signature));
}

static inline void
kit_show_basic(
    struct gate_kit *k, const char *user, const struct attest_evidence *e)
{
	struct str pack = kit_pack(k, e);
	struct str text = str_printf(k->a, "%s:%.*s", user, STR_ARG(pack));
	struct str coded = kit_base64(k, BASE64_STANDARD, text);

	kit_header(
	    k, "Authorization", str_printf(k->a, "Basic %.*s", STR_ARG(coded)));
}

static inline struct str
kit_answered(const struct gate_kit *k, const char *name)
{
	for (size_t i = 0; i < k->r.n_headers; i++)
		if (http_name_eq(k->r.headers[i].name, name))
			return k->r.headers[i].value;
	return (struct str){ 0 };
}

/* ---- the decision log -----------------------------------------------------
 */

static inline struct str
kit_log(struct gate_kit *k)
{
	struct error err = { 0 };
	struct str text = { 0 };

	ck_assert_msg(file_read(k->a, kit_path(k, "decisions.jsonl"), 1u << 22,
			  &text, &err),
	    "%s", err.msg);
	return text;
}

static inline size_t
kit_log_lines(struct gate_kit *k)
{
	struct str text = kit_log(k);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

/* The last line; new reference. */
static inline json_t *
kit_last_line(struct gate_kit *k)
{
	struct str text = kit_log(k);
	size_t at = text.n - 1;
	json_t *json;

	ck_assert_uint_gt(text.n, 1);
	while (at > 0 && text.p[at - 1] != '\n')
		at--;
	json = json_loadb(text.p + at, text.n - at, 0, NULL);
	ck_assert_ptr_nonnull(json);
	return json;
}

/* No secret of `e`, in no form, is in the log. */
static inline void
kit_log_is_clean(struct gate_kit *k, const struct attest_evidence *e)
{
	struct str text = kit_log(k);
	const struct str secrets[] = { kit_base64(k, BASE64_URL, e->signature),
		kit_base64(k, BASE64_STANDARD, e->signature),
		kit_base64(k, BASE64_URL, e->document), STR("avow1."),
		STR("Basic "), e->signature };

	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		ck_assert_msg(
		    memmem(text.p, text.n, secrets[i].p, secrets[i].n) == NULL,
		    "secret %zu is in the log", i);
}

static inline const char *
kit_text(const json_t *json, const char *key)
{
	const char *s = json_string_value(json_object_get(json, key));

	return s ? s : "(none)";
}

#endif
