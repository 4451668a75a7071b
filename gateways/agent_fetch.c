/* agent_fetch.c - what the service gives to who has a token for it: documents,
 * and tokens exchanged into SPIFFE's (RFC 8693); and its public keys, which it
 * gives to anybody. A token goes with a proof of its key made for this request
 * (RFC 9449); the first of a process is made twice, for the nonce. */
#include "gateways/agent_core_private.h"

#include "attest/dpop.h"
#include "attest/token.h"
#include "base/limits.h"

struct fetch {
	struct agent_core *c;
	struct arena *a;
	struct agent_held *token; /* for the service */
	struct str path, body;
	const char *content_type;
	bool is_shown; /* the token goes along: it does not stand in the body */
};

static bool
add_header(struct client_request *r, struct client_header *headers,
    const char *name, struct str value, struct error *reterr)
{
	headers[r->n_headers++] = (struct client_header){ name, value };
	r->headers = headers;
	return value.p || error_nomem(reterr);
}

static bool
post_once(struct fetch *f, struct client_response *ret, struct error *reterr)
{
	const struct dpop_request what = { .method = STR("POST"),
		.url = str_printf(f->a, "%.*s%.*s",
		    STR_ARG(f->c->config->service.url), STR_ARG(f->path)),
		.shown = f->token->token,
		.now_unix_s = agent_core_now_ms(f->c) / 1000 };
	struct client_header headers[2];
	struct client_request r = { .method = "POST",
		.path = f->path,
		.content_type = f->content_type,
		.body = f->body };
	struct buf proof = { 0 };
	bool ok = dpop_make(f->token->key->key, &what, str_of(f->c->nonce),
	    (struct str){ 0 }, &proof, reterr);

	ok = ok && add_header(&r, headers, "DPoP",
		       str_dup(f->a, buf_str(&proof)), reterr);
	buf_free(&proof);
	if (ok && f->is_shown)
		ok = add_header(&r, headers, "Authorization",
		    str_printf(f->a, "DPoP %.*s", STR_ARG(f->token->token)),
		    reterr);
	return ok && f->c->wire.send(f->c->wire.ctx, f->a, &r, ret, reterr);
}

static void
note_nonce(struct agent_core *c, struct str nonce)
{
	if (nonce.n == 0 || nonce.n >= sizeof c->nonce)
		return;
	memcpy(c->nonce, nonce.p, nonce.n);
	c->nonce[nonce.n] = '\0';
}

static bool
is_success(const struct client_response *r)
{
	return r->status >= 200 && r->status < 300;
}

/* The first proof of a process has no nonce yet (RFC 9449 8). */
static bool
post_proven(struct fetch *f, struct client_response *ret, struct error *reterr)
{
	bool wants_nonce;

	if (!post_once(f, ret, reterr))
		return false;
	note_nonce(f->c, ret->dpop_nonce);
	wants_nonce =
	    ret->dpop_nonce.n && (ret->status == 401 || ret->status == 400);
	if (wants_nonce && !post_once(f, ret, reterr))
		return false;
	note_nonce(f->c, ret->dpop_nonce);
	return is_success(ret) || prover_refused(ret, "the service", reterr);
}

static bool
no_sense(struct error *reterr)
{
	return error_set(reterr, ERR_DATA_MISSING, SPAN_NONE,
	    "the service gave an answer that is none");
}

static bool
parse(struct str body, json_t **ret)
{
	return json_parse(body, "answer", LIMIT_CLIENT_BYTES,
	    LIMIT_HTTP_JSON_DEPTH, JSON_NO_NUL, ret, NULL);
}

/* POST `body`, which is freed, with the token for the service. */
static bool
post(struct fetch *f, struct buf *body, json_t **ret, struct error *reterr)
{
	struct client_response r = { 0 };
	bool ok;

	f->token = agent_core_service_token(f->c, reterr);
	f->body = buf_str(body);
	ok = f->token && post_proven(f, &r, reterr) &&
	     (parse(r.body, ret) || no_sense(reterr));
	buf_free(body);
	agent_held_free(f->token);
	return ok;
}

/* ---- documents ----------------------------------------------------------- */

static json_t *
texts_json(const struct config_strings *texts)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < texts->n; i++)
		if (json_array_append_new(
			list, json_from_str(texts->items[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static bool
ask_text(
    const struct agent_documents *d, enum attest_form form, struct buf *out)
{
	json_t *j =
	    json_pack("{s:o, s:o}", "audience", texts_json(&d->audience),
		"form", json_from_str(attest_form_name(form)));
	bool ok = j != NULL;

	if (ok && d->claims.n)
		ok = json_object_set_new(j, "claims", texts_json(&d->claims)) ==
		     0;
	if (ok && d->profile.n)
		ok = json_object_set_new(
			 j, "profile", json_from_str(d->profile)) == 0;
	ok = ok && json_write(out, j);
	json_decref(j);
	return ok;
}

bool
agent_fetch_document(struct agent_core *c, enum attest_form form,
    struct arena *a, struct attest_evidence *ret, struct error *reterr)
{
	struct fetch f = { .c = c,
		.a = a,
		.path = STR("/v1/documents"),
		.content_type = "application/json",
		.is_shown = true };
	struct buf text = { 0 };
	json_t *j = NULL;
	bool ok;

	if (!ask_text(&c->config->documents, form, &text)) {
		buf_free(&text);
		return error_nomem(reterr);
	}
	if (!post(&f, &text, &j, reterr))
		return false;
	ok = attest_evidence_from_parts(a, attest_form_kind(form),
		 json_str(json_object_get(j, "document")),
		 json_str(json_object_get(j, "signature")), ret, NULL) ||
	     no_sense(reterr);
	json_decref(j);
	return ok;
}

/* ---- exchanged tokens ---------------------------------------------------- */

/* The grant (RFC 8693 2.1). A token has no byte that would need encoding. */
static void
exchange_text(struct agent_core *c, enum token_type type, struct str audience,
    struct buf *out)
{
	struct agent_held *subject = agent_core_service_token(c, NULL);

	buf_printf(out,
	    "grant_type=urn:ietf:params:oauth:grant-type:token-exchange"
	    "&subject_token_type=%s&requested_token_type=%s&subject_token=%.*s",
	    token_urn(TOKEN_FULL), token_urn(type),
	    STR_ARG(subject ? subject->token : STR("")));
	agent_held_free(subject);
	if (audience.n == 0)
		return;
	buf_addz(out, "&audience=");
	for (size_t i = 0; i < audience.n; i++)
		buf_printf(out, "%%%02X", (unsigned char)audience.p[i]);
}

static bool
take_exchanged(struct agent_core *c, const json_t *from,
    struct prover_grant *ret, struct error *reterr)
{
	json_int_t life_s =
	    json_integer_value(json_object_get(from, "expires_in"));

	ret->token = json_str(json_object_get(from, "access_token"));
	ret->issued_s = agent_core_now_ms(c) / 1000;
	if (ret->token.n == 0 || ret->token.n > LIMIT_TOKEN_BYTES ||
	    life_s <= 0 || life_s > 86400)
		return no_sense(reterr);
	ret->expires_s = ret->issued_s + life_s;
	return true;
}

bool
agent_ask_svid(struct agent_core *c, const struct agent_item *item,
    struct agent_kept **ret, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct fetch f = { .c = c,
		.a = a,
		.path = STR("/v1/token"),
		.content_type = "application/x-www-form-urlencoded" };
	enum token_type type =
	    item->what == AGENT_WIT_SVID ? TOKEN_WIT : TOKEN_JWT_SVID;
	struct prover_grant g = { 0 };
	struct buf text = { 0 };
	json_t *j = NULL;

	*ret = NULL;
	if (a)
		exchange_text(c, type, item->audience, &text);
	if (!a || !buf_ok(&text)) {
		buf_free(&text);
		arena_free(a);
		return error_nomem(reterr);
	}
	if (post(&f, &text, &j, reterr) && take_exchanged(c, j, &g, reterr))
		*ret = agent_kept_token(c->key, &g, reterr);
	json_decref(j);
	arena_free(a);
	return *ret != NULL;
}

/* ---- public keys --------------------------------------------------------- */

/* A set without keys would leave its readers without any: not taken. */
static bool
check_keys(struct str body, struct error *reterr)
{
	json_t *j = NULL;
	bool ok =
	    parse(body, &j) && json_array_size(json_object_get(j, "keys")) > 0;

	json_decref(j);
	return ok || no_sense(reterr);
}

bool
agent_ask_keys(struct agent_core *c, const struct agent_item *item,
    struct agent_kept **ret, struct error *reterr)
{
	struct arena *a = arena_new(0);
	const struct client_request q = { .method = "GET",
		.path = item->what == AGENT_BUNDLE
			    ? STR("/.well-known/spiffe-bundle.json")
			    : STR("/.well-known/jwks.json"),
		.may_repeat = true };
	struct client_response r = { 0 };

	*ret = NULL;
	if (!a)
		return error_nomem(reterr);
	if (c->wire.send(c->wire.ctx, a, &q, &r, reterr) &&
	    (is_success(&r) || prover_refused(&r, "the service", reterr)) &&
	    check_keys(r.body, reterr))
		*ret = agent_kept_keys(c, r.body, reterr);
	arena_free(a);
	return *ret != NULL;
}
