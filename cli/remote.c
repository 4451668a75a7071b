/* remote.c - one call to the token service, over HTTP or on this host's store.
 * A token that the account gets for itself lives as long as the command. */
#include "cli/remote.h"

#include <stdlib.h>

#include "attest/dpop.h"
#include "attest/token.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "gateways/gateways.h"
#include "gateways/prover.h"

struct remote {
	struct remote_options *o;
	struct arena *a;
	struct client *client; /* or */
	struct gateways_local *local;
	struct str admin_token;
	struct attest_key *key; /* of --as */
	struct str token;       /* for the service, of --as; empty: not yet */
	struct str nonce;       /* the last that the service gave */
};

static int64_t
now_s(void)
{
	return clock_now_ms(clock_system()) / 1000;
}

static bool
failed(const struct error *err)
{
	cli_error(err, STR(""));
	return false;
}

struct arena *
remote_arena(struct remote *r)
{
	return r->a;
}

/* ---- secrets in files ---------------------------------------------------- */

static void
wipe(void *p)
{
	struct str *s = p;

	explicit_bzero((char *)(uintptr_t)s->p, s->n);
}

bool
remote_read_secret(struct arena *a, const char *path, struct str *ret)
{
	struct error err = { 0 };
	struct str *kept = ARENA_NEW(a, struct str);

	if (!kept)
		error_nomem(&err);
	if (!kept ||
	    !file_read_secret(a, path, LIMIT_KEY_FILE_BYTES, kept, &err))
		return failed(&err);
	if (!arena_at_end(a, wipe, kept)) {
		wipe(kept);
		cli_errorf("memory ran out");
		return false;
	}
	*ret = *kept;
	while (ret->n &&
	       (ret->p[ret->n - 1] == '\n' || ret->p[ret->n - 1] == '\r'))
		ret->n--;
	return true;
}

/* The 32 bytes of a secret that `account enrol` or `--hmac` wrote. */
bool
remote_read_shared(struct arena *a, const char *path, struct str *ret)
{
	struct str text;

	if (!remote_read_secret(a, path, &text))
		return false;
	if (base64_decode(a, BASE64_URL, text, ret) &&
	    ret->n == PROVE_SECRET_BYTES)
		return true;
	cli_errorf("%s: expected a secret of %u bytes in Base64url", path,
	    PROVE_SECRET_BYTES);
	return false;
}

/* ---- opening ------------------------------------------------------------- */

static bool
settle_place(struct remote_options *o)
{
	if (o->server && o->config) {
		cli_errorf("--server or --config, not both");
		return false;
	}
	if (!o->server && !o->config)
		o->server = getenv("AVOW_SERVER");
	if (!o->server && !o->config)
		o->config = getenv("AVOW_CONFIG");
	if (o->server || o->config)
		return true;
	cli_errorf("--server is missing, and AVOW_SERVER is not set");
	return false;
}

static bool
open_local(struct remote *r)
{
	struct buf messages = { 0 };

	if (r->o->as) {
		cli_errorf("--as needs --server: an account proves itself to a "
			   "running service");
		return false;
	}
	r->local = gateways_local_open(r->o->config, clock_system(), &messages);
	(void)cli_messages(&messages);
	buf_free(&messages);
	return r->local != NULL;
}

static bool
open_client(struct remote *r)
{
	const struct client_options options = { .url = r->o->server,
		.ca_file = r->o->ca,
		.pinned_file = r->o->pin,
		.subject = r->o->subject,
		.certificate_file = r->o->cert,
		.key_file = r->o->cert_key };
	struct error err = { 0 };

	r->client = client_new(&options, &err);
	return r->client || failed(&err);
}

/* One way to say who asks. */
static bool
open_identity(struct remote *r)
{
	struct remote_options *o = r->o;
	struct error err = { 0 };

	if (o->key) {
		r->key = attest_key_open(o->key, &err);
		if (!r->key)
			return failed(&err);
	}
	if (o->as) {
		if (!o->key) {
			cli_errorf("--as needs --key");
			return false;
		}
		if (o->admin_token || o->cert) {
			cli_errorf("as an account or as an administrator, not "
				   "both");
			return false;
		}
		return true;
	}
	if (!o->admin_token && !o->cert)
		o->admin_token = getenv("AVOW_ADMIN_TOKEN_FILE");
	return !o->admin_token ||
	       remote_read_secret(r->a, o->admin_token, &r->admin_token);
}

struct remote *
remote_open(struct remote_options *o)
{
	struct remote *r = calloc(1, sizeof *r);

	if (!r) {
		cli_errorf("memory ran out");
		return NULL;
	}
	r->o = o;
	r->a = arena_new(0);
	if (r->a && settle_place(o) &&
	    (o->config ? open_local(r) : open_client(r) && open_identity(r)))
		return r;
	if (!r->a)
		cli_errorf("memory ran out");
	remote_close(r);
	return NULL;
}

void
remote_close(struct remote *r)
{
	if (!r)
		return;
	attest_key_free(r->key);
	client_free(r->client);
	gateways_local_close(r->local);
	arena_free(r->a);
	free(r);
}

/* ---- what an answer says ------------------------------------------------- */

static enum cli_exit
exit_of(unsigned status)
{
	return status == 401 || status == 403 || status == 404 || status == 409
		   ? CLI_NO
		   : CLI_CANNOT_TELL;
}

static void
print_problem(unsigned status, const json_t *problem, bool json)
{
	struct str detail = json_str(json_object_get(problem, "detail"));
	struct str code = json_str(json_object_get(problem, "code"));
	struct buf line = { 0 };

	if (json && problem &&
	    cli_print_json(json_incref((json_t *)(uintptr_t)problem), false))
		return;
	buf_printf(&line, "avow: refused: ");
	buf_escaped(&line, detail.n ? detail : STR("no reason given"), true);
	buf_addz(&line, " [");
	buf_escaped(&line, code, true);
	buf_printf(&line, "%s%u]\n", code.n ? ", " : "", status);
	(void)cli_messages(&line);
	buf_free(&line);
}

static bool
take_answer(unsigned status, struct str body, bool json, json_t **ret,
    enum cli_exit *ret_exit)
{
	struct error err = { 0 };
	json_t *parsed = NULL;

	*ret_exit = CLI_CANNOT_TELL;
	if (body.n &&
	    !json_parse(body, "answer", LIMIT_CLIENT_BYTES,
		LIMIT_HTTP_JSON_DEPTH, JSON_NO_NUL, &parsed, &err) &&
	    status < 300)
		return failed(&err);
	if (status >= 200 && status < 300) {
		*ret = parsed;
		*ret_exit = CLI_YES;
		return true;
	}
	print_problem(status, json_is_object(parsed) ? parsed : NULL, json);
	json_decref(parsed);
	*ret_exit = exit_of(status);
	return false;
}

/* ---- on this host -------------------------------------------------------- */

static bool
send_local(struct remote *r, const struct remote_call *call, struct str body,
    bool json, json_t **ret, enum cli_exit *ret_exit)
{
	const struct gateways_local_request what = {
		.method = str_of(call->method),
		.target = call->path,
		.body = body,
		.idempotency_key = call->idempotency_key,
	};
	struct error err = { 0 };
	struct str answer;
	unsigned status;

	*ret_exit = CLI_CANNOT_TELL;
	if (!gateways_local_call(r->local, r->a, &what, &status, &answer, &err))
		return failed(&err);
	return take_answer(status, answer, json, ret, ret_exit);
}

/* ---- over HTTP ----------------------------------------------------------- */

#define HEADERS_MAX 4u

static bool
add_dpop(struct remote *r, const struct remote_call *call, struct str token,
    struct client_header *ret)
{
	struct str path = str_sub(call->path, 0, str_find(call->path, '?', 0));
	struct str url =
	    str_printf(r->a, "%s%.*s", r->o->server, STR_ARG(path));
	const struct dpop_request what = { .method = str_of(call->method),
		.url = url,
		.shown = token,
		.now_unix_s = now_s() };
	struct buf proof = { 0 };
	struct error err = { 0 };
	bool ok =
	    dpop_make(r->key, &what, r->nonce, (struct str){ 0 }, &proof, &err);

	*ret = (struct client_header){ "DPoP", str_dup(r->a, buf_str(&proof)) };
	buf_free(&proof);
	return ok ? ret->value.p != NULL : failed(&err);
}

static bool
add_identity(struct remote *r, const struct remote_call *call,
    struct client_header *headers, size_t *n)
{
	if (call->proof_token.n)
		return add_dpop(r, call, call->proof_token, &headers[(*n)++]);
	if (call->is_anonymous)
		return true;
	if (r->o->as) {
		headers[(*n)++] = (struct client_header){ "Authorization",
			str_printf(r->a, "DPoP %.*s", STR_ARG(r->token)) };
		return add_dpop(r, call, r->token, &headers[(*n)++]);
	}
	if (r->admin_token.n)
		headers[(*n)++] = (struct client_header){ "Authorization",
			str_printf(
			    r->a, "Bearer %.*s", STR_ARG(r->admin_token)) };
	return true;
}

static bool
send_once(struct remote *r, const struct remote_call *call, struct str body,
    struct client_response *ret)
{
	struct client_header headers[HEADERS_MAX];
	struct client_request q = { .method = call->method,
		.path = call->path,
		.content_type = call->form ? "application/x-www-form-urlencoded"
				: body.n   ? "application/json"
					   : NULL,
		.body = body,
		.headers = headers,
		.may_repeat = strcmp(call->method, "GET") == 0 ||
			      call->idempotency_key.n > 0 };
	struct error err = { 0 };

	if (!add_identity(r, call, headers, &q.n_headers))
		return false;
	if (call->idempotency_key.n)
		headers[q.n_headers++] =
		    (struct client_header){ "Idempotency-Key",
			    call->idempotency_key };
	if (!client_send(r->client, r->a, &q, ret, &err))
		return failed(&err);
	if (ret->dpop_nonce.n)
		r->nonce = ret->dpop_nonce;
	return true;
}

/* An account proves itself once a command, for a token of the service. */
static bool
ensure_token(struct remote *r, bool json, enum cli_exit *ret_exit)
{
	const struct remote_proof what = { .role = PROVE_ACCOUNT,
		.account = r->o->as,
		.audience = r->o->server,
		.key = r->o->key,
		.secret = r->o->secret };
	json_t *answer = NULL;

	if (!r->o->as || r->token.n)
		return true;
	if (!remote_prove(r, &what, json, &answer, ret_exit))
		return false;
	r->token = str_dup(r->a, json_str(json_object_get(answer, "token")));
	json_decref(answer);
	return r->token.n > 0;
}

static bool
send_remote(struct remote *r, const struct remote_call *call, struct str body,
    bool json, json_t **ret, enum cli_exit *ret_exit)
{
	struct client_response answer;

	*ret_exit = CLI_CANNOT_TELL;
	if (!call->is_anonymous && !call->proof_token.n &&
	    !ensure_token(r, json, ret_exit))
		return false;
	if (!send_once(r, call, body, &answer))
		return false;
	/* The first proof of a process has no nonce yet (RFC 9449 8). */
	if ((answer.status == 401 || answer.status == 400) &&
	    answer.dpop_nonce.n && !send_once(r, call, body, &answer))
		return false;
	return take_answer(answer.status, answer.body, json, ret, ret_exit);
}

bool
remote_send(struct remote *r, struct remote_call call, bool json, json_t **ret,
    enum cli_exit *ret_exit)
{
	struct buf text = { 0 };
	struct str body = str_of(call.form);
	bool ok = true;

	*ret = NULL;
	*ret_exit = CLI_CANNOT_TELL;
	if (call.body) {
		ok = json_write(&text, call.body);
		body = buf_str(&text);
	}
	json_decref(call.body);
	if (!ok)
		cli_errorf("memory ran out");
	else
		ok = r->local
			 ? send_local(r, &call, body, json, ret, ret_exit)
			 : send_remote(r, &call, body, json, ret, ret_exit);
	buf_free(&text);
	return ok;
}

enum cli_exit
remote_do(struct remote *r, struct remote_call call, bool json)
{
	json_t *answer = NULL;
	enum cli_exit code;

	(void)!remote_send(r, call, json, &answer, &code);
	json_decref(answer);
	return code;
}

/* ---- proving ------------------------------------------------------------- */

struct proving {
	struct remote *r;
	const struct remote_proof *what;
	struct attest_key *key;
	struct prover_exchange x;
	bool json;
	enum cli_exit *ret_exit;
};

static bool
open_keys(struct proving *p)
{
	const struct remote_proof *what = p->what;
	struct error err = { 0 };

	p->key = attest_key_open(what->key, &err);
	if (!p->key)
		return failed(&err);
	p->x.with.key = p->key;
	p->x.with.service =
	    str_of(what->service ? what->service : p->r->o->server);
	p->x.answer = (struct prove_answer){ .role = what->role,
		.account = str_of(what->account),
		.audience = str_of(what->audience),
		.relay = str_of(what->relay) };
	return !what->secret ||
	       remote_read_shared(p->r->a, what->secret, &p->x.with.secret);
}

/* One that a cloud's document carries was asked for before; the connection is
 * this one. */
static bool
take_challenge(struct proving *p)
{
	const char *before = p->what->challenge;

	if (!before || base64_decode(p->r->a, BASE64_URL, str_of(before),
			   &p->x.answer.challenge))
		return true;
	cli_errorf("the challenge is not Base64url");
	return false;
}

static bool
get_challenge(struct proving *p)
{
	const struct prover_wire wire = prover_wire_of(p->r->client);
	struct remote_call call = { .method = "POST",
		.path = STR("/v1/challenges"),
		.is_anonymous = true,
		.body = prover_ask(&p->x) };
	struct error err = { 0 };
	json_t *answer;
	bool ok;

	if (!remote_send(p->r, call, p->json, &answer, p->ret_exit))
		return false;
	ok = prover_take(&p->x, p->r->a, &wire, answer, &err);
	json_decref(answer);
	*p->ret_exit = CLI_CANNOT_TELL;
	return ok ? take_challenge(p) : failed(&err);
}

static bool
make_answer(struct proving *p, json_t **ret)
{
	struct error err = { 0 };

	return prover_answer(&p->x, p->r->a, ret, &err) || failed(&err);
}

/* The file as it is, as text of JSON. */
static bool
put_file(struct proving *p, json_t *body, const char *name, const char *path)
{
	struct error err = { 0 };
	struct str text;

	if (!path)
		return true;
	if (!file_read(p->r->a, path, LIMIT_KEY_FILE_BYTES, &text, &err))
		return failed(&err);
	if (json_object_set_new(body, name, json_from_str(text)) == 0)
		return true;
	cli_errorf("%s is not text", path);
	return false;
}

static bool
send_evidence(struct proving *p, json_t *proof_take, json_t **ret)
{
	const struct remote_proof *what = p->what;
	struct remote_call call = { .method = "POST",
		.path =
		    str_printf(p->r->a, "/v1/accounts/%s/enrol", what->account),
		.is_anonymous = true,
		.body = json_pack(
		    "{s:s, s:o}", "kind", what->kind, "proof", proof_take) };

	if (!put_file(p, call.body, "document", what->document) ||
	    !put_file(p, call.body, "signature", what->signature)) {
		json_decref(call.body);
		return false;
	}
	return remote_send(p->r, call, p->json, ret, p->ret_exit);
}

static bool
send_answer(struct proving *p, json_t *proof_take, json_t **ret)
{
	struct remote_call call = { .method = "POST",
		.path = STR("/v1/tokens"),
		.is_anonymous = !p->what->through_relay };

	if (p->what->role == PROVE_ATTEST)
		return send_evidence(p, proof_take, ret);
	call.body = json_pack("{s:o}", "proof", proof_take);
	if (call.body && p->what->offer)
		json_object_set_new(call.body, "offer", json_true());
	if (call.body && p->what->lifetime_s) {
		struct str text = str_printf(
		    p->r->a, "%llds", (long long)p->what->lifetime_s);
		json_object_set_new(call.body, "lifetime", json_from_str(text));
	}
	return remote_send(p->r, call, p->json, ret, p->ret_exit);
}

bool
remote_prove(struct remote *r, const struct remote_proof *what, bool json,
    json_t **ret, enum cli_exit *ret_exit)
{
	struct proving p = {
		.r = r, .what = what, .json = json, .ret_exit = ret_exit
	};
	json_t *proof = NULL;
	bool ok;

	*ret_exit = CLI_CANNOT_TELL;
	ok = open_keys(&p) && get_challenge(&p) && make_answer(&p, &proof) &&
	     send_answer(&p, proof, ret);
	attest_key_free(p.key);
	return ok;
}
