#include "gateways/prover.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/timefmt.h"

#define WHO "the token service"

static bool
send_by_client(void *ctx, struct arena *a, const struct client_request *q,
    struct client_response *ret, struct error *reterr)
{
	return client_send(ctx, a, q, ret, reterr);
}

static bool
channel_of_client(void *ctx, uint8_t ret[CLIENT_CHANNEL_BYTES])
{
	return client_channel(ctx, ret);
}

struct prover_wire
prover_wire_of(struct client *c)
{
	return (struct prover_wire){ send_by_client, channel_of_client, c };
}

static bool
no_sense(struct error *reterr)
{
	return error_set(reterr, ERR_DATA_MISSING, SPAN_NONE,
	    WHO " gave an answer that is none");
}

static bool
parse(struct str body, json_t **ret)
{
	return json_parse(body, "answer", LIMIT_CLIENT_BYTES,
	    LIMIT_HTTP_JSON_DEPTH, JSON_NO_NUL, ret, NULL);
}

bool
prover_refused(
    const struct client_response *r, const char *who, struct error *reterr)
{
	json_t *problem = NULL;
	struct str detail, code;
	enum err_code known;

	if (!parse(r->body, &problem))
		problem = NULL;
	detail = json_str(json_object_get(problem, "detail"));
	code = json_str(json_object_get(problem, "code"));
	known = error_from_id(code);
	(void)error_set(reterr, known == ERR_NONE ? ERR_DATA_MISSING : known,
	    SPAN_NONE, "%s refused with %u: %.*s", who, r->status,
	    (int)(detail.n < 150 ? detail.n : 150),
	    detail.n ? detail.p : "it gives no reason");
	json_decref(problem);
	return false;
}

/* POST a JSON body, taken, and get JSON with a status of success. */
static bool
post(const struct prover_wire *w, struct arena *a, struct str path,
    json_t *body_take, json_t **ret, struct error *reterr)
{
	struct client_request q = { .method = "POST",
		.path = path,
		.content_type = "application/json" };
	struct client_response r = { 0 };
	struct buf text = { 0 };
	bool ok = body_take && json_write(&text, body_take);

	json_decref(body_take);
	q.body = buf_str(&text);
	ok = ok ? w->send(w->ctx, a, &q, &r, reterr) : error_nomem(reterr);
	buf_free(&text);
	if (!ok)
		return false;
	if (r.status < 200 || r.status > 299)
		return prover_refused(&r, WHO, reterr);
	return parse(r.body, ret) || no_sense(reterr);
}

json_t *
prover_ask(const struct prover_exchange *x)
{
	enum prove_method method =
	    x->with.secret.n ? PROVE_HMAC : prove_method_of_key(x->with.key);

	return json_pack("{s:o, s:s, s:o, s:s}", "account",
	    json_from_str(x->answer.account), "method",
	    prove_method_name(method), "audience",
	    json_from_str(x->answer.audience), "role",
	    prove_role_name(x->answer.role));
}

bool
prover_take(struct prover_exchange *x, struct arena *a,
    const struct prover_wire *w, const json_t *from, struct error *reterr)
{
	struct str text = json_str(json_object_get(from, "challenge"));
	struct str binding = json_str(json_object_get(from, "channelBinding"));

	if (!base64_decode(a, BASE64_URL, text, &x->answer.challenge) ||
	    x->answer.challenge.n != PROVE_CHALLENGE_BYTES)
		return no_sense(reterr);
	if (!str_eq(binding, STR("tls-exporter")))
		return true;
	if (!w->channel(w->ctx, x->channel))
		return error_set(reterr, ERR_EVIDENCE_TRANSPORT, SPAN_NONE,
		    "the connection to " WHO
		    " has no channel to bind to: TLS 1.3 is needed");
	x->with.channel =
	    (struct str){ (const char *)x->channel, sizeof x->channel };
	return true;
}

bool
prover_answer(struct prover_exchange *x, struct arena *a, json_t **ret,
    struct error *reterr)
{
	struct buf text = { 0 };
	bool ok =
	    prove_answer_make(a, &x->with, &x->answer, reterr) &&
	    (prove_answer_write(&x->answer, &text) || error_nomem(reterr)) &&
	    json_parse(buf_str(&text), "proof", LIMIT_ANSWER_BYTES,
		LIMIT_HTTP_JSON_DEPTH, JSON_NO_NUL, ret, reterr);

	buf_free(&text);
	return ok;
}

static bool
get_challenge(struct prover_exchange *x, const struct prover_wire *w,
    struct arena *a, struct error *reterr)
{
	json_t *answer = NULL;
	bool ok =
	    post(w, a, STR("/v1/challenges"), prover_ask(x), &answer, reterr) &&
	    prover_take(x, a, w, answer, reterr);

	json_decref(answer);
	return ok;
}

bool
prover_read_time(const json_t *from, const char *name, int64_t *ret_s)
{
	int64_t ms;

	if (!time_parse_datetime(json_str(json_object_get(from, name)), &ms))
		return false;
	*ret_s = ms / 1000;
	return true;
}

static bool
take_grant(struct arena *a, const json_t *from, struct prover_grant *ret,
    struct error *reterr)
{
	struct str token = json_str(json_object_get(from, "token"));

	if (token.n == 0 || token.n > LIMIT_TOKEN_BYTES ||
	    !prover_read_time(from, "issuedAt", &ret->issued_s) ||
	    !prover_read_time(from, "expiresAt", &ret->expires_s))
		return no_sense(reterr);
	ret->token = str_dup(a, token);
	return ret->token.p || error_nomem(reterr);
}

bool
prover_token(const struct prover_wire *w, struct arena *a,
    const struct prover_what *what, struct prover_grant *ret,
    struct error *reterr)
{
	struct prover_exchange x = { .with = { .service = what->service,
					 .secret = what->secret,
					 .key = what->key,
					 .random = what->random },
		.answer = { .role = what->role,
		    .account = what->account,
		    .audience = what->audience } };
	json_t *proof = NULL, *answer = NULL;
	struct prover_grant grant = { 0 };
	bool ok;

	ok = get_challenge(&x, w, a, reterr) &&
	     prover_answer(&x, a, &proof, reterr) &&
	     post(w, a, STR("/v1/tokens"), json_pack("{s:o}", "proof", proof),
		 &answer, reterr) &&
	     take_grant(a, answer, &grant, reterr);
	json_decref(answer);
	if (ok)
		*ret = grant;
	return ok;
}
