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

struct proving {
	const struct prover_wire *w;
	struct arena *a;
	const struct prover_what *what;
	struct prove_with with;
	struct prove_answer answer;
	uint8_t channel[CLIENT_CHANNEL_BYTES];
};

static bool
take_challenge(struct proving *p, const json_t *from, struct error *reterr)
{
	struct str text = json_str(json_object_get(from, "challenge"));
	struct str binding = json_str(json_object_get(from, "channelBinding"));

	if (!base64_decode(p->a, BASE64_URL, text, &p->answer.challenge))
		return no_sense(reterr);
	if (!str_eq(binding, STR("tls-exporter")))
		return true;
	if (!p->w->channel(p->w->ctx, p->channel))
		return error_set(reterr, ERR_EVIDENCE_TRANSPORT, SPAN_NONE,
		    "the connection to " WHO
		    " has no channel to bind to: TLS 1.3 is needed");
	p->with.channel =
	    (struct str){ (const char *)p->channel, sizeof p->channel };
	return true;
}

static bool
get_challenge(struct proving *p, struct error *reterr)
{
	const struct prover_what *what = p->what;
	enum prove_method method =
	    what->secret.n ? PROVE_HMAC : prove_method_of_key(what->key);
	json_t *answer = NULL;
	bool ok = post(p->w, p->a, STR("/v1/challenges"),
	    json_pack("{s:o, s:s, s:o, s:s}", "account",
		json_from_str(what->account), "method",
		prove_method_name(method), "audience",
		json_from_str(what->audience), "role",
		prove_role_name(what->role)),
	    &answer, reterr);

	ok = ok && take_challenge(p, answer, reterr);
	json_decref(answer);
	return ok;
}

static bool
make_answer(struct proving *p, json_t **ret, struct error *reterr)
{
	struct buf text = { 0 };
	bool ok;

	p->answer.role = p->what->role;
	p->answer.account = p->what->account;
	p->answer.audience = p->what->audience;
	ok = prove_answer_make(p->a, &p->with, &p->answer, reterr) &&
	     (prove_answer_write(&p->answer, &text) || error_nomem(reterr)) &&
	     json_parse(buf_str(&text), "proof", LIMIT_ANSWER_BYTES,
		 LIMIT_HTTP_JSON_DEPTH, JSON_NO_NUL, ret, reterr);
	buf_free(&text);
	return ok;
}

static bool
read_time(const json_t *from, const char *name, int64_t *ret_s)
{
	int64_t ms;

	if (!time_parse_datetime(json_str(json_object_get(from, name)), &ms))
		return false;
	*ret_s = ms / 1000;
	return true;
}

static bool
take_grant(struct proving *p, const json_t *from, struct prover_grant *ret,
    struct error *reterr)
{
	struct str token = json_str(json_object_get(from, "token"));

	if (token.n == 0 || token.n > LIMIT_TOKEN_BYTES ||
	    !read_time(from, "issuedAt", &ret->issued_s) ||
	    !read_time(from, "expiresAt", &ret->expires_s))
		return no_sense(reterr);
	ret->token = str_dup(p->a, token);
	return ret->token.p || error_nomem(reterr);
}

bool
prover_token(const struct prover_wire *w, struct arena *a,
    const struct prover_what *what, struct prover_grant *ret,
    struct error *reterr)
{
	struct proving p = { .w = w,
		.a = a,
		.what = what,
		.with = { .service = what->service,
		    .secret = what->secret,
		    .key = what->key,
		    .random = what->random } };
	json_t *proof = NULL, *answer = NULL;
	struct prover_grant grant = { 0 };
	bool ok;

	ok = get_challenge(&p, reterr) && make_answer(&p, &proof, reterr) &&
	     post(w, a, STR("/v1/tokens"), json_pack("{s:o}", "proof", proof),
		 &answer, reterr) &&
	     take_grant(&p, answer, &grant, reterr);
	json_decref(answer);
	if (ok)
		*ret = grant;
	return ok;
}
