/* service_tokens.c - challenges, answers that become tokens, tokens that become
 * narrower ones (RFC 8693), the broker, the public keys. */
#include "gateways/service_private.h"

#include <sys/random.h>

#include "base/base64.h"
#include "base/digest.h"
#include "base/limits.h"
#include "gateways/account_json.h"

static bool
read_body(struct service_call *c, const struct body_field *fields, size_t n,
    void *object)
{
	return body_read(c->q, fields, n, object, &c->json, &c->err) ||
	       service_refuse(c);
}

struct sts_token_options
service_token_options(
    const struct service_call *c, int64_t lifetime_s, bool offer)
{
	int64_t most = c->s->config->service.token_lifetime_s;

	return (struct sts_token_options){ .ring = c->keys->ring,
		.lifetime_s = lifetime_s ? lifetime_s : most,
		.lifetime_most_s = most,
		.offer = offer };
}

/* ---- challenges ---------------------------------------------------------- */

struct challenge {
	struct str account, method, audience, role;
};
static const struct body_field challenge_fields[] = {
	{ "account", BODY_TEXT, offsetof(struct challenge, account), true },
	{ "method", BODY_TEXT, offsetof(struct challenge, method), true },
	{ "audience", BODY_TEXT, offsetof(struct challenge, audience), true },
	{ "role", BODY_TEXT, offsetof(struct challenge, role), false },
};

/* For evidence of a cloud that takes a nonce. */
static bool
put_digits(struct service_call *c, struct str challenge, json_t *answer)
{
	char digits[STS_DIGITS + 1];

	return sts_challenge_digits(challenge, digits, &c->err) &&
	       (json_object_set_new(answer, "nonce", json_string(digits)) ==
		       0 ||
		   error_nomem(&c->err));
}

static bool
answer_challenge(
    struct service_call *c, enum prove_role role, struct str challenge)
{
	struct buf text = { 0 };
	json_t *answer;

	base64_encode(&text, BASE64_URL, challenge);
	answer =
	    buf_ok(&text)
		? json_pack("{s:o, s:I, s:s}", "challenge",
		      json_from_str(buf_str(&text)), "expiresIn",
		      (json_int_t)sts_challenge_life_s(role), "channelBinding",
		      c->s->config->service.channel == CONFIG_CHANNEL_OFF
			  ? "off"
			  : "tls-exporter")
		: NULL;
	buf_free(&text);
	if (answer && role == PROVE_ATTEST &&
	    !put_digits(c, challenge, answer)) {
		json_decref(answer);
		return service_refuse(c);
	}
	return service_reply(c, 201, answer);
}

bool
service_challenge(struct service_call *c)
{
	struct challenge body = { .role = STR("account") };
	struct buf raw = { 0 };
	enum prove_role role;
	bool ok;

	if (!read_body(c, challenge_fields, ARRAY_LEN(challenge_fields), &body))
		return false;
	role = prove_role_of(body.role);
	ok = sts_challenge(c->s->sts, role, body.account,
		 prove_method_of(body.method), body.audience, &raw, &c->err)
		 ? answer_challenge(c, role, buf_str(&raw))
		 : service_refuse(c);
	buf_free(&raw);
	return ok;
}

/* ---- answers ------------------------------------------------------------- */

struct answer {
	const json_t *proof;
	enum body_choice offer;
	int64_t lifetime_s;
};
static const struct body_field answer_fields[] = {
	{ "proof", BODY_OBJECT, offsetof(struct answer, proof), true },
	{ "offer", BODY_CHOICE, offsetof(struct answer, offer), false },
	{ "lifetime", BODY_DURATION, offsetof(struct answer, lifetime_s),
	    false },
};

bool
service_caller(struct service_call *c, uint8_t channel[TLS_CHANNEL_BYTES],
    struct sts_caller *ret)
{
	*ret = (struct sts_caller){ .source = c->q->peer,
		.relay = c->actor.rank == STS_ACCOUNT ? &c->actor : NULL };
	if (c->s->config->service.channel == CONFIG_CHANNEL_OFF)
		return true;
	if (!http_channel(c->q, channel))
		return service_fail(c, ERR_EVIDENCE_TRANSPORT,
		    "the TLS connection has no `tls-exporter` value");
	ret->channel = (struct str){ (const char *)channel, TLS_CHANNEL_BYTES };
	return true;
}

/* Only who was proven learns of it. */
static bool
check_revoked(struct service_call *c, struct str account)
{
	if (!attest_revoked_has(c->revoked, ATTEST_ACCOUNT, account) &&
	    !attest_revoked_has(c->revoked, ATTEST_INSTANCE, account))
		return true;
	return service_fail(c, ERR_EVIDENCE_REVOKED, "the account is revoked");
}

bool
service_tokens(struct service_call *c)
{
	struct answer body = { 0 };
	struct prove_answer proof;
	struct sts_token_options options;
	struct sts_caller caller;
	struct sts_grant grant;
	uint8_t channel[TLS_CHANNEL_BYTES];

	if (!read_body(c, answer_fields, ARRAY_LEN(answer_fields), &body))
		return false;
	if (!prove_answer_read(c->a, body.proof, &proof, &c->err))
		return service_refuse(c);
	options =
	    service_token_options(c, body.lifetime_s, body.offer == BODY_YES);
	if (!service_caller(c, channel, &caller))
		return false;
	if (!sts_token(
		c->s->sts, c->a, &proof, &caller, &options, &grant, &c->err))
		return service_refuse(c);
	if (!check_revoked(c, grant.actor.account))
		return false;
	return service_reply(c, 201, grant_json(&grant));
}

/* ---- exchange (RFC 8693) ------------------------------------------------- */

enum { F_GRANT, F_TOKEN, F_TYPE, F_WANTED, F_AUDIENCE, F_ACTOR, F_COUNT };
static const char *const form_names[F_COUNT] = { "grant_type", "subject_token",
	"subject_token_type", "requested_token_type", "audience",
	"actor_token" };

/* What is asked for; a full token where nothing is said. */
static bool
wanted_type(
    struct service_call *c, const struct body_pair *form, enum token_type *ret)
{
	struct str name = form[F_WANTED].value;

	*ret = name.p ? token_type_of(name) : TOKEN_FULL;
	return (str_find(name, ':', 0) < name.n || !name.p) && *token_urn(*ret)
		   ? true
		   : service_fail(c, ERR_REQUEST_MALFORMED,
			 "`requested_token_type`: expected %s, %s or %s",
			 token_urn(TOKEN_FULL), token_urn(TOKEN_WIT),
			 token_urn(TOKEN_JWT_SVID));
}

static bool
check_form(struct service_call *c, const struct body_pair *form)
{
	struct str type = form[F_TYPE].value;

	if (!str_eq(form[F_GRANT].value,
		STR("urn:ietf:params:oauth:grant-type:token-exchange")))
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "`grant_type`: expected "
		    "urn:ietf:params:oauth:grant-type:token-exchange");
	if (form[F_TOKEN].value.n == 0 || str_find(type, ':', 0) == type.n ||
	    token_type_of(type) != TOKEN_FULL)
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "expected `subject_token`, and `subject_token_type` %s",
		    token_urn(TOKEN_FULL));
	/* Delegation would say that another acts: not here. */
	return form[F_ACTOR].value.p == NULL ||
	       service_fail(
		   c, ERR_REQUEST_MALFORMED, "`actor_token` is not supported");
}

/* A token for this service, or for the audience that it shall keep. */
static bool
verify_subject(
    struct service_call *c, const struct body_pair *form, struct token *ret)
{
	const struct config_service *config = &c->s->config->service;
	struct token_want want = { .type = TOKEN_FULL,
		.keys = c->keys->verify,
		.issuer = config->issuer,
		.audience = config->url,
		.trust_domain = config->trust_domain,
		.revoked = c->revoked,
		.now_unix_s = c->now_s };

	if (token_verify(c->a, form[F_TOKEN].value, &want, ret, &c->err))
		return true;
	if (c->err.code != ERR_EVIDENCE_AUDIENCE || !form[F_AUDIENCE].value.n)
		return service_refuse(c);
	c->err = (struct error){ 0 };
	want.audience = form[F_AUDIENCE].value;
	return token_verify(c->a, form[F_TOKEN].value, &want, ret, &c->err) ||
	       service_refuse(c);
}

/* Said before it is issued, so that what is noted is what was issued. */
static bool
name_token(struct service_call *c, struct token *t)
{
	uint8_t bytes[16];
	char hex[2 * sizeof bytes + 1];

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return error_set(&c->err, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "there is no randomness to be had");
	digest_hex(bytes, sizeof bytes, hex);
	t->id = str_dup(c->a, str_of(hex));
	return t->id.p || error_nomem(&c->err);
}

static bool
make_exchanged(struct service_call *c, const struct token_exchange *x,
    struct token *ret, struct buf *compact)
{
	return (token_exchange(c->a, x, ret, &c->err) && name_token(c, ret) &&
		   token_issue(c->keys->ring, ret, compact, &c->err) &&
		   sts_token_note(c->s->sts, ret, buf_str(compact), &c->err)) ||
	       service_refuse(c);
}

/* How it is used (RFC 8693 2.2.1): a WIT-SVID is no access token. */
static const char *
use_of(enum token_type type)
{
	switch ((int)type) {
	case TOKEN_JWT_SVID:
		return "Bearer";
	case TOKEN_WIT:
		return "N_A";
	default:
		return "DPoP";
	}
}

static bool
exchange(struct service_call *c, const struct token_exchange *x,
    const struct dpop_proof *proof)
{
	struct token next = { 0 };
	struct buf compact = { 0 };
	bool ok;

	if (!dpop_spend(c->s->dpop, proof, c->now_s, &c->err))
		return service_refuse(c);
	ok = make_exchanged(c, x, &next, &compact);
	if (ok) {
		c->s->counts.exchanges++;
		(void)service_reply(c, 200,
		    json_pack("{s:o, s:s, s:s, s:I}", "access_token",
			json_from_str(buf_str(&compact)), "issued_token_type",
			token_urn(x->type), "token_type", use_of(x->type),
			"expires_in",
			(json_int_t)(next.expires_at - c->now_s)));
	}
	token_fini(&next);
	buf_free(&compact);
	return ok;
}

/* The key that a WIT-SVID names is the one that was proven just now. */
static bool
exchange_proven(struct service_call *c, const struct body_pair *form,
    const struct dpop_proof *proof, enum token_type type)
{
	const struct config_service *config = &c->s->config->service;
	struct token subject = { 0 };
	json_t *holder = NULL;
	bool ok = verify_subject(c, form, &subject) &&
		  (type != TOKEN_WIT ||
		      dpop_key(http_header(c->q, "dpop"), &holder, &c->err) ||
		      service_refuse(c));
	const struct token_exchange x = { .subject = &subject,
		.proven_jkt = str_of(proof->jkt),
		.service = config->url,
		.type = type,
		.audience = form[F_AUDIENCE].value,
		.lifetime_s = config->token_lifetime_s,
		.holder = holder,
		.trust_domain = config->trust_domain,
		.allow_bearer = config->gives_jwt_svids,
		.now_unix_s = c->now_s };

	ok = ok && exchange(c, &x, proof);
	json_decref(holder);
	token_fini(&subject);
	return ok;
}

bool
service_exchange(struct service_call *c)
{
	struct body_pair form[F_COUNT];
	struct dpop_proof proof;
	enum token_type type;

	for (size_t i = 0; i < F_COUNT; i++)
		form[i] = (struct body_pair){ form_names[i], { 0 } };
	if (!body_form(c->q, form, F_COUNT, &c->err))
		return service_refuse(c);
	return check_form(c, form) && wanted_type(c, form, &type) &&
	       service_attempt(c) &&
	       service_attempted(
		   c, service_proven_jkt(c, form[F_TOKEN].value, &proof) &&
			  exchange_proven(c, form, &proof, type));
}

/* ---- the broker (S9) ----------------------------------------------------- */

struct offer {
	struct str token;
};
static const struct body_field offer_fields[] = {
	{ "token", BODY_TEXT, offsetof(struct offer, token), true },
};

bool
service_offer(struct service_call *c)
{
	struct offer body = { 0 };

	if (!read_body(c, offer_fields, ARRAY_LEN(offer_fields), &body))
		return false;
	c->id = c->actor.account;
	if (!sts_offer(c->s->sts, &c->actor, body.token, &c->err))
		return service_refuse(c);
	return service_reply_nothing(c);
}

bool
service_pick(struct service_call *c)
{
	struct str token;
	int64_t expires_at;

	if (!sts_pick(c->s->sts, c->a, &c->actor, c->id, &token, &expires_at,
		&c->err))
		return service_refuse(c);
	return service_reply(c, 200,
	    json_pack("{s:o, s:o}", "token", json_from_str(token), "expiresAt",
		json_from_time(expires_at * 1000)));
}

bool
service_withdraw(struct service_call *c)
{
	struct body_pair query[] = { { "audience", { 0 } } };

	if (!body_query(c->q, query, 1, &c->err))
		return service_refuse(c);
	if (!sts_withdraw(c->s->sts, &c->actor, c->id, query[0].value, &c->err))
		return service_refuse(c);
	return service_reply_nothing(c);
}

/* ---- public keys --------------------------------------------------------- */

bool
service_spiffe_bundle(struct service_call *c)
{
	if (c->s->config->service.trust_domain.n == 0)
		return service_fail(c, ERR_REQUEST_PATH,
		    "this service has no SPIFFE trust domain");
	if (!token_ring_spiffe_bundle(
		c->keys->ring, c->now_s, &c->r->body, &c->err))
		return service_refuse(c);
	c->r->status = 200;
	c->r->content_type = "application/json";
	c->r->max_age_s = TOKEN_KEYS_MAX_AGE_S;
	return true;
}

bool
service_jwks(struct service_call *c)
{
	if (!token_ring_jwks(c->keys->ring, c->now_s, &c->r->body, &c->err))
		return service_refuse(c);
	c->r->status = 200;
	c->r->content_type = "application/jwk-set+json";
	c->r->max_age_s = TOKEN_KEYS_MAX_AGE_S;
	return true;
}
