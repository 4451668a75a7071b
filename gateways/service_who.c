/* service_who.c - who asks. On the admin's listener: a client certificate of a
 * configured CA, or an admin token. On the service's: an account, by a token
 * that was issued for this service and a proof of the key it is bound to (RFC
 * 9449), made for this very request. Neither takes what the other does. */
#include "gateways/admin.h"
#include "gateways/service_private.h"

static struct str
after_scheme(struct str header, const char *scheme)
{
	size_t space = str_find(header, ' ', 0);

	if (!http_name_eq(str_sub(header, 0, space), scheme) ||
	    space == header.n)
		return (struct str){ 0 };
	return str_sub(header, space + 1, header.n);
}

/* What only a guess, a forgery or a replay gets. */
static bool
is_failed_proof(enum err_code code)
{
	return code == ERR_EVIDENCE_PROOF || code == ERR_EVIDENCE_SIGNATURE ||
	       code == ERR_EVIDENCE_KEY || code == ERR_EVIDENCE_REPLAYED;
}

bool
service_attempt(struct service_call *c)
{
	return sts_attempt(c->s->sts, &c->q->peer, &c->err) ||
	       service_refuse(c);
}

bool
service_attempted(struct service_call *c, bool ok)
{
	if (ok || c->lacks_nonce || !is_failed_proof(c->err.code))
		sts_attempt_right(c->s->sts, &c->q->peer);
	return ok;
}

static bool
admin_by_token(struct service_call *c)
{
	struct str token =
	    after_scheme(http_header(c->q, "authorization"), "bearer");
	struct store_admin_token t;

	if (token.n == 0)
		return service_fail(c, ERR_EVIDENCE_MISSING,
		    "expected a client certificate, or `Authorization: Bearer` "
		    "with an admin token");
	if (c->s->config->admin.no_tokens)
		return service_fail(c, ERR_EVIDENCE_KIND,
		    "admin tokens are switched off here: expected a client "
		    "certificate");
	if (!service_attempt(c))
		return false;
	if (!service_attempted(c, admin_token_check(c->s->store, c->a, token,
				      c->now_s, &t, &c->err)))
		return service_refuse(c);
	c->actor = (struct sts_actor){ .rank = STS_ADMIN, .account = t.name };
	return true;
}

static bool
admin(struct service_call *c)
{
	if (c->q->client == TLS_CLIENT_REFUSED)
		return service_fail(c, ERR_EVIDENCE_KEY,
		    "the client certificate is expired, not for clients, or of "
		    "no CA that is trusted here");
	if (c->q->client == TLS_CLIENT_NONE)
		return admin_by_token(c);
	c->actor = (struct sts_actor){ .rank = STS_ADMIN,
		.account = c->q->client_subject };
	return true;
}

/* ---- accounts ------------------------------------------------------------ */

/* The nonce in each answer to a proof that lacks one (RFC 9449 8). */
static bool
ask_for_nonce(struct service_call *c)
{
	char nonce[DPOP_NONCE + 1];
	struct error ignored = { 0 };

	c->lacks_nonce = true;
	if (dpop_nonce(c->s->dpop, c->now_s, nonce, &ignored)) {
		http_response_header(
		    c->r, "DPoP-Nonce", str_dup(c->a, str_of(nonce)));
		http_response_header(c->r, "WWW-Authenticate",
		    STR("DPoP error=\"use_dpop_nonce\""));
	}
	return service_refuse(c);
}

bool
service_proven_jkt(
    struct service_call *c, struct str token, struct dpop_proof *ret)
{
	struct str url = str_printf(c->a, "%.*s%.*s",
	    STR_ARG(c->s->config->service.url), STR_ARG(c->q->path));
	const struct dpop_request request = {
		.proof = http_header(c->q, "dpop"),
		.method = c->q->method,
		.url = url,
		.shown = token,
		.now_unix_s = c->now_s,
	};
	bool stale = false;

	if (!url.p)
		return service_fail(c, ERR_LIMIT_MEMORY, "memory ran out");
	if (request.proof.n == 0)
		return service_fail(c, ERR_EVIDENCE_PROOF,
		    "expected one `DPoP` header, a proof of the token's key");
	if (dpop_check(c->s->dpop, &request, ret, &stale, &c->err))
		return true;
	return stale ? ask_for_nonce(c) : service_refuse(c);
}

static bool
account(struct service_call *c, struct str shown)
{
	const struct config_service *config = &c->s->config->service;
	const struct token_want want = { .type = TOKEN_FULL,
		.keys = c->keys->verify,
		.issuer = config->issuer,
		.audience = config->url,
		.trust_domain = config->trust_domain,
		.revoked = c->revoked,
		.now_unix_s = c->now_s };
	struct dpop_proof proof;
	struct token t = { 0 };
	bool ok;

	if (!service_proven_jkt(c, shown, &proof))
		return false;
	if (!token_verify(c->a, shown, &want, &t, &c->err))
		return service_refuse(c);
	ok = str_eq(t.jkt, str_of(proof.jkt)) ||
	     error_set(&c->err, ERR_EVIDENCE_PROOF, SPAN_NONE,
		 "the proof is of another key than the token's");
	ok = ok && dpop_spend(c->s->dpop, &proof, c->now_s, &c->err);
	c->actor = (struct sts_actor){ .rank = ok ? STS_ACCOUNT : STS_NOBODY,
		.account = t.subject,
		.incarnation = t.incarnation };
	token_fini(&t);
	return ok || service_refuse(c);
}

bool
service_who_maybe(struct service_call *c)
{
	struct str header = http_header(c->q, "authorization");

	if (c->is_admin)
		return admin(c);
	if (header.n == 0)
		return true;
	if (after_scheme(header, "dpop").n == 0)
		return service_fail(c, ERR_EVIDENCE_KIND,
		    "expected `Authorization: DPoP` with a token for this "
		    "service");
	return service_attempt(c) &&
	       service_attempted(c, account(c, after_scheme(header, "dpop")));
}

bool
service_who(struct service_call *c)
{
	if (!service_who_maybe(c))
		return false;
	return c->actor.rank != STS_NOBODY ||
	       service_fail(c, ERR_EVIDENCE_MISSING,
		   "expected `Authorization: DPoP` with a token for this "
		   "service");
}
